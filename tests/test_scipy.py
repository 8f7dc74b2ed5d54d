"""SciPy's functions: its ufuncs as they are, and densities, composed, against SciPy's own."""

from __future__ import annotations

from typing import Any

import autograd_lite.scipy.stats.multivariate_normal as mvn
import numpy as np
import pytest
import scipy.special
import scipy.stats

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.ops import special as special_ops
from autograd_lite.scipy import integrate, linalg, signal, special, stats
from autograd_lite.table import OPS

from .each import each

RNG = np.random.default_rng(3)
NEAR = RNG.normal(size=5)
COV = np.array([[2.0, 0.3], [0.3, 1.0]])
POINTS = RNG.normal(size=(4, 2))
LOGS = RNG.normal(size=(3, 4))
WEIGHTS = RNG.normal(size=(3, 4))
PART = np.array([0.2, 0.3, 0.5])

LOCATED = {
    "norm": [(NEAR, 0.3, 1.2), (NEAR,), (0.5, 1.0, -1.0)],
    "t": [(NEAR, 2.5, 0.3, 1.2)],
    "gamma": [(NEAR + 1, 2.5), (NEAR, 0.5, 0.2, 2.0), (1.0, -2.0)],
    "chi2": [(NEAR + 1, 2.5)],
    "beta": [(np.array([-0.1, 0.0, 0.2, 0.9, 1.0, 1.2]), 2.0, 3.0), (PART, 0.5, 0.5, 0.1, 2.0)],
    "poisson": [(np.array([-1, 0, 1, 2.5, 4]), 2.2), (np.array([0, 3.0]), 2.2, 1), (0, 0.0)],
}


@each([(name, args) for name, cases in LOCATED.items() for args in cases])
def test_distributions_are_scipy_s(name: str, args: tuple[Any, ...]):
    ours, scipys = getattr(stats, name), getattr(scipy.stats, name)
    density = "pmf" if name == "poisson" else "pdf"
    with np.errstate(divide="ignore"):
        for f in (f"log{density}", density, "cdf", "sf", "logcdf", "logsf"):
            expected = getattr(scipys, f)(*args)
            np.testing.assert_allclose(getattr(ours, f)(*args), expected, 1e-10, 1e-300, err_msg=f)


COMPOSED = {
    "norm": (lambda x, m, s: stats.norm.logcdf(x, m, scale=s), (NEAR, 0.3, 1.2)),
    "t": (stats.t.logpdf, (NEAR, 2.5, 0.3, 1.2)),
    "t cdf": (lambda x, m: stats.t.cdf(x, 2.5, m), (NEAR, 0.3)),
    "gamma": (lambda x, a, s: stats.gamma.logpdf(x, a, scale=s), (NEAR**2 + 0.1, 2.5, 1.3)),
    "chi2": (stats.chi2.pdf, (NEAR**2 + 0.1, 2.5)),
    "beta": (stats.beta.logpdf, (PART, 2.0, 3.0)),
    "poisson": (lambda mu: stats.poisson.logpmf(np.array([0, 3, 1]), mu), (PART,)),
    "poisson cdf": (lambda mu: stats.poisson.cdf(np.array([-1, 0, 3]), mu), (PART,)),
    "normal": (lambda x, m, r: mvn.logpdf(x, m, r @ r.T), (POINTS, PART[:2], COV)),
    "normal entropy": (lambda r: mvn.entropy(None, r @ r.T), (COV,)),
    "normal, singular": (
        lambda x, m: mvn.logpdf(np.stack([x, 0 * x]).T, [m, 0.0] if type(m) is float else
                                np.stack([m, 0 * m]), np.diag([2.0, 0.0]), True),
        (NEAR, 0.4),
    ),
    "dirichlet": (lambda x, a: stats.dirichlet.logpdf(x / np.sum(x), a), (PART, 4 * PART)),
    "logsumexp": (lambda x, b: special.logsumexp(x, 1, b, return_sign=True)[0], (LOGS, WEIGHTS)),
    "logsumexp, all": (special.logsumexp, (LOGS,)),
    "softmax": (lambda x: special.softmax(x, (0, 1)), (LOGS,)),
    "log_softmax": (lambda x: special.log_softmax(x, -1), (LOGS,)),
    "polygamma": (lambda x: special.polygamma(2, x), (PART,)),
    "multigammaln": (lambda a: special.multigammaln(a, 3), (3 + PART,)),
    "erf": (special.erf, (NEAR,)),
    "solve_triangular": (
        lambda a, b: linalg.solve_triangular(a, b, "T", lower=True), (COV, NEAR[:2])),
    "the other": (lambda a, b: linalg.solve_triangular(a, b, unit_diagonal=True), (COV, COV)),
    "by NumPy's": (lambda a, b: linalg.inv(a, check_finite=False) @ linalg.pinv(b)
                   * linalg.det(a) / linalg.norm(b) + linalg.solve(b, a), (COV, LOGS[:2, :2])),
    "cho_solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(a @ a.T), b), (COV, NEAR[:2])),
    "cho_solve, lower": (
        lambda a, b: linalg.cho_solve((linalg.cholesky(a @ a.T, lower=True), True), b),
        (COV, POINTS.T),
    ),
    "block_diag": (lambda a, b: linalg.block_diag(a, 2.0, b, [[b[0], 1.0]]), (LOGS, NEAR)),
    "solve_banded": (lambda ab, b: linalg.solve_banded((1, 0), ab, b), (2 + POINTS.T, LOGS.T)),
    "solve_sylvester": (linalg.solve_sylvester, (COV, POINTS @ POINTS.T, POINTS.T)),
    "its functions of a matrix": (
        lambda a: sum(getattr(linalg, f)(a) for f in ("expm", "logm", "sqrtm", "tanm", "coshm")),
        (COV,),
    ),
    "expm, of several": (linalg.expm, (np.stack([COV, -COV]),)),
    "complex roots": (lambda a, b: np.abs(linalg.sqrtm(a * np.array([1j, 0.3])) - linalg.sqrtm(b)),
                      (COV, COV - 1.5 * np.eye(2))),
    "normal, of full rank": (
        lambda x, r: mvn.logpdf(x, None, r @ r.T, allow_singular=True), (POINTS, COV)),
    "convolve": (lambda a, b: signal.convolve(a, b, mode="same"), (LOGS, COV)),
    "convolve, axes": (
        lambda a, b: signal.convolve(a, b, ([1], [0]), ([0], [1]), "valid"),
        (LOGS, RNG.normal(size=(2, 3, 5))),
    ),
    "convolve, the other way": (
        lambda a, b: signal.convolve(a, b, ([1], [0]), mode="valid"),
        (LOGS, RNG.normal(size=(6, 2))),
    ),
}  # fmt: skip


