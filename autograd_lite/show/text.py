"""Formulas as plain text, with names or with shapes."""

from __future__ import annotations

from .expression import Expression, nodes
from .notation import Written, dimensions
from .writer import Markup, leaf, write


def text(root: Expression) -> str:
    """``(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))``."""
    return write(nodes(root), TEXT).text


def shapes(root: Expression) -> str:
    """The text with the shape of each factor in its place: ``(1×1 1×2) ∘ (1×2 ∘ (1 − 1×2))``."""
    return write(nodes(root), SHAPES).text


def _shape(node: Expression) -> Written:
    return leaf(node, dimensions(node.shape) if node.shape else node.name or "1")


TEXT = Markup(lambda node: leaf(node, node.name or ""), ones=lambda _: "1ᵀ", fractions_apart=True)
SHAPES = TEXT._replace(leaf=_shape, ones=lambda rows: dimensions((1, rows)), shaped=True)
