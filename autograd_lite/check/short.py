"""What tensors without a name are called: what computed them, and an ellipsis for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

from ..engine.tensor import Tensor
from ..graph import inner_first
from ..meaning.read import Meaning
from ..meaning.terms import remade
from .passes import Loop
from .readings import Readings, Slope, Term, slopes

_DEEP = 4  # ops that are written of what is computed
_AT_PASS = 0.4  # what it costs less to take the same at another pass
_SUMS = {"add", "subtract"}

Cause = tuple[float, str, tuple[Any, ...]]
"""What a mistake costs, its kind, and what it is about: also tensors."""


class Short:
    """Writes the tensors of a graph.

    Args:
        meaning: of the graph.
        readings: write terms.
        loops: of which no formula goes on into another pass.

    Attributes:
        leaves: of terms that are written, and the tensors that these stand for.
    """

    def __init__(self, meaning: Meaning, readings: Readings, loops: Sequence[Loop]) -> None:
        self._meaning, self._readings = meaning, readings
        self._passes: dict[Any, dict[tuple[int, Any], int]] = defaultdict(dict)
        for k, loop in enumerate(loops):
            for m, one in enumerate(loop.passes) if len(loop.passes) > 1 else ():
                for j, t in enumerate(one):
                    self._passes[t][k, j] = m
                    for i, x in enumerate(t.inputs if t is not None else ()):
                        if x._op is None and not x._tracked:  # a given one of its own
                            self._passes[x][k, (j, i)] = m
        self._halves = {k for k, x in enumerate(loops) if x.times == 2 < len(x.passes)}
        self.slope = cache(self._slope)
        self.leaves = dict[Term, Tensor]()

    def cause(self, cause: Cause) -> Cause:
        """With terms for tensors, which say so much that no two are written alike."""
        cost, kind, values = cause
        found = values
        for deep in range(_DEEP, 2 * _DEEP):
            terms = dict[Tensor, Term]()
            found = self._terms(values, terms, deep)
            if len({self._readings.text(e) for e in terms.values()}) == len(terms):
                break
        return cost, kind, found

    def stands(self, cost: float, x: Tensor, y: Tensor) -> Cause:
        """One where the other belongs, which is rather the same at another pass."""
        own, its = self._passes[x], self._passes[y]
        place = next((place for place in own if place in its), None)
        if place is None:
            return cost, "stands", (x, y)
        by = {-1: "the pass before", 1: "the pass after"}
        values = y, by.get(own[place] - its[place], "another pass")
        is_said = y.name is None and place[0] not in self._halves
        return (cost - _AT_PASS, *(("at_pass", values) if is_said else ("stands", (x, y))))

    def _terms(self, values: Any, terms: dict[Tensor, Term], deep: int) -> Any:
        if isinstance(values, Tensor):
            root = self._part(values, deep, "", values)
            return terms.setdefault(values, Meaning(root).terms[root])
        if isinstance(values, Term):
            done = dict[Term, Term]()
            for e in inner_first(values, lambda e: e.operands):
                x = self.leaves.get(e)
                own = remade(e, [done[y] for y in e.operands]) if x is None else None
                done[e] = self._terms(x, terms, deep) if own is None else own
            return done[values]
        is_some = type(values) is tuple
        return tuple(self._terms(x, terms, deep) for x in values) if is_some else values

    def _part(self, t: Tensor, deep: int, within: str, root: Tensor) -> Tensor:
        name = t._op.name if t._op is not None else ""
        said = t.name
        if said is None and not name and t.ndim and t in self._meaning.terms:
            said = self._readings.text(self._meaning.terms[t])
        own, its = ({k: m for (k, _), m in self._passes[x].items()} for x in (root, t))
        outer = next((k for k in own if k in its), None)
        is_far = deep <= 0 or (outer is not None and own[outer] != its[outer])
        if said is not None or not name or is_far:
            return Tensor(t._array, t._tracked > 0, "…" if said is None and name else said)
        results = sum(x._op is not None for x in t.inputs)
        less = 0 if {name, within} <= _SUMS else 1 if name in _SUMS else max(results, 1)
        op: Any = t._op
        found: Tensor = op(*(self._part(x, deep - less, name, root) for x in t.inputs), **t._params)
        return found

    def _slope(self, t: Tensor) -> Slope | None:
        """Of a function of one tensor, entry by entry."""
        op: Any = t._op
        if op is None or not op.entrywise or len(t.inputs) != 1:
            return None
        root = op(self._part(t.inputs[0], _DEEP - 1, op.name, t), **t._params)
        root.name = t.name
        return next((slope for slope in slopes(Meaning(root.sum())) if slope.op is op), None)
