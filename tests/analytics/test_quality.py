from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import quality, quality_reading, screening
from analytics.quality import QUALITY_LIMITS, combined, explanation
from analytics.quality_hour import (
    LOOK_AHEAD_H,
    LOOK_BACK_H,
    HourGrid,
    drift_flags,
    hour_quality,
    lasting,
    neighbours,
    plane_positions,
    spatial_flags,
)
from analytics.quality_reading import ReadingSeries, reading_quality, spike_flags
from domain.error import ConfigurationError
from domain.family import AIR
from domain.flag import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT
from domain.quality_table import channels, column_floors, instrument_kinds, load_thresholds, quality_tests
from domain.screening_table import screening_limits

NAN = float("nan")
FLOORS = [floor.spike_floor for floor in column_floors()]


def _spikes(values: list[float], floor: float = 60, step_s: int = 3600) -> list[int]:
    count = len(values)
    times = step_s * np.arange(count)
    found = spike_flags([floor], np.zeros(count, int), times, step_s, values=np.array(values)[:, None])
    return found[:, 0].tolist()


def test_a_spike_is_found_and_a_front_is_not() -> None:
    assert _spikes([20, 22, 21, 23, 20, 400, 21, 22, 20, 21, 23])[5] == SUSPECT
    assert set(_spikes([20.0] * 10 + [400.0] * 10)) <= {GOOD, NOT_EVALUATED}
    assert _spikes([20, 22, 21, 23, 20, 75, 21, 22, 20, 21, 23])[5] == GOOD  # below the floor
    noisy = [170, 150, 190, 160, 180, 260, 175, 165, 170, 150, 185]
    assert _spikes([float(value) for value in noisy])[5] == GOOD  # less than 60 % above the median
    assert _spikes([20, 400, 20]) == [NOT_EVALUATED] * 3
    # the first hours of a front stand out from the median, but their neighbour stands out too
    assert _spikes([20, 22, 21, 23, 20, 400, 380, 22, 20, 21, 23])[5:7] == [GOOD, GOOD]
    assert _spikes([20, 22, 21, 23, 20, NAN, 21, 22, 20, 21, 23])[5] == NOT_EVALUATED


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 24), st.one_of(st.just(NAN), st.integers(0, 900).map(float))),
        max_size=25,
        unique_by=lambda row: row[:2],
    )
)
def test_spike_agrees_with_loops(rows: list[tuple[int, int, float]]) -> None:
    devices = [row[0] for row in rows]
    times = [3600 * row[1] for row in rows]
    values = np.array([row[2] for row in rows], dtype=float).reshape(-1, 1)
    found = spike_flags([60], devices, times, 3600, values=values)[:, 0].tolist()
    for at, (device, hour, value) in enumerate(rows):
        line = sorted(row for row in rows if row[0] == device)
        place = next(index for index, row in enumerate(line) if row[1] == hour)
        near = [
            row[2]
            for row in line[max(place - 5, 0) : place] + line[place + 1 : place + 6]
            if abs(row[1] - hour) <= 10 and not np.isnan(row[2])
        ]
        beside = [
            row[2]
            for row in line[max(place - 1, 0) : place] + line[place + 1 : place + 2]
            if abs(row[1] - hour) <= 10 and not np.isnan(row[2])
        ]
        if np.isnan(value) or len(near) < 6:
            assert found[at] == NOT_EVALUATED
            continue
        centre = median(near)
        spread = 1.4826 * median(abs(other - centre) for other in near)
        away = abs(value - centre)
        doubtful = away > 60 and away > 8 * spread and all(abs(value - other) > away / 2 for other in beside)
        assert found[at] == (SUSPECT if doubtful else GOOD)


def test_gap() -> None:
    assert quality_reading.gap_flags([1, 1, 1, 2], [0, 60, 300, 310], 60).tolist() == [
        NOT_EVALUATED,
        GOOD,
        SUSPECT,
        NOT_EVALUATED,
    ]
    assert quality_reading.gap_flags([1, 1], [150, 0], [60, 60]).tolist() == [
        GOOD,
        NOT_EVALUATED,
    ]  # exactly 2.5 intervals


def test_clock() -> None:
    skews = np.array([0, 300, 301, 600, -900, -901, NAN])
    assert quality_reading.clock_flags(1e9 + skews, 1e9).tolist() == [
        *(GOOD, GOOD, SUSPECT, SUSPECT, GOOD, SUSPECT, NOT_EVALUATED)
    ]
    assert quality_reading.clock_flags([0.0], [99999.0], steady=[False]).tolist() == [GOOD]
    assert quality_reading.clock_flags([0.0, 0.0], [4500.0, 4501.0], spans_s=3600).tolist() == [GOOD, SUSPECT]


