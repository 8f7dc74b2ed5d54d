"""Which rule is wrong: the ops of a recorded graph, each checked by itself, where it was applied.

First the derivatives that the rules give, and then, with those right, whether the rules are
recorded right themselves, which the second order needs: and so on. The first fault is not the
consequence of another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backward import _stretched
from ..graph import walk
from ..modes import trace
from ..op import Op
from ..tensor import Array, Tensor
from . import numeric
from .derivatives import Part, Point, Row, normal
from .wording import times

_MOST_APPLICATIONS = 2000  # of one op to operands of the same shapes
_MOST_ENTRIES = 64  # of a cotangent that is compared entry by entry
_RTOL = 1e-5  # to recognise a mistake


class Fault(NamedTuple):
    """A rule that is wrong where it was applied.

    Attributes:
        op: the op's name.
        input: the number of the operand whose vjp it is.
        operand: its name and shape.
        order: 1 where the vjp gives a wrong cotangent; k where differentiating it k − 1 times does.
        ours: a random combination of the cotangent's entries, or of its derivative's.
        numeric: the same by differences.
        cause: what is wrong, in words, where that can be told.
    """

    op: str
    input: int
    operand: str
    order: int
    ours: float
    numeric: float
    cause: str

    def __str__(self) -> str:
        what = f"its vjp gives {self.ours:.9g}, differences {self.numeric:.9g}"
        if self.order > 1:
            again = "differentiated" if self.order == 2 else f"differentiated {self.order - 1} times"
            what = f"its vjp, {again}, gives {self.ours:.9g}, differences {self.numeric:.9g}"
        return f"op {self.op}, input {self.input} ({self.operand}): {what}: {self.cause}"


class Application(NamedTuple):
    """An op, the operands that it was applied to, and which of them it was differentiated by."""

    op: Op
    inputs: tuple[Any, ...]
    arrays: list[Any]
    params: dict[str, Any]
    chosen: list[int]

    @property
    def signature(self) -> tuple[Any, ...]:
        """Equal for applications that are alike but for the operands' values."""
        operands = tuple((np.shape(a), getattr(a, "dtype", type(a))) for a in self.arrays)
        return id(self.op), operands, repr(self.params)

    def describe(self, i: int) -> str:
        name = getattr(self.inputs[i], "name", None)
        shape = f"of shape {np.shape(self.arrays[i])}"
        return f"{name} {shape}" if name else shape

    def value(self, *xs: Any) -> Any:
        """The op of other operands in place of those that it is differentiated by."""
        operands = list(self.arrays)
        for i, x in zip(self.chosen, xs, strict=True):
            operands[i] = x
        return self.op(*operands, **self.params)

    def point(self, order: int, only: int | None = None) -> Point:
        """To check the op's own derivatives."""
        rng = np.random.default_rng(0)
        xs = [np.array(self.arrays[i]) for i in self.chosen]
        if order == 1:
            return Point(lambda *xs: [self.value(*xs)], xs, [Part()] * len(xs), 1, rng)
        # Higher orders also ask how a cotangent depends on that which came in: a factor makes it.
        factor = normal(rng, np.asarray(self.value(*xs)))
        return Point(
            lambda *xs: [xs[-1] * self.value(*xs[:-1])],
            [*xs, factor], [Part()] * (len(xs) + 1), order, rng, only=only,
        )  # fmt: skip


def faults(point: Point) -> list[Fault]:
    """The rules that are wrong at a point where a derivative is: none where none is by itself."""
    found = list(_distinct(applications(point)))
    for order in range(1, max(2, point.order) + 1):
        for alike in found:  # all ops at the first operands of each kind, and then at others
            wrong = [fault for application in alike for fault in _faults(application, order)]
            if wrong:
                return list({(f.op, f.input): f for f in reversed(wrong)}.values())[::-1]
    return []


def applications(point: Point) -> list[Application]:
    """What the function, and its recorded derivatives, applied."""
    outputs: list[Any] = []
    for order in range(point.order):
        xs = [Tensor(x, requires_grad=True, name=part.name or None)
              for x, part in zip(point.xs, point.parts, strict=True)]  # fmt: skip
        try:
            with trace():  # it sees into checkpoints
                outputs += point.derivative(order)(*xs)
        except Exception:  # a wrong rule may raise anything; the orders before it are there
            break
    tensors = walk(*(y for y in outputs if type(y) is Tensor))
    return [found for tensor in tensors if (found := _application(tensor)) is not None]


def _application(tensor: Tensor) -> Application | None:
    if tensor._node is None or not tensor.size or tensor.dtype.kind not in "fc":
        return None
    op, inputs, arrays, params = tensor._node
    chosen = [
        i for i, (x, a, vjp) in enumerate(zip(inputs, arrays, op.vjps, strict=False))
        if vjp is not None and type(x) is Tensor and x._tracked and a.size and a.dtype.kind in "fc"
    ]  # fmt: skip
    return Application(op, inputs, arrays, params, chosen) if chosen else None


def _distinct(found: Sequence[Application]) -> Iterator[list[Application]]:
    """In rounds: the first application of each signature, the second of each, and so on."""
    count: Counter[Any] = Counter()
    rounds: list[list[Application]] = []
    for application in found:
        n = count[application.signature]
        count[application.signature] += 1
        if n == len(rounds) < _MOST_APPLICATIONS:
            rounds.append([])
        if n < len(rounds):
            rounds[n].append(application)
    return iter(rounds)


