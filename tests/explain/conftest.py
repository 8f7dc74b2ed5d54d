"""One browser for the tests of this folder. It is closed after them: while playwright runs, so does
its event loop, and other tests may want one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import browser as chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium.launched() as found:
        yield found
