"""What a function reads of its surroundings, so that it is seen when that has changed.

Python's garbage collector knows what each object refers to: attributes, items, cells of closures,
what is bound. So all that a function can reach is walked once, and what it is written down as code,
``x1["k"] is x2 and …``, which is run at each call of the compiled function. Arrays are watched by
all of their entries, Tensors, whose values are read anyway, by whether they require a gradient.
"""

from __future__ import annotations

import array
import copyreg
import dis
import gc
import inspect
import logging
import os
import random
import sys
import threading
import weakref
from abc import ABC, ABCMeta, get_cache_token
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from operator import attrgetter, is_
from pathlib import Path
from pickle import dumps
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..arrays import STAND_INS, array_of, is_foreign
from ..containers import leaves
from ..engine.tensor import Tensor
from ..table import OPS, Op
from .graph import CompileError


class ElsewhereError(CompileError):
    """What runs in another library isn't compiled."""


class EffectError(CompileError):
    """A call changed what it can reach, as a cache does when it is asked first."""


_MOST = 20_000  # objects
_FEW = 64  # entries that are watched one by one
OWN = {"autograd_lite", "nn"}
_LIBRARIES = {"numpy", "scipy", *OWN}
_PYTHON = str(Path(os.__file__).parent)
_RUNNING = {"unittest.case", "asyncio.unix_events", "asyncio.windows_events"}
_LOGGED = ("level", "disabled", "parent")  # of loggers, which reach all others
_PARTLY = {  # the attributes that are watched alone
    Tensor: ("_tracked", "name"), logging.Logger: _LOGGED, logging.RootLogger: _LOGGED,
}  # fmt: skip
_BY_TEXT = {"globals", "__globals__", "eval", "exec"}  # they may read any global
_VALUES = (str, bytes, int, float, complex, type(None), type(...), np.generic, np.dtype, range)
_IMPORTING = {"import_module", "__import__", "modules"}
_UNSET = object()
_IMMUTABLE = 1 << 8  # a type's flag, which those of Python have
_ATOMS = (*_VALUES, ModuleType, CodeType, np.ufunc, type(vars(ABC)["_abc_impl"]))
_DRAWN = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)
_UNDONE = (list, OrderedDict, dict, set, deque, bytearray, array.array)


