"""`check_grads`: the engine's derivatives of a function against numeric ones, to any order.

Along random directions every derivative is one number: ``D_v f = w · df/dt (x + t v)`` at t = 0,
for a random cotangent w. That number is itself a function of x, and so on to the order asked.
Where one is wrong, `rules` finds the op whose rule it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..containers import is_container, leaves, rebuilt
from ..modes import no_grad
from ..tensor import Array, Tensor
from ..transforms import jvp, vjp
from . import numeric

if TYPE_CHECKING:
    from .rules import Fault

Flat = Callable[..., list[Any]]
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Row:
    """One check: a directional derivative by the engine, and by numbers.

    Attributes:
        order: of the derivative; 0 for the value itself.
        mode: ``"value"``, ``"reverse"`` (a vjp) or ``"forward"`` (a jvp), for order k of the
            recorded derivative of order k − 1.
        input: the number of the argument that is moved, and its name: ``0 (x['w'])``.
        ours: the engine's; nan where it raised an error.
        numeric: the one to compare with.
        ok: whether they agree; also where that can't be decided, as the note then says.
        note: what else there is to say.
    """

    order: int
    mode: str
    input: str
    ours: float
    numeric: float
    ok: bool
    note: str = ""
    undecided: bool = False

    @property
    def error(self) -> float:
        """The absolute difference."""
        return abs(self.ours - self.numeric)

    @property
    def mark(self) -> str:
        return "~" if self.undecided else "✓" if self.ok else "✗"


@dataclass(frozen=True)
class DerivativeReport:
    """What `check_grads` found: ``ok``, ``rows``, and ``faults``, the rules that are wrong.

    Its text is a table with a line a row, and then a line a fault.
    """

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = ("", "order", "mode", "input", "ours", "numeric", "error", "")
        cells = [head, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self._summary()]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  " + "  ".join(padded).rstrip())
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
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    rng: np.random.Generator | int = 0,
) -> DerivativeReport:
    """Check the engine's derivatives of ``f`` at ``args`` against numeric ones.

    For each argument a random direction is drawn, and the derivative along it compared: by reverse
    mode (`vjp`) and by forward mode (`jvp`), and by differences (with the complex step where ``f``
    is analytic). For the second order the recorded first derivative is differentiated in these
    three ways, and so on. Where something is wrong, each op that was recorded is checked by
    itself, and the one whose rule is wrong is named.

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

    Returns:
        A report, where all is right: ``.ok``, ``.rows``; its text is a table.

    Raises:
        GradientError: an AssertionError, a derivative is wrong; its message is the table.
        TypeError: there is nothing to differentiate, or ``f`` returns nothing that is.
        ValueError: an order below 1.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> from autograd_lite.checking.derivatives import check_grads
        >>> check_grads(np.tanh, np.array([0.5, -1.0])).ok
        True
        >>> sine = ag.Op("sine", np.sin, lambda g, out, x: -g * np.cos(x))
        >>> x = np.array([0.5, -1.0])
        >>> check_grads(lambda x: np.exp(sine(x)), x, order=1)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        autograd_lite.checking.derivatives.GradientError: check_grads: 2 of 3 checks are wrong
             order  mode     input  ours          numeric      error
          ✓  0      value           0.146125471   0.146125471  0.0e+00
          ✗  1      reverse  0 (x)  -0.110904039  0.110904039  2.2e-01
          ✗  1      forward  0 (x)  -0.110904039  0.110904039  2.2e-01
        <BLANKLINE>
        op sine, input 0 (x of shape (2,)): its vjp gives ...: the cotangent has the wrong sign
    """
    _refuse(f, order)
    with np.errstate(all="ignore"):  # what isn't finite is in the table
        report = _checked(f, args, order, Allowed(rtol, atol), np.random.default_rng(rng))
    if not report.ok:
        raise GradientError(report)
    return report


def _checked(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, allowed: Allowed,
    rng: np.random.Generator,
) -> DerivativeReport:  # fmt: skip
    from .rules import faults

    flat, xs, parts = _flattened(f, args)
    point = Point(flat, xs, parts, order, rng, allowed)
    rows = point.rows()
    if any(row.undecided for row in rows) and all(row.ok for row in rows):
        point = Point(flat, _moved(xs, rng), parts, order, rng, allowed)
        rows += point.rows("beside the kink")
    wrong = any(not row.ok for row in rows)
    return DerivativeReport(tuple(rows), tuple(faults(point)) if wrong else ())


def _refuse(f: Any, order: Any) -> None:
    if not callable(f):
        raise TypeError(f"check_grads: f is a {type(f).__name__}, not a function")
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
        raise TypeError(f"check_grads: order must be an integer, not {order!r}")
    if order < 1:
        raise ValueError(f"check_grads: order must be at least 1, and is {order}")


# ---------------------------------------------------------------------- the function at a point


class Part(NamedTuple):
    """Which part of the arguments an array is: the argument's number, and how one would write it.
    """

    argument: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.argument} ({self.name})" if self.name else f"{self.argument}"


def _flattened(
    f: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Flat, list[Array], list[Part]]:
    """``f`` of the arrays to differentiate alone, with the numeric leaves of its value as a list.

    Besides, these arrays, and which parts of the arguments they are.
    """
    given = leaves(args)
    values = [_plain(x) for x in given]
    kinds = [np.asarray(x).dtype.kind for x in values]
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


def _plain(x: Any) -> Any:
    return x.numpy() if type(x) is Tensor else x


def _numeric_outputs(flat: Flat, xs: Sequence[Array]) -> Flat:
    """The same with the outputs only that have a derivative."""
    outputs = [_array(y) for y in flat(*(x.copy() for x in xs))]
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


def _array(y: Any) -> Array:
    return y._array if type(y) is Tensor else np.asarray(y)


def _parts(f: Callable[..., Any], args: tuple[Any, ...]) -> list[Part]:
    """Which part each leaf is: ``1 (params['w'][0])``."""
    names = _parameter_names(f, len(args))
    return [Part(i, name + path) for i, (name, arg) in enumerate(zip(names, args, strict=True))
            for path in _inner_paths(arg)]  # fmt: skip


def _inner_paths(tree: Any) -> Iterable[str]:
    if not is_container(tree):
        return [""]
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [f"[{key!r}]{path}" for key, child in pairs for path in _inner_paths(child)]


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
    steps = [1e-2 * np.where(x == 0, _scale(x), np.abs(x)) for x in xs]
    return [(x + h * normal(rng, x)).astype(x.dtype) for x, h in zip(xs, steps, strict=True)]


def _scale(x: Array) -> float:
    """How large a step in ``x`` is large."""
    return max(1.0, float(np.mean(np.abs(x)))) if x.size else 1.0


def normal(rng: np.random.Generator, like: Array) -> Array:
    """Random numbers of the shape and dtype of an array."""
    drawn: Any = rng.normal(size=like.shape)
    if like.dtype.kind == "c":
        drawn = drawn + 1j * rng.normal(size=like.shape)
    return np.asarray(drawn).astype(like.dtype)


class Allowed(NamedTuple):
    """The tolerances that were asked for."""

    rtol: float | None = None
    atol: float | None = None


class Point:
    """A function at a point, and what is drawn to check its derivatives there.

    Args:
        flat: the function, of arrays, to a list of arrays.
        xs: the point.
        parts: of the arguments, that its arrays are.
        order: the highest derivative to check.
        rng: draws the directions and the cotangents.
        allowed: tolerances.
        only: the recorded derivatives are along this part alone.
    """

    def __init__(
        self,
        flat: Flat,
        xs: Sequence[Array],
        parts: Sequence[Part],
        order: int,
        rng: np.random.Generator,
        allowed: Allowed = Allowed(),  # noqa: B008  (it can't be changed)
        only: int | None = None,
    ) -> None:
        self.flat, self.xs, self.parts, self.order = flat, list(xs), parts, order
        with no_grad():
            self.values = [_array(y).copy() for y in flat(*(x.copy() for x in xs))]
        self.weights = [normal(rng, y) for y in self.values]
        self.directions = [normal(rng, x) for x in xs]
        self.recorded_along = [
            [normal(rng, x) * (only in (None, i)) for i, x in enumerate(xs)] for _ in range(order)
        ]
        dtypes = [a.dtype for a in (*xs, *self.values)]
        self.is_complex = any(dtype.kind == "c" for dtype in dtypes)
        eps = max(float(np.finfo(dtype).eps) for dtype in dtypes)
        self.rtol = max(1e-6, eps**0.5) if allowed.rtol is None else allowed.rtol
        self.atol = max(1e-10, 10 * eps) if allowed.atol is None else allowed.atol

    # -------------------------------------------------------------- the engine's derivatives

    def derivative(self, order: int) -> Flat:
        """The recorded derivative of that order along the directions drawn: a list of outputs."""
        if order == 0:
            return self.flat
        inner, along = self.derivative(order - 1), self.recorded_along[order - 1]

        def slope(*xs: Any) -> list[Any]:
            _, pull = vjp(inner, *xs)
            return [self._paired(pull(self.cotangents(order - 1)), along)]

        return slope

    def cotangents(self, order: int) -> list[Any]:
        """For the outputs of that derivative."""
        return [np.ones(())] if order else self.weights

    def _paired(self, gradients: Sequence[Any], along: Sequence[Array]) -> Any:
        terms = [np.sum(g * v) for g, v in zip(gradients, along, strict=True)]
        total = sum(terms[1:], terms[0])
        return np.real(total) if self.is_complex else total

    # -------------------------------------------------------------- checks

    def rows(self, note: str = "") -> list[Row]:
        """The value, and each derivative in each mode."""
        rows = [self._value(note)]
        for order in range(1, self.order + 1):
            rows += self.reverse(order, note)
            rows += self._forward(order, note)
        return rows

    def _value(self, note: str) -> Row:
        """Whether the function computes with Tensors what it computes with arrays."""
        recorded, _ = vjp(self.flat, *self.xs)
        pairs = list(zip(self.weights, self.values, recorded, strict=True))
        ours, plain = (
            float(sum(np.sum(w * pair[k]) for w, *pair in pairs).real) for k in (1, 0)
        )
        row = self._compared(0, "value", "", ours, numeric.Numeric(plain, 0.0), _size(
            (w, y) for w, y, _ in pairs), note)  # fmt: skip
        if row.ok or not np.isfinite(plain):
            return row
        said = "the function gives another value when it is recorded, or each time"
        return _noted(row, said)

    def reverse(self, order: int, note: str = "") -> list[Row]:
        """The rows of one order in reverse mode, one for each part of the point."""
        gradients, problem = self.gradients(order)
        rows = []
        for i, (g, v) in enumerate(zip(gradients, self.directions, strict=True)):
            ours = float(np.sum(g * v).real)
            rows.append(self._row(order, "reverse", i, ours, _size([(g, v)]), problem or note))
        return rows

    def gradients(self, order: int) -> tuple[list[Any], str]:
        """Those of the recorded derivative of the order before; nan, and why, if a rule raises."""
        try:
            _, pull = vjp(self.derivative(order - 1), *self.xs)
            return list(pull(self.cotangents(order - 1))), ""
        except Exception as error:  # a wrong rule may raise anything
            return [np.full(x.shape, np.nan) for x in self.xs], said(error)

    def _forward(self, order: int, note: str) -> list[Row]:
        rows = []
        for i, v in enumerate(self.directions):
            tangents = [v if i == j else np.zeros_like(x) for j, x in enumerate(self.xs)]
            problem, ours, size = "", float("nan"), 0.0
            try:
                _, found = jvp(self.derivative(order - 1), self.xs, tangents)
                pairs = list(zip(self.cotangents(order - 1), found, strict=True))
                ours, size = float(sum(np.sum(w * d) for w, d in pairs).real), _size(pairs)
            except Exception as error:
                problem = said(error)
            rows.append(self._row(order, "forward", i, ours, size, problem or note))
        return rows

    def _row(self, order: int, mode: str, i: int, ours: float, size: float, note: str) -> Row:
        line, scale = self.line(order, i), _scale(self.xs[i])
        found = numeric.derivative(line, scale, not self.is_complex)
        row = self._compared(order, mode, str(self.parts[i]), ours, found, size, note)
        if row.ok or not np.isfinite(ours):
            return row
        kink = numeric.kink(line, scale)
        if kink and not note:
            return _noted(row, kink, undecided=True)
        if row.error <= 10 * found.error < float("inf"):
            return _noted(row, f"known to ±{found.error:.1e} only", undecided=True)
        return row

    def _compared(
        self, order: int, mode: str, label: str, ours: float, found: numeric.Numeric, size: float,
        note: str,
    ) -> Row:  # fmt: skip
        size = max(abs(found.value), size)
        noise = min(10 * found.error, 1e-3 * size)
        error = abs(ours - found.value)
        ok = bool(error <= self.atol + self.rtol * size + noise < float("inf"))
        if not (ok or note or np.isfinite([ours, found.value]).all()):
            note = NOT_FINITE
        return Row(order, mode, label, ours, found.value, ok, note)

    def line(
        self, order: int, i: int, along: Array | None = None, weights: Array | None = None
    ) -> numeric.Line:
        """What that derivative is the derivative of, as one part moves along its direction.

        It is computed in float64 at least, whatever the dtype of the point.
        """
        f = self.derivative(order - 1)
        wide = [x.astype(np.result_type(x, np.float64)) for x in self.xs]
        v = self.directions[i] if along is None else along
        cotangents = self.cotangents(order - 1) if weights is None else [weights]

        def line(t: Any) -> Any:
            xs = list(wide)
            xs[i] = xs[i] + t * v
            with no_grad():
                outputs = [_array(y) for y in f(*xs)]
            total = sum(np.sum(w * y) for w, y in zip(cotangents, outputs, strict=True))
            return total if isinstance(t, complex) else total.real

        return line


def _size(pairs: Iterable[tuple[Any, Any]]) -> float:
    """How large a sum of products is, were their signs random."""
    return float(np.sqrt(sum(np.sum(np.abs(a * b) ** 2) for a, b in pairs)))


def said(error: Exception) -> str:
    """An error in one line, without the remedy."""
    return f"{type(error).__name__}: {error}".splitlines()[0].split(";")[0]


def _noted(row: Row, note: str, undecided: bool = False) -> Row:
    return Row(row.order, row.mode, row.input, row.ours, row.numeric, row.ok or undecided,
               note, undecided)  # fmt: skip
