"""Daily values and AQI from hourly forecasts: the 24 hours that end with each coming hour, measured ones included.

A natural day is such a window that ends at midnight, so today's, tomorrow's and later days' values are among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import HOURS_A_DAY
from analytics.episode import rolling_daily_aqi
from analytics.forecast_interval import IntervalTable, interval_table
from analytics.forecast_model import FORECAST_KEYS, HORIZON_H
from analytics.index import daily_index
from analytics.rolling_day import rolling_maximum_8h, rolling_mean_24h
from domain.standard import Validity

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Columns of every array here.
ROLLING_ITEMS: Final[tuple[str, ...]] = ("pm25", "pm10", "o3_8h", "aqi")
#: Windows may end four hours after the last forecast hour: 20 of 24 hours make a valid day.
REACH_H: Final = HORIZON_H + 4
AQI_MOST: Final = 500.0
_BEFORE_H: Final = HOURS_A_DAY - 1


@dataclass(frozen=True, slots=True)
class RollingModel:
    """What turns hourly forecasts into daily ones; r = 76 hours ahead at which a window may end.

    Attributes
    ----------
    edition : str
        Edition of HJ 633 of the AQI.
    o3_slopes, o3_offsets : ndarray of float64
        Shape (r,); the maximum of expected hours lies below the expected maximum, which this line mends.
    intervals : IntervalTable
        Of 4 r series, item by item.
    """

    edition: str
    o3_slopes: Floats
    o3_offsets: Floats
    intervals: IntervalTable


def rolling_outcomes(measured: Mapping[str, Floats], edition: str, rules: Validity) -> Floats:
    """Daily values of the 24 hours up to each hour as measured: shape (n, 4), the AQI of all six; NaN = not valid."""
    table = np.full((len(measured["pm25"]), len(ROLLING_ITEMS)), np.nan)
    daily = _daily(np.stack([measured[key] for key in FORECAST_KEYS])[None], rules)[0]
    table[len(table) - daily.shape[1] :, :-1] = daily.T
    aqi = rolling_daily_aqi(edition, dict(measured), rules).aqi
    table[:, -1] = np.where(aqi >= 0, aqi, np.nan)
    return table


def rolling_expectations(
    measured: Mapping[str, Floats], expected: Floats, rows: Integers, *, rules: Validity
) -> Floats:
    """Daily concentrations by leads 1 to 76 from hourly forecasts.

    Parameters
    ----------
    measured : mapping of str to ndarray of float64
        `FORECAST_KEYS`, each of shape (n,), consecutive hours, µg/m³; NaN = missing.
    expected : ndarray of float64
        Shape (m, 3, 72); hourly forecasts of the issue times.
    rows : ndarray of int64
        Shape (m,); positions of the issue hours.
    rules : Validity
        Minima of hours and windows.

    Returns
    -------
    ndarray of float64
        Shape (m, 3, 76): 24 h means of particles, maximum 8 h mean of O3; NaN with too few hours.
    """
    padded = [np.concatenate((np.full(_BEFORE_H - 1, np.nan), measured[key])) for key in FORECAST_KEYS]
    before = [np.lib.stride_tricks.sliding_window_view(series, _BEFORE_H)[rows] for series in padded]
    after = np.full((*expected.shape[:2], REACH_H - HORIZON_H), np.nan)
    return _daily(np.concatenate((np.stack(before, axis=1), expected, after), axis=2), rules)


def _daily(hours: Floats, rules: Validity) -> Floats:
    """Shape (n, 3, h) -> (n, 3, h - 23), in the order of `FORECAST_KEYS`."""
    particles = rolling_mean_24h(hours[:, :2], rules)
    return np.concatenate((particles, rolling_maximum_8h(hours[:, 2:], rules)), axis=1)


def fitted_rolling(expectations: Floats, came: Floats, edition: str) -> tuple[RollingModel, Floats]:
    """Line of O3 and intervals from held-out forecasts.

    Parameters
    ----------
    expectations : ndarray of float64
        Shape (n, 3, 76), from held-out hourly forecasts (`rolling_expectations`).
    came : ndarray of float64
        Shape (n, 4, 76); the outcomes at the same leads.
    edition : str
        Edition of HJ 633 of the outcomes.

    Returns
    -------
    RollingModel
        The fit.
    ndarray of float64
        Shape (n, 4, 76); the held-out daily forecasts with it.
    """
    slopes, offsets = np.ones(REACH_H), np.zeros(REACH_H)
    for at in range(REACH_H):
        x, y = expectations[:, 2, at], came[:, 2, at]
        both = ~(np.isnan(x) | np.isnan(y))
        if both.sum() > HOURS_A_DAY and np.ptp(x[both]) > 0:
            slopes[at], offsets[at] = np.polyfit(x[both], y[both], 1)
    values = _with_index(expectations, slopes, offsets, edition)
    table = interval_table(values.reshape(len(values), -1), came.reshape(len(came), -1))
    return RollingModel(edition, slopes, offsets, table), values


def rolling_forecast(model: RollingModel, expectations: Floats) -> Floats:
    """Daily forecasts of shape (n, 4, 76) from `rolling_expectations`; NaN where a value does not exist."""
    return _with_index(expectations, model.o3_slopes, model.o3_offsets, model.edition)


def rolling_intervals(model: RollingModel, values: Floats) -> tuple[Floats, Floats]:
    """Ends of the 80 % intervals of daily forecasts of shape (n, 4, 76), none below zero, of an AQI none above 500."""
    low, high = model.intervals.around(values.reshape(len(values), -1))
    low, high = np.maximum(low, 0.0).reshape(values.shape), high.reshape(values.shape)
    high[:, -1] = np.minimum(high[:, -1], AQI_MOST)
    return low, high


def _with_index(expectations: Floats, slopes: Floats, offsets: Floats, edition: str) -> Floats:
    concentrations = expectations.copy()
    concentrations[:, 2] = np.maximum(concentrations[:, 2] * slopes + offsets, 0.0)
    columns = {item: concentrations[:, at].ravel() for at, item in enumerate(ROLLING_ITEMS[:-1])}
    aqi = daily_index(edition, columns).computed_aqi.astype(np.float64).reshape(len(expectations), 1, REACH_H)
    return np.concatenate((concentrations, np.where(aqi >= 0, aqi, np.nan)), axis=1)
