"""``scipy.special``: its ufuncs as they are, and what it composes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from ..ops.define import operand
from ..ops.rows import log_softmax_op, logsumexp, softmax_op
from ..ops.special import polygamma as _polygamma
from . import Own

__all__ = ["log_softmax", "logsumexp", "multigammaln", "polygamma", "softmax"]

__getattr__ = Own(sp, "scipy.special").__getattr__


def softmax(x: Any, axis: Any = None) -> Any:
    """``exp(x)`` divided by its sum over ``axis``, one or several; over all entries by default."""
    return softmax_op(operand(x), axis=axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`."""
    return log_softmax_op(operand(x), axis=axis)


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of `digamma`, of numbers above 0 (and of those below, where n ≥ 1)."""
    return _polygamma(x, n=n)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function in d dimensions; ``a > (d − 1) / 2``."""
    sp.multigammaln(np.full((), d), d)  # raises what there is to raise
    return d * (d - 1) / 4 * np.log(np.pi) + sum(sp.gammaln(a - j / 2) for j in range(d))
