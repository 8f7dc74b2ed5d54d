"""Mistakes at one place of a computation, wherever it is computed alike: at each pass of a loop.

Between the loss and the first gradient that was given much may have no name. So the engine's own
backward pass is made with the rule of one operand edited, which all lines follow at once.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import pull
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..meaning.read import Meaning
from .backward import wrapped
from .edits import SlopeOf, other_slopes
from .readings import Readings, Slope, Term

_MOST = 400  # tensors of a graph
_MOST_USES = 5  # of a result, any of which may be missing

Rule = Callable[..., Any]
Use = tuple[Tensor, int]
"""A result, and which of its operands."""
Cause = tuple[float, str, tuple[Any, ...]]
"""What a mistake costs, its kind, and what it is about."""
Edited = Callable[[int, Rule], Rule]
"""What stands for a rule in the kth pass."""
Rules = dict[Use, Callable[[Rule], Rule]]
"""What stands for the rules of some operands, by these."""


def find(readings: Readings, fits: Callable[[Mapping[str, Array]], bool]) -> Cause | None:
    """The least far-fetched mistake at one place that gives all lines.

    Args:
        readings: of the loss.
        fits: whether these are the gradients that were given.
    """
    for meaning, output, tensors in readings.graphs:
        nodes = walk(output)
        names = {t: name for name, t in tensors.items()}
        term = cache(partial(_term, meaning))
        some = _Places(nodes, term, readings) if len(nodes) <= _MOST else ()
        for cause, rules in sorted(some, key=lambda x: x[0][0]):
            seeds = {output: np.ones(output.shape)}
            try:
                found = pull(seeds, set(names), layers=[wrapped(partial(_edited, rules))])
            except Exception:  # a rule that refuses such a cotangent
                continue
            if fits({names[t]: np.asarray(g) for t, g in found.items()}):
                return cause
    return None


def _term(meaning: Meaning, t: Tensor) -> Term:
    return meaning.terms.get(t) or meaning.read(t, {})


def _edited(rules: Rules, t: Tensor, i: int, vjp: Rule) -> Rule:
    return rules[t, i](vjp) if (t, i) in rules else vjp


class _From(NamedTuple):
    """Where an operand comes from: by which op, of which leaves, or blocks, and whether of given
    arrays, as in the first pass of a loop.
    """

    op: str
    leaves: Set[Any]
    is_open: bool

    def fits(self, other: _From) -> bool:
        own, its = self.leaves, other.leaves
        is_nested = (self.is_open or other.is_open) and (own <= its or own >= its)
        return (self.op == other.op or "" in (self.op, other.op)) and (is_nested or own == its)


_ANY = _From("", set(), True)


def _alike(nodes: Sequence[Tensor]) -> list[list[Tensor]]:
    """Results that are computed alike, and from the same leaves.

    Of what is beside a leaf the first may be computed otherwise, as a state before the first pass.
    """
    groups: dict[Any, list[tuple[list[_From], list[Tensor]]]] = defaultdict(list)
    for t, (own, reads) in _origins(nodes).items():
        if t._op is not None and t._tracked:
            stem = re.sub(r"\d+$", "", t.name or "")
            block = frozenset(own.leaves & {_block(t)})
            key = own.op, t.shape, *sorted(t._params), len(reads), stem, block
            for some, group in groups[key]:
                if all(map(_From.fits, some, reads)):
                    group.append(t)
                    some[:] = map(partial(max, key=lambda x: len(x.leaves)), some, reads)
                    break
            else:
                groups[key].append((reads, [t]))
    return [group for some in groups.values() for _, group in some]


def _origins(nodes: Sequence[Tensor]) -> dict[Tensor, tuple[_From, list[_From]]]:
    """Where each tensor comes from, and where its operands do."""
    known: dict[Tensor, tuple[_From, list[_From]]] = {}
    uses = Counter(x for t in nodes for x in t.inputs)
    blocks = Counter(map(_block, nodes))
    for t in nodes:
        leaves = {x for x in (t, *t.inputs) if x._op is None and x._tracked}
        own = {x for x in leaves if uses[x] > 1} or leaves
        reads = [known[x][0] if x in own or not own else _ANY for x in t.inputs]
        near: Set[Any] = own or set().union(*(x.leaves for x in reads))
        if _block(t) and blocks[_block(t)] > 1:  # the same at each pass, as that of a gate
            near = {_block(t)}
        is_open = not own and (any(x.is_open for x in reads) or (t._op is None and t.size > 1))
        known[t] = _From("" if t._op is None else t._op.name, near, is_open), reads
    return known


def _block(t: Tensor) -> str:
    """Which block of a result it is."""
    is_block = t._op is not None and t._op.name == "getitem" and t.inputs[0]._op is not None
    return repr(t._params["index"]) if is_block else ""


class _Places:
    """What may be wrong at each place, with the rules that make it so."""

    def __init__(
        self, nodes: Sequence[Tensor], term: Callable[[Tensor], Term], readings: Readings
    ) -> None:
        self._term, self._readings, self._groups = term, readings, _alike(nodes)
        self._at = {t: (group, j) for group in self._groups for j, t in enumerate(group)}
        self._uses: dict[Tensor, dict[tuple[int, int], list[Use]]] = defaultdict(dict)
        for k, group in enumerate(self._groups):
            for t, i in itertools.product(group, range(len(group[0].inputs))):
                self._uses[t.inputs[i]].setdefault((k, i), []).append((t, i))

    def __iter__(self) -> Iterator[tuple[Cause, Rules]]:
        for group in self._groups:
            for i in range(len(group[0].inputs)):
                yield from self._of_operand(group, i)
            ways = sorted({way for t in group for way in self._uses[t]})
            slopes = (s for s in self._readings.slopes if s.result is self._term(group[0]))
            slope = next(slopes, None)
            before = {t: slope and _operand(t, self._term) for t in group}
            for n in range(1, len(ways) + 1) if len(ways) <= _MOST_USES else ():
                for some in itertools.combinations(ways, n):
                    rest = [way for way in ways if way not in some]
                    yield from self._of_uses(group, some, rest, slope, before)

    def _of_operand(self, group: Sequence[Tensor], i: int) -> Iterator[tuple[Cause, Rules]]:
        """In its rule; and where what comes from several passes is to be added up, or isn't."""
        x = group[-1].inputs[i]
        passes = [(u, i) for u in group]
        if len(group) > 1 and {u.inputs[i] for u in group} == {x}:
            every = [use for uses in self._uses[x].values() for use in uses]
            for kept, among in itertools.product((passes[0], passes[-1]), (passes, every)):
                others: Rules = dict.fromkeys(among, _nothing)
                del others[kept]
                yield (1.2, "last_wins", ()), others
        elif len(group) > 1 and x.shape == group[0].inputs[i].shape:
            yield (1.7, "accumulated", (self._term(x),)), dict.fromkeys(passes, _accumulated())
        of = next((u for u in group if u.inputs[i]._tracked), None)
        if of is not None:
            alike = (some for some in self._groups if len(some) == len(group) > 1)
            found = _of_rule(of, i, self._term), _of_factor(group, i, self._term, alike)
            for (cost, kind, values), rule in itertools.chain(*found):
                rules: Rules = {(u, i): partial(rule, k) for k, u in enumerate(group)}
                yield (cost, *_each(kind, values, group)), rules
            yield from self._of_other_passes(group, i)

    def _of_other_passes(self, group: Sequence[Tensor], i: int) -> Iterator[tuple[Cause, Rules]]:
        """The other factor of a product of matrices, as it is at other passes."""
        own = [t.inputs[1 - i] for t in group] if group[0].op.name == "matmul" else []
        if len(own) < 2:
            return
        same, last = self._at.get(own[-1], (own, len(own) - 1))
        first = last - len(own) + 1
        shifted = [range(first + by, last + 1 + by) for by in (1, -1, 2, -2)]
        for places in (*shifted, range(first, last + 1)[::-1]):
            there = [0 <= j < len(same) for j in places]
            instead = [same[j]._array if is_one else 0 * x._array
                       for j, x, is_one in zip(places, own, there, strict=True)]  # fmt: skip
            if any(there):
                k = max(k for k, is_one in enumerate(there) if is_one)
                rules: Rules = {
                    (t, i): partial(_of_another, i, x) for t, x in zip(group, instead, strict=True)
                }
                yield (1.8, "at_each", (self._term(same[places[k]]), self._term(own[k]))), rules

    def _of_uses(
        self, group: Sequence[Tensor], some: Sequence[Any], rest: Sequence[Any],
        slope: Slope | None, before: Mapping[Tensor, Tensor | None],
    ) -> Iterator[tuple[Cause, Rules]]:  # fmt: skip
        """In what comes back by some of the ways in which it is used, and by the rest as it is.

        Args:
            group: results that are computed alike.
            some, rest: these ways.
            slope, before: of what function they are results, if they are, and what it is taken of.
        """
        t, uses = group[0], self._uses
        ways = [(use, x) for x in group for w in some for use in uses[x].get(w, ())]
        left = [use for x in group for w in rest for use in uses[x].get(w, ())]
        if left:
            lost = [use for use, _ in ways]
            kind, said = ("only_through", left) if len(some) > 1 else ("through_missing", lost)
            values = self._term(t), self._term(said[0][0])
            yield (1.1 + 0.1 * len(some), kind, values), dict.fromkeys(lost, _nothing)
        handed = [(use, x, s) for use, x in ways if (s := before[x]) is not None]
        if slope is None or len(handed) < len(ways):
            return
        if left:
            way = self._term(ways[0][0][0])
            yield (1.6, "slope_missing_through", (slope, way)), _handed_on(handed, _one)
        for (cost, kind, about), f in _of_slope(slope) if not left else ():
            yield (cost, *_each(kind, about, group)), _handed_on(handed, f)


