"""Spread, and reductions that leave out nan."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import as_array, beside
from ..engine.tensor import Tensor
from ..ops import astype, conj, max, mean, min, prod, real, root, sum
from ..ops.define import bound, implements, named, operand, refuse_out, value
from ..ops.reductions import count

__all__ = [
    "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "ptp", "std", "var",
]  # fmt: skip


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
    if ddof and correction is not None:
        raise ValueError(f"var, std: ddof={ddof} and correction={correction} mean the same")
    a = operand(a)
    narrow = a.dtype if a.dtype == np.float16 and dtype is None else None
    if narrow is not None:  # its squares soon overflow
        dtype = np.float32
    if mean is None:
        mean = _mean(a, axis, dtype, keepdims=True, where=where)
    deviation = a - mean
    square = real(deviation * conj(deviation)) if a.dtype.kind == "c" else deviation * deviation
    total = sum(square, axis, dtype, keepdims=keepdims, where=where)
    degrees = count(a, axis, keepdims, where) - (ddof if correction is None else correction)
    variance = total / as_array(np.maximum(degrees, 0)).astype(total.dtype)[()]
    return variance if narrow is None else astype(variance, narrow)


_mean = mean  # which NumPy's argument of that name hides


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """The root of the variance; where that is 0 its gradient is 0."""
    refuse_out("std", out)
    return root(
        var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def _without_nan(function: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of the entries that are numbers; no gradient flows to the others."""
    signature = inspect.signature(function)

    def reduced(*args: Any, **kwargs: Any) -> Any:
        given = bound(function, signature, args, kwargs)
        if operand(given["a"]).dtype.kind not in "fc":  # they have no nan
            return plain(**given)
        numbers = ~np.isnan(value(given["a"]))
        if given.get("where") is not None:
            numbers = numbers & beside(value(given.pop("where")), [numbers])
        found = plain(**given, where=numbers)
        if plain not in (var, std):
            return found
        axis, keepdims = given.get("axis"), given.get("keepdims", False)
        few = count(given["a"], axis, keepdims, numbers) <= (
            given.get("correction") or given.get("ddof", 0)
        )
        return found * np.where(few, np.nan, 1.0).astype(found.dtype)

    doc = f"`{plain.__name__}` of the entries that aren't nan."
    return implements(function)(named(function, reduced, doc))


def _extreme_without_nan(
    function: Any, extreme: Callable[..., Any], least: float
) -> Callable[..., Any]:
    """The same of an extreme, which is nan, and so is its gradient, where all entries are."""

    def reduced(
        a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
        where: Any = None,
    ) -> Any:  # fmt: skip
        a = operand(a)
        if a.dtype.kind not in "fc" or (where is not None and initial is None):
            return extreme(a, axis, out, keepdims, initial, where)
        numbers = ~np.isnan(value(a))
        if initial is None:
            kept = numbers | ~numbers.any(axis=axis, keepdims=True)
            return extreme(np.where(kept, a, least), axis, out, keepdims)
        counted = numbers if where is None else numbers & value(where)
        return extreme(a, axis, out, keepdims, initial, counted)

    doc = f"`{extreme.__name__}` of the entries that aren't nan; nan where all are."
    return implements(function)(named(function, reduced, doc))


nansum = _without_nan(np.nansum, sum)
nanprod = _without_nan(np.nanprod, prod)
nanmean = _without_nan(np.nanmean, mean)
nanvar = _without_nan(np.nanvar, var)
nanstd = _without_nan(np.nanstd, std)
nanmax = _extreme_without_nan(np.nanmax, max, -np.inf)
nanmin = _extreme_without_nan(np.nanmin, min, np.inf)
