"""Layout: DOT text through Graphviz. A system ``dot`` is used, or else the graphviz-pure wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PURE = "graphviz-pure"
RASTER = ("png", "jpg", "jpeg", "gif", "webp")


def engine() -> str:
    """The command that lays figures out.

    The wheel's command is also looked for beside the interpreter: a virtual environment need not
    be activated.

    Raises:
        RuntimeError: there is none; it says what to install.
    """
    beside = os.pathsep.join([str(Path(sys.executable).parent), sysconfig.get_path("scripts")])
    command = shutil.which("dot") or shutil.which(PURE) or shutil.which(PURE, path=beside)
    if command is None:
        raise RuntimeError(
            "drawing a figure needs a layout engine, and there is none: "
            'pip install "autograd_lite[layout]", or install Graphviz so that dot is on the PATH. '
            "The figure's .source is there without one"
        )
    return command


def lay_out(source: str, format: str) -> bytes:
    """``source`` drawn in a format that the engine knows.

    Raises:
        RuntimeError: there is no engine, or it failed; the error holds what it said.
        ValueError: the engine can't write this format.
    """
    command = engine()
    sharp = ["-Gdpi=144"] if format in RASTER else []
    done = subprocess.run(
        [command, f"-T{format}", *sharp], input=source.encode(), capture_output=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    name = Path(command).name
    if "not recognized" in said:
        others = ", or install a system Graphviz, which can write .pdf and .ps too"
        raise ValueError(
            f"{name} can't write .{format}; save .svg or .png{others if PURE in name else ''}"
        )
    raise RuntimeError(f"{name} failed with exit code {done.returncode}: {said}")
