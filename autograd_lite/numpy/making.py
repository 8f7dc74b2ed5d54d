"""What makes arrays, in `autograd_lite.numpy`: of Tensors, too, and to be filled with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays import content
from ..containers import leaves
from ..engine.tensor import Tensor
from ..numpy_api.calculus import full_like as _full_like
from ..numpy_api.joining import array as joined
from ..ops import astype, broadcast_to
from ..transforms import in_transform
from .buffer import Buffer, plain

__all__ = [
    "array", "asanyarray", "asarray", "ascontiguousarray", "c_", "copy", "empty", "empty_like",
    "eye", "full", "full_like", "identity", "ones", "ones_like", "r_", "zeros", "zeros_like",
]  # fmt: skip


def _to_fill(made: Any) -> Any:
    """An array, or a Tensor, as what can be filled."""
    return Buffer(made) if in_transform() and made.dtype.kind in "fc" else made


def _converted(x: Any, dtype: Any, convert: Callable[[], Any]) -> Any:
    """One Tensor of what is or holds one, and otherwise as NumPy converts it."""
    x = plain(x)
    if type(x) is not Tensor:
        try:
            return convert()
        except TypeError:
            if not any(type(leaf) is Tensor for leaf in leaves(x)):
                raise
        x = joined(x)
    return x if dtype is None else astype(x, dtype)


def array(object: Any, dtype: Any = None, *, ndmin: int = 0, **kwargs: Any) -> Any:
    """``np.array``, also of Tensors, and of lists that hold some."""
    made = _converted(object, dtype, lambda: np.array(object, dtype, ndmin=ndmin, **kwargs))
    return _to_fill(made[(None,) * (ndmin - made.ndim)] if made.ndim < ndmin else made)


def asarray(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``np.asarray``: a Tensor is one already."""
    if type(a) is Buffer and dtype in (None, a.dtype):
        return a
    return _converted(a, dtype, lambda: np.asarray(a, dtype, *args, **kwargs))


asanyarray = ascontiguousarray = asarray


def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """``np.copy``."""
    return array(a, order=order)


def _filled(make: Any) -> Any:
    @wraps(make)
    def making(*args: Any, **kwargs: Any) -> Any:
        return _to_fill(make(*map(content, args), **kwargs))

    return making


zeros, ones, empty = _filled(np.zeros), _filled(np.ones), _filled(np.empty)
zeros_like, ones_like, empty_like = map(_filled, [np.zeros_like, np.ones_like, np.empty_like])
eye, identity = _filled(np.eye), _filled(np.identity)


def full(shape: Any, fill_value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``np.full``, also with a Tensor."""
    fill_value = plain(fill_value)
    if type(fill_value) is not Tensor:
        return _to_fill(np.full(shape, fill_value, dtype, *args, **kwargs))
    filled = broadcast_to(fill_value, shape)
    return _to_fill(filled if dtype is None else astype(filled, dtype))


def full_like(a: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.full_like``, also with a Tensor."""
    a, fill_value = content(a), plain(fill_value)
    like = _full_like if type(fill_value) is Tensor else np.full_like
    return _to_fill(like(a, fill_value, *args, **kwargs))


class _Joined:
    """``np.r_`` and ``np.c_``, which can't see a Tensor that they are given."""

    def __init__(self, own: Any, join: Callable[..., Any]) -> None:
        self._own, self._join = own, join

    def __getitem__(self, parts: Any) -> Any:
        parts = [plain(x) for x in (parts if type(parts) is tuple else (parts,))]
        if not any(type(x) is Tensor for x in parts):
            return self._own[tuple(parts)]
        if str in map(type, parts):
            raise TypeError(f"directives such as {parts[0]!r} aren't for Tensors: np.concatenate")
        ends = [self._own[x] if type(x) is slice else np.atleast_1d(x) for x in parts]
        return self._join(ends)


r_, c_ = _Joined(np.r_, np.concatenate), _Joined(np.c_, np.column_stack)
