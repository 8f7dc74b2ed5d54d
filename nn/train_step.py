"""TrainStep: forward, loss, backward and the optimizer's update as one compiled function.

Parameters that an optimizer treats alike lie in one flat array, of which each Tensor has a view,
and so do what it remembers of them and their gradients. So the update is a few NumPy calls, however
many parameters there are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter, not_
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import given
from autograd_lite.compile.compiled import Programs, Variant, within
from autograd_lite.compile.draws import Draws
from autograd_lite.compile.graph import Changed, CompileError
from autograd_lite.compile.recorder import recording
from autograd_lite.compile.watch import Watch
from autograd_lite.containers import reached
from autograd_lite.engine.leaves import array_of, grad_of, hold
from autograd_lite.engine.modes import Mode
from autograd_lite.engine.tensor import Array
from autograd_lite.gradients import pulled, seeded

from .module import Module
from .optimizers import ENTRYWISE, SGD, Optimizer, check_trained
from .recording import kept

__all__ = ["TrainStep"]


class TrainStep(Programs):
    """A step of training, compiled: called with a batch, it trains, and returns the loss.

    The numbers are those of the eager step, up to rounding::

        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()

    but gradients are not stored on the parameters. Between two steps anything may be changed, and
    eager steps be taken: what ``net``, ``loss`` and the optimizer can reach is watched, and where
    it has changed (a mode, a layer, a setting; not values of parameters and the learning rate,
    which are read), the step is compiled anew. When that comes again and again, and within
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
        step = prepare(lr, parameters)
    """

    _watched = "_net", "_loss", "_optimizer"
    _title = "A step of training"
    name = "TrainStep"  # for messages

    def __init__(
        self, net: Module, loss: Callable[[Any, Any], Tensor], optimizer: Optimizer
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"TrainStep: the optimizer must be one of nn's, not {optimizer!r}")
        super().__init__()
        self._net, self._loss, self._optimizer = net, loss, optimizer
        self._checked = False
        self._groups: list[_Group] = []

    net = property(attrgetter("_net"))
    loss = property(attrgetter("_loss"))
    optimizer = property(attrgetter("_optimizer"))

    def __reduce__(self) -> Any:
        return TrainStep, (self._net, self._loss, self._optimizer)

    def __call__(self, x: Any, y: Any) -> float:
        return float(self.run(x, y)[0])

    def run(self, x: Any, y: Any) -> tuple[Any, Array]:
        """As a call, but returned are the loss and the prediction, an array."""
        with self._lock:
            latest: _Variant | None = self._latest
            if latest is not None and not Mode.entered and latest.holds((x, y)):
                try:
                    code = latest.code  # all that it does, mostly
                    return code(x, y) if code else latest.attempt((x, y))  # type: ignore[no-any-return]
                except Changed:  # before anything was written
                    pass
            x, y = (z.numpy() if isinstance(z, Tensor) else given(z, self.name) for z in (x, y))
            for group in self._groups:
                group.adopt()
            batch = x.shape, y.shape, x.dtype, y.dtype
            found = None if within() else self.found(batch, (x, y), x, y)
            if found is not None:
                return found  # type: ignore[no-any-return]
            grads = [p.grad for p in self.optimizer.parameters]
            try:
                return self.eager(x, y)
            finally:
                for p, grad in zip(self.optimizer.parameters, grads, strict=True):
                    p.grad = grad

    def eager(self, x: Any, y: Any) -> tuple[Any, Array]:
        """As `run`, but not compiled, and gradients stay stored."""
        self.optimizer.zero_grad()
        value, prediction = self.forward(x, y)
        value.backward()
        self.optimizer.step()
        return value.item(), prediction.data

    def forward(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """The loss and the prediction; said is, once, what the loss uses and isn't trained."""
        prediction = self.net(x)
        value = self.loss(prediction, y)
        if not self._checked:
            if not hasattr(prediction, "data"):
                kind = type(prediction).__name__
                raise TypeError(f"{self.name}: the net must give one Tensor, and gives a {kind}")
            if not isinstance(value, Tensor) or value.size != 1:
                said = f"a Tensor with one element, and has shape {np.shape(value)}"
                raise ValueError(f"{self.name}: the loss must be {said}; use reduction='mean'")
            check_trained(self.name, self.net, value, self.optimizer)
            self._checked = True
        return value, prediction

    def release(self) -> None:
        """Give each parameter, and what the optimizer remembers of it, an array of its own."""
        with self._lock:
            self._regroup([])
            self._latest = None
            self._variants.clear()

    def _regroup(self, numbers: list[list[int]]) -> None:
        """Let the optimizer's parameters of these numbers lie in arrays together."""
        new = [_Group(self.optimizer, own) for own in numbers]
        if [group.known for group in self._groups] != [group.known for group in new]:
            for group in self._groups:
                group.release()
            self._groups = new
            for variants in self._variants.values():
                for variant in variants:
                    variant.holds = not_  # of what it's given

    def made(self, x: Array, y: Array) -> _Variant:
        _refuse_unknown(self.optimizer)
        roots = {type(x).__name__: x for x in (self.loss, self.optimizer, self.net)}
        before = Watch(roots, self.optimizer)
        try:
            with kept(before.tensors), Draws():
                trained = self._trained(x, y)
            self._regroup(_alike(self.optimizer, trained))
            return _Variant(self, Watch(roots, self.optimizer), x, y)
        except BaseException:  # an interrupt, too
            before.restore()
            raise

    def _trained(self, x: Array, y: Array) -> list[int]:
        """The numbers of the parameters that get a gradient."""
        value, _ = self.forward(x, y)
        parameters = self.optimizer.parameters
        wanted = {p for p in parameters if p.requires_grad}
        found = pulled({value: seeded(value, None)}, wanted) if value.requires_grad else {}
        return [i for i, p in enumerate(parameters) if p in found]


