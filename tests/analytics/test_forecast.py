"""The statistical forecast: exact against slow oracles, blind to the future, honest about its errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from analytics.episode import rolling_daily_aqi
from analytics.forecast_interval import PARTS, interval_table
from analytics.forecast_model import FORECAST_KEYS, HistoryError, issuable, outcomes
from analytics.forecast_predictor import last_known, predictors, trailing_mean
from analytics.forecast_rolling import REACH_H, rolling_expectations, rolling_outcomes
from analytics.forecast_skill import Forecasts, climatology, persistence_hours, skill
from analytics.ridge import ridge_fit
from analytics.station_forecast import History, forecast_station, learn
from domain.standard import validity

Floats = npt.NDArray[np.float64]
NAN = np.nan
RULES = validity()
FIRST_S = 1_420_041_600  # 2015-01-01 00:00 in Beijing


def weather_and_air(days: int, seed: int = 1) -> History:
    """Air that a wind clears every few days, with gaps."""
    random = np.random.default_rng(seed)
    count = days * 24
    wind = np.zeros(count)
    level = np.zeros(count)
    for at in range(1, count):
        wind[at] = 0.97 * wind[at - 1] + random.normal(0, 0.6)
        level[at] = level[at - 1] + 0.03 * (60 - 25 * wind[at] - level[at - 1]) + random.normal(0, 3)
    clock = np.sin(2 * np.pi * np.arange(count) / 24)
    pm25 = np.maximum(level + 5 * clock, 1.0)
    hours = {
        "pm25": pm25,
        "pm10": 1.4 * pm25 + 10,
        "o3": np.maximum(80 - 0.3 * pm25 + 40 * clock, 1.0),
        **{key: np.abs(pm25 / 3) for key in ("so2", "no2")},
        "co": pm25 / 60,
        "temperature": 10 + 5 * clock,
        "humidity": np.clip(60 - 5 * wind, 5, 100),
        "pressure": 1010 + wind,
        "wind_speed": np.abs(wind),
        "wind_direction": np.where(wind > 0, 330.0, 170.0),
    }
    for series in hours.values():
        series[random.random(count) < 0.03] = NAN
    hours["pm25"][1000:1030] = NAN
    return History(FIRST_S, hours)


def test_ridge_equals_least_squares_on_augmented_rows_of_each_target() -> None:
    random = np.random.default_rng(3)
    design = np.column_stack([np.ones(60), random.normal(size=(60, 4))])
    targets = random.normal(size=(60, 3))
    targets[random.random(targets.shape) < 0.2] = NAN
    targets[:, 2] = NAN
    folds = np.arange(60) // 7 % 3
    penalties = np.array([[0, 0.1, 0.2, 0, 0.3]] * 3)
    found = ridge_fit(design, targets, folds, penalties=penalties)
    for at in range(2):
        for fold in (None, 0, 1, 2):
            kept = ~np.isnan(targets[:, at]) & (folds != fold if fold is not None else True)
            extra = np.diag(np.sqrt(penalties[at] * kept.sum()))
            system = np.vstack([design[kept], extra])
            exact = np.linalg.lstsq(system, np.concatenate([targets[kept, at], np.zeros(5)]), rcond=None)[0]
            if fold is None:
                assert found.weights[at] == pytest.approx(exact, abs=1e-6)
            else:
                rows = folds == fold
                assert found.held_out[rows, at] == pytest.approx(design[rows] @ exact, abs=1e-6)
    assert np.isnan(found.weights[2]).all() and np.isnan(found.held_out[:, 2]).all()


def test_trailing_means_and_last_known_by_hand() -> None:
    series = np.array([1.0, NAN, 3.0, NAN, NAN, 8.0])
    np.testing.assert_array_equal(trailing_mean(series, 2, 1.0), [NAN, NAN, NAN, NAN, NAN, NAN])
    np.testing.assert_array_equal(trailing_mean(series, 3), [NAN, NAN, 2.0, NAN, NAN, NAN])
    np.testing.assert_array_equal(trailing_mean(series, 2), [1.0, 1.0, 3.0, 3.0, NAN, 8.0])
    np.testing.assert_array_equal(last_known(series, 1), [1.0, 1.0, 3.0, 3.0, NAN, 8.0])


def test_outcomes_issue_times_and_persistence_by_hand() -> None:
    hours = {key: np.arange(40.0) for key in FORECAST_KEYS}
    hours["o3"][10:] = NAN
    assert outcomes(hours)[3, 0, :2].tolist() == [4.0, 5.0]
    assert np.isnan(outcomes(hours)[38, 0, 1:]).all() and outcomes(hours)[38, 0, 0] == 39.0
    assert issuable(hours)[[4, 5, 27, 28]].tolist() == [[False] * 3, [True] * 3, [True] * 3, [True, True, False]]
    same = persistence_hours(hours)
    assert same[30, 0, [0, 71]].tolist() == [30.0, 30.0]
    # Hour 30 + 1 is one day after hour 7, hour 30 + 24 after hour 30, which is missing.
    assert same[30, 2, 0] == 7.0 and same[30, 2, 24] == 7.0 and np.isnan(same[30, 2, 23])


def test_no_forecast_depends_on_anything_later() -> None:
    whole = weather_and_air(130)
    model, _ = learn([whole], "hj633-2012", RULES)
    row = 120 * 24 + 7
    cut = {key: np.concatenate((series[: row + 1], np.full(len(series) - row - 1, 999.0))) for key, series in
           whole.hours.items()}  # fmt: skip
    ours, theirs = (
        forecast_station(model, History(FIRST_S, hours), np.array([row]), RULES) for hours in (whole.hours, cut)
    )
    for name in ("hours", "hours_low", "hours_high", "rolling", "rolling_low", "rolling_high"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert not np.isnan(ours.hours).any() and not np.isnan(ours.rolling).any()


def test_blanked_years_do_not_reach_the_fit() -> None:
    whole = weather_and_air(140)
    kept = np.arange(len(whole)) < 110 * 24
    changed = History(FIRST_S, {key: np.where(kept, series, 777.0) for key, series in whole.hours.items()})
    one, other = (learn([history.only(kept)], "hj633-2012", RULES)[0] for history in (whole, changed))
    np.testing.assert_array_equal(one.hourly.weights, other.hourly.weights)
    np.testing.assert_array_equal(one.rolling.intervals.high, other.rolling.intervals.high)
    np.testing.assert_array_equal(one.hour_climate, other.hour_climate)


def test_beats_persistence_and_covers_on_hours_it_was_not_fitted_to() -> None:
    history = weather_and_air(300, seed=5)
    kept = np.arange(len(history)) < 200 * 24
    model, training = learn([history.only(kept)], "hj633-2012", RULES)
    assert {(one.kind, one.item) for one in training} == {
        *(("hour", item) for item in ("pm25", "pm10", "o3")),
        *(("rolling", item) for item in ("pm25", "pm10", "o3_8h", "aqi")),
    }
    rows = np.arange(201 * 24, 296 * 24)
    forecast = forecast_station(model, history, rows, RULES)
    came = outcomes(history.hours)[rows]
    for lead in (1, 24, 72):
        found = skill(
            Forecasts(
                *(part[:, 0, lead - 1] for part in (forecast.hours, forecast.hours_low, forecast.hours_high, came)),
                persistence_hours(history.hours)[rows, 0, lead - 1],
                np.full(len(rows), np.nanmean(history.hours["pm25"][kept])),
            )
        )
        assert found is not None and found.count > 2000
        assert found.below_persistence > 0.02 and found.below_climatology > -0.1 and 0.7 < found.coverage < 0.92


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(HistoryError, match="expected 2160 or more"):
        learn([weather_and_air(80)], "hj633-2012", RULES)


def test_several_stations_give_one_model_from_every_kth_hour() -> None:
    histories = [weather_and_air(120, seed) for seed in (7, 8, 9)]
    model, training = learn(histories, "hj633-2012", RULES)
    single, _ = learn(histories[:1], "hj633-2012", RULES)
    assert abs(model.hourly.issues - single.hourly.issues) < 100
    assert training[0].skill.count > 0


def test_nothing_is_forecast_of_a_pollutant_that_was_not_measured() -> None:
    history = weather_and_air(130)
    model, _ = learn([history], "hj633-2012", RULES)
    hours = {key: series.copy() for key, series in history.hours.items()}
    hours["o3"][-40:] = NAN
    found = forecast_station(model, History(FIRST_S, hours), np.array([len(history) - 1]), RULES)
    assert np.isnan(found.hours[0, 2]).all() and np.isnan(found.hours_low[0, 2]).all()
    assert not np.isnan(found.hours[0, :2]).any()
    assert np.isnan(found.rolling[0, 2]).all() and not np.isnan(found.rolling[0, 3]).any()


def test_interval_quantiles_by_level() -> None:
    random = np.random.default_rng(4)
    expected = np.repeat(np.arange(PARTS) * 100.0, 1000)[:, None]
    came = expected + random.uniform(-1, 1, expected.shape) * (1 + expected / 100)
    table = interval_table(expected, came)
    assert table.levels[0].tolist() == (np.arange(PARTS) * 100.0).tolist()
    assert table.high[0] == pytest.approx(0.82 * (1 + np.arange(PARTS)), rel=0.1)
    low, high = table.around(np.array([[150.0], [-50.0], [5000.0], [NAN]]))
    assert high[0, 0] - 150 == pytest.approx((table.high[0, 1] + table.high[0, 2]) / 2)
    assert high[1, 0] == -50 + table.high[0, 0] and low[2, 0] == 5000 + table.low[0, -1]
    assert np.isnan(low[3, 0])
    assert np.isnan(interval_table(expected, np.full_like(came, NAN)).levels).all()


def slow_rolling(hours: Mapping[str, list[float]]) -> list[float]:
    """Daily values of 24 listed hours by loops: mean, mean, highest of 8 h means."""
    result = []
    for key in ("pm25", "pm10"):
        there = [value for value in hours[key] if not np.isnan(value)]
        result.append(sum(there) / len(there) if len(there) >= 20 else NAN)
    windows = []
    for at in range(17):
        there = [value for value in hours["o3"][at : at + 8] if not np.isnan(value)]
        if len(there) >= 6:
            windows.append(sum(there) / len(there))
    return [*result, max(windows) if len(windows) >= 14 else NAN]


def test_rolling_days_join_measured_and_expected_hours() -> None:
    random = np.random.default_rng(9)
    measured = {key: random.uniform(0, 200, 60) for key in FORECAST_KEYS}
    for series in measured.values():
        series[random.random(60) < 0.15] = NAN
    expected = random.uniform(0, 200, (2, 3, 72))
    rows = np.array([30, 59])
    found = rolling_expectations(measured, expected, rows, rules=RULES)
    assert found.shape == (2, 3, REACH_H)
    for place, row in enumerate(rows):
        for lead in (1, 5, 23, 24, 50, 72, 74, 76):
            lists = {
                key: [*measured[key][: row + 1], *expected[place, at], *[NAN] * 4][row + lead - 23 : row + lead + 1]
                for at, key in enumerate(FORECAST_KEYS)
            }
            assert found[place, :, lead - 1] == pytest.approx(slow_rolling(lists), nan_ok=True)


def test_rolling_outcomes_are_the_days_that_warnings_count() -> None:
    history = weather_and_air(20)
    table = rolling_outcomes(history.hours, "hj633-2012", RULES)
    aqi = rolling_daily_aqi("hj633-2012", dict(history.hours), RULES).aqi
    np.testing.assert_array_equal(np.nan_to_num(table[:, 3], nan=-1), aqi)
    lists = {key: history.hours[key][100:124].tolist() for key in FORECAST_KEYS}
    assert table[123, :3] == pytest.approx(slow_rolling(lists), nan_ok=True)


def test_skill_and_climatology_by_hand() -> None:
    came = np.array([10.0, 20.0, NAN, 40.0])
    found = skill(Forecasts(came + 3, came - 1, came + np.array([1, -0.5, 0, 1]), came, came + 6, came - 12))
    assert found is not None
    assert (found.count, found.rmse, found.rmse_persistence, found.rmse_climatology) == (3, 3, 6, 12)
    assert found.bias == 3 and found.coverage == pytest.approx(2 / 3) and found.below_persistence == 0.5
    assert skill(Forecasts(*[np.full(2, NAN)] * 6)) is None
    assert climatology(np.array([1.0, 3.0, NAN, 8.0]), np.array([0, 0, 1, 2]), 4).tolist() == [2.0, 4.0, 8.0, 4.0]


def test_predictors_know_the_calendar_and_the_wind() -> None:
    hours = {"pm25": np.full(48, 10.0), "wind_speed": np.full(48, 2.0), "wind_direction": np.full(48, 90.0)}
    known = predictors(hours, FIRST_S)
    column = dict(zip(known.names, known.values.T, strict=True))
    assert column["hour sin"][[0, 6]] == pytest.approx([0.0, 1.0])
    assert column["wind_east"][0] == pytest.approx(-2.0) and column["wind_north 24h"][-1] == pytest.approx(0.0)
    assert column["weekend"][0] == 0.0  # a Thursday
    assert column["weekend"][47] == 0.0
    assert np.isnan(column["no2 24h"]).all() and column["pm25, plain"][0] == 10.0
    assert np.isnan(column["pm25 24h"][10]) and column["pm25 24h"][11] == pytest.approx(np.log(15.0))
