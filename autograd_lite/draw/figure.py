"""Figure: what `draw` returns. DOT text, which is laid out when it is looked at."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from . import layout
from .svg import tidy

SOURCE_SUFFIXES = ("dot", "gv")


class Figure:
    """A figure as DOT text.

    Shows itself in Jupyter. Laid out by a system Graphviz where there is one on the PATH, else by
    the graphviz-pure wheel (``pip install "autograd_lite[layout]"``).

    Attributes:
        source: the DOT text; needs no layout engine.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> figure = ag.draw(ag.exp(x).named("y"))
        >>> print(figure.source.splitlines()[0])
        digraph {
        >>> figure.save("exp.svg")  # doctest: +SKIP
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def svg(self) -> str:
        """The figure as SVG text, for a file of its own or within an HTML page.

        Raises:
            RuntimeError: there is no layout engine, or it failed.
        """
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return tidy(layout.lay_out(self.source, "svg"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure to a file; its suffix says the format.

        ``.svg``; ``.dot`` and ``.gv`` for the source; whatever else the engine can write: ``.png``
        and ``.jpg`` in any case, ``.pdf`` and ``.ps`` with a system Graphviz.

        Raises:
            ValueError: no suffix, or one that the engine can't write.
            RuntimeError: there is no layout engine, or it failed.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if not suffix.isalnum():
            raise ValueError(
                f"save: {path.name!r} has no suffix to say the format; name it {path.name}.svg, say"
            )
        if suffix in SOURCE_SUFFIXES:
            path.write_text(self.source, encoding="utf-8")
        elif suffix == "svg":
            path.write_text(self.svg(), encoding="utf-8")
        else:
            path.write_bytes(layout.lay_out(self.source, suffix))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For Jupyter: the picture, or without an engine what to install, and the source."""
        try:
            return {"image/svg+xml": self.svg(), "text/plain": repr(self)}
        except RuntimeError as error:
            return {"text/plain": f"{error}\n\n{self.source}"}

    def __repr__(self) -> str:
        nodes = sum(self.source.count(f"shape={x}") for x in ("circle", "ellipse", "box"))
        return f"<Figure of {nodes} nodes; .svg(), .save(path), .source>"
