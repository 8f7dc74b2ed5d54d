"""Decision boundaries: where a net's prediction of two features goes from one class to another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Array

SIZE = 480
"""The side of the square that is drawn."""

GRID = 120
"""Nodes a side. From one to the next the boundary is straight, which cuts off sharp corners."""

MOST_CLASSES = 6


class Plane(NamedTuple):
    """The part of the plane of both features that is drawn.

    Attributes:
        low: the least value of each feature, ``(2,)``.
        high: the greatest.
    """

    low: Array
    high: Array

    def drawn(self, points: Array) -> Array:
        """Where points ``(n, 2)`` are drawn: from the left, and from above."""
        part: Array = (points - self.low) / (self.high - self.low)
        part[:, 1] = 1 - part[:, 1]
        return SIZE * part

    def grid(self, n: int = GRID) -> Array:
        """``(n · n, 2)`` points, row by row, from a little below the low to above the high."""
        more = (self.high - self.low) / n
        a, b = np.linspace(self.low - more, self.high + more, n).T
        return np.stack([np.tile(a, n), np.repeat(b, n)], axis=1)

    def contour(self, points: Array, values: Array) -> Any:
        """What finds the lines at which the values at a grid's points have a value, as drawn."""
        n = round(len(points) ** 0.5)
        x, y = self.drawn(points).T.reshape(2, n, n)
        try:
            from contourpy import contour_generator
        except ImportError as error:
            raise ImportError(
                'explain: boundaries are found by contourpy: pip install "autograd_lite[plots]"'
            ) from error
        return contour_generator(x, y, np.nan_to_num(values, nan=-1).clip(-1e9, 1e9).reshape(n, n))


def plane_of(x: Array) -> Plane:
    """What is drawn of observations ``(n, 2)``: they, and a margin."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    return Plane(low - margin, high + margin)


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
            first: Array = (prediction - others)[:, 1:]
            return first
        if self.level == 0.5 and prediction.min() >= 0 and prediction.max() <= 1:
            p = prediction.clip(1e-15, 1 - 1e-15)
            logits: Array = np.log(p) - np.log1p(-p)
            return logits
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


def regions(plane: Plane, margins: Callable[[Array], Array]) -> list[str]:
    """Of each margin, the region where it is positive, as the path of an SVG.

    The paths are closed, and run outside of the square along its border, where they are to be
    clipped: so what is seen of their outline is the boundary.

    Args:
        plane: what is drawn.
        margins: of points ``(n, 2)`` their margins ``(n, m)``.
    """
    nodes = plane.grid()
    found = []
    for column in margins(nodes).T:
        polygons, ends = plane.contour(nodes, column).filled(0, np.inf)
        loops = (
            points[start : end - 1]
            for points, at in zip(polygons, ends, strict=True)
            for start, end in pairwise(at)
        )
        found.append("".join(map(_written, loops)))
    return found


def _written(points: Array) -> str:
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    a, b = points - before, after - points
    turns = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 1e-6
    kept = points[turns] if turns.any() else points
    return f"M{'L'.join(f'{short(x)},{short(y)}' for x, y in kept)}Z"


def short(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def line(plane: Plane, w: Array, b: float) -> str:
    """The line ``x w + b = 0`` within the square, as the path of an SVG; empty where there is none.

    Args:
        plane: what is drawn.
        w: ``(2,)``.
        b: a number.
    """
    corners = plane.grid(2)
    found = plane.contour(corners, corners @ w + b).lines(0)
    return "".join(f"M{'L'.join(f'{short(x)},{short(y)}' for x, y in way)}" for way in found)
