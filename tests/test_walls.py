"""The walls of the house: who imports whom, and how large and how tangled the engine is."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import autograd_lite as ag
from autograd_lite import members
from autograd_lite.members import Members

ROOT = Path(ag.__file__).parents[1]
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("autograd_lite", "nn")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in PATHS.items()}

# From the top down: a module imports from its own row and from those beneath.
ROWS = [
    "nn",
    "autograd_lite testing modes",
    "draw derive explain check compile test_util",
    "core numpy scipy misc extend differential_operators builtins tracer wrap_util",
    "meaning",
    "show dependence",
    "transforms checkpoint layers",
    "members display",
    "numpy_api numpy_protocol fft linalg",
    "gradients unread cotangents anomaly lines graph loading decorating containers",
    "ops table errors arrays numpy_code show.notation masks seen",
    "engine",
]
HEIGHT = {
    room if room in ("nn", "autograd_lite") else f"autograd_lite.{room}": -row
    for row, rooms in enumerate(ROWS)
    for room in rooms.split()
}

def imports(name: str, late: bool) -> Iterator[str]:
    """The modules that this one imports, but for types; ``late`` those within functions, too."""
    package = name.split(".") if PATHS[name].name == "__init__.py" else name.split(".")[:-1]
    todo: list[ast.AST] = [TREES[name]]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in PATHS)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            parts = [f"{base}.{alias.name}" for alias in node.names]
            yield from {part if part in PATHS else base for part in parts} & PATHS.keys()
        elif late or not isinstance(node, ast.FunctionDef):
            todo += ast.iter_child_nodes(node)


def height(name: str) -> int:
    """How far up a module stands, by its own name or that of the room it is in."""
    while name not in HEIGHT:
        assert "." in name, name
        name = name.rpartition(".")[0]
    return HEIGHT[name]


def complexity(function: ast.AST) -> int:
    """McCabe's: one and the branches."""
    branches = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.Assert, ast.Lambda,
                ast.FunctionDef)  # fmt: skip
    inner = [node for node in ast.walk(function) if node is not function]
    return 1 + sum(
        len(node.values) - 1 if isinstance(node, ast.BoolOp)
        else 1 + len(node.ifs) if isinstance(node, ast.comprehension)
        else isinstance(node, branches)
        for node in inner
    )  # fmt: skip


def test_nothing_is_imported_in_a_circle():
    graph = {name: {*imports(name, late=False)} - {name} for name in PATHS}
    assert list(TopologicalSorter(graph).static_order())


def test_imports_point_downwards():
    """Also those within functions, which are there because what they import takes long."""
    for name in PATHS:
        for other in imports(name, late=True):
            assert height(name) >= height(other), (name, other)
            if height(name) == height("autograd_lite"):
                own = ("autograd_lite", "autograd_lite.testing", "autograd_lite.modes")
                assert name in own, f"{name} is in no row"


def test_rooms_know_nothing_of_each_other_s_inside():
    fields = {slot for slot in ag.Tensor.__slots__ if slot.startswith("_")}
    for name, tree in TREES.items():
        if name.startswith("nn"):
            used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not used & fields, (name, used & fields)
        if not name.startswith(("autograd_lite.compile", "autograd_lite.modes")):
            assert not re.search(r"\bcapture\b", PATHS[name].read_text(), re.IGNORECASE), name


def test_the_engine_is_small():
    paths = (ROOT / "autograd_lite" / "engine").glob("*.py")
    assert sum(map(lines_of_code, paths)) <= 450


def lines_of_code(path: Path) -> int:
    """Without blank ones, comments and docstrings."""
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
             tokenize.ENDMARKER}  # fmt: skip
    lines: set[int] = set()
    with path.open() as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type not in blank:
                lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def test_functions_are_simple():
    tangled = set()
    for name, tree in TREES.items():
        most = 26 if name.startswith("autograd_lite.engine") else 30
        functions = (f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef))
        tangled |= {(name, f.name) for f in functions if complexity(f) > most}
    assert not tangled


def test_a_tensor_has_the_members_that_a_type_checker_sees():
    for name, member in vars(Members).items():
        if name not in members._OWN:
            assert vars(ag.Tensor)[name] is member, name
