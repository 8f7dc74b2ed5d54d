"""From a recorded backward graph to expressions: one for each cotangent that has a symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from .. import ops
from ..engine.tensor import Array, Tensor
from ..graph import inner_first, walk
from ..masks import origin
from ..show.expression import Definition, Expression, applied
from ..show.notation import free_names
from ..table import OPS
from .tidy import tidied

_LONG, _LONG_TWICE = 40, 5  # the size from which a sub-expression, and one used twice, is named


class Leaves(dict[Tensor, Expression]):
    """How leaves are written: by name, as a number, as ``1 − y`` or ``X[1]``, or else as c_1.

    Args:
        leaves: in the order in which they are used; others may follow.
        names: of those that have one.
        taken: all symbols that there are; new ones are added.
    """

    def __init__(
        self, leaves: Iterable[Tensor], names: Mapping[Tensor, str], taken: set[str]
    ) -> None:
        self._names, self._taken = names, taken
        self._same: dict[object, Expression] = {}
        for leaf in sorted(leaves, key=lambda t: t not in names):
            self[leaf]

    def __missing__(self, leaf: Tensor) -> Expression:
        name, value = self._names.get(leaf, leaf.name), leaf._array
        again = origin(leaf) if name is None else None
        if again is not None:  # X − mean(X)
            for t in walk(again):
                if not t.is_leaf:
                    operands = tuple(self[x] for x in t.inputs)
                    self[t] = tidied(Expression(t._array, None, t.op, operands, t.params))
            self[leaf] = self[again]
            return self[leaf]
        written = self._same.get(_numbers(value)) if name is None and leaf.ndim else None
        if written is None:
            if name is None and leaf.ndim:
                name = next(free_names("c", self._taken))
            written = Expression(value, name)
        self[leaf] = written
        if not leaf._tracked and written.name is not None:
            if leaf.name is None:
                self._same.setdefault(_numbers(value), written)
            if value.dtype != bool:
                rest = applied(ops.subtract, Expression(1.0), written)
                self._same.setdefault(_numbers(rest.value), rest)
        return written


class Builder:
    """Writes Tensors of a recorded graph as expressions.

    Named tensors, leaves and what was given a symbol stand for themselves; all else is written
    out. What is very long, or stands there more than once and isn't short, gets a symbol.

    Args:
        seed: the output's cotangent, which is 1, or ones.
        names: of the tensors that stand for themselves.
        leaves: how these are written.
        rows: how many rows a batch has, which a mean divides by; written q.
        taken: all symbols that there are; new ones are added.
        keep_guards: write what keeps a division from 0.
    """

    def __init__(
        self, seed: Tensor, names: Mapping[Tensor, str], leaves: Leaves, rows: int | None,
        taken: set[str], keep_guards: bool = False,
    ) -> None:  # fmt: skip
        self._names, self._leaves, self._rows, self._taken = names, leaves, rows, taken
        self._keep_guards = keep_guards
        self.wrote_q = False
        one = Expression(np.ones(() if seed.size > 1 else seed.shape, seed.dtype))
        ones = applied(OPS["broadcast_to"], one, shape=seed.shape) if seed.size > 1 else one
        self._expressions: dict[Tensor, Expression] = {seed: ones}
        self._auxiliary = free_names("u", taken)

    def name(self, tensor: Tensor, symbol: str) -> None:
        """Let ``tensor`` be written as ``symbol`` from now on, unless it has a symbol already."""
        known = self._expressions.get(tensor)
        if known is None or known.name is None:
            self._expressions[tensor] = Expression(tensor._array, name=symbol)

    def expression(self, tensor: Tensor) -> tuple[Expression, list[Definition]]:
        """What ``tensor`` is, and the sub-expressions that got a symbol on the way."""
        auxiliary: list[Definition] = []
        below = inner_first(
            tensor, lambda t: () if t in self._names else t.inputs, self._expressions
        )
        order = list(below)
        uses = Counter(x for t in order for x in t.inputs)
        for t in order:
            self._expressions[t] = written = self._written(t)
            longest = _LONG if uses[t] == 1 else _LONG_TWICE
            if written.size > longest and t is not tensor:
                name = next(self._auxiliary)
                auxiliary.append(Definition(name, written))
                self._expressions[t] = Expression(t._array, name)
        return self._expressions[tensor], auxiliary

    def definition(self, tensor: Tensor) -> list[Definition]:
        """How a named result is computed, last, after the parts that got a symbol on the way."""
        written = [self.expression(x) for x in tensor.inputs]
        operands = tuple(x for x, _ in written)
        whole = Expression(tensor._array, None, tensor.op, operands, tensor.params)
        parts = [part for _, parts in written for part in parts]
        return [*parts, Definition(self._names[tensor], whole)]

    def _written(self, tensor: Tensor) -> Expression:
        if tensor.is_leaf:
            return self._leaves[tensor]
        if tensor in self._names:
            return Expression(tensor._array, self._names[tensor])
        operands = tuple(self._expressions[x] for x in tensor.inputs)
        written = Expression(tensor._array, op=tensor.op, inputs=operands, params=tensor.params)
        return tidied(self._with_q(written), self._keep_guards)

    def _with_q(self, node: Expression) -> Expression:
        """A division by the number of rows, by the name q."""
        if node.is_called("divide") and self._rows and node.inputs[1].is_equal_to(self._rows):
            self.wrote_q = True
            q = Expression(node.inputs[1].value, "q")
            return Expression(node.value, op=node.op, inputs=(node.inputs[0], q))
        return node


def _numbers(array: Array) -> object:
    """What is the same of equal arrays."""
    return array.shape, (array + 0.0).tobytes()
