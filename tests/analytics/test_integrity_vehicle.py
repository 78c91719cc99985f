"""Vehicles and micro stations: each check by hand, its edges, and what must not be a verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.integrity import Check
from analytics.integrity_micro import selective_cleaning
from analytics.integrity_stream import frozen_stream, implausible_stream, lamp_on, silent_moving
from analytics.integrity_vehicle import filter_gone, nox_not_reduced, reagent_frozen, reagent_jumps

#: Begins a block of ten minutes.
START = 1_795_003_200
NAN = float("nan")


def minutes(count: int) -> np.ndarray:
    return START + 60 * np.arange(count, dtype=np.int64)


def nox(up: np.ndarray | float, down: np.ndarray | float, temperature: np.ndarray | float, count: int = 60) -> Check:
    limits = {"least_temperature": 250, "least_upstream": 100, "largest_ratio": 0.8, "least_minutes": 30}
    columns = [np.broadcast_to(np.asarray(one, dtype=float), count) for one in (up, down)]
    warm = np.broadcast_to(np.asarray(temperature, dtype=float), count)
    return nox_not_reduced(minutes(count), *columns, temperature=warm, **limits)


def test_a_catalyst_that_does_nothing() -> None:
    down = np.full(60, 50.0)
    down[10:50] = 450.0
    check = nox(500.0, down, 300.0)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 600, START + 2940)
    assert found.figures == pytest.approx({"ratio_percent": 90.0, "minutes": 40.0})
    assert nox(500.0, 450.0, 249.0).verdict == "undetermined"
    assert nox(90.0, 85.0, 300.0).verdict == "undetermined"
    assert nox(NAN, 450.0, 300.0).verdict == "undetermined"
    # A cold quarter of an hour says nothing and ends nothing.
    temperature = np.full(60, 300.0)
    temperature[20:30] = 200.0
    assert nox(500.0, down, temperature).found[0].figures["minutes"] == 30.0
    assert nox(500.0, 50.0, 300.0).verdict == "compliant"


def test_a_reagent_level_that_does_not_fall() -> None:
    way = 1000.0 + np.arange(300) * 0.8
    level = 60.0 - np.floor(np.arange(300) / 15) * 0.4
    assert reagent_frozen(minutes(300), level, way, least_km=100).verdict == "compliant"
    level[100:] = level[100]
    (found,) = reagent_frozen(minutes(300), level, way, least_km=100).found
    assert found.last_s == START + 299 * 60
    assert found.figures["km"] >= 150
    assert reagent_frozen(minutes(100), level[:100], way[:100], least_km=100).verdict == "undetermined"
    assert reagent_frozen(minutes(300), np.full(300, NAN), way, least_km=100).verdict == "undetermined"


def test_reagent_levels_that_jump() -> None:
    level = np.full(60, 40.0)
    level[30:] = 95.0
    assert reagent_jumps(minutes(60), level, least_step=10, refills=2).verdict == "compliant"
    level[40:45] = 20.0
    (found,) = reagent_jumps(minutes(60), level, least_step=10, refills=2).found
    assert (found.first_s, found.last_s) == (START + 39 * 60, START + 40 * 60)
    assert found.figures == {"jumps": 1.0, "value": 75.0}
    level[50:52] = 20.0
    assert reagent_jumps(minutes(60), level, least_step=10, refills=2).found[0].figures["jumps"] == 5.0
    # Between readings an hour apart a tank may have been filled, or emptied by use.
    assert (
        reagent_jumps(START + 3600 * np.arange(3), [90.0, 50.0, 95.0], least_step=10, refills=2).verdict
        == "undetermined"
    )


def test_a_filter_that_is_gone() -> None:
    limits = {"least_air": 300, "largest_pressure": 0.3, "least_minutes": 30}
    pressure = np.full(60, 2.0)
    assert filter_gone(minutes(60), pressure, np.full(60, 500.0), **limits).verdict == "compliant"
    pressure[20:] = 0.1
    (found,) = filter_gone(minutes(60), pressure, np.full(60, 500.0), **limits).found
    assert (found.first_s, found.last_s) == (START + 1200, START + 3540)
    assert found.figures == pytest.approx({"value": 0.1, "air": 500.0, "minutes": 40.0})
    assert filter_gone(minutes(60), pressure, np.full(60, 200.0), **limits).verdict == "undetermined"


def test_a_frozen_stream() -> None:
    values = np.arange(60.0)
    running = np.ones(60, dtype=bool)
    assert frozen_stream(minutes(60), values, running=running, least_minutes=20).verdict == "compliant"
    values[10:31] = 5.0
    (found,) = frozen_stream(minutes(60), values, running=running, least_minutes=20).found
    assert (found.first_s, found.last_s) == (START + 600, START + 1800)
    assert found.figures == {"value": 5.0, "minutes": 20.0}
    running[12:31] = False
    assert frozen_stream(minutes(60), values, running=running, least_minutes=20).verdict == "compliant"
    assert frozen_stream(minutes(10), values[:10], running=running[:10], least_minutes=20).verdict == "undetermined"


def stream(speed: np.ndarray, engine: np.ndarray, way: np.ndarray) -> Check:
    limits = {"least_minutes": 10, "least_km": 20, "largest_share": 0.3}
    return implausible_stream(minutes(len(speed)), speed, engine, odometer=way, **limits)


def test_impossible_streams() -> None:
    speed, engine, way = np.full(120, 60.0), np.full(120, 1200.0), np.arange(120.0)
    assert stream(speed, engine, way).verdict == "compliant"
    without = engine.copy()
    without[30:50] = 0.0
    assert stream(speed, without, way).found[0].figures == {"what": "engine", "minutes": 20.0}
    back = way.copy()
    back[60:] -= 50.0
    assert {"what": "odometer", "back_km": 49.0} in [one.figures for one in stream(speed, engine, back).found]
    (found,) = stream(speed * 0.5, engine, way).found
    assert (found.figures["what"], found.figures["odometer_km"]) == ("way", 119.0)
    assert found.figures["speed_km"] == pytest.approx(59.5)
    nothing = np.full(120, NAN)
    assert stream(nothing, nothing, nothing).verdict == "undetermined"


def test_a_lamp_that_stays_on() -> None:
    lamp, way = np.full(240, NAN), np.arange(240.0)
    lamp[::60] = [0.0, 1.0, 1.0, 0.0]
    (found,) = lamp_on(minutes(240), lamp, way, least_minutes=60).found
    assert (found.first_s, found.last_s) == (START + 3600, START + 179 * 60)
    assert found.figures == {"minutes": 119.0, "km": 119.0}
    lamp[120] = 0.0
    assert lamp_on(minutes(240), lamp, way, least_minutes=60).verdict == "compliant"
    assert lamp_on(minutes(240), np.full(240, NAN), way, least_minutes=60).verdict == "undetermined"


def silence(times: np.ndarray, way: list[float], east: list[float]) -> Check:
    north = np.full(len(times), 37.3)
    return silent_moving(times, way, longitude=east, latitude=north, least_minutes=30, least_km=5)


def test_driving_in_silence() -> None:
    times = START + np.array([0, 60, 3660, 3720])
    (found,) = silence(times, [100.0, 101.0, 131.0, 132.0], [NAN] * 4).found
    assert (found.first_s, found.last_s, dict(found.figures)) == (
        START + 60,
        START + 3660,
        {"minutes": 60.0, "km": 30.0},
    )
    # Without an odometer the place tells: a tenth of a degree east is 8.8 km at 37.3° north.
    (found,) = silence(times, [NAN] * 4, [111.1, 111.1, 111.2, 111.2]).found
    assert found.figures["km"] == pytest.approx(8.845, abs=0.01)
    assert silence(times, [100.0, 101.0, 101.0, 102.0], [111.1] * 4).verdict == "compliant"
    assert silence(times, [NAN] * 4, [NAN] * 4).verdict == "undetermined"
    assert silence(times[:1], [100.0], [111.1]).verdict == "undetermined"


@given(st.lists(st.tuples(st.integers(1, 120), st.integers(0, 20)), min_size=1, max_size=30))
def test_silence_agrees_with_a_loop(steps: list[tuple[int, int]]) -> None:
    times = START + 60 * np.cumsum([0, *(step[0] for step in steps)])
    way = np.cumsum([0.0, *(float(step[1]) for step in steps)])
    found = silence(times, way.tolist(), [NAN] * len(times)).found
    assert [one.figures["minutes"] for one in found] == [gap for gap, km in steps if gap >= 30 and km >= 5]


HOURS = START + 3600 * np.arange(72, dtype=np.int64)


def washed(*, pm10: float = 0.5, gas: float = 1.0, humidity: float = 10.0, stations: int = 4, last: int = 70) -> Check:
    noise = np.random.default_rng(2)
    around = np.stack([np.full((stations, 72), level) for level in (80.0, 60.0, 30.0)])
    around *= 1 + 0.03 * noise.normal(size=around.shape)
    own = np.array([96.0, 58.0, 33.0])[:, None] * (1 + 0.02 * noise.normal(size=(3, 72)))
    own[0, 66:last] *= pm10
    own[1, 66:last] += humidity
    own[2, 66:last] *= gas
    limits = {"largest_ratio": 0.6, "gas_ratio": 0.75, "least_humidity": 5, "least_neighbours": 3, "least_hours": 2}
    return selective_cleaning(HOURS, own, around, judged=np.arange(72) >= 48, usual_hours=24, **limits)


def test_a_station_washed_alone() -> None:
    (found,) = washed().found
    assert (found.first_s, found.last_s) == (int(HOURS[66]), int(HOURS[70]) - 1)
    figures = dict(found.figures)
    assert figures["ratio_percent"] == pytest.approx(50, abs=3)
    assert figures["gas_percent"] == pytest.approx(100, abs=5)
    assert figures["humidity"] == pytest.approx(10, abs=3)
    assert figures["hours"] == 4


def test_what_looks_like_washing_and_is_not() -> None:
    assert washed(pm10=0.7).verdict == "compliant"
    assert washed(gas=0.5).verdict == "compliant"
    assert washed(humidity=0.0).verdict == "compliant"
    assert washed(last=67).verdict == "compliant"
    assert washed(stations=2).verdict == "undetermined"
    limits = {"largest_ratio": 0.6, "gas_ratio": 0.75, "least_humidity": 5, "least_neighbours": 1, "least_hours": 2}
    nothing = selective_cleaning(
        HOURS, np.full((3, 72), NAN), np.ones((3, 2, 72)), judged=np.arange(72) >= 48, usual_hours=24, **limits
    )
    assert nothing.verdict == "undetermined"
