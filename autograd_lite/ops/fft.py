"""Discrete Fourier transforms along axes: two ops, and what consists of them.

The matrix of a transform is symmetric, so that its transpose, which a rule needs, is the transform
itself; what a transform cuts off gets no gradient, and what it appends gives none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..op import Case, op
from .define import implements, operand, refuse_out
from .elementwise import astype, conjugate_of, real

__all__ = [
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn",
]  # fmt: skip

Transform = Callable[..., Any]


def _cut(x: Any, n: int, axis: int) -> Any:
    """The first n entries along a negative axis."""
    return x[(..., slice(n), *(slice(None),) * (-1 - axis))]


def _resized(x: Any, n: int, axis: int) -> Any:
    """The first n entries along a negative axis, with zeros where there are fewer."""
    missing = n - x.shape[axis]
    if missing <= 0:
        return _cut(x, n, axis) if missing else x
    shape = list(x.shape)
    shape[axis] = missing
    return np.concatenate([x, np.zeros(shape, x.dtype)], axis)


def _transform(f: Any) -> Transform:
    def vjp(g: Any, out: Any, x: Any, n: int, axis: int, norm: str | None) -> Any:
        return _resized(f(g, n, axis, norm), x.shape[axis], axis)

    entry = op(
        f.__name__,
        f,
        vjp,
        cases=[
            Case(((4,),), {"n": 4, "axis": -1, "norm": None}),
            Case(((3, 2),), {"n": 5, "axis": -2, "norm": "ortho"}),
            Case(((2, 4),), {"n": 3, "axis": -1, "norm": "forward"}),
        ],
        stacks=True,
        source=f"np.fft.{f.__name__}({{0}}, {{n}}, {{axis}}, {{norm!r}})",
    )

    def applied(
        a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None
    ) -> Any:
        refuse_out(entry.name, out)
        a = operand(a)
        axis = _negative(axis, a)
        return entry(a, n=a.shape[axis] if n is None else int(n), axis=axis, norm=norm)

    applied.__name__ = applied.__qualname__ = entry.name
    applied.__doc__ = f"""``np.fft.{entry.name}``: the transform along an axis, cut or padded to n.

    Shapes:
        ``(…, m, …)``, real or complex → ``(…, n, …)``, complex.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda x: np.fft.{entry.name}(x, norm="ortho")[0].real)(np.zeros(4))
        array([0.5, 0.5, 0.5, 0.5])
    """
    return implements(f)(applied)


def _negative(axis: int, a: Any) -> int:
    return normalize_axis_index(axis, a.ndim) - a.ndim


fft = _transform(np.fft.fft)
ifft = _transform(np.fft.ifft)


# ---------------------------------------------------------------------- of real numbers


@implements(np.fft.rfft)
def rfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None
) -> Any:
    """The transform of real numbers, without the half that is the conjugate of the other.

    Shapes:
        ``(…, m, …)`` → ``(…, n // 2 + 1, …)``, complex.
    """
    a = operand(a)
    if a.dtype.kind == "c":
        raise TypeError("rfft: the operand is complex; take its real part, or fft")
    axis = _negative(axis, a)
    n = a.shape[axis] if n is None else int(n)
    return _cut(fft(a, n, axis, norm, out), n // 2 + 1, axis)


@implements(np.fft.irfft)
def irfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None
) -> Any:
    """The n real numbers (by default an even n) whose `rfft` is ``a``.

    Each entry stands for its conjugate in the other half too, so it counts twice; the first, and
    for an even n the last, have none, and of them the imaginary part is not read.

    Shapes:
        ``(…, m, …)`` → ``(…, n, …)``, real.
    """
    a = operand(a)
    axis = _negative(axis, a)
    n = 2 * (a.shape[axis] - 1) if n is None else int(n)
    a = _cut(a, n // 2 + 1, axis)
    entries = np.arange(a.shape[axis])
    twice = np.where((entries > 0) & (2 * entries != n), 2, 1).astype(np.result_type(a.real, 1.0))
    x = real(ifft(a * twice.reshape(-1, *(1,) * (-1 - axis)), n, axis, norm, out))
    return x if x.dtype == twice.dtype else astype(x, twice.dtype)  # which NumPy keeps narrow


_INVERSE_NORM = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _inverse_norm(norm: str | None) -> str | None:
    return _INVERSE_NORM.get(norm, norm)  # an unknown one is refused by the transform


@implements(np.fft.hfft)
def hfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None
) -> Any:
    """The real transform of a signal whose other half is the conjugate of ``a``: as `irfft`."""
    return irfft(conjugate_of(operand(a)), n, axis, _inverse_norm(norm), out)


@implements(np.fft.ihfft)
def ihfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None
) -> Any:
    """The inverse of `hfft`, of real numbers: as `rfft`."""
    return conjugate_of(rfft(a, n, axis, _inverse_norm(norm), out))


# ---------------------------------------------------------------------- along several axes


def _along_axes(f: Any, each: Transform, last: Transform | None, inverse: bool) -> Transform:
    """A transform along several axes: the last one has its own where numbers are real.

    It comes first, as it takes real numbers, or in an inverse last, as it gives them.
    """
    default = (-2, -1) if f.__name__.endswith("2") else None

    def applied(
        a: Any,
        s: Sequence[int] | None = None,
        axes: Sequence[int] | None = default,
        norm: str | None = None,
        out: None = None,
    ) -> Any:
        refuse_out(f.__name__, out)
        a = operand(a)
        if axes is None:
            axes = range(-(a.ndim if s is None else len(s)), 0)
        sizes = [None] * len(axes) if s is None else list(s)
        if len(sizes) != len(axes):
            raise ValueError(f"{f.__name__}: {len(sizes)} sizes were given for {len(axes)} axes")
        steps = [
            (each, a.shape[axis] if n == -1 else n, axis)
            for n, axis in zip(sizes, axes, strict=True)
        ]
        if last is not None:
            steps[-1] = (last, *steps[-1][1:])
        for transform, n, axis in steps if inverse and last else steps[::-1]:
            a = transform(a, n, axis, norm)
        return a

    applied.__name__ = applied.__qualname__ = f.__name__
    applied.__doc__ = f"""``np.fft.{f.__name__}``: `{each.__name__}` along each of ``axes``{
        f", `{last.__name__}` along the last" if last else ""
    }.

    Args:
        a: an array.
        s: the size along each axis, to which it is cut or padded; −1 leaves it.
        axes: by default {default or "all, or as many of the last as there are sizes"}.
        norm: as along one axis.

    Raises:
        ValueError: another number of sizes than of axes.
    """
    return implements(f)(applied)


fftn = _along_axes(np.fft.fftn, fft, None, inverse=False)
fft2 = _along_axes(np.fft.fft2, fft, None, inverse=False)
ifftn = _along_axes(np.fft.ifftn, ifft, None, inverse=True)
ifft2 = _along_axes(np.fft.ifft2, ifft, None, inverse=True)
rfftn = _along_axes(np.fft.rfftn, fft, rfft, inverse=False)
rfft2 = _along_axes(np.fft.rfft2, fft, rfft, inverse=False)
irfftn = _along_axes(np.fft.irfftn, ifft, irfft, inverse=True)
irfft2 = _along_axes(np.fft.irfft2, ifft, irfft, inverse=True)


# ---------------------------------------------------------------------- order of frequencies


def _rolled(f: Any, shift: Callable[[int], int]) -> Transform:
    def applied(x: Any, axes: Any = None) -> Any:
        x = operand(x)
        axes = normalize_axis_tuple(range(x.ndim) if axes is None else axes, x.ndim)
        return np.roll(x, [shift(x.shape[axis]) for axis in axes], axes)

    applied.__name__ = applied.__qualname__ = f.__name__
    return implements(f)(applied)


fftshift = _rolled(np.fft.fftshift, lambda n: n // 2)
fftshift.__doc__ = "The halves along ``axes`` (by default all) exchanged: frequency 0 in between."
ifftshift = _rolled(np.fft.ifftshift, lambda n: -(n // 2))
ifftshift.__doc__ = "The inverse of `fftshift`."
