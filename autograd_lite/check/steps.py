"""Mistakes that are made at several places at once: at each step of time, in weights used twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..engine.tensor import Array
from .edits import Edit
from .formula import Formula
from .line import Line
from .whole import plus

_STEP = re.compile(r"(.*?)(-?\d+)(\D*)")


def _by_step(named: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """By name, with ``{}`` for the step, and step."""
    found: dict[str, dict[int, Any]] = {}
    for name, x in named.items():
        if (step := _STEP.fullmatch(name)) is not None:
            found.setdefault(f"{step[1]}{{}}{step[3]}", {})[int(step[2])] = x
        elif f"{name}_1" in named:  # of arrays without names
            found.setdefault(f"{name}_{{}}", {})[0] = x
    return found


def starts(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Zeros, where states begin that have no name before the first step."""
    named = _by_step(arrays).items()
    return {n.format(min(of) - 1): np.zeros_like(of[min(of)]) for n, of in named if min(of)}


def beside(name: str, other: str | None) -> Any:
    """A name by how many steps it comes after another."""
    own, its = (_STEP.fullmatch(n or "") for n in (name, other))
    return name if own is None or its is None else (own[1] + own[3], int(own[2]) - int(its[2]))


def updated(f: Formula, line: Line) -> Iterator[Edit]:
    """Weights that were updated before they were used, with one learning rate."""
    gradients, arrays = line.gradients, line.others
    found = {e: arrays.get(gradients.get(e.name or "", "")) for e in f.order if e.kind == "leaf"}
    steps = {e: g for e, g in found.items() if g is not None and g.shape == e.shape}
    made = {e: partial(plus, -g) for e, g in steps.items()}
    for e in made:
        yield Edit(0.5, "updated", (e,), made, free=True)
