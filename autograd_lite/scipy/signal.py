"""``scipy.signal``, with `convolve` along chosen axes, as HIPS autograd has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from ..ops import sliding_window_view
from ..ops.define import operand
from . import Own

__all__ = ["convolve"]

__getattr__ = Own(scipy.signal, "scipy.signal").__getattr__


def convolve(a: Any, b: Any, axes: Any = None, dot_axes: Any = ((), ()), mode: str = "full") -> Any:
    """The convolution along pairs of axes, all by default.

    Args:
        axes: those of ``a`` and those of ``b``, two lists.
        dot_axes: two more, along which products are summed.
        mode: ``"full"``, ``"same"`` (as ``a``) or ``"valid"``, as SciPy has them.

    Returns:
        With the other axes of ``a``, those of ``b``, and then those that were convolved.
    """
    a, b = operand(a), operand(b)
    ours, theirs = [[*range(a.ndim)]] * 2 if axes is None else axes
    sizes = [b.shape[i] for i in theirs]
    if mode == "valid" and any(a.shape[i] < n for i, n in zip(ours, sizes, strict=True)):
        swapped = convolve(b, a, (theirs, ours), dot_axes[::-1], mode)
        first = b.ndim - len(theirs) - len(dot_axes[1])
        others = swapped.ndim - len(ours)
        return np.moveaxis(swapped, range(first), range(others - first, others))
    widths = [(0, 0)] * a.ndim
    for i, n in zip(ours, sizes, strict=True):
        widths[i] = {"full": (n - 1, n - 1), "same": (n // 2, (n - 1) // 2), "valid": (0, 0)}[mode]
    windows = sliding_window_view(np.pad(a, widths), sizes, axis=ours)
    # Axes are numbered: of a as they are, of b behind those of the windows.
    own, other = [*range(windows.ndim)], [windows.ndim + i for i in range(b.ndim)]
    einsum: Any = np.einsum
    for k, i in enumerate(theirs):
        other[i] = a.ndim + k
    for i, j in zip(*dot_axes, strict=True):
        other[j] = i
    kept = [i for i in range(a.ndim) if i not in (*ours, *dot_axes[0])]
    kept += [other[j] for j in range(b.ndim) if j not in (*theirs, *dot_axes[1])]
    return einsum(windows, own, np.flip(b, tuple(theirs)), other, [*kept, *ours])
