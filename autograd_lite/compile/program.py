"""From a function and its arguments to a program, recorded twice and compared.

What differs from one call to the next without being computed from the arguments, such as random
numbers, would be frozen; so it is found, and refused.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..containers import leaves, paths, reached, rebuilt, refuse_bound, results
from ..engine.tensor import Tensor, _leaf, is_tracked
from .graph import CompileError, Node, Program, ResultError, called
from .recorder import Recorder
from .traced import Traced

NUMBERS = (float, complex)


class Recorded(NamedTuple):
    """A program, and what is needed to call it.

    Attributes:
        program: the calls.
        captured: the Tensors whose values the program takes besides its arguments.
        output: what the function returned: its containers, around anything.
        tensors: for each leaf of the output, whether it was a Tensor.
        names: of those that are.
        differentiable: whether one of them requires a gradient.
    """

    program: Program
    captured: list[Tensor]
    output: Any
    tensors: list[bool]
    names: list[str | None]
    differentiable: bool = False


def recorded(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded:
    """The program of ``f`` for arguments like these.

    Raises:
        CompileError: a function that can't be compiled; see `autograd_lite.compile`.
    """

    def record(recorder: Recorder) -> Recorded:
        inputs, results, template, tensors, names, differentiable = _called(
            recorder, f, args, kwargs
        )
        recorder.finish()
        captured = [x.node for x in recorder.captured.values()]
        name = getattr(f, "__name__", "")
        name = name if name.isidentifier() else "f"
        program = Program(name, inputs, captured, recorder.nodes, results)
        captured_tensors = list(recorder.captured)
        return Recorded(program, captured_tensors, template, tensors, names, differentiable)

    own = _generators(f)
    before = [repr(g.bit_generator.state) for g in own]
    found = twice(record)
    if before != [repr(g.bit_generator.state) for g in own]:
        raise CompileError(_RANDOM)
    return found


def _generators(f: Any) -> list[np.random.Generator]:
    """The random generators that ``f`` reaches."""
    return [x for x in reached(f) if isinstance(x, np.random.Generator)]


_RANDOM = (
    "compile: the function draws random numbers, which would be frozen; draw them outside, and "
    "pass them as arguments"
)


def twice(record: Callable[[Recorder], Recorded]) -> Recorded:
    """What ``record`` gives, seen to be the same the second time."""
    before = random_state()
    first, second = record(Recorder()), record(Recorder())
    if random_state() != before:
        raise CompileError(_RANDOM)
    _compare(first.program, second.program)
    return first


def random_state() -> Any:
    """Of the generators that everybody shares."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return random.getstate(), kind, np.asarray(keys).tobytes(), rest


def is_dynamic(x: Any) -> bool:
    """Whether an argument's value may differ from call to call, and isn't known beforehand."""
    return isinstance(x, (np.ndarray, np.generic, Tensor)) or type(x) in NUMBERS


def _called(
    recorder: Recorder, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Node], list[Any], Any, list[bool], list[str | None], bool]:
    """Call the function on stand-ins, none of which is left here afterwards."""
    tree = (args, kwargs)
    for x in (*args, *kwargs.values()):
        refuse_bound("compile", x)
    given: list[Any] = []
    inputs = []
    for x, name in zip(leaves(tree), _names(f, args, kwargs), strict=True):
        if not is_dynamic(x):
            given.append(x)
            continue
        traced = recorder.given(x._array if type(x) is Tensor else x, name)
        inputs.append(traced.node)
        given.append(_tensor(traced, x) if type(x) is Tensor else traced)
    own_args, own_kwargs = rebuilt(tree, iter(given))
    with recorder.writing():
        try:
            output = f(*own_args, **own_kwargs)
        except Exception:  # NumPy puts others in place of a refusal
            if recorder.refused is not None:
                raise recorder.refused from None
            raise
        try:
            found = results("compile", output, constants=True)
        except TypeError as error:
            raise ResultError(str(error)) from None
        nodes = [recorder.output(y) for y in found]
    template = rebuilt(output, iter(range(len(found))))
    kinds = [type(y) is Tensor for y in found]
    names = [y.name if type(y) is Tensor else None for y in found]
    return inputs, nodes, template, kinds, names, any(map(is_tracked, found))


def _tensor(traced: Traced, like: Tensor) -> Tensor:
    tensor = _leaf(traced)  # type: ignore[arg-type]
    tensor.name = like.name
    return tensor


def _names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """What to call each leaf of the arguments: ``x``, of containers ``p_w`` and ``p_0``."""
    try:
        bound = inspect.signature(f).bind(*args)
    except (TypeError, ValueError):
        named = [(f"x_{i}", x) for i, x in enumerate(args)]
    else:
        named = []
        for name, x in bound.arguments.items():
            kind = bound.signature.parameters[name].kind
            several = kind is inspect.Parameter.VAR_POSITIONAL
            named += [(f"{name}_{i}", y) for i, y in enumerate(x)] if several else [(name, x)]
    return [
        getattr(leaf, "name", None) or name + re.sub(r"\W+", "_", path).rstrip("_")
        for name, x in (*named, *kwargs.items())
        for path, leaf in zip(paths(x), leaves(x), strict=True)
    ]


def _compare(first: Program, second: Program) -> None:
    place: dict[Node, Any] = {}
    for programs in (first, second):
        given = (*programs.inputs, *programs.captured, *programs.nodes)
        place.update((node, i) for i, node in enumerate(given))
    for a, b in zip_longest(first.nodes, second.nodes):
        if a is None or b is None or not _alike((a.function, a.args, a.kwargs),
                                                (b.function, b.args, b.kwargs), place):  # fmt: skip
            odd = a or b
            raise CompileError(
                f"compile: called twice with the same arguments, the function computes "
                f"{odd.described()} otherwise the second time. Random numbers, counters and the "
                f"time would be frozen: draw them outside, and pass them as arguments\n"
                f"  {called(odd.function)} at {odd.line}"
            )
    if not _alike(first.outputs, second.outputs, place):
        raise CompileError(
            "compile: called twice with the same arguments, the function returns something else "
            "the second time, which isn't computed from them; pass it as an argument"
        )


def _alike(a: Any, b: Any, place: dict[Node, Any]) -> bool:
    if isinstance(a, Node) and isinstance(b, Node):
        return bool(place[a] == place[b])
    if isinstance(a, (tuple, list)) and type(a) is type(b):
        return len(a) == len(b) and all(_alike(x, y, place) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key], place) for key in a)
    if isinstance(a, slice) and isinstance(b, slice):
        return _alike((a.start, a.stop, a.step), (b.start, b.stop, b.step), place)
    if isinstance(a, (np.ndarray, np.generic)) and type(a) is type(b):
        return a is b or (a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, FunctionType):
        return a.__code__ is b.__code__ and _alike(_held(a), _held(b), place)
    if isinstance(a, partial):
        return _alike((a.func, a.args, a.keywords), (b.func, b.args, b.keywords), place)
    own: Any = type(a).__eq__
    if own is object.__eq__:
        return _alike(getattr(a, "__dict__", {}), getattr(b, "__dict__", {}), place)
    same = a == b or (a != a and b != b)
    return bool(same)


def _held(f: FunctionType) -> tuple[Any, ...]:
    """What a function closes over, and its defaults."""
    cells = [cell.cell_contents for cell in f.__closure__ or () if cell.cell_contents is not f]
    return cells, f.__defaults__, f.__kwdefaults__
