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

from analytics.quality import Quality
from analytics.quality_hour import LOOK_BACK_H, hour_quality
from analytics.quality_reading import ReadingSeries, reading_quality
from app.job.device_hour import device_hours, hour_grid
from domain.family import AIR
from domain.flag import GOOD, NOT_EVALUATED, to_text
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
from store.device_reading import DeviceReadings, read_device_readings
from store.quality import NOTHING, Result, ScreeningClaim

Integers = npt.NDArray[np.int64]

#: Hours per transaction.
LIMIT: Final = 2_000
#: An hour is over when what was measured in it has had so long to come.
GRACE: Final = dt.timedelta(minutes=10)
#: Constant hours reach back: earlier hours of a run are doubted too once it is long enough.
_RUN_H: Final = 72
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

    results: dict[tuple[str, int, str, int], Result]
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
    """Test the hours that are over, slice by slice, then the running ones."""
    complete, total = now - dt.timedelta(hours=1) - GRACE, Screened()
    while not stopped():
        with conn.transaction():
            claim = store.claim_screening(conn, complete, limit)
            if not claim.ids:
                break
            total += _screen_claim(conn, claim, over=True)
            store.release_screening(conn, claim)
    if not stopped():
        with conn.transaction():
            total += _screen_claim(conn, store.read_running(conn, complete), over=False)
    return total


def _screen_claim(conn: Connection, claim: ScreeningClaim, *, over: bool) -> Screened:
    devices = read_air_devices(conn)
    own = [device for device in devices if device.site_id in set(claim.sites)]
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
    return readings.rows(close | (readings.spans_s == HOUR_S))


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
    if len(readings.times_s):
        names = [name for channel in channels() for name in (channel.first, channel.second)]
        bounds = _moment(int(readings.times_s.min())), _moment(int(readings.times_s.max()) + 1)
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
    reach = np.where(readings.spans_s == HOUR_S, _REACH_H["hour"], _REACH_H["short"]) * HOUR_S
    target = (readings.times_s >= low_s - reach) & (readings.times_s < high_s)
    rows = np.flatnonzero(target & quality.failed.any(axis=1))
    texts = _letters(quality, rows)
    results = [
        Result(own[device].id, time_s, "reading", span_s, tuple(failed), text)
        for device, time_s, span_s, failed, text in zip(
            readings.device[rows].tolist(),
            readings.times_s[rows].tolist(),
            readings.spans_s[rows].tolist(),
            quality.failed[rows].tolist(),
            texts,
            strict=True,
        )
    ]
    short_low_s, hour_low_s = (low_s - _REACH_H[kind] * HOUR_S for kind in ("short", "hour"))
    names = [device.id for device in own]
    return _Found({one.key: one for one in results}, names, short_low_s, high_s, "reading", hour_low_s)


def _letters(quality: Quality, rows: Integers) -> list[str]:
    """Flags of the rows where a test doubts, `NOT_EVALUATED` elsewhere."""
    doubts = (quality.failed[rows] != 0) & (quality.flags[rows] > GOOD)
    return to_text(np.where(doubts, quality.flags[rows], np.uint8(NOT_EVALUATED)).astype(np.uint8))


def _hour_results(conn: Connection, devices: Sequence[AirDevice], low_s: int, high_s: int) -> _Found:
    """Results of the hours of all devices, and of the earlier hours that a constant run reaches back to."""
    first_s = low_s - _RUN_H * HOUR_S
    names = [device.id for device in devices]
    start_s = first_s - LOOK_BACK_H * HOUR_S
    grid = hour_grid(devices, read_device_hours(conn, names, _moment(start_s), _moment(high_s)), start_s, high_s)
    quality = hour_quality(grid)
    results: dict[tuple[str, int, str, int], Result] = {}
    judged = grid.hours_s >= first_s
    for hour, device in np.argwhere(quality.failed.any(axis=2) & judged[:, None]).tolist():
        one = Quality(quality.flags[hour], quality.failed[hour])
        text = _letters(one, np.array([device]))[0]
        failed = tuple(quality.failed[hour, device].tolist())
        found = Result(names[device], int(grid.hours_s[hour]), "hour", HOUR_S, failed, text)
        results[found.key] = found
    return _Found(results, names, first_s, high_s, "hour", first_s)


def _write(conn: Connection, found: _Found) -> Screened:
    """Append what differs from before; queue the hours whose flags change."""
    first_s = min(found.low_s, found.hour_low_s)
    known = store.read_results(conn, found.devices, (_moment(first_s), _moment(found.high_s)))
    before: dict[tuple[str, int, str, int], tuple[tuple[int, ...], str]] = {}
    texts = to_text(known.flags)
    for at, level in enumerate(known.levels):
        time_s, span_s = int(known.times_s[at]), int(known.spans_s[at])
        low_s = found.hour_low_s if span_s == HOUR_S else found.low_s
        if level == found.level and time_s >= low_s:
            key = (found.devices[int(known.device[at])], time_s, level, span_s)
            before[key] = (tuple(known.failed[at].tolist()), texts[at])
    nothing = (0,) * AIR.width
    new = [one for key, one in found.results.items() if before.get(key, (nothing, NOTHING)) != (one.failed, one.flag)]
    gone = [
        Result(*key, nothing, NOTHING)
        for key, (failed, _) in before.items()
        if key not in found.results and any(failed)
    ]
    changed = sorted(
        {
            (one.device_id, one.time_s // HOUR_S * HOUR_S)
            for one in (*new, *gone)
            if before.get(one.key, (nothing, NOTHING))[1] != one.flag
        }
    )
    store.add_results(conn, [*new, *gone])
    if changed:
        store.queue_settlement(conn, [(device, _moment(hour_s)) for device, hour_s in changed])
    return Screened(results=len(new) + len(gone), resettled=len(changed))


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
