"""Quality tests of hours: values that do not change, sites that differ from their neighbours now or more and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from analytics.quality import (
    DRIFT,
    EXCHANGE,
    MAD_SCALE,
    QUALITY_LIMITS,
    SPATIAL,
    Booleans,
    Floats,
    Integers,
    Quality,
    QualityLimits,
    combined,
    median,
    verdict,
)
from analytics.quality_exchange import exchange_flags
from analytics.screening import PERSISTENCE, constant
from domain.family import AIR
from domain.flag import GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags
from domain.quality_table import column_floors, exchange_pairs
from domain.screening_table import screening_limits

#: Hours that `hour_quality` needs before the first one judged: the longest constant run, or the days of a drift.
LOOK_BACK_H: Final = int(
    max(
        QUALITY_LIMITS.drift_days * 24 + QUALITY_LIMITS.drift_hours,
        *(row.constant_h for row in screening_limits(AIR.key)),
    )
)
#: Hours after the last one judged that `hour_quality` needs: a run that makes an hour doubtful may end so much later.
LOOK_AHEAD_H: Final = int(max(QUALITY_LIMITS.spatial_hours, *(row.constant_h for row in screening_limits(AIR.key))))
_EARTH_M: Final = 6_371_000.0


@dataclass(frozen=True, slots=True)
class HourGrid:
    """Consecutive hours of devices: t hours, d devices.

    Attributes
    ----------
    hours_s : ndarray of int64
        Shape (t,); Unix times of the starts, an hour apart.
    means, lows, highs : ndarray of float64
        Shape (t, d, 12); valid mean, smallest and largest usable value; NaN = none.
    positions_m : ndarray of float64
        Shape (d, 2); plane coordinates, NaN = unknown.
    compared : ndarray of bool
        Shape (d,); takes part in comparisons with neighbours.
    """

    hours_s: Integers
    means: Floats
    lows: Floats
    highs: Floats
    positions_m: Floats
    compared: Booleans


def plane_positions(longitudes: npt.ArrayLike, latitudes: npt.ArrayLike) -> Floats:
    """Plane coordinates in metres, shape (d, 2), good over some hundred kilometres; NaN where a degree is NaN."""
    east, north = np.radians(np.asarray(longitudes, float)), np.radians(np.asarray(latitudes, float))
    known = north[~np.isnan(north)]
    middle = float(known.mean()) if len(known) else 0.0
    return _EARTH_M * np.column_stack((east * np.cos(middle), north))


def hour_quality(grid: HourGrid, *, limits: QualityLimits = QUALITY_LIMITS) -> Quality:
    """Every test of hours; the first `LOOK_BACK_H` and the last `LOOK_AHEAD_H` of them are judged with less than the
    tests look at, all others as in any longer grid.

    Parameters
    ----------
    grid : HourGrid
        Hours of the devices that may be neighbours of each other.
    limits : QualityLimits, optional
        Thresholds.

    Returns
    -------
    Quality
        Shape (t, d, 12); `MISSING` where no usable value is in the hour.
    """
    shape = grid.lows.shape
    near = neighbours(grid.positions_m, grid.compared, limits=limits)
    spatial, drift = (np.full(shape, NOT_EVALUATED, dtype=np.uint8) for _ in range(2))
    exchange: list[Flags] = []
    for at, floor in enumerate(column_floors()):
        values = grid.means[:, :, at]
        if not np.isnan(floor.spatial_floor):
            alone = spatial_flags(near, values, floor.spatial_floor, limits=limits)
            spatial[:, :, at] = lasting(alone, int(limits.spatial_hours))
        if not np.isnan(floor.drift_ratio):
            drift[:, :, at] = drift_flags(near, values, (floor.drift_offset, floor.drift_ratio), limits=limits)
    for pair in exchange_pairs():
        columns = [AIR.position(pair.first), AIR.position(pair.second)]
        result = np.full(shape, NOT_EVALUATED, dtype=np.uint8)
        found = exchange_flags(near, *(grid.means[:, :, at] for at in columns), score=pair.score, limits=limits)
        result[:, :, columns] = found[:, :, None]
        exchange.append(result)
    flags = np.where(np.isnan(grid.lows), MISSING, GOOD).astype(np.uint8)
    still: dict[int, Flags | list[Flags]] = {
        PERSISTENCE: persistence_flags(grid),
        SPATIAL: spatial,
        DRIFT: drift,
        EXCHANGE: exchange,
    }
    return combined(flags, np.zeros(shape, dtype=np.int16), still)


def persistence_flags(grid: HourGrid) -> Flags:
    """Hours that belong to a run of hours with one value only; limits and exempt values of `analytics.screening`."""
    count, devices, width = grid.lows.shape
    still = np.where(grid.lows == grid.highs, grid.lows, np.nan).transpose(1, 0, 2).reshape(-1, width)
    owners, times = np.repeat(np.arange(devices), count), np.tile(grid.hours_s, devices)
    found = constant(screening_limits(AIR.key), owners, times, values=still)
    doubtful = found.reshape(devices, count, width).transpose(1, 0, 2)
    return verdict(doubtful, ~np.isnan(grid.lows))


def neighbours(
    positions_m: npt.ArrayLike, compared: npt.ArrayLike | None = None, *, limits: QualityLimits = QUALITY_LIMITS
) -> tuple[Integers, ...]:
    """Nearest neighbours of each site within reach, itself left out.

    Parameters
    ----------
    positions_m : array_like
        Shape (s, 2); plane coordinates in metres, NaN = unknown.
    compared : array_like of bool, optional
        Shape (s,); the others have no neighbours and are nobody's; by default all are compared.
    limits : QualityLimits, optional
        ``spatial_*``.

    Returns
    -------
    tuple of ndarray of int64
        Per site the indices of its neighbours, nearest first.
    """
    places = np.asarray(positions_m, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"found positions {places.shape}, expected (s, 2)")
    known = ~np.isnan(places).any(axis=1)
    if compared is not None:
        known &= np.asarray(compared, dtype=np.bool_)
    chosen = np.flatnonzero(known)
    none = np.zeros(0, dtype=np.int64)
    near = [none] * len(places)
    if len(chosen) < 2:
        return tuple(near)
    tree, wanted = cKDTree(places[chosen]), int(limits.spatial_neighbours) + 1
    _, found = tree.query(places[chosen], k=wanted, distance_upper_bound=limits.spatial_reach_m)
    for at, row in zip(chosen.tolist(), np.atleast_2d(found), strict=True):
        others = chosen[row[row < len(chosen)]]
        near[at] = others[others != at][: wanted - 1]
    return tuple(near)


def spatial_flags(
    near: Sequence[Integers], values: npt.ArrayLike, floor: float, *, limits: QualityLimits = QUALITY_LIMITS
) -> Flags:
    """Sites that differ from their neighbours at the same time, each judged without itself.

    Parameters
    ----------
    near : sequence of ndarray of int64
        Neighbours of each of s sites (`neighbours`).
    values : array_like
        Shape (t, s); one pollutant, NaN = missing.
    floor : float
        Smaller deviations are never found.
    limits : QualityLimits, optional
        ``spatial_*``.

    Returns
    -------
    ndarray of uint8
        Shape (t, s); `SUSPECT` beyond the floor, `spatial_factor` scaled MAD of the neighbours and `spatial_share` of
        their median; `NOT_EVALUATED` with fewer than `spatial_least` neighbours that measured.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 2 or len(near) != data.shape[1]:
        raise ValueError(f"found {len(near)} lists of neighbours and values {data.shape}, expected (t, s) for s lists")
    flags = np.full(data.shape, NOT_EVALUATED, dtype=np.uint8)
    for site, others in enumerate(near):
        if len(others) < limits.spatial_least:
            continue
        centre, count = median(data[:, others])
        spread = MAD_SCALE * median(np.abs(data[:, others] - centre[:, None]))[0]
        away = np.abs(data[:, site] - centre)
        allowed = np.maximum(floor, np.maximum(limits.spatial_factor * spread, limits.spatial_share * np.abs(centre)))
        flags[:, site] = verdict(away > allowed, ~np.isnan(away) & (count >= limits.spatial_least))
    return flags


