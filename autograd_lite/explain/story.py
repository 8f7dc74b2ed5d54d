"""From a graph to the steps of its page: what is computed when, from what, by which formula.

A data model, free of HTML. Forward steps are those of a figure (`steps`), those of the backward
pass the chapter's (`derive`): δ of the last layer, its ∇W and ∇b, δ of the one before, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from .. import errors
from ..derive.chain import Path, Plan
from ..derive.formulas import refuse_changed
from ..engine.tensor import Array, Tensor
from ..lines import Line, line_of
from ..meaning.steps import shown_steps, with_symbols, written
from ..show.expression import Expression, applied, needed, nodes
from ..show.labels import is_bold
from ..show.steps import Step as Computation
from ..show.text import text
from ..table import OPS, Op
from .backward import Backward, Gradient, gradients
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
        tensor: what it computes, or computes the gradient of, or updates.
        key: of its result.
        name: what the result is called.
        value: the result's numbers; None for an update without a learning rate.
        shape: the result's shape.
        formulas: from the chain rule to the simplified result.
        operands: the arrays that it starts from.
        result: the recorded tensor that holds the result.
        region: the recorded tensors that compute it, the last of them, and no update.
        inputs: the recorded tensors that it is computed from, by key.
        gradient: of the backward pass.
        line: of the user's code.
        figure: the classes of what is current in the figure.
        path: the classes of the backward edges that were walked up to now.
        notes: what else is to be said: keys of `words`.
    """

    kind: str
    tensor: Tensor
    key: str
    name: str
    value: Array | None
    shape: tuple[int, ...]
    formulas: list[Formula]
    operands: list[Matrix]
    result: Tensor
    region: list[Tensor] = field(default_factory=list)
    inputs: Mapping[Tensor, str] = field(default_factory=dict)
    gradient: Gradient | None = None
    line: Line | None = None
    figure: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Story:
    """All steps, and what the page says once.

    Attributes:
        output: the last result.
        name: what it is called.
        steps: in order.
        numbers: of the shown tensors, from 1; key ``v3`` is the value of number 3, ``g3`` its
            gradient.
        names: of the shown tensors.
        keys: by symbol.
        bold: the symbols that are written bold.
        targets: what the backward pass leads to.
        trained: the leaves among them that the update changes.
        is_large: whether it is abridged.
        left_out: after how many steps, how many were left out.
        results: how many there are.
        backward: what the backward pass gave.
    """

    output: Tensor
    name: str
    steps: list[Step]
    numbers: dict[Tensor, int]
    names: dict[Tensor, str]
    keys: dict[str, str]
    bold: frozenset[str]
    targets: list[Tensor]
    trained: list[Tensor]
    is_large: bool
    left_out: tuple[int, int]
    results: int
    backward: Backward
    lr: float | None

    @property
    def whole(self) -> str:
        """What the gradients are of: the output, or the sum of its entries."""
        return self.name if self.output.size == 1 else f"Σ({self.name})"


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
    plan = Plan(output, None)
    leaves, found, meant = shown_steps(output, plan.targets)
    shown = leaves + [step.result for step in found]
    same: dict[object, int] = {}  # an array that was given twice has one number
    numbers = {t: same.setdefault(_identity(t), len(same) + 1) for t in shown}
    back = gradients(plan, found, meant.keys(), numbers)
    names = _names(numbers, plan.names, back.leaves)
    whole = names[output]
    keys = {names[t]: f"v{n}" for t, n in numbers.items()}
    keys |= {g.symbol: f"g{numbers[g.target]}" for g in back.gradients}
    bold = frozenset(names[t] for t in shown if is_bold(t))
    is_large = len(shown) > LARGE
    told = [
        _forward(step, output, names, numbers, back.leaves, meant.get(step.result))
        for step in found
        if not is_large or step.result.name is not None or step.result is output
    ]
    known: set[tuple[Op, str]] = set()
    for step in told:
        right = step.formulas[0].right
        assert right is not None
        step.formulas += [Formula("with", [x], what) for x, what in definitions(right, known)]
    told += _backward(plan, numbers, names, back)
    walked = told[-1].path
    steps = [
        g for g in back.gradients if g.target.is_leaf and (updated is None or g.target in updated)
    ]
    told += [_update(g, numbers, lr, walked) for g in steps]
    told, left_out = _abridged(told)
    return Story(
        output, whole, told, numbers, names, keys, bold, plan.targets,
        [g.target for g in steps], is_large, left_out, len(found), back, lr,
    )  # fmt: skip


