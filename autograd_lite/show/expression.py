"""Expressions: what is written out. A tree of ops over symbols and numbers, each with its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..engine.tensor import Array
from ..graph import inner_first
from ..table import OPS, Op

T = TypeVar("T")

_COARSEST = 0.05  # what counts as rounding at most, relative, even where it is as coarse as float16


@dataclass(slots=True, eq=False, repr=False)
class Expression:
    """A symbol, a number, or an op applied to expressions.

    Attributes:
        op: the op, or None for a symbol or number.
        inputs: what it is applied to.
        params: its settings.
        name: a symbol's name.
        value: what it is worth here: the array that was recorded.
        size: how much there is to read: each op, symbol and number where it stands.
    """

    value: Any
    name: str | None = None
    op: Op | None = None
    inputs: tuple[Expression, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.value = np.asarray(self.value)
        self.size = 1 + sum(x.size for x in self.inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def ndim(self) -> int:
        return np.ndim(self.value)

    @property
    def is_number(self) -> bool:
        """Whether it is a constant, written as its value."""
        return self.op is None and self.name is None

    def is_equal_to(self, number: float) -> bool:
        """Whether it is that constant number."""
        return self.is_number and self.value.size == 1 and self.value.item() == number

    def is_called(self, *names: str) -> bool:
        """Whether it is one of these ops applied."""
        return self.op is not None and self.op.name in names


class Definition(NamedTuple):
    """A symbol of its own for a part of an expression."""

    name: str
    expression: Expression


def nodes(root: Expression) -> Iterator[Expression]:
    """Each expression in ``root`` once, operands before what is made of them. Iterative."""
    return inner_first(root, attrgetter("inputs"))


def needed(root: Expression, defined: Mapping[str, Expression]) -> list[Definition]:
    """The definitions that an expression needs, itself or through others; in their order."""
    found: set[str] = set()
    stack = [root]
    while stack:
        new = {x.name or "" for x in nodes(stack.pop())} & defined.keys() - found
        found |= new
        stack += [defined[name] for name in new]
    return [Definition(name, x) for name, x in defined.items() if name in found]


def fold(root: Expression, combine: Callable[[Expression, list[T]], T]) -> T:
    """``combine`` applied to each expression in ``root`` and what it gave for its operands."""
    found: dict[Expression, T] = {}
    for node in nodes(root):
        found[node] = combine(node, [found[x] for x in node.inputs])
    return found[root]


def evaluate(root: Expression) -> Array:
    """The value worked out anew from the symbols' values, by the ops' own forwards."""

    def compute(node: Expression, operands: list[Any]) -> Any:
        if node.op is None:
            return node.value[()]
        arrays = _countable(node.op, [np.asarray(x) for x in operands])
        return np.asarray(node.op.forward(*arrays, **node.params))

    with np.errstate(all="ignore"):
        return np.asarray(fold(root, compute))


def applied(op: Op, *operands: Expression, **params: Any) -> Expression:
    """An op applied to expressions, with its value."""
    with np.errstate(all="ignore"):
        value = op.forward(*_countable(op, [x.value for x in operands]), **params)
    return Expression(value, op=op, inputs=operands, params=params)


COUNTING = ("add", "subtract", "negative", "matmul", "dot")
"""Of truth values NumPy has another such op, or none; in a formula they are 0 and 1."""


def _countable(op: Op, arrays: list[Array]) -> list[Array]:
    """The operands; truth values as numbers where these are added up."""
    if op.name not in COUNTING:
        return arrays
    return [x.astype(float) if x.dtype.kind == "b" else x for x in arrays]


_LARGEST = 10**6  # a denominator


def number(c: float) -> Expression:
    return Expression(int(c) if float(c).is_integer() and abs(c) < 1e15 else c)


def is_long(c: float) -> bool:
    """Whether 1 / n is shorter: of 0.125, and not of 0.2 or 0.002."""
    text = f"{abs(c):.12g}"
    return len(text) > 4 and len(text.partition("e")[0].replace(".", "").lstrip("0")) > 1


def spelled(c: float) -> Expression | None:
    """A number that is long as a fraction, or as a root of one, perhaps by π; None where it isn't.
    """
    for power, by in ((1, 1.0), (2, 1.0), (2, np.pi)) if c > 0 and is_long(c) else ():
        if c**power > _LARGEST:
            break
        found = Fraction(c**power * by).limit_denominator(_LARGEST)
        k, n = found.numerator, found.denominator
        if abs(found - c**power * by) >= 1e-12 * c**power:
            continue
        above, below, pi = number(k), number(n), Expression(np.pi)
        if by != 1:
            below = pi if n == 1 else applied(OPS["multiply"], below, pi)
        if power == 1 and k >= 10 and float(f"{c:.6g}") != c and len(f"{n / k:.12g}") < 6:
            above, below, k = number(1), number(n / k), 1  # 14.29 as 1 / 0.07
        if power == 1 and k < 10:
            return applied(OPS["divide"], above, below)
        if power == 2 and k in (1, 4, 9) and (by == 1 or n < 3):
            root = applied(OPS["sqrt"], below)
            return applied(OPS["divide"], number(math.isqrt(k)), root)
        if power == 2 and n == 1 < k:
            return applied(OPS["sqrt"], above if by == 1 else applied(OPS["divide"], above, pi))
    return None


def agree(
    expression: Expression, value: Any, nearly: bool = False, as_of: Expression | None = None,
    eps: float = 0.0, parts: Iterable[tuple[str, Expression]] = (),
) -> bool:  # fmt: skip
    """Whether an expression, worked out anew, is worth ``value``, up to rounding.

    Args:
        expression: what is worked out.
        value: what it should be worth.
        nearly: or up to what a small number that was left out makes.
        as_of: rounding may be as large as in this expression; by default in the first one.
        eps: the coarsest spacing of the numbers on the way, where that isn't that of ``value``.
        parts: what symbols stand for, in the order they need: in these something may cancel, too.
    """
    computed = evaluate(expression)
    if computed.shape != value.shape:
        return False
    eps = max(eps, float(np.finfo(value.dtype if value.dtype.kind in "fc" else float).eps))
    tolerance, of_largest = (1e-2, 1.0) if nearly else (min(1e5 * eps, _COARSEST), 1e-3)
    same = (computed == value) | ((computed != computed) & (value != value))  # infinities too
    computed, value = _wide(computed), _wide(value)  # their difference may be beyond float16
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(value), initial=0.0, where=np.isfinite(value))
        apart = np.where(same, 0.0, np.abs(computed - value))
        allowed = tolerance * (np.abs(value) + of_largest * scale) + 1e-300
        if not (apart <= allowed).all():
            sizes = magnitude(as_of or expression, parts)
            allowed = allowed + np.nan_to_num(_CANCELLED * eps * sizes, posinf=0.0)
        near = apart <= allowed
    return bool(np.all(same | (near & np.isfinite(value))))


_CANCELLED = 100.0  # roundings, of what cancels
_LINEAR = (
    "positive", "reshape", "transpose", "broadcast_to", "multiply", "matmul", "sum", "mean",
    "outer", "dot", "getitem", "scatter", "square", "where", "concatenate", "collect", "pick",
    "cumsum", "flip",
)  # fmt: skip


def magnitude(root: Expression, parts: Iterable[tuple[str, Expression]] = ()) -> Array:
    """How large an expression would be if nothing in it cancelled: as its rounding is."""
    known: dict[str | None, Any] = {}

    def combine(node: Expression, sizes: list[Any]) -> Any:
        if node.is_called("add", "subtract"):
            return sizes[0] + sizes[1]
        if node.is_called("negative"):
            return sizes[0]
        if node.is_called("divide"):
            return sizes[0] / np.abs(node.inputs[1].value)
        if node.op is not None and node.is_called(*_LINEAR):
            return np.asarray(node.op.forward(*sizes, **node.params))
        if node.op is None and node.name in known:
            return known[node.name]
        return np.abs(node.value.astype(np.result_type(node.value.dtype, float)))

    with np.errstate(all="ignore"):
        for name, part in parts:
            known[name] = fold(part, combine)
        return np.asarray(fold(root, combine))


def _wide(array: Any) -> Any:
    return array.astype(np.result_type(array.dtype, np.float64))