_KNOWN = {method: (getattr(Optimizer, method), getattr(SGD, method))
          for method in ("step", "zero_grad", "lr", "remembered", "clipped")}  # fmt: skip


def _refuse_unknown(optimizer: Optimizer) -> None:
    """Refuse an optimizer of which a compiled step wouldn't do everything."""
    kind = type(optimizer)
    for method, known in _KNOWN.items():
        if getattr(kind, method) not in known or method in vars(optimizer):
            said = f"TrainStep: {kind.__name__} has a {method} of its own"
            raise CompileError(f"{said}; define its update(i, value, grad), or train eagerly")
    bound = set() if "update" in vars(optimizer) else {optimizer}
    if {x for x in reached(optimizer.update) if isinstance(x, Optimizer)} - bound:
        said = f"TrainStep: the update of {kind.__name__} is made by another optimizer"
        raise CompileError(f"{said}, which may remember something; train eagerly")


def _alike(optimizer: Optimizer, trained: list[int]) -> list[list[int]]:
    """Numbers of parameters that can be taken as one: all, where it treats each entry by itself."""
    if type(optimizer).update not in ENTRYWISE or "update" in vars(optimizer):
        return [[i] for i in trained]
    found: dict[Any, list[int]] = {}
    for i in trained:
        found.setdefault((optimizer.parameters[i].dtype, optimizer._steps[i]), []).append(i)
    return list(found.values())


