"""What makes arrays, in `autograd_lite.numpy`: of Tensors, too, and to be filled with them."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from ..arrays import STAND_INS
from ..engine.modes import standing
from ..engine.tensor import Tensor
from ..numpy_api.elementwise import full_like
from ..numpy_api.filling import filling
from ..ops import astype, copy
from ..ops.define import ran
from ..transforms import transforming
from .buffer import Buffer, plain


def of_lists(f: Any) -> Any:
    """What takes an array, of a list that holds Tensors, too: NumPy doesn't ask those in it."""
    return wraps(f)(lambda *args, **kwargs: f(*map(plain, args), **kwargs))


def _made(make: Any) -> Any:
    """What makes an array as one that is to be filled, within a transform or `filling`."""

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        new = of_lists(make)(*args, **kwargs)
        fillable = transforming.active() or filling.active()
        for given in () if fillable else standing("made"):  # as of code that is compiled
            return given(new)
        return Buffer(new) if fillable and new.dtype.kind in "fc" else new

    return made


def _asarray(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``np.asarray``: a Tensor and a buffer are one, as what they hold."""
    if type(a) is Buffer and dtype in (None, a.dtype):
        return a
    a = plain(a)
    if type(a) in STAND_INS:
        return a if isinstance(a, np.ndarray) and dtype in (None, a.dtype) else a.own(dtype)
    if type(a) is not Tensor:
        return np.asarray(a, dtype, *args, **kwargs)
    return a if dtype is None else astype(a, dtype)


def _array(object: Any, dtype: Any = None, *, ndmin: int = 0, **kwargs: Any) -> Any:
    """``np.array``, also of Tensors, and of lists that hold some."""
    object = plain(object)
    if type(object) not in {Tensor, *STAND_INS}:
        return np.array(object, dtype, ndmin=ndmin, **kwargs)
    if type(object) is Tensor:
        new = copy(object) if filling.active() else object
        new = new if dtype is None else astype(new, dtype)
    else:
        new = object.own(dtype)
    return new[(None,) * (ndmin - new.ndim)] if new.ndim < ndmin else new


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    """``np.full``, also with a Tensor."""
    return full_like(fill_value, fill_value, dtype, order, shape=shape)


_joined = ran(type(np.r_).__getitem__, array=_array)


class _Joined:
    """``np.r_`` and ``np.c_``, which can't see a Tensor that they are given."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getitem__(self, parts: Any) -> Any:
        several = parts if type(parts) is tuple else (parts,)
        return _joined(self._own, tuple(map(plain, several)))


OURS = {
    "array": _made(_array), "full": _made(_full), "full_like": _made(full_like),
    "r_": _Joined(np.r_), "c_": _Joined(np.c_),
    **dict.fromkeys(("asarray", "asanyarray", "ascontiguousarray"), _asarray),
}  # fmt: skip
"""What is another function than NumPy's, by name."""

for _wrap, _names in {
    _made: "zeros ones empty copy zeros_like ones_like empty_like eye identity",
    of_lists: "sum prod mean std var max min amax amin cumsum cumprod",
}.items():
    OURS |= {name: _wrap(getattr(np, name)) for name in _names.split()}
