"""A program's statements: what is allocated once, and a call a line.

Values have the names of the user's tensors and variables; several may share a buffer, which has
then several names.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..numpy_code import code
from .bias import beside_ones
from .blocks import Block
from .expressions import Expressions, common_dtype, dtype_code
from .graph import Guard, Node, Program, is_plain_reshape
from .memory import Buffer, Plan, is_product, is_reduction, is_ufunc_call, shares_memory
from .rows import function_of_rows

_EXPANDED = 4096  # entries, up to which an operand is repeated first and a ufunc called then

_LARGE = 10_000  # entries

# They give views, of an array that lies in order.
_VIEWS = {
    np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.broadcast_to, np.real, np.imag, operator.getitem, np.ravel,
}  # fmt: skip


class Writer(Expressions):
    """Writes a program.

    Attributes:
        setup: the lines that allocate.
        lines: those of the function itself, each with NumPy's settings for warnings.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        super().__init__()
        self.program, self.plan = program, plan
        self.function_name = self.name(program.name)
        self.setup: list[str] = []
        self.lines: list[tuple[tuple[tuple[str, str], ...], str]] = []
        self._static: dict[Node, np.ndarray[Any, Any]] = {}  # in memory that stays; as examples
        self._held: dict[Buffer, tuple[str, tuple[int, ...]]] = {}  # its first name, and shape
        self._beside: dict[Node, str] = {}  # the columns beside the ones

    def write(self) -> None:
        for node in (*self.program.inputs, *self.program.captured):
            self.names[node] = self.name(node.name or "x")
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
        elif node.function in _VIEWS and self._lies_in_static(node.args[0]):
            self._view(node)

    def _lies_in_static(self, x: Any) -> bool:
        return isinstance(x, Node) and x in self._static

    def _allocate(self, node: Node) -> None:
        buffer: Buffer = self.plan.buffers[node]
        self._static[node] = np.empty(node.shape, node.dtype)
        if node.function is beside_ones:
            name = self.identifier(node)
            self.setup.append(f"{name} = np.ones({code(node.shape)}{dtype_code(node.dtype)})")
            self._beside[node] = self.name(f"{name}_left")
            self.setup.append(f"{self._beside[node]} = {name}[:, :-1]")
            return
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
        if len(node.operands) > 1 or node in self.plan.handed_out:
            return
        base = self._static[node.args[0]]
        view = node.function(base, *node.args[1:], **node.kwargs)  # type: ignore[misc]
        if type(view) is np.ndarray and np.may_share_memory(view, base):
            self.setup.append(f"{self.identifier(node)} = {self.expression(node)}")
            self._static[node] = view

    # ------------------------------------------------------------------ statements

    def _statement(self, node: Node) -> None:
        if isinstance(node, Guard):
            self._line(node, f"{self.function(node.function)}({self.arguments(node)})")
            return
        if isinstance(node, Block):
            self._block(node)
            return
        if node in self._static and not (node in self.plan.buffers or node in self.plan.inside
                                         or node in self.plan.in_place):  # fmt: skip
            return  # a view that was made once
        out = self.names.get(node) if node in self._static else None
        if node in self._beside:
            self._line(node, f"{self._beside[node]}[...] = {self.text(node.args[0])}")
        elif node.function is np.concatenate and out is not None:
            self._join(node)
        elif is_ufunc_call(node):
            self._ufunc(node, out)
        elif is_reduction(node):
            self._reduction(node, out)
        elif is_product(node) or _is_dot_product(node):
            self._product(node, out)
        else:
            self._line(node, f"{self.identifier(node)} = {self.expression(node)}")

    def _block(self, block: Block) -> None:
        """A function that goes over some of the rows, and its call."""
        for whole in block.whole:
            if whole not in self._static:
                shape = f"{code(whole.shape)}{dtype_code(whole.dtype)}"
                self._line(block, f"{self.identifier(whole)} = np.empty({shape})")
        given = [*block.operands, *(w for w in block.whole if w not in self._static)]
        passed = [self.identifier(x) for x in given if x not in self._static]
        function = self.name("rows")
        self.setup += function_of_rows(self, block, function, passed)
        totals = "".join(f"{self.identifier(total)}, " for total in block.sums).rstrip(" ")
        self._line(block, f"{totals}{' = ' if totals else ''}{function}({', '.join(passed)})")

    def _line(self, node: Node, text: str) -> None:
        self.lines.append((node.errors, text))

    def _ufunc(self, node: Node, out: str | None) -> None:
        name = self.ufunc_name(node.function)
        operands = [self._wide(node, x) for x in node.args]
        if out is None:
            self._line(node, f"{self.identifier(node)} = {name}({', '.join(operands)})")
            return
        by_name = node.function in (np.maximum, np.minimum)
        self._line(node, f"{name}({', '.join(operands)}, {'out=' if by_name else ''}{out})")

    def _wide(self, node: Node, x: Any) -> str:
        """An operand of a ufunc, in the form in which NumPy is quickest with it."""
        value = x.value if isinstance(x, Node) else x
        if not isinstance(x, Node) and np.ndim(value) == 0:
            return self.zero_dimensional(node, value)
        narrow = np.ndim(value) and np.shape(value) != node.shape
        if narrow and node.size <= _EXPANDED and value.dtype == common_dtype(node):
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
        call = f"{self.ufunc_name(ufunc)}.reduce({self.text(node.args[0])}, {code(axis)}, None"
        if out is None:
            self._line(node, f"{self.identifier(node)} = {call}, None, {keepdims})")
        else:
            self._line(node, f"{call}, {out}, {keepdims})")

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
            end = start + part.size
            if self.plan.inside.get(source) != (node, start):
                self._line(node, f"{self.names[node]}[{start}:{end}] = {self.text(part)}")
            start = end

    def _end(self) -> None:
        """Hand out the results, and bring the resident arrays up to date."""
        results = []
        given: set[Any] = set()
        for x in self.program.outputs:
            if not isinstance(x, Node):
                copied = isinstance(x, np.ndarray)
                results.append(self.constant(x) + (".copy()" if copied else ""))
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
        self.lines.append(((), f"return {', '.join(results)}"))


def _is_dot_product(node: Node) -> bool:
    """Whether it is that of two vectors."""
    values = [x.value if isinstance(x, Node) else x for x in node.args]
    return node.function is np.dot and all(isinstance(v, np.ndarray) and v.ndim for v in values)
