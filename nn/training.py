"""fit: the training loop."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, TypedDict, Unpack

import numpy as np

from autograd_lite import Tensor, no_grad
from autograd_lite.arrays import given
from autograd_lite.compile import CompileError
from autograd_lite.engine.tensor import Array

from .curves import said, svg
from .data import batch_rows, whole
from .layers import Rng
from .losses import _Loss
from .module import Module
from .optimizers import Optimizer, check_trained
from .recording import Recorder, Recording
from .schedules import LambdaLR
from .train_step import TrainStep

Metric = Callable[[Array, Array], float]


class CompileWarning(UserWarning):
    """`fit` trains eagerly, since the step can't be compiled; the message says why."""


@dataclass(repr=False)
class History:
    """What `fit` saw in each epoch, before each batch's step.

    Attributes:
        loss: the mean of the loss an observation (with ``reduction="sum"``, the sum).
        metrics: each metric's mean an observation.
        record: the steps that were kept, with ``record=n``; else None.
        validation: the same of the validation data, after each epoch; else None.
        best: the epoch, counted from 0, after which the loss of the validation data was least.
    """

    loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    record: Recording | None = None
    validation: History | None = None
    best: int | None = None

    def __repr__(self) -> str:
        return f"<History of {said(self)}>"

    def _repr_html_(self) -> str:
        """For Jupyter: the losses as curves."""
        return f"<div>{escape(said(self))}</div>{svg(self)}" if self.loss else repr(self)

    def explained(self) -> Recording:
        """The record, which `ag.explain` makes a page of.

        Raises:
            ValueError: nothing was recorded.
        """
        if self.record is None:
            raise ValueError(
                "explain: this training wasn't recorded: train with nn.fit(…, record=10), which "
                "keeps every tenth step"
            )
        return self.record


