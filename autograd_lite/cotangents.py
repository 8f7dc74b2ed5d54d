"""Which tensor a recorded cotangent is of, so that figures can call it δ_1, ∇W_12 or ∂L/∂h.

It is noted where the backward pass is recorded, of named tensors only.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from .tensor import Tensor


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


_noted: dict[int, tuple[Any, list[Cotangent]]] = {}  # of Tensors that are alive, by id


def note(g: Any, tensor: Tensor, output: Tensor) -> None:
    """Remember that ``g`` is the cotangent of ``tensor``, which has a name."""
    if type(g) is not Tensor or tensor.name is None:
        return
    key = id(g)
    number = -id(output) if output._op is None else output._number
    cotangent = Cotangent(output.name, tensor.name, tensor._op is None, number)
    if key in _noted:
        if cotangent not in _noted[key][1]:
            _noted[key][1].append(cotangent)  # one array, handed on to several inputs
    else:
        _noted[key] = weakref.ref(g, lambda _: _noted.pop(key, None)), [cotangent]


def noting(output: Tensor) -> Any:
    """A layer of a recorded `pull` that notes what it finds for ``output``."""

    def layer(tensor: Tensor, g: Any, vjps: Any) -> Any:
        note(g, tensor, output)
        return vjps

    return layer


def noted(tensors: Iterable[Tensor]) -> dict[Tensor, list[Cotangent]]:
    """Those of ``tensors`` that are known to be cotangents, and of what."""
    return {t: list(_noted[id(t)][1]) for t in tensors if id(t) in _noted}
