"""Values where rules are easily wrong: 0, ties, overflow, empty, 0-d, every pairing of ranks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor


def grad(f: Any, x: Any, **kwargs: Any) -> Any:
    t = Tensor(x, requires_grad=True, **kwargs)
    f(t).sum().backward()
    return t.grad


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_sigmoid_and_softplus_far_out(dtype: Any):
    x = np.array([-1e4, -40.0, 0.0, 40.0, 1e4]).astype(dtype)
    s = ag.sigmoid(Tensor(x)).data
    assert s.dtype == dtype
    tiny = max(np.finfo(dtype).tiny, 1e-300)
    np.testing.assert_allclose(s[[0, 2, 4]], [0.0, 0.5, 1.0], rtol=0, atol=tiny)
    assert np.isfinite(ag.softplus(Tensor(x)).data).all()
    g = grad(ag.sigmoid, x)
    np.testing.assert_allclose(g[[0, 2, 4]], [0.0, 0.25, 0.0], rtol=0, atol=tiny)
    np.testing.assert_allclose(grad(ag.softplus, x)[[0, 4]], [0.0, 1.0], rtol=0, atol=tiny)


def test_sigmoid_is_exact_in_its_tail():
    np.testing.assert_allclose(ag.sigmoid(np.array(-300.0)), np.exp(-300.0), rtol=1e-14)
    np.testing.assert_array_equal(ag.sigmoid(np.array([0, 1])), ag.sigmoid(np.array([0.0, 1.0])))


def test_kinks():
    np.testing.assert_array_equal(grad(abs, [-2.0, 0.0, 3.0]), [-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(grad(ag.relu, [-2.0, 0.0, 3.0]), [0.0, 0.0, 1.0])


def test_ties_share_the_gradient():
    x, y = Tensor([1.0, 2.0, 3.0], requires_grad=True), Tensor([1.0, 1.0, 4.0], requires_grad=True)
    np.maximum(x, y).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 1.0, 0.0])
    np.testing.assert_array_equal(y.grad, [0.5, 0.0, 1.0])
    x.grad = y.grad = None
    np.minimum(x, y).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.0, 1.0])
    np.testing.assert_array_equal(grad(np.max, [1.0, 3.0, 3.0]), [0.0, 0.5, 0.5])
    np.testing.assert_array_equal(
        grad(lambda t: t.min(axis=0), [[1.0, 2.0], [1.0, 3.0]]), [[0.5, 1.0], [0.5, 0.0]]
    )


def test_powers_at_zero():
    for exponent, expected in ((2, 0.0), (1, 1.0), (0, 0.0), (3, 0.0)):
        assert grad(lambda t, n=exponent: t**n, 0.0) == expected
        assert grad(lambda t, n=exponent: t ** np.array(float(n)), 0.0) == expected
    assert grad(lambda t: 0.0**t, 2.0) == 0.0
    np.testing.assert_allclose(grad(lambda t: 2.0**t, 3.0), 8 * np.log(2))
    assert grad(lambda t: t**-1, 2.0) == -0.25
    assert grad(lambda t: t**True, 2.0) == 1.0


def test_where_takes_a_tensor_as_condition_and_scalars():
    x = Tensor([0.0, 2.0], requires_grad=True)
    ag.where(Tensor([True, False]), x, 5.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [1.0, 0.0])


def test_clip_and_its_bounds():
    np.testing.assert_array_equal(grad(lambda t: t.clip(0, 1), [-1.0, 0.5, 2.0]), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(grad(lambda t: t.clip(None, 1), [-1.0, 2.0]), [1.0, 0.0])
    low = Tensor(0.0, requires_grad=True)
    ag.clip(Tensor([-1.0, 2.0]), low).sum().backward()
    assert low.grad == 1.0


def test_repeated_indices_accumulate():
    np.testing.assert_array_equal(grad(lambda t: t[[0, 0, 2]], [1.0, 2.0, 3.0]), [2.0, 0.0, 1.0])
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(grad(lambda t: t[mask] * 5, [1.0, 2.0, 3.0]), [5.0, 0.0, 5.0])
    np.testing.assert_array_equal(
        grad(lambda t: t[Tensor([1, 1]), Tensor([0, 0])], np.ones((2, 2))), [[0.0, 0.0], [2.0, 0.0]]
    )


def test_var():
    x = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    for axis, ddof in product((None, 0, 1), (0, 1)):
        g = grad(lambda t, a=axis, d=ddof: t.var(axis=a, ddof=d), x)
        n = x.size if axis is None else x.shape[axis]
        expected = 2 * (x - x.mean(axis=axis, keepdims=axis is not None)) / (n - ddof)
        np.testing.assert_allclose(g, expected, atol=1e-15)


def test_empty_and_0d():
    assert grad(np.sum, np.ones((0, 3))).shape == (0, 3)
    assert grad(lambda t: t @ np.ones((3, 2)), np.ones((0, 3))).shape == (0, 3)
    assert grad(lambda t: t.reshape(1, 1), 2.0) == 1.0
    assert grad(lambda t: np.stack([t, t]), 2.0) == 2.0
    with pytest.warns(RuntimeWarning, match="empty slice|invalid value"):
        assert np.isnan(ag.mean(Tensor(np.ones(0))).item())


SHAPES = [(), (3,), (2, 3), (3, 2), (4, 2, 3), (4, 3, 2), (5, 1, 2, 3)]


@pytest.mark.parametrize(("a", "b"), list(product(SHAPES, SHAPES)))
@pytest.mark.parametrize("function", [np.dot, np.matmul], ids=["dot", "matmul"])
def test_products_of_every_pair_of_ranks(function: Any, a: Any, b: Any):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=a), rng.normal(size=b)
    try:
        expected = np.asarray(function(x, y))
    except ValueError:
        with pytest.raises(ValueError, match=r"matmul: |dot: the last axis"):
            function(Tensor(x, requires_grad=True), y)
        return
    tx, ty = Tensor(x, requires_grad=True), Tensor(y, requires_grad=True)
    out = function(tx, ty)
    np.testing.assert_allclose(out.data, expected, atol=1e-14, strict=True)
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    # The product is linear in each operand: <seed, f(v, y)> = <grad, v> for every v.
    v, w = rng.normal(size=a), rng.normal(size=b)
    np.testing.assert_allclose(np.sum(tx.grad * v), np.sum(seed * function(v, y)), atol=1e-12)
    np.testing.assert_allclose(np.sum(ty.grad * w), np.sum(seed * function(x, w)), atol=1e-12)


def test_non_contiguous_and_fortran_inputs():
    x = np.asfortranarray(np.arange(12.0).reshape(3, 4))[::2, ::-1]
    np.testing.assert_array_equal(grad(lambda t: t * t, x), 2 * x)
    np.testing.assert_array_equal(
        grad(lambda t: t.reshape(-1) * np.arange(8.0), x), np.arange(8.0).reshape(2, 4)
    )
