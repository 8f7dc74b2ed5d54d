"""Stand-ins: what takes an array's place, or a number's, while a program is recorded.

A stand-in has a value, and so a type, a shape and a dtype that code may ask for; it says that it is
of the type of what it stands for. Where code asks for an int or a truth, as in ``if x > 0``, it is
told that of the value, and the program watches that it stays so. More can't be had of it.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import STAND_INS
from ..containers import leaves
from ..engine.tensor import Tensor
from ..lines import user_frame
from ..numpy_code import numpy_name
from ..numpy_protocol import IN_PLACE
from ..table import NUMPY
from .graph import Node, converted, mapped, put, put_at

if TYPE_CHECKING:
    from .recorder import Recorder

# What is known of an array without its values: called while recording, and not recorded.
_KNOWN: set[Any] = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast,
    np.common_type,
}  # fmt: skip
# They make arrays that may be written to.
_MADE: dict[Any, Any] = {np.zeros_like: 0, np.ones_like: 1, np.empty_like: 0, np.full_like: None}
# What they are for happens outside of the program.
_OUTSIDE: set[Any] = {
    np.save, np.savez, np.savez_compressed, np.savetxt, np.array2string, np.array_repr,
    np.array_str,
}  # fmt: skip
_NUMBERS = (bool, int, float, complex, bytes)
_VALUE = "the value isn't known beforehand; leave it an array, or compile the parts"


def value_of(x: Any) -> Any:
    return x.node.value if type(x) in STAND_INS else x.value if isinstance(x, Node) else x


def _refused(what: str, remedy: str) -> Callable[..., NoReturn]:
    def method(self: StandIn, *args: Any, **kwargs: Any) -> NoReturn:
        self.recorder.refuse(f"{what} {self.node.described()}; {remedy}")

    return method


def _binary(ufunc: np.ufunc, of_numbers: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    def combined(x: Any, y: Any) -> Any:
        """Numbers of Python stay such, and widen no dtype."""
        if type(value_of(x)) in _NUMBERS and type(value_of(y)) in _NUMBERS:
            recorder = x.recorder if type(x) in STAND_INS else y.recorder
            return recorder.call(of_numbers, (x, y), {})
        if type(x) is Tensor or type(y) is Tensor:
            return NotImplemented
        return ufunc(x, y)

    return combined, lambda x, y: combined(y, x)


@lru_cache(maxsize=256)
def _place_of_out(function: Any) -> int:
    """Which positional argument ``out`` is; -1 where there is none."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return -1
    if function is np.einsum or "out" not in parameters:
        return -1
    keyword = parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
    return -1 if keyword else list(parameters).index("out")


