"""Readings of devices of one family as they count: revisions applied, marks beside values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import Family
from domain.period import HOUR_S
from store.binary import copy_records
from store.connection import Connection
from store.judgement import FlaggedReadings, judged_flags

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Letters = npt.NDArray[np.uint8]

#: PostgreSQL's binary times count from 2000-01-01 UTC.
_EPOCH_2000_S: Final = 946_684_800


@dataclass(frozen=True, slots=True)
class DeviceReadings:
    """Readings of one family: n rows of k columns, ordered by device, time and span.

    Attributes
    ----------
    devices : tuple of str
        Devices asked for.
    device : ndarray of int64
        Shape (n,); index into `devices`.
    times_s, spans_s : ndarray of int64
        Shape (n,); start (Unix time) and seconds covered, 0 = an instant.
    values : ndarray of float64
        Shape (n, k); the newest accepted revision where there is one; NaN = missing.
    flags, marks : ndarray of uint8
        Shape (n, k); QARTOD flags after quality tests and reviews, and the device's letters as ASCII codes.
    received_s : ndarray of float64
        Shape (n,); Unix times at which the originals were received.
    """

    devices: tuple[str, ...]
    device: Integers
    times_s: Integers
    spans_s: Integers
    values: Floats
    flags: Letters
    marks: Letters
    received_s: Floats

    def rows(self, kept: npt.NDArray[np.bool_]) -> DeviceReadings:
        """The rows where `kept` is true."""
        return DeviceReadings(
            self.devices,
            self.device[kept],
            self.times_s[kept],
            self.spans_s[kept],
            self.values[kept],
            self.flags[kept],
            self.marks[kept],
            self.received_s[kept],
        )

    def followed_by(self, other: DeviceReadings) -> DeviceReadings:
        """These rows and then those of `other`, of the same devices."""
        return DeviceReadings(
            self.devices,
            np.concatenate([self.device, other.device]),
            np.concatenate([self.times_s, other.times_s]),
            np.concatenate([self.spans_s, other.spans_s]),
            np.concatenate([self.values, other.values]),
            np.concatenate([self.flags, other.flags]),
            np.concatenate([self.marks, other.marks]),
            np.concatenate([self.received_s, other.received_s]),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A device in service, where it stands and whose it is."""

    device: str
    site: str
    site_kind: str
    enterprise: str | None
    interval_s: int
    longitude: float | None
    latitude: float | None


def read_subjects(conn: Connection, family: str) -> list[Subject]:
    """Devices of a family in service, by enterprise and id."""
    rows = conn.execute(
        "select d.id, d.site_id, s.kind, s.enterprise_id, d.interval_s, s.longitude, s.latitude"
        " from device d join site s on s.id = d.site_id where d.family = %s and d.retired_at is null"
        " order by s.enterprise_id nulls last, d.id",
        (family,),
    ).fetchall()
    return [Subject(*row) for row in rows]


def read_last_time(conn: Connection, family: Family, device: str, before: dt.datetime) -> dt.datetime | None:
    """Time of the newest reading of a device before a moment, None without one."""
    statement = sql.SQL("select max(time) from {} where device_id = %s and time < %s and time >= %s::timestamptz - %s")
    row = conn.execute(
        statement.format(sql.Identifier(family.table)), (device, before, before, dt.timedelta(days=30))
    ).fetchone()
    return row[0] if row else None


def read_times_before(conn: Connection, family: Family, series: Sequence[tuple[str, int, int]]) -> list[int | None]:
    """Unix time of the newest reading before a moment, for each series: device, span in seconds, Unix time of the
    moment; None without one in the thirty days before it."""
    statement = sql.SQL(
        "select (select extract(epoch from r.time)::bigint from {} r where r.device_id = s.device_id"
        " and r.span_s = s.span_s and r.time < to_timestamp(s.moment)"
        " and r.time >= to_timestamp(s.moment) - interval '30 days' order by r.time desc limit 1)"
        " from unnest(%s::text[], %s::int[], %s::bigint[]) with ordinality as s (device_id, span_s, moment, at)"
        " order by s.at"
    ).format(sql.Identifier(family.table))
    rows = conn.execute(statement, tuple([one[at] for one in series] for at in range(3))).fetchall()
    return [row[0] for row in rows]


