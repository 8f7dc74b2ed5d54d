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
from autograd_lite.check import numeric
from autograd_lite.check.derivatives import GradientError, check_grads
from autograd_lite.checkpoint import checkpoint
from autograd_lite.engine.backward import _summed, fit
from autograd_lite.ops.define import value
from autograd_lite.table import OPS
from tests.sampling import Sample, samples

from ..each import each, examples, some

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
    "a derivative that cancels": (lambda x: np.sum(np.exp(x) / np.sum(np.exp(x))), X),
    "a function without signature": (max, V),
    "a checkpoint": (lambda x: checkpoint(lambda y: np.tanh(y * y))(x), X),
}  # fmt: skip


@each(RIGHT, [1, 2, 3])
def test_right_functions_pass(given: tuple[Any, ...], order: int):
    f, *args = given
    report = check_grads(f, *args, order=order)
    assert report.ok
    assert bool(report)
    assert not any(row.undecided for row in report.rows)
    assert {row.order for row in report.rows} == set(range(order + 1))
    assert {row.mode for row in report.rows if row.order} == {"reverse", "forward"}


@each(range(20))
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


def test_narrow_floats_may_round_often():
    for seed in range(10):
        x = np.random.default_rng(seed).uniform(0.9, 1.1, 1000).astype(np.float32)
        check_grads(lambda x: np.cumprod(x)[-1] * np.cumsum(x), x, order=1, rng=seed)


def test_a_derivative_of_0_is_known_up_to_the_rounding_of_what_cancels():
    for seed in range(5):
        x = np.random.default_rng(seed).random((25, 5)).astype(np.float32)
        for f in (
            lambda z: np.sum(z - z.mean(0)),
            lambda z: np.sum((z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True)),
            lambda z: np.sum(np.exp(z) / np.sum(np.exp(z), 1, keepdims=True)),
        ):
            check_grads(f, x, order=1)
    wrong = Op("wrong", np.copy, lambda g, out, x: g * 1.001)
    assert "op wrong, input 0" in message(lambda z: np.sum(wrong(z) - z.mean(0)), x, order=1)


@each(range(20))
def test_jumps_within_reach_of_a_step(seed: int):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0.3, 3, (2, 2, 3))
    report = check_grads(np.remainder, x, y, rng=seed)
    assert not any(row.undecided for row in report.rows)


def test_large_arguments_are_moved_far():
    report = check_grads(lambda x: np.abs(x) * x, 1e9 * X, order=1)
    assert all(row.error <= 1e-9 * abs(row.numeric) for row in report.rows)


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


@settings(deadline=None, max_examples=examples(100))
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
    axes, _ = _summed(shape, operand, 0, np.dtype(float))
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


@each(some(first_samples(), 6), by=lambda sample: sample.op.name)
def test_a_corrupted_rule_is_found(sample: Sample):
    op, params = sample.op, sample.case.params
    inputs = sample.inputs(np.random.default_rng(3))
    out = np.asarray(op.forward(*inputs, **params))
    g = np.random.default_rng(4).normal(size=out.shape).astype(out.dtype)
    for i, (x, vjp) in enumerate(zip(inputs, op.vjps, strict=False)):
        if not vjp:
            continue
        cotangent = np.asarray(vjp(g, out, *inputs, **params))
        right = fit(cotangent, x, op.name)
        for name, change in corruptions(cotangent.shape, x.shape):
            if np.allclose(fit(change(cotangent), x, op.name), right, 1e-4, 1e-8):
                continue  # no corruption of this one
            wrong = corrupted(op, i, change)

            def f(x: Any, wrong: Op = wrong, i: int = i) -> Any:
                return np.sin(0.1 * wrong(*inputs[:i], x, *inputs[i + 1 :], **params))

            said = message(f, x, order=1)
            assert f"op {op.name}, input {i} (" in said, f"{name}: {said}"


def test_every_op_with_a_rule_was_corrupted():
    assert {sample.op.name for sample in first_samples()} == {
        name for name, op in OPS.items() if any(vjp for vjp, _ in zip(op.vjps, "abc", strict=False))
    }


