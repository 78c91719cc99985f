"""Hours of sites from readings, and hours of areas from the hours of their evaluated sites: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analytics.averaging import HourlyMeans, hourly_mean
from domain.family import AIR, Family
from domain.flag import GOOD, MISSING, SUSPECT, from_text, to_text, usable
from domain.period import HOUR_S
from store.settlement import HourClaim
from store.site_reading import SiteReadings
from store.statistic import HourRows

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

_SPEED, _DIRECTION = AIR.position("wind_speed"), AIR.position("wind_direction")
#: Sources of one device from best to worst: hour frames, means over shorter spans, instants.
_SOURCES = 3


def site_hours(claim: HourClaim, readings: SiteReadings, minimum_minutes: float, *, family: Family = AIR) -> HourRows:
    """Hourly values of the claimed hours.

    Column by column the first valid mean counts, in the order: preferred device, then its hour frames, its means over
    shorter spans, its instants (each stands for the device's interval).

    Parameters
    ----------
    claim : HourClaim
        Hours wanted.
    readings : SiteReadings
        Their readings, and of no other hour.
    minimum_minutes : int
        Minutes that make an hour valid (GB 3095-2026 table 4: 45).
    family : Family
        Of the readings; wind is averaged as vectors in family air.

    Returns
    -------
    HourRows
        One row per claimed hour, in the claim's order; NaN, flag 9 where no source is valid. A value is suspect when a
        reading it rests on is.
    """
    instants = readings.spans_s == 0
    spans = np.where(instants, readings.device_interval_s[readings.device], readings.spans_s)
    sources = np.where(instants, 2, np.where(readings.spans_s < HOUR_S, 1, 0))
    groups, used = readings.device * _SOURCES + sources, usable(readings.flags)
    means = hourly_mean(
        groups,
        readings.times_s,
        np.minimum(spans, HOUR_S),
        values=readings.values,
        usable=used,
        minimum_minutes=minimum_minutes,
        speed_column=_SPEED if family is AIR else None,
        direction_column=_DIRECTION if family is AIR else None,
    )
    rows = _member(groups, readings.times_s - readings.times_s % HOUR_S, means.devices, means.hours_s)
    suspect = np.zeros(means.statistic.values.shape, dtype=np.bool_)
    doubted, columns = np.nonzero((readings.flags == SUSPECT) & used)
    suspect[rows[doubted], columns] = True
    order = np.lexsort((claim.hours_s, claim.site))
    found = _member(
        readings.device_site[means.devices // _SOURCES], means.hours_s, claim.site[order], claim.hours_s[order]
    )
    return _preferred(claim, means, suspect, order[found])


def _member(owners: Integers, hours_s: Integers, known: Integers, known_hours_s: Integers) -> Integers:
    """Index of each (owner, hour) in the known ones, which are ordered by owner, then hour, and hold all of them."""
    scale = np.int64(1) << 33
    return np.searchsorted(known * scale + known_hours_s, owners * scale + hours_s)


def _preferred(claim: HourClaim, means: HourlyMeans, suspect: Booleans, wanted: Integers) -> HourRows:
    """First valid mean per claimed hour and column; `wanted` is the claimed hour of each mean, means come preferred
    first."""
    shape = (len(claim.hours_s), means.statistic.values.shape[1])
    values, flags = np.full(shape, np.nan), np.full(shape, MISSING, dtype=np.uint8)
    counts = means.statistic.counts
    minutes = np.zeros(shape)
    np.maximum.at(minutes, wanted, counts)
    valid = means.statistic.valid & ~np.isnan(means.statistic.values)
    for column in range(shape[1]):
        candidates = np.flatnonzero(valid[:, column])
        hours, first = np.unique(wanted[candidates], return_index=True)
        chosen = candidates[first]
        values[hours, column] = means.statistic.values[chosen, column]
        minutes[hours, column] = counts[chosen, column]
        flags[hours, column] = np.where(suspect[chosen, column], SUSPECT, GOOD)
    sites = [claim.sites[at] for at in claim.site.tolist()]
    return HourRows(sites, claim.hours_s, values, minutes.astype(np.int64), to_text(flags))


def area_hours(members: Mapping[str, Sequence[str]], rows: HourRows) -> HourRows:
    """Hours of areas: per column the mean over the sites that have a valid value (wind direction: the vector mean).

    Parameters
    ----------
    members : mapping of str to sequence of str
        Area to its evaluated sites.
    rows : HourRows
        Hours of these sites.

    Returns
    -------
    HourRows
        One row per area and hour; `minutes` are the fewest of a site that counted, a value is suspect when one of them
        is.
    """
    areas = tuple(members)
    owner = {site: at for at, area in enumerate(areas) for site in members[area]}
    owners = np.array([owner[site] for site in rows.sites], dtype=np.int64)
    present = ~np.isnan(rows.values)
    means = hourly_mean(
        owners,
        rows.hours_s,
        np.full(len(owners), HOUR_S, dtype=np.int64),
        values=rows.values,
        usable=present,
        minimum_minutes=0,
        speed_column=_SPEED,
        direction_column=_DIRECTION,
    )
    wanted = _member(owners, rows.hours_s, means.devices, means.hours_s)
    values = means.statistic.values
    minutes = np.full(values.shape, 60, dtype=np.int64)
    np.minimum.at(minutes, wanted, np.where(present, rows.minutes, 60))
    suspect = np.zeros(values.shape, dtype=np.bool_)
    np.logical_or.at(suspect, wanted, from_text(rows.flags, AIR.width) == SUSPECT)
    known = ~np.isnan(values)
    flags = np.where(known, np.where(suspect, SUSPECT, GOOD), MISSING).astype(np.uint8)
    sites = [areas[at] for at in means.devices.tolist()]
    return HourRows(sites, means.hours_s, values, np.where(known, minutes, 0), to_text(flags))
