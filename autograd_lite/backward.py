"""The one backward pass.

`pull` walks a recorded graph from its output back and gives each tensor its cotangent, complete.
It serves `Tensor.backward`, which stores gradients, and `gradients`, which returns them; and
`gradients(create_graph=True)` runs the same rules on Tensors, so that they record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import errors, ops
from .graph import ancestors
from .tensor import Array, Tensor, _leaf


def pull(
    output: Tensor, seed: Any, needed: set[Tensor] | None = None, record: bool = False
) -> Iterator[tuple[Tensor, Any]]:
    """Each tensor that ``output`` depends on, with its cotangent, the latest made first.

    A result is always newer than its inputs, so by the time that a tensor is the newest one left,
    all that used it has contributed. A cotangent that was given out is not kept.

    Args:
        output: where to start.
        seed: its cotangent: an array, or a Tensor to record.
        needed: only these tensors are visited, where given.
        record: call the rules on Tensors instead of arrays.
    """
    cotangents = {output: seed}
    newest: list[tuple[int, Tensor]] = []
    if output._node is not None:
        newest.append((-output._number, output))
    while newest:
        tensor = heappop(newest)[1]
        g = cotangents.pop(tensor)
        yield tensor, g
        op, inputs, arrays, params = tensor._node  # type: ignore[misc]
        out: Any = tensor if record else tensor._data
        operands = _as_recorded(inputs, arrays) if record else arrays
        for i, (x, vjp) in enumerate(zip(inputs, op.vjps, strict=False)):
            if type(x) is not Tensor or not x._tracked or vjp is None:
                continue
            if needed is not None and x not in needed:
                continue
            cotangent = vjp(g, out, *operands, **params)
            array = arrays[i]
            if cotangent.shape != array.shape or cotangent.dtype is not array.dtype:
                cotangent = _fit(cotangent, array, op.name, i)
            if x in cotangents:
                cotangents[x] = cotangents[x] + cotangent
            else:
                cotangents[x] = cotangent
                if x._node is not None:
                    heappush(newest, (-x._number, x))
    yield from cotangents.items()


def _fit(g: Any, array: Array, op: str, i: int) -> Any:
    """Undo broadcasting: the cotangent ``g`` summed to the input's shape, in its dtype."""
    if g.shape != array.shape:
        leading = g.ndim - array.ndim
        stretched = [
            axis
            for axis, size in enumerate(g.shape)
            if axis < leading or (array.shape[axis - leading] == 1 and size != 1)
        ]
        g = np.add.reduce(g, axis=tuple(stretched), keepdims=True)
        if leading < 0 or g.shape[leading:] != array.shape:
            raise errors.wrong_cotangent(op, i, g, array)
        g = g.reshape(array.shape)
    if g.dtype != array.dtype:
        g = g.astype(array.dtype)
    return g


def _as_recorded(inputs: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """The operands as Tensors with the values that they had when the op was applied."""
    return [
        ops.as_it_was(x, array) if type(x) is Tensor and x._data is not array else x
        if type(x) is Tensor
        else array
        for x, array in zip(inputs, arrays, strict=True)
    ]


def backward(output: Tensor, grad: ArrayLike | None) -> None:
    """`Tensor.backward`: store gradients on leaves and on named tensors."""
    if not output._tracked:
        raise errors.nothing_requires_grad(output)
    found = [
        (tensor, g)
        for tensor, g in pull(output, _seed(output, grad))
        if tensor._node is None or tensor.name is not None
    ]
    while found:
        tensor, g = found.pop()
        if tensor._node is None and tensor.grad is not None:
            tensor.grad = tensor.grad + g
        # A stored gradient is its reader's own: not a part of another's, nor of a saved array.
        elif type(g) is np.ndarray and g.base is None and getrefcount(g) <= _LOCAL:
            tensor.grad = g
        else:
            tensor.grad = np.array(g)


def _count_local() -> int:
    found = [(None, np.empty(0))]
    while found:
        _, g = found.pop()
        count = getrefcount(g)
    return count


_LOCAL = _count_local()  # what getrefcount says of an array that one local name holds


def _seed(output: Tensor, grad: ArrayLike | None) -> Array:
    if grad is None:
        if output.size != 1:
            raise errors.no_seed(output)
        return np.ones(output.shape, output.dtype)
    if isinstance(grad, Tensor):
        grad = grad.numpy()
    seed = np.array(grad, dtype=output.dtype)
    if seed.shape != output.shape:
        raise errors.wrong_seed(output, seed)
    return seed


def gradients(
    y: Tensor,
    xs: Sequence[Tensor],
    seed: ArrayLike | Tensor | None = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """The gradients of ``y`` with respect to each of ``xs``, which may be leaves or results.

    Args:
        y: a tensor with one element, or any with a seed.
        xs: tensors that require a gradient.
        seed: the cotangent of ``y``, of its shape.
        create_graph: record the backward pass, so that the gradients can be differentiated,
            drawn and written out themselves.

    Returns:
        One Tensor per x, of its shape and dtype; zeros where ``y`` doesn't depend on it.

    Raises:
        TypeError: an x that is no Tensor, or requires no gradient.
        ValueError: no seed where one is needed, or one of another shape.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> (dx,) = ag.gradients(x**3, [x], create_graph=True)
        >>> (ddx,) = ag.gradients(dx, [x])
        >>> dx.item(), ddx.item()
        (27.0, 18.0)
    """
    for i, x in enumerate(xs):
        if type(x) is not Tensor or not x._tracked:
            raise errors.not_differentiable(x, i)
    if create_graph and isinstance(seed, Tensor):
        if seed.shape != y.shape:
            raise errors.wrong_seed(y, seed._data)
        start: Any = seed
    else:
        start = _seed(y, seed)
        start = _leaf(start) if create_graph else start
    targets = set(xs)
    found: dict[Tensor, Any] = {}
    if y._tracked:
        for tensor, g in pull(y, start, ancestors(y, targets), record=create_graph):
            if tensor in targets:
                found[tensor] = g
    return [
        _as_tensor(found[x]) if x in found else _leaf(np.zeros(x.shape, x.dtype)) for x in xs
    ]


def _as_tensor(g: Any) -> Tensor:
    return g if type(g) is Tensor else _leaf(np.asarray(g))
