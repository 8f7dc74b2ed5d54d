"""A Gaussian process, fitted in three ways by SciPy: ``python -m examples.gaussian_process``.

The evidence of noisy measurements is plain NumPy. SciPy's minimize gets its gradient (BFGS), its
Hessian (trust-exact), and its Hessian times a vector (trust-ncg), and comes to the same place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

import autograd_lite as ag

from .running import panels, run

X = np.sort(np.random.default_rng(0).uniform(0, 10, 40))
Y = np.sin(X) + 0.3 * X + 0.2 * np.random.default_rng(1).normal(size=40)


def kernel(logs: Any, a: Any, b: Any) -> Any:
    """How much the function's values at ``a`` and ``b`` have in common."""
    return np.exp(2 * logs[0]) * np.exp(-0.5 * ((a[:, None] - b) / np.exp(logs[1])) ** 2)


def surprise(logs: Any) -> Any:
    """−log p(Y), by the logarithms of height, length and noise."""
    k = kernel(logs, X, X) + np.exp(2 * logs[2]) * np.eye(40)
    return 0.5 * (Y @ np.linalg.solve(k, Y) + np.linalg.slogdet(k)[1] + 40 * np.log(2 * np.pi))


def predicted(logs: Any, at: Any) -> tuple[Any, Any]:
    """The function's mean and standard deviation there."""
    c = kernel(logs, at, X)
    known = np.linalg.solve(kernel(logs, X, X) + np.exp(2 * logs[2]) * np.eye(40), c.T).T
    return known @ Y, np.sqrt(np.exp(2 * logs[0]) - np.sum(c * known, axis=1))


def main() -> tuple[str, Any]:
    ways: dict[str, Any] = {"BFGS": {}, "trust-exact": {"hess": ag.hessian(surprise)},
                            "trust-ncg": {"hessp": ag.hvp(surprise)}}  # fmt: skip
    f, lines = ag.value_and_grad(surprise), []
    for method, more in ways.items():
        found = minimize(f, np.zeros(3), jac=True, method=method, **more)
        height, length, noise = np.exp(found.x)
        lines.append(f"{method:11} {found.nit:2} steps: −log p {found.fun:.6f}, height "
                     f"{height:.4f}, length {length:.4f}, noise {noise:.4f}")  # fmt: skip
    at = np.linspace(-2, 14, 300)
    mean, deviation = predicted(found.x, at)
    figure, axes = panels()
    axes.fill_between(at, mean - 2 * deviation, mean + 2 * deviation, alpha=0.3)
    axes.plot(at, mean, label="Gaussian process, ± 2 σ")
    axes.plot(X, Y, "k.", label="measured")
    axes.legend()
    return "\n".join(lines), figure


if __name__ == "__main__":
    run(main)
