"""What can be written wrong at one term of a formula: an edit, as data, and what it gives.

Each family yields the edits of one kind of term. Nothing here decides whether one was made:
`causes` tries them, and `words` says them.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

import numpy as np

from ..engine.tensor import Array
from ..ops.indexing import parts_of
from .formula import Formula, Made, Make, always, computed, weighted
from .readings import (
    ACTIVATIONS,
    ONE,
    Readings,
    Slope,
    Term,
    as_number,
    coefficient,
    core,
    evaluate,
    fits,
    ids_of,
    make,
    over_axes,
    product,
    scaled,
    spellings,
    subterms,
    total,
)  # fmt: skip

MASKS = ("greater", "less", "greater_equal", "less_equal", "equal", "not_equal")
AROUND = (np.square, np.abs, np.sign, np.exp)
"""What is put around a term where it doesn't belong."""
_MOVES = ("reshape", "transpose", "broadcast_to")
_RUNNING = ("cumsum", "cumsum_back")
_OF_SPELLED = 2.05  # what edits cost at most that are tried within a softmax
_ONE_USE = 0.6  # what it costs that a mistake was made at one use only
MANY = 6
"""Contributions of which any may be missing."""
_RECOMPUTED = (
    "term_missing", "term_times", "only_term", "factor_missing", "division_missing", "exponent",
    "axis"
)  # fmt: skip


SlopeOf = Callable[[Array, Array], Any]
"""``(s, y)`` → the slope at s, where y is."""


class Edit(NamedTuple):
    """A mistake that may have been made.

    Attributes:
        cost: how far-fetched it is; where several fit, the least is named.
        kind: which, as `words` has it.
        values: what it is about: terms, names, numbers.
        made: what stands at terms instead.
        free: it may be made any number of times over; once that is known, it is the last value.
        factor: by which the whole is off besides.
    """

    cost: float
    kind: str
    values: tuple[Any, ...]
    made: Made
    free: bool = False
    factor: float = 1.0


Edits = Iterator[Edit]


def at(e: Term, readings: Readings) -> Edits:
    """What can be written wrong at a term by itself."""
    is_atom = e.op == "leaf" or e in readings.forward
    for x in _inside(e):
        yield Edit(1, "without", (x, e), {e: lambda xs, v: _like(xs[0], v)})
    own = readings.definitions.get(e, e)
    for edit in _of_sum(own, readings) if own.op == "+" else _FAMILIES.get(own.op, _nothing)(own):
        if not is_atom or e.op == "getitem":
            yield edit
        elif edit.kind in _RECOMPUTED:  # of what the forward pass computed, too
            more, made = 0.4, edit.made
            if own is not e:
                xs, more = [evaluate(x) for x in own.operands], 1.0
                made = {e: partial(lambda xs, make, _, v: make(xs, v), xs, made[own])}
            yield edit._replace(cost=edit.cost + more, made=made)
    yield from of_slopes(e, readings, e.op == "*" and not is_atom)
    if e.op in MASKS:
        yield from _of_mask(e)
    yield from _of_leaf(e, readings)
    if e.op in ("softmax", "normalised"):
        yield from _of_spelled(e, readings)
    if e.op == "softmax":
        (x,), axes = e.args, tuple(e.params["axes"])
        yield Edit(1, "without", (x, e), {e: lambda xs, v: xs[0] - xs[0].max(axes, keepdims=True)})
    if e.op == "scatter":
        yield from _of_ids(e, readings)
    if as_number(e) is None:
        yield Edit(3, "one_for", (e,), {e: lambda xs, v: np.ones(v.shape)})
    if e.op == "leaf" and math.prod(e.shape) > 1:
        in_all: Make = lambda xs, v: np.full(v.shape, v.sum())  # noqa: E731
        yield Edit(2.4, "around", (e.sum(range(e.ndim)), e), {e: in_all})
    for f in AROUND if e.op not in _MOVES else ():
        yield Edit(2.25 + 0.01 * min(e.size, 9), "around", (f(e), e), {e: partial(_around, f)})


def _of_mask(e: Term) -> Edits:
    """Its opposite, another threshold, or another comparison."""
    yield Edit(1, "inverted", (e,), {e: lambda xs, v: ~v})
    for i, x in enumerate(e.operands):
        if as_number(x):
            yield Edit(1.2, "stands", ("0", x), {e: partial(_with_use, e, i, np.zeros_like)})
    if e.op == "equal":
        yield Edit(1.9, "stands", (e.args[0] > 0, e), {e: lambda xs, v: xs[0] > 0})
        for axis in range(e.ndim):
            any_: Make = partial(lambda a, xs, v: v.any(a, keepdims=True) | (v < 0), axis)
            yield Edit(1.6, "all_rows", (e,), {e: any_})


def _inside(e: Term) -> Sequence[Term]:
    """The x of f(x)."""
    is_other = e.op in ("+", "*", "sum", *_RUNNING, *_MOVES, "scatter", "getitem")
    return e.operands if len(e.operands) == 1 and not is_other else ()


