"""Sums over axes, products of matrices, and what only moves entries, in normal form."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, permutations
from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np

from ..ops.indexing import parts_of
from ..show.writer import axes_of
from ..table import OPS
from .terms import (
    COLLECTED,
    ENTRYWISE,
    LARGEST,
    MOST,
    NORMAL,
    ONE,
    Shape,
    Term,
    added_up,
    as_number,
    bare,
    broadcast,
    coefficient,
    content,
    entry,
    intern,
    is_identity,
    leaf,
    make,
    marked,
    merged,
    number,
    onehot,
    only_ones_moved,
    padded,
    product,
    remade,
    rewritten,
    scaled,
    shaped,
    subterms,
    sum_of,
    terms_of,
    total,
    with_axes,
    without_ones,
)

SUMS: list[Callable[[Term, frozenset[int], bool], Term | None]] = []
"""What else a sum over axes may be."""
PRODUCTS: list[Callable[[Term, Term], Term | None]] = []
"""What else a product of matrices may be."""
_MOST_MARKS = 10**6  # entries of what marks rows that were looked up
Form = Callable[..., Term | None]


def normal(*names: str) -> Callable[[Form], Form]:
    """What is decorated makes the terms of these ops; None where they are just these.

    It is given the operands, and by keyword what it takes of the op's name, as ``op``, the
    ``shape`` of the result, and the settings.
    """

    def register(f: Form) -> Form:
        takes = inspect.signature(f).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in takes.values())

        def form(op: str, args: Sequence[Term], params: Any, shape: Shape | None) -> Term | None:
            own = params if shape is None else {**params, "shape": shape}
            given = {key: x for key, x in {**own, "op": op}.items() if key in takes}
            return f(*args, **({**params, **given} if takes_all else given))

        NORMAL.update({op: partial(form, op) for op in names})
        return f

    return register


def kept(shape: Shape, axes: Iterable[int]) -> Shape:
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def varying(e: Term, ndim: int) -> frozenset[int]:
    """The axes along which ``e``, broadcast to as many, has several entries."""
    return frozenset(i for i, n in enumerate(padded(e, ndim)) if n != 1)


# ---------------------------------------------------------------------- sums over axes


@normal("sum")
def _sum(x: Term, **params: Any) -> Term:
    return summed(x, axes_of(params, x.ndim))


@normal("mean")
def _mean(x: Term, **params: Any) -> Term:
    axes = axes_of(params, x.ndim)
    return scaled(summed(x, axes, False), 1 / (math.prod(x.shape[a] for a in axes) or 1))


def summed(x: Term, axes: Iterable[int], products: bool = True) -> Term:
    """The sum over ``axes``, which are kept with one entry.

    ``products``: whether it may be a product of matrices, which a mean is not written as.
    """
    axes = frozenset(a for a in axes if x.shape[a] != 1)
    if not axes:
        return x
    c, rest = coefficient(x)
    if c != 1 and rest.shape == x.shape:
        return scaled(summed(rest, axes, products), c)
    shape = kept(x.shape, axes)
    whole = axes == varying(x, x.ndim)
    moved = of_moved(x, axes, shape, lambda inner, own: summed(inner, own, products))
    if moved is not None:
        return moved
    if x.op == "sum":
        return summed(x.args[0], axes | x.params["axes"], products)
    if whole and x.op == "picked":
        return shaped(summed(product([(a, 1) for a in x.args]), range(x.args[0].ndim)), shape)
    if whole and x.ndim == 2 and x.op == "*" and any(map(is_identity, x.operands)):
        rest = product([(f, p) for f, p in x.args if not is_identity(f)])
        return shaped(_trace(shaped(rest, x.shape)), shape)
    first = _turned_back, _known_sum, _expected, _constants_out, _term_by_term
    for way in (*first, *SUMS, _as_product, _one_by_one):
        found = way(x, axes, products)
        if found is not None:
            return shaped(found, shape)
    return rewritten(intern("sum", (x,), {"axes": axes}, shape))


def of_moved(
    x: Term, axes: frozenset[int], shape: Shape, reduced: Callable[[Term, frozenset[int]], Term]
) -> Term | None:
    """Of what was moved, what is moved is reduced; where axes were merged, over all of them."""
    before = _merged_from(x) if x.op not in ("reshape", "matmul") else None
    if before is not None and _over_merged(before, x.shape, axes):
        x = intern("reshape", (_apart(x, before),), {}, x.shape)
    if not axes or x.op not in ("transpose", "reshape"):
        return None
    (inner,) = x.args
    if x.op == "transpose":
        perm = x.params["axes"]
        return make("transpose", [reduced(inner, frozenset(perm[a] for a in axes))], x.params)
    if only_ones_moved(inner.shape, x.shape):
        at = beside_ones(x.shape, inner.shape)
        return shaped(reduced(inner, frozenset(at[a] for a in axes if a in at)), shape)
    groups = merged_axes(inner.shape, x.shape)
    over = frozenset(i for a in axes for i in groups[a]) if groups else None
    return None if over is None else shaped(reduced(inner, over), shape)


def _trace(x: Term) -> Term:
    """Of a product of matrices the sum of the products of their entries; tr(A u vᵀ B) = vᵀ B A u.
    """
    c, x = _scale(x)
    chain = _chain(x)
    outer = next((i for i, f in enumerate(chain) if f.op == "*" and _is_outer(f)), None)
    if x.op == "+":
        found = total([(_trace(shaped(f, x.shape)), k) for f, k in x.args])
    elif x.op == "transpose":
        found = _trace(x.args[0])
    elif outer is not None:
        columns = dict(z for z in chain[outer].args if varying(z[0], 2) <= {0})
        rest = {f: p for f, p in chain[outer].args if f not in columns}
        sizes = zip((columns, rest), chain[outer].shape, strict=True)
        u, v = (shaped(product(some.items()), (n,)) for some, n in sizes)
        for a in chain[:outer][::-1]:
            u = make("matmul", [a, u])
        for b in chain[outer + 1 :]:
            v = make("matmul", [make("transpose", [b]), v])
        found = summed(u * v, [0])
    elif x.op == "matmul" and all(f.ndim == 2 for f in x.args):
        a, b = x.args
        found = summed(a * make("transpose", [b], {"axes": (1, 0)}), (0, 1))
    else:
        found = rewritten(intern("trace", (x,), {}, ()))
    return product([(c, 1), (shaped(found, ()), 1)])


def _turned_back(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """Of a sum or product of what is transposed along the axes as they were, where that is shorter.
    """
    within = (g for f in x.operands for g in (f, *f.operands)) if x.op in "+*" else ()
    turned = next((f for f in within if f.op == "transpose" and f.shape == x.shape), None)
    if turned is None or any(map(_slides, x.operands)):
        return None
    there = turned.params["axes"]
    back = make("transpose", [x], {"axes": tuple(map(there.index, range(x.ndim)))})
    if back.size > x.size - 1e-9:
        return None
    return make("transpose", [summed(back, [there[a] for a in axes], products)], {"axes": there})


def _known_sum(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """Of rows of probabilities 1 each; of what is centred 0, also in products of matrices."""
    x = x.means if x.kind == "kept" and x.means is not None else x
    if x.op in ("softmax", "normalised") and x.params["axes"] <= axes:
        rows = math.prod(x.shape[a] for a in axes - x.params["axes"])
        return number(rows if x.op == "softmax" else 0)
    for a, y in enumerate(x.args if x.op == "matmul" and x.ndim == 2 else ()):
        if a in axes and y.ndim == 2 and as_number(summed(y, [a])) == 0:
            return number(0)
    return None


def _expected(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """Σ p ∘ (c + y) is c + Σ p ∘ y, where p are probabilities."""
    for (f, p), (g, q) in permutations(x.args) if x.op == "*" and len(x.args) == 2 else ():
        if p == q == 1 and g.op == "+" and f.shape == x.shape:
            apart = [(t, c) for t, c in g.args if not varying(t, x.ndim) & axes]
            one = _known_sum(f, axes, products) if apart else None
            if one is not None and as_number(one) == 1:
                rest = total([(g, 1), *((t, -c) for t, c in apart)], g.shape)
                return total([*apart, (summed(product([(f, 1), (rest, 1)]), axes, products), 1)])
    return None


def _constants_out(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """Factors that don't vary along the axes stand before the sum."""
    out: list[tuple[Term, float]] = []
    left: list[tuple[Term, float]] = []
    e = bare(x)
    for f, p in e.args if e.op == "*" else [(e, 1.0)]:
        (left if varying(f, x.ndim) & axes else out).append((f, p))
    inner = product(left)
    if not out and inner.shape == x.shape:
        return ONE if adds_up_to_1(x, axes) else None
    missing = math.prod(x.shape[a] for a in axes if padded(inner, x.ndim)[a] == 1)
    inner = shaped(inner, padded(inner, x.ndim))
    if inner is x:
        return None
    return product([*out, (number(missing), 1), (summed(inner, axes, products), 1)])


