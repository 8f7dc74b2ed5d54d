"""Every function that is promised, in every call of the table: values, derivatives, manners."""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import scipy.special

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.containers import leaves, rebuilt
from autograd_lite.numpy_protocol import VALUES as VALUE_FUNCTIONS
from autograd_lite.table import NUMPY

from ..each import each, some
from ..sampling import directional
from .__main__ import PAGE, page
from .call import Call, function_of
from .calls import CALLS, NOT_COVERED, REFUSED, SETTINGS, UNDISPATCHED, VALUES

PROMISED = """
    abs absolute add amax amin angle append arccos arccosh arcsin arcsinh arctan arctan2 arctanh
    acos acosh asin asinh atan atan2 atanh array_split atleast_1d atleast_2d atleast_3d broadcast_to
    cbrt clip column_stack concat concatenate conj cos cosh cross cumprod cumsum deg2rad degrees
    diag diagonal diff divide dot dsplit einsum exp exp2 expand_dims expm1 fabs fliplr flipud fmax
    fmin gradient hsplit hstack hypot inner kron linspace log log10 log1p log2 logaddexp logaddexp2
    matmul max maximum mean min minimum mod moveaxis multiply nan_to_num negative outer pad
    partition permute_dims positive power pow prod rad2deg radians ravel real imag reciprocal
    remainder repeat reshape roll rollaxis rot90 select sign sin sinc sinh sort split sqrt square
    squeeze stack std subtract sum swapaxes tan tanh tensordot tile trace transpose tril triu
    true_divide var vsplit vstack where

    linalg.cholesky linalg.det linalg.eig linalg.eigh linalg.inv linalg.multi_dot linalg.norm
    linalg.pinv linalg.slogdet linalg.solve linalg.svd

    fft.fft fft.fft2 fft.fftn fft.fftshift fft.ifft fft.ifft2 fft.ifftn fft.ifftshift fft.irfft
    fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn

    apply_along_axis average block broadcast_arrays compress convolve copy corrcoef correlate cov
    cumulative_prod cumulative_sum delete diagflat divmod dstack ediff1d extract flip float_power
    fmod full_like geomspace insert interp ldexp logspace matrix_transpose matvec median meshgrid
    nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd
    nansum nanvar percentile piecewise polyval ptp quantile resize take take_along_axis trapezoid
    trim_zeros unstack unwrap vander vdot vecdot vecmat

    linalg.cond linalg.cross linalg.diagonal linalg.eigvals linalg.eigvalsh linalg.matmul
    linalg.matrix_norm linalg.matrix_power linalg.matrix_transpose linalg.outer linalg.qr
    linalg.svdvals linalg.tensorsolve linalg.trace linalg.vecdot linalg.vector_norm

    fft.hfft fft.ihfft
"""

each_call = each(CALLS, by=lambda call: call.function)
FIRST = {call.function: call for call in reversed(CALLS)}


# ---------------------------------------------------------------------- what is in the table


def test_everything_promised_is_in_the_table():
    assert set(PROMISED.split()) - set(FIRST) == set()


def test_everything_in_the_table_is_covered_under_numpy_s_name_and_stands_in_the_package():
    assert [name for name in FIRST if function_of(np, name) not in NUMPY] == []
    assert [name for name in FIRST if function_of(ag, name) is None] == []


def test_all_that_is_registered_for_numpy_s_functions_is_in_the_table():
    known = {function_of(np, name) for name in FIRST} | {np._core.umath.clip}  # of a.clip(t)
    scipys = [f for f in vars(scipy.special).values() if isinstance(f, np.ufunc)]
    assert [f.__name__ for f in NUMPY if f not in {*known, *scipys}] == []


def test_each_call_calls_its_function_on_something_and_has_a_text_of_its_own():
    for call in CALLS:
        call.inner()
        assert call.operands, f"{call} differentiates nothing"
    assert len({str(call) for call in CALLS}) == len(CALLS)


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="NumPy's C code doesn't name arguments"
)
def test_the_page_is_what_is_written_from_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.coverage"


# ---------------------------------------------------------------------- values


def contiguous(x: Any) -> Any:
    return x.copy()


def fortran(x: Any) -> Any:
    return np.asfortranarray(x) if x.ndim else x.copy()


def strided(x: Any) -> Any:
    """Every other entry of a larger array, the axes backwards: no view is contiguous."""
    if not x.ndim:
        return x.copy()
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    view = wide[tuple(slice(None, None, -2) for _ in x.shape)]
    view[...] = x
    return view


def variables(arrays: Sequence[Any]) -> list[Tensor]:
    return [Tensor(x, requires_grad=True) for x in arrays]


