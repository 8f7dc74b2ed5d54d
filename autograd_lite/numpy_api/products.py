"""Products that consist of matrix products, or of products entry by entry."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..engine.tensor import Tensor
from ..ops import dot, matmul, moveaxis, multiply, ravel, reshape, stack, sum, transpose
from ..ops.define import by_name, implements, operand, refuse_out
from ..ops.elementwise import conjugate_of
from ..ops.linalg import eye
from ..ops.products import convolve_op

__all__ = [
    "convolve", "correlate", "cross", "inner", "kron", "matvec", "outer", "tensordot", "vdot",
    "vecdot", "vecmat",
]  # fmt: skip


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, out: None = None, *, axis: int = -1) -> Tensor:
    """The sum over ``axis`` of ``conj(x1) * x2``, of vectors of the same size."""
    refuse_out("vecdot", out)
    x1, x2 = (moveaxis(operand(x), axis, -1) for x in (x1, x2))
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(
            f"vecdot: the vectors have {x1.shape[-1]} and {x2.shape[-1]} entries; they must have "
            "as many"
        )
    return sum(conjugate_of(x1) * x2, axis=-1)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Tensor:
    """The sum of ``conj(a) * b`` over all entries."""
    return vecdot(ravel(a), ravel(b))


@implements(np.matvec)
def matvec(x1: Any, x2: Any, /, out: None = None) -> Tensor:
    """Matrices times vectors: ``(…, m, n)`` and ``(…, n)`` → ``(…, m)``."""
    refuse_out("matvec", out)
    _need_axes("matvec", (x1, 2), (x2, 1))
    return matmul(x1, operand(x2)[..., None])[..., 0]


@implements(np.vecmat)
def vecmat(x1: Any, x2: Any, /, out: None = None) -> Tensor:
    """Conjugated vectors times matrices: ``(…, n)`` and ``(…, n, m)`` → ``(…, m)``."""
    refuse_out("vecmat", out)
    _need_axes("vecmat", (x1, 1), (x2, 2))
    return matmul(conjugate_of(operand(x1))[..., None, :], x2)[..., 0, :]


def _need_axes(name: str, *operands: tuple[Any, int]) -> None:
    for x, least in operands:
        if np.ndim(x) < least:
            raise ValueError(
                f"{name}: an operand needs at least {least} axes, and has shape {np.shape(x)}"
            )


@implements(np.outer)
def outer(a: Any, b: Any, out: None = None) -> Tensor:
    """All products of an entry of ``a`` and one of ``b``, each flattened first."""
    refuse_out("outer", out)
    return multiply(ravel(a)[:, None], ravel(b))


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Tensor:
    """`outer` of two vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"linalg.outer: two vectors are needed, and the shapes are {np.shape(x1)} and "
            f"{np.shape(x2)}; np.outer flattens its operands"
        )
    return outer(x1, x2)


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of 3 entries along the given axes."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(operand(a), axisa, -1), moveaxis(operand(b), axisb, -1)
    sizes = a.shape[-1], b.shape[-1]
    if not {2, 3}.issuperset(sizes):
        raise ValueError(f"cross: vectors of 3 entries are needed, and they have {sizes}")
    x, y = ([v[..., i] if i < v.shape[-1] else 0 * v[..., 0] for i in range(3)] for v in (a, b))
    parts = [x[i - 2] * y[i - 1] - x[i - 1] * y[i - 2] for i in range(3)]
    if sizes == (2, 2):  # of the plane
        return parts[2]
    return moveaxis(stack(parts, -1), -1, axisc)


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """`cross` of vectors of 3 entries along an axis."""
    sizes = np.shape(x1)[axis], np.shape(x2)[axis]
    if sizes != (3, 3):
        raise ValueError(f"linalg.cross: vectors of 3 entries are needed, and they have {sizes}")
    return cross(x1, x2, axis=axis)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Tensor:
    """The sums over i of ``a[i] * v[k − i]``, of vectors; ``"same"`` and ``"valid"`` cut them."""
    a, v = (reshape(x, (1,)) if np.ndim(x) == 0 else operand(x) for x in (a, v))
    if not a.shape[0] or not v.shape[0]:
        raise ValueError(f"convolve: an operand is empty: the shapes are {a.shape} and {v.shape}")
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"convolve: mode must be 'full', 'same' or 'valid', not {mode!r}")
    if mode != "same":
        return convolve_op(a, v, mode=mode)
    shorter, longer = sorted((a.shape[0], v.shape[0]))
    first = (shorter - 1) // 2
    return convolve_op(a, v, mode="full")[first : first + longer]


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Tensor:
    """The sums over i of ``a[i + k] * conj(v[i])``, of vectors."""
    a, v = operand(a), operand(v)
    if a.shape[0] >= v.shape[0]:
        return convolve(a, conjugate_of(v)[::-1], mode)
    return conjugate_of(correlate(v, a, mode))[::-1]  # NumPy centres the longer one


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """The sum of products over ``axes``: the last n of ``a`` and the first n of ``b``, or a pair.

    Raises:
        ValueError: axes of different sizes.
    """
    a, b = operand(a), operand(b)
    if isinstance(axes, (int, np.integer)) and axes > min(a.ndim, b.ndim):
        raise ValueError(
            f"tensordot: {axes} axes are asked for of arrays of shapes {a.shape} and {b.shape}"
        )
    if isinstance(axes, (int, np.integer)):
        of_a, of_b = tuple(range(a.ndim - int(axes), a.ndim)), tuple(range(int(axes)))
    else:
        of_a, of_b = (
            normalize_axis_tuple(ax, x.ndim) for ax, x in zip(axes, (a, b), strict=True)
        )
    if [a.shape[i] for i in of_a] != [b.shape[i] for i in of_b]:
        raise ValueError(
            f"tensordot: the axes {of_a} of shape {a.shape} and {of_b} of shape {b.shape} must "
            "have the same sizes"
        )
    rest_a = [i for i in range(a.ndim) if i not in of_a]
    rest_b = [i for i in range(b.ndim) if i not in of_b]
    rows, columns = [a.shape[i] for i in rest_a], [b.shape[i] for i in rest_b]
    inner_size = prod(a.shape[i] for i in of_a)
    left = reshape(transpose(a, [*rest_a, *of_a]), (prod(rows), inner_size))
    right = reshape(transpose(b, [*of_b, *rest_b]), (inner_size, prod(columns)))
    return reshape(matmul(left, right), (*rows, *columns))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Tensor:
    """The sum of products over the last axes."""
    return tensordot(a, b, (-1, -1)) if np.ndim(a) and np.ndim(b) else multiply(a, b)


