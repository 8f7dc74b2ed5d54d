"""The chapter's sections: each number that the book prints, beside the engine's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_lite as ag
import nn

from . import by_hand
from .data import DATA_2, Array, Data
from .networks import BATCH, Chapter, Trained, default_start, example, hidden_start, tensors
from .numbers import Formula, Number, Section, Source

SECOND = Data(DATA_2.x[1:2], DATA_2.y[1:2])  # the observation of the example in 4.2 and 4.3
BACKWARD_PAGE, TRAINING_PAGE = "steps_4-3.html", "steps_4-4-1.html"


def all_sections(chapter: Chapter, default_rows: int) -> list[Section]:
    """The sections in the book's order.

    Args:
        chapter: the trained networks.
        default_rows: how many rows of Default data were read.
    """
    return [
        logistic(chapter.logistic_1, chapter.logistic_2),
        hidden_layer(chapter.hidden),
        forward(),
        backward(chapter.hidden.net),
        training_loop(),
        batches(chapter.default, default_rows),
    ]


def logistic(first: Trained, second: Trained) -> Section:
    """4.1.1."""
    epochs = range(9, 60, 10)
    return Section(
        "4.1.1",
        "Logistic regression by stochastic gradient descent",
        [
            *_losses(
                "data 1: loss",
                first.losses,
                epochs,
                "2.13470015 1.67673736 1.36190603 1.13485563 0.96600061 0.83689858",
            ),
            Number("data 1: predictions", "[1 1 0 0]", predicted(first)),
            *_losses(
                "data 2: loss",
                second.losses,
                epochs,
                "2.88349771 2.88123070 2.87979810 2.87874047 2.87800035 2.87749129",
            ),
            Number("data 2: predictions", "[1 0 1 1]", predicted(second)),
        ],
        ["A straight line separates data 1; of data 2 one point stays on the wrong side."],
        ["4-1", "4-3", "4-4", "4-5", "4-6", "4-7"],
    )


def hidden_layer(trained: Trained) -> Section:
    """4.1.2."""
    numbers = _losses(
        "loss",
        trained.losses,
        (*range(9, 600, 100), 599),
        "4.05018207 2.93567526 2.82539712 0.07301895 0.02847156 0.01767868 0.01317388",
    )
    numbers.append(Number("predictions", "[1 0 0 1]", predicted(trained)))
    table = ("(0.01, 0.96)", "(0.00, 0.03)", "(0.98, 1.00)", "(0.01, 0.98)")
    hidden = tensors(trained.net, trained.data)["l_1"].data
    for x, printed, ours in zip(trained.data.x, table, hidden, strict=True):
        numbers.append(Number(f"Table 4-1: (h₁, h₂) of ({x[0]:g}, {x[1]:g})", printed, ours))
    return Section(
        "4.1.2",
        "A network with a hidden layer, 2-2-1, on data 2",
        numbers,
        figures=["4-8", "4-9", "4-10", "4-11", "4-12", "4-13"],
    )


def plain_forward(x: Any, w_01: Any, b_01: Any, w_12: Any, b_12: Any) -> tuple[Any, Any]:
    """The forward pass as one writes it for arrays; it runs as it is on Tensors."""

    def sigmoid(s: Any) -> Any:
        return 1.0 / (1 + np.exp(-s))

    hidden = sigmoid(np.dot(x, w_01) + b_01)
    return hidden, sigmoid(np.dot(hidden, w_12) + b_12)


def forward() -> Section:
    """4.2."""
    t = tensors(example(), SECOND)
    w_01 = ag.Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True)
    w_12 = ag.Tensor([0.1, 0.2], requires_grad=True)
    hidden, p = plain_forward(SECOND.x, w_01, np.zeros((1, 2)), w_12, 0)
    loss = -(SECOND.y[0] * np.log(p) + (1 - SECOND.y[0]) * np.log(1 - p))
    l_1, l_2, cost = "(0.57444252, 0.59868766)", "0.54417993", "0.78565712"
    return Section(
        "4.2",
        "Forward propagation, l₀ = (0, 1)",
        [
            Number("s₁", "(0.3, 0.4)", t["s_1"].data),
            Number("l₁", l_1, t["l_1"].data),
            Number("s₂", "0.177", t["s_2"].data),
            Number("l₂", l_2, t["l_2"].data),
            Number("L", cost, t["L"].data),
            Number("l₁, plain NumPy code on Tensors", l_1, hidden.data),
            Number("l₂, plain NumPy code on Tensors", l_2, p.data),
            Number("L, plain NumPy code on Tensors", cost, loss.data),
        ],
        [
            "Once with nn.MLP and nn.BCELoss; once with a function written for arrays, with its "
            "own sigmoid, called with Tensors."
        ],
        ["4-14", "4-15", "4-16"],
    )


def backward(trained: nn.MLP) -> Section:
    """4.3."""
    t = tensors(example(), SECOND)
    t["L"].backward()
    delta_2 = _grad(t["s_2"])
    hidden, w_12 = t["l_1"].data, t["W_12"].data
    own = (delta_2 @ w_12.T) * hidden * (1 - hidden)

    mixed = tensors(example(trained["W_12"].data), SECOND)
    mixed["s_2"].backward(delta_2)
    delta_1 = "(-1.65108245, 1.58364831)"
    return Section(
        "4.3",
        "Backward propagation, y = 0",
        [
            Number("δ₂", "0.54417993", delta_2),
            Number("∇W₁₂", "(0.31260009, 0.32579381)", _grad(t["W_12"])),
            Number("∇b₁₂", "0.54417993", _grad(t["b_12"])),
            Number("W₁₂ after the training of 4.1.2", "(-12.41, 12.11)", trained["W_12"].data),
            Number("δ₁, trained W₁₂", delta_1, _grad(mixed["s_1"])),
            Number(
                "∇W₀₁, trained W₁₂",
                "(0.00000000, 0.00000000; -1.65108245, 1.58364831)",
                _grad(mixed["W_01"]),
            ),
            Number("∇b₀₁, trained W₁₂", delta_1, _grad(mixed["b_01"])),
            _beside("δ₁, W₁₂ = (0.1, 0.2)", own, _grad(t["s_1"])),
            _beside(
                "∇W₀₁, W₁₂ = (0.1, 0.2)", np.vstack([np.zeros_like(own), own]), _grad(t["W_01"])
            ),
            _beside("∇b₀₁, W₁₂ = (0.1, 0.2)", own, _grad(t["b_01"])),
            *_formulas(ag.derive(t["L"]), "derived", _DERIVED),
            *_formulas(ag.derive(_plain_loss()), "of plain NumPy code", _DERIVED),
        ],
        [
            "δ₂, ∇W₁₂ and ∇b₁₂ are those of W₁₂ = (0.1, 0.2). The book's δ₁ takes this δ₂ back "
            "through another W₁₂, the one trained in 4.1.2.",
            "Both are here: with the trained W₁₂, as printed in the book; and with (0.1, 0.2) "
            "throughout, beside (δ₂ W₁₂ᵀ) ∘ l₁ ∘ (1 − l₁) by hand.",
            "The formulas are derived twice: of nn.MLP with nn.BCELoss, and of the chapter's own "
            "code, in which σ is 1 / (1 + np.exp(-s)) and the loss is written out.",
        ],
        ["4-17", "4-18", "4-19", "4-20", "4-21"],
        BACKWARD_PAGE,
    )


_DERIVED = {
    "δ_2": "l_2 − y",
    "∇W_12": "l_1ᵀ δ_2",
    "∇b_12": "δ_2",
    "δ_1": "(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))",
    "∇W_01": "l_0ᵀ δ_1",
    "∇b_01": "δ_1",
}
_GENERAL = {
    "δ_i": "(δ_{i+1} W_{i,i+1}ᵀ) ∘ σ'(s_i)",
    "∇W_{i,i+1}": "l_iᵀ δ_{i+1}",
    "∇b_{i,i+1}": "1ᵀ δ_{i+1}",
}


def _plain_loss() -> ag.Tensor:
    """The loss of 4.3 as the chapter's code has it, with its own sigmoid: only names are added."""
    l_0, y = ag.Tensor(SECOND.x, name="l_0"), ag.Tensor(SECOND.y, name="y")
    w_01 = ag.Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True, name="W_01")
    w_12 = ag.Tensor([[0.1], [0.2]], requires_grad=True, name="W_12")
    b_01 = ag.Tensor(np.zeros((1, 2)), requires_grad=True, name="b_01")
    b_12 = ag.Tensor(np.zeros((1, 1)), requires_grad=True, name="b_12")
    s_1 = (np.dot(l_0, w_01) + b_01).named("s_1")
    l_1 = (1.0 / (1 + np.exp(-s_1))).named("l_1")
    s_2 = (np.dot(l_1, w_12) + b_12).named("s_2")
    l_2 = (1.0 / (1 + np.exp(-s_2))).named("l_2")
    return ag.sum(-(y * np.log(l_2) + (1 - y) * np.log(1 - l_2)))