def test_what_comes_faster_than_it_was_measured_was_sent_from_a_memory() -> None:
    def steady(groups: object, times: np.ndarray, received: np.ndarray) -> list[bool]:
        return quality_reading.steadily_received(groups, times, 60, received_s=received).tolist()

    times, one = 60 * np.arange(6), np.zeros(6, int)
    assert steady(one, times, times + 7200.0) == [True] * 6
    burst = np.array([9000.0, 9000.1, 9000.2, 9000.3, 9060.0, 9120.0])
    assert steady(one, times, burst) == [False] * 4 + [True] * 2
    assert steady(np.arange(6), times, burst) == [False] * 6  # six devices: nothing to tell a pace by
    assert steady(one, times * 10, times * 10 + 7200.0) == [False] * 6  # too far apart to tell


def test_rate() -> None:
    def rates(values: list[float], step_s: int) -> list[int]:
        count = len(values)
        times = step_s * np.arange(count)
        return quality_reading.rate_flags([400], np.zeros(count, int), times, values=np.array(values)[:, None])[
            :, 0
        ].tolist()

    # 250 in half an hour is 500 an hour; the reading before the step is only half an hour older for one of them
    minutes = [20.0] * 40 + [270.0] * 40
    found = rates(minutes, 60)
    assert found[:30] == [NOT_EVALUATED] * 30 and found[30:40] == [GOOD] * 10
    assert found[41:70] == [SUSPECT] * 29 and found[71:] == [GOOD] * 9
    assert SUSPECT not in rates([20.0] * 40 + [900.0] + [20.0] * 40, 60)  # a spike is no change
    assert rates([20, 20, 20, 419, 800, 800], 3600) == [NOT_EVALUATED, *[GOOD] * 5]
    assert rates([20, 20, 20, 421, 900, 900], 3600)[3:5] == [SUSPECT, SUSPECT]
    assert rates([20, 900], 5401) == [NOT_EVALUATED] * 2


SERIES = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 40), st.one_of(st.just(NAN), st.integers(0, 900).map(float))),
    max_size=30,
    unique_by=lambda row: row[:2],
)


def _line(rows: list[tuple[int, int, float]], device: int) -> list[tuple[int, float]]:
    return sorted((row[1], row[2]) for row in rows if row[0] == device)


@settings(deadline=None, max_examples=60)
@given(SERIES)
def test_rate_and_gap_agree_with_loops(rows: list[tuple[int, int, float]]) -> None:
    """Readings every ten minutes, some missing."""
    devices, times = [row[0] for row in rows], [600 * row[1] for row in rows]
    values = np.array([row[2] for row in rows], dtype=float).reshape(-1, 1)
    rates = quality_reading.rate_flags([400], devices, times, values=values)[:, 0].tolist()
    gaps = quality_reading.gap_flags(devices, times, 600).tolist()
    for at, (device, slot, value) in enumerate(rows):
        line = _line(rows, device)
        place = [known for known, _ in line].index(slot)
        apart = slot - line[place - 1][0] if place else None
        assert gaps[at] == (NOT_EVALUATED if apart is None else SUSPECT if apart > 2.5 else GOOD)

        def smooth(where: int, line: list[tuple[int, float]] = line) -> float:
            if np.isnan(line[where][1]) or not 0 < where < len(line) - 1:
                return line[where][1]
            near = sorted(other for _, other in line[where - 1 : where + 2] if not np.isnan(other))
            return median(near)

        older = [where for where, (known, _) in enumerate(line) if slot - known >= 3]
        earlier = older[-1] if older else None
        if np.isnan(value) or earlier is None or slot - line[earlier][0] > 9 or np.isnan(line[earlier][1]):
            assert rates[at] == NOT_EVALUATED
            continue
        change = abs(smooth(place) - smooth(earlier)) / ((slot - line[earlier][0]) * 600) * 3600
        assert rates[at] == (SUSPECT if change > 400 else GOOD)


