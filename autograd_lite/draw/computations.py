"""Figures of whole tensors: circles for tensors, ellipses for the computations between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from ..arrays import is_foreign
from ..cotangents import Cotangent, cotangents_of
from ..derive.build import Leaves
from ..engine.op import Op
from ..engine.tensor import Tensor
from ..graph import leaves_of, reaching, walk
from ..show import labels
from ..show.expression import Expression, nodes
from ..show.notation import ATOM, Written, free_names, op_notation, symbol_of
from ..show.steps import Step
from ..show.text import text
from ..show.writer import Node, write
from .collapse import Collapse, Piece, draw_pieces, longest_histories
from .figure import Figure
from .look import Look, escape
from .paths import arrows
from .sheet import Sheet

LIMIT = 400
"""How many nodes are drawn at most, unless another limit is given."""

WIDEST, LEGIBLE = 48, 200
"""How many characters a formula has at most in its node, and in the legend."""


MANY = 3
"""A leaf that so many computations use is drawn beside each; not where every op is drawn."""


class Symbols:
    """How tensors are written: by their names, cotangents as δ₁, ∇W, ∂L/∂h, others as v₁, v₂, …

    Args:
        tensors: in the order in which they are numbered.
        cotangents: which of them are cotangents, and of what.
        known: how they are written instead, where that was settled elsewhere.

    Attributes:
        given: of these arrays without a name, c₁, c₂, …
    """

    def __init__(
        self, tensors: list[Tensor], cotangents: Mapping[Tensor, list[Cotangent]],
        known: Mapping[Tensor, Expression] = {},
    ) -> None:  # fmt: skip
        self.cotangents = cotangents
        self._known = {t: e for t, e in known.items() if e.op is not None}
        self.given = {t for t, e in known.items()
                      if t.name is None and e.op is None and not is_foreign(t._array)}
        names = {t: text(e) for t, e in known.items()}
        self._name = {t: name for t in tensors if (name := names.get(t, t.name)) is not None}
        self._also: dict[Tensor, list[str]] = {}
        taken = {t.name for t in tensors}
        output = _called_l(tensors, cotangents)
        for t in tensors:
            if t in cotangents and t not in self._name:
                symbols = dict.fromkeys(_free_symbols(cotangents[t], taken, output))
                taken |= symbols.keys()
                if symbols:
                    self._name[t], *self._also[t] = symbols
        free = free_names("v", taken)
        self._name |= {t: next(free) for t in tensors if t not in self._name}

    def plain(self, tensor: Tensor) -> str:
        return self._name[tensor]

    def is_named(self, tensor: Tensor) -> bool:
        """Whether a figure has a name for it that isn't a mere number."""
        return tensor.name is not None or tensor in self._also

    def kinds(self, tensor: Tensor, aims: Set[Tensor]) -> str:
        """What kinds of node its circle is."""
        return "tensor" + " cotangent" * (tensor in self.cotangents) + " target" * (tensor in aims)

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
        if tensor in self._known:
            return labels.expression_markup(self._known[tensor], size).text
        return labels.name_markup(name, labels.is_bold(tensor), size)

    def atom(self, tensor: Tensor) -> Written:
        if tensor in self._known:
            return labels.expression_markup(self._known[tensor])
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


class Formulas:
    """What steps compute, written; f₁, f₂, … for what is too wide, which a legend then says.

    Args:
        symbols: how tensors are written.
        known: what steps mean, by their results.

    Attributes:
        apart: what these stand for, by them, as markup.
    """

    def __init__(self, symbols: Symbols, known: Mapping[Tensor, Expression] = {}) -> None:
        self._symbols, self._known = symbols, known
        self.apart: dict[str, str] = {}

    def of(self, step: Step, brief: bool = True) -> str:
        """A formula; where that is ``brief`` the symbol of a lone function."""
        meant = self._known.get(step.result)
        atoms = [self._symbols.atom(x) for x in step.inputs]
        place = {x: i for i, x in enumerate(step.inputs)}

        def symbol(x: Node) -> Written:
            if isinstance(x, Expression):
                return labels.constant(x.value) if x.name is None else atoms[int(x.name)]
            return atoms[place[x]] if x in place else labels.constant(x._array)

        found: Sequence[Node] = step.region if meant is None else list(nodes(meant))
        markup = labels.formulas(symbol, meant is not None)
        whole = write(found, markup, LEGIBLE)
        ops = sum(x.op is not None for x in found)
        alone = [atom.text for atom in atoms]  # a copy, say: nothing is written around it
        return self.short(whole, found[-1].op if brief and ops == 1 else None, alone)

    def short(
        self, whole: Written, lone: Op | None, alone: Collection[str] = (), widest: int = WIDEST
    ) -> str:
        """A formula; the symbol of a ``lone`` op where that says it; a stand-in for a wide one."""
        if whole.width > widest:
            name = labels.name_markup(f"f_{len(self.apart) + 1}")
            self.apart[name] = whole.text if whole.width <= LEGIBLE else ""
            return name
        if lone is None:
            return whole.text
        sign = labels.escape_notation(op_notation(lone).symbol)
        return sign if whole.text.startswith(f"{sign}(") or whole.text in alone else whole.text

    def legend(self, look: Look) -> list[str]:
        """A line for each stand-in."""
        return [f"{name} = {text}" if text else look.words("figure_too_long", name=name)
                for name, text in self.apart.items()]  # fmt: skip


