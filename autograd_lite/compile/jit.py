"""A recorded program on ``jax.numpy``, run by ``jax.jit``: fused, on several cores, or on a GPU.

Where JAX is silent and NumPy isn't (an index out of bounds, a matrix that is singular), that is
computed beside the results and asked for after the call. This module imports JAX.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from ..numpy_code import numpy_name
from . import graph
from .graph import CompileError, Guard, Node, Program, after, mapped
from .simplify import same_kind

_AT = {operator.setitem: "set", np.add.at: "add", np.multiply.at: "multiply",
       np.maximum.at: "max", np.minimum.at: "min"}  # fmt: skip
_DIVIDING = {operator.truediv, operator.floordiv, operator.mod, operator.pow}
_INDEX = {operator.getitem: 1, after: 2, np.take: 1, np.take_along_axis: 1}  # its place
_OWN: dict[Any, Callable[..., Any]] = {
    np.argsort: lambda x, axis=-1, kind=None: jnp.argsort(x, axis),  # of any kind stable
    np.searchsorted: lambda *args, **how: jnp.searchsorted(*args, **how).astype(np.intp),
    operator.getitem: lambda x, i: (jnp.asarray(x) if isinstance(x, np.ndarray) else x)[i],
    graph.converted: lambda x, dtype: x.astype(dtype),
    after: lambda x, f, index, *y: getattr(jnp.asarray(x).at[index], _AT[f])(*y),
}


def jitted(program: Program) -> Callable[..., Any]:
    """The function that a program is, of arrays, compiled by JAX at its first call."""
    def run(*given: Any) -> Any:
        known = dict(zip((*program.inputs, *program.captured), given, strict=True))
        of = partial(mapped, change=lambda x: known[x] if type(x) is Node else x)
        asked, sound = list[Any](), list[Any]()
        for node in program.nodes:
            args, kwargs = of(node.args), of(node.kwargs)
            if not isinstance(node, Guard):
                t = _squared(node)
                known[node] = (1 - known[t]) * (1 + known[t]) if t else _called(node, args, kwargs)
                sound += _sound(node, args, kwargs, known[node])
            elif node.function is not graph.kind_of:
                asked.append(jnp.asarray(args[0], node.function) == node.value)
        return of(program.outputs), *([jnp.all(jnp.stack(x))] if x else [] for x in (asked, sound))

    compiled = jax.jit(run)

    def function(*given: Any) -> Any:
        if "raise" in np.geterr().values():
            raise FloatingPointError("JAX raises none")  # so that the function itself is called
        with jax.enable_x64(True):
            found, as_recorded, sound = compiled(*given)
        if not all(as_recorded):
            raise graph.Changed
        if not all(sound):
            raise ArithmeticError("of these values NumPy makes something else")
        results = list[Any]()
        for x, example in zip(found, graph.values(program.outputs), strict=True):
            if not isinstance(example, np.ndarray):
                results.append(type(example)(x.item()))
                continue
            array = np.asarray(_Written(x))
            shared = any(np.may_share_memory(array, y) for y in (*given, *results))
            results.append(array.copy() if shared else array)
        return results[0] if len(results) == 1 else tuple(results)

    return function


class _Written:
    """What JAX has computed, as memory that nobody else has, so that it may be written to."""

    def __init__(self, x: Any) -> None:
        known = np.asarray(x).__array_interface__
        self._held, self.__array_interface__ = x, known | {"data": (known["data"][0], False)}


def _squared(node: Node) -> Node | None:
    """The t of ``1 − t²``, tanh's slope: as factors it keeps XLA from storing t² for other uses."""
    one, square = node.args if node.function is np.subtract else (None, None)
    if not np.all(one == 1) or getattr(square, "function", None) not in (np.square, np.multiply):
        return None
    t = square.args[0]
    return t if t is square.args[-1] and same_kind(t, node) else None


def _called(node: Node, args: Any, kwargs: dict[str, Any]) -> Any:
    """What a call gives, of JAX's arrays; refused where it isn't of the same shape and dtype."""
    try:
        own, dtype = _like(node.function), node.dtype
        value = own(*args, **kwargs)
        if node.is_several:
            return value
        if type(node.function) is np.ufunc and value.dtype != dtype and dtype.kind in "fc":
            value = own(*[jnp.asarray(x, dtype) for x in args], **kwargs)  # as wide as NumPy
        if value.shape != node.shape or not np.can_cast(value.dtype, dtype, "same_kind"):
            raise TypeError(f"{value.shape} of {value.dtype}, and not {node.shape} of {dtype}")
        return value.astype(dtype)
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}; leave jit away"
        what = f"{graph.called(node.function)} can't be had with jit=True"
        raise CompileError(f"compile: {what}: {said}\n  at {node.line}") from error


def _like(function: Any) -> Any:
    """JAX's function of that name."""
    ufunc = graph.of_ufunc(function)
    if function in _OWN or not (ufunc or function.__module__.startswith("numpy")):
        return _OWN.get(function, function)
    if ufunc is None:
        return reduce(getattr, numpy_name(function).split(".")[1:], jnp)
    home = jnp if getattr(np, ufunc.__name__, None) is ufunc else jax.scipy.special
    own = getattr(home, "digamma" if ufunc.__name__ == "psi" else ufunc.__name__.lstrip("_"))
    return own if function is ufunc else getattr(own, function.__name__)


def _sound(node: Node, args: Any, kwargs: Any, value: Any) -> list[Any]:
    """Whether NumPy would raise no error of the values, computed, where JAX raises none."""
    function, known = node.function, dict[str, Any](mode="fill", fill_value=False)
    if function in _DIVIDING and type(node.value) in (float, complex):
        return [jnp.isfinite(value)]  # else Python raises, or a power is complex
    if function in (np.power, operator.pow) and node.dtype.kind in "iu":
        return [jnp.all(args[1] >= 0)]
    if function is graph.converted and node.dtype.kind in "iu" and args[0].dtype.kind == "f":
        least, most = np.iinfo(node.dtype).min - 1.0, np.iinfo(node.dtype).max + 1.0
        return [jnp.all((args[0] > least) & (args[0] < most))]
    if "linalg" in str(getattr(function, "__module__", "")):
        odd = ~jnp.all(jnp.isfinite(jnp.asarray(args[0])))
        return [odd | jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(value)]
    i = _INDEX.get(function, 0)
    if not i or "mode" in kwargs or not any(graph.nodes_in((*node.args[i : i + 1], node.kwargs))):
        return []
    inside = jnp.ones(jnp.shape(args[0]), bool)
    if function in (np.take, np.take_along_axis):
        return [jnp.all(_like(function)(inside, *args[1:], **kwargs, **known))]
    return [jnp.all(inside.at[args[i]].get(**known))]
