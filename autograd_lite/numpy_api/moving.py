"""Parts chosen by conditions, inserted, and put around an array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import array_of, is_foreign, of_known_size
from ..engine.tensor import Tensor, is_tracked
from ..ops import broadcast_to, concatenate, diagonal, max, mean, min, moveaxis, ravel, sum, take
from ..ops.define import by_name, implements, numpys, operand, setting, value
from ..ops.moving import moved_pad, pick

__all__ = ["compress", "extract", "insert", "pad", "trace", "trim_zeros"]


@by_name(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    """The sum of a diagonal."""
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype)


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
        raise TypeError(
            "trim_zeros: where zeros end is seen by the values, which another library's array is "
            "asked for by name only; cut it by a slice"
        )
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
        raise TypeError(
            f"insert: the values require a gradient, and an array of {arr.dtype} would round them; "
            "make it one of floats"
        )
    both = concatenate([ravel(arr), ravel(values)], dtype=arr.dtype)
    return pick(both, index=index, shape=(n + m,))


_STATISTICS = {"maximum": max, "minimum": min, "mean": mean}


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
        raise TypeError(
            "pad: a function as mode writes into the array; join the parts with np.concatenate"
        )
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
    if mode not in (*_STATISTICS, "median"):
        m = int(np.minimum(n, np.max(width) + 1))  # so many entries of either edge are read
        affine = [np.pad(row, [width], mode, **settings) for row in np.eye(m + 1, m, -1, x.dtype)]
        matrix, offset = np.array(affine[1:]) - affine[0], affine[0]
        front, back = slice(width[0]), slice(width[0] + m, None)
        read = (last[..., :m], front), (last[..., n - m :], back)
        sides = [edge @ matrix[:, part] + offset[part] for edge, part in read]
    else:
        statistic = _STATISTICS.get(mode) or np.median
        (lengths,) = settings.get("stat_length", [(n, n)])
        first, end = np.minimum(n, lengths).tolist()
        edges = last[..., :first], last[..., n - end :]
        sides = [
            broadcast_to(statistic(edge, axis=-1, keepdims=True), (*last.shape[:-1], int(size)))
            for edge, size in zip(edges, width, strict=True)
        ]
    return moveaxis(concatenate([sides[0], last, sides[1]], -1), -1, axis)


def _pairs(setting: Any, ndim: int) -> Any:
    """NumPy's setting for each axis, (before, after)."""
    if isinstance(setting, dict):
        pairs = np.zeros((ndim, 2), int)
        for axis, pair in setting.items():
            pairs[axis] = pair
        return pairs
    return np.broadcast_to(np.asarray(setting), (ndim, 2))
