"""Numbers and arrays as the messages write them: ``4/3``, ``[[1., 2.]] of shape (1, 2)``."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from ..engine.tensor import Array
from ..show.notation import number


def ratio(value: float) -> str:
    """A ratio as a small fraction where decimals don't end: ``2``, ``0.5``, ``4/3``, ``0.1234``."""
    simple = Fraction(value).limit_denominator(100)
    if 100 % simple.denominator and abs(float(simple) - value) <= 1e-8 * abs(value):
        return str(simple).replace("-", "−")
    return number(value)


def abridged(array: Array | None, value: object = None) -> str:
    """An array on one line, with its shape; or what was given in its place."""
    if array is None:
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "…"
    return f"{written(array)} of shape {array.shape}"


def written(array: Array) -> str:
    """An array on one line, a large one abridged."""
    text = np.array2string(array, precision=4, threshold=16, edgeitems=2, separator=", ")
    return re.sub(r"\s+", " ", text)