def adds_up_to_1(x: Term, axes: frozenset[int]) -> bool:
    """Whether given rows do: one-hot ones, or probabilities."""
    if x.op != "leaf" or not x.given or x.value is None or x.value.dtype.kind not in "biuf":
        return False
    sums = np.asarray(x.value, float).sum(tuple(axes))
    return bool(sums.size and np.allclose(sums, 1, atol=1e-9))


def _term_by_term(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """A sum of terms term by term, where that is shorter; of much only where nothing is left."""
    if x.op != "+" or len(x.args) < 2:
        return None
    if x.size > LARGEST and all(varying(f, x.ndim) & axes for f in x.operands):
        return None
    shape = kept(x.shape, axes)
    parts = [(summed(shaped(f, x.shape), axes, products), c) for f, c in x.args]
    found = sum_of(added_up((f, k * c) for e, c in parts for f, k in terms_of(bare(e))))
    # Σ(p − y) isn't Σ(p) − 1 where y happens to have one 1.
    given = sum(f.kind == "given" for f in x.operands) if as_number(found) is None else 0
    return total(parts, shape) if found.size + 1.2 * given < x.size + 0.5 else None


def _as_product(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """``Σ_k a_ik b_kj`` is a product of matrices, and ``Σ_k a_ik v_k`` one with a vector.

    Along axes that both have there is one at each place: a stack.
    """
    if not products or len(axes) != 1 or x.op != "*":
        return None
    (k,) = axes
    first = [tuple(range(n)) for n in range(max(k, 1))]
    for stack in [*first, *((q,) for q in range(1, x.ndim - 2) if q != k)]:
        groups: dict[frozenset[int], list[tuple[Term, float]]] = {}
        for f, p in x.args:
            groups.setdefault(varying(f, x.ndim) - {k, *stack}, []).append((f, p))
        if len(groups) != 2 or any(len(free) > 1 for free in groups):
            continue
        (i, left), (j, right) = sorted(
            ((min(free, default=x.ndim), factors) for free, factors in groups.items()),
            key=lambda group: group[0],
        )
        a, b = product(left), product(right)
        if j < x.ndim:
            matrices = [_matrix(a, x.shape, stack, i, k), _matrix(b, x.shape, stack, k, j)]
            found = make("matmul", matrices)
            order = [*stack, i, j, *(q for q in range(x.ndim) if q not in (*stack, i, j))]
            found = shaped(found, tuple(1 if q == k else x.shape[q] for q in order))
            return _transposed(found, tuple(map(order.index, range(x.ndim))))
        if not stack and any(p > 0 for _, p in right):  # each isn't divided by its own
            return make("matmul", [_matrix(a, x.shape, stack, i, k), shaped(b, (x.shape[k],))])
    return None


def _swapped(x: Term) -> Term:
    """Each matrix of a stack transposed."""
    return _transposed(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _matrix(e: Term, whole: Shape, stack: Sequence[int], *own: int) -> Term:
    """A matrix along two axes, or a stack of them."""
    rest, last = (q for q in range(len(whole)) if q not in (*stack, *own)), len(stack) + 1
    e = shaped(e, tuple(whole[q] if q in own else n for q, n in enumerate(padded(e, len(whole)))))
    e = _transposed(e, (*stack, *sorted(own), *rest))
    e = shaped(e, e.shape[: last + 1])
    return e if own[0] < own[1] else _swapped(e)


def _transposed(e: Term, axes: tuple[int, ...]) -> Term:
    return make("transpose", [e], {"axes": axes})


def _one_by_one(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """A sum over several axes, where that over one of them is a product of matrices.

    Over all of them only of ``Σ_ij u_i A_ij v_j``, which is ``uᵀ A v``.
    """
    along = {varying(f, x.ndim) for f in x.operands} if x.op == "*" else set()
    is_form = {frozenset([a]) for a in axes} <= along
    if not products or x.op != "*" or (axes == varying(x, x.ndim) and not is_form):
        return None
    for axis in sorted(axes, reverse=True) if len(axes) > 1 else ():
        inner = summed(x, [axis])
        parts = subterms(inner, 3)
        whole = any(f.op == "matmul" for f in parts) and all(f.op != "sum" for f in parts)
        if whole or inner.op == "*":
            return summed(inner, axes - {axis})
    return None


@normal("picked")
def _picked(x: Term, marks: Term, axes: Sequence[int]) -> Term:
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    if (place := marked(marks)) is not None and x.op in ("+", "*", *ENTRYWISE):
        return remade(x, [entry(f, place) for f in x.operands], shape)  # of each its own
    return rewritten(intern("picked", (x, marks), {"axes": axes}, shape, x.size + 1.5))


def reduction(*ops: str, keeps: bool = False) -> Callable[[Any], Any]:
    """What is decorated makes the terms of these, by ``(op, x, axes, shape)``.

    ``keeps``: whether the result has all entries.
    """

    def register(form: Callable[[str, Term, frozenset[int], Shape], Term]) -> Any:
        @normal(*ops)
        def of(x: Term, op: str, **params: Any) -> Term:
            axes = frozenset(i for i in axes_of(params, x.ndim) if x.shape[i] != 1)
            whole = x.shape if keeps else kept(x.shape, axes)
            found = None
            is_merged = x.op == "reshape" and _over_merged(x.args[0].shape, x.shape, axes)
            if is_merged or x.op == "transpose" or [y.op for y in x.operands] == [op]:
                found = of_moved(x, axes, whole, lambda y, own: make(op, [y], {"axes": own}))
            return found or form(op, x, axes, whole)

        return form

    return register


@reduction("max", "min")
def _extreme(op: str, x: Term, axes: frozenset[int], shape: Shape) -> Term:
    if not axes:
        return x
    if x.op == op:
        return make(op, [x.args[0]], {"axes": axes | x.params["axes"]})
    if (blocks := _side_by_side(x, axes)) is not None:
        return make(op, [blocks], {"axes": axes})
    return intern(op, (x,), {"axes": axes}, shape)


# ---------------------------------------------------------------------- moves


def _inward(
    x: Term, move: Callable[[Term], Term | None], always: bool = False
) -> Term | None:
    """A move of each operand instead of the result, where that is shorter.

    Of much only where one was moved before, as in softmax of columns: exp((xᵀ − max)ᵀ).
    """
    is_near = x.size <= LARGEST or any(f.op == "transpose" for f in x.operands)
    if x.op not in "+*" or not (is_near or always):
        return None
    parts = [(e, c) for f, c in x.args if (e := move(f)) is not None]
    if len(parts) < len(x.args):
        return None
    if not always and sum(f.size for f, _ in parts) >= sum(f.size for f in x.operands):
        return None
    return total(parts) if x.op == "+" else product(parts)


@normal("reshape", "squeeze", "expand_dims", "ravel")
def _reshape(x: Term, shape: Shape) -> Term:
    if x.shape == shape:
        return x
    c, rest = coefficient(x)
    if c != 1 and rest.shape == x.shape and without_ones(shape) != without_ones(x.shape):
        return shaped(scaled(shaped(rest, shape), c), shape)
    if x.op == "reshape":
        return shaped(x.args[0], shape)
    if as_number(x) is not None:
        return intern("broadcast_to", (bare(x),), {}, shape, x.size)
    if x.op == "transpose" and _in_order(x.params["axes"], x.args[0].shape):
        return shaped(x.args[0], shape)
    whole, groups = _unmerged(x) if x.op == "transpose" else (x, [])
    if groups:
        return shaped(_transposed(whole, tuple(i for own in groups for i in own)), shape)
    if x.op == "broadcast_to" and only_ones_moved(x.shape, shape):
        inner = with_axes(x.args[0], x.shape, shape)
        assert inner is not None
        return shaped(inner, shape)
    before = _merged_from(x)
    if before is not None and only_ones_moved(before, shape):
        return shaped(_apart(x, shape), shape)
    if x.op in "+*":
        found = _inward(x, lambda f: with_axes(f, x.shape, shape))
        if found is not None:
            return shaped(found, shape)
    groups = merged_axes(x.shape, shape)
    found = _by_blocks(x, x.shape, shape, groups) if groups and x.size < LARGEST else None
    return found or intern("reshape", (x,), {}, shape, x.size + 0.1)


def _merged_from(x: Term, deep: int = 12) -> Shape | None:
    """The shape before axes were merged into one, where all that is as large has it."""
    if x.op == "reshape":
        whole = tuple(n for n in x.args[0].shape if n != 1)
        return whole if merged_axes(whole, x.shape) else None
    if x.op == "matmul" and x.args[0].ndim == 2:
        rows = _merged_from(x.args[0], deep - 1) if deep else None
        is_last = rows is not None and rows[-1] == x.args[0].shape[-1]
        return (*rows[:-1], *x.shape[1:]) if rows is not None and is_last else None
    found = None
    for f in x.operands if deep and x.op in ("+", "*", *ENTRYWISE) else ():
        if f.shape == x.shape:
            before = _merged_from(f, deep - 1)
            if before is None or found not in (None, before):
                return None
            found = before
    return found


def _apart(x: Term, shape: Shape) -> Term:
    """The same, with the axes that were merged, as `_merged_from` says."""
    if x.op == "matmul":
        a, b = x.args
        return make("matmul", [shaped(a, (*shape[: len(shape) - b.ndim + 1], a.shape[-1])), b])
    parts, groups = [], merged_axes(shape, x.shape)
    for f in x.operands:
        sizes = zip(groups, padded(f, x.ndim), strict=True)
        own = tuple(shape[i] if n > 1 else 1 for some, n in sizes for i in some)
        parts.append(bare(shaped(f, own)))
    return remade(x, parts, shape)


def merged_axes(old: Shape, new: Shape) -> list[tuple[int, ...]]:
    """Which axes became each of the new ones, where some were only merged; else nothing."""
    groups: list[tuple[int, ...]] = []
    end = 0
    for n in new:
        first, size = end, 1
        while end < len(old) and (size < n or (end == first and old[end] == n)):
            size *= old[end]
            end += 1
        if size != n:
            return []
        groups.append(tuple(range(first, end)))
    return groups if end == len(old) and not only_ones_moved(old, new) else []


def _over_merged(old: Shape, new: Shape, axes: Iterable[int]) -> bool:
    """Whether one of these axes is several that were merged."""
    groups = merged_axes(old, new)
    return bool(groups) and any(len(groups[a]) > 1 for a in axes)


def _unmerged(x: Term) -> tuple[Term, list[tuple[int, ...]]]:
    """What has the axes that were merged into one, and which each of them was; moved, too."""
    if x.op == "transpose":
        whole, groups = _unmerged(x.args[0])
        return (x, []) if whole is x.args[0] else (whole, [groups[i] for i in x.params["axes"]])
    groups = merged_axes(x.args[0].shape, x.shape) if x.op == "reshape" else []
    if not groups:
        return x, []
    whole, before = _unmerged(x.args[0])
    return whole, [sum((before[i] for i in own), ()) for own in groups] if before else groups


def _by_blocks(
    x: Term, old: Shape, new: Shape, groups: Sequence[tuple[int, ...]]
) -> Term | None:
    """Blocks that were axes of their own, entry by entry: what is the same in a block repeats."""
    c, x = coefficient(bare(x))
    if c != 1:
        found = _by_blocks(x, old, new, groups)
        return None if found is None else scaled(found, c)
    if x.op == "reshape" and x.args[0].shape == new:
        return cast(Term, x.args[0])
    if as_number(x) is not None:
        return shaped(bare(x), new)
    along = varying(x, len(old))
    by = tuple(old[own[-1]] if len(own) == 2 and own[-1] not in along else 1 for own in groups)
    repeats = all(b > 1 or {*own} <= along for own, b in zip(groups, by, strict=True))
    if any(f.op == "sum" and f.args[0].shape == old for f in subterms(x, 4)):
        return None  # blocks are normalised, as blocks
    if math.prod(by) > 1 and repeats:
        small = shaped(x, tuple(n // b for n, b in zip(new, by, strict=True)))
        return intern("upsample", (small,), {"by": by}, new)
    if x.op in ("+", "*", *ENTRYWISE):
        parts = [e for f in x.operands if (e := _by_blocks(f, old, new, groups)) is not None]
        return remade(x, parts, new) if len(parts) == len(x.operands) else None
    return None


@normal("repeat")
def _repeat(x: Term, repeats: Any, axis: int | None = None) -> Term | None:
    if not isinstance(repeats, int) or axis is None:
        return None
    by = tuple(repeats if i == axis % x.ndim else 1 for i in range(x.ndim))
    if x.op == "upsample":
        x, by = x.args[0], tuple(a * b for a, b in zip(by, x.params["by"], strict=True))
    whole = tuple(m * b for m, b in zip(x.shape, by, strict=True))
    return intern("upsample", (x,), {"by": by}, whole)


@normal("transpose")
def _transpose(x: Term, axes: Sequence[int] | None = None) -> Term:
    perm = tuple(range(x.ndim))[::-1] if axes is None else tuple(int(i) % x.ndim for i in axes)
    if perm == tuple(range(x.ndim)):
        return x
    moved = tuple(x.shape[i] for i in perm)
    c, rest = _scale(x)
    if c is not ONE:
        return product([(c, 1), (make("transpose", [rest], {"axes": perm}), 1)])
    if x.kind == "marks":
        return onehot(x.value.transpose(perm), x.name)
    if x.kind == "given" and not x.name and np.array_equal(x.value, x.value.transpose(perm)):
        return x
    if _in_order(perm, x.shape) and x.op not in ("leaf", "matmul", "transpose"):
        return shaped(x, moved)
    if x.op == "transpose":
        return make("transpose", [x.args[0]], {"axes": tuple(x.params["axes"][i] for i in perm)})
    swapped = perm == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    if x.op == "matmul" and swapped and all(a.ndim == x.ndim for a in x.args):
        return make("matmul", [make("transpose", [y], {"axes": perm}) for y in x.args[::-1]])
    if x.op == "inv" and is_symmetric(x.args[0], perm):
        return x
    before = _moved_before(x, perm)
    if before is not None:
        return shaped(before, moved)
    if x.op == "broadcast_to":
        inner = shaped(x.args[0], padded(x.args[0], x.ndim))
        return shaped(make("transpose", [inner], {"axes": perm}), moved)
    always = _is_outer(x) or _has_windows(x)
    found = _inward(x, lambda f: _transposed(shaped(f, padded(f, x.ndim)), perm), always)
    if found is not None:
        return shaped(found, moved)
    return intern("transpose", (x,), {"axes": perm}, moved, x.size + 0.1)


def _moved_before(x: Term, perm: Sequence[int]) -> Term | None:
    """Of a sum over windows, or what was transposed and reshaped, what is moved before that."""
    seen = _over_windows(x)
    inner = seen or (x.args[0] if x.op == "reshape" else x)
    at = beside_ones(x.shape, inner.shape)
    first = tuple(at[i] for i in perm if i in at)
    rest = tuple(i for i in range(inner.ndim) if i not in first)
    if seen is not None:
        over = [(*first, *rest).index(i) for i in inner.params["axes"]]
        return summed(_transposed(inner.args[0], (*first, *rest)), over, False)
    is_same = inner is not x and only_ones_moved(inner.shape, x.shape)
    is_moved = is_same and (inner.op == "transpose" or _has_windows(inner))
    return _transposed(inner, (*rest, *first)) if is_moved else None


def is_symmetric(x: Term, perm: tuple[int, ...], named: bool = False) -> bool:
    """Whether it stays as it is where axes are permuted so, as all that it is made of is; numbers
    do. ``named``: also by what named results are made of, where nothing follows by them.
    """
    if x.size > LARGEST or x.ndim != len(perm):
        return False
    return _permuted(x, perm, named) is _permuted(x, tuple(range(x.ndim)), named)


def _permuted(x: Term, perm: tuple[int, ...], named: bool, deep: int = 8) -> Term:
    """Made of all its operands with axes permuted, down to a depth."""
    if named and x.kind == "kept" and x.means is not None:
        x = shaped(x.means, x.shape)
    moved = tuple(x.shape[i] for i in perm)
    inner = x.args[0] if x.op == "reshape" else x
    further = tuple(range(x.ndim, inner.ndim))
    if deep and further and inner.op == "sum" and inner.params["axes"] == {*further}:
        found = _permuted(inner.args[0], (*perm, *further), named, deep - 1)
        return shaped(summed(found, further), moved)
    if not deep or not (x.op in ("+", "*", *ENTRYWISE) or (named and x.op == "inv")):
        return make("transpose", [x], {"axes": perm})
    parts = [shaped(f, padded(f, x.ndim)) for f in x.operands]
    return remade(x, [_permuted(f, perm, named, deep - 1) for f in parts], moved)


def _twice(e: Term) -> Term | None:
    """``C + Cᵀ`` as 2 C, where C, or its inverse, was given, and is symmetric."""
    for f, c in e.args:
        x = f.args[0] if f.op == "transpose" else f
        core = x.args[0] if x.op == "inv" else x
        is_given = x is not f and core.kind == "given" and x in e.operands
        if is_given and np.array_equal(core.value, core.value.transpose(f.params["axes"])):
            return total([(e, 1), (f, -c), (x, c)], e.shape)
    return None


COLLECTED.append(_twice)


def beside_ones(old: Shape, new: Shape) -> dict[int, int]:
    """What the axes of several entries are in a shape with other axes of one entry."""
    own, there = ([i for i, n in enumerate(shape) if n != 1] for shape in (old, new))
    return dict(zip(own, there, strict=False))


def _is_outer(x: Term) -> bool:
    """Whether a matrix is a product of a column and a row, or a sum of such."""
    if x.op == "+":
        return x.ndim == 2 and all(f.shape == x.shape and _is_outer(f) for f in x.operands)
    each = (len(varying(f, 2)) < 2 or _is_outer(f) for f in x.operands)
    return x.op == "*" and x.ndim == 2 and all(each)


def _in_order(perm: Sequence[int], shape: Shape) -> bool:
    """Whether a transposition moves only axes of one entry, and so no entry."""
    moved = [i for i in perm if shape[i] != 1]
    return moved == sorted(moved)


# ---------------------------------------------------------------------- products of matrices


@normal("matmul")
def _matmul(a: Term, b: Term) -> Term | None:
    """Vectors stay vectors: a column that was made of one is none, and ``u A`` is ``Aᵀ u``."""
    (c, a), (d, b) = _scale(a), _scale(b)
    if c is not ONE or d is not ONE:
        return product([(c, 1), (d, 1), (make("matmul", [a, b]), 1)])
    if a.ndim == b.ndim == 1:
        return shaped(summed(a * b, [0]), ())
    if is_identity(a) or is_identity(b):
        return b if is_identity(a) else a
    if a.ndim == 1 and b.ndim == 2:
        return make("matmul", [make("transpose", [b], {"axes": (1, 0)}), a])
    if a.ndim == b.ndim == 2:
        most = b.size - (b.op != "reshape") * 1e-9
        if b.shape[1] == 1 and (v := shaped(b, b.shape[:1])).size <= most:
            return shaped(make("matmul", [a, v]), (a.shape[0], 1))
        if b.op == "broadcast_to" and b.args[0].shape == (b.shape[0], 1):  # columns alike
            return shaped(make("matmul", [a, b.args[0]]), (a.shape[0], b.shape[1]))
    for x, axis in ((b, max(b.ndim - 2, 0)), (a, a.ndim - 1)):  # beside a matrix of ones
        n = as_number(b if x is a else a)
        if n is not None:
            both = shaped(scaled(summed(x, [axis]), n), kept(x.shape, [axis]))
            both = shaped(both, both.shape[:-1]) if b.ndim == 1 else both
            return shaped(both, _product_shape(a.shape, b.shape))
    for other in PRODUCTS:
        if (found := other(a, b)) is not None:
            return found
    found = rewritten(intern("matmul", (a, b), {}, _product_shape(a.shape, b.shape)))
    chain = _chain(found)
    return _CHAINS.setdefault(chain, found) if len(chain) > 2 else found


_CHAINS: WeakValueDictionary[Any, Term] = WeakValueDictionary()  # (A B) C, which is A (B C), once


def _chain(e: Term) -> tuple[Term, ...]:
    """The matrices that a product is of, in order."""
    found, i = [e], 0
    while i < len(found) <= MOST:
        f = found[i]
        if f.op == "matmul" and f.args[0].ndim == 2 >= f.args[1].ndim:
            found[i : i + 1] = f.args
        else:
            i += 1
    return tuple(found)


def _scale(e: Term) -> tuple[Term, Term]:
    """The factors that are one number, and the rest."""
    moved = e.op == "reshape" and only_ones_moved(e.args[0].shape, e.shape)
    c, rest = content(e.args[0] if moved else e, 0.0)
    alone = [(f, p) for f, p in rest.args if math.prod(f.shape) == 1] if rest.op == "*" else []
    rest = product([(rest, 1), *((f, -p) for f, p in alone)]) if alone else rest
    for f in [f for f, p in rest.args if p == 1 and not f.given] if rest.op == "*" else ():
        k, inner = _scale(f) if f.op in ("+", "reshape") else (ONE, f)
        if k is not ONE:
            alone.append((k, 1.0))
            rest = merged(merged(rest, f, -1), inner)
    if not only_ones_moved(rest.shape, e.shape) or (c == 1 and not alone):
        return ONE, e
    alone = [(number(c), 1), *((shaped(f, ()), p) for f, p in alone)]
    return product(alone), shaped(rest, e.shape)


@normal("cross")
def _crossed(a: Term, b: Term) -> Term | None:
    """Numbers stand before it; ``b × a`` is ``−a × b``."""
    (c, x), (d, y) = _scale(a), _scale(b)
    if x is y:
        return number(0.0)
    sign, pair = (1, (x, y)) if x.id < y.id else (-1, (y, x))
    found = intern("cross", pair, {}, broadcast((x.shape, y.shape)))
    return product([(number(sign), 1), (c, 1), (d, 1), (found, 1)])


def _product_shape(a: Shape, b: Shape) -> Shape:
    stack = broadcast((a[:-2], b[:-2]))
    return (*stack, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


@normal("inv")
def _inv(x: Term) -> Term | None:
    inner = x.args[0] if x.op == "transpose" else x
    return None if inner is x else make("transpose", [make("inv", [inner])], x.params)


def _root_of_inverse(e: Term) -> Term | None:
    """A where a term is L⁻¹, and L Lᵀ a symmetric A."""
    found = e.args[0].args[0] if e.op == "inv" and e.args[0].op == "cholesky" else None
    return found if found is not None and is_symmetric(found, (1, 0)) else None


def _by_cholesky(a: Term, b: Term) -> Term | None:
    """``L⁻ᵀ L⁻¹ B`` is ``A⁻¹ B``."""
    first, *rest = b.args if b.op == "matmul" else (b,)
    of = _root_of_inverse(first)
    if of is None or a.op != "transpose" or a.args[0] is not first:
        return None
    inverse = make("inv", [of])
    return make("matmul", [inverse, *rest]) if rest else inverse


PRODUCTS.append(_by_cholesky)


def _square_by_cholesky(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """``‖L⁻¹ y‖²`` is ``yᵀ L⁻ᵀ L⁻¹ y``."""
    (z, p), *others = x.args if x.op == "*" else ((x, 1.0),)
    if z.op != "matmul" or p != 2 or others or 0 not in axes or not _root_of_inverse(z.args[0]):
        return None
    return summed(z.args[1] * make("matmul", [make("transpose", z.args[:1]), z]), axes)


SUMS.append(_square_by_cholesky)


@normal("logdet_of_triangle")
def _logdet(x: Term) -> Term | None:
    return make("logdet", [x], {}, ()) if is_symmetric(x, (1, 0)) else None


normal("solve")(lambda a, b: make("matmul", [make("inv", [a]), b]))
normal("linear")(lambda x, w, b: total([(make("matmul", [x, w]), 1), (b, 1)]))
normal("broadcast_to")(lambda x, shape: shaped(bare(x), shape))
normal("flip")(lambda x, **params: _flipped(x, axes_of(params, x.ndim)))


@normal("einsum")
def _einsum(*args: Term, subscripts: str) -> Term | None:
    """A product, summed over the letters that the result hasn't."""
    left, result = subscripts.split("->")
    letters = left.split(",")
    if "." in left or any(len(set(own)) < len(own) for own in letters):
        return None
    order = result + "".join(dict.fromkeys(x for x in "".join(letters) if x not in result))
    parts = []
    for x, own in zip(args, letters, strict=True):
        there = [q for q in order if q in own]
        x = make("transpose", [x], {"axes": tuple(own.index(q) for q in there)})
        sizes = dict(zip(there, x.shape, strict=True))
        parts.append(shaped(x, tuple(sizes.get(q, 1) for q in order)))
    found = summed(product([(x, 1) for x in parts]), range(len(result), len(order)))
    return shaped(found, found.shape[: len(result)])


# ---------------------------------------------------------------------- indices


def _is_whole(part: Any) -> bool:
    """Whether a part of an index is one entry of each axis: a number, or an array of them."""
    if isinstance(part, np.ndarray):
        return part.dtype.kind in "iu"
    return isinstance(part, (int, np.integer)) and not isinstance(part, bool)


def _places(index: Any, whole: Shape) -> Any:
    """Where the entries stand that an index takes, where it names each by itself; else None."""
    parts = parts_of(index)
    if len(parts) != len(whole) or not all(map(_is_whole, parts)):
        return None
    return np.arange(math.prod(whole)).reshape(whole)[index]


def _marks(places: Any, whole: Shape) -> tuple[Term, tuple[int, ...]] | None:
    """What marks these entries, if they are one in all, or one along an axis; and that axis."""
    if places is None:
        return None
    axes = None if np.ndim(places) else tuple(range(len(whole)))
    for axis in range(len(whole)) if axes is None else ():
        if places.shape == kept(whole, [axis]):
            places = places.squeeze(axis)
        if places.shape == whole[:axis] + whole[axis + 1 :]:
            others = np.delete(np.stack(np.unravel_index(places, whole)), axis, 0)
            if np.array_equal(others, np.indices(places.shape)):
                axes = (axis,)
    if axes is None:
        return None
    marked = np.zeros(whole)
    marked.flat[places] = 1.0
    return onehot(marked), axes


def _picked_at(x: Term, places: Any) -> Term | None:
    found = _marks(places, x.shape)
    if found is None:
        return None
    return shaped(make("picked", [x, found[0]], {"axes": found[1]}), places.shape)


def _put_at(g: Term, places: Any, whole: Shape) -> Term | None:
    """Back from single entries: what marks them times what comes to each row."""
    found = _marks(places, whole)
    if found is None:
        n = as_number(g)
        if n is None or places is None:
            return None
        times = np.bincount(places.ravel(), minlength=math.prod(whole)).reshape(whole) * 1.0
        counts = leaf(("counts", whole, times.tobytes()), whole, "given", None, times)
        return scaled(onehot(times) if times.max() == 1 else counts, n)
    spread = tuple(1 if i in found[1] else n for i, n in enumerate(whole)) if g.ndim else ()
    return product([(found[0], 1), (shaped(g, spread), 1)], whole)


@normal("getitem")
def _getitem(x: Term, index: Any, shape: Shape) -> Term | None:
    if math.prod(x.shape) == math.prod(shape) and _keeps_order(index):
        return shaped(x, shape)
    ranges = ranges_of(index, x.shape)
    if ranges is None:
        if turned := flipped_axes(index, x.shape):
            return shaped(_flipped(x, turned), shape)
        return _picked_at(x, _places(index, x.shape)) or _windows_at(x, index)
    found = _of_blocks(x, ranges) or _of_columns(x, ranges)
    if found is not None:
        return shaped(found, shape)
    while True:
        inner = x.args[0] if x.op in ("getitem", "reshape") else x
        is_shorter = x.op == "reshape" and inner.op in ("leaf", "getitem")
        if is_shorter and only_ones_moved(inner.shape, x.shape):
            cut = iter([r for r, n in zip(ranges, x.shape, strict=True) if n != 1])
            ranges = [range(1) if n == 1 else next(cut) for n in inner.shape]
        elif x.op == "getitem" and (before := ranges_of(x.params["index"], inner.shape)):
            left = iter(ranges)  # those with one entry had no axis any more
            ranges = [next(left) if len(r) > 1 or len(x.shape) == len(before) else range(1)
                      for r in before]  # fmt: skip
            ranges = _within(before, ranges)
        else:
            break
        x = inner
    if math.prod(shape) == 1:
        found = _picked_at(x, _places(tuple(r[0] for r in ranges), x.shape))
    else:
        own = tuple(len(r) for r in ranges if len(r) > 1)  # X[0] is a vector, and so is X[:, :1]
        parts = (r[0] if len(r) == 1 else slice(r.start, r[-1] + 1, r.step) for r in ranges)
        index = {"index": tuple(parts)}
        found = intern("getitem", (x,), index, own)
    return None if found is None else shaped(found, shape)


def _of_columns(x: Term, ranges: list[range]) -> Term | None:
    """Of a product with a factor that was put together, what the factors have there.

    Of marks for one of two, or their probabilities, the first column is 1 − the second.
    """
    c, core = coefficient(x)
    shape = tuple(map(len, ranges))
    is_leaf = core.op == "leaf" and core.given and core.shape[-1:] == (2,) != shape[-1:]
    if is_leaf and adds_up_to_1(core, frozenset([core.ndim - 1])):
        second = core.value[..., 1].astype(float)
        are = leaf(("second", second.shape, second.tobytes()), second.shape, "given", None, second)
        are = are if ranges[-1][0] else total([(shaped(ONE, second.shape), 1), (are, -1)])
        return scaled(shaped(part(are, ranges[:-1]), shape), c)
    found, is_part = [], False
    for f, p in core.args if core.op == "*" else ():
        pairs = zip(ranges[x.ndim - f.ndim :], f.shape, strict=True)
        own = [r if n > 1 else range(1) for r, n in pairs]
        is_part |= f.op == "concatenate" and _of_blocks(f, own) is not None
        found.append((part(f, own), p))
    return scaled(product(found, shape), c) if is_part else None


def flipped_axes(index: Any, whole: Shape) -> frozenset[int]:
    """The axes that an index turns round, where it does nothing else."""
    pairs = [*zip(ranges_of(index, whole, True) or (), map(range, whole), strict=False)]
    turned = frozenset(i for i, (r, all_) in enumerate(pairs) if r == all_[::-1] != all_)
    return turned if all(r in (all_, all_[::-1]) for r, all_ in pairs) else frozenset()


def _flipped(x: Term, axes: frozenset[int]) -> Term:
    """With these axes turned round; twice is as it was."""
    before = flipped_axes(x.params["index"], x.shape) if x.op == "getitem" else frozenset()
    axes, x = axes ^ before, x.args[0] if before else x
    turns = [-1 if i in axes else None for i in range(x.ndim)]
    index = {"index": tuple(slice(None, None, turn) for turn in turns)}
    return intern("getitem", (x,), index, x.shape) if axes else x


@normal("cumsum", "cumsum_back")
def _running(x: Term, op: str, axis: int) -> Term | None:
    """A number stands before it; of what is turned round: sums from the other end, turned round."""
    axis %= x.ndim
    c, rest = _scale(x)
    if c is not ONE:
        return product([(c, 1), (make(op, [rest], {"axis": axis}, x.shape), 1)])
    if x.op != "getitem" or flipped_axes(x.params["index"], x.shape) != {axis}:
        return None
    other = "cumsum_back" if op == "cumsum" else "cumsum"
    return _flipped(make(other, x.args, {"axis": axis}, x.shape), frozenset([axis]))


def block_of(f: Term) -> tuple[Term, list[range]]:
    """What is put among zeros, and where; nowhere, if nothing was put there."""
    if f.op == "scatter":
        return f.args[0], ranges_of(f.params["index"], f.shape) or []
    hots = [x for x in f.operands if f.op == "*" and x.kind == "marks" and x.shape == f.shape]
    hots = [f] if f.kind == "marks" else hots
    place = marked(hots[0]) if hots else None
    if place is None:
        return f, []
    block = shaped(ONE, (1,) * f.ndim) if hots == [f] else merged(f, hots[0], -1)
    if math.prod(block.shape) > 1:
        return f, []
    return shaped(block, (1,) * f.ndim), [range(i, i + 1) for i in place]


def apart(a: list[range], b: list[range]) -> bool:
    """Whether two blocks have no entry in common."""
    return any({*r}.isdisjoint(s) for r, s in zip(a, b, strict=True))


def _blocks(f: Term) -> list[tuple[Term, list[range]]]:
    """What an array was put together of, block by block, and where."""
    if f.op != "concatenate":
        return [block_of(f)]
    return [*zip(f.args, _beside(f.args, f.params["axis"], f.shape), strict=True)]


def _beside(blocks: Sequence[Term], axis: int, whole: Shape) -> Iterator[list[range]]:
    """Where blocks along an axis stand."""
    ends = [0, *accumulate(x.shape[axis] for x in blocks)]
    for cut in map(range, ends, ends[1:]):
        yield [cut if i == axis % len(whole) else range(n) for i, n in enumerate(whole)]


def _of_blocks(x: Term, ranges: list[range]) -> Term | None:
    """Of an array that was filled block by block the block that was put there."""
    found: list[tuple[Term, float]] = []
    shape = tuple(map(len, ranges))
    for f, c in x.args if x.op == "+" else ((x, 1.0),):
        cleared = ranges_of(f.params["index"], f.shape) if f.op == "index_update" else None
        if cleared is not None and apart(cleared, ranges):
            found.append((part(f.args[0], ranges), c))
        elif cleared != ranges:
            for block, at in _blocks(f):
                if not at or not (at == ranges or apart(at, ranges)):
                    return None
                found += [(shaped(block, shape), c)] if at == ranges else []
    return total(found, shape)


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


@normal("concatenate")
def _concatenated(*args: Term, axis: int, starts: Shape, shape: Shape) -> Term | None:
    """What is put among zeros, where some of the blocks are just that."""
    if len(args) == 1:
        return args[0]
    full = {start: x for x, start in zip(args, starts, strict=True) if 0 not in x.shape}
    if len(full) < len(args):
        params = {"axis": axis, "starts": tuple(full)}
        return make("concatenate", [*full.values()], params, shape) if full else None
    parts = []
    for x, at in zip(args, _beside(args, axis, shape), strict=True):
        are_zeros = x.kind == "given" and x.name is None and not x.value.any()
        if not are_zeros and as_number(x) != 0:
            parts.append((placed(x, at, shape), 1.0))
    return total(parts, shape) if len(parts) < len(args) else None


@normal("index_update")
def _replaced(a: Term, values: Term, index: Any) -> Term | None:
    """What is put at an index, among what is left of what was there."""
    ranges = ranges_of(index, a.shape)
    if ranges is None:
        return None
    block = shaped(values, tuple(map(len, ranges)))
    there = make("scatter", [block], {"index": index, "shape": a.shape}, a.shape)
    left: list[tuple[Term, float]] = [(there, 1.0)]
    under: list[tuple[Term, float]] = []
    for f, c in a.args if a.op == "+" else ((a, 1.0),):
        at = block_of(f)[1]
        if at != ranges:
            (left if at and apart(at, ranges) else under).append((f, c))
    e = below = total(under, a.shape)
    is_zero = np.zeros(a.shape, bool)
    is_zero[index] = True
    while below.op == "index_update":
        is_zero[below.params["index"]] = True
        below = below.args[0]
    given = below.kind == "given" and below.name is None
    are_zeros = not below.value.any() if given else as_number(bare(below)) == 0
    if e.args and not (is_zero.all() or are_zeros):
        cleared = intern("index_update", (e, number(0)), {"index": index}, e.shape)
        left.append((cleared, 1.0))
    return total(left, a.shape)


def ranges_of(index: Any, whole: Shape, turned: bool = False) -> list[range] | None:
    """What is taken of each axis, where an index is slices and numbers alone.

    ``turned``: also from the end to the start.
    """
    parts = [part for part in parts_of(index) if part is not None]
    at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    parts[at : at + 1] = [slice(None)] * (len(whole) - len(parts) + (at < len(parts)))
    if len(parts) != len(whole):
        return None
    ranges = []
    for part, n in zip(parts, whole, strict=True):
        if _is_whole(part) and not isinstance(part, np.ndarray):
            part = slice(part % n, part % n + 1)
        if not isinstance(part, slice):
            return None
        ranges.append(range(n)[part])
    return ranges if all((r.step > 0 or turned) and len(r) for r in ranges) else None


def _within(outer: list[range], inner: list[range]) -> list[range]:
    return [a[b.start : b.stop : b.step] for a, b in zip(outer, inner, strict=True)]


def slices_of(ranges: list[range], whole: Shape) -> tuple[slice, ...]:
    """The one index that takes these."""
    parts = []
    for r, n in zip(ranges, whole, strict=True):
        end = None if r[-1] + r.step >= n else r[-1] + 1
        parts.append(slice(r.start or None, end, r.step if r.step > 1 else None))
    while parts and parts[-1] == slice(None):
        del parts[-1]
    return tuple(parts)


def part(x: Term, ranges: list[range]) -> Term:
    """What these take of it."""
    return make("getitem", [x], {"index": slices_of(ranges, x.shape)}, tuple(map(len, ranges)))


def placed(x: Term, ranges: list[range], whole: Shape) -> Term:
    """It among zeros."""
    return make("scatter", [x], {"index": slices_of(ranges, whole), "shape": whole}, whole)


def written_index(ranges: list[range], whole: Shape) -> tuple[int | slice, ...]:
    """The same as one writes it: with a number for one of several."""
    parts = zip(ranges, whole, slices_of(ranges, whole), strict=False)
    return tuple(r[0] if len(r) == 1 < n else cut for r, n, cut in parts)


def _keeps_order(index: Any) -> bool:
    """Whether what an index takes comes in the order in which it was."""
    parts = parts_of(index)
    return not any(
        isinstance(part, np.ndarray) or (isinstance(part, slice) and (part.step or 1) < 0)
        for part in parts
    )


@normal("scatter")
def _scatter(g: Term, index: Any, shape: Shape) -> Term | None:
    whole = tuple(shape)
    if math.prod(whole) == math.prod(g.shape) and _keeps_order(index):
        return shaped(g, whole)
    ranges = ranges_of(index, whole)
    if ranges is None and (turned := flipped_axes(index, whole)):
        return _flipped(g, turned)
    if ranges is not None:
        if math.prod(g.shape) == 1:
            places = _places(tuple(r[0] for r in ranges), whole)
            return _put_at(shaped(g, ()), places, whole)
        g = shaped(g, tuple(map(len, ranges)))
        if g.op == "scatter" and (inner := ranges_of(g.params["index"], g.shape)) is not None:
            g = g.args[0]
            ranges = _within(ranges, inner)
        params = {"index": slices_of(ranges, whole), "shape": whole}
        return intern("scatter", (g,), params, whole)
    if is_mask_of(index, whole):
        mask, one = taken(index, len(whole)), bare(g)
        if math.prod(one.shape) == 1:  # the same for all
            return product([(mask, 1), (shaped(one, ()), 1)], whole)
        same = g.op == "getitem" and np.array_equal(g.params["index"], index)
        return product([(mask, 1), (g.args[0], 1)], whole) if same else None
    is_array = isinstance(index, np.ndarray) and index.dtype.kind in "iu"
    is_spread = varying(bare(g), g.ndim) < {*range(g.ndim)}  # what is added is the same for some
    if is_array and (len(whole) == 1 or (len(whole) == 2 and is_spread)):
        return _rows_added(g, index % whole[0], whole)
    return _put_at(g, _places(index, whole), whole)


def is_mask_of(index: Any, shape: Shape) -> bool:
    """Whether an index is one mask, of entries or of rows."""
    is_mask = isinstance(index, np.ndarray) and index.dtype == bool and index.ndim > 0
    return is_mask and index.shape == shape[: index.ndim]


def _rows_added(g: Term, k: Any, whole: Shape) -> Term | None:
    """What comes to rows that were looked up by their numbers: ``onehot(k)ᵀ g``."""
    if not k.ndim or k.size * whole[0] > _MOST_MARKS:
        return None
    hot = onehot((k[..., None] == np.arange(whole[0])) * 1.0, "k")
    ones = (1,) * (len(whole) - 1)
    by_row = shaped(hot, hot.shape + ones) * shaped(g, (*k.shape, 1, *whole[1:]))
    return shaped(summed(by_row, range(k.ndim)), whole)


@normal("diag", "diagonal", "take", "take_along_axis")
def _move(x: Term, op: str, **params: Any) -> Term | None:
    """What only moves entries: where they go is found by letting it move their numbers."""
    numbers = np.arange(1, 1 + math.prod(x.shape)).reshape(x.shape)
    places = np.asarray(OPS[op].forward(numbers, **params)) - 1
    found = _picked_at(x, places) if (places >= 0).all() else None
    return found or _put_at(x, _inverse(places, x.shape), places.shape)


@normal("pick")
def _pick(x: Term, index: Any) -> Term | None:
    """Entries that a mask took, put back to where they were."""
    places = index - 1
    mask = x.params.get("index")
    if x.op != "getitem" or not isinstance(mask, np.ndarray) or mask.shape != x.args[0].shape:
        return None
    there = np.flatnonzero(mask)
    back = places.shape == mask.shape and np.array_equal(places[mask], np.arange(len(there)))
    is_all = back and mask.dtype == bool and (places[~mask] < 0).all()
    if not is_all:
        return None
    return product([(taken(mask, mask.ndim), 1), (x.args[0], 1)], mask.shape)


def taken(mask: Any, ndim: int) -> Term:
    """The mask by which entries of an array of so many axes, or rows of it, were taken."""
    found = leaf(("mask", mask.shape, mask.tobytes()), mask.shape, "given", None, mask)
    return shaped(found, mask.shape + (1,) * (ndim - mask.ndim))


@normal("collect")
def _collect(g: Term, index: Any, shape: Shape) -> Term | None:
    places, whole = index - 1, tuple(shape)
    if (places >= 0).all():
        rows = _looked_up(places, whole)
        return _put_at(g, places, whole) if rows is None else _rows_added(g, rows, whole)
    order = _inverse(places, whole)
    return order if order is None else _picked_at(g, order) or _block_at(g, order)


def _block_at(x: Term, places: Any) -> Term | None:
    """A block, of which the places are known: what is left without a margin."""
    ends = zip(*np.unravel_index(places.flat[[0, -1]], x.shape), strict=True)
    block = [range(first, last + 1) for first, last in zip(*ends, strict=True)]
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    return part(x, block) if np.array_equal(numbers[slices_of(block, x.shape)], places) else None


normal("pad")(lambda x, shape: x if shape == x.shape else None)


def _inverse(places: Any, whole: Shape) -> Any:
    """Where each entry of ``whole`` went, where each went to one place."""
    there = np.flatnonzero(places >= 0)
    order = there[np.argsort(places.flat[there])]
    every = np.array_equal(places.flat[order], np.arange(math.prod(whole)))
    return order.reshape(whole) if every else None


def _looked_up(places: Any, whole: Shape) -> Any:
    """The numbers of the rows of a table that entries are, if they are whole rows."""
    if len(whole) != 2 or places.ndim < 2 or places.shape[-1] != whole[1]:
        return None
    k = places[..., 0] // whole[1]
    return k if np.array_equal(places, k[..., None] * whole[1] + np.arange(whole[1])) else None


# ---------------------------------------------------------------------- windows that slide


@normal("sliding_window_view")
def _windows(x: Term, window_shape: Any, axis: Any = None) -> Term | None:
    """With its axes said one by one."""
    if type(axis) is tuple:
        return None
    axes = np.atleast_1d(range(x.ndim) if axis is None else axis).tolist()
    return windows(x, [a % x.ndim for a in axes], np.atleast_1d(window_shape).tolist())


def windows(x: Term, axes: Sequence[int], sizes: Sequence[int]) -> Term:
    """Windows of these sizes that slide along these axes; a window's own axes come last."""
    shape = list(x.shape)
    for axis, n in zip(axes, sizes, strict=True):
        shape[axis] -= n - 1
    params = {"window_shape": tuple(sizes), "axis": tuple(axes)}
    return make("sliding_window_view", [x], params, (*shape, *sizes))


def _side_by_side(x: Term, over: frozenset[int]) -> Term | None:
    """Windows as far apart as they are wide, where all of each comes to one entry: blocks."""
    seen = x.args[0] if x.op == "getitem" else x
    if seen.op != "sliding_window_view" or over != {*range(seen.ndim)[seen.args[0].ndim :]}:
        return None
    (inner,) = seen.args
    wide = dict(zip(seen.params["axis"], seen.params["window_shape"], strict=True))
    apart = [range(0, m, wide.get(i, 1)) for i, m in enumerate(inner.shape)]
    if ranges_of(x.params.get("index", ...), seen.shape) != [*apart, *map(range, wide.values())]:
        return None
    parts = [(len(r), r.step) if r.step > 1 else (len(r),) for r in apart]
    if any(math.prod(own) != m for own, m in zip(parts, inner.shape, strict=True)):
        return None
    blocks, ends = shaped(inner, sum(parts, ())), [*accumulate(map(len, parts))]
    first = (end - len(own) for end, own in zip(ends, parts, strict=True))
    return _transposed(blocks, (*first, *(ends[i] - 1 for i in wide)))


def _windows_at(x: Term, index: Any) -> Term | None:
    """Windows whose entries were taken by their numbers along several axes, as ``im2col`` does."""
    if sum(isinstance(p, np.ndarray) for p in parts_of(index)) < 2:
        return None
    at = np.stack([numbers[index] for numbers in np.indices(x.shape)])
    sizes, rises = _merged_steps(at)
    # Which of these axes are windows, which axis of all windows each is, and what is taken there.
    slid, order, ranges = dict[int, int](), dict[int, int](), []
    for axis, start in enumerate(at.reshape(x.ndim, -1)[:, 0].tolist() if sizes else ()):
        own = np.flatnonzero(rises[axis]).tolist()
        close = [k for k in own if rises[axis, k] == 1]
        if len(own) == 2 and close:
            slid[axis] = min(close, key=sizes.__getitem__)
            own.remove(slid[axis])
        if len(own) > 1:
            return None
        by, n = (int(rises[axis, own[0]]), sizes[own[0]]) if own else (1, 1)
        ranges.append(range(start, start + n * by, by))
        order.update(dict.fromkeys(own, axis))
    if not slid:
        return None
    order.update((k, x.ndim + i) for i, k in enumerate(slid.values()))
    seen = windows(x, [*slid], [sizes[k] for k in slid.values()])
    seen = part(seen, [*ranges, *map(range, seen.shape[x.ndim :])])
    first = [order[k] for k in range(len(sizes))]
    rest = (i for i in range(seen.ndim) if i not in first)
    return shaped(_transposed(seen, (*first, *rest)), at.shape[1:])


def _merged_steps(at: Any) -> tuple[list[int], Any]:
    """The axes of places before some were merged into one, and by what each rises along these,
    where it is along one of theirs; else none.
    """
    places = at.reshape(len(at), -1)
    lines = (np.moveaxis(at, a, -1).reshape(len(at), -1, n)[:, 0]
             for a, n in enumerate(at.shape[1:], 1) if at.size)  # fmt: skip
    steps = [step for line in lines for step in _steps(line)]
    if not steps:
        return [], None
    sizes, rises = [n for n, _ in steps], np.stack([rise for _, rise in steps], 1)
    by_rule = places[:, :1] + rises @ np.indices(sizes).reshape(len(sizes), -1)
    is_one = ((rises > 0).sum(0) == 1).all() and (rises >= 0).all()
    return (sizes, rises) if is_one and np.array_equal(places, by_rule) else ([], None)


def _steps(line: Any) -> list[tuple[int, Any]]:
    """By what places rise along axes that were merged into one: how often, and by how much."""
    n, rises = line.shape[1], np.diff(line)
    if n == 1:
        return []
    same = (rises == rises[:, :1]).all(0)
    m = n if same.all() else 1 + int(same.argmin())
    return [*_steps(line[:, ::m]), (m, rises[:, 0])] if n % m == 0 else []


def _of_a_kernel(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """``Σ_p k_p x_{q+p}``: windows, each times the same, are no rows of a matrix."""
    for (f, p), (k, q) in permutations(x.args) if x.op == "*" and len(x.args) == 2 else ():
        is_same = p == q == 1 and varying(k, x.ndim) == axes & varying(x, x.ndim)
        if is_same and _slides(f):
            return intern("sum", (x,), {"axes": axes}, kept(x.shape, axes))
    return None


def _of_kernels(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    """``Σ_p x_{q+p} K_p``: products of windows and matrices, one at each place of a window."""
    if x.op != "matmul" or not any(map(_slides, x.args)) or not axes <= {*range(x.ndim - 2)}:
        return None
    return summed(by_entries(x), axes, False)


def by_entries(x: Term) -> Term:
    """A product of stacks of matrices as a sum of products of entries."""
    a, b = x.args[0], _swapped(x.args[1])
    each = shaped(a, (*a.shape[:-1], 1, a.shape[-1])) * shaped(b, (*b.shape[:-2], 1, *b.shape[-2:]))
    return shaped(summed(each, [x.ndim], False), x.shape)


def _slides(f: Term) -> bool:
    while f.op in ("transpose", "reshape", "getitem"):
        f = f.args[0]
    return f.op == "sliding_window_view"


def _over_windows(x: Term) -> Term | None:
    """A sum over windows, with the axes that were summed over, of one entry now."""
    is_same = x.op == "reshape" and only_ones_moved(x.args[0].shape, x.shape)
    inner = x.args[0] if is_same else x
    return inner if inner.op == "sum" and any(map(_slides, inner.args[0].operands)) else None


def _has_windows(x: Term) -> bool:
    return any(_slides(f) or _over_windows(f) is not None for f in x.operands)


def _of_blocks_alike(x: Term, axes: frozenset[int], products: bool) -> Term | None:
    blocks = _side_by_side(x, axes)
    return None if blocks is None else summed(blocks, axes)


SUMS += [_of_a_kernel, _of_kernels, _of_blocks_alike]


def _of_windows(a: Term, b: Term) -> Term | None:
    """Windows laid out as rows, times kernels laid out as columns, or turned: sums over windows."""
    shape = _product_shape(a.shape, b.shape)
    turned = _slides(b) and not _slides(a) and a.ndim == 2 <= b.ndim
    if turned:
        a, b = _swapped(b), _swapped(a)
    b = shaped(b, without_ones(b.shape)) if b.ndim > 2 else b
    if not _slides(a) or b.ndim > 2:
        return None
    seen, groups = _unmerged(a)
    n = len(groups[-1]) if groups else 1
    if n == 0 or (n == 1 and math.prod(b.shape) > b.shape[0]):
        return None
    seen = _transposed(seen, tuple(i for own in groups for i in own)) if groups else seen
    rows, sizes, many = seen.shape[:-n], seen.shape[-n:], b.shape[1:]
    kernels = shaped(make("transpose", [b]), (*many, *sizes))
    each = shaped(seen, (*rows, *(1 for _ in many), *sizes)) * kernels
    found = shaped(summed(each, range(each.ndim - n, each.ndim), False), (*rows, *many))
    at = len(rows) - len(groups[-2] if groups else (0,))
    order = (*range(at), len(rows), *range(at, len(rows))) if turned else (*range(found.ndim),)
    return shaped(_transposed(found, order), shape)


PRODUCTS.append(_of_windows)


@normal("convolve")
def _convolved(*args: Term, mode: str) -> Term | None:
    """Where the shorter of two lies within the longer, a correlation with it turned around."""
    x, k = sorted(args, key=lambda a: -a.shape[0])
    if mode == "full":
        return None
    found = summed(windows(x, [0], k.shape) * make("flip", [k], {"axis": 0}), [1])
    return shaped(found, found.shape[:1])
