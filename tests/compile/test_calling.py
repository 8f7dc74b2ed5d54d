"""Calling: from many threads, with warnings and guards as ever, pickled and copied."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from ..each import each
from .comparing import agree, assert_same

X, Y = np.random.default_rng(4).normal(size=(2, 4, 3))
WEIGHTS = Tensor(np.linspace(-1, 1, 9).reshape(3, 3), requires_grad=True, name="W")


def loss(x: Any, s: float) -> Any:
    y = np.tanh(x @ WEIGHTS) * s
    return np.sum(y * y) + np.max(y)


# ---------------------------------------------------------------------- threads


@pytest.mark.parametrize("rows", [4, 20_000])
def test_threads_share_a_function_but_no_buffers(rows: int):
    f = ag.value_and_grad(loss)
    compiled = ag.compile(f)
    rng = np.random.default_rng(0)
    calls = [(rng.normal(size=(rows, 3)), float(s)) for s in range(1, 9)]
    calls += [(rng.normal(size=(rows + 1 + i % 3, 3)), 0.5) for i in range(4)]  # compiled meanwhile
    expected = [f(*call) for call in calls]
    start = threading.Barrier(8)

    def work(k: int) -> None:
        start.wait()
        for i in range(30 if rows < 100 else 4):
            n = (k + i) % len(calls)
            assert_same(compiled(*calls[n]), expected[n], 1e-9)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(before)


def test_a_thread_that_records_doesn_t_disturb_one_that_computes():
    slow, go = threading.Event(), threading.Event()

    def f(x: Any) -> Any:
        slow.set()
        go.wait(5)
        return np.exp(x)

    with ThreadPoolExecutor(1) as pool:
        compiling = pool.submit(ag.compile(f), X)
        slow.wait(5)
        t = Tensor([1.0, 2.0], requires_grad=True)
        (t * t).sum().backward()
        np.testing.assert_array_equal(t.grad, [2.0, 4.0])
        assert bool((t > 0).all())
        assert WEIGHTS.sum().item() == pytest.approx(0)
        assert type(WEIGHTS.data) is np.ndarray
        np.testing.assert_array_equal(ag.compile(lambda x: x + 1)(X), X + 1)
        go.set()  # which stays so
        np.testing.assert_array_equal(compiling.result(), np.exp(X))
        assert go.is_set()


# ---------------------------------------------------------------------- pickled, copied


def times_two(x: Any) -> Any:
    return x * 2


@ag.compile
def decorated(x: Any) -> Any:
    return x * 2


class Decorated:
    @staticmethod
    @ag.compile
    def times(x: Any) -> Any:
        return x * 2


@each([decorated, Decorated.times])
def test_what_is_decorated_is_pickled_by_its_name(f: Any):
    assert pickle.loads(pickle.dumps(f)) is f
    assert copy.deepcopy(f) is f


def test_it_can_be_pickled_and_copied():
    compiled = ag.compile(times_two)
    compiled(X)
    for again in (lambda f: pickle.loads(pickle.dumps(f)), copy.copy, copy.deepcopy):
        made = again(compiled)
        assert made.f is times_two
        for x in (Y, X[:1]):
            np.testing.assert_array_equal(made(x), x * 2)
    assert getattr(compiled, "__name__") == "times_two"  # noqa: B009
    assert repr(compiled) == "<compiled times_two>"


# ---------------------------------------------------------------------- warnings


def warned(f: Callable[..., Any], *args: Any) -> set[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f(*args)
    return {str(w.message) for w in caught}


def quiet(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.log(x)
    return np.where(x > 0, inside, 0.0)


def loud(x: Any) -> Any:
    return quiet(x) + np.sqrt(x)


ONES = np.ones(3)
KINKED, ROOT = np.array([0.0, 1.0, -1.0]), np.array([0.0, 4.0, -1.0])
HUGE, FAR = np.array([1e200, 1.0, 1.0]), np.array([1e3, 0.0, -1e3])
WARN: dict[str, tuple[Callable[..., Any], Any]] = {
    "log": (np.log, KINKED),
    "quiet": (quiet, KINKED),
    "loud": (loud, KINKED),
    "the same, quiet and loud": (lambda x: quiet(x) + np.log(x), KINKED),
    "divide": (lambda x: x / (x - x), np.array([1.0, 0.0, 2.0])),
    "divide by zeros": (lambda x: 1.0 / x, np.array([0.0, -0.0, 1.0])),
    "overflow": (lambda x: np.exp(x) * x, np.array([1e3, 1.0, -1e9])),
    "square": (lambda x: np.sum(x**2) + np.sum(x * x), HUGE),
    "mean": (lambda x: np.mean(x * x), HUGE),
    "gradient of a root": (
        ag.grad(lambda x: np.sum(ag.where(x > 0, np.sqrt(np.maximum(x, 0)), 0.0))), ROOT),
    "gradient of where": (ag.grad(lambda x: np.sum(quiet(x))), ROOT),
    "gradient of a norm": (ag.grad(np.linalg.norm), np.zeros(3)),
    "gradient of maximum": (ag.grad(lambda x: np.sum(np.maximum(x, 0) ** 0.5)), ROOT**2 + 1),
    "softmax": (
        ag.grad(lambda x: np.sum(nn.activations.softmax(x[None]) * np.arange(3.0))), FAR),
    "sigmoid": (ag.grad(lambda x: np.sum(ag.sigmoid(x))), FAR),
    "nanmean": (np.nanmean, np.full(3, np.nan)),
}  # fmt: skip


@each(WARN)
def test_warnings_are_no_more_than_the_function_s(f: Any, x: Any):
    compiled = ag.compile(f)
    warned(compiled, np.array([1.0, 2.0, 3.0]))
    kinds = {message.partition(" encountered")[0] for message in warned(f, x)}
    assert {message.partition(" encountered")[0] for message in warned(compiled, x)} <= kinds
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(f, x, ONES, x[::-1])


@each(["log", "loud", "the same, quiet and loud", "divide", "divide by zeros", "overflow"])
def test_warnings_are_no_fewer_where_each_call_of_numpy_s_is_needed(name: str):
    f, x = WARN[name]
    compiled = ag.compile(f)
    warned(compiled, ONES)
    expected = warned(f, x)
    assert expected
    assert len(warned(compiled, x)) == len(expected)


def test_settings_for_warnings_are_those_of_the_call():
    compiled = ag.compile(np.log)
    with np.errstate(all="ignore"):
        compiled(ONES)
        assert compiled(-ONES) is not None
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        compiled(-ONES)
    inner = ag.compile(quiet)
    inner(ONES)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(inner(-ONES), 0 * ONES)
    assert np.geterr()["invalid"] == "warn"


# ---------------------------------------------------------------------- guards


P, T = np.array([[0.2], [0.7], [1.0]]), np.array([[0.0], [1.0], [1.0]])
ROWS, W = np.arange(6.0).reshape(2, 3), Tensor([[0.5]], requires_grad=True, name="w")
IMPROBABLE = [np.array([[0.2], [1.5], [0.3]]), np.array([[-0.1], [0.5], [0.5]]), P * np.nan]
BAD = [given for wrong in IMPROBABLE for given in ((wrong, T), (P, wrong))]


def value_and_grad_by_z(f: Any) -> Any:
    return lambda z, classes: ag.value_and_grad(lambda z: f(z, classes).sum())(z)


GUARDED: dict[str, tuple[Any, list[Any], list[Any], str]] = {
    **{f"{reduction} {what}": (of(nn.BCELoss(reduction)), [(P, T), (1 - P, T), (P, 0 * T + 0.5)],
                               BAD, r"must lie in \[0, 1\]")
       for reduction in ("mean", "sum", "none")
       for what, of in {
           "value": lambda bce: lambda p, y: bce(p, y).data,
           "gradient": lambda bce: ag.value_and_grad(lambda p, y: np.sum(bce(p, y))),
       }.items()},
    "a loss that isn't needed": (
        lambda p, y: ag.gradients(nn.BCELoss()(p * W, y), [W])[0].data, [(P, T), (1 - P, T)],
        [(P * 9, T)], r"must lie in \[0, 1\]",
    ),
    "classes": (
        value_and_grad_by_z(nn.CrossEntropyLoss()),
        [(ROWS, np.array([0, 2])), (-ROWS, np.array([1, 1]))],
        [(ROWS, np.array([0, 3])), (ROWS, np.array([-1, 0]))], "class",
    ),
}  # fmt: skip


@each(GUARDED)
def test_a_loss_refuses_what_is_no_probability_or_class(f: Any, right: Any, bad: Any, said: str):
    compiled = agree(f, *right)
    for given in bad:
        for g in (f, compiled):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with pytest.raises(ValueError, match=said):
                    g(*given)
    assert_same(compiled(*right[0]), f(*right[0]))


# ---------------------------------------------------------------------- errors at the call


REFUSED: list[Any] = [
    (np.linalg.inv, (np.eye(3),), (np.zeros((3, 3)),), np.linalg.LinAlgError, "Singular"),
    (lambda x, i: x[i], (X, np.array([0, 1])), (X, np.array([0, 9])), IndexError, "out of bounds"),
    (lambda s: 1 / s, (4.0,), (0.0,), ZeroDivisionError, "division by zero"),
    (lambda x, s: x * s, (X, 1.0), (X,), TypeError, "required positional argument"),
]


@each(REFUSED)
def test_what_is_refused_is_refused_at_each_call(f, right, wrong, error, said):
    compiled = agree(f, right)
    with pytest.raises(error, match=said):
        compiled(*wrong)
    assert_same(compiled(*right), f(*right))
    with pytest.raises(TypeError, match="unexpected keyword"):
        compiled(*right, t=2.0)
