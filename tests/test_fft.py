"""numpy.fft: derivatives against differences and as the transforms' matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Op, Tensor, fft

from .each import each
from .test_linalg import check, drawn

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fft2", "ifft2", "fftn", "ifftn", "rfft2", "rfftn", "irfft2", "irfftn")
REAL = ("rfft", "ihfft", "rfft2", "rfftn")  # they take real numbers only

NORMS = (None, "backward", "ortho", "forward")


def called(name: str, **settings: Any) -> Any:
    return lambda x: getattr(np.fft, name)(x, **settings)


def operands(name: str, *shape: int) -> list[Any]:
    x = drawn(*shape)
    return [x] if name in REAL else [x, drawn(*shape, is_complex=True)]


def same(ours: Any, expected: Any) -> None:
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(
        ours.data, expected, rtol=1e-5 if expected.dtype.char in "fF" else 1e-12, atol=1e-6
    )


@each(ONE, [None, 1, 2, 3, 6, 7], [-1, 0, 1], NORMS, by=lambda name, *_: name)
def test_along_one_axis(name: str, n: int | None, axis: int, norm: str | None):
    f = called(name, n=n, axis=axis, norm=norm)
    for x in operands(name, 4, 5, 3):
        same(f(Tensor(x)), f(x))
        check(f, x, order=1)


@each(ONE)
def test_second_derivatives(name: str):
    for x in operands(name, 2, 5):
        check(lambda x: getattr(np.fft, name)(x, 4) ** 3, x)


@each(SEVERAL, [
    {}, {"axes": (0, -1)}, {"axes": (2, 1)}, {"s": (3, 6), "axes": (0, 1)}, {"axes": (1,)},
    {"s": (-1, 4), "axes": (-2, -1)}, {"axes": (0, 1, 0)}, {"s": (5, 2, 3), "axes": (1, 1, 2)},
], NORMS, by=lambda name, *_: name)  # fmt: skip
def test_along_several_axes(name: str, settings: dict[str, Any], norm: str | None):
    f = called(name, norm=norm, **settings)
    for x in operands(name, 4, 5, 3):
        same(f(Tensor(x)), f(x))
        check(f, x, order=1)


def test_sizes_without_axes_are_of_the_last_ones():
    x = drawn(2, 4, 3)
    same(np.fft.fftn(Tensor(x), s=(3, 5)), np.fft.fftn(x, s=(3, 5), axes=(-2, -1)))


@each(["fftshift", "ifftshift"], [None, 0, -1, (0, 1), (1,)])
def test_shifts(name: str, axes: Any):
    f = called(name, axes=axes)
    for x in (drawn(4, 5), drawn(5, 3, is_complex=True)):
        same(f(Tensor(x)), f(x))
        check(f, x)


@each(["fft", "ifft"], [3, 5, 8], NORMS)
def test_a_pullback_is_the_transposed_matrix(name: str, n: int, norm: str | None):
    f = called(name, n=n, norm=norm)
    matrix = f(np.eye(5)).T
    g = drawn(n, is_complex=True)
    _, back = ag.vjp(f, drawn(5, is_complex=True))
    np.testing.assert_allclose(back(g)[0], matrix.T @ g, rtol=1e-12)
    _, back = ag.vjp(f, drawn(5))  # of real numbers: what moves along the real axis
    np.testing.assert_allclose(back(g)[0], (matrix.T @ g).real, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("n", [4, 5])
def test_imaginary_parts_that_irfft_does_not_read_have_no_gradient(n: int):
    x = drawn(n // 2 + 1, is_complex=True)
    gradient = ag.grad(lambda x: np.sum(np.fft.irfft(x, n) * drawn(n)))(x)
    read = gradient.imag != 0
    np.testing.assert_array_equal(read, [False, *[True] * (len(x) - 2), n % 2 == 1])


@pytest.mark.parametrize("name", ["rfft", "irfft", "hfft", "rfft2", "irfftn"])
def test_a_jacobian_is_what_its_rows_are_one_by_one(name: str):
    def f(x: Any) -> Any:
        return np.real(getattr(np.fft, name)(x))

    x = drawn(2, 3, 4)
    jacobian, value, back = ag.jacobian(f)(x), *ag.vjp(f, x)
    rows = [back(row.reshape(value.shape))[0] for row in np.eye(value.size)]
    np.testing.assert_allclose(
        jacobian, np.stack(rows).reshape(value.shape + x.shape), rtol=1e-12, atol=1e-15
    )


@each(ONE + SEVERAL, ["f", "F", "e"])
def test_narrow_floats_stay_what_they_are(name: str, dtype: str):
    if dtype == "F" and name in REAL:
        return  # it takes real numbers only
    x = drawn(3, 4).astype(dtype)
    t, f = Tensor(x, requires_grad=True), called(name)
    out = f(t)
    assert out.dtype == f(x).dtype
    out.backward(np.ones(out.shape))
    assert t.grad.dtype == x.dtype


def test_plain_arrays_and_lists_give_plain_arrays():
    x = [[1.0, 2.0, 4.0], [0.0, -1.0, 3.0]]
    for name in fft.__all__:
        ours, numpys = getattr(fft, name)(x), getattr(np.fft, name)(x)
        assert not isinstance(ours, Tensor)
        np.testing.assert_allclose(ours, numpys, rtol=1e-12, atol=1e-15)


def test_what_numpy_refuses_is_refused_by_name():
    x = Tensor(drawn(3, 4))
    for wrong, error, message in (
        (lambda: np.fft.fft(x, 0), ValueError, "fft: Invalid number of FFT data points"),
        (lambda: np.fft.ifft(x, norm="odd"), ValueError, "ifft: Invalid norm value odd"),
        (lambda: np.fft.hfft(x, norm="odd"), ValueError, "Invalid norm value odd"),
        (lambda: np.fft.fft(x, axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda: np.fft.rfft(x * 1j), TypeError, "rfft: the operand is complex"),
        (lambda: np.fft.fft2(x, (2,)), ValueError, "fft2: 1 sizes were given for 2 axes"),
        (lambda: fft.rfftn(x, out=np.zeros(3)), TypeError, "rfftn"),
        (lambda: fft.irfft(x, out=np.zeros(3)), TypeError, "irfft"),
    ):
        with pytest.raises(error, match=message):
            wrong()


@pytest.mark.parametrize("name", ["fft", "ifft"])
def test_a_wrong_rule_is_seen(name: str, monkeypatch: pytest.MonkeyPatch):
    entry: Op = ag.OPS[name]
    (vjp,) = entry.vjps
    wrong = (lambda g, *args, **params: 1.01 * vjp(g, *args, **params),)
    monkeypatch.setattr(entry, "vjps", wrong)
    affected = {"fft": ("fft", "rfft", "ihfft", "rfftn"), "ifft": ("ifft", "irfft", "hfft")}
    for function in affected[name]:
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            check(called(function), drawn(2, 4), order=1)
