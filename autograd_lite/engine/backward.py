"""The one backward pass.

`pull` walks a recorded graph from its output back and gives tensors their cotangents. With
``record`` the same rules run on Tensors, so that the backward pass is itself a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from heapq import heappop, heappush, heappushpop
from typing import Any

import numpy as np

from .later import later
from .modes import Mode, layered
from .tensor import Array, Tensor, _leaf

_ndarray = np.ndarray
Layer = Callable[[Tensor, Any, Any], Any]
"""``(tensor, g, vjps)`` → the rules to call in place of ``vjps`` where the pass is at ``tensor``.

It is told of leaves, too, at the end; they have no rules.
"""


def pull(
    seeds: dict[Tensor, Any],
    targets: set[Tensor] | None = None,
    record: bool = False,
    layers: Sequence[Layer] = (),
) -> dict[Tensor, Any]:
    """The cotangents of ``targets``, or else of all leaves and named tensors, given the outputs'.

    A result is newer than its inputs, so when a tensor is the newest one left, all that used it
    has contributed. A cotangent that nobody asked for is dropped as soon as it is used.

    Args:
        seeds: where to start: outputs with their cotangents, arrays or Tensors to record; the
            dict is used up. Further axes in front are a stack of cotangents, for which a
            layer is given.
        targets: only paths to these are followed, where given.
        record: call the rules on Tensors instead of arrays.
        layers: what stands around the rules, the innermost first.
    """
    needed = None if targets is None else ancestors(seeds, targets)
    if Mode.entered:
        layers = layered(layers)
    waiting, newest, stacked = _start(seeds, needed, layers)
    kept: dict[Tensor, Any] = {}
    following: Tensor | None = None
    while newest or following is not None:
        if not newest:
            tensor: Any = following
        elif following is None:
            tensor = heappop(newest)[1]
        else:
            tensor = heappushpop(newest, (-following._number, following))[1]
        following = None
        g = waiting.pop(tensor)
        if tensor.name is not None if targets is None else tensor in targets:
            kept[tensor] = g
        op: Any = tensor._op
        params, vjps = tensor._params, op.vjps
        args = _as_recorded(tensor, g) if record else (g, tensor._array, *tensor._arrays)
        for layer in layers:  # mostly none
            vjps = layer(tensor, g, vjps)
        for x, vjp in zip(tensor._inputs, vjps):  # noqa: B905  (the vjps may be endless)
            if type(x) is not Tensor or not x._tracked or vjp is None:
                continue
            if needed is not None and x not in needed:
                continue
            part = vjp(*args, **params) if params else vjp(*args)
            array = x._array
            try:
                if part.shape != array.shape or part.dtype is not array.dtype:
                    part = fit(part, array, op.name, stacked)
            except AttributeError as error:
                raise _told(error, op.name, part, array) from None
            if x in waiting:
                waiting[x] = waiting[x] + part
            else:
                waiting[x] = part
                if x._op is None:
                    continue
                if following is not None:
                    heappush(newest, (-following._number, following))
                following = x
    for layer in layers:
        for leaf, g in waiting.items():
            layer(leaf, g, ())
    kept.update(waiting)
    return kept


def ancestors(outputs: Iterable[Tensor], targets: set[Tensor]) -> set[Tensor]:
    """The tensors on the paths from ``outputs`` back to one of ``targets``, both included."""
    oldest = min((getattr(t, "_number", 0) for t in targets), default=0)
    seen = set(outputs)
    stack = list(seen)
    results = []
    while stack:  # as in walk, but what isn't tracked, or is older than all targets, leads nowhere
        tensor = stack.pop()
        if tensor._op is not None and tensor._number >= oldest:
            results.append(tensor)
            for x in tensor._inputs:
                if type(x) is Tensor and x._tracked and x not in seen:
                    seen.add(x)
                    stack.append(x)
    return dependent(results, targets)


def dependent(results: list[Tensor], targets: Iterable[Tensor]) -> set[Tensor]:
    """The targets, and those of the results that are computed from them through others of these."""
    results.sort(key=lambda tensor: tensor._number)
    on_path = set(targets)
    for tensor in results:
        for x in tensor._inputs:
            if type(x) is Tensor and x in on_path:
                on_path.add(tensor)
                break
    return on_path


def _start(
    seeds: dict[Tensor, Any], needed: set[Tensor] | None, layers: Sequence[Layer]
) -> tuple[dict[Tensor, Any], list[tuple[int, Tensor]], int]:
    """What waits for its turn, a heap of the results of it, and the axes of a stack of seeds."""
    waiting = seeds if needed is None else {t: g for t, g in seeds.items() if t in needed}
    newest: list[tuple[int, Tensor]] = []  # in a chain it stays empty
    for tensor in waiting:
        if tensor._op is not None:
            heappush(newest, (-tensor._number, tensor))
    stacked = max((g.ndim - t.ndim for t, g in waiting.items()), default=0) if layers else 0
    return waiting, newest, stacked


def _told(error: AttributeError, op: str, part: Any, array: Any) -> Exception:
    """What is said of a rule that gave no array."""
    return error if hasattr(part, "shape") else later.wrong_cotangent(op, part, array)


def _as_recorded(tensor: Tensor, g: Any) -> tuple[Any, ...]:
    """A rule's arguments as Tensors, with the values that they had when the op was applied."""
    operands = list(tensor._arrays)
    for i, (x, array) in enumerate(zip(tensor._inputs, tensor._arrays, strict=True)):
        if type(x) is Tensor and x._array is array:
            operands[i] = x
        elif type(x) is Tensor and x._tracked:  # a leaf that was written to, or rebound, since
            operands[i] = later.as_it_was(x, value=array)
        elif hasattr(array, "__array_function__"):
            operands[i] = constant = _leaf(array)
            constant.name = x.name if type(x) is Tensor else None
    return g, tensor, *operands


