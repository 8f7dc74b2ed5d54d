"""The recorded graph as the checks read it: its steps, and the backward pass with a mistake in it.

`replay` is the engine's backward pass, by the same vjps, with two things added: some cotangents
may be given (then the pass goes on with those), and a `Mistake` may change what an edge or a
tensor gets. Without either it gives the gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import fit
from ..engine.tensor import Array, Tensor
from ..graph import named_tensors, walk
from ..table import Op
from ..unread import Unread


class Step(NamedTuple):
    """One op as it was applied: ``out = op(*arrays, **params)``, in float64 mostly.

    Its rules are the op's, or those that know which entries nothing reads.
    """

    tensor: Tensor
    op: Op
    inputs: tuple[Tensor, ...]
    arrays: tuple[Any, ...]
    params: dict[str, Any]
    out: Array
    rules: Sequence[Any] = ()

    @property
    def is_elementwise(self) -> bool:
        """Whether it is a function of one tensor that keeps its shape: an activation."""
        return len(self.inputs) == 1 and self.out.shape == np.shape(self.arrays[0])

    def pull(self, i: int, g: Array) -> Array | None:
        """What the op's own rule gives its i-th input; None where no gradient flows."""
        return self.pull_at(i, g, self.out, *self.arrays)

    def pull_at(self, i: int, g: Array, out: Array, *arrays: Any) -> Array | None:
        """The same rule at other values, before broadcasting is undone."""
        rules = [rule for rule, _ in zip(self.rules or self.op.vjps, self.inputs, strict=False)]
        if i >= len(rules) or rules[i] is None:
            return None
        found: Array = rules[i](g, out, *arrays, **self.params)
        return found


class Edge(NamedTuple):
    """The i-th input of the op that made ``tensor``."""

    tensor: Tensor
    i: int


@dataclass(frozen=True)
class Mistake:
    """A backward pass that differs from the right one at some edges and tensors.

    Attributes:
        text: what is wrong, in words.
        rank: how far-fetched it is; where several fit, the lowest is named.
        edges: what the input of an edge gets instead, from the cotangent of the op's result.
        tensors: what a tensor's cotangent is instead, from the contributions of its uses.
        aside: another reading of the same numbers that is worth being told.
    """

    text: str
    rank: int
    edges: Mapping[Edge, Callable[[Array, Step], Array]] = field(default_factory=dict)
    tensors: Mapping[Tensor, Callable[[Sequence[Array]], Array]] = field(default_factory=dict)
    aside: str = ""


    def after(self, other: Mistake) -> Mistake:
        """This one made besides another."""
        return replace(
            self, edges={**other.edges, **self.edges}, tensors={**other.tensors, **self.tensors}
        )


NO_MISTAKE = Mistake("", 0)
KINKED = ("relu", "leaky_relu", "absolute", "maximum", "minimum")
PRODUCTS = ("matmul", "linear")
_AS_RECORDED = ("checkpoint",)  # whose rule computes anew, and refuses numbers that differ at all


class Way(NamedTuple):
    """The steps that lead back to a tensor, newest first, and all tensors on the way."""

    target: Tensor
    steps: list[Tensor]
    tensors: set[Tensor]


