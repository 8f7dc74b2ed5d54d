"""The formula of each gradient, as `derive` has it."""

from __future__ import annotations

from ..engine.tensor import Tensor
from ..graph import walk

_MOST_NODES = 400  # of a graph that formulas are derived for
_WIDEST = 60  # characters


def formulas(loss: Tensor) -> dict[str, str]:
    """The short ones that need no other symbols, by name: ``l_1ᵀ δ_2``; none where it can't."""
    if len(walk(loss)) > _MOST_NODES:
        return {}
    try:
        from ..derive import derive

        steps = derive(loss).steps
    except Exception:  # an op has no written form: do without
        return {}
    return {s.target: s.result for s in steps if not s.parts and len(s.result) <= _WIDEST}
