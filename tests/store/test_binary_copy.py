"""Rows out of PostgreSQL as one array."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

from store.binary import CopyError, copy_columns, copy_records
from store.connection import Connection, connect

FIELDS = (("number", ">i4"), ("value", ">f8"), ("letters", "S3"))


@pytest.fixture
def conn(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_app"), autocommit=True) as opened:
        yield opened


def copied(conn: Connection, select: str) -> np.ndarray[Any, np.dtype[np.void]]:
    return copy_records(conn, sql.SQL("copy ({}) to stdout (format binary)").format(sql.SQL(select)), FIELDS)  # type: ignore[arg-type]


def test_rows_become_records(conn: Connection) -> None:
    values = "select at, case when at = 2 then 'NaN'::float8 else at / 4.0::float8 end, 'ab' || at"
    rows = copied(conn, f"{values} from generate_series(1, 3) at")
    assert rows["number"].tolist() == [1, 2, 3]
    assert rows["value"].tolist() == pytest.approx([0.25, float("nan"), 0.75], nan_ok=True)
    assert rows["letters"].tolist() == [b"ab1", b"ab2", b"ab3"]


def test_no_rows_are_an_empty_array(conn: Connection) -> None:
    assert len(copied(conn, "select 1, 1.0::float8, 'abc' where false")) == 0


@pytest.mark.parametrize(
    "select",
    ["select 1, null::float8, 'abc'", "select 1, 1.0::float8, 'abcd'", "select 1, 1.0::float8, 'abc', 1"],
)
def test_null_or_other_width_is_an_error(conn: Connection, select: str) -> None:
    with pytest.raises(CopyError):
        copied(conn, select)


def test_swapped_widths_that_add_up_are_an_error(conn: Connection) -> None:
    with pytest.raises(CopyError, match="value"):
        copied(conn, "select 1, 1, 'abcdefg'")


def columns(conn: Connection, select: str, numbers: int = 3) -> tuple[list[Any], list[list[float]]]:
    statement = sql.SQL("copy ({}) to stdout (format binary)").format(sql.SQL(select))  # type: ignore[arg-type]
    records, values = copy_columns(conn, statement, (("number", ">i4"), ("letters", "S3")), numbers)
    assert values.shape == (len(records), numbers)
    return [tuple(row)[2::2] for row in records.tolist()], values.tolist()


def test_nulls_in_any_place_become_nan(conn: Connection) -> None:
    sets = ["null::float8", "0.5"], ["null::float8", "'NaN'"], ["null::float8", "'-Infinity'"]
    rows = [" union all ".join(f"select {at}, 'ab' || {at}, {', '.join(row)}" for at, row in enumerate(product(*sets)))]
    records, values = columns(conn, f"select * from ({rows[0]}) found order by 1")
    nan = float("nan")
    assert records == [(at, f"ab{at}".encode()) for at in range(8)]
    expected = [list(row) for row in product([nan, 0.5], [nan, nan], [nan, float("-inf")])]
    assert values == [pytest.approx(row, nan_ok=True) for row in expected]


def test_many_rows_keep_their_order(conn: Connection) -> None:
    _, values = columns(
        conn, "select at, 'abc', nullif(at % 7, 3)::float8, at::float8, null::float8 from generate_series(1, 20000) at"
    )
    assert [row[1] for row in values] == list(range(1, 20001))
    assert [row[0] for row in values[:5]] == pytest.approx([1, 2, float("nan"), 4, 5], nan_ok=True)


def test_columns_of_no_rows(conn: Connection) -> None:
    assert columns(conn, "select 1, 'abc', 1::float8, 1::float8, 1::float8 where false") == ([], [])


@pytest.mark.parametrize(
    "select",
    [
        "select 1, 'abc', 1::float8, 1::float8",
        "select 1, 'abc', 1::float8, 1::float8, 1::float8, 1::float8",
        "select 1, 'abc', 1::float8, 1::float8, 1::int",
        "select 1, null, 1::float8, 1::float8, 1::float8",
        "select 1, 'abcd', 1::float8, 1::float8, null",
    ],
)
def test_other_columns_are_an_error(conn: Connection, select: str) -> None:
    with pytest.raises(CopyError):
        columns(conn, select)


def test_error_while_rows_come_is_the_databases(conn: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        columns(
            conn,
            "select at, 'abc', 1 / (5000 - at)::float8, null::float8, null::float8 from generate_series(1, 9999) at",
        )
    assert conn.execute("select 1").fetchone() == (1,)
