"""Sums over windows: what loops over the entries of a kernel add up is a correlation.

    ∂L/∂K_p = Σ δ ∘ x[p : p + n]          for each p: x ⋆ δ
    ∂L/∂x   = Σ_p K_p δ, put at p : p + n          : δ * K
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .terms import COLLECTED, Shape, Term, bare, coefficient, intern, make, marked, product, scaled

Window = tuple[tuple[int, ...], Shape]
"""Where it begins, and its shape."""


def _correlated(e: Term) -> Term | None:
    """A sum of ``e_p ∘ Σ(δ ∘ x[p : p + n])`` over all entries p of a kernel."""
    c, e = coefficient(e)
    found: dict[tuple[int, ...], tuple[Term, Term, Window]] = {}
    for f, k in e.args:
        use = (_by_mark(f) or _by_entry(f)) if k == 1 else None
        if use is None or use[0] in found:
            return None
        found[use[0]] = use[1:]
    rest, x, (_, shape) = next(iter(found.values()))
    if any(z[:2] != (rest, x) or z[2][1] != shape for z in found.values()):
        return None
    grid = rest.shape if shape == e.shape and shape != rest.shape else e.shape
    starts = {p: w[0] for p, (*_, w) in found.items()}
    if {grid, shape} != {rest.shape, e.shape} or not _is_grid(starts, grid):
        return None
    size = tuple(n + m - 1 for n, m in zip(shape, grid, strict=True))
    x = _cut(x, min(starts.values()), size)
    return scaled(intern("correlate", (x, rest), {}, e.shape, x.size + rest.size + 0.5), c)


Use = tuple[tuple[int, ...], Term, Term, Window]
"""Of which entry, what is beside the window, and a window of what."""


def _by_mark(f: Term) -> Use | None:
    """``e_p ∘ Σ(δ ∘ x[p : p + n])``."""
    place, rest = _marked(f)
    inner = _whole_sum(rest)
    if place is None or inner is None or inner.op != "*":
        return None
    parts = [(g, w) for g, p in inner.args if p == 1 and (w := _window(g)) is not None]
    if len(parts) != 1:
        return None
    return place, product([(inner, 1), (parts[0][0], -1)]), parts[0][0].args[0], parts[0][1]


def _by_entry(f: Term) -> Use | None:
    """``δ_p ∘ x[p : p + n]``."""
    if f.op != "*" or len(f.args) != 2 or any(p != 1 for _, p in f.args):
        return None
    one, x = sorted(f.operands, key=lambda g: max(g.shape, default=1))
    window = _window(x)
    one = one.args[0] if one.op == "reshape" else one
    entry = _window(one)
    if window is None or entry is None or set(entry[1]) - {1}:
        return None
    return entry[0], one.args[0], x.args[0], window


def _convolved(e: Term) -> Term | None:
    """A sum of ``K_p δ``, each put at ``p : p + n``."""
    c, e = coefficient(e)
    found: dict[tuple[int, ...], tuple[Term, Term, Window]] = {}
    for f, k in e.args:
        if k != 1 or f.op != "scatter" or f.args[0].op != "*":
            return None
        window = _slices(f.params["index"], f.shape)
        picked = [g for g, p in f.args[0].args if p == 1 and g.op == "picked" and g.shape == ()]
        if window is None or len(picked) != 1:
            return None
        kernel, hot = picked[0].args
        place = marked(hot)
        if place is None:
            return None
        found[place] = product([(f.args[0], 1), (picked[0], -1)]), kernel, window
    rest, kernel, (_, shape) = next(iter(found.values()))
    if any(z[:2] != (rest, kernel) or z[2][1] != shape for z in found.values()):
        return None
    starts = {p: w[0] for p, (*_, w) in found.items()}
    fills = e.shape == tuple(n + m - 1 for n, m in zip(shape, kernel.shape, strict=True))
    if rest.shape != shape or not fills or not _is_grid(starts, kernel.shape):
        return None
    size = rest.size + kernel.size + 0.5
    return scaled(intern("convolve_full", (rest, kernel), {}, e.shape, size), c)


def _joined(e: Term) -> Term | None:
    """Blocks that are put side by side, and fill the whole: ``[δ_i, δ_f, …]``."""
    c, e = coefficient(e)
    found: dict[int, tuple[Term, Window]] = {}
    axis = -1
    for f, k in e.args:
        window = _slices(f.params["index"], f.shape) if f.op == "scatter" and k == 1 else None
        cut = [i for i, n in enumerate(f.shape) if window is not None and window[1][i] != n]
        if window is None or len(cut) != 1 or axis not in (-1, cut[0]):
            return None
        axis = cut[0]
        found[window[0][axis]] = f.args[0], window
    end = 0
    for start, (block, (_, shape)) in sorted(found.items()):
        if start != end or block.shape != shape:
            return None
        end += shape[axis]
    if end != e.shape[axis] or len(found) < len(e.args):
        return None
    blocks = tuple(found[start][0] for start in sorted(found))
    size = 0.5 + sum(b.size for b in blocks)
    return scaled(intern("blocks", blocks, {"axis": axis}, e.shape, size), c)


COLLECTED += [_correlated, _convolved, _joined]


def _marked(f: Term) -> tuple[tuple[int, ...] | None, Term]:
    """The one entry that a factor marks, and the other factors."""
    for g, p in f.args if f.op == "*" else ():
        place = marked(g) if p == 1 and g.kind == "marks" else None
        if place is not None:
            return place, product([(f, 1), (g, -1)])
    return None, f


def _whole_sum(e: Term) -> Term | None:
    e = bare(e)
    while e.op == "reshape":
        e = e.args[0]
    whole = e.op == "sum" and len(e.params["axes"]) == e.args[0].ndim
    return e.args[0] if whole else None


def _window(g: Term) -> Window | None:
    return _slices(g.params["index"], g.args[0].shape) if g.op == "getitem" else None


def _slices(index: Any, whole: Shape) -> Window | None:
    """Where slices begin, and how long they are, one an axis."""
    parts = index if isinstance(index, tuple) else (index,)
    left = (slice(None),) * (len(whole) - len([part for part in parts if part is not ...]))
    at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    parts = (*parts[:at], *left, *parts[at + 1 :])
    if len(parts) != len(whole) or not all(isinstance(part, slice) for part in parts):
        return None
    ranges = [range(n)[part] for part, n in zip(parts, whole, strict=True)]
    if any(r.step != 1 for r in ranges):
        return None
    return tuple(r.start for r in ranges), tuple(map(len, ranges))


def _is_grid(starts: dict[tuple[int, ...], tuple[int, ...]], shape: Shape) -> bool:
    """Whether there is a window for each entry of that shape, each one on from the one before."""
    if set(starts) != set(np.ndindex(shape)):
        return False
    first = starts[(0,) * len(shape)]
    return all(s == tuple(np.add(first, p).tolist()) for p, s in starts.items())


def _cut(x: Term, first: tuple[int, ...], size: Shape) -> Term:
    if size == x.shape:
        return x
    index = tuple(slice(i, i + n) for i, n in zip(first, size, strict=True))
    return make("getitem", [x], {"index": index}, size)


def correlate(x: Any, g: Any) -> Any:
    """``(x ⋆ g)_p = Σ_q x_{p+q} g_q``, where g lies within x."""
    windows = np.lib.stride_tricks.sliding_window_view(x, g.shape)
    return np.tensordot(windows, g, g.ndim)


def convolve_full(g: Any, kernel: Any) -> Any:
    """``(g * K)_p = Σ_q g_{p−q} K_q``, wherever they overlap."""
    return correlate(np.pad(g, [(n - 1, n - 1) for n in kernel.shape]), np.flip(kernel))


__all__ = ["convolve_full", "correlate"]
