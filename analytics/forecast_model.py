"""The statistical forecast of a station: direct ridge regression for every hour ahead, and its error intervals.

One linear equation per pollutant and lead on the predictors of `analytics.forecast_predictor` and the products of some
of them. Nothing is fed back: each of the 72 hours is forecast from what is measured. The expectation of the
concentration is fitted, so that the mean of hourly forecasts is the forecast of the mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.forecast_interval import IntervalTable, interval_table
from analytics.forecast_predictor import FREE, INTERACTING, Predictors
from analytics.ridge import ridge_fit
from domain.error import ConfigurationError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

METHOD: Final = "direct-ridge-1"
FORECAST_KEYS: Final[tuple[str, ...]] = ("pm25", "pm10", "o3")
HORIZON_H: Final = 72
#: Share of the issue times added to the diagonal from a day ahead on, less before; flat around it.
PENALTY: Final = 0.4
#: Standardised predictors and products are cut here: a value never seen before moves a forecast no further.
_CUT: Final = 5.0
_CUT_PRODUCT: Final = 8.0
FOLDS: Final = 5
BLOCK_H: Final = 30 * 24
#: Hours that a history must span before the season enters.
YEAR_H: Final = 330 * 24
#: Fewer issue times than 90 days are no history to learn from.
LEAST_ISSUES: Final = 90 * 24
#: Hours of the last 24 in which a pollutant must have been measured for a forecast of it to be issued.
LEAST_RECENT_H: Final = 6


class HistoryError(ConfigurationError):
    """Too little has been measured at a place to fit a forecast."""

    code = "history"


@dataclass(frozen=True, slots=True)
class ForecastModel:
    """A fitted model; s = 3 pollutants x 72 hours, pollutant by pollutant.

    Attributes
    ----------
    names : tuple of str
        The k predictors it was fitted with.
    means, scales : ndarray of float64
        Shape (k,); standardisation of the predictors.
    weights : ndarray of float64
        Shape (s, 1 + k + products); µg/m³ per standard deviation.
    least, most : ndarray of float64
        Shape (s,); forecasts are kept between the lowest value measured and a quarter above the highest.
    intervals : IntervalTable
        Of the s series.
    issues : int
        Issue times it was fitted to.
    """

    names: tuple[str, ...]
    means: Floats
    scales: Floats
    weights: Floats
    least: Floats
    most: Floats
    intervals: IntervalTable
    issues: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One station's history to fit to: n consecutive hours.

    Attributes
    ----------
    first_hour : int
        Number of the first hour since 1970, so that blocks held out are the same hours at every station.
    known : Predictors
        What was known at each hour.
    measured : mapping of str to ndarray of float64
        `FORECAST_KEYS`, each of shape (n,), µg/m³; NaN = missing. Only these hours are learnt from.
    """

    first_hour: int
    known: Predictors
    measured: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class FittedForecast:
    """A model with what it would have forecast for the hours it was fitted to, each block by the others.

    Attributes
    ----------
    model : ForecastModel
        The model.
    held_out : tuple of ndarray of float64
        Per sample, shape (n, 3, 72); NaN where nothing may be issued, and within 72 h of the ends of a block, where
        what is held out overlaps what is fitted.
    """

    model: ForecastModel
    held_out: tuple[Floats, ...]


def outcomes(measured: Mapping[str, Floats], horizon: int = HORIZON_H) -> Floats:
    """What came: shape (n, 3, horizon), entry [i, :, h] the hour i + 1 + h; NaN where missing or after the series."""
    rows = []
    for key in FORECAST_KEYS:
        padded = np.concatenate((measured[key][1:], np.full(horizon, np.nan)))
        rows.append(np.lib.stride_tricks.sliding_window_view(padded, horizon))
    return np.stack(rows, axis=1)


def issuable(measured: Mapping[str, Floats]) -> Booleans:
    """Shape (n, 3): whether enough of the last 24 hours was measured for a forecast of each pollutant."""
    counts = []
    for key in FORECAST_KEYS:
        sums = np.concatenate((np.zeros(24), np.cumsum(~np.isnan(measured[key]))))
        counts.append(sums[24:] - sums[:-24])
    return np.column_stack(counts) >= LEAST_RECENT_H


