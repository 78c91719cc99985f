"""Revisions: other values for a key that is stored. The original stays; what counts is the newest accepted revision."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from psycopg import sql

from domain.error import LantianError
from domain.family import FAMILIES, Family
from domain.flag import from_text, to_text
from store.connection import Connection
from store.judgement import FlaggedReadings, judged_flags

STATUSES: Final[tuple[str, ...]] = ("proposed", "accepted", "refused")
_COLUMNS: Final = (
    *("id", "family", "device_id", "time", "span_s", "factor", "field", "new_values", "flag", "mark"),
    *("received_at", "announced", "status", "decided_by", "decided_at", "reason"),
)


class RevisionError(LantianError):
    """A revision that is to be decided does not exist or has been decided."""

    code = "revision"


@dataclass(frozen=True, slots=True)
class Revision:
    """One row of table revision; `new_values` is the whole row, for a factor `value` and `text`."""

    id: int
    family: str
    device_id: str
    time: dt.datetime
    span_s: int
    factor: str
    field: str
    new_values: Mapping[str, float | str | None]
    flag: str
    mark: str
    received_at: dt.datetime
    announced: bool
    status: str
    decided_by: str | None
    decided_at: dt.datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class EffectiveReading:
    """A reading as it counts; `revision_id` None: the original. `values` in the order of the family, NaN = missing."""

    device_id: str
    time: dt.datetime
    span_s: int
    values: tuple[float, ...]
    flag: str
    mark: str
    received_at: dt.datetime
    revision_id: int | None


def read_revisions(
    conn: Connection,
    *,
    status: str | None = "proposed",
    device_id: str | None = None,
    after_id: int = 0,
    limit: int = 500,
) -> list[Revision]:
    """Revisions, oldest first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    status : str or None
        One of `STATUSES`; None = any.
    device_id : str, optional
        Of this device only.
    after_id : int
        Continue after this one.
    limit : int
        At most so many.

    Returns
    -------
    list of Revision
        By id.
    """
    statement = sql.SQL(
        "select {} from revision where id > %(after)s and (%(status)s::text is null or status = %(status)s)"
        " and (%(device)s::text is null or device_id = %(device)s) order by id limit %(limit)s"
    ).format(sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
    parameters = {"after": after_id, "status": status, "device": device_id, "limit": limit}
    return [Revision(*row) for row in conn.execute(statement, parameters).fetchall()]


_DECIDE: Final = """
update revision set status = %(status)s, decided_by = %(who)s, reason = %(why)s,
    decided_at = clock_timestamp()
where id = %(id)s and status = 'proposed'
"""

#: Readings over more than an hour enter no hour, factors no statistic.
_MARK: Final = """
insert into dirty_hour (family, site_id, hour)
select r.family, d.site_id, date_trunc('hour', r.time, 'UTC')
from revision r join device d on d.id = r.device_id
where r.id = %(id)s and r.family <> 'factor' and r.span_s <= 3600
"""


def decide_revision(conn: Connection, revision_id: int, accepted: bool, *, who: str, why: str) -> None:
    """Accept or refuse a proposed revision, once; an accepted one queues its hour.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    revision_id : int
        The revision.
    accepted : bool
        Whether its values count from now on.
    who, why : str
        The person and the reason, kept for good.

    Raises
    ------
    RevisionError
        When there is no such revision or it has been decided.
    """
    status = "accepted" if accepted else "refused"
    parameters = {"id": revision_id, "status": status, "who": who, "why": why}
    if conn.execute(_DECIDE, parameters).rowcount == 0:
        row = conn.execute("select status, decided_by from revision where id = %s", (revision_id,)).fetchone()
        found = "no such revision" if row is None else f"it {row[0]} by {row[1]}"
        raise RevisionError(f"revision {revision_id}: found {found}, expected a proposed one")
    if accepted:
        conn.execute(_MARK, parameters)


_EFFECTIVE: Final = """
select r.device_id, r.time, r.span_s, r.flag, r.mark, r.received_at, v.id, v.new_values, v.flag, v.mark, v.received_at,
    {values}
from {table} r
left join lateral (
    select * from revision v
    where v.device_id = r.device_id and v.time = r.time and v.span_s = r.span_s and v.family = {family}
        and v.factor = '' and v.field = '' and v.status = 'accepted'
        and (%(known_at)s::timestamptz is null or v.decided_at <= %(known_at)s)
    order by v.decided_at desc, v.id desc
    limit 1
) v on true
where r.device_id = any(%(devices)s) and r.time >= %(low)s and r.time < %(high)s
    and (%(known_at)s::timestamptz is null or r.received_at <= %(known_at)s)
order by r.device_id, r.time, r.span_s
"""


def read_effective(
    conn: Connection,
    family: str,
    device_ids: Sequence[str],
    between: tuple[dt.datetime, dt.datetime],
    *,
    known_at: dt.datetime | None = None,
) -> list[EffectiveReading]:
    """Readings as they count now, or as they were known at a moment.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    family : str
        Key of a family.
    device_ids : sequence of str
        Whose readings.
    between : (datetime, datetime)
        Of readings that start at first <= time < second.
    known_at : datetime, optional
        Only what had been received, decided, tested and reviewed by then.

    Returns
    -------
    list of EffectiveReading
        By device, time and span; `flag` after quality tests and reviews.
    """
    kind = FAMILIES[family]
    statement = sql.SQL(_EFFECTIVE).format(
        table=sql.Identifier(kind.table),
        family=sql.Literal(family),
        values=sql.SQL(", ").join(sql.Identifier("r", key) for key in kind.keys),
    )
    parameters = {"devices": list(device_ids), "low": between[0], "high": between[1], "known_at": known_at}
    found = []
    for device, time, span_s, *rest in conn.execute(statement, parameters).fetchall():
        original, revised, stored = rest[:3], rest[3:8], rest[8:]
        revision_id, new_values, *letters = revised
        values = stored if revision_id is None else [new_values[key] for key in kind.keys]
        numbers = tuple(math.nan if value is None else float(value) for value in values)
        flag, mark, received_at = original if revision_id is None else letters
        found.append(EffectiveReading(device, time, span_s, numbers, flag, mark, received_at, revision_id))
    return _judged(conn, kind, device_ids, found, known_at)


def _judged(
    conn: Connection,
    family: Family,
    device_ids: Sequence[str],
    readings: list[EffectiveReading],
    known_at: dt.datetime | None,
) -> list[EffectiveReading]:
    """The readings with the flags that count."""
    number = {name: at for at, name in enumerate(device_ids)}
    stored = FlaggedReadings(
        family.key,
        device_ids,
        np.array([number[one.device_id] for one in readings], dtype=np.int64),
        np.array([int(one.time.timestamp()) for one in readings], dtype=np.int64),
        np.array([one.span_s for one in readings], dtype=np.int64),
        from_text([one.flag for one in readings], family.width),
    )
    flags = judged_flags(conn, stored, known_at=known_at)
    return [replace(one, flag=flag) for one, flag in zip(readings, to_text(flags), strict=True)]
