"""`check_grads`: the engine's derivatives of a function against numeric ones, to any order.

To read, in this order: `numeric` (derivatives by differences), `directional` (what is compared with
them), `rules` (which op is wrong), and this.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import given as given_array
from ..arrays import to_numpy
from ..containers import leaves, paths, rebuilt
from ..engine.tensor import Array, Tensor
from .directional import Flat, Part, Point, Row, normal, scale_of, value_of
from .report import table
from .rules import Fault, faults


@dataclass(frozen=True)
class DerivativeReport:
    """What `check_grads` found: ``ok``, ``rows``, and ``faults``, the rules that are wrong.

    Its text is a table with a line a row, and then a line a fault.
    """

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = ("", "order", "mode", "input", "ours", "numeric", "error", "")
        lines = [self._summary(), *table([head, *map(_cells, self.rows)])]
        if not self.ok:
            lines += ["", *(map(str, self.faults) if self.faults else [_NO_FAULT])]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _summary(self) -> str:
        wrong = sum(not row.ok for row in self.rows)
        if wrong:
            verb = "is" if wrong == 1 else "are"
            return f"check_grads: {wrong} of {len(self.rows)} checks {verb} wrong"
        undecided = sum(row.undecided for row in self.rows)
        if undecided:
            right = len(self.rows) - undecided
            return f"check_grads: {right} checks are right, {undecided} can't be decided"
        return f"check_grads: all {len(self.rows)} checks are right"


_NO_FAULT = (
    "no rule of an op is wrong by itself: look in the function for values that leave the graph "
    "(.data, .item(), .numpy(), .detach()), for random numbers, and for a kink or a jump nearby"
)


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (f"{row.ours:.9g}", f"{row.numeric:.9g}", f"{row.error:.1e}")
    return (row.mark, str(row.order), row.mode, row.input, *numbers, row.note)


class GradientError(AssertionError):
    """A derivative is wrong; the message is the table, and ``report`` the report."""

    def __init__(self, report: DerivativeReport) -> None:
        super().__init__(str(report))
        self.report = report


def check_grads(
    f: Callable[..., Any], *args: Any, order: int = 2, rtol: float | None = None,
    atol: float | None = None, rng: np.random.Generator | int = 0,
    modes: Collection[str] = ("fwd", "rev"),
) -> DerivativeReport:  # fmt: skip
    """Check the engine's derivatives of ``f`` at ``args`` against numeric ones.

    For each argument a random direction is drawn, and the derivative along it compared: by reverse
    mode (`vjp`) and by forward mode (`jvp`), and by central differences, extrapolated to the step
    0. For the second order the recorded first derivative is differentiated in these three ways, and
    so on. Where something is wrong, each op that was recorded is checked by itself, and the one
    whose rule is wrong is named.

    At a kink, such as ``abs`` at 0, there is no derivative to compare with: the row says so (~),
    and the checks are made at a point beside it too. What isn't finite counts as wrong.

    Args:
        f: of arrays, numbers and containers of them; it returns the same, and may compute in NumPy
            and with Tensors. It must give the same result each time.
        *args: where to check. Integer and boolean arguments are constants, unless there are no
            others: then integers are taken as float64. A list is a container.
        order: the highest derivative to check, 1 or more.
        rtol: the error allowed, relative to the derivative's size. By default 1e-6, and for narrow
            dtypes the root of their precision (float32: 3e-4).
        atol: the absolute error allowed. By default 1e-10, and for narrow dtypes ten times their
            precision (float32: 1e-6).
        rng: draws the directions, or seeds what does.
        modes: ``"rev"``, ``"fwd"``, or both. A vjp that leaves the graph, as one in C does, has no
            forward mode, which is derived from it.

    Returns:
        A report, where all is right: ``.ok``, ``.rows``; its text is a table.

    Raises:
        GradientError: an AssertionError, a derivative is wrong; its message is the table.
        TypeError: there is nothing to differentiate, or ``f`` returns nothing that is.
        ValueError: an order below 1; a mode that there isn't.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.check_grads(np.tanh, np.array([0.5, -1.0])).ok
        True
        >>> sine = ag.Op("sine", np.sin, lambda g, out, x: -g * np.cos(x))
        >>> x = np.array([0.5, -1.0])
        >>> ag.check_grads(lambda x: np.exp(sine(x)), x, order=1)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        autograd_lite.check.derivatives.GradientError: check_grads: 2 of 3 checks are wrong
             order  mode     input  ours          numeric      error
          ✓  0      value           0.146125471   0.146125471  0.0e+00
          ✗  1      reverse  0 (x)  -0.110904039  0.110904039  2.2e-01
          ✗  1      forward  0 (x)  -0.110904039  0.110904039  2.2e-01
        <BLANKLINE>
        op sine, input 0 (x of shape (2,)): its vjp gives -0.0631759606, differences 0.0631759606
    """
    _refuse(f, order, modes)
    rng = np.random.default_rng(rng)
    with np.errstate(all="ignore"):  # what isn't finite is in the table
        flat, xs, parts = _flattened(f, args)
        point = Point(flat, xs, parts, order, rng, rtol=rtol, atol=atol)
        rows = point.rows(modes)
        if any(row.undecided for row in rows) and all(row.ok for row in rows):
            point = Point(flat, _moved(xs, rng), parts, order, rng, rtol=rtol, atol=atol)
            rows += point.rows(modes, "at a point beside")
        wrong = any(not row.ok for row in rows)
        report = DerivativeReport(tuple(rows), tuple(faults(point)) if wrong else ())
    if wrong:
        raise GradientError(report)
    return report


def _refuse(f: Any, order: Any, modes: Collection[str]) -> None:
    if not callable(f):
        raise TypeError(f"check_grads: f is a {type(f).__name__}, not a function")
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
        raise TypeError(f"check_grads: order must be an integer, not {order!r}")
    if order < 1:
        raise ValueError(f"check_grads: order must be at least 1, and is {order}")
    if not modes or not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f'check_grads: modes are "fwd" and "rev", not {modes!r}')


# ---------------------------------------------------------------------- the function as a flat one


def _flattened(
    f: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Flat, list[Array], list[Part]]:
    """``f`` of the arrays to differentiate alone, with the numeric leaves of its value as a list.

    Besides, these arrays, and which parts of the arguments they are.
    """
    given = leaves(args)
    values = to_numpy(*(x._seen() if type(x) is Tensor else x for x in given))
    kinds = [given_array(x, "check_grads").dtype.kind for x in values]
    wanted = "fc" if set(kinds) & set("fc") else "iu"
    chosen = [i for i, kind in enumerate(kinds) if kind in wanted]
    if not chosen:
        raise TypeError(
            f"check_grads: there is nothing to differentiate among {len(given)} arguments; "
            "give floats or complex numbers"
        )
    xs = [np.array(values[i], dtype=None if wanted == "fc" else np.float64) for i in chosen]
    parts = _parts(f, args)

    def flat(*xs: Any) -> list[Any]:
        inputs = list(values)
        for i, x in zip(chosen, xs, strict=True):
            inputs[i] = x
        return leaves(f(*rebuilt(args, iter(inputs))))

    named = {i: x.name for i, x in enumerate(given) if type(x) is Tensor and x.name is not None}
    chosen_parts = [parts[i]._replace(name=named.get(i, parts[i].name)) for i in chosen]
    return _numeric_outputs(flat, xs), xs, chosen_parts


def _numeric_outputs(flat: Flat, xs: Sequence[Array]) -> Flat:
    """The same with the outputs only that have a derivative."""
    outputs = [value_of(y) for y in flat(*(x.copy() for x in xs))]
    chosen = [i for i, y in enumerate(outputs) if y.dtype.kind in "fc"]
    if not chosen:
        dtypes = ", ".join(str(y.dtype) for y in outputs) or "nothing"
        raise TypeError(
            f"check_grads: the function returned no float or complex number, but {dtypes}, "
            "which has no derivative"
        )

    def numeric_outputs(*xs: Any) -> list[Any]:
        found = flat(*xs)
        return [found[i] for i in chosen]

    return numeric_outputs


def _parts(f: Callable[..., Any], args: tuple[Any, ...]) -> list[Part]:
    """Which part each leaf is: ``1 (params['w'][0])``."""
    names = _parameter_names(f, len(args))
    return [Part(i, name + path) for i, (name, arg) in enumerate(zip(names, args, strict=True))
            for path in paths(arg)]  # fmt: skip


def _parameter_names(f: Callable[..., Any], given: int) -> list[str]:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (ValueError, TypeError):  # a builtin that doesn't tell
        parameters = []
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(given - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return [*names, *[""] * given][:given]


def _moved(xs: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    """A point beside, where entries that were 0, or equal, are so no longer."""
    steps = [1e-2 * np.where(x == 0, scale_of(x), np.abs(x)) for x in xs]
    return [(x + h * normal(rng, x)).astype(x.dtype) for x, h in zip(xs, steps, strict=True)]
