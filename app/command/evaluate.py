"""`lantian evaluate`: a year's statistics and compliance from files of hourly measurements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import click
import numpy as np
import numpy.typing as npt

from analytics.averaging import Statistic
from analytics.compliance import PollutantCompliance, all_met, year_compliance
from analytics.daily import DAY_COLUMNS, EVALUATED_COLUMN, area_mean, daily_values
from analytics.dust import DUST_POLLUTANTS, without_dust
from analytics.evaluation import (
    compliance_rate,
    day_counts,
    days_per_month,
    months_valid,
    period_statistic,
    year_valid,
)
from analytics.index import daily_index
from analytics.period_evaluation import EVALUATION_KINDS, EvaluationKind
from analytics.rounding import half_even_scalar
from app.evaluation_rule import Rules
from app.period_report import dust_report, dusty_hours, period_report, span_days, span_grid
from app.prsa import PrsaStation, load_prsa
from app.trend_report import trend_report
from domain.dust import DustInterval, load_dust
from domain.edition import AQI_EDITIONS, LIMIT_EDITIONS
from domain.error import ConfigurationError, LantianError
from domain.level import LEVELS
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.standard import Validity, report_items

Floats = npt.NDArray[np.float64]
Json = dict[str, object]

_EPILOG: Final = """\b
Example:
  lantian evaluate --format prsa --year 2016 PRSA_Data_*.csv.gz -o 2016.json
  lantian evaluate --format prsa --year 2016 --limits 2026-final FILES... | less

\b
Keys of each entry of "stations" and of "area":
  valid_days         days with an AQI
  days_by_category   优 ... 严重污染 -> days
  good_day_ratio     percent of the valid days with AQI up to 100
  primary_days       pollutant -> days on which it was primary
  compliance         overall, and per pollutant: true, false, or null = unknown
  pollutants         per pollutant:
    hours, valid_days, days_per_month, months_valid, year_valid
    annual_mean, annual_mean_rounded      mean of the valid daily values
    p98, p95 or p90, and ..._rounded      percentile of the daily values
    compliance_rate                       percent of valid days within limit
    items                                 what was compared with which limit

\b
--period adds "periods": per period and place also the composite index, ranks, changes
and completeness. --trend adds "trends" up to --year: Spearman of the annual means, and
Mann-Kendall with Theil-Sen slope of monthly means without their season. --dust adds
"dust" and "without_dust" (PM2.5 and PM10 only); columns of its table: site (* = all),
start, end (local), source (who confirmed it), note.

