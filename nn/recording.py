"""Recording: what `fit` keeps of the steps it takes, so that they can be looked at afterwards."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.engine.leaves import array_of, held, hold
from autograd_lite.engine.tensor import Array
from autograd_lite.graph import walk
from autograd_lite.lines import forget, hint, user_line
from autograd_lite.seen import unseen

from .layers import MLP
from .losses import BCEWithLogitsLoss
from .module import Module
from .optimizers import Optimizer, is_descent

__all__ = ["Recording"]

_MOST_BYTES = 2**30  # of parameters that are kept


class Recording:
    """A training as `fit` went through it with ``record=n``: every n-th step, and the end.

    Steps are those of the optimizer: one a batch. What is kept under the number t is the state
    after t steps: the parameters, the batch that comes next, and its loss before it is learned
    from. So 0 is the net as it was given to `fit`, and the last is the trained net, with the loss
    of the last batch once more.

    ``ag.explain(recording, "training.html")`` makes a page of it.

    Attributes:
        steps: the numbers t: 0, n, 2n, …, and that of all steps.
        losses: of each, the loss of its batch; nan at the end of a training that diverged there.
        parameters: by name, a list of its values, one a number of ``steps``; not to be written to.
        net: the net that was trained. It has the parameters that it has now; see `at`.
        loss: the loss that it was trained by.
        x: ``(n, …)``, a copy of what it was trained on.
        y: ``(n, …)``, a copy of the targets.
        lrs: of each, the learning rate of the step that came next, where steps were
            ``w − lr · ∇w``; else None.
        trained: the parameters that the optimizer has.
        tensors: by name, the parameters themselves.

    Example:
        >>> import nn
        >>> net = nn.MLP([1, 1], output="identity", rng=0)
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> loss, optimizer = nn.SquaredErrorLoss(), nn.SGD(net.parameters(), lr=0.5)
        >>> record = nn.fit(net, x, 2 * x + 1, loss, optimizer, epochs=25, record=10).record
        >>> record.steps, [w.round(2).item() for w in record.parameters["W_01"]]
        ([0, 10, 20, 25], [0.27, 1.97, 1.99, 2.0])
        >>> with record.at(0):
        ...     net(x).data.round(2).tolist()
        [[0.0], [0.27], [0.55]]
    """

    def __init__(
        self, net: Module, x: Array, y: Array, loss: Callable[..., Tensor], optimizer: Optimizer,
        every: int, total: int,
    ) -> None:  # fmt: skip
        self.net, self.loss = net, loss
        self.x, self.y = x.copy(), y.copy()
        self.lrs: list[float] | None = [] if is_descent(optimizer) else None
        self.trained = frozenset(optimizer.parameters)
        self._optimizer = optimizer
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.tensors = _named(net, optimizer)
        self.parameters: dict[str, list[Array]] = {name: [] for name in self.tensors}
        self._rows: list[Any] = []
        self._every, self._taken = every, 0
        _refuse_too_much(self, every, total)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"Recording(steps={self.steps}, net={self.net!r})"

    def explained(self) -> Recording:
        """Itself: what `ag.explain` asks for what it is to explain."""
        return self

    def batch(self, i: int) -> tuple[Array, Array]:
        """The rows of ``x`` and of ``y`` that came next after ``steps[i]`` steps."""
        rows = self._rows[i]
        return self.x[rows], self.y[rows]

    @contextmanager
    def at(self, i: int) -> Iterator[Module]:
        """Within it the net has the parameters that it had after ``steps[i]`` steps.

        Afterwards it is again as it was, also where it changes its own attributes when called.
        """
        values = {t: self.parameters[name][i] for name, t in self.tensors.items()}
        with undisturbed(self.net, list(values)):
            for tensor, value in values.items():
                tensor._replace(value)
            yield self.net

    @contextmanager
    def replayed(self, i: int, rows: slice | None = None) -> Iterator[Tensor]:
        """As `at`, but it gives the loss that the next step was taken by, with its graph.

        That is computed anew, from its batch or other ``rows``, within `ag.source_lines`: what
        modules of one's own compute has its lines.

        Warns:
            UserWarning: the loss isn't the one that was recorded: the net was changed in other
                ways than by training since, or draws random numbers.
        """
        x, y = self.batch(i) if rows is None else (self.x[rows], self.y[rows])
        with self.at(i) as net:
            with ag.source_lines():
                loss = self.loss(net(x), y)
            # Of layers that aren't the user's own, the line is the one that asks for the replay.
            forget(walk(loss), user_line())
            again, was = float(array_of(loss)), self.losses[i]  # no look at a value
            close = 1e-6 if loss.dtype.itemsize >= 8 else 1e-2
            if rows is None and np.isfinite(was) and not np.isclose(again, was, close, 1e-9):
                hint(
                    f"replayed: after {self.steps[i]} steps the loss is {again:.6g} now, and was "
                    f"{was:.6g}: the net or the loss was changed since, or draws random numbers"
                )
            yield loss

    def predict(self, i: int, x: Array) -> Array:
        """What the net gave for ``x`` after ``steps[i]`` steps."""
        if self.x.dtype.kind == "f":
            x = x.astype(self.x.dtype, copy=False)
        with self.at(i) as net, unseen():
            prediction: Array = net(x).numpy()
        return prediction

    def loss_of_all(self, i: int) -> float:
        """The loss of all of ``x`` after ``steps[i]`` steps; nan where it can't be computed."""
        return self._loss_of(i, self.x, self.y)

    @property
    def level(self) -> float | None:
        """The prediction between two classes, where the loss decides it: 0 for logits."""
        return 0.0 if isinstance(self.loss, BCEWithLogitsLoss) else None

    @property
    def first_layer(self) -> tuple[str, str | None] | None:
        """The names of weight and bias of the first of several layers, where it is known."""
        if not isinstance(self.net, MLP) or len(self.net.layers) < 2:
            return None
        names = {tensor: name for name, tensor in self.tensors.items()}
        first = self.net.layers[0]
        return names[first.weight], None if first.bias is None else names[first.bias]

    def _before(self, rows: Any) -> None:
        """Called before the step of these rows."""
        if self._taken % self._every == 0:
            self._keep(rows)
        self._latest = rows

    def _after(self, loss: float) -> None:
        """Called after it, with the loss that it saw."""
        if self._taken % self._every == 0:
            self.losses.append(loss)
        self._taken += 1

    def _finish(self) -> None:
        """Keep the end, too."""
        if self._taken:
            self._keep(self._latest)
            self.losses.append(self._loss_of(-1, *self.batch(-1)))

    def _keep(self, rows: Any) -> None:
        """The parameters as they are now, and the rows that come next."""
        self.steps.append(self._taken)
        if self.lrs is not None:
            self.lrs.append(self._optimizer.lr)
        self._rows.append(rows if isinstance(rows, slice) else rows.copy())
        for name, tensor in self.tensors.items():
            value = array_of(tensor).copy()
            value.flags.writeable = False
            self.parameters[name].append(value)

    def _loss_of(self, i: int, x: Array, y: Array) -> float:
        with self.at(i) as net, unseen(), np.errstate(all="ignore"):
            try:
                return float(self.loss(net(x), y).item())
            except (ValueError, ArithmeticError):  # the steps led to what a loss refuses
                return float("nan")


