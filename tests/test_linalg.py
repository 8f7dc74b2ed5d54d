"""numpy.linalg: derivatives against differences, and the cases that need care."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Op, Tensor
from autograd_lite.ops import linalg

from .sampling import directional

Function = Callable[..., Any]


def drawn(*shape: int, is_complex: bool = False, seed: int = 7) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape)
    return x + 1j * rng.uniform(-1, 1, shape) if is_complex else x


def number(f: Function, weights: list[Any]) -> Function:
    """A real number that depends on all that ``f`` returns."""

    def loss(*xs: Any) -> Any:
        outputs = f(*xs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return sum(
            np.real(np.sum(out * w)) for out, w in zip(outputs, weights, strict=True)
        )

    return loss


def weights_of(f: Function, *arrays: Any) -> list[Any]:
    outputs = f(*arrays)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [
        drawn(*np.shape(out), is_complex=np.iscomplexobj(out), seed=i)
        for i, out in enumerate(outputs)
    ]


def check(f: Function, *arrays: Any, order: int = 2) -> None:
    """The gradients of ``f`` and of its gradients, along random directions, by differences."""
    loss = number(f, weights_of(f, *arrays))
    numbers = tuple(range(len(arrays)))
    u, v = (
        [drawn(*x.shape, is_complex=np.iscomplexobj(x), seed=seed) for x in arrays]
        for seed in (21, 22)
    )

    def slope(*xs: Any) -> Any:
        gradients = ag.grad(loss, numbers)(*xs)
        return sum(np.real(np.sum(g * d)) for g, d in zip(gradients, u, strict=True))

    def moved(g: Function, direction: list[Any]) -> Any:
        return directional(
            lambda h: g(*(x + h * d for x, d in zip(arrays, direction, strict=True))), 0.0, 1.0
        )

    np.testing.assert_allclose(slope(*arrays), moved(loss, u), rtol=1e-6, atol=1e-7)
    if order == 2:
        again = ag.grad(slope, numbers)(*arrays)
        ours = sum(np.sum(g * d).real for g, d in zip(again, v, strict=True))
        np.testing.assert_allclose(ours, moved(slope, v), rtol=1e-5, atol=1e-6)


each_kind = pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
each_stack = pytest.mark.parametrize("stack", [(), (2,), (2, 1)], ids=str)
SHIFT = 3 * np.eye(3)
SPREAD = np.diag([0.0, 4.0, 9.0])


def adjoint(x: Any) -> Any:
    return np.conj(x.mT)


def positive(x: Any) -> Any:
    return x @ adjoint(x) + np.eye(x.shape[-1])


# ---------------------------------------------------------------------- against differences

SQUARE: dict[str, Function] = {
    "inv": np.linalg.inv,
    "pinv": np.linalg.pinv,
    "pinv hermitian": lambda x: np.linalg.pinv(x, hermitian=True),
    "det": np.linalg.det,
    "slogdet": np.linalg.slogdet,
    "cholesky": lambda x: np.linalg.cholesky(positive(x)),
    "cholesky upper": lambda x: np.linalg.cholesky(positive(x), upper=True),
    "eigvals": np.linalg.eigvals,
    "eig": np.linalg.eig,
    "eigvalsh": np.linalg.eigvalsh,
    "eigvalsh upper": lambda x: np.linalg.eigvalsh(x, "U"),
    "eigh sizes": lambda x: np.abs(np.linalg.eigh(x)[1]),
    "eigh projectors": lambda x: (
        lambda w, v: v[..., :2] * w[..., None, :2] @ adjoint(v[..., :2])
    )(*np.linalg.eigh(x, UPLO="U")),
    "svd values": lambda x: np.linalg.svd(x, compute_uv=False),
    "svd sizes": lambda x: (np.abs(np.linalg.svd(x)[0]), np.abs(np.linalg.svd(x)[2])),
    "svd pairs": lambda x: (
        lambda u, s, vh: u[..., :1] * s[..., None, :1] ** 2 @ vh[..., :1, :]
    )(*np.linalg.svd(x)),
    "svd hermitian": lambda x: np.abs(np.linalg.svd(x, hermitian=True).U),
    "svd hermitian values": lambda x: np.linalg.svd(x, hermitian=True, compute_uv=False),
    "qr": np.linalg.qr,
    **{f"cond {p}": (lambda x, p=p: np.linalg.cond(x, p))
       for p in (None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf)},
}  # fmt: skip


@pytest.mark.parametrize("name", SQUARE)
@each_kind
@each_stack
def test_square_matrices(name: str, is_complex: bool, stack: tuple[int, ...]):
    x = drawn(*stack, 3, 3, is_complex=is_complex) + SPREAD + 0.5 * SHIFT
    check(SQUARE[name], x)


WIDE: dict[str, Function] = {
    "pinv": np.linalg.pinv,
    "svdvals": np.linalg.svdvals,
    "svd": lambda x: (
        lambda u, s, vh: (np.abs(u), s, np.abs(vh), u * s[..., None, :] @ vh)
    )(*np.linalg.svd(x, full_matrices=False)),
    "svd completed": lambda x: (
        lambda u, v: (u[..., 2:] @ adjoint(u[..., 2:]), v[..., 2:] @ adjoint(v[..., 2:]))
    )(np.linalg.svd(x).U, adjoint(np.linalg.svd(x).Vh)),
    "qr": np.linalg.qr,
    "qr r": lambda x: np.linalg.qr(x, "r"),
    "qr completed": lambda x: (
        lambda q, r: (q[..., :2], q[..., 2:] @ adjoint(q[..., 2:]), r)
    )(*np.linalg.qr(x, "complete")),
    **{f"norm {p}": (lambda x, p=p: np.linalg.norm(x, p, axis=(-2, -1)))
       for p in (None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)},
}  # fmt: skip


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("shape", [(2, 4), (4, 2)], ids=["wide", "tall"])
@each_kind
@each_stack
def test_other_matrices(
    name: str, shape: tuple[int, int], is_complex: bool, stack: tuple[int, ...]
):
    check(WIDE[name], drawn(*stack, *shape, is_complex=is_complex, seed=9))


@pytest.mark.parametrize("shapes", [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
    ((2, 1, 3, 3), (4, 3, 2)),
], ids=str)  # fmt: skip
@each_kind
def test_solve(shapes: Any, is_complex: bool):
    a, b = (drawn(*shape, is_complex=is_complex) for shape in shapes)
    check(np.linalg.solve, a + SHIFT, b)


def test_tensors_solved_and_inverted():
    a, b = drawn(6, 6) + 3 * np.eye(6), drawn(2, 3)
    check(lambda a, b: np.linalg.tensorsolve(a.reshape(2, 3, 6), b), a, b)
    check(lambda a, b: np.linalg.tensorsolve(a.reshape(3, 2, 2, 3), b, axes=(1, 0)), a, b.T)
    check(lambda a: np.linalg.tensorinv(a.reshape(2, 3, 6)), a)
    check(lambda a: np.linalg.tensorinv(a.reshape(6, 3, 2), ind=1), a)
    with pytest.raises(ValueError, match="tensorinv: ind must be positive, and is 0"):
        np.linalg.tensorinv(Tensor(a), ind=0)


@pytest.mark.parametrize("axis", [0, -1, (1,)], ids=str)
@pytest.mark.parametrize("p", [None, 2, 1, 3, 2.5, 0.5, -1, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@each_kind
def test_norms_of_vectors(p: Any, axis: Any, keepdims: bool, is_complex: bool):
    check(lambda x: np.linalg.norm(x, p, axis, keepdims), drawn(3, 4, is_complex=is_complex))


@pytest.mark.parametrize("p", [None, "nuc", 2, 1, -np.inf], ids=str)
@pytest.mark.parametrize("axis", [(0, 2), (2, 0), (-2, 0)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_matrices_along_any_axes(p: Any, axis: Any, keepdims: bool):
    check(lambda x: np.linalg.norm(x, p, axis, keepdims), drawn(3, 2, 4))


def test_norms_of_the_array_api():
    x = drawn(3, 2, 4)
    for axis in (None, 1, (0, 2), (2, 1, 0)):
        for keepdims in (False, True):
            check(lambda x, k=keepdims, i=axis: np.linalg.vector_norm(x, axis=i, keepdims=k), x)
    check(lambda x: np.linalg.vector_norm(x, ord=3), x)
    check(lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True), x)
    check(lambda x: np.linalg.norm(x), x)


# ---------------------------------------------------------------------- values and types


def test_results_are_numpy_s_named_tuples():
    x = positive(drawn(3, 3))
    for f, fields in (
        (np.linalg.eig, ("eigenvalues", "eigenvectors")),
        (np.linalg.eigh, ("eigenvalues", "eigenvectors")),
        (np.linalg.svd, ("U", "S", "Vh")),
        (np.linalg.qr, ("Q", "R")),
        (np.linalg.slogdet, ("sign", "logabsdet")),
    ):
        assert type(f(Tensor(x))) is type(f(x))
        assert f(Tensor(x))._fields == fields


@pytest.mark.parametrize("name", SQUARE)
@each_kind
def test_values_are_numpy_s_and_float32_stays(name: str, is_complex: bool):
    x = drawn(3, 3, is_complex=is_complex) + SPREAD + 0.5 * SHIFT
    for dtype in ("F", "D") if is_complex else ("f", "d"):
        a = x.astype(dtype)
        f, t = SQUARE[name], Tensor(a, requires_grad=True)
        ours, numpys = f(t), f(a)
        for y, expected in zip(*[z if isinstance(z, tuple) else (z,) for z in (ours, numpys)],
                               strict=True):  # fmt: skip
            assert y.dtype == expected.dtype
            np.testing.assert_allclose(
                getattr(y, "data", y), expected, rtol=1e-3 if dtype in "fF" else 1e-11, atol=1e-6
            )
        y.backward(np.ones(y.shape))
        assert t.grad.dtype == a.dtype


def test_eig_of_a_real_matrix_is_complex_where_numpy_s_is():
    rotation = np.array([[0.0, 1.0], [-1.0, 0.0]])
    for x in (np.array([[2.0, 1.0], [0.5, 1.0]]), rotation):  # newer NumPy: always complex
        assert np.linalg.eig(Tensor(x)).eigenvectors.dtype == np.linalg.eig(x).eigenvectors.dtype
        check(np.linalg.eig, x + 0.1 * drawn(2, 2))
    check(np.linalg.eigvals, rotation)


@pytest.mark.parametrize("stack", [(), (2,), (0,)], ids=str)
def test_empty_matrices(stack: tuple[int, ...]):
    x = np.zeros((*stack, 0, 0))
    for f in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.eigvals, np.linalg.pinv,
              np.linalg.eigvalsh, np.linalg.svdvals, lambda x: np.linalg.eigh(x)[1],
              lambda x: np.linalg.qr(x)[0], lambda x: np.linalg.slogdet(x)[1],
              lambda x: np.linalg.svd(x)[2], lambda x: np.linalg.solve(x, x),
              lambda x: np.linalg.norm(x, axis=(-2, -1)), lambda x: np.linalg.norm(x, 2, (-2, -1))
              ):  # fmt: skip
        value, back = ag.vjp(f, x)
        np.testing.assert_array_equal(value, f(x), strict=True)
        assert back(np.ones(value.shape))[0].shape == x.shape


def test_plain_arrays_and_lists_give_plain_arrays():
    lists = [[2.0, 1.0], [1.0, 3.0]]
    for name in linalg.__all__:
        if name.startswith("tensor"):
            continue
        operands = (lists, lists) if name == "solve" else (lists,)
        ours, numpys = getattr(linalg, name)(*operands), getattr(np.linalg, name)(*operands)
        for y, expected in zip(np.atleast_1d(ours), np.atleast_1d(numpys), strict=True) if not (
            isinstance(ours, tuple)) else zip(ours, numpys, strict=True):  # fmt: skip
            assert not isinstance(y, Tensor)
            np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_integers_have_norms():
    x = Tensor(np.array([3, 4]))
    assert np.linalg.norm(x).item() == 5.0
    assert np.linalg.norm(x, 0).dtype == np.float64


# ---------------------------------------------------------------------- many cotangents at once


@pytest.mark.parametrize("name", [name for name in SQUARE if "slogdet" not in name])
def test_a_jacobian_is_what_its_rows_are_one_by_one(name: str):
    f, x = SQUARE[name], drawn(2, 3, 3) + SPREAD + 0.5 * SHIFT
    f = f if not isinstance(f(x), tuple) else lambda x: SQUARE[name](x)[-1]
    if np.iscomplexobj(f(x)):
        whole = f
        f = lambda x: np.real(whole(x))  # noqa: E731
    jacobian, value, back = ag.jacobian(f)(x), *ag.vjp(f, x)
    rows = [back(row.reshape(value.shape))[0] for row in np.eye(value.size)]
    expected = np.stack(rows).reshape(value.shape + x.shape)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-11)


# ---------------------------------------------------------------------- what is read


@each_kind
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_a_gradient_lies_in_the_triangle_that_is_read(UPLO: str, is_complex: bool):  # noqa: N803
    x = positive(drawn(3, 3, is_complex=is_complex)) + SPREAD
    unread = np.triu(np.ones((3, 3)), 1) if UPLO == "L" else np.tril(np.ones((3, 3)), -1)
    for f in (
        lambda x: np.linalg.eigvalsh(x, UPLO)[..., 0],
        lambda x: np.real(np.sum(np.linalg.cholesky(x, upper=UPLO == "U"))),
    ):
        gradient = ag.grad(f)(x)
        assert not np.any(gradient * unread)
        assert np.any(gradient)
        np.testing.assert_array_equal(gradient, ag.grad(f)(x + 5 * unread))
        assert not np.any(np.diag(gradient).imag)


def test_hermitian_pinv_and_svd_read_the_lower_triangle():
    x = positive(drawn(3, 3))
    for f in (np.linalg.pinv, lambda x, hermitian: np.linalg.svd(x, hermitian=hermitian).S):
        gradient = ag.grad(lambda x, f=f: np.sum(f(x, hermitian=True) ** 2))(x)
        assert not np.any(np.triu(gradient, 1))
        assert np.any(gradient)


# ---------------------------------------------------------------------- equal eigenvalues


def test_values_that_coincide_have_gradients():
    eye = np.eye(3)
    for f in (
        lambda x: np.sum(np.linalg.eigvalsh(x)),
        lambda x: np.sum(np.linalg.eigvals(x)).real,
        lambda x: np.sum(np.linalg.svdvals(x)),
        lambda x: np.linalg.norm(x, "nuc"),
    ):
        np.testing.assert_allclose(ag.grad(f)(eye), eye, atol=1e-14)
    np.testing.assert_allclose(ag.grad(lambda x: np.linalg.norm(x, 2))(eye), eye / 3, atol=1e-14)
    assert np.isfinite(ag.grad(np.linalg.cond)(eye)).all()
    turned = np.linalg.qr(drawn(3, 3)).Q
    equal = turned @ np.diag([2.0, 2.0, 5.0]) @ turned.T  # up to roundoff
    gradient = ag.grad(lambda x: np.sum(np.linalg.eigvalsh(x)))(equal)
    np.testing.assert_allclose(gradient, eye, atol=1e-14)


@pytest.mark.parametrize("turn", [np.eye(3), np.linalg.qr(drawn(3, 3)).Q], ids=["exact", "turned"])
def test_what_uses_vectors_that_are_not_determined_is_refused(turn: Any):
    x = turn @ np.diag([2.0, 2.0, 5.0]) @ turn.T
    for f, message in (
        (lambda x: np.sum(np.linalg.eigh(x)[1] ** 3), "eigh: eigenvalues are equal"),
        # These gradients exist, but not as limits that the rules can take.
        (lambda x: np.sum((lambda w, v: v * np.exp(w) @ v.mT)(*np.linalg.eigh(x)) * drawn(3, 3)),
         "eigh: eigenvalues are equal"),
        (lambda x: np.sum((lambda u, s, vh: u @ vh)(*np.linalg.svd(x)) * drawn(3, 3)), "svd: sing"),
        (lambda x: np.real(np.linalg.eig(x)[1] * drawn(3, 3)).sum(), "eig: eigenvalues are equal"),
    ):  # fmt: skip
        compiled = ag.compile(ag.grad(f))
        compiled(x + turn @ np.diag([0.0, 1.0, 0.0]) @ turn.T)
        for derivative in (ag.grad(f), lambda x, f=f: ag.jvp(f, (x,), (x + SHIFT,)), compiled):
            with pytest.raises(np.linalg.LinAlgError, match=message):
                derivative(x)
    single = ag.grad(lambda x: np.sum(np.linalg.eigh(x)[1][:, 2] ** 2 * drawn(3)))(x)
    assert np.isfinite(single).all()


def test_singular_values_of_0():
    x = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    assert np.isfinite(ag.grad(lambda x: np.linalg.svdvals(x)[0])(x)).all()
    check(lambda x: (lambda u, s, vh: u[:, :1] * s[:1] @ vh[:1])(*np.linalg.svd(x, False)),
          x, order=1)  # fmt: skip
    with pytest.raises(np.linalg.LinAlgError, match="svd: singular values are 0"):
        ag.grad(lambda x: np.sum(np.linalg.svd(x, False)[0] ** 3))(x)


# ---------------------------------------------------------------------- singular matrices


@pytest.mark.parametrize("rank", [0, 1, 2])
@each_kind
def test_the_determinant_of_a_singular_matrix(rank: int, is_complex: bool):
    x = drawn(3, rank, is_complex=is_complex) @ drawn(rank, 3, is_complex=is_complex, seed=8)
    check(np.linalg.det, x)
    check(np.linalg.det, np.stack([x, x + SHIFT]))

    def third(x: Any) -> Any:  # the determinant is cubic
        along = lambda f: lambda x: np.real(np.sum(ag.grad(f)(x) * drawn(3, 3)))  # noqa: E731
        return along(along(along(lambda x: np.real(np.linalg.det(x)))))(x)

    np.testing.assert_allclose(third(x), 6 * np.linalg.det(drawn(3, 3)), rtol=1e-9)


def test_the_determinant_near_a_singular_matrix():
    x = np.array([[1.0, 2.0], [2.0, 4.0 + 1e-13]])
    np.testing.assert_allclose(ag.grad(np.linalg.det)(x), [[x[1, 1], -2.0], [-2.0, 1.0]], 1e-14)
    large = np.diag([*np.arange(1.0, 12.0), 0.0])
    gradient = ag.grad(np.linalg.det)(large)
    expected = np.zeros((12, 12))
    expected[-1, -1] = np.prod(np.arange(1.0, 12.0))
    np.testing.assert_allclose(gradient, expected)


def test_singular_matrices_are_refused_by_name():
    singular = Tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(ValueError, match="inv: Singular matrix"):
        np.linalg.inv(singular)
    with pytest.raises(ValueError, match="solve: Singular matrix"):
        np.linalg.solve(singular, np.ones(2))
    with pytest.raises(ValueError, match="cholesky: Matrix is not positive definite"):
        np.linalg.cholesky(-singular)
    for x in (singular, singular * (1 + 0j), np.stack([singular, np.eye(2)])):
        with pytest.raises(np.linalg.LinAlgError, match="slogdet: a singular matrix"):
            np.sum(np.linalg.slogdet(x).logabsdet).backward()
    with pytest.raises(np.linalg.LinAlgError, match=r"eig: .* independent eigenvectors"):
        ag.grad(lambda x: np.real(np.linalg.eigvals(x) ** 2).sum())(np.eye(2) + np.eye(2, k=1))
    for shape in ((2, 2), (3, 2), (2, 3)):
        with pytest.raises(np.linalg.LinAlgError, match="qr: of dependent columns"):
            ag.grad(lambda x: np.sum(np.linalg.qr(x).R))(np.ones(shape))


def test_the_condition_of_a_singular_matrix_is_infinite():
    x = np.stack([np.ones((2, 2)), np.eye(2)])
    for p in ("fro", 1, -1, np.inf):
        ours = np.linalg.cond(Tensor(x), p)
        np.testing.assert_array_equal(ours.data, np.linalg.cond(x, p))
        gradient = ag.grad(lambda x, p=p: np.linalg.cond(x, p)[1])(x)
        assert np.isfinite(gradient).all()
        assert not gradient[0].any()
    zeros = np.zeros((2, 2))
    assert np.linalg.cond(Tensor(zeros)).item() == np.linalg.cond(zeros) == np.inf
    with pytest.raises(np.linalg.LinAlgError, match="not defined on empty arrays"):
        np.linalg.cond(Tensor(np.zeros((0, 0))))


def test_slogdet_of_a_singular_matrix_has_sign_0():
    for dtype in (float, complex):
        sign, size = np.linalg.slogdet(Tensor(np.zeros((2, 2), dtype)))
        assert np.asarray(getattr(sign, "data", sign)) == 0
        assert size.item() == -np.inf


# ---------------------------------------------------------------------- norms


@pytest.mark.parametrize("p", [None, 2, 3, 1.5, 1, np.inf, 0.5, -0.5, -1, -2, -np.inf], ids=str)
def test_the_gradient_of_a_norm_at_0_is_0(p: Any):
    for x in (np.zeros(3), np.zeros(3, complex)):
        np.testing.assert_array_equal(ag.grad(lambda x: np.linalg.norm(x, p))(x), np.zeros(3))
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    gradient = ag.grad(lambda x: np.sum(np.linalg.norm(x, p, axis=1)))(rows)
    assert not gradient[0].any()
    assert gradient[1].any()
    # An entry that is 0 has the gradient 0 and leaves others theirs; of negative order it is all.
    x = np.array([3.0, 0.0, -4.0, 1.0])
    for norm in (lambda x: np.linalg.norm(x, p), lambda x: np.linalg.vector_norm(x, ord=p or 2),
                 lambda x: np.linalg.norm(x[None], p, axis=1, keepdims=True)[0, 0]):  # fmt: skip
        shrunk = ag.grad(norm)(np.delete(x, 1)) * (p is None or p > 0)
        np.testing.assert_allclose(ag.grad(norm)(x), np.insert(shrunk, 1, 0.0))
        curved = ag.hessian(norm)(np.delete(x, 1)) * (p is None or p > 0)
        at_0 = ag.hessian(norm)(x)
        np.testing.assert_allclose(np.delete(np.delete(at_0, 1, 0), 1, 1), curved, atol=1e-15)
        assert np.isfinite(at_0).all()


def test_the_gradient_of_a_frobenius_norm_at_0_is_0():
    for f in (np.linalg.norm, np.linalg.matrix_norm, np.linalg.vector_norm):
        np.testing.assert_array_equal(ag.grad(f)(np.zeros((2, 3))), np.zeros((2, 3)))


def test_a_norm_of_negative_order_of_infinite_entries_is_infinite():
    x = np.full(2, np.inf)
    with np.errstate(divide="ignore"):
        assert np.linalg.norm(Tensor(x), -1).item() == np.linalg.norm(x, -1) == np.inf


def test_how_many_entries_are_not_0_is_constant():
    x = np.array([0.0, 2.0, -1.0])
    value, gradient = ag.value_and_grad(lambda x: np.linalg.norm(x, 0) + 0 * x[0])(x)
    assert value == 2.0
    assert not gradient.any()


# ---------------------------------------------------------------------- refused


def test_unknown_settings_are_refused():
    x = Tensor(drawn(2, 3, 3))
    for wrong, message in (
        (lambda: np.linalg.qr(x, "raw"), "qr: mode 'raw' can't be differentiated"),
        (lambda: np.linalg.norm(x, 2), "norm: of one axis or two"),
        (lambda: np.linalg.norm(x, "fro", axis=0), "norm: the order 'fro' is one of matrices"),
        (lambda: np.linalg.norm(x, 3, axis=(0, 1)), "norm: there is no order 3 of matrices"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()


# ---------------------------------------------------------------------- the tests themselves


@pytest.mark.parametrize("name", ["inv", "solve", "cholesky", "eigh", "eig", "svd", "qr", "det"])
def test_a_wrong_rule_is_seen(name: str, monkeypatch: pytest.MonkeyPatch):
    """Each rule made wrong by 1 % in one column."""
    entry: Op = ag.OPS[name]

    def wrong(vjp: Any) -> Any:
        def rule(g: Any, out: Any, *args: Any, **params: Any) -> Any:
            right = vjp(g, out, *args, **params)
            return right * (1 + 0.01 * (np.arange(right.shape[-1]) == 0))

        return rule

    monkeypatch.setattr(entry, "vjps", tuple(map(wrong, entry.vjps)))
    functions: dict[str, Function] = {
        **SQUARE,
        "solve": lambda x: np.linalg.solve(x, drawn(3, 2)),
        "eigh": SQUARE["eigh sizes"],
        "svd": SQUARE["svd sizes"],
    }
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(functions[name], drawn(3, 3) + SPREAD + 0.5 * SHIFT, order=1)
