"""Training on Dask arrays: by blocks of rows, on the workers of a cluster, or on threads.

Of a batch of whole blocks each gradient is taken where its block is, in pieces that a processor's
cache holds; the gradients are summed as a tree, and one step is taken here. Parameters are NumPy's
all along. Batches smaller than a block are steps one after the other, which no cluster makes
quicker: blocks come here for them, the next ones while one is trained on.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import given
from autograd_lite.compile.watch import Watch
from autograd_lite.engine.leaves import array_of
from autograd_lite.engine.tensor import Array
from autograd_lite.errors import describe
from autograd_lite.gradients import pulled, seeded

from .data import Batch, Rows, Seen
from .module import Module
from .optimizers import Optimizer, check_trained
from .recording import undisturbed

_PIECE = 2**20  # bytes of x, of which a gradient is taken at once
_ARITY = 8  # of the tree
_FEWEST = 10  # blocks that fit into a worker's memory: some lie there, are read, or computed with
_AHEAD = 2  # blocks that are fetched before they are asked for


def is_lazy(x: Any) -> bool:
    """Whether it is a collection of Dask's."""
    return hasattr(x, "__dask_graph__")


class Blocks:
    """Dask arrays as `fit` goes through them: by the blocks of ``x`` along its rows.

    Raises:
        TypeError: a collection that is no array.
        ValueError: arrays of different lengths, or of unknown ones; a block that is too large for
            a worker.
    """

    def __init__(self, x: Any, y: Any) -> None:
        import dask.array as da

        for a in (x, y):
            if is_lazy(a) and not isinstance(a, da.Array):
                said = f"fit: of Dask's collections it takes arrays, not a {type(a).__name__}"
                raise TypeError(f"{said}; of a DataFrame, df.to_dask_array(lengths=True)")
        x, y = (a if is_lazy(a) else da.asarray(given(a, "fit")) for a in (x, y))
        if any(np.isnan(n) for a in (x, y) for n in a.shape):
            said = "fit: it isn't known how many rows the blocks have"
            raise ValueError(f"{said}: call x.compute_chunk_sizes() and y.compute_chunk_sizes()")
        many, others = (a.shape[0] if a.ndim else 0 for a in (x, y))
        if many != others:
            raise ValueError(f"fit: x has {many} rows and y has {others}")
        self.x, self.y = x, y
        self.rows: tuple[int, ...] = x.chunks[0] if many else ()
        if not many:
            return
        self.x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
        self.y = y.rechunk({0: x.chunks[0], **dict.fromkeys(range(1, y.ndim), -1)})
        self._refuse_large()

    def __len__(self) -> int:
        return sum(self.rows)

    def batches(self, size: int, shuffle: bool, rng: np.random.Generator) -> Iterator[Batch]:
        """Blocks, as many as have ``size`` rows, or one; or arrays of some rows of one block."""
        order = [i for i, n in enumerate(self.rows) if n]
        order = rng.permutation(order).tolist() if shuffle else order
        if size < self.usual:
            for x, y in self._loaded(order):
                yield from Rows(x, y).batches(size, shuffle, rng)
            return
        batch: list[int] = []
        room = size
        for i in order:
            if batch and self.rows[i] > room:
                yield None, (self, batch), None
                batch, room = [], size
            batch.append(i)
            room -= self.rows[i]
        yield None, (self, batch), None

    def mapped(self, f: Callable[..., Any], chosen: Sequence[int], *args: Any) -> list[Any]:
        """What ``f`` gives for each of some blocks of x and y, later; one task with what makes
        them, where Dask can join the two. Of an array among ``args`` each has its entry.
        """
        import dask.array as da
        from dask.delayed import Delayed

        axes = [("r", *[f"{name}{i}" for i in range(1, a.ndim)])
                for name, a in (("x", self.x), ("y", self.y))]  # fmt: skip
        every = (*axes[0], *axes[1][1:])  # none is summed over, so that blocks come as they are
        further = [z for arg in args for z in (arg, "r" if isinstance(arg, da.Array) else None)]
        found = da.blockwise(f, every, self.x, axes[0], self.y, axes[1], *further,
                             dtype=object, meta=np.empty(0, object), concatenate=True,
                             align_arrays=False)  # fmt: skip
        keys = [(found.name, i, *[0] * (len(every) - 1)) for i in chosen]
        graph = found.__dask_optimize__(found.__dask_graph__(), keys)
        return [Delayed(key, graph, layer=found.name) for key in keys]

    @property
    def usual(self) -> int:
        """The rows of the largest block: of a batch, where nothing is said."""
        return max(self.rows)

    def sample(self) -> Any:
        """Two rows."""
        import dask

        return dask.compute(self.x[:2], self.y[:2])

    def _loaded(self, order: list[int]) -> Iterator[tuple[Array, Array]]:
        from concurrent.futures import ThreadPoolExecutor

        import dask

        with ThreadPoolExecutor(_AHEAD) as pool:
            blocks = [(self.x.blocks[i], self.y.blocks[i]) for i in order]
            coming = [pool.submit(dask.compute, *both) for both in blocks[:_AHEAD]]
            for both in [*blocks[_AHEAD:], *[None] * len(coming)]:
                yield coming.pop(0).result()
                if both is not None:
                    coming.append(pool.submit(dask.compute, *both))

    def _refuse_large(self) -> None:
        """Raise where a worker of the cluster, if there is one, can't hold some blocks at once."""
        distributed: Any = sys.modules.get("distributed")
        try:
            client = distributed and distributed.get_client()
        except ValueError:  # there is none
            client = None
        if client is None:
            return
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        room = min((w["memory_limit"] / w["nthreads"] for w in workers if w["memory_limit"]),
                   default=np.inf)  # fmt: skip
        a_row = sum(a.nbytes for a in (self.x, self.y)) / len(self)
        if a_row * self.usual * _FEWEST > room:
            fitting = max(int(room / a_row / _FEWEST), 1)
            raise ValueError(
                f"fit: a block of {self.usual:,} rows has {a_row * self.usual / 1e6:,.1f} MB, too "
                f"much for workers of {room / 1e6:,.0f} MB a thread, which hold {_FEWEST} blocks "
                f"at least; make x of blocks of {fitting:,} rows or fewer, where it is read, or by "
                f"x.rechunk({{0: {fitting}}})"
            )


