"""Periods of evaluation beyond the plain year, and how complete the days in them are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from analytics.rounding import half_even_scalar
from domain.standard import Validity

Booleans = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

EvaluationKind = Literal["year", "quarter", "month", "rolling12", "three-years"]
EVALUATION_KINDS: Final[tuple[EvaluationKind, ...]] = get_args(EvaluationKind)
_MONTHS: Final = {"year": 12, "quarter": 3, "month": 1, "rolling12": 12, "three-years": 36}


@dataclass(frozen=True, slots=True)
class EvaluatedPeriod:
    """Whole calendar months from `start` to before `end`."""

    kind: EvaluationKind
    label: str
    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        """Calendar days in the period."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> dt.date:
        """The last day inside."""
        return self.end - dt.timedelta(days=1)

    def last_year(self) -> EvaluatedPeriod:
        """The same period of last year."""
        return _period(self.kind, _month_number(self.start) - 12)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many days of a period have a valid value, in percent (one decimal), and whether they suffice.

    `valid` is None for a kind of period for which the standard states no minimum.
    """

    valid_days: int
    days: int
    percent: float
    valid: bool | None


def _month_number(day: dt.date) -> int:
    return day.year * 12 + day.month - 1


def _first_day(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)


def _period(kind: EvaluationKind, first_month: int) -> EvaluatedPeriod:
    start, end = _first_day(first_month), _first_day(first_month + _MONTHS[kind])
    last = end - dt.timedelta(days=1)
    labels = {
        "year": f"{start.year}",
        "quarter": f"{start.year}-Q{(start.month + 2) // 3}",
        "month": f"{start:%Y-%m}",
        "rolling12": f"{start:%Y-%m}..{last:%Y-%m}",
        "three-years": f"{start.year}..{last.year}",
    }
    return EvaluatedPeriod(kind, labels[kind], start, end)


def evaluated_periods(kind: EvaluationKind, year: int) -> tuple[EvaluatedPeriod, ...]:
    """Periods of a calendar year.

    Parameters
    ----------
    kind : {"year", "quarter", "month", "rolling12", "three-years"}
        ``rolling12``: the twelve months that end with each month of the year. ``three-years``: it and the two before.
    year : int
        Calendar year.

    Returns
    -------
    tuple of EvaluatedPeriod
        In order: 1, 4, 12, 12 or 1 of them.
    """
    january = year * 12
    firsts = {
        "year": [january],
        "quarter": [january + at for at in range(0, 12, 3)],
        "month": [january + at for at in range(12)],
        "rolling12": [january + at - 11 for at in range(12)],
        "three-years": [january - 24],
    }
    return tuple(_period(kind, first) for first in firsts[kind])


def inside(days: Days, period: EvaluatedPeriod) -> Booleans:
    """Which of the days (any shape, datetime64[D]) lie in the period."""
    return np.asarray((days >= np.datetime64(period.start)) & (days < np.datetime64(period.end)))


def completeness(present: Booleans, days: Days, period: EvaluatedPeriod, *, rules: Validity) -> Completeness:
    """How complete one pollutant's daily values of a period are.

    Parameters
    ----------
    present : ndarray of bool
        Shape (n,); the day has a valid value.
    days : ndarray of datetime64[D]
        Shape (n,); days outside the period are left out, days that are absent count as missing.
    period : EvaluatedPeriod
        The period.
    rules : Validity
        Least days.

    Returns
    -------
    Completeness
        Valid when every month has 27 days (February 25), and twelve months or more have 324 per twelve months.

    Notes
    -----
    GB 3095-2026 table 4 for months and years. It has no minimum for a quarter of these pollutants: None. Twelve rolling
    months and each year of three are held to what a year must have.
    """
    kept = days[inside(days, period) & present].astype("datetime64[M]").astype(np.int64) + 1970 * 12
    first = _month_number(period.start)
    counts = np.bincount(kept - first, minlength=_MONTHS[period.kind])
    least = np.array([rules.days_in((first + at) % 12 + 1) for at in range(len(counts))])
    enough: bool | None = bool((counts >= least).all())
    if period.kind == "quarter":
        enough = None
    elif len(counts) >= 12:
        enough = bool(enough and (counts.reshape(-1, 12).sum(axis=1) >= rules.days_per_year).all())
    valid = int(counts.sum())
    return Completeness(valid, period.days, half_even_scalar(valid / period.days * 100.0, 1) or 0.0, enough)
