"""Schedules of the learning rate: after ``t`` calls of `step` it is a function of t."""

from __future__ import annotations

import math
from collections.abc import Callable

from .module import whole
from .optimizers import Optimizer

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LambdaLR", "StepLR"]


class LambdaLR:
    """``α_t = α_0 · f(t)``: the base, and for a schedule of one's own.

    Args:
        optimizer: whose learning rate is changed; what it is now is α_0.
        factor: f, of the number of calls of `step` so far.

    Raises:
        TypeError: no optimizer of nn's.
        ValueError: a rate, when its turn comes, that is negative or not finite.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=0.5)
        >>> warmup = nn.LambdaLR(optimizer, lambda t: min(1, (t + 1) / 5))
        >>> optimizer.lr
        0.1
        >>> warmup.step()
        >>> optimizer.lr
        0.2
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        if not isinstance(optimizer, Optimizer):
            name = type(self).__name__
            raise TypeError(f"{name}: give one of nn's optimizers, not {optimizer!r}")
        self.optimizer, self.factor = optimizer, factor
        self.base, self.t = optimizer.lr, 0
        self._set()

    def step(self) -> None:
        """The next learning rate: called after each epoch, or after each step, as you like."""
        self.t += 1
        self._set()

    def _set(self) -> None:
        self.optimizer.lr = self.base * self.factor(self.t)


class StepLR(LambdaLR):
    """``α_0 · γ^⌊t / n⌋``: every ``step_size`` n calls it is multiplied with ``gamma`` γ.

    Raises:
        ValueError: a step size that isn't an int of at least 1; else as `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.StepLR(optimizer, step_size=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 1.0, 0.1, 0.1]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        n = whole("StepLR: step_size", step_size, 1)
        super().__init__(optimizer, lambda t: gamma ** (t // n))


class ExponentialLR(LambdaLR):
    """``α_0 · γ^t``, with the errors of `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.ExponentialLR(optimizer, gamma=0.5)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda t: gamma**t)


class CosineAnnealingLR(LambdaLR):
    """``α_min + (α_0 − α_min) · ½ (1 + cos(π t / T))``. Loshchilov and Hutter (2017).

    Args:
        optimizer: whose learning rate is changed.
        t_max: T, the calls after which it is α_min.
        eta_min: α_min.

    Raises:
        ValueError: a ``t_max`` that isn't an int of at least 1; else as `LambdaLR`.

    Example:
        >>> import autograd_lite as ag, nn
        >>> optimizer = nn.SGD([ag.Tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = nn.CosineAnnealingLR(optimizer, t_max=4)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.lr, 4))
        ...     schedule.step()
        >>> rates
        [1.0, 0.8536, 0.5, 0.1464]
    """

    def __init__(self, optimizer: Optimizer, t_max: int, eta_min: float = 0.0) -> None:
        n, least = whole("CosineAnnealingLR: t_max", t_max, 1), eta_min / optimizer.lr
        super().__init__(
            optimizer, lambda t: least + (1 - least) * (1 + math.cos(math.pi * t / n)) / 2
        )
