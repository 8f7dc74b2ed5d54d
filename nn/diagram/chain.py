"""What is drawn of a network: its Linears, one after the other, and what is applied between."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from autograd_lite.engine.op import Op
from autograd_lite.show import labels as markup
from autograd_lite.show.notation import op_notation

from ..layers import MLP, Linear, Sequential
from ..module import Module


class Layer(NamedTuple):
    """A Linear, and the activations after it, the first applied first."""

    linear: Linear
    activations: list[Callable[[Any], Any]]

    @property
    def n_in(self) -> int:
        return int(self.linear.weight.shape[0])

    @property
    def n_out(self) -> int:
        return int(self.linear.weight.shape[1])

    def applied(self, text: str) -> str:
        """The activations, applied to what a formula writes."""
        for activation in self.activations:
            sign = _sign(activation)
            text = text if sign == "identity" else f"{sign}({text})"
        return text


def layers_of(net: Any) -> list[Layer]:
    """The Linears in their order, each with the activations up to the next one.

    Raises:
        TypeError: something else is in the network, or no Linear is.
        ValueError: layers that don't fit together.
    """
    layers: list[Layer] = []
    todo = [net]
    while todo:
        module = todo.pop()
        if isinstance(module, Linear):
            layers.append(Layer(module, []))
        elif isinstance(module, Sequential):
            todo += reversed(module.modules)
        elif isinstance(module, MLP):
            parts = zip(module.layers, module.activations, strict=True)
            todo += reversed([part for pair in parts for part in pair])
        elif layers and callable(module) and not _has_parameters(module):
            layers[-1].activations.append(module)
        else:
            said = f"Linears, with activations after them, and not {type(module).__name__}"
            raise TypeError(f"draw: columns are {said}; ag.draw(net(x)) draws any computation")
    if not layers:
        raise TypeError("draw: there is no Linear in the network; ag.draw(net(x)) draws any")
    for k, (before, after) in enumerate(pairwise(layers), start=1):
        if before.n_out != after.n_in:
            said = f"layer {k} has {before.n_out} outputs, and the next takes {after.n_in}"
            raise ValueError(f"draw: {said}")
    return layers


def _has_parameters(module: Any) -> bool:
    return isinstance(module, Module) and bool(module.parameters())


def _sign(activation: Callable[[Any], Any]) -> str:
    """What stands for an activation in a formula, as markup."""
    function = getattr(type(activation), "function", activation)
    if isinstance(function, Op):
        return markup.escape(op_notation(function).symbol)
    return markup.escape(getattr(function, "__name__", type(function).__name__.lower()))
