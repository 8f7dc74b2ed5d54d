"""What a function asks of the system: files, the clock, to print, which its code would not ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..lines import Line
from .graph import CompileError
from .watch import OWN, is_closed_root

_MODULES = {"_io", "_socket", "gc", "nt", "posix", "time"}
_NAMES = {"_getframe", "date.today", "datetime.now", "datetime.utcnow", "input", "print", "warn"}
_BY_TEXT = {"eval", "exec", "globals"}  # which may ask for any global
_PURE = {"BytesIO", "StringIO", "_path_normpath", "fspath"}


@contextmanager
def outside() -> Iterator[None]:
    """Within it nothing is asked of the system, but by this library.

    A profile function is told of each call of what is written in C; where there is one already,
    nothing is seen.

    Raises:
        CompileError: something was asked, after the block.
    """
    asked, before = list[str](), sys.getprofile()

    def see(frame: FrameType, event: str, function: Any) -> None:
        user = _asking(frame, function.__name__) if event == "c_call" and _asks(function) else None
        if user is not None:
            place = Line(user.f_code.co_filename, user.f_lineno, user.f_code.co_name)
            asked.append(f"{function.__qualname__}\n  at {place}")

    if before is None:
        sys.setprofile(see)
    try:
        yield
    finally:
        if before is None:
            sys.setprofile(None)
    if asked:
        raise CompileError(
            "compile: files, the clock and what is printed or warned of are no arguments and no "
            "results, nor is what eval and globals() find: read them before and pass that, write "
            "them afterwards, or compile the parts. "
            f"The function calls {asked[0]}"
        )


def _asks(function: Any) -> bool:
    """Whether it reads or writes what lies outside of the program."""
    kind = type(getattr(function, "__self__", None))
    names = {function.__name__, function.__qualname__, kind.__name__}
    of = function.__module__ or kind.__module__
    return bool(names & (_NAMES | _BY_TEXT)) or (of in _MODULES and not names & _PURE)


def _asking(frame: FrameType | None, name: str) -> FrameType | None:
    """Where the user's code asks, perhaps by Python's own, or NumPy's, which warns on its own."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__")).split(".")[0]
        if not is_closed_root(module):
            return frame
        own = name in _BY_TEXT or (name[0] in "_w" and module != "inspect")
        if own or module in {*OWN, "importlib", "warnings"}:
            return None
        frame = frame.f_back
    return None
