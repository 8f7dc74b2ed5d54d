"""Whose parameters these are: what makes layers known to figures, without knowing any layer.

Who sets a Tensor as an attribute may say so, as `nn.Module` does. It is remembered as long as the
Tensor is alive, since a graph may outlive the layers that computed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .engine.notes import all_noted, note, noted
from .engine.tensor import Tensor


class Owner:
    """What owns parameters: one layer, say.

    Attributes:
        name: that of its type.
    """

    def __init__(self, name: str) -> None:
        self.name = name


def own(owner: Any, *tensors: Tensor) -> None:
    """Note that ``tensors`` belong to ``owner``. What has an owner keeps it.

    Those that it comes to own later, in a list say, its ``owned()`` gives when a figure asks.
    """
    known = noted(owner, "owns")
    if known is None:
        known = Owner(type(owner).__name__)
        note(owner, "owns", known)
    for tensor in tensors:
        if noted(tensor, "owner") is None:
            note(tensor, "owner", known)


def owners_of(tensors: Iterable[Tensor]) -> dict[Tensor, Owner]:
    """Those of ``tensors`` that somebody owns, and who that is."""
    for owner, _ in all_noted("owns"):
        own(owner, *owner.owned())
    return {t: owner for t in tensors if (owner := noted(t, "owner")) is not None}