O3 is judged by its daily maximum 8 h mean. The area is the mean of its stations' valid daily values, evaluated like a
station. Verdicts rest on the days there are; year_valid says whether these are as many as GB 3095 asks for.
"""


@click.command("evaluate", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("--year", required=True, type=click.IntRange(1980, 2100), help="Calendar year, local time.")
@click.option("--limits", "limits_edition", type=click.Choice(LIMIT_EDITIONS), help="Limits; the year's when absent.")
@click.option("--edition", type=click.Choice(AQI_EDITIONS), help="Edition of HJ 633; that of the limits when absent.")
@click.option("--period", type=click.Choice(EVALUATION_KINDS), help="Also evaluate these periods of the year.")
@click.option("--trend", is_flag=True, help="Also test for trends over all years of the files.")
@click.option("--dust", type=click.Path(path_type=Path), help="Dust intervals (CSV): results without them beside.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def command(  # noqa: PLR0913, PLR0917 - one argument per option
    files: tuple[Path, ...],
    file_format: str,
    year: int,
    limits_edition: str | None,
    edition: str | None,
    period: EvaluationKind | None,
    trend: bool,
    dust: Path | None,
    output: Path | None,
) -> None:
    """Evaluate a year of hourly measurements: statistics per station and for the area, as JSON.

    FILES are PRSA station files (.csv or .csv.gz), one station each; CO is converted from µg/m³ to mg/m³. Limits are
    those of class II areas. --period compares each period with the same one of the year before; hours of the three
    years before --year are used where the files have them.
    """
    try:
        rules = Rules.chosen(year, limits_edition, edition)
        stations = _load_stations(files, year)
        hours = {name: station.year_grid(year) for name, station in stations.items()}
        report = {"format": file_format, **evaluation_report(hours, year, rules)}
        if period is not None or dust is not None:
            intervals = None if dust is None else load_dust(dust)
            report |= _additions(stations, year, rules, period=period, intervals=intervals)
        if trend:
            report["trends"] = trend_report(stations, year, rules)
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


def _load_stations(files: Sequence[Path], year: int) -> dict[str, PrsaStation]:
    """Stations by name; each file must be another station and hold some of the year."""
    stations: dict[str, PrsaStation] = {}
    for path in files:
        station = load_prsa(path)
        if all(np.isnan(grid).all() for grid in station.year_grid(year).values()):
            raise ConfigurationError(f"{path.name}: found no measurement of {year}, expected some")
        if station.name in stations:
            raise ConfigurationError(f"{path.name}: found station {station.name} again, expected one file per station")
        stations[station.name] = station
    return stations


def _additions(
    stations: Mapping[str, PrsaStation],
    year: int,
    rules: Rules,
    *,
    period: EvaluationKind | None,
    intervals: Sequence[DustInterval] | None,
) -> Json:
    """What ``--period`` and ``--dust`` add to the report of the plain year."""
    years = (year - 3, year) if period is not None else (year, year)
    hours = {name: span_grid(station, *years) for name, station in stations.items()}
    without = None
    result: Json = {}
    if intervals is not None:
        dusty = dusty_hours(stations, span_days(*years), intervals)
        without = {name: without_dust(grid, dusty[name]) for name, grid in hours.items()}
        clean = {
            name: {key: grid[-len(span_days(year, year)) :] for key, grid in table.items()}
            for name, table in without.items()
        }
        result["dust"] = dust_report(
            intervals, {name: mask[-len(span_days(year, year)) :] for name, mask in dusty.items()}
        )
        result["without_dust"] = _particles_only(evaluation_report(clean, year, rules))
    if period is not None:
        result |= {"period": period, "weights": rules.weights}
        result["periods"] = period_report(hours, without, years, kind=period, rules=rules)
    return result


def _particles_only(report: Json) -> Json:
    """What dust changes: particles and compliance. Days by category and good days keep the dust."""

    def part(place: Mapping[str, Any]) -> Json:
        pollutants = {key: place["pollutants"][key] for key in DUST_POLLUTANTS}
        return {"compliance": place["compliance"], "pollutants": pollutants}

    stations = cast(dict[str, dict[str, Any]], report["stations"])
    area = part(cast(dict[str, Any], report["area"]))
    return {"stations": {name: part(place) for name, place in stations.items()}, "area": area}


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
    o3_limit = rules.limits["o3", "8h"]
    days = {name: daily_values(hours, rules=rules.validity, o3_limit=o3_limit) for name, hours in stations.items()}
    hour_counts = {
        name: {key: int(np.count_nonzero(~np.isnan(hours[key]))) for key in SIX_KEYS}
        for name, hours in stations.items()
    }
    area = {column: area_mean(np.array([_valid(table, column) for table in days.values()])) for column in DAY_COLUMNS}
    area_hours = {key: sum(counts[key] for counts in hour_counts.values()) for key in SIX_KEYS}
    return {
        "year": year,
        "limits": rules.limits_edition,
        "aqi_edition": rules.aqi_edition,
        "evaluation_standard": rules.evaluation_standard,
        "units": {key: POLLUTANTS[key].unit for key in SIX_KEYS},
        "stations": {
            name: _place({column: _valid(table, column) for column in DAY_COLUMNS}, hour_counts[name], year, rules)
            for name, table in days.items()
        },
        "area": {"stations": len(stations), **_place(area, area_hours, year, rules)},
    }


def _valid(days: Mapping[str, Statistic], column: str) -> Floats:
    return days[column].valid_values


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
