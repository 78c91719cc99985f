"""How HJ 633-2026 prints the daily and the real-time report: order of the columns and words for what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from domain.document import SOURCE, STANDARDS, edition_named, source
from domain.edition import HJ633_2026
from domain.standard import Report
from domain.table import Row, load_table

#: A pollutant of the plan without a valid value, and everything that rests on it (notes of tables 4 and 5; 5.3.1).
NOT_AVAILABLE: Final = "NA"
#: A pollutant that is no part of the monitoring plan (notes of tables 4 and 5).
NOT_MONITORED: Final = "/"


@dataclass(frozen=True, slots=True)
class PrintedColumn:
    """One pollutant's pair of columns; `column` is the report column, such as ``o3_8h``."""

    column: str
    pollutant: str
    averaging_zh: str
    clause: str
    confidence: str


@cache
def printed_columns(report: Report) -> tuple[PrintedColumn, ...]:
    """Columns of table 4 (`report` ``day``) or table 5 (``hour``), in the order of the print."""

    def make(row: Row) -> tuple[str, PrintedColumn]:
        column = PrintedColumn(row.text("column"), row.text("pollutant"), row.text("averaging_zh"), *source(row))
        return row.choice("report", ("hour", "day")), column

    path = STANDARDS / edition_named("aqi", HJ633_2026).standard / "formats.csv"
    pairs = load_table(path, ("report", "column", "pollutant", "averaging_zh", *SOURCE), make)
    return tuple(column for name, column in pairs if name == report)
