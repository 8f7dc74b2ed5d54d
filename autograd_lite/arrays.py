"""What a Tensor may hold: an array, or what stands in for one while a program is written down.

The engine and its rules are NumPy code; given stand-ins, which NumPy's protocols let in, the same
code says what it asks NumPy for. Here is what it needs to know of them, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .engine.tensor import STAND_INS as STAND_INS
from .engine.tensor import Tensor
from .engine.tensor import as_array as as_array

HOLDERS: set[type] = set()
"""Types of variables that hold an array or a Tensor, which they give as ``content()``."""


def content(x: Any) -> Any:
    """What a variable of `HOLDERS` holds; anything else as it is."""
    return x.content() if type(x) in HOLDERS else x


def own_array(x: Any, dtype: Any = None, where: str = "") -> Any:
    """``np.array``: a copy that nobody else can change; ``where`` is for errors, as in `given`."""
    if type(x) is np.ndarray and dtype is None:
        return x.copy("K")
    if type(x) in STAND_INS:
        return x.own(dtype)
    refuse_kinds(x, where)
    return np.array(x, dtype=dtype)


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros to write into, of the dtype and kind of ``like``."""
    if type(like) in STAND_INS:
        return np.zeros_like(like, shape=shape)
    return np.zeros(shape, like.dtype)


def beside(x: Any, others: Iterable[Any]) -> Any:
    """A constant, as what stands for one where one of the others stands for an array."""
    for other in others:
        if type(other) in STAND_INS:
            return other.constant(x)
    return x


def given(x: Any, where: str = "") -> Any:
    """`as_array` of what a user gives to ``where``, which is to be an array as it looks."""
    refuse_kinds(x, where)
    return as_array(x)


def refuse_kinds(x: Any, where: str) -> None:
    """Raise for masked arrays and matrices, whose own meaning of an operation would be lost."""
    for kind in {*map(type, x)} if type(x) in (list, tuple) else (type(x),):
        if issubclass(kind, (np.ma.MaskedArray, np.matrix)):
            masked = issubclass(kind, np.ma.MaskedArray)
            raise TypeError(
                f"{where}{': ' if where else ''}a {kind.__name__} isn't taken: its "
                f"{'mask' if masked else 'matrix product'} would be ignored; give np.asarray(x)"
                + (", and ag.where(mask, 0, t) for the mask" if masked else "")
            )


def guard(check: Callable[..., Any], *arrays: Any) -> None:
    """Call ``check``, which raises where the values of the arrays make no sense.

    A test of values can't be read off the graph, so a program that is written down has to be told
    that it belongs to it. Of Tensors nothing is tested: they may stand for other values, too.
    """
    for x in arrays:
        if type(x) in STAND_INS:
            x.guard(check, arrays)
            return
        if type(x) is Tensor:
            return
    check(*arrays)
