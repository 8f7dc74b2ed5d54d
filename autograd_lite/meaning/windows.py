"""Loops over windows are correlations: ``(x ⋆ k)_q = Σ_p x_{q+p} k_p``, whatever they run over.

A loop may add ``k[p] * x[p : p + n]`` for each entry p of the kernel, or stack
``Σ(k ∘ x[q : q + m])`` for each place q. The rules of a correlation then give its gradients:
``x ⋆ δ``, and ``δ * k``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..show.notation import MATMUL, PRODUCT, infix
from ..table import Op
from .moves import Params, normal, ranges_of
from .terms import (
    COLLECTED,
    Shape,
    Term,
    coefficient,
    intern,
    make,
    marked,
    scaled,
    shaped,
    total,
)


def _correlate(x: Any, k: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.tensordot(windows, k, k.ndim)


def _convolve(g: Any, k: Any) -> Any:
    return _correlate(np.pad(g, [(n - 1, n - 1) for n in k.shape]), np.flip(k))


_WINDOWS = "np.lib.stride_tricks.sliding_window_view"
CORRELATE = Op(
    "correlate", _correlate, lambda g, out, x, k: CONVOLVE(g, k),
    lambda g, out, x, k: CORRELATE(x, g), notation=infix("⋆", PRODUCT, MATMUL),
    source=f"np.tensordot({_WINDOWS}({{0}}, np.shape({{1}})), {{1}}, np.ndim({{1}}))",
)  # fmt: skip
CONVOLVE = Op(
    "convolve_full", _convolve, lambda g, out, x, k: CORRELATE(g, k),
    lambda g, out, x, k: CORRELATE(g, x), notation=infix("*", PRODUCT, MATMUL),
    source=f"(lambda g, k: np.tensordot({_WINDOWS}(np.pad(g, [(n - 1, n - 1) for n in k.shape]), "
    "k.shape), np.flip(k), k.ndim))({0}, {1})",
)  # fmt: skip


def _over_entries(e: Term) -> Term | None:
    """A sum of ``k[p] x[p : p + n]`` over all entries p of a kernel."""
    at: dict[tuple[int, ...], list[range]] = {}
    _, first = coefficient(e.args[-1][0])
    x, k = (_weighted(first) or (None, None))[:2]
    rest: list[tuple[Term, float]] = []
    for f, c in e.args:
        use = _weighted(f) if x is not None else None
        if use is not None and use[:2] == (x, k) and c == e.args[-1][1] and use[2] not in at:
            at[use[2]] = use[3]
        else:
            rest.append((f, c))
    if x is None or k is None or set(at) != set(np.ndindex(k.shape)):
        return None
    begin = at[(0,) * k.ndim]
    if any(r != range(b.start + i, b.stop + i, b.step)
           for p, at_p in at.items() for r, b, i in zip(at_p, begin, p, strict=True)):  # fmt: skip
        return None
    whole = [range(b.start, b[-1] + n) for b, n in zip(begin, k.shape, strict=True)]
    found = _taken(_correlation(_taken(x, whole), k), [range(0, 10**9, b.step) for b in begin])
    return total([*rest, (found, e.args[-1][1])], e.shape)


def _weighted(f: Term) -> tuple[Term, Term, tuple[int, ...], list[range]] | None:
    """``k[p] x[p : p + n]``."""
    if f.op != "*" or len(f.args) != 2 or any(p != 1 for _, p in f.args):
        return None
    one, x = sorted(f.operands, key=lambda g: g.op != "picked")
    ranges = ranges_of(x.params["index"], x.args[0].shape) if x.op == "getitem" else None
    place = marked(one.args[1]) if one.op == "picked" and one.shape == () else None
    if ranges is None or place is None or len(place) != len(ranges):
        return None
    return x.args[0], one.args[0], place, ranges


@normal("concatenate")
def _beside_each_other(args: list[Term], params: Params, shape: Shape | None) -> Term | None:
    """``Σ(k ∘ x[q : q + m])`` for each place q, with a bias or without."""
    if shape is None or params["axis"] or len(args) < 2:
        return None
    cores = [_core(a) for a in args]
    shared = [t for t in _terms(cores[0]) if t[0].shape == ()]
    shared = [t for t in shared if all(t in _terms(a) for a in cores)]
    if shared and all(len(shared) < len(_terms(a)) for a in cores):
        rest = [shaped(total([(a, 1), *((f, -c) for f, c in shared)]), b.shape)
                for a, b in zip(cores, args, strict=True)]  # fmt: skip
        return total([(make("concatenate", rest, params, shape), 1), *shared], shape)
    uses = [_window(a) for a in cores]
    x, k = (uses[0] or (None, None))[:2]
    if x is None or k is None or any(use is None or use[:2] != (x, k) for use in uses):
        return None
    starts = np.array([[r.start for r in use[2]] for use in uses if use])
    steps = starts[1] - starts[0]
    axis = int(steps.argmax())
    ranges = uses[0][2] if uses[0] else []
    whole = [range(r.start, int(last) + len(r)) for r, last in zip(ranges, starts[-1], strict=True)]
    single = all(len(r) == n for r, n in zip(ranges[: axis + 1], k.shape, strict=False))
    if not single or np.any(steps < 0) or np.ptp(np.diff(starts, axis=0), axis=0).any():
        return None
    if np.count_nonzero(steps) != 1:
        return None
    taken = [range(0, 10**9, max(int(step), 1)) for step in steps]
    return shaped(_taken(_correlation(_taken(x, whole), k), taken), shape)


def _core(e: Term) -> Term:
    while e.op == "reshape":
        e = e.args[0]
    return e


def _terms(e: Term) -> tuple[tuple[Term, float], ...]:
    return e.args if e.op == "+" else ((e, 1.0),)


def _window(e: Term) -> tuple[Term, Term, list[range]] | None:
    """``Σ(k ∘ x[q : q + m])``, or a correlation with a part of x."""
    if e.op == "correlate":
        x, k = e.args
    elif e.op == "sum" and e.args[0].op == "*" and len(e.params["axes"]) == e.args[0].ndim:
        k, x = sorted(e.args[0].operands, key=lambda g: g.op == "getitem")[-2:]
        if len(e.args[0].args) != 2 or any(p != 1 for _, p in e.args[0].args):
            return None
    else:
        return None
    ranges = ranges_of(x.params["index"], x.args[0].shape) if x.op == "getitem" else None
    if ranges is None or any(r.step != 1 for r in ranges) or k.ndim != len(ranges):
        return None
    return x.args[0], k, ranges


def _taken(x: Term, ranges: list[range]) -> Term:
    parts = [range(n)[r.start : r.stop : r.step] for n, r in zip(x.shape, ranges, strict=True)]
    index = tuple(slice(r.start, r.stop, r.step) for r in parts)
    return make("getitem", [x], {"index": index}, tuple(map(len, parts)))


def _correlation(x: Term, k: Term) -> Term:
    shape = tuple(n - m + 1 for n, m in zip(x.shape, k.shape, strict=True))
    return intern("correlate", (x, k), {}, shape, x.size + k.size + 0.5)


def _joined(e: Term) -> Term | None:
    """Blocks that are put side by side, and fill the whole: ``[δ_i, δ_f, …]``."""
    c, e = coefficient(e)
    found: dict[int, Term] = {}
    axis = -1
    for f, k in e.args:
        if f.op != "scatter" or k != 1 or (ranges := ranges_of(f.params["index"], f.shape)) is None:
            return None
        cut = [i for i, (n, r) in enumerate(zip(f.shape, ranges, strict=True)) if len(r) != n]
        if len(cut) != 1 or axis not in (-1, cut[0]) or ranges[cut[0]].step != 1:
            return None
        axis = cut[0]
        found[ranges[axis].start] = f.args[0]
    end = 0
    for start, block in sorted(found.items()):
        if start != end:
            return None
        end += block.shape[axis]
    if end != e.shape[axis] or len(found) < len(e.args):
        return None
    blocks = tuple(found[start] for start in sorted(found))
    size = 0.5 + sum(b.size for b in blocks)
    return scaled(intern("blocks", blocks, {"axis": axis}, e.shape, size), c)


def _entries_added(e: Term) -> Term | None:
    """All entries of an array, added: a bias that a loop adds to each."""
    c, e = coefficient(e)
    first = e.args[0][0]
    if not all(f.op == "picked" and f.shape == () and k == 1 for f, k in e.args):
        return None
    x, marks = first.args[0], sum(f.args[1].value for f in e.operands)
    alike = all(f.args[0] is x for f in e.operands) and (marks == 1).all()
    return scaled(shaped(x.sum(range(x.ndim)), ()), c) if alike else None


COLLECTED += [_over_entries, _joined, _entries_added]
