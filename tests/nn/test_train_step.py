"""TrainStep against the eager step, with everything that may happen between two steps."""

from __future__ import annotations

import argparse
import ast
import random
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
import nn

from ..each import each
from .test_training import RunningMean

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2))
Y = (X.sum(axis=1, keepdims=True) > 0) * 1.0

OPTIMIZERS: dict[str, Callable[[Any], nn.Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "Momentum": lambda p: nn.Momentum(p, lr=0.05, momentum=0.8),
    "nesterov": lambda p: nn.Momentum(p, lr=0.05, momentum=0.8, nesterov=True),
    "AdaGrad": lambda p: nn.AdaGrad(p, lr=0.05),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01, rho=0.9),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "AdamW": lambda p: nn.AdamW(p, lr=0.01, weight_decay=0.1),
}
sgd, adam = OPTIMIZERS["SGD"], OPTIMIZERS["Adam"]
BCE = nn.BCELoss()


def mlp(**settings: Any) -> nn.MLP:
    return nn.MLP([2, 3, 1], "tanh", output="sigmoid", rng=1, **settings)


def eager_step(
    net: Any, loss: Any, optimizer: nn.Optimizer, x: Any = X, y: Any = Y
) -> tuple[float, np.ndarray[Any, Any]]:
    optimizer.zero_grad()
    prediction = net(x)
    value = loss(prediction, y)
    value.backward()
    optimizer.step()
    return value.item(), prediction.numpy()


def step_of(net: Any, loss: Any = BCE, optimizer: Any = sgd) -> nn.TrainStep:
    return nn.TrainStep(net, loss, optimizer(net.parameters()))


def assert_same_parameters(a: Any, b: Any, tolerance: float = 0.0) -> None:
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=tolerance, atol=tolerance)
        assert p.dtype == q.dtype


class Twins:
    """A net trained eagerly, and the same again trained by a TrainStep."""

    def __init__(
        self, make: Callable[[], Any], loss: Any, optimizer: Any, tolerance: float = 1e-12
    ) -> None:
        self.nets = make(), make()
        self.optimizers = [
            optimizer(net.parameters() if isinstance(net, nn.Module) else net)
            for net in self.nets
        ]
        self.loss, self.tolerance = loss, tolerance
        self.step = nn.TrainStep(self.nets[1], loss, self.optimizers[1])

    def __call__(self, x: Any = X, y: Any = Y) -> None:
        """A step of both, which must give the same."""
        value, prediction = eager_step(self.nets[0], self.loss, self.optimizers[0], x, y)
        found, predicted = self.step.run(x, y)
        self.close(found, value)
        self.close(predicted, prediction)
        assert predicted.dtype == prediction.dtype
        self.same()

    def eagerly(self, loss: Any, x: Any = X, y: Any = Y) -> None:
        """An eager step of both, with another loss."""
        for net, optimizer in zip(self.nets, self.optimizers, strict=True):
            eager_step(net, loss, optimizer, x, y)

    def same(self) -> None:
        assert_same_parameters(*self.nets, self.tolerance)

    def close(self, a: Any, b: Any) -> None:
        np.testing.assert_allclose(a, b, rtol=self.tolerance, atol=self.tolerance)


# ------------------------------------------------------------------ optimizers, losses, activations


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_with_all_that_may_change_between_steps(name: str):
    """50 steps of two shapes; settings, parameters and eager steps in between."""
    twins = Twins(mlp, BCE, OPTIMIZERS[name])
    for k in range(50):
        twins(*((X, Y) if k % 3 else (X[:4], Y[:4])))
        for net, optimizer in zip(twins.nets, twins.optimizers, strict=True):
            o: Any = optimizer
            if k == 10:
                o.lr = 0.02
            if k == 15 and hasattr(o, "momentum"):
                o.momentum = 0.5
            if k == 15 and hasattr(o, "rho"):
                o.rho = 0.7
            if k == 15 and hasattr(o, "betas"):
                o.betas = (0.7, 0.9)
            if k == 15 and hasattr(o, "eps"):
                o.eps = 1e-3
            if k == 20:
                net["W_01"].data[0] += 0.25
                net["b_01"].data = np.full((1, 3), 0.1)
        if k in (25, 26, 40):
            twins.eagerly(nn.MSELoss())


EYE = np.eye(3)[np.arange(6) % 3]


@each([nn.SquaredErrorLoss, nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss,
       lambda reduction: lambda p, y: getattr(np, reduction)((p - y) ** 4)],
      ["mean", "sum"])  # fmt: skip
def test_losses(loss: Any, reduction: str):
    output, y = {
        nn.BCEWithLogitsLoss: ("identity", EYE),
        nn.CrossEntropyLoss: ("identity", EYE * 0.9 + 1 / 30),
    }.get(loss, ("sigmoid", Y))
    twins = Twins(
        lambda: nn.MLP([2, 3, y.shape[1]], "tanh", output=output, rng=1), loss(reduction), sgd
    )
    for k in range(20):
        twins(X, np.roll(y, k, axis=0))


