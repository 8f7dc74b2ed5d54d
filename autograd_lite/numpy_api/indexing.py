"""Entries replaced and added to: what to write instead of assigning to them."""

from __future__ import annotations

from operator import setitem
from typing import Any

import numpy as np

from ..arrays import array_of, beside, is_foreign, zeros
from ..engine.notes import note
from ..engine.tensor import Tensor
from ..errors import describe
from ..ops import astype, broadcast_to, where
from ..ops.define import checked, operand
from ..ops.indexing import _is_basic, owned, parts_of, scatter, update
from ..ops.moving import pick

__all__ = ["index_add", "index_update"]

_ZERO = np.intp(0)


def index_update(a: Any, index: Any, values: Any) -> Tensor:
    """``a`` with ``a[index] = values``, as a new Tensor: what to write instead of assigning.

    Where an index is repeated the last of the values counts, as in NumPy.

    Args:
        a: left as it is; no gradient flows to the entries that are replaced.
        index: as in ``a[index]``.
        values: broadcast to the shape of ``a[index]``.

    Raises:
        IndexError, ValueError: the index or the values don't fit ``a``; both are named.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(5.0, requires_grad=True)
        >>> ag.index_update([1.0, 2.0, 3.0], slice(1, None), 2 * x)
        Tensor([ 1., 10., 10.], op=index_update)
    """
    a = operand(a)
    chosen, values, shape = _fitting("index_update", a, index, values)
    mask = None  # the user's own, of which it is known what made it
    if not any(is_foreign(array_of(x)) for x in (a, values)):
        if _is_basic(chosen):
            return update(a, values, index=chosen)
        if isinstance(chosen, np.ndarray) and chosen.dtype.kind == "b" and chosen.shape == a.shape:
            mask = index
            if not values.ndim:
                return where(mask, values, a)
    like = beside(_ZERO, parts_of(chosen))
    values = broadcast_to(values, shape)
    return written(a, values, lambda x, new: setitem(x, chosen, new), like=like, mask=mask)


def written(
    a: Any, values: Any, write: Any, places: Any = None, like: Any = _ZERO, mask: Any = None
) -> Tensor:
    """``a`` after ``write(a, values)``: which value goes where is seen of their numbers.

    Args:
        places: numbers of the entries of a part of ``a``, which is written to instead.
        like: in whose library the numbers are.
        mask: where it writes, if that is known.
    """
    values = operand(values)
    numbers = zeros(a.shape if places is None else places.shape, like)
    write(numbers, beside(np.arange(1, 1 + values.size).reshape(values.shape), [numbers]))
    if places is not None:
        part, numbers = numbers, np.zeros(a.size, np.intp)
        numbers[places] = part
        numbers = numbers.reshape(a.shape)
    if a.dtype.kind in "fc":  # as an assignment does
        values = astype(values, a.dtype, copy=False)
    picked = pick(beside(values, [numbers]), index=numbers, shape=values.shape)
    if mask is None:
        return where(numbers == 0, a, picked)
    if type(picked) is Tensor:
        note(picked, "taken", mask)
    return where(mask, picked, a)


def index_add(a: Any, index: Any, values: Any) -> Tensor:
    """``a`` with ``values`` added at ``index``, as a new Tensor; a repeated index adds each time.

    What to write instead of ``a[index] += values`` and ``np.add.at(a, index, values)``.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0], requires_grad=True)
        >>> ag.index_add([0.0, 0.0], [1, 1], x)
        Tensor([0., 3.], op=add)
    """
    a = operand(a)
    chosen, values, shape = _fitting("index_add", a, index, values)
    return a + scatter(broadcast_to(values, shape), index=chosen, shape=a.shape)


def _fitting(name: str, a: Any, index: Any, values: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """The index, the values as they can be broadcast to the shape of ``a[index]``, and that."""
    chosen, values = owned(index), operand(values)
    if a.dtype.kind in "fc":  # as an assignment does
        values = astype(values, a.dtype, copy=False)
    try:
        shape = beside(checked(a), parts_of(chosen))[chosen].shape
        while values.ndim > len(shape) and values.shape[0] == 1:  # as an assignment allows
            values = values[0]
        if np.broadcast_shapes(values.shape, shape) != shape:
            raise ValueError(f"they can't be broadcast to {shape}")
        return chosen, values, shape
    except (IndexError, ValueError) as error:
        raise type(error)(
            f"{name}: {describe(a, 'an array')}, values of shape {values.shape}: {error}"
        ) from error
