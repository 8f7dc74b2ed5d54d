"""From a function and its arguments to a program, and whether that is the function."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import repeat
from numbers import Number
from operator import is_not
from typing import Any

import numpy as np

from .. import containers
from ..arrays import array_of, refuse_kinds
from ..containers import is_container, is_numeric, leaves, paths, rebuilt, results
from ..engine.tensor import Tensor, is_tracked
from .draws import Draws
from .graph import CompileError, EndlessError, Guard, KindError, Node, Program, values
from .outside import outside
from .recorder import Recorder, leaf_like

NUMBERS = (float, complex)


def recorded(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], most: float = math.inf
) -> Program:
    """The program of ``f`` for arguments like these.

    Raises:
        CompileError: a function that can't be compiled; see `autograd_lite.compile`.
        EndlessError: it makes more than so many calls of NumPy.
    """
    recorder, inputs = Recorder(most), list[Node]()
    called = _names(f, args, kwargs)

    def stand_in(x: Any) -> Any:
        name = next(called)
        if not is_dynamic(x):
            return x
        traced: Any = recorder.given(array_of(x), name)
        inputs.append(traced.node)
        return leaf_like(x, traced) if type(x) is Tensor else traced

    own = list(map(stand_in, leaves((args, kwargs))))
    given = own_args, own_kwargs = rebuilt((args, kwargs), iter(own))
    with recorder.recording():
        output = containers.settled(f(*own_args, **own_kwargs))
        if structure(given) != structure((args, kwargs)) or any(map(is_not, leaves(given), own)):
            recorder.refuse(
                "the function changes a list, dict or object that it is given, a side effect; "
                "return a new one, such as {**state, 'h': h}, or compile the parts"
            )
        try:
            for x in (*args, *kwargs.values()):
                containers.refuse_bound("compile", x)
            found = results("compile", output, constants=True)
        except TypeError as error:
            raise KindError(str(error)) from None
        outputs = [recorder.output(y) for y in found if is_numeric(y)]
    if any(map(is_tracked, found)):
        raise CompileError(
            "compile: the function returns a Tensor that requires a gradient, and a compiled call "
            "has no graph; return .data, compile ag.value_and_grad of it, or call it within no_grad"
        )
    template = rebuilt(output, iter(
        [Tensor(0, name=y.name) if type(y) is Tensor else 0 if is_numeric(y) else y for y in found]
    ))  # fmt: skip
    name = getattr(f, "__name__", "f").replace("<lambda>", "f")
    captured: dict[Node, Any] = {}
    for x, traced in recorder.captured.items():
        if traced.node.function is None:
            captured.setdefault(traced.node, x)
    n = len(outputs) - len(recorder.updated)
    updates = {recorder.captured[x].node: y for x, y in zip(recorder.updated, outputs[n:])}  # noqa: B905
    return Program(name, inputs, captured, recorder.nodes, outputs[:n], updates, template)


def is_dynamic(x: Any) -> bool:
    """Whether an argument's value may differ from call to call, and isn't known beforehand."""
    return type(x) in NUMBERS or type(x) is Tensor or (
        isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc"
    )


_BY_TEXT = (int, str, bytes, np.generic, np.dtype, range, Number)  # equal ones may differ


def kind(x: Any) -> Any:
    """What of an argument a program is compiled for."""
    if type(x) is np.ndarray and x.dtype.kind in "biufc":
        return x.shape, x.dtype
    if type(x) is Tensor:
        return Tensor, x.shape, x.dtype, x.name
    if isinstance(x, np.ndarray):
        refuse_kinds(x, "compile")
        raise TypeError(f"compile: give arrays of numbers, not a {type(x).__name__} of {x.dtype}")
    if is_dynamic(x):
        return type(x)
    if hasattr(type(x), "__next__"):
        raise KindError(f"compile: a {type(x).__name__} is used up by a call; give a list of it")
    return type(x), repr(x) if isinstance(x, _BY_TEXT) and not hasattr(x, "__dict__") else id(x)


def structure(tree: Any) -> Any:
    """What of containers it is compiled for."""
    if not is_container(tree):
        return None
    of = type(tree)
    if of is tuple or of is list:
        return of, tuple(map(structure, tree))
    kept = () if of is dict else [(name, kind(x)) for name, x in containers.settings(tree).items()]
    inner = tree if of is dict else containers.parts(tree)
    return of, tuple([(type(key), key, structure(x)) for key, x in inner.items()]), *kept


def arrays(tree: Any) -> list[Any]:
    """The arrays and numbers in what a function returned."""
    return [array_of(x) for x in leaves(tree) if is_numeric(x)]


def _names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    """What to call each leaf of the arguments: ``x``, of containers ``p_w`` and ``p_0``."""
    try:
        known = inspect.signature(f).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        known = {"x": args, "": kwargs}
    for name, x in known.items():
        for path, leaf in zip(paths(x), leaves(x), strict=True):
            own = leaf.name if type(leaf) is Tensor else None
            yield own or re.sub(r"\W+", "_", name + path).strip("_") or "x"


# ---------------------------------------------------------------------- is it the function?


def largest(x: Any) -> float:
    """The largest finite entry."""
    if getattr(x, "dtype", np.dtype(bool)).kind not in "fc":
        return 0.0
    found = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
    return found if found < 1e100 else 0.0


def _changed(x: Any, how: Callable[[Any], Any]) -> Any:
    """An argument with other numbers, of the same type, shape and dtype."""
    if not is_dynamic(x):
        return x
    array = np.asarray(array_of(x))
    new = np.array(how(array).astype(array.dtype))
    if type(x) is Tensor:
        return leaf_like(x, new)
    return new if isinstance(x, np.ndarray) else type(x)(new[()])


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
    return not np.allclose(x, y, rtol=rtol, atol=slack + rtol * largest(y), equal_nan=True)


def tried(
    f: Callable[..., Any], arguments: Any, program: Program
) -> list[tuple[list[Any], Any]]:
    """What the function gives, or raises, of these arguments, and of others; not of those with
    which a loop, that values decide on, doesn't seem to end.
    """
    first, found = leaves(arguments), []
    decides = any(type(node) is Guard and node.name is None for node in program.nodes)
    for flat in (first, *zip(*map(others, first), strict=True)):
        args, kwargs = rebuilt(arguments, iter(flat))
        if decides and flat is not first:
            try:
                recorded(f, args, kwargs, 10 * len(program.nodes) + 1000)
            except EndlessError:
                continue
            except (Exception, SystemExit):  # a call's, too, or it isn't compiled for these
                pass
        try:
            with Draws(), outside() if flat is first else nullcontext():
                result: Any = containers.settled(f(*args, **kwargs))
        except (Exception, SystemExit) as error:
            if flat is first:
                raise
            result = error
        found.append(([array_of(x) for x in flat if is_dynamic(x)], result))
    return found


def fault(program: Program, code: Callable[[list[Any]], list[Any]], tried: list[Any]) -> str:
    """What is wrong where code gives something else than the function, of these arguments or of
    others; "" where nothing is.

    What cancels leaves the rounding of the largest number on the way.

    Args:
        program: what was recorded.
        code: of what it is given, gives its results.
        tried: arguments, the first of which were recorded, and what the function gave.
    """
    captured = values([*program.captured])  # and what is drawn, as it was
    every = [*values([*program.inputs, *program.nodes]), *captured]
    kinds = {np.dtype(getattr(x, "dtype", type(x))) for x in every}
    eps = max((float(np.finfo(d).eps) for d in kinds if d.kind in "fc"), default=0.0)
    rtol, most = min(max(1e5 * eps, 1e-6), 0.01), 100 * eps * max(map(largest, every), default=0.0)
    for i, (few, result) in enumerate(tried):
        try:
            ours, theirs = code([*few, *captured]), arrays(result)
        except Exception as error:
            if isinstance(error, CompileError):
                raise
            if i == 0:  # which the function's own call, before, did not
                return f"of the same numbers the code raises {error!r}: {_ASKS}"
            continue  # then f is called
        if isinstance(result, BaseException):
            return f"for other numbers the function raises {result!r}, and compiled not: {_ASKS}"
        if i == 0 and structure(result) != structure(program.template):
            return "called again, the function gives other containers"
        if len(ours) != len(theirs) or any(map(differ, ours, theirs, repeat(most), repeat(rtol))):
            return _ASKS
    return ""


_ASKS = (
    "called again, or on other numbers, the function gives something else than recorded: does it "
    "ask of which type arguments are (isinstance, type), or catch exceptions? Random numbers, "
    "counters and the time: pass them as arguments"
)
