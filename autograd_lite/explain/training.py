"""Recorded training on the page: a slider over the iterations, the loss, the boundary, the numbers.

The page of a recording is the page of one of its iterations, with a section more. As the rest of
the page it is complete without script, and then shows the last iteration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..engine.tensor import Array, Tensor
from ..show import mathml
from ..show.notation import number
from .boundary import SIZE, Classes, Plane, classes_of, line, plane_of, regions, short
from .curves import Curve, thinned, tick, ticks
from .matrices import _statistics, layout, table
from .page import Extra, filled, write
from .words import Words

MOST_FRAMES = 101
MOST_NUMBERS = 60_000  # texts of numbers on the page: some half a megabyte
MOST_PARAMETERS = 24
MOST_POINTS = 400
MOST_LINES = 12
"""How many hidden nodes' boundaries are drawn."""


class Recorded(Protocol):
    """A recorded training, as `nn.Recording` is: ``i`` counts the states that were kept.

    Attributes:
        steps: after how many steps each state was.
        losses: of each, the loss.
        parameters: by name, the values in each state.
        x: what was trained on.
        y: the targets.
        lrs: of each, the learning rate of plain gradient descent, or None.
        trained: the parameters that are trained.
    """

    steps: list[int]
    losses: list[float]
    parameters: dict[str, list[Array]]
    x: Array
    y: Array
    lrs: list[float] | None
    trained: Collection[Tensor]

    @property
    def level(self) -> float | None:
        """The prediction between two classes, where the targets don't tell."""

    @property
    def first_layer(self) -> tuple[str, str | None] | None:
        """The names of the parameters W and b of the first layer, where its nodes are lines."""

    def replayed(self, i: int) -> AbstractContextManager[Tensor]:
        """Within it, the loss of the i-th state, with its graph."""

    def predict(self, i: int, x: Array) -> Array:
        """What the net of the i-th state gives for ``x``."""


def write_recorded(
    recorded: Recorded,
    path: str | os.PathLike[str],
    lang: str = "en",
    lr: float | None = None,
    iteration: int | None = None,
) -> None:
    """What `explain` does with a recorded training."""
    words = Words(lang)
    i = _place(recorded, iteration)
    if lr is None and recorded.lrs is not None:
        lr = recorded.lrs[i]
    with recorded.replayed(i) as loss:
        write(
            loss, path, lang, lr, lambda: extra(recorded, i, words), recorded.trained
        )


def _place(recorded: Recorded, iteration: int | None) -> int:
    steps = recorded.steps
    if not steps:
        raise ValueError("explain: the training took no step, so there is nothing to explain")
    if iteration is None:
        return 0
    if iteration not in steps:
        some = steps if len(steps) <= 12 else [*steps[:6], "…", *steps[-3:]]
        known = ", ".join(map(str, some))
        raise ValueError(f"explain: iteration {iteration!r} wasn't recorded; recorded are {known}")
    return steps.index(iteration)


def extra(recorded: Recorded, i: int, words: Words) -> Extra:
    """What the page of state ``i`` has besides the steps."""
    training = Training(recorded, words)
    link = mathml.text(words("see_training"))
    about = mathml.text(words("about", step=recorded.steps[i], last=recorded.steps[-1]))
    return Extra(
        note=f'<p class="note">{about} <a href="#training">{link}</a></p>',
        section=training.section(),
        style="training.css",
        script="training.js",
        data={"training-data": training.data()},
    )


class _Shown(NamedTuple):
    """A parameter that is shown: its key on the page, its name, and its values in each state."""

    key: str
    name: str
    values: list[Array]


@dataclass
class _Boundary:
    """The boundary in each state that is shown.

    Attributes:
        regions: of each state, a path for each class from the second on.
        lines: of each state, a path for each node of the first layer.
    """

    plane: Plane
    classes: Classes
    regions: list[list[str]]
    lines: list[list[str]]


