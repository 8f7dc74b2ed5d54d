"""The chapter's data: two sets of four points, and the Default data from a file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEFAULT_FILE = Path(__file__).parent.parent / "data" / "Default.txt"
FEATURES = ("balance", "income")
CLASSES = {"No": 0.0, "Yes": 1.0}


class Data(NamedTuple):
    """Observations.

    Attributes:
        x: ``(n, p)``, one row an observation.
        y: ``(n, 1)``, its class, 0 or 1.
    """

    x: Array
    y: Array


class DataError(ValueError):
    """A file that doesn't hold such data; says where and why."""


_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
DATA_1 = Data(_CORNERS, np.array([[1.0], [1.0], [0.0], [0.0]]))
DATA_2 = Data(_CORNERS, np.array([[1.0], [0.0], [0.0], [1.0]]))


def read_default(path: Path, at_least: int = 1) -> Data:
    """The Default data: a row ``balance income Yes|No`` an observation.

    Args:
        path: a text file in UTF-8. Blank lines at its end are skipped.
        at_least: how many rows there must be.

    Returns:
        ``x (n, 2)`` as in the file, not scaled, and ``y (n, 1)``, 1 for Yes.

    Raises:
        DataError: no such file, no rows or too few of them, a row that is not of that form (with
            its line number), or a feature with no variation.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 (byte {error.start + 1})") from error
    lines = text.rstrip().split("\n")
    if lines == [""]:
        raise DataError(f"{path}: the file is empty")
    rows = [_row(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    if len(rows) < at_least:
        raise DataError(f"{path}: {len(rows)} rows are fewer than one batch of {at_least}")
    table = np.array(rows)
    data = Data(table[:, :-1], table[:, -1:])
    for name, column in zip(FEATURES, data.x.T, strict=True):
        _check_scale(column, f"{path}: {name}")
    return data


def _row(line: str, where: str) -> list[float]:
    """``[balance, income, class]`` of one line."""
    words = line.split()
    if len(words) != len(FEATURES) + 1:
        raise DataError(f"{where}: expected 'balance income Yes|No', found {_shown(line)}")
    *numbers, label = words
    if label not in CLASSES:
        raise DataError(f"{where}: the class must be Yes or No, not {_shown(label)}")
    features = zip(FEATURES, numbers, strict=True)
    return [_number(word, f"{where}: {name}") for name, word in features] + [CLASSES[label]]


def _number(word: str, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise DataError(f"{what} must be a number, not {_shown(word)}") from None
    if not np.isfinite(value):
        raise DataError(f"{what} must be a finite number, not {_shown(word)}")
    return value


def _check_scale(column: Array, what: str) -> None:
    """Raise where a feature can't be scaled to a standard deviation of 1."""
    if (column == column[0]).all():
        raise DataError(f"{what} has no variation: it is {column[0]:g} in every row")
    with np.errstate(all="ignore"):
        deviation = column.std()
    if not 0 < deviation < np.inf:
        raise DataError(f"{what} can't be scaled: its standard deviation is {deviation:g}")


def _shown(text: str, longest: int = 40) -> str:
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")
