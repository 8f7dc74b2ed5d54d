"""Linear algebra, as in ``numpy.linalg``: with Tensors, or with arrays."""

from .composed import linalg as _composed
from .composed.linalg import *
from .composed.moving import linalg_diagonal as diagonal
from .composed.moving import linalg_trace as trace
from .composed.products import linalg_cross as cross
from .composed.products import linalg_outer as outer
from .composed.products import matrix_power, multi_dot, tensordot, vecdot
from .ops import linalg as _ops
from .ops import matmul, matrix_transpose
from .ops.linalg import *

__all__ = [
    "cross", "diagonal", "matmul", "matrix_power", "matrix_transpose", "multi_dot", "outer",
    "tensordot", "trace", "vecdot",
]  # fmt: skip
__all__ += _composed.__all__
__all__ += _ops.__all__