def _of_leaf(e: Term, readings: Readings) -> Edits:
    """Turned round; 1 − x for x, and the other way round; marks of which the last one wins."""
    is_array = e.op == "leaf" and e.kind != "gradient"
    places = range(e.ndim if e.op == "leaf" and e.kind != "marks" else 0)
    pairs = [*itertools.combinations(places, 2)]
    turns = [partial(np.flip, axis=a) for a in (*places, *pairs)]  # both, as of filters
    turns += [partial(np.swapaxes, axis1=a, axis2=b) for a, b in pairs]
    for axis, which in itertools.product(places, ("the first", "the last")):
        values = e, which, frozenset([axis])
        if is_array:
            yield Edit(3.05, "one_for_all", values, {e: partial(_one_for_all, axis, which)})
        elif e.shape[axis] > 1:
            yield Edit(2.05, "left_out", values, {e: partial(_left_out, axis, which)})
    for turn in turns if places else ():
        yield Edit(2.8 if is_array else 2.9, "turned", (e,), {e: partial(_around, turn)})
    if e.op == "sigmoid" or is_array:
        yield Edit(1.5, "stands", (total([(ONE, 1), (e, -1)]), e), {e: lambda xs, v: 1 - v})
    if e.op == "+" and len(e.args) == 2 and e.operands[0] is ONE:
        (_, k), (x, c) = e.args
        if k == -c:
            half = _reweighed(e, {ONE: 0, x: k})
            yield Edit(1.4, "stands", (x, scaled(e, 1 / k)), {e: half})
    if e.kind == "marks":
        yield from _of_marks(e, readings)
    if e.op in "+*":
        yield from _of_written(e)


def _one_for_all(axis: int, which: str, xs: Sequence[Array], v: Array) -> Array:
    if v.shape[axis] == 1:
        raise ValueError("there is one only")
    return v.take([0 if which == "the first" else -1], axis).repeat(v.shape[axis], axis)


def _left_out(axis: int, which: str, xs: Sequence[Array], v: Array) -> Array:
    found = v * 1.0
    np.moveaxis(found, axis, 0)[0 if which == "the first" else -1] = 0
    return found


def of_others(f: Formula, readings: Readings, arrays: Mapping[str, Array], e: Term) -> Edits:
    """Another array, of these, in the place of a formula's term; rows of another, or other rows."""
    is_leaf, shape = e.op == "leaf", f.value[e].shape
    cost = 1.5 if is_leaf or e in readings.forward else 2.6 if e in f.shared else 4.5
    for name, array in arrays.items() if e.op not in _MOVES else ():
        if name == e.name or (not array.ndim and shape):
            continue
        if array.shape == shape or is_leaf:
            more = 0.0 if array.shape == shape else 0.3
            row = fits(array.shape, shape) and e.kind != "gradient"
            instead = np.broadcast_to(array, shape) if row else array
            yield Edit(cost + more, "stands", (name, e), {e: always(instead)})
        if e.op == "getitem" and array.ndim == e.args[0].ndim:
            table = e.args[0]
            for of, ids in readings.other_ids(ids_of(e), len(array)):
                kind, what = ("other_ids", of) if name == table.name else ("stands", table)
                yield Edit(1.7, kind, (name, what), {e: always(array[ids])})


def of_uses(f: Formula, edits: Callable[[Term], Iterable[Edit]], e: Term) -> Edits:
    """Edits at one use of a term only."""
    for i, x in enumerate(e.operands if e.op in ("matmul", "*", "+", "sum") else ()):
        own = x.args[0] if x.op in _MOVES else x
        for edit in edits(own) if own is not ONE and not f.shared.isdisjoint((own, x)) else ():
            if edit.made.keys() == {own} and not edit.free:
                put = partial(_used, f, x, own, edit.made[own])
                kind = "stands" if edit.kind == "without" else edit.kind
                made = {e: partial(_with_use, e, i, put)}
                yield edit._replace(cost=edit.cost + _ONE_USE, kind=kind, made=made)


def _used(f: Formula, x: Term, own: Term, make: Make, old: Array) -> Array:
    """An operand x with a mistake in the term that it is the moved entries of.

    Where another mistake has changed it already, as much more or less.
    """
    new = np.asarray(make([f.value[y] for y in f.operands[own]], f.value[own]))
    new = new if x is own else computed(x, [new])
    return new if np.array_equal(old, f.value[x]) else old * (new / f.value[x])


def _nothing(e: Term) -> Edits:
    return iter(())


def _like(new: Array, old: Array) -> Array:
    if new.shape != old.shape:
        raise ValueError("another shape")
    return new


def _around(f: Any, xs: Sequence[Array], v: Array) -> Array:
    found = np.asarray(f(v * 1.0))
    if f in (np.sign, np.abs) and (found == found.flat[:1]).all():  # then nothing is there
        raise ValueError("a number stands there")
    return found


