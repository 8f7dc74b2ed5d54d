"""A program's statements: what is allocated once, and a call a line.

Values have the names of the user's tensors and variables; several may share a buffer, which has
then several names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numpy_code import code
from .expressions import Expressions, dtype_code
from .graph import Changed, Guard, Node, Program, is_plain_reshape, put, put_at, varies
from .memory import (
    VIEWS,
    Buffer,
    Plan,
    is_join,
    is_product,
    is_reduction,
    is_ufunc_call,
    shares_memory,
)

_EXPANDED = 4096  # entries, up to which an operand is repeated first and a ufunc called then
_LARGE = 10_000  # entries


class Writer(Expressions):
    """Writes a program.

    Attributes:
        setup: the lines that allocate.
        lines: those of the function itself, each with NumPy's settings for warnings.
        watches: whether one of them asks if values decide as they did.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        super().__init__()
        self.program, self.plan = program, plan
        self.function_name = self.name(program.name)
        self.changed = self.name(Changed.__name__)
        self.watches = False
        self.setup: list[str] = []
        self.lines: list[tuple[tuple[tuple[str, str], ...], str]] = []
        self._static: dict[Node, np.ndarray[Any, Any]] = {}  # in memory that stays; as examples
        self._held: dict[Buffer, tuple[str, tuple[int, ...]]] = {}  # its first name, and shape
        for node in (*program.inputs, *program.captured):
            self.names[node] = self.name(node.name or "x")
        for node in program.resident:
            self._static[node] = node.value
        for node in program.nodes:
            self._place(node)
        for i, node in enumerate(program.nodes):
            self._statement(node, i)
        self._end()

    # ------------------------------------------------------------------ memory

    def _place(self, node: Node) -> None:
        """Set up the memory of a node that has some of its own, or is a view of such."""
        plan = self.plan
        if node in plan.in_place:
            old = plan.in_place[node]
            self.setup.append(f"{self.identifier(node)} = {self.names[old]}")
            self._static[node] = self._static[old]
        elif node in plan.inside:
            whole, start = plan.inside[node]
            if whole not in self._static:
                self._allocate(whole)
            part = self._static[whole][start : start + node.size].reshape(node.shape)
            text = f"{self.names[whole]}[{start}:{start + node.size}]"
            if node.ndim != 1:
                text += f".reshape({code(node.shape)})"
            self.setup.append(f"{self.identifier(node)} = {text}")
            self._static[node] = part
        elif node in plan.buffers:
            if node not in self._static:
                self._allocate(node)
        elif node.function in VIEWS and isinstance(node.args[0], Node):
            self._view(node)

    def _allocate(self, node: Node) -> None:
        buffer: Buffer = self.plan.buffers[node]
        self._static[node] = np.empty(node.shape, node.dtype)
        if buffer not in self._held:
            self._held[buffer] = self.identifier(node), node.shape
            text = f"np.empty({code(node.shape)}{dtype_code(node.dtype)})"
            self.setup.append(f"{self.identifier(node)} = {text}")
            return
        first, shape = self._held[buffer]
        if shape != node.shape:
            self.setup.append(f"{self.identifier(node)} = {first}.reshape({code(node.shape)})")
        elif node.name is None:
            self.names[node] = first
        else:
            self.setup.append(f"{self.identifier(node)} = {first}")

    def _view(self, node: Node) -> None:
        """A view of memory that stays is made once."""
        if node.args[0] not in self._static or len(node.operands) > 1 or (
            node in self.plan.handed_out
        ):
            return
        base = self._static[node.args[0]]
        view = node.function(base, *node.args[1:], **node.kwargs)  # type: ignore[misc]
        if type(view) is np.ndarray and np.may_share_memory(view, base):
            self.setup.append(f"{self.identifier(node)} = {self.expression(node)}")
            self._static[node] = view

    # ------------------------------------------------------------------ statements

    def _statement(self, node: Node, i: int) -> None:
        plan = self.plan
        if isinstance(node, Guard):
            x = self.text(node.args[0])
            asked = f"int({x}) != {node.value}" if node.function is int else x
            self._watch(node, f"not {x}" if node.value is True else asked)
            return
        placed = node in plan.buffers or node in plan.inside or node in plan.in_place
        if node in self._static and not placed:
            return  # a view that was made once
        out = self.names.get(node) if node in self._static else None
        if is_join(node) and out is not None:
            self._join(node)
        elif is_ufunc_call(node):
            self._ufunc(node, out)
        elif is_reduction(node):
            self._reduction(node, out)
        elif is_product(node) or _is_dot_product(node):
            self._product(node, out)
        elif node.function in (put, put_at):
            self._put(node, i)
        else:
            self._line(node, f"{self.identifier(node)} = {self.expression(node)}")
        if varies(node):
            name = self.identifier(node)
            if isinstance(node.value, (tuple, list)):
                self._watch(node, f"len({name}) != {len(node.value)}")
            elif not hasattr(node.value, "dtype"):
                self._watch(node, f"type({name}) is not {type(node.value).__name__}")
            else:
                dtype = f"np.dtype({node.dtype.name!r})"
                self._watch(node, f"({name}.shape, {name}.dtype) != ({code(node.shape)}, {dtype})")

    def _watch(self, node: Node, condition: str) -> None:
        self.watches = True
        said = f"other values decide otherwise at {node.line}"
        self._line(node, f"if {condition}: raise {self.changed}({said!r})")

    def _line(self, node: Node, text: str) -> None:
        self.lines.append((node.errors, text))

    def _ufunc(self, node: Node, out: str | None) -> None:
        name = self.ufunc_name(node.function)
        operands = [self._wide(node, i) for i in range(len(node.args))]
        if out is None:
            self._line(node, f"{self.identifier(node)} = {name}({', '.join(operands)})")
            return
        by_name = node.function in (np.maximum, np.minimum)
        self._line(node, f"{name}({', '.join(operands)}, {'out=' if by_name else ''}{out})")

    def _wide(self, node: Node, i: int) -> str:
        """An operand of a ufunc, in the form in which NumPy is quickest with it."""
        x = node.args[i]
        value = x.value if isinstance(x, Node) else x
        if np.ndim(value) == 0:
            return self.zero_dimensional(node, i)
        if value.shape != node.shape and node.size <= _EXPANDED and value.dtype == node.dtype:
            if not isinstance(x, Node):
                return self.constant(np.broadcast_to(value, node.shape).copy())
            name = self.name(f"wide_{self.text(x)}")
            self.setup.append(f"{name} = np.empty({code(node.shape)}{dtype_code(value.dtype)})")
            self._line(node, f"{name}[...] = {self.text(x)}")
            return name
        return self.text(x)

    def _reduction(self, node: Node, out: str | None) -> None:
        ufunc = node.function.__self__  # type: ignore[union-attr]
        axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
        keepdims = node.kwargs.get("keepdims", False)
        call = f"{self.ufunc_name(ufunc)}.reduce({self.text(node.args[0])}, {self.text(axis)}, None"
        if out is None:
            self._line(node, f"{self.identifier(node)} = {call}, None, {bool(keepdims)})")
        else:
            self._line(node, f"{call}, {out}, {bool(keepdims)})")

    def _product(self, node: Node, out: str | None) -> None:
        x, y = node.args
        flat = max(np.ndim(a.value if isinstance(a, Node) else a) for a in (x, y)) <= 2
        # dot takes half the time of matmul to call, but clears the result first.
        if (flat or node.function is np.dot) and not (out and node.size >= _LARGE):
            call, end = f"{self.text(x)}.dot({self.text(y)}", ")"
        else:
            call, end = f"{self.ufunc_name(np.matmul)}({self.text(x)}, {self.text(y)}", ")"
        if out is None:
            self._line(node, f"{self.identifier(node)} = {call}{end}")
        else:
            self._line(node, f"{call}, {out}{end}")

    def _join(self, node: Node) -> None:
        """What isn't in its place in the whole already is copied there."""
        start = 0
        for part in node.args[0]:
            source = part.args[0] if is_plain_reshape(part) else part
            end = start + np.size(part.value if isinstance(part, Node) else part)
            if not isinstance(source, Node) or self.plan.inside.get(source) != (node, start):
                self._line(node, f"{self.names[node]}[{start}:{end}] = {self.text(part)}")
            start = end

    def _put(self, node: Node, i: int) -> None:
        """Write into an array, or where that is still needed as it was into a copy."""
        x, *given = node.args
        last = self.plan.last_use[x] <= i and x.function in (np.full, np.array, put, put_at)
        array = self.text(x) if last else f"np.array({self.text(x)})"
        name = self.identifier(node)
        self._line(node, f"{name} = {array}")
        if node.function is put:
            self._line(node, f"{name}[{self.index(given[0])}] = {self.text(given[1])}")
        else:
            inner = ", ".join(map(self.text, given[1:]))
            self._line(node, f"{self.ufunc_name(given[0])}.at({name}, {inner})")

    def _end(self) -> None:
        """Hand out the results, and bring the resident arrays up to date."""
        results = []
        given: set[Any] = set()
        for x in self.program.outputs:
            if not isinstance(x, Node):
                copied = isinstance(x, np.ndarray)
                results.append(self.text(x) + (".copy()" if copied else ""))
                continue
            text = self.text(x)
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
                self.lines.append(((), f"{self.names[old]}[...] = {self.text(new)}"))
        self.lines.append(((), f"return {', '.join(results) or '()'}"))


def _is_dot_product(node: Node) -> bool:
    """Whether it is that of two vectors."""
    values = [x.value if isinstance(x, Node) else x for x in node.args]
    return node.function is np.dot and all(isinstance(v, np.ndarray) and v.ndim for v in values)
