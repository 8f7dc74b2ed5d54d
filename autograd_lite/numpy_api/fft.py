"""Discrete Fourier transforms of real numbers, and along several axes, of those along one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import astype, real
from ..ops.define import along, by_name, numpys
from ..ops.elementwise import conjugate_of
from ..ops.fft import along_axis, fft, ifft

__all__ = [
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn",
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


@along_axis(np.fft.ihfft)
def ihfft(a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    """The inverse of `hfft`, of real numbers: as `rfft`."""
    return conjugate_of(rfft(a, n, axis, _OPPOSITE.get(norm, norm)))


hfft = by_name(np.fft.hfft)(
    numpys(np.fft.hfft, "The real transform of a signal whose other half is the conjugate.")
)
fftn, ifftn, rfftn, irfftn, fft2, ifft2, rfft2, irfft2 = (
    by_name(f)(numpys(f, "The transform along several axes; with an ``r``, real along the last."))
    for f in (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn,
              np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2)
)  # fmt: skip
fftshift = numpys(np.fft.fftshift, "The halves along axes exchanged: frequency 0 in the middle.")
ifftshift = numpys(np.fft.ifftshift, "The inverse of `fftshift`.")
