"""What can be written wrong at one term of a formula: an edit, as data, and what it gives.

Each family yields the edits of one kind of term. Nothing here decides whether one was made:
`causes` tries them, and `words` says them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Array
from .formula import computed
from .readings import (
    ACTIVATIONS,
    ONE,
    Readings,
    Slope,
    Term,
    as_number,
    fits,
    over_axes,
    product,
    total,
)  # fmt: skip

Make = Callable[[Sequence[Array], Array], Any]
"""From the values of a term's operands, and its own, what stands there instead."""

MASKS = ("greater", "less", "greater_equal", "less_equal")
_MOVES = ("reshape", "transpose", "broadcast_to")


class Edit(NamedTuple):
    """A mistake at a term.

    Attributes:
        cost: how far-fetched it is; where several fit, the least is named.
        kind: which, as `words` has it.
        values: what it is about: terms, names, numbers.
        make: what stands there instead.
    """

    cost: float
    kind: str
    values: tuple[Any, ...]
    make: Make


Edits = Iterator[Edit]


class Others(NamedTuple):
    """What may stand in a term's place.

    Attributes:
        arrays: by name, of the forward pass and of the learner's gradients.
        sizes: of batches and layers.
        gradient_of: the names of gradients, by those of their tensors.
    """

    arrays: Mapping[str, Array]
    sizes: Sequence[int]
    gradient_of: Mapping[str, str]


NO_OTHERS = Others({}, (), {})


def at(e: Term, shape: tuple[int, ...], readings: Readings, others: Others) -> Edits:
    """All that can be written wrong at a term, of this shape."""
    is_atom = e.op == "leaf" or e in readings.forward
    if len(e.operands) == 1 and e.op not in ("+", "*", "sum", *_MOVES, "scatter", "getitem"):
        yield Edit(1, "without", (e.operands[0], e), lambda xs, v: _like(xs[0], v))
    if not is_atom:
        family = _FAMILIES.get(e.op)
        if family is not None:
            yield from family(e)
        if e.op == "*":
            yield from _of_slopes(e, readings)
            yield from _of_locals(e, readings)
        if e.op == "+":
            yield from _of_sizes(e, others)
            yield from _of_sources(e, readings)
        yield from _of_uses(e, others)
    elif e.given:
        yield from _of_given(e)
    for slope in readings.slopes:
        if slope.factors == {e: 1.0}:
            yield Edit(0.8, "slope_missing", (slope,), lambda xs, v: np.ones(v.shape))
            yield from _instead_of(slope, lambda xs, v: 1.0)
        elif e is slope.result:
            yield Edit(2, "slope_for_value", (slope,), _put(slope.at(slope.s, slope.l)))
    if e.op in MASKS:
        yield Edit(1, "inverted", (e,), lambda xs, v: ~v)
        for name, array in others.arrays.items():
            yield Edit(2, "mask_of", (name, e), _put(array > 0))
    yield from _of_any(e)
    for name, array in others.arrays.items():
        yield from _another(e, shape, name, array, 1.4 if is_atom else 4.5)


def _put(array: Array) -> Make:
    return lambda xs, v: _like(array, v)


def _operand(i: int, whole: bool = False) -> Make:
    return lambda xs, v: _whole(xs[i], v) if whole else xs[i]


def _of_value(f: Callable[[Array], Any], xs: Sequence[Array], v: Array) -> Any:
    return f(v)


def _part(place: Any, xs: Sequence[Array], v: Array) -> Array:
    return _like(xs[0][place], v)


def _like(new: Array, old: Array) -> Array:
    if new.shape != old.shape:
        raise ValueError("another shape")
    return new


# ---------------------------------------------------------------------- sums and products


