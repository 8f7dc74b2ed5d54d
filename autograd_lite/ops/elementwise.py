"""Elementwise ops: entry by entry, with full broadcasting.

A vjp here is ``g`` times the partial derivative, written out; where an operand was broadcast, the
backward pass sums the result to its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import as_array, content, numbers_for, of_values, refuse_kinds
from ..engine.later import later
from ..engine.modes import trace
from ..engine.tensor import FOREIGN, Tensor
from ..errors import complex_to_real, explain, refuse_constant
from ..masks import remember
from ..seen import look
from ..show import notation
from ..show.notation import ATOM, MATMUL, POWER, PREFIX, PRODUCT, SUM, Notation, function, infix
from ..table import Case, Op, leaves_operators_alone, op
from .define import implements, operand, value

__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "arccos", "arccosh", "arcsin", "arcsinh",
    "arctan", "arctan2", "arctanh", "asin", "asinh", "astype", "atan", "atan2", "atanh", "cbrt",
    "conj", "copy", "cos", "cosh", "deg2rad", "degrees", "divide", "exp", "exp2", "expm1",
    "fabs", "fmax", "fmin", "fmod", "hypot", "imag", "ldexp", "log", "log1p", "log2", "log10",
    "logaddexp", "logaddexp2", "maximum", "minimum", "mod", "multiply", "negative", "nextafter",
    "positive", "pow", "power", "rad2deg", "radians", "real", "reciprocal", "relu", "remainder",
    "sigmoid", "sign", "sin", "sinc", "sinh", "softplus", "sqrt", "square", "subtract", "tan",
    "tanh", "true_divide", "where",
]  # fmt: skip

POSITIVE = (0.3, 3.0)
WITHIN_1 = (-0.8, 0.8)
entrywise = partial(op, entrywise=True)


def ufunc(f: Any, *vjps: Any, **traits: Any) -> Op:
    """The op of a ufunc, under its name."""
    return entrywise(f.__name__, f, *vjps, **traits)


# ---------------------------------------------------------------------- arithmetic

add = ufunc(np.add, lambda g, out, x, y: g, lambda g, out, x, y: g, notation=infix("+", SUM))
subtract = ufunc(
    np.subtract, lambda g, out, x, y: g, lambda g, out, x, y: -g, notation=infix("−", SUM, PRODUCT),
)
multiply = ufunc(
    np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x,
    notation=infix("∘", PRODUCT, MATMUL),
)
divide = ufunc(
    np.divide, lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y, domain=POSITIVE,
    notation=Notation("{0} / {1}", PRODUCT, (PRODUCT, MATMUL), "/"),
)
negative = ufunc(
    np.negative, lambda g, out, x: -g, notation=Notation("−{0}", PREFIX, (PRODUCT,), "−"),
)
positive = ufunc(np.positive, lambda g, out, x: g, notation=Notation("{0}", ATOM, (ATOM,), "+"))
reciprocal = ufunc(
    np.reciprocal, lambda g, out, x: -g * out * out, domain=POSITIVE,
    notation=Notation("1 / {0}", PRODUCT, (MATMUL,), "1/"),
)
remainder = ufunc(
    np.remainder, lambda g, out, x, y: g, lambda g, out, x, y: -g * np.floor_divide(x, y),
    domain=POSITIVE, notation=Notation("{0} mod {1}", notation.COMPARISON, (MATMUL, MATMUL), "mod"),
)
square = ufunc(
    np.square, lambda g, out, x: g * (2 * x), notation=Notation("{0}²", POWER, (ATOM,), "²"),
)

# x ** 0 is constant in x, also at x = 0, and 0 ** y in y. Elsewhere nothing may be replaced, since
# the rules are differentiated again: y x ** (y − 1) has the derivative 1 / x by y at y = 0.
power_op = ufunc(
    np.power, lambda g, out, x, y: g * (y * x ** np.where((x == 0) * (y == 0), 1.0, y - 1)),
    lambda g, out, x, y: g * (out * np.log(np.where((x == 0) * (y >= 0), 1.0, x))), domain=POSITIVE,
    notation=Notation("{0}^{1}", POWER, (ATOM, ATOM), "^"),
)


def _superscript(operands: Sequence[str], params: dict[str, Any]) -> str:
    exponent = notation.number(params["exponent"])
    if all(digit in _SUPERSCRIPTS for digit in exponent):
        return operands[0] + "".join(_SUPERSCRIPTS[digit] for digit in exponent)
    return f"{operands[0]}^{exponent}"


_SUPERSCRIPTS = dict(zip("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))

# With a constant exponent n the rule needs no case distinction on arrays, and no logarithm.
fixed_power = entrywise(
    "fixed_power", lambda x, exponent: x**exponent,
    lambda g, out, x, exponent: g * (exponent * x ** (exponent - 1 if exponent else 0)),
    domain=POSITIVE, cases=[Case(((2, 3),), {"exponent": n}) for n in (3, 1, 0, -1, 0.5)],
    notation=Notation(_superscript, POWER, (ATOM,), "^"), source="({0}**{exponent!r})",
)


@implements(np.power)
def power(x: Any, y: Any) -> Tensor:
    """``x ** y``, elementwise.

    At ``x = 0`` the derivative with respect to ``y`` is taken as 0, the limit for every ``y > 0``.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor([0.0, 3.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    array([0., 6.])
    """
    if type(y) is not int and type(y) is not float:
        return power_op(x, y)
    if y > 0 and y % 2 == 0 and type(x) is Tensor and x._op is not None:
        smooth = _squared(x)
        if smooth is not None:
            return smooth if y == 2 else power(smooth, y / 2)
    if y == 2 and (type(y) is int or getattr(x, "dtype", _FLOAT).kind in "fc"):
        return square(x)
    return fixed_power(x, exponent=y)


_FLOAT = np.dtype(float)


def _squared(x: Tensor) -> Any:
    """The square of a root, a size or a hypotenuse from what that was taken of, or None.

    At 0 the derivative of a root is taken as 0, but its square has derivatives of all orders there.
    """
    op, inputs, arrays = x._op, x._inputs, x._arrays
    if op not in (root, absolute, hypot) or x.name is not None or trace.active():
        return None
    if any(type(t) is Tensor and t._array is not a for t, a in zip(inputs, arrays, strict=True)):
        return None  # a leaf was given other data since
    if op is root:
        return positive(inputs[0])  # a result of its own, that may be named
    squares = [*map(size_squared, inputs)]
    return squares[0] if op is absolute else squares[0] + squares[1]


def size_squared(x: Any) -> Any:
    """``|x|²``, without a root."""
    is_complex = getattr(x, "dtype", _FLOAT).kind == "c"
    return real(x * conj(x)) if is_complex else x * x


implements(np.square)(lambda x: power(x, 2))


fmod = ufunc(
    np.fmod, lambda g, out, x, y: g, lambda g, out, x, y: -g * np.rint((x - out) / y),
    domain=POSITIVE,
)
ldexp = ufunc(np.ldexp, lambda g, out, x, n: np.ldexp(g, n), None)
nextafter = ufunc(np.nextafter, lambda g, out, x, y: g, None)
hypot = ufunc(
    np.hypot, lambda g, out, x, y: g * (x / np.where(out == 0, 1.0, out)),
    lambda g, out, x, y: g * (y / np.where(out == 0, 1.0, out)),
)


def _per_size(x: Any, size: Any) -> Any:
    """``x / size²``, whose square would overflow; infinitely far away it is 0."""
    return np.where(size == np.inf, 0.0, x / size) / size


arctan2 = ufunc(
    np.arctan2, lambda g, out, y, x: g * _per_size(x, np.hypot(x, y)),
    lambda g, out, y, x: -g * _per_size(y, np.hypot(x, y)), domain=POSITIVE,
)


def _excess(x: Any, y: Any) -> Any:
    """``x − y``, which is 0 where both are the same infinity."""
    same = (x == y) * (np.abs(x) == np.inf)
    return np.where(same, 0.0, x) - np.where(same, 0.0, y)


# Not exp(x − out): where x is large, out is rounded to it.
logaddexp = ufunc(
    np.logaddexp, lambda g, out, x, y: g * sigmoid(_excess(x, y)),
    lambda g, out, x, y: g * sigmoid(_excess(y, x)),
)
logaddexp2 = ufunc(
    np.logaddexp2, lambda g, out, x, y: g * sigmoid(_excess(x, y) * np.log(2.0)),
    lambda g, out, x, y: g * sigmoid(_excess(y, x) * np.log(2.0)),
)


# ---------------------------------------------------------------------- functions of one tensor


def _absolute_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * conjugate_of(sign(x))


absolute = ufunc(np.absolute, _absolute_vjp, notation=Notation("|{0}|", ATOM, (SUM,), "|·|"))
fabs = ufunc(np.fabs, lambda g, out, x: g * np.sign(x))
exp = ufunc(np.exp, lambda g, out, x: g * out)
exp2 = ufunc(np.exp2, lambda g, out, x: g * out * np.log(2.0))
expm1 = ufunc(np.expm1, lambda g, out, x: g * np.exp(x))
log = ufunc(np.log, lambda g, out, x: g / x, domain=POSITIVE)
log2 = ufunc(np.log2, lambda g, out, x: g / (x * np.log(2.0)), domain=POSITIVE)
log10 = ufunc(np.log10, lambda g, out, x: g / (x * np.log(10.0)), domain=POSITIVE)
log1p = ufunc(np.log1p, lambda g, out, x: g / (1 + x), domain=(-0.7, 3.0))
sqrt = ufunc(np.sqrt, lambda g, out, x: g / (2 * out), domain=POSITIVE, notation=function("√"))
# The root of a sum of squares, such as a norm: where that is 0 its derivative is taken as 0.
root = entrywise(
    "root", np.sqrt,
    lambda g, out, x: g * np.where(out == 0, 0.0, 0.5 / np.where(out == 0, 1.0, out)),
    domain=POSITIVE, notation=function("√"),
)
cbrt = ufunc(np.cbrt, lambda g, out, x: g / (3 * out * out), domain=POSITIVE)
sin = ufunc(np.sin, lambda g, out, x: g * np.cos(x))
cos = ufunc(np.cos, lambda g, out, x: -g * np.sin(x))
tan = ufunc(np.tan, lambda g, out, x: g * (1.0 + out * out), domain=(-1.2, 1.2))
sinh = ufunc(np.sinh, lambda g, out, x: g * np.cosh(x))
cosh = ufunc(np.cosh, lambda g, out, x: g * np.sinh(x))
tanh = ufunc(np.tanh, lambda g, out, x: g * (1.0 - out * out))


def _root_of_1_minus_square(x: Any) -> Any:
    """``√(1 − x²)``: x² may overflow, and cancels near 1. Two roots also give a complex x its sign.
    """
    return np.sqrt(1 - x) * np.sqrt(1 + x)


def _root_of_1_plus_square(x: Any) -> Any:
    return _root_of_1_minus_square(1j * x) if x.dtype.kind == "c" else np.hypot(1, x)


def _arctan_vjp(g: Any, out: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return g / (1 + 1j * x) / (1 - 1j * x)
    return g / (1 + x * x)


arcsin = ufunc(np.arcsin, lambda g, out, x: g / _root_of_1_minus_square(x), domain=WITHIN_1)
arccos = ufunc(np.arccos, lambda g, out, x: -g / _root_of_1_minus_square(x), domain=WITHIN_1)
arctan = ufunc(np.arctan, _arctan_vjp)
arcsinh = ufunc(np.arcsinh, lambda g, out, x: g / _root_of_1_plus_square(x))
arccosh = ufunc(
    np.arccosh, lambda g, out, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)), domain=(1.2, 3.0),
)
arctanh = ufunc(np.arctanh, lambda g, out, x: g / (1 - x) / (1 + x), domain=WITHIN_1)
degrees = ufunc(np.degrees, lambda g, out, x: g * (180 / np.pi))
rad2deg = ufunc(np.rad2deg, lambda g, out, x: g * (180 / np.pi))
radians = ufunc(np.radians, lambda g, out, x: g * (np.pi / 180))
deg2rad = ufunc(np.deg2rad, lambda g, out, x: g * (np.pi / 180))
relu = entrywise(
    "relu", lambda x: np.maximum(x, 0), lambda g, out, x: g * (x > 0), reads="some",
    source="np.maximum({0}, 0)", doc="``max(x, 0)``; its derivative at 0 is taken as 0.",
)
softplus = entrywise(
    "softplus", lambda x: np.logaddexp(x, 0), lambda g, out, x: g * sigmoid(x),
    source="np.logaddexp({0}, 0)", doc="``log(1 + exp(x))``, without overflow.",
)


# For each dtype 1, and the greatest x for which exp(x) is finite: from far below it on, σ(x) is 1.
# As arrays, since NumPy takes longer to convert a number than to add it.
_ONE_AND_GREATEST = {
    np.dtype(t).char: (np.ones((), t), np.array(np.floor(np.log(np.finfo(t).max))))
    for t in (np.float16, np.float32, np.float64, np.longdouble)
}


def _one(x: Any) -> Any:
    """1 to compute with ``x``, be that an array or a Tensor."""
    constants = _ONE_AND_GREATEST.get(x.dtype.char) if type(x) is np.ndarray else None
    return 1.0 if constants is None else constants[0]


def _sigmoid(x: Any) -> Any:
    constants = _ONE_AND_GREATEST.get(x.dtype.char)
    if constants is None:
        return 1 / (1 + np.exp(-x)) if x.dtype.kind == "c" else _sigmoid(x.astype(np.float64))
    one, greatest = numbers_for(x, constants) if FOREIGN else constants
    e = np.exp(np.minimum(x, greatest))
    return e / (one + e)


sigmoid: Op = entrywise(
    "sigmoid", _sigmoid, lambda g, out, x: g * (out * (_one(out) - out)), notation=function("σ"),
    source="(1 / (1 + np.exp(-{0})))", doc="``1 / (1 + exp(−x))``, without overflow.",
)

# ---------------------------------------------------------------------- choosing


def _share(smaller: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The vjps of an op that takes the larger one, by a comparison that says which is the smaller.

    Where two entries tie, each is the larger one as much as the other: half the gradient each. An
    entry beside nan, which makes the result nan, is never the smaller one.
    """
    return (
        lambda g, out, x, y: g * ((_ONE - smaller(x, y)) / (_ONE + (x == y))),
        lambda g, out, x, y: g * ((_ONE - smaller(y, x)) / (_ONE + (x == y))),
    )


_ONE = np.float64(1.0)  # which NumPy adds to a truth value in a tenth of the time of a number


def _or_nan(smaller: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison in which nan is smaller than a number."""
    return lambda x, y: np.where(np.isnan(x), np.logical_not(np.isnan(y)), smaller(x, y))


_choosing = partial(ufunc, reads="some")
maximum = _choosing(np.maximum, *_share(np.less), notation=function("max"))
minimum = _choosing(np.minimum, *_share(np.greater), notation=function("min"))
fmax = _choosing(np.fmax, *_share(_or_nan(np.less)))
fmin = _choosing(np.fmin, *_share(_or_nan(np.greater)))
where_op: Op = ufunc(
    np.where, None, lambda g, out, condition, x, y: where_op(condition, g, 0),
    lambda g, out, condition, x, y: where_op(condition, 0, g), cases=[Case(((3,), (2, 3), (2, 1)))],
    reads="some",
)


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``x`` where ``condition`` holds, else ``y``; no gradient flows to the condition.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor([-1.0, 2.0], requires_grad=True)
    >>> ag.where(x > 0, x, 0.1 * x).sum().backward()
    >>> x.grad
    array([0.1, 1. ])
    """
    if x is None and y is None:
        return np.nonzero(value(condition))
    return where_op(condition, x, y)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """``a`` again; the gradient is passed on."""
    a = operand(a)
    return astype(a, bool) if a.dtype == bool else positive(a)


# ---------------------------------------------------------------------- complex numbers

# The gradient of a real L at x + iy is ∂L/∂x − i ∂L/∂y. Where an input is real, the backward pass
# takes the real part of its cotangent.
conj: Op = entrywise("conj", np.conjugate, lambda g, out, x: conj(g))


def conjugate_of(x: Any) -> Any:
    """``conj(x)``, which is a real x itself."""
    return conj(x) if x.dtype.kind == "c" else x


real_op = entrywise("real", lambda x: x.real, lambda g, out, x: g, source="np.real({0})")
imag_op = entrywise("imag", lambda x: x.imag, lambda g, out, x: g * -1j, source="np.imag({0})")


@implements(np.real)
def real(val: Any) -> Tensor:
    """The real part."""
    return real_op(val)


@implements(np.imag)
def imag(val: Any) -> Tensor:
    """The imaginary part; 0 where the dtype is real."""
    return imag_op(val)


def _sign_vjp(g: Any, out: Any, x: Any) -> Any:
    """What turns ``x / |x|``, and not what lies along it; at 0 it is taken as 0."""
    turned = (g - real(g * out) * conjugate_of(out)) / np.where(out == 0, 1.0, np.abs(x))
    return turned * (out != 0)


sign_op = ufunc(np.sign, _sign_vjp)


@implements(np.sign)
def sign(x: Any) -> Any:
    """The sign: constant in pieces, and a plain array; of complex numbers ``x / |x|``."""
    x = operand(x)
    return sign_op(x) if x.dtype.kind == "c" else value_of(np.sign, x)


# ---------------------------------------------------------------------- sinc


_SINC = [(-1) ** m * np.pi ** (2 * m) * 2 * m / factorial(2 * m + 1) for m in range(16, 0, -1)]


def _sinc_slope(x: Any) -> Any:
    """``(cos(πx) − sinc(x)) / x``; where x is small, and that cancels, from the power series."""
    is_near = np.abs(x) < 1
    far, near = np.where(is_near, 1.0, x), np.where(is_near, x, 0.0)
    series = near * reduce(lambda y, c: y * (near * near) + c, _SINC)
    return np.where(is_near, series, (np.cos(np.pi * far) - np.sinc(far)) / far)


sinc = entrywise(
    "sinc", np.sinc, lambda g, out, x: g * _sinc_slope(x),
    doc="``sin(πx) / (πx)``, and 1 at 0; its derivatives are right there, too.",
)
implements(np.sinc)(sinc)

# ---------------------------------------------------------------------- dtype, identity, values

astype_op = op(
    "astype",
    lambda x, dtype: x.astype(dtype),
    lambda g, out, x, dtype: g,  # the backward pass gives it the input's dtype
    cases=[Case(((2, 3),), {"dtype": np.dtype(np.float64)})],
    notation=Notation("{0}", ATOM, (ATOM,), "astype"),
    source="np.asarray({0}, dtype='{dtype}')",
    entrywise=True,
)


@implements(np.astype)
def astype(x: Any, dtype: DTypeLike, /, *, copy: bool = True, device: None = None) -> Any:
    """``x`` in another dtype; integers and booleans have no gradient, and come as an array."""
    kind = np.dtype(dtype)
    if not copy and getattr(x, "dtype", None) == kind:
        return x
    if type(x) is not Tensor:
        return as_array(x).astype(kind)
    if kind.kind not in "biufc":
        refuse_constant("astype", np.empty((), kind))
    if x.dtype.kind == "c" and kind.kind not in "bc":
        raise complex_to_real(x, kind)
    if kind.kind in "biu" and x.requires_grad:
        return value(x).astype(kind)
    return astype_op(x, dtype=kind)


def cast(function: str, x: Any, dtype: DTypeLike, casting: Any = "same_kind") -> Any:
    """``x`` in the dtype that ``dtype=`` asks for, where NumPy's ``casting`` lets it be."""
    x = operand(x)
    if not np.can_cast(x.dtype, dtype, casting):
        said = f"casting={casting!r} doesn't turn {x.dtype} into {np.dtype(dtype)}"
        raise TypeError(f"{function}: {said}; write t.astype(dtype) instead")
    return astype(x, dtype)


# A leaf that was changed since an op used it stands in the recorded backward pass as it was then.
as_it_was = Op(
    "as_it_was",
    lambda x, value: value[...],
    lambda g, out, x, value: g,
    notation=Notation("{0}", ATOM, (ATOM,), "="),
    source="{0}",
    entrywise=True,
)


later.as_it_was = as_it_was

# Piecewise constant functions: ops without a vjp, which are recorded only while tracing.
_VALUE_SIGNS = {
    np.equal: "=", np.not_equal: "≠", np.less: "<", np.less_equal: "≤", np.greater: ">",
    np.greater_equal: "≥",
}  # fmt: skip
VALUE_OPS = {
    f: Op(f.__name__, f, notation=infix(sign, notation.COMPARISON, SUM))
    for f, sign in _VALUE_SIGNS.items()
} | {
    f: Op(f.__name__, f)
    for f in (
        np.sign, np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.isnan, np.isinf,
        np.isfinite, np.logical_not, np.logical_and, np.logical_or, np.logical_xor,
    )
}  # fmt: skip


_PLAIN = {np.ndarray, float, int}
TEXTS = dict.fromkeys((np.array2string, np.array_repr, np.array_str), "writes")
OF_ARRAYS = {
    np.empty_like, np.iscomplexobj, np.isrealobj, np.may_share_memory, np.ndim, np.ones_like,
    np.result_type, np.shape, np.shares_memory, np.size, np.zeros_like,
}  # fmt: skip
"""What tells of an array, and nothing of its values."""


def _seen(x: Any) -> Any:
    """The array of a Tensor, also of several."""
    if type(x) in (tuple, list):
        return type(x)(map(_seen, x))
    return x._seen() if type(x) is Tensor else x


def value_of(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A function without a gradient (a comparison, `np.sign`, …) of the values: a plain array.

    While tracing it is recorded instead. NotImplemented, as operators of arrays return it, for text
    and for what is to handle operators itself.
    """
    args = tuple(map(content, args))
    try:
        if trace.active() and function in VALUE_OPS:
            return VALUE_OPS[function](*args, **kwargs)
        arrays = [*map(_seen, args)]
        for x in arrays:
            if type(x) not in _PLAIN:
                refuse_kinds(x, function.__name__)
        settings = {k: _seen(v) for k, v in kwargs.items()}
        try:
            found = of_values(function, *arrays, **settings)
        except ValueError as error:
            raise explain(function.__name__, args, arrays, {}, error) from error
        if function in VALUE_OPS and type(found) is np.ndarray and not settings:
            remember(found, function.__name__, args)
            for x in args:
                look(x, found, how="compares")
        elif function not in OF_ARRAYS:
            how = "compares" if function in VALUE_OPS else TEXTS.get(function, "looks")
            for x in (*args, *kwargs.values()):
                look(x, how=how)
        return found
    except TypeError:
        if any(leaves_operators_alone(x) or isinstance(x, (str, bytes)) for x in args):
            return NotImplemented
        raise


# Further names that NumPy has for them.
abs, mod, pow, true_divide = absolute, remainder, power, divide
acos, asin, atan, atan2 = arccos, arcsin, arctan, arctan2
acosh, asinh, atanh = arccosh, arcsinh, arctanh
