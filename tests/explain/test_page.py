"""The page as a file: complete without script, safe with any name, in both languages."""

from __future__ import annotations

import builtins
import linecache
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.engine.modes import trace
from autograd_lite.show.words import WORDS

from ..draw.conftest import no_engine  # noqa: F401  (a fixture)
from .reading import Page, chapter, explained


def test_every_step_is_there_with_formula_shapes_line_and_numbers(tmp_path: Path) -> None:
    page = explained(chapter(), tmp_path)
    assert page.titles == [
        *(f"Forward {name}" for name in ("s1", "l1", "s2", "l2")), "Loss L",
        *(f"Backward {name}" for name in ("δ2", "∇W12", "∇b12", "δ1", "∇W01", "∇b01")),
        *(f"Update {name}" for name in ("W12", "b12", "W01", "b01")),
    ]  # fmt: skip
    for i, step in enumerate(page.steps, 1):
        assert step["id"] == f"step-{i}"
        assert step.all("div", "formula")
        assert step.all("p", "shapes")
        assert step.all("figure", "matrix")
    delta_1 = page.steps[8]
    assert delta_1.all("p", "shapes")[0].text == "Shapes: 1×2 = (1×1 1×2) ∘ (1×2 ∘ (1 − 1×2))"
    formulas = [x["class"] for x in delta_1.all("div", "formula")]
    assert formulas == ["formula chain", *["formula local"] * 2, "formula result"]
    assert "nn.BCELoss()(nn.MLP(sizes, rng=0)(x), y)" in delta_1.all("code", "code")[0].text


@pytest.mark.parametrize(("rows", "sizes"), [(1, (2, 2, 1)), (3, (2, 2, 1)), (10, (2, 5, 5, 1))])
def test_a_page_is_small_well_formed_and_needs_nothing_else(
    tmp_path: Path, rows: int, sizes: tuple[int, ...]
) -> None:
    loss = chapter(rows, sizes)
    page = explained(loss, tmp_path, lr=0.5)
    assert explained(loss, tmp_path, lr=0.5).html == page.html  # the same every time
    assert all(t.grad is None for t in ag.named_tensors(loss).values())
    assert len(page.html.encode()) < 2_000_000
    for reference in ("src=", "<link", "url(", "@import", "https://"):
        assert reference not in page.html.replace("http://www.w3.org", "")
    assert not page.root.all("a")
    for part in page.html.split("<math")[1:]:
        ET.fromstring("<math" + part.split("</math>")[0] + "</math>")
    sources = page.data("sources")
    for step in page.steps:
        tables = {x["data-key"]: x for x in step.all("figure", "matrix")}
        keys = {x["data-key"] for f in step.all("div", "formula") for x in f.all("mrow")
                if "data-key" in x.attributes}  # fmt: skip
        assert keys
        assert keys <= set(tables)
        (result,) = [x for x in step.all("div", "result") if "formula" not in x.classes]
        assert set(sources[step["id"]]) == {x["data-entry"] for x in result.all("td")}
        for by_key in sources[step["id"]].values():
            for key, found in by_key.items():
                assert {str(i) for i in found} <= {x["data-entry"] for x in tables[key].all("td")}
    for found in page.data("predictions").values():
        for mistake in found["mistakes"]:  # no wrong answer is as good as right
            if "value" in mistake:
                assert abs(mistake["value"] - found["value"]) > 0.01 * abs(found["value"])
            else:
                assert mistake["shape"] != found["shape"]


def test_any_path(tmp_path: Path) -> None:
    ag.explain(chapter(), str(tmp_path / "a.HTML"))
    ag.explain(chapter(), tmp_path / "b.htm")
    assert {x.name for x in tmp_path.iterdir()} == {"a.HTML", "b.htm"}


# ---------------------------------------------------------------------- with the script


def test_what_a_step_says_of_the_figure_is_in_it(tmp_path: Path) -> None:
    page = explained(chapter(), tmp_path)
    (figure,) = [x for x in page.root.all("figure") if x.attributes.get("id") == "figure"]
    drawn = {name for group in figure.all("g") for name in group.classes}
    for step in page.steps:
        assert {*step["data-figure"].split(), step["data-target"]} <= drawn
    assert len(figure.all("g", "backward")) == 8


