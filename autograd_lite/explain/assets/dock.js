"use strict";
// Changing numbers: by dragging or keys in a table, or in the dock at the foot of the page, which
// has the curve of the output against the chosen number. The page's own numbers are the proof of
// its program: where that finds others, nothing can be changed.
(() => {
  const dock = document.getElementById("live");
  if (!dock) return;
  const { body } = document;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const told = JSON.parse(document.getElementById("live-program").textContent);
  const { arrays, run } = live.loaded(told.program, told.single);
  const of = (key) => arrays[told.keys[key]];
  const forward = Math.max(...told.leaves.map((key) => told.keys[key]), told.keys[told.output]) + 1;
  const [svg, curve, tangent, dot, what, typed, slider, says, slope, rate, reset] = ["svg", ".curve",
    ".tangent", "circle", ".what span", ".what input", "[type=range]", ".says", ".slope", ".rate",
    ".reset"].map((part) => dock.querySelector(part));
  const WIDTH = 240, HEIGHT = 84, EDGE = 6, POINTS = 80;

  const cells = all(".matrix[data-key] td[data-entry]").flatMap((td) => {
    const { key } = td.closest(".matrix").dataset, entry = Number(td.dataset.entry);
    if (!(key in told.keys)) return [];
    const label = td.getAttribute("aria-label");
    return [{ td, key, entry, shown: td.textContent, level: td.style.getPropertyValue("--level"),
      name: label.slice(0, label.lastIndexOf(" = ")) }];
  });
  const statistics = all(".matrix[data-key] .statistics").map((said) => (
    { said, key: said.closest(".matrix").dataset.key, text: said.textContent }
  )).filter(({ key }) => key in told.keys);
  const measured = (values) => {
    const [least, most, norm] = [Math.min, Math.max, Math.hypot].map((f) => live.written(f(...values)));
    return `: ${least} … ${most}, ‖·‖ = ${norm}`;
  };
  const cellOf = (element) => cells.find((cell) => cell.td === element?.closest?.("td[data-live]"));
  const read = (text) => (text.trim() ? Number(text.trim().replace(/[−–]/g, "-").replace(",", "."))
    : NaN);

  run();
  const copied = (keys) => Object.fromEntries(keys.map((key) => [key, of(key).slice()]));
  const first = copied(Object.keys(told.keys));
  let start = first;
  let from = /&iteration=\d+/.exec(location.hash)?.[0] ?? "";
  const greatest = (key) => of(key).reduce((most, x) =>
    (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  const rounding = (key) => (of(key) instanceof Float32Array ? 1e-6 : 1e-12);
  const agrees = cells.every(({ key, entry, shown }) => {
    const x = first[key][entry];
    if (shown === "True" || shown === "False") return x === +(shown === "True");
    return shown === live.written(x)
      || Math.abs(read(shown) - x) <= 6e-4 * Math.abs(x) + rounding(key) * (1 + greatest(key));
  });
  if (!agrees) {
    document.getElementById("differs").hidden = false;
    return;
  }

  // ---- The page's numbers ------------------------------------------------------------------------

  const total = () => of(told.output).reduce((sum, x) => sum + x, 0);
  const changes = () => told.leaves.flatMap((key) => Array.from(of(key), (x, i) =>
    (Object.is(x, start[key][i]) ? "" : `${key}.${i}:${x}`)).filter(Boolean));

  function show() {
    run();
    const isChanged = told.leaves.some((key) => of(key).some((x, i) => !Object.is(x, first[key][i])));
    const most = Object.fromEntries(Object.keys(told.keys).map((key) => [key, greatest(key) || 1]));
    for (const { td, key, entry, shown, level, name } of cells) {
      const x = of(key)[entry], isOwn = Object.is(x, first[key][entry]);
      const text = isOwn ? shown : /^(True|False)$/.test(shown) ? (x ? "True" : "False")
        : live.written(x);
      if (td.textContent !== text) {
        td.textContent = text;
        td.setAttribute("aria-label", `${name} = ${text}`);
      }
      td.style.setProperty("--level", !isChanged ? level
        : Number.isFinite(x) ? (x / most[key]).toFixed(3) : 0);
    }
    body.classList.toggle("changed", isChanged);
    reset.disabled = !changes().length;
    for (const { said, key, text } of statistics) {
      said.textContent = isChanged ? text.replace(/: .*/, measured(of(key))) : text;
    }
    if (explained) explain(explained);
    draw();
  }

  /** The address keeps what was changed, so that it can be handed on. */
  function keep() {
    const changed = changes();
    body.dataset.changed = from + (changed.length ? `&set=${changed.join(",")}` : "");
    const step = /^#step=\d+/.exec(location.hash)?.[0] ?? "#step=1";
    if (location.protocol !== "about:") history.replaceState(null, "", step + body.dataset.changed);
  }

  function setRate(x) {
    arrays[told.rate][0] = x;
    rate.value = live.written(x);
    for (const said of all("[data-kind=update] .formula.with mn")) said.textContent = rate.value;
  }

  function restore() {
    for (const key of told.leaves) of(key).set(start[key]);
  }

  /** Start from other numbers of leaves, and another rate; `which` says in the address from which. */
  live.start = (values, other, which) => {
    start = first;
    restore();
    for (const [key, array] of Object.entries(values)) if (array.length) of(key).set(array);
    start = copied(told.leaves);
    if (other) setRate(other);
    show();
    if (which === from) fromAddress(); // it was asked for
    from = which;
    keep();
  };

  function fromAddress() {
    const found = /[#&]set=([^&]*)/.exec(location.hash);
    if (!found) return;
    restore();
    for (const part of found[1].split(",")) {
      const [, key, entry, x] = /^(\w+)\.(\d+):([-+.\de]+)$/.exec(part) || [];
      if (told.leaves.includes(key) && Number(entry) < of(key).length && Number.isFinite(Number(x))) {
        of(key)[entry] = Number(x);
      }
    }
    show();
  }

  // ---- The chosen number -------------------------------------------------------------------------

  let chosen = null;
  let range = [-1, 1];

  function choose(cell) {
    chosen = cell;
    const x = of(cell.key)[cell.entry], reach = Math.max(2 * Math.abs(x), 2);
    range = [x - reach, x + reach];
    [slider.min, slider.max] = range;
    if (!dock.matches(".on")) {
      dock.classList.add("on");
      dispatchEvent(new Event("resize"));
    }
    for (const { td, key, entry } of cells) {
      td.classList.toggle("held", key === cell.key && entry === cell.entry);
    }
    draw();
  }

  function set(x) {
    of(chosen.key)[chosen.entry] = x;
    show();
  }

  /** `W_12` with its index below. */
  const symbol = (text) => text.split(/_([\w,]+)/).map((part, i) => {
    const sub = document.createElement("sub");
    sub.textContent = part;
    return i % 2 ? sub : part;
  });

  function draw() {
    if (!chosen) return;
    const { key, entry, name } = chosen, leaf = of(key), x = leaf[entry];
    if (x < range[0] || x > range[1]) return void choose(chosen);
    const y = total(), g = of(key.replace("v", "g"))[entry], [low, high] = range;
    const points = Array.from({ length: POINTS + 1 }, (_, i) => {
      const at = leaf[entry] = low + (high - low) * i / POINTS;
      run(forward);
      return [at, total()];
    });
    leaf[entry] = x;
    run(forward);
    const heights = [...points.map((point) => point[1]), y].filter(Number.isFinite);
    const [least, most] = [Math.min(...heights), Math.max(...heights)];
    const isFlat = !(most - least > 1e-9 * Math.max(1, Math.abs(most)));
    const across = (at) => EDGE + (WIDTH - 2 * EDGE) * (at - low) / (high - low);
    const up = (h) => (isFlat ? HEIGHT / 2
      : HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (h - least) / (most - least));
    let pen = "M";
    curve.setAttribute("d", points.map(([at, h]) => {
      const move = Number.isFinite(h) ? `${pen}${across(at).toFixed(1)} ${up(h).toFixed(1)}` : "";
      pen = move ? "L" : "M";
      return move;
    }).join(""));
    const isSeen = Number.isFinite(y) && Number.isFinite(g), dx = (high - low) / 5;
    dot.style.display = Number.isFinite(y) ? "" : "none";
    if (Number.isFinite(y)) {
      dot.setAttribute("cx", across(x));
      dot.setAttribute("cy", up(y));
    }
    tangent.setAttribute("d", isSeen ? `M${across(x - dx)} ${up(y - g * dx)}`
      + `L${across(x + dx)} ${up(y + g * dx)}` : "");
    what.replaceChildren(...symbol(name));
    says.replaceChildren(...symbol(told.name), ` = ${live.written(y)}`);
    slope.replaceChildren("∂", ...symbol(told.name), "/∂", ...symbol(name), ` = ${live.written(g)}`);
    slider.setAttribute("aria-label", name);
    svg.setAttribute("aria-label", `${told.name} (${name})`);
    if (document.activeElement !== typed) typed.value = live.written(x);
    slider.value = x;
  }

  // ---- How a number comes about ------------------------------------------------------------------

  const places = new Set(Object.entries(told.keys).filter(([key]) => /^[vg]/.test(key))
    .map(([, line]) => line).concat(told.rate));
  let explained = null;

  /** Under the result stands the arithmetic of the entry that is pointed at, or has the focus. */
  function explain(td) {
    const cell = td && cells.find((other) => other.td === td);
    explained = cell ? td : null;
    for (const said of all(".step.shown .arithmetic")) {
      const line = cell && told.keys[cell.key];
      const isGiven = all(".step.shown .operands .matrix").some(({ dataset }) =>
        told.keys[dataset.key] === line);
      said.textContent = (cell && !isGiven && live.arithmetic(told.program, arrays,
        (other) => places.has(other), line, cell.entry)) || "";
    }
  }
  const resultOf = (target) => target?.closest?.(".numbers > .result td[data-entry]");
  for (const event of ["mouseover", "focusin"]) {
    body.addEventListener(event, ({ target }) => resultOf(target) && explain(resultOf(target)));
  }
  for (const event of ["mouseout", "focusout"]) {
    body.addEventListener(event, ({ target }) => resultOf(target)
      && explain(resultOf(document.activeElement)));
  }
  for (const result of all(".numbers > .result")) {
    const said = document.createElement("p");
    said.className = "arithmetic";
    said.setAttribute("aria-live", "polite");
    result.after(said);
  }

  // ---- By pointer and by keys --------------------------------------------------------------------

  let drag = null;
  const isAsking = () => body.classList.contains("predicting");
  const unit = (x) => 10 ** Math.floor(Math.log10(Math.max(Math.abs(x), 0.1))) / 10;
  const moved = (x, steps) => Number((x + steps * unit(x)).toPrecision(4));

  body.addEventListener("pointerdown", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.button || isAsking()) return;
    choose(cell);
    drag = { x: of(cell.key)[cell.entry], from: event.clientX, isOn: false };
    cell.td.setPointerCapture(event.pointerId);
  });
  body.addEventListener("pointermove", (event) => {
    const by = drag ? event.clientX - drag.from : 0;
    if (!drag || !drag.isOn && Math.abs(by) < 4) return;
    drag.isOn = true;
    set(moved(drag.x, Math.round(by / 4)));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    body.addEventListener(end, () => {
      if (drag?.isOn) keep();
      drag = null;
    });
  }
  body.addEventListener("dblclick", (event) => cellOf(event.target) && !isAsking() && typed.select());
  body.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    const steps = { ArrowUp: 1, ArrowDown: -1, Enter: 0 }[event.key];
    if (!cell || steps === undefined || isAsking()) return;
    event.preventDefault();
    choose(cell);
    if (!steps) return void typed.select();
    set(moved(of(cell.key)[cell.entry], steps));
    keep();
  });

  function take() {
    const x = read(typed.value);
    if (Number.isFinite(x)) set(x);
    typed.value = live.written(of(chosen.key)[chosen.entry]);
    keep();
  }
  typed.addEventListener("change", take);
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Escape") typed.value = live.written(of(chosen.key)[chosen.entry]);
    if (event.key === "Enter" || event.key === "Escape") {
      take();
      const shown = cells.find(({ td, key, entry }) => key === chosen.key && entry === chosen.entry
        && td.checkVisibility());
      shown?.td.focus({ preventScroll: true });
    }
  });
  slider.addEventListener("input", () => set(Number(Number(slider.value).toPrecision(4))));
  slider.addEventListener("change", keep);
  rate.addEventListener("change", () => {
    const x = read(rate.value);
    setRate(x > 0 && Number.isFinite(x) ? x : arrays[told.rate][0]);
    show();
  });
  dock.addEventListener("submit", (event) => event.preventDefault());
  dock.addEventListener("click", ({ target }) => {
    if (target === reset) restore();
    else if (!target.matches("[data-times]")) return;
    for (let i = 0; i < Number(target.dataset.times || 0); i++) {
      run();
      for (const key of told.leaves) if (key.replace("v", "u") in told.keys) {
        of(key).set(of(key.replace("v", "u")));
      }
    }
    run();
    if (!chosen) choose(cells.find(({ key }) => told.leaves.includes(key)));
    show();
    keep();
  });

  // ---- Start -------------------------------------------------------------------------------------

  for (const { td, key } of cells) if (told.leaves.includes(key)) {
    td.dataset.live = "";
    td.setAttribute("aria-description", dock.getAttribute("aria-label"));
  }
  dock.hidden = false;
  rate.value = live.written(arrays[told.rate][0]);
  reset.disabled = true;
  const controls = document.getElementById("controls");
  const fit = () => {
    const { style } = document.documentElement;
    style.setProperty("--dock", `${dock.offsetHeight}px`);
    style.setProperty("--controls", `${controls.offsetHeight}px`);
  };
  for (const part of [dock, controls]) new ResizeObserver(fit).observe(part);
  addEventListener("DOMContentLoaded", fit);
  fromAddress();
  body.dataset.changed ??= from;
  addEventListener("hashchange", () => {
    fromAddress();
    if (/^#step=/.test(location.hash)) keep(); // another anchor isn't ours
  });
  if (changes().length) keep();
})();