def _faults(application: Application, order: int) -> Iterator[Fault]:
    for number, i in enumerate(application.chosen):
        if order == 1:
            point = application.point(order)
            rows = point.reverse(order)[number : number + 1]
        else:
            point = application.point(order, only=number)
            rows = point.reverse(order)
        for moved, row in enumerate(rows):
            if row.ok:
                continue
            if order == 1:
                cause = _cause(application, point, number, row)
            else:
                cause = row.note or _not_recorded(application, moved)
            yield Fault(application.op.name, i, application.describe(i), order, row.ours,
                        row.numeric, cause)  # fmt: skip
            break


def _not_recorded(application: Application, moved: int) -> str:
    if moved == len(application.chosen):
        on = "the cotangent that came in"
    else:
        i = application.chosen[moved]
        on = f"input {i} ({application.describe(i)})"
    return (
        f"how it depends on {on} isn't recorded right; a vjp must compute with its arguments as "
        "they are, and take no arrays out of them (np.asarray, .data, .numpy(), .detach())"
    )


# ---------------------------------------------------------------------- what is wrong with a vjp


def _cause(application: Application, point: Point, number: int, row: Row) -> str:
    """What is wrong with a cotangent, told from the right one, which differences give."""
    if not np.isfinite(row.ours):
        return _raised(application, row, number) if row.note != "not finite" else row.note
    (ours, right) = point.gradients(1)[0][number], expected(point, number)
    if right is None:
        return "the cotangent is wrong"
    for text, candidate in _mistakes(application, point, number, right):
        if _same(ours, candidate):
            return text
    factor = _factor(ours, right)
    if factor is not None:
        return f"the cotangent {times(factor)}" if factor != -1 else "the wrong sign"
    return _entries(ours, right)


def _raised(application: Application, row: Row, number: int) -> str:
    stretched = _broadcast_axes(application, number)
    if "cotangent of shape" in row.note and stretched is None:
        return f"{row.note}: transposed, or without the sum over an axis?"
    return row.note


def _mistakes(
    application: Application, point: Point, number: int, right: Array
) -> Iterator[tuple[str, Array]]:
    """Wrong cotangents that are often met."""
    yield "the wrong sign", -right
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield "the cotangent is transposed", right.T
    for axis in range(right.ndim):
        yield f"the cotangent is reversed along axis {axis}", np.flip(right, axis)
    if right.dtype.kind == "c":
        yield "the cotangent is conjugated", right.conj()
    axes = _broadcast_axes(application, number)
    if axes:
        said = f"it misses the sum over the broadcast axis {', '.join(map(str, axes))}"
        if len(axes) > 1:
            said = said.replace("axis", "axes")
        weights = point.weights[0]
        for place in (0, -1):
            one: list[Any] = [slice(None)] * weights.ndim
            for axis in axes:
                one[axis] = slice(place, place + 1 or None)
            point.weights = [np.zeros_like(weights)]
            point.weights[0][tuple(one)] = weights[tuple(one)]
            part = expected(point, number)
            point.weights = [weights]
            if part is not None:
                yield said, part
        n = np.prod([weights.shape[axis] for axis in axes])
        yield f"the mean over the broadcast axis {axes} in place of the sum", right / n


def _broadcast_axes(application: Application, number: int) -> tuple[int, ...] | None:
    """The axes of the result that broadcasting made of this operand."""
    operand = np.shape(application.arrays[application.chosen[number]])
    result = np.shape(application.value(*(application.arrays[i] for i in application.chosen)))
    return _stretched(result, operand, 0)


def expected(point: Point, i: int) -> Array | None:
    """The cotangent of a part of the point by differences, entry by entry; None if it is large."""
    x = point.xs[i]
    if x.size > _MOST_ENTRIES:
        return None
    found = np.zeros(x.shape, np.result_type(x, np.float64))
    for index in np.ndindex(x.shape):
        for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
            along = np.zeros(x.shape, found.dtype)
            along[index] = unit
            # The gradient is ∂L/∂x − i ∂L/∂y.
            slope = numeric.derivative(point.line(1, i, along), analytic=not point.is_complex)
            found[index] += np.conj(unit) * slope.value
    return found


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape:
        return False
    return bool(np.abs(a - b).max(initial=0) <= _rtol(a) * np.abs(b).max(initial=0))


def _rtol(a: Array) -> float:
    return max(_RTOL, float(np.finfo(a.dtype).eps) ** 0.5)


def _factor(ours: Array, right: Array) -> float | None:
    """The number that the right cotangent was multiplied by."""
    square = np.sum(np.abs(right) ** 2)
    if not square:
        return None
    factor = float(np.sum(ours * right.conj()).real / square)
    if not factor or not _same(ours, factor * right):
        return None
    return float(f"{factor:.4g}")


def _entries(ours: Array, right: Array) -> str:
    """Which entries are wrong, and the first of them."""
    off = np.abs(ours - right) > _rtol(ours) * np.abs(right).max(initial=0)
    wrong = np.argwhere(off | ~np.isfinite(ours))
    if not len(wrong):
        return "the cotangent is wrong"
    first = tuple(wrong[0].tolist())
    where = f" {list(first)}" if first else ""
    count = f"{len(wrong)} of {ours.size} entries are" if ours.size > 1 else "the cotangent is"
    return f"{count} wrong:{where} is {ours[first]:.6g} and should be {right[first]:.6g}"