def test_the_axes_of_a_sum_are_a_subscript_among_the_shapes_too(tmp_path: Path) -> None:
    x = ag.Tensor(np.ones((2, 3, 4)), requires_grad=True, name="x")
    loss = (np.sin(x).sum(axis=(0, 2)).named("s") ** 2).sum()
    (shapes,) = explained(loss, tmp_path).steps[0].all("p", "shapes")
    assert shapes.text == "Shapes: 3 = Σi,k(sin(2×3×4))"
    assert [x.text for x in shapes.all("sub")] == ["i,k"]


# ---------------------------------------------------------------------- used more than once


def test_contributions_and_their_sum_stand_side_by_side(tmp_path: Path) -> None:
    w = ag.Tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = ((w * 3).named("a") + (w * w).named("b")).sum().named("L")
    (step,) = [x for x in explained(loss, tmp_path).steps if x.all("div", "contributions")]
    (group,) = step.all("div", "contributions")
    assert group["aria-label"] == "w is used 3 times: the contributions add up"
    numbers = [[td.text for td in x.all("td")] for x in group.all("figure")]
    assert numbers == [["3", "3"], ["1", "2"], ["1", "2"], ["5", "7"]]
    captions = [x.all("figcaption")[0].text for x in group.all("figure")]
    assert [x.split(" 2")[0] for x in captions] == [
        "through a", "through b", "through b", "Sum: ∇w",
    ]  # fmt: skip


# ---------------------------------------------------------------------- predictions


def asked(page: Page, title: str) -> tuple[dict[str, Any], str]:
    """The data of a step's question, and the question."""
    (step,) = [x for x, found in zip(page.steps, page.titles, strict=True) if found == title]
    (form,) = step.all("form", "predict")
    return page.data("predictions")[step["id"]], form.all("span")[0].text


def test_usual_mistakes_are_known_with_what_is_wrong(tmp_path: Path) -> None:
    loss = chapter(rows=3)
    page = explained(loss, tmp_path, lr=0.5)
    t = ag.named_tensors(loss)
    loss.backward()
    found, question = asked(page, "Backward δ2")
    entry = found["entry"]
    right = t["s_2"].grad.flat[entry]  # type: ignore[union-attr]
    assert question == f"What is (δ2){entry + 1}1?"
    assert found["value"] == pytest.approx(right)
    said = {m["says"]: m["value"] for m in found["mistakes"]}
    assert said["δ_2 has the wrong sign"] == pytest.approx(-right)
    (no_q,) = [value for says, value in said.items() if says.startswith("δ_2 is 3 times too large")]
    assert no_q == pytest.approx(3 * right)
    (no_sigma,) = [value for says, value in said.items() if "∂L/∂(l_2) as it stands" in says]
    assert no_sigma == pytest.approx(t["l_2"].grad.flat[entry], rel=1e-6)  # type: ignore[union-attr]


def test_it_asks_only_for_what_follows_from_what_the_page_shows(tmp_path: Path) -> None:
    page = explained(chapter(20), tmp_path, lr=0.5)  # of 20 rows five are shown
    for title, question in (("Forward s1", "What is (s1)"), ("Backward δ2", "What is (δ2)"),
                            ("Backward ∇b01", "What shape"), ("Backward ∇W12", "What shape"),
                            ("Update b01", "What does (b01)")):  # fmt: skip
        found, said = asked(page, title)
        assert said.startswith(question), title
        shown = {row * 2 + c for row in (0, 1, 2, 18, 19) for c in (0, 1)}
        if title == "Forward s1":
            assert {found["entry"], *(other["entry"] for other in found["more"])} <= shown
    (loss,) = [x for x, title in zip(page.steps, page.titles, strict=True) if title == "Loss L"]
    assert not loss.all("form", "predict")


def test_the_shape_of_a_weights_gradient_and_its_transpose(tmp_path: Path) -> None:
    found, question = asked(explained(chapter(3, (2, 3, 1)), tmp_path), "Backward ∇W01")
    assert question == "What shape does ∇W01 have?"
    assert found["shape"] == [2, 3]
    assert {"shape": [3, 2], "says": "The axes are exchanged: 2×3."} in found["mistakes"]
    assert "has the shape of what it is the gradient of" in found["right"]


