"""An op: one entry in a table. `apply` computes it, and records it.

An entry gives a forward and one vjp (vector-Jacobian product) per input:

    exp = op("exp", np.exp, lambda g, out, x: g * out)

A vjp is called as ``vjp(g, out, *inputs, **params)``, where ``g`` is the cotangent of ``out``, and
returns the cotangent of its input. It is written in NumPy operations on its arguments, so that
the same rule computes numbers when given arrays and records a graph when given Tensors. It may
return a cotangent of the *broadcast* shape: broadcasting is undone in one place, by the backward
pass.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from .arrays import as_array, given
from .errors import (
    constant_param,
    explain,
    no_gradient_through,
    not_an_operand,
    out_argument,
    refuse_constant,
    too_few_vjps,
)
from .modes import Mode, around, modes, recorded, trace
from .show.notation import Notation, function
from .tensor import SKIPS, Tensor

Vjp = Callable[..., Any]


class Each:
    """The vjps of an op with any number of inputs: ``rule(i, g, out, *inputs, **params)``."""

    def __init__(self, rule: Vjp) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[Vjp]:
        return (partial(self.rule, i) for i in itertools.count())


class Case(NamedTuple):
    """Where the tests may sample an op: the shapes of its inputs, and its params."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = MappingProxyType({})


class Op:
    """A differentiable operation.

    Args:
        name: what errors, figures and formulas call it.
        forward: ``forward(*arrays, **params)`` → the value, a new array or a view of an argument.
            It must not change its arguments, nor hand out an array that it uses again.
        vjps: one a (differentiable) input, see the module's docstring; None where no gradient
            flows.
        notation: how formulas write it; by default ``name(x, y)``.
        source: how NumPy code writes it, as something that binds tightly: a template with ``{0}``,
            ``{1}`` for operands, ``{axis}`` … for params, or a function of (operands, params). By
            default the forward's own name, where that is a ufunc.
        domain: the interval from which the tests draw the inputs' entries.
        cases: input shapes and params for the tests; by default elementwise ones.
        entrywise: whether an entry of the result depends on no other entries of the (broadcast)
            inputs than those in its place.
        stacks: whether the vjps take a stack of cotangents, with further axes in front, and give
            a stack; entrywise rules do. Else they are called for one after the other.
        reads: ``"some"`` for an op that hands on some entries and leaves others unread, such as
            ``where``; ``"all"`` for one that hands on all. Their derivatives are not negative.
            See `unread`.

    Example:
        An op of one's own is as short as an entry in our tables:

        >>> import numpy as np, autograd_lite as ag
        >>> cube = ag.Op("cube", lambda x: x**3, lambda g, out, x: g * 3 * x**2)
        >>> x = ag.Tensor(2.0, requires_grad=True)
        >>> cube(x).backward()
        >>> x.grad
        array(12.)
    """

    __slots__ = (
        "_most", "cases", "domain", "entrywise", "forward", "name", "notation", "reads", "skips",
        "source", "stacks", "vjps",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: Vjp | Each | None,
        notation: Notation | None = None,
        source: str | Callable[[Sequence[str], dict[str, Any]], str] = "",
        domain: tuple[float, float] = (-2.0, 2.0),
        cases: Sequence[Case] = (),
        entrywise: bool = False,
        stacks: bool = False,
        reads: Literal["", "some", "all"] = "",
    ) -> None:
        self.name = name
        self.forward = forward
        only = vjps[0] if len(vjps) == 1 else None
        self.vjps: Any = only if isinstance(only, Each) else vjps
        self._most = math.inf if isinstance(only, Each) else len(vjps)  # inputs
        self.notation = notation or function(name)
        self.source = source
        self.domain = domain
        self.cases = tuple(cases)
        self.entrywise = entrywise
        self.stacks = stacks or entrywise
        self.reads = reads
        self.skips = reads == "some"

    def __call__(self, *inputs: Any, **params: Any) -> Tensor:
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
        run = around(_on_arrays, modes()) if Mode.entered else _on_arrays
        value: Tensor = run(self, tuple(arrays), params)
        return value

    def __reduce__(self) -> Any:
        if OPS.get(self.name) is not self:
            raise TypeError(f"{self!r} can't be pickled: it is not in the table of ops")
        return _entry, (self.name,)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


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


_NO_PARAMS: dict[str, Any] = {}
_SCALARS = frozenset({float, int, bool, complex})
_next_number = itertools.count().__next__
_ndarray = np.ndarray
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
            array = _constant(op, x)
            if array is NotImplemented:
                return NotImplemented  # type: ignore[no-any-return]
            arrays.append(array)
            constants = True
    if Mode.entered:
        within = modes()
        run = _usual if usual else around(_usual, within)
        if run is not _usual:
            return run(op, inputs, params)
        record = recorded(record, within)
    if constants and record:
        for i, x in enumerate(inputs):
            if type(x) is not Tensor and type(arrays[i]) is _ndarray:
                arrays[i] = arrays[i].copy()
    try:
        value = op.forward(*arrays, **params) if params else op.forward(*arrays)
    except (ValueError, TypeError, IndexError) as error:
        raise explain(op.name, inputs, arrays, params, error) from error
    if type(value) is not _ndarray:
        value = as_array(value)
    result = _new(Tensor)
    result._array = value
    result._grad = result.name = None
    result._exposed = False
    if record:
        result._tracked = record | _skipped(inputs) if op.skips else record
        result._op = op
        result._inputs = inputs
        result._arrays = tuple(arrays)
        result._params = params
        result._number = _next_number()
    else:
        result._tracked = 0
        result._op = None
        if constants and value.base is not None:  # a view of an array that its owner may change
            result._array = value.copy()
    return result


def _skipped(inputs: tuple[Any, ...]) -> int:
    for x in inputs:
        if type(x) is Tensor and x._op is not None and (x._op.entrywise or x._op.reads):
            return SKIPS
    return 0


def _usual(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
    return apply(op, inputs, params, True)


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
    if array.dtype.kind not in "biufc":
        refuse_constant(op.name, array, x)
    return array if array is x or array.ndim else array[()]
