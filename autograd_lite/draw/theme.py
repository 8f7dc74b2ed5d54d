"""Theme: the colours and widths of a figure.

The ones there are can be read without colour: the backward pass is dashed, targets have a wider
outline, computations are ellipses. Every text has a contrast of 4.5:1 or more to what it stands on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

_COLOR = re.compile(r"#[0-9a-fA-F]{6}|[a-z]+")


@dataclass(frozen=True)
class Theme:
    """How a figure looks: colours, as ``#rrggbb`` or by a name of SVG's, and widths in points.

    Attributes:
        background: of the sheet.
        text: names and formulas.
        values: numbers.
        faint: shapes and remarks.
        line: outlines of tensors, arrows of the forward pass.
        tensor_fill: within tensors.
        computation_line: outlines of computations.
        computation_fill: within computations.
        target_fill: within the targets of the backward pass.
        backward: arrows of the backward pass, gradients, outlines of targets.
        line_width: of outlines.
        target_width: of targets' outlines.
        backward_width: of arrows of the backward pass.

    Raises:
        ValueError: something that is no colour, or a width that is no positive number.

    Example:
        >>> import autograd_lite as ag
        >>> blue = ag.Theme(backward="#1d4ed8", target_fill="#dbeafe")
        >>> x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> "#1d4ed8" in ag.draw(ag.exp(x).named("y"), backward="x", theme=blue).source
        True
    """

    background: str = "white"
    text: str = "black"
    values: str = "#111827"
    faint: str = "#5b6270"
    line: str = "black"
    tensor_fill: str = "white"
    computation_line: str = "#5b7fb5"
    computation_fill: str = "#eef3fb"
    target_fill: str = "#fdecea"
    backward: str = "#c0392b"
    line_width: float = 1.1
    target_width: float = 1.8
    backward_width: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name.endswith("_width"):
                if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                    raise ValueError(
                        f"Theme: {field.name} is a positive number of points, not {value!r}"
                    )
            elif not isinstance(value, str) or not _COLOR.fullmatch(value):
                raise ValueError(
                    f"Theme: {field.name} is a colour such as '#c0392b' or 'white', not {value!r}"
                )


LIGHT = Theme()
DARK = Theme(
    background="#111827", text="#f3f4f6", values="#e5e7eb", faint="#a8b0bd", line="#e5e7eb",
    tensor_fill="#1f2937", computation_line="#93b4e8", computation_fill="#1e2f4d",
    target_fill="#4a1f1b", backward="#ff9d8a",
)  # fmt: skip
PRINT = Theme(
    values="black", faint="#404040", computation_line="#404040", computation_fill="#f2f2f2",
    target_fill="#dcdcdc", backward="black", target_width=2.6, backward_width=1.6,
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT}


def theme_of(wanted: str | Theme) -> Theme:
    """The theme of that name, or the given one.

    Raises:
        TypeError: neither a name nor a Theme.
        ValueError: an unknown name.
    """
    if isinstance(wanted, Theme):
        return wanted
    if isinstance(wanted, str) and wanted in THEMES:
        return THEMES[wanted]
    names = ", ".join(map(repr, THEMES))
    kind = ValueError if isinstance(wanted, str) else TypeError
    raise kind(f"draw: theme is one of {names} or an ag.Theme, not {wanted!r}")
