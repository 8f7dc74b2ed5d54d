"""Reductions, scans: ``axis`` is None, an integer or a tuple, as in NumPy; so is ``keepdims``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import as_array, is_at_hand, is_foreign, zeros
from ..engine.tensor import Tensor
from ..show.notation import function
from ..table import Case, Op, op
from .define import along, checked, implements, named, operand, refuse_out, setting, value
from .elementwise import astype
from .elementwise import where as where_
from .moving import flip
from .shaping import broadcast_to, concatenate, flattened, ravel, unflattened

__all__ = ["amax", "amin", "cumprod", "cumsum", "max", "mean", "min", "prod", "sum"]

_CASES = [
    Case(((2, 3),), {"axis": axis, "keepdims": keepdims})
    for axis in (None, 0, -1, (0, 1), ())
    for keepdims in (False, True)
] + [
    Case(((),), {"axis": None, "keepdims": False}),
    Case(((2, 1, 3),), {"axis": (0, -1), "keepdims": False}),
]


def _kept(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's result, or a stack of its cotangents, with the axes that were reduced."""
    if keepdims or not x.ndim:  # which NumPy lets have an axis
        return reduced
    if axis is None:
        return reduced.reshape(reduced.shape + (1,) * x.ndim)
    axes = {a % x.ndim for a in np.atleast_1d(axis)}
    shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
    stacked = reduced.ndim - x.ndim + len(axes)
    return reduced.reshape([*reduced.shape[:stacked], *shape])


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    kept = _kept(g, x, axis, keepdims)
    return broadcast_to(kept, kept.shape[: kept.ndim - x.ndim] + x.shape)


def _reduction(name: str, forward: Any, vjp: Any, **traits: Any) -> Op:
    source = f"np.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})"
    return op(name, forward, vjp, cases=_CASES, stacks=True, source=source, **traits)


def _reducing(ufunc: Any, function: Any) -> Callable[..., Any]:
    """``ufunc.reduce``, which is quick, but for other libraries' arrays, that may have none."""
    quick = ufunc.reduce

    def reduced(x: Any, axis: Any, **settings: Any) -> Any:
        if not is_foreign(x):
            return quick(x, axis=axis, **settings)
        initial = settings.pop("initial", None) if x.size else None  # which not all know
        found = function(x, axis=axis, **settings)
        return found if initial is None else ufunc(found, initial)

    return reduced


sum_op = _reduction(
    "sum", _reducing(np.add, np.sum),
    lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims), notation=function("Σ"),
    reads="all",
)


@implements(np.sum)
def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None,
) -> Tensor:  # fmt: skip
    """The sum over ``axis`` of the entries where ``where`` holds, and of ``initial``."""
    a = ready("sum", a, dtype, out, where, 0)
    total = sum_op(a, axis=axis, keepdims=keepdims)
    return in_dtype(total if initial is None else total + _start(initial, total), dtype)


def _mean_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    n = x.size / out.size if out.size else 1
    g = g * (1 / n) if g.dtype == np.float16 else g / n  # in float16 n may be infinite
    return _spread(g, x, axis, keepdims)


mean_op = _reduction(
    "mean", lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims), _mean_vjp,
    notation=function("mean"),
)


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, *,
    where: Any = None,
) -> Tensor:  # fmt: skip
    """The mean over ``axis`` of the entries where ``where`` holds."""
    refuse_rounding("mean", dtype)
    if where is None:
        return mean_op(ready("mean", a, dtype, out), axis=axis, keepdims=keepdims)
    a = operand(a)
    narrow = a.dtype == np.float16 and dtype is None  # in which a sum and a count may be infinite
    total = sum(a, axis, np.float32 if narrow else dtype, out, keepdims, where=where)
    average = total / as_array(count(a, axis, keepdims, where)).astype(total.dtype)[()]
    return astype(average, np.float16) if narrow else average