def _formulas(
    derivation: ag.Derivation, how: str, printed: dict[str, str]
) -> list[Number]:
    """The book's formulas beside those that the engine derives."""
    return [Formula(f"{s}, {how}", right, derivation[s].result) for s, right in printed.items()]


def _general_rules(net: nn.MLP) -> list[Number]:
    """The book's rule for any layer beside the one that the network's own derivation states."""
    stated = dict(rule.statement.split(" = ", 1) for rule in nn.derive(net).rules)
    return [Formula(f"{s}, in general", right, stated[s]) for s, right in _GENERAL.items()]


def training_loop() -> Section:
    """4.4.1."""
    net, loss = hidden_start(), nn.BCELoss()
    optimizer = nn.SGD(net.parameters(), lr=2)
    losses = []
    for _ in range(600):
        total = 0.0
        for x, y in nn.batches(*DATA_2, batch_size=1):
            optimizer.zero_grad()
            value = loss(net(x), y)
            value.backward()
            optimizer.step()
            total += value.item()
        losses.append(total)
    return Section(
        "4.4.1",
        "The whole training loop: stochastic gradient descent",
        _losses(
            "loss",
            losses,
            (*range(9, 600, 100), 599),
            "4.05018 2.93568 2.82540 0.07302 0.02847 0.01768 0.01317",
        ),
        ["The loop of 4.1.2 written out, instead of nn.fit."],
        page=TRAINING_PAGE,
    )


