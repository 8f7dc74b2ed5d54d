"""Memory as tracemalloc sees it: what an operation takes, and the peak of a backward pass."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag

from .functions import chain_of, scalars
from .nets import COMPILED, EAGER, HAND
from .report import Result, Table, number
from .timing import Effort


def held(make: Callable[[], Any]) -> tuple[int, int]:
    """Bytes that what ``make`` returns takes, and those that were taken at the peak.

    In a new thread: buffers that compiled code keeps for each thread count, too.
    """
    found: list[tuple[int, int]] = []

    def measure() -> None:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            result = make()
            now, peak = tracemalloc.get_traced_memory()
            found.append((now - before, peak - before))
            del result
        finally:
            tracemalloc.stop()

    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
    return found[0]


def bytes_an_op(n: int) -> tuple[float, float]:
    """What a recorded operation on 0-d tensors takes, and its array alone.

    The array's share is measured on as many 0-d arrays in a list that is there before.
    """
    leaves, arrays = scalars(), [None] * n
    chain_of(2, *leaves)  # what is made once

    def fill() -> None:
        for i in range(n):
            arrays[i] = np.array(0.5)  # type: ignore[call-overload]

    return held(lambda: chain_of(n, *leaves))[0] / n, held(fill)[0] / n


def layers_by_hand(x: Any, weights: list[Any]) -> tuple[Any, list[Any]]:
    """The sum of ``tanh(… tanh(x·w_1) …·w_n)`` and its gradients, with no array too many.

    What holds a layer's output then holds the slope there, and is dropped.
    """
    layers = [x]
    for w in weights:
        layers.append(np.tanh(layers[-1] * w))
    total, gradients, delta = np.sum(layers[-1]), [], np.ones_like(x)
    for k in reversed(range(len(weights))):
        slope = layers.pop()
        np.multiply(slope, slope, out=slope)
        np.subtract(1, slope, out=slope)
        delta *= slope
        del slope
        gradients.append(delta * layers[k])
        delta *= weights[k]
    return total, gradients[::-1]


def needed(n: int) -> int:
    """Arrays that the formulas need at once, besides x and the weights.

    For each of the n layers its output or, later, its gradient, and what is passed back.
    """
    return n + 1


def peaks(n: int, shape: tuple[int, int]) -> dict[str, float]:
    """By contender, the peak of value and gradients of n layers, in arrays of that shape."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=shape), [rng.normal(size=shape) for _ in range(n)]
    tensors = [ag.Tensor(w, requires_grad=True) for w in weights]

    def forward(*weights: Any) -> Any:
        layer = x
        for w in weights:
            layer = np.tanh(layer * w)
        return np.sum(layer)

    def eager() -> Any:
        total = forward(*tensors)
        total.backward()
        return total

    compiled = ag.compile(ag.value_and_grad(forward, argnums=tuple(range(n))))
    compiled(*weights)
    eager()
    for tensor in tensors:
        tensor.zero_grad()
    contenders = {
        HAND: lambda: layers_by_hand(x, weights),
        EAGER: eager,
        COMPILED: lambda: compiled(*weights),
    }
    return {name: held(make)[1] / x.nbytes for name, make in contenders.items()}


def measured(effort: Effort) -> Result:
    """Bytes of a recorded operation, and the peak of a backward pass."""
    all_bytes, array = bytes_an_op(effort.ops)
    per_op = Table(
        (f"Memory of a recorded operation, of {effort.ops:,}", "bytes"),
        [
            ("in all", number(all_bytes)),
            ("its 0-d array (as many arrays alone, measured)", number(array)),
            ("the difference", number(all_bytes - array)),
        ],
    )
    n, shape = effort.layers, effort.shape
    count = needed(n)
    peak = Table(
        (f"Peak of {n} layers tanh(x·w), {shape[0]}×{shape[1]}", "arrays", "ratio to the formulas"),
        [
            (name, f"{arrays:.1f}", f"{arrays / count:.2f}")
            for name, arrays in peaks(n, shape).items()
        ],
        f"Forward and backward. The formulas need {count} arrays at once: for each of the {n} "
        "layers its output or, later, its gradient, and the one that is passed back. x and the "
        "weights, which are there before, don't count.",
    )
    return Result([per_op, peak])
