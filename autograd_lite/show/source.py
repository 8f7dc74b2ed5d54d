"""Formulas as NumPy code: ``delta_2 = l_2 - y``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..numpy_code import code, numpy_name
from .expression import COUNTING, Expression, nodes
from .notation import ATOM, COMPARISON, POWER, PREFIX, PRODUCT, SUM, Notation, Written, infix
from .writer import Markup, Node, is_number, write

# How tightly Python binds; * / and @ bind alike, from left to right.
_OPERATORS = {
    "add": infix("+", SUM),
    "subtract": infix("-", SUM, PRODUCT),
    "multiply": infix("*", PRODUCT, PREFIX),
    "divide": infix("/", PRODUCT, PREFIX),
    "remainder": infix("%", PRODUCT, PREFIX),
    "matmul": infix("@", PRODUCT, PREFIX),
    "linear": Notation("{0} @ {1} + {2}", SUM, (PRODUCT, PREFIX, SUM)),
    "negative": Notation("-{0}", PREFIX, (PREFIX,)),
    "positive": Notation("{0}", ATOM, (ATOM,)),
    "square": Notation("{0}**2", POWER, (ATOM,)),
    "power": Notation("{0} ** {1}", POWER, (ATOM, PREFIX)),
} | {
    name: Notation(f"{{0}} {sign} {{1}}", COMPARISON, (SUM, SUM))
    for name, sign in (
        ("greater", ">"), ("greater_equal", ">="), ("less", "<"), ("less_equal", "<="),
        ("equal", "=="), ("not_equal", "!="),
    )
}  # fmt: skip


def source(root: Expression, name: Callable[[str], str]) -> str:
    """``root`` as NumPy code, a number also where that is a truth; ``name`` gives identifiers.

    Raises:
        NotImplementedError: an op that has no written form as NumPy code; it is named.
    """

    def leaf(node: Expression) -> Written:
        if node.name is None:
            return _number(node.value)
        return Written(name(node.name), ATOM, 0)

    markup = Markup(leaf, notation=_notation, brief=False, spelled=False)
    text = _without_outer_parentheses(write(nodes(root), markup).text)
    return f"1.0 * ({text})" if _is_truth(root) else text


def _without_outer_parentheses(text: str) -> str:
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and i < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _notation(node: Node) -> Notation:
    """An operator, the op's own form, or a call of NumPy's function."""
    op = node.op
    assert op is not None
    inputs: tuple[Node, ...] = node.inputs
    if op.name in COUNTING and any(map(_is_truth, inputs)):
        numbers = ["1.0 * " * _is_truth(x) + f"{{{i}}}" for i, x in enumerate(inputs)]
        if op.name == "dot":
            return Notation(f"np.dot({', '.join(numbers)})", ATOM, (PREFIX,))
        if op.name == "matmul":  # both bind alike, from left to right
            return Notation(f"{numbers[0]} @ ({numbers[1]})", PRODUCT, (PREFIX,))
        sign = " + " if op.name == "add" else " - "
        return Notation(sign.join(["", *numbers][-2:]), SUM, (PREFIX,))
    if op.name == "equal" and not any(map(is_number, inputs)):  # which may be rounded
        return Notation("np.isclose({0}, {1}, 1e-12, 0)", ATOM, (ATOM,))
    if op.name in _OPERATORS:
        return _OPERATORS[op.name]
    if op.source:
        form, truths = op.source, [*map(_is_truth, inputs)]
        if not any(truths) or _is_truth(node) or op.name in ("where", "sum", "mean"):
            return Notation(form, ATOM, (ATOM,))

        def of_numbers(xs: Sequence[str], params: dict[str, Any]) -> str:
            given = ["(1.0 * " * truth + x + ")" * truth for x, truth in zip(xs, truths)]  # noqa: B905
            return form(given, params) if callable(form) else form.format(*given, **params)

        return Notation(of_numbers, ATOM, (ATOM,))
    if isinstance(op.forward, np.ufunc) or getattr(op.forward, "__module__", "")[:5] == "numpy":
        called = numpy_name(op.forward)
        settings = [f"{key}={code(param)}" for key, param in node.params.items()]
        return Notation(lambda xs, _: f"{called}({', '.join([*xs, *settings])})", ATOM, (ATOM,))
    raise NotImplementedError(
        f"derive: op {op.name!r} has no form as NumPy code; give it one: Op(…, source=…)"
    )


def _is_truth(x: Node) -> bool:
    return isinstance(x, Expression) and x.value.dtype == bool


def _number(value: np.ndarray[Any, Any]) -> Written:
    item = value.item() if value.size == 1 else value.flat[0].item() if value.size else 0.0
    if isinstance(item, float) and item.is_integer() and abs(item) < 1e15:
        item = int(item)
    text = code(item)
    return Written(text, PREFIX if text.startswith("-") else ATOM, 0)
