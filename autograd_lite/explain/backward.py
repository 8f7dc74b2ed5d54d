"""The backward pass of a page: each gradient with its formula, and what each use contributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..derive import formulas as derived
from ..derive.chain import Plan
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show.expression import Expression
from .recorded import Recorded, add_up, fitted, replay

MOST_CONTRIBUTIONS = 6
_MOST_RECORDED = 2000  # ops of a graph whose uses are looked at one by one


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
    """

    region: list[Tensor] = field(default_factory=list)
    inputs: dict[Tensor, str] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    uses: tuple[str, int] = ("", 0)

    @property
    def operands(self) -> list[str]:
        return list(dict.fromkeys(self.inputs.values()))


@dataclass
class Backward:
    """All gradients in the chapter's order.

    Attributes:
        gradients: from the output back.
        leaves: how leaves are written: by name, or what they are, such as ``1 − y``.
        rows: the q of the formulas.
        graph: the recorded graph as the checks read it; None where it is too large for them.
        cotangents: of all tensors, in float64; empty where there is no such graph.
    """

    gradients: list[Gradient]
    leaves: dict[Tensor, Expression]
    rows: int | None = None
    graph: Recorded | None = None
    cotangents: dict[Tensor, Array] = field(default_factory=dict)


def gradients(plan: Plan, numbers: Mapping[Tensor, int]) -> Backward:
    """The gradients of a plan's output, or of the sum of its entries."""
    formulas = derived.Formulas(plan)
    tensors = walk(plan.output)
    found = [Gradient(**vars(g)) for g in formulas.gradients]
    back = Backward(found, formulas.leaves, formulas.rows)
    _regions(found, numbers)
    if found and len(tensors) <= _MOST_RECORDED and _is_real(tensors):
        back.graph = Recorded.of(plan.output)
        with np.errstate(all="ignore"):
            back.cotangents = replay(back.graph, {})
            for g in found:
                _contributions(g, plan, back)
    return back


def _is_real(tensors: Sequence[Tensor]) -> bool:
    return all(t.dtype.kind in "biuf" for t in tensors)


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


def _contributions(g: Gradient, plan: Plan, back: Backward) -> None:
    """What each use of the target adds, or of what lies between it and the step before it."""
    graph, found = back.graph, back.cotangents
    assert graph is not None
    split = g.target
    stops = {plan.output, *plan.targets}
    while len(uses := [e for e in graph.uses.get(split, ()) if e.tensor in found]) == 1:
        split = uses[0].tensor
        if split in stops:
            return
    parts = []
    for edge in uses:
        step = graph.steps[edge.tensor]
        part = fitted(step, edge.i, step.pull(edge.i, found[edge.tensor]))
        if part is not None:
            parts.append((edge.tensor, part))
    if len(parts) < 2:
        return
    if split is not g.target:
        way = graph.way(g.target, {split: parts[0][1]})
        parts = [
            (tensor, replay(graph, {split: part}, way=way)[g.target]) for tensor, part in parts
        ]
    parts.reverse()  # as they were used
    g.uses = plan.names.get(split, g.name), len(parts)
    shown = parts if len(parts) <= MOST_CONTRIBUTIONS else parts[: MOST_CONTRIBUTIONS - 1]
    g.contributions = [
        Contribution(_through(tensor, plan, graph), 1, np.broadcast_to(part, g.target.shape))
        for tensor, part in shown
    ]
    rest = [part for _, part in parts[len(shown) :]]
    if rest:
        g.contributions.append(Contribution("", len(rest), add_up(rest)))


def _through(tensor: Tensor, plan: Plan, graph: Recorded) -> str:
    """The named result that a use goes into."""
    while tensor not in plan.names:
        tensor = graph.uses[tensor][0].tensor
    return plan.names[tensor]
