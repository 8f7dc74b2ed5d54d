"""Weighted means and covariances."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays import beside, guard, perhaps, refuse
from ..engine.tensor import Tensor
from ..ops import astype
from ..ops.define import implements, operand, ran, value
from ..ops.elementwise import conjugate_of
from ..ops.reductions import refuse_rounding

__all__ = ["average", "corrcoef", "cov"]


weights_like = ran(np.lib._function_base_impl._weights_are_valid)  # type: ignore[attr-defined]
"""Weights of the shape of an array, or of its axes ``axis``, so that they broadcast with it."""


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """The mean over ``axis``, weighted where there are weights, which have a gradient, too.

    Raises:
        ZeroDivisionError: weights that sum to 0.
    """
    a = operand(a)
    axis = None if axis is None else normalize_axis_tuple(axis, a.ndim, "average")
    if weights is None:
        found = np.mean(a, axis, keepdims=keepdims)
        total: Any = np.full(found.shape, a.size / (found.size or 1), found.dtype)
        total = beside(total, [found])
    else:
        weights = weights_like(weights, a, axis)
        total = np.sum(weights, axis, keepdims=keepdims)
        said = "average: the weights sum to 0, and can't be normalized"
        refuse(lambda total: total == 0, ZeroDivisionError, said, value(total))
        found = np.sum(a * weights, axis, keepdims=keepdims) / total
    return (found, np.broadcast_to(total, found.shape)) if returned else found


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Tensor:  # fmt: skip
    """The covariances of variables in rows (columns, where ``rowvar`` is false).

    Raises:
        TypeError: ``fweights``, which say how often each observation counts, that aren't whole.
        ValueError: weights that are negative, or not one for each observation; another ddof.
    """
    refuse_rounding("cov", dtype)
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)], 0)
    x = astype(x, dtype or np.result_type(x.dtype, np.float64))
    known = [None if w is None else value(w) for w in (fweights, aweights)]
    row = np.zeros(x.shape[1])
    guard(lambda f, a: np.cov(row, ddof=ddof, fweights=f, aweights=a), *known)  # raises what it may
    ddof = (0 if bias else 1) if ddof is None else ddof
    given = [astype(operand(w), float) for w in (fweights, aweights) if w is not None]
    weights: Any = reduce(np.multiply, given) if given else None
    centre = average(x, 1, weights, keepdims=True)
    total = x.shape[1] if weights is None else np.sum(weights)
    lost = ddof if aweights is None or not ddof else ddof * np.sum(weights * given[-1]) / total
    degrees = total - lost
    degrees = np.where(value(degrees) > 0, degrees, 0.0)
    x = x - centre
    weighted = x if weights is None else x * weights
    products = np.dot(weighted, np.transpose(conjugate_of(x)))
    return np.squeeze(products * astype(np.true_divide(1, degrees), products.real.dtype))


def _variables(m: Any, rowvar: bool) -> Any:
    m = operand(m)
    if m.ndim > 2:
        raise ValueError(f"cov: variables in rows are needed, not an array of shape {m.shape}")
    rows = np.atleast_2d(m)
    return np.transpose(rows) if not rowvar and m.ndim != 1 else rows


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Tensor:
    """The correlations of variables: covariances divided by both standard deviations."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation
    if c.dtype.kind == "c":
        return _within_1(np.real(c)) + 1j * _within_1(np.imag(c))
    return _within_1(c)


def _within_1(c: Any) -> Any:
    """Rounding beyond ±1 undone; the gradient is that of the quotient."""
    beyond = np.abs(value(c)) > 1
    return c - np.where(beyond, value(c) - np.sign(value(c)), 0.0) if perhaps(beyond) else c
