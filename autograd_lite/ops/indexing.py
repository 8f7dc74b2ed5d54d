"""Indexing, and its adjoint: what is read from an entry flows back to it, each time it is read."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..notation import ATOM, Notation
from ..op import Case, Op, op
from ..tensor import Tensor

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


getitem_op = op(
    "getitem",
    lambda x, index: x[index],
    lambda g, out, x, index: scatter(g, index=index, shape=x.shape),
    cases=[Case(((2, 3),), {"index": index}) for index in _INDICES],
    notation=Notation(_written, ATOM, (ATOM,), "[ ]"),
    source=lambda xs, params: f"{xs[0]}[{_code(params['index'])}]",
)


def _code(index: Any) -> str:
    """An index as Python code."""
    if isinstance(index, tuple):
        return ", ".join(map(_code, index)) + ("," if len(index) == 1 else "")
    if isinstance(index, slice):
        return f"slice({index.start}, {index.stop}, {index.step})"
    if isinstance(index, np.ndarray):
        return f"np.array({index.tolist()}, dtype='{index.dtype}')"
    return "..." if index is ... else repr(index)


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
    lambda g, out, x, index, shape: g[index],
    cases=[
        Case((np.empty((2, 3))[index].shape,), {"index": index, "shape": (2, 3)})
        for index in _INDICES
    ],
    source=lambda xs, params: (
        f"(lambda z: (np.add.at(z, ({_code(params['index'])}), {xs[0]}), z)[1])"
        f"(np.zeros({params['shape']}))"
    ),
)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or isinstance(part, (int, np.integer, slice, EllipsisType))
        for part in parts
    )


def _own(part: Any) -> Any:
    """A part of an index that nobody else can change."""
    if _is_basic(part):
        return part
    own = np.array(part._array if type(part) is Tensor else part)
    return own if own.size or own.dtype.kind in "biu" else own.astype(np.intp)


def getitem(x: Any, index: Any) -> Tensor:
    """``x[index]`` with integers, slices, None, Ellipsis, integer arrays and masks."""
    own = tuple(map(_own, index)) if isinstance(index, tuple) else _own(index)
    return getitem_op(x, index=own)
