"""An op: a forward, and its rules. `apply` computes it, and records it.

An entry gives a forward and one vjp (vector-Jacobian product) per input:

    exp = op("exp", np.exp, lambda g, out, x: g * out)

A vjp is called as ``vjp(g, out, *inputs, **params)``, where ``g`` is the cotangent of ``out``, and
returns the cotangent of its input. It is written in NumPy operations on its arguments, so that
the same rule computes numbers when given arrays and records a graph when given Tensors. It may
return a cotangent of the *broadcast* shape: broadcasting is undone in one place, by the backward
pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np

from .later import later
from .modes import Mode, composed, wanted
from .tensor import FOREIGN, SKIPS, Tensor

Vjp = Callable[..., Any]


class Each:
    """The vjps of an op with any number of inputs: ``rule(i, g, out, *inputs, **params)``."""

    def __init__(self, rule: Vjp) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[Vjp]:
        return (partial(self.rule, i) for i in itertools.count())


class Op:
    """What `apply` and `pull` need of a differentiable operation.

    Attributes:
        name: what errors call it.
        forward: ``forward(*arrays, **params)`` → the value, a new array or a view of an argument.
            It must not change its arguments, nor hand out an array that it uses again.
        vjps: one a (differentiable) input, see the module's docstring; None where no gradient
            flows.
        entrywise: whether an entry of the result depends on no other entries of the (broadcast)
            inputs than those in its place.
        stacks: whether the vjps take a stack of cotangents, with further axes in front, and give
            a stack; entrywise rules do. Else they are called for one after the other.
        reads: ``"some"`` for an op that hands on some entries and leaves others unread, such as
            ``where``; ``"all"`` for one that hands on all. Their derivatives are not negative.
            ``"told"`` for one whose rules take ``read=``: which entries of its result are read,
            or None where that isn't known yet, and they give nan where they need it. See `unread`.
    """

    __slots__ = ("entrywise", "forward", "name", "reads", "skips", "stacks", "vjps")

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: Vjp | Each | None,
        entrywise: bool = False,
        stacks: bool = False,
        reads: Literal["", "some", "all", "told"] = "",
    ) -> None:
        several = len(vjps) == 1 and isinstance(vjps[0], Each)
        self.name, self.forward = name, forward
        self.vjps: Any = vjps[0] if several else vjps
        self.entrywise, self.stacks = entrywise, stacks or entrywise
        self.reads, self.skips = reads, reads == "some"

    def __repr__(self) -> str:
        return f"<op {self.name}>"


_NO_PARAMS: dict[str, Any] = {}
_SCALARS = frozenset({float, int, bool, complex})
_next_number = itertools.count().__next__
_ndarray, _generic = np.ndarray, np.generic
_new = Tensor.__new__


def apply(
    op: Op, inputs: tuple[Any, ...], params: dict[str, Any] = _NO_PARAMS, usual: bool = False
) -> Tensor:
    """Compute ``op`` on ``inputs``, and record it where an input requires a gradient.

    Inputs are Tensors, arrays and numbers; a graph keeps a copy of an array, which its owner may
    change later. Numbers stay Python numbers, so that they don't widen the result's dtype.
    NotImplemented, as an operator returns it, where an input is to handle operators itself.
    ``usual`` where this thread's modes stand around the call already.
    """
    arrays: list[Any] = []
    record = 0
    constants = False
    for x in inputs:
        if type(x) is Tensor:
            record |= x._tracked
            arrays.append(x._settle() if x._exposed else x._array)
        elif type(x) in _SCALARS:
            arrays.append(x)
        else:
            array = later.constant(op, x)
            if array is NotImplemented:
                return NotImplemented  # type: ignore[no-any-return]
            arrays.append(array)
            constants = True
    if Mode.entered:
        run, records = composed(_usual)
        if run is not _usual and not usual:
            return run(op, inputs, params)  # type: ignore[no-any-return]
        record = wanted(record, records)
    if constants and record:
        later.own(arrays, inputs)
    try:
        if FOREIGN and not FOREIGN.isdisjoint(map(type, arrays)):
            value = later.elsewhere(op.forward, inputs, arrays, params)
        else:
            value = op.forward(*arrays, **params) if params else op.forward(*arrays)
    except (ValueError, TypeError, IndexError) as error:
        raise later.explain(op.name, inputs, arrays, params, error) from error
    if type(value) is not _ndarray:
        number = issubclass(type(value), _generic)  # and no stand-in, which says that it is one
        value = np.asarray(value) if number else later.as_array(value)
    result = _new(Tensor)
    result._array, result._exposed = value, False
    result._grad = result.name = None
    if record:
        result._notes = ()
        result._tracked = record | _skipped(inputs) if op.skips else record
        result._op, result._inputs, result._arrays = op, inputs, tuple(arrays)
        result._params, result._number = params, _next_number()
    else:
        result._tracked, result._op, result._notes = 0, None, later.made(op, inputs, params)
        if constants and getattr(value, "base", 0) is not None:  # a view of an owner's
            result._array = value.copy()
    return result


def _skipped(inputs: tuple[Any, ...]) -> int:
    for x in inputs:
        if type(x) is Tensor and x._op is not None and (x._op.entrywise or x._op.reads):
            return SKIPS
    return 0


_usual = partial(apply, usual=True)
