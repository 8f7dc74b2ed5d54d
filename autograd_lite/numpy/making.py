"""What makes arrays, in `autograd_lite.numpy`: of Tensors, too, and to be filled with them."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from .. import numpy_api
from ..engine.tensor import Tensor
from ..numpy_api.filling import filling
from ..ops import astype
from ..transforms import in_transform
from .buffer import Buffer, plain

__all__ = [
    "amax", "amin", "array", "asanyarray", "asarray", "ascontiguousarray", "c_", "column_stack",
    "concatenate", "copy", "cumprod", "cumsum", "dstack", "empty", "empty_like", "eye",
    "filling", "full", "full_like", "hstack", "identity", "max", "mean", "min", "ones",
    "ones_like", "prod", "r_", "stack", "std", "sum", "var", "vstack", "zeros", "zeros_like",
]  # fmt: skip


def _made(make: Any) -> Any:
    """What makes an array as one that is to be filled, within a transform or `filling`."""

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        new = make(*map(plain, args), **{key: plain(x) for key, x in kwargs.items()})
        fillable = in_transform() or filling.active()
        return Buffer(new) if fillable and new.dtype.kind in "fc" else new

    return made


def asarray(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``np.asarray``: a Tensor and a buffer are one, as what they hold."""
    if type(a) is Buffer and dtype in (None, a.dtype):
        return a
    a = plain(a)
    if type(a) is not Tensor:
        return np.asarray(a, dtype, *args, **kwargs)
    return a if dtype is None else astype(a, dtype)


asanyarray = ascontiguousarray = asarray


def _of_any(join: Any) -> Any:
    """What joins arrays, of any iterable of them: a generator, the values of a dict."""

    @wraps(join)
    def joined(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        known = isinstance(arrays, (list, tuple)) or hasattr(arrays, "shape")
        return join(arrays if known else [*arrays], *args, **kwargs)

    return joined


concatenate, stack, vstack = map(_of_any, (np.concatenate, np.stack, np.vstack))
hstack, dstack, column_stack = map(_of_any, (np.hstack, np.dstack, np.column_stack))


def _of_lists(reduce: Any) -> Any:
    """What takes an array, of a list that holds Tensors, too: NumPy doesn't ask those in it."""
    return wraps(reduce)(lambda a, *args, **kwargs: reduce(plain(a), *args, **kwargs))


sum, prod, mean, std, var = map(_of_lists, (np.sum, np.prod, np.mean, np.std, np.var))
max, min, cumsum, cumprod = map(_of_lists, (np.max, np.min, np.cumsum, np.cumprod))
amax, amin = max, min


@_made
def array(object: Any, dtype: Any = None, *, ndmin: int = 0, **kwargs: Any) -> Any:
    """``np.array``, also of Tensors, and of lists that hold some."""
    if type(object) is not Tensor:
        return np.array(object, dtype, ndmin=ndmin, **kwargs)
    new = object if dtype is None else astype(object, dtype)
    return new[(None,) * (ndmin - new.ndim)] if new.ndim < ndmin else new


@_made
def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    """``np.full``, also with a Tensor."""
    return numpy_api.full_like(fill_value, fill_value, dtype, order, shape=shape)


zeros, ones, empty, copy = _made(np.zeros), _made(np.ones), _made(np.empty), _made(np.copy)
zeros_like, ones_like, empty_like = map(_made, [np.zeros_like, np.ones_like, np.empty_like])
eye, identity, full_like = _made(np.eye), _made(np.identity), _made(numpy_api.full_like)


class _Joined:
    """``np.r_`` and ``np.c_``, which can't see a Tensor that they are given."""

    def __init__(self, own: Any, join: Any) -> None:
        self._own, self._join = own, join

    def __getitem__(self, parts: Any) -> Any:
        parts = [plain(x) for x in (parts if type(parts) is tuple else (parts,))]
        if Tensor not in map(type, parts) or str in map(type, parts):
            return self._own[tuple(parts)]
        return self._join([self._own[x] if type(x) is slice else np.atleast_1d(x) for x in parts])


r_, c_ = _Joined(np.r_, np.concatenate), _Joined(np.c_, np.column_stack)
