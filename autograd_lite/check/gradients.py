"""The learner's gradients against those of a recorded loss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import errors
from ..engine.tensor import Array, Tensor
from .causes import Trial, find_cause, nothing_fits
from .formulas import Formulas
from .given import Given, distance, read
from .recognised import with_activations
from .recorded import Recorded, replay
from .report import Entry, Report, two_arrays

RTOL = 1e-7
_PERTURBATION = 1e-10


def check(loss: Tensor, gradients: Mapping[str, Any], rtol: float) -> Report:
    """`check_backprop` of a recorded loss."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"check_backprop: loss is a {type(loss).__name__}, not a Tensor")
    if loss.size != 1:
        raise ValueError(
            f"check_backprop: {errors.describe(loss)} has {loss.size} elements, and gradients are "
            "those of one number; reduce it first (loss.sum())"
        )
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"check_backprop: gradients are a {type(gradients).__name__}, not a dict by name"
        )
    graph = Recorded.of(loss)
    by_tensor = {
        graph.named[name]: read(value, graph.named[name].shape)
        for name, value in _by_name(graph, gradients).items()
    }
    with np.errstate(all="ignore"):
        return Report(tuple(_entries(graph, by_tensor, rtol)))


def _by_name(graph: Recorded, gradients: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by the names that the graph has for them: ``delta_2`` is that of ``s_2``."""
    found: dict[str, Any] = {}
    for key, value in gradients.items():
        name = _name_of(key, graph.named)
        if name is None:
            raise KeyError(
                f"check_backprop: no tensor is called {key!r}; there are {', '.join(graph.named)}"
            )
        if name in found:
            raise KeyError(f"check_backprop: {key!r} is a second gradient of {name}")
        found[name] = value
    return found


def _name_of(key: Any, names: Mapping[str, Tensor]) -> str | None:
    if key in names:
        return str(key)
    for sign, prefix in (("δ_", "s_"), ("delta_", "s_"), ("∇", ""), ("grad_", ""), ("d", "")):
        if isinstance(key, str) and key.startswith(sign):
            name = prefix + key.removeprefix(sign)
            if name in names:
                return name
    return None


def _entries(graph: Recorded, given: dict[Tensor, Given], rtol: float) -> list[Entry]:
    eps = max([graph.eps, *(g.eps for g in given.values())])
    if eps > np.finfo(np.float64).eps:
        rtol = max(rtol, 50 * eps)
    tensors = sorted(given, key=graph.order)
    original = graph
    judged = _judged(graph, given, rtol, eps)
    for side in (1, -1) if original.has_kinks else ():
        if len(judged.correct) < len(given):
            other = _judged(original.beside_kinks(side), given, rtol, eps)
            judged = max(judged, other, key=lambda found: len(found.correct))
    graph, right, noise, correct = judged
    formulas = Formulas(original)
    chosen = _chosen(original, judged)
    if len(correct) < len(given):
        graph = with_activations(graph)
    trial = Trial(graph, given, right, noise, correct, max(1e-9, 50 * eps))
    causes: dict[Tensor, str] = {}
    follows: dict[Tensor, Tensor] = {}
    for tensor in tensors:
        if tensor not in correct and tensor not in follows:
            _explain(trial, tensor, causes, follows)
    return [
        Entry(
            name=tensor.name or "",
            ok=tensor in correct,
            error=_error(given[tensor], right[tensor]),
            expected=right[tensor],
            given=given[tensor].array,
            written=partial(formulas.of, tensor),
            cause=causes.get(tensor),
            follows_from=follows[tensor].name if tensor in follows else None,
            remark=given[tensor].remark or chosen.get(tensor),
        )
        for tensor in tensors
    ]


class _Judged(NamedTuple):
    """The gradients, how far off each may be by rounding, and those that the learner has right."""

    graph: Recorded
    right: dict[Tensor, Array]
    noise: dict[Tensor, float]
    correct: set[Tensor]


def _judged(graph: Recorded, given: Mapping[Tensor, Given], rtol: float, eps: float) -> _Judged:
    zeros = {tensor: np.zeros(tensor.shape) for tensor in given}
    right = zeros | replay(graph, {})
    noise = _noise(graph, right, eps)
    correct = {t for t, g in given.items() if _agrees(g, right[t], rtol, noise[t])}
    return _Judged(graph, right, noise, correct)


def _chosen(original: Recorded, judged: _Judged) -> dict[Tensor, str]:
    """The remark on gradients that are right with another choice of the derivative at a kink."""
    if judged.graph is original:
        return {}
    engines = replay(original, {})
    said = "with another choice of the derivative at a kink, such as relu'(0)"
    return {t: said for t, g in engines.items() if (g != judged.right[t]).any()}


def _agrees(given: Given, right: Array, rtol: float, noise: float) -> bool:
    if given.fitted is None:
        return False
    return distance(given.fitted, right) <= float(rtol * np.abs(right).max(initial=0) + noise)


def _error(given: Given, right: Array) -> float:
    return float("nan") if given.fitted is None else distance(given.fitted, right)


def _noise(graph: Recorded, right: Mapping[Tensor, Array], eps: float) -> dict[Tensor, float]:
    """How far the gradients move where every number in the graph is off by some roundings."""
    rng = np.random.default_rng(0)
    noise = dict.fromkeys(right, 0.0)
    for _ in range(3):
        moved = replay(graph.perturbed(rng, _PERTURBATION), {})
        for tensor, g in moved.items():
            change = distance(g, right[tensor])
            if np.isfinite(change):
                noise[tensor] = max(noise[tensor], change * 50 * eps / _PERTURBATION)
    return noise


def _explain(
    trial: Trial, tensor: Tensor, causes: dict[Tensor, str], follows: dict[Tensor, Tensor]
) -> None:
    """Say why a wrong entry is wrong, and which others are so because of it."""
    given = trial.given[tensor]
    values = trial.values()
    values.pop(tensor, None)
    way = trial.graph.way(tensor, values)
    carried = [t for t in way.steps if t in values and t not in trial.correct]
    if not carried and given.array is not None and given.fitted is None:
        before = trial.graph.way(tensor, {}).steps
        carried = [t for t in before if _not_finite(trial.given.get(t))]
        carries = bool(carried) and _not_finite(given)
    else:
        carries = trial.fits(tensor, trial.attempt(way, values))
    if carried and carries:
        first = min(carried, key=trial.graph.order)
        follows[tensor] = follows.get(first, first)
        return
    cause = find_cause(trial, tensor)
    if cause is None:
        said = given.problem or nothing_fits(given, trial.right[tensor], tensor)
        causes[tensor] = f"{said}\n{two_arrays(given, trial.right[tensor])}"
        return
    mistake, explained = cause
    trial.made = mistake.after(trial.made)
    said = f"{given.problem}; " if given.problem and given.fitted is None else ""
    causes[tensor] = said + mistake.text
    for other in explained - {tensor}:
        if other not in causes and other not in follows and other not in trial.correct:
            follows[other] = tensor


def _not_finite(given: Given | None) -> bool:
    return given is not None and given.array is not None and not np.isfinite(given.array).all()
