"""Discrete Fourier transforms, as in ``numpy.fft``: with Tensors, or with arrays."""

from .composed.fft import (
    fft2,
    fftn,
    fftshift,
    hfft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)
from .ops.fft import fft, ifft

__all__ = [
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn",
]  # fmt: skip