class _Group:
    """Parameters that lie in one array, and what the optimizer remembers of them.

    Attributes:
        numbers: those that they have in the optimizer.
        held: by name the arrays, ``"parameters"`` that of the values, and in each the view of each
            parameter.
        rate: the learning rate.
    """

    def __init__(self, optimizer: Optimizer, numbers: list[int]) -> None:
        self.optimizer, self.numbers = optimizer, numbers
        self.parameters = [optimizer.parameters[i] for i in numbers]
        self.known = [*numbers, *map(id, self.parameters)]
        self.rate, self._lr = np.empty((), self.parameters[0].dtype), 0.0
        self.held: dict[str, tuple[Array, list[Array]]] = {}
        self.adopt()

    def views(self, whole: Any) -> list[Any]:
        """Of each parameter its part of an array, in its shape."""
        if len(self.parameters) == 1:
            return [whole]
        ends = np.cumsum([p.size for p in self.parameters]).tolist()
        return [whole[end - p.size : end].reshape(p.shape)
                for p, end in zip(self.parameters, ends, strict=True)]  # fmt: skip

    def joined(self, values: dict[Tensor, Any]) -> Any:
        """What is given of each parameter, behind each other."""
        parts = [values[p] for p in self.parameters]
        return parts[0] if len(parts) == 1 else np.concatenate([x.reshape(-1) for x in parts])

    def array(self, what: str) -> Any:
        """The values, the learning rate, the step that is to come, or what is remembered."""
        if what == "lr":
            return self.rate
        if what == "step":
            return float(self.optimizer._steps[self.numbers[0]] + 1)
        if what not in self.held:
            size, one = sum(p.size for p in self.parameters), self.parameters[0]
            whole = np.empty(one.shape if len(self.parameters) == 1 else size, one.dtype)
            self.held[what] = whole, self.views(whole)
            self.adopt()
        return self.held[what][0]

    def adopt(self) -> None:
        """Take over what was given other arrays since: by the user, or by an eager step."""
        if self._lr is not self.optimizer._lr:
            self._lr = self.rate[...] = self.optimizer._lr
        for what, (_, views) in self.held.items():
            for array, view in zip(self._now(what), views, strict=True):
                if array is not view:
                    view[...] = array
            self._hold(what, views)

    def asked(self, counted: bool) -> Iterator[tuple[Any, ...]]:
        """What holds as long as there is nothing to adopt, and steps, if counted, are as many."""
        yield "{0}._lr is {1}._lr", self, self.optimizer
        for i in self.numbers[1:] if counted else ():
            yield f"{{0}}._steps[{i}] == {{0}}._steps[{self.numbers[0]}]", self.optimizer
        for what, (_, views) in self.held.items():
            for i, p, view in zip(self.numbers, self.parameters, views, strict=True):
                if what == "parameters":
                    yield "{0}._array is {1}", p, view
                else:
                    yield f"{{0}}._memory[{{1}}][{i}] is {{2}}", self.optimizer, what, view

    def release(self) -> None:
        for what, (_, views) in self.held.items():
            pairs = zip(self._now(what), views, strict=True)
            self._hold(what, [a.copy() if a is view else a for a, view in pairs])

    def _now(self, what: str) -> list[Array]:
        if what == "parameters":
            return [*map(array_of, self.parameters)]
        return [*map(self.optimizer.remembered(what).__getitem__, self.numbers)]

    def _hold(self, what: str, arrays: list[Array]) -> None:
        for i, p, array in zip(self.numbers, self.parameters, arrays, strict=True):
            if what == "parameters":
                hold(p, array, exposed=True)  # what uses it in a graph takes a copy
            else:
                self.optimizer.remembered(what)[i] = array


@dataclass(frozen=True)
class _State:
    """What a step reads and changes besides its batch: of a group its values, the learning rate,
    the step that is to come, or what is remembered.
    """

    what: str
    group: _Group
    name: str

    _array = property(lambda self: self.group.array(self.what))
    is_resident = property(lambda self: self.what != "step")