class Watch:
    """What can be reached from some objects, as it is now.

    Args:
        roots: where to start, by names for messages.
        own: an optimizer whose learning rate is read at each call.

    Attributes:
        tensors: those that were reached.
        arrays: the ids of those.
        undoing: calls that undo what is changed.

    Raises:
        CompileError: it is more than can be watched.
    """

    def __init__(self, roots: dict[str, Any], own: Any = None) -> None:
        self._held: dict[str, Any] = {  # what the code speaks of
            "alike": self._alike, "same": _same, "refs": gc.get_referents, "of_place": _of_place,
            "entries": _entries, "state": _state, "token": get_cache_token,
            "roots": roots,
        }  # fmt: skip
        # How something is reached, for messages; what holds of it; and where that tells that
        # something was added, to what.
        self._tests: list[tuple[str, str, Iterable[Any]]] = []
        self._attributes: set[int] = set()  # ids of dicts of attributes
        # Modules that were met, and the names by which code asks for what is in them: of the
        # user's also those that it may make, as by getattr.
        self._modules: dict[int, tuple[ModuleType, str, set[str]]] = {}
        self._names, self._words = set[str](), set[str]()
        self._asked: set[tuple[int, str]] = set()  # the names in scopes that are watched
        self._chance: list[Any] = []
        self._rated: list[tuple[Any, str]] = []  # optimizers
        self.undoing: list[Callable[[], Any]] = []
        self.tensors: list[Tensor] = []
        self.arrays = set[int]()
        # Packages that are the user's wherever they are installed: those of what is compiled.
        given = [x.func if isinstance(x, partial) else x for x in roots.values()]
        self._own = {_root(y) for x in given for y in (x, inspect.unwrap(x))}
        self._walk([(x, name) for name, x in roots.items()])
        if "modules" in self._names:
            self._absent(sys.modules, self._words, "sys.modules")
        for optimizer, path in self._rated:
            if optimizer is not own and "lr" in self._words:
                self._test(f"{path}.lr", f"{self._name(optimizer)}.lr", optimizer.lr)
        for x, path, names in self._modules.values():
            if names is self._words:  # what else may come to the user's
                self._absent(vars(x), names, path)
        self.holds = self.together("")
        self._effects = self._now()

    def together(self, given: str, more: Iterable[tuple[Any, ...]] = ()) -> Callable[..., bool]:
        """A function of what is ``given`` that says at once whether all is as it was, and ``more``:
        expressions, in which ``{0}``, ``{1}`` are the objects behind them.
        """
        asked = [code.format(*map(self._name, objects)) for code, *objects in more]
        return self._function([*asked, *(test for _, test, _ in self._tests)], given)

    def changed(self) -> str:
        """What isn't as it was, in words."""
        for path, test, new in self._tests:
            if not self._function([test])():
                return ".".join([path, *map(str, list(new)[-1:])])
        return "values"

    def _function(self, conditions: Iterable[str], given: str = "") -> Callable[..., bool]:
        """Whether these hold; what can't be asked for any more doesn't."""
        code = f"def holds({given}):\n try: return {' and '.join(conditions) or True}"
        exec(f"{code}\n except (LookupError, ValueError, AttributeError): return False", self._held)
        found: Callable[..., bool] = self._held.pop("holds")
        return found

    def _alike(self, now: Any, name: str) -> bool:
        """Whether something is as it was under that name, for which it then stands."""
        if not _alike(now, self._held[name]):
            return False
        self._held[name] = now
        return True

    def _name(self, x: Any) -> str:
        name = f"x{len(self._held)}"
        self._held[name] = x
        return name

    def _test(self, path: str, now: str, was: Any = _UNSET, new: Iterable[Any] = ()) -> None:
        """Whether an expression gives what it gave; by default, whether it is true."""
        if was is not _UNSET:
            name = self._name(was)
            now = f"({now} is {name} or alike({now}, {name!r}))"
        self._tests.append((path, now, new))

    def _now(self) -> list[Any]:
        """What a call may change besides: stored gradients, and the states of generators that it
        can reach, NumPy's and Python's own among them: others draw from those on their threads.
        """
        return [dumps(self._chance), [id(t._grad) for t in self.tensors]]

    def effect(self) -> str:
        """What calls have changed since, in words; "" where that is nothing."""
        is_same = [now == before for now, before in zip(self._now(), self._effects, strict=True)]
        if all(is_same) and self.holds():
            return ""
        return self.changed() if is_same[0] else "a random generator's state"

    def refuse(self, who: str) -> None:
        """Raise where calls had other effects than their results."""
        changed = self.effect()
        if not changed:
            return
        for tensor in self.tensors:
            if type(tensor._grad) in STAND_INS:
                tensor._grad = None
        raise (EffectError if self._now() == self._effects else CompileError)(
            f"{who} changes {changed} or stores something outside of itself, a side effect "
            "that isn't repeated: return it. Random numbers would be frozen: pass them as arguments"
        )

    def restore(self) -> None:
        """Undo what calls have changed since, or drawn: variables, attributes, lists, dicts, sets
        and arrays are as they were.
        """
        for undo in self.undoing:
            undo()

    def _walk(self, todo: list[tuple[Any, str]]) -> None:
        seen: dict[int, Any] = {}
        while todo or (todo := self._in_modules()):
            x, path = todo.pop()
            if type(x) in weakref.ProxyTypes:
                x = x.__repr__.__self__
            if type(x) is str:
                self._words.add(x)
            elif isinstance(x, ModuleType):
                of_library = _is_library(x, self._own)
                self._modules[id(x)] = x, path, self._names if of_library else self._words
                todo.append((type(x), path))
            if isinstance(x, np.ufunc):  # of a function of the user's, perhaps
                todo += [(y, path) for y in gc.get_referents(x) if isinstance(y, FunctionType)]
            if type(x) in STAND_INS or _is_atom(x) or id(x) in seen or x is sys.modules:
                continue
            if is_foreign(array_of(x)):
                raise ElsewhereError(f"compile: {path} is another library's array")
            seen[id(x)] = x
            todo += self._within(x, path)
            if len(seen) > _MOST:
                raise CompileError(
                    f"compile: the function can reach more than {_MOST} objects, such as {path}: "
                    "too many to see whether they change; pass what it needs as arguments"
                )

    def _in_modules(self) -> list[tuple[Any, str]]:
        """What else is in the modules that were met."""
        by_name = not self._names.isdisjoint(_IMPORTING)
        found = self._look_up(sys.modules, self._words, "sys.modules") if by_name else []
        for x, path, names in self._modules.values():
            if names is self._words:  # the user's, of which code may ask by any name
                names = {"__getattr__", *(vars(x) if "getattr" in names else ()), *names}
            found += self._look_up(vars(x), names, path)
        return found

    def _within(self, x: Any, path: str) -> list[tuple[Any, str]]:
        """Watch an object; what it refers to."""
        if isinstance(x, np.ndarray) or _is_buffer(x):
            return self._array(x, path)
        if isinstance(x, FunctionType):
            return self._code(x, path)
        if isinstance(x, weakref.ref):
            return [(x(), path)]
        if isinstance(x, (ContextVar, threading.local)):
            of_place = _of_place(x)  # what it holds here, and in other threads and contexts not
            self._test(path, f"same(of_place({self._name(x)}), {self._name(of_place)})")
            return [(y, path) for y in of_place]
        if isinstance(x, _DRAWN):
            self._chance.append(x)
            self.undoing += _undoing(x)
            return []
        if isinstance(x, ABCMeta):  # of which anything may be registered as an instance
            self._test(path, f"token() == {get_cache_token()}")
        if _is_closed(x, self._own):
            return []
        if type(x) is Tensor:
            self.tensors.append(x)
        self._rated += [(x, path)] if hasattr(type(x), "_lr") else []
        state = _state(x)
        if state is not None:
            self._test(path, f"state({self._name(x)}) == {self._name(state)}")
        return self._object(x, path)

    def _array(self, x: Any, path: str) -> list[tuple[Any, str]]:
        """Watch the entries of an array, or of what is like one; what else it refers to."""
        self.arrays.add(id(x))
        was = _entries(x)
        self._test(f"{path}'s entries", f"entries({self._name(x)}) == {self._name(was)}")
        self.undoing += _undoing(x)
        inner = x.flat if isinstance(x, np.ndarray) and x.dtype.hasobject else ()
        return [(y, path) for y in (*inner, getattr(x, "__dict__", None))]

    def _object(self, x: Any, path: str) -> list[tuple[Any, str]]:
        """Watch what an object refers to: by name, which is quicker where these are few."""
        name, kind, own = self._name(x), type(x), getattr(x, "__dict__", None)
        part = ("__class__", *x._watched) if hasattr(kind, "_watched") else _PARTLY.get(kind, ())
        names = part or _by_name(x, own)  # for which what is made when it's asked for is made now
        held, is_inner = gc.get_referents(x), id(x) in self._attributes
        named = x if kind is dict and set(map(type, x)) <= {str} else {}
        if names:
            held = [getattr(x, at, None) for at in names]
            for at, y in zip(names, held, strict=True):
                now = f"{name}.{at}" if hasattr(x, at) else f"getattr({name}, {at!r}, None)"
                self._test(f"{path}.{at}", now, y)
        elif (named is x or kind is list) and len(x) <= _FEW:
            for key, y in enumerate(x) if kind is list else x.items():
                self._test(path if kind is list else f"{path}.{key}", f"{name}[{key!r}]", y)
            self._test(path, f"len({name}) == {len(x)}", new=named)
        elif not isinstance(x, tuple):
            self._test(path, f"same(refs({name}), {self._name(held)})")
        if kind is dict and x and not is_inner:
            self._keys(x, path)
        held = held if names else [*held, own]
        inner = [y for y in held if type(y) is dict and (y is own or isinstance(x, type))]
        self._attributes.update(map(id, inner))  # whose order means nothing
        self.undoing += () if part or is_inner else _undoing(x)
        self.undoing += _undoing(own) if any(y is own for y in inner) else ()
        found = [(y, path) for y in (*held, *named)]
        return found + [(y, f"{path}.{key}") for key, y in named.items()]

    def _keys(self, x: dict[Any, Any], path: str) -> None:
        self._test(path, f"same([*{self._name(x)}], {self._name([*x])})")

    def _look_up(self, scope: dict[str, Any], names: Any, path: str) -> list[tuple[Any, str]]:
        """Watch some names in a scope; what they are."""
        new = {name for name in names & scope.keys() if (id(scope), name) not in self._asked}
        found = {name: scope[name] for name in sorted(new)}
        self.undoing.append(partial(scope.update, found))
        for name, x in found.items():
            self._asked.add((id(scope), name))
            self._test(f"{path}.{name}", f"{self._name(scope)}[{name!r}]", x)
        return [(x, f"{path}.{name}") for name, x in found.items()]

    def _absent(self, scope: dict[str, Any], names: set[str], path: str) -> None:
        """Watch that the rest of the names don't come to a scope."""
        if others := names - scope.keys():
            self._test(path, f"{self._name(scope)}.keys().isdisjoint({self._name(others)})")

    def _code(self, f: FunctionType, path: str) -> list[tuple[Any, str]]:
        """What a function closes over, its defaults, and what it looks up in modules."""
        f.__annotations__  # noqa: B018  (it is made now, if it's made at all)
        cells = list(zip(f.__closure__ or (), f.__code__.co_freevars, strict=True))
        if _is_library(f, self._own):  # they aren't written to
            asks = f in (os.getenv, getattr(os, "getenvb", None))
            read = [(os.environ, "os.environ")] if asks else []
            return [*read, *((x, path) for cell, _ in cells for x in gc.get_referents(cell))]
        own: tuple[Any, ...] = (f.__defaults__, f.__kwdefaults__, f.__dict__)
        found: list[tuple[Any, str]] = [(x, path) for x in own]
        found += [(cell, f"{path}: {name}") for cell, name in cells]
        self._object(f, path)
        self._attributes.add(id(f.__dict__))
        codes = [*_codes(f.__code__)]
        names = {name for code in codes for name in code.co_names}
        words = {x for code in codes for x in code.co_consts if type(x) is str} | names
        self._names |= names
        self._words |= words
        found += self._look_up(sys.modules, words, path)
        if not names.isdisjoint(_BY_TEXT):
            every = {name for name in f.__globals__ if name[:2] != "__"}
            reached = self._look_up(f.__globals__, every, path)
            found += [(x, at) for x, at in reached if not isinstance(x, (FunctionType, type))]
            self._keys(f.__globals__, path)
        loaded = {name for code in codes for name in _loaded(code)}
        loaded |= words if "__name__" in loaded else set()  # as of sys.modules[__name__].k
        found += self._look_up(f.__globals__, loaded, path)
        self._absent(f.__globals__, loaded, path)
        built_in = attrgetter("__builtins__")(f)
        return found + self._look_up(built_in, loaded - f.__globals__.keys(), path)


