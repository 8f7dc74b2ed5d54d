"""`einsum`: any sum of products, by the letters of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..ops import cast, diagonal, moveaxis
from ..ops.define import implements, operand, refuse_out
from ..ops.products import LETTERS, einsum_op

__all__ = ["einsum"]

@implements(np.einsum)
def einsum(
    *operands: Any, out: None = None, dtype: Any = None, order: str = "K", casting: str = "safe",
    optimize: Any = False,
) -> Tensor:  # fmt: skip
    """Sums of products by Einstein's convention, in all of NumPy's forms.

    Args:
        operands: the subscripts (``"ij,jk->ik"``) and the arrays, or arrays and lists of axes.
        optimize: as in NumPy, for more than two arrays.
        dtype: the arrays are converted to it, as far as ``casting`` lets them.

    Raises:
        TypeError: a ``dtype`` that ``casting`` doesn't allow.
        ValueError: subscripts that don't fit the arrays.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> w = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> np.einsum("ii", w).backward()
        >>> w.grad
        array([[1., 0.],
               [0., 1.]])
    """
    refuse_out("einsum", out)
    if order not in "KC":
        raise TypeError(f"einsum: order={order!r} is how an array lies in memory; leave it out")
    subscripts, xs = _parsed(operands)
    if dtype is not None:
        xs = [cast("einsum", x, dtype, casting) for x in xs]
    inputs, result = _explicit(subscripts, [x.ndim for x in xs])
    for k, letters in enumerate(inputs):
        xs[k], inputs[k] = _without_repeats(xs[k], letters)
    return einsum_op(*xs, subscripts=f"{','.join(inputs)}->{result}", optimize=optimize)


def _parsed(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Subscripts and arrays of either form."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(map(operand, operands[1:]))
    *pairs, last = operands if len(operands) % 2 else (*operands, None)
    lists = *pairs[1::2], () if last is None else last
    letters: dict[Any, str] = {...: "...", **dict(enumerate(sorted(LETTERS)))}  # as NumPy's order
    try:
        *parts, result = ["".join(letters[a] for a in axes) for axes in lists]
    except KeyError as error:
        raise ValueError(f"einsum: axes are numbers from 0 to 51, and one is {error}") from None
    subscripts = ",".join(parts) + ("" if last is None else f"->{result}")
    return subscripts, list(map(operand, pairs[::2]))


def _explicit(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """A letter for each axis of each operand, and those of the result."""
    left, arrow, result = subscripts.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(
            f"einsum: {subscripts!r} speaks of {len(inputs)} arrays, and {len(ndims)} were given"
        )
    free = [a for a in LETTERS if a not in subscripts]
    behind = [n - len(part.replace("...", "")) for part, n in zip(inputs, ndims, strict=True)]
    for part, n, extra in zip(inputs, ndims, behind, strict=True):
        if extra < 0 or (extra and "..." not in part):
            raise ValueError(f"einsum: {part!r} of {subscripts!r} doesn't fit an array of {n} axes")
    most = free[: max(behind)]
    inputs = [
        part.replace("...", "".join(most[len(most) - extra :]))
        for part, extra in zip(inputs, behind, strict=True)
    ]
    if most and arrow and "..." not in result:
        raise ValueError(f"einsum: the result of {subscripts!r} must have the axes of '...', too")
    if arrow:
        return inputs, result.replace("...", "".join(most))
    letters = "".join(inputs)
    once = sorted(a for a in set(letters) if letters.count(a) == 1 and a not in most)
    return inputs, "".join(most) + "".join(once)


def _without_repeats(x: Any, letters: str) -> tuple[Any, str]:
    """Where a letter stands twice, the diagonal of those axes."""
    for a in dict.fromkeys(letters):
        while letters.count(a) > 1:
            first = letters.index(a)
            second = letters.index(a, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ValueError(
                    f"einsum: {a!r} stands for axes of {x.shape[first]} and {x.shape[second]} "
                    f"entries of an array of shape {x.shape}"
                )
            x = moveaxis(diagonal(x, axis1=first, axis2=second), -1, 0)
            letters = a + letters.replace(a, "", 2)
    return x, letters
