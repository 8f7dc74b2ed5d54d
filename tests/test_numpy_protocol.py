"""NumPy's own functions on Tensors, and code written for arrays, the chapter's first."""

from __future__ import annotations

import inspect
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor, numpy_protocol, table

from .each import each

RNG = np.random.default_rng(0)
A = RNG.uniform(0.2, 0.9, (2, 3))


@each([*numpy_protocol.METHODS["reduce"]])
def test_ufunc_reductions(reduced: Any):
    for kwargs in ({}, {"axis": 1}, {"axis": None}, {"keepdims": True}):
        out = reduced.reduce(Tensor(A, requires_grad=True), **kwargs)
        np.testing.assert_allclose(out.data, reduced.reduce(A, **kwargs))


@each([f for f in table.NUMPY if isinstance(f, np.ufunc)])
def test_settings_of_ufuncs_are_refused_by_name(ufunc: Any):
    xs = [Tensor(A, requires_grad=True)] * ufunc.nin
    for setting in ({"casting": "no"}, {"order": "F"}, {"subok": False}):
        with pytest.raises(TypeError, match=f"{next(iter(setting))}=.* leave it out"):
            ufunc(*xs, **setting)
    for method, kinds in numpy_protocol.METHODS.items():
        for setting in ({"dtype": np.float32}, {"initial": 0.5}):
            if ufunc not in kinds or ("initial" in setting and method != "reduce"):
                continue
            call = partial(getattr(ufunc, method), **setting)
            more = ([0],) if method == "reduceat" else ()
            if setting.keys() <= inspect.signature(kinds[ufunc]).parameters.keys():
                found, expected = call(xs[0], *more), call(A, *more)
                np.testing.assert_allclose(found.data, expected, rtol=1e-6)
                assert found.dtype == expected.dtype
            else:
                with pytest.raises(TypeError, match=rf"{method}: .* leave it out"):
                    call(xs[0], *more)


@each(
    [np.sum, np.prod, np.nansum, np.nanprod, np.cumsum, np.cumprod, np.trace, np.mean, np.var,
     np.std],
)  # fmt: skip
def test_the_dtype_asked_for_is_what_comes(function: Any):
    name = function.__name__
    for dtype in (bool, np.int8, np.uint8, int, np.float32, complex):
        for a in (A * 300, A > 0.5, (A * 300).astype(np.int16)):
            for t in (Tensor(a), Tensor(a, requires_grad=True)):
                if name in ("mean", "var", "std") and np.dtype(dtype).kind not in "fc":
                    with pytest.raises(TypeError, match=f"{name}.* would round it"):
                        function(t, dtype=dtype)
                    continue
                found, expected = function(t, dtype=dtype), function(t.data, dtype=dtype)
                assert found.dtype == dtype
                np.testing.assert_allclose(getattr(found, "data", found), expected, rtol=1e-5)
    if name in ("sum", "prod"):
        t = Tensor(np.ones(2, np.float32))
        assert function(t, initial=np.float64(1)).dtype == np.float32
        assert function(Tensor([3, 2]), initial=1.5).item() == function([3, 2], initial=1.5)


def test_values_without_a_gradient_are_written_where_out_says():
    t, mask = Tensor([0.3, np.nan, 2.0], requires_grad=True), np.ones(3, bool)
    assert np.greater(t, 1.0, where=[True, False, True], out=mask) is mask
    np.testing.assert_array_equal(mask, [False, True, True])
    rounded = np.zeros(3)
    np.floor(t, rounded)
    np.testing.assert_array_equal(rounded, [0.0, np.nan, 2.0])
    for f, out in ((np.greater, t), (np.add, rounded)):
        with pytest.raises(TypeError, match=f"{f.__name__}: out="):
            f(t, 1.0, out=out)