class BlockStep:
    """A step of training by a batch of `Blocks`; its gradients are those of the batch.

    It is sent to where a block is, and gives sums over rows there: their number, of the loss, of
    each metric; a list of each parameter's gradient; and what else the net's tensors hold then.
    """

    def __init__(
        self, net: Any, loss: Any, parameters: list[Tensor],
        metrics: Mapping[str, Callable[..., float]],
    ) -> None:  # fmt: skip
        self.net, self.loss, self.parameters = net, loss, parameters
        self._metrics = list(metrics.values())
        self._follows: list[Tensor] = []  # a call changes them, such as means of whole blocks

    def check(self, optimizer: Optimizer, x: Array, y: Array) -> None:
        """Raise where the net can't be trained on blocks, as some rows show."""
        net, loss = self.net, self.loss
        with undisturbed(net, self.parameters), np.errstate(all="ignore"):
            watch = Watch({"the net": net, "the loss": loss})
            states = [(g.bit_generator, g.bit_generator.state) for g in _generators(net)]
            own = net.tensor_owners() if isinstance(net, Module) else {}
            before = [(t, array_of(t).copy()) for t in own if t.is_leaf]
            value = loss(net(x), y)
            self._follows = [t for t, a in before if not np.array_equal(array_of(t), a)]
            for generator, state in states:
                generator.state = state
            if changed := watch.effect():
                raise ValueError(
                    f"fit: when it is called the net changes {changed}, which is lost in copies "
                    "for blocks of Dask's; give a batch_size below the rows of a block"
                )
        check_trained("fit", net, value, optimizer)

    def step(self, x: Any, y: Any, optimizer: Optimizer) -> Seen:
        seen, grads = self._summed(x, y, True)
        for parameter, grad in zip(self.parameters, grads, strict=True):
            parameter.grad = grad
        optimizer.step()
        return seen

    def seen(self, x: Any, y: Any) -> Seen:
        """What there is to see of a batch that isn't trained on, of arrays or blocks."""
        return self._summed(x, y, False)[0]

    def _summed(self, x: Any, y: Any, learns: bool) -> tuple[Seen, list[Any]]:
        summed = (self._on_blocks(x[0], x[1], learns) if y is None
                  else self.block(x, y, learns))  # fmt: skip
        (q, value, *measured), grads, followed = summed
        for tensor, array in zip(self._follows, followed, strict=True) if learns else ():
            tensor._replace(array)
        n = 1 if self.loss.reduction == "sum" else q
        return (q, value / n, [m / q for m in measured]), [g if g is None else g / n for g in grads]

    def _seeds(self, many: int) -> Any:
        """One for each block, drawn by the net's first generator; None where it has none."""
        import dask.array as da

        generators = _generators(self.net)
        return da.from_array(generators[0].integers(2**63, size=many), 1) if generators else None

    def _on_blocks(self, blocks: Blocks, chosen: Sequence[int], learns: bool) -> Any:
        import dask

        if learns and self._follows and len(chosen) > 1:
            raise ValueError(
                f"fit: {describe(self._follows[0])} follows the rows of each batch, and those of "
                f"several blocks lie apart; give a batch_size of one block, {blocks.usual}, or less"
            )
        work = dask.delayed(self, pure=False, traverse=False)
        added = dask.delayed(_added, pure=False)
        parts = blocks.mapped(_gradient, chosen, work, learns, self._seeds(len(blocks.rows)))
        while len(parts) > 1:
            parts = [added(parts[i : i + _ARITY]) for i in range(0, len(parts), _ARITY)]
        # Parameters are sent along in the graph: from there a worker that comes later has them.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            (found,) = dask.compute(*parts)
        return found

    def seeded(self, seed: int) -> BlockStep:
        """A copy that draws by generators of its own, and disturbs no other block's."""
        work = copy.deepcopy(self)
        for i, generator in enumerate(_generators(work.net)):
            bits = generator.bit_generator
            bits.state = type(bits)([seed, i]).state
        return work

    def block(self, x: Array, y: Array, learns: bool) -> Any:
        rows = len(x) if self._follows else max(_PIECE * len(x) // max(x.nbytes, 1), 1)
        return _added([self._piece(x[i : i + rows], y[i : i + rows], learns)
                       for i in range(0, len(x), rows)])  # fmt: skip

    def _piece(self, x: Array, y: Array, learns: bool) -> Any:
        with nullcontext() if learns else ag.no_grad():
            prediction = self.net(x)
            value = self.loss(prediction, y)
        found = pulled({value: seeded(value, None)}, set(self.parameters)) if learns else {}
        q = len(x)
        n = 1 if self.loss.reduction == "sum" else q
        measured = [metric(prediction.data, y) * q for metric in self._metrics]
        grads = [found[p] * n if p in found else None for p in self.parameters]
        return [q, value.item() * n, *measured], grads, [*map(array_of, self._follows)]


def _generators(net: Any) -> list[np.random.Generator]:
    """Those that the net's layers draw by, such as Dropout's."""
    modules = [m for _, m in net.named_modules()] if isinstance(net, Module) else []
    return [x for m in modules for x in vars(m).values() if isinstance(x, np.random.Generator)]


def _gradient(x: Any, y: Any, work: BlockStep, learns: bool, seed: Any) -> Any:
    return (work if seed is None else work.seeded(int(seed[0]))).block(x, y, learns)


def _added(parts: Sequence[Any]) -> Any:
    sums, grads, followed = zip(*parts, strict=True)
    return (
        [sum(x) for x in zip(*sums, strict=True)],
        [None if g[0] is None else sum(g[1:], g[0]) for g in zip(*grads, strict=True)],
        followed[-1],
    )
