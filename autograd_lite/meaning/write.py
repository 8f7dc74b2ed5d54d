"""Terms as expressions, as a textbook writes them: means, norms, outer products, units apart."""

from __future__ import annotations

import math
import re
from collections import ChainMap, Counter
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from functools import partial, reduce
from itertools import pairwise, permutations
from typing import Any

import numpy as np

from .. import ops
from ..engine.tensor import Tensor
from ..graph import inner_first
from ..numpy_code import code
from ..show.expression import Definition, Expression, applied, is_long, nodes, number, spelled
from ..show.notation import (
    ATOM,
    COMPARISON,
    MATMUL,
    PREFIX,
    PRODUCT,
    SUM,
    Notation,
    free_names,
    function,
    infix,
)  # fmt: skip
from ..show.writer import small_axes
from ..table import OPS, Op
from .moves import apart, beside_ones, by_entries, merged_axes, ranges_of, varying, written_index
from .read import VALUES, evaluate, op_of
from .read import applied as apply_term
from .table import CUMSUM_BACK, LOGDET, axis_of, deviation, opposite
from .terms import (
    ENTRYWISE,
    MOST,
    ONE,
    Off,
    Shape,
    Term,
    added_up,
    as_number,
    bare,
    coefficient,
    fits,
    intern,
    is_identity,
    is_mask,
    leaf,
    marked,
    merged,
    only_ones_moved,
    operands_of,
    power_of,
    product_of,
    shaped,
    snapped,
    subterms,
    sum_of,
    with_axes,
    without_ones,
)  # fmt: skip

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SMALL = 0.1  # a number beneath it comes last: var(x) + 1e-5
_MOST = 40  # long products that are looked at
_LONG, _TWICE = 40.0, 8.0  # the size from which a part gets a symbol, and one used twice
_READ, _PART = 22, 5  # in how long a formula what is as long gets a symbol, if it is there twice
_MULTIPLE = 2.5  # a sum of which others are a multiple
_FUNCTION_TWICE = 4.0  # the same of a function: tanh(√(2/π) (x + 0.044715 x³))

_LINEAR = ("matmul", "sum", "transpose", "reshape", "broadcast_to")


def _by_code(name: str, source: Any, notation: Notation | None = None) -> Op:
    """What only formulas have: it is worth what its NumPy code gives."""

    def forward(*xs: Any, **params: Any) -> Any:
        names = [f"x{i}" for i in range(len(xs))]
        text = source.format(*names, **params) if type(source) is str else source(names, params)
        return eval(text, {"np": np, **dict(zip(names, xs, strict=True))})

    return Op(name, forward, notation=notation or function(name), source=source)


def _moved(x: str, moves: Any) -> str:
    """``x`` after functions of these names and settings, as NumPy code."""
    for name, params in moves:
        move = _MOVES.get(name)
        if move is None:
            x = OPS[name].source([x], params)  # type: ignore[operator]
        else:
            settings = [f"{key}={code(value)}" for key, value in params.items()]
            x = f"{move}({', '.join([x, *settings])})"
    return x


_MOVES = {
    "transpose": "np.transpose", "reshape": "np.reshape", "sum": "np.sum",
    "sliding_window_view": "np.lib.stride_tricks.sliding_window_view",
}  # fmt: skip
OUTER = _by_code("outer", "np.outer({0}, {1})", Notation("{0} {1}ᵀ", MATMUL, (PREFIX, ATOM)))
DOT = _by_code("dot", "np.dot({0}, {1})", Notation("{0}ᵀ {1}", MATMUL, (ATOM, MATMUL)))
NORM = _by_code("norm", "np.linalg.norm({0})", Notation("‖{0}‖", ATOM, (0,)))
NORMS = _by_code(
    "norms", "np.linalg.norm({0}, axis={axis}, keepdims=True)",
    Notation(lambda xs, params: f"‖{xs[0]}‖{small_axes(params['axis'])}", ATOM, (0,)),
)  # fmt: skip
VARIANCE = _by_code("var", "np.var({0}, axis={axis}, keepdims=True)")
ONEHOT = _by_code("onehot", "np.eye({n})[{0}]")
ENTRY = _by_code(
    "onehot",
    "np.eye(np.prod({shape}))[np.ravel_multi_index({place}, {shape})].reshape({shape})",
    Notation(lambda xs, params: f"onehot{params['place']}".replace(",)", ")"), ATOM, ()),
)
IDENTITY = _by_code("identity", "np.eye({n})", Notation("I", ATOM, ()))
TRACE = _by_code("trace", "np.trace({0})", function("tr"))
DIAGONAL = _by_code("diagonal", "np.diagonal({0})", function("diag"))
GATHER = _by_code(
    "gather", lambda xs, params: f"{xs[0]}[{', '.join(xs[1:])}]",
    Notation(lambda xs, params: f"{xs[0]}[{', '.join(xs[1:])}]", ATOM, (ATOM, COMPARISON)),
)
SHIFTED = _by_code(
    "shifted", OPS["getitem"].source,
    Notation(lambda xs, params: xs[0] + "".join(
        small_axes(a) + (f"₊{str(r.start).translate(_LOWERED)}" if r.start else "")
        for a, r in enumerate(params["ranges"])), ATOM, (ATOM,)),
)  # fmt: skip
PUT = _by_code(  # where an entry is named twice, both are added
    "scatter", lambda xs, params: f"(lambda z: (np.add.at(z, ({', '.join(xs[1:])}), {xs[0]}), z)"
    f"[1])(np.zeros({params['shape']}))",
)
MOVED = _by_code("moved", lambda xs, params: _moved(xs[0], params["moves"]))
SLIDE = _by_code(
    "correlate", lambda xs, params: f"np.sum({_moved(xs[0], params['moves'])} * "
    f"{_moved(xs[1], params['turned'])}, axis={params['axes']}, keepdims=True)",
    Notation(lambda xs, params: params["form"].format(*xs), PRODUCT, (PRODUCT, MATMUL)),
)  # fmt: skip
SPREAD = _by_code(
    "convolve_full", lambda xs, params: _moved(
        f"({' * '.join(map(_moved, xs, params['turned']))})", params["moves"]),
    Notation(lambda xs, params: params["form"].format(*xs), PRODUCT, (MATMUL,)),
)  # fmt: skip
UPSAMPLE = _by_code("upsample", "np.kron({0}, np.ones({by}))")
POOL = _by_code(
    "pool", "np.{of}(np.reshape({0}, {shape}), axis={axis}, keepdims=True)",
    Notation(lambda xs, params: f"{params['of']}pool({xs[0]})", ATOM, (0,)),
)  # fmt: skip
VEC, UNVEC, GROUPS, UNGROUPED = (
    _by_code(name, "np.reshape({0}, {shape})") for name in ("vec", "vec⁻¹", "groups", "groups⁻¹")
)
HEADS = _by_code("heads", "np.reshape({0}, {shape}).transpose({axes})")
CONCAT = _by_code("concat", "np.reshape(np.transpose({0}, {axes}), {shape})")
DILATE = _by_code("dilate", OPS["scatter"].source)
_BY_AXES = Notation(lambda xs, params: xs[0] + small_axes(*params["axes"]), ATOM, (ATOM,))
ENTRIES = _by_code("entries", "{0}", _BY_AXES)
TURNED = _by_code(
    "entries_of_transposed", "np.reshape(np.transpose({0}, {order}), {shape})", _BY_AXES
)
CASES = _by_code(  # the last one says where the first is not
    "cases", "np.where({0}, {1}, {2})",
    Notation("{1} {signs[0]} {0} + {2} {signs[1]} {3}", SUM, (MATMUL,)),
)  # fmt: skip
ONLY = _by_code("only", "np.where({0}, {1}, 0.0)", infix("∘", PRODUCT, MATMUL))


