"""A term with the values of all that it consists of, and what becomes of it where one is edited."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from operator import add
from typing import Any

import numpy as np

from ..engine.tensor import Array, Tensor
from ..meaning.table import CANONICAL
from ..table import OPS
from .readings import ONE, Term, applied, core, subterms

_SHAPED = {*CANONICAL, "reshape", "broadcast_to"}
"""Ops of terms that take other settings than ops of that name."""

Make = Callable[[Sequence[Array], Array], Any]
"""From the values of a term's operands, and its own, what stands there instead."""

Made = Mapping[Term, Make]
"""Mistakes, by term."""

UNFIT = (ValueError, TypeError, IndexError)
"""What is raised where shapes don't go together."""


def always(array: Array) -> Make:
    """This array, whatever is there."""
    return lambda xs, v: array


class Formula:
    """A term, evaluated.

    Args:
        root: the term.
        leaves: the values of leaves, where they are others than their own.
        made: mistakes that are in it already.
    """

    def __init__(self, root: Term, leaves: Mapping[Term, Array], made: Made | None = None) -> None:
        self.root = root
        self.order = subterms(root)
        self.operands = {e: e.operands for e in self.order}
        self.made = made or {}
        self.value: dict[Term, Array] = {}
        for e in self.order:
            xs = [self.value[x] for x in self.operands[e]]
            own = np.asarray(leaves.get(e, e.value)) if e.op == "leaf" else computed(e, xs)
            self.value[e] = np.asarray(self.made[e](xs, own)) if e in self.made else own
        self.result = self.value[root] * 1.0  # a number also where that is a truth
        self.above = cache(self._above)
        uses = Counter(x for xs in self.operands.values() for x in xs)
        self.shared = {e for e, n in uses.items() if n > 1}
        self.numbers = {abs(c) for e in self.order if e.op == "+" for _, c in e.args}
        self._zeros = {e for e in self.order if not self.value[e].any()}

    @classmethod
    def of(
        cls, root: Term, leaves: Mapping[Term, Array], made: Made | None = None
    ) -> Formula | None:
        """The same; None where it can't be evaluated, as with arrays of other shapes."""
        try:
            return cls(root, leaves, made)
        except UNFIT:
            return None

    def _above(self, *some: Term) -> list[Term]:
        """These terms and what depends on them, operands first."""
        found, order = set(some), []
        for t in self.order:
            if t in found or not found.isdisjoint(self.operands[t]):
                found.add(t)
                order.append(t)
        return order

    def but(self, made: Made) -> Array | None:
        """The root's value where terms are computed otherwise.

        None where it can't be computed, or where a term on the way is all 0 that wasn't, or a
        sum in it the same number everywhere, as Σp is 1, or 1 − x is 1 − 1: by chance an edit
        explains nothing.
        """
        new, zeros = dict[Term, Array](), set[Term]()
        try:
            for e in self.above(*made):
                was = own = self.value[e]
                xs = [new[x] if x in new else self.value[x] for x in self.operands[e]]
                if not new.keys().isdisjoint(self.operands[e]):
                    own = computed(e, xs)
                    own = np.asarray(self.made[e](xs, own)) if e in self.made else own
                if e in made:
                    own = np.asarray(made[e](xs, own))
                elif (e is not core(self.root) and is_one_number(e, own, was)) or cancels(e, new):
                    return None
                if e not in self._zeros and not own.any():
                    if e not in made and zeros.isdisjoint(self.operands[e]):
                        return None
                    zeros.add(e)
                new[e] = own
        except UNFIT:  # shapes that don't go together
            return None
        return new.get(self.root, self.result)


def is_one_number(e: Term, array: Array, was: Array) -> bool:
    """Whether all entries of a sum over axes are the same, or of a quotient 1, and weren't."""
    is_quotient = e.op == "*" and len(e.args) > 1 and any(p < 0 for _, p in e.args)
    if array.size < 2 or not (e.op == "sum" or is_quotient):
        return False
    number = 1.0 if is_quotient else array.flat[0]
    return bool((np.abs(array - number) <= 1e-12 * abs(number)).all() and np.ptp(was))


def cancels(e: Term, new: Mapping[Term, Array]) -> bool:
    """Whether what has become 1 in a sum is taken off 1 there."""
    some = e.args if e.op == "+" and ONE in e.operands else ()
    ones = [c for x, c in some if x in new and (new[x] == 1).all()]
    return bool(ones) and dict(e.args)[ONE] == -sum(ones)


def weighted(op: str, xs: Sequence[Array], weights: Sequence[float]) -> Any:
    """A sum with these coefficients, or a product with these exponents."""
    some = [(x, w) for x, w in zip(xs, weights, strict=True) if w]
    if op == "+":
        return reduce(add, [w * x for x, w in some]) if some else 0
    return math.prod((x if w == 1 else x**w for x, w in some), start=1.0)


def computed(e: Term, xs: Sequence[Array]) -> Array:
    """A term's op of other arrays than its operands', which may have other shapes."""
    if e.op in "+*":
        return np.asarray(weighted(e.op, xs, [w for _, w in e.args]))
    if e.op == "reshape" and xs[0].size != math.prod(e.shape):
        return xs[0].squeeze()
    op = OPS.get(e.op) if e.op not in _SHAPED else None
    found: Any = applied(e, xs) if op is None else op.forward(*xs, **e.params)
    return np.asarray(found._array if isinstance(found, Tensor) else found)
