"""Whose parameters these are: what makes layers known to figures, without knowing any layer.

Who sets a Tensor as an attribute may say so, as `nn.Module` does. It is remembered as long as the
Tensor is alive, since a graph may outlive the layers that computed it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial
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


def own(owner: Any, *tensors: Tensor) -> None:
    """Note that ``tensors`` belong to ``owner``. What has an owner keeps it.

    Those that it comes to own later, in a list say, its ``owned()`` gives when a figure asks.
    """
    key = id(owner)
    if key not in _owners:
        note = Owner(type(owner).__name__)
        _owners[key] = weakref.ref(owner, lambda _: _owners.pop(key, None)), note
    for tensor in tensors:
        if id(tensor) not in _of:
            gone = partial(_forget, id(tensor))
            _of[id(tensor)] = weakref.ref(tensor, gone), _owners[key][1]


def _forget(place: int, _: Any) -> None:
    _of.pop(place, None)


def owners_of(tensors: Iterable[Tensor]) -> dict[Tensor, Owner]:
    """Those of ``tensors`` that somebody owns, and who that is."""
    for owner, _ in list(_owners.values()):
        if (alive := owner()) is not None:
            own(alive, *alive.owned())
    return {t: _of[id(t)][1] for t in tensors if id(t) in _of}
