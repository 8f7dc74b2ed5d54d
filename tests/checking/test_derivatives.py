"""`check_grads`: right functions pass, and a wrong rule is found and named, whichever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite import Op
from autograd_lite.backward import _fit, _stretched
from autograd_lite.checking import numeric
from autograd_lite.checking.derivatives import GradientError, check_grads
from autograd_lite.checkpoint import checkpoint
from autograd_lite.op import OPS
from autograd_lite.ops.define import value
from tests.sampling import Sample, samples

X = np.array([[0.5, -1.0, 2.0], [0.3, 0.7, -0.4]])
V = np.array([0.5, -1.0, 2.0])


def message(f: Any, *args: Any, **settings: Any) -> str:
    with pytest.raises(GradientError) as caught:
        check_grads(f, *args, **settings)
    assert isinstance(caught.value, AssertionError)
    assert not caught.value.report.ok
    assert str(caught.value) == str(caught.value.report)
    return str(caught.value)


# ---------------------------------------------------------------------- right functions


RIGHT = {
    "a number": (lambda x: x * np.sin(x), 0.5),
    "an array": (lambda x: np.tanh(x) * x, X),
    "broadcasting": (lambda x, v: np.exp(x * v).mean(axis=0), X, V),
    "a constant argument": (lambda x, i: x[i] ** 2, V, np.array([0, 0, 1])),
    "integers alone": (lambda x: x**3, 2),
    "containers": (
        lambda p, x: {"y": x @ p["w"][0], "z": [np.exp(x), p["b"]]},
        {"w": [np.ones((3, 2)), 0.5], "b": np.array(1.0)}, X,
    ),
    "outputs without derivative": (lambda x: (np.sin(x), x > 0, 3), X),
    "a constant output": (lambda x: np.ones(2), X),
    "complex": (lambda z: np.exp(z) / (1 + z * z), X + 1j * X[::-1]),
    "not holomorphic": (lambda z: np.abs(z) * np.conj(z) + z.real, X + 1j * X[::-1]),
    "real to complex and back": (lambda x: np.abs(np.exp(1j * x) + 2.0), X),
    "complex beside real": (lambda z, x: z * x, 1 + 2j, X),
    "kinks nearby": (lambda x: np.maximum(x, 0) + np.abs(x) + np.sort(x), X),
    "empty": (np.sin, np.zeros((0, 3))),
    "large numbers": (lambda x: 1e8 + np.sin(x), X),
    "large arguments": (lambda x: x * x, 1e9 * X),
    "small arguments": (lambda x: np.log(x), 1e-6 * np.abs(X)),
    "quick oscillations": (lambda x: np.sin(1e4 * x), X),
    "gradients within": (lambda x: ag.grad(lambda y: np.sum(np.exp(x * y)))(x), V),
    "a checkpoint": (lambda x: checkpoint(lambda y: np.tanh(y * y))(x), X),
}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_pass(name: str, order: int):
    f, *args = RIGHT[name]
    report = check_grads(f, *args, order=order)
    assert report.ok
    assert bool(report)
    assert not any(row.undecided for row in report.rows)
    assert {row.order for row in report.rows} == set(range(order + 1))
    assert {row.mode for row in report.rows if row.order} == {"reverse", "forward"}


@pytest.mark.parametrize("seed", range(20))
def test_networks_pass(seed: int):
    rng = np.random.default_rng(seed)
    net = nn.MLP([2, 4, 3, 1], ["tanh", "sigmoid", "softplus"], rng=seed)
    report = check_grads(lambda x: nn.MSELoss()(net(x), np.ones((5, 1))), rng.normal(size=(5, 2)),
                         rng=seed)  # fmt: skip
    assert max(row.error for row in report.rows) < 1e-8


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_tolerances_follow_the_dtype(dtype: Any):
    x = X.astype(dtype)
    assert check_grads(lambda x: np.exp(x) * np.sin(x), x).ok
    wrong = Op("wrong", np.sin, lambda g, out, x: g * np.cos(x) * 1.1)
    assert "op wrong, input 0" in message(lambda x: wrong(x), x, order=1)
    assert check_grads(lambda x: wrong(x), x, order=1, rtol=0.2).ok
    assert check_grads(lambda x: wrong(x), x, order=1, atol=10.0).ok


def test_numbers_are_close_and_the_same_each_time():
    def f(x: Any) -> Any:
        return np.exp(np.sin(x)) + np.abs(x)

    first, second = (check_grads(f, X, order=2) for _ in range(2))
    assert max(row.error for row in first.rows) < 1e-9
    assert first.rows == second.rows
    assert check_grads(f, X, rng=1).rows != first.rows
    assert check_grads(f, X, rng=np.random.default_rng(1)).rows == check_grads(f, X, rng=1).rows


SMOOTH = [
    np.sin, np.cos, np.tanh, np.arctan, ag.sigmoid, ag.softplus, lambda x: x * x,
    lambda x: np.exp(-x * x), lambda x: np.sqrt(1 + x * x), lambda x: x / (2 + np.sin(x)),
    lambda x: np.log1p(x * x), lambda x: x + np.mean(x), lambda x: x @ x.T @ x / 4,
    lambda x: np.cumsum(x, axis=0), lambda x: x[::-1], lambda x: x - np.mean(x, 1, keepdims=True),
]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(SMOOTH), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.integers(1, 2),
)
def test_smooth_compositions_pass(functions: list[Any], seed: int, order: int):
    def f(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    check_grads(f, np.random.default_rng(seed).normal(size=(2, 3)), order=order, rng=seed)


# ---------------------------------------------------------------------- every rule, corrupted


def corruptions(shape: tuple[int, ...], operand: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Wrong versions of a cotangent of that shape, as functions of it, for such an operand."""
    yield "sign", lambda c: -c
    yield "factor", lambda c: 1.01 * c
    if len(shape) > 1 and shape[-1] == shape[-2]:
        yield "transposed", lambda c: c.mT
    elif shape:
        yield "reversed", lambda c: c[::-1]
    if shape:
        first = (np.arange(shape[0]) == 0).reshape(-1, *[1] * (len(shape) - 1))
        yield "first slice only", lambda c: c * first
    axes = _stretched(shape, operand, 0)
    if axes:
        place = tuple(0 if axis in axes else slice(None) for axis in range(len(shape)))
        yield "no sum", lambda c: c[place].reshape(operand)


