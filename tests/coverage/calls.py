"""The table: every function that is covered, in every way of calling it that matters.

An entry: the group, the function, and calls of it, given by what stands between the parentheses
or as a whole; then the operands, see `call`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .call import CALLS, Operand, add, between, cplx, exactly, positive, within_1

__all__ = ["CALLS", "NOT_COVERED", "REFUSED", "SETTINGS", "UNDISPATCHED", "VALUES"]

Shape = tuple[int, ...]

MASK = np.array([[True, False, True], [False, True, True]])
NAN = [[0.5, np.nan, -1.3], [1.7, 0.2, np.nan], [-0.4, 1.1, 0.9], [np.nan, 2.0, -0.6]]
TIED = [[1.0, 2.0, 2.0], [0.5, -1.0, 0.5]]
ZEROS = [[0.0, 1.5, 2.0], [-0.5, 0.0, 0.0], [1.2, 0.7, -1.1]]

# ---------------------------------------------------------------------- elementwise

ELEMENTWISE = "Elementwise"
ONE = {
    "abs absolute fabs arcsinh arctan asinh atan conj cos cosh deg2rad degrees exp exp2 expm1 imag "
    "negative positive rad2deg radians real sign sin sinc sinh square tanh copy nan_to_num angle":
        between(-2, 2),
    "cbrt log log10 log1p log2 reciprocal sqrt": positive(),
    "arccos arcsin arctanh acos asin atanh tan": within_1(),
    "arccosh acosh": between(1.2, 3),
}  # fmt: skip
for names, domain in ONE.items():
    for shape in ((2, 3), (), (0, 3)):
        add(ELEMENTWISE, names, "x", x=between(domain.low, domain.high, *shape))
names = (
    "arcsinh arctan asinh atan cos cosh exp exp2 expm1 log log10 log1p log2 negative positive "
    "reciprocal sin sinh sqrt square tan tanh arccos arcsin arctanh acos asin atanh arccosh acosh "
    "abs absolute angle conj copy imag nan_to_num real sign sinc"
)
add(ELEMENTWISE, names, "x", x=cplx(2, 3))
add(ELEMENTWISE, "angle", "x, deg=True", x=cplx(3))
add(ELEMENTWISE, "cbrt", "-x", x=positive(3))
add(ELEMENTWISE, "sinc", "x", x=exactly([0.0, 1.0, -2.0, 1e-3]))
add(ELEMENTWISE, "nan_to_num", "x", "x, copy=True, nan=3.0", x=exactly([np.nan, 1.0, -2.0]))
add(ELEMENTWISE, "nan_to_num", "x, nan=1.0, posinf=2.0, neginf=-2.0", x=exactly(
    [np.nan, np.inf, 0.3, -np.inf]))  # fmt: skip
add(ELEMENTWISE, "exp", "x, dtype='float64'", x=(3,))
add(ELEMENTWISE, "exp", "x, dtype='float32'", x=(3,), order=0)

TWO = {
    "add arctan2 atan2 fmax fmin hypot logaddexp logaddexp2 maximum minimum multiply subtract":
        between(-2, 2),
    "divide float_power fmod mod pow power remainder true_divide divmod": positive(),
}  # fmt: skip
PAIRS = [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((0, 3), (3,)), ((3,), (3,))]
for names, domain in TWO.items():
    for pair in PAIRS:
        x, y = (between(domain.low, domain.high, *shape) for shape in pair)
        add(ELEMENTWISE, names, "x, y", x=x, y=y)
    add(ELEMENTWISE, names, "x, 0.7", "0.7, x", x=positive(2, 2))
names = "add subtract multiply divide true_divide float_power pow power"
add(ELEMENTWISE, names, "x, y", x=cplx(2, 3), y=cplx(3))
add(ELEMENTWISE, names, "x, y", x=cplx(2), y=positive(2))
add(ELEMENTWISE, "float_power pow power", "x, x", "x, 3", "2.0, x", "x, 0.5", x=cplx(2))
add(ELEMENTWISE, "add", "x, y, dtype='float64'", x=(3,), y=(3,))
add(ELEMENTWISE, "multiply", "x, 2j", x=(3,))
names = "pow power float_power"
add(ELEMENTWISE, names, "x, 3", "x, -1", "x, 2.0", "x, [0, 1, 2]", x=between(-2, -0.5, 3))
add(ELEMENTWISE, names, "x, 0", "x, 1", "x, 2", x=exactly([0.0, 0.5, -1.0]))
add(ELEMENTWISE, names, "x, y", x=positive(4), y=exactly([0.0, 1.0, 2.0, -1.0]))
add(ELEMENTWISE, "mod remainder fmod divmod", "x, -0.7", "x, [1.3, 0.4]", x=(2,))
add(ELEMENTWISE, "maximum minimum fmax fmin", "x, y", x=exactly([1.0, 2.0]),
    y=exactly([1.0, 3.0]), order=1)  # fmt: skip
add(ELEMENTWISE, "fmax fmin", "x, y", x=exactly([np.nan, 2.0]), y=exactly([1.0, np.nan]))
add(ELEMENTWISE, "hypot", "x, y", x=exactly([0.0, 1.0]), y=exactly([2.0, 0.0]))
add(ELEMENTWISE, "astype", "x, 'float64'", x=(2, 3))
add(ELEMENTWISE, "astype", "x, complex", x=(2, 3), complex=np.complex128)
add(ELEMENTWISE, "ldexp", "x, n", "x, 2", x=(2, 3), n=np.array([0, 1, -2]))
add(ELEMENTWISE, "clip", "x, -0.5, 0.7", "x, None, 0.5", "x, 0.1, None", "x, min=-0.2",
    "x, max=0.2", "x, [-0.5, 0.0, 0.5], 1.5", x=(2, 3))  # fmt: skip
add(ELEMENTWISE, "clip", "x, low, high", "x, min=low, max=high", x=(2, 3),
    low=between(-1, -0.5, 3), high=between(0.3, 1, 2, 1))  # fmt: skip
add(ELEMENTWISE, "clip", "x, 0.0, 1.0", x=())

# ---------------------------------------------------------------------- choosing

CHOOSING = "Choosing"
add(CHOOSING, "where", "mask, x, y", "mask, x, 0.5", "mask, 2, y", x=(2, 3), y=(3,), mask=MASK)
add(CHOOSING, "where", "x > 0, x, y", x=(2, 3), y=())
add(CHOOSING, "where", "mask, x, y", x=cplx(2, 3), y=(2, 1), mask=MASK)
add(CHOOSING, "select", "[x > 1, x > 0], [x * x, y]", "[x > 1, x > 0], [x * x, y], 0.3",
    "[x > 1, x > 0], [x, 2 * y], default=x * y", x=(2, 3), y=(3,))  # fmt: skip
add(CHOOSING, "piecewise", "x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]",
    "x, [x < 0], [3.0, lambda v: v**3]", "x, [x < -1, x > 1], [-1, 1]",
    "x, [x < -1, x > 1], [lambda v, a: a * v, lambda v, a: v * v * a, lambda v, a: v], 2.0",
    "x, [x < 0], [lambda v: v * v]",
    x=(2, 3))  # fmt: skip
add(CHOOSING, "piecewise", "x, [x < 0], [lambda v: v * v, 1.0]", x=())

# ---------------------------------------------------------------------- reductions

REDUCTIONS = "Reductions"
AXES = [
    "x", "x, axis=0", "x, axis=-1", "x, axis=(0, 2)", "x, axis=(-1, 0, 1)", "x, axis=None",
    "x, axis=1, keepdims=True", "x, axis=(0, 1), keepdims=True", "x, keepdims=True", "x, 1",
]  # fmt: skip
names = "sum prod mean var std max min amax amin"
add(REDUCTIONS, names, *AXES, x=(2, 3, 2))
add(REDUCTIONS, names, "x", "x, keepdims=True", x=())
add(REDUCTIONS, names, "x, axis=1", "x, axis=(1,)", x=(0, 3))
names = "ptp median nanmax nanmin nanmean nanvar nanstd nansum nanprod nanmedian"
add(REDUCTIONS, names, *AXES[:-1], x=(2, 3, 2))
add(REDUCTIONS, names, "x", x=())
names = "sum prod mean var std"
add(REDUCTIONS, names, "x, axis=()", "x, axis=-1, where=mask", "x, where=mask, keepdims=True",
    "x, axis=1, where=[True, False, True]", x=(2, 3), mask=MASK)  # fmt: skip
add(REDUCTIONS, names, "x, dtype='float64'", x=(2, 3))
add(REDUCTIONS, names, "x, axis=0, dtype='float32'", x=(2, 3), order=0)
add(REDUCTIONS, names, "x", "x, axis=0", x=cplx(2, 3))
names = "sum prod nansum nanprod"
add(REDUCTIONS, names, "x", "x, axis=0", "x, axis=0, keepdims=True", x=(0, 3))
add(REDUCTIONS, names, "x, initial=2.0", "x, axis=0, initial=2.0, where=mask", x=(2, 3),
    mask=MASK)  # fmt: skip
add(REDUCTIONS, "sum", "x, initial=y", x=(2, 3), y=())
add(REDUCTIONS, "prod nanprod", "x", "x, axis=0", "x, axis=1", x=exactly(ZEROS))
add(REDUCTIONS, "prod nanprod", "x", "x[None], axis=1, keepdims=True", x=exactly(np.zeros(3)))
names = "sum prod max min ptp nansum nanprod nanmax nanmin nanmean nanvar"
add(REDUCTIONS, names, "x, axis=0", "x, axis=-1", x=())
names = "max min amax amin nanmax nanmin"
add(REDUCTIONS, names, "x, initial=0.3", "x, axis=0, where=mask, initial=0.1",
    "x, axis=-1, keepdims=True, initial=0.0", x=(2, 3), mask=MASK)  # fmt: skip
add(REDUCTIONS, names, "x, axis=1", "x, axis=0", x=exactly(TIED), order=1)
add(REDUCTIONS, "var std nanvar nanstd", "x, ddof=1", "x, axis=0, ddof=1, keepdims=True",
    "x, correction=1", "x, axis=1, ddof=0.5, where=mask", "x, 0, mean=np.mean(x, 0, keepdims=True)",
    "x, axis=0, mean=m", x=(2, 3), m=(1, 3), mask=MASK)  # fmt: skip
add(REDUCTIONS, "std", "x", x=exactly([1.0, 1.0, 1.0]), order=0)
add(REDUCTIONS, "var", "x", x=exactly([1.0, 1.0, 1.0]))
add(REDUCTIONS, "ptp", "x, axis=1, keepdims=True", x=exactly([[1.0, 1.0, 3.0]]), order=1)
add(REDUCTIONS, "median", "x, axis=0", "x, axis=1", "x, overwrite_input=False", x=(4, 3))
add(REDUCTIONS, "median", "x, axis=1", x=exactly([[1.0, 2.0, 2.0, 5.0]]), order=1)
add(REDUCTIONS, "average", *AXES[:-1], x=(2, 3, 2))
add(REDUCTIONS, "average", "x, weights=w", "x, weights=w, returned=True",
    "x, axis=1, weights=w, keepdims=True", "x, 0, w", "x, returned=True", "x, axis=-1, weights=v",
    "x, axis=1, weights=[0.2, 0.3, 0.5]", "x, axis=(1, 0), weights=w.T", "x, axis=0, weights=u",
    x=(2, 3), w=positive(2, 3), v=positive(3), u=positive(2))  # fmt: skip
add(REDUCTIONS, "average", "x, weights=w", x=cplx(3), w=positive(3))
names = "nanmax nanmin nanmean nanvar nanstd nansum nanprod nanmedian"
add(REDUCTIONS, names, "x", "x, axis=0", "x, axis=-1, keepdims=True", x=exactly(NAN))
names = "nanmean nansum nanprod nanvar nanstd"
add(REDUCTIONS, names, "x, axis=0, where=[[True], [True], [True], [False]]", x=exactly(NAN))
add(REDUCTIONS, names, "x", x=cplx(2, 3))
add(REDUCTIONS, "nanvar", "x, axis=0, ddof=1", x=exactly(NAN))

# ---------------------------------------------------------------------- order

add(ELEMENTWISE, "copysign heaviside nextafter", "x, 0.5", "[0.5, -0.5], x", x=(2,))
add(ELEMENTWISE, "copysign heaviside nextafter", "x, y", x=exactly([-1.0, 0.5, 2.0]), y=(2, 3))
add(ELEMENTWISE, "heaviside", "[0.0, -1.0, 1.0], x", "0, x", x=(3,))

ORDER = "Order and quantiles"
GROUPS = "Groups of entries"
add(GROUPS, "unique", "x", "x, axis=0", "x, True, True, True", "x, axis=1, return_counts=True",
    x=(2, 3))  # fmt: skip
add(GROUPS, "unique", "x", x=exactly(TIED), order=0)
add(GROUPS, "bincount", "[0, 2, 2], x", "[4, 1, 1], weights=x, minlength=7", x=(3,))
add(GROUPS, "histogram", "x", "x, 3", "x, bins=2, density=True", "x, range=(-1, 1)",
    "x, bins=[-1, 0.1, 1], density=True", "x, 2, weights=[1, 2, 3, 4, 5]", x=(5,))  # fmt: skip
add(GROUPS, "histogram", "x, 3", "x, 3, density=True", x=exactly([1.5]), order=0)

add(ORDER, "sort", "x", "x, axis=0", "x, axis=-2", "x, axis=None", "x, kind='stable'",
    "x, stable=True", x=(3, 4))  # fmt: skip
add(ORDER, "sort", "x", x=(0,))
add(ORDER, "sort", "x", x=cplx(4))
add(ORDER, "sort", "x", x=exactly(TIED), order=0)
add(ORDER, "partition", "x, 2", "x, (1, 3), axis=-1", "x, 1, axis=0", "x, -2", "x, 5, axis=None",
    x=(3, 4))  # fmt: skip
for name, scale in (("quantile", 1), ("percentile", 100), ("nanquantile", 1),
                    ("nanpercentile", 100)):  # fmt: skip
    add(ORDER, name, "x, q", "x, q, axis=0", "x, q, axis=-1, keepdims=True", "x, q, axis=(0, 2)",
        "x, several", "x, several, axis=1", "x, several, axis=(1, 0), keepdims=True", "x, 0",
        f"x, {scale}", "x, [[0.2], [0.9]], axis=0",
        x=(2, 3, 2), q=0.37 * scale, several=[0.0, 0.25 * scale, 0.81 * scale])  # fmt: skip
    for method in ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "hazen",
                   "interpolated_inverted_cdf", "linear", "median_unbiased", "normal_unbiased",
                   "weibull", "lower", "higher", "midpoint", "nearest"):  # fmt: skip
        add(ORDER, name, f"x, q, axis=0, method='{method}'", x=(5, 2),
            q=[0.13 * scale, 0.57 * scale])  # fmt: skip
    add(ORDER, name, "x, q, weights=w, method='inverted_cdf'", x=(5,), q=0.4 * scale,
        w=np.array([0.1, 0.2, 0.3, 0.2, 0.2]))  # fmt: skip
    add(ORDER, name, "x, q", x=(), q=0.3 * scale)
for name, scale in (("nanquantile", 1), ("nanpercentile", 100)):
    add(ORDER, name, "x, q", "x, q, axis=0", "x, q, axis=1, keepdims=True", x=exactly(NAN),
        q=[0.2 * scale, 0.75 * scale])  # fmt: skip
add(ORDER, "trim_zeros", "x", "x, 'f'", "x, trim='b'", x=exactly([0.0, 0.0, 1.0, 0.0, 2.0, 0.0]),
    order=0)  # fmt: skip
add(ORDER, "trim_zeros", "x", x=(4,))

# ---------------------------------------------------------------------- scans and differences

SCANS = "Cumulative and differences"
names = "cumsum cumprod nancumsum nancumprod"
add(SCANS, names, "x", "x, axis=0", "x, axis=-1", "x, 1, dtype='float64'", x=(2, 3))
add(SCANS, names, "x", x=())
add(SCANS, names, "x", "x, axis=0", x=(0, 2))
add(SCANS, names, "x, axis=1", x=cplx(2, 3))
names = "cumulative_sum cumulative_prod"
add(SCANS, names, "x, axis=0", "x, axis=-1", "x, axis=1, include_initial=True",
    "x, axis=0, dtype='float64'", x=(2, 3))  # fmt: skip
add(SCANS, names, "x", "x, include_initial=True", x=(4,))
add(SCANS, names, "x", x=(0,))
add(SCANS, "cumprod nancumprod cumulative_prod", "x, axis=0", "x, axis=1", x=exactly(ZEROS))
add(SCANS, "cumprod nancumprod cumulative_prod", "x", x=exactly(np.zeros(3)))
add(SCANS, "cumprod nancumprod cumulative_prod", "x, axis=0", x=exactly([2.0, 0.0, 5.0]))
add(SCANS, "nancumsum nancumprod", "x", "x, axis=0", "x, axis=1", x=exactly(NAN))
add(SCANS, "diff", "x", "x, 2", "x, n=3, axis=-1", "x, axis=0", "x, n=0", "x, 1, 0, 2.0",
    "x, prepend=p", "x, append=p", "x, n=2, axis=1, prepend=p, append=0.5", x=(3, 4), p=(3, 2))
add(SCANS, "diff", "x, n=5", x=(3,))
add(SCANS, "diff", "x", x=cplx(3))
add(SCANS, "ediff1d", "x", "x, to_end=y", "x, to_begin=y", "x, [1.0], y", "x, y, 3.0", x=(2, 3),
    y=(2,))  # fmt: skip
add(SCANS, "ediff1d", "x", x=(1,))
add(SCANS, "gradient", "x", "x, 2.0", "x, axis=0", "x, 0.5, axis=-1", "x, axis=(0, 1)",
    "x, 0.5, 2.0", "x, edge_order=2", "x, [0.0, 1.0, 3.0], [0.0, 0.5, 1.5, 2.0]",
    "x, 2.0, [0.0, 0.5, 1.5, 2.0]", "x, [0.0, 1.0, 3.0], axis=0, edge_order=2",
    "x, 0.5, 2.0, axis=(1, 0), edge_order=2", x=(3, 4))  # fmt: skip
add(SCANS, "gradient", "x", "x, 0.5", "x, [0.0, 1.0, 3.0, 3.5]", x=(4,))
add(SCANS, "gradient", "x, np.cumsum(d)", "x, np.cumsum(d), edge_order=2", x=(4,), d=positive(4))
add(SCANS, "gradient", "x, d", x=(4,), d=positive())
add(SCANS, "gradient", "x", x=cplx(4))
add(SCANS, "gradient", "x, edge_order=2", x=(6,))
add(SCANS, "trapezoid", "x", "x, dx=0.5", "x, axis=0", "x, dx=d", "x, t", "x, x=t", "x, t, axis=-1",
    "x, [0.0, 1.0, 3.0], axis=0", x=(3, 4), t=(4,), d=positive())  # fmt: skip
add(SCANS, "trapezoid", "x, t, axis=1", x=(3, 4), t=(3, 4))
add(SCANS, "trapezoid", "x, t", x=cplx(4), t=(4,))
add(SCANS, "unwrap", "x", "x, axis=0", "x, discont=4.0", "x, period=4.0", "x, period=3.0, axis=-2",
    x=between(-9, 9, 3, 4))  # fmt: skip
add(SCANS, "interp", "x, [0.0, 1.0, 2.5], [1.0, 3.0, -1.0]", "x, [0.0, 1.0, 2.5], fp",
    "x, [0.0, 1.0, 2.5], fp, left=-7.0, right=8.0", "x, [0.0, 1.0, 2.5], fp, 0.5, right=None",
    "x, [2.5, 0.0, 1.0], fp, period=3.0", "x, np.cumsum(d), fp", "x, np.cumsum(d), fp, period=4.0",
    x=between(-1, 4, 2, 3), fp=(3,), d=positive(3))  # fmt: skip
add(SCANS, "interp", "x, [0.0, 1.0, 2.5], fp, left=y, right=2 * y", x=between(-1, 4, 2, 3), fp=(3,),
    y=())  # fmt: skip
add(SCANS, "interp", "1.3, np.cumsum(d), fp", "[-1.0, 0.7], [0.0, 1.0, 2.5], fp", fp=(3,),
    d=positive(3))  # fmt: skip
add(SCANS, "interp", "x, [0.0, 1.0, 2.5], fp", x=positive(2), fp=cplx(3))
add(SCANS, "interp", "x, [0.0, 1.0, 2.5], fp", x=positive(), fp=(3,))
add(SCANS, "interp", "x, [0.0, 1.0, 2.5], fp", x=exactly([0.0, 1.0, 2.5]), fp=(3,), order=0)

# ---------------------------------------------------------------------- shaping

SHAPING = "Shapes"
add(SHAPING, "reshape", "x, (3, 4)", "x, -1", "x, (2, -1)", "x, shape=(12,)",
    "x, (1, 12), copy=True", x=(2, 3, 2))  # fmt: skip
add(SHAPING, "reshape", "x, (3, -1), order='F'", "x, 6, order='F'", x=(2, 3))
add(SHAPING, "reshape", "x, (1, 1)", "x, ()", x=())
add(SHAPING, "reshape", "x, (3, 0)", x=(0, 2))
add(SHAPING, "ravel", "x", "x, order='C'", "x, order='F'", x=(2, 3))
add(SHAPING, "ravel", "x", x=())
names = "transpose permute_dims"
add(SHAPING, names, "x", "x, (1, 2, 0)", "x, axes=(-1, 0, 1)", x=(2, 3, 4))
add(SHAPING, names, "x", x=())
add(SHAPING, "swapaxes", "x, 0, 2", "x, -1, 1", "x, axis1=0, axis2=0", x=(2, 3, 4))
add(SHAPING, "moveaxis", "x, 0, -1", "x, (0, 1), (-1, 0)", "x, [2], [0]", x=(2, 3, 4))
add(SHAPING, "rollaxis", "x, 2", "x, 0, 3", "x, -1, 1", x=(2, 3, 4))
add(SHAPING, "matrix_transpose", "x", x=(2, 3, 4))
add(SHAPING, "expand_dims", "x, 0", "x, -1", "x, (0, 2)", "x, axis=[1]", x=(2, 3))
add(SHAPING, "squeeze", "x", "x, 0", "x, axis=(0, -1)", x=(1, 3, 1))
add(SHAPING, "squeeze", "x", x=(1, 1))
add(SHAPING, "atleast_1d atleast_2d atleast_3d", "x", "x, y", "x, 3.0, z", x=(), y=(2,), z=(2, 2))
add(SHAPING, "broadcast_to", "x, (4, 2, 3)", "x, (2, 3)", x=(2, 1))
add(SHAPING, "broadcast_to", "x, (2, 3)", "x, ()", "x, shape=2", x=())
add(SHAPING, "broadcast_to", "x, (0, 3)", x=(3,))
add(SHAPING, "broadcast_arrays", "x, y", "x, y, 2.0", "x", x=(2, 1), y=(3,))
add(SHAPING, "tile", "x, 2", "x, (2, 1)", "x, (2, 1, 3)", "x, 0", "x, [1, 2]", x=(2, 3))
add(SHAPING, "tile", "x, 3", x=())
add(SHAPING, "repeat", "x, 2", "x, 2, axis=0", "x, [1, 0, 2], axis=1", "x, [2], axis=-1",
    "x, [0, 1, 2, 3, 0, 1]", "x, n, 1", x=(2, 3), n=np.array([2, 1, 1]))  # fmt: skip
add(SHAPING, "repeat", "x, 3", x=())
add(SHAPING, "resize", "x, (3, 4)", "x, 4", "x, (2, 2)", "x, new_shape=(5, 3)", "x, (0,)", x=(2, 3))
add(SHAPING, "roll", "x, 1", "x, -2, axis=1", "x, (1, 2), axis=(0, 1)", "x, 2, axis=(0, 1)",
    "x, (1, 1), axis=0", "x, 7", x=(3, 4))  # fmt: skip
add(SHAPING, "rot90", "x", "x, 2", "x, -1", "x, k=3, axes=(1, 2)", "x, 5, (2, 0)", x=(2, 3, 2))
add(SHAPING, "flip", "x", "x, 0", "x, axis=(0, -1)", "x, axis=-1", x=(2, 3, 2))
add(SHAPING, "fliplr", "x", x=(2, 3))
add(SHAPING, "flipud", "x", x=(2, 3))
add(SHAPING, "flipud", "x", x=(3,))
for mode in ("edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric",
             "wrap", "constant", "empty"):  # fmt: skip
    widths = ("0",) if mode == "empty" else ("1", "(2, 1)", "((1, 2), (0, 3))", "((1,), (2,))")
    add(SHAPING, "pad", *(f"x, {w}, mode='{mode}'" for w in widths), x=(3, 4))
add(SHAPING, "pad", "x, 2", "x, (1, 2), constant_values=(1.0, 2.0)",
    "x, 1, constant_values=((1.0, 2.0), (3.0, 4.0))", "x, 3, 'linear_ramp', end_values=2.0",
    "x, 2, 'linear_ramp', end_values=((1.0, 2.0), (3.0, 4.0))", "x, 1, 'mean', stat_length=2",
    "x, 1, 'maximum', stat_length=((1, 2), (2, 3))", "x, 2, 'median', stat_length=3",
    "x, (5, 6), 'reflect'", "x, 2, 'reflect', reflect_type='odd'", "x, (5, 6), 'symmetric'",
    "x, (5, 2), 'symmetric', reflect_type='odd'", "x, 9, 'wrap'", x=(3, 4))  # fmt: skip
add(SHAPING, "pad", "x, 1", "x, (0, 2), 'minimum'", x=(3,))
add(SHAPING, "pad", "x, 1", x=cplx(2))
names = "tril triu"
add(SHAPING, names, "x", "x, 1", "x, k=-1", "x, -9", x=(2, 3, 4))
add(SHAPING, names, "x", x=(3,))
add(SHAPING, "diag", "x", "x, 1", "x, k=-1", "x, -2", x=(3, 4))
add(SHAPING, "diag", "x", "x, 2", "x, -1", x=(3,))
add(SHAPING, "diag diagonal", "x, 1", "x, -3", "x, 3", x=(4, 2))
add(SHAPING, "diagonal", "x", "x, 1", "x, -1, axis1=1, axis2=2", "x, 0, 2, 0", x=(2, 3, 4))
add(SHAPING, "diagflat", "x", "x, 1", "x, -1", x=(2, 2))
add(SHAPING, "diagflat", "x", x=())
add(SHAPING, "trace", "x", "x, 1", "x, offset=-1, axis1=-1, axis2=0", "x, 0, 1, 2", x=(2, 3, 4))
add(SHAPING, "trace", "x, dtype='float64'", "x", x=(3, 4))
add(SHAPING, "trace", "x", x=cplx(3, 3))
WINDOWS = "lib.stride_tricks.sliding_window_view"
add(SHAPING, WINDOWS, "x, 2, axis=1", "x, (2, 2)", "x, (1, 3), axis=(0, -1)", x=(3, 4))
add(SHAPING, WINDOWS, "x, 2", x=cplx(3))

# ---------------------------------------------------------------------- joining and splitting

JOINING = "Joining and splitting"
names = "concatenate concat"
add(JOINING, names, "[x, y]", "(x, y, x), axis=0", "[x, x], -1", "[x, y, [[1.0, 2.0, 3.0]]]",
    "[x, y], axis=None", "[x, x], axis=1, dtype='float64'", x=(2, 3), y=(1, 3))  # fmt: skip
add(JOINING, names, "[x, y]", x=(2,), y=(0,))
add(JOINING, names, "[x, y]", x=(2,), y=cplx(1))
add(JOINING, names, "x", x=(2, 3))
add(JOINING, "stack", "[x, y]", "[x, y], axis=1", "(x, y, x), -1", "[x, [[1.0] * 3] * 2]", "x",
    x=(2, 3), y=(2, 3))  # fmt: skip
add(JOINING, "stack", "[x, y]", "[x, 2.0]", x=(), y=())
names = "vstack hstack dstack column_stack"
add(JOINING, names, "[x, x, y]", "(y, [1.0, 2.0, 3.0])", x=(3,), y=(3,))
add(JOINING, names, "[x, y]", x=(2, 3), y=(2, 3))
add(JOINING, "vstack hstack dstack", "[x, 2.0, y]", x=(), y=())
add(JOINING, "append", "x, y", "x, y, axis=0", "x, [1.0, 2.0]", "[[1.0, 2.0, 3.0]], y, 0", x=(2, 3),
    y=(1, 3))  # fmt: skip
add(JOINING, "append", "x, 3.0", "x, y", x=(), y=())
add(JOINING, "block", "[x, y]", "[[x, y], [y, x]]", "x", "[[x, c], [y, c]]", x=(2, 3), y=(2, 3),
    c=np.ones((2, 1)))  # fmt: skip
add(JOINING, "block", "[x, 2.0, y]", "[[x], [y]]", "[[[x, y]]]", x=(), y=())
add(JOINING, "block", "[[x], [y]]", x=(2,), y=(2,))
add(JOINING, "insert", "x, 1, 2.0", "x, 1, y, axis=0", "x, [0, 2], [5.0, 6.0]",
    "x, -1, 0.5, axis=1", "x, slice(1, 3), 4.0, axis=1", "x, [0, 2], y[:2], axis=1",
    "x, [1], [[7.0], [8.0]], axis=-1", "x, [2, 0, 0], y, axis=1", "x, m, 0.0, axis=1",
    x=(2, 3), y=(3,), m=MASK[0])  # fmt: skip
add(JOINING, "insert", "x, 1, y", "x, [1, 1], y", x=(4,), y=())
add(JOINING, "delete", "x, 1", "x, 1, axis=0", "x, [0, 2], axis=1", "x, slice(0, 2), axis=1",
    "x, -1, axis=-1", "x, [True, False, True], axis=1", "x, [], axis=0", "x, slice(None, None, 2)",
    x=(2, 3))  # fmt: skip
add(JOINING, "split array_split", "x, 2", "x, 3, axis=1", "x, [1, 3]", "x, (2,), axis=-1",
    "x, [1, 9]", "x, [3, 1]", x=(4, 6))  # fmt: skip
add(JOINING, "array_split", "x, 3", "x, 4, axis=1", "x, 9", x=(5, 6))
add(JOINING, "vsplit", "x, 2", "x, [1]", "x, (1, 3)", x=(4, 2))
add(JOINING, "hsplit", "x, 2", "x, [1]", "x, (1, 3)", x=(2, 4))
add(JOINING, "hsplit", "x, 2", x=(4,))
add(JOINING, "dsplit", "x, 2", "x, [1]", "x, (1, 3)", x=(1, 2, 4))
add(JOINING, "unstack", "x", "x, axis=1", "x, axis=-1", x=(2, 3))
add(JOINING, "meshgrid", "x, y", "x, y, indexing='ij'", "x, y, sparse=True", "x, y, copy=False",
    "x, y, [1.0, 2.0]", "x", x=(2,), y=(3,))  # fmt: skip
add(JOINING, "meshgrid", "x, y", x=(), y=(2,))

# ---------------------------------------------------------------------- indexing

INDEXING = "Indexing"
for mode in ("raise", "wrap", "clip"):
    add(INDEXING, "take", f"x, [0, 2, 2], axis=1, mode='{mode}'", x=(2, 3))
add(INDEXING, "take", "x, 1", "x, [[0, 1], [5, 1]]", "x, -1, axis=0", "x, i, 1", "x, [], axis=0",
    "x, [7, -9], mode='wrap'", "x, [-3, 9], axis=0, mode='clip'", "x, [True, False]", x=(2, 3),
    i=np.array([[2, 0]]))  # fmt: skip
add(INDEXING, "take", "x, 0", x=(3,))
add(INDEXING, "take_along_axis", "x, i, 1", "x, i[:, :1], axis=-1", "x, j, axis=None",
    "x, k, 0", x=(2, 3), i=np.array([[2, 0, 0], [1, 1, 2]]), j=np.array([5, 0]),
    k=np.array([[1, 0, 1]]))  # fmt: skip
add(INDEXING, "compress", "[1, 0, 1], x, axis=1", "[False, True], x, 0", "[0, 1, 1, 0], x",
    "x[0] > 0, x, -1", x=(2, 3))  # fmt: skip
add(INDEXING, "extract", "mask, x", "x > 0, x", "[1, 0, 1, 0, 0, 1], x", x=(2, 3), mask=MASK)
add(INDEXING, "apply_along_axis", "lambda v: np.sum(v * v), 0, x", "np.cumsum, -1, x",
    "lambda v: np.outer(v, v), 1, x", "lambda v, a, b: v * a + b, 0, x, 2.0, b=1.0",
    "lambda v: v[::-1], axis=1, arr=x", x=(2, 3))  # fmt: skip
add(INDEXING, "apply_along_axis", "np.max, 1, x", x=(2, 3, 2))

# ---------------------------------------------------------------------- building

BUILDING = "Building"
add(BUILDING, "full_like", "x, 2.0", "x, y", "x, y[:, None], shape=(3, 2)", "x, y, dtype='float64'",
    x=(2, 3), y=(3,))  # fmt: skip
add(BUILDING, "linspace", "x, y, 4", "x, 1.0", "x, y, num=3, endpoint=False", "x, y, 5, axis=-1",
    "x, y, 4, retstep=True", "0.0, y, 1", "x, y, 0", "x, y, 3, dtype='float64'", x=(2, 1), y=(3,))
add(BUILDING, "linspace", "x, y, 4", x=cplx(3), y=cplx(3))
add(BUILDING, "linspace", "x, y, 4", "x, y, 3, retstep=True", "x, 2, 3, False", x=(), y=())
names = "geomspace logspace"
add(BUILDING, names, "x, y, 4", "x, 2.0, 5", "x, y, num=3, endpoint=False", "x, y, 4, axis=1",
    "0.5, y, 3", "x, y, 3, dtype='float64'", x=positive(2, 1), y=positive(3))  # fmt: skip
add(BUILDING, names, "x, y, 4", x=positive(), y=positive())
add(BUILDING, "geomspace", "-x, -y, 4", x=positive(), y=positive())
add(BUILDING, "geomspace", "x, y, 4", x=cplx(), y=cplx())
add(BUILDING, "logspace", "x, y, 4, base=2.0", "x, y, 4, base=b", "x, y, 3, True, b",
    x=(), y=(), b=positive())  # fmt: skip
add(BUILDING, "logspace", "x, y, 4, base=b, axis=-1", x=(), y=(), b=positive(2))
add(BUILDING, "vander", "x", "x, 2", "x, N=5, increasing=True", "x, increasing=True", "x, 1",
    x=(3,))  # fmt: skip
add(BUILDING, "vander", "x", x=cplx(3))
add(BUILDING, "polyval", "p, x", "[1.0, -2.0, 0.5], x", "p, 2.0", p=(4,), x=(2, 3))
add(BUILDING, "polyval", "p, x", p=(1,), x=())
add(BUILDING, "polyval", "p, x", p=cplx(3), x=cplx(2))

# ---------------------------------------------------------------------- products

PRODUCTS = "Products"


def products(function: str, *shapes: tuple[Shape, Shape]) -> None:
    for first, second in shapes:
        add(PRODUCTS, function, "x, y", x=first, y=second)


add(PRODUCTS, "matmul", "x, y", x=(2, 3), y=(3, 4))
products("matmul", ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 4)),
         ((2, 1, 2, 3), (4, 3, 2)), ((3,), (2, 3, 4)), ((2, 4, 3), (3,)), ((0, 3), (3, 2)),
         ((2, 0), (0, 3)))  # fmt: skip
add(PRODUCTS, "matmul", "x, y", x=cplx(2, 3), y=cplx(3, 2))
add(PRODUCTS, "matmul", "x, [[1.0], [2.0], [3.0]]", "[[1.0, 2.0]], x", x=(2, 3))
products("dot", ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((), (2, 3)),
         ((2, 3), ()), ((), ()), ((2, 2, 3), (2, 3, 4)), ((3,), (2, 3, 4)),
         ((0, 3), (3, 2)))  # fmt: skip
products("inner", ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((), (2, 3)),
         ((2, 3), ()), ((), ()), ((2, 2, 3), (4, 3)), ((2, 0), (0,)))  # fmt: skip
products("outer", ((3,), (2,)), ((2, 2), (3,)), ((), (3,)), ((2, 3), (1, 2)))
products("vdot", ((3,), (3,)), ((2, 3), (3, 2)), ((2, 2), (4,)), ((), ()))
products("kron", ((2,), (3,)), ((2, 3), (3, 2)), ((2, 2), (3,)), ((), (2, 3)), ((2,), (1, 2, 2)),
         ((2, 1, 2), (2, 2)))  # fmt: skip
names = "dot inner outer vdot kron"
add(PRODUCTS, names, "x, y", x=cplx(3), y=cplx(3))
add(PRODUCTS, names, "x, y", x=cplx(3), y=(3,))
add(PRODUCTS, names, "x, [1.0, 2.0, 3.0]", "[1.0, 2.0, 3.0], x", x=(3,))
products("vecdot", ((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)))
add(PRODUCTS, "vecdot", "x, y, axis=0", "x, y, axis=-2", x=(3, 2), y=(3, 2))
add(PRODUCTS, "vecdot", "x, y", x=cplx(2, 3), y=cplx(3))
products("matvec", ((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((4, 2, 3), (4, 3)))
products("vecmat", ((3,), (3, 2)), ((3,), (4, 3, 2)), ((4, 3), (3, 2)), ((4, 3), (4, 3, 2)))
add(PRODUCTS, "matvec", "x, y", x=cplx(2, 3), y=cplx(3))
add(PRODUCTS, "vecmat", "x, y", x=cplx(2), y=cplx(2, 3))
add(PRODUCTS, "tensordot", "x, y, 1", "x, y, axes=([2], [0])", "x, y, axes=(2, 0)",
    "x, y, (-1, -2)", x=(2, 3, 4), y=(4, 2))  # fmt: skip
add(PRODUCTS, "tensordot", "x, y", "x, y, axes=2", "x, y, ([1, 2], [0, 1])", x=(2, 3, 4),
    y=(3, 4, 2))  # fmt: skip
add(PRODUCTS, "tensordot", "x, y, axes=([0, 1], [1, 0])", "x, y, 0", x=(2, 3), y=(3, 2))
add(PRODUCTS, "tensordot", "x, y, 1", x=cplx(2, 3), y=cplx(3, 2))
add(PRODUCTS, "cross", "x, y", x=(3,), y=(3,))
add(PRODUCTS, "cross", "x, y", "[1.0, 2.0, 3.0], x", x=(4, 3), y=(3,))
add(PRODUCTS, "cross", "x, y, axis=0", "x, y, axisa=0, axisb=0, axisc=0", "x, y, 0, 0", x=(3, 2),
    y=(3, 2))  # fmt: skip
add(PRODUCTS, "einsum", "'ij,jk->ik', x, y", "'ij,jk', x, y", "'ij,jk->ki', x, y",
    "'ij,jk->', x, y", "'ij,jk->i', x, y", "'...j,jk->...k', x, y", "'i j, j k -> i k', x, y",
    "x, [0, 1], y, [1, 2], [0, 2]", "x, [0, 1], y, [1, 2]", "x, [..., 1], y, [1, 2], [..., 2]",
    "'ij,kl->ijkl', x, y", "'ij,jk->ik', x, y, optimize=True",
    "'ij,jk->ik', x, y, optimize='greedy'", "'ij,jk->ik', x, y, optimize=['einsum_path', (0, 1)]",
    "'ij,jk->ik', x, [[1.0], [2.0], [3.0]]", x=(2, 3), y=(3, 4))  # fmt: skip
add(PRODUCTS, "einsum", "'ij,ij->i', x, y", "'ij,kj->ik', x, y", x=(2, 3), y=(2, 1))
add(PRODUCTS, "einsum", "'ij->ji', x", "'ij->', x", "'ij->j', x", "'ba', x", "'...->...', x",
    "x, [0, 1], [1, 0]", "'ij,ij->ij', x, x", "'ij,ij', x, x", x=(2, 3))  # fmt: skip
add(PRODUCTS, "einsum", "'ii', x", "'ii->i', x", "'ij,ji->', x, x", "'ii,jj->ij', x, x",
    "'ii,i->i', x, y", "x, [0, 0]", "'ij,jj->i', x, x", "'ij,j,i', x, y, y", "'i,i,i->i', y, y, y",
    x=(3, 3), y=(3,))  # fmt: skip
add(PRODUCTS, "einsum", "'iij->j', x", "'iij->ij', x", "'iij->ji', x", "'iij', x",
    "'...ij->...ji', x", "'i...->...', x", "'i...->i...', x", "'...j,...j->...', x, y",
    "'ki...,...->k...', x, y", x=(3, 3, 2), y=(3, 2))  # fmt: skip
add(PRODUCTS, "einsum", "'ij,jk,kl->il', x, y, z", "'ij,jk,kl', x, y, z, optimize=True",
    "'ij,jk,kl->li', x, y, z, optimize='optimal'", "x, [0, 1], y, [1, 2], z, [2, 3], [3, 0]",
    "'ij,jk,kl->', x, y, z", x=(2, 3), y=(3, 2), z=(2, 4))  # fmt: skip
add(PRODUCTS, "einsum", "'...ij,...jk->...ik', x, y", "'...ij,...jk', x, y", x=(2, 1, 2, 3),
    y=(4, 3, 2))  # fmt: skip
add(PRODUCTS, "einsum", "',->', x, y", "'->', x", "'...,...', x, y", x=(), y=())
add(PRODUCTS, "einsum", "',ij->ij', x, y", "'...,ij->ij...', x, y", x=(), y=(2, 3))
add(PRODUCTS, "einsum", "'ij,j->i', x, y", "'ij,j->', x, y", x=cplx(2, 3), y=cplx(3))
add(PRODUCTS, "einsum", "'ij->', x", "'ij,j->i', x, y", x=(0, 3), y=(3,))
for mode in ("full", "same", "valid"):
    for name in ("convolve", "correlate"):
        add(PRODUCTS, name, f"x, y, '{mode}'", f"y, x, mode='{mode}'", x=(5,), y=(3,))
        add(PRODUCTS, name, f"x, y, '{mode}'", f"y, x, '{mode}'", x=(6,), y=(2,))
        add(PRODUCTS, name, f"x, y, '{mode}'", x=cplx(4), y=cplx(3))
add(PRODUCTS, "convolve correlate", "x, y", "x, [1.0, 2.0]", "[1.0, 2.0], x", x=(4,), y=(3,))

# ---------------------------------------------------------------------- covariance

COVARIANCE = "Covariance"
names = "cov corrcoef"
add(COVARIANCE, names, "x", "x, rowvar=False", "x, y", "x, y[0], rowvar=True", "x.T, y.T, False",
    x=(3, 5), y=(3, 5))  # fmt: skip
add(COVARIANCE, names, "x, y", x=(5,), y=(5,))
add(COVARIANCE, names, "x", x=(5,))
add(COVARIANCE, names, "x", x=cplx(2, 5))
add(COVARIANCE, "cov", "x, bias=True", "x, ddof=0", "x, ddof=2", "x, fweights=[1, 2, 1, 3, 1]",
    "x, aweights=[0.5, 1.0, 2.0, 1.0, 0.3]", "x, aweights=w", "x, ddof=0, aweights=w",
    "x, fweights=[1, 2, 1, 3, 1], aweights=w", "x, None, True, True",
    x=(2, 5), w=positive(5))  # fmt: skip
add(COVARIANCE, "cov", "x, dtype='float64'", x=(2, 5))

# ---------------------------------------------------------------------- linear algebra

LINALG = "Linear algebra"
SHIFT = 3 * np.eye(3)  # with it a random matrix is far from singular
SPREAD = np.diag([0.0, 4.0, 9.0])  # with it eigenvalues are far apart


def linalg(functions: str, *codes: str, **operands: Any) -> None:
    for name in functions.split():
        add(LINALG, f"linalg.{name}", *codes, shift=SHIFT, spread=SPREAD, **operands)


def first_pair(u: Any, s: Any, vh: Any) -> Any:
    return u[..., :1] * s[..., None, :1] ** 2 @ vh[..., :1, :]


def pairs(u: Any, s: Any, vh: Any) -> Any:
    """What is determined of the vectors, of which each pair has a phase of its own."""
    return abs(u), s, abs(vh), u * s[..., None, :] @ vh


def completed(u: Any, s: Any, vh: Any) -> Any:
    """Onto what is beyond the singular vectors, in which no basis is determined."""
    u, v = u[..., 2:], vh[..., 2:, :]
    return u @ u.conj().mT, v.conj().mT @ v


def beyond(q: Any, r: Any) -> Any:
    return q[..., :2], q[..., 2:] @ q[..., 2:].conj().mT, r


for x in (within_1(3, 3), within_1(2, 3, 3)):
    linalg("det", "x + shift", x=x)
    linalg("inv", "x + shift", x=x)
    linalg("slogdet", "x + shift", "x - shift", x=x)
    linalg("cholesky", "x @ x.mT + shift", "x @ x.mT + shift, upper=True", x=x)
    linalg("eigh eigvalsh", "x + x.mT + spread", "x + spread, UPLO='U'", "x + spread, 'L'", x=x)
    linalg("eigvals eig", "x + spread", x=x)
    linalg("svd", "x + spread", "x + spread, full_matrices=False", "x, compute_uv=False", x=x)
    linalg("svdvals", "x + spread", x=x)
    linalg("qr", "x + shift", "x + shift, mode='reduced'", "x + shift, 'r'",
           "x + shift, mode='complete'", x=x)  # fmt: skip
    linalg("pinv", "x + shift", x=x)
    for p in ("None", "2", "-2", "'fro'", "'nuc'", "1", "-1", "inf", "-inf"):
        linalg("cond", f"x + shift, {p}", x=x)
    linalg("matrix_power", *(f"x + shift, {n}" for n in (0, 1, 2, 3, 5, -1, -2)), x=x)
linalg("det", "x", x=exactly([[1.0, 2.0], [2.0, 4.0]]))
linalg("det", "x", x=exactly(np.zeros((3, 3))))
linalg("det", "x", x=exactly([np.outer([1, 2, 3], [1, -1, 2j]), np.arange(9).reshape(3, 3) + 0j,
                              np.zeros((3, 3)), 1j * SHIFT]))  # fmt: skip
linalg("det", "x", x=exactly([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]]]))
linalg("det", "x", x=(0, 0))
linalg("det", "x", x=(1, 1))
linalg("inv cholesky eigvals eigvalsh pinv svdvals slogdet eigh qr svd", "x", x=(0, 0))
linalg("inv cholesky eigvals eigvalsh pinv svdvals slogdet eigh qr svd", "x", x=(2, 0, 0))
linalg("solve", "x, x", x=(0, 0))
linalg("norm", "x, axis=(-2, -1)", "x, 2, (-2, -1)", x=(2, 0, 0))
linalg("cholesky", "x + shift", "x + shift, upper=True", x=within_1(3, 3))  # one triangle is read
for x in (cplx(3, 3), cplx(2, 3, 3)):
    linalg("det inv slogdet pinv qr", "x + shift", x=x)
    linalg("cholesky", "x @ np.conj(x.mT) + shift", "x @ np.conj(x.mT) + shift, upper=True", x=x)
    linalg("eigvalsh", "x + np.conj(x.mT) + spread", "x + spread", "x + spread, 'U'", x=x)
    linalg("eigh", "np.linalg.eigh(x + np.conj(x.mT) + spread)[0]",
           "np.abs(np.linalg.eigh(x + np.conj(x.mT) + spread)[1])",
           "np.abs(np.linalg.eigh(x + spread, 'U')[1])", x=x)  # fmt: skip
    linalg("eigvals eig", "x + spread", x=x)
    linalg("svd", "np.linalg.svd(x + spread)[1]", "np.abs(np.linalg.svd(x + spread)[0])",
           "np.abs(np.linalg.svd(x + spread)[2])", "first_pair(*np.linalg.svd(x + spread))",
           "np.abs(np.linalg.svd(x + spread, hermitian=True)[0])",
           "x + spread, compute_uv=False, hermitian=True", x=x, first_pair=first_pair)  # fmt: skip
    for p in ("None", "2", "-2", "'fro'", "'nuc'", "1", "-1", "inf", "-inf"):
        linalg("cond", f"x + shift, {p}", x=x)
linalg("eigh", "x + np.conj(x.mT) + spread", x=cplx(3, 3), order=0)
linalg("eigvalsh", "x", x=exactly(np.eye(2)), order=0)
linalg("eig eigvals", "x", x=exactly([[0.3, 2.0], [-1.5, 0.8]]))  # complex eigenvalues
linalg("svd", "x + spread[:2]", "x + spread[:2], full_matrices=False",
       "x.T + spread[:, :2], False", "np.linalg.svd(x.T + spread[:, :2])[1]", x=within_1(2, 3))
linalg("svd", "x + x.T + spread, hermitian=True", "x, compute_uv=False, hermitian=True",
       x=within_1(3, 3))  # fmt: skip
for x in (Operand((2, 5)), Operand((2, 4, 2)), cplx(4, 2), cplx(2, 2, 4)):
    linalg("svd", "pairs(*np.linalg.svd(x, full_matrices=False))", "completed(*np.linalg.svd(x))",
           x=x, pairs=pairs, completed=completed)  # fmt: skip
    linalg("qr", "np.linalg.qr(x)", "np.linalg.qr(x, 'r')",
           "beyond(*np.linalg.qr(x, 'complete'))", x=x, beyond=beyond)  # fmt: skip
    linalg("pinv svdvals", "x", x=x)
    for p in ("None", "'nuc'", "2", "-2", "1", "-1", "inf", "-inf"):
        linalg("norm", f"x, {p}, axis=(-2, -1)", x=x)
linalg("svdvals", "x", x=cplx(2, 3))
linalg("svdvals", "x", x=(3, 2))
linalg("qr", "x + shift[:, :2]", "x.T + shift[:2]", "x.T + shift[:2], 'r'", x=within_1(3, 2))
linalg("pinv", "x", "x.T", "x, rcond=1e-10", "x, rtol=1e-10", x=within_1(2, 3))
linalg("pinv", "x @ x.T, hermitian=True", x=within_1(2, 3))
linalg("pinv", "x", "x @ np.conj(x.mT), hermitian=True", x=cplx(2, 3))
linalg("pinv", "x + spread, 0.5", "(x + spread)[:2], rtol=0.7", "x + x.T + spread, 0.5, True",
       x=within_1(3, 3))  # fmt: skip
linalg("solve", "x + shift, y", x=within_1(3, 3), y=(3,))
linalg("solve", "x + shift, y", x=within_1(3, 3), y=(3, 2))
linalg("solve", "x + shift, y", x=within_1(2, 3, 3), y=(3, 2))
linalg("solve", "x + shift, y", x=within_1(2, 3, 3), y=(3,))
linalg("solve", "x + shift, y", x=within_1(3, 3), y=(2, 3, 1))
linalg("solve", "x + shift, y", x=within_1(2, 1, 3, 3), y=(4, 3, 2))
linalg("solve", "x + shift, y", "shift, y", x=cplx(3, 3), y=cplx(3, 1))
linalg("solve", "x + shift, y", x=cplx(2, 3, 3), y=cplx(3))
linalg("solve", "x + shift, [1.0, 2.0, 3.0]", x=within_1(3, 3))
linalg("lstsq", "x, y", "x, y[:, 0]", "x, y, 1e-9", x=(4, 2), y=(4, 3))
linalg("lstsq", "x, y", "x, y[:, 0]", x=(2, 4), y=(2, 3))
linalg("lstsq", "x, y", x=cplx(3, 2), y=cplx(3))
linalg("tensorsolve", "np.reshape(x + more, (2, 3, 6)), y",
       "np.moveaxis(np.reshape(x + more, (2, 3, 6)), 2, 0), y, axes=(0,)",
       "np.reshape(x + more, (3, 2, 2, 3)), y.T, axes=(1, 0)",
       x=within_1(6, 6), y=(2, 3), more=3 * np.eye(6))  # fmt: skip
linalg("tensorinv", "np.reshape(x + more, (2, 3, 6))", "np.reshape(x + more, (6, 3, 2)), ind=1",
       x=within_1(6, 6), more=3 * np.eye(6))  # fmt: skip
linalg("tensordot", "x, y, axes=1", x=(2, 3), y=(3, 4))
linalg("tensordot", "x, y", "x, y.T, axes=([1, 0], [0, 1])", x=(2, 3), y=(2, 3))
linalg("multi_dot", "[x, y]", "[x, y, z]", "[x, y, z, z.T]", "[x[0], y, z]", "[x, y, z[:, 0]]",
       x=(2, 3), y=(3, 4), z=(4, 2))  # fmt: skip
linalg("multi_dot", "[x, [[1.0], [2.0], [3.0]]]", x=(2, 3))
for x in (between(0.4, 2, 4), cplx(4)):
    linalg("norm vector_norm", "x", x=x)
    for p in ("1", "2", "3", "2.5", "0.5", "-0.5", "inf", "-inf", "0", "-1", "-2"):
        linalg("norm vector_norm", f"x, ord={p}", x=x)
linalg("norm", "x, axis=0", "x, axis=-1, keepdims=True", "x, 3, axis=1", "x, 1, 0", "x, inf, -1",
       "x, axis=(0, 2)", "x, 'nuc', axis=(0, 2)", "x, 2, (-1, 1)", "x, -inf, (-2, 0), True",
       "x, 1, axis=(2, 0), keepdims=True", "x", "x, keepdims=True", "x, axis=None",
       "x, axis=(1,)", "x, 'nuc', (2, 0), keepdims=True", x=(2, 3, 2))  # fmt: skip
for p in ("None", "1", "3", "0.5", "-1", "inf"):
    linalg("norm", f"x, {p}, 0", f"x, {p}, (1,), keepdims=True", x=cplx(3, 4))
for p in ("'fro'", "'nuc'", "2", "-2", "1", "-1", "inf", "-inf"):
    for x in (between(-2, 2, 3, 2), cplx(2, 3)):
        linalg("norm matrix_norm", f"x, ord={p}", x=x)
linalg("norm", "x", "x, 2", "x, axis=0", x=exactly([0.0, 0.0]), order=0)
linalg("norm", "x", "x, 2", "x, 4", x=exactly([0.0, 1.5, -2.0]))
linalg("norm", "x, 1", "x, 3", x=exactly([0.0, 1.5, -2.0]), order=1)
linalg("norm", "x", x=())
linalg("norm", "x", x=(0,))
linalg("vector_norm", "x", "x, axis=0", "x, axis=(0, 2)", "x, axis=(0, 1, 2), keepdims=True",
       "x, keepdims=True", "x, axis=-1, ord=1", "x, ord=3", "x, ord=inf, axis=(1, 2)",
       "x, axis=(2, 1, 0)", x=(2, 3, 2))  # fmt: skip
linalg("matrix_norm", "x", "x, keepdims=True", "x, ord=2, keepdims=True", "x, ord='nuc'",
       x=(2, 3, 2))  # fmt: skip
linalg("matmul", "x, y", x=(2, 3), y=(3, 4))
linalg("matmul", "x, y", x=(2, 2, 3), y=(3,))
linalg("matmul", "x, y", x=cplx(2, 3), y=cplx(3, 2))
linalg("outer", "x, y", x=(2,), y=(3,))
linalg("outer", "x, y", x=cplx(2), y=(3,))
linalg("vecdot", "x, y", x=(2, 3), y=(3,))
linalg("vecdot", "x, y, axis=0", x=(3, 2), y=(3, 2))
linalg("vecdot", "x, y", x=cplx(3), y=cplx(3))
linalg("cross", "x, y", x=(2, 3), y=(3,))
linalg("cross", "x, y, axis=0", x=(3, 2), y=(3, 2))
linalg("diagonal", "x", "x, offset=1", "x, offset=-1", x=(2, 3, 4))
linalg("trace", "x", "x, offset=1", "x, offset=-1, dtype='float64'", x=(2, 3, 4))
linalg("matrix_transpose", "x", x=(2, 3, 4))

# ---------------------------------------------------------------------- Fourier transforms

FOURIER = "Fourier transforms"
NORMS = ", norm='ortho'", ", norm='forward'", ", norm='backward'"


def fourier(functions: str, *codes: str, **operands: Any) -> None:
    for name in functions.split():
        add(FOURIER, f"fft.{name}", *codes, **operands)


for names, entries in (
    ("fft ifft irfft hfft rfft ihfft", [Operand((2, 4)), Operand((5,))]),
    ("fft ifft irfft hfft", [cplx(2, 4), cplx(5)]),
):
    for x in entries:
        fourier(names, "x", "x, 3", "x, n=7", "x, 6", "x, 2", *(f"x{norm}" for norm in NORMS), x=x)
    fourier(names, "x, axis=0", "x, 5, 0", *(f"x, n=3, axis=-2{norm}" for norm in NORMS),
            "x, 1, 0", x=entries[0])  # fmt: skip
for names, x in (
    ("fft2 ifft2 irfft2 fftn ifftn irfftn rfft2 rfftn", Operand((2, 3, 4))),
    ("fft2 ifft2 irfft2 fftn ifftn irfftn", cplx(2, 3, 4)),
):
    fourier(names, "x", "x, (2, 5), axes=(0, 1)", "x, axes=(0, 2)", "x, axes=(-1, 0)",
            "x, s=(4, 3), axes=(-2, -1)", "x, axes=(1,)", *(f"x{norm}" for norm in NORMS),
            "x, s=(-1, 3), axes=(-2, -1)", "x, axes=(0, 1, 0)", "x, s=(5, 2, 3), axes=(1, 1, 2)",
            *(f"x, (2, 5), axes=(0, 1){norm}" for norm in NORMS), x=x)  # fmt: skip
fourier("fftn ifftn rfftn irfftn", "x, axes=(0, 1, 2)", "x, s=(3, 2, 5), axes=(0, 1, 2)",
        x=(2, 3, 4))  # fmt: skip
names = "fftshift ifftshift"
fourier(names, "x", "x, axes=0", "x, axes=(0, 1)", "x, (1,)", x=(3, 4))
fourier(names, "x", x=cplx(5))

# ---------------------------------------------------------------------- without a gradient

VALUES = [
    "np.floor(x)", "np.ceil(x)", "np.rint(x)", "np.trunc(x)", "np.fix(x)", "np.round(x)",
    "np.round(x, 1)", "np.around(x, decimals=2)", "np.floor_divide(x, 0.7)",
    "np.floor_divide(1.0, x + 3)", "np.equal(x, 1.0)", "np.not_equal(x, 1.0)", "np.less(x, 0.0)",
    "np.less_equal(x, 0.0)", "np.greater(x, 0.0)", "np.greater_equal(0.0, x)",
    "np.logical_and(x, x)", "np.logical_or(x, 0.0)", "np.logical_xor(x, 1.0)", "np.logical_not(x)",
    "np.isfinite(x)", "np.isinf(x)", "np.isnan(x)", "np.isneginf(x)", "np.isposinf(x)",
    "np.signbit(x)", "np.isclose(x, 1.0)", "np.allclose(x, x)", "np.allclose(a=x, b=x)",
    "np.array_equal(x, x)", "np.array_equiv(x, x)", "np.all(x > 0)", "np.all(x, axis=0)",
    "np.any(x)",
    "np.argmax(x)", "np.argmax(x, axis=1, keepdims=True)", "np.argmin(x, axis=0)",
    "np.argsort(x)", "np.argsort(x, axis=None, kind='stable')", "np.argpartition(x, 1)",
    "np.argwhere(x > 0)", "np.argwhere(x)", "np.nonzero(x)", "np.flatnonzero(x)",
    "np.count_nonzero(x, axis=1)", "np.nanargmax(x)", "np.nanargmin(x, axis=0)",
    "np.searchsorted([-1.0, 0.0, 1.0], x)", "np.digitize(x, [-1.0, 0.0, 1.0])",
    "np.isin(x, [1.0, 2.0])", "np.iscomplex(x)", "np.isreal(x)", "np.iscomplexobj(x)",
    "np.isrealobj(x)", "np.shape(x)", "np.ndim(x)", "np.size(x)", "np.size(x, 1)",
    "np.result_type(x)", "np.zeros_like(x)", "np.ones_like(x)", "np.linalg.matrix_rank(x)",
    "np.array_str(x)", "np.array_repr(x)", "np.lexsort((x[0], x[1]))", "np.lexsort(x)",
    "np.tril_indices_from(x[:, :2])", "np.triu_indices_from(x[:, :2], 1)",
    "np.diag_indices_from(x[:, :2])", "np.array2string(x)", "np.where(x)", "np.sign(x)",
]  # fmt: skip
"""Calls of functions that are constant in pieces: they give plain arrays."""

# ---------------------------------------------------------------------- refused

REFUSED = {
    "np.exp(x, out=np.zeros(3))": "np.exp(x)",
    "np.sum(x, out=np.zeros(()))": "np.sum(x)",
    "np.add(a, x, out=a)": "a = a + x",
    "np.exp(x, where=x > 0)": "ag.where(x > 0, np.exp(x), 0.0)",
    "np.add.at(x, [0], 1.0)": "ag.index_add(x, [0], 1.0)",
    "np.copyto(x, a)": "ag.index_update(x, ..., a)",
    "np.fill_diagonal(np.diag(x), 0.0)": "ag.where(np.eye(3, dtype=bool), 0.0, np.diag(x))",
    "np.place(x, x > 0, [0.0])": "ag.where(x > 0, 0.0, x)",
    "np.put(x, [0], 1.0)": "ag.index_update(x, [0], 1.0)",
    "np.put_along_axis(x, np.array([0]), 1.0, 0)": "ag.index_update(x, [0], 1.0)",
    "np.putmask(x, x > 0, 0.0)": "ag.where(x > 0, 0.0, x)",
    "np.array([x, x])": "ag.array([x, x])",
    "np.asarray(x)": "x.numpy()",
    "x.sort()": "np.sort(x)",
    "x.fill(0.0)": "ag.full_like(x, 0.0)",
    "np.ravel(np.outer(x, a), order='A')": "np.ravel(np.outer(x, a), order='F')",
    "np.full_like(a, x)": "ag.full_like(a, x)",
    "np.nanvar(a, mean=x)": "ag.nanvar(a, mean=x)",
}
"""Calls that raise an error, and what to write instead (``ag`` is `autograd_lite`)."""

NOT_COVERED = [
    "np.histogram2d(x, x)", "np.polyfit(x, x, 1)", "np.roots(x)", "np.union1d(x, x)", "np.i0(x)",
    "np.apply_over_axes(np.sum, x, 0)", "np.frexp(x)", "np.modf(x)",
    "np.spacing(x)", "np.packbits(x)",
]  # fmt: skip
"""Calls of functions that are not covered: a TypeError names them."""

UNDISPATCHED = [
    "np.sum(x, initial=y)", "np.full_like(x, y)", "np.full_like(x, y[:, None], shape=(3, 2))",
    "np.full_like(x, y, dtype='float64')", "np.nanvar(x, axis=0, mean=m)",
    "np.nanstd(x, axis=0, mean=m)",
    "np.interp(x, [0.0, 1.0, 2.5], fp, left=y, right=2 * y)",
]  # fmt: skip
"""Where NumPy doesn't ask every operand what it is: a Tensor there, and only there, needs `ag`."""

