"""Tensor as a value: making, reading, naming, showing, copying."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .each import each


def test_data_are_copied_and_keep_shape_and_dtype():
    source = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = Tensor(source)
    source[0, 0] = 99
    np.testing.assert_array_equal(t.data, np.arange(6).reshape(2, 3))
    assert (t.shape, t.ndim, t.size, t.dtype, len(t)) == ((2, 3), 2, 6, np.float32, 2)
    assert t.is_leaf
    assert t.op is None
    assert t.inputs == ()
    assert t.params == {}


@each([[1, 2], [True, False], 3, np.arange(3)])
def test_integers_become_float64_where_a_gradient_is_required(data):
    assert Tensor(data).dtype == np.asarray(data).dtype
    assert Tensor(data, requires_grad=True).dtype == np.float64
    assert Tensor(data, requires_grad=True, dtype=np.float32).dtype == np.float32


def test_op_inputs_and_params_say_how_a_tensor_was_made():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    y = x * 3
    assert y.op is ag.OPS["multiply"]
    assert y.inputs[0] is x
    assert y.inputs[1].item() == 3
    assert y.inputs[1] is y.inputs[1]
    assert not y.inputs[1].requires_grad
    assert ag.sum(x, axis=1).params == {"axis": 1, "keepdims": False}
    assert not y.is_leaf


def test_nothing_is_recorded_where_no_input_requires_a_gradient():
    y = Tensor([1.0]) * 2 + np.ones(1)
    assert y.is_leaf
    assert not y.requires_grad


def test_numbers_come_out():
    t = Tensor([[2.5]], requires_grad=True)
    assert (t.item(), bool(t), f"{t:.2f}") == (2.5, True, "2.50")
    assert f"{t}" == repr(t)
    assert t.tolist() == [[2.5]]
    copied = t.numpy()
    copied[0, 0] = 9
    assert t.item() == 2.5


def test_iteration_membership_and_truth():
    t = Tensor([1.0, 2.0], requires_grad=True)
    a, b = t
    (a * b).backward()
    np.testing.assert_array_equal(t.grad, [2.0, 1.0])
    assert 2.0 in t
    assert 3.0 not in t


def test_comparisons_give_plain_arrays():
    t = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    for mask, expected in (
        (t < 2, [1, 0, 0]),
        (t <= 2, [1, 1, 0]),
        (t > 2, [0, 0, 1]),
        (t >= 2, [0, 1, 1]),
        (t == 2, [0, 1, 0]),
        (t != 2, [1, 0, 1]),
        (t > 2, [0, 0, 1]),
        (np.array([2.0, 2, 2]) == t, [0, 1, 0]),
    ):
        assert type(mask) is np.ndarray
        np.testing.assert_array_equal(mask, np.array(expected, dtype=bool))
    assert len({t, t, Tensor([1.0])}) == 2


def test_methods_of_values_only():
    t = Tensor([[1.0, 5.0], [3.2, 0.0]], requires_grad=True)
    assert (t.argmax(), t.argmin(axis=0).tolist()) == (1, [0, 1])
    assert (t.all(), t.any()) == (False, True)
    assert (t.argsort().tolist(), t[0].searchsorted(2.0)) == ([[0, 1], [1, 0]], 1)
    assert [i.tolist() for i in t.nonzero()] == [[0, 0, 1], [0, 1, 0]]
    assert t.round().tolist() == [[1.0, 5.0], [3.0, 0.0]]
    assert type(t.astype(int)) is np.ndarray
    assert type(Tensor([1.5]).astype(int)) is Tensor


def test_repr_shows_value_name_and_op():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    assert repr(w) == "Tensor([1., 2.], name='w', requires_grad=True)"
    assert repr((w + 1).named("s_1")) == "Tensor([2., 3.], name='s_1', op=add)"
    assert repr(Tensor(1, dtype=np.int8)) == "Tensor(1, dtype=int8)"
    assert "..." in repr(Tensor(np.zeros(1000)))


def test_leaves_pickle_and_copy_with_their_gradient_and_results_do_not():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    (w * w).sum().backward()
    for other in (pickle.loads(pickle.dumps(w)), copy.deepcopy(w)):
        assert (other.name, other.requires_grad) == ("w", True)
        np.testing.assert_array_equal(other.data, w.data)
        np.testing.assert_array_equal(other.grad, w.grad)
        assert other.grad is not w.grad
    assert copy.deepcopy(Tensor(1.0)).grad is None
    with pytest.raises(RuntimeError, match="its graph can't be pickled"):
        pickle.dumps(w * 2)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda t: copy.deepcopy({"w": t})["w"]])
def test_copies_of_what_is_differentiated_have_its_gradient(how):
    def f(x):
        return (how(x) * x * how(x * 2)).sum()  # 2 x³

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ag.grad(f)(x), 6 * x**2)
    np.testing.assert_array_equal(ag.jvp(f, (x,), (x,))[1], 6 * np.sum(x**3))
    np.testing.assert_array_equal(ag.hessian(f)(x), np.diag(12 * x))
    np.testing.assert_array_equal(ag.grad(lambda x: ag.checkpoint(f)(x))(x), 6 * x**2)
    with pytest.raises(RuntimeError, match=r"is what is being differentiated by.*t\.detach\(\)"):
        ag.grad(lambda x: pickle.loads(pickle.dumps(x)).sum())(x)


def test_detach_cuts_the_history():
    w = Tensor([1.0, 2.0], requires_grad=True)
    d = (w * 2).detach()
    assert d.is_leaf
    assert not d.requires_grad
    np.testing.assert_array_equal(d.data, [2.0, 4.0])
    assert Tensor(d).tolist() == [2.0, 4.0]


def test_requires_grad_of_a_leaf_can_be_set():
    w = Tensor([1.0])
    w.requires_grad = True
    (w * 2).sum().backward()
    assert w.grad.tolist() == [2.0]
    w.requires_grad = False
    assert not (w * 2).requires_grad


def test_array_builds_one_tensor_from_several():
    a, b = Tensor(2.0, requires_grad=True), Tensor([1.0, 3.0], requires_grad=True)
    built = ag.array([[a, 1.0], b, [0, a * a]])
    np.testing.assert_array_equal(built.data, [[2.0, 1.0], [1.0, 3.0], [0.0, 4.0]])
    built.backward([[1.0, 0.0], [10.0, 20.0], [0.0, 100.0]])
    assert a.grad == 401.0
    np.testing.assert_array_equal(b.grad, [10.0, 20.0])
    assert ag.array([]).shape == (0,)
