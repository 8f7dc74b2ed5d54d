"""The one backward pass.

`pull` walks a recorded graph from its output back and gives tensors their cotangents. It serves
`Tensor.backward`, which stores them, and `gradients`, which returns them; with ``record`` the
same rules run on Tensors, so that the backward pass is itself a graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from heapq import heappop, heappush, heappushpop
from sys import getrefcount
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import errors, ops
from .anomaly import check_backward, detect_anomaly, silent
from .arrays import STAND_INS, as_array, own_array
from .cotangents import note
from .graph import ancestors
from .modes import Mode, capture
from .tensor import Array, Tensor, _leaf
from .unread import Reading, read_in_part

_ndarray = np.ndarray


def pull(
    seeds: dict[Tensor, Any],
    targets: set[Tensor] | None = None,
    record: bool = False,
    stack: tuple[int, ...] = (),
) -> dict[Tensor, Any]:
    """The cotangents of ``targets``, or else of all leaves and named tensors, given the outputs'.

    A result is newer than its inputs, so when a tensor is the newest one left, all that used it
    has contributed. A cotangent that nobody asked for is dropped as soon as it is used.

    Args:
        seeds: where to start: outputs with their cotangents, arrays or Tensors to record; the
            dict is used up.
        targets: only paths to these are followed, where given.
        record: call the rules on Tensors instead of arrays.
        stack: of this shape are the further axes in front that the seeds have: that many
            cotangents at once.
    """
    needed = None if targets is None else ancestors(seeds, targets)
    kept: dict[Tensor, Any] = {}
    of = next(iter(seeds), None) if record else None
    # Of tensors that wait for their turn; leaves wait to the end.
    waiting = seeds if needed is None else {t: g for t, g in seeds.items() if t in needed}
    newest: list[tuple[int, Tensor]] = []  # a heap; in a chain it stays empty
    following: Tensor | None = None
    for tensor in waiting:
        if tensor._op is not None:
            if following is not None:
                heappush(newest, (-following._number, following))
            following = tensor
    if newest and following is not None:
        following = heappushpop(newest, (-following._number, following))[1]
    readings: dict[Tensor, Reading] = {}  # of what is read in part only
    anomaly = bool(Mode.entered) and detect_anomaly.active()
    recorder = capture.recorder() if capture.entered else None
    while following is not None:
        tensor = following
        following = None
        g = waiting.pop(tensor)
        if tensor.name is not None if targets is None else tensor in targets:
            kept[tensor] = g
        op: Any = tensor._op
        inputs, params, vjps = tensor._inputs, tensor._params, op.vjps
        if recorder is not None:
            recorder.cotangent(tensor, g)
            vjps = [vjp and recorder.rule(op, vjp) for _, vjp in zip(inputs, vjps)]  # noqa: B905
        operands = _as_recorded(tensor, g, of) if record else tensor._arrays
        args = (g, tensor if record else tensor._array, *operands)
        if stack and not op.stacks:
            vjps = [vjp and partial(_one_by_one, vjp) for _, vjp in zip(inputs, vjps)]  # noqa: B905
        if op.skips or readings:
            vjps = read_in_part(readings, tensor, waiting, needed) or vjps
        if anomaly:
            vjps = [vjp and silent(vjp) for _, vjp in zip(inputs, vjps)]  # noqa: B905
        for x, vjp in zip(inputs, vjps):  # noqa: B905  (the vjps may be endless)
            if type(x) is not Tensor or not x._tracked or vjp is None:
                continue
            if needed is not None and x not in needed:
                continue
            cotangent = vjp(*args, **params) if params else vjp(*args)
            array = x._array
            try:
                if cotangent.shape != array.shape or cotangent.dtype is not array.dtype:
                    cotangent = _fit(cotangent, array, op.name, stack)
            except AttributeError:
                if hasattr(cotangent, "shape"):
                    raise
                raise errors.wrong_cotangent(op.name, cotangent, array) from None
            if anomaly:
                check_backward(op.name, tensor, g, x, tensor._arrays, cotangent)
            if x in waiting:
                waiting[x] = waiting[x] + cotangent
                continue
            waiting[x] = cotangent
            if x._op is None:
                continue
            if following is None and not newest:
                following = x
            else:
                heappush(newest, (-x._number, x))
        if newest:
            if following is None:
                following = heappop(newest)[1]
            else:
                following = heappushpop(newest, (-following._number, following))[1]
    if recorder is not None:
        for leaf, g in waiting.items():
            recorder.cotangent(leaf, g)
    if of is not None:
        for leaf, g in waiting.items():
            note(g, leaf, of)
    kept.update(waiting)
    return kept


def _one_by_one(vjp: Any, g: Any, *rest: Any, **params: Any) -> Any:
    """A rule that takes no stack of cotangents, called for one after the other."""
    return ops.stack([vjp(g[i], *rest, **params) for i in range(len(g))])


def cotangents(
    seeds: dict[Tensor, Any],
    targets: Sequence[Tensor],
    record: bool = False,
    stack: tuple[int, ...] = (),
) -> list[Any]:
    """What `pull` finds for each target, in their order: zeros where nothing leads there."""
    found = pull(seeds, set(targets), record, stack)
    return [found[x] if x in found else np.zeros(stack + x.shape, x.dtype) for x in targets]


def _fit(g: Any, array: Any, op: str, stack: tuple[int, ...] = ()) -> Any:
    """Undo broadcasting: the cotangent ``g`` summed to its input's shape, in its dtype."""
    shape = stack + array.shape if stack else array.shape
    if g.shape != shape:
        axes, ones = _summed(g.shape, shape, len(stack), g.dtype)
        if axes is None:
            raise errors.wrong_cotangent(op, g, array)
        if ones is not None and type(g) is _ndarray:
            g = ones.dot(g)
        else:
            g = np.add.reduce(g, axes, keepdims=True)
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


