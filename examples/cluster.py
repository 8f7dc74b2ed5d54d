"""Training on a cluster, here of two workers on this machine: ``python -m examples.cluster``.

The data are a Dask array, whose blocks are made where they are needed, as if each were read from a
file; there ``nn.fit`` takes the gradient of each. ``--address`` names the scheduler of another
cluster, whose workers need this package.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

import nn

from .console import print_what_can_be_shown

ROWS, FEATURES = 10_000, 50  # of a block


def read(block_id: Any) -> Any:
    return np.random.default_rng(block_id[0]).standard_normal((ROWS, FEATURES))


def labels(x: Any) -> Any:
    return (np.sin(x[:, :5]).sum(axis=1, keepdims=True) > 0).astype(float)


def main(client: Any, blocks: int = 20) -> Iterator[str]:
    rows, empty = (ROWS,) * blocks, np.empty((0, 0))
    x = da.map_blocks(read, chunks=(rows, (FEATURES,)), dtype=float, meta=empty)
    y = x.map_blocks(labels, chunks=(rows, (1,)), dtype=float, meta=empty)
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    yield f"{workers} workers; {x.nbytes / 1e6:.0f} MB in {blocks} blocks of {ROWS:,} rows"

    loss, net = nn.BCEWithLogitsLoss(), nn.MLP([50, 64, 1], "tanh", output="identity", rng=0)
    optimizer = nn.Adam(net.parameters(), lr=0.01)
    history = nn.fit(
        net, x[ROWS:], y[ROWS:], loss, optimizer, epochs=3, batch_size=2 * ROWS, shuffle=True,
        rng=0, metrics={"right": lambda z, y: np.mean((z > 0) == y)},
        validation=(x[:ROWS], y[:ROWS]),
    )  # fmt: skip
    yield "epoch  loss    and of a block that is kept apart  of which are right"
    other = history.validation or history
    for i, value in enumerate(history.loss):
        yield f"{i + 1:5}  {value:.4f}  {other.loss[i]:30.4f}  {other.metrics['right'][i]:15.1%}"

    found = []
    for data in ((x, y), (x.compute(), y.compute())):
        net = nn.MLP([50, 64, 1], "tanh", output="identity", rng=0)
        step = nn.SGD(net.parameters(), lr=1.0)
        value = nn.fit(net, *data, loss, step, 1, batch_size=len(x), compiled=False).loss[0]
        found.append([value, *(p.numpy() for p in net.parameters())])
    most = max(np.abs(a - b).max() for a, b in zip(*found, strict=True))
    yield f"after a step by all rows, loss and parameters are NumPy's but for {most:.1e}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.cluster", description=__doc__)
    parser.add_argument("--address", help="of a scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument("--blocks", type=int, default=20)
    options = parser.parse_args()
    print_what_can_be_shown()
    own = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with Client(options.address or LocalCluster(**own)) as workers:
        for line in main(workers, options.blocks):
            print(line, flush=True)
