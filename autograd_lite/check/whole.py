"""Mistakes that are seen in a whole line: a factor, a transpose, what was clipped or skipped."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number
from .formula import UNFIT, Formula
from .line import Cause, Line, is_small_fraction
from .readings import Slope, Term
from .wording import symbol

_FEW = 2  # entries, that any number fits
_STEP = re.compile(r"(.*?)(\d+)")


def whole(line: Line, formulas: Sequence[Formula], slopes: Sequence[Slope]) -> list[Cause]:
    """All that fits of what is wrong with a line, or a formula, as a whole."""
    results = [f.result for f in formulas] or [line.right]
    families = [_elsewhere(line)]
    by_value = _of_factor, _of_order, _of_clipping, _of_all
    for detour, v in enumerate(results):
        families += [family(line, v, 0.1 * detour) for family in by_value]
        families.append(_too_many(line, v, slopes))
    for f in formulas:
        leaves = [e for e in f.order if e.op == "leaf" and e.shape]
        families += [_other_steps(f, line, leaves), _updated(f, line, leaves)]
        families.append(_own_slope(f, line))
    found: list[Cause] = []
    for family in families:
        try:
            found += family
        except UNFIT:
            continue
    return found


def _elsewhere(line: Line) -> Iterator[Cause]:
    """Another gradient as it stands."""
    a = line.array
    for name, g in line.others.arrays.items():
        if name in line.others.gradient_of.values() and line.fits(g):
            yield Cause(2.6, "as_it_stands", (name,))
    for tensor, g in line.elsewhere():
        if tensor.name is not None and g.size == a.size and line.fits(g.reshape(a.shape)):
            yield Cause(1.5, "as_it_stands", (symbol(tensor.name),))


def _of_factor(line: Line, v: Array, cost: float) -> Iterator[Cause]:
    k = line.factor(v)
    if k is not None and k != 1:
        yield Cause(cost, "times", (k,), factor=k)
    elif v.shape == line.array.shape and v.any():
        k = float((v * line.array).sum() / (v * v).sum())
        enough = np.count_nonzero(v) > 1 or is_small_fraction(k)
        if k and enough and np.isfinite(k) and line.fits(k * v, v):
            yield Cause(cost + 1.5, "times", (k,), factor=k)


def _of_all(line: Line, v: Array, cost: float) -> Iterator[Cause]:
    """The sum, or mean, of all entries."""
    for x in (v.sum(), v.mean()):
        for shape in ((), line.right.shape) if v.size > 1 else ():
            if line.array.shape == shape and x and line.fits(np.full(shape, x), v):
                yield Cause(cost + 2.4, "all_of_it")


def _of_order(line: Line, v: Array, cost: float) -> Iterator[Cause]:
    """Axes in another order, or turned round."""
    for order in itertools.permutations(range(v.ndim)) if v.ndim < 5 else ():
        for steps in itertools.product((1, -1), repeat=v.ndim):
            turned = v.transpose(order)[tuple(slice(None, None, s) for s in steps)]
            if turned.shape == line.array.shape and line.fits(turned, v):
                is_plain = order == (1, 0) and steps == (1, 1) and min(v.shape) > 1
                yield Cause(cost + 0.9, "transposed") if is_plain else Cause(cost + 3, "turned")


def _of_clipping(line: Line, v: Array, cost: float) -> Iterator[Cause]:
    """Clipped."""
    a = line.array
    if v.shape != a.shape or v.size <= _FEW:
        return
    most = float(np.abs(a).max())
    at_most = np.count_nonzero(np.abs(a) >= most * (1 - 1e-9))
    if at_most > 1 and (np.abs(v) > most).any() and line.fits(np.clip(v, -most, most), v):
        yield Cause(cost + 1.5, "clipped", (most,))


def _too_many(line: Line, v: Array, slopes: Sequence[Slope]) -> Iterator[Cause]:
    """A term, or a factor, that doesn't belong there."""
    if v.shape != line.array.shape or v.size < _FEW:
        return
    residual = line.array - v
    own = line.others.arrays.get(line.name)
    if own is not None and own.shape == v.shape:
        k = float(((own - line.array) * v).sum() / (v * v).sum()) if v.any() else 0.0
        is_round = abs(k - float(f"{k:.2g}")) <= line.rtol * abs(k)
        if k > 0 and (is_round or v.size > _FEW) and line.fits(own - k * v, v):
            yield Cause(2, "updated_itself", (line.name, number(k)))
    for name, o in line.others.arrays.items():
        if o.shape != v.shape or o.dtype == bool:
            continue
        k = float((residual * o).sum() / (o * o).sum())
        if v.size > _FEW and line.fits(v + k * o, v):
            yield Cause(2.8, "term_too_many", (k, name))
        for p in (1, -1, 2):
            if line.fits(v * o**p, v):
                yield Cause(2.8 if p == 1 else 3, "factor_too_many", (name, p))
    for slope in slopes:
        own = slope.at(slope.s, slope.l)
        if own.shape == v.shape and line.fits(v * own, v):
            yield Cause(2.5, "slope_too_many", (slope,))


