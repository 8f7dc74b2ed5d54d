"""A program's code: it can be run, and read.

The code is straight-line, a call a line, and runs by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from ..numpy_code import code, literal
from .graph import Changed, Node, Program
from .memory import planned
from .writer import Writer


class Source:
    """A program's code.

    Attributes:
        body: defines ``prepare``, which allocates and returns the function.
        arguments: the names of what the function takes.
        parameters: of ``prepare``: the resident arrays.
    """

    def __init__(self, program: Program) -> None:
        writer = Writer(program, planned(program))
        names = writer.names
        resident = set(program.resident)
        given = [x for x in (*program.inputs, *program.captured) if x not in resident]
        self.arguments = [names[x] for x in given]
        self.parameters = [names[x] for x in program.resident]
        self._name, self._changed = writer.function_name, writer.changed
        self._constants, self._watches = writer.constants, writer.watches
        self._given = {names[x]: x for x in given}
        self._held = {names[x]: x for x in (*program.captured, *program.resident)}
        modules = {m: sorted(n for n, of in writer.imports.items() if of == m)
                   for m in sorted(set(writer.imports.values()))}  # fmt: skip
        imports = [f"from {m} import {', '.join(used)}\n" for m, used in modules.items()]
        self._imports = "import numpy as np\n" + "".join(imports)
        self.body = self._body(writer)
        self._code = compile(self._imports + "\n" + self.body, f"<compiled {self._name}>", "exec")

    def _body(self, writer: Writer) -> str:
        lines = [f"def prepare({', '.join(self.parameters)}):"]
        lines += [f"    {line}" for line in writer.setup]
        lines += ["", f"    def {self._name}({', '.join(self.arguments)}):"]
        for errors, group in groupby(writer.lines, key=lambda line: line[0]):
            indent = "        "
            if errors:
                settings = ", ".join(f"{key}={value!r}" for key, value in errors)
                lines.append(f"{indent}with np.errstate({settings}):")
                indent += "    "
            lines += [f"{indent}{text}" for _, text in group]
        lines += ["", f"    return {self._name}", ""]
        return "\n".join(lines)

    def prepared(self, *resident: Any) -> Callable[..., Any]:
        """A function with buffers of its own."""
        namespace = {**self._constants, self._changed: Changed}
        exec(self._code, namespace)
        function: Callable[..., Any] = namespace["prepare"](*resident)
        return function

    def text(self, title: str, values: dict[str, Any]) -> str:
        """All of it, to be written to a file.

        Args:
            title: what it is of.
            values: of what it uses besides its arguments, by their names.
        """
        of = [f"{n} of shape {x.shape} ({x.dtype})" for n, x in self._given.items()]
        parts = [f'"""{title} as NumPy code{", for " if of else ""}{", ".join(of)}."""',
                 self._imports.rstrip()]  # fmt: skip
        if self._watches:
            said = "Values decide otherwise than those that this was compiled with."
            parts.append(f'class {self._changed}(Exception):\n    """{said}"""')
        given = [f"{name} = {_written(value)}" for name, value in self._constants.items()]
        parts += ["\n".join(given)] if given else []
        parts.append(self.body.rstrip())
        held = [f"{name} = {_written(value)}" for name, value in values.items()]
        if held:
            parts.append("# What it uses besides its arguments.\n" + "\n".join(held))
        parts.append(f"{self._name} = prepare({', '.join(self.parameters)})\n")
        return "\n\n\n".join(parts)

    def names(self, nodes: list[Node]) -> list[str]:
        """What they are called that it uses besides its arguments."""
        by_node = {x: name for name, x in self._held.items()}
        return [by_node[x] for x in nodes]


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return literal(value)
    if isinstance(value, np.generic):
        return f"{literal(np.asarray(value))}[()]"
    return code(value)
