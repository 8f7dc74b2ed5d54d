"""Optimizers of functions: ``adam(gradient, x, callback)``, where ``gradient(x, i)`` is of step i.

``x`` is an array, or containers of arrays, and so is what comes back. The callback is called as
``callback(x, i, gradient)`` before each step.

Example:
    >>> import numpy as np, autograd_lite as ag
    >>> from autograd_lite.misc.optimizers import adam
    >>> slope = ag.grad(lambda p: np.sum((p["w"] - 3.0) ** 2))
    >>> adam(lambda p, i: slope(p), {"w": np.zeros(2)}, num_iters=1000, step_size=0.1)["w"].round(3)
    array([3., 3.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..containers import matched
from .flatten import flatten

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], object] | None


class _Point:
    """Where an optimizer is: as a vector, and as the containers that functions are given."""

    def __init__(self, grad: Gradient, x: Any, callback: Callback) -> None:
        self.grad, self.callback = grad, callback
        self.vector, self.unflatten = flatten(x)

    def gradient(self, i: int) -> Any:
        x = self.value()
        g = self.grad(x, i)
        if self.callback:
            self.callback(x, i, g)
        return flatten(matched(x, g, "the gradient"))[0]

    def value(self) -> Any:
        return self.unflatten(self.vector)


def sgd(grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 200,
        step_size: float = 0.1, mass: float = 0.9) -> Any:  # fmt: skip
    """Gradient descent with momentum: a running mean of the gradients, ``mass`` of it the past."""
    at = _Point(grad, x, callback)
    mean = np.zeros(at.vector.shape)
    for i in range(num_iters):
        mean = mass * mean + (1 - mass) * at.gradient(i)
        at.vector = at.vector - step_size * mean
    return at.value()


def rmsprop(grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 100,
            step_size: float = 0.1, gamma: float = 0.9, eps: float = 1e-8) -> Any:  # fmt: skip
    """Steps of the gradient by the root of its running mean square (Tieleman and Hinton, 2012)."""
    at = _Point(grad, x, callback)
    square = np.ones(at.vector.shape)
    for i in range(num_iters):
        g = at.gradient(i)
        square = gamma * square + (1 - gamma) * g**2
        at.vector = at.vector - step_size * g / (np.sqrt(square) + eps)
    return at.value()


def adam(
    grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 100,
    step_size: float = 0.001, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Both means, unbiased (Kingma and Ba, "Adam", 2015, algorithm 1)."""
    at = _Point(grad, x, callback)
    mean, square = np.zeros(at.vector.shape), np.zeros(at.vector.shape)
    for i in range(num_iters):
        g = at.gradient(i)
        mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g**2
        root = np.sqrt(square / (1 - b2 ** (i + 1)))
        at.vector = at.vector - step_size * mean / (1 - b1 ** (i + 1)) / (root + eps)
    return at.value()