def _of_sum(e: Term) -> Edits:
    """A term missing, alone, with another sign or factor."""
    n = len(e.args)
    for i, (f, c) in enumerate(e.args):
        rest = f, e
        if n == 2 and abs(c) != abs(e.args[1 - i][1]):
            yield Edit(2, "exchanged", rest, _exchanged(e))
        if n == 2 and not i:
            yield Edit(2.5, "product_for_sum", (e,), lambda xs, v: xs[0] * xs[1])
        if n > 1:
            kind = "target_missing" if n == 2 and f.given and f is not ONE else "term_missing"
            other = (e.args[1 - i][0],) if kind == "target_missing" else ()
            yield Edit(1, kind, (f, *other, e), _weighted(e, i, 0.0))
            yield Edit(1.5, "term_times", (f, -1.0, e), _weighted(e, i, -1.0))
            yield Edit(2, "only_term", rest, _shared(e, [j for j in range(n) if j != i], 0.0))
        if n > 1 or c not in (1.0, -1.0):
            if abs(c) != 1:
                yield Edit(1.2, "term_factor_missing", (f, abs(c), e), _weighted(e, i, 1 / abs(c)))
                yield Edit(2, "term_factor_twice", (f, abs(c), e), _weighted(e, i, abs(c)))
            for k in (2.0, 0.5):
                yield Edit(2, "term_times", (f, k, e), _weighted(e, i, k))
    yield from _of_powers(e)
    if n > 1 and all(f.op == "scatter" for f, _ in e.args):
        yield Edit(1, "overlap", (e,), lambda xs, v: _overwritten(e, xs, v))


def _of_powers(e: Term) -> Edits:
    """(1 − x)² where 1 − x² belongs."""
    if len(e.args) != 2 or e.args[0][0] is not ONE:
        return
    (_, a), (f, c) = e.args
    if f.op == "*" and len(f.args) == 1 and f.args[0][0].op == "leaf":
        ((x, p),) = f.args
        yield Edit(2, "power_outside", (e, p), lambda xs, v: (a + c * np.asarray(x.value)) ** p)


def _of_sources(e: Term, readings: Readings) -> Edits:
    """All that comes from one tensor missing, or there alone, or with another sign or factor."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, (f, _) in enumerate(e.args):
        groups.setdefault(tuple(readings.sources(f)), []).append(i)
    for some in groups.values() if 1 < len(groups) < len(e.args) else ():
        if len(some) < 2:
            only = _shared(e, [i for i in range(len(e.args)) if i not in some], 0.0)
            yield Edit(1.5, "only_term", (e.args[some[0]][0], e), only)
            continue
        part = total([e.args[i] for i in some])
        rest = [i for i in range(len(e.args)) if i not in some]
        yield Edit(1.1, "term_missing", (part, e), _shared(e, some, 0.0))
        yield Edit(1.6, "only_term", (part, e), _shared(e, rest, 0.0))
        for k in (-1.0, 2.0, 0.5):
            yield Edit(1.6 if k < 0 else 2.1, "term_times", (part, k, e), _shared(e, some, k))


def _of_sizes(e: Term, others: Others) -> Edits:
    """A term of a sum times or divided by a size."""
    for i, (f, _) in enumerate(e.args if len(e.args) > 1 else ()):
        for q in others.sizes:
            yield Edit(1.3, "term_times", (f, float(q), e), _weighted(e, i, q))
            yield Edit(1.3, "term_times", (f, 1 / q, e), _weighted(e, i, 1 / q))


def _exchanged(e: Term) -> Make:
    """A sum of two, each with the other's coefficient."""
    (_, c), (_, d) = e.args
    return lambda xs, v: d * xs[0] + c * xs[1]


def _weighted(e: Term, i: int, k: float) -> Make:
    """A sum in which the i-th term is there k times."""
    return _shared(e, [i], k)


def _shared(e: Term, some: Sequence[int], k: float) -> Make:
    """A sum in which some terms are there k times."""
    weights = [c * (k if j in some else 1) for j, (_, c) in enumerate(e.args)]

    def make(xs: Sequence[Array], v: Array) -> Any:
        return _whole(sum(w * x for w, x in zip(weights, xs, strict=True) if w), v)

    return make


def _whole(x: Any, v: Array) -> Array:
    return np.broadcast_to(x, v.shape) if np.ndim(x) <= v.ndim else np.asarray(x)


def _overwritten(e: Term, xs: Sequence[Array], v: Array) -> Array:
    found = np.zeros(v.shape)
    for (f, c), x in zip(e.args, xs, strict=True):
        at = np.zeros(v.shape, bool)
        at[f.params["index"]] = True
        found = np.where(at, c * x, found)
    return found


