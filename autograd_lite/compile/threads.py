"""Rows of a block on several threads, of which each has buffers of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def available() -> int:
    """How many threads to use: OMP_NUM_THREADS, as NumPy's BLAS, or the processors there are."""
    import os

    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sharing(buffers: list[tuple[Any, ...]]) -> Callable[..., Any]:
    """A function that takes parts of the rows through ``call``, a part on each thread.

    ``call(start, stop, *own buffers)`` gives lists, which are joined in the order of the rows: the
    result doesn't depend on the number of threads. Settings of `numpy.errstate` hold in all.
    """
    # Written out beside a program, so it stands for itself.
    from concurrent.futures import ThreadPoolExecutor, wait
    from contextvars import copy_context
    from itertools import chain
    from os import getpid

    pools: dict[int, Any] = {}

    def in_threads(call: Any, rows: int, block: int) -> Any:
        pool = pools.get(getpid())  # a forked process has none of the other's threads
        if pool is None:
            pool = pools[getpid()] = ThreadPoolExecutor(len(buffers) - 1)
        share = -(-rows // (block * len(buffers))) * block
        parts = [(start, min(start + share, rows)) for start in range(0, rows, share)]
        others = [
            pool.submit(copy_context().run, call, *part, *own)
            for part, own in zip(parts[1:], buffers[1:], strict=False)
        ]
        try:
            found = [call(*parts[0], *buffers[0])]
        finally:
            wait(others)  # they use the buffers
        found += [other.result() for other in others]
        return [list(chain(*lists)) for lists in zip(*found, strict=True)]

    return in_threads
