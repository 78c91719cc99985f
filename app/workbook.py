"""Excel workbooks as records of text, and rows as a workbook."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from domain.error import ConfigurationError
from domain.period import ZONE

SUFFIX: Final = ".xlsx"


def load_records(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells of each row of the first sheet.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` workbook.

    Returns
    -------
    list of (int, list of str)
        Cells as text, of equal number: dates as ``2025-10-12 00:00:00``, truths as ``true`` and ``false``, whole
        numbers without decimals. Empty rows, rows that start with ``#`` and a title (one cell alone above the headings)
        are left out. `ConfigurationError` for a file that is no workbook, or that holds an error such as ``#REF!``.
    """
    import openpyxl  # noqa: PLC0415 - slow to import, and only needed here

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # parts of a workbook that hold no cells
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                sheet: Any = book.worksheets[0]
                sheet.reset_dimensions()  # what a file says of its own size is often wrong
                rows = [(number, list(cells)) for number, cells in enumerate(sheet.iter_rows(), 1)]
            finally:
                book.close()
    except OSError as error:
        raise ConfigurationError(f"{path}: found {error.strerror or error}, expected an Excel workbook") from error
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, SyntaxError) as error:
        raise ConfigurationError(f"{path.name}: found {error}, expected an Excel workbook ({SUFFIX})") from error
    records = [(number, [_text(path.name, number, cell) for cell in cells]) for number, cells in rows]
    records = [(number, cells) for number, cells in records if any(cells) and not cells[0].startswith("#")]
    if len(records) > 1 and sum(map(bool, records[0][1])) == 1 < sum(map(bool, records[1][1])):
        records = records[1:]
    if not records:
        return []
    heads = records[0][1]
    width = max(at for at, head in enumerate(heads, 1) if head)
    return [(number, cells[:width] + [""] * (width - len(cells)) + _beyond(cells, width)) for number, cells in records]


def _beyond(cells: Sequence[str], width: int) -> list[str]:
    """Cells right of the headings, when one holds something."""
    return list(cells[width:]) if any(cells[width:]) else []


def _text(name: str, number: int, cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        raise ConfigurationError(f"{name} line {number}: found {value}, an error of a formula; expected a value")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: headings, rows (None leaves a cell empty), and the decimals that numbers of each column show."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    decimals: Sequence[int | None] = ()


def write_workbook(path: Path, title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write one sheet: numbers, dates and local times as such, everything else as text, never as a formula.

    Parameters
    ----------
    path : Path
        The ``.xlsx`` file.
    title : str
        Name of the sheet.
    headings : sequence of str
        The first row.
    rows : sequence of sequence
        Values in the order of the headings; None leaves a cell empty.
    """
    write_sheets(path, [Sheet(title, headings, rows)])


def write_sheets(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write a workbook of at least one sheet, cells as `write_workbook` writes them.

    Parameters
    ----------
    path : Path
        The ``.xlsx`` file.
    sheets : sequence of Sheet
        In their order.
    """
    import openpyxl  # noqa: PLC0415

    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for each in sheets:
        _fill(book.create_sheet(each.title[:31]), each)
    try:
        book.save(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: found {error.strerror}, expected a file that can be written") from error


def _fill(sheet: Any, content: Sheet) -> None:
    decimals = content.decimals or [None] * len(content.headings)
    for line, values in enumerate([content.headings, *content.rows], 1):
        for at, value in enumerate(values, 1):
            if value is None or value == "":
                continue
            cell: Any = sheet.cell(line, at)
            cell.value = value.astimezone(ZONE).replace(tzinfo=None) if isinstance(value, dt.datetime) else value
            if isinstance(value, dt.datetime):
                cell.number_format = "yyyy-mm-dd hh:mm:ss"
            elif isinstance(value, str):
                cell.data_type = "s"  # a text that starts with = is no formula
            elif isinstance(value, (int, float)) and (places := decimals[at - 1]):
                cell.number_format = "0." + "0" * places
    sheet.freeze_panes = "A2"
