"""Entries in groups: counted, summed group by group, without repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import is_foreign
from ..engine.tensor import Tensor, is_tracked
from ..ops import astype, max, min, moveaxis, take
from ..ops.define import by_name, implements, operand, refuse_out, setting, value
from ..ops.indexing import scatter
from ..ops.reductions import in_dtype
from .calculus import linspace

__all__ = ["bincount", "histogram", "unique"]


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
