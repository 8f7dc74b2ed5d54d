"""Values where rules are easily wrong: overflow, empty, every pairing of ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .each import each


def grad(f: Any, x: Any, **kwargs: Any) -> Any:
    t = Tensor(x, requires_grad=True, **kwargs)
    f(t).sum().backward()
    return t.grad


@each([np.float16, np.float32, np.float64, np.longdouble])
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


def test_the_mean_of_nothing_is_nan():
    with pytest.warns(RuntimeWarning, match="empty slice|invalid value"):
        assert np.isnan(ag.mean(Tensor(np.ones(0))).item())


SHAPES = [(), (3,), (2, 3), (3, 2), (4, 2, 3), (4, 3, 2), (5, 1, 2, 3)]


@each([np.dot, np.matmul], SHAPES, SHAPES)
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
