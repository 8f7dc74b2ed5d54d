"""The members of a Tensor: its history, its value, its operators, the methods of ndarray.

They are put on the class here, once the ops are there that they call. For type checkers
`Tensor` inherits them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from itertools import chain
from types import FunctionType
from typing import Any, NoReturn
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import errors, numpy_protocol, ops
from .arrays import HOLDERS, as_array, content, given, is_foreign, own_array, to_numpy
from .engine.later import later
from .engine.modes import Mode, modes, no_grad, recorded, standing, tell
from .engine.notes import note, noted
from .engine.op import apply
from .engine.tensor import Array, Tensor, _leaf
from .gradients import backward
from .lines import hint, line_of, remember
from .masks import call
from .numpy_api import elementwise, moving, statistics
from .numpy_api.filling import filling
from .ops.indexing import _is_basic, getitem_op
from .seen import look, written
from .table import Op

Method = Callable[..., Any]
Recorded = Callable[..., Tensor]


def _refused(name: str, instead: str) -> Callable[..., NoReturn]:
    """A method of ndarray that works in place: it says what to write instead."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> NoReturn:
        raise errors.in_place(f"t.{name}", instead)

    method.__name__ = name
    method.__doc__ = f"Refused: write ``t = {instead}``."
    return method


def _as_given(x: Any, array: Any) -> Tensor:
    """A constant as a Tensor, of which is noted what was given: a view, or a comparison."""
    leaf = _leaf(as_array(array))
    if type(x) is np.ndarray:
        note(leaf, "given", x)
    return leaf


def _binary(op: Op) -> tuple[Recorded, Recorded]:
    """An operator, as in ``t + x`` and in ``x + t``."""
    return (
        lambda self, other: apply(op, (self, other)),
        lambda self, other: apply(op, (other, self)),
    )


def _unary(op: Op) -> Recorded:
    return lambda self: apply(op, (self,))


def _of_value(function: Any) -> tuple[Method, Method]:
    """The same of a function that is constant in pieces, and so has no gradient."""
    return (
        lambda self, other: ops.value_of(function, self, other),
        lambda self, other: ops.value_of(function, other, self),
    )


def _in_place(operator: Method, is_step: bool = False) -> Method:
    """``w *= x``, which makes a new tensor of that name, unless that would mislead.

    ``w -= x`` of an array of the shape of a leaf that has its gradient may well be a step of
    training; the leaf would be trained no more.
    """

    def method(self: Tensor, other: Any) -> Any:
        other = content(other)
        if self._tracked and self._op is None:
            if no_grad.active():
                raise errors.in_place_under_no_grad(self)
            is_array = is_step and isinstance(other, (np.ndarray, np.generic))
            if self._grad is not None and is_array and other.shape == self.shape:
                hint(errors.no_leaf_any_more(self))
        new = operator(self, other)
        is_part = self.ndim and self._op is getitem_op and _is_basic(self._params["index"])
        if is_part and not filling.active():
            hint(errors.no_view(self))
        return _filled(self, ..., new) if self.ndim else new

    return method


def _of_array(name: str) -> Method:
    """A method of ndarray, called on the array."""
    return lambda self, *args, **kwargs: getattr(self._looked(), name)(*args, **kwargs)


def _property(function: Any) -> Any:
    return property(function)


def _flat(tensor: Any) -> Any:
    """All entries in a row, of which it is known that to write to them is to write to these."""
    found = ops.ravel(tensor)
    note(found, "flat", True)
    return found


def _as_number(kind: Any) -> Method:
    """``float(t)`` and the like, refused where it would lose a gradient."""
    return lambda self, *args: kind(self._number_leaving(f"{kind.__name__}(t)"), *args)


def _rounded(function: Any) -> Method:
    """Constant in pieces, as comparisons are: there is no gradient to lose."""
    return lambda self: function(self._entry("looks"))


