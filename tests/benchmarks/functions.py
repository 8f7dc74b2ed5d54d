"""Functions of arrays: a long elementwise one, and a chain of small operations."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

import autograd_lite as ag

from .nets import COMPILED, EAGER, HAND
from .peers import installed, jax_float64
from .report import Bars, Result, compared
from .timing import Effort, on_threads, time_in_turns

IN_PLACE = "hand-written, in place"
W, B = 0.7, 0.1

Call = Callable[[], Any]
Maker = Callable[[Any], tuple[Call, Call]]
"""Given x, calls that give the value, and the value with the gradient with respect to x."""


def f(x: Any, w: Any = W, b: Any = B) -> Any:
    return np.sum(np.tanh(x * w + b) ** 2)


def _by_hand(x: Any) -> tuple[Call, Call]:
    def value_and_gradient() -> Any:
        t = np.tanh(x * W + B)
        return np.sum(t**2), 2 * t * (1 - t**2) * W

    return lambda: f(x), value_and_gradient


def _in_place(x: Any) -> tuple[Call, Call]:
    def layer() -> Any:
        t = x * W
        t += B
        return np.tanh(t, out=t)

    def value() -> Any:
        t = layer()
        return np.dot(t, t)

    def value_and_gradient() -> Any:
        t = layer()
        gradient = t * t
        total = np.sum(gradient)
        np.subtract(1, gradient, out=gradient)
        gradient *= t
        gradient *= 2 * W
        return total, gradient

    return value, value_and_gradient


def _eager(x: Any) -> tuple[Call, Call]:
    tensor, gradient = ag.Tensor(x, requires_grad=True), ag.value_and_grad(f)
    return lambda: f(tensor).numpy(), lambda: gradient(x, W, B)


def _compiled(x: Any) -> tuple[Call, Call]:
    value, gradient = ag.compile(f), ag.compile(ag.value_and_grad(f))
    return lambda: value(x, W, B), lambda: gradient(x, W, B)


def _pytorch(x: Any) -> tuple[Call, Call]:
    torch = import_module("torch")
    tensor = torch.from_numpy(x).requires_grad_()

    def loss() -> Any:
        return torch.sum(torch.tanh(tensor * W + B) ** 2)

    def value() -> Any:
        with torch.no_grad():
            return loss()

    def value_and_gradient() -> Any:
        total = loss()
        return total.detach(), torch.autograd.grad(total, tensor)[0]

    return value, value_and_gradient


def _jax_jit(x: Any) -> tuple[Call, Call]:
    jax = jax_float64()

    def loss(x: Any, w: Any, b: Any) -> Any:
        return jax.numpy.sum(jax.numpy.tanh(x * w + b) ** 2)

    value, gradient, given = jax.jit(loss), jax.jit(jax.value_and_grad(loss)), jax.device_put(x)
    return (
        lambda: jax.block_until_ready(value(given, W, B)),
        lambda: jax.block_until_ready(gradient(given, W, B)),
    )


ELEMENTWISE: dict[str, Maker] = {
    HAND: _by_hand,
    IN_PLACE: _in_place,
    EAGER: _eager,
    COMPILED: _compiled,
    "PyTorch": _pytorch,
    "JAX jit": _jax_jit,
}


def elementwise(effort: Effort) -> Result:
    """``sum(tanh(x·w + b)²)`` of an array and two numbers."""
    x = np.random.default_rng(0).normal(size=effort.entries)
    pairs = {name: make(x) for name, make in installed(ELEMENTWISE).items()}
    _refuse_other_results(pairs)
    result = Result()
    formula = f"sum(tanh(x·w + b)²), {effort.entries:,} entries"
    bars = Bars("elementwise", formula, f"time / {HAND}")
    for count, (i, what) in product((None, 1), enumerate(("value", "value and gradient"))):
        calls = {name: pair[i] for name, pair in pairs.items()}
        times = time_in_turns(calls, effort, count)
        title = f"{what}, {on_threads(count)}"
        result.tables.append(compared(f"{formula}: {title}", times, "ms", HAND))
        bars.add(title, times, HAND)
    result.plots.append(bars)
    return result


def _refuse_other_results(pairs: dict[str, tuple[Call, Call]]) -> None:
    value, gradient = pairs[HAND][1]()
    for name, (only_value, both) in pairs.items():
        for ours, theirs in ((only_value(), value), *zip(both(), (value, gradient), strict=True)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=name)


def chain_of(n: int, y: Any, a: Any, b: Any) -> Any:
    """``n`` operations: ``y·a + b``, again and again."""
    for _ in range(n // 2):
        y = y * a + b
    return y


START = 0.5, 0.999, 0.001
"""y, a and b."""


def scalars() -> list[ag.Tensor]:
    """The same as Tensors; each requires a gradient."""
    return [ag.Tensor(v, requires_grad=True) for v in START]


def runs(n: int, leaves: Any) -> tuple[Call, Call]:
    """Calls that run a chain of these forward, and forward and backward."""
    return lambda: chain_of(n, *leaves), lambda: chain_of(n, *leaves).backward()


def _chains(n: int) -> dict[str, Callable[[], tuple[Call, Call]]]:
    """By contender: the two of `runs`."""

    def pytorch() -> tuple[Call, Call]:
        torch = import_module("torch")
        return runs(n, [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in START])

    return {EAGER: lambda: runs(n, scalars()), "PyTorch": pytorch}


def chain(effort: Effort) -> Result:
    """A chain of small operations on 0-d tensors; the time includes that to free the graph."""
    contenders = {name: make() for name, make in installed(_chains(effort.ops)).items()}
    base = "PyTorch" if "PyTorch" in contenders else EAGER
    result = Result()
    for i, what in enumerate(("forward", "forward and backward")):
        calls = {name: pair[i] for name, pair in contenders.items()}
        times = time_in_turns(calls, effort, collect=True)
        title = f"A chain of {effort.ops:,} operations: {what}"
        result.tables.append(compared(title, times, "ms in all", base))
    return result
