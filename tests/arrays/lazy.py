"""Dask, as a library whose arrays are computed when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.callbacks import Callback

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


def by_numpy(sample: Any) -> bool:
    """Whether NumPy itself computes the op on Dask's arrays, lazily."""
    inputs = [put(x) for x in sample.inputs(np.random.default_rng(7))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return isinstance(sample.op.forward(*inputs, **sample.case.params), da.Array)
        except Exception:
            return False
