"""Every message: it names the op, the operands by name, shapes or values, and the remedy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor


def W(shape: tuple[int, ...], name: str = "W_01") -> Tensor:  # noqa: N802  (the chapter's letter)
    return Tensor(np.ones(shape), requires_grad=True, name=name)


def raised(kind: type[Exception], f: Any) -> str:
    with pytest.raises(kind) as caught:
        f()
    return str(caught.value)


def test_matmul_mismatch_says_which_sizes_differ_and_what_may_be_meant():
    said = raised(ValueError, lambda: W((1, 3), "l_0") @ W((2, 3)))
    assert said.splitlines() == [
        "matmul: the last axis of l_0 has 3 entries, the first axis of W_01 has 2; "
        "they must be the same",
        "  l_0: shape (1, 3), dtype float64",
        "  W_01: shape (2, 3), dtype float64",
        "Did you mean l_0 @ W_01.T or l_0 * W_01?",
    ]
    assert "Did you mean W_01.T @ x" in raised(ValueError, lambda: W((2, 3)) @ W((2, 4), "x"))
    assert "W_01 @ x" in raised(ValueError, lambda: W((2, 1), "x") @ W((3, 2)))
    assert "x.reshape(-1, 1)" in raised(ValueError, lambda: W((3,), "x") @ W((1, 3)))


def test_matmul_of_stacks_numbers_and_unnamed_operands():
    assert "no axes; multiply numbers with *" in raised(ValueError, lambda: W((2, 2)) @ 3.0)
    said = raised(ValueError, lambda: W((2, 3, 3)) @ W((4, 3, 3), "x"))
    assert "the stacks of matrices (2,) and (4,) can't be broadcast together" in said
    assert "the second to last axis of x has 4" in raised(
        ValueError, lambda: W((2, 3)) @ W((5, 4, 2), "x")
    )
    assert "operand 1: shape (3,)" in raised(ValueError, lambda: W((2, 2)) @ np.ones(3))


def test_broadcast_mismatch():
    said = raised(ValueError, lambda: W((2, 3), "x") + W((2,), "b"))
    assert said.splitlines() == [
        "add: the shapes can't be broadcast together: axis -1 has 3 in x, 2 in b",
        "  x: shape (2, 3), dtype float64",
        "  b: shape (2,), dtype float64",
        "Did you mean x.T + b or x + b.reshape(-1, 1)?",
    ]
    assert "axis -2 has 4 in x, 2 in b" in raised(
        ValueError, lambda: W((4, 1), "x") * W((2, 3), "b")
    )


def test_linear_names_its_three_operands():
    said = raised(ValueError, lambda: ag.linear(W((1, 3), "l_0"), W((2, 3)), W((1, 3), "b_01")))
    assert said.startswith("linear: ")
    assert "the last axis of l_0 has 3 entries, the first axis of W_01 has 2" in said
    assert "b_01: shape (1, 3)" in said
    assert "l_0 @ W_01.T" in said
    said = raised(ValueError, lambda: ag.linear(W((1, 2), "l_0"), W((2, 3)), W((1, 2), "b_01")))
    assert "axis -1 has 3 in l_0 @ W_01, 2 in b_01" in said


def test_params_are_named():
    said = raised(ValueError, lambda: W((2, 3)).reshape(4, 2))
    assert said.startswith("reshape: cannot reshape array of size 6 into shape (4,2)")
    assert "W_01: shape (2, 3)" in said
    assert "shape=(4, 2)" in said
    assert "axis=5" in raised(ValueError, lambda: W((2, 3)).sum(axis=5))
    assert "index=7" in raised(IndexError, lambda: W((2,))[7])
    assert "zero-size array" in raised(ValueError, lambda: W((0,)).max())
    assert "axes don't match array" in raised(ValueError, lambda: W((2, 3)).transpose(0, 1, 2))


def test_backward_without_a_seed_names_tensor_and_remedy():
    said = raised(ValueError, lambda: (W((2, 3)) * 2).named("s_1").backward())
    assert "s_1 of shape (2, 3) has 6 elements" in said
    assert "t.sum()" in said
    assert "t.backward(np.ones((2, 3)))" in said


def test_a_seed_of_the_wrong_shape():
    said = raised(ValueError, lambda: (W((2, 3)) * 2).named("s_1").backward(np.ones(3)))
    assert (
        said
        == "backward: the seed has shape (3,), and s_1 of shape (2, 3) needs one of its own shape"
    )
    x = W((2,))
    with pytest.raises(ValueError, match="the seed has shape"):
        ag.gradients(x * 2, [x], seed=Tensor(np.ones(3)), create_graph=True)


def test_backward_where_nothing_requires_a_gradient():
    said = raised(RuntimeError, lambda: Tensor(2.0, name="L").backward())
    assert "nothing that L of shape () was computed from requires a gradient" in said
    assert "requires_grad=True" in said


@pytest.mark.parametrize("dtype", [int, bool, np.int8])
def test_a_dtype_that_has_no_gradient(dtype: Any):
    said = raised(TypeError, lambda: Tensor([1], requires_grad=True, name="n", dtype=dtype))
    assert f"n of shape (1,) has dtype {np.dtype(dtype)}" in said
    assert "dtype=float" in said
    t = Tensor(np.ones(2, dtype))
    with pytest.raises(TypeError, match="can't be differentiated"):
        t.requires_grad = True


def test_gradients_of_what_has_none():
    x = W((2,))
    assert "xs[0] is a ndarray, not a Tensor" in raised(
        TypeError, lambda: ag.gradients(x.sum(), [np.ones(2)])
    )
    assert "c of shape (1,) requires no gradient" in raised(
        TypeError, lambda: ag.gradients(x.sum(), [Tensor([1.0], name="c")])
    )
    assert "xs[0] of shape (1,)" in raised(
        TypeError, lambda: ag.gradients(x.sum(), [Tensor([1.0])])
    )


def test_out_and_in_place_on_arrays():
    t, buffer = W((2,)), np.zeros(2)
    assert "write a = np.add(a, t)" in raised(TypeError, lambda: np.add(buffer, t, out=buffer))
    with pytest.raises(TypeError, match="lose its gradient"):
        buffer += t
    assert "np.sum" in raised(TypeError, lambda: np.sum(t, out=np.zeros(())))
    np.testing.assert_array_equal(buffer, [0.0, 0.0])


def test_item_assignment_shows_the_replacement():
    t = W((2,))
    with pytest.raises(TypeError, match=r"W_01 of shape \(2,\) can't be assigned to.*ag.where"):
        t[0] = 1.0


def test_what_only_leaves_can_do():
    y = (W((2,)) * 2).named("y")
    with pytest.raises(
        RuntimeError, match=r"y of shape \(2,\) is the result of multiply, not a leaf"
    ):
        y.data = np.ones(2)
    with pytest.raises(RuntimeError, match="not a leaf: requires_grad can't be set"):
        y.requires_grad = False
    with pytest.raises(ValueError, match=re.escape("can't be rebound to an array of shape (3,)")):
        W((2,)).data = np.ones(3)


@pytest.mark.parametrize("data", ["text", [None], [[1], [2, 3]], {"a": 1}, [object()]])
def test_data_that_are_not_numbers(data: Any):
    with pytest.raises((TypeError, ValueError), match=r"Tensor: |inhomogeneous"):
        Tensor(data)


def test_operands_that_are_not_numbers():
    t = W((2,))
    assert "multiply: numbers are needed" in raised(TypeError, lambda: t * "text")
    assert "add: a number, an array or a Tensor is needed, not a NoneType" in raised(
        TypeError, lambda: t + None
    )
    assert "add: an object array" in raised(TypeError, lambda: t + np.array([None, None]))


def test_a_function_without_an_entry_names_itself():
    t = W((2, 2))
    assert "numpy.unique" in raised(TypeError, lambda: np.unique(t))
    assert "numpy.linalg.lstsq" in raised(TypeError, lambda: np.linalg.lstsq(t, t))
    assert "ufunc 'copysign'" in raised(TypeError, lambda: np.copysign(t, t))
    assert "reduceat" in raised(TypeError, lambda: np.add.reduceat(t, [0]))
    assert "logaddexp" in raised(TypeError, lambda: np.logaddexp.accumulate(t))
    assert "unexpected keyword" in raised(TypeError, lambda: np.sum(t, spam=3))


def test_an_error_that_is_not_about_shapes_keeps_numpy_s_words():
    said = raised(ValueError, lambda: Tensor([2]) ** Tensor([-1]))
    assert said.startswith("power: Integers to negative integer powers are not allowed")
    assert "operand 1: shape (1,), dtype int64" in said
