"""fit: the training loop."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from typing import Any, TypedDict, Unpack

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import array_of, given
from autograd_lite.compile.graph import CompileError
from autograd_lite.engine.tensor import Array
from autograd_lite.errors import imported
from autograd_lite.lines import hint

from .cluster import Blocks, BlockStep, is_lazy
from .data import Rows, Seen
from .layers import Rng
from .losses import _Loss
from .module import Module, whole
from .optimizers import LambdaLR, Optimizer
from .recording import Recording, kept_attributes
from .train_step import TrainStep

__all__ = [
    "CompileWarning", "History", "accuracy", "evaluate", "fit",
]  # fmt: skip

Metric = Callable[[Array, Array], float]
Metrics = Mapping[str, Metric] | Iterable[Metric] | Metric | None


class CompileWarning(UserWarning):
    """`fit` trains eagerly, since the step can't be compiled; the message says why."""


@dataclass(repr=False)
class History:
    """What `fit` saw in each epoch, before each batch's step.

    Attributes:
        loss: the mean of the loss an observation (with ``reduction="sum"``, the sum).
        metrics: each metric's mean an observation.
        record: the steps that were kept, with ``record=n``; else None.
        validation: the same after each epoch, of the data that are kept apart; None without them.
        best: the epoch, counted from 0, after which the loss of the validation data was least.

    Example:
        >>> import numpy as np, nn
        >>> net, x = nn.MLP([1, 1], rng=0), np.array([[0.0], [1.0]])
        >>> nn.fit(net, x, x, nn.BCELoss(), nn.SGD(net.parameters(), lr=1.0), epochs=20)
        <History of 20 epochs, loss 0.6293 → 0.2342>
    """

    loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    record: Recording | None = None
    validation: History | None = None
    best: int | None = None

    def __repr__(self) -> str:
        return f"<History of {_said(self)}>"

    def _repr_html_(self) -> str:
        """For Jupyter: the losses as curves."""
        return f"<div>{escape(_said(self))}</div>{_curves(self)}" if self.loss else repr(self)

    def explained(self) -> Recording:
        """The record, which `ag.explain` makes a page of.

        Raises:
            ValueError: nothing was recorded.
        """
        if self.record is None:
            said = "explain: this training wasn't recorded: train with nn.fit(…, record=10)"
            raise ValueError(f"{said}, which keeps every tenth step")
        return self.record

    def _add(self, batches: Iterable[Seen], reduction: str) -> None:
        """Add an epoch, of what its batches gave."""
        n, total, sums = 0, 0.0, [0.0] * len(self.metrics)
        for q, value, measured in batches:
            n += q
            total += value * (q if reduction == "mean" else 1)
            sums = [a + b * q for a, b in zip(sums, measured, strict=True)]
        self.loss.append(total / n if reduction == "mean" else total)
        for values, a in zip(self.metrics.values(), sums, strict=True):
            values.append(a / n)


def _curves(history: History) -> str:
    """The loss by epochs, of the validation data too; logarithmic where it spans two powers.

    Empty where there is no matplotlib, which draws it.
    """
    if find_spec("matplotlib") is None:
        return ""
    from matplotlib.figure import Figure  # only when something is shown

    from autograd_lite.show import plots

    curves = {"loss": history.loss}
    if history.validation is not None:
        curves["validation"] = history.validation.loss
    with plots.styled({"font.size": 9}):
        figure = Figure((5, 2.3), layout="constrained")
        axes = figure.add_subplot(xlabel="epoch")
        for name, losses in curves.items():
            axes.plot(np.arange(1, len(losses) + 1), losses, label=name)
        values = np.concatenate([*curves.values()])
        finite = values[np.isfinite(values)]
        if finite.min(initial=np.inf) * 100 < finite.max(initial=0) and (finite > 0).all():
            axes.set_yscale("log")
        axes.locator_params("x", integer=True)
        axes.legend()
        if history.best is not None:
            axes.axvline(history.best + 1, color="gray", linestyle=":")
        return plots.svg(figure, f'role="img" aria-label="{escape(_said(history))}"')


def _said(history: History) -> str:
    """A line on it."""
    if not history.loss:
        return "no epochs"
    parts = [f"{len(history.loss)} epochs, loss {history.loss[0]:.4g} → {history.loss[-1]:.4g}"]
    parts += [f"{name} {values[-1]:.4g}" for name, values in history.metrics.items()]
    if history.validation is not None and history.best is not None:
        best = history.validation.loss[history.best]
        parts.append(f"validation {best:.4g} at best, in epoch {history.best + 1}")
    return ", ".join(parts)


