"""The forecast of one station from end to end: learn from its history, forecast from an hour, judge the forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.forecast_model import (
    FORECAST_KEYS,
    ForecastModel,
    Sample,
    expected_hours,
    fitted_forecast,
    hour_intervals,
    outcomes,
)
from analytics.forecast_predictor import predictors
from analytics.forecast_rolling import (
    REACH_H,
    ROLLING_ITEMS,
    RollingModel,
    fitted_rolling,
    rolling_expectations,
    rolling_forecast,
    rolling_intervals,
    rolling_outcomes,
)
from analytics.forecast_skill import Forecasts, Skill, climatology, month_and_hour, persistence_hours, skill
from domain.period import HOUR_S
from domain.standard import Validity

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Leads whose skill is reported, in hours.
LEADS: Final[tuple[int, ...]] = (1, 3, 6, 12, 24, 48, 72)
ROLLING_LEADS: Final[tuple[int, ...]] = (24, 48, 72)


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive hours of one station.

    Attributes
    ----------
    first_s : int
        Unix time of the start of the first hour.
    hours : mapping of str to ndarray of float64
        The six pollutants and the weather, each of shape (n,), canonical units; NaN = missing.
    """

    first_s: int
    hours: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.hours["pm25"])

    @property
    def hours_s(self) -> Integers:
        """Unix time of the start of each hour."""
        return self.first_s + HOUR_S * np.arange(len(self), dtype=np.int64)

    def only(self, kept: npt.NDArray[np.bool_]) -> History:
        """The same hours with everything missing outside `kept`, shape (n,)."""
        return History(self.first_s, {key: np.where(kept, series, np.nan) for key, series in self.hours.items()})


@dataclass(frozen=True, slots=True)
class StationModel:
    """Everything learnt from one station's history.

    Attributes
    ----------
    hourly : ForecastModel
        Hours ahead.
    rolling : RollingModel
        Days ahead.
    hour_climate : ndarray of float64
        Shape (3, 288); mean by month and clock hour.
    rolling_climate : ndarray of float64
        Shape (4, 12); mean of the rolling daily values by month.
    """

    hourly: ForecastModel
    rolling: RollingModel
    hour_climate: Floats
    rolling_climate: Floats


@dataclass(frozen=True, slots=True)
class StationForecast:
    """Forecasts of n issue times: hours, shape (n, 3, 72), and rolling days, shape (n, 4, 76), with interval ends."""

    hours: Floats
    hours_low: Floats
    hours_high: Floats
    rolling: Floats
    rolling_low: Floats
    rolling_high: Floats


@dataclass(frozen=True, slots=True)
class LeadSkill:
    """Skill of one item at one lead in hours; kind ``hour`` or ``rolling``."""

    kind: str
    item: str
    lead: int
    skill: Skill


@dataclass(frozen=True, slots=True)
class _Judged:
    """Forecasts of one history with its rolling daily values; `rows` are the issue hours."""

    history: History
    rows: Integers
    forecast: StationForecast
    daily: Floats


