"""Network diagrams: a layer is a column of circles, its parameters the arrows into it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from autograd_lite.draw import Figure
from autograd_lite.draw import labels as markup
from autograd_lite.draw.sheet import Sheet
from autograd_lite.op import Op

from .layers import MLP, Linear, Sequential
from .module import Module

# Inches, between the centres of columns and of rows.
_COLUMN, _WIDE_COLUMN, _ROW = 1.6, 3.2, 0.85
_WIDER = 0.16  # more between columns for each row, so that the arrows don't get too steep


def draw(
    net: Module,
    bias: bool = True,
    computations: bool = False,
    captions: bool = False,
    dashed: str | Collection[str] = (),
    names: Sequence[str] = ("x", "h", "y"),
    widest: int = 10,
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
        widest: a layer of more nodes is abridged with ⋮; at least 3.

    Raises:
        TypeError: a network of another kind; its computation can be drawn by ``ag.draw``.
        ValueError: layers that don't fit together, a name in ``dashed`` that no node has,
            ``names`` that aren't three, or ``widest`` below 3.

    Example:
        >>> import nn
        >>> figure = nn.draw(nn.MLP([2, 2, 1]), bias=False)
        >>> "x_1 -> h_2" in figure.source
        True
    """
    if len(names) != 3:
        raise ValueError(f"draw: names are those of inputs, hidden nodes, outputs, not {names!r}")
    if widest < 3:
        raise ValueError(f"draw: widest must be at least 3, not {widest}")
    layers = list(_layers(net))
    widths = [layers[0].linear.weight.shape[0], *(x.linear.weight.shape[1] for x in layers)]
    columns = [
        _column(width, k, len(layers), names, widest) for k, width in enumerate(widths)
    ]
    known = [node.name for column in columns for node in column if node]
    chosen = {dashed} if isinstance(dashed, str) else set(dashed)
    unknown = sorted(chosen.difference(known))
    if unknown:
        raise ValueError(f"draw: no node is called {unknown[0]!r}; there are {', '.join(known)}")
    return _Diagram(layers, columns, widths, bias, computations, captions, chosen).figure()


class _Layer(NamedTuple):
    linear: Linear
    signs: list[str]  # of the activations after it, the first applied first


class _Node(NamedTuple):
    name: str  # h_1
    label: str


def _layers(net: Any) -> Iterator[_Layer]:
    """The Linears in their order, each with the activations up to the next one."""
    layers: list[_Layer] = []
    todo = [net]
    while todo:
        module = todo.pop()
        if isinstance(module, Linear):
            layers.append(_Layer(module, []))
        elif isinstance(module, Sequential):
            todo += reversed(module.modules)
        elif isinstance(module, MLP):
            parts = zip(module.layers, module.activations, strict=True)
            todo += reversed([part for pair in parts for part in pair])
        elif layers and callable(module) and not _has_parameters(module):
            layers[-1].signs.extend(_sign(module))
        else:
            raise TypeError(
                f"draw: the columns of a diagram are Linears, with activations after them, and "
                f"not {type(module).__name__}; ag.draw(net(x)) draws any computation"
            )
    if not layers:
        raise TypeError("draw: there is no Linear in the network; ag.draw(net(x)) draws any")
    for k, (before, after) in enumerate(pairwise(layers), start=1):
        given, wanted = before.linear.weight.shape[1], after.linear.weight.shape[0]
        if given != wanted:
            raise ValueError(f"draw: layer {k} has {given} outputs, and the next takes {wanted}")
    return iter(layers)


def _has_parameters(module: Any) -> bool:
    return isinstance(module, Module) and bool(module.parameters())


def _sign(activation: Callable[[Any], Any]) -> list[str]:
    """What stands for an activation in a formula; nothing for the identity."""
    function = getattr(type(activation), "function", activation)
    if isinstance(function, Op):
        return [markup.escape(function.notation.symbol)]
    name = getattr(function, "__name__", type(function).__name__.lower())
    return [] if name == "identity" else [markup.escape(name)]


def _column(
    width: int, k: int, depth: int, names: Sequence[str], widest: int
) -> list[_Node | None]:
    """The nodes of layer ``k`` from top to bottom; None for those that are left out."""
    letter = names[0] if k == 0 else names[2] if k == depth else names[1]
    alone = width == 1 and k == depth

    def node(i: int) -> _Node:
        if 0 < k < depth and depth > 2:
            inner = markup.name_markup(f"l_{k}")
            label = f"({inner}){markup.index_markup((width,), (i,))}"
            return _Node(f"(l_{k})_{i + 1}", label)
        name = letter if alone else f"{letter}_{i + 1}"
        return _Node(name, markup.name_markup(name))

    if width <= widest:
        return [node(i) for i in range(width)]
    return [*(node(i) for i in range(widest - 2)), None, node(width - 1)]


