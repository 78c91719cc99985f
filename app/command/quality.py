"""`lantian quality`: what the automatic tests found, in the database or in files."""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from analytics.quality import Quality, combined, explanation, names
from analytics.quality_hour import HourGrid, hour_quality
from analytics.quality_reading import ReadingSeries, reading_quality
from analytics.screening import PERSISTENCE
from app.output import table_console
from app.prsa import PrsaStation, load_prsa
from app.service.address import app_database_url
from domain.family import AIR
from domain.flag import GOOD, NAMES_ZH, SUSPECT
from domain.period import HOUR_S, ZONE
from domain.quality_table import quality_tests
from store.connection import connect
from store.error import translated
from store.quality import Finding, read_findings

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])
#: Without `--from`: so long before now.
_USUAL: Final = dt.timedelta(days=1)
_COLUMNS: Final = ("station", "hour", "column", "value", "flag", "tests", "reason")


@click.group("quality")
def command() -> None:
    """Automatic quality tests: what they found and why. They run as a job: lantian job run quality."""


@command.command("list")
@click.option("--device", help="Of this device only.")
@click.option("--from", "low", type=_MOMENT, help="Readings that start then (local time); a day ago when absent.")
@click.option("--to", "high", type=_MOMENT, help="Readings that start before then; now when absent.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many columns, newest first."
)
def list_findings(device: str | None, low: dt.datetime | None, high: dt.datetime | None, *, limit: int) -> None:
    """List findings by hour, device and column, with the reason."""
    end = high.replace(tzinfo=ZONE) if high else dt.datetime.now(dt.UTC)
    start = low.replace(tzinfo=ZONE) if low else end - _USUAL
    with connect(app_database_url(), application_name="lantian quality") as conn, translated("read findings"):
        findings = read_findings(conn, (start, end), device_id=device, limit=limit)
    table = Table("hour", "device", "site", "columns", "readings", "flag", "because")
    for row in grouped(findings):
        table.add_row(*row)
    span = " to ".join(f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}" for moment in (start, end))
    table_console().print(table if findings else f"Nothing found from {span}.")


def grouped(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    """Cells of one row per hour, device and kind of finding, its columns together."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for one in findings:
        hour = f"{one.hour.astimezone(ZONE):%Y-%m-%d %H:%M}"
        flag = NAMES_ZH[one.flag] if one.flag >= SUSPECT else "note"
        readings = str(one.readings) if one.readings else "hour"
        reason = explanation(one.failed, english=True)
        columns.setdefault((hour, one.device_id, one.site_zh, readings, flag, reason), []).append(one.column)
    return [(*key[:3], " ".join(found), *key[3:]) for key, found in columns.items()]


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="CSV file for every finding.")
def check(files: tuple[Path, ...], file_format: str, output: Path | None) -> None:
    """Test hours in FILES (PRSA station files, one station each) and tell how many values fail which test.

    Tests of receipt time, twin channels and neighbours need the database; the others run as there.
    """
    del file_format
    stations = [load_prsa(path, possible_only=False) for path in files]
    tested = [(station, station_quality(station)) for station in stations]
    if output is not None:
        try:
            with output.open("w", encoding="utf-8", newline="") as target:
                writer = csv.writer(target)
                writer.writerow(_COLUMNS)
                for station, quality in tested:
                    writer.writerows(finding_rows(station, quality))
        except OSError as error:
            raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
    Console(file=sys.stdout).print(summary(tested))


def station_quality(station: PrsaStation) -> Quality:
    """Tests of the hours of one station, by itself.

    Parameters
    ----------
    station : PrsaStation
        n hours.

    Returns
    -------
    Quality
        Shape (n, 12).
    """
    count, shape = len(station.times_s), station.values.shape
    spans = np.full(count, HOUR_S, dtype=np.int64)
    absent, owner = np.full(shape, np.nan), np.zeros(count, dtype=np.int64)
    series = ReadingSeries(
        owner,
        station.times_s,
        spans,
        np.full(count, np.nan),
        spans,
        station.values,
        np.full(shape, ord("-"), dtype=np.uint8),
        np.zeros(count, dtype=np.bool_),
        absent,
        absent,
    )
    values = station.values[:, None, :]
    alone = HourGrid(station.times_s, values, values, values, np.full((1, 2), np.nan), np.zeros(1, dtype=np.bool_))
    readings, hours = reading_quality(series), hour_quality(alone)
    still = np.where(hours.failed[:, 0] & PERSISTENCE, np.uint8(SUSPECT), np.uint8(GOOD))
    return combined(readings.flags, readings.failed, {PERSISTENCE: still})


def finding_rows(station: PrsaStation, quality: Quality) -> Iterator[list[object]]:
    """One row per value with a finding, in the order of `_COLUMNS`."""
    for row, column in np.argwhere(quality.failed).tolist():
        moment = dt.datetime.fromtimestamp(int(station.times_s[row]), ZONE)
        failed = int(quality.failed[row, column])
        value = station.values[row, column]
        flag = NAMES_ZH[int(quality.flags[row, column])]
        tests = "、".join(names(failed))
        yield [
            station.name,
            f"{moment:%Y-%m-%d %H:%M}",
            AIR.keys[column],
            f"{value:g}",
            flag,
            tests,
            explanation(failed),
        ]


def summary(tested: Sequence[tuple[PrsaStation, Quality]]) -> Table:
    """Values per station and how many of them fail each test; shares in percent of the values."""
    present = [test for test in quality_tests() if any((quality.failed & test.bit).any() for _, quality in tested)]
    table = Table("station", "values", "doubted", "%", *(test.name for test in present))
    for station, quality in tested:
        values, doubted = int((~np.isnan(station.values)).sum()), int((quality.flags >= SUSPECT).sum())
        doubted -= int(np.isnan(station.values).sum())
        counts = (str(int((quality.failed & test.bit != 0).sum())) for test in present)
        table.add_row(station.name, str(values), str(doubted), f"{100 * doubted / max(values, 1):.3f}", *counts)
    return table
