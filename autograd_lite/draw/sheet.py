"""The sheet that a figure is drawn on: its look, its nodes and edges, as DOT.

Circles are tensors, ellipses are computations, dashed red arrows the backward pass. Shape, style
and class stand on each node and edge, so that the structure can be read back from the DOT and from
the SVG.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .figure import Figure
from .look import Look
from .theme import LIGHT, Theme

_LINES = 12  # of a legend
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
        filled, outlined = {"style": "filled"}, {"color": theme.backward}
        self._looks: dict[str, dict[str, str]] = {
            "tensor": filled | {"shape": "circle", "fillcolor": theme.tensor_fill},
            "cotangent": outlined,
            "computation": filled | {
                "shape": "ellipse", "color": theme.computation_line,
                "fillcolor": theme.computation_fill,
            },
            "folded": {
                "shape": "box", "style": "filled,rounded", "margin": "0.12,0.06", "peripheries": "2"
            },
            "target": outlined | {
                "fillcolor": theme.target_fill, "penwidth": f"{theme.target_width:g}"
            },
            "caption": filled | {
                "shape": "plaintext", "width": "0", "fillcolor": theme.background
            },
            "forward": {"style": "solid"},
            "backward": outlined | {
                "style": "dashed", "fontcolor": theme.backward, "constraint": "false",
                "penwidth": f"{theme.backward_width:g}",
            },
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

    def node(self, kinds: str, key: str, label: str, **attributes: str) -> None:
        """A node. Its kinds, such as ``"tensor target"``, are its classes, and say how it looks.

        ``tensor``: a tensor, or a number, which may be a ``cotangent``. ``computation``, which may
        be several that are ``folded``. Both may be a ``target``. ``caption``: text without an
        outline.
        """
        self._dot.node(key, label=f"<{label}>", _attributes=self._joined(kinds, attributes))

    def forward(self, tail: str, head: str, **attributes: str) -> None:
        self._dot.edge(tail, head, _attributes=self._joined("forward", attributes))

    def backward(self, tail: str, head: str, label: str, **attributes: str) -> None:
        """An arrow of the backward pass. It has no say in where the nodes are."""
        look = self._joined("backward", attributes)
        self._dot.edge(tail, head, label=f"<{label}>", _attributes=look)

    def legend(self, lines: Sequence[str], look: Look) -> None:
        """Lines of markup under the figure; of many the first."""
        if lines:
            more = [look.words("figure_more", n=len(lines) - _LINES)] if len(lines) > _LINES else []
            text = "".join(f'{x}<BR ALIGN="LEFT"/>' for x in [*lines[:_LINES], *more])
            self._dot.attr("graph", label=f"<{text}>", labelloc="b", labeljust="l",
                           fontname="Times", fontsize="14", fontcolor=self.theme.text)  # fmt: skip

    def figure(self) -> Figure:
        return Figure(self._dot.source)

    def _joined(self, kinds: str, attributes: dict[str, str]) -> dict[str, str]:
        """The attributes of a node or edge: further classes stand behind its own."""
        looks: dict[str, str] = {}
        for kind in kinds.split():
            looks |= self._looks[kind]
        return looks | attributes | {"class": f"{kinds} {attributes.get('class', '')}".strip()}
