"""Readers of a graph ask for all its numbers: other libraries' are loaded once, and together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .arrays import to_numpy
from .containers import leaves, rebuilt
from .engine.tensor import FOREIGN, Tensor
from .graph import walk


@contextmanager
def loaded(output: Any) -> Iterator[None]:
    """Within it the graph of a Tensor holds NumPy arrays alone; afterwards what it held before."""
    before = [
        (t, name, getattr(t, name))
        for t in (walk(output) if FOREIGN and type(output) is Tensor else ())
        for name in ("_array", "_grad", *(("_arrays", "_params") if t._op is not None else ()))
    ]
    held = [x for _, _, x in before]
    found = {id(x): x for x in leaves(held)}
    numpy = dict(zip(found, to_numpy(*found.values()), strict=True))
    after = rebuilt(held, (numpy[id(x)] for x in leaves(held)))
    try:
        for (tensor, name, _), new in zip(before, after, strict=True):
            setattr(tensor, name, new)
        yield
    finally:
        for tensor, name, old in before:
            setattr(tensor, name, old)
