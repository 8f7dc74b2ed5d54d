"""Loops over windows are correlations: ``(x ⋆ k)_q = Σ_p x_{q+p} k_p``, whatever they run over.

A loop may add ``k[p] * x[p : p + n]`` for each entry p of the kernel, or stack
``Σ(k ∘ x[q : q + m])`` for each place q. The rules of a correlation then give its gradients:
``x ⋆ δ``, and ``δ * k``.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np

from ..show.notation import MATMUL, PRODUCT, infix
from ..table import Op
from .moves import Params, block_of, normal, ranges_of, varying
from .terms import (
    COLLECTED,
    Shape,
    Term,
    bare,
    coefficient,
    intern,
    make,
    marked,
    scaled,
    shaped,
    total,
    without_ones,
)


def _correlate(x: Any, k: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.tensordot(windows, k, k.ndim)


def _convolve(g: Any, k: Any) -> Any:
    return _correlate(np.pad(g, [(n - 1, n - 1) for n in k.shape]), np.flip(k))


_WINDOWS = "np.lib.stride_tricks.sliding_window_view"
CORRELATE: Op = Op(
    "correlate", _correlate, lambda g, out, x, k: CONVOLVE(g, k),
    lambda g, out, x, k: CORRELATE(x, g), notation=infix("⋆", PRODUCT, MATMUL),
    source=f"np.tensordot({_WINDOWS}({{0}}, np.shape({{1}})), {{1}}, np.ndim({{1}}))",
)  # fmt: skip
CONVOLVE: Op = Op(
    "convolve_full", _convolve, lambda g, out, x, k: CORRELATE(g, k),
    lambda g, out, x, k: CORRELATE(g, x), notation=infix("*", PRODUCT, MATMUL),
    source=f"(lambda g, k: np.tensordot({_WINDOWS}(np.pad(g, [(n - 1, n - 1) for n in k.shape]), "
    "k.shape), np.flip(k), k.ndim))({0}, {1})",
)  # fmt: skip


Use = tuple[tuple[Term, Term], list[range]]
"""An array and a kernel, and which part of the array it is laid on."""


def _over_entries(e: Term) -> Term | None:
    """A sum of ``k[p] x[p : p + n]`` over all entries p of a kernel."""
    last, c = e.args[-1]
    both, _, _ = _weighted(last) or (None, (), [])
    if both is None or len(e.args) < math.prod(both[1].shape):
        return None
    at: dict[tuple[int, ...], list[range]] = {}
    rest: list[tuple[Term, float]] = []
    for f, d in e.args:
        use = _weighted(f)
        if use is not None and use[0] == both and c == d and use[1] not in at:
            at[use[1]] = use[2]
        else:
            rest.append((f, d))
    begin, shape = at.get((0,) * both[1].ndim, []), both[1].shape
    if set(at) != set(np.ndindex(shape)) or any(
        r != range(b.start + i, b.stop + i, b.step)
        for p, ranges in at.items() for r, b, i in zip(ranges, begin, p, strict=True)
    ):  # fmt: skip
        return None
    whole = [range(b.start, b[-1] + n) for b, n in zip(begin, shape, strict=True)]
    found = _correlated(both, whole, [b.step for b in begin])
    return total([*rest, (found, c)], e.shape)


def _weighted(f: Term) -> tuple[tuple[Term, Term], tuple[int, ...], list[range]] | None:
    """``k[p] x[p : p + n]``."""
    for k, x in permutations(_pair(f), 2):
        place = marked(k.args[1]) if k.op == "picked" and k.shape == () else None
        x, ranges = _ranges(x, len(place or ()))
        if place is not None and len(ranges) == len(place):
            return (x, k.args[0]), place, ranges
    return None


@normal("concatenate")
def _beside_each_other(args: list[Term], params: Params, shape: Shape | None) -> Term | None:
    """``Σ(k ∘ x[q : q + m])`` for each place q, with a bias or without."""
    if shape is None or params["axis"] or len(args) < 2:
        return None
    cores = [_core(a) for a in args]
    terms = [a.args if a.op == "+" else ((a, 1.0),) for a in cores]
    shared = [t for t in terms[0] if t[0].shape == () and all(t in own for own in terms)]
    if shared and all(len(shared) < len(own) for own in terms):
        apart = [(f, -c) for f, c in shared]
        rest = [shaped(total([(a, 1), *apart]), b.shape) for a, b in zip(cores, args, strict=True)]
        return total([(make("concatenate", rest, params, shape), 1), *shared], shape)
    uses = [use for a in cores if (use := _laid(a)) is not None]
    if len(uses) < len(cores) or any(use[0] != uses[0][0] for use in uses):
        return None
    found = _one_after_another(uses)
    return None if found is None else shaped(found, shape)


def _one_after_another(uses: list[Use]) -> Term | None:
    """The correlation, where the places follow each other along one axis."""
    both, first = uses[0]
    starts = np.array([[r.start for r in ranges] for _, ranges in uses])
    steps = starts[1] - starts[0]
    axis = int(steps.argmax())
    single = all(len(r) == n for r, n in zip(first[: axis + 1], both[1].shape, strict=False))
    if not single or np.count_nonzero(steps) != 1 or np.any(np.diff(starts, axis=0) != steps):
        return None
    ends = [int(last) + len(r) for r, last in zip(first, starts[-1], strict=True)]
    whole = [range(r.start, end) for r, end in zip(first, ends, strict=True)]
    return _correlated(both, whole, [int(step) or 1 for step in steps])


def _laid(e: Term) -> Use | None:
    """``Σ(k ∘ x[q : q + m])``, or a correlation with a part of x."""
    is_whole = e.op == "sum" and e.params["axes"] == varying(e.args[0], e.args[0].ndim)
    pairs = permutations(_pair(e.args[0]), 2) if is_whole else [e.args[::-1]]
    for k, x in pairs if is_whole or e.op == "correlate" else ():
        k = shaped(k, without_ones(k.shape)) if is_whole else k
        x, ranges = _ranges(x, k.ndim)
        fits = k.shape == tuple(map(len, ranges)) or (e.op == "correlate" and k.ndim == len(ranges))
        is_part = any(len(r) < n for r, n in zip(ranges, x.shape, strict=False))
        if is_part and fits and all(r.step == 1 for r in ranges):
            return (x, k), ranges
    return None


def _pair(e: Term) -> list[Term]:
    is_pair = e.op == "*" and len(e.args) == 2 and all(p == 1 for _, p in e.args)
    return e.operands if is_pair else []


def _ranges(x: Term, ndim: int) -> tuple[Term, list[range]]:
    """An array of so many axes, and what is taken of it."""
    x = bare(x)
    ranges = ranges_of(x.params["index"], x.args[0].shape) if x.op == "getitem" else None
    if not ranges:
        return x, []
    whole, alone = x.args[0], [i for i, r in enumerate(ranges) if len(r) == 1]
    alone = alone[: max(len(ranges) - ndim, 0)]
    if alone:  # axes of which one entry is taken
        cut = [r if i in alone else range(whole.shape[i]) for i, r in enumerate(ranges)]
        rest = tuple(n for i, n in enumerate(whole.shape) if i not in alone)
        whole = shaped(_taken(whole, cut), rest)
    return whole, [r for i, r in enumerate(ranges) if i not in alone]


def _core(e: Term) -> Term:
    while e.op == "reshape":
        e = e.args[0]
    return e


def _correlated(both: tuple[Term, Term], whole: list[range], steps: list[int]) -> Term:
    """The correlation of a part of x with k, in these steps."""
    x, k = both
    x = _taken(x, whole)
    shape = tuple(n - m + 1 for n, m in zip(x.shape, k.shape, strict=True))
    found = intern("correlate", (x, k), {}, shape, x.size + k.size + 0.5)
    return _taken(found, [range(0, n, step) for n, step in zip(shape, steps, strict=True)])


def _taken(x: Term, ranges: list[range]) -> Term:
    index = tuple(slice(r.start, r.stop, r.step) for r in ranges)
    return make("getitem", [x], {"index": index}, tuple(map(len, ranges)))


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
    size = 0.5 + sum(b.size for b in blocks)
    return scaled(intern("concatenate", tuple(blocks), params, e.shape, size), c)


def _entries_added(e: Term) -> Term | None:
    """All entries of an array, added: a bias that a loop adds to each."""
    c, e = coefficient(e)
    first = e.args[0][0]
    if not all(f.op == "picked" and f.shape == () and k == 1 for f, k in e.args):
        return None
    x = first.args[0]
    if any(f.args[0] is not x for f in e.operands):
        return None
    each = (sum(f.args[1].value for f in e.operands) == 1).all()
    return scaled(shaped(x.sum(range(x.ndim)), ()), c) if each else None


COLLECTED += [_over_entries, _joined, _entries_added]
