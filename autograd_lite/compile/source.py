"""A program's code: it can be run, and read.

The code is straight-line, a call a line, and runs with NumPy alone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from ..numpy_code import code, literal
from .graph import Program
from .helpers import helper_source
from .memory import planned
from .writer import Writer


class Source:
    """A program's code.

    Attributes:
        body: defines ``prepare``, which allocates and returns the function.
        namespace: the constants, and Python code that the body calls.
        parameters: of ``prepare``: the resident arrays.
    """

    def __init__(self, program: Program) -> None:
        writer = Writer(program, planned(program))
        writer.write()
        self.program = program
        self._name = writer.function_name
        self.namespace = {**writer.constants, **writer.helpers}
        self._constants, self._helpers = writer.constants, writer.helpers
        names = writer.names
        resident = set(program.resident)
        given = (*program.inputs, *program.captured)
        self.arguments = [names[x] for x in given if x not in resident]
        self.parameters = [names[x] for x in program.resident]
        self._captured = {names[x]: x.value for x in program.captured if x not in resident}
        imports = f"from numpy import {', '.join(sorted(writer.ufuncs))}\n" if writer.ufuncs else ""
        self._imports = f"import numpy as np\n{imports}"
        self.body = self._body(writer)

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
        namespace = dict(self.namespace)
        exec(self._code(), namespace)
        function: Callable[..., Any] = namespace["prepare"](*resident)
        return function

    def _code(self) -> Any:
        return compile(self._imports + "\n" + self.body, f"<compiled {self._name}>", "exec")

    def text(self, title: str) -> str:
        """All of it, to be written to a file."""
        parts = [f'"""{title}"""\n\n{self._imports}']
        parts += [helper_source(name, function) for name, function in self._helpers.items()]
        given = [f"{name} = {_written(value)}" for name, value in self._constants.items()]
        if given:
            parts.append("\n".join(given) + "\n")
        parts.append(self.body)
        defaults = [f"{name} = {_written(value)}" for name, value in self._captured.items()]
        resident = zip(self.parameters, self.program.resident, strict=True)
        defaults += [f"{name} = {_written(x.value)}" for name, x in resident]
        end = f"{self._name} = prepare({', '.join(self.parameters)})\n"
        if defaults:
            parts.append("# What it uses besides its arguments.\n" + "\n".join(defaults) + "\n")
        parts.append(end)
        return "\n\n".join(parts)


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return literal(value)
    if isinstance(value, np.generic):
        return f"{literal(np.asarray(value))}[()]"
    return code(value)