def assert_same(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    """The same containers, shapes, dtypes and numbers."""
    if isinstance(expected, (tuple, list)):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            assert_same(a, b, rtol)
        return
    array = got.numpy() if type(got) is Tensor else np.asarray(got)
    expected = np.asarray(expected)
    assert array.dtype == expected.dtype
    assert array.shape == expected.shape
    np.testing.assert_allclose(array, expected, rtol=rtol, atol=1e-14)


@each_call
def test_value_is_numpy_s(call: Call):
    by_numpy, by_ag = call.of(np), call.of(ag)
    for layout in (contiguous, fortran, strided):
        arrays = [layout(x) for x in call.drawn()]
        expected = by_numpy(*arrays)
        assert_same(by_numpy(*variables(arrays)), expected)
        if layout is contiguous:
            assert_same(by_ag(*variables(arrays)), expected)
        plain = by_ag(*arrays)
        assert_same(plain, expected)
        assert Tensor not in map(type, leaves(plain))
    if call.code == f"np.{call.function}(x)" and call.function not in ("trim_zeros", "unstack"):
        (x,) = call.drawn()  # those two of NumPy's take no list, or give one
        if x.size:  # a list of none has no shape
            assert_same(by_ag(x.tolist()), by_numpy(x.tolist()))


@each(VALUES)
def test_what_is_constant_in_pieces_gives_numpy_s_value(code: str):
    x = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.3]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "numpy.fix is deprecated")  # since NumPy 2.5
        expected, got = (eval(code, {"np": np, "x": each}) for each in (x, Tensor(x, True)))
    assert Tensor not in map(type, leaves(got))
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert type(a) is type(b)
        np.testing.assert_array_equal(a, b)


def test_every_function_without_a_gradient_is_called():
    called = {
        function_of(np, ast.unparse(node.func).removeprefix("np."))
        for code in VALUES
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
    }
    apart = {"may_share_memory", "shares_memory", "empty_like"} | {"gammasgn"}  # SciPy's
    apart |= {"save", "savetxt", "savez", "savez_compressed", "round"}
    assert {f.__name__ for f in VALUE_FUNCTIONS - called} <= apart


# ---------------------------------------------------------------------- derivatives


def pairing(tree: Any, other: Any) -> Any:
    """``Re Σ a·b`` over all entries of floats in two trees."""
    total: Any = 0.0
    for a, b in zip(leaves(tree), leaves(other), strict=True):
        if np.result_type(a).kind in "fc":
            total = total + ag.sum(ag.real(a * b))
    return total


def drawn_like(tree: Any, rng: np.random.Generator) -> Any:
    """Random numbers of the shapes and kinds of a tree's leaves."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        drawn = rng.normal(size=x.shape)
        return drawn + 1j * rng.normal(size=x.shape) if x.dtype.kind == "c" else drawn

    return rebuilt(tree, map(one, leaves(tree)))


def check_derivative(f: Callable[..., Any], arrays: Sequence[Any]) -> None:
    """Reverse mode against central differences along a random direction."""
    rng = np.random.default_rng(5)
    weights = drawn_like(f(*arrays), rng)
    u = drawn_like(list(arrays), rng)

    def moved(h: float) -> Any:
        at = [np.asarray(x + h * d) for x, d in zip(arrays, u, strict=True)]
        return pairing(f(*at), weights)

    assert_close(pairing(ag.vjp(f, *arrays)[1](weights), u), directional(moved, 0.0, 1.0))


def assert_close(ours: Any, numeric: Any) -> None:
    np.testing.assert_allclose(ours, numeric, rtol=1e-5, atol=1e-6)


@each_call
def test_reverse_agrees_with_differences(call: Call):
    if call.order:
        check_derivative(call.of(np), call.drawn())


@each(some(CALLS, 4), by=lambda call: call.function)
def test_gradients_and_tangents_have_the_right_shape_and_dtype_and_are_finite(call: Call):
    arrays, f, rng = call.drawn(), call.of(np), np.random.default_rng(3)
    value, back = ag.vjp(f, *arrays)
    weights = drawn_like(value, rng)
    gradients = back(weights)
    for g, x in zip(gradients, arrays, strict=True):
        assert g.shape == x.shape
        assert g.dtype == x.dtype
        assert np.isfinite(g).all()
    for layout in (fortran, strided):
        _, back = ag.vjp(f, *map(layout, arrays))
        for g, again in zip(gradients, back(weights), strict=True):
            np.testing.assert_allclose(again, g, rtol=1e-9, atol=1e-12)
    value, tangent = ag.jvp(f, arrays, drawn_like(arrays, rng))
    assert_same(value, f(*arrays))
    for t, y in zip(leaves(tangent), leaves(value), strict=True):
        assert np.shape(t) == np.shape(y)
        assert t.dtype == y.dtype or y.dtype.kind in "biu"


@each([call for call in CALLS if len(call.operands) > 1], by=lambda call: call.function)
def test_each_operand_alone_with_the_others_as_arrays(call: Call):
    arrays = call.drawn()
    f = call.of(ag if call.code in UNDISPATCHED else np)
    value, back = ag.vjp(f, *arrays)
    weights = drawn_like(value, np.random.default_rng(3))
    for i, (x, expected) in enumerate(zip(arrays, back(weights), strict=True)):
        (got,) = ag.vjp(lambda x, i=i: f(*arrays[:i], x, *arrays[i + 1 :]), x)[1](weights)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def same_order(x: Any, y: Any) -> bool:
    return np.array_equal(*(np.argsort(each, None, "stable") for each in (x, y)))


def narrowed(arrays: Sequence[Any], dtype: Any) -> list[Any]:
    return [x.astype(np.complex64 if x.dtype.kind == "c" else dtype) for x in arrays]


@each(some(CALLS, 3), [np.float32, np.float16], by=lambda call, _: call.function)
def test_narrow_floats_stay_what_they_are(call: Call, dtype: Any):
    arrays, f = narrowed(call.drawn(), dtype), call.of(np)
    try:
        expected = f(*arrays)
    except TypeError:
        assert dtype is np.float16  # for which NumPy has no linear algebra
        with pytest.raises(TypeError):
            f(*variables(arrays))
        return
    value, back = ag.vjp(f, *arrays)
    for a, b in zip(leaves(value), leaves(expected), strict=True):
        assert np.result_type(a) == np.result_type(b)
    weights = drawn_like(value, np.random.default_rng(3))
    wide_value, wide_back = ag.vjp(f, *call.drawn())
    if call.function == "partition" and not same_order(value, wide_value):
        return  # NumPy leaves it open, and it differs from dtype to dtype and from CPU to CPU
    for g, x, wide in zip(back(weights), arrays, wide_back(weights), strict=True):
        assert g.dtype == x.dtype
        scale = 1 + np.abs(wide).max(initial=0)
        tolerance = 2e-4 if dtype is np.float32 else 0.1
        np.testing.assert_allclose(g, wide, rtol=tolerance, atol=tolerance * scale)


@each(SETTINGS)
def test_the_gradient_of_a_setting_is_right_or_refused(code: str):
    x = np.array([1.0, 2.5, 0.5, -1.2])

    def f(y: Any, np: Any = np, wrapped: Any = np.asarray) -> Any:
        out = eval(code, {"np": np, "x": wrapped(x), "y": y, "nan": float("nan")})
        return ag.sum(ag.cos(out))

    with np.errstate(divide="ignore"):
        numeric = directional(f, 1.37, 1.0)
        for namespace, wrapped in itertools.product((np, ag), (np.asarray, Tensor)):
            try:
                ours = ag.grad(f)(1.37, namespace, wrapped)
            except (TypeError, ValueError):
                continue
            assert_close(ours, numeric)


def test_a_wrong_rule_is_seen():
    """The comparison can fail."""
    wrong = ag.Op("wrong", np.sin, lambda g, out, x: g * np.cos(x) * 1.001)
    with pytest.raises(AssertionError):
        check_derivative(wrong, [np.array([0.5, 1.0])])


# ---------------------------------------------------------------------- manners


def with_keyword(call: Call, name: str) -> ast.Expression:
    """The call's code, with a further keyword whose value is called ``given``."""
    tree, inner = copy.deepcopy(call.inner())
    inner.keywords.append(ast.keyword(name, ast.Name("given", ast.Load())))
    return ast.fix_missing_locations(tree)


