"""Activations: the functions, and a module for each, for use in `Sequential`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.engine.op import apply
from autograd_lite.ops.rows import leaky_relu_op, log_softmax_op, softmax_op
from autograd_lite.table import Op

from .module import Module

Activation = Callable[[Any], Any]


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x)`` divided by its sum over ``axis``; no overflow, whatever the entries."""
    return softmax_op(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of `softmax`, exact also where that underflows."""
    return log_softmax_op(x, axis=axis)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """``x`` where it is positive, else ``slope * x``."""
    return leaky_relu_op(x, slope=slope)


def gelu(x: Any) -> Any:
    """``x Φ(x)`` by tanh: ``½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))``. Hendrycks, Gimpel (2016).

    As PyTorch's with ``approximate="tanh"``; it differs from the exact one by less than 5e−4.
    """
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def silu(x: Any) -> Any:
    """``x σ(x)``, also called swish."""
    return x * ag.sigmoid(x)


def identity(x: Any) -> Any:
    """``x`` itself: for an output that is not squashed."""
    return x


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": ag.sigmoid,
    "tanh": ag.tanh,
    "relu": ag.relu,
    "leaky_relu": leaky_relu,
    "softplus": ag.softplus,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "gelu": gelu,
    "silu": silu,
    "identity": identity,
}


def activation(what: str | Activation) -> Activation:
    """The activation of that name, or the function itself.

    Raises:
        ValueError: no activation has that name; it lists those there are.
        TypeError: it is neither.
    """
    if isinstance(what, type) or not (isinstance(what, str) or callable(what)):
        raise TypeError(
            f"an activation must be a name, a function or a module such as nn.Tanh(), not {what!r}"
        )
    if not isinstance(what, str):
        return what
    if what not in ACTIVATIONS:
        raise ValueError(f"no activation is called {what!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[what]


class _Activation(Module):
    """An activation as a module."""

    function: Activation

    def forward(self, x: Any) -> Any:
        function: Any = type(self).function
        if type(x) is Tensor and type(function) is Op:  # the shorter way
            return apply(function, (x,))
        return function(x)


class Sigmoid(_Activation):
    """``1 / (1 + exp(−x))``."""

    function = staticmethod(ag.sigmoid)


class Tanh(_Activation):
    """The hyperbolic tangent."""

    function = staticmethod(ag.tanh)


class ReLU(_Activation):
    """``max(x, 0)``; its derivative at 0 is taken as 0."""

    function = staticmethod(ag.relu)


class Softplus(_Activation):
    """``log(1 + exp(x))``."""

    function = staticmethod(ag.softplus)


class GELU(_Activation):
    """`gelu`."""

    function = staticmethod(gelu)


class SiLU(_Activation):
    """`silu`."""

    function = staticmethod(silu)


class Identity(_Activation):
    """``x`` itself."""

    function = staticmethod(identity)


class LeakyReLU(Module):
    """``x`` where it is positive, else ``slope * x``."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        return leaky_relu(x, self.slope)


class Softmax(Module):
    """`softmax` over ``axis``."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return softmax(x, self.axis)


class LogSoftmax(Module):
    """`log_softmax` over ``axis``."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return log_softmax(x, self.axis)
