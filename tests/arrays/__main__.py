"""Counts what runs on a strict array of another library, and on Dask's: ``python -m tests.arrays``.

Each case of each op, and each call of each function, forward, backward and to second order; of Dask
the ops alone, and besides how many of them NumPy itself computes on its arrays.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import nn  # noqa: F401  (its ops are in the table too)

from ..coverage.calls import CALLS
from ..sampling import Sample, samples
from .same import DUCK, Library, assert_same, of_call, of_op


def counted(what: str, cases: Iterable[Any], check: Callable[[Any], None]) -> None:
    failed: Counter[str] = Counter()
    right = 0
    for case in cases:
        try:
            check(case)
            right += 1
        except Exception as error:
            name = case.op.name if isinstance(case, Sample) else case.function
            failed[f"  {name}: {type(error).__name__}: {str(error).strip().splitlines()[0]}"] += 1
    print(f"{what}: {right} of {right + failed.total()}")
    for line, times in failed.items():
        print(line[:150], f"({times}×)" if times > 1 else "")


def same_op(library: Library) -> Callable[[Sample], None]:
    def check(sample: Sample) -> None:
        assert_same(library, of_op(sample, lambda x: x), of_op(sample, library.put))

    return check


def same_call(call: Any) -> None:
    expected = of_call(call, lambda x: x, lambda x: x)
    try:
        assert_same(DUCK, expected, of_call(call, DUCK.put, DUCK.put))
    except TypeError:  # a setting, which other libraries take of NumPy
        DUCK.asked()
        assert_same(DUCK, expected, of_call(call, DUCK.put, lambda x: x))


def main() -> None:
    warnings.simplefilter("error")
    print(f"{sum(1 for _ in samples())} cases of ops, {len(CALLS)} calls of functions")
    counted("the strict array, ops", samples(), same_op(DUCK))
    if "ops" not in sys.argv:
        counted("the strict array, calls", CALLS, same_call)
    from .lazy import DASK, by_numpy

    counted("Dask, ops", samples(), same_op(DASK))
    print("NumPy itself, forward:", sum(map(by_numpy, samples())))


if __name__ == "__main__":
    main()
