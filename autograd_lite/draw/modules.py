"""Which ops are the work of one layer: told by whose parameters they use."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..engine.tensor import Tensor
from ..owners import Owner, owners_of
from ..show.notation import op_notation
from ..show.steps import is_number

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

    An op that uses parameters of one layer, or what is computed from these alone, belongs to it,
    and so does what is computed between two such ops, until a parameter is used again: then the
    layer is. What is then computed of the layer's last result alone, entry by entry, is an
    activation after it.

    Args:
        results: in order of computation.
        fixed: results that belong to no layer.
    """
    work = _Work(results, set(fixed))
    groups: list[Group] = []
    i = alone = 0  # up to alone, what is computed from parameters alone is told by these only
    while i < len(results):
        owner = work.direct if i < alone else work.owner
        own, stop = owner[i], _stop(work, owner, i)
        if own is not None and i >= alone and all(t in work.of for t in results[i:stop]):
            # Nothing but work on parameters: what uses it is elsewhere, or no work of the layer.
            if work.lent.isdisjoint(results[i:stop]):
                alone = stop
                continue
            own = None
        if own is None:
            i = stop
            continue
        parts = [own.name]
        while stop < len(results) and _activates(
            results[stop], results[stop - 1], work.direct[stop]
        ):
            if results[stop] in fixed:
                break
            op = results[stop].op
            assert op is not None
            parts.append(op_notation(op).symbol)
            stop += 1
        groups.append(Group(i, stop, parts))
        i = stop
    return groups


class _Work:
    """Of each result, whose work it is.

    Attributes:
        results: in order of computation.
        fixed: those that belong to no layer.
        direct: of each the layer whose parameters its op uses, where that is one layer.
        owner: likewise, where it is told by a result of the layer's parameters alone as well.
        of: the layer whose leaves a leaf or result is computed from alone.
        lent: results of parameters alone that the layer's work on something else uses.
    """

    def __init__(self, results: list[Tensor], fixed: set[Tensor]) -> None:
        self.results, self.fixed = results, fixed
        self.of: dict[Tensor, Owner] = owners_of(x for t in results for x in t.inputs if x.is_leaf)
        parameters = {x: own for x, own in self.of.items() if x.requires_grad}
        used = [{parameters[x] for x in t.inputs if x in parameters} for t in results]
        self.direct = [
            next(iter(owners)) if len(owners) == 1 and t not in fixed else None
            for t, owners in zip(results, used, strict=True)
        ]
        others = set()  # what another layer reads is no parameter, but handed on: an embedding, say
        for t, owners in zip(results, used, strict=True):
            sources = {self.of.get(x) for x in t.inputs if not is_number(x)}
            (source,) = sources if len(sources) == 1 else (None,)
            if source is not None and t not in fixed:
                self.of[t] = source
            others |= {
                x for x in t.inputs if not x.is_leaf and x in self.of and owners - {self.of[x]}
            }
        self.lent: set[Tensor] = set()
        self.owner = list(self.direct)
        for i, t in enumerate(results):
            if t in fixed or len(used[i]) > 1:
                continue
            # A number of parameters alone is mostly a penalty, which is added to a loss.
            lent = {
                x for x in t.inputs
                if not x.is_leaf and x in self.of and x not in others and (x.ndim or t in self.of)
            }  # fmt: skip
            owners = used[i] or {self.of[x] for x in lent}
            if len(owners) == 1:
                (self.owner[i],) = owners
                if t not in self.of:
                    self.lent |= {x for x in lent if self.of[x] in owners}

    def uses(self, tensor: Tensor) -> set[Tensor]:
        """The parameters, or results of these alone, that an op uses."""
        return {
            x for x in tensor.inputs if x in self.of and (x.requires_grad or not x.is_leaf)
        }  # fmt: skip


def _stop(work: _Work, owner: list[Owner | None], start: int) -> int:
    """Where the work of the layer ends that begins at op ``start``."""
    results, stop = work.results, start + 1
    used = work.uses(results[start])
    began = results[start] not in work.of  # parameters may be read again until it does
    for j in range(start + 1, len(results) if owner[start] is not None else 0):
        t = results[j]
        if t in work.fixed:
            break
        if owner[j] is owner[start]:
            again = work.uses(t)
            if began and not used.isdisjoint(again):
                break
            used |= again
            began = began or t not in work.of
            stop = j + 1
        elif owner[j] is not None or j - stop > _FARTHEST:
            break
    return stop


def _activates(tensor: Tensor, last: Tensor, owner: Owner | None) -> bool:
    operands = [x for x in tensor.inputs if not is_number(x)]
    return owner is None and len(operands) == 1 and operands[0] is last and (
        tensor.shape == last.shape
    )
