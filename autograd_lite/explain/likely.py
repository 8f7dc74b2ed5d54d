"""The usual mistakes with one gradient, each with the array that it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from ..engine.tensor import Array, Tensor
from . import mistakes
from .loss_mistakes import at_loss
from .recognised import loss_of
from .recorded import Mistake, Recorded, Way, replay
from .wording import gradient, times

_MOST_LIKELY = 200  # mistakes that are tried of those that may be made


def _places(way: Way, given: Mapping[Tensor, Array]) -> list[Tensor]:
    return [way.target, *(t for t in reversed(way.steps) if t not in given)]


def _usual(
    graph: Recorded,
    right: Mapping[Tensor, Array],
    way: Way,
    given: Mapping[Tensor, Array],
    deltas: Mapping[Tensor, Array],
) -> Iterator[Mistake]:
    """The mistakes that need no numbers of the learner's, at the loss and at each place."""
    loss = loss_of(graph, right)
    if loss is not None and loss.p in way.tensors:
        yield from at_loss(graph, loss)
    for tensor in _places(way, given):
        yield from mistakes.at_tensor(graph, tensor)
        for edge in graph.uses.get(tensor, ()):
            yield from mistakes.at_edge(graph, edge, deltas)


def likely(
    graph: Recorded, right: Mapping[Tensor, Array], given: Mapping[Tensor, Array], target: Tensor
) -> list[tuple[Mistake, Array]]:
    """The usual mistakes with one gradient, the likeliest first, and the array that each gives.

    Args:
        graph: with activations recognised.
        right: the gradients of all tensors.
        given: those that are known already, from which ``target``'s is computed.
        target: whose gradient it is.
    """
    way = graph.way(target, given)
    deltas = {t: g for t, g in right.items() if t is not target}
    sign = mistakes.scaled(target, -1.0, f"{gradient(target)} {times(-1.0)}", mistakes.FACTOR)
    tried = [sign, *islice(_usual(graph, right, way, given, deltas), _MOST_LIKELY)]
    tried.sort(key=lambda mistake: mistake.rank)
    with np.errstate(all="ignore"):
        found = [(mistake, _attempt(graph, way, given, mistake)) for mistake in tried]
    return [(mistake, array) for mistake, array in found if array is not None]


def _attempt(
    graph: Recorded, way: Way, given: Mapping[Tensor, Array], mistake: Mistake
) -> Array | None:
    """The gradient at a way's end with a mistake; None where it can't be computed."""
    try:
        return replay(graph, given, mistake, way).get(way.target)
    except Exception:  # a shape that doesn't go on, or a rule that refuses these numbers
        return None
