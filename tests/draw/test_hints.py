"""Tooltips say on which line a tensor was computed; links lead where the caller says."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn
from autograd_lite.draw import look as hints

from .reading import SVG, read_dot, read_svg

HREF = "{http://www.w3.org/1999/xlink}href"


def tips(svg: str) -> dict[str, str]:
    """Each node's tooltip."""
    return {
        group.findtext(f"{SVG}title", ""): (tip.text or "").replace("\xa0", " ")
        for group in ET.fromstring(svg).iter(f"{SVG}g")
        for tip in group.findall(f"{SVG}ellipse/{SVG}title") + group.findall(
            f"{SVG}path/{SVG}title") + group.findall(f"{SVG}polygon/{SVG}title")
    }  # fmt: skip


def links(svg: str) -> dict[str, str]:
    """Where each node leads."""
    return {
        anchor.findtext(f"{SVG}g/{SVG}title", ""): anchor.attrib[HREF]
        for anchor in ET.fromstring(svg).iter(f"{SVG}a")
    }


def test_a_tooltip_names_the_line_and_shows_its_code(engine):
    x = ag.Tensor([1.0], requires_grad=True, name="x")
    with ag.source_lines():
        y = ag.exp(x)  # <b> & "quotes"
    svg = ag.draw(y, detail="ops").svg()
    number = test_a_tooltip_names_the_line_and_shows_its_code.__code__.co_firstlineno + 3
    tip = (
        f"line {number} of test_hints.py, in test_a_tooltip_names_the_line_and_shows_its_code\n"
        'y = ag.exp(x)  # <b> & "quotes"'
    )
    assert tips(svg) == {"v_1": tip, "op_v_1": tip}


def test_where_no_line_is_known_there_is_no_tooltip_and_no_folder_is_said():
    y = ag.exp(ag.Tensor([1.0], requires_grad=True, name="x"))
    assert "tooltip" not in ag.draw(y).source
    net = nn.MLP([2, 1], rng=0)
    assert "tooltip" not in ag.draw(net([[0.0, 1.0]])).source
    source = ag.draw(y.named("y")).source
    assert "of test_hints.py" in source
    assert "tests/draw" not in source


@pytest.mark.parametrize("detail", ["named", "ops", "elements"])
def test_a_tooltip_changes_nothing_else(detail, engine):
    def figure():
        x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
        return ag.draw(ag.sum(ag.exp(x)), detail=detail)

    plain = read_svg(figure().svg())
    with ag.source_lines():
        svg = figure().svg()
    assert tips(svg)
    assert read_svg(svg) == plain
    assert " id=" not in svg


def test_a_folded_node_has_one_too(engine):
    y = ag.Tensor(1.0, requires_grad=True, name="x")
    with ag.source_lines():
        for _ in range(9):
            y = ag.sin(y)
    svg = ag.draw(y, detail="ops", collapse="blocks").svg()
    assert set(tips(svg)) == {"v_2", "op_v_2"}


HOSTILE = [
    "\\N \\G \\l", "a\\", '"]; x [label="', "</title><script>", "&lt;&amp;&#65;", "]]>", "<b>",
    "\x00\x1b", "\ud800", "损失 🎉", "%s{0}", "a\tb",
]  # fmt: skip


def test_any_code_is_shown_as_it_is(engine, monkeypatch):
    y = ag.exp(ag.Tensor([1.0], requires_grad=True, name="x")).named("y")
    for text in HOSTILE:
        monkeypatch.setattr(hints.Look, "_tooltip", lambda look, tensor, text=text: text)
        figure = ag.draw(y)
        assert len(read_dot(figure.source).nodes) == 3, text
        shown = text.replace("\\", chr(0x2216)).replace("\x00\x1b", "␀␛").replace("\ud800", "?")
        assert set(tips(figure.svg()).values()) == {shown.replace("\t", "    ")}


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=200)
def test_escaped_text_is_one_string_of_dot(text):
    escaped = hints.escape(text)
    assert '"' not in escaped
    assert "\\" not in escaped
    assert "<" not in escaped
    ET.fromstring(f"<x>{escaped}</x>")


def test_links(engine):
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = ag.exp(x).named("y")
    urls = {y: "page.html?a=1&b=\"2\"#y<1>"}
    for way in (urls.get, urls):
        figure = ag.draw(y, links=way)
        led = links(figure.svg())
        assert led == dict.fromkeys(("y", "op_y"), "page.html?a=1&b=%222%22#y%3C1%3E")
        assert "URL=" in figure.source
        assert set(read_svg(figure.svg()).nodes) == {"x", "y", "op_y"}
    for _ in range(4):
        x = ag.sin(x)
    everywhere = links(ag.draw(x, "ops", collapse="blocks", links=lambda t: "#a").svg())
    assert everywhere == dict.fromkeys(("x", "v_2", "op_v_2"), "#a")
    assert "v_1_1" in links(ag.draw(x, "elements", links=lambda t: "#a").svg())
