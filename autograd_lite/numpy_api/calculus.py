"""Differences and running sums, and functions given by samples: integrals, polynomials, grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..arrays import as_array, beside, is_foreign, of_values, perhaps, refuse
from ..engine.tensor import Tensor
from ..errors import describe
from ..ops import astype, broadcast_to, moveaxis, power, ravel, stack, where
from ..ops.define import along, implements, numpys, operand, operand_or_number, setting, value
from .indexing import index_update

__all__ = [
    "angle", "apply_along_axis", "cumulative_prod", "cumulative_sum", "diff", "ediff1d",
    "geomspace", "gradient", "interp", "linspace", "logspace", "nancumprod",
    "nancumsum", "piecewise", "polyval", "trapezoid", "unwrap", "vander",
]  # fmt: skip


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Differences of second order along axes, of the order ``edge_order`` at the edges.

    The spacings, numbers or coordinates, have a gradient, too.
    """
    f = _unrounded(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim, "gradient")
    spacings = list(varargs or (1.0,))
    alike: list[Any] = [np.cumsum(np.ones(shape)).reshape(shape)
                        for shape in map(np.shape, spacings)]  # fmt: skip
    behind = tuple(a + 1 for a in axes)
    np.gradient(np.empty((0, *f.shape)), *alike, axis=behind, edge_order=edge_order)  # may raise
    if len(spacings) == 1:
        spacings *= len(axes)
    slopes = tuple(
        astype(moveaxis(_slopes(moveaxis(f, a, -1), _unrounded(h), edge_order), -1, a), f.dtype)
        for a, h in zip(axes, spacings, strict=True)
    )
    return slopes[0] if len(axes) == 1 else slopes


def _unrounded(x: Any) -> Any:
    """Whole numbers as floats: a difference of narrow ones would overflow."""
    x = operand(x)
    return x if x.dtype.kind in "fc" else astype(x, float)


def _slopes(f: Any, h: Any, edge_order: int) -> Any:
    """Along the last axis, from the parabolas through three neighbours."""
    steps = h[1:] - h[:-1] if h.ndim else broadcast_to(h, (f.shape[-1] - 1,))
    quotients = (f[..., 1:] - f[..., :-1]) / steps
    if h.ndim:
        share = steps[:-1] / (steps[:-1] + steps[1:])
        inner = (1 - share) * quotients[..., :-1] + share * quotients[..., 1:]
    else:  # what lies between doesn't count, be it infinite
        inner = (f[..., 2:] - f[..., :-2]) / (2 * h)
    if edge_order == 1:
        first, last = quotients[..., :1], quotients[..., -1:]
    else:
        first = quotients[..., :1] + (quotients[..., :1] - inner[..., :1])
        last = quotients[..., -1:] + (quotients[..., -1:] - inner[..., -1:])
    return np.concatenate([first, inner, last], -1)


trapezoid = numpys(np.trapezoid, "The integral along an axis by trapezoids.")


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Tensor:
    """Linear interpolation in the points ``(xp, fp)``; all three have a gradient.

    At a point itself the slope is that to its right.
    """
    x, xp, fp = (astype(operand(a), np.result_type(value(a), float)) for a in (x, xp, fp))
    low, high = (None if a is None else operand(a).dtype.type().item() for a in (left, right))
    points, values = np.zeros(xp.shape, xp.dtype), np.zeros(fp.shape, fp.dtype)
    np.interp(np.zeros(1, x.dtype), points, values, low, high, period)  # raises what it may
    if period is not None:
        x, xp = x % abs(period), xp % abs(period)
        order = of_values(np.argsort, value(xp), kind="stable")
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    x, xp, fp = (beside(a, [x, xp, fp]) for a in (x, xp, fp))
    points, at = value(xp), value(x)
    before = np.searchsorted(points, at, side="right") - 1
    i = np.clip(before, 0, len(points) - 2)  # of a single one −1, which is that, too
    xp, fp = beside(xp, [i]), beside(fp, [i])
    x0, x1, f0, f1 = xp[i], xp[i + 1], fp[i], fp[i + 1]
    width = where(value(x1) == value(x0), 1.0, x1 - x0)
    slope = (f1 - f0) / width
    inner = f0 + (x - x0) * slope
    inner = where(at == points[-1], fp[-1] + (x - xp[-1]) * slope, inner)
    undefined = ~np.isfinite(value(inner))
    if perhaps(undefined):  # as from the other point; at either the value is known all the same
        level = value(f0) == value(f1)
        inner = where(undefined, f1 + (x - x1) * slope, inner)
        inner = where(undefined & ((at == value(x0)) | level), f0, inner)
        inner = where(undefined & (at == value(x1)), f1, inner)
    if period is not None:
        return inner
    inner = where(at < points[0], fp[0] if left is None else left, inner)
    return where(at > points[-1], fp[-1] if right is None else right, inner)


angle = numpys(np.angle, "The angle of ``z`` in the complex plane, in radians or degrees.")


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Tensor:
    """Angles without jumps: multiples of the period are added, which are constant in pieces."""
    array, period = value(p), setting("unwrap", "period", period)
    unwrapped = of_values(np.unwrap, array, discont=discont, axis=axis, period=period)
    return p + (unwrapped - array).astype(unwrapped.dtype)


polyval = numpys(np.polyval, "The polynomial with coefficients ``p``, highest first, at ``x``.")


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """The powers of the entries of a vector in columns, the highest first."""
    x = operand(x)
    x = astype(x, np.result_type(x.dtype, int))  # as NumPy does
    n = x.size if N is None else N
    np.vander(np.empty((0,) * x.ndim), n)  # raises what there is to raise
    exponents = np.arange(n) if increasing else np.arange(n)[::-1]
    return power(x[:, None], beside(exponents, [x]))


