"""Circles and arrows: names, how much room text needs, and how numbers look.

Blue stands for positive and orange for negative, which can be told apart by everybody who sees
two colours. On paper without any, arrows of negative weights are dashed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from html import unescape
from typing import NamedTuple

import numpy as np

from autograd_lite.engine.tensor import Array
from autograd_lite.show import labels as markup


class Node(NamedTuple):
    """A circle that is drawn.

    Attributes:
        name: ``h_1``.
        label: its markup.
        entry: which entry of its layer, counted from 0.
    """

    name: str
    label: str
    entry: int


def column(
    width: int, k: int, depth: int, names: Sequence[str], widest: int
) -> list[Node | None]:
    """The nodes of layer ``k`` from top to bottom; None for those that are left out."""
    letter = names[0] if k == 0 else names[2] if k == depth else names[1]
    alone = width == 1 and k == depth

    def node(i: int) -> Node:
        if 0 < k < depth and depth > 2:
            index = markup.subscript(str(i + 1), 16)
            return Node(f"(l_{k})_{i + 1}", f"({markup.name_markup(f'l_{k}')}){index}", i)
        if alone:
            return Node(letter, markup.name_markup(letter), i)
        name = f"{letter}_{i + 1}"
        return Node(name, markup.name_markup(name), i)

    if width <= widest:
        return [node(i) for i in range(width)]
    return [*(node(i) for i in range(widest - 2)), None, node(width - 1)]


def text_width(label: str, size: float = 16) -> float:
    """About how many points wide a line of markup is."""
    smaller = sum(text_width(part, 0.3 * size) for part in re.findall("<SUB>(.*?)</SUB>", label))
    return sum(map(_em, unescape(re.sub(r"<[^>]*>", "", label)))) * size - smaller


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "ijl,.()’ ":
        return 0.33
    return 0.75 if character.isupper() or character in "mwΣ−+" else 0.52


def diameter(*lines: tuple[str, float]) -> float:
    """Of a circle around lines of text, each as (markup, size in points); in inches."""
    lines = tuple((part, size) for label, size in lines for part in label.split("<BR/>"))
    width = max(text_width(label, size) for label, size in lines)
    height = sum(1.2 * size for _, size in lines)
    return (math.hypot(width, 0.8 * height) + 6) / 72


# ---------------------------------------------------------------------- of numbers

POSITIVE, NEGATIVE, ZERO, NOT_A_NUMBER = "#0072b2", "#d55e00", "#c3c7ce", "#111827"
_THINNEST, _WIDEST = 0.5, 4.5  # points
_STRONGEST = 0.55  # the most of a colour that a circle is filled with: its text stays readable


def largest(*arrays: Array) -> float:
    """The largest finite absolute value; 0 where there is none."""
    return max(float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in arrays)


def kind(weight: float) -> str:
    """What the legend calls it."""
    if np.isnan(weight):
        return "nan"
    return "w > 0" if weight > 0 else "w < 0" if weight < 0 else "w = 0"


def arrow(weight: float, most: float) -> dict[str, str]:
    """Attributes of an arrow: its width says how large the weight is, relative to ``most``."""
    look = KINDS[kind(weight)]
    if not weight or np.isnan(weight):
        return look
    width = _THINNEST + (_WIDEST - _THINNEST) * _part(weight, most)
    return look | {"penwidth": f"{width:.3g}"}


def _part(value: float, most: float) -> float:
    return 1.0 if np.isinf(value) else min(abs(value) / most, 1.0)


def _look(color: str, style: str, penwidth: float) -> dict[str, str]:
    # Heads stay small: the wide arrows that meet in a node would hide one another.
    return {"color": color, "style": style, "penwidth": f"{penwidth}", "arrowsize": "0.5"}


KINDS = {
    "w > 0": _look(POSITIVE, "solid", 2.0),
    "w < 0": _look(NEGATIVE, "dashed", 2.0),
    "w = 0": _look(ZERO, "solid", _THINNEST),
    "nan": _look(NOT_A_NUMBER, "dotted", 2.0),
}
"""How the legend shows each kind of weight."""


def fill(value: float, most: float, base: str) -> str:
    """The colour of a circle: the stronger, the larger its value is, relative to ``most``.

    Of 0 it is ``base``; white instead of a colour that is given by its name.
    """
    base = base if base.startswith("#") else "#ffffff"
    if np.isnan(value):
        return ZERO
    part = _STRONGEST * _part(value, most) if value else 0.0
    color = POSITIVE if value > 0 else NEGATIVE
    pairs = ((int(color[i : i + 2], 16), int(base[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(b + (c - b) * part):02x}" for c, b in pairs)