def _each(kind: str, values: tuple[Any, ...], group: Sequence[Tensor]) -> tuple[str, Any]:
    return ("each_time", ((kind, values), len(group))) if len(group) > 1 else (kind, values)


def _operand(t: Tensor, term: Callable[[Tensor], Term]) -> Tensor | None:
    """What a function, computed by one op or by several, is taken of."""
    e = term(t)
    some = (x for x in walk(t)[::-1] if x is not t and x._op is not None)
    return next((x for x in some if [term(x)] == e.operands), None)


def _of_rule(
    t: Tensor, i: int, term: Callable[[Tensor], Term]
) -> Iterator[tuple[Cause, Edited]]:
    """What may be wrong with the rule of one operand."""
    op: Any = t._op
    x, own = term(t.inputs[i]), term(t)
    yield (1.3, "through_sign", (x, own)), lambda k, vjp: lambda *args, **how: -vjp(*args, **how)
    yield (2.2, "loss_missing", (own,)), _of_ones
    if op.name == "softmax":
        yield (1, "diagonal", (own, own)), _times(lambda s, p: p * (1 - p))
    if op.name == "matmul":
        values = (term(t.inputs[1 - i]),)
        yield (1.5, "not_transposed", values), _not_transposed(i)


def _of_slope(slope: Slope) -> Iterator[tuple[Cause, SlopeOf]]:
    """What may stand for it."""
    yield (0.8, "slope_missing", (slope,)), _one
    yield (2.5, "slope_too_many", (slope,)), lambda s, y: slope.at(s, y) ** 2
    if slope.result in slope.factors:
        yield (1, "factor_missing", (slope.result,)), lambda s, y: slope.at(s, y) / y
    yield from (((cost, kind, values), f) for cost, kind, values, f in other_slopes(slope))


