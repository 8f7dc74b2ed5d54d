"""Directional derivatives of any order, by the engine and by numbers.

Along random directions a derivative is one number, ``w · d/dt f(x + t v)`` at t = 0, for a random
cotangent w. Recorded, it is itself a function of x, which is differentiated along another
direction, and so on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Array, Tensor
from ..transforms import jvp, vjp
from . import numeric

Flat = Callable[..., list[Any]]
"""A function of arrays, or of Tensors, that returns a list of them."""

Pairs = Sequence[tuple[Any, Any]]

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
        ok: whether they agree, or it can't be decided.
        note: what else there is to say, such as why a rule raised.
        undecided: at a kink, and where the numeric derivative isn't known well enough.
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


class Part(NamedTuple):
    """Which part of the arguments an array is: the argument's number, and how one would write it.
    """

    argument: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.argument} ({self.name})" if self.name else f"{self.argument}"


def value_of(y: Any) -> Array:
    return y._array if type(y) is Tensor else np.asarray(y)


def scale_of(x: Array) -> float:
    """How large a step in ``x`` is large."""
    return max(1.0, float(np.mean(np.abs(x)))) if x.size else 1.0


def normal(rng: np.random.Generator, like: Array) -> Array:
    """Random numbers of the shape and dtype of an array."""
    drawn: Any = rng.normal(size=like.shape)
    if like.dtype.kind == "c":
        drawn = drawn + 1j * rng.normal(size=like.shape)
    return np.asarray(drawn).astype(like.dtype)


def _eps(arrays: Iterable[Array]) -> float:
    """How far the most narrow of the dtypes rounds."""
    return max(float(np.finfo(a.dtype).eps) for a in arrays)


class Ours(NamedTuple):
    """A directional derivative by the engine, how large a sum it is, and why there is none.

    Where known, also how far it is off by rounding.
    """

    value: float
    size: float
    problem: str = ""
    noise: float = 0.0


class Point:
    """A function at a point, and what is drawn to check its derivatives there.

    Args:
        flat: the function, of arrays, to a list of arrays.
        xs: the point.
        parts: of the arguments, that its arrays are.
        order: the highest derivative to check.
        rng: draws the directions and the cotangents.
        only: the recorded derivatives are along this part alone.
        rtol, atol: the tolerances that were asked for.
    """

    def __init__(
        self, flat: Flat, xs: Sequence[Array], parts: Sequence[Part], order: int,
        rng: np.random.Generator, only: int | None = None, rtol: float | None = None,
        atol: float | None = None,
    ) -> None:  # fmt: skip
        self.flat, self.xs, self.parts, self.order = flat, list(xs), parts, order
        with no_grad():
            self.values = [value_of(y).copy() for y in flat(*(x.copy() for x in xs))]
            self.wide = [x.astype(np.result_type(x, np.float64)) for x in xs]
            self.rounding = _eps(value_of(y) for y in flat(*(x.copy() for x in self.wide)))
        self.weights = [normal(rng, y) for y in self.values]
        self.directions = [normal(rng, x) for x in xs]
        self.recorded_along = [
            [normal(rng, x) * (only in (None, i)) for i, x in enumerate(xs)] for _ in range(order)
        ]
        self._nudges = np.random.default_rng(0)
        eps = _eps((*xs, *self.values))
        self.rtol = max(1e-6, eps**0.5) if rtol is None else rtol
        self.atol = max(1e-10, 10 * eps) if atol is None else atol

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
        return sum(terms[1:], terms[0])

    # -------------------------------------------------------------- checks

    def rows(self, modes: Collection[str], note: str = "") -> list[Row]:
        """The value, and each derivative in each of the modes ``rev`` and ``fwd``."""
        rows = [self._value(note)]
        for order in range(1, self.order + 1):
            rows += self.reverse(order, note) if "rev" in modes else []
            rows += self._rows(order, "forward", Point._pushed, note) if "fwd" in modes else []
        return rows

    def _value(self, note: str) -> Row:
        """Whether the function computes with Tensors what it computes with arrays."""
        recorded, _ = vjp(self.flat, *self.xs)
        plain, ours = (
            _summed_up(partial(list, zip(self.weights, ys, strict=True)))
            for ys in (self.values, recorded)
        )
        row = self._compared(0, "value", "", ours, numeric.Numeric(plain.value, 0.0), note)
        if row.ok or not np.isfinite(plain.value):
            return row
        said = "the function gives another value when it is recorded, or each time"
        return replace(row, note=said)

    def reverse(self, order: int, note: str = "") -> list[Row]:
        """The rows of one order in reverse mode, one for each part of the point."""
        return self._rows(order, "reverse", Point._pulled, note)

    def _pulled(self, order: int) -> Callable[[int], Pairs]:
        """What is multiplied and summed up in the derivative of one part."""

        @cache
        def gradients() -> Any:
            _, pull = vjp(self.derivative(order - 1), *self.xs)
            return pull(self.cotangents(order - 1))

        return lambda i: [(gradients()[i], self.directions[i])]

    def _pushed(self, order: int) -> Callable[[int], Pairs]:
        def pairs(i: int) -> Pairs:
            tangents = [np.zeros_like(x) for x in self.xs]
            tangents[i] = self.directions[i]
            _, found = jvp(self.derivative(order - 1), self.xs, tangents)
            return list(zip(self.cotangents(order - 1), found, strict=True))

        return pairs

    def _rows(
        self, order: int, mode: str, derive: Callable[[Point, int], Callable[[int], Pairs]],
        note: str,
    ) -> list[Row]:  # fmt: skip
        def ours(point: Point) -> list[Ours]:
            return [_summed_up(partial(derive(point, order), i)) for i in range(len(self.xs))]

        found = ours(self)
        rows = [self._row(order, mode, i, own, note) for i, own in enumerate(found)]
        if all(row.ok for row in rows):
            return rows
        # Terms that cancel leave their rounding. It is another one where x is rounded otherwise.
        for _ in range(3):
            found = [
                a._replace(noise=max(a.noise, abs(a.value - b.value)))
                for a, b in zip(found, ours(self._nudged()), strict=True)
            ]
        return [self._row(order, mode, i, own, note) for i, own in enumerate(found)]

    def _nudged(self) -> Point:
        """The same a rounding away."""
        near = copy.copy(self)
        near.xs = [
            (x * (1 + np.finfo(x.dtype).eps * normal(self._nudges, x))).astype(x.dtype)
            for x in self.xs
        ]
        return near

    def _row(self, order: int, mode: str, i: int, ours: Ours, note: str) -> Row:
        note = ours.problem or note
        line, scale = self.line(order, i), scale_of(self.xs[i])
        found = numeric.derivative(line, scale, self.rounding)
        row = self._compared(order, mode, str(self.parts[i]), ours, found, note)
        if row.ok or not np.isfinite(ours.value):
            return row
        kink = numeric.kink(line, scale)
        if kink and not note:
            return replace(row, note=kink, ok=True, undecided=True)
        if row.error <= 10 * found.error < float("inf"):
            said = f"known to ±{found.error:.1e} only"
            return replace(row, note=said, ok=True, undecided=True)
        return row

    def _compared(
        self, order: int, mode: str, label: str, ours: Ours, found: numeric.Numeric, note: str
    ) -> Row:
        size = max(abs(found.value), ours.size)
        noise = min(10 * ours.noise, self.rtol * max(1.0, size))
        noise += min(10 * found.error, 1e-3 * size)
        error = abs(ours.value - found.value)
        ok = bool(error <= self.atol + self.rtol * size + noise < float("inf"))
        if not (ok or note or np.isfinite([ours.value, found.value]).all()):
            note = NOT_FINITE
        return Row(order, mode, label, ours.value, found.value, ok, note)

    def line(self, order: int, i: int) -> numeric.Line:
        """What that derivative is the derivative of, as one part moves along its direction.

        It is computed in float64 at least, whatever the dtype of the point.
        """
        f, cotangents = self.derivative(order - 1), self.cotangents(order - 1)

        def line(t: float) -> float:
            xs = list(self.wide)
            xs[i] = xs[i] + t * self.directions[i]
            with no_grad():
                outputs = [value_of(y) for y in f(*xs)]
            return float(sum(np.sum(w * y) for w, y in zip(cotangents, outputs, strict=True)).real)

        return line


def _summed_up(products: Callable[[], Pairs]) -> Ours:
    """A sum of products, which a wrong rule may raise anything in."""
    try:
        pairs = products()
        return Ours(float(sum(np.sum(a * b) for a, b in pairs).real), _size(pairs))
    except Exception as error:
        return Ours(float("nan"), 0.0, said(error))


def _size(pairs: Iterable[tuple[Any, Any]]) -> float:
    """How large a sum of products is, were their signs random."""
    return float(np.sqrt(sum(np.sum(np.abs(a * b) ** 2) for a, b in pairs)))


def said(error: Exception) -> str:
    """An error in one line, without the remedy."""
    return f"{type(error).__name__}: {error}".splitlines()[0].split(";")[0]
