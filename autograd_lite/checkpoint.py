"""`checkpoint`: intermediate results that are computed again when they are needed, and not kept."""

from __future__ import annotations

import functools
import gc
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import ops
from .arrays import is_foreign, own, own_array
from .containers import leaves, rebuilt, refuse_bound, settled
from .containers import results as checked
from .engine.modes import no_grad, standing
from .engine.op import Each, Vjp, _next_number, apply
from .engine.tensor import Array, Tensor, _leaf, is_tracked
from .gradients import as_variable, cotangents
from .graph import made_since
from .layers import calls_of, left
from .table import Op

Function = Callable[..., Any]
Ran = tuple[Any, list[Tensor], list[Tensor], list[Tensor]]
"""What a call gave, the results in that, and of `made_since` what it made, and what it used."""


def checkpoint(f: Function) -> Function:
    """``f`` with its intermediate results not kept: the backward pass computes them again.

    For memory at the cost of time: in place of all that ``f`` computes on its way, the graph holds
    its arguments and its results (T. Chen et al., "Training deep nets with sublinear memory cost",
    2016). Gradients, of any order, are those of ``f``.

    Args:
        f: of arrays and Tensors, or containers of them, and settings; it may use other Tensors,
            such as a network's parameters, which get their gradients too. It must give the same
            result each time: random numbers are drawn outside, and passed in.
            An ``np.where`` that discards entries of its result belongs inside: which are not read
            isn't known through a checkpoint, and 0 · ∞ is nan there.

    Raises:
        TypeError: ``f`` returns what is no container of arrays, Tensors and numbers.
        RuntimeError: ``f`` stores a Tensor that it computes outside of itself, or changes a list,
            dict or object that it is given; or in the backward pass, where it then gives another
            result, because it draws random numbers or because what it uses has changed.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> w = ag.Tensor(2.0, requires_grad=True)
        >>> layer = ag.checkpoint(lambda x: np.tanh(w * x))
        >>> layer(layer(0.5)).backward()
        >>> round(float(w.grad), 4)
        0.2047
    """

    @functools.wraps(f, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if standing("records") or standing("value"):
            return f(*args, **kwargs)
        name = getattr(f, "__name__", "the function")
        tree = settled((args, kwargs))
        for x in (*args, *kwargs.values()):
            refuse_bound(f"checkpoint: {name}", x)
        given: list[Any] = leaves(tree)
        own(given, given)
        inputs = {i: x for i, x in enumerate(given) if is_tracked(x)}

        def run(variables: list[Tensor]) -> Ran:
            """Call ``f`` with other Tensors in place of its inputs."""
            values = given.copy()
            for i, x in zip(inputs, variables, strict=True):
                values[i] = x
            own_args, own_kwargs = rebuilt(tree, iter(values))
            first = _next_number()
            output = settled(f(*own_args, **own_kwargs))
            if [*map(id, leaves((own_args, own_kwargs)))] != [*map(id, values)]:
                said = f"checkpoint: {name} changes a list, dict or object that it is given"
                raise RuntimeError(f"{said}, and has a copy of it; return a new one")
            results = [y for y in leaves(output) if is_tracked(y)]
            return output, results, *made_since(first, results, variables)

        variables = [as_variable(x.detach()) for x in inputs.values()]
        alive = [weakref.ref(x) for x in variables]
        template, value, used = _first(name, run, variables)
        variables.clear()
        if any(ref() is not None for ref in alive):
            gc.collect()  # they may be in a cycle that nobody holds
        if any(ref() is not None for ref in alive):  # since what is computed from a tensor holds it
            raise RuntimeError(
                f"checkpoint: {name} stores a Tensor that it computed outside of itself, such as "
                "in a list, where no gradient gets back from; return it, or store its .detach()"
            )
        if value is None:
            return template
        captured = [t for t in (ref() for ref in used) if t is not None]
        rule = functools.partial(_cotangents, name, run, captured)
        op = Op("checkpoint", lambda *arrays: value, Together(rule), stacks=True)
        packed = apply(op, (*inputs.values(), *captured))
        parts = [part for part in leaves(template) if type(part) is _Part]
        results = dict(zip(parts, _unpacked(packed, parts), strict=True))
        for part, y in results.items():
            for start, layer in part.calls:
                left(layer, start, y)
        found = (results[y] if type(y) is _Part else y for y in leaves(template))
        return rebuilt(template, found)

    return checkpointed


class _Part:
    """In place of a result: its shape and dtype, and the layers that gave it."""

    def __init__(self, result: Tensor) -> None:
        self.calls = calls_of(result)
        self.shape, self.dtype, self.size = result.shape, result.dtype, result.size


class Together(Each):
    """The vjps of an op whose rule gives the cotangents of all its inputs at once."""

    def __iter__(self) -> Iterator[Vjp]:
        found: list[Any] = []  # in this visit of the backward pass

        def vjp(i: int, *args: Any) -> Any:
            if not found:
                found.extend(self.rule(*args))
            return found[i]

        return (functools.partial(vjp, i) for i in itertools.count())


def _first(
    name: str, run: Callable[[Any], Ran], variables: list[Tensor]
) -> tuple[Any, Array | None, list[weakref.ref[Tensor]]]:
    """The output with a `_Part` for each result, their value, and the Tensors used.

    The graph goes when this returns, and with it the leaves that the function made for itself:
    hence the weak references.
    """
    output, results, _, used = run(variables)
    checked(f"checkpoint: {name}", output, constants=True)
    template = [_Part(y) if is_tracked(y) else y for y in leaves(output)]
    value = _packed(results) if results else None
    return rebuilt(output, iter(template)), value, list(map(weakref.ref, used))


def _cotangents(
    name: str, run: Callable[[Any], Ran], captured: list[Tensor], g: Any, out: Any, *operands: Any
) -> list[Any]:
    """The rule: run the function again, and pull through its graph."""
    record = type(out) is Tensor
    with no_grad.suspended():
        targets = [ops.positive(x) if record else as_variable(_leaf(x)) for x in operands]
        given = len(operands) - len(captured)
        _, results, made, outside = run(targets[:given])
    value = out._array if record else out
    if (
        not results
        or not _is_same(_packed(results), value)
        or any(t._tracked for t in set(captured) - set(outside))
    ):
        raise RuntimeError(
            f"checkpoint: {name}, computed again in the backward pass, gave another result than "
            "at first. It must give the same each time: draw random numbers outside and pass them "
            "in, and change no parameters or arrays that it uses before the backward pass"
        )
    # Where a captured Tensor depends on another, its own graph is the outer pass's to follow: so
    # others, which have none, take the place of all of them.
    instead: dict[Any, Tensor] = dict(zip(captured, targets[given:], strict=True))
    for tensor in made:
        inputs = (instead.get(x, x) if type(x) is Tensor else x for x in tensor._inputs)
        tensor._inputs = tuple(inputs)
    seeds: dict[Tensor, Any] = {}
    for y, part in zip(results, _unpacked(g, results), strict=True):
        y = instead.get(y, y)
        seeds[y] = seeds[y] + part if y in seeds else part
    stack = g.shape[: g.ndim - out.ndim]
    return cotangents(seeds, targets, record, stack)


def _packed(results: Sequence[Tensor]) -> Array:
    """One array of all results: where there are several, one behind the other."""
    if len(results) == 1:
        return own_array(results[0]._array)  # type: ignore[no-any-return]
    return np.concatenate([y._array.ravel() for y in results])


def _is_same(again: Any, first: Any) -> bool:
    """As far as values are at hand."""
    if is_foreign(first):
        return bool(again.shape == first.shape)
    return np.array_equal(again, first, equal_nan=True)


def _unpacked(packed: Any, parts: Sequence[Any]) -> list[Any]:
    """What `_packed` joined, or a stack of its cotangents, in the parts' shapes and dtypes."""
    if len(parts) == 1:
        return [packed]
    found, end = [], 0
    for part in parts:
        start, end = end, end + part.size
        x = packed[..., start:end]
        x = ops.reshape(x, x.shape[:-1] + part.shape)
        x = ops.real(x) if x.dtype.kind == "c" != part.dtype.kind else x
        found.append(x if x.dtype == part.dtype else ops.astype(x, part.dtype))
    return found
