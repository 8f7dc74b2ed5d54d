"""Lines of code that repeat, written once: as a loop.

A line is text in which names and numbers stand between marks. Where lines come again, the same but
for these, as of a loop that Python unrolled, they become the body of a ``for i in range(n)``: what
differs is an entry of a list there, ``h[i]``, ``h[i + 1]`` or ``h[63 - i]``. So each line is run as
it was, in the order in which it was, and on what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

MARK = "\0"  # before and after each name, and each number that may differ
_COUNT = 4  # times that lines come, at least
_SAVED = 16  # lines that are saved, at least
_GRAM = 8  # lines that must come again as they were, for that to be tried

INSIDE = "loop"  # the first of a line's settings, within a loop

Line = tuple[tuple[Any, ...], str]  # NumPy's settings for warnings, and text


def marked(x: object) -> str:
    return f"{MARK}{x}{MARK}"


def repeats(kinds: Sequence[Any]) -> list[tuple[int, int, int]]:
    """Where items come again, one after the other: start, length, and how often.

    Lengths that are tried are those after which a few items come again as they were.

    Example:
        >>> repeats("_" + "abcdefghi" * 5 + ".")
        [(1, 9, 5)]
    """
    numbers, last, lengths = dict[Any, int](), dict[Any, int](), set[int]()
    ranks = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds], np.int64)
    for i in range(len(ranks) - _GRAM + 1):
        few = ranks[i : i + _GRAM].tobytes()
        lengths.add(i - last.get(few, i))
        last[few] = i
    found: list[tuple[int, int, int]] = []
    for p in lengths - {0}:
        edges = np.flatnonzero(np.diff(ranks[p:] == ranks[:-p], prepend=False, append=False))
        starts, turns = edges[::2], np.diff(edges)[::2] // p
        enough = (turns >= _COUNT - 1) & (turns * p >= _SAVED)
        found += [(~n, i, p) for n, i in np.stack([turns, starts], 1)[enough].tolist()]
    kept: list[tuple[int, int, int]] = []
    for count, start, period in sorted(found):
        end = start - count * period
        if all(end <= a or b * c + a <= start for a, b, c in kept):
            kept.append((start, period, -count))
    return sorted(kept)


@dataclass(eq=False)
class _List:
    """A list that holds what had names; its own name, and the number of its first entry."""

    text: str = ""
    first: int = 0


@dataclass(frozen=True)
class _Entry:
    """What stands in a list at ``start + step * i``; without a list, that number."""

    of: _List | None
    start: int
    step: int = 0

    def text(self) -> str:
        start = self.start - self.of.first if self.of else self.start
        steps = "i" if abs(self.step) == 1 else f"{abs(self.step)} * i"
        if self.step > 0:
            index = f"{steps} {'-' if start < 0 else '+'} {abs(start)}" if start else steps
        else:
            index = f"{start} - {steps}" if self.step else str(start)
        return f"{self.of.text}[{index}]" if self.of else index


class _Irregular(Exception):  # noqa: N818
    """What differs isn't in a list, in order."""


@dataclass
class _Loop:
    start: int
    period: int
    count: int
    columns: dict[tuple[str, ...], _Entry | None]