class Options(TypedDict, total=False):
    """What `fit` takes besides, each by its name."""

    shuffle: bool
    rng: Rng
    metrics: Mapping[str, Metric] | None
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
    batch_size: int = 32,
    **options: Unpack[Options],
) -> History:
    """Train ``net``: for each epoch and each batch, forward, loss, backward, step.

    The steps are those of a `TrainStep` where one can be compiled: the numbers of eager training,
    up to rounding. That stores no gradients, so each of the optimizer's parameters has a ``grad``
    of None afterwards; trained eagerly, it has that of the last batch.

    Args:
        net: called with a batch of ``x``.
        x: ``(n, …)``, one row an observation.
        y: ``(n, …)``, its targets.
        loss: with ``reduction`` "mean" or "sum".
        optimizer: of the parameters to train.
        epochs: how often to go through the data.
        batch_size: rows a step.

    Options, by their names:
        shuffle: draw the order of the rows anew in each epoch, with ``rng``.
        rng: a generator, or a seed for one.
        metrics: functions of (predictions, targets) of a batch, such as `accuracy`.
        progress: show a progress bar where the output is a terminal (extra ``progress``).
        compiled: where a step can't be compiled, True raises, and None warns (`CompileWarning`) and
            trains eagerly, as False does from the start. While compiling is tried, ``net`` and
            ``loss`` are called some times more, and may draw further random numbers.
        record: n, to keep the state before the first step, after each n-th, and after the last:
            ``history.record``, a `Recording`. A step is one batch. Each state that is kept takes
            the memory of all parameters once, and x and y are copied once; training is the same.
        validation: (x, y), on which the net is evaluated after each epoch, as by `evaluate`:
            ``history.validation``, a `History`.
        patience: n, to stop when the loss of the validation data hasn't become less for n epochs,
            with the parameters that it was least with.
        schedule: of the learning rate, such as `CosineAnnealingLR`; a step after each epoch.

    Raises:
        CompileError: a step that can't be compiled, with ``compiled=True``.
        ValueError: no rows, x and y of different lengths, or a loss that isn't reduced, or that
            depends on none of the optimizer's parameters; a ``record`` that isn't a positive int,
            or keeps more than 2³⁰ bytes; patience without validation data.
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
    known = ", ".join(Options.__annotations__)
    for name in options:
        if name not in Options.__annotations__:
            raise TypeError(f"fit: there is no option {name!r}; there are {known}")
    shuffle, record = options.get("shuffle", False), options.get("record")
    schedule = options.get("schedule")
    x, y = given(x, "fit"), given(y, "fit")
    if x.ndim == 0 or not len(x):
        raise ValueError("fit: there are no rows to train on")
    _check_loss("fit", loss)
    epochs, batch_size = whole("fit: epochs", epochs, 0), whole("fit: batch_size", batch_size, 1)
    generator = np.random.default_rng(options.get("rng"))
    functions = dict(options.get("metrics") or {})
    history = History(metrics={name: [] for name in functions})
    held_out = _Validation(history, options.get("validation"), options.get("patience"))
    recorder = None
    if record is not None:
        meant = "a positive int n, to keep every n-th step, or None to keep none"
        every = whole("fit: record", record, 1, meant)
        history.record = Recording(net, x, y, loss, optimizer)
        recorder = Recorder(history.record, every, epochs * -(-len(x) // batch_size))
    step = _Step(net, loss, optimizer, options.get("compiled"))
    try:
        for epoch in _shown(epochs, options.get("progress", False), history):
            total = 0.0
            sums = dict.fromkeys(functions, 0.0)
            for rows in batch_rows(x, y, batch_size, shuffle, generator):
                x_batch, y_batch = x[rows], y[rows]
                if recorder is not None:
                    recorder.before(rows)
                value, prediction = step(x_batch, y_batch)
                if recorder is not None:
                    recorder.after(value)
                q = len(x_batch)
                total += value * (q if loss.reduction == "mean" else 1)
                for name, function in functions.items():
                    sums[name] += function(prediction, y_batch) * q
            if not np.isfinite(total):
                raise FloatingPointError(
                    f"fit: the loss became {total} in epoch {epoch}; try a smaller learning rate"
                )
            history.loss.append(total / len(x) if loss.reduction == "mean" else total)
            for name in functions:
                history.metrics[name].append(sums[name] / len(x))
            if schedule is not None:
                schedule.step()
            if held_out.ends(net, loss, batch_size, functions):
                break
    finally:
        step.release()
    if recorder is not None:
        recorder.finish()
    held_out.restore()
    return history


def _check_loss(where: str, loss: Any) -> None:
    if isinstance(loss, type) or not hasattr(loss, "reduction"):
        raise TypeError(
            f"{where}: the loss must be a loss of nn, such as nn.BCELoss(), not {loss!r}"
        )
    if loss.reduction == "none":
        raise ValueError(
            f"{where}: a loss that isn't reduced can't be trained on; use mean or sum"
        )


def evaluate(
    net: Module,
    x: Any,
    y: Any,
    loss: _Loss,
    batch_size: int = 1024,
    metrics: Mapping[str, Metric] | None = None,
) -> tuple[float, dict[str, float]]:
    """The loss and the metrics of ``net``, which is as it was afterwards.

    It is called as in evaluation, ``net.eval()``, and within ``ag.no_grad()``.

    Args:
        net: called with a batch of ``x``.
        x: ``(n, …)``, one row an observation.
        y: ``(n, …)``, its targets.
        loss: with ``reduction`` "mean" or "sum".
        batch_size: rows a call.
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
    x, y = given(x, "evaluate"), given(y, "evaluate")
    if x.ndim == 0 or not len(x):
        raise ValueError("evaluate: there are no rows")
    _check_loss("evaluate", loss)
    functions = {"": lambda prediction, target: loss(prediction, target).item(), **(metrics or {})}
    sums = dict.fromkeys(functions, 0.0)
    with _evaluating(net), no_grad():
        for rows in batch_rows(x, y, batch_size, False, None):
            prediction = net(x[rows])
            for name, function in functions.items():
                alone = not name and loss.reduction == "sum"
                found = function(prediction if not name else prediction.data, y[rows])
                sums[name] += found * (1 if alone else len(y[rows]) / len(x))
    return sums.pop(""), sums


