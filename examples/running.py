"""What each of the shorter examples does when it is run: it says something, and saves figures."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import print_what_can_be_shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def panels(columns: int = 1, width: float = 8.0) -> tuple[Figure, Any]:
    """A figure, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4.0), layout="constrained")
    return figure, figure.subplots(1, columns)


def tell(main: Callable[[Path | None], Iterator[str]]) -> None:
    """Print the lines that ``main`` gives, which saves its figures where it is told to."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.{_module(main)}")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write figures")
    print_what_can_be_shown()
    for line in main(parser.parse_args().out):
        print(line)


def _module(main: Any) -> str:
    return Path(main.__code__.co_filename).stem


def run(main: Callable[[], tuple[str, Figure]]) -> None:
    """Print the text that ``main`` gives, and save its figure under the name of its module."""
    name = _module(main)
    parser = argparse.ArgumentParser(prog=f"python -m examples.{name}")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the figure")
    folder = parser.parse_args().out
    text, figure = main()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg")
    print_what_can_be_shown()
    print(f"{text}\nwrote {folder / name}.svg")
