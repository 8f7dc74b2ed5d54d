"""Every message: it names the op, the operands by name, shapes or values, and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.extend import defjvp, defvjp

from .each import each


def W(shape: tuple[int, ...], name: str = "W_01") -> Tensor:  # noqa: N802  (the chapter's letter)
    return Tensor(np.ones(shape), requires_grad=True, name=name)


def doubled(name: str) -> Tensor:
    return (W((2, 3)) * 2).named(name)


def assign(t: Any, name: str, value: Any) -> None:
    setattr(t, name, value)


def add_in_place(a: Any, t: Any) -> None:
    a += t


def set_item(t: Any) -> None:
    t[0] = 1.0


WHOLE = {
    lambda: W((1, 3), "l_0") @ W((2, 3)): [
        "matmul: the last axis of l_0 has 3 entries, the first axis of W_01 has 2; "
        "they must be the same",
        "  l_0: shape (1, 3), dtype float64",
        "  W_01: shape (2, 3), dtype float64",
        "Did you mean l_0 @ W_01.T or l_0 * W_01?",
    ],
    lambda: W((2, 3), "x") + W((2,), "b"): [
        "add: the shapes can't be broadcast together: axis -1 has 3 in x, 2 in b",
        "  x: shape (2, 3), dtype float64",
        "  b: shape (2,), dtype float64",
        "Did you mean x.T + b or x + b.reshape(-1, 1)?",
    ],
    lambda: doubled("s_1").backward(np.ones(3)): [
        "backward: the seed has shape (3,), and s_1 of shape (2, 3) needs one of its own shape"
    ],
}


@each(WHOLE.items())
def test_messages_as_a_whole(f: Any, lines: list[str]):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        f()
    assert str(caught.value).splitlines() == lines


@each([
    # shapes
    (lambda: W((2, 3)) @ W((2, 4), "x"), ValueError, "Did you mean W_01.T @ x"),
    (lambda: W((2, 1), "x") @ W((3, 2)), ValueError, "W_01 @ x"),
    (lambda: W((3,), "x") @ W((1, 3)), ValueError, "x.reshape(-1, 1)"),
    (lambda: W((2, 2)) @ 3.0, ValueError, "no axes; multiply numbers with *"),
    (lambda: W((2, 3, 3)) @ W((4, 3, 3), "x"), ValueError,
     "the stacks of matrices (2,) and (4,) can't be broadcast together"),
    (lambda: W((2, 3)) @ W((5, 4, 2), "x"), ValueError, "the second to last axis of x has 4"),
    (lambda: W((2, 2)) @ np.ones(3), ValueError, "operand 1: shape (3,)"),
    (lambda: W((4, 1), "x") * W((2, 3), "b"), ValueError, "axis -2 has 4 in x, 2 in b"),
    (lambda: ag.linear(W((1, 3), "l_0"), W((2, 3)), W((1, 3), "b_01")), ValueError, "linear: ",
     "the last axis of l_0 has 3 entries, the first axis of W_01 has 2", "b_01: shape (1, 3)",
     "l_0 @ W_01.T"),
    (lambda: ag.linear(W((1, 2), "l_0"), W((2, 3)), W((1, 2), "b_01")), ValueError,
     "axis -1 has 3 in l_0 @ W_01, 2 in b_01"),
    # settings
    (lambda: W((2, 3)).reshape(4, 2), ValueError,
     "reshape: cannot reshape array of size 6 into shape (4,2)", "W_01: shape (2, 3)",
     "shape=(4, 2)"),
    (lambda: W((2, 3)).sum(axis=5), ValueError, "axis=5"),
    (lambda: W((2,))[7], IndexError, "index=7"),
    (lambda: W((0,)).max(), ValueError, "zero-size array"),
    (lambda: W((2, 3)).transpose(0, 1, 2), ValueError, "axes don't match array"),
    (lambda: np.sum(W((2,)), spam=3), TypeError, "unexpected keyword"),
    (lambda: Tensor([2]) ** Tensor([-1]), ValueError, "power: Integers to negative integer powers "
     "are not allowed", "operand 1: shape (1,), dtype int64"),
    # backward
    (lambda: doubled("s_1").backward(), ValueError, "s_1 of shape (2, 3) has 6 elements", "t.sum()",
     "t.backward(np.ones((2, 3)))"),
    (lambda: ag.gradients(W((2,)) * 2, [W((2,))], seed=Tensor(np.ones(3)), create_graph=True),
     ValueError, "the seed has shape"),
    (lambda: Tensor(2.0, name="L").backward(), RuntimeError, "requires_grad=True",
     "nothing that L of shape () was computed from requires a gradient"),
    (lambda: ag.gradients(W((2,)).sum(), [np.ones(2)]), TypeError,
     "xs[0] is a ndarray, not a Tensor"),
    (lambda: ag.gradients(W((2,)).sum(), [Tensor([1.0], name="c")]), TypeError,
     "c of shape (1,) requires no gradient"),
    (lambda: ag.gradients(W((2,)).sum(), [Tensor([1.0])]), TypeError, "xs[0] of shape (1,)"),
    (lambda: ag.gradients(5.0, [W((2,))]), TypeError, "gradients: y is a float, not a Tensor"),
    (lambda: ag.gradients(W((2,)) * 2, [W((2,))]), ValueError, "gradients: a tensor of shape ",
     "seed=…"),
    (lambda: (W((2,)) * 1.0).backward([1j, 1.0]), TypeError, "the seed has dtype complex128"),
    (lambda: (W(()) * 1j).backward(), TypeError, "backward: ", " is complex, and a grad"),
    (lambda: (W((2,)) * 1j).astype(float), TypeError, "astype: ", "would drop its imaginary part"),
    # in place
    (lambda: add_in_place(np.zeros(2), W((2,))), TypeError, "lose its gradient"),
    (lambda: set_item(W((2,))), TypeError, "W_01 of shape (2,) can't be assigned to", "ag.where"),
    # what only leaves can do
    (lambda: assign(doubled("y"), "data", np.ones(2)), RuntimeError,
     "y of shape (2, 3) is the result of multiply, not a leaf"),
    (lambda: assign(doubled("y"), "requires_grad", False), RuntimeError,
     "not a leaf: requires_grad can't be set"),
    (lambda: assign(W((2,)), "data", np.ones(3)), ValueError,
     "can't be rebound to an array of shape (3,)"),
    (lambda: assign(W((2, 3)), "data", np.ones((3, 2))), ValueError,
     "can't be rebound to an array of shape (3, 2)"),
    # what are no numbers
    *[(lambda data=data: Tensor(data), (TypeError, ValueError), "Tensor: ")
      for data in ("text", [None], {"a": 1}, [object()])],
    (lambda: Tensor([[1], [2, 3]]), ValueError, "inhomogeneous"),
    (lambda: Tensor({1}), TypeError, "Tensor: a number, an array or a Tensor is needed, not a set"),
    (lambda: Tensor([1.0], name=3), TypeError, "a tensor's name must be a string or None, not 3"),
    (lambda: W((1,)).named(("a",)), TypeError, "name must be a string"),
    (lambda: W((1,)).astype(str), TypeError, "astype: numbers are needed"),
    (lambda: W((2,)) * "text", TypeError, "multiply: numbers are needed"),
    (lambda: W((2,)) + None, TypeError,
     "add: a number, an array or a Tensor is needed, not a NoneType"),
    (lambda: W((2,)) + np.array([None, None]), TypeError, "add: an object array"),
    # what has no entry names itself
    (lambda: np.union1d(W((2,)), W((2,))), TypeError, "the value alone: np.union1d(t.numpy())"),
    (lambda: np.linalg.tensorinv(W((4, 4)), 1, 2), TypeError, "tensorinv"),
    (lambda: np.frexp(W((2,))), TypeError, "np.frexp: it has no rule here"),
    (lambda: np.multiply.reduceat(W((2,)), [0]), TypeError, "np.multiply.reduceat: it has no rule"),
    (lambda: np.logaddexp.accumulate(W((2,))), TypeError, "np.logaddexp.accumulate: it has no"),
    (lambda: np.frompyfunc(str, 1, 1)(W((2,))), TypeError, "str (vectorized): it has no rule"),
    # shapes that NumPy refuses
    (lambda: ag.broadcast_to(W((1, 1)), (3,)), ValueError, "broadcast_to: "),
    (lambda: W((1, 2)).squeeze(1), ValueError, "squeeze: cannot select an axis"),
    (lambda: np.less(W((3,)), np.ones(2)), ValueError, "less: the shapes can't be broadcast"),
    (lambda: np.dot(W((2, 3)), np.ones((3, 4, 5))), ValueError,
     "dot: the last axis of W_01 has 3 entries, the second to last axis of operand 1 has 4"),
    (lambda: ag.Op("mine", lambda x, y: np.linalg.inv(x), None, None)(W((2, 3)), np.ones((4, 3))),
     ValueError, "mine: Last 2 dimensions of the array must be square"),
    (lambda: ag.Op("mine", lambda x: (x, x[:1]), None)(W((2,))), TypeError,
     "mine: it gives 2 arrays, and an op gives one; make an op of each"),
    (lambda: defvjp(np.sin, None), TypeError, "sin is no primitive, and keeps its own derivative"),
    (lambda: defjvp(max, None), TypeError, "give rules to a function of yours: f = primitive(max)"),
    # items
    (lambda: Tensor([1.0, 2.0], name="W").item(), ValueError,
     "item: W of shape (2,) has 2 elements"),
    (lambda: len(Tensor(1.0)), TypeError, "has no axes"),
    (lambda: bool(W((2,))), ValueError, "ambiguous"),
    (lambda: ag.array([[W(())], [W(()), W(())]]), ValueError,
     "stack: all shapes must be the same"),
])  # fmt: skip
def test_messages(f: Any, kind: Any, *words: str):
    with pytest.raises(kind) as caught:
        f()
    assert [part for part in words if part not in str(caught.value)] == [], caught.value


@each([int, bool, np.int8])
def test_a_dtype_that_has_no_gradient(dtype: Any):
    said = rf"n of shape \(1,\) has dtype {np.dtype(dtype)}.*dtype=float"
    with pytest.raises(TypeError, match=said):
        Tensor([1], requires_grad=True, name="n", dtype=dtype)
    t = Tensor(np.ones(2, dtype))
    with pytest.raises(TypeError, match="can't be differentiated"):
        t.requires_grad = True