class Members:
    """What users see of a Tensor."""

    def __init__(
        self: Any,
        data: ArrayLike,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        if isinstance(data, Tensor):
            data = data._leaving("Tensor(t)")
        array = own_array(data, dtype, "Tensor")
        if array.dtype.kind not in "biufc":
            errors.refuse_constant("Tensor", array, data)
        if requires_grad and dtype is None and array.dtype.kind in "biu":
            array = array.astype(np.float64)
        self._array = array
        self._exposed = False
        self._op = self._grad = None
        self.name = _checked(name)
        self._tracked = 0
        if requires_grad:
            self.requires_grad = True
        elif name is not None and type(array) is np.ndarray:
            call(array, name)
        if Mode.entered:
            tell("born", self)

    # ------------------------------------------------------------------ value and history

    @property
    def data(self: Any) -> Array:
        """The value. A leaf's may be written to, or rebound to an array of the same shape.

        >>> import autograd_lite as ag
        >>> w = ag.Tensor([1.0, 2.0], requires_grad=True)
        >>> w.data -= 0.5
        >>> w.data = w.data * 2
        >>> w.data
        array([1., 3.])
        """
        for value in standing("value") if Mode.entered else ():
            return value(self)
        if is_foreign(self._array):
            if self._op is not None:
                return own_array(self._array)
            self._array = self._array if self._exposed else own_array(self._array)
            self._exposed = True
            return self._array
        if self._op is not None:
            look(self, how="leaves")
            # Of a view a copy, for through its base one could write to what it is a view of.
            array = self._array if self._array.base is None else self._array.copy()
            array.flags.writeable = False
            return array
        if not self._exposed or self._array.base is not None:  # or part of a TrainStep's array
            if not (self._only_reference() and self._array.flags.writeable):
                self._array = self._array.copy()  # a graph or another tensor needs the old one
            self._exposed = True
        look(self)
        return self._array

    @data.setter
    def data(self: Any, value: ArrayLike) -> None:
        if value is self._array and self._exposed:  # w.data -= …
            written(self)
            return
        if self._op is not None:
            raise errors.not_a_leaf(self, "its data can't be rebound")
        array = own_array(value, where="data")
        if array.shape != self.shape:
            raise errors.rebinding(self, array)
        self._replace(array.astype(self._array.dtype, casting="same_kind", copy=False))

    def _replace(self: Any, array: Array) -> None:
        """Rebind a leaf to an update of its value that is the engine's own.

        A wider dtype is cast back; a shape that broadcasting made larger is refused.
        """
        if Mode.entered:
            tell("write", self, "data")
        if array.nbytes != self._array.nbytes or array.ndim != self._array.ndim:
            if array.shape != self._array.shape:
                raise errors.rebinding(self, array)
            array = array.astype(self._array.dtype)
        self._array = array if type(array) is np.ndarray else as_array(array)
        self._exposed = False

    def _seen(self: Any) -> Any:
        """The array as code outside of the engine sees it: what a mode gives, where one does."""
        for value in standing("value") if Mode.entered else ():
            return value(self)
        return self._array

    def _looked(self: Any, how: str = "looks") -> Any:
        """The same, for code that may make something of it; ``how`` as of `look`."""
        look(self, how=how)
        return self._seen()

    def _at_hand(self: Any, how: str = "looks") -> Any:
        """The values, asked for by name."""
        array = self._looked(how)
        return to_numpy(array)[0] if is_foreign(array) else array

    def _leaving(self: Any, how: str) -> Any:
        """The array for what knows no gradients; refused where one would be lost silently."""
        if self._tracked and recorded(True):
            raise errors.leaves_the_graph(self, how)
        return self._looked()

    @property
    def flags(self: Any) -> NoReturn:
        """Refused: code in C asks for them, which takes arrays."""
        raise errors.of_arrays_alone(self)

    @property
    def op(self: Any) -> Op | Any:  # None, too; who reads results needn't ask
        """The op that made this tensor, or None for a leaf."""
        return self._op

    @property
    def inputs(self: Any) -> tuple[Tensor, ...]:
        """What the op was applied to, constants as Tensors that require no gradient."""
        if self._op is None:
            return ()
        if not all(type(x) is Tensor for x in self._inputs):
            self._inputs = tuple(
                x if type(x) is Tensor else _as_given(x, array)
                for x, array in zip(self._inputs, self._arrays, strict=True)
            )
        return self._inputs

    @property
    def params(self: Any) -> dict[str, Any]:
        """The settings that the op was applied with, such as ``axis``."""
        return {} if self._op is None else dict(self._params)

    @property
    def is_leaf(self: Any) -> bool:
        """Whether this tensor was made from data, and not recorded by an op."""
        return self._op is None

    shape: tuple[int, ...] = _property(lambda self: self._array.shape)
    ndim: int = _property(lambda self: self._array.ndim)
    size: int = _property(lambda self: self._array.size)
    dtype: np.dtype[Any] = _property(lambda self: self._array.dtype)

    @property
    def requires_grad(self: Any) -> bool:
        """Whether results of this tensor are recorded, and it gets a gradient; a leaf's can be set.

        Setting it raises TypeError where the dtype has no gradient.
        """
        return bool(self._tracked)

    @requires_grad.setter
    def requires_grad(self: Any, value: bool) -> None:
        if self._op is not None:
            raise errors.not_a_leaf(self, "requires_grad can't be set")
        if value and self._array.dtype.kind not in "fc":
            raise errors.no_gradient_for(self)
        self._tracked = int(bool(value))

    def named(self: Any, name: str) -> Tensor:
        """Name this tensor, so that `backward` keeps its gradient and figures show it."""
        self.name = _checked(name)
        if self._op is not None and line_of(self) is None:
            remember(self)
        if not self._tracked and type(self._array) is np.ndarray:
            call(self._array, name)
        return self

    def detach(self: Any) -> Tensor:
        """The same value as a leaf that requires no gradient."""
        for value in standing("value"):
            return _leaf(value(self))
        leaf = _leaf(self._settle() if self._exposed else self._array)
        if self._tracked:
            note(leaf, "detached", ref(self))
            look(self, leaf)
        else:
            leaf._notes = later.made(ops.positive, (self,), {})
        return leaf

    def numpy(self: Any) -> Array:
        """A copy of the value, without the gradient."""
        return self._at_hand("leaves").copy()

    to_numpy = numpy  # by which matplotlib asks for what it plots

    def item(self: Any, *index: Any) -> Any:
        """The value of a tensor with one element, or of the entry at ``index``: a Python number."""
        return self._entry("leaves", *index)

    def _entry(self: Any, how: str, *index: Any) -> Any:
        if self.size != 1 and not index:
            raise errors.not_one_element(self, "item")
        return self._at_hand(how).item(*index)

    def tolist(self: Any) -> Any:
        """The value as nested Python lists."""
        return self._at_hand("leaves").tolist()

    # ------------------------------------------------------------------ differentiation

    @property
    def grad(self: Any) -> Array | None:
        """The gradient that `backward` stored, an array of this tensor's shape, or None.

        It may be set, to numbers of this shape (of a Tensor, its value is taken) or to None.

        Raises:
            ValueError: numbers of another shape.
            TypeError: what isn't numbers, or not of this tensor's kind: complex for real.

        Warns:
            UserWarning: it is asked of a result without a name, which keeps none.
        """
        if self._grad is None and self._op is not None and self.name is None:
            hint(errors.no_gradient_kept(self))
        tell("read", self)
        if self._grad is not None:
            look(self)
        return self._grad

    @grad.setter
    def grad(self: Any, value: ArrayLike | Tensor | None) -> None:
        if value is None:
            self._grad = None
            return
        array = value.numpy() if isinstance(value, Tensor) else given(value, "grad")
        if array.dtype.kind not in "biufc":
            errors.refuse_constant("grad", array, value)
        if array.shape != self.shape:
            raise errors.another_grad(self, array, ValueError)
        if self.dtype.kind not in "fc" or (array.dtype.kind == "c" != self.dtype.kind):
            raise errors.another_grad(self, array, TypeError)
        self._grad = array if array.dtype == self.dtype else array.astype(self.dtype)

    backward = backward

    def zero_grad(self: Any) -> None:
        """Forget the gradient: `grad` becomes None."""
        self._grad = None

    # ------------------------------------------------------------------ operators

    __add__, __radd__ = _binary(ops.add)
    __sub__, __rsub__ = _binary(ops.subtract)
    __mul__, __rmul__ = _binary(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.divide)
    __mod__, __rmod__ = _binary(ops.remainder)
    __matmul__, __rmatmul__ = _binary(ops.matmul)
    __floordiv__, __rfloordiv__ = _of_value(np.floor_divide)

    def __divmod__(self: Any, other: Any) -> Any:
        quotient = self.__floordiv__(other)
        return quotient if quotient is NotImplemented else (quotient, self % other)

    def __rdivmod__(self: Any, other: Any) -> Any:
        quotient = self.__rfloordiv__(other)
        return quotient if quotient is NotImplemented else (quotient, self.__rmod__(other))

    def __pow__(self: Any, other: Any) -> Tensor:
        if type(other) is int or type(other) is float:
            return ops.power(self, other)
        return apply(ops.power_op, (self, other))

    __rpow__ = _binary(ops.power_op)[1]

    __iadd__, __isub__ = _in_place(__add__, True), _in_place(__sub__, True)
    __imul__, __itruediv__ = _in_place(__mul__), _in_place(__truediv__)
    __ifloordiv__, __imod__ = _in_place(__floordiv__), _in_place(__mod__)
    __ipow__, __imatmul__ = _in_place(__pow__), _in_place(__matmul__)

    __neg__, __pos__, __abs__ = map(_unary, (ops.negative, ops.positive, ops.absolute))

    __lt__, __le__ = _of_value(np.less)[0], _of_value(np.less_equal)[0]
    __gt__, __ge__ = _of_value(np.greater)[0], _of_value(np.greater_equal)[0]
    __ne__ = _of_value(np.not_equal)[0]

    def __eq__(self: Any, other: Any) -> Any:
        equal = ops.value_of(np.equal, self, other)
        if other is self and self.size != 1 and type(equal) is np.ndarray:
            same = equal.view(_Itself)
            same.itself = True
            return same
        return equal

    __getitem__ = ops.getitem

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        if _filled(self, index, value) is not self:
            raise errors.item_assignment(self)

    def __iter__(self: Any) -> Iterator[Tensor]:
        n = len(self)
        if n <= 64:
            return (self[i] for i in range(n))
        # By way of halves, since the backward pass of a part is as long as what it is a part of.
        return chain(self[: n // 2], self[n // 2 :])

    def __len__(self: Any) -> int:
        if not self.ndim:
            raise TypeError(f"len: {errors.describe(self)} has no axes; .size is 1")
        return len(self._array)

    def __bool__(self: Any) -> bool:
        return bool(self._looked())

    # Python and NumPy ask by these for a number alone: float(t), math.sin(t), array[i] = t, ….

    __complex__, __float__, __int__ = map(_as_number, (complex, float, int))
    __round__ = _as_number(round)
    __trunc__, __floor__, __ceil__ = map(_rounded, (math.trunc, math.floor, math.ceil))

    def as_integer_ratio(self: Any) -> Any:
        """As of a float, by which `statistics` and `fractions` ask for its number."""
        return self._number_leaving("t.as_integer_ratio()").as_integer_ratio()

    def _sympy_(self: Any) -> Any:
        """What `sympy.sympify` takes it for."""
        from sympy import sympify

        array = self._leaving("sympify(t)")
        return sympify(array if self.ndim else array.item())

    def _number_leaving(self: Any, how: str) -> Any:
        array = self._leaving(how)
        if self.size != 1:
            raise errors.not_one_element(self, how)
        return to_numpy(array)[0].item() if is_foreign(array) else array.item()

    def __index__(self: Any) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise errors.not_an_index(self)
        return operator.index(self._seen())

    def __contains__(self: Any, value: Any) -> bool:
        return bool(np.any(self == value))

    # ------------------------------------------------------------------ methods of ndarray

    @property
    def T(self: Any) -> Tensor:
        """All axes reversed."""
        return apply(ops.transpose_op, (self,), {"axes": None})

    mT: Tensor = _property(ops.matrix_transpose)  # noqa: N815  (NumPy's name)
    real: Tensor = _property(ops.real)
    imag: Tensor = _property(ops.imag)
    flat: Tensor = _property(_flat)

    sum, mean, prod = ops.sum, ops.mean, ops.prod
    max, min = ops.max, ops.min
    var, std = statistics.var, statistics.std
    cumsum, cumprod = ops.cumsum, ops.cumprod
    dot, trace = ops.dot, moving.trace
    ravel = ops.ravel
    copy = ops.copy
    squeeze, swapaxes, diagonal = ops.squeeze, ops.swapaxes, ops.diagonal
    repeat, take, clip = ops.repeat, ops.take, elementwise.clip

    # They have no gradient, and give what the array's own do.
    argmax, argmin, argsort, nonzero = map(_of_array, ("argmax", "argmin", "argsort", "nonzero"))
    all, any, round = map(_of_array, ("all", "any", "round"))

    def searchsorted(self: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        return ops.value_of(np.searchsorted, self, v, side, sorter)

    conj = conjugate = _unary(ops.conj)

    def reshape(self: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Tensor:
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape, order, copy=copy)

    def flatten(self: Any, order: str = "C") -> Tensor:
        return ops.ravel(ops.copy(self) if filling.active() else self, order)

    def transpose(self: Any, *axes: Any) -> Tensor:
        return ops.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def compress(self: Any, condition: Any, axis: Any = None, out: None = None) -> Tensor:
        return moving.compress(condition, self, axis, out)

    def astype(self: Any, dtype: DTypeLike, copy: bool = True) -> Any:
        """Converted to ``dtype``; to one without a gradient (integers, booleans), a plain array."""
        return ops.astype(self, dtype, copy=copy)

    # What would write into the array.
    fill = _refused("fill", "np.full_like(t, value)")
    partition = _refused("partition", "np.partition(t, kth)")
    put = _refused("put", "ag.index_update(t, index, values)")
    resize = _refused("resize", "np.resize(t, shape)")
    sort = _refused("sort", "np.sort(t)")

    # ------------------------------------------------------------------ NumPy protocols

    __array_priority__ = 1000.0

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_protocol.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if HOLDERS and not HOLDERS.isdisjoint(types):  # they say first what they hold
            return NotImplemented
        return numpy_protocol.call_function(func, types, args, kwargs)

    def __array__(self: Any, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        return np.array(self._leaving("np.array(t)"), dtype or self._array.dtype)

    def __dask_tokenize__(self: Any) -> Any:
        from dask.tokenize import normalize_token

        return normalize_token(self._leaving("Dask's own function"))

    def to_dask_array(self: Any) -> Any:
        """By which Dask takes what isn't its own, in ``da.sum(t)``."""
        import dask.array

        return dask.array.asarray(self._leaving("da.f(t)"))

    @property
    def fill_value(self: Any) -> NoReturn:
        """What sparse matrices ask for; so they leave ``matrix @ t`` to the Tensor."""
        raise NotImplementedError("sparse's own functions take no Tensor: ag.Tensor(matrix) @ t")

    # ------------------------------------------------------------------ showing

    def __repr__(self: Any) -> str:
        look(self, how="writes")
        return self._text()

    def _repr_pretty_(self: Any, printer: Any, cycle: bool) -> None:
        """For Jupyter, too: what a cell shows, no code reads."""
        printer.text(self._text())

    def _text(self: Any) -> str:
        array = self._seen()
        parts = [
            repr(array) if is_foreign(array)
            else np.array2string(array, separator=", ", prefix="Tensor(", threshold=100)
        ]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.op is not None:
            parts.append(f"op={self.op.name}")
        elif self._tracked:
            parts.append("requires_grad=True")
        if self._array.dtype != np.float64:
            parts.append(f"dtype={self._array.dtype}")
        return f"Tensor({', '.join(parts)})"

    def _repr_html_(self: Any) -> str:
        """For Jupyter."""
        from .display import tensor_html

        return tensor_html(self)

    def __format__(self: Any, spec: str) -> str:
        if not spec:
            return str(self)
        if self.size != 1:
            raise errors.not_one_element(self, "item")
        return format(self._at_hand("writes").item(), spec)

    def __reduce__(self: Any) -> Any:
        if noted(self, "variable"):
            raise errors.pickled_variable(self)
        if self._op is not None:
            raise errors.not_a_leaf(self, "its graph can't be pickled")
        return _unpickle, (self._looked(), self._tracked, self.name, self._grad)

    def __copy__(self: Any, memo: Any = None) -> Tensor:
        """Of a leaf another one; of what is being differentiated, a result that has a gradient."""
        if self._op is not None or noted(self, "variable"):
            return ops.copy(self)
        return _unpickle(*self.__reduce__()[1])

    __deepcopy__ = __copy__


def _filled(tensor: Any, index: Any, value: Any) -> Any:
    """The tensor, with other entries at an index; else the value."""
    found = [mode for mode in modes() if type(mode) is filling] if Mode.entered else []
    return found[0].assign(tensor, index, value) if found else value


def _checked(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise errors.not_a_name(name)
    return name


class _Itself(np.ndarray[Any, Any]):
    """``t == t``. Where sets and dicts of weak references compare a tensor to itself, it is true.

    That of another array of several entries is ambiguous; and so is that of what is made of this.
    """

    itself = False

    def __bool__(self) -> bool:
        return self.itself or bool(np.asarray(self))

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)


def _unpickle(data: Array, requires_grad: bool, name: str | None, grad: Array | None) -> Tensor:
    tensor = Tensor(data, requires_grad, name)
    tensor._grad = None if grad is None else grad.copy()
    return tensor


_OWN = {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__hash__"}
for _name, _member in vars(Members).items():
    if _name not in _OWN:
        setattr(Tensor, _name, _member)
        if isinstance(_member, FunctionType) and _member.__module__ == __name__:
            _member.__name__, _member.__qualname__ = _name, f"Tensor.{_name}"