def fit(g: Any, array: Any, op: str, stacked: int = 0) -> Any:
    """Undo broadcasting: the cotangent ``g`` summed to its input's shape, in its dtype.

    The first ``stacked`` axes are those of a stack of cotangents, and stay.
    """
    broadcast, shape = g.shape, array.shape
    if stacked:
        shape = broadcast[:stacked] + shape
    if broadcast != shape:
        axes, ones = _summed(broadcast, shape, stacked, g.dtype)
        if axes is None:
            raise later.wrong_cotangent(op, g, array)
        some = ones is None or type(g) is not _ndarray
        g = g.sum(axes, keepdims=True) if some else ones.dot(g)  # type: ignore[union-attr]
        if g.ndim != len(shape):
            g = g.reshape(shape)
    if g.dtype is not array.dtype:
        if g.dtype.kind == "c" != array.dtype.kind:
            g = g.real  # a real number moves along the real axis only
        if g.dtype != array.dtype:
            g = g.astype(array.dtype)
    return g


_SMALL = 65_536  # entries


@lru_cache(maxsize=1024)
def _summed(
    shape: tuple[int, ...], original: tuple[int, ...], stacked: int, dtype: np.dtype[Any]
) -> tuple[tuple[int, ...] | None, Array | None]:
    """The axes of ``shape`` that broadcasting made of ``original``; None where it didn't.

    The first ``stacked`` axes stay; new ones follow them. And 1ᵀ, where 1ᵀ g sums a small matrix to
    a row, in a third of the time of a reduction.
    """
    new = len(shape) - len(original)
    inner, kept = shape[stacked + new :], original[stacked:]
    if new < 0 or shape[:stacked] != original[:stacked]:
        return None, None
    if any(n not in (1, m) for n, m in zip(kept, inner, strict=True)):
        return None, None
    first = stacked + new
    stretched = (first + i for i, n in enumerate(kept) if n == 1 != inner[i])
    axes = (*range(stacked, first), *stretched)
    small = axes == (0,) and len(shape) == 2 and shape[0] * shape[1] <= _SMALL
    return axes, np.ones((1, shape[0]), dtype) if small else None