# ---------------------------------------------------------------------- grids


def _ends(start: Any, stop: Any, *further: Any) -> tuple[Any, Any]:
    """Both ends in the dtype that they have in common, where numbers don't count, and others."""
    ends = [operand_or_number(x) for x in (start, stop)]
    dtype = np.result_type(*(getattr(x, "dtype", x) for x in ends), *further)
    first, last = (astype(operand(x), dtype) for x in ends)
    return first, last


def _shares(start: Any, stop: Any, num: int, endpoint: bool) -> Any:
    """How far it is to each point, from 0 to 1, along a further axis in front."""
    share = np.linspace(0.0, 1.0, num, endpoint).astype(start.dtype)
    return share.reshape(-1, *(1,) * max(start.ndim, stop.ndim))


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: None = None,
) -> Any:  # fmt: skip
    """Evenly spaced numbers from ``start`` to ``stop``, which both have a gradient."""
    start, stop = _ends(start, stop, 1.0)
    intervals = num - 1 if endpoint else num
    share = _shares(start, stop, num, endpoint)
    points = start * (1 - share) + stop * share
    points = moveaxis(points, 0, axis) if axis else points
    if dtype is not None and np.dtype(dtype).kind in "iu":
        # Rounding decides, and so it is NumPy's.
        points = np.floor(np.linspace(value(start), value(stop), num, endpoint, axis=axis))
    points = points if dtype is None else astype(points, dtype)
    step = (stop - start) / intervals if intervals > 0 else np.nan
    return (points, step) if retstep else points


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """``base`` to the power of evenly spaced numbers."""
    if np.ndim(base):
        shape = np.broadcast_shapes(*(np.shape(x) for x in (start, stop, base)))
        start, stop, base = (broadcast_to(x, shape) for x in (start, stop, base))
        base = operand(base)[None] if axis == 0 else np.expand_dims(base, axis)
    points = linspace(start, stop, num, endpoint, axis=axis)
    points = power(operand_or_number(base), points)
    return points if dtype is None else astype(points, dtype)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """Numbers from ``start`` to ``stop`` of which each is the same multiple of the one before."""
    start, stop = _ends(start, stop, np.float64, np.float64 if dtype is None else dtype)
    for end in (start, stop):
        refuse(lambda end: end == 0, ValueError, "geomspace: neither end may be 0", value(end))
    share = _shares(start, stop, num, endpoint)
    points = np.where(share == 1, stop, start * (stop / start) ** share)
    points = moveaxis(points, 0, axis) if axis else points
    return points if dtype is None else astype(points, dtype)


# ---------------------------------------------------------------------- functions of parts


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Tensor:
    """Where a condition holds, its function of those entries of ``x``; the last that holds counts.

    One function more than there are conditions is for where none holds.
    """
    x = operand(x)
    conditions = value(condlist) if type(condlist) is Tensor else condlist
    if (not isinstance(conditions, (list, tuple)) and np.ndim(conditions) == 0) or (
        not np.ndim(conditions[0]) and x.ndim
    ):
        conditions = [conditions]
    masks = [_mask(x.shape, as_array(value(c))) for c in conditions]
    np.piecewise(np.zeros(1), [[True]] * len(masks), [0] * len(funclist))  # raises what it may
    if len(funclist) > len(masks):
        masks.append(~reduce(np.logical_or, masks))
    y: Any = beside(np.zeros(x.shape, x.dtype), masks)
    for mask, f in zip(masks, funclist, strict=True):
        if is_foreign(mask):  # and so it isn't known how many entries there are
            y = where(mask, f(x, *args, **kw) if callable(f) else f, y)
        elif mask.any():
            y = index_update(y, mask, f(x[mask], *args, **kw) if callable(f) else f)
    return y


def _mask(shape: tuple[int, ...], condition: Any) -> Any:
    """Where a condition holds, in an array of that shape."""
    mask: Any = beside(np.zeros(shape, bool), [condition])
    if type(mask) is not np.ndarray:
        return mask | condition.astype(bool)
    mask[condition.astype(bool)] = True
    return mask


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Tensor:
    """``func1d`` of each vector along an axis; what it returns takes the place of the axis."""
    arr = operand(arr)
    axis = normalize_axis_index(axis, arr.ndim, "apply_along_axis")
    rows = moveaxis(arr, axis, -1)
    count = int(np.prod(rows.shape[:-1]))
    if not count:
        raise ValueError(f"apply_along_axis: {describe(arr, 'an array')} has no vectors there")
    vectors = np.reshape(rows, (count, arr.shape[axis]))
    found = [operand(func1d(row, *args, **kwargs)) for row in vectors]
    front, inner = rows.shape[:-1], found[0].shape
    whole = np.reshape(stack(found), (*front, *inner))
    return moveaxis(whole, range(len(front), len(front) + len(inner)),
                    range(axis, axis + len(inner)))  # fmt: skip


# ---------------------------------------------------------------------- running, and differences


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


def running(extreme: Any, a: Any, axis: int = 0, dtype: Any = None) -> Any:
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
    return np.take_along_axis(a, places, axis)


diff = numpys(np.diff, "The n-th differences along an axis, with entries before and behind.")


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of all entries in a row, with ``to_begin`` before and ``to_end`` behind."""
    ary = operand(ary)
    given = [to_begin, diff(ravel(ary)), to_end]
    parts = [operand(part) for part in given if part is not None]
    for part in parts:
        np.ediff1d(np.empty(0, ary.dtype), np.empty(0, part.dtype))  # raises where it can't
    return np.concatenate([astype(ravel(part), ary.dtype) for part in parts])
