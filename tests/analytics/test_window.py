"""Time windows of the plan: by hand at every edge, hour by hour against a slow oracle; no weather, no verdict."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.window import (
    HUMIDITY,
    IN_FORCE,
    NOT_MET,
    OUTSIDE,
    RAIN,
    SKY,
    UNDETERMINED,
    Weather,
    all_window_rows,
    window_rows,
    window_state,
    within_window,
)
from domain.county import load_county
from domain.period import ZONE

WINDOWS = {window.id: window for window in load_county("zhongyang").time_windows}
WETTING, SPRAYING = WINDOWS["road_wetting"], WINDOWS["voc_spraying"]


def hours_from(start: dt.datetime, count: int) -> np.ndarray:
    return int(start.timestamp()) + 3600 * np.arange(count)


def weather(count: int, **given_: float | list[float]) -> Weather:
    dry = {"rain_mm": 0.0, "humidity": 30.0, "clear": 1.0} | given_
    return Weather(
        **{name: np.broadcast_to(np.asarray(value, dtype=float), count).copy() for name, value in dry.items()}
    )


def local(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=ZONE)


def test_a_dry_day_of_may_by_hand() -> None:
    # Clause 18: 1 May to 30 September, 10:00 to 19:00, no rain, humidity up to 50 %.
    hours = hours_from(local(2025, 5, 1), 24)
    state = window_state(WETTING, hours, weather(24))
    assert np.flatnonzero(state.states == IN_FORCE).tolist() == list(range(10, 19))
    (row,) = window_rows(WETTING, hours, weather(24))
    assert (row.start, row.end, row.state, row.kind) == (local(2025, 5, 1, 10), local(2025, 5, 1, 19), IN_FORCE, "do")
    assert row.reason_zh == "5月1日至9月30日10:00—19:00，无降水，相对湿度不高于50%：应执行"
    assert not (window_state(WETTING, hours - 86400, weather(24)).states != OUTSIDE).any(), "30 April"
    last = hours_from(local(2025, 9, 30, 18), 2)
    assert window_state(WETTING, last, weather(2)).states.tolist() == [IN_FORCE, OUTSIDE]


def test_weather_ends_and_begins_rows() -> None:
    hours = hours_from(local(2025, 7, 1, 9), 8)
    rain = [0, 0, 0.2, 0, 0, np.nan, 0, 0]
    humidity = [30, 50, 30, 50.1, np.nan, 60, np.nan, 40]
    rows = window_rows(WETTING, hours, weather(8, rain_mm=rain, humidity=humidity))
    assert [(row.start.hour, row.end.hour, row.state) for row in rows] == [
        (10, 11, IN_FORCE), (11, 12, NOT_MET), (12, 13, NOT_MET), (13, 14, UNDETERMINED), (14, 15, NOT_MET),
        (15, 16, UNDETERMINED), (16, 17, IN_FORCE),
    ]  # fmt: skip
    assert [row.reason_zh.split("，", 1)[1] for row in rows[1:4]] == [
        "有降水，条件不满足", "相对湿度高于50%，条件不满足", "相对湿度无数据，无法判定",
    ]  # fmt: skip


def test_sky_and_kinds() -> None:
    hours = hours_from(local(2025, 8, 1, 12), 3)
    sky = weather(3, clear=[1, 0, np.nan], rain_mm=5.0)
    assert window_state(SPRAYING, hours, sky).states.tolist() == [IN_FORCE, NOT_MET, UNDETERMINED]
    assert window_rows(SPRAYING, hours, sky)[0].reason_zh.endswith("晴天：禁止")
    rows = all_window_rows(tuple(WINDOWS.values()), hours, sky)
    assert [row.window for row in rows[:4]] == list(WINDOWS)
    assert rows[0].reason_zh.endswith("有降水，条件不满足")
    assert {row.kind for row in rows} == {"do", "forbid", "avoid"}


def test_a_gap_and_a_half_hour() -> None:
    hours = np.concatenate([hours_from(local(2025, 7, 1, 10), 2), hours_from(local(2025, 7, 1, 14), 1)])
    assert [(row.start.hour, row.end.hour) for row in window_rows(WETTING, hours, weather(3))] == [(10, 12), (14, 15)]
    half = dataclasses.replace(WETTING, from_hour=dt.time(10, 30), to_hour=dt.time(18, 30))
    (row,) = window_rows(half, hours_from(local(2025, 7, 1), 24), weather(24))
    assert (row.start, row.end) == (local(2025, 7, 1, 10, 30), local(2025, 7, 1, 18, 30))
    assert window_rows(WETTING, [], Weather.unknown(0)) == ()


def test_a_season_over_the_turn_of_the_year() -> None:
    winter = dataclasses.replace(WETTING, first_day=(11, 15), last_day=(3, 15))
    days = [(2024, 11, 14), (2024, 11, 15), (2025, 1, 1), (2025, 3, 15), (2025, 3, 16)]
    hours = [int(local(*day, 12).timestamp()) for day in days]
    assert within_window(winter, hours).tolist() == [False, True, True, True, False]


MEASURED = st.tuples(
    st.sampled_from([0.0, 0.1, np.nan]), st.sampled_from([20.0, 50.0, 51.0, np.nan]), st.sampled_from([0, 1, np.nan])
)


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@given(
    st.datetimes(dt.datetime(2023, 12, 1), dt.datetime(2025, 12, 31)),  # noqa: DTZ001 - local, the zone follows
    st.lists(MEASURED, max_size=30),
)
def test_every_hour_agrees_with_the_words_of_the_plan(window, moment: dt.datetime, measured: list) -> None:
    start = moment.replace(minute=0, second=0, microsecond=0, tzinfo=ZONE)
    hours = hours_from(start, len(measured))
    table = np.array(measured, dtype=float).reshape(-1, 3)
    found = window_state(window, hours, Weather(*table.T))
    for at, (rain, humidity, clear) in enumerate(table.tolist()):
        now = start + dt.timedelta(hours=at)
        day = (now.month, now.day)
        inside = window.first_day <= day <= window.last_day and window.from_hour <= now.time() < window.to_hour
        checks = []
        if window.no_rain:
            checks.append((RAIN, None if np.isnan(rain) else rain == 0))
        if window.humidity_max is not None:
            checks.append((HUMIDITY, None if np.isnan(humidity) else humidity <= window.humidity_max))
        if window.clear_sky:
            checks.append((SKY, None if np.isnan(clear) else clear == 1))
        failed = sum(bit for bit, holds in checks if holds is False)
        unknown = sum(bit for bit, holds in checks if holds is None)
        expected = OUTSIDE if not inside else NOT_MET if failed else UNDETERMINED if unknown else IN_FORCE
        assert found.states[at] == expected
        assert (found.failed[at], found.unknown[at]) == ((failed, unknown) if inside else (0, 0))
    rows = window_rows(window, hours, Weather(*table.T))
    assert sum((row.end - row.start).total_seconds() for row in rows) == 3600 * np.count_nonzero(found.states)
