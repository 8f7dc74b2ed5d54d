"""Order: sorting and quantiles. The order itself has no gradient; entries keep theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays import as_array, beside, of_values, perhaps, zeros
from ..engine.tensor import Tensor
from ..ops import astype, ravel, reshape, sum, take, take_along_axis, where
from ..ops.define import by_name, implements, operand, setting, value
from ..ops.shaping import flattened
from .statistics import weights_like

__all__ = [
    "median", "nanmedian", "nanpercentile", "nanquantile", "partition", "percentile",
    "quantile", "sort",
]  # fmt: skip


def _in_order(name: str, a: Any, axis: int | None, order: Any, fields: Any) -> Tensor:
    """``a`` in the order of the indices that NumPy gives for its value."""
    if fields is not None:
        raise TypeError(f"{name}: order= is for arrays with fields, and Tensors have none")
    if axis is None:
        a, axis = ravel(a), -1
    a = operand(a)
    return take_along_axis(a, of_values(order, value(a), axis), axis)


@by_name(np.sort)
def sort(a: Any, axis: int | None = -1, order: None = None, **how: Any) -> Tensor:
    """The entries in ascending order along an axis; those that tie keep their order."""
    np.sort(np.empty(0), **how)  # raises what there is to raise
    return _in_order("sort", a, axis, lambda x, ax: np.argsort(x, ax, kind="stable"), order)


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None
) -> Tensor:
    """The k-th entry along an axis in its sorted place, smaller ones before, others behind."""

    def as_numpy(x: Any, ax: int) -> Any:
        """The order in which np.partition, and not np.argpartition, leaves what is between."""
        ranks = np.argsort(np.argsort(np.partition(x, kth, ax, kind), ax, "stable"), ax)
        return np.take_along_axis(np.argsort(x, ax, "stable"), ranks, ax)

    return _in_order("partition", a, axis, as_numpy, order)


def _order_statistic(function: Any) -> Any:
    """A quantile of entries along axes, of shape ``q.shape`` and that of the others."""

    @by_name(function, f"``np.{function.__name__}``, in all its methods; the gradient flows to the "
             "one or two entries that it lies at or between.")  # fmt: skip
    def statistic(
        a: Any, axis: Any = None, keepdims: Any = False, overwrite_input: bool = False, **how: Any
    ) -> Tensor:
        q = [how.pop("q")] if "q" in how else []
        return _of_entries(function, a, axis, keepdims, *q, **how)

    return statistic


def _of_entries(
    function: Any, a: Any, axis: Any, keepdims: Any, *q: Any, weights: Any = None, **how: Any
) -> Any:
    name = function.__name__
    a = operand(a)
    a = astype(a, float) if a.dtype == bool else a
    axes = tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim, name)
    entries = flattened(a, axes)
    array = value(entries)
    q = tuple(setting(name, "q", x) for x in q)
    if weights is not None:
        given = weights_like(value(weights), a, None if axis is None else axes)
        how["weights"] = flattened(np.broadcast_to(given, a.shape), axes)
    numbers = partial(function, axis=-1, **how)
    try:
        order = of_values(np.argsort, array, axis=-1, kind="stable")
    except TypeError:  # of Dask, which can't sort
        found = _between(entries, array, numbers(array, *q))
    else:
        found = _ranked(entries, array, order, numbers, q) if array.size else numbers(array, *q)
    if keepdims:
        front = found.shape[: found.ndim - array.ndim + 1]
        kept = (1 if i in axes else size for i, size in enumerate(a.shape))
        found = reshape(found, (*front, *kept))
    return found


def _between(entries: Any, array: Any, known: Any) -> Any:
    """The quantiles that are known, of the entries next below and above, which share with ties."""
    level = known[..., None]
    low = np.max(np.where(array <= level, array, -np.inf), axis=-1)
    high = np.min(np.where(array >= level, array, np.inf), axis=-1)
    share = (known - low) / np.where(high > low, high - low, 1.0)
    equal = [array == x[..., None] for x in (low, high)]
    lower, upper = (sum(where(x, entries, 0.0), -1) / x.sum(axis=-1) for x in equal)
    return lower + share * (upper - lower)


def _ranked(entries: Any, array: Any, order: Any, numbers: Any, q: Any) -> Any:
    """NumPy takes the quantile of the entries' ranks, which says between which two it lies."""
    n = array.shape[-1]
    rows = beside(np.arange(array.size // n), [array])
    order = order.reshape(-1, n)
    ranks = np.argsort(order, axis=-1).astype(float)
    ranks = np.where(np.isnan(array), np.nan, ranks.reshape(array.shape))
    rank = as_array(numbers(ranks, *q))  # of shape q.shape + that of the rows
    known = np.where(np.isnan(rank), 0.0, rank).reshape(-1, len(rows))

    def entry(k: Any) -> Any:
        """Those of these ranks."""
        k = k.astype(np.intp)
        return take(entries, (order[rows, k] + rows * n).reshape(rank.shape))

    low = np.floor(known)
    unweighted = {"weights": None} if "weights" in numbers.keywords else {}
    dtype = numbers(zeros((1,), array), *q, **unweighted).dtype
    share = (known - low).reshape(rank.shape).astype(dtype)
    lower, upper = entry(low), entry(np.ceil(known))
    found = lower + share * (upper - lower)
    infinities = np.isinf(value(lower)) | np.isinf(value(upper))
    if perhaps(infinities):  # NumPy's functions differ in what they make of them
        infinite = as_array(numbers(array, *q))
        nearest = where(infinite == value(lower), lower, upper)
        found = where(infinities, nearest * np.where(np.isnan(infinite), np.nan, 1.0), found)
    if perhaps(np.isnan(rank)):  # nan stands last in the order, and makes the gradient nan, too
        found = where(np.isnan(rank), entry(0 * known + (n - 1)) * np.nan, found)
    return found


median, nanmedian = _order_statistic(np.median), _order_statistic(np.nanmedian)
quantile, nanquantile = _order_statistic(np.quantile), _order_statistic(np.nanquantile)
percentile, nanpercentile = _order_statistic(np.percentile), _order_statistic(np.nanpercentile)
