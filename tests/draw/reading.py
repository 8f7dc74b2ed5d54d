"""Reading a figure's structure back, from its DOT and from its SVG."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

SVG = "{http://www.w3.org/2000/svg}"
_ID = r'(?:"(?:[^"\\]|\\.)*"|[\w.]+)'
_STATEMENT = re.compile(rf"\t({_ID})(?: -> ({_ID})(?::\w+)?)? (?:\[(.*)\])")
_ATTRIBUTE = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|<(?:[^<>]|<[^<>]*>)*>|[^\s\]]+)')


class Structure(NamedTuple):
    nodes: dict[str, dict[str, str]]
    edges: list[tuple[str, str, dict[str, str]]]

    def of_class(self, kind: str) -> set[str]:
        return {key for key, a in self.nodes.items() if kind in a["class"].split()}

    def arrows(self, kind: str) -> dict[tuple[str, str], str]:
        """The edges of a class, with their labels."""
        return {(t, h): a["text"] for t, h, a in self.edges if a["class"] == kind}

    def labels(self, kind: str) -> list[str]:
        return [a["text"] for a in self.nodes.values() if kind in a["class"].split()]


def plain(label: str) -> str:
    """A label without its markup; lines are separated by ``|``."""
    text = re.sub(r"<[^>]*>", "", label.replace("<BR/>", "|").removeprefix("<").removesuffix(">"))
    return re.sub(r"\u2009(?=\||$)", "", html.unescape(text)).replace("\u2009", " ")


def read_dot(source: str) -> Structure:
    nodes, edges = {}, []
    lines = source.strip().split("\n")
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"
    for line in lines[1:-1]:
        match = _STATEMENT.fullmatch(line)
        assert match, line
        tail, head, rest = match.groups()
        attributes = {key: value.strip('"') for key, value in _ATTRIBUTE.findall(rest)}
        attributes["text"] = plain(attributes.get("label", ""))
        tail = tail.strip('"')
        if head is not None:
            edges.append((tail, head.strip('"'), attributes))
        elif tail not in ("graph", "node", "edge"):
            assert tail not in nodes, f"{tail} is declared twice"
            nodes[tail] = attributes
    for tail, head, _ in edges:
        assert tail in nodes
        assert head in nodes
    return Structure(nodes, edges)


def read_svg(svg: str) -> Structure:
    """The same from the SVG: what is drawn, by the titles and classes of its groups."""
    nodes, edges = {}, []
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        kind, _, classes = group.attrib["class"].partition(" ")
        if kind == "graph":
            continue
        title = group.findtext(f"{SVG}title")
        label = "|".join("".join(text.itertext()) for text in group.iter(f"{SVG}text"))
        attributes = {"class": classes, "text": label.replace("\u2009", " ")}
        drawn = [shape for tag in ("ellipse", "path") for shape in group.findall(f"{SVG}{tag}")]
        if drawn:
            attributes["style"] = "dashed" if "stroke-dasharray" in drawn[0].attrib else "solid"
        assert title is not None
        if kind == "node":
            nodes[title] = attributes
        else:
            tail, _, head = title.partition("->")
            edges.append((tail, head.partition(":")[0], attributes))
    return Structure(nodes, edges)