class Options(TypedDict, total=False):
    """What `fit` takes besides, each by its name."""

    shuffle: bool
    rng: Rng
    metrics: Metrics
    progress: bool
    compiled: bool | None
    record: int | None
    validation: tuple[Any, Any] | None
    patience: int | None
    schedule: LambdaLR | None


def fit(
    net: Module,
    x: Any,
    y: Any,
    loss: _Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    **options: Unpack[Options],
) -> History:
    """Train ``net``: for each epoch and each batch, forward, loss, backward, step.

    The steps are those of a `TrainStep` where one can be compiled: the numbers of eager training,
    up to rounding. That stores no gradients, so each of the optimizer's parameters has a ``grad``
    of None afterwards; trained eagerly, it has that of the last batch.

    Dask arrays are gone through by the blocks of ``x``, on the cluster of the `distributed.Client`
    that there is, else on threads. A batch is of whole blocks, as many as have ``batch_size`` rows;
    the gradient of each is taken, eagerly, where the block is, and they are summed as a tree. With
    a ``batch_size`` below the rows of a block, blocks come here, and steps are of some rows of one
    after the other. Shuffled are the blocks, and then the rows within each.

    Args:
        net: called with a batch of ``x``.
        x: ``(n, …)``, one row an observation; of NumPy or of Dask.
        y: ``(n, …)``, its targets.
        loss: with ``reduction`` "mean" or "sum".
        optimizer: of the parameters to train.
        epochs: how often to go through the data.
        batch_size: rows a step: 32, and of Dask arrays those of a block.

    Options:
        shuffle: draw the order of the rows anew in each epoch, with ``rng``.
        rng: a generator, or a seed for one.
        metrics: functions of (predictions, targets) of a batch, such as `accuracy`: a dict by the
            names that they are to have, or one, or several, by their own.
        progress: show a progress bar where the output is a terminal (extra ``progress``).
        compiled: where a step can't be compiled, True raises, and None warns (`CompileWarning`) and
            trains eagerly, as False does from the start. While compiling is tried, ``net`` and
            ``loss`` are called some times more, and may draw further random numbers.
        record: n, to keep the state before the first step, after each n-th, and after the last:
            ``history.record``, a `Recording`. A step is one batch. Each state that is kept takes
            the memory of all parameters once, and x and y are copied once; training is the same.
        validation: x and y of data that aren't trained on: ``history.validation`` has their loss
            and metrics after each epoch, with ``net.eval()``.
        patience: n, to stop when the loss of the validation data hasn't become less for n epochs,
            with the parameters that it was least with.
        schedule: of the learning rate, such as `CosineAnnealingLR`; a step after each epoch.

    Raises:
        CompileError: a step that can't be compiled, with ``compiled=True``.
        ValueError: no rows, x and y of different lengths, or a loss that isn't reduced, or that
            depends on none of the optimizer's parameters; a ``record`` that isn't a positive int,
            or keeps more than 2³⁰ bytes. Of Dask arrays: blocks that are too large for a worker, or
            of which it isn't known how many rows they have; a ``record``; and, on whole blocks, a
            net that changes when it is called, but for its layers' own generators (`Dropout`) and,
            in batches of one block, its tensors (`BatchNorm1d`). Patience without validation.
        TypeError: a loss that isn't one of nn's; an option that there isn't.
        FloatingPointError: the loss became nan or infinite.

    Warns:
        UserWarning: what the loss uses requires a gradient, and the optimizer hasn't got it.

    Example:
        >>> import nn
        >>> net = nn.MLP([1, 1], output="identity", rng=0)
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> loss, optimizer = nn.SquaredErrorLoss(), nn.SGD(net.parameters(), lr=0.5)
        >>> history = nn.fit(net, x, 2 * x + 1, loss, optimizer, epochs=100, batch_size=3)
        >>> net["W_01"].data.round(2), net["b_01"].data.round(2)
        (array([[2.]]), array([[1.]]))
    """
    known = Options.__annotations__
    if unknown := options.keys() - known.keys():
        raise TypeError(f"fit: there is no option {min(unknown)!r}; there are {', '.join(known)}")
    shuffle, record = options.get("shuffle", False), options.get("record")
    compiled, schedule = options.get("compiled"), options.get("schedule")
    data = _data(x, y, "train on")
    _check_loss("fit", loss)
    epochs = whole("fit: epochs", epochs, 0)
    size = data.usual if batch_size is None else whole("fit: batch_size", batch_size, 1)
    generator = np.random.default_rng(options.get("rng"))
    functions = _by_name(options.get("metrics"))
    history = History(metrics={name: [] for name in functions})
    patience = options.get("patience")
    apart = _apart(options.get("validation"), patience)
    best: list[tuple[Tensor, Array]] = []  # the parameters with which its loss was least
    if apart is not None:
        history.validation = History(metrics={name: [] for name in functions})
    if record is not None:
        steps = epochs * -(-len(data) // size)
        history.record = _recording(record, data, net, loss, optimizer, steps)
    train, step = TrainStep(net, loss, optimizer), None
    blocks = BlockStep(net, loss, optimizer.parameters, functions)
    if isinstance(data, Blocks) and size >= data.usual:
        if compiled:
            raise CompileError("fit: on whole blocks of Dask's arrays steps are eager")
        blocks.check(optimizer, *data.sample())
    else:
        step = _Step(train, functions, compiled)

    def trained() -> Iterator[Seen]:
        for rows, x_batch, y_batch in data.batches(size, shuffle, generator):
            if history.record is not None:
                history.record._before(rows)
            seen = step(x_batch, y_batch) if step else blocks.step(x_batch, y_batch, optimizer)
            if history.record is not None:
                history.record._after(seen[1])
            yield seen

    try:
        for epoch in _shown(epochs, options.get("progress", False), history):
            history._add(trained(), loss.reduction)
            if not np.isfinite(history.loss[-1]):
                said = f"fit: the loss became {history.loss[-1]} in epoch {epoch}"
                raise FloatingPointError(f"{said}; try a smaller learning rate")
            if history.validation is not None:
                _look(net, blocks, apart, len(apart), history.validation)
                losses = history.validation.loss
                if history.best is None or losses[epoch] < losses[history.best]:
                    history.best = epoch
                    held = net.named_parameters() if patience and isinstance(net, Module) else ()
                    best = [(p, p.numpy()) for _, p in held]
            if schedule is not None:
                schedule.step()
            if patience is not None and epoch - (history.best or 0) >= patience:
                break
    finally:
        if step is not None:
            step.train.release()
    if history.record is not None:
        history.record._finish()
    for parameter, value in best:
        parameter._replace(value)
    return history


def _by_name(metrics: Metrics) -> dict[str, Metric]:
    several = [metrics] if callable(metrics) else metrics or ()
    if not isinstance(several, Mapping):
        several = {getattr(metric, "__name__", repr(metric)): metric for metric in several}
    if not all(map(callable, several.values())):
        raise TypeError(f"metrics must be functions of (predictions, targets), not {metrics!r}")
    return dict(several)


def _check_loss(where: str, loss: Any) -> None:
    if isinstance(loss, type) or not hasattr(loss, "reduction"):
        raise TypeError(f"{where}: the loss must be a loss of nn, as nn.BCELoss(), not {loss!r}")
    if loss.reduction == "none":
        raise ValueError(f"{where}: a loss that isn't reduced can't be trained on; use mean or sum")


def evaluate(
    net: Module, x: Any, y: Any, loss: _Loss, batch_size: int = 1024, metrics: Metrics = None
) -> tuple[float, dict[str, float]]:
    """The loss and the metrics of ``net``, which is as it was afterwards.

    It is called as in evaluation, ``net.eval()``, and within ``ag.no_grad()``.

    Args:
        net: called with a batch of ``x``.
        x: ``(n, …)``, one row an observation; of NumPy or of Dask.
        y: ``(n, …)``, its targets.
        loss: with ``reduction`` "mean" or "sum".
        batch_size: rows a call; Dask arrays are gone through by their blocks, as in `fit`.
        metrics: as in `fit`.

    Raises:
        ValueError: no rows, x and y of different lengths, or a loss that isn't reduced.

    Example:
        >>> import nn
        >>> net = nn.MLP([1, 1], rng=0)
        >>> x, y = np.array([[0.0], [3.0]]), np.array([[1.0], [1.0]])
        >>> loss, metrics = nn.evaluate(net, x, y, nn.BCELoss(), metrics={"right": nn.accuracy})
        >>> round(loss, 3), metrics
        (0.529, {'right': 1.0})
    """
    data = _data(x, y, "evaluate by")
    _check_loss("evaluate", loss)
    functions = _by_name(metrics)
    history = History(metrics={name: [] for name in functions})
    size = batch_size if isinstance(data, Rows) else len(data)
    _look(net, BlockStep(net, loss, [], functions), data, size, history)
    return history.loss[0], {name: values[0] for name, values in history.metrics.items()}


def _look(net: Any, step: BlockStep, data: Any, size: int, history: History) -> None:
    """Add to the history what is seen of data that aren't trained on, as after ``net.eval()``."""
    batches = data.batches(size, False, np.random.default_rng())
    with kept_attributes(net) as modules:
        for module, _ in modules:
            module.training = False
        history._add([step.seen(x, y) for _, x, y in batches], step.loss.reduction)


def _apart(validation: tuple[Any, Any] | None, patience: int | None) -> Any:
    """The data to validate by, if there are any."""
    if patience is not None:
        whole("fit: patience", patience, 1)
        if validation is None:
            raise ValueError("fit: patience needs validation=(x, y), by whose loss it stops")
    if validation is None:
        return None
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ValueError("fit: validation must be a pair (x, y)")
    return _data(*validation, "validate by")


def _recording(record: int, data: Any, net: Module, loss: _Loss, optimizer: Optimizer,
               steps: int) -> Recording:  # fmt: skip
    meant = "a positive int n, to keep every n-th step, or None to keep none"
    every = whole("fit: record", record, 1, meant)
    if isinstance(data, Blocks):
        said = "fit: a record has copies of x and y, and they are Dask's"
        raise ValueError(f"{said}; record a training on some of their rows: x[:1000].compute()")
    return Recording(net, data.x, data.y, loss, optimizer, every, steps)


def _data(x: Any, y: Any, meant: str) -> Rows | Blocks:
    data = Blocks(x, y) if is_lazy(x) or is_lazy(y) else Rows(x, y)
    if data.x.ndim == 0 or not len(data):
        raise ValueError(f"there are no rows to {meant}")
    return data


class _Step:
    """A step of training, compiled where it can be: gives what was seen of the batch before it."""

    def __init__(
        self, train: TrainStep, metrics: Mapping[str, Metric], compiled: bool | None
    ) -> None:
        self.train, self._metrics, self._compiled = train, list(metrics.values()), compiled
        train.name = "fit"

    def __call__(self, x: Array, y: Array) -> Seen:
        value, prediction = self._taken(x, y)
        prediction.flags.writeable = False  # as what an eager step hands out
        return len(x), float(value), [metric(prediction, y) for metric in self._metrics]

    def _taken(self, x: Array, y: Array) -> tuple[Any, Array]:
        if self._compiled is not False:
            self.train.optimizer.zero_grad()
            try:
                return self.train.run(x, y)
            except CompileError as error:  # raised before anything is changed
                if self._compiled:
                    raise
                self._compiled = False
                self.train.release()
                hint(f"fit: training eagerly (compiled=False): {error}", CompileWarning)
        return self.train.eager(x, y)


def accuracy(prediction: Array, target: Array) -> float:
    """The share of rows that are classified right.

    Args:
        prediction: ``(q, 1)`` probabilities, taken as class 1 from 0.5 on, or ``(q, k)`` scores.
        target: ``(q, 1)`` of 0 and 1; ``(q,)`` or ``(q, 1)`` class numbers, or ``(q, k)``
            probabilities.

    Raises:
        ValueError: predictions or targets of other shapes.

    Example:
        >>> import numpy as np, nn
        >>> nn.accuracy(np.array([[0.2], [0.7], [0.9]]), np.array([[0.0], [0.0], [1.0]]))
        0.6666666666666666
        >>> nn.accuracy(np.array([[2.0, -1.0], [0.0, 3.0]]), np.array([0, 1]))
        1.0
    """
    prediction, target = (
        array_of(a) if isinstance(a, Tensor) else given(a, "accuracy") for a in (prediction, target)
    )
    if prediction.ndim < 2 or prediction.shape[:1] != target.shape[:1]:
        raise ValueError(
            "accuracy: predictions must be of shape (q, 1) or (q, k), with q targets, and are of "
            f"{prediction.shape}, with targets of {target.shape}"
        )
    if prediction.shape[-1] == 1:
        return float(np.mean((prediction >= 0.5) == (target.reshape(prediction.shape) == 1)))
    alike = target.shape == prediction.shape
    classes = target.argmax(axis=-1) if alike else target.reshape(prediction.shape[:-1])
    return float(np.mean(prediction.argmax(axis=-1) == classes))


def _shown(epochs: int, progress: bool, history: History) -> Iterator[int]:
    if not progress:
        yield from range(epochs)
        return
    with warnings.catch_warnings():  # that a notebook's own bar needs ipywidgets
        warnings.simplefilter("ignore")
        auto = imported("tqdm.auto", "fit: the progress bar needs", "progress")
    notebook = type(sys.stderr).__module__.startswith("ipykernel")
    disable = False if notebook else None  # None: where there is no terminal
    bar = auto.tqdm(range(epochs), disable=disable, leave=notebook, unit="epoch")
    for epoch in bar:
        yield epoch
        bar.set_postfix({"loss": f"{history.loss[-1]:.4g}"}, refresh=False)
