"""Mistakes that are made at several places at once: at each step of time, in weights used twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from .edits import Edit
from .formula import Formula
from .line import Line
from .readings import core

_STEP = re.compile(r"(.*?)(\d+)")


def _by_step(named: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """By name without the step, and step."""
    found: dict[str, dict[int, Any]] = {}
    for name, x in named.items():
        if (step := _STEP.fullmatch(name)) is not None:
            found.setdefault(step[1], {})[int(step[2])] = x
    return found


def starts(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Zeros, where states begin that have no name before the first step."""
    named = _by_step(arrays).items()
    return {f"{n}{min(of) - 1}": np.zeros_like(of[min(of)]) for n, of in named if min(of)}


def beside(name: str, other: str | None) -> Any:
    """A name by how many steps it comes after another."""
    own, its = (_STEP.fullmatch(n or "") for n in (name, other))
    return name if own is None or its is None else (own[1], int(own[2]) - int(its[2]))


def products(f: Formula, line: Line) -> Iterator[Edit]:
    """The sum over all steps of a gradient times another array, or that of another step."""
    arrays = _by_step({n: a for n, a in line.others.items() if a.ndim == 2})
    stems = _by_step({e.name: e for e in f.order if e.op == "leaf" and e.name})
    beside = {core(x).name: core(y) for e in f.order if e.op == "matmul"
              for x, y in (e.args, e.args[::-1])}  # fmt: skip
    for stem, other, by, turned in itertools.product(stems, arrays, (-1, 0, 1), (False, True)):
        pairs = [
            (g, arrays[other][k + by]) for k, g in arrays.get(stem, {}).items()
            if k + by in arrays[other]
        ]  # fmt: skip
        last = max(stems[stem])
        there = beside.get(f"{stem}{last}")
        if min(len(pairs), len(stems[stem])) > 1 and stem != other and there is not None:
            names = f"{other}{last + by}", there
            yield Edit(1.8, "at_each", names, {f.root: partial(_products, pairs, turned)})


def _products(
    pairs: Sequence[tuple[Array, Array]], turned: bool, xs: Sequence[Array], v: Array
) -> Any:
    return sum(x.T @ g if turned else g @ x.T for g, x in pairs)


def updated(f: Formula, line: Line) -> Iterator[Edit]:
    """Weights that were updated before they were used, with one learning rate."""
    gradients, arrays = line.gradients, line.others
    found = {e: arrays.get(gradients.get(e.name or "", "")) for e in f.order if e.kind == "leaf"}
    steps = {e: g for e, g in found.items() if g is not None and g.shape == e.shape}
    made = {e: partial(_moved, g) for e, g in steps.items()}
    for e in made:
        yield Edit(0.5, "updated", (e,), made, free=True)


def _moved(step: Array, xs: Sequence[Array], v: Array) -> Array:
    return v - step
