"""The likely cause of a wrong gradient, found by trying.

A mistake is named where a backward pass with that mistake in it gives the learner's own array,
to a tight tolerance, and what the learner has right besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

import numpy as np

from ..engine.tensor import Array, Tensor
from . import mistakes
from .given import Given, distance, same
from .loss_mistakes import at_loss
from .recognised import loss_of
from .recorded import NO_MISTAKE, Mistake, Recorded, Way, replay
from .wording import gradient, times

_MOST_STEPS = 100_000  # of backward passes, in the search for one cause
_MOST_LIKELY = 200  # mistakes that are tried of those that may be made


@dataclass
class Trial:
    """One learner's gradients, and the graph that they are tried on.

    Attributes:
        graph: with activations recognised.
        given: the learner's values by tensor.
        right: the gradients.
        noise: how far off each may be by rounding.
        correct: the tensors whose gradient the learner has right.
        rtol: how well a mistake must fit, relative to the largest entry.
        made: the mistakes that were found already.
    """

    graph: Recorded
    given: Mapping[Tensor, Given]
    right: Mapping[Tensor, Array]
    noise: Mapping[Tensor, float]
    correct: set[Tensor]
    rtol: float
    made: Mistake = NO_MISTAKE

    def values(self, correct_only: bool = False) -> dict[Tensor, Array]:
        """The learner's arrays to go on with."""
        return {
            tensor: given.array if given.fitted is None else given.fitted
            for tensor, given in self.given.items()
            if given.array is not None
            and np.isfinite(given.array).all()
            and (tensor in self.correct or not correct_only)
        }

    def fits(self, tensor: Tensor, found: Array | None) -> bool:
        """Whether this is what the learner has."""
        array = self.given[tensor].array
        if found is None or array is None or not np.isfinite(array).all():
            return False
        # Noise may be forgiven in what is as large as the gradient, and not in what is far less.
        atol = min(self.noise.get(tensor, 0.0), 1e-3 * np.abs(array).max(initial=0))
        return bool(same(found, array, self.rtol, atol))

    def attempt(
        self, way: Way, given: Mapping[Tensor, Array], mistake: Mistake = NO_MISTAKE
    ) -> Array | None:
        """The gradient at a way's end with one mistake more; None where it can't be computed."""
        found = self._replayed(given, mistake, way)
        return None if found is None else found.get(way.target)

    def explained(self, mistake: Mistake) -> set[Tensor] | None:
        """The wrong gradients that a mistake accounts for; None where it spoils a right one."""
        if self.correct:
            found = self._replayed(self.values(correct_only=True), mistake)
            if found is None:
                return set()
            for tensor in self.correct & found.keys():
                right = self.right[tensor]
                if not same(found[tensor], right, 1e-7, self.noise[tensor]):
                    return None
        found = self._replayed(self.values(), mistake) or {}
        return {t for t in self.given if t not in self.correct and self.fits(t, found.get(t))}

    def _replayed(
        self, given: Mapping[Tensor, Array], mistake: Mistake, way: Way | None = None
    ) -> dict[Tensor, Array] | None:
        """The cotangents with one mistake more; None where they can't be computed.

        Mostly a shape doesn't go on. But a rule, which may be anybody's, may also refuse arrays
        that no forward pass gave, by any exception.
        """
        try:
            return replay(self.graph, given, mistake.after(self.made), way)
        except Exception:
            return None


def find_cause(trial: Trial, target: Tensor) -> tuple[Mistake, set[Tensor]] | None:
    """The simplest mistake that gives the learner's array, and all that it accounts for."""
    fitting: list[tuple[tuple[int, int, int], Mistake, set[Tensor]]] = []
    bases = [trial.values()]
    if any(tensor not in trial.correct for tensor in bases[0]):
        bases.append(trial.values(correct_only=True))
    for given in bases:
        given.pop(target, None)
        way = trial.graph.way(target, given)
        tries = _MOST_STEPS // (len(way.steps) + 1) + 1
        for mistake in islice(_candidates(trial, way, given), tries):
            if not trial.fits(target, trial.attempt(way, given, mistake)):
                continue
            explained = trial.explained(mistake)
            if explained is not None:
                key = (-len(explained | {target}), mistake.rank, len(fitting))
                fitting.append((key, mistake, explained | {target}))
        if fitting:
            break
    if not fitting:
        return None
    fitting.sort(key=lambda found: found[0])
    _, best, explained = fitting[0]
    aside = next((m.aside for _, m, _ in fitting[1:] if m.aside), "")
    if aside and not best.aside:
        best = replace(best, text=f"{best.text}; {aside}")
    return best, explained


