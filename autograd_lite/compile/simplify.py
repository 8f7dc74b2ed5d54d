"""Programs made shorter: the same values, up to rounding, from fewer and cheaper calls.

What is written instead of what stands in a table, `PATTERNS`, in NumPy's own functions; what also
asks for axes and sizes is a rule, a function. Shared sub-expressions are computed once.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .graph import Guard, Node, Program, converted, is_plain_reshape, mapped, values
from .memory import MADE

SMALL = 65_536  # entries, up to which a sum over rows is quicker as a product with ones
ONE_THREAD = 10_000  # entries, up to which BLAS takes a dot product on one thread


def simplified(program: Program) -> Program:
    """The program with its nodes replaced, as long as others come to be used only once."""
    uses, fell = Counter(program.uses), True
    while fell:
        _Pass(program, Counter(uses)).run()
        program.drop_unused()
        before, uses = uses, Counter(program.uses)
        fell = any(n == 1 and before[x] > 1 for x, n in uses.items())
    return program


class _Pass:
    """Each node once: by the table and the rules, and by what is there already."""

    def __init__(self, program: Program, uses: Counter[Node]) -> None:
        self.program, self.uses = program, uses
        self.replaced: dict[Node, Any] = {}
        self.known = {*program.inputs, *program.captured, *program.nodes}
        self.seen: dict[Any, Node] = {}
        self.nodes: list[Node] = []

    def run(self) -> None:
        program = self.program
        for node in program.nodes:
            if not self.replaced.keys().isdisjoint(node.operands):
                node.args, node.kwargs = mapped(node.args, self.now), mapped(node.kwargs, self.now)
            last = self.settled(node)
            if last is not node:
                self.replaced[node] = last
                if isinstance(last, Node):
                    self.uses[last] += self.uses[node]
                    if last.name is None and last.function is not None:
                        last.name = node.name
        program.outputs = [self.now(x) for x in program.outputs]
        program.updates = {old: self.now(new) for old, new in program.updates.items()}
        program.nodes = self.nodes

    def now(self, x: Any) -> Any:
        return self.replaced.get(x, x) if type(x) is Node else x

    def settled(self, node: Node) -> Any:
        """What stands for a node in the end; what is new of it is added, operands first."""
        while type(node) is Node:
            _narrow(node)
            found = _found(node, self.uses)
            if found is None:
                break
            self.uses.subtract(node.operands)
            if type(found) is not Node or found in self.known:
                return self.now(found)  # a constant, or what is there already
            found.op, found.line, found.errors = node.op, node.line, node.errors
            self.uses.update(found.operands)
            found.args = mapped(found.args, partial(self.operand, found))
            node = found
        return self.added(node)

    def operand(self, of: Node, x: Any) -> Any:
        if type(x) is not Node or x in self.known:
            return self.now(x)
        x.op, x.line, x.errors = of.op, of.line, of.errors
        self.known.add(x)
        self.uses.update(x.operands)
        x.args = mapped(x.args, partial(self.operand, x))
        self.replaced[x] = self.settled(x)
        return self.replaced[x]

    def added(self, node: Node) -> Node:
        key = _key(node)
        if key is not None:
            if key in self.seen:
                self.uses.subtract(node.operands)
                return self.seen[key]
            self.seen[key] = node
        self.known.add(node)
        self.nodes.append(node)
        return node


def _narrow(node: Node) -> None:
    """A ufunc's numbers as arrays: NumPy takes longer to convert one than to add it."""
    function, args = node.function, node.args
    if type(function) is not np.ufunc or _PYTHON.isdisjoint(map(type, args)) or node.is_scalar:
        return
    kinds = [getattr(v, "dtype", type(v)) for v in values(args)]
    try:
        dtypes = function.resolve_dtypes((*kinds, *[None] * function.nout))
        node.args = tuple(np.array(x, d) if type(x) in _PYTHON else x
                          for x, d in zip(args, dtypes, strict=False))  # fmt: skip
    except (TypeError, OverflowError):
        pass


