"""The steps of a page: which there are, in which order, and what each holds."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.engine.modes import trace
from autograd_lite.engine.op import apply
from autograd_lite.explain.story import LARGE, MOST_OPERANDS, MOST_STEPS, Step, Story, tell
from autograd_lite.show.expression import nodes
from autograd_lite.show.text import text
from autograd_lite.show.words import Words

from ..each import each
from .reading import chapter


def named(story: Story, name: str) -> Step:
    (found,) = [s for s in story.steps if s.name == name and s.kind != "update"]
    return found


def leaf(*numbers: complex, name: str = "x") -> ag.Tensor:
    return ag.Tensor(numbers, requires_grad=True, name=name)


def formulas(step: Step) -> dict[str, str]:
    return {f.kind: text(f.right) for f in step.formulas if f.right is not None}


def test_the_chapter_s_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = chapter()
    story = tell(loss)
    assert [(step.kind, step.name) for step in story.steps] == [
        *(("forward", name) for name in ("s_1", "l_1", "s_2", "l_2")),
        ("loss", "L"),
        *(("backward", name) for name in ("δ_2", "∇W_12", "∇b_12", "δ_1", "∇W_01", "∇b_01")),
        *(("update", name) for name in ("W_12", "b_12", "W_01", "b_01")),
    ]
    assert not any(g.contributions for g in story.backward.gradients)  # nothing is used twice
    by_name = {t.name: n for t, n in story.numbers.items()}
    for symbol, key, name in (("s_1", "v", "s_1"), ("δ_1", "g", "s_1"), ("∇W_01", "g", "W_01")):
        assert story.keys[symbol] == f"{key}{by_name[name]}"
    s_1, delta = named(story, "s_1"), named(story, "δ_2")
    assert formulas(s_1) == {"formula": "l_0 W_01 + b_01"}
    assert [m.name for m in s_1.operands] == ["l_0", "W_01", "b_01"]
    x, w, b = (m.array for m in s_1.operands)
    assert np.array_equal(s_1.value, x @ w + b)  # type: ignore[arg-type]
    assert [m.name for m in named(story, "δ_1").operands] == ["δ_2", "W_12", "l_1"]
    assert [f.kind for f in delta.formulas] == ["chain", "local", "local", "result"]
    assert delta.formulas[0].paths == [[("L", "l_2"), ("l_2", "s_2")]]
    local = [(f.left, text(f.right)) for f in delta.formulas if f.kind == "local"]
    assert local == [
        (["∂L/∂l_2"], "−y / l_2 + (1 − y) / (1 − l_2)"), (["∂l_2/∂s_2"], "l_2 ∘ (1 − l_2)"),
    ]  # fmt: skip
    assert formulas(delta)["result"] == "l_2 − y"


def test_gradients_are_the_engines_and_the_update_has_numbers_by_the_learning_rate() -> None:
    loss = chapter(rows=3)
    without, story = tell(loss).steps[-1], tell(loss, lr=0.5)
    assert without.value is None
    assert formulas(without) == {"result": "b_01 − α · ∇b_01"}
    loss.backward()
    for step in story.steps:
        if step.kind == "backward":
            np.testing.assert_array_equal(step.value, step.tensor.grad)
    update = story.steps[-1]
    assert update.value is not None
    np.testing.assert_allclose(update.value, -0.5 * named(story, "∇b_01").value)  # type: ignore[operator]
    assert update.value.dtype == update.tensor.dtype


def test_the_line_is_that_of_the_users_code() -> None:
    x = ag.Tensor([1.0], requires_grad=True, name="x")
    with ag.source_lines():
        y = (x * x).named("y")
        z = y.sum()
    lines = {step.name: step.line for step in tell(z).steps if step.line is not None}
    assert lines["y"].text == 'y = (x * x).named("y")'
    assert lines["L"].text == "z = y.sum()"
    assert lines["∂L/∂y"] == lines["y"]
    assert lines["∇x"] == lines["y"]  # a leaf's gradient is of where it is used


# ---------------------------------------------------------------------- the figure's classes


def test_each_gradient_has_its_way_from_those_before_it() -> None:
    story = tell(chapter())
    n = {story.names[t]: i for t, i in story.numbers.items()}
    delta, dw = named(story, "δ_2"), named(story, "∇W_12")
    expected = {f"t{n['s_2']}", f"b{n['L']}-{n['l_2']}", f"b{n['l_2']}-{n['s_2']}"}
    assert set(delta.figure) == expected
    assert set(dw.figure) == {f"t{n['W_12']}", f"b{n['s_2']}-{n['W_12']}"}


def test_every_class_of_a_step_is_in_the_figure_and_all_arrows_are_walked_at_the_end() -> None:
    from autograd_lite.explain.page import drawn as draw_story

    for output in (chapter(), _reused(), _recurrent(3)):
        story = tell(output)
        figure = draw_story(story, Words("en"))
        assert figure is not None
        source = figure.source
        drawn = {name for found in re.findall('class="(.*?)"', source) for name in found.split()}
        for step in story.steps:
            assert drawn.issuperset(step.figure), step.name
        arrows = {name for name in drawn if re.fullmatch(r"b\d+-\d+", name)}
        assert arrows
        walked = {name for step in story.steps for name in step.figure if name.startswith("b")}
        assert arrows == walked


# ---------------------------------------------------------------------- used more than once


def _reused() -> ag.Tensor:
    x = ag.Tensor([[1.0, 2.0]], name="x")
    w = ag.Tensor([[1.0, 0.5], [0.2, 0.1]], requires_grad=True, name="w")
    h = (x @ w).named("h")
    a, b = (h * 3).named("a"), ag.exp(h).named("b")
    return (a * b).sum().named("L")


def _recurrent(n: int) -> ag.Tensor:
    w = ag.Tensor([[0.3, 0.1], [-0.2, 0.4]], requires_grad=True, name="W")
    h = ag.Tensor(np.ones((1, 2)), name="h_0")
    for i in range(1, n + 1):
        h = ag.tanh(h @ w).named(f"h_{i}")
    return h.sum().named("L")


def test_what_each_use_contributes_adds_up_to_the_gradient() -> None:
    story = tell(_reused())
    step = named(story, "∂L/∂h")
    assert step.gradient.uses == ("h", 2)
    through_a, through_b = step.gradient.contributions
    assert [story.names[part.through] for part in (through_a, through_b)] == ["a", "b"]
    h = np.array([[1.4, 0.7]])
    np.testing.assert_allclose(through_a.array, 3 * np.exp(h))
    np.testing.assert_allclose(through_b.array, 3 * h * np.exp(h))
    many = named(tell(_recurrent(12)), "∇W")
    assert many.gradient.uses == ("W", 12)
    assert sum(len(part.uses) for part in many.gradient.contributions) == 12
    assert len(many.gradient.contributions) < 12  # they are taken together
    for found in (step, many):
        total = sum(part.array for part in found.gradient.contributions)
        np.testing.assert_allclose(total, found.value)  # type: ignore[arg-type]


def test_an_activation_that_is_used_twice_shows_at_the_sum_before_it() -> None:
    s = ag.Tensor([0.5, -1.0], requires_grad=True, name="s_0") * 1
    out = ag.sigmoid(s.named("s_1")).named("l_1")
    loss = (-(ag.log(out) + ag.log(1 - out))).sum().named("L")
    step = named(tell(loss), "δ_1")
    assert step.gradient.uses == ("l_1", 2)
    p = 1 / (1 + np.exp(-np.array([0.5, -1.0])))
    np.testing.assert_allclose(step.gradient.contributions[0].array, -(1 - p))
    np.testing.assert_allclose(step.gradient.contributions[1].array, p)


def test_what_was_written_in_numpy_is_told_by_what_it_means() -> None:
    x, y = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]]), np.array([0, 1, 1])
    w, v = (ag.Tensor(np.eye(2), requires_grad=True, name=n) for n in "wv")
    z = (x @ w + x @ v).named("z")
    e = np.exp(z - z.max(1, keepdims=True))
    p = (e / e.sum(1, keepdims=True)).named("p")
    story = tell(-np.log(p[np.arange(3), y]).mean())
    told = {step.name: text(step.formulas[0].right) for step in story.steps[:3]}  # type: ignore[arg-type]
    assert told == {"z": "c_1 w + c_1 v", "p": "softmax(z)", "L": "−mean(log(p[i, y]))"}
    assert named(story, "∂L/∂z").gradient.contributions == []  # the shift is none of the formula
    assert [m.name for m in named(story, "z").operands] == ["c_1", "w", "v"]
    assert dict(story.backward.remarks)["given"]["y"] == "[0 1 1]"


def test_a_gradient_starts_from_what_stands_in_its_formula() -> None:
    rng = np.random.default_rng(0)
    s, v = (ag.Tensor(rng.normal(size=(3, 3)), True, name) for name in "SV")
    mask = np.where(np.tri(3) > 0, 0, -1e9)
    e = np.exp(s + mask - (s + mask).max(axis=1, keepdims=True))
    a = (e / e.sum(axis=1, keepdims=True)).named("A")
    story = tell(((a @ v).named("O") ** 2).mean().named("L"))
    step = next(step for step in story.steps if step.key == f"g{story.numbers[s]}")
    assert [m.name for m in step.operands] == ["A", "∂L/∂A"]
    assert set(step.inputs.values()) == {m.key for m in step.operands}


def test_operands_stand_in_the_order_of_the_formula() -> None:
    x, w_q, w_k = (ag.Tensor(np.eye(3) + i, True, n) for i, n in enumerate(("X", "W_Q", "W_K")))
    q, k = (x @ w_q).named("Q"), (x @ w_k).named("K")
    story = tell((q @ k.T / np.sqrt(3)).named("S").sum().named("L"))
    assert [m.name for m in named(story, "S").operands] == ["Q", "K"]


def _parameters(*shapes: tuple[int, ...], scale: float = 0.5) -> list[ag.Tensor]:
    rng = np.random.default_rng(0)
    arrays = [scale * rng.normal(size=shape) for shape in shapes]
    return [ag.Tensor(x, requires_grad=True, name=n) for x, n in zip(arrays, "wvbg", strict=False)]


def _softmax(z: ag.Tensor) -> ag.Tensor:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _attention(x: np.ndarray, scale: float = 0.5) -> ag.Tensor:
    w, v = _parameters((4, 3), (4, 3), scale=scale)
    return ((_softmax((x @ w).named("Q") @ (x @ v).named("K").T) @ x).named("O") ** 2).sum()


def _layers(x: np.ndarray, *, normalised: bool = False, masked: bool = False, scale: float = 0.5):
    w, v, b = _parameters((4, 5), (5, 1), (5,), scale=scale)
    s = (x @ w + b).named("s")
    if normalised:
        s = ((s - s.mean(0)) / np.sqrt(s.var(0) + 1e-5)).named("n")
    h = s * (s.data > 0) * (np.arange(5) % 2 > 0) if masked else 1 / (1 + np.exp(-s))
    p = 1 / (1 + np.exp(-(h.named("h") @ v)))
    return -np.mean(np.log(p + 1e-9))


PROGRAMS = {
    "attention": _attention,
    "attention at zero weights": lambda x: _attention(x, 0.0),
    "no names": lambda x: (np.tanh(x @ _parameters((4, 2))[0]) ** 2).mean(),
    "sigmoids": _layers,
    "sigmoids at zero weights": lambda x: _layers(x, scale=0.0),
    "a bias before batch normalisation": lambda x: _layers(x, normalised=True),
    "boolean masks": lambda x: _layers(x, masked=True),
}


@each(PROGRAMS)
def test_every_symbol_of_a_program_in_numpy_is_explained_where_it_stands(program: Any) -> None:
    story = tell(program(np.random.default_rng(1).normal(size=(6, 4))))
    said = {name for remark in story.backward.remarks for name in remark.symbols}
    for step in story.steps:
        names = {n.name for f in step.formulas if f.right is not None for n in nodes(f.right)}
        left = [f.left[0] for f in step.formulas if f.kind == "with"]
        parts = {n.name for x in left if not isinstance(x, str) for n in nodes(x)} | {
            x for x in left if isinstance(x, str)
        }
        assert names <= {*story.keys, *said, *parts, "α", None}, step.name
        assert step.kind != "backward" or not step.notes, step.name


def test_what_has_a_symbol_is_written_out_once() -> None:
    def written(loss: ag.Tensor) -> list[tuple[str, str, str]]:
        return [
            (step.name, text(f.left[0]), text(f.right)) for step in tell(loss).steps
            for f in step.formulas if f.kind == "with" and not isinstance(f.left[0], str)
        ]  # fmt: skip

    assert written(chapter()) == [
        ("l_1", "σ(s_1)", "1 / (1 + exp(−s_1))"),
        ("L", "ℓ(l_2, y)", "−y ∘ log(l_2) − (1 − y) ∘ log(1 − l_2)"),
    ]
    assert written(chapter(rows=3))[1][2] == "mean(−y ∘ log(l_2) − (1 − y) ∘ log(1 − l_2))"
    s = leaf(1, 2)
    own = (1 / (1 + np.exp(-s)) + ag.relu(s * 2)).sum().named("L")
    assert {what[1:] for what in written(own)} == {
        ("σ(x)", "1 / (1 + exp(−x))"), ("relu(z)", "max(z, 0)"),
    }  # fmt: skip
    assert written((s @ s + np.tanh(s).mean()).named("L")) == []


# ---------------------------------------------------------------------- any graph


def test_a_formula_that_is_not_worth_the_gradient_is_not_shown() -> None:
    calls = count(1)
    op = ag.Op("moody", np.positive, lambda g, y, x: g * next(calls))
    step = named(tell(apply(op, (leaf(1, 2),)).sum().named("L")), "∇x")
    assert step.notes == ["no_formula"]
    assert [f.kind for f in step.formulas] == ["chain"]
    x = leaf(np.nan, np.inf, 1.0)
    assert named(tell((x * x).sum().named("L")), "∇x").notes == []


def test_an_output_of_several_numbers_is_taken_with_ones() -> None:
    x = leaf(1, 2)
    story = tell((x * x).named("y"))
    assert story.steps[0].kind == "forward"
    np.testing.assert_array_equal(named(story, "∇x").value, [2.0, 4.0])  # type: ignore[arg-type]


def test_names_that_are_not_there_or_there_twice() -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="a")
    y = np.exp((x * 2).named("a"))  # an unnamed result that is used twice
    story = tell((y * y * np.array([1.0, 3.0])).named("a"))
    assert len(set(story.names.values())) == len(story.names)
    assert {"a", "a(2)", "v_1"} <= set(story.names.values())


def test_a_large_graph_is_told_by_its_named_results_and_abridged_in_the_middle() -> None:
    x = h = ag.Tensor(np.ones((1, 2)), requires_grad=True, name="x")
    for i in range(LARGE):
        h = ag.tanh(h) * h
        if i % 20 == 0:
            h = h.named(f"h_{i}")
    story = tell(h.sum().named("L"))
    assert story.is_large
    forward = [s.name for s in story.steps if s.kind in ("forward", "loss")]
    assert forward == ["h_0", "h_20", "h_40", "L"]
    assert all(len(s.operands) <= MOST_OPERANDS for s in story.steps)
    for i in range(MOST_STEPS):
        x = ag.tanh(x).named(f"h_{i}")
    story = tell(x.sum().named("L"))
    assert len(story.steps) == MOST_STEPS
    assert story.left_out[0] == MOST_STEPS // 2
    assert story.left_out[1] > 0


def test_what_gets_no_gradient_has_no_step_backward_and_no_update() -> None:
    half = ag.Op("half", lambda a, b: a * b, lambda g, out, a, b: g * b, None)
    none = ag.Op("none", lambda a: a * 1.0, None)
    with trace():
        constant = (ag.Tensor([1.0, 2.0], name="x") * 2).named("y")
    backward = [("backward", "∇x"), ("update", "x")]
    for output, expected in (
        (np.sum(half(leaf(1, 2), leaf(1, 2, name="y"))), [("loss", "L"), *backward]),
        (np.sum(none(leaf(1, 2))), [("loss", "L")]),
        (constant, [("forward", "y")]),
    ):
        assert [(s.kind, s.name) for s in tell(output, lr=0.1).steps] == expected


def test_classes_have_a_story() -> None:
    net = nn.MLP([2, 4, 3], output="identity", rng=0)
    loss = nn.CrossEntropyLoss()(net(np.ones((5, 2))), [0, 1, 2, 1, 0])
    kinds = [step.kind for step in tell(loss).steps]
    assert kinds.count("loss") == 1
    assert kinds.count("backward") == 6


# ---------------------------------------------------------------------- errors


def test_what_can_not_be_told() -> None:
    x, changed, z = leaf(1), leaf(1, 2), leaf(1 + 2j)
    y = (changed * changed).sum()
    changed.data = np.array([3.0, 4.0])
    with ag.no_grad():
        unrecorded = x * x
    for output, error, said in (
        *((output, TypeError, "explain: a Tensor is explained")
          for output in (3.0, None, np.ones(2), "loss")),
        (x, ValueError, r"nothing was recorded for .*requires_grad=True"),
        (unrecorded, ValueError, "no_grad"),
        (y, ValueError, r"explain: the data of .*x.* were changed"),
        (z * z, TypeError, "complex"),
    ):  # fmt: skip
        with pytest.raises(error, match=said):
            tell(output)  # type: ignore[arg-type]


def test_half_precision_shows_formulas_without_a_warning() -> None:
    x = ag.Tensor(np.float16([1.0, 100.0]), requires_grad=True, name="x")
    step = named(tell(np.sum(x * x * 2)), "∇x")
    assert step.value is not None
    assert step.value.dtype == np.float16
    assert "given" in formulas(step)


def test_an_update_of_complex_numbers_goes_downhill() -> None:
    w = np.array([1j, 2.0])

    def loss(z: ag.Tensor) -> ag.Tensor:
        return np.abs(np.sum(z * w) - 3) ** 2

    z = leaf(1 + 2j, 3 - 1j, name="z")
    step = tell(loss(z), lr=0.05).steps[-1]
    (gradient,) = ag.gradients(loss(z), [z])
    assert formulas(step)["result"] == "z − α · conj(∇z)"
    assert step.value is not None
    assert np.allclose(step.value, z.data - 0.05 * np.conj(gradient))
    assert loss(ag.Tensor(step.value)).item() < loss(z).item()
    real = tell(np.sum(np.abs(leaf(1, 2) * 1j) ** 2), lr=0.1).steps[-1]
    assert formulas(real)["result"] == "x − α · ∇x"  # though by way of complex ones


def test_a_name_means_one_array_in_the_figure_and_in_all_formulas():
    rng = np.random.default_rng(0)
    w, u = (ag.Tensor(np.eye(2), True, name) for name in "WU")
    x, h = rng.normal(size=(3, 1, 2)), np.zeros((1, 2))
    for t in range(3):
        h = np.tanh(x[t] @ u + h @ w).named(f"h_{t + 1}")
    told = tell(np.where(np.tri(1, 2, dtype=bool), h, 0).sum())
    arrays = {told.names[t]: t.numpy() for t in told.numbers}
    used = [e for step in told.steps for f in step.formulas if f.right for e in nodes(f.right)]
    found = {e.name: np.ravel(e.value) for e in used if e.name in arrays}
    assert {"c_1", "c_2", "c_3", "c_4", "c_5"} == {name for name in found if name[0] == "c"}
    for name, values in found.items():
        np.testing.assert_array_equal(values, arrays[name].ravel())
    assert told.steps[0].formulas[0].right is not None
    assert text(told.steps[0].formulas[0].right) == "tanh(c_1 U + c_2 W)"
    assert told.backward.remarks[0].symbols.keys() <= arrays.keys()


def test_the_root_of_a_norm_is_not_written_out_as_another_root() -> None:
    x = ag.Tensor([3.0, 4.0], requires_grad=True, name="x")
    assert [f.kind for f in tell(np.linalg.norm(x)).steps[0].formulas] == ["formula"]
