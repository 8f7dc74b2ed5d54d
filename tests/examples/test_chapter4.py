"""The chapter's example, run once, and what is to be seen of it."""

from __future__ import annotations

import io
import os
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stdout
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_lite as ag
import nn
from examples import check_my_backprop
from examples.chapter4 import by_hand, lesson, networks, numbers, plots, sections
from examples.chapter4.__main__ import main
from examples.chapter4.data import DATA_2, DEFAULT_FILE, Data, DataError, read_default
from examples.chapter4.figures import Picture
from examples.chapter4.numbers import Number, Section, Source
from examples.chapter4.words import TEXTS, Words

from ..each import each
from ..explain.reading import Page

# As the book prints them; zeros that NumPy leaves out at the end are filled in.
BOOK = {
    "4.1.1": """
        2.13470015 1.67673736 1.36190603 1.13485563 0.96600061 0.83689858 [1_1_0_0]
        2.88349771 2.88123070 2.87979810 2.87874047 2.87800035 2.87749129 [1_0_1_1]""",
    "4.1.2": """
        4.05018207 2.93567526 2.82539712 0.07301895 0.02847156 0.01767868 0.01317388 [1_0_0_1]
        (0.01,_0.96) (0.00,_0.03) (0.98,_1.00) (0.01,_0.98)""",
    "4.2": """
        (0.3,_0.4) (0.57444252,_0.59868766) 0.177 0.54417993 0.78565712
        (0.57444252,_0.59868766) 0.54417993 0.78565712""",
    "4.3": """
        0.54417993 (0.31260009,_0.32579381) 0.54417993 (-12.41,_12.11) (-1.65108245,_1.58364831)
        (0.00000000,_0.00000000;_-1.65108245,_1.58364831) (-1.65108245,_1.58364831)""",
    "4.4.1": "4.05018 2.93568 2.82540 0.07302 0.02847 0.01768 0.01317",
    "4.4.2": "",
}
BOOK_ON_OTHER_DATA = (
    "66.246 / 0.700", "31.835 / 0.920", "31.192 / 0.890", "30.969 / 0.890", "30.801 / 0.890",
)  # fmt: skip
OURS_ON_DEFAULT = (
    "70.699 / 0.520", "32.670 / 0.860", "32.022 / 0.860", "31.325 / 0.860", "30.798 / 0.860",
)  # fmt: skip
PAGES = {"steps_4-3.html", "steps_4-4-1.html"}
FIGURES = {f"fig_4-{n:02}.svg" for n in (1, *range(3, 23))}
GOOD_ROWS = [f"{100 + i}.5 {2000 + i} {'Yes' if i % 3 else 'No'}" for i in range(12)]


class Run(NamedTuple):
    out: Path
    status: int
    printed: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("chapter") / "deep" / "out"
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = main(["--out", str(out)])
    return Run(out, status, printed.getvalue())


@pytest.fixture(scope="module")
def chapter() -> networks.Chapter:
    return networks.train_all(read_default(DEFAULT_FILE))


@pytest.fixture(scope="module")
def found(chapter: networks.Chapter) -> dict[str, Section]:
    return {section.number: section for section in sections.all_sections(chapter, 100)}


