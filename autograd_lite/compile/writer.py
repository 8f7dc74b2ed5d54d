"""A program's code: what is allocated once, and a call a line. It can be run, and read by itself.

Values have the names of the user's tensors and variables; several may share a buffer, which has
then several names. Whatever becomes text is of a type that is known here, and names are checked to
be identifiers: what is written is executed.
"""

from __future__ import annotations

import builtins
import keyword
import operator
import sys
from collections.abc import Callable, Iterator
from itertools import count, groupby
from operator import itemgetter
from typing import Any

import numpy as np

from ..arrays import array_of
from ..engine.tensor import Tensor
from ..numpy_code import Names, code, literal, numpy_name
from .graph import (
    Changed,
    CompileError,
    Guard,
    Node,
    Program,
    called,
    converted,
    is_plain_reshape,
    of_ufunc,
    put,
    put_at,
    values,
    varies,
)
from .loops import INSIDE, MARK, Folder, Line, marked
from .memory import MADE, VIEWS, joined, planned, shares_memory, writes_out
from .simplify import simplified

_OPERATORS: dict[Any, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**",
    np.floor_divide: "//", np.remainder: "%", np.less: "<", np.less_equal: "<=", np.greater: ">",
    np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=", operator.add: "+",
    operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.pow: "**",
    operator.floordiv: "//", operator.mod: "%", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
    np.negative: "-", operator.neg: "-",
}  # fmt: skip
_SPELLED = {1: "one", 0: "zero", 2: "two", 0.5: "half", -1: "minus_one"}
_EXPANDED = 4096  # entries, up to which an operand is repeated first and a ufunc called then
_LARGE = 10_000  # entries, from which a product is quicker by matmul, which doesn't clear first


