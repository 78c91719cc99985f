"""Year-end budget of a measured target: polluted and invalid days it still bears, and where the year is heading.

The mean that the rest of the year may have is `analytics.target.remaining_allowance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from analytics.evaluation import days_per_month
from domain.standard import Validity

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: Part of this year's anomaly so far that is expected to last; chosen on the measurements named in docs/budget.md.
CARRYOVER: Final = 0.25
#: Least part of the days of either half of a past year for the year to teach anything.
LEAST_SHARE: Final = 0.75


def further_polluted_days(good_days: int, valid_days: int, remaining_days: int, *, least_percent: float) -> int:
    """Number of the remaining days that may be polluted so that the good-day ratio still reaches its target.

    Parameters
    ----------
    good_days, valid_days : int
        Days so far with an AQI up to 100, and with an AQI.
    remaining_days : int
        Days still to come, all taken as valid.
    least_percent : float
        The target, e.g. 85.0; compared unrounded, so what rounding would forgive is not spent.

    Returns
    -------
    int
        0 or more up to `remaining_days`; below 0 the target is out of reach, by so many good days.

    Notes
    -----
    (good + remaining - p) / (valid + remaining) >= least; computed exactly.
    """
    if not 0 <= good_days <= valid_days or remaining_days < 0:
        raise ValueError(
            f"{good_days} good of {valid_days} days, {remaining_days} to come: expected 0 <= good <= valid"
        )
    needed = Fraction(str(least_percent)) / 100 * (valid_days + remaining_days)
    return min(floor(good_days + remaining_days - needed), remaining_days)


@dataclass(frozen=True, slots=True)
class InvalidDayBudget:
    """Days that may still be without a valid value; arrays of shape (...) or, per month, (..., 12).

    Attributes
    ----------
    months_left : ndarray of int64
        Invalid days each month still bears; below 0 the month has already failed.
    year_left : ndarray of int64
        The same for the year's total alone; below 0 the year has failed.
    allowed : ndarray of int64
        Further invalid days that year and unfinished months bear together; 0 when the year cannot be valid any more.
    reachable : ndarray of bool
        Whether the year can still be valid.
    """

    months_left: Integers
    year_left: Integers
    allowed: Integers
    reachable: Booleans


def invalid_day_budget(present: Booleans, months: npt.ArrayLike, *, rules: Validity) -> InvalidDayBudget:
    """How many more invalid days the year and each of its months bear.

    Parameters
    ----------
    present : ndarray of bool
        Shape (..., m): the m days of the year so far; True where the day has a valid value.
    months : array_like of int
        Shape (n,): month 1-12 of every day of the year, n >= m.
    rules : Validity
        Least days of months and of the year.

    Returns
    -------
    InvalidDayBudget
        Shapes (...) and (..., 12).

    Notes
    -----
    GB 3095-2026 table 4: 324 days and in each month 27, in February 25.
    """
    calendar = np.asarray(months)
    elapsed = present.shape[-1]
    totals = days_per_month(np.ones(len(calendar), dtype=np.bool_), calendar)
    invalid = days_per_month(~present, calendar[:elapsed])
    to_come = days_per_month(np.ones(len(calendar) - elapsed, dtype=np.bool_), calendar[elapsed:])
    least = np.array([rules.days_in(month) for month in range(1, 13)])
    months_left = totals - least - invalid
    year_left = len(calendar) - rules.days_per_year - invalid.sum(axis=-1)
    reachable = (year_left >= 0) & (months_left >= 0).all(axis=-1)
    by_months = np.minimum(months_left, to_come).sum(axis=-1)
    allowed = np.where(reachable, np.minimum(year_left, by_months), 0)
    return InvalidDayBudget(months_left, year_left, allowed, np.asarray(reachable))


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the annual mean is heading; arrays of shape (...), in the unit of the values.

    Attributes
    ----------
    values : ndarray of float64
        Projected annual mean; NaN without any usable past year.
    low, high : ndarray of float64
        Interval; NaN with fewer than two usable past years. Both equal the value when no day remains.
    remaining_means : ndarray of float64
        Projected mean of the remaining days; NaN when none remains.
    years_used : ndarray of int64
        Past years that had enough days.
    """

    values: Floats
    low: Floats
    high: Floats
    remaining_means: Floats
    years_used: Integers


