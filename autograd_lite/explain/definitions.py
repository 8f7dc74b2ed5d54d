"""What the page writes out once: σ, ℓ and the like, each by the NumPy code that its op is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from ..engine.modes import trace
from ..engine.tensor import Tensor
from ..graph import walk
from ..meaning.steps import with_symbols, written
from ..show.expression import Expression, nodes
from ..show.notation import op_notation
from ..show.steps import step_to
from ..table import OPS, Op


def definitions(
    root: Expression, known: set[tuple[Op, str]]
) -> Iterator[tuple[Expression, Expression]]:
    """Of each op in a formula that others are a name for: it, applied, and what that is.

    Args:
        root: the formula.
        known: the ops that were written out before, with their settings; these are added.
    """
    for node in nodes(root):
        if node.op is None or not node.op.source:
            continue
        key = node.op, repr(node.params)
        if key in known:
            continue
        known.add(key)
        letters = [*"zuvw", *(f"z_{i}" for i in range(4, len(node.inputs)))]
        xs = [
            Expression(x.value, x.name or a) for x, a in zip(node.inputs, letters, strict=False)
        ]  # fmt: skip
        with suppress(Exception):  # code that isn't for Tensors, or has names of its own
            yield Expression(node.value, None, node.op, tuple(xs), node.params), _run(node, xs)


def _run(node: Expression, xs: list[Expression]) -> Expression:
    """What the op's code computes of these symbols."""
    assert node.op is not None
    source, names = node.op.source, [f"x{i}" for i in range(len(xs))]
    code = source(names, node.params) if callable(source) else source.format(*names, **node.params)
    given = {name: Tensor(x.value) for name, x in zip(names, xs, strict=True)}
    with trace(), np.errstate(all="ignore"):
        result = eval(code, {"np": np, **given})
    if result.op.name in ("mean", "sum") and result.inputs[0].size == 1:  # of one number
        result = result.inputs[0]
    region = [t for t in walk(result) if t.op is not None]
    is_same = op_notation(result.op).symbol == op_notation(node.op).symbol  # √, of a norm and else
    if is_same or any(t.op in (node.op, OPS["linear"]) for t in region):
        raise ValueError("it is its own definition")
    symbols = {id(t): x for t, x in zip(given.values(), xs, strict=True)}
    step = step_to(result, region)
    found = {str(i): symbols.get(id(t), Expression(t._array)) for i, t in enumerate(step.inputs)}
    return with_symbols(written(step), found)