def batches(trained: Trained, rows: int) -> Section:
    """4.4.2."""
    start = list(default_start().values())
    biases = [np.zeros((1, w.shape[1])) for w in start]
    hand = by_hand.train(trained.data, start, biases, lr=0.5, epochs=200, batch_size=BATCH)
    book = {
        0: "66.246 / 0.700",
        50: "31.835 / 0.920",
        100: "31.192 / 0.890",
        150: "30.969 / 0.890",
        199: "30.801 / 0.890",
    }
    numbers: list[Number] = []
    for epoch, printed in book.items():
        what = f"epoch {epoch}: loss / accuracy"
        ours = (trained.losses[epoch], trained.accuracy[epoch])
        beside = f"{hand[epoch].loss:.3f} / {hand[epoch].accuracy:.3f}"
        numbers.append(Number(what, beside, ours, Source.BY_HAND))
        numbers.append(Number(what, printed, ours, Source.OTHER_DATA))
    apart = np.abs(np.array([epoch.loss for epoch in hand]) - trained.losses).max()
    numbers.append(Number("largest difference of a loss", "0.000000000", apart, Source.BY_HAND))
    numbers += _general_rules(trained.net)
    remarks = [
        "The data file that the book used is not at hand, so its lines can't be met. They are "
        "shown (·), and the engine is held against the same loop by hand, on the same data."
    ]
    if dropped := rows - len(trained.data.x):
        remarks.append(
            f"Of {rows} rows the last {dropped} don't fill a batch of {BATCH} and are left out, "
            "as in the book."
        )
    return Section(
        "4.4.2",
        "Batch gradient descent: 2-5-5-1 on Default data",
        numbers,
        remarks,
        ["4-22"],
    )


def predicted(trained: Trained) -> Array:
    """``(n,)``: the class, 0 or 1, that each row of its data is given."""
    probabilities: Array = trained.net(trained.data.x).data
    return (probabilities > 0.5).astype(float).ravel()


def _losses(what: str, losses: list[float], epochs: Iterable[int], printed: str) -> list[Number]:
    """The losses of these epochs, beside those printed."""
    return [
        Number(f"{what}, epoch {epoch}", number, losses[epoch])
        for epoch, number in zip(epochs, printed.split(), strict=True)
    ]


def _beside(what: str, hand: Array, ours: Array) -> Number:
    """A matrix to eight digits, beside one worked out by hand."""
    rows = "; ".join(", ".join(f"{x:.8f}" for x in row) for row in np.atleast_2d(hand))
    return Number(what, f"({rows})", ours, Source.BY_HAND)


def _grad(tensor: ag.Tensor) -> Array:
    assert tensor.grad is not None
    return tensor.grad
