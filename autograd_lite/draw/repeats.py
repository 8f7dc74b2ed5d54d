"""Blocks that repeat: consecutive pieces of a graph that are alike, op by op and input by input.

Each op gets a key that says what it does, and how far back its inputs were computed, or leaves were
used. So the ops of two pieces that follow each other have the same keys just where the pieces are
isomorphic, and go on alike from what is before them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Array, Tensor
from ..show.notation import number
from ..show.steps import is_number

LONGEST = 1000
"""How many ops a block that repeats has at most."""


class Repeat(NamedTuple):
    """A block of ``period`` ops, which stands ``times`` times from op ``start`` on."""

    start: int
    period: int
    times: int

    @property
    def stop(self) -> int:
        return self.start + self.period * self.times


class _Back(NamedTuple):
    distance: int  # how many ops ago the input was computed


class _Leaf(NamedTuple):
    ndim: int
    requires_grad: bool
    distance: int | None  # how many ops ago it was used; None where it wasn't


def find_repeats(results: list[Tensor], fixed: Collection[Tensor]) -> list[Repeat]:
    """The repeats in a list of all results of a graph, those first that leave out most.

    A first block may start from a leaf where the others start from the block before them.

    Args:
        results: in order of computation.
        fixed: results that belong to no block.
    """
    keys = list(_keys(results, set(fixed)))
    numbers: dict[Hashable, int] = {}
    ids = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    free = np.ones(len(ids), bool)
    found = []
    for period, start, stop in _runs(ids):
        start, stop = _longest_free(free, start, stop)
        repeat = _aligned(keys, results, free, period, start, stop)
        if repeat is not None and (repeat.times - 1) * period >= 2:
            free[repeat.start : repeat.stop] = False
            found.append(repeat)
    return found


def first_leaves(results: list[Tensor], repeat: Repeat) -> set[Tensor]:
    """The leaves that the first block starts from, where the others start from a result."""
    found = set()
    for k in range(repeat.period):
        first, other = results[repeat.start + k], results[repeat.start + repeat.period + k]
        for a, b in zip(first.inputs, other.inputs, strict=True):
            if a.is_leaf and not b.is_leaf:
                found.add(a)
    return found


def _keys(results: list[Tensor], fixed: set[Tensor]) -> Iterator[tuple[Hashable, ...]]:
    place = {t: i for i, t in enumerate(results)}
    used: dict[Tensor, int] = {}
    for i, t in enumerate(results):
        if t in fixed:
            used |= dict.fromkeys(t.inputs, i)
            yield ("fixed", i)
            continue
        inputs: list[Hashable] = []
        for x in t.inputs:
            if x in place:
                inputs.append(_Back(i - place[x]))
            elif is_number(x):
                inputs.append(number(x._array))
            else:
                distance = i - used[x] if x in used else None
                inputs.append(_Leaf(x.ndim, x.requires_grad, distance))
                used[x] = i
        params = tuple((key, _simple(value)) for key, value in sorted(t.params.items()))
        yield id(t.op), t.ndim, t.name is None, params, *inputs


def _simple(value: Any) -> Hashable:
    """A setting as what can be compared: of arrays, only the shape."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str
    if isinstance(value, (tuple, list)):
        return type(value).__name__, tuple(
            (x.shape, x.dtype.str) if isinstance(x, np.ndarray) else repr(x) for x in value
        )
    return repr(value)


def _runs(ids: Array) -> list[tuple[int, int, int]]:
    """Where ids repeat, as (period, start, stop), those first that leave out most ops."""
    found = []
    for period in range(1, min(len(ids) // 2, LONGEST) + 1):
        same = np.zeros(len(ids) - period + 2, np.int8)
        same[1:-1] = ids[:-period] == ids[period:]
        edges = np.flatnonzero(np.diff(same))
        starts, stops = edges[::2], edges[1::2]
        enough = 2 * (stops - starts) >= period  # a block may be the first one, and start otherwise
        for start, stop in zip(starts[enough].tolist(), stops[enough].tolist(), strict=True):
            left_out = (stop - start) // period * period
            found.append((-left_out, period, start, stop + period))
            if left_out > len(ids) - 2 * period:  # a longer block can't leave out more
                return [run for _, *run in sorted(found)]  # type: ignore[misc]
    return [run for _, *run in sorted(found)]  # type: ignore[misc]


def _longest_free(free: Array, start: int, stop: int) -> tuple[int, int]:
    """The longest part of a run that no other repeat has taken."""
    taken = np.flatnonzero(~free[start:stop]) + start
    bounds = np.concatenate(([start - 1], taken, [stop]))
    i = int(np.argmax(np.diff(bounds)))
    return int(bounds[i]) + 1, int(bounds[i + 1])


def _aligned(
    keys: list[tuple[Hashable, ...]], results: list[Tensor], free: Array, period: int,
    start: int, stop: int,
) -> Repeat | None:  # fmt: skip
    """The repeat in a run, its blocks begun so that most fit in, then as one would cut them.

    That is: only the last result is handed on, and has a name; parameters come first.
    """
    best: tuple[tuple[int, bool, bool, bool, int], Repeat] | None = None
    count, rest = divmod(stop - start, period)
    for shift in range(rest + 1) if count else ():
        first, n = start + shift, count
        before = first - period
        if before >= 0 and free[before:first].all() and _alike(
            keys, results, before, first, period
        ):  # fmt: skip
            first, n = before, n + 1
        if n < 2:
            continue
        last = results[first + period - 1]
        # A block's last result is all that the next block starts from, where that can be.
        handed_on = _hands_on(keys, first + period, period)
        with_parameters = any(isinstance(x, _Leaf) and x.requires_grad for x in keys[first])
        rank = (n, handed_on, last.name is not None, with_parameters, -shift)
        if best is None or rank > best[0]:
            best = rank, Repeat(first, period, n)
    return None if best is None else best[1]


def _hands_on(keys: list[tuple[Hashable, ...]], start: int, period: int) -> bool:
    """Whether the block there reads only the last result of what is before it."""
    return all(
        not isinstance(x, _Back) or x.distance <= k + 1
        for k in range(period)
        for x in keys[start + k]
    )


def _alike(
    keys: list[tuple[Hashable, ...]], results: list[Tensor], first: int, other: int, period: int
) -> bool:
    """Whether a first block does what another does, be it that it starts from other leaves.

    What the one starts from stands for what the other does: each tensor for one tensor.
    """
    stands_for: dict[Tensor, Tensor] = {}
    for k in range(period):
        a, b = keys[first + k], keys[other + k]
        if len(a) != len(b) or a[:_DOES] != b[:_DOES]:
            return False
        pairs = zip(results[first + k].inputs, results[other + k].inputs, strict=True)
        for x, y, (s, t) in zip(a[_DOES:], b[_DOES:], pairs, strict=True):
            if isinstance(x, _Leaf) and isinstance(y, _Leaf):
                if x[:2] != y[:2]:
                    return False
            elif x != y and not (
                isinstance(x, _Leaf) and isinstance(y, _Back) and y.distance > k
            ):  # fmt: skip
                return False
            if not is_number(s) and stands_for.setdefault(s, t) is not t:
                return False
    return len(set(stands_for.values())) == len(stands_for)


_DOES = 4
"""How many entries of a key say what the op does; the others say what it reads."""
