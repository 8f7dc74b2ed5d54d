"""Functions that put entries elsewhere: each is its own rule, run on the entries' numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import array_of, as_array, beside, is_foreign, zeros
from ..engine.tensor import Tensor
from ..show.notation import function
from ..table import Case, Op, op
from .define import implements, numpy_op, refuse_out, value

__all__ = [
    "delete", "diag", "diagflat", "diagonal", "flip", "fliplr", "flipud", "repeat", "resize",
    "roll", "rot90", "sliding_window_view", "take", "take_along_axis", "tile", "tril", "triu",
]  # fmt: skip


def moving(f: Any, cases: Sequence[Case]) -> Callable[..., Tensor]:
    """An op of a NumPy function that only moves entries of its first argument, or puts 0 between.

    Where they go is found by letting the function move their numbers.
    """

    def vjp(g: Any, out: Any, x: Any, **params: Any) -> Any:
        given = params.values()
        index = places(x.shape, lambda numbers: f(beside(numbers, given), **params))
        return collect(g, index=index, shape=x.shape)

    return numpy_op(f, vjp, cases=cases, stacks=True, reads="some")


def places(shape: tuple[int, ...], move: Callable[[Any], Any]) -> Any:
    """For each entry that ``move`` gives of an array of that shape, which it is, counted from 1.

    Where it gives 0 of its own, 0.
    """
    numbers = np.arange(1, 1 + int(np.prod(shape))).reshape(shape)
    return as_array(move(numbers)).astype(np.intp)


def _collect(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stack = g.shape[: g.ndim - index.ndim]
    sums = added(g.reshape(*stack, index.size), index.ravel(), 1 + int(np.prod(shape)))
    return sums[..., 1:].reshape(stack + shape)


def added(g: Any, index: Any, n: int) -> Any:
    """``np.add.at``: for each of n numbers the sum of the entries, on the last axis, that have it.
    """
    if not is_foreign(g):
        sums = zeros((*g.shape[:-1], n), g)
        at: Any = (..., index)
        np.add.at(sums, at, g)
        return sums
    # In their order, each entry comes to hold the sum of the 1, 2, 4, … before it with its number.
    order = np.argsort(index, kind="stable")
    sums, index = np.take(g, order, axis=-1), index[order]
    most = index.size if is_foreign(index) else np.bincount(index, minlength=1).max()
    ahead = 1
    while ahead < most:
        same = beside(index[ahead:] == index[:-ahead], [g])
        further = sums[..., ahead:] + np.where(same, sums[..., :-ahead], 0)
        sums = np.concatenate([sums[..., :ahead], further], axis=-1)
        ahead *= 2
    numbers = beside(np.arange(n), [index])
    ends = np.searchsorted(index, numbers, side="right")
    some = beside(ends > np.searchsorted(index, numbers), [g])
    found = np.concatenate([zeros((*g.shape[:-1], 1), g), sums], axis=-1)
    return np.where(some, np.take(found, ends, axis=-1), 0)


def _pick(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    stack = x.shape[: x.ndim - len(shape)]
    size = int(np.prod(shape))
    flat = np.concatenate([zeros((*stack, 1), x), x.reshape(*stack, size)], axis=-1)
    return np.take(flat, index.ravel(), axis=-1).reshape(stack + index.shape)


def _index_code(xs: Sequence[str], params: dict[str, Any]) -> str:
    index = params["index"]
    return (
        f"np.bincount(np.array({index.ravel().tolist()}, dtype=int), "
        f"np.ravel({xs[0]}), {1 + int(np.prod(params['shape']))})[1:].reshape({params['shape']})"
    )


_INDEX = np.array([[3, 0, 1], [1, 6, 1]])


# Adjoint to each other: entries picked by their number, and sums of what is to go to each of them.
pick: Op = op(
    "pick", _pick, lambda g, out, x, index, shape: collect(g, index=index, shape=shape),
    cases=[Case(((2, 3),), {"index": _INDEX, "shape": (2, 3)})], stacks=True, reads="some",
    source=lambda xs, params: (
        f"np.append(0, {xs[0]})[np.array({params['index'].tolist()}, dtype=int)]"
    ),
)


collect: Op = op(
    "collect", _collect, lambda g, out, x, index, shape: pick(g, index=index, shape=shape),
    cases=[Case(((2, 3),), {"index": _INDEX, "shape": (2, 3)})], stacks=True, reads="some",
    source=_index_code,
)


def _cases(*settings: dict[str, Any], shape: tuple[int, ...] = (2, 3)) -> list[Case]:
    return [Case((shape,), params) for params in settings]


flip = moving(np.flip, _cases({}, {"axis": -1}, {"axis": (0, 1)}))
fliplr = moving(np.fliplr, _cases({}))
flipud = moving(np.flipud, _cases({}))
roll = moving(np.roll, _cases({"shift": 2}, {"shift": -1, "axis": 1}))
rot90 = moving(np.rot90, _cases({}, {"k": 2, "axes": (1, 0)}))
tile = moving(np.tile, _cases({"reps": 2}, {"reps": (2, 1, 2)}))
repeat = moving(np.repeat, _cases({"repeats": 2}, {"repeats": np.array([2, 0, 1]), "axis": 1}))
resize = moving(np.resize, _cases({"new_shape": (4, 2)}, {"new_shape": 3}))
tril = moving(np.tril, _cases({}, {"k": -1}))
triu = moving(np.triu, _cases({}, {"k": 1}))
diag = moving(np.diag, _cases({}, {"k": 1}) + _cases({"k": -1}, shape=(3,)))
diagflat = moving(np.diagflat, _cases({}, {"k": 1}))
diagonal = moving(
    np.diagonal, _cases({}, {"offset": 1}) + _cases({"axis1": -1, "axis2": 0}, shape=(2, 3, 2)),
)
_take = moving(np.take, _cases({"indices": np.array([[5, 0], [0, -1]])}, {"indices": 1, "axis": 1}))
take_along_axis = moving(
    np.take_along_axis, _cases({"indices": np.array([[2, 0], [1, 1]]), "axis": 1}),
)
_delete = moving(np.delete, _cases({"obj": 1}, {"obj": slice(0, 2), "axis": 1}))


# Without an axis, and of masks, not all libraries mean the same by these.


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: None = None, mode: str = "raise") -> Tensor:
    """The entries at ``indices`` along an axis, of all in a row where it is None."""
    refuse_out("take", out)
    return _along(_take, a, indices, axis, **({"mode": mode} if mode != "raise" else {}))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Tensor:
    """The entries but for those at ``obj``, along an axis or of all in a row."""
    is_mask = not isinstance(obj, slice) and value(obj).dtype == bool
    return _along(_delete, arr, np.flatnonzero(value(obj)) if is_mask else obj, axis)


def _along(f: Any, x: Any, places: Any, axis: Any, **settings: Any) -> Tensor:
    if is_foreign(array_of(x)):
        x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
        places = np.asarray(places) if isinstance(places, list) and places else places
    settings |= {} if axis is None else {"axis": axis}
    return f(x, places, **settings)


# ---------------------------------------------------------------------- padding

moved_pad = moving(
    np.pad,
    _cases(
        {"pad_width": 1},
        {"pad_width": ((1, 0), (2, 3)), "mode": "reflect"},
        {"pad_width": ((0, 0), (1, 2)), "mode": "wrap"},
    ),
)


# ---------------------------------------------------------------------- windows


def _slides(ndim: int, window_shape: Any, axis: Any = None, **settings: Any) -> dict[str, Any]:
    """How far windows reach along which axes, counted from the end, so that a stack may precede."""
    reach = np.atleast_1d(window_shape).tolist()
    axes = range(len(reach)) if axis is None else np.atleast_1d(axis).tolist()
    return {"window_shape": tuple(reach), "axis": tuple(a % ndim - ndim for a in axes)}


def _fold(
    g: Any, window_shape: tuple[int, ...], axis: tuple[int, ...], shape: tuple[int, ...]
) -> Any:
    n = len(window_shape)
    stack = g.ndim - n - len(shape)

    def put(*entry: int) -> Any:
        around = [(0, 0)] * stack
        for b in range(-len(shape), 0):
            before = sum(i for i, a in zip(entry, axis, strict=True) if a == b)
            around.append((before, shape[b] - g.shape[b - n] - before))
        return np.pad(g[(..., *entry)], around)

    return sum(itertools.starmap(put, np.ndindex(window_shape)), 0.0)


# Adjoint to each other: windows that slide, and what their entries add up to where they overlap.
sliding_window_view = numpy_op(
    np.lib.stride_tricks.sliding_window_view,
    lambda g, out, x, **params: fold(g, **_slides(x.ndim, **params), shape=x.shape),
    cases=_cases({"window_shape": 2, "axis": 1}, {"window_shape": (2, 2)},
                 {"window_shape": (2, 2), "axis": (1, 1)}),
    stacks=True, reads="all", notation=function("windows"),
)
fold: Op = op(
    "fold", _fold,
    lambda g, out, x, window_shape, axis, shape: sliding_window_view(g, window_shape, axis=axis),
    cases=[Case(((2, 2, 2),), {"window_shape": (2,), "axis": (-1,), "shape": (2, 3)})], stacks=True,
    reads="all", notation=function("fold"), source=lambda xs, params: _fold_code(xs[0], **params),
)


def _fold_code(g: str, window_shape: Any, axis: Any, shape: Any) -> str:
    """Each window's entries are counted where the numbers of what it sees say."""
    seen = f"np.arange({math.prod(shape)}).reshape({shape}), {window_shape}, axis={axis}"
    return (
        f"np.bincount(np.lib.stride_tricks.sliding_window_view({seen}).ravel(), np.ravel({g}), "
        f"{math.prod(shape)}).reshape({shape})"
    )
