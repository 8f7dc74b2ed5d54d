"""How time grows with the number of nodes, and with the width and depth of a network."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from .functions import runs, scalars
from .nets import GROWING, HAND, Problem, autograd_lite_compiled, contenders
from .report import Lines, Result, Table, number
from .timing import Effort, Times, ratios, time_in_turns


def measured(effort: Effort) -> Result:
    """Tables and plots of all three."""
    parts = (
        _nodes(effort),
        _networks(effort, "width", effort.widths, "w-w-1, batch 32"),
        _networks(effort, "depth", effort.depths, "layers of 16, batch 16"),
    )
    return Result([t for p in parts for t in p.tables], [p for r in parts for p in r.plots])


def wide(width: int) -> Problem:
    return Problem(f"width {width}", (width, width, 1), 32)


def deep(depth: int) -> Problem:
    return Problem(f"depth {depth}", (16,) * depth + (1,), 16)


def _nodes(effort: Effort) -> Result:
    leaves = scalars()
    columns: dict[str, list[float]] = {"forward": [], "forward and backward": []}
    for n in effort.nodes:
        forward, both = runs(n, leaves)
        calls = dict(zip(columns, (forward, both), strict=True))
        for name, taken in time_in_turns(calls, effort, collect=True).items():
            columns[name].append(float(np.median(taken)) * 1e6 / n)
    rows = [
        (f"{n:,}", *(number(column[i]) for column in columns.values()))
        for i, n in enumerate(effort.nodes)
    ]
    table = Table(("Nodes of an eager chain", *(f"{name}, µs a node" for name in columns)), rows)
    plot = Lines("nodes", "An eager chain", "nodes", "µs a node", effort.nodes, columns)
    return Result([table], [plot])


def _networks(effort: Effort, what: str, sizes: Sequence[int], described: str) -> Result:
    curves: dict[str, list[float]] = {name: [] for name in GROWING}
    problem = {"width": wide, "depth": deep}[what]
    rows = []
    for size in sizes:
        times = time_in_turns(contenders(problem(size), GROWING), effort)
        for name, taken in times.items():
            curves[name].append(float(np.median(taken)) * 1e6)
        rows.append((f"{size:,}", *_cells(times), number(_compiling(problem(size)) * 1e3)))
    header = [f"{name}, µs" + (" (ratio)" if name != HAND else "") for name in GROWING]
    title = f"{what.capitalize()} of a network ({described})"
    table = Table((title, *header, "compiling, ms"), rows)
    plot = Lines(what, f"A training step: {described}", what, "µs a step", sizes, curves)
    return Result([table], [plot])


def _cells(times: Times) -> list[str]:
    cells = []
    for name, ratio in ratios(times, HAND).items():
        cell = number(float(np.median(times[name])) * 1e6)
        cells.append(cell if name == HAND else f"{cell} ({np.median(ratio):.2f})")
    return cells


def _compiling(problem: Problem) -> float:
    """Seconds of the first call of a compiled step."""
    step, _ = autograd_lite_compiled(problem)
    start = perf_counter()
    step()
    return perf_counter() - start
