"""`einsum`: any sum of products, by the letters of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Case, Each, Op, op
from ..tensor import Tensor
from .define import implements, operand, refuse_out
from .moving import diagonal
from .shaping import broadcast_to, moveaxis, reshape

__all__ = ["einsum"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _einsum_vjp(
    i: int, g: Any, out: Any, *xs: Any, subscripts: str, optimize: Any
) -> Any:
    """The same sum, with the cotangent in the operand's place, over the operand's letters.

    A letter that only this operand has was summed away: there all entries get the same.
    """
    inputs, result = subscripts.split("->")
    *letters, own = [*inputs.split(","), inputs.split(",")[i]]
    others = [part for k, part in enumerate(letters) if k != i]
    stacked = [a for a in _LETTERS if a not in subscripts][: g.ndim - out.ndim]
    known = "".join(a for a in own if any(a in part for part in (result, *others)))
    lead = "".join(stacked)
    cotangent = einsum_op(
        g,
        *(x for k, x in enumerate(xs) if k != i),
        subscripts=f"{','.join([lead + result, *others])}->{lead}{known}",
        optimize=optimize,
    )
    if known == own:
        return cotangent
    sizes = iter(cotangent.shape)
    front = [next(sizes) for _ in lead]
    kept = reshape(cotangent, [*front, *(next(sizes) if a in known else 1 for a in own)])
    full = [n if a in known else size
            for a, n, size in zip(own, kept.shape[len(lead):], xs[i].shape, strict=True)]  # fmt: skip
    return broadcast_to(kept, (*front, *full))


einsum_op: Op = op(
    "einsum",
    lambda *xs, subscripts, optimize: np.einsum(subscripts, *xs, optimize=optimize),
    Each(_einsum_vjp),
    cases=[
        Case(((2, 3), (3, 4)), {"subscripts": "ab,bc->ac", "optimize": False}),
        Case(((2, 3), (1,), (3, 2)), {"subscripts": "ab,c,ba->b", "optimize": False}),
        Case(((2, 3),), {"subscripts": "ab->a", "optimize": False}),
        Case(((2, 3), (4,)), {"subscripts": "ab,c->a", "optimize": False}),
    ],
    source=lambda xs, params: f"np.einsum({params['subscripts']!r}, {', '.join(xs)})",
    stacks=True,
)


@implements(np.einsum)
def einsum(
    *operands: Any, out: None = None, optimize: Any = False, dtype: Any = None, **kwargs: Any
) -> Tensor:
    """Sums of products by Einstein's convention, in all of NumPy's forms.

    Args:
        operands: the subscripts (``"ij,jk->ik"``) and the arrays, or arrays and lists of axes.
        optimize: as in NumPy, for more than two arrays.

    Raises:
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
    unknown = kwargs.keys() - {"order", "casting"}
    if unknown or dtype is not None or kwargs.get("order", "K") not in "KC":
        raise TypeError(f"einsum: the arguments {sorted(kwargs)} and dtype= aren't supported")
    subscripts, xs = _parsed(operands)
    inputs, result = _explicit(subscripts, [x.ndim for x in xs])
    for k, letters in enumerate(inputs):
        xs[k], inputs[k] = _without_repeats(xs[k], letters)
    return einsum_op(*xs, subscripts=f"{','.join(inputs)}->{result}", optimize=optimize)


def _parsed(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Subscripts and arrays of either form."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(map(operand, operands[1:]))
    *pairs, last = operands if len(operands) % 2 else (*operands, None)
    parts = ["".join("..." if a is ... else _LETTERS[a] for a in axes) for axes in pairs[1::2]]
    result = "" if last is None else "->" + "".join(
        "..." if a is ... else _LETTERS[a] for a in last
    )  # fmt: skip
    return ",".join(parts) + result, list(map(operand, pairs[::2]))


def _explicit(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """A letter for each axis of each operand, and those of the result."""
    left, arrow, result = subscripts.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(
            f"einsum: {subscripts!r} speaks of {len(inputs)} arrays, and {len(ndims)} were given"
        )
    free = [a for a in _LETTERS if a not in subscripts]
    behind = [n - len(part.replace("...", "")) for part, n in zip(inputs, ndims, strict=True)]
    for part, n, extra in zip(inputs, ndims, behind, strict=True):
        if extra < 0 or (extra and "..." not in part):
            raise ValueError(f"einsum: {part!r} of {subscripts!r} doesn't fit an array of {n} axes")
    most = free[: max((n for part, n in zip(inputs, behind, strict=True) if "..." in part),
                      default=0)]  # fmt: skip
    inputs = [
        part.replace("...", "".join(most[len(most) - extra :]))
        for part, extra in zip(inputs, behind, strict=True)
    ]
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
            x = moveaxis(diagonal(x, axis1=first, axis2=second), -1, 0)
            letters = a + letters.replace(a, "", 2) if letters.count(a) == 2 else (
                a + letters[:first] + letters[first + 1 : second] + letters[second + 1 :]
            )  # fmt: skip
    return x, letters
