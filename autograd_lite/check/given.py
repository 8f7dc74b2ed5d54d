"""What the learner gave: read as an array, whatever it is, and compared with another."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..arrays import given
from ..engine.tensor import Array, Tensor


class Given(NamedTuple):
    """A learner's value beside the tensor whose gradient it should be.

    Attributes:
        value: as it was given.
        array: in float64, in the shape it was given; None where it can't be read as numbers.
        fitted: in the tensor's shape; None where the shape is another, or an
            entry is no number, or infinite, and the gradient isn't.
        problem: why there is no ``fitted``, in words, or None.
        remark: what was accepted although it isn't exactly as it should be, or None.
        eps: the spacing of its dtype.
    """

    value: Any
    array: Array | None
    fitted: Array | None
    problem: str | None = None
    remark: str | None = None
    eps: float = 0.0


def read(value: Any, tensor: Tensor) -> Given:
    """The learner's value, beside a tensor; never raises.

    Leading axes of size 1 may be missing, as ``(5,)`` stands for ``(1, 5)``: subtracted from the
    tensor it gives one of the tensor's shape, where ``(5,)`` beside ``(5, 1)`` gives ``(5, 5)``.
    """
    shape = tensor.shape
    try:
        array = value._array if isinstance(value, Tensor) else given(value)
    except Exception as error:  # whatever an object does that is asked for an array
        return Given(value, None, None, f"it can't be read as an array: {_first_line(error)}")
    wanted = "biufc" if tensor.dtype.kind == "c" else "biuf"
    if array.dtype.kind not in wanted:
        what = type(value).__name__ if array.dtype == object else f"an array of {array.dtype}"
        return Given(value, None, None, f"it is no array of real numbers, but {what}")
    eps = float(np.finfo(array.dtype).eps) if array.dtype.kind in "fc" else 0.0
    array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    remark = None
    if array.shape != shape:
        problem = f"its shape is {array.shape}, and must be {shape}"
        if array.size != math.prod(shape) or array.ndim > len(shape):
            return Given(value, array, None, problem, eps=eps)
        if array.shape != _without_leading_ones(shape, array.ndim):
            if squeezed(array.shape) == squeezed(shape) and array.ndim < len(shape):
                problem += f", or it broadcasts later (keepdims=True, or reshape{shape})"
            return Given(value, array, None, problem, eps=eps)
        remark = f"shape {array.shape} is taken for {shape}"
    fitted = array.reshape(shape)
    return Given(value, array, fitted, None, remark, eps)


def same(array: Array, other: Array, rtol: float, atol: float) -> bool:
    """Whether two arrays agree, but for missing axes of size 1, relative to the largest entry."""
    if array.shape != other.shape:
        if array.ndim == other.ndim or squeezed(array.shape) != squeezed(other.shape):
            return False
        array = array.reshape(other.shape)
    return agrees(array, other, rtol, atol)


def agrees(array: Array, other: Array, rtol: float, atol: float) -> bool:
    """Whether two arrays of one shape do, relative to the largest entry."""
    return distance(array, other) <= rtol * size(other) + atol


def distance(array: Array, other: Array) -> float:
    """The largest absolute difference of two arrays of one shape; 0 where they are empty.

    Infinite entries may be equal too, and nan is nan; nan where they aren't.
    """
    found = float(np.abs(array - other).max(initial=0))
    if np.isfinite(found):
        return found
    are_equal = (array == other) | (np.isnan(array) & np.isnan(other))
    found = float(np.abs(np.where(are_equal, 0, array - other)).max())
    return found if np.isfinite(found) else float("nan")


def size(array: Array) -> float:
    """The largest absolute entry of those that are finite."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))


def beside(given: Given, right: Array) -> Given:
    """With what is to be said of entries that aren't finite, here or in the gradient."""
    remark = given.remark
    if given.fitted is None:
        return given
    for at in map(tuple, np.argwhere(~(np.isfinite(given.fitted) & np.isfinite(right)))):
        own, its, where = given.fitted[at], right[at], f" at {list(map(int, at))}" if at else ""
        if own == its or (np.isnan(own) and np.isnan(its)):
            remark = f"{own}{where} on both sides"
            continue
        verb = "holds" if np.isfinite(its) and at else "is"
        problem = f"it {verb} {own:.4g}{where}, where the gradient is {its:.4g}"
        return given._replace(fitted=None, problem=problem)
    return given._replace(remark=remark)


def _without_leading_ones(shape: tuple[int, ...], ndim: int) -> tuple[int, ...] | None:
    more = len(shape) - ndim
    return shape[more:] if shape[:more] == (1,) * more else None


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
