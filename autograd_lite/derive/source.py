"""Expressions as NumPy code: ``delta_2 = l_2 - y``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from ..numpy_code import Namer, code, numpy_name
from .expression import Expression, fold

# How tightly Python binds; * / and @ bind alike, from left to right.
_COMPARED, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(6)
_OPERATORS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "add": ("{0} + {1}", _SUM, (_SUM, _SUM)),
    "subtract": ("{0} - {1}", _SUM, (_SUM, _PRODUCT)),
    "multiply": ("{0} * {1}", _PRODUCT, (_PRODUCT, _SIGN)),
    "divide": ("{0} / {1}", _PRODUCT, (_PRODUCT, _SIGN)),
    "remainder": ("{0} % {1}", _PRODUCT, (_PRODUCT, _SIGN)),
    "matmul": ("{0} @ {1}", _PRODUCT, (_PRODUCT, _SIGN)),
    "linear": ("{0} @ {1} + {2}", _SUM, (_PRODUCT, _SIGN, _SUM)),
    "negative": ("-{0}", _SIGN, (_SIGN,)),
    "positive": ("{0}", _ATOM, (_ATOM,)),
    "square": ("{0}**2", _POWER, (_ATOM,)),
    "power": ("{0} ** {1}", _POWER, (_ATOM, _SIGN)),
    "greater": ("{0} > {1}", _COMPARED, (_SUM, _SUM)),
    "greater_equal": ("{0} >= {1}", _COMPARED, (_SUM, _SUM)),
    "less": ("{0} < {1}", _COMPARED, (_SUM, _SUM)),
    "less_equal": ("{0} <= {1}", _COMPARED, (_SUM, _SUM)),
    "equal": ("{0} == {1}", _COMPARED, (_SUM, _SUM)),
    "not_equal": ("{0} != {1}", _COMPARED, (_SUM, _SUM)),
}


class _Code(NamedTuple):
    text: str
    level: int


def source(root: Expression, name: Namer) -> str:
    """``root`` as NumPy code.

    Raises:
        NotImplementedError: an op that has no written form as NumPy code; it is named.
    """

    def write(node: Expression, operands: list[_Code]) -> _Code:
        op = node.op
        if op is None:
            if node.name is not None:
                return _Code(name(node.name), _ATOM)
            return _number(node.value)
        if op.name in _OPERATORS:
            template, level, least = _OPERATORS[op.name]
            parts = [_at_least(x, n) for x, n in zip(operands, least, strict=True)]
            return _Code(template.format(*parts), level)
        if op.source:
            return _filled(op.source, operands, node.params)
        if isinstance(op.forward, np.ufunc) or getattr(op.forward, "__module__", "")[:5] == "numpy":
            arguments = [x.text for x in operands]
            arguments += [f"{key}={code(param)}" for key, param in node.params.items()]
            return _Code(f"{numpy_name(op.forward)}({', '.join(arguments)})", _ATOM)
        raise NotImplementedError(
            f"derive: op {op.name!r} has no form as NumPy code; give it one: Op(…, source=…)"
        )

    return _without_outer_parentheses(fold(root, write).text)


def _without_outer_parentheses(text: str) -> str:
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and i < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _filled(form: Any, operands: list[_Code], params: dict[str, Any]) -> _Code:
    """An op's own form, each operand in parentheses unless commas or brackets set it apart."""
    places = [chr(_PLACES + i) for i in range(len(operands))]
    shown = form(places, params) if callable(form) else form.format(*places, **params)

    def put(found: re.Match[str]) -> str:
        before, after = shown[: found.start()].rstrip()[-1:], shown[found.end() :][:1]
        operand = operands[ord(found[0]) - _PLACES]
        apart = before in ("(", "[", ",") and after in (")", "]", ",")
        return operand.text if apart else _at_least(operand, _ATOM)

    return _Code(re.sub("[\ue000-\uefff]", put, shown), _ATOM)


_PLACES = 0xE000


def _at_least(operand: _Code, level: int) -> str:
    return operand.text if operand.level >= level else f"({operand.text})"


def _number(value: Any) -> _Code:
    item = value.item() if value.size == 1 else value.flat[0].item() if value.size else 0.0
    if isinstance(item, float) and item.is_integer() and abs(item) < 1e15:
        item = int(item)
    text = code(item)
    return _Code(text, _SIGN if text.startswith("-") else _ATOM)
