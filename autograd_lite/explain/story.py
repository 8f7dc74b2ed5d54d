"""From a graph to the steps of its page: what is computed when, from what, by which formula.

A data model, free of HTML. Forward steps are those of a figure (`steps`), those of the backward
pass the chapter's (`derive`): δ of the last layer, its ∇W and ∇b, δ of the one before, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from .. import errors
from ..derive.chain import Path, Plan
from ..derive.formulas import refuse_changed
from ..engine.tensor import Array, Tensor
from ..graph import inner_first
from ..lines import Line, line_of
from ..meaning.steps import shown_steps, with_symbols, written
from ..show import mathml
from ..show.expression import Expression, applied, needed, nodes
from ..show.labels import is_bold
from ..show.steps import Step as Computation
from ..show.text import text
from ..table import OPS, Op
from .backward import Backward, Gradient
from .definitions import definitions

LARGE = 60
"""How many shown tensors make a graph large: then only the named ones are steps."""

MOST_STEPS = 240
MOST_OPERANDS = 12
MOST_DEFINITIONS = 8


@dataclass(frozen=True)
class Matrix:
    """An array on the page: its key, what it is called, and its numbers."""

    key: str
    name: str
    array: Array


@dataclass(frozen=True)
class Formula:
    """What a step's symbol is equal to.

    Attributes:
        kind: ``chain``, ``local``, ``given``, ``result``, ``with`` or ``formula``.
        left: what stands on the left: symbols, or an op applied to some.
        right: the expression; None for the chain rule.
        paths: for the chain rule.
        sign: ``=``, or ``←`` for an update.
    """

    kind: str
    left: Sequence[str | Expression]
    right: Expression | None = None
    paths: Sequence[Path] = ()
    sign: str = "="


@dataclass
class Step:
    """One step of the page.

    Attributes:
        kind: ``forward``, ``loss``, ``backward`` or ``update``.
        tensor: what it computes, or computes the gradient of, or updates; of the result's shape.
        key: of its result.
        name: what the result is called.
        value: the result's numbers; None for an update without a learning rate.
        formulas: from the chain rule to the simplified result.
        operands: the arrays that it starts from.
        region: the recorded tensors that compute it, the last of them, and no update.
        inputs: the recorded tensors that it is computed from, by key.
        gradient: of the backward pass.
        line: of the user's code.
        figure: the classes of what is current in the figure; the backward edges of the steps up to
            now are those that were walked.
        notes: what else is to be said: keys of `words`.
    """

    kind: str
    tensor: Tensor
    key: str
    name: str
    value: Any
    formulas: list[Formula]
    operands: list[Matrix]
    region: list[Tensor] = field(default_factory=list)
    inputs: Mapping[Tensor, str] = field(default_factory=dict)
    gradient: Any = None
    line: Line | None = None
    figure: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape


def tell(
    output: Tensor, lr: float | None = None, updated: Collection[Tensor] | None = None
) -> Story:
    """The story of a graph.

    Raises:
        TypeError: ``output`` is no Tensor, or holds complex numbers.
        ValueError: nothing was recorded, or a leaf was given other data since.
    """
    if not isinstance(output, Tensor):
        raise TypeError(
            f"explain: a Tensor is explained, mostly a loss, and not {type(output).__name__}"
        )
    if output.is_leaf:
        raise ValueError(
            f"explain: nothing was recorded for {errors.describe(output)}: compute it from a "
            "Tensor with requires_grad=True, outside of ag.no_grad(), and explain the result"
        )
    if output.dtype.kind == "c":
        raise errors.complex_output(output, "explain")
    refuse_changed(output, "explain")
    return Story(output, lr, updated)


class Story:
    """All steps, and what the page says once.

    Args:
        output: the last result.
        lr: the learning rate, if that is known.
        updated: the leaves that the update may change; by default all.

    Attributes:
        name: what the output is called.
        steps: in order.
        numbers: of the shown tensors, from 1; key ``v3`` is the value of number 3, ``g3`` its
            gradient.
        symbols: how the shown tensors are written.
        names: the same as text.
        keys: by symbol.
        looks: what symbols are written as, where that isn't just the name: in bold, or as an
            expression.
        targets: what the backward pass leads to.
        trained: the leaves among them that the update changes.
        is_large: whether it is abridged.
        left_out: after how many steps, how many were left out.
        results: how many there are.
        backward: what the backward pass gave.
    """

    def __init__(
        self, output: Tensor, lr: float | None, updated: Collection[Tensor] | None
    ) -> None:
        self.output, self.lr = output, lr
        self._plan = Plan(output, None)
        self.targets = self._plan.targets
        leaves, found, meant = shown_steps(output, self.targets)
        shown = leaves + [step.result for step in found]
        same: dict[object, int] = {}  # an array that was given twice has one number
        self.numbers = {t: same.setdefault(_identity(t), len(same) + 1) for t in shown}
        self.backward = Backward(self._plan, found, meant.keys(), self.numbers)
        self.symbols = self._symbols()
        self.names = {t: text(e) for t, e in self.symbols.items()}
        self.name = self.names[output]
        parts = [self.symbols[t] for t in shown]
        own = [x for e in parts if e.op is not None for x in nodes(e)]
        bold = {x.name for x in own if is_bold(x)} | {self.names[t] for t in shown if is_bold(t)}
        looks = {name: mathml.bold(name) for name in bold if name is not None}
        self.looks = looks | {
            text(e): mathml.expression(e, {}, looks) for e in parts if e.op is not None
        }
        self.is_large, self.results = len(shown) > LARGE, len(found)
        arrays = [Matrix(f"v{n}", self.names[t], t._array) for t, n in self.numbers.items()]
        gradients = self.backward.gradients
        arrays += [Matrix(f"g{self.numbers[g.target]}", g.symbol, g.value) for g in gradients]
        self.keys = {m.name: m.key for m in arrays}
        self._matrices = {m.key: m for m in arrays}
        self._defined: set[tuple[Op, str]] = set()
        told = [
            self._forward(step, meant.get(step.result))
            for step in found
            if not self.is_large or step.result.name is not None or step.result is output
        ]
        told += self._backward()
        leaders = [
            g for g in gradients if g.target.is_leaf and (updated is None or g.target in updated)
        ]
        self.trained = [g.target for g in leaders]
        told += map(self._update, leaders)
        self.steps, self.left_out = _abridged(told)

    @property
    def whole(self) -> str:
        """What the gradients are of: the output, or the sum of its entries."""
        return self.name if self.output.size == 1 else f"Σ({self.name})"

    def _symbols(self) -> dict[Tensor, Expression]:
        """How each shown tensor is written: its name, or c₁, v₂, …, or ``1 − y``; no two alike."""
        numbers, known, leaves = self.numbers, self._plan.names, self.backward.leaves
        symbols: dict[Tensor, Expression] = {}
        owner: dict[str, int] = {}
        free = (other for i in count(1) if (other := f"v_{i}") not in {*known.values(), *owner})
        for tensor in numbers:
            found = leaves.get(tensor)
            if tensor in known or found is None:
                found = Expression(tensor._array, known.get(tensor))
            name = found.name if found.op is None else text(found)
            if not name or owner.get(name) not in (None, numbers[tensor]):
                name = next(free)
                found = Expression(tensor._array, name)
            owner[name] = numbers[tensor]
            symbols[tensor] = found
        return symbols

    def _operands(self, keys: Iterable[str]) -> list[Matrix]:
        return [self._matrices[key] for key in [*dict.fromkeys(keys)][:MOST_OPERANDS]]

    def _forward(self, step: Computation, meant: Expression | None) -> Step:
        result, names = step.result, self.names
        symbols = {str(i): self.symbols[x] for i, x in enumerate(step.inputs)}
        formula = with_symbols(meant or written(step), symbols)
        parts = definitions(formula, self._defined)
        n, place = self.numbers[result], _places(formula)
        inputs = {x: f"v{self.numbers[x]}" for x in step.inputs}
        ordered = sorted(step.inputs, key=lambda x: place.get(names[x], len(place)))
        edges = [f"e{self.numbers[x]}-{n}" for x in step.inputs]
        return Step(
            "loss" if result is self.output and result.size == 1 else "forward",
            result, f"v{n}", names[result], result._array,
            [
                Formula("formula", [names[result]], formula),
                *(Formula("with", [x], what) for x, what in parts),
            ],
            self._operands(inputs[x] for x in ordered), step.region, inputs,
            line=line_of(result), figure=[f"t{n}", f"f{n}", *edges, f"e{n}-{n}"],
        )  # fmt: skip

    def _backward(self) -> Iterator[Step]:
        """The steps of the backward pass, each with the way to it in the figure."""
        back, names = self.backward, self._plan.names
        known = {"q", *self.keys, *(name for x in back.remarks for name in x.symbols)}
        simple = {d.name for g in back.gradients for d in g.parts}  # which may mean something else
        rules: dict[str, Expression] = {}
        for g in back.gradients:
            n = self.numbers[g.target]
            rules |= {d.name: d.expression for d in g.definitions if d.name not in simple}
            left = list(dict.fromkeys([g.symbol, f"∂{self.name}/∂{names[g.target]}"]))
            first = [Formula("chain", left, paths=self._plan.paths(g.target))]
            if g.factors is not None:
                name, factors = g.factors[0], g.factors[1:]
                both = f"∂{self.name}/∂{name}", f"∂{name}/∂{g.name}"
                if {x.name for e in factors for x in nodes(e)} <= known | {None}:
                    first += [Formula("local", [x], e) for x, e in zip(both, factors, strict=True)]
            formulas, notes = _of_gradient(g, first, known, rules)
            inputs = self._starts(g, formulas)
            yield Step(
                "backward", g.target, f"g{n}", g.symbol, g.value, formulas,
                self._operands(inputs.values()), g.region, inputs, g,
                line=self._line(g.target), figure=self._way(g.target), notes=notes,
            )  # fmt: skip

    def _starts(self, g: Gradient, formulas: Sequence[Formula]) -> dict[Tensor, str]:
        """What a gradient is computed from, in its formula's order; what isn't in that only if
        need be.
        """
        called = {key: matrix.name for key, matrix in self._matrices.items()}
        place = _places(g.simple, g.given)
        names = {x.name for f in formulas if f.right is not None for x in nodes(f.right)}
        found = sorted(g.inputs.items(), key=lambda item: place.get(called[item[1]], len(place)))
        inputs = {x: key for x, key in found if called[key] in names}
        is_all = names & self.keys.keys() == {called[key] for key in inputs.values()}
        return inputs if is_all else dict(found)

    def _line(self, tensor: Tensor) -> Line | None:
        """The line that a tensor was computed on, or a leaf is first used on."""
        if not tensor.is_leaf:
            return line_of(tensor)
        uses = self.backward.onward.get(tensor, [])
        return line_of(uses[0]) if uses else None

    def _way(self, target: Tensor) -> list[str]:
        """The classes of the way to ``target`` from the steps before it."""
        numbers, stops = self.numbers, {self.output, *self.targets} - {target}

        def before(tensor: Tensor) -> Sequence[Tensor]:
            return () if tensor in stops else self.backward.onward.get(tensor, ())

        way = inner_first(target, before)
        edges = (f"b{numbers[source]}-{numbers[t]}" for t in way for source in before(t))
        return [f"t{numbers[target]}", *edges]

    def _update(self, g: Gradient) -> Step:
        """``w ← w − α ∇w``; of complex numbers the conjugate of the gradient leads uphill."""
        leaf, n, lr = g.target, self.numbers[g.target], self.lr
        w, gradient = Expression(leaf._array, g.name), Expression(g.value, g.symbol)
        rate = Expression(np.asarray(1.0 if lr is None else lr), "α")
        uphill = applied(OPS["conj"], gradient) if leaf.dtype.kind == "c" else gradient
        change = applied(OPS["multiply"], rate, uphill)
        formula = applied(OPS["subtract"], w, change)
        value = None if lr is None else np.asarray(formula.value, leaf.dtype)
        known = [] if lr is None else [Formula("with", ["α"], Expression(np.asarray(lr)))]
        return Step(
            "update", leaf, f"u{n}", g.name, value,
            [Formula("result", [g.name], formula, sign="←"), *known],
            self._operands([f"v{n}", f"g{n}"]), figure=[f"t{n}"],
        )  # fmt: skip


def _identity(t: Tensor) -> object:
    is_data = t.is_leaf and not t._tracked and t.name is None
    return (t.shape, t.dtype, t._array.tobytes()) if is_data else t


def _places(*formulas: Expression | None) -> dict[str, int]:
    """The symbols of formulas in their order, by it."""
    names = (x.name for formula in formulas if formula is not None for x in nodes(formula))
    return {name: i for i, name in enumerate(dict.fromkeys(names)) if name is not None}


def _of_gradient(
    g: Gradient, first: list[Formula], known: Set[str], rules: dict[str, Expression]
) -> tuple[list[Formula], list[str]]:
    """The formulas, and what is to be said of them: the rules' only where they can be read.

    Args:
        g: the gradient.
        first: the chain rule, and the factors in it that have a line of their own.
        known: the symbols that the page explains.
        rules: the parts of the rules' formulas up to this one.
    """
    if g.given is None or g.simple is None:
        return first[:1], ["no_formula"]
    ways = [("result", g.simple, g.parts)]
    given = needed(g.given, rules)
    sizes = [
        right.size + sum(part.size for _, part in parts)
        for right, parts in ((g.given, given), (g.simple, g.parts))
    ]
    names = {x.name for e in (g.given, *(part for _, part in given)) for x in nodes(e)} - {None}
    is_long = bool(given) and (bool(g.parts) or sizes[0] > 2 * sizes[1])
    ordered, other = text(g.simple), text(g.given)
    is_turned = ordered != other and sorted(ordered) == sorted(other)
    is_known = names <= known | {name for name, _ in given}
    if len(first) == 1 and not is_long and not is_turned and is_known:
        ways.insert(0, ("given", g.given, given))
    formulas = [*first]
    for kind, right, parts in ways:
        if len(parts) <= MOST_DEFINITIONS:
            formulas.append(Formula(kind, [g.symbol], right))
            formulas += [Formula("with", [name], part) for name, part in parts]
    return formulas, [] if len(formulas) > 1 else ["too_long"]


def _abridged(told: list[Step]) -> tuple[list[Step], tuple[int, int]]:
    """At most `MOST_STEPS`: those in the middle are left out."""
    if len(told) <= MOST_STEPS:
        return told, (0, 0)
    half = MOST_STEPS // 2
    return told[:half] + told[-half:], (half, len(told) - 2 * half)
