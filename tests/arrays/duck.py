"""A strict array of another library: it speaks NumPy's protocols and is nothing else.

As CuPy's, it takes part in plain calls of ufuncs alone (no reduce, accumulate, at), isn't mixed
with arrays of NumPy, and raises where it would be converted; it has none of what ndarray keeps to
itself (flags, base, strides, tobytes, mT). What would ask for its numbers is counted.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.containers import leaves

SYNCS: Counter[str] = Counter()
"""How often numbers were asked for, and by what."""

# Of these the settings (not the array) may be NumPy's, as in CuPy.
_HOST_SETTINGS = {np.take, np.take_along_axis, np.repeat, np.delete}


def _inner(x: Any) -> Any:
    """The arrays within, also in containers."""
    if isinstance(x, Duck):
        return x._inner
    if isinstance(x, dict):
        return {key: _inner(item) for key, item in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(_inner, x))
    return type(x)(map(_inner, x)) if isinstance(x, (tuple, list)) else x


def _outer(x: Any) -> Any:
    """What NumPy gave, of ducks."""
    if isinstance(x, (np.ndarray, np.generic)):
        return Duck(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(_outer, x))
    return type(x)(map(_outer, x)) if isinstance(x, (tuple, list)) else x


def _refuse_mixed(what: str, given: Any) -> None:
    for x in leaves(given):
        if isinstance(x, np.ndarray):
            raise TypeError(f"{what} of a Duck and a NumPy array of shape {x.shape}")


class Duck:
    __slots__ = ("__weakref__", "_inner")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: Any) -> None:
        self._inner = np.array(array)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a Duck isn't converted to a NumPy array; use x.get()")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kinds = (Duck, np.ndarray, np.generic, int, float, complex)
        known = all(isinstance(x, kinds) for x in inputs)
        if method != "__call__" or not known or kwargs.get("out") is not None:
            return NotImplemented
        _refuse_mixed(f"np.{ufunc.__name__}", inputs)
        return _outer(ufunc(*map(_inner, inputs), **_inner(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, (Duck, np.ndarray)) for kind in types):
            return NotImplemented
        if function is not np.asarray:  # with like=, the way in
            given = args[:1] if function in _HOST_SETTINGS else [args, kwargs]
            _refuse_mixed(f"np.{function.__name__}", given)
        return _outer(function(*_inner(args), **_inner(kwargs)))

    def __getitem__(self, index: Any) -> Any:
        return Duck(self._inner[_inner(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse_mixed("assignment", [value])
        self._inner[_inner(index)] = _inner(value)

    def __len__(self) -> int:
        return len(self._inner)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Duck{self.shape}"

    def __deepcopy__(self, memo: Any) -> Any:
        return Duck(self._inner)

    def __reduce__(self) -> Any:
        return Duck, (self._inner,)

    def get(self) -> Any:
        """The one way out, by name."""
        SYNCS["get"] += 1
        return self._inner.copy()


def _sync(name: str) -> Callable[..., Any]:
    def asked(self: Any, *args: Any) -> Any:
        SYNCS[name] += 1
        return getattr(self._inner, name)(*args)

    return asked


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_mixed(f"x.{name}", [args, kwargs])
        return _outer(getattr(self._inner, name)(*_inner(args), **_inner(kwargs)))

    return method


_OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "matmul": np.matmul, "mod": np.remainder, "floordiv": np.floor_divide, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
_COMPARISONS = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
    "ne": np.not_equal,
}  # fmt: skip
_SIGNS = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
for _name, _ufunc in (_OPERATORS | _COMPARISONS).items():

    def _binary(self: Any, other: Any, ufunc: Any = _ufunc) -> Any:
        alone = getattr(type(other), "__array_ufunc__", True) is None
        return NotImplemented if alone else ufunc(self, other)

    setattr(Duck, f"__{_name}__", _binary)
    if _name in _OPERATORS:
        setattr(Duck, f"__r{_name}__", lambda self, other, ufunc=_ufunc: ufunc(other, self))
for _name, _ufunc in _SIGNS.items():
    setattr(Duck, f"__{_name}__", lambda self, ufunc=_ufunc: ufunc(self))
for _name in ("__bool__", "__float__", "__int__", "__complex__", "__index__", "item", "tolist"):
    setattr(Duck, _name, _sync(_name))
_METHODS = """
    all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot flatten max mean
    min prod ravel repeat reshape round squeeze std sum swapaxes take trace transpose var
"""
for _name in _METHODS.split():
    setattr(Duck, _name, _method(_name))
for _name in ("shape", "ndim", "size", "dtype", "nbytes", "itemsize", "T", "real", "imag"):
    _get = operator.attrgetter(f"_inner.{_name}")
    setattr(Duck, _name, property(lambda self, get=_get: _outer(get(self))))
