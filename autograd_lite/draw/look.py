"""What nodes say besides: shapes and numbers, the line that computed a tensor, a link; the look."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

import numpy as np

from ..engine.tensor import Tensor
from ..errors import describe
from ..lines import line_of
from ..show import labels
from ..show.notation import dimensions
from ..show.words import ENGLISH, Words
from .theme import LIGHT, Theme

Links = Mapping[Tensor, str] | Callable[[Tensor], str | None] | None

# A backslash begins an escape of DOT's, which engines resolve once or twice: another sign for it.
_SHOWN = labels.SIGNS | {ord("\t"): "    ", ord("\\"): chr(0x2216), ord("\n"): "&#10;"}


@dataclass(frozen=True)
class Look:
    """What a figure shows besides its graph, and how it looks.

    Attributes:
        theme: colours and widths.
        links: where nodes lead to.
        shapes: of tensors.
        values: of tensors, or numbers.
        grads: likewise.
        words: in which it says it.
    """

    theme: Theme = LIGHT
    links: Links = None
    shapes: bool = True
    values: bool = False
    grads: bool = False
    words: Words = ENGLISH

    def details(self, tensor: Tensor, entry: int | None = None, is_given: bool = False) -> str:
        """What is written beneath a tensor's name, or that of an entry; of what ``is_given``, and
        has no name, small numbers, which nothing else says.
        """
        lines = []
        at = ... if entry is None else np.unravel_index(entry, tensor.shape)
        value = tensor._array[at]
        shape_is_said = self.values and labels.is_abridged(value)
        if self.shapes and entry is None and tensor.ndim and not shape_is_said:
            lines.append(labels.beneath(dimensions(tensor.shape), self.theme.faint))
        if self.values or (is_given and not labels.is_abridged(value)):
            lines.append(labels.array_markup(value, self.theme.values))
        if self.grads and tensor._grad is not None:
            lines.append(labels.array_markup(tensor._grad[at], self.theme.backward, "∇ "))
        return "".join(f"<BR/>{line}" for line in lines)

    def hints(self, tensor: Tensor) -> dict[str, str]:
        """What DOT is to be told of a tensor's node: ``tooltip`` and ``URL``, where there are."""
        tip, links = self._tooltip(tensor), self.links
        found = {"tooltip": escape(tip)} if tip else {}
        if links is None:
            return found
        if not isinstance(links, Mapping) and not callable(links):
            raise TypeError(
                "draw: links is a mapping from Tensors to URLs, or a function that gives a "
                f"Tensor's URL or None, and not {type(links).__name__}"
            )
        url = links.get(tensor) if isinstance(links, Mapping) else links(tensor)
        if not isinstance(url, (str, type(None))):
            kind = type(url).__name__
            raise TypeError(f"draw: links gives {describe(tensor)} a {kind}; a URL is a string")
        if url is not None:
            found["URL"] = html.escape(quote(url, safe=_SAFE, errors="replace"))
        return found

    def _tooltip(self, tensor: Tensor) -> str:
        """The line that computed a tensor, with its code; nothing where it isn't known.

        Of the file only the name is said: a figure is shown to others, and the same on every
        machine.
        """
        line = line_of(tensor)
        if line is None or not line.file:
            return ""
        path = PurePath(line.file)
        cell = re.match(r"ipykernel_\d+", path.parent.name)
        key = "figure_line" if cell else "figure_of_file"
        place = self.words(key, line=line.number, file=path.name)
        if line.function != "<module>":
            place = self.words("figure_in_function", place=place, function=line.function)
        return f"{place}\n{line.text}".rstrip()


_SAFE = "/:?#[]@!$&()*+,;=%~"


def escape(text: str) -> str:
    """Text as a string of DOT that stands for itself."""
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return html.escape(text).translate(_SHOWN)
