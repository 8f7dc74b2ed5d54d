"""Figures of a recorded graph: graph → DOT → SVG.

To read, in this order: `steps` (what a figure shows), `computations` (how it is drawn), `elements`
(number by number), `paths` (the backward pass), `labels` and `sheet` (names and look), `figure`,
`layout` and `svg` (DOT text to a picture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor

if TYPE_CHECKING:
    from .figure import Figure
    from .paths import Targets

__all__ = ["Figure", "draw"]

DETAILS = ("named", "ops", "elements")


def __getattr__(name: str) -> Any:
    if name != "Figure":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .figure import Figure

    return Figure


def draw(
    output: Tensor,
    detail: str = "named",
    backward: Targets = None,
    values: bool = False,
    grads: bool = False,
    shapes: bool = True,
) -> Figure:
    """The graph that ``output`` was computed by, as a figure.

    Circles are tensors, ellipses the computations between them, dashed red arrows the backward
    pass. Vectors are italic, matrices and arrays of parameters bold.

    Args:
        output: a Tensor, mostly the last result: a prediction, a loss.
        detail: ``"named"``: a circle per named tensor, an ellipse with a formula for the
            computation between them; ``"ops"``: each operation; ``"elements"``: each number.
        backward: one or several tensors, or their names: draw the way that the backward pass takes
            from ``output`` back to them, each arrow with its local derivative.
        values: write each tensor's value, abridged where it is large.
        grads: write its gradient, where it has one.
        shapes: write its shape.

    Raises:
        TypeError: ``output`` is no Tensor.
        ValueError: an unknown ``detail``; a target that is not in the graph, or that no gradient
            reaches; too many numbers for ``"elements"``.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([[1.0, 2.0]], name="x")
        >>> w = ag.Tensor([[0.5], [0.1]], requires_grad=True, name="w")
        >>> y = ag.sigmoid(x @ w).named("y")
        >>> figure = ag.draw(y, backward="w")
        >>> "y -> w" in figure.source
        True
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw: a Tensor is drawn, and not {type(output).__name__}")
    if detail not in DETAILS:
        raise ValueError(f"draw: detail is one of {', '.join(map(repr, DETAILS))}, not {detail!r}")
    from . import labels  # first used here, so that importing the package takes no time for it
    from .computations import draw_computations
    from .elements import draw_elements
    from .paths import find_targets

    targets = find_targets(output, backward)

    def details(tensor: Tensor, entry: int | None = None) -> str:
        lines = []
        if shapes and entry is None and tensor.ndim:
            lines.append(labels.font(labels.shape_text(tensor.shape), 9, labels.GREY))
        at = ... if entry is None else np.unravel_index(entry, tensor.shape)
        if values:
            lines.append(labels.array_markup(tensor._array[at], labels.INK))
        if grads and tensor.grad is not None:
            lines.append(labels.array_markup(tensor.grad[at], labels.RED, "∇ "))
        return "".join(f"<BR/>{line}" for line in lines)

    if detail == "elements":
        return draw_elements(output, targets, details)
    return draw_computations(output, targets, details, every=detail == "ops")
