"""Derivations: the chapter's, and those of any other graph; each formula is worth its gradient."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latex2mathml.converter import convert

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from autograd_lite.derive import DerivationError
from autograd_lite.derive.tidy import tidied
from autograd_lite.show.expression import Expression, agree, applied, evaluate
from autograd_lite.show.text import text
from autograd_lite.table import OPS

from ..each import each, examples, some
from ..sampling import Sample, samples
from ..test_random_graphs import programs, run


def network(sizes: Any, activation: Any, loss: Any, q: int = 1, **kwargs: Any) -> Tensor:
    """A recorded loss of a network on random data."""
    rng = np.random.default_rng(3)
    net = nn.MLP(sizes, activation, rng=rng, **kwargs)
    for parameter in net.parameters():
        parameter.data = rng.normal(size=parameter.shape)
    y = rng.integers(0, 2, (q, sizes[-1])).astype(float)
    return loss(net(rng.normal(size=(q, sizes[0]))), y)


def results(loss: Tensor) -> dict[str, str]:
    return {step.symbol: step.result for step in ag.derive(loss)}


def run_source(derivation: Any) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(derivation.numpy_source, scope)
    return scope


def test_the_chapter_s_derivation():
    derivation = ag.derive(network([2, 2, 1], "sigmoid", nn.BCELoss()))
    assert [(s.symbol, s.target, s.chain, s.result) for s in derivation] == [
        ("δ_2", "s_2", "∂L/∂s_2 = ∂L/∂l_2 · ∂l_2/∂s_2", "l_2 − y"),
        ("∇W_12", "W_12", "∂L/∂W_12 = ∂L/∂s_2 · ∂s_2/∂W_12", "l_1ᵀ δ_2"),
        ("∇b_12", "b_12", "∂L/∂b_12 = ∂L/∂s_2 · ∂s_2/∂b_12", "δ_2"),
        ("δ_1", "s_1", "∂L/∂s_1 = ∂L/∂s_2 · ∂s_2/∂l_1 · ∂l_1/∂s_1",
         "(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))"),
        ("∇W_01", "W_01", "∂L/∂W_01 = ∂L/∂s_1 · ∂s_1/∂W_01", "l_0ᵀ δ_1"),
        ("∇b_01", "b_01", "∂L/∂b_01 = ∂L/∂s_1 · ∂s_1/∂b_01", "δ_1"),
    ]  # fmt: skip
    assert derivation["δ_2"].formula == "(−y / l_2 + (1 − y) / (1 − l_2)) ∘ (l_2 ∘ (1 − l_2))"
    assert derivation["s_1"].shapes == "1×2 = (1×1 1×2) ∘ (1×2 ∘ (1 − 1×2))"
    assert derivation["W_12"].shapes == "2×1 = 2×1 1×1"
    step = derivation["W_12"]
    shaped = r"\underset{\,2 \times 1\,}{l_{1}^{\top}} \underset{\,1 \times 1\,}{\delta_{2}}"
    assert shaped in step.latex


def test_the_loss_that_one_writes_oneself():
    w = Tensor([[0.3]], requires_grad=True, name="W")
    l_2 = ag.sigmoid((Tensor([[2.0]], name="x") @ w).named("s_2")).named("l_2")
    step = ag.derive(-np.log(l_2)).steps[0]  # of y = 1
    assert (step.symbol, step.formula) == ("δ_2", "(−1 / l_2) ∘ (l_2 ∘ (1 − l_2))")
    assert step.result == "l_2 − 1"


@pytest.mark.parametrize("named", [True, False])
def test_the_cross_entropy_written_out_for_arrays(named: bool):
    w = Tensor([[0.3], [-0.2]], requires_grad=True, name="W")
    x, y = np.array([[2.0, 1.0], [0.5, -1.0], [1.0, 0.0]]), np.array([[1.0], [0.0], [1.0]])
    target = Tensor(y, name="y") if named else y
    l_2 = ag.sigmoid((x @ w).named("s_2")).named("l_2")
    loss = -np.sum(target * np.log(l_2) + (1 - target) * np.log(1 - l_2))
    derivation = ag.derive(loss)
    assert derivation["δ_2"].result == ("l_2 − y" if named else "l_2 − c_2")
    loss.backward()
    np.testing.assert_allclose(run_source(derivation)["dW"], w.grad)


def test_the_value_and_the_text_of_a_step():
    derivation = ag.derive(network([2, 2, 1], "sigmoid", nn.BCELoss()))
    lines = derivation["δ_2"].text.splitlines()
    assert lines[0] == "δ_2 = ∂L/∂s_2 = ∂L/∂l_2 · ∂l_2/∂s_2"
    assert lines[1] == "    = (−y / l_2 + (1 − y) / (1 − l_2)) ∘ (l_2 ∘ (1 − l_2))"
    assert lines[2] == "    = l_2 − y"
    assert lines[3] == "      shapes: 1×1 = 1×1 − 1×1"
    assert lines[4].startswith("      value:  [[")
    assert str(derivation) == "\n\n".join(map(str, derivation))
    assert len(derivation) == 6
    assert derivation[0] is derivation.steps[0]
    with pytest.raises(KeyError, match="no step 'δ_9'; it has δ_2, ∇W_12"):
        derivation["δ_9"]


def test_with_a_batch():
    derivation = ag.derive(network([2, 5, 5, 1], "sigmoid", nn.BCELoss(), q=10))
    found = {s.symbol: s.result for s in derivation}
    assert found["δ_3"] == "(l_3 − y) / q"
    assert found["∇W_23"] == "l_2ᵀ δ_3"
    assert found["∇b_23"] == "1ᵀ δ_3"
    assert found["δ_2"] == "(δ_3 W_23ᵀ) ∘ (l_2 ∘ (1 − l_2))"
    assert derivation["b_12"].shapes == "1×5 = 1×10 10×5"
    assert derivation.text.endswith("q = 10, the rows of the batch")
    summed = network([2, 5, 5, 1], "sigmoid", nn.BCELoss("sum"), q=10)
    assert results(summed)["δ_3"] == "l_3 − y"


def test_other_losses_and_activations():
    squared = results(network([2, 2, 1], "sigmoid", nn.SquaredErrorLoss()))
    assert squared["δ_2"] == "(l_2 − y) ∘ l_2 ∘ (1 − l_2)"
    assert results(network([2, 2, 1], "tanh", nn.MSELoss()))["δ_1"] == "(δ_2 W_12ᵀ) ∘ (1 − l_1²)"
    assert results(network([2, 2, 1], "relu", nn.MSELoss()))["δ_1"] == "(δ_2 W_12ᵀ) ∘ (s_1 > 0)"
    soft = results(network([2, 2, 1], "softplus", nn.MSELoss()))
    assert soft["δ_1"] == "(δ_2 W_12ᵀ) ∘ σ(s_1)"
    linear = results(network([2, 1], "identity", nn.SquaredErrorLoss()))
    assert linear == {"δ_1": "s_1 − y", "∇W_01": "l_0ᵀ δ_1", "∇b_01": "δ_1"}
    assert results(network([2, 1], "identity", nn.MSELoss(), q=4))["δ_1"] == "2 · (s_1 − y) / q"
    logistic = results(network([2, 1], "sigmoid", nn.BCELoss()))
    assert logistic == {"δ_1": "l_1 − y", "∇W_01": "l_0ᵀ δ_1", "∇b_01": "δ_1"}
    logits = results(network([2, 1], "identity", nn.BCEWithLogitsLoss()))
    assert logits["δ_1"] == "σ(s_1) − y"


def test_softmax_and_cross_entropy():
    net = nn.MLP([2, 3], output="identity", rng=0)
    loss = nn.CrossEntropyLoss()(net(np.ones((4, 2))), [0, 1, 2, 0])
    assert results(loss)["δ_1"] == "(softmax(s_1) − y) / q"
    w = Tensor(np.ones((2, 3)), requires_grad=True, name="W")
    s = (Tensor(np.array([[0.5, 2.0]]), name="x") @ w).named("s_1")
    p = nn.softmax(s).named("p")
    step = ag.derive(-np.sum(Tensor([[0.0, 1.0, 0.0]], name="y") * np.log(p)))["δ_1"]
    assert step.chain == "∂L/∂s_1 = ∂L/∂p · ∂p/∂s_1"
    assert step.result == "p − y"


def test_residual_connections_are_sums_over_paths():
    rng = np.random.default_rng(0)
    w = Tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    h_1 = np.tanh(Tensor(rng.normal(size=(5, 3)), name="x") @ w).named("h_1")
    h_2 = (h_1 + np.tanh(h_1 @ w)).named("h_2")
    derivation = ag.derive(np.sum(h_2 * h_2).named("L"))
    assert derivation["h_2"].result == "2 · h_2"
    assert derivation["h_1"].result == "∂L/∂h_2 + (∂L/∂h_2 ∘ (1 − tanh(h_1 W)²)) Wᵀ"
    assert derivation["W"].chain == "∂L/∂W = ∂L/∂h_2 · ∂h_2/∂W + ∂L/∂h_1 · ∂h_1/∂W"
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    a, b = (x * x * x).named("a"), np.exp(x * 1.5).named("b")
    step = ag.derive(np.sum(a * b).named("L"))["x"]
    paths = set(step.chain.removeprefix("∂L/∂x = ").split(" + "))
    assert paths == {"∂L/∂a · ∂a/∂x", "∂L/∂b · ∂b/∂x"}


def test_wrt_limits_the_steps_to_what_leads_there():
    loss = network([2, 2, 2, 1], "tanh", nn.MSELoss())
    assert [s.symbol for s in ag.derive(loss, wrt="W_12")] == ["δ_3", "δ_2", "∇W_12"]
    asked = ag.named_tensors(loss)["l_2"]
    assert [s.symbol for s in ag.derive(loss, wrt=[asked])] == ["δ_3", "∂L/∂l_2"]
    with pytest.raises(
        KeyError, match="no tensor with a gradient is called 'W_99'; there are W_01"
    ):
        ag.derive(loss, wrt=["W_99"])


def test_names_that_are_no_identifiers_or_are_missing():
    x = Tensor([1.0, 2.0], requires_grad=True, name="lambda")
    w = Tensor([0.5, 0.25], requires_grad=True)
    y = (x * Tensor([3.0, 4.0], name="1/x")).named("损失 <1>")
    z = (y * y + np.sum(Tensor(1.0, name="np") * y) * np.tanh(w)).named("np")
    derivation = ag.derive(np.sum(z))
    scope = run_source(derivation)
    steps = {step.symbol: step for step in derivation}
    for symbol, name in (("∇lambda", "dlambda"), ("∇w_1", "dw_1")):
        np.testing.assert_allclose(scope[name], steps[symbol].value)
    for step in derivation:
        convert(step.latex)


def test_a_sign_before_a_sign_stands_in_parentheses():
    x, y = Tensor([1.0, 2.0], True, "x"), Tensor([3.0, 4.0], True, "y")
    (step,) = ag.derive(np.sum(x ** np.negative(-y)), wrt="x")
    assert step.formula == "−(−y) ∘ x^(−(−y) − 1)"
    assert r"-(-y) \circ  x^{-(-y) - 1}" in step.latex
    assert "<B>x</B> − (−<B>y</B>)" in ag.draw(np.sum(x - (-y))).source


def test_errors():
    with pytest.raises(RuntimeError, match=r"derive: nothing that .* requires a gradient"):
        ag.derive(Tensor(1.0))
    with pytest.raises(TypeError, match=r"derive: a Tensor is derived, .* and not MLP; nn\.derive"):
        ag.derive(nn.MLP([1, 1]))
    with pytest.raises(ValueError, match=r"derive: a tensor of shape .* has 2 elements"):
        ag.derive(Tensor([1.0, 2.0], requires_grad=True) * 2)
    loss = network([2, 2, 1], "sigmoid", nn.BCELoss())
    with ag.no_grad():
        assert ag.derive(loss)["δ_2"].result == "l_2 − y"  # which is none


def test_a_formula_that_does_not_hold_and_an_op_without_source_are_said():
    calls = count(1)
    moody = ag.Op("moody", np.positive, lambda g, out, x: g * next(calls))
    odd = ag.Op("odd", lambda x: x + 1, lambda g, out, x: g)
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(DerivationError, match="the formula for ∇x is not worth the gradient"):
        ag.derive(np.sum(moody(x)))
    derivation = ag.derive((odd(x).named("h") * x).sum())
    assert derivation["h"].result == "x"
    with pytest.raises(NotImplementedError, match="op 'odd' has no form as NumPy code"):
        derivation.numpy_source  # noqa: B018


def test_a_saturated_prediction_keeps_its_guard():
    net = nn.MLP([1, 1], "sigmoid")
    net["W_01"].data = [[800.0]]
    step = ag.derive(nn.BCELoss()(net([[1.0]]), [[0.0]]))["δ_1"]
    assert "e−308" in step.formula
    np.testing.assert_array_equal(evaluate(step.simple), step.value)


def test_a_truth_is_a_number_to_a_function_in_the_source():
    h = Tensor([0.5, -0.25], requires_grad=True, name="h")
    scope = run_source(ag.derive(np.sum(np.logaddexp(h, h - 1))))
    np.testing.assert_allclose(scope["dh"], [1.0, 1.0])


def test_what_a_maximum_does_with_nan_is_written_where_there_is_some():
    x = Tensor([[1.0, 3.0, 2.0], [0.0, 4.0, 4.0]], requires_grad=True, name="x")
    chosen = "(x = maxⱼ(x)) / Σ_j(x = maxⱼ(x))"
    assert ag.derive((x.max(axis=1) ** 2).sum())["x"].formula == f"2 · maxⱼ(x) ∘ ({chosen})"
    x.data = [[1.0, np.nan, 2.0], [0.0, 4.0, 4.0]]
    assert "where(x ≠ x, nan, " in ag.derive((x.max(axis=1) ** 2).sum())["x"].formula


def test_numpy_source_is_what_one_would_write():
    source = ag.derive(network([2, 5, 1], "sigmoid", nn.BCELoss(), q=4)).numpy_source
    for line in (
        "delta_2 = (l_2 - y) / q\n", "dW_12 = l_1.T @ delta_2\n",
        "delta_1 = delta_2 @ W_12.T * (l_1 * (1 - l_1))\n",
    ):  # fmt: skip
        assert line in source


def test_latex_and_markdown_show_each_step():
    derivation = ag.derive(network([2, 3, 1], "leaky_relu", nn.SquaredErrorLoss(), q=3))
    assert derivation.markdown == derivation._repr_markdown_()
    assert derivation.markdown.count("$$") == 2 * len(derivation)
    assert derivation.latex.count(r"\begin{aligned}") == len(derivation)
    w = ag.Tensor([[1.0], [2.0]], requires_grad=True, name="w")
    (step,) = ag.derive((np.ones((1, 2)) @ w / np.sqrt(3)).named("s"))
    assert r"{\sqrt{3}}" in step.latex
    z = ag.Tensor(np.eye(2), requires_grad=True, name="z")
    (step,) = ag.derive((np.exp(z).max(axis=1) * z.sum(axis=1)).sum())
    assert r"\sum _{j}(z)" in step.latex
    assert r"\operatorname{max}_{j}(" in step.latex
    h = np.square(np.exp(z).named("h"))
    turned = np.cross(Tensor([1.0, 2.0, 3.0], True, "v"), [3.0, 1.0, 2.0]).sum()
    assert r"\times" in ag.derive(turned).latex
    assert r"\nabla_{\eta_{1}}" in ag.derive(np.sum(Tensor([1.0], True, name="η_1") ** 2)).latex
    assert ag.derive(h.sum().named("L"))["h"].latex.startswith(
        "\\begin{aligned}\n\\frac{\\partial L}{\\partial h} &= 2 "
    )


SAMPLES = [s for s in samples() if all(np.prod(shape) > 0 for shape in s.case.shapes)]


@each(some(SAMPLES, 4), by=lambda sample: sample.op.name)
def test_every_op_is_derived_and_written_as_numpy_code(sample: Sample):
    rng = np.random.default_rng(11)
    inputs = [
        Tensor(x, requires_grad=bool(vjp), name=f"x_{i}")
        for i, (x, vjp) in enumerate(zip(sample.inputs(rng), sample.op.vjps, strict=False))
    ]
    out = sample.op(*inputs, **sample.case.params).named("out")
    weights = Tensor(rng.normal(size=out.shape), name="weights")
    loss = np.real(np.sum(out * weights)) if out.dtype.kind == "c" else np.sum(out * weights)
    derivation = ag.derive(loss)
    scope = run_source(derivation)
    np.testing.assert_allclose(scope["out"], out.data, rtol=1e-12)
    loss.backward()
    for i, x in enumerate(inputs):
        if x.requires_grad:
            np.testing.assert_allclose(scope[f"dx_{i}"], x.grad, rtol=1e-9, atol=1e-12)
            assert scope[f"dx_{i}"].shape == x.shape
            step = derivation[f"x_{i}"]
            convert(step.latex)
            assert step.text
            assert step.shapes


def test_constants_that_are_not_finite():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    odd = np.where(np.array([True, False]), 1.0, np.where([True, False], np.nan, 1 / x))
    for loss, expected in (
        (np.sum(x * np.array([np.inf, -1.0])), [np.inf, -1.0]),
        (np.sum(x * odd), [1.0, 0.0]),
        (np.sum(np.where(np.array([np.inf, np.nan]) > 5, x, 2 * x)), [1.0, 2.0]),
    ):
        found = run_source(ag.derive(loss))["dx"]
        np.testing.assert_array_equal(found, expected)


def test_many_paths_and_depth_need_no_recursion():
    x = Tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(60):
        y = y + y
    assert float(ag.derive(y)["x"].value) == 2.0**60
    z = x
    for _ in range(3000):
        z = z * 1.0001
    assert ag.derive(z)["x"].value == pytest.approx(1.0001**3000)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.sampled_from(["sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity"]),
    st.sampled_from([nn.SquaredErrorLoss, nn.MSELoss, nn.BCEWithLogitsLoss]),
    st.integers(1, 5),
    st.sampled_from(["mean", "sum"]),
)
def test_random_networks(sizes: Any, activation: str, loss: Any, q: int, reduction: str):
    output = "identity" if loss is nn.BCEWithLogitsLoss else None
    value = network(sizes, activation, loss(reduction), q, output=output)
    derivation = ag.derive(value)
    scope = run_source(derivation)
    value.backward()
    tensors = ag.named_tensors(value)
    for step in derivation:
        np.testing.assert_allclose(step.value, tensors[step.target].grad, rtol=1e-12)
        written = scope["delta_" + step.target[2:] if step.symbol[0] == "δ" else "d" + step.target]
        np.testing.assert_allclose(written, step.value, rtol=1e-8, atol=1e-12)


def test_formulas_read_as_one_would_write_them():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = Tensor([3.0, 4.0], name="y")
    z = (x * 3.0).named("z")
    for value, formula, result in (
        (-z * y * y / y, "−(1 / y) ∘ y ∘ y", "−y"),
        ((y - z) ** 2 / 2, "−(1 / 2) · (2 · (y − z))", "z − y"),
        (np.exp(-z) * z, "exp(−z) − z ∘ exp(−z)", "(1 − z) ∘ exp(−z)"),
        (z**3 / 3, "(1 / 3) · (3 · z²)", "z²"),
        (1 / z, "−1 / z / z", "−1 / z²"),
        (-0.5 * z, "−0.5", "−0.5"),
        (np.log(z) * y, "y / z", "y / z"),
        (z.sum() ** 2, "2 · Σ(z)", "2 · Σ(z)"),
        (z.T @ y, "y", "y"),
        (z - z, "0", "0"),
    ):
        step = ag.derive(np.sum(value))["z"]
        assert (step.formula, step.result) == (formula, result)


def test_a_minus_has_parentheses_where_it_could_be_read_as_another():
    a, b = (Tensor(np.arange(4.0).reshape(2, 2) + k, True, name) for k, name in enumerate("ab"))
    for value, formula in (
        (np.exp(a @ -b), "exp(a (−b)) (−b)ᵀ"),
        (np.exp(-(a @ b)), "−exp(−a b) bᵀ"),
        (np.exp(a * -b), "exp(a ∘ (−b)) ∘ (−b)"),
        (np.exp(-(a * b)), "−exp(−a ∘ b) ∘ b"),
        (np.exp(-(a + b)), "−exp(−(a + b))"),
    ):
        assert ag.derive(np.sum(value))["a"].formula == formula
    v = Tensor([1.0, 2.0], name="v")
    step = ag.derive(np.sum(np.exp(np.exp(-a @ v))))["a"]
    assert step.result == "(−exp(−a v) ∘ exp(exp(−a v))) vᵀ"


def test_long_sub_expressions_get_a_name_of_their_own():
    x = Tensor([0.1, 0.2], requires_grad=True, name="x")
    y = x
    for k in range(30):
        y = np.sin(y * (1.0 + k))
    derivation = ag.derive(y.sum())
    (step,) = derivation.steps
    assert len(step.definitions) > 3
    assert all(d.expression.size <= 60 for d in step.definitions)
    assert len(step.formula) < 400
    assert "with u_1 = " in step.text
    assert r"\text{with } u_{1} = " in step.latex
    y.sum().backward()
    np.testing.assert_allclose(run_source(derivation)["dx"], x.grad, rtol=1e-9)


def test_data_that_were_looked_at_or_changed_since():
    loss = network([2, 2, 1], "sigmoid", nn.BCELoss(), q=3)
    held = {name: tensor.data for name, tensor in ag.named_tensors(loss).items()}
    assert ag.derive(loss)["W_01"].result == "l_0ᵀ δ_1"
    held["W_01"][0, 0] += 1.0
    with pytest.raises(ValueError, match=r"the data of W_01 of shape .* were changed since"):
        ag.derive(loss)


@settings(deadline=None, max_examples=examples(40))
@given(programs())
def test_random_programs(drawn: tuple[Any, int]):
    program, seed = drawn
    rng = np.random.default_rng(seed)
    x = Tensor(rng.uniform(-1, 1, (2, 3)), requires_grad=True, name="x")
    y = Tensor(rng.uniform(-1, 1, (1, 3)), requires_grad=True, name="y")
    derivation = ag.derive(run(program, x, y))
    scope = run_source(derivation)
    for step in derivation:
        written = scope["d" + step.target]
        assert written.shape == step.value.shape
        np.testing.assert_allclose(written, step.value, rtol=1e-7, atol=1e-9)
        assert step.text
        convert(step.latex)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_targets_of_truth_values_give_the_formulas_of_0_and_1(reduction: Any) -> None:
    def derivation(y: Any) -> ag.Derivation:
        p = Tensor([[0.2], [0.7]], requires_grad=True, name="p")
        return ag.derive(nn.BCELoss(reduction)(p, Tensor(y, name="y")))

    y = np.array([[True], [False]])
    (found,), (expected,) = derivation(y).steps, derivation(y.astype(float)).steps
    assert text(found.given) == text(expected.given)
    assert text(found.simple) == text(expected.simple)
    assert np.array_equal(found.value, expected.value)


def test_an_input_that_an_op_has_no_derivative_by_gets_no_step_and_no_path() -> None:
    half = ag.Op("half", lambda a, b: a * b, lambda g, out, a, b: g * b, None)
    x, w = (Tensor([1.0, 2.0], requires_grad=True, name=n) for n in "xw")
    h, k = (w * 2).named("h"), (w * 3).named("k")
    chosen = np.where(w, x, 0.0)
    for output, symbols in (
        (half(x, h), ["∇x"]), (chosen, ["∇x"]), (chosen * w, ["∇x", "∇w"]),
    ):  # fmt: skip
        assert [s.symbol for s in ag.derive(np.sum(output)).steps] == symbols
    *_, step = ag.derive(np.sum(half(h, k))).steps
    assert step.symbol == "∇w"
    assert step.paths == [[("L", "h"), ("h", "w")]]
    assert np.array_equal(step.value, 6 * w.data)


@each([np.float16, np.float32, np.float64, np.complex64])
def test_a_wrong_value_agrees_in_no_precision(dtype: Any) -> None:
    a = Expression(np.array([1, 2, 4000], dtype), "a")
    assert agree(a, a.value)
    assert agree(a, a.value * (1 + 4 * np.finfo(dtype).eps).astype(dtype))
    for wrong in ([1, 2, 5000], [1, 3, 4000], [1, 2, -4000], [1, 2, np.inf], [1, 2, np.nan]):
        assert not agree(a, np.array(wrong, dtype))
    large = Expression(np.array([60000, np.inf, np.nan], dtype), "a")
    assert agree(large, large.value)
    assert not agree(large, -large.value)  # without a warning of half precision's


def test_a_mask_isnt_taken_for_the_sign_of_what_it_made_zero():
    mask, s = np.tri(3, dtype=bool), ag.Tensor(np.eye(3), requires_grad=True, name="S")
    a = nn.softmax(np.where(mask, s, -np.inf)).named("A")
    found = ag.derive((a @ np.arange(9.0).reshape(3, 3)).sum())["S"].result
    assert found == "A ∘ (∂L/∂A − Σ_j(∂L/∂A ∘ A))"


def test_what_is_added_within_a_logarithm_beside_a_whole_number_is_left_out():
    x = Tensor([0.5, 2.0], requires_grad=True, name="x")
    for value, result in ((x + (1 + 1e-7), "1 / (1 + x)"), ((3 + 1e-7) - x, "−1 / (3 − x)"),
                          (x + 1e-7, "1 / x"), (x + 1.5, "1 / (1.5 + x)")):  # fmt: skip
        derivation = ag.derive(np.sum(np.log(value)))
        assert derivation["x"].result == result
        assert ("Left out" in derivation.text) == ("1.5" not in result)


def test_an_array_of_one_entry_is_a_number():
    x = Tensor([[0.5], [2.0]], requires_grad=True, name="x")
    assert ag.derive(np.sum(x * np.array([1.0])))["x"].result == "1"
    assert ag.derive(np.sum(x**2 * np.array([1.0])))["x"].result == "2 · x"


@each([1e200, -1e-200, 3e155, 1.7e308, 5e-324])
def test_numbers_whose_powers_are_too_large_for_floats(c: float):
    for f in (lambda x: (c * x) ** 2, lambda x: (x + c) ** 3 / c, lambda x: c / (1 + x**2),
              lambda x: np.exp(-x / c) + x / c / c):  # fmt: skip
        x = Tensor([1.5, 0.5], requires_grad=True, name="x")
        with np.errstate(all="ignore"):
            derivation = ag.derive(np.sum(f(x)))
            scope: dict[str, Any] = {}
            exec(derivation.numpy_source, scope)
        np.testing.assert_allclose(scope["dx"], derivation["x"].value, rtol=1e-12)


def second(f: Any, x: Tensor) -> ag.Derivation:
    """The second derivative."""
    with np.errstate(all="ignore"):
        return ag.derive(ag.gradients(f(x).sum(), [x], create_graph=True)[0].sum())


def test_a_rule_that_asks_whether_a_product_overflowed_is_derived():
    x = Tensor([1e200, 1e200, 0.5], requires_grad=True, name="x")
    assert second(np.cumprod, x)["x"].value.shape == (3,)


def test_a_series_with_large_numbers_is_derived():
    x = Tensor([-0.3, 0.4], requires_grad=True, name="x")
    derivation = second(lambda x: np.sinc(x) ** 2, x)
    np.testing.assert_allclose(derivation["x"].value, derivation["x"].simple.value, rtol=1e-9)


def test_what_has_no_entries_is_derived():
    for shape, f in (((1, 0), lambda x: np.triu(x.prod(-1) + x)), ((0, 3), lambda x: x @ x.T),
                     ((0,), lambda x: np.diag(np.sqrt(x**2 + 1))),
                     ((0, 3), lambda x: np.linalg.det(x @ x.T + np.eye(0)))):  # fmt: skip
        x = Tensor(np.zeros(shape), requires_grad=True, name="x")
        found = run_source(ag.derive(np.sum(f(x) ** 2)))
        assert np.broadcast_to(found["dx"], shape).size == 0


def test_comparisons_of_complex_numbers_are_derived():
    x = Tensor([1 + 2j, -1 - 0.5j], requires_grad=True, name="x")
    for f in (lambda x: np.maximum(x, 0), lambda x: x * (x > 0), lambda x: np.where(x != 1, x, 0)):
        derivation = ag.derive(np.sum(np.abs(f(x)) ** 2))
        np.testing.assert_allclose(run_source(derivation)["dx"], derivation["x"].value)


CUBE = ag.Op("exp", lambda x: x**3, lambda g, out, x: 3 * g * x**2)  # of a name that is taken
OF_COMPLEX = {
    "2 · conj(z)": lambda z: np.sum(np.abs(z) ** 2),
    "(0.3−1j) · z": lambda z: np.sum(np.real((0.3 - 1j) * z**2)) / 2,
    "2 · 1j · z": lambda z: np.sum(np.real(1j * z * z)),
    "(1−3j) · exp(z)": lambda z: np.real((1 - 3j) * np.exp(z)).sum(),
    "fft(2 · conj(fft(z)))": lambda z: np.sum(np.abs(np.fft.fft(z)) ** 2),
    "6 · z²": lambda z: np.sum(np.real(2 * CUBE(z))),
}  # fmt: skip


@each(OF_COMPLEX.items())
def test_sums_and_products_of_complex_numbers_are_written_as_those_of_real_ones(
    expected: str, f: Any
):
    z = Tensor([1 + 2j, -1 - 0.5j, 0.25], requires_grad=True, name="z")
    derivation = ag.derive(f(z))
    assert derivation["z"].result == expected
    np.testing.assert_allclose(run_source(derivation)["dz"], ag.grad(f)(z.data), rtol=1e-12)


def test_products_of_vectors_are_written_without_the_axes_that_rules_give_them() -> None:
    rng = np.random.default_rng(0)
    x, h, s = (ag.Tensor(rng.normal(size=3), name=n) for n in ("x", "h", "s"))
    w, u, v = (
        ag.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name=n) for n in ("W", "U", "V")
    )
    a = (np.tanh(x @ w) @ u).named("a")
    found = ag.derive(((v @ (a * h)).named("b") @ s).named("L"))
    assert found["∇V"].formula == "s (a ∘ h)ᵀ"
    assert found["∂L/∂a"].formula == "(Vᵀ s) ∘ h"
    assert found["∇U"].formula.startswith("tanh(x W) ")
    assert found["∇W"].formula.startswith("x ((U ∂L/∂a) ∘ ")
    assert "None" not in found.text
    for step in found:
        np.testing.assert_allclose(evaluate(step.given), step.value)


@each([
    ((slice(None), None), "x yᵀ"), ((..., None), "x yᵀ"),
    ((slice(None, None, -1), None), "x[::−1, None] ∘ y"), (([0, 1, 1], None), None),
])  # fmt: skip
def test_only_a_vector_as_it_is_makes_an_outer_product(index: Any, expected: str | None) -> None:
    x, y = Expression([1.0, 2.0, 3.0], "x"), Expression([4.0, 5.0, 6.0], "y")
    column = applied(OPS["getitem"], x, index=index)
    product = applied(OPS["multiply"], column, y)
    found = tidied(product)
    assert found.is_called("outer") == (expected == "x yᵀ")
    np.testing.assert_array_equal(evaluate(found), product.value)


def test_axes_that_were_put_to_an_array_are_not_taken_away_in_a_formula() -> None:
    rng = np.random.default_rng(0)
    x, c = ag.Tensor(rng.normal(size=(4, 2))), ag.Tensor(rng.normal(size=(3, 2)), True, "C")
    distances = (x[:, None] - c[None, :, :]).named("d")
    found = ag.derive((distances**2).sum().named("L"))["∇C"]
    assert found.formula == "Σ_i(−∂L/∂d)"
    np.testing.assert_allclose(evaluate(found.given), found.value)


def test_a_negative_multiple_is_subtracted() -> None:
    x, y = (ag.Tensor([1.0, 2.0], requires_grad=True, name=n) for n in "xy")
    for loss, formula in (
        ((-3.0 * np.exp(x) + x * y).sum(), "y − 3 · exp(x)"),
        ((x * y - np.exp(-2.0 * x)).sum(), "2 · exp(−2 · x) + y"),
    ):
        assert ag.derive(loss.named("L"))["∇x"].formula == formula


def test_a_sign_has_no_slope_and_its_square_is_a_mask() -> None:
    x = ag.Tensor([0.5, -2.0, 0.0, 1.0], requires_grad=True, name="x")
    for loss, formula in (
        (np.sign(x) * np.maximum(np.abs(x) - 0.7, 0), "|x| > 0.7"),
        (np.sign(x) * np.log1p(np.abs(x)), "(x ≠ 0) / (1 + |x|)"),
    ):
        step = ag.derive(np.sum(loss).named("L"))["∇x"]
        assert step.result == formula
        np.testing.assert_array_equal(evaluate(step.simple), step.value)


def test_vectors_that_are_undetermined_and_used_by_nothing() -> None:
    x = ag.Tensor(np.outer([1.0, -0.5, 2.0], [0.3, 1.0, -1.0, 0.7]), True, "x")
    for _ in range(2):
        u, s, v = np.linalg.svd(x, full_matrices=False)
        x = x + (u[:, :1] * s[:1]) @ v[:1] * np.eye(3, 4)
    derivation = ag.derive((np.sum(u[:, :1] * s[:1]) + np.sum(v[:1])).named("L"))
    np.testing.assert_allclose(run_source(derivation)["dx"], derivation["x"].value)


def test_a_part_of_a_part_is_that_of_the_whole() -> None:
    x = ag.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True, name="X")
    w = ag.Tensor(np.arange(4.0), requires_grad=True, name="w")
    for nested, direct in (
        (x[1:3][0] * w, x[1] * w),
        (x[1][2] * w[0], x[1, 2] * w[0]),
        (x[:, 1:][:, 0] ** 2, x[:, 1] ** 2),
        (x[1:][:, 2:][0, 0] * w, x[1, 2] * w),
        (x.reshape(3, 1, 4)[1, 0, 1:] ** 2, x[1, 1:] ** 2),
    ):
        texts = [[s.result for s in ag.derive(np.sum(t).named("L"))] for t in (nested, direct)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("n", [6, 7])
def test_a_factor_that_is_written_stays_beside_a_mean_over_n(n: int) -> None:
    rng = np.random.default_rng(0)
    x, y = ag.Tensor(rng.normal(size=(n, 3)), name="X"), ag.Tensor(rng.normal(size=n), name="y")
    w = ag.Tensor(rng.normal(size=3), requires_grad=True, name="w")
    for k in (0.1, 0.01):
        loss = np.mean((x @ w - y) ** 2) + k * np.sum(w**2)
        assert ag.derive(loss.named("L"))["w"].result.endswith(f" + {2 * k:g} · w")


def test_a_number_that_is_1_by_the_rows_is_not_written_by_them() -> None:
    rng = np.random.default_rng(0)
    x, y = ag.Tensor(rng.normal(size=(5, 3)), name="X"), ag.Tensor(rng.normal(size=5), name="y")
    a, c = ag.Tensor(rng.normal(size=5), True, "a"), ag.Tensor(1.0, True, "c")
    kernel = ((x @ x.T + c) ** 3).named("K")
    loss = np.sum((kernel @ a - y) ** 2) + 0.1 * (a @ kernel @ a)
    assert ag.derive(loss.named("L"))["a"].result == "2 · K (K a + 0.1 · a − y)"
