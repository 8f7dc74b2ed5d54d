"""What Jupyter shows of a training: its losses as curves."""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .training import History


def svg(history: History) -> str:
    """The loss by epochs, of the validation data too; logarithmic where it spans two powers.

    Empty where there is no matplotlib, which draws it.
    """
    if find_spec("matplotlib") is None:
        return ""
    from matplotlib.figure import Figure  # only when something is shown

    from autograd_lite.show import plots

    curves = {"loss": history.loss}
    if history.validation is not None:
        curves["validation"] = history.validation.loss
    with plots.styled({"font.size": 9}):
        figure = Figure((5, 2.3), layout="constrained")
        axes = figure.add_subplot(xlabel="epoch")
        for name, losses in curves.items():
            axes.plot(np.arange(1, len(losses) + 1), losses, label=name)
        values = np.concatenate([*curves.values()])
        finite = values[np.isfinite(values)]
        if finite.min(initial=np.inf) * 100 < finite.max(initial=0) and (finite > 0).all():
            axes.set_yscale("log")
        axes.locator_params("x", integer=True)
        axes.legend()
        if history.best is not None:
            axes.axvline(history.best + 1, color="gray", linestyle=":")
        return plots.svg(figure, f'role="img" aria-label="{escape(said(history))}"')


def said(history: History) -> str:
    """A line on it."""
    if not history.loss:
        return "no epochs"
    parts = [f"{len(history.loss)} epochs, loss {history.loss[0]:.4g} → {history.loss[-1]:.4g}"]
    parts += [f"{name} {values[-1]:.4g}" for name, values in history.metrics.items()]
    if history.validation is not None and history.best is not None:
        best = history.validation.loss[history.best]
        parts.append(f"validation {best:.4g} at best, in epoch {history.best + 1}")
    return ", ".join(parts)
