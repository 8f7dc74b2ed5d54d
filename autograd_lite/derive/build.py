"""From a recorded backward graph to expressions: one for each cotangent that has a symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from types import MappingProxyType

import numpy as np

from .. import ops
from ..engine.tensor import Array, Tensor
from ..graph import inner_first
from ..show.expression import Definition, Expression, applied
from ..table import OPS
from .tidy import tidied

_LONG, _LONG_TWICE = 40, 5  # the size from which a sub-expression, and one used twice, is named


class Builder:
    """Writes Tensors of a recorded graph as expressions.

    Named tensors, leaves and what was given a symbol stand for themselves; all else is written
    out. What is very long, or stands there more than once and isn't short, gets a symbol.

    Args:
        seed: the output's cotangent, which is 1, or ones.
        names: of the tensors that stand for themselves.
        leaves: what was given, in the order in which it is used.
        rows: how many rows a batch has, which a mean divides by; written q.
        keep_guards: write what keeps a division from 0.
        symbols: of arrays without a name, that they have already.
        taken: all symbols that there are; new ones are added.
    """

    def __init__(
        self,
        seed: Tensor,
        names: dict[Tensor, str],
        leaves: Iterable[Tensor],
        rows: int | None,
        keep_guards: bool = False,
        symbols: Mapping[Tensor, str] = MappingProxyType({}),
        taken: set[str] | None = None,
    ) -> None:
        self._names = names
        self._keep_guards = keep_guards
        self.wrote_q = False
        one = Expression(np.ones(() if seed.size > 1 else seed.shape, seed.dtype))
        ones = applied(OPS["broadcast_to"], one, shape=seed.shape) if seed.size > 1 else one
        self._expressions: dict[Tensor, Expression] = {seed: ones}
        self._rows = rows
        self.taken = set(names.values()) if taken is None else taken
        self._symbols = symbols
        self._auxiliary = (f"u_{i}" for i in count(1))
        self._same: dict[object, Expression] = {}
        for leaf in sorted(leaves, key=lambda t: t not in names):
            self._expressions[leaf] = written = self._written(leaf)
            if not leaf._tracked and written.name is not None:
                if leaf.name is None:
                    self._same.setdefault(_numbers(written.value), written)
                if written.value.dtype != bool:
                    rest = applied(ops.subtract, Expression(1.0), written)
                    self._same.setdefault(_numbers(rest.value), rest)

    def name(self, tensor: Tensor, symbol: str) -> None:
        """Let ``tensor`` be written as ``symbol`` from now on, unless it has a symbol already."""
        known = self._expressions.get(tensor)
        if known is None or known.name is None:
            self._expressions[tensor] = Expression(tensor._array, name=symbol)

    def expression(self, tensor: Tensor) -> tuple[Expression, list[Definition]]:
        """What ``tensor`` is, and the sub-expressions that got a symbol on the way."""
        auxiliary: list[Definition] = []
        order = self._unwritten(tensor)
        uses = Counter(x for t in order for x in t.inputs)
        for t in order:
            self._expressions[t] = written = self._written(t)
            longest = _LONG if uses[t] == 1 else _LONG_TWICE
            if written.size > longest and t is not tensor:
                name = next(n for n in self._auxiliary if n not in self.taken)
                self.taken.add(name)
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

    def given(self, tensors: Iterable[Tensor]) -> list[tuple[str, Array]]:
        """The leaves that stand in an expression, with their values; ``tensors`` first."""
        leaves = [t for t in (*tensors, *self._expressions) if t.is_leaf]
        written = [self._expressions[t] for t in leaves if t in self._expressions]
        return list({x.name: x.value for x in written if x.name is not None}.items())

    def _unwritten(self, tensor: Tensor) -> list[Tensor]:
        """The tensors that have no expression yet, inputs before results."""
        return list(inner_first(
            tensor, lambda t: () if self._stands_for_itself(t) else t.inputs, self._expressions
        ))  # fmt: skip

    def _stands_for_itself(self, tensor: Tensor) -> bool:
        return tensor.is_leaf or tensor in self._names

    def _written(self, tensor: Tensor) -> Expression:
        if not self._stands_for_itself(tensor):
            operands = tuple(self._expressions[x] for x in tensor.inputs)
            written = Expression(
                tensor._array, op=tensor.op, inputs=operands, params=tensor.params
            )
            return tidied(self._with_q(written), self._keep_guards)
        name = self._names.get(tensor, tensor.name)
        if name is None:
            return self._constant(tensor) if tensor.ndim else Expression(tensor._array)
        return Expression(tensor._array, name)

    def _constant(self, tensor: Tensor) -> Expression:
        """An unnamed array: ``1 − y`` where it is just that, computed before any recording; one
        that was given before has its symbol."""
        found = self._same.get(_numbers(tensor._array))
        if found is not None:
            return found
        name = self._symbols.get(tensor)
        name = name or next(n for i in count(1) if (n := f"c_{i}") not in self.taken)
        self.taken.add(name)
        return Expression(tensor._array, name)

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