class _Variant(Variant):
    """The step for batches of certain shapes and dtypes, as all was when it was compiled."""

    def __init__(self, step: TrainStep, watch: Watch, x: Array, y: Array) -> None:
        self._train, self._groups = step, step._groups
        kind, groups = type(step.optimizer).__name__, step._groups
        trained = {p for group in groups for p in group.parameters}
        self._state = [t for t in watch.tensors if t not in trained]
        self._changed: list[Tensor] = []  # of that, what is given new data, such as averages
        self._shadow = copy.copy(step.optimizer)  # whose attributes an update may set
        updating = Watch({kind: self._shadow}, self._shadow)

        def refuse() -> None:
            if not updating.holds():
                said = f"TrainStep: {kind} changes {updating.changed()} when it updates"
                raise CompileError(f"{said}, a side effect; use remembered(…), or train eagerly")
            watch.refuse("TrainStep: the net, or the loss,")

        super().__init__(self.step, (x, y), {}, watch, refuse)
        del self._shadow
        self._counted = [i for s in self._captured if type(s) is _State for i in s.group.numbers]
        self.code = None if self._captured or self._changed else self.prepared()
        like = "type({0}) is {{}} and {0}.shape == {{}} and {0}.dtype == {{}}"
        batch = ("given[0]", x), ("given[1]", y)
        self.holds = watch.together([
            *((like.format(name), np.ndarray, z.shape, z.dtype) for name, z in batch),
            *(test for group in groups for test in group.asked(bool(self._counted))),
        ])  # fmt: skip

    def step(self, x: Any, y: Any) -> tuple[Any, ...]:
        """The step as a function: the loss, the prediction, and what is new of what it changes."""
        groups, shadow, recorder = self._groups, self._shadow, recording()
        first = {group.numbers[0]: group for group in groups}

        def of(what: str, group: _Group) -> Any:
            name = what + (f"_{groups.index(group)}" if len(groups) > 1 else "")
            state = _State(what, group, name)
            if recorder and what not in ("lr", "step"):
                recorder.updated.append(state)
            return recorder.taken(state) if recorder else array_of(state)

        rates = [of("lr", group) for group in groups]
        values = [of("parameters", group) for group in groups]
        if recorder:
            recorder.captured.update(
                pair for group, whole in zip(groups, values, strict=True)
                for pair in zip(group.parameters, group.views(whole), strict=True)
            )  # fmt: skip
        with kept(self._state) as state:
            if recorder:
                recorder.state.update(state)
            value, prediction = self._train.forward(x, y)
            if recorder:
                self._changed = [t for t, (old, _) in state.items() if array_of(t) is not old]
            changed = [*map(array_of, self._changed)]
        found = pulled({value: seeded(value, None)}, {p for g in groups for p in g.parameters})
        before = {t: grad_of(t) for t in found}
        shadow._memory = _Found(lambda what: {i: of(what, g) for i, g in first.items()})
        shadow._steps = _Found(lambda i: of("step", first[i]))
        new = []
        try:
            for t, g in found.items():
                t.grad = g  # which an update may ask for
            grads = self._train.optimizer.clipped([group.joined(found) for group in groups])
            for i, rate, whole, grad in zip(first, rates, values, grads, strict=True):
                shadow._lr = rate
                new.append(shadow.update(i, whole, grad))
        finally:
            for t, g in before.items():
                t.grad = g
        memory = [array for arrays in shadow._memory.values() for array in arrays.values()]
        loss = (value.numpy() if value.is_leaf else array_of(value)).reshape(())
        predicted = prediction.numpy() if isinstance(prediction, Tensor) else prediction
        return loss, predicted, *changed, *new, *memory

    def __call__(self, batch: tuple[Array, Array]) -> tuple[Any, Array]:
        found: Any = super().__call__(batch)
        for i in self._counted:
            self._train.optimizer._steps[i] += 1
        for t, new in zip(self._changed, found[2:], strict=True):
            hold(t, np.asarray(new))
        return found[:2]  # type: ignore[no-any-return]


class _Found(dict[str, Any]):
    """What is found when it is asked for."""

    def __init__(self, find: Callable[[Any], Any]) -> None:
        self._find = find

    def __missing__(self, key: Any) -> Any:
        self[key] = self._find(key)
        return self[key]