def test_mistakes_of_each_pass_and_of_the_update(tmp_path: Path) -> None:
    net = nn.MLP([2, 2, 1], rng=0)
    net["b_01"].data = [[0.5, 1.5]]
    loss = nn.BCELoss()(net([[0.0, 1.0], [1.0, 1.0]]), [[0.0], [1.0]])
    page = explained(loss, tmp_path, lr=0.5)
    for title, says in (
        ("Forward s1", "The bias is missing: add b_01."),
        ("Forward l1", "σ is missing: this is s_1 itself."),
        ("Loss L", "This is the sum: divide it by q = 2."),
        ("Backward ∇b01", "a mean where a sum belongs"),
        ("Update W12", "subtract α ∇, and don't add it"),
        ("Update W12", "without the learning rate α = 0.5"),
    ):
        assert says in " / ".join(m["says"] for m in asked(page, title)[0]["mistakes"])


def test_a_tensor_that_is_called_q_is_no_batch_size(tmp_path: Path) -> None:
    q = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="q")
    asks = asked(explained(np.sum(q * np.log(q)), tmp_path), "Backward ∇q")[0]
    assert not any("batch" in m["says"] for m in asks["mistakes"])


# ---------------------------------------------------------------------- text stays text

EVIL = '<script>alert(1)</script>"\'&\n\u2028</style><!-- ]]> \\u003c </math>'


def test_names_and_source_lines_are_text(tmp_path: Path) -> None:
    x = ag.Tensor([[1.0, 2.0]], name=EVIL)
    w = ag.Tensor([[1.0], [2.0]], requires_grad=True, name="</script>")
    code = "y = (x @ w).named('a_<img src=x onerror=alert(1)>')  # </code><script>&</script>\n"
    linecache.cache["<evil>.py"] = (len(code), None, [code], "<evil>.py")
    scope = {"x": x, "w": w}
    with ag.source_lines():
        exec(builtins.compile(code, "<evil>.py", "exec"), scope)
    page = explained(scope["y"].sum().named("L</title>"), tmp_path, lr=1.0)
    assert [len(page.root.all(tag)) for tag in ("script", "img", "style")] == [5, 0, 1]
    assert page.root.all("title")[0].text == "L</title> and its gradients, step by step"
    assert page.root.all("h1")[0].text == "L</title> and its gradients, step by step"
    assert "\u2028" not in "".join(x.text for x in page.root.all("script"))
    assert any("∇</script>" in title for title in page.titles)
    assert page.steps[0].all("code", "code")[0].text == code.strip()
    assert page.steps[0].all("code")[0].text == "<evil>.py:1"


# ---------------------------------------------------------------------- what is said once


def notes(page: Page) -> str:
    return " ".join(x.text for x in page.root.all("p", "note"))


def test_what_is_missing_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_engine: Path  # noqa: F811
) -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    page = explained((x * x).sum(), tmp_path)
    assert page.html.count("with ag.source_lines():") == 1
    page = explained(chapter(), tmp_path)
    assert "with ag.source_lines():" not in page.html
    assert 'pip install "autograd_lite[layout]"' in notes(page)
    assert not any(figure.all("svg") for figure in page.root.all("figure"))
    assert len(page.steps) == 15
    assert page.titles[5] == "Backward δ2"


def test_an_output_of_several_numbers_and_one_without_a_gradient(tmp_path: Path) -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    page = explained(ag.exp(x).named("y"), tmp_path)
    assert page.titles == ["Output y", "Backward ∇x", "Update x"]
    assert "the gradients are those of their sum, Σ(y)" in notes(page)
    with trace():
        y = (ag.Tensor([1.0, 2.0], name="x") > 1.5).named("y")
    page = explained(y, tmp_path)
    assert page.titles == ["Output y"]
    assert "there is no backward pass" in notes(page)
    assert not page.root.all("form")