@contextmanager
def _evaluating(net: Any) -> Iterator[None]:
    modules = [m for _, m in net.named_modules()] if isinstance(net, Module) else []
    training = [m for m in modules if m.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


class _Validation:
    """Evaluates after each epoch, and says when to stop."""

    def __init__(
        self, history: History, data: tuple[Any, Any] | None, patience: int | None
    ) -> None:
        if patience is not None:
            patience = whole("fit: patience", patience, 1)
        if data is None and patience is not None:
            raise ValueError("fit: patience needs validation=(x, y), by whose loss it stops")
        if data is not None and (not isinstance(data, (tuple, list)) or len(data) != 2):
            raise ValueError("fit: validation must be a pair (x, y)")
        self._history, self._data, self._patience = history, data, patience
        self._best: list[tuple[Tensor, Array]] = []
        if data is not None:
            history.validation = History(metrics={name: [] for name in history.metrics})

    def ends(self, net: Any, loss: _Loss, batch_size: int, metrics: Mapping[str, Metric]) -> bool:
        """Whether there is to be no further epoch."""
        history, seen = self._history, self._history.validation
        if seen is None or self._data is None:
            return False
        x, y = self._data
        value, found = evaluate(net, x, y, loss, batch_size, metrics)
        seen.loss.append(value)
        for name, number in found.items():
            seen.metrics[name].append(number)
        now = len(seen.loss) - 1
        if history.best is None or value < seen.loss[history.best]:
            history.best = now
            if self._patience is not None and isinstance(net, Module):
                self._best = [(p, p.numpy()) for _, p in net.named_parameters()]
        return self._patience is not None and now - history.best >= self._patience

    def restore(self) -> None:
        """The parameters with which the loss was least."""
        for parameter, value in self._best:
            parameter._replace(value)


class _Step:
    """A step of training, compiled where it can be: gives the loss and the prediction before it."""

    def __init__(
        self, net: Module, loss: _Loss, optimizer: Optimizer, compiled: bool | None
    ) -> None:
        self._net, self._loss, self._optimizer = net, loss, optimizer
        self._must = bool(compiled)
        self._compiled = None if compiled is False else TrainStep(net, loss, optimizer)
        self._checked = False

    def __call__(self, x: Array, y: Array) -> tuple[float, Array]:
        self._optimizer.zero_grad()
        if self._compiled is not None:
            try:
                value, prediction = self._compiled.run(x, y)
                prediction.flags.writeable = False  # as what an eager step hands out
                return float(value), prediction
            except CompileError as error:  # raised before anything is changed
                if self._must:
                    raise
                self._checked = self._compiled.checked
                self.release()
                warnings.warn(f"fit: training eagerly (compiled=False): {error}", CompileWarning, 3)
        prediction = self._net(x)
        value = self._loss(prediction, y)
        if not self._checked:
            check_trained("fit", self._net, value, self._optimizer)
            self._checked = True
        value.backward()
        self._optimizer.step()
        return value.item(), prediction.data

    def release(self) -> None:
        """End compiled steps: parameters have arrays of their own again."""
        if self._compiled is not None:
            self._compiled.release()
            self._compiled = None


def accuracy(prediction: Array, target: Array) -> float:
    """The share of rows that are classified right.

    Args:
        prediction: ``(q, 1)`` probabilities, taken as class 1 from 0.5 on, or ``(q, k)`` scores.
        target: ``(q, 1)`` of 0 and 1; ``(q,)`` or ``(q, 1)`` class numbers, or ``(q, k)``
            probabilities.
    """
    prediction, target = given(prediction, "accuracy"), given(target, "accuracy")
    if prediction.shape[-1] == 1:
        return float(np.mean((prediction >= 0.5) == (target.reshape(prediction.shape) == 1)))
    if target.shape == prediction.shape:
        classes = target.argmax(axis=-1)
    else:
        classes = target.reshape(prediction.shape[:-1])
    return float(np.mean(prediction.argmax(axis=-1) == classes))


def _shown(epochs: int, progress: bool, history: History) -> Iterator[int]:
    if not progress:
        yield from range(epochs)
        return
    try:
        with warnings.catch_warnings():  # that a notebook's own bar needs ipywidgets
            warnings.simplefilter("ignore")
            from tqdm import auto
    except ImportError as error:
        raise ImportError(
            'fit: the progress bar needs tqdm: pip install "autograd_lite[progress]"'
        ) from error
    notebook = type(sys.stderr).__module__.startswith("ipykernel")
    disable = False if notebook else None  # None: where there is no terminal
    bar = auto.tqdm(range(epochs), disable=disable, leave=notebook, unit="epoch")
    for epoch in bar:
        yield epoch
        bar.set_postfix({"loss": f"{history.loss[-1]:.4g}"}, refresh=False)
