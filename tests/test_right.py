"""Where gradients are often wrong: zeros, ties, unread entries, ranks, repeated indices.

The expected values are written out, or follow from the definition.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.checkpoint import checkpoint

from .each import each
from .sampling import directional

Function = Callable[..., Any]


def V(data: Any, **kwargs: Any) -> Tensor:  # noqa: N802  (a variable)
    return Tensor(data, requires_grad=True, **kwargs)


def slope(f: Function, x: Any) -> Any:
    """The gradient of the sum of what ``f`` gives, found in each way that there is."""
    x = np.asarray(x, float)

    def total(x: Any) -> Any:
        return np.sum(f(x))

    found = ag.grad(total)(x)
    t = V(x)
    total(t).backward()
    np.testing.assert_allclose(t.grad, found)
    (recorded,) = ag.gradients(total(t), [t], create_graph=True)
    np.testing.assert_allclose(recorded.data, found)
    tangent = ag.jvp(total, (x,), (np.ones(x.shape),))[1]
    np.testing.assert_allclose(tangent, np.sum(found), atol=1e-14)
    np.testing.assert_allclose(ag.jacobian(total)(x), found)
    rows = ag.jacobian(lambda x: np.ravel(f(x)) * 1.0)(x)
    np.testing.assert_allclose(rows.sum(0), found, atol=1e-14)
    return found


def curvature(f: Function, x: Any) -> Any:
    return ag.hessian(lambda x: np.sum(f(x)))(np.asarray(x, float))


# ---------------------------------------------------------------------- products with zeros


def test_products_that_overflow_beside_zeros():
    x = np.array([1e200, 0.0, 0.0, 1e200, 1e200, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (np.prod, lambda x: np.nanprod(np.append(x, np.nan)),
                  lambda x: np.prod(np.stack([x, x]), axis=1)[1]):  # fmt: skip
            for derivative in (ag.grad(f), ag.compile(ag.grad(f))):
                np.testing.assert_array_equal(derivative(x), np.zeros(6))
        single = np.array([1e200, 0.5, 0.0, 1e200, 1e200, 1.0])
        np.testing.assert_array_equal(ag.grad(np.prod)(single), [0, 0, np.inf, 0, 0, 0])
        np.testing.assert_array_equal(
            ag.grad(lambda x: np.sum(np.cumprod(x)))(x), [1, 1e200, 0, 0, 0, 0]
        )
    with np.errstate(over="ignore", invalid="ignore"):
        curved = ag.hessian(np.prod)(x)
        assert np.isnan(ag.grad(np.prod)(np.array([np.inf, 0.0, 1.0]))[2])
    assert curved[1, 2] == curved[2, 1] > 1e300
    curved[[1, 2], [2, 1]] = 0.0
    assert not np.nan_to_num(curved).any()  # where a product of 0 and ∞ comes in, it is nan


# ---------------------------------------------------------------------- entries nothing reads


@checkpoint
def root_of_positive(x: Any) -> Any:
    with np.errstate(invalid="ignore"):  # also when it is computed again
        return np.where(x > 0, np.sqrt(x), 0.0)


UNREAD = {
    "where": lambda x: np.where(x > 0, np.sqrt(x), 0.0),
    "where, other order": lambda x: np.where(x <= 0, 0.0, np.sqrt(x)),
    "ag.where": lambda x: ag.where(x > 0, ag.sqrt(x), 0.0),
    "mask": lambda x: np.sqrt(x)[x > 0],
    "positions": lambda x: np.sqrt(x)[np.flatnonzero(x > 0)],
    "slice": lambda x: np.sqrt(x)[2:],
    "take": lambda x: np.take(np.sqrt(x), np.flatnonzero(x > 0)),
    "compress": lambda x: np.compress(x > 0, np.sqrt(x)),
    "select": lambda x: np.select([x > 0], [np.sqrt(x)], 0.0),
    "parts joined": lambda x: np.concatenate([np.sqrt(x)[2:3], np.zeros(1), np.sqrt(x)[3:]]),
    "stacked": lambda x: np.stack([np.sqrt(x)[2], np.sqrt(x)[3]]),
    "two masks": lambda x: np.where(x > 0, np.where(x > -1, np.sqrt(x), 1.0), 0.0),
    "a chain": lambda x: np.where(x > 0, np.exp(0.5 * np.log(x)), 0.0),
    "then a sum": lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0) * 1.0, keepdims=True),
    "reshaped": lambda x: np.sqrt(x).reshape(2, 2)[1],
    "transposed": lambda x: np.sqrt(x.reshape(2, 2)).T[:, 1],
    "split": lambda x: np.split(np.sqrt(x), 2)[1],
    "reversed": lambda x: np.flip(np.sqrt(x))[:2],
    "checkpoint": root_of_positive,
}


@each(UNREAD, [0.0, -1.0])
def test_entries_that_nothing_reads_have_gradient_0(f: Function, low: float):
    """√x is read at 1 and 4 only; no rule may warn either (warnings are errors here)."""
    x = np.array([0.0, low, 1.0, 4.0])

    def quiet(x: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):  # the forward pass's own: √−1, log 0
            return f(x)

    np.testing.assert_allclose(slope(quiet, x), [0.0, 0.0, 0.5, 0.25])
    np.testing.assert_allclose(curvature(quiet, x), np.diag([0.0, 0.0, -0.25, -1 / 32]))
    assert ag.jacobian(lambda s: quiet(s * x))(1.0).sum() == pytest.approx(0.5 * (1 + 2))


@each([
    (lambda x: np.maximum(np.sqrt(x), 1.0), 0.0, 0.0),
    (lambda x: np.minimum(1 / x, 1.0), 0.0, 0.0),
    (lambda x: np.clip(np.sqrt(x), 0.5, 10.0), 0.0, 0.0),
    (lambda x: np.clip(np.log(x), -5.0, 5.0), 0.0, 0.0),
    (lambda x: ag.relu(np.sqrt(x) - 1.0), 0.0, 0.0),
    (lambda x: np.maximum(np.sqrt(x), 1.0), 4.0, 0.25),
    (lambda x: np.max(np.stack([np.sqrt(x), x + 1.0])), 0.0, 1.0),
    (lambda x: np.where(x > 0, np.exp(2 * np.log(x)), 0.0), 0.0, 0.0),
    (lambda x: np.where(x > 0, np.exp(2 * np.log(x)), 0.0), 3.0, 6.0),
    (lambda x: np.where(x == 0, 1.0, np.sin(x) / x), 0.0, 0.0),
    (lambda x: np.where(x != 0, abs(x) ** 0.5, x), 0.0, 1.0),
    (lambda x: np.where(x > 0, x ** -1.0, 0.0), 0.0, 0.0),
    (lambda x: np.where(x > 0, np.arcsin(x), 5.0 * x), -1.0, 5.0),
])  # fmt: skip
def test_a_branch_that_is_not_taken(f: Function, x: float, expected: float):
    def quiet(x: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return f(x)

    assert slope(quiet, x) == pytest.approx(expected)
    numeric = directional(ag.grad(quiet), x, 1.0, 1e-6) if x > 0 else 0.0
    assert ag.grad(ag.grad(quiet))(x) == pytest.approx(numeric, 1e-6, 1e-8)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_cotangent_that_happens_to_be_0_is_not_taken_for_unread():
    """√x at 0 has no derivative, and a 0 that comes in by chance doesn't make it one."""
    for f in (
        lambda x: np.sqrt(x) ** 2,
        lambda x: np.sqrt(x) * 0.0,
        lambda x: np.sqrt(x) * np.array([0.0, 1.0]),
        lambda x: np.sqrt(x) @ np.array([0.0, 1.0]),
        lambda x: np.where(x >= 0, np.sqrt(x) ** 2, 0.0),
    ):
        g = ag.grad(lambda x, f=f: np.sum(f(x)))(np.array([0.0, 4.0]))
        assert np.isnan(g[0])
        assert np.isfinite(g[1])
    assert ag.grad(lambda x: np.sum(np.sqrt(x)))(np.zeros(1)) == np.inf
    # Read in one place and unread in another: read.
    g = ag.grad(lambda x: np.sum(np.where(x > 0, r := np.sqrt(x), 0.0) + r))(np.zeros(1))
    assert not np.isfinite(g[0])


