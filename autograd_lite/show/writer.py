"""One writer of formulas, for any markup: operands within their ops' notations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from .notation import (
    ATOM,
    ENTRYWISE,
    MATMUL,
    MATRIX_PRODUCT,
    PREFIX,
    TIMES,
    UNCHANGED,
    Notation,
    Written,
    number,
    op_notation,
)

if TYPE_CHECKING:
    from ..engine.op import Op

_PLACES = 0xF0000
PLACE = "[\U000f0000-\U000ffffd]"  # stands for an operand, in an op's own signs


class Node(Protocol):
    """What is written: an op applied to nodes, or a leaf. Recorded Tensors are some."""

    @property
    def op(self) -> Op | None: ...
    @property
    def inputs(self) -> tuple[Any, ...]: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


class Tree(Node, Protocol):
    """An expression, whose leaves are symbols and numbers.

    Attributes:
        size: how much there is to read.
    """

    name: str | None
    value: Any
    size: int

    @property
    def is_number(self) -> bool: ...


T = TypeVar("T", bound=Node)


def notation_of(node: Node) -> Notation:
    """The op's notation, with · for ∘ where a factor is a number."""
    assert node.op is not None
    if node.op.name == "reshape" and math.prod(node.shape) == 1:  # a number without its axes
        return UNCHANGED
    if op_notation(node.op) == ENTRYWISE and any(x.shape == () for x in node.inputs):
        return TIMES
    return op_notation(node.op)


class Markup(NamedTuple):
    """How formulas are written in one markup.

    Attributes:
        leaf: a symbol or number.
        signs: an op's own signs, around the places of its operands.
        parentheses: around ``{}``.
        forms: ops that have a form of their own, which is markup already: a fraction, an exponent.
        ones: a row of that many ones, where a sum over the rows is written as a product with it.
        fractions_apart: whether a fraction stands in parentheses in an entrywise product; None
            where a matrix product doesn't, either.
        shaped: whether a transposed symbol is written as a leaf, having a shape of its own.
        notation: what else a node's signs come from.
    """

    leaf: Callable[[Any], Written]
    signs: Callable[[str], str] = str
    parentheses: str = "({})"
    forms: Mapping[str, Notation] = MappingProxyType({})
    ones: Callable[[int], str] | None = None
    fractions_apart: bool | None = None
    shaped: bool = False
    notation: Callable[[Node], Notation] = notation_of


def write(nodes: Iterable[Node], markup: Markup, widest: float = math.inf) -> Written:
    """The formula of the last of ``nodes``.

    Args:
        nodes: operands before what is made of them; those that aren't among them are leaves.
        markup: what it is written in.
        widest: the width in characters beyond which it is given up: what then is returned is a
            part of it that is wider.
    """
    written: dict[Node, Written] = {}
    for node in nodes:
        operands = [written[x] if x in written else markup.leaf(x) for x in node.inputs]
        written[node] = found = _applied(node, operands, markup)
        if found.width > widest:
            break
    return found


def _applied(node: Node, operands: list[Written], markup: Markup) -> Written:
    if node.op is None or (markup.shaped and is_transposed_leaf(node)):
        return markup.leaf(node)
    if markup.ones is not None and _is_over_rows(node):
        row = Written(markup.ones(node.inputs[0].shape[0]), ATOM, 2)
        return join(MATRIX_PRODUCT, [row, *operands], {}, markup)
    name = node.op.name
    if name in markup.forms:
        return join(markup.forms[name], operands, node.params, markup._replace(signs=str))
    if name in ("multiply", "divide") and markup.fractions_apart is not None:
        operands = [
            _in_parentheses(x, markup)
            if x.level == MATMUL or (markup.fractions_apart and is_called(of, "divide")) else x
            for x, of in zip(operands, node.inputs, strict=True)
        ]  # fmt: skip
    return join(markup.notation(node), operands, node.params, markup)


def join(
    notation: Notation, operands: Sequence[Written], params: dict[str, Any], markup: Markup
) -> Written:
    """An op's notation around its operands, in parentheses where they bind too loosely.

    Commas and brackets keep operands apart as well. Private-use characters hold the operands'
    places while the notation's own text, which unlike them is no markup yet, is turned into it.
    """
    places = [chr(_PLACES + i) for i in range(len(operands))]
    if isinstance(notation.template, str):
        template = notation.template.format(*places, **params)
    else:
        template = notation.template(places, params)
    parts = []
    for found in re.finditer(PLACE, template):
        i = ord(found[0]) - _PLACES
        loose = operands[i].level < notation.operands[min(i, len(notation.operands) - 1)]
        if loose and not _is_apart(template, found):
            parts.append(_in_parentheses(operands[i], markup))
        else:
            parts.append(operands[i])
    width = len(template) + sum(part.width - 1 for part in parts)
    texts = iter(parts)
    text = re.sub(PLACE, lambda _: next(texts).text, markup.signs(template))
    return Written(text, notation.level, width)


def _is_apart(template: str, place: re.Match[str]) -> bool:
    before, after = template[: place.start()].rstrip()[-1:], template[place.end() :][:1]
    return before in ("(", "[", ",") and after in (")", "]", ",")


def _in_parentheses(operand: Written, markup: Markup) -> Written:
    return Written(markup.parentheses.format(operand.text), ATOM, operand.width + 2)


def leaf(node: Tree, name: str, digits: Callable[[str], str] = str) -> Written:
    """A symbol, written as ``name``, or a number, by its digits."""
    if not node.is_number:
        return Written(name, ATOM, len(name))
    shown = number(node.value.flat[0] if node.value.size else 0)
    return Written(digits(shown), PREFIX if shown.startswith("−") else ATOM, len(shown))


def nodes(root: T) -> Iterator[T]:
    """Each node in ``root`` once, operands before what is made of them. Iterative."""
    done: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in done:
            done.add(id(node))
            stack.append((node, True))
            stack += [(x, False) for x in reversed(node.inputs)]


def is_called(node: Node, name: str) -> bool:
    return node.op is not None and node.op.name == name


def is_transposed_leaf(node: Node) -> bool:
    """Whether this is a transposed symbol: ``W_12ᵀ``."""
    return is_called(node, "transpose") and node.inputs[0].op is None


def _is_over_rows(node: Node) -> bool:
    """Whether this is a sum over the rows: ``1ᵀ δ``."""
    sums = is_called(node, "sum")
    return sums and node.params["axis"] in (0, (0,)) and bool(node.params["keepdims"])