@each([
    *((name, [60, 80], np.float64) for name in OPTIMIZERS),
    ("SGD", [20, 90, 80], np.float64),
    ("SGD", [20, 90, 80], np.float32),
    ("Adam", [20, 90, 80], np.float32),
])  # fmt: skip
def test_large_arrays(name: str, sizes: list[int], dtype: Any):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, sizes[0])).astype(dtype)
    y = rng.uniform(size=(512, 80)).astype(dtype)
    twins = Twins(
        lambda: nn.MLP(sizes, "tanh", output="sigmoid", rng=0, dtype=dtype), nn.MSELoss(),
        OPTIMIZERS[name], 1e-12 if dtype is np.float64 else 1e-4,
    )  # fmt: skip
    _, first = twins.step.run(x, y)
    eager_step(twins.nets[0], twins.loss, twins.optimizers[0], x, y)
    before = first.copy()
    for k in range(5):
        twins(x, y)
        if k == 2:
            for optimizer in twins.optimizers:
                optimizer.lr = 0.02
    np.testing.assert_array_equal(first, before)


# ------------------------------------------------------------------ dtypes and parameters


class Mixed(nn.Module):
    """A layer of float32, and one of float64."""

    def __init__(self) -> None:
        self.first = nn.Linear(2, 3, rng=0, dtype=np.float32)
        self.second = nn.Linear(3, 1, rng=1)

    def forward(self, x: Any) -> Any:
        return self.second(np.tanh(self.first(x)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_and_mixed_dtypes(name: str):
    x = X.astype(np.float32)
    narrow = Twins(lambda: mlp(dtype=np.float32), BCE, OPTIMIZERS[name], 1e-5)
    mixed = Twins(Mixed, nn.MSELoss(), OPTIMIZERS[name], 1e-5)
    for k in range(20):
        narrow(x, Y.astype(np.float32))
        mixed(x, Y)
        if k == 10:
            for optimizer in (*narrow.optimizers, *mixed.optimizers):
                optimizer.lr = 0.02


def test_batches_of_other_kinds():
    """Lists, integers, float32, columns of a larger array, Tensors: each as the eager step."""
    wide = np.hstack([X, X])
    batches: list[Any] = [
        (X.round().astype(int), Y.astype(int)), (X.astype(np.float32), Y), (X.tolist(), Y.tolist()),
        (wide[:, ::2], Y), (wide[::-1, 1:3], Y), (np.asfortranarray(X), Y),
        (ag.Tensor(X), ag.Tensor(Y)),
    ]  # fmt: skip
    twins = Twins(mlp, nn.MSELoss(), sgd, 1e-6)
    for x, y in batches * 3:
        twins(x, y)
    with pytest.raises(TypeError, match=r"TrainStep: a MaskedArray .* its mask would be ignored"):
        twins.step(np.ma.masked_array(X, X > 0), Y)


class Forked(nn.Module):
    """A layer that is used twice, and one that is never used."""

    def __init__(self) -> None:
        self.first, self.shared = nn.Linear(2, 3, rng=0), nn.Linear(3, 3, rng=1)
        self.idle, self.last = nn.Linear(3, 3, rng=2), nn.Linear(3, 1, rng=3)

    def forward(self, x: Any) -> Any:
        h = np.tanh(self.shared(self.first(x)))
        return self.last(np.tanh(self.shared(h)))


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam"])
def test_shared_idle_and_frozen_parameters(name: str):
    def make() -> Forked:
        net = Forked()
        net.first.weight.requires_grad = False
        return net

    twins = Twins(make, nn.MSELoss(), OPTIMIZERS[name])
    thawed = Twins(mlp, BCE, OPTIMIZERS[name])
    for k in range(15):
        twins()
        thawed()
        for net in thawed.nets:
            if k in (4, 9):
                net["W_01"].requires_grad = k == 9
    net, new = twins.nets[1], Forked()
    np.testing.assert_array_equal(net.first.weight.data, new.first.weight.data)
    np.testing.assert_array_equal(net.idle.weight.data, new.idle.weight.data)


class Two(nn.Module):
    """Two layers, of which larger batches use the second only."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(2, 1, rng=0), nn.Linear(2, 1, rng=1)

    def forward(self, x: Any) -> Any:
        return self.second(x) if len(x) > 4 else self.first(x) + self.second(x)


@pytest.mark.filterwarnings("ignore:TrainStep:UserWarning", "ignore:.*again and again:UserWarning")
def test_batches_for_which_other_parameters_get_a_gradient():
    twins = Twins(Two, nn.MSELoss(), adam)
    for _ in range(12):
        twins()
        twins(X[:2], Y[:2])


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_an_optimizer_of_some_parameters_in_another_order(name: str):
    def optimizer(parameters: Any) -> nn.Optimizer:
        return OPTIMIZERS[name]([parameters[i] for i in (3, 0, 2)])

    twins = Twins(mlp, BCE, optimizer)
    with pytest.warns(UserWarning, match=r"b_01 of shape \(1, 3\) \(in the net layers.0.bias\)"):
        twins()
    for _ in range(10):
        twins()
    np.testing.assert_array_equal(twins.nets[1]["b_01"].data, mlp()["b_01"].data)


def test_parameters_with_different_numbers_of_steps():
    """Adam's correction of its means is each parameter's own."""
    twins = Twins(mlp, BCE, adam)
    for k in range(20):
        twins()
        if k in (0, 10):
            twins.eagerly(lambda p, y, k=k: p.sum())
            for net, optimizer in zip(twins.nets, twins.optimizers, strict=True):
                optimizer.zero_grad()
                (net["W_01"] ** 2).sum().backward()
                optimizer.step()


class Scaled(nn.Module):
    """Another function when it is trained."""

    def __init__(self) -> None:
        self.layer = nn.Linear(2, 1, rng=0)

    def forward(self, x: Any) -> Any:
        return self.layer(x) * (0.5 if self.training else 2.0)


def test_whatever_the_net_reads_may_change():
    twins = Twins(Scaled, nn.MSELoss(), sgd)
    for k in range(9):
        twins()
        for net in twins.nets:
            net.train(k < 3 or k > 6)
    for name in ("net", "loss", "optimizer"):
        with pytest.raises(AttributeError):
            setattr(twins.step, name, None)
    twins = Twins(mlp, nn.MSELoss(), sgd)
    for k in range(6):
        twins()
        if k == 3:
            for net in twins.nets:
                net.activations = [ag.sigmoid, ag.sigmoid]


class Caching(nn.Module):
    """With what it makes when it is called first, and a note of what it was called with."""

    mask: Any = None
    shape: Any = None

    def __init__(self) -> None:
        self.layer = nn.Linear(2, 1, rng=0)

    def forward(self, x: Any) -> Any:
        if self.mask is None:
            self.mask = np.arange(1.0, 3.0)
        self.shape = x.shape
        return self.layer(x * self.mask)


def test_what_a_net_keeps_from_its_first_call():
    twins = Twins(Caching, nn.MSELoss(), sgd)
    for _ in range(4):
        twins()
    assert sum(map(len, twins.step._variants.values())) == 1
    assert twins.nets[1].shape == X.shape


# ------------------------------------------------------------------ optimizers of one's own


class Clipped(nn.Optimizer):
    """A step of bounded length for each parameter: not entry by entry."""

    def update(self, i: int, value: Any, grad: Any) -> Any:
        m = self.remembered("m")
        m[i] = 0.5 * m[i] + grad / np.maximum(1.0, 4 * np.linalg.norm(grad))
        return value - self.lr * m[i] * (i + 1)


class Outer(nn.SGD):
    """Another one remembers something for it."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.inner = nn.Momentum(self.parameters, lr)

    def update(self, i: int, value: Any, grad: Any) -> Any:
        return self.inner.update(i, value, grad)


def printing(p: Any, y: Any) -> Any:
    print("a step")
    return BCE(p, y)


class Plain(nn.Optimizer):
    def step(self) -> None:
        for p in self.parameters:
            p.data = p.data - self.lr * (0 if p.grad is None else p.grad)


class Counting(nn.Optimizer):
    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.t = 0

    def update(self, i: int, value: Any, grad: Any) -> Any:
        self.t += 1
        return value - self.lr / self.t * grad


class Iterating(nn.Optimizer):
    rates = iter([1.0, 0.5, 0.1] * 9)

    def update(self, i: int, value: Any, grad: Any) -> Any:
        return value - next(self.rates) * grad


def decayed(base: type[nn.Optimizer]) -> type[nn.Optimizer]:
    class Decayed(base):  # type: ignore[valid-type,misc]
        """With a setting that is changed in place, and the norm of all gradients."""

        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters, lr=0.1)
            self.rates = [{"decay": np.array([0.5])}, 1.0]
            self.first = self.parameters[0]

        def update(self, i: int, value: Any, grad: Any) -> Any:
            norm = np.sqrt(sum(np.sum(p.grad**2) for p in self.parameters))
            return super().update(i, value, grad / (1 + norm) + self.rates[0]["decay"] * value)

    return Decayed


def test_an_update_that_a_subclass_overrides_is_that_of_eager_and_of_compiled_steps():
    for base in (nn.SGD, nn.Momentum, nn.AdaGrad, nn.RMSprop, nn.Adam, nn.AdamW):
        twins = Twins(mlp, nn.BCELoss(), decayed(base))
        plain = mlp()
        for k in range(6):
            twins()
            eager_step(plain, nn.BCELoss(), base(plain.parameters(), lr=0.1), X, Y)
            if k == 3:
                for optimizer in twins.optimizers:
                    optimizer.rates[0]["decay"][:] = 0.1
        assert not np.allclose(plain["W_01"].data, twins.nets[0]["W_01"].data), base


class Slotted(nn.SGD):
    __slots__ = ("scale", "shift")
    scale: float
    shift: float

    def update(self, i: int, value: Any, grad: Any) -> Any:
        return super().update(i, value, grad * self.scale) + getattr(self, "shift", 0.0)


def test_slots_of_a_subclass_are_settings_too():
    def optimizer(parameters: Any) -> nn.Optimizer:
        made = Slotted(parameters, lr=0.1)
        made.scale = 1.0
        return made

    twins = Twins(mlp, nn.BCELoss(), optimizer)
    for name in ("scale", "shift"):
        for _ in range(2):
            twins()
        for made in twins.optimizers:
            setattr(made, name, 0.5)
    twins()


def own_step(optimizer: Any) -> None:
    def halved() -> None:
        for p in optimizer.parameters:
            p.grad = p.grad / 2
        step()

    step, optimizer.step = optimizer.step, halved


def own_update(optimizer: Any) -> None:
    optimizer.update = lambda i, value, grad: value - 0.01 * grad


def own_rate(optimizer: Any) -> None:
    base = type(optimizer)
    rate = property(lambda self: base.lr.fget(self) / self._steps[0], base.lr.fset)
    optimizer.__class__ = type("Slower", (base,), {"lr": rate})


def own_memory(optimizer: Any) -> None:
    def remembered(self: Any, what: str) -> Any:
        return [0 * a for a in base.remembered(self, what)]

    base = type(optimizer)
    optimizer.__class__ = type("Forgetful", (base,), {"remembered": remembered})


class Schedule:
    rate = 1.0


def schedule(optimizer: Any) -> None:
    def update(self: Any, i: int, value: Any, grad: Any) -> Any:
        self.schedule.rate *= 0.9
        return base.update(self, i, value, self.schedule.rate * grad)

    base = type(optimizer)
    optimizer.__class__ = type("Scheduled", (base,), {"update": update})
    optimizer.schedule = Schedule()


def counting(optimizer: Any) -> None:
    def update(self: Any, i: int, value: Any, grad: Any) -> Any:
        self.seen.append(i)
        return base.update(self, i, value, grad / len(self.seen))

    base = type(optimizer)
    optimizer.__class__ = type("Counted", (base,), {"update": update})
    optimizer.seen = []


def keeping(optimizer: Any) -> None:
    optimizer.zero_grad = lambda: None


REPLACED = {
    own_step: "has a step of its own",
    own_update: None,
    own_rate: "has a lr of its own",
    own_memory: "has a remembered of its own",
    schedule: "changes Scheduled.schedule.rate when it updates",
    counting: "changes Counted.seen when it updates",
    keeping: "has a zero_grad of its own",
}


@pytest.mark.parametrize("replace", REPLACED, ids=lambda f: f.__name__)
def test_what_is_replaced_in_an_optimizer_is_done_or_refused_by_name(replace: Any):
    for base in (nn.SGD, nn.Adam):
        states = []
        for compiled in (False, None, True):
            net = mlp()
            optimizer = base(net.parameters(), lr=0.1)
            replace(optimizer)
            step = nn.TrainStep(net, nn.BCELoss(), optimizer)
            if compiled and REPLACED[replace]:
                with pytest.raises(ag.CompileError, match=REPLACED[replace]):
                    step(X, Y)
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", nn.CompileWarning)
                nn.fit(net, X, Y, nn.BCELoss(), optimizer, 4, compiled=compiled)
            states.append(net["W_01"].numpy())
        for state in states[1:]:
            np.testing.assert_allclose(state, states[0], rtol=1e-12, err_msg=base.__name__)
        plain = mlp()
        nn.fit(plain, X, Y, nn.BCELoss(), base(plain.parameters(), lr=0.1), 4, compiled=False)
        assert replace is own_memory or (plain["W_01"].data != states[0]).any(), base


@pytest.mark.parametrize(("make", "tolerance"), [(mlp, 1e-12), (Mixed, 1e-6)])
def test_an_optimizer_of_one_s_own(make: Any, tolerance: float):
    twins = Twins(make, nn.MSELoss(), lambda p: Clipped(p[::-1], lr=0.1), tolerance)
    for k in range(50):
        twins(X, Y)
        if k == 20:
            twins.eagerly(nn.SquaredErrorLoss())
        if k == 30:
            for optimizer in twins.optimizers:
                optimizer.lr = 0.03


NET = mlp()
ALL, IDLE = NET.parameters(), [ag.Tensor(1.0, requires_grad=True)]


@each([
    (nn.MSELoss("none"), sgd(ALL), ValueError,
     r"one element, and has shape \(6, 1\); use reduction="),
    (lambda p, y: (p - y) ** 2, sgd(ALL), ValueError,
     "the loss must be a Tensor with one element"),
    (BCE, Plain(ALL, lr=0.1), ag.CompileError, r"Plain has a step of its own.*update\(i, value"),
    (BCE, Counting(ALL, lr=0.1), ag.CompileError, "Counting changes Counting.t when it updates"),
    (BCE, Iterating(ALL, lr=0.1), ag.CompileError, "changes Iterating.rates when it updates"),
    (BCE, 0.1, TypeError, r"the optimizer must be one of nn's, not 0\.1"),
    (BCE, sgd(IDLE), ValueError, "the loss depends on none of the optimizer's parameters"),
    (BCE, Outer(ALL, lr=0.1), ag.CompileError, "the update of Outer is made by another optimizer"),
    (printing, sgd(ALL), ag.CompileError, "files, the clock and what is printed"),
])  # fmt: skip
def test_what_is_refused(loss: Any, optimizer: Any, error: Any, said: str):
    with pytest.raises(error, match=said):
        nn.TrainStep(NET, loss, optimizer)(X, Y)


def test_a_step_that_is_replaced_in_the_class(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nn.SGD, "step", lambda self: None)
    net = mlp()
    with pytest.raises(ag.CompileError, match="SGD has a step of its own"):
        nn.TrainStep(net, BCE, sgd(net.parameters()))(X, Y)


def test_a_net_that_gives_several():
    net = mlp()
    net.forward = lambda x, f=net.forward: (f(x), x)
    step = nn.TrainStep(net, lambda p, y: BCE(p[0], y), sgd(net.parameters()))
    for take in (step, step.eager):
        with pytest.raises(TypeError, match="net must give one Tensor, and gives a tuple"):
            take(X, Y)


def test_updates_by_another_optimizer_and_what_is_replaced_by_another_parameter():
    states = []
    for compiled in (False, None):
        net = mlp()
        outer, bound = Outer(net.parameters(), lr=0.1), nn.Adam(net.parameters(), lr=0.1)
        bound.update = lambda i, v, g, f=bound.update: f(i, v, np.clip(g, -0.1, 0.1))
        for optimizer in (outer, bound):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", nn.CompileWarning)
                nn.fit(net, X, Y, BCE, optimizer, 3, compiled=compiled)
        states.append(net.state_dict())
    for name, state in states[0].items():
        np.testing.assert_allclose(states[1][name], state, rtol=1e-12)
    twins = Twins(mlp, BCE, sgd)
    for _ in range(2):
        twins()
        for net, optimizer in zip(twins.nets, twins.optimizers, strict=True):
            weight = ag.Tensor(np.full((2, 3), 0.5), requires_grad=True, name="W_01")
            net.layers[0].weight = optimizer.parameters[0] = weight


def test_a_loss_with_an_axis_and_settings_of_a_type_of_python_s():
    settings = argparse.Namespace(scale=1.0)
    twins = Twins(mlp, lambda p, y: np.mean((p - y) ** 2, keepdims=True) * settings.scale, sgd)
    for _ in range(3):
        twins()
        settings.scale *= 0.5


# ------------------------------------------------------------------ nothing changes under anybody


def test_a_graph_that_was_recorded_before_a_step_keeps_its_arrays():
    net = mlp()
    step = step_of(net)
    for _ in range(3):  # also where the parameters lie in the step's array already
        value = BCE(net(X), Y)
        expected = ag.gradients(value, net.parameters())
        step(X, Y)
        step(X[:3], Y[:3])
        net.zero_grad()
        value.backward()
        for p, g in zip(net.parameters(), expected, strict=True):
            np.testing.assert_array_equal(p.grad, g.data)


def test_what_was_handed_out_stays_as_it_was():
    net = mlp()
    step = step_of(net, optimizer=adam)
    step(X, Y)
    _, prediction = step.run(X, Y)
    held = [prediction, *(p.data for p in net.parameters()), *net.state_dict().values()]
    before = [a.copy() for a in held]
    for _ in range(3):
        step(X, Y)
        step(X[:2], Y[:2])
    for a, b in zip(held, before, strict=True):
        np.testing.assert_array_equal(a, b)
    x = X.copy()
    assert not np.shares_memory(step.run(x, Y)[1], x)


class Constant(nn.Module):
    """Predicts its parameter, or a view of it."""

    def __init__(self, transposed: bool) -> None:
        self.w = ag.Tensor(np.zeros((1, 6) if transposed else (6, 1)), requires_grad=True)
        self.transposed = transposed

    def forward(self, x: Any) -> Any:
        return self.w.T if self.transposed else self.w


@pytest.mark.parametrize("transposed", [False, True])
def test_a_prediction_that_is_a_parameter_is_that_before_the_step(transposed: bool):
    net = Constant(transposed)
    step = nn.TrainStep(net, nn.MSELoss("sum"), sgd(net.parameters()))
    _, first = step.run(X, Y)
    _, second = step.run(X, Y)
    step.run(X, Y)
    np.testing.assert_array_equal(first, np.zeros((6, 1)))
    np.testing.assert_allclose(second, 0.2 * Y)


def test_parameters_aren_t_copied_between_steps_and_own_their_arrays_after_release():
    net, twin = mlp(), mlp()
    optimizer, theirs = (nn.Momentum(n.parameters(), lr=0.1) for n in (net, twin))
    step = nn.TrainStep(net, BCE, optimizer)
    step(X, Y)
    arrays = [p._array for p in net.parameters()]
    step(X, Y)
    assert all(p._array is a for p, a in zip(net.parameters(), arrays, strict=True))
    step.release()
    own = [*(p._array for p in net.parameters()), *optimizer.remembered("v")]
    assert all(a.base is None for a in own)
    before = [a.copy() for a in own]
    step(X, Y)  # compiles again, and goes on from there
    assert all((a == b).all() for a, b in zip(own, before, strict=True))
    for _ in range(3):
        eager_step(twin, BCE, theirs)
    assert_same_parameters(net, twin, 1e-12)


def test_an_error_leaves_everything_as_it_was():
    """At the first step, at one that is compiled, and at one of another shape."""
    twins = Twins(mlp, BCE, adam)
    for _ in range(3):
        steps = list(twins.optimizers[1]._steps)
        with pytest.raises(ValueError, match="from 0 to 2; for predictions that are logits"):
            twins.step(X, 2 * Y)
        with pytest.raises(ValueError, match=r"\(6, 1\) and \(6,\); y.reshape\(6, 1\)\?"):
            twins.step(X, Y[:, 0])
        twins.same()
        assert twins.optimizers[1]._steps == steps
        twins()


def test_what_it_returns():
    net = mlp()
    step = step_of(net)
    with pytest.raises(RuntimeError, match="call it once; then there is a source"):
        _ = step.source
    expected = BCE(net(X), Y).item()
    value = step(X, Y)
    assert type(value) is float
    assert value == pytest.approx(expected)
    value, prediction = step.run(X, Y)
    assert type(prediction) is np.ndarray
    assert np.shape(value) == ()
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("shared", [False, True])
def test_two_steps_of_one_net_alternately(shared: bool):
    """With an optimizer each, and with one for both."""
    nets = mlp(), mlp()
    first = [adam(net.parameters()) for net in nets]
    second = first if shared else [nn.Momentum(net.parameters(), 0.1) for net in nets]
    one = nn.TrainStep(nets[1], BCE, first[1])
    two = nn.TrainStep(nets[1], nn.MSELoss(), second[1])
    for k in range(12):
        eager_step(nets[0], BCE, first[0])
        eager_step(nets[0], nn.MSELoss(), second[0])
        one(X, Y)
        two(X, Y)
        if k == 6:
            one.release()
        assert_same_parameters(*nets, 1e-12)


def test_threads():
    """Steps of one TrainStep from several threads follow each other; those of others don't mix."""
    nets = [mlp() for _ in range(3)]
    steps = [step_of(net) for net in nets]

    def work(step: nn.TrainStep, times: int) -> None:
        for _ in range(times):
            step(X, Y)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, (steps[0], steps[1], steps[1]), (200, 100, 100)))
    work(steps[2], 200)
    for net in nets[:2]:
        assert_same_parameters(net, nets[2])


