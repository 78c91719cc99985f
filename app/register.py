"""Keeping the registers of the plan: import, add, correct, retire; every change is a row with who, when and why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.register_check import natural_id, register_table
from app.registration import Checked, checked_row, checked_sheet, merged_cells
from app.registry_sheet import Line, Sheet, SheetRow, decoded, records_of, sheet_of
from app.registry_table import Entry, Known, RegistryTable
from app.workbook import SUFFIX, load_records
from domain.error import ConfigurationError
from domain.register import Register
from domain.register_table import REGISTERS
from store.connection import Connection
from store.register import Author, Change, read_register, write_changes
from store.registration import read_areas, read_entries

_LINE: Final = re.compile(r" line (\d+)")


@dataclass(frozen=True, slots=True)
class Desk:
    """A register as it stands in the database, ready to check what is entered at a moment."""

    register: Register
    known: Known
    table: RegistryTable
    now: dt.datetime

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Entries by id, retired ones included."""
        return self.known.entries[self.register.name]


def open_desk(conn: Connection, register: Register, now: dt.datetime) -> Desk:
    """Read what entries of a register are checked against."""
    needed = {register.name, *(field.refers for field in register.fields if field.refers)}
    entries = {
        name: read_register(conn, REGISTERS[name]) if name in REGISTERS else read_entries(conn, name)
        for name in sorted(needed)
    }
    known = Known(read_areas(conn), {**entries, "device": {}})
    return Desk(register, known, register_table(register, known, now), now)


def register_named(name: str) -> Register:
    """The register of that name; `ConfigurationError` lists those there are."""
    register = REGISTERS.get(name.replace("-", "_"))
    if register is None:
        known = ", ".join(f"{each.name} ({each.title_zh})" for each in REGISTERS.values())
        raise ConfigurationError(f"register {name!r} is unknown, expected one of {known}")
    return register


def load_register_sheet(path: Path, desk: Desk) -> Sheet:
    """A CSV file or Excel workbook of a register; lines of registers with natural ids need none."""
    if path.suffix.lower() == SUFFIX:
        records = load_records(path)
    elif path.suffix.lower() in (".xls", ".et", ".ods"):
        raise ConfigurationError(f"{path.name}: found an older kind of workbook, expected {SUFFIX} or CSV")
    else:
        try:
            records = records_of(decoded(path.read_bytes(), path.name))
        except OSError as error:
            raise ConfigurationError(f"{path}: found {error.strerror}, expected a CSV file or {SUFFIX}") from error
    return sheet_of(path.name, records, desk.table.columns, identified=not desk.register.natural)


def _identified(sheet: Sheet, desk: Desk) -> Sheet:
    """The sheet with an id in every line; lines without one, and those of retired entries, become faults."""
    lines, faults = [], list(sheet.faults)
    for line in sheet.lines:
        try:
            lines.append(_identified_line(sheet, line, desk))
        except ConfigurationError as error:
            faults.append(str(error))
    return replace(sheet, lines=tuple(lines), faults=tuple(faults))


def _identified_line(sheet: Sheet, line: Line, desk: Desk, place: str = "") -> Line:
    place = place or f"{sheet.name} line {line.number}"
    cells = MappingProxyType(merged_cells(desk.table, line.cells, None))
    row = SheetRow(Path(sheet.name), line.number, cells, place, sheet.headings)
    name = line.cells.get("id") or (
        natural_id(desk.register, row, desk.known, desk.now) if desk.register.natural else row.text("id")
    )
    if name in desk.entries and desk.entries[name]["retired_at"] is not None:
        undo = f"lantian register retire {desk.register.name} {name} --undo"
        raise row.fault("id", f"one in service: {name} is retired; {undo}")
    return Line(line.number, MappingProxyType({**line.cells, "id": name}))


