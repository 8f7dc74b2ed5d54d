"""The likely cause of a wrong line: the edit of its formula that gives the learner's array.

Each edit of `edits`, `steps` and `whole` is tried on each reading of the line, with the learner's
own gradients in place of those that it is computed from. Of those that fit the simplest is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, combinations
from typing import Any

import numpy as np

from .edits import Edit, at
from .formula import Formula
from .line import Cause, Line
from .readings import ONE, Readings, Slope, Term, core, fits, subterms
from .steps import at_each_step, products, updated
from .whole import elsewhere, whole

_MOST_TERMS = 300  # of a reading whose terms are edited one by one
_MANY_TERMS, _COMMON = 80, 1.2  # with more only edits that cost as little are tried
_DETOUR = 0.5  # what a reading costs that isn't the shortest
_USUAL = 2.3  # what edits cost at most that are tried at each step
_TWO = 1.5  # what a factor costs besides another mistake
_USUAL_OF_TWO = 1.5
_RARE = ("stands", "squared", "missing", "term_times")
_MOST_PAIRS = 100_000  # of edits that are tried together, times the terms of a reading
_MOST_MADE = 2  # mistakes before a line that others may come on top of, in it
_SHIFT = 1e-8

Edits = Callable[[Term, tuple[int, ...]], list[Edit]]


def follows(readings: Readings, line: Line) -> bool:
    """Whether the line is right, given the learner's gradients and mistakes before it."""
    factors = {1.0, *(cause.factor for cause in line.made)}
    return any(
        line.fits(k * f.result)
        for base in line.bases[: line.own] for f in _formulas(readings, line, base) for k in factors
    )  # fmt: skip


def _formulas(
    readings: Readings, line: Line, base: Any, most: int | None = None
) -> list[Formula]:
    """All readings of a line, also with the mistakes made before it in what it is computed of."""
    found = [
        Formula.of(term, base, m) for term in readings.of(line.name) for parts in [subterms(term)]
        for m in [{}, *[c.made for c in line.made if not c.made.keys().isdisjoint(parts)][:most]]
    ]  # fmt: skip
    return [f for f in found if f is not None]


def is_rounded(readings: Readings, line: Line, rtol: float, eps: float) -> bool:
    """Whether the line is what a reading gives but for roundings of what it is computed from.

    Of 1 − l, where l is nearly 1, only a few digits are left.
    """
    rng, shift = np.random.default_rng(0), max(_SHIFT, eps)  # what the dtype can show
    for base in line.bases[: line.own]:
        for f in _formulas(readings, line, base):
            if f.result.shape != line.array.shape:
                continue
            off = {
                e: f.value[e] * (1 + shift * rng.uniform(-1, 1, f.value[e].shape))
                for e in f.order if e.op == "leaf" and not e.given
            }  # fmt: skip
            g = Formula.of(f.root, off)
            noise = np.abs(g.result - f.result) * (50 * eps / shift) if g is not None else 0.0
            allowed = rtol * np.abs(f.result).max(initial=0) + noise
            if (np.abs(line.array - f.result) <= allowed).all():
                return True
    return False


def find(readings: Readings | None, line: Line, tries_two: bool = False) -> list[Cause]:
    """All edits that fit, the simplest first; where none does, two at once."""
    if not line.array.any():
        is_begun = line.right.any() and fits(line.array.shape, line.right.shape)
        return [Cause(0, "zeros")] if is_begun else []
    found = [*elsewhere(line)]
    if readings is None:
        found += whole(line, line.right, ())
    else:
        edits: Edits = cache(lambda e, shape: list(at(e, shape, readings, line.others)))
        for base in line.bases:
            formulas = _formulas(readings, line, base, _MOST_MADE)
            least = min((f.root.size for f in formulas), default=0.0)
            for f in formulas:
                detour = _DETOUR * (f.root.size > least + 1e-9) + 0.002 * f.root.size
                causes = (
                    *whole(line, f.result, readings.slopes, f), *_fitting(f, line, edits),
                    *at_each_step(f, line), *products(f, line), *updated(f, line),
                )  # fmt: skip
                found += [c._replace(cost=c.cost + detour) for c in causes]
            if found:
                break
        if not found and tries_two:
            found = [c for f in _formulas(readings, line, line.bases[0]) if not f.made
                     for c in _two(f, line, edits)]  # fmt: skip
    return sorted(found, key=lambda cause: cause.cost)


