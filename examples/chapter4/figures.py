"""Every figure of the chapter, by the engine; 4-2, a drawing of a nerve cell, is left out."""

from __future__ import annotations

from typing import NamedTuple

import autograd_lite as ag
import nn

from . import plots
from .networks import Chapter, example, tensors
from .sections import SECOND


class Picture(NamedTuple):
    """A figure.

    Attributes:
        file: its file's name.
        caption: what is to be seen.
        svg: the figure itself.
        wide: whether it needs the page's whole width.
    """

    file: str
    caption: str
    svg: str
    wide: bool


CAPTIONS = {
    "4-1": "Linear regression as a network: inputs, a weighted sum, an output.",
    "4-3": "The logistic model: the weighted sum goes through σ.",
    "4-4": "Data 1.",
    "4-5": "Data 1: the logistic model's boundary puts every point on its side.",
    "4-6": "Data 2.",
    "4-7": "Data 2: no line separates the classes, and one point is on the wrong side.",
    "4-8": "Data 2: two lines do it. They are those of the trained hidden layer.",
    "4-9": "One hidden layer: three logistic models, of which one takes the others' results.",
    "4-10": "What each hidden node has learned: the boundaries of h₁ and of h₂.",
    "4-11": "The four points as the hidden layer sees them, and the output layer's boundary.",
    "4-12": "The same network in short: circles are values, arrows carry the weights.",
    "4-13": "Two hidden layers: 4-5-4-1, without the biases.",
    "4-14": "The layers l₀, l₁ and l₂ of the 2-2-1 network, and what lies between them.",
    "4-15": "The graph recorded in the forward pass, from the input to the prediction.",
    "4-16": "The graph with the loss L = ℓ(l₂, y).",
    "4-17": "Step 1: δ₂, the loss by s₂.",
    "4-18": "Step 2: from δ₂ to the gradients of W₁₂ and b₁₂.",
    "4-19": "Step 3: from δ₂ through l₁ to δ₁.",
    "4-20": "Step 4: from δ₁ to the gradients of W₀₁ and b₀₁.",
    "4-21": "From l₀ to l₁ number by number: what each element of W₀₁ and b₀₁ acts on.",
    "4-22": "The network for the Default data, 2-5-5-1.",
}
_WIDE = {"4-10", "4-13", *(f"4-{n}" for n in range(14, 23))}


def all_figures(chapter: Chapter) -> dict[str, Picture]:
    """Each figure by its number, in the book's order.

    Raises:
        RuntimeError: there is no layout engine for the graphs.
    """
    drawn = plots.all_plots(chapter) | _graphs() | _diagrams(chapter)
    return {
        number: Picture(f"fig_4-{int(number[2:]):02}.svg", caption, drawn[number], number in _WIDE)
        for number, caption in CAPTIONS.items()
    }


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
