"""The libraries that are compared with, where they are installed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

MODULES = {
    "PyTorch": "torch", "JAX jit": "jax", "autograd_lite jit": "jax", "HIPS autograd": "autograd",
    "MyGrad": "mygrad",
}  # fmt: skip

NO_CONTROL = "NumPy's BLAS keeps its own number of threads, also where it says one thread"


@cache
def missing() -> frozenset[str]:
    """The names of those that aren't installed, which is said once."""
    absent = []
    for name, module in MODULES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import_module(module)
        except ImportError as error:
            absent.append(name)
            print(
                f'{name} is left out: {error}. pip install -e ".[bench]" installs it.',
                file=sys.stderr,
            )
    return frozenset(absent)


@cache
def threadpoolctl() -> Any:
    """The module by which BLAS is told how many threads to use; without it, said once, None."""
    try:
        return import_module("threadpoolctl")
    except ImportError as error:
        print(f'{NO_CONTROL}: {error}. pip install -e ".[bench]" installs it.', file=sys.stderr)
        return None


def installed(contenders: Mapping[str, T]) -> dict[str, T]:
    """The contenders without those whose library is missing."""
    return {name: make for name, make in contenders.items() if name not in missing()}


def jax_float64() -> Any:
    """The module ``jax``, which computes in float32 unless it is told otherwise."""
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax
