"""Trivial steps left out: a factor 1, a broadcast that copies, a sum of one row.

What a rule must say in general often says nothing here: the formula is written as one would write
it. Each of these rewritings keeps the value, entry by entry, and the shape.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..op import OPS
from .expression import Expression, applied

_COPIES = ("positive", "astype", "as_it_was", "broadcast_to", "reshape", "transpose", "sum", "mean")
_GUARD = 1e-37  # the least normal numbers of float32 and float64 lie below it


def tidied(node: Expression, keep_guards: bool = False) -> Expression:
    """``node``, whose operands are tidy, without what changes nothing.

    Where ``keep_guards``, also what keeps a division from 0 is written: it may matter here.
    """
    op, operands = node.op, node.operands
    if op is None:
        return node
    if op.name in _COPIES and operands[0].shape == node.shape and _is_copy(node):
        return operands[0]
    if op.name == "sum" and _is_one_each(operands[0], node):
        return Expression(np.ones(node.shape))
    if op.name == "negative" and operands[0].is_called("negative"):
        return operands[0].operands[0]
    if op.name == "transpose" and operands[0].is_called("transpose") and node.value.ndim <= 2:
        return operands[0].operands[0]
    if len(operands) == 2:
        return _tidied_pair(node, keep_guards)
    return node


def _tidied_pair(node: Expression, keep_guards: bool) -> Expression:
    if node.is_called("add", "subtract", "multiply", "divide"):
        node = _without_stretched_numbers(node)
        if len(node.operands) != 2:
            return node
    x, y = node.operands
    if node.is_called("multiply"):
        for factor, other in ((x, y), (y, x)):
            if other.shape == node.shape and _is_all(factor, 1.0):
                return other
        if x is y:
            return applied(ops.square, x)
        if y.is_called("divide") and y.operands[0].is_equal_to(1):  # x · (1 / q)
            return applied(ops.divide, x, y.operands[1])
    if node.is_called("divide") and x.shape == node.shape and _is_all(y, 1.0):
        return x
        if _is_all(_unstretched(x), 1.0) and y.is_number:
            return applied(OPS["broadcast_to"], y, shape=node.shape)
    if node.is_called("add"):
        if x is y:
            return applied(ops.multiply, Expression(2.0), x)
        for term, other in ((x, y), (y, x)):
            if other.shape == node.shape and _is_all(term, 0.0):
                return other
            if other.shape == node.shape and _is_guard(term) and not keep_guards:
                return other
    return node


def _without_stretched_numbers(node: Expression) -> Expression:
    """A number needs no shape beside an operand that has the result's."""
    x, y = node.operands
    if y.shape == node.shape:
        x = _unstretched(x)
    if x.shape == node.shape:
        y = _unstretched(y)
    if (x, y) == node.operands:
        return node
    return tidied(Expression(node.value, op=node.op, operands=(x, y), params=node.params))


def _unstretched(node: Expression) -> Expression:
    while node.is_called("broadcast_to", "reshape") and node.operands[0].value.size == 1:
        node = node.operands[0]
    return node


def _is_copy(node: Expression) -> bool:
    """Whether an op that may move entries gives its operand as it is."""
    if node.is_called("transpose"):
        return min(node.shape, default=1) == 1 and node.value.ndim == 1
    return bool(np.array_equal(node.value, node.operands[0].value, equal_nan=True))


def _is_one_each(summed: Expression, total: Expression) -> bool:
    """Whether this is the sum of a constant one-hot row: 1, whatever the row."""
    return summed.name is not None and total.value.size > 0 and bool((total.value == 1).all()) and (
        summed.value.size > total.value.size
    )


def _is_all(node: Expression, number: float) -> bool:
    return node.is_number and bool((node.value == number).all())


def _is_guard(node: Expression) -> bool:
    """Whether this is what keeps a division from 0: no more than the least normal number."""
    return node.is_number and bool((np.abs(node.value) < _GUARD).all())
