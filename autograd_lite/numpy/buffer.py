"""Buffers: variables that hold an array, and from the first Tensor put into them on a Tensor.

``b[i] = t`` lets it hold what `index_update` gives, so that what was computed before stays, and so
do the graphs of it. What shares memory with an array that it holds would in NumPy be a view: it is
a buffer, too, that shows what the first one holds whenever it is read, and writes into it.
"""

from __future__ import annotations

import operator as o
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..arrays import HOLDERS, STAND_INS, array_of, content
from ..containers import is_container, leaves, rebuilt, settled
from ..engine.modes import standing
from ..engine.tensor import Tensor
from ..numpy_api.elementwise import full_like
from ..numpy_api.filling import filling
from ..numpy_api.indexing import index_add, index_update, written
from ..numpy_api.moving import array as joined
from ..numpy_protocol import IN_PLACE
from ..ops import astype, copy
from ..ops.define import ran
from ..ops.indexing import _is_basic
from ..transforms import transforming


def plain(x: Any) -> Any:
    """What a buffer holds; one Tensor for lists that hold Tensors or buffers, or a stand-in."""
    if type(x) not in (list, tuple):
        return content(x)
    x = settled(x)
    kinds = {*map(type, leaves(x))}
    if kinds.isdisjoint(STAND_INS | {Tensor}):
        return x
    found = joined(x)
    return found if Tensor in kinds else array_of(found)


def _shared(x: Any, y: Any) -> bool:
    """Whether two arrays may share memory, as they are."""
    kinds = {type(x), type(y)}
    if kinds <= STAND_INS:
        return bool(x.lies_in(y))
    return kinds == {np.ndarray} and np.may_share_memory(x, y)


