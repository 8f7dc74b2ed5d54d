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
from ..graph import carriers, inner_first, reaching, walk
from ..show.expression import Expression, agree
from ..show.steps import Step
from ..unread import Unread

MOST_CONTRIBUTIONS = 6


class Use(NamedTuple):
    """A use of a tensor.

    Attributes:
        result: of the step that uses it.
        ends: the ops that do, by their results, each with the tensor's place among its inputs.
    """

    result: Tensor
    ends: list[tuple[Tensor, int]]


class Contribution:
    """What uses of a tensor ``x`` add to the gradient of a target, which is ``x`` or before it.

    Attributes:
        through: the result that it comes through; None for what several further uses add.
        array: of the gradient's shape.
        uses: what adds up to it.
    """

    def __init__(self, uses: Sequence[Use], x: Tensor, target: Tensor, taps: Taps) -> None:
        self.uses, self.x, self.target = uses, x, target
        self.through = uses[0].result if len(uses) == 1 else None
        self.array: Array = np.asarray(self.carried(taps))

    def carried(self, taps: Taps, record: bool = False) -> Any:
        """What it adds to the target's cotangent, given a pass with these taps."""
        found = reduce(add, (taps.parts[end] for use in self.uses for end in use.ends))
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


class Backward:
    """All gradients of a plan's output, or of the sum of its entries, in the chapter's order.

    Args:
        plan: what gets a gradient.
        steps: that the page shows.
        meant: the results of those that aren't shown as they were written.
        numbers: of the shown tensors.

    Attributes:
        gradients: from the output back.
        leaves: how leaves are written: by name, or what they are, such as ``1 − y``.
        onward: of each shown tensor, the shown results that its gradient comes from.
        remarks: what is to be said of the formulas.
    """

    def __init__(
        self, plan: Plan, steps: Sequence[Step], meant: Set[Tensor], numbers: Mapping[Tensor, int]
    ) -> None:
        formulas = derived.Formulas(plan)
        for g in formulas.gradients:
            formulas.spelled_out(g)
        self._plan, self.leaves, self.remarks = plan, formulas.leaves, formulas.remarks
        self.gradients = [Gradient(**vars(g)) for g in formulas.gradients]
        on = reaching(walk(plan.output), plan.targets)
        self.onward: dict[Tensor, list[Tensor]] = {}
        for step in steps:
            for x in arrows(step, on):
                self.onward.setdefault(x, []).append(step.result)
        _regions(self.gradients, numbers)
        ones, taps = np.ones(plan.output.shape, plan.output.dtype), Taps(numbers)
        tracked = {t for t in walk(plan.output) if t._tracked}
        with np.errstate(all="ignore"):
            self._cotangents = pulled({plan.output: ones}, tracked, layers=[taps.layer])
            self._uses = _uses(steps, meant, self._cotangents)
            for g in self.gradients:
                self._split(g, taps)
                self._factor(g)

    def _split(self, g: Gradient, taps: Taps) -> None:
        """What each use of the target adds, or of what lies between it and the step before it."""
        split, stops = g.target, {self._plan.output, *self._plan.targets}
        while len(uses := self._uses.get(split, [])) == 1:
            split = uses[0].result
            if split in stops:
                return
        if not uses:
            return
        g.uses = self._plan.names.get(split, g.name), len(uses)
        most = len(uses) if len(uses) <= MOST_CONTRIBUTIONS else MOST_CONTRIBUTIONS - 1
        parts = filter(None, [*([use] for use in uses[:most]), uses[most:]])
        g.contributions = [Contribution(part, split, g.target, taps) for part in parts]

    def _factor(self, g: Gradient) -> None:
        """``∂L/∂l`` and ``∂l/∂s``, where the gradient is their product, entry by entry."""
        given, only, names = g.given, self._uses.get(g.target, ()), self._plan.names
        if given is None or not given.is_called("multiply") or g.definitions or len(only) != 1:
            return
        result, (outer, inner) = only[0].result, given.inputs
        is_between = result in names and result not in {self._plan.output, *self._plan.targets}
        if (
            is_between
            and outer.shape == result.shape
            and agree(outer, self._cotangents[result])
        ):
            g.factors = names[result], outer, inner


def _regions(found: Sequence[Gradient], numbers: Mapping[Tensor, int]) -> None:
    """Between which recorded tensors each gradient is computed: from values, and from those before.
    """
    stops = {t: f"v{n}" for t, n in numbers.items()}
    for g in found:
        for tensor in inner_first(g.cotangent, lambda t: () if t in stops else t.inputs):
            if tensor in stops:
                g.inputs[tensor] = stops[tensor]
            elif not tensor.is_leaf:
                g.region.append(tensor)
        g.region.sort(key=lambda t: t._number)
        stops.setdefault(g.cotangent, f"g{numbers[g.target]}")


def _uses(
    steps: Sequence[Step], whole: Set[Tensor], cotangents: Mapping[Tensor, Array]
) -> dict[Tensor, list[Use]]:
    """By the tensors that the page shows: of steps that say what they mean, one for all."""
    found: dict[Tensor, list[Use]] = {}
    for step in steps:
        for t in step.region if step.result in cotangents else ():
            flowing = set(carriers(t)).intersection(step.inputs) if t in cotangents else ()
            for i, x in enumerate(t.inputs):
                if x not in flowing:
                    continue
                uses = found.setdefault(x, [])
                if step.result in whole and uses and uses[-1].result is step.result:
                    uses[-1].ends.append((t, i))
                else:
                    uses.append(Use(step.result, [(t, i)]))
    return found
