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


@pytest.mark.parametrize("rows", [4, 20_000], ids=["small", "in blocks"])
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
        go.set()
        np.testing.assert_array_equal(compiling.result(), np.exp(X))


# ---------------------------------------------------------------------- pickled, copied


def times_two(x: Any) -> Any:
    return x * 2


def test_it_can_be_pickled_and_copied():
    compiled = ag.compile(times_two)
    compiled(X)
    for made in (
        pickle.loads(pickle.dumps(compiled)),
        copy.copy(compiled),
        copy.deepcopy(compiled),
    ):
        assert made.f is times_two
        np.testing.assert_array_equal(made(Y), Y * 2)
        np.testing.assert_array_equal(made(X[:1]), X[:1] * 2)
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
WARN: dict[str, tuple[Callable[..., Any], Any]] = {
    "log": (np.log, np.array([0.0, 1.0, -1.0])),
    "quiet": (quiet, np.array([0.0, 1.0, -1.0])),
    "loud": (loud, np.array([0.0, 1.0, -1.0])),
    "the same, quiet and loud": (lambda x: quiet(x) + np.log(x), np.array([0.0, 1.0, -1.0])),
    "divide": (lambda x: x / (x - x), np.array([1.0, 0.0, 2.0])),
    "divide by zeros": (lambda x: 1.0 / x, np.array([0.0, -0.0, 1.0])),
    "overflow": (lambda x: np.exp(x) * x, np.array([1e3, 1.0, -1e9])),
    "square": (lambda x: np.sum(x**2) + np.sum(x * x), np.array([1e200, 1.0, 1.0])),
    "mean": (lambda x: np.mean(x * x), np.array([1e200, 1.0, 1.0])),
    "gradient of a root": (
        ag.grad(lambda x: np.sum(ag.where(x > 0, np.sqrt(np.maximum(x, 0)), 0.0))),
        np.array([0.0, 4.0, -1.0]),
    ),
    "gradient of where": (
        ag.grad(lambda x: np.sum(quiet(x))), np.array([0.0, 4.0, -1.0]),
    ),
    "gradient of a norm": (ag.grad(np.linalg.norm), np.array([0.0, 0.0, 0.0])),
    "gradient of maximum": (
        ag.grad(lambda x: np.sum(np.maximum(x, 0) ** 0.5)), np.array([1.0, 4, 9]),
    ),
    "softmax": (
        ag.grad(lambda x: np.sum(nn.activations.softmax(x[None]) * np.arange(3.0))),
        np.array([1e3, 0.0, -1e3]),
    ),
    "sigmoid": (ag.grad(lambda x: np.sum(ag.sigmoid(x))), np.array([1e3, 0.0, -1e3])),
    "nanmean": (lambda x: np.nanmean(x), np.array([np.nan, np.nan, np.nan])),
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


@each(["mean", "sum", "none"], ["value", "gradient"])
def test_a_loss_refuses_what_is_no_probability(reduction: str, wanted: str):
    bce = nn.BCELoss(reduction)
    p, y = np.array([[0.2], [0.7], [1.0]]), np.array([[0.0], [1.0], [1.0]])

    def value(p: Any, y: Any) -> Any:
        return np.sum(bce(p, y))

    f = ag.value_and_grad(value) if wanted == "gradient" else lambda p, y: bce(p, y).data
    compiled = agree(f, (p, y), (1 - p, y), (p, np.full((3, 1), 0.5)))
    for wrong in (np.array([[0.2], [1.5], [0.3]]), np.array([[-0.1], [0.5], [0.5]]), p * np.nan):
        for given in ((wrong, y), (p, wrong)):
            for g in (f, compiled):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
                        g(*given)
    assert_same(compiled(p, y), f(p, y))


def test_cross_entropy_refuses_class_numbers_that_there_aren_t():
    cross = nn.CrossEntropyLoss()
    rows = np.arange(6.0).reshape(2, 3)

    def f(z: Any, classes: Any) -> Any:
        return ag.value_and_grad(lambda z: cross(z, classes).sum())(z)

    compiled = agree(f, (rows, np.array([0, 2])), (-rows, np.array([1, 1])))
    for wrong in (np.array([0, 3]), np.array([-1, 0])):
        for g in (f, compiled):
            with pytest.raises(ValueError, match="class"):
                g(rows, wrong)


def test_a_guard_stays_though_its_loss_isn_t_needed():
    w = Tensor([[0.5]], requires_grad=True, name="w")

    def g(p: Any, y: Any) -> Any:
        return ag.gradients(nn.BCELoss()(p * w, y), [w])[0].data

    p, y = np.array([[0.2], [0.7]]), np.array([[0.0], [1.0]])
    compiled = agree(g, (p, y), (1 - p, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for h in (g, compiled):
            with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
                h(p * 9, y)


# ---------------------------------------------------------------------- errors at the call


def test_what_numpy_refuses_is_refused_at_each_call():
    inverse = ag.compile(np.linalg.inv)
    inverse(np.eye(3))
    with pytest.raises(np.linalg.LinAlgError):
        inverse(np.zeros((3, 3)))
    np.testing.assert_array_equal(inverse(2 * np.eye(3)), np.eye(3) / 2)
    index = ag.compile(lambda x, i: x[i])
    index(X, np.array([0, 1]))
    with pytest.raises(IndexError):
        index(X, np.array([0, 9]))
    reciprocal = ag.compile(lambda s: 1 / s)
    assert reciprocal(4.0) == 0.25
    with pytest.raises(ZeroDivisionError):
        reciprocal(0.0)


def test_calls_with_wrong_arguments():
    compiled = ag.compile(loss)
    with pytest.raises(TypeError, match="required positional argument"):
        compiled(X)
    with pytest.raises(TypeError, match="unexpected keyword"):
        compiled(X, 1.0, t=2.0)
