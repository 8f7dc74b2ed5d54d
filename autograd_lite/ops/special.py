"""The ufuncs of ``scipy.special`` whose derivatives are elementary, or others of them.

This is imported with SciPy, when one of them is first called with a Tensor. Formulas: NIST Digital
Library of Mathematical Functions, chapters 5, 7, 8 and 10.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
import scipy.special as sp

from ..arrays import is_at_hand
from ..show.notation import function
from ..table import NUMPY, OPS, Case, Op, op
from .elementwise import POSITIVE, WITHIN_1, astype

Rule = Callable[..., Any]
PART = (0.1, 0.9)
SQRT_PI = np.sqrt(np.pi)


class Unknown:
    """In place of a rule: no formula is known, and a gradient that is asked for is refused."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:  # it gives no gradient
        return False

    def __call__(self, *args: Any) -> Any:
        raise TypeError(
            f"scipy.special.{self.name}: its derivative by the parameter that a Tensor was given "
            "for, such as an order, has no rule here; give the parameter's value: t.detach()"
        )


NAMES = {"polygamma", "ive"}
"""Of all that is entered here."""


def _unrounded(x: Any, out: Any) -> Any:
    """Whole numbers as floats: of narrow ones logarithms are rounded, and −x overflows."""
    if type(x) is bool:
        return float(x)
    whole = getattr(x, "dtype", out.dtype).kind in "biu"
    return x.astype(np.finfo(out.dtype).dtype) if whole else x


def row(name: str, *rules: Rule | str, domain: Any = (-2.0, 2.0), **traits: Any) -> Op:
    """An op of a ufunc: the derivative by each input, as a function of (out, *inputs)."""

    def times(rule: Rule) -> Rule:
        return lambda g, out, *inputs: g * rule(out, *(_unrounded(x, out) for x in inputs))

    NAMES.add(name)
    vjps = [Unknown(name) if isinstance(rule, str) else times(rule) for rule in rules]
    cases = [Case(((2, 3), (3,), (2, 1))[: len(rules)])]
    return op(name, getattr(sp, name), *vjps, entrywise=True, domain=domain, cases=cases, **traits)


# ---------------------------------------------------------------------- errors, and sigmoid

row("erf", lambda out, x: 2 / SQRT_PI * np.exp(-x * x))
row("erfc", lambda out, x: -2 / SQRT_PI * np.exp(-x * x))
row("erfcx", lambda out, x: 2 * x * out - 2 / SQRT_PI)
row("erfi", lambda out, x: 2 / SQRT_PI * np.exp(x * x))
row("erfinv", lambda out, x: SQRT_PI / 2 * np.exp(out * out), domain=WITHIN_1)
row("erfcinv", lambda out, x: -SQRT_PI / 2 * np.exp(out * out), domain=(0.2, 1.8))
row("dawsn", lambda out, x: 1 - 2 * x * out)
row("wofz", lambda out, x: 2j / SQRT_PI - 2 * x * out)
row("ndtr", lambda out, x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), notation=function("Φ"))
row("log_ndtr", lambda out, x: np.exp(-x * x / 2 - out) / np.sqrt(2 * np.pi))
row("ndtri", lambda out, x: np.exp(out * out / 2) * np.sqrt(2 * np.pi), domain=PART)
row("expit", lambda out, x: out * sp.expit(-x), notation=function("σ"))
row("log_expit", lambda out, x: sp.expit(-x))
row("logit", lambda out, x: 1 / (x * (1 - x)), domain=PART)

# ---------------------------------------------------------------------- gamma and beta

def _polygamma(x: Any, n: int) -> Any:
    if np.iscomplexobj(x):
        said = "of complex numbers SciPy has no polygamma, so that psi has no derivative there"
        raise TypeError(f"{said}; take t.real where that is meant")
    if is_at_hand(x):
        return sp.polygamma(n, x)
    return (-1.0) ** (n + 1) * factorial(n) * sp.zeta(n + 1.0, x) if n else sp.psi(x)


polygamma: Op = op(
    "polygamma",
    _polygamma,
    lambda g, out, x, n: g * polygamma(x, n=n + 1),
    entrywise=True, domain=POSITIVE, source="scipy.special.polygamma({n}, {0})",
    cases=[Case(((2, 3),), {"n": n}) for n in (0, 1, 3)],
)  # fmt: skip


def _ratio(x: Any, a: Any, b: Any) -> Any:
    """The density of the beta distribution."""
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


def _gamma(a: Any, x: Any) -> Any:
    """The density of the gamma distribution."""
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def _t(df: Any, t: Any) -> Any:
    """The density of Student's t: by x = df / (df + t²), a beta density."""
    half = (df + 1) / 2
    return np.exp(-half * np.log1p(t * t / df) - sp.betaln(df / 2, 0.5)) / np.sqrt(df)


