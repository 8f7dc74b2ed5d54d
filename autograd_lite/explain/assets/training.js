"use strict";
// The section on a recorded training is complete without this script, and shows the end. The script
// goes through the recorded states: it moves the place on the curve of the loss, the boundaries,
// and the parameters' numbers, all of which Python has computed.
(() => {
  const byId = (id) => document.getElementById(id);
  const slider = byId("iteration");
  if (!slider) return;
  const SECONDS = 12; // that playing all of the training takes
  const training = JSON.parse(byId("training-data").textContent);
  const button = byId("train");
  const state = document.querySelector("#state output");
  const now = document.querySelector("#losses .now");
  const regions = [...document.querySelectorAll("#regions path")];
  const lines = [...document.querySelectorAll("#lines path")];
  const last = training.states.length - 1;
  const parameters = training.parameters.map((parameter) => {
    const figure = document.querySelector(`#training [data-key="${parameter.key}"]`);
    return {
      ...parameter,
      cells: [...figure.querySelectorAll("td[data-entry]")],
      said: figure.querySelector(".statistics"),
    };
  });
  let timer = 0;

  function show(i) {
    slider.value = i;
    slider.setAttribute("aria-valuetext", training.states[i]);
    state.textContent = training.states[i];
    mark(training.places[i]);
    regions.forEach((path, c) => path.setAttribute("d", training.regions[i][c]));
    lines.forEach((path, k) => path.setAttribute("d", training.lines[i][k]));
    parameters.forEach((parameter) => fill(parameter, i));
  }

  function mark(place) {
    now.setAttribute("visibility", place ? "visible" : "hidden");
    if (!place) return;
    now.setAttribute("transform", `translate(${place[0]} 0)`);
    now.querySelector("circle").setAttribute("cy", place[1]);
  }

  function fill({ cells, said, texts, statistics, greatest }, i) {
    cells.forEach((cell, k) => {
      const text = texts[i][k];
      if (cell.textContent === text) return;
      cell.textContent = text;
      const name = cell.getAttribute("aria-label").replace(/ = [^=]*$/, "");
      cell.setAttribute("aria-label", `${name} = ${text}`);
    });
    cells.forEach((cell, k) => {
      const value = Number(texts[i][k].replace("−", "-"));
      const level = greatest && Number.isFinite(value) ? value / greatest : 0;
      cell.style.setProperty("--level", level.toFixed(3));
    });
    if (said && statistics) said.textContent = statistics[i];
  }

  function setPlaying(on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      if (Number(slider.value) === last) show(0);
      timer = setInterval(() => {
        show(Math.min(Number(slider.value) + 1, last));
        if (Number(slider.value) === last) setPlaying(false);
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
  byId("training").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === slider) return;
    const at = Number(slider.value);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setPlaying(false);
    show(Math.min(Math.max(to, 0), last));
  });
  byId("iterations").hidden = false;
  show(last);
})();