class Writer:
    """Writes terms as expressions.

    Args:
        names: of terms that stand for themselves.
        rows: how many rows a batch has, which a mean divides by; written q.
        taken: names that no symbol of ours may have.

    Attributes:
        given: the arrays without a name that were written, by the symbols that they got.
        symbols: what arrays without a name are called.
        parts: those that are a part of another, such as its first row.
        wrote_q: whether q was written.
    """

    def __init__(
        self,
        names: Mapping[Term, str],
        rows: int | None = None,
        taken: set[str] | None = None,
    ) -> None:
        self.names = dict(names)
        self.rows = rows
        self.given: dict[str, Any] = {}
        self.wrote_q = False
        self._taken = set() if taken is None else taken
        self._taken.update(self.names.values())
        self.symbols: dict[Any, str] = {}
        self.parts: dict[Term, Expression] = {}
        self._apart: dict[Term, Definition] = {}
        self._needs: dict[str | None, set[str]] = {}  # the parts in a part, and itself
        self._shifted: set[Term] = set()  # x[1:] beside x[:-1]
        self._often: set[Term] = set()
        self._done: dict[Term, Expression] = {}
        self._prepared: dict[Term, tuple[Term, Counter[Term]]] = {}

    def expression(self, root: Term) -> tuple[Expression, list[Definition]]:
        """What ``root`` is, and the parts of it that got a symbol, in the order they need."""
        if root not in self._prepared:
            self.prepare([root])
        root, uses = self._prepared[root]
        whole = [root]
        while whole[-1] not in self.names and _is_same(whole[-1], uses):
            whole += whole[-1].operands
        for e in inner_first(root, self._below, self._done):
            if e not in whole:
                self._done[e] = found = _Form(self, self._done).write(e)
                if e not in self._apart and self._is_apart(e, found, uses[e]):
                    self._apart[e] = Definition(name := self.new("u"), found)
                    self._needs[name] = {name, *self._needed(found)}
                if e in self._apart:
                    self._done[e] = Expression(found.value, self._apart[e].name)
        done = ChainMap({}, self._done)
        for e in reversed(whole):
            done[e] = _Form(self, done).write(e)
        needed = self._needed(done[root])
        return done[root], [part for part in self._apart.values() if part.name in needed]

    def _needed(self, x: Expression) -> set[str]:
        """The names of the parts in it, and of those in them."""
        return set[str]().union(*(self._needs.get(y.name, ()) for y in nodes(x)))

    def prepare(self, roots: Sequence[Term]) -> None:
        """Let what these have in common have one symbol in all of them."""
        self._done = {}
        done: dict[Term, Term] = {}
        turned = _reflections(self._uses(roots))
        forms = [_with_outer(root, done, turned) for root in roots]
        nested = _nested(forms, self._uses(forms))
        uses = self._uses(nested)
        taken = {e: r for e in uses if e.op == "getitem" and (r := _taken(e))}
        self._shifted |= {
            e for e, f in permutations(taken, 2)
            if e.args[0] is f.args[0] and e.shape == f.shape and not apart(taken[e], taken[f])
        }  # fmt: skip
        self._often.update(e for root in nested for e in self._repeated(root, uses))
        self._prepared |= {root: (new, uses) for root, new in zip(roots, nested, strict=True)}

    def _repeated(self, root: Term, uses: Counter[Term]) -> Collection[Term]:
        """What stands several times in a long formula, though it isn't long itself."""
        if len(subterms(root, _MOST, 2 * _MOST)) == 2 * _MOST:
            return ()
        order = [*inner_first(root, self._below)]
        own = Counter(x for e in order for x in self._below(e))
        found: dict[Term, None] = {}
        whole, written = dict[Term, int](), dict[Term, int]()
        for e in order:
            whole[e] = 1 + sum(whole[x] for x in self._below(e))
            written[e] = 1 + sum(written[x] for x in self._below(e))
            if own[e] > 1 and written[e] >= _PART:
                found[e] = None
            if e in found or (uses[e] - 1) * e.size >= _TWICE:
                written[e] = 1
        return found if whole[root] > _READ else ()

    def _uses(self, roots: Sequence[Term]) -> Counter[Term]:
        uses: Counter[Term] = Counter()
        seen: dict[Term, None] = {}
        for root in roots:
            seen.update((e, None) for e in inner_first(root, self._below, seen))
        for e in seen:
            pairs = e.args if e.op == "*" else ()
            norms = {f: _root_of(bare(f)) for f, p in pairs if p < 0 or p % 1}
            uses.update(norms.get(x) or x for x in self._below(e))
        for x in reversed(seen):
            if x.op in ("reshape", "broadcast_to") and x not in self.names:
                uses[x.args[0]] += uses[x] - 1
        return uses

    def _is_apart(self, e: Term, found: Expression, uses: int) -> bool:
        if e.op == "normalised":
            return True
        if found.op is None or e.op in ("reshape", "broadcast_to", "transpose"):
            return False
        is_function = e.op in ENTRYWISE and sum(as_number(x) is None for x in e.operands) == 1
        is_function |= e.op == "softmax"
        twice = _FUNCTION_TWICE if is_function or e.given else _TWICE
        is_often = e in self._often or (uses - 1) * e.size >= twice
        return is_often or (e.size >= _TWICE and found.size > _LONG)

    def _below(self, e: Term) -> list[Term]:
        if e in self.names or e in self.parts:
            return []
        return e.operands if _place(e) is None else e.operands[:1]

    def symbol(self, key: Any, value: Any, base: str, plain: bool = False) -> Expression:
        """A given array that has no name, by a symbol of its own; ``plain``: if it can be ``base``.
        """
        if key not in self.symbols:
            self.symbols[key] = base if plain and base not in self._taken else self.new(base)
            self._taken.add(base)
        self.given[self.symbols[key]] = value
        return Expression(value, self.symbols[key])

    def index(self, value: Any, base: str) -> Expression:
        """The numbers of classes, or of rows that are looked up."""
        value = np.asarray(value)
        return self.symbol((value.shape, value.tobytes()), value, base, True)

    def new(self, base: str) -> str:
        return next(free_names(base, self._taken))

    def by_rows(self, c: float, residual: bool) -> int:
        """The k for which ``c`` is k / q, or 0; beside no error only where ``c`` is long."""
        times = c * self.rows if self.rows else 0.0
        k = round(min(times, 9.0))
        odd = is_long(c) and not _is_whole(1 / c)
        fine = k == 1 or (k in (2, 3, 4) and (residual or odd) and not _is_whole(c))
        return k if fine and abs(times - k) < 1e-9 else 0

    def quotient(self, c: float, residual: bool = False) -> tuple[int, Expression | None]:
        """The k and n for which a positive ``c`` is written k / n; else 0."""
        k = self.by_rows(c, residual)
        if k:
            return k, Expression(float(self.rows or 1), "q")
        found = spelled(c)
        if found is None or not found.is_called("divide"):
            return 0, None
        return int(found.inputs[0].value), found.inputs[1]

    def scaled(self, x: Expression | None, c: float, residual: bool = False) -> Expression:
        """``c · x``; by the rows of a batch it is divided."""
        if x is None:
            return spelled(c) or number(c)
        k, by = self.quotient(abs(c), residual) if abs(c) != 1 else (1, None)
        if not k and x.op is not None and x.is_called("divide", "multiply", "reshape"):
            return applied(x.op, self.scaled(x.inputs[0], c), *x.inputs[1:], **x.params)
        if not k:
            return _times(number(c), x)
        x = x if k == 1 else _times(number(k), x)
        if by is not None:
            self.wrote_q = self.wrote_q or by.name == "q"
            x = _divided(x, by)
        return _negated(x) if c < 0 else x

    def is_factor(self, c: float, residual: bool = False) -> bool:
        """Whether a coefficient is written as a number before the rest: not as −, nor as / n."""
        return abs(c) != 1 and not self.quotient(abs(c), residual)[0]


_times = partial(applied, ops.multiply)


def _added_up(f: Term) -> int:
    """How many products a product of matrices adds up."""
    f = bare(f)
    return f.args[0].shape[-1] if f.op == "matmul" else 1


def _few_digits(c: float) -> float:
    """``c`` without rounding, if it then has few digits."""
    few = float(f"{c:.6g}")
    return few if abs(few - c) <= 1e-12 * abs(c) else c


def shorter_by(c: float, n: int) -> tuple[float, bool]:
    """``c n``, and whether that has few digits where ``c`` has many: 1.25 / 6."""
    k, c = _few_digits(c * n), _few_digits(c)
    few, many = (float(f"{x:.6g}") == x for x in (k, c))
    return k, n > 1 and few and not many and not k.is_integer() and not _is_whole(1 / c)


def _negated(x: Expression) -> Expression:
    if x.is_called("cross"):
        return applied(x.op, *x.inputs[::-1])  # type: ignore[arg-type]
    if _is_scaled(x) or x.is_called("matmul", "outer", "divide"):
        return applied(x.op, _negated(x.inputs[0]), x.inputs[1])  # type: ignore[arg-type]
    return Expression(-x.value) if x.is_number else applied(ops.negative, x)


