"""Arrays in the database's binary format, and texts as it can hold them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.array_format import Array, date_array, int_array, moment_array, smallint_rows, text_array
from store.connection import Connection
from store.copy_format import framed, numbers
from store.receipt import storable

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
texts = st.lists(
    st.none() | st.text(max_size=12) | st.sampled_from(["", "NULL", "null", '"', "\\", "{a,b}", " ", "\n"])
)


def returned(conn: Connection, array: Array) -> Any:
    (found,) = conn.execute("select %s", (array,)).fetchone() or ([],)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_texts_come_back(writer: Connection, values: list[str | None]) -> None:
    held = [None if value is None else storable(value) for value in values]
    assert returned(writer, text_array(held)) == held


@pytest.mark.parametrize("values", [[], [0], [-1, 2**31 - 1, -(2**31)]])
def test_numbers_and_days_come_back(writer: Connection, values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert returned(writer, int_array(array)) == values
    days = [value % 30_000 for value in values]
    assert returned(writer, date_array(np.array(days, dtype=np.int64))) == [
        EPOCH.date() + dt.timedelta(days=day) for day in days
    ]


def test_moments_come_back_to_the_microsecond_or_as_null(writer: Connection) -> None:
    moments = np.array([0, 1, -1, 1_772_323_200_000_001], dtype=np.int64)
    expected = [EPOCH + dt.timedelta(microseconds=value) for value in moments.tolist()]
    assert returned(writer, moment_array(moments)) == expected
    missing = np.array([False, True, False, True])
    never = np.where(missing, np.iinfo(np.int64).min, moments)
    assert returned(writer, moment_array(never, missing)) == [expected[0], None, expected[2], None]


def test_rows_of_arrays_come_back(writer: Connection) -> None:
    values = [[0, -1, 2**15 - 1], [8192, -(2**15), 7]]
    writer.execute("create temp table held (at int, found smallint[]) on commit drop")
    fields = [numbers(np.arange(len(values)), ">i4"), smallint_rows(np.array(values, dtype=np.int16))]
    with writer.cursor().copy("copy held from stdin (format binary)") as copy:
        copy.write(framed(fields))
    assert writer.execute("select found from held order by at").fetchall() == [(row,) for row in values]
