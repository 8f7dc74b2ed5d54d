"""Random programs of numbers, compared with a naive scalar engine; `test_paths` has larger ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_lite import Tensor


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