def _of_product(e: Term) -> Edits:
    """A factor missing, or with another exponent."""
    for f, p in e.args:
        kind = "mask_missing" if _is_mask(f) else "factor_missing" if p > 0 else "division_missing"
        factor = f if abs(p) == 1 else product([(f, abs(p))])
        whole = len(e.args) > 1
        if whole or p != 1:
            yield Edit(1, kind, (factor,), _powers(e, {f: 0.0}))
            yield Edit(1.2, kind, (factor,), _powers(e, {f: 0.0}, False))
        for q in {2 * p, -p, p + 1, p - 1, p / 2, p + 0.5, p - 0.5, 1.0} - {p, 0.0}:
            kind = "twice" if q == 2 * p else "upside_down" if q == -p else "exponent"
            cost = 2.1 if q in (1, 2 * p, -p) else 2.5
            yield Edit(cost, kind, (factor, q, p, f), _powers(e, {f: q}))
    for some in _by_support(e):
        factor = product([z for z in e.args if z[0] in some])
        yield Edit(1, "factor_missing", (factor,), _powers(e, dict.fromkeys(some, 0.0)))
        twice = {f: 2 * p for f, p in e.args if f in some}
        yield Edit(2, "twice", (factor, 2, 1, factor), _powers(e, twice))


def _is_mask(e: Term) -> bool:
    return e.op in MASKS or (e.op == "leaf" and e.given and np.asarray(e.value).dtype == bool)


def _of_locals(e: Term, readings: Readings) -> Edits:
    """All but the gradient that comes from behind missing."""
    some = [(f, p) for f, p in e.args if not readings.sources(f)]
    if 1 < len(some) < len(e.args):
        gone = dict.fromkeys((f for f, _ in some), 0.0)
        yield Edit(1, "factor_missing", (product(some),), _powers(e, gone))
        yield Edit(1.1, "factor_missing", (product(some),), _powers(e, gone, False))


def _powers(e: Term, other: Mapping[Term, float], whole: bool = True) -> Make:
    """A product with other exponents."""
    powers = [other.get(f, p) for f, p in e.args]

    def make(xs: Sequence[Array], v: Array) -> Any:
        factors = (x if p == 1 else x**p for x, p in zip(xs, powers, strict=True) if p)
        found = math.prod(factors, start=1.0)
        return _whole(found, v) if whole else found

    return make


def _by_support(e: Term) -> Iterator[set[Term]]:
    """The factors that belong together: of one tensor, two or more and not all."""
    groups: dict[Any, set[Term]] = {}
    for f, _ in e.args:
        support = _support(f)
        if len(support) == 1:
            groups.setdefault(support, set()).add(f)
    for some in groups.values():
        if 1 < len(some) < len(e.args):
            yield some


def _support(e: Term) -> frozenset[Term]:
    found: set[Term] = set()
    todo = [e]
    while todo and len(found) < 2:
        t = todo.pop()
        todo += t.operands
        if t.op == "leaf" and not (t.given and as_number(t) is not None):
            found.add(t)
    return frozenset(found)


# ---------------------------------------------------------------------- slopes


def _of_slopes(e: Term, readings: Readings) -> Edits:
    """f' missing, there twice, another's, or of another tensor."""
    powers = dict(e.args)
    for slope in readings.slopes:
        if any(powers.get(f, 0) / p < 1 for f, p in slope.factors.items()):
            continue
        rest = {f: powers[f] - p for f, p in slope.factors.items()}
        again = {f: powers[f] + p for f, p in slope.factors.items()}
        yield Edit(0.8, "slope_missing", (slope,), _powers(e, rest))
        yield Edit(1.8, "slope_twice", (slope,), _powers(e, again))
        yield from _instead_of(slope, _powers(e, rest, False))


