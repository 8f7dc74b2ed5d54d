"""Windows that slide, each times the same, are correlations: ``(x ⋆ k)_q = Σ_p x_{q+p} k_p``.

They may be made by NumPy, or by a loop over places or over the kernel's entries. The rules of a
correlation then give its gradients: ``x ⋆ δ``, and ``δ * k``.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np

from ..show.notation import MATMUL, PRODUCT, Notation, infix
from ..table import Op
from .moves import (
    PRODUCTS,
    SUMS,
    block_of,
    kept,
    normal,
    part,
    ranges_of,
    summed,
    varying,
)
from .terms import (
    COLLECTED,
    Shape,
    Term,
    coefficient,
    intern,
    make,
    only_ones_moved,
    padded,
    scaled,
    shaped,
    subterms,
)


def _correlate(x: Any, k: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.tensordot(windows, k, k.ndim)


def _convolve(g: Any, k: Any) -> Any:
    return _correlate(np.pad(g, [(n - 1, n - 1) for n in k.shape]), np.flip(k))


WINDOWS = "np.lib.stride_tricks.sliding_window_view"
SPREADS = Notation("{0} * {1}", PRODUCT, (MATMUL,), "*")
CORRELATE: Op = Op(
    "correlate", _correlate, lambda g, out, x, k: CONVOLVE(g, k),
    lambda g, out, x, k: CORRELATE(x, g), notation=infix("⋆", PRODUCT, MATMUL),
    source=f"np.tensordot({WINDOWS}({{0}}, np.shape({{1}})), {{1}}, np.ndim({{1}}))",
)  # fmt: skip
CONVOLVE: Op = Op(
    "convolve_full", _convolve, lambda g, out, x, k: CORRELATE(g, k),
    lambda g, out, x, k: CORRELATE(g, x), notation=SPREADS,
    source=f"(lambda g, k: np.tensordot({WINDOWS}(np.pad(g, [(n - 1, n - 1) for n in k.shape]), "
    "k.shape), np.flip(k), k.ndim))({0}, {1})",
)  # fmt: skip


@normal("sliding_window_view")
def _windows(x: Term, window_shape: Any, shape: Shape, axis: Any = None) -> Term | None:
    """With its axes said one by one."""
    if type(axis) is tuple:
        return None
    axes = tuple(np.atleast_1d(range(x.ndim) if axis is None else axis).tolist())
    sizes = tuple(np.atleast_1d(window_shape).tolist())
    params = {"window_shape": sizes, "axis": tuple(a % x.ndim for a in axes)}
    return make("sliding_window_view", [x], params, shape)


def _as_correlation(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """``Σ_p k_p x_{q+p}``: windows that slide over an array, each times the same, added up.

    Or each entry of a kernel times all that it meets: where a window begins, and which of its
    entries is taken, may change places.
    """
    pair = x.args if x.op == "*" and len(x.args) == 2 else ()
    for (f, p), (k, q) in permutations(pair, 2):
        found = _seen(f, x.ndim)
        if p == q == 1 and found is not None and varying(k, x.ndim) == axes & varying(x, x.ndim):
            return _correlated(k, *found, kept(x.shape, axes), axes)
    return None


def _seen(f: Term, ndim: int) -> tuple[Term, list[int], list[range]] | None:
    """Windows, which axis of ``f`` each of their axes became, and what is taken of it."""
    where = list(range(ndim - f.ndim, ndim))
    cuts: list[range] | None = None
    while True:
        inner = f.args[0] if f.op in ("transpose", "reshape", "getitem") else f
        if f.op == "transpose":
            where = [where[f.params["axes"].index(i)] for i in range(f.ndim)]
        elif f.op == "reshape" and only_ones_moved(inner.shape, f.shape):
            places = iter([i for i, n in zip(where, f.shape, strict=True) if n != 1])
            where = [-1 if n == 1 else next(places) for n in inner.shape]
        elif f.op == "getitem" and cuts is None:
            cuts = ranges_of(f.params["index"], inner.shape)
            if cuts is None:
                return None
            left = iter(where)
            where = [next(left) if len(r) > 1 or f.ndim == inner.ndim else -1 for r in cuts]
        else:
            break
        f = inner
    return (f, where, cuts or [*map(range, f.shape)]) if f.op == "sliding_window_view" else None


def _correlated(
    k: Term, seen: Term, where: list[int], cuts: list[range], shape: Shape, axes: frozenset[int]
) -> Term | None:
    (x,) = seen.args
    slides = seen.params["axis"]
    kernel, out, taken = [], [], []
    for axis in range(x.ndim):
        own = [axis, *(x.ndim + i for i, a in enumerate(slides) if a == axis)]
        added = [i for i in own if where[i] in axes]
        left = [i for i in own if i not in added]
        if len(own) > 2 or len(added) != 1 or len(cuts[added[0]]) < seen.shape[added[0]]:
            return None
        kernel.append(where[added[0]])
        out.append(where[left[0]] if left else -1)
        taken.append(cuts[left[0]] if left else range(1))
    k = shaped(k, padded(k, max(len(shape), k.ndim)))
    k = shaped(k, tuple(k.shape[i] for i in sorted(kernel)))
    k = make("transpose", [k], {"axes": tuple(sorted(kernel).index(i) for i in kernel)})
    whole = tuple(n - m + 1 for n, m in zip(x.shape, k.shape, strict=True))
    found = intern("correlate", (x, k), {}, whole)
    found = make("transpose", [part(found, taken)], {"axes": tuple(np.argsort(out).tolist())})
    return shaped(found, shape)


SUMS.append(_as_correlation)


def _of_windows(a: Term, b: Term) -> Term | None:
    """Windows laid out as rows, times a kernel laid out as a vector: the same."""
    seen = a.args[0] if a.op == "reshape" else a
    sizes = seen.params["window_shape"] if seen.op == "sliding_window_view" else ()
    if not sizes or not b.shape[0] == math.prod(b.shape) == math.prod(sizes):
        return None
    over = range(seen.ndim - len(sizes), seen.ndim)
    found = summed(seen * shaped(b, sizes), over, False)
    if all(e.op != "correlate" for e in subterms(found)):  # of a row only products are
        return None
    return shaped(found, (*a.shape[:-1], *b.shape[1:]))


PRODUCTS.append(_of_windows)


@normal("convolve")
def _convolved(*args: Term, mode: str) -> Term:
    """Where the shorter of two lies within the longer, a correlation with it turned around."""
    x, k = sorted(args, key=lambda a: -a.shape[0])
    (n,), (m,) = x.shape, k.shape
    if mode == "full":
        return make("convolve_full", [x, k], {}, (n + m - 1,))
    return make("correlate", [x, make("flip", [k], {"axis": 0})], {}, (n - m + 1,))


def _joined(e: Term) -> Term | None:
    """Blocks that are put side by side, and fill the whole: ``[δ_i, δ_f, …]``."""
    c, e = coefficient(e)
    found: dict[int, Term] = {}
    axis = -1
    for f, k in e.args:
        block, ranges = block_of(f)
        cut = [i for i, (n, r) in enumerate(zip(f.shape, ranges, strict=False)) if len(r) != n]
        if len(cut) != 1 or axis not in (-1, cut[0]) or ranges[cut[0]].step != 1:
            return None
        axis = cut[0]
        if ranges[axis].start in found:
            return None
        found[ranges[axis].start] = scaled(block, k)
    starts = sorted(found)
    blocks = [found[start] for start in starts]
    ends = [start + block.shape[axis] for start, block in zip(starts, blocks, strict=True)]
    if [*starts, e.shape[axis]] != [0, *ends]:
        return None
    params = {"axis": axis, "starts": tuple(starts)}
    return scaled(intern("concatenate", tuple(blocks), params, e.shape), c)


COLLECTED.append(_joined)
