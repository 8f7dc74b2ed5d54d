"""Functions that put entries elsewhere: each is its own rule, run on the entries' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Case
from ..tensor import Tensor
from .define import implements, moving, operand, pick, refuse_out, value
from .joining import concatenate
from .reductions import max as max_
from .reductions import mean, min as min_
from .shaping import broadcast_to, moveaxis, ravel

__all__ = [
    "compress", "delete", "diag", "diagflat", "diagonal", "extract", "flip", "fliplr", "flipud",
    "insert", "pad", "repeat", "resize", "roll", "rot90", "take", "take_along_axis", "tile",
    "trace", "tril", "trim_zeros", "triu",
]  # fmt: skip


def _cases(*settings: dict[str, Any], shape: tuple[int, ...] = (2, 3)) -> list[Case]:
    return [Case((shape,), params) for params in settings]


flip = moving(np.flip, _cases({}, {"axis": -1}, {"axis": (0, 1)}))
fliplr = moving(np.fliplr, _cases({}))
flipud = moving(np.flipud, _cases({}))
roll = moving(np.roll, _cases({"shift": 2}, {"shift": -1, "axis": 1}))
rot90 = moving(np.rot90, _cases({}, {"k": 2, "axes": (1, 0)}))
tile = moving(np.tile, _cases({"reps": 2}, {"reps": (2, 1, 2)}))
repeat = moving(np.repeat, _cases({"repeats": 2}, {"repeats": np.array([2, 0, 1]), "axis": 1}))
resize = moving(np.resize, _cases({"new_shape": (4, 2)}, {"new_shape": 3}))
tril = moving(np.tril, _cases({}, {"k": -1}))
triu = moving(np.triu, _cases({}, {"k": 1}))
diag = moving(np.diag, _cases({}, {"k": 1}) + _cases({"k": -1}, shape=(3,)))
diagflat = moving(np.diagflat, _cases({}, {"k": 1}))
diagonal = moving(
    np.diagonal, _cases({}, {"offset": 1}) + _cases({"axis1": -1, "axis2": 0}, shape=(2, 3, 2))
)
take = moving(
    np.take, _cases({"indices": np.array([[5, 0], [0, -1]])}, {"indices": 1, "axis": 1})
)
take_along_axis = moving(
    np.take_along_axis, _cases({"indices": np.array([[2, 0], [1, 1]]), "axis": 1})
)
delete = moving(np.delete, _cases({"obj": 1}, {"obj": slice(0, 2), "axis": 1}))


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Tensor:
    """The sum of a diagonal."""
    refuse_out("trace", out)
    return diagonal(a, offset, axis1, axis2).sum(-1, dtype=dtype)  # type: ignore[no-any-return]


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of the last two axes."""
    return trace(x, offset, -2, -1, dtype)


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    """A diagonal of the last two axes."""
    return diagonal(x, offset, -2, -1)  # type: ignore[no-any-return]


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Tensor:
    """The slices along an axis (entries, where it is None) for which the condition holds."""
    refuse_out("compress", out)
    return take(a, np.flatnonzero(value(condition)), axis)  # type: ignore[no-any-return]


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Tensor:
    """The entries for which the condition holds, along one axis."""
    return compress(ravel(value(condition)), arr)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Without the zeros at the front and the back."""
    array = operand(filt)
    whole = value(array)
    axes = range(array.ndim) if axis is None else [a % array.ndim for a in np.atleast_1d(axis)]
    found = np.nonzero(whole)
    index = [slice(None)] * array.ndim
    for a in axes:
        first, last = (found[a].min(), found[a].max()) if found[a].size else (whole.shape[a], -1)
        index[a] = slice(int(first) if "f" in trim.lower() else 0,
                         int(last) + 1 if "b" in trim.lower() else None)  # fmt: skip
    return array[tuple(index)]


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Tensor:
    """``values`` put before the positions ``obj`` of ``arr``, as NumPy puts their numbers."""
    arr, values = operand(arr), operand(values)
    n, m = value(arr).size, value(values).size
    numbers = np.arange(1, n + 1).reshape(arr.shape)
    further = np.arange(n + 1, n + m + 1).reshape(values.shape)
    index = np.insert(numbers, value(obj) if type(obj) is Tensor else obj, further, axis)
    both = concatenate([ravel(arr), ravel(values)], dtype=arr.dtype)
    inserted: Tensor = pick(both, index=index, shape=(n + m,))
    return inserted


# ---------------------------------------------------------------------- padding

_moved_pad = moving(
    np.pad,
    _cases(
        {"pad_width": 1},
        {"pad_width": ((1, 0), (2, 3)), "mode": "reflect"},
        {"pad_width": ((0, 0), (1, 2)), "mode": "wrap"},
    ),
)
_STATISTICS = {"maximum": max_, "minimum": min_, "mean": mean}


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Tensor:
    """Entries put around ``array``, in any of NumPy's modes but a function.

    Modes that repeat entries move them; ``"linear_ramp"`` and odd reflections are affine along
    each axis; the others put statistics of the edge there.

    Raises:
        TypeError: a function as mode, which would write into the array.
    """
    x = operand(array)
    if callable(mode):
        raise TypeError(
            "pad: a function as mode writes into the array; join the parts with np.concatenate"
        )
    if mode == "empty":  # what stands there is undefined; let it be 0
        mode = "constant"
    if mode in ("edge", "wrap") or kwargs.get("reflect_type") != "odd" and (
        mode in ("reflect", "symmetric")
    ):
        return _moved_pad(x, pad_width, mode, **kwargs)  # type: ignore[no-any-return]
    if mode == "constant":
        constants = kwargs.pop("constant_values", 0)
        zeros = np.zeros(x.shape, x.dtype)
        around = np.pad(zeros, pad_width, mode, constant_values=value(constants), **kwargs)
        padded: Tensor = _moved_pad(x, pad_width, mode, **kwargs)
        return padded + around if around.any() else padded
    widths = _pairs(pad_width, x.ndim)
    for axis in range(x.ndim):
        settings = {k: v if k == "reflect_type" else [_pairs(v, x.ndim)[axis]]
                    for k, v in kwargs.items() if v is not None}  # fmt: skip
        x = _padded_along(x, axis, widths[axis], mode, settings)
    return x  # type: ignore[no-any-return]


def _padded_along(x: Any, axis: int, width: Any, mode: str, settings: dict[str, Any]) -> Any:
    n, last = x.shape[axis], moveaxis(x, axis, -1)
    if mode not in (*_STATISTICS, "median"):
        zeros = np.pad(np.zeros(n, x.dtype), [width], mode, **settings)  # affine: this and linear
        matrix = [np.pad(row, [width], mode, **settings) - zeros for row in np.eye(n, dtype=x.dtype)]
        padded = last @ np.array(matrix) + zeros
    else:
        statistic = _STATISTICS.get(mode) or np.median
        (lengths,) = settings.get("stat_length", [(n, n)])
        first, end = (int(min(n, length)) for length in lengths)
        edges = last[..., :first], last[..., n - end :]
        sides = [
            broadcast_to(statistic(edge, axis=-1, keepdims=True), (*last.shape[:-1], int(size)))
            for edge, size in zip(edges, width, strict=True)
        ]
        padded = concatenate([sides[0], last, sides[1]], -1)
    return moveaxis(padded, -1, axis)


def _pairs(setting: Any, ndim: int) -> Any:
    """NumPy's setting for each axis, (before, after)."""
    if isinstance(setting, dict):
        pairs = np.zeros((ndim, 2), int)
        for axis, pair in setting.items():
            pairs[axis] = pair
        return pairs
    return np.broadcast_to(np.asarray(setting), (ndim, 2))
