"""Arrays in a graph never change under it: writing raises at once, or leaves gradients right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .each import each


def squares(w: Tensor) -> Tensor:
    return (w * w).sum()


@each([False, True], [False, True])
def test_writing_to_a_leaf_after_its_use_leaves_the_gradient_right(look_before, create_graph):
    w = Tensor([1.0, 2.0], requires_grad=True)
    view = w.data[:1] if look_before else None
    y = squares(w)
    w.data[1] = 50.0
    if view is not None:
        view[0] = 70.0
    (g,) = ag.gradients(y, [w], create_graph=create_graph)
    np.testing.assert_array_equal(g.data, [2.0, 4.0])
    if create_graph:
        (second,) = ag.gradients(g.sum(), [w])
        np.testing.assert_array_equal(second.data, [2.0, 2.0])
    assert squares(w).item() == (4900.0 if look_before else 1.0) + 2500.0


def test_data_is_the_same_array_as_long_as_somebody_holds_it():
    w = Tensor([1.0, 2.0])
    held = w.data
    assert w.data is held
    held[0] = 5.0
    assert w.tolist() == [5.0, 2.0]
    assert squares(w).item() == 29.0
    assert w.data is held
    w.data -= 1.0
    assert w.data is held
    assert w.tolist() == [4.0, 1.0]


def test_no_copy_once_nobody_holds_the_data():
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.data[0] = 3.0
    y = w * 2
    assert y._arrays[0] is w._array


def test_rebinding_data():
    w = Tensor([1.0, 2.0], requires_grad=True)
    y = squares(w)
    new = np.array([5.0, 6.0])
    w.data = new
    new[0] = 99.0
    assert w.tolist() == [5.0, 6.0]
    y.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])
    narrow = Tensor([1.0], dtype=np.float32)
    narrow.data = np.array([2.0])
    assert narrow.dtype == np.float32
    with pytest.raises(TypeError, match="Cannot cast"):
        Tensor([1]).data = [1.5]


VIEWS = {
    "itself": lambda t: t,
    "doubled": lambda t: t * 2,
    "reshape": lambda t: t.reshape(3, 2),
    "T": lambda t: t.T,
    "a view of a view": lambda t: t.T[1:].reshape(-1)[::-1],
    "slice": lambda t: t[0],
    "one entry": lambda t: t[0, 1],
    "broadcast": lambda t: np.broadcast_to(t, (2, 2, 3)),
    "squeeze": lambda t: np.squeeze(t[None]),
    "diagonal": lambda t: np.diagonal(t),
    "real": lambda t: np.real(t),
    "split": lambda t: np.split(t, 3, axis=1)[1],
    "an op's own argument": ag.Op("same", lambda x: x, lambda g, out, x: g),
}
LEAF = np.arange(1.0, 7.0).reshape(2, 3)


@each(VIEWS)
def test_what_a_result_hands_out_cannot_change_the_graph(view: Any):
    """Neither by itself, nor by what it is a view of, where it can be written to at all."""
    for of in (lambda w: w, lambda w: w * 1.0):
        w = Tensor(LEAF, requires_grad=True)
        y = view(of(w))
        loss = (y**3).sum() + (of(w) ** 2).sum()
        (g,) = ag.gradients(loss, [w], create_graph=True)
        loss.backward()
        expected, w.grad[...] = w.grad.copy(), 0.0
        if y is not w:
            with pytest.raises(ValueError, match="read-only"):
                y.data[...] = 0.0
        value, vjp_fn = ag.vjp(lambda t: view(of(t)), LEAF)  # noqa: B023
        arrays = [y.data, y.numpy(), y.detach().data, y.detach().T.data, g.data, g.T.data, w.grad]
        arrays += [value, *vjp_fn(np.ones_like(value)), ag.gradients(loss, [w])[0].data]
        while arrays:
            array = arrays.pop()
            if array.flags.writeable:
                array[...] = 0.0
            if array.base is not None:
                arrays.append(array.base)
        w.zero_grad()
        loss.backward()
        np.testing.assert_array_equal(w.grad, expected)
        np.testing.assert_array_equal(LEAF, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_constants_and_indices_changed_later():
    w = Tensor([1.0, 1.0, 1.0], requires_grad=True)
    buffer, total = np.empty(3), 0.0
    for k in range(3):
        buffer[:] = [k, 10 * k, 0]
        total = total + (w * buffer).sum()
    constant, index, rows = np.array([2.0, 3.0, 0.0]), np.array([0, 0]), [2]
    view = constant[:]
    total = total + (w * constant).sum()
    total = total + w[index].sum() + w[rows].sum() + w[index, ...].sum()
    buffer[:], view[0], index[:], rows[0] = np.nan, 99.0, 1, 1
    total.backward()
    np.testing.assert_array_equal(w.grad, [3.0 + 2.0 + 4.0, 30.0 + 3.0, 1.0])


def test_views_that_unrecorded_ops_make_are_not_shared():
    source = np.ones(4)
    plain = Tensor(source)
    shaped = plain.reshape(2, 2)
    shaped.data[0, 0] = 7.0
    assert plain.tolist() == [1.0, 1.0, 1.0, 1.0]
    plain.data[1] = 8.0
    assert shaped.tolist() == [[7.0, 1.0], [1.0, 1.0]]
    part = plain[1:]
    plain.data[1] = 9.0
    assert part.tolist() == [8.0, 1.0, 1.0]
    from_array = ag.concatenate([plain, source]).reshape(2, 4)
    source[:] = -1
    assert from_array.tolist() == [[1.0, 9.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    joined = ag.where(np.array([True]), source, plain)
    source[:] = -2
    assert joined.tolist() == [-1.0] * 4


def test_a_view_of_an_unrecorded_constant_is_its_own():
    source = np.arange(4.0)
    flat = ag.OPS["reshape"](source, shape=(2, 2))
    assert flat.base is source
    from autograd_lite.engine.op import apply

    mixed = apply(ag.Op("first", lambda x, y: x[:2], None, None), (source, Tensor(1.0)))
    source[0] = 50.0
    assert mixed.tolist() == [0.0, 1.0]


def test_stored_gradients_are_the_reader_s_own():
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    seed = np.ones(2)
    (a + b).named("s").backward(seed)
    a.grad *= 100
    np.testing.assert_array_equal(b.grad, [1.0, 1.0])
    np.testing.assert_array_equal(seed, [1.0, 1.0])
    first = b.grad
    (b * 2).backward(seed)
    assert (first.tolist(), b.grad.tolist()) == ([1.0, 1.0], [3.0, 3.0])
    y = (b * 1.0).named("y")
    y.backward(seed)
    seed[:] = 0
    assert y.grad.tolist() == [1.0, 1.0]
    # A rule that hands out a saved array itself.
    leak = ag.Op("leak", lambda x: x.sum(), lambda g, out, x: x)
    c = Tensor([3.0, 4.0], requires_grad=True)
    y = leak(c)
    y.backward()
    c.grad[:] = 0
    assert c.tolist() == [3.0, 4.0]


def test_detached_and_original_do_not_share_writes():
    w = Tensor([1.0, 2.0], requires_grad=True)
    d = w.detach()
    d.data[0] = 9.0
    assert w.tolist() == [1.0, 2.0]
    held = w.data
    e = w.detach()
    held[1] = 7.0
    assert e.tolist() == [1.0, 2.0]


def test_a_constant_tensor_rebound_after_its_use():
    w, x = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    y = (w * w * x).sum()
    x.data = [50.0, 60.0]
    (g,) = ag.gradients(y, [w], create_graph=True)
    np.testing.assert_array_equal(g.data, [6.0, 16.0])
    (second,) = ag.gradients(g.sum(), [w])
    np.testing.assert_array_equal(second.data, [6.0, 8.0])


def _written(x: Any) -> Any:
    x *= 2
    return x


@each({
    "forward": (_written, lambda g, out, x: 2 * g),
    "cotangent": (lambda x: 2 * x, lambda g, out, x: _written(g)),
    "operand": (lambda x: 2 * x, lambda g, out, x: g * _written(x)),
    "value": (lambda x: 2 * x, lambda g, out, x: g * _written(out)),
})  # fmt: skip
def test_an_op_of_one_s_own_may_not_write_into_what_others_compute_with(forward: Any, rule: Any):
    op = ag.Op("mine", forward, rule)

    def f(x: Any) -> Any:
        y = x * 1
        return np.sum(op(y) + y)

    with pytest.raises(ValueError, match="read-only") as said:
        ag.grad(f)(np.ones(2))
    error = said.value.__cause__ or said.value
    assert error.__notes__[0].startswith("mine: it may write into none of its arguments")


def _compiled(x: Any) -> Any:
    """As Cython's memory views do, it takes arrays that may be written to, and doesn't write."""
    if not x.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return np.sin(x)


def test_an_op_of_one_s_own_may_ask_for_arrays_that_could_be_written_to():
    op = ag.Op("mine", _compiled, lambda g, out, x: _compiled(np.array(g)) * np.cos(x))
    x = np.array([0.5, np.nan])
    np.testing.assert_allclose(op(x), np.sin(x))
    np.testing.assert_allclose(ag.vjp(op, x)[1](np.ones(2))[0], np.sin(1) * np.cos(x))


def test_what_adds_to_a_part_says_that_the_whole_stays():
    h = Tensor(np.ones((2, 2)), requires_grad=True) * 2
    row, picked, doubled = h[0], h[[0]], h[0] * 2
    for part in (picked, doubled, h):  # no views, as NumPy has them
        part += 1
    with pytest.warns(UserWarning, match=r"\(2,\) is a part of another.* part = part \+") as said:
        row += 1
    assert len(said) == 1
    assert (row.data.tolist(), h.data.tolist()) == ([3.0, 3.0], [[2.0, 2.0], [2.0, 2.0]])
