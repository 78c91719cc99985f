"""`lantian budget`: what the rest of a year may bring for its limits to be met, and where it is heading, from files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np
import numpy.typing as npt

from analytics.budget import further_polluted_days, invalid_day_budget, year_end_projection
from analytics.daily import EVALUATED_COLUMN
from analytics.evaluation import day_counts, period_statistic
from analytics.index import daily_index
from analytics.target import remaining_allowance
from app.evaluation_rule import Rules
from app.period_report import Places, span_days, span_grid
from app.prsa import PrsaStation, load_prsa
from domain.edition import LIMIT_EDITIONS
from domain.error import ConfigurationError, LantianError
from domain.pollutant import SIX_KEYS
from domain.standard import report_items

Floats = npt.NDArray[np.float64]
Json = dict[str, object]

_HISTORY_YEARS: Final = 10
_LEAP_DAY: Final = 59
_EPILOG: Final = """\b
Example:
  lantian budget --format prsa --as-of 2016-08-31 --good-days 60 PRSA_Data_*.csv.gz

\b
Of each station and of the area:
  good_days          good and valid days so far, days left, and how many of them may be
                     polluted (below 0: so many good days too few)
  pollutants         per pollutant with a limit of the year:
    mean_so_far, limit, remaining_mean   the mean the remaining days may have
    projected, low, high                 annual mean expected, with its 80 % interval
    past_years                           years of the files it rests on
    invalid_days                         further invalid days that year and months bear

Remaining days are taken as valid. How the projection works and how often its interval holds: docs/budget.md.
"""


@dataclass(frozen=True, slots=True)
class _Year:
    """The year to date: its days, how many are over, and the past years in the files."""

    as_of: dt.date
    history: tuple[int, ...]

    @property
    def elapsed(self) -> int:
        return self.as_of.timetuple().tm_yday

    @property
    def days(self) -> int:
        return len(span_days(self.as_of.year, self.as_of.year))


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
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


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
    year = _Year(as_of, tuple(range(as_of.year - _HISTORY_YEARS, as_of.year)))
    hours = {name: span_grid(station, year.history[0], as_of.year) for name, station in stations.items()}
    before = len(span_days(year.history[0], as_of.year - 1))
    for name, table in hours.items():
        if all(np.isnan(grid[before : before + year.elapsed]).all() for grid in table.values()):
            raise ConfigurationError(f"{name}: found no measurement of {as_of.year} up to {as_of}, expected some")
    places = Places.of(hours, span_days(year.history[0], as_of.year), rules)
    found = {name: _place(table, places.days, year, rules, least_percent) for name, table in places.values.items()}
    return {
        "as_of": as_of.isoformat(),
        "limits": rules.limits_edition,
        "aqi_edition": rules.aqi_edition,
        "area": found.pop("area"),
        "stations": found,
    }


def _place(
    table: Mapping[str, Floats],
    days: npt.NDArray[np.datetime64],
    year: _Year,
    rules: Rules,
    least_percent: float | None,
) -> Json:
    first = len(days) - year.days
    now = {column: values[first : first + year.elapsed] for column, values in table.items()}
    columns = [item.column for item in report_items(rules.aqi_edition, "day")]
    counts = day_counts(daily_index(rules.aqi_edition, {column: now[column] for column in columns}))
    left = year.days - year.elapsed
    good = sum(counts.by_level[:2])
    bearable = None
    if least_percent is not None:
        bearable = further_polluted_days(good, counts.valid_days, left, least_percent=least_percent)
    months = days[first:].astype("datetime64[M]").astype(np.int64) % 12 + 1
    pollutants = {
        key: _pollutant(table[key], first, year, limit=rules.limits[key, "year"])
        for key in SIX_KEYS
        if (key, "year") in rules.limits
    }
    for key, figures in pollutants.items():
        budget = invalid_day_budget(~np.isnan(now[EVALUATED_COLUMN[key]]), months, rules=rules.validity)
        figures["invalid_days"] = {
            "year_can_be_valid": bool(budget.reachable),
            "allowed": int(budget.allowed),
            "months_left": [int(count) for count in budget.months_left],
        }
    return {
        "days_left": left,
        "good_days": {
            "good": good,
            "valid": counts.valid_days,
            "ratio": counts.good_day_ratio,
            "target": least_percent,
            "further_polluted_days": bearable,
        },
        "pollutants": pollutants,
    }


def _pollutant(values: Floats, first: int, year: _Year, *, limit: float) -> Json:
    """Allowance and projection of one pollutant's annual mean; `first` is where the year starts in `values`."""
    now = values[first : first + year.elapsed]
    statistic = period_statistic(now)
    mean, count = float(statistic.means), int(statistic.days)
    projection = year_end_projection(now, _past(values, year))
    return {
        "mean_so_far": _number(mean),
        "valid_days": count,
        "limit": limit,
        "remaining_mean": remaining_allowance(_number(mean), count, year.days - year.elapsed, limit=limit),
        "projected": _number(float(projection.values)),
        "low": _number(float(projection.low)),
        "high": _number(float(projection.high)),
        "past_years": int(projection.years_used),
    }


def _past(values: Floats, year: _Year) -> Floats:
    """Daily values of the past years on the calendar of this one, shape (years, days)."""
    rows, at = [], 0
    for past in year.history:
        length = len(span_days(past, past))
        rows.append(_on_calendar(values[at : at + length], year.days))
        at += length
    return np.array(rows)


def _on_calendar(values: Floats, days: int) -> Floats:
    """A year's daily values with 29 February left out or empty, as a year of `days` days needs it."""
    if len(values) == days:
        return values
    return np.delete(values, _LEAP_DAY) if len(values) > days else np.insert(values, _LEAP_DAY, np.nan)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
