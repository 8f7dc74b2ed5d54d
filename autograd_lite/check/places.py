"""Mistakes at one place of a computation, wherever it is computed alike: at each pass of a loop.

Between the loss and the first gradient that was given much may have no name. So the engine's own
backward pass is made with the rule of one operand edited, which all lines follow at once.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial, reduce
from typing import Any, NamedTuple, cast

import numpy as np

from ..engine.backward import pull
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..meaning.read import Meaning, applied
from .backward import put_in
from .edits import other_slopes
from .given import agrees, size
from .local import Local
from .passes import Loop, loops
from .pulls import Call, Rule, Rules, Use, pulled
from .readings import ACTIVATIONS, Readings, Slope
from .short import Cause, Short

_MOST = 1200  # tensors of a graph
_MUCH_LARGER = 1.5  # than the smallest: it repeats itself
_MOST_WORK = 1_500_000  # places that are tried, times the tensors of a graph
_MOST_TRIED = 8000
_MOST_OTHERS = 50_000  # arrays that may stand for another, times those: long code is no such loop
_TOGETHER = 64  # backward passes
_COMMON = 2.0  # what a mistake costs at most that is tried with another
_MOST_COMMON, _MOST_PAIRS = 100, 1500
_MOST_USES = 5  # of a result, any of which may be missing
_NEAR = 1e-5
_SUMS = {"add", "subtract"}
_MOVES = {"getitem", "reshape", "transpose"}
_KINKED = {"relu", "leaky_relu", "absolute", "maximum", "minimum", "max", "min"}
"""Of whose operand only the sign tells, or which entry is the largest."""
_FUNCTIONS = {op.name for op in ACTIVATIONS} | {"softmax", "log_softmax", "logsumexp"}

Tries = Iterator[tuple[Cause, Callable[[int], Rule]]]
"""Mistakes, and what stands for a rule at each pass."""
Try = tuple[Cause, "Rules | _Each"]
AtPass = Callable[[int], Any]
"""What there is at each pass; it may raise, where shapes don't go together."""