def _refuse_too_much(recording: Recording, every: int, total: int) -> None:
    size = sum(array_of(t).nbytes for t in recording.tensors.values())
    kept = -(-total // every) + 1
    if kept * size > _MOST_BYTES:
        most = max(_MOST_BYTES // size - 1, 1)
        enough = -(-total // most)
        remedy = f"record={enough}" if enough > every else "a smaller net"
        raise ValueError(
            f"fit: record={every} would keep {kept} copies of {size:,} bytes of parameters, more "
            f"than {_MOST_BYTES:,} bytes in all; try {remedy}"
        )


def _named(net: Any, optimizer: Optimizer) -> dict[str, Tensor]:
    """The net's parameters and the optimizer's by name; by path where a name isn't one's own."""
    paths = list(net.named_parameters()) if isinstance(net, Module) else []
    known = {tensor for _, tensor in paths}
    paths += [(f"parameter {i}", t) for i, t in enumerate(optimizer.parameters) if t not in known]
    used = Counter(tensor.name for _, tensor in paths)
    return {
        tensor.name if tensor.name and used[tensor.name] == 1 else path: tensor
        for path, tensor in paths
    }


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # what can't be copied, a lock or a file, whatever it raises
        return value


@contextmanager
def kept(tensors: Iterable[Tensor]) -> Iterator[dict[Tensor, Any]]:
    """After it they hold what they held before."""
    before = {t: held(t) for t in tensors}
    try:
        yield before
    finally:
        for t, (array, exposed) in before.items():
            hold(t, array, exposed)


@contextmanager
def kept_attributes(net: Any) -> Iterator[list[tuple[Module, dict[str, Any]]]]:
    """After it the net's modules have the attributes that they had before."""
    modules = [m for _, m in net.named_modules()] if isinstance(net, Module) else []
    before = [(module, dict(vars(module))) for module in modules]
    try:
        yield before
    finally:
        for module, values in before:
            vars(module).clear()
            vars(module).update(values)


@contextmanager
def undisturbed(net: Any, tensors: list[Tensor]) -> Iterator[None]:
    """Afterwards the tensors hold the arrays that they held, and modules the attributes.

    Within it modules have copies of what may be written to: counts, running means, generators.
    """
    with kept_attributes(net) as attributes:
        own = [t for module, _ in attributes for t in module.tensor_owners()]
        memo = {id(x): x for x in (*(m for m, _ in attributes), *tensors, *own)}
        with kept({*tensors, *filter(attrgetter("is_leaf"), own)}):
            for module, values in attributes:
                vars(module).update((name, _copied(value, memo)) for name, value in values.items())
            yield
