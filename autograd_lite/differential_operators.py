"""Transforms under the names, and with the arguments, that HIPS autograd gives them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np

from .checkpoint import checkpoint
from .transforms import Argnums, chosen, grad, hessian, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "checkpoint", "deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "jacobian",
    "make_ggnvp", "make_hvp", "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict",
    "tensor_jacobian_product", "value_and_grad", "vector_jacobian_product",
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
        def made(*args: Any, **kwargs: Any) -> Any:
            own, x = chosen(nary.__name__, f, argnum, args, kwargs)
            return operator(own, x, *others, **options)

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
    return make_vjp(grad(f))(x)


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


@unary_to_nary
def make_jvp_reversemode(f: Function, x: Any) -> Function:
    """A function of the arguments of ``f`` that gives one of a tangent, its derivative.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.make_jvp_reversemode(np.sin)(0.0)(2.0)
    array(2.)
    """
    return lambda v: jvp(f, (x,), (v,))[1]


def _half_square(x: Any) -> Any:
    return np.sum(x**2, axis=-1) / 2


def make_ggnvp(f: Function, g: Function = _half_square, f_argnum: Argnums = 0) -> Function:
    """A function of the arguments of ``f`` that gives one of a vector v: the generalised
    Gauss-Newton matrix ``Jᵀ H J`` times v, with J the Jacobian of ``f``, H the Hessian of ``g``.

    N. N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent"
    (2002).

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> a = np.array([[1.0, 2.0], [0.0, 1.0]])
        >>> ag.make_ggnvp(lambda x: a @ x)(np.zeros(2))(np.array([1.0, 0.0]))
        array([1., 2.])
    """

    @unary_to_nary
    def made(f: Function, x: Any) -> Function:
        value, back = vjp(f, x)
        product = make_hvp(g)(value)[0]
        return lambda v: back(product(jvp(f, (x,), (v,))[1]))[0]

    return made(f, f_argnum)


def tensor_jacobian_product(f: Function, argnum: int = 0) -> Function:
    """A function of the arguments of ``f`` and a tensor behind them: that times the Jacobian.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.tensor_jacobian_product(np.sin)(np.array([0.0, np.pi]), np.array([1.0, 2.0]))
    array([ 1., -2.])
    """

    def product(*args: Any) -> Any:
        return np.tensordot(args[-1], f(*args[:-1]), np.ndim(args[-1]))

    return jacobian(product, argnum)


vector_jacobian_product = tensor_jacobian_product


@unary_to_nary
def holomorphic_grad(f: Function, x: Any) -> Any:
    """The gradient of the real part of a holomorphic function: its derivative.

    >>> import autograd_lite as ag
    >>> ag.holomorphic_grad(lambda z: z**2)(1 + 2j)
    array(2.+4.j)
    """
    return grad(lambda x: np.real(f(x)))(x)


def grad_named(f: Function, argname: str) -> Function:
    """The gradient with respect to the argument of that name.

    >>> import autograd_lite as ag
    >>> ag.grad_named(lambda x, scale: scale * x**2, "scale")(3.0, 2.0)
    array(9.)
    """
    return grad(f, [*signature(f).parameters].index(argname))


def multigrad_dict(f: Function) -> Function:
    """A function of the arguments of ``f`` that gives the gradients with respect to all, by name.

    >>> import autograd_lite as ag
    >>> ag.multigrad_dict(lambda x, scale: scale * x**2)(3.0, scale=2.0)
    {'x': array(12.), 'scale': array(9.)}
    """

    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = signature(f).bind(*args, **kwargs)
        bound.apply_defaults()
        return grad(lambda given: f(**given))(dict(bound.arguments))

    return gradients
