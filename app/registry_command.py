"""The commands that sites, devices and enterprises share: add, change, list, show, import, export, retire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from app.output import table_console
from app.registration import import_file, write_options
from app.registry_sheet import sheet_text
from app.registry_table import Entry, RegistryTable, cell_text
from app.service.address import app_database_url
from domain.error import ConfigurationError
from store.connection import Connection, connect
from store.error import translated
from store.registration import read_entries, restore_entry, retire_entry

#: Extra columns of `list`: heading -> text of an entry at a moment.
Extra = dict[str, Callable[[Entry, dt.datetime], str]]


@contextmanager
def registry(action: str) -> Iterator[Connection]:
    """A connection to the registry; database errors become errors of the house that name the action."""
    with translated(action), connect(app_database_url(), application_name="lantian registry") as conn:
        yield conn


def registry_group(table: RegistryTable, extra: Extra | None = None) -> click.Group:
    """The group of commands for one table.

    Parameters
    ----------
    table : RegistryTable
        The table.
    extra : dict, optional
        Columns that `list` shows besides those of the table.

    Returns
    -------
    click.Group
        With add, change, list, show, import, export and retire.
    """
    group = click.Group(table.name, help=f"{table.name.capitalize()}s of the registry ({table.title_zh}).")
    for command in (_add(table, new=True), _add(table, new=False), _list(table, extra or {}), _show(table)):
        group.add_command(command)
    for command in (_import(table), _export(table)):
        group.add_command(command)
    return group


def option_name(key: str) -> str:
    """How a column is called on the command line."""
    return "--" + key.removesuffix("_zh").removesuffix("_id").replace("_", "-")


def column_options(table: RegistryTable, *, leave: tuple[str, ...] = ()) -> list[click.Parameter]:
    """An option per column of the table, besides the id, the single units and those left out."""
    options: list[click.Parameter] = [
        click.Option([option_name(column.key), column.key], help=column.help)
        for column in table.columns
        if column.key not in ("id", "units", *leave)
    ]
    if any(column.key == "units" for column in table.columns):
        text = "Unit of one factor, such as a34004=µg/m³; may be repeated."
        options.append(click.Option(["--unit", "units"], multiple=True, help=text))
    return options


def option_cells(name: str, options: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Cells that options give, and the option of each."""
    cells = {
        key: ";".join(value) if isinstance(value, tuple) else str(value) for key, value in options.items() if value
    }
    headings = {key: "--unit" if key == "units" else option_name(key) for key in cells}
    return {"id": name, **cells}, headings


def _add(table: RegistryTable, *, new: bool) -> click.Command:
    def run(name: str, **options: Any) -> None:
        cells, headings = option_cells(name, options)
        with registry(f"write the {table.name}") as conn:
            entry = write_options(conn, table, cells, headings, new=new)
            conn.commit()
        click.echo(f"{table.name} {entry['id']} {'registered' if new else 'changed'}")

    verb = "Register" if new else "Change"
    return click.Command(
        "add" if new else "change",
        callback=run,
        params=[click.Argument(["name"], metavar="ID"), *column_options(table)],
        help=f"{verb} the {table.name} ID." + ("" if new else " What is not named stays; an empty text clears it."),
    )


def _list(table: RegistryTable, extra: Extra) -> click.Command:
    def run(everything: bool) -> None:
        with registry(f"read the {table.name}s") as conn:
            entries = read_entries(conn, table.name)
        shown = [entry for entry in entries.values() if everything or entry["retired_at"] is None]
        table_console().print(entry_table(table, shown, extra, dt.datetime.now(dt.UTC)))

    flag = click.Option(["--all", "everything"], is_flag=True, help="Retired ones too.")
    return click.Command("list", callback=run, params=[flag], help=f"List the {table.name}s in service.")


def entry_table(table: RegistryTable, entries: list[Entry], extra: Extra, now: dt.datetime) -> Table:
    """Entries as a table with Chinese headings."""
    shown = Table(title=f"{table.title_zh} {len(entries)}")
    headings = {column.key: column.heading_zh for column in table.columns}
    for heading in (*(headings[key] for key in table.listed), *extra, "停用"):
        shown.add_column(heading, overflow="fold")
    columns = {column.key: column for column in table.columns}
    for entry in entries:
        cells = [columns[key].wording(cell_text(entry[key])) for key in table.listed]
        retired = entry["retired_at"]
        shown.add_row(*cells, *(text(entry, now) for text in extra.values()), f"{retired:%Y-%m-%d}" if retired else "")
    return shown


