"""Products: of matrices and vectors, convolutions, and any sum of products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import Each
from ..engine.tensor import FOREIGN
from ..errors import explain
from ..show.notation import MATMUL, MATRIX_PRODUCT, PREFIX, PRODUCT, SUM, Notation, function, infix
from ..table import Case, Op, op
from .define import implements, operand, refuse_out
from .elementwise import multiply
from .shaping import broadcast_to, mt, reshape

__all__ = ["dot", "linear", "matmul"]

# A vector operand stands for a row (left) or a column (right), and that axis is dropped again. The
# cotangents may have the stacks' broadcast shape: the backward pass sums them.


def _matmul(x: Any, y: Any) -> Any:
    matrices = type(x) is type(y) is np.ndarray and x.ndim == y.ndim == 2
    return x.dot(y) if matrices else np.matmul(x, y)  # dot takes half the time


# An array's dot would load another library's, where matmul lets that do it.
_LARGE = 10_000  # entries of a result from which on it counts that dot clears it first


def _matmul_left(g: Any, out: Any, x: Any, y: Any, bias: Any = None) -> Any:
    if x.ndim == y.ndim == 2:
        return g.dot(y.T)
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    return g @ mt(y)


def _matmul_right(g: Any, out: Any, x: Any, y: Any, bias: Any = None) -> Any:
    if x.ndim == y.ndim == g.ndim == 2:
        by_dot = y.size < _LARGE and (not FOREIGN or type(x) is type(g))
        return x.T.dot(g) if by_dot else x.T @ g
    if x.ndim == 1:
        return g[..., None] * x if y.ndim == 1 else x[:, None] * g[..., None, :]
    if y.ndim == 1:
        return (mt(x) @ g[..., None])[..., 0]
    return mt(x) @ g


matmul: Op = op(
    "matmul", _matmul, _matmul_left, _matmul_right,
    cases=[
        Case(shapes)
        for shapes in (
            ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)),
            ((3,), (5, 3, 2)), ((5, 2, 3), (3,)), ((1, 3), (3, 1)),
        )
    ],
    notation=MATRIX_PRODUCT, stacks=True,
    doc="``np.matmul`` of Tensors: the product of matrices, or of stacks of them.",
)


# A layer's x W + b as one op, since it is half of what a small network does.
linear = op(
    "linear",
    lambda x, weight, bias: (
        x.dot(weight) if x.ndim == 2 and (not FOREIGN or type(x) is type(weight))
        else np.matmul(x, weight)
    ) + bias,
    _matmul_left, _matmul_right,
    lambda g, out, x, weight, bias: g,
    cases=[Case(((4, 2), (2, 3), (1, 3))), Case(((2,), (2, 3), (3,)))],
    notation=Notation("{0} {1} + {2}", SUM, (PREFIX, MATMUL, PRODUCT), "+"), stacks=True,
    doc="``x @ weight + bias`` as one op: ``(…, n)``, ``(n, m)``, ``(1, m)`` → ``(…, m)``.",
)


implements(np.matmul, np.linalg.matmul)(matmul)


@implements(np.dot)
def dot(a: Any, b: Any, out: None = None) -> Any:
    """``np.dot``: the sum over the last axis of ``a`` and the second to last of ``b``.

    For matrices and vectors it is the matrix product; with a number it is ``a * b``.

    Shapes:
        ``(…, k)`` and ``(*, k, m)`` → ``(…, *, m)``.
    """
    refuse_out("dot", out)
    left, right = np.shape(a), np.shape(b)
    if not left or not right:
        return multiply(operand(a), operand(b))  # a number of Python's is one of float64
    if len(right) <= 2:
        return matmul(a, b)
    if left[-1] != right[-2]:
        raise explain("dot", (a, b), (a, b), {}, ValueError())
    return np.tensordot(a, b, (-1, -2))


# ---------------------------------------------------------------------- of vectors


def _convolve_vjp(g: Any, x: Any, other: Any, mode: str) -> Any:
    """By x: the cotangent's with the other operand reversed, of as many entries as x."""
    longer = mode == "valid" and x.shape[0] >= other.shape[0]
    return convolve_op(g, other[::-1], mode="full" if longer else "valid")


