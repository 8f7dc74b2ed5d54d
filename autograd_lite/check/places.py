"""Mistakes at one place of a computation, wherever it is computed alike: at each pass of a loop.

Between the loss and the first gradient that was given much may have no name. So the engine's own
backward pass is made with the rule of one operand edited, which all lines follow at once.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import numpy as np

from ..engine.backward import pull
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..meaning.read import Meaning, applied
from .edits import other_slopes
from .given import agrees, size
from .passes import Loop, loops
from .pulls import Call, Rule, Rules, Use, pulled
from .readings import ACTIVATIONS, Readings, Slope
from .short import Cause, Short

_MOST = 1200  # tensors of a graph
_MOST_WORK = 1_500_000  # places that are tried, times the tensors of a graph
_TOGETHER = 64  # backward passes
_MOST_USES = 5  # of a result, any of which may be missing
_NEAR = 1e-5
_SUMS = {"add", "subtract"}
_KINKED = {"relu", "leaky_relu", "absolute", "maximum", "minimum", "max", "min"}
"""Of whose operand only the sign tells, or which entry is the largest."""
_FUNCTIONS = {op.name for op in ACTIVATIONS} | {"softmax", "log_softmax", "logsumexp"}

Tries = Iterator[tuple[Cause, Callable[[int], Rule]]]
"""Mistakes, and what stands for a rule at each pass."""


def find(
    readings: Readings, wrong: Mapping[str, Array], right: Collection[str],
    fits: Callable[[Mapping[str, Array]], bool], costs: tuple[float, float],
) -> Cause | None:  # fmt: skip
    """The least far-fetched mistake at one place that gives all lines.

    Args:
        readings: of the loss.
        wrong: the lines that are wrong, by name.
        right: the names of those that are right, and not by being 0.
        fits: whether these are the gradients that were given.
        costs: what a mistake costs at least, and at most.
    """
    sizes = {n: max(size(a), size(readings.cotangents[n].value)) for n, a in wrong.items()}
    for meaning, output, tensors in _graphs(readings):
        nodes = walk(output)
        if len(nodes) > _MOST:
            continue
        is_way = partial(_is_way, _below(tensors, nodes), wrong, right)
        places = _Places(readings, meaning, output, is_way)
        targets = {n: t for n, t in tensors.items() if n not in right}
        tried = [x for x in places if costs[0] <= x[0][0] <= costs[1]]
        tried.sort(key=lambda x: x[0][0])
        for start in range(0, min(len(tried), _MOST_WORK // len(nodes)), _TOGETHER):
            some = tried[start : start + _TOGETHER]
            found = pulled(output, targets, places.plainly, [rules for _, rules in some])
            far = [np.abs(found[n] - a).max(tuple(range(1, found[n].ndim))) / (sizes[n] or 1)
                   for n, a in wrong.items()]  # fmt: skip
            for k in np.flatnonzero(np.max(far, 0) <= _NEAR):
                if fits({name: g[k] for name, g in found.items()}):
                    return places.short.cause(some[k][0])
    return None


def is_recurrent(readings: Readings) -> bool:
    """Whether there is a loop whose passes go on with the results of others, and none was given."""
    for _, loss, tensors in readings.recorded:
        nodes = walk(loss)
        for loop in loops(nodes) if len(nodes) <= _MOST else ():
            at = {t: m for m, one in enumerate(loop.passes) for t in one}
            carried = any(
                x in at and at[x] != m and not {_op_of(t), _op_of(x)} <= _SUMS
                for t, m in at.items() if t is not None for x in t.inputs
            )  # fmt: skip
            if carried and len(loop.passes) > 2 and set(tensors.values()).isdisjoint(at):
                return True
    return False


def _op_of(t: Tensor) -> str:
    return t._op.name if t._op is not None else ""


def _below(tensors: Mapping[str, Tensor], nodes: Sequence[Tensor]) -> dict[Tensor, set[str]]:
    """The names that a tensor is computed from, its own among them."""
    of: dict[Tensor, set[str]] = {}
    for t in nodes:
        of[t] = {n for n, x in tensors.items() if x is t}.union(*(of[x] for x in t.inputs))
    return of


def _is_way(
    below: Mapping[Tensor, set[str]], wrong: Mapping[str, Array], right: Collection[str],
    some: Iterable[Tensor],
) -> bool:  # fmt: skip
    """Whether all that is wrong, and nothing that is right, is computed from such tensors."""
    names = set[str]().union(*(below[x] for x in some))
    return wrong.keys() <= names and names.isdisjoint(right)


def _graphs(readings: Readings) -> Iterator[tuple[Meaning, Tensor, Mapping[str, Tensor]]]:
    """The loss as it was recorded, but with each function as one op; and of canonical ops."""
    for meaning, loss, tensors in readings.recorded:
        for given in ({"max"}, set[str]()):  # which many subtract, and nobody differentiates
            new: dict[Tensor, Tensor] = {}
            for t in walk(loss):
                new[t] = _as_function(t, new, meaning) if t._op is not None else t
                new[t] = Tensor(t._array) if _op_of(t) in given and t.name is None else new[t]
                new[t].name = t.name
            own = {n: new[t] for n, t in tensors.items()}
            found = pull({new[loss]: np.ones(loss.shape)}, set(own.values()))
            right = {n: readings.cotangents[n].value for n in own}
            if not given or all(agrees(found.get(t, 0 * right[n]), right[n], 1e-6, 1e-12)
                                for n, t in own.items()):  # fmt: skip
                yield meaning, new[loss], own
                break
    yield from readings.graphs


def _as_function(t: Tensor, new: Mapping[Tensor, Tensor], meaning: Meaning) -> Tensor:
    """A result of one op; or of several, if they compute a function."""
    op: Any = t._op
    xs = [new[x] for x in t.inputs]
    e = meaning.terms.get(t)
    e = meaning.definitions.get(e, e) if e is not None else None
    if e is not None and e.op != op.name and e.op in _FUNCTIONS:
        s = next((x for x in walk(t) if [meaning.terms.get(x)] == e.operands), None)
        found = applied(e, [new[s]]) if s is not None else None
        if found is not None and found.shape == t.shape and agrees(found._array, t._array, 1e-9, 0):
            return cast(Tensor, found)
    if op.name == "multiply" and xs[0] is xs[1]:  # of which each operand has its part
        op, xs = np.square, xs[:1]
    return cast(Tensor, op(*xs, **t._params))


class _Series:
    """A tensor at each pass of a loop, which may be none at some; or the same one at all."""

    def __init__(self, at: Iterable[Tensor | None]) -> None:
        self.at = tuple(at)
        self.key = tuple(map(id, self.at))
        self.there = [t for t in self.at if t is not None]

    @property
    def any(self) -> Tensor:
        return self.there[-1]

    def operand(self, i: int) -> _Series:
        return _Series(None if t is None else t.inputs[i] for t in self.at)

    def moved(self, by: int) -> _Series:
        n = len(self.at)
        return _Series(self.at[k + by] if 0 <= k + by < n else None for k in range(n))

    def arrays(self, factor: float = 1.0) -> list[Array]:
        zero = 0 * self.any._array
        return [zero if t is None else factor * t._array for t in self.at]

    def of(self, f: Callable[..., Any], *each: Sequence[Any]) -> list[Any]:
        """A function of each, and of the same of others; none where that can't be computed."""
        found: list[Any] = []
        for t, *rest in zip(self.at, *each, strict=True):
            value = None
            with suppress(Exception):  # shapes that don't go together, entries that aren't there
                value = f(t, *rest) if t is not None else None
            found.append(value)
        return found


