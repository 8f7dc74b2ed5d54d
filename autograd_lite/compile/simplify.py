"""Programs made shorter: the same values, up to rounding, from fewer and cheaper calls.

Shared sub-expressions are computed once, calls that change nothing go, and what NumPy computes
quicker otherwise is written so: a sum of products as a dot product, a sum over the rows as a
product with ones, a function such as ``np.mean`` as the ufuncs that it consists of.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Guard, Node, Program, is_plain_reshape, mapped
from .traced import converted

SMALL = 65_536  # entries, up to which a sum over rows is quicker as a product with ones
LARGE = 32_768  # entries, from which chains of calls run in blocks
_PASSES = 50  # over the program, at most: a few are enough
ONE_THREAD = 10_000  # entries, up to which BLAS takes a dot product on one thread


def simplified(program: Program) -> Program:
    """The program with its nodes replaced; run to a fixed point.

    Signs move past products and quotients, and into sums, where that is exact, the sign of a 0
    included: ``a − b`` is not ``−(b − a)``.
    """
    for _ in range(_PASSES):
        before = len(program.nodes)
        changed = _pass(program)
        program.drop_unused()
        if not changed and len(program.nodes) == before:
            break
    return program


def _pass(program: Program) -> bool:
    """Each node once: by its rule, and by what is there already."""
    replaced: dict[Node, Any] = {}
    seen: dict[Any, Node] = {}
    known = {*program.inputs, *program.captured, *program.nodes}
    uses = Counter(x for node in program.nodes for x in node.operands)
    uses.update(program.results())
    nodes: list[Node] = []
    changed = False

    def current(x: Any) -> Any:
        return replaced.get(x, x) if isinstance(x, Node) else x

    def replace(node: Node, other: Any) -> None:
        replaced[node] = other
        if isinstance(other, Node) and other.name is None and other.function is not None:
            other.name = node.name

    for original in program.nodes:
        original.args = mapped(original.args, current)
        original.kwargs = mapped(original.kwargs, current)
        _narrow_constants(original)
        rule = None if isinstance(original, Guard) else _RULES.get(original.function)
        found = None if rule is None else rule(original, uses)
        found = _reshaped_later(original) if found is None else found
        steps = [original] if found is None else found if isinstance(found, tuple) else [found]
        changed = changed or found is not None
        for node in steps:
            if isinstance(node, Node) and node not in known:
                node.op, node.line, node.errors = original.op, original.line, original.errors
                known.add(node)
            elif node is not original:
                break  # what is there already
            key = _key(node)
            if key is not None and key in seen:
                replace(node, seen[key])
                changed = True
                continue
            if key is not None:
                seen[key] = node
            nodes.append(node)
        if steps[-1] is not original:
            replace(original, steps[-1])
    final = {node: _last(replaced, node) for node in replaced}
    for node in nodes:  # a step of a rule may use another that was there already
        node.args = mapped(node.args, lambda x: final.get(x, x) if isinstance(x, Node) else x)
    program.outputs = [final.get(x, x) if isinstance(x, Node) else x for x in program.outputs]
    program.updates = {old: final.get(new, new) for old, new in program.updates.items()}
    program.nodes = nodes
    return changed


def _last(replaced: dict[Node, Any], node: Node) -> Any:
    found: Any = node
    while isinstance(found, Node) and found in replaced and replaced[found] is not found:
        found = replaced[found]
    return found


# ---------------------------------------------------------------------- the same again


def _key(node: Node) -> Any:
    """Equal for calls that give the same; None where that can't be told."""
    function: Any = node.function
    if not (isinstance(getattr(function, "__self__", function), np.ufunc)
            or getattr(function, "__module__", "").startswith(("numpy", "_operator"))
            or function is converted):  # fmt: skip
        return None
    try:
        return function, _frozen(node.args), _frozen(node.kwargs), node.errors
    except TypeError:
        return None


