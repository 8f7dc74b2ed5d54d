"""What `autograd_lite.testing` gives to a course's own tests."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite.testing import assert_backprop, batches, networks
from tests.nn.by_hand import gradients_of

from .test_functions import backprop


@settings(deadline=None, max_examples=25)
@given(networks(nn.MLP, activations=["tanh"], output="sigmoid"), st.data())
def test_strategies_and_assertion(net: nn.MLP, data: st.DataObject):
    x, y = data.draw(batches(net, max_rows=5))
    assert 1 <= len(x) == len(y) <= 5
    loss = nn.SquaredErrorLoss()(net(x), y)
    names = ["tanh"] * (len(net.layers) - 1) + ["sigmoid"]
    with np.errstate(over="ignore"):
        gradients = gradients_of(net, names, "SquaredErrorLoss", "mean", x, y)
    assert_backprop(gradients, loss)
    name = data.draw(st.sampled_from(sorted(gradients)))
    if np.abs(gradients[name]).max() > 1e-9:
        with pytest.raises(AssertionError, match="wrong"):
            assert_backprop(gradients | {name: 2 * gradients[name]}, loss)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(networks(nn.MLP, max_depth=2, max_width=3, output=None))
def test_bounds_of_networks(net: nn.MLP):
    assert 1 <= len(net.layers) <= 2
    for layer in net.layers:
        assert max(layer.weight.shape) <= 3


def test_networks_vary():
    for wanted in (
        lambda net: len(net.layers) == 4,
        lambda net: net.activations[0] is ag.relu,
        lambda net: net.layers[-1].weight.shape[1] > 1,
    ):
        assert wanted(find(networks(nn.MLP), wanted))


def test_targets_suit_the_output():
    @settings(deadline=None, max_examples=20)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, y = data.draw(batches(nn.MLP([2, 3])))
        assert (y.sum(1) == 1).all()
        x, y = data.draw(batches(nn.MLP([2, 1])))
        assert x.shape[1] == 2
        assert set(np.unique(y)) <= {0.0, 1.0}

    check()


def test_function_is_asserted_and_nothing_does_not_pass():
    net = nn.MLP([2, 3, 1], rng=0)
    assert_backprop(backprop, net, nn.BCELoss(), trials=5)
    with pytest.raises(AssertionError, match="divide it by the batch size q = 2"):
        assert_backprop(lambda x, y, p: backprop(x, y, p, q=1), net, nn.BCELoss())
    w = ag.Tensor(1.0, requires_grad=True, name="w")
    with pytest.raises(AssertionError, match="there is nothing to check"):
        assert_backprop({}, w * w)


@pytest.mark.parametrize("strategy", [lambda: networks(nn.MLP), lambda: batches(nn.MLP([2, 1]))])
def test_hypothesis_missing(monkeypatch: pytest.MonkeyPatch, strategy: Any):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r'pip install "autograd_lite\[test\]"'):
        strategy()