def test_anomalies_are_found_in_a_compiled_step():
    twins = Twins(mlp, BCE, adam)
    for k in range(6):
        if k % 2:
            twins.nets[1]["W_01"].grad = np.full((2, 3), 7.0)
            with ag.detect_anomaly():
                twins()
            np.testing.assert_array_equal(twins.nets[1]["W_01"].grad, np.full((2, 3), 7.0))
        else:
            twins()
    with ag.detect_anomaly(), pytest.raises(FloatingPointError, match=r"linear: .* l_0"):
        twins.step(X * np.nan, Y)


# ------------------------------------------------------------------ modules that are refused


class Dropout(nn.Module):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        if not self.training:
            return x
        return x * (self.rng.random(x.shape) < 0.5)


class Calls(nn.Module):
    calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return x


@each({
    "random": (Dropout, "Random numbers"),
    "what is stored": (RunningMean, r"changes Sequential\.modules.*mean"),
    "what is set": (Calls, r"changes Sequential\.modules.*calls"),
})  # fmt: skip
def test_modules_that_are_refused(make: Any, message: str):
    """It is said by what, and they are as they were before."""
    module = make()
    net = nn.Sequential(nn.Linear(2, 4, rng=0), module, nn.Linear(4, 1, rng=1))
    optimizer = adam(net.parameters())
    step = nn.TrainStep(net, nn.MSELoss(), optimizer)
    before = dict(vars(module))
    with pytest.raises(ag.CompileError, match=message):
        step(X, Y)
    assert all(vars(module)[name] is value for name, value in before.items())
    assert vars(module).keys() == before.keys()
    step.release()
    twin = nn.Sequential(nn.Linear(2, 4, rng=0), nn.Linear(4, 1, rng=1))
    assert_same_parameters(net, twin)
    eager_step(net, nn.MSELoss(), optimizer)
    assert optimizer._steps == [1, 1, 1, 1]


