"""Hours of each air device, for comparisons between neighbours, and of micro stations with reference stations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import AIR
from domain.period import HOUR_S
from store.binary import copy_records
from store.connection import Connection
from store.copy_format import EPOCH_2000_US
from store.upsert import upsert

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AirDevice:
    """An air device and the site it stands at; NaN where the position is unknown."""

    id: str
    site_id: str
    area_id: str
    kind: str
    longitude: float
    latitude: float
    interval_s: int


@dataclass(frozen=True, slots=True)
class DeviceHours:
    """Hours of devices: n rows of 12 columns; NaN = no usable value, minutes 0.

    Attributes
    ----------
    device : ndarray of int64
        Shape (n,); number of the device.
    hours_s : ndarray of int64
        Shape (n,); Unix time of the start.
    means, lows, highs : ndarray of float64
        Shape (n, 12); of the usable values.
    minutes : ndarray of int64
        Shape (n, 12); minutes the mean rests on.
    """

    device: Integers
    hours_s: Integers
    means: Floats
    lows: Floats
    highs: Floats
    minutes: Integers

    def of(self, device: int) -> DeviceHours:
        """The hours of one device."""
        own = self.device == device
        return DeviceHours(
            self.device[own], self.hours_s[own], self.means[own], self.lows[own], self.highs[own], self.minutes[own]
        )


def read_air_devices(conn: Connection) -> list[AirDevice]:
    """Every air device, also those out of service: their hours remain."""
    rows = conn.execute(
        "select d.id, s.id, s.area_id, s.kind, coalesce(s.longitude, 'NaN'), coalesce(s.latitude, 'NaN'), d.interval_s"
        " from device d join site s on s.id = d.site_id where d.family = 'air' order by d.id"
    ).fetchall()
    return [AirDevice(*row) for row in rows]


def write_device_hours(conn: Connection, device_ids: Sequence[str], hours: DeviceHours) -> int:
    """Insert or replace hours of devices (by number); returns how many."""
    columns = ("device_id", "hour", "mean", "low", "high", "minutes")
    records = (
        (device_ids[device], dt.datetime.fromtimestamp(hour, dt.UTC), *map(_array, arrays))
        for device, hour, *arrays in zip(
            hours.device.tolist(),
            hours.hours_s.tolist(),
            hours.means.tolist(),
            hours.lows.tolist(),
            hours.highs.tolist(),
            hours.minutes.tolist(),
            strict=True,
        )
    )
    return upsert(conn, "device_hour", columns, keys=2, records=records)


def _array(numbers: Sequence[float]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def read_device_hours(conn: Connection, device_ids: Sequence[str], low: dt.datetime, high: dt.datetime) -> DeviceHours:
    """Hours of devices (numbered as given) with low <= hour < high, in no order."""
    kinds = ("mean", "low", "high", "minutes")
    columns = [(f"{kind} {key}", kind, at) for kind in kinds for at, key in enumerate(AIR.keys, 1)]
    statement = sql.SQL(
        "copy (select (d.at - 1)::int, h.hour, {columns} from unnest({devices}::text[]) with ordinality as d (id, at)"
        " join device_hour h on h.device_id = d.id where h.hour >= {low} and h.hour < {high}) to stdout (format binary)"
    ).format(
        columns=sql.SQL(", ").join(
            sql.SQL("h.{}[{}]").format(sql.Identifier(kind), sql.Literal(at)) for _, kind, at in columns
        ),
        devices=sql.Literal(list(device_ids)),
        low=sql.Literal(low),
        high=sql.Literal(high),
    )
    fields = [("device", ">i4"), ("hour", ">i8")]
    fields += [(name, ">i2" if kind == "minutes" else ">f8") for name, kind, _ in columns]
    rows = copy_records(conn, statement, fields)
    means, lows, highs, minutes = (np.column_stack([rows[f"{kind} {key}"] for key in AIR.keys]) for kind in kinds)
    return DeviceHours(
        rows["device"].astype(np.int64),
        (rows["hour"].astype(np.int64) + EPOCH_2000_US) // 1_000_000,
        means.astype(np.float64),
        lows.astype(np.float64),
        highs.astype(np.float64),
        minutes.astype(np.int64),
    )


def read_factor_values(
    conn: Connection,
    device_ids: Sequence[str],
    factors: Sequence[str],
    *,
    low: dt.datetime,
    high: dt.datetime,
) -> list[tuple[int, int, int, int, float]]:
    """Values without a column: number of the device, Unix time, span, number of the factor, value.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    device_ids, factors : sequence of str
        Whose and which, by number.
    low, high : datetime
        Readings that start at low <= time < high.

    Returns
    -------
    list of tuple
        In no order; texts and missing values are left out.
    """
    rows = conn.execute(
        "select array_position(%(devices)s::text[], device_id) - 1, extract(epoch from time)::bigint, span_s,"
        " array_position(%(factors)s::text[], factor) - 1, value from factor_reading"
        " where device_id = any(%(devices)s) and factor = any(%(factors)s) and time >= %(low)s and time < %(high)s"
        " and field in ('Rtd', 'Avg') and value is not null and span_s <= %(longest)s",
        {"devices": list(device_ids), "factors": list(factors), "low": low, "high": high, "longest": HOUR_S},
    ).fetchall()
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