# ---------------------------------------------------------------------- gradients written out

W4, ROWS = np.array([1.0, 10.0, 100.0, 1000.0]), np.array([[0, 0, 0], [1, 0, 1]])
W3, COUNTS, PAIR = W4[:3], np.array([2, 3]), np.array([[2.0, 2.0], [1.0, 3.0]])


@each([
    # ties share, and a sort moves each entry once
    (np.max, [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
    (lambda x: np.max(x, axis=0), [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
    (lambda x: np.amax(x, keepdims=True), [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
    (np.min, [1.0, 1.0, 1.0], np.ones(3) / 3),
    (lambda x: np.min(x, axis=0), [[1.0, 2.0], [1.0, 3.0]], [[0.5, 1.0], [0.5, 0.0]]),
    (lambda x: np.max(x, axis=1), [[1.0, 1.0], [2.0, 0.0]], [[0.5, 0.5], [1, 0]]),
    (lambda x: np.max(x, axis=1), [[1.0, 1.0]], [[0.5, 0.5]]),
    (lambda x: np.maximum(x, x[::-1]), [2.0, 2.0], [1.0, 1.0]),
    (lambda x: np.maximum(x, [1.0, 1.0, 4.0]), [1.0, 2.0, 3.0], [0.5, 1.0, 0.0]),
    (lambda x: np.minimum([1.0, 1.0, 4.0], x), [1.0, 2.0, 3.0], [0.5, 0.0, 1.0]),
    (lambda x: np.sort(x) * W4, [2.0, 1.0, 2.0, 1.0], [100.0, 1.0, 1000.0, 10.0]),
    (lambda x: np.sort(x, axis=0) * W4[:2, None], [[1.0, 5.0], [1.0, 4.0]], [[1, 10], [10, 1]]),
    (lambda x: np.sort(np.partition(x, 2) * W4), [2.0, 2.0, 2.0, 2.0], W4),
    # kinks
    *[(f, [-2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]) for f in (abs, np.fabs)],
    (lambda x: np.interp(x, [0, 1, 3], [1, 2, 8]), [0.0, 1.0, 3.0, 4.0], [1.0, 3.0, 3.0, 0.0]),
    (ag.relu, [-2.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
    (lambda x: np.hypot(x, 0.0 * x), [0.0], [0.0]),
    (lambda x: x.clip(0, 1), [-1.0, 0.5, 2.0], [0.0, 1.0, 0.0]),
    (lambda x: x.clip(None, 1), [-1.0, 2.0], [1.0, 0.0]),
    (lambda low: ag.clip([-1.0, 2.0], low), 0.0, 1.0),
    (lambda x: ag.where(Tensor([True, False]), x, 5.0), [0.0, 2.0], [1.0, 0.0]),
    # powers
    *[(lambda x, n=n: x**n, [0.0, -1.0, 2.0], np.zeros(3)) for n in (0, 0.0, np.zeros(3))],
    *[(lambda x, n=n: x**n, [0.0], [1.0]) for n in (1, True, np.array([1.0]), np.array(1.0))],
    *[(lambda x, n=n: x**n, [0.0], [0.0]) for n in (2, 3, np.array(2.0), np.array([3.0]))],
    (lambda x: x ** np.array([2.0, 3.0]), [0.0, 0.0], [0.0, 0.0]),
    (lambda y: 0.0**y, [1.0, 2.0], [0.0, 0.0]),
    (lambda y: 2.0**y, [3.0], [8 * np.log(2)]),
    (lambda x: x**-1, [2.0], [-0.25]),
    (lambda x: x**3.0, [-2.0], [12.0]),
    (lambda x: x ** np.array([3.0]), [-2.0], [12.0]),
    # of what does not vary
    *[(f, x, np.zeros(len(x))) for f in (np.std, np.var, lambda x: x.std(axis=0))
      for x in ([3.0, 3.0, 3.0], [3.0], [0.0, 0.0])],
    (lambda x: np.std(x, axis=1), PAIR, [[0.0, 0.0], [-0.5, 0.5]]),
    # repeated indices accumulate
    (lambda x: x[[0, 0, 1]] * W3, [1.0, 2.0], [11.0, 100.0]),
    (lambda x: x[[0, 0]] * COUNTS, [1.0, 5.0], [5.0, 0.0]),
    (lambda x: COUNTS * x / COUNTS, [1.0, 1.0], [1.0, 1.0]),
    (lambda x: x[np.array([True, False, True])] * 5, [1.0, 2.0, 3.0], [5.0, 0.0, 5.0]),
    (lambda x: x[Tensor([1, 1]), Tensor([0, 0])], np.ones((2, 2)), [[0.0, 0.0], [2.0, 0.0]]),
    (lambda x: np.take(x, [1, 1, 1]) * W3, [1.0, 2.0], [0.0, 111.0]),
    (lambda x: np.take_along_axis(x, ROWS, axis=1) * W3, np.ones((2, 2)), [[111, 0], [10, 101]]),
    (lambda x: np.repeat(x, 3) * np.tile(W3, 2), [1.0, 2.0], [111.0, 111.0]),
])  # fmt: skip
def test_gradients_at_special_points(f: Function, x: Any, expected: Any):
    np.testing.assert_allclose(slope(f, x), expected, rtol=1e-14)


@each([
    *[(lambda x, n=n: x**n, [0.0], [[2.0]]) for n in (2, np.array([2.0]))],
    *[(lambda x, n=n: x**n, [0.0], [[0.0]]) for n in (0, 1, np.array([1.0]))],
    (np.var, [3.0, 3.0], [[0.5, -0.5], [-0.5, 0.5]]),
    (lambda x: x[[0, 0]] ** 2, [1.0, 2.0], [[4, 0], [0, 0]]),
])  # fmt: skip
def test_second_derivatives_at_special_points(f: Function, x: Any, expected: Any):
    np.testing.assert_allclose(curvature(f, x), expected)


# ---------------------------------------------------------------------- nan and extreme values


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_where_the_value_is_nan_the_gradient_is_not_0():
    x = np.array([[np.nan, 1.0, 2.0], [4.0, 3.0, 5.0]])
    one_number = {
        "max": np.max, "min": np.min, "amax": np.amax, "amin": np.amin, "ptp": np.ptp,
        "median": np.median, "quantile": lambda x, axis: np.quantile(x, 0.3, axis),
        "percentile": lambda x, axis: np.percentile(x, [30, 60], axis).sum(0),
        "nanmax": lambda x, axis: np.nanmax(x[:, :1], axis),
        "nanmin": lambda x, axis: np.nanmin(x[:, :1], axis),
        "nanmedian": lambda x, axis: np.nanmedian(x[:, :1], axis),
        "nanquantile": lambda x, axis: np.nanquantile(x[:, :1], 0.3, axis),
        "maximum": lambda x, axis: np.maximum(x[:, 0], 1.0),
        "minimum": lambda x, axis: np.minimum(1.0, x[:, 0]),
        "of nan": lambda x, axis: np.maximum(x[:, 1], x[:, 0] * [1.0, 0.0]),
        "fmax": lambda x, axis: np.fmax(x[:, 0], x[:, 0]),
        "fmin": lambda x, axis: np.fmin(x[:, 0], x[:, 0]),
        "clip": lambda x, axis: np.clip(x[:, 0], 0.0, 1.0), "inf norm": lambda x, axis:
            np.linalg.norm(x, np.inf, axis),
    }  # fmt: skip
    for name, f in one_number.items():
        assert np.isnan(f(x, axis=1)).tolist() == [True, False], name
        found = ag.grad(lambda x, f=f: np.sum(f(x, axis=1)))(x)
        assert found[0, 0] != 0, f"{name}: {found}"
        alone = np.repeat(x[1:], 2, 0)
        expected = ag.grad(lambda x, f=f: np.sum(f(x, axis=1)))(alone)[1]
        np.testing.assert_array_equal(found[1], expected, err_msg=name)
    for f in (np.fmax, np.fmin):  # here nan loses, and so its gradient is 0
        np.testing.assert_array_equal(ag.grad(lambda x, f=f: f(x[0, 0], x[0, 1]))(x)[0], [0, 1, 0])
    for f in (np.nanmax, np.nanmin, np.nanmedian):
        assert ag.grad(f)(x)[0, 0] == 0.0


def test_derivatives_of_all_orders_are_those_beside_special_points():
    """What a rule replaces at a point must not show when the rule is differentiated."""
    powers = (
        lambda v: v[0] ** v[1], lambda v: np.power(v[0], v[1]), lambda v: ag.pow(v[0], v[1]),
        lambda v: np.float_power(v[0], v[1]), lambda v: 0.25 ** v[1] * v[0],
        lambda v: v[1:] ** np.array([0.0]) * v[0] ** v[1], lambda v: v[0] ** v[1:],
    )  # fmt: skip
    points = [(f, x, float(y)) for f in powers for x in (0.25, 2.0) for y in (-1, 0, 1, 2, 3)]
    points += [
        (f, x, y)
        for of_two in (np.hypot, np.arctan2, np.logaddexp, np.logaddexp2)
        for x, y in ((0.0, 2.0), (2.0, 2.0), (40.0, 2.0), (-3.5, 2.0))
        for f in (lambda v, f=of_two: f(v[0], v[1]), lambda v, f=of_two: f(v[1], v[0] + 0.1))
    ]
    points += [(lambda v, p=p: np.linalg.norm(v, p), 3.0, -2.0) for p in (0.5, -1, 1.5, 3)]
    for f, x, y in points:
        here, beside = np.array([x, y]), np.array([x + 1e-9, y + 1e-9])
        derivative = lambda v, f=f: np.sum(f(v))  # noqa: E731
        for order in (1, 2, 3):
            derivative = ag.jacobian(derivative)
            np.testing.assert_allclose(
                derivative(here), derivative(beside), 1e-5, 1e-5, err_msg=f"{order}: {f(here)}"
            )
    np.testing.assert_allclose(
        ag.hessian(lambda v: v[0] ** v[1])(np.array([0.25, 0.0])),
        [[0.0, 4.0], [4.0, np.log(0.25) ** 2]],
    )


@each([np.float32, np.float64])
def test_derivatives_of_large_and_small_numbers(dtype: Any):
    """As the formulas give them in a wider dtype, in which nothing overflows or cancels."""
    wide = np.longdouble if dtype is np.float64 else np.float64
    top = np.log10(float(np.finfo(dtype).max)) - 2
    sizes = np.concatenate([10 ** np.linspace(-top, top, 50), 1 - 10 ** np.linspace(-6, -1, 10)])
    x = np.concatenate([sizes, -sizes]).astype(dtype)
    w = x.astype(wide)
    y = np.roll(w, 7)
    for f, slope in {
        np.arcsinh: lambda: 1 / np.hypot(1, w), np.arctan: lambda: 1 / (1 + w * w),
        np.arctanh: lambda: 1 / ((1 - w) * (1 + w)), np.expm1: lambda: np.exp(w),
        np.arcsin: lambda: 1 / np.sqrt((1 - w) * (1 + w)), np.log: lambda: 1 / w,
        np.arccosh: lambda: 1 / np.sqrt((w - 1) * (w + 1)), np.sqrt: lambda: 1 / np.sqrt(w) / 2,
        np.reciprocal: lambda: -1 / w / w, np.cbrt: lambda: 1 / (3 * np.cbrt(w) ** 2),
        lambda x: np.hypot(x, y.astype(dtype)): lambda: w / np.hypot(w, y),
        lambda x: np.arctan2(x, y.astype(dtype)): lambda: y / (w * w + y * y),
        lambda x: np.arctan2(y.astype(dtype), x): lambda: -y / (w * w + y * y),
        lambda x: np.logaddexp(x, y.astype(dtype)): lambda: 1 / (1 + np.exp(y - w)),
        lambda x: np.logaddexp2(x, y.astype(dtype)): lambda: 1 / (1 + np.exp2(y - w)),
        lambda x: y.astype(dtype) / x: lambda: -y / w / w,
    }.items():  # fmt: skip
        with np.errstate(all="ignore"):
            t, expected = V(x), slope()
            out = f(t)
            out.backward(np.ones(x.shape, dtype))
            bound = np.finfo(dtype)
            known = np.isfinite(out.data) & (abs(expected) < bound.max)
            found, expected = t.grad[known], expected[known].astype(dtype)
        np.testing.assert_allclose(
            found, expected, 200 * float(bound.eps), 1e3 * float(bound.tiny), err_msg=f
        )
    z = np.array([3e200 + 4e200j, -1e200j])
    for f in (np.arcsin, np.arccos, np.arcsinh, np.arccosh):
        found = ag.grad(lambda z, f=f: np.sum(f(z)).real)(z)
        np.testing.assert_allclose(abs(found), 1 / abs(z), 1e-12, err_msg=f.__name__)
    for f in (np.arctan, np.arctanh):
        assert not ag.grad(lambda z, f=f: np.sum(f(z)).real)(z).any()


# ---------------------------------------------------------------------- dtypes


def test_integers_that_are_differentiated():
    t = V([1, 2, 3])
    (t**2).sum().backward()
    np.testing.assert_array_equal(t.grad, [2.0, 4.0, 6.0], strict=True)


# ---------------------------------------------------------------------- in place


def _assign(t: Any) -> None:
    t[0] = 5.0


def _add_to_entry(t: Any) -> None:
    t[0] += 5.0


@each([
    (_assign, "ag.index_update(t, index, new)"),
    (_add_to_entry, "ag.index_update(t, index, new)"),
    (lambda t: np.add(t, 1.0, out=t), "a = np.add(a, t)"),
    (lambda t: np.add(np.ones(2), 1.0, out=t), "a = np.add(a, t)"),
    (lambda t: np.sum(t, out=t), "a = np.sum"),
    (lambda t: np.exp(t, t), "a = np.exp"),
    (lambda t: np.add.at(t, [0, 0], 1.0), "ag.index_add(t, index, values)"),
    (lambda t: np.add.at(np.zeros(2), [0, 0], t), "ag.index_add(t, index, values)"),
    (lambda t: np.put(t, [0], 1.0), "ag.index_update(t, index, values)"),
    (lambda t: np.copyto(t, 1.0), "ag.index_update(t, index, values)"),
    (lambda t: np.putmask(t, t > 0, 1.0), "ag.index_update(t, index, values)"),
    (lambda t: np.place(t, t > 0, [1.0]), "ag.index_update(t, index, values)"),
    (lambda t: np.fill_diagonal(t, 1.0), "ag.index_update(t, index, values)"),
    (lambda t: np.put_along_axis(t, np.array([0]), 1.0, 0), "ag.index_update(t, index, val"),
    (lambda t: t.sort(), "np.sort(t)"),
    (lambda t: t.fill(0.0), "np.full_like(t, value)"),
    (lambda t: t.put([0], 1.0), "ag.index_update(t, index, values)"),
    (lambda t: t.partition(1), "np.partition(t, kth)"),
    (lambda t: t.resize(3), "np.resize(t, shape)"),
])  # fmt: skip
def test_in_place_shows_what_to_write_instead(f: Function, remedy: str):
    for t in (V([3.0, 1.0]), V([3.0, 1.0]) * 1.0, Tensor([3.0, 1.0])):
        with pytest.raises(TypeError) as caught:
            f(t)
        assert remedy in str(caught.value)
        assert t.numpy().tolist() == [3.0, 1.0]


MASK = np.array([[True, False, True], [False, False, True]])


@each([
    (0, (3,)), (-1, ()), ((1, 2), ()), (slice(None), (2, 3)), (slice(None), (3,)),
    ((slice(None), 1), (2,)), ((..., 0), ()), (slice(None, None, -1), (2, 1)),
    ([0, 1], (2, 3)), ([1], (3,)), (([0, 1, 1], [2, 0, 1]), (3,)), (MASK, (3,)), (MASK, ()),
    ((MASK[:, 0], 1), (1,)), ((None, 0), (1, 3)), (np.zeros((2, 3), bool), (0,)), ([], ()),
    ([0, 0], (2, 3)), (([1, 1, 0], [2, 2, 2]), (3,)), (0, (1, 1, 3)),
    (([[0, 0], [1, 1]], [[0, 0], [0, 2]]), (2, 2)),
])  # fmt: skip
def test_index_update_and_index_add(index: Any, shape: Any):
    rng = np.random.default_rng(5)
    a, values, w = rng.normal(size=(2, 3)), rng.normal(size=shape), rng.normal(size=(2, 3))
    if isinstance(index, list):
        index = np.array(index, int)

    def assigned(a: Any, values: Any) -> Any:
        a = a.copy()
        a[index] = values
        return a

    def added(a: Any, values: Any) -> Any:
        a = a.copy()
        chosen = a[index].shape
        while values.ndim > len(chosen):
            values = values[0]
        np.add.at(a, index, values)
        return a

    da, dv = rng.normal(size=a.shape), rng.normal(size=values.shape)
    for ours, theirs in ((ag.index_update, assigned), (ag.index_add, added)):
        f = lambda a, v, ours=ours: ours(a, index, v)  # noqa: E731
        value, back = ag.vjp(f, a, values)
        for found in (value, f(a, values), f(V(a), V(values)).data):
            np.testing.assert_allclose(found, theirs(a, values), strict=True)
        along = ag.jvp(f, (a, values), (da, dv))[1]
        np.testing.assert_allclose(along, theirs(da, dv))  # both are linear
        by_a, by_values = back(w)
        np.testing.assert_allclose(np.sum(by_a * da) + np.sum(by_values * dv), np.sum(w * along))
        second = ag.hvp(lambda a, f=f: np.sum(f(a, values) ** 2))(a, w)
        np.testing.assert_allclose(second, 2 * theirs(w, 0 * values) * (back(np.ones(a.shape))[0]))


def test_what_index_update_is_given_stays_as_it_is():
    a, index, values = np.zeros(3), np.array([0, 1]), np.ones(2)
    x = V(values)
    y = ag.index_add(a, index, x)
    index[:], a[:] = 2, 9.0
    y.backward([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(x.grad, [1.0, 2.0])
    np.testing.assert_array_equal(y.data, [1.0, 1.0, 0.0])
    for wrong, error in ((5, IndexError), (slice(0, 2), ValueError)):
        for f, name in ((ag.index_update, "index_update"), (ag.index_add, "index_add")):
            with pytest.raises(error, match=f"{name}: .*shape"):
                f(V(np.ones(3)), wrong, np.ones(4))
