"""Arrays as tables: small ones in full, large ones by their corner and statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..engine.tensor import Array
from ..show import mathml
from ..show.notation import dimensions, measured, number
from ..show.words import Words

MOST_ROWS, MOST_COLUMNS = 12, 8
_FIRST, _LAST = 3, 2  # rows and columns that are shown of more


class Layout(NamedTuple):
    """How an array is laid out: the rows and columns that are shown, None where some are left out.

    Attributes:
        rows: of the array with all axes but the last taken together.
        columns: of the last axis.
        width: how many columns there are.
    """

    rows: list[int | None]
    columns: list[int | None]
    width: int

    @property
    def entries(self) -> list[int]:
        """The flat indices of what is shown."""
        return [
            row * self.width + column
            for row in self.rows if row is not None
            for column in self.columns if column is not None
        ]  # fmt: skip

    @property
    def is_whole(self) -> bool:
        return None not in self.rows and None not in self.columns


def layout(shape: tuple[int, ...], brief: bool = False) -> Layout:
    """What is shown of an array of this shape; less of it where ``brief``."""
    width = shape[-1] if shape else 1
    height = math.prod(shape[:-1])
    most_rows, most_columns = (5, 5) if brief else (MOST_ROWS, MOST_COLUMNS)
    return Layout(_shown(height, most_rows), _shown(width, most_columns), width)


def extent(array: Array, brief: bool = False) -> tuple[int, int]:
    """How high a table is, in rows, and how wide, in characters, with what stands around it."""
    where, flat = layout(array.shape, brief), array.reshape(-1)
    rows, wide = [row for row in where.rows if row is not None], 3
    for column in where.columns:
        texts = [] if column is None else [number(flat[row * where.width + column]) for row in rows]
        wide += max([6, *(2 + len(text) for text in texts)])
    wide = wide * 3 // 4 if len(where.columns) > 5 else wide  # whose numbers are smaller
    return (len(where.rows) + 2, wide) if where.is_whole else (len(where.rows) + 4, max(wide, 25))


def _shown(n: int, most: int) -> list[int | None]:
    if n <= most:
        return list(range(n))
    return [*range(_FIRST), None, *range(n - _LAST, n)]


def table(
    array: Array,
    key: str,
    name: str,
    words: Words,
    looks: Mapping[str, str] = {},
    brief: bool = False,
    caption: str = "",
) -> str:
    """The figure of one array.

    Args:
        array: of any shape; more than two axes are shown as the rows of the last.
        key: what it is called on the page.
        name: its symbol, or else what it is called in words.
        words: of the page's language.
        looks: what symbols are written as, where that isn't just the name.
        brief: show less of a large one.
        caption: what stands above it, as markup, if not the symbol.
    """
    where = layout(array.shape, brief)
    flat = array.reshape(-1)
    finite = np.abs(flat[np.isfinite(flat)])
    greatest = float(finite.max(initial=0))
    rows = []
    for row in where.rows:
        cells = [f'<th scope="row">{_row_label(array.shape, row)}</th>'] * (array.ndim > 2)
        for column in where.columns:
            if row is None or column is None:
                cells.append('<td class="gap" aria-hidden="true">⋯</td>')
            else:
                entry = row * where.width + column
                cells.append(_cell(flat[entry], entry, greatest, array.shape, name))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    if not array.size:
        rows = [f'<tr><td class="gap">{words("empty")}</td></tr>']
    shape = dimensions(array.shape)
    label = mathml.text(words("matrix", name=name, shape=shape))
    above = caption or mathml.math(mathml.symbol(name, {}, looks))
    said = ""
    if not where.is_whole:
        about = ", ".join(measured(array)).replace("all ", "")  # in no language
        said = f'<p class="statistics">{words("entries", n=array.size)}: {about}</p>'
    return (
        f'<figure class="matrix" data-key="{key}" role="group" aria-label="{label}">'
        f'<figcaption>{above} <span class="shape">{shape}</span></figcaption>'
        f'<table aria-label="{label}">{"".join(rows)}</table>'
        f"{said}</figure>"
    )


def _cell(
    value: object, entry: int, greatest: float, shape: tuple[int, ...], name: str
) -> str:
    shown, level = str(value), 0.0
    if isinstance(value, np.number):
        shown = number(value)
        if greatest and np.isfinite(value):
            level = float(np.real(value)) / greatest
    label = mathml.text(f"{entry_name(name, shape, entry)} = {shown}")
    return (
        f'<td tabindex="0" data-entry="{entry}" style="--level:{level:.3g}" '
        f'aria-label="{label}">{mathml.text(shown)}</td>'
    )


def entry_name(name: str, shape: tuple[int, ...], entry: int) -> str:
    """``(W_01)_12``, counted from 1; of a row the place in it; a single number by its name."""
    if math.prod(shape) == 1:
        return name
    index = [str(int(i) + 1) for i in np.unravel_index(entry, shape)]
    index = index[1:] if len(shape) == 2 and shape[0] == 1 else index
    return f"({name})_{('' if max(map(len, index)) == 1 else ',').join(index)}"


def _row_label(shape: tuple[int, ...], row: int | None) -> str:
    if row is None:
        return "⋯"
    return ",".join(str(int(i) + 1) for i in np.unravel_index(row, shape[:-1]))
