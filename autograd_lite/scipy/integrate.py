"""``scipy.integrate``, with `odeint` by its adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from ..checkpoint import Together
from ..misc.flatten import flatten
from ..table import Op
from ..transforms import vjp
from . import Own

__all__ = ["odeint"]

__getattr__ = Own(scipy.integrate, "scipy.integrate").__getattr__


def odeint(func: Callable[..., Any], y0: Any, t: Any, args: Any = (), **settings: Any) -> Any:
    """The solution of ``dy/dt = func(y, t, *args)``, a row for each of the times ``t``.

    Differentiated by ``y0``, ``t`` and ``args``, containers of arrays: between two times the
    adjoint is solved backwards beside y, by `odeint` itself, so that it has all orders.

    Args:
        settings: those of SciPy's, such as ``rtol``.
    """
    flat, unflatten = flatten(args)

    def solved(y0: Any, t: Any, flat: Any) -> Any:
        more = unflatten(flat)
        return scipy.integrate.odeint(lambda y, s: func(y, s, *more), y0, t, **settings)

    def rule(g: Any, out: Any, y0: Any, t: Any, flat: Any) -> Any:
        n = out.shape[1]

        def slope(y: Any, s: Any, flat: Any) -> Any:
            return func(y, s, *unflatten(flat))

        def dynamics(state: Any, s: Any, flat: Any) -> Any:
            value, back = vjp(slope, state[:n], s, flat)
            return np.concatenate([np.ravel(x) for x in (value, *back(-state[n : 2 * n]))])

        adjoint, rest, flows = g[-1], np.zeros(1 + flat.size), []
        for i in range(len(out) - 1, 0, -1):
            flows.append(np.sum(slope(out[i], t[i], flat) * g[i]))
            rest = np.concatenate([rest[:1] - flows[-1], rest[1:]])
            state = np.concatenate([out[i], adjoint, rest])
            state = odeint(dynamics, state, np.stack([t[i], t[i - 1]]), (flat,), **settings)[1]
            adjoint, rest = state[n : 2 * n] + g[i - 1], state[2 * n :]
        return adjoint, np.stack([rest[0], *flows[::-1]]), rest[1:]

    return Op("odeint", solved, Together(rule))(y0, t, flat)
