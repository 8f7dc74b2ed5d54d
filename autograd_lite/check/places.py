"""Mistakes at one place of a computation, wherever it is computed alike: at each pass of a loop.

Between the loss and the first gradient that was given much may have no name. So the engine's own
backward pass is made with the rule of one operand edited, which all lines follow at once: many
such passes together, as one of a stack of cotangents.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import fit, pull
from ..engine.tensor import Array, Tensor
from ..gradients import one_by_one
from ..graph import walk
from ..meaning.read import Meaning, applied
from .edits import other_slopes
from .given import size
from .passes import Loop, loops
from .readings import ACTIVATIONS, Readings, Slope, Term, slopes

_MOST = 1200  # tensors of a graph
_MOST_WORK = 4_000_000  # places that are tried, times the tensors of a graph
_TOGETHER = 64  # backward passes
_MOST_USES = 5  # of a result, any of which may be missing
_NEAR = 1e-5
_DEEP = 4  # ops that are written of what is computed
_SUMS = {"add", "subtract"}
_KINKED = {"relu", "leaky_relu", "absolute", "maximum", "minimum", "max", "min"}
"""Functions of whose operand only the sign tells, or which one is the largest."""

_FUNCTIONS = {op.name for op in ACTIVATIONS} | {"softmax", "log_softmax", "logsumexp"}

Use = tuple[Tensor, int]
"""A result, and which of its operands."""
Cause = tuple[float, str, tuple[Any, ...]]
"""What a mistake costs, its kind, and what it is about."""


class Call(NamedTuple):
    """A rule where one of the backward passes calls it.

    Attributes:
        g: the cotangent that came.
        args: the result, and its operands.
        back: what the rule gives of another cotangent, and of other arguments.
        cotangent: what came to a later result.
        part: what came back by another operand.
    """

    g: Array
    args: tuple[Array, ...]
    back: Callable[..., Array]
    cotangent: Callable[[Tensor], Array]
    part: Callable[[Use], Array]


Rule = Callable[[Call], Any]
Rules = dict[Use, Rule]
"""What stands for the rules of some operands, by these."""
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
    right_ones = readings.cotangents
    sizes = {n: max(size(a), size(right_ones[n].value)) for n, a in wrong.items()}
    for meaning, output, tensors in _graphs(readings):
        nodes = walk(output)
        if len(nodes) > _MOST:
            continue
        below = _below(nodes, {t: name for name, t in tensors.items()})

        def is_way(some: Iterable[Tensor], below: Any = below) -> bool:
            names = set[str]().union(*(below[x] for x in some))
            return wrong.keys() <= names and names.isdisjoint(right)

        found_loops = loops(nodes)
        short = Short(meaning, readings, found_loops)
        places = _Places(nodes, found_loops, short, is_way)
        targets = {n: t for n, t in tensors.items() if n not in right}
        plainly = pull({output: np.ones(output.shape)}, {t for t in nodes if t._tracked})
        tried = sorted((x for x in places if costs[0] <= x[0][0] <= costs[1]), key=lambda x: x[0][0])
        tried = tried[: _MOST_WORK // len(nodes)]
        for start in range(0, len(tried), _TOGETHER):
            some = tried[start : start + _TOGETHER]
            found = _pulled(output, targets, plainly, [rules for _, rules in some])
            near = np.logical_and.reduce([
                _are_near(found[name], a, sizes[name]) for name, a in wrong.items()
            ])  # fmt: skip
            for k in np.flatnonzero(near):
                if fits({name: g[k] for name, g in found.items()}):
                    return short.cause(some[k][0])
    return None


def is_recurrent(readings: Readings) -> bool:
    """Whether there is a loop whose passes go on with the results of others, and none was given."""
    for _, loss, tensors in readings.recorded:
        given = set(tensors.values())
        for loop in loops(walk(loss)):
            at = {t: (j, m) for m, one in enumerate(loop.passes) for j, t in enumerate(one)}
            carried = any(
                x in at and at[x][1] != m and not (at[x][0] == j and t.op.name in _SUMS)
                for t, (j, m) in at.items() if t is not None for x in t.inputs
            )  # fmt: skip
            if carried and len(loop.passes) > 2 and given.isdisjoint(at):
                return True
    return False


def _are_near(found: Array, wanted: Array, size: float) -> Array:
    return np.asarray(np.abs(found - wanted).max(tuple(range(1, found.ndim))) <= _NEAR * size)


def _below(nodes: Sequence[Tensor], names: Mapping[Tensor, str]) -> dict[Tensor, set[str]]:
    """The names that a tensor is computed from, its own among them."""
    of: dict[Tensor, set[str]] = {}
    for t in nodes:
        own = {names[t]} if t in names else set()
        of[t] = own.union(*(of[x] for x in t.inputs))
    return of


def _graphs(readings: Readings) -> Iterator[tuple[Meaning, Tensor, Mapping[str, Tensor]]]:
    """The loss as it was recorded, but with each function as one op; and of canonical ops."""
    for meaning, loss, tensors in readings.recorded:
        new: dict[Tensor, Tensor] = {}
        for t in walk(loss):
            new[t] = _as_function(t, new, meaning) if t._op is not None else t
            new[t].name = t.name
        yield meaning, new[loss], {n: new[t] for n, t in tensors.items()}
    yield from readings.graphs


def _as_function(t: Tensor, new: Mapping[Tensor, Tensor], meaning: Meaning) -> Tensor:
    """A result of one op; or of several, if they compute a function."""
    op: Any = t._op
    e = meaning.terms.get(t)
    e = meaning.definitions.get(e, e) if e is not None else None
    if e is not None and e.op != op.name and e.op in _FUNCTIONS:
        s = _operand(t, e, meaning)
        found = applied(e, [new[s]]) if s is not None else None
        if found is not None and found.shape == t.shape and np.allclose(found._array, t._array, 1e-9, 0):
            return found
    x = new[t.inputs[0]]
    if op.name == "multiply" and t.inputs[1] is t.inputs[0]:
        return np.square(x)  # of which each operand has its part
    return op(x, *(new[y] for y in t.inputs[1:]), **t._params)


def _operand(t: Tensor, e: Term, meaning: Meaning) -> Tensor | None:
    """What a function, computed by several ops, is taken of."""
    return next((x for x in walk(t) if [meaning.terms.get(x)] == e.operands), None)


class Short:
    """What tensors are written as: with an ellipsis for what is computed elsewhere.

    Args:
        meaning: of the graph.
        readings: write it.
        loops: of which no formula goes on into another pass.
    """

    def __init__(self, meaning: Meaning, readings: Readings, loops: Sequence[Loop]) -> None:
        self._meaning, self._readings = meaning, readings
        self._passes = {
            t: (k, j, m) for k, loop in enumerate(loops) if len(loop.passes) > 1
            for m, one in enumerate(loop.passes) for j, t in enumerate(one)
        }  # fmt: skip
        self.slope = cache(self._slope)

    def cause(self, cause: Cause) -> Cause:
        """With terms for tensors, which say so much that no two are written alike."""
        cost, kind, values = cause
        for deep in range(_DEEP, 2 * _DEEP):
            terms = dict[Tensor, Term]()
            found = self._terms(values, terms, deep)
            if len({self._readings.text(e) for e in terms.values()}) == len(terms):
                break
        return cost, kind, found

    def stands(self, x: Tensor, y: Tensor) -> tuple[str, tuple[Any, ...]]:
        """One where the other belongs, which may be the same at another pass."""
        own, its = self._passes.get(x), self._passes.get(y)
        if not own or not its or own[:2] != its[:2] or y.name is not None:
            return "stands", (x, y)
        by = {-1: "the pass before", 1: "the pass after"}
        return "at_pass", (y, by.get(own[2] - its[2], "another pass"))

    def _terms(self, values: Any, terms: dict[Tensor, Term], deep: int) -> Any:
        if isinstance(values, Tensor):
            root = self._part(values, deep, "", values)
            return terms.setdefault(values, Meaning(root).terms[root])
        if type(values) is not tuple:
            return values
        return tuple(self._terms(x, terms, deep) for x in values)

    def _part(self, t: Tensor, deep: int, within: str, root: Tensor) -> Tensor:
        name = t._op.name if t._op is not None else ""
        if t.name is not None or not name:
            e = self._meaning.terms.get(t)
            said = t.name or (self._readings.text(e) if e is not None and t.ndim else None)
            return Tensor(t._array, t._tracked > 0, said)
        own, its = self._passes.get(root), self._passes.get(t)
        if deep <= 0 or (own and its and own[0] == its[0] and own[2] != its[2]):
            return Tensor(t._array, True, "…")
        results = sum(x._op is not None for x in t.inputs)
        less = 0 if {name, within} <= _SUMS else 1 if {name} <= _SUMS else max(results, 1)
        xs = [self._part(x, deep - less, name, root) for x in t.inputs]
        return t._op(*xs, **t._params)  # type: ignore[misc]

    def _slope(self, t: Tensor) -> Slope | None:
        """Of a function of one tensor, entry by entry."""
        op: Any = t._op
        if not op.entrywise or len(t.inputs) != 1:
            return None
        root = op(self._part(t.inputs[0], _DEEP - 1, op.name, t), **t._params)
        root.name = t.name
        return next((slope for slope in slopes(Meaning(root)) if slope.op is op), None)


# ---------------------------------------------------------------------- many passes at once


def _pulled(
    output: Tensor, tensors: Mapping[str, Tensor], plainly: Mapping[Tensor, Array],
    every: Sequence[Rules],
) -> dict[str, Array]:  # fmt: skip
    """The gradients with such rules, of each along the first axis.

    A cotangent that isn't there yet is what it is by the rules as they are.
    """
    n = len(every)
    edited: dict[Use, list[tuple[int, Rule]]] = defaultdict(list)
    for k, rules in enumerate(every):
        for use, rule in rules.items():
            edited[use].append((k, rule))
    cotangents, parts = dict[Tensor, Array](), dict[Use, Array]()

    def layer(t: Tensor, g: Any, vjps: Any) -> Any:
        cotangents[t] = g
        if t._op is None:
            return vjps
        plain = [vjp for vjp, _ in zip(t._op.vjps, t._inputs)]  # noqa: B905  (the vjps may be endless)
        stacked = [vjp for vjp, _ in zip(vjps, t._inputs)]  # noqa: B905
        return [vjp and partial(rule, t, i, vjp, plain[i]) for i, vjp in enumerate(stacked)]

    def rule(t: Tensor, i: int, vjp: Any, plain: Any, g: Any, *args: Any, **params: Any) -> Any:
        x, name = t.inputs[i]._array, t.op.name  # type: ignore[union-attr]
        part = fit(vjp(g, *args, **params), x, name, 1)
        some = edited.get((t, i), ())
        part = np.array(part) if some else part
        for k, edit in some:

            def back(g: Any = g[k], *new: Any, **other: Any) -> Any:
                return fit(np.asarray(plain(np.asarray(g), *(new or args), **{**params, **other})), x, name)

            def cotangent(y: Tensor, k: int = k) -> Any:
                return cotangents[y][k] if y in cotangents else plainly[y]

            def came(use: Use, k: int = k) -> Any:
                return parts[use][k]

            try:
                part[k] = edit(Call(g[k], args, back, cotangent, came))
            except Exception:  # shapes that don't go together, what a rule refuses, what isn't there
                part[k] = np.nan
        parts[t, i] = part
        return part

    targets = set(tensors.values())
    found = pull({output: np.ones((n, *output.shape))}, targets, layers=[one_by_one, layer])
    return {name: found[t] if t in found else np.zeros((n, *t.shape)) for name, t in tensors.items()}


# ---------------------------------------------------------------------- what may be wrong


class _Series:
    """A tensor at each pass of a loop, which may be none at some; or the same one at all."""

    def __init__(self, at: Iterable[Tensor | None]) -> None:
        self.at = tuple(at)
        self.key = tuple(map(id, self.at))

    @property
    def there(self) -> list[Tensor]:
        return [t for t in self.at if t is not None]

    @property
    def any(self) -> Tensor:
        return self.there[-1]

    def moved(self, by: int) -> _Series:
        n = len(self.at)
        return _Series(self.at[k + by] if 0 <= k + by < n else None for k in range(n))

    def arrays(self) -> list[Array]:
        zero = 0 * self.any._array
        return [zero if t is None else t._array for t in self.at]


class _Places:
    """What may be wrong at each place, with the rules that make it so.

    Args:
        nodes: of a graph.
        loops: that it was recorded in.
        short: writes its tensors.
        is_way: whether all that is wrong, and nothing that is right, is computed from such tensors.
    """

    def __init__(
        self, nodes: Sequence[Tensor], loops: Sequence[Loop], short: Short,
        is_way: Callable[[Iterable[Tensor]], bool],
    ) -> None:  # fmt: skip
        self._loops, self._short, self._is_way = loops, short, is_way
        self._leaves = [t for t in nodes if t._op is None and t.ndim]
        numbers = {abs(float(t._array)) for t in nodes if not t._tracked and t.size == 1}
        self._numbers = numbers | {1 / q for q in numbers if q}
        self._ways: dict[Tensor, dict[Any, None]] = defaultdict(dict)
        self._at: dict[Any, dict[int, Use]] = defaultdict(dict)  # by pass
        for k, loop in enumerate(self._loops):
            for m, one in enumerate(loop.passes):
                for j, t in enumerate(one):
                    for i, x in enumerate(t.inputs if t is not None else ()):
                        self._ways[x][k, j, i] = None
                        self._at[k, j, i][m] = t, i  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[Cause, Rules]]:
        for loop in self._loops:
            places = [_Series(at) for at in zip(*loop.passes, strict=True)]
            arrays = self._arrays(loop, places)
            for own in places:
                for i, x in enumerate(own.any.inputs):
                    if x._tracked and self._is_way(t.inputs[i] for t in own.there):
                        for (cost, kind, values), rule in self._of_rule(own, i, arrays):
                            yield (cost, *_each(kind, values, own)), _rules(own, i, rule)
                        yield from self._of_passes(own, i)
                yield from self._of_ways(own)
            yield from self._left_out(loop)
        for x in self._leaves:
            yield from self._of_ways(_Series([x]))

    def _arrays(self, loop: Loop, places: Sequence[_Series]) -> list[_Series]:
        """What there is at each pass, and, of what goes from pass to pass, before and after it."""
        n, own = len(loop.passes), list(places)
        for place in places:
            for i in range(len(place.any.inputs)):
                own.append(_Series(None if t is None else t.inputs[i] for t in place.at))
        for other in self._loops if n > 1 else ():
            times, rest = divmod(n, len(other.passes))  # of an outer one each pass as often
            if not rest and 1 < len(other.passes) and other is not loop:
                at = zip(*(one for one in other.passes for _ in range(times)), strict=True)
                own += map(_Series, at)
        moved = [s for s in own if len({*s.key}) > 1 and s.any.ndim] if n > 1 else []
        own += [x for s in moved for x in (s.moved(-1), s.moved(1), _Series(s.at[::-1]))]
        own += [_Series([x] * n) for x in self._leaves]
        return list({s.key: s for s in own if s.there}.values())

    def _of_rule(self, own: _Series, i: int, arrays: Sequence[_Series]) -> Tries:
        """In the rule of an operand: what is the same at each pass."""
        t = own.any
        x = t.inputs[i]
        n = x.size / max(t.size, 1)
        for k in {-1.0, 2.0, 0.5, n, 1 / n, *self._numbers} - {0.0, 1.0}:
            cost = {-1.0: 1.3, 2.0: 1.9, 0.5: 1.9}.get(k, 2.0)
            yield (cost, "through_times", (x, t, k)), _always(lambda c, k=k: k * c.back(c.g))
        yield from _of_op(t, i)
        slope = self._short.slope(t)
        if slope is not None:
            yield from _of_slope(slope)
        for a, shape in _arguments(t, i).items():
            at = own if not a else _Series(None if u is None else u.inputs[a - 1] for u in own.at)
            for s in arrays:
                values = _beside(s, at) if s.any.shape == shape and s.key != at.key else None
                if values is not None:
                    cost = 1.7 + 0.1 * (s.any._op is None)
                    yield (cost, *self._short.stands(*values)), partial(_of_array, a, s.arrays())
            if t._op is not None and t._op.name not in _KINKED:
                yield from self._recomputed(at, a, arrays)
        if t._op is not None and t._op.name == "getitem":
            for s in arrays:
                yield from _of_index(own, s)
        for s in arrays:
            if s.any.shape == t.shape and s.any is not t and s.any._tracked and s.any._op is not None and t.ndim:
                yield (2.2, "gradient_stands", (s.any, t)), partial(_of_cotangent, s)
            if s.any.shape in (x.shape, t.shape) and x.ndim:
                yield (2.7, "factor_too_many", (s.any,)), partial(_times_array, s.arrays())

    def _recomputed(self, at: _Series, a: int, arrays: Sequence[_Series]) -> Tries:
        """An argument that is computed of another operand, or without one, or of one with its sign."""
        t = at.any
        name = t._op.name if t._op is not None else ""
        if name not in ("add", "subtract", "multiply", "getitem", "concatenate") or any(u is not None and (u._op is None or u._op.name != name or len(u.inputs) != len(t.inputs)) for u in at.at):
            return
        if name == "concatenate":
            for j, k in itertools.combinations(range(len(t.inputs)), 2):
                order = [{j: k, k: j}.get(i, i) for i in range(len(t.inputs))]
                news = [_joined(u, order) for u in at.at]
                yield (1.7, "exchanged", (t.inputs[j], t.inputs[k])), partial(_of_array, a, news)
            return
        if name == "getitem":
            for s in arrays:
                indexes = _indexes(s)
                if s.key != at.key and all(x is not None for x in indexes):
                    news = [_taken(u, x) for u, x in zip(at.at, indexes, strict=True)]
                    yield (1.9, "other_ids", (t.inputs[0], s.any.inputs[0])), partial(_of_array, a, news)
        for j, x in enumerate(t.inputs):
            own = _Series(None if u is None else u.inputs[j] for u in at.at)
            zero, minus = ([np.asarray(k * y._array) if y is not None else None for y in own.at] for k in (0, -1))
            ones = [None if y is None else np.ones_like(y._array) for y in own.at]
            plain = {"multiply": [("factor_missing", (x,), ones)], "getitem": []}.get(
                name, [("term_missing", (x, t), zero), ("term_times", (x, t, -1.0), minus)])
            for kind, values, news in plain:
                yield (1.8, kind, values), partial(_of_array, a, _with(at, j, news))
            for s in arrays:
                values = _beside(s, own) if s.any.shape == x.shape and s.key != own.key else None
                if values is not None:
                    stands = self._short.stands(*values)
                    yield (2.0, *stands), partial(_of_array, a, _with(at, j, s.arrays()))

    def _of_passes(self, own: _Series, i: int) -> Iterator[tuple[Cause, Rules]]:
        """Where what comes from several passes is to be added up, or isn't."""
        group = own.there
        x, uses = group[-1].inputs[i], [(t, i) for t in group]
        if len(group) < 2:
            return
        if len({t.inputs[i] for t in group}) == 1:
            ways = [self._at[way] for way in self._ways[x]]
            alone = {m: (t, i) for m, t in enumerate(own.at) if t is not None}
            for among, kept in ([alone], [alone]), (ways, ways), (ways, [alone]):
                for m in (min(alone), max(alone)):
                    rules: Rules = {use: _nothing for way in among for use in way.values()}
                    for way in kept:
                        rules.pop(way.get(m), None)  # type: ignore[arg-type]
                    yield (1.2, "last_wins", ()), rules
        elif x.shape == group[0].inputs[i].shape:
            so_far = list[Array]()
            yield (1.7, "accumulated", (x,)), dict.fromkeys(uses, partial(_added, so_far))
            for other in self._loops:
                for at in zip(*other.passes, strict=True):
                    if len(at) == len(own.at) and x in set(at):
                        both = zip(own.at, at, strict=True)
                        kept = {(t, i): partial(_kept, y) for t, y in both if t is not None and y is not None}
                        yield (1.7, "accumulated", (x,)), kept

    def _of_ways(self, own: _Series) -> Iterator[tuple[Cause, Rules]]:
        """In what comes back by some of the ways in which a result is used, the rest being right."""
        group = own.there
        t = group[-1]
        ways, of_it = sorted({way for u in group for way in self._ways[u]}), set(group)
        if len(ways) > _MOST_USES or not self._is_way(group):
            return
        slope = self._short.slope(t) if t._op is not None else None
        for n in range(1, len(ways) + 1):
            for some in itertools.combinations(ways, n):
                lost = [use for way in some for use in self._at[way].values()]
                left = [use for way in ways if way not in some for use in self._at[way].values()]
                of, kind = (left, "only_through") if n > 1 and left else (lost, "through_missing")
                values = t, of[-1][0]
                cost = 1.1 + 0.1 * n + 0.5 * (not left)
                yield (cost, kind, values), dict.fromkeys(lost, _nothing)
                own_uses = [(u, i) for u, i in lost if u.inputs[i] in of_it]
                if len(own_uses) < len(lost):
                    yield (cost, kind, values), dict.fromkeys(own_uses, _nothing)
                if slope is not None and left:
                    rules: Rules = {
                        (u, 0): partial(_beside_slope, [use for use in lost if use[0].inputs[use[1]] is u])
                        for u in group
                    }
                    yield (1.6, "slope_missing_through", (slope, lost[-1][0])), rules

    def _left_out(self, loop: Loop) -> Iterator[tuple[Cause, Rules]]:
        """The first or the last pass of a loop, in each of its rounds."""
        places = [_Series(at) for at in zip(*loop.passes, strict=True)]
        carried = {
            (j, i) for j, own in enumerate(places) for i in range(len(own.any.inputs))
            if any(t.inputs[i] in set(own.there) for t in own.there)
        }  # fmt: skip
        n = loop.times
        for which, k in (("first", 0), ("last", n - 1)) if n > 1 else ():
            some = [(j, t) for one in loop.passes[k::n] for j, t in enumerate(one) if t is not None]
            rules: Rules = {(t, i): _nothing for j, t in some for i in range(len(t.inputs)) if (j, i) not in carried}
            yield (1.4, "pass_missing", (which, n)), rules


