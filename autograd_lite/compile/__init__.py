"""compile: a function as straight-line NumPy code.

To read it, in this order: `graph` (what a program is made of), `traced` (what takes the arrays'
place), `recorder` (how a function becomes a program), `program` (recorded, twice), `simplify` (made
shorter), `bias` and `blocks` (made quicker), `memory` (where values lie), `expressions`, `rows`,
`threads` and `writer` (its lines), `source` (the code), `compiled` (what is called).

The work is imported by the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..modes import KINDS

if TYPE_CHECKING:
    from ..engine.modes import Mode
    from .compiled import Compiled
    from .graph import CompileError

__all__ = ["CompileError", "Compiled", "compile"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import compiled, graph

    return getattr(graph if name == "CompileError" else compiled, name)


def _capture() -> type[Mode]:
    from .recorder import Capture

    return Capture


KINDS["capture"] = _capture


def compile(f: Callable[..., Any], *, threads: int | None = None) -> Compiled:
    """``f`` as a function that runs the NumPy code which it comes down to, and nothing else.

    At the first call with arguments of new shapes and dtypes, ``f`` is called on stand-ins, which
    write down what NumPy is asked to do: of ``ag.grad(f)`` or any other transform the backward
    pass, too. That is simplified, written out as straight-line code with its buffers, run, and
    compared with what ``f`` gave.

    Args:
        f: of arrays and floats, which may differ from call to call, in nested tuples, lists and
            dicts; anything else (an int, a string, None) is known, and compiled for. It may use
            Tensors, such as a network's parameters: their values are read at each call. Arrays
            and numbers that it closes over are taken as they are when it is compiled.
        threads: among how many chains of elementwise calls on large arrays are shared, at most.
            By default OMP_NUM_THREADS where that is set, and as many as there are processors;
            the result doesn't depend on it but for rounding.

    Returns:
        A `Compiled`: called as ``f``, with its results. They are the caller's; called with Tensors
        that require a gradient, or within a transform, it is ``f`` itself.

    Raises:
        CompileError: at the call: control flow on values, a shape that depends on values, random
            numbers that aren't an argument, side effects, writing into arrays; with op and line.
            Also a Tensor as result that requires a gradient, of which a compiled call has no graph:
            return its ``.data``, or call within `no_grad`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> step = ag.compile(ag.value_and_grad(lambda w, x: np.sum(np.tanh(x * w) ** 2)))
        >>> value, gradient = step(np.array([0.5, -1.0]), np.array([2.0, 1.0]))
        >>> gradient.round(4)
        array([ 1.2794, -0.6397])
        >>> "tanh(" in step.source
        True
    """
    from .compiled import Compiled

    return Compiled(f, threads)
