from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.averaging import (
    HourlyMeans,
    daily_maximum,
    daily_mean,
    day_grids,
    hourly_mean,
    maximum_8h,
    running_mean,
)
from analytics.daily import area_mean, daily_values
from domain.period import day_start
from domain.standard import validity

NAN = float("nan")
H8 = 8 * 3600


def _minutes(count: int, *, start: int = 0, value: float = 10.0) -> HourlyMeans:
    times = start + 60 * np.arange(count)
    return hourly_mean(
        np.zeros(count, int),
        times,
        np.full(count, 60),
        values=np.full((count, 1), value),
        usable=np.ones((count, 1), bool),
        minimum_minutes=45,
    )


def test_45_minutes_make_an_hour_and_44_do_not() -> None:
    for count, valid in ((45, True), (44, False)):
        statistic = _minutes(count).statistic
        assert statistic.counts.tolist() == [[count]]
        assert statistic.valid.tolist() == [[valid]]
        assert statistic.values.tolist() == [[10.0]]
        assert np.isnan(statistic.valid_values).tolist() == [[not valid]]


def test_groups_by_device_and_hour_in_order() -> None:
    result = hourly_mean(
        [7, 3, 7, 3],
        [3600, 7200, 3660, 60],
        [60, 60, 60, 60],
        values=[[1.0], [2.0], [3.0], [4.0]],
        usable=np.ones((4, 1), bool),
        minimum_minutes=1,
    )
    assert result.devices.tolist() == [3, 3, 7]
    assert result.hours_s.tolist() == [0, 7200, 3600]
    assert result.statistic.values.tolist() == [[4.0], [2.0], [2.0]]


def test_spans_weigh_and_overlaps_count_once() -> None:
    result = hourly_mean(
        [1, 1, 1],
        [0, 1800, 2400],
        [1800, 1200, 1200],  # half an hour, then twenty minutes, then twenty more that overlap ten of them
        values=[[10.0], [40.0], [40.0]],
        usable=np.ones((3, 1), bool),
        minimum_minutes=45,
    )
    assert result.statistic.counts.tolist() == [[60.0]]
    assert result.statistic.values[0, 0] == pytest.approx((10 * 30 + 40 * 20 + 40 * 20) / 70)


def test_a_reading_stays_in_the_hour_in_which_it_starts() -> None:
    result = hourly_mean([1], [3300], [600], values=[[5.0]], usable=[[True]], minimum_minutes=45)
    assert (result.hours_s.tolist(), result.statistic.counts.tolist()) == ([0], [[5.0]])


def test_hourly_value_passes_unchanged_and_days_are_left_out() -> None:
    result = hourly_mean(
        [1, 1], [0, 0], [3600, 86400], values=[[0.1], [99.0]], usable=[[True], [True]], minimum_minutes=45
    )
    assert result.statistic.values.tolist() == [[0.1]]
    assert result.statistic.counts.tolist() == [[60.0]]


def test_unusable_and_missing_values_leave_the_mean_and_the_minutes() -> None:
    result = hourly_mean(
        [1, 1, 1],
        [0, 60, 120],
        [60, 60, 60],
        values=[[1.0, NAN], [100.0, NAN], [3.0, NAN]],
        usable=[[True, True], [False, True], [True, True]],
        minimum_minutes=2,
    )
    assert result.statistic.values[0, 0] == 2.0
    assert np.isnan(result.statistic.values[0, 1])
    assert result.statistic.counts.tolist() == [[2.0, 0.0]]
    assert result.statistic.valid.tolist() == [[True, False]]


def test_instants_stand_for_their_interval() -> None:
    result = hourly_mean(
        np.zeros(12, int), 300 * np.arange(12), np.zeros(12, int),
        values=np.arange(12.0)[:, None], usable=np.ones((12, 1), bool), minimum_minutes=45, instant_cover_s=300,
    )  # fmt: skip
    assert (result.statistic.counts[0, 0], result.statistic.values[0, 0]) == (60.0, 5.5)


