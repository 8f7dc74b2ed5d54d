"""From a function and its arguments to a program, and whether that is the function."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..arrays import array_of
from ..containers import is_numeric, leaves, paths, rebuilt, results
from ..engine.tensor import Tensor, _leaf, is_tracked
from .graph import (
    Changed,
    CompileError,
    Guard,
    KindError,
    Node,
    Program,
    mapped,
    matches,
    values,
    varies,
)
from .recorder import Recorder

NUMBERS = (float, complex)


class Recorded(NamedTuple):
    """A program, and what is needed to call it.

    Attributes:
        program: the calls.
        captured: the Tensors whose values the program takes besides its arguments.
        output: what the function returned: its containers, around anything.
        kinds: for each leaf of the output "array"; of a Tensor its name, in a tuple; and of what is
            no number itself, in a list.
    """

    program: Program
    captured: list[Tensor]
    output: Any
    kinds: list[Any]


def recorded(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded:
    """The program of ``f`` for arguments like these.

    Raises:
        CompileError: a function that can't be compiled; see `autograd_lite.compile`.
    """
    recorder, inputs = Recorder(), list[Node]()
    names = _names(f, args, kwargs)

    def stand_in(x: Any) -> Any:
        name = next(names)
        if not is_dynamic(x):
            return x
        traced: Any = recorder.given(array_of(x), name)
        inputs.append(traced.node)
        if type(x) is not Tensor:
            return traced
        tensor = _leaf(traced)
        tensor.name = x.name
        return tensor

    own_args, own_kwargs = rebuilt((args, kwargs), map(stand_in, leaves((args, kwargs))))
    with recorder.recording():
        output = f(*own_args, **own_kwargs)
        try:
            found = results("compile", output, constants=True)
        except TypeError as error:
            raise KindError(str(error)) from None
        outputs = [recorder.output(y) for y in found if is_numeric(y)]
    if any(map(is_tracked, found)):
        raise CompileError(
            "compile: the function returns a Tensor that requires a gradient, and a compiled call "
            "has no graph; return .data, compile ag.value_and_grad of it, or call it within no_grad"
        )
    kinds = [(y.name,) if type(y) is Tensor else "array" if is_numeric(y) else [y] for y in found]
    template = rebuilt(output, iter(range(len(found))))
    name = getattr(f, "__name__", "")
    name = name if name.isidentifier() else "f"
    captured = [x.node for x in recorder.captured.values()]
    program = Program(name, inputs, captured, recorder.nodes, outputs)
    return Recorded(program, list(recorder.captured), template, kinds)


def is_dynamic(x: Any) -> bool:
    """Whether an argument's value may differ from call to call, and isn't known beforehand."""
    return type(x) in NUMBERS or type(x) is Tensor or (
        isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc"
    )


def arrays(tree: Any) -> list[Any]:
    """The arrays and numbers in what a function returned."""
    return [array_of(x) for x in leaves(tree) if is_numeric(x)]


def _names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    """What to call each leaf of the arguments: ``x``, of containers ``p_w`` and ``p_0``."""
    try:
        known = inspect.signature(f).bind(*args, **kwargs).arguments.items()
        kinds = {name: p.kind for name, p in inspect.signature(f).parameters.items()}
    except (TypeError, ValueError):
        known, kinds = {"x": args, "": kwargs}.items(), {}
    for name, x in known:
        name = "" if kinds.get(name) is inspect.Parameter.VAR_KEYWORD else name
        for path, leaf in zip(paths(x), leaves(x), strict=True):
            own = leaf.name if type(leaf) is Tensor else None
            yield own or re.sub(r"\W+", "_", name + path).strip("_") or "x"


# ---------------------------------------------------------------------- is it the function?


def largest(x: Any) -> float:
    """The largest finite entry."""
    if getattr(x, "dtype", np.dtype(bool)).kind not in "fc":
        return 0.0
    sizes = np.abs(x)
    found = float(np.maximum.reduce(sizes, None, initial=0.0))
    if not found < np.inf:
        found = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    return found if found < 1e100 else 0.0


def _changed(x: Any, how: Callable[[Any], Any]) -> Any:
    """An argument with other numbers, of the same type, shape and dtype."""
    if not is_dynamic(x):
        return x
    array = np.asarray(array_of(x))
    new = np.array(how(array).astype(array.dtype))
    if type(x) is Tensor:
        tensor = Tensor(new, name=x.name)
        tensor._tracked = x._tracked
        return tensor
    return new if isinstance(x, np.ndarray) else type(x)(new[()])


def nudged(x: Any) -> Any:
    """Other numbers, as near as rounding would take them."""
    return _changed(x, lambda a: a if a.dtype.kind in "biu" else a * (
        1 + 2 * np.finfo(a.dtype).eps * np.where(np.arange(a.size) % 3 == 1, -1, 1)
        .reshape(a.shape)))  # fmt: skip


def others(x: Any) -> list[Any]:
    """Other numbers, which a function may take another way with."""
    turned = _changed(x, lambda a: a.reshape(-1)[::-1].reshape(a.shape))
    ways = (lambda a: a if a.dtype.kind in "iu" else ~a if a.dtype.kind == "b" else -a,
            lambda a: a if a.dtype.kind in "biu" else a * 0.043 + 0.031)  # fmt: skip
    return [_changed(y, way) for y, way in zip((x, turned), ways, strict=True)]


def differ(a: Any, b: Any, slack: float, rtol: float) -> bool:
    """Whether two results differ by more than rounding can do: ``slack``, besides their size's."""
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.dtype != y.dtype or (
        x.ndim and (type(a) is np.ndarray) != (type(b) is np.ndarray)
    ):
        return True
    if y.dtype.kind not in "fc":
        return not np.array_equal(x, y)
    slack += rtol * largest(y)
    return not np.allclose(x, y, rtol=rtol, atol=slack, equal_nan=True)


