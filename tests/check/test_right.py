"""Correct backpropagation is never called wrong, and a wrong one is never called right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite.check import check_backprop
from tests.nn.by_hand import ACTIVATIONS, LOSSES, gradients_of
from tests.nn.test_manual_backprop import problems

from ..each import each, examples


def with_its_gradients(problem: dict[str, Any]) -> tuple[ag.Tensor, dict[str, Any]]:
    rng = np.random.default_rng(problem["seed"])
    net = nn.MLP(problem["sizes"], problem["activations"])
    for parameter in net.parameters():
        parameter.data = rng.normal(scale=problem["scale"], size=parameter.shape)
    x = rng.normal(size=(problem["q"], problem["sizes"][0]))
    y = rng.integers(0, 2, (problem["q"], problem["sizes"][-1])).astype(float)
    of = [problem[name] for name in ("activations", "loss", "reduction")]
    with np.errstate(all="ignore"):
        found = gradients_of(net, *of, x, y)
    return getattr(nn, problem["loss"])(problem["reduction"])(net(x), y), found


def by_hand(problem: dict[str, Any]) -> tuple[ag.Tensor, dict[str, Any]]:
    """A drawn problem; by hand −y/l + (1 − y)/(1 − l) is no number at a saturated l."""
    loss, found = with_its_gradients(problem)
    assume(all(np.isfinite(g).all() for g in found.values()))
    return loss, found


@settings(deadline=None, max_examples=examples(150))
@given(problems())
def test_correct_code_is_right(problem: dict[str, Any]):
    loss, found = by_hand(problem)
    report = check_backprop(loss, found)
    assert report.ok, report


@settings(deadline=None, max_examples=examples(50))
@given(problems(), st.data(), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_noise_is_wrong_and_has_no_false_cause(
    problem: dict[str, Any], data: st.DataObject, size: float, seed: int
):
    loss, found = by_hand(problem)
    name = data.draw(st.sampled_from(sorted(found)))
    right = found[name]
    noise = np.random.default_rng([seed, 1]).normal(size=right.shape) * np.abs(right).max() * size
    report = check_backprop(loss, found | {name: right + noise})
    if np.abs(right).max() < 1e-9 or np.abs(noise).max() < 1e-6 * np.abs(right).max():
        return
    assert not report[name].ok
    if right.size > 2 and np.count_nonzero(right) == right.size:
        assert "no usual mistake" in (report[name].cause or ""), report


@each(sorted(LOSSES), sorted(ACTIVATIONS))
def test_float32_is_given_what_it_rounds_off(loss: str, activation: str):
    rng = np.random.default_rng(0)
    output = {"BCELoss": "sigmoid", "BCEWithLogitsLoss": "identity"}.get(loss, activation)
    activations = [activation, activation, output]
    net = nn.MLP([2, 5, 5, 1], activations, rng=0, dtype=np.float32)
    x = rng.normal(size=(10, 2)).astype(np.float32)
    y = rng.integers(0, 2, (10, 1)).astype(np.float32)
    found = gradients_of(net, activations, loss, "mean", x, y)
    recorded = getattr(nn, loss)()(net(x), y)
    assert recorded.dtype == np.float32
    in_single = {name: g.astype(np.float32) for name, g in found.items()}
    assert check_backprop(recorded, in_single).ok
    report = check_backprop(recorded, in_single | {"W_12": 2 * in_single["W_12"]})
    assert report["W_12"].cause == "∇W_12 is 2 times too large"


def test_float32_gradients_of_a_float64_net():
    loss, found = with_its_gradients(
        {"sizes": [2, 4, 1], "activations": ["tanh", "sigmoid"], "loss": "BCELoss",
         "reduction": "mean", "q": 5, "scale": 1.0, "seed": 0}
    )  # fmt: skip
    assert check_backprop(loss, {name: g.astype(np.float32) for name, g in found.items()}).ok


def test_saturated_sigmoid():
    """With l = 1 − 1e-14 only two digits of 1 − l are left, and the learner's may be others."""
    s = ag.Tensor([[32.0]], requires_grad=True, name="s_1")
    loss = nn.BCELoss()(ag.sigmoid(s).named("l_1"), [[1.0]])
    p = 1 - 1e-14
    assert check_backprop(loss, {"s_1": [[p - 1]]}).ok
    assert not check_backprop(loss, {"s_1": [[1 - p]]}).ok


