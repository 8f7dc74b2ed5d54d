"""The plots of a recorded training, by matplotlib: its losses, and what is predicted where.

Each is an SVG in the colours of the page. What a state has of its own, such as the boundary, is a
group whose id ends in ``-at-3``; those of one state are seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Array
from ..errors import imported
from ..show import mathml
from ..show.words import ENGLISH, Words

Figure = imported("matplotlib.figure", "explain: a training is drawn by", "plots").Figure
from ..show.plots import styled, svg  # noqa: E402  (which needs it)

MOST_CLASSES = 6
GRID = 80
"""Nodes a side. From one to the next the boundary is straight, which cuts off sharp corners."""

_NAMES = [f"{kind}-{c}" for kind in ("class", "mark") for c in range(MOST_CLASSES)]
_NAMES += ["ink", "muted", "blue", "now-line"]
INK = {name: f"#0000{i:02x}" for i, name in enumerate(_NAMES, 1)}
"""What stands for a colour that the page's style gives that name."""

_STYLE: dict[Any, Any] = {
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10, "legend.frameon": False, "axes.facecolor": "none",
    "figure.constrained_layout.use": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": INK["muted"], "axes.labelcolor": INK["ink"], "text.color": INK["ink"],
    "xtick.color": INK["muted"], "ytick.color": INK["muted"],
}  # fmt: skip


class Classes(NamedTuple):
    """What the targets and the predictions mean.

    Attributes:
        labels: what the classes are called.
        of: of each observation, the number of its class, ``(n,)``.
        level: between the predictions of two classes; None where there is a score a class.
    """

    labels: list[str]
    of: Array
    level: float | None

    def margins(self, prediction: Array) -> Array:
        """``(q, classes − 1)``: positive where the class (from the second on) is predicted.

        Of probabilities, the logits: those are close to linear between two points of a grid.
        """
        prediction = np.asarray(prediction, dtype=np.float64).reshape(len(prediction), -1)
        if self.level is None:
            others = np.stack(
                [np.delete(prediction, c, axis=1).max(axis=1) for c in range(len(self.labels))],
                axis=1,
            )
            return (prediction - others)[:, 1:]
        if self.level == 0.5 and prediction.min() >= 0 and prediction.max() <= 1:
            p = prediction.clip(1e-15, 1 - 1e-15)
            return np.log(p) - np.log1p(-p)
        return prediction - self.level


def classes_of(y: Array, prediction: Array, level: float | None) -> Classes | None:
    """Which classes there are; None where the targets are no classes, nor their probabilities.

    Args:
        y: the targets, ``(n,)``, ``(n, 1)`` or ``(n, k)``.
        prediction: for them, ``(n, 1)`` or ``(n, k)``.
        level: of a single prediction, where it isn't in the middle between the targets.
    """
    flat = prediction.reshape(len(prediction), -1)
    k = flat.shape[1]
    if k == 1 and y.size == len(y):
        values = np.unique(y)
        if np.isin(values, (0, 1)).all():
            values = np.array([0, 1])
        if len(values) != 2:
            return None
        middle = float(values.mean()) if level is None else level
        return Classes([f"{v:g}" for v in values], (y.reshape(-1) == values[1]).astype(int), middle)
    if not 2 <= k <= MOST_CLASSES:
        return None
    if y.size == len(y) and y.dtype.kind in "iu":
        of = y.reshape(-1)
    elif y.shape == flat.shape and (y >= 0).all() and np.allclose(y.sum(axis=1), 1):
        of = y.argmax(axis=1)
    else:
        return None
    return Classes([str(c) for c in range(k)], of, None)


def losses(
    steps: Sequence[int], batch: Sequence[float], whole: Sequence[float], shown: Sequence[int],
    now: int, words: Words,
) -> str:
    """The loss of all data and, fainter, that of the batch, by the number of steps.

    Args:
        steps: increasing.
        batch: one a step.
        whole: of the states that are shown; nan where it isn't known.
        shown: their places in ``steps``.
        now: which of these is seen.
        words: of the page's language.
    """
    with styled(_STYLE):
        figure = Figure((3, 3))
        axes = figure.add_subplot(xlabel=ENGLISH("iteration"), ylabel=ENGLISH("loss"))
        known = np.isfinite(whole).any()
        at = np.take(steps, shown)
        heights = _finite(whole if known else np.take(batch, shown))
        axes.plot(steps, _finite(batch), color=INK["muted"], lw=1, label=ENGLISH("of_batch"))
        if known:
            axes.plot(at, heights, color=INK["blue"], lw=2, label=ENGLISH("of_all"))
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.locator_params("x", integer=True, nbins=6)
        figure.legend(loc="outside lower center", ncols=2)
        for k, (step, height) in enumerate(zip(at, heights, strict=True)):
            axes.axvline(step, color=INK["now-line"], lw=1, ls="--", gid=f"line-at-{k}")
            axes.plot(step, height, "o", color=INK["now-line"], gid=f"dot-at-{k}")
        return _svg(figure, "losses", now, words)


