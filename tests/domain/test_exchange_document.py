"""The document of the exchange: what is written is read, and every wrong row is named."""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.error import ConfigurationError
from domain.exchange import (
    LEVELS,
    Exchange,
    ExchangeHour,
    ExchangeWarning,
    encode_csv,
    encode_json,
    parse_exchange,
)

NOW = dt.datetime(2026, 11, 25, 12, 30, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
LAST = dt.datetime(2026, 11, 25, 11, tzinfo=dt.UTC)
names = st.text("abcXYZ019_.-", min_size=1, max_size=8)
values = st.none() | st.floats(0, 10_000)
hours = st.builds(
    lambda site, name, back, first, rest: ExchangeHour(site, name, LAST - back * HOUR, (first, *rest)),
    names,
    st.text("柳林县站，\"'\n", max_size=8),
    st.integers(0, 100_000),
    st.floats(0, 10_000),
    st.tuples(*[values] * 5),
)
moments = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)).map(  # noqa: DTZ001 - UTC follows
    lambda moment: moment.replace(microsecond=0, tzinfo=dt.UTC)
)
warnings = st.builds(
    lambda key, level, issued, span, lifted: ExchangeWarning(key, level, issued, min(span), max(span), lifted),
    names, st.sampled_from(LEVELS), moments, st.tuples(moments, moments), st.none() | moments,
)  # fmt: skip
documents = st.builds(
    Exchange,
    names,
    st.lists(hours, max_size=5, unique_by=lambda one: (one.site, one.hour)).map(tuple),
    st.lists(warnings, max_size=3, unique_by=lambda one: one.warning).map(tuple),
)


@given(documents)
def test_what_is_written_is_read(document: Exchange) -> None:
    assert parse_exchange(encode_json(document), NOW) == document
    for part in ("hours", "warnings"):
        rows = getattr(document, part)
        if rows:
            found = parse_exchange(encode_csv(document, part), NOW)
            assert (found.county, getattr(found, part), found.faults) == (document.county, rows, ())


def document(**row: object) -> bytes:
    good = {"site": "liulin", "hour": "2026-11-25T11:00:00Z", "pm25": 40}
    rows = [{**good, **row}, {**good, "hour": "2026-11-25T10:00:00Z"}]
    return json.dumps({"format": "lantian-exchange", "version": 1, "county": "liulin", "hours": rows}).encode()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"hour": "2026-11-25T11:30:00Z"}, "expected the start of an hour"),
        ({"hour": "2026-11-25T12:00:00Z"}, "expected one that has ended"),
        ({"hour": "2026-11-25T11:00:00"}, "with its offset"),
        ({"hour": 5}, "with its offset"),
        ({"hour": "0001-01-01T00:00:00+08:00"}, "with its offset"),
        ({"pm25": -1}, "pm25: found '-1'"),
        ({"pm25": math.nan}, "pm25"),
        ({"pm25": True}, "pm25"),
        ({"pm25": "1e9"}, "pm25"),
        ({"pm25": None}, "expected a value of one of"),
        ({"site": "../x"}, "site"),
        ({"hour": "2026-11-25T10:00:00Z"}, "again"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_are_read(row: dict[str, object], said: str) -> None:
    found = parse_exchange(document(**row), NOW)
    assert len(found.hours) == 1
    (fault,) = found.faults
    assert said in fault


def test_hours_with_another_offset_are_the_same_hours() -> None:
    found = parse_exchange(document(hour="2026-11-25T19:00:00+08:00"), NOW)
    assert found.hours[0].hour == LAST


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[]", b'{"format": "lantian-exchange", "version": 2, "county": "a"}', b"a,b\n1,2\n",
     b'{"format": "lantian-exchange", "version": 1}',
     b'{"format": "lantian-exchange", "version": 1, "county": "a", "hours": 1}',
     b"{" * 100_000,
     b"county,site,site_zh,hour,pm25,pm10,so2,no2,co,o3\n"
     b"a,a,,2026-11-25T10:00:00Z,1,,,,,\nb,b,,2026-11-25T10:00:00Z,1,,,,,\n"],
)  # fmt: skip
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError):
        parse_exchange(content, NOW)
