"""Entries that nothing reads: their gradient is 0, whatever the chain rule makes of it.

``np.where(x > 0, np.sqrt(x), 0)`` doesn't read √x where x is 0. The chain rule multiplies all the
same, and 0 · 1/0 is nan. So a layer of the backward pass keeps, for the input of an op that leaves
entries unread, which of them are read, as far back as ops go entry by entry; where their rules then
give something that isn't finite, the unread entries are set to the 0 that they have. That costs
more than most rules do, so a pass has the layer only where something wasn't finite without it.

A cotangent that merely happens to be 0 is no such entry: ``np.sqrt(x) ** 2`` at 0 stays nan.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from . import ops
from .anomaly import detect_anomaly
from .arrays import array_of, beside, is_at_hand, is_known
from .engine import op as engine
from .engine.backward import fit
from .engine.tensor import Array, Tensor, is_tracked
from .ops.define import operand
from .table import Op

cleared = Op("cleared", lambda g, read: np.where(np.isfinite(g) | (read != 0), g, 0), None, None)
"""What isn't finite and isn't read is set to 0."""


class Reading:
    """Which entries of an op's input are read; found out only when it is asked for.

    Attributes:
        op: what reads the input, with its ``vjp``.
        node: the op's value, operands and params.
        array: the input.
        output: which entries of the op's value are read; all, where it is None.
        other: what another op, or another operand of this one, reads of the same input.
    """

    __slots__ = ("_mask", "array", "node", "op", "other", "output", "vjp")

    def __init__(
        self, op: engine.Op, vjp: Any, node: Any, array: Array, output: Any, other: Any
    ) -> None:
        self.op, self.vjp, self.node, self.array = op, vjp, node, array
        self.output, self.other = output, other
        self._mask: Any = None

    def mask(self) -> Any:
        """True for the entries that are read."""
        if self._mask is None:
            self._mask = self._read() != 0
            if self.other is not None:
                self._mask = np.maximum(self._mask, self.other.mask())
        return self._mask

    def _read(self) -> Any:
        out, arrays, params = self.node
        ones: Any = beside(np.ones(out.shape), [out])
        read: Any = ones if self.output is None else self.output.mask() * ones
        if self.op.reads:
            read = operand(self.vjp(read, out, *arrays, **params))
        return fit(read, self.array, self.op.name)

    def cleared(self, vjp: Any, *args: Any, **params: Any) -> Any:
        """What an entrywise rule gives, with 0 where an entry isn't read and it isn't finite."""
        with np.errstate(divide="ignore", invalid="ignore"), detect_anomaly.suspended():
            cotangent = vjp(*args, **params)
        if type(self.node[0]) is Tensor:
            return cleared(cotangent, self.mask())
        finite = np.isfinite(array_of(cotangent))
        if not is_at_hand(finite):  # other values may need it, where not all is read anyway
            mask = self.mask()
            read = is_known(mask) and mask.all()
            return cotangent if read else ops.where(~(finite | mask), 0, cotangent)
        if finite.all():
            return cotangent
        unread = ~(finite | self.mask())
        return ops.where(unread, 0, cotangent) if unread.any() else cotangent


class Unread:
    """What a backward pass knows of unread entries: which of the tensors to come are read in part.

    Args:
        seeds: tensors that are read as a whole besides: those that the pass starts from.
        record: record what is read as well, which depends on the values.
    """

    def __init__(self, seeds: Iterable[Tensor], record: bool = False) -> None:
        self._readings: dict[Tensor, Reading | None] = dict.fromkeys(seeds)  # None: as a whole
        self._record = record

    def layer(self, tensor: Tensor, g: Any, vjps: Any) -> Any:
        """Note what ``tensor`` reads; its rules, where some of its own entries are unread."""
        op = tensor._op
        if op is None:
            return vjps
        reading = self._readings.pop(tensor, None)
        hands_on = op.entrywise or op.reads in ("some", "all")
        in_part = op.skips or (reading is not None and hands_on)
        node: Any = tensor._array, tensor._arrays, tensor._params
        if self._record:
            node = tensor, tensor.inputs, tensor._params
        for x, array, vjp in zip(tensor._inputs, tensor._arrays, op.vjps):  # noqa: B905  (as pull)
            if not is_tracked(x) or vjp is None:
                continue
            new = None
            if in_part and x._op is not None and (x._op.entrywise or x._op.reads):
                other = self._readings.get(x)
                if other is not None or x not in self._readings:
                    new = Reading(op, vjp, node, array, reading, other)
            self._readings[x] = new
        if op.reads == "told":
            return [partial(vjp, read=reading is None or reading.mask()) for vjp in vjps]
        if reading is None or not op.entrywise:
            return vjps
        some = [vjp for vjp, _ in zip(vjps, tensor._inputs)]  # noqa: B905
        return [vjp and partial(reading.cleared, vjp) for vjp in some]
