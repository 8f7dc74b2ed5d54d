"""Dask: loss and gradient of data that are larger than the workers' memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any, NamedTuple

import numpy as np

import nn

from .report import Result, Table, number
from .timing import Effort, threads

FEATURES, HIDDEN = 50, 64
MEMORY = "400MB"
NUMPY, DASK, FIT = "NumPy in chunks, one core", "dask.array by hand", "nn.fit"
NETS = {"logistic regression": [FEATURES, 1], "50-64-1": [FEATURES, HIDDEN, 1]}


@dataclass(frozen=True)
class Data:
    """So many blocks, of so many rows each."""

    blocks: int
    rows: int

    def __len__(self) -> int:
        return self.blocks * self.rows

    def lazy(self) -> tuple[Any, Any]:
        """Dask arrays, of which a block is made when it is asked for."""
        import dask.array as da

        def made(draw: Any, columns: int) -> Any:
            chunks = (self.rows,) * self.blocks, (columns,)
            return da.map_blocks(lambda block_id: draw(block_id[0], self.rows), chunks=chunks,
                                 dtype=float, meta=np.empty((0, 0)))  # fmt: skip

        return made(block, FEATURES), made(labels, 1)


class Found(NamedTuple):
    loss: float
    gradients: list[Any]


def block(i: int, rows: int) -> Any:
    """Rows of one block, as a file would have them."""
    return np.random.default_rng(i).standard_normal((rows, FEATURES))


def labels(i: int, rows: int) -> Any:
    return np.random.default_rng([i, 1]).integers(0, 2, (rows, 1)).astype(float)


def by_hand(p: list[Any], x: Any, y: Any) -> tuple[Any, list[Any]]:
    """Loss and gradients, summed over the rows, of arrays of NumPy or of Dask."""
    h = np.tanh(x @ p[0] + p[1]) if len(p) == 4 else x
    z = h @ p[-2] + p[-1]
    delta = 1 / (1 + np.exp(-z)) - y
    gradients = [h.T @ delta, delta.sum(axis=0, keepdims=True)]
    if len(p) == 4:
        inner = (delta @ p[2].T) * (1 - h * h)
        gradients = [x.T @ inner, inner.sum(axis=0, keepdims=True), *gradients]
    return np.sum(np.logaddexp(0, z) - y * z), gradients


def in_chunks(net: nn.Module, data: Data) -> Found:
    p = [t.numpy() for t in net.parameters()]
    total, sums = 0.0, [np.zeros_like(a) for a in p]
    for i in range(data.blocks):
        x = block(i, data.rows)
        value, gradients = by_hand(p, x, labels(i, data.rows))
        total += value
        for a, g in zip(sums, gradients, strict=True):
            a += g
    return Found(total / len(data), [a / len(data) for a in sums])


def with_dask(net: nn.Module, data: Data) -> Found:
    import dask
    import dask.array as da

    p = [da.from_array(t.numpy(), chunks=-1) for t in net.parameters()]
    value, gradients = dask.compute(*by_hand(p, *data.lazy()))
    return Found(float(value) / len(data), [g / len(data) for g in gradients])


def with_fit(net: nn.Module, data: Data) -> Found:
    optimizer = nn.SGD(net.parameters(), lr=1.0)
    loss = nn.BCEWithLogitsLoss()
    history = nn.fit(net, *data.lazy(), loss, optimizer, epochs=1, batch_size=len(data))
    return Found(history.loss[0], [p.grad for p in optimizer.parameters])


WAYS: dict[str, Callable[[nn.Module, Data], Found]] = {
    NUMPY: in_chunks, DASK: with_dask, FIT: with_fit,
}  # fmt: skip


class Run(NamedTuple):
    """What one way took: seconds, those of processors in all processes, tasks that workers ran, and
    a worker's memory at most, in MB.
    """

    found: Found
    seconds: float
    processors: float
    tasks: int
    peak: float


class Cluster:
    """Workers on this machine, watched while they work."""

    def __init__(self, cluster: Any, client: Any) -> None:
        from distributed.diagnostics.plugin import SchedulerPlugin

        class Counting(SchedulerPlugin):
            tasks = 0

            def transition(self, key: Any, start: str, finish: str, *_: Any, **kw: Any) -> None:
                self.tasks += (start, finish) == ("processing", "memory")

        self._client, self._counting = client, Counting()
        cluster.scheduler.add_plugin(self._counting)

    def run(self, way: str, widths: list[int], data: Data) -> Run:
        import psutil

        self._client.run(__import__, "nn")
        workers = [psutil.Process(pid) for pid in self._client.run(os.getpid).values()]
        before, done, peaks = self._counting.tasks, threading.Event(), [0.0]

        def running() -> list[Any]:  # one that took too much memory was ended
            return [w for w in workers if w.is_running()]

        def processors() -> float:
            return sum(sum(p.cpu_times()[:2]) for p in (psutil.Process(), *running()))

        def look() -> None:
            while not done.is_set():
                with suppress(psutil.NoSuchProcess):
                    peaks.extend(w.memory_info().rss for w in running())
                sleep(0.02)

        watching = threading.Thread(target=look)
        watching.start()
        try:
            net = nn.MLP(widths, activation="tanh", output="identity", rng=1)
            with threads(1):
                start, used = perf_counter(), processors()
                found = WAYS[way](net, data)
                seconds, used = perf_counter() - start, processors() - used
        finally:
            done.set()
            watching.join()
        if len(running()) < len(workers):
            print(f"{way}: a worker was ended, and another took its place")
            used = float("nan")  # its share isn't known
        return Run(found, seconds, used, self._counting.tasks - before, max(peaks) / 1e6)


@contextmanager
def workers(**settings: Any) -> Iterator[Cluster]:
    """Two, of one thread and `MEMORY` each, if settings don't say otherwise."""
    from distributed import Client, LocalCluster

    usual = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": MEMORY,
             "dashboard_address": ":0"}  # fmt: skip
    with LocalCluster(**usual | settings) as cluster, Client(cluster) as client:
        yield Cluster(cluster, client)


