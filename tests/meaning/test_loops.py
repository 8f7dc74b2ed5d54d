"""A loop over examples, heads, windows or entries means what whole arrays mean."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autograd_lite as ag
import autograd_lite.numpy as filled
from autograd_lite import Tensor

from ..each import each

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(4, 3)), RNG.normal(size=4)
LABELS = np.array([0, 2, 1, 0])
ROWS = np.array([[0, 2], [1, 1], [3, 0]])


def soft(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def summed(terms: Any) -> Any:
    total: Any = 0.0
    for term in terms:
        total = total + term
    return total


def subtracted(terms: Any) -> Any:
    total: Any = 0.0
    for term in terms:
        total -= term
    return total


def cost(p: Any, y: Any) -> Any:
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


def sigmoid(s: Any) -> Any:
    return 1 / (1 + np.exp(-s))


def conv(x: Any, k: Any) -> Any:
    n, m = k.shape
    return np.stack([
        np.stack([np.sum(x[i : i + n, j : j + m] * k) for j in range(x.shape[1] - m + 1)])
        for i in range(x.shape[0] - n + 1)
    ])  # fmt: skip


def blocks(x: Any, f: Any) -> Any:
    """``f`` of each block of 2 by 2."""
    return np.stack([
        np.stack([f(x[i : i + 2, j : j + 2]) for j in range(0, x.shape[1], 2)])
        for i in range(0, x.shape[0], 2)
    ])  # fmt: skip


def attention(x: Any, w: Any, parts: Any) -> Any:
    q, k, v = x @ w, x @ (2 * w), x @ (3 * w)
    return np.concatenate([soft(q[:, s] @ k[:, s].T) @ v[:, s] for s in parts], axis=1)


def of_heads(x: Any, w: Any) -> Any:
    q, k, v = (y.reshape(4, 2, 2).transpose(1, 0, 2) for y in (x @ w, x @ (2 * w), x @ (3 * w)))
    return (soft(q @ k.transpose(0, 2, 1)) @ v).transpose(1, 0, 2).reshape(4, 4)


LOOPS: list[tuple[Any, Any, tuple[int, ...]]] = [
    (lambda w: summed((X[i] @ w - Y[i]) ** 2 for i in range(4)) / 4,
     lambda w: np.sum((X @ w - Y) ** 2) / 4, (3,)),
    (lambda w: summed((x @ w - y) ** 2 for x, y in zip(X, Y, strict=True)),
     lambda w: np.sum((X @ w - Y) ** 2), (3,)),
    (lambda w: summed(cost(sigmoid(np.dot(w.T, X[i])), LABELS[i] / 2) for i in range(4)),
     lambda w: np.sum(cost(sigmoid(X @ w), LABELS / 2)), (3,)),
    (lambda w: subtracted(np.log(soft(X[i] @ w)[k]) for i, k in enumerate(LABELS)) / 4,
     lambda w: -np.sum(np.log(soft(X @ w)[np.arange(4), LABELS])) / 4, (3, 5)),
    (lambda w: subtracted(np.sum(np.eye(5)[k] * np.log(soft(X[i] @ w))) for i, k in
                          enumerate(LABELS)),
     lambda w: -np.sum(np.eye(5)[LABELS] * np.log(soft(X @ w))), (3, 5)),
    (lambda w: np.mean((np.stack([np.tanh(x @ w) for x in X]) - Y) ** 2),
     lambda w: np.mean((np.tanh(X @ w) - Y) ** 2), (3,)),
    (lambda w: summed(np.sum((w[i] - w[j]) ** 2) for i in range(4) for j in range(4)),
     lambda w: np.sum((w[:, None] - w[None]) ** 2), (4, 2)),
    (lambda w: summed(summed(w[i, j] ** 3 for j in range(2)) ** 2 for i in range(4)),
     lambda w: np.sum(np.sum(w**3, axis=1) ** 2), (4, 2)),
    (lambda w: np.sum(np.where(X > 1, 0.0, np.stack([np.maximum(x @ w, 0) for x in X])) ** 2),
     lambda w: np.sum(np.where(X > 1, 0.0, np.maximum(X @ w, 0)) ** 2), (3, 3)),
    (lambda w: summed(np.where(np.abs(v) < 1, v**2, np.abs(v)).sum() for v in w),
     lambda w: np.sum(np.where(np.abs(w) < 1, w**2, np.abs(w))), (4, 2)),
    (lambda w: np.sum(blocks(w, np.max) ** 2),
     lambda w: np.sum(w.reshape(2, 2, 3, 2).max(axis=(1, 3)) ** 2), (4, 6)),
    (lambda w: np.sum((w[::2, ::2] + w[1::2, ::2] + w[::2, 1::2] + w[1::2, 1::2]) ** 2),
     lambda w: np.sum(w.reshape(2, 2, 3, 2).sum(axis=(1, 3)) ** 2), (4, 6)),
    (lambda w: np.sum(attention(X, w, [slice(0, 2), slice(2, 4)]) ** 3),
     lambda w: np.sum(of_heads(X, w) ** 3), (3, 4)),
    (lambda w: summed(np.sum(np.tanh(w[k].sum(axis=0))) for k in ROWS),
     lambda w: np.sum(np.tanh(w[ROWS].sum(axis=1))), (4, 2)),
    (lambda w: summed(np.sum(w[k] ** 2) for k in (1, 0, 1, 3)),
     lambda w: np.sum(w[np.array([1, 0, 1, 3])] ** 2), (4, 2)),
]  # fmt: skip


@each(range(len(LOOPS)))
def test_a_loop_is_derived_as_whole_arrays_are(i: int):
    loop, whole, shape = LOOPS[i]
    w = Tensor(np.random.default_rng(i).normal(size=shape), requires_grad=True, name="w")
    looped, of_arrays = ag.derive(loop(w)), ag.derive(whole(w))
    results = [re.sub(r"c_\d", "c", found["∇w"].result) for found in (looped, of_arrays)]
    assert results[0] == results[1]
    (expected,) = ag.gradients(loop(w), [w])
    np.testing.assert_allclose(looped["∇w"].value, expected.data, rtol=1e-9)
    space: dict[str, Any] = {}
    exec(looped.numpy_source, space)
    np.testing.assert_allclose(space["dw"], expected.data, rtol=1e-9, atol=1e-12)


def test_what_is_appended_in_a_loop_is_put_together_at_once():
    w = Tensor([0.3, -0.4, 0.6, 0.9], requires_grad=True, name="w")
    rows = Tensor(RNG.normal(size=(4, 3)), requires_grad=True, name="A")
    entries, halves = np.array([]), np.zeros((0, 3))
    for i in range(4):
        entries = np.append(entries, np.tanh(w[i]))
        halves = np.concatenate([halves, rows[i : i + 1] * w[i]])
    assert ag.derive(np.sum(entries**2))["∇w"].result == "2 · (1 − tanh(w)²) ∘ tanh(w)"
    assert ag.derive(np.sum(halves**2))["∇A"].result == "2 · A ∘ w²"


def test_two_convolutions_as_loops_are_read_as_two():
    x = Tensor(RNG.normal(size=(6, 6)), requires_grad=True, name="x")
    k = [Tensor(RNG.normal(size=(2, 2)), requires_grad=True, name=f"k_{i}") for i in (1, 2)]
    found = ag.derive(np.sum(conv(np.maximum(conv(x, k[0]), 0), k[1]) ** 2))
    assert found["∇k_2"].result == "2 · (relu(u_1) ⋆ (relu(u_1) ⋆ k_2))"
    assert found["∇k_1"].result == "2 · (x ⋆ ((u_1 > 0) ∘ ((relu(u_1) ⋆ k_2) * k_2)))"
    w = Tensor(RNG.normal(size=(3, 2, 2)), requires_grad=True, name="w")
    of_kernels = np.stack([conv(x, w[i]) for i in range(3)])
    assert ag.derive(np.sum(of_kernels**2))["∇w"].result == "2 · (x ⋆ (x ⋆ w))"


def test_convolutions_of_windows_with_several_kernels_are_read_as_two():
    x = Tensor(RNG.normal(size=(2, 1, 7, 7)), name="x")
    shapes = {"k": (2, 1, 3, 3), "m": (3, 2, 3, 3)}
    k, m = (Tensor(RNG.normal(size=s), requires_grad=True, name=n) for n, s in shapes.items())

    def layer(x: Any, k: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
        return np.einsum("nchwij,ocij->nohw", windows, k)

    found = ag.derive(np.sum(layer(np.maximum(layer(x, k), 0).named("h"), m) ** 2))
    assert found["∇m"].result == "2 · (h ⋆ (h ⋆ m))"
    assert found["∂L/∂h"].result == "2 · ((h ⋆ m) * m)"
    exec(found.numpy_source, space := dict[str, Any]())
    np.testing.assert_allclose(space["dk"], found["∇k"].value, rtol=1e-9)


@each([
    lambda w: summed(w[i] * (i + 1.5) if i < 2 else np.exp(w[i]) for i in range(4)),
    lambda w: summed(w[3 - i] * w[i] for i in range(4)),
    lambda w: summed(np.tanh(w[i : i + 2]).sum() * c for i, c in ((0, 2.0), (2, 3.0), (1, 5.0))),
    lambda w: summed(np.log(soft(w * c)[k]) for c, k in zip(Y, LABELS, strict=True)),
    lambda w: np.concatenate([np.sin(w[:2]), np.sin(w[1:])]).sum(),
    lambda w: summed(np.linalg.norm(np.outer(w, x)) for x in X),
    lambda w: summed(np.tanh(w[k]).sum() for k in (np.array([0, 1, 0, 2]), slice(None, None, -1))),
    lambda w: summed(np.diag(np.outer(w, w[: 4]))[i] * np.cumsum(w)[i] for i in range(4)),
])  # fmt: skip
def test_a_loop_by_another_rule_is_worth_its_gradient(loop: Any):
    w = Tensor([0.3, -0.4, 0.6, 0.9], requires_grad=True, name="w")
    (expected,) = ag.gradients(loop(w), [w])
    found = ag.derive(loop(w))
    space: dict[str, Any] = {}
    exec(found.numpy_source, space)
    np.testing.assert_allclose(space["dw"], expected.data, rtol=1e-9, atol=1e-12)


def filled_by(shape: tuple[int, ...], f: Any) -> Any:
    """What is filled entry by entry."""
    out = filled.zeros(shape)
    for place in np.ndindex(shape):
        out[place] = f(*place)
    return out


def im2col(x: Any, n: int, stride: int) -> Any:
    """What the windows have in each of their places, filled place by place."""
    size = (x.shape[-1] - n) // stride + 1
    columns = filled.zeros((*x.shape[:-2], n, n, size, size))
    for i, j in np.ndindex(n, n):
        ends = i + stride * size, j + stride * size
        columns[..., i, j, :, :] = x[..., i : ends[0] : stride, j : ends[1] : stride]
    return columns


def by_columns(x: Any, w: Any, stride: int = 1) -> Any:
    """Windows in rows, times kernels in columns, laid out again."""
    n = w.shape[-1]
    columns = im2col(x, n, stride).transpose(0, 4, 5, 1, 2, 3)
    out = columns.reshape(-1, w[0].size) @ w.reshape(len(w), -1).T
    return out.reshape(*columns.shape[:3], -1).transpose(0, 3, 1, 2)


def places(shape: tuple[int, ...], n: int, stride: int) -> tuple[Any, Any, Any]:
    """Which entries the windows have: in rows their places, and in columns the windows."""
    c, i, j = np.indices((shape[1], n, n)).reshape(3, -1, 1)
    size = [(m - n) // stride + 1 for m in shape[2:]]
    rows, columns = stride * np.indices(size).reshape(2, 1, -1)
    return c, i + rows, j + columns


def by_numbers(x: Any, w: Any, stride: int = 1) -> Any:
    """Windows in columns, each entry by its numbers, as in many a course's ``im2col``."""
    n = w.shape[-1]
    columns = x[(slice(None), *places(x.shape, n, stride))].transpose(1, 2, 0)
    size = (x.shape[-1] - n) // stride + 1
    out = w.reshape(len(w), -1) @ columns.reshape(w[0].size, -1)
    return out.reshape(len(w), size, size, len(x)).transpose(3, 0, 1, 2)


