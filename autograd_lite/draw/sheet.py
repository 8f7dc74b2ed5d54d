"""The sheet that a figure is drawn on: its look, its nodes and edges, as DOT.

Circles are tensors, ellipses are computations, dashed red arrows the backward pass. Shape, style
and class stand on each node and edge, so that the structure can be read back from the DOT and from
the SVG.
"""

from __future__ import annotations

from collections import Counter

from .figure import Figure
from .labels import RED

_TENSOR = {"fillcolor": "white", "style": "filled"}
_TARGET = {"color": RED, "fillcolor": "#fdecea", "style": "filled", "penwidth": "1.8"}
_COMPUTATION = {"color": "#5b7fb5", "fillcolor": "#eef3fb", "style": "filled"}
_KEYWORDS = frozenset({"node", "edge", "graph", "digraph", "subgraph", "strict"})


class Sheet:
    """Collects nodes and edges; `figure` writes them down.

    Args:
        graph: attributes of the graph, such as ``rankdir``.
    """

    def __init__(self, **graph: str) -> None:
        # Imported here: whoever doesn't draw needn't wait for it.
        from graphviz import Digraph  # type: ignore[import-untyped]

        self._dot = Digraph(
            graph_attr={"bgcolor": "white", **graph},
            node_attr={
                "fontname": "Times", "fontsize": "16", "width": "0.68", "margin": "0.03",
                "penwidth": "1.1",
            },
            edge_attr={"fontname": "Times", "fontsize": "12", "arrowsize": "0.7"},
        )  # fmt: skip
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

    def circle(self, key: str, label: str, target: bool = False, **attributes: str) -> None:
        """A tensor, or a number."""
        classes, look = ("tensor target", _TARGET) if target else ("tensor", _TENSOR)
        self._node(key, label, {"class": classes, "shape": "circle"} | look, attributes)

    def ellipse(self, key: str, label: str, target: bool = False, **attributes: str) -> None:
        """A computation."""
        classes, look = ("computation target", _TARGET) if target else ("computation", {})
        given = {"class": classes, "shape": "ellipse"} | _COMPUTATION | look
        self._node(key, label, given, attributes)

    def caption(self, key: str, label: str, **attributes: str) -> None:
        """Text without an outline."""
        look = {"class": "caption", "shape": "plaintext", "width": "0"} | _TENSOR
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
        look = {"class": "backward", "style": "dashed", "color": RED, "fontcolor": RED}
        look = _joined(look | {"constraint": "false"}, attributes)
        self._dot.edge(tail, head, label=f"<{label}>", _attributes=look)

    def figure(self) -> Figure:
        return Figure(self._dot.source)


def _joined(look: dict[str, str], attributes: dict[str, str]) -> dict[str, str]:
    """The attributes of a node or edge: further classes stand behind its own."""
    classes = " ".join(x["class"] for x in (look, attributes) if "class" in x)
    return look | attributes | {"class": classes}
