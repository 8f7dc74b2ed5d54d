"""Trivial steps left out: a factor 1, a broadcast that copies, a vector made a column and back.

What a rule must say in general often says nothing here: the formula is written as one would write
it. Each of these rewritings keeps the value, entry by entry, and the shape.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..meaning.write import OUTER, stretched
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
    first, whole = node.inputs[0], node.shape
    if node.is_called(*_COPIES) and first.shape == whole and _is_copy(node):
        return first
    if node.is_called(*_STRETCHES) and first.value.size == 1:
        bare = _unstretched(first)
        return node if bare.ndim > node.ndim else stretched(bare, whole)
    if node.is_called("where") and not keep_guards and _is_nowhere(first):
        return node.inputs[2]
    if node.is_called("maximum") and not keep_guards and _is_count(first):
        return first  # which is 0 only where all is nan
    if node.is_called("scatter") and _puts_axes(node):
        return applied(OPS["reshape"], first, shape=whole)
    if node.is_called("multiply", "getitem"):
        node = _of_vectors(node)
    return _tidied_entries(node, keep_guards) if node.is_called(*_ELEMENTWISE) else node


def _of_vectors(node: Expression) -> Expression:
    """``x yᵀ`` and ``A x``, for which rules make columns and rows of vectors, and vectors again."""
    first, *others = node.inputs
    if others:
        x, y = _vector(first, 1), others[0] if others[0].ndim == 1 else _vector(others[0], 0)
        return node if x is None or y is None else applied(OUTER, x, y)
    index = node.params["index"]
    if node.ndim != 1 or not isinstance(index, tuple) or index[0] is not Ellipsis:
        return node
    x = _vector(first.inputs[1], 1) if first.ndim == 2 and first.is_called("matmul") else None
    return node if x is None else applied(OPS["matmul"], first.inputs[0], x)


def _vector(node: Expression, axis: int) -> Expression | None:
    """The vector that this axis was put to, as in ``x[:, None]``."""
    if not node.is_called("getitem") or node.ndim != 2 or node.shape[axis] != 1:
        return None
    x = node.inputs[0]
    return x if x.ndim == 1 and _puts_axes(node) else None


def _puts_axes(node: Expression) -> bool:
    """Whether an index only puts axes of one entry: ``[None, :, None]``."""
    index = node.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    rest = [part for part in parts if part is not None and part is not Ellipsis]
    return all(isinstance(part, slice) and part == slice(None) for part in rest)


def _tidied_entries(node: Expression, keep_guards: bool) -> Expression:
    """Sums, differences, products and quotients; beside a full operand a number needs no shape."""
    op, xs, whole = node.op, node.inputs, node.shape
    assert op is not None
    bare = tuple(map(_unstretched, xs))
    if whole and all(x.shape == () for x in bare):
        return stretched(tidied(applied(op, *bare), keep_guards), whole)
    if whole == () and all(x.is_number for x in bare) and not node.is_called("divide"):
        return Expression(node.value)
    if len(xs) == 1:
        return node
    x = bare[0] if xs[1].shape == whole else xs[0]
    y = bare[1] if x.shape == whole else xs[1]
    turned = _turned(node, x, y)
    if turned is not None:
        return turned
    is_sum, is_product = node.is_called("add"), node.is_called("multiply")
    for kept, other in ((x, y), (y, x))[: 1 + (is_sum or is_product)]:
        is_guard = is_sum and not keep_guards and _is_guard(other)
        is_one = node.is_called("multiply", "divide") and _is_all(other, 1.0)
        if kept.shape == whole and (is_guard or is_one):
            return kept
        if kept.shape == whole and is_product and _is_all(other, -1.0):
            return tidied(applied(ops.negative, kept))
    if is_product and y.is_number and not x.is_number:
        x, y = y, x
    return Expression(node.value, op=op, inputs=(x, y), params=node.params)


def _turned(node: Expression, x: Expression, y: Expression) -> Expression | None:
    """With a sign less: ``x − 2 · y`` for ``x + −2 · y``, and ``−2 · y`` for ``2 · (−y)``."""
    is_sum = node.is_called("add")
    if is_sum and y.is_called("negative"):
        return applied(ops.subtract, x, y.inputs[0])
    product = y if is_sum else node
    if not product.is_called("multiply"):
        return None
    c, rest = product.inputs if is_sum else (x, y) if x.is_number else (y, x)
    if not c.is_number or c.shape or c.value.dtype.kind not in "fi":
        return None
    less = Expression(-c.value)
    if is_sum and c.value < 0:
        return applied(ops.subtract, x, tidied(applied(ops.multiply, less, rest)))
    if not is_sum and rest.is_called("negative"):
        return tidied(applied(ops.multiply, less, rest.inputs[0]))
    return None


def _unstretched(node: Expression) -> Expression:
    while node.is_called("broadcast_to") and node.inputs[0].value.size == 1:
        node = node.inputs[0]
    return node


def _is_copy(node: Expression) -> bool:
    """Whether an op that may move entries gives its operand as it is."""
    if node.is_called("transpose"):
        return node.ndim <= 1
    return bool(np.array_equal(node.value, node.inputs[0].value, equal_nan=True))


def _is_all(node: Expression, number: float) -> bool:
    return node.is_number and bool((node.value == number).all())


def _is_nowhere(mask: Expression) -> bool:
    """Whether a case is that of numbers which are 0, or nan, as is nowhere so here: of the base of
    a power, or of that of which there is a maximum.
    """
    parts = mask.inputs if mask.is_called("multiply") else (mask,)
    return not mask.value.any() and any(
        (x.is_called("equal") and x.inputs[1].is_equal_to(0))
        or (x.is_called("not_equal") and x.inputs[0] is x.inputs[1])
        for x in parts
    )


def _is_count(node: Expression) -> bool:
    """Whether it says how many entries hold, as those that are the greatest, and some do."""
    return node.is_called("sum") and node.inputs[0].value.dtype == bool and bool(node.value.all())


def _is_guard(node: Expression) -> bool:
    """Whether this is what keeps a division from 0: no more than the least normal number."""
    return node.is_number and bool((np.abs(node.value) < _GUARD).all())