def fitted_forecast(samples: Sequence[Sample]) -> FittedForecast:
    """Fit one model to the history of a station, or of several together.

    Parameters
    ----------
    samples : sequence of Sample
        Of k stations each gives every k-th hour, so that several cost no more than one.

    Returns
    -------
    FittedForecast
        The model and its held-out forecasts.

    Raises
    ------
    HistoryError
        With fewer than 90 days of issue times.
    """
    came, rows = [], []
    for at, sample in enumerate(samples):
        allowed = np.repeat(issuable(sample.measured), HORIZON_H, axis=1)
        came.append(np.where(allowed, outcomes(sample.measured).reshape(len(allowed), -1), np.nan))
        usable = np.flatnonzero(~np.isnan(came[-1]).all(axis=1))
        rows.append(usable[usable % len(samples) == at])
    issues = sum(map(len, rows))
    if issues < LEAST_ISSUES:
        raise HistoryError(f"found {issues} hours with a history and an outcome, expected {LEAST_ISSUES} or more")
    known = Predictors(
        samples[0].known.names, np.concatenate([one.known.values[own] for one, own in zip(samples, rows, strict=True)])
    )
    means, scales = _standards(known.values)
    targets = np.concatenate([one[own] for one, own in zip(came, rows, strict=True)])
    hours = np.concatenate([one.first_hour + own for one, own in zip(samples, rows, strict=True)])
    if np.ptp(hours) < YEAR_H:
        # A part of a year says nothing about the rest of it: the season is left out.
        scales[[at for at, name in enumerate(known.names) if "season" in name or "half year" in name]] = np.inf
    design = _design(known, means, scales, np.arange(issues))
    fit = ridge_fit(design, targets, hours // BLOCK_H % FOLDS, penalties=_penalties(known, design.shape[1]))
    least, most = np.fmin.reduce(targets), 1.25 * np.fmax.reduce(targets)
    inside = (hours % BLOCK_H >= HORIZON_H) & (hours % BLOCK_H < BLOCK_H - HORIZON_H)
    held = np.where(inside[:, None], np.clip(fit.held_out, least, most), np.nan)
    intervals = interval_table(held, targets)
    model = ForecastModel(known.names, means, scales, fit.weights, least, most, intervals, issues)
    parts = np.split(held, np.cumsum([len(own) for own in rows])[:-1])
    placed = [_placed(part, own, len(one)) for part, own, one in zip(parts, rows, came, strict=True)]
    for table, sample in zip(placed, samples, strict=True):
        table[~issuable(sample.measured)] = np.nan
    return FittedForecast(model, tuple(placed))


def _placed(held: Floats, rows: Integers, count: int) -> Floats:
    table = np.full((count, held.shape[1]), np.nan)
    table[rows] = held
    return table.reshape(count, len(FORECAST_KEYS), HORIZON_H)


def expected_hours(model: ForecastModel, known: Predictors, measured: Mapping[str, Floats], rows: Integers) -> Floats:
    """Forecasts from chosen hours as issue times.

    Parameters
    ----------
    model : ForecastModel
        The fitted model.
    known : Predictors
        Of n consecutive hours.
    measured : mapping of str to ndarray of float64
        `FORECAST_KEYS`, each of shape (n,); decides what may be issued.
    rows : ndarray of int64
        Shape (m,); positions of the issue hours.

    Returns
    -------
    ndarray of float64
        Shape (m, 3, 72), µg/m³; NaN where fewer than 6 of the last 24 hours of a pollutant were measured.

    Raises
    ------
    ConfigurationError
        When the model was fitted with other predictors.
    """
    if known.names != model.names:
        raise ConfigurationError(f"the model has {len(model.names)} other predictors; expected one fitted by {METHOD}")
    design = _design(known, model.means, model.scales, rows)
    values = np.clip(design @ model.weights.T, model.least, model.most)
    allowed = np.repeat(issuable(measured)[rows], HORIZON_H, axis=1)
    return np.where(allowed, values, np.nan).reshape(-1, len(FORECAST_KEYS), HORIZON_H)


def hour_intervals(model: ForecastModel, expected: Floats) -> tuple[Floats, Floats]:
    """Ends of the 80 % interval of forecasts of shape (n, 3, 72), none below zero."""
    low, high = model.intervals.around(expected.reshape(len(expected), -1))
    return np.maximum(low, 0.0).reshape(expected.shape), high.reshape(expected.shape)


def _penalties(known: Predictors, columns: int) -> Floats:
    """Penalty of each series and column: none on the constant and plain concentrations, growing over the first day."""
    by_lead = PENALTY * np.minimum(np.arange(1, HORIZON_H + 1) / 24.0, 1.0)
    table = np.repeat(np.tile(by_lead, len(FORECAST_KEYS))[:, None], columns, axis=1)
    table[:, [0, *(1 + known.names.index(name) for name in FREE)]] = 0.0
    return table


def _standards(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; 0 and 1 where nothing was measured or nothing varies."""
    present = ~np.isnan(values)
    counts = np.maximum(present.sum(axis=0), 1)
    means = np.where(present, values, 0.0).sum(axis=0) / counts
    scales = np.sqrt(np.where(present, (values - means) ** 2, 0.0).sum(axis=0) / counts)
    return means, np.where(scales > 1e-9, scales, 1.0)


def _design(known: Predictors, means: Floats, scales: Floats, rows: Integers) -> Floats:
    """The constant, standardised predictors (missing ones at their mean), products of the interacting ones."""
    standardised = np.clip(np.nan_to_num((known.values[rows] - means) / scales), -_CUT, _CUT)
    at = [known.names.index(name) for name in INTERACTING]
    pairs = itertools.combinations_with_replacement(at, 2)
    products = [
        np.clip(standardised[:, one] * standardised[:, other], -_CUT_PRODUCT, _CUT_PRODUCT) for one, other in pairs
    ]
    return np.column_stack([np.ones(len(rows)), standardised, *products])
