"""What can be said of a wrong gradient that no edit gives: where it differs, and by what."""

from __future__ import annotations

import numpy as np

from ..engine.tensor import Array
from .given import Given, agrees, distance, size
from .words import ratio

_MOST_PLACES = 3
_RTOL = 1e-6


def nothing_fits(given: Given, right: Array, line: str) -> str:
    """That no usual mistake gives this line, and how it differs from the right one."""
    if given.fitted is None:
        return f"no usual mistake gives this {line}"
    said = f"no usual mistake gives this {line} (differs by {distance(given.fitted, right):.3g})"
    where = _where(given.fitted, right)
    return f"{said}: {where}" if where else said


def _where(array: Array, right: Array) -> str:
    wrong = np.abs(array - right) > _RTOL * size(right)
    places = np.argwhere(wrong)
    if right.size < 4 or not len(places):
        return ""
    if len(places) <= min(_MOST_PLACES, right.size // 2):
        at = ", ".join(str(list(map(int, place))) for place in places)
        return f"it differs at {at} only"
    for axis, n in enumerate(right.shape):
        slices = sorted({int(p[axis]) for p in places})
        if len(slices) <= min(_MOST_PLACES, n // 2):
            which = ", ".join(map(str, slices))
            return f"it differs at {which} of axis {axis} only"
    for axis, n in enumerate(right.shape):
        if n == right.size:  # each entry has a factor of its own, whatever is there
            continue
        others = tuple(a for a in range(right.ndim) if a != axis)
        scale = (array * right).sum(others, keepdims=True) / (right**2).sum(others, keepdims=True)
        if agrees(scale * right, array, _RTOL, 0):
            factors = ", ".join(ratio(float(k)) for k in scale.ravel()[:4])
            more = ", …" if scale.size > 4 else ""
            return f"it is the right one times {factors}{more} along axis {axis}"
    return ""
