"""One writer of formulas, for any markup: operands within their ops' notations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Tensor
from .expression import Expression, nodes, spelled
from .notation import (
    ATOM,
    COMPARISON,
    ENTRYWISE,
    MATMUL,
    MATRIX_PRODUCT,
    POWER,
    PREFIX,
    SUM,
    TIMES,
    Notation,
    Written,
    constant,
    function,
    op_notation,
)

_PLACES = 0xF0000
PLACE = "[\U000f0000-\U000ffffd]"  # stands for an operand, in an op's own signs
Node = Expression | Tensor


def notation_of(node: Node) -> Notation:
    """The op's notation, with · for ∘ where a factor is a number."""
    assert node.op is not None
    if node.op.name == "sqrt" and is_number(node.inputs[0]):
        return Notation("√{0}", ATOM, (ATOM,))
    if node.op.name == "concatenate" and (node.params["axis"] or 0) % node.ndim < node.ndim - 1:
        return Notation(lambda xs, _: f"[{'; '.join(xs)}]", ATOM, (SUM,))  # beneath each other
    if node.op.name in _REDUCTIONS or (node.op.name in _OF_ROWS and not _is_of_rows(node)):
        return _over(node)
    if node.op.name in _RUNNING:
        axis = max(axes_of(node.params, node.inputs[0].ndim), default=0)
        return function(f"Σ_{_RUNNING[node.op.name]}{_AXES[axis]}")
    if op_notation(node.op) == ENTRYWISE and _has_number(node):
        return TIMES
    return op_notation(node.op)


_STACKED: dict[str, tuple[str, Callable[[int], tuple[int, ...]]]] = {
    "eigh": ("λV", lambda m: (0, 1)), "eig": ("λV", lambda m: (0, 1)),
    "svd": ("UsV", lambda m: (0, m, m + 1)), "qr": ("QR", lambda m: (0, m)),
}  # fmt: skip
"""The parts that a result is stacked of, and at which rows they begin, of a matrix of m rows."""


def _of_part(node: Node) -> Notation | None:
    """Such a part has a letter: ``λ(A)`` are the eigenvalues."""
    whole = node.inputs[0]
    if whole.op is None or whole.op.name not in _STACKED:
        return None
    letters, starts = _STACKED[whole.op.name]
    places = np.arange(math.prod(whole.shape)).reshape(whole.shape)
    ends = [*starts(whole.inputs[0].shape[-2]), None]
    parts = zip(letters, map(slice, ends, ends[1:]), strict=True)
    taken = places[node.params["index"]].ravel()
    found = (x for x, rows in parts if np.array_equal(taken, places[..., rows, :].ravel()))
    return next(map(function, found), None)


def is_number(node: Node) -> bool:
    return isinstance(node, Expression) and node.is_number


def _has_number(node: Node) -> bool:
    """Whether one of the factors is a number: by its shape, or beside what has more entries."""
    sizes = [math.prod(x.shape) for x in node.inputs]
    return any(x.shape in ((), (1,)) for x in node.inputs) or min(sizes) == 1 < max(sizes)


def _only_ones_moved(node: Node) -> bool:
    """Whether a node only adds axes of one entry, or takes them away, or copies along axes."""
    if not is_called(node, "reshape"):
        return is_called(node, "broadcast_to")
    old, new = ([n for n in shape if n != 1] for shape in (node.inputs[0].shape, node.shape))
    return old == new


def _over(node: Node) -> Notation:
    """A reduction, with the axes that it runs over where these aren't all: ``Σ_j(x)``."""
    notation = op_notation(node.op)
    axes = sorted(axes_of(node.params, node.inputs[0].ndim))
    if all(n == 1 or i in axes for i, n in enumerate(node.inputs[0].shape)):
        return notation
    if notation.symbol in "ΣΠ":
        return function(f"{notation.symbol}_{','.join(_AXES[a] for a in axes)}")
    return function(notation.symbol + small_axes(*axes))


