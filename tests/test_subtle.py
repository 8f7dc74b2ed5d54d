"""Where a gradient is easily lost or wrong although each part is right."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.table import NUMPY

from .each import each

nan, inf = np.nan, np.inf


def V(data: Any, **kwargs: Any) -> Tensor:  # noqa: N802  (a variable)
    return Tensor(data, requires_grad=True, **kwargs)


# ---------------------------------------------------------------------- unread entries


def two_uses(x: Any) -> Any:
    r = np.sqrt(x)
    return np.sum(np.where(x > 0, np.sin(r) / r, 1.0))


def two_indices(x: Any) -> Any:
    s = np.sqrt(x)
    return np.sum(s[x > 0] * s[x > 0])


HIDING = np.array([1.0, nan, 3.0])


@each([
    (two_uses, [0.0, 4.0], [0.0, (2 * np.cos(2) - np.sin(2)) / 16]),
    (two_indices, [0.0, 4.0], [0.0, 1.0]),
    (lambda x: np.var(np.sqrt(x), where=[True, False, True]), [1.0, 0.0, 9.0], None),
    *[(lambda x, f=f: f(x * HIDING), [1.0, 2.0, 3.0], None) for f in (
        np.nanvar, np.nanstd, np.nanmedian, lambda x: np.nanquantile(x, 0.3))],
])  # fmt: skip
def test_an_unread_entry_that_is_used_twice(f: Any, x: Any, expected: Any):
    with np.errstate(invalid="ignore"):  # of NumPy's forward
        found = ag.grad(f)(np.array(x))
    if expected is None:
        assert np.isfinite(found).all()
        assert found[1] == 0
    else:
        np.testing.assert_allclose(found, expected)


def test_an_entry_that_only_one_of_two_uses_reads_keeps_its_gradient():
    x = V([0.0, 4.0])
    s = np.sqrt(x)
    (np.where(x.data > 0, s, 0.0) + np.where(x.data == 0, s, 0.0)).sum().backward()
    np.testing.assert_array_equal(x.grad, [inf, 0.25])
    x.grad = None
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        (np.where(x.data > 0, s, 0.0).sum() + (s * 2).sum()).backward()
    np.testing.assert_array_equal(x.grad, [inf, 0.75])


# ---------------------------------------------------------------------- squares of roots


@each([
    (lambda w: np.linalg.norm(w) ** 2, np.zeros(2), 2 * np.eye(2)),
    (lambda w: np.square(np.linalg.norm(w)), np.zeros(2), 2 * np.eye(2)),
    (lambda w: np.linalg.norm(w) ** 4, np.zeros(2), np.zeros((2, 2))),
    (lambda x: np.std(x) ** 2, np.ones(2), [[0.5, -0.5], [-0.5, 0.5]]),
    (lambda x: np.hypot(x[0], x[1]) ** 2.0, np.zeros(2), 2 * np.eye(2)),
    (lambda x: np.sum(np.abs(x) ** 2), np.zeros(2), 2 * np.eye(2)),
    (lambda x: np.exp(-(np.linalg.norm(x) ** 2)), np.zeros(2), -2 * np.eye(2)),
])
def test_the_square_of_a_root_has_second_derivatives_at_0(f: Any, x: Any, expected: Any):
    np.testing.assert_allclose(ag.hessian(f)(x), expected)
    u = np.array([0.3, -0.4])
    np.testing.assert_allclose(ag.grad(f)(x + u) @ u, ag.jvp(f, (x + u,), (u,))[1])


def test_each_square_of_a_root_is_a_result_of_its_own():
    norm = np.linalg.norm(V([3.0, 4.0]))
    first, second = (norm**2).named("L"), (norm**2).named("M")
    assert (first.name, second.name) == ("L", "M")
    assert first.item() == second.item() == 25.0


def test_the_square_of_a_complex_size():
    assert ag.hvp(lambda z: np.abs(z) ** 2)(0j, 1 + 0j) == 2
    z = V(3 + 4j)
    size = np.abs(z).named("size")
    (size**2).backward()  # a named one is seen in the graph
    assert size.grad == 10.0


def test_the_square_of_a_root_of_what_was_changed_since():
    x = V([3.0, 4.0])
    size = np.abs(x)
    x.data[:] = 1.0
    squared = size**2
    np.testing.assert_array_equal(squared.data, [9.0, 16.0])
    squared.sum().backward()
    np.testing.assert_array_equal(x.grad, [6.0, 8.0])


# ---------------------------------------------------------------------- lost on the way


def test_integers_beside_tensors():
    h = V(0.5)
    np.sum(np.gradient([1, 2, 4], h)).backward()
    assert h.grad == -18.0  # (1 + 1.5 + 2) / h
    np.testing.assert_array_equal(np.gradient(Tensor([1, 2, 4])).data, [1.0, 1.5, 2.0])
    with pytest.raises(TypeError, match=r"must be compatible with input .ary."):
        np.ediff1d([1, 2], to_end=h)
    with pytest.raises(TypeError, match="insert: the values require a gradient"):
        np.insert([1, 2], 1, h)
    assert (Tensor([1, 2, 3]) ** 2.0).dtype == float
    assert (Tensor([1.0], dtype=np.float32) ** np.float64(2)).dtype == float
    for ours, expected in (
        (np.nanmax(Tensor([1, 2])), 2), (np.nanmin(Tensor([1, 2])), 1),
        (np.copy(Tensor([True])), [True]), (np.diff(Tensor([True, False, False])), [True, False]),
        (np.median(Tensor([True, False, True])), 1.0),
        (np.pad(Tensor([1, 2, 4]), 1, "mean"), np.pad([1, 2, 4], 1, "mean")),
    ):  # fmt: skip
        value = np.asarray(getattr(ours, "data", ours))
        np.testing.assert_array_equal(value, expected)
        assert value.dtype == np.asarray(expected).dtype


def test_float16_means_of_many():
    assert ag.grad(np.mean)(np.ones(70_000, np.float16))[0] == np.float16(1 / 70_000)
    held = np.mean(Tensor(np.full(70_000, 0.5, np.float16)), where=np.ones(70_000, bool))
    assert held.item() == 0.5


# ---------------------------------------------------------------------- extreme values


@each([
    lambda np_, x: np_.median(x([1.0, inf, inf])),
    lambda np_, x: np_.quantile(x([-inf, 1.0, 2.0]), 0),
    lambda np_, x: np_.interp([0.5, 1.0], [0, 1, 2], x([1.0, 2.0, nan])),
    lambda np_, x: np_.pad(x([1.0, inf, 3.0]), 1, "reflect", reflect_type="odd")[1:-1],
    lambda np_, x: np_.logaddexp(x([-inf, inf, 0.0]), x([-inf, inf, -inf])),
])
def test_infinities_give_numpy_s_value(f: Any):
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(f(np, V).data, f(np, np.array))


def test_equal_infinities_share_a_sum_of_exponentials():
    x, y = V([-inf, 0.0]), V([-inf, -inf])
    np.logaddexp(x, y).sum().backward()
    np.testing.assert_array_equal([x.grad, y.grad], [[0.5, 1.0], [0.5, 0.0]])
    np.logaddexp2(x, y).sum().backward()
    np.testing.assert_array_equal([x.grad, y.grad], [[1.0, 2.0], [1.0, 0.0]])


def test_the_quotient_of_a_remainder_is_numpy_s():
    y = 0.1
    assert ag.grad(lambda y: np.remainder(1.0, y))(y) == -np.floor_divide(1.0, y)
    assert ag.grad(lambda y: np.fmod(-1.0, y))(y) == np.rint((1.0 - np.fmod(1.0, y)) / y)


# ---------------------------------------------------------------------- signatures


LEFT_OUT = {
    "like", "descending", "device", "overwrite_input", "interpolation", "subok", "copy", "order",
    "kind",
}  # fmt: skip
DROPPED = {np.reshape: {"newshape"}, np.corrcoef: {"bias", "ddof"}}  # by NumPy 2.4


@each([f for f in NUMPY if not isinstance(f, np.ufunc)])
def test_arguments_have_numpy_s_names(function: Any):
    try:
        theirs = inspect.signature(function).parameters
    except ValueError:
        return  # written in C: before NumPy 2.4 it gives no signature
    ours = inspect.signature(NUMPY[function]).parameters
    if any(p.kind is p.VAR_KEYWORD for p in ours.values()):
        return  # hands its arguments on
    named = [k for k, p in theirs.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    assert set(named) - LEFT_OUT - DROPPED.get(function, set()) <= ours.keys()
    assert [k for k in ours if k in named] == [k for k in named if k in ours]
