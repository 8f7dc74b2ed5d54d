"""The benchmark runs, and its contenders train to the same weights. No time is asserted."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from .__main__ import contenders, main
from .nets import CONTENDERS, PROBLEMS


def test_it_prints_a_table_for_each_network(capsys: pytest.CaptureFixture[str]):
    main(["--rounds", "2", "--calls", "2"])
    printed = capsys.readouterr().out
    for problem in PROBLEMS:
        assert f"| {problem.name} | µs a step | ratio to hand-written |" in printed
    assert printed.count("| autograd_lite |") == len(PROBLEMS)
    assert "| hand-written NumPy |" in printed


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_a_contender_that_trains_otherwise_is_refused(
    problem: Any, monkeypatch: pytest.MonkeyPatch
):
    def wrong(problem: Any) -> Any:
        step, weights = CONTENDERS["hand-written NumPy"](problem)
        return step, lambda: [2 * w for w in weights()]

    monkeypatch.setitem(CONTENDERS, "autograd_lite", wrong)
    with pytest.raises(AssertionError, match="autograd_lite"):
        contenders(problem)


def test_a_library_that_is_not_installed_is_left_out_and_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    really = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name in ("torch", "jax", "autograd", "mygrad"):
            raise ImportError(name=name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert list(contenders(PROBLEMS[0])) == ["hand-written NumPy", "autograd_lite"]
    assert "PyTorch: not installed (torch)" in capsys.readouterr().err
