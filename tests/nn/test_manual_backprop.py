"""Automatic against manual backpropagation, on networks and data that hypothesis draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn

from ..each import examples
from .by_hand import ACTIVATIONS, LOSSES, backpropagate


@st.composite
def problems(draw: Any) -> dict[str, Any]:
    """A network of depth 1 to 4 with its data: sizes, activations, loss, reduction, a seed."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    loss = draw(st.sampled_from(sorted(LOSSES)))
    names = st.sampled_from(sorted(ACTIVATIONS))
    activations = draw(st.lists(names, min_size=len(sizes) - 1, max_size=len(sizes) - 1))
    if loss == "BCELoss":
        activations[-1] = "sigmoid"  # its predictions are probabilities
    elif loss == "BCEWithLogitsLoss" and activations[-1] == "sigmoid":
        activations[-1] = "identity"  # and its are none
    return {
        "sizes": sizes,
        "activations": activations,
        "loss": loss,
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "q": draw(st.integers(1, 12)),
        "scale": draw(st.sampled_from([0.1, 1.0, 2.0])),
        "seed": draw(st.integers(0, 2**32 - 1)),
    }


def automatic(
    problem: dict[str, Any], biases: bool = True
) -> tuple[dict[str, Any], nn.MLP, Any, Any]:
    rng = np.random.default_rng(problem["seed"])
    net = nn.MLP(problem["sizes"], problem["activations"])
    for parameter in net.parameters():
        spread = problem["scale"] / np.sqrt(parameter.shape[0])
        parameter.data = rng.normal(scale=spread, size=parameter.shape)
    x = rng.normal(size=(problem["q"], problem["sizes"][0]))
    y = rng.integers(0, 2, (problem["q"], problem["sizes"][-1])).astype(float)
    loss = getattr(nn, problem["loss"])(problem["reduction"])(net(x), y)
    loss.backward()
    found = {name: t.grad for name, t in ag.named_tensors(loss).items() if name != "L"}
    return found | {"L": loss.data}, net, x, y


def left_of_1(problem: dict[str, Any], net: nn.MLP, x: Any) -> float:
    """The least that a σ or a tanh differs from 1 by: what is left is known to eps alone."""
    left, h = [1.0], x
    for layer, name in zip(net.layers, problem["activations"], strict=True):
        h = ACTIVATIONS[name][0](h @ layer.weight.data + layer.bias.data)
        if name in ("sigmoid", "tanh"):
            left.append(1 - np.abs(h).max())
    if problem["loss"] == "BCEWithLogitsLoss":
        left.append(1 - ACTIVATIONS["sigmoid"][0](h).max())
    return float(min(left))


@settings(deadline=None, max_examples=examples(300))
@given(problems())
def test_every_delta_and_gradient_agrees(problem: dict[str, Any]):
    found, net, x, y = automatic(problem)
    left = left_of_1(problem, net, x)
    assume(left > 1e-9)
    if problem["loss"].startswith("BCE"):
        assume(problem["loss"] != "BCELoss" or net(x).data.min() > 0)
        assume(np.abs(found["L"]) < 5)
    expected = backpropagate(
        [layer.weight.numpy() for layer in net.layers],
        [layer.bias.numpy() for layer in net.layers],
        problem["activations"],
        problem["loss"],
        problem["reduction"],
        x,
        y,
    )
    assert expected.keys() <= found.keys()
    for name, value in expected.items():
        rtol = 1e-10 + 32 * np.finfo(float).eps / left
        atol = rtol * np.max(np.abs(value), initial=1e-12) + 1e-14
        np.testing.assert_allclose(found[name], value, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda e: e | {"s_1": e["s_1"] * (1 + 1e-8)},
        lambda e: e | {"W_01": e["W_01"].T},
        lambda e: e | {"b_12": 2 * e["b_12"]},
    ],
)
def test_a_mistake_by_hand_is_seen(mistake: Any):
    problem = {
        "sizes": [3, 3, 1],
        "activations": ["tanh", "sigmoid"],
        "loss": "BCELoss",
        "reduction": "mean",
        "q": 5,
        "scale": 1.0,
        "seed": 0,
    }
    found, net, x, y = automatic(problem)
    weights = [layer.weight.numpy() for layer in net.layers]
    biases = [layer.bias.numpy() for layer in net.layers]
    right = backpropagate(weights, biases, ["tanh", "sigmoid"], "BCELoss", "mean", x, y)
    wrong = mistake(right)
    assert all(np.allclose(found[name], right[name], rtol=1e-10, atol=0) for name in right)
    assert not all(np.allclose(found[name], wrong[name], rtol=1e-10, atol=0) for name in wrong)


@settings(deadline=None, max_examples=examples(50))
@given(problems())
def test_softmax_and_cross_entropy_give_p_minus_y(problem: dict[str, Any]):
    rng = np.random.default_rng(problem["seed"])
    k = problem["sizes"][-1]
    net = nn.MLP(problem["sizes"], problem["activations"], output="identity", rng=rng)
    x = rng.normal(size=(problem["q"], problem["sizes"][0]))
    classes = rng.integers(0, k, problem["q"])
    loss = nn.CrossEntropyLoss(problem["reduction"])(net(x), classes)
    loss.backward()
    tensors = ag.named_tensors(loss)
    s = tensors[f"s_{len(problem['sizes']) - 1}"]
    p = np.exp(s.data - s.data.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    expected = p - np.eye(k)[classes]
    q = problem["q"] if problem["reduction"] == "mean" else 1
    np.testing.assert_allclose(s.grad, expected / q, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(
        loss.item(), -np.sum(np.log(p[np.arange(len(p)), classes])) / q, rtol=1e-10, atol=1e-13
    )
