"""Mutants: one small change of the code each, and whether a test notices.

    python -m tests.mutants 100 --seed 0

draws 100 changes over the folders of `SUITES`, and runs for each, in a copy of the tree, the tests
that are near it, until one fails. What survives is printed: it means the same, or lacks a test.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or,
    ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
GENERAL = ["tests/test_[a-k]*.py", "tests/test_[l-z]*.py", "tests/coverage", "autograd_lite"]
SUITES = {  # in the order in which they run
    "engine": ["tests/test_backward.py", "tests/test_modes.py", "tests/test_tensor.py", *GENERAL],
    "files": [  # those beside the folders
        *GENERAL, "tests/check/test_testing.py", "tests/arrays", "tests/explain/test_live.py",
        "tests/draw",
    ],
    "ops": ["tests/test_op_table.py", *GENERAL, "tests/arrays", "tests/compile"],
    "numpy_api": ["tests/test_numpy_api.py", *GENERAL, "tests/arrays"],
    "meaning": ["tests/meaning", "tests/derive", "tests/check"],
    "derive": ["tests/derive", "tests/meaning", "tests/examples"],
    "check": ["tests/check"],
    "compile": ["tests/compile", "tests/nn/test_train_step.py"],
}


class Mutant(NamedTuple):
    """``old``, a node's text in a line of a file, and what stands in its place."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old}  →  {self.new}"


def changed(node: ast.AST) -> ast.AST | None:
    """The node with one small change, or None where it has none."""
    node = copy.deepcopy(node)
    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            node.ops = [SWAPS[type(op)]()]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            node.op = SWAPS[type(op)]()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 1
        case ast.IfExp(test=test) | ast.If(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case ast.Return(value=ast.expr()):
            node.value = ast.Constant(None)
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            return ast.Pass()
        case _:
            return None
    return node


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose value counts: no annotations, messages of errors or types' branches, nor what
    an op says of where tests may sample it.
    """
    if isinstance(node, ast.keyword) and node.arg in {"cases", "domain"}:
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Case":
        return
    yield node
    for name, field in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(node, ast.Raise):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and "TYPE_CHECKING" not in ast.dump(child)[:60]:
                yield from executed(child)


def room(path: str) -> str:
    """Of which of `SUITES` a file is."""
    name = Path(path).parts[1]
    return name if name in SUITES else "files"


def mutants(path: Path) -> Iterator[Mutant]:
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    starts = [sum(len(line.encode()) for line in lines[:i]) for i in range(len(lines) + 1)]
    for node in executed(ast.parse(text)):
        new = changed(node)
        if new is None or ast.dump(new) == ast.dump(node):
            continue
        start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        old, short = text.encode()[start:end].decode(), ast.unparse(new)
        if isinstance(node, ast.If):  # its test alone
            old, short = ast.unparse(node.test), f"not ({ast.unparse(node.test)})"
            start = starts[node.test.lineno - 1] + node.test.col_offset
            end = starts[node.test.end_lineno - 1] + node.test.end_col_offset  # type: ignore[operator]
        wrapped = f"({short})" if isinstance(node, ast.expr) else short
        yield Mutant(str(path.relative_to(ROOT)), node.lineno, start, end, old, wrapped)  # type: ignore[attr-defined]


def survives(mutant: Mutant, tree: Path) -> bool:
    """Whether no test notices."""
    place = tree / mutant.path
    before = place.read_bytes()
    place.write_bytes(before[: mutant.start] + mutant.new.encode() + before[mutant.end :])
    try:
        for suite in SUITES[room(mutant.path)]:
            tests = [str(p.relative_to(tree)) for p in sorted(tree.glob(suite))]
            command = [sys.executable, "-m", "pytest", "-qx", "-n0", "-p", "no:cacheprovider"]
            environment = {**os.environ, "PYTHONPATH": str(tree)}
            done = subprocess.run([*command, *tests], cwd=tree, env=environment, timeout=600,
                                  capture_output=True, check=False)  # fmt: skip
            if done.returncode:
                return False
    except subprocess.TimeoutExpired:  # an endless loop is noticed
        return False
    finally:
        place.write_bytes(before)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, help="of mutants")
    parser.add_argument("folders", nargs="*", default=[*SUITES], help="of autograd_lite")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    within = {f: "*.py" if f == "files" else f"{f}/**/*.py" for f in args.folders}
    paths = [p for f in args.folders for p in sorted((ROOT / "autograd_lite").glob(within[f]))]
    found = [mutant for path in paths for mutant in mutants(path)]
    chosen = random.Random(args.seed).sample(found, min(args.number, len(found)))
    trees: SimpleQueue[Path] = SimpleQueue()

    def tried(mutant: Mutant) -> bool:
        tree = trees.get()
        try:
            alive = survives(mutant, tree)
        finally:
            trees.put(tree)
        if alive:
            print(mutant, flush=True)
        return alive

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        for i in range(2):
            ignored = shutil.ignore_patterns(".git", ".*cache", "__pycache__")
            trees.put(Path(shutil.copytree(ROOT, Path(folder, str(i)), ignore=ignored)))
        alive = Counter(dict.fromkeys(args.folders, 0))
        drawn = Counter(room(m.path) for m in chosen)
        for mutant, lives in zip(chosen, pool.map(tried, chosen), strict=True):
            alive[room(mutant.path)] += lives
    for name, n in sorted(drawn.items()):
        print(f"{name}: {n - alive[name]} of {n} noticed")
    print(f"in all {len(chosen) - alive.total()} of {len(chosen)}, seed {args.seed}")


if __name__ == "__main__":
    main()