convolve_op: Op = op(
    "convolve", lambda a, v, mode: np.convolve(a, v, mode),
    lambda g, out, a, v, mode: _convolve_vjp(g, a, v, mode),
    lambda g, out, a, v, mode: _convolve_vjp(g, v, a, mode),
    cases=[
        Case(shapes, {"mode": mode})
        for shapes in (((4,), (3,)), ((2,), (5,)), ((3,), (3,))) for mode in ("full", "valid")
    ],
    notation=infix("*", PRODUCT), source="np.convolve({0}, {1}, {mode!r})",
)


def _cross(a: Any, b: Any) -> Any:
    """As ``np.cross``, which not all libraries have."""
    after, before = (np.roll(x, -1, axis=-1) for x in (b, a))
    return np.roll(a * after - before * b, -1, axis=-1)


cross_op: Op = op(
    "cross", _cross, lambda g, out, a, b: cross_op(b, g), lambda g, out, a, b: cross_op(g, a),
    cases=[Case(((3,), (3,))), Case(((2, 3), (3,))), Case(((2, 1, 3), (4, 3)))],
    notation=Notation("{0} × {1}", PRODUCT, (MATMUL,), "×"), source="np.cross({0}, {1})",
    stacks=True,
)  # fmt: skip


# ---------------------------------------------------------------------- of arrays


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _einsum_vjp(i: int, g: Any, out: Any, *xs: Any, subscripts: str, optimize: Any) -> Any:
    """The same sum, with the cotangent in the operand's place, over the operand's letters.

    A letter that only this operand has was summed away, and one of size 1 in all others was
    stretched: there all entries get the same.
    """
    inputs, result = subscripts.split("->")
    *letters, own = [*inputs.split(","), inputs.split(",")[i]]
    others = [part for k, part in enumerate(letters) if k != i]
    stacked = [a for a in LETTERS if a not in subscripts][: g.ndim - out.ndim]
    known = "".join(a for a in own if any(a in part for part in (result, *others)))
    lead = "".join(stacked)
    cotangent = einsum_op(
        g,
        *(x for k, x in enumerate(xs) if k != i),
        subscripts=f"{','.join([lead + result, *others])}->{lead}{known}",
        optimize=optimize,
    )
    sizes = dict(zip(lead + known, cotangent.shape, strict=True))
    front = [sizes[a] for a in lead]
    found = [sizes.get(a, 1) for a in own]
    whole = [size if n == 1 else n for n, size in zip(found, xs[i].shape, strict=True)]
    if [*cotangent.shape] == front + whole:
        return cotangent
    return broadcast_to(reshape(cotangent, (*front, *found)), (*front, *whole))


einsum_op: Op = op(
    "einsum", lambda *xs, subscripts, optimize: np.einsum(subscripts, *xs, optimize=optimize),
    Each(_einsum_vjp),
    cases=[
        Case(((2, 3), (3, 4)), {"subscripts": "ab,bc->ac", "optimize": False}),
        Case(((2, 3), (1,), (3, 2)), {"subscripts": "ab,c,ba->b", "optimize": False}),
        Case(((2, 3),), {"subscripts": "ab->a", "optimize": False}),
        Case(((2, 3), (4,)), {"subscripts": "ab,c->a", "optimize": False}),
    ],
    source=lambda xs, params: f"np.einsum({params['subscripts']!r}, {', '.join(xs)})", stacks=True,
    notation=function("einsum")._replace(
        template=lambda xs, params: f"einsum({params['subscripts'].replace('->', '→')}, "
        f"{', '.join(xs)})",
    ),
)  # fmt: skip
