"""The chapter's networks, with the weights that the book starts from, and their training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import autograd_lite as ag
import nn

from .data import DATA_1, DATA_2, Array, Data

BATCH = 10  # rows a batch in 4.4.2


class Trained(NamedTuple):
    """A network after training.

    Attributes:
        net: the network.
        data: what it was trained on.
        losses: the total loss of each epoch.
        accuracy: the share of rows that were classified right in each epoch.
    """

    net: nn.MLP
    data: Data
    losses: list[float]
    accuracy: list[float]


class Chapter(NamedTuple):
    """The networks that the chapter trains, one a section."""

    logistic_1: Trained
    logistic_2: Trained
    hidden: Trained
    default: Trained


def train_all(default: Data) -> Chapter:
    """Train each network of the chapter.

    Args:
        default: the Default data as read, at least `BATCH` rows.
    """
    normal = np.random.RandomState(4).normal(size=(2, 1))
    tilted = np.array([[0.0], [-0.3]])
    return Chapter(
        train(start_from([2, 1], {"W_01": normal}), DATA_1, lr=0.1, epochs=60),
        train(start_from([2, 1], {"W_01": tilted}), DATA_2, lr=0.1, epochs=60),
        train(hidden_start(), DATA_2, lr=2, epochs=600),
        train(
            start_from([2, 5, 5, 1], default_start()),
            whole_batches(default),
            lr=0.5,
            epochs=200,
            batch_size=BATCH,
        ),
    )


def start_from(sizes: list[int], values: Mapping[str, ArrayLike]) -> nn.MLP:
    """A network whose parameters have these values; biases not among them start at zero."""
    net = nn.MLP(sizes)
    for name, value in values.items():
        net[name].data = value
    return net


def train(net: nn.MLP, data: Data, lr: float, epochs: int, batch_size: int = 1) -> Trained:
    """Gradient descent by binary cross-entropy, the rows in their order."""
    history = nn.fit(
        net,
        data.x,
        data.y,
        nn.BCELoss(),
        nn.SGD(net.parameters(), lr=lr),
        epochs,
        batch_size,
        metrics={"accuracy": nn.accuracy},
        progress=True,
    )
    losses = [loss * len(data.x) for loss in history.loss]
    return Trained(net, data, losses, history.metrics["accuracy"])


def hidden_start() -> nn.MLP:
    """The 2-2-1 network of 4.1.2 and 4.4.1 before training."""
    random = np.random.RandomState(3)
    return start_from(
        [2, 2, 1], {"W_01": random.normal(size=(2, 2)), "W_12": random.normal(size=(2, 1))}
    )


def example(w_12: ArrayLike = ((0.1,), (0.2,))) -> nn.MLP:
    """The 2-2-1 network of the example in 4.2 and 4.3.

    Args:
        w_12: ``(2, 1)``, the weights of its second layer.
    """
    return start_from([2, 2, 1], {"W_01": [[0.1, 0.2], [0.3, 0.4]], "W_12": w_12})


def default_start() -> dict[str, Array]:
    """The weights that the 2-5-5-1 network of 4.4.2 starts from."""
    random = np.random.RandomState(3)
    shapes = {"W_01": (2, 5), "W_12": (5, 5), "W_23": (5, 1)}
    return {name: random.random_sample(shape) - 0.5 for name, shape in shapes.items()}


def whole_batches(data: Data) -> Data:
    """The rows, scaled, that the chapter trains on: what is left after the last batch drops out."""
    rows = len(data.x) // BATCH * BATCH
    return Data(nn.standardize(data.x)[:rows], data.y[:rows])


def tensors(net: nn.MLP, data: Data) -> dict[str, ag.Tensor]:
    """A forward pass with its loss: ``l_0``, ``s_1``, ``l_1``, …, ``y`` and ``L`` by name."""
    return ag.named_tensors(nn.BCELoss()(net(data.x), data.y))
