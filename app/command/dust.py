"""`lantian dust`: confirmed dust processes, whose hours are taken out of the particles beside the measured figures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from app.output import table_console
from app.registry_command import registry
from app.registry_sheet import Column, SheetRow, decoded, records_of, sheet_of
from domain.dust import EVERY_SITE, DustInterval, dust_interval
from domain.error import ConfigurationError
from domain.period import ZONE
from store.connection import Connection
from store.dust import DustRecord, add_dust, read_dust, withdraw_dust
from store.register import Author
from store.registration import read_areas

COLUMNS: Final = (
    Column(
        "site", "站点", ("站点编号", "监测点位"), default=EVERY_SITE, words={"全部": EVERY_SITE, "全部站点": EVERY_SITE}
    ),
    Column("start", "开始时间", ("起",)),
    Column("end", "结束时间", ("止",)),
    Column("source", "确认单位", ("来源", "依据")),
    Column("note", "备注"),
)
_BY = click.option("--by", required=True, help="Who enters it; kept for good.")
_WHY = click.option("--why", required=True, help="The reason; kept for good.")
_AREA = click.option("--area", help="Area; by default the only one.")


@click.group("dust")
def command() -> None:
    """Confirmed dust processes (沙尘天气过程): PM2.5 and PM10 of their hours are left out beside the measured figures.

    Only what the national network's procedure confirmed. Statistics follow with the next settlement.
    """


@command.command("add")
@click.option("--site", default=EVERY_SITE, show_default=True, help="Site; * = every one of the area.")
@click.option("--from", "start", required=True, help="Local time such as 2026-03-15T08:00.")
@click.option("--to", "end", required=True, help="Local time, outside.")
@click.option("--source", required=True, help="Who confirmed it, such as a letter of the national centre.")
@click.option("--note", default="", help="Remark.")
@_AREA
@_BY
@_WHY
def add(*, area: str | None, by: str, why: str, **cells: str) -> None:
    """Enter one interval."""
    headings = {"site": "--site", "start": "--from", "end": "--to", "source": "--source", "note": "--note"}
    interval = dust_interval(SheetRow(Path(), 0, cells, place="dust", headings=headings))
    with registry("enter dust intervals") as conn:
        _enter(conn, area, [interval], by, why)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_AREA
@_BY
@click.option("--why", default="", help="Reason; by default the name of the file.")
def import_file(file: Path, *, area: str | None, by: str, why: str) -> None:
    """Enter the intervals of the CSV FILE: site (* = all), start, end, source, note; headings in English or Chinese.

    Every bad line is named; nothing is written unless every line is good. Intervals that count already stay as they
    are.
    """
    intervals = load_intervals(file)
    with registry("enter dust intervals") as conn:
        _enter(conn, area, intervals, by, why or f"导入 {file.name}")


def load_intervals(file: Path) -> list[DustInterval]:
    """Intervals of a sheet; one `ConfigurationError` names every bad line."""
    try:
        text = decoded(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigurationError(f"{file}: found {error.strerror}, expected a CSV file") from error
    sheet = sheet_of(file.name, records_of(text), COLUMNS, identified=False)
    faults, found = list(sheet.faults), []
    for line in sheet.lines:
        cells = {column.key: line.cells.get(column.key) or column.default for column in COLUMNS}
        place = f"{sheet.name} line {line.number}"
        try:
            found.append(dust_interval(SheetRow(file, line.number, cells, place=place, headings=sheet.headings)))
        except ConfigurationError as error:
            faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join([*faults, f"{len(faults)} bad lines; nothing was written"]))
    return found


def _enter(conn: Connection, area: str | None, intervals: list[DustInterval], by: str, why: str) -> None:
    areas = read_areas(conn)
    if area is None and len(areas) == 1:
        area = next(iter(areas))
    if area not in areas:
        raise ConfigurationError(f"--area: found {area or 'none'}, expected one of {', '.join(areas)}")
    added = add_dust(conn, area, intervals, _author(by, why), now=dt.datetime.now(dt.UTC))
    click.echo(f"{added} entered, {len(intervals) - added} as they were")


def _author(by: str, why: str) -> Author:
    if not by.strip() or not why.strip():
        raise ConfigurationError("found an empty --by or --why, expected both: they are kept for good")
    return Author(by.strip(), why.strip())


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Withdrawn ones too.")
def list_intervals(*, everything: bool) -> None:
    """List the intervals that count."""
    with registry("read dust intervals") as conn:
        records = read_dust(conn, withdrawn=everything)
    if not records:
        click.echo("no dust interval is entered (lantian dust add, lantian dust import)")
        return
    table = Table("id", "area", "site", "from", "to", "source", "entered", "withdrawn", box=None)
    for one in records:
        table.add_row(*_cells(one))
    table_console().print(table)


def _cells(one: DustRecord) -> list[str]:
    span = [f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}" for moment in (one.interval.start, one.interval.end)]
    gone = f"{one.withdrawn_by}: {one.withdrawal_reason}" if one.withdrawn_at else ""
    entered = f"{one.entered_by}: {one.reason}"
    return [str(one.id), one.area_id, one.interval.site, *span, one.interval.source, entered, gone]


@command.command("withdraw")
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1))
@_BY
@_WHY
def withdraw(ids: tuple[int, ...], *, by: str, why: str) -> None:
    """Let the intervals IDS count no more; they stay on record."""
    with registry("withdraw dust intervals") as conn:
        for dust_id in ids:
            withdraw_dust(conn, dust_id, _author(by, why), now=dt.datetime.now(dt.UTC))
    click.echo(f"{len(ids)} withdrawn")