def _identity(t: Tensor) -> object:
    is_data = t.is_leaf and not t._tracked and t.name is None
    return (t.shape, t.dtype, t._array.tobytes()) if is_data else t


def _names(
    numbers: Mapping[Tensor, int],
    known: Mapping[Tensor, str],
    leaves: Mapping[Tensor, Expression],
) -> dict[Tensor, str]:
    """What each shown tensor is called: by its name, or c₁, v₂, …; no two alike."""
    names: dict[Tensor, str] = {}
    taken = set(known.values())
    free = (other for i in count(1) if (other := f"v_{i}") not in taken)
    for tensor in numbers:
        name: str | None = known.get(tensor)
        if name is None and tensor in leaves and leaves[tensor].op is not None:
            name = text(leaves[tensor])  # what is 1 − y is called so
        elif name is None and tensor in leaves:
            name = leaves[tensor].name
        if name is None or name in (n for t, n in names.items() if numbers[t] != numbers[tensor]):
            name = next(free)
        names[tensor] = name
        taken.add(name)
    return names


def _forward(
    step: Computation,
    output: Tensor,
    names: Mapping[Tensor, str],
    numbers: Mapping[Tensor, int],
    leaves: Mapping[Tensor, Expression],
    meant: Expression | None,
) -> Step:
    result = step.result
    symbols = {
        str(i): leaves[x] if x in leaves and leaves[x].op is not None
        else Expression(x._array, names[x])
        for i, x in enumerate(step.inputs)
    }  # fmt: skip
    formula = with_symbols(meant or written(step), symbols)
    n, name = numbers[result], names[result]
    kind = "loss" if result is output and result.size == 1 else "forward"
    place = _places(formula)
    ordered = sorted(step.inputs, key=lambda x: place.get(names[x], len(place)))
    operands = {numbers[x]: Matrix(f"v{numbers[x]}", names[x], x._array) for x in ordered}
    edges = [f"e{numbers[x]}-{n}" for x in step.inputs]
    return Step(
        kind, result, f"v{n}", name, result._array, result.shape,
        [Formula("formula", [name], formula)], list(operands.values())[:MOST_OPERANDS],
        result, step.region, {x: f"v{numbers[x]}" for x in step.inputs},
        line=line_of(result), figure=[f"t{n}", f"f{n}", *edges, f"e{n}-{n}"],
    )  # fmt: skip


def _backward(
    plan: Plan,
    numbers: Mapping[Tensor, int],
    names: Mapping[Tensor, str],
    back: Backward,
) -> list[Step]:
    """The steps of the backward pass, each with the way to it in the figure."""
    arrays = {f"v{n}": t._array for t, n in numbers.items()}
    arrays |= {f"g{numbers[g.target]}": g.value for g in back.gradients}
    called = {f"v{n}": names[t] for t, n in numbers.items()}
    called |= {f"g{numbers[g.target]}": g.symbol for g in back.gradients}
    stops = {plan.output, *plan.targets}
    walked: dict[str, None] = {}
    known = {"q", *called.values(), *(name for x in back.remarks for name in x.symbols)}
    simple = {d.name for g in back.gradients for d in g.parts}  # which may mean something else
    rules: dict[str, Expression] = {}
    told = []
    for g in back.gradients:
        n = numbers[g.target]
        current = _way(g.target, back.onward, stops, numbers)
        walked |= dict.fromkeys(x for x in current if x.startswith("b"))
        rules |= {d.name: d.expression for d in g.definitions if d.name not in simple}
        left = list(dict.fromkeys([g.symbol, f"∂{names[plan.output]}/∂{plan.names[g.target]}"]))
        first = [Formula("chain", left, paths=plan.paths(g.target))]
        if g.factors is not None:
            name, factors = g.factors[0], g.factors[1:]
            both = f"∂{names[plan.output]}/∂{name}", f"∂{name}/∂{g.name}"
            if {x.name for e in factors for x in nodes(e)} <= known | {None}:
                first += [Formula("local", [x], e) for x, e in zip(both, factors, strict=True)]
        formulas, notes = _of_gradient(g, first, known, rules)
        inputs = _starts(g, formulas, called)
        told.append(
            Step(
                "backward", g.target, f"g{n}", g.symbol, g.value, g.target.shape,
                formulas, [
                    Matrix(key, called[key], arrays[key])
                    for key in [*dict.fromkeys(inputs.values())][:MOST_OPERANDS]
                ],
                g.cotangent, g.region, inputs, g,
                line=_line(g.target, back.onward), figure=current, path=list(walked),
                notes=notes,
            )
        )  # fmt: skip
    return told


