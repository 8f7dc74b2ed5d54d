"""Which rule is wrong: the ops of a recorded graph, each checked by itself, where it was applied.

First the derivatives that the rules give, and then, with those right, whether the rules are
recorded right themselves, which the second order needs: and so on. The first fault is not the
consequence of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from ..engine.modes import trace
from ..engine.op import Op
from ..engine.tensor import Tensor
from ..graph import walk
from .directional import NOT_FINITE, Part, Point, Row, normal

_MOST_APPLICATIONS = 32  # of one op to operands of the same shapes


class Fault(NamedTuple):
    """A rule that is wrong where it was applied.

    Attributes:
        op: the op's name.
        input: the number of the operand whose vjp it is.
        operand: its name and shape.
        order: 1 where the vjp gives a wrong cotangent; k where differentiating it k − 1 times does.
        ours: a random combination of the cotangent's entries, or of its derivative's.
        numeric: the same by differences.
        cause: what was raised, or isn't recorded right; or nothing.
    """

    op: str
    input: int
    operand: str
    order: int
    ours: float
    numeric: float
    cause: str

    def __str__(self) -> str:
        vjp = "its vjp"
        if self.order > 1:
            again = f" {self.order - 1} times" if self.order > 2 else ""
            vjp = f"its vjp, differentiated{again},"
        what = f"{vjp} gives {self.ours:.9g}, differences {self.numeric:.9g}"
        what += f": {self.cause}" if self.cause else ""
        if np.isnan(self.ours) and self.cause != NOT_FINITE:
            what = f"{vjp} raises {self.cause}"
        return f"op {self.op}, input {self.input} ({self.operand}): {what}"


class Application(NamedTuple):
    """An op, the operands that it was applied to, and which of them it was differentiated by."""

    op: Op
    inputs: tuple[Any, ...]
    arrays: tuple[Any, ...]
    params: dict[str, Any]
    chosen: list[int]

    @property
    def signature(self) -> tuple[Any, ...]:
        """Equal for applications that are alike but for the operands' values."""
        operands = tuple((np.shape(a), getattr(a, "dtype", type(a))) for a in self.arrays)
        return id(self.op), operands, repr(self.params)

    def describe(self, i: int) -> str:
        name = getattr(self.inputs[i], "name", None)
        shape = f"shape {np.shape(self.arrays[i])}"
        return f"{name} of {shape}" if name else shape

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
    rounds = _rounds(applications(point))
    for order in range(1, max(2, point.order) + 1):
        for each in rounds:
            wrong = [fault for application in each for fault in _faults(application, order)]
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
    if tensor._op is None or not tensor.size or tensor.dtype.kind not in "fc":
        return None
    op, inputs, arrays = tensor._op, tensor._inputs, tensor._arrays
    if not all(np.isfinite(a).all() for a in arrays):
        return None
    chosen = [
        i for i, (x, a, vjp) in enumerate(zip(inputs, arrays, op.vjps, strict=False))
        if vjp is not None and type(x) is Tensor and x._tracked and a.size and a.dtype.kind in "fc"
    ]  # fmt: skip
    return Application(op, inputs, arrays, tensor._params, chosen) if chosen else None


def _rounds(found: Sequence[Application]) -> list[list[Application]]:
    """The first application of each signature, the second of each, and so on; of many, some."""
    alike: dict[Any, list[Application]] = {}
    for application in found:
        alike.setdefault(application.signature, []).append(application)
    chosen = [same[:: 1 + len(same) // _MOST_APPLICATIONS] for same in alike.values()]
    return [[a for a in each if a is not None] for each in zip_longest(*chosen)]


def _faults(application: Application, order: int) -> Iterator[Fault]:
    if order == 1:
        for i in application.chosen:
            alone = application._replace(chosen=[i])  # another vjp may raise
            point = alone.point(order)
            (row,) = point.reverse(order)
            if not row.ok:
                yield _fault(alone, i, row, order, row.note)
        return
    for number, i in enumerate(application.chosen):
        rows = application.point(order, only=number).reverse(order)
        moved = next((j for j, row in enumerate(rows) if not row.ok), None)
        if moved is not None:
            cause = rows[moved].note or _not_recorded(application, moved)
            yield _fault(application, i, rows[moved], order, cause)


def _fault(application: Application, i: int, row: Row, order: int, cause: str) -> Fault:
    name, operand = application.op.name, application.describe(i)
    return Fault(name, i, operand, order, row.ours, row.numeric, cause)


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
