"""Notes on Tensors: what else is known of one. They go when it goes."""

from __future__ import annotations

from itertools import chain
from typing import Any


def notes_of(x: Any) -> dict[Any, Any]:
    """All that was noted, in order, by what it says."""
    flat = getattr(x, "_notes", ())
    return dict(zip(flat[::2], flat[1::2], strict=True))


def note(tensor: Any, what: Any, value: Any) -> None:
    """Remember ``value`` of ``tensor``, in place of what was noted under ``what`` before."""
    tensor._notes = tuple(chain.from_iterable((notes_of(tensor) | {what: value}).items()))


def noted(x: Any, what: Any) -> Any:
    """What was noted, or None."""
    return notes_of(x).get(what)
