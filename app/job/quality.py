"""Testing what has been settled: readings against their own device, hours against their neighbours.

Hours that are over are claimed from a queue and released; running hours are tested each time and stay in it. What a
test finds is appended when it differs from what was found before, and hours whose flags change are settled again: one
transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.quality import Masks, Quality
from analytics.quality_hour import LOOK_AHEAD_H, LOOK_BACK_H, hour_quality
from analytics.quality_reading import ReadingSeries, reading_quality
from app.job.device_hour import device_hours, hour_grid
from app.job.quality_result import difference
from domain.family import AIR
from domain.flag import GOOD, MISSING, NOT_EVALUATED, Flags
from domain.period import HOUR_S
from domain.quality_table import channels, instrument_kinds
from store import quality as store
from store.connection import Connection
from store.device_hour import (
    AirDevice,
    read_air_devices,
    read_device_hours,
    read_factor_values,
    write_device_hours,
)
from store.device_reading import DeviceReadings, read_device_readings, read_times_before
from store.quality import HOUR, READING, Results, ScreeningClaim

Integers = npt.NDArray[np.int64]

#: Hours per transaction.
LIMIT: Final = 2_000
#: An hour is over when what was measured in it has had so long to come.
GRACE: Final = dt.timedelta(minutes=10)
#: A reading is judged again while readings after it come: so many hours of its series, short spans and hour means.
_REACH_H: Final = {"short": 3, "hour": 10}
#: Claimed hours further apart than this are read apart.
_RUN_GAP_S: Final = 6 * HOUR_S


@dataclass(frozen=True, slots=True)
class Screened:
    """What one pass did."""

    hours: int = 0
    readings: int = 0
    results: int = 0
    resettled: int = 0

    def __add__(self, other: Screened) -> Screened:
        return Screened(
            self.hours + other.hours,
            self.readings + other.readings,
            self.results + other.results,
            self.resettled + other.resettled,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """Results of one level, and what was looked at: devices, and times from `low_s` (hour means from `hour_low_s`) to
    before `high_s`."""

    results: Results
    devices: Sequence[str]
    low_s: int
    high_s: int
    level: str
    hour_low_s: int


def screen(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Test every queued hour: the job `quality`.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode; each slice commits by itself.
    now : datetime
        The present moment: decides which hours are over.

    Returns
    -------
    mapping
        Hours and readings tested, results appended, hours queued for settlement.
    """
    total = screen_hours(conn, now=now)
    return {
        "hours": total.hours,
        "readings": total.readings,
        "results": total.results,
        "resettled": total.resettled,
    }


def screen_hours(
    conn: Connection, *, now: dt.datetime, limit: int = LIMIT, stopped: Callable[[], bool] = bool
) -> Screened:
    """Test the hours that are over, slice by slice, then the running ones; what is queued meanwhile waits for the next
    run, so that a run ends however much comes in."""
    complete, total = now - dt.timedelta(hours=1) - GRACE, Screened()
    began = store.screening_begins(conn)
    while not stopped():
        with conn.transaction():
            claim = store.claim_screening(conn, complete, limit, before=began)
            if not claim.ids:
                break
            total += _screen_claim(conn, claim, over=True)
            store.release_screening(conn, claim)
    if not stopped():
        with conn.transaction():
            total += _screen_claim(conn, store.read_running(conn, complete), over=False)
    return total


def _screen_claim(conn: Connection, claim: ScreeningClaim, *, over: bool) -> Screened:
    devices, sites = read_air_devices(conn), set(claim.sites)
    own = [device for device in devices if device.site_id in sites]
    total = Screened(hours=len(claim.ids) if over else 0)
    for low_s, high_s in _runs(claim.hours_s) if own else []:
        readings = _read(conn, own, low_s, high_s)
        quality = reading_quality(_series(conn, own, readings))
        found = [_reading_results(own, readings, quality, low_s, high_s)]
        if over:
            inside = (readings.times_s >= low_s) & (readings.times_s < high_s)
            hours = device_hours(readings.rows(inside), own)
            write_device_hours(conn, [device.id for device in own], hours)
            found.append(_hour_results(conn, devices, low_s, high_s))
        total += Screened(readings=len(readings.times_s))
        for each in found:
            total += _write(conn, each)
    return total


