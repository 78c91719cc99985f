"""`lantian calibrate`: micro stations against reference stations: fit, list, show, correct, and a file by itself."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np
from rich.table import Table

from analytics.calibration import CALIBRATION_LIMITS, Fit, Inputs, corrected, fit_calibration
from app.job.calibration import MICRO, correct_span, fit_device
from app.output import table_console
from app.service.address import app_database_url
from domain.error import ConfigurationError
from domain.period import ZONE
from domain.pollutant import POLLUTANTS, SIX_KEYS
from store.calibration import Calibration, NewCalibration, read_calibration, read_calibrations
from store.connection import Connection, connect
from store.device_hour import read_air_devices
from store.error import translated

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])
_MISSING: Final = frozenset({"", "NA", "NaN", "—"})


@click.group("calibrate")
def command() -> None:
    """Calibrate micro stations (微站校准); corrected values stand beside the originals and decide nothing."""


@command.command("fit")
@click.option("--device", "devices", multiple=True, help="Micro station; all when absent.")
@click.option("--from", "low", type=_MOMENT, help="First hour of the training (local time); four weeks before its end.")
@click.option("--to", "high", type=_MOMENT, help="End of the training; the last full hour when absent.")
@click.option("--who", required=True, help="Who asks for it; kept for good.")
def fit(devices: tuple[str, ...], low: dt.datetime | None, high: dt.datetime | None, *, who: str) -> None:
    """Fit new versions; a version counts for hours from the end of its training on."""
    now = dt.datetime.now(dt.UTC)
    end = high.replace(tzinfo=ZONE) if high else now.replace(minute=0, second=0, microsecond=0)
    start = low.replace(tzinfo=ZONE) if low else end - dt.timedelta(days=CALIBRATION_LIMITS.window_days)
    start, end = (moment.replace(minute=0, second=0, microsecond=0) for moment in (start, end))
    if start >= end or not who.strip():
        raise ConfigurationError(f"training {start} to {end} by {who!r}: expected a span and a name")
    with _open() as conn, translated("fit calibrations"):
        known = {each.id: each for each in read_air_devices(conn) if each.kind == MICRO}
        if unknown := [name for name in devices if name not in known]:
            raise ConfigurationError(
                f"device {', '.join(unknown)}: expected micro stations, some of {', '.join(known)}"
            )
        made = [
            version
            for name in devices or known
            for version in fit_device(conn, known[name], (start, end), now=now, who=who.strip())
        ]
    table_console().print(
        fitted_table(made) if made else "Nothing to fit: no micro station with a reference station within reach."
    )


@command.command("list")
@click.option("--device", help="Of this device only.")
@click.option("--all", "every", is_flag=True, help="Also versions that are not used.")
def list_versions(device: str | None, every: bool) -> None:
    """List versions with training, n, R, RMSE and bias before and after."""
    with _open() as conn, translated("read calibrations"):
        found = read_calibrations(conn, device_ids=[device] if device else None, used=not every)
    table_console().print(fitted_table(found) if found else "Nothing to show.")


@command.command("show")
@click.argument("calibration_id", type=click.IntRange(1))
def show(calibration_id: int) -> None:
    """Show version CALIBRATION_ID with its coefficients and range."""
    with _open() as conn, translated("read a calibration"):
        version = read_calibration(conn, calibration_id)
    click.echo("\n".join(described(version)))


@command.command("correct")
@click.option("--from", "low", required=True, type=_MOMENT, help="First hour (local time) ...")
@click.option("--to", "high", required=True, type=_MOMENT, help="... and before then.")
def correct(low: dt.datetime, high: dt.datetime) -> None:
    """Correct hours again with the versions there are now; new hours are corrected by the job calibrate."""
    with _open() as conn, translated("correct hours"):
        written = correct_span(conn, low.replace(tzinfo=ZONE), high.replace(tzinfo=ZONE))
    click.echo(f"{written} hours corrected")


@command.command("file")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--column", required=True, type=click.Choice(SIX_KEYS), help="Pollutant that was measured.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="CSV with corrected values added."
)
def calibrate_file(source: Path, column: str, output: Path | None) -> None:
    """Fit the hours of a CSV file, without any service.

    SOURCE has the columns measured and reference, and if there are any humidity (%) and temperature (℃), one row per
    hour in order of time; others pass through. -o adds corrected and extrapolated.
    """
    rows, names = _read_rows(source)
    columns = {name: np.array([_number(row, name, source) for row in rows]) for name in _FILE_COLUMNS}
    inputs = Inputs(columns["measured"], columns["humidity"], columns["temperature"])
    result = fit_calibration(column, inputs, columns["reference"])
    click.echo("\n".join(_file_lines(result, POLLUTANTS[column].unit)))
    if result.model is None or output is None:
        return
    found = corrected(result.model, inputs)
    try:
        with output.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, "corrected", "extrapolated"])
            writer.writeheader()
            for row, value, outside in zip(rows, found.values.tolist(), found.extrapolated.tolist(), strict=True):
                added = {"corrected": "" if math.isnan(value) else f"{value:.6g}", "extrapolated": int(outside)}
                writer.writerow({**row, **added})
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


_FILE_COLUMNS: Final = ("measured", "reference", "humidity", "temperature")


def _read_rows(source: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            rows, names = list(reader), list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"cannot read {source}: {error}") from error
    missing = [name for name in _FILE_COLUMNS[:2] if name not in names]
    if missing:
        raise ConfigurationError(f"{source}: found columns {', '.join(names)}, expected {' and '.join(missing)} too")
    return rows, names


def _number(row: dict[str, str], name: str, source: Path) -> float:
    text = (row.get(name) or "").strip()
    if text in _MISSING:
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(f"{source}: column {name}: found {text!r}, expected a number or nothing") from error


def _file_lines(result: Fit, unit: str) -> list[str]:
    if result.model is None:
        return [f"not calibrated: {result.reason}"]
    model = result.model
    return [
        f"corrected = {_formula(model.terms, model.coefficients)}",
        f"n {result.n}, R {result.r:.3f}, RMSE {result.rmse:.3g} {unit} (as measured {result.rmse_raw:.3g}),"
        f" bias {result.bias:+.3g} {unit} (as measured {result.bias_raw:+.3g})",
        "may be used" if result.accepted else f"must not be used: {result.reason}",
    ]


def _formula(terms: Sequence[str], coefficients: Sequence[float]) -> str:
    return " ".join(
        f"{coefficient:+.5g}" + ("" if term == "constant" else f"·{term}")
        for term, coefficient in zip(terms, coefficients, strict=True)
    )


def fitted_table(versions: Sequence[NewCalibration]) -> Table:
    """Versions as a table."""
    headings = ("id", "device", "pollutant", "reference", "training", "n", "R", "RMSE", "bias", "as measured", "used")
    table = Table(*headings)
    for one in versions:
        number = str(one.id) if isinstance(one, Calibration) else ""
        training = f"{_day(one.train_from)} to {_day(one.train_to)}"
        figures = (
            _figure(one.r),
            _figure(one.rmse),
            _figure(one.bias),
            f"{_figure(one.rmse_raw)} {_figure(one.bias_raw)}",
        )
        used = one.reason or "yes"
        reference = f"{one.reference_site_id} {one.distance_m:.0f} m"
        table.add_row(number, one.device_id, one.pollutant, reference, training, str(one.n), *figures, used)
    return table


def described(version: Calibration) -> list[str]:
    """A version in lines."""
    ranges = zip(("measured", "humidity", "temperature"), version.low, version.high, strict=True)
    unit = POLLUTANTS[version.pollutant].unit
    return [
        f"calibration {version.id}: {version.device_id} {version.pollutant} version {version.version},"
        f" {'used' if not version.reason else 'not used: ' + version.reason}",
        f"reference {version.reference_site_id}, {version.distance_m:.0f} m away",
        f"training {version.train_from.astimezone(ZONE):%Y-%m-%d %H:%M} to"
        f" {version.train_to.astimezone(ZONE):%Y-%m-%d %H:%M}, fitted by {version.fitted_by}",
        f"n {version.n}, R {_figure(version.r)}, RMSE {_figure(version.rmse)} {unit} (as measured"
        f" {_figure(version.rmse_raw)}), bias {_figure(version.bias)} {unit} (as measured {_figure(version.bias_raw)})",
        *([f"corrected = {_formula(version.terms, version.coefficients)}"] if version.terms else []),
        *(f"trained with {name} {low:g} to {high:g}" for name, low, high in ranges if not math.isnan(low)),
    ]


def _figure(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.3g}"


def _day(moment: dt.datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d}"


def _open() -> Connection:
    return connect(app_database_url(), autocommit=True, application_name="lantian calibrate")
