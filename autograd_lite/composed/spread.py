"""Spread, and reductions that leave out nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import astype, conj, max, mean, min, prod, real, root, sum
from ..ops.define import implements, refuse_out, value
from ..ops.reductions import count, ready
from ..tensor import Tensor

__all__ = [
    "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "ptp", "std", "var",
]  # fmt: skip


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
    """The maximum less the minimum over ``axis``."""
    spread: Tensor = max(a, axis, out, keepdims) - min(a, axis, None, keepdims)
    return spread


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Tensor:
    """The variance over ``axis``: the sum of squared deviations by ``n − ddof``.

    Of complex numbers, of the squared sizes of the deviations.
    """
    a = ready("var", a, dtype, out)
    if a.dtype == np.float16 and dtype is None:  # squares soon overflow
        wide = var(astype(a, np.float32), axis, None, None, ddof, keepdims, where=where, mean=mean,
                   correction=correction)  # fmt: skip
        return astype(wide, np.float16)
    deviation = a - (_mean(a, axis, keepdims=True, where=where) if mean is None else mean)
    square = real(deviation * conj(deviation)) if a.dtype.kind == "c" else deviation * deviation
    total = sum(square, axis, keepdims=keepdims, where=where)
    degrees = count(a, axis, keepdims, where) - (ddof if correction is None else correction)
    variance: Tensor = total / np.maximum(degrees, 0).astype(total.dtype)
    return variance


_mean = mean  # which NumPy's argument of that name hides


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Tensor:
    """The root of the variance; where that is 0 its gradient is 0."""
    refuse_out("std", out)
    return root(
        var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def _without_nan(function: Any, reduce: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of the entries that are numbers; no gradient flows to the others."""

    def reduced(a: Any, *args: Any, where: Any = True, **kwargs: Any) -> Any:
        numbers = ~np.isnan(value(a))
        return reduce(a, *args, where=numbers & value(where), **kwargs)

    reduced.__name__ = function.__name__
    reduced.__doc__ = f"`{reduce.__name__}` of the entries that aren't nan."
    return implements(function)(reduced)


def _extreme_or_nan(extreme: Callable[..., Any], initial: float) -> Callable[..., Any]:
    """An extreme that is nan where there is no number."""

    def reduced(
        a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *,
        initial: float = initial, where: Any,
    ) -> Any:  # fmt: skip
        found = extreme(a, axis, out, keepdims, initial=initial, where=where)
        none = ~np.broadcast_to(where, np.shape(a)).any(axis=axis, keepdims=keepdims)
        return np.where(none, np.nan, found) if none.any() and np.isinf(initial) else found

    reduced.__name__ = extreme.__name__
    return reduced


nansum = _without_nan(np.nansum, sum)


nanprod = _without_nan(np.nanprod, prod)


nanmean = _without_nan(np.nanmean, mean)


nanvar = _without_nan(np.nanvar, var)


nanstd = _without_nan(np.nanstd, std)


nanmax = _without_nan(np.nanmax, _extreme_or_nan(max, -np.inf))


nanmin = _without_nan(np.nanmin, _extreme_or_nan(min, np.inf))
