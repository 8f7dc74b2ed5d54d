"""Which ops are the work of one layer, and the activations after it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import groupby
from typing import NamedTuple

from ..engine.tensor import Tensor
from ..layers import Layers
from ..show.notation import op_notation
from ..show.steps import is_number


class Role(NamedTuple):
    """What an op does in a network.

    Attributes:
        group: number of the layer, and the activations after it, that it belongs to, if any.
        name: the layer's type at its first op; the sign of an activation, or another function.
        begins: whether it is a layer's first op.
    """

    group: int | None
    name: str
    begins: bool = False


def roles_of(layers: Layers, fixed: Set[Tensor]) -> list[Role]:
    """Of each result what its op does; a layer is one that reads parameters of its own.

    What is then computed of a layer's last result alone, entry by entry, is an activation after it.

    Args:
        layers: of the graph, whose results are numbered.
        fixed: results that belong to no layer.
    """
    roles: list[Role] = []
    for work, run in groupby(layers.results, lambda t: None if t in fixed else layers.work.get(t)):
        if work and work.reads:
            group = len(roles)
            roles += [Role(group, "" if k else work.name, not k) for k, _ in enumerate(run)]
            continue
        for t in run:
            sign = op_notation(t.op).symbol
            before = roles[-1].group if roles and t not in fixed else None
            if before is not None and _activates(t, layers.results[len(roles) - 1]):
                roles.append(Role(before, sign))
            else:  # it is called by a name, as softmax is, or written as a sign among operands
                roles.append(Role(None, sign if sign.isalpha() and sign != "ᵀ" else ""))
    return roles


def title(roles: Sequence[Role]) -> str | None:
    """What ops are called together; None where no layer begins there."""
    if not any(role.begins for role in roles):
        return None
    parts = [role.name for role in roles if role.name]
    if len(parts) > _MOST_PARTS:
        parts[_MOST_PARTS - 1 :] = ["…"]
    return " + ".join(parts)


_MOST_PARTS = 7


def _activates(tensor: Tensor, last: Tensor) -> bool:
    operands = [x for x in tensor.inputs if not is_number(x)]
    return len(operands) == 1 and operands[0] is last and tensor.shape == last.shape
