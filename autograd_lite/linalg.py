"""Linear algebra, as in ``numpy.linalg``: with Tensors, or with arrays."""

from .composed.linalg import (
    cholesky,
    cond,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    matrix_norm,
    norm,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
    tensorinv,
    tensorsolve,
    vector_norm,
)
from .composed.moving import linalg_diagonal as diagonal
from .composed.moving import linalg_trace as trace
from .composed.products import linalg_cross as cross
from .composed.products import linalg_outer as outer
from .composed.products import matrix_power, multi_dot, tensordot, vecdot
from .ops import matmul, matrix_transpose
from .ops.linalg import det, inv

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv",
    "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "norm", "outer",
    "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve",
    "trace", "vecdot", "vector_norm",
]  # fmt: skip
