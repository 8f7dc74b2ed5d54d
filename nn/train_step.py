"""TrainStep: forward, loss, backward and the optimizer's update as one compiled function.

Parameters that an optimizer treats alike lie in one flat array, of which each Tensor has a view,
and so do what it remembers of them and their gradients. So the update is a few NumPy calls, however
many parameters there are.
"""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import given
from autograd_lite.compile.compiled import settled, within
from autograd_lite.compile.graph import Changed, CompileError, Program
from autograd_lite.compile.recorder import Recorder
from autograd_lite.compile.recording import Check, others
from autograd_lite.compile.traced import value_of
from autograd_lite.compile.watch import Watch
from autograd_lite.compile.writer import Source
from autograd_lite.engine.leaves import array_of, grad_of, hold
from autograd_lite.engine.modes import _thread
from autograd_lite.engine.tensor import Array
from autograd_lite.gradients import pulled, seeded

from .module import Module
from .optimizers import ENTRYWISE, SGD, Optimizer, check_trained

_ITS_OWN = {"_lr", "_minus_lr", "_memory", "_steps"}  # of an optimizer, read at each step


class TrainStep:
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
        self._groups: list[_Group] = []
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
            batch, variant = (x.shape, y.shape, x.dtype, y.dtype), self._latest
            usual = variant is not None and variant.batch == batch and not _thread.blocks
            if variant is not None and usual and variant.holds():
                try:
                    return variant((x, y))
                except Changed:  # before anything was written
                    pass
            variants = self._variants.setdefault(batch, [])
            found = None if within() else settled(
                variants, (x, y), self, self._compile, batch, x, y
            )
            return self._eager(x, y) if found is None else found

    def _eager(self, x: Array, y: Array) -> tuple[Any, Array]:
        value, prediction = self.forward(x, y)
        grads = [p.grad for p in self.optimizer.parameters]
        self.optimizer.zero_grad()
        try:
            value.backward()
            self.optimizer.step()
        finally:
            for p, grad in zip(self.optimizer.parameters, grads, strict=True):
                p.grad = grad
        return value.item(), prediction.numpy()

    def forward(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """The loss and the prediction."""
        prediction = self.net(x)
        return self.loss(prediction, y), prediction

    @property
    def source(self) -> str:
        """The NumPy code of the step that was compiled last; it runs with NumPy alone."""
        if self._latest is None:
            raise RuntimeError("TrainStep: take a step; then there is a source")
        return self._latest.source.text("A step of training")

    def release(self) -> None:
        """Give each parameter, and what the optimizer remembers of it, an array of its own."""
        with self._lock:
            self._regroup([])
            self._latest = None
            self._variants.clear()

    def _regroup(self, numbers: list[list[int]]) -> None:
        """Let the optimizer's parameters of these numbers lie in arrays together."""
        if [group.numbers for group in self._groups] != numbers:
            for group in self._groups:
                group.release()
            self._groups = [_Group(self.optimizer, own) for own in numbers]
            for variants in self._variants.values():
                for variant in variants:
                    variant.holds = bool  # whose value is False

    def _compile(self, batch: Any, x: Array, y: Array) -> _Variant:
        _refuse_unknown(self.optimizer)
        modules = [m for _, m in self.net.named_modules()] if isinstance(self.net, Module) else []
        before = [(m, dict(vars(m))) for m in modules]
        try:
            expected, trained = self._trained(x, y)
            self._regroup(_alike(self.optimizer, trained))
            self._latest = _Variant(self, self._groups, x, y, expected)
            self._latest.batch = batch
            return self._latest
        except BaseException:
            for module, attributes in before:
                vars(module).clear()
                vars(module).update(attributes)
            raise

    def _trained(self, x: Array, y: Array) -> tuple[list[Any], list[int]]:
        """The loss and the prediction; and the numbers of parameters that get a gradient."""
        value, prediction = self.forward(x, y)
        if not isinstance(value, Tensor) or value.size != 1:
            raise ValueError(
                f"TrainStep: the loss must be a Tensor with one element, and has shape "
                f"{np.shape(value)}; use reduction='mean' or 'sum'"
            )
        parameters = self.optimizer.parameters
        wanted = {p for p in parameters if p.requires_grad}
        found = pulled({value: seeded(value, None)}, wanted) if value.requires_grad else {}
        if not self.checked:
            self.checked = True
            check_trained("TrainStep", self.net, value, self.optimizer)
        both = [getattr(t, "_array", t) for t in (value, prediction)]
        return both, [i for i, p in enumerate(parameters) if p in found]


def _refuse_unknown(optimizer: Optimizer) -> None:
    """Refuse an optimizer of which a compiled step wouldn't do everything."""
    kind = type(optimizer)
    for method in ("step", "zero_grad", "lr", "remembered", "clipped"):
        known = getattr(kind, method) in (getattr(Optimizer, method), getattr(SGD, method))
        if not known or method in vars(optimizer):
            said = f"TrainStep: {kind.__name__} has a {method} of its own"
            raise CompileError(f"{said}; define its update(i, value, grad), or train eagerly")


def _alike(optimizer: Optimizer, trained: list[int]) -> list[list[int]]:
    """Numbers of parameters that can be taken as one: all, where it treats each entry by itself."""
    if type(optimizer).update not in ENTRYWISE or "update" in vars(optimizer):
        return [[i] for i in trained]
    found: dict[Any, list[int]] = {}
    for i in trained:
        found.setdefault((optimizer.parameters[i].dtype, optimizer._steps[i]), []).append(i)
    return list(found.values())


def _array(x: Any) -> Array:
    array: Array = x.numpy() if isinstance(x, Tensor) else given(x, "TrainStep")
    return array


class _Group:
    """Parameters that lie in one array, and what the optimizer remembers of them.

    Attributes:
        numbers: those that they have in the optimizer.
        held: by name the arrays, ``""`` that of the values, and in each the view of each parameter.
        rate: the learning rate.
    """

    def __init__(self, optimizer: Optimizer, numbers: list[int]) -> None:
        self.optimizer, self.numbers = optimizer, numbers
        self.parameters = [optimizer.parameters[i] for i in numbers]
        self.rate, self._lr = np.empty((), self.parameters[0].dtype), 0.0
        self.held: dict[str, tuple[Array, list[Array]]] = {"": self._made()}

    def _made(self) -> tuple[Array, list[Array]]:
        size = sum(p.size for p in self.parameters)
        shape = self.parameters[0].shape if len(self.parameters) == 1 else (size,)
        whole = np.empty(shape, self.rate.dtype)
        return whole, self.views(whole)

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

    def remember(self, what: str) -> Array:
        """The array for something that the optimizer remembers."""
        if what not in self.held:
            self.optimizer.remembered(what)
            self.held[what] = self._made()
            self.adopt()
        return self.held[what][0]

    def adopt(self) -> None:
        """Take over what was given other arrays since: by the user, or by an eager step."""
        if self._lr != self.optimizer._lr:
            self._lr = self.rate[...] = self.optimizer._lr
        for what, (_, views) in self.held.items():
            if what:
                memory = self.optimizer._memory[what]
                for i, view in zip(self.numbers, views, strict=True):
                    if memory[i] is not view:
                        view[...] = memory[i]
                        memory[i] = view
            elif not all(map(operator.is_, map(array_of, self.parameters), views)):
                for p, view in zip(self.parameters, views, strict=True):
                    if array_of(p) is not view:
                        view[...] = array_of(p)
                        hold(p, view, exposed=True)  # what uses it in a graph takes a copy

    def release(self) -> None:
        for what, (_, views) in self.held.items():
            memory = self.optimizer._memory.get(what, [])
            for i, p, view in zip(self.numbers, self.parameters, views, strict=True):
                if what and memory[i] is view:
                    memory[i] = view.copy()
                elif not what and array_of(p) is view:
                    p._replace(view.copy())


class _Variant:
    """The step for batches of certain shapes and dtypes, as all was when it was compiled."""

    def __init__(
        self, step: TrainStep, groups: list[_Group], x: Array, y: Array, expected: list[Any]
    ) -> None:
        self._step, self._groups, self.batch = step, groups, None
        self.watch = Watch(
            {type(x).__name__: x for x in (step.loss, step.optimizer, step.net)},
            but=(step.optimizer, _ITS_OWN),
        )
        effects = self.watch.effects()
        for group in groups:
            group.adopt()
        program, self._captured = _recorded(step, groups, x, y)
        self.watch.refuse(effects, "TrainStep: the net, or the loss,")
        self._resident = [node.value for node in program.resident]
        with np.errstate(all="ignore"):
            captured = list(map(array_of, self._captured))
            check = Check(program, [node.value for node in program.inputs] + captured)
            check.function(expected)
            check.elsewhere(
                lambda batch: [getattr(t, "_array", t) for t in step.forward(*batch)],
                [list(batch) for batch in zip(others(x), others(y), strict=True)],
            )
        self.watch.refuse(effects, "TrainStep: the net, or the loss,")
        program.drop_unused()
        times = program.inputs[2 : 2 + len(groups)]
        self._counted = not {*times}.isdisjoint(program.uses)
        self.holds = self._counting_holds if self._counted else self.watch.holds
        if not self._counted:
            program.inputs = [node for node in program.inputs if node not in times]
        with np.errstate(all="ignore"):
            self.source = Source(program, self._captured)
            copies = [a.copy() for a in self._resident]
            found = self.source.prepared(*copies)(x, y, *self._further())
            now = dict(zip(program.resident, copies, strict=True))
            said = f"please report it\n{self.source.body}"
            check.code([*found, *(now[old] for old in program.updates)], said)
        self._function = self.source.prepared(*self._resident)
        self._alone = not (self._counted or self._captured)

    def _counting_holds(self) -> bool:
        """Whether all is as it was, and parameters in a group took as many steps each."""
        steps = self._step.optimizer._steps
        alike = all(len({steps[i] for i in group.numbers}) == 1 for group in self._groups)
        return alike and self.watch.holds()

    def __call__(self, batch: tuple[Array, Array]) -> tuple[Any, Array]:
        for group in self._groups:
            group.adopt()
        found: tuple[Any, Array]
        if self._alone:
            found = self._function(*batch)
            return found
        found = self._function(*batch, *self._further())
        if self._counted:
            for group in self._groups:
                for i in group.numbers:
                    self._step.optimizer._steps[i] += 1
        return found

    def _further(self) -> list[Any]:
        """What the function takes besides the batch."""
        steps, groups = self._step.optimizer._steps, self._groups if self._counted else ()
        return [*[steps[g.numbers[0]] + 1 for g in groups], *map(array_of, self._captured)]


def _refuse_side_effects(kind: type, watch: Watch, once: list[Any], again: list[Any]) -> None:
    """Raise where an update changed something, or gave something else when it was asked again."""
    as_before = watch.holds()
    if not (as_before and all(map(np.array_equal, once, again))):
        what = "what it asks for, as an iterator does," if as_before else watch.changed()
        said = f"TrainStep: {kind.__name__} changes {what} when it updates"
        raise CompileError(f"{said}, a side effect; use remembered(…), or train eagerly")


def _recorded(
    step: TrainStep, groups: list[_Group], x: Array, y: Array
) -> tuple[Program, list[Tensor]]:
    """Forward, backward and update on stand-ins."""
    recorder = Recorder()
    optimizer, kind = step.optimizer, type(step.optimizer)
    ends = [f"_{i}" if len(groups) > 1 else "" for i in range(len(groups))]
    arrays: dict[Any, Any] = {}
    batch = recorder.given(x, "x"), recorder.given(y, "y")
    times = [recorder.given(optimizer._steps[g.numbers[0]] + 1, f"step{e}")
             for g, e in zip(groups, ends, strict=True)]  # fmt: skip

    def of(group: _Group, what: str) -> Any:
        """What stands for an array of a group, or for its learning rate."""
        key = group, what
        if key not in arrays:
            known = {"lr": group.rate, "parameters": group.held[""][0]}
            array = known[what] if what in known else group.remember(what)
            arrays[key] = recorder.given(array, what + ends[groups.index(group)])
        return arrays[key]

    with recorder.recording():
        for group in groups:
            for p, view in zip(group.parameters, group.views(of(group, "parameters")), strict=True):
                recorder.captured[p] = view
                view.node.name = p.name if len(group.parameters) > 1 else view.node.name
        value, prediction = step.forward(*batch)
        every = [p for group in groups for p in group.parameters]
        found = pulled({value: seeded(value, None)}, set(every))
        shadow, watch, held = _shadow(optimizer), None, dict[str, list[Any]]()

        def remembered(what: str) -> list[Any]:
            if what not in held:
                held[what] = [None] * len(optimizer.parameters)
                for group in groups:
                    held[what][group.numbers[0]] = of(group, what)
            return held[what]

        shadow.remembered, shadow._steps = remembered, [None] * len(optimizer.parameters)
        watch = Watch({kind.__name__: shadow}, but=(shadow, {*_ITS_OWN, "remembered"}))
        before = {t: grad_of(t) for t in found}
        new: dict[Any, Any] = {}
        try:
            for t, g in found.items():
                t.grad = g  # which an update may ask for
            made = len(recorder.nodes)
            for _ in range(2):  # what it counts shows when it is asked again
                once = [value_of(x) for x in new.values()]
                del recorder.nodes[made:]
                held.clear()
                grads = optimizer.clipped([group.joined(found) for group in groups])
                for group, time, grad in zip(groups, times, grads, strict=True):
                    i = group.numbers[0]
                    shadow._lr, shadow._steps[i] = of(group, "lr"), time
                    new[of(group, "parameters").node] = shadow.update(
                        i, of(group, "parameters"), grad
                    )
        finally:
            for t, g in before.items():
                t.grad = g
        _refuse_side_effects(kind, watch, once, [value_of(x) for x in new.values()])
        new.update({of(group, what).node: kept[group.numbers[0]]
                    for what, kept in held.items() for group in groups})  # fmt: skip
        loss: Any = array_of(value)
        outputs = [loss.node, recorder.output(prediction)]
    resident = [a.node for a in arrays.values()]
    captured = {t: a.node for t, a in recorder.captured.items() if t not in set(every)}
    program = Program(
        "step", [*(a.node for a in (*batch, *times)), *resident], list(captured.values()),
        recorder.nodes, outputs, resident, {old: a.node for old, a in new.items()},
    )  # fmt: skip
    return program, list(captured)


def _shadow(optimizer: Optimizer) -> Any:
    """The optimizer with copies of its settings, into which an update may write."""
    shadow, memo = copy.copy(optimizer), {id(p): p for p in optimizer.parameters}
    own = {k: v for k, v in vars(optimizer).items() if k not in _ITS_OWN}
    try:
        vars(shadow).update(copy.deepcopy(own, memo))
    except Exception as error:
        said = f"TrainStep: {type(optimizer).__name__} has settings that can't be copied"
        raise CompileError(f"{said} ({error}); train eagerly") from error
    return shadow
