"""The passes of the loops that a graph was recorded in: where its ops repeat themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Tensor

_SHORT = 3  # ops of a pass, where there are two passes only

One = list[Tensor | None]
"""The results of a pass, in the order in which they are computed; none where it skips one."""
IsAlike = Callable[[Tensor, Tensor], bool]


class Loop(NamedTuple):
    """The passes of a loop; of an inner one those of each of its rounds, ``times`` in each."""

    passes: list[One]
    times: int


def loops(nodes: Sequence[Tensor]) -> list[Loop]:
    """The loops, an inner one after its outer one; last of all what is in none, as one pass.

    First those whose passes use the same leaves; of what is in none of these also those of which
    each has leaves of its own, as of layers.
    """
    order = sorted((t for t in nodes if t._op is not None and t._tracked), key=lambda t: t._number)
    found = [x for loop in _loops(order, _use_the_same) for x in _nested(loop)]
    within = {t for loop in found for one in loop.passes for t in one}
    rest = [t for t in order if t not in within]
    found += _loops(rest, _are_alike)
    return [*found, Loop([[*rest]], 1)] if rest else found


def _nested(outer: Loop) -> Iterator[Loop]:
    """A loop, and those that are in each of its passes."""
    yield outer
    full = max(outer.passes, key=_size)
    for start, period, times in _runs([t for t in full if t is not None], _use_the_same):
        starts = range(start, start + period * times, period)
        inner = [one[k : k + period] for one in outer.passes for k in starts]
        yield from _nested(Loop(inner, times))


def _loops(order: Sequence[Tensor], is_alike: IsAlike) -> list[Loop]:
    found, is_alike = list[Loop](), cache(is_alike)
    for start, period, times in _runs(order, is_alike):
        turned = [_whole(order, k, period, times, is_alike) for k in range(start, start + period)]
        passes = max(turned, key=partial(_complete, period))
        found.append(Loop(passes, len(passes)))
    return found


def _runs(order: Sequence[Tensor], is_alike: IsAlike) -> list[tuple[int, int, int]]:
    """Where ops repeat themselves: from where on, after how many, and how many times."""
    runs, n = [], len(order)
    numbers: dict[Any, int] = {}
    kinds = np.array([numbers.setdefault(_kind(t), len(numbers)) for t in order])
    for period in range(1, n // 2 + 1):
        breaks = np.flatnonzero(kinds[period:] != kinds[:-period])
        if np.diff(breaks, prepend=-1, append=n - period).max() <= period:
            continue
        start = 0
        for k in range(n - period + 1):
            is_chain = period > 1 or (k < n - 1 and order[k] in set(order[k + 1].inputs))
            if k < n - period and is_chain and is_alike(order[k], order[k + period]):
                continue
            times = (k - start) // period + 1
            if times > 2 or (times == 2 and period >= _SHORT):
                runs.append((start, period, times))
            start = k + 1
    found: list[tuple[int, int, int]] = []
    for run in sorted(runs, key=lambda run: (-run[1] * run[2], run[1])):
        start, end = run[0], run[0] + run[1] * run[2]
        if all(end <= other[0] or other[0] + other[1] * other[2] <= start for other in found):
            found.append(run)
    return found


def _whole(
    order: Sequence[Tensor], start: int, period: int, times: int, is_alike: IsAlike
) -> list[One]:
    """The passes from a place on, with those before and after them that skip some ops."""
    starts = range(start, start + period * times, period)
    full: list[Any] = [[*order[k : k + period]] for k in starts]
    full = [one for one in full if len(one) == period and all(map(is_alike, full[0], one))]
    end = start + period * len(full)
    before = _partial(order[:start][::-1], full[0][::-1], is_alike)[::-1]
    after = _partial(order[end:], full[-1], is_alike)
    parts = [[before], full, [after]]
    return [one for part in parts for one in part if _size(one) * 3 >= period]


def _complete(period: int, passes: list[One]) -> tuple[int, ...]:
    """The more passes are, the better; and that one isn't is rather the first."""
    sizes = list(map(_size, passes))
    return sizes.count(period), sum(sizes), -len(sizes), -sizes[0]


def _size(one: One) -> int:
    return sum(t is not None for t in one)


def _partial(order: Sequence[Tensor], like: Sequence[Any], is_alike: IsAlike) -> One:
    """A pass that skips some ops, beside a full one: in turn the next that is alike.

    Of one after the others also what it is computed from in its pass must be.
    """
    found, rest, known = One(), iter(order), dict[Tensor, Tensor]()
    t = next(rest, None)
    for y in like:
        fits = t is not None and is_alike(t, y) and all(
            known.get(x, z) is z for x, z in zip(t.inputs, y.inputs, strict=True)
        )  # fmt: skip
        found.append(t if fits else None)
        if fits and t is not None:
            known[t] = y
            t = next(rest, None)
    return found


def _are_alike(t: Tensor, other: Tensor) -> bool:
    """Whether two results are of one op, and of the same name but for the step."""
    stems = {re.sub(r"\d+$", "", x.name) for x in (t, other) if x.name is not None}
    return _kind(t) == _kind(other) and len(stems) < 2


def _kind(t: Tensor) -> tuple[Any, ...]:
    return None if t._op is None else t._op.name, t.ndim, len(t.inputs)


def _use_the_same(t: Tensor, other: Tensor) -> bool:
    """Whether two results are, and of the same parameters, where both are of leaves."""
    pairs = zip(t.inputs, other.inputs, strict=False)
    leaves = [(x, y) for x, y in pairs if {x._op, y._op} == {None} and x._tracked | y._tracked]
    return _are_alike(t, other) and all(x is y for x, y in leaves)
