"""Linear algebra: factorizations, inverses, determinants and norms of stacks ``(…, m, n)``.

An op has one output: the factors of a matrix are packed below each other, and taken apart again by
indexing. In the rules ``gx`` is the cotangent of ``x``; they are the transposes of what stands in
M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless another source is given.

Where eigenvalues or singular values coincide, their vectors are not determined. What depends on
the values alone keeps its first derivatives; those of what uses such vectors are nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..notation import ATOM, POWER, Notation
from ..op import Case, Op, op
from .define import implements, numpy_op, operand, value
from .elementwise import astype, conjugate_of, imag, real, root
from .reductions import flattened

__all__ = [
    "cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matrix_norm", "norm",
    "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensorinv", "tensorsolve", "vector_norm",
]  # fmt: skip

# NumPy's types of results, which it doesn't hand out by name.
_EYE = np.eye(1)
EigResult: Any = type(np.linalg.eig(_EYE))
EighResult: Any = type(np.linalg.eigh(_EYE))
SVDResult: Any = type(np.linalg.svd(_EYE))
QRResult: Any = type(np.linalg.qr(_EYE))
SlogdetResult: Any = type(np.linalg.slogdet(_EYE))
_SQUARE = [Case(((3, 3),)), Case(((2, 2, 2),))]


def _adjoint(x: Any) -> Any:
    return conjugate_of(x.mT)


def _lower(x: Any) -> Any:
    """A mask of the shape of square matrices: 1 below the diagonal, and 1/2 on it."""
    n, dtype = x.shape[-1], x.real.dtype
    return (np.tri(n, dtype=dtype) + np.tri(n, k=-1, dtype=dtype)) / 2


def _diagonal(x: Any) -> Any:
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


# ---------------------------------------------------------------------- inverses

inv = numpy_op(
    np.linalg.inv,
    lambda g, out, x: -(out.mT @ g @ out.mT),
    cases=_SQUARE,
    stacks=True,
    notation=Notation("{0}⁻¹", POWER, (ATOM,), "⁻¹"),
)

solve_op = op(
    "solve",
    np.linalg.solve,
    lambda g, out, a, b: -(np.linalg.solve(a.mT, g) @ out.mT),
    lambda g, out, a, b: np.linalg.solve(a.mT, g),
    cases=[Case(((3, 3), (3, 2))), Case(((2, 3, 3), (3, 1))), Case(((2, 2), (3, 2, 1)))],
    stacks=True,
    source="np.linalg.solve({0}, {1})",
)


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
    return solve_op(a, b[:, None])[..., 0] if b.ndim == 1 else solve_op(a, b)


def _pinv_vjp(g: Any, out: Any, x: Any, **settings: Any) -> Any:
    """G. Golub, V. Pereyra, "The differentiation of pseudo-inverses" (1973), for constant rank."""
    left, right = _adjoint(out) @ out @ g.mT, g.mT @ out @ _adjoint(out)
    outside = left - (left @ out) @ x + right - x @ (out @ right)
    return conjugate_of(outside) - out.mT @ g @ out.mT


pinv_op = op(
    "pinv",
    np.linalg.pinv,
    _pinv_vjp,
    cases=[Case(((3, 2),)), Case(((2, 2, 3),), {"rcond": 1e-10})],
    stacks=True,
    notation=Notation("{0}⁺", POWER, (ATOM,), "⁺"),
)


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
        half = a * _lower(a)
        a = half + _adjoint(half)
    return pinv_op(a, rcond=rcond, hermitian=hermitian, **settings)


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


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of ``a`` as a map from its last axes to its first ``ind``."""
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be positive, and is {ind}")
    a = operand(a)
    last, first = a.shape[ind:], a.shape[:ind]
    return inv(np.reshape(a, (int(np.prod(last)), -1))).reshape(last + first)


# ---------------------------------------------------------------------- determinants


