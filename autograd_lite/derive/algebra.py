"""Elementwise algebra by sympy: ``((1 − y) / (1 − l) − y / l) ∘ (l ∘ (1 − l))`` is ``l − y``.

Entry by entry, factors commute and fractions cancel; what is not elementwise (a matrix product, a
sum) is a symbol to sympy. A result counts only where it is shorter, has the same shape, and is
worth the same as what it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..show.expression import Expression, applied, evaluate, fold, nodes
from ..show.text import text
from ..table import OPS
from .tidy import tidied

_COARSEST = 0.05  # what counts as rounding at most, relative, even where it is as coarse as float16
_LONGEST = 200  # in size; beyond it cancelling would take long


def simplified(root: Expression) -> Expression:
    """``root`` in fewer operations, or itself where there is no such form.

    Raises:
        ImportError: sympy is missing; it names the extra.
    """
    if root.op is None or root.size > _LONGEST:
        return root
    sympy = _sympy()
    symbols: dict[str, tuple[Any, Expression]] = {}

    def symbol(node: Expression) -> Any:
        node = _simplified_within(node)
        if node.is_number:
            return number(node)
        key = text(node)
        if key not in symbols:
            symbols[key] = sympy.Symbol(f"x{len(symbols):04d}"), node
        return symbols[key][0]

    def number(node: Expression) -> Any:
        value = node.value.item()
        return sympy.nsimplify(int(value) if value in (0, 1) else value, rational=True)

    def convert(node: Expression, operands: list[Any]) -> Any:
        if node.is_number and node.value.size == 1:
            return number(node)
        if node.op is not None and node.op.name in _ALGEBRA:
            return _ALGEBRA[node.op.name](*operands)
        if node.is_called("fixed_power") and float(node.params["exponent"]).is_integer():
            return operands[0] ** int(node.params["exponent"])
        return symbol(node)

    form = sympy.factor(sympy.cancel(sympy.together(fold(root, convert))))
    back = dict(symbols.values())
    try:
        found = _expression(form, back)
    except _NoFormError:
        return root
    if found.size < root.size and agree(found, root.value):
        return found
    row = _in_one_row(root)
    return row if row is root or agree(row, root.value) else root


def _simplified_within(node: Expression) -> Expression:
    """A function or product of what is simplified itself: ``Σ((y / p) ∘ p)`` is ``Σ(y)``."""
    operands = tuple(map(simplified, node.inputs))
    if operands == node.inputs:
        return node
    inner = tidied(Expression(node.value, op=node.op, inputs=operands, params=node.params))
    while inner.is_called("broadcast_to") and inner.inputs[0].value.size == 1:
        inner = inner.inputs[0]
    return inner


def _in_one_row(root: Expression) -> Expression:
    """``a ∘ (b ∘ c)`` as ``a ∘ b ∘ c``; with a matrix product in it as it stands in the chapter."""
    if not root.is_called("multiply") or not root.inputs[1].is_called("multiply"):
        return root
    if any(node.is_called("matmul") for node in nodes(root)):
        return root
    x, (y, z) = root.inputs[0], root.inputs[1].inputs
    return applied(ops.multiply, applied(ops.multiply, x, y), z)


def agree(expression: Expression, value: Any) -> bool:
    """Whether an expression, worked out anew, is worth ``value``, up to rounding."""
    computed = evaluate(expression)
    if computed.shape != value.shape:
        return False
    eps = float(np.finfo(value.dtype if value.dtype.kind in "fc" else float).eps)
    tolerance = min(1e5 * eps, _COARSEST)
    same = (computed == value) | (np.isnan(computed) & np.isnan(value))  # infinities too
    computed, value = _wide(computed), _wide(value)  # their difference may be beyond float16
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(value), initial=0.0, where=np.isfinite(value))
        apart = np.where(same, 0.0, np.abs(computed - value))
        near = apart <= tolerance * (np.abs(value) + 1e-3 * scale) + 1e-300
    return bool(np.all(same | (near & np.isfinite(value))))


def _wide(array: Any) -> Any:
    return array.astype(np.result_type(array.dtype, np.float64))


_ALGEBRA: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x**2,
}


class _NoFormError(Exception):
    """What sympy found has no form in our ops."""


def _expression(form: Any, back: dict[Any, Expression]) -> Expression:
    """A sympy expression in our ops, terms and factors in the order of their symbols."""
    if form in back:
        return back[form]
    if form.is_Rational:
        return Expression(float(form))
    if form.is_Add:
        terms = sorted(form.args, key=lambda t: (t.could_extract_minus_sign(), str(t)))
        total = _expression(terms[0], back)
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            part = _expression(-term if minus else term, back)
            total = applied(ops.subtract if minus else ops.add, total, part)
        return total
    if form.is_Mul:
        return _product(form, back)
    if form.is_Pow and form.exp.is_Integer:
        if form.exp < 0:
            return applied(ops.divide, Expression(1.0), _expression(1 / form, back))
        if form.exp == 2:
            return applied(ops.square, _expression(form.base, back))
        return applied(
            OPS["fixed_power"], _expression(form.base, back), exponent=int(form.exp)
        )
    raise _NoFormError


def _product(form: Any, back: dict[Any, Expression]) -> Expression:
    """Numbers first, then the factors in order; what divides, beneath."""
    number, rest = form.as_coeff_Mul()
    above, below = rest.as_numer_denom()
    found = None if abs(number.p) == 1 else Expression(float(abs(number.p)))
    factors = sorted(above.as_ordered_factors(), key=str)
    sums = [i for i, factor in enumerate(factors) if factor.is_Add]
    if number < 0 and sums:  # −(y − l) is l − y
        factors[sums[0]], number = -factors[sums[0]], -number
    for factor in factors:
        if factor != 1:
            part = _expression(factor, back)
            found = part if found is None else applied(ops.multiply, found, part)
    found = found or Expression(1.0)
    if below != 1:
        found = applied(ops.divide, found, _expression(below, back))
    if number.q != 1:
        found = applied(ops.divide, found, Expression(float(number.q)))
    return applied(ops.negative, found) if number < 0 else found


def _sympy() -> Any:
    try:
        import sympy
    except ImportError as error:
        raise ImportError(
            'derive: simplifying formulas needs sympy: pip install "autograd_lite[formulas]"'
        ) from error
    return sympy