class StandIn:
    """For a number of Python's; what arrays have besides is added by the others."""

    __slots__ = ("node", "recorder")

    def __init__(self, recorder: Recorder, node: Node) -> None:
        self.recorder, self.node = recorder, node

    __class__ = property(lambda self: type(self.node.value))  # type: ignore[assignment]

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.call(function, (self, *args), kwargs)

    # ------------------------------------------------------------------ NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is Tensor for x in inputs):
            return NotImplemented
        if kwargs.get("out") is not None:
            self.recorder.refuse(f"np.{ufunc.__name__} writes into out=; leave out= away")
        if method == "at":
            if type(inputs[0]) is not Traced:
                self.recorder.refuse(f"np.{ufunc.__name__}.at works in place; use ag.index_add")
            return inputs[0].write(put_at, ufunc, *inputs[1:])
        kwargs.pop("out", None)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.recorder.call(function, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Tensor) for t in types):
            return NotImplemented
        name, refuse = numpy_name(func), self.recorder.refuse
        if func in _MADE:
            made = func(*mapped(args, value_of), **mapped(kwargs, value_of))
            fill = kwargs.get("fill_value", args[-1]) if func is np.full_like else _MADE[func]
            return self.recorder.call(np.full, (made.shape, fill, made.dtype), {})
        if func in _KNOWN:
            return func(*mapped(args, value_of), **mapped(kwargs, value_of))
        if func in IN_PLACE:
            refuse(f"{name} works in place; use ag.index_update")
        if func in _OUTSIDE:
            refuse(f"{name} is a side effect; do it outside")
        place = _place_of_out(func)
        if kwargs.get("out") is not None or 0 <= place < len(args) and args[place] is not None:
            refuse(f"{name} writes into out=; leave out= away")
        own = [x for x in leaves([args, kwargs]) if type(x) not in STAND_INS and callable(x)]
        if any(not isinstance(x, (type, np.ufunc)) for x in own):  # it calls them on values
            if func not in NUMPY:
                refuse(f"{name} calls {own[0].__name__} on values; call it on the whole array")
            found = NUMPY[func](*args, **kwargs)
            return mapped(found, lambda x: x._array if type(x) is Tensor else x)
        return self.recorder.call(func, args, kwargs)

    # ------------------------------------------------------------------ what is asked of values

    def __bool__(self) -> bool:
        return bool(self.recorder.decided(bool, self))

    def __int__(self) -> int:
        if np.asarray(self.node.value).dtype.kind not in "biu":
            self.recorder.refuse(f"int() of {self.node.described()}; {_VALUE}")
        return int(self.recorder.decided(int, self))

    def __hash__(self) -> int:
        self.recorder.refuse(f"{self.node.described()} is used as a key; {_VALUE}")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.recorder.refuse(
            f"NumPy is given the values of {self.node.described()}; np.array, np.asarray and what "
            "asks for numbers can't be compiled; use np.stack, or the array as it is"
        )

    __float__ = _refused("float() of", _VALUE)
    __complex__ = _refused("complex() of", _VALUE)
    __round__ = _refused("round() of", "use np.round")
    __trunc__ = __floor__ = __ceil__ = _refused("math's function of", "use NumPy's")

    def _text(self, spec: str = "") -> str:
        """For an error that the function raises, which it will raise itself then."""
        self.recorder.made_text(self.node)
        return "…"

    __str__ = __repr__ = __format__ = _text
    is_integer = as_integer_ratio = hex = _refused("the digits are asked for of", _VALUE)
    __reduce__ = __reduce_ex__ = _refused("a copy is made of", "use x.copy()")  # type: ignore[assignment]

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    # ------------------------------------------------------------------ operators

    __add__, __radd__ = _binary(np.add, operator.add)
    __sub__, __rsub__ = _binary(np.subtract, operator.sub)
    __mul__, __rmul__ = _binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__ = _binary(np.divide, operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide, operator.floordiv)
    __mod__, __rmod__ = _binary(np.remainder, operator.mod)
    _power, __rpow__ = _binary(np.power, operator.pow)
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

    def __pow__(self, other: Any) -> Any:
        return self._power(other)

    def __neg__(self) -> Any:
        return self._call(operator.neg if type(self.node.value) in _NUMBERS else np.negative)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._call(abs if type(self.node.value) in _NUMBERS else np.absolute)

    @property
    def real(self) -> Any:
        if np.iscomplexobj(self.node.value):
            return self._call(np.real)
        return self

    @property
    def imag(self) -> Any:
        return self._call(np.imag)

    def conjugate(self) -> Any:
        """That of numbers is itself where they are real; of booleans, as they are."""
        return self._call(np.conjugate) if np.iscomplexobj(self.node.value) else self

    def own(self, dtype: Any = None) -> Any:
        """``np.array(x)``: values don't change, so it is the same array; a number becomes one."""
        if self.node.is_scalar:
            return self._call(np.asarray, *([] if dtype is None else [np.dtype(dtype)]))
        return self if dtype is None else self.astype(dtype)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self.node.value)
        if hasattr(kind, name) and name[:2] != "__":
            self.recorder.refuse(f"x.{name} of {self.node.described()} can't be compiled")
        raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")


