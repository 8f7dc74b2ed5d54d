"""Backpropagation by hand with a mistake in it, found: ``python -m examples.check_my_backprop``.

The chapter's network 2-5-5-1 of section 4.4, on a batch of ten. The hand-written code below is the
chapter's recursion, except that δ_2 takes the derivative of σ at s_2 with a formula that wants l_2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import nn
from autograd_lite import check_backprop

from .chapter4.data import Array
from .console import print_what_can_be_shown


def sigmoid(s: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-s)))


def sigmoid2deriv(output: Array) -> Array:
    """σ' by what σ gave: l ∘ (1 − l)."""
    return output * (1 - output)


def backprop(x: Array, y: Array, params: dict[str, Array]) -> dict[str, Array]:
    """The gradients of the mean binary cross-entropy, by hand."""
    w_01, w_12, w_23 = params["W_01"], params["W_12"], params["W_23"]
    s_1 = x @ w_01 + params["b_01"]
    l_1 = sigmoid(s_1)
    s_2 = l_1 @ w_12 + params["b_12"]
    l_2 = sigmoid(s_2)
    l_3 = sigmoid(l_2 @ w_23 + params["b_23"])

    delta_3 = (l_3 - y) / len(x)
    delta_2 = delta_3 @ w_23.T * sigmoid2deriv(s_2)  # the mistake: l_2 belongs there
    delta_1 = delta_2 @ w_12.T * sigmoid2deriv(l_1)
    return {
        "s_3": delta_3, "W_23": l_2.T @ delta_3, "b_23": delta_3.sum(axis=0),
        "s_2": delta_2, "W_12": l_1.T @ delta_2, "b_12": delta_2.sum(axis=0),
        "s_1": delta_1, "W_01": x.T @ delta_1, "b_01": delta_1.sum(axis=0),
    }  # fmt: skip


def main() -> Iterator[str]:
    rng = np.random.default_rng(3)
    net = nn.MLP([2, 5, 5, 1], activation="sigmoid", rng=rng)
    x = rng.normal(size=(10, 2))
    y = rng.integers(0, 2, (10, 1)).astype(float)
    params = {tensor.name or "": tensor.numpy() for tensor in net.parameters()}

    yield "The gradients of one batch, each beside the engine's:"
    yield ""
    yield str(check_backprop(nn.BCELoss()(net(x), y), backprop(x, y, params)))
    yield ""
    yield "The function itself, on inputs that are drawn:"
    yield ""
    yield str(check_backprop(backprop, net, nn.BCELoss()))


if __name__ == "__main__":
    print_what_can_be_shown()
    for line in main():
        print(line)
