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


@pytest.fixture
def shown(browser: Any, path: Path) -> Iterator[chromium.Opened]:
    """The page of the test's own ``path``, at its first step; it may have no error."""
    with chromium.opened(browser, path) as found:
        yield found
        assert not found.errors
        assert len(found.requests) == 1  # the page itself
