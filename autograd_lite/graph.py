"""Walking a recorded graph: iteratively, each tensor once."""

from __future__ import annotations

from .tensor import Tensor


def walk(output: Tensor) -> list[Tensor]:
    """Every tensor that ``output`` was computed from, and itself: inputs before results."""
    seen = {output}
    results: list[Tensor] = []
    leaves: list[Tensor] = []
    stack = [output]
    while stack:
        tensor = stack.pop()
        (leaves if tensor._node is None else results).append(tensor)
        for x in reversed(tensor.inputs):
            if x not in seen:
                seen.add(x)
                stack.append(x)
    results.sort(key=lambda tensor: tensor._number)
    return leaves + results


def ancestors(output: Tensor, targets: set[Tensor]) -> set[Tensor]:
    """The tensors on the paths from ``output`` back to one of ``targets``, both included."""
    on_path = set(targets)
    for tensor in walk(output):
        if not on_path.isdisjoint(tensor.inputs):
            on_path.add(tensor)
    return on_path


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
