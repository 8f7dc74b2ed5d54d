"""How formulas are written: one notation an op, and `write`, which puts them together.

A notation says what to write around the operands and how tightly that binds, so that parentheses
stand where they are needed and nowhere else. Figures and derivations share it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

# How tightly an expression binds, from loose to tight.
COMPARISON, SUM, PRODUCT, MATMUL, PREFIX, POWER, ATOM = range(7)


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


ENTRYWISE = infix("∘", PRODUCT, MATMUL)
_TIMES = infix("·", PRODUCT, MATMUL)  # instead, where a factor is a number


def function(name: str) -> Notation:
    """``name(x, y)``; params that matter to the value are not written."""
    return Notation(lambda xs, params: f"{name}({', '.join(xs)})", ATOM, (COMPARISON,), name)


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
        operands = [written[x] if x in written else constant(x._array) for x in tensor.inputs]
        notation = op.notation
        if notation == ENTRYWISE and any(x.ndim == 0 for x in tensor.inputs):
            notation = _TIMES
        applied = apply_notation(notation, operands, tensor.params, escape)
        if applied.width > widest:
            return None
        written[tensor] = applied
    return written[region[-1]]


def apply_notation(
    notation: Notation,
    operands: Sequence[Written],
    params: dict[str, Any],
    escape: Callable[[str], str] = str,
) -> Written:
    """An op's notation around its operands, in parentheses where they bind too loosely.

    The notation's own text is escaped before the operands, which are markup, are put into it:
    private-use characters hold their places meanwhile.
    """
    least = [notation.operands[min(i, len(notation.operands) - 1)] for i in range(len(operands))]
    operands = [
        Written(f"({x.text})", ATOM, x.width + 2) if x.level < level else x
        for x, level in zip(operands, least, strict=True)
    ]
    places = [chr(_PLACES + i) for i in range(len(operands))]
    if isinstance(notation.template, str):
        template = notation.template.format(*places)
    else:
        template = notation.template(places, params)
    width = len(re.sub(PLACE, "", template))
    width += sum(operands[ord(place) - _PLACES].width for place in re.findall(PLACE, template))
    text = re.sub(
        PLACE, lambda found: operands[ord(found[0]) - _PLACES].text, escape(template)
    )
    return Written(text, notation.level, width)


_PLACES = 0xF0000
PLACE = "[\U000f0000-\U000ffffd]"  # stands for an operand, in what is escaped
