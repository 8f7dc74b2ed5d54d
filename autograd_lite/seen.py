"""What code outside of the graph has seen of it: values that left, of which it may have made more.

Such a number, or a choice made by one (``if s.data > 0``), is recorded nowhere. Who computes a
graph anew for other values asks here whether there may be any. What is kept keeps nothing alive.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from .engine.modes import Mode, no_grad
from .engine.notes import noted
from .engine.op import _next_number
from .engine.tensor import Tensor

_NEAR = 8  # results and leaves that a look goes back to, or a block stands before


class Look(NamedTuple):
    """A value that left.

    Attributes:
        number: when, as numbers of results count.
        result: the number of the result whose value it was; −1 of a leaf; −2 where a leaf was
            written to instead, so that what was seen of it is past.
        leaves: that it was computed from, or is, each with the array that it had then.
        found: a plain array that was computed of it, such as a mask; None where it just left.
        how: it left in a comparison, by which code chooses; as text, which people read; or else.
    """

    number: int
    result: int
    leaves: Sequence[tuple[ref[Tensor], ref[Any]]]
    found: ref[Any] | None
    how: str


LOOKS: deque[tuple[Any, ...]] = deque(maxlen=10_000)
"""Each as a `Look`, which takes longer to make."""

BLOCKS: deque[int] = deque(maxlen=10_000)
"""When blocks of `no_grad` were entered."""


def _enter(block: Mode) -> None:
    BLOCKS.append(_next_number())
    Mode.__enter__(block)


no_grad.__enter__ = _enter  # type: ignore[method-assign]


class unseen(no_grad):  # noqa: N801  (used like a function)
    """`no_grad` for code of our own, of whose values nothing is computed that a graph has."""

    __enter__ = Mode.__enter__


def look(tensor: Any, found: Any = None, result: int = -1, how: str = "looks") -> None:
    """Remember that code outside is given the value of ``tensor``, or ``found``, made of it.

    ``how`` is "looks", "leaves", by name, as of ``t.item()``, "compares" or "writes", as text.
    """
    if type(tensor) is not Tensor or not tensor._tracked:
        return
    leaves, todo = [], [(tensor, tensor._array)]
    for x, array in todo:
        if x._op is None:
            if x._exposed or _is_copy(array, x._array):
                array = x._array
            if type(array).__weakrefoffset__:  # others take no weak reference
                leaves.append((ref(x), ref(array)))
        elif len(todo) < _NEAR:
            inputs = zip(x._inputs, x._arrays, strict=True)
            todo += [(y, array) for y, array in inputs if type(y) is Tensor and y._tracked]
    if tensor._op is not None:
        result = tensor._number
    made = None if found is None else ref(found)
    LOOKS.append((_next_number(), result, leaves, made, how))


def left_since(number: int) -> bool:
    """Whether code took a value by name since the result of that number."""
    since = itertools.takewhile(lambda look: look[0] > number, reversed(LOOKS))
    return any(how == "leaves" for *_, how in since)


def _is_copy(array: Any, of: Any) -> bool:
    """Whether a result has kept a copy of a leaf's array, since others held that."""
    if array is of or type(of) is not np.ndarray:
        return array is not of
    some = slice(of.size // 2, of.size // 2 + 1)  # which differ at once after a step of training
    return np.array_equal(array.flat[some], of.flat[some]) and np.array_equal(array, of)


def written(leaf: Tensor) -> None:
    """Remember that a leaf has other values in the same array: what was seen of it is past."""
    look(leaf, None, -2)


class Seen(NamedTuple):
    """What was seen before.

    Attributes:
        tensor: of which, if that is known.
        is_lost: whether more was made of it, which isn't in the graph.
        how: it left; "compares" only where what was made of it is in the graph; but code has
            it, too.
    """

    tensor: Tensor | None
    is_lost: bool = False
    how: str = "looks"


def seen(tensors: Sequence[Tensor]) -> Iterator[Seen]:
    """What was seen of a graph before its last tensor was there, or compared of that.

    Args:
        tensors: all of the graph, inputs before results.
    """
    results = {t._number: t for t in tensors if t._op is not None}
    there = {id(x) for t in tensors for x in (t, noted(t, "given")) if x is not None}
    first, last = min(results), max(results)
    looks = [x for x in itertools.starmap(Look, LOOKS) if _counts(x, last)]
    past = {id(x): y.number for y in looks if y.result == -2 for x in _as_it_was(y, {})}
    if _has_block(tensors, past, first, last):
        yield Seen(None)
    for x in looks:
        _, result, leaves, found, how = x
        if result == -2:
            continue
        is_there = found is not None and id(found()) in there
        near = [leaf for leaf in _as_it_was(x, past) if id(leaf) in there]
        is_own = result == -1 or result > first
        if result in results or near or (is_own and not leaves):
            tensor = results[result] if result in results else near[0] if near else None
            is_lost = found is not None and not is_there and (is_own or result in results)
            how = "writes" if how == "writes" else "compares" if is_there else "looks"
            yield Seen(tensor, is_lost, how)


def _counts(look: Look, last: int) -> bool:
    """Whether it was before the last result, or compared that: ``max(a, b)`` is one of them."""
    return look.number < last or (look.how == "compares" and look.result == last)


def _has_block(tensors: Sequence[Tensor], past: dict[int, int], first: int, last: int) -> bool:
    """Whether a block stood among the results, or just before, and since the leaves were written.
    """
    written = min((past.get(id(t), -1) for t in tensors if t._op is None and t._tracked), default=0)
    return any(max(written, first - _NEAR) < number < last for number in BLOCKS)


def _as_it_was(look: Look, past: dict[int, int]) -> Iterator[Tensor]:
    """Its leaves that hold the arrays that they held, not written to since (``past``: when)."""
    since = look.number if look.result < 0 else look.result
    for leaf, array in look.leaves:
        x = leaf()
        if x is not None and array() is x._array and since > past.get(id(x), -1):
            yield x