def _whole(x: Any, v: Array) -> Array:
    return np.broadcast_to(x, v.shape) if np.ndim(x) <= v.ndim else np.asarray(x)


# ---------------------------------------------------------------------- sums and products


def _of_sum(e: Term, readings: Readings) -> Edits:
    """A term, or all that comes from one tensor: missing, alone, or with another factor."""
    n, terms = len(e.args), dict(e.args)
    given = {f: c for f, c in e.args if f.given and f not in readings.inputs}
    if 0 < len(given) < n and any(as_number(f) is None for f in given):
        p = total([(f, c) for f, c in e.args if f not in given])
        p = p if len(given) < n - 1 else coefficient(p)[1]
        target = total(list(given.items()))
        target = coefficient(target)[1] if n == 2 else target
        yield Edit(0.9, "target_missing", (target, p, e), {e: _reweighed(e, _by(given, 0))})
        for hot in given if ONE in given else ():  # the labels of smoothed ones
            sharp = {ONE: 0.0, hot: given[hot] + given[ONE] * e.shape[-1]}
            smoothed = scaled(target, 1 / (sharp[hot] or 1))
            yield Edit(1.6, "stands", (hot, smoothed), {e: _reweighed(e, sharp)})
    for some in _groups(e, readings):
        yield from _of_part(e, some, readings)
    if n == 1 and abs(e.args[0][1]) != 1:
        ((f, c),) = e.args
        kind, k = ("division_missing", 1 / abs(c)) if abs(c) < 1 else ("factor_missing", abs(c))
        yield Edit(1.7, kind, (k,), {e: _reweighed(e, {f: math.copysign(1, c)})})
    for k in range(2, n - 1) if n <= MANY else ():
        for several in itertools.combinations(e.args, k):
            rest = dict.fromkeys(terms.keys() - dict(several).keys(), 0.0)
            yield Edit(1.8, "only_term", (total(several), e), {e: _reweighed(e, rest)})
    if n == 2:
        yield Edit(2.5, "product_for_sum", (e,), {e: lambda xs, v: xs[0] * xs[1]})
        for (f, c), (g, _) in (e.args, e.args[::-1]):
            if c < 0:
                yield from _of_diagonal(e, g, core(f), readings)
    yield from _of_places(e)
    yield from _of_loop(e)
    yield from _of_quotients(e)
    yield from _of_powers(e)


def _of_loop(e: Term) -> Edits:
    """= for += in a loop of n passes: the last of what is summed, and the nth part of the rest."""
    by_length: dict[int, list[Term]] = {}
    for f in e.operands:
        if (s := core(f)).op in ("sum", "matmul"):
            by_length.setdefault(s.args[0].shape[min(_summed_axes(s))], []).append(f)
    for n, some in by_length.items() if len(e.args) > 1 else ():
        rest = _reweighed(e, {f: c / n for f, c in e.args if f not in some})
        yield Edit(1.2, "last_wins", (e,), {e: rest, **_lasts(some)})


def _summed_axes(s: Term) -> Collection[int]:
    """Of the first operand of a sum, or of a product of matrices."""
    return cast(Collection[int], s.params.get("axes", {len(s.args[0].shape) - 1}))


def _lasts(terms: Sequence[Term]) -> Made:
    """Of what is summed in these terms the last alone."""
    summed = (s for f in terms if (s := core(f)).op in ("sum", "matmul"))
    return {s: partial(_last_summed, s, _summed_axes(s)) for s in summed}


def _of_places(e: Term) -> Edits:
    """= for +=, where terms have places, and are 0 elsewhere: one of them, or in windows, each."""
    there, n = dict[int, Array](), len(e.args)
    for i, f in enumerate(e.operands if n > 1 else ()):
        if f.op in ("concatenate", "scatter"):
            there[i] = computed(f, [np.full(x.shape, as_number(x) != 0) for x in f.operands]) != 0
    if len(there) == n:
        order = sorted(there, key=lambda i: repr(e.operands[i].params))
        written: Make = partial(_written_over, e, order, there, ())
        for single in ({}, _lasts([f.args[0] for f in e.operands])):
            yield Edit(1, "last_wins", (e,), {e: written, **single})
    for i, k in itertools.product(there, range(n - 1)) if n <= MANY else ():
        for later in itertools.combinations({*range(n)} - {i}, k):
            yield Edit(1.1, "last_wins", (e,), {e: partial(_written_over, e, [i], there, later)})


def _written_over(
    e: Term, order: Sequence[int], there: Mapping[int, Array], later: Collection[int],
    xs: Sequence[Array], v: Array,
) -> Array:  # fmt: skip
    """A sum with terms that were written over all but those that came later."""
    each = [c * x for (_, c), x in zip(e.args, xs, strict=True)]
    for i in order:
        v = np.where(there[i], sum((each[j] for j in later), each[i]), v)
    return v