def test_what_is_random_when_it_is_trained_can_be_compiled_where_it_is_not():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), Dropout(), nn.Linear(3, 1, rng=1))
    step = step_of(net, nn.MSELoss())
    net.modules[1].eval()  # type: ignore[attr-defined]
    net.eval()
    step(X, Y)
    net.train()
    with pytest.raises(ag.CompileError, match="Random numbers"):
        step(X, Y)


def test_a_mask_is_that_of_eager_steps():
    """Also after a batch of another shape, for which other code is made, or that is refused."""
    def make() -> nn.Module:
        rng = np.random.default_rng(3)
        first, last = nn.Linear(2, 4, rng=0), nn.Linear(4, 1, rng=1)
        return nn.Sequential(first, nn.Dropout(0.5, rng), nn.Tanh(), nn.Dropout(0.2, rng), last,
                             nn.Sigmoid())  # fmt: skip

    twins = Twins(make, BCE, adam)
    for k in range(8):
        twins(*((X, Y) if k % 3 else (X[:4], Y[:4])))
        twins(X, Y * 0.5)  # decided otherwise: not all of them are 0 or 1
        with pytest.raises(ValueError, match="must lie in"):
            twins.step(X, 2 * Y)
        for net in twins.nets:
            net.train(k < 5)
    states = [net.modules[1].rng.bit_generator.state for net in twins.nets]  # type: ignore[attr-defined]
    assert states[0] == states[1]
    source = twins.step.source
    assert source == twins.step.source  # to write the numbers out draws none
    assert states[1] == twins.nets[1].modules[1].rng.bit_generator.state  # type: ignore[attr-defined]


