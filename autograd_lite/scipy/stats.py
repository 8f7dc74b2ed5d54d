"""``scipy.stats``: densities and distribution functions, composed of what has a gradient.

All else that a distribution has (``rvs``, ``ppf``, ``fit``, …) is SciPy's own. Where its parameters
make no sense, a density is nan, as there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats

from ..engine.tensor import Tensor
from ..ops.define import operand, setting, value
from . import Own

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]

__getattr__ = Own(scipy.stats, "scipy.stats").__getattr__
LOG_2PI = np.log(2 * np.pi)


class Distribution(Own):
    """The functions of a distribution that are composed, and SciPy's others."""

    def __init__(self, name: str, density: Callable[..., Any], **others: Any) -> None:
        super().__init__(getattr(scipy.stats, name), f"scipy.stats.{name}")
        f = "pmf" if name == "poisson" else "pdf"
        vars(self).update({f"log{f}": density, f: lambda *x, **kw: np.exp(density(*x, **kw))})
        vars(self).update(others)
        sys.modules[f"{__name__}.{name}"] = self  # type: ignore[assignment]  # to be imported


def _family(
    name: str, density: Callable[..., Any], cdf: Any, sf: Any, **others: Any
) -> Distribution:
    """A distribution by its standard form, whose functions take z and the shape parameters.

    Args:
        name: SciPy's, whose names of parameters and support are taken.
        density: the logarithm of the density, within the support.
        cdf: the part of the distribution up to z, within the support,
        sf: and that beyond z.
        others: ``logcdf`` and ``logsf``, where they aren't the logarithms of those.
    """
    own, whole = getattr(scipy.stats, name), name == "poisson"
    least, most = own.a, own.b

    def scaled(f: Callable[..., Any], is_density: bool = False) -> Callable[..., Any]:
        def function(x: Any, *args: Any, **kwargs: Any) -> Any:
            shapes, loc, scale = own._parse_args(*args, **kwargs)
            z = (operand(x) - loc) / scale
            if is_density:
                at = value(z)
                inside = ~((at < least) | (at > most) | (whole and at != np.floor(at)))
                found = f(np.where(inside, z, 0.5), *shapes) - np.log(np.abs(scale))
                found = np.where(inside, found, -np.inf)
            else:
                found = f(np.clip(z, least - whole, most) if least > -np.inf else z, *shapes)
            for p in map(value, (scale, *shapes)):
                found = np.where((p > 0) | (whole & (p == 0)), found, np.nan)
            return _given(found)

        return function

    more = {"logcdf": lambda *z: np.log(cdf(*z)), "logsf": lambda *z: np.log(sf(*z)), **others}
    functions = {key: scaled(f) for key, f in {"cdf": cdf, "sf": sf, **more}.items()}
    return Distribution(name, scaled(density, True), **functions)


def _given(found: Any) -> Any:
    """A number, not an array without axes."""
    return found if type(found) is Tensor else found[()]


def _gamma_density(z: Any, a: Any) -> Any:
    return sp.xlogy(a - 1, z) - z - sp.gammaln(a)


norm = _family(
    "norm", lambda z: -(z * z + LOG_2PI) / 2, lambda z: sp.ndtr(z), lambda z: sp.ndtr(-z),
    logcdf=lambda z: sp.log_ndtr(z), logsf=lambda z: sp.log_ndtr(-z),
)  # fmt: skip
t = _family(
    "t",
    lambda z, df: -(df + 1) / 2 * np.log1p(z * z / df) - sp.betaln(df / 2, 0.5) - np.log(df) / 2,
    lambda z, df: sp.stdtr(df, z),
    lambda z, df: sp.stdtr(df, -z),
)
gamma = _family(
    "gamma", _gamma_density, lambda z, a: sp.gammainc(a, z), lambda z, a: sp.gammaincc(a, z)
)
chi2 = _family(
    "chi2",
    lambda z, df: _gamma_density(z / 2, df / 2) - np.log(2.0),
    lambda z, df: sp.gammainc(df / 2, z / 2),
    lambda z, df: sp.gammaincc(df / 2, z / 2),
)
beta = _family(
    "beta",
    lambda z, a, b: sp.xlogy(a - 1, z) + sp.xlog1py(b - 1, -z) - sp.betaln(a, b),
    lambda z, a, b: sp.betainc(a, b, z),
    lambda z, a, b: sp.betainc(b, a, 1 - z),
)
poisson = _family(
    "poisson",
    lambda k, mu: sp.xlogy(k, mu) - mu - sp.gammaln(k + 1),
    lambda k, mu: sp.gammaincc(np.floor(k) + 1, mu),
    lambda k, mu: sp.gammainc(np.floor(k) + 1, mu),
)


def _normal(mean: Any, cov: Any) -> tuple[Any, Any]:
    cov = operand(cov)
    mean = operand(np.zeros(cov.shape[:1]) if mean is None else mean).reshape(-1)
    return mean, cov if cov.ndim == 2 else cov * np.eye(mean.size)


def _normal_density(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    mean, cov = _normal(mean, cov)
    x, n = operand(x), mean.size
    away = (x[..., None] if n == 1 and x.ndim < 2 else x) - mean
    is_whole = not allow_singular
    if allow_singular:
        sizes, axes = np.linalg.eigh(value(cov))
        least = 1e6 * np.finfo(float).eps * sizes.max()  # as SciPy takes it
        if sizes.min() < -least:
            raise ValueError("multivariate_normal: cov must be positive semidefinite")
        kept = sizes > least
        is_whole = kept.all()
    else:
        np.linalg.cholesky(value(cov))  # raises where it isn't positive definite
    if is_whole:
        logdet, scaled = np.linalg.slogdet(cov)[1], np.linalg.solve(cov, away[..., None])[..., 0]
        return -(np.sum(away * scaled, -1) + n * LOG_2PI + logdet) / 2
    setting("multivariate_normal", "cov", cov)  # its rank would change
    along = np.sum((away @ axes[:, kept]) ** 2 / sizes[kept], -1)
    found = -(along + kept.sum() * LOG_2PI + np.log(sizes[kept]).sum()) / 2
    beyond = np.linalg.norm(value(away @ axes[:, ~kept]), axis=-1) >= 1e3 * least
    return _given(np.where(beyond, -np.inf, found))


def _normal_entropy(mean: Any = None, cov: Any = 1) -> Any:
    mean, cov = _normal(mean, cov)
    return (mean.size * (1 + LOG_2PI) + np.linalg.slogdet(cov)[1]) / 2


def _dirichlet_density(x: Any, alpha: Any) -> Any:
    x, alpha = operand(x), operand(alpha)
    scipy.stats.dirichlet.logpdf(value(x), value(alpha))  # raises what there is to raise
    if len(x) < len(alpha):
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    powers = sp.xlogy((alpha - 1).reshape(-1, *(1,) * (x.ndim - 1)), x)
    return np.sum(powers, axis=0) + sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))


multivariate_normal = Distribution("multivariate_normal", _normal_density, entropy=_normal_entropy)
dirichlet = Distribution("dirichlet", _dirichlet_density)
