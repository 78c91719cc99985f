"""Statistics and compliance of a calendar year per station and for the area, as values for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.compliance import PollutantCompliance, all_met, year_compliance
from analytics.daily import DAY_COLUMNS, EVALUATED_COLUMN, area_mean, daily_values
from analytics.evaluation import (
    compliance_rate,
    day_counts,
    days_per_month,
    months_valid,
    period_statistic,
    year_valid,
)
from analytics.index import daily_index
from analytics.rounding import half_even_scalar
from app.evaluation_rule import Rules
from domain.level import LEVELS
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.standard import Validity, report_items

Floats = npt.NDArray[np.float64]
Json = dict[str, object]


def evaluation_report(stations: Mapping[str, Mapping[str, Floats]], year: int, rules: Rules) -> Json:
    """Report of a year.

    Parameters
    ----------
    stations : mapping
        Station to pollutant to hours of the year, shape (days, 24); canonical units, NaN = missing.
    year : int
        The calendar year.
    rules : Rules
        What judges.

    Returns
    -------
    dict
        Plain values for JSON; what does not exist is None.
    """
    return joined_report({name: station_year(hours, year, rules) for name, hours in stations.items()}, year, rules)


@dataclass(frozen=True, slots=True)
class StationYear:
    """A station's year: valid daily values by column, shape (days,), hours by pollutant, and the report of it."""

    days: Mapping[str, Floats]
    hours: Mapping[str, int]
    report: Json


def station_year(hours: Mapping[str, Floats], year: int, rules: Rules) -> StationYear:
    """Evaluate one station, without looking at others.

    Parameters
    ----------
    hours : mapping
        Pollutant to hours of the year, shape (days, 24); canonical units, NaN = missing.
    year : int
        The calendar year.
    rules : Rules
        What judges.

    Returns
    -------
    StationYear
        What `joined_report` needs of it.
    """
    table = daily_values(hours, rules=rules.validity, o3_limit=rules.limits["o3", "8h"])
    days = {column: table[column].valid_values for column in DAY_COLUMNS}
    counts = {key: int(np.count_nonzero(~np.isnan(hours[key]))) for key in SIX_KEYS}
    return StationYear(days, counts, _place(days, counts, year, rules))


def joined_report(stations: Mapping[str, StationYear], year: int, rules: Rules) -> Json:
    """Report of a year as `evaluation_report` makes it, of stations evaluated one by one."""
    every = stations.values()
    area = {column: area_mean(np.array([one.days[column] for one in every])) for column in DAY_COLUMNS}
    area_hours = {key: sum(one.hours[key] for one in every) for key in SIX_KEYS}
    return {
        "year": year,
        "limits": rules.limits_edition,
        "aqi_edition": rules.aqi_edition,
        "evaluation_standard": rules.evaluation_standard,
        "units": {key: POLLUTANTS[key].unit for key in SIX_KEYS},
        "stations": {name: one.report for name, one in stations.items()},
        "area": {"stations": len(stations), **_place(area, area_hours, year, rules)},
    }


def _place(days: Mapping[str, Floats], hours: Mapping[str, int], year: int, rules: Rules) -> Json:
    """Everything about one station or the area."""
    columns = [item.column for item in report_items(rules.aqi_edition, "day")]
    counts = day_counts(daily_index(rules.aqi_edition, {column: days[column] for column in columns}))
    statistics = {key: period_statistic(days[EVALUATED_COLUMN[key]], rules.percentiles.get(key)) for key in SIX_KEYS}
    verdicts = year_compliance(
        rules.items,
        {key: float(statistic.means) for key, statistic in statistics.items()},
        {key: float(statistic.percentiles) for key, statistic in statistics.items()},
        limits=rules.limits,
    )
    overall = all_met(verdict.met for verdict in verdicts.values())
    return {
        "days": len(days[columns[0]]),
        "valid_days": counts.valid_days,
        "days_by_category": {level.category_zh: days for level, days in zip(LEVELS, counts.by_level, strict=True)},
        "good_day_ratio": counts.good_day_ratio,
        "primary_days": counts.primary,
        "compliance": {"overall": overall, **{key: verdict.met for key, verdict in verdicts.items()}},
        "pollutants": {
            key: {
                "hours": hours[key],
                **_coverage(days[EVALUATED_COLUMN[key]], year, rules.validity),
                **_statistics(key, days[EVALUATED_COLUMN[key]], rules),
                **_items(verdicts[key]),
            }
            for key in SIX_KEYS
        },
    }


def _coverage(values: Floats, year: int, rules: Validity) -> Json:
    """Valid days of the year and its months, and whether they suffice."""
    dates = np.datetime64(f"{year}-01-01") + np.arange(len(values))
    months = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    counts = days_per_month(~np.isnan(values), months)
    return {
        "valid_days": int(counts.sum()),
        "days": len(values),
        "completeness": half_even_scalar(100.0 * int(counts.sum()) / len(values), 1),
        "days_per_month": [int(count) for count in counts],
        "months_valid": [bool(valid) for valid in months_valid(counts, rules)],
        "year_valid": bool(year_valid(counts, rules)),
    }


def _statistics(key: str, values: Floats, rules: Rules) -> Json:
    """Annual mean, percentile and compliance rate of one pollutant's daily values."""
    percent, decimals = rules.percentiles[key], POLLUTANTS[key].decimals
    statistic = period_statistic(values, percent)
    result: Json = {}
    for name, value in (("annual_mean", statistic.means), (f"p{percent}", statistic.percentiles)):
        result[name] = _number(float(value))
        result[f"{name}_rounded"] = half_even_scalar(float(value), decimals)
    limit = rules.limits[key, "8h" if key == "o3" else "24h"]
    result["compliance_rate"] = _number(float(compliance_rate(values, limit, decimals)))
    return result


def _items(verdict: PollutantCompliance) -> Json:
    """The comparisons behind a verdict."""
    return {
        "complies": verdict.met,
        "items": [
            {
                "statistic": "annual_mean" if item.percent is None else f"p{item.percent}",
                "limit_averaging": item.averaging,
                "value": item.value,
                "rounded": item.rounded,
                "limit": item.limit,
                "met": item.met,
                "exceedance_multiple": item.exceedance_multiple,
            }
            for item in verdict.items
        ],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
