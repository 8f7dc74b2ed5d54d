"""A layer's bias as a further row of its weights: ``x W + b = [x 1] [W; b]``.

Where both lie behind each other in one array, the product adds the bias, and its transpose sums the
bias' gradient: two calls and a repeated row less a layer. That pays as long as a call costs more
than what it computes.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np

from .graph import Node, Program, is_plain_reshape, mapped

MOST = 4096  # entries of x, which is copied beside the ones


def beside_ones(x: Any) -> Any:
    """``[x 1]``: a further column of ones."""
    return np.concatenate([x, np.ones((len(x), 1), x.dtype)], axis=1)


def biased(program: Program) -> Program:
    """The program with products of that kind."""
    uses = Counter(x for node in program.nodes for x in node.operands)
    uses.update(program.results())
    wide: dict[Node, Node] = {}  # x → [x 1]
    replaced: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in program.nodes:
        node.args = mapped(node.args, lambda x: replaced.get(x, x) if isinstance(x, Node) else x)
        both = _layer(node, uses, program)
        if both is not None:
            x, entries = both
            if x not in wide:
                wide[x] = Node(beside_ones, (x,), value=beside_ones(x.value), op=node.op)
                nodes.append(wide[x])
            weights = [*entries, Node(np.dot, (wide[x], entries[-1]), value=node.value, op=node.op)]
            weights[-1].name = node.name
            nodes += weights
            replaced[node] = weights[-1]
            continue
        if node.function is np.concatenate:
            nodes += _joined(node, wide, uses)
        nodes.append(node)
    program.nodes = nodes
    program.outputs = [replaced.get(x, x) if isinstance(x, Node) else x for x in program.outputs]
    program.drop_unused()
    return program


def _layer(
    node: Node, uses: Counter[Node], program: Program
) -> tuple[Node, tuple[Node, Node]] | None:
    """Of ``add(dot(x, W), b)`` the x, and ``[W; b]`` as the calls that give it."""
    if node.function is not np.add or node.kwargs:
        return None
    product, bias = node.args
    if not (isinstance(product, Node) and isinstance(bias, Node) and uses[product] == 1
            and product.function in (np.dot, np.matmul)):  # fmt: skip
        return None
    x, weight = product.args
    if not (isinstance(x, Node) and isinstance(weight, Node) and x.ndim == 2 and len(x.value) > 1
            and x.size <= MOST and x.dtype == node.dtype):  # fmt: skip
        return None
    first, second = _part(weight, program), _part(bias, program)
    if first is None or second is None or first[0] is not second[0]:
        return None
    if first[2] != second[1] or bias.shape != (1, *weight.shape[1:]):
        return None
    base, (start, stop) = first[0], (first[1], second[2])
    entries = Node(operator.getitem, (base, slice(start, stop)), value=base.value[start:stop])
    shape = (weight.shape[0] + 1, weight.shape[1])
    rows = Node(np.reshape, (entries, shape), value=entries.value.reshape(shape))
    rows.name = f"{weight.name}_and_{bias.name}" if weight.name and bias.name else None
    return x, (entries, rows)


def _part(x: Node, program: Program) -> tuple[Node, int, int] | None:
    """Which entries of a resident array ``x`` is."""
    if not is_plain_reshape(x):
        return None
    entries = x.args[0]
    if entries.function is not operator.getitem or entries.args[0] not in program.resident:
        return None
    index = entries.args[1]
    return (entries.args[0], index.start, index.stop) if isinstance(index, slice) else None


def _joined(node: Node, wide: dict[Node, Node], uses: Counter[Node]) -> list[Node]:
    """Let a concatenation take the gradients of weights and bias in one; the further calls."""
    parts = list(node.args[0])
    further: list[Node] = []
    i = 0
    while i < len(parts) - 1:
        found = _gradients(parts[i], parts[i + 1], wide, uses)
        if found is not None:
            x, delta = found
            transposed = Node(np.transpose, (wide[x],), value=wide[x].value.T)
            product = Node(np.dot, (transposed, delta), value=wide[x].value.T.dot(delta.value))
            flat = Node(np.reshape, (product, -1), value=product.value.reshape(-1))
            further += [transposed, product, flat]
            parts[i : i + 2] = [flat]
        i += 1
    node.args = (parts, *node.args[1:])
    return further


def _gradients(
    first: Any, second: Any, wide: dict[Node, Node], uses: Counter[Node]
) -> tuple[Node, Node] | None:
    """Where these are ``xᵀ δ`` and ``1ᵀ δ`` behind each other, the x and the δ."""
    if not all(is_plain_reshape(x) and uses[x] == 1 for x in (first, second)):
        return None
    of_weight, of_bias = first.args[0], second.args[0]
    for product in (of_weight, of_bias):
        if not (isinstance(product, Node) and product.function is np.dot and uses[product] == 1):
            return None
    transposed, delta = of_weight.args
    ones, same = of_bias.args
    if same is not delta or isinstance(ones, Node) or not (ones == 1).all():
        return None
    if not isinstance(transposed, Node) or transposed.function is not np.transpose:
        return None
    x = transposed.args[0]
    return (x, delta) if x in wide and len(transposed.args) == 1 else None
