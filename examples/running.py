"""What each of the shorter examples does when it is run: it says something, and saves a figure."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .console import print_what_can_be_shown


def panels(columns: int = 1, width: float = 8.0) -> tuple[Figure, Any]:
    """A figure, and its axes."""
    figure = Figure(figsize=(width, 4.0), layout="constrained")
    return figure, figure.subplots(1, columns)


def run(main: Callable[[], tuple[str, Figure]]) -> None:
    """Print the text that ``main`` gives, and save its figure under the name of its module."""
    name = Path(main.__code__.co_filename).stem
    parser = argparse.ArgumentParser(prog=f"python -m examples.{name}")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the figure")
    folder = parser.parse_args().out
    text, figure = main()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg")
    print_what_can_be_shown()
    print(f"{text}\nwrote {folder / name}.svg")
