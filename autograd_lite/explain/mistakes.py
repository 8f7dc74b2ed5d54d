"""The mistakes that are made in backpropagation by hand, each as a change of the backward pass.

Each family yields the mistakes that can be made at one place of a graph: at an edge, or at a
tensor; those made at the loss are in `loss_mistakes`. Nothing here decides whether one was made:
`causes` tries them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..engine.tensor import Array, Tensor
from ..show.notation import number
from ..table import OPS
from .recognised import ACTIVATIONS
from .recorded import PRODUCTS, Edge, Mistake, Recorded, Step, add_up, fitted
from .wording import formula, gradient, name, slope, slope_name

# How far-fetched the families are: of those that fit, the first here is named.
(
    LOSS, TRANSPOSED, SUMS, FACTOR, SIGMA, USES, ARGUMENT, OTHER_LOSS, EXCHANGED, ORDER,
    OTHER_SIGMA, UPDATED, RATIO,
) = range(13)  # fmt: skip


def at_edge(graph: Recorded, edge: Edge, right: Mapping[Tensor, Array]) -> Iterator[Mistake]:
    """The mistakes that can be made where a cotangent goes from a result to one input."""
    step = graph.steps[edge.tensor]
    if step.is_elementwise:
        yield from _of_slope(graph, edge, step)
    if step.op.name in PRODUCTS and edge.i < 2:
        yield from _of_product(graph, edge, step)
    if _is_bias(step, edge.i):
        yield from _of_sum(edge, step)
    if step.op.name in PRODUCTS or not step.is_elementwise:
        yield from _of_layer(graph, edge, step, right)


def at_tensor(graph: Recorded, tensor: Tensor) -> Iterator[Mistake]:
    """The mistakes that can be made with a tensor's cotangent as a whole."""
    ndim = np.ndim(graph.values[tensor])
    if ndim == 2:
        yield Mistake(
            f"{gradient(tensor)} is transposed"
            + (f": it is {right}" if (right := formula(graph, tensor)) else ""),
            TRANSPOSED,
            tensors={tensor: lambda parts: add_up(parts).T},
        )
    uses = graph.uses.get(tensor, ())
    if len(uses) > 1:
        for i, edge in enumerate(uses):
            onward = name(edge.tensor)
            said = f"{name(tensor)} is used {len(uses)} times, and "
            yield Mistake(
                f"{said}only what comes from {onward} is in {gradient(tensor)}: "
                "add up the contributions (+= where = stands)",
                USES,
                tensors={tensor: _only(i)},
            )
            if len(uses) > 2:
                yield Mistake(
                    f"{said}what comes from {onward} is missing in {gradient(tensor)}: "
                    "add up the contributions (+=)",
                    USES,
                    tensors={tensor: _all_but(i)},
                )


def _only(i: int) -> Callable[[Sequence[Array]], Array]:
    return lambda parts: parts[min(i, len(parts) - 1)]


def _all_but(i: int) -> Callable[[Sequence[Array]], Array]:
    return lambda parts: add_up([part for j, part in enumerate(parts) if j != i] or parts)


def scaled(tensor: Tensor, factor: float, text: str, rank: int) -> Mistake:
    """The cotangent of a tensor times a factor."""
    return Mistake(text, rank, tensors={tensor: lambda parts: add_up(parts) * factor})


# ---------------------------------------------------------------------- σ'