def _instead_of(slope: Slope, rest: Make) -> Edits:
    """Another function's slope in a slope's place, or its own at another tensor."""
    s, l = slope.s, slope.l  # noqa: E741

    def put(array: Array) -> Make:
        return lambda xs, v: _whole(rest(xs, v) * array, v)

    yield Edit(1.3, "slope_of_s", (slope,), put(slope.at(s, s)))
    yield Edit(1.35, "slope_at_l", (slope,), put(slope.at(l)))
    yield Edit(1.9, "value_for_slope", (slope,), put(l))
    for op in ACTIVATIONS:
        if op is not slope.op:
            other, values = slope._replace(op=op, params={}), (op.name, slope)
            for cost, array in ((2.2, other.at(s, l)), (2.2, other.at(s)), (2.6, other.at(l))):
                yield Edit(cost, "other_slope", values, put(array))


# ---------------------------------------------------------------------- axes


def _of_axes(e: Term) -> Edits:
    """Not summed, over other axes, a mean, or one of what is summed."""
    axes: frozenset[int] = e.params["axes"]
    (x,) = e.operands
    n = math.prod(x.shape[a] for a in axes)
    is_sum = e.op == "sum"
    if is_sum:
        yield Edit(1, "not_summed", (x, axes), lambda xs, v: xs[0])
        yield Edit(1, "mean_for_sum", (x, axes, n), lambda xs, v: v / n)
        yield Edit(1.1, "sum_for_mean", (x, axes, n), lambda xs, v: v * n)
        for which, place in (("first", 0), ("last", -1)):
            yield Edit(2, "one_only", (x, axes, which), partial(_taken, axes=axes, place=place))
    for k in range(1, len(x.shape) + 1):
        for other in map(frozenset, itertools.combinations(range(len(x.shape)), k)):
            if other == axes or all(x.shape[a] == 1 for a in other ^ axes):
                continue
            make = partial(_over, e, other)
            yield Edit(1, "axis" if k < len(x.shape) else "all_axes", (x, other, axes), make)
            if is_sum:
                m = float(math.prod(x.shape[a] for a in other))
                for by in (1.0, m / n):  # n is in the factor of a mean
                    for squeezed in (False, True):
                        make = partial(_over, e, other, m=by, squeezed=squeezed)
                        yield Edit(1.1, "axis", (x, other, axes), make)
                yield Edit(1.3, "mean_over_axis", (x, other, axes), partial(_over, e, other, m=m))
                make = partial(_over, e, other, m=m, squeezed=True)
                yield Edit(1.4, "mean_over_axis", (x, other, axes), make)


def _taken(xs: Sequence[Array], v: Array, axes: frozenset[int], place: int) -> Array:
    found = xs[0]
    for axis in axes:
        found = np.take(found, [place], axis)
    return found


def _over(
    e: Term, axes: frozenset[int], xs: Sequence[Array], v: Array,
    m: float = 1, squeezed: bool = False,
) -> Array:  # fmt: skip
    """A sum, or its like, over other axes; of shape 1 there."""
    found = applied_with(e, xs, axes)
    return np.asarray(found.squeeze(tuple(axes)) / m if squeezed else found / m)


# ---------------------------------------------------------------------- products of matrices, moves


def over(e: Term, xs: Sequence[Array], axis: int, mean: bool) -> Array:
    """A sum over another axis, as it is, or scaled as a mean was."""
    found = applied_with(e, xs, frozenset([axis]))
    (x,) = e.operands
    n = math.prod(x.shape[a] for a in e.params["axes"])
    return found * (n / xs[0].shape[axis]) if mean else found


def _of_matmul(e: Term) -> Edits:
    """Another order, other transposes, or an entrywise product."""
    a, b = e.args
    if len(a.shape) < 2 or len(b.shape) < 2:
        return
    for i, other in ((0, b), (1, a)):
        factor = other.args[0] if other.op == "transpose" else other
        yield Edit(1.2, "factor_missing", (factor,), _operand(i))
    turned = [(x, x.op == "transpose") for x in (a, b)]
    for swapped, ta, tb in itertools.product((False, True), repeat=3):
        if (swapped, ta, tb) != (False, False, False):
            values = (_order(turned, swapped, ta, tb), e)
            yield Edit(2 + 0.1 * swapped, "stands", values, partial(_product, swapped, ta, tb))
        if not swapped:
            values = (_order(turned, swapped, ta, tb), e)
            yield Edit(3, "entrywise", values, partial(_product, False, ta, tb, by=np.multiply))
    for which, place in (("first", 0), ("last", -1)):
        make = partial(_outer, place=place)
        yield Edit(3, "one_only", (e, frozenset([0]), which), make)


