"""Linear algebra, as in ``numpy.linalg``: with Tensors, or with arrays."""

from .numpy_api.linalg import *
from .numpy_api.linalg import __all__ as __all__
