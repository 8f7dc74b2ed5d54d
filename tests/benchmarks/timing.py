"""Timing contenders in turns, and on how many threads."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import numpy as np

from .peers import threadpoolctl

Times = dict[str, list[float]]
"""Seconds a call of each contender, one a round."""

PAUSE = 0.05  # seconds; OpenBLAS' threads wait actively for about half as long

WARM = 0.02
"""Seconds of calls that don't count, at the start of a turn: threads need some to get a core each,
and what others left in the caches has to go, as in a training loop after its first steps."""


@dataclass(frozen=True)
class Effort:
    """How long, and up to which sizes, is measured."""

    rounds: int = 40  # turns that each contender gets
    turn: float = 0.01  # seconds a turn: as many calls as fit into it, at least one
    seconds: float = 10.0  # after which no further round begins; there are three at least
    processes: int = 20  # that import each package
    entries: int = 1_000_000
    ops: int = 100_000
    layers: int = 50
    steps: int = 64
    shape: tuple[int, int] = (256, 512)
    nodes: tuple[int, ...] = (100, 1_000, 10_000, 100_000, 1_000_000)
    widths: tuple[int, ...] = (2, 8, 32, 128, 512, 2048)
    depths: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200)
    blocks: tuple[int, int] = (80, 62_500)  # of data on a cluster: how many, of how many rows
    cluster_rounds: int = 3


FULL = Effort()
QUICK = Effort(
    rounds=5,
    turn=0.004,
    seconds=0.5,
    processes=3,
    steps=16,
    nodes=FULL.nodes[:-2],
    widths=(2, 32, 512),
    depths=(1, 5, 20, 50),
    blocks=(16, 25_000),
    cluster_rounds=1,
)


def time_in_turns(
    contenders: Mapping[str, Callable[[], Any]],
    effort: Effort,
    count: int | None = 1,
    collect: bool = False,
) -> Times:
    """Call each in turns. The one that begins changes from round to round.

    Args:
        count: of threads for BLAS and PyTorch; None for their own. Then there is a pause between
            turns, since threads that wait for work keep a core busy for some time.
        collect: leave the garbage collector on, as it is for a program that records large graphs.
    """
    with threads(count), _collector(collect):
        return _time_in_turns(contenders, effort, PAUSE if count is None else 0.0)


def _time_in_turns(
    contenders: Mapping[str, Callable[[], Any]], effort: Effort, pause: float
) -> Times:
    calls = {name: _calls(call, effort.turn) for name, call in contenders.items()}
    names = list(contenders)
    times: Times = {name: [] for name in names}
    begin = perf_counter()
    for i in range(effort.rounds):
        if i >= 3 and perf_counter() - begin > effort.seconds:
            break
        first = i % len(names)
        for name in names[first:] + names[:first]:
            sleep(pause)
            if pause or calls[name] > 1:
                _call_for(WARM, contenders[name])
            times[name].append(_seconds_a_call(contenders[name], calls[name]))
        gc.collect()
    return times


def ratios(times: Times, base: str) -> dict[str, Any]:
    """By contender, how long it took as a multiple of ``base``, in each round."""
    return {name: np.array(taken) / np.array(times[base]) for name, taken in times.items()}


def _calls(call: Callable[[], Any], turn: float) -> int:
    """How many calls are a turn; the first one, which may compile, doesn't count."""
    call()
    return max(1, int(turn / _seconds_a_call(call, 1)))


def _call_for(seconds: float, call: Callable[[], Any]) -> None:
    end = perf_counter() + seconds
    while perf_counter() < end:
        call()


def _seconds_a_call(call: Callable[[], Any], calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        call()
    return (perf_counter() - start) / calls


@contextmanager
def _collector(on: bool) -> Iterator[None]:
    before = gc.isenabled()
    gc.freeze()  # it shan't look through what the other libraries brought
    if not on:
        gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if before:
            gc.enable()


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Within it, BLAS and PyTorch use so many threads; None leaves both as they are.

    JAX's number is fixed when it starts, and NumPy's only threads are those of its BLAS.
    """
    if count is None:
        yield
        return
    control = threadpoolctl()
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    try:
        with control.threadpool_limits(count) if control else nullcontext():
            if torch:
                torch.set_num_threads(count)
            yield
    finally:
        if torch:
            torch.set_num_threads(before)


def on_threads(count: int | None) -> str:
    """In words."""
    return {None: "default threads", 1: "one thread"}.get(count, f"{count} threads")
