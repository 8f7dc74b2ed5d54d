"""What made a mask: a comparison of Tensors gives a plain array, which leaves no other trace.

And what made a constant: an op on given Tensors records nothing. Where these have names, it is
noted for a few ops, so that readers write ``X − mean(X)``.

For readers, which write ``[s > 0]`` where ``s > 0`` was computed. A mask is known as long as it is
alive, and keeps no computed Tensor alive. So is the name of a given array, whose parts ``X[i]``
are no more than views of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from .engine.later import later
from .engine.modes import trace
from .engine.notes import noted
from .engine.op import Op, apply
from .engine.tensor import Array, Tensor
from .table import OPS

_MOST = 16  # ops of a constant that is known by what it was computed of
_LARGE = 10_000  # entries from which on nothing is kept alive for that: no reader shows them
_DEEP = 4  # ops that are remembered of an operand that nothing else keeps: of |r| in |r| < 1


class Comparison(NamedTuple):
    """A comparison by NumPy's function of that name."""

    name: str
    operands: list[Any]


_made: dict[int, tuple[ref[Array], str, list[Any]]] = {}  # by the mask's id


_names: dict[int, tuple[ref[Array], str]] = {}  # by the array's id


def _keep(where: dict[int, Any], array: Array, *what: Any) -> None:
    """Until the array has gone, maybe at exit, where globals have gone, too."""
    key, forget = id(array), where.pop
    where[key] = ref(array, lambda _: forget(key, None)), *what


def call(array: Array, name: str) -> None:
    """A given array has a name."""
    _keep(_names, array, name)


def name_of(array: Array) -> str | None:
    """What a given array is called, if anything."""
    return _names[id(array)][1] if id(array) in _names else None


def _made_of(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """The notes on a constant: the op that gave it, of what, and how many ops there are in all."""
    count = 0
    for x in inputs:
        if getattr(x._array if type(x) is Tensor else x, "size", 0) > _LARGE:
            return ()
        if type(x) is not Tensor or (x.name is not None and not x._tracked):
            continue
        before = getattr(x, "_notes", ())
        if x._tracked or not before or before[0] != "made":
            return ()
        count += before[1][-1]
    return ("made", (op, inputs, params, count + 1)) if count < _MOST else ()


later.made = _made_of


def origin(t: Tensor) -> Tensor | None:
    """A constant without a name, computed once more of those that have one, and recorded."""
    made = noted(t, "made")
    if made is None or type(t._array) is not np.ndarray:
        return None
    if OPS.get(made[0].name) is not made[0]:  # anybody's, which may do more than compute
        return None
    op, inputs, params, _ = made
    known = [origin(x) if type(x) is Tensor and x.name is None else x for x in inputs]
    if any(x is None for x in known):
        return None
    with trace():
        again = apply(op, tuple(known), params)
    same = np.array_equal(again._array, t._array, equal_nan=t.dtype.kind in "fc")
    return again if same else None  # else what it was computed of was changed


def remember(mask: Array, name: str, operands: tuple[Any, ...]) -> None:
    """``mask`` is NumPy's function ``name`` of these."""
    _keep(_made, mask, name, [_kept(x) for x in operands])


def is_known(mask: Any) -> bool:
    """Whether something is known of what made it, be that gone or not."""
    return id(mask) in _made


def comparison(mask: Any) -> Comparison | None:
    """What made a mask; None where that isn't known, or is gone."""
    if id(mask) not in _made:
        return None
    _, name, kept = _made[id(mask)]
    operands = [_again(x) for x in kept]
    return None if any(x is None for x in operands) else Comparison(name, operands)


def replace(old: Tensor, new: Tensor) -> None:
    """Masks that were made of the one are now known as made of the other."""
    for made in [*_made.values()]:  # which may shrink as what it kept goes
        made[2][:] = [_replaced(kept, old, new) for kept in made[2]]


def _replaced(kept: Any, old: Tensor, new: Tensor) -> Any:
    if type(kept) is not tuple:
        return kept
    found, op, inputs, params = kept
    inputs = [_replaced(x, old, new) for x in inputs]
    return ref(new) if found() is old else found, op, inputs, params


def _kept(x: Any, deep: int = _DEEP) -> Any:
    """A Tensor as a reference to it, and how it is computed of others."""
    if type(x) is not Tensor or (x.is_leaf and not x.requires_grad):
        return x
    if x.op is None or not deep:
        return ref(x), None, (), {}
    return ref(x), x.op, [_kept(y, deep - 1) for y in x.inputs], x.params


def _again(kept: Any) -> Any:
    """What was kept; where it is gone, computed once more."""
    if type(kept) is not tuple:
        return kept
    found, op, inputs, params = kept
    if found() is not None or op is None:
        return found()
    again = [_again(x) for x in inputs]
    return None if any(x is None for x in again) else apply(op, tuple(again), params)