def test_no_readings_give_no_hours_and_a_negative_span_is_refused() -> None:
    empty = np.zeros(0, int)
    result = hourly_mean(
        empty, empty, empty, values=np.zeros((0, 2)), usable=np.zeros((0, 2), bool), minimum_minutes=45,
        speed_column=0, direction_column=1,
    )  # fmt: skip
    assert result.statistic.values.shape == (0, 2)
    with pytest.raises(ValueError, match="-60"):
        hourly_mean([1], [0], [-60], values=[[1.0]], usable=[[True]], minimum_minutes=45)


@pytest.mark.parametrize(
    ("speeds", "directions", "expected"),
    [
        ([1, 1], [350, 20], 5.0),
        ([1, 1], [350, 10], 0.0),
        ([3, 1], [90, 0], math.degrees(math.atan2(3, 1))),
        ([0, 2], [90, 0], 0.0),
        ([NAN, 2], [90, 0], 0.0),
        ([NAN, NAN], [80, 100], 90.0),
        ([0, 0], [80, 100], NAN),
        ([1, 1], [0, 180], NAN),
        ([1, 1], [180, 270], 225.0),
    ],
)
def test_wind_direction_is_a_vector_mean(speeds: list[float], directions: list[float], expected: float) -> None:
    result = hourly_mean(
        [1, 1],
        [0, 60],
        [60, 60],
        values=np.column_stack([speeds, directions]).astype(float),
        usable=np.ones((2, 2), bool),
        minimum_minutes=1,
        speed_column=0,
        direction_column=1,
    )
    direction = result.statistic.values[0, 1]
    assert direction == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert not direction < 0
    assert not direction >= 360


Reading = tuple[int, int, int, int, bool]
READINGS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 3 * 3600 - 1), st.sampled_from([0, 60, 300, 600, 3600]),
        st.integers(0, 5000), st.booleans(),
    ),
    max_size=40,
)  # fmt: skip


