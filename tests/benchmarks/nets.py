"""One training step of the chapter's networks, by each contender: all from the same start.

A contender is a function ``make(problem)`` that returns ``step``, which trains on the problem's
batch once, and ``weights``, which gives the trained weights, so that all can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
from autograd_lite import Tensor

Step = Callable[[], Any]
Contender = Callable[["Problem"], tuple[Step, Callable[[], list[Any]]]]


@dataclass(frozen=True)
class Problem:
    """A network of sigmoid layers, its start, and one batch."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    lr: float

    def start(self) -> tuple[list[Any], list[Any], Any, Any]:
        """Weights, biases, inputs and targets: the same at every call."""
        rng = np.random.default_rng(0)
        weights = [
            rng.normal(size=shape) for shape in zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        biases = [np.zeros((1, n)) for n in self.sizes[1:]]
        x = rng.normal(size=(self.batch, self.sizes[0]))
        y = (rng.random((self.batch, self.sizes[-1])) < 0.5).astype(float)
        return weights, biases, x, y


PROBLEMS = (
    Problem("A: 2-2-1, batch 1", (2, 2, 1), 1, 0.1),
    Problem("B: 2-5-5-1, batch 10", (2, 5, 5, 1), 10, 0.1),
)


def by_hand(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """The chapter's recursion as one writes it in NumPy, layer by layer, without a framework."""
    weights, biases, x, y = problem.start()
    lr, q = problem.lr, problem.batch

    def sigmoid(s: Any) -> Any:
        return 1.0 / (1 + np.exp(-s))

    def two_layers() -> Any:
        (w_01, w_12), (b_01, b_12) = weights, biases
        l_1 = sigmoid(np.dot(x, w_01) + b_01)
        l_2 = sigmoid(np.dot(l_1, w_12) + b_12)
        loss = -np.sum(y * np.log(l_2) + (1 - y) * np.log(1 - l_2)) / q
        delta_2 = (l_2 - y) / q
        delta_1 = delta_2.dot(w_12.T) * (l_1 * (1 - l_1))
        b_12 -= lr * np.sum(delta_2, axis=0, keepdims=True)
        b_01 -= lr * np.sum(delta_1, axis=0, keepdims=True)
        w_12 -= lr * l_1.T.dot(delta_2)
        w_01 -= lr * x.T.dot(delta_1)
        return loss

    def three_layers() -> Any:
        (w_01, w_12, w_23), (b_01, b_12, b_23) = weights, biases
        l_1 = sigmoid(np.dot(x, w_01) + b_01)
        l_2 = sigmoid(np.dot(l_1, w_12) + b_12)
        l_3 = sigmoid(np.dot(l_2, w_23) + b_23)
        loss = -np.sum(y * np.log(l_3) + (1 - y) * np.log(1 - l_3)) / q
        delta_3 = (l_3 - y) / q
        delta_2 = delta_3.dot(w_23.T) * (l_2 * (1 - l_2))
        delta_1 = delta_2.dot(w_12.T) * (l_1 * (1 - l_1))
        b_23 -= lr * np.sum(delta_3, axis=0, keepdims=True)
        b_12 -= lr * np.sum(delta_2, axis=0, keepdims=True)
        b_01 -= lr * np.sum(delta_1, axis=0, keepdims=True)
        w_23 -= lr * l_2.T.dot(delta_3)
        w_12 -= lr * l_1.T.dot(delta_2)
        w_01 -= lr * x.T.dot(delta_1)
        return loss

    step = {2: two_layers, 3: three_layers}[len(weights)]
    return step, lambda: weights


def autograd_lite(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """This package, written the ordinary way."""
    weights, biases, x, y = problem.start()
    net = nn.MLP(problem.sizes)
    for layer, w, b in zip(net.layers, weights, biases, strict=True):
        layer.weight.data = w
        assert layer.bias is not None
        layer.bias.data = b
    criterion = nn.BCELoss()
    optimizer = nn.SGD(net.parameters(), lr=problem.lr)
    inputs, targets = Tensor(x), Tensor(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda: [layer.weight.numpy() for layer in net.layers]


def pytorch(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """PyTorch's modules and SGD, float64, one thread."""
    import torch

    torch.set_num_threads(1)
    weights, biases, x, y = problem.start()
    layers: list[Any] = []
    for w, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(*w.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T))
            linear.bias.copy_(torch.from_numpy(b[0]))
        layers += [linear, torch.nn.Sigmoid()]
    net = torch.nn.Sequential(*layers)
    criterion = torch.nn.BCELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=problem.lr)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda: [layer.weight.detach().numpy().T for layer in layers[::2]]


def _loss_of(np_like: Any, x: Any, y: Any) -> Callable[[Any], Any]:
    """The loss as a function of the flat list of parameters, for functional libraries."""

    def loss(parameters: Any) -> Any:
        layer = x
        for w, b in zip(parameters[::2], parameters[1::2], strict=True):
            layer = 1.0 / (1 + np_like.exp(-(layer @ w + b)))
        return -np_like.mean(y * np_like.log(layer) + (1 - y) * np_like.log(1 - layer))

    return loss


def _parameters(problem: Problem) -> tuple[list[Any], Any, Any]:
    weights, biases, x, y = problem.start()
    return [p for pair in zip(weights, biases, strict=True) for p in pair], x, y


def jax_jit(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """JAX: the whole step as one jitted function, float64."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    parameters, x, y = _parameters(problem)
    gradient = jax.value_and_grad(_loss_of(jnp, jnp.asarray(x), jnp.asarray(y)))

    @jax.jit
    def update(parameters: Any) -> Any:
        loss, grads = gradient(parameters)
        return loss, [p - problem.lr * g for p, g in zip(parameters, grads, strict=True)]

    state = [jnp.asarray(p) for p in parameters]

    def step() -> Any:
        nonlocal state
        loss, state = update(state)
        return loss.block_until_ready()

    return step, lambda: [np.asarray(w) for w in state[::2]]


def hips_autograd(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """HIPS autograd: `value_and_grad` of a NumPy function."""
    import autograd
    import autograd.numpy as anp

    state, x, y = _parameters(problem)
    gradient = autograd.value_and_grad(_loss_of(anp, x, y))

    def step() -> Any:
        nonlocal state
        loss, grads = gradient(state)
        state = [p - problem.lr * g for p, g in zip(state, grads, strict=True)]
        return loss

    return step, lambda: state[::2]


def my_grad(problem: Problem) -> tuple[Step, Callable[[], list[Any]]]:
    """MyGrad: tensors and `backward`."""
    import mygrad

    parameters, x, y = _parameters(problem)
    state = [mygrad.tensor(p) for p in parameters]
    loss_of = _loss_of(mygrad, x, y)

    def step() -> Any:
        loss = loss_of(state)
        loss.backward()
        for p in state:
            p.data -= problem.lr * p.grad
        return loss

    return step, lambda: [w.data for w in state[::2]]


CONTENDERS: dict[str, Contender] = {
    "hand-written NumPy": by_hand,
    "autograd_lite": autograd_lite,
    "PyTorch": pytorch,
    "JAX jit": jax_jit,
    "HIPS autograd": hips_autograd,
    "MyGrad": my_grad,
}
