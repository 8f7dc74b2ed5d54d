"""``python -m tests.benchmarks``: time and memory, beside hand-written NumPy and other libraries.

All run in this one process, in turns; what is printed are medians over the rounds, and the ratio
to hand-written NumPy of the same round. A library that isn't installed is left out, and said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from . import cluster, functions, growth, importing, jit, machine, memory, nets
from .report import Plot, Result, save
from .timing import FULL, QUICK, Effort

PARTS: dict[str, tuple[str, Callable[[Effort], Result]]] = {
    "steps": ("Training steps", nets.measured),
    "elementwise": ("An elementwise function", functions.elementwise),
    "chain": ("A chain of small operations", functions.chain),
    "jit": ("Run by JAX", jit.measured),
    "memory": ("Memory", memory.measured),
    "import": ("Import", importing.measured),
    "growth": ("Growth", growth.measured),
    "cluster": ("A cluster", cluster.measured),
}
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    effort = QUICK if options.quick else FULL
    text, plots = machine.described() + "\n", list[Plot]()
    print(text)
    for name in options.only or PARTS:
        title, measure = PARTS[name]
        result = measure(effort)
        section = "\n".join((f"### {title}\n", *(t.markdown() for t in result.tables)))
        print(section, flush=True)
        text += f"\n{section}"
        plots += result.plots
    if options.out:
        write(options.out, text, plots)
    if options.into:
        replace_results(options.into, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, metavar="DIR", help="write results.md and plots there")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help=f"replace what stands between {BEGIN} and {END}"
    )
    return parser


def write(directory: Path, text: str, plots: list[Plot]) -> None:
    """Write the tables and the plots into files.

    Raises:
        SystemExit: matplotlib is missing; the tables are there all the same.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "results.md").write_text(text, encoding="utf-8")
    try:
        for plot in plots:
            save(plot, directory)
    except ImportError as error:
        sys.exit(str(error))


def replace_results(file: Path, text: str) -> None:
    """Put the results between the marks of a Markdown file."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{file} has no {BEGIN} … {END}")
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
