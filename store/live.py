"""Stack readings as soon as they are written, for warnings within seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import STACK
from store.batch_note import fold_notes
from store.connection import Connection

#: Longest span of a reading that counts as one, in seconds; hours are judged as hours.
LONGEST_SPAN_S: Final = 300
_QUERY: Final = sql.SQL(
    "select u.number, r.time, array[{}]::float8[], r.flag, r.mark from unnest(%s::text[], %s::timestamptz[])"
    " with ordinality as u (device_id, after, number) join stack_reading r on r.device_id = u.device_id"
    " and r.time > u.after and r.time <= %s where r.span_s <= %s order by u.number, r.time"
).format(sql.SQL(", ").join(sql.Identifier("r", key) for key in STACK.keys))


@dataclass(frozen=True, slots=True)
class LiveReadings:
    """New readings: n rows.

    Attributes
    ----------
    device : list of str
        Device of each row; rows of a device are together, in order of time.
    times : list of datetime
        Start of each.
    values : ndarray of float64
        Shape (n, 15) in the order of family stack; NaN = missing.
    flags, marks : ndarray of uint8
        Same shape; ASCII codes of the letters.
    """

    device: list[str]
    times: list[dt.datetime]
    values: npt.NDArray[np.float64]
    flags: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.uint8]


def read_stack_devices(conn: Connection) -> dict[str, tuple[str, str]]:
    """Devices of family stack in service: device -> its site and the site's Chinese name."""
    rows = conn.execute(
        "select d.id, s.id, s.name_zh from device d join site s on s.id = d.site_id"
        " where d.family = 'stack' and d.retired_at is null"
    ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def read_last_times(conn: Connection) -> dict[str, dt.datetime]:
    """Newest time of a reading of each device of family stack that has sent any, what batches noted included."""
    fold_notes(conn)
    rows = conn.execute(
        "select t.device_id, t.last_time from device_state t join device d on d.id = t.device_id"
        " where d.family = 'stack' and t.last_time is not null"
    ).fetchall()
    return dict(rows)


def read_readings_after(conn: Connection, after: Mapping[str, dt.datetime], *, until: dt.datetime) -> LiveReadings:
    """Readings of some devices that are newer than a moment each, and not in the future.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    after : mapping of str to datetime
        Device -> newest time that is known already.
    until : datetime
        Latest time that counts.

    Returns
    -------
    LiveReadings
        Instants and means of at most five minutes.
    """
    names = list(after)
    rows: list[tuple[Any, ...]] = conn.execute(
        _QUERY, (names, [after[name] for name in names], until, LONGEST_SPAN_S)
    ).fetchall()
    values = np.array([row[2] for row in rows], dtype=np.float64).reshape(len(rows), STACK.width)
    flags, marks = (
        np.frombuffer("".join(row[at] for row in rows).encode("ascii"), dtype=np.uint8).reshape(len(rows), STACK.width)
        for at in (3, 4)
    )
    return LiveReadings([names[row[0] - 1] for row in rows], [row[1] for row in rows], values, flags, marks)
