"""What a report is: tables, drawings and words, made from rows alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from analytics.rounding import half_even_scalar
from domain.period import ZONE
from store.air_report import Row

Cell: TypeAlias = str | int | float | dt.date | dt.datetime | None
NONE_ZH: Final = "—"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: key of the row, heading, and decimals of its numbers (None: text, or as they are)."""

    key: str
    heading: str
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `key` names its file and `rows` hold values already rounded. `empty` says why there is no row."""

    key: str
    title_zh: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    empty: str = "本期没有数据。"

    def texts(self) -> list[list[str]]:
        """Cells as they are printed; a missing one is empty."""
        return [
            [cell_text(value, column.decimals) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """A series of a drawing, one value or None per label; bars may have a colour each."""

    name: str
    values: Sequence[float | None]
    colours: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing over labels: `bars` or `lines`, with a level to compare with."""

    title_zh: str
    kind: str
    labels: Sequence[str]
    lines: Sequence[Line]
    unit: str = ""
    limit: float | None = None
    limit_zh: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: head, words, parts in the order of print, remarks at the end; `empty` when nothing was measured."""

    stem: str
    title_zh: str
    area_zh: str
    period_zh: str
    edition: str
    known_at: dt.datetime
    summary: Sequence[str]
    parts: Sequence[Table | Chart]
    remarks: Sequence[str]
    empty: bool

    def tables(self) -> list[Table]:
        """The tables among the parts."""
        return [part for part in self.parts if isinstance(part, Table)]


def cell_text(value: Cell, decimals: int | None) -> str:
    """A cell as printed: numbers with their decimals, moments in Beijing time, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(ZONE):%Y-%m-%d %H:%M}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return f"{value:g}" if decimals is None else f"{value:.{decimals}f}"
    return value


def cell(value: Any, decimals: int | None) -> Cell:
    """A row's value as a cell: numbers rounded half to even (GB/T 8170)."""
    if value is None or isinstance(value, (str, dt.date)):
        return value
    if decimals is None:
        return int(value) if float(value).is_integer() else float(value)
    rounded = half_even_scalar(float(value), decimals)
    return rounded if decimals or rounded is None else int(rounded)


def table(key: str, title_zh: str, columns: Sequence[Column], rows: Iterable[Row], **words: str) -> Table:
    """A table of rows.

    Parameters
    ----------
    key, title_zh : str
        Name of its file and heading.
    columns : sequence of Column
        Keys of the rows to show.
    rows : iterable of dict
        As read.
    **words : str
        ``note`` and ``empty``.

    Returns
    -------
    Table
        Numbers rounded to the decimals of their columns.
    """
    cells = [[cell(row[column.key], column.decimals) for column in columns] for row in rows]
    return Table(key, title_zh, columns, cells, **words)