def year_end_projection(
    so_far: npt.ArrayLike, history: npt.ArrayLike, *, level: float = 0.8, carryover: float = CARRYOVER
) -> Projection:
    """Annual mean to be expected from the days so far and the remaining days of past years.

    Parameters
    ----------
    so_far : array_like
        Shape (..., m): daily values of this year, above 0; NaN = no valid value.
    history : array_like
        Shape (..., h, n): daily values of h past years on the same n calendar days: 29 February left out, or NaN where
        a past year has none.
    level : float
        Probability of the interval.
    carryover : float
        0: the rest will be as in past years. 1: as much above or below them as the year has been so far.

    Returns
    -------
    Projection
        Remaining days are taken as valid.

    Notes
    -----
    Per past year h with at least three quarters of the days in both parts, z_h = ln(mean of the rest) + carryover *
    (ln(mean so far of this year) - ln(mean so far of h)). The rest of this year is exp(mean of z), and its interval
    exp(mean of z +- t(h - 1) s sqrt(1 + 1/h)): the prediction interval of one more draw from a normal distribution.
    Measured coverage: docs/budget.md.
    """
    current, past = np.asarray(so_far, dtype=np.float64), np.asarray(history, dtype=np.float64)
    elapsed, length = current.shape[-1], past.shape[-1]
    if elapsed > length:
        raise ValueError(f"{elapsed} days so far of a year of {length}, expected no more than it has")
    mean, days = mean_of_known(current)
    former, former_share = shared_mean(past[..., :elapsed])
    rest, rest_share = shared_mean(past[..., elapsed:])
    anchored = (days > 0) & (carryover != 0)
    usable = (rest_share >= LEAST_SHARE) & ((former_share >= LEAST_SHARE) | ~anchored[..., None])
    with np.errstate(divide="ignore", invalid="ignore"):
        anomalies = np.where(anchored[..., None], np.log(mean[..., None]) - np.log(former), 0.0)
        logs = np.where(usable, np.log(rest) + carryover * anomalies, np.nan)
    centre, reach, years = prediction(logs, level)
    remaining = length - elapsed

    def annual(log_rest: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            rest_sum = remaining * np.exp(log_rest) if remaining else np.zeros_like(log_rest)
            return np.asarray((np.where(days > 0, mean * days, 0.0) + rest_sum) / (days + remaining))

    if not remaining:
        centre, reach = np.zeros_like(centre), np.zeros_like(reach)
    rest_means = np.exp(centre) if remaining else np.full_like(centre, np.nan)
    return Projection(
        annual(centre), annual(centre - reach), annual(centre + reach), rest_means, years.astype(np.int64)
    )


def prediction(logs: Floats, level: float) -> tuple[Floats, Floats, Integers]:
    """Centre of one more draw from the normal distribution of n draws, and how far its interval reaches to each side.

    Parameters
    ----------
    logs : ndarray of float64
        Shape (..., n); NaN = not drawn.
    level : float
        Probability of the interval.

    Returns
    -------
    tuple of ndarray
        Centre (NaN without a draw), reach (NaN with fewer than two), and the number of draws; shape (...).
    """
    years = np.asarray(np.count_nonzero(~np.isnan(logs), axis=-1), dtype=np.int64)
    centre, _ = mean_of_known(logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.nansum((logs - centre[..., None]) ** 2, axis=-1) / (years - 1) * (1 + 1 / years))
        reach = np.where(years >= 2, student_t.ppf(0.5 + level / 2, np.maximum(years - 1, 1)) * spread, np.nan)
    return centre, reach, years


def mean_of_known(values: Floats) -> tuple[Floats, Integers]:
    """Mean along the last axis, NaN left out (NaN without any), and how many values it has."""
    counts = np.asarray(np.count_nonzero(~np.isnan(values), axis=-1), dtype=np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(values, axis=-1) / counts), counts


def shared_mean(values: Floats) -> tuple[Floats, Floats]:
    """Mean along the last axis and the share of days that have a value; share 1 of no days."""
    mean, counts = mean_of_known(values)
    length = values.shape[-1]
    return mean, counts / length if length else np.ones(counts.shape)
