"""Arrays of several, and several of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import content
from ..engine.tensor import Tensor
from ..ops import broadcast_to, concatenate, reshape, stack
from ..ops.define import along, implements, numpys, operand, setting
from .filling import filling

__all__ = [
    "append", "array", "array_split", "block", "column_stack", "dsplit", "dstack", "hsplit",
    "hstack", "meshgrid", "split", "unstack", "vsplit", "vstack",
]  # fmt: skip


def array(data: Any) -> Tensor:
    """One Tensor from nested lists that hold Tensors, arrays and numbers.

    >>> import autograd_lite as ag
    >>> a = ag.Tensor(2.0, requires_grad=True)
    >>> ag.array([[a, 1.0], [0.0, a * a]]).sum().backward()
    >>> a.grad
    array(5.)
    """
    if isinstance(data, (list, tuple)) and len(data):
        return stack([array(x) for x in data])
    data = content(data)
    return data if type(data) is Tensor else Tensor(data)


append = numpys(np.append, "``values`` behind ``arr`` along an axis; both flattened without one.")
vstack = numpys(np.vstack, "Joined along the first axis; vectors are rows.")
hstack = numpys(np.hstack, "Joined along the second axis; vectors along their only one.")
dstack = numpys(np.dstack, "Joined along the third axis.")


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Tensor:
    """Joined along the second axis; vectors are columns."""
    parts = [x if np.ndim(x) > 1 else np.transpose(np.atleast_2d(x)) for x in tup]
    return concatenate(parts, 1)


def _atleast_nd(x: Any, ndim: int) -> Any:
    return reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))


block = numpys(
    np.block,
    "One array from nested lists of blocks: the innermost are joined along the last axis.",
    _atleast_nd=_atleast_nd, _block_slicing="_block_concatenate", _concatenate=concatenate,
)


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> tuple[Tensor, ...]:
    """The coordinates of a grid, each over the whole of it (``sparse``: along its own axis)."""
    np.meshgrid(indexing=indexing)  # raises what there is to raise
    n = len(xi)
    places = [*range(n)]
    if indexing == "xy" and n > 1:
        places[:2] = 1, 0
    lines = [
        reshape(x, [-1 if axis == place else 1 for axis in range(n)])
        for x, place in zip(xi, places, strict=True)
    ]
    shape = np.broadcast_shapes(*(line.shape for line in lines))
    grid = (line if sparse else broadcast_to(line, shape) for line in lines)
    return tuple(x.copy() for x in grid) if copy and filling.active() else tuple(grid)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Parts along an axis, of sizes that differ by at most 1, or cut at the indices."""
    x = operand(ary)
    axis = normalize_axis_index(axis, x.ndim, "split") - x.ndim
    where = setting("array_split", "indices_or_sections", indices_or_sections)
    cut = np.array_split(np.arange(x.shape[axis]), where)
    bounds = [(part[0], part[-1] + 1) if part.size else (0, 0) for part in cut]
    return [x[along(axis, slice(int(first), int(end)))] for first, end in bounds]


split = numpys(np.split, "Parts of equal size along an axis, or cut at the indices.")
vsplit = numpys(np.vsplit, "Parts along the first axis.")
hsplit = numpys(np.hsplit, "Parts along the second axis, of a vector along its only one.")
dsplit = numpys(np.dsplit, "Parts along the third axis.")
unstack = numpys(np.unstack, "The slices along an axis, one by one.")
