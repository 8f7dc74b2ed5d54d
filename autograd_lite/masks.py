"""What made a mask: a comparison of Tensors gives a plain array, which leaves no other trace.

For readers, which write ``[s > 0]`` where ``s > 0`` was computed. A mask is known as long as it is
alive, and keeps no Tensor alive.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import ref

from .engine.tensor import Array, Tensor


class Comparison(NamedTuple):
    """A comparison by NumPy's function of that name."""

    name: str
    operands: list[Any]


_made: dict[int, tuple[ref[Array], str, list[Any]]] = {}  # by the mask's id


def remember(mask: Array, name: str, operands: tuple[Any, ...]) -> None:
    """``mask`` is NumPy's function ``name`` of these."""
    key = id(mask)
    kept = [ref(x) if type(x) is Tensor else x for x in operands]
    _made[key] = ref(mask, lambda _: _made.pop(key, None)), name, kept


def is_known(mask: Any) -> bool:
    """Whether something is known of what made it, be that gone or not."""
    return id(mask) in _made


def comparison(mask: Any) -> Comparison | None:
    """What made a mask; None where that isn't known, or is gone."""
    if id(mask) not in _made:
        return None
    _, name, kept = _made[id(mask)]
    operands = [x() if isinstance(x, ref) else x for x in kept]
    return None if any(x is None for x in operands) else Comparison(name, operands)
