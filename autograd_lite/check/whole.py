"""Mistakes that are seen in a whole line: its axes, what was clipped, a factor that is too many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number
from .formula import Formula
from .line import Cause, Line, is_small_fraction, share
from .readings import Slope
from .wording import symbol

_FEW = 2  # entries, that any number fits

Found = Iterator[tuple[float, str, tuple[Any, ...], Array]]
"""What a mistake costs, its kind, what it is about, and what it gives."""


def whole(
    line: Line, v: Array, slopes: Sequence[Slope], f: Formula | None = None
) -> Iterator[Cause]:
    """All that fits of what is wrong with a line as a whole, that should be ``v``."""
    for family in (_of_factor(line, v), _of_shape(line, v), _too_many(line, v, slopes, f)):
        for cost, kind, values, out in family:
            if line.fits(out, v):
                yield Cause(cost, kind, values, factor=values[0] if kind == "times" else 1.0)


def elsewhere(line: Line) -> Iterator[Cause]:
    """Another gradient as it stands."""
    others = line.others
    known = [(2.6, n, others.arrays[n]) for n in others.gradients.values() if n in others.arrays]
    known += [(1.5, symbol(t.name), g) for t, g in line.elsewhere() if t.name is not None]
    for cost, name, g in known:
        if g.size == line.array.size and line.fits(g.reshape(line.array.shape)):
            yield Cause(cost, "as_it_stands", (name,))


def _of_factor(line: Line, v: Array) -> Found:
    k = line.times(v) if v.shape == line.array.shape else None
    known = line.factor(v)
    if known is not None:
        yield 0, "times", (known,), known * v
    elif k is not None and (np.count_nonzero(v) > 1 or is_small_fraction(k)):
        yield 1.5, "times", (k,), k * v


def _of_shape(line: Line, v: Array) -> Found:
    """Summed, clipped, with axes in another order, or turned round."""
    a = line.array
    for x in (v.sum(), v.mean()) if v.size > 1 and a.shape in ((), line.right.shape) else ():
        yield 2.4, "all_of_it", (), np.full(a.shape, x)
    for order in itertools.permutations(range(v.ndim)) if v.ndim < 5 else ():
        for steps in itertools.product((1, -1), repeat=v.ndim):
            turned = v.transpose(order)[tuple(slice(None, None, s) for s in steps)]
            is_plain = order == (1, 0) and steps == (1, 1) and min(v.shape) > 1
            if turned.shape == a.shape:
                yield (0.9, "transposed", (), turned) if is_plain else (3, "turned", (), turned)
    most = float(np.abs(a).max())
    if v.dtype.kind != "c" and v.size > _FEW and (np.abs(a) >= most * (1 - 1e-9)).sum() > 1:
        yield 1.5, "clipped", (most,), np.clip(v, -most, most)
    yield 1, "conjugated", (), v.conj()


def _too_many(line: Line, v: Array, slopes: Sequence[Slope], f: Formula | None) -> Found:
    """A term, or a factor, that doesn't belong there."""
    a = line.array
    if v.shape != a.shape or v.size < _FEW:
        return
    own = line.others.arrays.get(line.name)
    if own is not None and own.shape == v.shape:
        k = share(v, own - a)
        is_round = abs(k - float(f"{k:.2g}")) <= line.rtol * abs(k)
        if k > 0 and (is_round or v.size > _FEW):
            yield 2, "updated_itself", (line.name, number(k)), own - k * v
    for name, o in line.others.arrays.items():
        if o.shape == v.shape and o.dtype != bool:
            if v.size > _FEW:
                k = share(o, a - v)
                yield 2.8, "term_too_many", (k, name), v + k * o
            for cost, text, p in ((2.8, name, 1), (3, f"1/{name}", -1), (3, f"{name}²", 2)):
                yield cost, "factor_too_many", (text,), v * o**p
    for slope in slopes:
        factor = slope.at(slope.s, slope.l)
        if factor.shape == v.shape:
            yield 2.5, "slope_too_many", (slope,), v * factor
    for e, x in f.value.items() if f is not None and v.size > _FEW else ():
        if x.shape == v.shape and x.dtype.kind == "f":
            yield 2.9, "own_slope_too_many", (e,), v * x * (1 - x)