# These hand keywords on to the function that they are given, or, for a mode, list those it takes.
HAND_ON = ("apply_along_axis", "piecewise", "pad")


def takes_out(name: str) -> bool:
    f = function_of(np, name)
    try:
        return isinstance(f, np.ufunc) or "out" in inspect.signature(f).parameters
    except ValueError:  # written in C: before NumPy 2.4 it gives no signature
        return name in {"dot", "concatenate", "concat"}


@each(name for name in FIRST if takes_out(name))
def test_out_is_refused(name: str):
    call = FIRST[name]
    value = call.of(np)(*call.drawn())
    given = value if isinstance(value, tuple) else np.asarray(value)
    call = call._replace(constants={**call.constants, "given": given})
    for namespace, said in ((np, "out=.* write "), (ag, "out=.* write |argument 'out'")):
        with pytest.raises(TypeError, match=said):
            call.of(namespace, with_keyword(call, "out"))(*variables(call.drawn()))


@each(name for name in FIRST if name not in HAND_ON)
def test_an_unknown_keyword_is_refused_by_name(name: str):
    names = {name.split(".")[-1], function_of(np, name).__name__}
    call = FIRST[name]._replace(constants={**FIRST[name].constants, "given": 1})
    for namespace in (np, ag):
        with pytest.raises(TypeError) as error:
            call.of(namespace, with_keyword(call, "unheard_of"))(*variables(call.drawn()))
        assert any(name in str(error.value) for name in names), error.value


REFUSING = {"np": np, "ag": ag, "a": np.array([1.0, -2.0, 3.0])}


@each(REFUSED.items())
def test_what_is_refused_raises_and_its_replacement_works(code: str, instead: str):
    x = Tensor([0.5, 2.0, -1.0], requires_grad=True)
    with pytest.raises(ValueError if "order=" in code else TypeError):
        eval(code, {**REFUSING, "x": x})
    names = {**REFUSING, "x": x}
    exec(f"{instead if ' = ' in instead else 'a = ' + instead}", names)


@each(NOT_COVERED)
def test_what_is_not_covered_raises_and_names_itself(code: str):
    name = code.split("(")[0].split(".")[-1]
    with pytest.raises(TypeError, match=name):
        eval(code, {"np": np, "x": Tensor([0.5, 2.0, -1.0], requires_grad=True)})
