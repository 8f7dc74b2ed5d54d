"""The general rule: stated for a network, with each layer's instance."""

from __future__ import annotations

import numpy as np
import pytest
from latex2mathml.converter import convert

import nn


def test_the_rule_of_any_depth_and_activation():
    found = nn.derive(nn.MLP([2, 4, 3, 2, 1], "tanh", rng=0))
    assert found.start == "δ_4 = (l_4 − y) ∘ (1 − l_4²) / q"
    assert [rule.statement for rule in found.rules] == [
        "δ_i = (δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)",
        "∇W_{i,i+1} = l_iᵀ δ_{i+1}",
        "∇b_{i,i+1} = 1ᵀ δ_{i+1}",
    ]
    assert found.rules[0].instances == [
        f"δ_{i} = (δ_{i + 1} W_{i}{i + 1}ᵀ) ∘ (1 − l_{i}²)" for i in (3, 2, 1)
    ]
    assert len(found.rules[1].instances) == 4
    assert str(found).count("\n    ") == 3 + 4 + 4
    assert repr(found) == str(found)
    assert repr(found.rules[0]) in str(found)
    for sigma, slope in (
        ("relu", "(s_1 > 0)"), ("softplus", "σ(s_1)"),
        ("leaky_relu", "((s_1 > 0) + 0.01 · (s_1 ≤ 0))"),
    ):  # fmt: skip
        rule = nn.derive(nn.MLP([2, 3, 1], sigma, output="identity", rng=0)).rules[0]
        assert rule.instances == [f"δ_1 = (δ_2 W_12ᵀ) ∘ {slope}"]


def test_without_biases_hidden_layers_or_activations():
    found = nn.derive(nn.MLP([2, 1], bias=False, rng=0), nn.MSELoss())
    assert [rule.instances for rule in found.rules] == [["∇W_01 = l_0ᵀ δ_1"]]
    linear = nn.derive(nn.MLP([2, 3, 1], "identity", rng=0))
    assert linear.rules[0].instances == ["δ_1 = δ_2 W_12ᵀ"]
    assert linear.rules[1].instances == ["∇W_12 = s_1ᵀ δ_2", "∇W_01 = l_0ᵀ δ_1"]
    saturated = nn.MLP([2, 2, 1], rng=0)
    saturated["b_12"].data += 1000.0
    assert nn.derive(saturated).start == "δ_2 = (l_2 − y) / q"
    assert saturated["b_12"].data > 999.0
    classes = nn.derive(nn.MLP([2, 3, 3], output="identity", rng=0), nn.CrossEntropyLoss())
    assert classes.start == "δ_2 = (softmax(s_2) − y) / q"
    deep = nn.derive(nn.MLP([1] * 12, "tanh", rng=0))
    assert deep.rules[0].instances[1] == "δ_9 = (δ_10 W_9,10ᵀ) ∘ (1 − l_9²)"


def test_as_latex():
    found = nn.derive(nn.MLP([2, 3, 1], rng=0))
    blocks = found.latex.split("\n\n")
    assert len(blocks) == 1 + len(found.rules)
    for block, rule in zip(blocks[1:], found.rules, strict=True):
        assert "<math" in convert(block)
        assert block.count("&=") == 1 + len(rule.instances)
    assert r"\nabla_{\mathbf{W}_{01}} &= l_{0}^{\top} \delta_{1}" in found.latex
    assert found.markdown.count("$$") == 2 * len(blocks)
    assert found._repr_markdown_() == found._repr_latex_() == found.markdown


def test_what_the_rule_does_not_cover_is_refused():
    with pytest.raises(ValueError, match=r"δ_1 = .* is no instance of the rule"):
        nn.derive(nn.MLP([2, 3, 1], ["softmax", "sigmoid"], rng=0))
    with pytest.raises(TypeError, match=r"not of a Linear; .* ag.derive"):
        nn.derive(nn.Linear(1, 1))
    net = nn.MLP([2, 2, 1], rng=0)
    nn.derive(net, rng=np.random.default_rng(1))
    assert all(p.grad is None for p in net.parameters())