def _divided(x: Expression, y: Expression) -> Expression:
    """``a / (y ∘ b)`` for ``(a / b) / y``."""
    if x.is_called("divide"):
        a, b = x.inputs
        return applied(ops.divide, a, applied(ops.multiply, y, b))
    return applied(ops.divide, x, y)


def _is_scaled(x: Expression) -> bool:
    """Whether a number stands before the rest."""
    return x.is_called("multiply") and _is_constant(x.inputs[0])


def _number_apart(x: Expression, p: float) -> tuple[float, Expression, list[Expression]]:
    """Of ``x ** p`` the number, and what is left of x, and what that is divided by."""
    c, by = 1.0, list[Expression]()
    if _is_scaled(x):
        c, x = power_of(float(x.inputs[0].value), p), x.inputs[1]
    elif x.is_called("divide") and _is_constant(x.inputs[1]):
        x, n = x.inputs
        c, by = (1.0, [n]) if p == 1 else (power_of(float(n.value), -p), [])
    return c, x, by


def _is_constant(x: Expression) -> bool:
    """Whether it is a number."""
    return x.shape == () and all(y.name is None for y in nodes(x))


def _is_vector(shape: Shape) -> bool:
    """Whether it has entries along one axis alone."""
    return max(shape, default=1) == math.prod(shape)


def _is_whole(x: float) -> bool:
    return math.isfinite(x) and abs(x - round(x)) < 1e-9


def _place(e: Term) -> tuple[int, ...] | None:
    """Of which place it is the entry, if it is one."""
    return marked(e.args[1]) if e.op == "picked" and e.shape == () else None


def _with_outer(root: Term, done: dict[Term, Term], turned: dict[Term, Term | None]) -> Term:
    """With columns times rows as products of vectors."""
    for e in inner_first(root, operands_of, done):
        e_ = _reflected(e, done, turned)
        new = _rebuilt(e_, [done.get(f, f) for f in e_.operands], e.shape)
        done[e] = _cleared(_outer(new))
    return done[root]


def _cleared(e: Term) -> Term:
    """``x / (1 + y / 3)`` as ``3 x / (3 + y)``."""
    times, parts = 1.0, dict[Term, float]()
    for f, p in e.args if e.op == "*" else ():
        sizes = {abs(c) for g, c in f.args if g is not ONE} if p < 0 and f.op == "+" else set()
        n = 1 / sizes.pop() if len(sizes) == 1 and ONE in f.operands else 1.0
        if 1 < n < 20 and p == -1 and all(float(snapped(n * c)).is_integer() for _, c in f.args):
            f, times = sum_of({g: n * c for g, c in f.args}), times * n
        parts[f] = p
    return e if times == 1 else sum_of({product_of(parts): times})


def _is_changed(c: float, k: float) -> bool:
    """Whether c, such as 0.2, takes more digits where k stands before the sum: 1.4 by 7."""
    own, its = (len(f"{x:.12g}".replace(".", "").lstrip("0")) for x in (c, snapped(c / k)))
    return k != 1 and (c == 1 or (not is_long(c) and own < its))


def _reflections(uses: Counter[Term]) -> dict[Term, Term | None]:
    """Each σ(a − b) of which 1 − σ(a − b) stands there more often than itself."""
    own, rest = Counter[Term](), Counter[Term]()
    for e in uses:
        parts = dict(e.args) if e.op == "+" else {}
        for f, c in parts.items() if ONE in parts else ():
            if f.op == "sigmoid" and parts[ONE] == -c:
                own[f] += 1
                rest[f] += max(1, uses[e])
    return {f: None for f, n in rest.items() if n > uses[f] - own[f]}


def _reflected(e: Term, done: Mapping[Term, Term], turned: dict[Term, Term | None]) -> Term:
    """``1 − σ(a − b)`` as ``σ(b − a)``, and ``σ(a − b)`` as ``1 − σ(b − a)``."""
    if e in turned and _has_minus(x := done[e.args[0]]):
        turned[e] = other = intern("sigmoid", (_negative(x),), {}, e.shape, e.size)
        return sum_of({ONE: 1.0, other: -1.0})
    parts = dict(e.args) if e.op == "+" else {}
    for f, c in [*parts.items()]:
        if (known := turned.get(f)) is not None:
            del parts[f]
            parts |= {ONE: parts.get(ONE, 0.0) + c, known: -c}
    return sum_of(parts) if e.op == "+" else e


def _negative(e: Term) -> Term:
    """The sum of the opposites."""
    return sum_of({f: -c for f, c in e.args})


def _outer(e: Term) -> Term:
    """``v wᵀ`` where a column that was made of a vector meets a row that is one."""
    shape = without_ones(e.shape)
    if e.op == "*" and len(shape) == 2 < e.ndim:
        flat = product_of({with_axes(f, e.shape, shape): p for f, p in e.args})  # type: ignore[misc]
        outer = _outer(flat) if flat.ndim == 2 else flat
        return e if outer is flat else shaped(outer, e.shape)
    factors = e.args if e.op == "*" and e.ndim == 2 else ()
    positive = [(f, p) for f, p in factors if p > 0]
    columns = [(f, p) for f, p in positive if f.ndim == 2 and f.shape[1] == 1 < f.shape[0]]
    rows = [(f, p) for f, p in positive if (1,) < f.shape[-1:] == (math.prod(f.shape),)]
    alone = {f: p for f, p in factors if math.prod(f.shape) == 1}
    if not columns or not rows or len(columns) + len(rows) + len(alone) < len(factors):
        return e
    u, v = (
        product_of(added_up((shaped(_entries(f), (math.prod(f.shape),)), p) for f, p in some))
        for some in (columns, rows)
    )
    outer = intern("outer", (u, v), {}, e.shape, u.size + v.size)
    return product_of({outer: 1.0, **alone})


def _entries(f: Term) -> Term:
    """What has the entries of a row or a column, in their order."""
    while f.op in ("reshape", "transpose") and _is_vector(f.args[0].shape):
        f = f.args[0]
    return f


def _nested(roots: Sequence[Term], uses: Counter[Term]) -> list[Term]:
    """With a long sum or product as one part of those that have all of its parts, and more."""
    least = {"+": _MULTIPLE, "*": _TWICE}
    there = dict.fromkeys([*roots, *uses])
    long = [e for e in there if e.size >= least.get(e.op, math.inf)][:_MOST]
    inner = {e: pair for e in long if (pair := _inner(e, long, uses)) is not None}
    flat = {e: v for e in long if (v := _flat(e)) is not e and v in uses}
    done: dict[Term, Term] = {}

    def below(e: Term) -> list[Term]:
        operands = [*e.operands, flat[e]] if e in flat else e.operands
        return [*operands, inner[e][0]] if e in inner else operands

    for root in roots:
        for e in inner_first(root, below, done):
            done[e] = _rebuilt(e, [done[x] for x in e.operands], e.shape)
            if e in flat:
                done[e] = shaped(done[flat[e]], e.shape)
            elif e in inner:
                p, k = inner[e]
                rest = {f: c - k * dict(p.args).get(f, 0.0) for f, c in e.args}
                rest |= {f: -k * c for f, c in p.args if f not in rest}
                parts = {done.get(f, f): c for f, c in rest.items() if abs(c) > 1e-12}
                times, whole = coefficient(done[p]) if e.op == "+" else (1.0, done[p])
                done[e] = (sum_of if e.op == "+" else product_of)({whole: k * times, **parts})
    return [done[root] for root in roots]


def _flat(e: Term) -> Term:
    """A sum or product of vectors, where it is one of columns."""
    flat = tuple(n for n in e.shape if n != 1)
    parts = {with_axes(f, e.shape, flat): c for f, c in e.args}
    return (sum_of if e.op == "+" else product_of)(parts)  # type: ignore[arg-type]


