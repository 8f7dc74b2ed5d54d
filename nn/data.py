"""Data: in batches, and standardized."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.arrays import given
from autograd_lite.engine.tensor import Array

from .layers import Rng
from .module import whole

__all__ = ["batches", "standardize"]


def batches(
    x: Any, y: Any, batch_size: int, shuffle: bool = False, rng: Rng = None,
    drop_last: bool = False,
) -> Iterator[tuple[Array, Array]]:  # fmt: skip
    """The rows of ``x`` and ``y``, ``batch_size`` at a time, in their order or shuffled.

    Args:
        x: ``(n, …)``.
        y: ``(n, …)``.
        batch_size: rows a batch; the last one has what is left.
        shuffle: draw the order with ``rng``.
        rng: a generator, or a seed for one.
        drop_last: leave out a last batch that has fewer rows.

    Raises:
        ValueError: ``x`` and ``y`` of different lengths, or a batch size below 1.

    Example:
        >>> import nn
        >>> [len(rows) for rows, _ in nn.batches(np.zeros((7, 2)), np.zeros(7), 3)]
        [3, 3, 1]
    """
    size = whole("batches: batch_size", batch_size, 1)
    some = Rows(x, y, "batches").batches(size, shuffle, np.random.default_rng(rng), drop_last)
    return ((x, y) for _, x, y in some)


Batch = tuple[Any, Any, Any]
"""Which rows they are, where that is known, and what a step takes."""
Seen = tuple[int, float, list[float]]
"""Of a batch: the number of rows, the loss, and each metric."""


class Rows:
    """Arrays as `fit` goes through them."""

    usual = 32  # rows of a batch, where nothing is said

    def __init__(self, x: Any, y: Any, where: str = "fit") -> None:
        self.x, self.y = given(x, where), given(y, where)

    def __len__(self) -> int:
        return len(self.x)

    def batches(
        self, size: int, shuffle: bool, rng: np.random.Generator, drop_last: bool = False
    ) -> Iterator[Batch]:
        """Some rows at a time: a slice, or, shuffled, an array of indices."""
        x, y, n = self.x, self.y, len(self)
        if n != len(y):
            raise ValueError(f"batches: x has {n} rows and y has {len(y)}")
        order = rng.permutation(n) if shuffle else None
        parts = (slice(i, i + size) for i in range(0, n - (size - 1 if drop_last else 0), size))
        chosen = parts if order is None else map(order.__getitem__, parts)
        return ((rows, x[rows], y[rows]) for rows in chosen)


def standardize(x: Any) -> Array:
    """Each column with its mean taken off, divided by its standard deviation.

    Args:
        x: ``(n, p)``.

    Raises:
        ValueError: a column without variation, which can't be standardized, or not finite.

    Example:
        >>> import nn
        >>> nn.standardize([[1.0], [3.0]]).tolist()
        [[-1.0], [1.0]]
    """
    x = given(x, "standardize").astype(float)
    if not np.isfinite(x).all():
        raise ValueError("standardize: the data hold entries that are nan or infinite")
    constant = np.flatnonzero((x == x[:1]).all(axis=0)) if len(x) else np.arange(0)
    if constant.size:
        columns = ", ".join(str(i + 1) for i in constant)
        said = f"feature {columns} has no variation (each row has the same value)"
        raise ValueError(f"standardize: {said}, and can't be scaled; leave it out")
    return (x - x.mean(axis=0, keepdims=True)) / x.std(axis=0, keepdims=True)