def _as_recorded(tensor: Tensor, g: Any, of: Any) -> list[Any]:
    """The operands as Tensors, with the values that they had when the op was applied.

    Of ``g``, it is noted that it is the cotangent of ``tensor``.
    """
    if tensor.name is not None:
        note(g, tensor, of)
    operands = list(tensor._arrays)
    for i, (x, array) in enumerate(zip(tensor._inputs, tensor._arrays, strict=True)):
        if type(x) is Tensor and x._array is array:
            operands[i] = x
        elif type(x) is Tensor and x._tracked:  # a leaf that was written to, or rebound, since
            operands[i] = ops.as_it_was(x, value=array)
        elif type(array) is np.ndarray or type(array) in STAND_INS:
            operands[i] = constant = _leaf(array)
            constant.name = x.name if type(x) is Tensor else None
    return operands


def backward(output: Tensor, grad: ArrayLike | None) -> None:
    """`Tensor.backward`: store gradients on leaves and on named tensors."""
    if not output._tracked:
        raise errors.nothing_requires_grad(output)
    if capture.entered and (recorder := capture.recorder()) is not None:
        recorder.refuse_backward()
    found = pull({output: _seed(output, grad)})
    for tensor, g in found.items():
        if tensor._grad is not None and tensor._op is None:
            tensor._grad = tensor._grad + g
        # A stored gradient is its reader's own: not a part of another's, nor of a saved array.
        elif getrefcount(g) > _ONE_REFERENCE or g.base is not None or type(g) is not _ndarray:
            tensor._grad = np.array(g)
        else:
            tensor._grad = g


def _count_one_reference() -> int:
    for _, g in {0: np.empty(0)}.items():
        return getrefcount(g)
    raise AssertionError


_ONE_REFERENCE = _count_one_reference()  # what getrefcount says of an array found only there


def _seed(output: Tensor, grad: ArrayLike | None, function: str = "backward") -> Any:
    if grad is None:
        array = output._array
        if array.size != 1:
            raise errors.no_seed(output, function)
        if array.dtype.kind == "c":
            raise errors.complex_output(output, function)
        one = array.dtype.type(1)
        return one if array.ndim == 0 else np.full(array.shape, one)
    seed = cast_seed(output, grad.detach() if isinstance(grad, Tensor) else grad, function)
    if seed.shape != output.shape:
        raise errors.wrong_seed(output, seed)
    return seed._array if type(seed) is Tensor else seed


def cast_seed(output: Tensor, seed: Any, function: str) -> Any:
    """A cotangent of ``output``, a Tensor or what is no array yet, in its dtype."""
    if type(seed) is not Tensor:
        seed = own_array(seed, where=function)
    if seed.dtype.kind not in "biufc" or (seed.dtype.kind == "c" != output.dtype.kind):
        raise errors.seed_dtype(output, seed, function)
    return seed if seed.dtype == output.dtype else ops.astype(seed, output.dtype)


def gradients(
    y: Tensor,
    xs: Iterable[Tensor] | Tensor,
    seed: ArrayLike | Tensor | None = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """The gradients of ``y`` with respect to each of ``xs``, which may be leaves or results.

    Args:
        y: a tensor with one element, or any with a seed.
        xs: tensors that require a gradient; a single one gives a list of one.
        seed: the cotangent of ``y``, of its shape.
        create_graph: record the backward pass, so that the gradients can be differentiated,
            drawn and written out themselves.

    Returns:
        One Tensor per x, of its shape and dtype; zeros where ``y`` doesn't depend on it.

    Raises:
        TypeError: an x that is no Tensor, or requires no gradient.
        ValueError: no seed where one is needed, or one of another shape.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> (dx,) = ag.gradients(x**3, [x], create_graph=True)
        >>> (ddx,) = ag.gradients(dx, [x])
        >>> dx.item(), ddx.item()
        (27.0, 18.0)
    """
    if not isinstance(y, Tensor):
        raise TypeError(f"gradients: y is a {type(y).__name__}, not a Tensor")
    xs = [xs] if isinstance(xs, Tensor) else list(xs)
    for i, x in enumerate(xs):
        if type(x) is not Tensor or not x._tracked:
            raise errors.not_differentiable(x, i)
    start: Any = seed
    if not (create_graph and type(seed) is Tensor):
        start = _seed(y, seed, "gradients")
        start = _as_tensor(start) if create_graph else start
    elif seed.shape != y.shape:
        raise errors.wrong_seed(y, seed._array)
    else:
        start = cast_seed(y, seed, "gradients")
    seeds = {y: start} if y._tracked else {}
    return [_as_tensor(g) for g in cotangents(seeds, xs, create_graph)]


def _as_tensor(g: Any) -> Tensor:
    return g if type(g) is Tensor else _leaf(as_array(g))
