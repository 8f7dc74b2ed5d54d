"""``scipy.linalg``, with `solve_triangular` composed."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from . import Own

__all__ = ["solve_triangular"]

__getattr__ = Own(scipy.linalg, "scipy.linalg").__getattr__


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
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
