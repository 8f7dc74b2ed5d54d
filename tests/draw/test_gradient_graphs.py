"""The graph of a recorded backward pass: cotangents are called as in a derivation."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import cotangents

from .reading import read_dot, read_svg


def circles(output, **kwargs):
    return set(read_dot(ag.draw(output, shapes=False, **kwargs).source).labels("tensor"))


@pytest.fixture
def chapter():
    """The chapter's network for a single observation, and its loss."""
    net = nn.MLP([2, 2, 1], rng=0)
    x = ag.Tensor([[0.0, 1.0]], requires_grad=True, name="l_0")
    y_hat = net(x)
    return net, x, (-ag.sum(np.log(y_hat))).named("L")


def test_the_cotangents_of_the_chapters_network(chapter, engine):
    net, _, loss = chapter
    (dw,) = ag.gradients(loss, [net["W_01"]], create_graph=True)
    figure = ag.draw(dw, shapes=False)
    for structure in (read_dot(figure.source), read_svg(figure.svg())):
        assert sorted(structure.labels("cotangent")) == sorted(
            ["∂L/∂l₂", "δ₂", "∂L/∂l₁", "δ₁", "∇W₀₁"]
        )
    labels = read_dot(figure.source).labels("computation")
    assert "δ₂ W₁₂ᵀ" in labels
    assert "l₀ᵀ δ₁" in labels


def test_they_are_called_as_in_the_derivation(chapter):
    net, _, loss = chapter
    derived = {step.symbol for step in ag.derive(loss)}
    for name in ("W_01", "b_01", "W_12", "b_12"):
        (g,) = ag.gradients(loss, [net[name]], create_graph=True)
        symbols = {cotangents.cotangents_of([g])[g][-1].by}
        assert symbols == {name}
        plain = name.translate(str.maketrans("012", "₀₁₂")).replace("_", "")
        assert any(f"∇{plain}" in circle for circle in circles(g))
        assert f"∇{name}" in derived


def test_one_array_that_is_several_cotangents_says_so():
    """In s = p + b with shapes alike, the rule of + hands the same array on."""
    p, b = (ag.Tensor([1.0, 2.0], requires_grad=True, name=n) for n in ("p", "b"))
    loss = ag.sum(ag.exp((p + b).named("s_1"))).named("L")
    (g,) = ag.gradients(loss, [b], create_graph=True)
    assert "δ₁ = ∇b" in circles(g)


def test_a_gradient_is_bold_where_its_parameter_is():
    w = ag.Tensor([[1.0], [2.0]], requires_grad=True, name="W_01")
    s = (ag.Tensor([[3.0, 4.0]], name="x") @ w).named("s_1")
    (g,) = ag.gradients(ag.sum(s * s), [w], create_graph=True)
    source = ag.draw(g).source
    assert "∇<B>W</B>₀₁" in source
    assert "<I>δ</I>₁" in source


def gradient(output, *inputs):
    (g,) = ag.gradients(output, inputs, create_graph=True)
    return g


def test_what_has_no_name_gets_no_symbol_and_the_output_is_called_l():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    h = ag.tanh(x * 2).named("h")
    drawn = circles(gradient(ag.sum(h * h), x))
    assert {"∂L/∂h", "∇x"} <= drawn
    assert not any("∂v" in circle or "∇v" in circle for circle in drawn)


def test_an_output_without_a_name_is_called_l_where_no_other_is():
    h = ag.tanh(ag.Tensor([1.0, 2.0], requires_grad=True, name="x") * 2).named("h")
    loss = ag.sum(h * h).named("L")
    other = ag.sum(h**3)
    g, another = gradient(other, h), gradient(ag.sum(h**4), h)
    assert "∂L/∂h" in circles(ag.sum(g))
    assert "∂L/∂h" in circles(ag.sum(another))
    for product in (g * loss, g * another):
        assert not any("∂" in circle for circle in circles(ag.sum(product)))
    other.named("L")  # so it is that of which g is a gradient
    assert "∂L/∂h" in circles(ag.sum(g) * other)


def test_a_hessian_vector_product_says_only_of_the_named_output_what_is_its_gradient():
    w = ag.Tensor([1.0, 2.0], requires_grad=True, name="W")
    loss = ag.sum(ag.tanh(w).named("h") ** 2).named("L")
    (g,) = ag.gradients(loss, [w], create_graph=True)
    second, by_g = ag.gradients(ag.sum(g.named("g") ** 2), [w, g], create_graph=True)
    drawn = circles(ag.sum(second))
    assert "∂L/∂h" in drawn
    assert not {"∂L/∂g", "∇W"} & drawn
    assert not any("∂" in circle for circle in circles(ag.sum(by_g) * loss) - {"∂L/∂h"})


def test_a_gradient_keeps_no_name_and_one_that_the_user_gives_prevails():
    """A name would make `backward` store gradients of gradients that nobody asked for."""
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    g = gradient(ag.sum(ag.exp(x)), x)
    assert g.name is None
    assert "mine" in circles(g.named("mine"))
    assert not any("∇" in circle for circle in circles(g))
    assert g.name == "mine"
    leaf = ag.Tensor(2.0, requires_grad=True, name="x")
    assert gradient(leaf, leaf) == 1.0


def test_a_gradient_of_a_gradient_tells_the_two_apart():
    h = ag.Tensor([1.0, 2.0], requires_grad=True, name="h")
    first = ag.sum(ag.tanh(h) ** 3).named("L")
    (g,) = ag.gradients(first, [h], create_graph=True)
    (gg,) = ag.gradients(ag.sum(g * g).named("M"), [h], create_graph=True)
    assert {"∇h", "∂M/∂h"} <= circles(gg)
    (gu,) = ag.gradients(ag.sum(g * g), [h], create_graph=True)  # of what has no name
    drawn = circles(gu)
    assert "∇h" in drawn
    assert not any("∂M" in circle for circle in drawn)


@pytest.mark.parametrize("detail", ["named", "ops", "elements"])
def test_any_detail(detail):
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    h = ag.sin(x).named("s_1")
    (g,) = ag.gradients((h * h).named("L"), [x], create_graph=True)
    assert {"δ₁", "∇x"} <= circles(g, detail=detail)


def test_a_long_backward_pass_is_folded_up_to_its_last_steps():
    net = nn.MLP([4] * 13, rng=0)
    loss = ag.sum(net(ag.Tensor(np.ones((2, 4)), requires_grad=True, name="l_0"))).named("L")
    (g,) = ag.gradients(loss, [net["W_01"]], create_graph=True)
    assert len(read_dot(ag.draw(g, limit=1000).source).nodes) > 90
    folded = read_dot(ag.draw(g, collapse=3).source)
    assert len(folded.nodes) < 20
    assert {x.split("|")[0] for x in folded.labels("cotangent")} >= {"∂L/∂l₁", "δ₁", "∇W₀₁"}


