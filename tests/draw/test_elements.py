"""detail="elements": Fig 4-21, and the dependence of number on number in any graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.draw.elements import Entry, dependence
from autograd_lite.show.notation import ATOM, Written

from ..each import each
from .reading import plain, read_dot, read_svg


def layer(batch: int = 1) -> ag.Tensor:
    """``l_1 = σ(l_0 W_01 + b_01)`` of the chapter's example; the first number of l_0 is 0."""
    x = ag.Tensor([[0.0, 1.0]] * batch, name="l_0")
    w = ag.Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True, name="W_01")
    b = ag.Tensor([[0.0, 0.0]], requires_grad=True, name="b_01")
    return ag.sigmoid((x @ w + b).named("s_1")).named("l_1")


def test_fig_4_21(engine):
    figure = ag.draw(layer(), detail="elements")
    drawn = read_dot(figure.source)
    names = {key: plain(a["label"]) for key, a in drawn.nodes.items()}
    circles = [names[k] for k in drawn.of_class("tensor")]
    assert sorted(circles) == sorted(
        ["(l₀)₁", "(l₀)₂", "(W₀₁)₁₁", "(W₀₁)₁₂", "(W₀₁)₂₁", "(W₀₁)₂₂", "(b₀₁)₁", "(b₀₁)₂",
         "(s₁)₁", "(s₁)₂", "(l₁)₁", "(l₁)₂"]
    )  # fmt: skip
    first = "(l₀)₁ (W₀₁)₁₁ + (l₀)₂ (W₀₁)₂₁ + (b₀₁)₁"
    second = "(l₀)₁ (W₀₁)₁₂ + (l₀)₂ (W₀₁)₂₂ + (b₀₁)₂"
    assert sorted(drawn.labels("computation")) == sorted([first, second, "σ", "σ"])
    arrows = sorted((names[t], names[h]) for t, h in drawn.arrows("forward"))
    assert arrows == sorted([
        ("(l₀)₁", first), ("(l₀)₂", first), ("(W₀₁)₁₁", first), ("(W₀₁)₂₁", first),
        ("(b₀₁)₁", first), (first, "(s₁)₁"), ("(s₁)₁", "σ"), ("σ", "(l₁)₁"),
        ("(l₀)₁", second), ("(l₀)₂", second), ("(W₀₁)₁₂", second), ("(W₀₁)₂₂", second),
        ("(b₀₁)₂", second), (second, "(s₁)₂"), ("(s₁)₂", "σ"), ("σ", "(l₁)₂"),
    ])  # fmt: skip
    svg = read_svg(figure.svg())
    assert sorted(svg.arrows("forward")) == sorted(drawn.arrows("forward"))
    assert svg.of_class("tensor") == drawn.of_class("tensor")


def test_backward_goes_from_number_to_number():
    drawn = read_dot(ag.draw(layer(), detail="elements", backward="W_01").source)
    assert sorted(drawn.arrows("backward").values()) == sorted([
        "∂(l₁)₁/∂(s₁)₁", "∂(l₁)₂/∂(s₁)₂",
        "∂(s₁)₁/∂(W₀₁)₁₁", "∂(s₁)₁/∂(W₀₁)₂₁", "∂(s₁)₂/∂(W₀₁)₁₂", "∂(s₁)₂/∂(W₀₁)₂₂",
    ])  # fmt: skip
    assert len(drawn.of_class("target")) == 4
    circles = [a for a in drawn.nodes.values() if "tensor" in a["class"].split()]
    assert all(a["fixedsize"] == "true" for a in circles)  # where the names are short
    long = ag.exp(ag.Tensor([1.0, 2.0], requires_grad=True, name="long_name"))
    assert "fixedsize" not in read_dot(ag.draw(long, "elements").source).nodes["long_name_1"]


def test_a_fused_layer_is_drawn_alike_and_a_batch_has_two_indices():
    net = nn.MLP([2, 2], rng=0)
    drawn = read_dot(ag.draw(net(np.array([[0.0, 1.0]])), detail="elements").source)
    alike = read_dot(ag.draw(layer(), detail="elements").source)
    assert sorted(drawn.labels("computation")) == sorted(alike.labels("computation"))
    labels = read_dot(ag.draw(layer(batch=2), detail="elements").source).labels("tensor")
    assert {"(s₁)₂₁", "(b₀₁)₂"} <= set(labels)


def test_values_and_gradients_of_each_number():
    x = ag.Tensor([1.0, -2.0], requires_grad=True, name="x")
    y = ag.sum(x * x).named("y")
    y.backward()
    drawn = read_dot(ag.draw(y, detail="elements", values=True, grads=True).source)
    assert sorted(drawn.labels("tensor")) == ["(x)₁|1|∇ 2", "(x)₂|−2|∇ −4", "y|5|∇ 1"]
    assert drawn.labels("computation") == ["(x)₁ (x)₁ + (x)₂ (x)₂"]


