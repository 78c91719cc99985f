"""Statistics of a month, quarter or year of daily values, their validity, and the days counted by category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.index import IndexResult
from analytics.percentile import percentile
from analytics.rounding import half_even, half_even_scalar
from domain.standard import Validity

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

_GOOD_LEVEL = 2  # 优 and 良: AQI up to 100


@dataclass(frozen=True, slots=True)
class PeriodStatistic:
    """Statistics of daily values over one period; all arrays have the shape of `means`.

    Attributes
    ----------
    means : ndarray of float64
        Arithmetic mean of the valid days, unrounded; NaN without any.
    percentiles : ndarray of float64
        The percentile asked for, unrounded; NaN without any day, or when none was asked for.
    days : ndarray of int64
        Valid days.
    """

    means: Floats
    percentiles: Floats
    days: Integers


def period_statistic(values: npt.ArrayLike, percent: int | None = None) -> PeriodStatistic:
    """Mean, percentile and number of valid daily values of one period.

    Parameters
    ----------
    values : array_like
        Shape (..., n): n days; NaN where the day is not valid.
    percent : int, optional
        Percentile to compute (`domain.standard.percentiles`).

    Returns
    -------
    PeriodStatistic
        Arrays of shape (...).

    Notes
    -----
    HJ 663-2013 table 1 and annex A.
    """
    data = np.asarray(values, dtype=np.float64)
    days = np.asarray(np.count_nonzero(~np.isnan(data), axis=-1), dtype=np.int64)
    with np.errstate(invalid="ignore"):
        means = np.asarray(np.nansum(data, axis=-1) / days)
    ranks = np.full(days.shape, np.nan) if percent is None else percentile(data, percent)
    return PeriodStatistic(means, ranks, days)


def days_per_month(present: Booleans, months: npt.ArrayLike) -> Integers:
    """Valid days of each calendar month.

    Parameters
    ----------
    present : ndarray of bool
        Shape (..., n): the day has a valid value.
    months : array_like of int
        Shape (n,): month 1-12 of each day, all of one year.

    Returns
    -------
    ndarray of int64
        Shape (..., 12).
    """
    member = np.asarray(months)[:, None] == np.arange(1, 13)
    return np.asarray(present.astype(np.int64) @ member.astype(np.int64))


def months_valid(counts: Integers, rules: Validity) -> Booleans:
    """Whether each month has enough days, shape (..., 12) -> (..., 12): 27, in February 25 (GB 3095 table 4)."""
    least = np.array([rules.days_in(month) for month in range(1, 13)])
    return np.asarray(counts >= least)


def year_valid(counts: Integers, rules: Validity) -> Booleans:
    """Whether a year has enough days in all (324) and in each month, shape (..., 12) -> (...) (GB 3095 table 4)."""
    return np.asarray((counts.sum(axis=-1) >= rules.days_per_year) & months_valid(counts, rules).all(axis=-1))


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Days of a period counted by what their AQI says.

    Attributes
    ----------
    valid_days : int
        Days with an AQI.
    by_level : tuple of int
        Days of level 1 to 6.
    primary : dict of str to int
        Daily column to the days on which it was (one of) the primary pollutants.
    good_day_ratio : float or None
        Percent of the valid days with AQI up to 100, one decimal; None without valid days.
    """

    valid_days: int
    by_level: tuple[int, ...]
    primary: dict[str, int]
    good_day_ratio: float | None


def day_counts(result: IndexResult) -> DayCounts:
    """Count the days of an index result by level and primary pollutant.

    Parameters
    ----------
    result : IndexResult
        One row per day (`analytics.index.daily_index`).

    Returns
    -------
    DayCounts
        Counts over all rows that have an AQI (HJ 663-2013 5.2: good days over valid days).
    """
    has_index = result.aqi >= 0
    valid = int(np.count_nonzero(has_index))
    levels = np.bincount(result.level[has_index], minlength=7)[1:7]
    good = int(np.count_nonzero(has_index & (result.level <= _GOOD_LEVEL)))
    primary = dict(zip(result.columns, (int(days) for days in result.primary.sum(axis=0)), strict=True))
    ratio = half_even_scalar(good / valid * 100.0, 1) if valid else None
    return DayCounts(valid, tuple(int(days) for days in levels), primary, ratio)


def compliance_rate(values: npt.ArrayLike, limit: float, decimals: int) -> Floats:
    """Percent of valid days whose value, rounded half to even, is within the daily limit.

    Parameters
    ----------
    values : array_like
        Shape (..., n) daily values; NaN = no valid value.
    limit : float
        Daily limit in the unit of the values.
    decimals : int
        Decimals of a published value.

    Returns
    -------
    ndarray of float64
        Shape (...), one decimal; NaN without valid days (HJ 663-2013: D = A / B * 100 %).
    """
    data = np.asarray(values, dtype=np.float64)
    valid = np.count_nonzero(~np.isnan(data), axis=-1)
    within = np.count_nonzero(half_even(data, decimals) <= limit, axis=-1)
    with np.errstate(invalid="ignore"):
        return half_even(np.asarray(within / valid * 100.0), 1)
