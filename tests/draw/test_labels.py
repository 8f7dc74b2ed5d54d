"""Names are user text: drawn as they are, whatever they hold."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.show import labels

from ..each import each
from .reading import SVG, plain, read_dot, read_svg

HOSTILE = {
    "markup": ("<b>&amp;</b>", "<b>&amp;</b>"),
    "quotes": ("\"'", "\"'"),
    "end of label": (">] b [label=<", ">] b [label=<"),
    "end of comment": ("]]> -->", "]]> -->"),
    "a bracket alone": ("]", "]"),
    "brackets in lines": ("]]\n]", "]]|]"),
    "backslashes": ("\\N\\G\\l\\", "\\N\\G\\l\\"),
    "newline": ("a\nb\r\nc", "a|b|c"),
    "tab": ("a\tb", "a    b"),
    "control characters": ("\x00\x07\x1b\x7f", "␀␇␛�"),
    "not in XML": ("\ufffe\ud800", "�?"),
    "empty": ("", " "),
    "spaces": ("  two  words ", "  two  words "),
    "Chinese": ("损失", "损失"),
    "emoji": ("🎉👩‍🔬", "🎉👩‍🔬"),
    "keyword": ("node", "node"),
    "braces": ("{0}{x}%s", "{0}{x}%s"),
    "port": ("a:b:c", "a:b:c"),
}


def test_names_are_drawn_as_they_are(engine):
    for kind, (name, shown) in HOSTILE.items():
        x = ag.Tensor(1.0, requires_grad=True, name=name)
        y = ag.exp(x).named(name)
        figure = ag.draw(y, backward=x, shapes=False)
        from_dot, from_svg = read_dot(figure.source), read_svg(figure.svg())
        assert len(from_dot.nodes) == len(from_svg.nodes) == 3, kind
        assert len(from_dot.edges) == len(from_svg.edges) == 3, kind
        drawn = [label.replace("\xa0", " ") for label in from_svg.labels("tensor")]
        assert drawn == [shown, shown], kind


def test_a_very_long_name_is_wrapped(engine):
    name = "long_" * 60
    svg = read_svg(ag.draw(ag.Tensor(1.0, name=name)).svg())
    (label,) = svg.labels("tensor")
    assert label.replace("|", "") == name
    assert max(map(len, label.split("|"))) <= 32


@each([
    ("W_01", "<I>W</I>₀₁"),
    ("layer_0", "<I>layer</I>₀"),
    ("w_0_1", '<I>w</I><SUB><FONT POINT-SIZE="11">0,1</FONT></SUB>'),
    ("W_9,10", '<I>W</I><SUB><FONT POINT-SIZE="11">9,10</FONT></SUB>'),
    ("W_out", '<I>W</I><SUB><FONT POINT-SIZE="11">out</FONT></SUB>'),
    ("δ_2", "<I>δ</I>₂"),
    ("hidden_state", "<I>hidden_state</I>"),
    ("_1", "<I>_1</I>"),
    ("ŷ", "<I>ŷ</I>"),
])
def test_subscripts(name, markup):
    assert labels.name_markup(name) == markup


def test_indices_beyond_nine_are_kept_apart():
    assert plain(f"<{labels.index_markup((20, 20), (0, 9))}>") == "1,10"
    assert labels.index_markup((20, 20), (0, 8)) == "₁₉"
    assert labels.index_markup((1, 20), (0, 9)) == "₁₀"


@given(st.text())
def test_escaped_text_is_valid_xml_and_has_no_other_tags(text):
    escaped = labels.escape(text)
    ET.fromstring(f"<x>{escaped}</x>")
    assert set(re.findall("<[^>]*>", escaped)) <= {"<BR/>"}
    assert escaped
    assert "\\" not in escaped


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\\ufffe\uffff")))
def test_escaping_loses_nothing(text):
    assert html.unescape(labels.escape(text)).replace("\xa0", " ").strip() == text.replace(
        "\xa0", " "
    ).strip()


def test_ops_of_any_name_and_powers():
    op = ag.Op("<{0}> & \\ {", lambda x: x, lambda g, out, x: g)
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    svg = read_svg(ag.draw((op(x) + 1).named("y")).svg())
    assert svg.labels("computation") == ["<{0}> & \\ {(x) + 1"]
    for exponent, written in ((2, "²"), (3, "³"), (-1, "⁻¹"), (12, "¹²"), (0.5, "^0.5")):
        assert written in ag.draw((x**exponent).named("y")).source


def test_texts_are_centred_in_their_nodes(engine):
    x = ag.Tensor([[1.0, 2.0]], name="W_01")
    root = ET.fromstring(ag.draw(x).svg())
    ellipse = root.find(f".//{SVG}ellipse")
    assert ellipse is not None
    texts = root.findall(f".//{SVG}text")
    assert ["".join(text.itertext()).strip() for text in texts] == ["W₀₁", "1×2"]
    assert all(t.attrib["{http://www.w3.org/XML/1998/namespace}space"] for t in texts)
    assert {(t.attrib["x"], t.attrib["text-anchor"]) for t in texts} == {
        (ellipse.attrib["cx"], "middle")
    }


def test_a_reshape_to_the_same_shape_is_not_written():
    x = ag.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    w = ag.Tensor(np.ones((3, 1)), requires_grad=True, name="w")
    source = ag.draw(np.sum(np.tanh(x.reshape(len(x), -1) @ w))).source
    assert "reshape" not in re.sub("tooltip=.*", "", source)
