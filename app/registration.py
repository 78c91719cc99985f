"""Registering: sheets and options become checked entries, entries become rows of the registry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.registry_sheet import Line, Sheet, SheetRow, load_sheet
from app.registry_table import Entry, Known, RegistryTable
from domain.error import ConfigurationError
from store.connection import Connection
from store.registration import read_areas, read_entries, write_entries


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows of a sheet after the check: entries to write (new ids, changed ids, unchanged ones) and every fault."""

    entries: tuple[Entry, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    faults: tuple[str, ...]


def read_known(conn: Connection) -> Known:
    """What rows are checked against."""
    return Known(read_areas(conn), {name: read_entries(conn, name) for name in ("enterprise", "site", "device")})


def merged_cells(table: RegistryTable, given: Mapping[str, str], before: Mapping[str, Any] | None) -> dict[str, str]:
    """Cells of a row: as given, else as registered before, else the defaults.

    Parameters
    ----------
    table : RegistryTable
        The table.
    given : mapping of str to str
        Cells of the columns that the sheet has.
    before : mapping, optional
        The entry of that id, if there is one.

    Returns
    -------
    dict of str to str
        A cell for every column. A new preset of units replaces single units unless these are given too.
    """
    registered = table.cells(before) if before is not None else {}
    if given.get("unit_preset") and "units" not in given:
        registered.pop("units", None)
    return {
        column.key: given.get(column.key, registered.get(column.key, "")) or column.default for column in table.columns
    }


def checked_row(table: RegistryTable, line: Line, sheet: Sheet, known: Known, *, place: str) -> Entry:
    """The entry that a line describes.

    Parameters
    ----------
    table : RegistryTable
        The table.
    line : Line
        Its cells.
    sheet : Sheet
        Where it stands; for its headings.
    known : Known
        The registry; an accepted device's number is remembered there.
    place : str
        How messages name the line.

    Returns
    -------
    dict
        Ready to be written; a `ConfigurationError` names place, column, what was found and what was expected.
    """
    before = known.entries[table.name].get(line.cells.get("id", ""))
    cells = MappingProxyType(merged_cells(table, line.cells, before))
    row = SheetRow(Path(sheet.name), line.number, cells, place, sheet.headings)
    if before is not None and before["retired_at"] is not None:
        raise row.fault("id", f"one in service: this one is retired; lantian {table.name} retire {before['id']} --undo")
    return table.check(row, known)


def checked_sheet(table: RegistryTable, sheet: Sheet, known: Known) -> Checked:
    """Check every line of a sheet.

    Parameters
    ----------
    table : RegistryTable
        Its table.
    sheet : Sheet
        As read.
    known : Known
        The registry; accepted rows are added to it.

    Returns
    -------
    Checked
        Good rows and every fault.
    """
    faults, seen = list(sheet.faults), dict[str, int]()
    entries: list[Entry] = []
    words: dict[str, list[str]] = {"added": [], "changed": [], "unchanged": []}
    for line in sheet.lines:
        place = f"{sheet.name} line {line.number}"
        try:
            name = line.cells["id"]
            if name in seen:
                raise ConfigurationError(f"{place}: found id {name!r} again, expected it once (line {seen[name]})")
            entry = checked_row(table, line, sheet, known, place=place)
        except ConfigurationError as error:
            faults.append(str(error))
            continue
        seen[name] = line.number
        before = known.entries[table.name].get(name)
        word = "added" if before is None else "unchanged" if table.cells(before) == table.cells(entry) else "changed"
        words[word].append(name)
        entries.append(entry)
    added, changed, unchanged = (tuple(words[word]) for word in ("added", "changed", "unchanged"))
    return Checked(tuple(entries), added, changed, unchanged, tuple(faults))


def import_file(conn: Connection, table: RegistryTable, path: Path, *, partial: bool) -> Checked:
    """Check a file and write its rows: all of them, or none when one is bad.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, not in autocommit; committed here.
    table : RegistryTable
        Which table.
    path : Path
        The CSV file.
    partial : bool
        Write the good rows of a file with bad ones.

    Returns
    -------
    Checked
        What was written (nothing when there are faults and not `partial`) and the faults.
    """
    sheet = load_sheet(path, table.columns)
    checked = checked_sheet(table, sheet, read_known(conn))
    if not checked.faults or partial:
        same = set(checked.unchanged)
        write_entries(conn, table.name, [entry for entry in checked.entries if entry["id"] not in same])
        conn.commit()
    return checked


def write_options(
    conn: Connection, table: RegistryTable, cells: Mapping[str, str], options: Mapping[str, str], *, new: bool
) -> Entry:
    """Write one entry given on the command line.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    table : RegistryTable
        Which table.
    cells : mapping of str to str
        Cells by key, with ``id``.
    options : mapping of str to str
        Name of the option of each cell, for messages.
    new : bool
        Whether it must be new; otherwise it must be registered.

    Returns
    -------
    dict
        The entry.
    """
    known = read_known(conn)
    name = cells["id"]
    if new and name in known.entries[table.name]:
        raise ConfigurationError(
            f"{table.name} {name!r} is registered already; expected a new id, or: {_change(table, name)}"
        )
    if not new and name not in known.entries[table.name]:
        raise ConfigurationError(f"found no {table.name} {name!r}, expected the id of a registered one")
    translated = {column.key: column.meaning(cells[column.key]) for column in table.columns if column.key in cells}
    sheet = Sheet(table.name, options, (), ())
    entry = checked_row(table, Line(0, translated), sheet, known, place=f"{table.name} {name}")
    write_entries(conn, table.name, [entry])
    return entry


def _change(table: RegistryTable, name: str) -> str:
    return f"lantian {table.name} change {name} ..."


def age_text(since: dt.datetime | None, now: dt.datetime) -> str:
    """How long ago, in the largest fitting unit: ``45 s``, ``12 min``, ``3.5 h``, ``9 d``; ``-`` for never."""
    if since is None:
        return "-"
    seconds = (now - since).total_seconds()
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if abs(seconds) < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
