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
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
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
OWN = {"autograd_lite", "nn"}
_LIBRARIES = {"numpy", "scipy", *OWN}
_PYTHON = str(Path(os.__file__).parent)
_RUNNING = {"unittest.case", "asyncio.unix_events", "asyncio.windows_events"}
_LOGGED = ("level", "disabled", "parent")  # of loggers, which reach all others
_PARTLY = {  # the attributes that are watched alone
    Tensor: ("_tracked", "name"), logging.Logger: _LOGGED, logging.RootLogger: _LOGGED,
}  # fmt: skip
_VALUES = (str, bytes, int, float, complex, type(None), type(...), np.generic, np.dtype, range)
_IMPORTING = {"import_module", "__import__", "modules"}
_FEW = 64  # entries that are watched one by one
_UNSET = object()
_IMMUTABLE = 1 << 8  # a type's flag, which those of Python have
_ATOMS = (*_VALUES, ModuleType, CodeType, np.ufunc, type(vars(ABC)["_abc_impl"]))
_slots: Any = copyreg._slotnames  # type: ignore[attr-defined]
_DRAWN = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)
_SHARED = (threading.Event, threading.Condition, threading.Semaphore, threading.Barrier)
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
        self._held: dict[str, Any] = {"alike": self._alike, "same": _same, "roots": roots}
        # How something is reached, what holds of it, and of what more would come last.
        self._tests: list[tuple[str, str, Iterable[Any]]] = []
        # Namespaces that were met, and the names by which code asks for what is in them: of the
        # user's modules also those that it may make, as by getattr.
        self._attributes: set[int] = set()  # ids of dicts of attributes
        self._scopes: dict[int, _Scope] = {}
        self._names, self._words = set[str](), set[str]()
        self._chance: list[Any] = []
        self._rated: list[tuple[Any, str]] = []  # optimizers
        self.undoing: list[Callable[[], Any]] = []
        self.tensors: list[Tensor] = []
        self.arrays = set[int]()
        # Packages that are the user's wherever they are installed: those of what is compiled.
        given = [x.func if isinstance(x, partial) else x for x in roots.values()]
        self._own = {_root(y) for x in given for y in (x, inspect.unwrap(x))}
        self._walk([(x, name) for name, x in roots.items()])
        for optimizer, path in self._rated:
            if optimizer is not own and "lr" in self._words:
                self._read(f"{path}.lr", optimizer, ".lr")
        for scope in self._scopes.values():
            for name in scope.found:
                self._read(f"{scope.path}.{name}", scope.inner, f"[{name!r}]")
            if scope.is_whole and (absent := scope.asked() - scope.found.keys()):
                self._test(scope.path, "{}.keys().isdisjoint({})", scope.inner, absent)
        self.holds = self.together()
        self._effects = self._now()

    def together(self, more: Iterable[tuple[Any, ...]] = ()) -> Callable[..., bool]:
        """A function of what is ``given`` that says at once whether all is as it was, and ``more``:
        expressions, in which ``{}`` are the objects behind them.
        """
        asked = [code.format(*map(self._name, objects)) for code, *objects in more]
        return self._function([*asked, *(test for _, test, _ in self._tests)])

    def changed(self) -> str:
        """What isn't as it was, in words."""
        changed = (x for x in self._tests if not self._function([x[1]])())
        path, _, new = next(changed, ("values", "", ()))
        return ".".join([path, *map(str, list(new)[-1:])])

    def _function(self, conditions: Iterable[str]) -> Callable[..., bool]:
        """Whether these hold; what can't be asked for any more doesn't."""
        code = f"def holds(given=()):\n try: return {' and '.join(conditions) or True}"
        exec(f"{code}\n except (LookupError, ValueError, AttributeError): return False", self._held)
        return self._held.pop("holds")  # type: ignore[no-any-return]

    def _alike(self, now: Any, name: str) -> bool:
        """Whether something is as it was under that name, for which it then stands."""
        is_same = _alike(now, self._held[name])
        self._held[name] = now if is_same else self._held[name]
        return is_same

    def _name(self, x: Any) -> str:
        self._held[name := f"x{len(self._held)}"] = x
        return name

    def _test(self, path: str, code: str, *objects: Any, new: Iterable[Any] = ()) -> None:
        """Watch that an expression is true."""
        self._tests.append((path, code.format(*map(self._name, objects)), new))

    def _read(self, path: str, x: Any, then: str, first: str = "") -> Any:
        """Watch what an expression gives; what it is."""
        code = first + self._name(x) + then
        name = self._name(was := eval(code, self._held))
        self._tests.append((path, f"({code} is {name} or alike({code}, {name!r}))", ()))
        return was

    def _all(self, path: str, of: Callable[[Any], Iterable[Any]], x: Any) -> list[Any]:
        """Watch all that a function gives of an object; what they are."""
        self._test(path, "same([*{}({})], {})", of, x, was := [*of(x)])
        return was

    def _value(self, path: str, of: Callable[..., Any], *x: Any) -> None:
        """Watch a value that is made when it's asked for."""
        self._test(path, "{}(*{}) == {}", of, x, of(*x))

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
        while todo or (todo := self._in_scopes()):
            x, path = todo.pop()
            if type(x) in weakref.ProxyTypes:
                x = x.__repr__.__self__
            if type(x) is str:
                self._words.add(x)
            elif isinstance(x, ModuleType):
                if _is_library(x, self._own):
                    self._scope(vars(x), path, self._names, is_whole=False)
                else:  # of which code may ask by any name
                    self._scope(vars(x), path, self._words).is_any = True
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

    def _scope(self, inner: Any, path: str, names: set[str], is_whole: bool = True) -> _Scope:
        """Watch what these names are in a namespace, as a whole also that none of them comes."""
        scope = self._scopes.setdefault(id(inner), _Scope(inner, path))
        scope.is_whole |= is_whole
        scope.names[id(names)] = names
        return scope

    def _in_scopes(self) -> list[tuple[Any, str]]:
        """What else is in the namespaces that were met."""
        if not self._names.isdisjoint(_IMPORTING):
            self._scope(sys.modules, "sys.modules", self._words, "modules" in self._names)
        return [x for scope in self._scopes.values() for x in scope.further(self.undoing)]

    def _within(self, x: Any, path: str) -> list[tuple[Any, str]]:
        """Watch an object; what it refers to."""
        if isinstance(x, np.ndarray) or _is_buffer(x):
            self.arrays.add(id(x))
            self._value(f"{path}'s entries", _entries, x)
            self.undoing += _undoing(x)
            inner = x.flat if isinstance(x, np.ndarray) and x.dtype.hasobject else ()
            return [(y, path) for y in (*inner, getattr(x, "__dict__", None))]
        if isinstance(x, FunctionType):
            return self._code(x, path)
        if isinstance(x, weakref.ref):
            return [(x(), path)]
        if isinstance(x, (ContextVar, threading.local)):
            return [(y, path) for y in self._all(path, _of_place, x)]
        if type(x) in _SHARED:  # other threads change it: nothing is undone
            self._value(path, repr, x)
            return []
        if isinstance(x, _DRAWN):
            self._chance.append(x)
            self.undoing += _undoing(x)
            return []
        if isinstance(x, ABCMeta):  # of which anything may be registered as an instance
            self._value(path, get_cache_token)
        if _is_closed(x, self._own):
            return []
        if type(x) is Tensor:
            self.tensors.append(x)
        self._rated += [(x, path)] if hasattr(type(x), "_lr") else []
        if _state(x) is not None:
            self._value(path, _state, x)
        return self._object(x, path)

    def _object(self, x: Any, path: str) -> list[tuple[Any, str]]:
        """Watch what an object refers to: by name, which is quicker where these are few."""
        # What is made when it's asked for is made now.
        own, kind, _ = getattr(x, "__dict__", None), type(x), isinstance(x, type) and _slots(x)
        found = gc.get_referents(x)
        part = ("__class__", *x._watched) if hasattr(kind, "_watched") else _PARTLY.get(kind)
        is_inner = id(x) in self._attributes  # whose order means nothing
        keys = [*dict.__iter__(x)] if isinstance(x, dict) else []
        named = kind is dict and {*map(type, keys)} <= {str}  # so that it refers to its values
        self.undoing += () if part else _undoing(x)
        if keys and not (named and is_inner and len(x) <= _FEW):
            self._all(path, dict.__iter__, x)
        if names := part or _by_name(x, own, found):
            found = [self._read(f"{path}.{at}", x, f".{at}") if hasattr(x, at)
                     else self._read(f"{path}.{at}", x, f", {at!r}, None)", "getattr(")
                     for at in names]  # fmt: skip
        elif (named or kind is list) and len(x) <= _FEW:
            for key in keys or range(len(x)):
                self._read(f"{path}.{key}" if named else path, x, f"[{key!r}]")
            self._test(path, "len({}) == {}", x, len(x), new=x if named else ())
        elif not isinstance(x, tuple):
            self._all(path, gc.get_referents, x)
        inner = [y for y in found if type(y) is dict and (y is own or isinstance(x, type))]
        self._attributes.update(map(id, inner))
        paths = [f"{path}.{key}" for key in keys] if named else repeat(path)
        return [*((y, path) for y in keys), *zip(found, paths)]  # noqa: B905

    def _code(self, f: FunctionType, path: str) -> list[tuple[Any, str]]:
        """What a function closes over, its defaults, and what it looks up in modules."""
        f.__annotations__  # noqa: B018  (it is made now, if it's made at all)
        cells = list(zip(f.__closure__ or (), f.__code__.co_freevars, strict=True))
        if _is_library(f, self._own):  # they aren't written to
            asks = f in (os.getenv, getattr(os, "getenvb", None))
            read = [(os.environ, "os.environ")] if asks else []
            return [*read, *((x, path) for cell, _ in cells for x in gc.get_referents(cell))]
        held = [(x, path) for x in (f.__defaults__, f.__kwdefaults__, f.__dict__)]  # made, too
        self._all(path, gc.get_referents, f)
        codes = [*_codes(f.__code__)]
        names = {name for code in codes for name in code.co_names}
        words = {x for code in codes for x in code.co_consts if type(x) is str} | names
        self._names |= names
        self._words |= words
        loaded = {name for code in codes for name in _loaded(code)}
        if "__name__" in loaded or "__globals__" in names:  # as of sys.modules[__name__].k
            loaded |= words
        built_in = attrgetter("__builtins__")(f)
        self._scope(sys.modules, "sys.modules", words, is_whole=False)
        self._scope(f.__globals__, path, loaded)
        self._scope(built_in, path, loaded - f.__globals__.keys())
        return held + [(cell, f"{path}: {name}") for cell, name in cells]


