"""What computations are: a line a spelling, and the normal forms of ops that are entry by entry.

A spelling is a NumPy function of ``x`` and, where it needs them, ``axis`` and ``eps``; beside it
stands what it means. To add one, add it to its line.

It is recognised by being run again. Run once on variables it says which ops it consists of, and
where in them its ``x`` stands: the hooks. At a term, what stands at a hook is taken for ``x``, and
the spelling run on it; where the term has all of its factors, or all of its terms, these are
replaced by what it means. There is no matching up to commutativity: normal forms have none.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from itertools import count, permutations
from typing import Any

import numpy as np

from ..show.notation import function
from ..show.writer import axes_of
from ..table import OPS, Op
from .moves import adds_up_to_1, normal, reduction, summed, varying
from .terms import (
    COLLECTED,
    COMPARISONS,
    ENTRYWISE,
    ONE,
    RULES,
    ZEROS,
    Off,
    Shape,
    Term,
    as_number,
    bare,
    broadcast,
    coefficient,
    factors_of,
    fits,
    floated,
    intern,
    is_mask,
    kinds,
    leaf,
    make,
    merged,
    number,
    product,
    remade,
    rewritten,
    scaled,
    shaped,
    snapped,
    subterms,
    total,
)

Function = Callable[..., Term]
_SMALL = 0.1  # an eps is less


class Rule:
    """``spelling(x, axis, eps)`` is ``meaning(x, axis, eps)``."""

    def __init__(self, meaning: Function, spelling: Function) -> None:
        self.meaning, self.spelling = meaning, spelling
        self.takes = list(inspect.signature(spelling).parameters)
        x = leaf("x", (2, 3), "variable", "x")
        with Off():
            _, template = coefficient(
                self._run(spelling, {"x": x, "axis": frozenset([1]), "eps": 1e-3})
            )
        self.root = template.op
        parts = [t for t in subterms(template) if t.op not in ("leaf", "+", "*")]
        self.depth = next(d for d in count(1) if {*parts} <= {*subterms(template, d)})
        self.ops = {t.op for t in parts}
        self.needs = {x for x in kinds(template) if x[0] != "leaf"}
        self.hooks = list(dict.fromkeys(
            (t.op, i, k)
            for t in parts for i, a in enumerate(t.args) for k, y in [coefficient(a)] if y is x
        ))  # fmt: skip
        RULES.setdefault(self.root, []).append(self)

    def _run(self, function: Function, given: Mapping[str, Any]) -> Term:
        return function(*(given[name] for name in self.takes))

    def apply(
        self, e: Term, within: Callable[[int], list[Term]], there: set[tuple[str, bool]]
    ) -> Term | None:
        """What ``e`` is with this rule applied, if that is shorter.

        Args:
            e: the term.
            within: what it consists of, so many levels deep.
            there: the kinds of its terms or factors.
        """
        if not self.needs <= there:
            return None
        parts = within(self.depth)
        if not self.ops <= {t.op for t in parts}:
            return None
        with Off():
            found = self._found(e, parts)
            if found is None:
                return None
            rest, given, factor = found
            meaning = self._run(self.meaning, given)
            if self.root == "*":
                new = product([(rest, 1), (meaning, 1), (number(factor), 1)], e.shape)
            else:
                new = total([(rest, 1), (meaning, factor)], e.shape)
        is_shorter = new.size < e.size - 1e-9 or self.root not in "+*"
        return rewritten(new) if is_shorter else None

    def _found(self, e: Term, parts: list[Term]) -> tuple[Term, dict[str, Any], float] | None:
        """What is left of ``e`` without the spelling, what its variables are, and its factor."""
        there = dict(e.args) if e.op in "+*" else {}
        for given in self._candidates(parts):
            k, p = coefficient(self._run(self.spelling, given))
            if self.root not in "+*":
                if p is e:
                    return number(0.0), given, 1 / k
            elif p.op == self.root and p.args and fits(p.shape, e.shape):
                if self.root == "*":
                    shares = [(q, q / there.get(f, -q)) for f, q in p.args]  # of x / √v all of √v
                    if all(0 < s <= 1 if q.is_integer() else s == 1 for q, s in shares):
                        return product([(e, 1), (p, -1)]), given, 1 / k
                else:
                    first, c = next(((f, c) for f, c in p.args if f is not ONE), (ONE, 1.0))
                    ratio = there.get(first, 0.0) / c
                    rest = total([(e, 1), (p, -ratio)]) if ratio else e
                    own, used = there.get(ONE, 0.0), ratio * dict(p.args).get(ONE, 0.0)
                    if rest.size < e.size and abs(own - used) <= abs(own):
                        return rest, given, ratio / k
        return None

    def _candidates(self, parts: list[Term]) -> Iterator[dict[str, Any]]:
        """What the spelling's variables may be."""
        xs: dict[Term, None] = {}
        for op, i, k in self.hooks:
            for t in parts:
                if t.op == op and i < len(t.args):
                    x = product([(t.args[i], 1), (number(1 / k), 1)])
                    if abs(k) == 1 or coefficient(x)[0].is_integer():
                        xs[x] = None
        axes = {t.params["axes"]: None for t in parts if type(t.params.get("axes")) is frozenset}
        sizes = {
            c: None for t in parts if t.op == "+" for f, c in t.args if f is ONE and 0 < c < _SMALL
        }
        for x in xs:
            for axis in axes if "axis" in self.takes else [None]:
                if axis is None or max(axis, default=0) < x.ndim:
                    for eps in [*sizes, 0.0] if "eps" in self.takes else [None]:
                        yield {"x": x, "axis": axis, "eps": eps}


