"""A number or formula of the book beside ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from textwrap import fill
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import ArrayLike

from .words import Words

_PRINTED = re.compile(r"-?\d+(?:\.(\d+))?")


class Source(StrEnum):
    """Where the number beside ours is from."""

    BOOK = "book"
    BY_HAND = "by hand"
    OTHER_DATA = "book, other data"


@dataclass(frozen=True)
class Number:
    """One number, or several, beside what the engine gives.

    Attributes:
        what: its name.
        printed: as it is printed, such as ``(0.574, 0.599)``; the zeros that NumPy leaves out at
            the end are filled in.
        ours: what the engine gives: as many values as are printed.
        source: where the printed number is from.
    """

    what: str
    printed: str
    ours: ArrayLike
    source: Source = Source.BOOK

    @property
    def text(self) -> str:
        """Ours, in the form and to the digits of the printed one.

        Raises:
            ValueError: there are not as many values as numbers printed.
        """
        values = [float(value) for value in np.ravel(self.ours)]
        if len(values) != len(_PRINTED.findall(self.printed)):
            raise ValueError(f"{self.what}: {len(values)} values for {self.printed!r}")
        following = iter(values)
        return _PRINTED.sub(lambda m: _fixed(next(following), len(m[1] or "")), self.printed)

    @property
    def agrees(self) -> bool | None:
        """Whether the two agree to the digits printed; None where they are not to be compared."""
        return None if self.source is Source.OTHER_DATA else self.text == self.printed

    @property
    def mark(self) -> str:
        return {True: "✓", False: "✗", None: "·"}[self.agrees]


@dataclass(frozen=True)
class Formula(Number):
    """A formula beside the one that was derived.

    Attributes:
        what: its left side.
        printed: the book's right side, in our notation.
        ours: the right side that was derived.
    """

    ours: str

    @property
    def text(self) -> str:
        """Ours."""
        return self.ours


@dataclass(frozen=True)
class Section:
    """The numbers of one section of the chapter.

    Attributes:
        number: the section's.
        title: what is done in it.
        numbers: in the order in which the book gives them.
        remarks: what to know about them.
        figures: the numbers of the figures that belong to it.
        page: the file of the page that steps through its computation.
        idea: what happens, and why.
        formulas: its formulas; what belongs to a figure under the figure's number.
        code: titles of programs, and their text.
        say: the language.
    """

    number: str
    title: str
    numbers: list[Number] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    page: str = ""
    idea: str = ""
    formulas: dict[str, list[str]] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    say: Words = field(default_factory=Words, repr=False)

    def __str__(self) -> str:
        """The numbers as a table in plain text, under the title and the remarks."""
        remarks = [fill(r, 92, initial_indent="  ", subsequent_indent="  ") for r in self.remarks]
        say = self.say
        rows = [("", "", say("printed"), say("ours"), say("source"))]
        rows += [(n.mark, n.what, n.printed, n.text, say(n.source)) for n in self.numbers]
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]
        return "\n".join([f"{self.number}  {self.title}", *remarks, *(f"  {r}" for r in table)])


def agreement(sections: Sequence[Section]) -> tuple[int, int]:
    """How many numbers and formulas agree, and how many there are to compare."""
    found = [n.agrees for section in sections for n in section.numbers if n.agrees is not None]
    return sum(found), len(found)


def _width(text: str) -> int:
    """How many columns a terminal takes for it: two a Chinese character."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _fixed(value: float, digits: int) -> str:
    """With so many digits after the point, and never ``-0``."""
    return f"{round(value, digits) + 0.0:.{digits}f}"
