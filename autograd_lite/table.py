"""Ops as users make and call them, and the table of ours, which tests and readers enumerate.

To what the engine needs of an op this adds how formulas and NumPy code write it, and where it may
be sampled; and to a call the checks of what users hand in, and of what their own ops give.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from . import errors
from .arrays import HOLDERS, content, given, is_foreign, of_values
from .engine import op as engine
from .engine.later import later
from .engine.modes import Mode, composed, trace
from .engine.tensor import Tensor

_ndarray = np.ndarray


class _OfOps:
    """An attribute that each op has its own of, beside that of the class."""

    def __init__(self, of: Callable[[Op], Any], of_class: Any = None) -> None:
        self._of, self._of_class = of, of_class

    def __get__(self, op: Op | None, kind: type[Op]) -> Any:
        return self._of_class if op is None else self._of(op)


def _signature(op: Op) -> Any:
    """What it is called with: as NumPy's function, or its forward, names it."""
    from inspect import Parameter, Signature, signature  # which takes long to import

    if isinstance(op.forward, np.ufunc):
        count: float = op.forward.nin
    else:
        with suppress(ValueError):  # of C code that doesn't say, as NumPy's did not before 2.4
            named = signature(op.forward).parameters.values()
            return Signature([parameter.replace(annotation=Parameter.empty) for parameter in named])
        count = op._most
    if count == math.inf:
        return Signature([Parameter("xs", Parameter.VAR_POSITIONAL)])
    names = ["x"] if count == 1 else [f"x{i + 1}" for i in range(int(count))]
    return Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in names])


def _doc(op: Op) -> str:
    said = op.doc
    if not said and isinstance(op.forward, np.ufunc):
        summary = (op.forward.__doc__ or "").split("\n\n")[1:2]
        said = " ".join([f"``np.{op.forward.__name__}`` of Tensors:", *summary])
    elif not said:
        said = op.forward.__doc__ or "A differentiable operation."
    each = "\n\nEntry by entry; operands broadcast." if op._most > 1 else "\n\nEntry by entry."
    return f"{op.name}{_signature(op)}\n\n{said.strip()}{each if op.entrywise else ''}"


