"""Numeric derivatives of a function of one number, with an estimate of how far off they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

Line = Callable[[float], float]
"""``t → f(x + t v)``."""

_STEPS = 0.05 * 4.0 ** -np.arange(16)  # down to 5e-11: where f is curved much
_SMALL = 1e-12  # derivatives of this size may be rounding
_COLUMNS = 4  # of the extrapolation: the error is of order 8 in the step
_EPS = float(np.finfo(np.float64).eps)


class Numeric(NamedTuple):
    """A numeric derivative, and an estimate of its error; nan and inf where there is none."""

    value: float
    error: float


_NONE = Numeric(float("nan"), float("inf"))


def derivative(f: Line, scale: float = 1.0, eps: float = _EPS) -> Numeric:
    """The derivative of ``f`` at 0.

    By central differences with ever smaller steps, extrapolated to the step 0. Of all
    extrapolations that is taken whose neighbours agree best, for their size, and which the next
    step confirms: a large step may lead across a pole or a jump, and a tiny one drown in rounding.
    Steps that lead out of the domain of ``f`` are left out.

    Args:
        f: see `Line`.
        scale: of the step; it begins with 0.05 times it.
        eps: how far ``f`` is rounded, relative to its value.

    Source:
        C. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering
        Software 4(2), 1982.

    Example:
        >>> found = derivative(lambda t: np.sin(1 + t))
        >>> bool(abs(found.value - np.cos(1)) < 1e-11)
        True
    """
    best = candidate = (float("inf"), _NONE)  # with its error for its size
    before: list[float] = []
    noise = _noise(f, scale)
    for h in _STEPS * scale:
        up, down = value(f, h), value(f, -h)
        slope = (up - down) / (2 * h)
        if not np.isfinite(slope):
            before = []
            continue
        size = abs(up) + abs(down)
        rounding = max(eps * size, noise) / h
        found = candidate[1]
        if abs(slope - found.value) <= 1e-2 * abs(found.value) + found.error + 10 * rounding:
            best = min(best, candidate)
            if found.error <= max(1e-11 * abs(found.value), rounding):
                break
        candidate = (float("inf"), _NONE)
        row = [slope]
        for j, coarser in enumerate(before[: _COLUMNS - 1]):
            finer = row[j]
            row.append(finer + (finer - coarser) / (16.0 ** (j + 1) - 1))
            error = max(abs(row[-1] - finer), abs(row[-1] - coarser)) + rounding
            relative = error / (abs(row[-1]) + 1e-10 * size / scale + _SMALL)
            candidate = min(candidate, (relative, Numeric(row[-1], error)))
        before = row
    return best[1]


def _noise(f: Line, scale: float) -> float:
    """How far ``f`` is rounded, where terms that are larger than itself cancel in it, too.

    A slope shows in no second difference, and a kink or a jump in one or two.
    """
    values = [value(f, k * 1e-15 * scale) for k in range(-4, 5)]
    return float(np.median(np.abs(np.diff(values, 2)))) if np.isfinite(values).all() else 0.0


def kink(f: Line, scale: float = 1.0) -> str:
    """Why ``f`` has no derivative at 0, in words; empty for a smooth function.

    Of that the derivatives from both sides approach each other as fast as the step becomes
    smaller. At a jump they grow instead.

    Example:
        >>> kink(abs)
        'a kink: -1 from below, 1 from above'
        >>> kink(np.sign)
        'a jump'
        >>> kink(np.sin)
        ''
    """
    middle = value(f, 0.0)
    steps = np.array([1e-6, 1e-8]) * scale
    below = np.array([(middle - value(f, -h)) / h for h in steps])
    above = np.array([(value(f, h) - middle) / h for h in steps])
    size = np.maximum(abs(below), abs(above))
    rounding = max(100 * _EPS * abs(middle), 10 * _noise(f, scale)) / steps[1]
    if not np.isfinite(size).all():
        return ""
    if size[1] > 10 * size[0] and size[1] > rounding:
        return "a jump"
    gap = abs(above - below)
    if gap[1] > max(0.5 * gap[0], 1e-3 * size[1], rounding):
        return f"a kink: {below[1]:.4g} from below, {above[1]:.4g} from above"
    return ""


def value(f: Line, t: float) -> float:
    """``f(t)``; nan where that is undefined."""
    with (
        np.errstate(all="ignore"), warnings.catch_warnings(),
        suppress(ArithmeticError, ValueError),
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        return float(f(t))
    return float("nan")