def _order(turned: Any, swapped: bool, *flips: bool) -> tuple[tuple[Term, bool], ...]:
    """The factors as they stand, each with whether it is transposed."""
    factors = []
    for (x, is_turned), flip in zip(turned, flips, strict=True):
        factors.append((x.operands[0] if is_turned else x, is_turned != flip))
    return tuple(factors[::-1] if swapped else factors)


def _product(
    swapped: bool, ta: bool, tb: bool, xs: Sequence[Array], v: Array, by: Any = np.matmul
) -> Any:
    a, b = (x.swapaxes(-1, -2) if t else x for x, t in zip(xs, (ta, tb), strict=True))
    return by(b, a) if swapped else by(a, b)


def _outer(xs: Sequence[Array], v: Array, place: int) -> Array:
    return xs[0][..., :, [place]] * xs[1][..., [place], :]


def _of_transpose(e: Term) -> Edits:
    yield Edit(1, "not_transposed", (e.args[0],), lambda xs, v: xs[0])
    yield Edit(2, "other_order", (e.args[0],), lambda xs, v: xs[0].reshape(v.shape))


def _of_reshape(e: Term) -> Edits:
    yield Edit(1, "not_reshaped", (e.args[0],), lambda xs, v: xs[0])
    yield Edit(2, "other_order", (e.args[0],), lambda xs, v: xs[0].T.reshape(v.shape))
    for order in itertools.permutations(range(len(e.shape))) if 2 < len(e.shape) < 5 else ():
        yield Edit(2, "other_order", (e.args[0],), partial(_reordered, order))


def _reordered(order: tuple[int, ...], xs: Sequence[Array], v: Array) -> Array:
    """The new axes in another order, which are put right afterwards."""
    found = xs[0].reshape([v.shape[a] for a in order])
    return found.transpose(np.argsort(order))


# ---------------------------------------------------------------------- places


def _of_scatter(e: Term) -> Edits:
    """= for +=, and what else is written where entries are put in their places."""
    index = e.params["index"]

    def last(xs: Sequence[Array], v: Array) -> Array:
        found = np.zeros(v.shape)
        found[index] = xs[0]
        return found

    yield Edit(1, "last_wins", (e.args[0],), last)
    if isinstance(index, np.ndarray) and index.ndim > 1 and index.dtype.kind in "iu":
        for by_row in (True, False):
            yield Edit(1.5, "last_wins", (e.args[0],), partial(_by_rows, index, by_row))


def _by_rows(index: Array, by_row: bool, xs: Sequence[Array], v: Array) -> Array:
    """+= by an array of ids, row by row, or position by position: equal ones count once."""
    found = np.zeros(v.shape)
    for k in range(index.shape[0 if by_row else 1]):
        place = k if by_row else (slice(None), k)
        found[index[place]] += xs[0][place]
    return found


def _of_where(e: Term) -> Edits:
    for i in (1, 2):
        yield Edit(1, "mask_forgotten", (e.args[0],), _operand(i, True))
    yield Edit(2, "inverted", (e.args[0],), lambda xs, v: np.where(xs[0], xs[2], xs[1]))


def _of_getitem(e: Term) -> Edits:
    """Another part of the same size."""
    index = e.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, slice | int) for part in parts):
        return
    for axis, part in enumerate(parts):
        if not isinstance(part, slice) or (part.start is None and part.stop is None):
            continue
        n = e.args[0].shape[axis]
        size = len(range(*part.indices(n)))
        for low in range(0, n - size + 1, max(size, 1)):
            place = (*parts[:axis], slice(low, low + size), *parts[axis + 1 :])
            yield Edit(2, "other_part", (e.args[0],), partial(_part, place))


# ---------------------------------------------------------------------- whatever the term is


