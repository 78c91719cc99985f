"""Hours of sites and areas by hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from app.job.hour import area_hours, site_hours
from domain.family import AIR
from domain.flag import FAIL, GOOD, MISSING, SUSPECT, from_text
from store.settlement import HourClaim
from store.site_reading import SiteReadings
from store.statistic import HourRows

HOUR = 1_451_577_600  # 2016-01-01 00:00 in Beijing
PM25, O3, DIRECTION = AIR.position("pm25"), AIR.position("o3"), AIR.position("wind_direction")

Row = tuple[int, int, int, dict[int, float], dict[int, int]]


def minutes(device: int, first: int, last: int, value: float, *, span: int = 60, flag: int = GOOD) -> list[Row]:
    """Readings of pm25 that start at minutes first..last-1 of the hour."""
    return [(device, HOUR + 60 * at, span, {PM25: value}, {PM25: flag}) for at in range(first, last)]


def settled(rows: list[Row], intervals: tuple[int, ...] = (60, 60), hours: tuple[int, ...] = (HOUR,)) -> HourRows:
    """The hours of one site whose devices, in order of preference, have these intervals."""
    values = np.full((len(rows), AIR.width), np.nan)
    flags = np.full((len(rows), AIR.width), MISSING, dtype=np.uint8)
    for at, (_, _, _, found, marked) in enumerate(rows):
        for column, value in found.items():
            values[at, column], flags[at, column] = value, marked.get(column, GOOD)
    claim = HourClaim((1,), ("a",), np.zeros(len(hours), dtype=np.int64), np.array(hours, dtype=np.int64))
    readings = SiteReadings(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        values,
        flags,
        np.zeros(len(intervals), dtype=np.int64),
        np.array(intervals, dtype=np.int64),
    )
    return site_hours(claim, readings, 45)


def pm25(rows: HourRows) -> tuple[float, int, str]:
    return float(rows.values[0, PM25]), int(rows.minutes[0, PM25]), rows.flags[0][PM25]


def test_hour_needs_45_minutes() -> None:
    assert pm25(settled(minutes(0, 0, 45, 30.0))) == (30.0, 45, "1")
    value, used, flag = pm25(settled(minutes(0, 0, 44, 30.0)))
    assert np.isnan(value)
    assert (used, flag) == (44, "9")


def test_claimed_hour_without_readings_is_an_empty_row() -> None:
    rows = settled([])
    assert np.isnan(rows.values).all()
    assert rows.flags == ["9" * AIR.width]
    assert not rows.minutes.any()


def test_preferred_device_wins_only_where_it_is_valid() -> None:
    both = minutes(0, 0, 60, 10.0) + minutes(1, 0, 60, 20.0)
    assert pm25(settled(both))[0] == 10.0
    assert pm25(settled(minutes(0, 0, 30, 10.0) + minutes(1, 0, 60, 20.0)))[0] == 20.0
    ozone = [(1, HOUR, 3600, {O3: 80.0}, {})]
    rows = settled(both + ozone)
    assert (rows.values[0, PM25], rows.values[0, O3]) == (10.0, 80.0)


def test_hour_frame_outranks_minutes_and_minutes_outrank_instants() -> None:
    frame: list[Row] = [(0, HOUR, 3600, {PM25: 50.0}, {})]
    instants = minutes(0, 0, 60, 70.0, span=0)
    assert pm25(settled(instants))[0] == 70.0
    assert pm25(settled(instants + minutes(0, 0, 60, 60.0)))[0] == 60.0
    assert pm25(settled(instants + minutes(0, 0, 60, 60.0) + frame))[0] == 50.0


def test_failed_hour_frame_gives_way_to_its_minutes() -> None:
    frame: list[Row] = [(0, HOUR, 3600, {PM25: 50.0}, {PM25: FAIL})]
    assert pm25(settled(frame + minutes(0, 0, 60, 60.0)))[0] == 60.0


def test_source_of_preferred_device_outranks_hour_frame_of_next() -> None:
    frame: list[Row] = [(1, HOUR, 3600, {PM25: 50.0}, {})]
    assert pm25(settled(frame + minutes(0, 0, 60, 70.0, span=0)))[0] == 70.0


def test_instant_stands_for_the_interval_of_its_device() -> None:
    five: list[Row] = [(0, HOUR + 300 * at, 0, {PM25: float(at)}, {}) for at in range(9)]
    assert pm25(settled(five, intervals=(300,))) == (4.0, 45, "1")
    assert pm25(settled(five, intervals=(60,)))[1] == 9


def test_one_suspect_reading_makes_the_hour_suspect_and_a_failed_one_is_left_out() -> None:
    doubted = minutes(0, 0, 59, 30.0) + minutes(0, 59, 60, 90.0, flag=SUSPECT)
    value, used, flag = pm25(settled(doubted))
    assert value == pytest.approx(31.0)
    assert (used, flag) == (60, str(SUSPECT))
    assert pm25(settled(minutes(0, 0, 50, 30.0) + minutes(0, 50, 60, 999.0, flag=FAIL))) == (30.0, 50, "1")


def test_suspect_reading_of_a_source_not_chosen_leaves_no_trace() -> None:
    frame: list[Row] = [(0, HOUR, 3600, {PM25: 50.0}, {})]
    assert pm25(settled(frame + minutes(0, 0, 60, 90.0, flag=SUSPECT))) == (50.0, 60, "1")


def test_hours_and_sites_do_not_mix() -> None:
    claim = HourClaim((1,), ("a", "b"), np.array([0, 1, 0]), np.array([HOUR, HOUR, HOUR + 3600]))
    values = np.full((3, AIR.width), np.nan)
    values[:, PM25] = (1.0, 2.0, 3.0)
    readings = SiteReadings(
        np.array([1, 0, 0]),
        np.array([HOUR, HOUR, HOUR + 3600]),
        np.array([3600, 3600, 3600]),
        values,
        np.full((3, AIR.width), GOOD, dtype=np.uint8),
        np.array([0, 1]),
        np.array([60, 60]),
    )
    rows = site_hours(claim, readings, 45)
    assert rows.sites == ["a", "b", "a"]
    assert rows.values[:, PM25].tolist() == [2.0, 1.0, 3.0]


def test_area_hour_is_the_mean_of_valid_sites() -> None:
    values = np.full((3, AIR.width), np.nan)
    values[:, PM25] = (10.0, 30.0, np.nan)
    values[:2, DIRECTION] = (350.0, 30.0)
    used = np.full((3, AIR.width), 60)
    used[1, PM25] = 48
    flags = ["1" * AIR.width, "3" + "1" * (AIR.width - 1), "9" * AIR.width]
    rows = area_hours({"county": ("a", "b", "c")}, HourRows(["a", "b", "c"], np.full(3, HOUR), values, used, flags))
    assert rows.sites == ["county"]
    assert rows.values[0, PM25] == 20.0
    assert rows.values[0, DIRECTION] == pytest.approx(10.0)
    assert np.isnan(rows.values[0, O3])
    assert (rows.minutes[0, PM25], rows.minutes[0, O3]) == (48, 0)
    assert from_text(rows.flags, AIR.width)[0, [PM25, DIRECTION, O3]].tolist() == [SUSPECT, GOOD, MISSING]
