"""``python -m tests.coverage`` writes docs/coverage.md from the table of calls."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from .call import GROUPS, Call, function_of
from .calls import CALLS, NOT_COVERED, REFUSED, UNDISPATCHED, VALUES

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"

INTRODUCTION = """\
# Coverage

The functions of NumPy that take Tensors, each under its own name (`np.sum`) and in `autograd_lite`
(`ag.sum`); written by `python -m tests.coverage` from the calls that the tests make, which compare
each derivative with central differences, in reverse and in forward mode.

A domain is where the operands are drawn from: *real* is the interval from −2 to 2, *complex* has
it on both axes.
"""


def page() -> str:
    return "\n".join([INTRODUCTION, *_covered(), *_constant(), *_refused()])


def _covered() -> Iterator[str]:
    for group, names in GROUPS.items():
        yield f"## {group}\n"
        yield "| function | inputs differentiated | order tested | domain | calls |"
        yield "|---|---|---|---|---|"
        for name in names:
            calls = [call for call in CALLS if call.function == name]
            inputs = _ordered(x for call in calls for x in _inputs(call))
            domains = _ordered(x.domain for call in calls for x in call.operands.values())
            order = max(call.order for call in calls)
            cells = [f"`np.{name}`", ", ".join(f"`{x}`" for x in inputs), str(order),
                     "; ".join(domains), str(len(calls))]  # fmt: skip
            yield f"| {' | '.join(cells)} |"
        yield ""


def _constant() -> Iterator[str]:
    names = _ordered(code.split("(")[0] for code in VALUES)
    yield "## Constant in pieces\n"
    yield "These give plain arrays (or numbers), through which no gradient flows.\n"
    yield ", ".join(f"`{name}`" for name in names) + ".\n"


def _refused() -> Iterator[str]:
    yield "## Refused\n"
    yield "What would lose a gradient raises an error, which says what to write instead.\n"
    yield "| refused | instead |"
    yield "|---|---|"
    yield from (f"| `{code}` | `{instead}` |" for code, instead in REFUSED.items())
    yield ""
    yield (
        "NumPy doesn't ask every operand what it is. Where one of these has a Tensor only in the "
        "place that it doesn't ask, call the function by its `ag` name: "
        f"{', '.join(f'`{code}`' for code in UNDISPATCHED)}.\n"
    )
    names = _ordered(code.split("(")[0] for code in NOT_COVERED)
    yield (
        "Any function that isn't on this page raises a TypeError that names it, as do for example "
        f"{', '.join(f'`{name}`' for name in names)}.\n"
    )


def _inputs(call: Call) -> Iterator[str]:
    """The parameters of NumPy's function whose arguments hold what is differentiated."""
    _, inner = call.inner()
    keywords = {k.arg: k.value for k in inner.keywords if k.arg}
    signature = inspect.signature(function_of(np, call.function))
    for name, given in signature.bind(*inner.args, **keywords).arguments.items():
        several = given.values() if isinstance(given, dict) else given
        nodes = [given] if isinstance(given, ast.AST) else list(several)
        if call.operands.keys() & {name for node in nodes for name in _names(node)}:
            yield name


def _names(node: ast.AST) -> Iterator[str]:
    """The names in an expression, apart from those that are only compared."""
    if isinstance(node, ast.Name):
        yield node.id
    elif not isinstance(node, (ast.Compare, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
