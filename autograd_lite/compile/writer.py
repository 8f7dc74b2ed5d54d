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
from itertools import chain, count, groupby
from operator import itemgetter
from typing import Any

import numpy as np

from ..numpy_code import Names, code, literal, numpy_name
from . import graph
from .draws import Draws
from .graph import VIEWS, Changed, CompileError, Node, Program, is_plain_reshape, values
from .loops import INSIDE, MARK, Folder, Line, marked
from .memory import Memory, joined, planned, shares_memory, writes_out

_OPERATORS: dict[Any, str] = {
    function: sign for name, (sign, ufunc) in graph.OPERATORS.items()
    for function in (ufunc, getattr(operator, f"__{name}__"))
} | {np.negative: "-", operator.neg: "-"}  # fmt: skip
_FORMS: dict[Any, str] = {  # of an array, without settings; and of numbers
    np.transpose: "{}.T", np.reshape: "{}.reshape({})", np.dot: "{}.dot({})",
    np.ndarray.tobytes: "{}.tobytes()", abs: "abs({})", complex.conjugate: "{}.conjugate()",
}  # fmt: skip
_OF_NUMBERS = ("abs({})", "{}.conjugate()")
_TAKEN = ("prepare", "i", Changed.__name__, *dir(builtins),
          *(name for name, x in vars(np).items() if isinstance(x, np.ufunc)))  # fmt: skip
_SPELLED = {1: "one", 0: "zero", 2: "two", 0.5: "half", -1: "minus_one"}


class _Text(str):
    """What `code` writes as it is."""

    __slots__ = ()
    __repr__ = str.__str__


