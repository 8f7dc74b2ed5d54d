"""The likely cause of a wrong line: the edit of its formula that gives the learner's array.

Each edit of `edits` and `whole` is tried on each reading of the line, with the learner's
own gradients in place of those that it is computed from. Of those that fit the simplest is named.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import accumulate, chain, combinations
from typing import Any

import numpy as np

from ..engine.tensor import Array
from .edits import MASKS, Edit, of_others, of_uses
from .formula import Formula, Make, always
from .line import Line, is_small_fraction, share
from .readings import ONE, Term, core, scaled, subterms
from .whole import updated, whole

_MOST_TERMS = 300  # of a reading whose terms are edited one by one
_MOST_READ = 250  # of all readings but the shortest, which are left out from there on
_MANY_TERMS, _COMMON = 80, 1.2  # with more only edits that cost as little are tried
_DETOUR, _NEAR = 0.5, 0.4  # what a reading costs that isn't the shortest; by the nearest lines
_OF_ONE_TERM = 1.0  # what a mistake costs in one term of a sum that factors stand before
_BY_USES = 0.1  # by a term for each use
_USUAL = 2.3  # what edits cost at most that are tried at each step
_FACTOR = 1.5  # what a factor costs besides another mistake, and a number that tells nothing
_OTHER_SIGN = 0.3  # what it costs that 1 − 2 x is written 2 (½ − x)
_UNTOLD = 2.2  # the same of a number by which a whole line is off
_USUAL_OF_TWO = 1.5
_RARE = ("stands", "around", "one_for", "term_times")
_MOST_PAIRS = 140_000  # of edits that are tried together, times the terms of a reading
_SHIFT = 1e-8

Family = Callable[[Formula, Line], Iterator[Edit]]


def follows(line: Line) -> bool:
    """Whether the line is right, given the learner's gradients and mistakes before it."""
    factors = {1.0, *(cause.factor for cause in line.made)}
    return any(
        line.fits(k * f.result)
        for base in line.bases for f in _formulas(line, base) for k in factors
    )  # fmt: skip


def follows_beside(line: Line, wrong: Iterable[str]) -> str | None:
    """Of these gradients, which don't lead there, the one that the line follows from.

    Of what is summed up for both it takes that one's, as of the scale of a normalisation.
    """
    base, readings = line.bases[0], line.readings
    for name in wrong:
        own = readings.cotangents[name]
        sums = {e for term in readings.of(name) for e in subterms(term)
                if e.op in ("sum", "matmul") and math.prod(e.shape) == own.value.size}  # fmt: skip
        k = base[own] / own.value if base[own].shape == own.shape else np.ones(own.shape)
        for term in readings.of(line.name):
            for e in sums.intersection(subterms(term)):
                f = Formula.of(term, base, {e: partial(_so_much, k)})
                if f is not None and line.fits(f.result):
                    return name
    return None


def _so_much(k: Array, xs: Sequence[Array], v: Array) -> Array:
    return v * k.reshape(v.shape)


def _formulas(line: Line, base: Any) -> list[Formula]:
    """All readings of a line, also with the mistakes made before it in what it is computed of."""
    found = []
    for term in line.readings.of(line.name):
        parts = subterms(term)
        before = [c.made for c in line.made if not c.made.keys().isdisjoint(parts)]
        every = {e: make for made in before for e, make in made.items()}
        found += [Formula.of(term, base, made) for made in ([{}, every] if every else [{}])]
    return [f for f in found if f is not None]


def is_rounded(line: Line, rtol: float, eps: float) -> bool:
    """Whether the line is what a reading gives but for roundings of what it is computed from.

    Of 1 − l, where l is nearly 1, only a few digits are left.
    """
    rng, shift = np.random.default_rng(0), max(_SHIFT, eps)  # what the dtype can show
    for f in _formulas(line, line.bases[0]):
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