def _of_part(e: Term, some: Mapping[Term, float], readings: Readings) -> Edits:
    """Some terms of a sum: missing, alone, with another factor, transposed."""
    part, rest = total(list(some.items())), {f: c for f, c in e.args if f not in some}
    without = _reweighed(e, _by(some, 0))
    if rest:
        only = 2 if len(some) == 1 and not readings.sources(part) else 1.5
        yield Edit(1, "term_missing", (part, e), {e: without})
        yield Edit(only, "only_term", (part, e), {e: _reweighed(e, _by(rest, 0))})
    for of in (some, rest) if len(some) == 1 < len(rest) else (some,) if rest else ():
        times, cost = (total(list(of.items())), e), 1.3 if math.prod(e.shape) > 1 else 2
        yield Edit(cost, "term_times", times, {e: _reweighed(e, _by(of, 2))}, free=True)
    yield Edit(1.3, "term_times", (part, e, -1.0), {e: _reweighed(e, _by(some, -1))})
    if e.ndim == 2 and e.shape[0] == e.shape[1] > 1:
        turned: Make = lambda xs, v: (v - without(xs, v)).T + without(xs, v)  # noqa: E731
        yield Edit(1.9, "part_turned", (part, e), {e: turned})


def _by(some: Mapping[Term, float], k: float) -> dict[Term, float]:
    """Terms k times over."""
    return {f: k * c for f, c in some.items()}


def _of_quotients(e: Term) -> Edits:
    """A sum that isn't divided by what is below a line in it."""
    below = {x: p for f in e.operands for x, p in (core(f).args if core(f).op == "*" else ())}
    for x, p in below.items():
        if p < 0:
            factor = product([(x, -p)])
            times = partial(lambda f, xs, v: _whole(v * evaluate(f), v), factor)
            yield Edit(1.6, "division_missing", (factor,), {e: times})


def _of_diagonal(e: Term, g: Term, f: Term, readings: Readings) -> Edits:
    """Of g − Σ(g ∘ a) the entries of the sum that are in their own place."""
    product_of = f.args[0].args if f.op == "sum" and f.args[0].op == "*" else ()
    rest = dict.fromkeys(f.operands, 1.0) if f.op == "matmul" else dict(product_of)
    if rest.pop(g, 0) == 1 and all(p == 1 and x in readings.forward for x, p in rest.items()):
        values = product(list(rest.items())), e
        yield Edit(0.8, "diagonal", values, {f: lambda xs, v: math.prod(xs)})


def _groups(e: Term, readings: Readings) -> list[dict[Term, float]]:
    """The terms of a sum, each, and those together of the same tensors, or the same part."""
    by_sources: dict[Any, dict[Term, float]] = {}
    for f, c in e.args:
        sources = readings.sources(f)
        stems = frozenset(re.sub(r"\d+$", "", name) for name in sources)  # at each step
        parts = (x for x in core(f).operands if x.op not in ("leaf", "*") and x.size > 1)
        for of in ((*sources,), stems, (stems, c), *parts):
            by_sources.setdefault(of, {})[f] = c
    several = {(*some,): some for some in by_sources.values() if 1 < len(some) < len(e.args)}
    return [*({f: c} for f, c in e.args), *several.values()]


def _of_powers(e: Term) -> Edits:
    """1 − x² where 1 − x belongs; (1 − x)² where 1 − x² does."""
    if len(e.args) != 2 or e.args[0][0] is not ONE:
        return
    (_, a), (f, c) = e.args
    if f.op != "*":
        squared: Make = lambda xs, v: v + c * xs[1] * (xs[1] - 1)  # noqa: E731
        yield Edit(1.9, "exponent", (f, 2.0, 1.0), {e: squared})
    if f.op == "*" and len(f.args) == 1 and f.args[0][0].op == "leaf":
        ((x, p),) = f.args
        outside = a + c * np.asarray(x.value)
        yield Edit(2, "power_outside", (e, p), {e: lambda xs, v: outside**p})


def _reweighed(e: Term, other: Mapping[Term, float]) -> Make:
    """A sum with other coefficients, a product with other exponents."""
    weights = [other.get(f, w) for f, w in e.args]
    return lambda xs, v: _whole(weighted(e.op, xs, weights), v)