# ---------------------------------------------------------------------- other mistakes


def raising(g: Any, out: Any, x: Any) -> Any:
    raise ZeroDivisionError("no such rule")


def long_graph(x: Any) -> Any:
    for i in range(300):
        x = MINUS(x) if i == 290 else x + 0.01 * np.cos(x)
    return x


def shaped(rule: Any) -> Any:
    broken = Op("broken", np.multiply, lambda g, out, x, y: g * y, rule)
    return lambda x, y: np.sin(broken(x, y))


def of_sine(rule: Any, name: str = "wrong") -> Op:
    return Op(name, np.sin, rule)


MINUS = of_sine(lambda g, out, x: -g * np.cos(x))
# A vjp that takes an array out of its arguments gives right numbers, and a wrong record.
DETACHED = of_sine(lambda g, out, x: g * np.cos(value(x)), "detached")
CUT = of_sine(lambda g, out, x: value(g) * np.cos(x), "detached")
ONCE = Op("once", lambda x: -np.cos(x), lambda g, out, x: g * DETACHED(x))
MINUS_COS = Op("wrong_cos", np.cos, lambda g, out, x: g * np.sin(x))
OUTER = of_sine(lambda g, out, x: g * MINUS_COS(x), "outer")
PARTLY = of_sine(lambda g, out, x: g * np.cos(x) * np.where(x > 3, 2.0, 1.0), "partly")
MEAN = Op("mul", np.multiply, lambda g, out, x, y: g * y,
          lambda g, out, x, y: np.mean(g * x, axis=0))  # fmt: skip
CONJUGATED = Op("cexp", np.exp, lambda g, out, z: np.conj(g * out))
RELU = Op("wrong", lambda x: np.maximum(x, 0), lambda g, out, x: g * (x > 0) * 2)
SIGN = Op("wrong", np.sign, lambda g, out, x: g)
CHANCE = np.random.default_rng(0)
RAISES = "op broken, input 1 (y of shape (3,)): its vjp raises ValueError: "
LEFT = "TypeError: detached: its rule computes under no_grad, or on plain arrays"
WRONG: dict[str, tuple[Any, tuple[Any, ...], int, tuple[str, ...], tuple[str, ...]]] = {
    "at second order only": (
        lambda x: np.exp(DETACHED(2 * x)), (V,), 2,
        (LEFT,), ("✗ 1",),
    ),
    "at third order only": (
        lambda x: ONCE(x), (V,), 3, (LEFT,),
        ("op once", "✗ 1", "✗ 2"),
    ),
    "only in the backward pass": (
        lambda x: OUTER(x), (V,), 2,
        ("op wrong_cos, input 0 (shape (3,)): ",),
        ("op outer", "✗ 1"),
    ),
    "a detached cotangent": (
        lambda x: np.exp(CUT(x)), (V,), 1,
        ("✓ 1 reverse", "✗ 1 forward", "op detached, input 0 (x of shape (3,)): ", LEFT), (),
    ),
    "for some values": (  # one application of three, to operands of one shape, shows it
        lambda x: PARTLY(x) + PARTLY(x + 1) + PARTLY(x + 2), (V,), 1,
        ("op partly, input 0 (shape (3,)): ",), (),
    ),
    "in a long graph": (long_graph, (V,), 1, ("op wrong, input 0 (shape (3,)): ",), ()),
    "transposed": (shaped(lambda g, out, x, y: (g * x).T), (X, V), 1, (RAISES, "(3, 2)"), ()),
    "an axis too few": (
        shaped(lambda g, out, x, y: (g * x)[0, :2]), (X, V), 1, (RAISES, "(2,)"), ()),
    "a number": (shaped(lambda g, out, x, y: 1.0), (X, V), 1, (RAISES, "that is a float"), ()),
    "raises": (
        lambda x: Op("raising", np.sin, raising)(x), (V,), 2,
        ("op raising, input 0 (x of shape (3,)): its vjp raises ZeroDivisionError: no",), (),
    ),
    "a mean in place of a sum": (
        lambda y: MEAN(X, y), (V,), 1,
        ("op mul, input 1 (y of shape (3,)): its vjp gives ",), (),
    ),
    "conjugated": (lambda z: CONJUGATED(z), (V + 1j,), 1, ("op cexp, input 0",), ()),
    "where there is none": (
        lambda x: SIGN(x), (V,), 1,
        ("op wrong, input 0 (x of shape (3,)): its vjp gives ", ", differences 0\n"), (),
    ),
    "in a checkpoint": (
        lambda x: checkpoint(lambda y: np.exp(MINUS(y)))(x), (V,), 2, ("\nop wrong, input",),
        ("\nop exp", "\nop checkpoint"),
    ),
    "the function itself": (
        lambda x: x * value(x), (V,), 1,
        ("no rule of an op is wrong by itself: look in the function for values that leave",),
        ("\nop ",),
    ),
    "another value each time": (
        lambda x: x * CHANCE.normal(), (V,), 1,
        ("the function gives another value when it is recorded, or each time",), (),
    ),
    "beside a kink": (
        lambda x: RELU(x), (np.zeros(3),), 1,
        ("✗ 1 reverse", " at a point beside", "op wrong, input 0", "a kink: "), (),
    ),
    "an infinite slope": (
        lambda x: np.sqrt(x) * 2, (np.array([0.0, 1.0]),), 1, ("✗ 1 reverse 0 (x) inf",), ()),
    "infinite slopes": (
        lambda x: np.sqrt(x) * 2, (np.array([0.0, 1.0]),), 2,
        ("\nop sqrt, input", "\nop divide, input"), ("\nop multiply",),
    ),
    "no number": (
        lambda x: np.log(x), (np.array([-1.0, 1.0]),), 1, ("✗ 0 value nan nan nan not finite",),
        (),
    ),
}  # fmt: skip


