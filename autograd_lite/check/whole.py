"""Mistakes seen in a whole line: its axes, what was clipped, a factor or a term too many."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number
from .edits import Edit, some_of
from .formula import Formula, always
from .line import Line, share
from .readings import core, fits

_FEW = 2  # entries, that any number fits

_SLOPES: tuple[Callable[[Any], Any], ...] = (
    lambda x: x * (1 - x), lambda x: 1 - x * x, lambda x: (x > 0) * 1.0
)  # fmt: skip
"""As learners write them of any result x, also where it is none of σ, tanh, relu."""

Found = Iterator[tuple[float, str, tuple[Any, ...], Array]]
"""What a mistake costs, its kind, what it is about, and what it gives."""


def whole(f: Formula, line: Line) -> Iterator[Edit]:
    """What can be wrong with a line as a whole: edits of a formula's root."""
    yield Edit(0, "times", (), {f.root: lambda xs, v: 2 * v}, free=True)
    for name, o in line.others.items():
        is_less = fits(o.shape, f.result.shape)
        if (is_less or fits(f.result.shape, o.shape)) and o.dtype != bool:
            said = name if is_less else f"Σ {name}"
            make = partial(plus, o if is_less else _summed(o, f.result.shape))
            yield Edit(2.4, "term_too_many", (said,), {f.root: make}, free=True)
        for e in f.order if name in line.gradients.values() else ():
            if e.kind == "gradient" and e.name != name and e.shape == o.shape:
                yield Edit(2.4, "term_too_many", (name,), {e: partial(plus, o)}, free=True)
    yield from _too_many(f, line)
    some = _elsewhere(line), _of_shape(f, line), _moved(f, line), _where(f, line)
    for family in (*some, _own_slopes(f, line)):
        for cost, kind, values, out in family:
            yield Edit(cost, kind, values, {f.root: always(out)})


def updated(f: Formula, line: Line) -> Iterator[Edit]:
    """Weights that were updated before they were used, with one learning rate."""
    gradients, arrays = line.gradients, line.others
    found = {e: arrays.get(gradients.get(e.name or "", "")) for e in f.order if e.kind == "leaf"}
    steps = {e: g for e, g in found.items() if g is not None and g.shape == e.shape}
    made = {e: partial(plus, -g) for e, g in steps.items()}
    for e in made:
        yield Edit(0.5, "updated", (e,), made, free=True)


def _summed(o: Array, shape: tuple[int, ...]) -> Array:
    """Over the axes that such a shape doesn't have."""
    more = o.ndim - len(shape)
    ones = tuple(i + more for i, n in enumerate(shape) if n == 1)
    return np.asarray(o.sum((*range(more), *ones))).reshape(shape)


def plus(term: Array, xs: Sequence[Array], v: Array) -> Array:
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


def _of_shape(f: Formula, line: Line) -> Found:
    """Summed, clipped, with axes in another order, or turned round."""
    a, v = line.array, f.result
    for axes in some_of(range(v.ndim)) if a.shape in ((), v.shape) else ():
        x = v.sum(tuple(axes), keepdims=True)
        if x.size < v.size and (x.size == 1 or np.ptp(x)):
            out = np.broadcast_to(x, v.shape) if a.shape else x.squeeze()
            yield 2.4, "summed", (axes if x.size > 1 else frozenset(),), out
            if x.size == 1:
                yield 2.4, "summed", (frozenset(),), out / v.size
    for order in itertools.permutations(range(v.ndim)) if v.ndim < 5 else ():
        for steps in itertools.product((1, -1), repeat=v.ndim):
            turned = v.transpose(order)[tuple(slice(None, None, s) for s in steps)]
            is_plain = order == (1, 0) and steps == (1, 1) and min(v.shape) > 1
            if turned.shape == a.shape:
                cost, kind, what = (0.9, "transposed", ()) if is_plain else (3, "turned", (f.root,))
                yield cost, kind, what, turned
    for axis, (which, k) in itertools.product(range(a.ndim), (("first", 0), ("last", -1))):
        out = v.copy()
        if a.shape == v.shape and v.shape[axis] > 1:
            np.moveaxis(out, axis, 0)[k] = 0
            if np.moveaxis(v, axis, 0)[k].any() and out.any():
                yield 1.8, "end_missing", (which, frozenset([axis])), out
    most = float(np.abs(a).max(initial=0))
    at_most = np.abs(a) >= most * (1 - 1e-9)
    if v.dtype.kind != "c" and v.size > _FEW and 1 < at_most.sum() < np.count_nonzero(a):
        yield 1.5, "clipped", (most,), np.clip(v, -most, most)
    if v.dtype.kind == "c":
        yield 1, "conjugated", (), v.conj()


