"""The report: a line an entry, and what is wrong with the first that is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..engine.tensor import Array
from .given import Given, size

_ROUNDING = 1e-13  # what is less, relative to the largest entry, is shown as 0


@dataclass(frozen=True)
class Entry:
    """One gradient of the learner's, beside the right one.

    Attributes:
        name: of the tensor.
        symbol: how its gradient is written: ``δ_2``, ``∇W_12``, ``∂L/∂h``.
        ok: whether it is right.
        error: the largest absolute difference; nan where the two can't be compared.
        expected: the gradient.
        given: the learner's array, as it was given; None where it isn't one.
        cause: what is wrong with it, in words; None where it is right or follows from another.
        follows_from: the name of the entry whose mistake this one carries on, or None.
        source: how that one's gradient is written.
        remark: what was accepted although it isn't exactly as it should be, or None.
        written: works the formula out.
    """

    name: str
    symbol: str
    ok: bool
    error: float
    expected: Array
    given: Array | None
    cause: str | None = None
    follows_from: str | None = None
    source: str = ""
    remark: str | None = None
    written: Callable[[], str | None] = field(default=lambda: None, repr=False, compare=False)

    @property
    def formula(self) -> str | None:
        """What was expected, where it is short: ``(δ_2 W_12ᵀ) ∘ (l_1 ∘ (1 − l_1))``."""
        return self.written()

    @property
    def verdict(self) -> str:
        if self.ok:
            return "right" if self.remark is None else f"right ({self.remark})"
        if self.follows_from is not None:
            return f"wrong, follows from {self.source}"
        return "wrong"


@dataclass(frozen=True)
class Report:
    """What `check_backprop` found: ``ok``, and the entries in the order of the backward pass.

    ``inputs`` are those that a function was found to be wrong on.

    Its text has one line an entry, and then what is wrong with those that don't follow from
    others: the first is the one to mend first.
    """

    entries: tuple[Entry, ...]
    heading: str = ""
    inputs: Mapping[str, Array] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(entry.ok for entry in self.entries)

    @property
    def first_wrong(self) -> Entry | None:
        """The first entry that is wrong by itself, or None."""
        return next((e for e in self.entries if not e.ok and e.follows_from is None), None)

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            KeyError: there is none; it lists those there are.
        """
        found = {entry.name: entry for entry in self.entries}
        if name not in found:
            raise KeyError(f"the report has no entry {name!r}; it has {', '.join(found)}")
        return found[name]

    def __str__(self) -> str:
        cells = [self._cells(entry) for entry in self.entries]
        lines = [self._summary(), *table(cells)]
        same: dict[str, list[Entry]] = {}  # but for the step
        for entry in self.entries:
            if entry.cause is not None:
                key = re.sub(r"_\d+", "", f"{entry.symbol}: {entry.cause}")
                same.setdefault(key, []).append(entry)
        for entry, *others in same.values():
            known = (entry.cause or "").startswith(entry.symbol)
            also = f" (so also {', '.join(e.symbol for e in others)})" if others else ""
            lines += ["", (entry.cause or "" if known else f"{entry.symbol}: {entry.cause}") + also]
        if self.inputs:
            lines += ["", *(f"{name} = {written(value)}" for name, value in self.inputs.items())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _summary(self) -> str:
        wrong = sum(not entry.ok for entry in self.entries)
        if not self.entries:
            said = "there is nothing to check"
        elif wrong:
            said = f"{wrong} of {len(self.entries)} gradients {'is' if wrong == 1 else 'are'} wrong"
        else:
            said = f"all {len(self.entries)} gradients are right"
        return f"{self.heading}: {said}" if self.heading else said

    def _cells(self, entry: Entry) -> tuple[str, str, str, str]:
        formula = entry.formula
        gradient = entry.symbol + (f" = {formula}" if formula else "")
        is_none = entry.error <= _ROUNDING * size(entry.expected)
        shown = 0.0 if is_none else entry.error  # the same on any machine
        error = "" if np.isnan(entry.error) else f"error {shown:.1e}"
        return ("✓" if entry.ok else "✗", gradient, error, entry.verdict)

    def _repr_html_(self) -> str:
        rows = []
        for entry in self.entries:
            mark, *cells = self._cells(entry)
            color = "#15803d" if entry.ok else "#c0392b"
            tds = "".join(f"<td style='text-align:left'>{html.escape(c)}</td>" for c in cells)
            rows.append(f"<tr><td style='color:{color}'>{mark}</td>{tds}</tr>")
            if entry.cause is not None:
                text = html.escape(entry.cause).replace("\n", "<br>")
                rows.append(f"<tr><td></td><td colspan=3 style='text-align:left'>{text}</td></tr>")
        return f"<p>{html.escape(self._summary())}</p><table>{''.join(rows)}</table>"


def table(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text, a line each, in columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ([x.ljust(width) for x, width in zip(row, widths, strict=True)] for row in cells)
    return ["  " + "  ".join(row).rstrip() for row in padded]


def two_arrays(given: Given, expected: Array) -> str:
    """What was given, on one line, and the right array."""
    value = repr(given.value)
    own = value if len(value) <= 60 else value[:57] + "…"
    if given.array is not None:
        own = f"{written(given.array)} of shape {given.array.shape}"
    return f"  given:    {own}\n  expected: {written(expected)} of shape {expected.shape}"


def written(array: Array) -> str:
    """An array on one line, a large one abridged."""
    text = np.array2string(array, precision=4, threshold=16, edgeitems=2, separator=", ")
    return re.sub(r"\s+", " ", text)