class Marks(NamedTuple):
    """What a page asks of the figure in it: that it can find there what it speaks of.

    Attributes:
        numbers: of the tensors. The one numbered 3 is marked by the class ``t3``, its computation
            by ``f3``, edges by ``e1-3`` and ``b3-1``; a folded node by all that it holds.
        symbols: how tensors are written, where not by their own names.
    """

    numbers: Mapping[Tensor, int] = {}
    symbols: Mapping[Tensor, Expression] = {}

    def __call__(self, kind: str, *tensors: Tensor) -> dict[str, str]:
        """The attribute that says which tensors a node or edge is for."""
        known = all(t in self.numbers for t in tensors)
        return {"class": kind + "-".join(str(self.numbers[t]) for t in tensors) if known else ""}

    def held(self, piece: Piece, circled: Set[Tensor]) -> dict[str, str]:
        """The classes of all that a piece's node stands for."""
        inner = [*(step.result for step in piece.steps), *piece.hidden]
        marks = [self("f", t) for t in inner] + [self("t", t) for t in inner if t not in circled]
        return {"class": " ".join(x["class"] for x in marks if x["class"])}


def draw_computations(
    output: Tensor, targets: list[Tensor], look: Look, every: bool, collapse: Collapse,
    limit: int | None, marks: Marks | None = None,
) -> Figure:  # fmt: skip
    """The figure of ``detail="named"``; with ``every`` operation on its own, of ``"ops"``.

    In the latter, an operation whose result has no name stands for its result as well.

    Args:
        output: the last result.
        targets: where the backward pass is drawn to.
        look: what nodes say besides, and how they look.
        every: draw each operation.
        collapse: what is folded.
        limit: how many nodes are drawn at most.
        marks: for a page. No target is set apart then.

    Raises:
        ValueError: there are more nodes than that.
    """
    tensors = walk(output)
    cotangents = cotangents_of(tensors)
    aims = set() if marks else set(targets)
    leaves, pieces, known = draw_pieces(output, every, aims, {*targets, *cotangents}, collapse)
    settled = marks.symbols if marks else constants(tensors)
    symbols = Symbols(_written(leaves, pieces), cotangents, settled)
    leaves = _without_computed(leaves, pieces, settled)
    drawn = leaves + [result for piece in pieces for result in piece.results]
    circled = {t for t in drawn if not every or t.is_leaf or symbols.is_named(t)}
    circled.update(t for piece in pieces if piece.folded for t in piece.results)
    circled.add(output)
    _check_size(len(circled) + len(pieces), collapse, limit)
    drawing = _Drawing(look, symbols, aims, circled, marks or Marks(), known)
    on = reaching(tensors, targets)
    drawing.nodes(drawn, pieces, output, every, on)
    drawing.forward(pieces)
    drawing.backward(pieces, on)
    drawing.sheet.legend([*drawing.formulas.legend(look), *drawing.repeated()], look)
    return drawing.sheet.figure()