class Weighted:
    """A loss that keeps an average of itself, in an array that is part of the loss."""

    def __init__(self) -> None:
        self.average = ag.Tensor(1.0)

    def __call__(self, prediction: Any, y: Any) -> Any:
        value = nn.MSELoss()(prediction, y)
        with ag.no_grad():
            self.average.data = (0.9 * self.average + 0.1 * value).data
        return value / self.average


@pytest.mark.parametrize("loss", [nn.MSELoss, Weighted])
@pytest.mark.parametrize("name", ["SGD", "Momentum"])
def test_averages_that_are_kept_in_tensors_are_those_of_eager_steps(name: str, loss: Any):
    def make() -> nn.Module:
        layers = nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1, rng=1)
        return nn.Sequential(*layers)

    twins = Twins(make, loss(), OPTIMIZERS[name], 1e-9)
    twins.step = nn.TrainStep(twins.nets[1], loss(), twins.optimizers[1])
    held = [p.data.copy() for p in twins.nets[1].parameters()]
    with pytest.raises(ValueError, match="two rows"):
        twins.step(X[:1], Y[:1])
    for p, before in zip(twins.nets[1].parameters(), held, strict=True):
        np.testing.assert_array_equal(p.data, before)
    for i in range(6):
        for net in twins.nets:
            net.train(i != 3)
            if i == 4:
                net.modules[1].running_mean.data = np.arange(4.0)  # type: ignore[attr-defined]
        twins(X * (i + 1), Y)
    assert "running_var" in twins.step.source
    assert sum(map(len, twins.step._variants.values())) == 2  # with averages kept, and taken


