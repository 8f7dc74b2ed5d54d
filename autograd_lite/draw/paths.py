"""The backward pass's way: from the output back to targets, along every path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.tensor import Tensor
from ..errors import describe
from ..graph import reached, walk
from ..show.steps import Step

Targets = str | Tensor | Sequence[str | Tensor] | None


def find_targets(output: Tensor, backward: Targets) -> list[Tensor]:
    """The tensors meant by ``backward``; a name stands for every tensor of that name.

    Raises:
        TypeError: something that is neither a name nor a Tensor.
        ValueError: a name or tensor that the graph doesn't hold, or that no gradient reaches.
    """
    if backward is None:
        return []
    tensors = walk(output)
    flows = {t for t in reached(tensors, output) if t.requires_grad}
    known: dict[Any, list[Tensor]] = {t: [t] for t in tensors}
    for t in tensors:
        if t.name is not None:
            known.setdefault(t.name, []).append(t)
    found: dict[Tensor, None] = {}
    for target in [backward] if isinstance(backward, (str, Tensor)) else backward:
        if not isinstance(target, (str, Tensor)):
            raise TypeError(
                f"draw: backward takes names and Tensors, and not {type(target).__name__}"
            )
        said = repr(target) if isinstance(target, str) else describe(target)
        if target not in known:
            raise ValueError(f"draw: {said} is not in the graph; {_names(tensors)}")
        meant = [t for t in known[target] if t in flows]
        if not meant:
            raise ValueError(
                f"draw: {said} gets no gradient from {describe(output, 'the output')}; "
                f"{_names([t for t in tensors if t in flows])}"
            )
        found |= dict.fromkeys(meant)
    return list(found)


def _names(tensors: list[Tensor]) -> str:
    names = dict.fromkeys(repr(t.name) for t in tensors if t.name is not None)
    return f"there are {', '.join(names)}" if names else "no tensor there has a name"


def arrows(step: Step, on: set[Tensor]) -> set[Tensor]:
    """The inputs of a step to which the backward pass goes on from its result, by way of ``on``."""
    return reached(step.region, step.result, on).intersection(step.inputs)
