"""What keeps a logarithm finite, and means nothing: of ``log(p + 1e-12)`` the ``1e-12``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from ..engine.tensor import Tensor

_LOGS = {"log", "log2", "log10", "log1p"}
_BOUNDS = {"maximum": 0.0, "minimum": 1.0}
_SUMS = {"add", "subtract"}
_PASSED = {"negative", "getitem", "collect", "reshape", "transpose", *_BOUNDS, *_SUMS}


def guards(nodes: Sequence[Tensor], most: float) -> tuple[dict[Tensor, Tensor], set[float]]:
    """What stands for what without guards up to this size, and how large these are.

    ``p`` for ``p + 1e-12``, ``max(p, 1e-12)`` and ``clip(p, 1e-12, 1 − 1e-12)``; for 1.000001, to
    which ``1e-6 + 1`` was added up, 1. What has a name is what it is.
    """
    instead: dict[Tensor, Tensor] = {}
    sizes = set()
    todo = [t.inputs[0] for t in nodes if t.op is not None and t.op.name in _LOGS and most]
    while todo:
        p = todo.pop()
        name = "" if p.op is None or p.name is not None else p.op.name
        for x, c in permutations(p.inputs) if name in (*_BOUNDS, *_SUMS) else ():
            if not c.is_leaf or c.ndim or c._tracked or c.dtype.kind not in "iuf":
                continue
            number = float(c._array)
            whole = _BOUNDS.get(name, float(np.round(number)))
            size = abs(number - whole)
            if size <= most and (size or name in _BOUNDS):
                is_taken_from = name == "subtract" and c is p.inputs[0]
                if name in _BOUNDS or not (whole or is_taken_from):
                    instead[p] = x
                else:
                    instead[c] = Tensor(whole)
                sizes |= {float(f"{size:.3g}")} - {0.0}
        if name in _PASSED:
            todo += p.inputs
    for t in instead:
        while instead[t] in instead:
            instead[t] = instead[instead[t]]
    return instead, sizes
