"""``import autograd_lite.numpy as np``: arrays that are made of Tensors, and filled with them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import autograd_lite as ag
import autograd_lite.numpy as np
import autograd_lite.numpy.random as npr
import nn
from autograd_lite.graph import walk
from autograd_lite.numpy.linalg import LinAlgError

from .each import each

X = numpy.array([0.7, 1.3, -0.4, 2.1])


def by_index(x: Any) -> Any:
    out = np.empty((3, 4))
    out[:] = 1.0
    for i in range(3):
        out[i, 1:3] = x[i] * x[1:3]
        out[i, 0] += x[0]
    out[out > 2.0] *= 0.5
    out[[0, 2], [3, 3]] = x[:2]
    out[2] = [x[0], 2.0, x[1], np.array(x[2])]
    return out


def by_views(x: Any) -> Any:
    a = np.zeros((2, 3))
    turned, flat, moved, (upper, lower) = a.T, a.reshape(-1), np.moveaxis(a, 0, 1), np.split(a, 2)
    a[0, 1] = x[0]
    before = turned * 2  # of what it was then
    turned[2, 1] = x[1]
    flat[3] = x[0] * x[1]
    moved[0, 0] = x[2]
    upper += x[3]
    lower[0, 1:][0] = x[2]
    a.flat[1] = x[0] * 3
    for row in a:
        row *= x[1]
    column = a[:, 1]
    column[:] = column + x[:2]
    return a * 3 + before.T + np.sum(flat) + turned[1, 1]


def by_out(x: Any) -> Any:
    out = np.zeros_like(x)
    np.exp(x, out=out)
    np.multiply(out, x, out=out[...])
    np.add.at(out, [0, 0, 1], x[:3])
    quotient = np.divide(x, x - x[0], out=np.ones(4), where=np.arange(4) > 0)
    total = np.sum(np.outer(x, x), axis=0, out=np.empty(4))
    return out + quotient + total


def by_making(x: Any) -> Any:
    a = np.array([[x[0], 1.0], [0.0, x[1]]])
    a[0] += a[1]
    b, c = np.eye(2), np.copy(a)
    b[0, 1] = x[3]
    c[:] = 1.0
    c[1] = (x[0], 2.0)
    joined = np.r_[x[0], 1:3, x[:1]] + np.c_[x, x][:, 0]
    wide = np.array(x, ndmin=2) @ np.asarray([x, 2 * x]).T
    rows = np.stack([x, a[0, 0] * x]) + np.vstack([x, x])
    joined = joined + np.concatenate([np.sin(row) for row in rows])[4] * np.hstack([x, x])[5]
    most = np.max([[x[0], 1.0], [0.0, x[1]]], axis=1)
    joined = joined + np.sum([x[0], x[1] * x[2], 3.0]) * most[0]
    joined = joined + np.stack(part**2 for part in (x[:2], x[2:])).sum()
    full = np.asfortranarray(np.full((2, 2), x[1], device="cpu")) + np.full_like(a, x[2])
    return a @ b + c + full + joined.sum() + wide[0]


def by_copies(x: Any) -> Any:
    a = np.zeros(3)
    a[0] = x[0]
    b, c, d, e = copy.copy(a), copy.deepcopy(a), a.copy(), a.flatten()
    b[1], c[2], d[0], e[0] = x[1], x[2], 7.0, 5.0
    return a + 2 * b + 3 * c + d * e


def by_functions(x: Any) -> Any:
    a = np.zeros(4)
    a[1:] = x[1:]
    out = np.empty(4)
    out[:] = ag.checkpoint(lambda b, y: b * y)(a, x)  # type: ignore[call-overload]
    a[0] = 3.0
    chosen = ag.where(a > 0, a, x) + np.where(a > 1, x, a) + np.stack([x, a])[1]
    ordered = np.sort(a) + np.concatenate([a, x])[2:6] + a.cumsum() + 2.0**a + (x @ a) + -a
    return out + ag.exp(a) + chosen + ordered + np.linalg.norm(a) + a.shape[0] * len(a)


def by_transforms(x: Any) -> Any:
    a = np.zeros(3)
    a[:2] = x[:2]

    def cubes(y: Any) -> Any:
        return np.sum(y**3 * x[:3])

    slope = ag.grad(lambda y: cubes(np.array([y[0], y[1], y[2]])))(a)
    return slope + ag.hvp(cubes)(a, a) + ag.jvp(lambda y: np.array(y), (a,), (a,))[1]


def by_complex(x: Any) -> Any:
    a = np.zeros(3, complex)
    a[0] = x[0] + 1j * x[1]
    a[1:] = x[1:3] * 1j
    return np.abs(a) + a.real


def by_placing(x: Any) -> Any:
    a = np.zeros((4, 4))
    np.fill_diagonal(a, x)
    np.copyto(a[1:], x[0] * x, where=numpy.eye(3, 4, 2) > 0)
    np.put(a.T, [1, 2], x[:2])
    np.putmask(a[3], numpy.array([True, False, True, False]), x**2)
    np.put_along_axis(a, numpy.array([[3], [2], [1], [0]]), x[1], 1)
    b = np.array(x)
    b.sort()
    c, d, fresh = a[:, 2], np.zeros(()), np.zeros(4)
    c.fill(x[3])
    d[...] = x[0]
    fresh[[0, 2]] += x[:2]
    fresh[fresh == 0] -= x[3]
    chosen = a[[0, 0]]
    chosen[1] = x
    return a * b * d + fresh + chosen[[0, 1, 1, 0]]


PROGRAMS = [by_index, by_views, by_out, by_making, by_copies, by_functions, by_transforms,
            by_complex, by_placing]  # fmt: skip


@each(PROGRAMS)
def test_a_program_is_numpy_s_and_has_right_derivatives_of_second_order(f: Callable[[Any], Any]):
    expected = f(X)
    assert type(ag.vjp(f, X)[0]) is numpy.ndarray
    numpy.testing.assert_allclose(ag.vjp(f, X)[0], expected, rtol=1e-12)
    ag.check_grads(lambda x: np.sum(np.sin(f(x))), X, order=2)


def test_what_was_computed_before_stays():
    def f(x: Any) -> Any:
        a = np.zeros(2)
        a[0] = x
        first = a * 1.0
        a[0] = 5.0
        return first + a

    numpy.testing.assert_array_equal(ag.vjp(f, 2.0)[0], [7.0, 0.0])
    numpy.testing.assert_array_equal(ag.jacobian(f)(2.0), [1.0, 0.0])


def test_what_is_added_in_place_is_put_there_once():
    x = ag.Tensor(2.0, requires_grad=True)
    with np.filling():
        a = np.zeros((2, 5))
        a[0, 1:3] += x
        a[1] *= x
        total = np.sum(a)
    assert [t.op.name for t in walk(total) if t.op] == [
        "add", "index_update", "getitem", "multiply", "index_update", "sum",
    ]  # fmt: skip
    total.backward()
    assert x.grad == 2.0


def test_outside_of_a_transform_and_of_filling_they_are_arrays():
    for made in (np.zeros(2), np.array([1.0]), np.full(2, 3.0), np.ones_like([1.0])):
        assert type(made) is numpy.ndarray
    x = ag.Tensor(2.0, requires_grad=True)
    assert np.array([x, 1.0]).requires_grad
    with np.filling():
        a = np.zeros(2)
        a[1] = x
        y = np.sum(a**2)
    y.backward()
    assert x.grad == 4.0
    assert type(ag.vjp(lambda x: x * np.zeros(2, int).sum(), 1.0)[0]) is numpy.ndarray


def test_the_rest_is_numpy_s():
    assert np.float32 is numpy.float32
    assert np.pi == numpy.pi
    assert np.add.reduce is not None
    assert np.ndarray is numpy.ndarray
    assert npr.default_rng is numpy.random.default_rng
    assert np.random.default_rng is numpy.random.default_rng
    assert LinAlgError is numpy.linalg.LinAlgError
    assert "einsum" in dir(np)
    scope: dict[str, Any] = {}
    exec("from autograd_lite.numpy import *", scope)
    assert scope["sin"] is numpy.sin
    assert scope["zeros"] is np.zeros
    with pytest.raises(AttributeError, match="no_such"):
        _ = np.no_such  # type: ignore[attr-defined]


def into_an_array(x: Any) -> None:
    numpy.zeros(2)[0] = x


def into_whole_numbers(x: Any) -> None:
    np.zeros(2, int)[0] = x


def into_a_real_part(x: Any) -> None:
    a = np.zeros(2, complex)
    a.real[0] = x


def into_what_is_shared(x: Any) -> None:
    np.broadcast_to(np.zeros(2), (2, 2))[0] = x


def complex_into_real(x: Any) -> None:
    np.zeros(2)[0] = x * 1j


def of_another_shape(x: Any) -> None:
    np.zeros(2)[:] = np.stack([x, x, x])


def for_c_code(x: Any) -> None:
    a = np.zeros(2)
    a[0] = x
    memoryview(numpy.asarray(a))


def into_an_argument(x: Any) -> None:
    a = np.zeros(2)
    a[0] = x
    numpy.put(numpy.zeros(2), [1], a[0])


@each([
    (into_an_array, ValueError, "setting an array element"),
    (into_whole_numbers, TypeError, "ag.index_update"),
    (into_a_real_part, TypeError, "fill the whole"),
    (into_what_is_shared, ValueError, "read-only"),
    (complex_into_real, TypeError, "t.real"),
    (of_another_shape, ValueError, "index_update"),
    (for_c_code, TypeError, "requires a gradient"),
    (into_an_argument, TypeError, "ag.index_update"),
])  # fmt: skip
def test_what_can_t_be_is_refused(f: Callable[[Any], None], kind: type[Exception], said: str):
    with pytest.raises(kind, match=said):
        ag.grad(lambda x: f(x) or x)(2.0)


def test_layers_and_losses_take_what_is_filled():
    net, loss = nn.Linear(3, 1, rng=numpy.random.default_rng(0)), nn.MSELoss()

    def f(x: Any) -> Any:
        a = np.ones((2, 3))
        a[0] = x[:3]
        return loss(net(a), np.ones((2, 1))) + ag.array([a, a]).sum() + loss(a[0], np.zeros(3))

    ag.check_grads(f, X, order=1)


# ---------------------------------------------------------------------- results that are written to


def masked(x: Any) -> Any:
    h = x.copy()
    h[h <= 0] = 0
    return h


def labelled(x: Any) -> Any:
    p = numpy.exp(x) / numpy.sum(numpy.exp(x), axis=1, keepdims=True)
    before = p * 2
    p[numpy.arange(2), [0, 2]] -= 1
    return before + p


def by_rows(x: Any) -> Any:
    h = x * 1.0
    for i in range(2):
        h[i] = h[i] * numpy.mean(h[i - 1])
    h[0] += h[1]
    return h


def by_entries(x: Any) -> Any:
    h = numpy.tanh(x)
    for i, j in numpy.ndindex(2, 3):
        h[i, j] = h[i, j] * h[i - 1, j - 1]
    return h


def after_a_view(x: Any) -> Any:
    h = (x * 2.0).reshape(3, 2)
    first = h[0]
    h[1] = h[0] * first
    h[1:, 0] = h[1:, 1]
    return numpy.sum(first) * h


def by_masks_of_itself(x: Any) -> Any:
    h = x * 1.0
    m = h > 1.5
    g = h * m
    h[m] = 2.0
    h[~m] *= numpy.sum(h)
    return g + h * m


def through_views(x: Any) -> Any:
    h = x * 2.0
    row, turned, flat = h[0], h.T, h.reshape(-1)
    before = turned * 1.0
    row[1] = 5.0
    turned[2] *= h[:, 0]
    flat[3] = flat[0] * x[0, 1]
    h[None][0, 0, 0] = 9.0
    numpy.moveaxis(numpy.einsum("ij->ji", h), 0, 1)[1, 1] = x[0, 0]
    return h * row + before.T * turned.T + numpy.sum(flat**2)


def under_views(x: Any) -> Any:
    h = x * 2.0
    rows, (first, second), number = [h.T[:1]], numpy.split(h, 2), h[0, 0]
    h[0] = 5.0 * h[1]
    h[:, 2] *= rows[0][0]
    second[...] = first
    first *= second
    for row in h:
        row += number
    return h * rows[0][0, 1] + first * number


def turned_around(x: Any) -> Any:
    h = x * 2.0
    h[:] = h[::-1]
    h[:, 1:], h[0, :2] = h[:, :2], h[1, 1:]
    return h


def in_place(x: Any) -> Any:
    h = numpy.exp(x)
    same, other = h, h * 1.0
    h += x
    same /= 2.0
    h -= other
    other[...] = h
    other[0] = numpy.sum(h)
    return h * same + other


def by_copies_of_results(x: Any) -> Any:
    h = numpy.exp(x)
    a, b, c = h.flatten(), np.array(h), h.copy()
    d, (e,) = numpy.reshape(h, (3, 2), copy=True), numpy.meshgrid(h[0])
    same = h.astype(float, copy=False)
    h[0] = x[1]
    a[1], b[1], c[0], d[1], e[2] = 2.0, x[0], 3.0, 4.0, 5.0
    same[1] += 1.0
    return h + a.reshape(2, 3) * b * c + d.T * e


@each([masked, labelled, by_rows, by_entries, after_a_view, by_masks_of_itself, through_views,
       under_views, turned_around, in_place, by_copies_of_results])  # fmt: skip
def test_results_are_written_to_as_by_numpy(f: Callable[[Any], Any]):
    x = numpy.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]]) / 3

    def within(x: Any) -> Any:
        with np.filling():
            return f(x)

    numpy.testing.assert_allclose(ag.vjp(within, x)[0], f(x.copy()), rtol=1e-12)
    ag.check_grads(lambda x: np.sum(numpy.sin(within(x))), x, order=2)
    with ag.no_grad():  # in which nothing is recorded
        numpy.testing.assert_array_equal(within(ag.Tensor(x, True)).data, f(x.copy()))


VIEWS = [
    lambda a: a.T, lambda a: a[0] if a.ndim > 1 else a[:1], lambda a: a[::-1],
    lambda a: a[..., 1:] if a.shape[-1] > 1 else a[...], lambda a: a.reshape(-1),
    lambda a: a[None], lambda a: numpy.moveaxis(a, 0, -1), lambda a: numpy.squeeze(a),
    lambda a: numpy.split(a, [1])[1] if len(a) > 1 else a[:], lambda a: a.swapaxes(0, -1),
]  # fmt: skip
VALUES = [lambda a: 0.5, lambda a: numpy.sum(a) / 9, lambda a: a / 2, lambda a: a[::-1],
          lambda a: a * a.ravel()[-1]]  # fmt: skip
INDICES = [0, -1, slice(None, None, 2), (..., 0), (..., slice(1, None)), [0]]


def written_at_random(x: Any, seed: int, makes: Any = None) -> list[Any]:
    """What a random program gives that takes views, writes into them, and copies."""
    chosen = numpy.random.default_rng(seed)
    pick = lambda options: options[chosen.integers(len(options))]  # noqa: E731
    arrays = [x * 1.0]
    if makes:
        arrays = [makes.zeros((3, 4))]
        arrays[0][:2] = x[:2]
    for _ in range(14):
        a, kind = pick(arrays), chosen.integers(5)
        if kind < 2:
            new = pick(VIEWS)(a) if kind or makes else pick([numpy.sin, numpy.copy])(a)
            arrays += [new] if 0 < new.ndim < 5 and new.size else []
        elif kind == 2:
            a += pick(VALUES)(a)
        elif kind == 3:
            a[a > 0.5] = 0.1
        else:
            index = pick(INDICES)
            a[index] = pick(VALUES)(a[index]) if a[index].ndim else numpy.sum(a) / 5
    return arrays


def in_a_block(x: Any, seed: int) -> list[Any]:
    with np.filling():
        return written_at_random(x, seed)


def in_what_was_made(x: Any, seed: int) -> list[Any]:
    return written_at_random(x, seed, np)


@each([in_a_block, in_what_was_made])
def test_random_programs_show_what_they_write_as_numpy_does(f: Callable[..., list[Any]]):
    for seed in range(30):
        x = numpy.random.default_rng(seed).normal(size=(3, 4))
        makes = numpy if f is in_what_was_made else None
        expected = written_at_random(x.copy(), seed, makes)
        for ours, array in zip(ag.vjp(f, x, seed=seed)[0], expected, strict=True):
            numpy.testing.assert_allclose(ours, array, rtol=1e-12)
        for ours, array in zip(f(ag.Tensor(x), seed), expected, strict=True):
            numpy.testing.assert_allclose(ours, array, rtol=1e-12)
        if seed < 4:
            ag.check_grads(lambda x, seed=seed: sum(np.sum(np.sin(a)) for a in f(x, seed)), x)


def through_a_diagonal(x: Any) -> None:
    numpy.diagonal(x * 2)[0] = 3.0


def through_a_broadcast(x: Any) -> None:
    numpy.broadcast_to(x * 2, (3, 2, 2))[1] = 3.0


def through_a_real_part(x: Any) -> None:
    (x * 1j).imag[0] = 3.0


def through_a_row_of_a_leaf(x: Any) -> None:
    x[0][1] = 3.0


def a_row_of_a_leaf(x: Any) -> None:
    row = x[0]
    row += 1.0


def through_what_does_not_lie_in_a_row(x: Any) -> None:
    (x * 2).T.flat[1] = 3.0


@each([through_a_diagonal, through_a_broadcast, through_a_real_part, through_a_row_of_a_leaf,
       a_row_of_a_leaf, through_what_does_not_lie_in_a_row])  # fmt: skip
def test_what_a_block_can_t_show_through_a_view_is_refused(f: Callable[[Any], Any]):
    x = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with np.filling(), pytest.raises(TypeError, match="it is a view of a tensor of shape"):
        f(x)


def test_a_write_that_fails_changes_nothing():
    x = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with np.filling():
        h = x * 2.0
        row = h[0]
        with pytest.raises(ValueError, match="index_update"):
            h[0] = numpy.ones(3)
        h[0, 1] = 7.0
        numpy.sum(row * h[0]).backward()
    numpy.testing.assert_array_equal(row.data, [2.0, 7.0])
    numpy.testing.assert_array_equal(x.grad, [[8.0, 0.0], [0.0, 0.0]])


def test_only_what_a_block_computes_can_be_written_to():
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    before = x * 2
    with np.filling():
        for t in (x, before):
            with pytest.raises(TypeError, match=r"numpy\.filling\(\)"):
                t[0] = 5.0
        with np.filling():
            h = x * 3
        h[0] = 5.0
    with pytest.raises(TypeError, match="index_update"):
        h[1] = 5.0
    np.sum(h * x).backward()
    numpy.testing.assert_array_equal(x.grad, [5.0, 12.0])


def test_masks_of_what_was_written_to_are_of_what_it_was():
    x = ag.Tensor([1.0, -2.0, 0.5], requires_grad=True, name="x")
    with np.filling():
        y = np.sum(masked(x) ** 2) / 2
    assert ag.derive(y)[0].result == "relu(x)"


def test_what_is_filled_may_be_added_in_place():
    def f(x: Any) -> Any:
        with np.filling():
            filled = np.zeros(4)
            filled[1:] = x[1:] ** 2
            product = 1
            for factor in (np.copy(x), filled):
                product *= factor
            total = x * 2
            total -= product
        return np.sum(total)

    numpy.testing.assert_allclose(ag.grad(f)(X), 2 - 3 * X**2 * [0, 1, 1, 1])


def test_the_modules_of_numpy_are_all_of_them():
    for module in ("random", "fft"):
        own, numpys = getattr(np, module), getattr(numpy, module)
        for name in dir(numpys):
            assert name[:2] == "__" or getattr(own, name) is getattr(numpys, name)


def test_any_function_takes_lists_that_hold_tensors():
    def turned(t):
        turn = [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]
        v = np.dot(turn, (1.0, t))
        return np.append(v, [t, 2 * t]), np.linalg.det(turn), np.linalg.solve(turn, [t, 1.0])

    ag.check_grads(turned, 0.4, order=2)
    assert np.dot is np.dot
    assert np.concatenate([ag.Tensor([1.0]), [2.0, 3.0]]).tolist() == [1.0, 2.0, 3.0]


def test_what_stands_for_a_number_is_a_scalar():
    with np.filling():
        t = np.ones(2) * ag.Tensor(2.0)
        assert all(map(np.isscalar, (t[0], 3.0, np.array(t)[1])))
        assert not any(map(np.isscalar, (t, np.zeros(2), numpy.array(1.0))))


def test_of_arrays_alone_functions_give_arrays_and_masks_know_what_made_them():
    x = ag.Tensor([1.0, -2.0], requires_grad=True, name="x")
    with np.filling():
        assert type(np.dot([np.zeros(2), np.ones(2)], [1.0, 2.0])) is numpy.ndarray
        filled = np.zeros(2)
        filled[:] = x
        y = np.sum(np.where(x * 2 == filled, x**2, x))
    assert ag.derive(y)[0].result == "2 · x ∘ (2 · x = x) + (2 · x ≠ x)"


def test_functions_that_work_in_place_write_into_what_a_block_computes():
    def written(x):
        k = np.outer(x, x)
        numpy.fill_diagonal(k, x**2 / 3)
        numpy.copyto(k, x[:, None], where=k < 0.3)
        numpy.put(k, [1, 2, 5], x[:2] * 3)
        numpy.put_along_axis(k, numpy.array([[3], [2], [1], [0]]), 2.0, 1)
        k /= numpy.sum(k)
        return k

    with np.filling():
        numpy.testing.assert_array_equal(written(ag.Tensor(X)).data, written(X))
        ag.check_grads(np.filling()(written), X, order=2)
    with pytest.raises(TypeError, match=r"fill_diagonal.*index_update"):
        ag.grad(lambda x: np.sum(written(x)))(X)


def test_a_view_of_a_buffer_by_a_function_writes_into_it():
    with np.filling():
        a = np.zeros((2, 2))
        np.ravel(a)[1] = ag.Tensor(3.0)
        np.linalg.matrix_transpose(a)[0, 1] = 1.0
    assert a.tolist() == [[0.0, 3.0], [1.0, 0.0]]
