"""How numbers look: arrows by their weights, circles by their values.

Blue stands for positive and orange for negative, which can be told apart by everybody who sees
two colours. On paper without any, arrows of negative weights are dashed.
"""

from __future__ import annotations

import numpy as np

from autograd_lite.engine.tensor import Array

POSITIVE, NEGATIVE, ZERO, NOT_A_NUMBER = "#0072b2", "#d55e00", "#c3c7ce", "#111827"
_THINNEST, _WIDEST = 0.5, 4.5  # points
_STRONGEST = 0.55  # the most of a colour that a circle is filled with: its text stays readable


def largest(*arrays: Array) -> float:
    """The largest finite absolute value; 0 where there is none."""
    return max(float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in arrays)


def kind(weight: float) -> str:
    """What the legend calls it."""
    if np.isnan(weight):
        return "nan"
    return "w > 0" if weight > 0 else "w < 0" if weight < 0 else "w = 0"


def arrow(weight: float, most: float) -> dict[str, str]:
    """Attributes of an arrow: its width says how large the weight is, relative to ``most``."""
    look = KINDS[kind(weight)]
    if not weight or np.isnan(weight):
        return look
    width = _THINNEST + (_WIDEST - _THINNEST) * _part(weight, most)
    return look | {"penwidth": f"{width:.3g}"}


def _part(value: float, most: float) -> float:
    return 1.0 if np.isinf(value) else min(abs(value) / most, 1.0)


def _look(color: str, style: str, penwidth: float) -> dict[str, str]:
    # Heads stay small: the wide arrows that meet in a node would hide one another.
    return {"color": color, "style": style, "penwidth": f"{penwidth}", "arrowsize": "0.5"}


KINDS = {
    "w > 0": _look(POSITIVE, "solid", 2.0),
    "w < 0": _look(NEGATIVE, "dashed", 2.0),
    "w = 0": _look(ZERO, "solid", _THINNEST),
    "nan": _look(NOT_A_NUMBER, "dotted", 2.0),
}
"""How the legend shows each kind of weight."""


def fill(value: float, most: float, base: str) -> str:
    """The colour of a circle: the stronger, the larger its value is, relative to ``most``.

    Of 0 it is ``base``; white instead of a colour that is given by its name.
    """
    base = base if base.startswith("#") else "#ffffff"
    if np.isnan(value):
        return ZERO
    part = _STRONGEST * _part(value, most) if value else 0.0
    color = POSITIVE if value > 0 else NEGATIVE
    pairs = ((int(color[i : i + 2], 16), int(base[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(b + (c - b) * part):02x}" for c, b in pairs)