def _fitting(f: Formula, line: Line, edits: Edits) -> Iterator[Cause]:
    """One edit, or that and a factor of the whole."""
    for cause in chain(_single(f, edits), _repeated(f, edits)):
        out = f.but(cause.made)
        if out is None or (out.shape == line.array.shape and line.times(out) is None):
            continue
        (e, make), is_one = next(iter(cause.made.items())), len(cause.made) == 1
        if line.fits(out, f.result):
            is_whole = cause.kind == "mean_for_sum" and e is core(f.root)
            if not (is_one and f.cancels(e, make)):
                yield cause._replace(cost=-0.1) if is_whole else cause
        elif is_one and (k := line.factor(out)) not in (None, 1.0):
            yield cause._replace(cost=cause.cost + _TWO, factor=k)


def _single(f: Formula, edits: Edits) -> Iterator[Cause]:
    """One edit at one term."""
    dearest = math.inf if len(f.order) <= _MANY_TERMS else _COMMON
    for e in reversed(f.order) if len(f.order) <= _MOST_TERMS else ():
        for edit in edits(e, f.value[e].shape) if e is not ONE else ():
            if edit.cost <= dearest:
                yield Cause(edit.cost, edit.kind, edit.values, {e: edit.make})


def _repeated(f: Formula, edits: Edits) -> Iterator[Cause]:
    """The same edit at each step of a recurrent net."""
    groups: dict[Any, dict[Term, Edit]] = {}
    alike = cache(_signature)
    for e in f.order if len(f.order) <= _MOST_TERMS else ():
        for edit in edits(e, f.value[e].shape) if e.operands else ():
            if edit.cost <= _USUAL and edit.kind != "stands":
                for depth in (3, 1, 0):
                    about = [alike(x, depth) if type(x) is Term else x for x in edit.values]
                    about = [(x.op.name, x.s.shape) if type(x) is Slope else x for x in about]
                    key = edit.kind, edit.cost, *about, depth and alike(e, depth)
                    groups.setdefault(key, {}).setdefault(e, edit)
    several = {(*some, *map(id, some.values())): some for some in groups.values() if len(some) > 1}
    for some in several.values():
        edit = list(some.values())[-1]
        made = {e: x.make for e, x in some.items()}
        yield Cause(edit.cost + 0.5, edit.kind, edit.values, made)


def _signature(e: Term, depth: int) -> Any:
    """What terms have in common that stand for the same line at different steps."""
    if e.op == "leaf" or not depth:
        return e.op, (e.name or "").rstrip("0123456789"), e.shape
    parts = sorted(repr(_signature(x, depth - 1)) for x in e.operands)
    return e.op, e.shape, tuple(parts)


def _two(f: Formula, line: Line, edits: Edits) -> Iterator[Cause]:
    """Two common edits: each at every step, where there are several."""
    repeated = list(_repeated(f, edits))
    done = {id(make) for cause in repeated for make in cause.made.values()}
    single = [c for c in _single(f, edits) if not any(id(m) in done for m in c.made.values())]
    common = [c for c in (*repeated, *single) if c.cost <= _USUAL_OF_TWO + 0.5 * (len(c.made) > 1)
              and (c.kind not in _RARE or c.values[1:2] == (-1.0,))]  # fmt: skip
    most = math.isqrt(2 * _MOST_PAIRS // len(f.order))
    for first, second in combinations(sorted(common, key=lambda c: c.cost)[:most], 2):
        made = {**first.made, **second.made}
        if len(made) == len(first.made) + len(second.made):
            out = f.but(made)
            if out is not None and line.fits(out, f.result):
                both = (first.kind, first.values), (second.kind, second.values)
                yield Cause(first.cost + second.cost + 1, "two", both, made)
