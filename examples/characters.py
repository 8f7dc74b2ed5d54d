"""A poem, learned character by character by attention: ``python -m examples.characters``.

From each sixteen characters of a text the next ones are foretold, by an embedding, a block of
causal attention and one of two layers. Then the model writes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
from autograd_lite import Tensor

from .running import tell

TEXT = Path(__file__).parent / "data" / "jabberwocky.txt"
WIDTH, LENGTH = 32, 16


class Model(nn.Module):
    """Logits of the next character at each place: ``(q, t)`` numbers → ``(q, t, k)``."""

    def __init__(self, k: int, rng: np.random.Generator) -> None:
        self.embedding = nn.Embedding(k, WIDTH, rng=rng)
        self.places = Tensor(0.1 * rng.normal(size=(LENGTH, WIDTH)), True, "P")
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiHeadAttention(WIDTH, 4, causal=True, rng=rng)
        self.inner = nn.Linear(WIDTH, 4 * WIDTH, rng=rng)
        self.outer = nn.Linear(4 * WIDTH, WIDTH, rng=rng)
        self.logits = nn.Linear(WIDTH, k, rng=rng)
        for i, layer in enumerate((self.inner, self.outer, self.logits), start=1):
            layer.weight.name = f"W_{i}"
            assert layer.bias is not None
            layer.bias.name = f"b_{i}"

    def forward(self, symbols: Any) -> Any:
        x = (self.embedding(symbols) + self.places[: symbols.shape[1]]).named("x")
        y = (x + self.attention(self.norm_1(x).named("n_1"))).named("x_1")
        hidden = nn.gelu(self.inner(self.norm_2(y).named("n_2")).named("s_1")).named("l_1")
        return self.logits((y + self.outer(hidden)).named("x_2")).named("z")


def written(net: Model, characters: list[str], start: str, n: int, rng: Any) -> str:
    """``start``, and n characters drawn by the model's probabilities."""
    codes = [characters.index(c) for c in start]
    with ag.no_grad():
        for _ in range(n):
            z = net(np.array([codes[-LENGTH:]])).data[0, -1]
            codes.append(int(rng.choice(len(z), p=nn.softmax(z))))
    return "".join(characters[code] for code in codes)


def main(out: Path | None = None, epochs: int = 25) -> Iterator[str]:
    text = TEXT.read_text("utf-8")
    characters = sorted(set(text))
    codes = np.array([characters.index(c) for c in text])
    windows = np.lib.stride_tricks.sliding_window_view(codes, LENGTH + 1)
    x, y = windows[:, :-1].copy(), windows[:, 1:].copy()
    rng = np.random.default_rng(0)
    net, loss = Model(len(characters), rng), nn.CrossEntropyLoss()
    optimizer = nn.Adam(net.parameters(), lr=0.005, max_norm=1.0)
    history = nn.fit(
        net, x, y, loss, optimizer, epochs, 64, shuffle=True, rng=rng, progress=True,
        schedule=nn.CosineAnnealingLR(optimizer, epochs), metrics={"right": nn.accuracy},
    )  # fmt: skip
    right = history.metrics["right"][-1]
    yield f"Cross-entropy {history.loss[0]:.2f} → {history.loss[-1]:.2f}; {right:.0%} foretold."
    yield ""
    yield written(net, characters, "Beware the ", 120, rng)
    value = loss(net(x[:2, :4]), y[:2, :4])
    yield ""
    yield "The gradients of the attention, from its output back:"
    names = ("W_O", "H", "A", "S", "V", "K", "Q", "W_Q")
    for step in ag.derive(value, wrt=list(names)):
        yield f"  {step.symbol} = {step.result}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ag.draw(value, backward=["W_Q"]).save(out / "characters.svg")
        ag.draw(value, collapse="module").save(out / "characters-layers.svg")
        yield ""
        yield f"Figures: {out}"


if __name__ == "__main__":
    tell(main)
