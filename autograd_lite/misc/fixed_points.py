"""The x at which a function gives x again, differentiated without following the way there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..containers import leaves, rebuilt, settled
from ..engine.op import Each
from ..table import Op
from ..transforms import vjp

__all__ = ["fixed_point"]


def fixed_point(f: Callable[[Any], Any], a: Any, x0: Any, distance: Any, tol: float) -> Any:
    """The x with ``f(a)(x) = x``, by repeating it from ``x0``; of all orders by ``a``.

    Its cotangent u is a fixed point, too, of ``u → g + ∂f/∂xᵀ u``.

    Args:
        f: of containers of arrays; gives a function of an array.
        a: what the result is differentiated by.
        x0: where to start.
        distance: of two x; where it isn't more than ``tol``, the last one is taken.
    """

    def found(*parts: Any) -> Any:
        step = f(rebuilt(a, iter(parts)))
        x, last = step(x0), x0
        while distance(x, last) > tol:
            x, last = step(x), x
        return settled(x)

    def rule(i: int, g: Any, out: Any, *parts: Any) -> Any:
        def back(given: Any) -> Callable[[Any], Any]:
            g, out, *parts = given
            pull = vjp(f(rebuilt(a, iter(parts))), out)[1]
            return lambda u: g + pull(u)[0]

        u = fixed_point(back, (g, out, *parts), np.zeros_like(out), distance, tol)
        return vjp(lambda *parts: f(rebuilt(a, iter(parts)))(out), *parts)[1](u)[i]

    a = settled(a)
    return Op("fixed_point", found, Each(rule))(*leaves(a))
