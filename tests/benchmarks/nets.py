"""One training step of a network, by each contender: all from the same start.

A contender is a function ``make(problem)`` that returns ``step``, which trains on the problem's
batch once, and ``weights``, which gives the trained weights, so that all can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

import nn
from autograd_lite import Tensor

from . import by_hand
from .peers import installed, jax_float64
from .report import Bars, Result, compared
from .timing import Effort, on_threads, threads, time_in_turns

Step = Callable[[], Any]
Weights = Callable[[], list[Any]]
Contender = Callable[["Problem"], tuple[Step, Weights]]

HAND, EAGER, COMPILED = "hand-written NumPy", "autograd_lite", "autograd_lite compiled"


@dataclass(frozen=True)
class Problem:
    """A network, its start, and one batch.

    Attributes:
        relu: ReLU layers and the cross-entropy of logits, instead of sigmoid layers and the binary
            cross-entropy.
        threads: that each side may use; None for its own number.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    lr: float = 0.1
    relu: bool = False
    threads: int | None = 1

    def start(self) -> tuple[list[Any], list[Any], Any, Any]:
        """Weights, biases, inputs and targets: the same at every call."""
        rng = np.random.default_rng(0)
        weights = [
            rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)
            for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        biases = [np.zeros((1, n)) for n in self.sizes[1:]]
        x = rng.normal(size=(self.batch, self.sizes[0]))
        n_out = self.sizes[-1]
        if self.relu:
            y = np.eye(n_out)[rng.integers(n_out, size=self.batch)]
        else:
            y = (rng.random((self.batch, n_out)) < 0.5).astype(float)
        return weights, biases, x, y


PROBLEMS = (
    Problem("A: 2-2-1, batch 1", (2, 2, 1), 1),
    Problem("B: 2-5-5-1, batch 10", (2, 5, 5, 1), 10),
    Problem("C: 784-256-128-10, batch 64", (784, 256, 128, 10), 64, relu=True, threads=None),
    Problem("C: 784-256-128-10, batch 64", (784, 256, 128, 10), 64, relu=True),
)


def numpy_by_hand(problem: Problem) -> tuple[Step, Weights]:
    """The chapter's recursion, without a framework."""
    weights, biases, x, y = problem.start()
    written_out = {
        (False, 2): by_hand.two_sigmoid_layers,
        (False, 3): by_hand.three_sigmoid_layers,
        (True, 3): by_hand.three_relu_layers,
    }
    step = written_out[problem.relu, len(weights)]
    return step(weights, biases, x, y, problem.lr), lambda: weights


def numpy_loop(problem: Problem) -> tuple[Step, Weights]:
    """The same as a loop over the layers, for any number of sigmoid layers."""
    weights, biases, x, y = problem.start()
    return by_hand.sigmoid_layers(weights, biases, x, y, problem.lr), lambda: weights


def _network(problem: Problem) -> tuple[nn.MLP, Any, nn.SGD, Any, Any]:
    weights, biases, x, y = problem.start()
    activation, output = ("relu", "identity") if problem.relu else ("sigmoid", "sigmoid")
    net = nn.MLP(problem.sizes, activation=activation, output=output)
    for layer, w, b in zip(net.layers, weights, biases, strict=True):
        assert layer.bias is not None
        layer.weight.data, layer.bias.data = w, b
    criterion = nn.CrossEntropyLoss() if problem.relu else nn.BCELoss()
    return net, criterion, nn.SGD(net.parameters(), lr=problem.lr), x, y


def _trained(net: nn.MLP) -> Weights:
    return lambda: [layer.weight.numpy() for layer in net.layers]


def autograd_lite(problem: Problem) -> tuple[Step, Weights]:
    """This package, written the ordinary way."""
    net, criterion, optimizer, x, y = _network(problem)
    inputs, targets = Tensor(x), Tensor(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step, _trained(net)


def autograd_lite_compiled(problem: Problem) -> tuple[Step, Weights]:
    """This package, the step compiled."""
    net, criterion, optimizer, x, y = _network(problem)
    train = nn.TrainStep(net, criterion, optimizer)
    return lambda: train(x, y), _trained(net)


def pytorch(problem: Problem) -> tuple[Step, Weights]:
    """PyTorch's modules and SGD, float64."""
    torch = import_module("torch")
    weights, biases, x, y = problem.start()
    layers: list[Any] = []
    for w, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(*w.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T))
            linear.bias.copy_(torch.from_numpy(b[0]))
        layers += [linear, torch.nn.ReLU() if problem.relu else torch.nn.Sigmoid()]
    net = torch.nn.Sequential(*(layers[:-1] if problem.relu else layers))
    criterion = torch.nn.CrossEntropyLoss() if problem.relu else torch.nn.BCELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=problem.lr)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda: [layer.weight.detach().numpy().T for layer in layers[::2]]


