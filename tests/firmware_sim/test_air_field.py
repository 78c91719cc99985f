"""The simulated air: repeatable, plausible, with its episode."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.period import DAY_S, HOUR_S, ZONE
from firmware_sim.air import concentrations
from firmware_sim.episode import SUDDEN_RISE_S, Episode, winter_episode
from firmware_sim.noise import constant, drift, normal, uniform
from firmware_sim.weather import Sky

SITES = ("ningxiang", "jinluo", "zhike", "wujiazhuang")
START = int(dt.datetime(2025, 1, 1, tzinfo=ZONE).timestamp())
YEAR = np.arange(START, START + 365 * DAY_S, HOUR_S, dtype=np.int64)


def daily(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 24).mean(axis=1)


def test_uniform_numbers_are_uniform_and_normal_ones_normal() -> None:
    indexes = np.arange(200_000, dtype=np.int64)
    even, bell = uniform(1, "a", indexes), normal(1, "a", indexes)
    assert 0.0 < even.min() < even.max() < 1.0
    assert np.allclose(np.histogram(even, 10, (0, 1))[0] / 20_000, 1.0, atol=0.05)
    assert abs(bell.mean()) < 0.01 and abs(bell.std() - 1.0) < 0.01
    assert abs(np.corrcoef(bell, normal(1, "b", indexes))[0, 1]) < 0.01
    assert abs(np.corrcoef(bell[1:], bell[:-1])[0, 1]) < 0.01


def test_drift_keeps_its_value_for_its_period_and_has_variance_one() -> None:
    times = np.arange(0, 2000 * DAY_S, HOUR_S, dtype=np.int64)
    values = drift(3, "x", times, DAY_S)
    assert abs(values.std() - 1.0) < 0.05
    assert np.corrcoef(values[1:], values[:-1])[0, 1] > 0.98
    assert abs(np.corrcoef(values[48:], values[:-48])[0, 1]) < 0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**40), st.integers(-(2**31), 2**31), st.integers(1, 300))
def test_any_window_is_the_same_wherever_it_is_cut(seed: int, start: int, length: int) -> None:
    times = start + np.arange(length, dtype=np.int64) * 60
    whole = concentrations(Sky(seed), "s", "ambient", times)
    part = concentrations(Sky(seed), "s", "ambient", times[length // 2 :])
    for name, values in part.items():
        assert np.array_equal(values, whole[name][length // 2 :]), name


def test_another_seed_is_other_weather() -> None:
    one, other = (concentrations(Sky(seed), "s", "ambient", YEAR[:200]) for seed in (1, 2))
    assert not np.allclose(one["pm25"], other["pm25"])


@pytest.mark.parametrize("seed", [1, 7, 42, 1000])
def test_a_year_is_plausible(seed: int) -> None:
    fields = [concentrations(Sky(seed), site, "ambient", YEAR) for site in SITES]
    mean = {name: float(np.mean([field[name].mean() for field in fields])) for name in fields[0]}
    assert 26.0 <= mean["pm25"] <= 36.0
    assert 50.0 <= mean["pm10"] <= 85.0
    assert 6.0 <= mean["so2"] <= 20.0
    assert 12.0 <= mean["no2"] <= 35.0
    assert 0.4 <= mean["co"] <= 1.1
    assert 5.0 <= mean["temperature"] <= 12.0
    assert 875.0 <= mean["pressure"] <= 900.0
    assert 1.2 <= mean["wind_speed"] <= 2.6
    for field in fields:
        assert all(np.isfinite(values).all() for values in field.values())
        assert (field["pm25"] <= field["pm10"]).all()
        assert min(field[name].min() for name in ("pm25", "so2", "no2", "co", "o3")) > 0.0
        assert 0.0 <= field["wind_direction"].min() <= field["wind_direction"].max() < 360.0
        assert 10.0 <= field["humidity"].min() <= field["humidity"].max() <= 99.0
        assert 150.0 <= field["o3"].max() <= 300.0
        winter, summer = field["so2"][: 60 * 24].mean(), field["so2"][150 * 24 : 240 * 24].mean()
        assert winter > 1.5 * summer
        july = field["o3"].reshape(-1, 24)[181:212].mean(axis=0)
        assert 13 <= int(july.argmax()) <= 18
        assert field["pm25"][: 60 * 24].mean() > 1.5 * field["pm25"][150 * 24 : 240 * 24].mean()


@pytest.mark.parametrize("seed", [1, 7, 42, 1000])
def test_every_january_has_its_episode(seed: int) -> None:
    episode = winter_episode(seed, 2025)
    times = np.arange(episode.start_s + episode.rise_s, episode.end_s - 10 * HOUR_S, HOUR_S, dtype=np.int64)
    field = concentrations(Sky(seed), SITES[0], "ambient", times)
    assert 150.0 < field["pm25"].mean() < 400.0
    first = dt.datetime.fromtimestamp(episode.start_s, ZONE)
    assert (first.year, first.month) == (2025, 1)
    polluted = daily(concentrations(Sky(seed), SITES[0], "ambient", YEAR)["pm25"]) > 150.0
    assert 2 <= polluted.sum() <= 8


def test_episode_asked_for_changes_nothing_before_it_and_fills_the_air_within_the_hour() -> None:
    start = START + 200 * DAY_S
    times = np.arange(start - DAY_S, start + 4 * HOUR_S, 60, dtype=np.int64)
    usual = concentrations(Sky(5), "s", "ambient", times)
    bad = concentrations(Sky(5, (Episode(start, SUDDEN_RISE_S),)), "s", "ambient", times)
    before = times <= start
    for name in usual:
        assert np.array_equal(usual[name][before], bad[name][before]), name
    assert bad["pm25"][times >= start + SUDDEN_RISE_S].min() > 115.0


def test_sites_differ_but_share_the_weather() -> None:
    one, other = (concentrations(Sky(3), site, "ambient", YEAR) for site in SITES[:2])
    assert np.corrcoef(one["pm25"], other["pm25"])[0, 1] > 0.9
    assert abs(one["no2"].mean() / other["no2"].mean() - 1.0) > 0.01
    assert constant(3, "traffic@ningxiang") != constant(3, "traffic@jinluo")
