"""What `compile` returns: a function with programs for the shapes and dtypes it was called with."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import MethodType
from typing import Any, ClassVar

import numpy as np

from ..arrays import STAND_INS, refuse_kinds
from ..containers import is_container, leaves, parts, rebuilt, settings
from ..engine import modes
from ..engine.modes import Mode, no_grad
from ..engine.tensor import Tensor, _leaf
from ..lines import hint
from .graph import Changed, CompileError
from .recording import NUMBERS, Check, Recorded, arrays, is_dynamic, others, recorded
from .simplify import simplified
from .source import Source
from .watch import Watch

Function = Callable[..., Any]
MOST = 8  # programs for arguments of the same shapes and dtypes


class compiling(Mode):  # noqa: N801  (used like a function)
    """Within it compiled functions are what they were made of."""


class Compiled:
    """A compiled function; see `compile`.

    Attributes:
        f: the function it was made of.
        compile_time: seconds that compiling took so far, in all.
    """

    _watched: ClassVar[tuple[str, ...]] = ("f",)

    def __init__(self, f: Function) -> None:
        if not callable(f):
            raise TypeError(f"compile: give a function, not a {type(f).__name__}")
        functools.update_wrapper(self, f, updated=())
        self.f = f
        self.compile_time = 0.0
        self._variants: dict[Any, list[Variant]] = {}
        self._bound: dict[int, Compiled] = {}
        self._latest: Variant | None = None
        self._lock = threading.RLock()

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a method: a compiled function for each object."""
        if owner is None:
            return self
        found = self._bound.get(id(owner))
        if found is None:
            found = self._bound[id(owner)] = Compiled(MethodType(self.f, owner))
        return found

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        flat = args if not kwargs and not any(map(is_container, args)) else leaves((args, kwargs))
        recorded = True
        if modes._thread.blocks:
            kinds = {type(mode) for mode in modes.modes()}
            if kinds - {no_grad}:
                return self.f(*args, **kwargs)
            recorded = not kinds
        if any(type(x) is Tensor and x._tracked for x in flat):
            return self.f(*args, **kwargs)
        key: Any = recorded, *map(_kind, flat)
        if flat is not args:
            key = _structure((args, kwargs)), key
        variants = self._variants.get(key, ())
        for variant in variants:
            if variant.watch.holds():
                try:
                    return variant(flat)
                except Changed:
                    continue
                except Exception:  # which the function raises itself, or has an answer to
                    return self.f(*args, **kwargs)
        if len(variants) < MOST:
            return self._compile(key, args, kwargs)(flat)
        hint(
            f"{self!r}: what it reads of its surroundings, or what values decide, changes again "
            f"and again ({variants[-1].watch.changed()}); from now on it runs as it is. Pass as "
            "arguments what changes"
        )
        return self.f(*args, **kwargs)

    def _compile(self, key: Any, args: Any, kwargs: Any) -> Variant:
        with self._lock, compiling():
            start = perf_counter()
            variant = Variant(self.f, args, kwargs)
            self.compile_time += perf_counter() - start
            self._variants.setdefault(key, []).append(variant)
            self._latest = variant
            return variant

    @property
    def source(self) -> str:
        """The NumPy code that was compiled last; written to a file it runs by itself.

        Raises:
            RuntimeError: the function wasn't called yet, so that shapes aren't known.
        """
        if self._latest is None:
            raise RuntimeError("compile: call the function once; then there is a source")
        return self._latest.text()

    def __reduce__(self) -> Any:
        return Compiled, (self.f,)

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.f, '__name__', self.f)!s}>"


def _kind(x: Any) -> Any:
    """What of an argument a program is compiled for."""
    if type(x) is np.ndarray and x.dtype.kind in "biufc":
        return x.shape, x.dtype
    if type(x) in NUMBERS:
        return type(x)
    if type(x) is Tensor:
        return Tensor, x.shape, x.dtype, x.name
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        return type(x)
    if isinstance(x, np.ndarray):
        refuse_kinds(x, "compile")
        raise TypeError(
            f"compile: give plain arrays of numbers, not a {type(x).__name__} of {x.dtype}: "
            "np.asarray(x)"
        )
    return (type(x), x) if isinstance(x, _BY_VALUE) else (type(x), id(x))


