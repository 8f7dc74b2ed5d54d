"""The exercises, run once each."""

from __future__ import annotations

import json
import re
import runpy
import sys
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from examples import exercises
from examples.chapter4.words import LANGUAGES, Words

from ..explain.reading import Page


@pytest.fixture(scope="module")
def found() -> list[list[Any]]:
    return [list(exercise(Words())) for exercise in exercises.EXERCISES]


@pytest.fixture(scope="module")
def answers(found: list[list[Any]]) -> list[list[str]]:
    return [[line for line in lines if isinstance(line, str)] for lines in found]


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


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_has_the_lines_and_the_pictures(
    found: list[list[Any]], tmp_path: Path, lang: str
) -> None:
    say = Words(lang)
    lines = list(exercises.exercise_1(say)) if lang == "zh" else found[1]
    exercises.write_page(tmp_path / "exercise_2.html", say("exercise_2"), lines, say)
    html = (tmp_path / "exercise_2.html").read_text(encoding="utf-8")
    root = Page(html).root
    assert escape(say("exercise_2")) in html
    pictures = [x["src"] for x in root.all("img")]
    assert pictures == [f"exercise_2_{i + 1}.svg" for i in range(2 if lang == "en" else 1)]
    assert all({"width", "height"} <= x.attributes.keys() for x in root.all("img"))
    for name in pictures:
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")
    if lang == "en":
        assert html.count("<pre>") == 1
        assert "\n".join(line for line in lines if isinstance(line, str)) in html
    else:
        assert sum(len(x.all("p")) for x in root.all("div", "formulas")) == 3


CODE, NOTEBOOK = (Path(exercises.__file__).parent / name for name in exercises.YOURSELF)
SOLVED = {
    "todo(l_2)": "l_2 - y", "todo(w_12)": "l_1.T @ delta_2",
    "todo(l_2[:1])": "delta_2.sum(0, keepdims=True)",
    "todo(l_1)": "delta_2 @ w_12.T * l_1 * (1 - l_1)",
    "todo(l_0.T @ l_1)": "l_0.T @ delta_1", "todo(l_1[:1])": "delta_1.sum(0, keepdims=True)",
}  # fmt: skip


def judged(text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    exec(compile(text, str(CODE), "exec"), {"__name__": "yours"})
    return [line for line in capsys.readouterr().out.splitlines() if line[0] in "✓✗"]


def test_each_line_of_the_template_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    text = CODE.read_text(encoding="utf-8")
    empty = judged(text, capsys)
    assert empty[0].startswith("✗ ∂L/∂s_2: not written yet: all zeros")
    assert len(empty) == len(SOLVED)
    assert {line[0] for line in empty} == {"✗"}
    for todo, line in SOLVED.items():
        assert todo in text
        text = text.replace(todo, line)
    assert {line[0] for line in judged(text, capsys)} == {"✓"}
    wrong = judged(text.replace(" * (1 - l_1)", ""), capsys)
    assert [line[0] for line in wrong] == list("✓✓✓✗✗✗")
    assert "the factor 1 − l_1 is missing" in next(line for line in wrong if "s_1" in line)


def test_the_notebook_has_the_template_s_cells() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    cell = r"# %%(?: \[markdown\])?\n(.*?)(?=\n# %%|\Z)"
    parts = re.findall(cell, CODE.read_text("utf-8"), re.DOTALL)
    assert len(cells) == len(parts)
    for found, part in zip(cells, parts, strict=True):
        text = part.strip("\n")
        if found["cell_type"] == "markdown":
            text = re.sub("^# ?", "", text, flags=re.MULTILINE)
        assert "".join(found["source"]) == text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_one_writes_oneself_has_the_language_s_words(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exercises.write_yourself(tmp_path, Words(lang))
    text, notebook = ((tmp_path / x.name).read_text(encoding="utf-8") for x in (CODE, NOTEBOOK))
    assert judged(text, capsys) == judged(CODE.read_text(encoding="utf-8"), capsys)
    cells = json.loads(notebook)["cells"]
    words = ["".join(x["source"]) for x in cells if x["cell_type"] == "markdown"]
    if lang == "en":
        assert text == CODE.read_text(encoding="utf-8")
        assert json.loads(notebook) == json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    else:
        comments = re.findall(r"# %% \[markdown\]\n((?:#.*\n)+)", text)
        assert [re.sub("^# ?", "", x, flags=re.MULTILINE).strip() for x in comments] == words
        assert all(re.search("[\u4e00-\u9fff]", x) for x in words)


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, exercises.__name__)
    monkeypatch.setattr(sys, "argv", ["exercises"])
    runpy.run_module(exercises.__name__, run_name="__main__")
    captured = capsys.readouterr()
    assert captured.out.startswith("1. ∂l₂/∂s₂ = l₂ ∘ (1 − l₂)")
    assert re.findall(r"^(\d)\. ", captured.out, re.MULTILINE) == list("1234567")
    assert captured.err == ""