class _Flags:
    """Nothing is known of how an argument lies in memory; a result is nobody's to write to."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        vars(self)["refuse"] = refuse

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __getattr__(self, name: str) -> NoReturn:
        vars(self)["refuse"](
            f"x.flags.{name} tells how an array lies in memory, which may be another at each call; "
            "np.ascontiguousarray(x) needs not to know"
        )

    __getitem__ = __getattr__


class Scalar(StandIn):
    """For a number of NumPy's."""

    __slots__ = ()
    base = None
    shape = property(lambda self: self.node.shape)
    ndim = property(lambda self: self.node.ndim)
    size = property(lambda self: self.node.size)
    dtype = property(lambda self: self.node.dtype)
    nbytes = property(lambda self: self.node.size * self.node.dtype.itemsize)
    itemsize = property(lambda self: self.node.dtype.itemsize)
    flags = property(lambda self: _Flags(self.recorder.refuse))

    def __index__(self) -> int:
        operator.index(self.node.value)  # which raises for what is no int
        return int(self.recorder.decided(int, self))

    __bytes__ = tolist = _refused("the values are asked for of", _VALUE)  # type: ignore[assignment]

    def tobytes(self) -> Any:
        return self._call(np.ndarray.tobytes)  # which may be compared

    def item(self, *args: Any) -> Any:
        if args or self.dtype.kind not in "biu":
            self.recorder.refuse(f".item() of {self.node.described()}; {_VALUE}")
        return self.recorder.decided(bool if self.dtype.kind == "b" else int, self)

    __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul)
    __and__, __rand__ = _binary(np.bitwise_and, operator.and_)
    __or__, __ror__ = _binary(np.bitwise_or, operator.or_)
    __xor__, __rxor__ = _binary(np.bitwise_xor, operator.xor)
    __lshift__, __rlshift__ = _binary(np.left_shift, operator.lshift)
    __rshift__, __rrshift__ = _binary(np.right_shift, operator.rshift)

    def __invert__(self) -> Any:
        return self._call(np.invert)

    def __getitem__(self, index: Any) -> Any:
        return self._call(operator.getitem, index)

    @property
    def T(self) -> Any:  # noqa: N802
        return self._call(np.transpose)

    @property
    def flat(self) -> Any:
        return self.reshape(-1)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        new = shape[0] if len(shape) == 1 else shape
        return self._call(np.reshape, new, **({} if order == "C" else {"order": order}))

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

    def copy(self, order: str = "C") -> Any:
        return self._call(np.array)

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)  # type: ignore[arg-type]

    def conj(self) -> Any:
        return self.conjugate()

    def guard(self, check: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        check(*map(value_of, arrays))
        check(*arrays)  # what it decides is watched


class Traced(Scalar):
    """For an array.

    One that was made by ``np.zeros_like``, ``x.copy()``, … may be written to, as long as nothing
    else shares its memory: it then stands for what it has become.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.node.value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    def __pow__(self, other: Any) -> Any:
        """With the shortcuts that an array's operator takes."""
        if type(other) in (int, float):
            if other == 2 and (type(other) is int or self.dtype.kind in "fc"):
                return self._call(np.square)
            if other == 0.5 and self.dtype.kind in "fc":
                return self._call(np.sqrt)
        return self._power(other)

    @property
    def mT(self) -> Any:  # noqa: N802
        return self._call(np.matrix_transpose)

    def write(self, how: Any, *given: Any) -> None:
        if self.node.function not in (np.full, np.array, put, put_at) or self.recorder.shares(self):
            self.recorder.refuse(
                f"{self.node.described()} is written to in place, and is an argument, or may share "
                "memory with something else; use ag.index_update(x, i, values), or write to a "
                "copy: y = x.copy()"
            )
        self.node = self._call(how, *given).node

    def __setitem__(self, index: Any, value: Any) -> None:
        self.write(put, index, value)

    _place = "works in place, and an array that is written to can't be compiled; write x = x + …"
    __iadd__ = _refused("x += …", _place)
    __isub__ = _refused("x -= …", _place)
    __imul__ = _refused("x *= …", _place)
    __itruediv__ = _refused("x /= …", _place)
    __ifloordiv__ = __imod__ = __ior__ = __iand__ = __ixor__ = _refused("x ∘= …", _place)
    __imatmul__ = _refused("x @= …", _place)
    __ipow__ = _refused("x **= …", _place)
    sort = _refused("x.sort()", "works in place; use np.sort")
    fill = _refused("x.fill()", "works in place; use np.full_like")
    put = _refused("x.put()", "works in place; use ag.index_update")
    partition = _refused("x.partition()", "works in place; use np.partition")
    resize = _refused("x.resize()", "works in place; use np.resize")


def _method(function: Any) -> Callable[..., Any]:
    """A method of ndarray, which is the function of that name."""

    def method(self: StandIn, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


_METHODS = (
    "all any argmax argmin argpartition argsort choose clip cumprod cumsum diagonal max mean min "
    "nonzero prod ptp repeat round searchsorted squeeze std sum swapaxes take trace var"
)
for _name in _METHODS.split():
    setattr(Scalar, _name, _method(getattr(np, _name)))


def _compress(self: Any, condition: Any, *args: Any, **kwargs: Any) -> Any:
    return np.compress(condition, self, *args, **kwargs)


Scalar.compress = _compress  # type: ignore[attr-defined]
STAND_INS.update((StandIn, Scalar, Traced))


def stand_in(recorder: Recorder, node: Node) -> Any:
    if isinstance(node.value, np.ndarray):
        return Traced(recorder, node)
    return (Scalar if isinstance(node.value, np.generic) else StandIn)(recorder, node)
