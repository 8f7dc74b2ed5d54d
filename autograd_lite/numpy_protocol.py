"""NumPy's own functions on Tensors: a table lookup from ``np.f`` to what it does here.

The table, `table.NUMPY`, is filled where the ops are defined. A function that is in none makes
NumPy raise a TypeError that names it; nothing falls back to object arrays.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np

from . import errors, ops
from .arrays import HOLDERS
from .engine.tensor import Tensor
from .numpy_api.groups import add_reduceat
from .numpy_api.scans import running
from .numpy_code import numpy_name
from .table import NUMPY, Op

# Piecewise constant, or about the array and not its values: they give plain arrays.
VALUES: set[Any] = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isfinite, np.isinf, np.isnan, np.signbit, np.floor, np.ceil, np.rint, np.trunc,
    np.floor_divide,
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.argwhere,
    np.array2string, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.around,
    np.count_nonzero, np.digitize, np.empty_like, np.fix, np.flatnonzero, np.iscomplex,
    np.iscomplexobj, np.isclose, np.isin, np.isneginf, np.isposinf, np.isreal, np.isrealobj,
    np.linalg.matrix_rank, np.may_share_memory, np.nanargmax, np.nanargmin, np.ndim, np.nonzero,
    np.ones_like, np.result_type, np.round, np.searchsorted, np.shape, np.shares_memory, np.size,
    np.zeros_like, np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.save,
    np.lexsort, np.savetxt, np.savez, np.savez_compressed,
}  # fmt: skip

# They write into an array that they are given.
IN_PLACE: set[Any] = {
    np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask,
}  # fmt: skip

# What a ufunc's methods do, by the ufunc.
METHODS: dict[str, dict[Any, Any]] = {
    "reduce": {np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.max, np.minimum: ops.min,
               np.logaddexp: ops.logsumexp},
    "accumulate": {np.add: ops.cumsum, np.multiply: ops.cumprod,
                   np.maximum: partial(running, np.maximum),
                   np.minimum: partial(running, np.minimum)},
    "reduceat": {np.add: add_reduceat},
}  # fmt: skip


_NUMPYS = {None, np.ndarray.__array_ufunc__}


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Tensor.__array_ufunc__``: the op of the table, or NotImplemented, and NumPy names it."""
    out = kwargs.pop("out", ())
    if HOLDERS and not HOLDERS.isdisjoint(map(type, (*inputs, *out))):
        return NotImplemented  # they say first what they hold
    if out:
        raise errors.out_argument(ufunc.__name__)
    if method == "at":
        raise errors.in_place(f"np.{ufunc.__name__}.at", "ag.index_add(t, index, values)")
    if method == "__call__":
        if kwargs.pop("where", True) is not True:
            raise errors.ufunc_where(ufunc.__name__)
        if ufunc not in NUMPY and "scipy.special" in sys.modules:
            from .ops.special import STEPS  # and their rows

            VALUES.update(STEPS)
        if ufunc in VALUES:
            return ops.value_of(ufunc, *inputs, **kwargs)
        if ufunc in NUMPY:
            dtype = kwargs.pop("dtype", None)
            if dtype is not None:
                casting = kwargs.pop("casting", "same_kind")
                inputs = tuple(ops.cast(ufunc.__name__, x, dtype, casting) for x in inputs)
            ours = NUMPY[ufunc]
            if kwargs and type(ours) is Op:
                raise errors.ufunc_settings(ufunc.__name__, "=, ".join(kwargs) + "=")
            return ours(*inputs, **kwargs)
    elif ufunc in METHODS.get(method, ()):
        # As the ufunc's own method, along the first axis unless told otherwise.
        if kwargs.get("dtype", 0) is None:
            del kwargs["dtype"]
        return METHODS[method][ufunc](*inputs, **{"axis": 0, **kwargs})
    elif method == "outer" and not kwargs:
        x, y = inputs
        return ufunc(ops.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y)
    others = {type(x) for x in inputs} - {Tensor}
    if {getattr(kind, "__array_ufunc__", None) for kind in others} - _NUMPYS:
        return NotImplemented  # another library's may know
    name = numpy_name(ufunc)
    raise errors.no_derivative(name if method == "__call__" else f"{name}.{method}")


def call_function(function: Any, types: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """``Tensor.__array_function__``."""
    if kwargs.get("out") is not None:
        raise errors.out_argument(function.__name__)
    if function in VALUES:
        return ops.value_of(function, *args, **kwargs)
    if function in NUMPY:
        try:
            return NUMPY[function](*args, **kwargs)
        except Exception as error:
            error.add_note(f"in {numpy_name(function)}")
            raise
    if function in IN_PLACE:
        raise errors.in_place(f"np.{function.__name__}", "ag.index_update(t, index, values)")
    if {*types} - {Tensor, np.ndarray}:
        return NotImplemented  # another library may know
    raise errors.no_derivative(numpy_name(function))