#: A row of `revision` carries the values, flags and marks of the whole reading; the newest accepted one counts.
_READINGS: Final = """
copy (
    with revised as materialized (
        select distinct on (device_id, time, span_s) device_id, time, span_s, new_values, flag, mark
        from revision
        where family = {family} and status = 'accepted' and factor = '' and field = ''
          and time >= {low} and time < {high} and device_id = any({devices})
        order by device_id, time, span_s, decided_at desc, id desc
    )
    select d.at::int, r.time, r.span_s, coalesce(v.flag, r.flag), coalesce(v.mark, r.mark), r.received_at,
        {values}
    from unnest({devices}::text[]) with ordinality as d (id, at)
    join {table} r on r.device_id = d.id
    left join revised v on v.device_id = r.device_id and v.time = r.time and v.span_s = r.span_s
    where r.time >= {low} and r.time < {high} and r.device_id = any({devices}) and r.span_s <= {longest} {thinned}
    order by d.at, r.time, r.span_s
) to stdout (format binary)
"""


def read_device_readings(  # noqa: PLR0913 - keyword-only from the fourth on
    conn: Connection,
    family: Family,
    devices: Sequence[str],
    *,
    low: dt.datetime,
    high: dt.datetime,
    longest_s: int = HOUR_S,
    every_s: int = 1,
) -> DeviceReadings:
    """Readings that start at or after `low` and before `high`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    family : Family
        Whose table.
    devices : sequence of str
        Each once.
    low, high : datetime
        Aware bounds.
    longest_s : int
        Readings that cover more are left out.
    every_s : int
        Of a vehicle's stream only readings at multiples of so many seconds, and those that tell the lamp.

    Returns
    -------
    DeviceReadings
        Empty arrays when there is nothing.
    """
    columns = sql.SQL(", ").join(
        sql.SQL(
            "coalesce(case when v.device_id is null then r.{column} else (v.new_values ->> {key})::double precision"
            " end, 'NaN'::double precision)"
        ).format(column=sql.Identifier(key), key=sql.Literal(key))
        for key in family.keys
    )
    statement = sql.SQL(_READINGS).format(
        family=sql.Literal(family.key),
        table=sql.Identifier(family.table),
        devices=sql.Literal(list(devices)),
        low=sql.Literal(low),
        high=sql.Literal(high),
        longest=sql.Literal(longest_s),
        values=columns,
        thinned=_THINNED.format(sql.Literal(every_s)) if every_s > 1 else sql.SQL(""),
    )
    letters = f"S{family.width}"
    fields = [("device", ">i4"), ("time", ">i8"), ("span", ">i4"), ("flag", letters), ("mark", letters)]
    fields.append(("received", ">i8"))
    rows = copy_records(conn, statement, [*fields, *((key, ">f8") for key in family.keys)])
    device = rows["device"].astype(np.int64) - 1
    times_s = rows["time"].astype(np.int64) // 1_000_000 + _EPOCH_2000_S
    spans_s = rows["span"].astype(np.int64)
    flags = _codes(rows["flag"], family.width) - np.uint8(ord("0"))
    return DeviceReadings(
        tuple(devices),
        device,
        times_s,
        spans_s,
        np.column_stack([rows[key] for key in family.keys]).astype(np.float64),
        judged_flags(conn, FlaggedReadings(family.key, devices, device, times_s, spans_s, flags)),
        _codes(rows["mark"], family.width),
        rows["received"].astype(np.float64) / 1e6 + _EPOCH_2000_S,
    )


_THINNED: Final = sql.SQL("and (extract(epoch from r.time)::bigint % {} = 0 or r.mil is not null)")


def _codes(texts: npt.NDArray[np.bytes_], width: int) -> Letters:
    return np.ascontiguousarray(texts).view(np.uint8).reshape(-1, width)
