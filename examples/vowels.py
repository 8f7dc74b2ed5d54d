"""A hidden Markov model that finds the vowels: ``python -m examples.vowels``.

Two hidden states take turns to write the letters of a text, here of Python's own manual. What EM
asks for, how often each start, transition and letter is to be expected, is the gradient of log p by
the logarithms of the probabilities: so the forward algorithm is all there is to write.
"""

from __future__ import annotations

import re
from pydoc_data.topics import topics
from string import ascii_lowercase
from typing import Any

import numpy as np

import autograd_lite as ag

from .running import panels, run

TEXT = "".join(re.findall("[a-z]", " ".join(topics.values()).lower()[:20_000]))
LINES = np.array([*map(ascii_lowercase.index, TEXT[: len(TEXT) // 60 * 60])]).reshape(-1, 60)


def log_likelihood(logs: Any) -> Any:
    """log p of all lines, by the forward algorithm; rescaled at each letter."""
    start, moves, letters = (np.exp(x) for x in logs)
    total, state = 0.0, start
    for t in range(LINES.shape[1]):
        both = (state if t == 0 else state @ moves) * letters.T[LINES[:, t]]
        scale = np.sum(both, axis=1, keepdims=True)
        total, state = total + np.sum(np.log(scale)), both / scale
    return total


def fitted(rounds: int = 60) -> tuple[list[Any], list[float]]:
    """The probabilities, and log p a letter before each round of EM."""
    rng, seen = np.random.default_rng(0), []
    found = [rng.dirichlet(np.ones(n) * 20, size) for n, size in ((2, 1), (2, 2), (26, 2))]
    for _ in range(rounds):
        value, counts = ag.value_and_grad(log_likelihood)([np.log(p) for p in found])
        found = [np.maximum(c, 1e-9) / np.sum(c, axis=1, keepdims=True) for c in counts]
        seen.append(value / LINES.size)
    return found, seen


def main() -> tuple[str, Any]:
    (_, moves, letters), seen = fitted()
    share = letters / letters.sum(axis=0)  # of each letter, that a state writes it
    vowels = share[:, 0].argmax()  # the state that writes a
    figure, axes = panels()
    axes.bar([*ascii_lowercase], share[vowels])
    axes.set(ylabel="p(state that writes a | letter)")
    found, leaves = np.array([*ascii_lowercase])[share[vowels] > 0.5], moves[vowels, 1 - vowels]
    return (f"log p a letter: {seen[0]:.4f} at first, {seen[-1]:.4f} after {len(seen)} rounds\n"
            f"one state writes {''.join(found)}, and is left with p = {leaves:.2f}"), figure


if __name__ == "__main__":
    run(main)