def plane(
    x: Array, classes: Classes, limits: tuple[Array, Array], margins: Sequence[Array],
    nodes: Sequence[tuple[Array, Array]], now: int, words: Words,
) -> str:
    """The regions of the classes, with observations.

    Args:
        x: ``(n, 2)``.
        classes: of these.
        limits: the least and the greatest value of each feature that is drawn.
        margins: of each state, those at the points of `grid`, ``(GRID², classes − 1)``.
        nodes: of each state, the weight ``(2, k)`` and the bias ``(k,)`` of the first layer's
            nodes, each of which is a line; empty where they aren't lines.
        now: which state is seen.
        words: of the page's language.
    """
    low, high = limits
    with styled(_STYLE):
        figure = Figure((3, 3))
        axes = figure.add_subplot(facecolor=INK["class-0"], xlabel="x₁")
        axes.set_ylabel("x₂", rotation=0, labelpad=9)
        across, up = grid(limits).T.reshape(2, GRID, GRID)
        for k, state in enumerate(margins):
            for c, margin in enumerate(state.T, 1):
                height = np.nan_to_num(margin, nan=-1).clip(-1e9, 1e9).reshape(GRID, GRID)
                areas = axes.contourf(across, up, height, [0, 2e9], colors=[INK[f"class-{c}"]])
                areas.set(edgecolor=INK["ink"], linewidth=1.8, gid=f"class-{c}-at-{k}")
        for k, lines in enumerate(nodes):
            label = "" if k else ENGLISH("nodes")
            axes.plot(*through(*lines, limits), "--", color=INK["muted"], lw=1, label=label,
                      gid=f"nodes-at-{k}")  # fmt: skip
        for c, label in enumerate(classes.labels):
            label, some = ENGLISH("class", label=label), x[classes.of == c]
            axes.plot(*some.T, "ox^sD+"[c], ms=5, mfc="none", mec=INK[f"mark-{c}"], label=label)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        figure.legend(loc="outside lower center", ncols=3, handlelength=1.2, columnspacing=1)
        return _svg(figure, "boundary", now, words, classes.labels)


def grid(limits: tuple[Array, Array], n: int = GRID) -> Array:
    """``(n², 2)`` points, row by row, from a little outside of the limits."""
    more = (limits[1] - limits[0]) / n
    a, b = np.linspace(limits[0] - more, limits[1] + more, n).T
    return np.stack([np.tile(a, n), np.repeat(b, n)], axis=1)


def through(weight: Array, bias: Array, limits: tuple[Array, Array]) -> Array:
    """The lines ``x w + b = 0``, ``(2, 3k)``: of each two far ends, and a gap."""
    middle, reach = (limits[0] + limits[1]) / 2, 2 * np.hypot(*(limits[1] - limits[0]))
    with np.errstate(all="ignore"):
        size = np.hypot(*weight)
        foot = middle[:, None] - (middle @ weight + bias) / size * (weight / size)
        way = reach * np.stack([-weight[1], weight[0]]) / size
        lines = np.stack([foot - way, foot + way, np.full_like(foot, np.nan)], axis=2)
    return _finite(lines).reshape(2, -1)


def _finite(values: Any) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _svg(figure: Any, name: str, now: int, words: Words, labels: Sequence[str] = ()) -> str:
    """As it stands in a page: colours by name, no ids but those of states, few points.

    It was drawn with English words, which are as long, about, as what is put in their place.
    """
    shown = svg(figure, f'id="{name}" role="img" aria-label="{mathml.text(words(name))}"')
    for found, put in (
        (r"<style.*?</style>", ""),
        (r' (?:id="[\w.]+_\d+"|(?:width|height)="[\d.]+pt")', ""),
        (r"(\d\.\d)\d+(?!\d*<)", r"\1"),
        (r"( (\S+) \n)(?:L \S+ \2 \n)+(?=L \S+ \2 \n)", r"\1"),
        (r"([ML] (\S+) \S+ \n)(?:L \2 \S+ \n)+(?=L \2 )", r"\1"),
        (rf'(?<=-at-{now}")>', ' class="now">'),
    ):
        shown = re.sub(found, put, shown)
    shown = re.sub("|".join(INK.values()), _colour, shown)
    texts: list[tuple[str, dict[str, str]]] = [("class", {"label": label}) for label in labels]
    texts += [(key, {}) for key in ("iteration", "loss", "of_batch", "of_all", "nodes")]
    for key, values in texts:
        shown = shown.replace(f">{ENGLISH(key, **values)}<", f">{words(key, **values)}<")
    return shown


def _colour(found: re.Match[str]) -> str:
    return f"var(--{_NAMES[int(found[0][1:], 16) - 1]})"