class Training:
    """The section, and the data that its script moves it by.

    Attributes:
        shown: which states the slider goes through.
    """

    def __init__(self, recorded: Recorded, words: Words) -> None:
        self._recorded, self._words = recorded, words
        some = list(recorded.parameters.items())[:MOST_PARAMETERS]
        self._left_out = len(recorded.parameters) - len(some)
        self._brief = sum(values[0].size for _, values in some) > 200
        self._parameters = [_Shown(f"p{i}", *item) for i, item in enumerate(some, 1)]
        a_state = sum(len(self._layout(p).entries) for p in self._parameters)
        most = max(min(MOST_FRAMES, MOST_NUMBERS // max(a_state, 1)), 2)
        self.shown = thinned(len(recorded.steps), most)
        self._curve = Curve(recorded.steps, recorded.losses)
        self._boundary = self._followed()

    def _layout(self, parameter: _Shown) -> Any:
        return layout(parameter.values[0].shape, self._brief)

    # ------------------------------------------------------------------ the boundary

    def _followed(self) -> _Boundary | None:
        recorded = self._recorded
        x = recorded.x
        if x.ndim != 2 or x.shape[1] != 2 or not np.isfinite(x).all() or x.dtype.kind not in "biuf":
            return None
        plane = plane_of(x.astype(np.float64))
        try:
            last = recorded.predict(self.shown[-1], x)
            recorded.predict(self.shown[-1], plane.grid(3))
        except (ValueError, TypeError, IndexError):  # a net for batches of its own size only
            return None
        classes = classes_of(recorded.y, last, recorded.level)
        if classes is None:
            return None
        each = []
        for i in self.shown:

            def margins(points: Array, i: int = i) -> Array:
                with np.errstate(all="ignore"):
                    return classes.margins(recorded.predict(i, points))

            each.append(regions(plane, margins))
        return _Boundary(plane, classes, each, [self._lines(plane, i) for i in self.shown])

    def _lines(self, plane: Plane, i: int) -> list[str]:
        names = self._recorded.first_layer
        if names is None:
            return []
        weight = self._recorded.parameters[names[0]][i].astype(np.float64)
        if weight.shape[1] > MOST_LINES:
            return []
        bias = np.zeros(weight.shape[1])
        if names[1] is not None:
            bias = self._recorded.parameters[names[1]][i].reshape(-1).astype(np.float64)
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            return [""] * weight.shape[1]
        return [line(plane, w, float(b)) for w, b in zip(weight.T, bias, strict=True)]

    # ------------------------------------------------------------------ the section

    def section(self) -> str:
        """``<section id="training">``, showing the last state."""
        say = self._words
        last = self._recorded.steps[-1]
        n = len(self.shown)
        notes = []
        if n < len(self._recorded.steps):
            notes.append(say("thinned", n=n, all=len(self._recorded.steps)))
        pictures = [self._losses(last)]
        if self._boundary is None:
            notes.append(say("no_boundary"))
        else:
            pictures.append(self._plane(self._boundary))
        if self._left_out:
            notes.append(say("parameters_left_out", n=self._left_out))
        return filled(
            "training.html", say, last=n - 1, state=mathml.text(self._spoken(self.shown[-1])),
            notes="".join(f'<p class="note">{mathml.text(note)}</p>' for note in notes),
            pictures="".join(pictures), tables="\n".join(map(self._table, self._parameters)),
        )  # fmt: skip

    def _spoken(self, i: int) -> str:
        """``iteration 20 of 100, loss 0.31``."""
        recorded = self._recorded
        loss = number(recorded.losses[i])
        return self._words("state", step=recorded.steps[i], last=recorded.steps[-1], loss=loss)

    def _losses(self, last: int) -> str:
        say = self._words
        now = self._curve.at(last, self._recorded.losses[-1])
        label = say("losses", last=last)
        svg = self._curve.svg(now, say("iteration"), say("loss"), label)
        return f"<figure>\n{svg}\n<figcaption>{mathml.text(label)}</figcaption></figure>\n"

    def _plane(self, boundary: _Boundary) -> str:
        say, classes = self._words, boundary.classes
        chosen = np.array(thinned(len(self._recorded.x), MOST_POINTS), dtype=int)
        points = boundary.plane.drawn(self._recorded.x[chosen].astype(np.float64))
        of = classes.of[chosen]
        areas = "".join(
            f'<path class="region class-{c}" d="{d}"/>'
            for c, d in enumerate(boundary.regions[-1], 1)
        )
        lines = "".join(f'<path class="node-line" d="{d}"/>' for d in boundary.lines[-1])
        marks = "".join(
            f'<path class="points class-{c}" d="{_marks(points[of == c], c)}"/>'
            for c in range(len(classes.labels))
        )
        svg = filled(
            "boundary.svg", say, width=SIZE + 92, height=SIZE + 66, size=SIZE, areas=areas,
            lines=lines, marks=marks, frame=_frame(boundary.plane),
        )  # fmt: skip
        keys = "".join(
            f'<li><svg viewBox="-8 -8 16 16" aria-hidden="true"><rect class="region class-{c}" '
            f'x="-8" y="-8" width="16" height="16"/><path class="points class-{c}" '
            f'd="{_marks(np.zeros((1, 2)), c)}"/></svg> '
            f"{mathml.text(say('class', label=name))}</li>"
            for c, name in enumerate(classes.labels)
        )
        if any(boundary.lines):
            keys += (
                '<li><svg viewBox="-8 -8 16 16" aria-hidden="true">'
                f'<path class="node-line" d="M-8,0H8"/></svg> {mathml.text(say("nodes"))}</li>'
            )
        thin = ""
        if len(chosen) < len(self._recorded.x):
            thin = f" {say('points', n=len(chosen), all=len(self._recorded.x))}"
        return (
            f'<figure>\n{svg}\n<figcaption>{mathml.text(say("boundary") + thin)}'
            f'<ul class="classes">{keys}</ul></figcaption></figure>\n'
        )

    def _table(self, parameter: _Shown) -> str:
        bold = frozenset([parameter.name] if parameter.values[0].size > 1 else ())
        last = parameter.values[self.shown[-1]]
        return table(last, parameter.key, parameter.name, self._words, bold, self._brief)

    # ------------------------------------------------------------------ for the script

    def data(self) -> dict[str, Any]:
        """Of each state that is shown: what is said, its place on the curve, paths, and numbers."""
        recorded, boundary = self._recorded, self._boundary
        return {
            "states": [self._spoken(i) for i in self.shown],
            "places": [self._curve.at(recorded.steps[i], recorded.losses[i]) for i in self.shown],
            "regions": boundary.regions if boundary else [],
            "lines": boundary.lines if boundary else [],
            "parameters": [self._numbers(p) for p in self._parameters],
        }

    def _numbers(self, parameter: _Shown) -> dict[str, Any]:
        """The texts of the entries that the table shows, and how they compare to the greatest."""
        where = self._layout(parameter)
        values = [parameter.values[i] for i in self.shown]
        shown = [value.reshape(-1)[where.entries] for value in values]
        finite = np.abs(np.concatenate(shown).astype(np.float64))
        greatest = float(finite[np.isfinite(finite)].max(initial=0.0))
        found: dict[str, Any] = {
            "key": parameter.key,
            "greatest": float(f"{greatest:.4g}"),
            "texts": [[number(v) for v in row] for row in shown],
        }
        if not where.is_whole:
            found["statistics"] = [
                re.sub("<[^>]*>", "", _statistics(value, self._words)) for value in values
            ]
        return found


# One mark a class, so that they are told apart without colour, too: relative to a point.
_OUTLINES = (
    "m-4.5,0a4.5,4.5 0 1 0 9,0a4.5,4.5 0 1 0 -9,0z",
    "m-4.2,-4.2l8.4,8.4m-8.4,0l8.4,-8.4",
    "m0,-5.5l5,9.5h-10z",
    "m-4.2,-4.2h8.4v8.4h-8.4z",
    "m0,-5.8l5.8,5.8l-5.8,5.8l-5.8,-5.8z",
    "m0,-5.5v11m-5.5,-5.5h11",
)


def _marks(points: Array, c: int) -> str:
    """The points of one class as one path."""
    return "".join(f"M{short(x)},{short(y)}{_OUTLINES[c]}" for x, y in points.tolist())


def _frame(plane: Plane) -> str:
    """The square's outline, with ticks and the features' names."""
    parts = [f'<rect class="axis" width="{SIZE}" height="{SIZE}"/>']
    for axis in (0, 1):
        for value in ticks(float(plane.low[axis]), float(plane.high[axis]), 7):
            at = plane.low.astype(float)
            at[axis] = value
            x, y = plane.drawn(at[np.newaxis])[0]
            if axis == 0:
                parts.append(tick(x, SIZE, x, SIZE + 5, x, SIZE + 20, "middle", number(value)))
            else:
                parts.append(tick(0, y, -5, y, -9, y + 4.5, "end", number(value)))
    for n, where in ((1, f'x="{SIZE / 2:g}" y="{SIZE + 44}"'), (2, f'x="-62" y="{SIZE / 2:g}"')):
        parts.append(
            f'<text class="axis-name" {where} text-anchor="middle">'
            f'<tspan font-style="italic">x</tspan><tspan dy="4" font-size="12">{n}</tspan></text>'
        )
    return "".join(parts)
