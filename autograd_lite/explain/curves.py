"""Axes and curves as SVG: the loss during a training, and the frame of a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ..show import mathml
from ..show.notation import number
from .boundary import short

WIDTH, HEIGHT = 560, 300
MOST_DRAWN = 1000  # points of a curve, more than it is wide
PICTURE = Template((Path(__file__).parent / "assets" / "losses.svg").read_text(encoding="utf-8"))
LEFT, RIGHT, TOP, BOTTOM = 84, 36, 14, 52


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most ``most``: multiples of 1, 2 or 5 · 10ⁿ."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [low] if math.isfinite(low) else []
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1, 2, 5, 10, 20) if (high - low) / (m * power) < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def thinned(n: int, most: int) -> list[int]:
    """At most ``most`` of n places, evenly, with the first and the last."""
    if n <= most:
        return list(range(n))
    return sorted({round(i * (n - 1) / (most - 1)) for i in range(most)})


class Curve:
    """The loss by the number of steps.

    Args:
        steps: increasing.
        losses: one a step; those that aren't finite are left out.
    """

    def __init__(self, steps: Sequence[int], losses: Sequence[float]) -> None:
        pairs = zip(steps, losses, strict=True)
        self._points = [(step, loss) for step, loss in pairs if math.isfinite(loss)]
        values = [loss for _, loss in self._points]
        self._first, self._last = steps[0], max(steps[-1], steps[0] + 1)
        self._low, self._high = min([0.0, *values]), max([0.0, *values])
        if self._high <= self._low:
            self._high = self._low + 1.0

    def at(self, step: int, loss: float) -> tuple[float, float] | None:
        """Where a step is drawn; None for a loss that isn't finite."""
        if not math.isfinite(loss):
            return None
        across = (step - self._first) / (self._last - self._first)
        up = (loss - self._low) / (self._high - self._low)
        x = LEFT + across * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)
        return float(short(x)), float(short(y))

    def svg(self, now: tuple[float, float] | None, across: str, up: str, label: str) -> str:
        """The picture, with the point ``now`` marked.

        Args:
            now: from `at`.
            across: what the horizontal axis says.
            up: what the vertical one says.
            label: what the picture shows.
        """
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        marks = []
        for step in ticks(self._first, self._last):
            if step == int(step):
                x, _ = self.at(int(step), self._low) or (LEFT, 0)
                said = f"{step:.0f}"
                marks.append(tick(x, bottom, x, bottom + 5, x, bottom + 20, "middle", said))
        for value in ticks(self._low, self._high, 5):
            _, y = self.at(self._first, value) or (0, bottom)
            marks.append(tick(LEFT - 5, y, LEFT, y, LEFT - 9, y + 4.5, "end", number(value)))
            marks.append(f'<path class="rule" d="M{LEFT},{short(y)}H{right}"/>')
        some = [self._points[i] for i in thinned(len(self._points), MOST_DRAWN)]
        drawn = [self.at(*point) or (0, 0) for point in some]
        points = " ".join(f"{short(x)},{short(y)}" for x, y in drawn)
        x, y = now or (LEFT, bottom)
        return PICTURE.substitute(
            width=WIDTH, height=HEIGHT, left=LEFT, top=TOP, bottom=bottom, right=right,
            middle=short((LEFT + right) / 2), foot=HEIGHT - 8, half=short((TOP + bottom) / 2),
            label=mathml.text(label), across=mathml.text(across), up=mathml.text(up),
            marks="\n".join(marks), points=points, x=short(x), y=short(y),
            seen="visible" if now else "hidden",
        )  # fmt: skip


def tick(
    x1: float, y1: float, x2: float, y2: float, x: float, y: float, anchor: str, said: str
) -> str:
    """A mark on an axis, and what stands beside it."""
    return (
        f'<path class="axis" d="M{short(x1)},{short(y1)}L{short(x2)},{short(y2)}"/>'
        f'<text class="tick" x="{short(x)}" y="{short(y)}" text-anchor="{anchor}">'
        f"{said}</text>"
    )
