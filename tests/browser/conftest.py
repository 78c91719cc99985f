"""A headless Chromium, and the console's fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import axe_source
from driver import Driver, running_driver

from app.service.chromium import find_chromium
from tests.console.conftest import _county_template, seeded

__all__ = ["_county_template", "seeded"]


@pytest.fixture(scope="session")
def axe(runtime_cache: Path) -> str:
    """The script of the accessibility checker."""
    return axe_source(runtime_cache)


@pytest.fixture(scope="session")
def driver(runtime_cache: Path) -> Iterator[Driver]:
    """Opens windows of a headless Chromium."""
    with running_driver(find_chromium(runtime_cache)) as running:
        yield running
