"""Blocks that repeat: consecutive pieces of a graph that are alike, op by op and input by input.

Each op gets a key that says what it does, and how far back its inputs were computed, or leaves were
used. So the ops of two pieces that follow each other have the same keys just where the pieces are
isomorphic, and go on alike from what is before them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Set
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


def find_repeats(results: list[Tensor], fixed: Set[Tensor]) -> list[Repeat]:
    """The repeats in a list of all results of a graph, those first that leave out most.

    A first block may start from a leaf where the others start from the block before them: a state
    of its own, or a total of 0.

    Args:
        results: in order of computation.
        fixed: results that belong to no block.
    """
    numbers: dict[Hashable, int] = {}
    keys = _keys(results, fixed)
    ids = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    free = np.array([t not in fixed for t in results])
    found = []
    for period, start, stop in _runs(ids):
        repeat = _aligned(results, free, period, *_longest_free(free, start, stop))
        if repeat is not None and (repeat.times - 1) * period >= 2:
            free[repeat.start : repeat.stop] = False
            found.append(repeat)
    return found


def first_leaves(results: list[Tensor], repeat: Repeat) -> set[Tensor]:
    """The leaves that the first block starts from, where the others start from a result."""
    start, period = repeat.start, repeat.period
    pairs = zip(results[start : start + period], results[start + period :], strict=False)
    return {
        s for a, b in pairs
        for s, t in zip(a.inputs, b.inputs, strict=True) if s.is_leaf and not t.is_leaf
    }  # fmt: skip


def _keys(results: list[Tensor], fixed: Set[Tensor]) -> Iterator[tuple[Hashable, ...]]:
    last: dict[Tensor, int] = {}  # where a result was computed, or a leaf was used
    for i, t in enumerate(results):
        reads = [(_kind(x), i - last[x] if x in last else None) for x in t.inputs]
        yield ("fixed", i) if t in fixed else (*_does(t), *reads)
        last[t] = i
        last |= {x: i for x in t.inputs if x.is_leaf and not is_number(x)}


def _kind(x: Tensor) -> Hashable:
    """What of a tensor that is read must be alike: of a leaf, and of a number all."""
    if is_number(x):
        return number(x._array)
    return x.is_leaf and (x.ndim, x.requires_grad)


def _does(t: Tensor) -> tuple[Hashable, ...]:
    """What an op does, whatever it reads."""
    params = tuple((key, _simple(value, key in _PLACES)) for key, value in sorted(t.params.items()))
    return id(t.op), t.ndim, t.name is None, params


_PLACES = ("index", "indices")
"""Settings that say which entries are read. These may differ, as a label or the time does."""


def _simple(value: Any, is_place: bool) -> Hashable:
    """A setting as what can be compared: of arrays, only the shape, of places, only the kind."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str
    if isinstance(value, (tuple, list)):
        return type(value).__name__, *(_simple(x, is_place) for x in value)
    if is_place and isinstance(value, (int, np.integer)):
        return "place"
    if is_place and isinstance(value, slice):
        return value.start is None, value.stop is None, value.step
    return repr(value)


def _runs(ids: Array) -> list[tuple[int, int, int]]:
    """Where ids repeat, as (period, start, stop), those first that leave out most ops."""
    found = []
    most = 0
    for period in range(1, min(len(ids) // 2, LONGEST) + 1):
        same = np.pad(ids[:-period] == ids[period:], 1).astype(np.int8)
        for start, stop in np.flatnonzero(np.diff(same)).reshape(-1, 2).tolist():
            if 2 * (stop - start) >= period:  # a block may be the first one, and start otherwise
                left_out = (stop - start) // period * period
                most = max(most, left_out)
                found.append((-left_out, period, start, stop + period))
        if most > len(ids) - 2 * period:  # a longer block can't leave out more
            break
    return [(period, start, stop) for _, period, start, stop in sorted(found)]


def _longest_free(free: Array, start: int, stop: int) -> tuple[int, int]:
    """The longest part of a run that no other repeat has taken."""
    taken = np.flatnonzero(~free[start:stop]) + start
    bounds = np.concatenate(([start - 1], taken, [stop]))
    i = int(np.argmax(np.diff(bounds)))
    return int(bounds[i]) + 1, int(bounds[i + 1])


def _aligned(
    results: list[Tensor], free: Array, period: int, start: int, stop: int
) -> Repeat | None:
    """The repeat in a run, its blocks begun so that most fit in, then as one would cut them.

    That is: only the last result is handed on, and has a name; parameters come first.
    """
    found = []
    times, rest = divmod(stop - start, period)
    for shift in range(rest + 1) if times else ():
        first, n = start + shift, times
        before, block = first - period, results[first : first + period]
        if before >= 0 and free[before:first].all() and _alike(results[before:first], block):
            first, n = before, n + 1
        if n > 1:
            second = results[first + period : first + 2 * period]
            inner = {results[first + period - 1], *second}
            handed_on = all(x.is_leaf or x in inner for t in second for x in t.inputs)
            parameters_first = any(x.is_leaf and x.requires_grad for x in results[first].inputs)
            rank = n, handed_on, block[-1].name is not None, parameters_first, -shift
            found.append((rank, Repeat(first, period, n)))
    return max(found)[1] if found else None


def _alike(first: list[Tensor], other: list[Tensor]) -> bool:
    """Whether a first block does what another does, be it that it starts from other leaves.

    What the one starts from stands for what the other does: each tensor for one tensor.
    """
    stands_for: dict[Tensor, Tensor] = {}
    for a, b in zip(first, other, strict=True):
        if _does(a) != _does(b) or len(a.inputs) != len(b.inputs):
            return False
        for x, y in zip(a.inputs, b.inputs, strict=True):
            if y.is_leaf and _kind(x) != _kind(y):
                return False
            if not is_number(y) and stands_for.setdefault(x, y) is not y:
                return False
        stands_for[a] = b
    return len(set(stands_for.values())) == len(stands_for)
