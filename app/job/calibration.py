"""Calibrating micro stations by the nearest reference station, and correcting their hours beside the originals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analytics.calibration import CALIBRATION_LIMITS, Floats, Inputs, Model, corrected, fit_calibration
from analytics.quality_hour import plane_positions
from domain.family import AIR
from domain.flag import GOOD
from domain.period import HOUR_S
from domain.pollutant import SIX_KEYS
from domain.quality_table import reference_kinds
from store import calibration as store
from store.calibration import CalibratedHour, Calibration, NewCalibration
from store.connection import Connection
from store.device_hour import AirDevice, DeviceHours, read_air_devices, read_device_hours

MICRO: Final = "micro"
_SIX: Final = [AIR.position(key) for key in SIX_KEYS]
_HUMIDITY, _TEMPERATURE = AIR.position("humidity"), AIR.position("temperature")
#: Minutes below which an hour is not compared and not corrected, as for any hour.
_LEAST_MINUTES: Final = 45
#: Who fits when nobody asked for it.
JOB: Final = "job calibrate"
#: How far back the job corrects hours that come late.
_LATE: Final = dt.timedelta(days=3)
#: Hours corrected in one transaction.
_PORTION: Final = 5_000


def calibrate(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Fit what is due and correct new hours: the job `calibrate`.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode; each device and each portion commits by itself.
    now : datetime
        The present moment; training ends with the last full hour before it.

    Returns
    -------
    mapping
        Versions fitted, of which used, and hours corrected.
    """
    last = store.read_last_fits(conn)
    end = now.replace(minute=0, second=0, microsecond=0)
    start = end - dt.timedelta(days=CALIBRATION_LIMITS.window_days)
    fitted = []
    for device in (each for each in read_air_devices(conn) if each.kind == MICRO):
        if is_due(last.get(device.id), now):
            fitted += fit_device(conn, device, (start, end), now=now, who=JOB)
    used = sum(not version.reason for version in fitted)
    return {"fitted": len(fitted), "used": used, "hours": correct_hours(conn, now - _LATE)}


def is_due(last: tuple[dt.datetime, bool] | None, now: dt.datetime) -> bool:
    """Whether a device fitted last at a moment, with or without a version that may be used, is to be fitted again."""
    if last is None:
        return True
    fitted_at, used = last
    days = CALIBRATION_LIMITS.refit_days if used else CALIBRATION_LIMITS.retry_days
    return now - fitted_at >= dt.timedelta(days=days)


def nearest_reference(device: AirDevice, devices: Sequence[AirDevice]) -> tuple[str, float] | None:
    """Site of the nearest reference device within reach and its distance in metres; None when there is none."""
    kinds = reference_kinds()
    others = [each for each in devices if each.kind in kinds]
    places = plane_positions(
        [each.longitude for each in (device, *others)], [each.latitude for each in (device, *others)]
    )
    apart = np.hypot(*(places[1:] - places[0]).T)
    apart[np.isnan(apart)] = np.inf
    if not len(apart) or apart.min() > CALIBRATION_LIMITS.reach_m:
        return None
    nearest = int(np.argmin(apart))
    return others[nearest].site_id, float(apart[nearest])


def fit_device(
    conn: Connection, device: AirDevice, window: tuple[dt.datetime, dt.datetime], *, now: dt.datetime, who: str
) -> list[NewCalibration]:
    """Fit every pollutant of a device over a window and append the versions, in one transaction.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode.
    device : AirDevice
        The micro station.
    window : (datetime, datetime)
        Hours from first to before second.
    now : datetime
        The present moment.
    who : str
        Who asks for it.

    Returns
    -------
    list of NewCalibration
        Also those that must not be used, with the reason; empty without a reference station within reach, and without
        the pollutant for one that the device does not measure.
    """
    reference = nearest_reference(device, read_air_devices(conn))
    if reference is None:
        return []
    with conn.transaction():
        measured = read_device_hours(conn, [device.id], *window)
        truth = _reference_grid(conn, reference[0], window)
        start_s = int(window[0].timestamp())
        grid = _grid(measured, start_s, len(truth))
        made = []
        for at, key in enumerate(SIX_KEYS):
            inputs = Inputs(grid[:, _SIX[at]], grid[:, _HUMIDITY], grid[:, _TEMPERATURE])
            if np.isnan(inputs.measured).all():
                continue
            fit = fit_calibration(key, inputs, truth[:, at])
            model = fit.model or Model((), (), (np.nan,) * 3, (np.nan,) * 3)
            made.append(
                NewCalibration(
                    device.id,
                    key,
                    *reference,
                    *window,
                    model.terms,
                    model.coefficients,
                    model.lows,
                    model.highs,
                    fit.n,
                    fit.r,
                    fit.rmse,
                    fit.bias,
                    fit.rmse_raw,
                    fit.bias_raw,
                    fit.reason,
                    now,
                    who,
                )
            )
        for version in made:
            store.add_calibration(conn, version)
    return made