def of_product(e: Term) -> Edits:
    """Factors missing, of a numerator also with what is below, or one with another exponent."""
    for (f, p), (g, q) in itertools.permutations(e.args if len(e.args) > 2 else (), 2):
        if p > 0 > q:
            both = product([(f, p), (g, q)])
            yield Edit(1.44, "factor_missing", (both,), {e: _reweighed(e, {f: 0, g: 0})})
    for f, p in e.args:
        factor = f if abs(p) == 1 else product([(f, abs(p))])
        if len(e.args) > 1 or p != 1:
            is_mask = f.op in MASKS or (f.given and np.asarray(f.value).dtype == bool)
            kind = "mask_missing" if is_mask else "factor_missing" if p > 0 else "division_missing"
            without, is_number = {f: 0.0}, f.op == "leaf" and f.name and not f.shape
            yield Edit(-0.05 if is_number else 1, kind, (factor,), {e: _reweighed(e, without)})
            without |= {g: 0.0 for g, q in e.args if is_mask and q < 0 and _counts(g, f)}
            if len(without) > 1:
                yield Edit(1, kind, (factor,), {e: _reweighed(e, without)})
            if f.op in MASKS:
                yield from _of_masked(e, f, _reweighed(e, without))
        yield Edit(2.1, "twice", (product([(f, p)]),), {e: _reweighed(e, {f: 2 * p})})
        for q in {-p, p + 1, p - 1, p / 2, p + 0.5, p - 0.5, 1.0} - {p, 2 * p, 0.0}:
            cost = 1.45 if q == 1 else 2.1 if q == -p else 2.5
            other = _reweighed(e, {f: q})
            yield Edit(cost, "exponent", (f, q, p), {e: other})
            if f.op == "+" and p % 2 == 0:  # of (y − x)² as well as of (x − y)²
                turned = partial(_times, other, np.asarray(-1.0))
                yield Edit(cost, "exponent", (scaled(f, -1), q, p), {e: turned})


def _of_masked(e: Term, mask: Term, rest: Make) -> Edits:
    """x for x > 0; or relu of the rest, where this has something of what comes back."""
    x = mask.operands[0]
    cost = 2.85 if mask.op in ("equal", "not_equal") else 1.95
    yield Edit(cost, "stands", (x, mask), {e: partial(_times, rest, evaluate(x))})
    if any(f.op != "leaf" or f.kind == "gradient" for f in e.operands if f is not mask):
        yield Edit(1.4, "relu_of_it", (mask,), {e: lambda xs, v: np.maximum(rest(xs, v), 0)})


def _counts(e: Term, mask: Term) -> bool:
    """Whether it is of such masks: of equal maxima each has a share."""
    return any(x.op == mask.op for x in subterms(e))


def of_slopes(e: Term, readings: Readings, is_product: bool) -> Edits:
    """f' missing, another's, or of another tensor; and f' in the place of f."""
    powers = dict(e.args) if is_product else {e: 1.0}
    for slope in readings.slopes:
        s, l = slope.s, slope.l  # noqa: E741
        if e is slope.result:
            yield Edit(2, "slope_for_value", (slope,), {e: always(slope.at(s, l))})
        if any(powers.get(f, 0) / p < 1 for f, p in slope.factors.items()):
            continue
        rest: Make = lambda xs, v: np.ones(v.shape)  # noqa: E731
        if is_product:
            rest = _reweighed(e, {f: powers[f] - p for f, p in slope.factors.items()})
            others = dict.fromkeys(powers.keys() - slope.factors.keys(), 0.0)
            if len(others) > 1:
                part = product([(f, powers[f]) for f in e.operands if f in others])
                yield Edit(1.8, "factor_missing", (part,), {e: _reweighed(e, others)})
        is_own = not is_product and e is slope.result  # as exp' is, and then any factor may be
        yield Edit(1.5 if is_own else 0.8, "slope_missing", (slope,), {e: rest})
        for cost, kind, values, other in other_slopes(slope, readings.slopes):
            yield Edit(cost, kind, values, {e: partial(_times, rest, other(s, l))})


def other_slopes(
    slope: Slope, others: Iterable[Slope] = ()
) -> Iterator[tuple[float, str, tuple[Any, ...], SlopeOf]]:
    """What may stand in its place: at another tensor, f itself, another function's."""
    at = slope.at
    yield 1.3, "slope_of_s", (slope,), lambda s, y: at(s, s)
    yield 1.35, "slope_at_l", (slope,), lambda s, y: at(y)
    yield 1.9, "value_for_slope", (slope,), lambda s, y: y
    own = ((x.op, x.params) for x in others if x.params)
    for op, params in (*((op, dict[str, Any]()) for op in ACTIVATIONS), *own):
        if op is not slope.op:
            other, values = slope._replace(op=op, params=params).at, (op.name, slope)
            yield 2.2, "other_slope", values, other
            yield 2.4, "other_slope", values, partial(lambda f, s, y: f(s), other)
            yield 2.6, "other_slope", values, partial(lambda f, s, y: f(y), other)


def _times(rest: Make, array: Array, xs: Sequence[Array], v: Array) -> Array:
    return _whole(rest(xs, v) * array, v)


# ---------------------------------------------------------------------- axes, matrices, places


def _of_spelled(e: Term, readings: Readings) -> Edits:
    """What can be wrong in how a softmax, or what is normalised, is computed: once, or each time.
    """
    inner = set(subterms(*e.args))
    edits = cache(lambda s: list(at(s, readings) if s not in inner else ()))
    for spelled in spellings(e):
        f = Formula(spelled, {})
        tried = [edit for s in f.order for edit in (*edits(s), *of_uses(f, edits, s))
                 if edit.cost <= _OF_SPELLED and not edit.free]  # fmt: skip
        alike, seen = dict[Any, list[Edit]](), dict[Any, int]()  # axes, each time the same way
        for edit in tried:
            if edit.kind == "axis":
                key = edit.values[1:], *edit.made
                seen[key] = seen.get(key, 0) + 1
                alike.setdefault((edit.values[1:], seen[key]), []).append(edit)
        for some in (*([edit] for edit in tried), *alike.values()):
            out = f.but({s: make for x in some for s, make in x.made.items()})
            if out is not None:
                yield some[0]._replace(cost=some[0].cost + 0.1, made={e: always(out)})


