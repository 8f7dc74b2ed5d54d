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


def _minimized(
    change: Callable[[Any, int], Any], grad: Gradient, x: Any, callback: Callback, num_iters: int
) -> Any:
    """``x`` after so many steps, each of which takes ``change(gradient, i)`` off it."""
    vector, unflatten = flatten(x)
    for i in range(num_iters):
        x = unflatten(vector)
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        vector = vector - change(flatten(matched(x, g, "the gradient"))[0], i)
    return unflatten(vector)


def _running_mean(past: float, mean: Any = 0.0) -> Callable[[Any], Any]:
    """A function that is given one array after the other: their mean, ``past`` of it the former."""

    def of(new: Any) -> Any:
        nonlocal mean
        mean = past * mean + (1 - past) * new
        return mean

    return of


def sgd(grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 200,
        step_size: float = 0.1, mass: float = 0.9) -> Any:  # fmt: skip
    """Gradient descent with momentum: a running mean of the gradients, ``mass`` of it the past."""
    mean = _running_mean(mass)
    return _minimized(lambda g, i: step_size * mean(g), grad, x, callback, num_iters)


def rmsprop(grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 100,
            step_size: float = 0.1, gamma: float = 0.9, eps: float = 1e-8) -> Any:  # fmt: skip
    """Steps of the gradient by the root of its running mean square (Tieleman and Hinton, 2012)."""
    square = _running_mean(gamma, 1.0)

    def change(g: Any, i: int) -> Any:
        return step_size * g / (np.sqrt(square(g**2)) + eps)

    return _minimized(change, grad, x, callback, num_iters)


def adam(
    grad: Gradient, x: Any, callback: Callback = None, num_iters: int = 100,
    step_size: float = 0.001, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Both means, unbiased (Kingma and Ba, "Adam", 2015, algorithm 1)."""
    mean, square = _running_mean(b1), _running_mean(b2)

    def change(g: Any, i: int) -> Any:
        root = np.sqrt(square(g**2) / (1 - b2 ** (i + 1)))
        return step_size * mean(g) / (1 - b1 ** (i + 1)) / (root + eps)

    return _minimized(change, grad, x, callback, num_iters)
