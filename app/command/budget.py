"""`lantian budget`: what the rest of a year may bring for its limits to be met, and where it is heading, from files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np
import numpy.typing as npt

from analytics.budget import further_polluted_days, invalid_day_budget
from analytics.daily import EVALUATED_COLUMN
from analytics.evaluation import day_counts
from analytics.index import daily_index
from app.evaluation_rule import Rules
from app.output import put_result
from app.period_report import Places, span_days, span_grid
from app.prsa import PrsaStation, load_prsa
from app.year_budget import Budget, YearToDate, year_budget
from domain.edition import LIMIT_EDITIONS
from domain.error import ConfigurationError, LantianError
from domain.pollutant import SIX_KEYS
from domain.standard import report_items

Floats = npt.NDArray[np.float64]
Json = dict[str, object]

_HISTORY_YEARS: Final = 10
_EPILOG: Final = """\b
Example:
  lantian budget --format prsa --as-of 2016-08-31 --good-days 60 PRSA_Data_*.csv.gz

\b
Of each station and of the area:
  good_days          good and valid days so far, days left, and how many of them may be
                     polluted (below 0: so many good days too few)
  pollutants         per pollutant:
    valid_days, days, completeness       days so far, with a valid value and altogether; percent
    mean_so_far, limit, remaining_mean   the mean the remaining days may have (not CO, O3)
    projected, low, high                 annual mean expected, with its 80 % interval
    past_years                           years of the files it rests on
    percentile                           the same of the evaluated percentile, and
      further_days_above                 how many remaining days may lie above its limit
    invalid_days                         further invalid days that year and months bear

Remaining days are taken as valid. How the projection works and how often its interval holds: docs/budget.md.
"""


@click.command("budget", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("--as-of", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last local day that counts.")
@click.option("--good-days", "least_percent", type=click.FloatRange(0, 100), help="Target of good days, percent.")
@click.option("--limits", "limits_edition", type=click.Choice(LIMIT_EDITIONS), help="Limits; the year's when absent.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def command(  # noqa: PLR0913, PLR0917 - one argument per option
    files: tuple[Path, ...],
    file_format: str,
    as_of: dt.datetime,
    least_percent: float | None,
    limits_edition: str | None,
    output: Path | None,
) -> None:
    """Year-end budget from hourly measurements: what the rest of the year may bring, and what it is likely to, as JSON.

    FILES are PRSA station files (.csv or .csv.gz), one station each. Years before that of --as-of are the history of
    the projection. Limits are those of class II areas.
    """
    try:
        rules = Rules.chosen(as_of.year, limits_edition, None)
        report = {"format": file_format, **budget_report(_load(files), as_of.date(), rules, least_percent)}
    except LantianError as error:
        raise click.ClickException(str(error)) from error
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
    put_result(text, output)


def _load(files: Sequence[Path]) -> dict[str, PrsaStation]:
    stations: dict[str, PrsaStation] = {}
    for path in files:
        station = load_prsa(path)
        if station.name in stations:
            raise ConfigurationError(f"{path.name}: found station {station.name} again, expected one file per station")
        stations[station.name] = station
    return stations


def budget_report(
    stations: Mapping[str, PrsaStation], as_of: dt.date, rules: Rules, least_percent: float | None
) -> Json:
    """Budget of every station and of the area on a day.

    Parameters
    ----------
    stations : mapping of str to PrsaStation
        Stations by name; hours after `as_of` are not looked at.
    as_of : date
        Last local day that counts.
    rules : Rules
        Limits and editions.
    least_percent : float or None
        Target of good days, if there is one.

    Returns
    -------
    dict
        Plain values for JSON; what does not exist is None.

    Raises
    ------
    ConfigurationError
        When a station has no measurement of the year up to the day.
    """
    year = YearToDate.of(as_of, _HISTORY_YEARS)
    hours = {name: span_grid(station, year.history[0], as_of.year) for name, station in stations.items()}
    before = len(span_days(year.history[0], as_of.year - 1))
    for name, table in hours.items():
        if all(np.isnan(grid[before : before + year.elapsed]).all() for grid in table.values()):
            raise ConfigurationError(f"{name}: found no measurement of {as_of.year} up to {as_of}, expected some")
    places = Places.of(hours, year.span, rules)
    found = {name: _place(table, year, rules, least_percent) for name, table in places.values.items()}
    return {
        "as_of": as_of.isoformat(),
        "limits": rules.limits_edition,
        "aqi_edition": rules.aqi_edition,
        "area": found.pop("area"),
        "stations": found,
    }


def _place(table: Mapping[str, Floats], year: YearToDate, rules: Rules, least_percent: float | None) -> Json:
    now = {column: year.now(values) for column, values in table.items()}
    columns = [item.column for item in report_items(rules.aqi_edition, "day")]
    counts = day_counts(daily_index(rules.aqi_edition, {column: now[column] for column in columns}))
    good = sum(counts.by_level[:2])
    bearable = None
    if least_percent is not None:
        bearable = further_polluted_days(good, counts.valid_days, year.remaining, least_percent=least_percent)
    return {
        "days_left": year.remaining,
        "good_days": {
            "good": good,
            "valid": counts.valid_days,
            "ratio": counts.good_day_ratio,
            "target": least_percent,
            "further_polluted_days": bearable,
        },
        "pollutants": {key: _pollutant(key, table[EVALUATED_COLUMN[key]], year, rules) for key in SIX_KEYS},
    }


def _pollutant(key: str, values: Floats, year: YearToDate, rules: Rules) -> Json:
    """Allowances and projections of one pollutant's annual mean, where it has a limit, and of its percentile."""
    percent = rules.percentiles[key]
    limit = rules.limits[key, "8h" if key == "o3" else "24h"]
    rank = year_budget(values, year, percent, limit=limit, rules=rules.validity)
    invalid = invalid_day_budget(~np.isnan(year.now(values)), year.months, rules=rules.validity)
    result: Json = {
        "valid_days": rank.valid_days,
        "days": rank.days,
        "completeness": round(100 * rank.valid_days / rank.days, 1),
    }
    if (key, "year") in rules.limits:
        limit_of_mean = rules.limits[key, "year"]
        mean = year_budget(values, year, None, limit=limit_of_mean, rules=rules.validity)
        allowance = {"mean_so_far": mean.value, "limit": limit_of_mean, "remaining_mean": mean.remaining_mean}
        result |= {**allowance, **_projection(mean)}
    result["percentile"] = {
        "percent": percent,
        "value_so_far": rank.value,
        "limit": limit,
        "further_days_above": rank.further_days_above,
        **_projection(rank),
    }
    result["invalid_days"] = {
        "year_can_be_valid": rank.can_be_valid,
        "allowed": rank.invalid_days_allowed,
        "months_left": [int(count) for count in invalid.months_left],
    }
    return result


def _projection(budget: Budget) -> Json:
    return {
        "projected": budget.projected,
        "low": budget.low,
        "high": budget.high,
        "past_years": budget.past_years,
    }
