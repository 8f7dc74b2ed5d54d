"""Containers of arrays as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from ..containers import leaves, rebuilt, settled


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of containers in one vector, and the function that puts such a vector back.

    Args:
        value: nested tuples, lists, dicts, … of arrays, Tensors and numbers, as transforms take.

    Example:
        >>> import numpy as np
        >>> from autograd_lite.misc import flatten
        >>> vector, unflatten = flatten({"w": np.ones((1, 2)), "b": 3.0})
        >>> unflatten(2 * vector)
        {'w': array([[2., 2.]]), 'b': array(6.)}
    """
    value = settled(value)
    found = leaves(value)
    shapes = [np.shape(x) for x in found]
    ends = list(accumulate(map(prod, shapes)))

    def unflatten(vector: Any) -> Any:
        return rebuilt(value, map(np.reshape, np.split(vector, ends), shapes))

    return np.concatenate([np.ravel(x) for x in found] or [np.zeros(0)]), unflatten


def flatten_func(f: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Any, Any]:
    """``f`` as a function of vectors, with `flatten` of what its first argument looks like."""
    vector, unflatten = flatten(example)
    return lambda x, *args: flatten(f(unflatten(x), *args))[0], unflatten, vector
