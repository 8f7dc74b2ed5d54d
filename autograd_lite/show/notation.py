"""How formulas are written: one notation an op, numbers, shapes, and the symbols of gradients.

A notation says what to write around the operands and how tightly that binds, so that parentheses
stand where they are needed and nowhere else. `writer` puts them together, in any markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

# How tightly an expression binds, from loose to tight.
COMPARISON, SUM, PRODUCT, PREFIX, MATMUL, POWER, ATOM = range(7)


class Written(NamedTuple):
    """An expression as text, how tightly it binds, and its width in characters."""

    text: str
    level: int
    width: int


class Notation(NamedTuple):
    """How an op is written.

    Attributes:
        template: with ``{0}``, ``{1}`` for the operands and ``{axis}`` … for params, or a function
            of (operands, params).
        level: how tightly the result binds.
        operands: the loosest level that each operand may have without parentheses; the last holds
            for all further ones.
        symbol: what stands for the op alone, as in an ellipse of its own.
    """

    template: str | Callable[[Sequence[str], dict[str, Any]], str]
    level: int
    operands: tuple[int, ...]
    symbol: str = ""


def infix(sign: str, level: int, right: int | None = None) -> Notation:
    """``x sign y``. ``right`` is the level that the right operand needs, if another."""
    least = (level, level if right is None else right)
    return Notation(f"{{0}} {sign} {{1}}", level, least, sign)


ENTRYWISE = infix("∘", PRODUCT, MATMUL)
TIMES = infix("·", PRODUCT, MATMUL)  # instead, where a factor is a number
MATRIX_PRODUCT = Notation("{0} {1}", MATMUL, (PREFIX, MATMUL), "·")


def function(name: str) -> Notation:
    """``name(x, y)``; params that matter to the value are not written."""
    return Notation(lambda xs, params: f"{name}({', '.join(xs)})", ATOM, (COMPARISON,), name)


def op_notation(op: Any) -> Notation:
    """How an op is written: as its entry says, or else as a function of its name."""
    return op.notation or function(op.name)


def number(value: Any) -> str:
    """A number as short as can be: ``2``, ``0.5``, ``1e-12``, ``2j``."""
    z = complex(value)
    text = f"{z.real:.4g}" if np.isrealobj(value) else f"{z:.4g}" if z.real else f"{z.imag:.4g}j"
    return text.replace("-", "−")


def constant(value: Any) -> str:
    """A number of a formula: six digits that say it all stay, and it may be a multiple of π."""
    if np.isrealobj(value) and float(f"{float(value):.6g}") == value:
        return f"{float(value):.6g}".replace("-", "−")
    turns = round(float(value) / np.pi) if np.isrealobj(value) and abs(value) < 1e3 else 0
    if not turns or abs(value - turns * np.pi) > 1e-12 * abs(value):
        return number(value)
    return f"{turns}π".replace("-", "−") if abs(turns) > 1 else "π" if turns > 0 else "−π"


def free_names(base: str, taken: set[Any]) -> Iterator[str]:
    """``u_1``, ``u_2``, … but those that are taken; each is from here on."""
    for i in count(1):
        if (name := f"{base}_{i}") not in taken:
            taken.add(name)
            yield name


def dimensions(shape: tuple[int, ...]) -> str:
    """``1×2``; a number without axes is 1."""
    return "×".join(map(str, shape)) or "1"


def abridged(array: Any) -> str:
    """Of a large array shape, range and norm: ``100×100``, ``0 … 9999``, ``‖·‖ = 5.773e+05``."""
    return "\n".join([dimensions(array.shape), *measured(array)])


def measured(array: Any) -> list[str]:
    """The range and the norm of an array.

    The range is that of the finite entries, and of complex ones that of their moduli; how many are
    not finite is said.
    """
    sizes = np.abs(array.astype(complex if array.dtype.kind == "c" else float))
    finite = np.isfinite(sizes)
    real = sizes if array.dtype.kind == "c" else array
    lines = list[str]()
    if finite.any():
        low, high = real[finite].min(), real[finite].max()
        span = f"{number(low)} … {number(high)}" if low != high else f"all {number(low)}"
        lines.append(f"|·| {span}" if array.dtype.kind == "c" else span)
    if finite.all():
        largest = float(sizes.max())  # taken out, so that no square overflows
        norm = largest * float(np.linalg.norm(sizes / (largest or 1)))
        lines.append(f"‖·‖ = {number(norm)}")
    else:
        lines += [f"{np.count_nonzero(x)} {name}" for x, name in (
            (np.isnan(sizes), "nan"), (np.isinf(sizes), "inf")
        ) if x.any()]  # fmt: skip
    return lines


def symbol_of(name: str, is_leaf: bool, output: str) -> str:
    """A gradient's symbol: of ``s_2`` ``δ_2``, of a leaf ``∇W_12``, of any other ``∂L/∂h``."""
    if is_leaf:
        return f"∇{name}"
    if name.startswith("s_"):
        return f"δ_{name[2:]}"
    return f"∂{output}/∂{name}"
