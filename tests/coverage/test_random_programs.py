"""Random programs over the whole table: reverse, forward and differences agree."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.containers import leaves

from ..sampling import directional
from .call import Call
from .calls import CALLS, UNDISPATCHED

# Those with derivatives to compare, by function, so that each function is as likely.
BY_FUNCTION: dict[str, list[Call]] = {}
for call in CALLS:
    if call.order:
        BY_FUNCTION.setdefault(call.function, []).append(call)


class Step(NamedTuple):
    """A call, and which of the earlier values are fitted to its operands."""

    call: Call
    sources: list[int]


@st.composite
def programs(draw: Any) -> tuple[list[Step], int]:
    steps = []
    for _ in range(draw(st.integers(1, 6))):
        call = draw(st.sampled_from(BY_FUNCTION[draw(st.sampled_from(sorted(BY_FUNCTION)))]))
        sources = [draw(st.integers(0, 30)) for _ in call.operands]
        steps.append(Step(call, sources))
    return steps, draw(st.integers(0, 2**32 - 1))


def run(steps: list[Step], x: Any, y: Any) -> Any:
    """A number: each step takes the newest values or older ones; what all give is summed."""
    values = [x, y]
    for call, sources in steps:
        chosen = [values[-1 - i % len(values)] for i in sources]
        operands = [
            operand.fitted(value)
            for operand, value in zip(call.operands.values(), chosen, strict=True)
        ]
        f = call.of(ag if call.code in UNDISPATCHED else np)
        for out in leaves(f(*operands)):
            kind = np.result_type(out).kind
            if kind in "fc" and np.size(out):
                values.append(np.real(out) + np.sin(np.imag(out)) if kind == "c" else out)
    total = 0.0
    for value in values[2:]:
        weights = np.cos(np.arange(np.size(value))).reshape(np.shape(value))
        total = total + np.sum(np.arcsinh(value) * weights)
    return total


def test_reverse_forward_and_differences_agree():
    seen: Counter[str] = Counter()

    @settings(deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck))
    @given(programs())
    def check(drawn: tuple[list[Step], int]) -> None:
        steps, seed = drawn
        rng = np.random.default_rng(seed)
        point = [rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, (1, 3))]
        u = [rng.normal(size=x.shape) for x in point]

        def f(x: Any, y: Any) -> Any:
            return run(steps, x, y)

        value, tangent = ag.jvp(f, point, u)
        again, gradient = ag.value_and_grad(f, (0, 1))(*point)
        reverse = sum(np.sum(g * d) for g, d in zip(gradient, u, strict=True))
        np.testing.assert_allclose(value, f(*point), rtol=1e-10)
        np.testing.assert_allclose(again, value, rtol=1e-12)
        np.testing.assert_allclose(tangent, reverse, rtol=1e-8, atol=1e-10)

        def moved(h: float) -> Any:
            return f(*(x + h * d for x, d in zip(point, u, strict=True)))

        coarse, fine = (directional(moved, 0.0, 1.0, h) for h in (1e-5, 2e-6))
        seen["programs"] += 1
        if abs(coarse - fine) > 1e-5 * (1 + abs(fine)):
            seen["kinks"] += 1  # at which the differences depend on the step, and mean nothing
            return
        np.testing.assert_allclose(reverse, fine, rtol=1e-4, atol=1e-4)

    check()
    assert seen["kinks"] < 0.1 * seen["programs"]
