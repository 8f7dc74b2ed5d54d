"""Figures of whole tensors: circles for tensors, ellipses for the computations between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count

from ..cotangents import Cotangent, cotangents_of
from ..engine.tensor import Tensor
from ..graph import walk
from ..show import labels
from ..show.notation import ATOM, Written, op_notation, symbol_of
from ..show.steps import Step
from ..show.writer import write
from .collapse import Collapse, Piece, draw_pieces, longest_histories
from .figure import Figure
from .hints import Hints
from .paths import arrows, on_paths
from .sheet import Sheet
from .theme import Theme

LIMIT = 400
"""How many nodes are drawn at most, unless another limit is given."""

WIDEST = 48
"""How many characters a formula has at most."""


class Symbols:
    """How tensors are written: by their names, cotangents as δ₁, ∇W, ∂L/∂h, others as v₁, v₂, …

    Args:
        tensors: in the order in which they are numbered.
        cotangents: which of them are cotangents, and of what.
        names: what they are called instead, where that was settled elsewhere.
    """

    def __init__(
        self,
        tensors: list[Tensor],
        cotangents: Mapping[Tensor, list[Cotangent]] | None = None,
        names: Mapping[Tensor, str] | None = None,
    ) -> None:
        self._name: dict[Tensor, str] = {}
        self._also: dict[Tensor, list[str]] = {}
        self.cotangents = cotangents = cotangents or {}
        if names is not None:
            self._name.update((t, names[t]) for t in tensors if t in names)
        taken = {tensor.name for tensor in tensors}
        output = _called_l(tensors, cotangents)
        for tensor in tensors:
            if tensor in cotangents and tensor.name is None and tensor not in self._name:
                symbols = list(dict.fromkeys(_free_symbols(cotangents[tensor], taken, output)))
                taken.update(symbols)
                if symbols:
                    self._name[tensor], *self._also[tensor] = symbols
        free = (name for i in count(1) if (name := f"v_{i}") not in taken)
        for tensor in tensors:
            if tensor not in self._name:
                self._name[tensor] = next(free) if tensor.name is None else tensor.name

    def plain(self, tensor: Tensor) -> str:
        return self._name[tensor]

    def is_named(self, tensor: Tensor) -> bool:
        """Whether a figure has a name for it that isn't a mere number."""
        return tensor.name is not None or tensor in self._also

    def markup(self, tensor: Tensor, size: int = 16) -> str:
        return self._markup(self._name[tensor], tensor, size)

    def title(self, tensor: Tensor) -> str:
        """All that it is called: an array may be the cotangent of several tensors."""
        also = self._also.get(tensor, ())
        return " = ".join([self.markup(tensor), *(self._markup(s, tensor, 16) for s in also)])

    def _markup(self, name: str, tensor: Tensor, size: int) -> str:
        if tensor in self._also:
            # A leaf's gradient is as bold as the leaf, which is a parameter.
            bold = labels.is_bold(tensor) or (name.startswith("∇") and tensor.size > 1)
            return labels.cotangent_markup(name, bold, size)
        return labels.name_markup(name, labels.is_bold(tensor), size)

    def atom(self, tensor: Tensor) -> Written:
        return Written(self.markup(tensor), ATOM, len(self._name[tensor]))

    def derivative(self, of: Tensor, by: Tensor) -> str:
        return f"∂{self.markup(of, 12)}/∂{self.markup(by, 12)}"


def _called_l(tensors: list[Tensor], cotangents: Mapping[Tensor, list[Cotangent]]) -> int | None:
    """The output without a name that L stands for: the only one, where no other is called that."""
    known = [cotangent for t in tensors for cotangent in cotangents.get(t, ())]
    unnamed = {cotangent.output for cotangent in known if cotangent.of is None}
    if len(unnamed) != 1 or any(cotangent.of == "L" for cotangent in known):
        return None
    (output,) = unnamed
    # What it was named later is its name as well.
    others = any(t.name == "L" and (t.is_leaf or t._number != output) for t in tensors)
    return None if others else output


def _free_symbols(
    cotangents: list[Cotangent], taken: set[str | None], called_l: int | None
) -> Iterator[str]:
    """What a cotangent is called; where that means another one, by the output it is of.

    Of an output without a name, nothing would tell it, unless that is the one called L.
    """
    for of, by, is_leaf, output in cotangents:
        if of is None and output != called_l:
            continue
        symbol = symbol_of(by, is_leaf, "L" if of is None else of)
        if symbol in taken and of is not None:
            symbol = f"∂{of}/∂{by}"
        if symbol not in taken:
            yield symbol


