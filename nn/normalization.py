"""Dropout, and what brings activations to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite import Tensor, sqrt
from autograd_lite.compile.draws import uniform
from autograd_lite.ops.rows import normalised_op
from autograd_lite.seen import unseen

from .layers import Rng
from .module import Module, as_data, whole, within

__all__ = ["BatchNorm1d", "Dropout", "LayerNorm"]


class Dropout(Module):
    """In training each entry is 0 with probability ``p``, else divided by ``1 − p``.

    After ``net.eval()`` it does nothing. Srivastava et al. (2014).

    Args:
        p: the probability, from 0 to below 1.
        rng: a generator, or a seed for one, by which entries are chosen anew at each call.

    Raises:
        ValueError: another ``p``.

    Example:
        >>> import nn
        >>> layer = nn.Dropout(0.5, rng=0)
        >>> layer([[1.0, 1.0, 1.0, 1.0]]).data
        array([[2., 0., 0., 0.]])
        >>> layer.eval()([[1.0, 1.0]]).data
        array([[1., 1.]])
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        self.p, self.rng = within("Dropout: p", p), np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        x = as_data(x, "x")
        if not (self.training and self.p):
            return x
        kept = (uniform(self.rng, x.shape) >= self.p) / (1 - self.p)
        return x * Tensor(kept, name="m", dtype=np.result_type(x.dtype, np.float16))


class _Scaled(Module):
    """``γ ∘ x̂ + β``, where x̂ has mean 0 and variance 1."""

    def __init__(self, n: int, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        n, self.eps = whole(f"{type(self).__name__}: n", n, 1), eps
        self.weight = Tensor(np.ones(n), True, "γ", dtype)
        self.bias = Tensor(np.zeros(n), True, "β", dtype)

    def forward(self, x: Any) -> Tensor:
        x = as_data(x, "x")
        if x.shape[-1:] != self.weight.shape:
            said = f"the last axis must have {self.weight.size} entries, and x has shape {x.shape}"
            raise ValueError(f"{type(self).__name__}: {said}")
        return self.weight * self.normalised(x) + self.bias

    def normalised(self, x: Tensor) -> Any:
        raise NotImplementedError


class LayerNorm(_Scaled):
    """Each row brought to mean 0 and variance 1: ``γ ∘ (x − mean(x)) / √(var(x) + ε) + β``.

    Ba et al. (2016).

    Args:
        n: width of a row.
        eps: ε, which keeps the root from 0.
        dtype: of the parameters.

    Shapes:
        weight γ and bias β ``(n,)``; ``(…, n)`` → ``(…, n)``.

    Raises:
        ValueError: a width that isn't an int of at least 1; called with another width.

    Example:
        >>> import nn
        >>> nn.LayerNorm(2)([[1.0, 3.0]]).data.round(3)
        array([[-1.,  1.]])
    """

    def normalised(self, x: Tensor) -> Any:
        return normalised_op(x, axis=-1, eps=self.eps, ddof=0)


class BatchNorm1d(_Scaled):
    """Each column of a batch brought to mean 0 and variance 1, then ``γ ∘ x̂ + β``.

    In training by the batch's own mean and variance, of which ``running_mean`` and ``running_var``
    keep a moving average: those it takes after ``net.eval()``. Ioffe and Szegedy (2015).

    Args:
        n: width of a row.
        eps: ε, which is added to the variance.
        momentum: how much of a batch's statistics goes into the moving average.
        dtype: of the parameters.

    Shapes:
        weight γ, bias β and the moving averages, which aren't trained, ``(n,)``;
        ``(q, n)`` → ``(q, n)``.

    Raises:
        ValueError: in training a batch of one row, which has no variance; another shape.

    Example:
        >>> import nn
        >>> layer = nn.BatchNorm1d(1)
        >>> layer([[1.0], [3.0]]).data.round(3).tolist()
        [[-1.0], [1.0]]
        >>> layer.running_mean.data, layer.running_var.data
        (array([0.2]), array([1.1]))
    """

    def __init__(
        self, n: int, eps: float = 1e-5, momentum: float = 0.1, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__(n, eps, dtype)
        self.momentum = momentum
        self.running_mean = Tensor(np.zeros(n), name="running_mean", dtype=dtype)
        self.running_var = Tensor(np.ones(n), name="running_var", dtype=dtype)

    def normalised(self, x: Tensor) -> Any:
        if not self.training:
            return (x - self.running_mean) / sqrt(self.running_var + self.eps)
        if x.ndim != 2 or len(x) < 2:
            said = f"in training x must be (q, n) of two rows or more, and has shape {x.shape}"
            raise ValueError(f"BatchNorm1d: {said}; for a single row: net.eval()")
        with unseen():
            self._follow(self.running_mean, np.mean(x, axis=0))
            self._follow(self.running_var, np.var(x, axis=0, ddof=1))
        return normalised_op(x, axis=0, eps=self.eps, ddof=0)

    def _follow(self, average: Tensor, new: Any) -> None:
        average.data = ((1 - self.momentum) * average + self.momentum * new).data
