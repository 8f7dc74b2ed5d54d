"""What code outside of the graph has seen of it: values that left, from which it may have made more.

Such a number, or a choice made by one (``if s.data > 0``), is recorded nowhere. Who computes a graph
anew for other values asks here whether there may be any. What is noted keeps nothing alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any
from weakref import ref

import numpy as np

from .engine.notes import note, noted
from .engine.op import _next_number
from .engine.tensor import Tensor


def look(tensor: Any) -> None:
    """Note that code outside was given the value that ``tensor`` has now."""
    if type(tensor) is Tensor and tensor._tracked and type(tensor._array) is np.ndarray:
        array = tensor._array
        known = noted(tensor, look)
        if known is None or known[1]() is not array:
            note(tensor, look, (_next_number(), ref(array)))


def compare(operands: Sequence[Any], mask: Any) -> None:
    """Note that ``mask``, a plain array, was made of these operands' values."""
    for x in operands:
        if type(x) is Tensor and x._tracked:
            note(x, compare, (*(noted(x, compare) or ())[-9:], (_next_number(), ref(mask))))


def looked_at(
    tensors: Sequence[Tensor], before: float = inf, since: float = 0
) -> list[Tensor]:
    """Those whose values were given outside, before the result of that number was computed."""
    found = []
    for t in tensors:
        number, array = noted(t, look) or (before, ref(t))
        if since <= number < before and array() is t._array:
            found.append(t)
    return found


def compared(tensors: Sequence[Tensor], before: int) -> list[Tensor]:
    """Those of which something was made before that isn't among what the others were given."""
    given = {id(noted(t, "given")) for t in tensors} - {id(None)}
    return [
        t
        for t in tensors
        for number, mask in noted(t, compare) or ()
        if number < before and (mask() is None or id(mask()) not in given)
    ]
