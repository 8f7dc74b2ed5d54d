"""Indexing, and its adjoint: what is read from an entry flows back to it, each time it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..arrays import array_of, beside, is_foreign, of_known_size, own_array, refuse_kinds, zeros
from ..engine.notes import note
from ..engine.tensor import Tensor
from ..numpy_code import code
from ..show.notation import ATOM, SUM, Notation
from ..table import Case, Op, op
from .define import zeros_around
from .moving import added, collect, pick, places

_INDICES = (
    1, -1, slice(None, None, -2), (slice(None), 1), (None, ..., 0), np.array([0, 0, 1]),
    (np.array([0, 1, 0]), np.array([2, 2, 2])), np.array([[1, 0, 1], [0, 1, 1]], dtype=bool),
)  # fmt: skip


def _is_basic(index: Any) -> bool:
    return all(
        part is None or (isinstance(part, (int, np.integer, slice, EllipsisType))
                         and not isinstance(part, bool))
        for part in parts_of(index)
    )  # fmt: skip


def _written(operands: Sequence[str], params: dict[str, Any]) -> str:
    """``x[1]``; with other values there, ``x[1 ← y]``."""
    index = parts_of(params["index"])
    arrays = iter(_letters([i for i in index if isinstance(i, np.ndarray)]))
    primes = params.get("primes", "")
    parts = [", ".join(_part(i, arrays, primes) for i in index), *operands[1:]]
    return f"{operands[0]}[{' ← '.join(parts)}]"


def _letters(arrays: Sequence[Any]) -> str:
    """What arrays in an index are called: labels y and numbers k as in a gradient's onehot(y)."""
    if all(x.dtype.kind in "iu" and x.ndim == 1 for x in arrays):
        if len(arrays) == 1:
            return "k"
        if len(arrays) == 2 and np.array_equal(arrays[0], np.arange(len(arrays[0]))):
            return "iy"
    return "ijklmn"


def _part(i: Any, arrays: Iterator[str], primes: str) -> str:
    if isinstance(i, slice):
        return ":".join("" if x is None else str(x) for x in (i.start, i.stop)) + (
            f":{i.step}" if i.step is not None else ""
        )
    if isinstance(i, np.ndarray):
        return next(arrays, "i") + primes
    return "…" if i is ... else str(i)


def _taken(x: Any, index: Any) -> Any:
    """What an index takes: a number, too, as a view of the array, of which it is known to be."""
    found = x[index]
    is_number = isinstance(found, np.generic) and _is_basic(index)
    return x[(*parts_of(index), ...)] if is_number else found


def _getitem_vjp(g: Any, out: Any, x: Any, index: Any) -> Any:
    stacked = g.ndim - out.ndim
    if not stacked:
        return scatter(g, index=index, shape=x.shape)
    if _is_basic(index):
        return scatter(g, index=_behind(stacked, index), shape=g.shape[:stacked] + x.shape)
    return collect(g, index=places(x.shape, lambda numbers: numbers[index]), shape=x.shape)


