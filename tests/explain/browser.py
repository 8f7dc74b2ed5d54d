"""A headless Chromium that opens pages as files, and what is measured in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = 1280, 400


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """A Chromium on the PATH, its shell first, driven by playwright; a test skips without them."""
    api = pytest.importorskip(
        "playwright.sync_api",
        reason='the tests in a browser need playwright: pip install -e ".[test]"',
    )
    # The first takes half the time of the others.
    names = "chromium-headless-shell", "chromium", "chromium-browser"
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"the tests in a browser need one on the PATH: apt-get install {names[0]}")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page that is open, offline: `page` is playwright's; what went wrong is noted."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def step(self) -> int:
        """The number of the one step that is shown."""
        (shown,) = self.page.evaluate(
            """() => [...document.querySelectorAll('section.step')].filter(
                step => step.checkVisibility({visibilityProperty: true})).map(step => step.id)"""
        )
        return int(shown.removeprefix("step-"))

    @property
    def steps(self) -> int:
        count: int = self.page.locator("section.step").count()
        return count

    def show(self, step: int) -> None:
        self.page.evaluate(
            """step => location.hash === `#step=${step}` || new Promise(shown => {
                addEventListener('hashchange', shown, {once: true});
                location.hash = `step=${step}`; })""",
            step,
        )
        assert self.step == step

    def each_step(self) -> Iterator[int]:
        for step in range(1, self.steps + 1):
            self.show(step)
            yield step

    def lit(self, name: str = "lit") -> dict[str, set[int]]:
        """The entries that are lit in the step that is shown, by the key of their array."""
        found: dict[str, set[int]] = {}
        for key, entry in self.page.evaluate(
            """name => [...document.querySelectorAll(`td.${name}`)].map(
                cell => [cell.closest('[data-key]').dataset.key, Number(cell.dataset.entry)])""",
            name,
        ):
            found.setdefault(key, set()).add(entry)
        return found

    def measure(self, what: str) -> Any:
        """From the top of the page, where nothing sticks above what is scrolled beneath it."""
        return self.page.evaluate(f"() => {{ scrollTo(0, 0); {_MEASURES} return {what}(); }}")

    def is_clear(self, where: Any = "") -> None:
        """Nothing overlaps, is cut or is faint."""
        assert self.measure("everything") == [], where


@contextlib.contextmanager
def opened(
    browser: Any,
    path: Path | None = None,
    width: int = WIDE,
    scheme: str = "light",
    calm: bool = True,
    script: bool = True,
    at: str = "",
) -> Iterator[Opened]:
    """Open a file. ``calm``: the reader prefers reduced motion, so nothing is seen on its way."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce" if calm else "no-preference",
        java_script_enabled=script,
    )
    context.set_offline(True)
    try:
        page = context.new_page()
        page.set_default_timeout(10_000)
        found = Opened(page)
        page.on("console", lambda said: found.errors.append(said.text))
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.on("request", lambda request: found.requests.append(request.url))
        if path is not None:
            page.goto(path.as_uri() + at)
        yield found
    finally:
        context.close()


# What a reader sees, as lists of complaints: empty where all is well.
_MEASURES = r"""
const scrolls = (element, way) => /auto|scroll/.test(getComputedStyle(element)[way]);

/** The elements around a node, from the inside out. */
function* around(node) {
  for (let at = node.parentElement; at; at = at.parentElement) yield at;
}

const isSeen = (element) => element.checkVisibility(
  {checkOpacity: true, checkVisibilityCSS: true}) && !element.closest('.unseen, script, style');

/** Every piece of text that is seen: its node, its words, where its lines stand. */
let known;
const pieces = () => (known ??= found());
function found() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node; (node = walker.nextNode());) {
    const text = node.data.trim();
    if (!text || !isSeen(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
    if (rects.length) found.push({node, text, rects});
  }
  return found;
}

/** What a scrolling box shows of a line; null where it is scrolled away. */
function visiblePart(rect, node) {
  let {left, right, top, bottom} = rect;
  for (const element of around(node)) {
    if (element === document.body || element === document.documentElement) break;
    if (getComputedStyle(element).overflowX === 'visible') continue;
    const box = element.getBoundingClientRect();
    left = Math.max(left, box.left); right = Math.min(right, box.right);
    top = Math.max(top, box.top); bottom = Math.min(bottom, box.bottom);
  }
  return right > left && bottom > top ? {left, right, top, bottom} : null;
}

/** Formulas and the labels of one node set their parts close on purpose: each counts as one. */
const blockOf = (node) => node.parentElement.closest('math, g.node, g.edge') || node;
const floats = (node) => [...around(node)].some((e) => getComputedStyle(e).position === 'fixed');

function overlaps() {
  const lines = pieces().flatMap(({node, text, rects}) => rects.map((rect) => (
    {text, block: blockOf(node), fixed: floats(node), ...visiblePart(rect, node)}
  ))).filter((line) => line.right !== undefined);
  const found = [];
  lines.forEach((a, i) => lines.slice(i + 1).forEach((b) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const high = Math.min(a.bottom - a.top, b.bottom - b.top);
    // Lines of text touch: the boxes of their fonts are a little higher than their letters.
    if (a.block !== b.block && a.fixed === b.fixed && across > 1 && down > 0.3 * high)
      found.push(`${a.text} | ${b.text}`);
  }));
  return found;
}

/** Text beyond the window or cut off by a box that can't be scrolled to it. */
/** All of them. */
const everything = () => [...overlaps(), ...cuts(), ...faint()];

function cuts() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  for (const {node, text, rects} of pieces()) {
    for (const rect of rects) {
      let [reachable, inside] = [false, true];
      for (const element of around(node)) {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (style.overflowY === 'hidden' && !scrolls(element, 'overflowY') && !reachable &&
            (rect.bottom > box.bottom + 1 || rect.top < box.top - 1)) inside = false;
        if (style.overflowX === 'hidden' && !reachable &&
            (rect.right > box.right + 1 || rect.left < box.left - 1)) inside = false;
        if (scrolls(element, 'overflowX')) {
          if (rect.left < box.left - element.scrollLeft - 1) inside = false;
          reachable = true;
        }
      }
      if (!inside) found.push(`cut: ${text}`);
      if (!reachable && (rect.left < -1 || rect.right > innerWidth + 1))
        found.push(`outside: ${text}`);
    }
  }
  for (const element of document.querySelectorAll('button, input, label, output')) {
    if (isSeen(element) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
      found.push(`cut: ${element.id || element.textContent}`);
  }
  return found;
}

const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
/** Any CSS colour → red, green, blue from 0 to 255, and alpha from 0 to 1. */
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
const over = (top, below) =>
  [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
  const part = c[i] / 255;
  return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
}, 0);

function backgroundOf(node) {
  const layers = [];
  const shape = node.parentElement.closest('g.node')?.querySelector('ellipse, polygon');
  if (shape && getComputedStyle(shape).fill !== 'none')
    layers.push(rgba(getComputedStyle(shape).fill));
  for (const element of around(node)) {
    const colour = rgba(getComputedStyle(element).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
  }
  return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
}

/** Text whose contrast with what is behind it is below 4.5 to 1. */
function faint() {
  const found = [];
  for (const {node, text} of pieces()) {
    const style = getComputedStyle(node.parentElement);
    const isSvg = node.parentElement.namespaceURI.endsWith('svg');
    const behind = backgroundOf(node);
    const ink = over(rgba(isSvg ? style.fill : style.color), behind);
    const [high, low] = [luminance(ink), luminance(behind)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) found.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return found;
}
"""