def learn(histories: Sequence[History], edition: str, rules: Validity) -> tuple[StationModel, tuple[LeadSkill, ...]]:
    """Fit a forecast to the history of a station, or of several together.

    Parameters
    ----------
    histories : sequence of History
        What is learnt from; nothing else enters.
    edition : str
        Edition of HJ 633 of the AQI.
    rules : Validity
        Minima of hours and windows of daily values.

    Returns
    -------
    StationModel
        The model.
    tuple of LeadSkill
        Its skill on blocks of the histories left out of the fit.

    Raises
    ------
    HistoryError
        With fewer than 90 days of issue times.
    """
    samples = [Sample(one.first_s // HOUR_S, predictors(one.hours, one.first_s), one.hours) for one in histories]
    fit = fitted_forecast(samples)
    every = [np.arange(len(one)) for one in histories]
    expectations = [
        rolling_expectations(one.hours, held, rows, rules=rules)
        for one, held, rows in zip(histories, fit.held_out, every, strict=True)
    ]
    daily = [rolling_outcomes(one.hours, edition, rules) for one in histories]
    came = np.concatenate([_ahead(one) for one in daily])
    rolling, values = fitted_rolling(np.concatenate(expectations), came, edition)
    model = StationModel(fit.model, rolling, *_climates(histories, np.concatenate(daily)))
    parts = np.split(values, np.cumsum([len(one) for one in histories])[:-1])
    judged = [
        _Judged(one, rows, _with_intervals(model, held, part), days)
        for one, rows, held, part, days in zip(histories, every, fit.held_out, parts, daily, strict=True)
    ]
    return model, tuple(_skills(model, judged))


def _climates(histories: Sequence[History], daily: Floats) -> tuple[Floats, Floats]:
    months, clock = month_and_hour(np.concatenate([one.hours_s for one in histories]))
    series = [np.concatenate([one.hours[key] for one in histories]) for key in FORECAST_KEYS]
    return (
        np.stack([climatology(one, months * 24 + clock, 288) for one in series]),
        np.stack([climatology(daily[:, at], months, 12) for at in range(len(ROLLING_ITEMS))]),
    )


def forecast_station(model: StationModel, history: History, rows: Integers, rules: Validity) -> StationForecast:
    """Forecast from chosen hours of a history.

    Parameters
    ----------
    model : StationModel
        What was learnt.
    history : History
        What has been measured; each row uses what is before it and nothing later.
    rows : ndarray of int64
        Shape (m,); positions of the issue hours, each the newest hour that its forecast knows.
    rules : Validity
        Minima of hours and windows of daily values.

    Returns
    -------
    StationForecast
        Of the m issue times; NaN where too little was measured for a forecast.
    """
    known = predictors(history.hours, history.first_s)
    hours = expected_hours(model.hourly, known, history.hours, rows)
    expectations = rolling_expectations(history.hours, hours, rows, rules=rules)
    return _with_intervals(model, hours, rolling_forecast(model.rolling, expectations))


def judge(
    model: StationModel, history: History, rows: Integers, forecast: StationForecast, *, rules: Validity
) -> tuple[LeadSkill, ...]:
    """Skill of forecasts issued at `rows` of a history that holds the outcomes too; see `forecast_station`."""
    daily = rolling_outcomes(history.hours, model.rolling.edition, rules)
    return tuple(_skills(model, [_Judged(history, rows, forecast, daily)]))


def _with_intervals(model: StationModel, hours: Floats, rolling: Floats) -> StationForecast:
    low, high = hour_intervals(model.hourly, hours)
    rolling_low, rolling_high = rolling_intervals(model.rolling, rolling)
    return StationForecast(hours, low, high, rolling, rolling_low, rolling_high)


def _ahead(daily: Floats) -> Floats:
    """Rolling outcomes by lead: shape (n, 4) -> (n, 4, 76), NaN after the end of the series."""
    padded = np.concatenate((daily[1:], np.full((REACH_H, daily.shape[1]), np.nan)))
    return np.lib.stride_tricks.sliding_window_view(padded, REACH_H, axis=0)


def _skills(model: StationModel, judged: Sequence[_Judged]) -> Iterator[LeadSkill]:
    issued_s = np.concatenate([one.history.hours_s[one.rows] for one in judged])
    hours = _Parts.joined(
        [
            (one.forecast.hours, one.forecast.hours_low, one.forecast.hours_high, came[one.rows], same[one.rows])
            for one in judged
            for came, same in [(outcomes(one.history.hours), persistence_hours(one.history.hours))]
        ]
    )
    for at, item in enumerate(FORECAST_KEYS):
        for lead in LEADS:
            months, clock = month_and_hour(issued_s + lead * HOUR_S)
            found = skill(hours.forecasts(at, lead, model.hour_climate[at][months * 24 + clock]))
            if found is not None:
                yield LeadSkill("hour", item, lead, found)
    days = _Parts.joined(
        [
            (
                *(
                    one.forecast.rolling,
                    one.forecast.rolling_low,
                    one.forecast.rolling_high,
                    _ahead(one.daily)[one.rows],
                ),
                np.repeat(one.daily[one.rows][:, :, None], REACH_H, axis=2),
            )
            for one in judged
        ]
    )
    for at, item in enumerate(ROLLING_ITEMS):
        for lead in ROLLING_LEADS:
            months, _ = month_and_hour(issued_s + lead * HOUR_S)
            found = skill(days.forecasts(at, lead, model.rolling_climate[at][months]))
            if found is not None:
                yield LeadSkill("rolling", item, lead, found)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Forecasts, interval ends, outcomes and persistence of all items and leads, each of shape (n, items, leads)."""

    values: Floats
    low: Floats
    high: Floats
    outcomes: Floats
    persistence: Floats

    @classmethod
    def joined(cls, parts: Sequence[tuple[Floats, Floats, Floats, Floats, Floats]]) -> _Parts:
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def forecasts(self, item: int, lead: int, climate: Floats) -> Forecasts:
        here = (slice(None), item, lead - 1)
        return Forecasts(
            self.values[here], self.low[here], self.high[here], self.outcomes[here], self.persistence[here], climate
        )