def _show(table: RegistryTable) -> click.Command:
    def run(name: str) -> None:
        with registry(f"read the {table.name}s") as conn:
            entry = read_entries(conn, table.name).get(name)
        if entry is None:
            raise ConfigurationError(f"found no {table.name} {name!r}, expected the id of a registered one")
        headings = {column.key: column.heading_zh for column in table.columns}
        for key, value in entry.items():
            if value is not None:
                click.echo(f"{key:<18}{headings.get(key, ''):<8}\t{cell_text(value)}")

    argument = click.Argument(["name"], metavar="ID")
    return click.Command(
        "show", callback=run, params=[argument], help=f"Everything registered about the {table.name} ID."
    )


def _import(table: RegistryTable) -> click.Command:
    def run(file: Path, partial: bool) -> None:
        with registry(f"import the {table.name}s") as conn:
            checked = import_file(conn, table, file, partial=partial)
        for fault in checked.faults:
            click.echo(fault, err=True)
        counts = f"{len(checked.added)} added, {len(checked.changed)} changed, {len(checked.unchanged)} as they were"
        if checked.faults and not partial:
            raise ConfigurationError(
                f"{len(checked.faults)} bad lines, {len(checked.entries)} good ones; nothing was written"
                " (--partial writes the good ones)"
            )
        click.echo(counts)
        if checked.faults:
            raise ConfigurationError(f"{len(checked.faults)} bad lines were left out")

    params: list[click.Parameter] = [
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--partial"], is_flag=True, help="Write the good rows although others are bad."),
    ]
    text = (
        f"Register {table.name}s from a CSV FILE, or change those it names. Headings in English or Chinese, UTF-8 or"
        " GB18030. Nothing is written unless every row is good. Columns that the file lacks keep what is registered."
    )
    return click.Command("import", callback=run, params=params, help=text)


def _export(table: RegistryTable) -> click.Command:
    def run(output: Path | None, english: bool) -> None:
        with registry(f"read the {table.name}s") as conn:
            entries = read_entries(conn, table.name).values()
        rows = [table.cells(entry) for entry in entries if entry["retired_at"] is None]
        content = sheet_text(table.columns, rows, chinese=not english).encode("utf-8")
        if output is None:
            click.echo(content, nl=False)
        else:
            output.write_bytes(content)
            click.echo(f"{len(rows)} {table.name}s written to {output}", err=True)

    params: list[click.Parameter] = [
        click.Option(["--output", "-o"], type=click.Path(dir_okay=False, path_type=Path), help="File to write."),
        click.Option(["--english"], is_flag=True, help="Keys as headings and the program's words as values."),
    ]
    return click.Command("export", callback=run, params=params, help=f"Write the {table.name}s in service as CSV.")


def retire_command(table: RegistryTable, after: Callable[[str], str] | None = None) -> click.Command:
    """The command that takes an entry out of service and brings it back.

    Parameters
    ----------
    table : RegistryTable
        The table.
    after : callable, optional
        Called with the id once it is retired; returns a remark for the operator.

    Returns
    -------
    click.Command
        ``retire``.
    """

    def run(name: str, undo: bool) -> None:
        with registry(f"retire the {table.name}") as conn:
            if undo:
                restore_entry(conn, table.name, name)
            else:
                retire_entry(conn, table.name, name, dt.datetime.now(dt.UTC))
            conn.commit()
        click.echo(f"{table.name} {name} is {'in service again' if undo else 'retired; its history stays'}")
        if after is not None and not undo:
            click.echo(after(name))

    params: list[click.Parameter] = [
        click.Argument(["name"], metavar="ID"),
        click.Option(["--undo"], is_flag=True, help="Bring it back into service."),
    ]
    return click.Command("retire", callback=run, params=params, help=f"Take the {table.name} ID out of service.")
