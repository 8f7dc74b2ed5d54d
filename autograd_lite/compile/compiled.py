"""What `compile` returns: a function with programs for the shapes and dtypes it was called with."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial, update_wrapper
from time import perf_counter
from typing import Any

import numpy as np

from ..arrays import array_of, is_foreign
from ..containers import is_container, leaves, rebuilt
from ..engine import modes
from ..engine.modes import Mode, no_grad
from ..engine.tensor import FOREIGN, Tensor
from ..errors import imported
from ..lines import hint
from .draws import Draw
from .graph import Changed, CompileError, Program
from .recorder import leaf_like
from .recording import fault, is_dynamic, kind, recorded, structure, tried
from .simplify import simplified
from .watch import EffectError, ElsewhereError, Watch
from .writer import Source

CHANGES = 8  # programs for arguments of the same shapes and dtypes, at most


_OBJECTS = 64  # of which compiled methods are kept


class compiling(Mode):  # noqa: N801  (used like a function)
    """Within it compiled functions are what they were made of."""


def within() -> set[Any]:
    """The kinds of modes that this thread is within."""
    return {type(mode) for mode in modes.modes()} if modes._blocks.get() else set()


class Programs:
    """What is compiled for the shapes and dtypes that it is called with.

    A subclass says how a variant is ``made``.

    Attributes:
        compile_time: seconds that compiling took so far, in all.
    """

    _title = ""
    made: Any

    def __init__(self) -> None:
        self.compile_time = 0.0
        self._variants: dict[Any, list[Any]] = {}
        self._latest: Any = None
        self._lock = threading.RLock()

    def found(self, key: Any, given: Any, *making: Any) -> Any:
        """What that variant gives for which all is as it was, or a new one.

        None where that changes again and again, with a warning.
        """
        variants = self._variants.setdefault(key, [])
        for variant in variants:
            if variant.holds(given):
                try:
                    return variant.attempt(given)
                except Changed:
                    continue
        if len(variants) < CHANGES:
            with self._lock, compiling(), uncollected():
                start = perf_counter()
                self._latest = variant = self.made(*making)
                self.compile_time += perf_counter() - start
            variants.append(variant)
            return variant.attempt(given)
        hint(
            f"{self!r}: what it reads, or values decide, changes again and again, such as "
            f"{variants[-1].watch.changed()}; it runs as it is. Pass what changes as arguments"
        )
        return None

    @property
    def source(self) -> str:
        """The NumPy code that was compiled last; written to a file it runs by itself.

        Raises:
            RuntimeError: there was no call yet, so that shapes aren't known.
        """
        if self._latest is None:
            raise RuntimeError("compile: call it once; then there is a source")
        return self._latest.source.text(self._title)  # type: ignore[no-any-return]


class Compiled(Programs):
    """A compiled function; see `compile`.

    Attributes:
        f: the function it was made of.
    """

    _watched = ("f",)

    def __init__(self, f: Callable[..., Any], jit: bool = False) -> None:
        if not (callable(f) or hasattr(f, "__get__")):
            raise TypeError(f"compile: give a function, not a {type(f).__name__}")
        super().__init__()
        update_wrapper(self, f, updated=())
        if jit:
            imported("jax", "compile: jit=True needs", "jit")
        self.f, self._jit = f, jit
        self._bound = lru_cache(_OBJECTS)(partial(Compiled, jit=jit))
        self._arrays = set[int]()  # ids of those that it holds
        self._elsewhere = False  # whether the function holds another library's array

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a method: a compiled function for each object, or class."""
        bound = self.f.__get__(owner, kind) if hasattr(self.f, "__get__") else self.f
        return self if bound is self.f else self._bound(bound)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        flat = args if not kwargs and not any(map(is_container, args)) else leaves((args, kwargs))
        around = within()
        foreign = self._elsewhere or (FOREIGN and any(map(is_foreign, map(array_of, flat))))
        if foreign or around - {no_grad} or any(type(x) is Tensor and x._tracked for x in flat):
            return self.f(*args, **kwargs)
        key: Any = self._one(flat), len(around), *map(kind, flat)
        if flat is not args:
            key = structure((args, kwargs)), key
        try:
            found = self.found(key, flat, args, kwargs)
        except ElsewhereError:
            self._elsewhere, found = True, None
        except CompileError as error:
            if error.__cause__ is not None:
                self.f(*args, **kwargs)  # whose error isn't one of stand-ins
            raise
        except Exception:  # which the function raises itself, or has an answer to
            found = None
        return self.f(*args, **kwargs) if found is None else found

    def _one(self, flat: Any) -> Any:
        """Which arrays are one, or one that it holds, since code may ask whether a is b."""
        ids = [id(x) for x in flat if isinstance(x, np.ndarray)]
        if len({*ids}) == len(ids) and self._arrays.isdisjoint(ids):
            return None
        return tuple([i if i in self._arrays else ids.index(i) for i in ids])

    def made(self, args: Any, kwargs: Any) -> Variant:
        roots = {getattr(self.f, "__name__", "f"): self.f}
        for i, x in enumerate(leaves((args, kwargs))):  # held, so that an id stays its object's
            roots |= {} if is_dynamic(x) else {f"argument {i}": x}
        watch = first = Watch(roots)
        self._arrays |= watch.arrays
        for again in (False, True):
            try:
                refuse = partial(watch.refuse, "compile: the function")
                return Variant(self.f, args, kwargs, watch, refuse, self._jit)
            except BaseException as error:  # an interrupt, too
                watch.restore()
                if again or not isinstance(error, EffectError):
                    first.restore()
                    if isinstance(error, CompileError) or not isinstance(error, Exception):
                        raise
                    said = f"compile: it can't be compiled: {error!r}; compile the parts"
                    raise CompileError(said) from error
            self.f(*args, **kwargs)  # after which what it keeps may stay as it is
            watch = Watch(roots)
        raise AssertionError

    def __reduce__(self) -> Any:
        """By its name where that is its own, as a decorated function's is."""
        name: str = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Compiled, (self.f, self._jit))

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.f, '__name__', self.f)!s}>"


