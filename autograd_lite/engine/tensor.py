"""Tensor: an array, a name, and how it was made.

A leaf is made from data; any other Tensor was recorded by `op.apply`, and holds the op, the
inputs, the arrays that they had then, and the params. Edges point from a result to its inputs
only, so that a graph has no cycles and goes as soon as its last name does. Its operators and
methods, and how it is made from data, are put here by `members`, once the ops are there.

Arrays in a graph never change under it. A Tensor copies the data it is made from. What it hands
out as ``.data`` is read-only for a result, and no view. For a leaf it may be written to: as long as
somebody outside holds it, each op that uses the leaf takes a copy.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .modes import Mode, tell

if TYPE_CHECKING:
    from ..members import Members
    from .op import Op
else:
    Members = object

Array = NDArray[Any]

FOREIGN: set[type] = set()
"""Types of other libraries' arrays that were met; ops on them go by way of `later.elsewhere`."""

SKIPS = 2
"""A bit of `_tracked`: on the way here entries that were computed one by one may be unread."""


class Tensor(Members):
    """An array whose history is recorded, so that it can be differentiated.

    Args:
        data: numbers, nested lists or an array; copied. Shape and dtype are kept, but integers
            and booleans become float64 when a gradient is required.
        requires_grad: record what is computed from this tensor, and store its gradient.
        name: for figures, formulas and errors; a named tensor keeps its gradient.
        dtype: the data are converted to it.

    Raises:
        TypeError: data that are not numeric, or hold Tensors; a gradient of a dtype that has none.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        array([2., 4.])
    """

    __slots__ = (
        "__weakref__", "_array", "_arrays", "_exposed", "_grad", "_inputs", "_notes", "_number",
        "_op", "_params", "_tracked", "name",
    )  # fmt: skip
    _array: Array
    _exposed: bool  # whether somebody outside may hold `_array`, and write to it
    _tracked: int  # 0 where what is computed from this tensor isn't recorded
    _op: Op | None  # of a leaf None, and then it hasn't got what follows
    _inputs: tuple[Any, ...]
    _arrays: tuple[Any, ...]  # the values that the inputs had then
    _params: dict[str, Any]
    _number: int  # creation order: a result's is greater than those of its inputs
    _grad: Array | None
    _notes: tuple[Any, ...]  # see `notes`; a leaf may lack it
    name: str | None

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor can't be subclassed: ops know Tensors by their very type")

    __hash__ = object.__hash__  # a tensor is itself, whatever its value

    def _only_reference(self) -> bool:
        """Whether nothing but this tensor holds its array, or memory that the array shares."""
        base = getattr(self._array, "base", 0)  # an array without one may share its memory
        return base is None and getrefcount(self._array) <= _ONE_REFERENCE

    def _settle(self) -> Array:
        """The array for an op to keep: a copy as long as somebody outside holds this one."""
        if self._only_reference():
            self._exposed = False
            return self._array
        return self._array.copy()


def _leaf(array: Array) -> Tensor:
    """A leaf around an array that is the engine's own, without a copy."""
    leaf = Tensor.__new__(Tensor)
    leaf._array = array
    leaf._exposed, leaf._tracked = False, 0
    leaf._op = leaf._grad = leaf.name = None
    if Mode.entered:
        tell("born", leaf)
    return leaf


def is_tracked(x: Any) -> bool:
    """Whether ``x`` is a Tensor with a gradient to follow."""
    return type(x) is Tensor and x._tracked > 0


_one = _leaf(np.empty(0))
_ONE_REFERENCE = getrefcount(_one._array)  # of an array that only its tensor holds
