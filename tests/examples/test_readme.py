"""The figures that the README shows are what is drawn; see `test_chapter4` for what is printed.

``python -m tests.examples.test_readme`` draws them.
"""

from __future__ import annotations

import re
from pathlib import Path

import autograd_lite as ag
import nn

FIGURES = Path(__file__).parents[2] / "docs" / "figures"


def figures() -> dict[str, ag.Figure]:
    net = nn.MLP([2, 2, 1], activation="sigmoid")
    net["W_01"].data, net["W_12"].data = [[0.1, 0.2], [0.3, 0.4]], [[0.1], [0.2]]
    loss = nn.BCELoss()(net([[0.0, 1.0]]), [[0.0]])
    trained = nn.MLP([2, 4, 1], activation="tanh", output="sigmoid", rng=1)
    return {
        "backward.svg": ag.draw(loss, backward=["W_12", "b_12"]),
        "network.svg": nn.draw(trained),
    }


def words(svg: str) -> list[str]:
    """What is written in a figure, wherever a layout engine puts it."""
    return sorted(
        re.sub("<[^>]*>", "", text) for text in re.findall("<text.*?</text>", svg, re.DOTALL)
    )


def test_the_figures_are_what_is_drawn():
    for name, figure in figures().items():
        there = (FIGURES / name).read_text(encoding="utf-8")
        assert words(figure.svg()) == words(there), "run: python -m tests.examples.test_readme"


if __name__ == "__main__":
    for name, figure in figures().items():
        figure.save(FIGURES / name)
