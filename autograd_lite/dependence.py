"""Which numbers a number comes from, found by trying the recorded ops.

An input's entry is made nan, and what then is nan depends on it, whatever the values are. So no op
needs a rule of its own. `draw` draws this number by number, `explain` lights it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .engine.tensor import Array, Tensor
from .show.steps import is_number


def dependence(tensor: Tensor) -> list[Array]:
    """Which entries of a result its op computes from which entries of its inputs.

    An input's entry is changed, to nan, to 0 and to another number, among generic numbers; what
    then changes depends on it. Conditions are tried with either outcome.

    Shapes:
        One boolean array an input: (the result's size, the input's size).
    """
    rng = np.random.default_rng(0)
    low, high = tensor.op.domain
    inputs = tensor.inputs
    found = [np.zeros((tensor.size, x.size), bool) for x in inputs]
    for truth in (True, False) if any(x.dtype == bool for x in inputs) else (True,):
        generic = {
            x: np.full(x.shape, truth) if x.dtype == bool
            else np.asarray(rng.uniform(low, high, x.shape))
            for x in inputs if not is_number(x)
        }  # fmt: skip
        base = computed([tensor], generic)
        for x, depends in zip(inputs, found, strict=True):
            for i in range(x.size if x in generic else 0):
                outcomes = []
                for to in (np.nan, 0, rng.uniform(low, high)):
                    array = generic[x].copy()
                    array.flat[i] = to
                    outcomes.append(computed([tensor], {**generic, x: array}))
                known = [out != base for out in outcomes if out is not None and base is not None]
                depends[:, i] |= np.any(known, axis=0).ravel() if known else True
    for x, depends in zip(inputs, found, strict=True):
        if not depends.any() and x.shape == tensor.shape and x.requires_grad:
            depends |= np.eye(x.size, dtype=bool)  # the forward ignores it, and the vjp doesn't
    return found


def computed(region: Sequence[Tensor], given: Mapping[Tensor, Array]) -> Array | None:
    """The region's last result with other arrays for some inputs; None where an op refuses them."""
    values = dict(given)
    try:
        with np.errstate(all="ignore"):
            for tensor in region:
                arrays = [values.get(x, x._array) for x in tensor.inputs]
                if any(x in values for x in tensor.inputs):
                    values[tensor] = np.asarray(tensor.op.forward(*arrays, **tensor.params))
    except Exception:  # whatever an op, which may be anybody's, says of numbers it doesn't like
        return None
    return values.get(region[-1], region[-1]._array)


def sources_of(
    region: Sequence[Tensor],
    inputs: Sequence[Tensor],
    depends: dict[Tensor, list[Array]] | None = None,
) -> list[list[tuple[Tensor, int]]]:
    """Of each entry of a region's last result, the entries of ``inputs`` that it is computed from.

    Args:
        region: recorded tensors in order of creation, whose inputs are in it or in ``inputs``;
            what else they use is a constant.
        inputs: where the computation starts.
        depends: the `dependence` of each tensor of the region, where it is known already.
    """
    sources = {x: [[(x, i)] for i in range(x.size)] for x in inputs}
    for tensor in region:
        found = dependence(tensor) if depends is None else depends[tensor]
        sources[tensor] = [
            list(dict.fromkeys(
                source
                for x, depend in zip(tensor.inputs, found, strict=True)
                if x in sources
                for i in np.flatnonzero(depend[j])
                for source in sources[x][i]
            ))
            for j in range(tensor.size)
        ]  # fmt: skip
    return sources[region[-1]]
