"""Nodes and constants as text: identifiers, literals, and calls.

Whatever becomes text is of a type that is known here, and names are checked to be identifiers: what
is written is executed.
"""

from __future__ import annotations

import builtins
import keyword
import operator
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from ..numpy_code import Names, code, numpy_name
from .graph import CompileError, Node, called, converted

_OPERATORS: dict[Any, str] = {
    np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.divide: "{} / {}",
    np.power: "{} ** {}", np.negative: "-{}", np.floor_divide: "{} // {}", np.remainder: "{} % {}",
    np.less: "{} < {}", np.less_equal: "{} <= {}", np.greater: "{} > {}",
    np.greater_equal: "{} >= {}", np.equal: "{} == {}", np.not_equal: "{} != {}",
    operator.add: "{} + {}", operator.sub: "{} - {}", operator.mul: "{} * {}",
    operator.truediv: "{} / {}", operator.pow: "{} ** {}", operator.neg: "-{}",
    operator.floordiv: "{} // {}", operator.mod: "{} % {}", abs: "abs({})",
    operator.lt: "{} < {}", operator.le: "{} <= {}", operator.gt: "{} > {}",
    operator.ge: "{} >= {}", operator.eq: "{} == {}", operator.ne: "{} != {}",
}  # fmt: skip
_TAKEN = (
    "prepare", *dir(builtins), *(n for n, x in vars(np).items() if isinstance(x, np.ufunc)),
)  # fmt: skip
_SPELLED = {1: "one", 0: "zero", 2: "two", 0.5: "half", -1: "minus_one"}