def _where(f: Formula, line: Line) -> Found:
    """Another factor where a given array is 1, as a weight of one class."""
    v, a = f.result, line.array
    for name, o in line.others.items() if v.shape == a.shape and v.size > _FEW else ():
        if o.ndim and fits(o.shape, v.shape) and np.isin(o, (0, 1)).all():
            for value in (1, 0):
                there = np.broadcast_to(o == value, v.shape)
                if np.count_nonzero(v[there]) < _FEW:
                    continue
                k = line.telling(share(v[there], a[there]), f.numbers)
                if k is not None and k != 1:
                    cost = 2.4 if k < 0 else 0.95
                    yield cost, "times_where", (name, str(value), k), np.where(there, k * v, v)


def _own_slopes(f: Formula, line: Line) -> Found:
    """Times a slope of x itself, which doesn't belong there."""
    named = {e: np.asarray(e.value) for e in line.readings.forward if e.name == line.name}
    for e, x in {**f.value, **named}.items() if f.result.size > _FEW else ():
        for slope in _SLOPES if x.dtype.kind == "f" and not e.given else ():
            k = slope(x)
            if fits(k.shape, f.result.shape):
                yield 2.9, "factor_too_many", (slope(e),), f.result * k
                if k.shape == f.result.shape and (k > 0).all() and np.ptp(k):
                    yield 2.3, "stands", (slope(e), f.root), k
                for g in f.order if e in named and np.ptp(k) else ():  # of a function without name
                    if g.kind == "gradient" and g.shape == k.shape:
                        yield 2.4, "stands", (g * slope(e), f.root), f.value[g] * k


def _moved(f: Formula, line: Line) -> Found:
    """Weights after their update."""
    v, own = f.result, line.others.get(line.name)
    if own is not None and own.shape == v.shape == line.array.shape and v.size >= _FEW:
        k = share(v, own - line.array)
        is_round = abs(k - float(f"{k:.2g}")) <= line.rtol * abs(k)
        if k > 0 and (is_round or np.unique(v).size > _FEW):
            yield 2, "updated_itself", (line.name, number(k)), own - k * v


def _too_many(f: Formula, line: Line) -> Iterator[Edit]:
    """A factor that doesn't belong to the line, or to what is summed in it."""
    if f.result.shape != line.array.shape:
        return
    for name, o in line.others.items():
        if o.size == 1 and line.telling(o.item(), ()) is None:
            yield Edit(2.1, "factor_too_many", (name,), {f.root: partial(_by, o.item())})
            yield Edit(2.1, "factor_missing", (name,), {f.root: partial(_by, 1 / o.item())})
    few = f.result.size < _FEW
    sums = (e for e in f.order if e.op in ("matmul", "sum"))
    places = {f.root: 0.0} | {core(x): 0.1 for e in (core(f.root), *sums) for x in e.operands}
    slopes = [(slope, slope.at(slope.s, slope.l)) for slope in line.readings.slopes
              if slope.s.size == 1 or not few]  # fmt: skip
    for place, more in places.items():
        shape = f.value[place].shape
        found: list[tuple[float, str, Any, Array]] = [
            (2.8, "factor_too_many", name, o) for name, o in line.others.items()
            if o.size > 1 and not few
        ]  # fmt: skip
        found += [(2.5, "slope_too_many", slope, x) for slope, x in slopes]
        for cost, kind, what, x in found:
            if fits(x.shape, shape) or fits(shape, x.shape):
                yield Edit(cost + more, kind, (what,), {place: partial(_by, x)})


def _by(factor: Array, xs: Sequence[Array], v: Array) -> Array:
    return np.asarray(v * factor)
