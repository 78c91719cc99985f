"""Confirmed dust intervals (沙尘天气过程) of sites, with where the confirmation came from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.error import ConfigurationError
from domain.period import ZONE
from domain.table import Row, load_table

DUST_COLUMNS: Final = ("site", "start", "end", "source", "note")
#: Stands for every site in the column ``site``.
EVERY_SITE: Final = "*"


@dataclass(frozen=True, slots=True)
class DustInterval:
    """One interval of one site, `end` outside; `site` is ``*`` for all; `source` names who confirmed it."""

    site: str
    start: dt.datetime
    end: dt.datetime
    source: str
    note: str | None

    def concerns(self, site: str) -> bool:
        """Whether the interval counts for `site`."""
        return self.site in (EVERY_SITE, site)


def _moment(row: Row, column: str) -> dt.datetime:
    text = row.text(column)
    try:
        if "/" in text:  # what spreadsheets write
            return dt.datetime.strptime(text, "%Y/%m/%d %H:%M").replace(tzinfo=ZONE)
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise row.fault(column, "a local time YYYY-MM-DDTHH:MM, or a time with its offset") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def dust_interval(row: Row) -> DustInterval:
    """The interval of a row with `DUST_COLUMNS`; a bad cell is a `ConfigurationError`."""
    start, end = _moment(row, "start"), _moment(row, "end")
    if end <= start:
        raise row.fault("end", f"a time after {start.isoformat()}")
    return DustInterval(row.text("site"), start, end, row.text("source"), row.optional("note"))


def load_dust(path: Path) -> tuple[DustInterval, ...]:
    """Dust intervals of a CSV table.

    Parameters
    ----------
    path : Path
        Columns ``site`` (``*`` = every site), ``start``, ``end`` (local time without offset), ``source`` (who confirmed
        it: never empty) and ``note``.

    Returns
    -------
    tuple of DustInterval
        In file order; intervals may overlap. A bad row is a `ConfigurationError` with file, line and column.

    Notes
    -----
    环办监测〔2016〕120号: only dust confirmed by the national network's procedure is taken out.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path.name}: found no such file, expected a table of dust intervals")
    return load_table(path, DUST_COLUMNS, dust_interval)
