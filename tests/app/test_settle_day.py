"""Days of sites and areas, their indices and editions, by hand-worked cases."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from app.job.day import area_days, site_days
from app.job.index import index_rows
from domain.family import AIR
from domain.period import midnight
from domain.standard import validity
from store.statistic import DAY_COLUMNS, DayRows, HourRows

DAY = dt.date(2016, 5, 1)
PM25, O3 = AIR.position("pm25"), AIR.position("o3")


def hours(site: str, day: dt.date, values: dict[int, list[float]]) -> HourRows:
    """24 hours of one day; columns not given are missing."""
    table = np.full((24, AIR.width), np.nan)
    for column, series in values.items():
        table[: len(series), column] = series
    start = int(midnight(day).timestamp())
    return HourRows([site] * 24, start + 3600 * np.arange(24), table, np.full(table.shape, 60), ["1" * AIR.width] * 24)


def test_day_needs_20_hours() -> None:
    twenty = site_days(hours("a", DAY, {PM25: [30.0] * 20}), {("a", DAY)}, validity())
    assert twenty.values[0, DAY_COLUMNS.index("pm25")] == 30.0
    assert twenty.hours[0].tolist() == [20, 0, 0, 0, 0, 0]
    nineteen = site_days(hours("a", DAY, {PM25: [30.0] * 19}), {("a", DAY)}, validity())
    assert np.isnan(nineteen.values[0, DAY_COLUMNS.index("pm25")])


def test_ozone_day_with_few_windows_counts_when_it_exceeds_the_limit() -> None:
    low = site_days(hours("a", DAY, {O3: [100.0] * 12}), {("a", DAY)}, validity())
    high = site_days(hours("a", DAY, {O3: [170.0] * 12}), {("a", DAY)}, validity())
    at = DAY_COLUMNS.index("o3_8h")
    assert np.isnan(low.values[0, at])
    assert high.values[0, at] == 170.0
    assert high.windows.tolist() == [7]  # windows ending 08:00 to 14:00 hold at least 6 of the 12 hours
    assert high.hours[0, 5] == 12


def test_days_not_wanted_are_left_out() -> None:
    assert site_days(hours("a", DAY, {PM25: [1.0] * 24}), {("b", DAY)}, validity()).sites == []


def test_day_is_the_local_one() -> None:
    rows = hours("a", DAY, {PM25: [1.0] * 24})
    assert rows.hours_s[0] == int(dt.datetime(2016, 4, 30, 16, tzinfo=dt.UTC).timestamp())
    assert site_days(rows, {("a", DAY)}, validity()).days == [DAY]


def test_area_day_is_the_mean_of_valid_site_days() -> None:
    values = np.full((3, len(DAY_COLUMNS)), np.nan)
    values[:, 0] = (10.0, 25.0, np.nan)
    values[:2, DAY_COLUMNS.index("o3_8h")] = (100.0, 161.0)
    counts = np.array([[24] * 6, [21, 24, 24, 24, 24, 22], [3] * 6])
    rows = area_days(
        {"county": ("a", "b", "c")}, DayRows(["a", "b", "c"], [DAY] * 3, values, counts, np.array([17, 15, 0]))
    )
    assert (rows.sites, rows.days) == (["county"], [DAY])
    assert rows.values[0, 0] == 17.5
    assert rows.values[0, DAY_COLUMNS.index("o3_8h")] == 130.5
    assert rows.hours[0, :2].tolist() == [21, 0]
    assert rows.windows.tolist() == [15]


@pytest.mark.parametrize(
    ("day", "edition", "iaqi"),
    [(dt.date(2026, 2, 28), "hj633-2012", 100), (dt.date(2026, 3, 1), "hj633-2026", 114)],
)
def test_edition_follows_the_local_date(day: dt.date, edition: str, iaqi: int) -> None:
    columns = {column: np.array([np.nan]) for column in DAY_COLUMNS}
    columns["pm25"] = np.array([75.0])
    rows = index_rows("day", [day], columns)
    assert rows.editions == [edition]
    assert rows.iaqi[0][0] == iaqi
    assert rows.iaqi[0][1:] == (None,) * 6


def test_incomplete_day_of_2026_publishes_an_aqi_only_above_100() -> None:
    columns = {column: np.array([np.nan, np.nan]) for column in DAY_COLUMNS}
    columns["pm25"] = np.array([60.0, 61.0])
    rows = index_rows("day", [dt.date(2026, 4, 1)] * 2, columns)
    assert rows.aqi == [None, 101]
    assert rows.aqi_available == [100, 101]
    assert rows.level == [None, 3]
    assert rows.primary == [[], ["pm25"]]


def test_ozone_is_named_once_when_both_its_indices_lead() -> None:
    columns = {column: np.array([10.0]) for column in DAY_COLUMNS}
    columns |= {"co": np.array([0.5]), "o3_8h": np.array([160.0]), "o3_1h": np.array([200.0])}
    assert index_rows("day", [DAY], columns).primary == [["o3"]]