@each(WRONG)
def test_what_is_wrong_is_told(
    f: Any, args: Any, order: int, words: tuple[str, ...], absent: tuple[str, ...]
):
    said = re.sub(" +", " ", message(f, *args, order=order)) + "\n"
    assert [text for text in words if text not in said] == [], said
    assert [text for text in absent if text in said] == [], said


# ---------------------------------------------------------------------- kinks and infinities


def test_kinks_and_what_rounding_hides_are_undecided():
    report = check_grads(lambda x: np.maximum(x, 0.0), np.array([0.0, 1.0, -1.0]) * 0, order=2)
    kinks = [row for row in report.rows if row.undecided]
    assert report.ok
    assert len(report.rows) == 10
    assert {row.order for row in kinks} <= {1, 2}
    assert "at a point beside" in str(report)
    assert f"{10 - len(kinks)} checks are right, {len(kinks)} can't be decided" in str(report)
    report = check_grads(lambda x: (x + 1e4).astype(np.float32), V, order=1)
    assert all(row.note.startswith("known to ±") for row in report.rows if row.undecided)
    assert report.ok


# ---------------------------------------------------------------------- the table, and bad input


def test_the_table():
    def f(params: Any, x: Any, *more: Any) -> Any:
        return params["w"] * x + params["b"][0] + more[0]

    w = ag.Tensor(V, name="W_01")
    report = check_grads(f, {"w": w, "b": [0.5]}, X, 1.0, order=1)
    inputs = ["0 (W_01)", "0 (params['b'][0])", "1 (x)", "2 (more[0])"]
    assert [row.input for row in report.rows] == ["", *inputs, *inputs]
    first, head, *lines = str(report).splitlines()
    assert first == "check_grads: all 9 checks are right"
    assert head.split() == ["order", "mode", "input", "ours", "numeric", "error"]
    assert len(lines) == 9
    assert len({line.index("e-") if "e-" in line else line.index("0.0e+00") for line in lines}) <= 3
    assert all(line.startswith("  ✓  ") for line in lines)
    assert repr(report) == str(report)
    row = report.rows[1]
    assert (row.order, row.mode, row.ok, row.mark) == (1, "reverse", True, "✓")
    assert row.error == abs(row.ours - row.numeric)
    wrong = of_sine(lambda g, out, x: g)
    for g, heading in ((wrong, "2 of 3 checks are"), (CUT, "1 of 3 checks is")):
        said = message(lambda x, g=g: g(x), V, order=1)
        assert said.startswith(f"check_grads: {heading} wrong\n")


