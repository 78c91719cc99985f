"""Databases that live as long as a test file: its tests only read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

_numbers = itertools.count(1)


@dataclass(frozen=True)
class ModuleDatabase:
    """A migrated database of one test file."""

    name: str
    _services: Any

    def url(self, role: str) -> str:
        """Address for a role."""
        return str(self._services.database_url(role, self.name))


@pytest.fixture(scope="module")
def module_database(services: Any, _template: str) -> Iterator[Callable[[], ModuleDatabase]]:
    """Makes fresh migrated databases; all are dropped when the file is done."""
    credentials, made = services.credential_file.load(), []

    def make() -> ModuleDatabase:
        name = f"test_dashboards_{next(_numbers)}"
        services.cluster.create_database(credentials, name, _template)
        made.append(name)
        return ModuleDatabase(name, services)

    yield make
    for name in made:
        services.cluster.drop_database(credentials, name)