def _by_name(x: Any, own: Any) -> tuple[str, ...]:
    """The attributes that are all there is of it, where there are such."""
    kind: Any = type(x)
    slots = [copyreg._slotnames(of) for of in (x, kind) if isinstance(of, type)]  # type: ignore[attr-defined]
    referents = gc.get_referents(x)
    if kind is CellType and referents:
        return ("cell_contents",)
    plain = type(own) is dict and not slots[-1] and kind.__getattribute__ is object.__getattribute__
    if plain and (_same(referents, [own, kind]) or _same(referents, [*own.values(), kind])):
        return "__class__", "__dict__"
    return ()


def _undoing(x: Any) -> Iterator[Callable[[], Any]]:
    """What lets a variable, a container, an array, a class, slots or a generator of random numbers
    hold what they do now.
    """
    if isinstance(x, _DRAWN):
        bits: Any = getattr(x, "bit_generator", x)
        yield partial(bits.__setstate__, bits.__getstate__())
    if isinstance(x, np.ndarray) and x.flags.writeable:
        yield partial(x.__setitem__, ..., x.copy())
    if type(x) is CellType:
        yield from (partial(setattr, x, "cell_contents", y) for y in gc.get_referents(x))
    if isinstance(x, type):
        own = dict(vars(x))
        yield lambda: [type.__setattr__(x, name, y) for name, y in own.items()
                       if vars(x).get(name) is not y]  # fmt: skip
    slots = copyreg._slotnames(type(x))  # type: ignore[attr-defined]
    yield from (partial(object.__setattr__, x, slot, getattr(x, slot))
                for slot in slots if hasattr(x, slot))  # fmt: skip
    kind: Any = next((kind for kind in _UNDONE if isinstance(x, kind)), None)
    if kind in (list, bytearray, array.array):
        yield partial(kind.__setitem__, x, slice(None), kind.__getitem__(x, slice(None)))
    elif kind is not None:
        items = kind.items if issubclass(kind, dict) else kind.__iter__
        was = [*items(x)]

        def undo() -> None:
            if not _same([*items(x)], was):
                kind.clear(x)
                (kind.extend if kind is deque else kind.update)(x, was)

        yield undo