@each(COMPOSED.items())
def test_what_is_composed_has_right_derivatives_of_second_order(name: str, case: Any):
    f, args = case
    ag.check_grads(lambda *xs: np.sum(np.sin(f(*xs))), *args, order=2)


def same(got: Any, expected: Any) -> None:
    for a, b in zip(ag.containers.leaves(got), ag.containers.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_functions_that_are_no_ufuncs_are_scipy_s():
    least = LOGS.copy()
    least[0], least[1, 1] = -np.inf, -np.inf
    out = signal.convolve(LOGS, RNG.normal(size=(6, 2)), ([1], [0]), mode="valid")
    assert out.shape == (3, 2, 3)
    for settings in ({}, {"axis": 0}, {"axis": -1}, {"axis": (0, 1), "keepdims": True}):
        same(special.logsumexp(least, **settings), scipy.special.logsumexp(least, **settings))
    settings = {"axis": 1, "b": WEIGHTS, "return_sign": True}
    same(special.logsumexp(least, **settings), scipy.special.logsumexp(least, **settings))
    for axis in (None, 1):
        same(special.softmax(LOGS, axis), scipy.special.softmax(LOGS, axis))
    same(special.polygamma(2, PART), scipy.special.polygamma(2, PART))
    for args in ((POINTS, [1, 2.0], COV), (POINTS[0], None, COV), (0.3,), (PART, 0.1, 2.0),
                 (POINTS, [0.0, 1.0], [1.0, 2.0]), (POINTS * [1, 0], None, np.diag([1.0, 0]), True),
                 (POINTS, None, np.diag([1.0, 0]), True)):  # fmt: skip
        same(mvn.logpdf(*args), scipy.stats.multivariate_normal.logpdf(*args))
    for x in (PART, PART[:2]):
        same(stats.dirichlet.pdf(x, [1.0, 2, 3]), scipy.stats.dirichlet.pdf(x, [1.0, 2, 3]))
    for mode in ("full", "same", "valid"):
        same(signal.convolve(LOGS, COV, mode=mode), scipy.signal.convolve(LOGS, COV, mode))
        same(signal.convolve(COV, LOGS[:, 1:3], mode=mode),
             scipy.signal.convolve(COV, LOGS[:, 1:3], mode))  # fmt: skip
    for lower in (False, True):
        same(linalg.solve_triangular(COV, PART[:2], lower=lower),
             scipy.linalg.solve_triangular(COV, PART[:2], lower=lower))  # fmt: skip


@each(["by NumPy's", "cho_solve", "cho_solve, lower", "block_diag"])
def test_what_scipy_does_of_arrays_is_what_is_composed(name: str):
    f, args = COMPOSED[name]
    same(f(*map(ag.Tensor, args)).data, f(*args))


def test_odeint_solves_its_adjoint():
    def decay(y: Any, t: Any, rates: Any) -> Any:
        return -rates * y * t

    times = np.array([0.1, 0.5, 1.0])
    tight = {"rtol": 1e-11, "atol": 1e-11}

    def f(y0: Any, t: Any, rates: Any) -> Any:
        return np.sum(np.sin(integrate.odeint(decay, y0, t, (rates,), **tight)))

    def solved(y0: Any, t: Any, rates: Any) -> Any:
        return np.sum(np.sin(y0 * np.exp(-rates * (t[:, None] ** 2 - t[0] ** 2) / 2)))

    args = np.array([1.0, 2.0]), times, np.array([0.7, 0.2])
    for i in range(3):
        np.testing.assert_allclose(ag.grad(f, i)(*args), ag.grad(solved, i)(*args), rtol=1e-7)
    mixed = [ag.grad(lambda r, g=g: np.sum(ag.grad(g)(args[0], times, r)))(args[2])
             for g in (f, solved)]  # fmt: skip
    np.testing.assert_allclose(*mixed, rtol=1e-7)


REFUSED = {
    "struve": lambda x: scipy.special.struve(1, x),
    "scipy.special.jv: its derivative": lambda x: scipy.special.jv(x, 1.0),
    "scipy.special.gammainc: its derivative": lambda x: stats.gamma.cdf(1.0, x),
    r"scipy\.stats\.norm\.ppf: it has no rule": stats.norm.ppf,
    r"scipy\.stats\.uniform\.logpdf: it has no rule": lambda x: stats.uniform.logpdf(x),
    r"scipy\.linalg\.signm: it has no rule": lambda x: linalg.signm(x),
    r"scipy\.special\.zeta: it has no rule": lambda x: special.zeta(2, x),
    "unexpected keyword argument 'mean'": lambda x: stats.norm.pdf(x, mean=1.0),
    "cov=": lambda x: mvn.logpdf([0.1, 0.1], [0.0, 0.0], x * np.ones((2, 2)), allow_singular=True),
}


@each(REFUSED.items())
def test_what_has_no_derivative_is_refused_by_name(said: str, f: Any):
    with pytest.raises(TypeError, match=said):
        ag.grad(lambda x: np.sum(f(x)))(0.5)


WITH_A_RULE = """
    beta betainc betaln dawsn entr erf erfc erfcinv erfcx erfi erfinv exp1 exp10 expi expit gamma
    gammainc gammaincc gammaln i0 i0e i1 i1e iv ive j0 j1 jv k0 k1 kl_div kv log_expit log_ndtr
    loggamma logit ndtr ndtri polygamma psi rel_entr rgamma spence stdtr wofz xlog1py xlogy y0 y1 yv
"""


def test_what_has_a_rule():
    assert {*WITH_A_RULE.split()} == special_ops.NAMES


@each(sorted(special_ops.NAMES - {"polygamma"}))
def test_complex_numbers_have_their_derivatives_or_are_refused(name: str):
    """Real numbers beside them, too, also where only the complex function has a value."""
    ufunc, rules = getattr(scipy.special, name), OPS[name].vjps
    z, weights = np.array([0.4 + 0.3j, -0.6 + 0.2j]), np.array([0.3 - 0.7j, 0.5 + 0.2j])
    for others in ((), (2,), (-0.5,)) if ufunc.nin == 2 else ((),):
        for args in {(*others, z.tobytes()), (z.tobytes(), *others)} if ufunc.nin < 3 else ():
            place = next(i for i, x in enumerate(args) if type(x) is bytes)

            def call(x: Any, before: Any = args[:place], behind: Any = args[place + 1 :]) -> Any:
                return np.real(np.sum(weights * ufunc(*before, x, *behind)))

            try:
                call(z)
            except TypeError:
                continue  # SciPy has none
            if name == "psi" or not rules[place]:
                with pytest.raises(TypeError, match=r"has no rule here|SciPy has no polygamma"):
                    ag.grad(call)(z)
            else:
                ag.check_grads(call, z, order=1)


def test_an_order_of_yn_is_cut_as_scipy_cuts_it():
    order, x = np.array([0.7, 1.0, 2.2]), np.array([0.5, 1.5, 2.5])
    with pytest.warns(RuntimeWarning, match="truncated"):
        expected = scipy.special.yn(order, x)
    t = Tensor(x, requires_grad=True)
    np.testing.assert_allclose(scipy.special.yn(Tensor(order), t).data, expected)


def test_its_modules_are_its_attributes():
    import autograd_lite.scipy

    for module in (integrate, linalg, signal, special, stats):
        assert autograd_lite.scipy.__getattr__(module.__name__.split(".")[-1]) is module
    assert not hasattr(autograd_lite.scipy, "no_module")


def test_scipy_s_others_come_through():
    assert special.erf is scipy.special.erf
    assert stats.norm.ppf(0.5) == 0.0
    assert stats.uniform.cdf(0.25) == 0.25
    assert stats.norm.rvs(size=2, random_state=0).shape == (2,)
    assert stats.rv_continuous is scipy.stats.rv_continuous
    np.testing.assert_allclose(linalg.expm(np.zeros((2, 2))), np.eye(2))
    assert scipy.special.gammasgn(Tensor([-0.5, 2.0], requires_grad=True)).tolist() == [-1.0, 1.0]
    assert scipy.special.log1p(Tensor(1.0, requires_grad=True)).op.name == "log1p"
    for bad in ((POINTS, None, -COV), (POINTS, None, -COV, True)):
        with pytest.raises(ValueError, match="definite"):
            mvn.logpdf(*bad)
