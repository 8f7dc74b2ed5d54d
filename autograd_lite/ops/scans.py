"""Scans: running sums and products along an axis, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..op import Case, Op, op
from ..tensor import Tensor
from .define import implements, operand, refuse_out
from .elementwise import astype, where
from .joining import concatenate
from .moving import flip
from .shaping import broadcast_to, ravel

__all__ = [
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff", "ediff1d", "nancumprod",
    "nancumsum",
]  # fmt: skip

# Axes are negative, so that further ones in front don't matter.
_CASES = [Case(((2, 3),), {"axis": axis}) for axis in (-1, -2)] + [Case(((0, 2),), {"axis": -2})]

cumsum_op: Op = op(
    "cumsum",
    np.cumsum,
    lambda g, out, x, axis: flip(cumsum_op(flip(g, axis), axis=axis), axis),
    cases=_CASES,
    stacks=True,
)


def _along(axis: int, ndim: int, part: slice) -> tuple[Any, ...]:
    """An index of a part along a (negative) axis."""
    return (..., part, *(slice(None),) * (-1 - axis))


def _cumprod_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    """What stands before an entry, times ``r_i = g_i + x_{i+1} r_{i+1}``; divides by nothing.

    The recurrence is solved by doubling: after k rounds it has looked 2ᵏ entries ahead.
    """
    n = x.shape[axis]
    one = np.ones_like(out[_along(axis, x.ndim, slice(0, 1))])
    before = concatenate([one, out[_along(axis, x.ndim, slice(0, -1))]], axis)
    sums, factors = g, x
    ahead = 1
    while ahead < n:
        # of entry i: the sum over the next `ahead` ones, and the product of x_{i+1} … x_{i+ahead}
        tail = _along(axis, x.ndim, slice(ahead, None))
        head = _along(axis, x.ndim, slice(0, n - ahead))
        rest = _along(axis, x.ndim, slice(n - ahead, None))
        next_factors = factors[tail] if ahead == 1 else factors[head]
        sums = concatenate([sums[head] + next_factors * sums[tail], sums[rest]], axis)
        if ahead == 1:
            factors = concatenate([x[tail], 0 * x[rest]], axis)
        factors = concatenate([factors[head] * factors[tail], 0 * factors[rest]], axis)
        ahead *= 2
    return before * sums


cumprod_op: Op = op("cumprod", np.cumprod, _cumprod_vjp, cases=_CASES, stacks=True)


def _scan(name: str, entry: Op, x: Any, axis: Any, dtype: Any, out: Any) -> Tensor:
    refuse_out(name, out)
    x = operand(x) if dtype is None else astype(operand(x), dtype)
    if axis is None or x.ndim == 0:
        x, axis = ravel(x), 0
    return entry(x, axis=normalize_axis_index(axis, x.ndim) - x.ndim)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """The running sum along an axis, of all entries where it is None."""
    return _scan("cumsum", cumsum_op, a, axis, dtype, out)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """The running product along an axis; its derivatives are right where entries are 0, too."""
    return _scan("cumprod", cumprod_op, a, axis, dtype, out)


def _cumulative(name: str, entry: Op, first: int, x: Any, axis: Any, dtype: Any, out: Any,
                include_initial: bool) -> Tensor:  # fmt: skip
    x = operand(x)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"{name}: an array of shape {x.shape} needs an axis=")
        axis = 0
    scanned = _scan(name, entry, x, axis, dtype, out)
    if not include_initial:
        return scanned
    shape = list(scanned.shape)
    shape[axis] = 1
    return concatenate([np.full(shape, first, scanned.dtype), scanned], axis)


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None,
    include_initial: bool = False,
) -> Tensor:  # fmt: skip
    """`cumsum` along an axis, that of a vector by default; with a leading 0 on request."""
    return _cumulative("cumulative_sum", cumsum_op, 0, x, axis, dtype, out, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None,
    include_initial: bool = False,
) -> Tensor:  # fmt: skip
    """`cumprod` along an axis, that of a vector by default; with a leading 1 on request."""
    return _cumulative("cumulative_prod", cumprod_op, 1, x, axis, dtype, out, include_initial)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """`cumsum` in which nan counts as 0."""
    return cumsum(where(np.isnan(a), 0, a), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """`cumprod` in which nan counts as 1."""
    return cumprod(where(np.isnan(a), 1, a), axis, dtype, out)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """The n-th differences along an axis, of ``a`` with the given entries before and behind."""
    a = operand(a)
    if n < 0 or not a.ndim:
        raise ValueError(f"diff: n must be at least 0, and is {n}, of an array with an axis")
    axis = normalize_axis_index(axis, a.ndim) - a.ndim
    if n == 0:
        return a  # type: ignore[no-any-return]
    parts = []
    for part in (prepend, a, append):
        if part is not None:
            if np.ndim(part) == 0:
                shape = [*a.shape]
                shape[axis] = 1
                part = broadcast_to(operand(part), shape)
            parts.append(part)
    a = concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        a = a[_along(axis, a.ndim, slice(1, None))] - a[_along(axis, a.ndim, slice(None, -1))]
    return a  # type: ignore[no-any-return]


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """The differences of all entries in a row, with ``to_begin`` before and ``to_end`` behind."""
    parts = [to_begin, diff(ravel(ary)), to_end]
    return concatenate([ravel(part) for part in parts if part is not None])
