"""The planted mistake is found, in the batch and in the function."""

from __future__ import annotations

import runpy
import sys

import pytest

from examples import check_my_backprop

CAUSE = "δ_2: σ'(s_2) is computed from s_2 where l_2 belongs: σ'(s_2) = l_2 ∘ (1 − l_2)"


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, check_my_backprop.__name__)
    runpy.run_module(check_my_backprop.__name__, run_name="__main__")
    captured = capsys.readouterr()
    assert captured.err == ""
    batch, function = captured.out.split("The function itself")
    for part in (batch, function):
        lines = part.splitlines()
        assert lines.count(CAUSE) == 1
        assert sum(" right" in line for line in lines) == 3
        assert sum("follows from δ_2" in line for line in lines) == 5
    assert "smallest input found, 1 row" in function
