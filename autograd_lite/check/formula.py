"""A term with the values of all that it consists of, and what becomes of it where one is edited."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Array, Tensor
from .readings import ONE, Term, applied, subterms

Values = dict[Term, Array]
Made = Mapping[Term, Callable[[list[Array]], Array]]
"""What is computed in a term's place, from the values of its operands."""

UNFIT = (ValueError, TypeError, IndexError)
"""What is raised where shapes don't go together."""


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
        self.value: Values = {}
        self.made = made or {}
        for e in self.order:
            if e.op == "leaf" and e not in self.made:
                self.value[e] = np.asarray(leaves.get(e, e.value))
            else:
                self.value[e] = self._computed(e, self.value)
        self._above: dict[Term, list[Term]] = {}

    @classmethod
    def of(
        cls, root: Term, leaves: Mapping[Term, Array], made: Made | None = None
    ) -> Formula | None:
        """The same; None where it can't be evaluated, as with arrays of other shapes."""
        try:
            return cls(root, leaves, made)
        except UNFIT:
            return None

    @property
    def result(self) -> Array:
        return self.value[self.root]

    def _computed(self, e: Term, values: Values) -> Array:
        xs = [values[x] for x in e.operands]
        return self.made[e](xs) if e in self.made else computed(e, xs)

    def above(self, e: Term) -> list[Term]:
        """The terms that depend on ONE first."""
        if e not in self._above:
            found = {e}
            order = []
            for t in self.order:
                if t not in found and not found.isdisjoint(t.operands):
                    found.add(t)
                    order.append(t)
            self._above[e] = order
        return self._above[e]

    def but(self, e: Term, value: Array) -> Array | None:
        """The root's value where a term has another.

        None where it can't be computed, or where a term on the way is all 0 that wasn't: by
        chance an edit explains nothing.
        """
        new: Values = {e: value}
        either = {**self.value, **new}
        try:
            for t in self.above(e):
                either[t] = self._computed(t, either)
                if not either[t].any() and self.value[t].any() and value.any():
                    return None
        except UNFIT:  # shapes that don't go together
            return None
        return either[self.root]

    def cancels(self, e: Term, value: Array) -> bool:
        """Whether a term's other value is but what cancels another of a sum."""
        return any(
            np.array_equal(c * self.value[x], -dict(t.args)[e] * value)
            for t in self.above(e) if t.op == "+" and e in t.operands
            for x, c in t.args if x is not e and x is not ONE
        )  # fmt: skip

    def everywhere(self, made: Made) -> Array | None:
        """The root's value where several terms are computed otherwise."""
        values: Values = {}
        try:
            for e in self.order:
                if e in made:
                    values[e] = made[e]([values[x] for x in e.operands])
                elif e.op == "leaf" or all(values[x] is self.value[x] for x in e.operands):
                    values[e] = self.value[e]
                else:
                    values[e] = self._computed(e, values)
        except UNFIT:
            return None
        return values[self.root]


def computed(e: Term, xs: list[Array]) -> Array:
    """A term's op of other arrays than its operands', which may have other shapes."""
    if e.op == "+":
        return np.asarray(sum(c * x for x, (_, c) in zip(xs, e.args, strict=True)))
    if e.op == "*":
        return np.asarray(math.prod(
            (x if p == 1 else x**p for x, (_, p) in zip(xs, e.args, strict=True)), start=1.0
        ))  # fmt: skip
    if e.op == "reshape" and xs[0].size != math.prod(e.shape):
        return xs[0].squeeze()
    found: Any = applied(e, xs)
    return np.asarray(found._array if isinstance(found, Tensor) else found)
