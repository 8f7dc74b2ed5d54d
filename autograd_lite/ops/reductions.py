"""Reductions: ``axis`` is None, an integer or a tuple, as in NumPy; so is ``keepdims``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..notation import function
from ..op import Case, op
from ..tensor import Tensor
from .define import implements, refuse_out
from .elementwise import astype
from .shaping import broadcast_to

__all__ = ["amax", "amin", "max", "mean", "min", "sum", "var"]

_CASES = [
    Case(((2, 3),), {"axis": axis, "keepdims": keepdims})
    for axis in (None, 0, -1, (0, 1), ())
    for keepdims in (False, True)
] + [
    Case(((),), {"axis": None, "keepdims": False}),
    Case(((2, 1, 3),), {"axis": (0, -1), "keepdims": False}),
]


def _kept(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's result, or a stack of its cotangents, with the reduced axes as axes of size 1."""
    if keepdims:
        return reduced
    if axis is None:
        return reduced.reshape(reduced.shape + (1,) * x.ndim)
    axes = {a % x.ndim for a in np.atleast_1d(axis)}
    shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
    stacked = reduced.ndim - x.ndim + len(axes)
    return reduced.reshape([*reduced.shape[:stacked], *shape])


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    kept = _kept(g, x, axis, keepdims)
    return broadcast_to(kept, kept.shape[: kept.ndim - x.ndim] + x.shape)


sum_op = op(
    "sum",
    np.add.reduce,
    lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims),
    cases=_CASES,
    notation=function("Σ"),
    stacks=True,
    reads="all",
    source="np.sum({0}, axis={axis}, keepdims={keepdims})",
)


@implements(np.sum)
def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
) -> Tensor:
    """The sum over ``axis``."""
    return sum_op(_ready("sum", a, dtype, out), axis=axis, keepdims=keepdims)


mean_op = op(
    "mean",
    lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    lambda g, out, x, axis, keepdims: _spread(
        g / (x.size / out.size if out.size else 1), x, axis, keepdims
    ),
    cases=_CASES,
    stacks=True,
    source="np.mean({0}, axis={axis}, keepdims={keepdims})",
)


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
) -> Tensor:
    """The mean over ``axis``."""
    return mean_op(_ready("mean", a, dtype, out), axis=axis, keepdims=keepdims)


def _extreme_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Entries that tie for the extreme share the gradient equally."""
    chosen = x == _kept(out, x, axis, keepdims)
    return _kept(g, x, axis, keepdims) * (chosen / chosen.sum(axis=axis, keepdims=True))


max_op = op(
    "max",
    np.maximum.reduce,
    _extreme_vjp,
    cases=_CASES,
    stacks=True,
    reads="some",
    source="np.max({0}, axis={axis}, keepdims={keepdims})",
)
min_op = op(
    "min",
    np.minimum.reduce,
    _extreme_vjp,
    cases=_CASES,
    stacks=True,
    reads="some",
    source="np.min({0}, axis={axis}, keepdims={keepdims})",
)


@implements(np.max, np.amax)
def max(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
    """The greatest entry over ``axis``; entries that tie share its gradient equally."""
    return max_op(_ready("max", a, None, out), axis=axis, keepdims=keepdims)


@implements(np.min, np.amin)
def min(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
    """The least entry over ``axis``; entries that tie share its gradient equally."""
    return min_op(_ready("min", a, None, out), axis=axis, keepdims=keepdims)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Tensor:
    """The variance over ``axis``: the sum of squared deviations by ``n − ddof``."""
    a = _ready("var", a, dtype, out)
    deviation = a - mean(a, axis=axis, keepdims=True)
    total = sum(deviation * deviation, axis=axis, keepdims=keepdims)
    degrees = a.size / (total.size or 1) - ddof
    variance: Tensor = total / (degrees if degrees > 0 else 0.0)
    return variance


def _ready(function: str, a: Any, dtype: Any, out: Any) -> Any:
    """The operand in the dtype asked for; ``out`` is refused."""
    refuse_out(function, out)
    if type(a) is not Tensor:
        return np.asarray(a, dtype)
    return a if dtype is None else astype(a, dtype)


amax, amin = max, min