def test_a_large_graph_is_folded_or_not_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = ag.Tensor([1.0], requires_grad=True, name="x")
    for i in range(242):
        h = ag.tanh(h).named(f"h_{i}")
    page = explained(h, tmp_path)
    assert "×242" in page.html
    assert len(page.root.all("g", "node")) < 10
    assert "steps are left out here" in notes(page)
    assert len(page.html.encode()) < 2_000_000
    net = nn.MLP([2] * 22 + [1], rng=0)
    page = explained(nn.BCELoss()(net([[0.0, 1.0]]), [[1.0]]), tmp_path)
    assert "Linear + σ" in page.html
    assert len(page.root.all("g", "node")) < 100
    monkeypatch.setattr(import_module("autograd_lite.draw.computations"), "LIMIT", 2)
    h = ag.tanh(ag.Tensor([1.0], requires_grad=True, name="x")).named("h")
    page = explained(ag.exp(h).named("y"), tmp_path)
    assert "There is no figure of a graph of 3 tensors" in notes(page)


def test_large_arrays_are_abridged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = nn.MLP([784, 30, 10], output="identity", rng=0)
    loss = nn.CrossEntropyLoss()(net(rng.normal(size=(32, 784))), rng.integers(0, 10, 32))
    page = explained(loss, tmp_path)
    assert len(page.html.encode()) < 1_000_000
    assert page.root.all("p", "statistics")


def test_complex_numbers_on_the_way_and_those_that_are_not_finite(tmp_path: Path) -> None:
    z = ag.Tensor([1.0 + 2.0j, 3.0], requires_grad=True, name="z")
    page = explained(ag.abs(z).named("r").sum().named("L"), tmp_path, lr=0.5)
    assert page.steps[0].all("td")[0].text == "1+2j"
    found, _ = asked(page, "Backward ∂L∂r")
    assert found["mistakes"][0] == {"value": -1.0, "says": "∂L/∂r has the wrong sign"}
    x = ag.Tensor([np.nan, np.inf, 2.0], requires_grad=True, name="x")
    page = explained((x * x).named("y"), tmp_path, lr=1.0)
    found, question = asked(page, "Output y")
    assert (question, found["value"]) == ("What is (y)3?", 4.0)


def test_sub_expressions_with_a_symbol_of_their_own_stand_below_the_formula(tmp_path: Path) -> None:
    x = ag.Tensor([0.5, 2.0], requires_grad=True, name="x")
    u = ag.exp(ag.tanh(ag.exp(-x) * ag.sin(x)) + ag.log(x * x + 1))
    page = explained((u * ag.tanh(u)).sum().named("L"), tmp_path)
    (step,) = [s for s, title in zip(page.steps, page.titles, strict=True) if "∇x" in title][:1]
    kinds = [f.classes[-1] for f in step.all("div", "formula")]
    assert kinds[0] == "chain"
    assert "with" in kinds
    assert step.all("p", "shapes")[0].text.startswith("Shapes: 2 = ")


# ---------------------------------------------------------------------- languages


def test_both_languages_have_the_same_words() -> None:
    for key, said in WORDS.items():
        places = [{part.split("}")[0] for part in words.split("{")[1:]} for words in said]
        assert places[0] == places[1], key


def test_a_chinese_page_is_chinese_throughout(tmp_path: Path) -> None:
    english = explained(chapter(3), tmp_path, lr=0.5)
    page = explained(chapter(3), tmp_path, "zh", lr=0.5)
    assert page.root.all("html")[0]["lang"] == "zh"
    assert page.titles[0] == "前向传播 s1"
    assert page.titles[5] == "反向传播 δ2"
    assert page.titles[-1] == "更新 b01"
    for key in ("back", "play", "next", "predict", "check", "show"):
        assert WORDS[key][0] not in [x.text for x in page.root.all("button")]
    assert len(page.steps) == len(english.steps)
    for step, found in page.data("predictions").items():
        told = [m["says"] for m in found["mistakes"]]
        assert len(told) >= len(english.data("predictions")[step]["mistakes"]) - 2
        for says in [*told, found["right"], found["wrong"]]:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in says), says


# ---------------------------------------------------------------------- for everyone


