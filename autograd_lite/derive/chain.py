"""The chain rule between named tensors: which paths lead from the output to each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from ..engine.tensor import Tensor
from ..graph import carriers, reached, reaching, walk
from ..show.notation import free_names

Path = list[tuple[str, str]]
"""The derivatives along a path: ``[("L", "l_2"), ("l_2", "s_2")]`` is ∂L/∂l_2 · ∂l_2/∂s_2."""


class Plan:
    """What gets a step, in which order, and along which paths.

    A named result gets a step, unless it is an activation: a result of one other named result and
    of no parameter, such as ``l_1 = σ(s_1)``. The chapter has none for these: the chain rule
    passes through them.

    Args:
        output: what is differentiated.
        wrt: the tensors that are asked for; by default all.
    """

    def __init__(self, output: Tensor, wrt: Sequence[Tensor] | None) -> None:
        self.output = output
        tensors = walk(output)
        sources = _sources(tensors, output)
        self.consumers: dict[Tensor, list[Tensor]] = defaultdict(list)
        for tensor, feeding in sources.items():
            for x in feeding:
                self.consumers[x].append(tensor)
        self.names = _names(tensors, output)
        asked = set(self.names) if wrt is None else set(wrt)
        on_path = reaching(tensors, asked) & reached(tensors, output)
        self.targets = [
            t
            for t in self.names
            if t._tracked
            and t is not output
            and t in on_path
            and (t in asked if wrt is not None and t in asked else not _passed(t, sources[t]))
            and (not t.is_leaf or t in asked)
        ]
        owner = _owners(tensors, set(self.targets), output)
        place = {t: i for i, t in enumerate(tensors)}
        self.targets.sort(
            key=lambda t: (-place[t], 0, 0) if not t.is_leaf else (-place[owner[t]], 1, place[t])
        )

    def paths(self, target: Tensor, at_most: int = 6) -> list[Path]:
        """The paths to ``target`` from the steps before it, through what gets none."""
        stops = set(self.targets) | {self.output}
        found: list[Path] = []
        stack: list[tuple[Tensor, Path]] = [(target, [])]
        while stack and len(found) < at_most:
            tensor, path = stack.pop()
            if tensor in stops and tensor is not target:
                head = [] if tensor is self.output else [self._link(self.output, tensor)]
                found.append(head + path)
            else:
                stack += [
                    (u, [self._link(u, tensor), *path]) for u in self.consumers[tensor]
                ]
        return found

    def _link(self, of: Tensor, by: Tensor) -> tuple[str, str]:
        return self.names[of], self.names[by]


def _sources(tensors: list[Tensor], output: Tensor) -> dict[Tensor, frozenset[Tensor]]:
    """Of each named tensor and the output: the named ones and leaves that it is computed from."""
    feeding: dict[Tensor, frozenset[Tensor]] = {}
    found: dict[Tensor, frozenset[Tensor]] = {}
    for t in tensors:
        below = [feeding[x] for x in carriers(t)]
        union = below[0] if len(below) == 1 else frozenset().union(*below)
        if t.is_leaf or t.name is not None or t is output:
            found[t] = union
            feeding[t] = frozenset([t])
        else:
            feeding[t] = union
    return found


def _names(tensors: list[Tensor], output: Tensor) -> dict[Tensor, str]:
    """The names of named tensors, of leaves that get a gradient, and of the output."""
    names: dict[Tensor, str] = {}
    taken = {t.name for t in tensors}
    for t in tensors:
        name = t.name
        if name is None and t is output:
            name = "loss" if "L" in taken else "L"
        elif name is None and t.is_leaf and t._tracked:
            name = next(free_names("w", taken))
        if name is not None:
            if name in names.values():  # the name of another one
                name = next(n for i in count(2) if (n := f"{name}({i})") not in taken)
            taken.add(name)
            names[t] = name
    return names


def _passed(tensor: Tensor, feeding: frozenset[Tensor]) -> bool:
    """Whether the chain rule passes through a tensor: an activation of one named result."""
    tracked = [x for x in feeding if x._tracked]
    return (
        not tensor.is_leaf
        and len(tracked) == 1
        and not tracked[0].is_leaf
        and tracked[0].shape == tensor.shape
    )


def _owners(
    tensors: list[Tensor], targets: set[Tensor], output: Tensor
) -> dict[Tensor, Tensor]:
    """Of each tensor the earliest step that uses it: a parameter's gradient comes after that."""
    owner: dict[Tensor, Tensor] = {}
    place = {t: i for i, t in enumerate(tensors)}
    for t in reversed(tensors):
        own = t if t is output or (t in targets and not t.is_leaf) else owner[t]
        for x in t.inputs:
            if x not in owner or place[own] < place[owner[x]]:
                owner[x] = own
    owner[output] = output
    return owner