def _candidates(trial: Trial, way: Way, given: Mapping[Tensor, Array]) -> Iterator[Mistake]:
    """Every mistake that can be made on the way to a tensor, the nearest places first."""
    graph = trial.graph
    yield from _ratios(trial, way, given, _places(way, given))
    yield from _updated(trial, way, given)
    # What the learner computed after the target can't have gone into it, and what is right can.
    done = graph.order(way.target)
    before = {t: g for t, g in trial.values().items() if graph.order(t) < done}
    deltas = {t: g for t, g in {**trial.right, **before}.items() if t is not way.target}
    yield from _usual(graph, trial.right, way, given, deltas)


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
    trial = Trial(graph, {}, right, {}, set(), 0.0)
    way = graph.way(target, given)
    deltas = {t: g for t, g in right.items() if t is not target}
    sign = mistakes.scaled(target, -1.0, f"{gradient(target)} {times(-1.0)}", mistakes.FACTOR)
    tried = [sign, *islice(_usual(graph, right, way, given, deltas), _MOST_LIKELY)]
    tried.sort(key=lambda mistake: mistake.rank)
    with np.errstate(all="ignore"):
        found = [(mistake, trial.attempt(way, given, mistake)) for mistake in tried]
    return [(mistake, array) for mistake, array in found if array is not None]


def _ratios(
    trial: Trial, way: Way, given: Mapping[Tensor, Array], places: list[Tensor]
) -> Iterator[Mistake]:
    """A constant factor, solved for, on the tensor or on one before it."""
    target = way.target
    base, array = trial.attempt(way, given), trial.given[target].fitted
    if base is None or array is None or base.shape != array.shape or not base.any():
        return
    factor = float((array * base).sum() / (base * base).sum())
    if not np.isfinite(factor) or factor == 0:
        return
    q = trial.graph.batch_size or 1
    telling = [-1.0, 2.0, 0.5, -2.0, -0.5, q, 1 / q, -q, -1 / q]
    near = [t for t in telling if abs(factor - t) <= trial.rtol * abs(t)]
    if near:
        factor = float(near[0])
    elif not (_is_small_fraction(factor) or np.count_nonzero(base) > 1):
        return  # any two numbers have a ratio
    rank = mistakes.FACTOR if near else mistakes.RATIO
    for tensor in places:
        text = f"{gradient(target)} {times(factor)}"
        if tensor is not target:
            text += f", as {gradient(tensor)} is before it"
        elif near and abs(factor) in (q, 1 / q) and q > 2:
            often = "not often enough" if abs(factor) > 1 else "once too often"
            text += f": it is divided by the batch size q = {q} {often}"
        yield mistakes.scaled(tensor, factor, text, rank)


def _is_small_fraction(value: float) -> bool:
    """Whether a number is p/q with p and q up to 10, which no number is by chance."""
    if not 0.1 <= abs(value) <= 10:
        return False
    near = Fraction(value).limit_denominator(10)
    return abs(near.numerator) <= 10 and abs(value - float(near)) <= 1e-9 * abs(value)


def _updated(trial: Trial, way: Way, given: Mapping[Tensor, Array]) -> Iterator[Mistake]:
    """Weights updated before the deltas: the learning rate that fits, if one does."""
    array = trial.given[way.target].fitted
    if array is None:
        return

    def attempt(alpha: float) -> Array | None:
        return trial.attempt(way, given, mistakes.updated(trial.graph, given, alpha))

    start, end = attempt(0.0), attempt(1.0)
    if start is None or end is None or start.shape != array.shape or not (end - start).any():
        return
    change = end - start
    alpha = float(((array - start) * change).sum() / (change * change).sum())
    # One number fits some rate always: then it must be a round one.
    round_one = abs(alpha - float(f"{alpha:.2g}")) <= trial.rtol * abs(alpha)
    if 1e-6 < alpha <= 100 and (round_one or np.count_nonzero(change) > 1):
        yield mistakes.updated(trial.graph, given, alpha)


def nothing_fits(given: Given, right: Array, target: Tensor) -> str:
    """What is said where no mistake gives the learner's array."""
    largest = "" if given.fitted is None else f" (differs by {distance(given.fitted, right):.3g})"
    return f"no usual mistake gives this {gradient(target)}{largest}"
