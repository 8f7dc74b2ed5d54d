"""What is differentiated, and its value, in the words of HIPS autograd."""

from __future__ import annotations

from typing import Any

from .arrays import content
from .engine.tensor import Tensor

__all__ = ["getval", "isbox"]


def isbox(x: Any) -> bool:
    """Whether ``x`` is a Tensor, or is filled with some."""
    return type(content(x)) is Tensor


def getval(x: Any) -> Any:
    """The value alone: no gradient comes from it."""
    x = content(x)
    return x.data if type(x) is Tensor else x