def _of_axes(e: Term) -> Edits:
    """Not summed, over other axes, a mean, or one of what is summed."""
    axes: frozenset[int] = e.params["axes"]
    (x,) = e.operands
    n = math.prod(x.shape[a] for a in axes)
    if e.op == "sum":
        yield Edit(1, "not_summed", (x, axes), {e: lambda xs, v: xs[0]})
        yield Edit(1.1, "not_summed", (x, axes), {e: lambda xs, v: n * xs[0]})  # in a mean
        for some in some_of(axes):
            m = math.prod(x.shape[a] for a in some)
            cost = 1 + 0.2 * (some != axes)
            yield Edit(cost, "mean_for_sum", (x, some), {e: partial(lambda m, xs, v: v / m, m)})
            yield from _one_only(e, 0, some)
    for other in some_of(range(len(x.shape))):
        if other == axes or all(x.shape[a] == 1 for a in other ^ axes):
            continue
        m = math.prod(x.shape[a] for a in other)  # n is in the factor of a mean
        for by, squeezed in itertools.product((1.0, m / n), (False, True)):
            make = partial(_over, e, other, by, squeezed)
            cost = 1 + 0.1 * (by != 1 or squeezed)
            yield Edit(cost, "axis", (x, other, axes), {e: make})


def _of_running(e: Term) -> Edits:
    """Not summed, without each place's own, or from the other end."""
    x, axis = e.args[0], e.params["axis"]
    other = make(_RUNNING[_RUNNING[0] == e.op], [x], e.params, e.shape)
    yield Edit(1, "not_summed", (x, frozenset([axis])), {e: lambda xs, v: xs[0]})
    yield Edit(1.2, "stands", (other, e), {e: lambda xs, v: computed(other, xs)})
    yield Edit(1.4, "stands", (total([(e, 1), (x, -1)]), e), {e: lambda xs, v: v - xs[0]})


def some_of(axes: Collection[int]) -> Iterator[frozenset[int]]:
    """All choices of axes, but of none."""
    for k in range(1, len(axes) + 1):
        yield from map(frozenset, itertools.combinations(axes, k))


_SOME = (("the first", slice(1)), ("the last", slice(-1, None)))


def _one_only(e: Term, i: int, axes: frozenset[int]) -> Edits:
    """The first, or the last, of what an operand has along axes."""
    for which, place in _SOME:
        where = tuple(place if a in axes else slice(None) for a in range(max(axes) + 1))
        make = partial(_with_use, e, i, partial(_alone, where))
        yield Edit(2, "one_only", (e.operands[i], axes, which), {e: make})


def _alone(place: Any, x: Array) -> Array:
    found = np.zeros_like(x)
    found[place] = x[place]
    return found


def _part(place: Any, xs: Sequence[Array], v: Array) -> Array:
    return np.asarray(xs[0][place])


def _over(
    e: Term, axes: frozenset[int], by: float, squeezed: bool, xs: Sequence[Array], v: Array
) -> Array:
    """A sum, or its like, over other axes; of shape 1 there, or without them."""
    found = over_axes(e, xs, axes)
    return np.asarray(found.squeeze(tuple(axes)) / by if squeezed else found / by)


def _of_matmul(e: Term) -> Edits:
    """Another order, other transposes, or an entrywise product."""
    for swapped, *turned in itertools.product((False, True), repeat=3):
        for cost, kind, by in ((2, "factors", np.matmul), (3, "entrywise", np.multiply)):
            make = partial(_product, swapped, turned, by)
            yield Edit(cost, kind, (e, swapped, *turned), {e: make})
    for i, x in enumerate(e.operands):
        yield Edit(1.6, "factor_missing", (x,), {e: partial(_with_use, e, i, np.ones_like)})
    yield from _one_only(e, 0, frozenset([len(e.args[0].shape) - 1]))


def _product(
    swapped: bool, turned: Sequence[bool], by: Any, xs: Sequence[Array], v: Array
) -> Any:
    a, b = (x.swapaxes(-1, -2) if t else x for x, t in zip(xs, turned, strict=True))
    return by(b, a) if swapped else by(a, b)


def _of_moves(e: Term) -> Edits:
    """Not transposed; or reshaped with the axes in another order, which are put right then."""
    if e.op == "transpose":
        yield Edit(1, "not_transposed", (e.args[0],), {e: lambda xs, v: xs[0]})
    for order in itertools.permutations(range(len(e.shape))) if len(e.shape) < 5 else ():
        yield Edit(2, "other_order", (e.args[0],), {e: partial(_reordered, order)})


