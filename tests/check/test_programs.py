"""Of the mistakes that are planted in learners' programs, so many are named, and no right one is.

``python -m tests.check.programs`` prints which.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.check import check_backprop

from ..each import each, some
from .planted import CONVENTION, Program, base, blamed, judge, sentence
from .programs_apart import APART
from .programs_fresh import FRESH
from .programs_loops import LOOPS
from .programs_more import MORE
from .programs_nets import NETS
from .programs_others import OTHERS
from .programs_right import RIGHT, Case, explanation, meaningless
from .programs_sequences import SEQUENCES
from .programs_styles import STYLES
from .programs_unseen import UNSEEN

SAMPLE = 16  # one in so many mistakes is judged here; the command judges all
# The share of these that must be named truly.
NAMED = {"nets": 0.89, "sequences": 0.84, "apart": 0.88, "more": 0.92, "fresh": 0.92, "styles": 0.9,
         "others": 0.9, "loops": 0.95, "unseen": 0.9}  # fmt: skip
SETS = {"nets": NETS, "sequences": SEQUENCES, "apart": APART, "more": MORE, "fresh": FRESH,
        "styles": STYLES, "others": OTHERS, "loops": LOOPS, "unseen": UNSEEN}  # fmt: skip
ALWAYS = {  # that are judged, one of a kind that wasn't named, or not truly
    "probs /= np.sum(probs)", "(1 - hs[t] ** 2) * d_h", "d_h = Whh.T @ d_h",
    "g = f[j] - (j == y[i])", "dW[:, j] = g * X[i]", "dlogits += ce / B * pi * logp",
    "dg[:, k] = dout.sum(axis=1)", "(yhat - y)", "l1 = np.maximum(0, l1)", "np.sign(td) / B",
    "dk += -dt * np.sin(th[t + 1]) * gom", "gom = gom * (1 + dt * c)", "(A2 - Y) / m",
    "gs = A[n] * (gA - (gA * A[n]).sum(axis=-1, keepdims=True))", "gq = gs.T @ k",
}  # fmt: skip
EVERY = {program.name: program for of in SETS.values() for program in of}


@each(EVERY)
def test_right_lines_give_the_gradients(program: Program):
    loss, given = program.gradients()
    tensors = ag.named_tensors(loss)
    for name, array in given.items():
        (right,) = ag.gradients(loss, [tensors[name]])
        if name not in program.convention.split():
            assert np.shape(array) == right.shape, name
            np.testing.assert_allclose(array, right.data, rtol=1e-9, atol=1e-12, err_msg=name)


@each(EVERY)
def test_what_has_no_names_is_derived_and_its_source_gives_the_gradients(program: Program):
    space = program.computed()
    loss, scope = space["loss"], {}
    exec(ag.derive(loss).numpy_source, scope)
    for name in program.params.split():
        (right,) = ag.gradients(loss, [space[name]])
        np.testing.assert_allclose(scope[f"d{name}"], right.data, rtol=1e-6, atol=1e-9)


@each(EVERY)
def test_each_mistake_changes_what_is_handed_in(program: Program):
    _, right = program.gradients()
    planted = [(mistake.line, mistake.wrong) for mistake in program.mistakes]
    assert len(set(planted)) == len(planted)
    for mistake in program.mistakes:
        _, wrong = program.gradients(mistake)
        changed = {base(name, program) for name in wrong if not same(wrong[name], right[name])}
        own = re.sub(r"\[.*|\..*| .*", "", mistake.line)[1:]
        assert changed & set((mistake.blamed or own).split()), mistake


def test_each_of_these_is_named():
    chosen = [(p, m) for p in STYLES for m in p.mistakes if m.wrong in ALWAYS]
    verdicts = [(m.wrong, judge(p, m)) for p, m in chosen]
    assert {wrong for wrong, _ in verdicts} == ALWAYS
    assert not [(wrong, v.said) for wrong, v in verdicts if v.kind != "named"]


def same(a: ag.Tensor | np.ndarray, b: np.ndarray) -> bool:
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("of", SETS)
def test_mistakes_are_named(of: str):
    planted = [(program, mistake) for program in SETS[of] for mistake in program.mistakes]
    sample = some(planted, SAMPLE)
    kinds = [judge(program, mistake).kind for program, mistake in sample]
    share = kinds.count("named") / len(kinds)
    assert share >= NAMED[of], f"{share:.3f}"


def complaint(loss: ag.Tensor, given: dict[str, Any], accepted: str = "") -> str:
    """What is held against right gradients; of those that are accepted, but for the convention."""
    try:
        report = check_backprop(loss, given)
    except Exception as error:
        return repr(error)
    said = {entry.name: sentence(entry.cause) for entry in blamed(report)}
    return "; ".join(
        f"{name}: {cause}"
        for name, cause in said.items()
        if name not in accepted.split() or not re.search(CONVENTION, cause)
    )


@each(EVERY)
def test_right_programs_are_right(program: Program):
    loss, given = program.gradients()
    single = {name: np.asarray(array, np.float32) for name, array in given.items()}
    said = [complaint(loss, arrays, program.convention) for arrays in (given, single)]
    assert not any(said), said


@each({case.__name__: case for case in RIGHT})
def test_what_is_right_by_another_way_is_right(case: Callable[[], Case]):
    said = complaint(*case())
    assert not said


@each(dict(some(EVERY.items(), 12)))
def test_what_means_nothing_is_given_no_cause(program: Program):
    said = [explanation(*case) for case in meaningless(program)]
    assert not any(said), said
