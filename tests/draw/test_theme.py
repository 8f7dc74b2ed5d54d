"""Themes: readable for the colour-blind, in print, and where contrast is wanted."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.draw.sheet import Sheet
from autograd_lite.draw.theme import DARK, LIGHT, PRINT, THEMES

from ..each import each
from .reading import read_dot, read_svg

NAMED = {"white": "#ffffff", "black": "#000000"}

# Machado, Oliveira, Fernandes (2009), severity 1, for linear RGB.
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "greyscale": np.full((3, 1), 1.0) @ np.array([[0.2126, 0.7152, 0.0722]]),
}  # fmt: skip


def linear_rgb(color: str) -> np.ndarray:
    color = NAMED.get(color, color)
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([
        [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ])  # fmt: skip
    xyz = to_xyz @ np.clip(rgb, 0, 1) / (to_xyz @ np.ones(3))
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(a: str, b: str, seen: str) -> float:
    one, other = (lab(SEEN[seen] @ linear_rgb(color)) for color in (a, b))
    return float(np.linalg.norm(one - other))


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(SEEN["greyscale"][0] @ linear_rgb(color)) for color in (a, b))
    return (high + 0.05) / (low + 0.05)


def test_the_measures_are_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert distance("#ff0000", "#ff0000", "normal") == 0
    assert distance("#ffffff", "#000000", "normal") == pytest.approx(100, abs=0.1)
    assert distance("#9a3b1f", "#4f5c12", "deuteranopia") < distance(
        "#9a3b1f", "#4f5c12", "normal"
    )  # red and green: what can't be told apart


@each(["light", "dark"], ["normal", "protanopia", "deuteranopia"])
def test_arrows_and_outlines_are_told_apart_by_the_colour_blind(name, seen):
    theme = THEMES[name]
    lines = (theme.line, theme.backward, theme.computation_line)
    for a, b in combinations(lines, 2):
        assert distance(a, b, seen) > 25, (a, b)
    for line in lines:
        assert distance(line, theme.background, seen) > 40, line


@pytest.mark.parametrize("name", THEMES)
def test_texts_have_contrast(name):
    theme = THEMES[name]
    fills = (theme.background, theme.tensor_fill, theme.computation_fill, theme.target_fill)
    for text in (theme.text, theme.values, theme.faint, theme.backward):
        for fill in fills:
            assert contrast(text, fill) >= 4.5, (text, fill)


def test_in_print_there_is_no_colour_and_nothing_needs_one():
    for field in dataclasses.fields(PRINT):
        color = getattr(PRINT, field.name)
        if isinstance(color, str):
            assert len(set(linear_rgb(color))) == 1, field.name
    assert contrast(PRINT.target_fill, PRINT.tensor_fill) > 1.3


@pytest.mark.parametrize("name", THEMES)
def test_shape_dash_and_width_tell_what_colour_does(name, engine):
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    figure = ag.draw(ag.exp(x).named("y"), backward="x", theme=name)
    drawn = read_dot(figure.source)
    assert drawn.nodes["x"]["penwidth"] == f"{THEMES[name].target_width:g}"
    assert THEMES[name].target_width > 1.5 * THEMES[name].line_width
    assert {(a["class"], a["style"]) for _, _, a in drawn.edges} == {
        ("forward", "solid"), ("backward", "dashed")
    }  # fmt: skip
    assert read_svg(figure.svg()).of_class("target") == {"x"}


def test_the_default_is_light_and_a_sheet_takes_a_theme():
    y = ag.exp(ag.Tensor([1.0], requires_grad=True, name="x")).named("y")
    assert ag.draw(y).source == ag.draw(y, theme="light").source == ag.draw(y, theme=LIGHT).source
    sheet = Sheet(DARK, rankdir="LR")
    sheet.node("tensor", "a", "a")
    assert DARK.background in sheet.figure().source


@pytest.mark.parametrize("detail", ["named", "ops", "elements"])
def test_a_theme_of_ones_own_colours_everything(detail):
    y = (ag.exp(ag.Tensor([1.0], requires_grad=True, name="x")) + 1).named("y")
    np.sum(y).backward()
    own = ag.Theme(
        background="#010101", text="#020202", values="#030303", faint="#040404", line="#050505",
        tensor_fill="#060606", computation_line="#070707", computation_fill="#080808",
        target_fill="#090909", backward="#0a0a0a",
    )  # fmt: skip
    source = ag.draw(y, detail, backward="x", values=True, grads=True, theme=own).source
    for k in (1, 2, 3, 5, 6, 7, 8, 9, 10) + (() if detail == "elements" else (4,)):
        assert "#" + f"{k:02x}" * 3 in source, k
    for color in dataclasses.astuple(LIGHT):
        assert not (isinstance(color, str) and color.startswith("#") and color in source)
