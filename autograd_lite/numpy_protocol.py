"""NumPy's own functions on Tensors: a table lookup from ``np.f`` to what it does here.

A function that is in no table makes NumPy raise a TypeError that names it; nothing falls back to
object arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import errors, ops
from .op import OPS

UFUNCS: dict[Any, Callable[..., Any]] = {
    entry.forward: entry for entry in OPS.values() if isinstance(entry.forward, np.ufunc)
}
UFUNCS |= {np.power: ops.power, np.matmul: ops.matmul}

# Piecewise constant, so without a gradient: they give plain arrays.
VALUES: set[Any] = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isfinite, np.isinf, np.isnan, np.signbit, np.sign, np.floor, np.ceil, np.rint, np.trunc,
    np.floor_divide,
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argsort, np.array2string, np.array_equal,
    np.array_repr, np.array_str, np.count_nonzero, np.isclose, np.ndim, np.nonzero, np.ones_like,
    np.round, np.shape, np.size, np.zeros_like, np.empty_like, np.result_type,
}  # fmt: skip

REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: ops.sum,
    np.maximum: ops.max,
    np.minimum: ops.min,
}

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.amax: ops.max,
    np.amin: ops.min,
    np.broadcast_to: ops.broadcast_to,
    np.clip: ops.clip,
    np.concatenate: ops.concatenate,
    np.copy: ops.copy,
    np.dot: ops.dot,
    np.expand_dims: ops.expand_dims,
    np.matrix_transpose: ops.matrix_transpose,
    np.max: ops.max,
    np.mean: ops.mean,
    np.min: ops.min,
    np.ravel: ops.ravel,
    np.reshape: ops.reshape,
    np.squeeze: ops.squeeze,
    np.stack: ops.stack,
    np.sum: ops.sum,
    np.swapaxes: ops.swapaxes,
    np.transpose: ops.transpose,
    np.var: ops.var,
    np.where: ops.where,
}


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Tensor.__array_ufunc__``: the op of the table, or NotImplemented, and NumPy names it."""
    if kwargs.get("out") is not None:
        raise errors.out_argument(ufunc.__name__)
    if method == "__call__":
        if ufunc in VALUES:
            return ops.value_of(ufunc, *inputs, **kwargs)
        if ufunc in UFUNCS and not kwargs:
            return UFUNCS[ufunc](*inputs)
    elif method == "reduce" and ufunc in REDUCTIONS:
        # As the ufunc's own method, it reduces the first axis unless told otherwise.
        return REDUCTIONS[ufunc](*inputs, **{"axis": 0, **kwargs})
    return NotImplemented


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Tensor.__array_function__``."""
    if kwargs.get("out") is not None:
        raise errors.out_argument(function.__name__)
    if function in VALUES:
        return ops.value_of(function, *args, **kwargs)
    if function in FUNCTIONS:
        if function is np.where and len(args) == 1 and not kwargs:
            return np.nonzero(args[0])
        return FUNCTIONS[function](*args, **kwargs)
    return NotImplemented