ENTRYWISE |= {name for name, op in OPS.items() if op.entrywise} | set(COMPARISONS)

# ---------------------------------------------------------------------- the table


def _entries(name: str) -> Callable[[Any], Term]:
    return lambda x: make(name, [x])


def _rows(name: str) -> Callable[[Any, Any], Term]:
    return lambda x, axis: make(name, [x], {"axes": axis})


sigmoid, tanh, softplus, relu = map(_entries, ("sigmoid", "tanh", "softplus", "relu"))
softmax, log_softmax, logsumexp = map(_rows, ("softmax", "log_softmax", "logsumexp"))
exp, log, abs_ = np.exp, np.log, np.abs


def normalised(ddof: int) -> Callable[..., Term]:
    return lambda x, axis, eps=0.0: make(
        "normalised", [x], {"axes": axis, "eps": eps, "ddof": ddof}
    )


def deviation(ddof: int) -> Callable[..., Any]:
    def spelling(x: Any, axis: Any, eps: Any) -> Any:
        d, n = x - x.mean(axis), math.prod(x.shape[a] for a in axis)
        return d / ((d**2).sum(axis) * (1 / max(n - ddof, 1e-9)) + eps) ** 0.5

    return spelling


def by_moments(x: Any, axis: Any, eps: Any) -> Any:
    variance = (x**2).mean(axis) - x.mean(axis) ** 2
    return (x - x.mean(axis)) / (variance + eps) ** 0.5


def positive(x: Any) -> Term:
    return make("greater", [x, number(0)])


TABLE: list[tuple[Any, ...]] = [
    (tanh, lambda x: np.sinh(x) / np.cosh(x),
     lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)),
     lambda x: (exp(2 * x) - 1) / (exp(2 * x) + 1), lambda x: (1 - exp(-2 * x)) / (1 + exp(-2 * x)),
     lambda x: 2 * sigmoid(2 * x) - 1,
     lambda x: (exp(2 * x) - 1) * sigmoid(-2 * x), lambda x: (1 - exp(-2 * x)) * sigmoid(2 * x)),
    (sigmoid, lambda x: exp(x) / (1 + exp(x)), lambda x: 1 / (1 + exp(-x)),
     lambda x: (1 + tanh(x / 2)) / 2, lambda x: exp(x - softplus(x))),
    (_entries("ndtr"), lambda x: (1 + _entries("erf")(x * 0.5**0.5)) / 2),
    (softplus, lambda x: log(1 + exp(x)), lambda x: relu(x) + softplus(-abs_(x))),
    (relu, lambda x: x * positive(x), lambda x: np.maximum(x, 0), lambda x: (x + abs_(x)) / 2),
    (abs_, lambda x: x * np.sign(x)),
    (softmax, lambda x, axis: exp(x) / exp(x).sum(axis),
     lambda x, axis: exp(log_softmax(x, axis)), lambda x, axis: exp(x - logsumexp(x, axis))),
    (logsumexp, lambda x, axis: log(exp(x).sum(axis))),
    (log_softmax, lambda x, axis: log(softmax(x, axis)), lambda x, axis: x - logsumexp(x, axis)),
    (lambda x: x - softplus(x), lambda x: log(sigmoid(x))),
    (lambda x: -softplus(x), lambda x: log(1 - sigmoid(x))),
    (normalised(0), deviation(0), lambda x, axis: deviation(0)(x, axis, 0.0), by_moments),
    (normalised(1), deviation(1)),
    (lambda x: make("logdet_of_triangle", [x], {}, ()) / 2,
     lambda x: make("trace", [log(make("cholesky", [x]))], {}, ())),
]  # fmt: skip


