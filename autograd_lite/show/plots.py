"""Plots by matplotlib, as SVG that is the same each time and can stand within HTML."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure


def styled(style: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Within it matplotlib has these settings, and those of an SVG that is the same each time."""
    same: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": ""}
    return rc_context(same | dict(style))


def svg(figure: Figure, attributes: str) -> str:
    """A figure that was drawn within `styled`, as an ``<svg>`` with further attributes."""
    file = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", facecolor="none", metadata=nothing)
    return f"<svg {attributes}{file.getvalue().partition('<svg')[2]}"
