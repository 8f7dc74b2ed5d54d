"""The chapter's recursion in plain NumPy, for any depth, activation and loss: the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# σ(s), and σ'(s) by s and l = σ(s).
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "sigmoid": (lambda s: 1 / (1 + np.exp(-s)), lambda s, l: l * (1 - l)),  # noqa: E741
    "tanh": (np.tanh, lambda s, l: 1 - l**2),  # noqa: E741
    "relu": (lambda s: np.where(s > 0, s, 0), lambda s, l: np.where(s > 0, 1.0, 0.0)),  # noqa: E741
    "leaky_relu": (
        lambda s: np.where(s > 0, s, 0.01 * s),
        lambda s, l: np.where(s > 0, 1.0, 0.01),  # noqa: E741
    ),
    "softplus": (lambda s: np.log1p(np.exp(s)), lambda s, l: 1 / (1 + np.exp(-s))),  # noqa: E741
    "identity": (lambda s: s, lambda s, l: np.ones_like(s)),  # noqa: E741
}

# ℓ(p, y) and ∂ℓ/∂p, entry by entry.
LOSSES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "SquaredErrorLoss": (lambda p, y: (p - y) ** 2 / 2, lambda p, y: p - y),
    "MSELoss": (lambda p, y: (p - y) ** 2, lambda p, y: 2 * (p - y)),
    "BCELoss": (
        lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
        lambda p, y: -y / p + (1 - y) / (1 - p),
    ),
    "BCEWithLogitsLoss": (
        lambda z, y: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - y * z,
        lambda z, y: 1 / (1 + np.exp(-z)) - y,
    ),
}


def backpropagate(
    weights: list[Any], biases: list[Any], activations: list[str], loss: str, reduction: str,
    x: Any, y: Any,
) -> dict[str, Any]:  # fmt: skip
    """L, every δ_k, ∇W and ∇b, by the formulas of the chapter's 4.4.2."""
    layers, sums = forward(weights, biases, activations, x)
    value, slope = LOSSES[loss]
    q = layers[-1].size if reduction == "mean" else 1
    found: dict[str, Any] = {"L": np.sum(value(layers[-1], y)) / q}
    dl = slope(layers[-1], y) / q
    for k in range(len(weights), 0, -1):
        delta = dl * ACTIVATIONS[activations[k - 1]][1](sums[k], layers[k])
        found[f"s_{k}"] = delta
        found[f"W_{k - 1}{k}"] = layers[k - 1].T @ delta
        found[f"b_{k - 1}{k}"] = np.ones((1, len(x))) @ delta
        dl = delta @ weights[k - 1].T
    return found


def forward(
    weights: list[Any], biases: list[Any], activations: list[str], x: Any
) -> tuple[list[Any], list[Any]]:
    """Every l_k and s_k; s_0 is x, as l_0."""
    layers, sums = [x], [x]
    for w, b, name in zip(weights, biases, activations, strict=True):
        sums.append(layers[-1] @ w + b)
        layers.append(ACTIVATIONS[name][0](sums[-1]))
    return layers, sums


def parameters_of(net: Any) -> tuple[list[Any], list[Any]]:
    return [p.weight.numpy() for p in net.layers], [p.bias.numpy() for p in net.layers]


def gradients_of(net: Any, *problem: Any) -> dict[str, Any]:
    """Of an MLP every δ_k, ∇W and ∇b; what follows are backpropagate's activations and so on."""
    found = backpropagate(*parameters_of(net), *problem)
    del found["L"]
    return found
