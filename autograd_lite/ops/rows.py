"""Ops of rows: what is normalised along an axis, each with its rule written out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..table import Case, op
from .define import operand, value
from .reductions import max_op

__all__ = ["logsumexp"]


def _softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


_ROWS = [Case(((2, 3),), {"axis": -1}), Case(((2, 3, 2),), {"axis": 1})]

softmax_op = op(
    "softmax", _softmax,
    lambda g, out, x, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)), cases=_ROWS,
    source="(lambda e: e / np.sum(e, axis={axis}, keepdims=True))"
    "(np.exp({0} - np.max({0}, axis={axis}, keepdims=True)))",
)
log_softmax_op = op(
    "log_softmax", _log_softmax,
    lambda g, out, x, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True), cases=_ROWS,
    source="({0} - np.log(np.sum(np.exp({0}), axis={axis}, keepdims=True)))",
)
leaky_relu_op = op(
    "leaky_relu", lambda x, slope: np.where(x > 0, x, slope * x),
    lambda g, out, x, slope: g * np.where(x > 0, 1.0, slope),
    cases=[Case(((2, 3),), {"slope": 0.01})], entrywise=True,
    source="np.where({0} > 0, {0}, {slope} * {0})",
)
logsumexp_op = op(
    "logsumexp", lambda x, axis: _logsumexp(x, axis), lambda g, out, x, axis: g * np.exp(x - out),
    cases=_ROWS, source="np.log(np.sum(np.exp({0}), axis={axis}, keepdims=True))",
)


def _greatest(x: Any, axis: Any) -> Any:
    """The greatest entries, to be taken off exponents; 0 for infinite ones."""
    x = x if x.dtype.kind == "f" else x.astype(float)  # which has an infinity
    found = max_op.forward(x, axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(found), found, 0.0)


def _logsumexp(x: Any, axis: Any) -> Any:
    shift = _greatest(x, axis)
    with np.errstate(divide="ignore"):  # of what is −∞ all along
        return np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """``log(sum(b * exp(a)))`` over ``axis``, as `scipy.special.logsumexp`; ``b`` may be negative.

    With ``return_sign`` the logarithm of the sum's size, and its sign.
    """
    a = operand(a)
    axis = axis if axis is None else normalize_axis_tuple(axis, a.ndim, "logsumexp")
    if b is None:
        out, sign = logsumexp_op(a, axis=axis), 1.0
    else:
        shift = _greatest(value(a), axis)
        total = np.sum(b * np.exp(a - shift), axis=axis, keepdims=True)
        sign = np.sign(value(total)) if return_sign else 1.0
        with np.errstate(divide="ignore"):
            out = np.log(np.abs(total) if return_sign else total) + shift
    both: Any = out, np.broadcast_to(sign, out.shape)
    both = both if keepdims else tuple(np.squeeze(x, axis) for x in both)
    return both if return_sign else both[0]


def _normalised(x: Any, axis: Any, eps: float, ddof: int) -> Any:
    d = x - x.mean(axis=axis, keepdims=True)
    return d / np.sqrt(x.var(axis=axis, ddof=ddof, keepdims=True) + eps)


def _normalised_vjp(g: Any, out: Any, x: Any, axis: Any, eps: float, ddof: int) -> Any:
    mean = np.mean(g * out, axis=axis, keepdims=True)
    n = x.size / mean.size
    centred = g - np.mean(g, axis=axis, keepdims=True) - out * (mean * (n / (n - ddof)))
    return centred / np.sqrt(np.var(x, axis=axis, ddof=ddof, keepdims=True) + eps)


normalised_op = op(
    "normalised", _normalised, _normalised_vjp,
    cases=[
        Case(((2, 3),), {"axis": 1, "eps": 1e-5, "ddof": 0}),
        Case(((4, 2),), {"axis": 0, "eps": 0.1, "ddof": 1}),
    ],
    source="(({0} - np.mean({0}, axis={axis}, keepdims=True))"
    " / np.sqrt(np.var({0}, axis={axis}, ddof={ddof}, keepdims=True) + {eps}))",
)
