"""Results of the quality tests, and the queue of hours to test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.family import AIR
from domain.flag import from_text
from store.connection import Connection

Integers = npt.NDArray[np.int64]

#: Letters of a result in which no test found anything.
NOTHING: Final = "2" * AIR.width


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests found in a reading (``reading``) or in an hour of a device (``hour``).

    Attributes
    ----------
    device_id : str
        Whose.
    time_s : int
        Unix time of the start of the reading or hour.
    level : str
        ``reading`` or ``hour``.
    span_s : int
        Seconds the reading covers; 3600 for an hour.
    failed : tuple of int
        12 masks of failed tests.
    flag : str
        12 letters, by these tests alone; ``2`` where they found nothing.
    """

    device_id: str
    time_s: int
    level: str
    span_s: int
    failed: tuple[int, ...]
    flag: str

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What the result is about."""
        return self.device_id, self.time_s, self.level, self.span_s


@dataclass(frozen=True, slots=True)
class Results:
    """n newest results as arrays: device number, Unix time, level, span, 12 flags and 12 masks."""

    device: Integers
    times_s: Integers
    levels: list[str]
    spans_s: Integers
    flags: npt.NDArray[np.uint8]
    failed: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class ScreeningClaim:
    """Hours to test: queue rows, and the distinct sites and hours (Unix time, ascending) they name."""

    ids: tuple[int, ...]
    sites: tuple[str, ...]
    hours_s: tuple[int, ...]


def queue_screening(conn: Connection, sites: Sequence[str], hours_s: Sequence[int]) -> None:
    """Queue distinct hours (Unix times) of sites for testing; what waits already is left alone."""
    conn.execute(
        "insert into dirty_quality (site_id, hour)"
        " select site_id, to_timestamp(hour) from unnest(%b::text[], %b::bigint[]) as q (site_id, hour)"
        " on conflict (site_id, hour) do nothing",
        (list(sites), list(hours_s)),
    )


def claim_screening(conn: Connection, complete: dt.datetime, limit: int) -> ScreeningClaim:
    """Claim up to `limit` hours that begin at `complete` or before, oldest first."""
    rows = conn.execute(
        "select id, site_id, extract(epoch from hour)::bigint from dirty_quality where hour <= %s"
        " order by hour, site_id limit %s for update skip locked",
        (complete, limit),
    ).fetchall()
    return _claim(rows)


def read_running(conn: Connection, complete: dt.datetime) -> ScreeningClaim:
    """Queued hours that begin after `complete`: they are tested now and stay queued."""
    rows = conn.execute(
        "select id, site_id, extract(epoch from hour)::bigint from dirty_quality where hour > %s", (complete,)
    ).fetchall()
    return _claim(rows)


def _claim(rows: Sequence[tuple[int, str, int]]) -> ScreeningClaim:
    sites, hours = {row[1] for row in rows}, {row[2] for row in rows}
    return ScreeningClaim(tuple(row[0] for row in rows), tuple(sorted(sites)), tuple(sorted(hours)))


def release_screening(conn: Connection, claim: ScreeningClaim) -> None:
    """Delete claimed queue rows."""
    conn.execute("delete from dirty_quality where id = any(%s)", (list(claim.ids),))


def read_results(
    conn: Connection,
    device_ids: Sequence[str],
    between: tuple[dt.datetime, dt.datetime],
    *,
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
    known_at : datetime, optional
        Only what had been found by then.

    Returns
    -------
    Results
        In no order; a result in which nothing is found any more is among them.
    """
    rows = conn.execute(
        "select distinct on (device_id, time, level, span_s)"
        " array_position(%(devices)s::text[], device_id) - 1, extract(epoch from time)::bigint, level, span_s, flag,"
        " failed from quality_result"
        " where device_id = any(%(devices)s) and time >= %(low)s and time < %(high)s"
        " and (%(known_at)s::timestamptz is null or screened_at <= %(known_at)s)"
        " order by device_id, time, level, span_s, screened_at desc",
        {"devices": list(device_ids), "low": between[0], "high": between[1], "known_at": known_at},
    ).fetchall()
    return Results(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        [row[2] for row in rows],
        np.array([row[3] for row in rows], dtype=np.int64),
        from_text([row[4] for row in rows], AIR.width),
        np.array([row[5] for row in rows], dtype=np.int16).reshape(-1, AIR.width),
    )


def add_results(conn: Connection, results: Iterable[Result]) -> int:
    """Append results; they count from now on. Returns how many."""
    count = 0
    with conn.cursor().copy("copy quality_result (device_id, time, level, span_s, failed, flag) from stdin") as copy:
        for one in results:
            moment = dt.datetime.fromtimestamp(one.time_s, dt.UTC)
            copy.write_row((one.device_id, moment, one.level, one.span_s, list(one.failed), one.flag))
            count += 1
    return count


def queue_settlement(conn: Connection, keys: Sequence[tuple[str, dt.datetime]]) -> None:
    """Queue hours of devices' sites whose flags changed for settlement."""
    conn.execute(
        "insert into dirty_hour (family, site_id, hour)"
        " select distinct 'air', d.site_id, k.hour from unnest(%s::text[], %s::timestamptz[]) as k (device_id, hour)"
        " join device d on d.id = k.device_id order by 3, 2",
        ([key[0] for key in keys], [key[1] for key in keys]),
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
