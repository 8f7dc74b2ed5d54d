"""Which numbers each number of a step comes from, of those that the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..dependence import computed, sources_of
from ..engine.tensor import Tensor
from .matrices import layout
from .story import Step

Sources = dict[int, dict[str, list[int]]]
"""By an entry of the result: by the key of an array, its entries. All are flat indices."""

_MOST_OPS = 200
_EXACT = 4_000  # numbers up to which every op is tried on its own
_PAIRS = 200_000  # of an entry and one that it may come from
_MOST_WORK = 8_000_000  # numbers computed, to try a large one


def sources(step: Step, brief: bool = False) -> Sources:
    """What each shown entry of a step's result comes from; nothing where trying takes too long.

    Args:
        step: of the story.
        brief: whether less of large arrays is shown.
    """
    wanted = layout(step.shape, brief).entries
    keys = [operand.key for operand in step.operands]
    region, inputs = step.region, {x: key for x, key in step.inputs.items() if key in keys}
    if len(region) > _MOST_OPS:
        return {}
    if not region:
        return {j: {key: [j] for key in keys} for j in wanted if step.value is not None}
    shown = {x: layout(x.shape, brief).entries for x in inputs}
    everything = _exactly(region, list(inputs))
    if everything is None:
        work = 3 * sum(map(len, shown.values())) * _numbers(region)
        return _tried(region, inputs, shown, wanted) if work <= _MOST_WORK else {}
    visible = {(x, i) for x, entries in shown.items() for i in entries}
    found: Sources = {}
    for j in wanted:
        by_key: dict[str, set[int]] = {}
        for x, i in everything[j]:
            if (x, i) in visible:
                by_key.setdefault(inputs[x], set()).add(int(i))
        found[j] = {key: sorted(entries) for key, entries in by_key.items()}
    return found


def knowable(step: Step, brief: bool = False) -> list[int]:
    """The shown entries of a step's result that come of nothing but what the page shows, too."""
    wanted = layout(step.shape, brief).entries
    hidden = set(step.inputs.values()) - {operand.key for operand in step.operands}
    partly = [x for x in step.inputs if not layout(x.shape, brief).is_whole]
    if step.kind == "update" or not (hidden or partly):
        return wanted
    everything = None if hidden else _exactly(step.region, partly)
    visible = {(x, i) for x in partly for i in layout(x.shape, brief).entries}
    return [j for j in wanted if visible.issuperset(everything[j])] if everything else []


def _exactly(
    region: Sequence[Tensor], inputs: Sequence[Tensor]
) -> list[list[tuple[Tensor, int]]] | None:
    """By the dependence of each op, whatever the values are; None where that takes too long."""
    pairs = sum(t.size * x.size for t in region for x in t.inputs)
    is_small = 0 < len(region) <= _MOST_OPS and _numbers(region) <= _EXACT and pairs <= _PAIRS
    return sources_of(region, inputs) if is_small else None


def _numbers(region: Sequence[Tensor]) -> int:
    return sum(t.size for t in region) + sum(x.size for t in region for x in t.inputs)


def _tried(
    region: Sequence[Tensor],
    inputs: Mapping[Tensor, str],
    shown: Mapping[Tensor, list[int]],
    wanted: Sequence[int],
) -> Sources:
    """By changing each shown entry, to nan and to another number, and computing anew.

    What is nan stays so whatever else changes: the inputs are taken with 1 in place of such.
    """
    found: Sources = {j: {} for j in wanted}
    usual = {x: np.nan_to_num(x._array, nan=1, posinf=1, neginf=1) for x in shown}
    base = computed(region, usual)
    at = list(wanted)
    if base is None:
        return {}
    is_nan = np.isnan(base.flat[at]).any()  # such as of log(−1), which another sign tells
    for x, entries in shown.items():
        if x.dtype.kind not in "fc":
            continue
        for i in entries:
            changed = np.zeros(len(at), bool)
            now = usual[x].flat[i]
            for to in (np.nan, now + 1, np.abs(now))[: 3 if is_nan else 2]:
                array = usual[x].copy()
                array.flat[i] = to
                value = computed(region, {**usual, x: array})
                if value is not None:
                    changed |= ~np.isclose(value.flat[at], base.flat[at], 0, 0, equal_nan=True)
            for j in np.flatnonzero(changed):
                found[at[j]].setdefault(inputs[x], []).append(i)
    return found
