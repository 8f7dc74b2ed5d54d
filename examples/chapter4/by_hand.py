"""Batch gradient descent without an engine: the formulas of 4.4.2 in plain NumPy.

This is what the engine saves one from writing, kept to hold it against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .data import Array, Data


class Epoch(NamedTuple):
    """What was seen in an epoch: the total loss, and the share of rows that were right."""

    loss: float
    accuracy: float


def sigmoid(s: Array) -> Array:
    with np.errstate(over="ignore"):  # exp(-s) = inf gives 0, which is right
        result: Array = 1 / (1 + np.exp(-s))
    return result


def train(
    data: Data,
    weights: Sequence[Array],
    biases: Sequence[Array],
    lr: float,
    epochs: int,
    batch_size: int,
) -> list[Epoch]:
    """Train a network of sigmoid layers with binary cross-entropy.

    For the last layer ``δ = (l − y) / q``, for the others ``δ_k = (δ_{k+1} Wᵀ) ∘ l_k ∘ (1 − l_k)``;
    ``∇W = l_kᵀ δ_{k+1}`` and ``∇b`` is the sum of ``δ_{k+1}`` over the batch.

    Args:
        data: ``x (n, p)`` and ``y (n, 1)``; q rows at a time, in their order.
        weights: the initial ``(p, h)``, …, ``(h, 1)``; left as they are.
        biases: the initial ``(1, h)``, …, ``(1, 1)``; left as they are.
        lr: the learning rate.
        epochs: how often to go through the data.
        batch_size: q.
    """
    weights, biases = [w.copy() for w in weights], [b.copy() for b in biases]
    history = []
    for _ in range(epochs):
        loss = right = 0.0
        for start in range(0, len(data.x), batch_size):
            y = data.y[start : start + batch_size]
            layers = [data.x[start : start + batch_size]]
            for w, b in zip(weights, biases, strict=True):
                layers.append(sigmoid(layers[-1] @ w + b))
            p = layers[-1]
            loss -= float(np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)))
            right += float(np.sum((p >= 0.5) == (y == 1)))

            delta = (p - y) / len(y)
            for k in reversed(range(len(weights))):
                l, w = layers[k], weights[k]  # noqa: E741
                weights[k] = w - lr * l.T @ delta
                biases[k] = biases[k] - lr * delta.sum(axis=0, keepdims=True)
                delta = delta @ w.T * l * (1 - l)
        history.append(Epoch(loss, right / len(data.x)))
    return history