def _of_given(e: Term) -> Edits:
    """One-hot rows, or a mask, that are turned round, or belong to other rows."""
    value = np.asarray(e.value)
    if value.dtype.kind not in "fiub" or not value.ndim or set(np.unique(value)) - {0, 1}:
        return
    yield Edit(2, "inverted", (e,), lambda xs, v: 1.0 - v)
    if value.ndim == 2:
        for axis in (0, 1):
            for by in (1, -1):
                make = partial(lambda xs, v, by, axis: np.roll(v, by, axis), by=by, axis=axis)
                yield Edit(2, "moved", (e, by, axis), make)


def _of_any(e: Term) -> Edits:
    if e is ONE:
        return
    yield Edit(3, "missing", (e,), lambda xs, v: np.ones(v.shape))
    yield Edit(4, "missing", (e,), lambda xs, v: np.zeros(v.shape))
    if e.op in MASKS:
        return
    for k in (-1.0, 2.0, 0.5):
        yield Edit(2, "times_at", (e, k), partial(_of_value, partial(np.multiply, k)))
    yield Edit(2.3, "squared", (e,), partial(_of_value, np.square))
    yield Edit(3, "absolute", (e,), partial(_of_value, np.abs))


def _another(e: Term, shape: tuple[int, ...], name: str, array: Array, cost: float) -> Edits:
    """Another array in a term's place, or one that broadcasts otherwise."""
    if name == e.name or not array.ndim or e is ONE or e.op in _MOVES:
        return
    if array.shape == shape:
        yield Edit(cost, "stands", (name, e), lambda xs, v: array)
    elif e.op == "leaf" and (fits(shape, array.shape) or fits(array.shape, shape)):
        yield Edit(cost + 0.3, "stands", (name, e), lambda xs, v: array)
    if array.ndim == 2 and array.shape[::-1] == shape and array.shape[0] != 1 != array.shape[1]:
        yield Edit(cost + 0.5, "stands", (f"{name}ᵀ", e), lambda xs, v: array.T)


def _of_uses(e: Term, others: Others) -> Edits:
    """Another array at this use of an operand only."""
    if e.op not in ("matmul", "*", "+"):
        return
    for i, x in enumerate(e.operands):
        core = x.args[0] if x.op in _MOVES else x
        for name, array in others.arrays.items() if core.op == "leaf" else ():
            if name == core.name or not array.ndim:
                continue
            if array.shape == core.shape and core is not x:
                yield Edit(1.6, "stands", (name, core), _with_use(e, i, computed(x, [array])))
            elif array.shape == core.shape or fits(array.shape, e.shape):
                yield Edit(1.6, "stands", (name, core), _with_use(e, i, array))
            elif e.op == "matmul" and array.ndim == 2:
                turned = array.T if x.op == "transpose" else array
                yield Edit(1.8, "stands", (name, core), _with_use(e, i, turned))
        if core.op == "leaf" and len(core.shape) == 2 and core.shape[1] == 1 != core.shape[0]:
            def row(xs: Sequence[Array], v: Array, i: int = i) -> Array:
                return computed(e, [*xs[:i], xs[i].reshape(-1), *xs[i + 1 :]])

            yield Edit(1.5, "row_for_column", (core,), row)


def _with_use(e: Term, i: int, array: Array) -> Make:
    return lambda xs, v: computed(e, [*xs[:i], array, *xs[i + 1 :]])


def applied_with(e: Term, xs: Sequence[Array], axes: frozenset[int]) -> Array:
    """A term's op over other axes."""
    if e.op in ("sum", "max", "min"):
        f: Any = {"sum": np.sum, "max": np.max, "min": np.min}[e.op]
        return np.asarray(f(xs[0], axis=tuple(sorted(axes)), keepdims=True))
    return over_axes(e, xs, axes)


_FAMILIES: dict[str, Callable[[Term], Edits]] = {
    "+": _of_sum,
    "*": _of_product,
    "sum": _of_axes,
    "max": _of_axes,
    "softmax": _of_axes,
    "matmul": _of_matmul,
    "transpose": _of_transpose,
    "reshape": _of_reshape,
    "scatter": _of_scatter,
    "where": _of_where,
    "getitem": _of_getitem,
}