def test_the_readme_shows_what_is_printed(run: Run) -> None:
    printed = run.printed + "\n".join(check_my_backprop.main())
    lines = {" ".join(line.split()) for line in printed.splitlines()}
    readme = DEFAULT_FILE.parents[2] / "README.md"
    shown = re.findall(r"```text\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert len(shown) == 2
    for line in "\n".join(shown).splitlines():
        assert " ".join(line.split()) in lines


def failing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a run that fails with status 2 and writes nothing else."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("chapter4: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


# ---------------------------------------------------------------------- numbers


FORMULAS = {
    "4.3": 2  # of nn's net, and of the chapter's own code
    * ["l_2 − y", "l_1ᵀ δ_2", "δ_2", "(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))", "l_0ᵀ δ_1", "δ_1"],
    "4.4.2": ["(δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)", "l_iᵀ δ_{i+1}", "1ᵀ δ_{i+1}"],
}


@pytest.mark.parametrize("number", BOOK)
def test_each_formula_and_number_of_the_book_agrees(found: dict[str, Section], number: str) -> None:
    formulas = [n for n in found[number].numbers if isinstance(n, numbers.Formula)]
    assert [n.text for n in formulas] == FORMULAS.get(number, [])
    assert [n.mark for n in formulas] == ["✓"] * len(formulas)
    of_the_book = [
        n for n in found[number].numbers if n.source is Source.BOOK and n not in formulas
    ]
    assert [n.text for n in of_the_book] == [s.replace("_", " ") for s in BOOK[number].split()]
    assert [n.printed for n in of_the_book] == [n.text for n in of_the_book]


def test_default_data_agree_with_the_loop_by_hand(found: dict[str, Section]) -> None:
    rows = found["4.4.2"].numbers
    by_hand_rows = [n for n in rows if n.source is Source.BY_HAND]
    assert [n.text for n in by_hand_rows[:5]] == list(OURS_ON_DEFAULT)
    assert all(n.agrees for n in by_hand_rows)
    assert "difference" in by_hand_rows[5].what
    other = [n for n in rows if n.source is Source.OTHER_DATA]
    assert [n.printed for n in other] == list(BOOK_ON_OTHER_DATA)
    assert {n.mark for n in other} == {"·"}


def test_by_hand_loop_equals_fit_in_every_epoch(chapter: networks.Chapter) -> None:
    start = list(networks.default_start().values())
    biases = [np.zeros((1, w.shape[1])) for w in start]
    copies = [w.copy() for w in start]
    trained = chapter.default
    hand = by_hand.train(trained.data, start, biases, lr=0.5, epochs=200, batch_size=10)
    assert len(hand) == len(trained.losses) == 200
    np.testing.assert_allclose([e.loss for e in hand], trained.losses, rtol=1e-9, atol=0)
    np.testing.assert_allclose([e.accuracy for e in hand], trained.accuracy, rtol=1e-12)
    assert all(np.array_equal(a, b) for a, b in zip(start, copies, strict=True))
    assert not any(b.any() for b in biases)


def test_by_hand_loop_gives_what_was_worked_out_on_paper() -> None:
    # At first p = ½ and δ = (−½, ½) / 2, hence ∇w = (−1 + 3) / 4 and ∇b = 0.
    data = Data(np.array([[1.0], [3.0]]), np.array([[1.0], [0.0]]))
    first, second = by_hand.train(data, [np.zeros((1, 1))], [np.zeros((1, 1))], 1, 2, 2)
    assert first.loss == pytest.approx(2 * np.log(2))
    assert first.accuracy == 0.5
    w, b = -0.5, 0.0
    p = 1 / (1 + np.exp(-(data.x[:, 0] * w + b)))
    assert second.loss == pytest.approx(-np.log(p[0]) - np.log(1 - p[1]))
    assert by_hand.sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_both_deltas_of_4_3_are_shown_and_explained(found: dict[str, Section]) -> None:
    section = found["4.3"]
    by_name = {n.what: n for n in section.numbers}
    assert by_name["δ₁, trained W₁₂"].text == "(-1.65108245, 1.58364831)"
    assert by_name["δ₁, W₁₂ = (0.1, 0.2)"].text == "(0.01330293, 0.02614901)"
    assert "trained in 4.1.2" in " ".join(section.remarks)


def test_plain_forward_is_the_same_on_arrays_and_tensors() -> None:
    arrays = (DATA_2.x, np.full((2, 3), 0.1), np.zeros((1, 3)), np.full((3, 1), 0.2), 0.5)
    on_arrays = sections.plain_forward(*arrays)
    on_tensors = sections.plain_forward(*[ag.Tensor(array) for array in arrays])
    for a, t in zip(on_arrays, on_tensors, strict=True):
        assert type(a) is np.ndarray
        assert np.array_equal(a, t.data)


@each([
    ("0.50", 0.495001, "0.50", True),
    ("0.50", 0.494999, "0.49", False),
    ("[1 0 1]", [1, 0, 0], "[1 0 0]", False),
    ("(0.00; -1.5)", [[-0.001], [-1.5]], "(0.00; -1.5)", True),
    ("1.0 / 2", (1.0, float("nan")), "1.0 / nan", False),
])
def test_agreement_is_to_the_digits_printed(printed: str, ours: Any, text: str, agrees: bool):
    number = Number("x", printed, ours)
    assert number.text == text
    assert number.agrees is agrees
    assert number.mark == "✗✓"[agrees]


def test_agreement_counts_what_is_to_be_compared() -> None:
    rows = [Number("a", "1", 1), Number("b", "1", 2), Number("c", "1", 2, Source.OTHER_DATA)]
    assert numbers.agreement([Section("1", "t", rows)]) == (1, 2)
    wrong = numbers.Formula("δ_1", "l_1 − y", "l_1 + y")
    assert (wrong.agrees, wrong.mark) == (False, "✗")
    with pytest.raises(ValueError, match=r"x: 3 values for '\(1, 2\)'"):
        _ = Number("x", "(1, 2)", [1, 2, 3]).text


# ---------------------------------------------------------------------- the run


def test_run_prints_every_number_with_its_mark(run: Run, found: dict[str, Section]) -> None:
    assert run.status == 0
    for section in found.values():
        assert str(section) in run.printed
    assert "✗" not in run.printed
    rows = sum(len(section.numbers) for section in found.values())
    assert len(re.findall(r"^  [✓·] ", run.printed, re.MULTILINE)) == rows
    assert f"{rows - 5} of {rows - 5} numbers and formulas agree as printed" in run.printed
    assert "is not at hand" in run.printed


def test_status_is_1_where_a_number_disagrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nn, "SGD", lambda p, lr: nn.Momentum(p, lr, 0.1))
    assert main(["--out", str(tmp_path)]) == 1
    assert "✗" in capsys.readouterr().out
    assert 'class="bad"' in (tmp_path / "index.html").read_text(encoding="utf-8")


