"""The chapter's exercises 1 to 7, each as a short run: ``python -m examples.exercises``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import autograd_lite as ag
import nn

from .chapter4.data import DATA_2, DEFAULT_FILE, Array, Data, read_default
from .chapter4.networks import Trained, train
from .console import print_what_can_be_shown


def exercise_1() -> Iterator[str]:
    """∂l₂/∂s₂ = l₂ ∘ (1 − l₂) where l₂ = σ(s₂): derived of 1 / (1 + exp(−s₂)), and at points"""
    points = np.random.default_rng(1).normal(scale=4, size=(1000, 1))
    s = ag.Tensor(points, requires_grad=True, name="s_2")
    sigma = (1 / (1 + ag.exp(-s))).named("l_2")
    step = ag.derive(np.sum(sigma).named("L"), wrt=s)["s_2"]
    yield f"{step.chain} = {step.formula}"
    yield f"  = {step.result}, since ∂L/∂l_2 is 1"
    (slope,) = ag.gradients(sigma, [s], seed=np.ones(s.shape))
    apart = np.abs(slope.data - sigma.data * (1 - sigma.data)).max()
    yield f"{len(s)} points from {s.data.min():.1f} to {s.data.max():.1f}"
    yield f"largest difference of the engine's derivative from l₂ ∘ (1 − l₂): {apart:.0e}"


def exercise_2() -> Iterator[str]:
    """Data 2, network 2-2-1, 600 epochs: several learning rates"""
    for lr in (0.1, 0.5, 1, 2, 5, 10):
        yield _result(f"lr {lr:4}", train(_net([2, 2, 1]), DATA_2, lr, epochs=600))


def exercise_3() -> Iterator[str]:
    """Data 2, one hidden layer, learning rate 2, 300 epochs: several sizes of it"""
    for size in (1, 2, 3, 5, 10, 20):
        yield _result(f"{size:2} hidden", train(_net([2, size, 1]), DATA_2, lr=2, epochs=300))


def exercise_4() -> Iterator[str]:
    """Default data, network 2-2-1, learning rate 0.1: stochastic gradient descent"""
    trained = train(_net([2, 2, 1]), _default(), lr=0.1, epochs=100)
    for epoch in (0, 9, 49, 99):
        yield _result(f"epoch {epoch:2}", trained, epoch)


def exercise_5() -> Iterator[str]:
    """Default data, network 2-2-1, learning rate 0.5, 100 epochs: several batch sizes"""
    for size in (1, 5, 10, 20, 50, 100):
        trained = train(_net([2, 2, 1]), _default(), lr=0.5, epochs=100, batch_size=size)
        yield _result(f"batches of {size:3}", trained)


def exercise_6() -> Iterator[str]:
    """Default data, network 2-5-5-1, learning rate 0.5: gradient descent on all the data"""
    data = _default()
    trained = train(_net([2, 5, 5, 1]), data, lr=0.5, epochs=3000, batch_size=len(data.x))
    for epoch in (0, 199, 999, 2999):
        yield _result(f"epoch {epoch:4}", trained, epoch)


def exercise_7() -> Iterator[str]:
    """Advertising, network 3-2-1, squared error, learning rate 0.1: all the data at each step"""
    yield "The rows are synthetic: drawn here by a formula, with noise of variance 1 in the sales."
    x, sales = synthetic_advertising()
    net = nn.MLP([3, 2, 1], output="identity", rng=7)
    history = nn.fit(
        net,
        nn.standardize(x),
        sales,
        nn.SquaredErrorLoss(),
        nn.SGD(net.parameters(), lr=0.1),
        epochs=3000,
        batch_size=len(x),
        progress=True,
    )
    for epoch in (0, 99, 999, 2999):
        error = 2 * history.loss[epoch]  # the loss has a factor ½
        explained = 1 - error / sales.var()
        yield f"epoch {epoch:4}   mean squared error {error:7.3f}   R² {explained:.3f}"


EXERCISES: tuple[Callable[[], Iterator[str]], ...] = (
    exercise_1,
    exercise_2,
    exercise_3,
    exercise_4,
    exercise_5,
    exercise_6,
    exercise_7,
)


def synthetic_advertising(rows: int = 200) -> tuple[Array, Array]:
    """Made-up data in the manner of the Advertising data, the same at each call.

    Returns:
        Budgets for TV, radio and newspaper ``(rows, 3)``, and sales ``(rows, 1)``, which the
        first two raise, more so together, and the third doesn't.
    """
    rng = np.random.default_rng(0)
    budgets = rng.uniform(0, (300, 50, 100), size=(rows, 3))
    tv, radio = budgets[:, :1], budgets[:, 1:2]
    return budgets, 6 + 0.02 * tv + 0.03 * radio + 0.001 * tv * radio + rng.normal(size=(rows, 1))


def main() -> None:
    """Run the exercises one after the other, and print what each gives."""
    print_what_can_be_shown()
    for number, exercise in enumerate(EXERCISES, 1):
        print(f"{number}. {exercise.__doc__}")
        for line in exercise():
            print(f"   {line}")
        print()


def _net(sizes: list[int]) -> nn.MLP:
    """A network whose weights are drawn from the standard normal distribution."""
    net, rng = nn.MLP(sizes), np.random.default_rng(4)
    for layer in net.layers:
        layer.weight.data = rng.normal(size=layer.weight.shape)
    return net


def _default() -> Data:
    x, y = read_default(DEFAULT_FILE)
    return Data(nn.standardize(x), y)


def _result(what: str, trained: Trained, epoch: int = -1) -> str:
    loss, accuracy = trained.losses[epoch], trained.accuracy[epoch]
    return f"{what}   loss {loss:8.4f}   accuracy {accuracy:.3f}"


if __name__ == "__main__":
    main()
