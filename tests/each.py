"""One test for many of a kind, which names those that fail; and how many of them are tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

WHOLE: list[bool] = []  # filled by ``pytest --whole``


def some(items: Iterable[Any], every: int) -> list[Any]:
    """Every so-manieth of the items, the first one first; with ``pytest --whole`` all of them."""
    return list(items)[:: 1 if WHOLE else every]


def examples(n: int) -> int:
    """How many of n examples or steps are tried: a third; with ``pytest --whole`` all of them."""
    return n if WHOLE else -(-n // 3)


def each(
    *factors: Mapping[str, Any] | Iterable[Any], by: Callable[..., str] | None = None
) -> Callable[[Callable[..., None]], Any]:
    """Call the test with each of the items, or with an item of each of several factors.

    A single factor's tuples are several arguments. All calls are made, and those that failed are
    named: by its key in a dict, else by its place and text. With ``by``, the calls for whose
    arguments it gives the same text are a test of their own.
    """
    groups: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}
    for pairs in itertools.product(*map(_named, factors)):
        names, items = zip(*pairs, strict=True)
        args = items[0] if len(items) == 1 and type(items[0]) is tuple else items
        groups.setdefault(by(*args) if by else "", []).append((", ".join(names), args))

    def decorate(test: Callable[..., None]) -> Any:
        def run(group: str) -> None:
            failed = []
            for name, args in groups[group]:
                try:
                    test(*args)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"{test.__name__}: {name}")
                    failed.append(error)
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(groups[group])} failed", failed)

        return pytest.mark.parametrize("group", groups)(run) if by else lambda: run("")

    return decorate


def _named(items: Mapping[str, Any] | Iterable[Any]) -> list[tuple[str, Any]]:
    if isinstance(items, Mapping):
        return list(items.items())
    return [(f"{place}: {item}", item) for place, item in enumerate(items)]
