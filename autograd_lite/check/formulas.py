"""The formula of each gradient, worked out only when somebody reads it."""

from __future__ import annotations

from functools import cached_property

from ..engine.tensor import Tensor
from .recorded import Recorded
from .wording import formula

_MOST_STEPS = 200  # of a graph that formulas are derived for
_WIDEST = 60  # characters


class Formulas:
    """The expected formulas of a recorded loss: simplified where sympy is there."""

    def __init__(self, graph: Recorded) -> None:
        self.graph = graph

    def of(self, tensor: Tensor) -> str | None:
        """A gradient's formula without its left side: ``l_1ᵀ δ_2``; None where it is too long."""
        return self.derived.get(tensor.name or "") or formula(self.graph, tensor)

    @cached_property
    def derived(self) -> dict[str, str]:
        """By name, what `derive` gives; nothing where it can't."""
        if len(self.graph.steps) > _MOST_STEPS:
            return {}
        try:
            from ..derive import derive

            steps = derive(self.graph.loss).steps
        except Exception:  # sympy isn't there, or an op has no written form: do without
            return {}
        return {s.target: s.result for s in steps if len(s.result) <= _WIDEST}
