"""Discrete Fourier transforms of real numbers, and along several axes, of those along one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops import astype, real
from ..ops.define import along, by_name, numpys, operand
from ..ops.elementwise import conjugate_of
from ..ops.fft import Transform, along_axis, fft, ifft

__all__ = [
    "fft2", "fftn", "fftshift", "hfft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftn",
]  # fmt: skip


@along_axis(np.fft.rfft)
def rfft(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    """The transform of real numbers, without the half that is the conjugate of the other.

    Shapes:
        ``(…, m, …)`` → ``(…, n // 2 + 1, …)``, complex.
    """
    if a.dtype.kind == "c":
        raise TypeError("rfft: the operand is complex; take its real part, or fft")
    n = a.shape[axis] if n is None else n
    return fft(a, n, axis, norm)[along(axis, slice(n // 2 + 1))]


@along_axis(np.fft.irfft)
def irfft(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    """The n real numbers (by default an even n) whose `rfft` is ``a``.

    Each entry also stands for its conjugate in the other half, and so it counts twice. The first,
    and for an even n the last, have none there; their imaginary parts are not read.

    Shapes:
        ``(…, m, …)`` → ``(…, n, …)``, real.
    """
    n = 2 * (a.shape[axis] - 1) if n is None else n
    a = a[along(axis, slice(n // 2 + 1))]
    entries = np.arange(a.shape[axis])
    counts = np.where((entries > 0) & (2 * entries != n), 2, 1).astype(np.result_type(a.real, 1.0))
    x = real(ifft(a * counts.reshape(-1, *(1,) * (-1 - axis)), n, axis, norm))
    return x if x.dtype == counts.dtype else astype(x, counts.dtype)  # as NumPy for float16


_OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward"}


@along_axis(np.fft.hfft)
def hfft(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    """The real transform of a signal whose other half is the conjugate of ``a``: as `irfft`."""
    return irfft(conjugate_of(a), n, axis, _OPPOSITE.get(norm, norm))


@along_axis(np.fft.ihfft)
def ihfft(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    """The inverse of `hfft`, of real numbers: as `rfft`."""
    return conjugate_of(rfft(a, n, axis, _OPPOSITE.get(norm, norm)))


def _along_axes(f: Any, each: Transform, last: Transform, inverse: bool = False) -> Transform:
    """``np.f``: one transform after the other, from the last axis on; an inverse ends with it."""
    default = (-2, -1) if f.__name__.endswith("2") else None

    doc = f"""`{each.__name__}` along ``axes``, and `{last.__name__}` along the last.

    Args:
        a: an array.
        s: the size along each axis, to which it is cut or padded; −1 leaves it.
        axes: by default {default or "all, or as many of the last as there are sizes"}.
        norm: as along one axis.

    Raises:
        ValueError: another number of sizes than of axes.
    """

    @by_name(f, doc)
    def applied(
        a: Any, s: Sequence[int] | None = None, axes: Sequence[int] | None = default,
        norm: str | None = None,
    ) -> Any:  # fmt: skip
        a = operand(a)
        if axes is None:
            axes = range(-(a.ndim if s is None else len(s)), 0)
        sizes: list[int | None] = [-1] * len(axes) if s is None else list(s)
        if len(sizes) != len(axes):
            raise ValueError(f"{f.__name__}: {len(sizes)} sizes were given for {len(axes)} axes")
        if not sizes and each is last:
            return a
        if s is None and inverse:
            sizes[-1] = None  # which is for `last` to say
        sizes = [a.shape[i] if n == -1 else n for n, i in zip(sizes, axes, strict=True)]
        transforms = [each] * (len(axes) - 1) + [last]
        steps = list(zip(transforms, sizes, axes, strict=True))
        for transform, n, axis in steps if inverse else reversed(steps):
            a = transform(a, n, axis, norm)
        return a

    return applied


fftn, ifftn = _along_axes(np.fft.fftn, fft, fft), _along_axes(np.fft.ifftn, ifft, ifft)
fft2, ifft2 = _along_axes(np.fft.fft2, fft, fft), _along_axes(np.fft.ifft2, ifft, ifft)
rfftn, irfftn = _along_axes(np.fft.rfftn, fft, rfft), _along_axes(np.fft.irfftn, ifft, irfft, True)
rfft2, irfft2 = _along_axes(np.fft.rfft2, fft, rfft), _along_axes(np.fft.irfft2, ifft, irfft, True)


fftshift = numpys(
    np.fft.fftshift, "The halves along axes exchanged: frequency 0 goes to the middle."
)
ifftshift = numpys(np.fft.ifftshift, "The inverse of `fftshift`.")
