"""Months, quarters and years by hand-worked cases."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from app.job.period import Period, period_rows
from domain.period import PeriodKind, period_end
from store.statistic import DAY_COLUMNS, DayRows, StatisticRow, SummaryRow

LATER = dt.date(2030, 1, 1)


def days(start: dt.date, count: int, **columns: float) -> DayRows:
    """`count` days in a row with constant values; columns not given are missing."""
    values = np.full((count, len(DAY_COLUMNS)), np.nan)
    for column, value in columns.items():
        values[:, DAY_COLUMNS.index(column)] = value
    dates = [start + dt.timedelta(days=at) for at in range(count)]
    return DayRows(["a"] * count, dates, values, np.full((count, 6), 24), np.full(count, 17))


def found(
    kind: PeriodKind, start: dt.date, rows: DayRows, as_of: dt.date = LATER
) -> tuple[dict[tuple[str, str], StatisticRow], SummaryRow]:
    statistics, summary = period_rows(Period("a", kind, start, as_of), rows)
    return {(row.pollutant, row.statistic): row for row in statistics}, summary


FULL = {"pm25": 35.4, "pm10": 70.0, "so2": 20.0, "no2": 40.0, "co": 1.0, "o3_8h": 160.0, "o3_1h": 180.0}


@pytest.mark.parametrize(("month", "count", "valid"), [(1, 27, True), (1, 26, False), (2, 25, True), (2, 24, False)])
def test_month_needs_27_days_february_25(month: int, count: int, valid: bool) -> None:
    start = dt.date(2017, month, 1)
    rows, summary = found("month", start, days(start, count, **FULL))
    assert rows["pm25", "mean"].valid is valid
    assert (rows["pm25", "mean"].limit_value, rows["pm25", "mean"].complies) == (None, None)
    assert (summary.valid_days, summary.days) == (count, (period_end("month", start) - start).days)


def test_quarter_is_valid_when_its_months_are() -> None:
    start = dt.date(2017, 1, 1)
    assert found("quarter", start, days(start, 86, **FULL))[0]["so2", "p98"].valid  # 31 + 28 + 27
    assert not found("quarter", start, days(start, 85, **FULL))[0]["so2", "p98"].valid


def test_year_is_judged_by_the_edition_of_its_last_day() -> None:
    start = dt.date(2017, 1, 1)
    rows, summary = found("year", start, days(start, 365, **FULL))
    assert rows["pm25", "mean"].published == 35.0
    assert (rows["pm25", "mean"].limit_value, rows["pm25", "mean"].limit_edition) == (35.0, "2012")
    assert rows["pm25", "mean"].complies is True
    assert rows["o3", "p90"].limit_value == 160.0
    assert (rows["o3", "mean"].limit_value, rows["o3", "mean"].complies) == (None, None)
    assert summary.complies is True
    assert summary.aqi_edition == "hj633-2012"


def test_one_pollutant_above_its_limit_fails_the_year() -> None:
    start = dt.date(2017, 1, 1)
    rows, summary = found("year", start, days(start, 365, **(FULL | {"no2": 41.0})))
    assert rows["no2", "mean"].complies is False
    assert rows["no2", "p98"].complies is True
    assert summary.complies is False


def test_year_without_324_days_has_values_and_no_verdict() -> None:
    start = dt.date(2017, 1, 1)
    rows, summary = found("year", start, days(start, 323, **FULL))
    assert rows["pm25", "mean"].value == pytest.approx(35.4)
    assert (rows["pm25", "mean"].valid, rows["pm25", "mean"].complies) == (False, None)
    assert summary.complies is None


def test_running_year_is_judged_by_the_day_of_the_judgement() -> None:
    start = dt.date(2026, 1, 1)
    before, early = found("year", start, days(start, 30, **FULL), as_of=dt.date(2026, 2, 28))
    after, _ = found("year", start, days(start, 30, **FULL), as_of=dt.date(2026, 3, 1))
    assert (before["pm25", "mean"].limit_value, after["pm25", "mean"].limit_value) == (35.0, 30.0)
    assert early.days == 59


def test_days_are_counted_by_level_under_the_edition_of_each_day() -> None:
    rows = days(dt.date(2026, 2, 27), 4, **(FULL | {"pm25": 75.0}))
    _, summary = found("quarter", dt.date(2026, 1, 1), rows)
    assert summary.days_by_level == [0, 2, 2, 0, 0, 0]  # 75 is 100 to 2026-02-28, then 114
    assert (summary.good_days, summary.good_day_ratio) == (2, 50.0)
    assert summary.primary_days == {"o3": 2, "pm25": 4}


def test_period_without_days_has_no_values() -> None:
    rows, summary = found("month", dt.date(2017, 1, 1), days(dt.date(2017, 1, 1), 0))
    assert {row.value for row in rows.values()} == {None}
    assert (summary.valid_days, summary.good_day_ratio, summary.primary_days) == (0, None, {})
