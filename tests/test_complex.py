"""Complex numbers: the gradient of a real L at x + iy is ∂L/∂x − i ∂L/∂y, to any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .each import each

RNG = np.random.default_rng(5)


def drawn(*shape: int) -> Any:
    """Numbers off the axes, where the functions below have their cuts and poles."""
    return RNG.uniform(0.3, 0.9, shape) + 1j * RNG.uniform(0.3, 0.9, shape)


Z, W, V = drawn(2, 3), drawn(2, 3), drawn(3)
WEIGHTS = drawn(64)

HOLOMORPHIC = {f.__name__: f for f in (
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.square, np.sin,
    np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh,
    np.arccosh, np.arctanh, np.reciprocal, np.negative)} | {
    "sigmoid": ag.sigmoid, "sinc": lambda z: np.sin(z) / z,
    "power": lambda z: z**3, "exponent": lambda z: 2.0**z, "both": lambda z: z**z,
    "fraction": lambda z: z**0.5, "times i": lambda z: 1j * z, "quotient": lambda z: z / (2 + z),
}  # fmt: skip

OTHERS = {
    "absolute": np.abs, "real": np.real, "imag": np.imag, "conj": np.conj, "angle": np.angle,
    "angle in degrees": lambda z: np.angle(z, deg=True), "sign": np.sign, "var": np.var,
    "std": lambda z: np.std(z, axis=0), "mean": lambda z: np.mean(z, axis=1), "sum": np.sum,
    "prod": lambda z: np.prod(z, axis=1), "cumprod": lambda z: np.cumprod(z, axis=1),
    "vdot": lambda z: np.vdot(z, W), "vdot right": lambda z: np.vdot(W, z),
    "vecdot": lambda z: np.vecdot(z, z * W), "vecmat": lambda z: np.vecmat(z[:, 0], z),
    "matmul": lambda z: z @ np.conj(z.T), "dot": lambda z: np.dot(z, V),
    "inner": lambda z: np.inner(z, W),
    "einsum": lambda z: np.einsum("ij,ij->j", z, np.conj(z)), "outer": lambda z: np.outer(z, V),
    "cov": np.cov, "corrcoef": np.corrcoef, "where": lambda z: np.where(W.real > 0.6, z, 1j),
    "correlate": lambda z: np.correlate(z[0], V[:2]), "convolve": lambda z: np.convolve(z[0], V),
    "linspace": lambda z: np.linspace(z[0], z[1], 4), "sort": lambda z: np.sort(z, axis=None),
    "nan_to_num": np.nan_to_num, "polyval": lambda z: np.polyval(z[0], z[1]),
    "geomspace": lambda z: np.geomspace(z[0], z[1], 4), "trapezoid": np.trapezoid,
    "sizes": lambda z: np.sqrt(z.real**2 + z.imag**2),
}  # fmt: skip


def projected(f: Any, z: Any) -> Any:
    """A real number that depends on both parts of every entry of ``f(z)``."""
    y = f(z)
    return np.sum(np.real(y * WEIGHTS[: np.size(y)].reshape(np.shape(y))))


@each(HOLOMORPHIC | OTHERS)
def test_gradient_along_complex_directions_to_order_two(f: Any):
    np.testing.assert_allclose(ag.vjp(f, Z)[0], f(Z), rtol=1e-12, atol=1e-14)
    u, v, h = drawn(2, 3) - 0.5, drawn(2, 3) - 0.6, 1e-5

    def slope(z: Any) -> Any:
        return np.sum(np.real(ag.grad(lambda z: projected(f, z))(z) * u))

    first = (projected(f, Z + h * u) - projected(f, Z - h * u)) / (2 * h)
    assert slope(Z) == pytest.approx(first, rel=1e-7, abs=1e-8)
    second = (slope(Z + h * v) - slope(Z - h * v)) / (2 * h)
    assert np.sum(np.real(ag.grad(slope)(Z) * v)) == pytest.approx(second, rel=1e-6, abs=1e-7)
    tangent = ag.jvp(f, (Z,), (u,))[1]
    weights = WEIGHTS[: np.size(tangent)].reshape(np.shape(tangent))
    assert np.sum(np.real(tangent * weights)) == pytest.approx(first, rel=1e-7, abs=1e-8)


@each(HOLOMORPHIC)
def test_a_holomorphic_function_has_its_complex_derivative(f: Any):
    (found,) = ag.vjp(f, Z)[1](np.ones(Z.shape))
    h = 1e-6
    np.testing.assert_allclose(found, (f(Z + h) - f(Z - h)) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(found, (f(Z + 1j * h) - f(Z - 1j * h)) / (2j * h), rtol=1e-7)


def test_the_convention():
    z = 3.0 + 4.0j
    assert ag.grad(lambda z: np.abs(z) ** 2)(z) == pytest.approx(6.0 - 8.0j, rel=1e-15)
    assert ag.grad(lambda z: np.real(z))(z) == 1.0
    assert ag.grad(lambda z: np.imag(z))(z) == -1.0j
    leaf = Tensor(z, requires_grad=True)
    (leaf * leaf.conj()).real.backward()
    assert leaf.grad == 6.0 - 8.0j
    stepped = z - 0.01 * np.conj(leaf.grad)  # down along the conjugate
    assert abs(stepped) < abs(z)


def test_real_numbers_get_real_gradients():
    x = np.array([1.0, 2.0])
    gradient = ag.grad(lambda x: np.sum(np.abs(np.exp(1j * x) * x) ** 2))(x)
    assert gradient.dtype == float
    np.testing.assert_allclose(gradient, 2 * x)
    narrow = ag.grad(lambda x: np.sum(np.imag(1j * x * x)))(x.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, 2 * x)


def test_complex64_stays():
    z = Z.astype(np.complex64)
    gradient = ag.grad(lambda z: np.sum(np.abs(z * np.conj(z)) ** 2))(z)
    assert gradient.dtype == np.complex64
    np.testing.assert_allclose(gradient, 4 * np.abs(Z) ** 2 * np.conj(Z), rtol=1e-5)


def test_sizes_at_0_have_the_gradient_0():
    zeros = np.zeros(2, complex)
    for f in (np.abs, lambda z: np.sign(z).real, np.std):
        np.testing.assert_array_equal(ag.grad(lambda z, f=f: np.sum(f(z)))(zeros), 0)


def test_what_is_complex_has_no_gradient_of_its_own():
    with pytest.raises(TypeError, match="grad: the function's output is complex"):
        ag.grad(lambda z: z)(1j)
    with pytest.raises(TypeError, match=r"backward: .* is complex, and a gradient is that of a"):
        Tensor(1j, requires_grad=True).backward()
    with pytest.raises(TypeError, match="jacobian: complex inputs or outputs"):
        ag.jacobian(np.exp)(Z)