def _inner(e: Term, long: Sequence[Term], uses: Counter[Term]) -> tuple[Term, float] | None:
    """Of what it has all parts of, so many times, but perhaps a number, the longest."""
    found = []
    own = dict(e.args)
    for p in long:
        parts = [(f, c) for f, c in p.args if f is not ONE]
        if p.op == e.op and p is not e and all(f in own for f, _ in parts) and len(parts) > 1:
            k = own[parts[0][0]] / parts[0][1]
            alike = all(abs(own[f] - k * c) < 1e-12 for f, c in parts)
            alike &= abs(k) == 1 or ONE in own or ONE not in p.operands
            more = len(own) - (ONE in own) - len(parts)
            first = (more, uses[p], ONE in dict(p.args), e.id) > (0, uses[e], ONE in own, p.id)
            # A shorter one of which it is a multiple: −u is written as a whole gradient alone.
            # And X − mean(X) is one part.
            is_long = p.size >= (3.0 if abs(k) == 1 else _TWICE) or p.given
            first = first and (is_long or not more)
            if alike and (e.op == "+" or k == 1) and fits(p.shape, e.shape) and first:
                found.append((p, k))
    return max(found, key=lambda pair: pair[0].size, default=None)


def _rebuilt(e: Term, operands: list[Term], shape: Shape) -> Term:
    """``e`` of other operands, as it stands; what these are so many times, it is as often."""
    if operands == e.operands:
        return e
    linear = e.op in ("+", *_LINEAR) or (e.op == "*" and all(p == 1 for _, p in e.args))
    pairs = [x.args[0] if linear and x.op == "+" and len(x.args) == 1 else (x, 1.0)
             for x in operands]  # fmt: skip
    times = 1.0 if e.op == "+" else math.prod(k for _, k in pairs)
    if e.op in "+*":
        both = zip(pairs, e.args, strict=True)
        parts = added_up((f, k * c if e.op == "+" else c) for (f, k), (_, c) in both)
        found = sum_of(parts) if e.op == "+" else product_of(parts)
    else:
        found = intern(e.op, tuple(f for f, _ in pairs), e.params, shape, e.size)
    return found if times == 1 else sum_of({found: times})


def _with_indices(x: Expression, axes: list[int]) -> Expression:
    """With indices; of what is transposed those that it had before: x_ikj."""
    turned = x.inputs[0] if x.is_called("reshape") else x
    if not turned.is_called("transpose") or turned.ndim != len(axes):
        return applied(ENTRIES, x, axes=axes)
    order = turned.params["axes"] or range(turned.ndim)[::-1]
    own = [axes[k] for k in np.argsort(order)]
    return applied(TURNED, turned.inputs[0], axes=own, order=tuple(order), shape=x.shape)


