"""``.. numpy-functions:: Reductions``: functions under a heading of the table of calls, or by name.

The example is one of the calls that the tests make, the formula is derived of it, and the error is
what it raises where an operand doesn't fit: all of them are run when the site is built.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import autograd_lite as ag
from autograd_lite.show.latex import latex
from tests.coverage.call import DEEP, GROUPS, Call, Operand, function_of
from tests.coverage.calls import CALLS

LONGEST = 70
"""A longer formula says less than the example."""

UNSAID = ("c_", "m_", "u_", "collect(", "scatter(", "onehot(", "reshape(", "where(", "∇")
"""A formula with one of these is of that example alone, or of how the engine does it."""


OURS = [
    Call("relu", "ag.relu(x)", {"x": Operand((2, 3))}, {}, 2),
    Call("sigmoid", "ag.sigmoid(x)", {"x": Operand((2, 3))}, {}, 2),
    Call("softplus", "ag.softplus(x)", {"x": Operand((2, 3))}, {}, 2),
    Call("linear", "ag.linear(x, weight, bias)",
         {"x": Operand((2, 3)), "weight": Operand((3, 2)), "bias": Operand((1, 2))}, {}, 2),
]  # fmt: skip
"""Calls of functions that NumPy lacks."""


class Run(NamedTuple):
    """A call that was run: its names, and what it gave."""

    names: dict[str, Any]
    out: Any


def run(call: Call) -> Run:
    operands = {
        name: ag.Tensor(np.round(x, 1), requires_grad=True, name=name)
        for name, x in zip(call.operands, call.drawn(), strict=True)
    }
    names = {"np": np, "ag": ag, **call.constants, **operands}
    return Run(names, eval(call.code, names))


def chosen(function: str) -> Call:
    """The simplest call that shows something: of entries, real, without constants, of one shape."""

    def further(call: Call) -> tuple[bool, ...]:
        operands = call.operands.values()
        return (
            any(0 in x.shape for x in operands),
            call.order < 2,
            any(x.is_complex or x.values is not None for x in operands),
            any(isinstance(x, type) for x in call.constants.values()),
            len(call.operands) < 2 and any(len(c.operands) > 1 for c in calls),
            max(len(x.shape) for x in operands) > 2,
            max(len(x.shape) for x in operands) == 0,
            "@" in call.code or ("power" in call.code and call.code.endswith(", 0)")),
            len({x.shape for x in operands}) > 1,
        )

    calls = [call for call in CALLS + OURS if call.function == function]
    return min(calls, key=further)


def literal(x: Any) -> str:
    """As one writes it: an array by its entries, a Tensor as one that is to be differentiated."""
    if isinstance(x, ag.Tensor):
        return f"ag.Tensor({x.tolist()}, requires_grad=True)"
    return f"np.array({x.tolist()})" if isinstance(x, np.ndarray) else repr(x)


def example(call: Call) -> Iterator[str]:
    names, out = run(call)
    used = {node.id for node in ast.walk(ast.parse(call.code)) if isinstance(node, ast.Name)}
    for name in [*call.constants, *call.operands]:
        if name in used:
            yield f">>> {name} = {literal(names[name])}"
    yield f">>> out = {call.code}"
    yield ">>> out"
    yield from repr(out).splitlines()
    parts = dict(enumerate(out)) if isinstance(out, (tuple, list)) else {None: out}
    tracked = [i for i, x in parts.items() if isinstance(x, ag.Tensor) and x.requires_grad]
    if not tracked:
        return
    which = "out" if tracked[0] is None else f"out[{tracked[0]}]"
    which = f"np.abs({which})" if parts[tracked[0]].dtype.kind == "c" else which
    code = f"np.sum({which} ** 2).backward()"
    names["out"] = out
    exec(code, names)
    yield f">>> {code}"
    for name in call.operands:
        yield f">>> {name}.grad"
        yield from repr(names[name].grad).splitlines()


def formulas(call: Call) -> Iterator[str]:
    """The gradients as formulas, of ``g``, the gradient of the result."""
    names, out = run(call)
    if not (isinstance(out, ag.Tensor) and out.dtype.kind == "f" and out.requires_grad):
        return
    g = ag.Tensor(np.random.default_rng(1).normal(size=out.shape), name="g")
    try:
        asked = np.sum(g * out)  # for one after the other, so that none is written by another's
        found = [(x, ag.derive(asked, wrt=[names[x]])[x]) for x in call.operands]
    except (KeyError, ValueError):
        return
    if all(
        len(step.result) <= LONGEST and not any(sign in step.result for sign in UNSAID)
        for _, step in found
    ):
        for name, step in found:
            yield rf":math:`\partial L/\partial {name} = {latex(step.simple)}`"


def error(call: Call) -> tuple[str, str] | None:
    """What doesn't fit, and what is raised for it."""
    names, _ = run(call)
    for what, code, changed in wrong(call, names):
        try:
            eval(code, {**names, **changed})
        except (ValueError, TypeError, IndexError) as raised:
            message = str(raised).splitlines()[0].strip()
            if "argument" not in message:
                return what, f"{type(raised).__name__}: {message}"
    return None


