"""Twelve rolling months and three years of every site and area from its days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.daily import EVALUATED_COLUMN
from analytics.dust import DUST_POLLUTANTS
from analytics.evaluation import period_statistic
from analytics.period_evaluation import EvaluatedPeriod, completeness, evaluated_periods, inside
from analytics.rounding import half_even_scalar
from app.job.dust import replaced
from domain.edition import limit_edition
from domain.period import local_date
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.standard import evaluation_items, limits, percentiles, validity
from store.connection import Connection
from store.dust import CleanDays, read_clean_days
from store.rolling import RollingRow, read_day_sites, write_rolling
from store.statistic import DAY_COLUMNS, DayRows, read_days

#: Ends of months that are computed anew: late readings and reviews change the newest ones.
MONTHS: Final = 12


def settle_rolling(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Compute the twelve months up to each of the last twelve ends of months, and the last three full years."""
    periods = rolling_periods(local_date(now))
    low, high = min(period.start for period in periods), max(period.end for period in periods)
    keys = [(period.kind, period.start) for period in periods]
    written = 0
    for site in read_day_sites(conn, low, high):
        with conn.transaction():
            days, clean = read_days(conn, [site], low, high), read_clean_days(conn, [site], low, high)
            rows = [row for period in periods for row in rolling_rows(site, period, days, clean)]
            written += write_rolling(conn, site, keys, rows)
    return {"written": written}


def rolling_periods(today: dt.date) -> list[EvaluatedPeriod]:
    """The periods that are over on `today`: twelve rolling ones in order, then the three years."""
    rolling = [period for year in (today.year - 1, today.year) for period in evaluated_periods("rolling12", year)]
    over = [period for period in rolling if period.end <= today]
    return [*over[-MONTHS:], *evaluated_periods("three-years", today.year - 1)]


def rolling_rows(site: str, period: EvaluatedPeriod, days: DayRows, clean: CleanDays) -> list[RollingRow]:
    """Mean and evaluated percentile of the six pollutants over a period.

    Parameters
    ----------
    site : str
        The site or an area's pseudo-site.
    period : EvaluatedPeriod
        Twelve months or three years.
    days : DayRows
        Days of the site; those outside the period are left out.
    clean : CleanDays
        Its days without dust hours.

    Returns
    -------
    list of RollingRow
        Without those that have no valid day; `without_dust_value` where a day of the period has dust hours.
    """
    dates = np.array(days.days, dtype="datetime64[D]")
    kept = inside(dates, period)
    dusty = bool(inside(np.array(clean.days, dtype="datetime64[D]"), period).any())
    cleaned = replaced(days, clean).values
    edition = limit_edition(period.last_day)
    rows: list[RollingRow] = []
    for pollutant in SIX_KEYS:
        column = DAY_COLUMNS.index(EVALUATED_COLUMN[pollutant])
        values = days.values[:, column]
        full = completeness(~np.isnan(values), dates, period, rules=validity())
        if not full.valid_days:
            continue
        without = _statistics(pollutant, cleaned[kept, column]) if dusty and pollutant in DUST_POLLUTANTS else {}
        for name, value in _statistics(pollutant, values[kept]).items():
            decimals, other = POLLUTANTS[pollutant].decimals, without.get(name)
            rows.append(
                RollingRow(
                    *(site, period.kind, period.start, period.last_day, pollutant, name, value),
                    half_even_scalar(value, decimals) or 0.0,
                    None if other is None or np.isnan(other) else other,
                    half_even_scalar(other, decimals),
                    *(full.valid_days, full.days, bool(full.valid)),
                    _limits(edition).get((pollutant, name)),
                    edition,
                )
            )
    return rows


def _statistics(pollutant: str, values: npt.NDArray[np.float64]) -> dict[str, float]:
    percent = percentiles()[pollutant]
    found = period_statistic(values, percent)
    return {"mean": float(found.means), f"p{percent}": float(found.percentiles)}


def _limits(edition: str) -> dict[tuple[str, str], float]:
    """The limit of each yearly statistic that HJ 663 evaluates."""
    allowed = limits(edition)
    return {
        (item.pollutant, "mean" if item.percent is None else f"p{item.percent}"): allowed[
            item.pollutant, item.averaging
        ]
        for item in evaluation_items()
    }
