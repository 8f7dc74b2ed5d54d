"""Running sums and products in their further forms, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..engine.tensor import Tensor
from ..ops import astype, concatenate, ravel, take_along_axis, where
from ..ops.define import along, implements, numpys, operand, value, without_entries

__all__ = ["cumulative_prod", "cumulative_sum", "diff", "ediff1d", "nancumprod", "nancumsum"]


_ALONG = "along an axis, that of a vector by default; with a leading {} on request."
cumulative_sum = numpys(np.cumulative_sum, f"`cumsum` {_ALONG.format(0)}")
cumulative_prod = numpys(np.cumulative_prod, f"`cumprod` {_ALONG.format(1)}")


def _replaced(a: Any, number: int) -> tuple[Any, None]:
    """NumPy's helper: an array with a number in place of nan, and what isn't read."""
    return where(np.isnan(a), number, a), None


nancumsum, nancumprod = (
    numpys(f, f"`{f.__name__[3:]}` in which nan counts as {number}.", _replace_nan=_replaced)
    for f, number in ((np.nancumsum, 0), (np.nancumprod, 1))
)


def running(extreme: Any, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Tensor:
    """``np.maximum.accumulate`` or that of minimum: the extreme of the entries so far.

    The gradient flows to the first of those that tie.
    """
    a = operand(a) if dtype is None else astype(operand(a), dtype)
    axis = normalize_axis_index(axis, a.ndim, "accumulate")
    found = extreme.accumulate(value(a), axis)
    number = np.arange(a.shape[axis]).reshape(-1, *(1,) * (a.ndim - 1 - axis))
    isnt_new = np.zeros(a.shape, bool)
    part, before = along(axis - a.ndim, slice(1, None)), along(axis - a.ndim, slice(None, -1))
    isnt_new[part] = (found[part] == found[before]) | np.isnan(found[before])
    places = np.maximum.accumulate(np.where(isnt_new, 0, number), axis)
    return take_along_axis(a, places, axis)


diff = numpys(
    np.diff, "The n-th differences along an axis, with the given entries before and behind."
)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """The differences of all entries in a row, with ``to_begin`` before and ``to_end`` behind."""
    ary = operand(ary)
    given = [to_begin, diff(ravel(ary)), to_end]
    parts = [operand(part) for part in given if part is not None]
    for part in parts:
        np.ediff1d(*without_entries(ary, part))  # raises where that can't be put there
    return concatenate([astype(ravel(part), ary.dtype) for part in parts])
