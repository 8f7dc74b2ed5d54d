"""Complex numbers: the gradient of a real L at x + iy is ∂L/∂x − i ∂L/∂y, to any order."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .coverage.test_coverage import check_derivative

RNG = np.random.default_rng(5)
Z = RNG.uniform(0.3, 0.9, (2, 3)) + 1j * RNG.uniform(0.3, 0.9, (2, 3))


def test_functions_that_numpy_has_not():
    for f in (ag.sigmoid, lambda z: ag.grad(lambda z: np.sum(ag.sigmoid(z)).real)(z)):
        np.testing.assert_allclose(ag.sigmoid(Z), 1 / (1 + np.exp(-Z)), rtol=1e-12)
        check_derivative(f, [Z])


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