def _frozen(x: Any) -> Any:
    if isinstance(x, Node):
        return "node", id(x)
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(_frozen, x))
    if isinstance(x, dict):
        return tuple((key, _frozen(value)) for key, value in sorted(x.items()))
    if isinstance(x, slice):
        return slice, _frozen((x.start, x.stop, x.step))
    if isinstance(x, np.ndarray):
        return ("array", id(x)) if x.size > 64 else (x.shape, x.dtype.str, x.tobytes())
    if isinstance(x, np.generic):
        return x.dtype.str, x.tobytes()
    hash(x)
    return type(x), repr(x) if isinstance(x, (float, complex)) else x


def _narrow_constants(node: Node) -> None:
    """Constants in one form: a number, and an array of equal entries, as an array of no axes.

    Where the ufunc gives the same with it: beside an array, which then decides on shape and dtype.
    """
    if not isinstance(node.function, np.ufunc) or len(node.args) != 2 or node.function.signature:
        return
    if node.kwargs or not (node.dtype == bool or node.dtype in (x.dtype for x in node.operands)):
        return
    for i, (x, other) in enumerate(zip(node.args, reversed(node.args), strict=True)):
        if isinstance(x, Node) or not isinstance(other, Node) or other.shape != node.shape:
            continue
        if other.is_scalar or other.dtype.kind not in "fc":
            continue
        if isinstance(x, (np.ndarray, np.generic)):
            same = x.dtype == other.dtype and x.size and x.tobytes() == x.flat[0].tobytes() * x.size
        else:
            same = isinstance(x, (bool, int, float)) and node.function is not np.ldexp
        if same:
            number = np.full((), x.flat[0] if isinstance(x, np.ndarray) else x, other.dtype)
            node.args = (number, other) if i == 0 else (other, number)


# ---------------------------------------------------------------------- rules

Rule = Callable[[Node, "Counter[Node]"], Any]
_RULES: dict[Any, Rule] = {}


def _rule(*functions: Any) -> Callable[[Rule], Rule]:
    """A rule for calls of ``functions``: gives what to put in their place, or None.

    That is a node that is there, a constant, a new node, or a tuple of new nodes, the last of
    which has the value.
    """

    def register(rule: Rule) -> Rule:
        for function in functions:
            _RULES[function] = rule
        return rule

    return register


def _instead(node: Node, function: Any, *args: Any, **kwargs: Any) -> Node:
    """A call that gives the same value."""
    return Node(function, args, kwargs, node.value)


def _step(function: Any, *args: Any, **kwargs: Any) -> Node:
    """A further call, whose value is computed now."""
    values = mapped(args, lambda x: x.value if isinstance(x, Node) else x)
    return Node(function, args, kwargs, function(*values, **kwargs))


def _number(x: Any) -> Any:
    """A constant number, or None."""
    if isinstance(x, Node) or not isinstance(x, (int, float, np.generic, np.ndarray)):
        return None
    return x if not isinstance(x, np.ndarray) else x[()] if x.ndim == 0 else None


def _same_kind(x: Any, node: Node) -> bool:
    """Whether ``x`` could stand for the node's value as it is."""
    return (
        isinstance(x, Node)
        and x.shape == node.shape
        and x.dtype == node.dtype
        and x.is_scalar == node.is_scalar
    )


def _alone(x: Any, function: Any, uses: Counter[Node]) -> bool:
    """Whether ``x`` is a call of ``function`` whose value is used once."""
    return (
        isinstance(x, Node)
        and x.function is function
        and uses[x] == 1
        and not x.kwargs
        and x.dtype.kind in "fc"
    )


@_rule(np.positive, np.asarray, converted, np.broadcast_to, np.reshape, np.real)
def _unchanged(node: Node, uses: Counter[Node]) -> Any:
    x = node.args[0]
    if _same_kind(x, node):
        return x
    if node.function is np.reshape and is_plain_reshape(x) and not node.kwargs:
        return _instead(node, np.reshape, x.args[0], *node.args[1:], **node.kwargs)
    return None


