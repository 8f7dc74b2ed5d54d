"""`Tensor.backward`, which stores what a backward pass finds, and `gradients`, which returns it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from sys import getrefcount
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import errors, ops
from .arrays import array_of, as_array, is_foreign, own_array, staying, zeros
from .cotangents import noting
from .engine.backward import Layer, pull
from .engine.modes import Mode, standing, tell
from .engine.notes import note
from .engine.tensor import FOREIGN, SKIPS, Tensor, _leaf
from .seen import look
from .unread import Unread

_ndarray = np.ndarray


def pulled(
    seeds: dict[Tensor, Any],
    targets: set[Tensor] | None = None,
    record: bool = False,
    layers: Sequence[Layer] = (),
) -> dict[Tensor, Any]:
    """What `pull` finds, where entries that nothing reads have no gradient (see `unread`).

    Only where a plain pass gives something that isn't finite is it made once more, with a layer
    that knows them; always with it where a mode looks at what rules give, or writes them down.
    """
    traits = 0
    for tensor in seeds:
        traits |= tensor._tracked
    if any(is_foreign(tensor._array) for tensor in seeds):  # whose values aren't looked at
        layers = [Unread(seeds).layer, *layers] if traits & SKIPS else layers
        with staying():
            return pull(seeds, targets, record, layers)
    if not traits & SKIPS:
        return pull(seeds, targets, record, layers)
    if not standing("backward"):
        odd: list[Any] = []
        with suppress(np.linalg.LinAlgError), np.errstate(  # of a nan, which seems to be used
            divide="call", invalid="call", call=lambda *error: odd.append(error)
        ):
            found = pull(dict(seeds), targets, record, layers)
            if not odd and _are_finite(found.values()):
                return found
    return pull(seeds, targets, record, [Unread(seeds).layer, *layers])


def _are_finite(found: Iterable[Any]) -> bool:
    """Whether all entries are; not, too, where they are so large that their squares overflow."""
    with np.errstate(over="ignore"):
        for g in found:
            array = getattr(g, "_array", g)
            if not abs(np.vdot(array, array)) < np.inf:
                return False
    return True


def one_by_one(tensor: Tensor, g: Any, vjps: Any) -> Any:
    """A layer for a stack of cotangents: rules that take none are called for one by one."""
    if tensor._op is None or tensor._op.stacks:
        return vjps
    some = [vjp for vjp, _ in zip(vjps, tensor._inputs)]  # noqa: B905  (they may be endless)
    return [vjp and partial(_stacked, vjp) for vjp in some]


def _stacked(vjp: Any, g: Any, *rest: Any, **params: Any) -> Any:
    return ops.stack([vjp(g[i], *rest, **params) for i in range(len(g))])


def cotangents(
    seeds: dict[Tensor, Any],
    targets: Sequence[Tensor],
    record: bool = False,
    stack: tuple[int, ...] = (),
) -> list[Any]:
    """What `pulled` finds for each target, in their order: zeros where nothing leads there.

    Args:
        seeds: as of `pull`.
        targets: what gets a cotangent.
        record: as of `pull`.
        stack: the shape of the further axes in front of the seeds: so many cotangents at once.
    """
    layers: list[Layer] = [one_by_one] if stack else []
    if record and seeds:
        layers.append(noting(next(iter(seeds))))
    if not record:
        for tensor in seeds:
            look(tensor)
    found = pulled(seeds, set(targets), record, layers)
    return [found[x] if x in found else zeros(stack + x.shape, x) for x in targets]


def backward(self: Tensor, grad: ArrayLike | None = None) -> None:
    """Add this tensor's gradient to each leaf's `grad`, and set it on each named tensor.

    Leaves that require a gradient accumulate, as usual; named tensors in between hold the
    gradient of the last call.

    Args:
        grad: the seed, the cotangent of this tensor, of its shape; ones where this has one
            element.

    Raises:
        RuntimeError: nothing in this tensor's history requires a gradient.
        ValueError: no seed for a tensor of several elements, or one of another shape.
    """
    if not self._tracked:
        raise errors.nothing_requires_grad(self, "backward")
    if Mode.entered:
        tell("write", self, "grad")
    run = pulled if self._tracked & SKIPS or type(self._array) in FOREIGN else pull
    found = run({self: seeded(self, grad)})
    for tensor, g in found.items():
        if tensor._grad is not None and tensor._op is None:
            tensor._grad = as_array(tensor._grad + g)
        # A stored gradient is its reader's own: not a part of another's, nor of a saved array.
        elif type(g) is not _ndarray:
            tensor._grad = g.copy() if type(g) in FOREIGN else np.array(g)
        elif getrefcount(g) > _ONE_REFERENCE or g.base is not None:
            tensor._grad = g.copy("K")
        else:
            tensor._grad = g


def _count_one_reference() -> int:
    for _, g in {0: np.empty(0)}.items():
        return getrefcount(g)
    raise AssertionError


_ONE_REFERENCE = _count_one_reference()  # what getrefcount says of an array found only there


def seeded(output: Tensor, grad: Any, function: str = "backward", record: bool = False) -> Any:
    """The cotangent that a backward pass starts with: ones, or what was given, with its graph."""
    if grad is None:
        array = output._array
        if array.size != 1:
            raise errors.no_seed(output, function)
        if array.dtype.kind == "c":
            raise errors.complex_output(output, function)
        if type(array) in FOREIGN:
            return np.ones_like(array)
        one = array.dtype.type(1)
        return one if array.ndim == 0 else np.full(array.shape, one)
    detached = type(grad) is Tensor and not record
    seed = cast_seed(output, grad.detach() if detached else grad, function)
    if seed.shape != output.shape:
        raise errors.wrong_seed(output, seed)
    return seed if record else array_of(seed)


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
    start = seeded(y, seed, "gradients", create_graph)
    seeds = {y: _as_tensor(start) if create_graph else start} if y._tracked else {}
    return [_as_tensor(g) for g in cotangents(seeds, xs, create_graph)]


def as_variable(leaf: Tensor) -> Tensor:
    """A leaf that a function is differentiated by: a copy of it is a result of it."""
    leaf._tracked = 1
    note(leaf, "variable", True)
    return leaf


def _as_tensor(g: Any) -> Tensor:
    return g if type(g) is Tensor else _leaf(as_array(g))
