"""Joining arrays to one, and splitting one into several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..engine.op import Each
from ..engine.tensor import Tensor
from ..show.notation import ATOM, SUM, Notation
from ..table import Case, op
from .define import along, implements, operand, refuse_out
from .elementwise import cast
from .shaping import expand_dims, ravel

__all__ = ["concat", "concatenate", "stack"]


def _part(i: int, g: Any, out: Any, *xs: Any, axis: int, starts: tuple[int, ...]) -> Any:
    part = slice(starts[i], starts[i] + xs[i].shape[axis])
    return g[along(axis % out.ndim - out.ndim, part)]


concatenate_op = op(
    "concatenate", lambda *xs, axis, starts: np.concatenate(xs, axis=axis), Each(_part),
    cases=[
        Case(((2, 3), (1, 3)), {"axis": 0, "starts": (0, 2)}),
        Case(((2, 1), (2, 3), (2, 2)), {"axis": -1, "starts": (0, 1, 4)}),
    ],
    notation=Notation(lambda xs, _: f"[{', '.join(xs)}]", ATOM, (SUM,), "concatenate"),
    source=lambda xs, params: f"np.concatenate([{', '.join(xs)}], axis={params['axis']})",
    stacks=True, reads="some",
)


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[Any], axis: Any = 0, out: None = None, dtype: Any = None,
    casting: str = "same_kind",
) -> Tensor:  # fmt: skip
    """Tensors and arrays joined along an axis that they have; ``axis=None`` flattens them first."""
    refuse_out("concatenate", out)
    parts = list(map(operand, arrays))
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    if len(parts) > 512:  # some at a time, since the rule of each is given all
        parts = [concatenate(parts[i : i + 512], axis) for i in range(0, len(parts), 512)]
    sizes = [x.shape[axis] if -x.ndim <= axis < x.ndim else 0 for x in parts]
    joined = concatenate_op(*parts, axis=axis, starts=(0, *accumulate(sizes[:-1])))
    return joined if dtype is None else cast("concatenate", joined, dtype, casting)


@implements(np.stack)
def stack(
    arrays: Sequence[Any], axis: int = 0, out: None = None, dtype: Any = None,
    casting: str = "same_kind",
) -> Tensor:  # fmt: skip
    """Tensors and arrays of the same shape joined along a new axis.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor(2.0, requires_grad=True)
    >>> ag.stack([x, x * x]).sum().backward()
    >>> x.grad
    array(5.)
    """
    shapes = {np.shape(x) for x in arrays}
    if len(shapes) > 1:
        raise ValueError(f"stack: all shapes must be the same, and these are {sorted(shapes)}")
    return concatenate([expand_dims(x, axis) for x in arrays], axis, out, dtype, casting)


concat = concatenate
