"""Where a program's values lie: buffers, allocated once and used again when a value is dead.

Three kinds of calls: those that write into a buffer (``out=``), those that give a number, and all
others, whose results are new or share memory with their operands. A value that is handed out is
never in a buffer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .bias import beside_ones
from .graph import Guard, Node, Program, is_plain_reshape

# They give arrays of their own, whatever they are given.
_FRESH = {
    np.where, np.concatenate, np.stack, np.dot, np.matmul, np.tensordot, np.outer, np.linalg.inv,
    np.linalg.solve, np.linalg.cholesky, np.linalg.pinv,
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
        and node.ndim > 0
    )


def is_reduction(node: Node) -> bool:
    """Whether it is a ufunc's ``reduce`` to an array."""
    return (
        isinstance(getattr(node.function, "__self__", None), np.ufunc)
        and getattr(node.function, "__name__", "") == "reduce"
        and len(node.args) <= 2
        and node.kwargs.keys() <= {"axis", "keepdims"}
        and isinstance(node.value, np.ndarray)
        and node.ndim > 0
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
    if node.is_scalar or node.function is None or writes_out(node) or isinstance(node, Guard):
        return False
    module = getattr(node.function, "__module__", "") or ""
    if node.function is np.asarray and all(x.is_scalar for x in node.operands):
        return False
    return not (
        isinstance(node.function, np.ufunc)
        or node.function in _FRESH
        or node.function is beside_ones
        or isinstance(getattr(node.function, "__self__", None), np.ufunc)
        or module.startswith("numpy.fft")
    )


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
    """

    buffers: dict[Node, Buffer] = field(default_factory=dict)
    inside: dict[Node, tuple[Node, int]] = field(default_factory=dict)
    handed_out: set[Node] = field(default_factory=set)
    last_use: dict[Node, int] = field(default_factory=dict)
    in_place: dict[Node, Node] = field(default_factory=dict)


def planned(program: Program) -> Plan:
    """Buffers for the program's nodes.

    A call writes over an operand that it is the last to use, where both have the same shape and
    dtype; else it takes a buffer that is free, or a new one.
    """
    plan = Plan()
    plan.handed_out = {x for x in program.outputs if isinstance(x, Node)}
    owners = _owners(program)
    plan.last_use = _last_uses(program, owners)
    _plan_joins(program, plan)
    destination = {new: old for old, new in program.updates.items()}
    free: dict[tuple[int, np.dtype[Any]], list[Buffer]] = defaultdict(list)
    dying: dict[int, list[Node]] = defaultdict(list)
    for node, last in plan.last_use.items():
        dying[last].append(node)
    apart = set(plan.inside) | {whole for whole, _ in plan.inside.values()}
    for node in program.nodes:
        if node.function is beside_ones:
            plan.buffers[node] = Buffer(node.size, node.dtype)
            apart.add(node)
    for i, node in enumerate(program.nodes):
        for part in getattr(node, "whole", ()):
            old = destination.get(part)
            if part in plan.handed_out or part in plan.inside:
                continue
            if old is not None and _last_in_block(part, old, node, i, plan, owners):
                plan.in_place[part] = old
            else:
                plan.buffers[part] = _buffer(part, i, plan, owners, set(part.operands), free)
        if writes_out(node) and node not in plan.handed_out and node not in plan.inside:
            old = destination.get(node)
            overwrites = old is not None and is_ufunc_call(node)
            if overwrites and old is not None and _may_overwrite(node, old, i, plan, owners):
                plan.in_place[node] = old
            else:
                plan.buffers[node] = _buffer(node, i, plan, owners, apart, free)
        for dead in dying[i]:
            buffer = plan.buffers.get(dead)
            if buffer is not None and buffer is not plan.buffers.get(node) and dead not in apart:
                free[buffer.size, buffer.dtype].append(buffer)
    return plan


def _owners(program: Program) -> dict[Node, set[Node]]:
    """For each node, those in whose memory its value may lie: itself, or what it is a view of."""
    owners: dict[Node, set[Node]] = {}
    for node in program.nodes:
        if shares_memory(node):
            owners[node] = set().union(*(owners.get(x, {x}) for x in node.operands), {node})
        else:
            owners[node] = {node}
    return owners


def _last_uses(program: Program, owners: dict[Node, set[Node]]) -> dict[Node, int]:
    last: dict[Node, int] = {}
    for i, node in enumerate(program.nodes):
        for made in (node, *getattr(node, "whole", ())):
            last.setdefault(made, i)
        for x in node.operands:
            for owner in owners.get(x, {x}):
                last[owner] = i
    for result in program.results():
        for owner in owners.get(result, {result}):
            last[owner] = len(program.nodes)
    return last


def _may_overwrite(
    node: Node, old: Node, i: int, plan: Plan, owners: dict[Node, set[Node]]
) -> bool:
    """Whether ``node``, the ``i``-th call, may write its value over ``old``, which it may use."""
    views = [x for x in node.operands if x is not old and old in owners.get(x, {x})]
    return (
        plan.last_use.get(old, -1) <= i
        and old.shape == node.shape
        and old.dtype == node.dtype
        and not views
    )


def _last_in_block(
    part: Node, old: Node, block: Any, i: int, plan: Plan, owners: dict[Node, set[Node]]
) -> bool:
    """Whether a member of a block may be written over ``old``: nothing reads that afterwards."""
    after = block.members[block.members.index(part) + 1 :]
    read = {x for member in (*after, *block.sums) for x in member.operands}
    return old not in read and all(
        _may_overwrite(member, old, i, plan, owners) for member in block.members
    )


def _buffer(
    node: Node,
    i: int,
    plan: Plan,
    owners: dict[Node, set[Node]],
    apart: set[Node],
    free: dict[tuple[int, np.dtype[Any]], list[Buffer]],
) -> Buffer:
    if node not in apart:
        # NumPy takes four times as long over an array of one entry where it is operand and result.
        if is_ufunc_call(node) and node.size > 1:
            for x in node.operands:
                ours = x in plan.buffers and x not in apart
                if ours and _may_overwrite(node, x, i, plan, owners):
                    return plan.buffers[x]
        waiting = free[node.size, node.dtype]
        if waiting:
            return waiting.pop()
    return Buffer(node.size, node.dtype)


def _plan_joins(program: Program, plan: Plan) -> None:
    """Let the parts that a concatenation joins be computed in their places in the whole."""
    for whole in program.nodes:
        if whole.function is not np.concatenate or whole in plan.handed_out or whole.ndim != 1:
            continue
        if len(whole.args) != 1 or whole.kwargs or not isinstance(whole.args[0], (tuple, list)):
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
            start += part.size
        if any(of is whole for of, _ in plan.inside.values()):
            plan.buffers[whole] = Buffer(whole.size, whole.dtype)
