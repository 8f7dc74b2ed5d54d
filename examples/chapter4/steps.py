"""The pages that step through the example of 4.3, and through the training of 4.4.1."""

from __future__ import annotations

from pathlib import Path

import autograd_lite as ag
import nn

from .data import DATA_2
from .networks import example, hidden_start
from .sections import BACKWARD_PAGE, SECOND, TRAINING_PAGE

_RECORDED = 40  # steps of training from one that is shown to the next: 10 epochs of 4 rows


def write_pages(directory: Path, lang: str = "en") -> None:
    """Write both pages into ``directory``."""
    ag.explain(_loss(), directory / BACKWARD_PAGE, lang, lr=2)
    net = hidden_start()
    history = nn.fit(
        net,
        *DATA_2,
        nn.BCELoss(),
        nn.SGD(net.parameters(), lr=2),
        epochs=600,
        batch_size=1,
        record=_RECORDED,
    )
    ag.explain(history, directory / TRAINING_PAGE, lang)


def _loss() -> ag.Tensor:
    """The forward pass of 4.2 line by line: the page shows each step beside its line."""
    net = example()
    w_01, b_01, w_12, b_12 = net.parameters()
    l_0 = ag.Tensor(SECOND.x, name="l_0")
    y = ag.Tensor(SECOND.y, name="y")
    s_1 = (l_0 @ w_01 + b_01).named("s_1")
    l_1 = ag.sigmoid(s_1).named("l_1")
    s_2 = (l_1 @ w_12 + b_12).named("s_2")
    l_2 = ag.sigmoid(s_2).named("l_2")
    return nn.BCELoss()(l_2, y).named("L")
