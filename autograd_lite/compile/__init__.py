"""compile: a function as straight-line NumPy code.

To read it, in this order: `graph` (what a program is made of), `traced` (what takes the arrays'
place), `recorder` (what writes it down), `recording` (how a function becomes a program, and
whether that is the function), `watch` (what it reads besides), `outside` (what of that is refused),
`draws` (and what it draws), `simplify` (made shorter), `memory` (where values lie), `writer` (the
code), `loops` (what repeats in it), `jit` (or JAX runs it), `compiled` (what is called).

The work is imported by the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiled import Compiled


def compile(f: Callable[..., Any], jit: bool = False) -> Compiled:
    """``f`` as a function that runs the NumPy code which it comes down to, and nothing else.

    At the first call with arguments of new shapes and dtypes, ``f`` is called on stand-ins, which
    write down what NumPy is asked to do: of ``ag.grad(f)`` or any other transform the backward
    pass, too. That is compared with what ``f`` gives, for these arguments and for others,
    simplified, and written out as straight-line code with its buffers.

    What ``f`` reads besides is read at each call (Tensors, such as a network's parameters), or
    watched: when an attribute, a global, an array that it closes over, a Tensor's
    ``requires_grad`` or a truth that it asked for has changed, it is compiled anew; when that
    comes again and again, it runs as it is, with a warning. Where the code raises, ``f`` is called.

    Given arrays of another library, such as Dask's or CuPy's, or where ``f`` holds some, it runs as
    it is: the code is written for NumPy's.

    Args:
        f: of arrays and floats, which may differ from call to call, in nested tuples, lists and
            dicts; anything else (an int, a string, None) is known, and compiled for; an object is
            watched. A method may be compiled, too.
        jit: let JAX run what was recorded (the extra ``jit``): fused, on several cores or a GPU.

    Returns:
        A `Compiled`: called as ``f``, with its results. They are the caller's; called with Tensors
        that require a gradient, or within a transform, it is ``f`` itself.

    Raises:
        CompileError: at the call: a value asked for as a float or as text, random numbers that are
            no argument (but those of `nn.Dropout`), side effects, writing into arguments, files,
            the clock, printing, warning; with op and line. Also a Tensor as result that requires a
            gradient, of which a compiled call has no graph: return its ``.data``, or call within
            `no_grad`.

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

    return Compiled(f, jit)