_PYTHON = {bool, int, float, complex}


def _key(node: Node) -> Any:
    """Equal for calls that give the same; None where that can't be told."""
    if node.function in MADE:  # which may be written to
        return None
    if isinstance(node, Guard):
        return node.function, _frozen(node.args), node.value
    try:
        return node.function, _frozen(node.args), _frozen(node.kwargs), node.errors
    except TypeError:
        return None


def _frozen(x: Any) -> Any:
    if isinstance(x, Node):
        return x  # itself
    if type(x) is tuple and {*map(type, x)} == {Node}:
        return x
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(_frozen, x))
    if isinstance(x, dict):
        return tuple((key, _frozen(value)) for key, value in sorted(x.items())) if x else ()
    if isinstance(x, slice):
        return slice, _frozen((x.start, x.stop, x.step))
    if isinstance(x, np.ndarray):
        return ("array", id(x)) if x.size > 4096 else (x.shape, x.dtype.str, x.tobytes())
    if isinstance(x, np.generic):
        return x.dtype.str, x.tobytes()
    hash(x)
    return type(x), repr(x) if isinstance(x, (float, complex)) else x


# ---------------------------------------------------------------------- the table


class Var:
    """Anything, in a pattern; NumPy's functions of it are patterns."""

    function: Any = None
    args: tuple[Any, ...] = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Call:
        return Call(ufunc, args)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Call:
        return Call(function, args)


class Call(Var):
    def __init__(self, function: Any, args: tuple[Any, ...]) -> None:
        self.function, self.args = function, args


x: Any = Var()
y: Any = Var()
neg, mul, div, add, sub, pow = (
    np.negative, np.multiply, np.divide, np.add, np.subtract, np.power)

# Of floats. Signs move to where that is exact, that of a 0 included: a − b is not −(b − a).
PATTERNS: list[tuple[Any, Any]] = [
    (neg(neg(x)), x),
    (mul(x, 1), x),
    (mul(1, x), x),
    (div(x, 1), x),
    (pow(x, 1), x),
    (pow(x, 2), np.square(x)),
    (pow(x, 3), mul(np.square(x), x)),
    (pow(x, 4), np.square(np.square(x))),
    (mul(x, -1), neg(x)),
    (mul(-1, x), neg(x)),
    (add(x, neg(y)), sub(x, y)),
    (add(neg(x), y), sub(y, x)),
    (sub(x, neg(y)), add(x, y)),
    (mul(neg(x), y), neg(mul(x, y))),
    (mul(x, neg(y)), neg(mul(x, y))),
    (div(neg(x), y), neg(div(x, y))),
    (np.positive(x), x),
    (np.real(x), x),
    (np.transpose(np.transpose(x)), x),
]
_BY_FUNCTION: dict[Any, list[tuple[Any, Any]]] = {}
for _pattern, _new in PATTERNS:
    _BY_FUNCTION.setdefault(_pattern.function, []).append((_pattern, _new))


def _found(node: Node, uses: Counter[Node]) -> Any:
    """What to put in the place of a call: a constant, a node that is there, or a new one; None."""
    patterns = () if node.kwargs else _BY_FUNCTION.get(node.function, ())
    if patterns and type(node.value) not in (float, complex) and node.dtype.kind in "fc":
        for pattern, new in patterns:
            bound: dict[Any, Any] = {}
            if _fits(pattern, node, bound, uses):
                found = _built(new, bound)
                if same_kind(found, node):
                    return found
    rule = RULES.get(node.function)
    found = None if rule is None else rule(node, uses)
    later = found is None and type(node.function) is np.ufunc
    return _reshaped_later(node) if later else found


