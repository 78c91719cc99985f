"""Twelve rolling months and three years in the real database, against a slow exact oracle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from test_settle_database import AREA, Network

from analytics.period_evaluation import EvaluatedPeriod
from app.job.rolling import rolling_periods, rolling_rows, settle_rolling
from store.connection import connect
from store.dust import CleanDays
from store.statistic import DAY_COLUMNS, DayRows

NOW = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2023, 1, 1), dt.date(2026, 11, 22)
PM10 = DAY_COLUMNS.index("pm10")


@pytest.fixture
def network(database: Any) -> Iterator[Network]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Network(owner, app)


def exact_percentile(values: list[int], percent: int) -> Fraction:
    """HJ 663-2013 annex A: k = 1 + (n - 1) p, between the values at its whole parts."""
    ordered = sorted(values)
    rank = 1 + (len(ordered) - 1) * Fraction(percent, 100)
    whole = int(rank)
    if whole == len(ordered):
        return Fraction(ordered[-1])
    return ordered[whole - 1] + (rank - whole) * (ordered[whole] - ordered[whole - 1])


def test_periods_that_are_over() -> None:
    periods = rolling_periods(dt.date(2026, 11, 23))
    assert [period.label for period in periods][-2:] == ["2025-11..2026-10", "2023..2025"]
    assert len(periods) == 13 and periods[0].label == "2024-12..2025-11"
    # On the first day of a month the month before is over.
    assert rolling_periods(dt.date(2026, 12, 1))[-2].label == "2025-12..2026-11"
    assert rolling_periods(dt.date(2027, 1, 1))[-2].label == "2026-01..2026-12"


def test_means_and_percentiles_are_exact_and_rewritten(network: Network) -> None:
    days = [FIRST + dt.timedelta(days=at) for at in range((LAST - FIRST).days + 1)]
    values = {day: 20 + (at * 37) % 101 for at, day in enumerate(days)}
    missing = {day for day in days if day.year == 2024 and day.month == 2 and day.day <= 5}  # 24 days left: too few
    network.owner.cursor().executemany(
        "insert into air_day (site_id, day, pm10, hours, edition)"
        " values (%s, %s, %s, array[0, 24, 0, 0, 0, 0]::smallint[], 'hj633-2012')",
        [(AREA, day, None if day in missing else float(value)) for day, value in values.items()],
    )
    network.owner.execute(
        "insert into day_without_dust (site_id, day, pm10, dust_hours) values (%s, '2026-04-01', 10, 4)", (AREA,)
    )
    counted = settle_rolling(network.app, NOW)
    assert counted == {"written": 13 * 2} == settle_rolling(network.app, NOW)

    def stored(kind: str, start: str, statistic: str) -> Any:
        return network.app.execute(
            "select value, published, without_dust_value, valid_days, days, valid, limit_value, limit_edition"
            " from rolling_statistic where site_id = %s and kind = %s and start = %s and statistic = %s",
            (AREA, kind, start, statistic),
        ).fetchone()

    year = [value for day, value in values.items() if dt.date(2025, 11, 1) <= day < dt.date(2026, 11, 1)]
    mean = stored("rolling12", "2025-11-01", "mean")
    assert mean[0] == pytest.approx(float(Fraction(sum(year), len(year))), rel=1e-14)
    lower = sum(year) - values[dt.date(2026, 4, 1)] + 10
    assert mean[2] == pytest.approx(float(Fraction(lower, len(year))), rel=1e-14)
    assert mean[3:] == (365, 365, True, 60.0, "2026-transitional")
    high = stored("rolling12", "2025-11-01", "p95")
    assert high[0] == pytest.approx(float(exact_percentile(year, 95)), rel=1e-14)
    assert stored("rolling12", "2024-12-01", "mean")[2] is None  # no dust in it
    three = [value for day, value in values.items() if day.year <= 2025 and day not in missing]
    found = stored("three-years", "2023-01-01", "p95")
    assert found[0] == pytest.approx(float(exact_percentile(three, 95)), rel=1e-14)
    assert found[3:6] == (1096 - 5, 1096, False)


def test_a_pollutant_without_a_valid_day_has_no_row() -> None:
    period = EvaluatedPeriod("rolling12", "x", dt.date(2025, 1, 1), dt.date(2026, 1, 1))
    values = np.full((1, len(DAY_COLUMNS)), np.nan)
    none = np.empty((0, 2))
    days = DayRows(["a"], [dt.date(2025, 3, 1)], values, np.zeros((1, 6), dtype=np.int64), np.zeros(1, dtype=np.int64))
    assert rolling_rows("a", period, days, CleanDays([], [], none, [])) == []
    values[0, PM10] = 44.5
    mean, percentile = rolling_rows("a", period, days, CleanDays([], [], none, []))
    assert (mean.value, mean.published, mean.valid_days, mean.valid) == (44.5, 44.0, 1, False)
    assert percentile.statistic == "p95" and percentile.value == 44.5
    # The only day is lost to dust: nothing is left to average.
    (lost, _) = rolling_rows("a", period, days, CleanDays(["a"], [dt.date(2025, 3, 1)], np.full((1, 2), np.nan), [9]))
    assert lost.value == 44.5 and lost.without_dust_value is None
