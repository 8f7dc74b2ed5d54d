"""Transforms under the names that HIPS autograd gives them; see `transforms`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .transforms import Argnums, grad, jvp, vjp

Function = Callable[..., Any]


def of_chosen(f: Function, argnum: Argnums, args: Any, kwargs: Any) -> tuple[Function, Any]:
    """The function of the chosen arguments alone, and these."""
    chosen = argnum if isinstance(argnum, (tuple, list)) else (argnum,)

    def alone(*xs: Any) -> Any:
        full = [*args]
        for i, x in zip(chosen, xs, strict=True):
            full[i] = x
        return f(*full, **kwargs)

    return alone, tuple(args[i] for i in chosen)


def make_vjp(f: Function, argnum: Argnums = 0) -> Function:
    """A function of the arguments of ``f`` that gives ``(vjp_fn, value)``.

    >>> import numpy as np, autograd_lite as ag
    >>> vjp_fn, value = ag.make_vjp(np.multiply, 1)(2.0, 3.0)
    >>> vjp_fn(1.0), value
    (array(2.), array(6.))
    """

    def made(*args: Any, **kwargs: Any) -> tuple[Function, Any]:
        alone, xs = of_chosen(f, argnum, args, kwargs)
        value, back = vjp(alone, *xs)
        return (lambda g: back(g) if isinstance(argnum, (tuple, list)) else back(g)[0]), value

    return made


def make_jvp(f: Function, argnum: int = 0) -> Function:
    """A function of the arguments of ``f`` that gives one of a tangent, ``(value, derivative)``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> value, derivative = ag.make_jvp(np.sin)(0.0)(2.0)
        >>> value, derivative
        (array(0.), array(2.))
    """

    def made(*args: Any, **kwargs: Any) -> Function:
        alone, xs = of_chosen(f, argnum, args, kwargs)
        return lambda v: jvp(alone, xs, (v,))

    return made


def elementwise_grad(f: Function, argnum: Argnums = 0) -> Function:
    """The gradient of the sum of what ``f`` gives: its derivative, where it is elementwise.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.elementwise_grad(ag.elementwise_grad(np.sin))(np.array([0.0, np.pi / 2]))
    array([-0., -1.])
    """

    def summed(*args: Any, **kwargs: Any) -> Any:
        return np.sum(f(*args, **kwargs))

    return grad(summed, argnum)


def hessian_vector_product(f: Function, argnum: int = 0) -> Function:
    """A function of the arguments of ``f`` and a vector behind them: the Hessian times that.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> product = ag.hessian_vector_product(lambda x: np.sum(x**3))
        >>> product(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([6., 0.])
    """

    def product(*args: Any, **kwargs: Any) -> Any:
        *args, v = args  # type: ignore[assignment]
        alone, xs = of_chosen(f, argnum, args, kwargs)
        return jvp(grad(alone), xs, (v,))[1]

    return product