def _fits(pattern: Any, x: Node, bound: dict[Any, Any], uses: Counter[Node]) -> bool:
    """Whether a call is of that form; what is within it must be used there only."""
    for p, a in zip(pattern.args, x.args, strict=False):
        if type(p) is Var:
            bound[p] = a
        elif type(p) is not Call:
            number = None if type(a) is Node else _number(a)
            if number is None or number != p:
                return False
        elif (
            type(a) is not Node or a.function is not p.function or a.kwargs or uses[a] != 1
            or a.is_scalar != x.is_scalar or a.dtype.kind not in "fc"
            or not _fits(p, a, bound, uses)
        ):  # fmt: skip
            return False
    return len(pattern.args) == len(x.args)


def _built(pattern: Any, bound: dict[Any, Any]) -> Any:
    if isinstance(pattern, Call):
        return step(pattern.function, *(_built(p, bound) for p in pattern.args))
    return bound.get(pattern, pattern)


def _number(x: Any) -> Any:
    """A constant number, or None."""
    if isinstance(x, np.ndarray):
        return x.reshape(-1)[0] if x.size == 1 else None
    return x if isinstance(x, (int, float, np.generic)) else None


def same_kind(x: Any, node: Node) -> bool:
    """Whether ``x`` could stand for the node's value as it is."""
    return (
        isinstance(x, Node)
        and x.shape == node.shape
        and x.dtype == node.dtype
        and x.is_scalar == node.is_scalar
        and (not x.is_scalar or type(x.value) is type(node.value))
    )


def step(function: Any, *args: Any, **kwargs: Any) -> Node:
    """A further call, whose value is computed now."""
    return Node(function, args, kwargs, function(*values(args), **kwargs))


def instead(node: Node, function: Any, *args: Any, **kwargs: Any) -> Node:
    """A call that gives the same value."""
    return Node(function, args, kwargs, node.value)


# ---------------------------------------------------------------------- rules

Rule = Callable[[Node, "Counter[Node]"], Any]
RULES: dict[Any, Rule] = {}