class Check:
    """Whether code gives what a program gives, up to rounding, and a program what its function.

    How much rounding can do is seen by other numbers, as near as rounding takes them, and by the
    largest number on the way: what cancels leaves its rounding.

    Args:
        program: as it was recorded.
        given: values of its inputs, and of what it captured.
    """

    def __init__(self, program: Program, given: list[Any]) -> None:
        self.given = given
        self._given = (*program.inputs, *program.captured)
        self._calls = [(node, node.args, node.kwargs) for node in program.nodes]  # to be changed
        self._results = (*program.outputs, *program.updates.values())
        self._returned = len(program.outputs)
        self._values = values(self._results)
        kinds = {np.dtype(getattr(node.value, "dtype", type(node.value)))
                 for node in (*self._given, *program.nodes)}  # fmt: skip
        eps = max((float(np.finfo(d).eps) for d in kinds if d.kind in "fc"), default=0.0)
        self._rtol = min(1e5 * eps, 0.01)

    def _replayed(self, given: list[Any], seen: Callable[[Any], Any] | None = None) -> list[Any]:
        """What the calls give for other arguments and captured values; ``seen`` is told each.

        Raises:
            Changed: values decide otherwise.
        """
        known: dict[Any, Any] = dict(zip(self._given, given, strict=True))

        def of(x: Any) -> Any:
            return known[x] if type(x) is Node else x

        for node, args, kwargs in self._calls:
            value = node.function(*mapped(args, of), **mapped(kwargs, of) if kwargs else kwargs)
            if value != node.value if type(node) is Guard else (
                not matches(node, value) and varies(node)
            ):
                raise Changed
            known[node] = value
            if seen is not None:
                seen(value)
        return list(map(of, self._results))

    @cached_property
    def _largest(self) -> float:
        sizes = [0.0]
        self._replayed(self.given, lambda x: sizes.append(largest(x)))
        return max(sizes)

    def _moved(self, given: list[Any], found: list[Any]) -> list[float]:
        """What rounding may change of what the program gives."""
        try:
            near = self._replayed(list(map(nudged, given)))
        except Exception:  # whatever the function's own calls raise there
            near = found
        moved = [np.subtract(a, b, dtype=np.result_type(a, 1.0))
                 for a, b in zip(found, near, strict=False)]  # fmt: skip
        return [1e4 * largest(x) + 1e-3 * self._rtol * self._largest for x in moved]

    def code(self, found: list[Any], said: str) -> None:
        """Raise where the code gives something else, of which ``said`` is said."""
        i = self._wrong(self._values, found, self.given, self._rtol)
        if i is not None:
            theirs = f"result {i} of the code is {found[i]}, and was {self._values[i]}"
            raise CompileError(f"compile: {theirs}; {said}")

    def _wrong(self, ours: list[Any], others: list[Any], given: list[Any], rtol: float) -> Any:
        """Which of others differs from the program's by more than rounding can do, or None."""
        both = list(zip(ours, others, strict=True))
        if not any(differ(a, b, 0.0, rtol) for a, b in both):
            return None
        slack = zip(both, self._moved(given, ours), strict=True)
        return next((i for i, ((a, b), s) in enumerate(slack) if differ(a, b, s, rtol)), None)

    def function(self, expected: list[Any]) -> None:
        """Raise where the function, called, gives something else than on stand-ins."""
        self._compare(self._values, expected, self.given, self._rtol)

    def elsewhere(self, f: Callable[[list[Any]], list[Any]], given: list[list[Any]]) -> None:
        """Raise where the function gives something else for other arguments than the program.

        Args:
            f: of arguments, gives its results.
            given: several other arguments; those that are numbers are the program's first.
        """
        for few in given:
            own = [array_of(x) for x in few if is_dynamic(x)]
            every = [*own, *self.given[len(own) :]]
            try:
                found = self._replayed(every)
            except Exception:  # then f is called
                continue
            try:
                expected = f(few)
            except Exception as error:
                said = f"compile: for other numbers the function raises {error!r}, and compiled not"
                raise CompileError(f"{said}: {_ASKS}") from None
            self._compare(found, expected, every, max(self._rtol, 1e-6))

    def _compare(
        self, found: list[Any], expected: list[Any], given: list[Any], rtol: float
    ) -> None:
        """Raise where results differ by more than rounding can do with what was given."""
        if len(expected) == self._returned and (
            self._wrong(found[: self._returned], expected, given, rtol) is None
        ):
            return
        raise CompileError(
            "compile: called again, or on other numbers, the function gives something else than "
            f"recorded: {_ASKS} Random numbers, counters and the time: pass them as arguments"
        )


_ASKS = "does it ask of which type arguments are (isinstance, type), or catch exceptions?"
