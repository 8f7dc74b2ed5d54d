"""Whose parameters these are: what makes layers known to figures, without knowing any layer.

Who sets a Tensor as an attribute may say so, as `nn.Module` does. It is remembered as long as the
Tensor is alive, since a graph may outlive the layers that computed it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from .tensor import Tensor


class Owner:
    """What owns parameters: one layer, say.

    Attributes:
        name: that of its type.
    """

    def __init__(self, name: str) -> None:
        self.name = name


_owners: dict[int, tuple[Any, Owner]] = {}  # of objects that are alive, by id
_of: dict[int, tuple[Any, Owner]] = {}  # of Tensors that are alive, by id


def own(owner: Any, tensor: Tensor) -> None:
    """Note that ``tensor`` is an attribute of ``owner``. What has an owner keeps it."""
    key, place = id(owner), id(tensor)
    if place in _of:
        return
    if key not in _owners:
        note = Owner(type(owner).__name__)
        _owners[key] = weakref.ref(owner, lambda _: _owners.pop(key, None)), note
    _of[place] = weakref.ref(tensor, lambda _: _of.pop(place, None)), _owners[key][1]


def owners_of(tensors: Iterable[Tensor]) -> dict[Tensor, Owner]:
    """Those of ``tensors`` that somebody owns, and who that is."""
    return {t: _of[id(t)][1] for t in tensors if id(t) in _of}
