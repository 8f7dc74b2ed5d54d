"""Work through the chapter: print the book's numbers beside ours, and draw its figures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..console import print_what_can_be_shown
from . import lesson, networks
from .data import DEFAULT_FILE, DataError, read_default
from .numbers import agreement
from .sections import all_sections
from .words import LANGUAGES, Words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example.

    Returns:
        The exit status: 0, or 1 where a number that should agree doesn't, or 2 where the data
        can't be read, the directory can't be written to, or a package or the layout engine for
        the figures is missing.
    """
    given = _parser().parse_args(arguments)
    print_what_can_be_shown()
    try:
        default = read_default(given.data, at_least=networks.BATCH)
        _make_directory(given.out)
        from . import figures, steps  # after the data were found good; needs matplotlib

        chapter = networks.train_all(default)
        say = Words(given.lang)
        sections = all_sections(chapter, len(default.x), say)
        pictures = figures.all_figures(chapter, say)
        files = {picture.file: picture.svg for picture in pictures.values()}
        files["index.html"] = lesson.written(sections, pictures, say, _shown(given.data.name))
        _write(given.out, files)
        steps.write_pages(given.out, given.lang)
    except (DataError, OSError, ImportError, RuntimeError) as error:
        print(f"chapter4: error: {error}", file=sys.stderr)
        return 2
    print(*sections, sep="\n\n", end="\n\n")
    agree, compared = agreement(sections)
    print(say("agree_as", agree=say("agree", agree=agree, compared=compared)))
    print(say("figures", n=len(pictures), path=given.out / "index.html"))
    return 0 if agree == compared else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m examples.chapter4", description=__doc__)
    parser.add_argument(
        "--out", type=_directory, required=True, metavar="DIR", help="where to write the figures"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_FILE,
        metavar="FILE",
        help="rows 'balance income Yes|No' for section 4.4.2 (default: %(default)s)",
    )
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the lesson's language (default: en)"
    )
    return parser


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the directory has no name")
    return Path(text)


def _make_directory(path: Path) -> None:
    """Make the directory; OSError where it can't be made or written to."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is there already, and is no directory")
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(f"{path}: no permission to write in this directory")


def _shown(name: str) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return name.encode("utf-8", "replace").decode()


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
