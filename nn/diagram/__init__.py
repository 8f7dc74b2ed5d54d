"""Network diagrams: a layer is a column of circles, its parameters the arrows into it.

To read, in this order: `chain` (what is drawn of a network), `values` (an observation on its way
through it), `nodes` (circles and arrows), `layout` (where they stand).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from autograd_lite.draw.figure import Figure
from autograd_lite.draw.theme import Theme, theme_of
from autograd_lite.seen import look

from ..module import Module
from .chain import layers_of
from .layout import Diagram, Options
from .nodes import column
from .values import run

__all__ = ["bundle", "draw"]


def draw(
    net: Module,
    bias: bool = True,
    computations: bool = False,
    captions: bool = False,
    dashed: str | Collection[str] = (),
    names: Sequence[str] = ("x", "h", "y"),
    widest: int = 10,
    *,
    weights: bool = False,
    values: Any = None,
    shade: bool = False,
    theme: str | Theme = "light",
) -> Figure:
    """The network as columns of circles, from the inputs on the left to the outputs on the right.

    Nodes are called ``x_1``, ``x_2``, …, ``h_1``, … and ``y``; where there are several hidden
    layers, those of the second one ``(l_2)_1``, …

    Args:
        net: an `MLP`, a `Linear`, or a `Sequential` of Linears and activations.
        bias: draw a node 1 in each layer that a bias is added to.
        computations: draw an ellipse before each node, with what it computes.
        captions: write ``l_0``, ``l_1``, … beneath the layers, and the parameters' names between.
        dashed: the name or names of nodes into which the arrows are dashed, to tell them apart.
        names: the letters for inputs, hidden nodes, and outputs.
        widest: a layer of more nodes is abridged with •••, and says how many there are; at least 3.
        weights: draw each arrow as wide as its weight is large, relative to the layer's largest;
            positive ones solid and blue, negative ones dashed and orange, zeros faint.
        values: one observation, of shape ``(n_in,)`` or ``(1, n_in)``: the net is run on it, as in
            evaluation, and each node shows its value; with ``computations`` the ellipses show what
            the activations are applied to.
        shade: fill the circles by their values, relative to the layer's largest.
        theme: ``"light"``, ``"dark"``, ``"print"``, or an `autograd_lite.Theme`.

    Raises:
        TypeError: a network of another kind; its computation can be drawn by ``ag.draw``. Values
            that aren't real numbers; complex weights or values where signs are to be shown.
        ValueError: layers that don't fit together, a name in ``dashed`` that no node has, or that
            with ``weights``; ``names`` that aren't three, ``widest`` below 3; an unknown ``theme``;
            ``values`` of another shape, or ``shade`` without them.

    Example:
        >>> import nn
        >>> figure = nn.draw(nn.MLP([2, 2, 1]), bias=False)
        >>> "x_1 -> h_2" in figure.source
        True
        >>> figure = nn.draw(nn.Linear(2, 1), values=[0.25, -1.0])
        >>> "0.25" in figure.source
        True
    """
    if len(names) != 3:
        raise ValueError(f"draw: names are those of inputs, hidden nodes, outputs, not {names!r}")
    if widest < 3:
        raise ValueError(f"draw: widest must be at least 3, not {widest}")
    layers = layers_of(net)
    columns = [
        column(width, k, len(layers), names, widest)
        for k, width in enumerate([layers[0].n_in, *(layer.n_out for layer in layers)])
    ]
    known = [node.name for nodes in columns for node in nodes if node]
    chosen = {dashed} if isinstance(dashed, str) else set(dashed)
    unknown = sorted(chosen.difference(known))
    if unknown:
        raise ValueError(f"draw: no node is called {unknown[0]!r}; there are {', '.join(known)}")
    if weights:
        if chosen:
            raise ValueError("draw: with weights=True dashes tell the sign; leave dashed= out")
        _refuse_complex("weights=True", *(p.dtype for x in layers for p in x.linear.parameters()))
    for parameter in net.parameters() if weights or values is not None else ():
        look(parameter, how="writes")
    numbers = None if values is None else run(net, layers, values)
    if shade:
        if numbers is None:
            raise ValueError("draw: shade=True fills the circles by their values; give values=x")
        _refuse_complex("shade=True", *(out.dtype for out in numbers.outputs))
    options = Options(bias, computations, captions, chosen, weights, shade, theme_of(theme))
    return Diagram(layers, columns, options, numbers).sheet.figure()


def _refuse_complex(what: str, *dtypes: Any) -> None:
    for dtype in dtypes:
        if dtype.kind == "c":
            raise TypeError(f"draw: {what} shows signs, and the net has numbers of {dtype}")


_AT_A_GLANCE = 1200
"""How many arrows a net is shown with when nobody asked for it to be drawn."""


def bundle(net: Module) -> dict[str, str]:
    """For Jupyter: the network's diagram, where it is one of layers; its text in any case."""
    shown = {"text/plain": repr(net)}
    try:
        layers = layers_of(net)
    except (TypeError, ValueError, AttributeError, IndexError):  # none of layers as they are made
        return shown
    for widest in (10, 6, 4):
        rows = [[n if n <= widest else widest - 1 for n in (x.n_in, x.n_out)] for x in layers]
        if sum((n_in + 1) * n_out for n_in, n_out in rows) <= _AT_A_GLANCE:
            with suppress(RuntimeError):  # there is no layout engine
                shown["image/svg+xml"] = draw(net, widest=widest).svg()
            break
    return shown
