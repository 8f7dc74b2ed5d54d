"""The backward pass of a page: each gradient with its formula, and what each use contributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..derive import formulas as derived
from ..derive.chain import Plan
from ..draw.paths import arrows, carriers, on_paths
from ..engine.backward import pull
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show.expression import Expression, agree
from ..show.steps import Step

MOST_CONTRIBUTIONS = 6


@dataclass(frozen=True)
class Contribution:
    """What one use of a tensor adds to a gradient.

    Attributes:
        name: of the result that it comes through; empty for what several further uses add.
        count: how many uses it is.
        array: of the gradient's shape.
    """

    name: str
    count: int
    array: Array


@dataclass
class Gradient(derived.Gradient):
    """A gradient on a page.

    Attributes:
        region: the recorded tensors between the operands and it.
        inputs: the recorded tensors that it is computed from, by key.
        contributions: of each use, if there are several.
        uses: the name of what is used more than once, and how often.
        factors: where a named result is all that the target goes into: its name, the output's
            gradient with respect to it, and its own derivative, of which the formula is the
            product.
    """

    region: list[Tensor] = field(default_factory=list)
    inputs: dict[Tensor, str] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    uses: tuple[str, int] = ("", 0)
    factors: tuple[str, Expression, Expression] | None = None

    @property
    def operands(self) -> list[str]:
        return list(dict.fromkeys(self.inputs.values()))


@dataclass
class Backward:
    """All gradients in the chapter's order.

    Attributes:
        gradients: from the output back.
        leaves: how leaves are written: by name, or what they are, such as ``1 − y``.
        onward: of each shown tensor, the shown results that its gradient comes from.
        remarks: what is to be said of the formulas.
    """

    gradients: list[Gradient]
    leaves: dict[Tensor, Expression]
    onward: dict[Tensor, list[Tensor]]
    remarks: list[derived.Remark]


def gradients(
    plan: Plan, steps: Sequence[Step], meant: Set[Tensor], numbers: Mapping[Tensor, int]
) -> Backward:
    """The gradients of a plan's output, or of the sum of its entries.

    Args:
        plan: what gets a gradient.
        steps: that the page shows.
        meant: the results of those that aren't shown as they were written.
        numbers: of the shown tensors.
    """
    formulas = derived.Formulas(plan)
    for g in formulas.gradients:
        formulas.spelled_out(g)
    found = [Gradient(**vars(g)) for g in formulas.gradients]
    on = on_paths(plan.output, plan.targets)
    onward: dict[Tensor, list[Tensor]] = {}
    for step in steps:
        for x in arrows(step, on):
            onward.setdefault(x, []).append(step.result)
    _regions(found, numbers)
    if found:
        ones, results = np.ones(plan.output.shape, plan.output.dtype), walk(plan.output)
        with np.errstate(all="ignore"):
            cotangents = pull({plan.output: ones}, {t for t in results if t._op is not None})
            uses = _uses(steps, meant, cotangents)
            for g in found:
                _contributions(g, plan, uses, cotangents)
                _factors(g, plan, uses, cotangents)
    return Backward(found, formulas.leaves, onward, formulas.remarks)


def _regions(found: Sequence[Gradient], numbers: Mapping[Tensor, int]) -> None:
    """Between which recorded tensors each gradient is computed: from values, and from those before.
    """
    stops = {t: f"v{n}" for t, n in numbers.items()}
    for g in found:
        stack, seen = [g.cotangent], {g.cotangent}
        while stack:
            tensor = stack.pop()
            if tensor in stops:
                g.inputs[tensor] = stops[tensor]
            elif not tensor.is_leaf:
                g.region.append(tensor)
                stack += [x for x in tensor.inputs if x not in seen]
                seen.update(tensor.inputs)
        g.region.sort(key=lambda t: t._number)
        stops.setdefault(g.cotangent, f"g{numbers[g.target]}")


def _contributions(
    g: Gradient, plan: Plan, uses: Mapping[Tensor, Sequence[_Use]], cotangents: dict[Tensor, Array]
) -> None:
    """What each use of the target adds, or of what lies between it and the step before it."""
    split, stops = g.target, {plan.output, *plan.targets}
    while len(uses.get(split, ())) == 1:
        split = uses[split][0].result
        if split in stops:
            return
    parts = [
        Contribution(_through(use.result, plan, uses), 1, _part(use, split, g.target, cotangents))
        for use in uses.get(split, ())
    ]
    if len(parts) < 2:
        return
    g.uses = plan.names.get(split, g.name), len(parts)
    most = len(parts) if len(parts) <= MOST_CONTRIBUTIONS else MOST_CONTRIBUTIONS - 1
    g.contributions = parts[:most]
    if parts[most:]:
        rest = sum(part.array for part in parts[most:])
        g.contributions.append(Contribution("", len(parts) - most, np.asarray(rest)))


def _factors(
    g: Gradient, plan: Plan, uses: Mapping[Tensor, Sequence[_Use]], cotangents: dict[Tensor, Array]
) -> None:
    """``∂L/∂l`` and ``∂l/∂s``, where the gradient is written as their product, entry by entry."""
    given, only = g.given, uses.get(g.target, ())
    if given is None or not given.is_called("multiply") or g.definitions or len(only) != 1:
        return
    result, (outer, inner) = only[0].result, given.inputs
    is_between = result in plan.names and result not in {plan.output, *plan.targets}
    if is_between and outer.shape == result.shape and agree(outer, cotangents[result]):
        g.factors = plan.names[result], outer, inner


class _Use(NamedTuple):
    """A use of a tensor.

    Attributes:
        result: of the step that uses it.
        ends: where the way back from the result comes to it: the ops, each with the place of the
            tensor among its inputs, or None for all.
    """

    result: Tensor
    ends: tuple[Tensor, int] | Set[Tensor]


def _uses(
    steps: Sequence[Step], whole: Set[Tensor], cotangents: Mapping[Tensor, Array]
) -> dict[Tensor, list[_Use]]:
    """By the tensors that the page shows: of steps that say what they mean, one for all."""
    found: dict[Tensor, list[_Use]] = {}
    for step in steps:
        if step.result not in cotangents:
            continue
        if step.result in whole:
            for x in step.inputs:
                found.setdefault(x, []).append(_Use(step.result, set(step.region)))
            continue
        shown = set(step.inputs)
        for t in step.region:
            flowing = set(carriers(t)) & shown if t in cotangents else ()
            for i, x in enumerate(t.inputs):
                if x in flowing:
                    found.setdefault(x, []).append(_Use(step.result, (t, i)))
    return found


def _part(use: _Use, x: Tensor, target: Tensor, cotangents: dict[Tensor, Array]) -> Array:
    """What a use of ``x`` adds to the gradient of a target before it."""

    def stopped(tensor: Tensor, g: Array, vjps: Any) -> Any:
        if isinstance(use.ends, Set):
            return vjps if tensor in use.ends else ()
        t, place = use.ends
        rules = enumerate(islice(vjps, place + 1)) if tensor is t else ()
        return [vjp if i == place else None for i, vjp in rules]

    start = use.result if isinstance(use.ends, Set) else use.ends[0]
    found = pull({start: cotangents[start]}, {x}, layers=[stopped])[x]
    return np.asarray(found if x is target else pull({x: found}, {target})[target])


def _through(tensor: Tensor, plan: Plan, uses: Mapping[Tensor, Sequence[_Use]]) -> str:
    """The named result that a use goes into."""
    while tensor not in plan.names:
        tensor = uses[tensor][0].result
    return plan.names[tensor]
