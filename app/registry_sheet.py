"""Tables that people keep in spreadsheets: CSV in UTF-8 or GB18030, headings in English or Chinese, faults by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.error import ConfigurationError
from domain.table import Row

_REMARK_IN_HEADING: Final = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")
#: Byte order mark: with it Excel reads a CSV file as UTF-8.
BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet.

    Attributes
    ----------
    key : str
        Name in the program and English heading.
    heading_zh : str
        Chinese heading, used when exporting.
    aliases : tuple of str
        Other headings accepted.
    default : str
        Text of a new row whose sheet lacks the column or leaves the cell empty.
    words : mapping of str to str
        What people write -> what the program means; the first word of a meaning is used when exporting.
    help : str
        For the command line.
    """

    key: str
    heading_zh: str
    aliases: tuple[str, ...] = ()
    default: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    help: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading accepted for the column."""
        return (self.key, self.heading_zh, *self.aliases)

    def meaning(self, text: str) -> str:
        """The cell's text in the program's words."""
        stripped = text.strip()
        return self.words.get(stripped, stripped)

    def wording(self, text: str) -> str:
        """The program's word as people write it."""
        return next((word for word, meaning in self.words.items() if meaning == text), text)


@dataclass(frozen=True, slots=True)
class SheetRow(Row):
    """A row whose faults name the place and the heading that its author used."""

    place: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)

    def fault(self, column: str, expected: str) -> ConfigurationError:
        """The error for a cell: place, heading, what it holds and what was expected."""
        found, heading = self.cells.get(column, ""), self.headings.get(column, column)
        named = heading if heading == column or heading.startswith("-") else f"{heading} ({column})"
        return ConfigurationError(f"{self.place}, column {named}: found {found!r}, expected {expected}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet: its number, and the cells of the columns that the sheet has, by key."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as read: its name, the heading of each column it has, its lines, faults of lines that are no rows."""

    name: str
    headings: Mapping[str, str]
    lines: tuple[Line, ...]
    faults: tuple[str, ...]


def decoded(content: bytes, name: str) -> str:
    """Text of a file in UTF-8 (with or without byte order mark) or GB18030; `ConfigurationError` for neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            at = content.count(b"\n", 0, error.start) + 1
    raise ConfigurationError(f"{name} line {at}: found bytes that are neither UTF-8 nor GB18030, expected a CSV text")


def _heading(text: str) -> str:
    """A heading without blanks and remarks in brackets such as units, in lower case."""
    return "".join(_REMARK_IN_HEADING.sub("", text).split()).casefold()


def load_sheet(path: Path, columns: Sequence[Column]) -> Sheet:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
        The file; its first line (blank lines and lines starting with ``#`` aside) has the headings, in any order.
    columns : sequence of Column
        Columns it may have.

    Returns
    -------
    Sheet
        Cells in the program's words. A file that cannot be read at all, or whose headings are wrong, is a
        `ConfigurationError`; a line with another number of cells is one of `faults`.
    """
    try:
        text = decoded(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigurationError(f"{path}: found {error.strerror}, expected a CSV file") from error
    return sheet_of(path.name, records_of(text), columns)


def sheet_of(
    name: str, records: Sequence[tuple[int, list[str]]], columns: Sequence[Column], *, identified: bool = True
) -> Sheet:
    """A sheet from its records.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    records : sequence of (int, list of str)
        Number and cells of each line, the first with the headings.
    columns : sequence of Column
        Columns it may have.
    identified : bool
        Whether it must have the column ``id``.

    Returns
    -------
    Sheet
        As `load_sheet` says.
    """
    if not records:
        raise ConfigurationError(f"{name}: found no line, expected headings and rows")
    number, heads = records[0]
    keys = _keys(name, number, heads, columns, identified=identified)
    by_key = {column.key: column for column in columns}
    lines, faults = [], []
    for number, cells in records[1:]:
        if len(cells) < len(keys) or any(cells[len(keys) :]):
            faults.append(f"{name} line {number}: found {len(cells)} cells, expected {len(keys)}")
            continue
        found = {key: by_key[key].meaning(cell) for key, cell in zip(keys, cells, strict=False)}
        lines.append(Line(number, MappingProxyType(found)))
    headings = MappingProxyType({key: head.strip() for key, head in zip(keys, heads, strict=True)})
    return Sheet(name, headings, tuple(lines), tuple(faults))


def records_of(text: str) -> list[tuple[int, list[str]]]:
    """Number of the first line and the cells of each record, without blank records and remarks."""
    reader = csv.reader(io.StringIO(text, newline=""))
    records, begin = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                records.append((begin, [cell.strip() for cell in cells]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ConfigurationError(f"line {begin}: found {error}, expected CSV") from error
    return records


def _keys(name: str, number: int, heads: Sequence[str], columns: Sequence[Column], *, identified: bool) -> list[str]:
    known = {_heading(heading): column.key for column in columns for heading in column.headings}
    keys, faults = [], []
    expected = ", ".join(f"{column.heading_zh} ({column.key})" for column in columns)
    for at, head in enumerate(heads, 1):
        key = known.get(_heading(head), "")
        if not key:
            faults.append(f"{name} line {number}, column {at}: found heading {head!r}, expected one of {expected}")
        elif key in keys:
            faults.append(f"{name} line {number}, column {at}: found heading {head!r} again, expected {key} once")
        keys.append(key)
    if identified and "id" not in keys and not faults:
        wanted = " or ".join(columns[0].headings)
        faults.append(f"{name} line {number}: found no column of identifiers, expected {wanted}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return keys


def sheet_text(columns: Sequence[Column], rows: Sequence[Mapping[str, str]], *, chinese: bool) -> str:
    """CSV text that `load_sheet` reads back to the same cells.

    Parameters
    ----------
    columns : sequence of Column
        Columns to write.
    rows : sequence of mapping of str to str
        Cells in the program's words.
    chinese : bool
        Chinese headings and words behind a byte order mark (for spreadsheets), otherwise the program's own.

    Returns
    -------
    str
        With CR LF, as RFC 4180 asks.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.heading_zh if chinese else column.key for column in columns])
    for row in rows:
        cells = [row.get(column.key, "") for column in columns]
        writer.writerow(
            [column.wording(cell) for column, cell in zip(columns, cells, strict=True)] if chinese else cells
        )
    return (BOM if chinese else "") + out.getvalue()
