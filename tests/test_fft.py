"""numpy.fft: as the transforms' matrices, and what needs care. `coverage.calls` has the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

from .each import each
from .test_linalg import drawn

NORMS = (None, "backward", "ortho", "forward")


@each(["fft", "ifft"], [3, 5, 8], NORMS)
def test_a_pullback_is_the_transposed_matrix(name: str, n: int, norm: str | None):
    def f(x: Any) -> Any:
        return getattr(np.fft, name)(x, n=n, norm=norm)

    matrix = f(np.eye(5)).T
    g = drawn(n, is_complex=True)
    _, back = ag.vjp(f, drawn(5, is_complex=True))
    np.testing.assert_allclose(back(g)[0], matrix.T @ g, rtol=1e-12)
    _, back = ag.vjp(f, drawn(5))  # of real numbers: what moves along the real axis
    np.testing.assert_allclose(back(g)[0], (matrix.T @ g).real, rtol=1e-12, atol=1e-15)


@each([4, 5])
def test_imaginary_parts_that_irfft_does_not_read_have_no_gradient(n: int):
    x = drawn(n // 2 + 1, is_complex=True)
    gradient = ag.grad(lambda x: np.sum(np.fft.irfft(x, n) * drawn(n)))(x)
    read = gradient.imag != 0
    np.testing.assert_array_equal(read, [False, *[True] * (len(x) - 2), n % 2 == 1])
