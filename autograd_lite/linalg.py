"""Linear algebra, as in ``numpy.linalg``: with Tensors, or with arrays."""

from .numpy_api import linalg as _composed
from .numpy_api.linalg import *
from .numpy_api.moving import linalg_diagonal as diagonal
from .numpy_api.moving import linalg_trace as trace
from .numpy_api.products import linalg_cross as cross
from .numpy_api.products import linalg_outer as outer
from .numpy_api.products import matrix_power, multi_dot, tensordot, vecdot
from .ops import linalg as _ops
from .ops import matmul, matrix_transpose
from .ops.linalg import *

__all__ = [
    "cross", "diagonal", "matmul", "matrix_power", "matrix_transpose", "multi_dot", "outer",
    "tensordot", "trace", "vecdot",
]  # fmt: skip
__all__ += _composed.__all__
__all__ += _ops.__all__
