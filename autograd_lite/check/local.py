"""An op at each pass of a loop as the one op of a small loss: its formulas, edited."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..engine.backward import fit, pull
from ..engine.tensor import Array, Tensor
from .edits import Edit, at
from .formula import UNFIT, Formula, Made
from .given import same
from .readings import Readings, Slope, Term, subterms

_DEAREST, _USUAL = 2.1, 1.6  # what an edit of a rule, of a result, costs at most
_OF_G = 0.4  # what it costs to speak of what came back

Value = Callable[..., Array]
"""``(g, out, *xs)`` → what an edited formula gives."""

Found = Iterator[tuple[tuple[float, str, tuple[Any, ...]], Value]]


class Local:
    """An op as terms of its operands, and of ``g``, which came back to its result.

    Args:
        some: its results, one for each pass.

    Attributes:
        leaves: the operands, and what a function gives, by the terms that stand for them.
    """

    def __init__(self, some: Sequence[Tensor]) -> None:
        self._some, self._t = some, some[-1]
        t, op = self._t, _op_of(self._t)
        xs = [Tensor(x, True, f"x_{i}") if _is_float(x) else x for i, x in enumerate(t._arrays)]
        own = {i: x for i, x in enumerate(xs) if isinstance(x, Tensor)}
        g, out = Tensor(_any(t.shape), True, "g"), op(*xs, **t._params)
        loss = (out * g).sum()
        found = pull({loss: np.ones(())}, {*own.values()})
        tensors = {str(x.name): x for x in own.values() if x in found}
        right = {n: found[x] for n, x in tensors.items()}
        self._readings = Readings(loss, tensors, right, {n: n for n in tensors}, None, 0.0)
        meaning, *_ = next(self._readings.graphs)
        self._args = [meaning.terms.get(x) if isinstance(x, Tensor) else None for x in (g, 0, *xs)]
        self._roots = {i: self._readings.of(f"x_{i}")[0] for i, x in own.items() if x in found}
        self._result = meaning.terms[out]
        self.leaves = {meaning.terms[x]: t.inputs[i] for i, x in own.items()}
        if op.entrywise and len(xs) == 1:
            self.leaves[self._result] = t

    def of_rule(self, i: int) -> Found:
        """What can be written wrong in the rule of an operand."""
        root = self._roots.get(i)
        if root is None or not all(self._gives(root, t, i) for t in self._some):
            return
        for edit, value in self._edits(root, _DEAREST):
            about = subterms(*(x for x in edit.values if isinstance(x, Term)))
            if self._args[0] not in about:
                yield edit[:3], value
            elif len(self._some) > 1:
                yield (edit.cost + _OF_G, "of_g", (edit[1:3], self._t)), value

    def of_result(self) -> Found:
        """What can be written wrong where the result is computed once more."""
        yield from ((edit[:3], value) for edit, value in self._edits(self._result, _USUAL))

    def _edits(self, root: Term, dearest: float) -> Iterator[tuple[Edit, Value]]:
        """Those that give as many times as much where g is."""
        t, g = self._t, _any(self._t.shape)
        args = t._array, *t._arrays
        for edit in (x for e in subterms(root)[::-1] for x in at(e, self._readings)):
            of_g = self._args[0] in edit.values and edit.kind != "other_block"
            of_slope = any(type(x) is Slope for x in edit.values)  # by its numbers at one pass
            is_number = type(edit.values[0]) in (int, float)
            if edit.cost > dearest or edit.free or of_g or of_slope or is_number:
                continue
            value = partial(self._value, root, edit.made)
            k = 1 if root is self._result else 2
            try:
                if same(value(2 * g, *args), k * value(g, *args), 1e-9, 1e-12):
                    yield edit, value
            except UNFIT:
                continue

    def _gives(self, root: Term, t: Tensor, i: int) -> bool:
        """Whether this is the rule of another pass, too."""
        args = _any(t.shape), t._array, *t._arrays
        rule: Any = next(itertools.islice(_op_of(t).vjps, i, None))
        try:
            right = fit(rule(*args, **t._params), t.inputs[i]._array, _op_of(t).name)
            return same(self._value(root, {}, *args), right, 1e-9, 1e-12)
        except UNFIT:  # a pass of other shapes
            return False

    def _value(self, root: Term, made: Made, *args: Array) -> Array:
        leaves = {e: x for e, x in zip(self._args, args, strict=True) if e is not None}
        return Formula(root, leaves, made).result


def _op_of(t: Tensor) -> Any:
    return t._op


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def _any(shape: tuple[int, ...]) -> Array:
    """Numbers that mean nothing."""
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
