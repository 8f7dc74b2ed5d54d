"""From a recorded backward pass to a `Derivation`, each formula of it tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import errors
from ..engine.backward import pull
from ..engine.modes import trace
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..meaning.read import Meaning
from ..meaning.terms import ONE, Term, leaf, number, shaped, subterms
from ..meaning.write import Writer
from ..show.expression import Expression, agree
from ..show.notation import number as number_text
from ..show.notation import symbol_of
from .build import Builder
from .chain import Plan
from .derivation import Derivation, Step, rows_of_batch


class DerivationError(ArithmeticError):
    """A formula that is not worth what the gradient is: it is not shown."""


def derived(output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None) -> Derivation:
    """What `derive` gives."""
    if not output._tracked:
        raise errors.nothing_requires_grad(output, "derive")
    if output.size != 1:
        raise ValueError(
            f"derive: {errors.describe(output)} has {output.size} elements, and a gradient is that "
            "of one number; reduce it first: t.sum()"
        )
    refuse_changed(output)
    plan = Plan(output, _asked(output, wrt))
    gradients = pull({output: np.ones(output.shape, output.dtype)}, set(plan.targets))
    seed = Tensor(np.ones(output.shape, output.dtype))
    with trace():
        cotangents = pull({output: seed}, set(plan.targets), record=True)
    try:
        return _derivation(plan, seed, gradients, cotangents, _GUARD)
    except DerivationError:
        return _derivation(plan, seed, gradients, cotangents, 0.0)


_UNWORTHY = (
    "derive: the formula for {} is not worth the gradient here, so it is not shown; "
    "does an op's vjp change its arguments, or depend on more than them?"
)
_GUARD = 1e-6  # what is added within a logarithm, up to this, keeps it finite, and means nothing


def _derivation(
    plan: Plan,
    seed: Tensor,
    gradients: dict[Tensor, Array],
    cotangents: dict[Tensor, Tensor],
    guard: float,
) -> Derivation:
    output = plan.output
    tensors = walk(output)
    rows = rows_of_batch([t.shape for t in plan.names if not t.is_leaf])
    leaves = [t for t in tensors if t.is_leaf]
    builder = Builder(seed, plan.names, leaves, rows, not guard)
    with trace():
        reading = Reading(plan, rows, guard)
    whole = plan.names[output]
    steps = []
    for target in plan.targets:
        name = plan.names[target]
        symbol = symbol_of(name, target.is_leaf, whole)
        value = np.asarray(gradients[target])
        given, definitions = builder.expression(cotangents[target])
        simple, parts = reading.step(target, symbol, value)
        if not agree(simple, value, bool(reading.meaning.guarded)):
            if guard or not agree(given, value):
                raise DerivationError(_UNWORTHY.format(symbol))
            simple, parts = given, [(d.name, d.expression) for d in definitions]
        steps.append(
            Step(symbol, name, value, whole, plan.paths(target), given, simple, definitions, parts)
        )
        builder.name(cotangents[target], symbol)
    return Derivation(steps, *_forward(builder, reading, plan, tensors, rows))


class Reading:
    """What the gradients of a plan's targets are, by `Meaning`, one after the other."""

    def __init__(self, plan: Plan, rows: int | None, guard: float) -> None:
        self.meaning = meaning = Meaning(plan.output, guard=guard)
        seed = Tensor(np.ones(meaning.output.shape, meaning.output.dtype))
        meaning.terms[seed] = shaped(ONE, seed.shape)
        targets = {meaning.tensors[t] for t in plan.targets}
        self._cotangents = pull({meaning.output: seed}, targets, record=True)
        self._known: dict[Tensor, Term] = {}
        names = {meaning.terms[t]: name for t, name in plan.names.items() if t is not plan.output}
        self.writer = Writer(names, rows, plan.names.values())

    def step(
        self, target: Tensor, symbol: str, value: Array
    ) -> tuple[Expression, list[tuple[str, Expression]]]:
        """The gradient by those before it, or by ones further back where that is shorter."""
        g = self._cotangents.get(self.meaning.tensors[target])
        if g is None:
            return self.writer.expression(shaped(number(0.0), value.shape))
        found = self.meaning.read(g, self._known)
        used = set(subterms(found, 12, 400))
        further = {t: e for t, e in self._known.items() if e not in used}
        if len(further) < len(self._known):
            other = self.meaning.read(g, further)
            found = other if other.size < found.size else found
        if g not in self._known:
            e = self._known[g] = leaf((id(self), symbol), value.shape, "gradient", symbol, value)
            self.writer.names.setdefault(e, symbol)
        return self.writer.expression(shaped(found, value.shape))


def _forward(
    builder: Builder, reading: Reading, plan: Plan, tensors: list[Tensor], rows: int | None
) -> tuple[list[tuple[str, Expression]], list[tuple[str, Array]], list[str]]:
    """How the named results are computed, what was given, and what is to be said of that."""
    lines = []
    for t in tensors:
        if not t.is_leaf and t in plan.names and t is not plan.output:
            lines.append((plan.names[t], builder.definition(t)))
    given = builder.given(tensors) + list(reading.writer.given.items())
    remarks = []
    if rows and (builder.wrote_q or reading.writer.wrote_q):
        remarks.append(f"q = {rows}, the rows of the batch")
        given.append(("q", np.asarray(rows)))
    if reading.writer.given:
        shown = (f"{name} = {_array(x)}" for name, x in reading.writer.given.items())
        remarks.append("Given: " + ", ".join(shown))
    if reading.meaning.guarded:
        small = ", ".join(map(number_text, sorted(reading.meaning.guarded)))
        remarks.append(f"Left out: {small} within a logarithm, so that this is nearly the gradient")
    return lines, given, remarks


def _array(x: Array) -> str:
    shown = np.array2string(x, precision=4, threshold=12, edgeitems=2, separator=" ")
    return " ".join(shown.split())


def refuse_changed(output: Tensor, function: str = "derive") -> None:
    """Raise where a leaf was given other data since: its symbol would stand for both."""
    for t in walk(output):
        if t._op is not None:
            for x, array in zip(t.inputs, t._arrays, strict=True):
                if x._array is not array and not np.array_equal(x._array, array, equal_nan=True):
                    raise ValueError(
                        f"{function}: the data of {errors.describe(x)} were changed since the "
                        "output was computed; compute it again"
                    )


def _asked(
    output: Tensor, wrt: Sequence[Tensor | str] | Tensor | str | None
) -> list[Tensor] | None:
    if wrt is None:
        return None
    known = {t.name: t for t in walk(output) if t._tracked and t.name is not None}
    chosen = []
    for x in [wrt] if isinstance(wrt, (str, Tensor)) else wrt:
        if isinstance(x, str) and x not in known:
            raise KeyError(
                f"derive: no tensor with a gradient is called {x!r}; there are {', '.join(known)}"
            )
        chosen.append(known[x] if isinstance(x, str) else x)
    return chosen
