"""Readers of a graph ask for all its numbers: other libraries' are loaded once, and together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .arrays import is_foreign, to_numpy
from .engine.tensor import FOREIGN, Tensor
from .graph import walk


@contextmanager
def loaded(output: Any) -> Iterator[None]:
    """Within it the graph of a Tensor holds NumPy arrays alone; afterwards what it held before."""
    if not FOREIGN or type(output) is not Tensor:
        yield
        return
    before = [
        (t, name, getattr(t, name))
        for t in walk(output)
        for name in ("_array", "_grad", *(("_arrays", "_params") if t._op is not None else ()))
    ]
    foreign = {id(x): x for _, _, held in before for x in _parts(held) if is_foreign(x)}
    numpy = dict(zip(foreign, to_numpy(*foreign.values()), strict=True))

    def exchanged(held: Any) -> Any:
        if type(held) is dict:
            return {key: numpy.get(id(x), x) for key, x in held.items()}
        if type(held) is tuple:
            return tuple([numpy.get(id(x), x) for x in held])
        return numpy.get(id(held), held)

    try:
        for tensor, name, held in before if foreign else ():
            setattr(tensor, name, exchanged(held))
        yield
    finally:
        for tensor, name, held in before if foreign else ():
            setattr(tensor, name, held)


def _parts(held: Any) -> Any:
    return held.values() if type(held) is dict else held if type(held) is tuple else (held,)
