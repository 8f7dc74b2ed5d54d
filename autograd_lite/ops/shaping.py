"""Shaping and joining: the same entries in another arrangement. Ops stand beside their adjoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..engine.op import Each
from ..engine.tensor import Tensor
from ..errors import explain
from ..show.notation import ATOM, POWER, SUM, Notation
from ..table import Case, op
from .define import along, implements, numpys, operand, refuse_out
from .elementwise import cast

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "concat",
    "concatenate", "expand_dims", "matrix_transpose", "moveaxis", "permute_dims", "ravel",
    "reshape", "rollaxis", "squeeze", "stack", "swapaxes", "transpose",
]  # fmt: skip

reshape_op = op(
    "reshape", lambda x, shape: x.reshape(shape),
    lambda g, out, x, shape: g.reshape(g.shape[: g.ndim - out.ndim] + x.shape),
    cases=[Case(((2, 3),), {"shape": shape}) for shape in ((6,), (3, -1), (1, 2, 3))],
    source="np.reshape({0}, {shape})", stacks=True, reads="all",
)


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """The entries of ``a`` in their order, in another shape; one size may be −1."""
    a = operand(a).copy() if copy else a
    if order == "F":
        sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        return transpose(reshape_op(transpose(a), shape=sizes[::-1]))
    if order != "C":
        said = f"reshape: order={order!r} depends on how an array lies in memory"
        raise ValueError(f"{said}, which is not a Tensor's affair; give 'C' or 'F'")
    return reshape_op(a, shape=shape)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Tensor:
    """All entries along one axis."""
    return reshape(a, (-1,), order)


expand_dims = numpys(np.expand_dims, "New axes of size 1 at the positions ``axis`` of the result.")


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Tensor:
    """Without the axes of size 1, or without those of them in ``axis``."""
    try:
        shape = np.broadcast_to(np.empty(()), np.shape(a)).squeeze(axis).shape
    except ValueError as error:
        raise explain("squeeze", (a,), (a,), {"axis": axis}, error) from error
    return reshape(a, shape)


atleast_1d, atleast_2d, atleast_3d = (
    numpys(f, "With axes of size 1 where there are too few.")
    for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)
)


def _transpose_vjp(g: Any, out: Any, x: Any, axes: Any) -> Any:
    stacked = g.ndim - x.ndim
    if axes is None and not stacked:
        return transpose(g)
    order = range(x.ndim)[::-1] if axes is None else np.argsort(np.mod(axes, x.ndim)).tolist()
    return transpose(g, [*range(stacked), *(stacked + i for i in order)])


transpose_op = op(
    "transpose", lambda x, axes: x.T if axes is None else x.transpose(axes), _transpose_vjp,
    cases=[Case(((2, 3),), {"axes": None}), Case(((2, 3, 4),), {"axes": (2, 0, -2)})],
    notation=Notation("{0}ᵀ", POWER, (ATOM,), "ᵀ"), stacks=True, reads="all",
    source=lambda xs, params: (
        f"{xs[0]}.T" if params["axes"] is None else f"np.transpose({xs[0]}, {params['axes']})"
    ),
)


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Tensor:
    """The axes in the order ``axes``, reversed where it is None."""
    return transpose_op(a, axes=None if axes is None else tuple(axes))


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Tensor:
    """Two axes exchanged."""
    a = operand(a)
    order = [*range(a.ndim)]
    i, j = (normalize_axis_index(axis, a.ndim, "swapaxes") for axis in (axis1, axis2))
    order[i], order[j] = j, i
    return transpose(a, order)


moveaxis = numpys(np.moveaxis, "Axes ``source`` at ``destination``, the others in their order.")
rollaxis = numpys(np.rollaxis, "An axis moved back until it stands before ``start``.")


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged."""
    return transpose(x) if np.ndim(x) == 2 else swapaxes(x, -1, -2)


def mt(x: Any) -> Any:
    """``x.mT``, which not all libraries have."""
    return x.mT if hasattr(x, "mT") else x.swapaxes(-1, -2)


def _broadcast(x: Any, shape: Any) -> Any:
    if x.size > 1 or x.ndim > len(shape) or type(x) is not np.ndarray:
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
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Tensor:
    """``array`` repeated along new axes and axes of size 1 to the given shape."""
    return broadcast_to_op(array, shape=tuple(np.atleast_1d(shape).tolist()))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    """All in the shape that they have in common."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(broadcast_to(x, shape) for x in args)


def flattened(x: Any, axis: Any) -> Any:
    """``x`` with the axes in ``axis`` (None: all of them) as the last one."""
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    size = math.prod(x.shape[i] for i in axes)
    return reshape(transpose(x, [*rest, *axes]), (*(x.shape[i] for i in rest), size))


def unflattened(y: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """What `flattened` made of an array of that shape, in that shape again."""
    ndim = len(shape)
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    order = [*(i for i in range(ndim) if i not in axes), *axes]
    return transpose(reshape(y, [shape[i] for i in order]), np.argsort(order).tolist())


permute_dims = transpose


# ---------------------------------------------------------------------- joining


def _part(i: int, g: Any, out: Any, *xs: Any, axis: int, starts: tuple[int, ...]) -> Any:
    part = slice(starts[i], starts[i] + xs[i].shape[axis])
    return g[along(axis % out.ndim - out.ndim, part)]


concatenate_op = op(
    "concatenate", lambda *xs, axis, starts: np.concatenate(xs, axis=axis), Each(_part),
    cases=[
        Case(((2, 3), (1, 3)), {"axis": 0, "starts": (0, 2)}),
        Case(((2, 1), (2, 3), (2, 2)), {"axis": -1, "starts": (0, 1, 4)}),
    ],
    notation=Notation(lambda xs, _: f"[{', '.join(xs)}]", ATOM, (SUM,), "concatenate"),
    source=lambda xs, params: f"np.concatenate([{', '.join(xs)}], axis={params['axis']})",
    stacks=True, reads="some",
)


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[Any], axis: Any = 0, out: None = None, dtype: Any = None,
    casting: str = "same_kind",
) -> Tensor:  # fmt: skip
    """Tensors and arrays joined along an axis that they have; ``axis=None`` flattens them first."""
    refuse_out("concatenate", out)
    parts = list(map(operand, arrays))
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    if len(parts) > 512:  # some at a time, since the rule of each is given all
        parts = [concatenate(parts[i : i + 512], axis) for i in range(0, len(parts), 512)]
    sizes = [x.shape[axis] if -x.ndim <= axis < x.ndim else 0 for x in parts]
    joined = concatenate_op(*parts, axis=axis, starts=(0, *accumulate(sizes[:-1])))
    return joined if dtype is None else cast("concatenate", joined, dtype, casting)


@implements(np.stack)
def stack(
    arrays: Sequence[Any], axis: int = 0, out: None = None, dtype: Any = None,
    casting: str = "same_kind",
) -> Tensor:  # fmt: skip
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
    return concatenate([expand_dims(x, axis) for x in arrays], axis, out, dtype, casting)


concat = concatenate
