"""Chains of elementwise calls on large arrays, taken a block of rows at a time.

A large array doesn't fit into the processor's cache, so each call of a chain would read and write
main memory. A block does, and what is needed within the chain only is never there as a whole.

Threads take parts of a very large one, in larger blocks: calls on small ones are so short that
threads spend their time handing over the interpreter's lock (measured on two cores, for a million
entries: 10,000 at a time took from 1.0 to 1.4 times as long as on one thread, 65,536 about half).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .graph import Guard, Node, Program
from .memory import is_ufunc_call
from .simplify import LARGE, ONE_THREAD, axis_of

ENTRIES = ONE_THREAD  # of a block
SHARED = 65_536  # of a block where several threads share the rows
PER_THREAD = 250_000  # entries, less of which isn't worth a thread


class Block(Node):
    """Calls that are made together, block by block.

    Attributes:
        members: the calls on blocks, in order.
        sums: those that reduce all entries of a member to a number.
        whole: members whose values are needed as whole arrays.
        threads: how many share the rows.
    """

    __slots__ = ("members", "sums", "threads", "whole")

    def __init__(
        self, members: list[Node], sums: list[Node], whole: list[Node], threads: int
    ) -> None:
        own = {*members, *sums}
        given = dict.fromkeys(
            x for node in (*members, *sums) for x in node.operands if x not in own
        )
        super().__init__(None, tuple(given), op="block", line=members[0].line)
        self.members, self.sums, self.whole = members, sums, whole
        self.threads = max(1, min(threads, self.size // PER_THREAD, self.shape[0]))
        self.errors = members[0].errors

    @property
    def rows(self) -> int:
        """How many rows are a block."""
        entries = ENTRIES if self.threads == 1 else SHARED
        return max(1, entries * self.shape[0] // self.size)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.members[0].shape

    @property
    def size(self) -> int:
        return self.members[0].size

    def sliced(self, x: Any) -> bool:
        """Whether an operand is taken row by row, and not as a whole."""
        shape = np.shape(x.value if isinstance(x, Node) else x)
        return len(shape) == len(self.shape) and shape[0] == self.shape[0]


def blocked(program: Program, threads: int) -> Program:
    """The program with its long elementwise chains as `Block` nodes, on up to so many threads."""
    uses = Counter(x for node in program.nodes for x in node.operands)
    uses.update(program.results())
    nodes: list[Node] = []
    group = _Group()
    for node in program.nodes:
        if not group.takes(node):
            nodes += group.closed(uses, threads)
            group = _Group()
            group.takes(node)
    program.nodes = [*nodes, *group.closed(uses, threads)]
    return program


class _Group:
    """Calls that may become a block; what they need comes before, what needs them after."""

    def __init__(self) -> None:
        self._members: list[Node] = []
        self._sums: list[Node] = []
        self._before: list[Node] = []
        self._after: list[Node] = []
        self._own: set[Node] = set()
        self._late: set[Node] = set()

    def takes(self, node: Node) -> bool:
        """Find a place for the next call; False where it can't have one in this group."""
        operands = set(node.operands)
        if _is_large(node):
            if operands & self._late or (self._members and not self._fits(node)):
                return False  # the next group is of its shape
            self._members.append(node)
            self._own.add(node)
        elif _is_sum(node) and node.args[0] in self._own and not operands & self._late:
            self._sums.append(node)
            self._late.add(node)
        elif operands & (self._own | self._late) or (isinstance(node, Guard) and self._own):
            self._after.append(node)
            self._late.add(node)
        else:
            self._before.append(node)
        return True

    def _fits(self, node: Node) -> bool:
        first = self._members[0]
        return node.shape == first.shape and node.errors == first.errors

    def closed(self, uses: Counter[Node], threads: int) -> list[Node]:
        """The calls in order, with a block where that is worth it."""
        if len(self._members) + len(self._sums) < 2:
            return [*self._before, *self._members, *self._sums, *self._after]
        inside = Counter(x for n in (*self._members, *self._sums) for x in n.operands)
        whole = [m for m in self._members if uses[m] > inside[m]]
        block = Block(self._members, self._sums, whole, threads)
        return [*self._before, block, *self._after]


def _is_large(node: Node) -> bool:
    if not is_ufunc_call(node) or node.size < LARGE:
        return False
    return node.size // node.shape[0] <= ENTRIES


def _is_sum(node: Node) -> bool:
    """Whether all entries are reduced to a number."""
    ufunc = getattr(node.function, "__self__", None)
    reduces = getattr(node.function, "__name__", "") == "reduce"
    if ufunc not in (np.add, np.maximum, np.minimum) or not reduces:
        return False
    return axis_of(node) == (None, False)