@each(numpy_protocol.VALUES)
def test_nothing_is_written_into_a_tensor_that_stands_in_place_of_out(function: Any):
    names: list[str] = []
    if not isinstance(function, np.ufunc):
        with suppress(ValueError):  # NumPy 2.3's in C have no signature
            names = [*inspect.signature(function).parameters]
    if "out" in names:
        for out in (Tensor(A), A.copy()):
            args = [{"axis": None, "decimals": 1}.get(name) for name in names[1:]]
            args[names.index("out") - 1] = out
            with pytest.raises(TypeError, match=f"{function.__name__}: out="):
                function(Tensor(A), *args[: names.index("out")])


def test_methods_give_numpy_s_value():
    t = Tensor(A, requires_grad=True)
    for ours, expected in (
        (t.sum(axis=0), A.sum(axis=0)),
        (t.mean(1, keepdims=True), A.mean(1, keepdims=True)),
        (t.max(), A.max()),
        (t.prod(axis=1), A.prod(axis=1)),
        (t.cumsum(0), A.cumsum(0)),
        (t.cumprod(1), A.cumprod(1)),
        (t.trace(), A.trace()),
        (t.repeat(2, 1), A.repeat(2, 1)),
        (t.take([0, 2], 1), A.take([0, 2], 1)),
        (t.compress([0, 1], 0), A.compress([0, 1], 0)),
        (t.diagonal(), A.diagonal()),
        (t.min(axis=0), A.min(axis=0)),
        (t.var(axis=1, ddof=1), A.var(axis=1, ddof=1)),
        (t.dot(A.T), A.dot(A.T)),
        (t.clip(0.3, 0.6), A.clip(0.3, 0.6)),
        (t.reshape(3, 2), A.reshape(3, 2)),
        (t.reshape((6,)), A.reshape(6)),
        (t.ravel(), A.ravel()),
        (t.flatten(), A.flatten()),
        (t[None].squeeze(), A),
        (t[None].squeeze(0), A),
        (t.transpose(), A.T),
        (t.transpose(1, 0), A.T),
        (t.transpose((1, 0)), A.T),
        (t.swapaxes(0, 1), A.T),
        (t.T, A.T),
        (t.mT, A.T),
        (t.copy(), A),
        (abs(-t), A),
        (+t, A),
        (-t, -A),
        (2**t, 2**A),
        (t**2, A**2),
        (t**t, A**A),
        (1 - t, 1 - A),
        (1 / t, 1 / A),
        (A @ t.T, A @ A.T),
        (A - t, A * 0),
        (7.0 % t, 7.0 % A),
        (t % 0.3, A % 0.3),
        (t * A.tolist(), A * A),
        (A.tolist() * t, A * A),
        (np.ones((2, 1)) * t, A),
        (np.float64(2) * t, 2 * A),
    ):
        assert isinstance(ours, Tensor)
        np.testing.assert_allclose(ours.data, expected, rtol=1e-14, strict=True)


def test_the_functions_have_numpy_s_aliases():
    assert ag.abs is ag.absolute


def sigmoid(s: Any) -> Any:
    """As one writes it for arrays."""
    return 1.0 / (1 + np.exp(-s))


def test_the_chapter_s_forward_code_runs_unchanged():
    w_0_1 = Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True)
    b_0_1 = Tensor(np.zeros((1, 2)), requires_grad=True)
    w_1_2 = Tensor([0.1, 0.2], requires_grad=True)
    b_1_2 = 0
    layer_0, target = np.array([[0, 1]]), np.array([0])
    layer_1 = sigmoid(np.dot(layer_0, w_0_1) + b_0_1)
    layer_2 = sigmoid(np.dot(layer_1, w_1_2) + b_1_2)
    loss = -(target * np.log(layer_2) + (1 - target) * np.log(1 - layer_2))
    loss.backward()
    np.testing.assert_allclose(layer_1.data, [[0.57444252, 0.59868766]], atol=5e-9)
    np.testing.assert_allclose(layer_2.data, [0.54417993], atol=5e-9)
    np.testing.assert_allclose(loss.data, [0.78565712], atol=5e-9)
    np.testing.assert_allclose(w_1_2.grad, [0.31260009, 0.32579381], atol=5e-9)
    assert bool(layer_2 > 0.5)
