"""The circles of a layer: their names, and how much room their text needs."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from html import unescape
from typing import NamedTuple

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
