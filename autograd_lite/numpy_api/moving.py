"""Arrays of several, and several of one; parts chosen, inserted, and put around an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import array_of, content, is_foreign, of_known_size
from ..engine.tensor import Tensor, is_tracked
from ..ops import broadcast_to, concatenate, moveaxis, ravel, reshape, stack, sum, take
from ..ops.define import along, by_name, implements, numpys, operand, setting, value
from ..ops.moving import moved_pad, pick
from .filling import filling

__all__ = [
    "append", "array", "array_split", "block", "column_stack", "compress", "dsplit", "dstack",
    "extract", "hsplit", "hstack", "insert", "meshgrid", "pad", "split", "trace", "trim_zeros",
    "unstack", "vsplit", "vstack",
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


# ---------------------------------------------------------------------- parts


@by_name(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    """The sum of a diagonal."""
    return sum(np.diagonal(a, offset, axis1, axis2), -1, dtype)


@by_name(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Tensor:
    """The slices along an axis (entries, where it is None) for which the condition holds."""
    return take(a, of_known_size(np.flatnonzero(value(condition))), axis)


extract = numpys(np.extract, "The entries for which the condition holds, along one axis.")


_trim_zeros = numpys(np.trim_zeros, "Of an array whose values are at hand.")


@by_name(np.trim_zeros)
def trim_zeros(filt: Any, **how: Any) -> Any:
    """Without the zeros at the front and the back."""
    if is_foreign(array_of(filt)):
        said = "trim_zeros: where zeros end is seen by the values, which aren't at hand"
        raise TypeError(f"{said}; cut it by a slice")
    return _trim_zeros(operand(filt), **how)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Tensor:
    """``values`` put before the positions ``obj`` of ``arr``, as NumPy puts their numbers."""
    arr, values = operand(arr), operand(values)
    n, m = arr.size, values.size
    numbers = np.arange(1, n + 1).reshape(arr.shape)
    further = np.arange(n + 1, n + m + 1).reshape(values.shape)
    index = np.insert(numbers, value(obj) if type(obj) is Tensor else obj, further, axis)
    if is_tracked(values) and arr.dtype.kind not in "fc":
        said = f"insert: the values require a gradient, and {arr.dtype} would round them"
        raise TypeError(f"{said}; make it one of floats")
    both = concatenate([ravel(arr), ravel(values)], dtype=arr.dtype)
    return pick(both, index=index, shape=(n + m,))


_STATISTICS: dict[str, Any] = {
    "maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median,
}  # fmt: skip


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Tensor:
    """Entries put around ``array``, in any of NumPy's modes but a function.

    Modes that repeat entries move them; ``"linear_ramp"`` and odd reflections are affine along
    each axis; the others put statistics of the edge there.

    Raises:
        TypeError: a function as mode, which would write into the array.
    """
    x = operand(array)
    kwargs = {key: setting("pad", key, given) for key, given in kwargs.items()}
    if x.dtype.kind in "biu":  # NumPy rounds
        return np.pad(value(x), pad_width, mode, **kwargs)  # type: ignore[return-value]
    if callable(mode):
        raise TypeError("pad: a function as mode writes into the array; use np.concatenate")
    if mode == "empty":  # what stands there is undefined; let it be 0
        mode = "constant"
    even = kwargs.get("reflect_type") != "odd"
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and even):
        return moved_pad(x, pad_width, mode, **kwargs)
    if mode == "constant":
        constants = kwargs.pop("constant_values", 0)
        zeros = np.zeros(x.shape, x.dtype)
        around = np.pad(zeros, pad_width, mode, constant_values=constants, **kwargs)
        padded: Tensor = moved_pad(x, pad_width, mode, **kwargs)
        return padded + around if around.any() else padded
    np.pad(np.zeros(x.shape), pad_width, mode, **kwargs)  # raises what there is to raise
    widths = _pairs(pad_width, x.ndim)
    for axis in np.flatnonzero(widths.any(axis=1)).tolist():
        settings = {k: v if k == "reflect_type" else [_pairs(v, x.ndim)[axis]]
                    for k, v in kwargs.items() if v is not None}  # fmt: skip
        x = _padded_along(x, axis, widths[axis], mode, settings)
    return x


def _padded_along(x: Any, axis: int, width: Any, mode: Any, settings: dict[str, Any]) -> Any:
    n, last = x.shape[axis], moveaxis(x, axis, -1)
    if mode not in _STATISTICS:
        m = int(np.minimum(n, np.max(width) + 1))  # so many entries of either edge are read
        affine = [np.pad(row, [width], mode, **settings) for row in np.eye(m + 1, m, -1, x.dtype)]
        matrix, offset = np.array(affine[1:]) - affine[0], affine[0]
        front, back = slice(width[0]), slice(width[0] + m, None)
        read = (last[..., :m], front), (last[..., n - m :], back)
        sides = [edge @ matrix[:, part] + offset[part] for edge, part in read]
    else:
        (lengths,) = settings.get("stat_length", [(n, n)])
        first, end = np.minimum(n, lengths).tolist()
        edges = last[..., :first], last[..., n - end :]
        found = (_STATISTICS[mode](edge, axis=-1, keepdims=True) for edge in edges)
        sides = [broadcast_to(x, (*last.shape[:-1], int(size)))
                 for x, size in zip(found, width, strict=True)]  # fmt: skip
    return moveaxis(concatenate([sides[0], last, sides[1]], -1), -1, axis)


def _pairs(setting: Any, ndim: int) -> Any:
    """NumPy's setting for each axis, (before, after)."""
    if isinstance(setting, dict):
        pairs = np.zeros((ndim, 2), int)
        for axis, pair in setting.items():
            pairs[axis] = pair
        return pairs
    return np.broadcast_to(np.asarray(setting), (ndim, 2))
