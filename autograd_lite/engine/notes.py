"""Notes on objects: what is known of one as long as it is alive, and takes no room in it."""

from __future__ import annotations

import weakref
from typing import Any

_notes: dict[int, tuple[weakref.ref[Any], dict[str, Any]]] = {}  # by id


def note(x: Any, what: str, value: Any) -> None:
    """Remember ``value`` of ``x``, in place of what was noted under ``what`` before."""
    key = id(x)
    if key not in _notes:
        _notes[key] = weakref.ref(x, lambda _: _notes.pop(key, None)), {}
    _notes[key][1][what] = value


def noted(x: Any, what: str) -> Any:
    """What was noted, or None."""
    return _notes[id(x)][1].get(what) if id(x) in _notes else None


def all_noted(what: str) -> list[tuple[Any, Any]]:
    """All that are alive with such a note, and it."""
    found = [(x(), notes[what]) for x, notes in list(_notes.values()) if what in notes]
    return [(x, value) for x, value in found if x is not None]