def _to_the_extreme(g: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """To each entry that is the extreme; shared where several are, as by the engine."""
    chosen = np.equal(x, out)
    many = chosen.sum(axis=axes, keepdims=True)
    return g * chosen / many if np.greater(many, 1).any() else g * chosen


MAX = Op("max", lambda x, axes: np.max(x, axis=axes, keepdims=True), _to_the_extreme)
MIN = Op("min", lambda x, axes: np.min(x, axis=axes, keepdims=True), _to_the_extreme)
MAXIMUM = Op("maximum", np.maximum, lambda g, out, x, y: g * np.greater(x, y),
             lambda g, out, x, y: g * np.greater_equal(y, x))  # fmt: skip
MINIMUM = Op("minimum", np.minimum, lambda g, out, x, y: g * np.less(x, y),
             lambda g, out, x, y: g * np.less_equal(y, x))  # fmt: skip
"""Of entries that tie one is chosen, as a formula does, where the engine shares."""


def _not_0(x: Any) -> Any:
    return x if x.data.all() else np.where(np.equal(x, 0), 1.0, x)


POWER = Op("power", np.power, lambda g, out, x, y: g * y * out / x,
           lambda g, out, x, y: g * (out * np.log(_not_0(x))))  # fmt: skip
"""The engine minds a base of 0; here it is minded where there is one."""
LOGDET = Op(
    "logdet_of_triangle", lambda x: np.linalg.slogdet(x)[1],
    lambda g, out, x: g * (2 * np.tri(len(x)) - np.eye(len(x))) * np.linalg.inv(x),
    notation=function("log det"), source="np.linalg.slogdet({0})[1]",
)  # fmt: skip
"""Of a symmetric matrix, whose lower triangle cholesky reads."""

CUMSUM_BACK = Op(
    "cumsum_back", lambda x, axis: np.flip(np.cumsum(np.flip(x, axis), axis), axis),
    lambda g, out, x, axis: np.cumsum(g, axis),
    source="np.flip(np.cumsum(np.flip({0}, {axis}), {axis}), {axis})",
)  # fmt: skip

CANONICAL: dict[str, Callable[..., Any]] = {
    **{op: lambda x, axes, op=op: OPS[op](x, axis=axis_of(axes))
       for op in ("softmax", "log_softmax", "logsumexp")},
    "normalised": lambda x, axes, eps, ddof: OPS["normalised"](
        x, axis=tuple(sorted(axes)), eps=eps, ddof=ddof),
    "sum": lambda x, axes: np.sum(x, axis=tuple(sorted(axes)), keepdims=True),
    "max": lambda x, axes: MAX(x, axes=tuple(sorted(axes))),
    "min": lambda x, axes: MIN(x, axes=tuple(sorted(axes))),
    "maximum": lambda x, y: MAXIMUM(x, y),
    "minimum": lambda x, y: MINIMUM(x, y),
    "power": lambda x, y: POWER(x, y),
    "transpose": lambda x, axes: np.transpose(x, axes),
    "matmul": lambda x, y: x @ y,
    "trace": np.trace,
    "sign": np.sign,  # the op is that of complex numbers
    "logdet_of_triangle": lambda x: LOGDET(x),
    "cumsum_back": lambda x, axis: CUMSUM_BACK(x, axis=axis),
    "upsample": lambda x, by: np.kron(x, np.ones(by)),
    "picked": lambda x, y, axes: np.sum(y * x, axis=tuple(axes)),
}  # fmt: skip
"""How a term's op is applied to Tensors and arrays, where that isn't the op of its name."""


def axis_of(axes: Any) -> Any:
    """Axes as one says them: one by itself."""
    return tuple(sorted(axes)) if len(axes) > 1 else min(axes)


# ---------------------------------------------------------------------- arithmetic

_ARITHMETIC: dict[str, Callable[..., Term]] = {
    "add": lambda x, y: total([(x, 1), (y, 1)]),
    "subtract": lambda x, y: total([(x, 1), (y, -1)]),
    "negative": lambda x: total([(x, -1)]),
    "multiply": lambda x, y: product([(x, 1), (y, 1)]),
    "divide": lambda x, y: product([(x, 1), (y, -1)]),
    "reciprocal": lambda x: product([(x, -1)]),
    "square": lambda x: product([(x, 2)]),
    "sqrt": lambda x: product([(x, 0.5)]),
    "root": lambda x: product([(x, 0.5)]),
    "fixed_power": lambda x, exponent: product([(x, exponent)]),
    "expm1": lambda x: total([(exp(x), 1), (ONE, -1)]),
    "log1p": lambda x: log(total([(x, 1), (ONE, 1)])),
    "logaddexp": lambda x, y: total([(softplus(x - y), 1), (y, 1)]),
    "exp2": lambda x: exp(scaled(x, math.log(2))),
    "log2": lambda x: scaled(log(x), 1 / math.log(2)),
    "log10": lambda x: scaled(log(x), 1 / math.log(10)),
    "expit": lambda x: sigmoid(x), "log_expit": lambda x: x - softplus(x),
    "logit": lambda x: log(x) - log(1 - x),
    "xlogy": lambda x, y: x * log(y), "xlog1py": lambda x, y: x * log(1 + y),
    "rel_entr": lambda x, y: x * log(x / y), "kl_div": lambda x, y: x * log(x / y) - x + y,
    "entr": lambda x: -x * log(x),
    "erfc": lambda x: 1 - make("erf", [x]), "log_ndtr": lambda x: log(make("ndtr", [x])),
}  # fmt: skip


@normal(*_ARITHMETIC)
def _arithmetic(*args: Term, op: str, **params: Any) -> Term:
    moved = floated(op, args, params, broadcast(a.shape for a in args))
    return _ARITHMETIC[op](*args, **params) if moved is None else moved


normal("positive", "astype", "as_it_was", "copy", "real", "conj")(lambda x: x)


@normal("power")
def _power(x: Term, y: Term) -> Term | None:
    base, n = map(as_number, (x, y))
    if n is not None:
        return product([(x, n)], broadcast((x.shape, y.shape)))
    return None if base is None or base <= 0 else exp(scaled(y, math.log(base)))


@normal("log")
def _log(x: Term) -> Term | None:
    """The logarithm of a product is a sum where a factor is an exponential, or a softmax.

    And where it is divided by a sum.
    """
    if x.op == "exp":
        return x.operands[0]
    if x.op == "picked" and (inner := log(x.args[0])).op != "log":
        return make("picked", [inner, x.args[1]], x.params)
    if x.op == "*" and any(f.op in _POSITIVE or (f.op == "+" and p < 0) for f, p in x.args):
        return total([(scaled(log(f), p), 1) for f, p in x.args], x.shape)
    if Off.depth:  # a pattern
        return None
    for hot, _ in factors_of(x.args[0]) if x.op == "sum" else ():
        if adds_up_to_1(hot, x.params["axes"]) and np.isin(hot.value, (0, 1)).all():
            inner = log(merged(x.args[0], hot, -1))
            return None if inner.op == "log" else summed(hot * inner, x.params["axes"])
    c, rest = coefficient(x)
    if c > 0 and c != 1 and rest.op != "+":
        return total([(log(rest), 1), (ONE, math.log(c))], x.shape)
    if x.op == "sum" and x.args[0].op == "*" and _is_positive(x.args[0]):
        return make("logsumexp", [log(x.args[0])], x.params)
    if x.op == "matmul" and any(map(_is_positive, x.args)) and not any(map(_has_0, x.args)):
        a, b = (log(y) for y in x.args)
        a = shaped(a, a.shape + (1,) * (b.ndim - 1))
        axis = a.ndim - b.ndim
        return shaped(make("logsumexp", [a + b], {"axes": frozenset([axis])}), x.shape)
    return None


_POSITIVE = ("exp", "softmax", "sigmoid")


def _is_positive(x: Term) -> bool:
    """Whether it is a product of exponentials and the like, and one of them a factor."""
    factors = x.args if x.op == "*" else ((x, 1.0),)
    return all(f.op in _POSITIVE for f, _ in factors) and ("exp", 1.0) in [
        (f.op, p) for f, p in factors
    ]


def _has_0(x: Term) -> bool:
    """Whether it was given with an entry that has no logarithm."""
    x = bare(x)
    return x.op == "leaf" and x.given and not np.all(x.value > 0)


@normal("exp")
def _exp(x: Term) -> Term | None:
    if as_number(x) == 0:
        return shaped(ONE, x.shape)
    logs = [(f, c) for f, c in (x.args if x.op == "+" else ((x, 1.0),)) if f.op == "log"]
    if not logs or Off.depth:  # a pattern
        return None
    rest = exp(total([(x, 1), *((f, -c) for f, c in logs)]))
    return product([*((f.args[0], c) for f, c in logs), (rest, 1)], x.shape)


class _Expected:
    """``Σ e^x ∘ v / Σ e^x`` as ``Σ softmax(x) ∘ v``, a rule as those of the table."""

    @staticmethod
    def apply(e: Term, *_: object) -> Term | None:
        for (d, p), (n, q) in permutations(e.args, 2):
            below, above = bare(d), bare(n)
            if (below.op, p, q) != ("sum", -1, 1) or above.op not in ("sum", "matmul"):
                continue
            x, axes = below.args[0], below.params["axes"]
            along = x.ndim - 2 if above.args[0] is not x and x.ndim > 1 else x.ndim - 1
            inner = above if above.op == "matmul" else above.args[0]
            if x in inner.operands and axes == above.params.get("axes", {along}):
                weights = product([(x, 1), (below, -1)], x.shape)
                if weights.op == "softmax":
                    if above is inner:
                        new = make("matmul", [weights if y is x else y for y in inner.args])
                    else:
                        new = summed(merged(inner, x, -1) * weights, axes)
                    return product([(e, 1), (d, 1), (n, -1), (shaped(new, n.shape), 1)], e.shape)
        return None


RULES["*"] = [_Expected]


# ---------------------------------------------------------------------- what is shifted, or turned


@reduction("logsumexp")
@reduction("softmax", "log_softmax", keeps=True)
def _shift_invariant(op: str, x: Term, axes: frozenset[int], shape: Shape) -> Term:
    """softmax(x − c) is softmax(x), where c is one number a row."""
    if not axes:
        return x if op == "logsumexp" else shaped(number(op == "softmax"), shape)
    x = x if op == "log_softmax" else _with_mask(x)
    shifts = []
    if x.op == "+":
        shifts = [(t, c) for t, c in x.args if _is_shift(t) and not varying(t, x.ndim) & axes]
    if shifts and len(shifts) < len(x.args):
        rest = total([(x, 1), *((t, -c) for t, c in shifts)], x.shape)
        found = make(op, [rest], {"axes": axes})
        return total([(found, 1), *shifts]) if op == "logsumexp" else found
    return rewritten(intern(op, (x,), {"axes": axes}, shape))


def _with_mask(x: Term) -> Term:
    """``x + M`` for what is far below 0 where a given mask doesn't hold: exp makes 0 of it."""
    mask, *sides = x.args if x.op == "where" else (x,)
    for e, other in permutations(sides, 2) if mask.kind == "given" else ():
        low = bare(other).value if bare(other).kind == "given" else as_number(other)
        if low is not None and np.all(low < _MASKED):
            value = np.where(np.equal(mask.value, e is sides[0]), 0.0, low)
            given = leaf(("masked", value.shape, value.tobytes()), x.shape, "given", None, value)
            given.means = mask if e is sides[0] else opposite(mask)
            return total([(e, 1), (given, 1)], x.shape)
    return x


@normal("normalised")
def _normalised(x: Term, eps: float, ddof: int, **params: Any) -> Term | None:
    if "axes" in params:
        return None
    return make("normalised", [x], {"axes": axes_of(params, x.ndim), "eps": eps, "ddof": ddof})


def _is_shift(t: Term) -> bool:
    """Whether it is there for the exponential's sake: a maximum, or a constant of one's own.

    What requires a gradient, or was named, is part of the computation.
    """
    while t.op in ("reshape", "transpose", "broadcast_to"):
        t = t.args[0]
    return t.op == "max" or as_number(t) is not None or (t.op == "leaf" and t.given and not t.name)


_REFLECTED: dict[str, Callable[[Term], Term]] = {  # of −x by that of x
    "softplus": lambda x: softplus(x) - x,
    "sigmoid": lambda x: 1 - sigmoid(x),
    "tanh": lambda x: -tanh(x),
    "absolute": np.abs,
    "sign": lambda x: -np.sign(x),
}


@normal(*_REFLECTED)
def _reflected(x: Term, op: str) -> Term | None:
    return _REFLECTED[op](scaled(x, -1)) if coefficient(x)[0] < 0 else None


# ---------------------------------------------------------------------- kinks


@normal("where")
def _where(mask: Term, x: Term, y: Term) -> Term | None:
    shape = broadcast(a.shape for a in (mask, x, y))
    if (n := as_number(mask)) is not None:
        return shaped(x if n else y, shape)
    if not is_mask(mask):
        mask = make("not_equal", [mask, number(0)])
    x, y = (where_known(shaped(e, shape), mask, holds) for e, holds in ((x, True), (y, False)))
    if x is y:
        return x
    m, n = as_number(x), as_number(y)
    if m is not None and n is not None:
        return total([(mask, m), (opposite(mask), n)], shape)
    if n == 0:
        return product([(mask, 1), (x, 1)], shape)
    if m == 0:
        return product([(opposite(mask), 1), (y, 1)], shape)
    (c, u), (d, v) = coefficient(x), coefficient(y)
    if u is v and u.shape == shape:
        return _by_slopes(u, mask, c, d)
    return intern("where", (mask, x, y), {}, shape)


def _by_slopes(x: Term, mask: Term, c: float, d: float) -> Term:
    """``c x`` where a mask holds, and ``d x`` elsewhere."""
    positive_x = mask.op in ("greater", "greater_equal") and mask.args[0] is x
    if positive_x and as_number(mask.args[1]) == 0 and 0 < d / c < 1:
        return scaled(make("leaky_relu", [x], {"slope": d / c}), c)
    return product([(x, 1), (total([(mask, c), (opposite(mask), d)]), 1)])


def where_known(e: Term, mask: Term, holds: bool, deep: int = 6) -> Term:
    """What a term is where a mask holds, or where it doesn't: |x| is −x where x < 0.

    ``deep``: how far within it the mask is looked for.
    """
    if e.shape == mask.shape and is_mask(e):
        known = _known(e, mask)
        return e if known is None else shaped(number(known == holds), e.shape)
    if not deep or e.op not in ("+", "*", "where", *ENTRYWISE):
        return e
    parts = [x if x.shape != mask.shape else where_known(x, mask, holds, deep - 1)
             for x in e.operands]  # fmt: skip
    e = remade(e, parts)
    if e.op in ("absolute", "maximum", "minimum", "relu"):
        x, bound = e.args if len(e.args) == 2 else (e.args[0], number(0))
        for op in ("greater", "greater_equal") if as_number(bound) is not None else ():
            known = _known(make(op, [x, bound]), mask)
            if known is not None:
                above = known == holds
                if e.op == "absolute":
                    return x if above else scaled(x, -1)
                return x if above == (e.op != "minimum") else shaped(bare(bound), e.shape)
    return e


def without_choice(e: Term) -> Term:
    """What a term is on both sides of a mask of its own, if that is the same: as of σ(s) written
    with exp(−s) where s ≥ 0, and with exp(s) elsewhere.
    """
    parts = [x for f in e.operands for x in (f, *(f.operands if f.op in "+*" else ()))]
    for mask in dict.fromkeys(x.args[0] for x in parts if x.op == "where" and x.shape == e.shape):
        there, elsewhere = (where_known(e, mask, holds) for holds in (True, False))
        if there is elsewhere:
            return there
    return e


def _is_zero(e: Term, mask: Term) -> bool:
    if (mask.op, e.op) == ("not_equal", "greater") and e.args[0] is abs_(mask.args[0]):
        bound = as_number(e.args[1])
        return as_number(mask.args[1]) == 0 and bound is not None and bound >= 0
    of = e.means if e.kind == "kept" and e.means is not None else e
    if of.op == "softmax" and any(own is mask for own in _seen(of.args[0])):
        return True
    return e is not mask and as_number(where_known(e, mask, False)) == 0


def _seen(x: Term) -> list[Term | None]:
    """What may mark the entries of which a softmax isn't 0."""
    mask, *sides = x.args if x.op == "where" else (x,)
    marks = zip((opposite(mask), mask), sides, strict=False)
    found = [own for own, e in marks if (as_number(e) or 0) < _MASKED]
    return found or [e.means for e in x.operands]


_MASKED = -1e3  # what exp makes 0 of
ZEROS.append(_is_zero)


def _known(e: Term, mask: Term) -> bool | None:
    """Whether two masks are the same, or opposites."""
    if mask is e or mask is opposite(e):
        return mask is e
    if e.op == mask.op == "leaf" and e.shape == mask.shape:
        same = np.asarray(e.value, bool) == np.asarray(mask.value, bool)
        return bool(same.all()) if same.all() or not same.any() else None
    return None


_OPPOSITE = {"greater": "less_equal", "less": "greater_equal", "equal": "not_equal"}
_OPPOSITE |= {other: op for op, other in _OPPOSITE.items()}


def opposite(mask: Term) -> Term:
    """Where a mask isn't."""
    if mask.op in _OPPOSITE:
        return make(_OPPOSITE[mask.op], mask.args, mask.params, mask.shape)
    if mask.op in ("reshape", "transpose", "broadcast_to"):
        return make(mask.op, [opposite(mask.args[0])], mask.params, mask.shape)
    return total([(ONE, 1), (mask, -1)], mask.shape)


def _both_sides(e: Term) -> Term | None:
    """What there is where a mask holds, and where it doesn't, is there always; one less, 1 apart.
    """
    for f, c in e.args:
        other = opposite(f) if f.op in _OPPOSITE else f
        d = dict(e.args).get(other, math.inf) if other is not f else math.inf
        if snapped(c - d) in (0, 1):  # 0.7 [e > 0] − 0.3 [e ≤ 0]
            return total([(e, 1), (f, -d), (other, -d), (ONE, d)], e.shape)
    return None


COLLECTED.append(_both_sides)


_TURNED = {"greater": "less", "greater_equal": "less_equal"}
_TURNED |= {other: op for op, other in _TURNED.items()}


@normal(*_TURNED)
def _turned(x: Term, y: Term, op: str) -> Term | None:
    """``0 < x`` is ``x > 0``, and ``−x > 0`` is ``x < 0``."""
    if as_number(x) is not None and as_number(y) is None:
        return make(_TURNED[op], [y, x])
    c, rest = coefficient(x)
    n = as_number(y)
    bound = 0.0 if x.op == "relu" else None
    bound = as_number(x.args[1]) if x.op in ("maximum", "minimum") else bound
    if n is not None and bound not in (None, n) and (x.op != "minimum") == (bound < n):
        return make(op, [x.args[0], y])
    if n is not None and rest.op == "+" and len(rest.args) > 1 and rest.args[0][0] is ONE:
        k = rest.args[0][1] * c
        return make(op, [total([(x, 1), (ONE, -k)], x.shape), number(n - k)])
    if c != 1 and n is not None and rest.shape == x.shape:  # 0.2 x > −0.5
        return make(_TURNED[op] if c < 0 else op, [rest, number(n / c)])
    apart = total([(x, 1), (y, -1)]) if n is None else x
    is_shorter = apart.size < min(x.size, y.size)  # τ e > (τ − 1) e
    return make(op, [apart, number(0)]) if is_shorter else None




@normal("maximum", "minimum")
def _larger(*args: Term, op: str) -> Term:
    x, y = sorted(args, key=lambda t: (as_number(t) is not None, t.id))
    (c, u), (d, v) = coefficient(x), coefficient(y)
    if u is v and u.shape == x.shape:  # as max(0.9 e, −0.1 e)
        less, more = sorted((c, d), reverse=op == "minimum")
        return _by_slopes(u, positive(u), more, less)
    if op == "minimum" and as_number(y) == 0:
        return scaled(make("maximum", [scaled(x, -1), y]), -1)
    shape = broadcast((x.shape, y.shape))
    y = bare(y) if as_number(y) is not None else y
    own = broadcast((x.shape, y.shape))
    return shaped(rewritten(intern(op, (x, y), {}, own)), shape)


for _meaning, *_spellings in TABLE:
    for _spelling in _spellings:
        Rule(_meaning, _spelling)
