"""numpy.linalg: the cases that need care. `coverage.calls` has those that don't."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .coverage.test_coverage import check_derivative
from .each import each


def drawn(*shape: int, is_complex: bool = False, seed: int = 7) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape)
    return x + 1j * rng.uniform(-1, 1, shape) if is_complex else x


SHIFT = 3 * np.eye(3)
SPREAD = np.diag([0.0, 4.0, 9.0])


def positive(x: Any) -> Any:
    return x @ np.conj(x.mT) + np.eye(x.shape[-1])


# ---------------------------------------------------------------------- what is read


@each(["L", "U"], [False, True])
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


@each({"exact": np.eye(3), "turned": np.linalg.qr(drawn(3, 3)).Q})
def test_what_uses_vectors_that_are_not_determined_is_refused(turn: Any):
    x = turn @ np.diag([2.0, 2.0, 5.0]) @ turn.T
    for f, message in (
        (lambda x: np.sum(np.linalg.eigh(x)[1] ** 3), "eigh: eigenvalues are equal"),
        # These gradients exist, but not as limits that the rules can take.
        (lambda x: np.sum((lambda w, v: v * np.exp(w) @ v.mT)(*np.linalg.eigh(x)) * drawn(3, 3)),
         "eigh: eigenvalues are equal"),
        (lambda x: np.sum((lambda u, s, vh: u @ vh)(*np.linalg.svd(x)) * drawn(3, 3)), "svd: sing"),
        # Nor does a cotangent of 0 say that there is none.
        (lambda x: np.sum((lambda w, v: v * (w - 2) @ v.mT)(*np.linalg.eigh(x)) * drawn(3, 3)),
         "eigh: eigenvalues are equal"),
        (lambda x: np.sum((lambda u, s, vh: u * (s - 2) @ vh)(*np.linalg.svd(x)) * drawn(3, 3)),
         "svd: sing"),
        (lambda x: np.real(np.linalg.eig(x)[1] * drawn(3, 3)).sum(), "eig: eigenvalues are equal"),
    ):  # fmt: skip
        compiled = ag.compile(ag.grad(f))
        compiled(x + turn @ np.diag([0.0, 1.0, 0.0]) @ turn.T)
        for derivative in (ag.grad(f), lambda x, f=f: ag.jvp(f, (x,), (x + SHIFT,)), compiled):
            with pytest.raises(np.linalg.LinAlgError, match=message):
                derivative(x)
    for f in (
        lambda x: (lambda w, v: np.sum(v[:, 2] ** 2 * drawn(3)) + np.sum(w**2))(*np.linalg.eigh(x)),
        lambda x: np.sum((lambda w, v: v * np.maximum(-w, 0) @ v.mT)(*np.linalg.eigh(x))),
    ):
        assert np.isfinite(ag.grad(f)(x)).all()


def test_singular_values_of_0():
    x = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    assert np.isfinite(ag.grad(lambda x: np.linalg.svdvals(x)[0])(x)).all()
    check_derivative(
        lambda x: (lambda u, s, vh: u[:, :1] * s[:1] @ vh[:1])(*np.linalg.svd(x, False)), [x]
    )
    with pytest.raises(np.linalg.LinAlgError, match="svd: singular values are 0"):
        ag.grad(lambda x: np.sum(np.linalg.svd(x, False)[0] ** 3))(x)


def test_vectors_that_are_picked_by_products_are_not_taken_for_used():
    first = np.eye(3)[:, :1]

    def picked(x: Any) -> Any:
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        return u @ first * s[:1], first.T @ vh

    def f(x: Any) -> Any:
        u, vh = picked(x)
        u, vh = picked(x + u @ vh)
        return np.sum(u) + np.sum(vh)

    check_derivative(f, [np.outer([0.1, -0.5, 0.6], [0.1, -0.7, 0.3, 0.9])])


# ---------------------------------------------------------------------- singular matrices


def test_the_third_derivative_of_a_determinant():
    """Which is cubic, also where the matrix is singular."""
    x = np.outer(drawn(3), drawn(3, seed=8))
    third = lambda x: np.linalg.det(x)  # noqa: E731
    for _ in range(3):
        third = lambda x, f=third: np.sum(ag.grad(f)(x) * drawn(3, 3))  # noqa: E731
    np.testing.assert_allclose(third(x), 6 * np.linalg.det(drawn(3, 3)), rtol=1e-9)


def test_the_determinant_near_a_singular_matrix():
    x = np.array([[1.0, 2.0], [2.0, 4.0 + 1e-13]])
    np.testing.assert_allclose(ag.grad(np.linalg.det)(x), [[x[1, 1], -2.0], [-2.0, 1.0]], 1e-14)
    large = np.diag([*np.arange(1.0, 12.0), 0.0])
    gradient = ag.grad(np.linalg.det)(large)
    expected = np.zeros((12, 12))
    expected[-1, -1] = np.prod(np.arange(1.0, 12.0))
    np.testing.assert_allclose(gradient, expected)


ONES, EYE = np.ones((2, 2)), np.eye(2)


def slope(f: Any, x: Any) -> Any:
    return ag.grad(lambda x: np.real(np.sum(f(x))))(x)


@each([
    (lambda: np.linalg.inv(Tensor(ONES)), "inv: Singular matrix"),
    (lambda: np.linalg.solve(Tensor(ONES), np.ones(2)), "solve: Singular matrix"),
    (lambda: np.linalg.cholesky(Tensor(-ONES)), "cholesky: Matrix is not positive definite"),
    (lambda: slope(lambda x: np.linalg.slogdet(x)[1], ONES), "slogdet: a singular matrix"),
    (lambda: slope(lambda x: np.linalg.slogdet(x * 1j)[1], ONES), "slogdet: a singular matrix"),
    (lambda: slope(lambda x: np.linalg.slogdet(np.stack([x, EYE]))[1], ONES), "slogdet: a sing"),
    (lambda: slope(lambda x: np.linalg.eigvals(x) ** 2, EYE + np.eye(2, k=1)),
     r"eig: .* independent eigenvectors"),
    *[(lambda n=n: slope(lambda x: np.linalg.qr(x).R, np.ones(n)), "qr: of dependent columns")
      for n in ((2, 2), (3, 2), (2, 3))],
    (lambda: np.linalg.cond(Tensor(np.zeros((0, 0)))), "not defined on empty arrays"),
])  # fmt: skip
def test_singular_matrices_are_refused_by_name(wrong: Any, message: str):
    with pytest.raises(np.linalg.LinAlgError, match=message):
        wrong()


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


def test_slogdet_of_a_singular_matrix_has_sign_0():
    for dtype in (float, complex):
        sign, size = np.linalg.slogdet(Tensor(np.zeros((2, 2), dtype)))
        assert np.asarray(getattr(sign, "data", sign)) == 0
        assert size.item() == -np.inf


# ---------------------------------------------------------------------- norms


@each([None, 2, 3, 1.5, 1, np.inf, 0.5, -0.5, -1, -2, -np.inf])
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


def test_norms_of_zeros_and_infinities_and_of_order_0():
    for f in (np.linalg.norm, np.linalg.matrix_norm, np.linalg.vector_norm):
        np.testing.assert_array_equal(ag.grad(f)(np.zeros((2, 3))), np.zeros((2, 3)))
    with np.errstate(divide="ignore"):
        assert np.linalg.norm(Tensor([np.inf, np.inf]), -1).item() == np.inf
    value, gradient = ag.value_and_grad(lambda x: np.linalg.norm(x, 0) + 0 * x[0])(np.arange(3.0))
    assert value == 2.0  # how many are not 0 is constant
    assert not gradient.any()
    integers = Tensor(np.array([3, 4]))
    assert np.linalg.norm(integers).item() == 5.0
    assert np.linalg.norm(integers, 0).dtype == np.float64
