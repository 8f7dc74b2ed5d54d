"""The chapter's sections: each number that the book prints, beside the engine's."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import getsource
from typing import Any

import numpy as np

import autograd_lite as ag
import nn

from . import by_hand
from .data import DATA_2, Array, Data
from .networks import BATCH, Chapter, Trained, default_start, example, hidden_start, tensors
from .numbers import Formula, Number, Section, Source
from .words import TEXTS, Words

SECOND = Data(DATA_2.x[1:2], DATA_2.y[1:2])  # the observation of the example in 4.2 and 4.3
BACKWARD_PAGE, TRAINING_PAGE = "steps_4-3.html", "steps_4-4-1.html"


def all_sections(chapter: Chapter, default_rows: int, say: Words | None = None) -> list[Section]:
    """The sections in the book's order.

    Args:
        chapter: the trained networks.
        default_rows: how many rows of Default data were read.
        say: in which language; English by default.
    """
    say = say or Words()
    return [
        logistic(say, chapter.logistic_1, chapter.logistic_2),
        hidden_layer(say, chapter.hidden),
        forward(say),
        backward(say, chapter.hidden.net),
        training_loop(say),
        batches(say, chapter.default, default_rows),
    ]


def _section(say: Words, number: str, numbers: list[Number], **more: Any) -> Section:
    """A section with its title, its idea and its remarks."""
    remark = f"{number}.remark"
    remarks = say(remark).split("\n") if remark in TEXTS else []
    remarks += more.pop("remarks", [])
    return Section(
        number, say(number), numbers, remarks, idea=say(f"{number}.idea"), say=say, **more
    )


def logistic(say: Words, first: Trained, second: Trained) -> Section:
    """4.1.1."""
    epochs = range(9, 60, 10)
    printed = (
        "2.13470015 1.67673736 1.36190603 1.13485563 0.96600061 0.83689858",
        "2.88349771 2.88123070 2.87979810 2.87874047 2.87800035 2.87749129",
    )
    numbers: list[Number] = []
    for data, (trained, losses, classes) in enumerate(
        zip((first, second), printed, ("[1 1 0 0]", "[1 0 1 1]"), strict=True), 1
    ):
        numbers += _losses(say, "loss_of", trained.losses, epochs, losses, data=data)
        numbers.append(Number(say("predictions_of", data=data), classes, predicted(trained)))
    return _section(
        say,
        "4.1.1",
        numbers,
        figures=["4-1", "4-3", "4-4", "4-5", "4-6", "4-7"],
        formulas={
            "": [
                "s = b + w_1 x_1 + w_2 x_2", "p = σ(s) = 1 / (1 + e^{−s})",
                "L = −y log p − (1 − y) log (1 − p)", "w ← w − α ∂L/∂w",
            ]
        },
    )


def hidden_layer(say: Words, trained: Trained) -> Section:
    """4.1.2."""
    numbers = _losses(
        say,
        "loss",
        trained.losses,
        (*range(9, 600, 100), 599),
        "4.05018207 2.93567526 2.82539712 0.07301895 0.02847156 0.01767868 0.01317388",
    )
    numbers.append(Number(say("predictions"), "[1 0 0 1]", predicted(trained)))
    table = ("(0.01, 0.96)", "(0.00, 0.03)", "(0.98, 1.00)", "(0.01, 0.98)")
    hidden = tensors(trained.net, trained.data)["l_1"].data
    for x, printed, ours in zip(trained.data.x, table, hidden, strict=True):
        what = say("hidden_of", x=f"{x[0]:g}", y=f"{x[1]:g}")
        numbers.append(Number(what, printed, ours))
    return _section(
        say,
        "4.1.2",
        numbers,
        figures=["4-8", "4-9", "4-10", "4-11", "4-12", "4-13"],
        formulas={
            "": [
                "h_1 = σ(b_1 + w_11 x_1 + w_21 x_2)", "h_2 = σ(b_2 + w_12 x_1 + w_22 x_2)",
                "p = σ(b + v_1 h_1 + v_2 h_2)",
            ]
        },
    )


def plain_forward(x: Any, w_01: Any, b_01: Any, w_12: Any, b_12: Any) -> tuple[Any, Any]:
    """The forward pass as one writes it for arrays; it runs as it is on Tensors."""

    def sigmoid(s: Any) -> Any:
        return 1.0 / (1 + np.exp(-s))

    hidden = sigmoid(np.dot(x, w_01) + b_01)
    return hidden, sigmoid(np.dot(hidden, w_12) + b_12)


def forward(say: Words) -> Section:
    """4.2."""
    t = tensors(example(), SECOND)
    w_01 = ag.Tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True)
    w_12 = ag.Tensor([0.1, 0.2], requires_grad=True)
    hidden, p = plain_forward(SECOND.x, w_01, np.zeros((1, 2)), w_12, 0)
    loss = -(SECOND.y[0] * np.log(p) + (1 - SECOND.y[0]) * np.log(1 - p))
    l_1, l_2, cost = "(0.57444252, 0.59868766)", "0.54417993", "0.78565712"
    return _section(
        say,
        "4.2",
        [
            Number("s₁", "(0.3, 0.4)", t["s_1"].data),
            Number("l₁", l_1, t["l_1"].data),
            Number("s₂", "0.177", t["s_2"].data),
            Number("l₂", l_2, t["l_2"].data),
            Number("L", cost, t["L"].data),
            Number(say("plain", name="l₁"), l_1, hidden.data),
            Number(say("plain", name="l₂"), l_2, p.data),
            Number(say("plain", name="L"), cost, loss.data),
        ],
        figures=["4-14", "4-15", "4-16"],
        formulas={
            "4-15": [
                "s_1 = l_0 W_01 + b_01", "l_1 = σ(s_1)", "s_2 = l_1 W_12 + b_12", "l_2 = σ(s_2)",
            ],
            "4-16": ["L = ℓ(l_2, y) = −y log l_2 − (1 − y) log (1 − l_2)"],
        },
    )


def backward(say: Words, trained: nn.MLP) -> Section:
    """4.3."""
    t = tensors(example(), SECOND)
    t["L"].backward()
    delta_2 = _grad(t["s_2"])
    hidden, w_12 = t["l_1"].data, t["W_12"].data
    own = (delta_2 @ w_12.T) * hidden * (1 - hidden)

    mixed = tensors(example(trained["W_12"].data), SECOND)
    mixed["s_2"].backward(delta_2)
    delta_1 = "(-1.65108245, 1.58364831)"
    zeros = "(0.00000000, 0.00000000; -1.65108245, 1.58364831)"
    derived = ag.derive(t["L"])

    def after(name: str) -> str:
        return say("trained_of", name=name)

    def beside(name: str, hand: Array, ours: Array) -> Number:
        return _beside(say("start_of", name=name), hand, ours)

    return _section(
        say,
        "4.3",
        [
            Number("δ₂", "0.54417993", delta_2),
            Number("∇W₁₂", "(0.31260009, 0.32579381)", _grad(t["W_12"])),
            Number("∇b₁₂", "0.54417993", _grad(t["b_12"])),
            Number(say("trained"), "(-12.41, 12.11)", trained["W_12"].data),
            Number(after("δ₁"), delta_1, _grad(mixed["s_1"])),
            Number(after("∇W₀₁"), zeros, _grad(mixed["W_01"])),
            Number(after("∇b₀₁"), delta_1, _grad(mixed["b_01"])),
            beside("δ₁", own, _grad(t["s_1"])),
            beside("∇W₀₁", np.vstack([np.zeros_like(own), own]), _grad(t["W_01"])),
            beside("∇b₀₁", own, _grad(t["b_01"])),
            *_formulas(say, derived, "derived_of", _DERIVED),
            *_formulas(say, ag.derive(plain_loss()), "numpy_of", _DERIVED),
        ],
        figures=["4-17", "4-18", "4-19", "4-20", "4-21"],
        page=BACKWARD_PAGE,
        formulas={
            figure: [f"{derived[s].symbol} = {derived[s].chain} = {derived[s].result}" for s in of]
            for figure, of in _FIGURES.items()
        },
        code={say("yours"): getsource(plain_loss), say("library"): getsource(library_loss)},
    )


_FIGURES = {
    "4-17": ["δ_2"], "4-18": ["∇W_12", "∇b_12"], "4-19": ["δ_1"], "4-20": ["∇W_01", "∇b_01"],
}  # fmt: skip
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


def plain_loss() -> ag.Tensor:
    """Written for arrays; only names are added."""
    l_0 = ag.Tensor(SECOND.x, name="l_0")
    y = ag.Tensor(SECOND.y, name="y")
    w_01, b_01, w_12, b_12 = example().parameters()
    s_1 = (np.dot(l_0, w_01) + b_01).named("s_1")
    l_1 = (1.0 / (1 + np.exp(-s_1))).named("l_1")
    s_2 = (np.dot(l_1, w_12) + b_12).named("s_2")
    l_2 = (1.0 / (1 + np.exp(-s_2))).named("l_2")
    return -ag.sum(y * np.log(l_2) + (1 - y) * np.log(1 - l_2))


def library_loss() -> ag.Tensor:
    """The layers name the tensors."""
    net = example()  # nn.MLP([2, 2, 1])
    p = net(SECOND.x)
    return nn.BCELoss()(p, SECOND.y)


def _formulas(
    say: Words, derivation: ag.Derivation, how: str, printed: dict[str, str]
) -> list[Number]:
    """The book's formulas beside those that the engine derives."""
    found = {s: derivation[s].result for s in printed}
    return [Formula(say(how, name=s), right, found[s]) for s, right in printed.items()]


