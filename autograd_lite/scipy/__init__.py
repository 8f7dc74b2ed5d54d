"""SciPy's functions of Tensors, under SciPy's names: `special`, `stats`, `linalg`, ….

What a module here doesn't define is SciPy's own. Its ufuncs take Tensors (``scipy.special.erf(t)``
does, too, without this package); anything else that is given one raises TypeError, and is named.

Example:
    >>> import numpy as np, autograd_lite as ag
    >>> from autograd_lite.scipy.stats import norm
    >>> ag.grad(norm.logpdf)(1.0, 0.0, 2.0)
    array(-0.25)
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..containers import leaves, settled
from ..engine.tensor import Tensor
from ..errors import no_derivative
from ..extend import primitive


def __getattr__(name: str) -> Any:
    """A module of it, imported when it's asked for."""
    if find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


class Own(primitive):
    """A module, object or function of SciPy's that refuses Tensors, by its name.

    A function can be given rules: ``defvjp(scipy.linalg.expm, …)``.
    """

    def __init__(self, own: Any, name: str) -> None:
        self.f, self.makers = own, {}
        self.__wrapped__, self.__name__, self.__doc__ = own, name, own.__doc__

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self.__wrapped__, attribute)
        taken = not callable(found) or isinstance(found, (type, np.ufunc)) or attribute[:2] == "__"
        return found if taken else _own(found, f"{self.__name__}.{attribute}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = settled(args), settled(kwargs)
        if Tensor in map(type, leaves((args, kwargs))) and not self.makers:
            raise no_derivative(self.__name__)
        return super().__call__(*args, **kwargs)


_own = cache(Own)  # one for each, so that it keeps its rules