X = ag.Tensor([[0.0, 1.0, 0.0]], requires_grad=True, name="x")
LOGITS = ag.Tensor([[0.2, 0.3, 0.4]], requires_grad=True, name="p")
EACH, ALL = np.eye(3, dtype=bool), np.ones((3, 3), bool)


@each([
    (lambda: X * 2, EACH),
    (lambda: ag.relu(X), EACH),
    (lambda: X**2, EACH),
    (lambda: ag.maximum(X, 0.5), EACH),
    (lambda: ag.max(X), ALL[:1]),
    (lambda: ag.sum(X), ALL[:1]),
    (lambda: X[:, [2, 0]], EACH[[2, 0]]),
    (lambda: X.T, EACH),
    (lambda: nn.softmax(X), ALL),
    (lambda: nn.BCELoss("none")(LOGITS, [[0.0, 1.0, 0.0]]), EACH),
    (lambda: nn.BCELoss("sum")(LOGITS, [[0.0, 1.0, 0.0]]), ALL[:1]),
    (lambda: ag.broadcast_to(X, (2, 3)), np.tile(EACH, (2, 1))),
])  # fmt: skip
def test_dependence_is_that_of_the_op_and_not_of_the_values(
    compute: Callable[[], ag.Tensor], expected: np.ndarray
):
    assert np.array_equal(dependence(compute())[0], expected)


def test_a_condition_counts_too():
    y = ag.where(np.array([True, False]), ag.Tensor([1.0, 2.0], requires_grad=True), 0.0)
    condition, x, zero = dependence(y)
    assert np.array_equal(condition, np.eye(2))
    assert np.array_equal(x, np.eye(2))  # whatever the condition happens to be
    assert not zero.any()  # a number, written in the formula
    one = ag.Tensor([3.0], requires_grad=True)
    _, _, other = dependence(ag.where(np.array([True, True]), ag.Tensor([1.0, 2.0]), one))
    assert other.all()


def picky(x):
    if not np.array_equal(x, [7.0, 8.0]):
        raise ValueError("only 7 and 8")
    return x * 2


@each({
    "refuses the numbers tried": (picky, lambda g, out, x: 2 * g, np.ones((2, 2))),
    "passes a gradient on": (lambda x: np.zeros(2), lambda g, out, x: g, np.eye(2)),
})  # fmt: skip
def test_dependence_of_an_op_that_can_not_be_tried(forward, rule, expected):
    y = ag.Op("own", forward, rule)(ag.Tensor([7.0, 8.0], requires_grad=True))
    assert np.array_equal(dependence(y)[0], expected)


@each([
    (lambda x: x * 2 - 1, ["2 (x)₁ − 1", "2 (x)₂ − 1"]),
    (lambda x: 1 - 2 * x, ["1 − 2 (x)₁", "1 − 2 (x)₂"]),
    (lambda x: 3 + x, ["3 + (x)₁", "3 + (x)₂"]),
    (lambda x: 1 / (1 + ag.exp(-x)), ["1 / (1 + exp(−(x)₁))", "1 / (1 + exp(−(x)₂))"]),
    (lambda x: (x + 1) / 2, ["((x)₁ + 1) / 2", "((x)₂ + 1) / 2"]),
    (lambda x: (x - 1) * (x + 1), ["((x)₁ − 1) ((x)₁ + 1)", "((x)₂ − 1) ((x)₂ + 1)"]),
    (lambda x: ag.mean(x), ["((x)₁ + (x)₂) / 2"]),
    (lambda x: -x[0], ["−(x)₁"]),
    (lambda x: ag.concatenate([x, [1.0]])[:2], ["(x)₁", "(x)₂"]),
    (lambda x: nn.softmax(x), ["softmax", "softmax"]),
    (lambda x: nn.softmax(x) * 3, ["3 softmax(…)", "3 softmax(…)"]),
    (lambda x: ag.maximum(x, 0.0), ["max", "max"]),
    (lambda x: ag.maximum(x, 0.0) + 1, ["max((x)₁, 0) + 1", "max((x)₂, 0) + 1"]),
    (lambda x: (x + 1) ** 2, ["((x)₁ + 1)²", "((x)₂ + 1)²"]),
    (lambda x: ag.sum(x @ np.ones((2, 9))), ["f₁"]),
])
def test_formulas_of_numbers(compute, formulas):
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    drawn = read_dot(ag.draw(compute(x), detail="elements").source)
    assert sorted(drawn.labels("computation")) == sorted(formulas)


def test_an_entry_is_neither_true_nor_equal_to_anything():
    entry = Entry(Written("x", ATOM, 1))
    for ask in (bool, lambda e: e == 1, lambda e: e != 1):
        with pytest.raises(TypeError, match="has no value"):
            ask(entry)
    assert len({entry, entry}) == 1


def test_formulas_do_not_grow_without_bounds():
    y = ag.Tensor(np.ones((1, 2)), requires_grad=True, name="x")
    for _ in range(30):
        y = y @ np.ones((2, 2))
    drawn = read_dot(ag.draw(y, detail="elements").source)
    assert drawn.labels("computation") == ["f₁", "f₂"]
