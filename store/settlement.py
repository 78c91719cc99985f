"""The queues of hours, days and periods that must be computed again, and the readings they are computed from.

A queue is append-only: whoever changes a reading adds a row in its own transaction and never waits. The settler claims
rows, computes, writes and deletes exactly those rows in one transaction, so a crash leaves the queue as it was; a row
added meanwhile has another id and stays. One settler works at a time (`hold_settlement`): with two, the one that read
earlier could write later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import AIR, VEHICLE
from domain.period import HOUR_S, PERIOD_KINDS, PeriodKind, period_start
from store.binary import copy_records
from store.connection import Connection
from store.judgement import FlaggedReadings, judged_flags

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]

#: Any fixed number: whoever holds it is the settler.
_LOCK: Final = 4_226_015
#: Claimed hours further apart than this are read by separate queries, so that one late reading does not read a year.
_RUN_GAP_S: Final = 6 * HOUR_S


@dataclass(frozen=True, slots=True)
class HourClaim:
    """Hours to compute again.

    Attributes
    ----------
    ids : tuple of int
        The claimed queue rows.
    sites : tuple of str
        Distinct sites with claimed hours, sorted.
    site : ndarray of int64
        Shape (n,); index into `sites` of each distinct claimed hour, ordered by hour.
    hours_s : ndarray of int64
        Shape (n,); Unix time of its start.
    """

    ids: tuple[int, ...]
    sites: tuple[str, ...]
    site: Integers
    hours_s: Integers

    @property
    def moments(self) -> list[dt.datetime]:
        """The claimed hours as aware times."""
        return [_moment(second) for second in self.hours_s.tolist()]

    @property
    def runs(self) -> list[tuple[dt.datetime, dt.datetime]]:
        """Spans [low, high) that together cover the claimed hours, cut where the gap is long."""
        if not len(self.hours_s):
            return []
        cuts = np.flatnonzero(np.diff(self.hours_s) > _RUN_GAP_S) + 1
        return [(_moment(int(part[0])), _moment(int(part[-1]) + HOUR_S)) for part in np.split(self.hours_s, cuts)]


@dataclass(frozen=True, slots=True)
class DayClaim:
    """Days to compute again: queue rows and the distinct (site, local day) they name, sorted."""

    ids: tuple[int, ...]
    keys: tuple[tuple[str, dt.date], ...]


@dataclass(frozen=True, slots=True)
class PeriodClaim:
    """Periods to compute again: queue rows and the distinct (site, kind, first day) they name, sorted."""

    ids: tuple[int, ...]
    keys: tuple[tuple[str, PeriodKind, dt.date], ...]


@dataclass(frozen=True, slots=True)
class SiteReadings:
    """Effective readings of the claimed hours: n rows of family `air`.

    Attributes
    ----------
    device : ndarray of int64
        Shape (n,); number of the device. Within a site the lower number is preferred (rank, then id).
    times_s, spans_s : ndarray of int64
        Shape (n,); start of each reading (Unix time) and the seconds it covers, 0 = an instant.
    values : ndarray of float64
        Shape (n, 12); the newest accepted revision where there is one; NaN = missing.
    flags : ndarray of uint8
        Shape (n, 12); after reviews.
    device_site : ndarray of int64
        Shape (devices,); index into the claim's sites.
    device_interval_s : ndarray of int64
        Shape (devices,); seconds one instant stands for.
    """

    device: Integers
    times_s: Integers
    spans_s: Integers
    values: Floats
    flags: Flags
    device_site: Integers
    device_interval_s: Integers


def hold_settlement(conn: Connection) -> None:
    """Wait until no other settler works, and be the settler until this transaction ends."""
    conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))


def claim_hours(conn: Connection, limit: int, family: str = AIR.key) -> HourClaim:
    """Claim up to `limit` rows of the hour queue, oldest first.

    Air, stack and plant have hours each; rows of vehicles are claimed together with those of air, to be deleted only.
    """
    families = [family, VEHICLE.key] if family == AIR.key else [family]
    rows = conn.execute(
        "select id, family, site_id, extract(epoch from hour)::bigint from dirty_hour"
        " where family = any(%s) order by id limit %s for update skip locked",
        (families, limit),
    ).fetchall()
    keys = sorted({(hour, site) for _, of, site, hour in rows if of == family})
    sites = sorted({site for _, site in keys})
    number = {site: at for at, site in enumerate(sites)}
    return HourClaim(
        tuple(row[0] for row in rows),
        tuple(sites),
        np.array([number[site] for _, site in keys], dtype=np.int64),
        np.array([hour for hour, _ in keys], dtype=np.int64),
    )


def claim_days(conn: Connection, limit: int) -> DayClaim:
    """Claim up to `limit` rows of the day queue, oldest first."""
    rows = conn.execute(
        "select id, site_id, day from dirty_day order by id limit %s for update skip locked", (limit,)
    ).fetchall()
    return DayClaim(tuple(row[0] for row in rows), tuple(sorted({(row[1], row[2]) for row in rows})))


def claim_periods(conn: Connection, limit: int) -> PeriodClaim:
    """Claim up to `limit` rows of the period queue, oldest first."""
    rows = conn.execute(
        "select id, site_id, kind, start from dirty_period order by id limit %s for update skip locked", (limit,)
    ).fetchall()
    return PeriodClaim(tuple(row[0] for row in rows), tuple(sorted({(row[1], row[2], row[3]) for row in rows})))


def release(conn: Connection, queue: str, ids: Sequence[int]) -> None:
    """Delete claimed rows of `queue` (``dirty_hour``, ``dirty_day`` or ``dirty_period``)."""
    statement = sql.SQL("delete from {} where id = any(%s)").format(sql.Identifier(queue))
    conn.execute(statement, (list(ids),))


def mark_hours(conn: Connection, low: dt.datetime, high: dt.datetime) -> int:
    """Queue every settled hour of a site with low <= hour < high again; returns how many."""
    return conn.execute(
        "insert into dirty_hour (family, site_id, hour) select 'air', a.site_id, a.hour"
        " from air_hour a join site s on s.id = a.site_id and s.kind <> 'area'"
        " where a.hour >= %s and a.hour < %s order by a.hour, a.site_id",
        (low, high),
    ).rowcount


def mark_days(conn: Connection, keys: Sequence[tuple[str, dt.date]]) -> None:
    """Queue the given (site, local day)."""
    conn.execute(
        "insert into dirty_day (site_id, day) select * from unnest(%s::text[], %s::date[])",
        ([site for site, _ in keys], [day for _, day in keys]),
    )


def mark_periods(conn: Connection, keys: Sequence[tuple[str, dt.date]]) -> None:
    """Queue the month, quarter and year of each (site, local day), each once."""
    periods = sorted({(site, kind, period_start(kind, day)) for site, day in keys for kind in PERIOD_KINDS})
    conn.execute(
        "insert into dirty_period (site_id, kind, start) select * from unnest(%s::text[], %s::text[], %s::date[])",
        ([row[0] for row in periods], [row[1] for row in periods], [row[2] for row in periods]),
    )


def read_queue_lengths(conn: Connection) -> dict[str, int]:
    """Rows waiting in each queue: hours, days, periods."""
    row = conn.execute(
        "select (select count(*) from dirty_hour), (select count(*) from dirty_day),"
        " (select count(*) from dirty_period)"
    ).fetchone()
    return dict(zip(("hours", "days", "periods"), row or (0, 0, 0), strict=True))


_CLAIM_TABLES = """
create temp table if not exists claimed_hour (site int not null, hour timestamptz not null) on commit delete rows;
create temp table if not exists claimed_device (device int not null, device_id text not null, site int not null)
    on commit delete rows;
