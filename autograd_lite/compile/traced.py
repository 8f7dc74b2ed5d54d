"""Stand-ins: what takes an array's place while a program is recorded.

A stand-in has a value, and so a shape and a dtype that code may ask for. What the program would
have to know beforehand, such as ``if x > 0``, is refused where it is asked for.
"""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import STAND_INS
from ..containers import leaves
from ..engine.tensor import Tensor
from ..lines import user_frame
from ..numpy_code import numpy_name
from ..numpy_protocol import IN_PLACE
from .graph import Node, UntraceableError, mapped

if TYPE_CHECKING:
    from .recorder import Recorder

# What is known of an array without its values: called while recording, and not recorded.
_KNOWN: set[Any] = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.zeros_like,
    np.ones_like, np.can_cast, np.common_type,
}  # fmt: skip
# The shapes of their results depend on values.
_SHAPED_BY_VALUES: set[Any] = {
    np.nonzero, np.argwhere, np.flatnonzero, np.unique, np.extract, np.compress, np.union1d,
    np.intersect1d, np.setdiff1d, np.setxor1d, np.trim_zeros, np.bincount, np.histogram,
    np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.histogram_bin_edges,
    np.histogram2d, np.histogramdd, np.roots, np.linalg.lstsq,
}  # fmt: skip
# Likewise where the values are those of another argument than the first.
_SHAPED_BY_SETTINGS: set[Any] = {
    np.repeat, np.delete, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.insert,
    np.tile, np.resize, np.pad, np.reshape, np.broadcast_to, np.diag, np.diagonal, np.diff,
    np.expand_dims, np.squeeze, np.moveaxis, np.swapaxes, np.rollaxis, np.transpose,
    *(getattr(np.fft, name) for name in np.fft.__all__),
}  # fmt: skip
# What they are for happens outside of the program.
_OUTSIDE: set[Any] = {
    np.save, np.savez, np.savez_compressed, np.savetxt, np.array2string, np.array_repr,
    np.array_str,
}  # fmt: skip


def value_of(x: Any) -> Any:
    return x.node.value if type(x) is Traced else x.value if isinstance(x, Node) else x


def _refused(what: str, remedy: str) -> Callable[..., NoReturn]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> NoReturn:
        self.recorder.refuse(f"{what} {self.node.described()}; {remedy}")

    return method


