"""Whose parameters these are: what makes layers known to figures, without knowing any layer.

An object that has registered, such as each `nn.Module`, owns the leaf Tensors among its attributes.
It is asked when a figure wants to know, so that computing with it takes no time for that.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection
from typing import Any

from .tensor import Tensor

_alive: dict[int, weakref.ref[Any]] = {}


def register(owner: Any) -> None:
    """Let the leaf Tensors among the attributes of ``owner`` be known as its own."""
    key = id(owner)
    _alive[key] = weakref.ref(owner, lambda _: _alive.pop(key, None))


def owners_of(tensors: Collection[Tensor]) -> dict[Tensor, Any]:
    """The object that owns each of ``tensors``; of several the first one made. Others are left out.
    """
    wanted = set(tensors)
    found: dict[Tensor, Any] = {}
    for ref in list(_alive.values()) if wanted else []:
        owner = ref()
        for value in list(getattr(owner, "__dict__", {}).values()):
            for x in value if type(value) in (list, tuple) else (value,):
                if type(x) is Tensor and x in wanted:
                    found.setdefault(x, owner)
    return found