def _slow_hours(readings: list[Reading]) -> dict[tuple[int, int], tuple[Fraction | None, int]]:
    """Mean and covered seconds per device and hour, second by second."""
    result: dict[tuple[int, int], tuple[Fraction | None, int]] = {}
    for device, hour in {(device, time // 3600) for device, time, *_ in readings}:
        covered: set[int] = set()
        weights = total = Fraction(0)
        for other, time, span, value, used in readings:
            if other == device and time // 3600 == hour and used:
                seconds = range(time, min(time + (span or 120), (hour + 1) * 3600))
                covered.update(seconds)
                weights += len(seconds)
                total += len(seconds) * Fraction(value, 10)
        result[device, hour * 3600] = (total / weights if weights else None, len(covered))
    return result


@settings(max_examples=80, deadline=None)
@given(READINGS)
def test_agrees_with_a_count_of_seconds(readings: list[Reading]) -> None:
    expected = _slow_hours(readings)
    table = np.array([reading[:4] for reading in readings], dtype=np.int64).reshape(-1, 4)
    result = hourly_mean(
        table[:, 0],
        table[:, 1],
        table[:, 2],
        values=table[:, 3:] / 10,
        usable=np.array([reading[4] for reading in readings], dtype=bool).reshape(-1, 1),
        minimum_minutes=45,
        instant_cover_s=120,
    )
    assert list(zip(result.devices.tolist(), result.hours_s.tolist(), strict=True)) == sorted(expected)
    statistic = result.statistic
    for at, key in enumerate(sorted(expected)):
        mean, seconds = expected[key]
        assert statistic.counts[at, 0] == pytest.approx(seconds / 60, abs=1e-9)
        assert statistic.values[at, 0] == pytest.approx(NAN if mean is None else float(mean), nan_ok=True, rel=1e-12)
        assert statistic.valid[at, 0] == (seconds >= 45 * 60)


def test_day_grids_follow_local_days() -> None:
    first = int(day_start(np.array([17000]))[0])
    sites, days, grid = day_grids([5, 5, 2], [first, first - 3600, first + 23 * 3600], [[1.0, 9.0], [2.0, 8.0], [3, 7]])
    assert (sites.tolist(), days.tolist()) == ([2, 5, 5], [17000, 16999, 17000])
    assert grid.shape == (3, 2, 24)
    assert (grid[0, 0, 23], grid[1, 0, 23], grid[2, 1, 0]) == (3.0, 2.0, 9.0)
    assert np.count_nonzero(~np.isnan(grid)) == 6


def test_20_hours_make_a_day() -> None:
    hours = np.full((2, 24), 30.0)
    hours[0, :4] = NAN
    hours[1, :5] = NAN
    result = daily_mean(hours, minimum_hours=20)
    assert result.counts.tolist() == [20, 19]
    assert result.valid.tolist() == [True, False]
    assert result.values.tolist() == [30.0, 30.0]
    assert np.isnan(daily_mean(np.full((1, 24), NAN), minimum_hours=20).values).all()


def test_maximum_8h_uses_the_17_windows_within_the_day() -> None:
    hours = np.zeros((1, 24))
    hours[0, :8] = 80.0
    result = maximum_8h(hours, minimum_hours=6, minimum_windows=14, limit=160)
    assert (result.values.tolist(), result.counts.tolist(), result.valid.tolist()) == ([80.0], [17], [True])
    hours[0, 8:] = np.arange(16) * 10.0
    assert maximum_8h(hours, minimum_hours=6, minimum_windows=14, limit=160).values.tolist() == [115.0]


def test_a_day_with_few_windows_counts_only_when_it_exceeds_the_limit() -> None:
    hours = np.full((3, 24), NAN)
    hours[:, 12:] = [[160.0], [161.0], [160.4]]  # 12 hours: windows ending 18 to 24, valid with 6 of 8
    result = maximum_8h(hours, minimum_hours=6, minimum_windows=14, limit=160)
    assert result.counts.tolist() == [7, 7, 7]
    assert result.valid.tolist() == [False, True, False]
    assert result.values.tolist() == [160.0, 161.0, 160.4]


@pytest.mark.parametrize(("hours_present", "windows"), [(19, 14), (18, 13)])
def test_14_windows_make_a_day_of_ozone(hours_present: int, windows: int) -> None:
    hours = np.full((1, 24), NAN)
    hours[0, :hours_present] = 50.0  # windows ending at 08:00 and later with at least 6 of 8 hours
    result = daily_values({"o3": hours}, rules=validity(), o3_limit=160.0)["o3_8h"]
    assert (result.counts[0], result.valid[0]) == (windows, windows == 14)


def test_six_of_eight_hours_make_a_window() -> None:
    hours = np.array([1.0, 2, 3, 4, 5, 6, NAN, NAN, NAN])
    result = running_mean(hours, minimum_hours=6)
    assert result.counts.tolist() == [6, 5]
    assert result.valid.tolist() == [True, False]
    assert result.values.tolist() == [3.5, 4.0]
    assert running_mean(hours[:7], minimum_hours=6).values.shape == (0,)


HOURS = st.lists(st.one_of(st.none(), st.integers(0, 4000)), min_size=24, max_size=24)


@settings(max_examples=100, deadline=None)
@given(HOURS)
def test_days_agree_with_loops(cells: list[int | None]) -> None:
    hours = np.array([[NAN if cell is None else cell / 10 for cell in cells]])
    rules = validity()
    days = daily_values({"no2": hours, "o3": hours}, rules=rules, o3_limit=160.0)
    present = [Fraction(cell, 10) for cell in cells if cell is not None]
    mean = float(sum(present) / len(present)) if present else NAN
    assert days["no2"].values[0] == pytest.approx(mean, nan_ok=True)
    assert days["no2"].valid[0] == (len(present) >= 20)
    assert days["o3_1h"].values[0] == pytest.approx(float(max(present)) if present else NAN, nan_ok=True)
    means = []
    for end in range(8, 25):
        window = [Fraction(cell, 10) for cell in cells[end - 8 : end] if cell is not None]
        if len(window) >= 6:
            means.append(sum(window) / len(window))
    assert days["o3_8h"].counts[0] == len(means)
    assert days["o3_8h"].values[0] == pytest.approx(float(max(means)) if means else NAN, nan_ok=True)
    assert days["o3_8h"].valid[0] == (len(means) >= 14 or (bool(means) and round(max(means)) > 160))


def test_daily_maximum_and_area_mean_skip_missing() -> None:
    assert daily_maximum(np.array([[NAN] * 23 + [4.0]]), minimum_hours=20).values.tolist() == [4.0]
    area = area_mean(np.array([[1.0, NAN, NAN], [3.0, 5.0, NAN]]))
    assert area[:2].tolist() == [2.0, 5.0]
    assert np.isnan(area[2])
