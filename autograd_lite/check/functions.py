"""The learner's own function, tried on drawn inputs, the smallest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arrays import own_array
from ..engine.tensor import Array, Tensor
from ..graph import walk
from ..show.notation import symbol_of
from .gradients import check
from .report import Entry, Report

Backprop = Callable[[Array, Array, dict[str, Array]], Mapping[str, Any]]
Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]


class Inputs(NamedTuple):
    """What backpropagation is tried on."""

    x: Array
    y: Array
    params: dict[str, Array]


class Subject:
    """A network, or a function ``(x, y, params) → loss``, as something to compute a loss with.

    Args:
        net: a module with named parameters; or a function, and then ``params``.
        loss: ``loss(prediction, y)``, for a network.
        params: for a function, an array a parameter: its shape is what counts.
    """

    def __init__(
        self,
        net: Any,
        loss: Callable[[Any, Any], Tensor] | None,
        params: Mapping[str, Any] | None,
    ) -> None:
        self.net, self.loss = net, loss
        self.is_function = not hasattr(net, "named_parameters")
        if self.is_function:
            if params is None:
                raise TypeError(
                    "check_backprop: a function needs params, an array for each parameter"
                )
            self.values = {
                name: own_array(v, np.float64, "check_backprop") for name, v in params.items()
            }
        else:
            if loss is None:
                raise TypeError("check_backprop: a network needs a loss, such as nn.BCELoss()")
            named = list(net.named_parameters())
            names = [tensor.name or path for path, tensor in named]
            if len(set(names)) < len(names):  # the layers of a Sequential: weight, bias, weight, …
                names = [path for path, _ in named]
            self.tensors = {n: t for n, (_, t) in zip(names, named, strict=True)}
            self.values = {name: tensor.numpy() for name, tensor in self.tensors.items()}

    @contextmanager
    def recorded(self, inputs: Inputs) -> Iterator[Tensor]:
        """The loss, recorded. A network's parameters are afterwards as they were before, and
        called as they were."""
        if self.is_function:
            tensors = {
                name: Tensor(value, requires_grad=True, name=name)
                for name, value in inputs.params.items()
            }
            yield _of_all(self.net(inputs.x, inputs.y, tensors), tensors)
            return
        assert self.loss is not None
        names = {tensor: tensor.name for tensor in self.tensors.values()}
        try:
            for name, tensor in self.tensors.items():
                tensor.data, tensor.name = inputs.params[name], name
            yield _of_all(self.loss(self.net(inputs.x), inputs.y), self.tensors)
        finally:
            for name, tensor in self.tensors.items():
                tensor.data, tensor.name = self.values[name], names[tensor]

    def widths(self) -> tuple[int, int]:
        """Of the input and the output, from the first and the last matrix among the parameters."""
        matrices = [value.shape for value in self.values.values() if value.ndim == 2]
        if not matrices:
            raise TypeError(
                "check_backprop: say how inputs are drawn: draw=lambda rng, q: (x, y)"
            )
        weights = [shape for shape in matrices if shape[0] > 1] or matrices
        return matrices[0][0], weights[-1][1]


def _of_all(loss: Any, params: Mapping[str, Tensor]) -> Any:
    """The loss, with 0 times what it doesn't depend on, whose gradient is 0."""
    used = set(walk(loss) if isinstance(loss, Tensor) else params.values())
    return sum((0.0 * p.sum() for p in params.values() if p not in used), loss)


def check_function(
    backprop: Backprop, subject: Subject, draw: Draw | None, trials: int, seed: int, rtol: float
) -> Report:
    """`check_backprop` of a function: the report for the smallest inputs drawn that it fails on.

    And for which the same is wrong as for large ones, on which fewer mistakes look alike.
    """
    rng = np.random.default_rng(seed)
    drawn = [_drawn(rng, subject, draw, trial / trials) for trial in range(trials)]
    tried = partial(_try, backprop, subject, rtol)
    first = next((i for i, x in enumerate(drawn) if not tried(x).ok), None)
    if first is None:
        return replace(tried(drawn[-1]), heading=f"{trials} drawn inputs")
    wanted = _signature(tried(drawn[-1]))
    later = (x for x in drawn[first:] if _signature(tried(x)) == wanted)
    inputs = drawn[first] if wanted is None else next(later, drawn[first])
    rows = f"{len(inputs.x)} row" + "s" * (len(inputs.x) != 1)
    shown = {"x": inputs.x, "y": inputs.y, **inputs.params}
    report = replace(tried(inputs), heading=f"smallest input found, {rows}", inputs=shown)
    if report.ok:
        raise ValueError(
            "check_backprop: the loss, or backprop, gives another result each time for the same "
            "numbers; draw what is random outside of it, once"
        )
    return report


def _drawn(rng: np.random.Generator, subject: Subject, draw: Draw | None, size: float) -> Inputs:
    """Batches of 1 to 10 rows as ``size`` grows from 0 to 1, and of numbers less and less round.

    Small ones and large ones; targets are 0 and 1, one 1 a row.
    """
    q, digits = 1 + int(10 * size), 1 + int(3 * size)
    scale = float(rng.choice([0.3, 1.0, 2.0]))
    params = {
        name: rng.normal(scale=scale, size=value.shape).round(digits).astype(value.dtype)
        for name, value in subject.values.items()
    }
    if draw is not None:
        x, y = draw(rng, q)
        return Inputs(np.array(x), np.array(y), params)
    n_in, n_out = subject.widths()
    x = rng.normal(size=(q, n_in)).round(digits)
    y = rng.integers(0, 2, (q, 1)).astype(np.float64)
    return Inputs(x, y if n_out == 1 else np.eye(n_out)[rng.integers(0, n_out, q)], params)


def _try(backprop: Backprop, subject: Subject, rtol: float, inputs: Inputs) -> Report:
    """The report for one input; what isn't given, or can't be, is wrong."""
    own = {name: value.copy() for name, value in inputs.params.items()}
    said, entries = "it is not among the gradients returned", tuple[Entry, ...]()
    try:
        with np.errstate(all="ignore"):
            found = backprop(inputs.x.copy(), inputs.y.copy(), own)
        if not isinstance(found, Mapping):
            kind = "None" if found is None else f"a {type(found).__name__}"
            said = f"backprop returned {kind}, not a dict of gradients"
    except Exception as error:  # the learner's function may fail in any way
        found, said = None, f"backprop raised {type(error).__name__}: {error}"
    if isinstance(found, Mapping):
        with subject.recorded(inputs) as loss:
            entries = check(loss, found, rtol).entries
    missing = [n for n in inputs.params if n not in {entry.name for entry in entries}]
    return Report((*entries, *(_absent(n, inputs, said) for n in missing)))


def _absent(name: str, inputs: Inputs, cause: str) -> Entry:
    right = np.full(inputs.params[name].shape, np.nan)
    return Entry(name, symbol_of(name, True, ""), False, float("nan"), right, None, cause=cause)


def _signature(report: Report) -> tuple[str, str] | None:
    """The first wrong entry, and its cause without the numbers in it; None where all is right."""
    first = report.first_wrong
    if first is None:
        return None
    words = (first.cause or "").split("\n")[0]
    return first.name, "".join(c for c in words.split(" (")[0] if not c.isdigit())
