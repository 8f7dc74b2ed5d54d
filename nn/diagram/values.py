"""An observation on its way through the network, for its numbers to stand on the nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import given
from autograd_lite.engine.tensor import Array
from autograd_lite.seen import unseen

from ..module import Module
from ..recording import undisturbed
from .chain import Layer


class Run(NamedTuple):
    """The numbers of one observation.

    Attributes:
        outputs: of the inputs and of each layer, of shape ``(n,)`` each.
        sums: of each layer before its activations.
    """

    outputs: list[Array]
    sums: list[Array]


def run(net: Module, layers: list[Layer], values: Any) -> Run:
    """The numbers that the network computes from an observation, as it is in `Module.eval`.

    Nothing is recorded, and the network stays as it is.

    Raises:
        TypeError: ``values`` are no real numbers; or the network computes something else than its
            layers, one after the other.
        ValueError: not one row of as many numbers as the network has inputs; or an activation that
            changes the number of entries.
    """
    row = _observation(values, layers[0].n_in)[np.newaxis]
    outputs, sums = [row], []
    with unseen(), np.errstate(all="ignore"), undisturbed(net, []):
        net.eval()
        for k, layer in enumerate(layers, start=1):
            out: Any = layer.linear(ag.Tensor(outputs[-1]))
            sums.append(out.numpy())
            outputs.append(_activated(layer, sums[-1]))
            if outputs[-1].shape != (1, layer.n_out):
                shapes = f"{outputs[-1].shape} of {(1, layer.n_out)}"
                said = f"draw: the activation of layer {k} gives shape {shapes}"
                raise ValueError(f"{said}, and the diagram has a circle for each of its inputs")
        whole = _array(net(ag.Tensor(row)))
    last = outputs[-1]
    if whole.shape != last.shape or not np.allclose(whole, last, rtol=1e-6, equal_nan=True):
        said = f"draw: {type(net).__name__} computes something else than its layers one by one"
        raise TypeError(f"{said}; ag.draw(net(x), values=True) draws what it does")
    return Run([out[0] for out in outputs], [s[0] for s in sums])


def _activated(layer: Layer, s: Array) -> Array:
    out: Any = ag.Tensor(s)
    for activation in layer.activations:
        out = activation(out)
    return _array(out)


def is_by_entry(layer: Layer) -> bool:
    """Whether activations take each sum by itself, and not as softmax does."""
    s = np.linspace(-1.0, 1.0, layer.n_out)[np.newaxis]
    changed = s + 1.0
    changed[0, 0] = s[0, 0]
    with unseen(), np.errstate(all="ignore"):
        ours, theirs = (_activated(layer, x).flat[0] for x in (s, changed))
    return bool(np.array_equal(ours, theirs, equal_nan=True))


def _array(result: Any) -> Array:
    return result.numpy() if isinstance(result, ag.Tensor) else np.asarray(result)


def _observation(values: Any, n_in: int) -> Array:
    if isinstance(values, bool):
        raise TypeError(f"draw: values takes an observation, such as values=x[0], and not {values}")
    try:
        array = _array(values) if isinstance(values, ag.Tensor) else given(values, "draw")
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"draw: values is no array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"draw: values takes real numbers, and not {array.dtype}")
    if array.shape not in ((n_in,), (1, n_in)):
        several = array.ndim == 2 and array.shape[1] == n_in and len(array) > 1
        remedy = "; give one row of it" if several else ""
        said = f"draw: the net has n_in = {n_in}, so values takes one observation of shape"
        raise ValueError(f"{said} ({n_in},) or (1, {n_in}), and not {array.shape}{remedy}")
    return array.reshape(n_in)
