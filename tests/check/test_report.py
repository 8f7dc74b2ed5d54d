"""The report: its text, in a notebook, and its parts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.check import check_backprop
from autograd_lite.check.words import ratio

from .by_hand import Problem


def test_one_line_an_entry_in_the_order_of_the_backward_pass():
    problem = Problem(3, 10, "sigmoid", 2, "BCELoss")
    given = problem.gradients("no σ'")
    report = check_backprop(problem.recorded(), dict(sorted(given.items())))
    heading, *lines = str(report).split("\n\n")[0].splitlines()
    assert heading == "6 of 9 gradients are wrong"
    assert [re.split(r" = |  +", text.strip()[3:])[0] for text in lines] == [
        "δ_3", "∇W_23", "∇b_23", "δ_2", "∇W_12", "∇b_12", "δ_1", "∇W_01", "∇b_01",
    ]  # fmt: skip
    assert [text.strip()[0] for text in lines] == list("✓✓✓✗✗✗✗✗✗")
    assert all(re.search(r"error \d\.\de[+-]\d\d", text) for text in lines)
    assert "∇W_23 = l_2ᵀ δ_3" in lines[1]
    assert lines[3].endswith("wrong")
    assert all(text.endswith("wrong, follows from δ_2") for text in lines[4:])
    explained = str(report).split("\n\n")[1:]
    assert explained[0].startswith("δ_2: σ'(s_2) is missing: multiply by σ'(s_2) = l_2 ∘ (1 − l_2)")
    assert repr(report) == str(report)


def test_a_given_array_is_called_alike_in_the_table_and_in_causes_and_as_no_tensor_is():
    r = np.random.default_rng(0)
    w = ag.Tensor(r.normal(size=3), requires_grad=True, name="c_1")
    l = (w * r.normal(size=3)).named("l")  # noqa: E741
    report = check_backprop(np.sum(l**3), {"c_1": 3 * l.data**2})
    assert report["c_1"].cause == "the factor c_2 is missing; c_2 is a given array of shape (3,)"
    with pytest.raises(KeyError, match=r"the report has no entry 'W'; it has .*c_1"):
        report["W"]
    assert report["c_1"].formula == "∂L/∂l ∘ c_2"


def test_report_is_true_where_all_is_right_and_tells_remarks():
    problem = Problem(1, 10, "tanh", 1)
    given = problem.gradients()
    right = check_backprop(problem.recorded(), given)
    wrong = check_backprop(problem.recorded(), problem.gradients("sign"))
    assert right
    assert right.first_wrong is None
    assert "all 3 gradients are right" in str(right)
    assert not wrong
    assert wrong.first_wrong is wrong["s_1"]
    np.testing.assert_allclose(wrong["s_1"].expected, right["s_1"].given)
    text = str(check_backprop(problem.recorded(), {"b_01": given["b_01"][0]}))
    assert text.endswith("right (shape (3,) is taken for (1, 3))")


def test_html_escapes_names():
    w = ag.Tensor(2.0, requires_grad=True, name="<w>")
    report = check_backprop(w * w, {"<w>": "<b>"})
    assert "<w>" not in report._repr_html_()
    assert "∇&lt;w&gt;" in report._repr_html_()
    assert "given:    &#x27;&lt;b&gt;&#x27;" in report._repr_html_()
    assert check_backprop(w * w, {"<w>": 4.0})._repr_html_().count("<tr>") == 1


def test_ratios():
    assert [ratio(v) for v in (0.5, 1 / 3, 10.0, -2 / 3)] == ["0.5", "1/3", "10", "−2/3"]


def test_large_arrays_are_abridged():
    net = nn.MLP([50, 40], "identity", rng=0)
    loss = nn.MSELoss()(net(np.ones((3, 50))), np.ones((3, 40)))
    noise: Any = np.random.default_rng(0).normal(size=(50, 40))
    cause = check_backprop(loss, {"W_01": noise})["W_01"].cause or ""
    assert len(cause) < 500
    assert cause.count("of shape (50, 40)") == 2


def test_a_mistake_of_each_step_is_said_once():
    problem = Problem(4, 10, "tanh", 2)
    given = problem.gradients()
    given |= {n: -given[n] for n in ("W_12", "W_23")}
    text = str(check_backprop(problem.recorded(), given))
    assert text.count("has the wrong sign") == 1
    assert "∇W_23 has the wrong sign (so also ∇W_12)" in text
