"""How formulas are written: one notation an op, and `write`, which puts them together.

A notation says what to write around the operands and how tightly that binds, so that parentheses
stand where they are needed and nowhere else. Figures and derivations share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

# How tightly an expression binds, from loose to tight.
SUM, PRODUCT, MATMUL, PREFIX, POWER, ATOM = range(6)


class Written(NamedTuple):
    """An expression as text, how tightly it binds, and its width in characters."""

    text: str
    level: int
    width: int


class Notation(NamedTuple):
    """How an op is written.

    Attributes:
        template: with ``{0}``, ``{1}`` for the operands, or a function of (operands, params).
        level: how tightly the result binds.
        operands: the loosest level that each operand may have without parentheses; the last holds
            for all further ones.
        symbol: what stands for the op alone, as in an ellipse of its own.
    """

    template: str | Callable[[Sequence[str], dict[str, Any]], str]
    level: int
    operands: tuple[int, ...]
    symbol: str


def infix(sign: str, level: int, right: int | None = None) -> Notation:
    """``x sign y``. ``right`` is the level that the right operand needs, if another."""
    sign_and_space = f" {sign} " if sign else " "
    least = (level, level if right is None else right)
    return Notation(f"{{0}}{sign_and_space}{{1}}", level, least, sign or "·")


def function(name: str) -> Notation:
    """``name(x, y)``; params that matter to the value are not written."""
    return Notation(lambda xs, params: f"{name}({', '.join(xs)})", ATOM, (SUM,), name)


def number(value: Any) -> str:
    """A number as short as can be: ``2``, ``0.5``, ``1e-12``."""
    text = f"{float(value):.4g}" if np.isrealobj(value) else f"{complex(value):.4g}"
    return text.replace("-", "−")


def write(
    region: Sequence[Tensor],
    atoms: Mapping[Tensor, Written],
    constant: Callable[[Any], Written],
    *,
    escape: Callable[[str], str] = str,
    widest: int = 48,
) -> Written | None:
    """The formula of the last tensor of ``region``, or None where it would be too wide.

    Args:
        region: recorded tensors in order of creation, whose operands are in it or in ``atoms``.
        atoms: how the tensors that the formula starts from are written.
        constant: how a constant is written.
        escape: what the output's markup needs of the notation's own text.
        widest: the width in characters beyond which the formula is given up.
    """
    written = dict(atoms)
    for tensor in region:
        op = tensor.op
        assert op is not None
        notation = op.notation
        operands: list[Written] = []
        for i, x in enumerate(tensor.inputs):
            operand = written[x] if x in written else constant(x.data)
            if operand.level < notation.operands[min(i, len(notation.operands) - 1)]:
                operand = Written(f"({operand.text})", ATOM, operand.width + 2)
            operands.append(operand)
        if isinstance(notation.template, str):
            template = escape(notation.template)
        else:
            places = [f"{{{i}}}" for i in range(len(operands))]
            template = escape(notation.template(places, tensor.params))
        text = template.format(*[operand.text for operand in operands])
        bare = template.format(*[""] * len(operands))
        width = len(bare) + sum(operand.width for operand in operands)
        if width > widest:
            return None
        written[tensor] = Written(text, notation.level, width)
    return written[region[-1]]
