"""Transforms of one's own, in the words of HIPS autograd."""

from __future__ import annotations

from functools import wraps
from typing import Any

from .differential_operators import Function, of_chosen
from .transforms import Argnums

__all__ = ["unary_to_nary", "wraps"]


def unary_to_nary(operator: Function) -> Function:
    """A transform of functions of many arguments, from one of ``(f, x)`` that gives its result.

    >>> import autograd_lite as ag
    >>> slope = unary_to_nary(lambda f, x: ag.grad(f)(x))
    >>> slope(lambda x, y: x * y, 1)(2.0, 3.0)
    array(2.)
    """

    @wraps(operator)
    def nary(f: Function, argnum: Argnums = 0, *others: Any, **options: Any) -> Function:
        def made(*args: Any, **kwargs: Any) -> Any:
            alone, xs = of_chosen(f, argnum, args, kwargs)
            if isinstance(argnum, (tuple, list)):
                return operator(lambda x: alone(*x), xs, *others, **options)
            return operator(alone, *xs, *others, **options)

        return made

    return nary