def import_register(conn: Connection, desk: Desk, path: Path, author: Author, *, partial: bool) -> Checked:
    """Check a file and write what is new or differs: every row, or none when one is bad.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, not in autocommit; committed here.
    desk : Desk
        The register.
    path : Path
        A CSV file or an Excel workbook.
    author : Author
        Who imports it, and why.
    partial : bool
        Write the good rows of a file with bad ones.

    Returns
    -------
    Checked
        What was written (nothing when there are faults and not `partial`) and the faults by line.
    """
    checked = checked_sheet(desk.table, _identified(load_register_sheet(path, desk), desk), desk.known)
    checked = replace(checked, faults=tuple(sorted(checked.faults, key=_line_number)))
    if not checked.faults or partial:
        unchanged = set(checked.unchanged)
        changes = [_change(desk, entry) for entry in checked.entries if entry["id"] not in unchanged]
        write_changes(conn, desk.register, changes, author)
        conn.commit()
    return checked


def _line_number(fault: str) -> int:
    match = _LINE.search(fault)
    return int(match[1]) if match else 0


def _change(desk: Desk, entry: Entry) -> Change:
    before = desk.entries.get(entry["id"])
    return Change("add", entry, 0) if before is None else Change("correct", entry, before["version"])


def write_entry(conn: Connection, desk: Desk, cells: Mapping[str, str], author: Author, *, new: bool) -> Entry:
    """Add an entry or correct one.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    desk : Desk
        The register.
    cells : mapping of str to str
        Text by heading, English or Chinese; a correction has ``id``, and what it does not name stays.
    author : Author
        Who and why.
    new : bool
        Whether it must be new; otherwise it must be in service.

    Returns
    -------
    dict
        The entry as written.
    """
    headings, given = _by_key(desk, cells)
    sheet, place = Sheet(desk.register.name, headings, (), ()), f"register {desk.register.name}"
    if not new:
        in_service(desk, given["id"])
    line = _identified_line(sheet, Line(0, given), desk, place)
    name = line.cells["id"]
    if new and name in desk.entries:
        raise ConfigurationError(f"{place}: found entry {name!r} already, expected a new one, or: correct {name}")
    before = desk.table.cells(desk.entries[name]) if not new else None
    entry = checked_row(desk.table, line, sheet, desk.known, place=place)
    if before == desk.table.cells(entry):
        raise ConfigurationError(f"{place}: found nothing in which {name!r} differs, expected a correction")
    write_changes(conn, desk.register, [_change(desk, entry)], author)
    return entry


def _by_key(desk: Desk, cells: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Heading and the program's text of each cell, by key."""
    columns = {heading: column for column in desk.table.columns for heading in column.headings}
    columns |= {column.heading_zh.partition("（")[0]: column for column in desk.table.columns}
    headings, given = {}, {}
    for heading, text in cells.items():
        column = columns.get(heading)
        if column is None:
            known = ", ".join(f"{each.key} ({each.heading_zh})" for each in desk.table.columns)
            raise ConfigurationError(f"register {desk.register.name}: found field {heading!r}, expected one of {known}")
        if column.key in given:
            raise ConfigurationError(f"register {desk.register.name}: found {heading!r} again, expected it once")
        headings[column.key], given[column.key] = heading, column.meaning(text)
    return headings, given


def in_service(desk: Desk, name: str) -> Entry:
    """The entry of that id; `ConfigurationError` when there is none or it is retired."""
    entry = desk.entries.get(name)
    if entry is None or entry["retired_at"] is not None:
        found = "no entry" if entry is None else "a retired entry"
        raise ConfigurationError(
            f"register {desk.register.name}: found {found} {name!r}, expected the id of one in service"
        )
    return entry


def retire_register_entry(conn: Connection, desk: Desk, name: str, author: Author, *, undo: bool) -> None:
    """Take an entry out of service, or bring it back; all its versions stay. The caller commits."""
    if not undo:
        entry: Mapping[str, Any] = in_service(desk, name)
    else:
        found = desk.entries.get(name)
        if found is None or found["retired_at"] is None:
            raise ConfigurationError(
                f"register {desk.register.name}: found no retired entry {name!r}, expected the id of one"
            )
        cells = MappingProxyType(merged_cells(desk.table, {}, found))
        desk.table.check(SheetRow(Path(desk.register.name), 0, cells, f"register {desk.register.name}"), desk.known)
        entry = found
    write_changes(conn, desk.register, [Change("restore" if undo else "retire", entry, entry["version"])], author)
