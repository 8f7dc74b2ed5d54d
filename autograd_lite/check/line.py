"""A wrong line of the learner's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..engine.tensor import Array
from .edits import Edit
from .given import same
from .readings import Readings, Term

Edits = Callable[[Term], Iterable[Edit]]


@dataclass
class Line:
    """A wrong gradient of the learner's.

    Attributes:
        name: of the tensor.
        array: the learner's, of any shape.
        right: what it should be.
        readings: what it should be, as terms.
        edits: of a term, by itself.
        bases: the learner's gradients, by leaf, that it may be computed from: in the shapes that
            they should have, and as they were given.
        others: arrays by name that may stand in the place of anything.
        gradients: the names in these of the gradients, by those of their tensors.
        elsewhere: gives the gradients of results that none were given of.
        sizes: of batches and layers.
        rtol, noise: how well an edit must fit.
        made: mistakes that were made before it.
    """

    name: str
    array: Array
    right: Array
    readings: Readings
    edits: Edits
    bases: Sequence[Mapping[Term, Array]]
    others: dict[str, Array]
    gradients: Mapping[str, str]
    elsewhere: Callable[[], Mapping[str, Array]]
    sizes: Sequence[int]
    rtol: float
    noise: float
    made: Sequence[Edit]

    @cached_property
    def instead(self) -> dict[str, Array]:
        """What may stand at terms: vectors as columns, and matrices, transposed, too."""
        columns = {f"{n}[:, None]": a[:, None] for n, a in self.others.items() if a.ndim == 1}
        return self.others | columns | {f"{n}ᵀ": a.T for n, a in self.others.items() if a.ndim == 2}

    def fits(self, found: Array | None, base: Array | None = None) -> bool:
        """Whether this is what the learner has, much better than the unedited ``base``.

        What follows may be nothing but rounding; an edit that gives this explains nothing.
        """
        size = np.abs(self.array).max(initial=0)
        atol = self.noise if base is None else min(self.noise, 1e-3 * float(size))
        if found is None or not same(found, self.array, self.rtol, atol):
            return False
        if base is None or base.shape != self.array.shape or base.shape != found.shape:
            return True
        off, was = (np.abs(x - self.array).max(initial=0) for x in (found, base))
        return bool(off <= 1e-2 * was)

    def telling(self, k: float, numbers: Iterable[float]) -> float | None:
        """The telling number that this is: a sign, 2, a size, one of the formula's; or none."""
        some = (1.0, 2.0, *self.sizes, *numbers, *self.readings.numbers)
        signed = (x for q in some for x in (q, -q, 1 / q, -1 / q))
        return next((x for x in signed if abs(k - x) <= self.rtol * abs(x)), None)

    def times(self, found: Array, numbers: Iterable[float]) -> float | None:
        """The telling number that this, of the same shape, is off by."""
        k = share(found, self.array)
        size = np.vdot(self.array, self.array).real  # of which a part is left over
        if not k or k * k * np.vdot(found, found).real < (1 - 1e-5) * size:
            return None
        k = self.telling(k, numbers) or 0.0
        return k if k and self.fits(k * found, found) else None


def share(o: Array, a: Array) -> float:
    """How many times one array is, as nearly as can be, another."""
    size = np.vdot(o, o).real
    return float(np.vdot(o, a).real / size) if size else 0.0


def is_small_fraction(value: float) -> bool:
    """Whether a number is p/q with p and q up to 10, which no number is by chance."""
    if not 0.1 <= abs(value) <= 10:
        return False
    near = Fraction(value).limit_denominator(10)
    return abs(near.numerator) <= 10 and abs(value - float(near)) <= 1e-9 * abs(value)
