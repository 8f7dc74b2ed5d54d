"""The engine's SVG, made to look the same in every viewer.

Graphviz places each run of a label (a letter, its subscript, a sign) by its own table of font
metrics, and shifts subscripts with ``baseline-shift``, which Firefox ignores. Here the runs of a
line become one text, centred in its node, whose subscripts are shifted with ``dy``: the viewer
sets the line by the metrics of the font that it has.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import groupby

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_FONTS = "Times, 'Times New Roman', 'Liberation Serif', serif"
_LOWERED = 0.2  # how far a subscript stands below its line, in sizes of the letters before it

ET.register_namespace("", _SVG[1:-1])
ET.register_namespace("xlink", _LINK[1:-1])


def tidy(svg: bytes) -> str:
    """The engine's SVG as text that can stand alone or within an HTML page."""
    root = ET.fromstring(svg)
    root.set("font-family", _FONTS)
    for parent in list(root.iter(f"{_SVG}g")):
        for place, node in enumerate(list(parent)):
            if node.get("class", "").startswith("node"):
                parent[place] = _unwrapped(node)
    for group in root.iter(f"{_SVG}g"):
        group.attrib.pop("id", None)  # several figures may stand on one page
        _merge_runs(group)
    return ET.tostring(root, encoding="unicode")


def _unwrapped(node: ET.Element) -> ET.Element:
    """A node with a tooltip or a link, built as one without: the link around it, the tip within.

    Engines put an ``<a xlink:title=…>`` within the node, which few viewers show. A ``<title>``
    within its outline they do, and the texts before it let the pointer through.
    """
    inner = node.find(f"{_SVG}g")
    anchor = None if inner is None else inner.find(f"{_SVG}a")
    if inner is None or anchor is None:
        return node
    node.remove(inner)
    node.extend(anchor)
    tip = anchor.get(f"{_LINK}title")
    link = anchor.get(f"{_LINK}href")
    for shape in list(node):
        if tip and shape.tag in (f"{_SVG}ellipse", f"{_SVG}path", f"{_SVG}polygon"):
            ET.SubElement(shape, f"{_SVG}title").text = tip
        elif tip and shape.tag == f"{_SVG}text":
            shape.set("pointer-events", "none")
    if link is None:
        return node
    around = ET.Element(f"{_SVG}a", {f"{_LINK}href": link})
    around.append(node)
    return around


def _merge_runs(group: ET.Element) -> None:
    texts = group.findall(f"{_SVG}text")
    centre = _centre(group)
    for y, line in groupby(texts, key=lambda text: text.get("y", "0")):
        runs = list(line)
        merged = ET.Element(f"{_SVG}text", {"y": y, _SPACE: "preserve"})
        if "pointer-events" in runs[0].attrib:
            merged.set("pointer-events", "none")
        if centre is not None:
            merged.attrib |= {"x": centre, "text-anchor": "middle"}
        else:
            merged.attrib |= {"x": runs[0].get("x", "0"), "text-anchor": "start"}
        _fill(merged, runs)
        group.insert(list(group).index(runs[0]), merged)
        for run in runs:
            group.remove(run)


def _centre(group: ET.Element) -> str | None:
    """The middle of a node's outline; None where there is no node, but an edge, say."""
    ellipse = group.find(f"{_SVG}ellipse")
    if ellipse is not None:
        return ellipse.get("cx", "0")
    box = group.find(f"{_SVG}path")
    if box is None or box.get("fill", "none") == "none":
        return None
    across = [float(x) for x in re.findall(r"(-?[\d.]+),", box.get("d", ""))]
    return f"{(min(across) + max(across)) / 2:.5g}" if across else None


def _fill(line: ET.Element, runs: list[ET.Element]) -> None:
    """Each run as a tspan. ``dy`` moves all that follows, so it is taken back after a subscript."""
    lowered = 0.0
    size = max(float(run.get("font-size", "0")) for run in runs)
    for run in runs:
        span = ET.SubElement(line, f"{_SVG}tspan")
        wanted = _LOWERED * size if run.get("baseline-shift") == "sub" else 0.0
        if wanted != lowered:
            span.set("dy", f"{wanted - lowered:.4g}")
            lowered = wanted
        for key in ("font-size", "font-style", "font-weight", "fill"):
            if key in run.attrib:
                span.set(key, run.attrib[key])
        span.text = run.text
