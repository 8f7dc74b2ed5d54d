"""TrainStep: forward, loss, backward and the optimizer's update as one compiled function.

The parameters lie in one flat array, of which each Tensor has a view, and so do what the optimizer
remembers and the gradients. So the update is a few NumPy calls, however many parameters there are.
"""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor
from autograd_lite.anomaly import detect_anomaly
from autograd_lite.arrays import given
from autograd_lite.compile.compiled import check_results, optimized
from autograd_lite.compile.graph import CompileError, Program
from autograd_lite.compile.program import Recorded, twice
from autograd_lite.compile.recorder import Recorder
from autograd_lite.compile.source import Source
from autograd_lite.engine.leaves import array_of, hold
from autograd_lite.engine.tensor import Array
from autograd_lite.gradients import pulled, seeded

from .module import Module
from .optimizers import ENTRYWISE, SGD, Optimizer, check_trained

_requires_grad = attrgetter("_tracked")
_training = attrgetter("training")


class TrainStep:
    """A step of training, compiled: called with a batch, it trains, and returns the loss.

    The numbers are those of the eager step, up to rounding::

        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()

    but gradients are not stored on the parameters. Between two steps, parameters, which of them
    require a gradient, the optimizer's settings and ``net.train()`` may be changed, and eager steps
    be taken. After any other change of what ``net`` and ``loss`` compute, call `release`. Within
    `ag.detect_anomaly` steps are eager.

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

    def __init__(
        self, net: Module, loss: Callable[[Any, Any], Tensor], optimizer: Optimizer
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"TrainStep: the optimizer must be one of nn's, not {optimizer!r}")
        self._net, self._loss, self._optimizer = net, loss, optimizer
        self.checked = False  # whether it was said what the loss uses and isn't trained
        self._flat: _Flat | None = None
        self._settings: dict[str, Any] = {}
        self._modules = _modules(net)  # that are in training, or not
        self._modes: Any = None
        self._variants: dict[Any, _Variant] = {}
        self._latest: _Variant | None = None
        self._lock = threading.Lock()

    @property
    def net(self) -> Module:
        return self._net

    @property
    def loss(self) -> Callable[[Any, Any], Tensor]:
        return self._loss

    @property
    def optimizer(self) -> Optimizer:
        return self._optimizer

    def __call__(self, x: Any, y: Any) -> float:
        return float(self.run(x, y)[0])

    def run(self, x: Any, y: Any) -> tuple[Any, Array]:
        """As a call, but returned are the loss and the prediction, an array."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray:
            x, y = _array(x), _array(y)
        with self._lock:
            if detect_anomaly.active():
                return self._eager(x, y)
            variant = self._latest
            if variant is None or not variant.takes(x, y) or self._changed():
                self._latest = variant = self._variant(x, y)
            variant.adopt()
            found: tuple[Any, Array]
            if variant.alone:
                found = variant.function(x, y)
            else:
                found = variant.function(x, y, *variant.further())
                if variant.counted:
                    variant.flat.count()
            return found

    def _eager(self, x: Array, y: Array) -> tuple[Any, Array]:
        prediction = self.net(x)
        value = self.loss(prediction, y)
        grads = [p.grad for p in self.optimizer.parameters]
        self.optimizer.zero_grad()
        try:
            value.backward()
            self.optimizer.step()
        finally:
            for p, grad in zip(self.optimizer.parameters, grads, strict=True):
                p.grad = grad
        return value.item(), prediction.numpy()

    def _variant(self, x: Array, y: Array) -> _Variant:
        """The one for such a batch, and for the optimizer's settings as they are now."""
        if self._current_modes() != self._modes:
            self._release()
            self._modes = self._current_modes()
        if self._changed_but_learning_rate():
            self._variants.clear()
        self._settings = _settings(self.optimizer)
        if self._flat is not None:
            self._flat.set_learning_rate()
        together = self._flat is None or len(set(self._flat.steps())) == 1
        key = x.shape, x.dtype, y.shape, y.dtype, together
        if key not in self._variants:
            self._variants[key] = self._compile(x, y)
            self._settings = _settings(self.optimizer)  # which may remember more now
        return self._variants[key]

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
        self._flat, self._latest = None, None
        self._modules = _modules(self._net)
        self._variants.clear()
        self._settings = {}

    def _current_modes(self) -> tuple[Any, ...]:
        """What decides, besides the optimizer's settings, on what a step computes."""
        parameters = self._optimizer.parameters
        return *map(_training, self._modules), *map(_requires_grad, parameters)

    def _changed(self) -> bool:
        """Whether a setting may have changed."""
        try:
            changed = vars(self._optimizer) != self._settings
            return changed or self._current_modes() != self._modes
        except ValueError:  # an array that is another one now
            return True

    def _changed_but_learning_rate(self) -> bool:
        now, before = vars(self.optimizer), self._settings
        keys = (now.keys() | before.keys()) - {"_lr", "_minus_lr"}
        return not all(k in now and k in before and _equal(now[k], before[k]) for k in keys)

    def _compile(self, x: Array, y: Array) -> _Variant:
        _refuse_unknown(self.optimizer)
        before = _attributes(self.net)
        try:
            trained = self._trained(x, y)
            if self._flat is None:
                self._flat = _Flat(self.optimizer, trained)
            elif set(self._flat.parameters) != set(trained):
                raise CompileError(
                    "TrainStep: for a batch of this shape other parameters get a gradient than "
                    "before"
                )
            settled = _attributes(self.net)
            variant = _Variant(self, self._flat, x, y)
            _refuse_changed(settled)
        except BaseException:
            for module, attributes in before:
                vars(module).clear()
                vars(module).update(attributes)
            raise
        return variant

    def _trained(self, x: Array, y: Array) -> list[Tensor]:
        """The optimizer's parameters that get a gradient."""
        value = self.loss(self.net(x), y)
        if not isinstance(value, Tensor) or value.size != 1:
            raise ValueError(
                f"TrainStep: the loss must be a Tensor with one element, and has shape "
                f"{np.shape(value)}; use reduction='mean' or 'sum'"
            )
        parameters = self.optimizer.parameters
        wanted = {p for p in parameters if p.requires_grad}
        found = pulled({value: seeded(value, None)}, wanted) if value.requires_grad else {}
        if self._flat is None:
            self.checked = True
            check_trained("TrainStep", self.net, value, self.optimizer)
        return [p for p in parameters if p in found]