def by_places(x: Any, w: Any, stride: int = 1) -> Any:
    n = w.shape[-1]
    size = (x.shape[-1] - n) // stride + 1
    out = filled.zeros((len(x), len(w), size, size))
    for i, j in np.ndindex(size, size):
        seen = x[:, :, i * stride : i * stride + n, j * stride : j * stride + n]
        out[:, :, i, j] = np.tensordot(seen, w, axes=([1, 2, 3], [1, 2, 3]))
    return out


def by_windows(x: Any, w: Any, stride: int = 1) -> Any:
    seen = sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(seen, w, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)


def slices(x: Any, n: int, stride: int, first: int = 2) -> list[Any]:
    """What the windows have in each of their places, which lie along two axes."""
    ends = [stride * ((m - n) // stride + 1) for m in x.shape[first : first + 2]]
    rows, columns = ([slice(i, i + end, stride) for i in range(n)] for end in ends)
    return [x[(slice(None),) * first + own] for own in itertools.product(rows, columns)]


def by_stack(x: Any, w: Any, stride: int = 1) -> Any:
    columns = np.stack(slices(x, w.shape[-1], stride), axis=2)
    out = w.reshape(len(w), -1) @ columns.reshape(len(x), w[0].size, -1)
    return out.reshape(len(x), len(w), *columns.shape[-2:])


def by_offsets(x: Any, w: Any, stride: int = 1) -> Any:
    kernels = [w[:, :, i, j] for i, j in np.ndindex(w.shape[2:])]
    pairs = zip(slices(x, w.shape[-1], stride), kernels, strict=True)
    return summed(np.einsum("nchw,oc->nohw", seen, k) for seen, k in pairs)


def by_rows(x: Any, w: Any, stride: int = 1) -> Any:
    def at(i: int, j: int) -> Any:
        return np.tensordot(x[:, :, i : i + 3, j : j + 3], w, axes=([1, 2, 3], [1, 2, 3]))

    size = range(0, x.shape[-1] - 2, stride)
    return np.stack([np.stack([at(i, j) for j in size], axis=-1) for i in size], axis=2)


@each(itertools.product(
    (by_columns, by_numbers, by_places, by_windows, by_stack, by_offsets, by_rows), (1, 2)
))  # fmt: skip
def test_a_convolution_is_one_however_it_is_laid_out(f: Any, stride: int):
    rng = np.random.default_rng(1)
    x = Tensor(rng.normal(size=(2, 2, 5, 5)), requires_grad=True, name="x")
    w = Tensor(rng.normal(size=(3, 2, 3, 3)), requires_grad=True, name="w")
    b = Tensor(rng.normal(size=(3, 1, 1)), requires_grad=True, name="b")
    with filled.filling():
        z = (f(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), w, stride) + b).named("z")
    loss = np.sum(z**3) / 3
    loss.backward()
    derivation, scope = ag.derive(loss), dict[str, Any]()
    delta = "∂L/∂z" if stride == 1 else "dilate(∂L/∂z)"
    assert {name: derivation[name].result for name in "wb"} == {
        "w": f"pad(x) ⋆ {delta}", "b": "Σ_i,k,l(∂L/∂z)"
    }  # fmt: skip
    assert derivation["x"].result == f"({delta} * w)[:, :, 1:6, 1:6]"
    exec(derivation.numpy_source, scope)
    for t in (x, w, b):
        np.testing.assert_allclose(scope[f"d{t.name}"], t.grad)


@each([
    lambda x: im2col(x, 2, 2).transpose(0, 4, 5, 1, 2, 3).reshape(-1, 4).max(1),
    lambda x: sliding_window_view(x, (2, 2), axis=(2, 3))[:, :, ::2, ::2].max((-1, -2)),
    lambda x: x.reshape(2, 2, 2, 2, 2, 2).max(axis=3).max(axis=4),
    lambda x: x[(slice(None), *places(x.shape, 2, 2))].reshape(2, 2, 4, 2, 2).max(2),
    lambda x: filled_by(
        (2, 2, 2, 2), lambda n, c, i, j: np.max(x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    ),
])  # fmt: skip
def test_a_pooling_is_one_however_it_is_laid_out(pool: Any):
    x = Tensor(np.random.default_rng(1).normal(size=(2, 2, 4, 4)), requires_grad=True, name="x")
    with filled.filling():
        p = pool(np.pad(x, 0))
    p = (p.reshape(2, 2, 2, 2).transpose(0, 3, 1, 2) if p.ndim == 1 else p).named("p")
    assert ag.derive(np.sum(p**2))["x"].result == "upsample(∂L/∂p) ∘ (x = upsample(p))"


@each([
    ((2, 5, 5, 2), (3, 3, 2, 4), lambda x, k: summed(
        seen @ k[place] for seen, place in zip(slices(x, 3, 1, 1), np.ndindex(3, 3), strict=True))),
    ((2, 5, 5, 2), (3, 3, 2, 4), lambda x, k: filled_by(
        (2, 3, 3, 4), lambda n, i, j, c: np.sum(x[n, i : i + 3, j : j + 3] * k[..., c]))),
    ((2, 3, 5, 5), (3, 3, 3), lambda x, k: summed(
        seen * k[None, :, i, j, None, None]
        for seen, (i, j) in zip(slices(x, 3, 1), np.ndindex(3, 3), strict=True))),
    ((2, 3, 5, 5), (3, 3, 3), lambda x, k: np.sum(
        sliding_window_view(x, (3, 3), (2, 3)) * k[:, None, None], axis=(4, 5))),
])  # fmt: skip
def test_a_kernel_is_one_wherever_its_channels_stand(of_x: Any, of_k: Any, f: Any):
    rng = np.random.default_rng(1)
    x = Tensor(rng.normal(size=of_x), requires_grad=True, name="x")
    k = Tensor(rng.normal(size=of_k), requires_grad=True, name="k")
    with filled.filling():
        loss = np.sum(f(x, k).named("z") ** 3) / 3
    loss.backward()
    derivation, scope = ag.derive(loss), dict[str, Any]()
    assert derivation["k"].result == "x ⋆ ∂L/∂z"
    assert derivation["x"].result == "∂L/∂z * k"
    exec(derivation.numpy_source, scope)
    for t in (x, k):
        np.testing.assert_allclose(scope[f"d{t.name}"], t.grad)


def windows_of(x: Any, n: int) -> Iterator[Any]:
    for i, j in np.ndindex(x.shape[0] - n + 1, x.shape[1] - n + 1):
        yield x[i : i + n, j : j + n]


@each([
    lambda x, k: summed(k[j, i] * x[i : i + 2, j : j + 2] for i, j in np.ndindex(2, 2)),
    lambda x, k: np.stack([np.sum(seen * k.T) for seen in windows_of(x, 2)]).reshape(2, 2),
])  # fmt: skip
def test_a_kernel_that_is_turned_is_another(f: Any):
    x, k = (Tensor(X[:n, :n], requires_grad=True, name=name) for n, name in ((3, "x"), (2, "k")))
    derivation = ag.derive(np.sum(f(x, k).named("z") ** 2))
    assert (derivation["x"].result, derivation["k"].result) == ("∂L/∂z * kᵀ", "(x ⋆ ∂L/∂z)ᵀ")


def test_what_a_table_has_by_two_numbers_is_no_window():
    table = Tensor(np.random.default_rng(1).normal(size=(4, 4)), requires_grad=True, name="T")
    taken = table[np.array([0, 1, 2]), np.array([1, 2, 3])]
    assert "windows" not in str(ag.derive(np.sum(taken**2)))


def convolution(x: Any, w: Any, b: Any) -> Any:
    size = x.shape[-1] - 2
    out = filled.zeros((len(x), len(w), size, size))
    for n, f, i, j in np.ndindex(*out.shape):
        out[n, f, i, j] = np.sum(x[n, :, i : i + 3, j : j + 3] * w[f]) + b[f]
    return out


def by_channels(x: Any, w: Any, b: Any) -> Any:
    size = x.shape[-1] - 2
    out = filled.zeros((len(x), len(w), size, size))
    for n, f in np.ndindex(len(x), len(w)):
        for c, i, j in np.ndindex(*w.shape[1:]):
            out[n, f] += x[n, c, i : i + size, j : j + size] * w[f, c, i, j]
        out[n, f] += b[f]
    return out


def by_entries(x: Any, w: Any) -> Any:
    out = filled.zeros((x.shape[0] - 2, x.shape[1] - 2))
    for i, j in np.ndindex(*out.shape):
        for m, n in np.ndindex(3, 3):
            out[i, j] += x[i + m, j + n] * w[m, n]
    return out


def product(x: Any, w: Any) -> Any:
    out = filled.zeros((len(x), w.shape[1]))
    for i, j in np.ndindex(*out.shape):
        for k in range(len(w)):
            out[i, j] += x[i, k] * w[k, j]
    return out


def of_rows(x: Any, w: Any) -> Any:
    z, p = filled.zeros((len(x), w.shape[1])), filled.empty((len(x), w.shape[1]))
    for i in range(len(x)):
        z[i] = x[i] @ w
        p[i] = np.exp(z[i]) / np.sum(np.exp(z[i]))
    return p


def weighted(x: Any, w: Any) -> Any:
    out = filled.zeros((len(x), w.shape[1]))
    for i, j in np.ndindex(*x.shape):
        out[i] += x[i, j] * w[j]
    return out


def pooled(x: Any) -> Any:
    out = filled.zeros((2, 2))
    for i, j in np.ndindex(2, 2):
        out[i, j] = np.max(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    return out


def by_heads(x: Any, w: Any) -> Any:
    out = filled.zeros((len(x), w.shape[1]))
    for i in range(0, w.shape[1], 2):
        out[:, i : i + 2] = x @ w[:, i : i + 2] @ w[:, i : i + 2].T @ w[:, i : i + 2]
    return out


def within_edges(x: Any) -> Any:
    out = filled.zeros(x.shape)
    for i in range(1, len(x) - 1):
        out[i] = np.exp(x[i])
    return out


def strided(x: Any, w: Any) -> Any:
    out = filled.zeros((len(x), len(w), 3, 3))
    for n, f, i, j in np.ndindex(*out.shape):
        out[n, f, i, j] = np.sum(x[n, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * w[f])
    return out


FILLED = [
    (strided, ((2, 2, 7, 7), (3, 2, 3, 3)), "x ⋆ dilate((x ⋆ w)[::2, ::2])"),
    (by_heads, ((3, 4), (4, 6)), "vec((xᵀ u_3 + heads(w) u_4 u_1)ᵀ + (u_4 u_2)ᵀ)"),
    (within_edges, ((5,),), "[0, exp(x[1:4])², 0]"),
    (convolution, ((2, 2, 5, 5), (3, 2, 3, 3), (3,)), "x ⋆ (x ⋆ w + b)"),
    (by_channels, ((2, 2, 5, 5), (3, 2, 3, 3), (3,)), "x ⋆ (x ⋆ w + b)"),
    (by_entries, ((6, 5), (3, 3)), "x ⋆ (x ⋆ w)"),
    (product, ((3, 4), (4, 2)), "xᵀ x w"),
    (of_rows, ((4, 3), (3, 2)), "xᵀ u_2"),
    (weighted, ((3, 4), (4, 2)), "xᵀ x w"),
    (pooled, ((4, 4),), "upsample(maxpool(x)) ∘ (x = upsample(maxpool(x)))"),
]


@each(FILLED)
def test_what_loops_fill_means_what_whole_arrays_mean(f: Any, shapes: Any, expected: str):
    rng = np.random.default_rng(2)
    xs = [Tensor(rng.normal(size=shape), requires_grad=True, name=name)
          for shape, name in zip(shapes, "xwb", strict=False)]  # fmt: skip
    with filled.filling():
        loss = np.sum(f(*xs) ** 2) / 2
    derivation = ag.derive(loss)
    assert derivation[xs[min(1, len(xs) - 1)].name].result == expected
    loss.backward()
    scope: dict[str, Any] = {}
    exec(derivation.numpy_source, scope)
    for x in xs:
        np.testing.assert_allclose(scope[f"d{x.name}"], x.grad)


def test_what_a_loop_overwrites_has_no_gradient():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    v = Tensor([0.5, 1.5, 2.5], requires_grad=True, name="v")
    with filled.filling():
        out = filled.zeros(3)
        for i in range(3):
            out[i] = np.sin(v[i])
        for i in range(3):
            out[i] = np.exp(x[i])
    derivation = ag.derive(np.sum(out))
    assert {name: derivation[name].result for name in "xv"} == {"x": "exp(x)", "v": "0"}
