"""What a program is made of: nodes, each a call of NumPy on other nodes and on constants."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..numpy_code import numpy_name


class CompileError(RuntimeError):
    """A function that can't be compiled; the message names the op, the line and the remedy."""


class ResultError(CompileError, TypeError):
    """A function that returns something else than arrays, numbers and containers of them."""


class UntraceableError(CompileError):
    """Code asked for what a program would have to know beforehand."""


class Changed(Exception):  # noqa: N818  (no error of the user's)
    """Values decide otherwise than those that a program was recorded with."""


class Node:
    """A call, or what a program is given.

    Attributes:
        function: what is called: a NumPy function, a ufunc, one's ``reduce``; None for what is
            given.
        args: operands: Nodes, constants, and containers of them.
        kwargs: settings, which may hold Nodes, too.
        value: what it gave when it was recorded, which tells shape, dtype and kind.
        name: what the user calls it, or None.
        op: the name of the op that asked for it, or None.
        line: where, in the user's code.
        errors: NumPy's settings for warnings where those differ from what they are outside.
    """

    __slots__ = ("args", "errors", "function", "kwargs", "line", "name", "op", "value")

    def __init__(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        value: Any = None,
        name: str | None = None,
        op: str | None = None,
        line: str = "",
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs or {}
        self.value, self.name, self.op, self.line = value, name, op, line
        self.errors: tuple[tuple[str, str], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return () if isinstance(self.value, (tuple, list)) else np.shape(self.value)

    @property
    def size(self) -> int:
        return 0 if isinstance(self.value, (tuple, list)) else int(np.size(self.value))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        if isinstance(self.value, (tuple, list)):
            return np.dtype(object)
        return self.value.dtype if hasattr(self.value, "dtype") else np.asarray(self.value).dtype

    @property
    def is_scalar(self) -> bool:
        """Whether it is a number, and no array."""
        return not isinstance(self.value, (np.ndarray, tuple, list))

    @property
    def operands(self) -> list[Node]:
        """The nodes it is computed from, as often as they are used."""
        return [*nodes_in(self.args), *nodes_in(self.kwargs)] if self.kwargs else [
            *nodes_in(self.args)
        ]

    def described(self) -> str:
        """For messages: what it is, and where it was computed."""
        name = self.name or ("an argument" if self.function is None else f"what {self.op} gives")
        return f"{name} of shape {self.shape}{f', from {self.line}' if self.line else ''}"

    def __repr__(self) -> str:
        return f"<{self.described()}>"


class Guard(Node):
    """What code asked of values, ``int`` or ``bool`` of ``args``, and was told: ``value``."""

    def same(self, x: Any) -> bool:
        return bool(self.function(x) == self.value)  # type: ignore[misc]


@dataclass
class Program:
    """A recorded function.

    Attributes:
        name: the function's.
        inputs: what it is called with, in order.
        captured: the values of the Tensors that it uses besides.
        nodes: all calls, operands before results.
        outputs: what it returns, nodes and constants.
        resident: inputs whose memory stays the same from call to call.
        updates: of these, what is written into them in the end.
    """

    name: str
    inputs: list[Node]
    captured: list[Node]
    nodes: list[Node]
    outputs: list[Any]
    resident: list[Node] = field(default_factory=list)
    updates: dict[Node, Node] = field(default_factory=dict)

    def results(self) -> list[Node]:
        """The nodes that are handed out or written back."""
        return [*nodes_in(self.outputs), *self.updates.values()]

    def forget(self) -> None:
        """Drop the calls with their values, and of arguments all but their shapes and dtypes."""
        self.nodes, self.outputs, self.updates = [], [], {}
        for node in (*self.inputs, *self.captured):
            if isinstance(node.value, np.ndarray):
                node.value = np.broadcast_to(np.empty((), node.dtype), node.shape)

    def drop_unused(self) -> None:
        """Leave the calls that results and guards need."""
        wanted = set(self.results())
        kept = []
        for node in reversed(self.nodes):
            if node in wanted or isinstance(node, Guard):
                wanted.update(node.operands)
                kept.append(node)
        self.nodes = kept[::-1]


def nodes_in(tree: Any) -> Iterator[Node]:
    """The nodes in nested containers, in order."""
    if isinstance(tree, Node):
        yield tree
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            if isinstance(item, Node):
                yield item
            elif isinstance(item, (tuple, list, dict, slice)):
                yield from nodes_in(item)
    elif isinstance(tree, dict):
        yield from nodes_in([*tree.values()])
    elif isinstance(tree, slice):
        yield from nodes_in((tree.start, tree.stop, tree.step))


def mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Nested containers with ``change`` applied to what they hold."""
    if isinstance(tree, tuple):
        items = [mapped(item, change) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    if isinstance(tree, list):
        return [mapped(item, change) for item in tree]
    if isinstance(tree, dict):
        return {key: mapped(item, change) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(*(mapped(x, change) for x in (tree.start, tree.stop, tree.step)))
    return change(tree)


def is_plain_reshape(x: Any) -> bool:
    """Whether it is a node's entries in their order, in another shape."""
    return (
        isinstance(x, Node) and x.function is np.reshape and not x.kwargs and len(x.args) == 2
        and isinstance(x.args[0], Node) and not isinstance(x.args[1], Node)
    )  # fmt: skip


def called(function: Any) -> str:
    """What the user calls a function: ``np.add.reduce``."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    if isinstance(function, np.ufunc) or (getattr(function, "__module__", "") or "")[:5] == "numpy":
        return numpy_name(function)
    return getattr(function, "__name__", type(function).__name__)


# ---------------------------------------------------------------------- functions besides NumPy's


def converted(x: Any, dtype: Any) -> Any:
    """``x.astype(dtype)``, of numbers too."""
    new = np.asarray(x).astype(dtype)
    return new if isinstance(x, np.ndarray) else new[()]


def put(x: Any, index: Any, value: Any) -> Any:
    """``x`` after ``x[index] = value``."""
    new = np.array(x)
    new[index] = value
    return new


def put_at(x: Any, ufunc: Any, index: Any, *values: Any) -> Any:
    """``x`` after ``ufunc.at(x, index, …)``."""
    new = np.array(x)
    ufunc.at(new, index, *values)
    return new


# ---------------------------------------------------------------------- what follows from shapes

# The shapes and dtypes of their results follow from those of their operands, and from settings.
_SETTLED: set[Any] = {
    converted, np.ndarray.tobytes, put, put_at, np.zeros, np.full, np.array, np.asarray, np.reshape, np.transpose,
    np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims, np.broadcast_to,
    np.real, np.imag, np.ravel, np.sum, np.mean, np.max, np.min, np.prod, np.any, np.all,
    np.argmax, np.argmin, np.argsort, np.sort, np.cumsum, np.cumprod, np.var, np.std, np.flip,
    np.roll, np.tril, np.triu, np.trace, np.diagonal, np.take_along_axis, np.nan_to_num, np.where,
    np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.norm,
}  # fmt: skip
_OF_SEVERAL: set[Any] = {
    np.concatenate, np.stack, np.dot, np.matmul, np.tensordot, np.outer, np.where, put, put_at,
    np.linalg.solve, np.take_along_axis, np.clip,
}  # fmt: skip


def varies(node: Node) -> bool:
    """Whether other values of its operands may give a result of another shape or dtype."""
    function: Any = node.function
    if function is None or isinstance(node, Guard):
        return False
    if isinstance(getattr(function, "__self__", function), np.ufunc) or (
        getattr(function, "__module__", "") == "_operator"
    ):
        if function is not operator.getitem:
            return False
        several = isinstance(node.args[0], Node) and isinstance(node.args[0].value, (tuple, list))
        return varies(node.args[0]) if several else _index_varies(node.args[1])
    if function is np.where and len(node.args) == 1:
        return True
    if function in _OF_SEVERAL:
        return False
    settings = (node.args[1:], node.kwargs)
    return function not in _SETTLED or next(nodes_in(settings), None) is not None


def _index_varies(index: Any) -> bool:
    for part in index if isinstance(index, tuple) else (index,):
        inner = list(nodes_in(part))
        if inner and (isinstance(part, slice) or any(x.dtype.kind == "b" for x in inner)):
            return True
    return False


def matches(node: Node, value: Any) -> bool:
    """Whether it is of the shape and dtype that were recorded."""
    if isinstance(value, (tuple, list)):
        return len(value) == len(node.value)
    return bool(
        np.shape(value) == node.shape
        and getattr(value, "dtype", type(value)) == getattr(node.value, "dtype", type(node.value))
    )
