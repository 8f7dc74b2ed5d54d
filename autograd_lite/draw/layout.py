"""Layout: DOT text through Graphviz. A system ``dot`` is used, or else the graphviz-pure wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PURE = "graphviz-pure"
_INSTALL = ': pip install "autograd_lite[layout]"'
RASTER = ("png", "jpg", "jpeg", "gif", "webp")


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
        done = subprocess.run(given, input=source.encode(), capture_output=True, check=False)
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
