"""The output that the README shows of the examples is what they print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples import check_my_backprop
from examples.chapter4.__main__ import main

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out + "\n".join(check_my_backprop.main())
    lines = {" ".join(line.split()) for line in printed.splitlines()}
    shown = re.findall(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(shown) == 2
    for line in "\n".join(shown).splitlines():
        assert " ".join(line.split()) in lines
