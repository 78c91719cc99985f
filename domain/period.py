"""Hours, days, months, quarters and years in the station's time zone. No other module computes these bounds.

GB 3095 and HJ 633 count natural days in Beijing time (UTC+8). An hour is labelled by its start.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

#: China has one time zone without daylight saving since 1992, so days are exact multiples of 24 h from this offset.
ZONE: Final = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")
OFFSET_S: Final = 8 * 3600
HOUR_S: Final = 3600
DAY_S: Final = 86400

PeriodKind = Literal["month", "quarter", "year"]
PERIOD_KINDS: Final[tuple[PeriodKind, ...]] = ("month", "quarter", "year")
Seconds = npt.NDArray[np.int64]


def hour_start(times_s: Seconds) -> Seconds:
    """Start of the hour of each Unix time (seconds, any shape)."""
    return times_s - times_s % HOUR_S


def day_number(times_s: Seconds) -> Seconds:
    """Local day of each Unix time, counted in days since 1970-01-01 (any shape)."""
    return (times_s + OFFSET_S) // DAY_S


def day_start(days: Seconds) -> Seconds:
    """Unix time of local midnight of each day number."""
    return days * DAY_S - OFFSET_S


def hour_of_day(times_s: Seconds) -> Seconds:
    """Local hour 0-23 of each Unix time (any shape)."""
    return (times_s + OFFSET_S) % DAY_S // HOUR_S


def local_date(moment: dt.datetime) -> dt.date:
    """Local date of an aware moment; `ValueError` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"moment {moment!r} has no time zone; expected an aware datetime")
    return moment.astimezone(ZONE).date()


def midnight(day: dt.date) -> dt.datetime:
    """The aware moment at which local `day` starts."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=ZONE)


def period_start(kind: PeriodKind, day: dt.date) -> dt.date:
    """First day of the month, quarter or year that holds `day`."""
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[kind]
    return dt.date(day.year, month, 1)


def period_end(kind: PeriodKind, start: dt.date) -> dt.date:
    """First day after the period that starts at `start`."""
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    index = start.year * 12 + start.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)