class Source:
    """A program's code.

    Args:
        program: as it is to be written.

    Attributes:
        body: defines ``prepare``, which allocates and returns the function.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._new = Names(*_TAKEN).new
        self.constants: dict[str, Any] = {}
        self.imports: dict[str, str] = {}
        self._by_value: dict[Any, str] = {}
        self._temporary = (f"t_{i}" for i in count(1))
        self._setup: list[Line] = []
        self._lines: list[Line] = []
        self._out = {*graph.nodes_in(program.outputs)}
        self._static: dict[Node, Any] = {x: x.value for x in program.resident}  # as examples
        self._function = self._new(program.name)
        given = [*program.inputs, *program.captured]
        plain = {x: self._new(x.name or "x") for x in given}
        self.names = {x: marked(name) for x, name in plain.items()}
        own = [x for x in given if x not in self._static]
        self._title = ", ".join(f"{plain[x]} of shape {x.shape} ({x.dtype})" for x in own)
        self.plan = planned(program, {
            x: Memory(x.shape, x.dtype, name=self.names[x], array=x.value) for x in program.updates
        })  # fmt: skip
        for node in program.nodes:
            self._statement(node)
        self._end()
        resident = [plain[x] for x in program.resident]
        self._parameters = ", ".join(resident)
        self._held = {plain[x]: t for x, t in program.captured.items()}
        folder = Folder(self._setup, self._lines, {*self.constants, *resident}, self._new)
        self.body = self._written(", ".join(plain[x] for x in own), folder)
        self._code = compile(self.body, f"<compiled {self._function}>", "exec")
        for held in (self.names, self._static, self._out, self._by_value, self.plan):
            held.clear()  # with values
        del self.program

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
        with Draws():
            held = "\n".join(f"{name} = {_literal(x._array)}" for name, x in self._held.items())
        parts += [f"# What it uses besides its arguments.\n{held}" if held else ""]
        parts += [f"{self._function} = prepare({self._parameters})\n"]
        return "\n\n\n".join(filter(None, parts))

    def _written(self, arguments: str, folder: Folder) -> str:
        of: dict[str, list[str]] = {}
        for name in sorted(self.imports):
            of.setdefault(self.imports[name], []).append(name)
        imports = [f"from {module} import {', '.join(names)}" for module, names in of.items()]
        lines = ["import numpy as np", *imports, "", "", f"def prepare({self._parameters}):"]
        lines += _indented(folder.setup, 4)
        lines += ["", f"    def {self._function}({arguments}):", *_indented(folder.lines, 8)]
        return "\n".join([*lines, "", f"    return {self._function}"])

    # ------------------------------------------------------------------ expressions

    def identifier(self, node: Node) -> str:
        if node not in self.names:
            self.names[node] = marked(self._new(node.name or next(self._temporary)))
        return self.names[node]

    def expression(self, node: Node) -> str:
        function, args = node.function, list(map(self.text_of, node.args))
        if function is operator.getitem:
            return f"{args[0]}[{self.index(node.args[1])}]"
        if function in _OPERATORS and not node.kwargs and _are_numbers(node):
            args = [x if x.strip(MARK).isidentifier() else f"({x})" for x in args]
            return f" {_OPERATORS[function]} ".join(["", *args][-2:]).lstrip()
        if function is graph.converted:
            array = f"np.asarray({args[0]})" if node.is_scalar else args[0]
            return f"{array}.astype({args[1]}){'[()]' if node.is_scalar else ''}"
        if function is np.full and args[1] == "0":
            return f"np.zeros({args[0]}{_dtype(node.dtype)})"
        form = _FORMS.get(function, "")
        of_array = {*map(type, values(node.args[:1]))} == {np.ndarray} and not node.kwargs
        if form.count("{}") == len(args) and (of_array or form in _OF_NUMBERS):
            return form.format(*args)
        return f"{self.function(function)}({self._given(node, args)})"

    def _given(self, node: Node, args: list[str]) -> str:
        """What is called, beside a call's settings."""
        for key in node.kwargs:
            if type(key) is not str or not key.isidentifier() or keyword.iskeyword(key):
                raise CompileError(f"compile: {key!r} is no name of a setting (at {node.line})")
        return ", ".join(args + [f"{key}={self.text_of(x)}" for key, x in node.kwargs.items()])

    def index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:  # in it, a tuple is an array of indices
            parts = (self.text_of(i) if isinstance(i, tuple) else self.index(i) for i in index)
            return ", ".join(parts) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            ends = (index.start, index.stop, index.step)
            start, stop, step = ("" if i is None else self.index(i) for i in ends)
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return marked(index) if type(index) is int else self.text_of(index)

    def text_of(self, x: Any) -> str:
        kind = type(x)
        if kind is Node:
            return self.identifier(x)
        if isinstance(x, (tuple, list, slice)) or kind is dict:
            return code(graph.mapped(x, lambda y: _Text(self.text_of(y))))
        if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
            return self.constant(x)
        if kind in (bool, int, float, complex, str, range, type(None), type(...)):
            return code(x)
        if isinstance(x, np.dtype) and x.kind in "biufc":
            return repr(x.name if x.isnative else x.str)
        if isinstance(x, int):  # an IntEnum, say
            return str(int(x))
        if isinstance(x, np.ufunc):
            return self.function(x)
        if x in (bool, int, float, complex) or (kind is type and issubclass(x, np.generic)):
            return repr(np.dtype(x).name)
        name = getattr(x, "__name__", kind.__name__)
        raise CompileError(f"compile: {name}, of type {kind.__name__}, can't be written as code")

    def constant(self, value: Any) -> str:
        """The name of a constant: one name for one value, and for an array of the user's own."""
        key = graph.key_of(value)
        if key not in self._by_value:
            name = self._new(_SPELLED.get(value.item(), "c") if value.size == 1 else "c")
            self.constants[name] = value
            self._by_value[key] = marked(name)
        return self._by_value[key]

    def function(self, function: Any) -> str:
        """How a function is called, by NumPy's name or SciPy's."""
        ufunc = graph.of_ufunc(function)
        found, module = ufunc or function, str(getattr(function, "__module__", ""))
        own, homes = getattr(found, "__name__", ""), [module] * module.startswith("numpy")
        inner = (m for m in sys.modules if m.startswith("scipy.special"))  # it, and as of zeta
        every = chain(["numpy"], inner) if ufunc else homes
        home = next((m for m in every if getattr(sys.modules[m], own, None) is found), None)
        if home is None:
            said = f"{graph.called(function)} is no function of NumPy's or SciPy's"
            raise CompileError(f"compile: {said}")
        if ufunc is None:
            return numpy_name(function)
        self.imports[own] = home
        return own if ufunc is function else f"{own}.{function.__name__}"

    # ------------------------------------------------------------------ statements

    def _place(self, node: Node) -> str | None:
        """Set up what a call writes into: its name, or "" where it makes an array. None of a view
        that is made once, with what it's a view of.
        """
        static, (memory, start) = self._static, self.plan.get(node, (None, None))
        if memory is None:
            base: Any = node.args[0] if node.args else None
            if node.function not in VIEWS or type(base) is not Node or base not in static or (
                len(node.operands) > 1 or node in self._out
            ):  # fmt: skip
                return ""
            view = node.function(static[base], *node.args[1:], **node.kwargs)
            if type(view) is not np.ndarray or not np.may_share_memory(view, static[base]):
                return ""
            static[node] = view
            self._setup.append(((), f"{self.identifier(node)} = {self.expression(node)}"))
            return None
        if not memory.name:
            new = self.identifier(node) if start is None else marked(next(self._temporary))
            memory.name = new
            if memory.given:
                return ""
            memory.array = np.empty(memory.shape, memory.dtype)
            made = f"np.empty({code(memory.shape)}{_dtype(memory.dtype)})"
            self._setup.append(((), f"{new} = {made}"))
        text, whole = memory.name, memory.array
        if whole is not None:
            if start is not None:
                text += f"[{marked(start)}:{marked(start + node.size)}]"
                whole = whole[start : start + node.size]
            static[node] = whole.reshape(node.shape)
            text += f".reshape({code(node.shape)})" if whole.shape != node.shape else ""
        if text == memory.name and (node.name is None or whole is None):
            self.names.setdefault(node, text)
        if self.identifier(node) != text:
            self._setup.append(((), f"{self.identifier(node)} = {text}"))
        return self.identifier(node)

    def _line(self, node: Node, text: str) -> None:
        self._lines.append((node.errors, text))

    def _statement(self, node: Node) -> None:
        if isinstance(node, graph.Guard):
            said = f"other values decide otherwise at {node.line}"
            self._line(node, f"if {self._otherwise(node)}: raise {Changed.__name__}({said!r})")
            return
        out = self._place(node)
        if out and joined(node):
            self._join(node)
        elif node.function is graph.after:
            self._put(node, out or "")
        elif out is not None:
            call = self._call(node, writes_out(node), out)
            self._line(node, call if out else f"{self.identifier(node)} = {call}")

    def _call(self, node: Node, how: str, out: str) -> str:
        """A call by place, which is quicker."""
        function, args = node.function, list(map(self.text_of, node.args))
        if not how or (how in ("product", "fill") and not out):
            return self.expression(node)
        if how == "fill":
            return f"{out}[...] = {args[1]}"
        if how == "product":
            form = "{}.dot({}, {})" if function is np.dot else "np.matmul({}, {}, {})"
            return form.format(*args, out)
        if how == "reduction":
            args[3] = out or "None"
        elif out:
            args.append(f"out={out}" if function in (np.maximum, np.minimum) else out)
        return f"{self.function(function)}({', '.join(args)})"

    def _otherwise(self, node: Node) -> str:
        """Whether a guard is told something else."""
        x, was = self.text_of(node.args[0]), node.value
        if node.function is bool:
            return f"not {x}" if was else x
        if node.function is int or type(was) is int:
            return f"{'int' if node.function is int else 'len'}({x}) != {was}"
        return f"({x}.shape, {x}.dtype) != ({code(was[0])}, np.dtype({self.text_of(was[1])}))"

    def _join(self, node: Node) -> None:
        """What isn't in its place in the whole already is copied there."""
        start = 0
        for part in joined(node):
            source = part.args[0] if is_plain_reshape(part) else part
            end = start + np.size(part.value if isinstance(part, Node) else part)
            if not isinstance(source, Node) or self.plan.get(source) != (self.plan[node][0], start):
                place = f"{self.identifier(node)}[{marked(start)}:{marked(end)}]"
                self._line(node, f"{place} = {self.text_of(part)}")
            start = end

    def _put(self, node: Node, out: str) -> None:
        """Write into what an array was, or where that is still needed into a copy."""
        x, write, *given = node.args
        name = out or self.identifier(node)
        if not out:
            self._line(node, f"{name} = np.array({self.text_of(x)})")
        elif type(x) is not Node or self.plan.get(x) != self.plan[node]:
            self._line(node, f"{name}[...] = {self.text_of(x)}")
        if write is operator.setitem:
            self._line(node, f"{name}[{self.index(given[0])}] = {self.text_of(given[1])}")
        else:
            inner = self._given(node, [name, *map(self.text_of, given)])
            self._line(node, f"{self.function(write)}({inner})")

    def _end(self) -> None:
        """Hand out the results, and bring the resident arrays up to date."""
        results: list[str] = []
        given = {*self.program.inputs, *self.program.captured, *self._static}
        for x in self.program.outputs:
            ours = type(x) is not Node or shares_memory(x) or x in given
            copied = ours and isinstance(values(x), np.ndarray)
            results.append(f"np.array({self.text_of(x)})" if copied else self.text_of(x))
            given.update(graph.nodes_in([x]))
        late = [f"{self.names[old]}[...] = {self.text_of(new)}"
                for old, new in self.program.updates.items()
                if new not in self.plan or self.plan[new][0].name != self.names[old]]  # fmt: skip
        if late:
            named = [marked(self._new("result")) for _ in results]
            late[:0] = [f"{n} = {text}" for n, text in zip(named, results, strict=True)]
            results = named
        self._lines += [((), text) for text in [*late, f"return {', '.join(results) or '()'}"]]


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


def _dtype(dtype: np.dtype[Any]) -> str:
    return "" if dtype == np.float64 else f", {code(dtype)}"


def _literal(x: Any) -> str:
    if isinstance(x, np.generic):
        return f"{literal(np.asarray(x))}[()]"
    return literal(x) if isinstance(x, np.ndarray) else code(x)
