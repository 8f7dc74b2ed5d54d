"""In which layer an op was computed, so that figures can fold the work of a layer, and name it.

Who calls a layer says so when it is left, as `nn.Module` does: the result knows since when the
layer was at work, in creation numbers. What is behind the result and was made since is the layer's.
No block of code has to stand around its ops for that, which would cost each of them about as much
as to be recorded; and threads that call layers side by side don't disturb each other.
"""

from __future__ import annotations

from typing import Any

from .containers import walk
from .engine.notes import notes_of
from .engine.op import _next_number
from .engine.tensor import Tensor

entered = _next_number
"""Called where a layer is entered: what it makes has a greater number."""


def left(layer: Any, start: int, result: Any) -> None:
    """Note that ``layer``, which was entered at ``start``, computed what ``result`` holds.

    Its ``tensor_owners()`` says of its Tensors, and those of the layers within it, whose they are.
    """
    if type(result) is Tensor:
        if result._op is not None and result._number > start:
            result._notes += start, layer
    else:
        for _, x in walk(result):
            if type(x) is Tensor:
                left(layer, start, x)


def calls_of(result: Tensor) -> list[tuple[int, Any]]:
    """When the layers that gave it were entered, and the layers, the innermost first."""
    return [note for note in notes_of(result).items() if type(note[0]) is int]


class Work:
    """What a layer does in one call.

    Attributes:
        name: the layer's type.
        reads: whether parameters of the layer are read.
    """

    def __init__(self, layer: Any) -> None:
        self.name = type(layer).__name__
        self.reads = False


class Layers:
    """The layers by which a graph was computed.

    Args:
        results: all of the graph, inputs before results.

    Attributes:
        results: what one call made in a row, however threads took turns.
        work: of each result that was computed in a layer: in the innermost, or in one within it
            whose parameters the op reads, which was not called, but its ``forward`` was.
        owned: the Tensors that are the layers' own.
    """

    def __init__(self, results: list[Tensor]) -> None:
        self.work: dict[Tensor, Work] = {}
        order: dict[Tensor, list[int]] = {}
        within: dict[Tensor, dict[int, Any]] = {}
        owners: dict[int, dict[Tensor, Any]] = {}  # by the layer's id
        works: dict[tuple[int, int], Work] = {}
        for t in reversed(results):
            calls = within.pop(t, {}) | dict(calls_of(t))
            order[t] = [*sorted(calls), t._number]
            if not calls:
                continue
            for x in t.inputs:
                if not x.is_leaf:
                    made_in = {start: layer for start, layer in calls.items() if start < x._number}
                    within.setdefault(x, {}).update(made_in)
            start = max(calls)
            called = calls[start]
            if id(called) not in owners:
                owners[id(called)] = called.tensor_owners()
            of = owners[id(called)]
            read = [of[x] for x in t.inputs if x in of]
            layer = read[0] if read else called
            work = self.work[t] = works.setdefault((start, id(layer)), Work(layer))
            work.reads |= bool(read)
        self.results = sorted(results, key=order.__getitem__)
        self.owned = {x for of in owners.values() for x in of}