@pytest.mark.parametrize("at_zero", [0.0, 1.0])
def test_derivative_at_a_kink_is_a_choice(at_zero: float):
    net = nn.MLP([2, 3, 1], ["relu", "identity"], rng=0)  # zero biases: s_1 = 0 where x = 0
    x, y = np.array([[0.0, 0.0], [1.0, -1.0]]), np.array([[1.0], [0.0]])
    loss = nn.SquaredErrorLoss()(net(x), y)
    t = ag.named_tensors(loss)
    delta_2 = (t["s_2"].data - y) / 2
    s_1 = t["s_1"].data
    delta_1 = delta_2 @ net["W_12"].data.T * np.where(s_1 == 0, at_zero, s_1 > 0)
    report = check_backprop(loss, {"s_2": delta_2, "s_1": delta_1, "b_01": delta_1.sum(0)})
    assert report.ok
    assert (report["s_1"].remark is not None) == bool(at_zero)
    assert report["s_2"].remark is None
    assert not check_backprop(loss, {"s_2": delta_2, "s_1": delta_1 + 1}).ok
    s = ag.Tensor([0.0, 2.0, -1.0], requires_grad=True, name="s")
    loss = np.sum(3 * np.maximum(s, 0))
    for slope, ok in ((0.0, True), (1.5, True), (3.0, True), (2.0, False)):
        assert check_backprop(loss, {"s": [slope, 3.0, 0.0]}).ok == ok


def test_tolerance_is_relative_to_the_largest_entry():
    w = ag.Tensor([1.0, 1e6], requires_grad=True, name="w")
    loss = (w * w).sum() / 2
    assert check_backprop(loss, {"w": [1.0 + 0.01, 1e6]}).ok
    assert not check_backprop(loss, {"w": [1.0 + 0.01, 1e6]}, rtol=1e-9).ok
    assert not check_backprop(loss, {"w": [1.0, 1e6 + 1]}).ok


@each({
    "where": lambda x: np.where(x > 0, np.sqrt(x), 0.0),
    "maximum": lambda x: np.maximum(np.log(x), 0.5),
    "index": lambda x: (1 / x)[1:],
    "max": lambda x: np.max(-1 / x**3, keepdims=True) * 2,
    "used twice": lambda x: np.where(x > 0, np.sqrt(x), 0.0) * (np.log(x) ** 2)[1:],
})  # fmt: skip
def test_entries_that_nothing_reads_get_no_gradient(f: Any):
    x = ag.Tensor([0.0, 4.0], requires_grad=True, name="x")
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.sum(f(x))
        loss.backward()
        report = ag.check_backprop(loss, {"x": x.grad})
    assert np.isfinite(x.grad).all()
    assert report.ok, report
    assert not ag.check_backprop(loss, {"x": 2 * x.grad}).ok


LABELS, TARGETS = np.array([0, 2, 1, 2, 0]), np.eye(3)[[0, 2, 1, 2, 0]]


@each({
    "labels": lambda p, e: -np.mean(np.log(p[np.arange(5), LABELS] + e)),
    "rows": lambda p, e: -np.sum(TARGETS * np.log(e + p)) / 5,
    "maximum": lambda p, e: -np.sum(TARGETS * np.log(np.maximum(p, e))) / 5,
    "log2": lambda p, e: -np.sum(TARGETS * np.log2(p + e)) * np.log(2) / 5,
    "clipped": lambda p, e: -np.sum(np.log(np.clip(p, e, 1 - e)[np.arange(5), LABELS])) / 5,
})  # fmt: skip
def test_p_minus_y_is_right_where_something_keeps_the_logarithm_finite(f: Any):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(5, 4))
    for size, eps in ((1.0, 1e-7), (8.0, 1e-5)):
        w = ag.Tensor(size * rng.normal(size=(4, 3)), requires_grad=True, name="W")
        s = (x @ w).named("s")
        e = np.exp(s - np.max(s, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss, delta = f(p, eps), (p.data - TARGETS) / 5
        report = ag.check_backprop(loss, {"s": delta, "W": x.T @ delta})
        assert report.ok, report
        assert size == 1.0 or f"leaving out {eps} within a logarithm" in str(report)
        for wrong in ({"s": delta, "W": x.T @ -delta}, {"W": x.T @ -delta}):
            report = ag.check_backprop(loss, wrong)
            assert report["W"].cause == "∇W has the wrong sign", report
            assert [e.ok for e in report.entries] == [True] * (len(wrong) - 1) + [False]


def test_a_mask_is_known_as_what_made_it():
    w = ag.Tensor(np.random.default_rng(0).normal(size=(4, 3)), requires_grad=True, name="W")
    s = (np.eye(4) @ w * 2).named("s")
    loss = np.sum(ag.where(s <= 0, 0, s) ** 2) / 2
    delta = s.data * (s.data > 0)
    report = ag.check_backprop(loss, {"s": delta, "W": 2 * delta})
    assert report.ok
    assert report["s"].formula == "relu(s)"