def formula(step: Step, symbols: Symbols, stand_ins: Iterator[str], brief: bool = True) -> str:
    """What a step computes: a formula, where that is ``brief`` the symbol of a lone function, or a
    stand-in for a formula that would be too wide."""
    atoms = {x: symbols.atom(x) for x in step.inputs}
    markup = labels.formulas(lambda x: atoms[x] if x in atoms else labels.constant(x._array))
    written = write(step.region, markup, WIDEST)
    alone = [atom.text for atom in atoms.values()]  # a copy, say: nothing is written around it
    return label(step, written, WIDEST, stand_ins, brief, alone)


def label(
    step: Step,
    written: Written,
    widest: int,
    stand_ins: Iterator[str],
    brief: bool = True,
    alone: Collection[str] = (),
) -> str:
    """A step's formula; its op's symbol where that says it; a stand-in where it is too wide."""
    if written.width > widest:
        return next(stand_ins)
    assert step.result.op is not None
    sign = labels.escape_notation(op_notation(step.result.op).symbol)
    is_symbol = written.text.startswith(f"{sign}(") or written.text in alone
    return sign if brief and len(step.region) == 1 and is_symbol else written.text


def stand_ins() -> Iterator[str]:
    """f₁, f₂, … for formulas that are too wide."""
    return (labels.name_markup(f"f_{i}") for i in count(1))