def lasting(flags: Flags, least: int) -> Flags:
    """Flags of consecutive hours, shape (t, s), in which doubt of fewer than `least` hours in a row is `GOOD`."""
    result = flags.copy()
    for site in range(flags.shape[1]):
        doubt = np.concatenate(([False], flags[:, site] == SUSPECT, [False]))
        starts, ends = np.flatnonzero(doubt[1:] & ~doubt[:-1]), np.flatnonzero(~doubt[1:] & doubt[:-1])
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if end - start < least:
                result[start:end, site] = GOOD
    return result


def drift_flags(
    near: Sequence[Integers],
    values: npt.ArrayLike,
    relation: tuple[float, float],
    *,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """Sites whose relation to their neighbours over the last `drift_hours` is not what it was on the days before.

    The relation of an hour is log((value + offset) / (median of the neighbours + offset)); its median over the last
    hours is compared with the median of the medians of the `drift_days` days before them.

    Parameters
    ----------
    near : sequence of ndarray of int64
        Neighbours of each of s sites (`neighbours`).
    values : array_like
        Shape (t, s); consecutive hours of one pollutant, NaN = missing.
    relation : (float, float)
        The offset, in the unit of the values, and the least factor of a drift (above 1).
    limits : QualityLimits, optional
        ``drift_*`` and ``spatial_least``.

    Returns
    -------
    ndarray of uint8
        Shape (t, s); `SUSPECT` when the change exceeds the factor and `drift_factor` scaled MAD of the daily medians;
        `NOT_EVALUATED` without the value, with a relation in less than half of the last hours (for a day before:
        `drift_least_hours`), or too few days before.
    """
    data = np.asarray(values, dtype=np.float64)
    offset, ratio = relation
    days, recent_h = int(limits.drift_days), int(limits.drift_hours)
    flags = np.full(data.shape, NOT_EVALUATED, dtype=np.uint8)
    if not len(data):
        return flags
    for site, others in enumerate(near):
        if len(others) < limits.spatial_least or np.isnan(data[:, site]).all():
            continue
        centre, count = median(data[:, others])
        apart = np.log(np.maximum(data[:, site] + offset, offset / 2) / np.maximum(centre + offset, offset / 2))
        apart[count < limits.spatial_least] = np.nan
        padded = np.concatenate((np.full(24 * days + recent_h - 1, np.nan), apart))
        of_day, hours = _running_median(padded, 24)
        of_day[hours < limits.drift_least_hours] = np.nan
        recent, recent_hours = _running_median(padded, recent_h)
        recent[recent_hours < recent_h / 2] = np.nan
        last = np.arange(len(data)) + 24 * days + recent_h - 1
        before = of_day[last[:, None] - recent_h - 24 * np.arange(days)]
        usual, known_days = median(before)
        spread = MAD_SCALE * median(np.abs(before - usual[:, None]))[0]
        moved = np.abs(recent[last] - usual)
        known = ~np.isnan(moved) & (known_days >= limits.drift_least_days) & ~np.isnan(data[:, site])
        flags[:, site] = verdict(moved > np.maximum(np.log(ratio), limits.drift_factor * spread), known)
    return flags


def _running_median(values: Floats, count: int) -> tuple[Floats, Integers]:
    """Median of the `count` values up to and including each, and how many of them are there; NaN for the first ones."""
    found, known = median(np.lib.stride_tricks.sliding_window_view(values, count))
    first = np.full(count - 1, np.nan)
    return np.concatenate((first, found)), np.concatenate((np.zeros(count - 1, dtype=np.int64), known))
