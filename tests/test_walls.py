"""The walls of the house: who imports whom, and how large and how tangled the engine is."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import autograd_lite as ag
from autograd_lite.members import Members

ROOT = Path(ag.__file__).parents[1]
TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
    for package in ("autograd_lite", "nn")
    for path in sorted((ROOT / package).rglob("*.py"))
}
NAMES = {name.removesuffix(".__init__"): name for name in TREES}


def imports(name: str) -> set[str]:
    """The modules that are imported as soon as this one is."""
    found = set()
    todo: list[ast.stmt] = list(TREES[name].body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If):
            todo += node.orelse if "TYPE_CHECKING" in ast.dump(node.test) else node.body
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            parts = {alias.name: f"{base}.{alias.name}" for alias in node.names}
            found.update(part if part in NAMES else base for part in parts.values())
    return found & NAMES.keys()


GRAPH = {short: imports(name) - {short} for short, name in NAMES.items()}


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
    assert list(TopologicalSorter(GRAPH).static_order())


def test_imports_point_downwards():
    for name, imported in GRAPH.items():
        for other in imported:
            if name.startswith("autograd_lite.engine"):
                assert other.startswith("autograd_lite.engine"), (name, other)
            if name.startswith("autograd_lite"):
                assert not other.startswith("nn"), (name, other)
    knowing = [p for k in ("autograd_lite", "nn") for p in (ROOT / k).rglob("*.py")
               if "Capture" in p.read_text() and p.name != "modes.py"]  # fmt: skip
    assert {p.parent for p in knowing} == {ROOT / "autograd_lite" / "compile"}


def test_the_engine_is_small():
    lines = 0
    for path in (ROOT / "autograd_lite" / "engine").glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert complexity(node) <= 26, node.name
        code = ast.unparse(_Undocumented().visit(tree))  # nor has it comments
        lines += len([line for line in code.split("\n") if line.strip() not in ("", "pass")])
    assert lines <= 450


class _Undocumented(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | ast.Pass:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node


def test_a_tensor_has_the_members_that_a_type_checker_sees():
    for name, member in vars(Members).items():
        if name not in ("__module__", "__doc__", "__dict__", "__weakref__", "__hash__"):
            assert vars(ag.Tensor)[name] is member, name
