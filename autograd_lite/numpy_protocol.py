"""NumPy's own functions on Tensors: a table lookup from ``np.f`` to what it does here.

The table, `table.NUMPY`, is filled where the ops are defined. A function that is in none is
refused by its name; nothing falls back to object arrays.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache, partial
from typing import Any

import numpy as np

from . import errors, ops
from .arrays import HOLDERS
from .engine.modes import trace
from .engine.tensor import Tensor
from .numpy_api.calculus import running
from .numpy_api.filling import filling
from .numpy_api.indexing import written
from .numpy_api.order import add_reduceat
from .numpy_code import numpy_name
from .ops.elementwise import OF_ARRAYS, TEXTS, VALUE_OPS
from .table import NUMPY, Op

# Piecewise constant, or about the array and not its values: they give plain arrays.
VALUES: set[Any] = {*OF_ARRAYS, *TEXTS, *VALUE_OPS} - {np.sign} | {
    np.signbit, np.all, np.allclose, np.any, np.argmax, np.argmin, np.argpartition, np.argsort,
    np.argwhere, np.array_equal, np.array_equiv, np.around, np.count_nonzero, np.digitize, np.fix,
    np.flatnonzero, np.iscomplex, np.isclose, np.isin, np.isneginf, np.isposinf, np.isreal,
    np.linalg.matrix_rank, np.nanargmax, np.nanargmin, np.nonzero, np.round, np.searchsorted,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.save, np.lexsort,
    np.savetxt, np.savez, np.savez_compressed,
}  # fmt: skip

# They write into their first argument; and which is what they write.
IN_PLACE: dict[Any, int] = {
    np.copyto: 1, np.fill_diagonal: 1, np.place: 2, np.put: 2, np.put_along_axis: 2, np.putmask: 2,
}  # fmt: skip

# Of those that aren't composed here: which argument is out=, where it comes without its name.
OUT: dict[Any, int] = {
    np.fix: 1, np.isneginf: 1, np.isposinf: 1, np.all: 2, np.any: 2, np.argmax: 2, np.argmin: 2,
    np.around: 2, np.nanargmax: 2, np.nanargmin: 2, np.round: 2,
}  # fmt: skip

# What a ufunc's methods do, by the ufunc.
METHODS: dict[str, dict[Any, Any]] = {
    "reduce": {np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.max, np.minimum: ops.min,
               np.logaddexp: ops.logsumexp},
    "accumulate": {np.add: ops.cumsum, np.multiply: ops.cumprod,
                   np.maximum: partial(running, np.maximum),
                   np.minimum: partial(running, np.minimum)},
    "reduceat": {np.add: add_reduceat},
}  # fmt: skip


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Tensor.__array_ufunc__``: the op of the table; what is in none is refused by its name."""
    out = kwargs.pop("out", ())
    if HOLDERS and not HOLDERS.isdisjoint(map(type, (*inputs, *out))):
        return NotImplemented  # they say first what they hold
    is_call = method == "__call__"
    if is_call and ufunc not in NUMPY and "scipy.special" in sys.modules:
        from .ops.special import STEPS  # and their rows

        VALUES.update(STEPS)
    is_value = is_call and ufunc in VALUES
    if out:
        if not is_value or Tensor in map(type, out) or trace.active():
            raise errors.out_argument(ufunc.__name__)
        return ops.value_of(ufunc, *inputs, **kwargs, out=out)
    if method == "at":
        raise errors.in_place(f"np.{ufunc.__name__}.at", "ag.index_add(t, index, values)")
    if is_call:
        if kwargs.pop("where", True) is not True:
            raise errors.ufunc_where(ufunc.__name__)
        if is_value:
            return ops.value_of(ufunc, *inputs, **kwargs)
        if ufunc in NUMPY:
            dtype = kwargs.pop("dtype", None)
            if dtype is not None:
                casting = kwargs.pop("casting", "same_kind")
                inputs = tuple(ops.cast(ufunc.__name__, x, dtype, casting) for x in inputs)
            ours = NUMPY[ufunc]
            _refuse_others(ufunc.__name__, ours, kwargs)
            return ours(*inputs, **kwargs)
    elif ufunc in METHODS.get(method, ()):
        ours = METHODS[method][ufunc]
        if kwargs.get("dtype", 0) is None:
            del kwargs["dtype"]
        _refuse_others(f"{ufunc.__name__}.{method}", ours, kwargs)
        # As the ufunc's own method, along the first axis unless told otherwise.
        return ours(*inputs, **{"axis": 0, **kwargs})
    elif method == "outer" and not kwargs:
        x, y = inputs
        return ufunc(ops.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y)
    name = numpy_name(ufunc)
    raise errors.no_derivative(name if method == "__call__" else f"{name}.{method}")


def _refuse_others(name: str, ours: Any, settings: Any) -> None:
    """Raise where there are settings that what stands in for a ufunc doesn't take."""
    if settings:
        others = [f"{key}=" for key in settings if key not in _settings_of(ours)]
        if others:
            raise errors.ufunc_settings(name, ", ".join(others))


@cache
def _settings_of(ours: Any) -> frozenset[str]:
    return frozenset(() if type(ours) is Op else inspect.signature(ours).parameters)


def call_function(function: Any, types: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """``Tensor.__array_function__``."""
    at = OUT.get(function, len(args))
    if kwargs.get("out", *args[at : at + 1]) is not None:
        raise errors.out_argument(function.__name__)
    if function in VALUES:
        return ops.value_of(function, *args, **kwargs)
    if function in NUMPY:
        try:
            return NUMPY[function](*args, **kwargs)
        except Exception as error:
            error.add_note(f"in {numpy_name(function)}")
            raise
    if function in IN_PLACE:
        if filling.active() and type(args[0]) is Tensor:
            return _put(function, *args, **kwargs)
        raise errors.in_place(f"np.{function.__name__}", "ag.index_update(t, index, values)")
    raise errors.no_derivative(numpy_name(function))


def _put(function: Any, t: Any, *given: Any, **settings: Any) -> None:
    """In a block of `filling`: ``t`` is what one of `IN_PLACE` would make of its array."""
    before, value = given[: (at := IN_PLACE[function] - 1)], given[at]

    def write(x: Any, new: Any) -> None:
        function(x, *before, new, *given[at + 1 :], **settings)

    t[...] = written(t, value, write)