def axes_of(params: Mapping[str, Any], ndim: int) -> frozenset[int]:
    """The axes that a reduction runs over, counted from the first."""
    if "axes" in params:
        return frozenset(params["axes"])
    axis = params.get("axis") if ndim else None
    return frozenset(range(ndim) if axis is None else (int(a) % ndim for a in np.atleast_1d(axis)))


def small_axes(*axes: int) -> str:
    """Axes as a subscript: ``ᵢⱼ``."""
    return "".join(_SMALL_AXES[a] for a in axes)


_AXES, _SMALL_AXES = "ijklmnpr", "ᵢⱼₖₗₘₙₚᵣ"
_OF_ROWS = ("softmax", "log_softmax", "logsumexp")
_RUNNING = {"cumsum": "≤", "cumsum_back": "≥"}
_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std")


def _is_of_rows(node: Node) -> bool:
    return node.params.get("axis", -1) in (-1, node.inputs[0].ndim - 1)


class Markup(NamedTuple):
    """How formulas are written in one markup.

    Attributes:
        leaf: a symbol or number.
        signs: an op's own signs, around the places of its operands.
        parentheses: around ``{}``.
        forms: where placing operands says what is done: a fraction, an exponent, under a root.
        ones: a row of that many ones, where a sum over the rows is written as a product with it.
        fractions_apart: whether a fraction stands in parentheses in an entrywise product; None
            where a matrix product doesn't, either.
        shaped: whether a transposed symbol is written as a leaf, having a shape of its own.
        notation: of a node that none of this says how to write.
        brief: whether axes of one entry, and copies along axes, aren't written.
        spelled: whether 1.732… is written √3, and the first row of ``eigh(A)`` λ(A).
    """

    leaf: Callable[[Any], Written]
    signs: Callable[[str], str] = str
    parentheses: str = "({})"
    forms: Mapping[str, str] = MappingProxyType({})
    ones: Callable[[int], str] | None = None
    fractions_apart: bool | None = None
    shaped: bool = False
    notation: Callable[[Node], Notation] = notation_of
    brief: bool = True
    spelled: bool = True


# How tightly forms bind, and the loosest operands that they need no parentheses for.
_BOUND = {
    "divide": (POWER, (COMPARISON,)), "power": (POWER, (ATOM, COMPARISON)),
    "sqrt": (ATOM, (COMPARISON,)), "root": (ATOM, (COMPARISON,)),
}  # fmt: skip


def write(nodes: Iterable[Node], markup: Markup, widest: float = math.inf) -> Written:
    """The formula of the last of ``nodes``.

    Args:
        nodes: operands before what is made of them; those that aren't among them are leaves.
        markup: what it is written in.
        widest: the width in characters beyond which it is given up: what then is returned is a
            part of it that is wider.
    """
    written: dict[Node, Written] = {}
    indices: list[bytes] = []
    for node in nodes:
        is_inner = markup.spelled and is_called(node, "getitem") and node.inputs[0] in written
        part = _of_part(node) if is_inner else None
        inputs = node.inputs if part is None else node.inputs[0].inputs
        operands = [written[x] if x in written else _leaf(x, markup) for x in inputs]
        params = _told_apart(node.params, indices)
        found = (
            join(part, operands, {}, markup) if part else _applied(node, operands, params, markup)
        )
        written[node] = found
        if found.width > widest:
            break
    return found


def _told_apart(params: dict[str, Any], indices: list[bytes]) -> dict[str, Any]:
    """With a prime for each other array that was an index before it: ``W[k] + W[k']``."""
    index = params.get("index")
    arrays = [x for x in (index if type(index) is tuple else (index,)) if type(x) is np.ndarray]
    if not arrays:
        return params
    key = b"".join(x.tobytes() for x in arrays)
    indices += [] if key in indices else [key]
    return {**params, "primes": "'" * indices.index(key)}


