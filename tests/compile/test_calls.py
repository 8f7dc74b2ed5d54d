"""The whole table and random programs: compiled, they give what they give."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings

import autograd_lite as ag

from ..coverage.call import Call
from ..coverage.calls import CALLS
from ..coverage.test_paths import POINT, Line, programs
from ..coverage.test_paths import run as run_calls
from ..each import each, examples, some
from ..test_random_graphs import programs as graphs
from ..test_random_graphs import run as run_graph
from .comparing import (
    FIRST,
    agree,
    function_of_call,
    gradient_of_call,
    gradients_of,
    weighted_sum,
)


# One of each function is compiled where its source is run alone.
@each(some(CALLS, 24), by=lambda call: str(len(call.function) % 4))
def test_a_call_of_the_table_and_its_gradient(call: Call):
    calls = [tuple(call.drawn(seed)) for seed in (7, 8)]
    for f in (function_of_call(call), gradient_of_call(call)):
        agree(f, *calls)


@each(some(sorted(FIRST), 2))
def test_second_derivatives_of_each_op(name: str):
    f, given = gradients_of(name)
    places = tuple(range(len(given)))

    def second(*some: Any) -> Any:
        return ag.grad(weighted_sum(ag.grad(f, places)), places)(*some)

    if given and np.result_type(*given).kind != "c":
        agree(second, tuple(given), rtol=1e-8)


def two_points(rng: np.random.Generator) -> list[Any]:
    return [(rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, (1, 3))) for _ in range(2)]


def compiles_alike(f: Any, seed: int, rtol: float) -> None:
    points = two_points(np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        agree(ag.value_and_grad(f, (0, 1)), *points, rtol=rtol)


@settings(deadline=None, max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_over_the_table(program: list[Line]):
    f = ag.value_and_grad(lambda z: run_calls(program, 1, z)[0])
    with np.errstate(all="ignore"):
        # Beside POINT, where operands are fitted to ties, which rounding would decide.
        agree(f, (1.01 * POINT,), (POINT[::-1] / 2,), rtol=1e-8)


@settings(deadline=None, max_examples=examples(50))
@given(graphs())
def test_random_graphs_with_their_gradients(drawn: Any):
    program, seed = drawn
    compiles_alike(lambda x, y: run_graph(program, x, y), seed, 1e-10)


@settings(deadline=None, max_examples=25)
@given(graphs())
def test_random_graphs_with_second_derivatives(drawn: Any):
    program, seed = drawn

    def squared_slope(x: Any, y: Any) -> Any:
        return np.sum(ag.grad(lambda z: run_graph(program, z, y))(x) ** 2)

    compiles_alike(squared_slope, seed, 1e-9)
