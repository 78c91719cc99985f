"""Year-end budget of one series of daily values: what its mean or percentile still bears, and where it is heading."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.budget import invalid_day_budget, year_end_projection
from analytics.budget_percentile import further_days_above, year_end_percentile
from analytics.evaluation import period_statistic
from analytics.target import remaining_allowance
from app.period_report import span_days
from domain.standard import Validity

Floats = npt.NDArray[np.float64]

_LEAP_DAY: Final = 59


@dataclass(frozen=True, slots=True)
class YearToDate:
    """A year up to a day, and the past years whose remaining days teach what is to come."""

    as_of: dt.date
    history: tuple[int, ...]

    @classmethod
    def of(cls, as_of: dt.date, history_years: int) -> YearToDate:
        """The year of `as_of` after so many past ones."""
        return cls(as_of, tuple(range(as_of.year - history_years, as_of.year)))

    @property
    def elapsed(self) -> int:
        """Days up to and including `as_of`."""
        return self.as_of.timetuple().tm_yday

    @property
    def days(self) -> int:
        """Days of the whole year."""
        return len(span_days(self.as_of.year, self.as_of.year))

    @property
    def remaining(self) -> int:
        """Days after `as_of`."""
        return self.days - self.elapsed

    @property
    def span(self) -> npt.NDArray[np.datetime64]:
        """Every day of the past years and the year itself."""
        return span_days(self.as_of.year - len(self.history), self.as_of.year)

    @property
    def months(self) -> npt.NDArray[np.int64]:
        """Month 1-12 of every day of the year."""
        return span_days(self.as_of.year, self.as_of.year).astype("datetime64[M]").astype(np.int64) % 12 + 1

    def now(self, values: Floats) -> Floats:
        """The part of `values` (of the days of `span`) that belongs to the year so far."""
        first = len(values) - self.days
        return values[first : first + self.elapsed]

    def past(self, values: Floats) -> Floats:
        """Daily values of the past years on the calendar of the year, shape (years, days)."""
        rows, at = [], 0
        for year in self.history:
            length = len(span_days(year, year))
            rows.append(_on_calendar(values[at : at + length], self.days))
            at += length
        return np.array(rows).reshape(-1, self.days)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one statistic of a year bears and is heading for; None = not known or not applicable.

    Attributes
    ----------
    valid_days, days, remaining_days : int
        Valid days so far, days so far, days to come.
    value : float or None
        The statistic of the valid days so far.
    remaining_mean : float or None
        Of a mean: what the remaining days may average.
    further_days_above : int or None
        Of a percentile: how many of them may lie above the limit.
    projected, low, high : float or None
        The year's statistic as expected, with its 80 % interval.
    past_years : int
        Past years that it rests on.
    invalid_days_allowed : int
        Further days without a value that year and months bear.
    can_be_valid : bool
        Whether the year can still have enough valid days.
    """

    valid_days: int
    days: int
    remaining_days: int
    value: float | None
    remaining_mean: float | None
    further_days_above: int | None
    projected: float | None
    low: float | None
    high: float | None
    past_years: int
    invalid_days_allowed: int
    can_be_valid: bool


def year_budget(values: Floats, year: YearToDate, percent: int | None, *, limit: float, rules: Validity) -> Budget:
    """Budget of the mean or a percentile of daily values against a limit.

    Parameters
    ----------
    values : ndarray of float64
        Shape (days of `year.span`,); NaN = no valid value.
    year : YearToDate
        Which day it is.
    percent : int or None
        Which percentile; None = the mean.
    limit : float
        What the statistic may be at most.
    rules : Validity
        Least days of months and of the year.

    Returns
    -------
    Budget
        Remaining days are taken as valid.
    """
    now, past = year.now(values), year.past(values)
    statistic, count = period_statistic(now, percent), int(np.count_nonzero(~np.isnan(now)))
    value = _number(float(statistic.means if percent is None else statistic.percentiles))
    mean = further = None
    if percent is None:
        mean = remaining_allowance(value, count, year.remaining, limit=limit)
        projection = year_end_projection(now, past)
    else:
        above = int(np.count_nonzero(now > limit))
        further = further_days_above(above, count, year.remaining, percent=percent)
        projection = year_end_percentile(now, past, percent)
    invalid = invalid_day_budget(~np.isnan(now), year.months, rules=rules)
    return Budget(
        valid_days=count,
        days=year.elapsed,
        remaining_days=year.remaining,
        value=value,
        remaining_mean=mean,
        further_days_above=further,
        projected=_number(float(projection.values)),
        low=_number(float(projection.low)),
        high=_number(float(projection.high)),
        past_years=int(projection.years_used),
        invalid_days_allowed=int(invalid.allowed),
        can_be_valid=bool(invalid.reachable),
    )


def _on_calendar(values: Floats, days: int) -> Floats:
    """A year's daily values with 29 February left out or empty, as a year of `days` days needs it."""
    if len(values) == days:
        return values
    return np.delete(values, _LEAP_DAY) if len(values) > days else np.insert(values, _LEAP_DAY, np.nan)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
