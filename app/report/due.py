"""Which reports are due when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from domain.period import PeriodKind, local_date, midnight, period_end, period_start


@dataclass(frozen=True, slots=True)
class Due:
    """When a kind of report is due: so long after its period's end; as many past periods are made up for."""

    kind: str
    period: PeriodKind | None
    after: dt.timedelta
    made_up: int


#: A day's report waits for the morning, so that late readings have come; longer periods for reviews of their last days.
SCHEDULE: Final = (
    Due("day", None, dt.timedelta(hours=8), 7),
    Due("month", "month", dt.timedelta(days=2, hours=8), 2),
    Due("validity", "month", dt.timedelta(days=4, hours=8), 2),
    Due("plan", "quarter", dt.timedelta(days=4, hours=8), 1),
    Due("year", "year", dt.timedelta(days=9, hours=8), 1),
)


def due_periods(now: dt.datetime) -> Iterator[tuple[str, dt.date]]:
    """Kind and first day of every period whose report is due at `now`, the oldest of a kind first."""
    for due in SCHEDULE:
        starts: list[dt.date] = []
        start = _start(due, local_date(now))
        while len(starts) < due.made_up:
            start = _start(due, start - dt.timedelta(days=1))
            if midnight(_end(due, start)) + due.after <= now:
                starts.append(start)
        yield from ((due.kind, each) for each in reversed(starts))


def _start(due: Due, day: dt.date) -> dt.date:
    return day if due.period is None else period_start(due.period, day)


def _end(due: Due, start: dt.date) -> dt.date:
    return start + dt.timedelta(days=1) if due.period is None else period_end(due.period, start)
