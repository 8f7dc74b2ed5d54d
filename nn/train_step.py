"""TrainStep: forward, loss, backward and the optimizer's update as one compiled function.

The parameters lie in one flat array, of which each Tensor has a view, and so do what the optimizer
remembers and the gradients. So the update is a few NumPy calls, however many parameters there are.
"""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import given
from autograd_lite.compile.compiled import MOST
from autograd_lite.compile.graph import Changed, CompileError, Program
from autograd_lite.compile.recorder import Recorder
from autograd_lite.compile.recording import Check, others
from autograd_lite.compile.simplify import simplified
from autograd_lite.compile.source import Source
from autograd_lite.compile.watch import Watch
from autograd_lite.engine import modes
from autograd_lite.engine.tensor import Array
from autograd_lite.gradients import pulled, seeded
from autograd_lite.lines import hint

from .module import Module
from .optimizers import ENTRYWISE, SGD, Optimizer, check_trained

_array_of = attrgetter("_array")
_ITS_OWN = {"_lr", "_minus_lr", "_memory", "_steps"}  # of an optimizer, read at each step


class TrainStep:
    """A step of training, compiled: called with a batch, it trains, and returns the loss.

    The numbers are those of the eager step, up to rounding::

        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()

    but gradients are not stored on the parameters. Between two steps anything may be changed, and
    eager steps be taken: what ``net``, ``loss`` and the optimizer can reach is watched, and where it
    has changed (a mode, a layer, a setting; not values of parameters and the learning rate, which
    are read), the step is compiled anew. When that comes again and again, and within
    `ag.detect_anomaly`, steps are eager.

    Args:
        net: called with ``x``.
        loss: called with the prediction and ``y``, gives a Tensor with one element.
        optimizer: of the parameters to train.

    Raises:
        CompileError: at a call: what `autograd_lite.compile` refuses, and an optimizer with a
            ``step`` of its own; define its ``update`` instead.
        ValueError: a loss that isn't one number.

    Example:
        >>> import nn
        >>> net = nn.MLP([1, 1], output="identity", rng=0)
        >>> step = nn.TrainStep(net, nn.MSELoss(), nn.SGD(net.parameters(), lr=0.1))
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> losses = [step(x, 2 * x + 1) for _ in range(200)]
        >>> net["W_01"].data.round(2), net["b_01"].data.round(2)
        (array([[2.]]), array([[1.]]))
        >>> print(step.source.splitlines()[-1])
        step = prepare(parameters, lr)
    """

    _watched = ()

    def __init__(
        self, net: Module, loss: Callable[[Any, Any], Tensor], optimizer: Optimizer
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"TrainStep: the optimizer must be one of nn's, not {optimizer!r}")
        self._net, self._loss, self._optimizer = net, loss, optimizer
        self.checked = False  # whether it was said what the loss uses and isn't trained
        self._flat: _Flat | None = None
        self._variants: dict[Any, list[_Variant]] = {}
        self._latest: _Variant | None = None
        self._lock = threading.Lock()

    net = property(attrgetter("_net"))
    loss = property(attrgetter("_loss"))
    optimizer = property(attrgetter("_optimizer"))

    def __reduce__(self) -> Any:
        return TrainStep, (self._net, self._loss, self._optimizer)

    def __call__(self, x: Any, y: Any) -> float:
        return float(self.run(x, y)[0])

    def run(self, x: Any, y: Any) -> tuple[Any, Array]:
        """As a call, but returned are the loss and the prediction, an array."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray:
            x, y = _array(x), _array(y)
        with self._lock:
            if modes._thread.blocks and modes.modes():
                return self._eager(x, y)
            variant = self._latest
            if variant is None or not variant.takes(x, y):
                variant = self._variant(x, y)
                if variant is None:
                    return self._eager(x, y)
            try:
                return variant(x, y)
            except Changed:  # before anything was written
                variant.stale = True
                variant = self._variant(x, y)
            return self._eager(x, y) if variant is None else variant(x, y)

    def _eager(self, x: Array, y: Array) -> tuple[Any, Array]:
        prediction = self.net(x)
        value = self.loss(prediction, y)
        grads = [p._grad for p in self.optimizer.parameters]
        self.optimizer.zero_grad()
        try:
            value.backward()
            self.optimizer.step()
        finally:
            for p, grad in zip(self.optimizer.parameters, grads, strict=True):
                p._grad = grad
        return value.item(), prediction.numpy()

    def _variant(self, x: Array, y: Array) -> _Variant | None:
        """The one for such a batch, as all is now; None where that changes again and again."""
        variants = self._variants.setdefault((x.shape, x.dtype, y.shape, y.dtype), [])
        found = next((v for v in variants if v.takes(x, y)), None)
        if found is None and len(variants) >= MOST:
            hint(
                "TrainStep: what the net, the loss or the optimizer reads of its surroundings "
                f"changes again and again ({variants[-1].watch.changed()}); such steps are eager"
            )
        elif found is None:
            variants.append(found := self._compile(x, y))
        self._latest = found
        return found

    @property
    def source(self) -> str:
        """The NumPy code of the step that was compiled last; it runs with NumPy alone."""
        if self._latest is None:
            raise RuntimeError("TrainStep: take a step; then there is a source")
        return self._latest.text()

    def release(self) -> None:
        """Give each parameter, and what the optimizer remembers of it, an array of its own."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._flat is not None:
            self._flat.release()
        self._flat = self._latest = None
        self._variants.clear()

    def _compile(self, x: Array, y: Array) -> _Variant:
        _refuse_unknown(self.optimizer)
        modules = [m for _, m in self.net.named_modules()] if isinstance(self.net, Module) else []
        before = [(m, dict(vars(m))) for m in modules]
        try:
            expected, trained = self._trained(x, y)
            if self._flat is not None and self._flat.parameters != trained:
                same_mode = any(v.holds() for found in self._variants.values() for v in found)
                self._release()
                if same_mode:
                    raise CompileError(
                        "TrainStep: for a batch of this shape other parameters get a gradient than "
                        "before"
                    )
            if self._flat is None:
                self._flat = _Flat(self.optimizer, trained)
            return _Variant(self, self._flat, x, y, expected)
        except BaseException:
            for module, attributes in before:
                vars(module).clear()
                vars(module).update(attributes)
            raise

    def forward(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """The loss and the prediction."""
        prediction = self.net(x)
        return self.loss(prediction, y), prediction

    def _trained(self, x: Array, y: Array) -> tuple[list[Any], list[Tensor]]:
        """The loss and the prediction; and the optimizer's parameters that get a gradient."""
        value, prediction = self.forward(x, y)
        if not isinstance(value, Tensor) or value.size != 1:
            raise ValueError(
                f"TrainStep: the loss must be a Tensor with one element, and has shape "
                f"{np.shape(value)}; use reduction='mean' or 'sum'"
            )
        parameters = self.optimizer.parameters
        wanted = {p for p in parameters if p.requires_grad}
        found = pulled({value: seeded(value, None)}, wanted) if value._tracked else {}
        if not self.checked:
            self.checked = True
            check_trained("TrainStep", self.net, value, self.optimizer)
        both = [getattr(t, "_array", t) for t in (value, prediction)]
        return both, [p for p in parameters if p in found]


def _refuse_unknown(optimizer: Optimizer) -> None:
    """Refuse an optimizer of which a compiled step wouldn't do everything."""
    kind, name = type(optimizer), type(optimizer).__name__
    for method, known in (
        ("step", (Optimizer.step, SGD.step)),
        ("lr", (Optimizer.lr,)),
        ("remembered", (Optimizer.remembered,)),
    ):
        if getattr(kind, method) not in known or method in vars(optimizer):
            raise CompileError(
                f"TrainStep: {name} has a {method} of its own, of which nothing is known; define "
                "its update(i, value, grad) instead, or train eagerly"
            )


def _array(x: Any) -> Array:
    array: Array = x.numpy() if isinstance(x, Tensor) else given(x, "TrainStep")
    return array


class _Part(NamedTuple):
    """Where one or several parameters lie: in which flat array, and which entries.

    Attributes:
        i: the optimizer's number of the (first) one.
        members: the parameters.
    """

    i: int
    dtype: np.dtype[Any]
    entries: slice
    shape: tuple[int, ...]
    members: list[Tensor]

    def of(self, flat: Any) -> Any:
        """Of the flat arrays what is its own, in its shape."""
        array = flat[self.dtype]
        if array.shape == self.shape and self.entries.start == 0:
            return array
        return array[self.entries].reshape(self.shape)


class _Flat:
    """The flat arrays, one a dtype, of the parameters and of what the optimizer remembers.

    Attributes:
        parameters: those that are trained.
        arrays: by dtype, all parameters' values behind each other.
        memory: the same for each thing that the optimizer remembers, by its name.
        rates: the learning rate, by dtype.
    """

    def __init__(self, optimizer: Optimizer, parameters: list[Tensor]) -> None:
        self.optimizer, self.parameters = optimizer, parameters
        place = {p: i for i, p in enumerate(optimizer.parameters)}
        self.sizes: dict[np.dtype[Any], int] = {}
        self.parts = []
        for p in parameters:
            start = self.sizes.get(p.dtype, 0)
            self.sizes[p.dtype] = start + p.size
            self.parts.append(_Part(place[p], p.dtype, slice(start, start + p.size), p.shape, [p]))
        self.places = [part.i for part in self.parts]
        self.arrays, self._views = self._made()
        self.memory: dict[str, dict[np.dtype[Any], Array]] = {}
        self._memory_views: dict[str, list[Array]] = {}
        self.rates = {dtype: np.empty((), dtype) for dtype in self.sizes}
        self._rate: float | None = None

    def _made(self) -> tuple[dict[np.dtype[Any], Array], list[Array]]:
        flat = {dtype: np.empty(n, dtype) for dtype, n in self.sizes.items()}
        return flat, [flat[p.dtype][p.entries].reshape(p.shape) for p in self.parts]

    def remember(self, what: str) -> dict[np.dtype[Any], Array]:
        """The flat arrays for something that the optimizer remembers."""
        if what not in self.memory:
            self.optimizer.remembered(what)
            self.memory[what], self._memory_views[what] = self._made()
            self.adopt()
        return self.memory[what]

    def adopt(self) -> None:
        """Take over what was given other arrays since: by the user, or by an eager step."""
        if self.optimizer._lr != self._rate:
            self._rate = self.optimizer._lr
            for array in self.rates.values():
                array[...] = self._rate
        if not all(map(operator.is_, map(_array_of, self.parameters), self._views)):
            for p, view in zip(self.parameters, self._views, strict=True):
                if p._array is not view:
                    view[...] = p._array
                    p._array, p._exposed = view, True  # what uses it in a graph takes a copy
        for what, views in self._memory_views.items():
            held = self.optimizer._memory[what]
            for i, view in zip(self.places, views, strict=True):
                if held[i] is not view:
                    view[...] = held[i]
                    held[i] = view

    def steps(self) -> list[int]:
        """How many steps each parameter has taken."""
        counts = self.optimizer._steps
        return [counts[i] for i in self.places]

    def release(self) -> None:
        for p, view in zip(self.parameters, self._views, strict=True):
            if p._array is view:
                p._replace(view.copy())
        for what, views in self._memory_views.items():
            held = self.optimizer._memory[what]
            for i, view in zip(self.places, views, strict=True):
                if held[i] is view:
                    held[i] = view.copy()


class _Variant:
    """The step for batches of certain shapes and dtypes, as all was when it was compiled."""

    def __init__(
        self, step: TrainStep, flat: _Flat, x: Array, y: Array, expected: list[Any]
    ) -> None:
        self.flat, self.stale = flat, False
        self._batch = x.shape, x.dtype, y.shape, y.dtype
        self._together = len(set(flat.steps())) == 1
        self.watch = Watch(
            {type(x).__name__: x for x in (step.loss, step.optimizer, step.net)},
            but=(step.optimizer, _ITS_OWN),
        )
        flat.adopt()
        effects = self.watch.effects()
        program, self._captured = _recorded(Recorder(), step, flat, x, y)
        values = [node.value for node in program.inputs]
        with np.errstate(all="ignore"):
            check = Check(program, [*values, *map(_array_of, self._captured)])
            check.function(expected)
            check.elsewhere(
                lambda batch: [getattr(t, "_array", t) for t in step.forward(*batch)],
                [[a, b] for a, b in zip(others(x), others(y), strict=True)],
            )
        if not self.watch.holds() or self.watch.effects() != effects:
            raise CompileError(
                f"TrainStep: when it is called, the net or the loss sets {self.watch.changed()}, a "
                "side effect that a compiled step wouldn't repeat, or draws random numbers; train "
                "eagerly, or without it"
            )
        steps = program.inputs[2 : 2 + len(flat.parameters)]
        with np.errstate(all="ignore"):
            simplified(program)
        used = {x for node in program.nodes for x in node.operands}
        self._counted = not used.isdisjoint(steps)
        if not self._counted:
            program.inputs = [node for node in program.inputs if node not in steps]
        self.source = Source(program)
        self._resident = [node.value for node in program.resident]
        self._names = self.source.names([*program.captured, *program.resident])
        self._check(check, program, x, y)
        program.forget()
        self._function = self.source.prepared(*self._resident)
        self._alone = not (self._counted or self._captured)

    def takes(self, x: Array, y: Array) -> bool:
        """Whether it is for such a batch, and for parameters that took as many steps each."""
        return self._batch == (x.shape, x.dtype, y.shape, y.dtype) and self.holds()

    def holds(self) -> bool:
        """Whether all is as it was."""
        if self.stale or self._counted and self._together and len(set(self.flat.steps())) > 1:
            return False
        return self.watch.holds()

    def __call__(self, x: Array, y: Array) -> tuple[Any, Array]:
        self.flat.adopt()
        found: tuple[Any, Array]
        if self._alone:
            found = self._function(x, y)
            return found
        found = self._function(x, y, *self._further())
        if self._counted:
            for i in self.flat.places:
                self.flat.optimizer._steps[i] += 1
        return found

    def _further(self) -> list[Any]:
        """What the function takes besides the batch."""
        steps = [n + 1 for n in self.flat.steps()] if self._counted else []
        return [*steps, *map(_array_of, self._captured)]

    def _check(self, check: Check, program: Program, x: Array, y: Array) -> None:
        """Raise where the code computes something else than was recorded; on copies."""
        copies = {node: node.value.copy() for node in program.resident}
        with np.errstate(all="ignore"):
            found = self.source.prepared(*copies.values())(x, y, *self._further())
        check.code([*found, *(copies[old] for old in program.updates)], self.text)

    def text(self) -> str:
        values = [*map(_array_of, self._captured), *self._resident]
        return self.source.text("A step of training", dict(zip(self._names, values, strict=True)))


def _recorded(
    recorder: Recorder, step: TrainStep, flat: _Flat, x: Array, y: Array
) -> tuple[Program, list[Tensor]]:
    """Forward, backward and update on stand-ins."""

    def given(arrays: dict[Any, Array], name: str) -> dict[Any, Any]:
        several = len(arrays) > 1
        return {d: recorder.given(a, f"{name}_{d.name}" if several else name)
                for d, a in arrays.items()}  # fmt: skip

    arrays, rates = given(flat.arrays, "parameters"), given(flat.rates, "lr")
    batch = recorder.given(x, "x"), recorder.given(y, "y")
    steps = [recorder.given(n + 1, f"step_{p.name}")
             for p, n in zip(flat.parameters, flat.steps(), strict=True)]  # fmt: skip
    memory: dict[str, dict[Any, Any]] = {}

    def remembered(what: str) -> dict[Any, Any]:
        if what not in memory:
            memory[what] = given(flat.remember(what), what)
        return memory[what]

    with recorder.recording():
        for part in flat.parts:
            (p,) = part.members
            recorder.captured[p] = view = part.of(arrays)
            view.node.name = view.node.name or p.name
        value, prediction = step.forward(*batch)
        if _is_scaled(step.optimizer, flat, value):
            # α ∇L is the gradient of α L: scaled where it is one number, and not in each entry.
            ((dtype, rate),) = rates.items()
            recorder.prefix = "lr_"
            found = pulled({value: rate}, set(flat.parameters))
            new = {arrays[dtype].node: arrays[dtype] - _joined([found[p] for p in flat.parameters])}
        else:
            found = pulled({value: seeded(value, None)}, set(flat.parameters))
            new = _updated(step.optimizer, flat, arrays, rates, found, steps, remembered)
        outputs = [recorder.output(value), recorder.output(prediction)]
    resident = [*arrays.values(), *rates.values(),
                *(a for by_dtype in memory.values() for a in by_dtype.values())]  # fmt: skip
    own = set(flat.parameters)
    captured = {t: x.node for t, x in recorder.captured.items() if t not in own}
    program = Program(
        "step",
        [x.node for x in (*batch, *steps, *resident)],
        list(captured.values()),
        recorder.nodes,
        outputs,
        [x.node for x in resident],
        {old: x.node for old, x in new.items()},
    )
    return program, list(captured)


_MANY = 4096  # parameters, from which a pass over them takes longer than a call


def _is_scaled(optimizer: Optimizer, flat: _Flat, value: Tensor) -> bool:
    """Whether a step is ``w − α g``, of many numbers, in which α g is as exact as g."""
    return (
        type(optimizer).update is SGD.update
        and "update" not in vars(optimizer)
        and sum(flat.sizes.values()) > _MANY
        and list(flat.arrays) == [value.dtype]
        and value.dtype.char in "fd"
    )


def _joined(values: list[Any]) -> Any:
    """Arrays behind each other."""
    parts = [x.reshape(-1) for x in values]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _updated(
    optimizer: Optimizer,
    flat: _Flat,
    arrays: dict[Any, Any],
    rates: dict[Any, Any],
    found: dict[Tensor, Any],
    steps: list[Any],
    stored: Callable[[str], dict[Any, Any]],
) -> dict[Any, Any]:
    """New values of the flat arrays, by the optimizer's update, called on stand-ins.

    That is of all parameters of a dtype at once where it treats each entry by itself.
    """
    kind, parts = type(optimizer), flat.parts
    if kind.update in ENTRYWISE and "update" not in vars(optimizer) and len(set(flat.steps())) == 1:
        parts = [
            _Part(own[0].i, d, slice(0, n), (n,), [p for part in own for p in part.members])
            for d, n in flat.sizes.items()
            if (own := [part for part in flat.parts if part.dtype == d])
        ]
    shadow: Any = copy.copy(optimizer)
    held: dict[str, list[Any]] = {}
    values = {part.i: part.of(arrays) for part in parts}

    def remembered(what: str) -> list[Any]:
        if what not in held:
            own = {part.i: part.of(stored(what)) for part in parts}
            held[what] = [own.get(i) for i in range(len(optimizer.parameters))]
        return held[what]

    memo = {id(p): p for p in optimizer.parameters}
    try:  # into copies of its settings an update may write
        vars(shadow).update(
            {k: copy.deepcopy(v, memo) for k, v in vars(optimizer).items() if k not in _ITS_OWN}
        )
    except Exception as error:
        raise CompileError(
            f"TrainStep: {kind.__name__} has settings that can't be copied ({error}), so that "
            "nothing is known of its update; train eagerly"
        ) from error
    shadow.remembered = remembered
    at = dict(zip(flat.places, steps, strict=True))
    shadow._steps = [at.get(i) for i in range(len(optimizer.parameters))]
    watch = Watch({kind.__name__: shadow}, but=(shadow, {*_ITS_OWN, "remembered"}))
    before = {t: t._grad for t in found}
    try:
        for t, g in found.items():
            t._grad = g  # which an update may ask for
        for part in parts:
            shadow._lr = rates[part.dtype]
            grad = _joined([found[p] for p in part.members]).reshape(part.shape)
            values[part.i] = shadow.update(part.i, values[part.i], grad)
    finally:
        for t, g in before.items():
            t._grad = g
    if not watch.holds():
        raise CompileError(
            f"TrainStep: {kind.__name__} changes {watch.changed()} when it updates, a side effect "
            "that a compiled step wouldn't repeat; use remembered(…), or train eagerly"
        )

    def whole(new: Any, dtype: Any) -> Any:
        return _joined([new[part.i] for part in parts if part.dtype == dtype])

    result = {arrays[d].node: whole(values, d) for d in arrays}
    for what, kept in held.items():
        result.update({x.node: whole(kept, d) for d, x in stored(what).items()})
    return result
