"""One test for many of a kind, which names those that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest


def each(
    items: Mapping[Any, Any] | Iterable[Any], by: Callable[[Any], str] | None = None
) -> Callable[[Callable[..., None]], Any]:
    """Call the test with each of the items, a tuple's members as arguments.

    All are tried, and those that failed are named: by its key in a dict, else by its place and
    text. With ``by``, items for which it gives the same text make a test of their own.
    """
    pairs = items.items() if isinstance(items, Mapping) else enumerate(items)
    named = {key if isinstance(key, str) else f"{key}: {item}": item for key, item in pairs}
    groups: dict[str, list[str]] = {}
    for name, item in named.items():
        groups.setdefault(by(item) if by else "", []).append(name)

    def decorate(test: Callable[..., None]) -> Any:
        def run(group: str) -> None:
            failed = []
            for name in groups[group]:
                item = named[name]
                try:
                    test(*(item if type(item) is tuple else (item,)))
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"{test.__name__}, {name}")
                    failed.append(error)
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(groups[group])} failed", failed)

        run.__doc__ = test.__doc__
        return pytest.mark.parametrize("group", groups)(run) if by else lambda: run("")

    return decorate
