"""The sheet that a figure is drawn on: its look, its nodes and edges, as DOT.

Circles are tensors, ellipses are computations, dashed red arrows the backward pass. Shape, style
and class stand on each node and edge, so that the structure can be read back from the DOT and from
the SVG.
"""

from __future__ import annotations

from collections import Counter

from .figure import Figure
from .theme import LIGHT, Theme

_KEYWORDS = frozenset({"node", "edge", "graph", "digraph", "subgraph", "strict"})


class Sheet:
    """Collects nodes and edges; `figure` writes them down.

    Args:
        theme: colours and widths.
        graph: attributes of the graph, such as ``rankdir``.
    """

    def __init__(self, theme: Theme = LIGHT, **graph: str) -> None:
        # Imported here: whoever doesn't draw needn't wait for it.
        from graphviz import Digraph  # type: ignore[import-untyped]

        self._dot = Digraph(
            graph_attr={"bgcolor": theme.background, **graph},
            node_attr={
                "fontname": "Times", "fontsize": "16", "width": "0.68", "margin": "0.03",
                "penwidth": f"{theme.line_width:g}", "color": theme.line, "fontcolor": theme.text,
            },
            edge_attr={
                "fontname": "Times", "fontsize": "12", "arrowsize": "0.7", "color": theme.line,
                "fontcolor": theme.text,
            },
        )  # fmt: skip
        self.theme = theme
        self._tensor = {"fillcolor": theme.tensor_fill, "style": "filled"}
        self._target = {
            "color": theme.backward, "fillcolor": theme.target_fill, "style": "filled",
            "penwidth": f"{theme.target_width:g}",
        }  # fmt: skip
        self._computation = {
            "color": theme.computation_line, "fillcolor": theme.computation_fill, "style": "filled",
        }  # fmt: skip
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()

    def new_id(self, wanted: str) -> str:
        """An id for a node: a plain identifier as it is, for anything else ``tensor``; unique."""
        plain = wanted.isidentifier() and wanted.lower() not in _KEYWORDS
        base = wanted if plain else "tensor"
        found = base
        while found in self._taken:
            self._counts[base] += 1
            found = f"{base}_{self._counts[base] + 1}"
        self._taken.add(found)
        return found

    def circle(
        self, key: str, label: str, target: bool = False, cotangent: bool = False, **attributes: str
    ) -> None:
        """A tensor, or a number."""
        classes, look = "tensor", self._tensor
        if cotangent:
            classes, look = "tensor cotangent", look | {"color": self.theme.backward}
        if target:
            classes, look = f"{classes} target", self._target
        self._node(key, label, {"class": classes, "shape": "circle"} | look, attributes)

    def ellipse(self, key: str, label: str, target: bool = False, **attributes: str) -> None:
        """A computation."""
        classes = "computation target" if target else "computation"
        look = self._computation | (self._target if target else {})
        self._node(key, label, {"class": classes, "shape": "ellipse"} | look, attributes)

    def box(self, key: str, label: str, **attributes: str) -> None:
        """Several computations that are folded into one node."""
        look = self._computation | {"style": "filled,rounded", "margin": "0.12,0.06"}
        classes = {"class": "computation folded", "shape": "box", "peripheries": "2"}
        self._node(key, label, classes | look, attributes)

    def caption(self, key: str, label: str, **attributes: str) -> None:
        """Text without an outline."""
        look = {"class": "caption", "shape": "plaintext", "width": "0"} | self._tensor
        look["fillcolor"] = self.theme.background
        self._node(key, label, look, attributes)

    def _node(
        self, key: str, label: str, look: dict[str, str], attributes: dict[str, str]
    ) -> None:
        self._dot.node(key, label=f"<{label}>", _attributes=_joined(look, attributes))

    def forward(self, tail: str, head: str, **attributes: str) -> None:
        look = {"class": "forward", "style": "solid"}
        self._dot.edge(tail, head, _attributes=_joined(look, attributes))

    def backward(self, tail: str, head: str, label: str, **attributes: str) -> None:
        """An arrow of the backward pass. It has no say in where the nodes are."""
        color = self.theme.backward
        look = {
            "class": "backward", "style": "dashed", "color": color, "fontcolor": color,
            "penwidth": f"{self.theme.backward_width:g}", "constraint": "false",
        }  # fmt: skip
        look = _joined(look, attributes)
        self._dot.edge(tail, head, label=f"<{label}>", _attributes=look)

    def figure(self) -> Figure:
        return Figure(self._dot.source)


def _joined(look: dict[str, str], attributes: dict[str, str]) -> dict[str, str]:
    """The attributes of a node or edge: further classes stand behind its own."""
    classes = " ".join(x["class"] for x in (look, attributes) if "class" in x)
    return look | attributes | {"class": classes}
