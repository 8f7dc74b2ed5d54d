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


def numbers(name: str, value: float) -> ag.Tensor:
    return ag.Tensor(value, requires_grad=True, name=name)


def test_the_first_pass_stands_before_the_loop():
    e, a, b = [0.3, 0.9, -0.4, 1.2, 0.7], numbers("a", 0.4), numbers("b", 0.6)
    h = [a / (1 - b)]
    loss = np.log(h[0]) + e[0] ** 2 / h[0]
    for t in range(1, 5):
        h.append(a + b * h[-1])
        loss = loss + np.log(h[t]) + e[t] ** 2 / h[t]
    x, da, db, g = [float(y.data) for y in h], 0.0, 0.0, 0.0
    for t in range(4, 0, -1):
        g = g + 1 / x[t] + e[t] ** 2 / x[t] ** 2
        da, db, g = da + g, db + g * x[t - 1], g * 0.6
    g = g + 1 / x[0] - e[0] ** 2 / x[0] ** 2
    given = {"a": da + g / 0.4, "b": db + g * 0.4 / 0.4**2}
    told = str(ag.check_backprop(loss, given).first_wrong.cause)  # type: ignore[union-attr]
    assert re.match(r"what comes back to .* has the wrong sign; so each of the 4 times", told)


def test_what_has_a_name_at_each_pass_is_called_so():
    r = np.random.default_rng(0)
    x, u = r.normal(size=(4, 3)), ag.Tensor(r.normal(size=(3, 3)), requires_grad=True, name="U")
    h: list[Any] = [r.normal(size=3)]
    for t in range(4):
        h.append(np.tanh(x[t] + h[t] @ u).named(f"h_{t + 1}"))
    told = {"1 - n": "h_4 stands with the exponent 1 where 2", "n * (1 - n)": "and h_4 is tanh("}
    for slope, words in told.items():
        du, dh = np.zeros((3, 3)), np.cos(h[4].data)
        for t in range(4)[::-1]:
            ds = dh * eval(slope, {"n": h[t + 1].data})
            du, dh = du + np.outer(getattr(h[t], "data", 0) if t else h[0], ds), ds @ u.data.T
        entry = ag.check_backprop(np.sum(np.sin(h[4])), {"U": du}).first_wrong
        assert words in str(entry)