class _Form:
    """How one term is written, from what its operands are written as."""

    def __init__(self, writer: Writer, done: MutableMapping[Term, Expression]) -> None:
        self.writer, self.done = writer, done
        self.beside: set[Term] = set()  # what is added to what is written

    def write(self, e: Term) -> Expression:
        writer = self.writer
        if e in writer.names:
            return Expression(evaluate(e), writer.names[e])
        n = as_number(e)
        if n is not None:
            return stretched(number(n), e.shape)
        entries = {f: _with_indices(self.done[f], a) for f, a in self._crossing(e)}
        self.done = {**self.done, **entries} if entries else self.done
        form = getattr(self, _FORMS.get(e.op, f"of_{e.op}"), self._op)
        found: Expression = form(e)
        return found

    def _with_all(self, e: Term) -> Expression:
        """The same, with all that it is made of, which may be new."""
        for t in inner_first(e, operands_of, self.done):
            self.done[t] = self.write(t)
        return self.done[e]

    def _crossing(self, e: Term) -> Iterable[tuple[Term, list[int]]]:
        """The axes of operands that look alike and stand along others: ``x_i − x_j``."""
        several = e.op in "+*" or e.op in ENTRYWISE
        shown = {f: self.done[f] for f in e.operands} if several else {}
        moved = {f for f, x in shown.items() if x.is_called("reshape") or x.params.get("keepdims")}
        along = {f: varying(f, e.ndim) for f in shown} if moved else {}
        for f, g in permutations(along, 2):
            is_across = along[f] - along[g] and along[g] - along[f]
            if is_across and (f in moved or g in moved):
                yield f, sorted(along[f])
        whole = [i for i, n in enumerate(e.shape) if n != 1]
        for f in moved if len(whole) == 3 else ():
            if shown[f].is_called("reshape") and sorted(along[f]) != whole[-len(along[f]) or 3 :]:
                yield f, sorted(along[f])
        for f, x in shown.items():  # A v, which reads as a column, along the rows
            is_beside = x.ndim == 1 < e.ndim and 1 < x.value.size < math.prod(e.shape)
            if is_beside and any(y.is_called("matmul") and y.ndim == 1 for y in nodes(x)):
                yield f, [e.ndim - 1]

    def of_leaf(self, e: Term) -> Expression:
        if e.kind == "marks":
            return self._onehot(e)
        if e.name is not None or (e.value.dtype.kind == "c" and not e.ndim):  # a number
            return Expression(e.value, e.name)
        base = "m" if e.value.dtype == bool else "c"
        return self.writer.symbol(e, e.value, base)

    def _onehot(self, e: Term) -> Expression:
        value = e.value
        if is_identity(e):
            return applied(IDENTITY, n=len(value))
        place = marked(e)
        if place is not None:
            return applied(ENTRY, place=place, shape=e.shape)
        for axis in (-1, 0) if value.ndim == 2 else (-1,):
            if (value.sum(axis) == 1).all():
                k = self.writer.index(value.argmax(axis), e.name or "y")
                found = applied(ONEHOT, k, n=value.shape[axis])
                return applied(OPS["transpose"], found, axes=None) if axis == 0 else found
        return self.writer.symbol(e, value, "m")

    # ------------------------------------------------------------------ sums

    def of_terms(self, e: Term) -> Expression:
        """A sum; what all its terms are times, or divided by, stands before it."""
        self.beside = {*map(bare, e.operands)}
        if len(e.args) == 1:
            return self._added(e.args)
        added = map(_added_up, e.operands)
        sizes = (1, self.writer.rows, *added, math.prod(e.shape), *e.shape)
        known = {snapped(1.0 / n): None for n in sizes if n}
        others = dict.fromkeys(snapped(abs(c)) for _, c in e.args)
        known = known if len(others) > 1 else {}
        tried = known | others if len(others) <= MOST else {1.0: None}
        k = min(tried, key=lambda k: (self._cost(e, k, k in known), k != 1))
        k = -k if k != 1 and all(c < 0 for _, c in e.args) else k
        inner = self._added([(f, _few_digits(c / k)) for f, c in e.args])
        return self.writer.scaled(inner, k, any(f.given and f is not ONE for f in e.operands))

    def _cost(self, e: Term, k: float, known: bool) -> int:
        """How much there is to read of a sum's coefficients, where k stands before it."""
        ratios = [(f, _few_digits(snapped(abs(c / k)))) for f, c in e.args]
        left = [c for f, c in ratios if f is ONE or self._mean(f, c) is None]
        alike = len(left) if len(left) == len(e.args) and len(set(left)) == 1 else 1
        moved = sum(
            3 if c > 1 or f is ONE else 1 for f, c in ratios
            if c != 1 != k and c in left and ((f is ONE and c > _SMALL) or not known)
        )
        moved += 2 * (known and any(_is_changed(abs(c), k) for _, c in e.args))
        costs = [self._cost_of(c) for c in set(left)]
        by_rows = sum(self.writer.by_rows(c, True) > 0 for c in left)
        costs.append((by_rows == 1 < len(left)) + 2 * _has_penalty(ratios, known * k))
        if k != 1 and _is_residual(e):
            moved -= known and any(c == 1 for f, c in ratios if not f.given)
            moved = min(moved, 0) if any(c == 1 for f, c in ratios if f.given) else moved
        return self._cost_of(k) + alike * sum(costs) + moved

    def _cost_of(self, c: float) -> int:
        """How much there is to read of a positive coefficient."""
        if c == 1:
            return 0
        if self.writer.by_rows(c, True) or not is_long(c):
            return 1
        short = (_is_whole(1 / c) and 1 / c < 20) or float(f"{c:.6g}") == c
        return 2 if short else 4

    def _added(self, pairs: Iterable[tuple[Term, float]]) -> Expression:
        """A sum; of what has the same coefficient first the sum."""
        found, pairs = self._tiled(sorted(pairs, key=_in_a_sum))
        if found is None and pairs[0][1] < 0:  # rather (n − k) / (1 − p) − k / p
            pairs = sorted(pairs, key=lambda z: z[0] is ONE or self._opposite(z[0]) is None)
        sizes = Counter(abs(c) for f, c in pairs if f is ONE or not self._mean(f, abs(c)))
        alike = {c for c, n in sizes.items() if c != 1 and 1 < n < len(pairs)}
        groups: dict[Any, list[tuple[Term, float]]] = {}
        for f, c in pairs:
            groups.setdefault(abs(c) if abs(c) in alike else f, []).append((f, c))
        for group in groups.values():
            f, c = group[0]
            own = c if found is None else abs(c)
            other = self._opposite(f) if own < 0 and len(group) == 1 and f is not ONE else None
            if len(group) > 1:
                x = self._added([(g, k / c) for g, k in group])
                x = self.writer.scaled(x, own, _is_residual(f))
            elif other is not None:
                x, c = self._scaled(other, self.done[other], -c), -c
            else:
                x = self._scaled(f, None if f is ONE else self.done[f], own)
            found = x if found is None else applied(ops.add if c > 0 else ops.subtract, found, x)
        assert found is not None
        return found

    def _tiled(
        self, pairs: list[tuple[Term, float]]
    ) -> tuple[Expression | None, list[tuple[Term, float]]]:
        """Blocks beside each other as one, ``[a, b]`` for ``[a, 0] + [0, b]``; and the rest."""
        blocks: dict[int, list[tuple[range, tuple[Term, float]]]] = {}
        for f, c in pairs:
            cut = _put(f) if f not in self.writer.names and f not in self.writer._apart else []
            if len(cut) == 1:
                blocks.setdefault(cut[0][0], []).append((cut[0][1], (f, c)))
        for axis, found in blocks.items():
            found.sort(key=lambda block: block[0].start)
            one_by_one = all(r.stop <= s.start for (r, _), (s, _) in pairwise(found))
            if len(found) > 1 and one_by_one:
                row = [(r, self.writer.scaled(self.done[f.args[0]], c)) for r, (f, c) in found]
                rest = [z for z in pairs if z not in [own for _, own in found]]
                return _beside_zeros(found[0][1][0].shape, axis, row), rest
        return None, pairs

    def _opposite(self, f: Term, uses: Counter[Term] | None = None) -> Term | None:
        """−f by a difference in it that is turned: of ``A (a − b)`` ``A (b − a)``.

        ``uses``: how often each term stands in what is written of f; what stands there twice isn't
        turned, but a factor of f itself is, wherever else it stands.
        """
        if self.done[f].name is not None or (uses is not None and uses[f] > 1):
            return None
        new = _negative(f) if _has_minus(f) and uses is not None else None
        if uses is None:
            inner = f.args[0] if f.op == "reshape" else f
            order = inner_first(inner, self._shown) if inner.op != "*" else ()
            uses = Counter(x for e in order for x in self._shown(e))
        may_be = [x for x, p in f.args if p == 1] if f.op == "*" else f.operands[::-1]
        for x in may_be if new is None and f.op in ("matmul", "sum", "*", "reshape") else ():
            y = self._opposite(x, uses)
            if y is not None:
                new = _rebuilt(f, [y if z is x else z for z in f.operands], f.shape)
                break
        if new is not None:
            self.done[new] = _Form(self.writer, self.done).write(new)
        return new

    def _shown(self, e: Term) -> list[Term]:
        """What is written out of a term."""
        return self.writer._below(e) if self.done[e].name is None else []

    def _scaled(self, f: Term, x: Expression | None, c: float) -> Expression:
        """``c · f``."""
        found = None if x is None else self._with_number(f, x, c)
        if found is not None:
            return found
        whole = f.op == "*" and x is not None and x.name is None and not x.is_called("outer")
        if whole and self.writer.is_factor(c, _is_residual(f)):
            return self._multiplied(f.args, {}, c)
        return self.writer.scaled(x, c, _is_residual(f))

    def _with_number(self, f: Term, x: Expression, c: float) -> Expression | None:
        """``c · f`` as a mean, by a variance, or divided by n, where that is shorter."""
        mean = self._mean(f, abs(c)) if x.name is None else None
        if mean is not None:
            return mean if c > 0 else applied(ops.negative, mean)
        for g, p in f.args if f.op == "*" and x.name is None else ():
            y, axes = _summed(g) if not p.is_integer() else (g, frozenset[int]())
            variance = self._averaged(y, axes) if axes else x
            k = snapped(c * math.prod(y.shape[a] for a in axes) ** p)
            if variance.op is VARIANCE and self._cost_of(abs(k)) < min(2, self._cost_of(abs(c))):
                written = {g: _reshaped(variance, g.shape)}
                return self.writer.scaled(self._multiplied(f.args, written), k)
        k, is_shorter = shorter_by(abs(c), _added_up(f))
        if not is_shorter:
            return None
        found = _divided(_times(number(k), x), number(_added_up(f)))
        return found if c > 0 else _negated(found)

    def _mean(self, f: Term, c: float) -> Expression | None:
        """A sum over some of the axes, divided by how many entries it adds.

        Over all of them where that is taken from the entries: x − mean(x).
        """
        for g in f.operands if f.op in ("matmul", "transpose") else ():
            mean = self._mean(g, c) if self.done[g].name is None else None
            if mean is not None:
                return _Form(self.writer, {**self.done, g: mean}).write(f)
        factors = list(f.args) if f.op == "*" else [(f, 1.0)]
        for i, (g, p) in enumerate(factors):
            inner = g.args[0] if g.op == "reshape" else g
            is_sum = inner.op == "sum" or self._is_weighted(inner)
            if p == 1 and is_sum:
                x, *by = inner.args
                axes = frozenset([1]) if by else inner.params["axes"]
                n = math.prod(x.shape[a] for a in axes)
                k = 1.0 + (c * n > 1.5)
                near = abs(c * n - k) < 1e-12 and c != 1
                mean = self._averaged(x, axes, by) if near else None
                apart = x not in self.beside and (len(axes) == x.ndim or n == 2)  # half of ‖x‖²
                if mean is not None and (not apart or mean.op is VARIANCE):
                    mean = _reshaped(mean if k == 1 else _times(number(k), mean), g.shape)
                    rest = [pair for j, pair in enumerate(factors) if j != i]
                    return self._multiplied([*rest, (g, 1.0)], {g: mean}) if rest else mean
        return None

    def _is_weighted(self, f: Term) -> bool:
        """Whether ``(A ∘ B) v``, a sum of products, has no factor with a name of its own."""
        is_product = f.op == "matmul" and f.args[0].op == "*" and f.ndim == 1
        return is_product and len(f.args[0].args) > 1 and self.done[f.args[0]].name is None

    def _averaged(self, x: Term, axes: frozenset[int], by: Sequence[Term] = ()) -> Expression:
        axis = tuple(sorted(axes))
        if by:
            products = self._multiplied([*x.args, *((v, 1.0) for v in by)], {})
            return applied(OPS["mean"], products, axis=axis, keepdims=True)
        if x.op == "*" and len(x.args) == 1 and x.args[0][1] == 2:
            deviation = x.args[0][0]
            for f in deviation.operands if deviation.op == "+" else []:
                y = bare(f).args[0] if bare(f).op == "sum" else f
                if y.shape == x.shape and (y - y.mean(axes)) is deviation and y in self.done:
                    return applied(VARIANCE, self.done[y], axis=axis)
        return self._over("mean", x, axes)

    # ------------------------------------------------------------------ products

    def of_factors(self, e: Term) -> Expression:
        return self._multiplied(e.args, {})

    def _multiplied(
        self,
        pairs: Iterable[tuple[Term, float]],
        written: Mapping[Term, Expression],
        c: float = 1.0,
    ) -> Expression:
        """A product; of its factors some written already.

        Where it isn't finite, but a mask in it is 0 there: only what the mask lets through.
        """
        factors = sorted(pairs, key=_in_a_product)
        whole = self._factors(factors, written, c)
        infinite = ~np.isfinite(whole.value)
        for f, p in factors if infinite.any() else ():
            if p > 0 and is_mask(f) and not (infinite & (self.done[f].value > 0)).any():
                rest = [(g, k) for g, k in factors if g is not f]
                return applied(ONLY, self.done[f], self._multiplied(rest, written, c))
        return whole

    def _factors(
        self, factors: list[tuple[Term, float]], written: Mapping[Term, Expression], c: float
    ) -> Expression:
        pair = _slope(factors)
        if pair is not None:
            factors = [z for z in factors if z[0] not in pair] + [(f, 1.0) for f in pair]
            if any(f.op == "matmul" for f, p in factors if p > 0):
                written = {**written, pair[0]: _times(*(self.done[f] for f in pair))}
                factors.pop()
        above: list[Expression] = []
        below: list[Expression] = []
        for f, p in factors:
            x = written.get(f) or self.done[f]
            if f.op in ("+", "matmul", "reshape") and f not in written and float(p).is_integer():
                k, x, by = _number_apart(x, p)
                c = snapped(c * k)
                times = snapped(c / float(by[0].value)) if by else 0.5
                c, by = (times, []) if times.is_integer() else (c, by)  # 3 x / 3
                below += by
            x = _raised(x, abs(p)) if f in written else self._power(f, x, p)
            (above if p > 0 else below).append(x)
        before = [number(c)] if self.writer.is_factor(c) else []
        whole = reduce(_times, [*before, *above] or [number(1)])
        whole = _divided(whole, reduce(_times, below)) if below else whole
        return whole if before else self.writer.scaled(whole, c)

    def _power(self, f: Term, x: Expression, p: float) -> Expression:
        """A root of a sum of squares, or what is divided by one, by its norm."""
        inner = bare(f)
        root = _root_of(inner)
        if root is not None and (p < 0 or not float(p).is_integer()):
            axes = _sorted(inner)
            whole = len(axes) == inner.ndim
            x = self.done[root]
            norm = applied(NORM, x) if whole else applied(NORMS, x, axis=axes[0])
            return _raised(_reshaped(norm, f.shape), 2 * abs(p))
        return _raised(x, abs(p))

    def of_outer(self, e: Term) -> Expression:
        return applied(OUTER, *(_column(self.done[f]) for f in e.args))

    def _flat(self, f: Term) -> Expression:
        """A row or a column as a vector."""
        found = self.done[_entries(f)]
        return _column(_reshaped(found, (math.prod(f.shape),)))

    # ------------------------------------------------------------------ ops

    def of_reshape(self, e: Term) -> Expression:
        x = e.args[0]
        old, new = x.shape, e.shape
        same = next((i for i, (n, m) in enumerate(zip(old, new, strict=False)) if n != m), 0)
        if only_ones_moved(old, new):
            return _reshaped(self.done[x], new)
        if _is_vector(new):
            return _reshaped(applied(VEC, self.done[x], shape=(max(new), 1)), new)
        is_whole = min(len(old), len(new)) == same + 1
        if _is_vector(old) or (is_whole and len(old) < len(new)):
            return applied(UNVEC, self.done[x], shape=new)
        if not is_whole:
            return applied(GROUPS if new[same] < old[same] else UNGROUPED, self.done[x], shape=new)
        if x.op == "transpose" and x not in self.writer.names and not _is_plain(x):
            return applied(CONCAT, self.done[x.args[0]], shape=new, axes=x.params["axes"])
        return applied(VEC, self.done[x], shape=new)

    def of_broadcast_to(self, e: Term) -> Expression:
        return stretched(self.done[e.args[0]], e.shape)

    def of_transpose(self, e: Term) -> Expression:
        axes, x = e.params["axes"], self.done[e.args[0]]
        if x.is_called("vec⁻¹") and not _is_plain(e):
            turned = axes[-2] > axes[-1]
            axes = (*axes[:-2], axes[-1], axes[-2]) if turned else axes
            heads = applied(HEADS, x.inputs[0], shape=x.shape, axes=axes)
            last = (*range(e.ndim - 2), e.ndim - 1, e.ndim - 2)
            return applied(OPS["transpose"], heads, axes=last) if turned else heads
        whole = axes == tuple(range(e.ndim))[::-1]
        return applied(OPS["transpose"], x, axes=None if whole else axes)

    def of_sum(self, e: Term) -> Expression:
        (x,) = e.args
        axes = e.params["axes"]
        slid = _slid(x) if e.op == "sum" else None
        if slid is not None:
            return self._correlated(e, *slid)
        is_row = len(axes) == 1 and _is_vector(x.shape)
        if e.op == "sum" and x.op == "*" and is_row and self.done[x].name is None:
            factors = [f for f, p in x.args if p == 1]
            whole = all(math.prod(f.shape) == math.prod(x.shape) for f in factors)
            whole = whole and self.writer._shifted.isdisjoint(factors)
            if whole and len(factors) == len(x.args) == 2:
                return _reshaped(self._dot(*factors), e.shape)
        return self._over(e.op, x, axes)

    of_max = of_min = of_sum

    def _dot(self, u: Term, v: Term) -> Expression:
        """``uᵀ v``; of a quadratic form ``xᵀ A u``."""
        if v.op == "matmul" and v.args[0].op == "transpose" and self.done[v].name is None:
            (turned, x), matrix = v.args, self.done.get(v.args[0].args[0])
            if matrix is not None and turned.ndim == 2:
                own = _reshaped(self.done[x], (math.prod(x.shape),))
                return applied(DOT, own, applied(ops.matmul, matrix, self._flat(u)))
        return applied(DOT, self._flat(u), self._flat(v))

    def _over(self, op: str, x: Term, axes: frozenset[int]) -> Expression:
        """A reduction; over the axes within blocks it is a pooling."""
        axis = tuple(sorted(axes))
        merged = merged_axes(x.shape, x.args[0].shape) if x.op == "reshape" else []
        groups = [[a for a in own if x.shape[a] != 1] for own in merged]
        blocks = tuple(own[-1] for own in groups if len(own) == 2)
        if axis and axis == blocks and x not in self.beside:
            return applied(POOL, self.done[x.args[0]], of=op, shape=x.shape, axis=axis)
        return applied(OPS[op], self.done[x], axis=axis, keepdims=True)

    def _correlated(self, e: Term, seen: Term, rest: Term) -> Expression:
        """``x ⋆ δ``: windows of x, each times δ, added up; with gaps where it has strides."""
        *moved, x = _unmoved(seen)
        axes, form = _sorted(e), "{0} ⋆ {1}"
        for i, f in enumerate(moved):
            if steps := _strides(f):
                whole = f.args[0].shape
                places = zip(np.indices(whole, sparse=True), steps, strict=True)
                at = np.broadcast_to(sum(own for own, n in places if n > 1), whole)
                at = MOVED.forward(at, moves=_moves(moved[: i + 1]))
                is_added = np.ptp(np.broadcast_to(at, e.args[0].shape), axes).any()
                taken = ", ".join(f"::{n}" for n in steps if n > 1)
                form = "{0} ⋆ dilate({1})" if is_added else f"({{0}} ⋆ {{1}})[{taken}]"
        own, wide, through = x.params["axis"], x.args[0].ndim, _through([*moved, x])
        along = [own[i - wide] if i >= wide else i for i in through]  # which axes of x
        slid = [(i, a) for a, i in enumerate(along, e.ndim - len(along)) if i in own]
        k, turned = self._laid_out(rest, [a - e.ndim for _, a in sorted(slid) if a in axes])
        left = [i for i, a in slid if a not in axes]
        form = form if left == sorted(left) else f"({form})ᵀ"
        moves = {"moves": _moves([*moved, x]), "turned": turned}
        return applied(SLIDE, self.done[x.args[0]], k, **moves, axes=axes, form=form)

    def _laid_out(self, f: Term, along: Iterable[int]) -> tuple[Expression, list[Any]]:
        """A factor beside windows, with the axes ``along`` which these slide, counted from the end,
        in their order, but however else it is laid out; and how it is laid out.
        """
        chain = [f]
        while (e := chain[-1]).op == "transpose" or (
            e.op == "reshape" and only_ones_moved(e.args[0].shape, e.shape)
        ):
            chain += e.args
        *moved, x = chain
        shown, there = self._with_all(x), _through(chain)
        own = [there[a] for a in along if -a <= f.ndim and f.shape[a] > 1]
        if own == sorted(own):
            return shown, _moves(moved)
        order = [*range(x.ndim)]
        for i, a in zip(sorted(own), own, strict=True):
            order[i] = a
        turned = applied(OPS["transpose"], shown, axes=None if x.ndim == 2 else order)
        back = {"axes": [*map(order.index, range(x.ndim))]}
        return turned, [("transpose", back), *_moves(moved)]

    def of_fold(self, e: Term) -> Expression:
        """``δ * K``: what the windows of δ, each times K, add up to where they overlap."""
        *moved, x = _unmoved(e.args[0])
        if x.op == "matmul" and x.ndim > 2:
            *more, x = _unmoved(by_entries(x))
            moved += more
        whole, axes = (x.args[0], x.params["axes"]) if x.op == "sum" else (x, frozenset())
        through = _through([*moved, x])
        there = sorted((a % e.ndim, e.ndim + j) for j, a in enumerate(e.params["axis"]))
        each = {through[a] for a in {*range(e.ndim)} - {a for a, _ in there}} if through else set()
        shown, parts = self.done, dict[Term, Term]()  # of what may be the kernel the rest
        if whole.op == "outer":
            u, v = whole.args
            shown, parts = {**shown, u: _reshaped(shown[u], (*u.shape, 1))}, {u: v, v: u}
        for f, p in whole.args if whole.op == "*" else ():
            rest, own = merged(whole, f, -1), varying(f, whole.ndim)
            if p == 1 and own and own & varying(rest, whole.ndim) <= axes | each:
                parts[f] = rest
        if not parts:
            return self._op(e)
        ranks = {f: (not any(map(_comes_back, subterms(f))), _unmoved(f)[-1].op == "leaf")
                 for f in parts}  # fmt: skip
        kernel = max(parts, key=ranks.__getitem__)
        factors, turned = (parts[kernel], kernel), [list[Any]()] * 2
        if through and whole.op == "*":
            along = [through[a] - whole.ndim for pair in there for a in pair]
            (g, *at_g), (k, *at_k) = (self._laid_out(f, along) for f in factors)
            turned = at_g + at_k
        else:
            g, k = (shown.get(f) or self._with_all(f) for f in factors)
        over = tuple(sorted(axes))
        at = MOVED.forward(np.arange(k.value.size).reshape(k.shape), moves=turned[1])
        at = np.broadcast_to(at, whole.shape)
        at, form = at.max(over, keepdims=True), "{0} * {1}"
        for i, f in enumerate(moved):
            if gaps := tuple(a for a, n in enumerate(_strides(f)) if n > 1):
                taken = MOVED.forward(at, moves=_moves(moved[i + 1 :]))
                form = "{0} * dilate({1})" if np.ptp(taken, gaps).any() else "dilate({0}) * {1}"
        moves = [("sum", {"axis": over, "keepdims": True}), *_moves([e, *moved])]
        return applied(SPREAD, g, k, moves=moves, turned=turned, form=form)

    def of_picked(self, e: Term) -> Expression:
        place = _place(e)
        if place is not None:
            return applied(OPS["getitem"], self.done[e.args[0]], index=place)
        x, y = (self.done[a] for a in e.args)
        if is_identity(e.args[1]):
            return applied(DIAGONAL, x)
        both = applied(ops.multiply, y, x)
        return applied(OPS["sum"], both, axis=e.params["axes"], keepdims=False)

    def of_softmax(self, e: Term) -> Expression:
        return applied(OPS[e.op], self.done[e.args[0]], axis=axis_of(e.params["axes"]))

    of_log_softmax = of_logsumexp = of_softmax

    def of_where(self, e: Term) -> Expression:
        mask, other = e.args[0], opposite(e.args[0])
        has_own = self.done[mask].name is None and other.args == mask.args
        one, x, y = (self.done[f] for f in e.args)
        rest = self._op(other) if has_own else applied(ops.subtract, number(1), one)
        signs = tuple("∘" if as_number(z) is None else "·" for z in e.args[1:])
        return applied(CASES, one, x, y, rest, signs=signs)

    def of_normalised(self, e: Term) -> Expression:
        (x,) = e.args
        self.done[v := leaf(x, x.shape, "variable")] = self.done[x]
        with Off():
            spelled = deviation(e.params["ddof"])(v, e.params["axes"], e.params["eps"])
        return self._with_all(spelled)

    def of_getitem(self, e: Term) -> Expression:
        """Rows of a table, by their numbers."""
        if e in self.writer.parts:
            part = self.writer.parts[e]
            self.writer.given[part.name or ""] = part.value
            return _reshaped(part, e.shape)
        index, x = e.params["index"], e.args[0]
        ranges = ranges_of(index, x.shape)
        if ranges is not None:
            written = written_index(ranges, x.shape)
            found = applied(OPS["getitem"], self.done[x], index=written)
            if e in self.writer._shifted:
                found = applied(SHIFTED, self.done[x], index=written, ranges=ranges)
            return _reshaped(found, e.shape)
        numbers = self._numbers(index)
        return applied(GATHER, self.done[x], *numbers) if numbers else self._op(e)

    def _numbers(self, index: Any) -> list[Expression]:
        """What an index of whole numbers says of each of the first axes; of another nothing."""
        parts = index if isinstance(index, tuple) else (index,)
        known = all(isinstance(i, np.ndarray) and i.dtype.kind in "iu" and i.ndim for i in parts)
        return [self.writer.index(i, "k") for i in parts] if known else []

    def of_scatter(self, e: Term) -> Expression:
        """Beside what was taken: 0; or between its entries."""
        x, index = self.done[e.args[0]], e.params["index"]
        if isinstance(index, tuple) and len(index) == 1:
            (index,) = index
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and e.ndim < 3:
            if e.ndim < 2:
                index, x = index.ravel(), _reshaped(x, (index.size,))
            k, stack = self.writer.index(index % e.shape[0], "k"), tuple(range(index.ndim - 1))
            axes = (*stack, len(stack) + 1, len(stack)) if stack else None
            hot = applied(OPS["transpose"], applied(ONEHOT, k, n=e.shape[0]), axes=axes)
            each = hot if is_identity(e.args[0]) else applied(ops.matmul, hot, x)
            return applied(OPS["sum"], each, axis=stack, keepdims=False) if stack else each
        for axis, r in reversed(_put(e)):
            whole = (*x.shape[:axis], e.shape[axis], *x.shape[axis + 1 :])
            x = _beside_zeros(whole, axis, [(r, x)])
        if x is not self.done[e.args[0]]:
            return x
        if _strides(e):
            return applied(DILATE, x, **e.params)
        numbers = self._numbers(index)
        if len(numbers) == e.ndim == 2 and x.ndim == numbers[0].ndim == numbers[1].ndim == 1:
            rows, columns = (applied(ONEHOT, k, n=n) for k, n in zip(numbers, e.shape, strict=True))
            each = _times(_reshaped(x, (x.value.size, 1)), columns)
            return applied(ops.matmul, applied(OPS["transpose"], rows, axes=None), each)
        return applied(PUT, x, *numbers, shape=e.shape) if numbers else self._op(e)

    def of_matmul(self, e: Term) -> Expression:
        (a, b), inverse = e.args, self.done[e.args[0]]
        if a.op == "inv" and inverse.is_called("inv"):
            return applied(OPS["solve"], *inverse.inputs, self.done[b])
        if b.ndim == 1:
            self.done = {**self.done, b: _column(self.done[b])}
        return self._op(e)

    def _op(self, e: Term) -> Expression:
        xs = [self.done[x] for x in e.operands]
        op = _WRITTEN.get(e.op) or op_of(e.op) or VALUES[e.op.removeprefix("complex ")]
        try:
            return applied(op, *xs, **e.params)
        except (ValueError, TypeError, IndexError):  # a rule that wants what was broadcast
            found = apply_term(e, [Tensor(x.value) for x in xs])
            return Expression(getattr(found, "_array", found), None, op, tuple(xs), e.params)


