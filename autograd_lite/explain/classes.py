"""Which classes a net tells apart, and by how much at each point: what boundaries are drawn of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..engine.tensor import Array

MOST_CLASSES = 6


class Classes(NamedTuple):
    """What the targets and the predictions mean.

    Attributes:
        labels: what the classes are called.
        of: of each observation, the number of its class, ``(n,)``.
        level: between the predictions of two classes; None where there is a score a class.
    """

    labels: list[str]
    of: Array
    level: float | None

    def margins(self, prediction: Array) -> Array:
        """``(q, classes − 1)``: positive where the class (from the second on) is predicted.

        Of probabilities, the logits: those are close to linear between two points of a grid.
        """
        prediction = np.asarray(prediction, dtype=np.float64).reshape(len(prediction), -1)
        if self.level is None:
            others = np.stack(
                [np.delete(prediction, c, axis=1).max(axis=1) for c in range(len(self.labels))],
                axis=1,
            )
            first: Array = (prediction - others)[:, 1:]
            return first
        if self.level == 0.5 and prediction.min() >= 0 and prediction.max() <= 1:
            p = prediction.clip(1e-15, 1 - 1e-15)
            logits: Array = np.log(p) - np.log1p(-p)
            return logits
        return prediction - self.level


def classes_of(y: Array, prediction: Array, level: float | None) -> Classes | None:
    """Which classes there are; None where the targets are no classes, nor their probabilities.

    Args:
        y: the targets, ``(n,)``, ``(n, 1)`` or ``(n, k)``.
        prediction: for them, ``(n, 1)`` or ``(n, k)``.
        level: of a single prediction, where it isn't in the middle between the targets.
    """
    flat = prediction.reshape(len(prediction), -1)
    k = flat.shape[1]
    if k == 1 and y.size == len(y):
        values = np.unique(y)
        if np.isin(values, (0, 1)).all():
            values = np.array([0, 1])
        if len(values) != 2:
            return None
        middle = float(values.mean()) if level is None else level
        return Classes([f"{v:g}" for v in values], (y.reshape(-1) == values[1]).astype(int), middle)
    if not 2 <= k <= MOST_CLASSES:
        return None
    if y.size == len(y) and y.dtype.kind in "iu":
        of = y.reshape(-1)
    elif y.shape == flat.shape and (y >= 0).all() and np.allclose(y.sum(axis=1), 1):
        of = y.argmax(axis=1)
    else:
        return None
    return Classes([str(c) for c in range(k)], of, None)
