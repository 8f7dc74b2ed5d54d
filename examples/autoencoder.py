"""A variational autoencoder of handwritten digits: ``python -m examples.autoencoder``.

It learns to say each of scikit-learn's 1,797 digits of 8×8 pixels by two numbers. The loss is that
of Kingma and Welling (2014): what the pixels cost, and how far a code's distribution, from which a
point z is drawn, strays from the normal one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import nn

from .running import panels, run

DIGITS = load_digits()
X, PIXELS = DIGITS.data / 16, nn.BCEWithLogitsLoss(reduction="sum")


def loss(encoder: Any, decoder: Any, x: Any, noise: Any) -> Any:
    code = encoder(x)
    mean, log_variance = code[:, :2], code[:, 2:]
    z = mean + np.exp(log_variance / 2) * noise
    strays = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1)  # KL divergence
    return (PIXELS(decoder(z), x) + strays) / len(x)


def trained(epochs: int = 40) -> tuple[nn.Module, nn.Module, list[float]]:
    """Encoder, decoder, and the loss an image of each epoch, in nats."""
    rng, losses = np.random.default_rng(0), []
    encoder = nn.MLP([64, 128, 4], activation="tanh", output="identity", rng=rng)
    decoder = nn.MLP([2, 128, 64], activation="tanh", output="identity", rng=rng)
    optimizer = nn.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(epochs):
        losses.append(0.0)
        for x, noise in nn.batches(X, rng.normal(size=(len(X), 2)), 100, shuffle=True, rng=rng):
            optimizer.zero_grad()
            value = loss(encoder, decoder, x, noise)
            value.backward()
            optimizer.step()
            losses[-1] += value.item() * len(x) / len(X)
    return encoder, decoder, losses


def main() -> tuple[str, Any]:
    encoder, decoder, losses = trained()
    figure, (left, right) = panels(2, width=9.0)
    points = left.scatter(*encoder(X).numpy()[:, :2].T, c=DIGITS.target, cmap="tab10", s=5)
    figure.colorbar(points, ax=left, label="digit")
    z = [(a, b) for b in np.linspace(2, -2, 12) for a in np.linspace(-2, 2, 12)]
    drawn = (1 / (1 + np.exp(-decoder(z)))).numpy().reshape(12, 12, 8, 8)
    right.imshow(drawn.swapaxes(1, 2).reshape(96, 96), cmap="gray_r", extent=(-2, 2, -2, 2))
    return f"loss an image: {losses[0]:.2f} in the first epoch, {losses[-1]:.2f} at the end", figure


if __name__ == "__main__":
    run(main)
