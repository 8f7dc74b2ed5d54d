"""Which blocks are on: what one looks at from outside, where something was interrupted.

`Mode.open` is how many are on in any thread, and ``no_grad.depth.value`` how many of a kind this
thread is within.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .compile.recorder import Recorder as capture  # noqa: N813  (used like a function)
from .engine.modes import Mode, modes, no_grad, trace

__all__ = ["Mode", "capture", "no_grad", "trace"]


class _Counted:
    """An attribute of each kind of blocks."""

    def __init__(self, count: Callable[[type[Mode]], Any]) -> None:
        self._count = count

    def __get__(self, mode: Any, kind: type[Mode]) -> Any:
        return self._count(kind)


def _depth(kind: type[Mode]) -> SimpleNamespace:
    return SimpleNamespace(value=sum(type(mode) is kind for mode in modes()))


for _name, _count in {"open": lambda kind: len(kind.entered), "depth": _depth}.items():
    setattr(Mode, _name, _Counted(_count))
