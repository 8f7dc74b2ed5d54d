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

from .graph import Guard, Node, Program, is_plain_reshape, put, put_at

# They give arrays of their own, whatever they are given.
_FRESH = {
    np.where, np.concatenate, np.stack, np.dot, np.matmul, np.tensordot, np.outer, np.linalg.inv,
    np.linalg.solve, np.linalg.cholesky, np.linalg.pinv, np.full, np.array, put, put_at,
}  # fmt: skip
# They give views, of an array that lies in order.
VIEWS = {
    np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.broadcast_to, np.real, np.imag, operator.getitem, np.ravel,
}  # fmt: skip


def is_ufunc_call(node: Node) -> bool:
    """Whether an array's entries are computed one by one, by a ufunc that takes ``out=``."""
    function = node.function
    return (
        isinstance(function, np.ufunc)
        and function.signature is None
        and function.nout == 1
        and not node.kwargs
        and isinstance(node.value, np.ndarray)
        and node.value.ndim > 0
    )


def is_reduction(node: Node) -> bool:
    """Whether it is a ufunc's ``reduce`` to an array."""
    return (
        isinstance(getattr(node.function, "__self__", None), np.ufunc)
        and getattr(node.function, "__name__", "") == "reduce"
        and len(node.args) <= 2
        and node.kwargs.keys() <= {"axis", "keepdims"}
        and isinstance(node.value, np.ndarray)
        and node.value.ndim > 0
    )


def is_product(node: Node) -> bool:
    """Whether it is a product of matrices or vectors that takes ``out=``."""
    if node.function not in (np.dot, np.matmul) or node.kwargs or not node.ndim:
        return False
    if len(node.args) != 2:
        return False
    x, y = (a.value if isinstance(a, Node) else a for a in node.args)
    if not all(isinstance(a, np.ndarray) for a in (x, y, node.value)):
        return False
    return bool(x.dtype == y.dtype == node.dtype and min(x.ndim, y.ndim) > 0)


def writes_out(node: Node) -> bool:
    return is_ufunc_call(node) or is_reduction(node) or is_product(node)


def shares_memory(node: Node) -> bool:
    """Whether the value may lie in its operands' memory: a view, or what isn't known."""
    function: Any = node.function
    if node.is_scalar or function is None or isinstance(node, Guard) or function in _FRESH:
        return False
    if isinstance(getattr(function, "__self__", function), np.ufunc):
        return False
    if function is np.asarray and all(x.is_scalar for x in node.operands):
        return False
    return not (getattr(function, "__module__", "") or "").startswith("numpy.fft")


@dataclass(eq=False)
class Buffer:
    """Memory for several values, one after the other."""

    size: int
    dtype: np.dtype[Any]


@dataclass
class Plan:
    """Where each value of a program lies.

    Attributes:
        buffers: of the nodes that write into one.
        inside: of those that write into a part of another node's buffer: that node, and where.
        handed_out: nodes whose value is the caller's.
        last_use: of each node, with its views, the place in the order of calls.
        in_place: of the nodes that write over an input's own memory: that input.
        owners: for each node, those in whose memory its value may lie.
    """

    buffers: dict[Node, Buffer] = field(default_factory=dict)
    inside: dict[Node, tuple[Node, int]] = field(default_factory=dict)
    handed_out: set[Node] = field(default_factory=set)
    last_use: dict[Node, int] = field(default_factory=dict)
    in_place: dict[Node, Node] = field(default_factory=dict)
    owners: dict[Node, set[Node]] = field(default_factory=dict)

    def may_overwrite(self, node: Node, old: Node, i: int) -> bool:
        """Whether ``node``, the ``i``-th call, may write over ``old``, which it may use."""
        return (
            self.last_use.get(old, -1) <= i
            and old.shape == node.shape
            and old.dtype == node.dtype
            and not any(x is not old and old in self.owners.get(x, {x}) for x in node.operands)
        )


def planned(program: Program) -> Plan:
    """Buffers for the program's nodes.

    A call writes over an operand that it is the last to use, where both have the same shape and
    dtype; else it takes a buffer that is free, or a new one.
    """
    plan = Plan(handed_out={x for x in program.outputs if isinstance(x, Node)})
    _follow(program, plan)
    _plan_joins(program, plan)
    destination = {new: old for old, new in program.updates.items()}
    free: dict[tuple[int, np.dtype[Any]], list[Buffer]] = defaultdict(list)
    dying: dict[int, list[Node]] = defaultdict(list)
    for node, last in plan.last_use.items():
        dying[last].append(node)
    apart = set(plan.inside) | {whole for whole, _ in plan.inside.values()}
    for i, node in enumerate(program.nodes):
        if writes_out(node) and node not in plan.handed_out and node not in plan.inside:
            old = destination.get(node)
            if old is not None and is_ufunc_call(node) and plan.may_overwrite(node, old, i):
                plan.in_place[node] = old
            else:
                plan.buffers[node] = _buffer(node, i, plan, apart, free)
        for dead in dying[i]:
            buffer = plan.buffers.get(dead)
            if buffer is not None and buffer is not plan.buffers.get(node) and dead not in apart:
                free[buffer.size, buffer.dtype].append(buffer)
    return plan


def _follow(program: Program, plan: Plan) -> None:
    """Find out whose memory each value may lie in, and when it is used last."""
    owners, last = plan.owners, plan.last_use
    for i, node in enumerate(program.nodes):
        owners[node] = {node}
        if shares_memory(node):
            owners[node].update(*(owners.get(x, {x}) for x in node.operands))
        last[node] = i
        for x in node.operands:
            for owner in owners.get(x, {x}):
                last[owner] = i
    for result in program.results():
        for owner in owners.get(result, {result}):
            last[owner] = len(program.nodes)


def _buffer(
    node: Node,
    i: int,
    plan: Plan,
    apart: set[Node],
    free: dict[tuple[int, np.dtype[Any]], list[Buffer]],
) -> Buffer:
    if node not in apart:
        # NumPy takes four times as long over an array of one entry where it is operand and result.
        if is_ufunc_call(node) and node.size > 1:
            for x in node.operands:
                if x in plan.buffers and x not in apart and plan.may_overwrite(node, x, i):
                    return plan.buffers[x]
        waiting = free[node.size, node.dtype]
        if waiting:
            return waiting.pop()
    return Buffer(node.size, node.dtype)


def _plan_joins(program: Program, plan: Plan) -> None:
    """Let the parts that a concatenation joins be computed in their places in the whole."""
    for whole in program.nodes:
        if not is_join(whole) or whole in plan.handed_out:
            continue
        start = 0
        for part in whole.args[0]:
            source = part.args[0] if is_plain_reshape(part) else part
            if (
                isinstance(source, Node)
                and writes_out(source)
                and source not in plan.handed_out
                and source not in plan.inside
                and source.dtype == whole.dtype
            ):
                plan.inside[source] = whole, start
            start += np.size(part.value if isinstance(part, Node) else part)
        if any(of is whole for of, _ in plan.inside.values()):
            plan.buffers[whole] = Buffer(whole.size, whole.dtype)


def is_join(node: Node) -> bool:
    """Whether it puts arrays of one axis behind each other."""
    return (
        node.function is np.concatenate and node.ndim == 1 and len(node.args) == 1
        and not node.kwargs and isinstance(node.args[0], (tuple, list))
    )  # fmt: skip
