"""How NumPy's functions get their counterparts here: by a rule of their own, or by composition.

`numpy_op` makes an op of a NumPy function from its vjps; `implements` marks a composition of other
ops.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from ..arrays import content, given
from ..engine.op import Vjp
from ..engine.tensor import Tensor
from ..errors import constant_param, out_argument
from ..numpy_code import numpy_name
from ..table import NUMPY, op

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


def implements(*functions: Any) -> Callable[[F], F]:
    """Let ``np.f`` of a Tensor call what is decorated, which has the signature of ``np.f``."""

    def register(ours: F) -> F:
        for function in functions:
            NUMPY[function] = ours
        return ours

    return register


def numpy_op(f: Any, *vjps: Vjp | None, doc: str = "", **traits: Any) -> Callable[..., Tensor]:
    """An op whose forward is the NumPy function ``f``; returned is what applies it.

    That has the signature of ``f``: the first parameters, one a vjp, are the op's operands, and
    all others its params.
    """
    entry = op(f.__name__, f, *vjps, **traits)
    names = list(inspect.signature(f).parameters)[: len(vjps)]

    @by_name(f, doc or f"``{numpy_name(f)}`` of Tensors, with its arguments.")
    def applied(writeable: bool = False, **given: Any) -> Tensor:
        if writeable:
            raise TypeError(f"{entry.name}: what Tensors give isn't written to: writeable=True")
        return entry(*[given.pop(name) for name in names], **given)

    return applied


def by_name(f: Any, doc: str = "") -> Callable[[Function], Function]:
    """Let ``np.f`` call what is decorated with the arguments that it is given, by their names."""
    signature = inspect.signature(f)

    def register(ours: Function) -> Function:
        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{f.__name__}: {error}") from None
            refuse_out(f.__name__, given.pop("out", None))
            return ours(**given)

        called.__signature__ = signature  # type: ignore[attr-defined]
        return implements(f)(named(f, called, doc or ours.__doc__ or ""))

    return register


def numpys(f: Any, doc: str, **instead: Any) -> Callable[..., Any]:
    """NumPy's own code of ``f``, which consists of functions that take Tensors; see `ran`."""
    return implements(f)(named(f, ran(f.__wrapped__, **instead), doc))


def ran(own: Any, **instead: Any) -> Any:
    """A function of NumPy's whose ``asarray`` takes Tensors.

    What it calls of its module's own is run likewise, but for what stands ``instead`` of it, be
    that the name of another.
    """
    scope = {**own.__globals__, **_AS_ARRAY, "np": _NUMPY, "NX": _NUMPY, "__name__": __name__}
    for name, helper in own.__globals__.items():
        if name[0] == "_" and type(helper) is FunctionType:
            scope[name] = _within(scope, helper)
    scope |= {name: scope[x] if type(x) is str else x for name, x in instead.items()}
    return _within(scope, own)


def _within(scope: dict[str, Any], f: Any) -> Any:
    """A function that looks up its globals there."""
    new = FunctionType(f.__code__, scope, f.__name__, f.__defaults__)
    new.__kwdefaults__ = f.__kwdefaults__
    return new


def named(f: Any, ours: F, doc: str) -> F:
    """What stands in for ``f`` under its name, which errors then say."""
    ours.__name__ = ours.__qualname__ = f.__name__
    ours.__doc__ = doc
    return ours


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """An index of a part along a negative axis."""
    return (..., part, *(slice(None),) * (-1 - axis))


def zeros_around(x: Any, axis: int, before: int, behind: int) -> Any:
    """``x`` with so many zeros at either end of an axis."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = before, behind
    return np.pad(x, widths)


def operand(x: Any) -> Any:
    """A Tensor as it is, and anything else as an array."""
    x = content(x)
    return x if type(x) is Tensor else given(x)


def without_entries(*xs: Any) -> list[Any]:
    """Arrays of as many axes, and of the dtypes, by which NumPy itself says what can't be."""
    return [np.empty((0,) * x.ndim, x.dtype) for x in map(operand, xs)]


_AS_ARRAY = {"asarray": operand, "asanyarray": operand}
_NUMPY = SimpleNamespace(**{**vars(np), **_AS_ARRAY})


def operand_or_number(x: Any) -> Any:
    """A Python number as it is, which widens no dtype; anything else as `operand`."""
    return x if isinstance(x, (bool, int, float, complex)) else operand(x)


def setting(function: str, name: str, x: Any) -> Any:
    """The value of what has no gradient there: refused where it requires one."""
    return constant_param(function, name, x) if type(x) is Tensor else x


def value(x: Any) -> Any:
    """The array of a Tensor, for what has no gradient: an order, a mask, a count."""
    return x._looked() if type(x) is Tensor else given(x)


def checked(x: Any) -> Any:
    """The same, for what only makes sure: numbers as they should be wouldn't differ for it."""
    return x._seen() if type(x) is Tensor else given(x)


def refuse_out(function: str, out: Any) -> None:
    """Raise where ``out=`` was given."""
    if out is not None:
        raise out_argument(function)
