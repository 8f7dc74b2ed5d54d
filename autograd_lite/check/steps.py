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

_STEP = re.compile(r"(.*?)(\d+)(\D*)")


def _by_step(named: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """By name, with ``{}`` for the step, and step."""
    found: dict[str, dict[int, Any]] = {}
    for name, x in named.items():
        if (step := _STEP.fullmatch(name)) is not None:
            found.setdefault(f"{step[1]}{{}}{step[3]}", {})[int(step[2])] = x
    return found


def starts(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Zeros, where states begin that have no name before the first step."""
    named = _by_step(arrays).items()
    return {n.format(min(of) - 1): np.zeros_like(of[min(of)]) for n, of in named if min(of)}


def beside(name: str, other: str | None) -> Any:
    """A name by how many steps it comes after another."""
    own, its = (_STEP.fullmatch(n or "") for n in (name, other))
    return name if own is None or its is None else (own[1] + own[3], int(own[2]) - int(its[2]))


def products(f: Formula, line: Line) -> Iterator[Edit]:
    """The sum over all steps of a product's gradient times another array, or another step's.

    At the first step, too, which the line lacks where states begin with zeros, and others have.
    """
    arrays = _by_step({n: a for n, a in line.others.items() if a.ndim == 2})
    own = _beside(f, line)
    every = dict(own)
    for name in line.readings.cotangents if own else ():
        g = Formula.of(line.readings.of(name)[0], line.bases[0])
        for stem, steps in _beside(g, line).items() if g is not None else ():
            every[stem] = {**steps, **every.get(stem, {})}
    for stem, other, by, turned in itertools.product(own, arrays, (-1, 0, 1), (False, True)):
        pairs = [(x, arrays[other][k + by]) for k, (x, _) in every[stem].items()
                 if k + by in arrays[other]]  # fmt: skip
        if len(pairs) > 1:
            last = max(own[stem])
            names = other.format(last + by), own[stem][last][1]
            yield Edit(1.8, "at_each", names, {f.root: partial(_products, pairs, turned)})


def _beside(f: Formula, line: Line) -> dict[str, dict[int, tuple[Array, Any]]]:
    """What is computed from one gradient, by its step, and what it is multiplied by."""
    found: dict[str, dict[int, tuple[Array, Any]]] = {}
    for e in f.order:
        for x, y in (e.args, e.args[::-1]) if e.op == "matmul" else ():
            sources = line.readings.sources(x)
            step = _STEP.fullmatch(sources[0]) if len(sources) == 1 else None
            if step is not None:
                own = found.setdefault(f"{step[1]}{{}}{step[3]}", {})
                own[int(step[2])] = f.value[x], core(y)
    return found


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