def _applied(
    node: Node, operands: list[Written], params: dict[str, Any], markup: Markup
) -> Written:
    if node.op is None:
        return _leaf(node, markup)
    if markup.shaped and is_transposed_leaf(node):
        return markup.leaf(node)
    if markup.brief and _only_ones_moved(node):
        return operands[0]
    if markup.ones is not None and _is_over_rows(node):
        row = Written(markup.ones(node.inputs[0].shape[0]), ATOM, 2)
        return join(MATRIX_PRODUCT, [row, *operands], {}, markup)
    name = node.op.name
    if name in markup.forms:
        form = Notation(markup.forms[name], *_BOUND[name])
        return join(form, operands, params, markup._replace(signs=str))
    if name in ("multiply", "divide") and markup.fractions_apart is not None:
        factors: tuple[Node, ...] = node.inputs
        apart = [markup.fractions_apart and is_called(x, "divide") for x in factors]
        tight = not any(x.shape == () for x in factors)  # A B / q needs no parentheses
        binds = (tight, tight or name == "divide")
        operands = [
            _in_parentheses(x, markup) if fraction or (x.level == MATMUL and bind) else x
            for x, fraction, bind in zip(operands, apart, binds, strict=True)
        ]
    return join(markup.notation(node), operands, params, markup)


def _leaf(node: Node, markup: Markup) -> Written:
    """A symbol or a number, the root of a whole one, or of one by π, as such."""
    value = node.value if isinstance(node, Expression) else node._array
    is_symbol = node.name is not None or (isinstance(node, Tensor) and node.requires_grad)
    if markup.spelled and not is_symbol and value.shape == () and value.dtype.kind == "f":
        found = spelled(float(value))
        if found is not None and found.is_called("sqrt"):
            return write(nodes(found), markup)
    return markup.leaf(node)


def join(
    notation: Notation, operands: Sequence[Written], params: dict[str, Any], markup: Markup
) -> Written:
    """An op's notation around its operands, in parentheses where they bind too loosely.

    Commas and brackets keep operands apart as well; and a whole binds no tighter than what it
    begins and ends with. Private-use characters hold the operands' places while the notation's own
    text, which unlike them is no markup yet, is turned into it.
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
        after_sign = template[: found.start()].rstrip()[-1:] in ("−", "+")
        loose |= after_sign and bool(re.match("(<[^>]*>)*[−-]", operands[i].text))
        if loose and not _is_apart(template, found):
            parts.append(_in_parentheses(operands[i], markup))
        else:
            parts.append(operands[i])
    width = len(template) + sum(part.width - 1 for part in parts)
    texts = iter(parts)
    text = re.sub(PLACE, lambda _: next(texts).text, markup.signs(template))
    ends = [part.level for part, place in zip(parts, re.findall(PLACE, template), strict=True)
            if template.startswith(place) or template.endswith(place)]  # fmt: skip
    return Written(text, min([notation.level, *ends]), width)


def _is_apart(template: str, place: re.Match[str]) -> bool:
    before, after = template[: place.start()].rstrip()[-1:], template[place.end() :][:1]
    return before in ("(", "[", ",") and after in (")", "]", ",")


def _in_parentheses(operand: Written, markup: Markup) -> Written:
    return Written(markup.parentheses.format(operand.text), ATOM, operand.width + 2)


def leaf(node: Expression, name: str, digits: Callable[[str], str] = str) -> Written:
    """A symbol, written as ``name``, or a number, by its digits: by all of them, if few."""
    if not node.is_number:
        return Written(name, ATOM, len(name))
    value = node.value.flat[0] if node.value.size else 0
    shown = constant(value)
    rank = SUM if np.imag(value) and np.real(value) else PREFIX if shown.startswith("−") else ATOM
    return Written(digits(shown), rank, len(shown))


def is_called(node: Node, name: str) -> bool:
    return node.op is not None and node.op.name == name


def is_transposed_leaf(node: Node) -> bool:
    """Whether this is a transposed symbol: ``W_12ᵀ``."""
    return is_called(node, "transpose") and node.inputs[0].op is None


def _is_over_rows(node: Node) -> bool:
    """Whether this is a sum over the rows of a matrix: ``1ᵀ δ``."""
    return is_called(node, "sum") and node.params["axis"] in (0, (0,)) and node.inputs[0].ndim == 2
