"""Mistakes that are made at several places at once: at each step of time, in weights used twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number
from .formula import UNFIT, Formula, Make
from .line import Cause, Line, share

_STEP = re.compile(r"(.*?)(\d+)")


def at_each_step(f: Formula, line: Line) -> Iterator[Cause]:
    """At each step another's array, or that of the step before or after: ``h[t - 1]``."""
    arrays = _by_step(line.others.arrays)
    leaves = _by_step({e.name: e for e in f.order if e.op == "leaf" and e.shape and e.name})
    for stem, steps in leaves.items():
        for other, by in itertools.product(arrays, (0, -1, 1) if len(steps) > 1 else ()):
            put = {e: arrays[other].get(k + by) for k, e in steps.items()}
            made = {e: _always(a) for e, a in put.items() if a is not None}
            if (other, by) == (stem, 0) or len(made) < max(1, len(steps) - 1):
                continue
            none = {e: _always(np.zeros(e.shape)) for e in put if e not in made}
            outs = f.but(made), f.but({**made, **none})
            if any(line.fits(out, f.result) for out in outs):
                last = max(k for k, e in steps.items() if e in made)
                yield Cause(1.8, "at_each_step", (f"{other}{last + by}", steps[last]), made)


def _by_step(named: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """By name without the step, and step."""
    found: dict[str, dict[int, Any]] = {}
    for name, x in named.items():
        if (step := _STEP.fullmatch(name)) is not None:
            found.setdefault(step[1], {})[int(step[2])] = x
    return found


def _always(array: Array) -> Make:
    return lambda xs, v: array


def products(f: Formula, line: Line) -> Iterator[Cause]:
    """The sum over all steps of a gradient times the array of another step."""
    arrays = _by_step({n: a for n, a in line.others.arrays.items() if a.ndim == 2})
    stems = _by_step({e.name: e for e in f.order if e.op == "leaf" and e.name})
    for stem, other, by, turned in itertools.product(stems, arrays, (-1, 0, 1), (False, True)):
        pairs = [
            (g, arrays[other][k + by]) for k, g in arrays.get(stem, {}).items()
            if k + by in arrays[other]
        ]  # fmt: skip
        with suppress(*UNFIT):
            found = sum(x.T @ g if turned else g @ x.T for g, x in pairs)
            if min(len(pairs), len(stems[stem])) > 1 and stem != other and line.fits(found):
                last = max(arrays[stem])
                there = f"{other}{last + (0 if by else -1)}"
                yield Cause(1.9, "at_each_step", (f"{other}{last + by}", there))


def updated(f: Formula, line: Line) -> Iterator[Cause]:
    """Weights that were updated before they were used: the learning rate that fits, if one does."""
    gradients = line.others.gradients
    found = {e: line.others.arrays.get(gradients.get(e.name or "", "")) for e in f.order}
    steps = {e: g for e, g in found.items() if g is not None and g.shape == e.shape}
    for e, g in steps.items():
        moved = f.but({e: partial(_moved, g, 1.0)})
        if moved is None or moved.shape != line.array.shape:
            continue
        change = moved - f.result
        k = share(change, line.array - f.result)
        enough = 1e-6 < abs(k) <= 100 and np.count_nonzero(change) > 1
        if enough and line.fits(f.but({e: partial(_moved, g, k)}), f.result):
            made = {x: partial(_moved, step, k) for x, step in steps.items()}
            yield Cause(2, "updated", (e, number(k)), made)


def _moved(step: Array, k: float, xs: Any, v: Array) -> Array:
    return v - k * step
