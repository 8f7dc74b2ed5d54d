"""`check_grads` in the order in which HIPS autograd takes its arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from .check.derivatives import check_grads as _check
from .differential_operators import of_chosen
from .transforms import Argnums

__all__ = ["check_grads"]


def check_grads(
    f: Callable[..., Any], argnum: Argnums = 0, modes: Collection[str] = ("fwd", "rev"),
    order: int = 2,
) -> Callable[..., None]:  # fmt: skip
    """A function of the arguments of ``f`` that checks its derivatives; see `ag.check_grads`."""

    def check(*args: Any, **kwargs: Any) -> None:
        alone, xs = of_chosen(f, argnum, args, kwargs)
        _check(alone, *xs, order=order, modes=modes)

    return check
