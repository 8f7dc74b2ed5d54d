"""An equation of motion found from what was seen: ``python -m examples.predators``.

Lotka and Volterra's prey x and predators y: x' = (a − b y) x, y' = (d x − c) y. Runge and Kutta's
steps are plain NumPy; least squares get the Jacobian of the whole path, over all steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import least_squares

import autograd_lite as ag

from .running import panels, run

TRUE = np.log([0.55, 0.84, 0.028, 0.026, 30.0, 4.0])  # a, c, b, d, and x and y at the start
STEPS = 5  # a year


def path(logs: Any) -> Any:
    """The logarithms of both numbers at each step of 20 years: ``(steps + 1, 2)``."""
    growth, hunting = np.exp(logs[:2]) * [1, -1], np.exp(logs[2:4]) * [-1, 1]

    def slope(s: Any) -> Any:
        return growth + hunting * np.exp(s)[::-1]

    states, h = [logs[4:]], 1 / STEPS
    for _ in range(20 * STEPS):
        s = states[-1]
        k_2 = slope(s + h / 2 * (k_1 := slope(s)))
        k_3 = slope(s + h / 2 * k_2)
        states.append(s + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + slope(s + h * k_3)))
    return np.stack(states)


SEEN = path(TRUE)[::STEPS] + 0.1 * np.random.default_rng(0).normal(size=(21, 2))


def main() -> tuple[str, Any]:
    start = np.log([0.7, 0.7, 0.03, 0.03, 20.0, 5.0])

    def errors(logs: Any) -> Any:
        return (path(logs)[::STEPS] - SEEN).ravel()

    found = least_squares(errors, start, jac=ag.jacobian(errors))
    figure, axes = panels()
    axes.set_prop_cycle(color=["tab:green", "tab:red"])
    axes.plot(np.exp(SEEN), "o", label=["prey", "predators"])
    for logs, line in ((start, ":"), (found.x, "-")):
        axes.plot(np.arange(20 * STEPS + 1) / STEPS, np.exp(path(logs)), line)
    axes.legend(title="thousands, year by year")
    lines = [f"  {name} {number:7.4f}, and was {true:7.4f}" for name, number, true
             in zip("acbdxy", np.exp(found.x), np.exp(TRUE), strict=True)]  # fmt: skip
    return "\n".join([f"found by {found.njev} Jacobians:", *lines]), figure


if __name__ == "__main__":
    run(main)
