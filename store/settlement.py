"""The queues of hours, days and periods that must be computed again.

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
from store.batch_note import fold_notes
from store.connection import Connection

Integers = npt.NDArray[np.int64]

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


def hold_settlement(conn: Connection) -> None:
    """Wait until no other settler works, and be the settler until this transaction ends."""
    conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))


def claim_hours(conn: Connection, limit: int, family: str = AIR.key) -> HourClaim:
    """Claim up to `limit` rows of the hour queue, oldest first.

    Air, stack and plant have hours each; rows of vehicles are claimed together with those of air, to be deleted only.
    What batches noted up to now is brought into the queue before.
    """
    fold_notes(conn)
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


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
