"""Arrays as tables."""

from __future__ import annotations

import numpy as np

from autograd_lite.explain.matrices import (
    MOST_COLUMNS,
    MOST_ROWS,
    entry_name,
    layout,
    table,
)
from autograd_lite.show.words import Words

from ..each import each
from .reading import Element, Page

EN = Words("en")


def cells(array: np.ndarray, **settings: bool) -> list[Element]:
    found = Page(table(np.asarray(array), "v1", "W_01", EN, **settings))
    return [x for x in found.root.all("td") if "data-entry" in x.attributes]


def test_a_small_array_is_shown_in_full_entry_by_entry() -> None:
    array = np.array([[0.5, -1.0, 2.0], [0.0, 0.25, -2.0]])
    found = cells(array)
    assert [int(x["data-entry"]) for x in found] == list(range(6))
    assert [x["style"] for x in found][1:4] == ["--level:-0.5", "--level:1", "--level:0"]
    assert found[5]["aria-label"] == "(W_01)_23 = −2"
    assert all(x["tabindex"] == "0" for x in found)


@each([(), (3,), (1, 1), (2, 3), (2, 3, 4), (0, 3), (3, 0)])
def test_any_shape(*shape: int) -> None:
    array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    assert [x.text for x in cells(array)] == [f"{x:g}" for x in array.flat]
    assert layout(shape).entries == list(range(array.size))


def test_an_empty_array_says_so_and_rows_of_more_than_two_axes_are_labelled() -> None:
    assert "no entries" in Page(table(np.zeros((0, 3)), "v1", "x", EN)).root.text
    html = Page(table(np.zeros((2, 2, 1)), "v1", "x", EN)).root
    assert [x.text for x in html.all("th")] == ["1,1", "1,2", "2,1", "2,2"]
    assert "1600 entries" in table(np.zeros((40, 40), bool), "v1", "x", EN)


def test_a_large_array_is_shown_by_its_corners_and_statistics() -> None:
    array = np.arange(100.0 * 50).reshape(100, 50)
    html = Page(table(array, "v1", "x", EN)).root
    shown = [int(x["data-entry"]) for x in html.all("td") if "data-entry" in x.attributes]
    assert {0, 49, 99 * 50, 99 * 50 + 49} <= set(shown)
    assert len(shown) == 25
    assert [array.flat[i] for i in shown] == [
        float(x.text) for x in html.all("td") if "data-entry" in x.attributes
    ]
    assert "⋯" in html.text
    (statistics,) = html.all("p", "statistics")
    assert statistics.text == "5000 entries: 0 … 4999, ‖·‖ = 2.041e+05"
    assert "400 个元素: 0, ‖·‖ = 0<" in table(np.zeros((20, 20)), "v1", "x", Words("zh"))


def test_how_entries_are_called() -> None:
    called = (("L", (), 0, "L"), ("b", (1, 1), 0, "b"), ("W", (2, 3), 5, "(W)_23"),
              ("W_01", (12, 3), 5, "(W_01)_23"),
              ("W", (12, 3), 35, "(W)_12,3"), ("b_01", (1, 3), 1, "(b_01)_2"),
              ("x", (4,), 1, "(x)_2"))  # fmt: skip
    for name, shape, entry, text in called:
        assert entry_name(name, shape, entry) == text


def test_up_to_which_size_it_is_whole() -> None:
    assert layout((MOST_ROWS, MOST_COLUMNS)).is_whole
    for large in ((MOST_ROWS + 1, 1), (1, MOST_COLUMNS + 1)):
        assert not layout(large).is_whole
    assert not layout((MOST_ROWS, MOST_COLUMNS), brief=True).is_whole


@each([
    ([0.5, -1.0, 0.25, 0.0], ["0.5", "−1", "0.25", "0"]),
    ([np.nan, np.inf, -np.inf, 2.0], ["nan", "inf", "−inf", "2"]),
    ([True, False], ["True", "False"]),
    ([3, -4], ["3", "−4"]),
    ([1 + 2j], ["1+2j"]),
])
def test_numbers(numbers: list[complex], texts: list[str]) -> None:
    assert [x.text for x in cells(np.array(numbers))] == texts


def test_what_is_not_finite_takes_no_part_in_the_colours() -> None:
    found = cells(np.array([np.nan, np.inf, -np.inf, 2.0]))
    assert [x["style"] for x in found] == ["--level:0"] * 3 + ["--level:1"]


def test_a_name_is_text() -> None:
    html = table(np.ones(2), "v1", '<b onclick="x">"&', EN)
    assert "<b" not in html
    assert Page(html).root.all("td")[0]["aria-label"] == '(<b onclick="x">"&)_1 = 1'
