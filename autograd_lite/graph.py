"""Walking a recorded graph: iteratively, each tensor once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from .engine.tensor import Tensor

T = TypeVar("T")


def walk(*outputs: Tensor) -> list[Tensor]:
    """Every tensor that ``outputs`` were computed from, and themselves: inputs before results."""
    seen = set(outputs)
    results: list[Tensor] = []
    leaves: list[Tensor] = []
    stack = list(dict.fromkeys(reversed(outputs)))
    while stack:
        tensor = stack.pop()
        (leaves if tensor._op is None else results).append(tensor)
        for x in reversed(tensor.inputs):
            if x not in seen:
                seen.add(x)
                stack.append(x)
    results.sort(key=lambda tensor: tensor._number)
    return leaves + results


def leaves_of(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The leaves of what `walk` gave, in the order in which they are used."""
    used = dict.fromkeys(x for t in tensors for x in t.inputs if x._op is None)
    return list(used) or list(tensors)


def carriers(tensor: Tensor) -> list[Tensor]:
    """The inputs that a gradient flows to: tracked, and with a rule."""
    rules = tensor._op.vjps if tensor._op is not None else ()  # they may be endless
    pairs = zip(tensor.inputs, rules, strict=False)
    return [x for x, rule in pairs if x._tracked and rule is not None]


def reached(
    tensors: Sequence[Tensor], output: Tensor, on: Container[Tensor] | None = None
) -> set[Tensor]:
    """Those of a graph, inputs before results, that a gradient comes to, by way of ``on``."""
    found = {output}
    for t in reversed(tensors):
        if t in found:
            found.update(x for x in carriers(t) if on is None or x in on)
    return found


def reaching(tensors: Sequence[Tensor], targets: Iterable[Tensor]) -> set[Tensor]:
    """Those from which a gradient flows on to a target; targets included."""
    found = set(targets)
    for t in tensors:
        if not found.isdisjoint(carriers(t)):
            found.add(t)
    return found


def inner_first(
    root: T, inner: Callable[[T], Sequence[T]], known: Container[T] = ()
) -> Iterator[T]:
    """``root`` and what it consists of, each once, what is inner first; not what is known."""
    seen: set[T] = set()
    stack = [(root, False)]
    while stack:
        x, ready = stack.pop()
        if ready:
            yield x
        elif x not in seen and x not in known:
            seen.add(x)
            stack.append((x, True))
            stack += [(y, False) for y in reversed(inner(x))]


def made_since(
    first: int, outputs: Iterable[Any], variables: Iterable[Tensor] = ()
) -> tuple[list[Tensor], list[Tensor]]:
    """What tracked ``outputs`` were computed from: what was made since, and what is from outside.

    Args:
        first: what was made since has a greater number.
        outputs: what isn't tracked is left out.
        variables: neither they nor what is behind them count.
    """
    made, outside = [], []
    seen = set(variables)
    stack = list(outputs)
    while stack:
        x = stack.pop()
        if type(x) is not Tensor or not x._tracked or x in seen:
            continue
        seen.add(x)
        if getattr(x, "_number", -1) < first:  # leaves have none, but for variables of transforms
            outside.append(x)
        elif x._op is not None:
            made.append(x)
            stack.extend(x._inputs)
    return made, outside


def named_tensors(output: Tensor) -> dict[str, Tensor]:
    """The named tensors that ``output`` was computed from, and itself, in order of computation.

    Where two have the same name, the later one counts.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(2.0, requires_grad=True, name="x")
        >>> y = (3 * x).named("y")
        >>> (y * y).backward()
        >>> ag.named_tensors(y)["y"].grad
        array(12.)
    """
    return {tensor.name: tensor for tensor in walk(output) if tensor.name is not None}
