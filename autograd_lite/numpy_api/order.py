"""Order and groups: sorting, quantiles, counting. Orders have no gradient; entries keep theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..arrays import as_array, beside, is_foreign, of_values, perhaps, zeros
from ..engine.tensor import Tensor, is_tracked
from ..ops import astype, max, min, moveaxis, ravel, reshape, sum, take, take_along_axis, where
from ..ops.define import by_name, implements, operand, refuse_out, setting, value
from ..ops.indexing import scatter
from ..ops.reductions import in_dtype
from ..ops.shaping import flattened
from .calculus import linspace
from .statistics import weights_like

__all__ = [
    "bincount", "histogram", "median", "nanmedian", "nanpercentile", "nanquantile", "partition",
    "percentile", "quantile", "sort", "unique",
]  # fmt: skip


def _in_order(a: Any, axis: int | None, order: Any) -> Tensor:
    """``a`` in the order of the indices that NumPy gives for its value."""
    if axis is None:
        a, axis = ravel(a), -1
    a = operand(a)
    return take_along_axis(a, of_values(order, value(a), axis), axis)


@by_name(np.sort)
def sort(a: Any, axis: int | None = -1, **how: Any) -> Tensor:
    """The entries in ascending order along an axis; those that tie keep their order."""
    np.sort(np.empty(0), **how)  # raises what there is to raise
    return _in_order(a, axis, lambda x, ax: np.argsort(x, ax, kind="stable"))


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None
) -> Tensor:
    """The k-th entry along an axis in its sorted place, smaller ones before, others behind."""

    def as_numpy(x: Any, ax: int) -> Any:
        """The order in which np.partition, and not np.argpartition, leaves what is between."""
        ranks = np.argsort(np.argsort(np.partition(x, kth, ax, kind, order), ax, "stable"), ax)
        return np.take_along_axis(np.argsort(x, ax, "stable"), ranks, ax)

    return _in_order(a, axis, as_numpy)


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


# ---------------------------------------------------------------------- groups


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """How often each whole number is in ``x``, or the sum of its weights, which have a gradient."""
    known = None if weights is None else value(weights)
    if type(weights) is Tensor and is_foreign(known):  # of which only the counts' shape is needed
        known = None
    counts = np.bincount(value(x), known, minlength)
    if type(weights) is not Tensor:
        return counts
    return scatter(astype(weights, float), index=value(x), shape=counts.shape)


def add_reduceat(
    a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None
) -> Tensor:
    """``np.add.reduceat``: the sums from each index to the next; of one entry where that is less.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.grad(lambda x: np.add.reduceat(x, [0, 2])[0])(np.ones(3))
    array([1., 1., 0.])
    """
    refuse_out("add.reduceat", out)
    a = operand(a) if dtype is None else astype(operand(a), dtype)
    axis = normalize_axis_index(axis, a.ndim, "add.reduceat")
    np.add.reduceat(np.empty(a.shape[axis]), indices)  # raises what there is to raise
    first = np.asarray(indices)
    count = np.maximum(np.append(first[1:], a.shape[axis]) - first, 1)
    row = np.repeat(np.arange(len(first)), count)
    entry = np.arange(len(row)) - np.repeat(np.cumsum(count) - count - first, count)
    rows = moveaxis(take(a, entry, axis), axis, 0)
    found = moveaxis(scatter(rows, index=row, shape=(len(first), *rows.shape[1:])), 0, axis)
    return in_dtype(found, dtype)


@by_name(np.unique)
def unique(ar: Any, return_index: bool = False, axis: int | None = None, **asked: Any) -> Any:
    """The entries, or slices along ``axis``, in order and without repetition.

    The gradient of one that is there several times flows to the first of them.
    """
    _, first, *rest = np.unique(value(ar), True, axis=axis, **asked)
    found = take(ar, first, axis)
    more = [first, *rest] if return_index else rest
    return (found, *more) if more else found


@by_name(np.histogram)
def histogram(a: Any, density: Any = None, **how: Any) -> Any:
    """How many entries lie between edges, a plain array; and the edges.

    Edges that are spread from the least to the greatest entry have a gradient, and so has then a
    density. Weights have none here.
    """
    how = {key: setting("histogram", key, x) for key, x in how.items()}
    counts, edges = np.histogram(value(a), density=density, **how)
    are_given = how.get("range") is not None or np.ndim(how.get("bins", 10))
    if are_given or not is_tracked(a) or not a.size:
        return counts, edges
    low, high = min(a), max(a)
    more = low.dtype.type(0.5) * (value(low) == value(high))
    spread = linspace(low - more, high + more, len(edges))
    return counts * (np.diff(edges) / np.diff(spread)) if density else counts, spread