def _runs(hours_s: Sequence[int]) -> list[tuple[int, int]]:
    """Spans [low, high) in Unix seconds that together cover the hours, cut where the gap is long."""
    if not hours_s:
        return []
    known = np.array(hours_s, dtype=np.int64)
    cuts = np.flatnonzero(np.diff(known) > _RUN_GAP_S) + 1
    return [(int(part[0]), int(part[-1]) + HOUR_S) for part in np.split(known, cuts)]


def _read(conn: Connection, own: Sequence[AirDevice], low_s: int, high_s: int) -> DeviceReadings:
    """Readings of a run with those before and after that its tests look at: hour means from further away."""
    far, near = 2 * _REACH_H["hour"] * HOUR_S, 2 * _REACH_H["short"] * HOUR_S
    names = [device.id for device in own]
    readings = read_device_readings(conn, AIR, names, low=_moment(low_s - far), high=_moment(high_s + far // 2))
    close = (readings.times_s >= low_s - near) & (readings.times_s < high_s + near // 2)
    return _preceded(conn, readings.rows(close | (readings.spans_s == HOUR_S)), low_s)


def _reach_s(spans_s: Integers) -> Integers:
    """Seconds before a run in which readings of a span are judged again."""
    return np.where(spans_s == HOUR_S, _REACH_H["hour"], _REACH_H["short"]) * HOUR_S


def _preceded(conn: Connection, readings: DeviceReadings, low_s: int) -> DeviceReadings:
    """The readings and, where a series begins with one that is judged, an empty one at the time of the one before: an
    interruption would else be found and taken back once it is out of sight."""
    series, first = np.unique(np.column_stack((readings.device, readings.spans_s)), axis=0, return_index=True)
    begins_s = readings.times_s[first]  # rows are in the order of time
    late = begins_s >= low_s - _reach_s(series[:, 1])
    if not late.any():
        return readings
    device, spans_s = series[late].T
    names = [readings.devices[at] for at in device.tolist()]
    before = read_times_before(conn, AIR, list(zip(names, spans_s.tolist(), begins_s[late].tolist(), strict=True)))
    known = np.array([each is not None for each in before], dtype=np.bool_)
    shape = (int(known.sum()), AIR.width)
    empty = DeviceReadings(
        readings.devices,
        device[known],
        np.array([each for each in before if each is not None], dtype=np.int64),
        spans_s[known],
        np.full(shape, np.nan),
        np.full(shape, MISSING, dtype=np.uint8),
        np.full(shape, ord("-"), dtype=np.uint8),
        np.full(shape[0], np.nan),
    )
    return readings.followed_by(empty)


def _series(conn: Connection, own: Sequence[AirDevice], readings: DeviceReadings) -> ReadingSeries:
    kinds = instrument_kinds()
    optical = np.array([device.kind in kinds and kinds[device.kind].optical for device in own], dtype=np.bool_)
    interval = np.array([device.interval_s for device in own], dtype=np.int64)
    first, second = _twin_channels(conn, own, readings)
    return ReadingSeries(
        readings.device,
        readings.times_s,
        readings.spans_s,
        readings.received_s,
        np.where(readings.spans_s == HOUR_S, HOUR_S, np.maximum(interval[readings.device], readings.spans_s)),
        readings.values,
        readings.marks,
        optical[readings.device],
        first,
        second,
    )


def _twin_channels(
    conn: Connection, own: Sequence[AirDevice], readings: DeviceReadings
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """First and second channel beside each reading; NaN where there is none."""
    pair = np.full((2, *readings.values.shape), np.nan)
    measured_s = readings.times_s[~np.isnan(readings.values).all(axis=1)]
    if len(measured_s):
        names = [name for channel in channels() for name in (channel.first, channel.second)]
        bounds = _moment(int(measured_s.min())), _moment(int(measured_s.max()) + 1)
        sent = read_factor_values(conn, [device.id for device in own], names, low=bounds[0], high=bounds[1])
        if sent:
            keys = zip(readings.device.tolist(), readings.times_s.tolist(), readings.spans_s.tolist(), strict=True)
            place = {key: at for at, key in enumerate(keys)}
            columns = [AIR.position(channel.column) for channel in channels()]
            for device, time_s, span_s, factor, value in sent:
                at = place.get((device, time_s, span_s))
                if at is not None:
                    pair[factor % 2, at, columns[factor // 2]] = value
    return pair[0], pair[1]


def _reading_results(
    own: Sequence[AirDevice], readings: DeviceReadings, quality: Quality, low_s: int, high_s: int
) -> _Found:
    """Results of the readings whose neighbours in time were all at hand."""
    target = (readings.times_s >= low_s - _reach_s(readings.spans_s)) & (readings.times_s < high_s)
    rows = np.flatnonzero(target & quality.failed.any(axis=1))
    results = Results(
        readings.device[rows],
        readings.times_s[rows],
        np.zeros(len(rows), dtype=np.bool_),
        readings.spans_s[rows],
        _doubts(quality.flags[rows], quality.failed[rows]),
        quality.failed[rows],
    )
    short_low_s, hour_low_s = (low_s - _REACH_H[kind] * HOUR_S for kind in ("short", "hour"))
    return _Found(results, [device.id for device in own], short_low_s, high_s, READING, hour_low_s)


def _doubts(flags: Flags, failed: Masks) -> Flags:
    """Flags where a test doubts, `NOT_EVALUATED` elsewhere."""
    return np.where((failed != 0) & (flags > GOOD), flags, np.uint8(NOT_EVALUATED)).astype(np.uint8)


def _hour_results(conn: Connection, devices: Sequence[AirDevice], low_s: int, high_s: int) -> _Found:
    """Results of the hours of all devices that a change in the span can make doubtful or good.

    They are judged from all hours that their tests look at, so that it does not matter with which span they are judged.
    """
    ahead_s = LOOK_AHEAD_H * HOUR_S
    first_s, last_s = low_s - ahead_s, high_s + ahead_s
    start_s = first_s - LOOK_BACK_H * HOUR_S
    names = [device.id for device in devices]
    hours = read_device_hours(conn, names, _moment(start_s), _moment(last_s + ahead_s))
    end_s = max(high_s, int(hours.hours_s.max(initial=0)) + HOUR_S)
    grid = hour_grid(devices, hours, start_s, end_s)
    quality = hour_quality(grid)
    judged = (grid.hours_s >= first_s) & (grid.hours_s < last_s)
    hour, device = np.nonzero(quality.failed.any(axis=2) & judged[:, None])
    failed = quality.failed[hour, device]
    results = Results(
        device,
        grid.hours_s[hour],
        np.ones(len(hour), dtype=np.bool_),
        np.full(len(hour), HOUR_S, dtype=np.int64),
        _doubts(quality.flags[hour, device], failed),
        failed,
    )
    return _Found(results, names, first_s, last_s, HOUR, first_s)


def _write(conn: Connection, found: _Found) -> Screened:
    """Append what differs from before; queue the hours whose flags change."""
    between = _moment(min(found.low_s, found.hour_low_s)), _moment(found.high_s)
    known = store.read_results(conn, found.devices, between, level=found.level)
    before = known.rows(known.times_s >= np.where(known.spans_s == HOUR_S, found.hour_low_s, found.low_s))
    new, changed = difference(found.results, before)
    store.add_results(conn, found.devices, new)
    hours = np.unique(np.column_stack((new.device, new.times_s // HOUR_S * HOUR_S))[changed], axis=0)
    if len(hours):
        store.queue_settlement(conn, [found.devices[at] for at in hours[:, 0].tolist()], hours[:, 1].tolist())
    return Screened(results=len(new.times_s), resettled=len(hours))


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
