"""Random graphs: programs with reuse, broadcasting, indexing and shaping; and a naive engine.

`test_paths` compares the derivatives of larger programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Tensor

# Smooth everywhere, and of moderate slope, so that differences are accurate.
UNARY: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "neg": lambda a: -a,
    "scaled": lambda a: 0.5 * a + 1,
    "softplus": ag.softplus,
    "squash": lambda a: a / (1 + a * a),
    "root": lambda a: np.sqrt(1 + a**2),
    "log": lambda a: np.log(2 + np.sin(a)),
    "mean0": lambda a: np.mean(a, axis=0, keepdims=True),
    "sum1": lambda a: 0.3 * np.sum(a, axis=-1, keepdims=True),
    "rows": lambda a: a[::-1],
    "first": lambda a: a[:1],
    "picked": lambda a: a[np.array([0, -1, 0])][:1] + a,
    "turned": lambda a: a.T.reshape(a.shape),
    "var": lambda a: a - a.var(axis=0, keepdims=True) / 4,
    "gram": lambda a: a @ a.T @ a / 9,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * np.tanh(b),
    "div": lambda a, b: a / (2 + np.sin(b)),
    "joined": lambda a, b: np.concatenate([a + b, np.sin(a * b)], axis=0)[1:3],
    "product": lambda a, b: np.tanh(a + b) @ np.tanh(a * b).T @ np.cos(a - b) / 9,
}
Program = list[tuple[str, int, int]]


@st.composite
def programs(draw: Any) -> tuple[Program, int]:
    steps = []
    for k in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(sorted(UNARY | BINARY)))
        steps.append((name, draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1))))
    return steps, draw(st.integers(0, 2**32 - 1))


def run(program: Program, x: Any, y: Any) -> Any:
    """A number: each step takes earlier values, and the last ones are summed with weights."""
    values = [x, y]
    for name, i, j in program:
        values.append(
            UNARY[name](values[i]) if name in UNARY else BINARY[name](values[i], values[j])
        )
    total = 0.0
    for k, value in enumerate(values[-3:]):
        total = total + np.sum(value * (k + 1)) + np.sum(value * value) / 4
    return total


class Scalar:
    """The naive engine: one number, its inputs with their local derivatives, and recursion."""

    def __init__(self, value: float, inputs: tuple[tuple[Scalar, float], ...] = ()) -> None:
        self.value, self.inputs, self.grad = value, inputs, 0.0

    def __add__(self, other: Scalar) -> Scalar:
        return Scalar(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Scalar) -> Scalar:
        return Scalar(self.value * other.value, ((self, other.value), (other, self.value)))

    def tanh(self) -> Scalar:
        t = float(np.tanh(self.value))
        return Scalar(t, ((self, 1 - t * t),))

    def push(self, g: float) -> None:
        """Along every path on its own: exponential, and obviously right."""
        self.grad += g
        for x, local in self.inputs:
            x.push(g * local)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from(["+", "*", "tanh"]), st.integers(0, 30), st.integers(0, 30)),
        min_size=1,
        max_size=9,
    ),
    st.lists(st.floats(-2, 2), min_size=2, max_size=3),
)
def test_agrees_with_a_naive_engine(steps: list[tuple[str, int, int]], numbers: list[float]):
    ours: list[Any] = [Tensor(x, requires_grad=True) for x in numbers]
    naive = [Scalar(x) for x in numbers]
    for sign, i, j in steps:
        for values in (ours, naive):
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(a + b if sign == "+" else a * b if sign == "*" else _tanh(a))
    ours[-1].named("out").backward()
    naive[-1].push(1.0)
    assert ours[-1].item() == naive[-1].value
    for t, s in zip(ours[: len(numbers)], naive, strict=False):
        np.testing.assert_allclose(0.0 if t.grad is None else t.grad, s.grad, rtol=1e-9, atol=1e-12)


def _tanh(a: Any) -> Any:
    return np.tanh(a) if isinstance(a, Tensor) else a.tanh()
