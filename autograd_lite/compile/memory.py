"""Where a program's values lie: buffers, allocated once and used again when a value is dead.

Three kinds of calls: those that write into a buffer (``out=``), those that give a number, and all
others, whose results are new or share memory with their operands. A value that is handed out lies
in memory that is new at each call, as does what was in that memory before it.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from ..ops.indexing import parts_of
from .graph import FRESH, Guard, Node, Program, after, is_plain_reshape, of_ufunc, values


def writes_out(node: Node) -> str:
    """How a call is written that gives an array of some axes into a buffer: "" for others."""
    function, value = node.function, node.value
    if type(value) is not np.ndarray or not value.ndim:
        return ""
    if type(function) is np.ufunc and function is not np.matmul:
        return "ufunc" if not (function.signature or node.kwargs) and function.nout == 1 else ""
    if function is np.dot or function is np.matmul:
        given = [a.value if isinstance(a, Node) else a for a in node.args]
        alike = all(isinstance(a, np.ndarray) and a.ndim and a.dtype == value.dtype for a in given)
        return "product" if alike and len(given) == 2 and not node.kwargs else ""
    if function in (after, np.full):
        return "fill" if function is np.full else "put"
    reduces = of_ufunc(function) and function.__name__ == "reduce"
    return "reduction" if reduces and len(node.args) == 5 and not node.kwargs else ""


def shares_memory(node: Node) -> bool:
    """Whether the value may lie in its operands' memory: a view, or what isn't known."""
    function = node.function
    if type(function) is np.ufunc or node.is_scalar or function is None or function in FRESH:
        return False
    if function is operator.getitem and isinstance(node.args[0], Node):
        return not any(map(np.ndim, values(parts_of(node.args[1]))))  # indexed by arrays: a copy
    if of_ufunc(function) or (function is np.asarray and all(x.is_scalar for x in node.operands)):
        return False
    return not str(getattr(function, "__module__", "")).startswith("numpy.fft")


_LARGE = 4096  # entries, from which memory counts
_SOON = 4  # calls, after which a value stays in small memory of its own: so loops are seen


@dataclass(eq=False)
class Memory:
    """Memory for several values, one after the other.

    Attributes:
        shape, dtype: as it is allocated.
        nodes: the values.
        until: the number of the call that uses the last of them last.
        given: whether that is handed out, so that the first is new at each call.
        name: in the code; known, where it is an input's.
        array: an example, once it is allocated.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nodes: list[Node] = field(default_factory=list)
    until: int = 0
    given: bool = False
    name: str = ""
    array: Any = None

    def may_be_given(self, node: Node) -> bool:
        """Whether a result may lie where these values were, if it's large."""
        return writes_out(node) == "ufunc" and node.size >= _LARGE and all(
            x.shape == node.shape and writes_out(x) in ("ufunc", "product", "reduction")
            for x in self.nodes
        )


Plan = dict[Node, tuple[Memory, int | None]]


def planned(program: Program, inputs: dict[Node, Memory]) -> Plan:
    """Where the nodes write: into which memory, and of a part of it, from where on.

    A call takes memory that is free, of as many entries, or new one: also that of an operand which
    it is the last to use, where it goes entry by entry, or writes into what that was. An input that
    is to be brought up to date is written to when nothing can go wrong any more.

    Args:
        program: whose nodes.
        inputs: the memory of those that are brought up to date.
    """
    nodes, out = program.nodes, {x for x in program.outputs if isinstance(x, Node)}
    owners, last, lasting = _lives(program)
    plan = _joins(program, out, last)
    destination = {new: old for old, new in program.updates.items()}
    safe = max((i for i, x in enumerate(nodes) if isinstance(x, Guard)), default=-1)
    pools: dict[Any, list[Memory]] = defaultdict(list)  # what is used again, the latest last

    def keep(memory: Memory, node: Node) -> None:
        memory.until = last[node]
        if node not in lasting:
            pools[node.size, node.dtype].append(memory)

    for whole, (memory, start) in plan.items():
        if start is None:
            keep(memory, whole)
    for i, node in enumerate(nodes):
        how, old, pool = writes_out(node), destination.get(node), pools[node.size, node.dtype]
        if not how or node in plan:
            continue
        over = _written_over(node, owners)
        # NumPy takes four times as long over an array of one entry that is operand and result.
        free = -1 if node in lasting else i if how == "ufunc" and node.size > 1 else i - 1
        fit = [m for m in reversed(pool)
               if (m.until <= free or (m.until == i and m.nodes[-1] is over))
               and (node not in out or m.may_be_given(node))]  # fmt: skip
        memory = max(fit, key=attrgetter("until"), default=Memory(node.shape, node.dtype))
        if old and how == "ufunc" and i > safe and last.get(old, -1) <= i:
            memory = inputs[old]
        else:
            pool[:] = [m for m in pool if m is not memory]
            keep(memory, node)
        memory.given = node in out
        memory.nodes.append(node)
        plan[node] = memory, None
    return plan


def _written_over(node: Node, owners: dict[Node, Any]) -> Any:
    """What a call writes entries into, where it needs nothing of that as it was, besides."""
    if node.function is not after or type(x := node.args[0]) is not Node:
        return None
    used = {owner for y in node.operands if y is not x for owner in owners.get(y, ())}
    return None if x in used else x


def _lives(program: Program) -> tuple[dict[Node, Any], dict[Node, int], set[Node]]:
    """For each node those in whose memory it may lie; when it, or what may, is used last; and those
    which aren't large, and aren't used up soon.
    """
    owners, last = dict[Node, dict[Node, None]](), dict[Node, int]()
    for i, node in enumerate(program.nodes):
        own = owners[node] = {node: None}
        last[node] = i
        shares = shares_memory(node)
        for x in node.operands:
            of = owners.get(x) or {x: None}
            if shares:
                own |= of
            for owner in of:
                last[owner] = i
    for result in program.results:
        last.update(dict.fromkeys(owners.get(result, [result]), len(program.nodes)))
    places = enumerate(program.nodes)
    return owners, last, {x for i, x in places if x.size < _LARGE and last[x] > i + _SOON}


def _joins(program: Program, out: set[Node], last: dict[Node, int]) -> Plan:
    """Let the parts that a concatenation joins be computed in their places in the whole."""
    plan: Plan = {}
    for whole in program.nodes:
        start, memory = 0, Memory(whole.shape, whole.dtype, [whole])
        for part in joined(whole) if whole not in out else ():
            source = part.args[0] if is_plain_reshape(part) else part
            own = isinstance(source, Node) and writes_out(source) and source not in out
            if own and source not in plan and source.dtype == whole.dtype:
                plan[source], plan[whole] = (memory, start), (memory, None)
                last[whole] = max(last[whole], last[source])
            start += np.size(part.value if isinstance(part, Node) else part)
    return plan


def joined(node: Node) -> Any:
    """The arrays of one axis that it puts behind each other, if it does."""
    plain = node.function is np.concatenate and len(node.args) == 1 and not node.kwargs
    one = plain and len(node.shape) == 1 and isinstance(node.args[0], (tuple, list))
    return node.args[0] if one else ()