def _scatter_vjp(g: Any, out: Any, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stacked = g.ndim - len(shape)
    if _is_basic(index):
        return g[_behind(stacked, index) if stacked else index]
    if not stacked and not is_foreign(array_of(g)):  # of which not all take several arrays as index
        return g[index]
    chosen = places(shape, lambda numbers: beside(numbers, parts_of(index))[index])
    return pick(g, index=chosen, shape=shape)


def parts_of(index: Any) -> tuple[Any, ...]:
    """What an index says of each axis, or of several."""
    return index if isinstance(index, tuple) else (index,)


def _behind(stacked: int, index: Any) -> tuple[Any, ...]:
    """An index of what comes behind the axes of a stack."""
    return (slice(None),) * stacked + parts_of(index)


getitem_op = op(
    "getitem", lambda x, index: of_known_size(_taken(x, index)), _getitem_vjp,
    cases=[Case(((2, 3),), {"index": index}) for index in _INDICES],
    notation=Notation(_written, ATOM, (ATOM,), "[ ]"),
    source=lambda xs, params: f"{xs[0]}[{code(params['index'])}]", stacks=True, reads="some",
)


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    if is_foreign(g):
        if _is_basic(index):
            return _spread_out(g, index, shape)
        numbers = np.arange(int(np.prod(shape))).reshape(shape)
        at = beside(numbers, parts_of(index))[index]
        return added(g.reshape(g.size), at.reshape(g.size), numbers.size).reshape(shape)
    out = zeros(shape, g)
    if _is_basic(index):
        out[index] = g
    else:
        out = out if out.dtype != bool else out * 1.0
        np.add.at(out, index, g)  # an entry that was read twice gets both contributions
    return out


def _spread_out(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The entries at a basic index, among zeros that are put around them axis by axis."""
    parts = list(parts_of(index))
    missing = len(shape) - sum(part is not None and part is not ... for part in parts)
    rest = parts.index(...) if ... in parts else len(parts)
    parts[rest : rest + 1] = [slice(None)] * missing
    ranges = [
        range(n)[part if isinstance(part, slice) else slice(part % n, part % n + 1)]
        for part, n in zip([part for part in parts if part is not None], shape, strict=True)
    ]
    g = g.reshape(tuple(map(len, ranges)))
    for axis, (chosen, n) in enumerate(zip(ranges, shape, strict=True)):
        if len(chosen) > 1 and chosen.step != 1:
            at = np.full(n, len(chosen))  # where there is a 0
            at[chosen] = np.arange(len(chosen))
            g = np.take(zeros_around(g, axis, 0, 1), at, axis=axis)
        elif len(chosen) < n:
            first = chosen[0] if chosen else 0
            g = zeros_around(g, axis, first, n - first - len(chosen))
    return g


scatter: Op = op(
    "scatter", _scatter, _scatter_vjp,
    cases=[
        Case((np.empty((2, 3))[index].shape,), {"index": index, "shape": (2, 3)})
        for index in _INDICES
    ],
    source=lambda xs, params: (
        f"(lambda g: (z := np.zeros({params['shape']}, np.result_type(g, float)), "
        f"np.add.at(z, ({code(params['index'])}), g))[0])({xs[0]})"
    ),
    stacks=True, reads="all",
)


def _update(a: Any, values: Any, index: Any) -> Any:
    out = a.copy()
    out[index] = values
    return out


update: Op = op(
    "index_update",
    _update,
    lambda g, out, a, values, index: update(g, 0.0, index=_behind(g.ndim - out.ndim, index)),
    lambda g, out, a, values, index: _scatter_vjp(g, out, values, index, out.shape),
    cases=[
        Case(((2, 3), np.empty((2, 3))[index].shape), {"index": index})
        for index in _INDICES if _is_basic(index)
    ],
    source=lambda xs, params: (
        f"(lambda a, x: (z := np.array(a), z.__setitem__({code(params['index'])}, x))[0])"
        f"({xs[0]}, {xs[1]})"
    ),
    notation=Notation(_written, ATOM, (ATOM, SUM), "[←]"), stacks=True, reads="some",
)


def _own(part: Any) -> Any:
    """A part of an index that nobody else can change."""
    if _is_basic(part):
        return part
    refuse_kinds(part, "index")
    own = own_array(part._seen() if type(part) is Tensor else part)
    return own if own.size or own.dtype.kind in "biu" else own.astype(np.intp)


def owned(index: Any) -> Any:
    return tuple(map(_own, index)) if isinstance(index, tuple) else _own(index)


def getitem(x: Any, index: Any) -> Tensor:
    """``x[index]`` with integers, slices, None, Ellipsis, integer arrays and masks."""
    found = getitem_op(x, index=owned(index))
    if type(index) is np.ndarray and index.dtype == bool and type(found) is Tensor:
        note(found, "taken", index)  # of which it may be known what made it
    return found
