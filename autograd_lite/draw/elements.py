"""Figures number by number: a circle for each entry of a tensor, an ellipse for each computed one.

Which entries an entry depends on, `dependence` finds by trying the recorded op. A formula is found
by replaying the op on entries that are written, not computed. So no op needs a rule of its own
here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..cotangents import cotangents_of
from ..dependence import dependence, sources_of
from ..engine.tensor import Array, Tensor
from ..graph import reaching, walk
from ..show import labels
from ..show.notation import ATOM, MATMUL, PRODUCT, Notation, Written, op_notation
from ..show.steps import Step, is_number, steps
from ..show.writer import join
from ..table import OPS
from .computations import LEGIBLE, Formulas, Symbols, constants
from .figure import Figure
from .look import Look
from .paths import arrows
from .sheet import Sheet

LIMIT = 300
"""How many numbers are drawn at most."""

WIDEST = 60

_SAME_SIZE = {"width": "0.8", "fixedsize": "true"}  # enough for ``(W₀₁)₁₁`` and a number


_PRODUCT = Notation("{0}\u2009{1}", PRODUCT, (PRODUCT, MATMUL))


class Entry(NDArrayOperatorsMixin):
    """A number that is written instead of computed. It knows sums and products, and nothing else:
    an op that asks for more fails, and is then written by its notation."""

    __slots__ = ("written",)
    __hash__ = object.__hash__

    def __init__(self, written: Written) -> None:
        self.written = written

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any) -> Entry:
        if ufunc not in (np.add, np.subtract, np.multiply, np.divide, np.negative):
            raise TypeError("an entry that is written has no value")
        if ufunc is not np.multiply:
            return _join(OPS[ufunc.__name__].notation, *operands)
        if operands[0] is operands[1]:  # np.square multiplies a number by itself
            return _join(OPS["square"].notation, self)
        # A factor that is a number stands first.
        return _join(_PRODUCT, *sorted(operands, key=lambda x: isinstance(x, Entry)))

    def __bool__(self) -> bool:
        raise TypeError("an entry that is written has no value")


def _written(x: Any) -> Written:
    return x.written if isinstance(x, Entry) else labels.constant(x)


_MARKUP = labels.formulas(_written)


def _join(notation: Notation, *operands: Any) -> Entry:
    return Entry(_kept(join(notation, [_written(x) for x in operands], {}, _MARKUP)))


def _kept(x: Written) -> Written:
    """Without its text where that is too wide to be drawn: it could grow without bounds."""
    return x if x.width <= LEGIBLE else Written("", x.level, LEGIBLE + 1)


def replay(tensor: Tensor, operands: list[list[Written]], depends: list[Array]) -> list[Written]:
    """The formulas of a result's entries, given those of its op's inputs."""
    given = [
        x._array if is_number(x) else _entries(written, x.shape)
        for x, written in zip(tensor.inputs, operands, strict=True)
    ]
    result = np.empty(tensor.shape, object)
    try:
        result[...] = tensor.op.forward(*given, **tensor.params)
        return [_written(x) for x in result.flat]
    except Exception:  # an op that asks for numbers; it may say so by any error
        return [_by_notation(tensor, operands, depends, j) for j in range(tensor.size)]


def _entries(written: list[Written], shape: tuple[int, ...]) -> Array:
    entries = np.empty(len(written), object)
    entries[:] = [Entry(x) for x in written]
    return entries.reshape(shape)


def _by_notation(
    tensor: Tensor, operands: list[list[Written]], depends: list[Array], j: int
) -> Written:
    """An entry written as its op writes whole tensors: ``σ(x)``; ``f(…)`` where it has many."""
    notation = op_notation(tensor.op)
    used = []
    for x, written, depend in zip(tensor.inputs, operands, depends, strict=True):
        if is_number(x):
            used.append(labels.constant(x._array))
        elif np.count_nonzero(depend[j]) == 1:
            used.append(written[np.argmax(depend[j])])
        else:
            sign = labels.escape_notation(notation.symbol)
            return Written(f"{sign}(…)", ATOM, len(notation.symbol) + 3)
    return _kept(join(notation, used, tensor.params, _MARKUP))


def draw_elements(
    output: Tensor, targets: list[Tensor], look: Look, limit: int | None
) -> Figure:
    """The figure of ``detail="elements"``.

    Args:
        output: the last result.
        targets: where the backward pass is drawn to.
        look: what numbers say besides, and how they look.
        limit: how many numbers are drawn at most.

    Raises:
        ValueError: there are more numbers than that.
    """
    tensors = walk(output)
    cotangents = cotangents_of(tensors)
    leaves, found = steps(output, shown={*targets, *cotangents})
    size = sum(t.size for t in leaves) + sum(t.size for step in found for t in step.region)
    most = LIMIT if limit is None else limit
    if size > most:
        raise ValueError(
            f'draw: detail="elements" draws at most {most} numbers, and this graph has {size}; '
            f'use detail="named", or a smaller network and batch, or allow more by limit={size}'
        )
    results = [step.result for step in found]
    symbols = Symbols(leaves + results, cotangents, constants(tensors))
    drawing = _Drawing(look, symbols, set(targets))
    for leaf in leaves:
        drawing.circles(leaf)
    sources = [drawing.computations(step) for step in found]
    on = reaching(tensors, targets)
    for step, entries in zip(reversed(found), reversed(sources), strict=True):
        drawing.backward(step, arrows(step, on), entries)
    drawing.sheet.legend(drawing.formulas.legend(look), look)
    return drawing.sheet.figure()


Entries = list[list[tuple[Tensor, int]]]
"""Of each entry of a step's result, the entries that it is computed from."""


