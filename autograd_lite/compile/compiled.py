"""What `compile` returns: a function with a program for each combination of shapes and dtypes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from ..anomaly import detect_anomaly
from ..arrays import refuse_kinds
from ..containers import is_container, leaves, parts, rebuilt, settings
from ..engine.modes import no_grad
from ..engine.tensor import Tensor, _leaf
from ..transforms import in_transform
from .bias import biased
from .blocks import blocked
from .graph import CompileError, Node, Program
from .program import NUMBERS, Recorded, is_dynamic, recorded
from .recorder import Capture
from .simplify import simplified
from .source import Source
from .threads import available

Function = Callable[..., Any]


class Compiled:
    """A compiled function; see `compile`.

    Attributes:
        f: the function it was made of.
        threads: how many large arrays are shared among, at most; None for as many as there are
            processors.
        compile_time: seconds that compiling took so far, in all.
    """

    def __init__(self, f: Function, threads: int | None = None) -> None:
        if not callable(f):
            raise TypeError(f"compile: give a function, not a {type(f).__name__}")
        if threads is not None and (type(threads) is not int or threads < 1):
            raise ValueError(f"compile: threads is a positive int or None, not {threads!r}")
        functools.update_wrapper(self, f, updated=())
        self.f, self.threads = f, threads
        self.compile_time = 0.0
        self._variants: dict[Any, Variant] = {}
        self._latest: Variant | None = None
        self._lock = threading.Lock()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        flat = args if not kwargs and not any(map(is_container, args)) else leaves((args, kwargs))
        if Capture.active() or in_transform() or detect_anomaly.active() or any(
            type(x) is Tensor and x._tracked for x in flat
        ):
            return self.f(*args, **kwargs)
        key: Any = tuple([_kind(x) for x in flat])
        if flat is not args:
            key = _structure((args, kwargs)), key
        variant = self._variants.get(key)
        if variant is None:
            variant = self._compile(key, args, kwargs)
        return variant(flat)

    def _compile(self, key: Any, args: Any, kwargs: Any) -> Variant:
        with self._lock:
            if key not in self._variants:
                start = perf_counter()
                variant = Variant(recorded(self.f, args, kwargs), self.threads)
                with np.errstate(all="ignore"):  # the call that is to come warns
                    variant.check([x for x in leaves((args, kwargs)) if is_dynamic(x)])
                    variant.compare(self.f(*args, **kwargs))
                variant.forget()
                self.compile_time += perf_counter() - start
                self._variants[key] = variant
            self._latest = self._variants[key]
            return self._latest

    @property
    def source(self) -> str:
        """The NumPy code that was compiled last; written to a file it runs with NumPy alone.

        Raises:
            RuntimeError: the function wasn't called yet, so that shapes aren't known.
        """
        if self._latest is None:
            raise RuntimeError("compile: call the function once; then there is a source")
        return self._latest.text()

    def __reduce__(self) -> Any:
        return Compiled, (self.f, self.threads)

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.f, '__name__', self.f)!s}>"


def _kind(x: Any) -> Any:
    """What of an argument a program is compiled for."""
    if type(x) is np.ndarray:
        return x.shape, x.dtype
    if type(x) in NUMBERS:
        return type(x)
    if type(x) is Tensor:
        return Tensor, x.shape, x.dtype, x.name
    if isinstance(x, np.generic):
        return type(x)
    if isinstance(x, np.ndarray):
        refuse_kinds(x, "compile")
        raise TypeError(f"compile: give plain arrays, not a {type(x).__name__}: np.asarray(x)")
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"compile: an argument is a {type(x).__name__}, which is neither an array nor "
            "hashable; close over it instead"
        ) from None
    return type(x), x


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
    """A program for arguments of certain shapes and dtypes, with a function for each thread."""

    def __init__(self, recording: Recorded, threads: int | None) -> None:
        self._recording = recording
        program = recording.program
        self._values = [x.value if isinstance(x, Node) else x for x in program.outputs]
        self._tolerance = program.tolerance()
        self.source = Source(optimized(program, threads))
        self._threads = threading.local()
        self._several = len(program.outputs) != 1
        self._plain = not is_container(recording.output) and not recording.tensors[0]
        self._pair = (
            type(recording.output) is tuple
            and not any(map(is_container, recording.output))
            and not any(recording.tensors)
        )

    def __call__(self, flat: Any) -> Any:
        try:
            function = self._threads.function
        except AttributeError:
            function = self._threads.function = self.source.prepared()
        return self.results(function(*self._arguments(flat)))

    def _arguments(self, flat: Any) -> list[Any]:
        given = [
            x if type(x) is np.ndarray else x._array if type(x) is Tensor else x
            for x in flat if is_dynamic(x)
        ]  # fmt: skip
        recording = self._recording
        for tensor, node in zip(recording.captured, recording.program.captured, strict=True):
            array = tensor._array
            if array.shape != node.shape or array.dtype != node.dtype:
                raise CompileError(f"compile: {node.described()} has another shape or dtype now")
            given.append(array)
        return given

    def results(self, found: Any) -> Any:
        """What the function returned, in its containers."""
        if self._plain:
            return found
        if self._pair and self._several:
            return found
        flat = (found or ()) if self._several else (found,)
        recording = self._recording
        if recording.differentiable and not no_grad.active():
            raise CompileError(
                "compile: the function returns a Tensor that requires a gradient, and a compiled "
                "call records no graph; return .data or .detach(), compile ag.value_and_grad of "
                "it, or call it within ag.no_grad()"
            )
        inner = []
        for y, is_tensor, name in zip(flat, recording.tensors, recording.names, strict=True):
            if is_tensor:
                y = _leaf(np.asarray(y))
                y.name = name
            inner.append(y)
        return rebuilt(recording.output, iter(inner))

    def check(self, flat: list[Any]) -> None:
        """Raise where the code gives something else than was recorded."""
        found = self.source.prepared()(*self._arguments(flat))
        results = (found or ()) if self._several else (found,)
        check_results(results, self._values, self._tolerance, self.text)

    def compare(self, given: Any) -> None:
        """Raise where the function gives something else than it did on stand-ins."""
        found = leaves(given)
        same = [x._array if type(x) is Tensor else x for x in found]
        tensors = self._recording.tensors
        values = [np.asarray(v) if is_tensor else v
                  for v, is_tensor in zip(self._values, tensors, strict=True)]  # fmt: skip
        if not (
            [type(x) is Tensor for x in found] == tensors
            and list(map(_what, same)) == list(map(_what, values))
            and _structure(given) == _structure(self._recording.output)
        ):
            raise CompileError(
                "compile: recorded, the function gives results of other types than called: does "
                "it ask of which type its arguments are? It is called on stand-ins for arrays"
            )
        check_results(values, same, self._tolerance, self.text)

    def forget(self) -> None:
        """Let go of what was recorded for checking."""
        self._values.clear()
        self._recording.program.forget()

    def text(self) -> str:
        program = self._recording.program
        nodes = (*program.inputs, *program.captured)
        given = [f"{name} of {_described(x)}"
                 for name, x in zip(self.source.arguments, nodes, strict=True)]  # fmt: skip
        return self.source.text(f"{program.name} as NumPy code, for {', '.join(given)}.")


def _what(x: Any) -> Any:
    """An array, a number, or something of another type."""
    if isinstance(x, np.ndarray) and x.ndim:
        return np.ndarray
    return "number" if isinstance(x, (np.ndarray, np.generic, *NUMBERS, int)) else type(x)


def optimized(program: Program, threads: int | None = None) -> Program:
    """The program with fewer and cheaper calls; large arrays on up to so many threads."""
    return blocked(biased(simplified(program)), available() if threads is None else threads)


def check_results(
    found: Any, expected: list[Any], tolerance: float, text: Callable[[], str]
) -> None:
    """Raise where results of the code are not those that were recorded, up to rounding."""
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if not isinstance(theirs, (np.ndarray, np.generic, float, complex)):
            continue
        a, b = np.asarray(ours), np.asarray(theirs)
        same = a.shape == b.shape and a.dtype == b.dtype
        if same and b.dtype.kind in "fc" and b.size:
            finite = np.abs(b[np.isfinite(b)])
            scale = finite.max() if finite.size else 1.0
            same = np.allclose(a, b, rtol=tolerance, atol=tolerance * float(scale), equal_nan=True)
        elif same:
            same = np.array_equal(a, b)
        if not same:
            raise CompileError(
                f"compile: the code gives another result {i} than the function: {a} instead of "
                f"{b}. Does an op's forward change its arguments?\n{text()}"
            )


def _described(x: Any) -> str:
    return f"shape {x.shape} ({x.dtype})"
