"""Nested tuples, lists and dicts of arrays, as transforms take and give them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np


def is_container(tree: Any) -> bool:
    return isinstance(tree, (tuple, list, dict))


def leaves(tree: Any) -> list[Any]:
    """What the containers hold, in order; of something else, itself."""
    if not is_container(tree):
        return [tree]
    inner = tree.values() if isinstance(tree, dict) else tree
    return [leaf for child in inner for leaf in leaves(child)]


def rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    """The containers of ``tree`` around new leaves, taken in order."""
    if not is_container(tree):
        return next(new)
    if isinstance(tree, dict):
        same = copy.copy(tree)  # of its own kind, and with its own order
        same.update((key, rebuilt(child, new)) for key, child in tree.items())
        return same
    children = [rebuilt(child, new) for child in tree]
    if isinstance(tree, list):
        return children
    return type(tree)(*children) if hasattr(tree, "_fields") else tuple(children)


def matched(tree: Any, other: Any, what: str) -> list[Any]:
    """The leaves of ``other`` in the order of those of ``tree``, whose containers it must have.

    Raises:
        ValueError: it hasn't, or a leaf has another shape; ``what`` names ``other``.
    """
    if not is_container(tree):
        if _shape(other) != np.shape(tree):
            given = type(other).__name__ if _shape(other) is None else _shape(other)
            raise ValueError(f"{what} must have the shape {np.shape(tree)}, and has {given}")
        return [other]
    if isinstance(tree, dict):
        if not isinstance(other, dict) or tree.keys() != other.keys():
            raise ValueError(f"{what} must be a dict with the keys {', '.join(map(str, tree))}")
        pairs = [(child, other[key]) for key, child in tree.items()]
    else:
        if not isinstance(other, (tuple, list)) or len(tree) != len(other):
            raise ValueError(
                f"{what} must be a {type(tree).__name__} of {len(tree)}, as is what it belongs to"
            )
        pairs = list(zip(tree, other, strict=True))
    return [leaf for child, given in pairs for leaf in matched(child, given, what)]


def _shape(x: Any) -> tuple[int, ...] | None:
    try:
        shape: tuple[int, ...] = np.shape(x)
        return shape
    except ValueError:  # nested sequences that are no array
        return None