def _each(kind: str, values: tuple[Any, ...], own: _Series) -> tuple[str, tuple[Any, ...]]:
    n = len(own.there)
    return ("each_time", ((kind, values), n)) if n > 1 else (kind, values)


def _of_op(t: Tensor, i: int) -> Tries:
    """What may be wrong with the rule of an op."""
    name = t._op.name if t._op is not None else ""
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


def _of_index(own: _Series, s: _Series) -> Tries:
    """Other entries of a tensor, as they are taken of another, or at another pass."""
    indexes = _indexes(s)
    if s.key == own.key or repr(indexes) == repr(_indexes(own)) or not any(x is not None for x in indexes):
        return
    for power in (0, 1):  # also of a logarithm, whose slope is that of the entry
        values = own.any.inputs[0], s.any.inputs[0]
        yield (1.9 + 0.1 * power, "other_ids", values), partial(_at_index, indexes, power)


def _joined(t: Tensor | None, order: Sequence[int]) -> Any:
    return None if t is None else t._op.forward(*(t._arrays[i] for i in order), **t._params)  # type: ignore[union-attr]


def _taken(t: Tensor | None, index: Any) -> Any:
    """Other entries of what a result's are taken of; none where there are none."""
    with suppress(IndexError):
        return t._arrays[0][index] if t is not None else None
    return None


