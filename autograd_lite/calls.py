"""Calls of an op, with the checks of what users hand in, and of what their own ops give."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .arrays import given
from .engine.later import later
from .engine.modes import Mode, composed, trace
from .engine.op import _NO_PARAMS, _SCALARS, Op, apply
from .engine.tensor import Tensor
from .errors import (
    constant_param,
    explain,
    no_gradient_through,
    not_an_operand,
    out_argument,
    refuse_constant,
    too_few_vjps,
    wrong_cotangent,
)

_ndarray = np.ndarray


def _called(self: Op, *inputs: Any, **params: Any) -> Tensor:
    """The value: a Tensor where an input is one, else the array that ``forward`` gives.

    Raises:
        TypeError: the op has not one vjp (or None) for each input, or gave no numbers.
    """
    if params:
        if isinstance(self.forward, np.ufunc):  # dtype=, where=, …: as NumPy takes them
            return self.forward(*inputs, **params)  # type: ignore[no-any-return]
        if params.get("out") is not None:
            raise out_argument(self.name)
        for key, param in params.items():
            if type(param) is _ndarray:  # its owner may change it later
                params[key] = param.copy()
            elif type(param) is list or type(param) is tuple:
                params[key] = copy.deepcopy(param)
            elif type(param) is Tensor:
                params[key] = constant_param(self.name, key, param)
    for x in inputs:
        if type(x) is Tensor:
            if len(inputs) > self._most and not trace.active():
                raise too_few_vjps(self.name, len(inputs), len(self.vjps))
            result = apply(self, inputs, params or _NO_PARAMS)
            if result is NotImplemented:
                raise not_an_operand(self.name, inputs)
            if result._array.dtype.kind not in "fc":
                _check_result(self, result)
            return result
    several = len(inputs) > 1  # beside others a number widens no dtype
    arrays = [
        x if type(x) is _ndarray or (several and type(x) in _SCALARS) else given(x, self.name)
        for x in inputs
    ]
    run = composed(_on_arrays)[0] if Mode.entered else _on_arrays
    value: Tensor = run(self, tuple(arrays), params)
    return value


def _on_arrays(op: Op, arrays: tuple[Any, ...], params: dict[str, Any]) -> Any:
    return op.forward(*arrays, **params)


def _check_result(op: Op, result: Tensor) -> None:
    """Refuse what is not numeric, and a gradient through what has none."""
    if result._array.dtype.kind not in "biu":
        refuse_constant(op.name, result._array)
    if result._tracked and not trace.active() and any(op.vjps):
        raise no_gradient_through(op.name, result)


def leaves_operators_alone(x: Any) -> bool:
    """Whether an operand of another library asks arrays to defer to it, as NumPy's own do."""
    return getattr(type(x), "__array_ufunc__", True) is None


def _constant(op: Op, x: Any) -> Any:
    """An operand that is neither Tensor nor Python number, as an array to compute with.

    NotImplemented where it wants to handle operators itself.
    """
    if type(x) is _ndarray:
        array = x
    elif leaves_operators_alone(x):
        return NotImplemented
    else:
        array = given(x, op.name)
        if not hasattr(array, "dtype"):  # what stands for a number of Python's
            return array
    if array.dtype.kind not in "biufc":
        refuse_constant(op.name, array, x)
    return array if array is x or array.ndim else array[()]


later.constant, later.explain, later.wrong_cotangent = _constant, explain, wrong_cotangent
setattr(Op, "__call__", _called)  # noqa: B010  (a type checker sees that of the class)
