"""Stand-ins: what takes an array's place, or a number's, while a program is recorded.

A stand-in has a value, and so a type, a shape and a dtype that code may ask for; it says that it is
of the type of what it stands for, and has what that has. Where code asks for an int or a truth, as
in ``if x > 0``, it is told that of the value, and the program watches that it stays so. More can't
be had of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import HOLDERS, STAND_INS, array_of
from ..containers import leaves
from ..engine.tensor import Tensor
from ..numpy_code import numpy_name
from ..numpy_protocol import IN_PLACE, call_function
from ..ops.indexing import _is_basic
from ..table import NUMPY
from .graph import OPERATORS, Constant, Guard, Node, after, converted, mapped, values
from .memory import shares_memory

if TYPE_CHECKING:
    from .recorder import Recorder

# What is known of an array without its values: asked for while recording, and not recorded.
_KNOWN: set[Any] = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast,
    np.common_type, np.may_share_memory, np.shares_memory, "nbytes", "itemsize",
}  # fmt: skip
# They make arrays, of what.
_FILLED: dict[Any, Any] = {np.zeros_like: 0, np.ones_like: 1, np.empty_like: 0, np.full_like: None}
_NUMBERS = (bool, int, float, complex, bytes)
_VALUE = "the value isn't known beforehand; leave it an array, or compile the parts"
_OURS = "of autograd_lite.numpy"
_PLACE = "it works in place; use NumPy's function of that name, np.full_like or ag.index_update"


def value_of(x: Any) -> Any:
    return x.node.value if type(x) is Traced else x.value if isinstance(x, Node) else x


class Traced:
    """What stands for an array or a number.

    An array that was computed may be written to: this then stands for what it has become, and so
    do views of it that an index gave, when they are used again; what else may share its memory is
    refused then.

    Attributes:
        of: those in whose memory it may lie, each with what it stood for.
        index: of a view that an index gave, that, in a tuple.
    """

    __slots__ = ("_node", "index", "of", "recorder")

    def __init__(self, recorder: Recorder, node: Node) -> None:
        self.recorder, self._node = recorder, node
        self.of: list[tuple[Traced, Node]] = []
        self.index: tuple[Any, ...] = ()

    __class__ = property(lambda self: type(self._node.value))
    is_constant = property(lambda self: type(self._node) is Constant)

    @property
    def node(self) -> Node:
        """What it stands for now."""
        for x, was in self.of:
            if x.node is not was:
                if not self.index:
                    self._refuse_writing()
                self.of = [(x, x.node)]
                self._node = x.call(operator.getitem, *self.index).node
        return self._node

    def shows(self, x: Any) -> None:
        """Note that it may lie in the memory of ``x``."""
        if type(x) is Traced:
            self.of.append((x, x.node))

    def roots(self) -> list[Node]:
        """What it, or what it may be a view of, was computed as."""
        return [y for x, _ in self.of for y in x.roots()] or [self._node]

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.call(function, (self, *args), kwargs)

    def refuse(self, what: str, remedy: str = _VALUE) -> NoReturn:
        self.recorder.refuse(f"{what} {self._node.described()}; {remedy}")

    def __getattr__(self, name: str) -> Any:
        """What an object of its type has: of an array, NumPy's functions of these names, mostly."""
        value = self.node.value
        if not hasattr(value, name) or name[:2] == "__":
            raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")
        if name in _KNOWN:
            return getattr(value, name)
        if name in _PROPERTIES:
            return _PROPERTIES[name](self)
        if name in _METHODS or (hasattr(np, name) and name not in _IN_PLACE):
            return partial(_METHODS.get(name) or getattr(np, name), self)
        return self.refuse(f"x.{name} of", _PLACE if name in _IN_PLACE else _VALUE)

    # ------------------------------------------------------------------ NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not (HOLDERS | {Tensor}).isdisjoint(map(type, (*inputs, *kwargs.get("out", ())))):
            return NotImplemented
        at = method == "at" and type(inputs[0]) is not Traced
        outs = kwargs.pop("out", ())
        if at or {*map(type, outs)} - {Traced} or len(outs) > 1:
            self.recorder.refuse(f"np.{ufunc.__name__} works in place; use no out=, ag.index_add")
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            return inputs[0].become(inputs[0].call(after, function, *inputs[1:]))
        if outs and (where := kwargs.pop("where", True)) is not True:  # and nowhere else
            found = function(*(np.where(where, x, 1) for x in inputs), **kwargs)
            return outs[0].filled(np.where(where, found, outs[0]))
        found = self.recorder.call(function, inputs, kwargs)
        return outs[0].filled(found) if outs else found

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not (HOLDERS | {Tensor}).isdisjoint(types):
            return NotImplemented
        if func in _FILLED:
            made = func(*mapped(args, value_of), **mapped(kwargs, value_of))
            fill = kwargs.get("fill_value", args[-1]) if func is np.full_like else _FILLED[func]
            return self.recorder.call(np.full, (made.shape, fill, made.dtype), {})
        if func in (np.may_share_memory, np.shares_memory) and all(
            x.function is None for y in args if type(y) is Traced for x in y.roots()
        ):  # fmt: skip
            self.refuse(f"{numpy_name(func)} of", "it tells how arguments lie in memory")
        if func in _KNOWN:
            return func(*mapped(args, value_of), **mapped(kwargs, value_of))
        own = [x for x in leaves([args, kwargs]) if type(x) is not Traced and callable(x)]
        own = [x for x in own if not isinstance(x, (type, np.ufunc))]  # it calls them on values
        if type(out := kwargs.get("out")) is Traced:
            return out.filled(func(*args, **{k: x for k, x in kwargs.items() if k != "out"}))
        if func in IN_PLACE and type(args[0]) is Traced:
            return args[0].become(args[0].call(after, func, *args[1:], **kwargs))
        if own and func not in NUMPY:
            said = f"calls {own[0].__name__} on values; call that on the whole array"
            self.recorder.refuse(f"{numpy_name(func)} {said}")
        if own:
            return mapped(call_function(func, types, args, kwargs), array_of)
        return self.recorder.call(func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Of integers, such as an array's index, the values, which are to stay so."""
        if self.node.dtype.kind in "biu":
            value = np.array(self.node.value)
            if np.array_equal(self, value):  # what it decides is watched
                return value
        return self.refuse("NumPy is given the values of", "use np.stack, or the array as it is, "
                           f"for np.array and np.asarray, or those {_OURS}")  # fmt: skip

    # ------------------------------------------------------------------ what is asked of values

    def __bool__(self) -> bool:
        return bool(self.recorder.decided(bool, self))

    def __int__(self, kind: Any = int) -> Any:
        if np.asarray(self.node.value).dtype.kind not in "biu":
            self.refuse(f"{kind.__name__}() of", f"{_VALUE}; to fill an array, take one {_OURS}")
        return kind(self.recorder.decided(int, self))

    def __float__(self) -> float:
        return self.__int__(float)  # type: ignore[no-any-return]

    def __index__(self) -> int:
        operator.index(self.node.value)  # which raises for what is no int
        return int(self)

    def __len__(self) -> int:
        return len(self.node.value)

    def __iter__(self) -> Any:
        iter(self.node.value)
        return (self[i] for i in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool(np.any(self == x))

    def __text(self, spec: str = "") -> str:
        """For an error that the function raises, which it will raise itself then."""
        self.recorder.made_text(self.node)
        return "…"

    __str__ = __repr__ = __format__ = __text

    def __copy__(self, memo: Any = None) -> Any:
        fixed = self.is_constant or not isinstance(self.node.value, np.ndarray)
        return self if fixed else self.call(np.array)

    __deepcopy__ = __copy__

    def __pos__(self) -> Any:
        return self if type(self.node.value) in _NUMBERS else self.call(np.positive)

    # ------------------------------------------------------------------ operators

    def __getitem__(self, index: Any) -> Any:
        found = self.call(operator.getitem, index)
        if shares_memory(found.node) and _is_basic(values(found.node.args[1])):
            found.index = (found.node.args[1],)
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) is Traced and value.index and value.of[0][0] is self and (
            _is_basic(index) and mapped(index, value_of) == values(*value.index)
        ):  # fmt: skip
            return  # x[index] += …, which has written into that view
        self.become(self.call(after, operator.setitem, index, value))

    def become(self, new: Traced) -> None:
        """Stand for what it was made into, in place."""
        if self.index:
            self.of[0][0][self.index[0]] = new
        elif self.of or self._node.function is None or not isinstance(self, np.ndarray):
            self._refuse_writing()
        else:
            self._node = new.node

    def _refuse_writing(self) -> NoReturn:
        self.refuse("in place something is written to", "it is an argument, or may share "
                    "memory; use ag.index_update, or a copy: y = x.copy()")  # fmt: skip

    def filled(self, new: Any) -> Traced:
        """This, with all of its entries as computed."""
        if type(new) is not Traced or new.shape != self.shape or (
            not np.can_cast(new.dtype, self.dtype, "same_kind")
        ):  # fmt: skip
            self.refuse("x ∘= … of", f"{_PLACE}; x = x ∘ …")
        self.become(_astype(new, self.dtype, copy=False))
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        """With the shortcuts that an array's operator takes."""
        kinds = {int: "biufc", float: "fc"}.get(type(other), "")
        if isinstance(self.node.value, np.ndarray) and self.dtype.kind in kinds:
            return {2: np.square, 0.5: np.sqrt}.get(other, lambda x: x.__power(other))(self)
        return self.__power(other)

    def __neg__(self) -> Any:
        return self.call(operator.neg if type(self.node.value) in _NUMBERS else np.negative)

    def __abs__(self) -> Any:
        return self.call(abs if type(self.node.value) in _NUMBERS else np.absolute)

    def __invert__(self) -> Any:
        return self.call(np.invert)

    # ------------------------------------------------------------------ what the engine asks for

    @property
    def base(self) -> None:
        if type(self.node) is Node and self.node.function is None:
            self.refuse("x.base of", "it tells how an array lies in memory")

    def lies_in(self, x: Traced) -> bool:
        """Whether it may lie in that one's memory."""
        return np.may_share_memory(self.node.value, x.node.value)

    def constant(self, x: Any) -> Any:
        """A constant that stands beside this."""
        return self.recorder.lifted(x)

    def own(self, dtype: Any = None) -> Any:
        """``np.array(x)``: a number becomes an array, too."""
        if self.node.is_scalar:
            return self.call(np.asarray, *([] if dtype is None else [np.dtype(dtype)]))
        return self.__copy__() if dtype is None else self.astype(dtype)

    def guard(self, check: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        check(*map(value_of, arrays))
        nodes = self.recorder.nodes
        start = len(nodes)
        check(*arrays)  # what it decides is watched
        for node in nodes[start:]:
            if type(node) is Guard:
                node.name = "check"  # none that a loop asks


def _operator(ufunc: np.ufunc, of_numbers: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def combined(x: Any, y: Any) -> Any:
        """Numbers of Python stay such, and widen no dtype; texts are no numbers."""
        if isinstance(x, str) or isinstance(y, str):
            return of_numbers(value_of(x), value_of(y))
        if getattr(type(y), "__array_ufunc__", y) is None:
            return NotImplemented
        if type(value_of(x)) in _NUMBERS and type(value_of(y)) in _NUMBERS:
            recorder = x.recorder if type(x) is Traced else y.recorder
            return recorder.call(of_numbers, (x, y), {})
        return ufunc(x, y)

    return combined


def _in_place(combined: Callable[..., Any]) -> Callable[..., Any]:
    def augmented(x: Any, y: Any) -> Any:
        """A number becomes another one; of an array, all entries do."""
        new = combined(x, y)
        return new if x.node.is_scalar else x.filled(new)

    return augmented


for _name in ("shape", "ndim", "size", "dtype"):  # asked for often
    setattr(Traced, _name, property(attrgetter(f"_node.value.{_name}")))
for _name, (_, _ufunc) in OPERATORS.items():
    _both = _operator(_ufunc, getattr(operator, f"__{_name}__"))
    setattr(Traced, "_Traced__power" if _name == "pow" else f"__{_name}__", _both)
    setattr(Traced, f"__r{_name}__", lambda y, x, both=_both: both(x, y))
    setattr(Traced, f"__i{_name}__", _in_place(_both))
for _name in ("complex", "round", "trunc", "floor", "ceil", "hash", "bytes", "reduce"):
    setattr(Traced, f"__{_name}__", lambda x, *_, name=_name: x.refuse(f"{name}() of"))
del Traced.__ieq__, Traced.__ine__  # type: ignore[attr-defined]


def _item(x: Any, *args: Any) -> Any:
    if args or x.dtype.kind not in "biu":
        x.refuse(".item() of")
    return x.recorder.decided(bool if x.dtype.kind == "b" else int, x)


def _reshape(x: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    new = shape[0] if len(shape) == 1 else shape
    if order == "K":
        return x.call(np.ravel, "K")
    return x.call(np.reshape, new, **({} if order == "C" else {"order": order}))


def _transpose(x: Any, *axes: Any) -> Any:
    given = axes[0] if len(axes) == 1 else axes or None
    return x.call(np.transpose) if given is None else x.call(np.transpose, given)


def _astype(x: Any, dtype: Any, copy: bool = True, **settings: Any) -> Any:
    if np.dtype(dtype) == x.dtype and not x.node.is_scalar:
        return x.__copy__() if copy else x
    return x.call(converted, np.dtype(dtype))


def _conjugate(x: Any) -> Any:
    """That of numbers is itself where they are real; of booleans, as they are."""
    how = complex.conjugate if type(x.node.value) is complex else np.conjugate
    return x.call(how) if np.iscomplexobj(x.node.value) else x


_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "T": lambda x: x.call(np.transpose),
    "mT": lambda x: x.call(np.matrix_transpose),
    "real": lambda x: x.call(np.real) if np.iscomplexobj(x.node.value) else x,
    "imag": lambda x: x.call(np.imag),
    "flat": lambda x: _reshape(x, -1),
}
_METHODS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "transpose": _transpose, "astype": _astype, "item": _item,
    "conj": _conjugate, "conjugate": _conjugate,
    **dict.fromkeys(("ravel", "flatten"), lambda x, order="C": _reshape(x, -1, order=order)),
    "copy": lambda x, order="C": x if x.node.is_scalar else x.call(np.array),
    "compress": lambda x, condition, *args, **kwargs: np.compress(condition, x, *args, **kwargs),
    "tobytes": lambda x: x.call(np.ndarray.tobytes),  # which may be compared
    "sort": lambda x, *args, **kwargs: x.become(np.sort(x, *args, **kwargs)),
    "partition": lambda x, *args, **kwargs: x.become(np.partition(x, *args, **kwargs)),
    "fill": lambda x, value: x.__setitem__(..., value),
}  # fmt: skip
_IN_PLACE = {"resize", "setfield", "setflags", "byteswap"}
STAND_INS.add(Traced)
