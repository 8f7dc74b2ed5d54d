"""NumPy's own functions on Tensors, and code written for arrays, the chapter's first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor, numpy_protocol
from autograd_lite.table import NUMPY

RNG = np.random.default_rng(0)
A = RNG.uniform(0.2, 0.9, (2, 3))

def as_tensors(value: Any) -> Any:
    if isinstance(value, list):
        return [as_tensors(v) for v in value]
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return Tensor(value, requires_grad=True) if floats else value


SPECIAL = {np.ldexp, np.arccosh, np.matvec, np.vecmat}  # of other operands than the rest
UFUNCS = [
    f for f in NUMPY
    if isinstance(f, np.ufunc) and f.nin < 3 and f.nout == 1 and f not in SPECIAL
]  # fmt: skip


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_ufuncs_give_numpy_s_value_with_arrays_on_either_side(ufunc: Any):
    if ufunc.nin == 1:
        np.testing.assert_array_equal(ufunc(as_tensors(A)).data, ufunc(A))
        return
    b = A.T.copy() if ufunc is np.matmul else A[:1] + 0.1
    for left, right in ((as_tensors(A), b), (A, as_tensors(b)), (as_tensors(A), as_tensors(b))):
        np.testing.assert_allclose(ufunc(left, right).data, ufunc(A, b), rtol=1e-14)


@pytest.mark.parametrize("reduced", numpy_protocol.REDUCTIONS, ids=lambda f: f.__name__)
def test_ufunc_reductions(reduced: Any):
    for kwargs in ({}, {"axis": 1}, {"axis": None}, {"keepdims": True}):
        out = reduced.reduce(as_tensors(A), **kwargs)
        np.testing.assert_allclose(out.data, reduced.reduce(A, **kwargs))


@pytest.mark.parametrize(
    "function", [np.sign, np.floor, np.argmax, np.isnan, np.zeros_like, np.shape]
)
def test_piecewise_constant_functions_give_plain_values(function: Any):
    out = function(as_tensors(A))
    assert not isinstance(out, Tensor)
    np.testing.assert_array_equal(out, function(A))


def test_values_with_keywords():
    t = as_tensors(A)
    assert np.allclose(a=t, b=A)
    assert np.array_equal(t, A)
    assert np.any(t > 0.1, axis=0).all()
    assert str(np.round(t, 1)) == str(np.round(A, 1))


def test_methods_give_numpy_s_value():
    t = as_tensors(A)
    for ours, expected in (
        (t.sum(axis=0), A.sum(axis=0)),
        (t.mean(1, keepdims=True), A.mean(1, keepdims=True)),
        (t.max(), A.max()),
        (t.min(axis=0), A.min(axis=0)),
        (t.var(axis=1, ddof=1), A.var(axis=1, ddof=1)),
        (t.dot(A.T), A.dot(A.T)),
        (t.clip(0.3, 0.6), A.clip(0.3, 0.6)),
        (t.reshape(3, 2), A.reshape(3, 2)),
        (t.reshape((6,)), A.reshape(6)),
        (t.ravel(), A.ravel()),
        (t.flatten(), A.flatten()),
        (t[None].squeeze(), A),
        (t[None].squeeze(0), A),
        (t.transpose(), A.T),
        (t.transpose(1, 0), A.T),
        (t.transpose((1, 0)), A.T),
        (t.swapaxes(0, 1), A.T),
        (t.T, A.T),
        (t.mT, A.T),
        (t.copy(), A),
        (abs(-t), A),
        (+t, A),
        (-t, -A),
        (2**t, 2**A),
        (t**2, A**2),
        (t**t, A**A),
        (1 - t, 1 - A),
        (1 / t, 1 / A),
        (A @ t.T, A @ A.T),
        (A - t, A * 0),
        (np.float64(2) * t, 2 * A),
    ):
        assert isinstance(ours, Tensor)
        np.testing.assert_allclose(ours.data, expected, rtol=1e-14, strict=True)


def test_remainder_and_floor_division():
    t, u = Tensor([5.5, -5.5], requires_grad=True), Tensor([2.0, 2.0], requires_grad=True)
    (t % u).sum().backward()
    np.testing.assert_array_equal(t.grad, [1.0, 1.0])
    np.testing.assert_array_equal(u.grad, [-2.0, 3.0])
    np.testing.assert_array_equal((7.0 % u).data, [1.0, 1.0])
    for quotient, expected in ((t // u, [2.0, -3.0]), (7.0 // u, [3.0, 3.0])):
        assert type(quotient) is np.ndarray
        np.testing.assert_array_equal(quotient, expected)


def test_astype_keeps_the_gradient_between_floats():
    t = as_tensors(A)
    t.astype(np.float32).sum().backward()
    assert t.grad.dtype == np.float64
    np.testing.assert_array_equal(t.grad, np.ones((2, 3)))
    assert isinstance(Tensor([1.5]).astype(int), Tensor)


def test_the_functions_stand_in_ag_too_and_take_arrays():
    np.testing.assert_array_equal(ag.exp(A), np.exp(A))
    np.testing.assert_array_equal(ag.sum(A, axis=0), A.sum(axis=0))
    assert ag.abs is ag.absolute


def sigmoid(s: Any) -> Any:
    """As one writes it for arrays."""
    return 1.0 / (1 + np.exp(-s))


def test_the_chapter_s_forward_code_runs_unchanged():
    w_0_1 = Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True)
    b_0_1 = Tensor(np.zeros((1, 2)), requires_grad=True)
    w_1_2 = Tensor([0.1, 0.2], requires_grad=True)
    b_1_2 = 0
    layer_0, target = np.array([[0, 1]]), np.array([0])
    layer_1 = sigmoid(np.dot(layer_0, w_0_1) + b_0_1)
    layer_2 = sigmoid(np.dot(layer_1, w_1_2) + b_1_2)
    loss = -(target * np.log(layer_2) + (1 - target) * np.log(1 - layer_2))
    loss.backward()
    np.testing.assert_allclose(layer_1.data, [[0.57444252, 0.59868766]], atol=5e-9)
    np.testing.assert_allclose(layer_2.data, [0.54417993], atol=5e-9)
    np.testing.assert_allclose(loss.data, [0.78565712], atol=5e-9)
    np.testing.assert_allclose(w_1_2.grad, [0.31260009, 0.32579381], atol=5e-9)
    assert bool(layer_2 > 0.5)


def test_a_softmax_written_for_arrays():
    def softmax(z: Any) -> Any:
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    z = as_tensors(A)
    p = softmax(z)
    y = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    (-np.sum(y * np.log(p)) / 2).backward()
    np.testing.assert_allclose(z.grad, (p.data - y) / 2, atol=1e-16)
