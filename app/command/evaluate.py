"""`lantian evaluate`: a year's statistics and compliance from files of hourly measurements."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import click

from analytics.dust import DUST_POLLUTANTS, without_dust
from analytics.period_evaluation import EVALUATION_KINDS, EvaluationKind
from app.evaluation_part import EvaluatedFile, FilePart, evaluated_file
from app.evaluation_rule import Rules
from app.executor import Executor, opened
from app.output import put_result
from app.period_report import dust_report, dusty_hours, period_report, span_days, span_grid
from app.prsa import PrsaStation, read_prsa
from app.trend_report import trend_report
from app.year_report import evaluation_report, joined_report
from domain.dust import DustInterval, load_dust
from domain.edition import AQI_EDITIONS, LIMIT_EDITIONS
from domain.error import ConfigurationError, LantianError

#: Files read before their results are waited for.
_TOGETHER: Final = 256
Json = dict[str, object]

_EPILOG: Final = """\b
Example:
  lantian evaluate --format prsa --year 2016 PRSA_Data_*.csv.gz -o 2016.json
  lantian evaluate --format prsa --year 2016 --limits 2026-final FILES... | less

\b
Keys of each entry of "stations" and of "area":
  days, valid_days   days of the year, and those with an AQI
  days_by_category   优 ... 严重污染 -> days
  good_day_ratio     percent of the valid days with AQI up to 100
  primary_days       pollutant -> days on which it was primary
  compliance         overall, and per pollutant: true, false, or null = unknown
  pollutants         per pollutant:
    hours, valid_days, days, completeness (percent), days_per_month, months_valid, year_valid
    annual_mean, annual_mean_rounded      mean of the valid daily values
    p98, p95 or p90, and ..._rounded      percentile of the daily values
    compliance_rate                       percent of valid days within limit
    items                                 what was compared with which limit

\b
--to-year gives all this per year under "years". Stations without measurements of a year
are left out of it.

--executor computes station by station elsewhere, with the same result:
  serial               in this process
  processes://N        in N processes of this machine
  dask://local/N       on a Dask cluster of this machine with N workers
  dask://HOST:PORT     on the cluster of a Dask scheduler (dask+tls:// behind TLS);
                       needs lantian[dask] here and the same version on its workers

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
@click.option("--to-year", type=click.IntRange(1980, 2100), help="Also every later year up to this one.")
@click.option("--executor", default="serial", show_default=True, metavar="URL", help="Where to compute; see below.")
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
    to_year: int | None,
    executor: str,
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
    years = range(year, (year if to_year is None else to_year) + 1)
    try:
        if not years:
            raise ConfigurationError(f"--to-year {to_year}: expected {year} or later")
        intervals = None if dust is None else load_dust(dust)
        keep = period is not None or dust is not None or trend
        with opened(executor) as place:
            found = _evaluated(
                files, place, lambda name, content: FilePart(name, content, years, limits_edition, edition, keep)
            )
        stations = {name: one.hours for name, one in found.items() if one.hours is not None}
        reports: dict[str, Json] = {}
        for each in years:
            rules = Rules.chosen(each, limits_edition, edition)
            here = {name: one.years[each] for name, one in found.items() if each in one.years}
            if not here:
                raise ConfigurationError(f"files: found no measurement of {each}, expected some")
            report = joined_report(here, each, rules)
            if period is not None or dust is not None:
                measured = {name: stations[name] for name in here}
                report |= _additions(measured, each, rules, period=period, intervals=intervals)
            if trend and each == years[-1]:
                report["trends"] = trend_report(stations, each, rules)
            reports[str(each)] = report
        result = {"format": file_format, **(reports[str(year)] if to_year is None else {"years": reports})}
    except LantianError as error:
        raise click.ClickException(str(error)) from error
    text = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False)
    put_result(text, output)


def _evaluated(
    files: Sequence[Path], executor: Executor, part: Callable[[str, bytes], FilePart]
) -> dict[str, EvaluatedFile]:
    """Evaluated files by station; each must be another station. A few hundred files are in memory at a time."""
    stations: dict[str, EvaluatedFile] = {}
    with click.progressbar(length=len(files), label="stations", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for low in range(0, len(files), _TOGETHER):
            parts = [part(path.name, read_prsa(path)) for path in files[low : low + _TOGETHER]]
            for found in executor.map(evaluated_file, parts):
                if found.station in stations:
                    raise ConfigurationError(
                        f"{found.file}: found station {found.station} again, expected one file per station"
                    )
                stations[found.station] = found
                bar.update(1)
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
