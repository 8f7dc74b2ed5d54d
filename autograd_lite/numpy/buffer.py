"""A buffer: a variable that holds an array, and from the first Tensor put into it on a Tensor.

``b[i] = t`` lets it hold what `index_update` gives, so that what was computed before stays, and so
do the graphs of it. What shares memory with an array that it holds would in NumPy be a view: it is
a buffer, too, that sees what the first one holds, whenever it is read, and writes into it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..arrays import HOLDERS, content
from ..containers import is_container, leaves, rebuilt, settled
from ..engine.tensor import Tensor
from ..numpy_api.indexing import index_add, index_update
from ..numpy_api.joining import array as joined
from ..ops.indexing import _is_basic


def plain(x: Any) -> Any:
    """What a buffer holds, also in containers; a list that holds Tensors is one Tensor."""
    if not is_container(x):
        return content(x)
    x = settled(x)
    return joined(x) if type(x) is list and Tensor in map(type, leaves(x)) else x


def _memory(x: Any) -> Any:
    return x._array if type(x) is Tensor else x


class Buffer:
    """A variable that is used as an array, and filled.

    Args:
        value: an array that nobody else has, or a Tensor; None for a view.
        of: of a view, the buffer that it shows a part of,
        view: and the function that gives that part of what the buffer holds.
    """

    __slots__ = ("_cell", "_index", "_of", "_view")
    __array_priority__ = 2000.0  # above a Tensor's
    __hash__ = None  # type: ignore[assignment]  # as an array

    def __init__(
        self, value: Any, of: Buffer | None = None, view: Callable[[Any], Any] | None = None
    ) -> None:
        self._of, self._view, self._index = of, view, None
        self._cell: list[Any] = [value] if of is None else of._cell

    def _seen(self, value: Any) -> Any:
        """What it shows of the value of the whole."""
        return value if self._of is None else self._view(self._of._seen(value))  # type: ignore[misc]

    def content(self) -> Any:
        """The array or Tensor."""
        return self._seen(self._cell[0])

    def _part(self, f: Callable[[Any], Any]) -> Any:
        """``f`` of what it holds."""
        now = self.content()
        return self.views(f(now), now, f)

    def views(self, found: Any, now: Any, f: Callable[[Any], Any]) -> Any:
        """``found = f(now)``, with what shares memory with ``now`` as buffers."""
        if is_container(found):
            each = enumerate(leaves(found))
            parts = (self.views(x, now, partial(lambda i, v: leaves(f(v))[i], i)) for i, x in each)
            return rebuilt(found, parts)
        both = _memory(found), _memory(now)
        shared = {*map(type, both)} == {np.ndarray} and np.may_share_memory(*both)
        return Buffer(None, self, f) if shared and found.ndim else found

    def __getitem__(self, index: Any) -> Any:
        index = plain(index)
        part = self._part(lambda value: value[index])
        if type(part) is Buffer:
            part._index = index
        return part

    def __setitem__(self, index: Any, value: Any) -> None:
        index = plain(index)
        own = type(value) is Buffer and value._of is self and _is_basic(index)
        if own and value._index == index:  # b[index] += …, which has written into that view
            return
        value, now, whole = plain(value), self.content(), self._cell[0]
        if now.dtype != whole.dtype:
            raise TypeError(
                f"a part of {whole.dtype} seen as {now.dtype} can't be filled; give both parts of "
                "complex numbers: b[...] = x + 1j * y"
            )
        place = index
        if self._of is not None:
            if Tensor not in (type(value), type(now)) and np.may_share_memory(now, whole):
                now[index] = value
                return
            numbers = self._seen(np.arange(whole.size).reshape(whole.shape))
            if not numbers.flags.writeable:
                raise ValueError("assignment destination is read-only")
            place = np.unravel_index(numbers[index], whole.shape)
        if Tensor in (type(value), type(whole)):
            self._cell[0] = index_update(whole, place, value)
        else:
            whole[place] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols by which its memory would be read
            raise AttributeError(f"a Buffer has no {name}")
        found = getattr(self.content(), name)
        if not callable(found):
            return self._part(operator.attrgetter(name))

        def method(*args: Any, **kwargs: Any) -> Any:
            given = plain(args), plain(kwargs)
            return self._part(lambda value: getattr(value, name)(*given[0], **given[1]))

        return method

    @property
    def flat(self) -> Buffer:
        return Buffer(None, self, lambda value: value.reshape(-1))

    def copy(self, order: Any = "C") -> Buffer:
        return Buffer(self.content().copy())

    def flatten(self, order: Any = "C") -> Buffer:
        return Buffer(self.content().flatten(order))

    def __deepcopy__(self, memo: Any) -> Buffer:
        return self.copy()

    __copy__ = copy

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return repr(self.content())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.content(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets, where = kwargs.pop("out", None), kwargs.get("where", True)
        if method == "at" and type(self) is type(inputs[0]) and ufunc in (np.add, np.subtract):
            target, index, values = map(content, inputs)
            inputs[0][...] = index_add(target, index, values if ufunc is np.add else -values)
            return None
        given = [*map(content, inputs)]
        if targets is None:
            return getattr(ufunc, method)(*given, **kwargs)
        if where is not True:  # elsewhere it may have no value, or no derivative
            del kwargs["where"]
            given = [np.where(where, x, 1.0) for x in given]
        found = getattr(ufunc, method)(*given, **kwargs)
        for target, new in zip(targets, found if ufunc.nout > 1 else (found,), strict=True):
            target[...] = new if where is True else np.where(where, new, content(target))
        return targets if ufunc.nout > 1 else targets[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        target, given = kwargs.pop("out", None), settled(list(args))
        kwargs = settled(kwargs)
        found = function(*given, **kwargs)
        if target is not None:
            target[...] = found
            return target
        for i, x in enumerate(args):
            if type(x) is Buffer:
                again = partial(_with, function, given, kwargs, i)
                found = x.views(found, given[i], again)
        return found


def _with(function: Any, args: list[Any], kwargs: dict[str, Any], i: int, value: Any) -> Any:
    return function(*args[:i], value, *args[i + 1 :], **kwargs)


def _of_held(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *others: f(self.content(), *map(plain, others))


def _reflected(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: f(plain(other), self.content())


def _in_place(f: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Buffer, other: Any) -> Buffer:
        self[...] = f(self.content(), plain(other))
        return self

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _f = getattr(operator, _name)
    for _prefix, _made in ("", _of_held), ("r", _reflected), ("i", _in_place):
        setattr(Buffer, f"__{_prefix}{_name}__", _made(_f))
for _name in ("neg", "pos", "abs", "invert", "index", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Buffer, f"__{_name}__", _of_held(getattr(operator, _name)))
for _kind in (bool, int, float, complex, len, round, divmod, format):
    setattr(Buffer, f"__{_kind.__name__}__", _of_held(_kind))
HOLDERS.add(Buffer)