# ---------------------------------------------------------------------- several terms at once


def _own_slope(f: Formula, line: Line) -> Iterator[Cause]:
    """x (1 − x) for a part x of the formula, which isn't a sigmoid's there."""
    for e in f.order if line.array.size > _FEW else ():
        x = f.value[e]
        is_like = x.shape == f.result.shape == line.array.shape and x.dtype.kind == "f"
        if is_like and line.fits(f.result * x * (1 - x), f.result):
            yield Cause(2.9, "own_slope_too_many", (e,))


def _other_steps(f: Formula, line: Line, leaves: Sequence[Term]) -> Iterator[Cause]:
    """At each step another's array, or that of the step before or after: ``h[t - 1]``."""
    groups: dict[str, dict[int, Term]] = {}
    for e in leaves:
        if (step := _STEP.fullmatch(e.name or "")) is not None:
            groups.setdefault(step[1], {})[int(step[2])] = e
    arrays = line.others.arrays
    stems = {step[1] for name in arrays if (step := _STEP.fullmatch(name)) is not None}
    for stem, steps in groups.items():
        for other in stems if len(steps) > 1 else ():
            for by in (0, -1, 1):
                put = {e: f"{other}{k + by}" for k, e in steps.items()}
                made = {
                    e: _always(arrays[name])
                    for e, name in put.items() if name in arrays and arrays[name].shape == e.shape
                }  # fmt: skip
                if (other, by) == (stem, 0) or len(made) < len(steps) - 1 or not made:
                    continue
                e = list(made)[-1]
                none = {x: _always(np.zeros(x.shape)) for x in put if x not in made}
                if any(line.fits(f.everywhere(m), f.result) for m in (made, {**made, **none})):
                    yield Cause(1.8, "at_each_step", (put[e], e), made)
        yield from _products_of_steps(line, stem, steps)


def _always(array: Array) -> Callable[[list[Array]], Array]:
    return lambda xs: array


def _products_of_steps(line: Line, stem: str, steps: dict[int, Term]) -> Iterator[Cause]:
    """The sum over all steps of a gradient times the array of another step."""
    arrays = line.others.arrays
    own = {int(m[2]): a for n, a in arrays.items() if (m := _STEP.fullmatch(n)) and m[1] == stem}
    others: dict[str, dict[int, Array]] = {}
    for name, array in arrays.items():
        if (m := _STEP.fullmatch(name)) is not None and array.ndim == 2 and m[1] != stem:
            others.setdefault(m[1], {})[int(m[2])] = array
    for (other, by), turned in itertools.product(
        itertools.product(others, (-1, 0, 1)), (False, True)
    ):
        pairs = [(g, x) for k, g in own.items() if (x := others[other].get(k + by)) is not None]
        if len(pairs) < 2 or len(steps) < 2 or len({(g.shape, x.shape) for g, x in pairs}) > 1:
            continue
        if any(g.ndim != 2 or g.shape[turned ^ 1] != x.shape[turned ^ 1] for g, x in pairs):
            continue
        found = np.asarray(sum(x.T @ g if turned else g @ x.T for g, x in pairs))
        if line.fits(found):
            last = max(own)
            there = f"{other}{last + (0 if by else -1)}"
            yield Cause(1.9, "at_each_step", (f"{other}{last + by}", there))


def _updated(f: Formula, line: Line, leaves: Sequence[Term]) -> Iterator[Cause]:
    """Weights that were updated before they were used: the learning rate that fits, if one does."""
    others = line.others
    steps = {
        e: g for e in leaves
        if (g := others.arrays.get(others.gradient_of.get(e.name or "", ""))) is not None
        and g.shape == e.shape
    }  # fmt: skip
    for e, g in steps.items():
        moved = f.but(e, f.value[e] - g)
        if moved is None or moved.shape != line.array.shape:
            continue
        change = moved - f.result
        k = float(((line.array - f.result) * change).sum() / max((change * change).sum(), 1e-300))
        enough = 1e-6 < abs(k) <= 100 and np.count_nonzero(change) > 1
        if enough and line.fits(f.but(e, f.value[e] - k * g), f.result):
            made = {x: _always(np.asarray(x.value) - k * step) for x, step in steps.items()}
            yield Cause(2, "updated", (e, number(k)), made)
