"""Trends over the years of a data set, as values for JSON: Spearman (Daniel), Mann-Kendall and Theil-Sen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analytics.daily import EVALUATED_COLUMN
from analytics.evaluation import days_per_month, months_valid, period_statistic
from analytics.trend import mann_kendall, spearman_trend
from app.evaluation_rule import Rules
from app.period_report import Places, span_days, span_grid
from app.prsa import PrsaStation
from domain.period import DAY_S, OFFSET_S
from domain.pollutant import SIX_KEYS

Floats = npt.NDArray[np.float64]
Json = dict[str, object]

_DIRECTIONS = {1: "rising", -1: "falling", 0: "none"}


def trend_report(stations: Mapping[str, PrsaStation], last_year: int, rules: Rules) -> Json:
    """Trends of every station and of the area, from the first year of the files to `last_year`.

    Parameters
    ----------
    stations : mapping of str to PrsaStation
        Stations by name.
    last_year : int
        Later hours do not count.
    rules : Rules
        What decides whether days and months are valid.

    Returns
    -------
    dict
        Per place and pollutant: ``annual`` with the mean and the valid days of each year and Spearman's test, which
        needs five years, and ``monthly`` with Mann-Kendall and Theil-Sen per year over the valid months, from each of
        which the mean of its calendar month is taken.
    """
    first_s = min(int(one.times_s[0]) for one in stations.values())
    first_year = int(np.datetime64((first_s + OFFSET_S) // DAY_S, "D").astype("datetime64[Y]").astype(int)) + 1970
    first_year = min(first_year, last_year)
    hours = {name: span_grid(station, first_year, last_year) for name, station in stations.items()}
    days = span_days(first_year, last_year)
    places = Places.of(hours, days, rules).values
    return {
        "years": [first_year, last_year],
        "places": {
            name: {key: _trends(table[EVALUATED_COLUMN[key]], days, rules) for key in SIX_KEYS}
            for name, table in places.items()
        },
    }


def _trends(values: Floats, days: npt.NDArray[np.datetime64], rules: Rules) -> Json:
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    months = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    annual, monthly = [], []
    for year in np.unique(years):
        own = values[years == year]
        annual.append(float(period_statistic(own).means))
        valid = months_valid(days_per_month(~np.isnan(own), months[years == year]), rules.validity)
        means = [period_statistic(own[months[years == year] == month]).means for month in range(1, 13)]
        monthly.append(np.where(valid, means, np.nan))
    spearman = spearman_trend(np.array(annual))
    table = np.array(monthly, dtype=np.float64)
    present = ~np.isnan(table)
    counts = np.maximum(present.sum(axis=0), 1)
    season = np.where(present, table, 0.0).sum(axis=0) / counts
    kendall = mann_kendall((table - season).ravel())
    return {
        "annual": {
            "means": {str(year): _number(mean) for year, mean in zip(np.unique(years), annual, strict=True)},
            "valid_days": {str(year): int((~np.isnan(values[years == year])).sum()) for year in np.unique(years)},
            "spearman": _number(float(spearman.coefficients)),
            "critical": _number(float(spearman.critical)),
            "direction": None if np.isnan(spearman.coefficients) else _DIRECTIONS[int(spearman.direction)],
        },
        "monthly": {
            "months": int(kendall.periods),
            "tau": _number(float(kendall.tau)),
            "p_value": _number(float(kendall.p_values)),
            "slope_per_year": _number(float(kendall.slopes) * 12.0),
            "slope_low": _number(float(kendall.slopes_low) * 12.0),
            "slope_high": _number(float(kendall.slopes_high) * 12.0),
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
