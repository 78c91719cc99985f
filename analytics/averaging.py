"""Hourly means of readings; daily means, running 8-hour means and daily maxima of hours. Nothing here rounds a value.

Every result is a `Statistic`: the value wherever anything was measured, how much it rests on, and whether that is
enough for the standard (GB 3095-2026 table 4). The minima are arguments; they live in `domain.standard.validity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.rounding import half_even
from domain.period import DAY_S, HOUR_S, OFFSET_S, hour_start

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

HOURS_A_DAY: Final = 24
WINDOW_H: Final = 8


@dataclass(frozen=True, slots=True)
class Statistic:
    """Values with what they rest on; all arrays have one shape.

    Attributes
    ----------
    values : ndarray of float64
        Unrounded; NaN where nothing was measured. Filled even where `valid` is False.
    counts : ndarray of float64
        Minutes, hours, windows or days used.
    valid : ndarray of bool
        Whether `counts` satisfies the standard.
    """

    values: Floats
    counts: Floats
    valid: Booleans

    @property
    def valid_values(self) -> Floats:
        """The values, NaN where not valid."""
        return np.where(self.valid, self.values, np.nan)


@dataclass(frozen=True, slots=True)
class HourlyMeans:
    """Means per device and hour: m rows, k columns.

    Attributes
    ----------
    devices : ndarray of int64
        Shape (m,), as passed in; rows are ordered by device, then hour.
    hours_s : ndarray of int64
        Shape (m,); Unix time of the start of the hour.
    statistic : Statistic
        Shape (m, k); counts are minutes of the hour covered by usable values, at most 60.
    """

    devices: Integers
    hours_s: Integers
    statistic: Statistic


def hourly_mean(  # noqa: PLR0913 - five parallel columns of one table
    devices: npt.ArrayLike,
    times_s: npt.ArrayLike,
    spans_s: npt.ArrayLike,
    *,
    values: npt.ArrayLike,
    usable: npt.ArrayLike,
    minimum_minutes: float,
    instant_cover_s: float = 60.0,
    speed_column: int | None = None,
    direction_column: int | None = None,
) -> HourlyMeans:
    """Mean of each column per device (or site) and hour, weighted by the time each reading stands for.

    A reading belongs to the hour in which it starts and covers its span, cut at the end of that hour. Time covered
    twice counts once, so `counts` never exceeds 60 minutes.

    Parameters
    ----------
    devices : array_like of int
        Shape (n,); any numbering of devices or sites.
    times_s : array_like of int
        Shape (n,); Unix time of the start of each reading, in any order.
    spans_s : array_like of int
        Shape (n,); seconds each reading covers, 0 = an instant. Readings of more than an hour are left out.
    values : array_like
        Shape (n, k); NaN = missing.
    usable : array_like of bool
        Shape (n, k); False keeps a value out (`domain.flag.usable`).
    minimum_minutes : float
        Minutes that make an hour valid.
    instant_cover_s : float
        Seconds an instant stands for: the interval at which the device reports.
    speed_column, direction_column : int, optional
        Columns of wind speed and direction (degrees). The direction becomes the vector mean, weighted by speed, or of
        unit vectors in an hour without usable speed; NaN in a calm hour or when the vectors cancel.

    Returns
    -------
    HourlyMeans
        One row per device and hour that has a reading, usable or not.

    Notes
    -----
    GB 3095-2026 table 4: at least 45 minutes of sampling in the hour.
    """
    groups = _Groups.of(np.asarray(devices), np.asarray(times_s), np.asarray(spans_s), instant_cover_s)
    data = np.asarray(values, dtype=np.float64)[groups.order]
    used = np.asarray(usable, dtype=np.bool_)[groups.order] & ~np.isnan(data)
    weights = used * groups.covers_s[:, None]
    weight_sums = groups.total(weights)
    means = groups.mean(data, used, weights, weight_sums)
    if direction_column is not None:
        speeds, used_speeds = None, None
        if speed_column is not None:
            speeds, used_speeds = data[:, speed_column], used[:, speed_column]
        means[:, direction_column] = _mean_direction(
            groups, data[:, direction_column], weights[:, direction_column], speeds=speeds, used_speeds=used_speeds
        )
    minutes = (groups.covered_s(used) if groups.overlapping else weight_sums) / 60.0
    return HourlyMeans(groups.devices, groups.hours_s, Statistic(means, minutes, minutes >= minimum_minutes))


@dataclass(frozen=True, slots=True)
class _Groups:
    """Readings sorted by device and time, cut into device-hours."""

    order: Integers
    first: Integers
    number: Integers
    starts_s: Floats
    covers_s: Floats
    devices: Integers
    hours_s: Integers

    @classmethod
    def of(cls, devices: Integers, times_s: Integers, spans_s: Integers, instant_cover_s: float) -> _Groups:
        if (spans_s < 0).any():
            raise ValueError(f"a span of {spans_s.min()} s, expected 0 or more")
        kept = np.flatnonzero(spans_s <= HOUR_S)
        order = kept[np.lexsort((times_s[kept], devices[kept]))]
        owners, times = devices[order].astype(np.int64), times_s[order].astype(np.int64)
        hours = hour_start(times)
        if len(order):
            new = np.concatenate(([True], (owners[1:] != owners[:-1]) | (hours[1:] != hours[:-1])))
        else:
            new = np.zeros(0, dtype=np.bool_)
        starts = (times - hours).astype(np.float64)
        spans = spans_s[order].astype(np.float64)
        covers = np.minimum(np.where(spans == 0, instant_cover_s, spans), HOUR_S - starts)
        first = np.flatnonzero(new)
        return cls(order, first, np.cumsum(new) - 1, starts, covers, owners[first], hours[first])

    def total(self, rows: Floats) -> Floats:
        """Sum per group along the first axis."""
        if not len(self.first):
            return np.zeros((0, *rows.shape[1:]))
        return np.asarray(np.add.reduceat(rows, self.first, axis=0))

    @property
    def overlapping(self) -> bool:
        """Whether a reading begins before an earlier one of its group has ended."""
        base = self.number * (2.0 * HOUR_S)
        reached = np.maximum.accumulate(self.starts_s + self.covers_s + base)
        return bool((self.starts_s[1:] + base[1:] < reached[:-1]).any())

    def mean(self, data: Floats, used: Booleans, weights: Floats, weight_sums: Floats) -> Floats:
        """Weighted mean per group; NaN where all weights are 0. Exact when all used values of a group are equal.

        `weights` are 0 where a value is not used, `weight_sums` their totals.
        """
        anchors = self._anchors(data, used, weight_sums > 0)
        deviations = data - anchors[self.number]
        np.multiply(deviations, weights, out=deviations)
        deviations[~used] = 0.0
        with np.errstate(invalid="ignore"):
            return np.asarray(anchors + self.total(deviations) / weight_sums)

    def _anchors(self, data: Floats, used: Booleans, any_used: Booleans) -> Floats:
        """First used value per group and column; NaN where there is none."""
        firsts = used[self.first]
        anchors = np.where(firsts, data[self.first], np.nan)
        columns = np.flatnonzero((any_used & ~firsts).any(axis=0))
        if len(columns):
            rows = np.where(used[:, columns], np.arange(len(data))[:, None], len(data))
            places = np.minimum.reduceat(rows, self.first, axis=0)
            padded = np.vstack([data[:, columns], np.full(len(columns), np.nan)])
            anchors[:, columns] = np.take_along_axis(padded, places, axis=0)
        return anchors

    def covered_s(self, used: Booleans) -> Floats:
        """Seconds of each group's hour covered by used readings, overlaps counted once."""
        # Shifting each group by two hours lets one running maximum serve all groups: it cannot reach into the next one.
        base = self.number[:, None] * (2.0 * HOUR_S)
        starts, ends = self.starts_s[:, None] + base, (self.starts_s + self.covers_s)[:, None] + base
        reached = np.maximum.accumulate(np.where(used, ends, base), axis=0)
        before = np.vstack([np.full((1, used.shape[1]), -np.inf), reached[:-1]])
        fresh = np.where(used, np.maximum(ends - np.maximum(starts, before), 0.0), 0.0)
        return self.total(fresh)


