"""Hours of electricity meters and operating-condition devices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from store.connection import Connection
from store.upsert import upsert

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Mean power in kW, electricity in kWh, share of the hour running, mean load in percent: order of `PlantHours.values`.
COLUMNS: Final[tuple[str, ...]] = ("power", "energy", "running", "load")


@dataclass(frozen=True, slots=True)
class PlantHours:
    """Hours of devices of family plant: n rows, ordered by device and hour.

    Attributes
    ----------
    devices : list of str
        Device of each row.
    hours_s : ndarray of int64
        Shape (n,); Unix time of the start.
    values : ndarray of float64
        Shape (n, 4) in the order of `COLUMNS`; NaN = not valid.
    minutes : ndarray of int64
        Shape (n, 4); minutes each value rests on.
    """

    devices: list[str]
    hours_s: Integers
    values: Floats
    minutes: Integers

    def column(self, name: str) -> Floats:
        """One of `COLUMNS`, shape (n,)."""
        return self.values[:, COLUMNS.index(name)]


def read_plant_hours(conn: Connection, devices: Sequence[str], low: dt.datetime, high: dt.datetime) -> PlantHours:
    """Settled hours of `devices` with low <= hour < high, ordered by device and hour."""
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    rows = conn.execute(
        sql.SQL(
            "select device_id, extract(epoch from hour)::bigint, minutes, {} from plant_hour"
            " where device_id = any(%s) and hour >= %s and hour < %s order by device_id, hour"
        ).format(names),
        (list(devices), low, high),
    ).fetchall()
    shape = (len(rows), len(COLUMNS))
    return PlantHours(
        [row[0] for row in rows],
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[3:] for row in rows], dtype=np.float64).reshape(shape),
        np.array([row[2] for row in rows], dtype=np.int64).reshape(shape),
    )


def write_plant_hours(conn: Connection, hours: PlantHours) -> int:
    """Insert or replace hours; returns how many."""
    optional = hours.values.astype(object)
    optional[np.isnan(hours.values)] = None
    records = zip(
        hours.devices,
        [dt.datetime.fromtimestamp(second, dt.UTC) for second in hours.hours_s.tolist()],
        *(list(column) for column in optional.T),
        ["{" + ",".join(map(str, row)) + "}" for row in hours.minutes.tolist()],
        strict=True,
    )
    return upsert(conn, "plant_hour", ("device_id", "hour", *COLUMNS, "minutes"), keys=2, records=records)


def mark_plant_hours(conn: Connection, low: dt.datetime, high: dt.datetime) -> int:
    """Queue every settled hour of a plant device with low <= hour < high again; returns how many."""
    return conn.execute(
        "insert into dirty_hour (family, site_id, hour) select distinct 'plant', d.site_id, p.hour"
        " from plant_hour p join device d on d.id = p.device_id where p.hour >= %s and p.hour < %s",
        (low, high),
    ).rowcount


def read_site_devices(conn: Connection, family: str, sites: Sequence[str]) -> list[tuple[str, str, int]]:
    """Devices of a family at `sites`, retired ones too: (id, site, seconds an instant stands for), preferred first."""
    rows = conn.execute(
        "select id, site_id, interval_s from device where family = %s and site_id = any(%s) order by site_id, rank, id",
        (family, list(sites)),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
