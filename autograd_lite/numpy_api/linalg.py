"""Linear algebra in NumPy's forms: factors taken apart, bases completed, norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays import as_array, beside, is_foreign, of_values
from ..ops import astype, imag, matmul, matrix_transpose, real, root
from ..ops import linalg as rules
from ..ops.define import implements, numpys, operand, ran, setting, value
from ..ops.elementwise import size_squared
from ..ops.linalg import adjoint, det, eye, inv, largest, lower
from .products import matrix_power, multi_dot, tensordot, vecdot

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv",
    "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "norm",
    "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv",
    "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip


# NumPy's types of results, which it doesn't hand out by name.
_la: Any = np.linalg
EigResult, EighResult, QRResult, SVDResult, SlogdetResult = (
    type(f(np.eye(1))) for f in (_la.eig, _la.eigh, _la.qr, _la.svd, _la.slogdet)
)


cross = numpys(np.linalg.cross, "The cross product of vectors of 3 entries along an axis.")
outer = numpys(np.linalg.outer, "All products of an entry of one vector and one of another.")
diagonal = numpys(np.linalg.diagonal, "A diagonal of the last two axes.")
trace = numpys(np.linalg.trace, "The sum of a diagonal of the last two axes.")


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """The x with ``a @ x = b``: ``(…, n, n)`` and ``(…, n, k)`` or ``(n,)`` → as ``b``, stacked.

    Raises:
        LinAlgError: a singular ``a``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda b: np.linalg.solve(2 * np.eye(2), b).sum())(np.ones(2))
        array([0.5, 0.5])
    """
    a, b = operand(a), operand(b)
    return rules.solve_op(a, b[:, None])[..., 0] if b.ndim == 1 else rules.solve_op(a, b)


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, **settings: Any) -> Any:
    """The pseudo-inverse ``(…, n, m)`` of ``(…, m, n)``, whose rank must not change nearby.

    Args:
        a: with ``hermitian`` only its lower triangle is read.
        rcond: a singular value below this times the largest one counts as 0.
        hermitian: whether to take ``a`` as Hermitian.
        settings: ``rtol``, NumPy's newer name of rcond; only one of them.
    """
    a = operand(a)
    if hermitian:
        half = a * lower(a)
        a = half + adjoint(half)
    part = settings.get("rtol") if rcond is None else rcond
    if part is not None:
        s = of_values(np.linalg.svd, value(a), compute_uv=False)
        ratio = beside(as_array(value(part))[..., None], [s])
        least = largest(s, keepdims=True) * ratio
        kept = s > least
        cut = ~kept & (s > np.finfo(s.dtype).eps * max(a.shape) * s[..., :1])
        if is_foreign(cut) or np.any(cut):
            # The space that is kept turns with the one that is cut, as the rule doesn't know.
            u, s, vh = svd(a, full_matrices=False)
            inverse = kept / np.where(kept, s, np.ones_like(s))
            return adjoint(u * inverse[..., None, :] @ vh)
    return rules.pinv_op(a, rcond=rcond, hermitian=hermitian, **settings)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The x for which ``|b − a @ x|²`` is least, that sum for each column, rank, singular values.

    Of several such x, the shortest; the rank of ``a``, which NumPy takes as below ``rcond``, must
    not change nearby.

    Shapes:
        ``(m, n)`` and ``(m, k)`` or ``(m,)`` → ``(n, k)`` or ``(n,)``, ``(k,)`` or ``(1,)``
        (``(0,)`` where the rank is less than n, or m isn't more), and ``(min(m, n),)``.
    """
    a, b = operand(a), operand(b)
    _, sums, rank, s = np.linalg.lstsq(value(a), value(b), rcond)
    least = np.finfo(s.dtype).eps
    if rcond is None:
        least = least * max(a.shape)
    elif 0 < rcond < 1:  # what else is given LAPACK takes for eps
        least = rcond
    x = pinv(a, least) @ b
    if sums.size:
        rest = b - a @ x
        sums = np.reshape(np.sum(size_squared(rest), axis=0), sums.shape)
    return x, sums, rank, svdvals(a)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x whose sums of products with the last axes of ``a`` are ``b``; ``axes`` go there first.

    Shapes:
        ``b.shape + x.shape`` and that of b → that of x, of as many entries.
    """
    a, b = operand(a), operand(b)
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    return solve(np.reshape(a, (b.size, -1)), np.ravel(b)).reshape(a.shape[b.ndim :])


tensorinv = numpys(np.linalg.tensorinv, "The inverse of ``a``, which maps to its first axes.")


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """The determinant's sign (complex: its phase) and the logarithm of its size.

    The sign of a real matrix is constant in pieces, and so a plain array.

    Shapes:
        ``(…, n, n)`` → ``(…)`` and ``(…)``.

    Raises:
        LinAlgError: the gradient of a singular matrix.
    """
    a = operand(a)
    sign, out = of_values(np.linalg.slogdet, value(a))[0], rules.logdet(a)
    if a.dtype.kind != "c":
        return SlogdetResult(sign, out)
    return SlogdetResult(np.abs(sign) * np.exp(1j * imag(out)), real(out))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The lower triangular L with ``L @ Lᴴ = a``, or the upper triangular ``Lᴴ``.

    Only that triangle of ``a`` is read, and so only it has a gradient.

    Shapes:
        ``(…, n, n)`` → ``(…, n, n)``.

    Raises:
        LinAlgError: a matrix that is not positive definite.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda a: np.linalg.cholesky(a).sum())(np.eye(2))
        array([[0.5, 0. ],
               [1. , 0.5]])
    """
    a = operand(a)
    return adjoint(rules.cholesky_op(adjoint(a))) if upper else rules.cholesky_op(a)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """Eigenvalues in ascending order, and eigenvectors as columns, of Hermitian matrices.

    Only the triangle ``UPLO`` of ``a`` is read, and so only it has a gradient. A complex vector is
    determined up to a phase: a gradient is that of what doesn't depend on it, such as ``|v|²``.

    Shapes:
        ``(…, n, n)`` → ``(…, n)`` and ``(…, n, n)``.

    Raises:
        LinAlgError: the gradient of what uses the vectors of equal eigenvalues.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda a: np.linalg.eigh(a).eigenvalues[0])(np.diag([1.0, 2.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    packed = rules.eigh_op(operand(a), UPLO=UPLO)
    return EighResult(real(packed[..., 0, :]), packed[..., 1:, :])


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of `eigh`; they have first derivatives also where they coincide."""
    return eigh(a, UPLO)[0]


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Eigenvalues, and eigenvectors as columns, normalized as NumPy does; real where all are real.

    Shapes:
        ``(…, n, n)`` → ``(…, n)`` and ``(…, n, n)``.

    Raises:
        LinAlgError: the gradient of a matrix that has no n independent eigenvectors, and of what
            uses the vectors of equal eigenvalues.
    """
    packed = rules.eig_op(operand(a))
    return EigResult(packed[..., 0, :], packed[..., 1:, :])


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The eigenvalues of `eig`."""
    return eig(a)[0]


