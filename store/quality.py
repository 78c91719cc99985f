"""Results of the quality tests, and the queue of hours to test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import AIR
from domain.period import HOUR_S
from store.array_format import smallint_rows
from store.binary import copy_records
from store.connection import Connection
from store.copy_format import EPOCH_2000_US, chosen_texts, framed, letters, numbers, times

Integers = npt.NDArray[np.int64]

#: Levels of a result: what it is about.
READING: Final = "reading"
HOUR: Final = "hour"


@dataclass(frozen=True, slots=True)
class Results:
    """What the tests found in n readings or hours of devices.

    Attributes
    ----------
    device : ndarray of int64
        Shape (n,); number of the device.
    times_s : ndarray of int64
        Shape (n,); Unix time of the start of the reading or hour.
    of_hour : ndarray of bool
        Shape (n,); whether it is about an hour of a device, not about a reading.
    spans_s : ndarray of int64
        Shape (n,); seconds the reading covers; 3600 for an hour.
    flags : ndarray of uint8
        Shape (n, 12); by these tests alone, `NOT_EVALUATED` where they found nothing.
    failed : ndarray of int16
        Shape (n, 12); masks of failed tests.
    """

    device: Integers
    times_s: Integers
    of_hour: npt.NDArray[np.bool_]
    spans_s: Integers
    flags: npt.NDArray[np.uint8]
    failed: npt.NDArray[np.int16]

    def rows(self, kept: npt.NDArray[np.bool_]) -> Results:
        """The rows where `kept` is true."""
        return Results(
            self.device[kept],
            self.times_s[kept],
            self.of_hour[kept],
            self.spans_s[kept],
            self.flags[kept],
            self.failed[kept],
        )

    def followed_by(self, other: Results) -> Results:
        """These rows and then those of `other`, of the same devices."""
        return Results(
            np.concatenate((self.device, other.device)),
            np.concatenate((self.times_s, other.times_s)),
            np.concatenate((self.of_hour, other.of_hour)),
            np.concatenate((self.spans_s, other.spans_s)),
            np.concatenate((self.flags, other.flags)),
            np.concatenate((self.failed, other.failed)),
        )

    @property
    def keys(self) -> Integers:
        """Device, time and span as one number; distinct among results of one level."""
        return ((self.device << 33) + self.times_s) * (HOUR_S + 1) + self.spans_s


@dataclass(frozen=True, slots=True)
class ScreeningClaim:
    """Hours to test: queue rows with the moments they were queued, and the distinct sites and hours (Unix time,
    ascending) they name."""

    ids: tuple[int, ...]
    marked_at: tuple[dt.datetime, ...]
    sites: tuple[str, ...]
    hours_s: tuple[int, ...]


def queue_screening(conn: Connection, sites: Sequence[str], hours_s: Sequence[int]) -> None:
    """Queue distinct hours (Unix times) of sites for testing; what waits already is marked anew, so that a test which
    is under way leaves it in the queue."""
    conn.execute(
        "insert into dirty_quality (site_id, hour)"
        " select site_id, to_timestamp(hour) from unnest(%b::text[], %b::bigint[]) as q (site_id, hour)"
        " order by hour, site_id on conflict (site_id, hour) do update set marked_at = excluded.marked_at",
        (list(sites), list(hours_s)),
    )


def screening_begins(conn: Connection) -> dt.datetime:
    """The present moment of the database: what is queued before it belongs to the run that begins now."""
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    moment: dt.datetime = row[0]
    return moment


def claim_screening(conn: Connection, complete: dt.datetime, limit: int, *, before: dt.datetime) -> ScreeningClaim:
    """Up to `limit` hours that begin at `complete` or before and were queued before a moment, oldest first.

    They are not locked: whoever queues one of them anew need not wait, and `release_screening` leaves it.
    """
    rows = conn.execute(
        "select id, site_id, extract(epoch from hour)::bigint, marked_at from dirty_quality"
        " where hour <= %s and marked_at < %s order by hour, site_id limit %s",
        (complete, before, limit),
    ).fetchall()
    return _claim(rows)


def read_running(conn: Connection, complete: dt.datetime) -> ScreeningClaim:
    """Queued hours that begin after `complete`: they are tested now and stay queued."""
    rows = conn.execute(
        "select id, site_id, extract(epoch from hour)::bigint, marked_at from dirty_quality where hour > %s",
        (complete,),
    ).fetchall()
    return _claim(rows)


def _claim(rows: Sequence[tuple[int, str, int, dt.datetime]]) -> ScreeningClaim:
    sites, hours = {row[1] for row in rows}, {row[2] for row in rows}
    return ScreeningClaim(
        tuple(row[0] for row in rows), tuple(row[3] for row in rows), tuple(sorted(sites)), tuple(sorted(hours))
    )


def release_screening(conn: Connection, claim: ScreeningClaim) -> None:
    """Delete the queue rows of a claim that nobody has queued anew since."""
    conn.execute(
        "delete from dirty_quality where id in (select q.id from dirty_quality q"
        " join unnest(%b::bigint[], %b::timestamptz[]) as c (id, marked_at) on q.id = c.id"
        " and q.marked_at = c.marked_at order by q.hour, q.site_id for update of q)",
        (list(claim.ids), list(claim.marked_at)),
    )


_RESULTS: Final = """
copy (
    select d.at::int - 1, q.time, (q.level = 'hour')::int, q.span_s, q.flag, {failed}
    from (
        select distinct on (device_id, time, level, span_s) * from quality_result
        where device_id = any({devices}) and time >= {low} and time < {high}
            and ({level}::text is null or level = {level})
            and ({known_at}::timestamptz is null or screened_at <= {known_at})
        order by device_id, time, level, span_s, screened_at desc
    ) q
    join unnest({devices}) with ordinality as d (id, at) on d.id = q.device_id
) to stdout (format binary)
"""
_FIELDS: Final = (
    *(("device", ">i4"), ("time", ">i8"), ("of_hour", ">i4"), ("span", ">i4"), ("flag", f"S{AIR.width}")),
    *((f"failed {at}", ">i2") for at in range(AIR.width)),
)


def read_results(
    conn: Connection,
    device_ids: Sequence[str],
    between: tuple[dt.datetime, dt.datetime],
    *,
    level: str | None = None,
    known_at: dt.datetime | None = None,
) -> Results:
    """Newest results of devices, of readings and hours that start from first to before second.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    device_ids : sequence of str
        Devices by number.
    between : (datetime, datetime)
        Span of time.
    level : {"reading", "hour"}, optional
        Of this level only.
    known_at : datetime, optional
        Only what had been found by then.

    Returns
    -------
    Results
        In no order; a result in which nothing is found any more is among them.
    """
    statement = sql.SQL(_RESULTS).format(
        failed=sql.SQL(", ").join(sql.SQL("q.failed[{}]").format(at + 1) for at in range(AIR.width)),
        devices=sql.SQL("{}::text[]").format(list(device_ids)),
        low=sql.Literal(between[0]),
        high=sql.Literal(between[1]),
        level=sql.Literal(level),
        known_at=sql.Literal(known_at),
    )
    rows = copy_records(conn, statement, _FIELDS)
    codes = np.ascontiguousarray(rows["flag"]).view(np.uint8).reshape(-1, AIR.width)
    return Results(
        rows["device"].astype(np.int64),
        (rows["time"].astype(np.int64) + EPOCH_2000_US) // 1_000_000,
        rows["of_hour"].astype(np.bool_),
        rows["span"].astype(np.int64),
        codes - np.uint8(ord("0")),
        np.column_stack([rows[f"failed {at}"] for at in range(AIR.width)]).astype(np.int16),
    )


def add_results(conn: Connection, device_ids: Sequence[str], results: Results) -> int:
    """Append results of devices by number; they count from now on. Returns how many."""
    if len(results.times_s):
        statement = "copy quality_result (device_id, time, level, span_s, flag, failed) from stdin (format binary)"
        columns = (
            chosen_texts(device_ids, results.device),
            times(results.times_s * 1_000_000),
            chosen_texts((READING, HOUR), results.of_hour.astype(np.int64)),
            numbers(results.spans_s, ">i4"),
            letters(results.flags + np.uint8(ord("0"))),
            smallint_rows(results.failed),
        )
        with conn.cursor().copy(statement) as copy:
            copy.write(framed(columns))
    return len(results.times_s)


def queue_settlement(conn: Connection, device_ids: Sequence[str], hours_s: Sequence[int]) -> None:
    """Queue hours (Unix times) of devices' sites whose flags changed for settlement."""
    conn.execute(
        "insert into dirty_hour (family, site_id, hour)"
        " select distinct 'air', d.site_id, to_timestamp(k.hour)"
        " from unnest(%b::text[], %b::bigint[]) as k (device_id, hour)"
        " join device d on d.id = k.device_id order by 3, 2",
        (list(device_ids), list(hours_s)),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tests found in one hour, device and column: how many readings, the worst flag, all failed tests."""

    device_id: str
    site_zh: str
    hour: dt.datetime
    column: str
    readings: int
    flag: int
    failed: int


def read_findings(
    conn: Connection,
    between: tuple[dt.datetime, dt.datetime],
    *,
    device_id: str | None = None,
    limit: int = 500,
) -> list[Finding]:
    """Findings by hour, device and column, newest first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app or lantian_reader.
    between : (datetime, datetime)
        Readings that start from first to before second.
    device_id : str, optional
        Of this device only.
    limit : int
        At most so many.

    Returns
    -------
    list of Finding
        `readings` is 0 where only the hour as a whole was found.
    """
    rows = conn.execute(
        "select device_id, site_zh, date_bin('1 hour', time, timestamptz '1970-01-01 00:00+00') as hour, column_key,"
        " count(*) filter (where level = 'reading'), max(flag), bit_or(failed) from screen.quality_finding"
        " where time >= %(low)s and time < %(high)s and (%(device)s::text is null or device_id = %(device)s)"
        " group by 1, 2, 3, 4 order by 3 desc, 1, 4 limit %(limit)s",
        {"low": between[0], "high": between[1], "device": device_id, "limit": limit},
    ).fetchall()
    return [Finding(*row) for row in rows]
