"""The chapter's recursion in plain NumPy, with a mistake planted in one of its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
from autograd_lite import Tensor
from tests.nn.by_hand import ACTIVATIONS, LOSSES, forward, parameters_of

ALPHA = 0.3


@dataclass
class Problem:
    """A network 2-4-…-4-3, its data, and the layer k = 1 … depth where the mistake is made."""

    depth: int
    rows: int
    activation: str
    layer: int
    loss: str = "SquaredErrorLoss"
    reduction: str = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.activations = [self.activation] * self.depth
        if self.loss == "BCELoss":
            self.activations[-1] = "sigmoid"
        self.net = nn.MLP([2, *[4] * (self.depth - 1), 3], self.activations)
        for parameter in self.net.parameters():
            parameter.data = rng.normal(size=parameter.shape)
        self.x = rng.normal(size=(self.rows, 2))
        self.y = rng.integers(0, 2, (self.rows, 3)).astype(float)

    def recorded(self) -> Tensor:
        loss: Tensor = getattr(nn, self.loss)(self.reduction)(self.net(self.x), self.y)
        return loss

    def gradients(self, mistake: str = "") -> dict[str, Any]:
        """Every δ, ∇W and ∇b by hand, with ``mistake`` in it."""
        x, y, depth = self.x, self.y, self.depth
        weights, biases = parameters_of(self.net)
        layers, sums = forward(weights, biases, self.activations, x)
        q = layers[-1].size if self.reduction == "mean" else 1
        slope = LOSSES[{"another loss": "BCEWithLogitsLoss", "without ½": "MSELoss"}.get(
            mistake, self.loss)][1]
        dl = slope(layers[-1], y) / {"no 1/q": 1, "1/q twice": q * q}.get(mistake, q)
        found: dict[str, Any] = {}
        for k in range(depth, 0, -1):
            here = k == self.layer
            what = mistake if here else ""
            sigma, slope_of = ACTIVATIONS[self.activations[k - 1]]
            s, l, below = sums[k], layers[k], layers[k - 1]  # noqa: E741
            factor = slope_of(s, l)
            if what == "no σ'":
                factor = 1
            elif what == "σ' twice":
                factor = factor**2
            elif what == "s for l":
                factor = slope_of(s, s)
            elif what == "l for s":
                factor = slope_of(l, sigma(l))
            elif what == "σ' of another layer" and k < depth - 1:
                factor = ACTIVATIONS[self.activations[k]][1](sums[k + 1], layers[k + 1])
            delta = dl * factor
            delta = {"sign": -delta, "half": delta / 2, "7/3": delta * 7 / 3}.get(what, delta)
            if what == "y as a vector":
                delta = (l - y[:, 0]) / q * factor
            dw, db = below.T @ delta, delta.sum(axis=0, keepdims=True)
            if what == "transposed":
                dw = delta.T @ below
            elif what == "another δ" and k < depth:
                dw = below.T @ found[f"s_{k + 1}"]
            elif what == "l of this layer":
                dw = l.T @ delta
            elif what == "s for l below" and k > 1:
                dw = sums[k - 1].T @ delta
            db = {
                "not summed": delta,
                "wrong axis": delta.sum(axis=1),
                "mean": delta.mean(axis=0, keepdims=True),
                "all": delta.sum(),
            }.get(what, db)
            found |= {f"s_{k}": delta, f"W_{k - 1}{k}": dw, f"b_{k - 1}{k}": db}
            w = weights[k - 1]
            if mistake == "updated":
                w = w - ALPHA * dw
            if what == "no transpose" and w.shape[0] == w.shape[1]:
                w = w.T
            elif what == "another W" and 2 < k < depth:
                w = weights[k - 2]
            dl = delta @ w.T
        return found
