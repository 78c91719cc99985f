"""Quality tests of readings, each against what the same device says before, after and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.quality import (
    CHANNEL,
    CLOCK,
    CROSS,
    GAP,
    HUMIDITY,
    MAD_SCALE,
    QUALITY_LIMITS,
    RATE,
    SPIKE,
    Booleans,
    Floats,
    Integers,
    Quality,
    QualityLimits,
    combined,
    median,
    verdict,
)
from analytics.screening import screening
from domain.family import AIR
from domain.flag import NOT_EVALUATED, Flags
from domain.quality_table import column_floors
from domain.screening_table import screening_limits

_LIMITS: Final = screening_limits(AIR.key)
_SPIKE_FLOORS: Final = np.array([floor.spike_floor for floor in column_floors()])
_RATES: Final = np.array([floor.rate for floor in column_floors()])
_OPTICAL: Final = np.array([floor.optical for floor in column_floors()])
_TEMPERATURE, _HUMIDITY = AIR.position("temperature"), AIR.position("humidity")
#: Finer particles and the coarser ones that contain them.
_CONTAINED: Final = ((AIR.position("pm25"), AIR.position("pm10")), (AIR.position("pm10"), AIR.position("tsp")))


@dataclass(frozen=True, slots=True)
class ReadingSeries:
    """n readings of air devices, in any order; those of one device and span are one series.

    Attributes
    ----------
    device : ndarray of int64
        Shape (n,); any numbering.
    times_s, spans_s : ndarray of int64
        Shape (n,); start (Unix time) and the seconds covered, 0 = an instant.
    received_s : ndarray of float64
        Shape (n,); Unix times of receipt, NaN = unknown.
    intervals_s : ndarray of int64
        Shape (n,); seconds from one reading of the series to the next, as agreed.
    values : ndarray of float64
        Shape (n, 12); NaN = missing.
    marks : ndarray of uint8
        Shape (n, 12); ASCII codes of the device's letters.
    optical : ndarray of bool
        Shape (n,); whether the device measures particles by light scattering.
    first, second : ndarray of float64
        Shape (n, 12); twin channels, NaN where there are none.
    """

    device: Integers
    times_s: Integers
    spans_s: Integers
    received_s: Floats
    intervals_s: Integers
    values: Floats
    marks: npt.NDArray[np.uint8]
    optical: Booleans
    first: Floats
    second: Floats


def reading_quality(series: ReadingSeries, *, limits: QualityLimits = QUALITY_LIMITS) -> Quality:
    """Every test of readings over a set of them.

    A value is judged against its neighbours in time: pass `ReadingSeries` rows of `spike_reach` intervals and
    `rate_most_s` before and after along and drop their result.

    Parameters
    ----------
    series : ReadingSeries
        The readings.
    limits : QualityLimits, optional
        Thresholds.

    Returns
    -------
    Quality
        Shape (n, 12).
    """
    values = series.values
    groups = np.unique(np.column_stack((series.device, series.spans_s)), axis=0, return_inverse=True)[1].reshape(-1)
    screened = screening(_LIMITS, groups, series.times_s, values=values, marks=series.marks, persistence=False)
    steady = (groups, series.times_s, series.intervals_s)
    ends_s = series.times_s + np.maximum(series.spans_s, 0)
    clock = clock_flags(
        ends_s,
        series.received_s,
        steady=steadily_received(*steady, received_s=series.received_s, limits=limits),
        spans_s=series.spans_s,
        limits=limits,
    )
    wet = humidity_flags(values[:, _TEMPERATURE], values[:, _HUMIDITY], limits=limits)
    optical = series.optical[:, None] & _OPTICAL
    crossed = np.full((len(_CONTAINED), *values.shape), NOT_EVALUATED, dtype=np.uint8)
    for at, pair in enumerate(_CONTAINED):
        crossed[at][:, pair] = cross_flags(values[:, pair[0]], values[:, pair[1]], limits=limits)[:, None]
    return combined(
        screened.flags,
        screened.failed,
        {
            SPIKE: spike_flags(_SPIKE_FLOORS, *steady, values=values, limits=limits),
            RATE: rate_flags(_RATES, *steady[:2], values=values, limits=limits),
            GAP: gap_flags(*steady, limits=limits)[:, None],
            CLOCK: clock[:, None],
            HUMIDITY: np.where(optical, wet[:, None], np.uint8(NOT_EVALUATED)),
            CHANNEL: channel_flags(series.first, series.second, limits=limits),
            CROSS: list(crossed),
        },
    )


def spike_flags(  # noqa: PLR0913 - parallel columns of one table
    floors: npt.ArrayLike,
    groups: npt.ArrayLike,
    times_s: npt.ArrayLike,
    intervals_s: npt.ArrayLike,
    *,
    values: npt.ArrayLike,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """Values far from the median of their neighbours in time, and from the adjacent ones on both sides.

    Parameters
    ----------
    floors : array_like
        Shape (k,); least deviation per column in its unit, NaN = not tested.
    groups, times_s : array_like of int
        Shape (n,); series and Unix time of rows in any order.
    intervals_s : array_like of int
        Shape (n,) or one number; `spike_reach` of them is how far a neighbour may be.
    values : array_like
        Shape (n, k); NaN = missing.
    limits : QualityLimits, optional
        ``spike_*``; the value itself is left out of median and spread.

    Returns
    -------
    ndarray of uint8
        Shape (n, k); `SUSPECT` beyond the floor, `spike_share` of the median and `spike_factor` scaled MAD, when the
        adjacent values (those that are there) differ by `spike_isolation` of the deviation too; `NOT_EVALUATED` when
        the value or too many neighbours are missing.
    """
    data = np.asarray(values, dtype=np.float64)
    owners, times = np.asarray(groups, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    least = np.asarray(floors, dtype=np.float64)
    if not len(data):
        return np.zeros(data.shape, dtype=np.uint8)
    order = np.lexsort((times, owners))
    side = int(limits.spike_neighbours)
    offsets = np.concatenate((np.arange(-side, 0), np.arange(1, side + 1)))
    places = np.arange(len(data))[:, None] + offsets
    inside = (places >= 0) & (places < len(data))
    rows = order[np.clip(places, 0, len(data) - 1)]
    reach = limits.spike_reach * np.broadcast_to(np.asarray(intervals_s), times.shape)[order]
    inside &= (owners[rows] == owners[order][:, None]) & (np.abs(times[rows] - times[order][:, None]) <= reach[:, None])
    flags = np.empty(data.shape, dtype=np.uint8)
    for column in range(data.shape[1]):  # one column at a time bounds the memory
        if np.isnan(least[column]):
            flags[:, column] = NOT_EVALUATED
            continue
        near, own = np.where(inside, data[rows, column], np.nan), data[order, column]
        centre, count = median(near)
        away = np.abs(own - centre)
        beyond = (away > least[column]) & (away > limits.spike_share * np.abs(centre))
        spread = np.full(away.shape, np.inf)
        spread[beyond] = MAD_SCALE * median(np.abs(near[beyond] - centre[beyond, None]))[0]
        beside = np.abs(near[:, side - 1 : side + 1] - own[:, None])
        alone = np.all(np.isnan(beside) | (beside > limits.spike_isolation * away[:, None]), axis=1)
        known = ~np.isnan(away) & (count >= limits.spike_least)
        flags[order, column] = verdict(beyond & alone & (away > limits.spike_factor * spread), known)
    return flags


def rate_flags(
    rates: npt.ArrayLike,
    groups: npt.ArrayLike,
    times_s: npt.ArrayLike,
    *,
    values: npt.ArrayLike,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """Change per hour against the newest reading of the series that is at least `rate_least_s` older.

    Parameters
    ----------
    rates : array_like
        Shape (k,); largest plausible change per hour, NaN = not tested.
    groups, times_s : array_like of int
        Shape (n,); series and Unix time of rows in any order.
    values : array_like
        Shape (n, k); NaN = missing. Of both readings the median of three adjacent ones counts, so that a single spike
        is no change.
    limits : QualityLimits, optional
        ``rate_*``; readings more than `rate_most_s` apart are not compared.

    Returns
    -------
    ndarray of uint8
        Shape (n, k); `NOT_EVALUATED` without such a reading.
    """
    data = np.asarray(values, dtype=np.float64)
    owners, times = np.asarray(groups, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    flags = np.full(data.shape, NOT_EVALUATED, dtype=np.uint8)
    if not len(data):
        return flags
    order = np.lexsort((times, owners))
    sorted_owners, sorted_times, smooth = owners[order], times[order], data[order].copy()
    middle = (sorted_owners[2:] == sorted_owners[:-2])[:, None]
    smooth[1:-1] = np.where(middle, median(np.stack([smooth[:-2], smooth[1:-1], smooth[2:]], axis=-1))[0], smooth[1:-1])
    smooth[np.isnan(data[order])] = np.nan
    scale = np.int64(1) << 33
    key = sorted_owners * scale + sorted_times
    before = np.searchsorted(key, key - int(limits.rate_least_s), side="right") - 1
    apart_s = sorted_times - sorted_times[before]
    comparable = (before >= 0) & (sorted_owners == sorted_owners[before]) & (apart_s <= limits.rate_most_s)
    comparable &= apart_s > 0
    change = np.abs(smooth - smooth[before]) / np.where(comparable, apart_s, 1)[:, None] * 3600
    limit = np.asarray(rates, dtype=np.float64)
    flags[order] = verdict(change > limit, comparable[:, None] & ~np.isnan(change) & ~np.isnan(limit))
    return flags


def gap_flags(
    groups: npt.ArrayLike,
    times_s: npt.ArrayLike,
    intervals_s: npt.ArrayLike,
    *,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """The first reading after an interruption of more than `gap_factor` intervals; shape (n,), rows in any order.

    The first reading of a series is `NOT_EVALUATED`: what came before it is not known.
    """
    owners, times = np.asarray(groups, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    spacing = np.broadcast_to(np.asarray(intervals_s, dtype=np.float64), times.shape)
    order = np.lexsort((times, owners))
    flags = np.full(times.shape, NOT_EVALUATED, dtype=np.uint8)
    same = owners[order][1:] == owners[order][:-1]
    wide = np.diff(times[order]) > limits.gap_factor * spacing[order][1:]
    flags[order[1:]] = verdict(wide, same)
    return flags


def steadily_received(
    groups: npt.ArrayLike,
    times_s: npt.ArrayLike,
    intervals_s: npt.ArrayLike,
    *,
    received_s: npt.ArrayLike,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Booleans:
    """Readings that came at the pace at which they were measured, so that lateness is the fault of a clock.

    What comes faster was sent later from a memory. Shape (n,); True with an adjacent reading in the series (no more
    than `gap_factor` intervals away) and none of them received less than half an interval apart.
    """
    owners, times = np.asarray(groups, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    order = np.lexsort((times, owners))
    received = np.asarray(received_s, dtype=np.float64)[order]
    spacing = np.broadcast_to(np.asarray(intervals_s, dtype=np.float64), times.shape)[order][1:]
    same = owners[order][1:] == owners[order][:-1]
    beside, quick = np.zeros((2, *times.shape), dtype=np.bool_)
    for found, close in (
        (beside, same & (np.diff(times[order]) <= limits.gap_factor * spacing)),
        (quick, same & (np.abs(np.diff(received)) < spacing / 2)),
    ):
        found[1:] |= close
        found[:-1] |= close
    result = np.empty(times.shape, dtype=np.bool_)
    result[order] = beside & ~quick
    return result


def clock_flags(
    stated_s: npt.ArrayLike,
    received_s: npt.ArrayLike,
    *,
    steady: npt.ArrayLike = True,
    spans_s: npt.ArrayLike = 0,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """Skew between the end of the time a reading states and its arrival.

    Parameters
    ----------
    stated_s, received_s : array_like
        Shape (n,); Unix times, NaN = unknown.
    steady : array_like of bool, optional
        Received at the pace of the measurements (`steadily_received`); otherwise lateness is no fault.
    spans_s : array_like, optional
        Seconds each reading covers: means may come so much later.
    limits : QualityLimits, optional
        ``clock_*``.

    Returns
    -------
    ndarray of uint8
        `SUSPECT` more than `clock_ahead_s` ahead or more than `clock_late_s` beyond the span late.
    """
    late = np.asarray(received_s, dtype=np.float64) - np.asarray(stated_s, dtype=np.float64)
    tardy = (late > limits.clock_late_s + np.asarray(spans_s)) & np.asarray(steady, dtype=np.bool_)
    return verdict((late < -limits.clock_ahead_s) | tardy, ~np.isnan(late))


def dew_spread(temperature: npt.ArrayLike, humidity: npt.ArrayLike) -> Floats:
    """Kelvin between air temperature (℃) and dew point by Magnus' formula; NaN without either or at 0 % or less."""
    air, wet = np.asarray(temperature, dtype=np.float64), np.asarray(humidity, dtype=np.float64)
    logarithm = np.log(np.where(wet > 0, wet, np.nan) / 100) + 17.62 * air / (243.12 + air)
    return np.asarray(air - 243.12 * logarithm / (17.62 - logarithm))


