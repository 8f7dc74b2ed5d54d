"""Indexing, and its adjoint: what is read from an entry flows back to it, each time it is read."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..errors import describe
from ..notation import ATOM, Notation, code
from ..op import Case, Op, op
from ..tensor import Tensor
from .define import collect, operand, pick, places, value
from .elementwise import astype, where
from .shaping import broadcast_to

__all__ = ["index_add", "index_update"]

_INDICES = (
    1, -1, slice(None, None, -2), (slice(None), 1), (None, ..., 0), np.array([0, 0, 1]),
    (np.array([0, 1, 0]), np.array([2, 2, 2])), np.array([[1, 0, 1], [0, 1, 1]], dtype=bool),
)  # fmt: skip


def _written(operands: Sequence[str], params: dict[str, Any]) -> str:
    index = params["index"]
    parts = [_part(i) for i in (index if isinstance(index, tuple) else (index,))]
    return f"{operands[0]}[{', '.join(parts)}]"


def _part(i: Any) -> str:
    if isinstance(i, slice):
        return ":".join("" if x is None else str(x) for x in (i.start, i.stop)) + (
            f":{i.step}" if i.step is not None else ""
        )
    return "…" if i is ... else "i" if isinstance(i, np.ndarray) else str(i)


def _getitem_vjp(g: Any, out: Any, x: Any, index: Any) -> Any:
    stacked = g.ndim - out.ndim
    if not stacked:
        return scatter(g, index=index, shape=x.shape)
    if _is_basic(index):
        return scatter(g, index=_behind(stacked, index), shape=g.shape[:stacked] + x.shape)
    return collect(g, index=places(x.shape, lambda numbers: numbers[index]), shape=x.shape)


def _scatter_vjp(g: Any, out: Any, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stacked = g.ndim - len(shape)
    if not stacked:
        return g[index]
    if _is_basic(index):
        return g[_behind(stacked, index)]
    return pick(g, index=places(shape, lambda numbers: numbers[index]), shape=shape)


def _behind(stacked: int, index: Any) -> tuple[Any, ...]:
    """An index of what comes behind the axes of a stack."""
    return (slice(None),) * stacked + (index if isinstance(index, tuple) else (index,))


getitem_op = op(
    "getitem",
    lambda x, index: x[index],
    _getitem_vjp,
    cases=[Case(((2, 3),), {"index": index}) for index in _INDICES],
    notation=Notation(_written, ATOM, (ATOM,), "[ ]"),
    source=lambda xs, params: f"{xs[0]}[{code(params['index'])}]",
    stacks=True,
    reads="some",
)


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, g.dtype)
    if _is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)  # an entry that was read twice gets both contributions
    return out


scatter: Op = op(
    "scatter",
    _scatter,
    _scatter_vjp,
    cases=[
        Case((np.empty((2, 3))[index].shape,), {"index": index, "shape": (2, 3)})
        for index in _INDICES
    ],
    source=lambda xs, params: (
        f"(lambda z: (np.add.at(z, ({code(params['index'])}), {xs[0]}), z)[1])"
        f"(np.zeros({params['shape']}))"
    ),
    stacks=True,
    reads="all",
)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or (isinstance(part, (int, np.integer, slice, EllipsisType))
                         and not isinstance(part, bool))
        for part in parts
    )  # fmt: skip


def _own(part: Any) -> Any:
    """A part of an index that nobody else can change."""
    if _is_basic(part):
        return part
    own = np.array(part._array if type(part) is Tensor else part)
    return own if own.size or own.dtype.kind in "biu" else own.astype(np.intp)


def _owned(index: Any) -> Any:
    return tuple(map(_own, index)) if isinstance(index, tuple) else _own(index)


def getitem(x: Any, index: Any) -> Tensor:
    """``x[index]`` with integers, slices, None, Ellipsis, integer arrays and masks."""
    return getitem_op(x, index=_owned(index))


def index_update(a: Any, index: Any, values: Any) -> Tensor:
    """``a`` with ``a[index] = values``, as a new Tensor: what to write instead of assigning.

    Where an index is repeated the last of the values counts, as in NumPy.

    Args:
        a: left as it is; no gradient flows to the entries that are replaced.
        index: as in ``a[index]``.
        values: broadcast to the shape of ``a[index]``.

    Raises:
        IndexError, ValueError: the index or the values don't fit ``a``; both are named.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(5.0, requires_grad=True)
        >>> ag.index_update([1.0, 2.0, 3.0], slice(1, None), 2 * x)
        Tensor([ 1., 10., 10.], op=where)
    """
    a = operand(a)
    chosen, values = _broadcast_values("index_update", a, index, values)
    numbers = np.arange(1, 1 + values.size).reshape(values.shape)
    where_from = np.zeros(a.shape, np.intp)
    where_from[chosen] = numbers
    picked = pick(values, index=where_from, shape=values.shape)
    return where(where_from == 0, a, picked)


def index_add(a: Any, index: Any, values: Any) -> Tensor:
    """``a`` with ``values`` added at ``index``, as a new Tensor; a repeated index adds each time.

    What to write instead of ``a[index] += values`` and ``np.add.at(a, index, values)``.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0], requires_grad=True)
        >>> ag.index_add([0.0, 0.0], [1, 1], x)
        Tensor([0., 3.], op=add)
    """
    a = operand(a)
    chosen, values = _broadcast_values("index_add", a, index, values)
    total: Tensor = a + scatter(values, index=chosen, shape=a.shape)
    return total


def _broadcast_values(name: str, a: Any, index: Any, values: Any) -> tuple[Any, Any]:
    """The index, and the values in the shape of ``a[index]``."""
    chosen, values = _owned(index), operand(values)
    if a.dtype.kind in "fc":  # as an assignment does
        values = astype(values, a.dtype)
    try:
        shape = value(a)[chosen].shape
        while values.ndim > len(shape) and values.shape[0] == 1:  # as an assignment allows
            values = values[0]
        return chosen, values if values.shape == shape else broadcast_to(values, shape)
    except (IndexError, ValueError) as error:
        raise type(error)(
            f"{name}: {describe(a, 'an array')}, values of shape {np.shape(value(values))}: {error}"
        ) from error