def _mean_direction(
    groups: _Groups, directions: Floats, weights: Floats, *, speeds: Floats | None, used_speeds: Booleans | None
) -> Floats:
    """Vector mean of directions per group, degrees in [0, 360)."""
    lengths = np.ones_like(directions)
    if speeds is not None and used_speeds is not None:
        both = used_speeds & (weights > 0)
        informed = groups.total(both.astype(np.float64))[groups.number] > 0
        lengths = np.where(informed, np.where(both, speeds, 0.0), 1.0)
    weight = np.where(weights > 0, weights * lengths, 0.0)
    angles = np.deg2rad(np.where(weight > 0, directions, 0.0))
    east, north = groups.total(weight * np.sin(angles)), groups.total(weight * np.cos(angles))
    full = groups.total(weight)
    mean = np.rad2deg(np.arctan2(east, north)) % 360.0
    mean[mean == 360.0] = 0.0
    # A resultant that small against the path is what rounding errors leave of vectors that cancel.
    return np.where((full > 0) & (np.hypot(east, north) > 1e-9 * full), mean, np.nan)


def day_grids(
    sites: npt.ArrayLike, hours_s: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[Integers, Integers, npt.NDArray[np.float64]]:
    """Hours arranged as natural days.

    Parameters
    ----------
    sites : array_like of int
        Shape (m,).
    hours_s : array_like of int
        Shape (m,); Unix time of the start of each hour; a pair (site, hour) occurs once.
    values : array_like
        Shape (m, k).

    Returns
    -------
    sites : ndarray of int64
        Shape (g,), ordered by site, then day.
    days : ndarray of int64
        Shape (g,); local day numbers (`domain.period.day_number`).
    grid : ndarray of float64
        Shape (g, k, 24); NaN where there is no hour.
    """
    owners, times = np.asarray(sites, dtype=np.int64), np.asarray(hours_s, dtype=np.int64) + OFFSET_S
    data = np.asarray(values, dtype=np.float64)
    days = times // DAY_S
    pairs, positions = np.unique(np.column_stack([owners, days]), axis=0, return_inverse=True)
    grid = np.full((len(pairs), HOURS_A_DAY, data.shape[1]), np.nan)
    grid[positions.reshape(-1), times % DAY_S // HOUR_S] = data
    return pairs[:, 0], pairs[:, 1], np.ascontiguousarray(grid.transpose(0, 2, 1))


def daily_mean(hours: Floats, *, minimum_hours: int) -> Statistic:
    """Mean of a natural day's hourly values.

    Parameters
    ----------
    hours : ndarray of float64
        Shape (..., 24); NaN = missing.
    minimum_hours : int
        Hourly values that make the day valid (GB 3095-2026 table 4: 20).

    Returns
    -------
    Statistic
        Shape (...); counts are hours.
    """
    counts = np.count_nonzero(~np.isnan(hours), axis=-1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = np.nansum(hours, axis=-1) / counts
    return Statistic(means, counts, counts >= minimum_hours)


def daily_maximum(hours: Floats, *, minimum_hours: int) -> Statistic:
    """Largest hourly value of a natural day, e.g. O3 maximum 1 h; shapes and validity as `daily_mean`."""
    counts = np.count_nonzero(~np.isnan(hours), axis=-1).astype(np.float64)
    return Statistic(_nan_maximum(hours), counts, counts >= minimum_hours)


def running_mean(hours: Floats, *, minimum_hours: int, window: int = WINDOW_H) -> Statistic:
    """Means over each `window` consecutive hours along the last axis.

    Parameters
    ----------
    hours : ndarray of float64
        Shape (..., h) without gaps in time; NaN = missing.
    minimum_hours : int
        Hourly values that make a window valid (GB 3095-2026 table 4: 6 of 8).
    window : int
        Hours per window.

    Returns
    -------
    Statistic
        Shape (..., h - window + 1): entry i covers hours i to i + window - 1. Empty along the last axis when h <
        window.
    """
    windows = max(hours.shape[-1] - window + 1, 0)
    present = ~np.isnan(hours)
    filled = np.where(present, hours, 0.0)
    sums = np.zeros((*hours.shape[:-1], windows))
    counts = np.zeros_like(sums)
    for offset in range(window if windows else 0):
        sums += filled[..., offset : offset + windows]
        counts += present[..., offset : offset + windows]
    with np.errstate(invalid="ignore"):
        return Statistic(sums / counts, counts, counts >= minimum_hours)


def maximum_8h(hours: Floats, *, minimum_hours: int, minimum_windows: int, limit: float) -> Statistic:
    """Daily maximum 8-hour mean of O3, over the 17 windows that end at 08:00 to 24:00 of the natural day.

    Parameters
    ----------
    hours : ndarray of float64
        Shape (..., 24); µg/m³, NaN = missing.
    minimum_hours : int
        Hourly values of a valid window (6).
    minimum_windows : int
        Valid windows of a valid day (14).
    limit : float
        A day with fewer valid windows still counts when its maximum, rounded half to even, exceeds this.

    Returns
    -------
    Statistic
        Shape (...); the maximum over valid windows, counts are valid windows.

    Notes
    -----
    GB 3095-2026 3.x "within one natural day", HJ 663 6.1.2.
    """
    windows = running_mean(hours, minimum_hours=minimum_hours)
    counts = np.count_nonzero(windows.valid, axis=-1).astype(np.float64)
    maxima = _nan_maximum(windows.valid_values)
    exceeded = half_even(maxima, 0) > limit
    return Statistic(maxima, counts, (counts >= minimum_windows) | exceeded)


def _nan_maximum(values: Floats) -> Floats:
    """Maximum along the last axis, NaN where all are NaN."""
    largest = np.max(np.where(np.isnan(values), -np.inf, values), axis=-1, initial=-np.inf)
    return np.where(largest == -np.inf, np.nan, largest)
