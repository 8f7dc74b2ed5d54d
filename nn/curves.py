"""What Jupyter shows of a training: its losses as curves."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from autograd_lite.show.notation import number

if TYPE_CHECKING:
    from .training import History

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 220, 56, 12, 26, 30
_COLORS = "#2563eb", "#ea580c"


def svg(history: History) -> str:
    """The loss by epochs, of the validation data too; logarithmic where it spans two powers."""
    from autograd_lite.explain.curves import thinned, ticks  # only when something is shown

    curves = {"loss": history.loss}
    if history.validation is not None:
        curves["validation"] = history.validation.loss
    finite = [loss for losses in curves.values() for loss in losses if math.isfinite(loss)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    scale = math.log10 if low > 0 and high > 100 * low else float
    bottom, top = scale(low) if scale is math.log10 else min(0.0, low), scale(high)
    if top <= bottom:
        top = bottom + 1
    last = max(len(history.loss), 2)

    def x(epoch: float) -> float:
        return round(_LEFT + (epoch - 1) / (last - 1) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(height: float) -> float:
        whole = _HEIGHT - _TOP - _BOTTOM
        return round(_HEIGHT - _BOTTOM - (height - bottom) / (top - bottom) * whole, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}"'
        f' font-family="sans-serif" font-size="11" role="img" aria-label="{escape(said(history))}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    ]
    for value in ticks(bottom, top, 5):
        shown = number(10**value if scale is math.log10 else value)
        parts.append(
            f'<path d="M{_LEFT},{y(value)}H{_WIDTH - _RIGHT}" stroke="#e4e4e7"/>'
            f'<text x="{_LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{shown}</text>'
        )
    for epoch in ticks(1, last):
        if epoch == int(epoch):
            at = f'x="{x(epoch)}" y="{_HEIGHT - _BOTTOM + 15}"'
            parts.append(f'<text {at} text-anchor="middle">{epoch:.0f}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 3}" text-anchor="middle">epoch</text>')
    for i, (name, losses) in enumerate(curves.items()):
        points = " ".join(
            f"{x(j + 1)},{y(scale(losses[j]))}"
            for j in thinned(len(losses), _WIDTH) if math.isfinite(losses[j])
        )  # fmt: skip
        style = f'fill="none" stroke="{_COLORS[i]}" stroke-width="1.8"'
        parts.append(
            f'<polyline points="{points}" {style}/>'
            f'<text x="{_LEFT + 90 * i}" y="15" fill="{_COLORS[i]}">{name}</text>'
        )
    if history.best is not None:
        parts.append(f'<path d="M{x(history.best + 1)},{_TOP}V{_HEIGHT - _BOTTOM}" stroke="#a1a1aa"'
                     ' stroke-dasharray="3 3"/>')  # fmt: skip
    return "".join(parts) + "</svg>"


def said(history: History) -> str:
    """A line on it."""
    if not history.loss:
        return "no epochs"
    parts = [f"{len(history.loss)} epochs, loss {history.loss[0]:.4g} → {history.loss[-1]:.4g}"]
    parts += [f"{name} {values[-1]:.4g}" for name, values in history.metrics.items()]
    if history.validation is not None and history.best is not None:
        best = history.validation.loss[history.best]
        parts.append(f"validation {best:.4g} at best, in epoch {history.best + 1}")
    return ", ".join(parts)
