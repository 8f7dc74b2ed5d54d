"""Elementwise ops: entry by entry, with full broadcasting.

A vjp here is ``g`` times the partial derivative, written out; where an operand was broadcast, the
backward pass sums the result to its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import complex_gradient, explain, refuse_constant
from ..modes import trace
from ..notation import (
    ATOM,
    COMPARISON,
    MATMUL,
    POWER,
    PREFIX,
    PRODUCT,
    SUM,
    Notation,
    function,
    infix,
    number,
)
from ..op import Case, Op, op
from ..tensor import Array, Tensor

POSITIVE = (0.3, 3.0)

# ---------------------------------------------------------------------- arithmetic

add = op(
    "add", np.add, lambda g, out, x, y: g, lambda g, out, x, y: g, notation=infix("+", SUM)
)
subtract = op(
    "subtract",
    np.subtract,
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g,
    notation=infix("−", SUM, PRODUCT),
)
multiply = op(
    "multiply",
    np.multiply,
    lambda g, out, x, y: g * y,
    lambda g, out, x, y: g * x,
    notation=infix("∘", PRODUCT, MATMUL),
)
divide = op(
    "divide",
    np.divide,
    lambda g, out, x, y: g / y,
    lambda g, out, x, y: -g * out / y,
    domain=POSITIVE,
    notation=Notation("{0} / {1}", PRODUCT, (PRODUCT, MATMUL), "/"),
)
negative = op(
    "negative",
    np.negative,
    lambda g, out, x: -g,
    notation=Notation("−{0}", PREFIX, (PREFIX,), "−"),
)
positive = op(
    "positive", np.positive, lambda g, out, x: g, notation=Notation("{0}", ATOM, (ATOM,), "+")
)
reciprocal = op(
    "reciprocal", np.reciprocal, lambda g, out, x: -g * out * out, domain=POSITIVE,
    notation=Notation("1 / {0}", PRODUCT, (MATMUL,), "1/"),
)  # fmt: skip
remainder = op(
    "remainder",
    np.remainder,
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g * np.floor(x / y),
    domain=POSITIVE,
    notation=Notation("{0} mod {1}", PRODUCT, (PRODUCT, MATMUL), "mod"),
)
square = op(
    "square",
    np.square,
    lambda g, out, x: g * (2 * x),
    notation=Notation("{0}²", POWER, (ATOM,), "²"),
)

# x ** (y − 1) where y isn't 0; x ** 0 is constant, also at x = 0.
power_op = op(
    "power",
    np.power,
    lambda g, out, x, y: g * (y * x ** np.where(y == 0, 1.0, y - 1)),
    lambda g, out, x, y: g * (out * np.log(np.where(x == 0, 1.0, x))),
    domain=POSITIVE,
    notation=Notation("{0}^{1}", POWER, (ATOM, ATOM), "^"),
)


def _superscript(operands: Sequence[str], params: dict[str, Any]) -> str:
    exponent = number(params["exponent"])
    if all(digit in _SUPERSCRIPTS for digit in exponent):
        return operands[0] + "".join(_SUPERSCRIPTS[digit] for digit in exponent)
    return f"{operands[0]}^{exponent}"


_SUPERSCRIPTS = dict(zip("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))

# With a constant exponent n the rule needs no case distinction on arrays, and no logarithm.
fixed_power = op(
    "fixed_power",
    lambda x, exponent: x**exponent,
    lambda g, out, x, exponent: g * (exponent * x ** (exponent - 1 if exponent else 1)),
    domain=POSITIVE,
    cases=[Case(((2, 3),), {"exponent": n}) for n in (3, 1, 0, -1, 0.5)],
    notation=Notation(_superscript, POWER, (ATOM,), "^"),
    source="({0}**{exponent!r})",
)


def power(x: Any, y: Any) -> Tensor:
    """``x ** y``, elementwise.

    At ``x = 0`` the derivative with respect to ``y`` is taken as 0, the limit for every ``y > 0``.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor([0.0, 3.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    array([0., 6.])
    """
    if isinstance(y, (int, float)) and not isinstance(y, bool):
        return square(x) if y == 2 else fixed_power(x, exponent=y)
    return power_op(x, y)


# ---------------------------------------------------------------------- functions of one tensor

absolute = op(
    "absolute", np.absolute, lambda g, out, x: g * np.sign(x),
    notation=Notation("|{0}|", ATOM, (SUM,), "|·|"),
)  # fmt: skip
exp = op("exp", np.exp, lambda g, out, x: g * out)
expm1 = op("expm1", np.expm1, lambda g, out, x: g * (out + 1))
log = op("log", np.log, lambda g, out, x: g / x, domain=POSITIVE)
log1p = op("log1p", np.log1p, lambda g, out, x: g / (1 + x), domain=(-0.7, 3.0))
sqrt = op(
    "sqrt", np.sqrt, lambda g, out, x: g / (2 * out), domain=POSITIVE, notation=function("√")
)
sin = op("sin", np.sin, lambda g, out, x: g * np.cos(x))
cos = op("cos", np.cos, lambda g, out, x: -g * np.sin(x))
tanh = op("tanh", np.tanh, lambda g, out, x: g * (1.0 - out * out))
relu = op(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda g, out, x: g * (x > 0),
    source="np.maximum({0}, 0)",
)
softplus = op(
    "softplus",
    lambda x: np.logaddexp(x, 0),
    lambda g, out, x: g * sigmoid(x),
    source="np.logaddexp({0}, 0)",
)


# For each dtype 1, and the greatest x for which exp(x) is finite: there σ(−x) is next to nothing.
# As arrays, since NumPy takes longer to convert a number than to add it.
_ONE_AND_GREATEST = {
    np.dtype(t).char: (np.ones((), t), np.array(np.floor(np.log(np.finfo(t).max))))
    for t in (np.float16, np.float32, np.float64, np.longdouble)
}


def _sigmoid(x: Any) -> Any:
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    one, greatest = _ONE_AND_GREATEST[x.dtype.char]
    return one / (one + np.exp(np.minimum(-x, greatest)))


sigmoid: Op = op(
    "sigmoid",
    _sigmoid,
    lambda g, out, x: g * (out * (1.0 - out)),
    notation=function("σ"),
    source="(1 / (1 + np.exp(-{0})))",
)

# ---------------------------------------------------------------------- choosing

# Where two entries tie, each is the larger one as much as the other: half the gradient each.
maximum = op(
    "maximum",
    np.maximum,
    lambda g, out, x, y: g * np.where(x == y, 0.5, x > y),
    lambda g, out, x, y: g * np.where(x == y, 0.5, y > x),
    notation=function("max"),
)
minimum = op(
    "minimum",
    np.minimum,
    lambda g, out, x, y: g * np.where(x == y, 0.5, x < y),
    lambda g, out, x, y: g * np.where(x == y, 0.5, y < x),
    notation=function("min"),
)
where_op = op(
    "where",
    np.where,
    None,
    lambda g, out, condition, x, y: where(condition, g, 0),
    lambda g, out, condition, x, y: where(condition, 0, g),
    cases=[Case(((3,), (2, 3), (2, 1)))],
    source="np.where({0}, {1}, {2})",
)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """``x`` where ``condition`` holds, else ``y``; no gradient flows to the condition.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor([-1.0, 2.0], requires_grad=True)
    >>> ag.where(x > 0, x, 0.1 * x).sum().backward()
    >>> x.grad
    array([0.1, 1. ])
    """
    return where_op(condition, x, y)


def clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Tensor:
    """``a`` kept within ``[min, max]``; None leaves a side open.

    On a bound itself half of the gradient flows, as for `maximum`.
    """
    low, high = a_min if min is None else min, a_max if max is None else max
    clipped = positive(a) if low is None else maximum(a, low)
    return clipped if high is None else minimum(clipped, high)


def copy(a: Any, order: str = "K") -> Tensor:
    """``a`` again; the gradient is passed on."""
    return positive(a)


# ---------------------------------------------------------------------- dtype, identity, values

astype_op = op(
    "astype",
    lambda x, dtype: x.astype(dtype),
    lambda g, out, x, dtype: g.astype(x.dtype),
    cases=[Case(((2, 3),), {"dtype": np.dtype(np.float64)})],
    notation=Notation("{0}", ATOM, (ATOM,), "astype"),
    source="np.asarray({0}, dtype='{dtype}')",
)


def astype(x: Tensor, dtype: DTypeLike) -> Any:
    """``x`` in another dtype; integers and booleans have no gradient, and come as an array."""
    kind = np.dtype(dtype)
    if kind.kind not in "biufc":
        refuse_constant("astype", np.empty((), kind))
    if kind.kind == "c" and x.requires_grad:
        raise complex_gradient("astype")
    if kind.kind in "biu" and x.requires_grad:
        return x._array.astype(kind)
    return astype_op(x, dtype=kind)


# A leaf that was changed since an op used it stands in the recorded backward pass as it was then.
as_it_was = Op(
    "as_it_was",
    lambda x, value: value.view(),
    lambda g, out, x, value: g,
    notation=Notation("{0}", ATOM, (ATOM,), "="),
    source="{0}",
)


# Piecewise constant functions: ops without a vjp, which are recorded only while tracing.
_VALUE_SIGNS = {
    np.equal: "=", np.not_equal: "≠", np.less: "<", np.less_equal: "≤", np.greater: ">",
    np.greater_equal: "≥",
}  # fmt: skip
VALUE_OPS = {
    f: Op(f.__name__, f, notation=infix(sign, COMPARISON, SUM)) for f, sign in _VALUE_SIGNS.items()
} | {f: Op(f.__name__, f) for f in (np.sign, np.floor, np.ceil, np.rint, np.trunc)}


def value_of(function: Any, *args: Any, **kwargs: Any) -> Array:
    """A function without a gradient (a comparison, `np.sign`, …) of the values: a plain array.

    While tracing it is recorded instead.
    """
    if trace.active() and function in VALUE_OPS:
        recorded: Any = VALUE_OPS[function](*args, **kwargs)
        return recorded  # type: ignore[no-any-return]
    arrays = [a._array if type(a) is Tensor else a for a in args]
    settings = {k: v._array if type(v) is Tensor else v for k, v in kwargs.items()}
    try:
        value: Array = function(*arrays, **settings)
    except ValueError as error:
        raise explain(getattr(function, "__name__", "?"), args, arrays, {}, error) from error
    return value