def _of_place(x: Any) -> list[Any]:
    """What a context variable is, or a thread's own attributes are, here and now."""
    return [x.get(_UNSET)] if isinstance(x, ContextVar) else [*vars(x), *vars(x).values()]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code, and the code within it."""
    yield code
    for x in code.co_consts:
        if isinstance(x, CodeType):
            yield from _codes(x)


def _loaded(code: CodeType) -> Iterator[str]:
    """The globals among the names that code has, of which others are attributes."""
    for step in dis.get_instructions(code):
        if "GLOBAL" in step.opname or step.opname == "LOAD_NAME":
            yield step.argval


def _root(x: Any) -> str:
    name = "__name__" if isinstance(x, ModuleType) else "__module__"
    return str(getattr(x, name, None) or "builtins").split(".")[0]


def _is_library(x: Any, own: set[str]) -> bool:
    """Whether a function, type or module is not the user's, but installed."""
    root = _root(x)
    if root == "builtins":  # as what code says to be of that was run by exec
        return not isinstance(x, FunctionType) and bool(getattr(x, "__flags__", 0) & _IMMUTABLE)
    file = str(getattr(sys.modules.get(root), "__file__", ""))
    is_installed = root not in own and ("site-packages" in file or "dist-packages" in file)
    return is_installed or is_closed_root(root)


