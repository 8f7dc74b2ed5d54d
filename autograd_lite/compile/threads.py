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


def sharing(
    buffers: list[tuple[Any, ...]],
    pools: dict[tuple[int, int], Any] = {},  # noqa: B006  (one for all that share)
) -> Callable[..., Any]:
    """A function that takes parts of the rows through ``call``, a part on each thread.

    ``call(start, stop, *own buffers)`` gives lists, which are joined in the order of the rows: the
    result doesn't depend on the number of threads. Settings of `numpy.errstate` hold in all.
    """
    # Written out beside a program, so it stands for itself.
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context
    from itertools import chain
    from os import getpid

    def in_threads(call: Any, rows: int, block: int) -> Any:
        key = getpid(), len(buffers) - 1  # a forked process has none of the other's threads
        if key not in pools:
            pools[key] = ThreadPoolExecutor(key[1])
        pool = pools[key]

        def later(*given: Any) -> Any:
            try:
                return pool.submit(copy_context().run, call, *given).result
            except RuntimeError:  # Python is ending, and starts no threads any more
                found = call(*given)
                return lambda: found

        def end() -> None:
            """Wait for all parts, interrupted or not: they use the buffers."""
            pools.pop(key, None)
            while True:
                try:
                    pool.shutdown()
                    break
                except KeyboardInterrupt:
                    continue

        share = -(-rows // (block * len(buffers))) * block
        parts = [(start, min(start + share, rows)) for start in range(0, rows, share)]
        given = [(*part, *own) for part, own in zip(parts, buffers, strict=False)]
        try:
            others = [later(*x) for x in given[1:]]
            found = [call(*given[0]), *(other() for other in others)]
        except BaseException:
            end()
            raise
        return [list(chain(*lists)) for lists in zip(*found, strict=True)]

    return in_threads