def draw_computations(
    output: Tensor,
    targets: list[Tensor],
    details: Callable[[Tensor], str],
    every: bool,
    collapse: Collapse,
    limit: int | None,
    theme: Theme,
    hints: Hints,
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
        collapse: what is folded.
        limit: how many nodes are drawn at most.
        theme: colours and widths.
        hints: tooltips and links.
        numbers: mark what is drawn by classes, for a page to find it: the tensor numbered 3 as
            ``t3``, its computation ``f3``, edges ``e1-3`` and ``b3-1``; a folded node has those of
            all that it holds. No target is set apart.
        names: what the tensors are called, where not by their own names.

    Raises:
        ValueError: there are more nodes than that.
    """
    cotangents = cotangents_of(walk(output))
    aims, on = set(targets if numbers is None else ()), on_paths(output, targets)
    leaves, pieces = draw_pieces(output, every, aims, {*targets, *cotangents}, collapse)
    results = [result for piece in pieces for result in piece.results]
    symbols = Symbols(_written(leaves, pieces), cotangents, names)
    circled = {t for t in leaves + results if not every or t.is_leaf or symbols.is_named(t)}
    circled.update(t for piece in pieces if piece.folded for t in piece.results)
    circled.add(output)
    _check_size(len(circled) + len(pieces), collapse, limit)

    main = longest_histories(pieces)
    chain = _chain(output, main)
    sheet = Sheet(theme, rankdir="LR", nodesep="0.2", ranksep="0.4")
    node = {t: sheet.new_id(symbols.plain(t)) for t in leaves + results}
    further = stand_ins()
    labelled: dict[Tensor, tuple[Piece, str]] = {}  # by the first of the piece's results
    for piece in pieces:
        first = piece.results[0]
        labelled[first] = piece, (
            _folded(piece, symbols, further, theme) if piece.folded
            else formula(piece.steps[0], symbols, further, first in circled)
        )  # fmt: skip
    inputs = {p.results[0]: _around(p.inputs, main.get(p.results[0])) for p in pieces}
    ellipse = {
        t: sheet.new_id(f"op_{node[t]}") if t in circled else node[t] for t in labelled
    }

    def mark(kind: str, *tensors: Tensor) -> dict[str, str]:
        """The class that says which tensors a node or edge is for."""
        if numbers is None or not all(t in numbers for t in tensors):
            return {}
        return {"class": kind + "-".join(str(numbers[t]) for t in tensors)}

    def held(piece: Piece, circled: set[Tensor]) -> dict[str, str]:
        """The classes of all that a folded node stands for."""
        inner = [*(step.result for step in piece.steps), *piece.hidden]
        classes = [mark("f", t) for t in inner] + [mark("t", t) for t in inner if t not in circled]
        found = " ".join(c["class"] for c in classes if c)
        return {"class": found} if found else {}

    # dot puts first on top what is declared first: the chain from its end, then what is beside it,
    # leaves arrows of the backward pass a way to the parameters above and below the chain.
    for tensor in sorted(node, key=lambda t: chain.get(t, len(chain))):
        on_chain = {"group": "chain"} if tensor in chain else {}
        on_chain |= hints(tensor)
        if tensor in circled:
            text = symbols.title(tensor) + details(tensor)
            is_cotangent = tensor in cotangents
            sheet.circle(
                node[tensor], text, tensor in aims, is_cotangent, **on_chain, **mark("t", tensor)
            )
        if tensor not in labelled:
            continue
        piece, text = labelled[tensor]
        if tensor not in circled:
            text = f"{symbols.markup(tensor)} = {text}{details(tensor)}"
        # What is beside the chain stands above and below it in the order of the ellipse's edges.
        if tensor in chain and all(x is main.get(tensor) or x.is_leaf for x in inputs[tensor]):
            on_chain["ordering"] = "in"
        if piece.folded:
            sheet.box(ellipse[tensor], text, **on_chain, **held(piece, circled))
        else:
            aim = tensor in aims and tensor not in circled
            sheet.ellipse(ellipse[tensor], text, aim, **on_chain, **mark("f", tensor))

    for piece in pieces:
        first = piece.results[0]
        for x in inputs[first]:
            sheet.forward(node[x], ellipse[first], **mark("e", x, first))
        for result in piece.results:
            if result in circled:
                sheet.forward(ellipse[first], node[result], **mark("e", first, result))
    for piece in reversed(pieces):
        for result in reversed(piece.results):
            reached = _reached(piece, result, on)
            for x in inputs[piece.results[0]]:
                if x in reached:
                    label = symbols.derivative(result, x)
                    sheet.backward(node[result], node[x], label, **mark("b", result, x))
    return sheet.figure()


def _written(leaves: list[Tensor], pieces: list[Piece]) -> list[Tensor]:
    """The tensors that are written anywhere, those first that are computed first."""
    written = dict.fromkeys(leaves)
    for piece in pieces:
        written |= dict.fromkeys(step.result for step in piece.shown)
        written |= dict.fromkeys(piece.results)
    for piece in pieces:  # in a folded one only names are written
        inner = (step.result for step in piece.steps)
        written |= dict.fromkeys(t for t in inner if t.name is not None)
        written |= dict.fromkeys(piece.hidden)
    return list(written)


def _check_size(size: int, collapse: Collapse, limit: int | None) -> None:
    """Refuse a figure that nobody could read."""
    most = LIMIT if limit is None else limit
    if size <= most:
        return
    ways = [f"collapse={way}" for way in ('"blocks"', '"module"', "20") if way != f'"{collapse}"']
    raise ValueError(
        f"draw: the figure would have {size} nodes, and at most {most} are drawn; fold some by "
        f"{', '.join(ways)} (what repeats, layers, all but the last 20 steps), or allow more by "
        f"limit={size}"
    )


def _reached(piece: Piece, result: Tensor, on: set[Tensor]) -> set[Tensor]:
    """The inputs of a piece to which the backward pass goes on from one of its results."""
    reached = {result}
    for step in reversed(piece.steps):
        if step.result in reached:
            reached |= arrows(step, on)
    return reached


def _folded(piece: Piece, symbols: Symbols, further: Iterator[str], theme: Theme) -> str:
    """What stands in the node of a folded piece: layers or formulas, how often, and whose."""
    if piece.title is not None:
        lines = [labels.escape(piece.title)]
    else:
        shown = piece.shown[:MOST_FORMULAS]
        lines = [
            f"{symbols.markup(s.result)} = {formula(s, symbols, further, brief=False)}"
            for s in shown
        ]
        if len(piece.shown) > len(shown):
            lines.append(labels.escape(f"… {len(piece.shown) - len(shown)} more"))
    if piece.count > 1:
        times = f"<B>×{piece.count}</B>"
        lines = [f"{lines[0]} {times}"] if len(lines) == 1 else [*lines, times]
    results = [step.result for step in piece.steps if step.result.name is not None]
    named = [x for x in piece.hidden if x.name is not None]
    unnamed = len(piece.hidden) - len(named)
    remarks = [_span(results, symbols)] if len(results) > 1 else []
    remarks += [f"with {_span(named, symbols)}"] if named else []
    remarks += [f"with {unnamed} unnamed leaves"] if unnamed else []
    return "<BR/>".join(lines + [labels.font(remark, 9, theme.faint) for remark in remarks])


MOST_FORMULAS = 5
"""How many formulas are written in the node of a block."""


def _span(tensors: list[Tensor], symbols: Symbols) -> str:
    """Names, of many the first and the last two."""
    if len(tensors) > 6:
        first, last = tensors[:2], tensors[-2:]
        names = [", ".join(symbols.markup(t, 9) for t in end) for end in (first, last)]
        return f"{names[0]} … {names[1]} ({len(tensors)} in all)"
    return ", ".join(symbols.markup(t, 9) for t in tensors)


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