def _taken(e: Term) -> list[range] | None:
    """What neighbouring entries of an array these are."""
    found = ranges_of(e.params["index"], e.args[0].shape)
    return found if found and all(r.step == 1 < len(r) for r in found) else None


def _put(e: Term) -> list[tuple[int, range]]:
    """The axes along which a block stands among zeros, and where."""
    ranges = ranges_of(e.params["index"], e.shape) if e.op == "scatter" else None
    cut = [(i, r) for i, r in enumerate(ranges or ()) if len(r) != e.shape[i]]
    return cut if all(r.step == 1 for _, r in cut) else []


def _beside_zeros(
    shape: Shape, axis: int, blocks: Iterable[tuple[range, Expression]]
) -> Expression:
    """Blocks along an axis, and 0 between them."""
    parts, end, n = list[Expression](), 0, shape[axis]
    for r, x in [*blocks, (range(n, n), None)]:
        if r.start > end:
            zeros = (*shape[:axis], r.start - end, *shape[axis + 1 :])
            parts.append(stretched(number(0), zeros))
        parts += [] if x is None else [x]
        end = r.stop
    return applied(OPS["concatenate"], *parts, axis=axis, starts=())


def _is_plain(e: Term) -> bool:
    """Whether a transposition swaps the last two axes."""
    return bool(e.params["axes"] == (*range(e.ndim - 2), e.ndim - 1, e.ndim - 2))


