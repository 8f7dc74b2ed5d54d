"""What training does to leaves: it lets them hold other arrays, and forgets their gradients."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from .later import later
from .tensor import Array, Tensor

# What a Tensor holds, for who doesn't write to it; and whether somebody outside may write to it.
array_of = attrgetter("_array")
held = attrgetter("_array", "_exposed")
grad_of = attrgetter("_grad")


def hold(leaf: Tensor, array: Array, exposed: bool = False) -> None:
    """Let it hold another array, of the same shape and dtype; ``exposed`` as of `held`."""
    leaf._array, leaf._exposed = array, exposed


def descend(leaves: Iterable[Tensor], rate: float) -> None:
    """``w ← w − α g`` for each that has a gradient, which has its shape and dtype."""
    minus_rate: Any = None  # as an array: NumPy takes longer to convert a number than to multiply
    for leaf in leaves:
        grad = leaf._grad
        if grad is not None:
            if minus_rate is None or minus_rate.dtype is not grad.dtype:
                minus_rate = np.array(-rate, grad.dtype)
            new = minus_rate * grad + leaf._array  # so NumPy adds in place, if it's large
            leaf._array = new if type(new) is type(grad) else later.as_array(new)
            leaf._exposed = False


def forget_gradients(leaves: Iterable[Tensor]) -> None:
    for leaf in leaves:
        leaf._grad = None
