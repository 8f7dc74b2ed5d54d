"""What a Tensor may hold: an array of NumPy or of another library, or what stands in for one.

The engine and its rules are NumPy code. Arrays of other libraries that speak NumPy's protocols
(NEP 13 and 18: Dask's, CuPy's, sparse ones) are computed with by the same code, stay what they are,
and are asked for numbers only by name. Given stand-ins, which the protocols let in, too, it says
what it asks NumPy for. Here is what the code needs to know of them, and no more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any

import numpy as np

from .engine.later import later
from .engine.tensor import FOREIGN, Tensor, is_tracked

STAND_INS: set[type] = set()
"""Types of what may take an array's place; each has the attributes and methods of one."""


@cache
def _is_foreign(kind: type) -> bool:
    speaks = hasattr(kind, "__array_function__") and kind not in STAND_INS
    if not speaks or issubclass(kind, (np.ndarray, Tensor)):
        return False
    FOREIGN.add(kind)
    return True


def array_of(x: Any) -> Any:
    """The array of a Tensor; of anything else, itself."""
    return x._array if type(x) is Tensor else x


def is_foreign(x: Any) -> bool:
    """Whether it is an array of another library that speaks NumPy's protocols."""
    kind: Any = type(x)
    return _is_foreign(kind)


def is_at_hand(x: Any) -> bool:
    """Whether code may decide by the values."""
    return type(x) not in STAND_INS and not is_foreign(x)


def is_known(x: Any) -> bool:
    """Whether its values are the same whatever is computed: also those of a stand-in may be."""
    return x.is_constant if type(x) in STAND_INS else not is_foreign(x)


def as_array(x: Any) -> Any:
    """``np.asarray``, but for a stand-in and an array of another library, which stay."""
    return x if type(x) in STAND_INS or is_foreign(x) else np.asarray(x)


def own(arrays: list[Any], inputs: Sequence[Any]) -> None:
    """Copies of constant arrays, which their owners may change later."""
    for i, x in enumerate(inputs):
        if type(x) is not Tensor and (type(arrays[i]) is np.ndarray or is_foreign(arrays[i])):
            arrays[i] = arrays[i].copy()


_lock = RLock()


@contextmanager
def staying() -> Iterator[None]:
    """Within it what another library lacks raises, where it would convert its array with a warning.
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            yield
        except FutureWarning as warning:
            raise TypeError(
                f"{warning} Nothing is loaded unasked: give the numbers, as t.numpy() has them"
            ) from None


def elsewhere(
    forward: Any, inputs: Sequence[Any], arrays: list[Any], params: dict[str, Any]
) -> Any:
    """The value of ``forward(*arrays, **params)``, where some of them may be another library's.

    Constant ones of NumPy are put into that library where it doesn't take them as they are.
    """
    with staying():
        try:
            return forward(*arrays, **params)
        except TypeError as error:
            moved = [beside(x, arrays) if type(x) in (np.ndarray, list) and not is_tracked(y)
                     else x for x, y in zip(arrays, inputs, strict=True)]  # fmt: skip
            if all(x is y for x, y in zip(arrays, moved, strict=True)):
                if np.ndarray in map(type, arrays):  # that of a Tensor with a gradient
                    said = f"{error}. A parameter of NumPy's is moved by"
                    raise TypeError(f"{said} t.data = lib.asarray(t.data)") from error
                raise
            arrays[:] = moved
            return forward(*arrays, **params)


def of_values(function: Any, *arrays: Any, **settings: Any) -> Any:
    """A function of NumPy that is called on the operands' values."""
    if FOREIGN and not FOREIGN.isdisjoint(map(type, arrays)):
        return elsewhere(function, arrays, list(arrays), settings)
    return function(*arrays, **settings)


def perhaps(mask: Any) -> bool:
    """Whether a mask holds anywhere; it may, where its values aren't at hand."""
    return is_foreign(mask) or bool(mask.any())


later.as_array, later.own, later.elsewhere = as_array, own, elsewhere


def to_numpy(*arrays: Any) -> list[Any]:
    """Other libraries' arrays as NumPy's, asked for by name; those of Dask are computed together.

    What is no such array stays what it is.
    """
    found = arrays
    if any(is_foreign(x) and hasattr(x, "dask") for x in arrays):
        import dask.base

        found = dask.base.compute(*arrays, traverse=False)
    return [_loaded(y) if is_foreign(x) else x for x, y in zip(arrays, found, strict=True)]


