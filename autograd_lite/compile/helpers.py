"""Python code that a program calls as a whole, as text that stands beside it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType, EllipsisType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..numpy_code import code, literal
from .graph import CompileError


def helper_source(name: str, function: Callable[..., Any]) -> str:
    """The code of a function under a name, with what it needs of its module before it.

    Raises:
        CompileError: a function whose code can't be had, or that needs more than NumPy.
    """
    found: dict[str, str] = {}
    own = function.__name__ if function.__name__.isidentifier() else name
    _add(own, function, found)
    if list(found) == [name]:
        return found[name]
    # In a scope of its own: other helpers, and the program, may need the same names for others.
    inner = textwrap.indent("\n\n".join(text.strip("\n") for text in found.values()), "    ")
    return f"def _{name}():\n{inner}\n\n    return {own}\n\n\n{name} = _{name}()\n"


def _add(name: str, function: Any, found: dict[str, str]) -> None:
    if not isinstance(function, FunctionType):
        raise CompileError(
            f"source: {function!r} is no function of Python's whose code could be written out; "
            "the compiled function runs all the same"
        )
    try:
        text = _lambda(function) or _definition(function)
    except (OSError, SyntaxError, TypeError) as error:
        raise CompileError(f"source: the code of {name} can't be had ({error})") from error
    found[name] = ""  # before what it needs, which may need it
    for needed, value in _needed(function).items():
        if needed in found or needed == "np":
            continue
        if isinstance(value, FunctionType):
            _add(needed, value, found)
        else:
            found[needed] = f"{needed} = {_constant(needed, value)}\n"
    del found[name]
    found[name] = f"{name} = {text}\n" if text.startswith("lambda") else text


def _needed(function: FunctionType) -> dict[str, Any]:
    """The names that the function takes from its module and from what it closes over."""
    used: set[str] = set()
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        used.update(code.co_names)
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    closed = inspect.getclosurevars(function)
    known = {**closed.globals, **closed.nonlocals}
    known.update({n: function.__globals__[n] for n in used if n in function.__globals__})
    return {n: v for n, v in known.items() if n in used or n in closed.nonlocals}


def _constant(name: str, value: Any) -> str:
    if isinstance(value, np.ndarray):
        return literal(value)
    if isinstance(value, (int, float, complex, str, bool, tuple, type(None))):
        return code(value)
    if isinstance(value, ModuleType):
        return f"__import__({value.__name__!r})"
    if value is EllipsisType:
        return "type(...)"
    if isinstance(value, type) and value.__module__ in ("types", "builtins", "numpy"):
        return f"__import__({value.__module__!r}).{value.__name__}"
    if isinstance(value, dict):
        items = (f"{_constant(name, k)}: {_constant(name, v)}" for k, v in value.items())
        return f"{{{', '.join(items)}}}"
    raise CompileError(
        f"source: a function that the program calls uses {name}, a {type(value).__name__}, and so "
        "can't be written out to run with NumPy alone; the compiled function runs all the same"
    )


def _definition(function: FunctionType) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    return ast.unparse(_Untyped().visit(definition)) + "\n"


class _Untyped(ast.NodeTransformer):
    """Code without annotations, whose names it would need."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _lambda(function: FunctionType) -> str | None:
    """The text of a lambda, which is found by the place of its code."""
    if function.__name__ != "<lambda>":
        return None
    lines, _ = inspect.findsource(function)
    code = function.__code__
    place = [p for p in code.co_positions() if p[0] is not None and p[2] is not None]
    columns = {(p[0], p[2]) for p in place}
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            parts = [n for n in ast.walk(node.body) if isinstance(n, ast.expr)]
            inner = {(n.lineno, n.col_offset) for n in parts}
            if columns & inner:
                return ast.unparse(node)
    raise OSError("its text was not found")