class _Diagram:
    """Lays the columns out and writes them down."""

    def __init__(
        self,
        layers: list[_Layer],
        columns: list[list[_Node | None]],
        widths: list[int],
        bias: bool,
        computations: bool,
        captions: bool,
        dashed: set[str],
    ) -> None:
        # The positions are given, and neato draws straight lines between them.
        self.sheet = Sheet(layout="neato", splines="line", outputorder="edgesfirst")
        self.layers, self.columns, self.widths = layers, columns, widths
        self.bias, self.computations, self.dashed = bias, computations, dashed
        rows = max(map(len, columns))
        self.step = (_WIDE_COLUMN if computations else _COLUMN) + _WIDER * rows
        self.keys = [self._draw_column(k) for k in range(len(columns))]
        for k in range(len(layers)):
            self._connect(k)
        if captions:
            self._write_captions()

    def figure(self) -> Figure:
        return self.sheet.figure()

    def _has_bias(self, k: int) -> bool:
        """Whether layer ``k`` has a node 1."""
        return self.bias and k < len(self.layers) and self.layers[k].linear.bias is not None

    def _top(self, k: int) -> float:
        return (len(self.columns[k]) + self._has_bias(k) - 1) * _ROW / 2

    def _draw_column(self, k: int) -> list[tuple[str, float, _Node | None]]:
        """Draw layer ``k``; the nodes that arrows start from, as (key, height, node)."""
        x, y = k * self.step, self._top(k)
        drawn: list[tuple[str, float, _Node | None]] = []
        if self._has_bias(k):
            key = self.sheet.new_id(f"bias_{k}")
            self.sheet.circle(key, "1", pos=_at(x, y))
            drawn.append((key, y, None))
            y -= _ROW
        for node in self.columns[k]:
            if node is None:
                count = markup.font(f"{self.widths[k]} in all", 9, markup.GREY)
                key = self.sheet.new_id(f"rest_{k}")
                self.sheet.caption(key, f"⋮<BR/>{count}", pos=_at(x, y))
            else:
                wanted = node.name.replace("(", "").replace(")", "")
                key = self.sheet.new_id(wanted)
                self.sheet.circle(key, node.label, pos=_at(x, y))
                drawn.append((key, y, node))
            y -= _ROW
        return drawn

    def _connect(self, k: int) -> None:
        """The arrows from layer ``k`` to the next."""
        for key, y, node in self.keys[k + 1]:
            if node is None:
                continue
            style = "dashed" if node.name in self.dashed else "solid"
            head = key
            if self.computations:
                head = self.sheet.new_id(f"op_{key}")
                place = _at((k + 1) * self.step - 1.6, y)
                self.sheet.ellipse(head, self._formula(k), pos=place)
                self.sheet.forward(head, key, style=style)
            port = {"headport": "w"} if self.computations else {}
            for tail, _, _ in self.keys[k]:
                self.sheet.forward(tail, head, style=style, **port)

    def _formula(self, k: int) -> str:
        """What a node of layer ``k + 1`` computes: ``σ(Σ wᵢxᵢ + b)``."""
        linear, signs = self.layers[k]
        first = next(node for node in self.columns[k] if node is not None)
        letter = first.label
        i = "<I>i</I>"
        if first.name.startswith("("):
            operand = f"({markup.name_markup(f'l_{k}')})"
        else:
            operand = markup.name_markup(first.name.rpartition("_")[0] or letter)
        index = f"<SUB>{markup.font(i, 11)}</SUB>"
        text = f"Σ <I>w</I>{index}{operand}{index}"
        if linear.bias is not None:
            text += " + <I>b</I>"
        for sign in signs:
            text = f"{sign}({text})"
        return text

    def _write_captions(self) -> None:
        """Beneath each layer its name, beneath each group of arrows the parameters' names."""
        y = -max(self._top(k) for k in range(len(self.columns))) - 0.8 * _ROW
        for k in range(len(self.columns)):
            self.sheet.caption(
                self.sheet.new_id(f"caption_{k}"),
                markup.name_markup(f"l_{k}"),
                pos=_at(k * self.step, y),
            )
        for k, (linear, _) in enumerate(self.layers):
            edge = f"{k}{k + 1}" if k < 9 else f"{k},{k + 1}"
            parameters = [(linear.weight, f"W_{edge}")]
            if linear.bias is not None:
                parameters.append((linear.bias, f"b_{edge}"))
            text = ", ".join(
                markup.name_markup(name, markup.is_bold(tensor)) for tensor, name in parameters
            )
            place = _at((k + 0.5) * self.step, y)
            self.sheet.caption(self.sheet.new_id(f"parameters_{k}"), text, pos=place)


def _at(x: float, y: float) -> str:
    return f"{x:.4g},{y:.4g}!"