def _binary(ufunc: np.ufunc, of_numbers: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    def left(self: Traced, other: Any) -> Any:
        return _combined(ufunc, of_numbers, self, other)

    def right(self: Traced, other: Any) -> Any:
        return _combined(ufunc, of_numbers, other, self)

    return left, right


_NUMBERS = (bool, int, float, complex)


def _combined(ufunc: np.ufunc, of_numbers: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Numbers of Python stay such, and widen no dtype."""
    if type(value_of(x)) in _NUMBERS and type(value_of(y)) in _NUMBERS:
        recorder = x.recorder if type(x) is Traced else y.recorder
        return recorder.call(of_numbers, (x, y), {})
    if type(x) is Tensor or type(y) is Tensor:
        return NotImplemented
    return ufunc(x, y)


class NotKnownError(UntraceableError, AttributeError):
    """An attribute of arrays that stand-ins don't have."""


def _is_traced(x: Any) -> bool:
    return type(x) is Traced


@lru_cache(maxsize=256)
def _place_of_out(function: Any) -> int:
    """Which positional argument ``out`` is; one that nobody gives where there is none."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return sys.maxsize
    if function is np.einsum or "out" not in parameters:
        return sys.maxsize
    if parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY:
        return sys.maxsize
    return list(parameters).index("out")


def _has_traced_settings(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether counts, places or shapes are asked of stand-ins."""
    settings = args[1 : 2 if function in (np.diff, np.insert) else None]
    values = {"prepend", "append", "values", "constant_values", "end_values"}
    named = [x for key, x in kwargs.items() if key not in values]
    return any(map(_is_traced, leaves([settings, named])))


def _out_argument(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    place = _place_of_out(function)
    return args[place] if place < len(args) else kwargs.get("out")


class Traced:
    """What stands in for an array, or a number, while a program is recorded."""

    __slots__ = ("__weakref__", "flags", "node", "recorder")
    base = None

    def __hash__(self) -> int:
        self.recorder.refuse(f"{self.node.described()} is used as a key; {self._control}")

    def __init__(self, recorder: Recorder, node: Node) -> None:
        self.recorder, self.node = recorder, node
        self.flags = SimpleNamespace(writeable=True)

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.call(function, (self, *args), kwargs)

    # ------------------------------------------------------------------ what is known

    shape = property(lambda self: self.node.shape)
    ndim = property(lambda self: self.node.ndim)
    size = property(lambda self: self.node.size)
    dtype = property(lambda self: self.node.dtype)
    nbytes = property(lambda self: self.node.size * self.node.dtype.itemsize)
    itemsize = property(lambda self: self.node.dtype.itemsize)

    def __len__(self) -> int:
        return len(self.node.value)

    # ------------------------------------------------------------------ NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is Tensor for x in inputs):
            return NotImplemented
        if kwargs.get("out") is not None:
            self.recorder.refuse(f"np.{ufunc.__name__} writes into out=; leave out= away")
        if method == "at":
            self.recorder.refuse(f"np.{ufunc.__name__}.at works in place; use ag.index_add")
        kwargs.pop("out", None)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.recorder.call(function, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Tensor) for t in types):
            return NotImplemented
        name = numpy_name(func)
        if func in _KNOWN:
            return func(*mapped(args, value_of), **mapped(kwargs, value_of))
        if func in IN_PLACE:
            self.recorder.refuse(f"{name} works in place; use ag.index_update")
        if func in _OUTSIDE:
            self.recorder.refuse(f"{name} is a side effect; do it outside")
        if func in _SHAPED_BY_VALUES or (func is np.where and len(args) + len(kwargs) == 1):
            self.recorder.refuse(
                f"the shape of what {name} gives depends on values; use np.where or a mask that "
                "keeps the shape"
            )
        if func in _SHAPED_BY_SETTINGS and _has_traced_settings(func, args, kwargs):
            self.recorder.refuse(
                f"the shape of what {name} gives depends on values; pass an int by itself, which "
                "is known"
            )
        if any(_is_traced(kwargs.get(key)) for key in ("axis", "keepdims", "ddof", "dtype")):
            self.recorder.refuse(f"a setting of {name} depends on values; pass it by itself")
        if _out_argument(func, args, kwargs) is not None:
            self.recorder.refuse(f"{name} writes into out=; leave out= away")
        return self.recorder.call(func, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        for part in index if isinstance(index, tuple) else (index,):
            if type(part) is Traced and part.dtype.kind == "b":
                self.recorder.refuse(
                    "the shape of x[mask] depends on the mask's values; use np.where(mask, x, 0)"
                )
            if isinstance(part, slice) and any(
                map(_is_traced, (part.start, part.stop, part.step))
            ):
                self.recorder.refuse("the shape of x[a:b] depends on the values of a and b")
        return self._call(operator.getitem, index)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # ------------------------------------------------------------------ what isn't

    _control = (
        "control flow on values can't be compiled; use np.where, np.maximum, np.clip, …, or "
        "compile the parts"
    )
    __bool__ = _refused("the truth of", _control)
    __float__ = _refused("float() of", _control)
    __int__ = _refused("int() of", _control)
    __index__ = _refused("an integer is asked of", _control + ". An int passed by itself is known")
    __complex__ = _refused("complex() of", _control)
    __round__ = _refused("round() of", "use np.round")
    __contains__ = _refused("'in' asks for the values of", _control)
    item = _refused(".item() of", _control)
    tolist = _refused(".tolist() of", _control)
    tobytes = _refused(".tobytes() of", _control)
    __str__ = _refused("text is made of", "printing is a side effect; do it outside")
    __format__ = _refused("text is made of", "printing is a side effect; do it outside")
    __array__ = _refused("NumPy is given the values of", "np.array and np.asarray can't be compiled"
                         "; use np.stack, or the array as it is")  # fmt: skip
    _in_place = "works in place, and an array that is written to can't be compiled; write x = x + …"
    __iadd__ = _refused("x += …", _in_place)
    __isub__ = _refused("x -= …", _in_place)
    __imul__ = _refused("x *= …", _in_place)
    __itruediv__ = _refused("x /= …", _in_place)
    __imatmul__ = _refused("x @= …", _in_place)
    __ipow__ = _refused("x **= …", _in_place)
    __setitem__ = _refused("x[i] = …", "works in place; use ag.index_update(x, i, values)")
    sort = _refused("x.sort()", "works in place; use np.sort")
    fill = _refused("x.fill()", "works in place; use np.full_like")
    put = _refused("x.put()", "works in place; use ag.index_update")
    partition = _refused("x.partition()", "works in place; use np.partition")
    resize = _refused("x.resize()", "works in place; use np.resize")
    nonzero = _refused("x.nonzero() of", "the shape of its result depends on values")

    __repr__ = _refused("text is made of", "printing is a side effect; do it outside")
    __bytes__ = _refused("the memory is asked for of", _control)

    def __getattr__(self, name: str) -> NoReturn:
        # To ask whether there is such an attribute is no mistake, so this isn't remembered.
        raise NotKnownError(
            f"compile: x.{name} can't be known beforehand, or be compiled\n  at {user_frame()[1]}"
        )

    def __deepcopy__(self, memo: Any) -> Traced:
        return self

    # ------------------------------------------------------------------ operators and methods

    __add__, __radd__ = _binary(np.add, operator.add)
    __sub__, __rsub__ = _binary(np.subtract, operator.sub)
    __mul__, __rmul__ = _binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__ = _binary(np.divide, operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide, operator.floordiv)
    __mod__, __rmod__ = _binary(np.remainder, operator.mod)
    _power, __rpow__ = _binary(np.power, operator.pow)
    __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul)
    __and__, __rand__ = _binary(np.bitwise_and, operator.and_)
    __or__, __ror__ = _binary(np.bitwise_or, operator.or_)
    __xor__, __rxor__ = _binary(np.bitwise_xor, operator.xor)
    __lt__, _ = _binary(np.less, operator.lt)
    __le__, _ = _binary(np.less_equal, operator.le)
    __gt__, _ = _binary(np.greater, operator.gt)
    __ge__, _ = _binary(np.greater_equal, operator.ge)
    __eq__, _ = _binary(np.equal, operator.eq)
    __ne__, _ = _binary(np.not_equal, operator.ne)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    __lshift__, __rlshift__ = _binary(np.left_shift, operator.lshift)
    __rshift__, __rrshift__ = _binary(np.right_shift, operator.rshift)

    def __pow__(self, other: Any) -> Any:
        """With the shortcuts that an array's operator takes."""
        if type(other) in (int, float) and not self.node.is_scalar:
            if other == 2 and (type(other) is int or self.dtype.kind in "fc"):
                return self._call(np.square)
            if other == 0.5 and self.dtype.kind in "fc":
                return self._call(np.sqrt)
        return self._power(other)

    def __neg__(self) -> Any:
        weak = type(self.node.value) in _NUMBERS
        return self._call(operator.neg if weak else np.negative)

    def __pos__(self) -> Any:
        return self

    def __invert__(self) -> Any:
        return self._call(np.invert)

    def __abs__(self) -> Any:
        return self._call(abs if type(self.node.value) in _NUMBERS else np.absolute)

    @property
    def T(self) -> Any:  # noqa: N802
        return self._call(np.transpose)

    @property
    def mT(self) -> Any:  # noqa: N802
        return self._call(np.matrix_transpose)

    @property
    def real(self) -> Any:
        return self._call(np.real) if self.dtype.kind == "c" else self

    @property
    def imag(self) -> Any:
        return self._call(np.imag)

    @property
    def flat(self) -> Any:
        return self.reshape(-1)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        new = shape[0] if len(shape) == 1 else shape
        stand_in: Any = self
        if order != "C":
            return np.reshape(stand_in, new, order=order)  # type: ignore[call-overload]
        return np.reshape(stand_in, new)

    def ravel(self, order: str = "C") -> Any:
        return self.reshape(-1, order=order)

    flatten = ravel

    def transpose(self, *axes: Any) -> Any:
        given = axes[0] if len(axes) == 1 else axes or None
        return self._call(np.transpose) if given is None else self._call(np.transpose, given)

    def astype(self, dtype: Any, **settings: Any) -> Any:
        if np.dtype(dtype) == self.dtype and not self.node.is_scalar:
            return self
        return self._call(converted, np.dtype(dtype))

    def own(self, dtype: Any = None) -> Any:
        """``np.array(x)``: values don't change, so it is the same array; a number becomes one."""
        if self.node.is_scalar:
            return self._call(np.asarray, *([] if dtype is None else [np.dtype(dtype)]))
        return self if dtype is None else self.astype(dtype)

    def copy(self, order: str = "C") -> Any:
        return self.own()

    def __copy__(self) -> Any:
        return self

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def guard(self, check: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        self.recorder.guard(check, arrays)


def converted(x: Any, dtype: Any) -> Any:
    """``x.astype(dtype)``, of numbers too."""
    new = np.asarray(x).astype(dtype)
    return new if isinstance(x, np.ndarray) else new[()]


def _method(function: Any) -> Callable[..., Any]:
    """A method of ndarray, which is the function of that name."""

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


_METHODS = (
    "all any argmax argmin argpartition argsort choose clip cumprod cumsum diagonal max mean min "
    "prod ptp repeat round searchsorted squeeze std sum swapaxes take trace var"
)
for _name in _METHODS.split():
    setattr(Traced, _name, _method(getattr(np, _name)))
Traced.conj = Traced.conjugate = _method(np.conjugate)  # type: ignore[attr-defined]
Traced.compress = _refused("x.compress() of", "the shape of its result depends on values")  # type: ignore[attr-defined]
STAND_INS.add(Traced)