@implements(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """The Kronecker product: ``a`` with each entry multiplied by all of ``b``."""
    a, b = operand(a), operand(b)
    n = max(a.ndim, b.ndim)
    a_shape, b_shape = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    spread = reshape(a, [size for pair in zip(a_shape, (1,) * n, strict=True) for size in pair])
    tiled = reshape(b, [size for pair in zip((1,) * n, b_shape, strict=True) for size in pair])
    return reshape(spread * tiled, [i * j for i, j in zip(a_shape, b_shape, strict=True)])


@by_name(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Tensor:
    """The matrix product of all, in the order that takes the fewest multiplications.

    The first may be a vector, as a row, and the last, as a column.
    """
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: at least two arrays are needed, and {len(arrays)} was given")
    xs = list(map(operand, arrays))
    for i, x in enumerate(xs):
        if len(xs) > 2 and x.ndim != 2 and not (x.ndim == 1 and i in (0, len(xs) - 1)):
            raise np.linalg.LinAlgError(
                f"multi_dot: matrices are needed, vectors at the ends, and array {i} has shape "
                f"{x.shape}"
            )
    sizes = [1 if xs[0].ndim == 1 else xs[0].shape[0], *(x.shape[0] for x in xs[1:])]
    sizes.append(1 if xs[-1].ndim == 1 else xs[-1].shape[1])
    n = len(xs)
    cost = {(i, i + 1): (0, i) for i in range(n)}  # of the product of xs[i:j], and its last split
    for i, j in ((i, i + length) for length in range(2, n + 1) for i in range(n - length + 1)):
        cost[i, j] = min(
            (cost[i, k][0] + cost[k, j][0] + sizes[i] * sizes[k] * sizes[j], k)
            for k in range(i + 1, j)
        )
    return _product(xs, cost, 0, n)


def _product(xs: list[Any], cost: dict[tuple[int, int], tuple[int, int]], i: int, j: int) -> Any:
    """That of ``xs[i:j]``; no function within another, which would be a cycle that holds ``xs``."""
    if j - i == 1:
        return xs[i]
    k = cost[i, j][1]
    return dot(_product(xs, cost, i, k), _product(xs, cost, k, j))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of square matrices, by repeated squaring; of the inverse for a negative n."""
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power: the exponent must be an integer, not {n!r}") from None
    a = operand(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(
            f"matrix_power: square matrices are needed, not a shape {a.shape}"
        )
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power: Any = np.broadcast_to(eye(a), a.shape) if n == 0 else None
    while n:
        if n % 2:
            power = a if power is None else matmul(power, a)
        n //= 2
        a = matmul(a, a) if n else a
    return power
