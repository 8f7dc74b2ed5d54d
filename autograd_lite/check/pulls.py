"""Many backward passes at once, in each of which some rules are others: a stack of cotangents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import fit, pull
from ..engine.tensor import Array, Tensor
from ..gradients import one_by_one

Use = tuple[Tensor, int]
"""A result, and which of its operands."""


class Call(NamedTuple):
    """A rule where one of the backward passes calls it.

    Attributes:
        g: the cotangent that came.
        args: the result, and its operands.
        back: what the rule gives of another cotangent, and of other arguments.
        cotangent: what came to another result; by the rules as they are, if it hasn't yet.
        part: what came back by another operand.
    """

    g: Array
    args: tuple[Array, ...]
    back: Callable[..., Array]
    cotangent: Callable[[Tensor], Array]
    part: Callable[[Use], Array]


Rule = Callable[[Call], Any]
Rules = dict[Use, Rule]
"""What stands for the rules of some operands, by these."""


def pulled(
    output: Tensor, tensors: Mapping[str, Tensor], plainly: Mapping[Tensor, Array],
    every: Sequence[Rules], instead: Mapping[Tensor, Array],
) -> dict[str, Array]:  # fmt: skip
    """The gradients by name, with such rules, of each along the first axis; nan where one raises.

    Args:
        output: the loss.
        tensors: whose gradients.
        plainly: the cotangents by the rules as they are.
        every: what stands for rules.
        instead: cotangents, by which a pass goes on from there.
    """
    edited: dict[Use, list[tuple[int, Rule]]] = defaultdict(list)
    for k, rules in enumerate(every):
        for use, rule in rules.items():
            edited[use].append((k, rule))
    came, parts = dict[Tensor, Array](), dict[Use, Array]()

    def layer(t: Tensor, g: Any, vjps: Any) -> Any:
        came[t] = np.broadcast_to(instead[t], g.shape) if t in instead else g
        if t._op is None:
            return vjps
        some = zip(t._op.vjps, vjps, t._inputs)  # noqa: B905  (the vjps may be endless)
        return [vjp and partial(called, (t, i), own, vjp) for i, (own, vjp, _) in enumerate(some)]

    def called(use: Use, own: Any, vjp: Any, g: Any, *args: Any, **params: Any) -> Any:
        """A rule of a stack; and then, of those that are edited, one by one."""
        (t, i), op = use, use[0]._op
        g = came[t]
        x, name = t.inputs[i]._array, op.name if op is not None else ""
        part = fit(vjp(g, *args, **params), x, name, 1)
        part = np.array(part) if use in edited else part
        for k, rule in edited.get(use, ()):

            def back(g: Any, *new: Any, **other: Any) -> Any:
                return fit(np.asarray(own(g, *(new or args), **{**params, **other})), x, name)

            def cotangent(y: Tensor, k: int = k) -> Any:
                return came[y][k] if y in came else plainly[y]

            def other(use: Use, k: int = k) -> Any:
                return parts[use][k]

            try:
                given = np.asarray(rule(Call(np.asarray(g[k]), args, back, cotangent, other)))
                part[k] = fit(given, x, name) if given.ndim else given
            except Exception:  # shapes that don't go together, or what a rule refuses
                part[k] = np.nan
        parts[use] = part
        return part

    seeds, targets = {output: np.ones((len(every), *output.shape))}, set(tensors.values())
    found = pull(seeds, targets, layers=[one_by_one, layer])
    zeros = {t: np.zeros((len(every), *t.shape)) for t in targets - found.keys()}
    return {name: {**zeros, **found}[t] for name, t in tensors.items()}