class Recorded:
    """What ``loss`` was computed from.

    Attributes:
        loss: the output.
        steps: by their tensors, the newest first.
        uses: of each tensor, the edges that it is the input of, the newest first.
        values: of each tensor, as they were when the graph was recorded.
        named: by name.
    """

    def __init__(self, loss: Tensor, steps: Iterable[Step], named: dict[str, Tensor]) -> None:
        self.loss = loss
        self.named = named
        self.steps = {step.tensor: step for step in steps}
        self.uses: dict[Tensor, list[Edge]] = {}
        self.values: dict[Tensor, Array] = {loss: _wide(loss._array)}
        for tensor, step in self.steps.items():
            self.values[tensor] = step.out
            for i, (x, array) in enumerate(zip(step.inputs, step.arrays, strict=True)):
                self.uses.setdefault(x, []).append(Edge(tensor, i))
                self.values.setdefault(x, array)

    @classmethod
    def of(cls, loss: Tensor) -> Recorded:
        steps = []
        unread = Unread([loss])
        for tensor in reversed(walk(loss)):
            op: Any = tensor._op
            if op is not None:
                rules = unread.layer(tensor, None, op.vjps)
                step = Step(
                    tensor, op, tensor.inputs, tensor._arrays, tensor._params, tensor._array, rules
                )
                if op.name not in _AS_RECORDED:
                    wide = tuple(map(_wide, tensor._arrays))
                    step = step._replace(arrays=wide, out=_wide(tensor._array))
                steps.append(step)
        return cls(loss, steps, named_tensors(loss))

    @cached_property
    def eps(self) -> float:
        """The spacing of the coarsest dtype in the graph."""
        dtypes = {step.tensor.dtype for step in self.steps.values()} | {self.loss.dtype}
        return max((float(np.finfo(d).eps) for d in dtypes if d.kind == "f"), default=0.0)

    @property
    def batch_size(self) -> int | None:
        """The rows of every product of matrices; None where they aren't the same in all."""
        products = [s.out for s in self.steps.values() if s.op.name in PRODUCTS and s.out.ndim == 2]
        rows = {len(out) for out in products}
        return rows.pop() if len(rows) == 1 else None

    @property
    def has_kinks(self) -> bool:
        return any(step.op.name in KINKED for step in self.steps.values())

    def beside_kinks(self, side: int) -> Recorded:
        """The same with the inputs of relu and its like a little beside where they have a kink.

        What the derivative is there is a matter of choice: relu'(0) is 0, or 1.
        """

        def beside(step: Step) -> Step:
            if step.op.name not in KINKED:
                return step
            x, *others = step.arrays
            at_kink = np.equal(x, others[0] if others else 0)
            return step._replace(arrays=(np.where(at_kink, x + side * 1e-300, x), *others))

        return Recorded(self.loss, map(beside, self.steps.values()), self.named)

    def perturbed(self, rng: np.random.Generator, size: float) -> Recorded:
        """The same with every number off by a relative error of about ``size``."""

        def off(array: Any) -> Any:
            array = np.asarray(array)
            return array * (1 + size * rng.uniform(-1, 1, array.shape)) if array.size else array

        steps = [
            step
            if step.op.name in _AS_RECORDED
            else step._replace(
                arrays=tuple(a if a.dtype.kind != "f" else off(a) for a in step.arrays),
                out=off(step.out),
            )
            for step in self.steps.values()
        ]
        return Recorded(self.loss, steps, self.named)

    def order(self, tensor: Tensor) -> tuple[int, int]:
        """Sorts tensors in the order in which the backward pass has finished with them."""
        if tensor._op is not None:
            return -tensor._number, -1
        uses = self.uses.get(tensor)
        if uses is None:  # the loss itself, or what lies within a recognised activation
            return 1, 0
        oldest = uses[-1]
        return -oldest.tensor._number, oldest.i

    def way(self, target: Tensor, given: Mapping[Tensor, Any]) -> Way:
        """The way to ``target`` from the nearest ``given`` tensors, or the loss."""
        found: set[Tensor] = set()
        todo = [target]
        while todo:
            for edge in self.uses.get(todo.pop(), ()):
                if edge.tensor not in found:
                    found.add(edge.tensor)
                    if edge.tensor not in given:
                        todo.append(edge.tensor)
        newest_first = sorted(found, key=lambda tensor: -tensor._number)
        return Way(target, newest_first, {target, *found})


def replay(
    graph: Recorded,
    given: Mapping[Tensor, Array],
    mistake: Mistake = NO_MISTAKE,
    way: Way | None = None,
) -> dict[Tensor, Array]:
    """The cotangents of all tensors, as a backward pass with this mistake computes them.

    Args:
        graph: what to go back through.
        given: cotangents that the pass goes on with, whatever it found itself.
        mistake: what it does wrong.
        way: where to go back; by default everywhere.
    """
    parts: dict[Tensor, list[Array]] = {graph.loss: [np.ones(graph.loss.shape)]}
    found: dict[Tensor, Array] = {}

    def total(tensor: Tensor) -> Array | None:
        if tensor in parts:
            combine = mistake.tensors.get(tensor, add_up)
            found[tensor] = combine(parts.pop(tensor))
        return given.get(tensor, found.get(tensor))

    for tensor in graph.steps if way is None else way.steps:
        g = total(tensor)
        if g is None:
            continue
        step = graph.steps[tensor]
        for i, x in enumerate(step.inputs):
            if way is not None and x not in way.tensors:
                continue
            rule = mistake.edges.get(Edge(tensor, i))
            part = fitted(step, i, step.pull(i, g)) if rule is None else rule(g, step)
            if part is not None:
                parts.setdefault(x, []).append(part)
    for tensor in list(parts):
        total(tensor)
    return found


def add_up(parts: Sequence[Array]) -> Array:
    """The cotangent of a tensor: the sum of what each of its uses contributes."""
    first, *others = parts
    for part in others:
        first = first + part
    return first


def fitted(step: Step, i: int, g: Array | None) -> Array | None:
    """Broadcasting undone, as the engine does it.

    Where nothing was broadcast a mistaken cotangent keeps its shape, as it does for the learner.
    """
    if g is None or step.is_elementwise or (step.op.name in PRODUCTS and i < 2):
        return g
    like = np.broadcast_to(np.zeros((), np.asarray(g).dtype), np.shape(step.arrays[i]))
    fitting: Array = fit(np.asarray(g), like, step.op.name)
    return fitting


def _wide(array: Any) -> Any:
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind in "fiu" else array
