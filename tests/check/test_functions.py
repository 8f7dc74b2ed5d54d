"""A learner's function, on drawn inputs: the smallest that it fails on is reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.check import check_backprop

from ..each import each


def backprop(x: Any, y: Any, params: dict[str, Any], q: float | None = None) -> dict[str, Any]:
    """The chapter's network 2-3-1 with mean binary cross-entropy."""
    l_1 = 1 / (1 + np.exp(-(x @ params["W_01"] + params["b_01"])))
    l_2 = 1 / (1 + np.exp(-(l_1 @ params["W_12"] + params["b_12"])))
    delta_2 = (l_2 - y) / (q or len(x))
    delta_1 = delta_2 @ params["W_12"].T * l_1 * (1 - l_1)
    return {
        "W_12": l_1.T @ delta_2, "b_12": delta_2.sum(0), "W_01": x.T @ delta_1,
        "b_01": delta_1.sum(0),
    }  # fmt: skip


@pytest.fixture
def net() -> nn.MLP:
    return nn.MLP([2, 3, 1], rng=0)


def test_correct_function_is_right_and_the_net_stays_also_when_it_raises(net: nn.MLP):
    before = net.state_dict()
    report = check_backprop(backprop, net, nn.BCELoss())
    assert report.ok
    assert str(report).startswith("50 drawn inputs: all 4 gradients are right\n")

    def refuses(p: ag.Tensor, y: Any) -> ag.Tensor:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        check_backprop(backprop, net, refuses)
    assert all(np.array_equal(v, before[path]) for path, v in net.state_dict().items())


