"""Mistakes at each pass of a loop, where nothing but parameters' gradients is handed in."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.check import Report

from ..each import each

FORWARD = """
h, z, n, loss = [h0], [], [], 0
for t in range(5):
    z.append(1 / (1 + np.exp(-(x[t] @ P + h[t] @ Q))))
    n.append(np.tanh(x[t] @ W + h[t] @ U))
    h.append((1 - z[t]) * h[t] + z[t] * n[t])
    e = np.exp(h[t + 1] @ V)
    loss = loss - np.sum(y[t] * np.log(e / e.sum(axis=1, keepdims=True)))
"""
BACKWARD = """
dP, dQ, dW, dU, dV, dh_next = (0 * a for a in (P, Q, W, U, V, h0))
for t in reversed(range(5)):
    e = np.exp(h[t + 1] @ V)
    dy = e / e.sum(axis=1, keepdims=True) - y[t]
    dV += h[t + 1].T @ dy
    dh = dy @ V.T
    dh = dh + dh_next
    dn = dh * z[t]
    dz = dh * (n[t] - h[t])
    dh_next = dh * (1 - z[t])
    dn = dn * (1 - n[t] ** 2)
    dz = dz * z[t] * (1 - z[t])
    dW += x[t].T @ dn
    dU += h[t].T @ dn
    dP += x[t].T @ dz
    dQ += h[t].T @ dz
    dh_next = dh_next + dn @ U.T + dz @ Q.T
"""
EACH = "; so each of the 5 times that it is computed"
MISTAKES = {
    "dh = dh + dh_next": ("pass", r"only .* V\)?.* is there: add"),
    "dn = dh * z[t]": ("dn = dh", rf"the factor σ\(.* P.*\) is missing{EACH}"),
    "dz = dh * (n[t] - h[t])": ("dz = dh * (n[t] + h[t])", f"has the wrong sign{EACH}"),
    "dh_next = dh * (1 - z[t])": ("dh_next = dh", r"the factor 1 − .* is missing"),
    "(1 - z[t])\n    dn": ("z[t]\n    dn", rf"σ\(.*\) stands where 1 − .* belongs{EACH}"),
    "dz = dz * z[t] * (1 - z[t])": ("pass", r"σ'\(.* P.*\) is missing: "),
    "(1 - n[t] ** 2)": ("n[t] * (1 - n[t])", "this is the slope of sigmoid, "),
    "dP += x[t].T @ dz": ("dP = x[t].T @ dz", r"= where \+= belongs|only the term"),
    "dU += h[t].T": ("dU += h[t + 1].T", "stands where .* belongs; so each"),
    "dW += x[t].T": ("dW += x[4 - t].T", "stands where .* belongs; so each"),
    "dn @ U.T + ": ("", "that by way of .* U.* is missing"),
    "dn @ U.T": ("dn @ U", "U is not transposed"),
}


def space() -> dict[str, Any]:
    r = np.random.default_rng(5)
    sizes = {"P": (4, 3), "Q": (3, 3), "W": (4, 3), "U": (3, 3), "V": (3, 2), "h0": (2, 3)}
    arrays = {name: r.normal(size=size) for name, size in sizes.items()}
    return {"np": np, "x": r.normal(size=(5, 2, 4)), "y": np.eye(2)[r.integers(2, size=(5, 2))],
            **arrays}  # fmt: skip


def checked(old: str = "", new: str = "", noise: float = 0.0) -> Report:
    arrays = space()
    params = {name: ag.Tensor(arrays[name], requires_grad=True, name=name) for name in "PQWUV"}
    tensors = {**arrays, **params}
    exec(FORWARD, tensors)
    exec(FORWARD, arrays)
    assert old in BACKWARD
    exec(BACKWARD.replace(old, new), arrays)
    r = np.random.default_rng(1)
    given = {f"d{p}": arrays[f"d{p}"] for p in params}
    given = {p: g + noise * r.normal(size=g.shape) for p, g in given.items()}
    return ag.check_backprop(tensors["loss"], given)


@each(MISTAKES)
def test_the_cause_of_all_that_is_wrong_is_named(new: str, says: str):
    old = next(old for old, planted in MISTAKES.items() if planted == (new, says))
    report = checked(old, new)
    first = report.first_wrong
    assert first is not None
    assert re.search(says, str(first.cause)), first.cause
    assert "no usual mistake" not in str(report)


def test_what_is_right_is_right_and_noise_has_no_cause():
    assert checked().ok
    causes = [str(entry.cause) for entry in checked(noise=0.1).entries if not entry.ok]
    assert len(causes) == 5
    assert all("no usual mistake" in cause for cause in causes)
