"""A program as NumPy code: what is allocated once, and the function that runs.

The code is straight-line, a call a line, and runs with NumPy alone. Values have the names of the
user's tensors and variables; several may share a buffer, which has then several names.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from itertools import count, groupby
from typing import Any

import numpy as np

from ..numpy_code import Names, code, literal, numpy_name
from .bias import beside_ones
from .blocks import Block
from .graph import Guard, Node, Program
from .helpers import helper_source
from .memory import Buffer, Plan, is_product, is_reduction, is_ufunc_call, shares_memory

_EXPANDED = 4096  # entries, up to which an operand is repeated first and a ufunc called then

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

# They give views, of an array that lies in order.
_VIEWS = {
    np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.broadcast_to, np.real, np.imag, operator.getitem, np.ravel,
}  # fmt: skip


class Writer:
    """Writes a program; see `Source` for what comes of it."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.name = Names("prepare", program.name).new
        self.setup: list[str] = []
        self.lines: list[tuple[tuple[tuple[str, str], ...], str]] = []
        self.constants: dict[str, Any] = {}  # by their names in the code
        self.helpers: dict[str, Callable[..., Any]] = {}
        self.ufuncs: set[str] = set()
        self._beside: dict[Node, str] = {}  # the columns beside the ones
        self._names: dict[Node, str] = {}
        self._by_value: dict[Any, str] = {}
        self._temporary = (f"t_{i}" for i in count(1))
        self._static: dict[Node, np.ndarray[Any, Any]] = {}  # in memory that stays; as examples
        self._held: dict[Buffer, tuple[str, tuple[int, ...]]] = {}  # its first name, and shape

    def write(self) -> None:
        for node in (*self.program.inputs, *self.program.captured):
            self._names[node] = self.name(node.name or "x")
        for node in self.program.resident:
            self._static[node] = node.value
        for node in self.program.nodes:
            for part in node.whole if isinstance(node, Block) else [node]:
                if not isinstance(part, Guard):
                    self._place(part)
        for node in self.program.nodes:
            self._statement(node)
        self._end()

    # ------------------------------------------------------------------ memory

    def _identifier(self, node: Node) -> str:
        if node not in self._names:
            self._names[node] = self.name(node.name or next(self._temporary))
        return self._names[node]

    def _place(self, node: Node) -> None:
        """Set up the memory of a node that has some of its own, or is a view of such."""
        plan = self.plan
        if node in plan.in_place:
            old = plan.in_place[node]
            self.setup.append(f"{self._identifier(node)} = {self._names[old]}")
            self._static[node] = self._static[old]
        elif node in plan.inside:
            whole, start = plan.inside[node]
            if whole not in self._static:
                self._allocate(whole)
            part = self._static[whole][start : start + node.size].reshape(node.shape)
            text = f"{self._names[whole]}[{start}:{start + node.size}]"
            if node.ndim != 1:
                text += f".reshape({code(node.shape)})"
            self.setup.append(f"{self._identifier(node)} = {text}")
            self._static[node] = part
        elif node in plan.buffers:
            if node not in self._static:
                self._allocate(node)
        elif node.function in _VIEWS and node.args and node.args[0] in self._static:
            self._view(node)

    def _allocate(self, node: Node) -> None:
        buffer: Buffer = self.plan.buffers[node]
        self._static[node] = np.empty(node.shape, node.dtype)
        if node.function is beside_ones:
            name = self._identifier(node)
            self.setup.append(f"{name} = np.ones({code(node.shape)}{_dtype(node.dtype)})")
            self._beside[node] = self.name(f"{name}_left")
            self.setup.append(f"{self._beside[node]} = {name}[:, :-1]")
            return
        if buffer not in self._held:
            self._held[buffer] = self._identifier(node), node.shape
            text = f"np.empty({code(node.shape)}{_dtype(node.dtype)})"
            self.setup.append(f"{self._identifier(node)} = {text}")
            return
        first, shape = self._held[buffer]
        if shape != node.shape:
            self.setup.append(f"{self._identifier(node)} = {first}.reshape({code(node.shape)})")
        elif node.name is None:
            self._names[node] = first
        else:
            self.setup.append(f"{self._identifier(node)} = {first}")

    def _view(self, node: Node) -> None:
        """A view of memory that stays is made once."""
        if any(True for x in node.operands[1:]) or node in self.plan.handed_out:
            return
        base = self._static[node.args[0]]
        view = node.function(base, *node.args[1:], **node.kwargs)  # type: ignore[misc]
        if type(view) is np.ndarray and np.may_share_memory(view, base):
            self.setup.append(f"{self._identifier(node)} = {self._expression(node)}")
            self._static[node] = view

    # ------------------------------------------------------------------ statements

    def _statement(self, node: Node) -> None:
        if isinstance(node, Guard):
            self._line(node, f"{self._function(node.function)}({self._arguments(node)})")
            return
        if isinstance(node, Block):
            self._block(node)
            return
        if node in self._static and not (node in self.plan.buffers or node in self.plan.inside
                                         or node in self.plan.in_place):  # fmt: skip
            return  # a view that was made once
        out = self._names.get(node) if node in self._static else None
        if node in self._beside:
            self._line(node, f"{self._beside[node]}[...] = {self._text(node.args[0])}")
        elif node.function is np.concatenate and out is not None:
            self._join(node)
        elif is_ufunc_call(node):
            self._ufunc(node, out)
        elif is_reduction(node):
            self._reduction(node, out)
        elif is_product(node) or node.function is np.dot:
            self._product(node, out)
        else:
            self._line(node, f"{self._identifier(node)} = {self._expression(node)}")

    def _block(self, block: Block) -> None:
        """A function that goes over some of the rows, and its call."""
        for whole in block.whole:
            if whole not in self._static:
                shape = f"{code(whole.shape)}{_dtype(whole.dtype)}"
                self._line(block, f"{self._identifier(whole)} = np.empty({shape})")
        given = [*block.operands, *(w for w in block.whole if w not in self._static)]
        passed = [self._identifier(x) for x in given if x not in self._static]
        function = self.name("rows")
        lines, buffers = self._over_rows(block)
        self.setup += [f"{name} = np.empty(({block.rows}{''.join(f', {n}' for n in rest)},)"
                       f"{_dtype(dtype)})" for name, rest, dtype in buffers]  # fmt: skip
        self.setup += ["", f"def {function}({', '.join(passed)}):"]
        self.setup += [f"    {line}" for line in lines] + [""]
        totals = "".join(f"{self._identifier(total)}, " for total in block.sums).rstrip(" ")
        self._line(block, f"{totals}{' = ' if totals else ''}{function}({', '.join(passed)})")

    def _over_rows(self, block: Block) -> tuple[list[str], list[tuple[str, Any, Any]]]:
        """The lines of that function, and the buffers of a block that it uses."""
        uses = Counter(x for n in (*block.members, *block.sums) for x in n.operands)
        products = {
            total.args[0] for total in block.sums
            if total.function == np.add.reduce and total.args[0] not in block.whole
            and uses[total.args[0]] == 1 and _is_product_of_rows(total.args[0], block)
        }  # fmt: skip
        local = _Rows(self, block)
        names = self.name("i"), self.name("j")
        i, j = names
        inner = [f"{j} = min({i} + {block.rows}, {block.shape[0]})"]
        inner += local.slices(i, j)
        for n, member in enumerate(block.members):
            if member not in products:
                inner.append(local.call(n, member))
        totals = []
        for total in block.sums:
            x = total.args[0]
            name = self.name("total")
            ufunc = self._ufunc_name(total.function.__self__)  # type: ignore[union-attr]
            if x in products:
                factors = x.args * 2 if x.function is np.square else x.args
                part = f"np.vdot({', '.join(local.text(f) for f in factors)})"
            else:
                part = f"{ufunc}.reduce({local.text(x)}, None)"
            totals.append(name)
            inner.append(f"{name}.append({part})")
        lines = [f"{name} = []" for name in totals]
        lines += [f"for {i} in range(0, {block.shape[0]}, {block.rows}):", *(f"    {x}" for x in inner)]
        if totals:
            ends = [f"{self._ufunc_name(t.function.__self__)}.reduce({name})"  # type: ignore[union-attr]
                    for t, name in zip(block.sums, totals, strict=True)]  # fmt: skip
            lines.append(f"return {', '.join(ends)}{',' if len(ends) == 1 else ''}")
        return lines, local.buffers

    def _line(self, node: Node, text: str) -> None:
        self.lines.append((node.errors, text))

    def _ufunc(self, node: Node, out: str | None) -> None:
        name = self._ufunc_name(node.function)
        operands = [self._wide(node, x) for x in node.args]
        if out is None:
            self._line(node, f"{self._identifier(node)} = {name}({', '.join(operands)})")
            return
        by_name = node.function in (np.maximum, np.minimum)
        self._line(node, f"{name}({', '.join(operands)}, {'out=' if by_name else ''}{out})")

    def _wide(self, node: Node, x: Any) -> str:
        """An operand of a ufunc, in the form in which NumPy is quickest with it."""
        value = x.value if isinstance(x, Node) else x
        if not isinstance(x, Node) and np.ndim(value) == 0:
            return self._zero_dimensional(node, value)
        narrow = np.ndim(value) and np.shape(value) != node.shape
        if narrow and node.size <= _EXPANDED and value.dtype == _common_dtype(node):
            if not isinstance(x, Node):
                return self._constant(np.broadcast_to(value, node.shape).copy())
            name = self.name(f"wide_{self._text(x)}")
            self.setup.append(f"{name} = np.empty({code(node.shape)}{_dtype(value.dtype)})")
            self._line(node, f"{name}[...] = {self._text(x)}")
            return name
        return self._text(x)

    def _zero_dimensional(self, node: Node, value: Any) -> str:
        """A number as an array: NumPy takes longer to convert one than to add it."""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            dtype = _common_dtype(node)
            if dtype is None or dtype.kind not in "fc" or (type(value) is complex != dtype.kind == "c"):
                return self._text(value)
        return self._constant(np.array(value, dtype))

    def _reduction(self, node: Node, out: str | None) -> None:
        ufunc = node.function.__self__  # type: ignore[union-attr]
        axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
        keepdims = node.kwargs.get("keepdims", False)
        call = f"{self._ufunc_name(ufunc)}.reduce({self._text(node.args[0])}, {code(axis)}, None"
        if out is None:
            self._line(node, f"{self._identifier(node)} = {call}, None, {keepdims})")
        else:
            self._line(node, f"{call}, {out}, {keepdims})")

    def _product(self, node: Node, out: str | None) -> None:
        x, y = node.args
        flat = max(np.ndim(a.value if isinstance(a, Node) else a) for a in (x, y)) <= 2
        if flat or node.function is np.dot:
            call, end = f"{self._text(x)}.dot({self._text(y)}", ")"
        else:
            call, end = f"{self._ufunc_name(np.matmul)}({self._text(x)}, {self._text(y)}", ")"
        if out is None:
            self._line(node, f"{self._identifier(node)} = {call}{end}")
        else:
            self._line(node, f"{call}, {out}{end}")

    def _join(self, node: Node) -> None:
        """What isn't in its place in the whole already is copied there."""
        start = 0
        for part in node.args[0]:
            source = part.args[0] if isinstance(part, Node) and part.function is np.reshape else part
            end = start + part.size
            if self.plan.inside.get(source) != (node, start):
                self._line(node, f"{self._names[node]}[{start}:{end}] = {self._text(part)}")
            start = end

    def _end(self) -> None:
        """Hand out the results, and bring the resident arrays up to date."""
        results = []
        given: set[Any] = set()
        for x in self.program.outputs:
            if not isinstance(x, Node):
                copied = isinstance(x, np.ndarray)
                results.append(self._constant(x) + (".copy()" if copied else ""))
                continue
            text = self._text(x)
            ours = x.function is None or shares_memory(x) or x in self._static
            if isinstance(x.value, np.ndarray) and (ours or x in given):
                text = f"np.array({text})"
            given.add(x)
            results.append(text)
        late = [(old, new) for old, new in self.program.updates.items()
                if self.plan.in_place.get(new) is not old]  # fmt: skip
        if late:
            named = [self.name("result") for _ in results]
            for name, text in zip(named, results, strict=True):
                self.lines.append(((), f"{name} = {text}"))
            results = named
            for old, new in late:
                self.lines.append(((), f"{self._names[old]}[...] = {self._text(new)}"))
        self.lines.append(((), f"return {', '.join(results)}"))

    # ------------------------------------------------------------------ expressions

    def _expression(self, node: Node) -> str:
        function: Any = node.function
        if function is operator.getitem:
            index = node.args[1]
            inner = self._index(index)
            return f"{self._text(node.args[0])}[{inner}]"
        scalar = all(
            x.is_scalar if isinstance(x, Node) else np.ndim(x) == 0 and not isinstance(x, np.ndarray)
            for x in node.args
        )  # fmt: skip
        if function in _OPERATORS and scalar and not node.kwargs:
            operands = [self._text(x) for x in node.args]
            return _OPERATORS[function].format(*(o if o.isidentifier() else f"({o})" for o in operands))
        if function in (np.transpose, np.reshape) and isinstance(node.args[0], Node):
            x = self._text(node.args[0])
            if function is np.transpose and len(node.args) == 1 and not node.kwargs:
                return f"{x}.T"
            if function is np.reshape and len(node.args) == 2 and not node.kwargs:
                return f"{x}.reshape({self._text(node.args[1])})"
        return f"{self._function(function)}({self._arguments(node)})"

    def _index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop = ("" if i is None else self._text(i) for i in (index.start, index.stop))
            return f"{start}:{stop}" + ("" if index.step is None else f":{self._text(index.step)}")
        return self._text(index)

    def _arguments(self, node: Node) -> str:
        given = [self._text(x) for x in node.args]
        given += [f"{key}={self._text(x)}" for key, x in node.kwargs.items()]
        return ", ".join(given)

    def _text(self, x: Any) -> str:
        if isinstance(x, Node):
            return self._identifier(x)
        if isinstance(x, tuple):
            inner = ", ".join(map(self._text, x)) + ("," if len(x) == 1 else "")
            return f"({inner})"
        if isinstance(x, list):
            return f"[{', '.join(map(self._text, x))}]"
        if isinstance(x, slice):
            return f"slice({', '.join(self._text(i) for i in (x.start, x.stop, x.step))})"
        if isinstance(x, (np.dtype, bool, int, float, complex, str, type(None), type(...))):
            return code(x)
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        return self._constant(x)

    def _constant(self, value: Any) -> str:
        """The name of a constant: one name for one value, and for an array of the user's own."""
        small = isinstance(value, (np.ndarray, np.generic)) and value.size <= 64
        key = (type(value), value.dtype.str, value.shape, value.tobytes()) if small else id(value)
        if key not in self._by_value:
            name = self.name(_SPELLED.get(value.item(), "c") if small and value.size == 1 else "c")
            self.constants[name] = value
            self._by_value[key] = name
        return self._by_value[key]

    def _ufunc_name(self, ufunc: Any) -> str:
        self.ufuncs.add(ufunc.__name__)
        return str(ufunc.__name__)

    def _function(self, function: Any) -> str:
        """How a function is called: by NumPy's name, or as code of its own beside the program."""
        module = getattr(function, "__module__", "") or ""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{function.__name__}"
        if isinstance(function, np.ufunc) or module.startswith("numpy"):
            return numpy_name(function)
        for name, known in self.helpers.items():
            if known is function:
                return name
        name = self.name(getattr(function, "__name__", "helper").replace("<lambda>", "rule").strip("_"))
        self.helpers[name] = function
        return name