def _reordered(order: tuple[int, ...], xs: Sequence[Array], v: Array) -> Array:
    return xs[0].reshape([v.shape[a] for a in order]).transpose(np.argsort(order))


def _of_getitem(e: Term) -> Edits:
    """Another block of the same size: along one axis, or along all."""
    index, blocks = list(parts_of(e.params["index"])), dict[int, list[slice]]()
    for axis, (place, n) in enumerate(zip(index, e.args[0].shape, strict=False)):
        if isinstance(place, slice) and place.step in (None, 1):
            start, stop, _ = place.indices(n)
            size = stop - start
            starts = {*range(0, n - size, max(size, 1)), n - size} - {start}
            blocks[axis] = [slice(k, k + size) for k in sorted(starts)]
    for axes in {*((a,) for a in blocks), tuple(a for a in blocks if blocks[a])}:
        for some in zip(*(blocks[a] for a in axes), strict=False):
            others = dict(enumerate(index)) | dict(zip(axes, some, strict=True))
            make = partial(_part, tuple(others.values()))
            yield Edit(1.5, "other_block", e.args, {e: make})
    yield from _of_steps(e)


def _of_steps(e: Term) -> Edits:
    """Entries, or windows, one beside the other where they are some apart; another part."""
    index = parts_of(e.params["index"])
    whole = e.shape if e.op == "scatter" else e.args[0].shape
    ends = {i: p.indices(n) for i, (p, n) in enumerate(zip(index, whole, strict=False))
            if isinstance(p, slice)}  # fmt: skip
    apart = [i for i, (_, _, step) in ends.items() if step > 1]
    for some in {(*apart,), *((i,) for i in apart)} - {()}:  # along all axes, or one
        beside = {i: slice(ends[i][0], ends[i][0] + len(range(*ends[i]))) for i in some}
        place = tuple(beside.get(i, p) for i, p in enumerate(index))
        make = partial(_put if e.op == "scatter" else _part, place)
        yield Edit(1.8, "step_missing", (e.args[0], float(ends[some[0]][2])), {e: make})


def _put(place: Any, xs: Sequence[Array], v: Array) -> Array:
    found = np.zeros(v.shape)
    found[place] = xs[0]
    return found


def _of_blocks(e: Term) -> Edits:
    """One of what stands side by side is not there, or two are exchanged."""
    for x, y in itertools.combinations(e.args, 2):
        if x.shape == y.shape:
            other = {x: y, y: x}
            order = [e.args.index(other.get(z, z)) for z in e.args]
            put = partial(lambda order, xs, v: computed(e, [xs[i] for i in order]), order)
            yield Edit(1.6, "exchanged", (x, y), {e: put})
    for i, block in enumerate(e.args):
        yield Edit(1.2, "block_missing", (block, e), {e: partial(_with_use, e, i, np.zeros_like)})


def _of_scatter(e: Term) -> Edits:
    """= for +=, where entries are put in their places, or windows."""
    x = e.args[0]
    some = x.params["index"] if e.op == "fold" and x.op == "scatter" else ...  # with a stride

    def last(by_place: bool, xs: Sequence[Array], v: Array) -> Array:
        if e.op == "scatter":
            return _put(e.params["index"], xs, v)
        found, places = np.zeros(v.shape), np.arange(v.size).reshape(v.shape)
        sizes, axes = e.params["window_shape"], e.params["axis"]
        at, g = np.lib.stride_tricks.sliding_window_view(places, sizes, axes)[some], xs[0][some]
        if by_place:  # by the places in a window, and not window by window
            n = len(sizes)
            at, g = (np.moveaxis(z, range(-n, 0), range(n)) for z in (at, g))
        found.flat[at] = g
        return found

    inner = x if some is ... else x.args[0]
    for by_place in (False, True) if e.op == "fold" else (False,):
        for single in ({}, _lasts([inner])):  # also of what is summed up there
            yield Edit(1, "last_wins", (e,), {e: partial(last, by_place), **single})
    if e.op == "scatter":
        yield from _of_steps(e)


def _of_ids(e: Term, readings: Readings) -> Edits:
    """Added up by the ids of another lookup."""
    own = ids_of(e)
    for name, ids in readings.other_ids(own, e.shape[0]):
        yield Edit(1.6, "other_ids", (e, name), {e: partial(_added_up, ids)})
    for axis, places in enumerate(np.indices(own.shape) if own is not None else ()):
        make = partial(_added_up, np.asarray(places))
        yield Edit(1.8, "places_for_ids", (e, frozenset([axis])), {e: make})


def _added_up(ids: Array, xs: Sequence[Array], v: Array) -> Array:
    found = np.zeros(v.shape)
    np.add.at(found, ids, xs[0])
    return found


def _last_summed(s: Term, axes: Collection[int], xs: Sequence[Array], v: Array) -> Array:
    where = tuple(slice(-1, None) if a in axes else slice(None) for a in range(xs[0].ndim))
    return computed(s, [_alone(where, xs[0]), *xs[1:]])


