"""Versions of calibrations, and the corrected hours of micro stations beside the measured ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.error import LantianError
from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.upsert import upsert


class CalibrationError(LantianError):
    """A calibration that does not exist."""

    code = "calibration"


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """A fitted version; `low` and `high` hold measured value, humidity, temperature; `reason` empty = used."""

    device_id: str
    pollutant: str
    reference_site_id: str
    distance_m: float
    train_from: dt.datetime
    train_to: dt.datetime
    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    r: float
    rmse: float
    bias: float
    rmse_raw: float
    bias_raw: float
    reason: str
    fitted_at: dt.datetime
    fitted_by: str


@dataclass(frozen=True, slots=True)
class Calibration(NewCalibration):
    """A stored version."""

    id: int
    version: int


_COLUMNS: Final = tuple(NewCalibration.__dataclass_fields__)
_LISTS: Final = ("terms", "coefficients", "low", "high")


def add_calibration(conn: Connection, new: NewCalibration) -> int:
    """Append a version, numbered after the device's and pollutant's last one; returns its id."""
    values = [list(getattr(new, name)) if name in _LISTS else getattr(new, name) for name in _COLUMNS]
    row = conn.execute(
        f"insert into calibration (version, {', '.join(_COLUMNS)})"  # noqa: S608 - names of this module
        " select coalesce(max(version), 0) + 1, " + ", ".join(["%s"] * len(_COLUMNS)) + " from calibration"
        " where device_id = %s and pollutant = %s returning id",
        (*values, new.device_id, new.pollutant),
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_calibrations(
    conn: Connection,
    *,
    device_ids: Sequence[str] | None = None,
    used: bool = False,
    calibration_id: int | None = None,
) -> list[Calibration]:
    """Versions by device, pollutant and version.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    device_ids : sequence of str, optional
        Of these devices only.
    used : bool
        Only versions that may be used.
    calibration_id : int, optional
        This one only.

    Returns
    -------
    list of Calibration
        Numbers that are not known are NaN.
    """
    rows = conn.execute(
        f"select {', '.join(_COLUMNS)}, id, version from calibration"  # noqa: S608 - names of this module
        " where (%(devices)s::text[] is null or device_id = any(%(devices)s)) and (not %(used)s or reason = '')"
        " and (%(id)s::bigint is null or id = %(id)s) order by device_id, pollutant, version",
        {"devices": None if device_ids is None else list(device_ids), "used": used, "id": calibration_id},
    ).fetchall()
    return [_calibration(row) for row in rows]


def read_calibration(conn: Connection, calibration_id: int) -> Calibration:
    """One version; `CalibrationError` when there is none of that id."""
    found = read_calibrations(conn, calibration_id=calibration_id)
    if not found:
        raise CalibrationError(f"calibration {calibration_id}: found no such version, expected the id of one")
    return found[0]


def _calibration(row: Sequence[object]) -> Calibration:
    fields = dict(zip((*_COLUMNS, "id", "version"), row, strict=True))
    for name in _LISTS:
        fields[name] = tuple(fields[name])  # type: ignore[arg-type]
    return Calibration(**fields)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CalibratedHour:
    """Corrected values of the six pollutants in an hour of a device; None = not corrected."""

    device_id: str
    hour: dt.datetime
    values: tuple[float | None, ...]
    calibrations: tuple[int | None, ...]
    extrapolated: tuple[bool, ...]


def write_calibrated_hours(conn: Connection, rows: Iterable[CalibratedHour]) -> int:
    """Insert or replace corrected hours; returns how many."""
    columns = ("device_id", "hour", *SIX_KEYS, "calibration", "extrapolated")
    records = ((row.device_id, row.hour, *row.values, list(row.calibrations), list(row.extrapolated)) for row in rows)
    return upsert(conn, "calibrated_hour", columns, keys=2, records=records)


def read_uncalibrated(
    conn: Connection, device_ids: Sequence[str], since: dt.datetime, limit: int
) -> list[tuple[str, dt.datetime]]:
    """Hours of devices since a moment that were never corrected, or measured anew since; oldest first."""
    return conn.execute(
        "select h.device_id, h.hour from device_hour h"
        " left join calibrated_hour c on c.device_id = h.device_id and c.hour = h.hour"
        " where h.device_id = any(%s) and h.hour >= %s and (c.hour is null or c.settled_at < h.settled_at)"
        " order by h.hour, h.device_id limit %s",
        (list(device_ids), since, limit),
    ).fetchall()


def read_last_fits(conn: Connection) -> dict[str, tuple[dt.datetime, bool]]:
    """When each device was fitted last, and whether a version of that fit may be used."""
    rows = conn.execute(
        "select device_id, fitted_at, bool_or(reason = '') from calibration c"
        " where fitted_at = (select max(fitted_at) from calibration x where x.device_id = c.device_id)"
        " group by device_id, fitted_at"
    ).fetchall()
    return {device: (moment, used) for device, moment, used in rows}


def read_reference_hours(
    conn: Connection, site_id: str, low: dt.datetime, high: dt.datetime
) -> list[tuple[int, str, tuple[float | None, ...]]]:
    """Settled hours of a reference site with low <= hour < high: Unix time, flags, the six pollutants."""
    rows = conn.execute(
        f"select extract(epoch from hour)::bigint, flag, {', '.join(SIX_KEYS)} from air_hour"  # noqa: S608 - own names
        " where site_id = %s and hour >= %s and hour < %s order by hour",
        (site_id, low, high),
    ).fetchall()
    return [(row[0], row[1], tuple(row[2:])) for row in rows]
