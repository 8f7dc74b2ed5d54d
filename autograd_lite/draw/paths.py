"""The backward pass's way: from the output back to targets, along every path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..engine.tensor import Tensor
from ..errors import describe
from ..graph import walk
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
    wanted = [backward] if isinstance(backward, (str, Tensor)) else list(backward)
    by_name: dict[str, list[Tensor]] = {}
    tensors = walk(output)
    for tensor in tensors:
        if tensor.name is not None:
            by_name.setdefault(tensor.name, []).append(tensor)
    reached = set(_reached(output, tensors))
    known = set(tensors)
    found: dict[Tensor, None] = {}
    for target in wanted:
        if isinstance(target, str):
            meant, said = by_name.get(target, []), repr(target)
        elif isinstance(target, Tensor):
            meant, said = [target] if target in known else [], describe(target)
        else:
            raise TypeError(
                f"draw: backward takes names and Tensors, and not {type(target).__name__}"
            )
        if not meant:
            raise ValueError(f"draw: {said} is not in the graph; {_names(by_name)}")
        meant = [tensor for tensor in meant if tensor in reached]
        if not meant:
            differentiable = {
                name: ts for name, ts in by_name.items() if not reached.isdisjoint(ts)
            }
            raise ValueError(
                f"draw: {said} gets no gradient from {describe(output, 'the output')}; "
                f"{_names(differentiable)}"
            )
        found |= dict.fromkeys(meant)
    return list(found)


def _names(names: dict[str, list[Tensor]]) -> str:
    return f"there are {', '.join(map(repr, names))}" if names else "no tensor there has a name"


def carriers(tensor: Tensor) -> Iterator[Tensor]:
    """The inputs that a gradient flows to: tracked, and with a rule."""
    if tensor.op is not None:
        for x, vjp in zip(tensor.inputs, tensor.op.vjps, strict=False):
            if x.requires_grad and vjp is not None:
                yield x


def _reached(output: Tensor, tensors: list[Tensor]) -> Iterator[Tensor]:
    """The tensors that a gradient of ``output`` reaches, the latest made first."""
    reached = {output} if output.requires_grad else set()
    for tensor in reversed(tensors):
        if tensor in reached:
            yield tensor
            reached.update(carriers(tensor))


def on_paths(output: Tensor, targets: list[Tensor]) -> set[Tensor]:
    """The tensors from which a gradient flows on to a target; targets included."""
    on = set(targets)
    for tensor in walk(output):
        if not on.isdisjoint(carriers(tensor)):
            on.add(tensor)
    return on


def arrows(step: Step, on: set[Tensor]) -> set[Tensor]:
    """The inputs of a step to which the backward pass goes on from its result."""
    reached = {step.result}
    for tensor in reversed(step.region):
        if tensor in reached:
            reached.update(x for x in carriers(tensor) if x in on)
    return reached.intersection(step.inputs)
