"""Every figure of the chapter, by the engine; 4-2, a drawing of a nerve cell, is left out."""

from __future__ import annotations

import re
from typing import NamedTuple

import autograd_lite as ag
import nn

from . import plots
from .networks import Chapter, example, tensors
from .sections import SECOND
from .words import Words


class Picture(NamedTuple):
    """A figure.

    Attributes:
        file: its file's name.
        caption: what is to be seen.
        svg: the figure itself.
        wide: whether it needs the page's whole width.
        focus: how far from the left what it is about stands, from 0 to 1.
    """

    file: str
    caption: str
    svg: str
    wide: bool
    focus: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        found = re.search(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"', self.svg)
        assert found
        return round(float(found[1]) * 4 / 3), round(float(found[2]) * 4 / 3)


_WIDE = {"4-10", "4-13", *(f"4-{n}" for n in range(14, 23))}


def all_figures(chapter: Chapter, say: Words | None = None) -> dict[str, Picture]:
    """Each figure by its number, in the book's order; captions are English by default.

    Raises:
        RuntimeError: there is no layout engine for the graphs.
    """
    say = say or Words()
    drawn = plots.all_plots(chapter) | _graphs() | _diagrams(chapter)
    return {
        number: Picture(
            f"fig_4-{int(number[2:]):02}.svg", say(number), drawn[number], number in _WIDE,
            1.0 if number == "4-16" else _focus(drawn[number]),
        )
        for number in sorted(drawn, key=lambda number: int(number[2:]))
    }  # fmt: skip


def _focus(svg: str) -> float:
    """Where the tensors stand that a way back ends at, which are drawn in red."""
    targets = re.findall(r'<ellipse[^>]* stroke="#c0392b"[^>]* cx="([\d.]+)"', svg)
    width = re.search(r'viewBox="\S+ \S+ (\S+)', svg)
    return sum(map(float, targets)) / len(targets) / float(width[1]) if targets and width else 0.0


def _graphs() -> dict[str, str]:
    """Figs 4-15 to 4-21: the graph recorded in the example of 4.2, and the ways back through it."""
    t = tensors(example(), SECOND)
    graphs = {
        "4-15": ag.draw(t["l_2"]),
        "4-16": ag.draw(t["L"]),
        "4-17": ag.draw(t["L"], backward="s_2"),
        "4-18": ag.draw(t["L"], backward=["W_12", "b_12"]),
        "4-19": ag.draw(t["L"], backward="s_1"),
        "4-20": ag.draw(t["L"], backward=["W_01", "b_01"]),
        "4-21": ag.draw(t["l_1"], detail="elements"),
    }
    return {number: figure.svg() for number, figure in graphs.items()}


def _diagrams(chapter: Chapter) -> dict[str, str]:
    """Figs 4-1, 4-3, 4-9, 4-12 to 4-14 and 4-22: networks as columns of circles."""
    hidden = chapter.hidden.net
    diagrams = {
        "4-1": nn.draw(nn.MLP([2, 1], output="identity"), computations=True),
        "4-3": nn.draw(chapter.logistic_1.net, computations=True),
        "4-9": nn.draw(hidden, computations=True),
        "4-12": nn.draw(hidden),
        "4-13": nn.draw(nn.MLP([4, 5, 4, 1]), bias=False),
        "4-14": nn.draw(hidden, bias=False, captions=True, dashed=["h_1"]),
        "4-22": nn.draw(chapter.default.net, bias=False, captions=True),
    }
    return {number: figure.svg() for number, figure in diagrams.items()}
