"""Means and covariances, spread, and reductions that leave out nan."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays import as_array, beside, guard, perhaps, refuse
from ..engine.tensor import Tensor
from ..ops import astype, max, mean, min, prod, root, sum
from ..ops.define import by_name, implements, operand, ran, refuse_out, value
from ..ops.elementwise import conjugate_of, size_squared
from ..ops.reductions import count, refuse_rounding

__all__ = [
    "average", "corrcoef", "cov", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum",
    "nanvar", "ptp", "std", "var",
]  # fmt: skip


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


# ---------------------------------------------------------------------- spread, and without nan


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
    """The maximum less the minimum over ``axis``."""
    return max(a, axis, out, keepdims) - min(a, axis, None, keepdims)


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """The variance over ``axis``: the sum of squared deviations by ``n − ddof``.

    Of complex numbers, of the squared sizes of the deviations.

    Args:
        correction: another name of ``ddof``; only one of them.
    """
    refuse_out("var", out)
    refuse_rounding("var, std", dtype)
    if ddof and correction is not None:
        raise ValueError(f"var, std: ddof={ddof} and correction={correction} mean the same")
    a = operand(a)
    narrow = a.dtype if a.dtype == np.float16 and dtype is None else None
    if narrow is not None:  # its squares soon overflow
        dtype = np.float32
    if mean is None:
        mean = _mean(a, axis, dtype, keepdims=True, where=where)
    total = sum(size_squared(a - mean), axis, dtype, keepdims=keepdims, where=where)
    degrees = count(a, axis, keepdims, where) - (ddof if correction is None else correction)
    variance = total / as_array(np.maximum(degrees, 0)).astype(total.dtype)[()]
    return variance if narrow is None else astype(variance, narrow)


_mean = mean  # which NumPy's argument of that name hides


@by_name(np.std)
def std(**given: Any) -> Tensor:
    """The root of the variance; where that is 0 its gradient is 0."""
    return root(var(**given))


def _without_nan(
    function: Any, plain: Callable[..., Any], least: float | None = None
) -> Callable[..., Any]:
    """A reduction of the entries that are numbers; no gradient flows to the others.

    Where there are too few, it is nan, and so is the gradient of an extreme, which takes ``least``
    for the others.
    """

    @by_name(function, f"`{plain.__name__}` of the entries that aren't nan.")
    def reduced(a: Any, **given: Any) -> Any:
        a, where, initial = operand(a), given.get("where"), given.get("initial")
        refused = least is not None and where is not None and initial is None
        if a.dtype.kind not in "fc" or not a.size or refused:
            return plain(a, **given)
        numbers = ~np.isnan(value(a))
        if where is not None:
            numbers = numbers & beside(value(where), [numbers])
        if least is not None and initial is None:
            none = ~numbers.any(axis=given.get("axis"), keepdims=True)
            numbers, given["initial"] = numbers | none, least
        found = plain(a, **{**given, "where": numbers})
        if plain not in (var, std):
            return found
        fewest = given.get("correction") or given.get("ddof", 0)
        few = count(a, given.get("axis"), given.get("keepdims", False), numbers) <= fewest
        return found * np.where(few, np.nan, 1.0).astype(found.dtype)

    return reduced


nansum = _without_nan(np.nansum, sum)
nanprod = _without_nan(np.nanprod, prod)
nanmean = _without_nan(np.nanmean, mean)
nanvar = _without_nan(np.nanvar, var)
nanstd = _without_nan(np.nanstd, std)
nanmax = _without_nan(np.nanmax, max, -np.inf)
nanmin = _without_nan(np.nanmin, min, np.inf)
