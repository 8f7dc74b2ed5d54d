"""Where the circles, arrows and words of a diagram stand."""

from __future__ import annotations

from typing import NamedTuple

from autograd_lite.draw.sheet import Sheet
from autograd_lite.draw.theme import Theme
from autograd_lite.engine.leaves import array_of
from autograd_lite.show import labels as markup
from autograd_lite.show.notation import number

from ..layers import edge_name
from .chain import Layer
from .nodes import KINDS, Node, arrow, diameter, fill, kind, largest, text_width
from .values import Run, is_by_entry

# Inches: a circle, and between the centres of columns, of an ellipse and its circle, and of rows.
_CIRCLE = 0.68
_COLUMN, _WIDE_COLUMN, _REACH, _ROW = 1.6, 3.2, 1.6, 0.85
_GAP = 0.3  # at least, between an ellipse and a circle
_WIDER = 0.16  # more between columns for each row, so that the arrows don't get too steep
_SMALL, _LINE = 9, 12  # points: a number beneath a name, and the line it stands on


class Options(NamedTuple):
    """What is asked for; see `nn.draw`."""

    bias: bool
    computations: bool
    captions: bool
    dashed: set[str]
    weights: bool
    shade: bool
    theme: Theme


class Diagram:
    """Lays the columns out and writes them down.

    Args:
        layers: what is drawn.
        columns: the circles of the inputs and of each layer.
        options: how.
        run: the numbers to write on the circles, if any.
    """

    def __init__(
        self, layers: list[Layer], columns: list[list[Node | None]], options: Options,
        run: Run | None,
    ) -> None:  # fmt: skip
        # The positions are given, and neato draws straight lines between them.
        self.sheet = Sheet(options.theme, layout="neato", splines="line", outputorder="edgesfirst")
        self.layers, self.columns, self.options, self.run = layers, columns, options, run
        self._measure()
        self.keys = [self._draw_column(k) for k in range(len(columns))]
        self.kinds: set[str] = set()  # of weights, for the legend
        for k in range(len(layers)):
            self._connect(k)
        self._write_beneath()

    def _faint(self, text: str) -> str:
        return markup.font(text, 11, self.options.theme.faint)

    def _measure(self) -> None:
        """How large circles are, all alike, and how far apart columns and rows."""
        numbered = enumerate(self.columns)
        drawn = [(k, node) for k, nodes in numbered for node in nodes if node is not None]
        size = max(_CIRCLE, *(diameter(*self._lines(k, node)) for k, node in drawn))
        grown = size - _CIRCLE
        fixed = {"width": f"{size:.3g}", "fixedsize": "true"}
        self.size = fixed if grown or self.run else {}
        self.row = _ROW + grown
        self.reach, self.step = _REACH + grown / 2, _COLUMN + grown
        if self.options.computations:
            formulas = [
                text_width(line)
                for k in range(len(self.layers)) for line in self._formula(k).split("<BR/>")
            ]  # fmt: skip
            ellipse = 1.18 * max(formulas) / 72
            self.reach = max(self.reach, size / 2 + _GAP + ellipse / 2)
            beyond = ellipse / 2 + _GAP + size / 2
            self.step = max(_WIDE_COLUMN + grown, self.reach + beyond)
        self.step += _WIDER * max(map(len, self.columns)) * self.row / _ROW

    def _lines(self, k: int, node: Node) -> list[tuple[str, float]]:
        """What stands on a circle: its name, and its value beneath."""
        value = [(number(self.run.outputs[k][node.entry]), _LINE)] if self.run else []
        return [(node.label, 16.0), *value]

    def _has_bias(self, k: int) -> bool:
        """Whether layer ``k`` has a node 1."""
        layers = self.layers
        return self.options.bias and k < len(layers) and layers[k].linear.bias is not None

    def _top(self, k: int) -> float:
        return (len(self.columns[k]) + self._has_bias(k) - 1) * self.row / 2

    def _draw_column(self, k: int) -> list[tuple[str, float, Node | None]]:
        """Draw layer ``k``; the nodes that arrows start from, as (key, height, node)."""
        x, y = k * self.step, self._top(k)
        drawn: list[tuple[str, float, Node | None]] = []
        if self._has_bias(k):
            key = self.sheet.new_id(f"bias_{k}")
            self.sheet.node("tensor", key, "1", pos=_at(x, y), **self.size)
            drawn.append((key, y, None))
            y -= self.row
        for node in self.columns[k]:
            if node is None:
                self._leave_out(k, _at(x, y))
            else:
                key = self.sheet.new_id(node.name.replace("(", "").replace(")", ""))
                (label, _), *value = self._lines(k, node)
                label += "".join("<BR/>" + markup.beneath(text) for text, _ in value)
                look = self.size | self._shade(k, node)
                self.sheet.node("tensor", key, label, pos=_at(x, y), **look)
                drawn.append((key, y, node))
            y -= self.row
        return drawn

    def _leave_out(self, k: int, place: str) -> None:
        """Three dots, of a sign that every font has, and how many nodes there are."""
        width = self.layers[k].n_in if k < len(self.layers) else self.layers[-1].n_out
        count = markup.font(f"{width} in all", 9, self.options.theme.faint)
        dots = f"{markup.font('•', 8)}<BR/>" * 3
        self.sheet.node("caption", self.sheet.new_id(f"rest_{k}"), f"{dots}{count}", pos=place)

    def _shade(self, k: int, node: Node) -> dict[str, str]:
        if not (self.options.shade and self.run):
            return {}
        outputs, base = self.run.outputs[k], self.options.theme.tensor_fill
        value = float(outputs[node.entry])
        return {"fillcolor": fill(value, largest(outputs), base)}

    def _connect(self, k: int) -> None:
        """The arrows from layer ``k`` to the next."""
        weighed: list[tuple[str, str, float]] = []
        for key, y, node in self.keys[k + 1]:
            if node is None:
                continue
            look = {"style": "dashed" if node.name in self.options.dashed else "solid"}
            head = key
            if self.options.computations:
                head = self.sheet.new_id(f"op_{key}")
                place = _at((k + 1) * self.step - self.reach, y)
                text = self._formula(k, node)
                self.sheet.node("computation", head, text, pos=place)
                self.sheet.forward(head, key, **look)
            for tail, _, start in self.keys[k]:
                if self.options.weights:
                    weighed.append((tail, head, self._weight(k, start, node)))
                else:
                    self.sheet.forward(tail, head, **look)
        most = self._most(k) if weighed else 0.0
        # The smallest first, nan at last: none hides a larger one.
        for tail, head, weight in sorted(weighed, key=lambda x: (x[2] != x[2], abs(x[2]))):
            self.kinds.add(kind(weight))
            self.sheet.forward(tail, head, **arrow(weight, most))

    def _weight(self, k: int, tail: Node | None, head: Node) -> float:
        """Of the arrow between two nodes; from node 1 it is the bias."""
        linear = self.layers[k].linear
        if tail is None:
            return float(array_of(linear.bias)[0, head.entry])
        return float(array_of(linear.weight)[tail.entry, head.entry])

    def _most(self, k: int) -> float:
        """The largest weight of layer ``k``, drawn or not; that of node 1 is one of them."""
        linear = self.layers[k].linear
        shown = [linear.weight, linear.bias if self._has_bias(k) else None]
        return largest(*(array_of(tensor) for tensor in shown if tensor is not None))

    def _formula(self, k: int, node: Node | None = None) -> str:
        """What a node of layer ``k + 1`` computes: ``σ(Σ wᵢxᵢ + b)``, and with which number.

        An activation of the whole layer, such as softmax, is no function of its own sum:
        ``softmax(s)₁``, and beneath ``s₁ = Σ wᵢ₁xᵢ + b₁``.
        """
        layer, value = self.layers[k], ""
        if self.run and node:
            value = number(self.run.sums[k][node.entry])
        if is_by_entry(layer):
            beneath = f"<BR/>{markup.beneath(f'= {layer.applied(value)}')}" if value else ""
            return layer.applied(self._total(k, 16)) + beneath
        shape, entry = (1, layer.n_out), (0, node.entry if node else 0)
        large, small = (markup.index_markup(shape, entry, size) for size in (16, _SMALL))
        total = self._total(k, _SMALL, small, f"{',' * (layer.n_out > 9)}{entry[1] + 1}")
        beneath = f"<I>s</I>{small} = {total}{f' = {value}' if value else ''}"
        return f"{layer.applied('<I>s</I>')}{large}<BR/>{markup.beneath(beneath)}"

    def _total(self, k: int, size: int, below: str = "", to: str = "") -> str:
        """The sum that a node of layer ``k + 1`` takes: ``Σ wᵢxᵢ + b``.

        Where it has a number, ``below`` is that as a subscript, and ``to`` behind another.
        """
        first = next(node for node in self.columns[k] if node is not None)
        operand = markup.name_markup(first.name.rpartition("_")[0] or first.label, size=size)
        if first.name.startswith("("):
            operand = f"({markup.name_markup(f'l_{k}', size=size)})"
        index, both = (f"<SUB>{markup.font(f'<I>i</I>{x}', round(0.7 * size))}</SUB>"
                       for x in ("", to))  # fmt: skip
        bias = f" + <I>b</I>{below}" if self.layers[k].linear.bias is not None else ""
        return f"Σ <I>w</I>{both}{operand}{index}{bias}"

    def _write_beneath(self) -> None:
        """Line by line: the layers' and parameters' names; the scale of the weights; the legend."""
        y = -max(self._top(k) for k in range(len(self.columns))) - 0.8 * self.row
        if self.options.captions:
            self._write_captions(y)
            y -= 0.4
        if self.options.weights:
            for k in range(len(self.layers)):
                text = f"widest: |w| = {number(self._most(k))}" if self._most(k) else "all w = 0"
                self._write(f"scale_{k}", self._faint(text), k + 0.5, y)
            y -= 0.36
            self._write_legend(y)
            y -= 0.32
        if self.options.shade:
            text = "fill: blue > 0, orange < 0, the stronger, the larger in its layer"
            self._write("shade", self._faint(markup.escape(text)), (len(self.columns) - 1) / 2, y)

    def _write(self, wanted: str, text: str, column: float, y: float) -> None:
        self.sheet.node("caption", self.sheet.new_id(wanted), text, pos=_at(column * self.step, y))

    def _write_captions(self, y: float) -> None:
        """Beneath each layer its name, beneath each group of arrows the parameters' names."""
        for k in range(len(self.columns)):
            self._write(f"caption_{k}", markup.name_markup(f"l_{k}"), k, y)
        for k, (linear, _) in enumerate(self.layers):
            text = ", ".join(
                markup.name_markup(f"{letter}_{edge_name(k)}", markup.is_bold(tensor))
                for letter, tensor in (("W", linear.weight), ("b", linear.bias))
                if tensor is not None
            )
            self._write(f"parameters_{k}", text, k + 0.5, y)

    def _write_legend(self, y: float) -> None:
        """A sample of each kind of arrow there is, with its sign."""
        shown = [sign for sign in KINDS if sign in self.kinds]
        item, sample = 1.15, 0.7  # inches
        x = (len(self.columns) - 1) * self.step / 2 - len(shown) * item / 2
        for i, sign in enumerate(shown):
            tail, head = self.sheet.new_id(f"legend_{i}"), self.sheet.new_id(f"sign_{i}")
            self.sheet.node("caption", tail, "\xa0", pos=_at(x, y))
            text = self._faint(markup.escape(sign))
            self.sheet.node("caption", head, text, pos=_at(x + sample, y))
            self.sheet.forward(tail, head, **KINDS[sign] | {"class": "legend"})
            x += item


def _at(x: float, y: float) -> str:
    return f"{x:.4g},{y:.4g}!"