def _of_slope(graph: Recorded, edge: Edge, step: Step) -> Iterator[Mistake]:
    (x,) = step.arrays
    out = step.out
    s, l = name(step.inputs[0]), name(step.tensor)  # noqa: E741  (the chapter's letter)
    sigma = slope_name(step)

    def instead(
        text: str, rank: int, rule: Callable[[Array, Step], Array | None]
    ) -> Mistake:
        return Mistake(text, rank, {edge: lambda g, step: _array(rule(g, step))})

    written = f" = {slope(step)}" if slope(step) != sigma else ""
    yield instead(f"{sigma} is missing: multiply by {sigma}{written}", SIGMA, lambda g, step: g)
    yield instead(
        f"{sigma} is there twice: multiply by {sigma}{written} once",
        SIGMA,
        lambda g, step: step.pull(0, _array(step.pull(0, g))),
    )
    yield instead(
        f"{sigma} is computed from {s} where {l} belongs: {sigma}{written}",
        ARGUMENT,
        lambda g, step: step.pull_at(0, g, x, x),
    )
    yield instead(
        f"the derivative is taken at {l} where {s} belongs: {sigma}{written}",
        ARGUMENT,
        lambda g, step: step.pull_at(0, g, step.op.forward(out, **step.params), out),
    )
    for other in graph.steps.values():
        if other is not step and other.is_elementwise and other.out.shape == out.shape:
            yield instead(
                f"{slope_name(other)} stands where {sigma} belongs{written and ': '}"
                f"{sigma if written else ''}{written}",
                EXCHANGED,
                _by_other(other),
            )
    for named in ACTIVATIONS:
        if named != step.op.name:
            yield instead(
                f"the derivative of {named} stands where {sigma}{written} belongs",
                OTHER_SIGMA,
                _by_other(step._replace(op=OPS[named], params={})),
            )


def _by_other(other: Step) -> Callable[[Array, Step], Array | None]:
    return lambda g, step: other.pull(0, g)


def _array(found: Array | None) -> Array:
    if found is None:
        raise ValueError("no gradient flows here")
    return found


# ---------------------------------------------------------------------- products


def _of_product(graph: Recorded, edge: Edge, step: Step) -> Iterator[Mistake]:
    """Another order, and other transposes, of the two factors of ``g Wᵀ`` or ``xᵀ g``."""
    other = step.arrays[1 - edge.i]
    if np.ndim(other) != 2 or step.out.ndim != 2:
        return
    g_name, other_name = gradient(step.tensor), name(step.inputs[1 - edge.i])
    belongs = f"{g_name} {other_name}ᵀ" if edge.i == 0 else f"{other_name}ᵀ {g_name}"
    for g_first, g_turned, other_turned in product((True, False), repeat=3):
        if g_first == (edge.i == 0) and not g_turned and other_turned:
            continue  # that is the right one
        factors = [g_name + "ᵀ" * g_turned, other_name + "ᵀ" * other_turned]
        text = " {} ".join(factors if g_first else factors[::-1])

        def multiply(
            g: Array,
            step: Step,
            g_first: bool = g_first,
            g_turned: bool = g_turned,
            other_turned: bool = other_turned,
            by: Callable[[Any, Any], Any] = np.matmul,
        ) -> Array:
            a, b = g.T if g_turned else g, other.T if other_turned else other
            return np.asarray(by(a, b) if g_first else by(b, a))

        yield Mistake(
            f"{text.format('').replace('  ', ' ')} stands where {belongs} belongs",
            ORDER,
            {edge: multiply},
        )
        if g_first:
            yield Mistake(
                f"{text.format('∘')} stands where the matrix product {belongs} belongs",
                ORDER,
                {edge: partial(multiply, by=np.multiply)},
            )


def _of_layer(
    graph: Recorded, edge: Edge, step: Step, right: Mapping[Tensor, Array]
) -> Iterator[Mistake]:
    """The rule at another layer's value, or with another layer's δ."""
    for j, x in enumerate(step.inputs):
        if j == edge.i:
            continue
        for other, value in graph.values.items():
            if other is not x and other is not graph.loss and other.name and np.ndim(value):
                arrays = [*step.arrays]
                arrays[j] = value
                yield Mistake(
                    f"{name(other)} stands where {name(x)} belongs "
                    f"in {gradient(step.inputs[edge.i])}",
                    EXCHANGED,
                    {edge: _at(edge.i, arrays)},
                )
    for other, g in right.items():
        if other is not step.tensor and other.name and other is not graph.loss:
            yield Mistake(
                f"{gradient(other)} stands where {gradient(step.tensor)} belongs "
                f"in {gradient(step.inputs[edge.i])}",
                EXCHANGED,
                {edge: _with_delta(edge.i, g)},
            )


