"""Functions that put entries elsewhere: each is its own rule, run on the entries' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Case
from .define import moving

__all__ = [
    "delete", "diag", "diagflat", "diagonal", "flip", "fliplr", "flipud", "repeat", "resize",
    "roll", "rot90", "take", "take_along_axis", "tile", "tril", "triu",
]  # fmt: skip


def _cases(*settings: dict[str, Any], shape: tuple[int, ...] = (2, 3)) -> list[Case]:
    return [Case((shape,), params) for params in settings]


flip = moving(np.flip, _cases({}, {"axis": -1}, {"axis": (0, 1)}))
fliplr = moving(np.fliplr, _cases({}))
flipud = moving(np.flipud, _cases({}))
roll = moving(np.roll, _cases({"shift": 2}, {"shift": -1, "axis": 1}))
rot90 = moving(np.rot90, _cases({}, {"k": 2, "axes": (1, 0)}))
tile = moving(np.tile, _cases({"reps": 2}, {"reps": (2, 1, 2)}))
repeat = moving(np.repeat, _cases({"repeats": 2}, {"repeats": np.array([2, 0, 1]), "axis": 1}))
resize = moving(np.resize, _cases({"new_shape": (4, 2)}, {"new_shape": 3}))
tril = moving(np.tril, _cases({}, {"k": -1}))
triu = moving(np.triu, _cases({}, {"k": 1}))
diag = moving(np.diag, _cases({}, {"k": 1}) + _cases({"k": -1}, shape=(3,)))
diagflat = moving(np.diagflat, _cases({}, {"k": 1}))
diagonal = moving(
    np.diagonal, _cases({}, {"offset": 1}) + _cases({"axis1": -1, "axis2": 0}, shape=(2, 3, 2))
)
take = moving(
    np.take, _cases({"indices": np.array([[5, 0], [0, -1]])}, {"indices": 1, "axis": 1})
)
take_along_axis = moving(
    np.take_along_axis, _cases({"indices": np.array([[2, 0], [1, 1]]), "axis": 1})
)
delete = moving(np.delete, _cases({"obj": 1}, {"obj": slice(0, 2), "axis": 1}))


# ---------------------------------------------------------------------- padding

moved_pad = moving(
    np.pad,
    _cases(
        {"pad_width": 1},
        {"pad_width": ((1, 0), (2, 3)), "mode": "reflect"},
        {"pad_width": ((0, 0), (1, 2)), "mode": "wrap"},
    ),
)