class _Drawing:
    """Nodes and edges.

    Args:
        look: what numbers say besides, and how they look.
        symbols: how tensors are written.
        aims: the targets.
    """

    def __init__(self, look: Look, symbols: Symbols, aims: set[Tensor]) -> None:
        self.look, self.symbols, self.aims = look, symbols, aims
        self.sheet = Sheet(look.theme, rankdir="LR", nodesep="0.15", ranksep="0.6")
        self.node: dict[Tensor, list[str]] = {}
        self.formulas = Formulas(symbols)

    def name(self, tensor: Tensor, i: int, size: int = 16) -> str:
        whole = self.symbols.markup(tensor, size)
        if tensor.size == 1:
            return whole
        index = [int(k) for k in np.unravel_index(i, tensor.shape)]
        return f"({whole}){labels.index_markup(tensor.shape, index, size)}"

    def circles(self, tensor: Tensor) -> None:
        plain = self.symbols.plain(tensor)
        attributes = (_SAME_SIZE if len(plain) < 6 else {}) | self.look.hints(tensor)
        self.node[tensor] = keys = [
            self.sheet.new_id(plain if tensor.size == 1 else f"{plain}_{i + 1}")
            for i in range(tensor.size)
        ]
        for i, key in enumerate(keys):
            text = self.name(tensor, i) + self.look.details(tensor, i)
            self.sheet.node(self.symbols.kinds(tensor, self.aims), key, text, **attributes)

    def computations(self, step: Step) -> Entries:
        self.circles(step.result)
        atoms = {
            x: [Written(self.name(x, i), ATOM, len(self.symbols.plain(x)) + 3)
                for i in range(x.size)]
            for x in step.inputs
        }  # fmt: skip
        formulas, sources = _compute(step, atoms)
        for j, key in enumerate(self.node[step.result]):
            ellipse = self.sheet.new_id(f"op_{key}")
            lone = step.result.op if len(step.region) == 1 else None
            text = self.formulas.short(formulas[j], lone, widest=WIDEST)
            self.sheet.node("computation", ellipse, text, **self.look.hints(step.result))
            for x, i in sources[j]:
                self.sheet.forward(self.node[x][i], ellipse)
            self.sheet.forward(ellipse, key)
        return sources

    def backward(self, step: Step, reached: set[Tensor], sources: Entries) -> None:
        for j, key in enumerate(self.node[step.result]):
            for x, i in sources[j]:
                if x in reached:
                    derivative = f"∂{self.name(step.result, j, 12)}/∂{self.name(x, i, 12)}"
                    self.sheet.backward(key, self.node[x][i], derivative)


def _compute(
    step: Step, atoms: dict[Tensor, list[Written]]
) -> tuple[list[Written], Entries]:
    """Of each entry of a step's result, the formula, and the entries that it is computed from."""
    written = dict(atoms)
    depends = {tensor: dependence(tensor) for tensor in step.region}
    for tensor in step.region:
        operands = [written.get(x, []) for x in tensor.inputs]
        written[tensor] = replay(tensor, operands, depends[tensor])
    return written[step.result], sources_of(step.region, step.inputs, depends)
