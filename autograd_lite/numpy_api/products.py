"""Products that consist of others, and any sum of products by the letters of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..ops import cast, concatenate, diagonal, dot, matmul, moveaxis, ravel, reshape, sum
from ..ops.define import implements, numpys, operand, ran, refuse_out, without_entries
from ..ops.elementwise import conjugate_of
from ..ops.linalg import eye
from ..ops.products import LETTERS, convolve_op, cross_op, einsum_op

__all__ = [
    "convolve", "correlate", "cross", "einsum", "inner", "kron", "matvec", "outer", "tensordot",
    "vdot", "vecdot", "vecmat",
]  # fmt: skip


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """The sum over ``axis`` of ``conj(x1) * x2``, of vectors of the same size."""
    x1, x2 = (moveaxis(operand(x), axis, -1) for x in (x1, x2))
    np.vecdot(*(np.empty((0, x.shape[-1])) for x in (x1, x2)))  # raises where they don't fit
    return sum(conjugate_of(x1) * x2, axis=-1)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Tensor:
    """The sum of ``conj(a) * b`` over all entries."""
    return vecdot(ravel(a), ravel(b))


@implements(np.matvec)
def matvec(x1: Any, x2: Any, /) -> Tensor:
    """Matrices times vectors: ``(…, m, n)`` and ``(…, n)`` → ``(…, m)``."""
    np.matvec(*without_entries(x1, x2))
    return matmul(x1, operand(x2)[..., None])[..., 0]


@implements(np.vecmat)
def vecmat(x1: Any, x2: Any, /) -> Tensor:
    """Conjugated vectors times matrices: ``(…, n)`` and ``(…, n, m)`` → ``(…, m)``."""
    np.vecmat(*without_entries(x1, x2))
    return matmul(conjugate_of(operand(x1))[..., None, :], x2)[..., 0, :]


outer = numpys(np.outer, "All products of an entry of ``a`` and one of ``b``, both flattened.")


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of 3 entries along the given axes."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(operand(a), axisa, -1), moveaxis(operand(b), axisb, -1)
    sizes = a.shape[-1], b.shape[-1]
    np.cross(np.zeros(sizes[0]), np.zeros(sizes[1]))  # which warns of 2 entries, or refuses
    x, y = (v if v.shape[-1] == 3 else concatenate([v, 0 * v[..., :1]], -1) for v in (a, b))
    found = cross_op(x, y)
    return found[..., 2] if sizes == (2, 2) else moveaxis(found, -1, axisc)  # of the plane


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Tensor:
    """The sums over i of ``a[i] * v[k − i]``, of vectors; ``"same"`` and ``"valid"`` cut them."""
    a, v = (reshape(x, (1,)) if np.ndim(x) == 0 else operand(x) for x in (a, v))
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    whole = convolve_op(a, v, mode="full" if mode == "same" else mode)
    if mode != "same":
        return whole
    shorter, longer = sorted((a.shape[0], v.shape[0]))
    return whole[(shorter - 1) // 2 :][:longer]


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Tensor:
    """The sums over i of ``a[i + k] * conj(v[i])``, of vectors."""
    a, v = operand(a), operand(v)
    if a.shape[0] >= v.shape[0]:
        return convolve(a, conjugate_of(v)[::-1], mode)
    return conjugate_of(correlate(v, a, mode))[::-1]  # NumPy centres the longer one


tensordot = implements(np.linalg.tensordot)(numpys(
    np.tensordot,
    "The sum of products over ``axes``: the last n of ``a`` and the first n of ``b``, or a pair.",
))  # fmt: skip


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Tensor:
    """The sum of products over the last axes."""
    return tensordot(a, b, (-1, -1)) if np.ndim(a) and np.ndim(b) else dot(a, b)


@implements(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """The Kronecker product: ``a`` with each entry multiplied by all of ``b``."""
    a, b = operand(a), operand(b)
    n = max(a.ndim, b.ndim)
    a_shape, b_shape = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    spread = reshape(a, [size for pair in zip(a_shape, (1,) * n, strict=True) for size in pair])
    tiled = reshape(b, [size for pair in zip((1,) * n, b_shape, strict=True) for size in pair])
    return reshape(spread * tiled, [i * j for i, j in zip(a_shape, b_shape, strict=True)])


multi_dot = numpys(
    np.linalg.multi_dot,
    "The matrix product of all, in the order that takes the fewest multiplications; the first may "
    "be a vector, as a row, and the last, as a column.",
)
_matrix_power = numpys(np.linalg.matrix_power, "Of an n that isn't 0.")


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of square matrices, by repeated squaring; of the inverse for a negative n."""
    return _matrix_power(a, n) if n else np.broadcast_to(eye(operand(a)), np.shape(a))


# ---------------------------------------------------------------------- by letters


@implements(np.einsum)
def einsum(
    *operands: Any, out: None = None, dtype: Any = None, order: str = "K", casting: str = "safe",
    optimize: Any = False,
) -> Tensor:  # fmt: skip
    """Sums of products by Einstein's convention, in all of NumPy's forms.

    Args:
        operands: the subscripts (``"ij,jk->ik"``) and the arrays, or arrays and lists of axes.
        optimize: as in NumPy, for more than two arrays.
        dtype: the arrays are converted to it, as far as ``casting`` lets them.

    Raises:
        TypeError: a ``dtype`` that ``casting`` doesn't allow.
        ValueError: subscripts that don't fit the arrays.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> w = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> np.einsum("ii", w).backward()
        >>> w.grad
        array([[1., 0.],
               [0., 1.]])
    """
    refuse_out("einsum", out)
    if order not in "KC":
        raise TypeError(f"einsum: order={order!r} is how an array lies in memory; leave it out")
    alike, n = [*operands], len(operands)
    arrays = slice(1, n) if isinstance(operands[0], str) else slice(0, n - n % 2, 2)
    alike[arrays] = without_entries(*alike[arrays])
    np.einsum(*alike)  # raises what there is to raise
    given, result, xs = _parsed(operands)
    if dtype is not None:
        xs = [cast("einsum", x, dtype, casting) for x in xs]
    inputs = given.split(",")
    for k, letters in enumerate(inputs):
        xs[k], inputs[k] = _without_repeats(xs[k], letters)
    return einsum_op(*xs, subscripts=f"{','.join(inputs)}->{result}", optimize=optimize)


class _Letters(str):
    """Letters, of which NumPy takes some for an ellipsis: always the same."""

    __slots__ = ()

    def __sub__(self, used: Any) -> list[str]:
        return [a for a in self if a not in used]


_parsed = ran(
    np._core.einsumfunc._parse_einsum_input,  # type: ignore[attr-defined]
    einsum_symbols_set=_Letters(LETTERS[::-1]),
)


def _without_repeats(x: Any, letters: str) -> tuple[Any, str]:
    """Where a letter stands twice, the diagonal of those axes."""
    for a in dict.fromkeys(letters):
        while letters.count(a) > 1:
            first = letters.index(a)
            second = letters.index(a, first + 1)
            axes = x.shape[first], x.shape[second]
            np.einsum(a + a, np.broadcast_to(0.0, axes))  # raises where they differ
            x = moveaxis(diagonal(x, axis1=first, axis2=second), -1, 0)
            letters = a + letters.replace(a, "", 2)
    return x, letters