def _grid(hours: DeviceHours, start_s: int, count: int) -> Floats:
    """Means of one device, shape (count, 12); NaN where an hour has too few minutes."""
    grid = np.full((count, AIR.width), np.nan)
    slot = (hours.hours_s - start_s) // HOUR_S
    grid[slot] = np.where(hours.minutes >= _LEAST_MINUTES, hours.means, np.nan)
    return grid


def _reference_grid(conn: Connection, site: str, window: tuple[dt.datetime, dt.datetime]) -> Floats:
    """Hours of a reference site that nobody doubts, shape (hours, 6)."""
    start_s, end_s = (int(moment.timestamp()) for moment in window)
    grid = np.full(((end_s - start_s) // HOUR_S, len(SIX_KEYS)), np.nan)
    good = str(GOOD)
    for hour_s, flag, values in store.read_reference_hours(conn, site, *window):
        slot = (hour_s - start_s) // HOUR_S
        for at, value in enumerate(values):
            if value is not None and flag[_SIX[at]] == good:
                grid[slot, at] = value
    return grid


def correct_hours(conn: Connection, since: dt.datetime) -> int:
    """Correct hours of calibrated devices since a moment that were never corrected or measured anew.

    Returns how many got a corrected value.

    An hour is corrected by the newest used version whose training had ended by its start.
    """
    versions = _used_versions(conn)
    written = 0
    while versions:
        with conn.transaction():
            waiting = store.read_uncalibrated(conn, list(versions), since, _PORTION)
            if not waiting:
                break
            low, high = waiting[0][1], waiting[-1][1] + dt.timedelta(hours=1)
            names = sorted({device for device, _ in waiting})
            hours = read_device_hours(conn, names, low, high)
            wanted = set(waiting)
            for at, name in enumerate(names):
                rows = corrected_hours(versions[name], name, hours.of(at))
                written += _write(conn, [row for row in rows if (name, row.hour) in wanted])
    return written


def correct_span(conn: Connection, low: dt.datetime, high: dt.datetime) -> int:
    """Correct every hour of calibrated devices with low <= hour < high again; returns how many got one."""
    versions = _used_versions(conn)
    written = 0
    while low < high and versions:
        end = min(low + dt.timedelta(days=7), high)
        names = sorted(versions)
        with conn.transaction():
            hours = read_device_hours(conn, names, low, end)
            rows = [row for at, name in enumerate(names) for row in corrected_hours(versions[name], name, hours.of(at))]
            written += _write(conn, rows)
        low = end
    return written


def _write(conn: Connection, rows: Sequence[CalibratedHour]) -> int:
    """Write hours, those without a correction too, so that they wait no longer; returns how many have one."""
    store.write_calibrated_hours(conn, rows)
    return sum(any(value is not None for value in row.values) for row in rows)


def _used_versions(conn: Connection) -> dict[str, list[Calibration]]:
    versions: dict[str, list[Calibration]] = {}
    for version in store.read_calibrations(conn, used=True):
        versions.setdefault(version.device_id, []).append(version)
    return versions


def corrected_hours(versions: Sequence[Calibration], device_id: str, hours: DeviceHours) -> list[CalibratedHour]:
    """Corrected hours of one device.

    Parameters
    ----------
    versions : sequence of Calibration
        Used versions of the device.
    device_id : str
        The device.
    hours : DeviceHours
        n hours of it.

    Returns
    -------
    list of CalibratedHour
        One per hour; a pollutant is not corrected without a version, without enough minutes or an input, or too far
        outside the range of the training.
    """
    count = len(hours.hours_s)
    means = np.where(hours.minutes >= _LEAST_MINUTES, hours.means, np.nan)
    values, outside = np.full((count, len(SIX_KEYS)), np.nan), np.zeros((count, len(SIX_KEYS)), dtype=np.bool_)
    used = np.zeros((count, len(SIX_KEYS)), dtype=np.int64)
    for version in sorted(versions, key=lambda one: (one.train_to, one.version)):
        at = SIX_KEYS.index(version.pollutant)
        rows = np.flatnonzero(hours.hours_s >= version.train_to.timestamp())
        inputs = Inputs(means[rows, _SIX[at]], means[rows, _HUMIDITY], means[rows, _TEMPERATURE])
        model = Model(version.terms, version.coefficients, version.low[:3], version.high[:3])  # type: ignore[arg-type]
        found = corrected(model, inputs)
        values[rows, at], outside[rows, at] = found.values, found.extrapolated
        used[rows, at] = np.where(np.isnan(found.values), 0, version.id)
    return [
        CalibratedHour(
            device_id,
            dt.datetime.fromtimestamp(hour_s, dt.UTC),
            tuple(None if np.isnan(value) else value for value in row),
            tuple(number or None for number in numbers),
            tuple(flags),
        )
        for hour_s, row, numbers, flags in zip(
            hours.hours_s.tolist(), values.tolist(), used.tolist(), outside.tolist(), strict=True
        )
    ]