def _sorted(e: Term) -> tuple[int, ...]:
    return tuple(sorted(e.params["axes"]))


def _summed(f: Term) -> tuple[Term, frozenset[int]]:
    """What a sum is over, and along which axes; of no sum no axes."""
    f = bare(f)
    return (f.args[0], f.params["axes"]) if f.op == "sum" else (f, frozenset())


def _is_same(e: Term, uses: Counter[Term]) -> bool:
    """Whether it is its operand in another shape, or of its own so many times."""
    is_multiple = e.op == "+" and len(e.args) == 1 and uses[e.operands[0]] == 1
    return is_multiple or e.op in ("reshape", "broadcast_to")


def _root_of(e: Term) -> Term | None:
    """What is squared in a sum of squares of which there is a norm."""
    square = e.args[0] if e.op == "sum" and len(e.params["axes"]) in (1, e.ndim) else e
    is_square = square is not e and square.op == "*" and [p for _, p in square.args] == [2]
    return square.args[0][0] if is_square else None


def _unmoved(e: Term) -> list[Term]:
    """Itself, and what it is transposes, reshapes and strides of, which comes last."""
    found = [e]
    while found[-1].op in ("transpose", "reshape") or _strides(found[-1]):
        found += found[-1].args
    return found


def _through(moved: Sequence[Term]) -> list[int]:
    """Which axis of the last each axis of the first is, −1 of one that is new; none where some
    were merged.
    """
    at = [*range(moved[-1].ndim)]
    for e in moved[-2::-1]:
        (x,) = e.args
        if e.op == "transpose":
            at = [at[i] for i in e.params["axes"]]
        elif only_ones_moved(x.shape, e.shape):
            there = beside_ones(e.shape, x.shape)
            at = [at[there[i]] if i in there else -1 for i in range(e.ndim)]
        elif e.ndim != x.ndim or e.op == "reshape":
            return []
    return at


