"""What plain NumPy code computes, recognised by its numbers: activations, and losses.

``1 / (1 + np.exp(-s))`` is recorded as four ops. A learner thinks of it as one, and makes mistakes
with the derivative of that one. So what has the values of an activation is taken for it, and a loss
whose derivative has the values of a known one is taken for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ..check.given import same
from ..engine.tensor import Array, Tensor
from ..table import OPS
from .recorded import Recorded, Step

ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus")
_MOST_OPS = 8  # that an activation is written with


def with_activations(graph: Recorded) -> Recorded:
    """The graph with a single step for what has the values of an activation."""
    steps = dict(graph.steps)
    for y in list(steps):
        if y in steps and (found := _activation(graph, steps, y)) is not None:
            step, inner = found
            steps[y] = step
            for tensor in inner:
                del steps[tensor]
    if len(steps) == len(graph.steps):
        return graph
    return Recorded(graph.loss, steps.values(), graph.named)


def _activation(
    graph: Recorded, steps: Mapping[Tensor, Step], y: Tensor
) -> tuple[Step, list[Tensor]] | None:
    """``y`` as an activation of one tensor, and what lies between; None if it isn't one."""
    if len(steps[y].inputs) == 1 and steps[y].op.name in ACTIVATIONS:
        return None
    inner: list[Tensor] = []
    frontier = {x for x in steps[y].inputs if x in steps}
    while frontier and len(inner) < _MOST_OPS:
        if len(frontier) == 1:
            (x,) = frontier
            value = graph.values[x]
            if inner and value.shape == steps[y].out.shape:
                for name in ACTIVATIONS:
                    op = OPS[name]
                    with np.errstate(all="ignore"):
                        fits = same(op.forward(value), steps[y].out, 4 * graph.eps, 0)
                    if fits:
                        return Step(y, op, (x,), (value,), {}, steps[y].out), inner
        newest = max(frontier, key=lambda tensor: tensor._number)
        used_within = {y, *inner}
        if newest.name is not None or any(
            edge.tensor not in used_within for edge in graph.uses[newest]
        ):
            return None
        frontier.remove(newest)
        inner.append(newest)
        frontier |= {x for x in steps[newest].inputs if x in steps}
    return None


class Loss(NamedTuple):
    """A loss of predictions ``p`` and targets ``y``, known by its derivative ``scale · slope``."""

    name: str
    p: Tensor
    y: Array
    y_name: str
    scale: float


def _sigmoid(z: Array) -> Array:
    return np.asarray(OPS["sigmoid"].forward(z))


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# ∂ℓ/∂p of the usual losses, which is what gets mixed up.
SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "½(y − p)²": lambda p, y: p - y,
    "(y − p)²": lambda p, y: 2 * (p - y),
    "binary cross-entropy": lambda p, y: (1 - y) / (1 - p) - y / p,
    "binary cross-entropy of logits": lambda p, y: _sigmoid(p) - y,
    "cross-entropy of logits": lambda p, y: _softmax(p) - y,
}


def loss_of(graph: Recorded, right: Mapping[Tensor, Array]) -> Loss | None:
    """The loss that the graph ends in, taken at the last tensor where that can be; or none."""
    leaves = [(x, v) for x, v in graph.values.items() if x not in graph.steps and np.ndim(v)]
    last = graph.steps.get(graph.loss)
    is_mean = last is not None and last.params.get("reduction", "mean") == "mean"
    for p, slope in sorted(right.items(), key=lambda found: graph.order(found[0])):
        if p is graph.loss or not np.ndim(graph.values[p]) or not slope.any():
            continue
        for leaf, y in leaves:
            if leaf is p or leaf.requires_grad or y.shape != slope.shape:
                continue
            scales = (1 / y.size, 1 / len(y), 1.0)
            for scale, name in product(scales if is_mean else scales[::-1], SLOPES):
                with np.errstate(all="ignore"):
                    candidate = SLOPES[name](graph.values[p], y)
                if same(scale * candidate, slope, 1e-9, 1e-15):
                    return Loss(name, p, y, leaf.name or "y", scale)
    return None
