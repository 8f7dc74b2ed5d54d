"""Figure: what `draw` returns. DOT text, which is laid out when it is looked at: by a system's
``dot``, or else the graphviz-pure wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cached_property
from pathlib import Path
from typing import Any

from .svg import tidy

SOURCE_SUFFIXES = ("dot", "gv")
PURE = "graphviz-pure"
_INSTALL = ': pip install "autograd_lite[layout]"'
RASTER = ("png", "jpg", "jpeg", "gif", "webp")
_LACKING = str.maketrans({"∘": "◦", "∇": "grad"})  # signs that the wheel's own fonts haven't got


def engines() -> list[str]:
    """The commands that lay figures out, a system's first.

    The wheel's command is also looked for beside the interpreter: a virtual environment need not
    be activated.

    Raises:
        RuntimeError: there is none; it says what to install.
    """
    beside = os.pathsep.join([str(Path(sys.executable).parent), sysconfig.get_path("scripts")])
    wheel = shutil.which(PURE) or shutil.which(PURE, path=beside)
    commands = [command for command in (shutil.which("dot"), wheel) if command]
    if not commands:
        raise RuntimeError(
            f"drawing a figure needs a layout engine, and there is none{_INSTALL}, or install "
            "Graphviz so that dot is on the PATH. The figure's .source is there without one"
        )
    return commands


def lay_out(source: str, format: str) -> bytes:
    """``source`` drawn in a format that an engine knows: a system's may lack what the wheel has.

    Raises:
        RuntimeError: there is no engine, or it failed; the error holds what it said.
        ValueError: no engine can write this format.
    """
    sharp = ["-Gdpi=144"] if format in RASTER else []
    failed = list[tuple[str, int, str]]()
    for command in engines():
        given = [command, f"-T{format}", *sharp]
        shown = source.translate(_LACKING) if sharp and PURE in command else source
        done = subprocess.run(given, input=shown.encode(), capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode(errors="replace").strip()
        failed.append((Path(command).name, done.returncode, said))
        if "not recognized" not in said:
            break
    name, code, said = failed[0]
    if said.startswith("Format"):
        others = ", or install a system Graphviz, which can write .pdf and .ps too"
        raise ValueError(
            f"{name} can't write .{format}; save .svg or .png{others if PURE in name else ''}"
        )
    lacks = "\nThe wheel has all layouts" + _INSTALL if "Layout type" in said else ""
    raise RuntimeError(f"{name} failed with exit code {code}: {said}{lacks}")


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
        return tidy(lay_out(self.source, "svg"))

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
            path.write_bytes(lay_out(self.source, suffix))

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