NODES = {  # circles and ellipses
    "4-01": 4 + 1, "4-03": 4 + 1, "4-09": 7 + 3, "4-12": 7, "4-13": 4 + 5 + 4 + 1, "4-14": 5,
    "4-15": 9 + 4, "4-16": 11 + 5, "4-17": 11 + 5, "4-18": 11 + 5, "4-19": 11 + 5, "4-20": 11 + 5,
    "4-21": 12 + 4, "4-22": 2 + 5 + 5 + 1,
}  # fmt: skip
DASHED = {"4-14": 2, "4-17": 2, "4-18": 4, "4-19": 4, "4-20": 6}


def test_every_figure_is_there_and_is_valid_with_the_nodes_and_arrows_of_the_book(run: Run) -> None:
    assert {path.name for path in run.out.iterdir()} == FIGURES | PAGES | {"index.html"}
    for name in FIGURES:
        root = ElementTree.parse(run.out / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(root.iter())) > 10
    for figure, nodes in NODES.items():
        svg = (run.out / f"fig_{figure}.svg").read_text(encoding="utf-8")
        assert svg.count("<ellipse ") == nodes, figure
        dashed = re.findall(r"<path [^>]*stroke-dasharray", svg)
        assert len(dashed) == DASHED.get(figure, 0), figure