class Buffer(NDArrayOperatorsMixin):
    """A variable that is used as an array, and filled.

    Args:
        value: an array that nobody else has, or a Tensor; None for a view.
        of: of a view, the buffer that it shows a part of,
        part: the function that gives that part of what the buffer holds,
        index: and what it was indexed by.
    """

    __slots__ = ("_cell", "_index", "_of", "_part")
    __array_priority__ = 2000.0  # above a Tensor's

    def __init__(self, value: Any, of: Any = None, part: Any = None, index: Any = None) -> None:
        self._of, self._part, self._index = of, part, index
        self._cell: list[Any] = [value] if of is None else of._cell

    def _shown(self, value: Any) -> Any:
        """The part of it that it shows of the value of the whole."""
        return value if self._of is None else self._part(self._of._shown(value))

    def content(self) -> Any:
        """The array or Tensor."""
        return self._shown(self._cell[0])

    def _views(self, found: Any, f: Callable[[Any], Any], index: Any = None) -> Any:
        """``found = f(content)``, with a view for each array in it that shares memory with it."""
        if is_container(found):

            def view(i: int, x: Any) -> Any:
                return self._views(x, lambda value: leaves(f(value))[i])

            return rebuilt(found, map(view, range(len(leaves(found))), leaves(found)))
        shared = _shared(array_of(found), array_of(self.content()))
        return Buffer(None, self, f, index) if shared and found.ndim else found

    def _given(self, f: Callable[[Any], Any], index: Any = None) -> Any:
        """What ``f`` gives of the content, to be filled, too."""
        found = self._views(f(self.content()), f, index)
        is_array = type(found) in (np.ndarray, Tensor) and found.ndim and found.dtype.kind in "fc"
        return Buffer(found) if is_array else found

    def __getitem__(self, index: Any) -> Any:
        index = settled(index)
        return self._given(o.itemgetter(index), index)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        index = settled(index)
        own = type(value) is Buffer and value._of is self and _is_basic(index)
        if own and value._index == index:  # b[index] += …, which has written into that view
            return
        if index is ... and self._index is not None:  # all of what is b[i]
            self._of[self._index] = value
            return
        value, whole = plain(value), self._cell[0]
        if self._of is None and Tensor in (type(value), type(whole)):
            self._cell[0] = index_update(whole, index, value)
        else:
            self._write(lambda x, new: o.setitem(x, index, new), value)

    def _write(self, write: Callable[[Any, Any], object], value: Any) -> None:
        """What ``write(array, value)`` does to an array."""
        value = plain(value)
        if type(value) in STAND_INS and type(self._cell[0]) is np.ndarray:
            for given in standing("made"):  # as of code that is compiled
                self._cell[0] = given(self._cell[0])
        now, whole = self.content(), self._cell[0]
        if now.dtype != whole.dtype:
            raise TypeError(f"a part of {whole.dtype} as {now.dtype} isn't filled; fill the whole")
        if Tensor not in (type(value), type(whole)) and _shared(now, whole):
            write(now, value)
            return
        places = self._shown(np.arange(whole.size).reshape(whole.shape))
        places[...] = places  # raises where a view is for reading only
        self._cell[0] = written(whole, value, write, places)

    def _filled(self, value: Any) -> Buffer:
        self[...] = value
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols by which its memory would be read
            raise AttributeError(f"a Buffer has no {name}")
        found = getattr(self.content(), name)
        if not callable(found):
            return self._views(found, o.attrgetter(name))
        return lambda *args, **kwargs: self._given(
            o.methodcaller(name, *settled(args), **settled(kwargs))
        )

    @property
    def flat(self) -> Buffer:
        return Buffer(None, self, lambda value: value.reshape(-1))

    def flatten(self, order: Any = "C") -> Buffer:
        return Buffer(self.content().flatten(order))

    def fill(self, value: Any) -> None:
        self._filled(value)

    def sort(self, *args: Any, **kwargs: Any) -> None:
        self._filled(np.sort(self.content(), *args, **kwargs))

    def __copy__(self, *memo: Any) -> Buffer:
        return Buffer(self.content().copy())

    __deepcopy__ = __copy__

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.content(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets, where = kwargs.pop("out", ()), kwargs.get("where", True)
        given = [*map(plain, inputs)]
        if method == "at" and ufunc is np.add and inputs[0] is self:
            self._filled(index_add(*given))
            return None
        if targets and where is not True:  # elsewhere it may have no value, or no derivative
            del kwargs["where"]
            given = [np.where(where, x, 1.0) for x in given]
        found = getattr(ufunc, method)(*given, **kwargs)
        for target, new in zip(targets, found if ufunc.nout > 1 else (found,), strict=False):
            target[...] = new if where is True else np.where(where, new, content(target))
        return found if not targets else targets if ufunc.nout > 1 else targets[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        target, given, kwargs = kwargs.pop("out", None), settled([*args]), settled(kwargs)
        if function in IN_PLACE and type(args[0]) is Buffer:
            value = given.pop(at := IN_PLACE[function])
            return args[0]._write(
                lambda x, new: function(x, *given[1:at], new, *given[at:], **kwargs), value
            )
        found = function(*given, **kwargs)
        for i, x in enumerate(args):
            if type(x) is Buffer:

                def again(value: Any, i: int = i) -> Any:
                    return function(*given[:i], value, *given[i + 1 :], **kwargs)

                found = x._views(found, again)
        return found if target is None else target._filled(found)


def _method(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *settings: f(self.content(), *settings)


for _f in (bool, int, float, complex, len, round, format, repr, o.index):
    setattr(Buffer, f"__{_f.__name__}__", _method(_f))
HOLDERS.add(Buffer)


# ---------------------------------------------------------------------- functions

# A list is several arrays of theirs, which NumPy asks, and that may differ in shape.
_OF_SEVERAL = {
    np.block, np.choose, np.column_stack, np.concatenate, np.dstack, np.histogramdd, np.hstack,
    np.lexsort, np.linalg.multi_dot, np.piecewise, np.savez, np.select, np.stack, np.vstack,
}  # fmt: skip


def of_lists(f: Any) -> Any:
    """NumPy's function, of lists that hold Tensors, too: NumPy doesn't ask what is in a list."""
    if type(f) is not type(np.sum) or f in _OF_SEVERAL:
        return f

    @wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return f(*(plain(x) if type(x) in (list, tuple) else x for x in args), **kwargs)

    return function


def _made(make: Any) -> Any:
    """What makes an array as one that is to be filled, within a transform or `filling`."""

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        new = of_lists(make)(*args, **kwargs)
        fillable = transforming.active() or filling.active()
        for given in () if fillable else standing("made"):  # as of code that is compiled
            return given(new)
        return Buffer(new) if fillable and new.dtype.kind in "fc" else new

    return made


def _asarray(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``np.asarray``: a Tensor and a buffer are one, as what they hold."""
    if type(a) is Buffer and dtype in (None, a.dtype):
        return a
    a = plain(a)
    if type(a) in STAND_INS:
        return a if isinstance(a, np.ndarray) and dtype in (None, a.dtype) else a.own(dtype)
    if type(a) is not Tensor:
        return np.asarray(a, dtype, *args, **kwargs)
    return a if dtype is None else astype(a, dtype)


def _array(object: Any, dtype: Any = None, *, ndmin: int = 0, **kwargs: Any) -> Any:
    """``np.array``, also of Tensors, and of lists that hold some."""
    object = plain(object)
    if type(object) not in {Tensor, *STAND_INS}:
        return np.array(object, dtype, ndmin=ndmin, **kwargs)
    if type(object) is Tensor:
        new = copy(object) if filling.active() else object
        new = new if dtype is None else astype(new, dtype)
    else:
        new = object.own(dtype)
    return new[(None,) * (ndmin - new.ndim)] if new.ndim < ndmin else new


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **where: Any) -> Any:
    """``np.full``, also with a Tensor."""
    return full_like(fill_value, fill_value, dtype, order, shape=shape)


_joined = ran(type(np.r_).__getitem__, array=_array)


def _isscalar(element: Any) -> bool:
    """``np.isscalar``: a Tensor without axes is in place of a number, such as ``a[0]``."""
    element = content(element)
    return (type(element) is Tensor and not element.ndim) or np.isscalar(element)


def _stack(arrays: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.stack``, of any iterable."""
    return np.stack([*map(plain, arrays)], *args, **kwargs)


class _Joined:
    """``np.r_`` and ``np.c_``, which can't see a Tensor that they are given."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getitem__(self, parts: Any) -> Any:
        several = parts if type(parts) is tuple else (parts,)
        return _joined(self._own, tuple(map(plain, several)))


OURS: dict[str, Any] = {
    "array": _made(_array), "full": _made(_full), "full_like": _made(full_like),
    "isscalar": _isscalar, "stack": _stack, "r_": _Joined(np.r_), "c_": _Joined(np.c_),
    **dict.fromkeys(("asarray", "asanyarray", "ascontiguousarray", "asfortranarray"), _asarray),
}  # fmt: skip
"""What is used here in place of NumPy's, by name."""

OURS |= {
    name: _made(getattr(np, name)) for name in (
        "zeros", "ones", "empty", "copy", "zeros_like", "ones_like", "empty_like", "eye", "identity"
    )
}  # fmt: skip


def of_name(name: str) -> Any:
    """What stands for NumPy's of that name: always the same object."""
    if name not in OURS:
        OURS[name] = of_lists(getattr(np, name))
    return OURS[name]