def humidity_flags(
    temperature: npt.ArrayLike, humidity: npt.ArrayLike, *, limits: QualityLimits = QUALITY_LIMITS
) -> Flags:
    """Air too wet for light scattering: relative humidity (%) above the limit, or the dew point near; shape (n,).

    `NOT_EVALUATED` without humidity; without temperature humidity alone decides.
    """
    wet = np.asarray(humidity, dtype=np.float64)
    doubtful = (wet > limits.humidity) | (dew_spread(temperature, wet) < limits.dew_spread_k)
    return verdict(doubtful, ~np.isnan(wet))


def channel_flags(first: npt.ArrayLike, second: npt.ArrayLike, *, limits: QualityLimits = QUALITY_LIMITS) -> Flags:
    """Two channels of one sensor (µg/m³, one shape) that differ by more than the amount and the share of their mean.

    `NOT_EVALUATED` when either is missing: one channel alone proves nothing.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    apart = np.abs(a - b)
    doubtful = (apart > limits.channel_difference) & (apart > limits.channel_share * np.abs(a + b) / 2)
    return verdict(doubtful, ~np.isnan(apart))


def cross_flags(fine: npt.ArrayLike, coarse: npt.ArrayLike, *, limits: QualityLimits = QUALITY_LIMITS) -> Flags:
    """Fine particles above the coarser ones that contain them, beyond tolerance (µg/m³, one shape).

    For PM2.5 <= PM10 and PM10 <= TSP; the flag concerns both values. `NOT_EVALUATED` when either is missing.
    """
    small, large = np.asarray(fine, dtype=np.float64), np.asarray(coarse, dtype=np.float64)
    allowed = large + np.maximum(limits.cross_difference, limits.cross_share * large)
    return verdict(small > allowed, ~np.isnan(small + large))
