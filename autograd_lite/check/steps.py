"""Mistakes that are made at several places at once: at each step of time, in weights used twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .edits import Edit
from .formula import Formula
from .line import Line
from .whole import plus


def updated(f: Formula, line: Line) -> Iterator[Edit]:
    """Weights that were updated before they were used, with one learning rate."""
    gradients, arrays = line.gradients, line.others
    found = {e: arrays.get(gradients.get(e.name or "", "")) for e in f.order if e.kind == "leaf"}
    steps = {e: g for e, g in found.items() if g is not None and g.shape == e.shape}
    made = {e: partial(plus, -g) for e, g in steps.items()}
    for e in made:
        yield Edit(0.5, "updated", (e,), made, free=True)