SETTINGS = [
    "np.pad(x, 1, constant_values=y)", "np.pad(x, 1, 'linear_ramp', end_values=y)",
    "np.nan_to_num(x / [1, 1, 1, 0], posinf=y)", "np.nan_to_num(x / [1, 1, 1, 0], neginf=y)",
    "np.nan_to_num(x * [1, nan, 1, nan], nan=y)", "np.unwrap(9 * x, period=4 * y)",
    "np.quantile(x, y / 3)", "np.percentile(x, 30 * y)", "np.nanquantile(x, y / 3)",
    "np.interp(x, [0, 1, 2], [1, 3, 2], left=y)", "np.interp(x, [0, 1, 2], [1, 3, 2], right=y)",
    "np.interp(x, [0, 1, 2], [1, 3, 2], period=3 * y)", "np.var(x, ddof=y)", "np.std(x, ddof=y)",
    "np.nanvar(x, correction=y)", "np.sum(x, initial=y)", "np.prod(x, initial=y)",
    "np.max(x, initial=3 * y)", "np.min(x, initial=-3 * y)", "np.nansum(x, initial=y)",
    "np.nanmax(x, initial=3 * y)", "np.full_like(x, y)", "np.select([x > 0], [x], y)",
    "np.piecewise(x, [x > 0], [y, 0.0])", "np.apply_along_axis(lambda v, a: v * a, 0, x, y)",
    "np.linalg.norm(x, y + 1)", "np.linalg.vector_norm(x, ord=y + 1)", "np.polyval([1.0, y], x)",
    "np.gradient(x, y)", "np.trapezoid(x, dx=y)", "np.logspace(x, 1, 3, base=y)",
    "np.clip(x, -y, y)", "np.diff(x, prepend=y)", "np.ediff1d(x, to_end=y)", "np.insert(x, 1, y)",
]  # fmt: skip
"""Calls with a number ``y`` as a setting: its gradient is right, or it is refused."""
