"""Trivial steps left out: a factor 1, a broadcast that copies, a sum of one row.

What a rule must say in general often says nothing here: the formula is written as one would write
it. Each of these rewritings keeps the value, entry by entry, and the shape.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..show.expression import Expression, applied
from ..table import OPS

_COPIES = ("positive", "astype", "as_it_was", "broadcast_to", "reshape", "transpose", "sum", "mean")
_STRETCHES = ("broadcast_to", "reshape", "getitem")
_ELEMENTWISE = ("add", "subtract", "multiply", "divide", "negative", "square")
_GUARD = 1e-37  # the least normal numbers of float32 and float64 lie below it


def tidied(node: Expression, keep_guards: bool = False) -> Expression:
    """``node``, whose operands are tidy, without what changes nothing.

    Where ``keep_guards``, also what keeps a division from 0 is written: it may matter here.
    """
    op, operands = node.op, node.inputs
    if op is None:
        return node
    if op.name in _COPIES and operands[0].shape == node.shape and _is_copy(node):
        return operands[0]
    if op.name in _STRETCHES and operands[0].value.size == 1:
        bare = _unstretched(operands[0])
        return node if bare.value.ndim > len(node.shape) else _stretched(bare, node.shape)
    if op.name in _ELEMENTWISE:
        return _tidied_elementwise(node, keep_guards)
    if op.name == "where" and not keep_guards and _is_for_0(operands[0]):
        return operands[2]
    return node


def _tidied_elementwise(node: Expression, keep_guards: bool) -> Expression:
    assert node.op is not None
    bare = tuple(map(_unstretched, node.inputs))
    if node.shape and all(x.shape == () for x in bare):
        return _stretched(tidied(applied(node.op, *bare), keep_guards), node.shape)
    if node.shape == () and all(x.is_number for x in bare) and not node.is_called("divide"):
        return Expression(node.value)
    if len(bare) == 2:
        return _tidied_pair(node, bare, keep_guards)
    return node


def _tidied_pair(
    node: Expression, bare: tuple[Expression, ...], keep_guards: bool
) -> Expression:
    """Sums, differences, products and quotients; beside a full operand a number needs no shape."""
    assert node.op is not None
    x, y = node.inputs
    if y.shape == node.shape:
        x = bare[0]
    if x.shape == node.shape:
        y = bare[1]
    if node.is_called("multiply"):
        return _product(x, y, node.shape)
    if node.is_called("divide") and x.shape == node.shape and _is_all(y, 1.0):
        return x
    if node.is_called("add"):
        if y.is_called("negative"):
            return applied(ops.subtract, x, y.inputs[0])
        for term, other in ((x, y), (y, x)):
            if other.shape == node.shape and _is_guard(term) and not keep_guards:
                return other
    return Expression(node.value, op=node.op, inputs=(x, y), params=node.params)


def _product(x: Expression, y: Expression, shape: tuple[int, ...]) -> Expression:
    for factor, other in ((x, y), (y, x)):
        if other.shape == shape and _is_all(factor, 1.0):
            return other
        if other.shape == shape and _is_all(factor, -1.0):
            return tidied(applied(ops.negative, other))
    if y.is_number and not x.is_number:
        x, y = y, x
    return applied(ops.multiply, x, y)


def _stretched(node: Expression, shape: tuple[int, ...]) -> Expression:
    """A number of that shape; how it got it is not written."""
    return node if node.shape == shape else applied(OPS["broadcast_to"], node, shape=shape)


def _unstretched(node: Expression) -> Expression:
    while node.is_called("broadcast_to") and node.inputs[0].value.size == 1:
        node = node.inputs[0]
    return node


def _is_copy(node: Expression) -> bool:
    """Whether an op that may move entries gives its operand as it is."""
    if node.is_called("transpose"):
        return node.value.ndim <= 1
    return bool(np.array_equal(node.value, node.inputs[0].value, equal_nan=True))


def _is_all(node: Expression, number: float) -> bool:
    return node.is_number and bool((node.value == number).all())


def _is_for_0(mask: Expression) -> bool:
    """Whether a case is that of numbers which are 0, as a base of a power is nowhere here."""
    parts = mask.inputs if mask.is_called("multiply") else (mask,)
    return not mask.value.any() and any(
        x.is_called("equal") and x.inputs[1].is_equal_to(0) for x in parts
    )


def _is_guard(node: Expression) -> bool:
    """Whether this is what keeps a division from 0: no more than the least normal number."""
    return node.is_number and bool((np.abs(node.value) < _GUARD).all())
