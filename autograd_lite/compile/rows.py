"""The function that takes a block's rows, some at a time, through its calls."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .blocks import Block
from .expressions import Expressions, dtype_code
from .graph import Node
from .threads import sharing


def function_of_rows(
    writer: Expressions, block: Block, name: str, parameters: list[str]
) -> list[str]:
    """The lines of its definition, after those of the buffers that it uses."""
    rows = _Rows(writer, block)
    i, j = writer.name("i"), writer.name("j")
    shared = block.threads > 1
    start, stop = "0", str(block.shape[0])
    if shared:
        start, stop = writer.name("start"), writer.name("stop")
    inner = [f"{j} = min({i} + {block.rows}, {stop})", *rows.slices(i, j)]
    inner += [rows.call(member) for member in block.members if member not in rows.products]
    totals = [writer.name("total") for _ in block.sums]
    inner += [f"{total}.append({rows.reduced(node)})"
              for total, node in zip(totals, block.sums, strict=True)]  # fmt: skip
    lines = [f"{total} = []" for total in totals]
    lines += [f"for {i} in range({start}, {stop}, {block.rows}):"]
    lines += [f"    {line}" for line in inner]
    buffers = [(buffer, f"np.empty({(block.rows, *shape)}{dtype_code(dtype)})")
               for buffer, shape, dtype in rows.buffers]  # fmt: skip
    ends = [f"{rows.ufunc_of(node)}.reduce({total})"
            for total, node in zip(totals, block.sums, strict=True)]  # fmt: skip
    if shared:
        part, in_threads = writer.name("part"), writer.name("in_threads")
        own = f"[({_listed([new for _, new in buffers])}) for _ in range({block.threads})]"
        allocated = [f"{in_threads} = {writer.function(sharing)}({own})"]
        given = ", ".join((start, stop, *(buffer for buffer, _ in buffers)))
        lines = [f"def {part}({given}):", *(f"    {x}" for x in lines)]
        lines += [f"    return {_listed(totals)}" if totals else "    return ()", ""]
        taken = f"{in_threads}({part}, {block.shape[0]}, {block.rows})"
        lines.append(f"{_listed(totals)}{' = ' if totals else ''}{taken}")
    else:
        allocated = [f"{buffer} = {new}" for buffer, new in buffers]
    if totals:
        lines.append(f"return {_listed(ends)}")
    head = f"def {name}({', '.join(parameters)}):"
    return [*allocated, "", head, *(f"    {line}" for line in lines), ""]


def _listed(names: list[str]) -> str:
    """As a tuple, without its parentheses."""
    return ", ".join(names) + ("," if len(names) == 1 else "")


def _is_product(x: Node) -> bool:
    """Whether the sum of its entries is a dot product."""
    return (
        x.function in (np.multiply, np.square)
        and x.dtype.char in "df"
        and all(isinstance(f, Node) and f.shape == x.shape and f.dtype == x.dtype for f in x.args)
    )


class _Rows:
    """The names of values within the function, and the buffers of a block.

    Attributes:
        products: members that are summed up as dot products, and not computed.
        buffers: name, shape of a row and dtype of each.
    """

    def __init__(self, writer: Expressions, block: Block) -> None:
        self._writer, self._block = writer, block
        self._names: dict[Any, str] = {}
        self.buffers: list[tuple[str, tuple[int, ...], np.dtype[Any]]] = []
        self._free: dict[np.dtype[Any], list[str]] = {}
        uses = Counter(x for n in (*block.members, *block.sums) for x in n.operands)
        summed = [t.args[0] for t in block.sums if t.function == np.add.reduce]
        self.products = {
            x for x in summed if x not in block.whole and uses[x] == 1 and _is_product(x)
        } if block.threads == 1 else set()  # BLAS has threads of its own for such long ones
        self._last: dict[Node, int] = {}  # of each operand, the place of the last call that uses it
        for n, member in enumerate(block.members):
            late = len(block.members) if member in self.products else n
            self._last.update((x, max(late, self._last.get(x, 0))) for x in member.operands)
        self._last.update((x, len(block.members)) for t in block.sums for x in t.operands)

    def slices(self, i: str, j: str) -> list[str]:
        """Lines that take these rows of what comes from outside, and of the buffers."""
        writer, block, lines = self._writer, self._block, []
        constants = {
            id(x): x for m in block.members for x in m.args if isinstance(x, np.ndarray)
        }
        given: dict[Any, str] = {x: writer.identifier(x)
                                 for x in dict.fromkeys([*block.operands, *block.whole])
                                 if block.sliced(x)}  # fmt: skip
        given.update(
            (key, writer.constant(x)) for key, x in constants.items() if block.sliced(x)
        )
        for key, name in given.items():
            self._names[key] = writer.name(f"{name}_rows")
            lines.append(f"{self._names[key]} = {name}[{i}:{j}]")
        return lines + self._placed(f"{j} - {i}")

    def _placed(self, count: str) -> list[str]:
        """A buffer for each member that isn't needed as a whole; lines that take its rows."""
        lines = []
        for n, member in enumerate(self._block.members):
            dying = [x for x in dict.fromkeys(member.operands)
                     if self._last[x] == n and x in self._block.members
                     and x not in self._block.whole]  # fmt: skip
            if member not in self._names and member not in self.products:
                same = [x for x in dying if x.dtype == member.dtype]
                free = self._free.setdefault(member.dtype, [])
                if same:
                    self._names[member] = self._names[same[0]]
                elif free:
                    self._names[member] = free.pop()
                else:
                    buffer = self._writer.name("block")
                    self.buffers.append((buffer, member.shape[1:], member.dtype))
                    self._names[member] = self._writer.name(f"{buffer}_rows")
                    lines.append(f"{self._names[member]} = {buffer}[: {count}]")
            for x in dying:
                if self._names[x] != self._names.get(member):
                    self._free.setdefault(x.dtype, []).append(self._names[x])
        return lines

    def call(self, member: Node) -> str:
        operands = [self._text(x, member) for x in member.args]
        by_name = "out=" if member.function in (np.maximum, np.minimum) else ""
        name = self._writer.ufunc_name(member.function)
        return f"{name}({', '.join(operands)}, {by_name}{self._names[member]})"

    def reduced(self, total: Node) -> str:
        """What these rows add to a sum, a greatest or a least entry."""
        x = total.args[0]
        if x in self.products:
            factors = x.args * 2 if x.function is np.square else x.args
            return f"np.vdot({', '.join(map(self._text, factors))})"
        return f"{self.ufunc_of(total)}.reduce({self._text(x)}, None)"

    def ufunc_of(self, total: Node) -> str:
        function: Any = total.function
        return self._writer.ufunc_name(function.__self__)

    def _text(self, x: Any, member: Node | None = None) -> str:
        known = self._names.get(x if isinstance(x, Node) else id(x))
        if known is not None:
            return known
        if member is not None and not isinstance(x, Node) and np.ndim(x) == 0:
            return self._writer.zero_dimensional(member, x)
        return self._writer.text(x)