def _of_marks(e: Term, readings: Readings) -> Edits:
    """= for +=, where rows that were looked up are added up: all at once, or some in a loop.

    Of labels themselves, or all of them in each row.
    """
    classes = next((a for a in range(e.ndim) if (e.value.sum(a) == 1).all()), -1)
    places = [a for a in range(e.ndim) if a != classes]
    if e.name != "k" and classes >= 0 and places:
        ids = e.value.argmax(classes, keepdims=True)
        marks = e.value.any(tuple(places), keepdims=True)
        for kind, array in (("ids", ids), ("all_rows", marks))[: 2 - marks.all()]:
            yield Edit(1.6, kind, (e,), {e: always(np.broadcast_to(array * 1.0, e.shape))})
        for name, i in readings.other_ids(ids.squeeze(classes), e.shape[classes]):
            hot = np.moveaxis(np.eye(e.shape[classes])[i], -1, classes)
            yield Edit(1.6, "other_ids", (e, name), {e: always(hot)})
    for n in range(1, len(places) + 1) if e.name == "k" else ():
        for axes in itertools.permutations(places, n):
            yield Edit(1, "last_wins", (e,), {e: partial(_written, lambda xs, v: v, axes)})


def _of_written(e: Term) -> Edits:
    """= for += (or −=) at places that are marked, of a sum, or of one that factors stand before."""
    sums = (f for f, p in e.args if f.op == "+" and p == 1) if e.op == "*" else iter([e])
    for g in sums:
        marked = [f for f in g.operands if _is_marked(f)]
        for some in {*((f,) for f in marked), tuple(marked)} - {()} if len(g.args) > 1 else ():
            part = np.asarray(evaluate(total([(f, c) for f, c in g.args if f in some])))
            places = (), *((a,) for a in range(len(e.shape)))
            puts = (1.1, part), (1.35, np.abs(part))  # of −= x it is x, if not the wrong sign
            for axes, (cost, put) in itertools.product(places, puts):
                make = partial(_written, partial(_only, e, g, put), axes)
                yield Edit(cost, "last_wins", (e,), {e: make})


def _only(e: Term, g: Term, part: Array, xs: Sequence[Array], v: Array) -> Array:
    """A sum's part, or what it is with the factors before the sum."""
    each = zip(e.operands, xs, strict=True)
    return part if e is g else computed(e, [part if f is g else x for f, x in each])


def _is_marked(e: Term) -> bool:
    return e.kind == "marks" or (e.op == "*" and any(f.kind == "marks" for f in e.operands))


def _written(part: Make, axes: Sequence[int], xs: Sequence[Array], v: Array) -> Array:
    """Where a part is written with =, step by step along axes, what was there before is gone.

    The first of the axes changes last.
    """
    put = part(xs, v)
    own, all_of_it = (np.moveaxis(x, axes, range(len(axes))) for x in (put, v * 1.0))
    steps = math.prod(own.shape[: len(axes)]), *own.shape[len(axes) :]
    there = own.reshape(steps) != 0
    after = there[::-1].cumsum(0)[::-1]
    found = np.where(there, own.reshape(steps), all_of_it.reshape(steps)) * (after == there)
    return np.moveaxis(found.reshape(own.shape), range(len(axes)), axes)


def _of_upsample(e: Term) -> Edits:
    """The whole repeated where each entry is to be."""
    by, x = e.params["by"], e.args[0]
    yield Edit(1.5, "tiled", (x,), {e: lambda xs, v: np.tile(xs[0], by)})
    first = tuple(slice(None, None, n) for n in by)
    yield Edit(1.6, "first_of_each", (x,), {e: partial(_put, first)})
    yield Edit(1.8, "step_missing", (x, float(max(by))), {e: partial(_beside, by)})


def _beside(by: Sequence[int], xs: Sequence[Array], v: Array) -> Array:
    found = np.zeros(v.shape)
    for place in np.ndindex(*by):
        found[tuple(slice(k, k + n) for k, n in zip(place, xs[0].shape, strict=True))] += xs[0]
    return found


def _with_use(e: Term, i: int, f: Any, xs: Sequence[Array], v: Array) -> Array:
    """With a function of an operand at this use of it only; nothing is explained by what cancels.
    """
    new = f(xs[i] * 1.0)
    found = computed(e, [*xs[:i], new, *xs[i + 1 :]])
    if new.any() and not found.any():
        raise ValueError("it cancels")
    return found


_FAMILIES: dict[str, Callable[[Term], Edits]] = {
    "*": of_product,
    "sum": _of_axes,
    "max": _of_axes,
    **dict.fromkeys(_RUNNING, _of_running),
    "matmul": _of_matmul,
    "transpose": _of_moves,
    "reshape": _of_moves,
    "scatter": _of_scatter,
    "fold": _of_scatter,
    "upsample": _of_upsample,
    "concatenate": _of_blocks,
    "getitem": _of_getitem,
}
