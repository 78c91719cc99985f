"""Rows out of PostgreSQL as one array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from psycopg import sql

from store.binary import CopyError, copy_records
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
