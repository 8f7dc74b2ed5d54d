"""Programs made shorter: the same values, up to rounding, from fewer and cheaper calls.

What is written instead stands in a table of rules by what is called, `RULES`; shared
sub-expressions are computed once.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .graph import MADE, Guard, Node, Program, converted, is_plain_reshape, key_of, mapped, values

SMALL = 65_536  # entries, up to which a sum over rows is quicker as a product with ones
COPIED = 512  # entries, up to which a row is sooner copied than repeated by a ufunc
ONE_THREAD = 10_000  # entries, up to which BLAS takes a dot product on one thread


def simplified(program: Program) -> Program:
    """The program, of each call what stands for it by the table, the rules, and what is there."""
    program = replace(program)
    builder, now = Builder(Counter(program.uses)), dict[Node, Any]()
    read = {x for node in program.nodes if node.function not in MADE for x in node.operands}
    read -= {*program.updates.values()}

    def of(x: Any) -> Any:
        return now.get(x, x) if type(x) is Node else x

    for old in program.nodes:
        node = replace(old, args=mapped(old.args, of), kwargs=mapped(old.kwargs, of))
        fixed = not node.operands and node.function is not np.broadcast_to
        if fixed and (old in read or node.function not in MADE):
            now[old] = node.value
            continue
        builder.origin = node
        new = now[old] = builder.added(node)
        builder.uses[new] += builder.uses[old]
        new.name = new.name or (old.name if new.function else None)
    program.outputs = list(map(of, program.outputs))
    program.updates = {old: of(new) for old, new in program.updates.items()}
    program.nodes = builder.nodes
    program.drop_unused()
    return program


class Builder:
    """Makes a program, call by call, each once.

    Attributes:
        uses: how often nodes are used.
        nodes: the calls so far.
        origin: the call that stood in the place of those that are made now.
    """

    origin: Node

    def __init__(self, uses: Counter[Node]) -> None:
        self.uses, self.nodes = uses, list[Node]()
        self._seen: dict[Any, Node] = {}

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Node:
        """What stands for a further call."""
        value, origin = function(*values(args), **kwargs), self.origin
        node = Node(function, args, kwargs, value, None, origin.line, origin.errors)
        return self.added(node)

    def added(self, node: Node) -> Node:
        """What stands for a call of what is there."""
        _narrow(node)
        rule = RULES.get(node.function) if type(node) is Node and node.args else None
        found: Any = rule(node, self) if rule else None
        if found is None and type(node.function) is np.ufunc:
            found = _reshaped_later(node, self)
        if not same_kind(found, node):
            found = self._seen.setdefault(_key(node), node)
            if found is node:
                self.nodes.append(node)
        return found  # type: ignore[no-any-return]


def _narrow(node: Node) -> None:
    """A ufunc's numbers as arrays: NumPy takes longer to convert one than to add it."""
    function, args = node.function, node.args
    if type(function) is not np.ufunc or node.kwargs or node.is_scalar:
        return
    if {*map(type, args)} == {Node}:
        return
    kinds = [getattr(v, "dtype", type(v)) for v in values(args)]
    try:
        dtypes = function.resolve_dtypes((*kinds, *[None] * function.nout))
        node.args = tuple(np.array(x, d) if type(x) in _PYTHON or isinstance(x, np.generic) else x
                          for x, d in zip(args, dtypes, strict=False))  # fmt: skip
    except (TypeError, OverflowError):
        pass


_PYTHON = {bool, int, float, complex}


def _key(node: Node) -> Any:
    """Equal for calls that give the same."""
    asked = node.value if type(node) is Guard else None
    own = "" if {*map(type, node.args)} == {Node} and not node.kwargs else repr(
        mapped((node.args, node.kwargs), _known)
    )  # fmt: skip
    return node.function, tuple(node.operands), own, node.errors, asked


def _known(x: Any) -> Any:
    if isinstance(x, (np.ndarray, np.generic)):
        return key_of(x)
    return Node if isinstance(x, Node) else (type(x), x)


def same_kind(x: Any, node: Node) -> bool:
    """Whether ``x`` could stand for the node's value as it is."""
    return (
        type(x) is Node and x.shape == node.shape and x.dtype == node.dtype
        and x.is_scalar == node.is_scalar
        and (not x.is_scalar or type(x.value) is type(node.value))
    )  # fmt: skip


Rule = Callable[[Node, Builder], Any]
RULES: dict[Any, Rule] = {}