@contextmanager
def uncollected() -> Iterator[None]:
    """Within it the collector doesn't look through what is recorded, again and again."""
    on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if on:
            gc.enable()


class Variant:
    """A program for arguments of certain shapes and dtypes, with a function for each thread.

    Attributes:
        watch: what else it was compiled for.
        holds: says whether all that is as it was.
    """

    def __init__(
        self, f: Callable[..., Any], args: Any, kwargs: Any, watch: Watch,
        refuse: Callable[[], None], jit: bool = False,
    ) -> None:  # fmt: skip
        """Make the code, of which it is seen that it is the function.

        Args:
            f, args, kwargs: the function, and the arguments.
            watch: what else it is compiled for.
            refuse: raises where calls had effects.
            jit: of `compile`.
        """
        self.watch, self.holds, self._threads = watch, watch.holds, threading.local()
        program = recorded(f, args, kwargs)  # before f is called on arrays, which has effects
        refuse()
        with np.errstate(all="ignore"):  # the call that is to come warns
            given = tried(f, (args, kwargs), program)
        refuse()
        self._places = [i for i, x in enumerate(leaves((args, kwargs))) if is_dynamic(x)]
        resident, captured = program.resident, program.captured
        self._resident = [captured[node] for node in resident]
        self._captured = [x for node, x in captured.items() if node not in resident]
        self._draws = [x for x in self._captured if type(x) is Draw]
        self._output = output = program.template
        self._leaves = leaves(output)
        several = output if type(output) is tuple and len(output) != 1 else (output,)
        self._plain = {*map(type, several)} <= {int}  # as the code gives them
        if jit:
            from .jit import jitted
        program.drop_unused()
        for way in (simplified(program), program):  # as recorded, where rounding shows
            self.source = Source(way)
            self._function = jitted(way) if jit else None
            with np.errstate(all="ignore"):
                said = fault(way, self._running(way), given)
            if not said:
                break
        else:
            said = f"JAX takes another way; leave jit away; or {said}" if jit else said
            raise CompileError(f"compile: {said}")
        watch.undoing.clear()  # which hold what may be replaced

    def _running(self, program: Program) -> Callable[[list[Any]], list[Any]]:
        """What the code gives, of its results and of what it writes to, in memory of its own.

        That is the same at all calls, as it will be: so what was kept from one to the next is seen.
        """
        held = {node: node.value.copy() for node in program.resident}
        function = self._function or self.source.prepared(*held.values())

        def run(given: list[Any]) -> list[Any]:
            new = dict(zip((*program.inputs, *program.captured), given, strict=True))
            for node, array in held.items():
                array[...] = new.pop(node)
            found = function(*new.values())
            several = found if type(found) is tuple else (found,)
            return [*several, *(held[node].copy() for node in program.updates)]

        return run

    def prepared(self) -> Any:
        """A function with memory of its own."""
        return self._function or self.source.prepared(*[x._array for x in self._resident])

    def attempt(self, given: Any) -> Any:
        """What it gives; where it raises, what was drawn for it comes next again."""
        try:
            return self(given)
        except Exception:
            for draw in reversed(self._draws):
                draw.undo()
            raise

    def __call__(self, flat: Any) -> Any:
        try:
            function = self._threads.function
        except AttributeError:
            function = self._threads.function = self.prepared()
        given = [flat[i] for i in self._places]
        found = function(
            *[x if type(x) is np.ndarray else array_of(x) for x in given],
            *[t._array for t in self._captured],
        )
        if self._plain:
            return found
        results = iter(found if type(found) is tuple else (found,))
        return rebuilt(self._output, (_result(x, results) for x in self._leaves))


def _result(like: Any, results: Iterator[Any]) -> Any:
    """The next of the code's results, or what is no number."""
    if type(like) is Tensor:
        return leaf_like(like, np.asarray(next(results)))
    return next(results) if type(like) is int else like
