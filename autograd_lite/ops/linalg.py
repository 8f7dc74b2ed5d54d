"""Linear algebra: factorizations, inverses, determinants and norms of stacks ``(…, m, n)``.

An op has one output: the factors of a matrix are packed below each other, and taken apart again by
indexing. In the rules ``gx`` is the cotangent of ``x``; they are the transposes of what stands in
M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless another source is given.

Where eigenvalues or singular values coincide, their vectors are not determined. What depends on
the values alone keeps its first derivatives; those of what uses such vectors are refused. They may
exist, as those of ``expm(x)`` do, but then depend on how the cotangents change where the values
part, and a rule is given the cotangents alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import beside, guard, is_foreign, refuse
from ..show.notation import ATOM, MATMUL, POWER, Notation
from ..table import Case, Op, op
from .define import numpy_op, value
from .elementwise import conjugate_of, imag, real
from .indexing import scatter
from .shaping import mt

_SQUARE = [Case(((3, 3),)), Case(((2, 2, 2),))]


def adjoint(x: Any) -> Any:
    return conjugate_of(mt(x))


def lower(x: Any) -> Any:
    """A mask of the shape of square matrices: 1 below the diagonal, and 1/2 on it."""
    n, dtype = x.shape[-1], x.real.dtype
    return beside((np.tri(n, dtype=dtype) + np.tri(n, k=-1, dtype=dtype)) / 2, [x])


def _diagonal(x: Any) -> Any:
    return x[..., None] * eye(x)


def eye(x: Any) -> Any:
    """The identity of the order of the last axis, to compute with ``x``."""
    return beside(np.eye(x.shape[-1], dtype=x.dtype), [x])


# ---------------------------------------------------------------------- inverses

inv = numpy_op(
    np.linalg.inv, lambda g, out, x: -(mt(out) @ g @ mt(out)),
    doc="""The inverses of square matrices: ``(…, n, n)`` → ``(…, n, n)``.

    Raises:
        LinAlgError: a singular matrix.
    """,
    cases=_SQUARE, stacks=True, notation=Notation("{0}⁻¹", POWER, (ATOM,), "⁻¹"),
)

solve_op = op(
    "solve", np.linalg.solve, lambda g, out, a, b: -(np.linalg.solve(mt(a), g) @ mt(out)),
    lambda g, out, a, b: np.linalg.solve(mt(a), g),
    cases=[Case(((3, 3), (3, 2))), Case(((2, 3, 3), (3, 1))), Case(((2, 2), (3, 2, 1)))],
    stacks=True, notation=Notation("{0}⁻¹ {1}", MATMUL, (ATOM, MATMUL), "⁻¹"),
)


def _pinv_vjp(g: Any, out: Any, x: Any, **settings: Any) -> Any:
    """G. Golub, V. Pereyra, "The differentiation of pseudo-inverses" (1973), for constant rank."""
    left, right = adjoint(out) @ out @ mt(g), mt(g) @ out @ adjoint(out)
    outside = left - left @ (out @ x) + right - (x @ out) @ right  # more factors would overflow
    return conjugate_of(outside) - mt(out) @ g @ mt(out)


pinv_op = op(
    "pinv", np.linalg.pinv, _pinv_vjp,
    cases=[Case(((3, 2),)), Case(((2, 2, 3),), {"rcond": 1e-10})], stacks=True,
    notation=Notation("{0}⁺", POWER, (ATOM,), "⁺"),
)


# ---------------------------------------------------------------------- determinants


def _cofactors(x: Any, det_x: Any) -> Any:
    """The derivatives of a determinant by the entries.

    They are ``det(x) inv(x)ᵀ``, but near a singular matrix, where that cancels, the determinants
    of what is left without an entry's row and column. Those take n² times as long and as much
    memory, and so a larger matrix must be nearer to it; another library's always is.
    """
    n, array = x.shape[-1], value(x)
    limit = np.finfo(array.dtype).eps ** (-0.25 if n <= 8 else -0.75)
    known = n and not is_foreign(array)
    regular = np.linalg.cond(array, 1) < limit if known else np.zeros(array.shape[:-2], bool)
    if np.any(regular):
        if np.all(regular):
            return det_x[..., None, None] * mt(np.linalg.inv(x))
        singular, regular = np.nonzero(~regular), regular[..., None, None]
        minors = _cofactors(x[singular], det_x[singular])
        inverses = np.linalg.inv(np.where(regular, x, eye(array)))
        minors = scatter(minors, index=singular, shape=x.shape)
        return np.where(regular, det_x[..., None, None] * mt(inverses), minors)
    others = np.array([np.delete(np.arange(n), i) for i in range(n)], int).reshape(n, max(n - 1, 0))
    minors = x[..., others[:, None, :, None], others[:, None, :]]
    signs = (-1) ** np.add.outer(np.arange(n), np.arange(n))
    return np.linalg.det(minors) * beside(signs.astype(array.real.dtype), [array])


det = numpy_op(
    np.linalg.det, lambda g, out, x: g[..., None, None] * _cofactors(x, out),
    doc="""The determinants of square matrices: ``(…, n, n)`` → ``(…)``.

    The derivatives are right for singular matrices, too; there they take n⁴ entries of memory.
    """,
    cases=_SQUARE, stacks=True,
)


def _logdet(x: Any) -> Any:
    sign, size = np.linalg.slogdet(x)
    return size + 1j * np.angle(sign) if x.dtype.kind == "c" else size


def _logdet_vjp(g: Any, out: Any, x: Any) -> Any:
    said = "slogdet: a singular matrix has no gradient there"
    refuse(np.isinf, np.linalg.LinAlgError, said, value(out))
    return g[..., None, None] * mt(np.linalg.inv(x))


logdet = op(
    "logdet", _logdet, _logdet_vjp, cases=_SQUARE, stacks=True, source="np.linalg.slogdet({0})[1]",
)


# ---------------------------------------------------------------------- Hermitian matrices


def _in_triangle(g: Any, triangle: str) -> Any:
    """The cotangent of a Hermitian matrix as that of the triangle which is read."""
    mask = lower(g)
    return (g + adjoint(g)) * (mask if triangle in "Ll" else mt(mask))


def _cholesky_vjp(g: Any, out: Any, x: Any) -> Any:
    """I. Murray, "Differentiation of the Cholesky decomposition" (2016)."""
    middle = lower(x) * (mt(out) @ g)
    inverse = np.linalg.inv(out)
    return _in_triangle(mt(inverse) @ middle @ conjugate_of(inverse), "L")


cholesky_op = op(
    "cholesky",
    np.linalg.cholesky,
    _cholesky_vjp,
    domain=(0.3, 3.0),
    cases=[Case(((1, 1),)), Case(((3, 1, 1),))],  # of all these entries, positive definite
    stacks=True,
)


def _used(g: Any) -> Any:
    """Which columns have a cotangent: vectors that something depends on."""
    return (value(g) != 0).any(axis=-2)


def _mattering(g: Any, read: Any, rows: Any) -> Any:
    """Which vectors may matter though their cotangents are 0, as in ``(v * log(w)) @ v.T`` at 1:
    those that are read, in these rows, and whose values have cotangents; nan if it isn't known.
    """
    has = value(g) != 0
    if read is None:
        return has * np.nan
    return has if read is True else has & (read[..., rows, :].any(axis=-2))


def _pairs(used: Any) -> Any:
    return used[..., None] + used[..., None, :]


def _reciprocal(x: Any, values: Any, used: Any, undetermined: str) -> Any:
    """``1 / x``; where x is 0, up to roundoff of ``values``, 0, and refused if it is used."""
    size = largest(np.abs(value(values)))[..., None, None]
    zero = np.abs(value(x)) <= np.finfo(x.dtype).eps * x.shape[-1] * size
    refuse(lambda bad: bad, np.linalg.LinAlgError, undetermined, zero & (used > 0))
    return np.where(zero, 0 * used, 1).astype(size.dtype) / np.where(zero, 1.0, x)


def largest(x: Any, keepdims: bool = False) -> Any:
    """Along the last axis; 0 of none."""
    reduced: Any = np.max if x.shape[-1] else np.sum
    return reduced(x, axis=-1, keepdims=keepdims)


def _reciprocal_gaps(values: Any, used: Any, undetermined: str) -> Any:
    """``1 / (values[j] − values[i])`` for pairs of vectors that are used, and 0 for i = j."""
    off_diagonal = eye(values) == 0
    gaps = values[..., None, :] - values[..., None]
    return _reciprocal(gaps, values, np.where(off_diagonal, used, False), undetermined)


_UNDETERMINED = (
    "{}: {} are equal, so that their vectors aren't determined, and there is no gradient by way of "
    "them; use {} where the values are enough, or let the matrix differ a little from one with "
    "equal values"
)
_EIGH = _UNDETERMINED.format("eigh", "eigenvalues", "eigvalsh")
_EIG = _UNDETERMINED.format("eig", "eigenvalues", "eigvals")
_SVD = _UNDETERMINED.format("svd", "singular values are 0, or", "svdvals")


def _eigh_vjp(g: Any, out: Any, x: Any, UPLO: str, read: Any = None) -> Any:  # noqa: N803
    w, v, gw, gv = real(out[..., 0, :]), out[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    gaps = _reciprocal_gaps(w, _pairs(_used(gv) + _mattering(gw, read, slice(1, None))), _EIGH)
    middle = _diagonal(gw) + (mt(v) @ gv) * gaps
    return _in_triangle(conjugate_of(v) @ middle @ mt(v), UPLO)


def _stacked_below(w: Any, v: Any) -> Any:
    return np.concatenate([w[..., None, :], v], axis=-2)


_PACKED = "(lambda w, v: np.concatenate([w[..., None, :], v], -2))(*np.linalg."
eigh_op = op(
    "eigh",
    lambda x, UPLO: _stacked_below(*np.linalg.eigh(x, UPLO)),  # noqa: N803
    _eigh_vjp,
    cases=[Case(((3, 3),), {"UPLO": "L"}), Case(((2, 2, 2),), {"UPLO": "U"})],
    stacks=True, reads="told",
    source=_PACKED + "eigh({0}, {UPLO!r}))",
)


# ---------------------------------------------------------------------- eigenvalues


def _refuse_defective(vectors: Any, most: float) -> None:
    if vectors.size and np.any(np.linalg.cond(vectors) > most):
        raise np.linalg.LinAlgError(
            "eig: of a matrix of n rows without n independent eigenvectors there is no gradient, "
            "not even of the eigenvalues, of which some are equal"
        )


def _eig_vjp(g: Any, out: Any, x: Any, read: Any = None) -> Any:
    w, v, gw, gv = out[..., 0, :], out[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    gaps = _reciprocal_gaps(w, _pairs(_used(gv) + _mattering(gw, read, slice(1, None))), _EIG)
    guard(_refuse_defective, value(v), np.finfo(v.dtype).eps ** -0.75)
    # LAPACK's vectors have norm 1 and, where they are complex, a largest entry that is real: they
    # don't move along themselves, nor turn.
    along = np.sum(gv * v, axis=-2, keepdims=True)
    gv = gv - conjugate_of(v) * real(along)
    if v.dtype.kind == "c" and v.size:
        sizes = np.where(value(v).imag == 0, np.abs(value(v)), 0)
        rows = beside(np.arange(v.shape[-1])[:, None], [v])
        chosen = rows == sizes.argmax(axis=-2, keepdims=True)
        gv = gv - 1j * imag(along) * chosen / np.sum(v * chosen, axis=-2, keepdims=True)
    middle = _diagonal(gw) + (mt(v) @ gv) * gaps
    return np.linalg.solve(mt(v), middle @ mt(v))


eig_op = op(
    "eig",
    lambda x: _stacked_below(*np.linalg.eig(x)),
    _eig_vjp,
    domain=(0.3, 3.0),
    cases=[Case(((2, 2),)), Case(((3, 2, 2),))],  # of positive entries: their eigenvalues are real
    stacks=True, reads="told",
    source=_PACKED + "eig({0}))",
)


# ---------------------------------------------------------------------- orthonormal factors


def _svd(x: Any, full_matrices: bool) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices)
    k = s.shape[-1]
    return np.concatenate([u[..., :k], s[..., None, :], mt(vh[..., :k, :])], axis=-2)


def _svd_vjp(g: Any, out: Any, x: Any, full_matrices: bool, read: Any = None) -> Any:
    """Z.-Q. Wan, S.-X. Zhang, "Automatic differentiation for complex valued SVD" (2019).

    With the sums and differences of singular values apart, so that sums alone are left where no
    difference matters. Here v is the transposed Vᴴ.
    """
    m, k = x.shape[-2], min(x.shape[-2:])
    u, s, v = out[..., :m, :], real(out[..., m, :]), out[..., m + 1 :, :]
    gu, gs, gv = g[..., :m, :], g[..., m, :], g[..., m + 1 :, :]
    inner_u, inner_v = mt(u) @ gu, mt(v) @ gv
    turn_u, turn_v = inner_u - adjoint(inner_u), adjoint(inner_v) - inner_v
    turn_v = conjugate_of(turn_v)
    used = _used(gu) | _used(gv)
    more = _mattering(gs, read, [*range(m), *range(m + 1, out.shape[-2])])
    sums = _reciprocal(s[..., None, :] + s[..., None], s, _pairs(used), _SVD)
    gaps = _reciprocal_gaps(s, _pairs(used + more), _SVD)
    middle = _diagonal(gs) + ((turn_u + turn_v) * sums + (turn_u - turn_v) * gaps) / 2

    def outside(x: Any, gx: Any, inner: Any) -> Any:
        """Moves out of the space of the columns of x."""
        used = (_used(gx) + more)[..., None, :]
        return (gx - conjugate_of(x) @ inner) * _reciprocal(s[..., None, :], s, used, _SVD)

    left, right = conjugate_of(u), conjugate_of(v)
    moved = left @ middle
    gx = (moved + outside(u, gu, inner_u) if m > k else moved) @ mt(right)
    return gx + left @ mt(outside(v, gv, inner_v)) if v.shape[-2] > k else gx


svd_op: Op = op(
    "svd", _svd, _svd_vjp,
    cases=[Case((shape,), {"full_matrices": full})
           for shape in ((3, 2), (2, 3), (2, 2, 2)) for full in (False, True)],
    stacks=True, reads="told",
    source="(lambda u, s, vh: np.concatenate([u, s[..., None, :], vh.mT], -2))"
    "(*np.linalg.svd({0}, False))",
)


def _qr_vjp(g: Any, out: Any, x: Any) -> Any:
    """M. Seeger et al., "Auto-differentiating linear algebra" (2017), for m ≥ n."""
    m = x.shape[-2]
    q, r, gq, gr = out[..., :m, :], out[..., m:, :], g[..., :m, :], g[..., m:, :]
    sizes = np.abs(np.diagonal(value(r), axis1=-2, axis2=-1))
    least = np.finfo(sizes.dtype).eps * m * largest(sizes, keepdims=True)
    said = "qr: of dependent columns there is no gradient"
    refuse(np.less_equal, np.linalg.LinAlgError, said, sizes, least)
    turn = mt(q) @ gq - gr @ mt(r)
    inner = lower(r) * (turn - adjoint(turn)) - turn
    return mt(np.linalg.solve(r, mt(gq + conjugate_of(q) @ inner)))


qr_op = op(
    "qr", lambda x: np.concatenate(np.linalg.qr(x), axis=-2), _qr_vjp,
    cases=[Case(((3, 2),)), Case(((2, 2),)), Case(((2, 3, 2),))], stacks=True,
    source="np.concatenate(np.linalg.qr({0}), -2)",
)