class _Places:
    """What may be wrong at each place, with the rules that make it so.

    Args:
        readings, meaning: of the graph.
        output: of the graph.
        is_way: whether what is wrong, and nothing else, is computed from such tensors.

    Attributes:
        plainly: what comes back to each tensor.
        short: writes them.
    """

    def __init__(
        self, readings: Readings, meaning: Meaning, output: Tensor,
        is_way: Callable[[Iterable[Tensor]], bool],
    ) -> None:  # fmt: skip
        nodes = walk(output)
        self.plainly = pull({output: np.ones(output.shape)}, {t for t in nodes if t._tracked})
        self._loops, self._is_way = loops(nodes), is_way
        self.short = Short(meaning, readings, self._loops)
        self._leaves = [t for t in nodes if t._op is None and t.ndim]
        numbers = {abs(t.item()) for t in nodes if not t._tracked and t.size == 1} - {0.0}
        self._numbers = numbers | {1 / q for q in numbers}
        self._ways: dict[Tensor, dict[Any, None]] = defaultdict(dict)
        self._at: dict[Any, dict[int, Use]] = defaultdict(dict)  # by pass
        for k, loop in enumerate(self._loops):
            for m, one in enumerate(loop.passes):
                for j, t in ((j, t) for j, t in enumerate(one) if t is not None):
                    for i, x in enumerate(t.inputs):
                        self._ways[x][k, j, i] = None
                        self._at[k, j, i][m] = t, i

    def __iter__(self) -> Iterator[tuple[Cause, Rules]]:
        for k, loop in enumerate(self._loops):
            places = [_Series(at) for at in zip(*loop.passes, strict=True)]
            arrays = self._arrays(loop, places)
            for own in places:
                n = len(own.there)
                for i, x in enumerate(own.any.inputs):
                    if x._tracked and self._is_way(t.inputs[i] for t in own.there):
                        for (cost, kind, values), rule in self._of_rule(own, i, arrays):
                            each = ("each_time", ((kind, values), n)) if n > 1 else (kind, values)
                            rules = {(t, i): rule(m) for m, t in enumerate(own.at) if t is not None}
                            yield (cost, *each), rules
                        yield from self._of_passes(own, i)
                yield from self._of_ways(own, k)
            yield from self._left_out(loop, places)
        for x in self._leaves:
            yield from self._of_ways(_Series([x]))

    def _arrays(self, loop: Loop, places: Sequence[_Series]) -> list[_Series]:
        """What there is at each pass; of what changes also before, after, and in turned order."""
        n, own = len(loop.passes), list(places)
        own += [at.operand(i) for at in places for i in range(len(at.any.inputs))]
        for other in self._loops if n > 1 else ():
            times, rest = divmod(n, len(other.passes))  # of an outer one each pass as often
            if not rest and len(other.passes) > 1 and other is not loop:
                passes = (one for one in other.passes for _ in range(times))
                own += map(_Series, zip(*passes, strict=True))
        moved = [s for s in own if len({*s.key}) > 1] if n > 1 else []
        own += [x for s in moved for x in (s.moved(-1), s.moved(1), _Series(s.at[::-1]))]
        own += [_Series([x] * n) for x in self._leaves]
        some = (s for s in own if any(t._array.any() for t in s.there))  # else nothing is there
        return list({s.key: s for s in some}.values())

    def _of_rule(self, own: _Series, i: int, arrays: Sequence[_Series]) -> Tries:
        """In the rule of an operand: what is the same at each pass."""
        t = own.any
        x, slope = t.inputs[i], self.short.slope(t)
        n = x.size / max(t.size, 1)
        for k in {-1.0, 2.0, 0.5, n, 1 / n, *self._numbers} - {1.0}:
            cost = 1.3 if k == -1 else 1.95
            yield (cost, "through_times", (x, t, k)), _always(partial(_scaled, k))
        yield from _of_op(t, i)
        yield from _of_slope(slope) if slope is not None else ()
        for a in _arguments(t, i):
            at = own.operand(a - 1) if a else own
            for s in arrays:
                yield from self._stands(s, at, 1.7 + 0.1 * (s.any._op is None), a, s.arrays())
            if _op_of(t) not in _KINKED:
                yield from self._recomputed(at, a, arrays)
        for s in arrays:
            y = s.any
            if y.shape == t.shape and y is not t and y._tracked and y._op is not None:
                skipped = self.short.slope(y)
                if skipped is not None and self._leads_on(y, t, skipped):
                    yield (1.9, "slope_missing_to", (skipped, x)), partial(_of_cotangent, s)
                yield (2.2, "gradient_stands", (y, t)), partial(_of_cotangent, s)
            if y.shape in (x.shape, t.shape):
                yield (2.7, "factor_too_many", (y,)), partial(_times_array, s.arrays())
            indexes = _indexes(s)
            if t._params and "index" in t._params and repr(indexes) != repr(_indexes(own)):
                for power in (0, 1):  # also of a logarithm, whose slope is that of the entry
                    cause = 1.9 + 0.1 * power, "other_ids", (x, y.inputs[0] if y.inputs else y)
                    yield cause, partial(_at_index, indexes, power)

    def _stands(self, s: _Series, at: _Series, cost: float, a: int, news: Sequence[Any]) -> Tries:
        """One where another belongs: by the last pass at which both are there."""
        if s.any.shape == at.any.shape and s.key != at.key:
            both = [(x, y) for x, y in zip(s.at, at.at, strict=True) if x is not y]
            for x, y in [(x, y) for x, y in both if x is not None and y is not None][-1:]:
                yield (cost, *self.short.stands(x, y)), partial(_of_array, a, news)

    def _recomputed(self, at: _Series, a: int, arrays: Sequence[_Series]) -> Tries:
        """An argument computed of another operand, of other entries, or without one."""
        t = at.any
        name, kinds = _op_of(t), {(_op_of(u), len(u.inputs)) for u in at.there}
        if len(kinds) > 1:
            return
        if name == "concatenate":
            for j, k in itertools.combinations(range(len(t.inputs)), 2):
                news = at.of(partial(_exchanged, j, k))
                yield (1.7, "exchanged", (t.inputs[j], t.inputs[k])), partial(_of_array, a, news)
        for s in arrays if name == "getitem" else ():
            news = at.of(lambda u, index: u._arrays[0][index], _indexes(s))
            if s.key != at.key and s.any.inputs:
                values = t.inputs[0], s.any.inputs[0]
                yield (1.9, "other_ids", values), partial(_of_array, a, news)
        for j, x in enumerate(t.inputs if name in {*_SUMS, "multiply", "getitem"} else ()):
            own, put = at.operand(j), partial(_with, j)
            if name in _SUMS:
                without, minus = at.of(put, own.arrays(0)), at.of(put, own.arrays(-1))
                yield (1.8, "term_missing", (x, t)), partial(_of_array, a, without)
                yield (1.8, "term_times", (x, t, -1.0)), partial(_of_array, a, minus)
            elif name == "multiply":
                ones = [np.ones_like(y) for y in own.arrays()]
                yield (1.8, "factor_missing", (x,)), partial(_of_array, a, at.of(put, ones))
            for s in arrays:
                yield from self._stands(s, own, 2.0, a, at.of(put, s.arrays()))

    def _leads_on(self, y: Tensor, t: Tensor, slope: Slope) -> bool:
        """Whether what comes to t is what comes to y, a function's result, times its slope."""
        g, own, f = self.plainly.get(y), self.plainly.get(t), slope.at(slope.s, slope.l)
        if g is None or own is None or not g.shape == own.shape == f.shape:
            return False
        return agrees(g * f, own, 1e-9, 0)

    def _of_passes(self, own: _Series, i: int) -> Iterator[tuple[Cause, Rules]]:
        """Where what comes from several passes is to be added up, or isn't."""
        x, rules = own.any.inputs[i], Rules()
        alone = {m: (t, i) for m, t in enumerate(own.at) if t is not None}
        if len(alone) < 2:
            return
        if len({t.inputs[i] for t in own.there}) == 1:
            ways = [self._at[way] for way in self._ways[x]]
            for among, kept in ([alone], [alone]), (ways, ways), (ways, [alone]):
                for m in (min(alone), max(alone)):
                    uses: Rules = {use: _nothing for way in among for use in way.values()}
                    for way in kept:
                        uses.pop(way.get(m), None)  # type: ignore[arg-type]
                    yield (1.2, "last_wins", ()), uses
        elif x.shape == own.there[0].inputs[i].shape:
            so_far = list[Array]()
            yield (1.7, "accumulated", (x,)), dict.fromkeys(alone.values(), partial(_added, so_far))
            every = (at for loop in self._loops for at in zip(*loop.passes, strict=True))
            for at in every:
                if len(at) == len(own.at) and x in {*at}:
                    rules = {alone[m]: partial(_kept, y) for m, y in enumerate(at)
                             if y is not None and m in alone}  # fmt: skip
                    yield (1.7, "accumulated", (x,)), rules

    def _of_ways(self, own: _Series, k: int = -1) -> Iterator[tuple[Cause, Rules]]:
        """In what comes back by some of the ways in which a result is used."""
        t, of = own.any, {*own.there}
        ways, covered = list[Any](), dict[Use, None]()
        every = {way for u in of for way in self._ways[u]}
        for way in sorted(every, key=lambda way: (way[0] != k, way)):  # in its own loop first
            uses = dict.fromkeys(self._at[way].values())
            if not uses.keys() <= covered.keys():
                ways.append(way)
                covered |= uses
        if len(ways) > _MOST_USES or not self._is_way(own.there):
            return
        slope = self.short.slope(t)
        choices = (itertools.combinations(ways, n) for n in range(1, len(ways) + 1))
        for some in itertools.chain(*choices):
            n = len(some)
            lost = [use for way in some for use in self._at[way].values()]
            left = [use for way in ways if way not in some for use in self._at[way].values()]
            said, kind = (left, "only_through") if n > 1 and left else (lost, "through_missing")
            cause = 1.1 + 0.1 * n + 0.5 * (not left), kind, (t, said[-1][0])
            own_uses = [(u, i) for u, i in lost if u.inputs[i] in of]
            for gone in (lost, own_uses)[: 1 + (len(own_uses) < len(lost))]:
                yield cause, dict.fromkeys(gone, _nothing)
            if slope is not None and left:
                by = {u: [(w, i) for w, i in lost if w.inputs[i] is u] for u in own.there}
                rules: Rules = {(u, 0): partial(_beside_slope, way) for u, way in by.items()}
                yield (1.6, "slope_missing_through", (slope, lost[-1][0])), rules

    def _left_out(self, loop: Loop, places: Sequence[_Series]) -> Iterator[tuple[Cause, Rules]]:
        """The first or the last pass of a loop, in each of its rounds."""
        carried = {
            (j, i) for j, own in enumerate(places) for i in range(len(own.any.inputs))
            if not {*own.there}.isdisjoint(own.operand(i).there)
        }  # fmt: skip
        n = loop.times
        for which, k in (("first", 0), ("last", n - 1)) if n > 1 else ():
            some = [(j, t) for one in loop.passes[k::n] for j, t in enumerate(one) if t is not None]
            uses = [(t, i) for j, t in some for i in range(len(t.inputs)) if (j, i) not in carried]
            yield (1.4, "pass_missing", (which, n)), dict.fromkeys(uses, _nothing)