def test_mistake_that_needs_two_rows_is_shown_with_two(net: nn.MLP):
    def wrong(x: Any, y: Any, params: Any) -> Any:
        return backprop(x, y, params, q=1)

    report = check_backprop(wrong, net, nn.BCELoss())
    assert not report.ok
    assert report.heading == "smallest input found, 2 rows"
    cause = report["W_12"].cause or ""
    assert cause.startswith("∇W_12 is 2 times too large: divide it by the batch size q = 2")
    assert report["W_01"].follows_from == "W_12"
    assert report.inputs["x"].shape == (2, 2)
    for value in report.inputs.values():
        assert np.array_equal(value, value.round(1))
    assert "W_01 = [[" in str(report)
    again = [str(check_backprop(wrong, net, nn.BCELoss(), seed=s)) for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def changed(change: Any) -> Any:
    """The right function, with what ``change`` makes of its gradients besides."""

    def function(x: Any, y: Any, params: Any) -> Any:
        found = backprop(x, y, params)
        return found | change(found, y)

    return function


def test_mistake_of_one_row_is_shown_with_one(net: nn.MLP):
    wrong = changed(lambda found, y: {"W_01": -found["W_01"]})
    report = check_backprop(wrong, net, nn.BCELoss())
    assert report.heading == "smallest input found, 1 row"
    assert report["W_01"].cause == "∇W_01 has the wrong sign"
    assert "∇W_01 = l_0ᵀ δ_1" in str(report)


def test_formulas_are_those_of_the_inputs_shown(net: nn.MLP):
    """They are worked out while the net has the parameters that were drawn."""
    with_delta = changed(lambda found, y: {"s_2": found["b_12"] * np.ones_like(y)})
    report = check_backprop(with_delta, net, nn.BCELoss())
    assert report["s_2"].formula == "(l_2 − y) / q"


def test_missing_gradient_is_wrong(net: nn.MLP):
    def without(x: Any, y: Any, params: Any) -> Any:
        return {n: g for n, g in backprop(x, y, params).items() if n != "b_01"}

    report = check_backprop(without, net, nn.BCELoss())
    assert [e.name for e in report.entries if not e.ok] == ["b_01"]
    assert report["b_01"].cause == "it is not among the gradients returned"


@each([
    (lambda x, y, p: 1 // 0, "backprop raised ZeroDivisionError: "),
    (lambda x, y, p: None, "backprop returned None, not a dict of gradients"),
    (lambda x, y, p: [1], "backprop returned a list, not a dict of gradients"),
])
def test_function_that_fails_is_reported(function: Any, cause: str):
    report = check_backprop(function, nn.MLP([2, 3, 1], rng=0), nn.BCELoss())
    assert len(report.entries) == 4
    assert all((entry.cause or "").startswith(cause) for entry in report.entries)


def test_what_is_needed_is_said(net: nn.MLP):
    bce, params = nn.BCELoss(), {"a": 0.0, "b": 0.0}
    for given, settings, error, said in (
        ((backprop, line), {}, TypeError, "a function needs params"),
        ((backprop, net), {}, TypeError, "a network needs a loss"),
        ((backprop, line), {"params": params}, TypeError, "say how inputs are drawn"),
        ((backprop, net, bce), {"trials": 0}, ValueError, "trials must be at least 1, and is 0"),
        ((lambda x, y, p: {"W_77": 1}, net, bce), {}, KeyError, "no tensor is called 'W_77'"),
    ):
        with pytest.raises(error, match=said):
            check_backprop(*given, **settings)  # type: ignore[call-overload]


def test_a_loss_that_gives_another_result_each_time_is_refused(net: nn.MLP):
    drawn = iter([1.0, *[0.0] * 1000])

    def zeros(x: Any, y: Any, params: Any) -> Any:
        return {name: 0 * value for name, value in params.items()}

    with pytest.raises(ValueError, match="another result each time"):
        check_backprop(zeros, net, lambda p, y: np.sum(p) * next(drawn))


def test_inputs_are_the_functions_own(net: nn.MLP):
    def careless(x: Any, y: Any, params: Any) -> Any:
        found = backprop(x, y, params)
        for value in (x, y, *params.values()):
            value[...] = 7
        return found

    assert check_backprop(careless, net, nn.BCELoss()).ok


def test_several_outputs_are_drawn_one_of_each_row():
    net = nn.MLP([2, 3], "identity", rng=0)

    def softmax_regression(x: Any, y: Any, params: Any) -> Any:
        assert (y.sum(1) == 1).all()
        e = np.exp(x @ params["W_01"] + params["b_01"])
        delta = (e / e.sum(1, keepdims=True) - y) / len(x)
        return {"W_01": x.T @ delta, "b_01": delta.sum(0)}

    assert check_backprop(softmax_regression, net, nn.CrossEntropyLoss()).ok


def line(x: Any, y: Any, params: Any) -> Any:
    return np.sum((params["a"] * x + params["b"] - y) ** 2)


def test_function_in_place_of_a_net():
    def by_hand(x: Any, y: Any, params: Any, factor: float = 2) -> Any:
        error = params["a"] * x + params["b"] - y
        return {"a": factor * (error * x).sum(), "b": factor * error.sum()}

    def draw(rng: np.random.Generator, q: int) -> Any:
        return rng.normal(size=q), rng.normal(size=q)

    settings: Any = {"params": {"a": 0.0, "b": 0.0}, "draw": draw}
    assert check_backprop(by_hand, line, **settings).ok
    report = check_backprop(lambda x, y, p: by_hand(x, y, p, 1), line, **settings)
    assert report.first_wrong is not None
    assert report.first_wrong.cause == "∇b is 2 times too small"
    assert len(report.inputs["x"]) == 1


def test_what_the_loss_does_not_depend_on_has_the_gradient_0():
    def loss(x: Any, y: Any, params: Any) -> Any:
        return np.sum((x @ params["W"] - y) ** 2)

    def by_hand(x: Any, y: Any, params: Any, b: float = 0.0) -> Any:
        return {"W": 2 * x.T @ (x @ params["W"] - y), "b": np.full(2, b)}

    params = {"W": np.zeros((2, 2)), "b": np.zeros(2)}
    assert check_backprop(by_hand, loss, params=params).ok
    report = check_backprop(lambda x, y, p: by_hand(x, y, p, 1.0), loss, params=params)
    assert [e.name for e in report.entries if not e.ok] == ["b"]
