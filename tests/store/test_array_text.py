"""Arrays in the database's text format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.connection import Connection, connect
from store.receipt import array_text, storable, text_array


@pytest.fixture
def writer(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_writer")) as conn:
        yield conn


texts = st.lists(
    st.none() | st.text(max_size=12) | st.sampled_from(["", "NULL", "null", '"', "\\", "{a,b}", " ", "\n"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_texts_come_back(writer: Connection, values: list[str | None]) -> None:
    (found,) = writer.execute("select %s::text[]", (text_array(values),)).fetchone() or ([],)
    assert found == [None if value is None else storable(value) for value in values]


def test_numbers_come_back(writer: Connection) -> None:
    values = [None, 1, -2.5, 1e300]
    assert writer.execute("select %s::float8[]", (array_text(values),)).fetchone() == (values,)
