"""Discrete Fourier transforms along an axis.

The matrix of a transform is symmetric: so its transpose, which a rule needs, is the transform
itself. What a transform cuts off gets no gradient, and what it appends gives none.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays import is_foreign
from ..table import Case, Op, op
from .define import along, by_name, operand, zeros_around

Transform = Callable[..., Any]


def along_axis(f: Any) -> Callable[[Transform], Transform]:
    """Let ``np.f`` call what is decorated: on an array, with the axis counted from the last one."""

    def register(transform: Transform) -> Transform:
        @by_name(f, transform.__doc__ or "")
        def applied(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
            a = operand(a)
            axis = normalize_axis_index(axis, a.ndim, f.__name__) - a.ndim
            return transform(a, None if n is None else index(n), axis, norm)

        return applied

    return register


def _transform(f: Any) -> Transform:
    def vjp(g: Any, out: Any, x: Any, n: int, axis: int, norm: str | None) -> Any:
        gx, size = entry(g, n=n, axis=axis, norm=norm), x.shape[axis]
        return zeros_around(gx, axis, 0, size - n) if n < size else gx[along(axis, slice(size))]

    def forward(x: Any, n: int, axis: int, norm: str | None) -> Any:
        whole = x.rechunk({axis: -1}) if is_foreign(x) and hasattr(x, "rechunk") else x  # for Dask
        return f(whole, n, axis, norm)

    entry: Op = op(
        f.__name__, forward, vjp,
        cases=[
            Case(((4,),), {"n": 4, "axis": -1, "norm": None}),
            Case(((3, 2),), {"n": 5, "axis": -2, "norm": "ortho"}),
            Case(((2, 4),), {"n": 3, "axis": -1, "norm": "forward"}),
        ],
        stacks=True,
        source=f"np.fft.{f.__name__}({{0}}, {{n}}, {{axis}}, {{norm!r}})",
    )

    def applied(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
        return entry(a, n=a.shape[axis] if n is None else n, axis=axis, norm=norm)

    applied.__doc__ = f"""``np.fft.{f.__name__}``: the transform along an axis, cut or padded to n.

    Shapes:
        ``(…, m, …)``, real or complex → ``(…, n, …)``, complex.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda x: np.fft.{f.__name__}(x, norm="ortho")[0].real)(np.zeros(4))
        array([0.5, 0.5, 0.5, 0.5])
    """
    return along_axis(f)(applied)


fft = _transform(np.fft.fft)
ifft = _transform(np.fft.ifft)