def test_index_shows_every_number_and_caption_and_refers_to_each_file(
    run: Run, found: dict[str, Section]
) -> None:
    html = (run.out / "index.html").read_text(encoding="utf-8")
    elements = Page(html).root.all()
    assert all(value for x in elements for value in x.attributes.values())
    links = {x[name] for x in elements for name in ("src", "href") if name in x.attributes}
    anchors = {link for link in links if link[0] == "#"}
    assert links - anchors == FIGURES | PAGES
    assert anchors <= {f"#{x['id']}" for x in elements if "id" in x.attributes}
    assert "://" not in html
    assert "url(" not in html
    assert html.count("<tr>") + html.count("<tr class=") == (
        sum(len(section.numbers) + 1 for section in found.values())
    )
    html = re.sub("</?sub>", "", html)
    lowered = str.maketrans("", "", "_{}")
    for number in (n for section in found.values() for n in section.numbers):
        cells = (number.what, number.printed, number.text)
        row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        assert row.translate(lowered) in html
    for n in (1, *range(3, 23)):
        assert html.count(f"<b>Fig. 4-{n}</b>") == 1


def test_the_lesson_in_chinese(run: Run, chapter: networks.Chapter) -> None:
    say = Words("zh")
    pictures = {
        f"4-{n}": Picture(name, say(f"4-{n}"), (run.out / name).read_text(encoding="utf-8"), True)
        for n in (1, *range(3, 23)) for name in [f"fig_4-{n:02}.svg"]
    }  # fmt: skip
    found = sections.all_sections(chapter, 100, say)
    html = lesson.written(found, pictures, say, "Default.txt")
    page = Page(html).root
    assert 'lang="zh"' in html
    assert "反向传播" in html
    english = {text[0] for text in TEXTS.values() if text[0] != text[1] and " " in text[0]}
    assert not [text for text in english if escape(text) in html]
    assert [section.title for section in found] == [say(section.number) for section in found]
    for image in page.all("img"):
        assert int(image["width"]) > 100 < int(image["height"])
    assert page.all("iframe")[0]["src"] in PAGES
    # The numbers stand in columns, though a Chinese letter is twice as wide.
    assert "  数据 1：第 9 轮的损失   2.13470015  2.13470015  书" in str(found[0])


def test_both_languages_say_the_same(found: dict[str, Section]) -> None:
    for key, (english, chinese) in TEXTS.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), key
        assert english == chinese or re.search(r"[\u4e00-\u9fff]", chinese), key


@each([
    ("δ_2 = l_2 − y", "δ|2|=|l|2|−|y"),
    ("∂L/∂s_2 · W_12ᵀ", "∂|L|∂|s|2|·|W|12|T"),
    ("σ'(s_1) ∘ e^{−s}", "σ|′|(|s|1|)|∘|e|−|s"),
    ("1ᵀ δ_{i+1}", "1|T|δ|i|+|1"),
])
def test_formulas_as_mathml(text: str, parts: str):
    root = ElementTree.fromstring(lesson.mathml(text))
    assert "|".join(x.text for x in root.iter() if x.text) == parts
    assert ("mfrac" in {x.tag for x in root.iter()}) == ("∂" in text)


def test_plots_are_the_same_each_time(run: Run, chapter: networks.Chapter) -> None:
    for number, svg in plots.all_plots(chapter).items():
        chapter_, figure = number.split("-")
        path = run.out / f"fig_{chapter_}-{int(figure):02}.svg"
        assert svg == path.read_text(encoding="utf-8")
        assert "dc:date" not in svg


# ---------------------------------------------------------------------- data


