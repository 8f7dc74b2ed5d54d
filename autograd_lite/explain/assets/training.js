"use strict";
// The section on a recorded training is complete without this script, and shows the iteration of
// the steps. The script goes through the recorded states: of each it shows what was drawn of it,
// and puts its parameters into the numbers of the steps.
(() => {
  const slider = document.getElementById("iteration");
  if (!slider) return;
  const SECONDS = 12; // that playing all of the training takes
  const training = JSON.parse(document.getElementById("training-data").textContent);
  const button = document.getElementById("train");
  const state = document.querySelector("#state output");
  const drawn = [...document.querySelectorAll("#training [id*='-at-']")];
  const { states, steps, leaves, rates } = training;
  const last = states.length - 1;
  const start = Number(slider.getAttribute("value"));
  let at = start, timer = 0;

  function show(i) {
    at = i;
    slider.value = i;
    slider.setAttribute("aria-valuetext", states[i]);
    state.textContent = states[i];
    for (const part of drawn) part.classList.toggle("now", part.id.endsWith(`-at-${i}`));
    if (typeof live === "undefined" || !live.start) return;
    live.start(i === start ? {} : Object.fromEntries(
      Object.entries(leaves).map(([key, values]) => [key, values[i]])),
    rates[i], i === start ? "" : `&iteration=${steps[i]}`);
  }

  function setPlaying(on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      if (at === last) show(0);
      timer = setInterval(() => {
        show(Math.min(at + 1, last));
        if (at === last) setPlaying(false);
      }, Math.min(Math.max((SECONDS * 1000) / Math.max(last, 1), 100), 1000));
    }
    // While it plays the state isn't read out: it changes too often for that.
    state.setAttribute("aria-live", on ? "off" : "polite");
    button.setAttribute("aria-pressed", on);
    button.textContent = on ? button.dataset.pause : button.dataset.play;
  }

  slider.addEventListener("input", () => {
    setPlaying(false);
    show(Number(slider.value));
  });
  button.addEventListener("click", () => setPlaying(!timer));
  // Within the section the arrows are for the iterations; the slider has them by itself.
  document.getElementById("training").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === slider) return;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setPlaying(false);
    show(Math.min(Math.max(to, 0), last));
  });
  document.getElementById("iterations").hidden = false;
  const asked = steps.indexOf(Number(/[#&]iteration=(\d+)/.exec(location.hash)?.[1]));
  show(asked < 0 ? start : asked);
})();