def test_a_gradient_that_is_0_but_for_rounding_may_be_scaled_up():
    labels = (X[:6, :1] > 0) * 1.0  # which decide otherwise where rounding changes them
    for seed in range(3):
        for name in ("Adam", "AdaGrad"):
            layers = nn.Linear(2, 4, rng=seed), nn.BatchNorm1d(4), nn.Linear(4, 1, rng=1)
            net = nn.Sequential(*layers, nn.Sigmoid())
            step = nn.TrainStep(net, nn.BCELoss(), OPTIMIZERS[name](net.parameters()))
            assert step(X[:6], labels) > step(X[:6], labels)


class Moving(nn.Module):
    """With a state of its own, in an array and in a list."""

    def __init__(self) -> None:
        self.layer, self.mean, self.seen = nn.Linear(2, 1, rng=0), np.zeros(2), [0]

    def forward(self, x: Any) -> Any:
        self.mean *= 0.9
        self.seen[0] += 1
        self.mean += 0.1 * np.asarray(x).mean(axis=0)
        return self.layer(x - self.mean) * self.seen[0]


class Noisy(nn.Module):
    def __init__(self) -> None:
        self.layer, self.rng = nn.Linear(2, 1, rng=0), np.random.default_rng(0)
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)

    def forward(self, x: Any) -> Any:
        x = x * random.random() + np.random.normal(size=2)  # noqa: NPY002
        return self.layer(x + self.rng.normal(size=np.shape(x)))


