"use strict";
// The page is complete without this script: every step, one below the other. The script shows one
// step at a time, marks it in the figure, lights the entries an entry comes from, and asks before
// it shows. What is hidden is hidden by classes that page.css reads on screens only: a print has all.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = (text) => (text || "").split(/\s+/).filter(Boolean);
  const data = (id) => JSON.parse(byId(id)?.textContent || "{}");

  const steps = all("section.step");
  if (!steps.length) return;
  const SECONDS_A_STEP = 2.5;
  const [WIDEST, SCALE] = [1200, 0.45];  // of a figure on paper, in points
  const sources = data("sources");
  const predictions = data("predictions");
  const figure = byId("figure");
  const svg = figure?.querySelector("svg");
  const [back, play, next, slider, place, predict] =
    ["back", "play", "next", "slider", "place", "predict"].map(byId);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let current = -1;
  let timer = 0;

  // ---- One step at a time ----------------------------------------------------------------------

  function show(index, { focus = false } = {}) {
    index = Math.min(Math.max(index, 0), steps.length - 1);
    if (index === current) return;
    const focusIsLost = steps[current]?.contains(document.activeElement);
    current = index;
    unlight();
    steps.forEach((step, i) => step.classList.toggle("shown", i === index));
    slider.value = index + 1;
    slider.setAttribute("aria-valuetext", spoken(steps[index]));
    back.setAttribute("aria-disabled", index === 0);
    next.setAttribute("aria-disabled", index === steps.length - 1);
    announce(steps[index]);
    mark(index);
    if (location.protocol !== "about:") {  // as in the frame of a notebook, which has no address
      history.replaceState(null, "", `#step=${index + 1}${document.body.dataset.changed || ""}`);
    }
    if (focus || focusIsLost) focusTitle(steps[index]);
  }

  function focusTitle(step) {
    const title = step.querySelector("h2");
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }

  const spoken = (step) => step.querySelector("h2").textContent.replace(/\s+/g, " ").trim();

  /** `5 / 12` for everyone; the step's title with it for those who hear the page. */
  function announce(step) {
    const title = document.createElement("span");
    title.className = "unseen";
    title.textContent = ` ${spoken(step)}`;
    place.replaceChildren(`${current + 1} / ${steps.length}`, title);
  }

  function fromAddress() {
    const found = /^#step=(\d+)(?:&|$)/.exec(location.hash);
    return found ? Number(found[1]) - 1 : null;
  }

  // ---- The figure ------------------------------------------------------------------------------

  /** Each node leads to its step, as do the arrows of the backward pass. */
  function linkFigure() {
    const where = {};
    steps.forEach((step, i) => words(step.dataset.figure).forEach((name) => where[name] ??= i + 1));
    steps.forEach((step, i) => {  // a tensor's own step goes before one that uses it
      if (/^(forward|loss)$/.test(step.dataset.kind)) where[step.dataset.target] = i + 1;
    });
    for (const g of svg ? all("g:not(.forward)", svg) : []) {
      const found = [...g.classList].find((name) => Object.hasOwn(where, name));
      if (!found) continue;
      const link = document.createElementNS(svg.namespaceURI, "a");
      link.setAttribute("href", `#step=${where[found]}`);
      if (g.matches(".backward")) link.tabIndex = -1;  // the steps are reached by the nodes
      link.append(...[...g.children].filter((child) => child.tagName !== "title"));
      g.append(link);
    }
  }

  /** The names are plain words of ours (t3, f3, e1-3), so they are safe within a selector. */
  const drawn = (names, root = svg) => names.flatMap((name) => all(`g.${CSS.escape(name)}`, root));

  function mark(index) {
    if (!svg) return;
    const now = marked(index, svg);
    all("a", svg).forEach((link) => link.removeAttribute("aria-current"));
    all(`a[*|href="#step=${index + 1}"]`, svg).forEach((link) =>
      link.setAttribute("aria-current", "step"));
    bringIntoView(drawn(words(steps[index].dataset.target)).concat(now)[0]);
  }

  /** The figure, or a copy of it, with what is current in a step, and the way back up to it. */
  function marked(index, root) {
    all("g.current, g.walked, g.ahead", root).forEach((g) =>
      g.classList.remove("current", "walked", "ahead"));
    // Walked: the backward edges of the steps so far.
    const walked = new Set(steps.slice(0, index + 1).flatMap((step) => words(step.dataset.figure)));
    for (const edge of all("g.backward", root)) {
      const isWalked = [...edge.classList].some((name) => walked.has(name));
      edge.classList.add(isWalked ? "walked" : "ahead");
    }
    const now = drawn(words(steps[index].dataset.figure), root);
    now.forEach((g) => g.classList.add("current"));
    return now;
  }

  /**
   * On paper each step has the figure of its own. Of a wide one the first step has all parts, the
   * others what they compute, and an update none.
   */
  function printFigures(on) {
    all(".printed").forEach((copy) => copy.remove());
    if (!on || !svg) return;
    const parts = broken();
    steps.forEach((step, index) => {
      const copy = document.createElement("div");
      copy.className = "printed";
      const now = words(step.dataset.figure);
      const computed = now.filter((name) => name.startsWith("f"));
      for (const { from, to, names } of parts) {
        const isOf = (name) => names.has(name) && step.dataset.kind !== "update";
        if (index && parts.length > 1 && !(computed.length ? computed : now).some(isOf)) continue;
        const part = copy.appendChild(svg.cloneNode(true));
        const { y, height } = svg.viewBox.baseVal;
        part.setAttribute("viewBox", `${from} ${y} ${to - from} ${height}`);
        part.style.cssText = `width: ${SCALE * (to - from)}pt`;
        ["width", "height"].forEach((name) => part.removeAttribute(name));
      }
      marked(index, copy);
      step.querySelector("h2").after(copy);
    });
  }

  /** Parts of the figure that are no wider than a sheet, broken between nodes, each with its own. */
  function broken() {
    const { x, width } = svg.viewBox.baseVal;
    const whole = svg.getBoundingClientRect();
    const at = (place) => x + ((place - whole.left) * width) / whole.width;
    const nodes = all("g.node", svg).map((g) => {
      const { left, right } = g.getBoundingClientRect();
      return { left: at(left), right: at(right), names: [...g.classList] };
    });
    const between = nodes.map((node) => node.right + 8).filter((place) =>
      nodes.every((node) => place < node.left || place > node.right));
    const n = Math.ceil(width / WIDEST);
    const ends = Array.from({ length: n - 1 }, (_, i) => x + ((i + 1) * width) / n).map((end) =>
      between.reduce((a, b) => (Math.abs(b - end) < Math.abs(a - end) ? b : a), Infinity));
    return [...ends.filter(isFinite), x + width].map((to, i, all) => {
      const from = i ? all[i - 1] : x;
      const own = nodes.filter((node) => node.left < to && node.right > from);
      return { from, to, names: new Set(own.flatMap((node) => node.names)) };
    });
  }

  /** Scrolls within the figure's own box; the page stays where it is. */
  function bringIntoView(shape) {
    if (!shape) return;
    const [of, at] = [figure.getBoundingClientRect(), shape.getBoundingClientRect()];
    figure.scrollBy({
      left: at.left + at.width / 2 - of.left - of.width / 2,
      top: at.top + at.height / 2 - of.top - of.height / 2,
      behavior: calm.matches ? "auto" : "smooth",
    });
  }

  /** As large as its box, but never so small or so large that its text is: else the box scrolls. */
  function fitFigure() {
    const { width, height } = svg?.viewBox.baseVal || {};
    if (!width) return;
    const style = getComputedStyle(figure);
    const room = figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const scale = room < 0.85 * width ? 1 : Math.min(room / width, 1.3);
    svg.style.width = `${width * scale}px`;
    svg.style.height = `${height * scale}px`;
  }

  // ---- Which entries an entry comes from -------------------------------------------------------

  const keyOf = (cell) => cell.closest("[data-key]")?.dataset.key;

  function light(key, entries, name) {
    const step = steps[current];
    const wanted = new Set(entries.map(String));
    const place = /^[vg](\d+)$/.exec(key);  // a tensor's value and its gradient share a node
    if (place && svg) all(`g.node.t${place[1]}`, svg).forEach((g) => g.classList.add(name));
    for (const part of all(`[data-key="${CSS.escape(key)}"]`, step)) {
      if (part.matches(".formula *")) part.classList.add(name);
      else all("td[data-entry]", part).forEach((cell) => {
        if (wanted.has(cell.dataset.entry)) cell.classList.add(name);
      });
    }
  }

  function unlight() {
    all(".lit, .chosen").forEach((part) => part.classList.remove("lit", "chosen"));
  }

  /** From an entry of the result to what it comes from; from an operand's to what it goes into. */
  function lightFrom(cell) {
    unlight();
    const step = cell.closest("section.step");
    const comesFrom = sources[step?.id];
    const key = keyOf(cell);
    const entry = cell.dataset.entry;
    if (!comesFrom || !key) return;
    const result = step.querySelector(".result .matrix")?.dataset.key;
    if (key === result && cell.closest(".result")) {
      for (const [of, entries] of Object.entries(comesFrom[entry] || {})) light(of, entries, "lit");
    } else {
      const into = Object.keys(comesFrom).filter((to) =>
        (comesFrom[to][key] || []).includes(Number(entry)));
      if (result && into.length) light(result, into, "lit");
    }
    light(key, [entry], "chosen");
  }

  const cellOf = (event) => event.target.closest?.("section.step td[data-entry]");
  const lightAt = (event) => cellOf(event) && lightFrom(cellOf(event));
  /** Leaving an entry with the pointer goes back to the one that has the focus. */
  function leave(event) {
    if (!cellOf(event)) return;
    const focused = document.activeElement;
    if (event.type === "mouseout" && focused?.matches("td[data-entry]")) lightFrom(focused);
    else unlight();
  }

  // ---- Playing ---------------------------------------------------------------------------------

  function setPlaying(on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      if (current === steps.length - 1) show(0);
      timer = setInterval(() => {
        show(current + 1);
        if (current === steps.length - 1) setPlaying(false);
      }, SECONDS_A_STEP * 1000);
    }
    play.setAttribute("aria-pressed", on);
    play.textContent = on ? play.dataset.pause : play.dataset.play;
  }

  function go(index, options) {
    setPlaying(false);
    show(index, options);
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.target.matches("input, textarea, select")) return; // they have their own keys
    const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: steps.length - 1 };
    if (event.key in to) go(to[event.key]);
    else if (event.key === " " && !event.target.closest("button, a, summary")) setPlaying(!timer);
    else return;
    event.preventDefault();
  }

  // ---- Predict, then see -----------------------------------------------------------------------

  let turn = -1;
  /** Another entry each time. */
  const asks = (form) => {
    const asked = predictions[form.closest(".step").id];
    const all = [asked, ...(asked.more || [])];
    return { ...asked, ...all[Math.max(turn, 0) % all.length] };
  };

  function setPredicting(on) {
    setPlaying(false);
    turn += on;
    predict.setAttribute("aria-pressed", on);
    document.body.classList.toggle("predicting", on);
    for (const form of all("form.predict")) {
      form.hidden = !on;
      const spans = all("label > span", form);
      spans.forEach((span, i) => { span.hidden = i !== Math.max(turn, 0) % spans.length; });
      form.reset();
      answer(form, "", "");
      form.closest(".step").classList.remove("solved");
    }
  }

  /** `1×2`, `1 x 2`, `(1, 2)`, `[1, 2]` → [1, 2]; `5` → [5]; `()` → []; else null. */
  function readShape(text) {
    const inner = text.trim().replace(/^[([（]|[)\]）]$/g, "").replace(/[,，]\s*$/, "");
    if (!inner.trim()) return text.trim() ? [] : null;
    const sizes = inner.split(/[×x*,，]/i).map((size) => size.trim());
    return sizes.every((size) => /^\d+$/.test(size)) ? sizes.map(Number) : null;
  }

  /** What was typed, and how far a value may lie from it: half a unit of the last digit. */
  function readNumber(text) {
    const plain = text.trim().replace(/[−–]/g, "-").replace(/^([^.,]*),(\d+)$/, "$1.$2");
    const parts = /^[+-]?(?:\d+\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i.exec(plain);
    if (!parts) return null;
    const decimals = (parts[1] || parts[2] || "").length - Number(parts[3] || 0);
    return { value: Number(plain), half: 0.5 * 10 ** -decimals };
  }

  /** Within 0.5 %, or rounded to the digits typed. `0` or `1` for 0.58 rounds too much to count. */
  function isClose(typed, value) {
    const size = Math.abs(value);
    const allowed = Math.max(0.005 * size, Math.min(typed.half, 0.05 * size));
    return Math.abs(typed.value - value) <= allowed * (1 + 1e-9);
  }

  const sameShape = (a, b) => a.length === b.length && a.every((size, i) => size === b[i]);

  /** [right?, what to say] */
  function judge(form, text) {
    const asked = asks(form);
    const mistakes = asked.mistakes || [];
    let mistake;
    if (form.dataset.asks === "shape") {
      const shape = readShape(text);
      if (!shape) return [false, asked.unreadable];
      if (sameShape(shape, asked.shape)) return [true, asked.right];
      mistake = mistakes.find((known) => known.shape && sameShape(shape, known.shape));
    } else {
      const typed = readNumber(text);
      if (!typed) return [false, asked.unreadable];
      if (isClose(typed, asked.value) || isAsShown(form, asked, typed)) return [true, asked.right];
      mistake = mistakes.find((known) => "value" in known && isClose(typed, known.value));
    }
    return [false, mistake ? mistake.says : asked.wrong];
  }

  /** The number as the page shows it is right, however small it is. */
  function isAsShown(form, asked, typed) {
    const cell = form.closest(".step").querySelector(
      `.result td[data-entry="${Number(asked.entry)}"]`);
    return readNumber(cell?.textContent || "")?.value === typed.value;
  }

  function answer(form, verdict, says) {
    const status = form.querySelector("[role=status]");
    status.textContent = says;
    status.dataset.verdict = verdict;
    const input = form.querySelector("input");
    if (input) input.setAttribute("aria-invalid", verdict === "wrong");
  }

  function onCheck(event) {
    const form = event.target;
    if (!form.matches("form.predict")) return;
    event.preventDefault();
    const text = form.querySelector("input").value;
    if (!text.trim()) return;
    const [right, says] = judge(form, text);
    answer(form, right ? "right" : "wrong", says);
    if (right) form.closest(".step").classList.add("solved");
  }

  function onShow(event) {
    const button = event.target.closest?.("form.predict button[type=button]");
    if (button) button.closest(".step").classList.add("solved");
  }

  // ---- Start -----------------------------------------------------------------------------------

  back.addEventListener("click", () => go(current - 1));
  next.addEventListener("click", () => go(current + 1));
  play.addEventListener("click", () => setPlaying(!timer));
  predict.addEventListener("click", () =>
    setPredicting(predict.getAttribute("aria-pressed") !== "true"));
  slider.addEventListener("input", () => go(Number(slider.value) - 1));
  addEventListener("keydown", onKey);
  addEventListener("hashchange", () => fromAddress() !== null && go(fromAddress(), { focus: true }));
  addEventListener("beforeprint", () => printFigures(true));
  addEventListener("afterprint", () => printFigures(false));
  addEventListener("resize", () => { fitFigure(); mark(current); });
  document.addEventListener("mouseover", lightAt);
  document.addEventListener("focusin", lightAt);
  document.addEventListener("mouseout", leave);
  document.addEventListener("focusout", leave);
  document.addEventListener("submit", onCheck);
  document.addEventListener("click", onShow);
  byId("controls").hidden = false;
  document.body.classList.add("stepping");
  linkFigure();
  fitFigure();
  show(fromAddress() ?? 0);
})();