def corrupted(op: Op, i: int, change: Any) -> Op:
    """The op with one wrong vjp."""
    def right(j: int, *args: Any, **params: Any) -> Any:
        return next(v for k, v in enumerate(op.vjps) if k == j)(*args, **params)

    def wrong(*args: Any, **params: Any) -> Any:
        return change(right(i, *args, **params))

    vjps = [vjp for vjp, _ in zip(op.vjps, range(i + 3), strict=False)]
    vjps[i] = wrong
    return Op(op.name, op.forward, *vjps, entrywise=op.entrywise, stacks=op.stacks,
              reads=op.reads)  # fmt: skip


def first_samples() -> list[Sample]:
    """For each op the first case in which no operand is empty, and the first that broadcasts."""
    chosen: dict[Any, Sample] = {}
    for sample in samples():
        shapes = [s for s, vjp in zip(sample.case.shapes, sample.op.vjps, strict=False) if vjp]
        if all(np.prod(shape) for shape in shapes) and shapes:
            chosen.setdefault((sample.op.name, len(set(shapes)) > 1), sample)
    return list(chosen.values())


@pytest.mark.parametrize("sample", first_samples(), ids=str)
def test_a_corrupted_rule_is_found(sample: Sample):
    op, params = sample.op, sample.case.params
    inputs = sample.inputs(np.random.default_rng(3))
    out = np.asarray(op.forward(*inputs, **params))
    g = np.random.default_rng(4).normal(size=out.shape).astype(out.dtype)
    for i, (x, vjp) in enumerate(zip(inputs, op.vjps, strict=False)):
        if vjp is None:
            continue
        cotangent = np.asarray(vjp(g, out, *inputs, **params))
        right = _fit(cotangent, x, op.name)
        for name, change in corruptions(cotangent.shape, x.shape):
            if np.allclose(_fit(change(cotangent), x, op.name), right, 1e-4, 1e-8):
                continue  # no corruption of this one
            wrong = corrupted(op, i, change)

            def f(x: Any, wrong: Op = wrong, i: int = i) -> Any:
                return np.sin(0.1 * wrong(*inputs[:i], x, *inputs[i + 1 :], **params))

            said = message(f, x, order=1)
            assert f"op {op.name}, input {i} (" in said, f"{name}: {said}"
            for other, hint in HINTS.items():
                if name == other and x.size > 1:
                    assert hint in said, f"{name}: {said}"


HINTS = {
    "sign": "the cotangent has the wrong sign",
    "factor": "the cotangent is 1.01 times too large",
    "no sum": "it misses the sum over the broadcast ax",
}


def test_every_op_with_a_rule_was_corrupted():
    assert {sample.op.name for sample in first_samples()} == {
        name for name, op in OPS.items() if any(vjp for vjp, _ in zip(op.vjps, "ab", strict=False))
    }