def _moves(moved: Sequence[Term]) -> list[tuple[str, dict[str, Any]]]:
    """What these do, which the last one does first."""
    return [(e.op, {"shape": e.shape} if e.op == "reshape" else _settings(e)) for e in moved[::-1]]


def _settings(e: Term) -> dict[str, Any]:
    """Of what takes entries all along an array an index as one writes it, ``::2``."""
    whole = e.args[0].shape if e.op == "getitem" else ()
    steps = _strides(e) if whole and 1 not in whole and e.ndim == len(whole) else []
    each = [slice(None, None, n if n > 1 else None) for n in steps]
    while each and each[-1] == slice(None):
        del each[-1]
    return {**e.params, "index": tuple(each)} if each else e.params


def _strides(e: Term) -> list[int]:
    """The steps at which entries are taken all along an array, or put into one."""
    whole = e.args[0].shape if e.op == "getitem" else e.shape
    ranges = ranges_of(e.params["index"], whole) if e.op in ("getitem", "scatter") else None
    steps = [r.step for r in ranges or ()]
    pairs = zip(ranges or (), whole, strict=False)
    is_all = all(r.start < r.step and r[-1] + r.step >= n for r, n in pairs)
    return steps if is_all and max(steps, default=1) > 1 else []


def _slid(x: Term) -> tuple[Term, Term] | None:
    """The factor of a product that is windows of an array, and the rest."""
    factors = [f for f, p in x.args if p == 1] if x.op == "*" else []
    seen = [f for f in factors if _unmoved(f)[-1].op == "sliding_window_view"]
    return (seen[0], merged(x, seen[0], -1)) if len(seen) == 1 else None


_WRITTEN = {op.name: op for op in (UPSAMPLE, CUMSUM_BACK, TRACE, LOGDET)}
_FORMS = {"+": "of_terms", "*": "of_factors"}


def stretched(x: Expression, shape: Shape) -> Expression:
    """Copied along axes to that shape; how it got it is not written."""
    return x if x.shape == shape else applied(OPS["broadcast_to"], x, shape=shape)


def _reshaped(x: Expression, shape: Shape) -> Expression:
    while x.is_called("reshape"):
        x = x.inputs[0]
    if x.shape == shape:
        return x
    if x.is_called("sum", "mean") and x.params.get("keepdims"):
        dropped = applied(x.op, *x.inputs, axis=x.params["axis"], keepdims=False)  # type: ignore[arg-type]
        if dropped.shape == shape:
            return dropped
    is_vector = x.shape == shape[::-1] and len(shape) == 2 and 1 in shape
    if is_vector and not x.is_called("outer"):
        return applied(OPS["transpose"], x, axes=None)
    return applied(OPS["reshape"], x, shape=shape)


def _column(x: Expression) -> Expression:
    """A vector in the place of a column, where ``1ᵀ X`` would read as a row: ``Σ_i(X)``."""
    is_row = x.ndim == 1 and x.is_called("sum") and x.params["axis"] in (0, (0,))
    of_rows = is_row and x.inputs[0].ndim == 2
    return applied(OPS["sum"], *x.inputs, axis=-2, keepdims=False) if of_rows else x


def _raised(x: Expression, p: float) -> Expression:
    if p == 1:
        return x
    if p == 2:
        return applied(ops.square, x)
    if p == 0.5:
        return applied(OPS["sqrt"], x)
    return applied(OPS["fixed_power"], x, exponent=int(p) if float(p).is_integer() else p)


def _in_a_sum(pair: tuple[Term, float]) -> Any:
    """What is added comes first, 1 before it, and bare leaves after what is computed."""
    f, c = pair
    core = f.args[0] if f.op in ("transpose", "reshape") else f
    is_leaf = core.kind in ("leaf", "given", "marks")
    rank = (0 if abs(c) >= _SMALL else 3) if f is ONE else 1 + is_leaf
    return c < 0, rank, f.given, f.op == "transpose", _time(f), core.id


def _time(f: Term) -> int:
    """Which step of several it is about: of ``∂L/∂h_3`` 3."""
    names = " ".join(e.name or "" for e in subterms(f, 4) if e.kind == "gradient")
    found = re.search(r"_(\d+)\b", names)
    return int(found[1]) if found else 0


def _in_a_product(pair: tuple[Term, float]) -> Any:
    """Scalars first, then what comes from behind, errors such as ``l − y``, and the rest."""
    f, _ = pair
    rank = 0 if f.shape == () else 1 if f.op == "leaf" else 2 if f.op == "+" else 3
    is_scalar = f.shape == () and f.op == "leaf" and f.kind != "gradient"
    return not is_scalar, not _comes_back(f), f.op != "matmul" or not _comes_back(f), rank, f.id


def _comes_back(f: Term) -> bool:
    if f.op in ("matmul", "transpose"):
        return any(map(_comes_back, f.args))
    return f.kind == "gradient" or _is_residual(f)


def _has_penalty(pairs: Sequence[tuple[Term, float]], k: float) -> bool:
    """Whether something computed has a number of its own beside k: (p − y) / q + 0.02 w."""
    several = k not in (0, 1) and sum(c == 1 for _, c in pairs) > 1
    apart = (c % 1 or any(map(_comes_back, f.operands)) for f, c in pairs
             if c != 1 and f is not ONE and not f.given)  # fmt: skip
    return several and any(apart)


def _is_residual(f: Term) -> bool:
    f = f if f.op == "+" else coefficient(f)[1]
    return f.op == "+" and any(x.given and x is not ONE for x in f.operands) and not f.given


def _has_minus(f: Term) -> bool:
    return f.op == "+" and len(f.args) > 1 and any(c < 0 for _, c in f.args)


def _slope(factors: list[tuple[Term, float]]) -> tuple[Term, Term] | None:
    """The factors l and 1 − l, which stand together."""
    there = {f for f, p in factors if p == 1}
    for f in there:
        is_rest = f.op == "+" and len(f.args) == 2 and f.args[0] == (ONE, 1.0)
        if is_rest and f.args[1][1] == -1 and f.args[1][0] in there:
            return f.args[1][0], f
    return None


__all__ = ["Writer"]