class Search:
    """For the least far-fetched mistake at one place that gives all lines.

    Args:
        readings: of the loss.
        wrong: the lines that are wrong, by name.
        right: the names of those that are right, and not by being 0.
        given: the learner's gradients that lines are computed from, by name.
        fits: whether these are the gradients that were given.
    """

    def __init__(
        self, readings: Readings, wrong: Mapping[str, Array], right: Collection[str],
        given: Mapping[str, Array], fits: Callable[[Mapping[str, Array]], bool],
    ) -> None:  # fmt: skip
        self._readings, self._wrong, self._right = readings, wrong, right
        self._given, self._fits = given, fits
        lines = wrong.items()
        self._sizes = {n: max(size(a), size(readings.cotangents[n].value)) for n, a in lines}
        self._known: list[tuple[_Places, Mapping[str, Tensor], list[Try]]] = []
        self._rest = self._places()

    def _places(self) -> Iterator[tuple[_Places, Mapping[str, Tensor], list[Try]]]:
        """The graphs, and what is tried in each, the least far-fetched first."""
        least = math.inf
        for meaning, output, tensors in _graphs(self._readings):
            nodes = walk(output)
            if len(nodes) > min(_MOST, _MUCH_LARGER * least):
                continue
            least = min(least, len(nodes))
            instead = {tensors[n]: g for n, g in self._given.items() if n in tensors}
            below = _below(tensors, nodes, instead)
            is_way = partial(_is_way, below, self._wrong, self._right)
            places = _Places(self._readings, meaning, output, is_way, instead)
            yield places, tensors, sorted(places, key=lambda x: x[0][0])

    def __call__(self, costs: tuple[float, float]) -> Cause | None:
        """The one that costs so much at least, and at most."""
        rest = (self._known.append(x) or x for x in self._rest)  # type: ignore[func-returns-value]
        for places, tensors, tried in itertools.chain(self._known[:], rest):
            targets = {n: t for n, t in tensors.items() if n not in self._right}
            wanted = [x for x in tried if costs[0] <= x[0][0] <= costs[1]
                      and (not self._given or _times(x) > 1)]  # fmt: skip
            pairs = _pairs(tried) if costs[1] == math.inf and not self._given else []
            most = min(_MOST_TRIED, _MOST_WORK // places.size)
            every = itertools.chain(wanted[:most], pairs)
            while some := [*itertools.islice(every, _TOGETHER)]:
                found = places.pulled(targets, some)
                far = [np.abs(found[n] - a).max(tuple(range(1, found[n].ndim)))
                       / (self._sizes[n] or 1) for n, a in self._wrong.items()]  # fmt: skip
                for k in np.flatnonzero(np.max(far, 0) <= _NEAR):
                    if self._fits({name: g[k] for name, g in found.items()}):
                        return places.short.cause(some[k][0])
        return None


def _times(x: Try) -> int:
    return len(x[1].own.there) if isinstance(x[1], _Each) else len(x[1])


def _rules(x: Try) -> Rules:
    return x[1].rules if isinstance(x[1], _Each) else x[1]


def _pairs(tried: Iterable[Try]) -> list[Try]:
    """Two common mistakes, each at every pass of a loop; the least far-fetched first."""
    some = [x for x in tried if x[0][0] <= _COMMON and _times(x) > 1][:_MOST_COMMON]
    common = [(x[0], _rules(x)) for x in some]
    pairs: list[Try] = [((one[0] + other[0] + 1, "two", (one[1:], other[1:])), rules | more)
             for (one, rules), (other, more) in itertools.combinations(common, 2)
             if rules.keys().isdisjoint(more)]  # fmt: skip
    return sorted(pairs, key=lambda x: x[0][0])[:_MOST_PAIRS]


def is_recurrent(readings: Readings) -> bool:
    """Whether there is a loop whose passes go on with the results of others, and none was given."""
    nodes, tensors = readings.nodes, {*readings.tensors.values()}
    for loop in loops(nodes) if len(nodes) <= _MOST else ():
        at = {t: m for m, one in enumerate(loop.passes) for t in one}
        carried = any(
            x in at and at[x] != m and not {_op_of(t), _op_of(x)} <= _SUMS
            for t, m in at.items() if t is not None for x in t.inputs
        )  # fmt: skip
        if carried and len(loop.passes) > 2 and tensors.isdisjoint(at):
            return True
    return False


def _op_of(t: Tensor) -> str:
    return t._op.name if t._op is not None else ""


def _below(
    tensors: Mapping[str, Tensor], nodes: Sequence[Tensor], known: Container[Tensor]
) -> dict[Tensor, set[str]]:
    """The names that a tensor is computed from, its own among them, none through what is known."""
    of: dict[Tensor, set[str]] = {}
    for t in nodes:
        inputs = () if t in known else t.inputs
        of[t] = {n for n, x in tensors.items() if x is t}.union(*(of[x] for x in inputs))
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
    loss = readings.nodes[-1]
    for meaning, *_ in itertools.islice(readings.graphs, 1):
        for given in ({"max"}, set[str]()):  # which many subtract, and nobody differentiates
            new: dict[Tensor, Tensor] = {}
            for t in walk(loss):
                new[t] = _as_function(t, new, meaning) if t._op is not None else t
                new[t] = Tensor(t._array) if _op_of(t) in given and t.name is None else new[t]
                new[t].name = t.name
            own = {n: new[t] for n, t in readings.tensors.items()}
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
        self.is_own = len({*self.key}) > 1

    @property
    def any(self) -> Tensor:
        return self.there[-1]

    def operand(self, i: int) -> _Series:
        return _Series(None if t is None else t.inputs[i] for t in self.at)

    def moved(self, by: int) -> _Series:
        n = len(self.at)
        return _Series(self.at[k + by] if 0 <= k + by < n else None for k in range(n))

    def where(self, some: Iterable[bool]) -> _Series:
        return _Series(t if there else None for t, there in zip(self.at, some, strict=True))

    def array(self, k: int) -> Array:
        t = self.at[k]
        return 0 * self.any._array if t is None else t._array

    def of(self, f: Callable[..., Any], *others: AtPass) -> AtPass:
        """A function of it, and of others."""
        return lambda k: f(self.at[k], *(x(k) for x in others))


class _Each(NamedTuple):
    """A rule at each pass of a loop, which is made when it is tried."""

    own: _Series
    operand: int
    rule: Callable[[int], Rule]

    @property
    def rules(self) -> Rules:
        at = enumerate(self.own.at)
        return {(t, self.operand): self.rule(m) for m, t in at if t is not None}


class _Places:
    """What may be wrong at each place, with the rules that make it so.

    Args:
        readings, meaning: of the graph.
        output: of the graph.
        is_way: whether what is wrong, and nothing else, is computed from such tensors.
        known: cotangents, by which the pass goes on from there.

    Attributes:
        plainly: what comes back to each tensor.
        short: writes them.
    """

    def __init__(
        self, readings: Readings, meaning: Meaning, output: Tensor,
        is_way: Callable[[Iterable[Tensor]], bool], known: Mapping[Tensor, Array],
    ) -> None:  # fmt: skip
        nodes = walk(output)
        self.size, self._known = len(nodes), known
        tracked = {t for t in nodes if t._tracked}
        self.plainly = pull({output: np.ones(output.shape)}, tracked, layers=[put_in(known)])
        self._loops, self._is_way = loops(nodes), is_way
        self._locals = dict[Any, Local | None]()
        self.short = Short(meaning, readings, self._loops)
        self._leaves = [t for t in nodes if t._op is None and t.ndim]
        self._named = [t for t in nodes if t._op is not None and t.name is not None]
        numbers = {abs(t.item()) for t in nodes if not t._tracked and t.size == 1} - {0.0}
        self._numbers = numbers | {1 / q for q in numbers}
        self._output, self._scales = output, {-1.0, 2.0, 0.5, *self._numbers} - {1.0}
        self._ways: dict[Tensor, dict[Any, None]] = defaultdict(dict)
        self._at: dict[Any, dict[int, Use]] = defaultdict(dict)  # by pass
        for k, loop in enumerate(self._loops):
            for m, one in enumerate(loop.passes):
                for j, t in ((j, t) for j, t in enumerate(one) if t is not None):
                    for i, x in enumerate(t.inputs):
                        self._ways[x][k, j, i] = None
                        self._at[k, j, i][m] = t, i

    def pulled(self, targets: Mapping[str, Tensor], some: Iterable[Try]) -> dict[str, Array]:
        """The gradients of these, where each of some mistakes is made."""
        return pulled(self._output, targets, self.plainly, [*map(_rules, some)], self._known)

    def __iter__(self) -> Iterator[Try]:
        for k, loop in enumerate(self._loops):
            places = [_Series(at) for at in zip(*loop.passes, strict=True)]
            yield from self._of_rules(loop, places)
            for own in places:
                for i, x in enumerate(own.any.inputs):
                    if x._tracked and self._is_way(t.inputs[i] for t in own.there):
                        yield from self._of_passes(own, i)
                yield from self._of_ways(own, k)
            yield from self._left_out(loop, places)
        for x in [*self._ways]:
            if x._op is None and x._tracked:
                yield from self._of_ways(_Series([x]))
        uses = [(self._output, i) for i in range(len(self._output.inputs))]
        for k in self._scales if self._is_way([self._output]) else ():
            yield (0.6, "times", (k,)), dict.fromkeys(uses, partial(_scaled, k))

    def _of_rules(self, loop: Loop, places: Sequence[_Series]) -> Iterator[Try]:
        """In rules, at each pass; also but for one that isn't full, as before the loop."""
        arrays = self._arrays(loop, places)
        if len(arrays) * sum(len(own.any.inputs) for own in places) > _MOST_OTHERS:
            arrays = []
        full = [all(t is not None for t in one) for one in loop.passes]
        keys = {s.key for s in places}
        apart = [s for s in (s.where(full) for s in places if any(full)) if s.key not in keys]
        for own, beside in (*((s, arrays) for s in places), *((s, []) for s in apart)):
            n = len(own.there)
            for i, x in enumerate(own.any.inputs):
                if x._tracked and self._is_way(t.inputs[i] for t in own.there):
                    for (cost, kind, values), rule in self._of_rule(own, i, beside):
                        each = ("each_time", ((kind, values), n)) if n > 1 else (kind, values)
                        yield (cost, *each), _Each(own, i, rule)

    def _arrays(self, loop: Loop, places: Sequence[_Series]) -> list[_Series]:
        """What there is at each pass; of what changes also before, after, and in turned order."""
        n, own = len(loop.passes), list(places)
        own += [at.operand(i) for at in places for i in range(len(at.any.inputs))]
        for other in self._loops if n > 1 else ():
            times, rest = divmod(n, len(other.passes))  # of an outer one each pass as often
            if not rest and len(other.passes) > 1 and other is not loop:
                passes = (one for one in other.passes for _ in range(times))
                own += map(_Series, zip(*passes, strict=True))
        moved = [s for s in own if s.is_own] if n > 1 else []
        own += [x for s in moved for x in (s.moved(-1), s.moved(1), _Series(s.at[::-1]))]
        own += [_Series((s.at[-1], *s.at[:-1])) for s in moved]  # as [t - 1] has it
        own += [_Series([x] * n) for x in (*self._leaves, *self._named)]
        some = (s for s in own if any(t._array.any() for t in s.there))  # else nothing is there
        return list({s.key: s for s in some}.values())

    def _of_rule(self, own: _Series, i: int, arrays: Sequence[_Series]) -> Tries:
        """In the rule of an operand: what is the same at each pass."""
        t = own.any
        x, slope = t.inputs[i], self.short.slope(t)
        n = x.size / max(t.size, 1)
        for k in {n, 1 / n, *self._scales} - {1.0}:
            cost = 1.3 if k == -1 else 1.65
            yield (cost, "through_times", (x, t, k)), _always(partial(_scaled, k))
        if t.ndim:
            yield (2.2, "loss_missing", (t,)), _always(lambda c: c.back(np.ones_like(c.g)))
        if (_op_of(t) == "matmul" and t.ndim) or _op_of(t) == "multiply":
            factor = t.inputs[1 - i]
            cost = 1.6 if factor.size == 1 else 2
            yield (cost, "factor_missing", (factor,)), _always(lambda c: c.g)
        local = self._local(own)
        for cause, value in local.of_rule(i) if local is not None else ():
            yield cause, _always(partial(lambda f, c: f(c.g, *c.args), value))
        yield from _of_slope(slope) if slope is not None else ()
        for a in _arguments(t, i):
            at = own.operand(a - 1) if a else own
            for s in arrays:
                yield from self._stands(s, at, 1.7 + 0.1 * (s.any._op is None), a, s.array)
            if _op_of(t) not in _KINKED:
                yield from self._recomputed(at, a, arrays)
        if _op_of(t) in ("sigmoid", "softmax"):
            for y in (y for y in self._leaves if y.shape == t.shape and not y._tracked):
                for q in {1, *t.shape, t.size}:
                    rule = _always(partial(lambda y, q, c: (c.args[0] - y) / q, y._array, q))
                    yield (2.4, "cross_entropy", (t, y, x)), rule
        for s in arrays:
            yield from self._by_other(own, x, s)

    def _by_other(self, own: _Series, x: Tensor, s: _Series) -> Tries:
        """By what comes to another result, by it, or by its index."""
        t, y = own.any, s.any
        if y.shape == t.shape and y is not t and y._tracked and y._op is not None:
            for factor, z in (y.inputs, y.inputs[::-1]) if _op_of(y) == "multiply" else ():
                if z is t:
                    yield (1.2, "factor_missing", (factor,)), partial(_of_cotangent, s)
            skipped = self.short.slope(y)
            if skipped is not None and self._leads_on(y, t, skipped):
                yield (1.9, "slope_missing_to", (skipped, x)), partial(_of_cotangent, s)
            yield (2.2, "gradient_stands", (y, t)), partial(_of_cotangent, s)
        if y.shape in (x.shape, t.shape):
            yield (2.7, "factor_too_many", (y,)), partial(_times_array, s.array)
        if t._params and "index" in t._params and _indexes(s) != _indexes(own):
            for power in (0, 1):  # also of a logarithm, whose slope is that of the entry
                cause = 1.9 + 0.1 * power, "other_ids", (x, y.inputs[0] if y.inputs else y)
                yield cause, partial(_at_index, s, power)

    def _local(self, own: _Series) -> Local | None:
        """The op as terms; None where there is none, or meaning can't read it."""
        if own.key not in self._locals:
            self._locals[own.key] = None
            with suppress(Exception):
                self._locals[own.key] = local = Local(own.there)
                self.short.leaves |= local.leaves
        return self._locals[own.key]

    def _stands(self, s: _Series, at: _Series, cost: float, a: int, new: AtPass) -> Tries:
        """One where another belongs: by the last pass at which both are there."""
        if s.any.shape == at.any.shape and s.key != at.key:
            both = [(x, y) for x, y in zip(s.at, at.at, strict=True) if x is not y]
            for x, y in [(x, y) for x, y in both if x is not None and y is not None][-1:]:
                yield self.short.stands(cost, x, y), partial(_of_array, a, new)

    def _recomputed(self, at: _Series, a: int, arrays: Sequence[_Series]) -> Tries:
        """An argument computed of another operand, of other entries, or without one."""
        t = at.any
        name, kinds = _op_of(t), {(_op_of(u), len(u.inputs)) for u in at.there}
        if len(kinds) > 1:
            return
        local = self._local(at)
        for (cost, kind, values), value in local.of_result() if local is not None else ():
            new = at.of(lambda u, value=value: value(u._array, u._array, *u._arrays))
            yield (cost + 0.8, kind, values), partial(_of_array, a, new)
        for s in arrays if name == "getitem" else ():
            new = at.of(lambda u, index: u._arrays[0][index], partial(_index, s))
            if s.key != at.key and s.any.inputs:
                values = t.inputs[0], s.any.inputs[0]
                yield (1.9, "other_ids", values), partial(_of_array, a, new)
        is_open = t._op is not None and (name in _MOVES or t._op.entrywise)
        slope = self.short.slope(t)
        if slope is not None:
            new = at.of(lambda u: slope.at(u._arrays[0], u._array))
            yield (2.0, "slope_for_value", (slope,)), partial(_of_array, a, new)
        for j in range(len(t.inputs) if is_open else 0):
            own, put = at.operand(j), partial(_with, j)
            for s in arrays:
                yield from self._stands(s, own, 2.0, a, at.of(put, s.array))

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
                if len(at) == len(own.at) and x in {*at} and not self._come_alike(at):
                    rules = {alone[m]: partial(_kept, y) for m, y in enumerate(at)
                             if y is not None and m in alone}  # fmt: skip
                    yield (1.7, "accumulated", (x,)), rules

    def _come_alike(self, some: Iterable[Tensor | None]) -> bool:
        """Whether the same comes back to all of them."""
        first, *rest = [self.plainly[t] for t in some if t in self.plainly]
        return all(np.array_equal(first, g) for g in rest)

    def _of_ways(self, own: _Series, k: int = -1) -> Iterator[tuple[Cause, Rules]]:
        """In what comes back by some of the ways in which a result is used."""
        t, of = own.any, {*own.there}
        ways, covered = list[Any](), dict[Use, None]()
        every = {way for u in of for way in self._ways[u]}
        for way in sorted(every, key=lambda way: (way[0] != k, way)):  # in its own loop first
            uses = {(u, i): None for u, i in self._at[way].values() if u.inputs[i] in of}
            if not uses.keys() <= covered.keys():
                ways.append(way)
                covered |= uses
        if not self._is_way(own.there):
            return
        slope, most = self.short.slope(t), len(ways)
        several = range(1, most + 1) if most <= _MOST_USES else {1, most - 1, most}
        choices = (itertools.combinations(ways, n) for n in several)
        for some in itertools.chain(*choices):
            n = len(some)
            lost = [use for way in some for use in self._at[way].values()]
            left = [use for way in ways if way not in some for use in self._at[way].values()]
            cause = 1.1 + 0.1 * n + 0.5 * (not left), *self._missing(t, some, left, most - n)
            own_uses = [(u, i) for u, i in lost if u.inputs[i] in of]
            for gone in (lost, own_uses)[: 1 + (len(own_uses) < len(lost))]:
                yield cause, dict.fromkeys(gone, _nothing)
            if slope is not None and left:
                by = {u: [(w, i) for w, i in lost if w.inputs[i] is u] for u in own.there}
                rules: Rules = {(u, 0): partial(_beside_slope, way) for u, way in by.items()}
                yield (1.6, "slope_missing_through", (slope, lost[-1][0])), rules

    def _missing(self, t: Tensor, some: Sequence[Any], left: Sequence[Use], n: int) -> Any:
        """That these ways are missing, of which n are left; or that only one is there."""
        if n == 1 < len(some):
            return "only_through", (t, left[-1][0])
        uses = [[*self._at[way].values()][-1] for way in (some if left else some[-1:])]
        told: list[Any] = [("through_missing", (t, u)) for u, _ in uses]
        return reduce(lambda a, b: ("two", (a, b)), told)

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


def _of_slope(slope: Slope) -> Tries:
    """What may stand for it."""
    yield (0.8, "slope_missing", (slope,)), _always(lambda c: c.g)
    yield (2.1, "slope_too_many", (slope,)), _always(lambda c: c.g * slope.at(*c.args[::-1]) ** 2)
    for cost, kind, values, f in other_slopes(slope):
        yield (cost, kind, values), _always(partial(lambda f, c: c.g * f(*c.args[::-1]), f))


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
            off = 0.3 * np.cos(np.arange(array.size)).reshape(array.shape) - array
            if not np.array_equal(given([*args[:a], off, *args[a + 1 :]]), was):
                found.append(a)
    return found


def _index(s: _Series, k: int) -> Any:
    """Of a result its own; of one-hot marks, which are each pass's own, the place of the 1."""
    t = s.at[k]
    if t is None or t._op is not None:
        return None if t is None else t._params.get("index")
    x = t._array
    is_marks = s.is_own and not t._tracked and x.ndim and np.count_nonzero(x) == 1 == x.max()
    return np.unravel_index(int(x.argmax()), x.shape) if is_marks else None


def _indexes(s: _Series) -> list[str]:
    return [repr(_index(s, k)) for k in range(len(s.at))]


def _with(j: int, t: Tensor, new: Any) -> Any:
    """A result of another operand."""
    return t._op.forward(*t._arrays[:j], new, *t._arrays[j + 1 :], **t._params)  # type: ignore[union-attr]


def _always(rule: Rule) -> Callable[[int], Rule]:
    return lambda k: rule


def _of_array(a: int, new: AtPass, k: int) -> Rule:
    return lambda c: c.back(c.g, *c.args[:a], new(k), *c.args[a + 1 :])


def _of_cotangent(s: _Series, k: int) -> Rule:
    y = s.at[k]
    return (lambda c: c.back(c.cotangent(y))) if y is not None else _nothing


def _times_array(array: AtPass, k: int) -> Rule:
    y = array(k)
    return lambda c: c.back(c.g * y) if y.shape == c.g.shape else c.back(c.g) * y


def _at_index(s: _Series, power: int, k: int) -> Rule:
    index = _index(s, k)

    def rule(c: Call) -> Any:
        new = c.args[1][index]
        return c.back(c.g * (c.args[0] / new) ** power, index=index)

    return rule if index is not None else _nothing


def _scaled(k: float, c: Call) -> Array:
    return np.asarray(k * c.back(c.g))


def _added(so_far: list[Array], c: Call) -> Array:
    """What came back in the passes before, too."""
    so_far.append(c.back(c.g))
    return np.asarray(sum(so_far))


def _kept(y: Tensor, c: Call) -> Array:
    """With what came to the same result a pass later."""
    return np.asarray(c.back(c.g) + c.cotangent(y))


def _nothing(c: Call) -> float:
    return 0.0


def _beside_slope(uses: Sequence[Use], c: Call) -> Array:
    """Without the slope for what came by these."""
    there = sum(c.part(use) for use in uses)
    return np.asarray(c.back(c.g - there) + there)