class _Drawing:
    """Nodes and edges. A piece is known by the first of its results.

    Args:
        look: what nodes say besides, and how they look.
        symbols: how tensors are written.
        aims: the targets.
        circled: the tensors with a circle of their own.
        marks: classes for a page.
        known: what steps mean.
    """

    def __init__(
        self, look: Look, symbols: Symbols, aims: set[Tensor], circled: set[Tensor], marks: Marks,
        known: Mapping[Tensor, Expression],
    ) -> None:  # fmt: skip
        self.look, self.symbols, self.aims = look, symbols, aims
        self.circled, self.marks = circled, marks
        self.sheet = Sheet(look.theme, rankdir="LR", nodesep="0.2", ranksep="0.4")
        self.formulas = Formulas(symbols, known)
        self.node: dict[Tensor, str] = {}
        self.copies: dict[tuple[Tensor, Tensor], str] = {}
        self.ellipse: dict[Tensor, str] = {}

    def nodes(
        self, drawn: list[Tensor], pieces: list[Piece], output: Tensor, every: bool,
        on: Set[Tensor],
    ) -> None:  # fmt: skip
        main = longest_histories(pieces)
        chain = _chain(output, main)
        self.node = {t: self.sheet.new_id(self.symbols.plain(t)) for t in drawn}
        uses = Counter(x for piece in pieces for x in piece.inputs if x.is_leaf and not every)
        for piece in pieces:
            for x in piece.inputs:
                if uses[x] >= MANY:
                    is_first = self.node[x] not in self.copies.values()
                    another = self.node[x] if is_first else self.sheet.new_id(self.symbols.plain(x))
                    self.copies[x, piece.first] = another
        texts = {piece.first: (piece, self._text(piece)) for piece in pieces}
        for first, (piece, _) in texts.items():
            piece.inputs = _around(piece.inputs, main.get(first), on)
            key = self.node[first]
            self.ellipse[first] = self.sheet.new_id(f"op_{key}") if first in self.circled else key
        for tensor in _in_order(drawn, chain, pieces):
            attributes = {"group": "chain"} if tensor in chain else {}
            attributes |= self.look.hints(tensor)
            if tensor in self.circled and uses[tensor] < MANY:
                self._circle(tensor, self.node[tensor], attributes)
            if tensor in texts:
                piece, text = texts[tensor]
                for x in piece.inputs:
                    if (x, tensor) in self.copies:
                        self._circle(x, self.copies[x, tensor], self.look.hints(x))
                # What is beside the chain stands above and below it in the order of the edges.
                beside = [x for x in piece.inputs if x is not main.get(tensor)]
                if tensor in chain and all(x.is_leaf for x in beside):
                    attributes["ordering"] = "in"
                self._computation(piece, text, attributes)

    def _text(self, piece: Piece) -> str:
        if piece.folded:
            return _folded(piece, self.symbols, self.formulas, self.look)
        (step,) = piece.steps
        return self.formulas.of(step, piece.first in self.circled)

    def repeated(self) -> list[str]:
        """That what is drawn more than once is one."""
        names = ", ".join(dict.fromkeys(self.symbols.markup(x) for x, _ in self.copies))
        return [self.look.words("figure_same", names=names)] * bool(names)

    def _from(self, x: Tensor, piece: Piece) -> str:
        """The node of an input: of a leaf that is used often, that of this use."""
        return self.copies.get((x, piece.first), self.node[x])

    def _circle(self, tensor: Tensor, node: str, attributes: dict[str, str]) -> None:
        is_given = tensor in self.symbols.given
        text = self.symbols.title(tensor) + self.look.details(tensor, is_given=is_given)
        kinds = self.symbols.kinds(tensor, self.aims)
        self.sheet.node(kinds, node, text, **attributes | self.marks("t", tensor))

    def _computation(self, piece: Piece, text: str, attributes: dict[str, str]) -> None:
        tensor = piece.first
        whole = self.formulas.apart.get(text)
        if whole:
            tip = escape(labels.plain(f"{text} = {whole}"))
            attributes["tooltip"] = "&#10;".join(filter(None, (tip, attributes.get("tooltip"))))
        if tensor not in self.circled:
            text = f"{self.symbols.markup(tensor)} = {text}{self.look.details(tensor)}"
        kinds = "computation folded" if piece.folded else "computation"
        kinds += " target" * (tensor in self.aims - self.circled)
        attributes |= self.marks.held(piece, self.circled)
        self.sheet.node(kinds, self.ellipse[tensor], text, **attributes)

    def forward(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            first = piece.first
            for x in piece.inputs:
                marks = self.marks("e", x, first)
                self.sheet.forward(self._from(x, piece), self.ellipse[first], **marks)
            for y in piece.results:
                if y in self.circled:
                    marks = self.marks("e", first, y)
                    self.sheet.forward(self.ellipse[first], self.node[y], **marks)

    def backward(self, pieces: list[Piece], on: set[Tensor]) -> None:
        """The arrows that lead ``on`` to the targets."""
        for piece in reversed(pieces):
            region = [t for step in piece.steps for t in step.region]
            for y in reversed(piece.results):
                reached = arrows(Step(y, region, piece.inputs), on)
                for x in piece.inputs:
                    if x in reached:
                        label, marks = self.symbols.derivative(y, x), self.marks("b", y, x)
                        self.sheet.backward(self.node[y], self._from(x, piece), label, **marks)


def constants(tensors: list[Tensor]) -> dict[Tensor, Expression]:
    """How arrays without a name are written, as in formulas: c₁, c₂, …, or ``1 − y``."""
    names = {t: t.name or "" for t in tensors if t.name is not None or t._tracked}
    leaves = leaves_of(tensors)
    written = Leaves(leaves, names, set(names.values()))
    return {t: written[t] for t in leaves if t.name is None and t.ndim and not t._tracked}


def _without_computed(
    leaves: list[Tensor], pieces: list[Piece], known: Mapping[Tensor, Expression]
) -> list[Tensor]:
    """Leaves without those that were computed of others among them: arrows come from these."""
    by_name = {t.name: t for t in leaves if t.name is not None}
    of = {t: [x.name for x in nodes(e) if x.name] for t, e in known.items() if e.op is not None}
    drawn = {t: names for t, names in of.items() if names and {*names} <= by_name.keys()}
    origins = {t: [by_name[x] for x in names] for t, names in drawn.items()}
    for piece in pieces:
        piece.inputs = list(dict.fromkeys(x for t in piece.inputs for x in origins.get(t, [t])))
    return [t for t in leaves if t not in origins]


def _written(leaves: list[Tensor], pieces: list[Piece]) -> list[Tensor]:
    """The tensors that are written anywhere, those first that are computed first."""
    written = [*leaves]
    for piece in pieces:
        written += [*(step.result for step in piece.shown), *piece.results]
    for piece in pieces:  # in a folded one only names are written
        written += [s.result for s in piece.steps if s.result.name is not None] + piece.hidden
    return list(dict.fromkeys(written))


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


def _folded(piece: Piece, symbols: Symbols, formulas: Formulas, look: Look) -> str:
    """What stands in the node of a folded piece: layers or formulas, how often, and whose."""
    lines = [labels.escape(piece.title)] if piece.title is not None else [
        f"{symbols.markup(s.result)} = {formulas.of(s, brief=False)}"
        for s in piece.shown[:MOST_FORMULAS]
    ]  # fmt: skip
    if piece.title is None and len(piece.shown) > MOST_FORMULAS:
        lines.append(labels.escape(look.words("figure_more", n=len(piece.shown) - MOST_FORMULAS)))
    if piece.count > 1:
        times = f"<B>×{piece.count}</B>"
        lines = [f"{lines[0]} {times}"] if len(lines) == 1 else [*lines, times]
    results = [step.result for step in piece.steps if step.result.name is not None]
    named = [x for x in piece.hidden if x.name is not None]
    unnamed = len(piece.hidden) - len(named)
    remarks = [
        _span(results, symbols, look) if len(results) > 1 else "",
        look.words("figure_with", names=_span(named, symbols, look)) if named else "",
        look.words("figure_unnamed", n=unnamed) if unnamed else "",
    ]
    return "<BR/>".join(lines + [labels.font(x, 9, look.theme.faint) for x in remarks if x])


MOST_FORMULAS = 5
"""How many formulas are written in the node of a block."""


def _span(tensors: list[Tensor], symbols: Symbols, look: Look) -> str:
    """Names, of many the first and the last two."""
    names = [symbols.markup(t, 9) for t in tensors]
    if len(names) > 6:
        some = f"{', '.join(names[:2])} … {', '.join(names[-2:])}"
        return look.words("figure_in_all", names=some, n=len(names))
    return ", ".join(names)


def _chain(output: Tensor, main: dict[Tensor, Tensor]) -> dict[Tensor, int]:
    """The tensors on the layers' chain, numbered from the output back."""
    chain = {output: 0}
    while output in main:
        output = main[output]
        chain[output] = len(chain)
    return chain


def _in_order(drawn: list[Tensor], chain: dict[Tensor, int], pieces: list[Piece]) -> list[Tensor]:
    """As dot puts what is declared first on top: the chain from its end, then leaves, by place.

    So arrows of the backward pass have a way to the parameters above and below the chain.
    """
    place = {x: i for i, x in enumerate(x for piece in pieces for x in piece.inputs)}
    back = {t: len(chain) if t.is_leaf else chain.get(t, len(chain)) for t in drawn}
    return sorted(drawn, key=lambda t: (back[t], place.get(t, 0)))


def _around(inputs: list[Tensor], main: Tensor | None, on: Set[Tensor]) -> list[Tensor]:
    """The inputs from top to bottom: the chain's own in the middle.

    Those that arrows lead to stand outermost, one above and the others below it: so no arrow has to
    go around another input.
    """
    reached = [x for x in inputs if x in on and x is not main]
    others = [x for x in inputs if x not in on and x is not main]
    beside = reached[:1] + others + reached[1:]
    above = (len(beside) + 1) // 2
    return beside[:above] + [x for x in inputs if x is main] + beside[above:]
