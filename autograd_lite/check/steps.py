"""Mistakes that are made at several places at once: at each step of time, in weights used twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..meaning.moves import ranges_of
from .edits import Edit
from .formula import Formula, always, computed, weighted
from .line import Line
from .readings import Term, core, evaluate

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
    arrays = _by_step({n: a for n, a in line.others.items() if 0 < a.ndim < 3})
    own = {stem: steps for stem, steps in _beside(f, line).items() if len(steps) > 1}
    every, stepped = dict(own), {stem.format(k) for stem, steps in own.items() for k in steps}
    for name in line.readings.cotangents.keys() - stepped if own else ():
        g = Formula.of(line.readings.of(name)[0], line.bases[0])
        for stem, steps in _beside(g, line).items() if g is not None else ():
            every[stem] = {**steps, **every.get(stem, {})}
    for stem, other, by, turned in itertools.product(own, arrays, (-1, 0, 1), (False, True)):
        pairs = [(x, arrays[other][k + by]) for k, (x, _) in every[stem].items()
                 if k + by in arrays[other]]  # fmt: skip
        last = max(own[stem])
        names = other.format(last + by), own[stem][last][1]
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
    elif e.op == "*" and e.ndim == 2:
        row = {x: p for x, p in e.args if x.shape in (e.shape[1:], (1, e.shape[1]))}
        value = weighted("*", [f.value[x] for x in row], [*row.values()])
        yield from (([*row], value, y) for y in e.operands if y.shape == (e.shape[0], 1))


def rows(f: Formula, line: Line) -> Iterator[Edit]:
    """In a loop over pairs of ids: rows of one's own table, or by the other ids, at each pair."""
    terms = f.root.args if f.root.op == "+" else ((f.root, 1.0),)
    pairs = [(g, c, *found) for g, c in terms if (found := _pair(g)) is not None]
    own = line.others.get(line.name)
    if sum(np.size(i) for _, _, i, *_ in pairs) < 2 or own is None or own.shape != f.result.shape:
        return
    left = f.result - sum(c * f.value[g] for g, c, *_ in pairs)
    table = pairs[0][-1].args[0]
    others = np.asarray(evaluate(table))

    def put(array: Array | None, by_other: bool) -> Array:
        found = np.array(left)
        for _, c, i, product, x in pairs:
            given = {y: f.value[y] for y in product.operands}
            given |= {} if array is None else {x: array[i]}
            each = computed(product, [given[y] for y in product.operands])
            np.add.at(found, _ids(x.params["index"]) if by_other else i, c * each)
        return found

    for cost, kind, values, array, by_other in (
        (1.6, "stands", (line.name, table), own, False),
        (1.7, "own_ids", (table, line.name), others, False),
        (1.8, "other_ids", (table, f.root), None, True),
    ):
        with suppress(IndexError):  # one table has fewer rows
            yield Edit(cost, kind, values, {f.root: always(put(array, by_other))})


def _pair(g: Term) -> tuple[Any, Term, Term] | None:
    """Of what is added to rows, which, the product, and the factor that is rows of a table."""
    i = _ids(g.params["index"]) if g.op == "scatter" else None
    at = ranges_of(g.params["index"], g.shape) if g.op == "scatter" and i is None else None
    if at is not None and len(at[0]) == 1 and all(len(r) > 1 for r in at[1:]):
        i = np.asarray(at[0][0])
    product = core(g.args[0]) if i is not None else g
    found = [x for x in product.operands if x.op == "getitem" and x.args[0].op == "leaf"]
    is_row = product.op == "*" and len(found) == 1 and _ids(found[0].params["index"]) is not None
    return (i, product, found[0]) if is_row and i is not None else None


def _ids(index: Any) -> Any:
    """The rows that an index of whole numbers takes."""
    parts = [np.asarray(x) for x in (index if isinstance(index, tuple) else (index,))]
    return parts[0] if len(parts) == 1 and parts[0].dtype.kind in "iu" else None


def _products(
    pairs: Sequence[tuple[Array, Array]], turned: bool, xs: Sequence[Array], v: Array
) -> Any:
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
