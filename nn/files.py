"""Parameters in files, in the format safetensors, which holds arrays and no code."""

from __future__ import annotations

from functools import partial
from os import PathLike, fspath

import numpy as np

from autograd_lite.errors import imported

from .module import Module

__all__ = ["load", "save"]


def save(net: Module, path: str | PathLike[str]) -> None:
    """Write ``net.state_dict()`` to a file.

    Raises:
        ImportError: the library safetensors isn't there (extra ``safetensors``).

    Example:
        >>> import nn, pathlib, tempfile
        >>> a, b = nn.MLP([2, 3, 1], rng=0), nn.MLP([2, 3, 1], rng=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "net.safetensors")
        ...     nn.save(a, path)
        ...     nn.load(b, path)
        >>> bool((a["W_01"].data == b["W_01"].data).all())
        True
    """
    state = {name: np.ascontiguousarray(value) for name, value in net.state_dict().items()}
    _safetensors().save_file(state, fspath(path))


def load(net: Module, path: str | PathLike[str]) -> None:
    """Read a file that `save` wrote, or another library, into the net's parameters.

    Raises:
        ImportError: the library safetensors isn't there (extra ``safetensors``).
        KeyError: a parameter is missing in the file, or unknown; nothing is set then.
        ValueError: one has another shape; nothing is set then.

    Example:
        >>> import nn, pathlib, tempfile
        >>> net = nn.MLP([2, 3, 1], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "net.safetensors")
        ...     nn.save(net, path)
        ...     net["W_01"].data = [[0.0] * 3] * 2
        ...     nn.load(net, path)
        >>> bool(net["W_01"].data.any())
        True
    """
    net.load_state_dict(_safetensors().load_file(fspath(path)))


_safetensors = partial(imported, "safetensors.numpy", "nn.save and nn.load need", "safetensors")
