"""From a function and its arguments to a program, and whether that is the function."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..containers import is_numeric, leaves, paths, rebuilt, refuse_bound, results
from ..engine.tensor import Tensor, _leaf, is_tracked
from .graph import Changed, CompileError, Guard, Node, Program, ResultError, mapped, matches, varies
from .recorder import Recorder

NUMBERS = (float, complex)


class Recorded(NamedTuple):
    """A program, and what is needed to call it.

    Attributes:
        program: the calls.
        captured: the Tensors whose values the program takes besides its arguments.
        output: what the function returned: its containers, around anything.
        kinds: for each leaf of the output "array", or what it is where the program hasn't got it:
            the name of a Tensor, in a tuple, or what is no number.
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
    recorder = Recorder()
    tree = (args, kwargs)
    for x in (*args, *kwargs.values()):
        refuse_bound("compile", x)
    given: list[Any] = []
    inputs = []
    for x, name in zip(leaves(tree), _names(f, args, kwargs), strict=True):
        if is_dynamic(x):
            traced = recorder.given(x._array if type(x) is Tensor else x, name)
            inputs.append(traced.node)
            x = _tensor(traced, x) if type(x) is Tensor else traced
        given.append(x)
    own_args, own_kwargs = rebuilt(tree, iter(given))
    with recorder.recording():
        output = f(*own_args, **own_kwargs)
        try:
            found = results("compile", output, constants=True)
        except TypeError as error:
            raise ResultError(str(error)) from None
        outputs = [recorder.output(y) for y in found if is_numeric(y)]
    if any(map(is_tracked, found)):
        raise CompileError(
            "compile: the function returns a Tensor that requires a gradient, and a compiled call "
            "records no graph; return .data or .detach(), compile ag.value_and_grad of it, or call "
            "it within ag.no_grad()"
        )
    kinds = [(y.name,) if type(y) is Tensor else "array" if is_numeric(y) else [y] for y in found]
    template = rebuilt(output, iter(range(len(found))))
    name = getattr(f, "__name__", "")
    captured = [x.node for x in recorder.captured.values()]
    program = Program(name if name.isidentifier() else "f", inputs, captured, recorder.nodes, outputs)
    return Recorded(program, list(recorder.captured), template, kinds)


def is_dynamic(x: Any) -> bool:
    """Whether an argument's value may differ from call to call, and isn't known beforehand."""
    return type(x) in NUMBERS or type(x) is Tensor or (
        isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc"
    )


def _tensor(traced: Any, like: Tensor) -> Tensor:
    tensor = _leaf(traced)
    tensor.name = like.name
    return tensor