class Source:
    """A program's code.

    Args:
        program: which is simplified.
        captured: the Tensors that it uses.

    Attributes:
        body: defines ``prepare``, which allocates and returns the function.
    """

    def __init__(self, program: Program, captured: list[Tensor]) -> None:
        self.program, self.plan = simplified(program), planned(program)
        ufuncs = (n for n, x in vars(np).items() if isinstance(x, np.ufunc))
        self._new = Names("prepare", "i", Changed.__name__, *dir(builtins), *ufuncs).new
        self.constants: dict[str, Any] = {}
        self.imports: dict[str, str] = {}
        self.names: dict[Node, str] = {}
        self._by_value: dict[Any, str] = {}
        self._wide: dict[Any, str] = {}  # memory for operands that are repeated
        self._temporary = (f"t_{i}" for i in count(1))
        self._setup: list[Line] = []
        self._lines: list[Line] = []
        self._static: dict[Node, Any] = {x: x.value for x in program.resident}  # as examples
        self._function = self._new(program.name)
        given = (*program.inputs, *program.captured)
        for node in given:
            self.names[node] = self.name(node.name or "x")
        own = [x for x in given if x not in program.resident]
        plain = {x: self.names[x].strip(MARK) for x in given}
        self._title = ", ".join(f"{plain[x]} of shape {x.shape} ({x.dtype})" for x in own)
        for node in program.nodes:
            self._place(node)
        for i, node in enumerate(program.nodes):
            self._statement(node, i)
        self._end()
        self._parameters = ", ".join(plain[x] for x in program.resident)
        self._held: dict[str, Any] = {plain[x]: x.value for x in program.resident}
        folder = Folder(self._setup, self._lines, {*self.constants, *self._held}, self._new)
        self._setup, self._lines = folder.setup, folder.lines
        self._held.update((plain[x], t) for x, t in
                          zip(program.captured, captured, strict=True))  # fmt: skip
        self.body = self._written(", ".join(plain[x] for x in own))
        self._code = compile(self.body, f"<compiled {self._function}>", "exec")
        del self.program, self.plan, self.names, self._static, self._by_value  # with values

    def prepared(self, *resident: Any) -> Callable[..., Any]:
        """A function with buffers of its own."""
        namespace = {**self.constants, Changed.__name__: Changed}
        exec(self._code, namespace)
        function: Callable[..., Any] = namespace["prepare"](*resident)
        return function

    def text(self, title: str = "") -> str:
        """All of it, to be written to a file."""
        title = title or self._function
        imports, body = self.body.split("\n\n\n")
        parts = [f'"""{title} as NumPy code{", for " if self._title else ""}{self._title}."""']
        parts += [imports, *([_CHANGED] if f"raise {Changed.__name__}" in body else [])]
        parts += ["\n".join(f"{n} = {_literal(x)}" for n, x in self.constants.items()), body]
        held = "\n".join(f"{name} = {_literal(x)}" for name, x in self._held.items())
        parts += [f"# What it uses besides its arguments.\n{held}" if held else ""]
        parts += [f"{self._function} = prepare({self._parameters})\n"]
        return "\n\n\n".join(filter(None, parts))

    def _written(self, arguments: str) -> str:
        of: dict[str, list[str]] = {}
        for name in sorted(self.imports):
            of.setdefault(self.imports[name], []).append(name)
        imports = [f"from {module} import {', '.join(names)}" for module, names in of.items()]
        lines = ["import numpy as np", *imports, "", "", f"def prepare({self._parameters}):"]
        lines += _indented(self._setup, 4)
        lines += ["", f"    def {self._function}({arguments}):", *_indented(self._lines, 8)]
        return "\n".join([*lines, "", f"    return {self._function}"])

    # ------------------------------------------------------------------ expressions

    def name(self, like: str) -> str:
        return marked(self._new(like))

    def identifier(self, node: Node) -> str:
        if node not in self.names:
            self.names[node] = self.name(node.name or next(self._temporary))
        return self.names[node]

    def expression(self, node: Node) -> str:
        function, args = node.function, [self.text_of(x) for x in node.args]
        if function is operator.getitem:
            return f"{args[0]}[{self.index(node.args[1])}]"
        if function in _OPERATORS and not node.kwargs and _are_numbers(node):
            args = [x if x.strip(MARK).isidentifier() else f"({x})" for x in args]
            return f" {_OPERATORS[function]} ".join(["", *args][-2:]).lstrip()
        if function is abs:
            return f"abs({args[0]})"
        if function is converted:
            array = f"np.asarray({args[0]})" if node.is_scalar else args[0]
            return f"{array}.astype({args[1]}){'[()]' if node.is_scalar else ''}"
        if function in (np.ndarray.tobytes, complex.conjugate):
            return f"{args[0]}.{function.__name__}()"
        if function is np.full and args[1] == "0":
            return f"np.zeros({args[0]}{_dtype(node)})"
        if is_plain_reshape(node) and not node.args[0].is_scalar:
            return f"{args[0]}.reshape({args[1]})"
        alone = len(args) == 1 and not node.kwargs
        if function is np.transpose and alone and isinstance(values(node.args[0]), np.ndarray):
            return f"{args[0]}.T"
        for key in node.kwargs:
            if type(key) is not str or not key.isidentifier() or keyword.iskeyword(key):
                raise CompileError(f"compile: {key!r} is no name of a setting (at {node.line})")
        args += [f"{key}={self.text_of(x)}" for key, x in node.kwargs.items()]
        return f"{self.function(function)}({', '.join(args)})"

    def index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            parts = (index.start, index.stop, index.step)
            start, stop, step = ("" if i is None else self.index(i) for i in parts)
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return marked(index) if type(index) is int else self.text_of(index)

    def text_of(self, x: Any) -> str:
        kind = type(x)
        if isinstance(x, Node):
            return self.identifier(x)
        if isinstance(x, tuple):
            return f"({', '.join(map(self.text_of, x))}{',' if len(x) == 1 else ''})"
        if kind is list:
            return f"[{', '.join(map(self.text_of, x))}]"
        if kind is dict:
            return f"{{{', '.join(f'{self.text_of(k)}: {self.text_of(v)}' for k, v in x.items())}}}"
        if kind is slice:
            return f"slice({', '.join(map(self.text_of, (x.start, x.stop, x.step)))})"
        if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
            return self.constant(x)
        if kind in (bool, int, float, complex, str, type(None), type(...)):
            return code(x)
        if isinstance(x, np.dtype) and x.kind in "biufc":
            return repr(x.name if x.isnative else x.str)
        if isinstance(x, int):  # an IntEnum, say
            return str(int(x))
        if isinstance(x, np.ufunc) or (kind is type and issubclass(x, np.generic)):
            return self.function(x)
        if x in (bool, int, float, complex):
            return str(x.__name__)
        name = getattr(x, "__name__", kind.__name__)
        raise CompileError(f"compile: {name}, of type {kind.__name__}, can't be written as code")

    def constant(self, value: Any) -> str:
        """The name of a constant: one name for one value, and for an array of the user's own."""
        small = value.size <= 4096
        key = (type(value), value.dtype.str, value.shape, value.tobytes()) if small else id(value)
        if key not in self._by_value:
            name = self.name(_SPELLED.get(value.item(), "c") if value.size == 1 else "c")
            self.constants[name.strip(MARK)] = value
            self._by_value[key] = name
        return self._by_value[key]

    def function(self, function: Any) -> str:
        """How a function is called, by NumPy's name or SciPy's."""
        ufunc, name = of_ufunc(function), getattr(function, "__name__", "")
        if ufunc is None:
            module: Any = sys.modules.get(str(getattr(function, "__module__", "")))
            if getattr(module, "__name__", "").startswith("numpy") and (
                getattr(module, name, None) is function
            ):
                return f"np.{name}" if module is np else numpy_name(function)
        for home in ("numpy", "scipy.special") if ufunc is not None else ():
            own = str(getattr(ufunc, "__name__", ""))
            if getattr(sys.modules.get(home), own, None) is ufunc:
                self.imports[own] = home
                return own if ufunc is function else f"{own}.{name}"
        raise CompileError(f"compile: {called(function)} is no function of NumPy's or SciPy's")

    def operand(self, node: Node, i: int) -> str:
        """Operand ``i`` of a ufunc, in the form in which NumPy is quickest with it."""
        x = node.args[i]
        value = x.value if isinstance(x, Node) else x
        if isinstance(value, np.generic) and not isinstance(x, Node):
            return self.constant(np.asarray(value))
        shape = np.shape(value)
        if shape and shape != node.shape and node.size <= _EXPANDED and value.dtype == node.dtype:
            if not isinstance(x, Node):
                return self.constant(np.broadcast_to(value, node.shape).copy())
            key = node.shape, node.dtype, i
            name = self._wide.get(key, "")
            if not name:
                name = self._wide[key] = self.name("wide")
                self._setup.append(((), f"{name} = np.empty({code(node.shape)}{_dtype(node)})"))
            self._line(node, f"{name}[...] = {self.text_of(x)}")
            return name
        return self.text_of(x)

    # ------------------------------------------------------------------ memory

    def _place(self, node: Node) -> None:
        """Set up the memory of a node that has some of its own, or is a view of such."""
        plan, text = self.plan, ""
        if node in plan.in_place:
            old = plan.in_place[node]
            self._static[node], text = self._static[old], self.names[old]
        elif node in plan.inside:
            whole, start = plan.inside[node]
            self._place(whole)
            end = start + node.size
            self._static[node] = self._static[whole][start:end].reshape(node.shape)
            text = f"{self.names[whole]}[{marked(start)}:{marked(end)}].reshape({code(node.shape)})"
        elif node in plan.buffers and node not in self._static:
            buffer = plan.buffers[node]
            self._static[node] = np.empty(node.shape, node.dtype)
            if not buffer.name:
                buffer.name, buffer.shape = self.identifier(node), node.shape
                text = f"np.empty({code(node.shape)}{_dtype(node)})"
            elif buffer.shape != node.shape:
                text = f"{buffer.name}.reshape({code(node.shape)})"
            elif node.name is None:
                self.names[node] = buffer.name
            else:
                text = buffer.name
        elif node.function in VIEWS and isinstance(node.args[0], Node):
            base = self._static.get(node.args[0])
            given = any(x is node for x in self.program.outputs)
            if base is not None and len(node.operands) == 1 and not given:
                view = node.function(base, *node.args[1:], **node.kwargs)
                if type(view) is np.ndarray and np.may_share_memory(view, base):
                    self._static[node], text = view, self.expression(node)
        if text:
            self._setup.append(((), f"{self.identifier(node)} = {text}"))

    # ------------------------------------------------------------------ statements

    def _line(self, node: Node, text: str) -> None:
        self._lines.append((node.errors, text))

    def _statement(self, node: Node, i: int) -> None:
        plan, function = self.plan, node.function
        if isinstance(node, Guard):
            asked = self.text_of(node.args[0])
            asked = f"int({asked}) != {node.value}" if function is int else asked
            self._watch(node, f"not {asked}" if node.value is True else asked)
            return
        out = self.names[node] if node in self._static else ""
        if out and not (node in plan.buffers or node in plan.inside or node in plan.in_place):
            return  # a view that was made once
        how = writes_out(node)
        if joined(node) and out:
            self._join(node)
        elif how == "ufunc":
            operands = [self.operand(node, k) for k in range(len(node.args))]
            by_name = "out=" if out and function in (np.maximum, np.minimum) else ""
            self._call(node, self.function(function), operands, by_name + out, out)
        elif how == "reduction":
            axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
            keepdims = bool(node.kwargs.get("keepdims", False))
            array = self.text_of(node.args[0])
            operands = [array, self.text_of(axis), "None", out or "None", str(keepdims)]
            self._call(node, self.function(function), operands, "", out)
        elif how == "product" or (function is np.dot and all(map(_has_axes, values(node.args)))):
            x, y = map(self.text_of, node.args)
            flat = max(map(np.ndim, values(node.args))) <= 2 or function is np.dot
            dot = flat and not (out and node.size >= _LARGE)  # half the time of matmul to call
            product = f"{x}.dot" if dot else self.function(np.matmul)
            self._call(node, product, [x, y][dot:], out, out)
        elif function in (put, put_at):
            self._put(node, i)
        else:
            self._line(node, f"{self.identifier(node)} = {self.expression(node)}")
        if varies(node):
            name, value = self.identifier(node), node.value
            if hasattr(value, "dtype"):
                dtype = f"np.dtype({self.text_of(value.dtype)})"
                self._watch(node, f"({name}.shape, {name}.dtype) != ({code(node.shape)}, {dtype})")
            elif node.is_several:
                self._watch(node, f"len({name}) != {len(value)}")

    def _call(self, node: Node, function: str, operands: list[str], last: str, out: str) -> None:
        text = f"{function}({', '.join([*operands, *([last] if last else [])])})"
        self._line(node, text if out else f"{self.identifier(node)} = {text}")

    def _watch(self, node: Node, condition: str) -> None:
        said = f"other values decide otherwise at {node.line}"
        self._line(node, f"if {condition}: raise {Changed.__name__}({said!r})")

    def _join(self, node: Node) -> None:
        """What isn't in its place in the whole already is copied there."""
        start = 0
        for part in joined(node):
            source = part.args[0] if is_plain_reshape(part) else part
            end = start + np.size(part.value if isinstance(part, Node) else part)
            if not isinstance(source, Node) or self.plan.inside.get(source) != (node, start):
                place = f"{self.names[node]}[{marked(start)}:{marked(end)}]"
                self._line(node, f"{place} = {self.text_of(part)}")
            start = end

    def _put(self, node: Node, i: int) -> None:
        """Write into an array, or where that is still needed as it was into a copy."""
        x, *given = node.args
        last = self.plan.last_use[x] <= i and x.function in MADE
        name, array = self.identifier(node), self.text_of(x)
        self._line(node, f"{name} = {array if last else f'np.array({array})'}")
        if node.function is put:
            self._line(node, f"{name}[{self.index(given[0])}] = {self.text_of(given[1])}")
        else:
            inner = ", ".join(map(self.text_of, given[1:]))
            self._line(node, f"{self.function(given[0])}.at({name}, {inner})")

    def _end(self) -> None:
        """Hand out the results, and bring the resident arrays up to date."""
        results: list[str] = []
        given: set[Any] = set()
        for x in self.program.outputs:
            text = self.text_of(x)
            if isinstance(x, Node) and isinstance(x.value, np.ndarray):
                ours = x.function is None or shares_memory(x) or x in self._static or x in given
                text = f"np.array({text})" if ours else text
                given.add(x)
            results.append(text + (".copy()" if isinstance(x, np.ndarray) else ""))
        late = [(old, new) for old, new in self.program.updates.items()
                if self.plan.in_place.get(new) is not old]  # fmt: skip
        if late:
            named = [self.name("result") for _ in results]
            self._lines += [((), f"{n} = {text}") for n, text in zip(named, results, strict=True)]
            self._lines += [((), f"{self.names[old]}[...] = {self.text_of(new)}")
                            for old, new in late]  # fmt: skip
            results = named
        self._lines.append(((), f"return {', '.join(results) or '()'}"))


_CHANGED = '''class Changed(Exception):
    """Values decide otherwise than those that this was compiled with."""'''


def _indented(lines: list[Line], n: int) -> Iterator[str]:
    for settings, group in groupby(lines, key=itemgetter(0)):
        errors, indent = settings, " " * n
        if INSIDE in errors:
            errors, indent = errors[1:], indent + "    "
        if errors:
            yield f"{indent}with np.errstate({', '.join(f'{k}={v!r}' for k, v in errors)}):"
            indent += "    "
        yield from (indent + text for _, text in group)


def _are_numbers(node: Node) -> bool:
    """Whether Python's operator is the same: of two of Python's numbers NumPy's function isn't."""
    found = values(node.args)
    if not isinstance(node.function, np.ufunc):
        return True
    plain = not any(isinstance(v, np.ndarray) for v in found)
    return plain and any(isinstance(v, np.generic) for v in found)


def _has_axes(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0


def _dtype(node: Node) -> str:
    return "" if node.dtype == np.float64 else f", {code(node.dtype)}"


def _literal(x: Any) -> str:
    x = array_of(x)
    if isinstance(x, np.generic):
        return f"{literal(np.asarray(x))}[()]"
    return literal(x) if isinstance(x, np.ndarray) else code(x)
