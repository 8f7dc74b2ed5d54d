"""`einsum`: any sum of products, by the letters of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..ops import cast, diagonal, moveaxis
from ..ops.define import implements, ran, refuse_out, without_entries
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
    alike, n = [*operands], len(operands)
    arrays = slice(1, n) if isinstance(operands[0], str) else slice(0, n - n % 2, 2)
    alike[arrays] = without_entries(*alike[arrays])
    np.einsum(*alike)  # raises what there is to raise
    given, result, xs = _parsed(operands)
    if dtype is not None:
        xs = [cast("einsum", x, dtype, casting) for x in xs]
    inputs = given.split(",")
    for k, letters in enumerate(inputs):
        xs[k], inputs[k] = _without_repeats(xs[k], letters)
    return einsum_op(*xs, subscripts=f"{','.join(inputs)}->{result}", optimize=optimize)


class _Letters(str):
    """Letters, of which NumPy takes some for an ellipsis: always the same."""

    __slots__ = ()

    def __sub__(self, used: Any) -> list[str]:
        return [a for a in self if a not in used]


_parsed = ran(
    np._core.einsumfunc._parse_einsum_input,  # type: ignore[attr-defined]
    einsum_symbols_set=_Letters(LETTERS[::-1]),
)


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
