"""The engine's SVG, made to look the same in every viewer.

Graphviz places each run of a label (a letter, its subscript, a sign) by its own table of font
metrics, and shifts subscripts with ``baseline-shift``, which Firefox ignores. Here the runs of a
line become one text, centred in its node, whose subscripts are shifted with ``dy``: the viewer
sets the line by the metrics of the font that it has.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import groupby

_SVG = "{http://www.w3.org/2000/svg}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_FONTS = "Times, 'Times New Roman', 'Liberation Serif', serif"
_LOWERED = 0.2  # how far a subscript stands below its line, in sizes of the letters before it

ET.register_namespace("", _SVG[1:-1])


def tidy(svg: bytes) -> str:
    """The engine's SVG as text that can stand alone or within an HTML page."""
    root = ET.fromstring(svg)
    root.set("font-family", _FONTS)
    for group in root.iter(f"{_SVG}g"):
        group.attrib.pop("id", None)  # several figures may stand on one page
        _merge_runs(group)
    return ET.tostring(root, encoding="unicode")


def _merge_runs(group: ET.Element) -> None:
    texts = group.findall(f"{_SVG}text")
    ellipse = group.find(f"{_SVG}ellipse")
    for y, line in groupby(texts, key=lambda text: text.get("y", "0")):
        runs = list(line)
        merged = ET.Element(f"{_SVG}text", {"y": y, _SPACE: "preserve"})
        if ellipse is not None:
            merged.attrib |= {"x": ellipse.get("cx", "0"), "text-anchor": "middle"}
        else:
            merged.attrib |= {"x": runs[0].get("x", "0"), "text-anchor": "start"}
        _fill(merged, runs)
        group.insert(list(group).index(runs[0]), merged)
        for run in runs:
            group.remove(run)


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
