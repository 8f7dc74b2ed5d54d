"""A page that steps through a graph: forward, the loss, backward, and the update.

To read, in this order: `story` (graph → steps, free of HTML), `backward` (the steps of the backward
pass), `definitions` (what σ and ℓ are), `entries` (which numbers a number comes from),
`predictions` (what learners get wrong), `live` (the program by which numbers follow where one is
changed), `matrices` (arrays), `page` (the HTML, with `show.mathml` and `show.words`); and of
recorded trainings `training` and `plots`.

The work is in `page`; it is imported by the first call.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from ..engine.tensor import Tensor
from ..loading import loaded

__all__ = ["Page", "explain"]


class Page:
    """What `explain` gives: where it wrote; in Jupyter, the page itself.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Page {self.path.name}>"

    def _repr_html_(self) -> str:
        """The page as it is now, in a frame of its own, so that its script and style stay there."""
        from html import escape  # only where it is shown

        page = escape(self.path.read_text(encoding="utf-8"))
        style = "width:100%;height:680px;border:1px solid #d4d4d8;border-radius:6px"
        return f'<iframe title="{escape(self.path.name)}" srcdoc="{page}" style="{style}"></iframe>'


class Explained(Protocol):
    """What was recorded of a training, or has it, as `nn.Recording` and `nn.History` do."""

    def explained(self) -> Any:
        """The recording: an `nn.Recording`."""


def explain(
    output: Tensor | Explained,
    path: str | os.PathLike[str],
    lang: str = "en",
    *,
    lr: float | None = None,
    iteration: int | None = None,
) -> Page:
    """Write a page that steps through the graph that ``output`` was computed by.

    One HTML file that needs nothing else. Each step of the forward pass, the loss, the backward
    pass from ``δ`` of the last layer to the gradients of the first, and the update: with its
    formula, its shapes, its numbers as a table that shows where each comes from, the line of code,
    and its place in the figure. Without script, and in print, all steps stand one below the other.

    A tensor that is used more than once shows what each of its uses contributes to its gradient.
    An output of several numbers is taken with a cotangent of ones, so that its entries are summed.
    The figure is drawn where there is a layout engine (the extra ``layout``).

    The numbers of leaves that require a gradient can be changed on the page, and all others follow,
    as far as they were recorded. Where the code made something of values outside of the graph, or
    the page's script has no form of an op, the page says so.

    Of a training that ``nn.fit(…, record=n)`` recorded, the page steps through one iteration, and
    has a slider over all that were recorded: the loss, the parameters in the steps and, where there
    are two features, the decision boundary. That takes matplotlib (the extra ``plots``).

    Returned is a `Page`, which in Jupyter shows itself.

    Args:
        output: a recorded tensor of any shape, mostly a loss; or a recorded training, an
            `nn.Recording` or `nn.History`, whose net is as it was afterwards.
        path: where to write, ending in ``.html`` or ``.htm``; a file that is there is replaced.
        lang: the language of the page, ``"en"`` or ``"zh"``.
        lr: the learning rate α, to show each parameter of shape (…) after a step of gradient
            descent, ``w − α ∇w`` of the same shape, and of complex numbers ``w − α conj(∇w)``;
            without it the update is shown as a formula.
            Of a recorded training it is known where the optimizer is `nn.SGD`.
        iteration: of a recorded training, which recorded iteration to step through; by default the
            first, with the observations, of those like its batch, whose gradients have few zeros.

    Raises:
        TypeError: ``output`` is no Tensor, or ``lr`` no number.
        ValueError: nothing was recorded for ``output``, another ``lang``, another suffix, an ``lr``
            that isn't positive and finite, or a leaf was given other data since the output was
            computed.
        ImportError: of a recorded training, where matplotlib is missing.
        OSError: the file can't be written.

    Example:
        >>> import autograd_lite as ag, nn, pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "step.html")
        >>> net = nn.MLP([2, 2, 1], rng=0)
        >>> with ag.source_lines():
        ...     loss = nn.BCELoss()(net([[0.0, 1.0]]), [[0.0]])
        >>> ag.explain(loss, path)
        <Page step.html>
        >>> page = path.read_text(encoding="utf-8")
        >>> page.startswith("<!doctype html>"), page.count('<section class="step"')
        (True, 15)
        >>> folder.cleanup()
    """
    # Imported where they are used, so that importing the package takes no time for them.
    if hasattr(output, "explained"):
        from .training import write_recorded

        write_recorded(output.explained(), path, lang, lr, iteration)
        return Page(Path(path))
    from .page import write

    if iteration is not None:
        raise TypeError("explain: iteration is for a recorded training, and not for a Tensor")
    with loaded(output):
        write(output, path, lang, lr)
    return Page(Path(path))
