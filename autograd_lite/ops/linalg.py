"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import explain, out_argument
from ..notation import MATMUL, PREFIX, PRODUCT, SUM, Notation, infix
from ..op import Case, Op, op
from ..tensor import Tensor
from .elementwise import multiply
from .shaping import reshape, transpose

# A vector operand stands for a row (left) or a column (right), and that axis is dropped again. The
# cotangents may have the stacks' broadcast shape: the backward pass sums them.


def _matmul(x: Any, y: Any) -> Any:
    matrices = type(x) is type(y) is np.ndarray and x.ndim == y.ndim == 2
    return x.dot(y) if matrices else np.matmul(x, y)  # dot takes half the time


def _matmul_left(g: Any, out: Any, x: Any, y: Any, bias: Any = None) -> Any:
    if x.ndim == y.ndim == 2:
        return g.dot(y.T)
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    return g @ y.mT


def _matmul_right(g: Any, out: Any, x: Any, y: Any, bias: Any = None) -> Any:
    if x.ndim == y.ndim == 2:
        return x.T.dot(g)
    if x.ndim == 1:
        return g * x if y.ndim == 1 else x[:, None] * g[..., None, :]
    if y.ndim == 1:
        return (x.mT @ g[..., None])[..., 0]
    return x.mT @ g


matmul: Op = op(
    "matmul",
    _matmul,
    _matmul_left,
    _matmul_right,
    cases=[
        Case(shapes)
        for shapes in (
            ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)),
            ((3,), (5, 3, 2)), ((5, 2, 3), (3,)), ((1, 3), (3, 1)),
        )
    ],
    notation=infix("", MATMUL),
)  # fmt: skip


# A layer's x W + b as one op, since it is half of what a small network does.
linear = op(
    "linear",
    lambda x, weight, bias: (x.dot(weight) if x.ndim == 2 else np.matmul(x, weight)) + bias,
    _matmul_left,
    _matmul_right,
    lambda g, out, x, weight, bias: g,
    cases=[Case(((4, 2), (2, 3), (1, 3))), Case(((2,), (2, 3), (3,)))],
    notation=Notation("{0} {1} + {2}", SUM, (MATMUL, PREFIX, PRODUCT), "+"),
)


def dot(a: Any, b: Any, out: None = None) -> Tensor:
    """``np.dot``: the sum over the last axis of ``a`` and the second to last of ``b``.

    For matrices and vectors it is the matrix product; with a number it is ``a * b``.

    Shapes:
        ``(…, k)`` and ``(*, k, m)`` → ``(…, *, m)``.
    """
    if out is not None:
        raise out_argument("dot")
    left, right = np.shape(a), np.shape(b)
    if not left or not right:
        return multiply(a, b)
    if len(right) <= 2:
        return matmul(a, b)
    if left[-1] != right[-2]:
        mismatch = ValueError(
            f"the last axis of the first operand has {left[-1]} entries, the second to last of the "
            f"second has {right[-2]}; they must be the same"
        )
        raise explain("dot", (a, b), (a, b), {}, mismatch)
    stack = [*range(len(right) - 2)]
    columns = int(np.prod(right[:-2] + right[-1:]))
    flat = reshape(transpose(b, [len(stack), *stack, len(stack) + 1]), (right[-2], columns))
    return reshape(matmul(a, flat), left[:-1] + right[:-2] + right[-1:])
