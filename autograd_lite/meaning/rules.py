"""How a spelling is recognised: it is run again, at each place where it may be.

A spelling is an ordinary function of ``x`` and, where it needs them, ``axis`` and ``eps``. Run once
on variables it says which ops it consists of, and where in them its ``x`` stands: the hooks. At a
term, what stands at a hook is taken for ``x``, and the spelling run on it; where the term has all
of its factors, or all of its terms, these are replaced by what it means. There is no matching up to
commutativity: normal forms have none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from .terms import (
    ONE,
    RULES,
    Off,
    Term,
    coefficient,
    fits,
    kinds,
    leaf,
    number,
    product,
    rewritten,
    subterms,
    total,
)

Function = Callable[..., Term]
_SMALL = 0.1  # an eps is less


class Rule:
    """``spelling(x, axis, eps)`` is ``meaning(x, axis, eps)``."""

    def __init__(self, meaning: Function, spelling: Function) -> None:
        self.meaning, self.spelling = meaning, spelling
        self.takes = list(inspect.signature(spelling).parameters)
        x = leaf("x", (2, 3), "variable", "x")
        with Off():
            _, template = coefficient(
                self._run(spelling, {"x": x, "axis": frozenset([1]), "eps": 1e-3})
            )
        self.root = template.op
        parts = [t for t in subterms(template) if t.op not in ("leaf", "+", "*")]
        self.depth = next(d for d in count(1) if {*parts} <= {*subterms(template, d)})
        self.ops = {t.op for t in parts}
        self.needs = {x for x in kinds(template) if x[0] != "leaf"}
        self.hooks = list(dict.fromkeys(
            (t.op, i, k)
            for t in parts for i, a in enumerate(t.args) for k, y in [coefficient(a)] if y is x
        ))  # fmt: skip
        RULES.setdefault(self.root, []).append(self)

    def _run(self, function: Function, given: Mapping[str, Any]) -> Term:
        return function(*(given[name] for name in self.takes))

    def apply(
        self, e: Term, within: Callable[[int], list[Term]], there: set[tuple[str, bool]]
    ) -> Term | None:
        """What ``e`` is with this rule applied, if that is shorter.

        Args:
            e: the term.
            within: what it consists of, so many levels deep.
            there: the kinds of its terms or factors.
        """
        if not self.needs <= there:
            return None
        parts = within(self.depth)
        if not self.ops <= {t.op for t in parts}:
            return None
        with Off():
            found = self._found(e, parts)
            if found is None:
                return None
            rest, given, factor = found
            meaning = self._run(self.meaning, given)
            if self.root == "*":
                new = product([(rest, 1), (meaning, 1), (number(factor), 1)], e.shape)
            else:
                new = total([(rest, 1), (meaning, factor)], e.shape)
        is_shorter = new.size < e.size - 1e-9 or self.root not in "+*"
        return rewritten(new) if is_shorter else None

    def _found(self, e: Term, parts: list[Term]) -> tuple[Term, dict[str, Any], float] | None:
        """What is left of ``e`` without the spelling, what its variables are, and its factor."""
        there = dict(e.args) if e.op in "+*" else {}
        for given in self._candidates(parts):
            k, p = coefficient(self._run(self.spelling, given))
            if self.root not in "+*":
                if p is e:
                    return number(0.0), given, 1 / k
            elif p.op == self.root and p.args and fits(p.shape, e.shape):
                if self.root == "*":
                    shares = [(q, q / there.get(f, -q)) for f, q in p.args]  # of x / √v all of √v
                    if all(0 < s <= 1 if q.is_integer() else s == 1 for q, s in shares):
                        return product([(e, 1), (p, -1)]), given, 1 / k
                else:
                    first, c = next(((f, c) for f, c in p.args if f is not ONE), (ONE, 1.0))
                    ratio = there.get(first, 0.0) / c
                    rest = total([(e, 1), (p, -ratio)]) if ratio else e
                    own, used = there.get(ONE, 0.0), ratio * dict(p.args).get(ONE, 0.0)
                    if rest.size < e.size and abs(own - used) <= abs(own):
                        return rest, given, ratio / k
        return None

    def _candidates(self, parts: list[Term]) -> Iterator[dict[str, Any]]:
        """What the spelling's variables may be."""
        xs: dict[Term, None] = {}
        for op, i, k in self.hooks:
            for t in parts:
                if t.op == op and i < len(t.args):
                    x = product([(t.args[i], 1), (number(1 / k), 1)])
                    if abs(k) == 1 or abs(coefficient(x)[0]) == 1:
                        xs[x] = None
        axes = {t.params["axes"]: None for t in parts if type(t.params.get("axes")) is frozenset}
        sizes = {
            c: None for t in parts if t.op == "+" for f, c in t.args if f is ONE and 0 < c < _SMALL
        }
        for x in xs:
            for axis in axes if "axis" in self.takes else [None]:
                if axis is None or max(axis, default=0) < x.ndim:
                    for eps in [*sizes, 0.0] if "eps" in self.takes else [None]:
                        yield {"x": x, "axis": axis, "eps": eps}
