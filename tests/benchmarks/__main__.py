"""``python -m tests.benchmarks``: a training step of the chapter's networks, by each contender.

All run in this one process, in turns; what is printed are medians over the rounds, and the ratio
to hand-written NumPy of the same round. A library that isn't installed is left out, and said.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from .nets import CONTENDERS, PROBLEMS, Problem


def contenders(problem: Problem) -> dict[str, Callable[[], Any]]:
    """The steps of those installed, seen to train to the same weights."""
    steps = {}
    reference: list[Any] = []
    for name, make in CONTENDERS.items():
        try:
            step, weights = make(problem)
        except ImportError as error:
            print(f"{name}: not installed ({error.name})", file=sys.stderr)
            continue
        for _ in range(20):
            step()
        reference = reference or [w.copy() for w in weights()]
        for ours, w in zip(weights(), reference, strict=True):
            np.testing.assert_allclose(ours, w, rtol=1e-8, err_msg=name)
        steps[name] = step
    return steps


def time_in_turns(
    steps: dict[str, Callable[[], Any]], rounds: int, calls: int
) -> dict[str, list[float]]:
    """Microseconds a call of each step, in each round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    gc.disable()
    try:
        for _ in range(rounds):
            for name, step in steps.items():
                start = perf_counter()
                for _ in range(calls):
                    step()
                times[name].append((perf_counter() - start) / calls * 1e6)
            gc.collect()
    finally:
        gc.enable()
    return times


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="how many turns each one gets")
    parser.add_argument("--calls", type=int, default=100, help="steps a turn")
    options = parser.parse_args(arguments)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}")
    for problem in PROBLEMS:
        times = time_in_turns(contenders(problem), options.rounds, options.calls)
        hand = times["hand-written NumPy"]
        print(f"\n| {problem.name} | µs a step | ratio to hand-written |")
        print("|---|--:|--:|")
        for name, taken in times.items():
            ratio = statistics.median(t / h for t, h in zip(taken, hand, strict=True))
            print(f"| {name} | {statistics.median(taken):.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
