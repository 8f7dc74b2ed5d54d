"""Formulas, names and numbers as the HTML-like labels of DOT.

A name is user text: whatever it holds is drawn as it is, and none of it is markup. ``W_01`` is
drawn with a subscript; digits are Unicode subscripts, which look the same in every viewer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.tensor import Array, Tensor
from .expression import Expression, nodes
from .notation import ATOM, Written, abridged, number
from .writer import PLACE, Markup, leaf, write

IN_FULL = 12
"""How many entries an array has at most whose value is written in full."""

_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NUMBERED = re.compile(r"([^_]+)_(\d+(?:[_,]\d+)*)")  # W_01, layer_0, w_0_1, W_9,10
_WORDED = re.compile(r"([^\W\d_])_(\w+)")  # W_out, x_train
SIGNS = {code: chr(0x2400 + code) for code in range(32)}
SIGNS |= dict.fromkeys((*range(127, 160), 65534, 65535), "�")
"""What XML can't hold is shown by a sign for it."""

# A backslash would begin an escape of DOT's; as ] alone dot also reads a text of nothing else.
_SHOWN = SIGNS | {
    ord("\n"): "<BR/>", ord("\t"): "\xa0" * 4, ord("\\"): "&#92;&#92;", ord("]"): "&#93;",
}  # fmt: skip
_BETWEEN_FACTORS = re.compile(f"(?<={PLACE}) (?={PLACE})")


def escape(text: str) -> str:
    """Text as markup that shows it: ``<`` is a ``<``, a newline a new line."""
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    # Spaces are kept: a label would lose those at its ends, and all but one in a row.
    text = re.sub(r"^ | $|(?<= ) |(?<=\n) | (?=\n)", "\xa0", text)
    return html.escape(text).translate(_SHOWN) or "\xa0"


def escape_notation(template: str) -> str:
    """An op's own signs. Factors that only a space keeps apart stand closer: ``l₀ W₀₁``."""
    shown = html.escape(_BETWEEN_FACTORS.sub("\u2009", template)).translate(_SHOWN)
    return re.sub(r"([ΣΠ])_([a-z,]+)", lambda found: found[1] + subscript(found[2], 16), shown)


def font(text: str, size: int, color: str | None = None) -> str:
    colored = f' COLOR="{color}"' if color else ""
    return f'<FONT POINT-SIZE="{size}"{colored}>{text}</FONT>'


def beneath(text: str, color: str | None = None) -> str:
    """A line of small letters, as high as one of larger ones: apart from a subscript above."""
    return font(text, 9, color) + font("\u2009", 12)


def subscript(text: str, size: int) -> str:
    """A subscript to letters of ``size`` points: ``01``, ``9,10``, ``out``."""
    if re.fullmatch(r"[0-9]+", text):
        return text.translate(_DIGITS)
    return f"<SUB>{font(escape(text), round(0.7 * size))}</SUB>"


def name_markup(name: str, bold: bool = False, size: int = 16) -> str:
    """A name, italic or bold, with its subscript: ``W_01`` → ``<B>W</B>₀₁``."""
    tag = "B" if bold else "I"
    parts = _NUMBERED.fullmatch(name) or _WORDED.fullmatch(name)
    if parts is None:
        return f"<{tag}>{escape(_wrapped(name))}</{tag}>"
    base, below = parts.groups()
    if below[0].isdigit():
        below = below.replace("_", ",")
    return f"<{tag}>{escape(_wrapped(base))}</{tag}>{subscript(below, size)}"


def expression_markup(root: Expression, size: int = 16) -> Written:
    """What is called by what it is, such as ``1 − y`` or ``X[0]``."""

    def symbol(x: Expression) -> Written:
        if x.name is None:
            return leaf(x, "")
        return Written(name_markup(x.name, is_bold(x), size), ATOM, len(x.name))

    return write(nodes(root), formulas(symbol, brief=True))


def cotangent_markup(symbol: str, bold: bool = False, size: int = 16) -> str:
    """What a cotangent is called: ``δ_1``, ``∇W_12``, ``∂L/∂h_1``."""
    if symbol.startswith("∇"):
        return "∇" + name_markup(symbol[1:], bold, size)
    if symbol.startswith("∂") and symbol.count("/∂") == 1:
        return "/".join(
            "∂" + name_markup(part, bold and k == 1, size)
            for k, part in enumerate(symbol[1:].split("/∂"))
        )
    return name_markup(symbol, bold, size)


def _wrapped(name: str, width: int = 32) -> str:
    """A very long name on several lines."""
    return "\n".join(name[i : i + width] for i in range(0, len(name), width))


def is_bold(x: Tensor | Expression) -> bool:
    """Matrices and arrays of parameters are bold; vectors and numbers are italic."""
    if isinstance(x, Tensor) and x.is_leaf and x.requires_grad and x.size > 1:
        return True
    return x.ndim > 1 and min(x.shape) > 1


def index_markup(shape: tuple[int, ...], index: Sequence[int], size: int = 16) -> str:
    """Which entry, counted from 1, as a subscript. A row (1×n) has one index, as a vector has."""
    if len(shape) == 2 and shape[0] == 1:
        index = index[1:]
    joint = "" if all(i < 9 for i in index) else ","
    return subscript(joint.join(str(i + 1) for i in index), size)


def constant(value: object) -> Written:
    """A number in a formula."""
    return leaf(Expression(value), "")


def plain(markup: str) -> str:
    """Markup as text, for where there is none."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def formulas(leaf: Callable[[Any], Written], brief: bool = False) -> Markup:
    """A figure's own markup: what stands for its tensors, the figure knows."""
    return Markup(leaf, escape_notation, brief=brief, fractions_apart=False)


def array_markup(array: Array, color: str, prefix: str = "") -> str:
    """A small array in full, each row on a line of its own; of a large one what `abridged` says."""
    if array.size == 1:
        array = array.reshape(())
    if is_abridged(array):
        return font(escape(prefix + abridged(array)), 9, color)
    text = np.array2string(array, threshold=IN_FULL, formatter={"all": number})
    if array.ndim == 2 and array.size:
        text = re.sub(r"\n\s*", "\n", text[1:-1])
    return font(escape(prefix + text), 9, color)


def is_abridged(array: Array) -> bool:
    """Whether an array is too large to be written in full."""
    return array.size > IN_FULL
