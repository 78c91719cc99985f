"""Hours of single devices from their readings, and the grid of hours that comparisons look at: pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.averaging import hourly_mean
from analytics.quality_hour import HourGrid, plane_positions
from domain.family import AIR
from domain.flag import usable
from domain.period import HOUR_S
from domain.quality_table import instrument_kinds
from store.device_hour import AirDevice, DeviceHours
from store.device_reading import DeviceReadings


def device_hours(readings: DeviceReadings, own: Sequence[AirDevice]) -> DeviceHours:
    """Hours of each device from its usable readings of an hour or less.

    An hour frame counts before shorter spans, these before instants: the first kind that gives a value.

    Parameters
    ----------
    readings : DeviceReadings
        Readings of family `air`.
    own : sequence of AirDevice
        Devices by number.

    Returns
    -------
    DeviceHours
        One row per device and hour with a reading.
    """
    interval = np.array([device.interval_s for device in own], dtype=np.int64)
    instants = readings.spans_s == 0
    source = np.where(instants, 2, np.where(readings.spans_s < HOUR_S, 1, 0))
    covers = np.minimum(np.where(instants, interval[readings.device], readings.spans_s), HOUR_S)
    used = usable(readings.flags) & ~np.isnan(readings.values)
    means = hourly_mean(
        readings.device * 3 + source,
        readings.times_s,
        covers,
        values=readings.values,
        usable=used,
        minimum_minutes=0,
        speed_column=AIR.position("wind_speed"),
        direction_column=AIR.position("wind_direction"),
    )
    scale = np.int64(1) << 33
    keys = (means.devices // 3) * scale + means.hours_s
    distinct, row = np.unique(keys, return_inverse=True)
    shape = (len(distinct), AIR.width)
    mean, low, high = np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, -np.inf)
    minutes = np.zeros(shape)
    kind_of = np.full(shape, 3)
    for at in range(len(keys)):  # rows come hour frames first
        fresh = np.isnan(mean[row[at]]) & ~np.isnan(means.statistic.values[at])
        mean[row[at], fresh] = means.statistic.values[at, fresh]
        minutes[row[at], fresh] = means.statistic.counts[at, fresh]
        kind_of[row[at], fresh] = means.devices[at] % 3
    own_row = np.searchsorted(distinct, readings.device * scale + readings.times_s // HOUR_S * HOUR_S)
    counted = used & (kind_of[own_row] == source[:, None])
    np.minimum.at(low, own_row, np.where(counted, readings.values, np.inf))
    np.maximum.at(high, own_row, np.where(counted, readings.values, -np.inf))
    low[np.isinf(low)], high[np.isinf(high)] = np.nan, np.nan
    return DeviceHours(distinct // scale, distinct % scale, mean, low, high, minutes.astype(np.int64))


def hour_grid(
    devices: Sequence[AirDevice], hours: DeviceHours, start_s: int, end_s: int, *, minimum_minutes: int = 45
) -> HourGrid:
    """Hours of devices on a grid.

    Parameters
    ----------
    devices : sequence of AirDevice
        By number.
    hours : DeviceHours
        Their hours.
    start_s, end_s : int
        Unix times of the first hour and after the last.
    minimum_minutes : int
        Minutes below which a mean is compared with no other.

    Returns
    -------
    HourGrid
        Every hour of the span.
    """
    grid_s = np.arange(start_s, end_s, HOUR_S, dtype=np.int64)
    means, lows, highs = np.full((3, len(grid_s), len(devices), AIR.width), np.nan)
    slot = (hours.hours_s - start_s) // HOUR_S
    means[slot, hours.device] = np.where(hours.minutes >= minimum_minutes, hours.means, np.nan)
    lows[slot, hours.device], highs[slot, hours.device] = hours.lows, hours.highs
    kinds = instrument_kinds()
    compared = np.array([device.kind in kinds and kinds[device.kind].compared for device in devices], dtype=np.bool_)
    places = plane_positions([device.longitude for device in devices], [device.latitude for device in devices])
    return HourGrid(grid_s, means, lows, highs, places, compared)
