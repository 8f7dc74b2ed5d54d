"""A test for each of many: it fails where one of them fails, and says which."""

from __future__ import annotations

from typing import Any

import pytest

from .each import each


def test_all_are_called_and_those_that_failed_are_named():
    called = []

    def check(x: int, y: str) -> None:
        called.append((x, y))
        assert x < 2, "too large"

    each({"one": (1, "a"), "two": (1, "b")})(check)()
    assert called == [(1, "a"), (1, "b")]
    with pytest.raises(AssertionError, match="too large") as one:
        each({"one": (1, "a"), "two": (2, "b"), "three": (0, "c")})(check)()
    assert one.value.__notes__ == ["check: two"]
    assert called[2:] == [(1, "a"), (2, "b"), (0, "c")]
    with pytest.raises(ExceptionGroup, match="2 of 4 failed") as several:
        each([1, 2], ["a", "b"])(check)()
    notes = [error.__notes__ for error in several.value.exceptions]
    assert notes == [["check: 1: 2, 0: a"], ["check: 1: 2, 1: b"]]


def test_what_should_have_raised_and_did_not_has_failed():
    @each(["x", "y"], by=lambda name: name)
    def refused(name: str) -> None:
        with pytest.raises(TypeError):
            name.upper()

    run: Any = refused
    assert list(run.pytestmark[0].args[1]) == ["x", "y"]
    for name in ("x", "y"):
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            run(name)