@each([
    (3, (V,), {}, TypeError, "f is a int, not a function"),
    (np.sin, (V,), {"order": 0}, ValueError, "order must be at least 1, and is 0"),
    (np.sin, (V,), {"order": 1.5}, TypeError, "order must be an integer, not 1.5"),
    (np.sin, (V,), {"order": True}, TypeError, "order must be an integer, not True"),
    (lambda: 1.0, (), {}, TypeError, "nothing to differentiate among 0 arguments"),
    (lambda x: 1.0, ("a",), {}, TypeError, "nothing to differentiate among 1 arguments"),
    (lambda x: None, (V,), {}, TypeError, "returned no float or complex number, but object"),
    (lambda x: x > 0, (V,), {}, TypeError, "returned no float or complex number, but bool"),
    (lambda x: (), (V,), {}, TypeError, "no float or complex number, but nothing"),
])
def test_bad_input(f: Any, args: Any, settings: Any, error: Any, said: str):
    with pytest.raises(error, match=f"check_grads: .*{said}"):
        check_grads(f, *args, **settings)


def test_arguments_are_left_as_they_are_and_errors_of_the_function_too():
    x, w = X.copy(), ag.Tensor(V, requires_grad=True)
    check_grads(lambda x, w: x * w, x, w)
    np.testing.assert_array_equal(x, X)
    assert w.grad is None
    with pytest.raises(KeyError, match="mine"):
        check_grads(lambda x: {}["mine"], V)


# ---------------------------------------------------------------------- numeric derivatives


@each([
    (lambda t: np.exp(t), 1.0, 1e-11),
    (lambda t: np.abs(1.0 + t) ** 3, 3.0, 1e-10),
    (lambda t: np.real(np.exp(t)), 1.0, 1e-10),
    (lambda t: np.maximum(1e-3 + t, 0) * 2, 2.0, 1e-10),
    (lambda t: np.log(1e-6 + t), 1e6, 1e-7),
    (lambda t: 1 / (1e-5 + t) ** 2, -2e15, 1e-6),
    (lambda t: 1e8 + np.sin(t), 1.0, 1e-6),
    (lambda t: float(t) ** 2 + float(t), 1.0, 1e-10),
    (lambda t: float(np.float32(np.exp(t))), 1.0, 1e-3),
])
def test_numeric_derivative(f: Any, slope: float, rtol: float):
    found = numeric.derivative(f)
    assert found.value == pytest.approx(slope, rtol)
    assert abs(found.value - slope) <= 10 * found.error
    assert numeric.kink(f) == ""


def test_a_derivative_of_0_is_not_lost_in_rounding():
    for x in np.linspace(0, 1, 50):
        found = numeric.derivative(lambda t, x=x: 1e8 * (np.sin(x + t) ** 2 + np.cos(x + t) ** 2))
        assert abs(found.value) < 1e-5


def test_no_numeric_derivative():
    found = numeric.derivative(lambda t: 1 / float("nan"))
    assert np.isnan(found.value)
    assert found.error == float("inf")

    def outside(t: Any) -> Any:
        raise ValueError("out of the domain")

    assert np.isnan(numeric.value(outside, 1.0))
    assert numeric.kink(outside) == ""


def test_a_rule_outside_of_the_graph_is_checked_in_reverse_mode():
    cube = ag.Op("cube", lambda x: x**3, lambda g, out, x: g.data * 3 * x.data**2 if
                 isinstance(x, ag.Tensor) else g * 3 * x**2)  # fmt: skip
    report = ag.check_grads(cube, np.array([0.3, 2.0]), order=1, modes=["rev"])
    assert [row.mode for row in report.rows] == ["value", "reverse"]
    with pytest.raises(ag.GradientError, match="forward"):
        ag.check_grads(cube, np.array([0.3, 2.0]), order=1)
    with pytest.raises(ValueError, match='modes are "fwd" and "rev"'):
        ag.check_grads(cube, np.array([0.3, 2.0]), modes=["reverse"])
