"""Activations: the functions, and a module for each, for use in `Sequential`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.ops.rows import leaky_relu_op, log_softmax_op, softmax_op

from .module import Module

__all__ = [
    "GELU", "Identity", "LeakyReLU", "LogSoftmax", "ReLU", "SiLU", "Sigmoid", "Softmax",
    "Softplus", "Tanh", "gelu", "identity", "leaky_relu", "log_softmax", "silu", "softmax",
]  # fmt: skip

Activation = Callable[[Any], Any]


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x)`` divided by its sum over ``axis``; no overflow, whatever the entries.

    Example:
        >>> import numpy as np, nn
        >>> nn.softmax(np.array([1.0, 2.0, 2.0])).round(4)
        array([0.1554, 0.4223, 0.4223])
    """
    return softmax_op(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of `softmax`, exact also where that underflows.

    Example:
        >>> import numpy as np, nn
        >>> nn.log_softmax(np.array([0.0, 1000.0]))
        array([-1000.,     0.])
    """
    return log_softmax_op(x, axis=axis)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """``x`` where it is positive, else ``slope * x``.

    Example:
        >>> import numpy as np, nn
        >>> nn.leaky_relu(np.array([-1.0, 0.0, 2.0]))
        array([-0.01,  0.  ,  2.  ])
    """
    return leaky_relu_op(x, slope=slope)


def gelu(x: Any) -> Any:
    """``x Φ(x)`` by tanh: ``½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))``. Hendrycks, Gimpel (2016).

    As PyTorch's with ``approximate="tanh"``; it differs from the exact one by less than 5e−4.

    Example:
        >>> import numpy as np, nn
        >>> nn.gelu(np.array([-1.0, 0.0, 2.0])).round(4)
        array([-0.1588,  0.    ,  1.9546])
    """
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def silu(x: Any) -> Any:
    """``x σ(x)``, also called swish.

    Example:
        >>> import numpy as np, nn
        >>> nn.silu(np.array([-1.0, 0.0, 2.0])).round(4)
        array([-0.2689,  0.    ,  1.7616])
    """
    return x * ag.sigmoid(x)


def identity(x: Any) -> Any:
    """``x`` itself: for an output that is not squashed.

    Example:
        >>> import nn
        >>> nn.MLP([2, 3, 1], output="identity", rng=0)([[0.0, 1.0]]).shape
        (1, 1)
    """
    return x


ACTIVATIONS: dict[str, Activation] = {
    f.__name__: f
    for f in (
        ag.sigmoid, ag.tanh, ag.relu, leaky_relu, ag.softplus, softmax, log_softmax, gelu, silu,
        identity,
    )
}  # fmt: skip


def activation(what: str | Activation) -> Activation:
    """The activation of that name, or the function itself.

    Raises:
        ValueError: no activation has that name; it lists those there are.
        TypeError: it is neither.
    """
    if isinstance(what, type) or not (isinstance(what, str) or callable(what)):
        said = "an activation must be a name, a function or a module such as nn.Tanh()"
        raise TypeError(f"{said}, not {what!r}")
    if not isinstance(what, str):
        return what
    if what not in ACTIVATIONS:
        raise ValueError(f"no activation is called {what!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[what]


class _Activation(Module):
    """An activation as a module."""

    function: Activation

    def forward(self, x: Any) -> Any:
        return type(self).function(x)


class Sigmoid(_Activation):
    """``1 / (1 + exp(−x))``.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sigmoid()(np.array([-1.0, 0.0, 2.0])).round(4)
        array([0.2689, 0.5   , 0.8808])
    """

    function = staticmethod(ag.sigmoid)


class Tanh(_Activation):
    """The hyperbolic tangent.

    Example:
        >>> import numpy as np, nn
        >>> nn.Tanh()(np.array([-1.0, 0.0, 2.0])).round(4)
        array([-0.7616,  0.    ,  0.964 ])
    """

    function = staticmethod(ag.tanh)


class ReLU(_Activation):
    """``max(x, 0)``; its derivative at 0 is taken as 0.

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU()(np.array([-1.0, 0.0, 2.0]))
        array([0., 0., 2.])
    """

    function = staticmethod(ag.relu)


class Softplus(_Activation):
    """``log(1 + exp(x))``.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softplus()(np.array([-1.0, 0.0, 2.0])).round(4)
        array([0.3133, 0.6931, 2.1269])
    """

    function = staticmethod(ag.softplus)


class GELU(_Activation):
    """`gelu`.

    Example:
        >>> import nn
        >>> net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.GELU(), nn.Linear(3, 1, rng=1))
        >>> net([[0.0, 1.0]]).shape
        (1, 1)
    """

    function = staticmethod(gelu)


class SiLU(_Activation):
    """`silu`.

    Example:
        >>> import nn
        >>> net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.SiLU(), nn.Linear(3, 1, rng=1))
        >>> net([[0.0, 1.0]]).shape
        (1, 1)
    """

    function = staticmethod(silu)


class Identity(_Activation):
    """``x`` itself.

    Example:
        >>> import numpy as np, nn
        >>> nn.Identity()(np.array([-1.0, 2.0]))
        array([-1.,  2.])
    """

    function = staticmethod(identity)


class LeakyReLU(Module):
    """``x`` where it is positive, else ``slope * x``.

    Example:
        >>> import numpy as np, nn
        >>> nn.LeakyReLU(0.1)(np.array([-1.0, 0.0, 2.0]))
        array([-0.1,  0. ,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        return leaky_relu(x, self.slope)


class Softmax(Module):
    """`softmax` over ``axis``.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmax()(np.zeros((1, 4)))
        array([[0.25, 0.25, 0.25, 0.25]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return softmax(x, self.axis)


class LogSoftmax(Module):
    """`log_softmax` over ``axis``.

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSoftmax()(np.zeros((1, 4))).round(4)
        array([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return log_softmax(x, self.axis)