def test_wet_air() -> None:
    assert quality_reading.dew_spread(20, 50) == pytest.approx(20 - 9.26, abs=0.02)  # psychrometric tables
    assert quality_reading.humidity_flags([20, 20, 20, NAN, NAN, 20], [90, 90.5, 100, 50, 95, NAN]).tolist() == [
        GOOD,
        SUSPECT,
        SUSPECT,
        GOOD,
        SUSPECT,
        NOT_EVALUATED,
    ]


def test_channels_and_particle_sizes() -> None:
    assert quality_reading.channel_flags([10, 10, 100, 40, 10], [15, 30, 130, 80, NAN]).tolist() == [
        GOOD,
        SUSPECT,
        GOOD,
        SUSPECT,
        NOT_EVALUATED,
    ]
    assert quality_reading.cross_flags([50, 65, 66, 240, 241, NAN], [50, 50, 50, 200, 200, 10]).tolist() == [
        GOOD,
        GOOD,
        SUSPECT,
        GOOD,
        SUSPECT,
        NOT_EVALUATED,
    ]


def test_neighbours() -> None:
    places = [[0, 0], [1000, 0], [0, 1000], [1000, 1000], [500, 500], [90000, 0], [NAN, 0]]
    near = neighbours(places)
    assert [sorted(row.tolist()) for row in near[:2]] == [[1, 2, 3, 4], [0, 2, 3, 4]] and not len(near[5])
    values = np.array([[50, 52, 48, 51, 200, 400, 1], [50, 52, 48, NAN, 55, 10, 1], [50, NAN, NAN, 51, 200, 1, 1]])
    found = spatial_flags(near, values, 40)
    assert found[0].tolist() == [GOOD] * 4 + [SUSPECT, NOT_EVALUATED, NOT_EVALUATED]
    assert found[1].tolist() == [GOOD] * 3 + [NOT_EVALUATED, GOOD, NOT_EVALUATED, NOT_EVALUATED]
    assert found[2].tolist() == [NOT_EVALUATED] * 7
    with pytest.raises(ValueError, match="expected"):
        spatial_flags(near[:2], values, 40)
    with pytest.raises(ValueError, match=r"\(s, 2\)"):
        neighbours([1, 2, 3])
    apart = neighbours(places, [True, True, True, True, False, True, True])
    assert not len(apart[4]) and 4 not in np.concatenate(apart)


def test_places_that_coincide_still_leave_the_site_out() -> None:
    found = spatial_flags(neighbours(np.zeros((12, 2))), [[500.0] + [50.0] * 11], 40)
    assert found[0].tolist() == [SUSPECT] + [GOOD] * 11


def test_only_doubt_that_lasts_counts() -> None:
    doubt, missing = SUSPECT, NOT_EVALUATED
    column = [doubt, doubt, GOOD, doubt, doubt, doubt, missing, doubt, doubt, missing, doubt, doubt, doubt, doubt]
    found = lasting(np.array([column, [GOOD] * 14], np.uint8).T, 3)
    assert found[:, 0].tolist() == [
        *(GOOD, GOOD, GOOD, doubt, doubt, doubt, missing, GOOD, GOOD, missing, doubt, doubt, doubt, doubt)
    ]
    assert (found[:, 1] == GOOD).all()


def test_degrees_become_metres() -> None:
    places = plane_positions([111.0, 111.0, 112.0, NAN], [37.0, 38.0, 37.0, NAN])
    assert np.hypot(*(places[1] - places[0])) == pytest.approx(111_195, rel=1e-3)  # a degree of latitude
    assert np.hypot(*(places[2] - places[0])) == pytest.approx(111_195 * np.cos(np.radians(37.33)), rel=1e-3)
    assert np.isnan(places[3]).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.just(NAN), st.integers(0, 300).map(float)), min_size=6, max_size=6))
def test_neighbours_agree_with_loops(row: list[float]) -> None:
    found = spatial_flags(neighbours([[at * 100, 0] for at in range(6)]), [row], 40)[0].tolist()
    for at, value in enumerate(row):
        near = [other for place, other in enumerate(row) if place != at and not np.isnan(other)]
        if np.isnan(value) or len(near) < 3:
            assert found[at] == NOT_EVALUATED
            continue
        centre = median(near)
        spread = 1.4826 * median(abs(other - centre) for other in near)
        assert found[at] == (SUSPECT if abs(value - centre) > max(40, 6 * spread, 0.6 * centre) else GOOD)