class Fading:
    reduction, weight, count = "mean", np.ones(1), 0

    def __init__(self) -> None:
        self.weight = np.ones(1)

    def __call__(self, prediction: Any, y: Any) -> Any:
        self.weight *= 0.9
        self.count += 1
        return np.mean((prediction - y) ** 2) * self.weight[0] / self.count


class Remembering(nn.SGD):
    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.own, self.seen = [np.ones(p.shape) for p in self.parameters], {"n": 0}

    def update(self, i: int, value: Any, grad: Any) -> Any:
        self.own[i] *= 0.9
        self.seen["n"] += 1
        self.own[i] += grad
        return super().update(i, value, self.own[i] / self.seen["n"])


@pytest.mark.filterwarnings("ignore::nn.CompileWarning")
@pytest.mark.parametrize("kind", [Moving, Noisy, Fading, Remembering])
def test_what_can_t_be_compiled_trains_as_if_that_hadn_t_been_tried(kind: Any):
    states = []
    for compiled in (False, None):
        net = kind() if issubclass(kind, nn.Module) else nn.MLP([2, 1], rng=0)
        loss = Fading() if kind is Fading else nn.MSELoss()
        optimizer = (Remembering if kind is Remembering else nn.SGD)(net.parameters(), lr=0.05)
        nn.fit(net, X, Y, loss, optimizer, epochs=3, batch_size=2, rng=0, compiled=compiled)
        states.append(np.concatenate([p.data.ravel() for p in net.parameters()]))
    np.testing.assert_array_equal(*states)