@_rule(np.multiply)
def _multiply(node: Node, uses: Counter[Node]) -> Any:
    if node.kwargs:
        return None
    x, y = node.args
    for a, b in ((x, y), (y, x)):
        number = _number(a)
        if number is not None and number == 1 and _same_kind(b, node):
            return b
        if number is not None and number == -1 and _same_kind(b, node) and not node.is_scalar:
            return _instead(node, np.negative, b)
        if _alone(a, np.negative, uses) and not node.is_scalar:
            if _number(b) is not None and getattr(b, "dtype", None) == a.dtype:
                return _instead(node, np.multiply, a.args[0], -b)
            if isinstance(b, Node) and b.is_scalar:
                opposite = _step(np.negative, b)
                return opposite, _instead(node, np.multiply, a.args[0], opposite)
            inner = _step(np.multiply, a.args[0], b)
            return inner, _instead(node, np.negative, inner)
    return _without_broadcast(node)


@_rule(np.divide)
def _divide(node: Node, uses: Counter[Node]) -> Any:
    if node.kwargs:
        return None
    x, y = node.args
    number = _number(y)
    if number is not None and number == 1 and _same_kind(x, node):
        return x
    if _alone(x, np.negative, uses) and not node.is_scalar:
        inner = _step(np.divide, x.args[0], y)
        return inner, _instead(node, np.negative, inner)
    return _without_broadcast(node)


@_rule(np.add)
def _add(node: Node, uses: Counter[Node]) -> Any:
    if node.kwargs or node.dtype.kind not in "fc":
        return None
    x, y = node.args
    if _alone(y, np.negative, uses):
        return _instead(node, np.subtract, x, y.args[0])
    if _alone(x, np.negative, uses):
        return _instead(node, np.subtract, y, x.args[0])
    return _without_broadcast(node)


@_rule(np.subtract)
def _subtract(node: Node, uses: Counter[Node]) -> Any:
    if node.kwargs or node.dtype.kind not in "fc":
        return None
    x, y = node.args
    if _alone(y, np.negative, uses):
        return _instead(node, np.add, x, y.args[0])
    return _without_broadcast(node)


@_rule(np.negative)
def _negative(node: Node, uses: Counter[Node]) -> Any:
    (x,) = node.args
    if isinstance(x, Node) and x.function is np.negative and _same_kind(x.args[0], node):
        return x.args[0]
    return None


def _without_broadcast(node: Node) -> Any:
    """A ufunc broadcasts its operands by itself."""
    for i, x in enumerate(node.args):
        if isinstance(x, Node) and x.function is np.broadcast_to and isinstance(x.args[0], Node):
            args = [*node.args[:i], x.args[0], *node.args[i + 1 :]]
            shapes = [a.shape if isinstance(a, Node) else np.shape(a) for a in args]
            if np.broadcast_shapes(*shapes) == node.shape and not x.args[0].is_scalar:
                return _instead(node, node.function, *args)
    return None


def _reshaped_later(node: Node) -> Any:
    """A ufunc of reshaped arrays as its result reshaped, which others may want as it was."""
    if not isinstance(node.function, np.ufunc) or node.kwargs or node.function.signature:
        return None
    given = [x for x in node.args if isinstance(x, Node)]
    if not given or node.is_scalar or any(np.ndim(x) for x in node.args if not isinstance(x, Node)):
        return None
    if not all(is_plain_reshape(x) for x in given):
        return None
    shapes = {x.args[0].shape for x in given}
    if len(shapes) > 1 or any(x.shape != node.shape for x in given):
        return None
    inner = _step(node.function, *(x.args[0] if isinstance(x, Node) else x for x in node.args))
    return inner, _instead(node, np.reshape, inner, node.shape)


@_rule(np.power)
def _power(node: Node, uses: Counter[Node]) -> Any:
    x, number = node.args[0], _number(node.args[1])
    if number is None or not _same_kind(x, node) or node.is_scalar or node.dtype.kind not in "fc":
        return None
    if number == 2:
        return _instead(node, np.square, x)
    if number in (3, 4):
        square = _step(np.square, x)
        last = (np.multiply, square, x) if number == 3 else (np.square, square)
        return square, _instead(node, *last)
    return x if number == 1 else None


