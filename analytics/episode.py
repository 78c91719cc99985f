"""Heavy-pollution episodes: rolling daily AQI, and when the condition of each warning level was met.

A rolling day is the 24 hours up to and including an hour. A run of rolling days above a threshold from hour a to hour b
therefore covers b - a + 24 hours, which is what "lasting 48 hours" counts: two whole days make 48 h, one makes 24 h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import running_mean
from analytics.index import NO_INDEX, daily_index
from domain.standard import Validity, report_items
from domain.warning import Condition, WarningRules

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

DAY_H: Final = 24
#: Pollutants whose episodes are warned of by colour; ozone and dust lead to other advice.
PARTICLES: Final[tuple[str, ...]] = ("pm25", "pm10")


@dataclass(frozen=True, slots=True)
class RollingDays:
    """Rolling daily index per hour; arrays of shape (n,).

    Attributes
    ----------
    aqi : ndarray of int64
        AQI of the 24 hours that end with each hour, of whatever was validly measured; -1 where nothing was.
    particles_lead : ndarray of bool
        Whether PM2.5 or PM10 has the highest index.
    """

    aqi: Integers
    particles_lead: Booleans


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode, hours counted in the series it was found in.

    Attributes
    ----------
    start, end : int
        First hour of the first rolling day above the base threshold, and one past the last hour above it.
    reached : tuple of (rank, hour)
        Each level whose condition was met, ascending, with the last hour of the stretch that met it.
    peak : int
        Highest rolling daily AQI.
    peak_hour : int
        Hour at which it occurred.
    lifted : int or None
        Hour from which the air stayed calm as long as a lift asks for; None when the series ends before.
    """

    start: int
    end: int
    reached: tuple[tuple[int, int], ...]
    peak: int
    peak_hour: int
    lifted: int | None

    @property
    def rank(self) -> int:
        """Rank of the highest level met, 0 when none was."""
        return max((rank for rank, _ in self.reached), default=0)


def rolling_daily_aqi(edition: str, hours: dict[str, Floats], rules: Validity) -> RollingDays:
    """Daily AQI of the 24 hours up to each hour.

    Parameters
    ----------
    edition : str
        AQI edition.
    hours : dict of str to ndarray of float64
        The six pollutants, each of shape (n,), consecutive hours; NaN = missing.
    rules : Validity
        Minima: 20 hours for a mean, 6 of 8 for an O3 window, 14 windows for its maximum.

    Returns
    -------
    RollingDays
        Hours before the 24th have no index.

    Notes
    -----
    Warning plans allow the daily AQI to be counted over any 24 hours. O3 is the highest of the 17 windows within them.
    """
    count = len(next(iter(hours.values())))
    columns = {}
    for item in report_items(edition, "day"):
        if item.optional:
            continue
        series = hours[item.pollutant]
        column = _rolling_maximum_8h(series, rules) if item.column == "o3_8h" else _rolling_mean(series, rules)
        columns[item.column] = column
    result = daily_index(edition, columns)
    particle_at = [at for at, name in enumerate(result.columns) if name in PARTICLES]
    lead = result.iaqi[:, particle_at].max(axis=1) == result.computed_aqi
    aqi = result.computed_aqi.astype(np.int64)
    return RollingDays(aqi.reshape(count), (lead & (aqi > NO_INDEX)).reshape(count))


def _ending(windows: Floats, count: int) -> Floats:
    """Values of windows placed at the hour with which they end."""
    placed = np.full(count, np.nan)
    if len(windows):
        placed[count - len(windows) :] = windows
    return placed


def _rolling_mean(series: Floats, rules: Validity) -> Floats:
    means = running_mean(series, minimum_hours=rules.hours_per_day, window=DAY_H)
    return _ending(means.valid_values, len(series))


def _rolling_maximum_8h(series: Floats, rules: Validity) -> Floats:
    windows = running_mean(series, minimum_hours=rules.hours_per_8h).valid_values
    within = DAY_H - 8 + 1
    if len(windows) < within:
        return np.full(len(series), np.nan)
    view = np.lib.stride_tricks.sliding_window_view(windows, within)
    present = ~np.isnan(view)
    maxima = np.where(present, view, -np.inf).max(axis=1)
    enough = present.sum(axis=1) >= rules.windows_per_day
    return _ending(np.where(enough, maxima, np.nan), len(series))


def runs(mask: Booleans) -> tuple[Integers, Integers]:
    """Starts and (exclusive) ends of each unbroken stretch of True in a 1-D array."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def episodes(days: RollingDays, rules: WarningRules, *, excluded: Booleans | None = None) -> tuple[Episode, ...]:
    """Episodes of particle pollution in a series, with the levels whose conditions were met.

    Parameters
    ----------
    days : RollingDays
        Series of n consecutive hours.
    rules : WarningRules
        Dated conditions.
    excluded : ndarray of bool, optional
        Shape (n,); hours of confirmed dust, wildfire or other causes that are not warned of by colour.

    Returns
    -------
    tuple of Episode
        In order of time. Stretches above the base threshold less than `lift_calm_hours` apart are one episode.
    """
    counted = days.particles_lead if excluded is None else days.particles_lead & ~excluded
    aqi = np.where(counted, days.aqi, NO_INDEX)
    starts, ends = runs(aqi > rules.base)
    if not len(starts):
        return ()
    apart = np.flatnonzero(starts[1:] - ends[:-1] >= rules.lift_calm_hours)
    firsts = starts[np.concatenate(([0], apart + 1))]
    lasts = ends[np.concatenate((apart, [len(ends) - 1]))]
    return tuple(_episode(aqi, int(first), int(last), rules) for first, last in zip(firsts, lasts, strict=True))


def _episode(aqi: Integers, first: int, last: int, rules: WarningRules) -> Episode:
    part = aqi[first:last]
    met = [(rank, hour) for rank in range(1, 5) if (hour := _level_met(part, rank, rules)) is not None]
    peak_hour = int(part.argmax())
    lifted = last + rules.lift_calm_hours
    return Episode(
        start=max(first - DAY_H + 1, 0),
        end=last,
        reached=tuple((rank, first + hour) for rank, hour in met),
        peak=int(part[peak_hour]),
        peak_hour=first + peak_hour,
        lifted=lifted if lifted <= len(aqi) else None,
    )


def _level_met(aqi: Integers, rank: int, rules: WarningRules) -> int | None:
    """First hour at which one alternative of a level has all its conditions met; None when none ever has."""
    hours = []
    for alternative in rules.alternatives(rank):
        met = [_condition_met(aqi, condition) for condition in alternative]
        complete = [hour for hour in met if hour is not None]
        if len(complete) == len(met):
            hours.append(max(complete))
    return min(hours, default=None)


def _condition_met(aqi: Integers, condition: Condition) -> int | None:
    """First hour of `aqi` at which a run above the threshold covers the hours asked for."""
    starts, ends = runs(aqi > condition.above)
    needed = max(condition.hours - DAY_H, 0)
    long = starts[ends - starts > needed]
    return int(long[0]) + needed if len(long) else None