def wrong(call: Call, names: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    *_, last = call.operands
    shape = call.operands[last].shape
    if len(call.operands) > 1 and shape:
        other = (*shape[:-1], shape[-1] + 2) if len(shape) < 2 else (shape[0] + 2, *shape[1:])
        yield f"``{last}`` of shape {other}", call.code, {last: ag.Tensor(np.ones(other))}
    if call not in OURS:
        tree, inner = call.inner()
        others = [given for given in inner.keywords if given.arg != "axis"]
        inner.keywords = [*others, ast.keyword("axis", ast.Constant(7))]
        yield "``axis=7``", ast.unparse(tree), {}
    if shape:
        yield f"``{last}`` a single number", call.code, {last: ag.Tensor(1.0)}
    if len(shape) > 1:
        other = (*shape[:-1], shape[-1] + 1)
        yield f"``{last}`` of shape {other}", call.code, {last: ag.Tensor(np.ones(other))}
    masked = np.ma.masked_less(np.ones(shape), 0)
    yield f"``{last}`` a masked array", call.code, {last: masked, "np": ag}


def signature(f: Any) -> str:
    """Without types: what is taken is what NumPy's own takes."""
    given = inspect.signature(f)
    bare = [p.replace(annotation=p.empty) for p in given.parameters.values()]
    return str(given.replace(parameters=bare, return_annotation=given.empty))


def shapes(call: Call) -> str:
    _, out = run(call)
    parts = out if isinstance(out, (tuple, list)) else [out]
    given = ", ".join(f"``{name}`` {x.shape}" for name, x in call.operands.items())
    return f"{given} → {', '.join(str(np.shape(part)) for part in parts)}"


def entry(app: Sphinx, name: str) -> Iterator[str]:
    """The reST of one function."""
    f = function_of(ag, name)
    sign, call = signature(f), chosen(name)
    said, name = inspect.getdoc(f) or "", name.removeprefix(DEEP)
    said = said.removeprefix(f"{f.__name__}{sign}").strip()
    yield f".. py:function:: autograd_lite.{name}{sign}"
    yield ""
    body = GoogleDocstring(said, app.config, app, "function", name, f).lines()
    with warnings.catch_warnings(), np.printoptions(precision=4, suppress=True):
        warnings.simplefilter("ignore")
        body.append("")
        if "Shapes:" not in said:
            body.append(f":Shapes: as in ``{call.code}``: {shapes(call)}")
        found = list(formulas(call))
        if found:
            body += [f":Gradient: {', '.join(found)}, where :math:`g` is that of the result"]
        raised = error(call)
        if raised:
            body += [f":Error: {raised[0]}: ``{raised[1].replace('`', '')}``"]
        if ">>>" not in said:
            body += ["", ".. code-block:: pycon", "", *(f"   {line}" for line in example(call))]
    yield from (f"   {line}" for line in body)
    yield ""


class NumpyFunctions(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> Sequence[nodes.Node]:
        given = self.arguments[0]
        names = GROUPS.get(given) or given.split()
        lines = [line for name in names for line in entry(self.env.app, name)]
        found = nodes.Element()
        self.state.nested_parse(StringList(lines, f"calls of {given}"), 0, found)
        return found.children


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("numpy-functions", NumpyFunctions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
