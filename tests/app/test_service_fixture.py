"""The shared fixtures themselves: a fresh database per test, and a broker that knows its accounts."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_its_own_database(database: Any, turn: int) -> None:
    with psycopg.connect(database.url("lantian_owner")) as connection:
        connection.execute("create table public.mark (n int)")
        assert connection.execute("select current_database()").fetchone() == (database.name,)
        assert connection.execute("select extversion from pg_extension where extname = 'timescaledb'").fetchone()
