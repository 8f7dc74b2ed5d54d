"""The likely cause of a wrong line: the edit of its formula that gives the learner's array.

Each edit of `edits` and `whole` is tried on each reading of the line, with the learner's own
gradients in place of those that it is computed from. Of those that fit the simplest is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from .edits import NO_OTHERS, Edit, at
from .formula import UNFIT, Formula, Made, computed
from .line import Cause, Line
from .readings import ONE, Readings, Term, core, fits
from .whole import whole

_MOST_TERMS = 300  # of a reading whose terms are edited one by one
_DETOUR = 0.5  # what a reading costs that isn't the shortest
_USUAL = 2.3  # what edits cost at most that are tried at each step
_TWO = 1.5  # what a factor costs besides another mistake
_SHIFT = 1e-8


def follows(readings: Readings, line: Line) -> bool:
    """Whether the line is right, given the learner's gradients and mistakes before it."""
    factors = {1.0, *(cause.factor for cause in line.made)}
    made: list[Made] = [{}, *(cause.made for cause in line.made if cause.made)]
    return any(
        f is not None and line.fits(k * f.result)
        for mistakes in made for base in line.bases[: line.own]
        for term in readings.of(line.name) for f in [Formula.of(term, base, mistakes)]
        for k in factors
    )  # fmt: skip


def is_rounded(readings: Readings, line: Line, rtol: float, eps: float) -> bool:
    """Whether the line is what a reading gives but for roundings of what it is computed from.

    Of 1 − l, where l is nearly 1, only a few digits are left.
    """
    rng, shift = np.random.default_rng(0), max(_SHIFT, eps)  # what the dtype can show
    for base in line.bases[: line.own]:
        for term in readings.of(line.name):
            f = Formula.of(term, base)
            if f is None or f.result.shape != line.array.shape:
                continue
            off = {
                e: f.value[e] * (1 + shift * rng.uniform(-1, 1, f.value[e].shape))
                for e in f.order if e.op == "leaf" and not e.given
            }  # fmt: skip
            g = Formula.of(term, off)
            noise = np.abs(g.result - f.result) * (50 * eps / shift) if g is not None else 0.0
            allowed = rtol * np.abs(f.result).max(initial=0) + noise
            if (np.abs(line.array - f.result) <= allowed).all():
                return True
    return False


def find(readings: Readings | None, line: Line) -> list[Cause]:
    """All edits that fit, the simplest first."""
    found: list[Cause] = []
    if not line.array.any():
        is_begun = line.right.any() and fits(line.array.shape, line.right.shape)
        return [Cause(0, "zeros")] if is_begun else []
    if readings is None:
        return sorted(whole(line, [], ()), key=lambda cause: cause.cost)
    for base in line.bases:
        terms = readings.of(line.name)
        made: list[Made] = [{}, *(cause.made for cause in line.made if cause.made)]
        formulas = (Formula.of(term, base, m) for m in made for term in terms)
        tried = [f for f in formulas if f is not None]
        least = min((f.root.size for f in tried), default=0.0)
        found += whole(line, tried, readings.slopes)
        for f in tried:
            detour = _DETOUR * (f.root.size > least + 1e-9)
            causes = (*_single(readings, f, line), *_repeated(readings, f, line))
            found += [c._replace(cost=c.cost + detour + 0.002 * f.root.size) for c in causes]
        if found:
            break
    found.sort(key=lambda cause: cause.cost)
    return found


def _single(readings: Readings, f: Formula, line: Line) -> Iterator[Cause]:
    """One edit at one term, or that and a factor of the whole."""
    terms = [e for e in reversed(f.order) if e is not ONE] if len(f.order) <= _MOST_TERMS else []
    edits = ((e, edit) for e in terms for edit in at(e, f.value[e].shape, readings, line.others))
    for e, edit in edits:
        try:
            new = np.asarray(edit.make([f.value[x] for x in e.operands], f.value[e]))
        except UNFIT:
            continue
        out = f.but(e, new) if new.size else None
        if out is None or out.dtype.kind not in "fiu":
            continue
        if not np.any(out) and line.array.shape == line.right.shape:
            continue
        made: Made = {e: partial(_made, e, edit)}
        if line.fits(out, f.result) and not f.cancels(e, new):
            is_whole = edit.kind == "mean_for_sum" and e is core(f.root)
            yield Cause(-0.1 if is_whole else edit.cost, edit.kind, edit.values, made)
        elif (k := line.factor(out)) not in (None, 1.0):
            yield Cause(edit.cost + _TWO, edit.kind, edit.values, made, k)


def _made(e: Term, edit: Edit, xs: list[Array]) -> Array:
    own = np.asarray(e.value) if e.op == "leaf" else computed(e, xs)
    return np.asarray(edit.make(xs, own))


# ---------------------------------------------------------------------- several at once


def _signature(e: Term, depth: int = 3) -> Any:
    """What terms have in common that stand for the same line at different steps."""
    name = (e.name or "").rstrip("0123456789")
    if e.op == "leaf" or not depth:
        return e.op, name, e.shape
    parts = sorted(map(repr, (_signature(x, depth - 1) for x in e.operands)))
    return e.op, e.shape, tuple(parts)


def _repeated(readings: Readings, f: Formula, line: Line) -> Iterator[Cause]:
    """The same edit at each step of a recurrent net."""
    groups: dict[Any, list[Term]] = {}
    for e in f.order:
        if e.operands and e not in readings.forward:
            groups.setdefault(_signature(e), []).append(e)
    for terms in groups.values():
        usual = [
            [x for x in at(e, f.value[e].shape, readings, NO_OTHERS) if x.cost <= _USUAL]
            for e in terms
        ]
        for edits in zip(*usual, strict=False) if len(terms) > 1 else ():
            edit = edits[-1]
            if all((x.kind, x.cost) == (edit.kind, edit.cost) for x in edits):
                made = {e: partial(_made, e, x) for e, x in zip(terms, edits, strict=True)}
                if line.fits(f.everywhere(made), f.result):
                    yield Cause(edit.cost + 0.5, edit.kind, edit.values, made)