class Op(engine.Op):
    """A differentiable operation.

    Args:
        name: what errors, figures and formulas call it.
        forward: ``forward(*arrays, **params)`` → the value, a new array or a view of an argument.
            It must not change its arguments, nor hand out an array that it uses again.
        vjps: one a (differentiable) input, ``vjp(g, out, *inputs, **params)``, see `engine.op`;
            None where no gradient flows.
        notation: how formulas write it; by default ``name(x, y)``.
        source: how NumPy code writes it, as something that binds tightly: a template with ``{0}``,
            ``{1}`` for operands, ``{axis}`` … for params, or a function of (operands, params). By
            default the forward's own name, where that is a ufunc.
        domain: the interval from which the tests draw the inputs' entries.
        cases: input shapes and params for the tests; by default elementwise ones.
        entrywise: whether an entry of the result depends on no other entries of the (broadcast)
            inputs than those in its place.
        stacks: whether the vjps take a stack of cotangents, with further axes in front, and give
            a stack; entrywise rules do.
        reads: ``"some"`` for an op that hands on some entries and leaves others unread, such as
            ``where``; ``"all"`` for one that hands on all; ``"told"`` for one whose rules take
            ``read=``, as the engine's `Op` says.
        doc: what ``help`` says of it; by default what it says of the forward.

    Example:
        An op of one's own is as short as an entry in our tables:

        >>> import numpy as np, autograd_lite as ag
        >>> cube = ag.Op("cube", lambda x: x**3, lambda g, out, x: g * 3 * x**2)
        >>> x = ag.Tensor(2.0, requires_grad=True)
        >>> cube(x).backward()
        >>> x.grad
        array(12.)
    """

    __slots__ = ("_most", "cases", "doc", "domain", "notation", "source")
    __name__: Any = _OfOps(lambda op: op.name, "Op")
    __signature__: Any = _OfOps(_signature)

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: engine.Vjp | engine.Each | None,
        notation: Any = None,
        source: str | Callable[[Sequence[str], dict[str, Any]], str] = "",
        domain: tuple[float, float] = (-2.0, 2.0),
        cases: Sequence[Any] = (),
        entrywise: bool = False,
        stacks: bool = False,
        reads: Literal["", "some", "all", "told"] = "",
        doc: str = "",
    ) -> None:
        super().__init__(name, forward, *vjps, entrywise=entrywise, stacks=stacks, reads=reads)
        self.notation, self.source, self.doc = notation, source, doc
        self.domain, self.cases = domain, tuple(cases)
        self._most = len(vjps) if type(self.vjps) is tuple else math.inf  # inputs

    def __init_subclass__(cls) -> None:
        cls.__doc__ = _OfOps(_doc, cls.__doc__)  # type: ignore[assignment]

    def __call__(self, *inputs: Any, **params: Any) -> Tensor:
        """The value: a Tensor where an input is one, else the array that ``forward`` gives.

        Raises:
            TypeError: the op has not one vjp (or None) for each input, or gave no numbers.
        """
        if HOLDERS and not HOLDERS.isdisjoint(map(type, inputs)):
            inputs = tuple(map(content, inputs))
        if params:
            if isinstance(self.forward, np.ufunc):  # dtype=, where=, …: as NumPy takes them
                return self.forward(*inputs, **params)
            self._settle(params)
        for x in inputs:
            if type(x) is Tensor:
                if len(inputs) > self._most and not trace.active():
                    raise errors.too_few_vjps(self.name, len(inputs), len(self.vjps))
                result = engine.apply(self, inputs, params or engine._NO_PARAMS)
                if result is NotImplemented:
                    kinds = ", ".join(type(x).__name__ for x in inputs)
                    raise errors.not_an_operand(self.name, kinds)
                if result._array.dtype.kind not in "fc":
                    self._check(result)
                return result
        several = len(inputs) > 1  # beside others a number widens no dtype
        arrays = [
            x
            if type(x) is _ndarray or (several and type(x) in engine._SCALARS)
            else given(x, self.name)
            for x in inputs
        ]
        run = composed(_on_arrays)[0] if Mode.entered else _on_arrays
        return run(self, tuple(arrays), params)

    def __reduce__(self) -> Any:
        """For pickling: an op is its entry in the table."""
        if OPS.get(self.name) is not self:
            raise TypeError(f"{self!r} can't be pickled: it is not in the table of ops")
        return _entry, (self.name,)

    def _settle(self, params: dict[str, Any]) -> None:
        """Make settings the op's own: whose owner may change them later, and Tensors."""
        if params.get("out") is not None:
            raise errors.out_argument(self.name)
        for key, param in params.items():
            param = params[key] = content(param)
            if type(param) is _ndarray or is_foreign(param):
                params[key] = param.copy()
            elif type(param) is list or type(param) is tuple:
                params[key] = copy.deepcopy(param)
            elif type(param) is Tensor:
                params[key] = errors.constant_param(self.name, key, param)

    def _check(self, result: Tensor) -> None:
        """Refuse what is not numeric, and a gradient through what has none."""
        if result._array.dtype.kind not in "biu":
            errors.refuse_constant(self.name, result._array)
        if result._tracked and not trace.active() and any(self.vjps):
            raise errors.no_gradient_through(self.name, result)


Op.__doc__ = _OfOps(_doc, Op.__doc__)  # type: ignore[assignment]


def _on_arrays(op: engine.Op, arrays: tuple[Any, ...], params: dict[str, Any]) -> Any:
    return of_values(op.forward, *arrays, **params)


class Case(NamedTuple):
    """Where the tests may sample an op: the shapes of its inputs, and its params."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = MappingProxyType({})


OPS: dict[str, Op] = {}
"""The table: every op of this package (and of nn), by name."""

NUMPY: dict[Any, Callable[..., Any]] = {}
"""What stands in for a NumPy function when it is called with a Tensor."""


def op(
    name: str, forward: Callable[..., Any], *vjps: engine.Vjp | engine.Each | None, **kwargs: Any
) -> Op:
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


def leaves_operators_alone(x: Any) -> bool:
    """Whether an operand handles operators itself, as those of other libraries may ask NumPy."""
    return getattr(type(x), "__array_ufunc__", True) is None or type(x) in HOLDERS


def _constant(op: engine.Op, x: Any) -> Any:
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
        errors.refuse_constant(op.name, array, x)
    return array if array is x or array.ndim else array[()]


later.constant, later.explain = _constant, errors.explain
later.wrong_cotangent = errors.wrong_cotangent
