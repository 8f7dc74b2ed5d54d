"""The backward pass on graphs: reuse, depth, order, seeds."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor


def test_a_second_backward_gives_the_same_again():
    w = Tensor([1.0, 2.0], requires_grad=True)
    h = (w * w).named("h")
    y = (h * h).sum()
    for k in (1, 2, 3):
        y.backward()
        np.testing.assert_array_equal(h.grad, [2.0, 8.0])
        np.testing.assert_array_equal(w.grad, k * np.array([4.0, 32.0]))
    w.zero_grad()
    assert w.grad is None
    number = Tensor(3.0, requires_grad=True)
    for k in (2.0, 4.0):
        (number * 2.0).backward()
        assert repr(number.grad) == f"array({k:.0f}.)"


def test_named_tensors_keep_their_gradient_and_others_do_not():
    w = Tensor([1.0, 2.0], requires_grad=True)
    unnamed = w * 2
    named = (unnamed * 3).named("s")
    named.sum().backward()
    with pytest.warns(UserWarning, match=r't\.named\("h"\); .* ag\.gradients') as said:
        assert unnamed.grad is None
    assert said[0].filename == __file__
    assert (named * 2).named("h").grad is None  # it may get one yet
    np.testing.assert_array_equal(named.grad, [1.0, 1.0])


def test_a_gradient_that_is_set_is_an_array_of_the_tensor_s_shape_and_dtype():
    ones = Tensor([1.0, 1.0], requires_grad=True)
    for dtype in (np.float32, np.float64, np.complex128):
        for given in (ones * 3, ones.detach() * 3, [3, 3], np.array([3, 3]), np.full(2, 3.0)):
            w = Tensor([1.0, 2.0], requires_grad=True, dtype=dtype)
            w.grad = given
            (w * 2).sum().backward(1.0)
            assert type(w.grad) is np.ndarray, (given, dtype)
            np.testing.assert_array_equal(w.grad, np.array([5, 5], dtype), strict=True)
    result = ones * 3
    ones.grad = result
    ones.grad *= 2
    assert result.tolist() == [3.0, 3.0]
    for wrong, kind, said in (
        (1.0, ValueError, r"can't have a gradient of shape \(\)"),
        (np.ones((1, 2)), ValueError, r"\(2,\), float64, can't have a gradient of shape \(1, 2\)"),
        (np.ones(2, complex), TypeError, "complex128; give an array of its shape and kind"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, "grad: a MaskedArray"),
        (["a", "b"], TypeError, "grad: numbers are needed"),
        (np.array([1.0, None]), TypeError, "grad: an object array"),
    ):
        with pytest.raises(kind, match=said):
            ones.grad = wrong
    assert ones.grad.tolist() == [6.0, 6.0]
    with pytest.raises(TypeError, match="int64, can't have a gradient"):
        Tensor([1, 2]).grad = [1.0, 1.0]


def test_leaves_that_require_no_gradient_get_none():
    w, x = Tensor(2.0, requires_grad=True), Tensor(3.0, name="x")
    (w * x).backward()
    assert x.grad is None


def test_seeds():
    w = Tensor([1.0, 2.0], requires_grad=True)
    w[0].backward()
    w.backward([0.0, 1.0])
    assert w.grad.tolist() == [1.0, 1.0]
    w.grad = None
    y = w * w
    y.backward([1.0, 10.0])
    np.testing.assert_array_equal(w.grad, [2.0, 40.0])
    w.grad = None
    y.backward(Tensor([10.0, 1.0]))
    np.testing.assert_array_equal(w.grad, [20.0, 4.0])
    (one,) = ag.gradients((w * w)[:1], [w])
    np.testing.assert_array_equal(one.data, [2.0, 0.0])


def test_intermediate_cotangents_are_dropped_as_they_are_used():
    alive = [0, 0]

    class Counted(np.ndarray):
        def __del__(self):
            alive[0] -= 1

    def counting(g, out, x):
        alive[0] += 1
        alive[1] = max(alive)
        return np.array(g).view(Counted)

    link = ag.Op("link", np.positive, counting)
    y = Tensor(np.ones(3), requires_grad=True)
    for _ in range(50):
        y = link(y)
    y.sum().backward()
    assert alive[1] <= 4


def test_gradients_of_results_leaves_and_strangers():
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    h = a * a
    y = (h * 3).sum()
    dh, da, db, dy = ag.gradients(y, [h, a, b, y])
    assert [g.tolist() for g in (dh, da, db)] == [[3.0, 3.0], [6.0, 12.0], [0.0]]
    assert dy.item() == 1.0
    assert all(not g.requires_grad for g in (dh, da, db))
    assert a.grad is None
    (constant,) = ag.gradients(Tensor(2.0), [a])
    assert constant.tolist() == [0.0, 0.0]


def test_gradients_follow_only_the_paths_that_are_asked_for():
    x, other = Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)
    calls = []
    spy = ag.Op("spy", np.positive, lambda g, out, x: calls.append(1) or g)
    y = (x * 2 + spy(other)).sum()
    ag.gradients(y, [x])
    assert calls == []
    ag.gradients(y, [other])
    assert calls == [1]


def test_a_recorded_seed_is_differentiated_too():
    x, v = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 1.0], requires_grad=True)
    (g,) = ag.gradients(x * x, [x], seed=v, create_graph=True)
    (dv,) = ag.gradients(g.sum(), [v])
    np.testing.assert_array_equal(dv.data, [2.0, 4.0])


def test_mixed_dtypes_give_each_leaf_its_own():
    a = Tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    b = Tensor([3.0, 4.0], requires_grad=True)
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    (da,) = ag.gradients((a * b).sum(), [a], create_graph=True)
    assert da.dtype == np.float32
    (mixed,) = ag.gradients(da.sum(), [b])
    np.testing.assert_array_equal(mixed.data, [1.0, 1.0])


def test_named_tensors_in_order_of_computation():
    a = Tensor(1.0, requires_grad=True, name="a")
    b = (a * 2).named("b")
    c = (b * a).named("c")
    assert list(ag.named_tensors(c)) == ["a", "b", "c"]
    assert ag.named_tensors(c)["b"] is b
