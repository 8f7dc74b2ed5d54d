"""Where the op table is sampled, and numeric derivatives to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import autograd_lite.ops.special  # noqa: F401  (the rows of SciPy's ufuncs)
from autograd_lite.engine.op import Op
from autograd_lite.table import OPS, Case


class Sample(NamedTuple):
    """An op with shapes for its inputs and its params."""

    op: Op
    case: Case

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, shape)) or "0d" for shape in self.case.shapes)
        params = ",".join(f"{k}={v}".replace("\n", "") for k, v in self.case.params.items())
        return f"{self.op.name}-{shapes}-{params}"

    def inputs(self, rng: np.random.Generator) -> list[Any]:
        """An array for each input; booleans where there is nothing to differentiate."""
        vjps = zip(self.case.shapes, self.op.vjps, strict=False)
        return [
            np.asarray(
                rng.random(shape) < 0.5 if vjp is None else rng.uniform(*self.op.domain, shape)
            )
            for shape, vjp in vjps
        ]


def samples() -> Iterator[Sample]:
    """Every op of the table in each of its cases; elementwise ones broadcast, 0-d and empty too."""
    for op in OPS.values():
        for case in op.cases or _elementwise(len(op.vjps)):
            yield Sample(op, case)


def _elementwise(n: int) -> list[Case]:
    if n == 1:
        return [Case((shape,)) for shape in ((2, 3), (), (0, 3), (1, 2, 2))]
    pairs = [
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((3,), (2, 1)),
        ((2, 1), (1, 3)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((), ()),
        ((0, 3), (3,)),
        ((4, 1, 3), (2, 3)),
        ((1, 1), (1, 3)),
    ]
    return [Case(pair) for pair in pairs]


def directional(f: Callable[[Any], Any], x: Any, direction: Any, h: float = 1e-5) -> Any:
    """The derivative of ``f`` at ``x`` along ``direction``, by central differences."""
    return (f(x + h * direction) - f(x - h * direction)) / (2 * h)
