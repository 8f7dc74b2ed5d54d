"""Which blocks are on: what one looks at from outside, where something was interrupted.

`Mode.open` is how many are on in any thread, and ``no_grad.depth.value`` how many of a kind this
thread is within.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .engine.modes import Mode, modes, no_grad, trace

__all__ = ["Mode", "no_grad", "trace"]

KINDS: dict[str, Callable[[], type[Mode]]] = {}
"""Further ones by name, where the room that has them is imported late; it puts them here."""


def __getattr__(name: str) -> type[Mode]:
    if name not in KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return KINDS[name]()


class _Open:
    def __get__(self, mode: Any, kind: type[Mode]) -> int:
        return len(kind.entered)


class Depth(NamedTuple):
    """How many blocks of a kind a thread is within."""

    value: int


class _Depth:
    def __get__(self, mode: Any, kind: type[Mode]) -> Depth:
        return Depth(sum(type(mode) is kind for mode in modes()))


for _name, _look in {"open": _Open(), "depth": _Depth()}.items():
    setattr(Mode, _name, _look)