def count(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many entries are reduced: a number, where all count."""
    held = np.broadcast_to(True if where is None else value(where), np.shape(a))
    found = held.sum(axis=axis, keepdims=keepdims)
    return found.max(initial=0) if where is None else found


def _extreme_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, initial: Any = None) -> Any:
    """Entries that tie share the gradient equally; there is none for ``initial``.

    That of an entry that is nan, and makes the extreme so, is nan.
    """
    chosen = x == _kept(out, x, axis, keepdims)
    shares = chosen / np.maximum(chosen.sum(axis=axis, keepdims=True), 1)
    return _kept(g, x, axis, keepdims) * np.where(x != x, np.nan, shares)


max_op = _reduction("max", _reducing(np.maximum, np.max), _extreme_vjp, reads="some")
min_op = _reduction("min", _reducing(np.minimum, np.min), _extreme_vjp, reads="some")


def _extreme(function: Any, entry: Op) -> Callable[..., Tensor]:
    name = function.__name__

    def extreme(
        a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
        where: Any = None,
    ) -> Tensor:  # fmt: skip
        if where is not None and initial is None:
            raise ValueError(f"{name}: with where= there must be an initial=")
        initial = setting(name, "initial", initial)
        a = ready(name, a, None, out, where, initial)
        settings = {} if initial is None else {"initial": initial}
        return entry(a, axis=axis, keepdims=keepdims, **settings)

    doc = f"The {entry.name} over ``axis``; entries that tie share its gradient equally."
    return implements(function)(named(function, extreme, doc))


max, min = _extreme(np.max, max_op), _extreme(np.min, min_op)
amax, amin = _extreme(np.amax, max_op), _extreme(np.amin, min_op)


# ---------------------------------------------------------------------- products


def _others(x: Any, axis: Any) -> Any:
    """For each entry the product of all others that it is multiplied with; divides by nothing."""
    axis = axis if x.ndim else None
    rows = flattened(x, axis)
    with np.errstate(over="ignore", invalid="ignore"):
        others = _others_in_rows(rows)
        if overflows(others, rows):
            zeros = _others_in_rows(np.where(rows == 0, rows, 1.0))
            others = zeros_times(zeros, _others_in_rows(np.where(rows == 0, 1.0, rows)), [rows])
    return unflattened(others, x.shape, axis)


def _others_in_rows(rows: Any) -> Any:
    one = zeros((*rows.shape[:-1], 1), rows) + 1
    before = concatenate([one, np.cumprod(rows[..., :-1], axis=-1)], -1)
    behind = concatenate([one, np.cumprod(rows[..., :0:-1], axis=-1)], -1)[..., ::-1]
    return (before * behind)[..., : rows.shape[-1]]


def overflows(product: Any, *factors: Any) -> bool:
    """Whether nan in a product may be 0 times what is too large, and not infinite itself."""
    if not is_at_hand(checked(product)):  # it may be
        return True
    return all(np.isfinite(checked(x)).all() for x in factors) and np.isnan(checked(product)).any()


def zeros_times(x: Any, y: Any, factors: Sequence[Any]) -> Any:
    """``x * y``; where x is 0, it is that also where y overflowed, though no factor is infinite."""
    too_large = (value(x) == 0) & ~np.isfinite(value(y))
    for factor in factors:
        too_large = too_large & np.isfinite(value(factor)).all()
    return x * where_(too_large, np.nan_to_num(value(y)), y)


prod_op = _reduction(
    "prod", _reducing(np.multiply, np.prod),
    lambda g, out, x, axis, keepdims: _kept(g, x, axis, keepdims) * _others(x, axis),
    notation=function("Π"),
)


@implements(np.prod)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None,
) -> Tensor:  # fmt: skip
    """The product over ``axis``; its derivatives are right where entries are 0, too."""
    a = ready("prod", a, dtype, out, where, 1)
    product = prod_op(a, axis=axis, keepdims=keepdims)
    return in_dtype(product if initial is None else product * _start(initial, product), dtype)


def _start(initial: Any, found: Any) -> Any:
    """What a reduction starts with, in its dtype, as NumPy takes it."""
    is_number = type(initial) in (bool, int, float, complex) and found.dtype.kind in "fc"
    return initial if is_number else astype(operand(initial), found.dtype)


def in_dtype(found: Any, dtype: Any) -> Any:
    """In what was asked for: integers are added up in a wider dtype."""
    return found if dtype is None or found.dtype == dtype else astype(found, dtype)


def refuse_rounding(function: str, dtype: Any) -> None:
    """Raise where what isn't whole is asked for in integers."""
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(f"{function}: dtype={np.dtype(dtype)} would round it; leave it out")


def ready(function: str, a: Any, dtype: Any, out: Any, where: Any = None, identity: Any = 0) -> Any:
    """The operand in the dtype asked for, the identity where it doesn't count; no ``out``."""
    refuse_out(function, out)
    a = operand(a)
    if dtype is not None:
        a = astype(a, dtype)
    if where is None:
        return a
    mask = value(where)
    if mask.dtype != bool:
        raise TypeError(f"{function}: where= must be boolean, and has dtype {mask.dtype}")
    return where_(mask, a, np.asarray(identity, a.dtype)[()])


# ---------------------------------------------------------------------- scans

# Axes are negative, so that further ones in front don't matter.
_SCANNED = [Case(((2, 3),), {"axis": axis}) for axis in (-1, -2)] + [Case(((0, 2),), {"axis": -2})]

cumsum_op: Op = op(
    "cumsum", np.cumsum, lambda g, out, x, axis: flip(cumsum_op(flip(g, axis), axis=axis), axis),
    cases=_SCANNED, stacks=True,
)


def _cumprod_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    """What stands before an entry, times ``r_i = g_i + x_{i+1} r_{i+1}``; divides by nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _cumprod_pulled(g, out, x, axis, np.multiply)
        finite = np.isfinite(checked(found))
        if is_foreign(finite) or not finite.all():
            # What stands behind the last cotangent doesn't count, be it nan.
            counts = np.flip(np.cumsum(np.flip(value(g) != 0, axis), axis), axis) > 0
            x = where_(counts, x, np.ones_like(value(x)))
            times = partial(zeros_times, factors=(g, x))
            careful = where_(counts, _cumprod_pulled(g, out, x, axis, times), 0.0)
            # A cotangent that happens to be 0 has derivatives, but where they'd come from nan.
            found = where_(finite, found, careful) if is_foreign(finite) else careful
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


cumprod_op: Op = op("cumprod", np.cumprod, _cumprod_vjp, cases=_SCANNED, stacks=True)


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
