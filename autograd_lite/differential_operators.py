"""Transforms under the names, and with the arguments, that HIPS autograd gives them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .checkpoint import checkpoint
from .transforms import Argnums, grad, hessian, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "checkpoint", "deriv", "elementwise_grad", "grad", "grad_and_aux", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "jacobian", "make_hvp", "make_jvp",
    "make_vjp", "value_and_grad",
]  # fmt: skip

Function = Callable[..., Any]


def unary_to_nary(operator: Function) -> Function:
    """A transform of functions of many arguments, from one of ``(f, x)`` that gives its result.

    It takes ``(f, argnum=0)`` and gives a function of the arguments of ``f``; of several argnums
    x is the tuple of those arguments.

    >>> import autograd_lite as ag
    >>> slope = unary_to_nary(lambda f, x: ag.grad(f)(x))
    >>> slope(lambda x, y: x * y, 1)(2.0, 3.0)
    array(2.)
    """

    @wraps(operator)
    def nary(f: Function, argnum: Argnums = 0, *others: Any, **options: Any) -> Function:
        several = isinstance(argnum, (tuple, list))
        chosen = argnum if isinstance(argnum, (tuple, list)) else (argnum,)

        def made(*args: Any, **kwargs: Any) -> Any:
            def alone(x: Any) -> Any:
                full = [*args]
                for i, new in zip(chosen, x if several else (x,), strict=True):
                    full[i] = new
                return f(*full, **kwargs)

            xs = tuple(args[i] for i in chosen)
            return operator(alone, xs if several else xs[0], *others, **options)

        return made

    return nary


@unary_to_nary
def make_vjp(f: Function, x: Any) -> tuple[Function, Any]:
    """A function of the arguments of ``f`` that gives ``(vjp_fn, value)``.

    >>> import numpy as np, autograd_lite as ag
    >>> vjp_fn, value = ag.make_vjp(np.multiply, 1)(2.0, 3.0)
    >>> vjp_fn(1.0), value
    (array(2.), array(6.))
    """
    value, back = vjp(f, x)
    return lambda g: back(g)[0], value


@unary_to_nary
def make_jvp(f: Function, x: Any) -> Function:
    """A function of the arguments of ``f`` that gives one of a tangent, ``(value, derivative)``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> value, derivative = ag.make_jvp(np.sin)(0.0)(2.0)
        >>> value, derivative
        (array(0.), array(2.))
    """
    return lambda v: jvp(f, (x,), (v,))


@unary_to_nary
def deriv(f: Function, x: Any) -> Any:
    """A function of the arguments of ``f`` that gives its derivative along 1, 1, ….

    >>> import numpy as np, autograd_lite as ag
    >>> ag.deriv(lambda t: np.stack([t, t**2]))(3.0)
    array([1., 6.])
    """
    return jvp(f, (x,), (np.ones_like(x),))[1]


@unary_to_nary
def elementwise_grad(f: Function, x: Any) -> Any:
    """The gradient of the sum of what ``f`` gives: its derivative, where it is elementwise.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.elementwise_grad(ag.elementwise_grad(np.sin))(np.array([0.0, np.pi / 2]))
    array([-0., -1.])
    """
    return grad(lambda x: np.sum(f(x)))(x)


@unary_to_nary
def make_hvp(f: Function, x: Any) -> tuple[Function, Any]:
    """A function of the arguments of ``f`` that gives ``(hvp_fn, gradient)``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> hvp_fn, gradient = ag.make_hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
        >>> hvp_fn(np.array([1.0, 0.0])), gradient
        (array([6., 0.]), array([ 3., 12.]))
    """
    found: tuple[Function, Any] = make_vjp(grad(f))(x)
    return found


def hessian_tensor_product(f: Function, argnum: int = 0) -> Function:
    """A function of the arguments of ``f`` and a direction behind them: the Hessian times that.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> product = ag.hessian_tensor_product(lambda x: np.sum(x**3))
        >>> product(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([6., 0.])
    """
    along = make_jvp(grad(f, argnum), argnum)
    return lambda *args, **kwargs: along(*args[:-1], **kwargs)(args[-1])[1]


hessian_vector_product = hessian_tensor_product


@unary_to_nary
def grad_and_aux(f: Function, x: Any) -> tuple[Any, Any]:
    """A function of the arguments of ``f``, which returns a pair: its first's gradient, its second.

    Example:
        >>> import autograd_lite as ag
        >>> ag.grad_and_aux(lambda x: (x**2, x + 1))(3.0)
        (array(6.), array(4.))
    """
    (_, aux), gradient = value_and_grad(f, has_aux=True)(x)
    return gradient, aux
