"""What a function reads of its surroundings, so that it is seen when that has changed.

Python's garbage collector knows what each object refers to: attributes, items, cells of closures,
what is bound. So all that a function can reach is walked once, and then asked for again, all
objects in one call, at each call of the compiled function. Arrays are watched by all of their
entries, Tensors, whose values are read anyway, by whether they require a gradient.
"""

from __future__ import annotations

import array
import copyreg
import gc
import random
import sys
import threading
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from operator import attrgetter, is_, itemgetter
from pickle import dumps
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..arrays import STAND_INS, array_of, is_foreign
from ..engine.tensor import Tensor
from .graph import CompileError


class ElsewhereError(CompileError):
    """What runs in another library isn't compiled."""


def _refuse_elsewhere(x: Any, path: str) -> None:
    if is_foreign(array_of(x)):
        raise ElsewhereError(f"compile: {path} is another library's array")


_MOST = 20_000  # objects
_LARGE = 65_536  # entries, from which an array is compared with a copy, and not with its bytes
_TRACKED, _NAME = attrgetter("_tracked"), attrgetter("name")
_OWN = {"autograd_lite", "nn"}
_LIBRARIES = {"numpy", "scipy", *_OWN, *sys.stdlib_module_names}
_HOLDERS = {"builtins", "collections", "functools", "operator", "itertools", "types", "os",
            "weakref", *_OWN}  # fmt: skip
_BY_TEXT = {"globals", "__globals__", "eval", "exec"}  # they may read any global
_VALUES = (str, bytes, int, float, complex, type(None), type(...), np.generic, np.dtype, range)
_UNSET = object()
_BUFFERS = (bytearray, memoryview, array.array)
_ATOMS = (*_VALUES, ModuleType, CodeType, np.ufunc)


