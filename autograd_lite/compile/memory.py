"""Where a program's values lie: buffers, allocated once and used again when a value is dead.

Three kinds of calls: those that write into a buffer (``out=``), those that give a number, and all
others, whose results are new or share memory with their operands. A value that is handed out is
never in a buffer.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .graph import Guard, Node, Program, is_plain_reshape, of_ufunc, put, put_at, varies

MADE = {np.full, np.array, put, put_at}  # they give arrays that may be written to
_FRESH = MADE | {  # they give arrays of their own, whatever they are given
    np.where, np.concatenate, np.stack, np.dot, np.matmul, np.tensordot, np.outer, np.linalg.inv,
    np.linalg.solve, np.linalg.cholesky, np.linalg.pinv,
}  # fmt: skip
VIEWS = {  # they give views, of an array that lies in order
    np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.broadcast_to, np.real, np.imag, operator.getitem, np.ravel,
}  # fmt: skip


def writes_out(node: Node) -> str:
    """How a call is written that takes ``out=``, with an array of some axes: "" for others."""
    function, value = node.function, node.value
    if not isinstance(value, np.ndarray) or not value.ndim:
        return ""
    if function in (np.dot, np.matmul):
        given = [a.value if isinstance(a, Node) else a for a in node.args]
        alike = all(isinstance(a, np.ndarray) and a.ndim and a.dtype == value.dtype for a in given)
        return "product" if alike and len(given) == 2 and not node.kwargs else ""
    if isinstance(function, np.ufunc):
        return "ufunc" if not (function.signature or node.kwargs) and function.nout == 1 else ""
    reduces = of_ufunc(function) and function.__name__ == "reduce" and len(node.args) <= 2
    return "reduction" if reduces and node.kwargs.keys() <= {"axis", "keepdims"} else ""


def shares_memory(node: Node) -> bool:
    """Whether the value may lie in its operands' memory: a view, or what isn't known."""
    function = node.function
    if node.is_scalar or function is None or function in _FRESH or of_ufunc(function):
        return False
    if function is np.asarray and all(x.is_scalar for x in node.operands):
        return False
    return not str(getattr(function, "__module__", "")).startswith("numpy.fft")


@dataclass(eq=False)
class Buffer:
    """Memory for several values, one after the other; its first name, and shape."""

    name: str = ""
    shape: tuple[int, ...] = ()


@dataclass
class Plan:
    """Where each value of a program lies.

    Attributes:
        buffers: of the nodes that write into one.
        inside: of those that write into a part of another node's buffer: that node, and where.
        parts: of such a node those that write into a part of it.
        last_use: of each node, with its views, the place in the order of calls.
        in_place: of the nodes that write over an input's own memory: that input.
        owners: for each node, those in whose memory its value may lie.
    """

    buffers: dict[Node, Buffer] = field(default_factory=dict)
    inside: dict[Node, tuple[Node, int]] = field(default_factory=dict)
    parts: dict[Node, list[Node]] = field(default_factory=dict)
    last_use: dict[Node, int] = field(default_factory=dict)
    in_place: dict[Node, Node] = field(default_factory=dict)
    owners: dict[Node, set[Node]] = field(default_factory=dict)

    def may_overwrite(self, node: Node, old: Node, i: int) -> bool:
        """Whether ``node``, the ``i``-th call, may write over ``old``, which it may use."""
        return (
            self.last_use.get(old, -1) <= i
            and all(self.last_use[x] <= i for x in self.parts.get(old, ()))
            and (old.shape, old.dtype) == (node.shape, node.dtype)
            and not any(x is not old and old in self.owners.get(x, {x}) for x in node.operands)
        )


def planned(program: Program) -> Plan:
    """Buffers for the program's nodes.

    A call writes over an operand that it is the last to use, where both have the same shape and
    dtype; else it takes a buffer that is free, or a new one. An input that is to be brought up to
    date is written to when nothing can go wrong any more.
    """
    plan, nodes = Plan(), program.nodes
    _follow(program, plan)
    out = {x for x in program.outputs if isinstance(x, Node)}
    _plan_joins(program, plan, out)
    apart = plan.inside.keys() | plan.parts.keys()
    destination = {new: old for old, new in program.updates.items()}
    safe = max((i for i, x in enumerate(nodes) if isinstance(x, Guard) or varies(x)), default=-1)
    free: dict[Any, list[Buffer]] = defaultdict(list)
    dying: dict[int, list[Node]] = defaultdict(list)
    for node, last in plan.last_use.items():
        dying[last].append(node)
    for i, node in enumerate(nodes):
        how, over = writes_out(node), None
        if how and node not in out and node not in plan.inside:
            old = destination.get(node)
            # NumPy takes four times as long over an array of one entry that is operand and result.
            own = node.operands if how == "ufunc" and node.size > 1 and node not in apart else ()
            over = next((x for x in own if x in plan.buffers and plan.may_overwrite(node, x, i)),
                        None)  # fmt: skip
            if old and how == "ufunc" and i > safe and plan.may_overwrite(node, old, i):
                plan.in_place[node], over = old, None
            elif over:
                plan.buffers[node] = plan.buffers[over]
            else:
                waiting = None if node in apart else free[node.size, node.dtype]
                plan.buffers[node] = waiting.pop() if waiting else Buffer()
        for dead in dying[i]:
            if dead in plan.buffers and dead not in apart and dead is not over:
                free[dead.size, dead.dtype].append(plan.buffers[dead])
    return plan


def _follow(program: Program, plan: Plan) -> None:
    """Find out whose memory each value may lie in, and when it is used last."""
    owners, last = plan.owners, plan.last_use
    for i, node in enumerate(program.nodes):
        owners[node], last[node] = {node}, i
        shares = shares_memory(node)
        for x in node.operands:
            of = owners.get(x, {x})
            if shares:
                owners[node] |= of
            for owner in of:
                last[owner] = i
    for result in program.results:
        last.update(dict.fromkeys(owners.get(result, {result}), len(program.nodes)))


def _plan_joins(program: Program, plan: Plan, out: set[Node]) -> None:
    """Let the parts that a concatenation joins be computed in their places in the whole."""
    for whole in program.nodes:
        start = 0
        for part in joined(whole) if whole not in out else ():
            source = part.args[0] if is_plain_reshape(part) else part
            own = isinstance(source, Node) and writes_out(source) and source not in out
            if own and source not in plan.inside and source.dtype == whole.dtype:
                plan.inside[source] = whole, start
                plan.parts.setdefault(whole, []).append(source)
                plan.buffers.setdefault(whole, Buffer())
            start += np.size(part.value if isinstance(part, Node) else part)


def joined(node: Node) -> Any:
    """The arrays of one axis that it puts behind each other, if it does."""
    plain = node.function is np.concatenate and len(node.args) == 1 and not node.kwargs
    one = plain and len(node.shape) == 1 and isinstance(node.args[0], (tuple, list))
    return node.args[0] if one else ()
