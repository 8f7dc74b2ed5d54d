"""Whatever the learner gives is read, or reported; only a name that is unknown raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.check import check_backprop

from .by_hand import Problem


@pytest.fixture
def problem() -> Problem:
    return Problem(2, 10, "tanh", 1)


def test_what_broadcasts_to_the_tensors_shape_is_right_and_no_other_shape(problem: Problem):
    right = problem.gradients()["b_01"]
    assert not check_backprop(problem.recorded(), {"b_01": right[None]}).ok
    for value in (right[0], right.tolist()):
        entry = check_backprop(problem.recorded(), {"b_01": value})["b_01"]
        assert entry.ok
        shape = np.shape(value)
        expected = None if shape == (1, 4) else f"shape {shape} is taken for (1, 4)"
        assert entry.remark == expected
    cause = check_backprop(problem.recorded(), {"b_01": right.T})["b_01"].cause or ""
    assert cause.startswith("its shape is (4, 1), and must be (1, 4)")
    b = ag.Tensor(np.ones((4, 1)), requires_grad=True, name="b")  # b − ∇b would be (4, 4)
    cause = check_backprop(np.sum(b**2), {"b": [2.0, 2.0, 2.0, 2.0]})["b"].cause
    assert "it broadcasts later" in (cause or "")


def test_number_for_an_array_of_one():
    net = nn.MLP([2, 1], rng=0)
    loss = nn.SquaredErrorLoss()(net([[1.0, 2.0]]), [[0.0]])
    loss.backward()
    value = net["b_01"].grad
    assert value is not None
    assert check_backprop(loss, {"b_01": float(value[0, 0])}).ok
    assert check_backprop(loss, {"b_01": ag.Tensor(value, requires_grad=True)}).ok


class Odd:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError

    def __repr__(self) -> str:
        return "Odd" * 40


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "it is no array of real numbers, but NoneType"),
        ("abc", "it is no array of real numbers, but an array of <U3"),
        ("1.5", "it is no array of real numbers"),
        ([[1, 2], [3]], "it can't be read as an array"),
        (1j, "it is no array of real numbers, but an array of complex128"),
        ({}, "it is no array of real numbers, but dict"),
        (Odd(), "it can't be read as an array: RuntimeError"),
        ([], "its shape is (0,), and must be (4, 3)"),
        (np.zeros((3, 5)), "its shape is (3, 5), and must be (4, 3)"),
        (np.full((4, 3), np.nan), "it holds nan at [0, 0]"),
        (np.where(np.eye(4, 3) > 0, 1.0, np.inf), "it holds inf at [0, 1]"),
        ([ag.Tensor(1.0, requires_grad=True)], "it can't be read as an array"),
        (7, "its shape is (), and must be (4, 3)"),
        (True, "its shape is (), and must be (4, 3)"),
        (10**400, "it is no array of real numbers, but int"),
    ],
)
def test_nonsense_is_reported(problem: Problem, value: Any, words: str):
    given = problem.gradients() | {"W_12": value}
    report = check_backprop(problem.recorded(), given)
    assert [e.name for e in report.entries if not e.ok] == ["W_12"]
    assert words in (report["W_12"].cause or "")
    assert "expected: [[" in (report["W_12"].cause or "")
    assert np.isnan(report["W_12"].error)
    assert len(str(report)) < 3000
    for name in ("s_2", "s_1"):
        assert not check_backprop(problem.recorded(), given | {name: value}).ok


def test_a_number_and_nothing():
    w = ag.Tensor(2.0, requires_grad=True, name="w")
    dw = ag.Tensor(3.0, requires_grad=True, name="dw")  # a name comes before another reading
    assert check_backprop(dw * w * w, {"dw": 4.0, "w": 12.0}).ok
    assert (check_backprop(w * w, {"w": np.nan})["w"].cause or "").startswith("it is nan")
    report = check_backprop(w * w, {})
    assert report.ok
    assert str(report) == "there is nothing to check"


def test_infinite_entries_are_compared_too():
    t = ag.Tensor([0.0, 4.0, 1.0], requires_grad=True, name="t")
    with np.errstate(divide="ignore"):
        loss = np.sum(np.sqrt(t))
        report = check_backprop(loss, {"t": [np.inf, 0.25, 0.5]})
        assert report.ok
        assert report["t"].remark == "inf at [0] on both sides"
        for value, said in (
            ([1.0, 0.25, 0.5], "it is 1 at [0], where the gradient is inf"),
            ([-np.inf, 0.25, 0.5], "it is -inf at [0], where the gradient is inf"),
            ([np.inf, 0.25, np.nan], "it holds nan at [2], where the gradient is 0.5"),
            ([np.inf, 0.25, -0.5], "no usual mistake gives this ∇t (differs by 1)"),
        ):
            assert (check_backprop(loss, {"t": value})["t"].cause or "").startswith(said)


def test_nan_follows_from_nan(problem: Problem):
    right = problem.gradients()
    delta = right["s_2"].copy()
    delta[0, 0] = np.nan
    given = right | {n: right[n] * np.nan for n in ("W_12", "s_1", "W_01")} | {"s_2": delta}
    report = check_backprop(problem.recorded(), given)
    assert report["s_2"].follows_from is None
    assert report["W_12"].follows_from == report["W_01"].follows_from == "s_2"
    assert report["b_12"].ok


def test_what_can_not_be_checked_raises(problem: Problem):
    loss = problem.recorded()
    for output, gradients, error, said in (
        (1.0, {}, TypeError, "loss is a float, not a Tensor"),
        (loss, [1.0], TypeError, "gradients are a list, not a dict by name"),
        (ag.named_tensors(loss)["s_2"], {}, ValueError, r"s_2 of shape \(10, 3\) has 30 elements"),
        *((loss, {name: 1.0}, KeyError, "no tensor is called .*; there are l_0, W_01, ")
          for name in ("W_99", "delta_9", "dW_45", 7, None, "")),
    ):  # fmt: skip
        with pytest.raises(error, match=said):
            check_backprop(output, gradients)  # type: ignore[call-overload]
    with pytest.raises(RuntimeError, match=r"^check_backprop: nothing that .* requires a gradient"):
        check_backprop(np.sum(ag.Tensor([1.0], name="w")), {"w": 1.0})


def test_other_names_for_the_same(problem: Problem):
    right = problem.gradients()
    given = {"delta_2": right["s_2"], "dW_12": right["W_12"], "∇b_12": right["b_12"],
             "δ_1": right["s_1"], "grad_W_01": right["W_01"]}  # fmt: skip
    report = check_backprop(problem.recorded(), given)
    assert report.ok
    assert [entry.name for entry in report.entries] == ["s_2", "W_12", "b_12", "s_1", "W_01"]
    with pytest.raises(KeyError, match="'dW_12' is a second gradient of W_12"):
        check_backprop(problem.recorded(), {"W_12": 1, "dW_12": 1})


def test_tensors_without_a_gradient_of_their_own_can_be_checked(problem: Problem):
    right = problem.gradients()
    dl_0 = right["s_1"] @ problem.net["W_01"].data.T
    report = check_backprop(problem.recorded(), {"l_0": dl_0, "L": 1.0, "l_1": dl_0})
    assert [e.name for e in report.entries] == ["L", "l_1", "l_0"]
    assert [e.ok for e in report.entries] == [True, False, True]


def test_what_was_broadcast_for_want_of_keepdims_follows():
    r = np.random.default_rng(0)
    x = ag.Tensor(r.normal(size=(4, 3)), requires_grad=True, name="x")
    q = np.sum(x**2, axis=1, keepdims=True).named("q")
    loss = np.sum(np.sqrt(q).named("c") * r.normal(size=(4, 1)))
    (right,) = ag.gradients(loss, [ag.named_tensors(loss)["c"]])
    given = right.data[:, 0]
    report = check_backprop(loss, {"c": given, "q": given / (2 * np.sqrt(q.data))})
    assert "keepdims=True" in (report["c"].cause or "")
    assert report["q"].follows_from == "c"