def _indexes(s: _Series) -> list[Any]:
    return [None if t is None or t._op is None else t._params.get("index") for t in s.at]


def _at_index(indexes: Sequence[Any], power: int, k: int) -> Rule:
    def rule(c: Call) -> Any:
        new = c.args[1][indexes[k]]
        return c.back(c.g * (c.args[0] / new) ** power, index=indexes[k])

    return rule if indexes[k] is not None else _nothing


def _with(at: _Series, j: int, news: Sequence[Any]) -> list[Any]:
    """A result with another operand."""
    found: list[Any] = []
    for t, new in zip(at.at, news, strict=True):
        xs = list(t._arrays) if t is not None else []
        xs[j : j + 1] = [new] if t is not None else []
        with suppress(Exception):  # shapes that don't go together
            found.append(t._op.forward(*xs, **t._params) if t is not None else None)  # type: ignore[union-attr]
            continue
        found.append(None)
    return found


def _rules(own: _Series, i: int, rule: Callable[[int], Rule]) -> Rules:
    return {(t, i): rule(k) for k, t in enumerate(own.at) if t is not None}


def _beside(s: _Series, at: _Series) -> tuple[Tensor, Tensor] | None:
    """What stands where at the last pass at which both are there."""
    some = [(x, y) for x, y in zip(s.at, at.at, strict=True) if x is not None and y is not None and x is not y]
    return some[-1] if some else None


