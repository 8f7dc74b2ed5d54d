"""Dask, as a library whose arrays are computed when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.callbacks import Callback

from autograd_lite.containers import leaves

from ..coverage.call import Call
from ..sampling import Sample
from .same import Library

COMPUTES: list[int] = []


class _Counting(Callback):  # type: ignore[misc]
    def _start(self, graph: Any) -> None:
        COMPUTES.append(len(graph))


_Counting().register()


def put(x: Any) -> Any:
    """In chunks of half of each axis, more or less."""
    return da.from_array(x, chunks=tuple(n // 2 + 1 for n in x.shape))


def asked() -> int:
    """How often something was computed, since it was called last."""
    times = len(COMPUTES)
    COMPUTES.clear()
    return times


def numpy(xs: Sequence[Any]) -> list[Any]:
    computed = list(dask.compute(*xs, scheduler="sync"))
    COMPUTES.clear()
    return computed


DASK = Library(da.Array, put, numpy, asked)


def by_numpy(case: Sample | Call) -> bool:
    """Whether NumPy itself computes the case of an op, or the call, on Dask's arrays, lazily."""
    if isinstance(case, Sample):
        inputs = [put(x) for x in case.inputs(np.random.default_rng(7))]
        compute = partial(case.op.forward, **case.case.params)
    else:
        inputs, compute = [put(x) for x in case.drawn()], case.of(np)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            found = leaves(compute(*inputs))
            return all(isinstance(x, da.Array) for x in found) and not asked()
        except Exception:
            asked()
            return False
