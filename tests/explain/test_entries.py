"""Which numbers each number comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.dependence import computed
from autograd_lite.engine.op import apply
from autograd_lite.explain import entries
from autograd_lite.explain.entries import Sources, sources
from autograd_lite.explain.matrices import layout
from autograd_lite.explain.story import Step, tell

from ..each import each
from .reading import chapter


def of(output: ag.Tensor, name: str) -> tuple[Sources, dict[str, str], Step]:
    """The sources of a step, the keys by name, and the step."""
    story = tell(output)
    (step,) = [s for s in story.steps if s.name == name and s.kind != "update"]
    return sources(step), story.keys, step


# Of nets 2-2-1 and 2-4-3-1 with three rows, W_01 is 2×2 and W_12 is 4×3.
@each([
    ((2, 2, 1), "s_1", 3, {"l_0": [2, 3], "W_01": [1, 3], "b_01": [1]}),  # row 1, column 1
    *(((2, 2, 1), "l_1", i, {"s_1": [i]}) for i in range(6)),
    ((2, 2, 1), "∇W_01", 1, {"l_0": [0, 2, 4], "δ_1": [1, 3, 5]}),
    ((2, 4, 3, 1), "δ_1", 6, {"δ_2": [3, 4, 5], "W_12": [6, 7, 8], "l_1": [6]}),  # row 1, column 2
    *(((2, 2, 1), "∇b_01", i, {"δ_1": [i, i + 2, i + 4]}) for i in range(2)),
])  # fmt: skip
def test_the_chapter_s_sources(
    sizes: tuple[int, ...], name: str, entry: int, expected: dict[str, list[int]]
) -> None:
    found, key, _ = of(chapter(rows=3, sizes=sizes), name)
    assert found[entry] == {key[operand]: entries for operand, entries in expected.items()}


def test_it_does_not_depend_on_the_values() -> None:
    found, key, _ = of(chapter(rows=1), "∇b_01")
    assert found == {0: {key["δ_1"]: [0]}, 1: {key["δ_1"]: [1]}}  # a gradient that is another
    x = ag.Tensor([0.0, 0.0, -1.0], requires_grad=True, name="x")
    w = ag.Tensor([0.0, 0.0, 0.0], name="w")
    found, key, _ = of((ag.relu(x) * w).named("y"), "y")
    assert found[2] == {key["x"]: [2], key["w"]: [2]}


def test_an_update_comes_from_the_weight_and_its_gradient() -> None:
    story = tell(chapter(), lr=0.1)
    (step,) = [s for s in story.steps if s.kind == "update" and s.name == "W_12"]
    assert sources(step)[1] == {story.keys["W_12"]: [1], story.keys["∇W_12"]: [1]}
    assert not sources(tell(chapter()).steps[-1])


def test_sources_are_true_of_the_numbers() -> None:
    """Changing an entry changes what is said to come from it, and nothing else."""
    net = nn.MLP([2, 3, 1], rng=1)
    x = np.random.default_rng(0).normal(size=(4, 2))
    loss = nn.MSELoss()(net(x), np.ones((4, 1)))
    for step in tell(loss).steps:
        if step.kind not in ("forward", "loss"):
            continue
        found = sources(step)
        inputs = dict(zip(step.inputs, step.operands, strict=True))
        for tensor, operand in inputs.items():
            for i in range(tensor.size):
                array = tensor.data.copy()
                array.flat[i] += 0.25
                moved = computed(step.region, {tensor: array})
                assert moved is not None
                assert step.value is not None
                changed = set(np.flatnonzero(moved != step.value))
                said = {j for j, by_key in found.items() if i in by_key.get(operand.key, ())}
                assert changed == said


@pytest.mark.parametrize("exact", [True, False])
def test_large_arrays_have_the_sources_that_are_shown(
    monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    if not exact:
        monkeypatch.setattr(entries, "_EXACT", 0)
    rng = np.random.default_rng(0)
    x = ag.Tensor(rng.normal(size=(20, 3)), name="x")
    w = ag.Tensor(rng.normal(size=(3, 30)), requires_grad=True, name="w")
    found, key, step = of((x @ w).named("y"), "y")
    assert list(found) == layout(step.shape).entries
    assert found[19 * 30 + 29] == {key["x"]: [57, 58, 59], key["w"]: [29, 59, 89]}


def test_only_entries_that_are_shown_are_named_and_what_takes_too_long_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = ag.Tensor(np.ones((20, 3)), requires_grad=True, name="x")
    found, key, _ = of(x.sum().named("L"), "L")
    assert found == {0: {key["x"]: layout((20, 3)).entries}}
    assert len(layout((20, 3)).entries) < 60
    monkeypatch.setattr(entries, "_EXACT", 0)
    monkeypatch.setattr(entries, "_MOST_WORK", 0)
    assert of(chapter(), "s_1")[0] == {}


def test_an_op_that_refuses_other_numbers_has_no_false_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entries, "_EXACT", 0)

    def only_once(x: np.ndarray) -> np.ndarray:
        if not np.array_equal(x, [1.0, 2.0]):
            raise ValueError("other numbers")
        return x * 2

    op = ag.Op("picky", only_once, lambda g, y, x: g * 2)
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert of(apply(op, (x,)).named("y"), "y")[0] == {0: {}, 1: {}}


def first(entry: complex, rest: complex = 1.0, name: str = "X") -> ag.Tensor:
    array = np.full((80, 80), rest)
    array[0, 0] = entry
    return ag.Tensor(array, requires_grad=True, name=name)


@each({
    **{f"{bad} given": (lambda x, y: x * y - x, first(bad), "XY") for bad in (np.nan, np.inf)},
    "nan arises": (lambda x, y: np.log(x), first(-5.0), "X"),
    "complex": (lambda x, y: x * 2.0, first(1 + 2j, 1 + 2j), "X"),
})  # fmt: skip
def test_entries_of_large_arrays_come_from_their_own_whatever_they_are(
    f: Any, x: ag.Tensor, operands: str
) -> None:
    with np.errstate(invalid="ignore"):
        h = f(x, first(1.0, name="Y")).named("H")
    found, key, _ = of(np.sum(np.abs(h)), "H")
    assert len(found) > 10
    assert found == {i: {key[operand]: [i] for operand in operands} for i in found}
