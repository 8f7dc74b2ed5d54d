"""What a Tensor may hold: an array, or what stands in for one while a program is written down.

The engine and its rules are NumPy code; given stand-ins, which NumPy's protocols let in, the same
code says what it asks NumPy for. Here is what it needs to know of them, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STAND_INS: set[type] = set()
"""Types of what may take an array's place; each has the attributes and methods of one."""


def as_array(x: Any) -> Any:
    """``np.asarray``, but for a stand-in, which stays."""
    return x if type(x) in STAND_INS else np.asarray(x)


def own_array(x: Any, dtype: Any = None) -> Any:
    """``np.array``: a copy that nobody else can change."""
    return x.own(dtype) if type(x) in STAND_INS else np.array(x, dtype=dtype)


def guard(check: Callable[..., Any], *arrays: Any) -> None:
    """Call ``check``, which raises where the values of the arrays make no sense.

    A test of values can't be read off the graph, so a program that is written down has to be told
    that it belongs to it.
    """
    for x in arrays:
        if type(x) in STAND_INS:
            x.guard(check, arrays)
            return
    check(*arrays)