def _general_rules(say: Words, net: nn.MLP) -> list[Number]:
    """The book's rule for any layer beside the one that the network's own derivation states."""
    stated = dict(rule.statement.split(" = ", 1) for rule in nn.derive(net).rules)
    return [
        Formula(say("general_of", name=s), right, stated[s]) for s, right in _GENERAL.items()
    ]


def training_loop(say: Words) -> Section:
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
    return _section(
        say,
        "4.4.1",
        _losses(
            say,
            "loss",
            losses,
            (*range(9, 600, 100), 599),
            "4.05018 2.93568 2.82540 0.07302 0.02847 0.01768 0.01317",
        ),
        page=TRAINING_PAGE,
        formulas={"": ["W ← W − α ∇W", "b ← b − α ∇b"]},
    )


def batches(say: Words, trained: Trained, rows: int) -> Section:
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
        what = say("epoch_of", epoch=epoch)
        ours = (trained.losses[epoch], trained.accuracy[epoch])
        beside = f"{hand[epoch].loss:.3f} / {hand[epoch].accuracy:.3f}"
        numbers.append(Number(what, beside, ours, Source.BY_HAND))
        numbers.append(Number(what, printed, ours, Source.OTHER_DATA))
    apart = np.abs(np.array([epoch.loss for epoch in hand]) - trained.losses).max()
    numbers.append(Number(say("apart"), "0.000000000", apart, Source.BY_HAND))
    numbers += _general_rules(say, trained.net)
    remarks = []
    if dropped := rows - len(trained.data.x):
        remarks.append(say("4.4.2.dropped", rows=rows, dropped=dropped, batch=BATCH))
    return _section(
        say,
        "4.4.2",
        numbers,
        remarks=remarks,
        figures=["4-22"],
        formulas={"": [f"{left} = {right}" for left, right in _GENERAL.items()]},
    )


def predicted(trained: Trained) -> Array:
    """``(n,)``: the class, 0 or 1, that each row of its data is given."""
    probabilities: Array = trained.net(trained.data.x).data
    return (probabilities > 0.5).astype(float).ravel()


def _losses(
    say: Words, key: str, losses: list[float], epochs: Iterable[int], printed: str, **of: int
) -> list[Number]:
    """The losses of these epochs, beside those printed."""
    return [
        Number(say(key, epoch=epoch, **of), number, losses[epoch])
        for epoch, number in zip(epochs, printed.split(), strict=True)
    ]


def _beside(what: str, hand: Array, ours: Array) -> Number:
    """A matrix to eight digits, beside one worked out by hand."""
    rows = "; ".join(", ".join(f"{x:.8f}" for x in row) for row in np.atleast_2d(hand))
    return Number(what, f"({rows})", ours, Source.BY_HAND)


def _grad(tensor: ag.Tensor) -> Array:
    assert tensor.grad is not None
    return tensor.grad
