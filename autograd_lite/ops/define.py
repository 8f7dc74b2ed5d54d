"""How NumPy's functions get their counterparts here: by a rule of their own, or by composition.

`numpy_op` makes an op of a NumPy function from its vjps; `moving` of one that only moves entries,
whose rule follows from the function itself; `implements` marks a composition of other ops.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..errors import constant_param, out_argument
from ..notation import numpy_name
from ..op import NUMPY, Case, Op, Vjp, op
from ..tensor import Tensor

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


def implements(*functions: Any) -> Callable[[F], F]:
    """Let ``np.f`` of a Tensor call what is decorated, which has the signature of ``np.f``."""

    def register(ours: F) -> F:
        for function in functions:
            NUMPY[function] = ours
        return ours

    return register


def numpy_op(f: Any, *vjps: Vjp | None, name: str = "", **traits: Any) -> Function:
    """An op whose forward is the NumPy function ``f``; returned is what applies it.

    That has the signature of ``f``: the first parameters, one a vjp, are the op's operands, and
    all others its params.
    """
    entry = op(name or f.__name__, f, *vjps, **traits)
    return implements(f)(with_signature(f, entry, len(vjps)))


def with_signature(f: Any, entry: Op, operands: int) -> Function:
    """A function with the parameters of ``f`` that applies an op to the first of them."""
    signature = inspect.signature(f)
    names = list(signature.parameters)[:operands]

    def applied(*args: Any, **kwargs: Any) -> Any:
        given = bound(f, signature, args, kwargs)
        refuse_out(entry.name, given.pop("out", None))
        return entry(*[given.pop(name) for name in names], **given)

    return named(f, applied, f"``{numpy_name(f)}`` of Tensors, with its arguments.")


def bound(f: Any, signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments by the names that they have in ``f``, which an error names."""
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{f.__name__}: {error}") from None


def named(f: Any, ours: F, doc: str) -> F:
    """What stands in for ``f`` under its name, which errors then say."""
    ours.__name__ = ours.__qualname__ = f.__name__
    ours.__doc__ = doc
    return ours


def moving(f: Any, cases: Sequence[Case], **traits: Any) -> Function:
    """An op of a NumPy function that only moves entries of its first argument, or puts 0 between.

    Where they go is found by letting the function move their numbers.
    """

    def vjp(g: Any, out: Any, x: Any, **params: Any) -> Any:
        return collect(g, index=places(x.shape, lambda numbers: f(numbers, **params)),
                       shape=x.shape)  # fmt: skip

    return numpy_op(f, vjp, cases=cases, stacks=True, reads="some", **traits)


def places(shape: tuple[int, ...], move: Function) -> Any:
    """For each entry that ``move`` gives of an array of that shape, which it is, counted from 1.

    Where it gives 0 of its own, 0.
    """
    numbers = np.arange(1, 1 + int(np.prod(shape))).reshape(shape)
    return np.asarray(move(numbers)).astype(np.intp)


def _collect(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stack = g.shape[: g.ndim - index.ndim]
    sums = np.zeros((*stack, 1 + int(np.prod(shape))), g.dtype)
    at: Any = (..., index.ravel())
    np.add.at(sums, at, g.reshape(*stack, index.size))
    return sums[..., 1:].reshape(stack + shape)


def _pick(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stack = x.shape[: x.ndim - len(shape)]
    flat = np.zeros((*stack, 1 + int(np.prod(shape))), x.dtype)
    flat[..., 1:] = x.reshape(*stack, -1) if x.size else 0
    return flat[..., index]


def _index_code(xs: Sequence[str], params: dict[str, Any]) -> str:
    index = params["index"]
    return (
        f"np.bincount(np.array({index.ravel().tolist()}, dtype=int), "
        f"np.ravel({xs[0]}), {1 + int(np.prod(params['shape']))})[1:].reshape({params['shape']})"
    )


_INDEX = np.array([[3, 0, 1], [1, 6, 1]])

# Adjoint to each other: entries picked by their number, and sums of what is to go to each of them.
pick: Op = op(
    "pick",
    _pick,
    lambda g, out, x, index, shape: collect(g, index=index, shape=shape),
    cases=[Case(((2, 3),), {"index": _INDEX, "shape": (2, 3)})],
    stacks=True,
    reads="some",
    source=lambda xs, params: (
        f"np.append(0, {xs[0]})[np.array({params['index'].tolist()}, dtype=int)]"
    ),
)
collect: Op = op(
    "collect",
    _collect,
    lambda g, out, x, index, shape: pick(g, index=index, shape=shape),
    cases=[Case(((2, 3),), {"index": _INDEX, "shape": (2, 3)})],
    stacks=True,
    reads="some",
    source=_index_code,
)


def operand(x: Any) -> Any:
    """A Tensor as it is, and anything else as an array."""
    return x if type(x) is Tensor else np.asarray(x)


def operand_or_number(x: Any) -> Any:
    """A Python number as it is, which widens no dtype; anything else as `operand`."""
    return x if isinstance(x, (bool, int, float, complex)) else operand(x)


def setting(function: str, name: str, x: Any) -> Any:
    """The value of what has no gradient there: refused where it requires one."""
    return constant_param(function, name, x) if type(x) is Tensor else x


def value(x: Any) -> Any:
    """The array of a Tensor, for what has no gradient: an order, a mask, a count."""
    return x._array if type(x) is Tensor else np.asarray(x)


def refuse_out(function: str, out: Any) -> None:
    """Raise where ``out=`` was given."""
    if out is not None:
        raise out_argument(function)
