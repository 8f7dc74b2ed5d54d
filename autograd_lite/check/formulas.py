"""The formula of each gradient, worked out only when somebody reads it."""

from __future__ import annotations

from functools import cached_property

from ..engine.tensor import Tensor
from ..graph import walk

_MOST_NODES = 400  # of a graph that formulas are derived for
_WIDEST = 60  # characters


class Formulas:
    """The expected formulas of a recorded loss, as `derive` has them."""

    def __init__(self, loss: Tensor) -> None:
        self.loss = loss

    def of(self, name: str) -> str | None:
        """A gradient's formula without its left side: ``l_1ᵀ δ_2``; None where it is too long."""
        return self._derived.get(name)

    @cached_property
    def _derived(self) -> dict[str, str]:
        """By name, what `derive` gives; nothing where it can't."""
        if len(walk(self.loss)) > _MOST_NODES:
            return {}
        try:
            from ..derive import derive

            steps = derive(self.loss).steps
        except Exception:  # an op has no written form: do without
            return {}
        return {s.target: s.result for s in steps if len(s.result) <= _WIDEST}
