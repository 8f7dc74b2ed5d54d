"""The backward pass of a page: each gradient with its formula, and what each use contributes."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from ..derive import formulas as derived
from ..derive.chain import Plan
from ..draw.paths import arrows
from ..engine.backward import fit, pull
from ..engine.tensor import Array, Tensor
from ..gradients import pulled
from ..graph import carriers, reaching, walk
from ..show.expression import Expression, agree
from ..show.steps import Step
from ..unread import Unread

MOST_CONTRIBUTIONS = 6


@dataclass(frozen=True)
class Contribution:
    """What one use of a tensor adds to a gradient.

    Attributes:
        through: the result that it comes through; None for what several further uses add.
        array: of the gradient's shape.
        flows: what adds up to it, each the way back from a use.
    """

    through: Tensor | None
    array: Array
    flows: Sequence[Flow]


class Use(NamedTuple):
    """A use of a tensor.

    Attributes:
        result: of the step that uses it.
        ends: the ops that do, by their results, each with the tensor's place among its inputs.
    """

    result: Tensor
    ends: list[tuple[Tensor, int]]


class Flow(NamedTuple):
    """The way back from a use of ``x`` to a target before it."""

    use: Use
    x: Tensor
    target: Tensor

    def carried(self, taps: Taps, record: bool = False) -> Any:
        """What it adds to the target's cotangent, given a pass with these taps."""
        found = reduce(add, (taps.parts[end] for end in self.use.ends))
        if self.x is self.target:
            return found
        layers = [Unread([self.x], record).layer]
        return pull({self.x: found}, {self.target}, record, layers)[self.target]


class Taps:
    """A layer of a backward pass that keeps what each use of some tensors adds to their cotangents.

    Attributes:
        parts: by the result of the op that uses one, and its place among the inputs.
    """

    def __init__(self, tensors: Container[Tensor]) -> None:
        self._tensors = tensors
        self.parts: dict[tuple[Tensor, int], Any] = {}

    def layer(self, tensor: Tensor, g: Any, vjps: Any) -> Any:
        return [
            partial(self._kept, vjp, tensor, i)
            if vjp is not None and x in self._tensors else vjp
            for i, (x, vjp) in enumerate(zip(tensor.inputs, vjps, strict=False))
        ]  # fmt: skip

    def _kept(self, vjp: Any, tensor: Tensor, i: int, *args: Any, **params: Any) -> Any:
        part = vjp(*args, **params)
        assert tensor.op is not None
        self.parts[tensor, i] = fit(part, tensor.inputs[i]._array, tensor.op.name)
        return part


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
    on = reaching(walk(plan.output), plan.targets)
    onward: dict[Tensor, list[Tensor]] = {}
    for step in steps:
        for x in arrows(step, on):
            onward.setdefault(x, []).append(step.result)
    _regions(found, numbers)
    if found:
        ones, taps = np.ones(plan.output.shape, plan.output.dtype), Taps(numbers)
        tracked = {t for t in walk(plan.output) if t._tracked}
        with np.errstate(all="ignore"):
            cotangents = pulled({plan.output: ones}, tracked, layers=[taps.layer])
            uses = _uses(steps, meant, cotangents)
            for g in found:
                _contributions(g, plan, uses, taps)
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
    g: Gradient, plan: Plan, uses: Mapping[Tensor, Sequence[Use]], taps: Taps
) -> None:
    """What each use of the target adds, or of what lies between it and the step before it."""
    split, stops = g.target, {plan.output, *plan.targets}
    while len(uses.get(split, ())) == 1:
        split = uses[split][0].result
        if split in stops:
            return
    flows = [Flow(use, split, g.target) for use in uses.get(split, ())]
    if len(flows) < 2:
        return
    g.uses = plan.names.get(split, g.name), len(flows)
    most = len(flows) if len(flows) <= MOST_CONTRIBUTIONS else MOST_CONTRIBUTIONS - 1
    for some in filter(None, [*([flow] for flow in flows[:most]), flows[most:]]):
        array = reduce(add, (flow.carried(taps) for flow in some))
        through = some[0].use.result if len(some) == 1 else None
        g.contributions.append(Contribution(through, np.asarray(array), some))


def _factors(
    g: Gradient, plan: Plan, uses: Mapping[Tensor, Sequence[Use]], cotangents: dict[Tensor, Array]
) -> None:
    """``∂L/∂l`` and ``∂l/∂s``, where the gradient is written as their product, entry by entry."""
    given, only = g.given, uses.get(g.target, ())
    if given is None or not given.is_called("multiply") or g.definitions or len(only) != 1:
        return
    result, (outer, inner) = only[0].result, given.inputs
    is_between = result in plan.names and result not in {plan.output, *plan.targets}
    if is_between and outer.shape == result.shape and agree(outer, cotangents[result]):
        g.factors = plan.names[result], outer, inner


def _uses(
    steps: Sequence[Step], whole: Set[Tensor], cotangents: Mapping[Tensor, Array]
) -> dict[Tensor, list[Use]]:
    """By the tensors that the page shows: of steps that say what they mean, one for all."""
    found: dict[Tensor, list[Use]] = {}
    for step in steps:
        shown, ends = set(step.inputs), []
        for t in step.region if step.result in cotangents else ():
            flowing = set(carriers(t)) & shown if t in cotangents else ()
            ends += [(x, (t, i)) for i, x in enumerate(t.inputs) if x in flowing]
        if step.result in whole:
            for x in dict.fromkeys(x for x, _ in ends):
                all_ends = [end for y, end in ends if y is x]
                found.setdefault(x, []).append(Use(step.result, all_ends))
        else:
            for x, end in ends:
                found.setdefault(x, []).append(Use(step.result, [end]))
    return found
