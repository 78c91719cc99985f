"""Hours of electricity meters and operating-condition devices from their readings: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.energy import counted_energy
from app.job.hour import site_hours
from domain.family import PLANT
from domain.flag import usable
from domain.period import HOUR_S
from store.device_reading import DeviceReadings
from store.plant_hour import COLUMNS, PlantHours
from store.settlement import HourClaim
from store.site_reading import SiteReadings

#: Minutes of a valid hour, as for flue gas (HJ 212-2017 annex D).
MINUTES: Final = 45
_POWER, _ENERGY, _RUNNING, _LOAD = (PLANT.position(key) for key in COLUMNS)


def plant_hours(claim: HourClaim, readings: DeviceReadings, devices: Sequence[tuple[str, str, int]]) -> PlantHours:
    """Hours of the devices at the claimed sites.

    Parameters
    ----------
    claim : HourClaim
        Hours wanted, by site.
    readings : DeviceReadings
        Readings of `devices` in these hours; others are left out.
    devices : sequence of (str, str, int)
        Device, site, seconds an instant stands for.

    Returns
    -------
    PlantHours
        Only hours in which a device sent something. Electricity is what the counter counted, else mean power times an
        hour.
    """
    hours_of = {site: claim.hours_s[claim.site == at] for at, site in enumerate(claim.sites)}
    number = np.array([at for at, (_, site, _) in enumerate(devices) for _ in hours_of[site]], dtype=np.int64)
    hours = [hours_of[site] for _, site, _ in devices]
    wanted = np.concatenate([*hours, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    scale = np.int64(1) << 33
    begun = readings.times_s - readings.times_s % HOUR_S
    kept = readings.rows(np.isin(readings.device * scale + begun, number * scale + wanted))
    present = np.isin(number * scale + wanted, kept.device * scale + kept.times_s - kept.times_s % HOUR_S)
    own = HourClaim((), tuple(name for name, _, _ in devices), number[present], wanted[present])
    intervals = np.array([interval for _, _, interval in devices], dtype=np.int64)
    each = np.arange(len(devices), dtype=np.int64)
    ready = SiteReadings(kept.device, kept.times_s, kept.spans_s, kept.values, kept.flags, each, intervals)
    means = site_hours(own, ready, MINUTES, family=PLANT)
    power = means.values[:, _POWER]
    counted, minutes = _counted(own, kept)
    fallback = np.isnan(counted)
    values = np.column_stack(
        [power, np.where(fallback, power, counted), means.values[:, _RUNNING], means.values[:, _LOAD]]
    )
    used = np.column_stack(
        [
            means.minutes[:, _POWER],
            np.where(fallback, means.minutes[:, _POWER], minutes),
            means.minutes[:, [_RUNNING, _LOAD]],
        ]
    )
    return PlantHours(means.sites, means.hours_s, values, used.astype(np.int64))


def _counted(claim: HourClaim, readings: DeviceReadings) -> tuple[np.typing.NDArray[np.float64], ...]:
    """Counted electricity of each claimed device hour, and minutes it rests on; readings of one span each."""
    spans = np.unique(readings.spans_s)
    groups = readings.device * len(spans) + np.searchsorted(spans, readings.spans_s)
    counters = np.where(usable(readings.flags[:, _ENERGY]), readings.values[:, _ENERGY], np.nan)
    owners, hours, energy, minutes = counted_energy(groups, readings.times_s, counters, minimum_minutes=MINUTES)
    result, covered = np.full(len(claim.hours_s), np.nan), np.zeros(len(claim.hours_s))
    place = {pair: at for at, pair in enumerate(zip(claim.site.tolist(), claim.hours_s.tolist(), strict=True))}
    for owner, hour, amount, length in zip(
        owners.tolist(), hours.tolist(), energy.tolist(), minutes.tolist(), strict=True
    ):
        at = place[owner // len(spans), hour]
        if not np.isnan(amount) and (np.isnan(result[at]) or length > covered[at]):
            result[at], covered[at] = amount, length
    return result, covered
