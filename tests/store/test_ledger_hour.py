"""Hours of the ledger: the view says the same as the batches, whenever they were added up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from store.connection import Connection, connect
from store.ledger_hour import add_up

NOW = dt.datetime(2026, 3, 4, 12, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOURS = (
    "select hour, sum(batches), sum(received), sum(stored), sum(rejected), sum(rows_stored) from screen.ledger_hour"
    " group by 1 order by 1"
)
BATCHES = (
    "select date_trunc('hour', committed_at), count(*), sum(received), sum(stored), sum(rejected), sum(rows_stored)"
    " from ledger group by 1 order by 1"
)


@pytest.fixture
def writer(database: Any) -> Any:
    with connect(database.url("lantian_writer"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def clerk(database: Any) -> Any:
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


def batch(conn: Connection, at: dt.datetime, received: int = 5, collector: str = "a") -> None:
    conn.execute(
        "insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected,"
        " rows_stored, rows_duplicate, rows_revised) values (%s, %s, %s, %s, %s, 0, 0, 1, 7, 0, 0)",
        (collector, at, at, received, received - 1),
    )


def same(conn: Connection) -> bool:
    return conn.execute(HOURS).fetchall() == conn.execute(BATCHES).fetchall()


def add(conn: Connection, now: dt.datetime) -> int:
    with conn.transaction():
        return add_up(conn, now)


def test_the_view_equals_the_batches_before_between_and_after(writer: Connection, clerk: Connection) -> None:
    assert add(clerk, NOW) == 0
    for at in range(100):
        batch(writer, NOW - at * 3 * MINUTE, received=5 + at, collector="ab"[at % 2])
    # Written newest first, so the last number stands for the oldest hour: everything older than two minutes counts only
    # as far as no younger batch has a lower number.
    assert add(clerk, NOW) == 0
    assert same(clerk)
    assert add(clerk, NOW + 10 * MINUTE) == 100
    assert same(clerk)
    batch(writer, NOW + 11 * MINUTE)
    assert same(clerk)
    assert add(clerk, NOW + 12 * MINUTE) == 0
    assert add(clerk, NOW + 14 * MINUTE) == 1
    assert add(clerk, NOW + 14 * MINUTE) == 0
    assert same(clerk)


def test_a_part_given_up_moves_between_the_columns(writer: Connection, clerk: Connection) -> None:
    batch(writer, NOW)
    writer.execute(
        "insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected,"
        " rows_stored, rows_duplicate, rows_revised) values ('a', %s, %s, 0, -2, 0, 0, 2, 0, 0, 0)",
        (NOW, NOW),
    )
    assert add(clerk, NOW + 5 * MINUTE) == 2
    assert same(clerk)
    row = clerk.execute("select received, stored, rejected from screen.ledger_hour").fetchone()
    assert row == (5, 2, 3)
