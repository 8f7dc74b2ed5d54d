"""What each line of a backward pass should be: a term, in several readings.

The one file of the checks that knows how meaning reads a graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.op import Op
from ..engine.tensor import Array, Tensor
from ..meaning.read import Canonical, applied, operands
from ..meaning.table import CANONICAL
from ..meaning.terms import Term, as_number, leaf, number, one, product, shaped
from ..meaning.write import Writer
from ..show.notation import number as number_text
from ..table import OPS

_DEEPEST = 3  # readings of one line
_MOST = 600  # terms of a reading


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
    """

    def __init__(
        self, loss: Tensor, tensors: Mapping[str, Tensor], right: Mapping[str, Array],
        symbols: Mapping[str, str],
    ) -> None:  # fmt: skip
        with trace():
            self.meaning = Canonical(loss)
            output = self.meaning.output
            seed = self._seed(output)
            kept = {n: t for n in tensors if (t := self.meaning.tensors.get(n)) is not None}
            pulled = pull({output: seed}, set(kept.values()), record=True)
        self.lines = {name: pulled[t] for name, t in kept.items() if t in pulled}
        self.cotangents: dict[str, Term] = {}
        self._known: dict[Tensor, Term] = {}
        for name, g in self.lines.items():
            term = leaf(("cot", name), tensors[name].shape, symbols[name], right[name])
            self.cotangents[name] = term
            self._known.setdefault(g, term)
        self.forward = {e for e in self.meaning.terms.values() if as_number(e) is None}
        self.slopes = list(self._slopes())
        self._writer = Writer(self.meaning.names)

    def _seed(self, tensor: Tensor) -> Tensor:
        seed = Tensor(np.ones(tensor.shape))
        self.meaning.terms[seed] = shaped(one(), seed.shape)
        return seed

    def _slopes(self) -> Any:
        """The slopes of all functions of one tensor, entry by entry, that there are."""
        for e, tensor in list(self.meaning.built.items()):
            op = tensor._op
            if op is None or not op.entrywise or len(e.args) != 1 or e.op != op.name:
                continue
            (x,) = tensor.inputs
            if tensor._tracked and x in self.meaning.terms:
                with trace():
                    found = pull({tensor: self._seed(tensor)}, {x}, record=True)
                if x in found:
                    unit = self.meaning.read(found[x])
                    result = self.meaning.terms[tensor]
                    factors = dict(unit.args) if unit.op == "*" else {unit: 1.0}
                    of = self.meaning.terms[x]
                    params = dict(tensor._params)
                    yield Slope(result, of, op, params, factors, x._array, tensor._array)

    def of(self, name: str) -> list[Term]:
        """The readings of a line: by the nearest cotangents that were given, and by farther ones."""
        g = self.lines.get(name)
        if g is None:
            return []
        known = {k: e for k, e in self._known.items() if k is not g}
        found = [self.meaning.read(g, known)]
        for _ in range(_DEEPEST - 1):
            used = set(subterms(found[-1]))
            near = {k: e for k, e in known.items() if e in used}
            if not near:
                break
            known = {k: e for k, e in known.items() if k not in near}
            found.append(self.meaning.read(g, known))
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

    def text(self, x: Any) -> str:
        """A term, a number or a word, written."""
        if isinstance(x, Term):
            return self._writer.text(x)
        return x if isinstance(x, str) else number_text(x)


def over_axes(e: Term, xs: Sequence[Array], axes: frozenset[int]) -> Array:
    """A term's op of these arrays, over other axes than its own."""
    found: Any = CANONICAL[e.op](*map(Tensor, xs), **{**e.params, "axes": axes})
    return np.asarray(found._array)


def core(e: Term) -> Term:
    """A term without the moves of its entries, and its factor, around it."""
    while e.op in ("reshape", "transpose", "broadcast_to") or (e.op == "+" and len(e.args) == 1):
        e = operands(e)[0]
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
            stack += [(x, False) for x in operands(e)]
    return list(order)


__all__ = [
    "OPS", "Readings", "Slope", "Term", "applied", "as_number", "core", "number", "one", "operands",
    "over_axes", "product", "subterms",
]  # fmt: skip