@dataclass
class _Scope:
    """A namespace, the sets of names by which it is asked, by their ids, and what was found."""

    inner: dict[str, Any]
    path: str
    is_whole: bool = False
    is_any: bool = False
    names: dict[int, set[str]] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    def asked(self) -> set[str]:
        names = set[str]().union(*self.names.values())
        every = self.inner if self.is_any and "getattr" in names else ()
        return {"__getattr__", *names, *every} if self.is_any else names

    def further(self, undoing: list[Callable[[], Any]]) -> list[tuple[Any, str]]:
        """What else is found, and how it's reached."""
        new = {x: self.inner[x] for x in sorted((self.asked() & self.inner.keys()) - {*self.found})}
        self.found |= new
        undoing.append(partial(self.inner.update, new))
        return [(x, f"{self.path}.{name}") for name, x in new.items()]


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
        yield lambda: [type.__delattr__(x, name) for name in vars(x).keys() - own.keys()]
        yield lambda: [type.__setattr__(x, name, y) for name, y in own.items()
                       if vars(x).get(name) is not y]  # fmt: skip
    yield from (partial(object.__setattr__, x, slot, getattr(x, slot))
                for slot in _slots(type(x)) if hasattr(x, slot))  # fmt: skip
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


def _by_name(x: Any, own: Any, found: list[Any]) -> tuple[str, ...]:
    """The attributes that are all there is of it, where there are such."""
    kind: Any = type(x)
    if kind is CellType and found:
        return ("cell_contents",)
    asked = kind.__getattribute__ is not object.__getattribute__
    plain = type(own) is dict and not (asked or _slots(kind))
    if plain and (_same(found, [own, kind]) or _same(found, [*own.values(), kind])):
        return "__class__", "__dict__"
    return ()


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