class Folder:
    """The lines of a function, and those that set it up before, with loops.

    Args:
        setup: lines that run once.
        lines: those of the function.
        known: names that are known before either.
        new: gives a new name, like another.

    Attributes:
        setup, lines: folded, without marks.
    """

    def __init__(
        self, setup: list[Line], lines: list[Line], known: set[str], new: Callable[[str], str]
    ) -> None:
        self._places: dict[str, _Entry] = {}  # of names in lists
        self._held: dict[_Entry, str] = {}  # the names there
        self._picked: dict[tuple[str, ...], _List] = {}
        once = [text.split(MARK) for _, text in setup]
        each = [text.split(MARK) for _, text in lines]
        kinds = [(line[0], *x[::2]) for line, x in zip(lines, each, strict=True)]
        set_once = {*map(_target, once)}
        self._known, self._set = known | set_once, set_once | {*map(_target, each)}
        body = [loop for found in repeats(kinds) if (loop := self._looped(each, found, True))]
        own = [loop for found in repeats([tuple(parts[::2]) for parts in once])
               if body and (loop := self._looped(once, found, False))]  # fmt: skip
        first, before = self._declared(known, new)
        self.setup = [*first, *self._written(setup, once, own), *map(self._pick, self._picked)]
        self.lines = [*before, *self._written(lines, each, body)]

    # ------------------------------------------------------------------ what differs in a loop

    def _looped(self, lines: list[list[str]], found: tuple[int, int, int], may_pick: bool) -> Any:
        """A loop, of several turns at a time where one is irregular, or but for the first; or None.
        """
        start, length, count = found
        for skipped, times in product((0, 1), (1, 2, 3, 4)):
            period, turns = length * times, (count - skipped) // times
            loop = _Loop(start + skipped * length, period, turns, {})
            kept = dict(self._places), dict(self._held), dict(self._picked)
            try:
                for line in range(loop.start, loop.start + period) if turns >= _COUNT else ():
                    rows = lines[line : line + turns * period : period]
                    for place in range(1, len(rows[0]), 2):
                        values = tuple([row[place] for row in rows])
                        if values not in loop.columns:
                            loop.columns[values] = self._column(values, may_pick)
                return loop if loop.columns else None
            except _Irregular:
                self._places, self._held, self._picked = kept
        return None

    def _column(self, values: tuple[str, ...], may_pick: bool) -> Any:
        """Where to find what stands in one place in each turn; None where that stays the same."""
        if values.count(values[0]) == len(values):
            return None
        if values[0].lstrip("-").isdigit():
            numbers = [*map(int, values)]
            step = numbers[1] - numbers[0]
            if numbers != [numbers[0] + step * i for i in range(len(values))]:
                raise _Irregular
            return _Entry(None, numbers[0], step)
        known = ((i, self._places[x]) for i, x in enumerate(values) if x in self._places)
        first, at = next(known, (0, _Entry(_List(), 0)))
        for step in (1, -1, 2, -2, 3, -3, 4, -4):
            start = at.start - step * first
            own = {x: _Entry(at.of, start + step * i) for i, x in enumerate(values)}
            if len(own) == len(values) and all(
                self._places.get(x, entry) == entry and self._held.get(entry, x) == x
                for x, entry in own.items()
            ):
                self._places.update(own)
                self._held.update(zip(own.values(), own, strict=True))
                return _Entry(at.of, start, step)
        if not may_pick or not self._known.issuperset(values):
            raise _Irregular
        return _Entry(self._picked.setdefault(values, _List()), 0, 1)

    # ------------------------------------------------------------------ text

    def _declared(
        self, known: set[str], new: Callable[[str], str]
    ) -> tuple[list[Line], list[Line]]:
        """Lines that make lists, in the beginning of the setup and of the function."""
        once, each, lists = list[Line](), list[Line](), dict[Any, dict[int, str]]()
        for name, entry in self._places.items():
            lists.setdefault(entry.of, {})[entry.start] = name
        for x, members in lists.items():
            names = {*members.values()}
            where = each if self._known.isdisjoint(names) else once
            x.text = min(self._set.intersection(names), key=_plainness, default="")
            x.text, x.first = x.text or new(min(names, key=_plainness)), min(members)
            where.append(((), f"{x.text} = [None] * {max(members) - x.first + 1}"))
            for name in sorted(names - self._set, key=_plainness):
                (once if name in known else each).append(((), f"{self._text(name)} = {name}"))
        for values, x in self._picked.items():
            x.text = new(min(values, key=_plainness))
        return once, each

    def _text(self, name: str) -> str:
        return self._places[name].text() if name in self._places else name

    def _pick(self, values: tuple[str, ...]) -> Line:
        """A line that makes a list of what others hold."""
        return (), f"{self._picked[values].text} = [{', '.join(map(self._text, values))}]"

    def _written(
        self, lines: list[Line], parts: list[list[str]], loops: list[_Loop]
    ) -> Iterator[Line]:
        at = 0
        for loop in [*loops, _Loop(len(lines), 0, 0, {})]:
            for i in range(at, loop.start):
                yield lines[i][0], "".join(_replaced(parts[i], map(self._text, parts[i][1::2])))
            if loop.count:
                yield (), f"for i in range({loop.count}):"
            at = loop.start + loop.count * loop.period
            for i in range(loop.start, loop.start + loop.period):
                columns = zip(*[row[1::2] for row in parts[i : at : loop.period]], strict=True)
                entries = [(x[0], loop.columns[x]) for x in columns]
                texts = [entry.text() if entry else self._text(x) for x, entry in entries]
                yield (INSIDE, *lines[i][0]), "".join(_replaced(parts[i], texts))


def _plainness(name: str) -> Any:
    return name[:2] == "t_", len(name), name


def _replaced(parts: list[str], instead: Iterable[str]) -> list[str]:
    parts = list(parts)
    parts[1::2] = instead
    return parts


def _target(parts: list[str]) -> str:
    """The name that a line sets, or nothing."""
    return parts[1] if len(parts) > 2 and not parts[0] and parts[2].startswith(" = ") else ""
