"""Which blocks are on: what one looks at from outside, where something was interrupted.

`Mode.open` is how many are on in any thread, and ``no_grad.depth.value`` how many of a kind this
thread is within.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .engine.modes import Mode, modes, no_grad, trace

__all__ = ["Mode", "no_grad", "trace"]

KINDS: dict[str, Callable[[], type[Mode]]] = {}
"""Further ones by name, where the room that has them is imported late; it puts them here."""


def __getattr__(name: str) -> type[Mode]:
    if name not in KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return KINDS[name]()


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
