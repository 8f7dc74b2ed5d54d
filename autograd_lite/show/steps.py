"""The steps of a computation: what lies between the tensors that are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from ..engine.tensor import Tensor
from ..graph import walk


class Step(NamedTuple):
    """How a shown tensor is computed from other shown ones.

    Attributes:
        result: the shown tensor.
        region: the tensors recorded on the way, in order, ``result`` last: a tree of operations,
            which is what a formula is.
        inputs: the shown tensors it starts from, each once, in the order in which they are used.
    """

    result: Tensor
    region: list[Tensor]
    inputs: list[Tensor]


def is_number(tensor: Tensor) -> bool:
    """Whether a formula writes the tensor's value: a constant number without a name."""
    return (
        tensor.is_leaf and tensor.ndim == 0 and tensor.name is None and not tensor.requires_grad
    )


def steps(
    output: Tensor, every: bool = False, shown: Collection[Tensor] = ()
) -> tuple[list[Tensor], list[Step]]:
    """The leaves that a figure of ``output`` shows, and its steps, inputs before results.

    Shown are named tensors, leaves, ``output``, those in ``shown``, and unnamed results that are
    used more than once, which would else be written out more than once. Linear in the graph's size.

    Args:
        output: the last result.
        every: show every result, so that each operation is a step.
        shown: further results to show.
    """
    tensors = walk(output)
    uses = Counter(x for tensor in tensors for x in tensor.inputs)
    leaves = [t for t in tensors if t.is_leaf and (t is output or not is_number(t))]
    regions: dict[Tensor, list[Tensor]] = {}
    step_of: dict[Tensor, Tensor] = {}  # by the step's result
    further = set(shown)
    for tensor in reversed(tensors):
        if tensor.is_leaf:
            continue
        if every or tensor.name is not None or uses[tensor] != 1 or tensor in further:
            step_of[tensor] = tensor
        # Results are newer than their inputs, so the one use has been seen, and has left its step.
        result = step_of[tensor]
        regions.setdefault(result, []).append(tensor)
        for x in tensor.inputs:
            step_of.setdefault(x, result)
    found = []
    for result, region in reversed(regions.items()):
        region.reverse()
        found.append(step_to(result, region))
    return leaves, found


def step_to(result: Tensor, region: list[Tensor]) -> Step:
    """The step that ends in ``result``, from the tensors recorded on the way, in order."""
    inner = set(region)
    inputs = dict.fromkeys(
        x for t in region for x in t.inputs if x not in inner and not is_number(x)
    )
    return Step(result, region, list(inputs))