def digits(found: Found, right: Found) -> float:
    """To how many digits loss and gradient agree; of the latter, beside its largest entry."""
    errors = [abs(found.loss - right.loss) / abs(right.loss)]
    for a, b in zip(found.gradients, right.gradients, strict=True):
        errors.append(np.abs(a - b).max() / np.abs(b).max())
    return float(-np.log10(max(*errors, 1e-16)))


def measured(effort: Effort) -> Result:
    """Tables of the ways, and of how `nn.fit` grows with the rows."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        return Result([Table(("Dask", "s"), [], "distributed isn't installed (extra dask).")])
    data = Data(*effort.blocks)
    quarter = Data(data.blocks // 4, data.rows)
    tables, growth = [], []
    with workers() as cluster:
        for title, widths in NETS.items():
            rounds = [{way: cluster.run(way, widths, data) for way in WAYS}
                      for _ in range(effort.cluster_rounds)]  # fmt: skip
            right, rows = rounds[0][NUMPY].found, []
            for way in WAYS:
                runs = [r[way] for r in rounds]
                ratio = np.median([r[way].seconds / r[DASK].seconds for r in rounds])
                rows.append((
                    way, number(float(np.median([r.seconds for r in runs]))), f"{ratio:.2f}",
                    number(float(np.median([r.processors for r in runs]))),
                    "" if way == NUMPY else f"{min(digits(r.found, right) for r in runs):.1f}",
                    "" if way == NUMPY else f"{runs[-1].tasks:,}",
                    "" if way == NUMPY else f"{max(r.peak for r in runs):.0f}",
                ))  # fmt: skip
            size = len(data) * FEATURES * 8 / 1e9
            head = f"{title}: {len(data):,} rows, {size:.3g} GB, {data.blocks} blocks"
            tables.append(Table((head, "s", f"ratio to {DASK}", "CPU s", "digits", "tasks",
                                 "a worker's peak, MB"), rows))  # fmt: skip
            fewer = [cluster.run(FIT, widths, quarter).seconds
                     for _ in range(effort.cluster_rounds)]  # fmt: skip
            all_rows = [r[FIT].seconds for r in rounds]
            few, many = float(np.median(fewer)), float(np.median(all_rows))
            growth.append((title, number(few), number(many), f"{many / few:.2f}"))
    heads = ("nn.fit", f"s, {len(quarter):,} rows", f"s, {len(data):,} rows", "ratio")
    return Result([*tables, Table(heads, growth)])
