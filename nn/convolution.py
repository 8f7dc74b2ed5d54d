"""Convolutions and pooling: sums, maxima and means over windows that slide over an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite import Tensor, einsum, pad, reshape, sliding_window_view

from .layers import Rng, drawn
from .module import Module, as_data, whole

__all__ = ["AvgPool2d", "Conv2d", "Flatten", "MaxPool2d"]

Pair = int | tuple[int, int]


def _pair(what: str, value: Any, least: int) -> tuple[int, int]:
    """Height and width, where one number is given for both."""
    meant = f"an int of at least {least}, or two"
    high, wide = value if np.shape(value) == (2,) else (value, value)
    return whole(what, high, least, meant), whole(what, wide, least, meant)


def windows(x: Any, size: Pair, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """The windows of images, after zeros were put around them.

    Shapes:
        ``(q, c, h, w)`` → ``(q, c, h', w', *size)``, where ``h' = (h + 2·padding − size) // stride
        + 1``, and so w'.

    Raises:
        ValueError: x of other than four axes, or images smaller than a window.
    """
    x, (high, wide) = as_data(x, "x"), _pair("windows: size", size, 1)
    (i, j), (top, left) = _pair("windows: stride", stride, 1), _pair("windows: padding", padding, 0)
    if x.ndim != 4 or x.shape[2] + 2 * top < high or x.shape[3] + 2 * left < wide:
        said = "images must be of shape (q, c, h, w) and no smaller than a window"
        raise ValueError(f"windows of {high}×{wide}: {said}, and x has shape {x.shape}")
    if top or left:
        x = pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    found = sliding_window_view(x, (high, wide), axis=(2, 3))
    return found if i == j == 1 else found[:, :, ::i, ::j]


class Conv2d(Module):
    """``s_o = Σ_c x_c ⋆ W_oc + b_o``: each output is a sum of correlations with the inputs.

    Weights are drawn uniformly from ``±1/√(n_in · height · width)``; biases start at zero.

    Args:
        n_in: channels of the input.
        n_out: channels of the output.
        kernel_size: height and width of a window, or one number for both.
        stride: how far it moves on.
        padding: how many zeros are put around the image.
        bias: whether there is a bias.
        rng: a generator, or a seed for one.
        dtype: of the parameters.

    Shapes:
        weight ``(n_out, n_in, *kernel_size)``, bias ``(n_out, 1, 1)``;
        ``(q, n_in, h, w)`` → ``(q, n_out, h', w')``, where
        ``h' = (h + 2·padding − kernel_size) // stride + 1``, and so w'.

    Raises:
        ValueError: sizes below 1; images with another number of channels, or smaller than a window.

    Example:
        >>> import nn
        >>> nn.Conv2d(1, 4, 3, padding=1, rng=0)(np.ones((10, 1, 8, 8))).shape
        (10, 4, 8, 8)
    """

    def __init__(
        self, n_in: int, n_out: int, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0,
        bias: bool = True, rng: Rng = None, dtype: DTypeLike = np.float64,
    ) -> None:  # fmt: skip
        n_in, n_out = whole("Conv2d: n_in", n_in, 1), whole("Conv2d: n_out", n_out, 1)
        self.kernel_size = _pair("Conv2d: kernel_size", kernel_size, 1)
        self.stride = _pair("Conv2d: stride", stride, 1)
        self.padding = _pair("Conv2d: padding", padding, 0)
        shape = (n_out, n_in, *self.kernel_size)
        self.weight = drawn("W", shape, math.prod(shape[1:]), rng, dtype)
        self.bias = Tensor(np.zeros((n_out, 1, 1)), True, "b", dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        x = as_data(x, "x")
        if x.ndim != 4 or x.shape[1] != self.weight.shape[1]:
            shape = f"(q, {self.weight.shape[1]}, h, w)"
            raise ValueError(f"Conv2d: images must be of shape {shape}, and x has shape {x.shape}")
        seen = windows(x, self.kernel_size, self.stride, self.padding)
        s = einsum("qchwij,ocij->qohw", seen, self.weight)
        return s if self.bias is None else s + self.bias


class _Pool2d(Module):
    def __init__(self, kernel_size: Pair, stride: Pair | None = None) -> None:
        name = type(self).__name__
        self.kernel_size = _pair(f"{name}: kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else _pair(f"{name}: stride", stride, 1)


class MaxPool2d(_Pool2d):
    """The largest entry of each window. Entries that tie share its gradient.

    Args:
        kernel_size: height and width of a window, or one number for both.
        stride: how far it moves on; by default its own size, so that none overlap.

    Shapes:
        ``(q, c, h, w)`` → ``(q, c, h', w')``, where ``h' = (h − kernel_size) // stride + 1``, and
        so w'; what is left over at the lower and right edge is not read.

    Raises:
        ValueError: sizes below 1; x of other than four axes, or images smaller than a window.

    Example:
        >>> import nn
        >>> nn.MaxPool2d(2)([[[[1.0, 2.0], [3.0, 4.0]]]]).data
        array([[[[4.]]]])
    """

    def forward(self, x: Any) -> Any:
        return windows(x, self.kernel_size, self.stride).max(axis=(-2, -1))


class AvgPool2d(_Pool2d):
    """The mean of each window, with the arguments, shapes and errors of `MaxPool2d`.

    Example:
        >>> import nn
        >>> nn.AvgPool2d(2)([[[[1.0, 2.0], [3.0, 4.0]]]]).data
        array([[[[2.5]]]])
    """

    def forward(self, x: Any) -> Any:
        return windows(x, self.kernel_size, self.stride).mean(axis=(-2, -1))


class Flatten(Module):
    """``(q, …)`` → ``(q, n)``: each observation as one row.

    Example:
        >>> import numpy as np, nn
        >>> nn.Flatten()(np.ones((5, 2, 3, 3))).shape
        (5, 18)
    """

    def forward(self, x: Any) -> Tensor:
        x = as_data(x, "x")
        return reshape(x, (len(x), math.prod(x.shape[1:])))
