"""Handwritten digits, told apart by a small convolutional net: ``python -m examples.digits``.

scikit-learn's 1,797 images of 8×8. The net is trained with validation data and a schedule of the
learning rate; its computation is drawn, and the formulas of its gradients are read off it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn

from .running import tell


class Net(nn.Module):
    """Convolution, maxima, convolution, and a linear layer: its tensors named as in formulas."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.conv_1 = nn.Conv2d(1, 8, 3, padding=1, rng=rng)
        self.conv_2 = nn.Conv2d(8, 16, 3, rng=rng)
        self.linear = nn.Linear(64, 10, rng=rng)
        self.pool, self.flat = nn.MaxPool2d(2), nn.Flatten()
        layers: list[nn.Conv2d | nn.Linear] = [self.conv_1, self.conv_2, self.linear]
        for i, layer in enumerate(layers, start=1):
            layer.weight.name = f"W_{i}"
            assert layer.bias is not None
            layer.bias.name = f"b_{i}"

    def forward(self, x: Any) -> Any:
        s_1 = self.conv_1(x).named("s_1")  # 8 × 8×8
        m_1 = self.pool(ag.relu(s_1).named("l_1")).named("m_1")  # 8 × 4×4
        s_2 = self.conv_2(m_1).named("s_2")  # 16 × 2×2
        l_2 = self.flat(ag.relu(s_2)).named("l_2")  # 64
        return self.linear(l_2).named("z")


def images() -> tuple[Any, Any, Any, Any]:
    """Images and their digits, for training and for validation."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8) / 16
    order = np.random.default_rng(0).permutation(len(x))
    train, held_out = order[:1440], order[1440:]
    return x[train], y[train], x[held_out], y[held_out]


def main(out: Path | None = None, epochs: int = 10) -> Iterator[str]:
    x, y, x_new, y_new = images()
    rng = np.random.default_rng(1)
    net, loss = Net(rng), nn.CrossEntropyLoss()
    optimizer = nn.Adam(net.parameters(), lr=0.01)
    history = nn.fit(
        net, x, y, loss, optimizer, epochs, 64, shuffle=True, rng=rng, progress=True,
        metrics={"right": nn.accuracy}, validation=(x_new, y_new), patience=5,
        schedule=nn.CosineAnnealingLR(optimizer, epochs),
    )  # fmt: skip
    assert history.validation is not None
    assert history.best is not None
    right = history.validation.metrics["right"][history.best]
    yield f"{len(history.loss)} epochs; of {len(x_new)} new images {right:.1%} are told right."
    value = loss(net(ag.Tensor(x[:4], requires_grad=True, name="x")), y[:4])
    yield ""
    yield "The gradients, from the loss back:"
    for step in ag.derive(value):
        yield f"  {step.symbol} = {step.result}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ag.draw(value, backward=["W_1"]).save(out / "digits.svg")
        ag.draw(value, collapse="module").save(out / "digits-layers.svg")
        nn.save(net, out / "digits.safetensors")
        yield ""
        yield f"Figures, and the trained net: {out}"


if __name__ == "__main__":
    tell(main)