def _loaded(x: Any) -> Any:
    for way in ("get", "todense"):  # CuPy, sparse
        if hasattr(x, way):
            return np.asarray(getattr(x, way)())
    return np.asarray(x)

HOLDERS: set[type] = set()
"""Types of variables that hold an array or a Tensor, which they give as ``content()``."""


def content(x: Any) -> Any:
    """What a variable of `HOLDERS` holds; anything else as it is."""
    return x.content() if type(x) in HOLDERS else x


def own_array(x: Any, dtype: Any = None, where: str = "") -> Any:
    """``np.array``: a copy that nobody else can change; ``where`` is for errors, as in `given`."""
    if type(x) is np.ndarray and dtype is None:
        return x.copy("K")
    if type(x) in STAND_INS:
        return x.own(dtype)
    if is_foreign(x):
        return x.copy() if dtype is None else x.astype(dtype)
    refuse_kinds(x, where)
    return np.array(x, dtype=dtype)


def of_known_size(x: Any) -> Any:
    """What a mask chose; refused where its shape isn't known."""
    if is_foreign(x) and x.size != x.size:  # nan
        said = "how many entries a mask chooses isn't known before they are computed"
        raise IndexError(f"{said}, and so no shape; write np.where(mask, t, 0)")
    return x


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros of the dtype and kind of ``like``; those of NumPy and stand-ins may be written into."""
    like = array_of(like)
    if type(like) is np.ndarray or is_at_hand(like):
        return np.zeros(shape, like.dtype)
    return np.zeros_like(like, shape=shape)


def beside(x: Any, others: Iterable[Any]) -> Any:
    """A constant, as what stands for one, or in the library, of one of the others; as it is, else.
    """
    for other in others:
        other = array_of(other)
        if type(other) in STAND_INS:
            return other.constant(x)
        if is_foreign(other):
            return x if type(x) is Tensor or is_foreign(x) else np.asarray(x, like=other)
    return x


def given(x: Any, where: str = "") -> Any:
    """`as_array` of what a user gives to ``where``, which is to be an array as it looks."""
    refuse_kinds(x, where)
    return as_array(x)


def refuse_kinds(x: Any, where: str) -> None:
    """Raise for masked arrays and matrices, whose own meaning of an operation would be lost.

    And for lists of other libraries' arrays, which NumPy would load.
    """
    for kind in {*map(type, x)} if type(x) in (list, tuple) else (type(x),):
        if type(x) in (list, tuple) and _is_foreign(kind):
            said = f"{where}{': ' if where else ''}a {type(x).__name__} of {kind.__module__} arrays"
            raise TypeError(f"{said} isn't taken: NumPy would load them; give ag.array(xs)")
        if issubclass(kind, (np.ma.MaskedArray, np.matrix)):
            masked = issubclass(kind, np.ma.MaskedArray)
            raise TypeError(
                f"{where}{': ' if where else ''}a {kind.__name__} isn't taken: its "
                f"{'mask' if masked else 'matrix product'} would be ignored; give np.asarray(x)"
                + (", and ag.where(mask, 0, t) for the mask" if masked else "")
            )


def numbers_for(x: Any, constants: Any) -> Any:
    """Constants without axes, beside another library's array (or a Tensor of it) as floats."""
    return map(float, constants) if is_foreign(array_of(x)) else constants


def guard(check: Callable[..., Any], *arrays: Any) -> None:
    """Call ``check``, which raises where the values of the arrays make no sense.

    A test of values can't be read off the graph, so a program that is written down has to be told
    that it belongs to it. Of Tensors nothing is tested: they may stand for other values, too; and
    nothing of other libraries' arrays, whose values aren't at hand.
    """
    for x in arrays:
        if type(x) in STAND_INS:
            x.guard(check, arrays)
            return
        if type(x) is Tensor:
            return
    if not (FOREIGN and any(map(is_foreign, arrays))):
        check(*arrays)


def refuse(bad: Callable[..., Any], error: type[Exception], text: str, *arrays: Any) -> None:
    """`guard` against values of which something is true anywhere; the text may have them in it."""

    def check(*values: Any) -> None:
        if np.any(bad(*values)):
            raise error(text.format(*values))

    guard(check, *arrays)
