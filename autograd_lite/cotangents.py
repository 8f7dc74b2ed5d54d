"""Which tensor a recorded cotangent is of, so that figures can call it δ_1, ∇W_12 or ∂L/∂h.

It is noted where the backward pass is recorded, of named tensors only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .engine.notes import note, noted
from .engine.tensor import Tensor


class Cotangent(NamedTuple):
    """The gradient of one tensor with respect to another.

    Attributes:
        of: the name of what is differentiated; None where it has none.
        by: the tensor's name.
        is_leaf: whether that is a leaf.
        output: number of what is differentiated, which no other result has; of a leaf a negative
            one.
    """

    of: str | None
    by: str
    is_leaf: bool
    output: int


def noting(output: Tensor) -> Any:
    """A layer of a recorded `pull` that notes what it finds for ``output``."""
    number = -id(output) if output._op is None else output._number

    def layer(tensor: Tensor, g: Any, vjps: Any) -> Any:
        if type(g) is Tensor and tensor.name is not None:
            cotangent = Cotangent(output.name, tensor.name, tensor._op is None, number)
            known = noted(g, "cotangents") or []  # several where one array is handed on to several
            if cotangent not in known:
                note(g, "cotangents", [*known, cotangent])
        return vjps

    return layer


def cotangents_of(tensors: Iterable[Tensor]) -> dict[Tensor, list[Cotangent]]:
    """Those of ``tensors`` that are known to be cotangents, and of what."""
    return {t: known for t in tensors if (known := noted(t, "cotangents"))}
