"""The exercises, run once each."""

from __future__ import annotations

import re
import runpy
import sys

import numpy as np
import pytest

from examples import exercises


@pytest.fixture(scope="module")
def answers() -> list[list[str]]:
    return [list(exercise()) for exercise in exercises.EXERCISES]


def values(lines: list[str], name: str) -> list[float]:
    """The number after ``name`` in each line that has one."""
    return [float(m[1]) for line in lines if (m := re.search(rf"{name} +(-?[\d.]+)", line))]


def test_small_exercises(answers: list[list[str]]) -> None:
    assert 0 <= float(answers[0][-1].split()[-1]) < 1e-14  # the derivative of sigmoid
    losses = values(answers[1], "loss")  # learning rates both too small and too large
    assert len(losses) == 6
    assert min(losses) < 0.01 < 1 < losses[0]
    assert losses[-1] > 1
    one, *more = values(answers[2], "accuracy")  # one hidden node is not enough
    assert one < 1
    assert more == [1.0] * 5


@pytest.mark.parametrize("number", [4, 5, 6])
def test_default_data_are_learned(answers: list[list[str]], number: int) -> None:
    assert values(answers[number - 1], "accuracy")[-1] >= 0.85
    losses = values(answers[number - 1], "loss")
    assert len(losses) >= 4
    if number != 5:
        assert losses == sorted(losses, reverse=True)


def test_advertising_is_learned_and_said_to_be_synthetic(answers: list[list[str]]) -> None:
    assert "synthetic" in answers[6][0]
    assert values(answers[6], "R²")[-1] > 0.94
    assert values(answers[6], "error")[-1] < 1.3
    (x, sales), again = (exercises.synthetic_advertising() for _ in range(2))
    assert x.shape == (200, 3)
    assert sales.shape == (200, 1)
    assert all(np.array_equal(a, b) for a, b in zip((x, sales), again, strict=True))
    assert sales.min() > 0


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, exercises.__name__)
    runpy.run_module(exercises.__name__, run_name="__main__")
    captured = capsys.readouterr()
    assert captured.out.startswith("1. ∂l₂/∂s₂ = l₂ ∘ (1 − l₂)")
    assert re.findall(r"^(\d)\. ", captured.out, re.MULTILINE) == list("1234567")
    assert captured.err == ""