row("psi", lambda out, x: polygamma(x, n=1), domain=POSITIVE, notation=function("ψ"))
row("gamma", lambda out, x: out * sp.psi(x), domain=POSITIVE, notation=function("Γ"))
row("rgamma", lambda out, x: -out * sp.psi(x), domain=POSITIVE)
row("gammaln", lambda out, x: sp.psi(x), domain=POSITIVE)
row("loggamma", lambda out, x: sp.psi(x), domain=POSITIVE)
row("gammainc", "a", lambda out, a, x: _gamma(a, x), domain=POSITIVE)
row("gammaincc", "a", lambda out, a, x: -_gamma(a, x), domain=POSITIVE)
row("betainc", "a", "b", lambda out, a, b, x: _ratio(x, a, b), domain=PART)
row("stdtr", "df", lambda out, df, t: _t(df, t), domain=POSITIVE)
row("betaln", lambda out, a, b: sp.psi(a) - sp.psi(a + b),
    lambda out, a, b: sp.psi(b) - sp.psi(a + b), domain=POSITIVE)  # fmt: skip
row("beta", lambda out, a, b: out * (sp.psi(a) - sp.psi(a + b)),
    lambda out, a, b: out * (sp.psi(b) - sp.psi(a + b)), domain=POSITIVE)  # fmt: skip

# ---------------------------------------------------------------------- logarithms, integrals

def _complex(x: Any, out: Any) -> Any:
    """Where the result is complex, so is the logarithm of a number below 0."""
    return astype(x, out.dtype) if out.dtype.kind == "c" else x


row("xlogy", lambda out, x, y: np.log(_complex(y, out)), lambda out, x, y: x / y, domain=POSITIVE)
row("xlog1py", lambda out, x, y: np.log1p(_complex(y, out)), lambda out, x, y: x / (1 + y),
    domain=POSITIVE)  # fmt: skip
row("entr", lambda out, x: -np.log(x) - 1, domain=POSITIVE)
row("rel_entr", lambda out, x, y: np.log(x / y) + 1, lambda out, x, y: -x / y, domain=POSITIVE)
row("kl_div", lambda out, x, y: np.log(x / y), lambda out, x, y: 1 - x / y, domain=POSITIVE)
row("exp10", lambda out, x: out * np.log(10.0))
row("exp1", lambda out, x: -np.exp(-x) / x, domain=POSITIVE)
row("expi", lambda out, x: np.exp(x) / x, domain=POSITIVE)
row("spence", lambda out, x: np.log(x) / (1 - x), domain=PART)

# ---------------------------------------------------------------------- Bessel functions

row("j0", lambda out, x: -sp.j1(x))
row("j1", lambda out, x: (sp.j0(x) - sp.jv(2, x)) / 2)
row("y0", lambda out, x: -sp.y1(x), domain=POSITIVE)
row("y1", lambda out, x: (sp.y0(x) - sp.yv(2, x)) / 2, domain=POSITIVE)
row("i0", lambda out, x: sp.i1(x))
row("i1", lambda out, x: (sp.i0(x) + sp.iv(2, x)) / 2)
row("k0", lambda out, x: -sp.k1(x), domain=POSITIVE)
row("k1", lambda out, x: -(sp.k0(x) + sp.kv(2, x)) / 2, domain=POSITIVE)
row("i0e", lambda out, x: sp.i1e(x) - np.sign(x) * out, domain=POSITIVE)
row("i1e", lambda out, x: (sp.i0e(x) + sp.ive(2, x)) / 2 - np.sign(x) * out, domain=POSITIVE)
row("jv", "v", lambda out, v, x: (sp.jv(v - 1, x) - sp.jv(v + 1, x)) / 2, domain=POSITIVE)
row("yv", "v", lambda out, v, x: (sp.yv(v - 1, x) - sp.yv(v + 1, x)) / 2, domain=POSITIVE)
row("iv", "v", lambda out, v, x: (sp.iv(v - 1, x) + sp.iv(v + 1, x)) / 2, domain=POSITIVE)
row("kv", "v", lambda out, v, x: -(sp.kv(v - 1, x) + sp.kv(v + 1, x)) / 2, domain=POSITIVE)
op("ive", sp.ive, Unknown("ive"), lambda g, out, v, x:  # of complex numbers it scales by |Re x|
   g * (sp.ive(v - 1, x) + sp.ive(v + 1, x)) / 2 - np.real(g * out) * np.sign(np.real(x)),
   entrywise=True, domain=POSITIVE, cases=[Case(((2, 3), (3,)))])  # fmt: skip

# ---------------------------------------------------------------------- NumPy's again, and steps

for _name in ("log1p", "expm1", "exp2", "cbrt"):
    NUMPY[getattr(sp, _name)] = OPS[_name]
NUMPY[sp.yn] = lambda n, x: OPS["yv"](np.trunc(n), x)
STEPS = {sp.gammasgn, sp.round}
