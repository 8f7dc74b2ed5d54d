"""``scipy.linalg``, of Tensors: factors, what solves by them, and what NumPy has, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import scipy.linalg

from ..arrays import STAND_INS
from ..containers import leaves, settled
from ..engine.tensor import Tensor
from . import Own

__getattr__ = Own(scipy.linalg, "scipy.linalg").__getattr__

__all__ = ["block_diag", "cho_factor", "cho_solve", "cholesky", "solve_triangular"]
_UNNEEDED = {"check_finite", "overwrite_a", "overwrite_b"}


def _of_tensors(composed: Callable[..., Any]) -> Any:
    """SciPy's function of that name; of Tensors this, which has no settings for speed."""
    own = getattr(scipy.linalg, composed.__name__)

    @wraps(composed)
    def function(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = settled(args), settled(kwargs)
        if {Tensor, *STAND_INS}.isdisjoint(map(type, leaves((args, kwargs)))):
            return own(*args, **kwargs)
        return composed(*args, **{k: x for k, x in kwargs.items() if k not in _UNNEEDED})

    return function


inv, det, pinv, norm, solve = [
    _of_tensors(getattr(np.linalg, name)) for name in ("inv", "det", "pinv", "norm", "solve")
]


@_of_tensors
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """The x with ``a @ x = b``, of which only the triangle that is named is read.

    Args:
        a: ``(n, n)``; with ``trans`` ``"T"`` or 1 its transpose, ``"C"`` or 2 that conjugated.
        b: ``(n,)`` or ``(n, k)``.
    """
    a = np.tril(a, -unit_diagonal) if lower else np.triu(a, unit_diagonal)
    a = a + np.eye(a.shape[-1]) if unit_diagonal else a
    if trans not in (0, "N"):
        a = np.conj(a.T) if trans in (2, "C") else a.T
    return np.linalg.solve(a, b)


@_of_tensors
def cholesky(a: Any, lower: bool = False) -> Any:
    """The triangular U with ``Uᵀ @ U = a``; with ``lower`` the L with ``L @ Lᵀ = a``."""
    return np.linalg.cholesky(a, upper=not lower)


@_of_tensors
def cho_factor(a: Any, lower: bool = False) -> Any:
    """What `cho_solve` takes: the factor that `cholesky` gives, and ``lower``."""
    return cholesky(a, lower), lower


@_of_tensors
def cho_solve(c_and_lower: Any, b: Any) -> Any:
    """The x with ``a @ x = b``, ``(n,)`` or ``(n, k)``, by what `cho_factor` gave of a."""
    c, lower = c_and_lower
    first, then = ("N", "C") if lower else ("C", "N")
    return solve_triangular(c, solve_triangular(c, b, first, lower), then, lower)


@_of_tensors
def block_diag(*arrs: Any) -> Any:
    """The matrix with these matrices along its diagonal, and 0 elsewhere."""
    blocks, rows, done = [np.atleast_2d(x) for x in arrs], [], 0
    width = sum(x.shape[1] for x in blocks)
    for x in blocks:
        rows.append(np.pad(x, ((0, 0), (done, width - done - x.shape[1]))))
        done += x.shape[1]
    return np.concatenate(rows)
