"""A Kalman filter whose noises are found by its likelihood: ``python -m examples.kalman``.

A thing on a line is pushed at random, and its place is measured, badly. The filter is plain NumPy;
how strong pushes and measuring errors are, its own gradient and Hessian find by Newton's method.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

import autograd_lite as ag

from .running import panels, run

MOVES = np.array([[1.0, 1.0], [0.0, 1.0]])  # place and speed, one second later
PUSH = np.array([0.5, 1.0])  # what a push of 1 does to them
RNG = np.random.default_rng(0)
SPEEDS = np.cumsum(0.3 * RNG.normal(size=120))
PLACES = np.cumsum(SPEEDS) - SPEEDS / 2
MEASURED = PLACES + 4.0 * RNG.normal(size=120)


def filtered(logs: Any) -> tuple[Any, Any]:
    """−log p(measured), and of each place its mean and variance after it was measured."""
    q, r = np.exp(2 * logs[0]), np.exp(2 * logs[1])
    mean, covariance, surprise, seen = np.zeros(2), np.eye(2) * 100, 0.0, []
    for y in MEASURED:
        mean = MOVES @ mean
        covariance = MOVES @ covariance @ MOVES.T + q * np.outer(PUSH, PUSH)
        variance, error = covariance[0, 0] + r, y - mean[0]
        surprise = surprise + 0.5 * (np.log(2 * np.pi * variance) + error**2 / variance)
        gain = covariance[:, 0] / variance
        mean, covariance = mean + gain * error, covariance - np.outer(gain, covariance[0])
        seen.append((mean[0], covariance[0, 0]))
    return surprise, seen


def main() -> tuple[str, Any]:
    hessian = ag.hessian(lambda logs: filtered(logs)[0])
    found = minimize(ag.value_and_grad(lambda logs: filtered(logs)[0]), np.zeros(2), jac=True,
                     hess=hessian, method="trust-exact")  # fmt: skip
    (push, error), errors = np.exp(found.x), np.sqrt(np.diag(np.linalg.inv(hessian(found.x))))
    mean, variance = np.transpose(filtered(found.x)[1])
    figure, axes = panels()
    axes.fill_between(range(120), mean - 2 * variance**0.5, mean + 2 * variance**0.5, alpha=0.3)
    axes.plot(mean, label="filter, ± 2 σ")
    axes.plot(PLACES, "k", lw=1, label="place")
    axes.plot(MEASURED, ".", ms=4, label="measured")
    axes.set(xlabel="second", ylabel="metre")
    axes.legend()
    return (f"after {found.nit} steps of Newton's method: pushes {push:.2f} ± {errors[0]:.0%}, and "
            f"were 0.3; errors of measuring {error:.2f} ± {errors[1]:.0%}, and were 4"), figure


if __name__ == "__main__":
    run(main)