@_rule(np.transpose, np.matrix_transpose)
def _transpose(node: Node, uses: Counter[Node]) -> Any:
    x = node.args[0]
    if not isinstance(x, Node):
        return None
    axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("axes")
    swapped = isinstance(axes, (tuple, list)) and tuple(axes) == (1, 0)
    if node.function is np.matrix_transpose or swapped:
        return _instead(node, np.transpose, x) if x.ndim == 2 else None
    if axes is None and x.ndim < 2:
        return x
    if axes is None and x.function is np.transpose and len(x.args) == 1 and not x.kwargs:
        return x.args[0]
    return None


_REDUCTIONS = {
    np.sum: np.add, np.max: np.maximum, np.min: np.minimum, np.amax: np.maximum,
    np.amin: np.minimum, np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and,
}  # fmt: skip


@_rule(*_REDUCTIONS)
def _reduction(node: Node, uses: Counter[Node]) -> Any:
    """Without NumPy's layers of Python around it."""
    if len(node.args) > 2:
        return None
    settings = {"axis": None, **dict(zip(("a", "axis"), node.args, strict=False)), **node.kwargs}
    if not settings.keys() <= {"a", "axis", "keepdims"}:
        return None
    function: Any = _REDUCTIONS[node.function]  # type: ignore[index]
    axis, keepdims = settings["axis"], bool(settings.get("keepdims", False))
    return _instead(node, function.reduce, settings["a"], axis=axis, keepdims=keepdims)


@_rule(np.mean)
def _mean(node: Node, uses: Counter[Node]) -> Any:
    if len(node.args) > 2:
        return None
    settings = {"axis": None, **dict(zip(("a", "axis"), node.args, strict=False)), **node.kwargs}
    x = settings.pop("a")
    if not (isinstance(x, Node) and x.dtype.char in "dfFD" and x.size and node.size
            and settings.keys() <= {"axis", "keepdims"}):  # fmt: skip
        return None
    total = _step(np.add.reduce, x, **settings)
    count: Any = x.size // node.size
    return total, _instead(node, np.divide, total, count)


@_rule(np.add.reduce)
def _sum(node: Node, uses: Counter[Node]) -> Any:
    axis, keepdims = axis_of(node)
    x = node.args[0]
    if not isinstance(x, Node) or x.dtype.char not in "df" or node.dtype != x.dtype:
        return None
    if x.size and axis is None and not keepdims and x.size <= ONE_THREAD:
        return _dot_product(node, x, uses)
    if x.ndim != 2 or x.size > SMALL or not x.size or not isinstance(axis, int):
        return None
    ones = np.ones(x.shape[axis], x.dtype)
    if axis % 2 == 0:
        return _instead(node, np.dot, ones[None] if keepdims else ones, x)
    return _instead(node, np.dot, x, ones[:, None] if keepdims else ones)


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
    """``Σ x y`` without the products; ``Σ (x y − z w)`` as the difference of two."""
    if not node.is_scalar or uses[x] != 1 or x.kwargs:
        return None
    if x.function in (np.multiply, np.square):
        factors = x.args * 2 if x.function is np.square else x.args
        if all(_same_kind(f, x) for f in factors):
            return _flat_product(node, factors)
    elif x.function in (np.add, np.subtract) and all(
        isinstance(a, Node) and a.function in (np.multiply, np.square) and _same_kind(a, x)
        and uses[a] == 1 and not a.kwargs and all(_same_kind(f, a) for f in a.args)
        for a in x.args
    ):  # fmt: skip
        products = [_flat_product(None, a.args * 2 if a.function is np.square else a.args)
                    for a in x.args]  # fmt: skip
        sums = [steps[-1] for steps in products]
        return *products[0], *products[1], _instead(node, x.function, *sums)
    return None


def _flat_product(node: Node | None, factors: Any) -> tuple[Node, ...]:
    """``Σ x y`` of all entries, which is the value of ``node`` where that is given."""
    rows = [_step(np.reshape, f, -1) for f in dict.fromkeys(factors)]
    both = rows * 2 if len(rows) == 1 else rows
    dot = _step(np.dot, *both) if node is None else _instead(node, np.dot, *both)
    return *rows, dot


@_rule(operator.getitem)
def _item(node: Node, uses: Counter[Node]) -> Any:
    x, index = node.args
    if isinstance(x, Node) and index is ... and _same_kind(x, node):
        return x
    return None
