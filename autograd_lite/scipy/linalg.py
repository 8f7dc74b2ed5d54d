"""``scipy.linalg``, of Tensors: factors, what solves by them, and what NumPy has, too.

And `solve_sylvester`, `expm`, `logm`, `sqrtm`, and a matrix's sine, cosine and tangent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import scipy.linalg

from ..arrays import STAND_INS
from ..checkpoint import Together
from ..containers import leaves, settled
from ..engine.tensor import Tensor
from ..extend import defvjp
from ..numpy.buffer import plain
from ..ops.shaping import mt
from ..table import Op
from . import Own

_scipys = Own(scipy.linalg, "scipy.linalg")
__getattr__ = _scipys.__getattr__

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "solve_banded", "solve_sylvester",
    "solve_triangular",
]  # fmt: skip
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
    blocks, rows, done = [np.atleast_2d(plain(x)) for x in arrs], [], 0
    width = sum(x.shape[1] for x in blocks)
    for x in blocks:
        rows.append(np.pad(x, ((0, 0), (done, width - done - x.shape[1]))))
        done += x.shape[1]
    return np.concatenate(rows)


@_of_tensors
def solve_banded(l_and_u: Any, ab: Any, b: Any) -> Any:
    """The x with ``a @ x = b``, of a's diagonals alone: ``ab[u + i - j, j] = a[i, j]``.

    Args:
        l_and_u: how many of them are below the main one, and above it.
        ab: ``(l + u + 1, n)``.
        b: ``(n,)`` or ``(n, k)``.
    """
    below, above = l_and_u
    if len(ab) != below + above + 1:
        raise ValueError(f"solve_banded: l + u + 1 = {below + above + 1} rows, of ab {ab.shape}")
    n, rows = ab.shape[1], zip(range(above, -below - 1, -1), ab, strict=True)
    diagonals = (np.diag(x[max(k, 0) : n + min(k, 0)], k) for k, x in rows if -n < k < n)
    return np.linalg.solve(sum(diagonals), b)


def _of_sylvester(g: Any, out: Any, a: Any, b: Any, q: Any) -> tuple[Any, Any, Any]:
    gq = solve_sylvester(mt(a), mt(b), g)
    return -(gq @ mt(out)), -(mt(out) @ gq), gq


solve_sylvester = Op("solve_sylvester", scipy.linalg.solve_sylvester, Together(_of_sylvester))
defvjp(_scipys.sqrtm, lambda out, a: lambda g: solve_sylvester(mt(out), mt(out), g))


def _of_a_matrix(f: Any) -> Callable[..., Any]:
    """The rule of an analytic f: ``f([[a, e], [0, a]])`` has its derivative along e in the corner.

    N. Higham, "Functions of Matrices" (2008), theorem 3.6.
    """

    def made(out: Any, a: Any, **settings: Any) -> Any:
        n, at = a.shape[-1], mt(a)
        zeros = np.zeros_like(at)
        return lambda g: f(np.block([[at, g], [zeros, at]]), **settings)[..., :n, n:]

    return made


for _name in ("expm", "logm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm"):
    defvjp(_f := getattr(_scipys, _name), _of_a_matrix(_f))