def _cofactors(x: Any, det_x: Any) -> Any:
    """The derivatives of a determinant by the entries.

    They are ``det(x) inv(x)ᵀ``, but near a singular matrix, where that cancels, the determinants
    of what is left without an entry's row and column. Those take n² times as long and as much
    memory, and so a larger matrix must be nearer to it.
    """
    n, array = x.shape[-1], value(x)
    limit = np.finfo(array.dtype).eps ** (-0.25 if n <= 8 else -0.75)
    if n > 0 and np.all(np.linalg.cond(array, 1) < limit):
        return det_x[..., None, None] * np.linalg.inv(x).mT
    others = np.array([np.delete(np.arange(n), i) for i in range(n)], int).reshape(n, max(n - 1, 0))
    minors = x[..., others[:, None, :, None], others[:, None, :]]
    signs = (-1) ** np.add.outer(np.arange(n), np.arange(n))
    return np.linalg.det(minors) * signs.astype(array.real.dtype)


det = numpy_op(
    np.linalg.det,
    lambda g, out, x: g[..., None, None] * _cofactors(x, out),
    cases=_SQUARE,
    stacks=True,
)


def _logdet(x: Any) -> Any:
    sign, size = np.linalg.slogdet(x)
    return size + 1j * np.angle(sign) if x.dtype.kind == "c" else size


logdet = op(
    "logdet",
    _logdet,
    lambda g, out, x: g[..., None, None] * np.linalg.inv(x).mT,
    cases=_SQUARE,
    stacks=True,
    source="np.linalg.slogdet({0})[1]",
)


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
    sign, out = np.linalg.slogdet(value(a)).sign, logdet(a)
    if a.dtype.kind != "c":
        return SlogdetResult(sign, out)
    return SlogdetResult(np.abs(sign) * np.exp(1j * imag(out)), real(out))


# ---------------------------------------------------------------------- Hermitian matrices


def _in_triangle(g: Any, triangle: str) -> Any:
    """The cotangent of a Hermitian matrix as that of the triangle which is read."""
    mask = _lower(g)
    return (g + _adjoint(g)) * (mask if triangle in "Ll" else mask.mT)


def _cholesky_vjp(g: Any, out: Any, x: Any) -> Any:
    """I. Murray, "Differentiation of the Cholesky decomposition" (2016)."""
    middle = _lower(x) * (out.mT @ g)
    inverse = np.linalg.inv(out)
    return _in_triangle(inverse.mT @ middle @ conjugate_of(inverse), "L")


cholesky_op = op(
    "cholesky",
    np.linalg.cholesky,
    _cholesky_vjp,
    domain=(0.3, 3.0),
    cases=[Case(((1, 1),)), Case(((3, 1, 1),))],  # of all these entries, positive definite
    stacks=True,
    source="np.linalg.cholesky({0})",
)


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
    return _adjoint(cholesky_op(_adjoint(a))) if upper else cholesky_op(a)


def _used(g: Any) -> Any:
    """Which columns have a cotangent: vectors that something depends on."""
    return (value(g) != 0).any(axis=-2)


def _pairs(used: Any) -> Any:
    return used[..., None] | used[..., None, :]


def _reciprocal(x: Any, values: Any, used: Any) -> Any:
    """``1 / x``; where x is 0, up to roundoff of ``values``, nan if it is used and 0 if not."""
    size = np.abs(value(values)).max(axis=-1, initial=0)[..., None, None]
    zero = np.abs(value(x)) <= np.finfo(x.dtype).eps * x.shape[-1] * size
    weights = np.where(zero, np.where(used, np.nan, 0), 1).astype(size.dtype)
    return weights / np.where(zero, 1.0, x)


def _reciprocal_gaps(values: Any, used: Any) -> Any:
    """``1 / (values[j] − values[i])`` for pairs of vectors that are used, and 0 for i = j."""
    off_diagonal = ~np.eye(values.shape[-1], dtype=bool)
    return _reciprocal(values[..., None, :] - values[..., None], values, used & off_diagonal)