def test_drift_is_a_lasting_change_of_the_relation_to_the_neighbours() -> None:
    hours, near = 24 * 12, neighbours([[at * 100, 0] for at in range(5)])
    chance = np.random.default_rng(7)
    shared = 60 + 30 * np.sin(np.arange(hours) / 9)
    values = shared[:, None] * chance.normal(1, 0.05, (hours, 5)) * [1, 1.2, 0.8, 1.1, 0.9]
    assert SUSPECT not in drift_flags(near, values, (10, 1.4))
    values[24 * 9 :, 2] *= 1.8
    found = drift_flags(near, values, (10, 1.4))
    assert (found == SUSPECT).any(axis=0).tolist() == [False, False, True, False, False]
    first = int(np.argmax(found[:, 2] == SUSPECT))
    assert 24 * 9 + 23 <= first <= 24 * 9 + 26  # half of the last two days is enough
    assert (found[: 24 * 4, 2] == NOT_EVALUATED).all()  # fewer than four days before
    values[24 * 9 :, 2] = NAN
    assert (drift_flags(near, values, (10, 1.4))[24 * 9 :, 2] == NOT_EVALUATED).all()
    assert (drift_flags(near, values[:24], (10, 1.4)) == NOT_EVALUATED).all()
    assert drift_flags(near, values[:0], (10, 1.4)).shape == (0, 5)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6))
def test_drift_agrees_with_loops(seed: int) -> None:
    chance, hours, sites = np.random.default_rng(seed), 24 * 7, 5
    values = 50 * np.exp(chance.normal(0, 0.5, (hours, sites)).cumsum(axis=0) * 0.05)
    values[chance.random((hours, sites)) < 0.25] = NAN
    near = neighbours([[at * 100, 0] for at in range(sites)])
    found = drift_flags(near, values, (10, 1.4))

    def relation(hour: int, site: int) -> float:
        others = [values[hour, other] for other in range(sites) if other != site and not np.isnan(values[hour, other])]
        if hour < 0 or np.isnan(values[hour, site]) or len(others) < 3:
            return NAN
        return float(np.log((values[hour, site] + 10) / (median(others) + 10)))

    for hour, site in [(int(each), int(other)) for each, other in chance.integers((96, 0), (hours, sites), (25, 2))]:

        def middle(last: int, count: int, least: int, site: int = site) -> float:
            known = [relation(each, site) for each in range(max(last - count + 1, 0), last + 1)]
            known = [each for each in known if not np.isnan(each)]
            return median(known) if len(known) >= least else NAN

        recent = middle(hour, 48, 24)
        before = [day for back in range(7) if not np.isnan(day := middle(hour - 48 - 24 * back, 24, 12))]
        if np.isnan(values[hour, site]) or np.isnan(recent) or len(before) < 4:
            assert found[hour, site] == NOT_EVALUATED
            continue
        spread = 1.4826 * median(abs(day - median(before)) for day in before)
        moved = abs(recent - median(before))
        assert found[hour, site] == (SUSPECT if moved > max(np.log(1.4), 4 * spread) else GOOD)


def test_hours_with_one_value_for_long_are_found_whole() -> None:
    hours = 40
    lows = np.arange(hours * 2 * AIR.width, dtype=float).reshape(hours, 2, AIR.width) % 97
    highs = lows + 1
    pm25, calm = AIR.position("pm25"), AIR.position("wind_speed")
    lows[10:23, 0, pm25] = highs[10:23, 0, pm25] = 35.5  # 13 hours: from the first to the last start 12
    lows[10:22, 1, pm25] = highs[10:22, 1, pm25] = 35.5  # an hour less
    lows[:, 1, calm] = highs[:, 1, calm] = 0
    lows[30, 1] = highs[30, 1] = NAN
    grid = HourGrid(3600 * np.arange(hours), lows, lows, highs, np.full((2, 2), NAN), np.ones(2, bool))
    result = hour_quality(grid)
    assert np.argwhere(result.failed).tolist() == [[at, 0, pm25] for at in range(10, 23)]
    assert (result.failed[10:23, 0, pm25] == screening.PERSISTENCE).all()
    assert (result.flags[10:23, 0, pm25] == SUSPECT).all() and (result.flags[30, 1] == MISSING).all()
    assert (LOOK_BACK_H, LOOK_AHEAD_H) == (216, 72)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(0, 150))
