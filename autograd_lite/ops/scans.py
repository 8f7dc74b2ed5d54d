"""Scans: running sums and products along an axis, and differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import is_foreign
from ..engine.tensor import Tensor
from ..table import Case, Op, op
from .define import along, checked, implements, operand, refuse_out, value
from .elementwise import astype, where
from .joining import concatenate
from .moving import flip
from .reductions import in_dtype, zeros_times
from .shaping import ravel

__all__ = ["cumprod", "cumsum"]

# Axes are negative, so that further ones in front don't matter.
_CASES = [Case(((2, 3),), {"axis": axis}) for axis in (-1, -2)] + [Case(((0, 2),), {"axis": -2})]

cumsum_op: Op = op(
    "cumsum", np.cumsum, lambda g, out, x, axis: flip(cumsum_op(flip(g, axis), axis=axis), axis),
    cases=_CASES, stacks=True,
)


def _cumprod_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    """What stands before an entry, times ``r_i = g_i + x_{i+1} r_{i+1}``; divides by nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _cumprod_pulled(g, out, x, axis, np.multiply)
        finite = np.isfinite(checked(found))
        if is_foreign(finite) or not finite.all():
            # What stands behind the last cotangent doesn't count, be it nan.
            counts = np.flip(np.cumsum(np.flip(value(g) != 0, axis), axis), axis) > 0
            x = where(counts, x, np.ones_like(value(x)))
            times = partial(zeros_times, factors=(g, x))
            careful = where(counts, _cumprod_pulled(g, out, x, axis, times), 0.0)
            # A cotangent that happens to be 0 has derivatives, but where they'd come from nan.
            found = where(finite, found, careful) if is_foreign(finite) else careful
    return found


def _cumprod_pulled(g: Any, out: Any, x: Any, axis: int, times: Callable[..., Any]) -> Any:
    """The recurrence is solved by doubling: after k rounds it has looked 2ᵏ entries ahead."""
    n = x.shape[axis]
    one = np.ones_like(out[along(axis, slice(0, 1))])
    before = concatenate([one, out[along(axis, slice(0, -1))]], axis)
    # Of entry i, the sum over the next `ahead` ones, and the product of x_{i+1} … x_{i+ahead}.
    sums, factors, ahead = g, x[along(axis, slice(1, None))], 1
    while ahead < n:
        head, tail = along(axis, slice(0, n - ahead)), along(axis, slice(ahead, None))
        reached = sums[head] + times(factors, sums[tail])
        sums = concatenate([reached, sums[along(axis, slice(n - ahead, None))]], axis)
        factors = times(factors[along(axis, slice(0, -ahead))], factors[tail])
        ahead *= 2
    return times(before, sums)


cumprod_op: Op = op("cumprod", np.cumprod, _cumprod_vjp, cases=_CASES, stacks=True)


def scan(name: str, entry: Op, x: Any, axis: Any, dtype: Any, out: Any = None) -> Tensor:
    refuse_out(name, out)
    x = operand(x) if dtype is None else astype(operand(x), dtype)
    if axis is None or x.ndim == 0:
        x, axis = ravel(x), 0
    found = entry(x, axis=normalize_axis_index(axis, x.ndim, name) - x.ndim)
    return in_dtype(found, dtype)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """The running sum along an axis, of all entries where it is None."""
    return scan("cumsum", cumsum_op, a, axis, dtype, out)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
    """The running product along an axis; its derivatives are right where entries are 0, too."""
    return scan("cumprod", cumprod_op, a, axis, dtype, out)
