"""`detect_anomaly`: which op made the first nan or inf, on which line of the user's code."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, NoReturn

import numpy as np

from . import errors
from .engine.backward import fit
from .engine.modes import Mode, Run
from .engine.tensor import Tensor
from .lines import line_of, remember


class detect_anomaly(Mode):  # noqa: N801  (used like a function)
    """Within it, in this thread, the first op that makes a nan or an inf raises, and is named.

    In the forward pass that is an op whose result isn't finite although its operands are; in the
    backward pass one whose rule gives what isn't finite for a cotangent that is. The error names
    the op, the line that called it, and the entries. It costs a look at every array and every call
    stack, so it is for finding a fault, not for every day.

    Raises:
        FloatingPointError: at the op, while still within it.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor([1.0, 0.0], requires_grad=True, name="x")
        >>> with ag.detect_anomaly():
        ...     y = np.sqrt(x).sum()
        ...     y.backward()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        FloatingPointError: backward of sqrt: the cotangent of x of shape (2,) has 1 entry ...
    """

    def forward(self, run: Run, op: Any, inputs: tuple[Any, ...], params: Any) -> Any:
        if not any(type(x) is Tensor for x in inputs):
            return run(op, inputs, params)
        result = silent(run)(op, inputs, params)
        if type(result) is Tensor:
            recorded = result._op is not None
            arrays = result._arrays if recorded else [getattr(x, "_array", x) for x in inputs]
            line = str(remember(result))
            if not _finite(result._array):  # which is this op's where the operands are
                nan = [(x, a) for x, a in zip(inputs, arrays, strict=True) if _has_nan(a)]
                if all(map(_finite, arrays)) or (_has_nan(result._array) and not nan):
                    _raise(f"{op.name}: its result", result._array, line, inputs, arrays)
                for x, a in nan:
                    _raise(f"{op.name}: its operand {errors.describe(x)}", a, line)
        return result

    def backward(self, tensor: Tensor, g: Any, vjps: Any) -> Any:
        pairs = zip(tensor._inputs, vjps) if vjps else ()  # noqa: B905  (they may be endless)
        return [vjp and partial(_checked, vjp, tensor, g, x) for x, vjp in pairs]


def _checked(vjp: Any, tensor: Any, g: Any, x: Any, *args: Any, **params: Any) -> Any:
    """What a rule gives, with broadcasting undone; it raises where that isn't finite and g is."""
    op, stacked = tensor._op.name, g.ndim - tensor.ndim
    cotangent = silent(vjp)(*args, **params)
    if not hasattr(cotangent, "shape"):  # the backward pass says what is wrong with it
        return cotangent
    cotangent = fit(cotangent, x._array, op, stacked)
    value, g = getattr(cotangent, "_array", cotangent), getattr(g, "_array", g)
    if _finite(value) or not _finite(g):
        return cotangent
    line = str(line_of(tensor) or "a line before detect_anomaly()")
    hint = ""
    if np.shape(g) == np.shape(value) and np.any((np.asarray(g) == 0) & ~np.isfinite(value)):
        hint = (
            "; where the cotangent that came in is 0, the result isn't wanted: keep the operand in "
            "the op's domain there, as in ag.where(mask, f(ag.where(mask, x, 1.0)), 0.0)"
        )
    what = f"backward of {op}: the cotangent of {errors.describe(x)}"
    return _raise(what, value, line, tensor.inputs, tensor._arrays, hint)


def silent(compute: Callable[..., Any]) -> Callable[..., Any]:
    """A forward or a rule without NumPy's warnings, since the error says more.

    In a context of its own, so that no interrupt can leave NumPy silent.
    """
    return partial(copy_context().run, np.errstate(all="ignore")(compute))


def _raise(
    what: str, value: Any, line: str, inputs: Any = (), arrays: Any = (), hint: str = ""
) -> NoReturn:
    value = np.asarray(value)
    odd = np.argwhere(~np.isfinite(value))
    shown = ", ".join(_entry(value, tuple(i)) for i in odd[:3].tolist())
    more = ", …" if len(odd) > 3 else ""
    lines = [
        f"{what} has {len(odd)} entr{'y' if len(odd) == 1 else 'ies'} that "
        f"{'is' if len(odd) == 1 else 'are'} not finite: {shown}{more}{hint}",
        f"  at {line}",
    ]
    index = tuple(odd[0].tolist())
    for i, (x, a) in enumerate(zip(inputs, arrays, strict=False)):
        label = errors.describe(x, f"operand {i}")
        if np.shape(a) == value.shape and index:
            label += f", {_entry(np.asarray(a), index)}"
        elif np.size(a) == 1:
            label += f", {np.asarray(a).item():.6g}"
        lines.append(f"  {label}")
    raise FloatingPointError("\n".join(lines))


def _entry(value: Any, index: tuple[int, ...]) -> str:
    return f"{list(index) if index else ''}{' = ' if index else ''}{value[index]:.6g}"


def _finite(a: Any) -> bool:
    return bool(np.isfinite(a).all())


def _has_nan(a: Any) -> bool:
    return bool(np.isnan(a).any())
