"""One browser for the tests of this folder. It is closed after them: while playwright runs, so does
its event loop, and other tests may want one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import browser as chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium.launched() as found:
        yield found


@pytest.fixture(scope="package")
def tab(browser: Any) -> Iterator[chromium.Opened]:
    """For the pages that are opened one after the other: a tab takes longer to open than a page."""
    with chromium.opened(browser) as found:
        yield found


@pytest.fixture
def shown(tab: chromium.Opened, path: Path) -> Iterator[chromium.Opened]:
    """The page of the test's own ``path``, at its first step; it may have no error."""
    tab.page.mouse.move(0, 0)
    tab.page.emulate_media(media="screen")
    tab.page.goto("about:blank")
    tab.errors.clear()
    tab.requests.clear()
    tab.page.goto(path.as_uri())
    yield tab
    assert not tab.errors
    assert len(tab.requests) == 1  # the page itself


@pytest.fixture
def timed(browser: Any, path: Path) -> Iterator[chromium.Opened]:
    """The page with a clock that the test moves; the clock stays with its tab, which is its own."""
    with chromium.opened(browser, path) as found:
        found.page.clock.install()
        yield found
        assert not found.errors