def find(line: Line, usual: bool = False) -> Edit | None:
    """The simplest mistake that gives the line; perhaps only of what is ``usual``."""
    formulas = _read(line)
    if not formulas:
        return None
    least = min(f.root.size for f in formulas)
    near = min(formulas, key=lambda f: (-len(line.readings.sources(f.root)), f.root.size))
    detours = {}
    for f in formulas:
        far = _NEAR if f.root is near.root else _DETOUR
        detours[f] = far * (f.root.size > least + 1e-9) + 0.03 * (f.root.size - least)
        if line.readings.is_by_uses(f.root):
            detours[f] = min(_BY_USES + 0.005 * (f.root.size - least), detours[f])
    alone = {f for f in formulas if line.readings.is_multiplied_out(f.root)}
    detours |= {f: detours[f] + _OF_ONE_TERM for f in alone}
    tries = [(f, detour, cost, family) for f, detour in detours.items() for cost, family in _KINDS
             if f not in alone or family is _single]  # fmt: skip
    return _simplest(line, tries, _USUAL if usual else math.inf)


def find_two(line: Line) -> Edit | None:
    """Two that give it together."""
    is_alone = line.readings.is_multiplied_out
    formulas = [f for f in _read(line) if not f.made and not is_alone(f.root)]
    return _simplest(line, [(f, 0.0, 0.0, _two) for f in formulas], math.inf)


def _read(line: Line) -> list[Formula]:
    """The shortest formulas of a line."""
    every = sorted(_formulas(line, line.bases[0]), key=lambda f: len(f.order))
    terms = accumulate(len(f.order) for f in every[1:])
    return every[:1] + [f for f, n in zip(every[1:], terms, strict=False) if n <= _MOST_READ]


def _simplest(
    line: Line, tries: Iterable[tuple[Formula, float, float, Family]], dearest: float
) -> Edit | None:
    """Of the mistakes that give the line the simplest, which costs less than ``dearest``.

    Of each formula, with its detour, families are tried that cost this at least.
    """
    best: Edit | None = None
    for f, detour, least, family in sorted(tries, key=lambda x: x[1] + x[2]):
        if least + detour >= dearest:
            break
        for cause in sorted(family(f, line), key=lambda c: c.cost):
            if cause.cost + detour >= dearest:
                break
            found = _tried(f, line, cause)
            if found is not None and found.cost + detour < dearest:
                best, dearest = found, found.cost + detour
    return best


def _tried(f: Formula, line: Line, cause: Edit) -> Edit | None:
    """The mistake, where it gives the line, or does but for a telling factor."""
    out = f.but(cause.made)
    if out is None or (cause.kind in ("one_for", "one_for_all", "two") and _is_constant(out)):
        return None
    if cause.free:
        return _times(f, line, cause, out)
    if line.fits(out, f.result):
        return cause
    if len(cause.made) > 1 or out.shape != line.array.shape:
        return None
    k = line.times(out, f.numbers)
    if k in (None, 1.0):
        return None
    what = cause.values[0] if cause.kind == "factor_missing" else None
    made = {e: partial(_along, make, k, 0.0) for e, make in cause.made.items()}
    if isinstance(what, Term) and (core(what).op == "+" or core(what) in line.readings.unnamed):
        values = (scaled(what, 1 / k),)
        alike = cause._replace(cost=cause.cost + _OTHER_SIGN, values=values, made=made)
        return alike if k == -1 or not _is_constant(out) else None
    of_two = cause._replace(cost=cause.cost + _FACTOR, made=made, factor=k)
    return None if _is_constant(out) else of_two


def _is_constant(array: Array) -> bool:
    return bool((array == array.flat[:1]).all())


def _times(f: Formula, line: Line, cause: Edit, out: Array) -> Edit | None:
    """The mistake, made as many times over as gives the line."""
    base, array = f.result, line.array
    if not out.shape == base.shape == array.shape:
        return None
    k, more = share(out - base, array - base), cause.kind in ("times", "term_times")
    told = line.telling(k + more, f.numbers)
    if told is None and np.count_nonzero(out - base) < 2 and not is_small_fraction(k + more):
        return None
    k = k if told is None else told - more
    made = {e: partial(_along, make, k, 1 - k) for e, make in cause.made.items()}
    if not line.fits(f.but(made), base):
        return None
    untold = _UNTOLD if cause.kind == "times" else _FACTOR
    cost = cause.cost + (untold if told is None else 0)
    factor = k + 1 if cause.kind == "times" else 1.0
    return Edit(cost, cause.kind, (*cause.values, k + more), made, factor=factor)


def _along(make: Make, k: float, rest: float, xs: Sequence[Array], v: Array) -> Any:
    """A mistake k times over, and so much of what is right."""
    return k * np.asarray(make(xs, v)) + rest * v


