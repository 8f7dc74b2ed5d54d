"""Figures number by number: a circle for each entry of a tensor, an ellipse for each computed one.

Which entries an entry depends on, `dependence` finds by trying the recorded op. A formula is found
by replaying the op on entries that are written, not computed. So no op needs a rule of its own
here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..cotangents import cotangents_of
from ..dependence import dependence, sources_of
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show import labels
from ..show.notation import ATOM, MATMUL, PRODUCT, Notation, Written, op_notation
from ..show.steps import Step, is_number, steps
from ..show.writer import join
from ..table import OPS
from .computations import Symbols, label, stand_ins
from .figure import Figure
from .look import Look
from .paths import arrows, on_paths
from .sheet import Sheet

LIMIT = 300
"""How many numbers are drawn at most."""

WIDEST = 60

_SAME_SIZE = {"width": "0.8", "fixedsize": "true"}  # enough for ``(W₀₁)₁₁`` and a number


def _both(notation: Notation) -> tuple[Callable[[Any, Any], Entry], Callable[[Any, Any], Entry]]:
    """The methods for an operator, with an entry on its left and on its right."""
    return (
        lambda self, other: _join(notation, self, other),
        lambda self, other: _join(notation, other, self),
    )


class Entry:
    """A number that is written instead of computed. It knows sums and products, and nothing else:
    an op that asks for more fails, and is then written by its notation."""

    __slots__ = ("written",)

    def __init__(self, written: Written) -> None:
        self.written = written

    __add__, __radd__ = _both(OPS["add"].notation)
    __sub__, __rsub__ = _both(OPS["subtract"].notation)
    __truediv__, __rtruediv__ = _both(OPS["divide"].notation)
    _before, _after = _both(Notation("{0}\u2009{1}", PRODUCT, (PRODUCT, MATMUL)))
    __rmul__ = _after

    def __mul__(self, other: Any) -> Entry:
        if other is self:  # np.square multiplies a number by itself
            return _join(OPS["square"].notation, self)
        # A factor that is a number stands first.
        return self._before(other) if isinstance(other, Entry) else self._after(other)

    def __neg__(self) -> Entry:
        return _join(OPS["negative"].notation, self)

    def _unknown(self, *_: Any) -> NoReturn:
        raise TypeError("an entry that is written has no value")

    # Compared, an entry would silently be unequal to everything, and true.
    __eq__ = __ne__ = __bool__ = _unknown
    __hash__ = object.__hash__


def _written(x: Any) -> Written:
    return x.written if isinstance(x, Entry) else labels.constant(x)


_MARKUP = labels.formulas(_written)


def _join(notation: Notation, *operands: Any) -> Entry:
    return Entry(_kept(join(notation, [_written(x) for x in operands], {}, _MARKUP)))


def _kept(x: Written) -> Written:
    """Without its text where that is too wide to be drawn: it could grow without bounds."""
    return x if x.width <= WIDEST else Written("", x.level, WIDEST + 1)


def replay(tensor: Tensor, operands: list[list[Written]], depends: list[Array]) -> list[Written]:
    """The formulas of a result's entries, given those of its op's inputs."""
    assert tensor.op is not None
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
    assert tensor.op is not None
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
    output: Tensor,
    targets: list[Tensor],
    look: Look,
    limit: int | None,
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
    cotangents = cotangents_of(walk(output))
    leaves, found = steps(output, shown={*targets, *cotangents})
    size = sum(t.size for t in leaves) + sum(t.size for step in found for t in step.region)
    most = LIMIT if limit is None else limit
    if size > most:
        raise ValueError(
            f'draw: detail="elements" draws at most {most} numbers, and this graph has {size}; '
            f'use detail="named", or a smaller network and batch, or allow more by limit={size}'
        )
    symbols = Symbols(leaves + [step.result for step in found], cotangents)
    aims, on = set(targets), on_paths(output, targets)
    sheet = Sheet(look.theme, rankdir="LR", nodesep="0.15", ranksep="0.6")
    further = stand_ins()
    node: dict[Tensor, list[str]] = {}

    def name(tensor: Tensor, i: int, size: int = 16) -> str:
        whole = symbols.markup(tensor, size)
        if tensor.size == 1:
            return whole
        index = [int(k) for k in np.unravel_index(i, tensor.shape)]
        return f"({whole}){labels.index_markup(tensor.shape, index, size)}"

    def circles(tensor: Tensor) -> None:
        kinds = "tensor cotangent" if tensor in cotangents else "tensor"
        kinds += " target" * (tensor in aims)
        plain = symbols.plain(tensor)
        node[tensor] = [
            sheet.new_id(plain if tensor.size == 1 else f"{plain}_{i + 1}")
            for i in range(tensor.size)
        ]
        for i, key in enumerate(node[tensor]):
            text = name(tensor, i) + look.details(tensor, i)
            attributes = (_SAME_SIZE if len(plain) < 6 else {}) | look.hints(tensor)
            sheet.node(kinds, key, text, **attributes)

    for leaf in leaves:
        circles(leaf)
    sources: dict[Tensor, list[list[tuple[Tensor, int]]]] = {}
    for step in found:
        circles(step.result)
        atoms = {
            x: [Written(name(x, i), ATOM, len(symbols.plain(x)) + 3) for i in range(x.size)]
            for x in step.inputs
        }
        formulas, sources[step.result] = _compute(step, atoms)
        for j, key in enumerate(node[step.result]):
            ellipse = sheet.new_id(f"op_{key}")
            text = label(step, formulas[j], WIDEST, further)
            sheet.node("computation", ellipse, text, **look.hints(step.result))
            for x, i in sources[step.result][j]:
                sheet.forward(node[x][i], ellipse)
            sheet.forward(ellipse, key)
    for step in reversed(found):
        reached = arrows(step, on)
        for j, key in enumerate(node[step.result]):
            for x, i in sources[step.result][j]:
                if x in reached:
                    derivative = f"∂{name(step.result, j, 12)}/∂{name(x, i, 12)}"
                    sheet.backward(key, node[x][i], derivative)
    return sheet.figure()


def _compute(
    step: Step, atoms: dict[Tensor, list[Written]]
) -> tuple[list[Written], list[list[tuple[Tensor, int]]]]:
    """Of each entry of a step's result, the formula, and the entries that it is computed from."""
    written = dict(atoms)
    depends = {tensor: dependence(tensor) for tensor in step.region}
    for tensor in step.region:
        operands = [written.get(x, []) for x in tensor.inputs]
        written[tensor] = replay(tensor, operands, depends[tensor])
    return written[step.result], sources_of(step.region, step.inputs, depends)
