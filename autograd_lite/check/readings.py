"""What each line of a backward pass should be: a term, in several readings.

The one file of the checks that knows how meaning reads a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.op import Op
from ..engine.tensor import Array, Tensor
from ..meaning.read import Meaning, applied
from ..meaning.table import CANONICAL
from ..meaning.terms import ONE, Term, as_number, leaf, number, product, shaped
from ..meaning.write import Writer
from ..show.text import text
from ..table import OPS

_DEEPEST = 3  # readings of one line
_MOST = 600  # terms of a reading
_WIDEST = 160  # characters of a formula


class Slope(NamedTuple):
    """f'(s), as one factor, or several that belong together.

    Attributes:
        result: f(s), a term; ``l`` is its value.
        of: s, a term; ``s`` is its value.
        op: f, with its params.
        factors: those of f'(s), with their exponents.
    """

    result: Term
    of: Term
    op: Op
    params: dict[str, Any]
    factors: dict[Term, float]
    s: Array
    l: Array  # noqa: E741  (the chapter's letter)

    @property
    def unit(self) -> Term:
        """f'(s) as one term."""
        return product(list(self.factors.items()))

    def at(self, s: Array, l: Array | None = None) -> Array:  # noqa: E741
        """The slope at another tensor, by the op's own rule."""
        out = self.op.forward(s, **self.params) if l is None else l
        rule: Any = self.op.vjps[0]
        return np.asarray(rule(np.ones(s.shape), out, s, **self.params))


class Readings:
    """A recorded loss as meaning reads it.

    Args:
        loss: recorded.
        tensors: what gradients were given of, by name.
        right: these gradients.
        symbols: how they are written.
        rows: of a batch.
        guard: what is added within a logarithm, up to this, is left out.
    """

    def __init__(
        self, loss: Tensor, tensors: Mapping[str, Tensor], right: Mapping[str, Array],
        symbols: Mapping[str, str], rows: int | None, guard: float,
    ) -> None:  # fmt: skip
        with trace():
            self.meaning = Meaning(loss, guard=guard)
            output = self.meaning.output
            seed = self._seed(output)
            kept = {n: self.meaning.tensors[t] for n, t in tensors.items() if t is not loss}
            pulled = pull({output: seed}, set(kept.values()), record=True)
        self.lines = {name: pulled[t] for name, t in kept.items() if t in pulled}
        self.cotangents: dict[str, Term] = {}
        self._known: dict[Tensor, Term] = {}
        for name, g in self.lines.items():
            shape = tensors[name].shape
            term = leaf((id(self), name), shape, "gradient", symbols[name], right[name])
            self.cotangents[name] = term
            self._known.setdefault(g, term)
        self.forward = {e for e in self.meaning.terms.values() if as_number(e) is None}
        self.slopes = list(self._slopes())
        names = {e: e.name for e in self.forward if e.op == "leaf" and e.name is not None}
        self._writer = Writer(names, rows, [*names.values(), *symbols.values()])

    def _seed(self, tensor: Tensor) -> Tensor:
        seed = Tensor(np.ones(tensor.shape))
        self.meaning.terms[seed] = shaped(ONE, seed.shape)
        return seed

    def _slopes(self) -> Iterator[Slope]:
        """The slopes of all functions of one tensor, entry by entry, that there are."""
        terms = self.meaning.terms
        seen = set()
        for tensor, result in list(terms.items()):
            e = self.meaning.definitions.get(result, result)
            op = tensor._op
            if op is None or not op.entrywise or len(e.operands) != 1 or e.op != op.name:
                continue
            (x,) = tensor.inputs
            if tensor._tracked and x in terms and result not in seen:
                seen.add(result)
                with trace():
                    found = pull({tensor: self._seed(tensor)}, {x}, record=True)
                if x in found:
                    unit = self.meaning.read(found[x], {})
                    factors = dict(unit.args) if unit.op == "*" else {unit: 1.0}
                    params = dict(tensor._params)
                    yield Slope(result, terms[x], op, params, factors, x._array, tensor._array)

    def of(self, name: str) -> list[Term]:
        """The readings of a line: by the nearest cotangents that were given, and by farther ones."""
        g = self.lines.get(name)
        if g is None:
            return []
        known = {k: e for k, e in self._known.items() if k is not g}
        shape = self.cotangents[name].shape
        found = [shaped(self.meaning.read(g, known), shape)]
        for _ in range(_DEEPEST - 1):
            used = set(subterms(found[-1]))
            near = {k: e for k, e in known.items() if e in used}
            if not near:
                break
            known = {k: e for k, e in known.items() if k not in near}
            found.append(shaped(self.meaning.read(g, known), shape))
        return [e for e in dict.fromkeys(found) if len(subterms(e)) <= _MOST]

    def behind(self, name: str) -> set[Tensor]:
        """What the line's nearest reading is computed of, but for the forward pass."""
        start = self.lines[name]
        found, todo = {start}, [start]
        while todo:
            for x in todo.pop().inputs:
                if x not in found and x not in self._known and x not in self.meaning.terms:
                    found.add(x)
                    todo.append(x)
        return found

    def sources(self, e: Term) -> list[str]:
        """The tensors whose gradients a term is computed from."""
        used = set(subterms(e))
        return [name for name, x in self.cotangents.items() if x in used]

    def text(self, e: Term) -> str:
        """A term, written; on the right its parts that got a symbol."""
        written, parts = self._writer.expression(e)
        where = ", ".join(f"{name} = {text(part)}" for name, part in parts)
        said = f"{text(written)} with {where}" if where else text(written)
        return said if len(said) <= _WIDEST else said[: _WIDEST - 1] + "…"


def over_axes(e: Term, xs: Sequence[Array], axes: frozenset[int]) -> Array:
    """A term's op of these arrays, over other axes than its own."""
    found: Any = CANONICAL[e.op](*map(Tensor, xs), **{**e.params, "axes": axes})
    return np.asarray(found._array)


def core(e: Term) -> Term:
    """A term without the moves of its entries, and its factor, around it."""
    while e.op in ("reshape", "transpose", "broadcast_to") or (e.op == "+" and len(e.args) == 1):
        e = e.operands[0]
    return e


def subterms(root: Term) -> list[Term]:
    """All that a term consists of, operands first, and itself."""
    order: dict[Term, None] = {}
    stack = [(root, False)]
    while stack:
        e, ready = stack.pop()
        if ready:
            order[e] = None
        elif e not in order:
            stack.append((e, True))
            stack += [(x, False) for x in e.operands]
    return list(order)


__all__ = [
    "ONE", "OPS", "Readings", "Slope", "Term", "applied", "as_number", "core", "number",
    "over_axes", "product", "subterms",
]  # fmt: skip
