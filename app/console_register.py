"""Registers as the console keeps them: one entry, a sheet, a workbook."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from app.register import (
    import_register,
    open_desk,
    register_named,
    retire_register_entry,
    write_entry,
)
from app.register_check import register_columns, shown_text
from app.workbook import SUFFIX, write_workbook
from console.desk import Keeper, SheetOutcome
from domain.error import ConfigurationError
from store.connection import Connection
from store.register import Author, read_register


def write_form(conn: Connection, keeper: Keeper, cells: Mapping[str, str], *, new: bool) -> str:
    """Add an entry or correct one; its id. The caller commits."""
    desk = open_desk(conn, register_named(keeper.register), keeper.now)
    return str(write_entry(conn, desk, cells, Author(keeper.who, keeper.why), new=new)["id"])


def retire_entry(conn: Connection, keeper: Keeper, name: str, *, undo: bool) -> None:
    """Take an entry out of service or bring it back. The caller commits."""
    desk = open_desk(conn, register_named(keeper.register), keeper.now)
    retire_register_entry(conn, desk, name, Author(keeper.who, keeper.why), undo=undo)


def import_sheet(conn: Connection, keeper: Keeper, name: str, content: bytes) -> SheetOutcome:
    """Enter the rows of a CSV file or workbook that was sent: all of them, or none when one is bad."""
    suffix = Path(name).suffix.lower()
    if suffix not in (".csv", SUFFIX):
        raise ConfigurationError(f"{name}: found a file of kind {suffix or 'none'}, expected {SUFFIX} or .csv")
    desk = open_desk(conn, register_named(keeper.register), keeper.now)
    with tempfile.TemporaryDirectory(prefix="lantian-sheet-") as folder:
        path = Path(folder) / f"sheet{suffix}"
        path.write_bytes(content)
        checked = import_register(conn, desk, path, Author(keeper.who, keeper.why), partial=False)
    return SheetOutcome(len(checked.added), len(checked.changed), len(checked.unchanged), checked.faults)


def export_sheet(conn: Connection, register: str) -> bytes:
    """A workbook of the entries in service; of an empty register a form to fill in."""
    described = register_named(register)
    columns = register_columns(described)
    entries = [entry for entry in read_register(conn, described).values() if entry["retired_at"] is None]
    rows = [
        [column.wording(shown_text(entry[column.key])) if column.words else entry[column.key] for column in columns]
        for entry in entries
    ]
    with tempfile.TemporaryDirectory(prefix="lantian-sheet-") as folder:
        path = Path(folder) / f"sheet{SUFFIX}"
        write_workbook(path, described.title_zh, [column.heading_zh for column in columns], rows)
        return path.read_bytes()