_BY_VALUE = (int, str, bytes, type(None), np.generic, np.dtype, type(...))


def _structure(tree: Any) -> Any:
    if not is_container(tree):
        return None
    kind = type(tree)
    if kind is tuple or kind is list:
        return kind, tuple(map(_structure, tree))
    kept = () if kind is dict else [(name, _kind(x)) for name, x in settings(tree).items()]
    inner = tree if kind is dict else parts(tree)
    return kind, tuple([(key, _structure(x)) for key, x in inner.items()]), *kept


class Variant:
    """A program for arguments of certain shapes and dtypes, with a function for each thread.

    Attributes:
        watch: what else it was compiled for.
    """

    def __init__(self, f: Function, args: Any, kwargs: Any) -> None:
        self.title = getattr(f, "__name__", "f")
        given = leaves((args, kwargs))

        def called(flat: list[Any]) -> list[Any]:
            own_args, own_kwargs = rebuilt((args, kwargs), iter(flat))
            return arrays(f(*own_args, **own_kwargs))

        quiet = partial(np.errstate, all="ignore")  # the call that is to come warns
        known = {f"argument {i}": x for i, x in enumerate(given) if not is_dynamic(x)}
        self.watch = Watch({self.title: f, **known})
        effects = self.watch.effects()
        try:  # before f is called on arrays: what it would write to is refused
            found = recorded(f, args, kwargs)
        except CompileError:
            raise
        except Exception:
            f(*args, **kwargs)  # whose error isn't one of stand-ins
            raise
        self._refuse(effects)
        self._captured, self._output, self._kinds = found.captured, found.output, found.kinds
        values = [x._array if type(x) is Tensor else x for x in given if is_dynamic(x)]
        changed = [list(flat) for flat in zip(*map(others, given), strict=True)]
        with quiet():
            expected = f(*args, **kwargs)
            if _structure(expected) != _structure(found.output):
                raise CompileError("compile: called again, the function returns other containers")
            check = Check(found.program, [*values, *(t._array for t in self._captured)])
            check.function(arrays(expected))
            check.elsewhere(called, changed)
        self._refuse(effects)
        with quiet():
            self._finish(found, check)

    def _refuse(self, effects: list[Any]) -> None:
        """Raise where a call has had other effects than its results."""
        if self.watch.holds() and self.watch.effects() == effects:
            return
        for tensor in self.watch.tensors:
            if type(tensor._grad) in STAND_INS:
                tensor._grad = None
        raise CompileError(
            f"compile: the function changes {self.watch.changed()}, a side effect that a compiled "
            "call wouldn't repeat, or draws random numbers, which would be frozen. Return what it "
            "stores; draw them outside, and pass them as arguments"
        )

    def _finish(self, found: Recorded, check: Check) -> None:
        program = found.program
        self._several = len(program.outputs) != 1
        self._plain = self._kinds == ["array"] and not is_container(self._output)
        self._pair = (
            type(self._output) is tuple and self._several
            and all(kind == "array" for kind in self._kinds)
            and not any(map(is_container, self._output))
        )  # fmt: skip
        self.source = Source(simplified(program))
        names = self.source.names(program.captured)
        self._names = dict(zip(names, self._captured, strict=True))
        self._threads = threading.local()
        results = self.source.prepared()(*check.given)
        check.code(list(results) if self._several else [results], self.text)
        program.forget()

    def __call__(self, flat: Any) -> Any:
        try:
            function = self._threads.function
        except AttributeError:
            function = self._threads.function = self.source.prepared()
        given = [
            x if type(x) is np.ndarray else x._array if type(x) is Tensor else x
            for x in flat if is_dynamic(x)
        ]  # fmt: skip
        found = function(*given, *[t._array for t in self._captured])
        if self._plain or self._pair:
            return found
        inner = []
        results = iter(found if self._several else (found,))
        for kind in self._kinds:
            if type(kind) is list:
                inner.append(kind[0])
                continue
            y = next(results)
            if type(kind) is tuple:
                y = _leaf(np.asarray(y))
                (y.name,) = kind
            inner.append(y)
        return rebuilt(self._output, iter(inner))

    def text(self) -> str:
        return self.source.text(self.title, {n: t._array for n, t in self._names.items()})


