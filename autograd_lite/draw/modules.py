"""Which ops are the work of one layer: told by whose parameters they use."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..owners import Owner, owners_of
from ..steps import is_number
from ..tensor import Tensor

_FARTHEST = 64
"""How many ops may lie between two uses of a layer's parameters; so that this is linear."""


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


def find_groups(results: list[Tensor], fixed: Collection[Tensor] = ()) -> list[Group]:
    """The layers among a list of all results of a graph, in order.

    An op that uses parameters of one layer belongs to it, and so does what is computed between two
    such ops, until a parameter is used again: then the layer is. What is then computed of the
    layer's last result alone, entry by entry, is an activation after it.

    Args:
        results: in order of computation.
        fixed: results that belong to no layer.
    """
    owner = _owners(results, set(fixed))
    groups: list[Group] = []
    i = 0
    while i < len(results):
        own = owner[i]
        if own is None:
            i += 1
            continue
        start, stop, j = i, i + 1, i + 1
        used = {x for x in results[i].inputs if x.requires_grad and x.is_leaf}
        while j < len(results) and results[j] not in fixed:
            if owner[j] is own:
                again = {x for x in results[j].inputs if x.requires_grad and x.is_leaf}
                if not used.isdisjoint(again):
                    break
                used |= again
                stop = j + 1
            elif owner[j] is not None or j - stop > _FARTHEST:
                break
            j += 1
        parts = [own.name]
        while stop < len(results) and _activates(results[stop], results[stop - 1], owner[stop]):
            if results[stop] in fixed:
                break
            op = results[stop].op
            assert op is not None
            parts.append(op.notation.symbol)
            stop += 1
        groups.append(Group(start, stop, parts))
        i = stop
    return groups


def _owners(results: list[Tensor], fixed: set[Tensor]) -> list[Owner | None]:
    """Of each result the layer whose parameters its op uses, where that is one layer."""
    known = owners_of(x for t in results for x in t.inputs if x.is_leaf and x.requires_grad)
    found: list[Owner | None] = []
    for t in results:
        own = {known[x] for x in t.inputs if x in known}
        found.append(own.pop() if len(own) == 1 and t not in fixed else None)
    return found


def _activates(tensor: Tensor, last: Tensor, owner: Owner | None) -> bool:
    operands = [x for x in tensor.inputs if not is_number(x)]
    return owner is None and len(operands) == 1 and operands[0] is last and (
        tensor.shape == last.shape
    )
