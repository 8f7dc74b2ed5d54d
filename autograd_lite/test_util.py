"""`check_grads` in the order in which HIPS autograd takes its arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from .check.derivatives import check_grads as _check
from .differential_operators import unary_to_nary

__all__ = ["check_grads"]


@unary_to_nary
def check_grads(
    f: Callable[..., Any], x: Any, modes: Collection[str] = ("fwd", "rev"), order: int = 2
) -> None:
    """A function of the arguments of ``f`` that checks its derivatives; see `ag.check_grads`."""
    _check(f, x, order=order, modes=modes)
