"""`lantian outlet`: how each stack is judged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from app.outlet_sheet import COLUMNS, import_outlets, outlet_cells
from app.output import table_console
from app.registry_command import registry
from app.registry_sheet import sheet_text
from domain.emission import outlets
from domain.error import ConfigurationError
from domain.period import local_date
from store.outlet import read_outlets

_LISTED: Final = (
    "site",
    "valid_from",
    "valid_to",
    "kind",
    "reference_oxygen",
    "basis",
    "permitted_so2_t",
    "permitted_nox_t",
)


@click.group("outlet")
def command() -> None:
    """Outlets of stacks: from which day on which kind of limits, reference oxygen and permitted totals hold."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that no longer hold or do not hold yet.")
def list_outlets(everything: bool) -> None:
    """List the outlets in force."""
    today = local_date(dt.datetime.now(dt.UTC))
    with registry("read the outlets") as conn:
        rows = [row for row in read_outlets(conn) if everything or row.holds_on(today)]
    table = Table(title=f"排放口 {len(rows)}")
    shown = [column for column in COLUMNS if column.key in _LISTED]
    for column in shown:
        table.add_column(column.heading_zh, overflow="fold")
    for row in rows:
        cells = outlet_cells(row)
        table.add_row(*(column.wording(cells[column.key]) for column in shown))
    table_console().print(table)


@command.command("kinds")
def list_kinds() -> None:
    """List the kinds of outlets with their reference oxygen and source."""
    table = Table(title="排放口类型")
    for heading in ("类型", "名称", "行业", "基准含氧量 %", "依据", "可信度"):
        table.add_column(heading)
    for key, kind in outlets().items():
        oxygen = "不折算" if kind.reference_oxygen is None else f"{kind.reference_oxygen:g}"
        table.add_row(key, kind.name_zh, kind.industry, oxygen, kind.clause, kind.confidence)
    table_console().print(table)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_file(file: Path) -> None:
    """Enter the outlets of the CSV FILE; the same site and first day is a correction.

    Headings in Chinese or English (lantian outlet export gives a form). Nothing is written unless every row is good.
    What was settled changes with lantian emission settle.
    """
    with registry("import the outlets") as conn:
        checked = import_outlets(conn, file)
    for fault in checked.faults:
        click.echo(fault, err=True)
    if checked.faults:
        raise ConfigurationError(f"{len(checked.faults)} bad lines, {len(checked.rows)} good ones; nothing was written")
    click.echo(f"{len(checked.rows)} outlets written")


@command.command("export")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File; by default the terminal.")
@click.option("--english", is_flag=True, help="Keys as headings and the program's words as values.")
def export(output: Path | None, english: bool) -> None:
    """Write all outlets as CSV; without any it is a form to fill in."""
    with registry("read the outlets") as conn:
        rows = read_outlets(conn)
    content = sheet_text(COLUMNS, [outlet_cells(row) for row in rows], chinese=not english).encode()
    if output is None:
        click.echo(content, nl=False)
    else:
        output.write_bytes(content)
        click.echo(f"{len(rows)} outlets written to {output}", err=True)
