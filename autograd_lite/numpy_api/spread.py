"""Spread, and reductions that leave out nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import as_array, beside
from ..engine.tensor import Tensor
from ..ops import astype, conj, max, mean, min, prod, real, root, sum
from ..ops.define import by_name, implements, operand, refuse_out, value
from ..ops.reductions import count, refuse_rounding

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
    refuse_rounding("var, std", dtype)
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