def _rule(*functions: Any) -> Callable[[Rule], Rule]:
    """A rule for calls of ``functions``: gives what could stand in their place, or None."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, rule))
        return rule

    return register


@_rule(np.array, np.asarray, converted, np.broadcast_to, np.reshape, np.real, np.positive)
def _unchanged(node: Node, make: Builder) -> Any:
    """What is all of an array as it is."""
    x, *rest = node.args
    if node.function is np.reshape and is_plain_reshape(x) and not node.kwargs:
        return make.call(np.reshape, x.args[0], *rest)
    return x


@_rule(np.matmul)
def _product(node: Node, make: Builder) -> Any:
    """Of matrices a method, which takes half the time."""
    flat = max(map(np.ndim, values(node.args))) <= 2 and not node.kwargs
    return make.call(np.dot, *node.args) if flat else None


@_rule(np.power)
def _power(node: Node, make: Builder) -> Any:
    """Few factors are multiplied."""
    x, n = node.args
    if type(n) is Node or np.size(n) != 1 or node.dtype.kind not in "fc" or node.kwargs:
        return None
    square = make.call(np.square, x)
    powers = {1: x, 2: square, 3: (np.multiply, square, x), 4: (np.square, square)}
    found = powers.get(np.reshape(n, -1)[0])
    return make.call(*found) if type(found) is tuple else found


@_rule(np.add, np.subtract, np.multiply, np.divide)
def _arithmetic(node: Node, make: Builder) -> Any:
    """``x · 1``; and what is negative is subtracted."""
    function, args = node.function, node.args
    for i in {np.multiply: (0, 1), np.divide: (1,)}.get(function, ()):
        one = args[i] if type(args[i]) is not Node and np.size(args[i]) == 1 else 0
        if np.all(np.equal(one, 1)):
            return args[1 - i]
    for x, other in ((args[1], args[0]), *([args] if function is np.add else [])):
        if function in (np.add, np.subtract) and not node.kwargs and type(x) is Node and (
            x.function is np.negative and x.dtype.kind in "fc" and x.is_scalar == node.is_scalar
        ):  # fmt: skip
            opposite = np.subtract if function is np.add else np.add
            return make.call(opposite, other, x.args[0])
    return _broadcast(node, make)


def _broadcast(node: Node, make: Builder) -> Any:
    """A ufunc broadcasts its operands by itself, but a small one is sooner copied."""
    args, whole = list(node.args), node.shape in map(np.shape, values(node.args))
    for i, x in enumerate(args):
        if type(x) is not Node or x.dtype != node.dtype or not x.shape or node.kwargs:
            continue
        if x.function is np.broadcast_to and x.args:
            args[i] = x.args[0]
        elif whole and x.shape != node.shape and node.size <= COPIED:
            args[i] = make.call(np.full, node.shape, x, x.dtype)
    same = all(map(operator.is_, args, node.args))
    return None if same else make.call(node.function, *args)


def _reshaped_later(node: Node, make: Builder) -> Any:
    """A ufunc of reshaped arrays as its result reshaped, which others may want as it was."""
    given = [x for x in node.args if type(x) is Node]
    if node.kwargs or node.function.signature or not all(map(is_plain_reshape, given)):
        return None
    if any(np.ndim(x) for x in node.args if type(x) is not Node) or node.is_scalar:
        return None
    if len({x.shape for x in given}) != 1 or len({x.args[0].shape for x in given}) != 1:
        return None
    args = [x.args[0] if type(x) is Node else x for x in node.args]
    return make.call(np.reshape, make.call(node.function, *args), node.shape)


_REDUCTIONS: dict[Any, Any] = {
    np.sum: np.add, np.max: np.maximum, np.min: np.minimum, np.prod: np.multiply,
    np.any: np.logical_or, np.all: np.logical_and, np.mean: np.add,
}  # fmt: skip


@_rule(*_REDUCTIONS, *(ufunc.reduce for ufunc in _REDUCTIONS.values()))
def _reduction(node: Node, make: Builder) -> Any:
    """Without NumPy's layers of Python around it, and all by place."""
    ufunc = _REDUCTIONS.get(node.function)
    names = ("x", "axis") if ufunc else ("x", "axis", "dtype", "out", "keepdims")
    given: dict[str, Any] = {"axis": None if ufunc else 0, "dtype": None, "out": None}
    given |= {"keepdims": False, **dict(zip(names, node.args, strict=False)), **node.kwargs}
    x: Any = given.get("x")
    if len(node.args) > len(names) or len(given) > 5 or type(x) is not Node or x.is_scalar or (
        not given["dtype"] is given["out"] is None or type(given["axis"]) is Node
    ):  # fmt: skip
        return None
    settings = given["axis"], None, None, bool(given["keepdims"])
    if node.function is np.mean:
        if not (x.dtype.char in "dfFD" and node.size and x.size):
            return None
        return make.call(np.divide, make.call(np.add.reduce, x, *settings), x.size // node.size)
    if ufunc or node.kwargs or len(node.args) < 5:
        return make.call((ufunc or node.function.__self__).reduce, x, *settings)
    return _dot(node, make) if node.function == np.add.reduce else None


def _dot(node: Node, make: Builder) -> Any:
    """``Σ x y`` without the products; a sum over the rows as a product with ones."""
    x, axis, *_, keepdims = node.args
    if x.dtype.char not in "df" or node.dtype != x.dtype or not x.size:
        return None
    (axis,) = axis if isinstance(axis, tuple) and len(axis) == 1 else (axis,)
    if node.is_scalar:
        product = x.function in (np.multiply, np.square) and not x.kwargs and make.uses[x] <= 1
        if product and x.size <= ONE_THREAD and all(same_kind(a, x) for a in x.args):
            rows = [make.call(np.reshape, a, -1) for a in x.args]
            return make.call(np.dot, rows[0], rows[-1])
        return None
    if len(x.shape) != 2 or x.size > SMALL or type(axis) is not int:
        return None
    ones = np.ones(x.shape[axis], x.dtype)
    if axis % 2 == 0:
        return make.call(np.dot, ones[None] if keepdims else ones, x)
    return make.call(np.dot, x, ones[:, None] if keepdims else ones)