def test_headings_labels_and_tables_are_in_order_and_controls_wait_for_the_script(
    tmp_path: Path,
) -> None:
    page = explained(chapter(), tmp_path)
    levels = [int(x.tag[1]) for x in page.root.all() if x.tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    ids = [x["id"] for x in page.root.all() if "id" in x.attributes]
    assert len(ids) == len(set(ids))
    for step in page.steps:
        assert step["aria-labelledby"] in ids
    assert all(x["aria-label"] for x in page.root.all("table"))
    for field in page.root.all("input"):
        label = [x for x in page.root.all("label") if field in x.all("input")]
        assert label[0].text.strip()
    assert all(x["type"] for x in page.root.all("button"))
    (controls,) = page.root.all("nav")
    assert all("hidden" in x.attributes for x in (controls, *page.root.all("form")))
    assert controls.all("input")[0]["max"] == "15"


# ---------------------------------------------------------------------- errors


POSITIVE = r"explain: lr, .* must be positive and finite, not"
LANGUAGE = "explain: lang is one of 'en' and 'zh', and not"
WRONG = [
    *((ValueError, POSITIVE, {"lr": lr}) for lr in (
        float("nan"), float("inf"), 0, -0.1, 10**400, -(10**400), Fraction(0), np.float32(-1))),
    *((TypeError, "explain: lr is a number", {"lr": lr}) for lr in ("0.1", True, [0.1])),
    *((ValueError, LANGUAGE, {"lang": lang}) for lang in ("fr", "", None, "EN")),
    *((ValueError, r"explain: .*\.html, say", {"path": name})
      for name in ("page", "page.svg", "page.html.txt", ".html")),
]  # fmt: skip


def test_what_is_refused_writes_nothing(tmp_path: Path) -> None:
    for error, message, wrong in WRONG:
        given: dict[str, Any] = {"path": "page.html", **wrong}
        with pytest.raises(error, match=message):
            ag.explain(chapter(), tmp_path / given.pop("path"), **given)
        assert not list(tmp_path.iterdir()), wrong


def test_what_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ag.explain(chapter(), tmp_path / "missing" / "page.html")
    (tmp_path / "page.html").mkdir()
    with pytest.raises(IsADirectoryError if os.name == "posix" else PermissionError):
        ag.explain(chapter(), tmp_path / "page.html")


def test_importing_the_package_imports_none_of_it() -> None:
    code = (
        "import sys, autograd_lite; autograd_lite.explain; print([m for m in sys.modules if "
        "m.startswith('autograd_lite.explain.') or m in ('html', 'graphviz')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_page_is_the_same_in_each_process(tmp_path: Path) -> None:
    """Whatever order sets have there, by the seed of hashes."""
    code = (
        "import sys, nn, autograd_lite as ag; "
        "loss = nn.BCELoss()(nn.MLP([2, 2, 1], rng=0)([[0.0, 1.0]]), [[0.0]]); "
        "ag.explain(loss, sys.argv[1], lr=0.1)"
    )
    pages = [tmp_path / f"{seed}.html" for seed in range(4)]
    for seed, path in enumerate(pages):
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", code, path], env=environment, check=True)
    assert len({path.read_text(encoding="utf-8") for path in pages}) == 1


def test_a_learning_rate_is_any_real_number(tmp_path: Path) -> None:
    loss = chapter()
    expected = explained(loss, tmp_path, lr=0.5).html
    for lr in (Fraction(1, 2), np.float32(0.5), np.float16(0.5)):
        assert explained(loss, tmp_path, lr=lr).html == expected
    assert "Update W12" in explained(loss, tmp_path, lr=np.int64(2)).titles


def test_what_has_many_operands_is_written_out(tmp_path: Path) -> None:
    k, x = ag.Tensor([0.5, -1.0], requires_grad=True, name="k"), np.arange(7.0)
    rows = np.stack([x[i : i + 2] @ k for i in range(6)]).named("s")
    assert "Forward s" in explained(np.sum(np.tanh(rows)).named("L"), tmp_path).titles


def test_what_is_computed_again_in_the_backward_pass_has_a_page(tmp_path: Path) -> None:
    for dtype in ("float64", "float32"):
        x = ag.Tensor(np.array([1.0, 2.0], dtype), requires_grad=True, name="x")
        page = explained(np.sum(ag.checkpoint(np.sin)(x)), tmp_path)
        assert "Backward ∇x" in page.titles