def _single(f: Formula, line: Line) -> Iterator[Edit]:
    """One edit at one term."""
    dearest = math.inf if len(f.order) <= _MANY_TERMS else _COMMON
    for e in reversed(f.order) if len(f.order) <= _MOST_TERMS else ():
        for edit in line.edits(e) if e is not ONE else ():
            if edit.cost <= dearest or e is core(f.root):
                is_whole = edit.kind == "mean_for_sum" and e is core(f.root)
                yield edit._replace(cost=-0.1) if is_whole else edit


def _others(f: Formula, line: Line) -> Iterator[Edit]:
    """Another array at one term, or at one of its uses."""
    others = cache(lambda e: list(of_others(f, line.readings, line.instead, e)))
    for e in f.order if len(f.order) <= _MANY_TERMS else ():
        if e is not ONE:
            yield from others(e)
            yield from of_uses(f, others, e)


def _at_uses(f: Formula, line: Line) -> Iterator[Edit]:
    """One edit of a term at one of its uses only."""
    for e in f.order if len(f.order) <= _MANY_TERMS else ():
        yield from of_uses(f, line.edits, e)


def _repeated(f: Formula, line: Line) -> Iterator[Edit]:
    """The same edit at each term that is of one kind."""
    groups: dict[Any, dict[Term, Edit]] = {}
    for e in f.order if len(f.order) <= _MOST_TERMS else ():
        seen = Counter[Any]()  # of several of a kind each the one in its place
        for edit in line.edits(e) if e is not ONE else ():
            if edit.cost <= _USUAL and not edit.free:
                about = [x.given if type(x) is Term else x for x in edit.values
                         if type(x) in (str, float, Term)]
                key = (edit.kind, edit.cost, *about, e.op, len(e.shape))
                groups.setdefault((key, seen[key]), {})[e] = edit
                seen[key] += 1
    for some in groups.values():
        if len(some) > 1:
            edit = list(some.values())[-1]
            made = {e: make for x in some.values() for e, make in x.made.items()}
            yield edit._replace(cost=edit.cost + 0.5, made=made)


def _exchanged(f: Formula, line: Line) -> Iterator[Edit]:
    """Another term that is like one of the line's in its place, or both in each other's."""
    alike: dict[Any, list[Term]] = {}
    for e in f.order if len(f.order) <= _MANY_TERMS else ():
        alike.setdefault((e.op == "leaf" or _signature(e, 3), f.value[e].shape), []).append(e)
    slopes = [s for s in line.readings.slopes if s.result in f.value]
    if len(slopes) > 1:
        made = {s.result: always(s.s) for s in slopes}
        yield Edit(2, "at_each", (slopes[0].of, slopes[0].result), made)
    for some in alike.values():
        for x, e in combinations([e for e in some if e.shape], 2):
            put = {x: always(f.value[e]), e: always(f.value[x])}
            yield Edit(2, "exchanged", (x, e), put)


def _signature(e: Term, depth: int) -> Any:
    """What terms have in common that stand for the same line at different steps."""
    if e.op == "leaf" or not depth:
        return e.op, (e.name or "").rstrip("0123456789"), e.shape
    parts = sorted(repr(_signature(x, depth - 1)) for x in e.operands)
    return "mask" if e.op in MASKS else e.op, e.shape, tuple(parts)


def _two(f: Formula, line: Line) -> Iterator[Edit]:
    """Two common edits: each at every term of a kind, where there are several."""
    some = chain(_repeated(f, line), _single(f, line))
    common = [(c.cost - 0.5 * (len(c.made) > 1), c) for c in some
              if not c.free and (c.kind not in _RARE or c.values[-1] == -1.0)]  # fmt: skip
    usual = sorted((x for x in common if x[0] <= _USUAL_OF_TWO), key=lambda x: x[0])
    most = math.isqrt(2 * _MOST_PAIRS // len(f.order))
    for (_, first), (_, second) in combinations(usual[:most], 2):
        made = {**first.made, **second.made}
        if len(made) == len(first.made) + len(second.made):
            both = (first.kind, first.values), (second.kind, second.values)
            yield Edit(first.cost + second.cost + 1, "two", both, made)


_KINDS: tuple[tuple[float, Family], ...] = (
    (0, whole), (-0.1, _single), (0.5, updated), (1.3, _repeated), (1.5, _others), (1.4, _at_uses),
    (1.8, _exchanged),
)  # fmt: skip
"""Families of mistakes, and what one costs at least."""
