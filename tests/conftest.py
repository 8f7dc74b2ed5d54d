"""What tests are run with.

In CI hypothesis draws the same examples each time: a change is judged by what it changes. Where
many are alike, a sample of them is tried, unless all are asked for: ``python -m pytest --whole``.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

from .each import WHOLE

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="try all samples, not some of them")


def pytest_configure(config: pytest.Config) -> None:
    WHOLE[:] = [True] * config.getoption("--whole")


@pytest.fixture(autouse=True, scope="module")
def _frozen() -> None:
    gc.freeze()  # modules and tests stay: the collector needn't go through them again and again
