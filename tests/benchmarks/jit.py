"""Gradients that JAX runs: recorded by ``ag.compile(f, jit=True)``, and by JAX itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import autograd_lite as ag

from .functions import W
from .nets import COMPILED, PROBLEMS, _loss_of, _parameters
from .peers import installed, jax_float64
from .report import Result, compared
from .timing import Effort, time_in_turns

JIT, JAX = "autograd_lite jit", "JAX jit"


def lstm(np_like: Any, x: Any, w: Any) -> Any:
    """The mean square of an LSTM's states over the rows of ``x``; ``w`` has four gates' columns."""
    h = c = np.zeros(w.shape[1] // 4)
    total = 0.0
    for row in x:
        s = np_like.concatenate([row, h]) @ w
        i, f, o = (1 / (1 + np_like.exp(-g)) for g in np_like.split(s[: 3 * len(h)], 3))
        c = f * c + i * np_like.tanh(s[3 * len(h) :])
        h = o * np_like.tanh(c)
        total = total + np_like.mean(h**2)
    return total


def _functions(effort: Effort) -> dict[str, tuple[Callable[[Any], Callable[..., Any]], Any]]:
    """Of NumPy or what is like it, a function, and what it is called with."""
    rng = np.random.default_rng(0)
    parameters, x, y = _parameters(PROBLEMS[-1])
    rows, few = rng.normal(size=(effort.steps, 8)), rng.normal(size=(24, 64)) / 4
    return {
        f"sum(tanh(x·w + b)²), {effort.entries:,} entries": (
            lambda xp: lambda x: xp.sum(xp.tanh(x * W + 0.1) ** 2), rng.normal(size=effort.entries)
        ),
        PROBLEMS[-1].name: (lambda xp: _loss_of(xp, True, x, y), parameters),
        f"an LSTM over {effort.steps} rows": (lambda xp: partial(lstm, xp, rows), few),
    }  # fmt: skip


def _by_jax(make: Any) -> Callable[..., Any]:
    jax = jax_float64()
    gradient = jax.jit(jax.value_and_grad(make(jax.numpy)))
    return lambda x: jax.block_until_ready(gradient(x))


CONTENDERS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    COMPILED: lambda make: ag.compile(ag.value_and_grad(make(np))),
    JIT: lambda make: ag.compile(ag.value_and_grad(make(np)), jit=True),
    JAX: _by_jax,
}


def measured(effort: Effort) -> Result:
    """Value and gradient: each compiled once, which is said, and then called in turns."""
    result = Result()
    for title, (make, x) in _functions(effort).items():
        calls, first = {}, []
        for name, contender in installed(CONTENDERS).items():
            calls[name] = partial(contender(make), x)
            start = perf_counter()
            value, _ = calls[name]()
            first.append(f"{name} {perf_counter() - start:.2f} s")
            np.testing.assert_allclose(value, make(np)(x), rtol=1e-9)
        note = f"First calls: {', '.join(first)}."
        times = time_in_turns(calls, effort, None)
        result.tables.append(compared(title, times, "ms", COMPILED, note))
    return result