# ------------------------------------------------------------------ the source


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_source_makes_the_same_step_with_numpy_alone(name: str, tmp_path: Path):
    net = mlp()
    optimizer = OPTIMIZERS[name](net.parameters())
    step = nn.TrainStep(net, BCE, optimizer)
    for _ in range(3):
        step(X, Y)
    (tmp_path / "source.py").write_text(step.source, encoding="utf-8")
    np.savez(tmp_path / "batch.npz", x=X, y=Y)
    steps = [4] if "def step(x, y, step" in step.source else []
    (tmp_path / "main.py").write_text(
        "import sys\n"
        "sys.modules['autograd_lite'] = sys.modules['nn'] = None\n"
        "import numpy as np, source\n"
        "batch = np.load('batch.npz')\n"
        f"value, prediction = source.step(batch['x'], batch['y'], *{steps})\n"
        "np.savez('found.npz', value=value, prediction=prediction, w=source.parameters)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "main.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    value, prediction = step.run(X, Y)
    flat = np.concatenate([p.numpy().ravel() for p in net.parameters()])
    with np.load(tmp_path / "found.npz") as found:
        np.testing.assert_allclose(found["value"], value, rtol=1e-14)
        np.testing.assert_array_equal(found["prediction"], prediction)
        np.testing.assert_allclose(found["w"], flat, rtol=1e-14)


# ------------------------------------------------------------------ work


def work(step: nn.TrainStep) -> tuple[int, int, int]:
    """Of the step's code: its calls, those that allocate an array, and copies of entries."""
    functions = [n for n in ast.walk(ast.parse(step.source)) if isinstance(n, ast.FunctionDef)]
    (function,) = (f for f in functions if f.name == "step")
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
    copies = [n for n in ast.walk(function) if isinstance(n, ast.Subscript)]
    given = {
        "add": 3, "subtract": 3, "multiply": 3, "divide": 3, "minimum": 3, "maximum": 3, "exp": 2,
        "log": 2, "negative": 2, "square": 2, "sqrt": 2, "tanh": 2,
    }  # fmt: skip
    allocating = [
        c for c in calls
        if isinstance(c.func, ast.Name) and len(c.args) + len(c.keywords) < given.get(c.func.id, 0)
    ]  # fmt: skip
    unknown = {c.func.id for c in calls if isinstance(c.func, ast.Name)} - given.keys()
    assert unknown <= {"Changed"}
    attributes = {c.func.attr for c in calls if isinstance(c.func, ast.Attribute)}
    # No np.empty, no copy, no concatenate.
    assert attributes <= {"dot", "reshape", "ravel", "tobytes"}
    return len(calls), len(allocating), len(copies)


@pytest.mark.parametrize(
    ("sizes", "rows", "most"), [([2, 2, 1], 1, (40, 1, 0)), ([2, 5, 5, 1], 10, (54, 1, 3))]
)
def test_a_step_s_work(sizes: list[int], rows: int, most: tuple[int, int, int]):
    """The chapter's nets: how many calls, one array (the prediction), a row that is repeated."""
    net = nn.MLP(sizes, rng=0)
    step = nn.TrainStep(net, BCE, sgd(net.parameters()))
    step(np.ones((rows, 2)), np.ones((rows, 1)))
    found = work(step)
    assert all(a <= b for a, b in zip(found, most, strict=True)), found


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_step_allocates_its_prediction_and_nothing_else(name: str):
    net = nn.MLP([64, 128, 128, 10], "tanh", output="identity", rng=0)
    step = nn.TrainStep(net, nn.MSELoss(), OPTIMIZERS[name](net.parameters()))
    x, y = RNG.normal(size=(2048, 64)), RNG.normal(size=(2048, 10))
    step(x, y)
    tracemalloc.start()
    try:
        step(x, y)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        _, prediction = step.run(x, y)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    buffer = np.getbufsize() * 8  # NumPy's own, within a ufunc that repeats a row
    assert prediction.nbytes <= peak < prediction.nbytes + buffer + 10_000


# ------------------------------------------------------------------ any network


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    activation=st.sampled_from(["sigmoid", "tanh", "softplus", "softmax", "identity"]),
    loss=st.sampled_from([nn.MSELoss, nn.SquaredErrorLoss, nn.BCEWithLogitsLoss]),
    reduction=st.sampled_from(["mean", "sum"]),
    name=st.sampled_from(sorted(OPTIMIZERS)),
    rows=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_network(sizes, activation, loss, reduction, name, rows, bias, seed):
    def make() -> nn.MLP:
        return nn.MLP(sizes, activation, output="identity", bias=bias, rng=seed)

    rng = np.random.default_rng(seed)
    # Where a gradient is 0 but for rounding, Adam's step still has the length of any other.
    twins = Twins(make, loss(reduction), OPTIMIZERS[name], 1e-9)
    for _ in range(3):
        for q in rows:
            twins(rng.normal(size=(q, sizes[0])), rng.uniform(0.1, 0.9, size=(q, sizes[-1])))


def test_an_update_may_give_what_is_constant():
    class Counted(nn.Optimizer):
        def update(self, i: int, value: Any, grad: Any) -> Any:
            n = self.remembered("n")
            n[i], before = np.ones_like(grad), n[i]
            return value * before if i else np.full_like(value, 0.25)

    twins = Twins(mlp, nn.MSELoss(), lambda p: Counted(p, lr=0.1))
    for _ in range(3):
        twins()


def test_what_an_optimizer_remembers_may_have_any_name():
    class Heavy(nn.Optimizer):
        def update(self, i: int, value: Any, grad: Any) -> Any:
            self.remembered("a{b}'")[i] = self.remembered("a{b}'")[i] * 0.9 + grad
            return value - self.lr * self.remembered("a{b}'")[i]

    losses = []
    for compiled in (True, False):
        net = nn.MLP([2, 3, 1], rng=0)
        step = nn.TrainStep(net, nn.BCELoss(), Heavy(net.parameters(), lr=0.1))
        run = step.run if compiled else step.eager
        losses.append([run(np.ones((2, 2)), np.ones((2, 1)))[0] for _ in range(4)])
    np.testing.assert_allclose(*losses)