truncate claimed_hour, claimed_device;
"""

_DEVICES = """
select d.id, s.at, d.interval_s
from unnest(%s::text[]) with ordinality as s (site_id, at)
join device d on d.site_id = s.site_id and d.family = 'air'
order by s.at, d.rank, d.id
"""

#: A row of `revision` carries the values, flags and marks of the whole reading; the newest accepted one counts.
_READINGS = """
copy (
    with revised as materialized (
        select distinct on (device_id, time, span_s) device_id, time, span_s, new_values, flag
        from revision
        where family = 'air' and status = 'accepted' and factor = '' and field = ''
          and time >= {low} and time < {high} and device_id = any({devices})
        order by device_id, time, span_s, decided_at desc, id desc
    )
    select d.device, r.time, r.span_s, coalesce(v.flag, r.flag), {values}
    from air_reading r
    join claimed_device d on d.device_id = r.device_id
    join claimed_hour h on h.site = d.site and h.hour = date_bin('1 hour', r.time, timestamptz '1970-01-01 00:00+00')
    left join revised v on v.device_id = r.device_id and v.time = r.time and v.span_s = r.span_s
    where r.time >= {low} and r.time < {high} and r.device_id = any({devices}) and r.span_s <= 3600
) to stdout (format binary)
"""

_VALUES = sql.SQL(", ").join(
    sql.SQL(
        "coalesce(case when v.device_id is null then r.{column} else (v.new_values ->> {key})::double precision end,"
        " 'NaN'::double precision)"
    ).format(column=sql.Identifier(key), key=sql.Literal(key))
    for key in AIR.keys
)

_READING_FIELDS: Final = (
    ("device", ">i4"),
    ("time", ">i8"),
    ("span", ">i4"),
    ("flag", f"S{AIR.width}"),
    *((key, ">f8") for key in AIR.keys),
)


def read_readings(conn: Connection, claim: HourClaim) -> SiteReadings:
    """Readings of every device at the claimed sites that start in a claimed hour and span an hour or less.

    Parameters
    ----------
    conn : Connection
        Inside a transaction; temporary tables of the claim are filled.
    claim : HourClaim
        What `claim_hours` gave.

    Returns
    -------
    SiteReadings
        Effective values; empty arrays when there is nothing.
    """
    devices = conn.execute(_DEVICES, (list(claim.sites),)).fetchall()
    conn.execute(_CLAIM_TABLES)
    with conn.cursor().copy("copy claimed_hour from stdin") as copy:
        for site, moment in zip(claim.site.tolist(), claim.moments, strict=True):
            copy.write_row((site, moment))
    with conn.cursor().copy("copy claimed_device from stdin") as copy:
        for at, (device_id, ordinal, _) in enumerate(devices):
            copy.write_row((at, device_id, ordinal - 1))
    conn.execute("analyze claimed_hour")
    names = sql.Literal([row[0] for row in devices])
    parts = [_read_run(conn, names, low, high) for low, high in claim.runs] if devices else []
    rows = np.concatenate(parts) if parts else np.zeros(0, dtype=list(_READING_FIELDS))
    values = np.column_stack([rows[key] for key in AIR.keys]).astype(np.float64)
    letters = np.ascontiguousarray(rows["flag"]).view(np.uint8).reshape(-1, AIR.width)
    device, times_s = rows["device"].astype(np.int64), rows["time"].astype(np.int64) // 1_000_000 + _EPOCH_2000_S
    flags = letters - np.uint8(ord("0"))
    stored = FlaggedReadings(AIR.key, [row[0] for row in devices], device, times_s, flags)
    return SiteReadings(
        device,
        times_s,
        rows["span"].astype(np.int64),
        values,
        judged_flags(conn, stored),
        np.array([row[1] - 1 for row in devices], dtype=np.int64),
        np.array([row[2] for row in devices], dtype=np.int64),
    )


#: PostgreSQL's binary times count from 2000-01-01 UTC.
_EPOCH_2000_S: Final = 946_684_800


def _read_run(conn: Connection, devices: sql.Literal, low: dt.datetime, high: dt.datetime) -> npt.NDArray[np.void]:
    statement = sql.SQL(_READINGS).format(low=sql.Literal(low), high=sql.Literal(high), devices=devices, values=_VALUES)
    return copy_records(conn, statement, _READING_FIELDS)


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
