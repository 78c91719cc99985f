"""Forecasts kept as issued, and the outlook of a moment: who outranks whom, and what was not known yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from domain.error import ConfigurationError
from domain.outlook import DayOutlook, Outlook, RollingOutlook
from domain.period import ZONE, midnight
from store.connection import Connection
from store.forecast import (
    ForecastSeries,
    Issuer,
    NewForecast,
    insert_issuer,
    read_issuers,
    read_issues,
    read_outlook,
    retire_issuer,
    write_forecast,
)
from store.reference import load_reference

NOW = dt.datetime.now(dt.UTC).replace(minute=20, second=0, microsecond=0) + dt.timedelta(hours=1)
TODAY = NOW.astimezone(ZONE).date()
HOUR = dt.timedelta(hours=1)


def days(*aqi: float | None, low: float = 20, high: float = 30) -> ForecastSeries:
    return ForecastSeries(
        "day",
        "aqi",
        midnight(TODAY),
        aqi,
        [None if value is None else value - low for value in aqi],
        [None if value is None else value + high for value in aqi],
        ["pm25,pm10", *[None] * (len(aqi) - 1)],
    )


def rolling(first: dt.datetime, *aqi: float) -> ForecastSeries:
    return ForecastSeries("rolling", "aqi", first, aqi, aqi, aqi)


def issued(conn: Connection, hours_ago: float, *series: ForecastSeries, issuer: str = "lantian") -> int | None:
    issue = NOW - hours_ago * HOUR
    return write_forecast(conn, NewForecast("s-air", issuer, issue, "hj633-2026", "test", series))


@pytest.fixture
def bureau(clerk: Connection, devices: Any) -> str:
    insert_issuer(clerk, Issuer("bureau", "市监测中心", "official", 10, 36), "t")
    return "bureau"


def aqi_by_day(conn: Connection, now: dt.datetime = NOW) -> list[tuple[int, int, str]]:
    outlook = read_outlook(conn, "s-air", now)
    return [((one.day - TODAY).days, one.aqi, one.source) for one in outlook.days]


def test_official_days_outrank_our_own_and_gaps_are_filled_by_ours(clerk: Connection, bureau: str) -> None:
    issued(clerk, 30, days(210, None, 190), issuer=bureau)
    issued(clerk, 1, days(120, 130, 140, 150))
    assert aqi_by_day(clerk) == [
        (0, 210, "official"), (1, 130, "statistical"), (2, 190, "official"), (3, 150, "statistical")
    ]  # fmt: skip
    first = read_outlook(clerk, "s-air", NOW).days[0]
    assert (first.aqi_low, first.aqi_high, first.primary, first.issuer_id) == (190, 240, ("pm25", "pm10"), bureau)


def test_the_newest_issue_counts_and_an_old_one_expires(clerk: Connection, bureau: str) -> None:
    issued(clerk, 37, days(300), issuer=bureau)
    issued(clerk, 25, days(77))
    assert aqi_by_day(clerk) == []
    issued(clerk, 8, days(100))
    issued(clerk, 2, days(110))
    issued(clerk, 5, days(120))
    assert aqi_by_day(clerk) == [(0, 110, "statistical")]


def test_what_is_issued_or_received_later_is_not_known_yet(clerk: Connection, devices: Any) -> None:
    issued(clerk, -2, days(100))
    assert aqi_by_day(clerk) == []
    # Received just now, more than half an hour before NOW + 3 h but after the moment asked about.
    issued(clerk, 30, days(100))
    assert aqi_by_day(clerk, NOW - 25 * HOUR) == []
    assert aqi_by_day(clerk, NOW + 3 * HOUR) == [(0, 100, "statistical")] * (
        (NOW + 3 * HOUR).astimezone(ZONE).date() == TODAY
    )


def test_the_same_again_is_kept_once_and_a_correction_beside_it_counts(clerk: Connection, bureau: str) -> None:
    assert issued(clerk, 1, days(100), issuer=bureau) is not None
    assert issued(clerk, 1, days(100), issuer=bureau) is None
    assert issued(clerk, 1, days(105), issuer=bureau) is not None
    assert aqi_by_day(clerk) == [(0, 105, "official")]
    assert [(one.issuer_id, one.items) for one in read_issues(clerk, "s-air")] == [(bureau, ["day aqi"])] * 2


def test_a_retired_issuer_no_longer_counts(clerk: Connection, bureau: str) -> None:
    issued(clerk, 1, days(100), issuer=bureau)
    retire_issuer(clerk, bureau, NOW - HOUR / 2)
    assert aqi_by_day(clerk) == []
    assert read_issuers(clerk)[bureau].retired_at == NOW - HOUR / 2
    with pytest.raises(ConfigurationError, match="in service"):
        retire_issuer(clerk, bureau, NOW)
    with pytest.raises(ConfigurationError, match="another id"):
        insert_issuer(clerk, Issuer(bureau, "市监测中心", "official", 10, 36), "t")


def test_highest_aqi_of_the_coming_hours(clerk: Connection, devices: Any) -> None:
    first = NOW.replace(minute=0)
    issued(clerk, 1, rolling(first - 5 * HOUR, *[400] * 5, *[90 + at for at in range(12)]))
    outlook = read_outlook(clerk, "s-air", NOW)
    assert outlook.highest_aqi(12) == 101
    assert outlook.highest_aqi(1) == 90
    assert outlook.highest_aqi(13) is None


def test_official_days_replace_the_rolling_hours_within_them() -> None:
    now = dt.datetime(2026, 1, 10, 22, 30, tzinfo=ZONE)
    hours = [dt.datetime(2026, 1, 10, 22, tzinfo=ZONE) + at * HOUR for at in range(30)]
    days = [
        DayOutlook(hour.date(), aqi, aqi, aqi, (), source, "x", now)
        for hour, aqi, source in [(hours[0], 500, "statistical"), (hours[2], 160, "official")]
    ]
    ahead = [RollingOutlook(hour, 130, 130, 130, now) for hour in hours]
    assert Outlook("x", now, days, ahead).highest_aqi(2) == 130
    assert Outlook("x", now, days, ahead).highest_aqi(3) == 160
    assert Outlook("x", now, days, ahead[:2]).highest_aqi(26) == 160
    assert Outlook("x", now, days, ahead[:2]).highest_aqi(27) is None
    assert Outlook("x", now, (), ()).highest_aqi(1) is None


def test_screens_show_the_days_to_come(clerk: Connection, bureau: str, database: Any) -> None:
    with clerk.transaction():
        load_reference(clerk)
    issue = dt.datetime.now(dt.UTC)
    write_forecast(clerk, NewForecast("s-air", bureau, issue, "hj633-2026", "test", [days(0, 160)]))
    rows = clerk.execute(
        "select aqi, level, category_zh, primary_zh, source_zh from screen.forecast_day order by day"
    ).fetchall()
    assert [row[0] for row in rows][-1] == 160
    assert rows[-1][1:3] == (4, "中度污染")
    assert all(row[4] == "官方预报" for row in rows)