def _arguments(t: Tensor, i: int) -> dict[int, tuple[int, ...]]:
    """On which of its arguments, the result and the operands, a rule depends, with their shapes."""
    op: Any = t._op
    args, rules = [t._array, *t._arrays], [vjp for vjp, _ in zip(op.vjps, t.inputs)]  # noqa: B905
    g, found = np.ones(t.shape), dict[int, tuple[int, ...]]()

    def given(args: Sequence[Any]) -> Any:
        return np.asarray(rules[i](g, *args, **t._params))

    for a, array in enumerate(args):
        if np.ndim(array) and array.dtype.kind == "f":
            off = array + 0.3 * np.cos(np.arange(array.size)).reshape(array.shape)
            if not np.array_equal(given([*args[:a], off, *args[a + 1 :]]), given(args)):
                found[a] = array.shape
    return found


def _of_slope(slope: Slope) -> Tries:
    """What may stand for it."""
    yield (0.8, "slope_missing", (slope,)), _always(lambda c: c.g)
    yield (2.5, "slope_too_many", (slope,)), _always(lambda c: c.g * slope.at(*c.args[::-1]) ** 2)
    yield (2.4, "exponent", (slope.unit, -1.0, 1.0)), _always(lambda c: c.g / slope.at(*c.args[::-1]))
    if slope.result in slope.factors:
        yield (1, "factor_missing", (slope.result,)), _always(lambda c: c.back(c.g) / c.args[0])
    for cost, kind, values, f in other_slopes(slope):
        yield (cost, kind, values), _always(lambda c, f=f: c.g * f(c.args[1], c.args[0]))


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