def _places(*formulas: Expression | None) -> dict[str, int]:
    """The symbols of formulas in their order, by it."""
    names = (x.name for formula in formulas if formula is not None for x in nodes(formula))
    return {name: i for i, name in enumerate(dict.fromkeys(names)) if name is not None}


def _starts(
    g: Gradient, formulas: Sequence[Formula], called: Mapping[str, str]
) -> dict[Tensor, str]:
    """What a gradient is computed from, in its formula's order; what isn't in that only if need be.
    """
    place = _places(g.simple, g.given)
    names = {x.name for f in formulas if f.right is not None for x in nodes(f.right)}
    found = sorted(g.inputs.items(), key=lambda item: place.get(called[item[1]], len(place)))
    needed = {x: key for x, key in found if called[key] in names}
    is_all = names & {*called.values()} == {called[key] for key in needed.values()}
    return needed if is_all else dict(found)


def _line(tensor: Tensor, onward: Mapping[Tensor, list[Tensor]]) -> Line | None:
    """The line that a tensor was computed on, or a leaf is first used on."""
    if not tensor.is_leaf:
        return line_of(tensor)
    uses = onward.get(tensor, [])
    return line_of(uses[0]) if uses else None


def _way(
    target: Tensor,
    onward: Mapping[Tensor, list[Tensor]],
    stops: set[Tensor],
    numbers: Mapping[Tensor, int],
) -> list[str]:
    """The classes of the way to ``target`` from the steps before it."""
    found = {f"t{numbers[target]}": None}
    todo, seen = [target], {target}
    while todo:
        tensor = todo.pop()
        for source in onward.get(tensor, ()):
            found[f"b{numbers[source]}-{numbers[tensor]}"] = None
            if source not in seen and source not in stops:
                todo.append(source)
            seen.add(source)
    return list(found)


def _of_gradient(
    g: Gradient, first: list[Formula], known: Set[str], rules: Mapping[str, Expression]
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
    simple = {d.name: d.expression for d in g.parts}
    ways = [("result", g.simple, simple)]
    given = dict(needed(g.given, rules))
    sizes = [
        right.size + sum(part.size for part in parts.values())
        for right, parts in ((g.given, given), (g.simple, simple))
    ]
    names = {x.name for e in (g.given, *given.values()) for x in nodes(e)} - {None}
    is_long = bool(given) and (bool(simple) or sizes[0] > 2 * sizes[1])
    ordered, other = text(g.simple), text(g.given)
    is_turned = ordered != other and sorted(ordered) == sorted(other)
    if len(first) == 1 and not is_long and not is_turned and names <= known | given.keys():
        ways.insert(0, ("given", g.given, given))
    formulas = [*first]
    for kind, right, parts in ways:
        if len(parts) <= MOST_DEFINITIONS:
            formulas.append(Formula(kind, [g.symbol], right))
            formulas += [Formula("with", [name], part) for name, part in parts.items()]
    return formulas, [] if len(formulas) > 1 else ["too_long"]


def _update(
    g: Gradient, numbers: Mapping[Tensor, int], lr: float | None, walked: list[str]
) -> Step:
    """``w ← w − α ∇w``; of complex numbers the conjugate of the gradient leads uphill."""
    leaf, n, name = g.target, numbers[g.target], g.name
    w, gradient = Expression(leaf._array, name), Expression(g.value, g.symbol)
    rate = Expression(np.asarray(1.0 if lr is None else lr), "α")
    is_complex = leaf.dtype.kind == "c"
    uphill = applied(OPS["conj"], gradient) if is_complex else gradient
    change = applied(OPS["multiply"], rate, uphill)
    formula = applied(OPS["subtract"], w, change)
    value = None if lr is None else np.asarray(formula.value, leaf.dtype)
    known = [] if lr is None else [Formula("with", ["α"], Expression(np.asarray(lr)))]
    return Step(
        "update", leaf, f"u{n}", name, value, leaf.shape,
        [Formula("result", [name], formula, sign="←"), *known],
        [Matrix(f"v{n}", name, leaf._array), Matrix(f"g{n}", g.symbol, g.value)],
        leaf, figure=[f"t{n}"], path=walked,
    )  # fmt: skip


def _abridged(told: list[Step]) -> tuple[list[Step], tuple[int, int]]:
    """At most `MOST_STEPS`: those in the middle are left out."""
    if len(told) <= MOST_STEPS:
        return told, (0, 0)
    half = MOST_STEPS // 2
    return told[:half] + told[-half:], (half, len(told) - 2 * half)


__all__ = ["Formula", "Matrix", "Step", "Story", "tell"]