def _modules(net: Any) -> list[Module]:
    """Those of which it is seen whether they are in training."""
    return [m for _, m in net.named_modules()] if isinstance(net, Module) else []


def _attributes(net: Any) -> list[tuple[Module, dict[str, Any]]]:
    """Those of each module."""
    return [(m, dict(vars(m))) for m in _modules(net)]


_ITS_OWN = {"parameters", "_lr", "_minus_lr", "_memory", "_steps"}
_FIXED = (int, float, complex, str, bytes, type(None), np.generic, np.dtype)


def _refuse_unknown(optimizer: Optimizer) -> None:
    """Refuse an optimizer of which a compiled step wouldn't do, or see, everything."""
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
    for key, value in vars(optimizer).items():
        if key not in _ITS_OWN and not (isinstance(value, Tensor) or _is_known(value)):
            raise CompileError(
                f"TrainStep: {name} has a {type(value).__name__} as its {key!r}, whose changes a "
                "compiled step wouldn't see; let it have numbers, or train eagerly"
            )


def _is_known(value: Any) -> bool:
    """Whether it is known what it holds, and so whether that has changed."""
    if isinstance(value, (list, tuple, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return all(x is not value and _is_known(x) for x in inner)
    return isinstance(value, (*_FIXED, np.ndarray))


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    """The attributes of an optimizer, as they are now also where they are changed in place."""
    return {
        key: copy.deepcopy(value) if key not in _ITS_OWN and _is_known(value) else value
        for key, value in vars(optimizer).items()
    }


def _refuse_changed(before: list[tuple[Any, dict[str, Any]]]) -> None:
    """Refuse what calls have set on modules, or on an optimizer."""
    for owner, attributes in before:
        for name, value in vars(owner).items():
            if attributes.get(name, _refuse_changed) is not value:
                raise CompileError(
                    f"TrainStep: {type(owner).__name__} sets its {name!r} when it is called, a "
                    "side effect that a compiled step wouldn't repeat; train eagerly, or without it"
                )


def _equal(a: Any, b: Any) -> bool:
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else bool(a == b)


def _array(x: Any) -> Array:
    array: Array = x.numpy() if isinstance(x, Tensor) else given(x, "TrainStep")
    return array


class _Part(NamedTuple):
    """Where a parameter lies: in which flat array, and which entries."""

    dtype: np.dtype[Any]
    entries: slice
    shape: tuple[int, ...]


class _Flat:
    """The flat arrays, one a dtype, of the parameters and of what the optimizer remembers.

    Attributes:
        parameters: those that are trained.
        arrays: by dtype, all parameters' values behind each other.
        memory: the same for each thing that the optimizer remembers, by its name.
    """

    def __init__(self, optimizer: Optimizer, parameters: list[Tensor]) -> None:
        self.optimizer, self.parameters = optimizer, parameters
        place = {p: i for i, p in enumerate(optimizer.parameters)}
        self.places = [place[p] for p in parameters]
        sizes: dict[np.dtype[Any], int] = {}
        self.parts = []
        for p in parameters:
            start = sizes.get(p.dtype, 0)
            sizes[p.dtype] = start + p.size
            self.parts.append(_Part(p.dtype, slice(start, start + p.size), p.shape))
        self._sizes = sizes
        self.arrays = {dtype: np.empty(n, dtype) for dtype, n in sizes.items()}
        self._views = self.views(self.arrays)
        self.memory: dict[str, dict[np.dtype[Any], Array]] = {}
        self._memory_views: dict[str, list[Any]] = {}
        self.learning_rate = {dtype: np.empty((), dtype) for dtype in sizes}
        self.set_learning_rate()
        self.adopt()

    def views(self, arrays: Any) -> list[Any]:
        """Of each parameter the part of flat arrays that is its own, in its shape."""
        return [arrays[part.dtype][part.entries].reshape(part.shape) for part in self.parts]

    def set_learning_rate(self) -> None:
        for array in self.learning_rate.values():
            array[...] = self.optimizer._lr

    def remember(self, what: str) -> None:
        """Have flat arrays for something that the optimizer remembers."""
        if what not in self.memory:
            self.optimizer.remembered(what)
            flat = {dtype: np.empty(n, dtype) for dtype, n in self._sizes.items()}
            self.memory[what] = flat
            self._memory_views[what] = self.views(flat)
            self.adopt()

    def adopt(self) -> None:
        """Take over what was given other arrays since: by the user, or by an eager step."""
        if not all(map(operator.is_, map(array_of, self.parameters), self._views)):
            for p, view in zip(self.parameters, self._views, strict=True):
                if array_of(p) is not view:
                    view[...] = array_of(p)
                    hold(p, view, exposed=True)  # what uses it in a graph takes a copy
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

    def count(self) -> None:
        for i in self.places:
            self.optimizer._steps[i] += 1

    def release(self) -> None:
        for p, view in zip(self.parameters, self._views, strict=True):
            if array_of(p) is view:
                p._replace(view.copy())
        for what, views in self._memory_views.items():
            held = self.optimizer._memory[what]
            for i, view in zip(self.places, views, strict=True):
                if held[i] is view:
                    held[i] = view.copy()


class _Variant:
    """The step for batches of certain shapes and dtypes."""

    def __init__(self, step: TrainStep, flat: _Flat, x: Array, y: Array) -> None:
        self.flat = flat
        self._together = len(set(flat.steps())) == 1
        recording = twice(lambda recorder: _recorded(recorder, step, flat, x, y))
        program, self.captured = recording.program, recording.captured
        expected = [node.value for node in (*program.outputs, *program.updates.values())]
        self._tolerance = program.tolerance()
        steps = program.inputs[2 : 2 + len(flat.parameters)]
        used = {x for node in optimized(program).nodes for x in node.operands}
        self.counted = not used.isdisjoint(steps)
        if not self.counted:
            program.inputs = [node for node in program.inputs if node not in steps]
        self.source = Source(program)
        self._check(x, y, expected)
        program.forget()
        self.function = self.source.prepared(*(node.value for node in program.resident))
        self.alone = not (self.counted or self.captured)
        self.adopt = flat.adopt
        self._shapes = x.shape, y.shape
        self._dtypes = x.dtype, y.dtype

    def takes(self, x: Array, y: Array) -> bool:
        """Whether it is for such a batch, and for parameters that took as many steps each."""
        return (
            (x.shape, y.shape) == self._shapes
            and (x.dtype, y.dtype) == self._dtypes
            and not (self.counted and self._together and len(set(self.flat.steps())) > 1)
        )

    def further(self) -> list[Any]:
        """What the function takes besides the batch."""
        steps = [n + 1 for n in self.flat.steps()] if self.counted else []
        return [*steps, *map(array_of, self.captured)]

    def _check(self, x: Array, y: Array, expected: list[Any]) -> None:
        """Raise where the code computes something else than was recorded; on copies."""
        program = self.source.program
        copies = {node: node.value.copy() for node in program.resident}
        found = self.source.prepared(*copies.values())(x, y, *self.further())
        results = [*found, *(copies[old] for old in program.updates)]
        check_results(results, expected, self._tolerance, self.text)

    def text(self) -> str:
        x, y = self.source.program.inputs[:2]
        return self.source.text(
            f"A step of training as NumPy code, for x of shape {x.shape} ({x.dtype}) and y of "
            f"shape {y.shape} ({y.dtype})."
        )


def _recorded(
    recorder: Recorder, step: TrainStep, flat: _Flat, x: Array, y: Array
) -> Recorded:
    program, captured = _stepped(recorder, step, flat, x, y)
    recorder.finish()
    return Recorded(program, captured, None, [], [])


def _stepped(
    recorder: Recorder, step: TrainStep, flat: _Flat, x: Array, y: Array
) -> tuple[Program, list[Tensor]]:
    """Forward, backward and update on stand-ins."""
    several = len(flat.arrays) > 1
    named = {d: f"_{d.name}" if several else "" for d in flat.arrays}
    arrays = {d: recorder.given(a, f"parameters{named[d]}") for d, a in flat.arrays.items()}
    rates = {d: recorder.given(a, f"lr{named[d]}") for d, a in flat.learning_rate.items()}
    memory: dict[str, dict[Any, Any]] = {}
    batch = recorder.given(x, "x"), recorder.given(y, "y")
    steps = [recorder.given(n + 1, f"step_{p.name}")
             for p, n in zip(flat.parameters, flat.steps(), strict=True)]  # fmt: skip
    with recorder.writing():
        views = flat.views(arrays)
        for p, view in zip(flat.parameters, views, strict=True):
            view.node.name = p.name
            recorder.captured[p] = view
        prediction = step.net(batch[0])
        value = step.loss(prediction, batch[1])
        new: dict[Any, Any]
        if _is_scaled(step.optimizer, flat, value):
            # α ∇L is the gradient of α L: scaled where it is one number, and not in each entry.
            (rate,) = rates.values()
            recorder.prefix = "lr_"
            scaled = _flat_gradients(pulled({value: rate}, set(flat.parameters)), flat, value.dtype)
            new = {array.node: array - scaled for array in arrays.values()}
        else:
            found = pulled({value: seeded(value, None)}, set(flat.parameters))
            update = _Update(recorder, step.optimizer, flat, rates, memory)
            with _stored(found):
                new = update.flat(arrays, found, steps) or update.each(arrays, views, found, steps)
        loss: Any = array_of(value)
        outputs = [loss.node, recorder.output(prediction)]
    remembered = [array for by_dtype in memory.values() for array in by_dtype.values()]
    resident = [*arrays.values(), *rates.values(), *remembered]
    own = set(flat.parameters)
    captured = {t: x.node for t, x in recorder.captured.items() if t not in own}
    program = Program(
        "step",
        [*(x.node for x in (*batch, *steps, *resident))],
        list(captured.values()),
        recorder.nodes,
        outputs,
        [x.node for x in resident],
        {old: value.node for old, value in new.items()},
    )
    return program, list(captured)


_MANY = 4096  # parameters, from which a pass over them takes longer than a call


def _is_scaled(optimizer: Optimizer, flat: _Flat, value: Tensor) -> bool:
    """Whether a step is ``w − α g``, of many numbers, in which α g is as exact as g."""
    return (
        type(optimizer).update is SGD.update
        and sum(p.size for p in flat.parameters) > _MANY
        and list(flat.arrays) == [value.dtype]
        and value.dtype.char in "fd"
    )


def _flat_gradients(found: dict[Tensor, Any], flat: _Flat, dtype: Any) -> Any:
    """Of the parameters of one dtype, the gradients behind each other."""
    parts = [found[p].reshape(-1) for p in flat.parameters if p.dtype == dtype]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


class _Update:
    """The optimizer's update, called on stand-ins: on the flat arrays, or on each parameter's."""

    def __init__(
        self,
        recorder: Recorder,
        optimizer: Optimizer,
        flat: _Flat,
        rates: dict[Any, Any],
        memory: dict[str, dict[Any, Any]],
    ) -> None:
        self._recorder, self._optimizer, self._flat = recorder, optimizer, flat
        self._rates, self._memory = rates, memory

    def flat(self, arrays: dict[Any, Any], found: dict[Tensor, Any], steps: list[Any]) -> Any:
        """New values of the flat arrays; None where the parameters can't be taken together."""
        flat = self._flat
        if type(self._optimizer).update not in ENTRYWISE or len(set(flat.steps())) > 1:
            return None
        new = {}
        for dtype, array in arrays.items():
            g = _flat_gradients(found, flat, dtype)
            held: dict[str, list[Any]] = {}
            shadow = self._shadow(dtype, partial(self._kept, dtype, held))
            shadow._steps = steps[:1]
            new[array.node] = self._updated(shadow, 0, array, g)
            new.update({self._memory[what][dtype].node: kept[0] for what, kept in held.items()})
        return new

    def each(
        self, arrays: dict[Any, Any], views: list[Any], found: dict[Tensor, Any], steps: list[Any]
    ) -> dict[Any, Any]:
        """The same, one parameter after the other."""
        flat = self._flat
        held: dict[str, list[Any]] = {}

        def remembered(what: str) -> list[Any]:
            if what not in held:
                for dtype in arrays:
                    self._stand_in(what, dtype)
                held[what] = _spread(flat, flat.views(self._memory[what]))
            return held[what]

        changed = _spread(flat, views)
        for p, place, view, t in zip(flat.parameters, flat.places, views, steps, strict=True):
            shadow = self._shadow(view.dtype, remembered)
            shadow._steps = _spread(flat, steps)
            shadow._steps[place] = t
            changed[place] = self._updated(shadow, place, view, found[p])
        new = {arrays[d].node: self._joined(changed, d) for d in arrays}
        for what, kept in held.items():
            new.update({self._memory[what][d].node: self._joined(kept, d) for d in arrays})
        return new

    def _shadow(self, dtype: Any, remembered: Callable[[str], list[Any]]) -> Any:
        """The optimizer with stand-ins for its learning rate and for what it remembers.

        It has copies of settings, into which its update may write.
        """
        shadow: Any = copy.copy(self._optimizer)
        vars(shadow).update(_settings(self._optimizer))
        shadow._lr = self._rates[dtype]
        shadow.remembered = remembered
        return shadow

    def _updated(self, shadow: Any, i: int, value: Any, grad: Any) -> Any:
        before = dict(vars(shadow))
        new = shadow.update(i, value, grad)
        _refuse_changed([(shadow, before)])
        for key, setting in vars(self._optimizer).items():
            if key not in _ITS_OWN and not _equal(vars(shadow)[key], setting):
                raise CompileError(
                    f"TrainStep: {type(shadow).__name__} changes its {key!r} when it updates, a "
                    "side effect that a compiled step wouldn't repeat; use remembered(…), or "
                    "train eagerly"
                )
        return new

    def _kept(self, dtype: Any, held: dict[str, list[Any]], what: str) -> list[Any]:
        if what not in held:
            held[what] = [self._stand_in(what, dtype)]
        return held[what]

    def _stand_in(self, what: str, dtype: Any) -> Any:
        """For the flat array of what is remembered."""
        self._flat.remember(what)
        name = what if len(self._rates) == 1 else f"{what}_{dtype.name}"
        found = self._memory.setdefault(what, {})
        if dtype not in found:
            found[dtype] = self._recorder.given(self._flat.memory[what][dtype], name)
        return found[dtype]

    def _joined(self, values: list[Any], dtype: Any) -> Any:
        """Of one dtype's parameters, the values behind each other."""
        flat = self._flat
        places = zip(flat.places, flat.parts, strict=True)
        parts = [values[i].reshape(-1) for i, part in places if part.dtype == dtype]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]


@contextmanager
def _stored(gradients: dict[Tensor, Any]) -> Iterator[None]:
    """Within it each Tensor has its gradient, which an update may ask for."""
    before = {t: t.grad for t in gradients}
    try:
        for t, g in gradients.items():
            t.grad = g
        yield
    finally:
        for t, grad in before.items():
            t.grad = grad


def _spread(flat: _Flat, values: list[Any]) -> list[Any]:
    """A list by the optimizer's own numbering of its parameters."""
    spread: list[Any] = [None] * len(flat.optimizer.parameters)
    for place, value in zip(flat.places, values, strict=True):
        spread[place] = value
    return spread