# ---------------------------------------------------------------------- what stands for a rule


def _of_op(t: Tensor, i: int) -> Tries:
    """What may be wrong with the rule of an op."""
    name = _op_of(t)
    if t.ndim:
        yield (2.2, "loss_missing", (t,)), _always(lambda c: c.back(np.ones_like(c.g)))
    if name == "softmax":
        yield (1, "diagonal", (t, t)), _always(lambda c: c.g * c.args[0] * (1 - c.args[0]))
        yield (1.2, "softmax_sum_missing", (t,)), _always(lambda c: c.g * c.args[0])
        yield (1.9, "factor_missing", (t,)), _always(lambda c: c.back(c.g) / c.args[0])
    if name not in ("matmul", "multiply", "divide") or (name == "divide" and i):
        return
    other = t.inputs[1 - i]
    if name == "matmul" and t.ndim:
        yield (1.5, "not_transposed", (other,)), _always(partial(_not_transposed, i))
        yield (2, "factor_missing", (other,)), _always(lambda c: c.g)
        return
    p = -1.0 if name == "divide" else 1.0
    missing = "factor_missing" if p > 0 else "division_missing"
    yield (1, missing, (other,)), _always(partial(_by_power, 0, i))
    yield (2.1, "twice", (other,)), _always(partial(_by_power, 2 * p, i))
    yield (2.4, "exponent", (other, -p, p)), _always(partial(_by_power, -p, i))