def is_closed_root(root: str) -> bool:
    """Whether a module is Python's own, and no other one of that name, or like one."""
    file = getattr(sys.modules.get(root), "__file__", None) or _PYTHON
    return root in _LIBRARIES or (root in sys.stdlib_module_names and file.startswith(_PYTHON))


def _is_closed(x: Any, own: set[str]) -> bool:
    """Whether it is a library's own: its types and functions, and what runs the user's code."""
    if isinstance(x, BuiltinFunctionType):
        return x.__self__ is None or isinstance(x.__self__, ModuleType)
    is_method = inspect.ismethod(x) or isinstance(x, partial)  # as Python 3.14 has it
    if isinstance(x, type) or (inspect.isroutine(x) and not is_method):
        return _is_library(x, own)
    is_entry = type(x) is Op and OPS.get(x.name) is x
    return is_entry or type(x).__module__ in _RUNNING


def _is_atom(x: Any) -> bool:
    """Whether it refers to nothing that may change."""
    return isinstance(x, _ATOMS) and not (isinstance(x, _VALUES) and hasattr(x, "__dict__"))


def _alike(a: Any, b: Any) -> bool:
    if a is b or type(a) is not type(b):
        return a is b
    if type(a) is tuple:
        return _same(a, b)
    return isinstance(a, _VALUES) and _is_atom(a) and repr(a) == repr(b)


def _same(now: Any, was: Any) -> bool:
    """Whether these are the same objects, or equal values."""
    as_many = len(now) == len(was)
    return as_many and (all(map(is_, now, was)) or all(map(_alike, now, was)))


def _is_buffer(x: Any) -> bool:
    """Whether it has memory that others may write to, as an array of `ctypes`, or PyTorch's."""
    with suppress(TypeError, BufferError):
        memoryview(x).release()
        return True
    return hasattr(type(x), "__array__") and not hasattr(type(x), "__array_function__")


def _entries(x: Any) -> Any:
    """What an array holds, and how."""
    if not isinstance(x, np.ndarray):
        return bytes(x) if not hasattr(x, "__array__") else _entries(np.array(x))
    if x.dtype.hasobject:
        return repr(x.tolist())
    return x.shape, x.dtype, x.tobytes()


def _state(x: Any) -> Any:
    """What an iterator or a stream of Python's own holds besides what it refers to."""
    if type(x).__flags__ & _IMMUTABLE and {"__next__", "__setstate__"} & {*dir(type(x))}:
        with suppress(Exception):  # it needn't be one that can be copied
            held = leaves(x.__reduce_ex__(4))  # of which all that isn't a value is referred to
            return repr([y for y in held if isinstance(y, _VALUES)])
    return None
