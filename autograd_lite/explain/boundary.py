"""Decision boundaries: where a net's prediction of two features goes from one class to another.

The predictions on a grid are followed by marching squares: in each square of the grid whose corners
lie on both sides, the boundary runs between the points where it crosses the sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Array

SIZE = 480
"""The side of the square that is drawn."""

GRID = 72
"""Nodes a side. From one to the next the boundary is straight, which cuts off sharp corners."""

MOST_CLASSES = 6

Edge = tuple[str, int, int]  # "h" from node (i, j) to (i, j + 1), "v" from (i, j) to (i + 1, j)
Loop = list[tuple[float, float]]


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
        """``(n · n, 2)`` points, row by row, from the low to the high."""
        a, b = (np.linspace(self.low[i], self.high[i], n) for i in (0, 1))
        return np.stack([np.tile(a, n), np.repeat(b, n)], axis=1)


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
    return [
        "".join(
            _written(plane.drawn(np.array(loop)))
            for loop in loops(column.reshape(GRID, GRID), _located(plane, margins, c))
        )
        for c, column in enumerate(margins(nodes).T)
    ]


def _written(points: Array) -> str:
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    a, b = points - before, after - points
    turns = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 1e-6
    kept = points[turns] if turns.any() else points
    return f"M{'L'.join(f'{short(x)},{short(y)}' for x, y in kept)}Z"


def short(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


Locate = Callable[[list[Edge], Array], dict[Edge, tuple[float, float]]]


def loops(values: Array, locate: Locate) -> list[Loop]:
    """The closed lines around where ``values`` are positive.

    Args:
        values: ``(n, n)`` on the nodes of a grid. Around it everything counts as negative, half a
            square outside.
        locate: gives the points where edges are crossed, of the edges and the padded values.
    """
    values = np.nan_to_num(values, nan=-1.0, posinf=1e300, neginf=-1e300)
    padded = np.pad(values, 1, mode="edge")
    border = np.ones(padded.shape, bool)
    border[1:-1, 1:-1] = False
    padded[border] = -np.abs(padded[border])
    neighbours: dict[Edge, list[Edge]] = {}
    for a, b in _segments(padded):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    where = locate(list(neighbours), padded)
    return [[where[edge] for edge in loop] for loop in _linked(neighbours)]


def _segments(values: Array) -> list[tuple[Edge, Edge]]:
    """Which sides of squares the boundary joins."""
    inside = values > 0
    count = inside[:-1, :-1].astype(int) + inside[:-1, 1:] + inside[1:, :-1] + inside[1:, 1:]
    found: list[tuple[Edge, Edge]] = []
    for i, j in np.argwhere((count > 0) & (count < 4)).tolist():
        first, second = inside[i, j : j + 2].tolist(), inside[i + 1, j : j + 2].tolist()
        sides: list[tuple[bool, Edge]] = [
            (first[0] != first[1], ("h", i, j)),
            (first[1] != second[1], ("v", i, j + 1)),
            (second[0] != second[1], ("h", i + 1, j)),
            (first[0] != second[0], ("v", i, j)),
        ]
        crossed = [edge for is_crossed, edge in sides if is_crossed]
        if len(crossed) == 4:  # two corners face two others: the middle says which are joined
            h, v, h2, v2 = crossed
            middle = values[i : i + 2, j : j + 2].mean() > 0
            found += [(h, v), (h2, v2)] if middle == first[0] else [(v2, h), (v, h2)]
        else:
            found.append((crossed[0], crossed[1]))
    return found


def _linked(neighbours: dict[Edge, list[Edge]]) -> list[list[Edge]]:
    """The edges in the order in which the boundary crosses them; each has two neighbours."""
    found, seen = [], set()
    for start in neighbours:
        if start in seen:
            continue
        loop, edge = [], start
        while edge not in seen:
            seen.add(edge)
            loop.append(edge)
            edge = next((e for e in neighbours[edge] if e not in seen), start)
        found.append(loop)
    return found


def _located(plane: Plane, margins: Callable[[Array], Array], c: int) -> Locate:
    """Where the c-th margin is 0 on edges: by false position, between their two ends."""
    step = (plane.high - plane.low) / (GRID - 1)

    def node(i: Array, j: Array) -> Array:
        at: Array = plane.low + step * np.stack([j - 1, i - 1], axis=1)
        return at

    def locate(edges: list[Edge], values: Array) -> dict[Edge, tuple[float, float]]:
        if not edges:
            return {}
        i, j = (np.array([edge[axis] for edge in edges]) for axis in (1, 2))
        down = np.array([edge[0] == "v" for edge in edges])
        i2, j2 = i + down, j + ~down
        start, way = node(i, j), node(i2, j2) - node(i, j)
        low, high = np.zeros(len(edges)), np.ones(len(edges))
        at_low, at_high = values[i, j], values[i2, j2]
        t = _zero(low, high, at_low, at_high)
        ends = [(a == 0) | (a == GRID + 1) for a in (i, j, i2, j2)]
        within = ~np.logical_or.reduce(ends)
        t[~within] = 0.5
        for _ in range(3):
            if not within.any():
                break
            at = np.zeros(len(edges))
            at[within] = np.nan_to_num(margins(start[within] + t[within, None] * way[within])[:, c])
            same = (at > 0) == (at_low > 0)
            low, at_low = np.where(same, t, low), np.where(same, at, at_low)
            high, at_high = np.where(same, high, t), np.where(same, at_high, at)
            t = np.where(within, _zero(low, high, at_low, at_high), t)
        points = start + t[:, None] * way
        return dict(zip(edges, map(tuple, points.tolist()), strict=True))

    return locate


def _zero(low: Array, high: Array, at_low: Array, at_high: Array) -> Array:
    """Where the line through two values is 0; in their middle where it is level."""
    difference = at_low - at_high
    steep = np.abs(difference) > 0
    part = np.where(steep, at_low / np.where(steep, difference, 1.0), 0.5)
    result: Array = low + (high - low) * part.clip(0.0, 1.0)
    return result


def line(plane: Plane, w: Array, b: float) -> str:
    """The line ``x w + b = 0`` within the square, as the path of an SVG; empty where there is none.

    Args:
        plane: what is drawn.
        w: ``(2,)``.
        b: a number.
    """
    ends: list[tuple[float, float]] = []
    for axis in (0, 1):
        other = 1 - axis
        for side in (plane.low[axis], plane.high[axis]):
            if w[other] == 0:
                continue
            value = -(b + w[axis] * side) / w[other]
            if plane.low[other] <= value <= plane.high[other]:
                ends.append((side, value) if axis == 0 else (value, side))
    if len(ends) < 2:
        return ""
    points: Any = plane.drawn(np.array([ends[0], ends[-1]], dtype=float))
    return "M" + "L".join(f"{short(x)},{short(y)}" for x, y in points)
