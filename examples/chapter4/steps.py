"""The pages that step through the example of 4.3, and through the training of 4.4.1."""

from __future__ import annotations

from pathlib import Path

import autograd_lite as ag
import nn

from .data import DATA_2
from .networks import example, hidden_start, tensors
from .sections import BACKWARD_PAGE, SECOND, TRAINING_PAGE

_RECORDED = 40  # steps of training from one that is shown to the next: 10 epochs of 4 rows


def write_pages(directory: Path) -> None:
    """Write both pages into ``directory``."""
    with ag.source_lines():
        loss = tensors(example(), SECOND)["L"]
    ag.explain(loss, directory / BACKWARD_PAGE, lr=2)
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
    ag.explain(history, directory / TRAINING_PAGE)