class Watch:
    """What can be reached from some objects, as it is now.

    Args:
        roots: where to start, by names for messages.

    Attributes:
        tensors: those that were reached.

    Raises:
        CompileError: it is more than can be watched.
    """

    def __init__(self, roots: dict[str, Any]) -> None:
        self._objects: list[tuple[Any, str]] = []  # and how each is reached
        self._looked_up: list[tuple[itemgetter[Any], dict[str, Any], list[str], str]] = []
        self._arrays: list[Any] = []
        self._dicts: list[dict[Any, Any]] = []  # whose keys are watched
        self._chance: list[Any] = []
        self._of_place: list[Any] = []  # what holds something else in other threads and contexts
        self.tensors: list[Tensor] = []
        self._missing: list[tuple[dict[str, Any], set[str]]] = []  # names that may come to scopes
        self._walk([(x, name) for name, x in roots.items()])
        self._referents = partial(gc.get_referents, *(x for x, _ in self._objects))
        self._asked: list[Any] = [
            *(partial(names, scope) for names, scope, *_ in self._looked_up),
            *(partial(_of_place, x) for x in self._of_place),
            *(partial(iter, x) for x in self._dicts),
        ]
        self._before, self._sizes = self._now(), self._scopes()
        self._flags = self._flagged()
        self._entries = [(a, _entries(a)) for a in self._arrays]

    def holds(self) -> bool:
        """Whether all is as it was."""
        try:
            before, now = self._before, self._now()
        except KeyError:
            return False
        if len(now) != len(before) or self._flagged() != self._flags:
            return False
        if not all(map(is_, now, before)):
            if not all(map(_alike, now, before)):
                return False
            self._before = now
        if self._missing and self._scopes() != self._sizes:
            if not all(names.isdisjoint(scope) for scope, names in self._missing):
                return False
            self._sizes = self._scopes()
        return not self._entries or all(_holds(a, held) for a, held in self._entries)

    def _scopes(self) -> list[int]:
        return [len(scope) for scope, _ in self._missing]

    def _now(self) -> list[Any]:
        found = self._referents()
        for ask in self._asked:
            found += ask()
        return found

    def _flagged(self) -> list[Any]:
        return [*map(_TRACKED, self.tensors), *map(_NAME, self.tensors)]

    def changed(self) -> str:
        """What isn't as it was, in words."""
        before = iter(self._before)
        for x, path in self._objects:
            now = gc.get_referents(x)
            differ = [y for y in now if not _alike(next(before, x), y)]
            if differ:
                inner = x if type(x) is dict else getattr(x, "__dict__", {})
                keys = [k for k, v in inner.items() if v is differ[0]]
                return path + "".join(f".{k}" for k in keys[:1])
        for _, scope, names, path in self._looked_up:
            for name in (*names, names[0]):
                if not _alike(next(before, scope), scope.get(name)):
                    return f"{path}.{name}"
        return "an array's entries, an attribute, or what requires a gradient"

    def effects(self) -> list[Any]:
        """What a call may change besides: stored gradients, and the states of generators that it
        can reach, NumPy's and Python's own among them: others draw from those on their threads.
        """
        return [dumps(self._chance), [id(t._grad) for t in self.tensors]]

    def refuse(self, effects: list[Any], who: str) -> None:
        """Raise where calls had other effects than their results, which ``effects`` were before."""
        now = self.effects()
        if self.holds() and now == effects:
            return
        for tensor in self.tensors:
            if type(tensor._grad) in STAND_INS:
                tensor._grad = None
        changed = self.changed() if now[0] == effects[0] else "a random generator's state"
        raise CompileError(
            f"{who} changes {changed} or stores something outside of itself, a side effect "
            "that isn't repeated: return it. Random numbers would be frozen: pass them as arguments"
        )

    def _walk(self, todo: list[tuple[Any, str]]) -> None:
        seen: dict[int, Any] = {}
        attributes: set[int] = set()
        while todo:
            x, path = todo.pop()
            if type(x) in STAND_INS or isinstance(x, _ATOMS) or id(x) in seen:
                continue
            _refuse_elsewhere(x, path)
            seen[id(x)] = x
            if type(x) is Tensor:
                self.tensors.append(x)
            elif isinstance(x, _BUFFERS):
                self._arrays.append(x)
            elif isinstance(x, np.ndarray):
                self._arrays.append(x)
                todo += [(y, path) for y in x.flat] if x.dtype.hasobject else []
            elif isinstance(x, (np.random.Generator, np.random.RandomState, random.Random)):
                self._chance.append(x)
            elif isinstance(x, (ContextVar, threading.local)):
                self._of_place.append(x)
                todo += [(y, path) for y in _of_place(x)]
            elif hasattr(type(x), "_watched"):
                todo += [(getattr(x, name), path) for name in ("__class__", *x._watched)]
                attributes.add(id(getattr(x, "__dict__", None)))
            elif isinstance(x, FunctionType):
                todo += self._function(x, path)
            elif isinstance(x, weakref.ref):
                todo.append((x(), path))
            elif not _is_closed(x):
                held = getattr(x, "__dict__", None)  # it is made now, if it's made at all
                if isinstance(x, type):
                    copyreg._slotnames(x)  # type: ignore[attr-defined]  # likewise
                if not isinstance(x, tuple) and _root(type(x)) != "autograd_lite":
                    self._objects.append((x, path))
                attributes.add(id(held))
                if type(x) is dict and id(x) not in attributes:
                    self._dicts.append(x)
                inner = x if type(x) is dict else held if type(held) is dict else {}
                todo += [(y, path) for y in gc.get_referents(x)]
                todo += [(y, f"{path}.{name}") for name, y in inner.items()]
            if len(seen) > _MOST:
                raise CompileError(
                    f"compile: the function can reach more than {_MOST} objects, such as {path}: "
                    "too many to see whether they change; pass what it needs as arguments"
                )

    def _look_up(self, scope: dict[str, Any], names: Any, path: str) -> list[tuple[Any, str]]:
        """Watch some names in a scope; what they are."""
        held = sorted(names)
        if held:  # two at least, so that a tuple is given
            self._looked_up.append((itemgetter(*held, held[0]), scope, held, path))
        return [(scope[name], f"{path}.{name}") for name in held]

    def _function(self, f: FunctionType, path: str) -> list[tuple[Any, str]]:
        """What a function closes over, its defaults, and what it looks up in modules."""
        f.__annotations__  # noqa: B018  (it is made now, if it's made at all)
        cells = list(zip(f.__closure__ or (), f.__code__.co_freevars, strict=True))
        if _is_library(f):  # they aren't written to
            return [(x, path) for cell, _ in cells for x in gc.get_referents(cell)]
        own: tuple[Any, ...] = (f.__defaults__, f.__kwdefaults__, f.__dict__)
        found: list[tuple[Any, str]] = [(x, path) for x in own]
        found += [(cell, f"{path}: {name}") for cell, name in cells]
        self._objects.append((f, path))
        names = set(_names(f.__code__))
        if not names.isdisjoint(_BY_TEXT):
            others = {name for name in f.__globals__ if name[:2] != "__"} - names
            reached = self._look_up(f.__globals__, others, path)
            found += [(x, at) for x, at in reached if not isinstance(x, (FunctionType, type))]
            self._dicts.append(f.__globals__)
        imported = [(sys.modules[name], name) for name in names & sys.modules.keys()]
        imported += [(x, name) for cell, name in cells for x in gc.get_referents(cell)
                     if isinstance(x, ModuleType)]  # fmt: skip
        scopes = [(f.__globals__, path), *((vars(x), name) for x, name in imported)]
        for scope, where in scopes:
            inner = self._look_up(scope, names & scope.keys(), where)
            scopes += [
                (vars(x), name) for x, name in inner
                if isinstance(x, ModuleType) and not any(vars(x) is s for s, _ in scopes)
            ]  # fmt: skip
            found += inner
        self._missing.append((f.__globals__, names - f.__globals__.keys()))
        return found