def _completed(columns: Any, others: Any) -> Any:
    """Orthonormal columns, and others that complete them to a basis and follow them."""
    rest = others - columns @ (adjoint(columns) @ others)
    lower = cholesky(adjoint(rest) @ rest)
    return np.concatenate([columns, rest @ adjoint(np.linalg.inv(lower))], axis=-1)


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """``a = U @ diag(S) @ Vh`` with orthonormal columns in U, rows in Vh, and S ≥ 0, descending.

    Pairs of complex vectors are determined up to a phase, and those with which ``full_matrices``
    completes a basis up to a rotation: a gradient is that of what doesn't depend on these.

    Args:
        a: with ``hermitian`` only its lower triangle is read.
        full_matrices: square U and Vh, instead of those with k columns and rows.
        compute_uv: else only S is returned, whose first derivatives also exist where its entries
            coincide.

    Shapes:
        ``(…, m, n)`` → ``(…, m, k)``, ``(…, k)``, ``(…, k, n)``, where k is the smaller one.

    Raises:
        LinAlgError: the gradient of what uses the vectors of singular values that coincide, or
            are 0.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda a: np.linalg.svd(a).S.sum())(np.eye(2))
        array([[1., 0.],
               [0., 1.]])
    """
    a = operand(a)
    if hermitian:
        w, u = eigh(a)
        order = of_values(np.argsort, np.abs(value(w)), axis=-1)[..., ::-1]
        w = np.take_along_axis(w, order, axis=-1)
        u = np.take_along_axis(u, order[..., None, :], axis=-1)
        result = SVDResult(u, np.abs(w), adjoint(u * np.sign(w)[..., None, :]))
        return result if compute_uv else result[1]
    m, n = a.shape[-2:]
    packed = rules.svd_op(a, full_matrices=full_matrices and compute_uv)
    u, s, vh = packed[..., :m, :], real(packed[..., m, :]), packed[..., m + 1 :, :].mT
    if not compute_uv:
        return s
    if full_matrices and m > n:
        u = _completed(u, of_values(np.linalg.svd, value(a))[0][..., n:])
    elif full_matrices and m < n:
        further = of_values(np.linalg.svd, value(a))[2][..., m:, :]
        vh = adjoint(_completed(adjoint(vh), adjoint(further)))
    return SVDResult(u, s, vh)


