"""Figures of a recorded graph: graph → DOT → SVG.

To read, in this order: `steps` (what a figure shows), `computations` (how it is drawn), `elements`
(number by number), `paths` (the backward pass), `collapse` with `repeats` (what is folded
into one node), `labels`, `theme`, `look` and `sheet` (names and look), `figure` and
`svg` (DOT text to a picture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import seen
from ..engine.tensor import Tensor
from ..loading import loaded

if TYPE_CHECKING:
    from .collapse import Collapse
    from .figure import Figure
    from .look import Links
    from .paths import Targets
    from .theme import Theme

DETAILS = ("named", "ops", "elements")


def draw(
    output: Tensor,
    detail: str = "named",
    backward: Targets = None,
    values: bool = False,
    grads: bool = False,
    shapes: bool = True,
    collapse: Collapse = None,
    limit: int | None = None,
    theme: str | Theme = "light",
    links: Links = None,
) -> Figure:
    """The graph that ``output`` was computed by, as a figure.

    Circles are tensors, ellipses the computations between them, dashed red arrows the backward
    pass. Vectors are italic, matrices and arrays of parameters bold. A box with a double outline is
    several computations that are folded.

    A computation is written as it is in the code, but where it has a name: ``1 / (1 + np.exp(-s))``
    is drawn as ``σ``. One that is too wide is called ``f₁``, and written out beneath the figure.

    A gradient that was recorded (``ag.gradients(…, create_graph=True)``) is drawn as any result:
    the cotangents of named tensors are then called ``δ_1``, ``∇W_12`` or ``∂L/∂h``, as in
    `ag.derive`, and outlined in the colour of the backward pass.

    A node's tooltip says on which line its tensor was computed, where that is known: of tensors
    that were ``.named(…)``, and of all that were recorded within `ag.source_lines`.

    Args:
        output: a Tensor, mostly the last result: a prediction, a loss.
        detail: ``"named"``: a circle per named tensor, an ellipse with a formula for the
            computation between them; ``"ops"``: each operation; ``"elements"``: each number.
        backward: one or several tensors, or their names: draw the way that the backward pass takes
            from ``output`` back to them, each arrow with its local derivative.
        values: write each tensor's value: up to 12 numbers in full, else their range and norm.
        grads: write its gradient likewise, where it has one.
        shapes: write its shape.
        collapse: what is folded into one node, with the parameters that only it uses.
            ``"module"``: the work of each layer that has parameters, in each call of it, and the
            activations after it, such as ``Linear + σ``; ``"blocks"``: blocks of the same
            operations that follow each other, drawn once with their count, ``Linear + σ ×12``
            (arrays may differ in their sizes); n: all but the last n steps; −n: all but the first
            n. The targets of ``backward`` are never folded.
        limit: how many nodes, or numbers in ``"elements"``, may be drawn; by default 400, and 300.
        theme: ``"light"``, ``"dark"``, ``"print"`` (without colour), or an `ag.Theme`.
        links: a mapping from tensors to URLs, or a function that gives the URL of a tensor, or
            None: nodes then lead there.

    Raises:
        TypeError: ``output`` is no Tensor; an argument of a type that it hasn't got.
        ValueError: an unknown ``detail``, ``collapse`` or ``theme``; a target that is not in the
            graph, or that no gradient reaches; more nodes than ``limit``.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([[1.0, 2.0]], name="x")
        >>> w = ag.Tensor([[0.5], [0.1]], requires_grad=True, name="w")
        >>> y = ag.sigmoid(x @ w).named("y")
        >>> figure = ag.draw(y, backward="w")
        >>> "y -> w" in figure.source
        True
        >>> for _ in range(1000):
        ...     y = ag.tanh(y)
        >>> ag.draw(y, detail="ops", collapse="blocks")
        <Figure of 7 nodes; .svg(), .save(path), .source>
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw: a Tensor is drawn, and not {type(output).__name__}; nn.draw: a net")
    if detail not in DETAILS:
        raise ValueError(f"draw: detail is one of {', '.join(map(repr, DETAILS))}, not {detail!r}")
    # First used here, so that importing the package takes no time for it.
    from .collapse import check_collapse
    from .computations import draw_computations
    from .elements import draw_elements
    from .look import Look
    from .paths import find_targets
    from .theme import theme_of

    check_collapse(collapse)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError(f"draw: limit is a number of nodes, at least 1, and not {limit!r}")
    if values or grads:
        seen.look(output, how="writes")
    look = Look(theme_of(theme), links, shapes, values, grads)
    targets = find_targets(output, backward)
    if detail == "elements" and collapse is not None:
        raise ValueError('draw: detail="elements" draws every number; collapse folds the others')
    with loaded(output):
        if detail == "elements":
            return draw_elements(output, targets, look, limit)
        return draw_computations(output, targets, look, detail == "ops", collapse, limit)