def _of_place(x: Any) -> list[Any]:
    """What a context variable is, or a thread's own attributes are, here and now."""
    return [x.get(_UNSET)] if isinstance(x, ContextVar) else [*vars(x), *vars(x).values()]


def _names(code: CodeType) -> Iterator[str]:
    """The names of globals and attributes that code has, and the code within it."""
    yield from code.co_names
    for x in code.co_consts:
        if isinstance(x, CodeType):
            yield from _names(x)


def _root(x: Any) -> str:
    return str(getattr(x, "__module__", None) or "builtins").split(".")[0]


def _is_library(x: Any) -> bool:
    """Whether a function, type or module is not the user's, but installed."""
    root = (x.__name__ if isinstance(x, ModuleType) else _root(x)).split(".")[0]
    file = str(getattr(sys.modules.get(root), "__file__", ""))
    return root in _LIBRARIES or "site-packages" in file or "dist-packages" in file


def _is_closed(x: Any) -> bool:
    """Whether it is a library's own: its types and functions, and locks, loggers, generators, …."""
    if isinstance(x, type):
        return _is_library(x)
    kind = _root(type(x))
    return kind in _LIBRARIES and kind not in _HOLDERS


def _alike(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _VALUES) and repr(a) == repr(b))


def _entries(x: Any) -> Any:
    """What an array holds, and how."""
    if isinstance(x, _BUFFERS):
        return bytes(x)
    if x.dtype.hasobject:
        return repr(x.tolist())
    return (x.shape, x.dtype, x.tobytes()) if x.size <= _LARGE else x.copy()


def _holds(x: Any, held: Any) -> bool:
    """Whether an array holds what it held, bit by bit."""
    if not isinstance(held, np.ndarray):
        return bool(_entries(x) == held)
    if (x.shape, x.dtype) != (held.shape, held.dtype):
        return False
    if x.itemsize not in (1, 2, 4, 8):
        return bool(x.tobytes() == held.tobytes())
    return np.array_equal(x.view(f"u{x.itemsize}"), held.view(f"u{x.itemsize}"))
