"""Entry by entry: functions that choose among others, or consist of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import beside
from ..engine.tensor import Array, Tensor, is_tracked
from ..ops import astype, broadcast_to, value_of
from ..ops.define import by_name, implements, operand, operand_or_number, refuse_out, setting, value

__all__ = [
    "clip", "copysign", "divmod", "float_power", "full_like", "heaviside", "nan_to_num", "select",
]  # fmt: skip


@implements(np.float_power)
def float_power(x1: Any, x2: Any) -> Tensor:
    """``x1 ** x2`` in at least double precision."""
    wide: list[Any] = [
        x if isinstance(x, (int, float, complex)) else astype(x, np.result_type(x.dtype, float))
        for x in map(operand_or_number, (x1, x2))
    ]
    return np.power(*wide)


@implements(np.divmod)
def divmod(x1: Any, x2: Any) -> tuple[Array, Tensor]:
    """``(x1 // x2, x1 % x2)``: the quotient is constant in pieces, and a plain array."""
    return value_of(np.floor_divide, x1, x2), np.remainder(x1, x2)


@implements(np.copysign)
def copysign(x1: Any, x2: Any) -> Tensor:
    """``|x1|`` with the sign of ``x2``, which is constant in pieces."""
    x1, x2 = operand_or_number(x1), operand_or_number(x2)
    found = value_of(np.copysign, x1, x2)
    size = np.absolute(astype(beside(x1, [found]), found.dtype))  # that of −128 is no int8
    return size * (1 - 2 * np.signbit(found).astype(found.dtype))


@implements(np.heaviside)
def heaviside(x1: Any, x2: Any) -> Any:
    """0 below 0 and 1 above, constant in pieces; ``x2`` at 0."""
    step = value_of(np.heaviside, x1, x2)
    return np.where(value(x1) == 0, x2, step) if is_tracked(x2) else step


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """In each place the choice whose condition is the first to hold there, or ``default``."""
    masks = [np.empty((0,) * np.ndim(x), operand(x).dtype) for x in condlist]
    np.select(masks, [np.empty((0,) * np.ndim(x)) for x in choicelist])  # raises what there is to
    chosen = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        chosen = np.where(condition, choice, chosen)
    return chosen


@implements(np.clip, np._core.umath.clip)  # type: ignore[attr-defined]  # of a.clip(t)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None,
    max: Any = None,
) -> Tensor:  # fmt: skip
    """``a`` kept within ``[min, max]``; None leaves a side open.

    On a bound itself half of the gradient flows, as for `maximum`.
    """
    refuse_out("clip", out)
    if not ((a_min is None and a_max is None) or (min is None and max is None)):
        raise ValueError("clip: give a_min and a_max, or min and max, and not both")
    low, high = a_min if min is None else min, a_max if max is None else max
    clipped = np.positive(a) if low is None else np.maximum(a, low)
    return clipped if high is None else np.minimum(clipped, high)


@by_name(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, **numbers: Any) -> Tensor:
    """Numbers in place of nan and infinities; to those that are replaced flows no gradient."""
    x = operand(x)
    numbers = {key: setting("nan_to_num", key, number) for key, number in numbers.items()}
    if x.dtype.kind == "c":
        return nan_to_num(np.real(x), **numbers) + 1j * nan_to_num(np.imag(x), **numbers)
    array = value(x)
    replaced = np.nan_to_num(array, **numbers)
    return np.where(np.isfinite(array), x, replaced)


@by_name(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Tensor:
    """``fill_value``, which has a gradient, in the shape and dtype of ``a``, which has none."""
    a = operand(a)
    filled = broadcast_to(beside(fill_value, [a]), a.shape if shape is None else shape)
    return astype(filled, a.dtype if dtype is None else dtype)