def _of_slope(slope: Slope) -> Tries:
    """What may stand for it."""
    yield (0.8, "slope_missing", (slope,)), _always(lambda c: c.g)
    yield (2.5, "slope_too_many", (slope,)), _always(lambda c: c.g * slope.at(*c.args[::-1]) ** 2)
    inverse = _always(lambda c: c.g / slope.at(*c.args[::-1]))
    yield (2.4, "exponent", (slope.unit, -1.0, 1.0)), inverse
    if slope.result in slope.factors:
        yield (1, "factor_missing", (slope.result,)), _always(lambda c: c.back(c.g) / c.args[0])
    for cost, kind, values, f in other_slopes(slope):
        yield (cost, kind, values), _always(partial(_by_slope, f))


def _arguments(t: Tensor, i: int) -> list[int]:
    """On which of its arguments, the result and the operands, a rule depends."""
    op: Any = t._op
    args: list[Any] = [t._array, *t._arrays]
    rule: Any = next(itertools.islice(op.vjps, i, None), None)

    def given(args: Sequence[Any]) -> Any:
        return np.asarray(rule(np.ones(t.shape), *args, **t._params))

    if rule is None:
        return []
    found, was = [], given(args)
    for a, array in enumerate(args):
        if getattr(array, "dtype", None) is not None and array.dtype.kind == "f":
            off = array + 0.3 * np.cos(np.arange(array.size)).reshape(array.shape)
            if not np.array_equal(given([*args[:a], off, *args[a + 1 :]]), was):
                found.append(a)
    return found


