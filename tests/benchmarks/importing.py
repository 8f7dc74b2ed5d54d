"""How long an import takes, as a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from tempfile import TemporaryDirectory

from .report import Result, compared
from .timing import Effort, time_in_turns

STATEMENTS = ("pass", "import numpy", "import autograd_lite", "import autograd_lite, nn")


def measured(effort: Effort) -> Result:
    """Processes of Python that import a package and end, in turns.

    All modules have their bytecode cached, as pip leaves them; the first turn, which makes the
    caches, doesn't count.
    """
    with TemporaryDirectory() as caches:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": caches}
        env.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(statement: str) -> None:
            subprocess.run([sys.executable, "-c", statement], check=True, env=env)

        times = time_in_turns(
            {statement: lambda s=statement: run(s) for statement in STATEMENTS},  # type: ignore[misc]
            replace(effort, rounds=effort.processes, turn=0.0),
        )
    return Result([compared("A whole process", times, "ms", "import numpy")])