def test_an_hour_is_judged_alike_in_every_grid_that_is_long_enough(seed: int, length: int, low: int) -> None:
    chance, hours, sites = np.random.default_rng(seed), 480, 6
    means = 60 * np.exp(chance.normal(0, 0.5, (hours, 1, AIR.width)).cumsum(axis=0) * 0.05)
    means = means * chance.uniform(0.9, 1.1, (hours, sites, AIR.width))
    means[300:, 1] *= 2.5  # a drift
    means[230:, 2][:, [0, 1]] = means[230:, 2][:, [1, 0]]  # two inputs
    for site, begin, count in zip(*chance.integers((0, 150, 1), (sites, hours, 110), (40, 3)).T.tolist(), strict=True):
        means[begin : begin + count, site, chance.integers(AIR.width)] = 77.0
        means[begin : begin + count % 7, (site + 1) % sites] *= 4  # unlike the neighbours for some hours
    means[chance.random(means.shape) < 0.02] = NAN
    places = 1000.0 * np.column_stack((np.arange(sites), np.zeros(sites)))

    def judged(first: int, last: int) -> quality.Quality:
        own = means[first:last]
        return hour_quality(HourGrid(3600 * np.arange(first, last), own, own, own, places, np.ones(sites, bool)))

    whole, first = judged(0, hours), LOOK_BACK_H + low
    part = judged(first - LOOK_BACK_H, min(first + length + LOOK_AHEAD_H, hours))
    inside = slice(LOOK_BACK_H, LOOK_BACK_H + length)
    assert (part.failed[inside] == whole.failed[first : first + length]).all()
    assert (part.flags[inside] == whole.flags[first : first + length]).all()
    every = screening.PERSISTENCE | quality.SPATIAL
    assert np.bitwise_or.reduce(whole.failed, axis=None) & every == every


def test_one_flag_and_all_reasons() -> None:
    values = np.full((2, AIR.width), NAN)
    values[:, AIR.position("pm25")] = 99999, 300
    screened = screening.screening(screening_limits("air"), [1, 2], [0, 0], values=values)
    wet = np.array([[SUSPECT], [SUSPECT]], np.uint8)
    good = np.full(values.shape, NOT_EVALUATED, np.uint8)
    found = {quality.HUMIDITY: wet, quality.SPATIAL: [good, wet], quality.SPIKE: good, quality.GAP: wet}
    result = combined(screened.flags, screened.failed, found)
    assert result.flags[:, 0].tolist() == [FAIL, SUSPECT]
    both = quality.HUMIDITY | quality.SPATIAL | quality.GAP
    assert result.failed[:, 0].tolist() == [screening.RANGE | both, both]
    assert (result.flags[:, 1:] == MISSING).all()
    assert not result.failed[:, 1:].any()
    # a gap is a note: it is in the mask and doubts nothing
    noted = combined(result.flags * 0 + np.uint8(GOOD), np.zeros(values.shape, np.int16), {quality.GAP: wet})
    assert (noted.flags == GOOD).all() and (noted.failed == quality.GAP).all()


def test_explanations() -> None:
    assert explanation(0) == "未发现异常。" and explanation(0, english=True) == "nothing found"
    assert explanation(quality.GAP | screening.RANGE) == "数值超出仪器或自然界可能的范围；此前数据中断。"
    assert explanation(quality.CROSS | screening.STEP, english=True) == (
        "it differs too much from the value before; finer particles exceed the coarser ones that contain them"
    )
    assert quality.names(quality.SPIKE | screening.RANGE) == ("量程", "尖峰")
    for test in quality_tests():
        module = screening if test.bit < 16 else quality
        assert getattr(module, test.key.upper()) == test.bit
        assert explanation(test.bit) == test.sentence_zh + "。"
        assert explanation(test.bit, english=True) == test.sentence
    with pytest.raises(ValueError, match="16384"):
        explanation(16384)


def _series(values: np.ndarray, **changed: object) -> ReadingSeries:
    count = len(values)
    times = 60 * np.arange(count)
    given = {
        "device": np.zeros(count, np.int64),
        "times_s": times,
        "spans_s": np.full(count, 60),
        "received_s": times + 62.0,
        "intervals_s": np.full(count, 60),
        "values": values,
        "marks": np.full(values.shape, ord("N"), np.uint8),
        "optical": np.ones(count, bool),
        "first": np.full(values.shape, NAN),
        "second": np.full(values.shape, NAN),
    }
    return ReadingSeries(**(given | changed))  # type: ignore[arg-type]


