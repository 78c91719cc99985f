"""Targets that the registers of the plan feed: which figure counts, the register's or the one reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from domain.period import PERIOD_KINDS, PeriodKind, local_date, period_end, period_start
from domain.register_table import FEEDS, REGISTERS
from store.connection import Connection
from store.register_figure import Span, read_batch_years, read_last_change, read_register_figure
from store.target import ActualRow, TargetRow

_PERIODS: Final[dict[str, PeriodKind]] = {kind: kind for kind in PERIOD_KINDS}
_DAY: Final = dt.timedelta(days=1)


def register_spans(conn: Connection, target: TargetRow, as_of: dt.date) -> Iterator[tuple[dt.date, dt.date, Span]]:
    """Start and last day of each period that a register answers for a target, and the days it looks at.

    Quarters and months: the running one and the one before. Batches: every year with one; each is judged at once, so
    that its verdict does not wait for the end of the year. At a date: the period of that date, as the register stands.
    """
    kind = _PERIODS.get(target.period)
    if kind is not None:
        this = period_start(kind, as_of)
        for start in (period_start(kind, this - _DAY), this):
            last = period_end(kind, start) - _DAY
            yield start, last, Span(start, min(last, as_of))
    elif target.period == "batch":
        for year in read_batch_years(conn, target.area):
            first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
            yield first, min(last, as_of - _DAY), Span(first, last)
    else:
        year = (target.due_on or as_of).year
        yield dt.date(year, 1, 1), target.due_on or as_of, Span(as_of, as_of)


def register_figures(
    conn: Connection, target: TargetRow, rows: Sequence[ActualRow], *, as_of: dt.date
) -> list[tuple[dt.date, dt.date, float | None]]:
    """Figures of the registers that count for a target, instead of the rows of the same period.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    target : TargetRow
        Any target.
    rows : sequence of ActualRow
        What is known of it otherwise: reported figures, or a count of the other registry.
    as_of : date
        Local day of the judgement.

    Returns
    -------
    list of (date, date, float or None)
        Start and last day of the period, and its figure. Nothing for a target without register or whose register has
        never had an entry. A reported figure outranks the register in a recurring period that is over, and otherwise
        until the register is changed after the day that it describes.
    """
    if target.id not in FEEDS:
        return []
    changed = read_last_change(conn, target.area, [REGISTERS[name] for name in FEEDS[target.id]])
    if changed is None:
        return []
    reported = {row.period_start: row for row in rows if target.actual_kind == "reported" and row.value is not None}
    figures = []
    for start, last, span in register_spans(conn, target, as_of):
        report = reported.get(start)
        over = target.period in _PERIODS and last < as_of
        if report is None or (not over and report.as_of < local_date(changed)):
            value = read_register_figure(conn, target.area, target.id, span)
            if value is not None or not over:
                figures.append((start, last, value))
    return figures
