"""`fit` on Dask arrays: the numbers of NumPy's, where the blocks are."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn.cluster import Blocks

from ..each import each

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 5))
Y = (X.sum(axis=1, keepdims=True) > 0).astype(float)
CLASSES = RNG.integers(0, 3, 240)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0",
            memory_limit="8GB",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client


def in_blocks(a: Any, rows: Any = 40, columns: int = -1) -> Any:
    return da.from_array(a, chunks=(rows, columns)[: a.ndim])


def right(prediction: Any, target: Any) -> float:
    return float(np.mean((prediction > 0) == (target > 0.5)))


def trained(x: Any, y: Any, **settings: Any) -> tuple[nn.History, nn.Optimizer]:
    net = nn.MLP([5, 4, 1], activation="tanh", output="identity", rng=1)
    optimizer = nn.Adam(net.parameters(), lr=0.05)
    loss = nn.BCEWithLogitsLoss(settings.pop("reduction", "mean"))
    settings = {"epochs": 2, "metrics": {"right": right}, "validation": (x, y), **settings}
    return nn.fit(net, x, y, loss, optimizer, **settings), optimizer


def assert_same(found: Any, expected: Any) -> None:
    history, optimizer = found
    for ours, theirs in ((history, expected[0]), (history.validation, expected[0].validation)):
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=1e-12)
        np.testing.assert_allclose(ours.metrics["right"], theirs.metrics["right"], rtol=1e-12)
    for p, q in zip(optimizer.parameters, expected[1].parameters, strict=True):
        assert type(p.data) is np.ndarray
        np.testing.assert_allclose(p.data, q.data, rtol=1e-9, atol=1e-12)


@each({
    "a block": {"batch_size": 40},
    "two blocks": {"batch_size": 80},
    "more than two": {"batch_size": 80 + 39},
    "all": {"batch_size": 240},
    "sums": {"batch_size": 80, "reduction": "sum"},
    "some rows": {"batch_size": 8},
})  # fmt: skip
def test_steps_are_those_on_numpy_s_arrays(settings: Any):
    size = settings["batch_size"]
    whole = size // 40 * 40 or size  # blocks, that is
    found = trained(in_blocks(X, columns=2), in_blocks(Y, 100), **settings)
    assert_same(found, trained(X, Y, **settings | {"batch_size": whole}))


@each({
    "y of NumPy": (in_blocks(X), Y),
    "x of NumPy": (X, in_blocks(Y)),
    "blocks of different sizes, one empty": (in_blocks(X, (40, 0, 120, 80)), in_blocks(Y)),
})  # fmt: skip
def test_what_may_be_given(x: Any, y: Any):
    assert_same(trained(x, y, batch_size=240), trained(X, Y, batch_size=240))


def test_classes_and_a_net_of_one_s_own_on_threads():
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = ag.Tensor(np.zeros((5, 3)), requires_grad=True)
            self.unused = ag.Tensor(1.0, requires_grad=True)
            self.threads: set[int] = set()

        def forward(self, x: Any) -> Any:
            threads.add(threading.get_ident())
            return np.tanh(x) @ self.w

    threads: set[int] = set()
    nets = Net(), Net()
    for net, x, y in zip(nets, (X, in_blocks(X)), (CLASSES, in_blocks(CLASSES)), strict=True):
        optimizer = nn.AdamW(net.parameters(), lr=0.1)
        nn.fit(net, x, y, nn.CrossEntropyLoss(), optimizer, epochs=2, batch_size=40, compiled=False)
    np.testing.assert_allclose(nets[0].w.data, nets[1].w.data, rtol=1e-12)
    assert nets[1].unused.data == 1.0  # as it has no gradient
    assert len(threads) > 1


def test_blocks_are_shuffled_and_then_the_rows_of_each():
    rows = np.arange(240.0)[:, None]
    blocks = Blocks(in_blocks(rows), in_blocks(rows))

    def seen(size: int, seed: int) -> Any:
        batches = blocks.batches(size, True, np.random.default_rng(seed))
        return np.concatenate([
            x if y is not None else np.concatenate([rows[40 * i : 40 * i + 40] for i in x[1]])
            for _, x, y in batches
        ]).ravel()  # fmt: skip

    whole, few = seen(80, 0), seen(13, 0)
    for order in (whole, few):
        assert sorted(order) == list(range(240))
        of_blocks = (order // 40).reshape(6, 40)
        assert (of_blocks == of_blocks[:, :1]).all()
        assert of_blocks[:, 0].tolist() != list(range(6))
    assert (np.diff(whole.reshape(6, 40)) == 1).all()
    assert not (np.diff(few.reshape(6, 40)) == 1).all(axis=1).any()
    sizes = [len(y) for _, _, y in blocks.batches(13, True, np.random.default_rng(0))]
    assert sizes == [13, 13, 13, 1] * 6
    assert seen(13, 0).tolist() == few.tolist() != seen(13, 1).tolist()


def test_a_block_is_made_and_used_in_one_task():
    blocks = Blocks(da.ones((240, 5), chunks=(40, 5)), da.ones((240, 1), chunks=(40, 1)))
    found = blocks.mapped(lambda x, y, n: x.shape + y.shape + (n,), [3, 1], 7)
    assert len(dict(found[0].__dask_graph__())) == 2
    assert dask.compute(*found) == ((40, 5, 40, 1, 7),) * 2


def test_blocks_for_small_batches_are_fetched_two_ahead():
    fetched = []

    def read(x: Any, block_id: Any = None) -> Any:
        fetched.append(block_id)
        return x

    x = in_blocks(X).map_blocks(read, dtype=float, meta=X)
    fetched.clear()
    batches = Blocks(x, Y).batches(8, False, np.random.default_rng(0))
    for _ in range(5):  # of the first block
        next(batches)
    assert 1 <= len(fetched) <= 3
    assert [len(y) for _, _, y in batches] == [8] * 25
    assert len(fetched) == 6


class Counting(nn.Module):
    def __init__(self) -> None:
        self.linear, self.calls = nn.Linear(5, 1, rng=0), 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.linear(x)


class Drawing(Counting):
    def forward(self, x: Any) -> Any:
        return self.linear(x * (GENERATOR.random(x.shape) < 0.5))


GENERATOR = np.random.default_rng(0)
NORMALISED = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 1, rng=0))


REFUSED = {
    "lengths": (in_blocks(X), in_blocks(Y[:-1]), {}, "x has 240 rows and y has 239"),
    "a number": (in_blocks(X), da.from_array(1.0), {}, "x has 240 rows and y has 0"),
    "two numbers": (da.from_array(1.0), 1.0, {}, "no rows to train on"),
    "nothing apart": (in_blocks(X), Y, {"validation": (X[:0], Y[:0])}, "no rows to validate by"),
    "unknown": (in_blocks(X)[in_blocks(Y)[:, 0] > 0], Y, {}, r"x\.compute_chunk_sizes\(\)"),
    "no rows": (in_blocks(X[:0]), in_blocks(Y[:0]), {}, "no rows"),
    "record": (in_blocks(X), Y, {"record": 1}, r"record.*x\[:1000\]\.compute\(\)"),
    "a net that counts": (in_blocks(X), Y, {"net": Counting()}, "calls.*batch_size below"),
    "a net that draws": (in_blocks(X), Y, {"net": Drawing()}, "random generator.*batch_size below"),
    "several means": (in_blocks(X), Y, {"net": NORMALISED, "batch_size": 80},
                      "running_mean of shape.*of one block, 40"),
    "shapes": (in_blocks(X), in_blocks(Y[:, 0]), {}, "must have the same shape"),
    "not trained": (in_blocks(X), Y, {"optimizer": nn.SGD(nn.Linear(1, 1).parameters(), 1)},
                    "depends on none of the optimizer's"),
}  # fmt: skip


@each(REFUSED)
def test_what_is_refused(x: Any, y: Any, settings: Any, message: str):
    net = settings.get("net") or nn.Linear(5, 1, rng=0)
    optimizer = settings.get("optimizer") or nn.SGD(net.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=message):
        nn.fit(net, x, y, nn.MSELoss(), optimizer, 1, record=settings.get("record"),
               validation=settings.get("validation"),
               batch_size=settings.get("batch_size"))  # fmt: skip
    assert getattr(net, "calls", 0) == 0


def test_what_isn_t_an_array_and_compiled_steps_are_refused():
    net = nn.Linear(5, 1, rng=0)
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    with pytest.raises(TypeError, match=r"not a Delayed.*to_dask_array\(lengths=True\)"):
        nn.fit(net, dask.delayed(X), Y, nn.MSELoss(), optimizer, 1)
    with pytest.raises(ag.CompileError, match="steps are eager"):
        nn.fit(net, in_blocks(X), Y, nn.MSELoss(), optimizer, 1, compiled=True)


def test_a_net_that_draws_trains_on_some_rows_at_a_time():
    nets = Drawing(), Drawing()
    for net, x in zip(nets, (X, in_blocks(X)), strict=True):
        GENERATOR.bit_generator.state = np.random.default_rng(0).bit_generator.state
        optimizer = nn.SGD(net.parameters(), lr=0.1)
        nn.fit(net, x, Y, nn.MSELoss(), optimizer, 1, batch_size=20, compiled=False)
    assert nets[0].linear.weight.data.tolist() == nets[1].linear.weight.data.tolist()


class Masks(nn.Module):
    """Learns, in its only parameter, how often each entry of blocks was kept."""

    def __init__(self, seed: int) -> None:
        self.total, self.drop = ag.Tensor(np.zeros((1, 5)), True), nn.Dropout(0.5, rng=seed)

    def forward(self, x: Any) -> Any:
        return self.drop(x) * self.total


def test_dropout_draws_for_each_block_by_a_generator_of_its_own():
    def kept(seed: int, blocks: int, epochs: int = 1) -> Any:
        net, ones = Masks(seed), da.ones((blocks, 5), chunks=(1, 5))
        loss, optimizer = nn.SquaredErrorLoss("sum"), nn.SGD(net.parameters(), lr=0.5)
        nn.fit(net, ones, ones, loss, optimizer, epochs, batch_size=blocks, validation=(ones, ones))
        return net.total.data

    few, again, other = kept(0, 1), kept(0, 1), kept(1, 1)
    assert set(few.ravel()) == {0.0, 1.0}
    assert few.tolist() == again.tolist() != other.tolist()
    assert few.tolist() != kept(0, 1, epochs=2).tolist()  # another mask at each step
    many = kept(0, 400)
    np.testing.assert_allclose(many / 400, 0.5, atol=0.15)
    assert len(set(many.ravel())) > 1


def test_means_and_variances_are_those_of_a_block():
    def trained(x: Any) -> tuple[nn.History, Any]:
        net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 1, rng=0))
        loss, optimizer = nn.BCEWithLogitsLoss(), nn.Adam(net.parameters(), lr=0.1)
        history = nn.fit(net, x, Y, loss, optimizer, 2, batch_size=40, validation=(x, Y),
                         compiled=False)  # fmt: skip
        return history, [t.data for t in net.tensor_owners()]

    (found, tensors), (expected, theirs) = trained(in_blocks(X)), trained(X)
    np.testing.assert_allclose(found.validation.loss, expected.validation.loss, rtol=1e-12)
    apart = nn.Linear(5, 1, rng=0), nn.MSELoss(), {"metrics": {"right": right}}
    (loss, metrics), (its_loss, its_metrics) = (
        nn.evaluate(apart[0], x, Y, apart[1], **apart[2]) for x in (in_blocks(X), X)
    )
    assert (loss, metrics["right"]) == pytest.approx((its_loss, its_metrics["right"]))
    for x, y in zip(tensors, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9)


# ---------------------------------------------------------------------- on a cluster


def test_on_a_cluster_the_numbers_are_the_same(client: Any):
    for size in (80, 8):
        expected = trained(X, Y, batch_size=size)
        assert_same(trained(in_blocks(X), in_blocks(Y), batch_size=size), expected)


def test_gradients_are_taken_by_all_workers_and_summed_as_a_tree(client: Any):
    x = in_blocks(X, 6)  # 40 blocks
    ran: dict[str, list[str]] = {}  # on which worker

    class Noting(distributed.diagnostics.plugin.SchedulerPlugin):
        def transition(self, key: Any, start: str, finish: str, *_: Any, **known: Any) -> None:
            if (start, finish) == ("processing", "memory"):
                ran.setdefault(distributed.utils.key_split(key), []).append(known["worker"])

    client.cluster.scheduler.add_plugin(Noting(), name="noting")
    try:
        trained(x, Y, batch_size=len(x), epochs=1, validation=None)
    finally:
        client.cluster.scheduler.remove_plugin("noting")
    assert (len(ran["gradient"]), len({*ran["gradient"]})) == (40, 2)
    assert len(ran["added"]) == 5 + 1


def test_the_example_on_a_cluster(client: Any):
    from examples.cluster import main

    lines = list(main(client, blocks=4))
    assert lines[0] == "2 workers; 16 MB in 4 blocks of 10,000 rows"
    assert float(lines[4].split()[1]) < float(lines[2].split()[1])
    assert float(lines[-1].split()[-1]) < 1e-12


def test_blocks_that_are_too_large_for_a_worker_are_refused_before_they_are_made(client: Any):
    def read(block_id: Any) -> Any:
        raise AssertionError

    x = da.map_blocks(read, chunks=((10**8,), (12,)), dtype=float, meta=X)
    y = da.map_blocks(read, chunks=((10**8,), (1,)), dtype=float, meta=X)
    message = (r"a block of 100,000,000 rows has 10,400\.0 MB, too much for workers of 8,000 MB a "
               r"thread.* x\.rechunk\({0: 7692307}\)")  # fmt: skip
    net = nn.Linear(12, 1)
    with pytest.raises(ValueError, match=message):
        nn.fit(net, x, y, nn.MSELoss(), nn.SGD(net.parameters(), lr=1), 1)


def test_a_worker_that_dies_is_survived(tmp_path: Path):
    killed = tmp_path / "killed"

    def read(x: Any, block_id: Any = None) -> Any:
        if block_id[0] == 3 and not killed.exists():
            killed.touch()
            os._exit(1)
        return x

    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as one,
        distributed.Client(one),
    ):  # the one that is started instead has nothing of what there was
        x = in_blocks(X).map_blocks(read, dtype=float, meta=X)
        found = trained(x, in_blocks(Y), batch_size=80, validation=(X, Y))
    assert killed.exists()
    assert_same(found, trained(X, Y, batch_size=80))