def test_all_tests_of_readings_together() -> None:
    pm25, pm10, tsp = (AIR.position(key) for key in ("pm25", "pm10", "tsp"))
    values = np.full((120, AIR.width), NAN)
    values[:, pm25], values[:, pm10] = 30 + np.arange(120) % 3, 60 + np.arange(120) % 5
    values[:, AIR.position("humidity")], values[:, AIR.position("temperature")] = 50, 15
    assert not reading_quality(_series(values)).failed.any()

    values[30, pm25] = 300  # spike, and above PM10
    values[40, pm10] = -20  # impossible
    values[50, AIR.position("humidity")] = 95
    values[60, tsp] = 10  # PM10 above TSP
    marks = np.full(values.shape, ord("N"), np.uint8)
    marks[70, pm10] = ord("M")
    first, second = np.full((2, *values.shape), NAN)
    first[80, pm25], second[80, pm25] = 20, 60
    received = 60.0 * np.arange(120) + 62
    received[90] += 5000
    result = reading_quality(_series(values, marks=marks, first=first, second=second, received_s=received))
    found = {(row, column): result.failed[row, column] for row, column in np.argwhere(result.failed).tolist()}
    wet = AIR.position("humidity")
    assert {place: int(mask) for place, mask in found.items() if place[0] != 90} == {
        (30, pm25): quality.SPIKE | quality.CROSS,
        (30, pm10): quality.CROSS,
        (40, pm10): screening.RANGE | quality.CROSS,
        (40, pm25): quality.CROSS,
        (50, pm25): quality.HUMIDITY,
        (50, pm10): quality.HUMIDITY,
        (50, wet): quality.SPIKE,
        (60, pm10): quality.CROSS,
        (60, tsp): quality.CROSS,
        (70, pm10): screening.MARK,
        (80, pm25): quality.CHANNEL,
    }
    assert {int(mask) for place, mask in found.items() if place[0] == 90} == {quality.CLOCK}
    assert result.flags[[30, 40, 70], [pm25, pm10, pm10]].tolist() == [SUSPECT, FAIL, FAIL]
    dry = reading_quality(_series(values, optical=np.zeros(120, bool)))
    assert not (dry.failed & quality.HUMIDITY).any()


def test_series_of_one_device_do_not_mix() -> None:
    values = np.full((80, AIR.width), NAN)
    values[:40, 0], values[40:, 0] = 30, 400  # minutes, and hour means of another level
    times = np.concatenate((60 * np.arange(40), 3600 * np.arange(-40, 0)))
    spans = np.repeat([60, 3600], 40)
    result = reading_quality(_series(values, times_s=times, spans_s=spans, intervals_s=spans, received_s=times + NAN))
    assert not result.failed.any()
    assert reading_quality(_series(values[:0], **{"times_s": times[:0]})).flags.shape == (0, AIR.width)


def test_clean_hours_are_quiet_and_injected_faults_found() -> None:
    chance = np.random.default_rng(4)
    hours, sites = 2000, 9
    walk = np.cumsum(chance.normal(0, 1, hours))
    shared = 80 + 40 * np.sin(np.arange(hours) / 12) + 20 * (walk - walk.min()) / np.ptp(walk)
    values = shared[:, None] * chance.normal(1, 0.08, (hours, sites))
    places = chance.uniform(0, 8000, (sites, 2))
    devices, times = np.tile(np.arange(sites), hours), np.repeat(3600 * np.arange(hours), sites)

    def spikes() -> np.ndarray:
        found = spike_flags([FLOORS[0]], devices, times, 3600, values=values.reshape(-1, 1))
        return found.reshape(hours, sites) == SUSPECT

    assert spikes().mean() < 0.001
    assert (spatial_flags(neighbours(places), values, 40) == SUSPECT).mean() < 0.001
    rows = np.arange(50, hours, 100)
    values[rows, 3] += 500
    assert spikes()[rows, 3].all()
    assert (spatial_flags(neighbours(places), values, 40)[rows, 3] == SUSPECT).all()


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "quality.csv"
    head = "parameter,value,unit,source,confidence\n"
    path.write_text(head + "a,1,s,x,mem\na,2,s,x,mem\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="twice"):
        load_thresholds(path)
    path.write_text(head + "a,0,s,x,mem\nb,1,s,x,sure\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"(?s)line 2, column value.*line 3, column confidence"):
        load_thresholds(path)
    assert QUALITY_LIMITS.humidity == 90
    assert set(instrument_kinds()) >= {"ambient", "micro", "park"} and instrument_kinds()["micro"].optical
    assert [row.column for row in channels()] == ["pm25", "pm10"]
