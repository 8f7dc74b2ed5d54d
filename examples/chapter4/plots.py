"""The scatter plots with decision boundaries, Figs 4-4 to 4-8, 4-10 and 4-11, by matplotlib.

An SVG is the same, byte for byte, each time that it is made.

Raises:
    ImportError: on import, where matplotlib is missing; it names the extra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
import nn

from .data import Array, Data
from .networks import Chapter, Trained, tensors

try:
    from matplotlib import colormaps, rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError('the plots need matplotlib: pip install "autograd_lite[plots]"') from error

Score = Callable[[Array], Array]
"""From points ``(n, 2)`` to ``(n,)``: positive where class 1 is predicted."""

STYLE: dict[Any, Any] = {
    "font.family": "STIXGeneral",
    "font.size": 12,
    "mathtext.fontset": "stix",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7280",
    "xtick.color": "#6b7280",
    "ytick.color": "#6b7280",
    "svg.hashsalt": "chapter4",
    "svg.fonttype": "path",
}
CLASSES = (("o", "#2b6cb0", 70), ("s", "#c05621", 110))  # marker, colour, area
SHADES = ("#dbe9f6", "#fbe3d2")
LINE = "#1f2937"


class _Panel(NamedTuple):
    """One plot: the points, the side of them that a score puts in class 1, and boundaries.

    Attributes:
        data: the points, ``x (n, 2)``.
        score: shades the two sides of its boundary.
        lines: scores whose boundaries are drawn, by their labels; by default that of `score`.
        axes: the letter on the axes.
        limits: of both axes.
        area: how large the points are, as a share of the usual.
        title: above it.
    """

    data: Data
    score: Score | None = None
    lines: Mapping[str, Score] = {}
    axes: str = "x"
    limits: tuple[float, float] = (-0.25, 1.25)
    area: float = 1.0
    title: str = ""


def all_plots(chapter: Chapter) -> dict[str, str]:
    """Each plot's SVG by the number of its figure."""
    first, second, hidden = chapter.logistic_1, chapter.logistic_2, chapter.hidden
    net, data = hidden.net, hidden.data
    h_1, h_2 = (_tensor(net, "s_1", column) for column in (0, 1))
    features = Data(tensors(net, data)["l_1"].data, data.y)
    one, two = {"$h_1=0.5$": h_1}, {"$h_2=0.5$": h_2}
    return {
        "4-4": _plot([_Panel(first.data)]),
        "4-5": _plot([_Panel(first.data, _tensor(first.net, "s_1"))]),
        "4-6": _plot([_Panel(second.data)]),
        "4-7": _plot([_Panel(second.data, _tensor(second.net, "s_1"))]),
        "4-8": _plot([_Panel(data, _tensor(net, "s_2"), one | two)]),
        "4-10": _plot([_Panel(data, h_1, one), _Panel(data, h_2, two)]),
        "4-11": _plot([_Panel(features, _second_layer(net), axes="h")]),
    }


def boundaries(trained: Mapping[str, Trained]) -> str:
    """The boundary of each network in the plane of its two features, under its title."""
    panels = []
    for title, (net, data, *_) in trained.items():
        few = len(data.x) < 10
        most = 1.25 if few else float(np.abs(data.x).max()) * 1.1
        score = _tensor(net, f"s_{len(net.layers)}")
        limits = (-0.25, 1.25) if few else (-most, most)
        panels.append(_Panel(data, score, {}, "x", limits, 1.0 if few else 0.3, title))
    return _plot(panels)


def curves(lines: Mapping[str, Sequence[float]], letter: str) -> str:
    """What was measured at each epoch t, one line each."""
    shades = np.linspace(0.15, 0.85, len(lines))
    with rc_context(STYLE):
        figure = Figure(figsize=(7, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for (label, values), shade in zip(lines.items(), shades, strict=True):
            axes.plot(range(len(values)), values, color=colormaps["viridis"](shade), label=label)
        axes.set_xlabel("$t$")
        axes.set_ylabel(f"${letter}$", rotation=0, labelpad=12)
        axes.set_yscale("log")
        if len(lines) > 1:
            axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return _svg(figure)


def slopes() -> str:
    """σ and σ', and where the slope is taken at 0."""
    s = np.linspace(-6, 6, 121)
    sigma = 1 / (1 + np.exp(-s))
    with rc_context(STYLE):
        figure = Figure(figsize=(5, 3.2), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(s, sigma, color=CLASSES[0][1], label=r"$\sigma(s)$")
        axes.plot(s, sigma * (1 - sigma), color=CLASSES[1][1], label=r"$\sigma\prime(s)$")
        axes.set_xlabel("$s$")
        axes.legend(frameon=False)
        return _svg(figure)


def _tensor(net: nn.MLP, name: str, column: int = 0) -> Score:
    """The score that is a column of one of the network's tensors."""
    return lambda points: ag.named_tensors(net(points))[name].data[:, column]


def _second_layer(net: nn.MLP) -> Score:
    """The score that the output layer gives to points of the hidden layer."""
    return lambda points: net.layers[1](points).data[:, 0]


def _plot(panels: Sequence[_Panel]) -> str:
    """The panels side by side, as SVG."""
    with rc_context(STYLE):
        figure = Figure(figsize=(4 * len(panels), 3.7), layout="constrained")
        for i, panel in enumerate(panels, 1):
            _draw(panel, figure.add_subplot(1, len(panels), i))
        return _svg(figure)


def _svg(figure: Figure) -> str:
    svg = StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    return svg.getvalue()


def _draw(panel: _Panel, axes: Axes) -> None:
    ticks = np.linspace(*panel.limits, 61)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)

    def heights(score: Score) -> Array:
        return score(grid.reshape(-1, 2)).reshape(grid.shape[:2])

    if panel.score is not None:
        z = heights(panel.score)
        axes.contourf(ticks, ticks, z, [-np.inf, 0, np.inf], colors=SHADES)
    lines = panel.lines or ({} if panel.score is None else {"$p=0.5$": panel.score})
    for (label, score), style in zip(lines.items(), ("-", "--"), strict=False):
        axes.contour(ticks, ticks, heights(score), [0], colors=LINE, linestyles=style)
        axes.plot([], [], color=LINE, linestyle=style, label=label)
    for y, (marker, color, area) in enumerate(CLASSES):
        x_1, x_2 = panel.data.x[panel.data.y[:, 0] == y].T
        axes.scatter(
            x_1, x_2, area * panel.area, color, marker=marker, edgecolors="white", zorder=3,
            label=f"$y={y}$",
        )  # fmt: skip
    axes.set_xlabel(f"${panel.axes}_1$")
    axes.set_ylabel(f"${panel.axes}_2$", rotation=0, labelpad=12)
    axes.set_xlim(ticks[0], ticks[-1])
    axes.set_ylim(ticks[0], ticks[-1])
    if panel.limits == _Panel(panel.data).limits:
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
    axes.set_aspect("equal")
    if panel.title:
        axes.set_title(panel.title, pad=32, fontsize=12)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False,
        columnspacing=1, handletextpad=0.4,
    )  # fmt: skip
