"""Figures of whole tensors: circles for tensors, ellipses for the computations between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count

from ..notation import PREFIX, Written, number, write
from ..steps import Step, main_input, steps
from ..tensor import Tensor
from . import labels
from .figure import Figure
from .paths import arrows, on_paths
from .sheet import Sheet


class Symbols:
    """How tensors are written: by their names, and those without one as v₁, v₂, …

    Args:
        tensors: in the order in which they are numbered.
        names: what they are called instead, where that was settled elsewhere.
    """

    def __init__(self, tensors: list[Tensor], names: Mapping[Tensor, str] | None = None) -> None:
        self.width: dict[Tensor, int] = {}
        self._name: dict[Tensor, str] = {}
        if names is not None:
            self._name = {tensor: names[tensor] for tensor in tensors}
            return
        taken = {tensor.name for tensor in tensors}
        free = (name for i in count(1) if (name := f"v_{i}") not in taken)
        for tensor in tensors:
            self._name[tensor] = next(free) if tensor.name is None else tensor.name

    def plain(self, tensor: Tensor) -> str:
        return self._name[tensor]

    def markup(self, tensor: Tensor, size: int = 16) -> str:
        return labels.name_markup(self._name[tensor], labels.is_bold(tensor), size)

    def atom(self, tensor: Tensor) -> Written:
        return labels.atom(self.markup(tensor), len(self._name[tensor]))

    def derivative(self, of: Tensor, by: Tensor) -> str:
        return f"∂{self.markup(of, 12)}/∂{self.markup(by, 12)}"


def constant(value: object) -> Written:
    """A number in a formula."""
    text = number(value)
    return labels.atom(text, len(text))._replace(level=PREFIX)


def formula(step: Step, symbols: Symbols, stand_ins: Iterator[str], brief: bool = True) -> str:
    """What a step computes: a formula, where that is ``brief`` the symbol of a lone function, or a
    stand-in for a formula that would be too wide."""
    atoms = {x: symbols.atom(x) for x in step.inputs}
    written = write(step.region, atoms, constant, escape=labels.escape_notation)
    if written is None:
        return next(stand_ins)
    op = step.result.op
    if brief and len(step.region) == 1 and op is not None:
        sign = labels.escape_notation(op.notation.symbol)
        alone = {atom.text for atom in atoms.values()}  # a copy, say: nothing is written around it
        if written.text.startswith(f"{sign}(") or written.text in alone:
            return sign
    return written.text


def stand_ins() -> Iterator[str]:
    """f₁, f₂, … for formulas that are too wide."""
    return (labels.name_markup(f"f_{i}") for i in count(1))


def draw_computations(
    output: Tensor,
    targets: list[Tensor],
    details: Callable[[Tensor], str],
    every: bool,
    numbers: Mapping[Tensor, int] | None = None,
    names: Mapping[Tensor, str] | None = None,
) -> Figure:
    """The figure of ``detail="named"``; with ``every`` operation on its own, of ``"ops"``.

    In the latter, an operation whose result has no name stands for its result as well.

    Args:
        output: the last result.
        targets: where the backward pass is drawn to.
        details: what is written beneath a tensor's name.
        every: draw each operation.
        numbers: mark what is drawn by classes, for a page to find it: the tensor numbered 3 as
            ``t3``, its computation ``f3``, edges ``e1-3`` and ``b3-1``. No target is set apart.
        names: what the tensors are called, where not by their own names.
    """
    leaves, found = steps(output, every, targets)
    results = [step.result for step in found]
    symbols = Symbols(leaves + results, names)
    main = main_input(found)
    chain = _chain(output, main)
    aims, on = set(targets if numbers is None else ()), on_paths(output, targets)
    sheet = Sheet(rankdir="LR", nodesep="0.2", ranksep="0.4")
    circled = {t for t in leaves + results if not every or t.is_leaf or t.name is not None}
    circled.add(output)
    node = {t: sheet.new_id(symbols.plain(t)) for t in leaves + results}
    further = stand_ins()
    formulas = {
        step.result: formula(step, symbols, further, step.result in circled) for step in found
    }
    inputs = {step.result: _around(step.inputs, main.get(step.result)) for step in found}
    ellipse = {
        t: sheet.new_id(f"op_{node[t]}") if t in circled else node[t] for t in results
    }

    def mark(kind: str, *tensors: Tensor) -> dict[str, str]:
        """The class that says which tensors a node or edge is for."""
        if numbers is None:
            return {}
        return {"class": kind + "-".join(str(numbers[t]) for t in tensors)}

    # dot puts first on top what is declared first: the chain from its end, then what is beside it,
    # leaves arrows of the backward pass a way to the parameters above and below the chain.
    for tensor in sorted(node, key=lambda t: chain.get(t, len(chain))):
        on_chain = {"group": "chain"} if tensor in chain else {}
        if tensor in circled:
            text = symbols.markup(tensor) + details(tensor)
            sheet.circle(node[tensor], text, tensor in aims, **on_chain, **mark("t", tensor))
        if tensor not in formulas:
            continue
        text = formulas[tensor]
        if tensor not in circled:
            text = f"{symbols.markup(tensor)} = {text}{details(tensor)}"
        # What is beside the chain stands above and below it in the order of the ellipse's edges.
        if on_chain and all(x is main.get(tensor) or x.is_leaf for x in inputs[tensor]):
            on_chain["ordering"] = "in"
        aimed = tensor in aims and tensor not in circled
        sheet.ellipse(ellipse[tensor], text, aimed, **on_chain, **mark("f", tensor))

    for step in found:
        for x in inputs[step.result]:
            sheet.forward(node[x], ellipse[step.result], **mark("e", x, step.result))
        if step.result in circled:
            own = mark("e", step.result, step.result)
            sheet.forward(ellipse[step.result], node[step.result], **own)
    for step in reversed(found):
        reached = arrows(step, on)
        for x in inputs[step.result]:
            if x in reached:
                label = symbols.derivative(step.result, x)
                sheet.backward(node[step.result], node[x], label, **mark("b", step.result, x))
    return sheet.figure()


def _chain(output: Tensor, main: dict[Tensor, Tensor]) -> dict[Tensor, int]:
    """The tensors on the layers' chain, numbered from the output back."""
    chain = {output: 0}
    while output in main:
        output = main[output]
        chain[output] = len(chain)
    return chain


def _around(inputs: list[Tensor], main: Tensor | None) -> list[Tensor]:
    """The inputs from top to bottom: the chain's own in the middle."""
    beside = [x for x in inputs if x is not main]
    above = (len(beside) + 1) // 2
    return beside[:above] + [x for x in inputs if x is main] + beside[above:]
