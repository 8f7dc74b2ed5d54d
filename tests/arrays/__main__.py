"""Counts what runs on a strict array of another library, and on Dask's: ``python -m tests.arrays``.

Each case of each op, and each call of each function, forward, backward and to second order; of
Dask besides how many of them NumPy itself computes on its arrays. ``python -m tests.arrays ops``
leaves the calls out.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import dask

import nn  # noqa: F401  (its ops are in the table too)

from ..coverage.calls import CALLS
from ..sampling import Sample, samples
from .lazy import DASK, by_numpy
from .same import DUCK, Library, assert_same, call_as, of_call, of_op


def counted(
    what: str, library: Library, cases: Sequence[Any], numpys: Callable[[Any], bool] | None = None
) -> None:
    """Print how many give the same, and why others don't: how often, and what is said."""
    failed: Counter[str] = Counter()
    right, by_numpy, loaded = 0, 0, 0
    for case in cases:
        able = numpys is not None and numpys(case)
        by_numpy += able
        is_op = isinstance(case, Sample)
        expected = found = None
        try:
            if is_op:
                expected, found = of_op(case, lambda x: x), of_op(case, library.put)
            else:
                expected = of_call(case, lambda x: x, lambda x: x)
                found = call_as(library, case)
            assert_same(library, expected, found)
            right += 1
        except Exception as error:
            loaded += found is None and library.asked() > 0
            said = (str(error).strip().splitlines() or [""])[0]
            name = case.op.name if is_op else case.function
            failed[f"  {name}{' (NumPy can)' * able}: {type(error).__name__}: {said}"] += 1
        library.asked()
    others = "" if numpys is None else f"; NumPy itself, forward: {by_numpy}"
    print(f"{what}: {right} of {len(cases)}; of the others {loaded} ask for numbers{others}")
    for line, times in failed.items():
        print(line[:150], f"({times}×)" if times > 1 else "")


def main() -> None:
    warnings.simplefilter("error")
    dask.config.set(scheduler="sync")
    ops = list(samples())
    print(f"{len(ops)} cases of ops, {len(CALLS)} calls of functions")
    counted("the strict array, ops", DUCK, ops)
    counted("Dask, ops", DASK, ops, by_numpy)
    if "ops" not in sys.argv:
        counted("the strict array, calls", DUCK, CALLS)
        counted("Dask, calls", DASK, CALLS, by_numpy)


if __name__ == "__main__":
    main()
