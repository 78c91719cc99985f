"""Flue gas against its limits: hours over, share of hours within per month, cumulative emission.

Hours whose data are invalid or marked by the device are never judged; hours out of operation leave every denominator.
The concentrations to judge are hourly means at reference oxygen (`analytics.emission.conversion`); ammonia slip is the
limit of ``nh3`` judged the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.rounding import half_even
from domain.emission import EmissionRules

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

KG_PER_T: Final = 1000.0
#: Relative error that conversions in binary numbers may have; far below what any monitor resolves.
_ARITHMETIC: Final = 1e-9


@dataclass(frozen=True, slots=True)
class HourJudgement:
    """Hours of one outlet against the limits of k pollutants.

    Attributes
    ----------
    judged : ndarray of bool
        Shape (k, n); the hour has a value that may be judged.
    over : ndarray of bool
        Shape (k, n); judged, and above the limit.
    any_over : ndarray of bool
        Shape (n,); some pollutant is over.
    all_within : ndarray of bool
        Shape (n,); every pollutant is judged and within. Neither: undetermined.
    """

    judged: Booleans
    over: Booleans

    @property
    def any_over(self) -> Booleans:
        """Hours in which some pollutant is over its limit."""
        return np.asarray(self.over.any(axis=0))

    @property
    def all_within(self) -> Booleans:
        """Hours in which every pollutant is judged and within its limit."""
        return np.asarray((self.judged & ~self.over).all(axis=0))


def judge_hours(values: npt.ArrayLike, limits: npt.ArrayLike, usable: npt.ArrayLike) -> HourJudgement:
    """Compare hourly means with limits.

    Parameters
    ----------
    values : array_like
        Shape (k, n), mg/m³ at reference oxygen; NaN = no valid hour.
    limits : array_like
        Shape (k,), or (k, n) where the limit changes; NaN = no limit on that hour, which is then not judged.
    usable : array_like of bool
        Shape (k, n); False where data are invalid or marked.

    Returns
    -------
    HourJudgement
        A value equal to the limit is within; values are compared without rounding, but for what the conversion's own
        arithmetic adds (a billionth of the limit).
    """
    measured, bounds = np.asarray(values, dtype=np.float64), np.asarray(limits, dtype=np.float64)
    if bounds.ndim == 1:
        bounds = bounds[:, None]
    judged = np.asarray(usable, dtype=np.bool_) & ~np.isnan(measured) & ~np.isnan(bounds)
    with np.errstate(invalid="ignore"):
        return HourJudgement(judged, judged & (measured > bounds * (1.0 + _ARITHMETIC)))


def counted_share(judged: npt.ArrayLike, over: npt.ArrayLike, *, rules: EmissionRules) -> tuple[Floats, Floats]:
    """Share of the hours of months within the limit.

    Parameters
    ----------
    judged, over : array_like of int
        Shape (m,); hours in operation that were judged, and of these above the limit.
    rules : EmissionRules
        Least share.

    Returns
    -------
    percent : ndarray of float64
        Shape (m,); judged hours within, one decimal; NaN when none was judged.
    met : ndarray of float64
        Shape (m,); 1 when the share reaches what is asked for, 0 when not, NaN when no hour was judged: absence is no
        verdict. Compared exactly: 95 of 100 hours meet 95 %.

    Notes
    -----
    Ultra-low emission of steel: at least 95 % of the hours of a month within the hourly limits.
    """
    valid, exceeded = np.asarray(judged, dtype=np.int64), np.asarray(over, dtype=np.int64)
    within = valid - exceeded
    with np.errstate(invalid="ignore", divide="ignore"):
        percent = half_even(within / valid * 100.0, 1)
    met = np.where(valid > 0, (within * 100 >= rules.compliant_percent * valid).astype(np.float64), np.nan)
    return percent, met


@dataclass(frozen=True, slots=True)
class CumulativeEmission:
    """Mass emitted since the first hour.

    Attributes
    ----------
    tonnes : ndarray of float64
        Shape (n,); up to and including each hour, of the valid hours alone.
    valid_hours, missing_hours : int
        Hours in operation with and without a valid mass rate: the true total is larger by what the latter emitted.
    share : ndarray of float64
        Shape (n,); part of the permitted total used up; NaN without a permitted total.
    exceeded_at : int or None
        First hour after which the permitted total is exceeded.
    """

    tonnes: Floats
    valid_hours: int
    missing_hours: int
    share: Floats
    exceeded_at: int | None


def cumulative_emission(
    rates: npt.ArrayLike, *, standing: npt.ArrayLike, permitted_t: float | None = None
) -> CumulativeEmission:
    """Add up hourly mass rates and compare them with the permitted total.

    Parameters
    ----------
    rates : array_like
        Shape (n,); kg/h of each hour; NaN = no valid hour, which adds nothing and is counted.
    standing : array_like of bool
        Shape (n,); hours out of operation: they add nothing and are not missing.
    permitted_t : float, optional
        Permitted total of the period, tonnes.

    Returns
    -------
    CumulativeEmission
        Nothing is filled in for missing hours.

    Notes
    -----
    HJ 212-2017 annex D: the emission of a day is the sum of its valid hours.
    """
    mass, still = np.asarray(rates, dtype=np.float64), np.asarray(standing, dtype=np.bool_)
    known = ~np.isnan(mass) & ~still
    tonnes = np.cumsum(np.where(known, mass, 0.0)) / KG_PER_T
    above = np.zeros(0, dtype=np.int64) if permitted_t is None else np.flatnonzero(tonnes > permitted_t)
    return CumulativeEmission(
        tonnes=tonnes,
        valid_hours=int(np.count_nonzero(known)),
        missing_hours=int(np.count_nonzero(np.isnan(mass) & ~still)),
        share=tonnes / permitted_t if permitted_t else np.full(tonnes.shape, np.nan),
        exceeded_at=int(above[0]) if len(above) else None,
    )