def _is_product_of_rows(x: Node, block: Block) -> bool:
    """Whether the sum of its entries is a dot product."""
    return (
        x.function in (np.multiply, np.square)
        and x.dtype.char in "df"
        and all(isinstance(f, Node) and f.shape == x.shape and f.dtype == x.dtype for f in x.args)
    )


class _Rows:
    """The names of values within a function that goes over rows, and the buffers of a block."""

    def __init__(self, writer: Writer, block: Block) -> None:
        self._writer, self._block = writer, block
        self._names: dict[Any, str] = {}
        self.buffers: list[tuple[str, tuple[int, ...], np.dtype[Any]]] = []
        self._free: dict[np.dtype[Any], list[str]] = {}
        self._last: dict[Node, int] = {}
        for n, member in enumerate(block.members):
            self._last.update((x, n) for x in member.operands)
        self._last.update((x, len(block.members)) for total in block.sums for x in total.operands)
        for total in block.sums:  # a product may be taken from its factors in the end
            self._last.update((x, len(block.members)) for x in total.args[0].operands)

    def slices(self, i: str, j: str) -> list[str]:
        writer, block, lines = self._writer, self._block, []
        constants = [x for m in block.members for x in m.args if isinstance(x, np.ndarray)]
        for x in dict.fromkeys([*block.operands, *block.whole]):
            if block.sliced(x):
                self._names[x] = writer.name(f"{writer._identifier(x)}_rows")
                lines.append(f"{self._names[x]} = {writer._identifier(x)}[{i}:{j}]")
        for x in constants:
            if block.sliced(x) and id(x) not in self._names:
                self._names[id(x)] = writer.name(f"{writer._constant(x)}_rows")
                lines.append(f"{self._names[id(x)]} = {writer._constant(x)}[{i}:{j}]")
        self._assigned = lines
        self._end = f"{j} - {i}"
        self._lines = lines
        self._place(lines)
        return lines

    def _place(self, lines: list[str]) -> None:
        """A buffer of a block for each member that isn't needed as a whole."""
        for n, member in enumerate(self._block.members):
            if member not in self._names:
                for x in dict.fromkeys(member.operands):
                    if (self._last.get(x) == n and x in self._block.members
                            and x not in self._block.whole and x.dtype == member.dtype):  # fmt: skip
                        self._names[member] = self._names[x]
                        break
                else:
                    free = self._free.setdefault(member.dtype, [])
                    if free:
                        self._names[member] = free.pop()
                    else:
                        buffer = self._writer.name("block")
                        self.buffers.append((buffer, member.shape[1:], member.dtype))
                        name = self._writer.name(f"{buffer}_rows")
                        lines.append(f"{name} = {buffer}[: {self._end}]")
                        self._names[member] = name
            for x in dict.fromkeys(member.operands):
                if (self._last.get(x) == n and x in self._block.members
                        and x not in self._block.whole and self._names[x] != self._names[member]):  # fmt: skip
                    self._free.setdefault(x.dtype, []).append(self._names[x])

    def call(self, n: int, member: Node) -> str:
        name = self._writer._ufunc_name(member.function)
        operands = [self.text(x, member) for x in member.args]
        by_name = "out=" if member.function in (np.maximum, np.minimum) else ""
        return f"{name}({', '.join(operands)}, {by_name}{self._names[member]})"

    def text(self, x: Any, member: Node | None = None) -> str:
        if isinstance(x, Node):
            return self._names.get(x) or self._writer._identifier(x)
        if id(x) in self._names:
            return self._names[id(x)]
        if member is not None and np.ndim(x) == 0:
            return self._writer._zero_dimensional(member, x)
        return self._writer._text(x)