def _at(i: int, arrays: Sequence[Any]) -> Callable[[Array, Step], Array]:
    return lambda g, step: _array(step.pull_at(i, g, step.out, *arrays))


def _with_delta(i: int, g: Array) -> Callable[[Array, Step], Array]:
    return lambda _, step: _array(fitted(step, i, step.pull(i, g)))


# ---------------------------------------------------------------------- sums


def _is_bias(step: Step, i: int) -> bool:
    """Whether an input is added to each row, so that its gradient is a sum over the rows."""
    if step.op.name not in ("linear", "add", "subtract") or (step.op.name == "linear" and i < 2):
        return False
    return is_parameter(step.inputs[i]) and step.out.ndim == 2


def _of_sum(edge: Edge, step: Step) -> Iterator[Mistake]:
    """What is broadcast, such as a bias, gets a sum over the rows."""
    b, g_name = gradient(step.inputs[edge.i]), gradient(step.tensor)
    q = len(step.out)
    belongs = f"{b} is the sum of {g_name} over its {q} rows (axis=0)"
    if q == 1:
        belongs = f"{b} is {g_name}, which has one row"

    def rule(reduce: Callable[[Array], Any]) -> dict[Edge, Callable[[Array, Step], Array]]:
        return {edge: lambda g, step: np.asarray(reduce(_array(step.pull(edge.i, g))))}

    yield Mistake(f"{b} is not summed: {belongs}", SUMS, rule(lambda g: g))
    yield Mistake(
        f"{b} is a mean where a sum belongs: {belongs}",
        SUMS,
        rule(lambda g: g.sum(axis=0, keepdims=True) / len(g)),
    )
    for keepdims in (False, True):
        yield Mistake(
            f"{b} is summed over the wrong axis: {belongs}",
            SUMS,
            rule(partial(np.sum, axis=1, keepdims=keepdims)),
        )
        yield Mistake(
            f"{b} is a mean over the wrong axis: {belongs}",
            SUMS,
            rule(partial(_mean_of_rows, keepdims=keepdims)),
        )
    yield Mistake(
        f"{b} is summed over all entries: {belongs}",
        SUMS,
        rule(lambda g: np.full(np.shape(step.arrays[edge.i]), g.sum())),
    )
    yield Mistake(f"{b} is summed over all entries: {belongs}", SUMS, rule(np.sum))
    yield Mistake(
        f"{b} holds the first row of {g_name} only: {belongs}", SUMS, rule(lambda g: g[:1])
    )


def _mean_of_rows(g: Array, keepdims: bool) -> Array:
    mean: Array = g.sum(axis=1, keepdims=keepdims) / g.shape[1]
    return mean


# ---------------------------------------------------------------------- weights updated too early


def updated(graph: Recorded, given: Mapping[Tensor, Array], alpha: float) -> Mistake:
    """Every cotangent goes back through weights ``W − α ∇W``, as gradient descent leaves them."""

    def at(edge: Edge) -> Callable[[Array, Step], Array]:
        def rule(g: Array, step: Step) -> Array:
            arrays = [*step.arrays]
            for j, x in enumerate(step.inputs):
                if j != edge.i and is_parameter(x):
                    gradient_of = given.get(x)
                    if gradient_of is None:
                        gradient_of = _array(fitted(step, j, step.pull(j, g)))
                    arrays[j] = arrays[j] - alpha * gradient_of
            pulled = step.pull_at(edge.i, g, step.out, *arrays)
            return _array(fitted(step, edge.i, pulled))

        return rule

    edges = {
        Edge(tensor, i): at(Edge(tensor, i))
        for tensor, step in graph.steps.items()
        for i, x in enumerate(step.inputs)
        if not is_parameter(x) and any(map(is_parameter, step.inputs))
    }
    return Mistake(
        "the weights were updated before the deltas were computed: this has "
        f"W − {number(alpha)} ∇W where W belongs; compute all gradients first, and then update",
        UPDATED,
        edges,
    )


def is_parameter(tensor: Tensor) -> bool:
    return tensor._op is None and tensor.requires_grad