def _indexes(s: _Series) -> list[Any]:
    return [t._params.get("index") if t is not None and t._op is not None else None for t in s.at]


def _exchanged(j: int, k: int, t: Tensor) -> Any:
    order = [{j: k, k: j}.get(i, i) for i in range(len(t.inputs))]
    return t._op.forward(*(t._arrays[i] for i in order), **t._params)  # type: ignore[union-attr]


def _with(j: int, t: Tensor, new: Any) -> Any:
    """A result of another operand."""
    return t._op.forward(*t._arrays[:j], new, *t._arrays[j + 1 :], **t._params)  # type: ignore[union-attr]


def _always(rule: Rule) -> Callable[[int], Rule]:
    return lambda k: rule


def _of_array(a: int, arrays: Sequence[Array], k: int) -> Rule:
    return lambda c: c.back(c.g, *c.args[:a], arrays[k], *c.args[a + 1 :])


def _of_cotangent(s: _Series, k: int) -> Rule:
    y = s.at[k]
    return (lambda c: c.back(c.cotangent(y))) if y is not None else _nothing


def _times_array(arrays: Sequence[Array], k: int) -> Rule:
    y = arrays[k]
    return lambda c: c.back(c.g * y) if y.shape == c.g.shape else c.back(c.g) * y


def _at_index(indexes: Sequence[Any], power: int, k: int) -> Rule:
    def rule(c: Call) -> Any:
        new = c.args[1][indexes[k]]
        return c.back(c.g * (c.args[0] / new) ** power, index=indexes[k])

    return rule if indexes[k] is not None else _nothing


def _scaled(k: float, c: Call) -> Array:
    return np.asarray(k * c.back(c.g))


def _by_slope(f: Callable[..., Any], c: Call) -> Array:
    return np.asarray(c.g * f(*c.args[::-1]))


def _by_power(q: float, i: int, c: Call) -> Array:
    return c.g * c.args[2 - i] ** q


def _not_transposed(i: int, c: Call) -> Array:
    _, x, y = c.args
    return x @ c.g if i else c.g @ y


def _added(so_far: list[Array], c: Call) -> Array:
    """What came back in the passes before, too."""
    so_far.append(c.back(c.g))
    return np.asarray(sum(so_far))


def _kept(y: Tensor, c: Call) -> Array:
    """With what came to the same result a pass later."""
    return np.asarray(c.back(c.g) + c.cotangent(y))


def _beside_slope(uses: Sequence[Use], c: Call) -> Array:
    """Without the slope for what came by these."""
    there = sum(c.part(use) for use in uses)
    return np.asarray(c.back(c.g - there) + there)


def _nothing(c: Call) -> float:
    return 0.0