def _loss_of(np_like: Any, relu: bool, x: Any, y: Any) -> Callable[[Any], Any]:
    """The loss as a function of the flat list of parameters, for functional libraries."""

    def outputs(parameters: Any) -> Any:
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        layer = x
        for w, b in pairs[:-1]:
            s = layer @ w + b
            layer = np_like.maximum(s, 0) if relu else 1.0 / (1 + np_like.exp(-s))
        w, b = pairs[-1]
        return layer @ w + b

    def binary(parameters: Any) -> Any:
        p = 1.0 / (1 + np_like.exp(-outputs(parameters)))
        return -np_like.mean(y * np_like.log(p) + (1 - y) * np_like.log(1 - p))

    def of_logits(parameters: Any) -> Any:
        z = outputs(parameters)
        z = z - np_like.max(z, axis=1, keepdims=True)
        total = np_like.sum(np_like.exp(z), axis=1, keepdims=True)
        return np_like.sum(y * (np_like.log(total) - z)) / len(x)

    return of_logits if relu else binary


def _parameters(problem: Problem) -> tuple[list[Any], Any, Any]:
    weights, biases, x, y = problem.start()
    return [p for pair in zip(weights, biases, strict=True) for p in pair], x, y


def jax_jit(problem: Problem) -> tuple[Step, Weights]:
    """JAX: the whole step as one jitted function, float64."""
    jax = jax_float64()
    parameters, x, y = _parameters(problem)

    def update(parameters: Any, x: Any, y: Any) -> Any:
        loss, grads = jax.value_and_grad(_loss_of(jax.numpy, problem.relu, x, y))(parameters)
        return loss, [p - problem.lr * g for p, g in zip(parameters, grads, strict=True)]

    state, inputs, targets = jax.device_put((parameters, x, y))
    jitted = jax.jit(update)

    def step() -> Any:
        nonlocal state
        loss, state = jax.block_until_ready(jitted(state, inputs, targets))
        return loss

    return step, lambda: [np.asarray(w) for w in state[::2]]


def hips_autograd(problem: Problem) -> tuple[Step, Weights]:
    """HIPS autograd: ``value_and_grad`` of a NumPy function."""
    autograd, anp = import_module("autograd"), import_module("autograd.numpy")
    state, x, y = _parameters(problem)
    gradient = autograd.value_and_grad(_loss_of(anp, problem.relu, x, y))

    def step() -> Any:
        loss, grads = gradient(state)
        for p, g in zip(state, grads, strict=True):
            p -= problem.lr * g
        return loss

    return step, lambda: state[::2]


def my_grad(problem: Problem) -> tuple[Step, Weights]:
    """MyGrad: tensors and ``backward``."""
    mygrad = import_module("mygrad")
    parameters, x, y = _parameters(problem)
    state = [mygrad.tensor(p) for p in parameters]
    loss_of = _loss_of(mygrad, problem.relu, x, y)

    def step() -> Any:
        loss = loss_of(state)
        loss.backward()
        for p in state:
            p.data -= problem.lr * p.grad
        return loss

    return step, lambda: [w.data for w in state[::2]]


CONTENDERS: dict[str, Contender] = {
    HAND: numpy_by_hand,
    EAGER: autograd_lite,
    COMPILED: autograd_lite_compiled,
    "PyTorch": pytorch,
    "JAX jit": jax_jit,
    "HIPS autograd": hips_autograd,
    "MyGrad": my_grad,
}
GROWING: dict[str, Contender] = {
    HAND: numpy_loop,
    EAGER: autograd_lite,
    COMPILED: autograd_lite_compiled,
}


def contenders(problem: Problem, makers: dict[str, Contender] = CONTENDERS) -> dict[str, Step]:
    """The steps of those installed, seen to train to the same weights as the first.

    Raises:
        AssertionError: one that trains otherwise; it is named.
    """
    steps: dict[str, Step] = {}
    reference: list[Any] = []
    for name, make in installed(makers).items():
        step, weights = make(problem)
        with threads(1):
            for _ in range(20):
                step()
        reference = reference or [w.copy() for w in weights()]
        for ours, w in zip(weights(), reference, strict=True):
            np.testing.assert_allclose(ours, w, rtol=1e-8, atol=1e-10, err_msg=name)
        steps[name] = step
    return steps


def measured(effort: Effort) -> Result:
    """Training steps: forward, loss, backward and update, in float64."""
    result, bars = Result(), Bars("steps", "A training step", "time / hand-written NumPy")
    for problem in PROBLEMS:
        steps = contenders(problem)
        times = time_in_turns(steps, effort, problem.threads)
        title = f"{problem.name}, {on_threads(problem.threads)}"
        result.tables.append(compared(title, times, "µs a step", HAND))
        bars.add(title, times, HAND)
    result.plots.append(bars)
    return result
