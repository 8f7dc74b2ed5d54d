"""What a program is made of: nodes, each a call of NumPy on other nodes and on constants."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..lines import Line
from ..numpy_code import numpy_name
from ..ops.indexing import parts_of


class CompileError(RuntimeError):
    """A function that can't be compiled; the message names the op, the line and the remedy."""


class KindError(CompileError, TypeError):
    """Something else than arrays, numbers and containers of them was given, or returned."""


class EndlessError(CompileError):
    """It takes so many calls that it may never end."""


class Changed(Exception):  # noqa: N818  (no error of the user's)
    """Values decide otherwise than those that a program was recorded with."""


@dataclass(eq=False, slots=True)
class Node:
    """A call, or what a program is given.

    Attributes:
        function: what is called: a NumPy function, a ufunc, one's ``reduce``; None for what is
            given.
        args: operands: Nodes, constants, and containers of them.
        kwargs: settings, which may hold Nodes, too.
        value: what it gave when it was recorded, which tells shape, dtype and kind.
        name: what the user calls it, or None.
        line: where, in the user's code.
        errors: NumPy's settings for warnings where those differ from what they are outside.
    """

    function: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    name: str | None = None
    line: Line | str = ""
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.is_several else np.shape(self.value)

    @property
    def size(self) -> int:
        return 0 if self.is_several else int(np.size(self.value))

    @property
    def dtype(self) -> np.dtype[Any]:
        kind = object if self.is_several else type(self.value)
        return np.dtype(getattr(self.value, "dtype", kind))

    @property
    def is_several(self) -> bool:
        return isinstance(self.value, (tuple, list))

    @property
    def is_scalar(self) -> bool:
        """Whether it is a number, and no array."""
        return not isinstance(self.value, (np.ndarray, tuple, list))

    @property
    def operands(self) -> list[Node]:
        """The nodes it is computed from, as often as they are used."""
        return nodes_in([self.args, self.kwargs] if self.kwargs else self.args)

    def described(self) -> str:
        """For messages: what it is, and where it was computed."""
        made = "an argument" if self.function is None else f"what {called(self.function)} gives"
        name = self.name or made
        return f"{name} of shape {self.shape}{f', from {self.line}' if self.line else ''}"


class Constant(Node):
    """What stands for a constant, while it is recorded."""


class Guard(Node):
    """What code asked of values, ``int``, ``bool`` or `kind_of` ``args``, and was told: ``value``.
    """


@dataclass
class Program:
    """A recorded function.

    Attributes:
        name: the function's.
        inputs: what it is called with, in order.
        captured: what it is given besides: Tensors, and the like, of which it takes ``_array``.
        nodes: all calls, operands before results.
        outputs: what it returns, nodes and constants.
        updates: what is written in the end into what is given.
        template: the containers of what the function returned, around 0 for each array and number,
            Tensors of their names, and what is no number itself.
    """

    name: str
    inputs: list[Node]
    captured: dict[Node, Any]
    nodes: list[Node]
    outputs: list[Any]
    updates: dict[Node, Node]
    template: Any

    @property
    def resident(self) -> list[Node]:
        """What is given in memory that stays the same from call to call."""
        return [node for node, x in self.captured.items() if getattr(x, "is_resident", False)]

    @property
    def results(self) -> list[Node]:
        """The nodes that are handed out or written back."""
        return [*nodes_in(self.outputs), *self.updates.values()]

    @property
    def uses(self) -> list[Node]:
        """The operands of all calls, and the results."""
        return [x for node in self.nodes for x in node.operands] + self.results

    def drop_unused(self) -> None:
        """Leave the calls that results and guards need, and those that test what they are given."""
        wanted, kept = set(self.results), []
        for node in reversed(self.nodes):
            if node in wanted or isinstance(node, Guard) or node.function is np.linalg.cholesky:
                wanted.update(node.operands)
                kept.append(node)
        self.nodes = kept[::-1]



def key_of(x: Any) -> Any:
    """Equal for arrays of the same entries and kind; large ones are only equal to themselves."""
    return type(x), x.shape, x.dtype.str, x.tobytes() if x.size <= 4096 else id(x)


def nodes_in(tree: Any) -> list[Node]:
    """The nodes in nested containers, in order."""
    found: list[Node] = []
    mapped(tree, lambda x: found.append(x) if type(x) is Node else None)
    return found


def mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Nested containers with ``change`` applied to what they hold."""
    kind = type(tree)  # which a stand-in doesn't hide
    if issubclass(kind, (tuple, list)):
        items = [mapped(x, change) for x in tree]
        named = hasattr(tree, "_fields")
        return kind(*items) if named else tuple(items) if issubclass(kind, tuple) else items
    if kind is dict:
        return {key: mapped(item, change) for key, item in tree.items()}
    if kind is slice:
        return slice(*(mapped(x, change) for x in (tree.start, tree.stop, tree.step)))
    return change(tree)


def values(tree: Any) -> Any:
    """Nested containers with what the nodes in them gave."""
    return mapped(tree, lambda x: x.value if isinstance(x, Node) else x)


def is_plain_reshape(x: Any) -> bool:
    """Whether it is a node's entries in their order, in another shape."""
    return (
        type(x) is Node and x.function is np.reshape and not x.kwargs and len(x.args) == 2
        and isinstance(x.args[0], Node) and not isinstance(x.args[1], Node)
    )  # fmt: skip


def of_ufunc(function: Any) -> np.ufunc | None:
    """The ufunc that it is, or a method of."""
    owner = getattr(function, "__self__", function)
    return owner if isinstance(owner, np.ufunc) else None


def called(function: Any) -> str:
    """What the user calls a function: ``np.add.reduce``."""
    ufunc, name = of_ufunc(function), getattr(function, "__name__", type(function).__name__)
    if ufunc is not None:
        return f"np.{ufunc.__name__}" + ("" if ufunc is function else f".{name}")
    numpy = str(getattr(function, "__module__", "")).startswith("numpy")
    return numpy_name(function) if numpy else name


# ---------------------------------------------------------------------- functions besides NumPy's


def converted(x: Any, dtype: Any) -> Any:
    """``x.astype(dtype)``, of numbers too."""
    new = np.asarray(x).astype(dtype)
    return new if isinstance(x, np.ndarray) else new[()]


def kind_of(x: Any) -> Any:
    """Its shape and dtype; of several, how many they are."""
    return len(x) if isinstance(x, (tuple, list)) else (x.shape, x.dtype)


def after(x: Any, write: Any, *args: Any, **kwargs: Any) -> Any:
    """``x`` after ``write(x, …)``, such as ``np.add.at``, or ``operator.setitem``."""
    new = np.array(x)
    write(new, *args, **kwargs)
    return new


OPERATORS: dict[str, tuple[str, np.ufunc]] = {  # by the names of Python's methods
    "add": ("+", np.add), "sub": ("-", np.subtract), "mul": ("*", np.multiply),
    "truediv": ("/", np.divide), "floordiv": ("//", np.floor_divide), "mod": ("%", np.remainder),
    "pow": ("**", np.power), "matmul": ("@", np.matmul), "and": ("&", np.bitwise_and),
    "or": ("|", np.bitwise_or), "xor": ("^", np.bitwise_xor), "lshift": ("<<", np.left_shift),
    "rshift": (">>", np.right_shift), "lt": ("<", np.less), "le": ("<=", np.less_equal),
    "gt": (">", np.greater), "ge": (">=", np.greater_equal), "eq": ("==", np.equal),
    "ne": ("!=", np.not_equal),
}  # fmt: skip
VIEWS = {  # they give views, of an array that lies in order
    np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.broadcast_to, np.real, np.imag, operator.getitem, np.ravel,
}  # fmt: skip
MADE = {np.full, np.array, after}  # they give arrays that may be written to

FRESH: set[Any] = {  # they give arrays of their own, whatever they are given
    *MADE, np.where, np.concatenate, np.stack, np.dot, np.matmul, np.tensordot, np.outer,
    np.linalg.inv, np.linalg.solve, np.linalg.cholesky, np.linalg.pinv, np.clip, converted, np.sum,
    np.mean, np.max, np.min, np.prod, np.any, np.all, np.argmax, np.argmin, np.cumsum, np.var,
    np.std, np.take_along_axis, np.sort, np.argsort, np.partition, np.roll, np.repeat, np.cumprod,
    np.copy, np.hstack, np.vstack, np.dstack, np.column_stack, np.block, np.append, np.insert,
    np.delete, np.pad, np.tile, np.kron, np.cross, np.inner, np.triu, np.tril, np.interp,
    np.convolve,
}  # fmt: skip

# ---------------------------------------------------------------------- what follows from shapes

# The shapes and dtypes of their results follow from those of their operands, and from settings,
# which values decide only where these are integers.
_SHAPED: set[Any] = {*VIEWS, *FRESH, None, np.ndarray.tobytes, np.asarray}


def varies(node: Node) -> bool:
    """Whether other values of its operands may give a result of another shape or dtype."""
    function = node.function
    if function is operator.getitem:
        x, index = node.args
        if isinstance(x, Node) and x.is_several:
            return varies(x)
        return any(
            isinstance(part, slice) or x.dtype.kind == "b"
            for part in parts_of(index) for x in nodes_in([part])
        )  # fmt: skip
    if function is np.where and len(node.args) == 1:
        return True
    python = getattr(function, "__module__", "") in ("_operator", "builtins")
    if function in MADE or of_ufunc(function) or python:
        return False
    settings = nodes_in([node.args[1:], node.kwargs])
    return function not in _SHAPED or any(x.dtype.kind in "biu" for x in settings)
