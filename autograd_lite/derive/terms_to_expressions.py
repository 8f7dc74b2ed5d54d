"""A term as an expression, in the ops' own notation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..meaning import terms
from ..meaning.read import applied as apply_term
from ..meaning.read import operands
from ..meaning.table import CANONICAL, LOGSUMEXP, NORMALISED
from ..table import OPS
from ..ops.elementwise import VALUE_OPS
from ..show.expression import Expression, applied

_VALUES = {op.name: op for op in VALUE_OPS.values()}


def expression(root: terms.Term, names: dict[terms.Term, str], rows: int | None) -> Expression:
    done: dict[terms.Term, Expression] = {}
    stack = [(root, False)]
    while stack:
        e, ready = stack.pop()
        if e in done:
            continue
        if not ready:
            stack.append((e, True))
            stack += [(x, False) for x in operands(e)]
        else:
            done[e] = _written(e, [done[x] for x in operands(e)], names, rows)
    return done[root]


def number(c: float) -> Expression:
    return Expression(int(c) if float(c).is_integer() else c)


def scaled(x: Expression | None, c: float, rows: int | None) -> Expression:
    if x is None:
        return number(c)
    if c == 1:
        return x
    if c == -1:
        return applied(ops.negative, x)
    if c < 0:
        return applied(ops.negative, scaled(x, -c, rows))
    n = 1 / c
    if rows and abs(n - rows) < 1e-9 * rows:
        return applied(ops.divide, x, Expression(float(rows), "q"))
    if rows and abs(c * rows - round(c * rows)) < 1e-9 and round(c * rows) in (2, 3, 4) and len(f"{c:.12g}") > 4:
        return applied(ops.divide, applied(ops.multiply, number(round(c * rows)), x), Expression(float(rows), "q"))
    if c < 1 and abs(n - round(n)) < 1e-9 and len(f"{c:.12g}") > 4:
        return applied(ops.divide, x, number(round(n)))
    return applied(ops.multiply, number(c), x)


def _written(e: terms.Term, xs: list[Expression], names: Any, rows: int | None) -> Expression:
    if e in names:
        return Expression(_value(e, xs), names[e])
    n = terms.as_number(e)
    if n is not None:
        return number(n)
    if e.op == "leaf":
        return Expression(e.value, e.name or f"c_{e.id}")
    if e.op == "+":
        return _sum(e, xs, rows)
    if e.op == "*":
        return _product(e, xs)
    if e.op == "reshape":
        x = xs[0]
        if x.is_called("sum") and x.params.get("keepdims"):
            kept = applied(x.op, x.inputs[0], axis=x.params["axis"], keepdims=False)
            if kept.shape == e.shape:
                return kept
        if e.args[0].shape == e.shape[::-1] and len(e.shape) == 2:
            return applied(OPS["transpose"], x, axes=None)
        return applied(OPS["reshape"], x, shape=e.shape)
    if e.op == "broadcast_to":
        return applied(OPS["broadcast_to"], xs[0], shape=e.shape)
    if e.op in ("sum", "max", "min"):
        axes = tuple(sorted(e.params["axes"]))
        whole = len(axes) == sum(k != 1 for k in e.args[0].shape)
        axis = None if whole and len(e.args[0].shape) == len(axes) else axes if len(axes) > 1 else axes[0]
        return applied(OPS[e.op], xs[0], axis=axis, keepdims=True)
    if e.op == "transpose":
        reversed_ = e.params["axes"] == tuple(range(len(e.shape)))[::-1]
        return applied(OPS["transpose"], xs[0], axes=None if reversed_ else e.params["axes"])
    if e.op == "pick":
        return applied(OPS["sum"], applied(ops.multiply, xs[1], xs[0]), axis=e.params["axes"], keepdims=False)
    if e.op in ("softmax", "log_softmax"):
        return applied(OPS[e.op], xs[0], axis=max(e.params["axes"]))
    if e.op == "logsumexp":
        return applied(LOGSUMEXP, xs[0], axis=max(e.params["axes"]))
    if e.op == "normalised":
        return applied(NORMALISED, xs[0], **{**e.params, "axis": tuple(sorted(e.params["axes"]))} | {}) if False else Expression(_value(e, xs), None, NORMALISED, (xs[0],), {"axis": tuple(sorted(e.params["axes"])), "eps": e.params["eps"], "ddof": e.params["ddof"]})
    op = OPS.get(e.op) or _VALUES[e.op]
    return applied(op, *xs, **e.params)


def _value(e: terms.Term, xs: list[Expression]) -> Any:
    found = apply_term(e, [x.value for x in xs])
    return getattr(found, "_array", found)


def _sum(e: terms.Term, xs: list[Expression], rows: int | None) -> Expression:
    k, rest = terms.coefficient(e)
    if len(e.args) > 1 and k not in (1, -1):
        inner = {f: x for x, (f, _) in zip(xs, e.args, strict=True)}
        sign = -1 if k < 0 and any(c < 0 for _, c in rest.args) else 1
        return scaled(_terms([(inner[f], c * sign, f) for f, c in rest.args], rows), k * sign, rows)
    return _terms([(x, c, f) for x, (f, c) in zip(xs, e.args, strict=True)], rows)


def _terms(parts: list[Any], rows: int | None) -> Expression:
    found = None
    for x, c, f in sorted(parts, key=lambda z: z[1] < 0):
        part = None if f is terms.one() else x
        if found is None:
            found = scaled(_flipped(part, f) if c < 0 and _flips(f) else part, abs(c) if c < 0 and _flips(f) else c, rows)
        else:
            found = applied(ops.add if c > 0 else ops.subtract, found, scaled(part, abs(c), rows))
    return found


def _flips(f: terms.Term) -> bool:
    return f.op == "*" and any(p == 1 and g.op == "+" and any(c < 0 for _, c in g.args) for g, p in f.args)


def _flipped(x: Expression, f: terms.Term) -> Expression:
    """−a ∘ (y − l) as a ∘ (l − y)."""
    def turned(y: Expression) -> Expression | None:
        if y.is_called("subtract"):
            return applied(ops.subtract, y.inputs[1], y.inputs[0])
        if y.is_called("multiply"):
            for i in (0, 1):
                t = turned(y.inputs[i])
                if t is not None:
                    return applied(y.op, *(t if j == i else z for j, z in enumerate(y.inputs)))
        if y.is_called("divide"):
            t = turned(y.inputs[0])
            return None if t is None else applied(y.op, t, y.inputs[1])
        return None

    return turned(x) or applied(ops.negative, x)


def _product(e: terms.Term, xs: list[Expression]) -> Expression:
    def power(x: Expression, p: float) -> Expression:
        if p == 1:
            return x
        if p == 2:
            return applied(ops.square, x)
        if p == 0.5:
            return applied(OPS["sqrt"], x)
        return applied(OPS["fixed_power"], x, exponent=int(p) if float(p).is_integer() else p)

    pairs = sorted(zip(xs, e.args, strict=True), key=lambda z: (z[1][0].op != "matmul" and not _is_gradient(z[1][0]), not any(g.given for g in terms.subterms(z[1][0], 2, 30) if g.op == 'leaf'), z[1][0].id))
    above = below = None
    for x, (_, p) in pairs:
        if p > 0:
            above = power(x, p) if above is None else applied(ops.multiply, above, power(x, p))
        else:
            below = power(x, -p) if below is None else applied(ops.multiply, below, power(x, -p))
    return above if below is None else applied(ops.divide, Expression(1.0) if above is None else above, below)


def _is_gradient(f: terms.Term) -> bool:
    return f.op == "leaf" and f.args[0][0] == "cot" or (f.op == "matmul" and any(_is_gradient(x) for x in f.args))