def _rule(*functions: Any) -> Callable[[Rule], Rule]:
    """A rule for calls of ``functions``: gives what to put in their place, or None."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, rule))
        return rule

    return register


@_rule(np.asarray, converted, np.broadcast_to, np.reshape)
def _unchanged(node: Node, uses: Counter[Node]) -> Any:
    """What is all of an array as it is."""
    x = node.args[0]
    if same_kind(x, node):
        return x
    if node.function is np.reshape and is_plain_reshape(x) and not node.kwargs:
        return instead(node, np.reshape, x.args[0], *node.args[1:])
    return None


@_rule(np.add, np.subtract, np.multiply, np.divide)
def _without_broadcast(node: Node, uses: Counter[Node]) -> Any:
    """A ufunc broadcasts its operands by itself."""
    for i, x in enumerate(() if node.kwargs else node.args):
        if isinstance(x, Node) and x.function is np.broadcast_to:
            args = [*node.args[:i], x.args[0], *node.args[i + 1 :]]
            shapes = [a.shape if isinstance(a, Node) else np.shape(a) for a in args]
            kinds = [getattr(a, "dtype", None) for a in args]
            if np.broadcast_shapes(*shapes) == node.shape and x.dtype == kinds[i]:
                return instead(node, node.function, *args)
    return None


def _reshaped_later(node: Node) -> Any:
    """A ufunc of reshaped arrays as its result reshaped, which others may want as it was."""
    given = [x for x in node.args if isinstance(x, Node)]
    if not given or not all(map(is_plain_reshape, given)) or node.kwargs or node.function.signature:
        return None
    if node.is_scalar or any(np.ndim(x) for x in node.args if not isinstance(x, Node)):
        return None
    if any(x.shape != node.shape or x.args[0].shape != given[0].args[0].shape for x in given):
        return None
    inner = step(node.function, *(x.args[0] if isinstance(x, Node) else x for x in node.args))
    return instead(node, np.reshape, inner, node.shape)


@_rule(np.transpose, np.matrix_transpose)
def _transpose(node: Node, uses: Counter[Node]) -> Any:
    """Of a matrix in one form."""
    axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("axes")
    swapped = isinstance(axes, (tuple, list)) and tuple(axes) == (1, 0)
    if node.ndim == 2 and (node.function is np.matrix_transpose or swapped):
        return instead(node, np.transpose, node.args[0])
    return node.args[0] if node.ndim < 2 and same_kind(node.args[0], node) else None


_REDUCTIONS: dict[Any, Any] = {
    np.sum: np.add, np.max: np.maximum, np.min: np.minimum, np.amax: np.maximum,
    np.amin: np.minimum, np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and,
    np.mean: np.add,
}  # fmt: skip


@_rule(*_REDUCTIONS)
def _reduction(node: Node, uses: Counter[Node]) -> Any:
    """Without NumPy's layers of Python around it."""
    settings = {"axis": None, **dict(zip(("a", "axis"), node.args, strict=False)), **node.kwargs}
    if len(node.args) > 2 or not settings.keys() <= {"a", "axis", "keepdims"}:
        return None
    x = settings["a"]
    if not isinstance(x, Node) or x.is_scalar:
        return None
    total = {"axis": settings["axis"], "keepdims": bool(settings.get("keepdims", False))}
    reduce = _REDUCTIONS[node.function].reduce
    if node.function is not np.mean:
        return instead(node, reduce, x, **total)
    if x.dtype.char not in "dfFD" or not node.size or not x.size:
        return None
    return instead(node, np.divide, step(reduce, x, **total), x.size // node.size)


@_rule(np.add.reduce)
def _sum(node: Node, uses: Counter[Node]) -> Any:
    """``Σ x y`` without the products; a sum over the rows as a product with ones."""
    x = node.args[0]
    if not isinstance(x, Node) or x.dtype.char not in "df" or node.dtype != x.dtype or not x.size:
        return None
    axis, keepdims = axis_of(node)
    if axis is None and not keepdims and x.size <= ONE_THREAD:
        return _dot_product(node, x, uses)
    if x.ndim != 2 or x.size > SMALL or not isinstance(axis, int):
        return None
    ones = np.ones(x.shape[axis], x.dtype)
    if axis % 2 == 0:
        return instead(node, np.dot, ones[None] if keepdims else ones, x)
    return instead(node, np.dot, x, ones[:, None] if keepdims else ones)


def axis_of(node: Node) -> tuple[Any, bool]:
    """Of a reduction; None for all axes, which may be the only one."""
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
    if node.kwargs.keys() - {"axis", "keepdims"} or len(node.args) > 2:
        return "unknown", True
    if isinstance(axis, tuple) and len(axis) == 1:
        axis = axis[0]
    ndim = node.args[0].ndim if isinstance(node.args[0], Node) else -1
    only = ndim == 1 and isinstance(axis, int)
    if only or (isinstance(axis, tuple) and len(axis) == ndim):
        axis = None
    return axis, bool(node.kwargs.get("keepdims", False))


def _dot_product(node: Node, x: Node, uses: Counter[Node]) -> Any:
    """Of ``Σ x y``; and ``Σ (x y − z w)`` as the difference of two."""
    if not node.is_scalar or uses[x] != 1 or x.kwargs:
        return None
    if x.function in (np.add, np.subtract) and all(_is_product(a, x) and uses[a] == 1
                                                   for a in x.args):  # fmt: skip
        return instead(node, x.function, *map(_flat_product, x.args))
    return _flat_product(x) if _is_product(x, x) else None


def _is_product(a: Any, like: Node) -> bool:
    return (
        same_kind(a, like) and a.function in (np.multiply, np.square) and not a.kwargs
        and all(same_kind(factor, like) for factor in a.args)
    )  # fmt: skip


def _flat_product(x: Node) -> Node:
    """``Σ x y`` of all entries of a product."""
    rows = {f: step(np.reshape, f, -1) for f in x.args}
    return step(np.dot, rows[x.args[0]], rows[x.args[-1]])


@_rule(operator.getitem)
def _item(node: Node, uses: Counter[Node]) -> Any:
    x, index = node.args
    return x if index is ... and same_kind(x, node) else None
