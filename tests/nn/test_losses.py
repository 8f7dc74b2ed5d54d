"""Losses: values, stability at saturated predictions, reductions, errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from ..each import each

LOSSES = [nn.SquaredErrorLoss, nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss]


def test_values():
    p, y = np.array([[0.5], [0.2]]), np.array([[1.0], [0.0]])
    bits = -np.log([[0.5], [0.8]])
    assert nn.SquaredErrorLoss()(p, y).item() == pytest.approx((0.125 + 0.02) / 2)
    assert nn.MSELoss("sum")(p, y).item() == pytest.approx(0.25 + 0.04)
    np.testing.assert_allclose(nn.BCELoss("none")(p, y).data, bits)
    np.testing.assert_allclose(nn.BCEWithLogitsLoss("none")(np.log(p / (1 - p)), y).data, bits)
    assert nn.BCELoss("sum")(np.ones((0, 1)), np.ones((0, 1))).item() == 0.0
    z = np.log([[0.2, 0.3, 0.5]])
    for classes, value in (([2], -np.log(0.5)), ([[0.0, 0.5, 0.5]], -np.log(0.15) / 2)):
        assert nn.CrossEntropyLoss()(z, classes).item() == pytest.approx(value)


@pytest.mark.parametrize("kind", LOSSES)
def test_reductions_and_names(kind: Any):
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0.1, 0.9, (4, 3)), np.eye(4, 3)
    mean, total, each = (kind(reduction)(p, y) for reduction in ("mean", "sum", "none"))
    count = each.size
    assert count == (4 if kind is nn.CrossEntropyLoss else 12)
    np.testing.assert_allclose(total.item(), each.data.sum())
    np.testing.assert_allclose(mean.item(), total.item() / count)
    assert (mean.shape, mean.name) == ((), "L")
    assert repr(kind("sum")) == f"{kind.__name__}(reduction='sum')"


@pytest.mark.parametrize("kind", LOSSES)
def test_targets_have_a_gradient_too(kind: Any):
    y = Tensor([[0.3, 0.7]], requires_grad=True, name="target")
    loss = kind()(np.array([[0.2, 0.6]]), y)
    loss.backward()
    assert y.grad.shape == (1, 2)
    p = "z" if kind is nn.CrossEntropyLoss else "p"
    assert list(ag.named_tensors(loss)) == [p, "target", "L"]


@each([0.0, 1.0, 1e-30, 1 - 1e-16], [0.0, 1.0, 0.5], [np.float32, np.float64])
def test_bce_is_finite_at_saturated_predictions(p: float, y: float, dtype: Any):
    t = Tensor(np.array([[p]], dtype), requires_grad=True)
    loss = nn.BCELoss()(t, np.array([[y]], dtype))
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(t.grad).all()
    if p == y:
        assert loss.item() == 0.0


@each([-1e4, -800.0, -600.0, -30.0, 0.0, 30.0, 800.0, 1e4], [0.0, 1.0])
def test_losses_of_saturated_logits(s: float, y: float):
    z = Tensor([[s]], requires_grad=True, name="s_1")
    nn.BCELoss()(ag.sigmoid(z), [[y]]).backward()
    assert np.isfinite(z.grad).all()
    if -700 < s < 36:  # beyond that σ is exactly 0 or 1, and has no gradient left
        np.testing.assert_allclose(z.grad, 1 / (1 + np.exp(-s)) - y, atol=1e-15)
    z = Tensor([[s]], requires_grad=True)  # of logits they are exact anywhere
    loss = nn.BCEWithLogitsLoss()(z, [[y]])
    loss.backward()
    assert loss.item() == pytest.approx(max(s, 0) - s * y + np.log1p(np.exp(-abs(s))))
    assert z.grad.item() == pytest.approx(np.exp(-np.logaddexp(0, -s)) - y)
    z = Tensor([[s, 0.0]], requires_grad=True)
    loss = nn.CrossEntropyLoss()(z, [1])
    loss.backward()
    assert loss.item() == pytest.approx(np.logaddexp(s, 0))
    assert np.isfinite(z.grad).all()


NO_PROBABILITY = [
    (1.5, 1.0), (-0.5, 1.0), (-0.5, 0.0), (np.nan, 1.0), (0.5, 2.0), (0.3, -1.0),
    *((0.3, np.array(2, dtype)) for dtype in (np.uint8, np.int8, np.int64)),
]  # fmt: skip


@each(NO_PROBABILITY)
def test_bce_refuses_what_is_no_probability(p: float, y: Any):
    targets = np.array([[y], [1]], np.result_type(y))
    for warnings_are in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(warnings_are)
            with pytest.raises(ValueError, match=r"must lie in \[0, 1\].*use BCEWithLogitsLoss"):
                nn.BCELoss()([[p], [0.5]], targets)


@each(LOSSES[:4])
def test_shapes_must_be_the_same_and_targets_may_be_no_floats(kind: Any):
    p = Tensor(np.full((3, 1), 0.5), requires_grad=True, name="l_2")
    for y, said in (
        (np.ones(3), r"(?s)have \(3, 1\) and \(3,\); y.reshape\(3, 1\)\?.*l_2: shape"),
        (np.ones((2, 1)), r"have \(3, 1\) and \(2, 1\)\n"),
    ):
        with pytest.raises(ValueError, match=said):
            kind()(p, y)
    grads = []
    for dtype in (float, bool, np.uint8, np.int64):
        p = Tensor([[0.3], [0.6]], requires_grad=True)
        kind()(p, np.array([[1], [0]], dtype)).backward()
        grads.append(p.grad)
        np.testing.assert_array_equal(grads[0], p.grad)


def test_cross_entropy_s_targets_and_an_unknown_reduction():
    z, cross = np.zeros((2, 3)), nn.CrossEntropyLoss()
    for targets, error, said in (
        ([0, 3], ValueError, "must lie in 0 … 2, and reach from 0 to 3"),
        ([0.0, 1.0], TypeError, "must be integers, not float64"),
        ([0, 1, 2], ValueError, "must have the same shape"),
    ):
        with pytest.raises(error, match=said):
            cross(z, targets)
    assert cross(z, Tensor([0, 1])).item() == pytest.approx(np.log(3))
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, not 'avg'"):
        nn.BCELoss("avg")
