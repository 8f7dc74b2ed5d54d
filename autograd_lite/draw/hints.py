"""Tooltips and links of nodes: the line of code that computed a tensor, and where it leads to."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from urllib.parse import quote

from ..engine.tensor import Tensor
from ..errors import describe
from ..lines import line_of

Links = Mapping[Tensor, str] | Callable[[Tensor], str | None] | None
Hints = Callable[[Tensor], dict[str, str]]

_SHOWN = {code: chr(0x2400 + code) for code in range(32) if code != 10}
_SHOWN |= dict.fromkeys((*range(127, 160), 65534, 65535), "�")
# A backslash begins an escape of DOT's, which engines resolve once or twice: another sign for it.
_SHOWN |= {ord("\t"): "    ", ord("\\"): chr(0x2216), ord("\n"): "&#10;"}


def hints_of(links: Links) -> Hints:
    """What DOT is to be told of a tensor's node: ``tooltip`` and ``URL``, where there are such."""
    if links is not None and not isinstance(links, Mapping) and not callable(links):
        raise TypeError(
            "draw: links is a mapping from Tensors to URLs, or a function that gives a Tensor's "
            f"URL or None, and not {type(links).__name__}"
        )

    def hints(tensor: Tensor) -> dict[str, str]:
        found = {}
        tip = tooltip(tensor)
        if tip:
            found["tooltip"] = escape(tip)
        url = links.get(tensor) if isinstance(links, Mapping) else links and links(tensor)
        if url is not None:
            if not isinstance(url, str):
                raise TypeError(
                    f"draw: links gives {describe(tensor)} a {type(url).__name__}; "
                    "a URL is a string"
                )
            found["URL"] = html.escape(quote(url, safe=_SAFE, errors="replace"))
        return found

    return hints


_SAFE = "/:?#[]@!$&()*+,;=%~"


def tooltip(tensor: Tensor) -> str:
    """The line that computed a tensor, with its code; nothing where it isn't known.

    Of the file only the name is said: a figure is shown to others, and the same on every machine.
    """
    line = line_of(tensor)
    if line is None or not line.file:
        return ""
    name = PurePath(line.file).name
    cell = re.match(r"ipykernel_\d+", PurePath(line.file).parent.name)
    place = f"line {line.number}" + ("" if cell else f" of {name}")
    place += f", in {line.function}" if line.function != "<module>" else ""
    return f"{place}\n{line.text}".rstrip()


def escape(text: str) -> str:
    """Text as a string of DOT that stands for itself."""
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return html.escape(text).translate(_SHOWN)