class Expressions:
    """What a program's values, constants and functions are called in its code.

    Attributes:
        constants: arrays and numbers by their names in the code.
        imports: modules by the names of the ufuncs that are taken from them.
    """

    def __init__(self) -> None:
        self.name = Names(*_TAKEN).new
        self.constants: dict[str, Any] = {}
        self.imports: dict[str, str] = {}
        self.names: dict[Node, str] = {}
        self._by_value: dict[Any, str] = {}
        self._temporary = (f"t_{i}" for i in count(1))

    def identifier(self, node: Node) -> str:
        if node not in self.names:
            self.names[node] = self.name(node.name or next(self._temporary))
        return self.names[node]

    def expression(self, node: Node) -> str:
        function: Any = node.function
        first = node.args[0] if node.args else None
        if function is operator.getitem:
            return f"{self.text(first)}[{self.index(node.args[1])}]"
        values = [x.value if isinstance(x, Node) else x for x in node.args]
        if function in _OPERATORS and not node.kwargs and (
            not isinstance(function, np.ufunc)
            # Of two numbers of Python's the operator is another function: it may raise.
            or (all(np.ndim(v) == 0 and not isinstance(v, np.ndarray) for v in values)
                and any(isinstance(v, np.generic) for v in values))
        ):  # fmt: skip
            operands = [self.text(x) for x in node.args]
            operands = [o if o.isidentifier() else f"({o})" for o in operands]
            return _OPERATORS[function].format(*operands)
        if function is np.ndarray.tobytes:
            return f"{self.text(first)}.tobytes()"
        if function is converted:
            array = self.text(first)
            if node.is_scalar:
                return f"np.asarray({array}).astype({self.text(node.args[1])})[()]"
            return f"{array}.astype({self.text(node.args[1])})"
        if function is np.full and type(node.args[1]) is int and node.args[1] == 0:
            return f"np.zeros({self.text(first)}{dtype_code(node.dtype)})"
        if isinstance(first, Node) and isinstance(first.value, np.ndarray) and not node.kwargs:
            if function is np.transpose and len(node.args) == 1:
                return f"{self.text(first)}.T"
            if function is np.reshape and len(node.args) == 2:
                return f"{self.text(first)}.reshape({self.text(node.args[1])})"
        return f"{self.function(function)}({self.arguments(node)})"

    def index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop = ("" if i is None else self.text(i) for i in (index.start, index.stop))
            return f"{start}:{stop}" + ("" if index.step is None else f":{self.text(index.step)}")
        return self.text(index)

    def arguments(self, node: Node) -> str:
        for key in node.kwargs:
            if not (type(key) is str and key.isidentifier()) or keyword.iskeyword(key):
                raise CompileError(f"compile: {key!r} is no name of a setting (at {node.line})")
        given = [self.text(x) for x in node.args]
        given += [f"{key}={self.text(x)}" for key, x in node.kwargs.items()]
        return ", ".join(given)

    def text(self, x: Any) -> str:
        kind = type(x)
        if isinstance(x, Node):
            return self.identifier(x)
        if isinstance(x, tuple):
            inner = ", ".join(map(self.text, x)) + ("," if len(x) == 1 else "")
            return f"({inner})"
        if kind is list:
            return f"[{', '.join(map(self.text, x))}]"
        if kind is slice:
            return f"slice({', '.join(self.text(i) for i in (x.start, x.stop, x.step))})"
        if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
            return self.constant(x)
        if kind in (bool, int, float, complex, str, type(None), type(...)):
            return code(x)
        if isinstance(x, np.dtype) and x.kind in "biufc":
            return repr(x.str if not x.isnative else x.name)
        if isinstance(x, int):  # an IntEnum, say
            return str(int(x))
        if isinstance(x, np.ufunc):
            return self.ufunc_name(x)
        if kind is type and issubclass(x, (np.generic, *_NUMBERS)):
            return f"np.{x.__name__}" if issubclass(x, np.generic) else x.__name__
        raise CompileError(
            f"compile: {getattr(x, '__name__', kind.__name__)}, of type {kind.__name__}, can't be "
            "written as NumPy code; give numbers, arrays and text"
        )

    def constant(self, value: Any) -> str:
        """The name of a constant: one name for one value, and for an array of the user's own."""
        small = value.size <= 64
        key = (type(value), value.dtype.str, value.shape, value.tobytes()) if small else id(value)
        if key not in self._by_value:
            name = self.name(_SPELLED.get(value.item(), "c") if value.size == 1 else "c")
            self.constants[name] = value
            self._by_value[key] = name
        return self._by_value[key]

    def ufunc_name(self, ufunc: Any) -> str:
        name = str(ufunc.__name__)
        for module in ("numpy", "scipy.special"):
            if getattr(sys.modules.get(module), name, None) is ufunc:
                if name not in self.imports and module != "numpy":
                    self.name(name)
                self.imports[name] = module
                return name
        raise CompileError(
            f"compile: {name} is a ufunc of neither NumPy nor SciPy, whose code isn't known; make "
            "an op of NumPy's functions: ag.Op"
        )

    def function(self, function: Any) -> str:
        """How a function is called, by NumPy's name."""
        owner: Any = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.ufunc_name(owner)}.{function.__name__}"
        if isinstance(function, np.ufunc):
            return self.ufunc_name(function)
        known: Any = sys.modules.get(getattr(function, "__module__", None) or "")
        public = getattr(known, "__name__", "").startswith("numpy")
        if public and getattr(known, function.__name__, None) is function:
            return numpy_name(function)
        raise CompileError(f"compile: {called(function)} is no function of NumPy's")

    def zero_dimensional(self, node: Node, i: int) -> str:
        """Operand ``i``, a number, as an array: NumPy takes longer to convert one than to add it."""
        x, function = node.args[i], node.function
        value = x.value if isinstance(x, Node) else x
        if isinstance(x, Node) or not isinstance(function, np.ufunc):
            return self.text(x)
        if isinstance(value, (np.ndarray, np.generic)):
            return self.constant(np.asarray(value))
        others = [a.value if isinstance(a, Node) else a for a in node.args]
        kinds = [getattr(v, "dtype", type(v)) for v in others]
        try:
            dtype: Any = function.resolve_dtypes((*kinds, *[None] * function.nout))[i]
            return self.constant(np.array(value, dtype))
        except (TypeError, OverflowError):
            return self.text(x)


_NUMBERS: tuple[type, ...] = (bool, int, float, complex)


def dtype_code(dtype: np.dtype[Any]) -> str:
    return "" if dtype == np.float64 else f", {code(dtype)}"


