"""Which ops are the work of one layer, and the activations after it."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby
from typing import NamedTuple

from ..engine.tensor import Tensor
from ..layers import Layers
from ..show.notation import op_notation
from ..show.steps import is_number


class Group(NamedTuple):
    """The ops of one layer, and the activations after it.

    Attributes:
        start: number of the first op.
        stop: number after that of the last.
        parts: the layer's type, and the signs of the activations after it.
    """

    start: int
    stop: int
    parts: list[str]


def find_groups(
    layers: Layers, fixed: Collection[Tensor] = ()
) -> list[Group]:
    """The layers that read parameters of theirs, in order.

    What is then computed of a layer's last result alone, entry by entry, is an activation after it.

    Args:
        layers: of the graph, whose results are numbered.
        fixed: results that belong to no layer.
    """
    groups: list[Group] = []
    stop = 0
    for work, run in groupby(layers.results, lambda t: None if t in fixed else layers.work.get(t)):
        members = list(run)
        start, stop = stop, stop + len(members)
        if work and work.reads:
            groups.append(Group(start, stop, [work.name]))
            continue
        for i, t in enumerate(members, start):
            last = layers.results[i - 1]
            if groups and groups[-1].stop == i and t not in fixed and _activates(t, last):
                assert t.op is not None
                begun = groups.pop()
                groups.append(Group(begun.start, i + 1, [*begun.parts, op_notation(t.op).symbol]))
    return groups


def _activates(tensor: Tensor, last: Tensor) -> bool:
    operands = [x for x in tensor.inputs if not is_number(x)]
    return len(operands) == 1 and operands[0] is last and tensor.shape == last.shape
