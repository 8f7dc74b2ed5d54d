"""What compositions refuse, by name, and their further forms."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.engine.backward import ancestors

from .each import each

NAMES = {
    "np": np, "ag": ag, "x": Tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True),
    "v": Tensor([1.0, 2.0, 4.0], requires_grad=True), "t": Tensor(2.0, requires_grad=True),
    "e": Tensor(np.empty((0, 2)), requires_grad=True),
}  # fmt: skip

REFUSED = {
    "np.gradient(v, edge_order=3)": "'edge_order' greater than 2 not supported",
    "np.gradient(x, 1.0, 2.0, 3.0)": "invalid number of arguments",
    "np.gradient(v[:1])": "too small to calculate a numerical gradient",
    "np.gradient(v, [0.0, 1.0])": "distances must match the length",
    "np.interp(t, [1.0, 2.0], v)": "fp and xp are not of the same length",
    "np.interp(v, [1.0, 2.0], [3.0, 4.0], period=0)": "period must be a non-zero value",
    "np.vander(x)": r"x must be a one-dimensional array",
    "np.geomspace(t, 0.0)": "geomspace: neither end may be 0",
    "np.piecewise(v, [v < 2, v > 3], [0.0])": "2 condition.*2 or 3 functions are expected",
    "np.apply_along_axis(np.sum, 1, e)": "apply_along_axis: .* has no vectors",
    "np.polyval(t, 1.0)": r"has no axes; .*\nin np.polyval",
    "np.einsum('ij,jk', x)": "more operands provided to einstein sum function",
    "np.einsum('ijk', x)": "subscripts string contains too many subscripts",
    "np.einsum('i...->i', x)": "output has more dimensions than subscripts given",
    "np.einsum('i', x)": "operand has more dimensions than subscripts given",
    "np.einsum('ij->i', x, dtype=np.float32)": "einsum: casting='safe' doesn't turn float64 into",
    "np.select([v > 1], [v, v])": "list of cases must be same length",
    "np.select([v], [v])": "invalid entry 0 in condlist",
    "np.meshgrid(v, v, indexing='ab')": "Valid values for `indexing`",
    "np.split(v, 2)": r"array split does not result in an equal division\nin np.split",
    "np.vsplit(v, 2)": "vsplit only works on arrays of 2 or more dimensions",
    "np.pad(v, 1, lambda *args: None)": "pad: a function as mode writes into the array",
    "np.sort(v, order='f')": "Cannot specify order when the array has no fields",
    "np.vecdot(v, v[:2])": "vecdot: .*size 2 is different from 3",
    "np.fft.fft(x, 0)": "fft: Invalid number of FFT data points",
    "np.fft.ifft(x, norm='odd')": "ifft: Invalid norm value odd",
    "np.fft.hfft(x, norm='odd')": "Invalid norm value odd",
    "np.fft.fft(x, axis=2)": "axis 2 is out of bounds",
    "np.fft.rfft(x * 1j)": "rfft: the operand is complex",
    "np.fft.fft2(x, (2,))": "Shape and axes have different lengths",
    "ag.fft.rfftn(x, out=np.zeros(3))": "rfftn",
    "ag.fft.irfft(x, out=np.zeros(3))": "irfft",
    "np.linalg.qr(x, 'raw')": "qr: mode 'raw' can't be differentiated",
    "np.linalg.norm(np.stack([x, x]), 2)": "Improper number of dimensions to norm",
    "np.linalg.norm(x, 'fro', axis=0)": "Invalid norm order 'fro' for vectors",
    "np.linalg.norm(x, 3, axis=(0, 1))": "Invalid norm order for matrices",
    "np.linalg.tensorinv(x, ind=0)": r"Invalid ind argument.\nin np.linalg.tensorinv",
    "np.linalg.outer(x, v)": r"Input arrays must be one-dimensional, .*\nin np.linalg.outer",
    "np.cross(v, [1.0, 2.0, 3.0, 4.0])": "dimension",
    "np.convolve(v, [])": "convolve: v cannot be empty",
    "np.convolve(v, v, 'some')": "convolve: Use one of 'valid', 'same', or 'full'",
    "np.correlate(v, v, 'some')": "convolve: Use one of",
    "np.tensordot(x, v)": "shape-mismatch for sum",
    "np.tensordot(x, v, ([1], [0]))": "shape-mismatch for sum",
    "np.linalg.multi_dot([x])": r"Expecting at least two arrays.\nin np.linalg.multi_dot",
    "np.linalg.matrix_power(x, 1.5)": r"exponent must be an integer\nin np.linalg.matrix_power",
    "np.cumulative_sum(x)": r"``axis`` argument is required.\nin np.cumulative_sum",
    "np.diff(v, -1)": "order must be non-negative but got -1",
    "np.diff(t)": "requires input that is at least one dimensional",
    "np.cumsum(v, 3)": "cumsum: axis 3 is out of bounds",
    "np.average(x, weights=[1.0, 2.0])": "Axis must be specified",
    "np.average(x, 0, weights=v)": "Shape of weights must be consistent",
    "np.average(v, weights=[0.0, 1.0, -1.0])": "average: the weights sum to 0",
    "np.quantile(x, 0.5, weights=[1.0], method='inverted_cdf')": "Axis must be specified",
    "np.cov(x[None])": "cov: variables in rows are needed, not an array of shape",
    "np.cov(x, fweights=[1.0, -2.0])": "fweights cannot be negative",
    "np.cov(x, fweights=[1.0, 1.5])": "fweights must be integer",
    "np.cov(x, aweights=[1.0, -1e-9])": "aweights cannot be negative",
    "np.cov(x, ddof=1.5)": "ddof must be integer",
    "np.linalg.cross(v[:2], v[:2])": "3-dimensional vectors, but they are 2 and 2 dim",
    "np.linalg.cross(v, v[:2])": "3-dimensional vectors, but they are 3 and 2 dim",
    "np.linalg.cross(x, x, axis=0)": "3-dimensional vectors",
    "np.linalg.multi_dot([v, v, v])": "1-dimensional array given. Array must be two-dim",
    "np.linalg.matrix_power(v, 2)": "Array must be at least two-dimensional",
    "np.linalg.matrix_power(x[:1], 1)": "must be square",
    "np.fft.fft(v, 2.5)": "'float' object cannot be interpreted as an integer",
    "np.gradient(x, [0.0, 1.0])": "invalid number of arguments",
    "np.matvec(v, x)": "matvec: Input operand 0 does not have enough dim",
    "np.matvec(x[:, :1], 2.0)": "matvec: Input operand 1 does not have enough dim",
    "np.vecmat(x, [1.0, 2.0])": "vecmat: Input operand 1 does not have enough dim",
    "np.einsum(x, [-1, 0])": "subscript is not within the valid range",
    "np.einsum(x, [0, 1], [52, 0])": "subscript is not within the valid range",
    "np.interp(v, [1.0, 2.0], [0.0, 1.0], left=1j)": "must be real number",
    "np.piecewise(x, [[True, False, True]], [0.0])": "boolean index did not match",
    "np.trim_zeros(v, 'q')": "unexpected character",
    "np.pad(x, 1.5, 'mean')": "must be of integral type",
    "np.pad(v, 1, 'linear_ramp', stat_length=2)": "unsupported keyword arguments for mode",
    "np.pad(e[:, 0], 1, 'median')": "can't extend empty axis 0",
    "np.einsum('ii', x[:1])": r"collapsing index 'i' don't match \(1 != 2\)",
    "np.interp(1j * v, v, v)": "Cannot cast array data",
    "np.vander(v, -1)": "negative dimensions",
    "np.var(v, ddof=1, correction=1)": "var, std: ddof=1 and correction=1 mean the same",
    "np.nanstd(v, ddof=1, correction=1)": "var, std: ddof=1 and correction=1 mean the same",
    "np.sort(v, kind='other')": "sort kind must be one of",
    "np.clip(v, 0, 1, min=0)": "clip: give a_min and a_max, or min and max",
    "np.nanmax(v, where=v > 1)": "max: with where= there must be an initial=",
    "np.nanmin(e, axis=0)": "min: zero-size array to reduction operation",
    "np.max(v, where=v > 1)": "max: with where= there must be an initial=",
    "np.max(v, initial=t)": "max: .* requires a gradient, and initial= is a setting",
    "np.nan_to_num(v, nan=t)": "nan_to_num: .* requires a gradient, and nan= is a setting",
    "np.quantile(v, t)": "quantile: .* requires a gradient, and q= is a setting",
    "ag.index_update(v, 7, 1.0)": r"index_update: .* of shape \(3,\), values of shape \(\)",
    "ag.index_add(v, slice(2), [1.0, 2.0, 3.0])": r"index_add: .* values of shape \(3,\)",
    "ag.roll(v, 1, spam=2)": "roll: got an unexpected keyword argument 'spam'",
    "ag.linalg.inv(v, out=v)": "inv: got an unexpected keyword argument 'out'",
    "ag.gradients(t, [t], seed=ag.Tensor(1j), create_graph=True)": "gradients: the seed has dtype",
}  # fmt: skip


@each(REFUSED.items())
def test_what_is_refused_says_so(code: str, message: str):
    with pytest.raises((TypeError, ValueError, IndexError, ZeroDivisionError), match=message):
        eval(code, dict(NAMES))


def test_what_is_refused_numpy_refuses_too():
    """But where there would be no gradient."""
    ours_alone = ("gradient, and", "ag.", "dtype=float", "lambda", "'raw'")
    plain = {k: x.numpy() if isinstance(x, Tensor) else x for k, x in NAMES.items()}
    for code, message in REFUSED.items():
        if not any(part in code + message for part in ours_alone):
            with pytest.raises((TypeError, ValueError, IndexError, RuntimeError, ArithmeticError)):
                pytest.fail(f"NumPy gives {eval(code, dict(plain))} of {code}")


def test_weights_of_cov_are_computed_in_double_precision():
    x, w = np.array([[1.0, 2.5, 3.0], [0.5, 0.1, 4.0]]), np.array([0.1, 0.2, 0.7], np.float32)
    np.testing.assert_allclose(np.cov(Tensor(x), aweights=w).data, np.cov(x, aweights=w), 1e-15)
    np.testing.assert_allclose(
        np.cov(Tensor(x.astype(np.float32)), aweights=Tensor(w)).data,
        np.cov(x.astype(np.float32), aweights=w), 1e-6,
    )  # fmt: skip


def test_long_convolutions_give_the_part_that_is_wanted():
    """The sums of products of 5000 entries with 4, by the one and by the other."""
    x, v = np.sin(np.arange(5000.0)), np.array([1.0, -2.0, 0.5, 3.0])
    for f in (np.convolve, np.correlate):
        for mode in ("full", "same", "valid"):
            weights = np.cos(np.arange(f(x, v, mode).size) ** 2.0)
            _, pull = ag.vjp(lambda x, v, f=f, mode=mode: f(x, v, mode), x, v)
            by_x, by_v = pull(weights)
            rows = [weights @ f(x, e, mode) for e in np.eye(4)]
            np.testing.assert_allclose(by_v, rows, 1e-12, 1e-10, err_msg=f"{f.__name__} {mode}")
            picked = {i: weights @ f(np.eye(1, 5000, i)[0], v, mode) for i in (0, 1, 2500, 4999)}
            np.testing.assert_allclose([by_x[i] for i in picked], [*picked.values()], 1e-12, 1e-12)


def test_an_error_within_numpy_s_function_says_in_which():
    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        np.insert(NAMES["v"], [0, 1], [1.0, 2.0, 3.0])
    assert caught.value.__notes__ == ["in np.insert"]


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
def test_vectors_of_the_plane_are_crossed_where_numpy_does_so():
    v = Tensor([1.0, 2.0, 4.0])
    for a, b in ((v[:2], v), (v, v[:2]), (v[:2], v[1:])):
        try:
            expected = np.cross(a.data, b.data)
        except ValueError:  # since NumPy 2.5
            with pytest.raises(ValueError, match="3-dimensional vectors, but they are"):
                np.cross(a, b)
        else:
            np.testing.assert_array_equal(np.cross(a, b).data, expected)


@each([
    (lambda v: np.median(v, keepdims=1), lambda v: np.median(v, keepdims=True)),
    (lambda v: np.convolve(v, v, 1), lambda v: np.convolve(v, v, "same")),
    (lambda v: v.flat[1], lambda v: v[1]),
    (lambda v: (v * 1j).conjugate().imag, lambda v: -v),
    (lambda v: np.linalg.matrix_power(np.outer(v, v), -0), lambda v: np.eye(3)),
    (lambda v: np.add.outer(v, v), lambda v: v[:, None] + v),
    (lambda v: np.multiply.accumulate(v), np.cumprod),
    (lambda v: divmod(v, 0.7)[1], lambda v: v % 0.7),
    (lambda v: divmod(7.0, v)[1], lambda v: 7.0 % v),
    (lambda v: np.gradient(v * [1.0, np.inf, 1.0])[1], lambda v: 1.5),
    (lambda v: np.trapezoid(np.outer(v, v), dx=v, axis=0),
     lambda v: np.trapezoid(np.outer(v, v), dx=v, axis=0)),
    (lambda v: np.trapezoid(np.outer(v, v), x=v, axis=0),
     lambda v: np.trapezoid(np.outer(v, v), x=v, axis=0)),
    (lambda v: np.linspace(-v, 3.3, dtype=int), lambda v: np.linspace(-v, 3.3, dtype=int)),
    (lambda v: np.nanvar(v, ddof=3) * [1.0], lambda v: [np.nan]),
    (lambda v: np.nanstd(np.stack([v, v * [1.0, np.nan, 1.0]]), axis=1, correction=2),
     lambda v: [np.std(v, ddof=2), np.nan]),
    (lambda v: np.cumulative_sum(v[0]), lambda v: [1.0]),
    (lambda v: (v * 1j - [1j, 0, 0]).astype(bool), lambda v: [False, True, True]),
    *((f, f) for f in (
        lambda v: np.median(np.outer([-np.inf, 2, 3, np.inf], v) * [1, -1, 1], 0),
        lambda v: np.median(np.outer([-np.inf, -np.inf], v) * [1, -1, 1], 0),
        lambda v: np.quantile(v * [[-np.inf], [2], [3], [np.inf]], np.arange(9) / 8, 0),
        lambda v: np.einsum(np.outer(v, v[:2]), [27, 3]),
        lambda v: np.einsum(np.outer(v, v[:2]), [25, 26]),
        lambda v: np.fft.fftn(v, axes=()),
        lambda v: np.fft.ifftshift(v, axes=(0, 0)),
        lambda v: np.interp(v, [0.0, 2.0, np.inf], [0.0, 1.0, 5.0]),
        lambda v: np.interp(v / [1, 1.3, 0], [0, 1, 2, np.inf], [0, np.inf, 5, 1]),
        lambda v: np.interp(v + 0.5, [1, 2, 3, 4], [np.inf, np.inf, 3, -np.inf]),
        lambda v: np.linspace(v, 3, 1, retstep=True)[1],
        lambda v: np.pad(np.outer(v[:0], v), ((0, 0), (1, 2)), "maximum"),
        lambda v: np.pad(np.tile(v, 9), 3, "linear_ramp", end_values=(1, 2)),
        lambda v: np.pad(np.tile(v, 9), (2, 7), "reflect", reflect_type="odd"),
        lambda v: np.pad(np.tile(v, 9), (9, 0), "symmetric", reflect_type="odd"),
        lambda v: np.average(v, axis=[0]),
        lambda v: np.cov(np.outer(v[:0], v)),
        lambda v: np.cov(np.outer(v, v), dtype="f4").astype(float),
        lambda v: np.maximum.reduce(v, 0, None),
        lambda v: np.trim_zeros(v[0]),
        lambda v: np.gradient(np.tile(v, 2)[:4], np.array([200, 150, 20, 3], np.uint8)),
        lambda v: np.gradient(np.array([200, 3, 100], np.uint8), v[0]),
        lambda v: np.copysign(np.array([-128, 100], np.int8), v[0]),
        lambda v: np.geomspace(v[0], -1, 4, dtype=complex).imag,
        lambda v: np.linspace(0 * v + 3, 30, 7, dtype=int) + 0 * v,
        lambda v: np.linalg.lstsq([[1, 0], [1, 1], [0, 2]], v)[0],
        lambda v: np.linalg.lstsq(np.ones((3, 2)), v, -1)[0],
        lambda v: np.linalg.lstsq(np.outer(v, v[:2]), v, 0)[0],
        lambda v: np.linalg.lstsq(np.ones((3, 2)), v, 1)[0],
    )),
])
def test_further_forms(ours: Any, expected: Any):
    array = np.array([1.0, 2.0, 4.0])
    with np.errstate(all="ignore"):
        found, expected = ours(Tensor(array, requires_grad=True)), expected(array)
    np.testing.assert_allclose(getattr(found, "data", found), expected, 1e-6)


@each([np.median, np.nanmedian])
def test_what_is_reduced_of_nothing_keeps_its_axes(function: Any):
    nothing = np.ones((0, 3))
    for axis in (None, 0, -1, (0, 1)):
        with warnings.catch_warnings(action="ignore"):
            found, expected = (function(x, axis, keepdims=True) for x in (Tensor(nothing), nothing))
        np.testing.assert_array_equal(getattr(found, "data", found), expected)


def test_a_number_is_of_float64_where_numpy_makes_it_an_array():
    x = np.ones(3, np.float32)
    for f in (np.dot, np.inner):
        for a, b in ((x, 2.0), (2, x), (x, np.float32(2))):
            t = f(*(Tensor(y) if y is x else y for y in (a, b)))
            assert t.dtype == f(a, b).dtype


_X = np.array([[1.0, 2.0], [0.5, 3.0]], np.float32)
_BY_1 = ag.grad(lambda x: np.sum(np.linalg.pinv(x) * _X))(_X)


@each([
    (np.angle, np.inf, 0.0),
    (np.angle, -np.inf, 0.0),
    (lambda x: np.arctan2(1.0, x), np.inf, 0.0),
    (lambda x: np.arctan2(x, x), np.inf, 0.0),
    (lambda x: np.arctan2(x, 1e200), 1e200, 0.5e-200),
    (lambda x: np.cumprod(x)[0], [3.0, np.nan, 2.0], [1.0, 0.0, 0.0]),
    (lambda x: np.cumprod(x)[:2], [3.0, 4.0, np.inf], [5.0, 3.0, 0.0]),
    (lambda x: np.cumprod(x), [3.0, np.nan, 2.0], [np.nan, 9.0, np.nan]),
    (lambda x: np.linalg.pinv(x) * (_X * 1e-30), np.float32(1e-15) * _X, _BY_1),
    (lambda x: np.linalg.pinv(x) * (_X * 1e30), np.float32(1e15) * _X, _BY_1),
])
def test_gradients_far_out(f: Any, x: Any, expected: Any):
    with np.errstate(invalid="ignore"):
        found = ag.grad(lambda x: np.sum(f(x)))(np.asarray(x, getattr(x, "dtype", float)))
    np.testing.assert_allclose(found, expected, 1e-4)


@each([iter, np.unstack, lambda x: np.apply_along_axis(lambda r: r[None], 1, x)])
def test_many_parts_don_t_take_the_whole_each(parts: Any):
    x = Tensor(np.arange(2600.0).reshape(1300, 2), requires_grad=True)
    out = np.stack([r * r for r in parts(x)])
    ops = [t for t in ancestors({out: None}, {x}) if t.op]
    assert sum(t.inputs[0].size for t in ops if t.op == "getitem") < 100 * x.size
    assert max(len(t.inputs) for t in ops) <= 512
    np.sum(out).backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


def test_functions_keep_numpy_s_signature():
    import inspect

    assert inspect.signature(ag.roll) == inspect.signature(np.roll)
    assert ag.roll.__name__ == "roll"
    assert "(…, n, n)" in (ag.linalg.inv.__doc__ or "")


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="np.pad took no dict")
def test_pad_takes_widths_by_axis():
    x = np.arange(6.0).reshape(2, 3)
    for mode in ("edge", "mean", "constant"):
        np.testing.assert_array_equal(
            ag.grad(lambda x, mode=mode: np.sum(np.pad(x, {-1: (1, 2)}, mode) ** 2))(x),
            ag.grad(lambda x, mode=mode: np.sum(np.pad(x, ((0, 0), (1, 2)), mode) ** 2))(x),
        )


def test_a_median_between_numbers_that_rounding_hardly_tells_apart():
    x = np.array([3e7, 3e7 + 2, 1e6, 6e7], np.float32)  # of which the mean is the first again
    np.testing.assert_array_equal(ag.grad(np.median)(x), [0.5, 0.5, 0.0, 0.0])
