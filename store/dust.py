"""Confirmed dust processes, and days and periods without their hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.dust import EVERY_SITE, DustInterval
from domain.error import LantianError
from domain.period import PeriodKind, local_date
from store.connection import Connection
from store.register import Author
from store.settlement import hold_settlement
from store.statistic import StatisticRow
from store.upsert import upsert

Floats = npt.NDArray[np.float64]

#: Value columns of `day_without_dust`, in order.
DUST_COLUMNS: Final[tuple[str, ...]] = ("pm25", "pm10")
_MOMENT: Final = dt.timedelta(microseconds=1)


class DustError(LantianError):
    """A dust process that is to be withdrawn does not exist or counts no more, or a site is not of the area."""

    code = "dust"


@dataclass(frozen=True, slots=True)
class DustRecord:
    """A stored interval: who entered it, when and why, and whether it has been withdrawn."""

    id: int
    area_id: str
    interval: DustInterval
    entered_by: str
    reason: str
    entered_at: dt.datetime
    withdrawn_by: str | None
    withdrawal_reason: str | None
    withdrawn_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class CleanDays:
    """Days that have dust hours: n rows; `values` shape (n, 2) has `DUST_COLUMNS` without them (NaN = not valid)."""

    sites: list[str]
    days: list[dt.date]
    values: Floats
    dust_hours: list[int]


def read_dust(conn: Connection, *, withdrawn: bool = False) -> list[DustRecord]:
    """Intervals in order of their start; withdrawn ones only when asked for."""
    rows = conn.execute(
        "select d.id, d.area_id, coalesce(d.site_id, %s), d.starts_at, d.ends_at, d.source, d.note, d.entered_by,"
        " d.reason, d.entered_at, w.withdrawn_by, w.reason, w.withdrawn_at from dust_interval d"
        " left join dust_withdrawal w on w.dust_id = d.id where %s or w.dust_id is null order by d.starts_at, d.id",
        (EVERY_SITE, withdrawn),
    ).fetchall()
    return [DustRecord(row[0], row[1], DustInterval(*row[2:7]), *row[7:]) for row in rows]


def add_dust(
    conn: Connection, area_id: str, intervals: Sequence[DustInterval], author: Author, *, now: dt.datetime
) -> int:
    """Enter confirmed intervals and queue the days they touch; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area_id : str
        Area of the sites; ``*`` stands for all its sites.
    intervals : sequence of DustInterval
        What was confirmed; one that counts already (same site, times and source) is left out.
    author : Author
        The person and the reason, kept for good.
    now : datetime
        Time of entry.

    Returns
    -------
    int
        How many were entered.

    Raises
    ------
    DustError
        When a site is not one of the area.
    """
    hold_settlement(conn)
    sites = {row[0] for row in conn.execute("select id from site where area_id = %s and kind <> 'area'", (area_id,))}
    known = {
        (one.interval.site, one.interval.start, one.interval.end, one.interval.source)
        for one in read_dust(conn)
        if one.area_id == area_id
    }
    added = 0
    for interval in intervals:
        if interval.site not in (EVERY_SITE, *sites):
            raise DustError(f"found site {interval.site!r}, expected {EVERY_SITE} or a site of area {area_id}")
        key = (interval.site, interval.start, interval.end, interval.source)
        if key in known:
            continue
        known.add(key)
        conn.execute(
            "insert into dust_interval (area_id, site_id, starts_at, ends_at, source, note, entered_by, reason,"
            " entered_at) values (%s, nullif(%s, %s), %s, %s, %s, %s, %s, %s, %s)",
            (
                *(area_id, interval.site, EVERY_SITE, interval.start, interval.end, interval.source, interval.note),
                *(author.name, author.why, now),
            ),
        )
        _mark_days(conn, area_id, interval)
        added += 1
    return added


def withdraw_dust(conn: Connection, dust_id: int, author: Author, *, now: dt.datetime) -> None:
    """Let an interval count no more and queue the days it touches; it stays on record.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    dust_id : int
        The interval.
    author : Author
        The person and the reason, kept for good.
    now : datetime
        Time of withdrawal.

    Raises
    ------
    DustError
        When there is no such interval or it has been withdrawn.
    """
    hold_settlement(conn)
    found = next((one for one in read_dust(conn, withdrawn=True) if one.id == dust_id), None)
    if found is None or found.withdrawn_at is not None:
        state = "no such interval" if found is None else f"it withdrawn by {found.withdrawn_by}"
        raise DustError(f"dust interval {dust_id}: found {state}, expected one that counts")
    conn.execute(
        "insert into dust_withdrawal (dust_id, withdrawn_by, reason, withdrawn_at) values (%s, %s, %s, %s)",
        (dust_id, author.name, author.why, now),
    )
    _mark_days(conn, found.area_id, found.interval)


def _mark_days(conn: Connection, area_id: str, interval: DustInterval) -> None:
    """Queue the settled days that the interval touches."""
    conn.execute(
        "insert into dirty_day (site_id, day) select a.site_id, a.day from air_day a"
        " join site s on s.id = a.site_id and s.kind <> 'area'"
        " where s.area_id = %s and %s in (%s, s.id) and a.day between %s and %s order by a.day, a.site_id",
        (
            *(area_id, interval.site, EVERY_SITE),
            *(local_date(interval.start), local_date(interval.end - _MOMENT)),
        ),
    )


def read_spans(
    conn: Connection, sites: Sequence[str], low: dt.datetime, high: dt.datetime
) -> dict[str, tuple[list[int], list[int]]]:
    """Starts and ends (Unix time, widened to whole seconds) of the intervals of each site that touch [low, high)."""
    rows = conn.execute(
        "select s.id, array_agg(floor(extract(epoch from d.starts_at))::bigint),"
        " array_agg(ceil(extract(epoch from d.ends_at))::bigint)"
        " from dust_interval d join site s on s.area_id = d.area_id and s.id = coalesce(d.site_id, s.id)"
        " where s.id = any(%s) and d.ends_at > %s and d.starts_at < %s"
        " and not exists (select from dust_withdrawal w where w.dust_id = d.id) group by s.id",
        (list(sites), low, high),
    ).fetchall()
    return {site: (starts, ends) for site, starts, ends in rows}


def read_clean_days(conn: Connection, sites: Sequence[str], low: dt.date, high: dt.date) -> CleanDays:
    """Days without dust hours with low <= day < high, of days that have some."""
    rows = conn.execute(
        "select site_id, day, pm25, pm10, dust_hours from day_without_dust"
        " where site_id = any(%s) and day >= %s and day < %s order by site_id, day",
        (list(sites), low, high),
    ).fetchall()
    values = np.array([row[2:4] for row in rows], dtype=np.float64).reshape(-1, len(DUST_COLUMNS))
    return CleanDays([row[0] for row in rows], [row[1] for row in rows], values, [row[4] for row in rows])


def write_clean_days(conn: Connection, keys: Sequence[tuple[str, dt.date]], rows: CleanDays) -> None:
    """Replace the days `keys` by `rows`; a day without dust hours has none."""
    conn.execute(
        "delete from day_without_dust d using unnest(%s::text[], %s::date[]) as k (site_id, day)"
        " where d.site_id = k.site_id and d.day = k.day",
        ([site for site, _ in keys], [day for _, day in keys]),
    )
    if rows.sites:
        values = rows.values.astype(object)
        values[np.isnan(rows.values)] = None
        records = (
            (site, day, *pair, hours)
            for site, day, pair, hours in zip(rows.sites, rows.days, values.tolist(), rows.dust_hours, strict=True)
        )
        upsert(conn, "day_without_dust", ("site_id", "day", *DUST_COLUMNS, "dust_hours"), keys=2, records=records)


def write_clean_periods(
    conn: Connection, keys: Sequence[tuple[str, PeriodKind, dt.date]], rows: Sequence[StatisticRow]
) -> None:
    """Replace the statistics without dust of the periods `keys`; a period without dust hours has none."""
    conn.execute(
        "delete from period_without_dust p using unnest(%s::text[], %s::text[], %s::date[]) as k (site_id, kind, start)"
        " where p.site_id = k.site_id and p.kind = k.kind and p.start = k.start",
        ([key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]),
    )
    if rows:
        columns = ("site_id", "kind", "start", "pollutant", "statistic", "value", "published", "valid_days", "valid")
        names = ("site", *columns[1:])
        records = (tuple(getattr(row, name) for name in names) for row in rows)
        upsert(conn, "period_without_dust", columns, keys=5, records=records)
