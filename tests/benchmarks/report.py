"""Results as Markdown tables, and as plots (matplotlib, the extra ``plots``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .timing import Times, ratios


@dataclass
class Table:
    """Numbers, with what they are of in the first column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        lines = [
            _row(self.columns),
            "|---|" + "--:|" * (len(self.columns) - 1),
            *map(_row, self.rows),
        ]
        return "\n".join(lines) + (f"\n\n{self.note}" if self.note else "") + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(x: float) -> str:
    """Three digits, or what there is before the point."""
    if x != x:
        return "unknown"
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def compared(title: str, times: Times, unit: str, base: str, note: str = "") -> Table:
    """Medians over the rounds of the times, and of their ratios to ``base`` in the same round.

    Args:
        unit: of the column of times, which begins with "µs" or "ms".
    """
    scale = {"µs": 1e6, "ms": 1e3}[unit[:2]]
    rows = [
        (name, number(float(np.median(times[name])) * scale), _spread(ratio))
        for name, ratio in ratios(times, base).items()
    ]
    return Table((title, unit, f"ratio to {base} (quartiles)"), rows, note)


def _spread(ratio: Any) -> str:
    low, middle, high = np.percentile(ratio, [25, 50, 75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


class Plot(Protocol):
    """Something that is drawn into a file of its own."""

    file: str

    def draw(self, axes: Any) -> None: ...


@dataclass
class Bars:
    """Ratios, a group of bars for each thing that was measured."""

    file: str
    title: str
    y_label: str
    groups: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, group: str, times: Times, base: str) -> None:
        self.groups[group] = {n: float(np.median(r)) for n, r in ratios(times, base).items()}

    def draw(self, axes: Any) -> None:
        names = list(dict.fromkeys(name for group in self.groups.values() for name in group))
        width = 0.8 / len(names)
        for i, name in enumerate(names):
            heights = [group.get(name, np.nan) for group in self.groups.values()]
            places = np.arange(len(heights)) - 0.4 + (i + 0.5) * width
            axes.bar(places, heights, width, label=name)
        labels = [group.replace(", ", "\n") for group in self.groups]
        axes.set_xticks(range(len(labels)), labels, fontsize="small")
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set(title=self.title, ylabel=self.y_label, yscale="log")
        axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))


@dataclass
class Lines:
    """How something grows: a line for each contender."""

    file: str
    title: str
    x_label: str
    y_label: str
    xs: Sequence[float]
    ys: dict[str, list[float]]

    def draw(self, axes: Any) -> None:
        for name, values in self.ys.items():
            axes.plot(self.xs, values, marker="o", label=name)
        axes.set(title=self.title, xlabel=self.x_label, ylabel=self.y_label)
        axes.set(xscale="log", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")


@dataclass
class Result:
    """What a part of the benchmark found."""

    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)


def save(plot: Plot, directory: Path) -> Path:
    """Draw it into an SVG file.

    Raises:
        ImportError: matplotlib isn't installed; it names the extra.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator
    except ImportError as error:
        raise ImportError(
            'plots need matplotlib, of the extra plots: pip install -e ".[plots]"'
        ) from error
    path = directory / f"{plot.file}.svg"
    with matplotlib.rc_context({"svg.hashsalt": plot.file}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        plot.draw(axes)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        figure.savefig(path, metadata={"Date": None})
    return path
