"""The table of ops, which dispatch, tests, figures, formulas and source enumerate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from .engine.op import Each, Op, Vjp


class Case(NamedTuple):
    """Where the tests may sample an op: the shapes of its inputs, and its params."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = MappingProxyType({})


OPS: dict[str, Op] = {}
"""The table: every op of this package (and of nn), by name."""

NUMPY: dict[Any, Callable[..., Any]] = {}
"""What stands in for a NumPy function when it is called with a Tensor."""


def op(name: str, forward: Callable[..., Any], *vjps: Vjp | Each | None, **kwargs: Any) -> Op:
    """Make an Op and enter it in the table, which tests, figures and formulas enumerate."""
    if name in OPS:
        raise ValueError(f"op {name!r} is in the table already; choose another name")
    entry = OPS[name] = Op(name, forward, *vjps, **kwargs)
    if isinstance(forward, np.ufunc):
        NUMPY.setdefault(forward, entry)
    return entry


def _entry(name: str) -> Op:
    """The entry of that name, for unpickling."""
    return OPS[name]


def _reduced(self: Op) -> Any:
    """For pickling: an op is its entry."""
    if OPS.get(self.name) is not self:
        raise TypeError(f"{self!r} can't be pickled: it is not in the table of ops")
    return _entry, (self.name,)


setattr(Op, "__reduce__", _reduced)  # noqa: B010  (a type checker would have it be object's)
