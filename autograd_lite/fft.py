"""Discrete Fourier transforms, as in ``numpy.fft``: with Tensors, or with arrays."""

from .numpy_api import fft as _composed
from .numpy_api.fft import *
from .ops import fft as _ops
from .ops.fft import *

__all__: list[str] = []
__all__ += _composed.__all__
__all__ += _ops.__all__
