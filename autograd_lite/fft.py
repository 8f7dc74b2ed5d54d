"""Discrete Fourier transforms, as in ``numpy.fft``: with Tensors, or with arrays."""

from .numpy_api.fft import *
from .numpy_api.fft import __all__ as __all__
