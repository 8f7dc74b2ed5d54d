"""Entries that nothing reads: their gradient is 0, whatever the chain rule makes of it.

``np.where(x > 0, np.sqrt(x), 0)`` doesn't read √x where x is 0. The chain rule multiplies all the
same, and 0 · 1/0 is nan. So the backward pass keeps, for the input of an op that leaves entries
unread, which of them are read, as far back as ops go entry by entry; where their rules then give
something that isn't finite, the unread entries are set to the 0 that they have.

A cotangent that merely happens to be 0 is no such entry: ``np.sqrt(x) ** 2`` at 0 stays nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ops
from .op import Op
from .tensor import Array


class Reading:
    """Which entries of an op's input are read; found out only when it is asked for."""

    __slots__ = ("_array", "_mask", "_node", "_op", "_output", "_vjp")

    def __init__(self, op: Op, vjp: Any, node: Any, array: Array, output: Reading | None) -> None:
        self._op, self._vjp, self._node, self._array = op, vjp, node, array
        self._output = output
        self._mask: Array | None = None

    def mask(self) -> Array:
        """True for the entries that are read."""
        if self._mask is None:
            out, arrays, params = self._node
            read = np.ones(out.shape) if self._output is None else self._output.mask() * 1.0
            if self._op.reads:
                read = np.asarray(self._vjp(read, out, *arrays, **params))
            while read.ndim > self._array.ndim:
                read = read.max(axis=0, initial=0.0)
            for axis, size in enumerate(self._array.shape):
                if size != read.shape[axis]:
                    read = read.max(axis=axis, keepdims=True, initial=0.0)
            self._mask = read != 0
        return self._mask

    def cleared(self, vjp: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """What an entrywise rule gives, with 0 where an entry isn't read and it isn't finite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            cotangent = vjp(*args, **params)
        finite = np.isfinite(getattr(cotangent, "_array", cotangent))
        if finite.all():
            return cotangent
        unread = ~(finite | self.mask())
        return ops.where(unread, 0, cotangent) if unread.any() else cotangent
