"""Nodes and constants as text: identifiers, literals, and calls."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from ..numpy_code import Names, code, numpy_name
from .graph import Node

_OPERATORS: dict[Any, str] = {
    np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.divide: "{} / {}",
    np.power: "{} ** {}", np.negative: "-{}", np.floor_divide: "{} // {}", np.remainder: "{} % {}",
    np.less: "{} < {}", np.less_equal: "{} <= {}", np.greater: "{} > {}",
    np.greater_equal: "{} >= {}", np.equal: "{} == {}", np.not_equal: "{} != {}",
    operator.add: "{} + {}", operator.sub: "{} - {}", operator.mul: "{} * {}",
    operator.truediv: "{} / {}", operator.pow: "{} ** {}", operator.neg: "-{}",
    operator.floordiv: "{} // {}", operator.mod: "{} % {}", operator.getitem: "{}[{}]",
    operator.lt: "{} < {}", operator.le: "{} <= {}", operator.gt: "{} > {}",
    operator.ge: "{} >= {}", operator.eq: "{} == {}", operator.ne: "{} != {}", abs: "abs({})",
}  # fmt: skip


_NUMBERS = (bool, int, float, complex)
_TAKEN = (
    "prepare", *dir(builtins), *(n for n, x in vars(np).items() if isinstance(x, np.ufunc)),
)  # fmt: skip


class Expressions:
    """What a program's values, constants and functions are called in its code.

    Attributes:
        constants: by their names in the code.
        helpers: Python code that the program calls, likewise.
        ufuncs: the names of those that are used.
    """

    def __init__(self) -> None:
        self.name = Names(*_TAKEN).new
        self.constants: dict[str, Any] = {}
        self.helpers: dict[str, Callable[..., Any]] = {}
        self.ufuncs: set[str] = set()
        self.names: dict[Node, str] = {}
        self._by_value: dict[Any, str] = {}
        self._temporary = (f"t_{i}" for i in count(1))

    def identifier(self, node: Node) -> str:
        if node not in self.names:
            self.names[node] = self.name(node.name or next(self._temporary))
        return self.names[node]

    def expression(self, node: Node) -> str:
        function: Any = node.function
        if function is operator.getitem:
            index = node.args[1]
            inner = self.index(index)
            return f"{self.text(node.args[0])}[{inner}]"
        scalar = all(
            x.is_scalar if isinstance(x, Node) else isinstance(x, (*_NUMBERS, np.generic))
            for x in node.args
        )  # fmt: skip
        if function in _OPERATORS and scalar and not node.kwargs:
            operands = [self.text(x) for x in node.args]
            operands = [o if o.isidentifier() else f"({o})" for o in operands]
            return _OPERATORS[function].format(*operands)
        if function in (np.transpose, np.reshape) and isinstance(node.args[0], Node):
            x = self.text(node.args[0])
            if function is np.transpose and len(node.args) == 1 and not node.kwargs:
                return f"{x}.T"
            if function is np.reshape and len(node.args) == 2 and not node.kwargs:
                return f"{x}.reshape({self.text(node.args[1])})"
        return f"{self.function(function)}({self.arguments(node)})"

    def index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop = ("" if i is None else self.text(i) for i in (index.start, index.stop))
            return f"{start}:{stop}" + ("" if index.step is None else f":{self.text(index.step)}")
        return self.text(index)

    def arguments(self, node: Node) -> str:
        given = [self.text(x) for x in node.args]
        given += [f"{key}={self.text(x)}" for key, x in node.kwargs.items()]
        return ", ".join(given)

    def text(self, x: Any) -> str:
        if isinstance(x, Node):
            return self.identifier(x)
        if isinstance(x, tuple):
            inner = ", ".join(map(self.text, x)) + ("," if len(x) == 1 else "")
            return f"({inner})"
        if isinstance(x, list):
            return f"[{', '.join(map(self.text, x))}]"
        if isinstance(x, slice):
            return f"slice({', '.join(self.text(i) for i in (x.start, x.stop, x.step))})"
        if isinstance(x, np.generic):
            return self.constant(x)
        if isinstance(x, (np.dtype, bool, int, float, complex, str, type(None), type(...))):
            return code(x)
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        return self.constant(x)

    def constant(self, value: Any) -> str:
        """The name of a constant: one name for one value, and for an array of the user's own."""
        small = isinstance(value, (np.ndarray, np.generic)) and value.size <= 64
        key = (type(value), value.dtype.str, value.shape, value.tobytes()) if small else id(value)
        if key not in self._by_value:
            name = self.name(_SPELLED.get(value.item(), "c") if small and value.size == 1 else "c")
            self.constants[name] = value
            self._by_value[key] = name
        return self._by_value[key]

    def ufunc_name(self, ufunc: Any) -> str:
        name = str(ufunc.__name__)
        if getattr(np, name, None) is not ufunc:  # somebody else's
            return self.constant(ufunc)
        self.ufuncs.add(name)
        return name

    def function(self, function: Any) -> str:
        """How a function is called: by NumPy's name, or as code of its own beside the program."""
        module: str = getattr(function, "__module__", "") or ""
        owner: Any = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.ufunc_name(owner)}.{function.__name__}"
        if isinstance(function, np.ufunc):
            return self.ufunc_name(function)
        if module.startswith("numpy"):
            return numpy_name(function)
        for name, known in self.helpers.items():
            if known is function:
                return name
        called = getattr(function, "__name__", "helper").replace("<lambda>", "rule")
        name = self.name(called.strip("_"))
        self.helpers[name] = function
        return name

    def zero_dimensional(self, node: Node, value: Any) -> str:
        """A number as an array: NumPy takes longer to convert one than to add it."""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            if node.function is np.ldexp:  # whose second operand is an int
                return self.text(value)
            dtype = common_dtype(node)
            if dtype is None or dtype.kind not in "fc":
                return self.text(value)
            if isinstance(value, complex) and dtype.kind != "c":
                return self.text(value)
        return self.constant(np.array(value, dtype))


_SPELLED = {1: "one", 0: "zero", 2: "two", 0.5: "half", -1: "minus_one"}


def dtype_code(dtype: np.dtype[Any]) -> str:
    return "" if dtype == np.float64 else f", {code(dtype)}"


def common_dtype(node: Node) -> np.dtype[Any] | None:
    """The dtype of a ufunc's operands that are arrays, where they have the same."""
    values = [x.value if isinstance(x, Node) else x for x in node.args]
    found = {v.dtype for v in values if isinstance(v, (np.ndarray, np.generic))}
    return found.pop() if len(found) == 1 else None