_SPELLED = {1: "one", 0: "zero", 2: "two", 0.5: "half", -1: "minus_one"}


def _dtype(dtype: np.dtype[Any]) -> str:
    return "" if dtype == np.float64 else f", {code(dtype)}"


def _common_dtype(node: Node) -> np.dtype[Any] | None:
    """The dtype of a ufunc's operands that are arrays, where they have the same."""
    values = [x.value if isinstance(x, Node) else x for x in node.args]
    found = {v.dtype for v in values if isinstance(v, (np.ndarray, np.generic))}
    return found.pop() if len(found) == 1 else None


class Source:
    """A program's code.

    Attributes:
        body: defines ``prepare``, which allocates and returns the function.
        namespace: the constants, and Python code that the body calls.
        parameters: of ``prepare``: the resident arrays.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        writer = Writer(program, plan)
        writer.write()
        self.program = program
        self.namespace = {**writer.constants, **writer.helpers}
        self._constants, self._helpers = writer.constants, writer.helpers
        names = writer._names
        resident = set(program.resident)
        self.arguments = [names[x] for x in (*program.inputs, *program.captured) if x not in resident]
        self.parameters = [names[x] for x in program.resident]
        self._captured = {names[x]: x.value for x in program.captured if x not in resident}
        imports = f"from numpy import {', '.join(sorted(writer.ufuncs))}\n" if writer.ufuncs else ""
        self._imports = f"import numpy as np\n{imports}"
        self.body = self._body(writer)

    def _body(self, writer: Writer) -> str:
        lines = [f"def prepare({', '.join(self.parameters)}):"]
        lines += [f"    {line}" for line in writer.setup]
        lines += ["", f"    def {self.program.name}({', '.join(self.arguments)}):"]
        for errors, group in groupby(writer.lines, key=lambda line: line[0]):
            indent = "        "
            if errors:
                settings = ", ".join(f"{key}={value!r}" for key, value in errors)
                lines.append(f"{indent}with np.errstate({settings}):")
                indent += "    "
            lines += [f"{indent}{text}" for _, text in group]
        lines += ["", f"    return {self.program.name}", ""]
        return "\n".join(lines)

    def prepared(self, *resident: Any) -> Callable[..., Any]:
        """A function with buffers of its own."""
        namespace = dict(self.namespace)
        exec(self._code(), namespace)
        function: Callable[..., Any] = namespace["prepare"](*resident)
        return function

    def _code(self) -> Any:
        return compile(self._imports + "\n" + self.body, f"<compiled {self.program.name}>", "exec")

    def text(self, title: str) -> str:
        """All of it, to be written to a file."""
        parts = [f'"""{title}"""\n\n{self._imports}']
        parts += [helper_source(name, function) for name, function in self._helpers.items()]
        given = [f"{name} = {_written(value)}" for name, value in self._constants.items()]
        if given:
            parts.append("\n".join(given) + "\n")
        parts.append(self.body)
        defaults = [f"{name} = {_written(value)}" for name, value in self._captured.items()]
        defaults += [f"{name} = {_written(x.value)}"
                     for name, x in zip(self.parameters, self.program.resident, strict=True)]  # fmt: skip
        end = f"{self.program.name} = prepare({', '.join(self.parameters)})\n"
        if defaults:
            parts.append("# As they were when it was compiled.\n" + "\n".join(defaults) + "\n")
        parts.append(end)
        return "\n\n".join(parts)


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return literal(value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({value.item()!r})"
    return repr(value)



