"""A page that steps through a graph: forward, the loss, backward, and the update.

To read, in this order: `story` (graph → steps, free of HTML), `backward` (the steps of the backward
pass), `entries` (which numbers a number comes from), `predictions` (what learners get wrong),
`mathml`, `matrices` and `words` (formulas, arrays, and the page's words), `page` (the HTML).

The work is in `page`; it is imported by the first call.
"""

from __future__ import annotations

import os

from ..tensor import Tensor

__all__ = ["explain"]


def explain(
    output: Tensor, path: str | os.PathLike[str], lang: str = "en", *, lr: float | None = None
) -> None:
    """Write a page that steps through the graph that ``output`` was computed by.

    One HTML file that needs nothing else. Each step of the forward pass, the loss, the backward
    pass from ``δ`` of the last layer to the gradients of the first, and the update: with its
    formula, its shapes, its numbers as a table that shows where each comes from, the line of code,
    and its place in the figure. Without script, and in print, all steps stand one below the other.

    A tensor that is used more than once shows what each of its uses contributes to its gradient.
    An output of several numbers is taken with a cotangent of ones, so that its entries are summed.
    Formulas are simplified where sympy is there (the extra ``formulas``), and the figure is drawn
    where there is a layout engine (the extra ``layout``).

    Args:
        output: a recorded tensor of any shape, mostly a loss.
        path: where to write, ending in ``.html`` or ``.htm``; a file that is there is replaced.
        lang: the language of the page, ``"en"`` or ``"zh"``.
        lr: the learning rate η, to show each parameter of shape (…) after a step of gradient
            descent, ``w − η ∇w`` of the same shape; without it the update is shown as a formula.

    Raises:
        TypeError: ``output`` is no Tensor, or ``lr`` no number.
        ValueError: nothing was recorded for ``output``, another ``lang``, another suffix, or a leaf
            was given other data since the output was computed.
        OSError: the file can't be written.

    Example:
        >>> import autograd_lite as ag, nn, pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "step.html")
        >>> net = nn.MLP([2, 2, 1], rng=0)
        >>> with ag.source_lines():
        ...     loss = nn.BCELoss()(net([[0.0, 1.0]]), [[0.0]])
        >>> ag.explain(loss, path)
        >>> page = path.read_text(encoding="utf-8")
        >>> page.startswith("<!doctype html>"), page.count('<section class="step"')
        (True, 15)
        >>> folder.cleanup()
    """
    from .page import write  # first used here, so that importing the package takes no time for it

    write(output, path, lang, lr)