def _eigh_vjp(g: Any, out: Any, x: Any, UPLO: str) -> Any:  # noqa: N803
    w, v, gw, gv = real(out[..., 0, :]), out[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    middle = _diagonal(gw) + (v.mT @ gv) * _reciprocal_gaps(w, _pairs(_used(gv)))
    return _in_triangle(conjugate_of(v) @ middle @ v.mT, UPLO)


def _stacked_below(w: Any, v: Any) -> Any:
    return np.concatenate([w[..., None, :], v], axis=-2)


_PACKED = "(lambda w, v: np.concatenate([w[..., None, :], v], -2))(*np.linalg."
eigh_op = op(
    "eigh",
    lambda x, UPLO: _stacked_below(*np.linalg.eigh(x, UPLO)),  # noqa: N803
    _eigh_vjp,
    cases=[Case(((3, 3),), {"UPLO": "L"}), Case(((2, 2, 2),), {"UPLO": "U"})],
    stacks=True,
    source=_PACKED + "eigh({0}, {UPLO!r}))",
)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """Eigenvalues in ascending order, and eigenvectors as columns, of Hermitian matrices.

    Only the triangle ``UPLO`` of ``a`` is read, and so only it has a gradient. A complex vector is
    determined up to a phase: a gradient is that of what doesn't depend on it, such as ``|v|²``.
    Where eigenvalues coincide the gradient of what uses their vectors is nan.

    Shapes:
        ``(…, n, n)`` → ``(…, n)`` and ``(…, n, n)``.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda a: np.linalg.eigh(a).eigenvalues[0])(np.diag([1.0, 2.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    packed = eigh_op(operand(a), UPLO=UPLO)
    return EighResult(real(packed[..., 0, :]), packed[..., 1:, :])


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of `eigh`; they have first derivatives also where they coincide."""
    return eigh(a, UPLO)[0]


# ---------------------------------------------------------------------- eigenvalues


def _eig_vjp(g: Any, out: Any, x: Any) -> Any:
    w, v, gw, gv = out[..., 0, :], out[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    gaps = _reciprocal_gaps(w, _pairs(_used(gv)))
    # LAPACK's vectors have norm 1 and, where they are complex, a largest entry that is real: they
    # don't move along themselves, nor turn.
    along = np.sum(gv * v, axis=-2, keepdims=True)
    gv = gv - conjugate_of(v) * real(along)
    if v.dtype.kind == "c":
        sizes = np.where(value(v).imag == 0, np.abs(value(v)), 0)
        largest = np.arange(v.shape[-1])[:, None] == sizes.argmax(axis=-2, keepdims=True)
        gv = gv - 1j * imag(along) * largest / np.sum(v * largest, axis=-2, keepdims=True)
    middle = _diagonal(gw) + (v.mT @ gv) * gaps
    return np.linalg.solve(v.mT, middle @ v.mT)


eig_op = op(
    "eig",
    lambda x: _stacked_below(*np.linalg.eig(x)),
    _eig_vjp,
    domain=(0.3, 3.0),
    cases=[Case(((2, 2),)), Case(((3, 2, 2),))],  # of positive entries: their eigenvalues are real
    stacks=True,
    source=_PACKED + "eig({0}))",
)


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Eigenvalues, and eigenvectors as columns, normalized as NumPy does; real where all are real.

    Where eigenvalues coincide the gradient of what uses their vectors is nan.

    Shapes:
        ``(…, n, n)`` → ``(…, n)`` and ``(…, n, n)``.

    Raises:
        LinAlgError: the gradient of a matrix that has no n independent eigenvectors.
    """
    packed = eig_op(operand(a))
    return EigResult(packed[..., 0, :], packed[..., 1:, :])


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The eigenvalues of `eig`."""
    return eig(a)[0]


# ---------------------------------------------------------------------- orthonormal factors


def _completed(columns: Any, others: Any) -> Any:
    """Orthonormal columns, and others that complete them to a basis and follow them."""
    rest = others - columns @ (_adjoint(columns) @ others)
    lower = cholesky(_adjoint(rest) @ rest)
    return np.concatenate([columns, rest @ _adjoint(np.linalg.inv(lower))], axis=-1)


def _svd(x: Any, full_matrices: bool) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices)
    k = s.shape[-1]
    return np.concatenate([u[..., :k], s[..., None, :], vh[..., :k, :].mT], axis=-2)


def _svd_vjp(g: Any, out: Any, x: Any, full_matrices: bool) -> Any:
    """Z.-Q. Wan, S.-X. Zhang, "Automatic differentiation for complex valued SVD" (2019).

    With the sums and differences of singular values apart, so that sums alone are left where no
    difference matters. Here v is the transposed Vᴴ.
    """
    m, k = x.shape[-2], min(x.shape[-2:])
    u, s, v = out[..., :m, :], real(out[..., m, :]), out[..., m + 1 :, :]
    gu, gs, gv = g[..., :m, :], g[..., m, :], g[..., m + 1 :, :]
    inner_u, inner_v = u.mT @ gu, v.mT @ gv
    turn_u, turn_v = inner_u - _adjoint(inner_u), _adjoint(inner_v) - inner_v
    turn_v = conjugate_of(turn_v)
    pairs = _pairs(_used(gu) | _used(gv))
    sums = _reciprocal(s[..., None, :] + s[..., None], s, pairs)
    gaps = _reciprocal_gaps(s, pairs)
    middle = _diagonal(gs) + ((turn_u + turn_v) * sums + (turn_u - turn_v) * gaps) / 2
    left, right = conjugate_of(u) @ middle, conjugate_of(v)
    if m > k:  # moves out of the space of u's columns
        outside = gu - conjugate_of(u) @ inner_u
        left = left + outside * _reciprocal(s[..., None, :], s, _used(gu)[..., None, :])
    gx = left @ right.mT
    if v.shape[-2] > k:
        outside = gv - right @ inner_v
        scaled = outside * _reciprocal(s[..., None, :], s, _used(gv)[..., None, :])
        gx = gx + conjugate_of(u) @ scaled.mT
    return gx


svd_op: Op = op(
    "svd",
    _svd,
    _svd_vjp,
    cases=[Case((shape,), {"full_matrices": full})
           for shape in ((3, 2), (2, 3), (2, 2, 2)) for full in (False, True)],
    stacks=True,
    source="(lambda u, s, vh: np.concatenate([u, s[..., None, :], vh.mT], -2))"
    "(*np.linalg.svd({0}, False))",
)  # fmt: skip


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """``a = U @ diag(S) @ Vh`` with orthonormal columns in U, rows in Vh, and S ≥ 0, descending.

    Pairs of complex vectors are determined up to a phase, and those with which ``full_matrices``
    completes a basis up to a rotation: a gradient is that of what doesn't depend on these. Where
    singular values coincide, or are 0, the gradient of what uses their vectors is nan.

    Args:
        a: with ``hermitian`` only its lower triangle is read.
        full_matrices: square U and Vh, instead of those with k columns and rows.
        compute_uv: else only S is returned, whose first derivatives also exist where its entries
            coincide.

    Shapes:
        ``(…, m, n)`` → ``(…, m, k)``, ``(…, k)``, ``(…, k, n)``, where k is the smaller one.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(lambda a: np.linalg.svd(a).S.sum())(np.eye(2))
        array([[1., 0.],
               [0., 1.]])
    """
    a = operand(a)
    if hermitian:
        w, u = eigh(a)
        order = np.argsort(np.abs(value(w)), axis=-1)[..., ::-1]
        w = np.take_along_axis(w, order, axis=-1)
        u = np.take_along_axis(u, order[..., None, :], axis=-1)
        result = SVDResult(u, np.abs(w), _adjoint(u * np.sign(w)[..., None, :]))
        return result if compute_uv else result[1]
    m, n = a.shape[-2:]
    packed = svd_op(a, full_matrices=full_matrices and compute_uv)
    u, s, vh = packed[..., :m, :], real(packed[..., m, :]), packed[..., m + 1 :, :].mT
    if not compute_uv:
        return s
    if full_matrices and m > n:
        u = _completed(u, np.linalg.svd(value(a)).U[..., n:])
    elif full_matrices and m < n:
        vh = _adjoint(_completed(_adjoint(vh), _adjoint(np.linalg.svd(value(a)).Vh[..., m:, :])))
    return SVDResult(u, s, vh)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order: ``(…, m, n)`` → ``(…, k)``."""
    return svd(x, compute_uv=False)


def _qr_vjp(g: Any, out: Any, x: Any) -> Any:
    """M. Seeger et al., "Auto-differentiating linear algebra" (2017), for m ≥ n."""
    m = x.shape[-2]
    q, r, gq, gr = out[..., :m, :], out[..., m:, :], g[..., :m, :], g[..., m:, :]
    turn = q.mT @ gq - gr @ r.mT
    inner = _lower(r) * (turn - _adjoint(turn)) - turn
    return np.linalg.solve(r, (gq + conjugate_of(q) @ inner).mT).mT


qr_op = op(
    "qr",
    lambda x: np.concatenate(np.linalg.qr(x), axis=-2),
    _qr_vjp,
    cases=[Case(((3, 2),)), Case(((2, 2),)), Case(((2, 3, 2),))],
    stacks=True,
    source="np.concatenate(np.linalg.qr({0}), -2)",
)


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
        r = np.concatenate([r, _adjoint(q) @ a[..., m:]], axis=-1)
    else:
        packed = qr_op(a)
        q, r = packed[..., :m, :], packed[..., m:, :]
        if mode == "complete" and m > n:
            q = _completed(q, np.linalg.qr(value(a), mode="complete").Q[..., n:])
            r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n), r.dtype)], axis=-2)
    return r if mode == "r" else QRResult(q, r)


# ---------------------------------------------------------------------- norms


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors along an axis, or of matrices along two: orders as in NumPy.

    Where a 2-norm, Frobenius or p-norm is 0 its gradient is taken as 0, and where several entries
    or singular values are the largest they share it.

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
    x = operand(x)
    x = astype(x, float) if x.dtype.kind in "biu" else x
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if axis is None and ord is None:
        return _root_of_squares(x, axes, keepdims)
    if len(axes) == 1:
        return _norm_of_vectors(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _norm_of_matrices(x, ord, axes, keepdims)
    raise ValueError(f"norm: of one axis or two, or of all with ord=None; {len(axes)} were given")


def _root_of_squares(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    squares = real(x * conjugate_of(x)) if x.dtype.kind == "c" else x * x
    return root(np.sum(squares, axis=axes, keepdims=keepdims))


def _norm_of_vectors(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return _root_of_squares(x, axes, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: the order {ord!r} is one of matrices, and axis={axes} of vectors")
    sizes = np.abs(x)
    if ord == np.inf:
        return np.max(sizes, axis=axes, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return np.min(sizes, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum((value(x) != 0).astype(sizes.dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(sizes, axis=axes, keepdims=keepdims)
    total = np.sum(sizes**ord, axis=axes, keepdims=keepdims)
    zero = (value(total) == 0) & (ord > 0)
    return np.where(zero, 0.0, np.where(zero, 1.0, total) ** (1 / ord))


def _norm_of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in (None, "fro", "f"):
        return _root_of_squares(x, axes, keepdims)
    x = np.moveaxis(x, axes, (-2, -1))
    if ord in (2, -2, "nuc"):
        parts = svdvals(x)
    elif ord in (1, -1, np.inf, -np.inf):
        parts = np.sum(np.abs(x), axis=-2 if ord in (1, -1) else -1)
    else:
        raise ValueError(f"norm: there is no order {ord!r} of matrices")
    if ord == "nuc":
        out = np.sum(parts, axis=-1)
    else:
        out = np.max(parts, axis=-1, initial=0) if ord > 0 else np.min(parts, axis=-1)
    return np.expand_dims(out, axes) if keepdims else out


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """`norm` of matrices: ``(…, m, n)`` → ``(…)``."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """`norm` of the entries along ``axis``, one or several, as those of one vector."""
    x = operand(x)
    out = norm(flattened(x, axis), ord, -1)
    if not keepdims:
        return out
    return np.expand_dims(out, tuple(range(x.ndim)) if axis is None else axis)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number ``norm(x, p) * norm(inv(x), p)``, inf for singular matrices.

    Shapes:
        ``(…, n, n)``, or ``(…, m, n)`` for p None, 2, −2 → ``(…)``.
    """
    x = operand(x)
    numbers = np.linalg.cond(value(x), p)  # raises what there is to raise
    if p in (None, 2, -2):
        s = svdvals(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
            return np.where(np.isnan(value(out)), numbers, out)
    singular = np.isinf(numbers)
    safe = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
    out = matrix_norm(safe, ord=p) * matrix_norm(inv(safe), ord=p)
    return np.where(singular, numbers, out)