svdvals = numpys(np.linalg.svdvals, "The singular values, in descending order: ``(…, k)``.")


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """``a = Q @ R`` with orthonormal columns in Q and an upper triangular R.

    Args:
        a: its first columns must be independent, as many as there are rows or columns.
        mode: ``"reduced"``; ``"complete"`` for a square Q, whose further columns are determined
            up to a rotation: a gradient is that of what doesn't depend on it; ``"r"`` for R only.

    Shapes:
        ``(…, m, n)`` → ``(…, m, k)`` and ``(…, k, n)``, where k is the smaller one.

    Raises:
        LinAlgError: the gradient where the first columns are dependent.
        ValueError: another mode, ``"raw"`` too, since LAPACK's reflectors have no rule here.
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode {mode!r} can't be differentiated; take 'reduced'")
    a = operand(a)
    m, n = a.shape[-2:]
    if m < n:
        q, r = qr(a[..., :m])
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
    else:
        packed = rules.qr_op(a)
        q, r = packed[..., :m, :], packed[..., m:, :]
        if mode == "complete" and m > n:
            square = of_values(np.linalg.qr, value(a), mode="complete")[0]
            q = _completed(q, square[..., n:])
            r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n), r.dtype)], axis=-2)
    return r if mode == "r" else QRResult(q, r)


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors along an axis, or of matrices along two: orders as in NumPy.

    Where a vector's norm or a Frobenius norm is 0 its gradient is taken as 0, and so is that of an
    entry that is 0; where several entries or singular values are the largest they share it.

    Args:
        x: an array; its entries are one vector where neither order nor axis are given.
        ord: for vectors 2 (the default), inf, −inf, 0 (how many are not 0), 1, or another p; for
            matrices ``"fro"`` (the default), ``"nuc"``, 2, −2, 1, −1, inf, −inf.
        axis: an integer, a tuple of one or two, or None for all axes.
        keepdims: keep the reduced axes, with size 1.

    Raises:
        ValueError: an unknown order, or more than two axes.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(np.linalg.norm)(np.array([3.0, 4.0])), ag.grad(np.linalg.norm)(np.zeros(2))
        (array([0.6, 0.8]), array([0., 0.]))
    """
    x, ord = operand(x), setting("norm", "ord", ord)
    x = astype(x, float) if x.dtype.kind in "biu" else x
    axes: Any = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if axis is None and ord is None:
        return _root_of_squares(x, axes, keepdims)
    np.linalg.norm(np.ones((1,) * x.ndim), ord, axes)  # raises what there is to raise
    if ord in (None, "fro", "f") or (ord == 2 and len(axes) == 1):
        return _root_of_squares(x, axes, keepdims)
    if len(axes) > 1 or ord in (0, 1, np.inf, -np.inf):
        return _numpys_norm(x, ord, axes, keepdims)
    return _root_of_powers(x, ord, axes, keepdims)


def _root_of_squares(x: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    return root(np.sum(size_squared(x), axis=axes, keepdims=keepdims))


def _root_of_powers(x: Any, ord: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    sizes = np.abs(x)
    if ord > 0 and ord % 1 == 0:
        powers = sizes**ord
    else:  # at 0 it is infinite, or a derivative of it is
        none = sizes == 0
        powers = np.where(none, 0.0, np.where(none, 1.0, sizes) ** ord)
    total = np.sum(powers, axis=axes, keepdims=keepdims)
    # Of negative order it is 0 where an entry is, as the least ones count.
    zero = total == 0 if ord > 0 else np.any(sizes == 0, axis=axes, keepdims=keepdims)
    return np.where(zero, 0.0, np.where(zero, 1.0, total) ** (1 / ord))


_numpys_norm = ran(np.linalg.norm.__wrapped__)  # type: ignore[attr-defined]
matrix_norm = numpys(np.linalg.matrix_norm, "`norm` of matrices: ``(…, m, n)`` → ``(…)``.")
vector_norm = numpys(np.linalg.vector_norm, "`norm` of the entries along one axis or several.")


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number ``norm(x, p) * norm(inv(x), p)``, inf for singular matrices.

    Shapes:
        ``(…, n, n)``, or ``(…, m, n)`` for p None, 2, −2 → ``(…)``.
    """
    x = operand(x)
    numbers = of_values(np.linalg.cond, value(x), p=p)  # raises what there is to raise
    if p in (None, 2, -2):
        s = svdvals(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
            return np.where(np.isnan(value(out)), numbers, out)
    singular = np.isinf(numbers)
    safe = np.where(singular[..., None, None], eye(x), x)
    out = matrix_norm(safe, ord=p) * matrix_norm(inv(safe), ord=p)
    return np.where(singular, numbers, out)
