"""Mistakes that are seen in a whole line: its axes, what was clipped, a factor that is too many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number
from .formula import Formula, always
from .line import Cause, Line, share
from .readings import fits

_FEW = 2  # entries, that any number fits

Found = Iterator[tuple[float, str, tuple[Any, ...], Array]]
"""What a mistake costs, its kind, what it is about, and what it gives."""


def whole(f: Formula, line: Line) -> Iterator[Cause]:
    """What can be wrong with a line as a whole: edits of a formula's root."""
    yield Cause(0, "times", (), {f.root: lambda xs, v: 2 * v}, free=True)
    for name, o in line.others.items():
        if o.shape == f.result.shape and o.dtype != bool:
            yield Cause(2.4, "term_too_many", (name,), {f.root: partial(_plus, o)}, free=True)
    for family in (_elsewhere(line), _of_shape(line, f.result), _too_many(f, line)):
        for cost, kind, values, out in family:
            yield Cause(cost, kind, values, {f.root: always(out)})


def _plus(term: Array, xs: Sequence[Array], v: Array) -> Array:
    return v + term


def _elsewhere(line: Line) -> Found:
    """Another gradient as it stands; nothing at all."""
    shape = line.array.shape
    if shape == line.right.shape and not line.array.any() and line.right.any():
        yield 0, "zeros", (), np.zeros(shape)
    known = [(2.6, n, line.others[n]) for n in line.gradients.values() if n in line.others]
    known += [(1.5, n, g) for n, g in line.elsewhere().items()]
    for cost, name, g in known:
        if g.size == line.array.size:
            yield cost, "as_it_stands", (name,), g.reshape(shape)


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
    most = float(np.abs(a).max(initial=0))
    if v.dtype.kind != "c" and v.size > _FEW and (np.abs(a) >= most * (1 - 1e-9)).sum() > 1:
        yield 1.5, "clipped", (most,), np.clip(v, -most, most)
    if v.dtype.kind == "c":
        yield 1, "conjugated", (), v.conj()


def _too_many(f: Formula, line: Line) -> Found:
    """A factor that doesn't belong there; or weights after their update."""
    v, arrays = f.result, line.others
    if v.shape != line.array.shape or v.size < _FEW:
        return
    own = arrays.get(line.name)
    if own is not None and own.shape == v.shape:
        k = share(v, own - line.array)
        is_round = abs(k - float(f"{k:.2g}")) <= line.rtol * abs(k)
        if k > 0 and (is_round or v.size > _FEW):
            yield 2, "updated_itself", (line.name, number(k)), own - k * v
    for name, o in arrays.items():
        if o.size > 1 and fits(o.shape, v.shape) and o.dtype != bool:
            for cost, text, p in ((2.8, name, 1), (3, f"1/{name}", -1), (3, f"{name}²", 2)):
                yield cost, "factor_too_many", (text,), v * o**p
    for slope in line.readings.slopes:
        factor = slope.at(slope.s, slope.l)
        if fits(factor.shape, v.shape):
            yield 2.5, "slope_too_many", (slope,), v * factor
    for e, x in f.value.items() if v.size > _FEW else ():
        if x.shape == v.shape and x.dtype.kind == "f":
            yield 2.9, "own_slope_too_many", (e,), v * x * (1 - x)