def _of_factor(
    group: Sequence[Tensor], i: int, term: Callable[[Tensor], Term], alike: Iterable[list[Tensor]]
) -> Iterator[tuple[Cause, Edited]]:
    """What may stand for the other factor, or for what is divided by."""
    t = group[0]
    name = t._op.name if t._op is not None else ""
    is_dot = name == "matmul" and not t.ndim
    if name != "multiply" and not is_dot and (name != "divide" or i):
        return
    p = -1 if name == "divide" else 1
    other = t.inputs[1 - i]
    missing = "factor_missing" if p > 0 else "division_missing"
    yield (1, missing, (term(other),)), _by_power(0, i)
    yield (2.1, "twice", (term(other),)), _by_power(2 * p, i)
    yield (2.4, "exponent", (term(other), -p, p)), _by_power(-p, i)
    for some in alike:
        if some[0].shape == other.shape and some[0] is not other:
            yield (1.7, "stands", (term(some[0]), term(other))), _by_others(some, p)
    if p > 0:
        yield (1.6, "stands", (term(t.inputs[i]), term(other))), _by_own(i)


def _by_power(q: int, i: int) -> Edited:
    return lambda k, vjp: lambda g, out, *xs: g * xs[1 - i] ** float(q)


def _by_others(some: Sequence[Tensor], p: int) -> Edited:
    return lambda k, vjp: lambda g, *args: g * some[k]._array ** float(p)


def _by_own(i: int) -> Edited:
    return lambda k, vjp: lambda g, out, *xs: g * xs[i]


def _not_transposed(i: int) -> Edited:
    return lambda k, vjp: lambda g, out, x, y: x @ g if i else g @ y


def _accumulated() -> Callable[[Rule], Rule]:
    """What came back in the passes before, too."""
    parts = list[Any]()

    def wrap(vjp: Rule) -> Rule:
        def rule(*args: Any, **how: Any) -> Any:
            parts.append(vjp(*args, **how))
            return sum(parts)

        return rule

    return wrap


def _of_another(i: int, other: Array, vjp: Rule) -> Rule:
    return lambda g, out, *xs: vjp(g, out, *((xs[0], other) if i == 0 else (other, xs[1])))


def _times(slope: SlopeOf) -> Edited:
    return lambda k, vjp: lambda g, out, s, **how: g * slope(s, out)


def _of_ones(k: int, vjp: Rule) -> Rule:
    return lambda g, *args, **how: vjp(np.ones_like(g), *args, **how)


def _handed_on(some: Sequence[tuple[Use, Tensor, Any]], slope: SlopeOf) -> Rules:
    """What comes back to y by its uses, times a slope, as what comes back to s, of which y is."""
    waiting: dict[Tensor, Any] = defaultdict(float)

    def by(y: Tensor, s: Tensor, vjp: Rule) -> Rule:
        def rule(*args: Any, **how: Any) -> Any:
            part = vjp(*args, **how)
            waiting[s] = waiting[s] + part * slope(s._array, y._array)
            return 0 * part

        return rule

    def to(s: Tensor, vjp: Rule) -> Rule:
        return lambda g, *args, **how: vjp(g + waiting[s], *args, **how)

    rules: Rules = {use: partial(by, y, s) for use, y, s in some}
    return rules | {(s, j): partial(to, s) for _, _, s in some for j in range(len(s.inputs))}


def _one(s: Array, y: Array) -> float:
    return 1.0


def _nothing(vjp: Rule) -> Rule:
    return lambda g, *args, **how: 0 * vjp(g, *args, **how)
