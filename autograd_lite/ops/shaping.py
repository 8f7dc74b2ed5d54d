"""Shaping: the same entries in another arrangement. Each op stands beside its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..errors import explain
from ..notation import ATOM, POWER, SUM, Notation
from ..op import Case, Each, op
from ..tensor import Tensor
from .define import implements, operand, refuse_out

__all__ = [
    "array", "broadcast_to", "concatenate", "expand_dims", "matrix_transpose", "ravel", "reshape",
    "squeeze", "stack", "swapaxes", "transpose",
]  # fmt: skip

reshape_op = op(
    "reshape",
    lambda x, shape: x.reshape(shape),
    lambda g, out, x, shape: g.reshape(g.shape[: g.ndim - out.ndim] + x.shape),
    cases=[Case(((2, 3),), {"shape": shape}) for shape in ((6,), (3, -1), (1, 2, 3))],
    source="np.reshape({0}, {shape})",
    stacks=True,
    reads="all",
)


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """The entries of ``a`` in their order, in another shape; one size may be −1."""
    if order != "C":  # "A" and "K" depend on how the array lies in memory
        raise ValueError(f"reshape: only order='C' can be differentiated, not {order!r}")
    return reshape_op(a, shape=shape)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Tensor:
    """All entries along one axis."""
    return reshape(a, (-1,), order)


@implements(np.expand_dims)
def expand_dims(x: Any, axis: Any) -> Tensor:
    """New axes of size 1 at the positions ``axis`` of the result."""
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    new = normalize_axis_tuple(axes, np.ndim(x) + len(axes), "expand_dims")
    sizes = iter(np.shape(x))
    return reshape(x, tuple(1 if i in new else next(sizes) for i in range(np.ndim(x) + len(axes))))


@implements(np.squeeze)
def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Without the axes of size 1, or without those of them in ``axis``."""
    try:
        shape = np.broadcast_to(np.empty(()), np.shape(x)).squeeze(axis).shape
    except ValueError as error:
        raise explain("squeeze", (x,), (x,), {"axis": axis}, error) from error
    return reshape(x, shape)


def _transpose_vjp(g: Any, out: Any, x: Any, axes: Any) -> Any:
    stacked = g.ndim - x.ndim
    if axes is None and not stacked:
        return transpose(g)
    order = range(x.ndim)[::-1] if axes is None else np.argsort(np.mod(axes, x.ndim)).tolist()
    return transpose(g, [*range(stacked), *(stacked + i for i in order)])


transpose_op = op(
    "transpose",
    lambda x, axes: x.transpose(axes),
    _transpose_vjp,
    cases=[Case(((2, 3),), {"axes": None}), Case(((2, 3, 4),), {"axes": (2, 0, -2)})],
    notation=Notation("{0}ᵀ", POWER, (ATOM,), "ᵀ"),
    stacks=True,
    reads="all",
    source=lambda xs, params: (
        f"{xs[0]}.T" if params["axes"] is None else f"np.transpose({xs[0]}, {params['axes']})"
    ),
)


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Tensor:
    """The axes in the order ``axes``, reversed where it is None."""
    return transpose_op(a, axes=None if axes is None else tuple(axes))


@implements(np.swapaxes)
def swapaxes(x: Any, axis1: Any, axis2: Any) -> Tensor:
    """Two axes exchanged."""
    order = [*range(np.ndim(x))]
    a, b = (normalize_axis_index(axis, len(order), "swapaxes") for axis in (axis1, axis2))
    order[a], order[b] = b, a
    return transpose(x, order)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged."""
    return transpose(x) if np.ndim(x) == 2 else swapaxes(x, -1, -2)


def _broadcast(x: Any, shape: Any) -> Any:
    if x.size > 1 or x.ndim > len(shape):
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)  # for few entries much faster than a view
    out[...] = x
    return out


broadcast_to_op = op(
    "broadcast_to",
    _broadcast,
    lambda g, out, x, shape: g,  # broadcasting is undone by the backward pass
    cases=[
        Case(((3,),), {"shape": (2, 3)}),
        Case(((2, 1),), {"shape": (4, 2, 3)}),
        Case(((),), {"shape": (2,)}),
    ],
    notation=Notation("{0}", SUM, (SUM,), "broadcast"),
    source="np.broadcast_to({0}, {shape})",
    stacks=True,
    reads="all",
)


@implements(np.broadcast_to)
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """``x`` repeated along new axes and axes of size 1 to the given shape."""
    return broadcast_to_op(x, shape=tuple(np.atleast_1d(shape).tolist()))


def _part(i: int, g: Any, out: Any, *xs: Any, axis: int, starts: tuple[int, ...]) -> Any:
    behind = (slice(None),) * ((-1 - axis) % out.ndim)
    return g[(..., slice(starts[i], starts[i] + xs[i].shape[axis]), *behind)]


concatenate_op = op(
    "concatenate",
    lambda *xs, axis, starts: np.concatenate(xs, axis=axis),
    Each(_part),
    cases=[
        Case(((2, 3), (1, 3)), {"axis": 0, "starts": (0, 2)}),
        Case(((2, 1), (2, 3), (2, 2)), {"axis": -1, "starts": (0, 1, 4)}),
    ],
    source=lambda xs, params: f"np.concatenate([{', '.join(xs)}], axis={params['axis']})",
    stacks=True,
    reads="some",
)


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[Any], axis: Any = 0, out: None = None, dtype: Any = None
) -> Tensor:
    """Tensors and arrays joined along an axis that they have; ``axis=None`` flattens them first."""
    refuse_out("concatenate", out)
    parts = list(map(operand, arrays))
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    sizes = [x.shape[axis] if -x.ndim <= axis < x.ndim else 0 for x in parts]
    joined = concatenate_op(*parts, axis=axis, starts=(0, *accumulate(sizes[:-1])))
    return joined if dtype is None else joined.astype(dtype)


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0, out: None = None, dtype: Any = None) -> Tensor:
    """Tensors and arrays of the same shape joined along a new axis.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor(2.0, requires_grad=True)
    >>> ag.stack([x, x * x]).sum().backward()
    >>> x.grad
    array(5.)
    """
    shapes = {np.shape(x) for x in arrays}
    if len(shapes) > 1:
        raise ValueError(f"stack: all shapes must be the same, and these are {sorted(shapes)}")
    return concatenate([expand_dims(x, axis) for x in arrays], axis, out, dtype)


def array(data: Any) -> Tensor:
    """One Tensor from nested lists that hold Tensors, arrays and numbers.

    >>> import autograd_lite as ag
    >>> a = ag.Tensor(2.0, requires_grad=True)
    >>> ag.array([[a, 1.0], [0.0, a * a]]).sum().backward()
    >>> a.grad
    array(5.)
    """
    if isinstance(data, (list, tuple)) and len(data):
        return stack([array(x) for x in data])
    return data if type(data) is Tensor else Tensor(data)
