"""Each mistake, planted in the chapter's recursion, is named as what it is and where it is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import nn
from autograd_lite.check import Report, check_backprop
from tests.nn.by_hand import ACTIVATIONS

from ..each import each
from .by_hand import ALPHA, Problem

# The entry in which it is first seen, by the layer k; and words of its explanation.
MISTAKES: dict[str, tuple[str, str]] = {
    "no 1/q": ("s_{n}", "times too large: divide it by the number of entries q"),
    "1/q twice": ("s_{n}", "times too small: divide it by the number of entries q"),
    "without ½": ("s_{n}", "is 2 times too large, and that of another loss: of (y − p)²"),
    "another loss": ("s_{n}", "of another loss: of binary cross-entropy of logits"),
    "no σ'": ("s_{k}", "'(s_{k}) is missing"),
    "σ' twice": ("s_{k}", "'(s_{k}) is there twice"),
    "s for l": ("s_{k}", "'(s_{k}) is computed from s_{k} where l_{k} belongs"),
    "l for s": ("s_{k}", "the derivative is taken at l_{k} where s_{k} belongs"),
    "σ' of another layer": ("s_{k}", "'(s_{k+1}) stands where"),
    "sign": ("s_{k}", "has the wrong sign"),
    "half": ("s_{k}", "is 2 times too small"),
    "7/3": ("s_{k}", "is 7/3 times too large"),
    "transposed": ("W_{k-1}{k}", "∇W_{k-1}{k} is transposed"),
    "another δ": ("W_{k-1}{k}", "δ_{k+1} stands where δ_{k} belongs"),
    "l of this layer": ("W_{k-1}{k}", "_{k} stands where "),
    "s for l below": ("W_{k-1}{k}", "s_{k-1} stands where l_{k-1} belongs"),
    "not summed": ("b_{k-1}{k}", "∇b_{k-1}{k} is not summed"),
    "wrong axis": ("b_{k-1}{k}", "is summed over the wrong axis"),
    "mean": ("b_{k-1}{k}", "is a mean where a sum belongs"),
    "all": ("b_{k-1}{k}", "is summed over all entries"),
    "updated": ("s_{n-1}", f"before the deltas were computed: this has W − {ALPHA} ∇W"),
    "no transpose": ("s_{k-1}", "δ_{k} W_{k-1}{k} stands where δ_{k} W_{k-1}{k}ᵀ belongs"),
    "another W": ("s_{k-1}", "W_{k-2}{k-1} stands where W_{k-1}{k} belongs"),
}


def filled(template: str, problem: Problem) -> str:
    n, k = problem.depth, problem.layer
    values = {"{n}": n, "{n-1}": n - 1} | {f"{{k{d:+d}}}": k + d for d in (-2, -1, 1)} | {"{k}": k}
    for place, value in values.items():
        template = template.replace(place, str(value))
    return template


def unchanged(problem: Problem, wrong: dict[str, Any]) -> bool:
    """Whether the mistake makes no difference to the numbers."""
    right = problem.gradients()
    return all(
        np.shape(wrong[name]) == np.shape(right[name])
        and np.allclose(wrong[name], right[name], rtol=1e-9, atol=1e-13)
        for name in right
    )


@each(list(MISTAKES), sorted(ACTIVATIONS), by=lambda mistake, _: mistake)
def test_mistake_is_named(mistake: str, activation: str):
    told = 0
    for depth, rows in product((1, 2, 3, 4), (1, 10)):
        for layer in range(1, depth + 1):
            problem = Problem(depth, rows, activation, layer)
            given = problem.gradients(mistake)
            report = check_backprop(problem.recorded(), given)
            if unchanged(problem, given):
                assert report.ok, report
                continue
            name, words = (filled(text, problem) for text in MISTAKES[mistake])
            first = report.first_wrong
            assert first is not None
            assert first.name == name, report
            assert explains(mistake, words, first.cause or ""), report
            told += 1
    if mistake not in NO_DIFFERENCE.get(activation, ()):
        assert told >= 2


# Where a derivative doesn't depend on what was mixed up, nothing is wrong.
NO_DIFFERENCE = {
    "identity": {
        "no σ'", "σ' twice", "s for l", "l for s", "σ' of another layer", "s for l below",
    },
    "relu": {"σ' twice", "s for l", "l for s"},
    "leaky_relu": {"s for l", "l for s"},
    "softplus": {"s for l"},
} | {}  # fmt: skip


def explains(mistake: str, words: str, cause: str) -> bool:
    """Whether the cause is the mistake, or another name for the same numbers."""
    same_numbers = {
        "l of this layer": ["s_"],  # identity: l_k is s_k
        "s for l below": ["s_"],
        "no σ'": ["½(y − p)² without σ'"],
        "another loss": ["of another loss"],
        "all": ["which has one row"],
        "half": ["2 times too small"],
        "σ' of another layer": ["relu'"],  # that is 1 where all s are positive
    }
    return words in cause or any(text in cause for text in same_numbers.get(mistake, ()))


@each(["no 1/q", "1/q twice", "no σ'", "sign", "transposed"],
      ["SquaredErrorLoss", "MSELoss", "BCELoss", "BCEWithLogitsLoss"])  # fmt: skip
def test_mistake_is_named_with_each_loss(mistake: str, loss: str):
    problem = Problem(3, 10, "tanh", 2, loss)
    report = check_backprop(problem.recorded(), problem.gradients(mistake))
    name, words = (filled(text, problem) for text in MISTAKES[mistake])
    assert report.first_wrong is not None
    assert report.first_wrong.name == name
    assert words in (report.first_wrong.cause or "")


def only(report: dict[str, Any], letters: str) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name[0] in letters}


@pytest.mark.parametrize(
    ("mistake", "name", "words"),
    [
        ("no 1/q", "W_34", "δ_4 is 30 times too large"),
        ("no σ'", "W_12", "tanh'(s_2) is missing"),
        ("updated", "W_23", "weights were updated before"),
        ("sign", "W_12", "∇W_12 has the wrong sign, as δ_2 is before it"),
        ("no transpose", "W_01", "δ_2 W_12 stands where δ_2 W_12ᵀ belongs"),
    ],
)
def test_weights_alone_are_enough(mistake: str, name: str, words: str):
    problem = Problem(4, 10, "tanh", 2)
    report = check_backprop(problem.recorded(), only(problem.gradients(mistake), "W"))
    first = report.first_wrong
    assert first is not None
    assert first.name == name
    assert words in (first.cause or "")
    after = report.entries[report.entries.index(first) + 1 :]
    assert all(entry.follows_from == name for entry in after)


def test_same_mistake_in_each_layer_is_told_for_each():
    problem = Problem(3, 10, "sigmoid", 1)
    given = problem.gradients("no σ'")
    problem.layer = 2
    second = problem.gradients("no σ'")
    both = given | {name: second[name] for name in ("s_2", "W_12", "b_12")}
    sigma_missing = second["s_2"] @ problem.net["W_12"].numpy().T
    both |= {"s_1": sigma_missing, "W_01": problem.x.T @ sigma_missing,
             "b_01": sigma_missing.sum(0)}  # fmt: skip
    report = check_backprop(problem.recorded(), both)
    assert causes(report) == {"s_2": "σ'(s_2) is missing", "s_1": "σ'(s_1) is missing"}
    report = check_backprop(problem.recorded(), only(both, "W"))
    assert causes(report) == {"W_12": "σ'(s_2) is missing", "W_01": "σ'(s_1) is missing"}


def causes(report: Report) -> dict[str, str]:
    return {e.name: e.cause.split(":")[0] for e in report.entries if e.cause is not None}


def test_what_follows_and_what_does_not():
    problem = Problem(3, 10, "tanh", 3)
    given = problem.gradients("half")
    given["W_12"] = given["W_12"].T
    report = check_backprop(problem.recorded(), given)
    assert causes(report) == {"s_3": "δ_3 is 2 times too small", "W_12": "∇W_12 is transposed"}
    follows = {e.name for e in report.entries if e.follows_from == "s_3"}
    assert follows == {"W_23", "b_23", "s_2", "b_12", "s_1", "W_01", "b_01"}


def test_right_entry_after_a_wrong_one_is_right():
    problem = Problem(2, 10, "tanh", 1)
    right = problem.gradients()
    report = check_backprop(problem.recorded(), right | {"s_2": -right["s_2"]})
    assert [e.name for e in report.entries if not e.ok] == ["s_2"]
    # ∇W was computed from the right δ, although another was reported: its mistake is found.
    given = right | {"s_2": 5.5 * right["s_2"] + 1, "W_12": right["W_12"] / 2}
    report = check_backprop(problem.recorded(), given)
    assert "no usual mistake" in (report["s_2"].cause or "")
    assert report["W_12"].cause == "∇W_12 is 2 times too small"


def test_nothing_fits_and_both_arrays_are_shown():
    problem = Problem(2, 10, "tanh", 1)
    noise = np.random.default_rng(1).normal(size=(4, 3))
    report = check_backprop(problem.recorded(), problem.gradients() | {"W_12": noise})
    cause = report["W_12"].cause or ""
    assert cause.startswith("no usual mistake gives this ∇W_12 (differs by ")
    assert "given:    [[ 0.3456, 0.8216, 0.3304]," in cause
    assert "of shape (4, 3)" in cause.splitlines()[2]


ONE = Problem(1, 1, "tanh", 1)
ONE.net = nn.MLP([1, 1], "tanh", rng=0)
ONE.x, ONE.y = np.array([[0.3]]), np.array([[1.0]])
SEVERAL = Problem(2, 10, "tanh", 1)
OFTEN = "it is divided by the batch size q = 10"


@each([
    (SEVERAL, "W_12", 10, f"∇W_12 is 10 times too large: {OFTEN} not often enough"),
    (SEVERAL, "W_12", 0.1, f"∇W_12 is 10 times too small: {OFTEN} once too often"),
    (SEVERAL, "W_12", 4, "∇W_12 is 4 times too large"),  # as wide as a layer, which doesn't matter
    (SEVERAL, "W_12", 2, "∇W_12 is 2 times too large"),
    (ONE, "W_01", 7 / 3, "∇W_01 is 7/3 times too large"),
    (ONE, "W_01", 1.2345, "no usual mistake"),  # one number by an odd factor
])
def test_factor_of_one_gradient(problem: Problem, name: str, factor: float, said: str):
    right = problem.gradients()
    report = check_backprop(problem.recorded(), right | {name: right[name] * factor})
    assert (report[name].cause or "").split(" gives")[0] == said


def test_y_of_another_shape_meets_every_prediction():
    problem = Problem(1, 10, "sigmoid", 1)
    problem.net, problem.y = nn.MLP([2, 1], rng=0), problem.y[:, :1]
    for problem.loss in ("SquaredErrorLoss", "BCELoss"):
        l_1 = problem.net(problem.x).data
        sigma = l_1 * (1 - l_1) if problem.loss == "SquaredErrorLoss" else 1
        delta = (l_1 - problem.y[:, 0]) * sigma / 10
        report = check_backprop(problem.recorded(), {"s_1": delta, "W_01": problem.x.T @ delta})
        assert "y has the shape (10,) where it should have (10, 1)" in (report["s_1"].cause or "")
        assert report["W_01"].follows_from == "s_1"
