"""What compositions refuse, by name, and their further forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Tensor

from .each import each

NAMES = {
    "np": np, "ag": ag, "x": Tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True),
    "v": Tensor([1.0, 2.0, 4.0], requires_grad=True), "t": Tensor(2.0, requires_grad=True),
    "e": Tensor(np.empty((0, 2)), requires_grad=True),
}  # fmt: skip

REFUSED = {
    "np.gradient(v, edge_order=3)": "gradient: edge_order must be 1 or 2, not 3",
    "np.gradient(x, 1.0, 2.0, 3.0)": "gradient: 3 spacings were given for 2 axes",
    "np.gradient(v[:1])": "gradient: 1 samples along an axis are too few for edge_order=1",
    "np.gradient(v, [0.0, 1.0])": r"gradient: coordinates of shape \(2,\) .* an axis of 3 samples",
    "np.interp(t, [1.0, 2.0], v)": "interp: xp and fp must be vectors of one size",
    "np.interp(v, [1.0, 2.0], [3.0, 4.0], period=0)": "interp: the period must not be 0",
    "np.vander(x)": r"vander: a vector is needed, not an array of shape \(2, 2\)",
    "np.geomspace(t, 0.0)": "geomspace: neither end may be 0",
    "np.piecewise(v, [v < 2, v > 3], [0.0])": "piecewise: 2 conditions and 1 functions",
    "np.apply_along_axis(np.sum, 0, e)": "apply_along_axis: .* has no vectors",
    "np.polyval(t, 1.0)": "polyval: the coefficients must be a vector",
    "np.einsum('ij,jk', x)": "einsum: 'ij,jk' speaks of 2 arrays, and 1 were given",
    "np.einsum('ijk', x)": "einsum: 'ijk' of 'ijk' doesn't fit an array of 2 axes",
    "np.einsum('i', x)": "einsum: 'i' of 'i' doesn't fit an array of 2 axes",
    "np.einsum('ij->i', x, dtype=float)": "einsum: the arguments",
    "np.select([v > 1], [v, v])": "select: 1 conditions and 2 choices were given",
    "np.select([v], [v])": "select: a condition has dtype float64, not bool",
    "np.meshgrid(v, v, indexing='ab')": "meshgrid: indexing must be 'xy' or 'ij', not 'ab'",
    "np.split(v, 2)": "split: array split does not result in an equal division",
    "np.vsplit(v, 2)": r"vsplit: an array of shape \(3,\) can't be split along axis 2",
    "np.pad(v, 1, lambda *args: None)": "pad: a function as mode writes into the array",
    "np.sort(v, order='f')": "sort: order= is for arrays with fields",
    "np.vecdot(v, v[:2])": "vecdot: the vectors have 3 and 2 entries",
    "np.linalg.outer(x, v)": "linalg.outer: two vectors are needed",
    "np.cross(v, [1.0, 2.0, 3.0, 4.0])": r"cross: vectors of 3 entries .* they have \(3, 4\)",
    "np.convolve(v, [])": "convolve: an operand is empty",
    "np.convolve(v, v, 'some')": "convolve: mode must be 'full', 'same' or 'valid', not 'some'",
    "np.correlate(v, v, 'some')": "convolve: mode must be",
    "np.tensordot(x, v)": "tensordot: 2 axes are asked for of arrays of shapes",
    "np.tensordot(x, v, ([1], [0]))": "tensordot: the axes .* must have the same sizes",
    "np.linalg.multi_dot([x])": "multi_dot: at least two arrays are needed, and 1 was given",
    "np.linalg.matrix_power(x, 1.5)": "matrix_power: the exponent must be an integer, not 1.5",
    "np.cumulative_sum(x)": r"cumulative_sum: an array of shape \(2, 2\) needs an axis=",
    "np.diff(v, -1)": "diff: n must be at least 0, and is -1",
    "np.diff(t)": "diff: axis -1 is out of bounds",
    "np.cumsum(v, 3)": "cumsum: axis 3 is out of bounds",
    "np.average(x, weights=[1.0, 2.0])": r"average: weights of shape \(2,\) .* need an axis=",
    "np.average(x, 0, weights=v)": "average: weights of shape .* don't fit the axes",
    "np.average(v, weights=[0.0, 1.0, -1.0])": "average: the weights sum to 0",
    "np.quantile(x, 0.5, weights=[1.0], method='inverted_cdf')": "quantile: weights of shape",
    "np.cov(x[None])": "cov: variables in rows are needed, not an array of shape",
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


def test_an_error_within_numpy_s_function_says_in_which():
    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        np.insert(NAMES["v"], [0, 1], [1.0, 2.0, 3.0])
    assert caught.value.__notes__ == ["in np.insert"]


@each([
    (lambda v: np.median(v, keepdims=1), lambda v: np.median(v, keepdims=True)),
    (lambda v: np.convolve(v, v, 1), lambda v: np.convolve(v, v, "same")),
    (lambda v: v.flat[1], lambda v: v[1]),
    (lambda v: (v * 1j).conjugate().imag, lambda v: -v),
    (lambda v: np.cross(v[:2], v), lambda v: np.cross(np.append(v[:2], 0.0), v)),
    (lambda v: np.cross(v[:2], v[1:]), lambda v: v[0] * v[2] - v[1] ** 2),
    (lambda v: np.linalg.matrix_power(np.outer(v, v), -0), lambda v: np.eye(3)),
    (lambda v: np.add.outer(v, v), lambda v: v[:, None] + v),
    (lambda v: np.multiply.accumulate(v), np.cumprod),
    (lambda v: divmod(v, 0.7)[1], lambda v: v % 0.7),
    (lambda v: divmod(7.0, v)[1], lambda v: 7.0 % v),
])
def test_further_forms(ours: Any, expected: Any):
    array = np.array([1.0, 2.0, 4.0])
    found = ours(Tensor(array, requires_grad=True))
    np.testing.assert_allclose(getattr(found, "data", found), expected(array))


def test_functions_keep_numpy_s_signature():
    import inspect

    assert inspect.signature(ag.roll) == inspect.signature(np.roll)
    assert ag.roll.__name__ == "roll"
    assert "(…, n, n)" in (ag.linalg.inv.__doc__ or "")