def test_default_file_is_balanced() -> None:
    data = read_default(DEFAULT_FILE)
    assert data.x.shape == (100, 2)
    assert data.y.shape == (100, 1)
    assert data.y.sum() == 50
    assert data.x[0].tolist() == [913.913966, 53809.330358]
    assert issubclass(DataError, ValueError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"the file is empty"),
        ("\n \n", r"the file is empty"),
        ("1 2 Yes\n1 2\n", r"line 2: expected 'balance income Yes\|No', found '1 2'"),
        ("1 2 3 Yes\n", r"line 1: expected"),
        ("1 2 Yes\n\n3 4 No\n", r"line 2: expected .*, found ''"),
        (f"{'x' * 99} 2\n", r"line 1: expected .*, found 'x{39}…'"),
        ("1 2 Yes\n3 4 No\n5 two Yes\n", r"line 3: income must be a number, not 'two'"),
        ("nan 2 Yes\n", r"line 1: balance must be a finite number, not 'nan'"),
        ("1 -inf Yes\n", r"line 1: income must be a finite number, not '-inf'"),
        ("1 2 Yes\n1 2 yes\n", r"line 2: the class must be Yes or No, not 'yes'"),
        ("1 2 Yes\n3 2 No\n" * 5, r"income has no variation: it is 2 in every row"),
        ("0.1 2 Yes\n0.1 3 No\n" * 5, r"balance has no variation: it is 0\.1 in every row"),
        ("1e300 2 Yes\n-1e300 3 No\n" * 5, r"balance can't be scaled: .* is inf"),
        ("1e-300 2 Yes\n-1e-300 3 No\n" * 5, r"balance can't be scaled: .* is 0"),
        ("\n".join(GOOD_ROWS[:9]), r"9 rows are fewer than one batch of 10"),
        (b"1 2 Yes\n\xff\xfe", r"not a text file in UTF-8 \(byte 9\)"),
    ],
)
def test_bad_data_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, message: str
) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = failing(["--out", str(tmp_path / "out"), "--data", str(file)], capsys)
    assert "bad.txt" in error
    assert re.search(message, error)
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_said_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_engine(figure: object) -> str:
        raise RuntimeError("no layout engine")

    file, out = tmp_path / "file", tmp_path / "out"
    file.touch()
    for path in (file, file / "below"):
        assert str(file) in failing(["--out", str(path)], capsys)
    for path, why in ((tmp_path / "none.txt", "No such file"), (tmp_path, "directory")):
        error = failing(["--out", str(out), "--data", str(path)], capsys)
        assert f"{path}: " in error
        assert why in error
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: False)
        assert "no permission to write" in failing(["--out", str(out)], capsys)
    with monkeypatch.context() as patch:
        patch.setattr("autograd_lite.Figure.svg", no_engine)
        assert "no layout engine" in failing(["--out", str(out)], capsys)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for module in ("plots", "figures"):
        monkeypatch.delitem(sys.modules, f"examples.chapter4.{module}", raising=False)
        monkeypatch.delattr(f"examples.chapter4.{module}", raising=False)
    error = failing(["--out", str(out)], capsys)
    assert 'pip install "autograd_lite[plots]"' in error
    assert not out.exists() or not list(out.iterdir())


def test_rows_that_fill_no_batch_are_dropped_and_said_in_an_ascii_pipe_with_no_progress_bar(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rows & more.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*GOOD_ROWS, "", " "]).encode())
    command = [sys.executable, "-W", "error", "-m", "examples.chapter4", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, "--data", str(file)], capture_output=True, check=False,
        cwd=DEFAULT_FILE.parents[2], env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"numbers and formulas agree as printed" in done.stdout
    assert b"\r" not in done.stdout.replace(b"\r\n", b"\n")
    assert b"Of 12 rows the last 2 don't fill a batch of 10" in done.stdout
    assert "rows &amp; more.txt" in (tmp_path / "index.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------------- the command


def test_progress_bar_shows_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    networks.train(networks.hidden_start(), DATA_2, lr=2, epochs=5)
    assert "epoch" in terminal.getvalue()


def test_command_without_out_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["chapter4"])
    monkeypatch.delitem(sys.modules, main.__module__)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("examples.chapter4", run_name="__main__")
    assert stopped.value.code == 2
    assert "--out" in capsys.readouterr().err