def _names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    """What to call each leaf of the arguments: ``x``, of containers ``p_w`` and ``p_0``."""
    try:
        known = [(p.name, p.kind) for p in inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        known = []
    plain = [n for n, kind in known if kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
    rest = next((n for n, kind in known if kind is kind.VAR_POSITIONAL), "x")
    for name, x in (
        *((plain[i] if i < len(plain) else f"{rest}_{i - len(plain)}", x) for i, x in enumerate(args)),
        *kwargs.items(),
    ):
        for path, leaf in zip(paths(x), leaves(x), strict=True):
            own = leaf.name if type(leaf) is Tensor else None
            yield own or name + re.sub(r"\W+", "_", path).rstrip("_")


# ---------------------------------------------------------------------- is it the function?


def arrays(output: Any) -> list[Any]:
    """The arrays and numbers in what a function returned."""
    return [x._array if type(x) is Tensor else x for x in leaves(output) if is_numeric(x)]


def replayed(program: Program, given: list[Any]) -> tuple[list[Any], float]:
    """What the calls give for other arguments and captured values; and the largest number of all.

    Raises:
        Changed: values decide otherwise.
    """
    values = dict(zip((*program.inputs, *program.captured), given, strict=True))
    largest = 0.0

    def of(x: Any) -> Any:
        return values[x] if isinstance(x, Node) else x

    for node in program.nodes:
        args = mapped(node.args, of)
        if isinstance(node, Guard):
            if not node.same(*args):
                raise Changed
            continue
        value = values[node] = node.function(*args, **mapped(node.kwargs, of))  # type: ignore[misc]
        if varies(node) and not matches(node, value):
            raise Changed
        largest = max(largest, _size(value))
    return [of(x) for x in (*program.outputs, *program.updates.values())], largest


def _size(x: Any) -> float:
    """The largest finite entry."""
    if getattr(x, "dtype", np.dtype(bool)).kind not in "fc":
        return 0.0
    found = float(np.max(np.abs(x), initial=0.0))
    if not np.isfinite(found):
        sizes = np.abs(x)
        found = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    return found if found < 1e100 else 0.0


def nudged(x: Any) -> Any:
    """Other numbers, as near as rounding would take them."""
    if not is_dynamic(x) or np.asarray(x).dtype.kind not in "fc":
        return x
    array = np.asarray(x)
    signs = np.where(np.arange(array.size) % 3 == 1, -1, 1).reshape(array.shape)
    moved = (array * (1 + 2 * np.finfo(array.dtype).eps * signs)).astype(array.dtype)
    return moved if isinstance(x, np.ndarray) else type(x)(moved[()])


def others(x: Any) -> list[Any]:
    """Other numbers of that type and shape, which a function may take another way with."""
    if type(x) is Tensor:
        return [_like(x, array) for array in others(x._array)]
    if not isinstance(x, (np.ndarray, np.generic, *NUMBERS)) or not is_dynamic(x):
        return [x] * 3
    array = np.asarray(x)
    turned = array.reshape(-1)[::-1].reshape(array.shape)
    if array.dtype.kind in "fc":
        scaled = (array * 0.043 + 0.031).astype(array.dtype)
        found = [-array, scaled, turned * array.dtype.type(1.37)]
    else:
        found = [array, turned, ~array if array.dtype.kind == "b" else array]
    return [np.array(a) if isinstance(x, np.ndarray) else type(x)(a[()]) for a in found]


def _like(x: Tensor, array: Any) -> Tensor:
    new = Tensor(array, name=x.name)
    new._tracked = x._tracked
    return new


def differ(a: Any, b: Any, slack: float, rtol: float) -> bool:
    """Whether two results differ by more than rounding can do: ``slack``, besides their size's."""
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.dtype != y.dtype or (a.__class__ is np.ndarray and x.ndim > 0) != (
        b.__class__ is np.ndarray and y.ndim > 0
    ):
        return True
    if y.dtype.kind not in "fc":
        return not np.array_equal(x, y)
    finite = np.abs(y[np.isfinite(y)])
    slack += rtol * float(finite.max(initial=0.0))
    return not np.allclose(x, y, rtol=rtol, atol=slack, equal_nan=True)


def tolerance(program: Program) -> float:
    """How far rounding may take results from what was recorded, relative to their size."""
    kinds = {node.dtype for node in (*program.inputs, *program.captured, *program.nodes)
             if not isinstance(node, Guard)}  # fmt: skip
    eps = [float(np.finfo(dtype).eps) for dtype in kinds if dtype.kind in "fc"]
    return min(1e5 * max(eps, default=0.0), 0.01)


class Check:
    """Whether code gives what a program gives, up to rounding, and a program what its function.

    How much rounding can do is seen by other numbers, as near as rounding takes them, and by the
    largest number on the way: what cancels leaves its rounding.

    Args:
        program: as it was recorded.
        given: values of its inputs, and of what it captured.
    """

    def __init__(self, program: Program, given: list[Any]) -> None:
        self._program, self.given = program, given
        kinds = {node.dtype for node in (*program.inputs, *program.captured, *program.nodes)
                 if not isinstance(node, Guard)}  # fmt: skip
        eps = max((float(np.finfo(d).eps) for d in kinds if d.kind in "fc"), default=0.0)
        self._rtol = min(1e5 * eps, 0.01)
        self.values, self._slack = self._at(given)

    def _at(self, given: list[Any]) -> tuple[list[Any], list[float]]:
        """What the program gives, and what rounding may change of that."""
        values, largest = replayed(self._program, given)
        try:
            near = replayed(self._program, list(map(nudged, given)))[0]
        except Exception:  # whatever the function's own calls raise there
            near = values
        slack = []
        for a, b in zip(values, near, strict=True):
            moved = np.abs(np.subtract(a, b, dtype=np.result_type(a, 1.0)))
            finite = moved[np.isfinite(moved)]
            slack.append(1e4 * float(finite.max(initial=0.0)) + 1e-3 * self._rtol * largest)
        return values, slack

    def code(self, found: list[Any], text: Callable[[], str]) -> None:
        """Raise where the code gives something else."""
        for i, (ours, theirs, slack) in enumerate(
            zip(found, self.values, self._slack, strict=True)
        ):
            if differ(ours, theirs, slack, self._rtol):
                raise CompileError(
                    f"compile: the code gives another result {i} than was recorded, {ours} instead "
                    f"of {theirs}: please report this program\n{text()}"
                )

    def function(self, expected: list[Any]) -> None:
        """Raise where the function, called, gives something else than on stand-ins."""
        self._compare(self.values, expected, self._slack, self._rtol)

    def elsewhere(self, f: Callable[[list[Any]], list[Any]], given: list[list[Any]]) -> None:
        """Raise where the function gives something else for other arguments than the program.

        Args:
            f: of arguments, gives its results.
            given: several other arguments; those that are numbers are the program's first.
        """
        for few in given:
            own = [x._array if type(x) is Tensor else x for x in few if is_dynamic(x)]
            try:
                values, slack = self._at([*own, *self.given[len(own) :]])
            except Exception:  # then f is called
                continue
            try:
                expected = f(few)
            except Exception as error:
                raise CompileError(
                    f"compile: for other numbers the function raises {error!r}, and compiled it "
                    f"wouldn't: {_ASKS}"
                ) from None
            self._compare(values, expected, slack, max(self._rtol, 1e-6))

    def _compare(
        self, values: list[Any], expected: list[Any], slack: list[float], rtol: float
    ) -> None:
        if len(expected) != len(self._program.outputs) or any(
            differ(a, b, c, rtol) for a, b, c in zip(values, expected, slack, strict=False)
        ):
            raise CompileError(_OTHERWISE)


_ASKS = (
    "does it ask of which type its arguments are (isinstance, type), or catch exceptions? It is "
    "called on stand-ins for arrays"
)
_OTHERWISE = (
    "compile: the function gives something else when it is called again on the same numbers, or on "
    f"others, than what it computed when it was recorded: {_ASKS}. Random numbers, counters and the "
    "time would be frozen: pass them as arguments"
)


