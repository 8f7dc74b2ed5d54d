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
from .formula import Formula, weighted
from .line import Line
from .readings import Term, core

_STEP = re.compile(r"(.*?)(-?\d+)(\D*)")


def _by_step(named: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """By name, with ``{}`` for the step, and step."""
    found: dict[str, dict[int, Any]] = {}
    for name, x in named.items():
        if (step := _STEP.fullmatch(name)) is not None:
            found.setdefault(f"{step[1]}{{}}{step[3]}", {})[int(step[2])] = x
        elif f"{name}_1" in named:  # of arrays without names
            found.setdefault(f"{name}_{{}}", {})[0] = x
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
    arrays = _by_step({n: a for n, a in line.others.items() if a.ndim < 3})
    own = {stem: steps for stem, steps in _beside(f, line).items() if len(steps) > 1}
    every, stepped = dict(own), {stem.format(k) for stem, steps in own.items() for k in steps}
    for name in line.readings.cotangents.keys() - stepped if own else ():
        g = Formula.of(line.readings.of(name)[0], line.bases[0])
        for stem, steps in _beside(g, line).items() if g is not None else ():
            every[stem] = {**steps, **every.get(stem, {})}
    for stem, other, by, turned in itertools.product(own, arrays, (-1, 0, 1, None), (False, True)):
        last = max(own[stem])
        whole = last + min(own[stem])  # in the reversed order
        at = {k: whole - k if by is None else k + by for k in every[stem]}
        pairs = [(x, arrays[other][at[k]]) for k, (x, _) in every[stem].items()
                 if at[k] in arrays[other]]  # fmt: skip
        names = other.format(at[last]), own[stem][last][1]
        if len(pairs) > 1 and names[0] != names[1].name:
            yield Edit(1.8, "at_each", names, {f.root: partial(_products, pairs, turned)})


def _beside(f: Formula, line: Line) -> dict[str, dict[int, tuple[Array, Any]]]:
    """What is computed from one gradient, by its step, and what it is multiplied by."""
    found: dict[str, dict[int, tuple[Array, Any]]] = {}
    for e in f.order:
        for xs, value, y in _multiplied(e, f):
            sources = {name for x in xs for name in line.readings.sources(x)}
            step = _STEP.fullmatch(min(sources)) if len(sources) == 1 else None
            if step is not None:
                own = found.setdefault(f"{step[1]}{{}}{step[3]}", {})
                own[int(step[2])] = value, core(y)
    return found


def _multiplied(e: Term, f: Formula) -> Iterator[tuple[Sequence[Term], Array, Term]]:
    """Of a product of matrices, or of a column and a row: one, its value, and the other."""
    if e.op == "matmul":
        yield from (([x], f.value[x], y) for x, y in (e.args, e.args[::-1]))
    elif e.op == "*" and not e.ndim:
        yield from (([x], f.value[x], y) for x, y in itertools.permutations(e.operands, 2))
    elif e.op == "*" and e.ndim == 2:
        row = {x: p for x, p in e.args if x.shape in (e.shape[1:], (1, e.shape[1]))}
        value = weighted("*", [f.value[x] for x in row], [*row.values()])
        yield from (([*row], value, y) for y in e.operands if y.shape == (e.shape[0], 1))


def _products(
    pairs: Sequence[tuple[Array, Array]], turned: bool, xs: Sequence[Array], v: Array
) -> Any:
    if not pairs[0][1].ndim:
        return sum(g * x for g, x in pairs)
    if pairs[0][1].ndim == 1:
        return sum(np.outer(g, x) if turned else np.outer(x, g) for g, x in pairs)
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
