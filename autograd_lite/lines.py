"""`source_lines`: on which line of the user's code a Tensor was computed."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from .engine.modes import Mode, Run
from .engine.notes import note, noted

_LIBRARIES = contextlib.__file__, *(
    str(Path(file).parent) + os.sep
    for file in (__file__, np.__file__, Path(__file__).parents[1] / "nn" / "__init__.py")
)


class Line(NamedTuple):
    """A line of code; as text ``file:line, in function``.

    Attributes:
        file: its path, or what Python calls a cell of a notebook.
        number: counted from 1.
        function: the function it is in, ``<module>`` outside of all.
    """

    file: str
    number: int
    function: str

    @property
    def text(self) -> str:
        """The code itself; nothing where the file can't be read."""
        import linecache  # takes long to import

        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        if not self.file:
            return "an unknown line"
        return f"{self.file}:{self.number}, in {self.function}"


class source_lines(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, each recorded Tensor remembers the line that computed it.

    Figures and pages of the graph then show it. Outside of it only `Tensor.named` does, since
    looking for the line takes about as long as a small operation itself.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> with ag.source_lines():
        ...     y = x * x
        >>> ag.line_of(y).number, ag.line_of(x)
        (2, None)
    """

    def forward(self, run: Run, op: Any, inputs: tuple[Any, ...], params: Any) -> Any:
        result = run(op, inputs, params)
        if getattr(result, "_op", None) is not None:
            remember(result)
        return result


def line_of(tensor: Any) -> Line | None:
    """The line that computed, or else named, a Tensor; None where that wasn't remembered.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(2.0, requires_grad=True)
        >>> with ag.source_lines():
        ...     y = 3.0 * x
        >>> ag.line_of(y).text
        'y = 3.0 * x'
    """
    return noted(tensor, "line")


def remember(tensor: Any) -> Line:
    """Note where the user's code stands now as the line of ``tensor``."""
    line = user_line()
    note(tensor, "line", line)
    return line


def forget(tensors: Iterable[Any], line: Line) -> None:
    """Let those of ``tensors`` have no line whose line that is."""
    for tensor in tensors:
        if line_of(tensor) == line:
            note(tensor, "line", None)


def hint(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line where the user's code stands now, wherever in this library that is said."""
    frame, line = user_frame()
    scope: dict[str, Any] = {} if frame is None else frame.f_globals
    registry = scope.setdefault("__warningregistry__", {})
    module = scope.get("__name__")
    warnings.warn_explicit(message, category, line.file, line.number, module, registry)


def user_line() -> Line:
    """Where the code that is not this library's, nor NumPy's, stands now."""
    return user_frame()[1]


@cache
def _is_library(file: str) -> bool:
    return file.startswith(_LIBRARIES)


def user_frame() -> tuple[FrameType | None, Line]:
    """The frame of that code, and the line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return None, Line("", 0, "")
    return frame, Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
